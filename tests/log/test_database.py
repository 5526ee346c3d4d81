import gc
import sqlite3
import threading
import time
from decimal import Decimal
from types import SimpleNamespace

import pytest

from venice_widgets.errors import StoreError
from venice_widgets.files import platform
from venice_widgets.files.store_folder import make_store
from venice_widgets.log import Budgets, Log, Status, database


def test_a_log_that_no_one_holds_any_more_has_closed_its_file_and_ended_its_thread(tmp_path):
    log = Log.open(tmp_path)
    connection = log._database._thread._connection
    assert connection._opened is not None
    del log
    gc.collect()
    until(lambda: connection._opened is None)


def until(holds):
    deadline = time.monotonic() + 10
    while not holds():
        assert time.monotonic() < deadline
        time.sleep(0.001)


def test_a_closed_log_says_so(tmp_path):
    log = Log.open(tmp_path)
    log.close()
    log.close()
    with pytest.raises(StoreError, match="the log is closed"):
        log.search()


def test_the_journal_is_wal_where_it_works(log):
    assert log.doctor().journal_mode == "wal"


class Connection(sqlite3.Connection):
    """On a file system where WAL does not work: `reaction` is what SQLite does when it is asked for it."""

    reaction = None

    def execute(self, statement, *values):
        if statement == "PRAGMA journal_mode = WAL" and self.reaction:
            return self.reaction()
        return super().execute(statement, *values)


def fails():
    raise sqlite3.OperationalError("locking protocol")


def answers_otherwise():
    return SimpleNamespace(fetchone=lambda: ("memory",))


@pytest.mark.parametrize("reaction", [fails, answers_otherwise])
def test_where_wal_fails_the_journal_is_delete_and_everything_works(tmp_path, make, monkeypatch, reaction):
    monkeypatch.setattr(Connection, "reaction", staticmethod(reaction))
    connect = sqlite3.connect
    monkeypatch.setattr(database.sqlite3, "connect", lambda *args, **more: connect(*args, **more, factory=Connection))
    log = Log.open(tmp_path)
    assert log.doctor().journal_mode == "delete"
    draft = make.draft()
    log.reserve([draft])
    log.mark_sent(draft.run_id)
    with log.image_writer(draft.run_id) as writer:
        writer.write(b"image")
        kept = writer.keep()
    log.finish(draft.run_id, make.outcome(images=(make.image(kept.sha256),)))
    assert log.search("fox")[0].images
    log.close()
    assert not (tmp_path / "log.sqlite-wal").exists()


def mounts(tmp_path, *lines):
    path = tmp_path / "mounts"
    path.write_text("\n".join(f"device {line} rw 0 0" for line in lines))
    return path


@pytest.mark.parametrize("kind", ["nfs4", "lustre", "gpfs", "cifs", "fuse.rclone"])
def test_on_a_network_file_system_wal_is_not_even_tried(tmp_path, kind):
    connection = sqlite3.connect(tmp_path / "log.sqlite")
    table = mounts(tmp_path, "/ ext4", f"{tmp_path} {kind}")
    assert database.choose_journal(connection, tmp_path / "log.sqlite", table) == "delete"
    connection.close()


def test_the_file_system_is_that_of_the_longest_mount(tmp_path):
    deep = tmp_path / "a b" / "c"
    deep.mkdir(parents=True)
    table = mounts(tmp_path, f"{tmp_path}/a\\040b nfs", "/ ext4", f"{tmp_path}/a\\040b/c xfs", f"{tmp_path}/a tmpfs")
    assert platform.file_system(tmp_path / "x", table) == "ext4"
    assert platform.file_system(tmp_path / "a b/x", table) == "nfs"
    assert platform.file_system(deep / "x", table) == "xfs"
    assert platform.file_system(deep, tmp_path / "no such table") == ""


def test_a_mount_on_top_of_a_mount_wins(tmp_path):
    assert platform.file_system(tmp_path, mounts(tmp_path, "/ ext4", f"{tmp_path} ext4", f"{tmp_path} nfs")) == "nfs"


@pytest.mark.parametrize("change", ["reserve", "resolve", "favorite"])
def test_a_log_that_stays_locked_says_so_and_that_nothing_was_done(log, make, change):
    log.reserve([draft := make.draft()])
    log.finish(draft.run_id, make.outcome(Status.UNKNOWN))
    do = {
        "reserve": lambda: log.reserve([make.draft()]),
        "resolve": lambda: log.resolve(draft.run_id, charged=False),
        "favorite": lambda: log.favorite(draft.run_id),
    }[change]
    log._database.busy_timeout_seconds = 0.05
    other = sqlite3.connect(log.folder / "log.sqlite", isolation_level=None)
    other.execute("BEGIN IMMEDIATE")
    with pytest.raises(StoreError, match=r"is locked by another program.*\n.*Nothing was (sent|changed)") as locked:
        do()
    assert "Make room" not in str(locked.value)
    assert len(log.search()) == 1
    other.execute("ROLLBACK")
    other.close()
    do()


