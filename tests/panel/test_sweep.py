"""A sweep in the panel: several values by the cell's grammar, one price for all, a grid, and nothing twice."""

import json
import random
import re
import time
from collections.abc import Callable
from typing import Any

import pytest

from tests.panel.conftest import View, Wire, sent, wait_until
from tests.panel.test_cell_text import PROMPTS, TEXTS
from venice_widgets.errors import InvalidRequest, VeniceError
from venice_widgets.panel import Panel
from venice_widgets.panel.cell_text import Call, call_of
from venice_widgets.panel.labels import varied_list
from venice_widgets.panel.state import VARIED, State, edited, form_from_wire, started
from venice_widgets.panel.sweep import plan_of
from venice_widgets.plan import runner
from venice_widgets.plan.outlook import RequestBuilder
from venice_widgets.request.catalogue import parse_catalogue
from venice_widgets.request.request import canonical
from venice_widgets.session import Session
from venice_widgets.simulator import Fault
from venice_widgets.simulator.art.painter import paint as scenes

FOXES = {"replace": "fox, owl, bear", "steps": "1..4"}


@pytest.fixture
def cells(wire: Wire) -> dict[int, dict[str, Any]]:
    """What the views were told of the cells of the newest sweep."""
    found: dict[int, dict[str, Any]] = {}
    names: list[str] = []

    def hear(message: dict[str, Any], _: list[bytes]) -> None:
        if message["type"] == "cells":
            if message["sweep"] not in names:
                names.append(message["sweep"])
                found.clear()
            found.update({cell["index"]: cell for cell in message["cells"]})

    wire.listeners.append(hear)
    return found


def vary(view: View, **sweep: str) -> View:
    view.edit(sweep=sweep)
    view.settle()
    return view


def swept(view: View, **sweep: str) -> View:
    if sweep:
        vary(view, **sweep)
    view.generate()
    view.settle(90)
    return view


# The price before the click.


def test_the_whole_grid_and_its_price_stand_on_the_button_before_the_click(open_panel, simulator):
    view = vary(open_panel(seed=7), replace="fox, owl", steps="1..4")
    assert view.slices["quote"]["button"] == "Generate · 8 images · $0.08"
    assert view.slices["quote"]["formula"] == "8 × $0.01 = $0.08"
    plan = view.slices["plan"]
    assert [(axis["label"], axis["count"]) for axis in plan["axes"]] == [("Steps", 4), ("Replace in the prompt", 2)]
    assert plan["cells"] == "8"
    assert sent(simulator) == []


def test_models_with_prices_of_their_own_are_added_up(open_panel):
    view = vary(open_panel(images=2), model="z-image-turbo,gpt-image-2")
    assert view.slices["quote"]["formula"] == "2 × $0.01 + 2 × $0.26 = $0.54 (at most $0.56)"


def test_several_seeds_are_an_axis_of_a_sweep(open_panel):
    view = vary(open_panel(seed="1..3"), steps="2,4")
    assert view.slices["quote"]["button"] == "Generate · 6 images · $0.06"


@pytest.mark.parametrize(
    ("sweep", "said"),
    [
        ({"steps": ""}, "Steps has no values yet."),
        ({"steps": "4"}, "Steps has one value, 4."),
        ({"steps": "4..1"}, "runs backwards"),
        ({"steps": "2,2"}, "is named twice"),
        ({"cfg_scale": "1,x"}, "cannot be read"),
        ({"replace": "wolf, owl"}, "is not in the prompt"),
        ({"replace": "fox"}, "names one text"),
        ({"steps": "1..1000"}, "The sweep has 1,000 cells, more than the panel's 800."),
    ],
)
def test_values_that_make_no_sweep_are_refused_where_they_stand(open_panel, simulator, sweep, said):
    view = swept(open_panel(), **sweep)
    assert said in view.problem
    assert sent(simulator) == []


def test_a_control_without_sweep_takes_one_value_as_ever(open_panel, simulator):
    view = open_panel()
    view.put(cfg_scale="3,5")
    swept(view, steps="1,2")
    assert view.slices["quote"]["field"] == "cfg_scale"
    assert sent(simulator) == []


