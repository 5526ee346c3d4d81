"""SIGKILL after each step of a paid request, and what the next start finds (REPRODUCIBILITY, section 2)."""

import io
import json
import os
import signal
import subprocess
import sys
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from pathlib import Path

import pytest
from PIL import Image

from venice_widgets.errors import StoreError
from venice_widgets.log import Log, Recovered, Status, leftovers, processes

CENT = Decimal("0.01")
PROGRAM = Path(__file__).with_name("one_request.py")


def image_bytes():
    file = io.BytesIO()
    Image.new("RGB", (16, 8), "red").save(file, "PNG")
    return file.getvalue()


def run_until_killed(folder, step, **options):
    """Make one paid request in a process of its own, which dies by SIGKILL after `step`."""
    done = subprocess.run(
        [sys.executable, PROGRAM, folder, str(step), json.dumps(options)],
        input=image_bytes(),
        capture_output=True,
        timeout=60,
        check=False,
        env={**os.environ, "PYTHONPATH": str(Path(__file__).parents[2])},
    )
    assert done.returncode == -signal.SIGKILL, done.stderr.decode()


@pytest.mark.parametrize(
    ("step", "status", "spent"),
    [
        ("1 built", None, 0),
        ("2 reserved", Status.CANCELLED, 0),
        ("3 marked", Status.UNKNOWN, 1),
        ("4 answered", Status.UNKNOWN, 1),
        ("5 half kept", Status.UNKNOWN, 1),
        ("5 noted", Status.SUCCEEDED, 1),
        ("5 kept", Status.SUCCEEDED, 1),
        ("6 finished", Status.SUCCEEDED, 1),
        ("7 shown", Status.SUCCEEDED, 1),
    ],
)
def test_a_process_killed_after_any_step_leaves_the_right_state(tmp_path, step, status, spent):
    run_until_killed(tmp_path, step)
    log = Log.open(tmp_path)
    assert [record.status for record in log.search()] == ([status] if status else [])
    assert log.spent().total_usd == spent * CENT
    assert log.verify().ok
    if status == Status.SUCCEEDED:
        (image,) = log.get("last").images
        assert log.objects.read(image.sha256) == image_bytes()
        assert (image.width, image.height, image.mime, image.seed) == (16, 8, "image/png", 41)
    else:
        assert log.orphans() == ()
    log.close()


def test_an_opening_tells_once_what_it_found(log, make):
    drafts = [make.draft() for _ in range(3)]
    log.reserve(drafts)
    for draft in drafts[1:]:
        log.mark_sent(draft.run_id)
    with log.image_writer(drafts[2].run_id) as writer:
        writer.write(image_bytes())
        writer.keep()
    for draft in drafts:
        belongs_to(log, draft.run_id, started="1")
    opened = Log.open(log.folder)
    cancelled, unknown, completed = ((draft.run_id,) for draft in drafts)
    assert opened.recovered == Recovered(cancelled, unknown, completed)
    opened.close()
    again = Log.open(log.folder)
    assert not again.recovered
    again.close()


@pytest.mark.parametrize(
    ("headers", "status", "blurred"),
    [
        ({"x-venice-is-content-violation": "true"}, Status.REFUSED, None),
        ({"X-Venice-Is-Blurred": "true", "x-venice-is-content-violation": "false"}, Status.SUCCEEDED, True),
        ({}, Status.SUCCEEDED, None),
    ],
)
def test_a_recovered_image_says_whether_it_was_refused_or_blurred(tmp_path, headers, status, blurred):
    run_until_killed(tmp_path, "5 kept", headers=headers)
    log = Log.open(tmp_path)
    outcome = log.get("last").outcome
    assert (outcome.status, outcome.blurred, outcome.status_code) == (status, blurred, 200)
    assert "image was found" in outcome.error
    log.close()


def test_several_images_of_one_run_are_recovered_in_order(tmp_path):
    run_until_killed(tmp_path, "5 kept twice")
    log = Log.open(tmp_path)
    first, second = log.get("last").images
    assert (first.seed, second.seed) == (41, None)
    assert log.objects.read(second.sha256) == image_bytes() + b"second"
    log.close()


def test_an_image_that_did_not_come_first_has_no_known_seed_though_it_is_the_only_one(tmp_path):
    run_until_killed(tmp_path, "5 kept", place=2)
    log = Log.open(tmp_path)
    assert [image.seed for image in log.get("last").images] == [None]
    log.close()