def test_many_may_open_a_new_store_at_once(tmp_path):
    """SQLite's busy timeout does not hold for the change of journal."""
    failures = []
    start = threading.Barrier(8)

    def work():
        start.wait()
        try:
            Log.open(tmp_path / ".venice").close()
        except StoreError as exc:
            failures.append(exc)

    threads = [threading.Thread(target=work) for _ in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert failures == []


def test_a_store_that_another_program_is_making_is_waited_for(tmp_path):
    make_store(store := tmp_path / ".venice")
    other = sqlite3.connect(store / "log.sqlite", isolation_level=None, check_same_thread=False)
    other.execute("PRAGMA journal_mode = WAL")
    other.execute("BEGIN IMMEDIATE")
    threading.Timer(3 * database._SLICE_SECONDS, lambda: other.execute("ROLLBACK")).start()
    Log.open(store).close()
    other.close()


def test_only_what_may_be_lost_with_the_power_is_written_without_a_flush(log):
    def synchronous(connection):
        return connection.execute("PRAGMA synchronous").fetchone()[0]

    assert (log._database.write_soon(synchronous), log._database.write(synchronous)) == (1, 2)


def explain(connection, statement):
    return connection.execute(f"EXPLAIN QUERY PLAN {statement}").fetchall()


def plans(monkeypatch, work):
    """How SQLite goes about every question that `work` asks, as EXPLAIN QUERY PLAN tells it, by statement."""
    asked = []
    connect = sqlite3.connect

    def traced(*arguments, **options):
        connection = connect(*arguments, **options)
        connection.set_trace_callback(asked.append)
        return connection

    monkeypatch.setattr(database.sqlite3, "connect", traced)
    log = work()
    monkeypatch.undo()
    log._database._thread.run(lambda connection, _: connection.set_trace_callback(None))
    questions = [statement for statement in asked if statement.startswith(("SELECT", "UPDATE", "INSERT", "DELETE"))]
    explained = {
        statement: " | ".join(row["detail"] for row in log._database.read(explain, statement))
        for statement in questions
    }
    log.close()
    return explained


def test_opening_reads_no_more_of_a_large_store_than_of_an_empty_one(tmp_path, make, monkeypatch):
    log = Log.open(tmp_path)
    log.reserve([make.draft()])
    log.close()
    found = plans(monkeypatch, lambda: Log.open(tmp_path))
    scans = {statement for statement, plan in found.items() if "SCAN runs" in plan and "USING INDEX" not in plan}
    assert not scans
    assert any("runs_not_succeeded" in plan for plan in found.values())


def test_no_request_and_no_search_reads_the_whole_log(tmp_path, make, monkeypatch):
    draft = make.draft(context={"notebook": "/work/fox.ipynb"})

    def work():
        log = Log.open(tmp_path)
        log.reserve([draft], Budgets(session_usd=Decimal(1), day_usd=Decimal(1), project_usd=Decimal(1)))
        log.mark_sent(draft.run_id)
        log.finish(draft.run_id, make.outcome(images=(make.image(),)))
        for filters in ({}, {"text": "fox"}):
            log.search(**filters, model="m")
            log.search(**filters, seed=7)
            log.search(**filters, status="unknown")
            log.search(**filters, notebook="fox.ipynb")
            log.search(**filters, since=make.start, until=make.start)
        log.get(draft.run_id)
        log.get(draft.run_id[-8:])
        log.find_same(draft.request_hash)
        log.find_image("ab" * 32)
        log.costs("model")
        return log

    found = plans(monkeypatch, work)
    scans = {statement: plan for statement, plan in found.items() if "SCAN runs" in plan}
    assert not scans
    assert sum("SEARCH runs" in plan for plan in found.values()) > 15


def test_the_newest_runs_are_read_from_the_end(tmp_path, monkeypatch):
    def work():
        log = Log.open(tmp_path)
        log.search()
        return log

    (plan,) = {plan for text, plan in plans(monkeypatch, work).items() if "ORDER BY runs.number DESC LIMIT" in text}
    assert "TEMP B-TREE" not in plan