def test_cells_that_a_model_cannot_make_are_named_and_can_be_left_out(open_panel, simulator):
    view = vary(open_panel(seed=7), model="z-image-turbo,gpt-image-2", width="512,1024")
    assert view.problem.startswith("2 of 4 cells cannot be made by their model.")
    assert view.slices["quote"]["field"] == "skip_invalid"
    for which, why in view.slices["plan"]["invalid"]:
        assert "model gpt-image-2" in which
        assert "width" in why
    view.generate()
    view.settle()
    assert sent(simulator) == []
    view.edit(skip_invalid=True)
    view.settle()
    swept(view)
    assert sorted(body["width"] for body in sent(simulator)) == [512, 1024]


def test_a_click_at_another_sweep_than_the_one_shown_sends_nothing_and_shows_the_difference(open_panel, simulator):
    view = vary(open_panel(seed=7), steps="1..4")
    view.hold = []
    view.edit(sweep={"steps": "1..4", "cfg_scale": "3,5"})
    view.generate()  # the price on the screen is still that of four images
    for message in view.hold:
        view.deliver(message)
    view.settle()
    assert sent(simulator) == []
    assert "The price shown was 4 × $0.01 = $0.04; it is now 8 × $0.01 = $0.08." in view.words
    assert "The panel showed 4 of 4 cells to be sent; it is now 8 of 8." in view.words


def test_a_sweep_whose_price_rose_since_it_was_shown_is_not_sent(open_panel, session, simulator, monkeypatch):
    view = vary(open_panel(seed=7), steps="1..4")
    answer = json.loads(session.client.get("/models", type="image"))
    for entry in answer["data"]:
        if entry["id"] == "z-image-turbo":
            entry["model_spec"]["pricing"]["generation"] = {"usd": 0.2, "diem": 0.2}
    names = json.dumps({"data": {"default": "z-image-turbo"}}).encode()
    dearer = parse_catalogue(json.dumps(answer).encode(), names)
    monkeypatch.setattr(session, "catalogue", lambda **_: dearer)
    swept(view)
    assert sent(simulator) == []
    assert "it is now 4 × $0.20 = $0.80" in view.words


def test_another_session_than_the_one_shown_sends_nothing(wire, session, simulator):
    from venice_widgets import current

    view = View(Panel(prompt="A fox", seed=7, sweep={"steps": "1,2"}), wire)
    view.settle()
    current.use_demo(on=True)
    view.generate()
    view.settle()
    assert sent(simulator) == []
    assert "it is now “Demo" in view.words
    view.panel.close()


def test_above_the_limit_the_whole_sweep_is_asked_about_and_only_that_answer_sends(open_panel, simulator):
    view = vary(open_panel(model="gpt-image-2", seed=7), replace="fox, owl, bear, hen")
    view.generate()
    question = view.slices["question"]
    assert question["button"] == "Spend up to $1.08"
    time.sleep(0.8)
    view.say(type="decline")
    view.settle()
    assert sent(simulator) == []
    view.generate()
    question = view.slices["question"]
    time.sleep(0.8)
    view.say(type="confirm", id=question["id"])
    view.settle(90)
    assert len(sent(simulator)) == 4


@pytest.mark.parametrize("limit", ["max_cost_usd = 0.05", "session_budget_usd = 0.05"])
def test_limits_and_budgets_hold_for_the_whole_sweep(open_panel, session, simulator, limit):
    session.settings.store.mkdir(parents=True)
    (session.settings.store / "config.toml").write_text(f"{limit}\n")
    view = vary(open_panel(seed=7), steps="1..8")
    assert "$0.08" in view.problem
    view.generate()
    view.settle()
    assert sent(simulator) == []


# The grid.


def test_the_grid_fills_with_seeds_prices_and_tiles(open_panel, simulator, cells):
    view = swept(open_panel(seed=7), **FOXES)
    assert len(sent(simulator)) == 12
    assert {body["prompt"] for body in sent(simulator)} == {"A fox", "A owl", "A bear"}
    assert {body["steps"] for body in sent(simulator)} == {1, 2, 3, 4}
    sweep = view.slices["sweep"]
    assert [axis["name"] for axis in sweep["axes"]] == ["steps", "“fox”"]
    assert sweep["axes"][1]["labels"] == ["fox", "owl", "bear"]
    assert (sweep["rows"], sweep["columns"], sweep["pages"]) == ([0], [1], [])
    assert len(cells) == 12
    assert {cell["caption"] for cell in cells.values()} == {"seed 7 · $0.01"}
    assert view.images.keys() == {f"tile:{cell['key']}" for cell in cells.values()}
    assert view.slices["outcome"] == "12 of 12 images · $0.12 spent"
    assert len(view.panel.grid) == 12
    assert view.panel.wait() is view.panel.grid


