"""Running a plan: what is refused before, what arrives, what a failure costs, and what is sent when it is run again."""

import gc
import json
import sys
import threading
import time
from collections import Counter
from dataclasses import replace
from decimal import Decimal
from pathlib import Path
from types import SimpleNamespace

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from PIL import Image

from tests.plan.conftest import KEY
from tests.published_schema import assert_published
from venice_widgets.errors import (
    CredentialsRefused,
    GenerationIncomplete,
    Interrupted,
    InvalidRequest,
    ModelUnavailable,
    PaymentRequired,
    SpendingRefused,
    StoreError,
)
from venice_widgets.generation.error_budget import MOST_UNKNOWN_IN_A_ROW
from venice_widgets.generation.rate_limiter import RateLimiter
from venice_widgets.log import Status
from venice_widgets.media import preview, stored_preview
from venice_widgets.plan import Plan, permit, runner
from venice_widgets.plan.results import ELSEWHERE, NOT_SENT, CellResult
from venice_widgets.plan.runner import run_plan
from venice_widgets.plan.sender import PlanSender
from venice_widgets.plan.tiles import Tiles
from venice_widgets.request.catalogue import Catalogue
from venice_widgets.session import Session
from venice_widgets.simulator import Fault, Simulator, generation

SMALL = {"width": 64, "height": 64}


def key(body):
    return json.dumps(body, sort_keys=True)


# Before it is sent.


def test_the_price_is_exact_and_the_sum_of_different_prices(session):
    plan = session.plan("A fox", model=["z-image-turbo", "qwen-image"], seed="1..3")

    assert plan.price_usd == 3 * Decimal("0.01") + 3 * Decimal("0.03")
    assert plan.shown.estimate.formula == "3 × $0.01 + 3 × $0.03 = $0.12"


def test_an_unknown_price_makes_the_sum_unknown_and_is_refused_under_a_limit(session, new_session, sent):
    entry = {
        "id": "mystery",
        "type": "image",
        "model_spec": {"name": "Mystery", "constraints": {"promptCharacterLimit": 100}, "traits": []},
    }
    session = new_session(Simulator(requests_per_minute=None, extra_entries=[entry]))
    plan = session.plan("A fox", model=["z-image-turbo", "mystery"], seed=1)

    assert plan.price_usd is None
    with pytest.raises(SpendingRefused, match="unknown"):
        plan.run(max_cost_usd=5)
    assert sent() == []


def test_cells_that_their_model_cannot_make_are_listed_and_nothing_is_sent(session, sent):
    plan = session.plan("A fox", model=["z-image-turbo", "venice-sd35"], steps=[8, 20], seed=1, **SMALL)

    with pytest.raises(InvalidRequest, match="1 of 4 cells") as refused:
        plan.run()

    assert "steps 20" in str(refused.value)
    assert "z-image-turbo" in str(refused.value)
    assert "1 of 4" in plan.bundle().data["text/plain"] or "1 cannot be made" in plan.bundle().data["text/plain"]
    assert sent() == []


def test_skip_invalid_leaves_them_out_and_shows_why(session, sent):
    grid = session.plan(
        "A fox", model=["z-image-turbo", "venice-sd35"], steps=[8, 20], seed=1, skip_invalid=True, **SMALL
    ).run()

    assert len(sent()) == len(grid) == 3
    assert "20" in grid.cell(1).result.text


def test_a_plan_of_nothing_but_invalid_cells_is_refused_with_skip_invalid_too(session, sent):
    with pytest.raises(InvalidRequest, match="2 of 2"):
        session.plan("A fox", model="z-image-turbo", steps=[50, 60], seed=1, skip_invalid=True).run()
    assert sent() == []


def test_the_question_comes_after_every_refusal_that_needs_none(session, sent, monkeypatch):
    monkeypatch.setenv("VENICE_CONFIRM_ABOVE", "0.01")
    asked = []

    def ask(question):
        asked.append(question)
        return True

    plan = session.plan("A fox", seed="1..3", steps=[1, 2], **SMALL)
    with pytest.raises(SpendingRefused):
        run_plan(plan, session, max_cost_usd="0.05", ask=ask)
    with pytest.raises(InvalidRequest):
        run_plan(session.plan("A fox", steps=[8, 99], seed=1), session, ask=ask)
    assert asked == []

    assert len(run_plan(plan, session, ask=ask)) == 6
    assert len(asked) == 1
    assert "$0.06" in asked[0]


def test_a_budget_that_does_not_cover_the_plan_refuses_before_asking(new_session, sent, monkeypatch):
    monkeypatch.setenv("VENICE_CONFIRM_ABOVE", "0.01")
    (Path.cwd() / ".venice").mkdir(exist_ok=True)
    (Path.cwd() / ".venice" / "config.toml").write_text('day_budget_usd = "0.05"\n')
    session, asked = new_session(), []

    with pytest.raises(SpendingRefused, match="day's budget"):
        run_plan(session.plan("A fox", seed="1..3", steps=[1, 2], **SMALL), session, ask=asked.append)

    assert asked == []
    assert sent() == []


def test_declining_sends_nothing(session, sent, monkeypatch):
    monkeypatch.setenv("VENICE_CONFIRM_ABOVE", "0.01")

    with pytest.raises(SpendingRefused):
        run_plan(session.plan("A fox", seed="1..3", **SMALL), session, ask=lambda _: False)
    assert sent() == []


