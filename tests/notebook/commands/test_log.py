"""``%venice log``, ``show``, ``verify``, ``resolve``, ``doctor``, and the store in ``config`` and ``balance``."""

import base64
import hashlib
import io
import json
import re
import sqlite3
import time
import zoneinfo
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from pathlib import Path

import pytest
from IPython.core.error import UsageError
from PIL import Image

from venice_widgets import current
from venice_widgets.errors import CredentialsRefused, InvalidRequest, StoreError, VeniceError
from venice_widgets.log import Log, Status, processes
from venice_widgets.notebook.commands import log as log_module
from venice_widgets.notebook.commands import run_command
from venice_widgets.session import Session
from venice_widgets.simulator import Fault, Simulator

MAINTENANCE = "venice_widgets.notebook.commands.maintenance"

KEY, ADMIN_KEY = "VENICE_INFERENCE_KEY_0123456789abcdef", "VENICE_ADMIN_KEY_0123456789abcdef"
WALLET = "0x" + "4c0883a69102937d" * 4


def paint(commission) -> bytes:
    image = Image.new("RGB", (48, 32), (commission.content % 256, len(commission.prompt), 30))
    image.save(file := io.BytesIO(), "PNG")
    return file.getvalue()


@pytest.fixture
def simulator() -> Simulator:
    return Simulator(requests_per_minute=None, paint=paint)


@pytest.fixture
def reopen(simulator):
    """Opens a session as the next kernel would, with what the store's folder holds."""

    def opened(key: str = KEY) -> Session:
        made = Session(api_key=key, transport=simulator.transport())
        current.use_session(made)
        return made

    return opened


@pytest.fixture
def session(reopen) -> Session:
    return reopen()


def told(line: str) -> str:
    return run_command(None, line).data["text/plain"]


def listed(line: str) -> list[dict]:
    return [json.loads(each) for each in told(f"log --json {line}").splitlines()]


def prompts(line: str) -> list[str]:
    return [record["draft"]["prompt"] for record in listed(line)]


def sent(simulator) -> int:
    return sum(request.method == "POST" for request in simulator.requests)


def fail(session, simulator, kind: str, prompt: str, **fields) -> None:
    simulator.add_fault(Fault(kind))
    session.send(session.build(prompt, **fields)).wait()


@pytest.fixture
def several(session, simulator):
    """Four runs: two images, one refused, one that may have been charged."""
    session.generate("A red fox at night", seed=1)
    session.generate("An owl", seed=2, model="qwen-image-2")
    fail(session, simulator, "moderation", "A fox, refused", seed=3)
    fail(session, simulator, "500", "A fox, unknown", seed=4)
    return session


# The list.


@pytest.mark.parametrize(
    ("line", "seeds"),
    [
        ("", [4, 3, 2, 1]),
        ("-n 2", [4, 3]),
        ("-q fox", [4, 3, 1]),
        ('-q "fox night"', [1]),
        ("-q 'night fox'", [1]),
        ("-q '\"red fox\"'", [1]),
        ("-q '\"fox red\"'", []),
        ("-q ow*", [2]),
        ("-q wolf", []),
        ("--model qwen-image-2", [2]),
        ("--seed 3", [3]),
        ("--seed 99999999999999999999", []),
        ("-n 99999999999999999999", [4, 3, 2, 1]),
        ("-s 2 -q owl", [2]),
        ("--status succeeded", [2, 1]),
        ("--status refused", [3]),
        ("--status unknown -q fox", [4]),
        ("--since 1h", [4, 3, 2, 1]),
        ("--since 99999w", [4, 3, 2, 1]),
        ("--since 2999-01-01", []),
        ("--since 9999-01-01", []),
    ],
)
def test_the_log_answers_what_is_asked_newest_first(line, seeds, several):
    assert [record["draft"]["seed"] for record in listed(line)] == seeds


def test_the_notebook_a_run_came_from_finds_it(session, shell, monkeypatch):
    shell.user_ns["__vsc_ipynb_file__"] = str(Path("study/foxes.ipynb").absolute())
    shell.run_cell("%%venice --seed 1\nA fox").raise_error()
    shell.user_ns["__vsc_ipynb_file__"] = str(Path("study/owls.ipynb").absolute())
    shell.run_cell("%%venice --seed 2\nAn owl").raise_error()
    assert prompts("--notebook foxes.ipynb") == ["A fox"]
    assert prompts("--notebook study/owls.ipynb") == ["An owl"]
    assert prompts("--notebook oxes.ipynb") == []
    costs = told("log --cost notebook")
    assert all(name in costs for name in ("foxes.ipynb", "owls.ipynb"))


def test_a_row_tells_time_prompt_model_seed_price_status_run_and_shows_the_image(several):
    bundle = run_command(None, "log")
    newest, refused, owl, fox = bundle.data["text/plain"].splitlines()[2:6]
    assert f"{datetime.now().astimezone():%Y-%m-%d}" in newest
    assert ["A fox, unknown" in newest, "perhaps $0.01" in newest, "unknown" in newest] == [True] * 3
    assert ["nothing" in refused, "refused" in refused] == [True] * 2
    assert ["qwen-image-2" in owl, "estimated $0.05" in owl, "succeeded" in owl] == [True] * 3
    assert fox.split()[0] == several.log.search("night")[0].run_id[-8:]
    # The two that have images show them small, from the store's thumbnails.
    assert bundle.data["text/html"].count("<img ") == 2
    assert sum(path.is_file() for path in several.log.thumbnails.folder.rglob("*")) == 2