def test_refused_and_failed_cells_say_why(open_panel, simulator, cells):
    simulator.add_fault(Fault("violation", times=1))
    view = swept(open_panel(seed=7), steps="1..3")
    texts = [cell["text"] for cell in cells.values() if "text" in cell]
    assert len(texts) == 1
    assert texts[0].startswith("refused, not charged")
    assert "1 refused, not charged" in view.slices["outcome"]


def test_a_view_that_is_opened_later_is_sent_the_whole_grid_but_no_tile_twice(open_panel, wire, cells):
    view = swept(open_panel(seed=7), steps="1..3")
    cells.clear()
    other = View(view.panel, wire, "view-b")
    other.settle()
    assert len(cells) == 3
    assert other.images.keys() == view.images.keys()
    wire.clear()
    other.say(type="hello", have=list(other.images))
    other.settle()
    assert wire.bytes < 20_000


@pytest.mark.parametrize("paint", [scenes], ids=[""])  # tiles of a usual size
def test_a_sweep_of_forty_crosses_as_its_tiles_and_little_more(high_rate_limit, open_panel, wire, cells):
    view = vary(open_panel(seed="1..20", hide_watermark=True), steps="1,2")
    wire.clear()
    swept(view)
    tiles = sum(map(len, view.images.values()))
    assert len(view.images) == 40
    assert wire.bytes < 1.2 * tiles


def test_use_these_settings_puts_the_coordinates_of_a_cell_into_the_form(open_panel, simulator, cells):
    view = swept(open_panel(seed=7, cfg_scale=4), **FOXES)
    index = next(i for i, cell in cells.items() if cell["at"] == [2, 1])
    view.act("cell", sweep=view.slices["sweep"]["name"], index=index)
    view.settle()
    assert view.form["prompt"] == "A owl"
    assert view.form["values"] == {"steps": 3, "cfg_scale": 4}
    assert (view.form["seed_mode"], view.form["seed"], view.form["sweep"]) == ("fixed", "7", {})
    assert view.slices["quote"]["button"] == "Show from the log · no cost"


def test_a_cell_of_a_sweep_that_is_gone_changes_nothing(open_panel):
    view = swept(open_panel(seed=7), steps="1,2")
    before = view.form
    view.act("cell", sweep="sweep-0", index=0)
    view.settle()
    assert view.form == before


# Nothing twice.


def test_the_same_sweep_again_is_shown_from_the_log_and_an_enlarged_one_sends_what_is_missing(
    open_panel, simulator, cells
):
    view = swept(open_panel(seed=7), steps="1..3")
    vary(view, steps="1..4")
    assert view.slices["quote"]["button"] == "Generate · 1 image · $0.01"
    assert view.slices["plan"]["cells"] == "4 · 3 are in the log, at no cost"
    swept(view)
    assert len(sent(simulator)) == 4
    assert len(view.images) == 4
    assert view.slices["quote"]["button"] == "Show from the log · no cost"
    time.sleep(0.7)
    swept(view)
    assert len(sent(simulator)) == 4
    assert {cell["caption"] for cell in cells.values()} == {"seed 7 · from the log"}
    view.edit(again=True)
    view.settle()
    assert view.slices["quote"]["button"] == "Generate · 4 images · $0.04"


def test_a_cell_in_flight_is_never_called_unsent(high_rate_limit, open_panel, simulator, cells):
    simulator.add_fault(Fault("hang"))
    view = vary(open_panel(), cfg_scale="3,5,7")
    view.generate()
    wait_until(lambda: sum("key" in cell for cell in cells.values()) == 2)
    (flying,) = (cell for cell in cells.values() if "text" in cell)
    assert flying["text"].startswith("in flight, may be charged (run ")
    assert "1 in flight" in view.slices["outcome"]
    assert "up to $0.01 more may have been charged" in view.slices["outcome"]
    view.say(type="cancel")
    wait_until(lambda: not cells[flying["index"]]["waiting"])
    assert cells[flying["index"]]["text"] == flying["text"]
    assert "2 of 3 images arrived, $0.02 spent, 1 in flight that may be charged." in view.words
    view.panel._controller.sending.last.sweep._run.sender.abort()


