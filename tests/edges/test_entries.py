"""The same trouble through every entry: a cell, Python, the panel, and a plan that a script runs."""

import json
import re
import shutil
import threading
import time
import tomllib
from datetime import timedelta
from types import SimpleNamespace

import pytest

import venice_widgets
from tests.edges.clock import Clock
from venice_widgets import current
from venice_widgets.errors import DisplayedError, StoreError
from venice_widgets.files import settings_files
from venice_widgets.generation.rate_limiter import RateLimiter
from venice_widgets.log import Status
from venice_widgets.notebook.commands import run_command
from venice_widgets.panel import Panel
from venice_widgets.plan.command_line import main
from venice_widgets.session import Session
from venice_widgets.simulator import Fault

SOON = "venice_widgets.generation.dispatch.retry_delay_seconds"


@pytest.fixture(autouse=True)
def _at_once(session, monkeypatch):
    session._pace = RateLimiter(None)
    monkeypatch.setattr(SOON, lambda error, attempt: None)


class Entries:
    """Each asks for images of a fox, with seeds from 1, and gives the words that are seen."""

    def __init__(self, shell, session, capsys, tmp_path):
        self.shell, self.session, self.capsys, self.tmp_path = shell, session, capsys, tmp_path

    def __call__(self, name, images=1, **more):
        self.capsys.readouterr()
        told = getattr(self, name)(images, **more)
        printed = self.capsys.readouterr()
        return " ".join(re.sub(r"\x1b\[\d*m", "", f"{told} {printed.out} {printed.err}").split())

    def cell(self, images, max_cost=None):
        limit = f" --max-cost {max_cost}" if max_cost else ""
        result = self.shell.run_cell(f"%%venice --seed 1 -n {images} --yes{limit}\nA fox", store_history=True)
        return result.error_in_exec or ""

    def python(self, images, max_cost=None):
        def call():
            return venice_widgets.generate("A fox", seed=1, images=images, yes=True, max_cost_usd=max_cost).notes

        return told(call)

    def panel(self, images, max_cost=None):
        panel = Panel(self.session, prompt="A fox", seed="1" if images == 1 else f"1..{images}")

        def click():
            panel.generate(yes=True)
            generation = panel.wait(60)
            return " ".join({str(run.error) for run in generation.runs if run.error})

        try:
            return told(click)
        finally:
            panel.close()

    def script(self, images, max_cost=None):
        plan = self.session.plan("A fox", seed=f"1..{images}", steps=[4, 8][: 2 if images > 1 else 1])
        (self.tmp_path / "plan.json").write_text(plan.to_json())
        limit = ["--max-cost", max_cost] if max_cost else ["--yes"]
        return f"status {main(['run', str(self.tmp_path / 'plan.json'), *limit])}"


def told(act):
    try:
        return act() or ""
    except DisplayedError as exc:
        return exc


@pytest.fixture
def entries(shell, session, capsys, tmp_path):
    return Entries(shell, session, capsys, tmp_path)


@pytest.fixture
def posts(simulator):
    return lambda: sum(request.method == "POST" for request in simulator.requests)


NAMES = ("cell", "python", "panel", "script")
every_entry = pytest.mark.parametrize("entry", NAMES)


@every_entry
@pytest.mark.parametrize("kind", ["base64url", "b64-json", "nan", "deep", "utf-16", "data-uri", "png-text"])
def test_an_image_in_any_shape_is_taken(entries, session, simulator, entry, kind):
    simulator.add_fault(Fault(kind))
    entries(entry)
    (record,) = session.log.search()
    assert record.status is Status.SUCCEEDED
    assert session.log.objects.is_whole(record.images[0].sha256)


@every_entry
@pytest.mark.parametrize("kind", ["svg", "bmp", "tiff"])
def test_a_paid_response_that_is_no_image_belongs_to_its_run(entries, session, simulator, entry, kind):
    simulator.add_fault(Fault(kind))
    assert "may have been charged" in entries(entry)
    (record,) = session.log.search()
    assert record.status is Status.UNKNOWN
    assert all(session.log.objects.is_whole(body.sha256) for body in record.outcome.bodies)
    assert record.outcome.bodies
    assert session.log.orphans() == ()
    doctor = run_command(None, "doctor").data["text/plain"]
    assert f"run {record.run_id[-8:]} may have been charged" in doctor
    assert "of no run" not in doctor