def test_a_long_list_is_with_the_images_of_its_newest_only(several, monkeypatch):
    monkeypatch.setattr(log_module, "_MOST_THUMBNAILS", 3)
    shown = run_command(None, "log").data
    assert shown["text/html"].count("<img") == 1  # the newest three hold one image, the fourth another
    assert "Only the newest 3 have their images." in shown["text/plain"]
    assert "Only the newest" not in told("log -n 3")


def test_a_prompt_of_many_words_is_shortened_in_the_table_and_whole_in_the_record(session):
    prompt = "a fox " * 40
    session.generate(prompt, seed=1)
    assert f"{('a fox ' * 40)[:79]}…" in told("log")
    assert prompts("") == [prompt]


def test_markup_in_a_prompt_is_shown_and_not_obeyed(session):
    session.generate("<b>fox</b>", seed=1)
    for line in ("log", "show last"):
        assert "<b>fox" not in run_command(None, line).data["text/html"]


def test_an_empty_log_says_so_and_that_another_is_kept_apart(session):
    folder = session.settings.store
    assert told("log") == f"The log is empty: {folder}. The demo's log is a separate one: %venice demo on."
    assert told("log -q fox") == told("log")
    assert told("log --json") == ""
    with pytest.raises(StoreError, match=r"(?s)the log holds no run yet.*The demo has a log of its own"):
        run_command(None, "show last")
    session.generate("a cat", seed=1, images=2)
    assert told("log -q fox").startswith(f"None of the 2 runs in the log is like that: {folder}.")
    with pytest.raises(StoreError, match="the log holds no run 'ABCDEFGH'"):
        run_command(None, "show ABCDEFGH")


def test_runs_of_one_prompt_are_told_apart_by_their_place_in_a_sweep_and_by_what_they_repeat(session):
    grid = session.plan("A fox", cfg_scale=[3, 5], seed=1).run(yes=True)
    replayed = grid.cells[1].result.run_id
    run_command(None, f"replay {replayed}")
    for told_apart in ("(cfg_scale 3)", "(cfg_scale 5)", f"(replay of {replayed[-8:]})"):
        assert told("log").count(told_apart) == 1
    assert f"replay_of {replayed}" in told("show last")


def test_what_a_sweep_and_a_replay_say_of_a_run_is_shown_in_words(session):
    grid = session.plan("A fox", cfg_scale=[3, 5], seed=1).run(yes=True)
    shown = told(f"show {grid.cells[0].result.run_id}")
    assert f"cell cfg_scale 3 · id {grid.plan.plan_id} · index 0" in shown
    run_command(None, f"replay {grid.cells[0].result.run_id}")
    for text in (shown, told("show last")):
        assert "{'" not in text
        assert "['" not in text


@pytest.mark.parametrize(
    ("line", "text"),
    [
        ("log -n x", "-n: 'x' is not a whole number"),
        ("log --seed x", "--seed: 'x' is not a whole number"),
        ("log --since soon", "--since 'soon' is not a time. Write 30m, 3h, 2d, 1w, today, yesterday, last week"),
        ("log --status lost", "invalid choice: 'lost'"),
        ("log --cost moon", "it is by day or model or notebook"),
        ("log red fox", "To search prompts, write %venice log -q 'red fox'."),
        ("log red fox --since 2d", "To search prompts, write %venice log -q 'red fox'."),
        ("log --cost --since 2d", "log --cost: it does not go with --since"),
        ("log --cost -q fox -n 3", "log --cost: it does not go with -n and -q"),
        ("log --reconcile --model x", "log --reconcile: it does not go with --model"),
        ("log --cost --reconcile", "it does not go with --reconcile"),
        ("log backup x --json", "log backup: it does not go with --json"),
        ("log backup", "backup PATH: copy the log"),
        ("resolve last perhaps", "'perhaps' is neither charged nor not-charged"),
        ("show", "run is missing"),
    ],
)
def test_what_cannot_be_understood_is_said_in_one_line(line, text, session):
    with pytest.raises(UsageError) as caught:
        run_command(None, line)
    assert text in str(caught.value)


def test_no_runs_at_all_cannot_be_asked_for(session):
    with pytest.raises(InvalidRequest, match="limit 0 shows nothing"):
        run_command(None, "log -n 0")


def test_the_cost_is_told_by_day_model_and_notebook_estimated_charged_and_unknown(several):
    several.log.record_charge(several.log.search("night")[0].run_id, Decimal("0.012"), "test")
    told_of_all = told("log --cost")
    assert [line for line in told_of_all.splitlines() if line.startswith("Cost")] == [
        "Cost by day",
        "Cost by model",
        "Cost by notebook",
    ]
    day = next(
        line
        for line in told("log --cost day").splitlines()
        if line.startswith(f"{datetime.now().astimezone():%Y-%m-%d}")
    )
    assert day.split()[1:] == ["4", "$0.05", "$0.012", "$0.01"]
    model = next(line for line in told("log --cost model").splitlines() if line.startswith("qwen-image-2"))
    assert model.split()[1:] == ["1", "$0.05", "$0.00", "$0.00"]
    assert "(no notebook)" in told("log --cost notebook")