def test_a_recovered_image_keeps_the_prompt_that_was_really_drawn(tmp_path):
    run_until_killed(
        tmp_path, "5 kept", headers={"x-venice-enhanced-prompt": "A%20fox%2C%20red", "x-venice-balance-usd": "24.99"}
    )
    log = Log.open(tmp_path)
    outcome = log.get("last").outcome
    assert (outcome.enhanced_prompt, outcome.balance_before_usd) == ("A fox, red", Decimal("24.99"))
    log.close()


def test_an_image_damaged_since_it_arrived_is_not_taken_for_one(tmp_path):
    run_until_killed(tmp_path, "5 kept")
    (path,) = [path for path in (tmp_path / "objects").rglob("*") if path.is_file()]
    path.write_bytes(b"damaged")
    log = Log.open(tmp_path)
    assert log.get("last").status == Status.UNKNOWN
    log.close()


def test_one_image_that_cannot_be_read_costs_neither_the_others_nor_the_store(tmp_path, monkeypatch):
    run_until_killed(tmp_path, "5 kept twice")
    identify = leftovers.identify

    def stumbling(path):
        if path.read_bytes() == image_bytes():
            raise RecursionError("a library's own error")
        return identify(path)

    monkeypatch.setattr(leftovers, "identify", stumbling)
    log = Log.open(tmp_path)
    (image,) = log.get("last").images
    assert (log.objects.read(image.sha256), image.seed) == (image_bytes() + b"second", None)
    log.close()


def test_runs_of_a_living_process_are_left_alone(log, make):
    draft = make.draft()
    log.reserve([draft])
    other = Log.open(log.folder)
    assert not other.recovered
    assert other.get("last").status == Status.PENDING
    other.close()


def sql(log, statement, *values):
    return log._database.write(lambda connection: [tuple(row) for row in connection.execute(statement, values)])


def belongs_to(log, run_id, **changes):
    """Say that another process put a run on record."""
    process = replace(processes.this_process(), **changes)
    sql(log, "UPDATE runs SET process = ? WHERE run_id = ?", process.text, run_id)


@pytest.mark.parametrize(
    "process",
    [
        {"started": "1"},
        {"pid": 2**22 + 1},
        {"boot_id": "another boot"},
    ],
)
def test_a_process_id_that_was_given_again_is_not_the_same_process(log, make, process):
    draft = make.draft()
    log.reserve([draft])
    belongs_to(log, draft.run_id, **process)
    assert log.recover().cancelled == (draft.run_id,)


@pytest.mark.parametrize("process", [{"host": "another host"}, {"pid_namespace": "another container"}, {"started": ""}])
@pytest.mark.parametrize(("seconds", "over"), [(380, False), (400, True)])
def test_elsewhere_a_sent_run_is_given_the_read_timeout_and_a_minute(log, make, process, seconds, over):
    draft = make.draft()
    log.reserve([draft])
    log.mark_sent(draft.run_id)
    belongs_to(log, draft.run_id, **process)
    sent_at = (datetime.now(UTC) - timedelta(seconds=seconds)).isoformat()
    sql(log, "UPDATE runs SET sent_at = ?", sent_at)
    assert log.recover().unknown == ((draft.run_id,) if over else ())


@pytest.mark.parametrize(("hours", "over"), [(1, False), (3, True)])
def test_elsewhere_a_pending_run_is_given_two_hours_and_may_not_leave_after_that(log, make, hours, over):
    draft = make.draft(created_at=datetime.now(UTC) - timedelta(hours=hours))
    log.reserve([draft])
    belongs_to(log, draft.run_id, host="another host")
    assert log.recover().cancelled == ((draft.run_id,) if over else ())
    if over:
        with pytest.raises(StoreError, match="is cancelled, not pending"):
            log.mark_sent(draft.run_id)


def test_a_late_answer_completes_a_run_that_was_given_up(log, make):
    draft = make.draft()
    log.reserve([draft])
    log.mark_sent(draft.run_id)
    belongs_to(log, draft.run_id, started="1")
    assert log.recover().unknown == (draft.run_id,)
    log.finish(draft.run_id, make.outcome(images=(make.image(),)))
    assert log.get("last").status == Status.SUCCEEDED


def test_an_arrival_is_forgotten_when_its_run_has_ended(log, make):
    draft = make.draft()
    log.reserve([draft])
    log.mark_sent(draft.run_id)
    with log.image_writer(draft.run_id, headers={"Set-Cookie": "x"}) as writer:
        writer.write(b"image")
        kept = writer.keep()
    assert log.orphans() == ()
    assert sql(log, "SELECT sha256, headers FROM arrivals") == [(kept.sha256, "{}")]
    log.finish(draft.run_id, make.outcome(images=(make.image(kept.sha256),)))
    assert sql(log, "SELECT * FROM arrivals") == []