@every_entry
@pytest.mark.parametrize(
    ("fault", "said", "unsaid"),
    [
        (Fault("gzip-garbled"), "may have been charged", "connection was lost"),
        (Fault("303"), "may have been charged", "Nothing was charged"),
        (Fault("302"), "redirect", "None"),
        (Fault("moderation"), "moderation", "change what it names"),
        (Fault("500"), "may have been charged", "Nothing was charged"),
    ],
    ids=lambda each: each.kind if isinstance(each, Fault) else "",
)
def test_what_is_said_is_true_of_the_money(entries, simulator, entry, fault, said, unsaid):
    simulator.add_fault(fault)
    seen = entries(entry)
    assert said in seen
    assert unsaid not in seen


@every_entry
def test_an_objects_folder_that_takes_nothing_is_found_before_anything_is_sent(entries, session, posts, entry):
    shutil.rmtree(session.log.objects.folder, ignore_errors=True)
    session.log.objects.folder.write_text("not a folder")
    seen = entries(entry)
    assert "cannot be written" in seen
    assert posts() == 0


@every_entry
def test_a_full_disk_ends_the_buying(entries, session, simulator, posts, monkeypatch, entry):
    looks = []

    def look():
        looks.append(1)
        if len(looks) > 3:
            raise StoreError("only 1 MB is free.", "Free some. Nothing was sent.")

    monkeypatch.setattr(session.log.objects, "refuse_full", look)
    assert "only 1 MB is free" in entries(entry, 10)
    assert posts() <= 4


@every_entry
def test_after_what_may_have_been_charged_the_rest_is_not_sent(entries, session, simulator, posts, entry):
    simulator.add_fault(Fault("500", times=None))
    assert "may have been charged" in entries(entry, 20)
    assert posts() <= 10  # those that were in flight already, of a plan eight
    assert session.log.spent().unknown_usd == posts() * session.log.get("last").draft.estimate_usd


@every_entry
def test_a_clock_that_goes_back_makes_prices_old(entries, session, simulator, posts, monkeypatch, entry):
    clock = Clock(monkeypatch)
    session.catalogue()
    asked = len(simulator.requests)
    clock.ahead = -timedelta(hours=480)
    entries(entry)
    assert any(request.path == "/models" for request in list(simulator.requests)[asked:]), "the old price is believed"
    assert posts() == 1


@every_entry
def test_failures_of_one_kind_are_one_paragraph(entries, simulator, entry):
    simulator.add_fault(Fault("402-key", times=None))
    assert 1 <= entries(entry, 20).count("does not cover this request (402)") <= 2


@every_entry
def test_one_call_reads_a_settings_file_once(entries, session, monkeypatch, entry):
    session.log.search()  # makes the store
    (session.settings.store / "config.toml").write_text("preview_pixels = 512\n")
    entries("python")  # what is read once a process is read
    (session.settings.store / "config.toml").write_text("preview_pixels = 256\n")
    parses = []

    def loads(*text, **how):
        parses.append(text)
        return tomllib.loads(*text, **how)

    monkeypatch.setattr(settings_files, "tomllib", SimpleNamespace(loads=loads))
    entries(entry, 2)
    assert len(parses) in (1, 2), "two threads of the panel may come at the same time"


@every_entry
def test_a_key_in_quotes_is_sent_without_them(entries, simulator, monkeypatch, entry):
    monkeypatch.setenv("VENICE_API_KEY", '"VENICE_INFERENCE_KEY_0123456789abcdef"')
    quoted = Session(transport=simulator.transport())
    current.use_session(quoted)
    entries.session = quoted
    entries(entry)
    sent = [request for request in simulator.requests if request.method == "POST"]
    assert [request.headers["authorization"] for request in sent] == ["Bearer VENICE_INFERENCE_KEY_0123456789abcdef"]
    quoted.close()


def test_the_record_of_each_entry_is_the_same_request(entries, session, simulator):
    for entry in NAMES[:3]:
        simulator.clear_faults()
        entries(entry)
    bodies = {json.dumps(request.json, sort_keys=True) for request in simulator.requests if request.method == "POST"}
    assert len(bodies) == 1


@every_entry
def test_a_store_that_is_moved_while_an_image_is_in_flight_is_told(entries, session, simulator, posts, entry):
    session.log.search()  # makes the store
    simulator.add_fault(Fault("slow", seconds=0.5))
    store = session.settings.store

    def move():
        while not posts():
            time.sleep(0.01)
        store.rename(store.with_name("moved"))

    mover = threading.Thread(target=move)
    mover.start()
    seen = entries(entry)
    mover.join()
    assert "was moved, deleted or replaced while run" in seen