def test_the_cost_begins_with_what_was_spent_in_all(session, simulator):
    assert told("log --cost").startswith("In all $0.00 for 0 runs.")
    session.generate("a fox", images=2)
    simulator.add_fault(Fault("500"))
    with pytest.raises(VeniceError):
        session.generate("a fox")
    assert told("log --cost").startswith("In all $0.03 for 3 runs: $0.02 estimated, $0.01 perhaps charged.")


def test_a_price_of_the_demo_is_called_simulated_wherever_it_shows():
    current.use_demo(on=True)
    current.current_session().generate("a fox", seed=5)
    assert told("log").startswith("Prices are simulated.")
    assert told("log").count("simulated") == 1
    assert "$0.01 simulated" in told("show last")
    assert "estimated" not in told("show last")
    assert told("log --cost").startswith("In all $0.01 for 1 run (simulated)")


def test_the_log_says_how_many_runs_there_are_and_shows_more_when_asked(high_rate_limit, session):
    session.generate("A fox", seed=1, images=23)
    assert "The newest 20 of 23 runs; -n 100 or --all shows more." in told("log")
    assert "The newest 22 of 23 runs" in told("log -n 22")
    assert "The newest" not in told("log --all")
    assert len(listed("--all")) == 23


def test_a_date_without_a_zone_is_the_users_own_and_times_say_their_zone(session, monkeypatch):
    monkeypatch.setenv("TZ", "Pacific/Auckland")
    time.tzset()
    session.generate("A fox", seed=1)
    made = session.log.get("last").draft.created_at
    own = made.astimezone(zoneinfo.ZoneInfo("Pacific/Auckland"))
    offset = f"UTC+{own.utcoffset() // timedelta(hours=1)}"
    assert f"time ({offset})" in told("log")
    assert f"{own:%Y-%m-%d %H:%M}" in told("log")
    assert f"{own:%Y-%m-%d %H:%M} ({offset})" in told("show last")
    assert prompts(f"--since {own:%Y-%m-%d}") == prompts(f"--until {own:%Y-%m-%d}") == ["A fox"]
    assert prompts(f"--since {own + timedelta(days=1):%Y-%m-%d}") == []
    assert prompts(f"--until {own - timedelta(days=1):%Y-%m-%d}") == []
    monkeypatch.undo()
    time.tzset()


@pytest.mark.parametrize(("zone", "offset", "day"), [("Etc/GMT-14", "UTC+14", "23"), ("Etc/GMT+12", "UTC-12", "21")])
def test_costs_are_told_by_the_users_own_days(session, monkeypatch, zone, offset, day):
    monkeypatch.setenv("TZ", zone)
    time.tzset()
    session.generate("A fox", seed=1)
    session.log._database.write(lambda log: log.execute("UPDATE runs SET created_at = '2026-11-22T11:59:59.000000Z'"))
    assert f"day ({offset})" in told("log --cost day")
    assert re.findall(r"2026-11-\d\d", told("log --cost day")) == [f"2026-11-{day}"]
    assert [cost.name for cost in session.log.costs("day")] == [f"2026-11-{day}"]
    monkeypatch.undo()
    time.tzset()


@pytest.mark.parametrize(
    ("line", "found"),
    [
        ("--since today", True),
        ("--since yesterday", True),
        ('--since "last week"', True),
        ('--since "2 days ago"', True),
        ("--until now", True),
        ("--until today", True),
        ("--until yesterday", False),
        ("--until 2d", False),
        ("--since 2020-01-01T10:30 --until 2099-01-01", True),
        ("--until 2020-01-01T10:30+13:00", False),
    ],
)
def test_times_are_typed_as_people_say_them(session, line, found):
    session.generate("A fox", seed=1)
    assert prompts(line) == (["A fox"] if found else [])


def test_a_favorite_is_marked_found_and_unmarked(several):
    run = several.log.search("night")[0].run_id[-8:]
    assert told(f"log favorite {run}") == f"Run {run} is a favorite: %venice log --favorite."
    assert prompts("--favorite") == ["A red fox at night"]
    assert told(f"log unfavorite {run}") == f"Run {run} is not a favorite any more."
    assert prompts("--favorite") == []


def test_forgetting_takes_the_options_that_find_runs(several):
    images = len(set(several.log.objects.names()))
    assert told("log forget -q owl --yes").startswith("Deleted: 1 image of run ")
    assert len(set(several.log.objects.names())) == images - 1
    assert told("log forget --since today --yes").startswith("Deleted: 1 image of 4 runs, ")
    assert told("log forget --until yesterday --yes") == "There is no image of 0 runs in the store."
    with pytest.raises(UsageError, match="not both"):
        run_command(None, "log forget last -q fox")
    with pytest.raises(UsageError, match="is not understood"):
        run_command(None, "log forget")


