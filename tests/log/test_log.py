import os
import shutil
import sqlite3
import threading
from datetime import UTC, datetime
from decimal import Decimal
from types import SimpleNamespace

import pytest

from venice_widgets.errors import StoreError
from venice_widgets.log import Log, Status


def test_a_run_comes_back_as_it_went_in(log, make):
    draft = make.draft(parent_run_id="01JA", relation="replay_of", asked_model="fastest")
    outcome = make.outcome(
        images=(make.image(), make.image("cd" * 32, seed=None)),
        response={"id": "x", "timing": {"total": 3}},
        headers={"cf-ray": "1"},
        response_id="x",
        status_code=200,
        blurred=False,
        first_byte_at=make.start,
        balance_before_usd=Decimal("12.345678"),
        enhanced_prompt="a very red fox",
    )
    log.reserve([draft])
    log.mark_sent(draft.run_id)
    log.finish(draft.run_id, outcome)
    record = log.get(draft.run_id)
    assert record.outcome == outcome
    assert (record.status, record.images, record.charged_usd) == (Status.SUCCEEDED, outcome.images, None)
    assert {**record.draft.catalogue_entry} == {"id": "z-image-turbo", "price": 0.01}
    for name in ("run_id", "created_at", "estimate_usd", "reserve_usd", "seed_drawn", "context", "relation"):
        assert getattr(record.draft, name) == getattr(draft, name)


def test_a_run_is_pending_then_sent(log, make):
    draft = make.draft()
    log.reserve([draft])
    assert (log.get("last").status, log.get("last").sent_at, log.get("last").outcome) == (Status.PENDING, None, None)
    before = datetime.now(UTC)
    log.mark_sent(draft.run_id)
    assert log.get("last").status == Status.SENT
    assert before <= log.get("last").sent_at <= datetime.now(UTC)


def test_runs_are_reserved_all_or_none(log, make):
    first = make.draft()
    log.reserve([first])
    with pytest.raises(StoreError):
        log.reserve([make.draft(), make.draft(run_id=first.run_id)])
    assert log.get("last").run_id == first.run_id


def test_only_a_pending_run_can_be_amended(log, make):
    draft = make.draft()
    log.reserve([draft])
    log.amend(make.draft(run_id=draft.run_id, prompt="a blue fox"))
    assert log.get("last").draft.prompt == "a blue fox"
    log.mark_sent(draft.run_id)
    with pytest.raises(StoreError, match="not pending"):
        log.amend(draft)


def test_a_run_ends_once_but_an_unknown_one_may_still_succeed(log, make):
    draft = make.draft()
    log.reserve([draft])
    log.mark_sent(draft.run_id)
    log.finish(draft.run_id, make.outcome(Status.UNKNOWN, error="timed out"))
    log.finish(draft.run_id, make.outcome(images=(make.image(),)))
    assert len(log.get("last").images) == 1
    with pytest.raises(StoreError, match="not pending"):
        log.finish(draft.run_id, make.outcome(Status.FAILED))


def test_a_run_is_found_by_any_unique_ending_in_any_case(log, make):
    log.reserve([make.draft(run_id="01JDAAAAAAAAAAAAAAAAAAXYZ1"), make.draft(run_id="01JDAAAAAAAAAAAAAAAAAAXYZ2")])
    assert log.get("xyz1").run_id.endswith("XYZ1")
    assert log.get("01JDAAAAAAAAAAAAAAAAAAXYZ2").run_id.endswith("XYZ2")
    assert log.get("2").run_id.endswith("XYZ2")


@pytest.mark.parametrize("name", ["%", "_", "", "?", "' OR 1=1 --", "%XYZ1", "\0", "[0-9]", "1" * 1000])
def test_no_name_is_a_pattern(log, make, name):
    log.reserve([make.draft(run_id="01JDAAAAAAAAAAAAAAAAAAXYZ1")])
    with pytest.raises(StoreError, match="holds no run"):
        log.get(name)


def test_an_ending_of_several_runs_names_them(log, make):
    log.reserve([make.draft(run_id="01JDAAAAAAAAAAAAAAAAAAAXYZ"), make.draft(run_id="01JDAAAAAAAAAAAAAAAAAABXYZ")])
    with pytest.raises(StoreError, match="several runs end in 'XYZ': AAAAAAAAAXYZ, AAAAAAAABXYZ"):
        log.get("XYZ")


def test_an_empty_log_has_no_last_run(log):
    with pytest.raises(StoreError, match="holds no run yet"):
        log.get("last")


def test_equal_documents_are_stored_once(log, make):
    log.reserve([make.draft() for _ in range(5)])
    with sqlite3.connect(log.folder / "log.sqlite") as connection:
        assert connection.execute("SELECT count(*) FROM documents").fetchone() == (3,)
    connection.close()


def test_git_is_told_to_leave_the_store_alone(log):
    assert (log.folder / ".gitignore").read_text() == "*\n"