def test_a_price_that_rose_since_it_was_shown_is_refused(session, sent):
    plan = session.plan("A fox", model=["z-image-turbo", "venice-sd35"], seed=1, **SMALL)
    before = plan.outlook()
    cheap = tuple(
        replace(line, unit_usd=Decimal("0.001"), guard_unit_usd=Decimal("0.001")) for line in before.estimate.lines
    )
    plan._seen[:] = [replace(before, estimate=replace(before.estimate, lines=cheap))]

    with pytest.raises(SpendingRefused, match="shown at"):
        plan.run()
    assert sent() == []


def test_without_a_key_nothing_is_sent(simulator, sent):
    session = Session(transport=simulator.transport())
    with pytest.raises(CredentialsRefused):
        session.plan("A fox", steps=[1, 2], seed=1).run()
    assert sent() == []


# The cells are the requests.

models = st.sampled_from(["z-image-turbo", "venice-sd35", "qwen-image", "gpt-image-2", "flux-2-max", "nano-banana-2"])


@settings(max_examples=12, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(
    st.lists(models, min_size=1, max_size=3, unique=True),
    st.lists(st.sampled_from(["fox", "owl", "bear"]), min_size=1, max_size=2, unique=True),
    st.lists(st.integers(-999, 999), min_size=1, max_size=3, unique=True),
    st.booleans(),
)
def test_the_cells_of_a_plan_are_the_requests_that_arrive(tmp_path_factory, chosen, animals, seeds, scaled):
    world = Simulator(requests_per_minute=None, balance_usd=1000, paint=lambda _: PIXEL)
    session = Session(
        api_key="VENICE_INFERENCE_KEY_0123456789abcdef",
        transport=world.transport(),
        store=tmp_path_factory.mktemp("store"),
    )
    session._pace = RateLimiter(None)
    fields = {"cfg_scale": [3, 7.5]} if scaled else {}
    plan = session.plan("A {{ animal }}", animal=animals, model=chosen, seed=seeds, **fields)

    plan.run(yes=True)

    arrived = [request.json for request in world.requests if request.path == "/image/generate"]
    expected = [{"prompt": cell.prompt, **cell.fields, "seed": cell.seed} for cell in plan]
    assert sorted(map(key, arrived)) == sorted(map(key, expected))
    assert_published(*arrived)
    assert len(arrived) == len(chosen) * len(animals) * len(seeds) * (2 if scaled else 1)
    session.close()


PIXEL = bytes.fromhex(
    "89504e470d0a1a0a0000000d49484452000000010000000108000000003a7e9b55"
    "0000000a49444154789c636000000002000148afa4710000000049454e44ae426082"
)


def test_every_image_is_on_record_with_its_place_in_the_plan(session):
    plan = session.plan("A {{ animal }}", animal=["fox", "owl"], seed=[1, 2], **SMALL)
    grid = plan.run()

    for cell in grid.cells:
        draft = session.log.get(cell.result.run_id).draft
        assert draft.context["plan"] == {"id": plan.plan_id, "cell": dict(cell.coordinates), "index": cell.index}
        assert draft.seed == cell.seed


def test_enhancement_is_paid_once_for_each_prompt_and_all_cells_send_the_same_text(session, simulator, sent):
    plan = session.plan("A {{ animal }}", animal=["fox", "owl"], steps=[4, 8], seed=1, enhance_prompt=True, **SMALL)
    assert plan.shown.estimate.upper_bound_usd == 4 * Decimal("0.01") + 2 * Decimal("0.04")

    before = simulator.balance_usd()
    grid = plan.run()

    assert len(grid) == 4
    assert before - simulator.balance_usd() == grid.spent_usd == Decimal("0.12")
    assert sum(bool(body.get("enhance_prompt")) for body in sent()) == 2
    again = session.plan(
        "A {{ animal }}", animal=["fox", "owl"], steps=[4, 8], seed=1, enhance_prompt=True, **SMALL
    ).run()
    assert len(again) == 4
    assert len(sent()) == 4


# Again.


def test_run_again_sends_nothing_and_says_so(session, sent):
    arguments = {"steps": [1, 2], "seed": [1, 2], **SMALL}
    session.plan("A fox", **arguments).run()

    plan = session.plan("A fox", **arguments)
    assert "4 are in the log" in plan.bundle().data["text/plain"]
    grid = plan.run()

    assert len(sent()) == 4
    assert len(grid.images) == 4
    assert grid.spent_usd == 0
    assert "4 from the log" in grid.summary


def test_a_larger_plan_sends_only_what_is_new(session, sent):
    session.plan("A fox", steps=[1, 2], seed=1, **SMALL).run()

    grid = session.plan("A fox", steps=[1, 2, 3], seed=1, **SMALL).run()

    assert len(sent()) == len(grid) == 3
    assert grid.spent_usd == Decimal("0.01")


def test_again_sends_all_anew(session, sent):
    for _ in range(2):
        session.plan("A fox", steps=[1, 2], seed=1, **SMALL).run(again=True)

    assert len(sent()) == 4


def test_drawn_seeds_are_new_ones_once_the_plan_is_finished(session, sent):
    for _ in range(2):
        session.plan("A fox", steps=[1, 2], **SMALL).run()

    assert len({body["seed"] for body in sent()}) == 2
    assert len(sent()) == 4


def test_drawn_seeds_of_a_plan_that_was_not_finished_are_used_again(session, simulator, sent):
    simulator.add_fault(Fault("500", times=1))
    with pytest.raises(GenerationIncomplete):
        session.plan("A fox", steps=[1, 2, 3], **SMALL).run()

    plan = session.plan("A fox", steps=[1, 2, 3], **SMALL)
    grid = plan.run(resend_unknown=True)

    assert len({body["seed"] for body in sent()}) == 1
    assert len(sent()) == 4
    assert len(grid) == 3


# Failures.


def test_one_failed_cell_loses_nothing_else(session, simulator, sent):
    simulator.add_fault(Fault("500", times=1))

    with pytest.raises(GenerationIncomplete, match="1 of 6") as failed:
        session.plan("A fox", steps=[1, 2, 3], seed=[1, 2], **SMALL).run()

    grid = failed.value.generation
    assert len(grid) == 5
    assert grid.spent_usd == Decimal("0.05")
    assert grid.unknown_usd == Decimal("0.01")


def test_what_may_have_been_charged_is_not_sent_again_unasked(session, simulator, sent):
    simulator.add_fault(Fault("500", times=1))
    arguments = {"steps": [1, 2, 3], "seed": 1, **SMALL}
    with pytest.raises(GenerationIncomplete):
        session.plan("A fox", **arguments).run()

    with pytest.raises(GenerationIncomplete, match="may have been charged before"):
        session.plan("A fox", **arguments).run()
    assert len(sent()) == 3

    assert len(session.plan("A fox", **arguments).run(resend_unknown=True)) == 3
    assert len(sent()) == 4


def test_refused_images_cost_nothing_and_are_no_failure(session, simulator):
    simulator.add_fault(Fault("violation", times=2))
    grid = session.plan("A fox", steps=[1, 2, 3], seed=[1, 2], **SMALL).run()

    assert len(grid) == 4
    assert grid.spent_usd == Decimal("0.04")
    assert "2 refused, not charged" in grid.summary
    assert "content violation" in grid.bundle().data["text/html"]


def test_a_plan_stops_at_the_first_4xx_of_a_kind_with_one_message(session, simulator, sent):
    simulator.add_fault(Fault("400", times=None, model="venice-sd35"))

    with pytest.raises(GenerationIncomplete) as failed:
        session.plan(
            "A fox", model=["z-image-turbo", "venice-sd35"], steps=[1, 2, 3, 4, 5, 6], seed="1..5", **SMALL
        ).run()

    refused = [body for body in sent() if body["model"] == "venice-sd35"]
    assert 1 <= len(refused) <= 8
    assert len(failed.value.generation) == 30
    assert len(failed.value.errors) == 1


@pytest.mark.parametrize(("kind", "error"), [("402-key", PaymentRequired), ("401", CredentialsRefused)])
def test_a_balance_or_key_that_fails_stops_everything(session, simulator, sent, kind, error):
    simulator.add_fault(Fault(kind, times=None, seed=4))

    with pytest.raises(GenerationIncomplete) as failed:
        session.plan("A fox", steps=[1, 2, 3, 4, 5, 6], seed="1..5", **SMALL).run()

    assert isinstance(failed.value.errors[0], error)
    assert len(sent()) < 30
    simulator.clear_faults()
    grid = session.plan("A fox", steps=[1, 2, 3, 4, 5, 6], seed="1..5", **SMALL).run()
    assert len(grid) == 30
    charged = [key(body) for body in sent()]
    assert len(set(charged)) == 30


def test_a_service_that_only_fails_is_given_up_after_a_few(session, simulator, sent):
    simulator.add_fault(Fault("500", times=None))

    with pytest.raises(GenerationIncomplete):
        session.plan("A fox", steps="1..8", seed="1..9", **SMALL).run(yes=True)

    assert len(sent()) <= MOST_UNKNOWN_IN_A_ROW + 8


def test_an_interrupt_sends_nothing_more_and_the_same_plan_goes_on(session, simulator, sent, new_session):
    slow = Simulator(requests_per_minute=None, seconds_per_image=0.3)
    session = new_session(slow)
    plan = session.plan("A fox", steps="1..8", seed="1..4", **SMALL)

    def interrupt(grid, _):
        if len(grid) >= 2:
            raise KeyboardInterrupt

    with pytest.raises(Interrupted, match="only what is missing") as stopped:
        run_plan(plan, session, watch=interrupt)

    assert len(stopped.value.generation) >= 2
    bodies = lambda: [request.json for request in slow.requests if request.path == "/image/generate"]  # noqa: E731
    time.sleep(1)
    first = len(bodies())
    assert first < 32
    assert len(plan.run()) == 32
    assert len(bodies()) == len(set(map(key, bodies()))) == 32


def test_a_budget_in_the_middle_stops_it_and_loses_nothing(new_session, tmp_path):
    """Another program spends meanwhile: what was allowed as a whole is refused request by request."""
    (tmp_path / "work" / ".venice").mkdir()
    (tmp_path / "work" / ".venice" / "config.toml").write_text('project_budget_usd = "0.30"\n')
    world = Simulator(requests_per_minute=None, seconds_per_image=0.8)
    session, other = new_session(world), new_session(world)
    bought = []

    def spend(_, __):
        if not bought:
            bought.append(other.generate("An owl", images=8, seed=1, **SMALL))

    with pytest.raises(GenerationIncomplete, match="budget") as stopped:
        run_plan(session.plan("A fox", steps="1..6", seed="1..5", **SMALL), session, watch=spend)

    bodies = [request.json for request in world.requests if request.path == "/image/generate"]
    grid = stopped.value.generation
    assert len(grid) == len([body for body in bodies if body["prompt"] == "A fox"]) == 22
    assert grid.spent_usd == Decimal("0.22")
    assert session.log.spent().total_usd == Decimal("0.30")


def test_two_programs_with_one_store_share_a_plan_and_buy_each_image_once(new_session, simulator, sent):
    world = Simulator(requests_per_minute=None, seconds_per_image=0.02)
    first, second = new_session(world), new_session(world)
    grids = {}

    def run(name, session):
        grids[name] = session.plan("A fox", steps="1..8", seed="1..4", **SMALL).run(yes=True)

    threads = [threading.Thread(target=run, args=each) for each in (("first", first), ("second", second))]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()

    bodies = [request.json for request in world.requests if request.path == "/image/generate"]
    assert len(bodies) == len(set(map(key, bodies))) == 32
    assert len(grids["first"]) == len(grids["second"]) == 32
    assert grids["first"].spent_usd + grids["second"].spent_usd == Decimal("0.32")


def test_a_plan_from_a_file_runs_in_the_session_in_use(session, sent):
    text = session.plan("A fox", steps=[1, 2], seed=1, **SMALL).to_json()

    assert len(Plan.from_json(text).run()) == 2


def test_the_status_of_every_cell_is_told(session, simulator):
    simulator.add_fault(Fault("violation"))
    grid = session.plan("A fox", steps=[1, 2], seed=1, **SMALL).run()

    assert sorted(cell.result.status for cell in grid.cells) == [Status.REFUSED, Status.SUCCEEDED]


def test_the_price_is_told_before_anything_is_sent(session, monkeypatch, capsys):
    told, start = [], PlanSender.start
    monkeypatch.setattr(PlanSender, "start", lambda sender: (told.append(capsys.readouterr().err), start(sender))[1])
    session.plan("A fox", seed="1..3").run(yes=True)
    assert told == ["3 × $0.01 = $0.03\n"]


def living(names):
    """How many objects of these classes are in memory."""
    gc.collect()
    every = Counter(type(each).__name__ for each in gc.get_objects())
    return {name: every[name] for name in names}


def test_a_cell_that_has_ended_leaves_its_result_in_memory_and_neither_request_nor_response_nor_image(
    session, monkeypatch
):
    monkeypatch.setattr(stored_preview, "RECENT_BYTES", 0)  # the previews at hand are bounded; here there are none
    large = ("Run", "RunDraft", "GenerationRequest", "ImageResponse", "Preview", "Image", "ImageRecord", "RunOutcome")
    before, results_before = living(large), living(["CellResult"])["CellResult"]

    grid = session.plan("A fox", seed=range(100, 140), **SMALL).run(yes=True)

    assert len(grid) == 40
    assert living(["CellResult"])["CellResult"] >= results_before + 40
    assert {name: count for name, count in living(large).items() if count > before[name] + 5} == {}


def test_a_cell_whose_small_image_cannot_be_made_has_arrived_all_the_same(session, monkeypatch):
    def fails(*_):
        raise RuntimeError("no encoder")

    plan = session.plan("A fox", seed="1..2", **SMALL)
    with monkeypatch.context() as patch:
        patch.setattr(preview, "encode_preview", fails)
        grid = plan.run(yes=True)
    assert (grid.arrived, grid.spent_usd) == (2, Decimal("0.02"))
    assert [session.log.get(cell.result.run_id).status for cell in grid.cells] == [Status.SUCCEEDED] * 2
    assert all(grid.tiles.read(image.sha256) for image in grid)


def test_a_plan_with_a_rewritten_prompt_that_goes_on_pays_what_is_shown_and_ends(session, sent):
    enhanced = {"enhance_prompt": True, **SMALL}
    session.plan("A fox", seed=1, **enhanced).run(yes=True)
    plan = session.plan("A fox", seed="1..3", **enhanced)
    assert plan.outlook().estimate.formula == "2 × $0.01 = $0.02"
    assert plan.run(max_cost_usd="0.02").spent_usd == Decimal("0.02")
    assert [body.get("enhance_prompt") for body in sent()] == [True, None, None]
    assert not plan.outlook().to_send


def test_made_again_a_rewritten_prompt_is_paid_for_once_and_shown_so(session, sent):
    plan = session.plan("A fox", seed="1..3", enhance_prompt=True, **SMALL)
    plan.run(yes=True)
    assert plan.outlook(again=True).estimate.price_usd == Decimal("0.07")
    assert plan.run(again=True, max_cost_usd="0.07").spent_usd <= Decimal("0.07")
    assert [body.get("enhance_prompt") for body in sent()].count(True) == 2
    assert len(sent()) == 6


@pytest.mark.parametrize(
    "rows",
    [[{"prompt": "a", "seed": 1}] * 2, [{"prompt": "a", "seed": 1, "safe_mode": each} for each in (True, "true")]],
)
def test_the_same_request_twice_in_one_plan_is_refused(session, sent, rows):
    with pytest.raises(InvalidRequest, match="the same request as cell 0"):
        session.plan(rows, **SMALL).run(yes=True)
    assert sent() == []


def test_a_part_by_a_filter_does_not_end_a_plan_that_was_begun(session):
    about = {"animal": ["fox", "owl", "hen", "cat"], **SMALL}
    plan = session.plan("A {{ animal }}", **about)
    plan.shard(1, 2).run(yes=True)
    session.plan("A {{ animal }}", where=lambda cell: cell["animal"] == "fox", **about).run(yes=True)
    assert session.plan("A {{ animal }}", **about).cell(0).seed == plan.cell(0).seed


def test_stopped_while_it_is_made_anew_it_says_what_sends_the_rest(session, new_session):
    plan = session.plan("A fox", seed="1..6", **SMALL)
    plan.run()
    slow = new_session(Simulator(requests_per_minute=None, seconds_per_image=0.3))

    def interrupt(grid, _):
        raise KeyboardInterrupt

    with pytest.raises(Interrupted, match="without --again") as stopped:
        run_plan(plan, slow, again=True, watch=interrupt)
    assert "only what is missing" not in str(stopped.value)


def test_images_that_are_missing_after_it_was_made_anew_are_not_said_to_be_sent_again(session, simulator, sent):
    plan = session.plan("A fox", seed="1..3", **SMALL)
    plan.run()
    simulator.add_fault(Fault("500", seed=2))

    with pytest.raises(GenerationIncomplete, match="without --again"):
        plan.run(again=True)
    before = len(sent())
    assert len(plan.run()) == 3
    assert len(sent()) == before


def test_an_interrupt_while_another_program_makes_the_rest_says_so(new_session, monkeypatch):
    slow = Simulator(requests_per_minute=None, seconds_per_image=1)
    first, second = new_session(slow), new_session(slow)
    other = threading.Thread(target=lambda: first.plan("A fox", seed="1..2", **SMALL).run())
    other.start()
    plan = second.plan("A fox", seed="1..2", **SMALL)
    while len(plan.outlook().elsewhere) < 2:
        time.sleep(0.01)
    monkeypatch.setattr(runner, "time", SimpleNamespace(monotonic=time.monotonic, sleep=_interrupt))

    with pytest.raises(Interrupted, match=r"^stopped: 0 of 2 images arrived, .* 2 being made by another program"):
        plan.run()
    other.join()
    assert sum(request.path == "/image/generate" for request in slow.requests) == 2


def _interrupt(_):
    raise KeyboardInterrupt


def test_a_request_of_several_images_is_no_cell_of_a_plan(session, sent):
    plan = session.plan("A fox", variants=[1, 2], seed=1, **SMALL)
    with pytest.raises(InvalidRequest, match="variants 2 gives images whose seeds no one knows"):
        plan.run()
    assert sent() == []


def test_a_plan_of_the_store_that_was_damaged_is_passed_over(session, sent):
    plan = session.plan("A fox", cfg_scale=[3, 5], **SMALL)
    place = session.settings.store / "plans" / f"{plan.template_id}.{'0' * 32}.json"
    place.parent.mkdir(parents=True, exist_ok=True)
    place.write_bytes(b"\xff\xfe{")
    assert len(session.plan("A fox", cfg_scale=[3, 5], **SMALL).run()) == 2


def test_what_may_have_been_charged_is_said_to_be_sent_where_it_is_made_anew(session, simulator):
    simulator.add_fault(Fault("500", seed=1))
    plan = session.plan("A fox", seed="1..2", **SMALL)
    with pytest.raises(GenerationIncomplete):
        plan.run()
    plan.outlook()
    assert "not sent again" in " ".join(plan.bundle().data["text/plain"].split())
    plan.outlook(again=True)
    assert "may have been charged before" not in plan.bundle().data["text/plain"]
    assert "2 requests, 2 images" in plan.bundle().data["text/plain"]


def test_an_image_of_unknown_price_is_not_said_to_be_free(session):
    grid = session.plan("A fox", seed=[1, 2], **SMALL).run()
    grid.note(0, replace(grid.result(0), price_usd=None))
    assert grid.summary == "2 of 2 images · $0.01 spent, and 1 image of unknown price"
    grid.note(1, replace(grid.result(1), price_usd=None))
    assert grid.summary == "2 of 2 images · 2 images of unknown price"


def test_what_was_called_off_is_counted_once(session, monkeypatch):
    plan = session.plan("A fox", seed="1..3", **SMALL)
    grid = plan.run()
    for index, status in ((0, Status.CANCELLED), (1, NOT_SENT)):
        grid.note(index, CellResult(status))
    assert grid.summary.endswith(" · 2 not sent")


def test_a_part_of_which_no_cell_can_be_made_is_complete_where_they_are_left_out(session, sent):
    plan = session.plan("A fox", model=["z-image-turbo", "venice-sd35"], steps=20, seed=1, skip_invalid=True, **SMALL)
    grids = [plan.shard(part, 2).run() for part in (1, 2)]
    assert [len(grid) for grid in grids] == [0, 1]
    assert "1 cannot be made" in grids[0].summary
    assert len(sent()) == 1


@pytest.mark.parametrize(
    "given",
    [
        {"prompt": [{"prompt": "A fox", "label": KEY}, {"prompt": "An owl"}]},
        {"cfg_scale": {f"key {KEY}": 3, "b": 5}},
        {"prompt": ["A fox", f"An owl {KEY}"]},
        {"prompt": "A {{ animal }}", "animal": ["fox", KEY]},
        {"prompt": "A {{ animal }}", "animal": KEY},
        {"negative_prompt": KEY},
        {"model": ["z-image-turbo", KEY]},
    ],
    ids=lambda given: next(iter(given)),
)
def test_a_key_in_any_text_of_a_plan_is_refused_and_stored_nowhere(session, sent, given):
    plan = session.plan(**{"prompt": "A fox", "seed": 1, **SMALL, **given})
    with pytest.raises(InvalidRequest, match="holds your key") as refused:
        plan.run()
    assert KEY not in str(refused.value)
    assert sent() == []
    assert not list(session.settings.store.glob("plans/*"))


def test_the_model_and_format_of_the_configuration_hold_for_plans_too_and_what_is_given_wins(new_session, sent):
    (Path.cwd() / ".venice").mkdir()
    (Path.cwd() / ".venice" / "config.toml").write_text('model = "qwen-image"\nformat = "png"\n')
    session = new_session()

    session.plan("A fox", seed="1..2").run(yes=True)
    session.plan("A fox", seed="3..4", model="z-image-turbo", format=["png", "webp"], **SMALL).run(yes=True)
    session.plan([{"prompt": "A fox", "model": "z-image-turbo", "format": "webp", "seed": 5}]).run(yes=True)

    used = sorted((body["seed"], body["model"], body["format"]) for body in sent())
    assert used[:2] == [(1, "qwen-image", "png"), (2, "qwen-image", "png")]
    assert used[2:4] == [(3, "z-image-turbo", "png"), (3, "z-image-turbo", "webp")]
    assert used[6:] == [(5, "z-image-turbo", "webp")]


def test_an_image_whose_file_is_gone_is_made_anew(session, sent):
    plan = session.plan("A fox", seed="1..2", **SMALL)
    plan.run().cell(0).image.path.unlink()

    assert len(plan.run()) == 2
    assert len(sent()) == 3


def test_an_output_that_fails_does_not_end_what_is_paid_for(session, sent):
    shown = []

    def closed(grid, _):
        shown.append(grid)
        raise BrokenPipeError("no one reads it")

    assert len(run_plan(session.plan("A fox", seed="1..30", **SMALL), session, watch=closed)) == 30
    assert len(shown) == 1


def test_whatever_else_ends_the_wait_ends_the_sending(new_session):
    slow = Simulator(requests_per_minute=None, seconds_per_image=0.3)

    def leave(*_):
        raise SystemExit

    session = new_session(slow)
    with pytest.raises(SystemExit):
        run_plan(session.plan("A fox", seed="1..60", **SMALL), session, watch=leave)
    session.in_flight.finish(cancel=False)
    assert sum(request.path == "/image/generate" for request in slow.requests) < 40


def test_a_question_that_waited_overnight_for_its_answer_sends_nothing(session, sent, monkeypatch):
    monkeypatch.setenv("VENICE_CONFIRM_ABOVE", "0.01")
    now = [1000.0]
    monkeypatch.setattr(permit, "time", SimpleNamespace(time=lambda: now[0]))

    def ask(_):
        now[0] += 8 * 3600
        return True

    with pytest.raises(SpendingRefused, match=r"priced 8\.0 hours ago"):
        run_plan(session.plan("A fox", seed="1..3", **SMALL), session, ask=ask)
    assert sent() == []


def test_what_the_log_lost_since_it_was_shown_is_not_bought_unseen(session, sent):
    plan = session.plan("A fox", seed="1..3", **SMALL)
    grid = plan.run()
    assert plan.outlook().to_send == ()
    grid.cell(0).image.path.unlink()

    with pytest.raises(SpendingRefused, match=r"shown at \$0\.00, and is 1 × \$0\.01"):
        plan.run()
    assert len(sent()) == 3
    plan.bundle()
    assert len(plan.run()) == 3


def test_what_was_shown_as_simulated_is_not_bought_by_another_session(session, sent):
    demo = Session(demo=True)
    plan = Plan.from_json(demo.plan("A fox", seed="1..3", model="z-image-turbo", **SMALL).to_json(), session)
    plan.outlook(demo)

    with pytest.raises(SpendingRefused, match="shown as simulated"):
        plan.run(session=session)
    assert sent() == []
    demo.close()


def test_a_price_that_rose_is_refused_also_where_more_is_asked_for_than_was_shown(session, sent):
    plan = session.plan("A fox", seed=[1, 2], **SMALL)
    plan.run()
    before = plan.outlook()
    cheap = {
        index: replace(price, unit_price_usd=Decimal("0.001"), guard_unit_price_usd=Decimal("0.001"))
        for index, price in before.prices.items()
    }
    assert len(plan.run(again=True)) == 2
    plan._seen[:] = [replace(before, prices=cheap)]

    with pytest.raises(SpendingRefused, match="shown at"):
        plan.run(again=True)
    assert len(sent()) == 4


def test_showing_a_plan_again_shows_what_it_costs_now(session, sent):
    plan = session.plan("A fox", seed="1..2", **SMALL)
    assert "2 × $0.01 = $0.02" in plan.bundle().data["text/plain"]
    plan.run()
    assert "2 are in the log" in plan.bundle().data["text/plain"]

    plan.outlook(again=True)
    assert "2 × $0.01 = $0.02" in plan.bundle().data["text/plain"]


def test_a_limit_that_is_lowered_while_it_runs_holds_for_the_rest(new_session, monkeypatch):
    slow = Simulator(requests_per_minute=None, seconds_per_image=0.3)
    session = new_session(slow)

    def lower(*_):
        monkeypatch.setenv("VENICE_MAX_COST", "0.05")

    with pytest.raises(GenerationIncomplete, match="a limit was changed while this ran"):
        run_plan(session.plan("A fox", seed="1..60", **SMALL), session, watch=lower)
    assert sum(request.path == "/image/generate" for request in slow.requests) < 40


@pytest.mark.parametrize("possible", [0, 1, 3])
def test_a_system_that_gives_few_threads_makes_every_image_all_the_same(session, monkeypatch, possible):
    plan, start = session.plan("A fox", seed="1..8", **SMALL), threading.Thread.start
    given_out = []

    def limited(thread):
        if "venice-plan" in thread.name:
            if len(given_out) == possible:
                raise RuntimeError("can't start new thread")
            given_out.append(thread)
        start(thread)

    monkeypatch.setattr(threading.Thread, "start", limited)
    assert len(plan.run(yes=True)) == 8


def test_a_log_that_cannot_be_read_at_the_end_loses_no_image_that_came(session, monkeypatch):
    monkeypatch.setattr(runner, "ELSEWHERE_SECONDS", 0.0)
    grid = session.plan("A fox", seed="1..2", **SMALL).run()
    grid.note(1, CellResult(ELSEWHERE))

    def fails(*_, **__):
        raise StoreError("the log cannot be read.")

    monkeypatch.setattr(session.log, "standing", fails)
    with pytest.raises(GenerationIncomplete) as missing:
        runner.PlanRun(grid, session, None).finish()
    assert len(missing.value.generation) == 1


def test_parts_that_would_each_have_one_prompt_rewritten_are_refused(session):
    plan = session.plan("A {{ animal }}", animal=["fox", "owl"], seed="1..3", enhance_prompt=True, **SMALL)
    with pytest.raises(InvalidRequest, match="rewritten once for all its cells"):
        plan.shard(1, 2)

    assert len(session.plan(["a fox", "an owl"], seed=1, enhance_prompt=True, **SMALL).shard(1, 2)) == 1
    assert len(session.plan("A fox", seed="1..4", enhance_prompt=[False], **SMALL).shard(1, 2)) == 2


def test_made_again_all_cells_of_a_rewritten_prompt_have_the_same_new_text(session, simulator, sent, monkeypatch):
    plan = session.plan("A fox", seed="1..6", enhance_prompt=True, **SMALL)
    plan.run(yes=True)
    monkeypatch.setattr(generation, "ENHANCEMENT", "in the snow")

    assert len(plan.run(again=True, yes=True)) == 6
    assert [body["prompt"] for body in sent()[6:]] == ["A fox", *["A fox, in the snow"] * 5]


def test_cells_that_wait_for_a_prompt_whose_rewriting_may_have_been_charged_are_neither_priced_nor_sent(
    session, simulator, sent
):
    plan = session.plan("A fox", seed="1..3", enhance_prompt=True, **SMALL)
    simulator.add_fault(Fault("500", times=1))
    with pytest.raises(GenerationIncomplete):
        plan.run(yes=True)

    outlook = plan.outlook()
    assert outlook.to_send == ()
    assert "2 wait for a rewritten prompt" in plan.bundle().data["text/plain"]
    with pytest.raises(GenerationIncomplete, match="rewritten by a request that may have been charged"):
        plan.run(yes=True)
    assert len(plan.run(yes=True, resend_unknown=True)) == 3
    assert len(sent()) == 4


def test_a_reference_that_changed_since_it_was_priced_is_not_sent_and_it_says_why(session, sent, tmp_path):
    file = tmp_path / "style.png"
    Image.new("RGB", (300, 300), "red").save(file)
    plan = session.plan("A fox", model="krea-v2-large", style_references=[str(file)], seed="1..2")

    def change(_):
        Image.new("RGB", (300, 300), "blue").save(file)

    with pytest.raises(GenerationIncomplete, match="its style reference has changed since it was priced"):
        run_plan(plan, session, yes=True, checked=change)
    assert sent() == []


def test_what_is_made_anew_is_not_said_to_be_held_back(session, simulator):
    plan = session.plan("A fox", seed="1..2", **SMALL)
    simulator.add_fault(Fault("500", times=1))
    with pytest.raises(GenerationIncomplete):
        plan.run()

    assert "not sent again" in plan.bundle().data["text/plain"].replace("\n", " ")
    plan.outlook(again=True)
    assert "may have been charged" not in plan.bundle().data["text/plain"]


def test_drawn_seeds_are_new_ones_once_a_filtered_plan_is_finished(session, sent):
    plans = [session.plan("A fox", steps=[1, 2, 3], where=lambda cell: cell["steps"] < 3, **SMALL) for _ in range(2)]
    plans[0].run()
    again = session.plan("A fox", steps=[1, 2, 3], where=lambda cell: cell["steps"] < 3, **SMALL)

    assert again.notes == ()
    assert again.cell(0).seed != plans[0].cell(0).seed


def test_a_filtered_plan_that_was_not_finished_goes_on_with_its_seeds(session, simulator):
    def plan():
        return session.plan("A fox", steps=[1, 2, 3], where=lambda cell: cell["steps"] < 3, **SMALL)

    simulator.add_fault(Fault("500", times=1))
    begun = plan()
    with pytest.raises(GenerationIncomplete):
        begun.run()
    assert plan().cell(0).seed == begun.cell(0).seed


def test_what_was_called_off_is_counted_as_not_sent(session, simulator):
    simulator.add_fault(Fault("402-key", times=None, seed=3))
    with pytest.raises(GenerationIncomplete) as failed:
        session.plan("A fox", seed="1..40", **SMALL).run(yes=True)

    assert "cancelled" not in failed.value.generation.summary
    assert failed.value.generation.summary.count("not sent") == 1


def test_an_interrupt_at_the_question_says_that_nothing_was_sent(session, sent, monkeypatch):
    monkeypatch.setenv("VENICE_CONFIRM_ABOVE", "0.01")

    with pytest.raises(Interrupted, match="Nothing was sent") as stopped:
        run_plan(session.plan("A fox", seed="1..3", **SMALL), session, ask=_interrupt)
    assert stopped.value.generation is None
    assert sent() == []


def test_a_filter_of_seeds_holds_for_the_seeds_that_a_plan_goes_on_with(session, simulator):
    simulator.add_fault(Fault("500", times=1))
    begun = session.plan("A fox", images=4, steps=[1, 2], **SMALL)
    with pytest.raises(GenerationIncomplete):
        begun.run()

    chosen = {begun.cell(0).seed, begun.cell(2).seed}
    some = session.plan("A fox", images=4, steps=[1, 2], where=lambda cell: cell["seed"] in chosen, **SMALL)
    assert {cell.seed for cell in some} == chosen


def test_what_is_not_sent_again_by_itself_is_not_said_to_be(session, simulator):
    simulator.add_fault(Fault("500", seed=2))
    plan = session.plan("A fox", seed="1..3", **SMALL)

    for _ in range(2):
        with pytest.raises(GenerationIncomplete, match="--resend-unknown") as failed:
            plan.run()
        assert "only what is missing" not in str(failed.value)

    simulator.add_fault(Fault("400", times=None))
    with pytest.raises(GenerationIncomplete, match=r"only what is missing is sent\. What may have been charged is not"):
        session.plan("A fox", seed="1..5", **SMALL).run()


def test_images_of_a_model_that_was_retired_since_are_shown_at_no_cost_and_the_others_are_sent(
    session, sent, monkeypatch
):
    models = ["z-image-turbo", "venice-sd35"]
    session.plan("A fox", model=models, seed="1..2", cfg_scale="7", **SMALL).run()
    resolve = Catalogue.resolve

    def without(catalogue, name):
        if name == "venice-sd35":
            raise ModelUnavailable("model 'venice-sd35' is retired.", field="model")
        return resolve(catalogue, name)

    monkeypatch.setattr(Catalogue, "resolve", without)
    plan = session.plan("A fox", model=models, seed="1..2", cfg_scale="7", **SMALL)
    grid = plan.run()

    assert len(grid.images) == 4
    assert "Cells from the log that could not be made anew: 2." in grid.bundle().data["text/plain"]
    assert {cell.model for cell in grid.cells} == set(models)
    assert len(sent()) == 4
    with pytest.raises(InvalidRequest, match="2 of 4 cells cannot be made"):
        plan.run(again=True)
    with pytest.raises(InvalidRequest, match="1 of 6 cells cannot be made"):
        session.plan("A fox", model=models, seed="1..3", cfg_scale="7", **SMALL).run()
    more = session.plan("A fox", model=models, seed="1..3", cfg_scale="7", skip_invalid=True, **SMALL).run()
    assert len(more) == len(sent()) == 5


def test_a_small_image_that_fails_for_whatever_reason_stops_nothing(session, monkeypatch):
    def fails(*_):
        raise OSError("no such device")

    monkeypatch.setattr(Tiles, "make", fails)
    assert len(session.plan("A fox", seed="1..30", **SMALL).run(yes=True)) == 30


def test_a_price_that_no_one_can_read_keeps_nothing_from_being_made(session, monkeypatch):
    class Full:
        encoding = "utf-8"

        def write(self, _):
            raise OSError(28, "No space left on device")

        def isatty(self):
            return False

    with monkeypatch.context() as patch:
        patch.setattr(sys, "stderr", Full())
        grid = session.plan("A fox", seed="1..3", **SMALL).run(yes=True)
    assert len(grid) == 3


def test_a_label_that_no_file_can_hold_is_refused_before_anything_is_sent(session, sent):
    with pytest.raises(InvalidRequest, match="half a character"):
        session.plan("A {{ animal }}", animal={"\ud800": "fox", "b": "owl"}, seed=1, **SMALL).run(yes=True)
    assert sent() == []