def test_seed_0_chooses_its_runs_alone(session):
    session.generate("a fox", seed=0)
    session.generate("an owl", seed=7)
    run_command(None, "export zero.jsonl --seed 0")
    assert [json.loads(line)["seed"] for line in Path("zero.jsonl").read_text("utf-8").splitlines()] == [0]
    assert told("log forget --seed 0 --yes").startswith("Deleted: 1 image")
    with pytest.raises(UsageError, match="does not go with --seed"):
        run_command(None, "log --cost --seed 0")


@pytest.mark.parametrize("option", ["-q", "--model", "--notebook", "--since"])
@pytest.mark.parametrize("command", ["log forget --yes", "export all.zip", "log"])
def test_an_empty_choice_is_refused_and_not_taken_for_every_run(session, command, option, tmp_path):
    session.generate("a fox")
    for empty in ('""', "'  '"):
        with pytest.raises(UsageError, match="is empty"):
            run_command(None, f"{command} {option} {empty}")
    assert session.log.objects.has(session.log.get("last").images[0].sha256)
    assert not Path("all.zip").exists()


@pytest.mark.parametrize("line", ["-q nothing", "--seed 77", "--until yesterday", "--favorite"])
def test_an_export_of_nothing_writes_nothing(several, line):
    with pytest.raises(UsageError, match="%venice export: the log holds no such run, so nothing was written"):
        run_command(None, f"export some.zip {line}")
    assert not Path("some.zip").exists()
    with pytest.raises(UsageError, match=r"^%venice export: --since 'soon' is not a time"):
        run_command(None, "export some.zip --since soon")


# One run.


def test_a_run_is_shown_whole_from_the_store_for_nothing(session, simulator):
    made = session.generate("A red fox", seed=41)
    asked, ending = len(simulator.requests), made.images[0].run_id[-8:]
    for name in ("last", ending, ending.lower(), made.images[0].run_id, made.images[0].run_id[-5:]):
        bundle = run_command(None, f"show {name}")
        text, record = bundle.data["text/plain"], bundle.metadata["venice"]
        assert record["runs"][0]["image"]["sha256"] == made.images[0].sha256
        for part in ("succeeded", "41 (given)", "$0.01 estimated · 1 × $0.01 = $0.01", '"prompt": "A red fox"'):
            assert part in text
        assert "<img " in bundle.data["text/html"]
    assert len(simulator.requests) == asked


def test_the_output_of_a_cell_tells_the_command_for_each_image_at_full_size(session):
    generation = session.generate("a fox", images=2, seed=5)
    html = generation._repr_mimebundle_()[0]["text/html"]
    lines = re.findall(r'title="Full size: %venice (show \w+ --full)"', html)
    shown = [run_command(None, line).data["text/html"] for line in lines]
    received = [base64.b64encode(image.data).decode() for image in generation]
    assert len(lines) == 2
    assert all(data in page for data, page in zip(received, shown, strict=True))


def test_an_image_is_shown_at_full_size_in_every_front_end(session):
    (image,) = session.generate("A fox", seed=1)
    assert f"{image.run_id[-8:]} --full" in told("show last")
    shown = run_command(None, "show last --full").data
    size = f'width="{image.width}" height="{image.height}" style="max-width:none"'
    assert f'{size} src="data:{image.mime};base64,' in shown["text/html"]
    assert base64.b64encode(image.data).decode() in shown["text/html"]
    assert shown["text/plain"].endswith(str(image.path))
    with pytest.raises(UsageError, match="--full is for a run"):
        run_command(None, "show fox.png --full")


def test_a_run_is_shown_as_json_whole(session):
    session.generate("A red fox", seed=41)
    record = json.loads(told("show last --json"))
    assert record["draft"]["request_hash"].startswith("sha256:")
    assert json.loads(record["draft"]["request"]) == {"model": "z-image-turbo", "prompt": "A red fox", "seed": 41}
    assert record["draft"]["catalogue_entry"]["id"] == "z-image-turbo"
    assert record["draft"]["environment"]["python"]
    assert record["outcome"]["images"][0]["width"] == 48


def test_an_ending_that_fits_no_run_or_several_is_refused(reopen):
    Path(".venice").mkdir()
    Path(".venice/config.toml").write_text("requests_per_minute = 1000")
    runs = reopen().generate("A fox", seed=1, images=34).images  # two of them end in the same of 32 letters
    with pytest.raises(StoreError, match="the log holds no run 'UUUUUUUU'"):
        run_command(None, "show UUUUUUUU")
    shared = next(image.run_id[-1] for image in runs if sum(run.run_id[-1] == image.run_id[-1] for run in runs) > 1)
    with pytest.raises(StoreError, match=f"several runs end in '{shared}'"):
        run_command(None, f"show {shared}")


def test_an_image_that_is_missing_is_told_and_named_by_verify(session):
    image = session.generate("A red fox", seed=41).images[0]
    told("log")  # makes the thumbnail
    image.path.unlink()
    bundle = run_command(None, "show last")
    assert f"The image {image.sha256[:12]}… is missing from the store" in bundle.data["text/plain"]
    assert bundle.data["text/html"].count("<img ") == 1  # the thumbnail that is left of it
    assert "<img " in run_command(None, "log").data["text/html"]
    checked = told("verify")
    assert "missing" in checked
    assert image.run_id[-8:] in checked