def test_cancel_stops_sending_and_the_same_sweep_sends_only_what_is_missing_with_the_same_seed(
    high_rate_limit, open_panel, session, simulator
):
    simulator.add_fault(Fault("slow", seconds=0.3, times=None))
    view = vary(open_panel(), cfg_scale="0.5..20 (+0.5)")  # the seed is drawn once for the sweep
    view.generate()
    wait_until(lambda: len(sent(simulator)) >= 8)
    view.say(type="cancel")
    wait_until(lambda: not view.panel._controller.sending.jobs)
    wait_until(lambda: len(view.panel.grid) == len(sent(simulator)))
    stopped_at = len(sent(simulator))
    assert stopped_at < 40
    wait_until(lambda: "stopped:" in view.words)
    simulator.clear_faults()
    view.panel._controller.look_again()
    view.settle()
    assert view.slices["quote"]["button"].startswith(f"Generate · {40 - stopped_at} images")
    swept(view)
    bodies = sent(simulator)
    assert len(bodies) == 40
    assert len({body["seed"] for body in bodies}) == 1
    assert sorted(body["cfg_scale"] for body in bodies) == [number / 2 for number in range(1, 41)]


def test_a_sweep_and_an_image_wait_for_each_other_in_the_queue(open_panel, simulator):
    simulator.add_fault(Fault("slow", seconds=0.2, times=None))
    view = vary(open_panel(seed=7), steps="1..4")
    view.generate()
    view.edit(sweep={})
    wait_until(lambda: view.slices["quote"]["button"] == "Add to queue · $0.01")
    view.generate()
    assert [job["label"] for job in view.slices["jobs"]["jobs"]] == ["Sweep, 4 images", "1 × z-image-turbo"]
    assert view.slices["jobs"]["sum"] == "$0.05 in all" or view.slices["jobs"]["sum"] == "$0.05"
    view.settle(90)
    assert len(sent(simulator)) == 5
    assert len(view.cards) == 1
    assert len(view.panel.grid) == 4


# What stays.


def test_the_saved_output_shows_images_seeds_and_prices_and_records_each(open_panel, monkeypatch):
    from venice_widgets.panel.saved_output import SavedOutput

    written: list[Any] = []
    monkeypatch.setattr(SavedOutput, "show", lambda _, kept: written.append(kept.bundle()))
    view = open_panel(seed=3)
    view.generate()
    view.settle()
    view.act("pin", key=view.cards[0]["key"])
    view.settle()
    swept(view, steps="1..3")
    html = written[-1].data["text/html"]
    assert html.count("<img") == 4
    assert len(re.findall(r"seed 3 · <span>\$</span>0\.01", html)) == 3
    assert "<th" in html
    runs = written[-1].metadata["venice"]["runs"]
    assert len(runs) == 4
    assert {run["image"]["seed"] for run in runs} == {3}


# Copying.


def random_form(chance: random.Random) -> Any:
    values = {"negative_prompt": TEXTS, "cfg_scale": ("7.5", 3), "safe_mode": (False,), "format": ("png",)}
    axes = {
        "model": ("z-image-turbo,venice-sd35", "venice-sd35,z-image-turbo"),
        "steps": ("1..3", "2,4", "1-10 (+4)", "1..9 [3]"),
        "cfg_scale": ("3-9 (+2)", "0.5..1 [3]", "3,7.5"),
        "format": ("png,webp",),
        "hide_watermark": ("on,off", "off,on"),
        "style_preset": ("Anime,Analog Film", '"Anime",3D Model'),
        "replace": ("fox, owl", 'A, "An, other", the', "fox,{{ x }}"),
        "lora_strength": ("0..100 (+50)",),
    }
    names = chance.sample(sorted(axes), k=chance.randint(1, 3))
    return started(
        model=chance.choice(["z-image-turbo", "venice-sd35"]),
        prompt=chance.choice([f"A fox {text}" for text in PROMPTS] + ["A fox"]),
        images=chance.choice(["1", "2"]),
        seed=chance.choice(["", "41", "7,9", "1..3", "-3..-1"]),
        values={name: chance.choice(found) for name, found in values.items() if chance.random() < 0.3},
        sweep={name: chance.choice(axes[name]) for name in names},
    ).form


