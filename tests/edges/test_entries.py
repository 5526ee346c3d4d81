"""The same trouble through every entry: a cell, Python, the panel, and a plan that a script runs."""

import io
import json
import re
import shutil
import sqlite3
import sys
import threading
import time
import tomllib
import warnings
from datetime import timedelta
from types import SimpleNamespace

import pytest
from PIL import Image

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

KEY = "VENICE_INFERENCE_KEY_0123456789abcdef"
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
    monkeypatch.setenv("VENICE_API_KEY", f'"{KEY}"')
    quoted = Session(transport=simulator.transport())
    current.use_session(quoted)
    entries.session = quoted
    entries(entry)
    sent = [request for request in simulator.requests if request.method == "POST"]
    assert [request.headers["authorization"] for request in sent] == [f"Bearer {KEY}"]
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


@every_entry
def test_a_log_that_another_program_holds_lets_nothing_out_and_says_so(entries, session, posts, entry):
    session.log.search()  # makes the store
    session.catalogue()
    session.log._database.busy_timeout_seconds = 0.05
    other = sqlite3.connect(session.log.folder / "log.sqlite", isolation_level=None)
    other.execute("BEGIN IMMEDIATE")
    seen = entries(entry)
    other.execute("ROLLBACK")
    other.close()
    assert "is locked by another program" in seen
    assert posts() == 0
    entries(entry)
    assert session.log.get("last").status is Status.SUCCEEDED


@every_entry
def test_a_body_that_expands_without_end_is_told_as_possibly_charged(entries, session, simulator, monkeypatch, entry):
    monkeypatch.setattr("venice_widgets.client.image_channel._LARGEST_BODY_BYTES", 4 << 20)
    simulator.add_fault(Fault("brotli-bomb"))
    seen = entries(entry)
    assert "larger than 4,194,304 bytes" in seen
    assert "may have been charged" in seen
    assert session.log.get("last").status is Status.UNKNOWN


@every_entry
def test_a_budget_that_was_set_meanwhile_holds_and_names_what_is_left(entries, session, posts, entry):
    session.log.search()  # makes the store
    (session.settings.store / "config.toml").write_text('day_budget_usd = "0.02"\n')
    seen = entries(entry, 4)
    assert re.search(r"day('s)? budget", seen)
    assert "$0.02" in seen
    assert posts() == 0


@every_entry
def test_a_limit_that_is_too_low_refuses_before_anything_is_sent(entries, session, posts, monkeypatch, entry):
    monkeypatch.setenv("VENICE_MAX_COST", "0.005")
    assert "is more than the limit of $0.005" in entries(entry)
    assert posts() == 0


ODD_EXIF = b"Exif\0\0MM\0*\0\0\0\x08\0\x01\x01\x12\0\x03\0\0\0\x09\0\x06\0\0\0\0\0\0"


def odd(commission):
    file = io.BytesIO()
    Image.new("RGB", (16, 12), (commission.content % 256, 0, 0)).save(file, "JPEG", exif=ODD_EXIF)
    return file.getvalue()


@every_entry
@pytest.mark.parametrize("paint", [odd], ids=[""])
def test_an_image_with_odd_exif_arrives_where_warnings_are_errors(entries, session, entry):
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        entries(entry)
    assert session.log.get("last").status is Status.SUCCEEDED


@every_entry
def test_an_image_whose_preview_cannot_be_made_has_arrived(entries, session, monkeypatch, entry):
    def fails(*_):
        raise RuntimeError("no encoder")

    monkeypatch.setattr("venice_widgets.media.preview.encode_preview", fails)
    seen = entries(entry)
    assert "may have been charged" not in seen
    assert "no encoder" not in seen
    assert session.log.get("last").status is Status.SUCCEEDED


@every_entry
def test_a_wallet_key_that_cannot_be_used_is_shown_by_no_entry(entries, simulator, monkeypatch, entry):
    monkeypatch.delenv("VENICE_API_KEY", raising=False)
    key = "0x" + "f" * 64  # not below the order of the curve
    wallet = Session(wallet=key, transport=simulator.transport())
    current.use_session(wallet)
    entries.session = wallet
    seen = entries(entry)
    assert "wallet" in seen.lower()
    assert key[2:] not in seen
    wallet.close()


@every_entry
def test_a_store_on_read_only_media_takes_no_request(entries, session, posts, monkeypatch, entry):
    session.log.search()  # makes the store
    session.catalogue()
    session.log.close()
    session.close()
    for module in ("venice_widgets.log.database", "venice_widgets.log.log"):
        monkeypatch.setattr(f"{module}.can_write", lambda _: False)
    again = Session(api_key=KEY, transport=session.client._transport)
    current.use_session(again)
    entries.session = again
    seen = entries(entry)
    assert "cannot be written" in seen
    assert posts() == 0
    assert "The log is empty" in run_command(None, "log").data["text/plain"]
    again.close()


@every_entry
def test_the_settings_folder_of_another_program_is_not_taken_for_the_store(
    entries, session, simulator, monkeypatch, tmp_path, entry
):
    (tmp_path / "work" / ".venice").mkdir()
    (tmp_path / "work" / ".venice" / "settings.json").write_text('{"default_model": "x"}')
    own = Session(api_key=KEY, transport=simulator.transport())
    current.use_session(own)
    entries.session = own
    entries(entry)
    assert own.log.get("last").status is Status.SUCCEEDED
    assert own.settings.store.name == ".venice-widgets"
    assert [path.name for path in (tmp_path / "work" / ".venice").iterdir()] == ["settings.json"]
    own.close()


@every_entry
@pytest.mark.parametrize(
    "module", [SimpleNamespace(), SimpleNamespace(get=None), None], ids=["empty", "odd", "missing"]
)
def test_colab_secrets_that_do_not_answer_are_no_key_and_no_other_fault(entries, simulator, monkeypatch, entry, module):
    monkeypatch.setitem(sys.modules, "google.colab", SimpleNamespace())
    monkeypatch.setitem(sys.modules, "google.colab.userdata", module)
    without = Session(transport=simulator.transport())
    current.use_session(without)
    entries.session = without
    seen = entries(entry)
    assert "VENICE_API_KEY" in seen
    assert "no api key" in seen.lower()
    assert not [request for request in simulator.requests if request.method == "POST"]
    without.close()