def test_an_image_that_is_damaged_is_told_and_never_shown(session):
    image = session.generate("A red fox", seed=41).images[0]
    image.path.write_bytes(b"no image any more")
    for line in ("log", "show last"):
        assert "<img " not in run_command(None, line).data["text/html"]
    assert f"The image {image.sha256[:12]}… is damaged" in told("show last")
    checked = told("verify")
    assert "changed" in checked
    assert image.run_id[-8:] in checked
    assert image.path.read_bytes() == b"no image any more"  # verify changes nothing


def test_an_unharmed_store_is_verified(several):
    assert told("verify") == "2 images and every record are as they were written."


def test_a_log_that_somebody_edited_is_found(session):
    session.generate("A red fox", seed=41)
    session.close()
    with sqlite3.connect(".venice/log.sqlite") as connection:
        connection.execute("UPDATE runs SET request = replace(request, 'red', 'blue')")
    connection.close()
    assert "request changed" in told("verify")


# The same again.


def test_a_request_that_is_sent_again_tells_of_the_run_that_the_log_holds(session, simulator):
    first = session.generate("A red fox", seed=41)
    again = session.generate("A red fox", seed=41, again=True)
    ending = first.images[0].run_id[-8:]
    assert f"The log held this request already (run {ending})." in again.notes
    assert again.bundle().data["text/html"].count("<img ") == 1
    assert sent(simulator) == 2


def test_the_same_request_is_shown_from_the_log_at_no_cost(session, simulator):
    first = session.generate("A red fox", seed=41)
    again = session.generate("A red fox", seed=41)
    assert (sent(simulator), session.log.spent().runs) == (1, 1)
    assert (again.images[0].sha256, again.images[0].run_id) == (first.images[0].sha256, first.images[0].run_id)
    assert (again.estimate.price_usd, again.charged_usd) == (0, 0)
    more = session.generate("A red fox", seed=40, images=3)
    assert ([image.seed for image in more.images], sent(simulator)) == ([40, 41, 42], 3)


@pytest.mark.parametrize("harm", ["missing", "damaged", "deleted"])
def test_an_image_that_cannot_be_shown_is_not_reused_and_stops_nothing(harm, session, simulator):
    image = session.generate("A red fox", seed=41).images[0]
    if harm == "missing":
        image.path.unlink()
    elif harm == "damaged":
        image.path.write_bytes(b"no image any more")
    else:
        told("log forget last --yes")
    assert not session.build("A red fox", seed=41).known
    again = session.generate("A red fox", seed=41)
    assert (len(again.images), sent(simulator)) == (1, 2)
    assert told("verify").endswith("every record are as they were written.")


# What may have been charged.


def test_what_may_have_been_charged_is_told_once_in_the_next_session(session, simulator, reopen, monkeypatch):
    simulator.add_fault(Fault("hang"))
    lost = session.send(session.build("A fox", seed=1))
    while session.log.get("last").status is not Status.SENT:
        lost.wait(0.01)
    # As if the kernel had been killed: another process finds that it is gone.
    monkeypatch.setattr("venice_widgets.log.processes._started", lambda pid: None)
    following = reopen()
    first, second = (following.generate("An owl", seed=seed) for seed in (2, 3))
    (note,) = first.notes
    assert note.startswith("An earlier session ended while requests were in flight; they may have been charged: ")
    assert lost.runs[0].run_id[-8:] in note
    assert second.notes == ()
    assert not any("earlier session" in note for note in reopen().generate("An owl", seed=4).notes)
    lost.abort()


def test_an_image_that_arrived_before_the_end_is_told_in_the_next_session(session, reopen, monkeypatch):
    monkeypatch.setattr(session.log, "finish", lambda run_id, outcome: None)
    lost = session.generate("A fox", seed=1)
    monkeypatch.setattr("venice_widgets.log.processes._started", lambda pid: None)
    (note,) = reopen().generate("An owl", seed=2).notes
    assert note == (
        "An earlier session ended before it showed what had arrived; %venice show RUN shows it at no cost: "
        f"{lost.runs[0].run_id[-8:]}."
    )


def test_the_doctor_names_what_may_have_been_charged_until_it_is_settled(several):
    ending = several.log.get("last").run_id[-8:]
    line = f"run {ending} may have been charged ($0.01 perhaps): %venice resolve settles it"
    assert line in told("doctor")
    assert told("resolve last not-charged") == f"Run {ending} is settled: $0.00 charged."
    assert line not in told("doctor")
    assert several.log.spent().unknown_usd == 0
    assert told(f"resolve {ending} charged --amount 0.02") == f"Run {ending} is settled: $0.02 charged."
    assert several.log.spent().charged_usd == Decimal("0.02")


def test_only_what_may_have_been_charged_is_settled(several):
    fox = several.log.search("night")[0].run_id[-8:]
    with pytest.raises(StoreError, match="is succeeded: there is nothing to settle"):
        run_command(None, f"resolve {fox} charged")