def test_a_store_that_cannot_be_made_says_so(tmp_path):
    (tmp_path / "file").write_text("")
    with pytest.raises(StoreError, match="cannot be opened"):
        Log.open(tmp_path / "file" / ".venice")


def test_a_file_that_is_no_database_says_so(tmp_path):
    (tmp_path / "log.sqlite").write_bytes(b"not a database at all" * 100)
    with pytest.raises(StoreError, match=r"file is not a database.\nThe file is damaged.*backup.*Nothing was sent"):
        Log.open(tmp_path)


def test_a_database_that_was_damaged_says_so_and_what_to_do(log, make):
    log.reserve([make.draft() for _ in range(60)])
    log.close()
    with (log.folder / "log.sqlite").open("r+b") as file:
        file.seek(4096)  # the first page stays, so that it opens
        file.write(b"\xff" * 4096)
    damaged = Log.open(log.folder)
    for ask in (damaged.search, damaged.verify, lambda: damaged.reserve([make.draft()])):
        with pytest.raises(StoreError, match=r"malformed.\nThe file is damaged.*put a backup.*in its place"):
            ask()
    damaged.close()


def traced(log, callback):
    """Let a function be told of every statement."""
    log._database._thread.run(lambda connection, _: connection.set_trace_callback(callback))


def test_every_change_takes_the_write_lock_before_it_reads(log, make):
    """A deferred transaction that reads and then writes loses writes when several processes share the store."""
    seen = []
    draft = make.draft()
    traced(log, seen.append)
    log.reserve([draft])
    log.mark_sent(draft.run_id)
    log.finish(draft.run_id, make.outcome())
    traced(log, None)
    starts = [index for index, statement in enumerate(seen) if statement.startswith("BEGIN")]
    assert [seen[index] for index in starts] == ["BEGIN IMMEDIATE"] * 3
    writes = [i for i, text in enumerate(seen) if text.startswith(("INSERT", "UPDATE", "DELETE"))]
    ends = [index for index, statement in enumerate(seen) if statement == "COMMIT"]
    assert all(any(start < write < end for start, end in zip(starts, ends, strict=True)) for write in writes)


def test_the_pending_row_is_on_the_disk_before_anything_is_sent(log):
    assert log._database.read(lambda connection: connection.execute("PRAGMA synchronous").fetchone()[0]) == 2


@pytest.mark.skipif(os.name == "nt", reason="Windows moves no open file")
@pytest.mark.parametrize("made_anew", [False, True])
@pytest.mark.parametrize("lose", [shutil.rmtree, lambda folder: folder.rename(folder.with_name("moved"))])
def test_nothing_is_sent_from_a_store_that_was_deleted_or_moved_while_it_was_open(log, make, lose, made_anew):
    waiting, sent = make.draft(), make.draft()
    log.reserve([waiting, sent])
    log.mark_sent(sent.run_id)
    lose(log.folder)
    if made_anew:
        Log.open(log.folder).close()
    with pytest.raises(StoreError, match=r"was moved, deleted or replaced since it was opened.*\n.*restart the kernel"):
        log.reserve([make.draft()])
    with pytest.raises(StoreError, match="Nothing was sent"):
        log.mark_sent(waiting.run_id)
    log.objects.add(b"image")
    kept = log.objects.add(b"image")
    told = r"was moved, deleted or replaced while run .* was in flight.*\n.*export and import"
    with pytest.raises(StoreError, match=told):
        log.finish(sent.run_id, make.outcome(images=(make.image(kept.sha256),)))
    there = Log.open(log.folder)
    assert there.get(sent.run_id).status is Status.SUCCEEDED, "the record is where the image is"
    assert there.verify().ok
    there.close()


@pytest.mark.skipif(os.name == "nt", reason="Windows moves no open file")
def test_an_image_that_was_stored_before_the_store_was_moved_is_said_to_be_there(log, make):
    log.reserve([draft := make.draft()])
    log.mark_sent(draft.run_id)
    kept = log.objects.add(b"image")
    moved = log.folder.rename(log.folder.with_name("moved"))
    with pytest.raises(StoreError, match="Its image is in the folder that was moved"):
        log.finish(draft.run_id, make.outcome(images=(make.image(kept.sha256),)))
    for folder in (moved, log.folder):
        there = Log.open(folder)
        assert there.get(draft.run_id).status is Status.SUCCEEDED
        there.close()


def test_before_each_request_the_store_is_tried(log, make, monkeypatch):
    log.reserve([draft := make.draft()])
    monkeypatch.setattr("shutil.disk_usage", lambda _: SimpleNamespace(free=1_000_000))
    with pytest.raises(StoreError, match=r"only 1.0 MB are free.*\n.*Nothing was sent"):
        log.mark_sent(draft.run_id)
    assert log.get(draft.run_id).status is Status.PENDING


def test_threads_share_a_log(log, make):
    def work():
        for draft in [make.draft() for _ in range(10)]:
            log.reserve([draft])
            log.mark_sent(draft.run_id)
            log.finish(draft.run_id, make.outcome())

    threads = [threading.Thread(target=work) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert len(log.search(limit=100)) == 40