def bodies(plan: Any, session: Session) -> list[tuple[bytes, dict[str, str]]]:
    """Every request on the wire, in order, with its coordinates; drawn seeds as if they were drawn the same."""
    builder = RequestBuilder(session.catalogue(), session.client.fetch_reference)
    seeds = list(dict.fromkeys(cell.seed for cell in plan))
    found = []
    for cell in plan:
        seed = seeds.index(cell.seed) if plan.seed_drawn else cell.seed
        where = {name: "" if plan.seed_drawn and name == "seed" else at for name, at in cell.coordinates.items()}
        found.append((canonical(builder.build(cell).body(seed)), where))
    return found


@pytest.mark.parametrize("text_of", [Call.cell, Call.python], ids=["cell", "python"])
def test_the_copy_of_random_sweeps_makes_the_same_requests(
    text_of: Callable[[Any], str], shell, session, monkeypatch, capsys
):
    planned: list[Any] = []

    def prepare(plan: Any, *_: Any, **__: Any) -> Any:
        planned.append(plan)
        raise VeniceError("not sent: this is a test.")

    monkeypatch.setattr(runner, "prepare_run", prepare)
    session.catalogue()
    compared = 0
    for number in range(300):
        form = random_form(random.Random(number))
        try:
            wanted = bodies(plan_of(form, session), session)
        except VeniceError:
            continue
        planned.clear()
        shell.run_cell(text_of(call_of(form)))
        assert len(planned) == 1, (number, form, text_of(call_of(form)), capsys.readouterr())
        assert bodies(planned[0], session) == wanted, (number, form, text_of(call_of(form)))
        compared += 1
    assert compared > 150


def test_a_copied_sweep_reads_as_one_would_write_it(open_panel):
    view = vary(open_panel(model="z-image-turbo", seed=7), steps="10..30 (+10)", replace="fox, owl")
    assert view.panel.to_cell() == (
        "%%venice --model z-image-turbo --steps '10..30 (+10)' --seed 7 --replace 'fox, owl'\nA fox"
    )
    assert view.panel.to_python() == (
        "import venice_widgets\n\nsession = venice_widgets.current_session()\nplan = session.plan(\n    'A fox',\n"
        "    model='z-image-turbo',\n    seed='7',\n    steps='10..30 (+10)',\n    search_replace='fox, owl',\n)\n"
        "grid = plan.run()\ngrid"
    )


# The state.


def test_a_view_can_vary_only_what_the_grammar_takes_several_values_of(session):
    assert {"model", "steps", "cfg_scale", "width", "resolution", "safe_mode", "replace"} <= VARIED
    assert not {"seed", "prompt", "negative_prompt", "style_references", "anon_user_id"} & VARIED
    for model in session.catalogue().models:
        assert set(varied_list(model)) <= VARIED
    with pytest.raises(ValueError, match="cannot vary"):
        edited(State(), "a", 1, {"sweep": {"seed": "1..3"}}, None)
    form = started("m", "p", "1", "", {}, {"steps": "1..3"}).form
    assert form_from_wire(form.wire()) == form


def test_a_program_sends_a_sweep_and_waits_for_its_grid(wire, session, simulator):
    panel = Panel(session, prompt="A fox", seed=7, sweep={"steps": "1,2"})
    panel.generate()
    grid = panel.wait(60)
    assert [image.request["steps"] for image in grid] == [1, 2]
    panel.close()
    with pytest.raises(ValueError, match="cannot vary"):
        Panel(session, sweep={"prompt": "a,b"})


def test_a_prompt_in_braces_is_sent_as_it_stands(open_panel, simulator):
    swept(open_panel(prompt="A {{ fox }}", seed=7), steps="1,2")
    assert {body["prompt"] for body in sent(simulator)} == {"A {{ fox }}"}


def test_an_empty_prompt_has_a_price_and_is_not_sent(open_panel, simulator):
    view = swept(open_panel(prompt="", seed=7), steps="1,2")
    assert view.slices["quote"]["button"] == "Generate · 2 images · $0.02"
    assert sent(simulator) == []
    with pytest.raises(InvalidRequest):
        view.panel.generate()