def test_the_doctor_tells_the_store_its_orphans_and_unfinished_files(several):
    several.log.objects.add(b"no one's")
    (several.log.objects.incoming / "left").write_bytes(b"half a pict")
    found = told("doctor")
    assert f"{Path('.venice').absolute()}: 4 runs, 3 images, " in found
    assert "1 file in objects/ of no run on record, which may have been paid for: " in found
    assert "incoming/left: of no run, arriving now, or left by a program that ended" in found


def test_images_whose_database_was_lost_are_named_with_their_files_and_an_export_gives_them_back(session, reopen):
    image = session.generate("a fox", seed=41).images[0]
    run_command(None, "export runs.zip")
    session.close()
    for file in Path(".venice").glob("log.sqlite*"):
        file.unlink()
    again = reopen()
    assert f"{image.path}. Importing an export that holds the run gives it back" in told("doctor")
    assert told("import runs.zip") == "1 run added and read back equal."
    assert "of no run on record" not in told("doctor")
    assert again.log.get(image.run_id).draft.seed == 41


def test_the_doctor_finds_what_another_kernel_left_since(session, simulator, monkeypatch):
    assert "may have been charged" not in told("doctor")
    with monkeypatch.context() as elsewhere:
        elsewhere.setattr("venice_widgets.log.processes._started", lambda pid: "another time")
        processes._process.cache_clear()
        other = Session(api_key=KEY, transport=simulator.transport())
        simulator.add_fault(Fault("hang"))
        lost = other.send(other.build("A fox", seed=1))
        while other.log.get("last").status is not Status.SENT:
            lost.wait(0.01)
    processes._process.cache_clear()
    assert "may have been charged ($0.01 perhaps)" in told("doctor")
    lost.abort()


# Money.


def test_an_admin_key_turns_estimated_into_charged(reopen, simulator):
    session = reopen(ADMIN_KEY)
    session.generate("A red fox", seed=1, images=2)
    session.generate("A fox", seed=3, enhance_prompt=True)
    fail(session, simulator, "moderation", "A fox, refused", seed=4)
    assert session.log.spent().charged_usd == 0
    assert told("log --reconcile") == (
        "3 runs now with what the ledger charged. 0 requests of the ledger belong to no run here."
    )
    spent = session.log.spent()
    assert (spent.estimated_usd, spent.charged_usd) == (0, Decimal(25) - simulator.balance_usd())
    assert "charged $0.01" in told("log -s 1")
    assert "charged $0.05" in told("log -s 3")
    assert session.log.search(seed=1)[0].charge_source == "billing/usage-history"
    assert told("log --reconcile").startswith("3 runs")  # again changes nothing
    assert session.log.spent() == spent


@pytest.mark.parametrize(
    "odd", [None, 7, {}, {"amount": "a lot", "inferenceDetails": {"requestId": "x"}}, {"inferenceDetails": []}], ids=str
)
def test_an_odd_row_of_the_ledger_does_not_keep_the_others_from_being_charged(reopen, simulator, monkeypatch, odd):
    session = reopen(ADMIN_KEY)
    session.generate("A red fox", seed=1)
    read = session.client.get_json

    def with_an_odd_row(path, **query):
        page = read(path, **query)
        return {**page, "data": [odd, *page["data"]]} if path == "/billing/usage-history" else page

    monkeypatch.setattr(session.client, "get_json", with_an_odd_row)
    assert "1 run now with what the ledger charged." in told("log --reconcile")
    assert session.log.get("last").charged_usd == Decimal("0.01")


@pytest.mark.parametrize("currency", ["DIEM", "EARNED_CREDITS", "BUNDLED_CREDITS"])
def test_the_currency_that_paid_is_shown_and_without_dollars_nothing_is_refused(currency):
    simulator = Simulator(requests_per_minute=None, paint=paint, balance_usd=0, credits={currency: "5"})
    session = Session(api_key=ADMIN_KEY, transport=simulator.transport())
    current.use_session(session)
    session.generate("A fox", seed=3, enhance_prompt=True)
    assert "1 run now with what the ledger charged." in told("log --reconcile")
    assert f"charged in {currency} $0.05" in told("log")
    assert f"$0.05 charged in {currency} · 1 × $0.01 + up to $0.04" in told("show last")
    assert session.log.frame(view="v_costs").iloc[0]["charge_currency"] == currency
    assert session.log.get("last").charge_currency == currency


def test_a_wallets_transactions_turn_estimated_into_charged(simulator):
    session = Session(wallet=WALLET, transport=simulator.transport())
    current.use_session(session)
    session.generate("A fox", seed=3, enhance_prompt=True)
    session.generate("An owl", seed=4)
    assert told("log --reconcile") == (
        "2 runs now with what the ledger charged. 0 requests of the ledger belong to no run here."
    )
    assert [run.charged_usd for run in session.log.search()] == [Decimal("0.01"), Decimal("0.05")]
    assert "charged $0.05" in told("log -s 3")


def test_what_another_model_may_have_cost_is_counted_and_named(session):
    session.generate("A fox", model="nano-banana", seed=1)
    assert "In all $0.10 for 1 run: $0.05 estimated, $0.05 perhaps more." in told("log --cost")
    assert "made by nano-banana-2" in told("log")
    assert re.search(r"price +\$0.05 estimated · 1 × \$0.05 = \$0.05 \(at most \$0.10\)", told("show last"))
    assert re.search(r"made by +nano-banana-2", told("show last"))


@pytest.mark.parametrize(
    ("balances", "shown"),
    [({}, ""), ({"DIEM": 3}, "DIEM  3"), ({"USD": None, "BUNDLED_CREDITS": 2}, "BUNDLED_CREDITS  2"), (None, "")],
)
def test_a_balance_may_lack_any_currency(session, monkeypatch, balances, shown):
    session.generate("A red fox", seed=1)
    answer = {"data": {"accessPermitted": True, "balances": balances}}
    monkeypatch.setattr(session.client, "get_json", lambda path: answer)
    assert told("balance").rstrip() == f"Balance\n{shown}".rstrip()
    told("doctor")


def test_a_wrong_key_sees_the_list_of_models_and_is_found_out_by_its_rate_limits():
    simulator = Simulator(api_key="another")
    current.use_session(Session(api_key=KEY, transport=simulator.transport()))
    assert "z-image-turbo" in told("models")
    text = told("doctor")
    assert re.search(r"key +Venice answered 401: Authentication failed", text)
    assert "Nothing is wrong" not in text


def test_the_ledger_names_what_this_log_does_not_hold(reopen, simulator):
    session = reopen(ADMIN_KEY)
    session.generate("A red fox", seed=1)
    stranger = Session(api_key=ADMIN_KEY, transport=simulator.transport(), store="elsewhere")
    stranger.generate("An owl", seed=2)
    assert "1 run now with what the ledger charged. 1 request of the ledger" in told("log --reconcile")
    assert session.log.spent().charged_usd == Decimal("0.01")


def test_without_an_admin_key_the_ledger_is_closed_and_says_what_to_do(session):
    with pytest.raises(CredentialsRefused, match="with an ADMIN key only"):
        run_command(None, "log --reconcile")


def test_the_balance_tells_by_how_much_it_fell_and_that_others_may_have_paid_from_it(session, simulator):
    assert "this session" not in told("balance")
    session.generate("A red fox", seed=1, images=3)
    Session(api_key=KEY, transport=simulator.transport(), store="elsewhere").generate("An owl", seed=2)
    text = told("balance")
    assert (
        "The balance fell by $0.04 since its first request ($25.00); it sent 3 requests, estimated at $0.03. "
        "Whatever else the account paid for meanwhile is in it"
    ) in text


def test_the_balance_of_a_new_session_tells_nothing_of_an_older_one(session, reopen):
    session.generate("A red fox", seed=1)
    reopen()
    assert "this session" not in told("balance")


def test_a_balance_that_rose_or_stayed_is_called_so(session, simulator):
    simulator.add_fault(Fault("violation"))
    session.send(session.build("A fox", seed=1)).wait()
    assert "The balance is what it was since its first request ($25.00)" in told("balance")
    simulator.top_up(5)
    assert "The balance rose by $5.00" in told("balance")


# The store.


def test_the_settings_tell_where_the_store_is_and_how_large(session):
    assert "The store is empty: it is made with the first request." in told("config")
    assert not Path(".venice/log.sqlite").exists()
    session.generate("A red fox", seed=1, images=2)
    text = told("config")
    assert str(Path(".venice").absolute()) in text
    assert "The store holds 2 runs, 2 images, " in text


def test_the_settings_are_told_even_where_the_store_cannot_be_opened(session):
    session.log.close()
    with sqlite3.connect(".venice/log.sqlite") as connection:
        connection.execute("PRAGMA user_version = 99")
    connection.close()
    del session.log
    text = told("config")
    assert "base_url" in text
    assert "the store was written by a newer version of venice-widgets" in text


def test_a_copy_of_the_log_is_made_while_it_is_in_use_and_overwrites_nothing(several):
    Path("copy").mkdir()
    assert told("log backup copy/log.sqlite") == (
        "The log is copied to copy/log.sqlite. "
        f"Images never change: copy {Path('.venice/objects').absolute()} as it is."
    )
    copy = Log.open(Path("copy"))
    assert [record.run_id for record in copy.search()] == [record.run_id for record in several.log.search()]
    copy.close()
    with pytest.raises(StoreError, match="exists already"):
        run_command(None, "log backup copy/log.sqlite")


def test_a_forgotten_image_leaves_its_record_hash_and_thumbnail(session):
    image = session.generate("A red fox", seed=41).images[0]
    size = f"{image.record.size_bytes / 1e3:.1f} kB"
    assert told("log forget last --yes") == (
        f"Deleted: 1 image of run {image.run_id[-8:]}, {size}. The record, hash and thumbnail stay."
    )
    assert not image.path.exists()
    bundle = run_command(None, "show last")
    assert (
        f"The image {image.sha256[:12]}… was deleted on {datetime.now().astimezone():%Y-%m-%d}"
        in bundle.data["text/plain"]
    )
    assert bundle.data["text/html"].count("<img ") == 1
    kept = session.log.get("last").images[0]
    pixels = Image.new("RGB", (48, 32), (41, len("A red fox"), 30)).tobytes()
    assert kept.pixels_sha256 == hashlib.sha256(b"RGB 48x32\n" + pixels).hexdigest()
    assert (kept.sha256, kept.signed, kept.exif) == (image.sha256, False, False)
    assert told("verify") == "0 images and every record are as they were written."
    assert told("log forget last --yes").startswith("There is no image of run ")


@pytest.mark.parametrize(("answer", "deleted"), [(True, True), (False, False), (None, False)])
def test_forgetting_asks_first_and_deletes_nothing_where_no_one_agrees(answer, deleted, session, monkeypatch):
    image = session.generate("A red fox", seed=41).images[0]
    questions = []
    monkeypatch.setattr(
        "venice_widgets.notebook.commands.maintenance.ask_user",
        lambda question: (questions.append(question), answer)[1],
    )
    if deleted:
        told("log forget last")
    else:
        with pytest.raises(UsageError, match=r"othing was deleted\."):
            run_command(None, "log forget last")
    assert image.path.exists() != deleted
    assert questions[0].startswith(f"Delete 1 image of run {image.run_id[-8:]}, ")


def test_forgetting_names_the_runs_that_gave_the_same_image(session, monkeypatch):
    first = session.generate("A red fox", seed=41).images[0]
    second = session.generate("A red fox", seed=41, again=True).images[0]
    assert first.sha256 == second.sha256
    questions = []
    monkeypatch.setattr(
        "venice_widgets.notebook.commands.maintenance.ask_user",
        lambda question: (questions.append(question), False)[1],
    )
    with pytest.raises(UsageError):
        run_command(None, "log forget last")
    shared = f"(and of {first.run_id[-8:]}, which gave the identical image)"
    assert f"of run {second.run_id[-8:]}" in questions[0]
    assert shared in questions[0]
    assert shared in told("log forget last --yes")


def test_forgetting_names_the_runs_that_sent_the_image_along(session):
    image = session.generate("A red fox", seed=41).images[0]
    drawn = session.generate("A fox like this", model="krea-v2-large", seed=7, style_references=[image.path], yes=True)
    said = told(f"log forget {image.run_id} --yes")
    assert f"(a reference image of {drawn.images[0].run_id[-8:]}, not to be replayed without it)" in said
    assert "reference image" not in told("log forget last --yes")


def test_an_image_that_is_made_again_after_it_was_forgotten_is_back(session):
    session.generate("A red fox", seed=41)
    told("log forget last --yes")
    image = session.generate("A red fox", seed=41).images[0]
    assert image.path.exists()
    assert "was deleted" not in told("show last")


# From Python.


def test_python_asks_the_log_the_same(several):
    log = several.log
    assert [record.draft.seed for record in log.search("fox", status="unknown")] == [4]
    assert [record.draft.seed for record in log.search(since=datetime.now(UTC) - timedelta(days=2), limit=2)] == [4, 3]
    assert log.get("last").draft.seed == 4
    assert log.get(log.get("last").run_id[-8:]).outcome.error_class == "PossiblyCharged"


def test_python_gets_frames_of_runs_images_and_costs(several):
    runs, images, costs = (several.log.frame(view) for view in ("v_runs", "v_images", "v_costs"))
    assert runs.sort_values("created_at")["seed"].tolist() == [1, 2, 3, 4]
    assert str(runs["created_at"].dt.tz) == "UTC"
    assert set(images["sha256"]) == set(several.log.objects.names())
    assert costs.groupby("model")["estimated_usd"].sum().round(2).to_dict() == {
        "qwen-image-2": 0.05,
        "z-image-turbo": 0.01,
    }
    assert several.log.frame().shape == runs.shape


def test_a_kernels_first_command_opens_the_log_at_no_cost(session, simulator):
    told("log")
    told("log --cost")
    assert not simulator.requests


def test_a_run_is_not_taken_for_the_folder_of_an_export_of_the_whole_log(several):
    run = current.current_session().log.get("last").run_id
    with pytest.raises(UsageError, match=r"is a run, not a file or a folder.*--run.*Nothing was written"):
        run_command(None, f"export {run[-8:]}")
    assert not Path(run[-8:]).exists()
    assert "1 run as" in told(f"export one.zip --run {run[-8:]}")
    assert "1 run as" in told(f"export again.zip --run {run[-8:]} --run last")
    with pytest.raises(StoreError, match="holds no run 'ABCDEFGH'"):
        run_command(None, "export none.zip --run ABCDEFGH")
    with pytest.raises(UsageError, match="not both"):
        run_command(None, "export both.zip --run last --seed 1")
    assert not Path("none.zip").exists()
    assert not Path("both.zip").exists()


@pytest.mark.parametrize(
    "context",
    [{"plan": {"cell": ["a", "b"]}}, {"plan": 5}, {"resolution": ["x"]}, {"resolution": {"model": "x", "seed": 5}}],
    ids=str,
)
def test_a_record_that_others_wrote_is_listed_and_shown_whatever_its_context_holds(session, context):
    session.generate("a fox", seed=1)
    record = session.log.get("last")
    draft = replace(record.draft, run_id=f"{record.run_id[:-4]}ZZZZ", context=context)
    session.log.add_whole(replace(record, draft=draft))
    assert "ZZZZ" in told("log")
    assert "a fox" in told(f"show {draft.run_id}")
