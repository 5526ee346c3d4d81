import sqlite3

import pytest

from venice_widgets.errors import StoreError
from venice_widgets.log import Log, Status, migrations, schema

FIRST_RUN = {
    "run_id": "01JD0000000000000000000001",
    "generation_id": "01JD0000000000000000000000",
    "position": 0,
    "status": "succeeded",
    "created_at": "2026-11-20T10:00:00.123456+00:00",
    "sent_at": "2026-11-20T10:00:01.000000+00:00",
    "first_byte_at": None,
    "finished_at": "2026-11-20T10:00:02.000000+00:00",
    "base_url": "https://api.venice.ai/api/v1",
    "model": "z-image-turbo",
    "asked_model": None,
    "seed": 41,
    "seed_drawn": 1,
    "prompt": "a red fox, 狐狸",
    "request": "{}",
    "request_hash": "sha256:44136fa355b3678a1146ad16f7e8649e94fb4fc21fe77e8310c060f61caaff8a",
    "body_sha256": "sha256:0",
    "estimate_micro_usd": 10000,
    "reserve_micro_usd": 20000,
    "charged_micro_usd": None,
    "balance_before_micro_usd": None,
    "formula": "1 × $0.01",
    "attempts": 1,
    "error_class": None,
    "error": None,
    "status_code": 200,
    "response_id": "abc",
    "response": "{}",
    "headers": "{}",
    "blurred": 0,
    "violation": None,
    "enhanced_prompt": None,
    "parent_run_id": None,
    "relation": None,
    "catalogue_entry": "44136fa355b3678a1146ad16f7e8649e94fb4fc21fe77e8310c060f61caaff8a",
    "environment": "44136fa355b3678a1146ad16f7e8649e94fb4fc21fe77e8310c060f61caaff8a",
    "context": "2d0d2a1c8e7a1b44ad7d0ad5a0cf62ba3c4ae3b14b1c8a83d3e5a5c24dd6e2f1",
    "process": '{"pid":1}',
}


@pytest.fixture
def first_store(tmp_path):
    """A store as the first schema left it: three runs of one moment and one later, a picture, a notebook."""
    connection = sqlite3.connect(tmp_path / "log.sqlite")
    connection.executescript(migrations.FIRST)
    connection.execute("PRAGMA journal_mode = WAL")
    connection.execute("PRAGMA user_version = 1")
    documents = [(FIRST_RUN["context"], '{"notebook":"/work/fox.ipynb"}'), (FIRST_RUN["environment"], "{}")]
    connection.executemany("INSERT INTO documents VALUES (?, ?)", documents)
    changes = [
        {},
        {"run_id": "01JD0000000000000000000003", "status": "unknown", "finished_at": FIRST_RUN["sent_at"]},
        {"run_id": "01JD0000000000000000000002", "status": "failed"},
        {"run_id": "01JD0000000000000000000004", "status": "pending", "created_at": "2026-11-21T00:00:00.000000+00:00",
         "finished_at": None, "sent_at": None, "attempts": None},
    ]  # fmt: skip
    marks = ", ".join("?" for _ in FIRST_RUN)
    for change in changes:
        connection.execute(f"INSERT INTO runs VALUES ({marks})", tuple({**FIRST_RUN, **change}.values()))
    connection.execute(
        "INSERT INTO images VALUES (?, 0, ?, 7, 'image/png', 16, 8, 'RGB', 41)", (FIRST_RUN["run_id"], "ab" * 32)
    )
    connection.commit()
    connection.close()
    return tmp_path


def test_a_store_of_the_first_schema_loses_nothing(first_store):
    log = Log.open(first_store)
    assert [record.run_id[-1] for record in log.search()] == ["4", "3", "2", "1"]
    assert [record.run_id[-1] for record in log.search("狐狸 fox")] == ["4", "3", "2", "1"]
    assert [record.run_id[-1] for record in log.search(notebook="fox.ipynb", status="unknown")] == ["3"]
    record = log.get(FIRST_RUN["run_id"])
    assert (record.status, record.images[0].sha256, record.draft.session_id) == (Status.SUCCEEDED, "ab" * 32, "")
    assert record.draft.context == {"notebook": "/work/fox.ipynb"}
    spent = log.spent()
    assert (spent.runs, str(spent.estimated_usd), str(spent.unknown_usd)) == (4, "0.01", "0.02")
    assert log.get("last").status == Status.CANCELLED, "its process says too little, and two hours are over"
    log.close()


def test_an_older_store_is_backed_up_before_it_is_changed(first_store):
    Log.open(first_store).close()
    (backup,) = first_store.glob("log.schema-1.*.sqlite")
    connection = sqlite3.connect(backup)
    assert connection.execute("PRAGMA user_version").fetchone() == (1,)
    assert connection.execute("SELECT count(*) FROM runs").fetchone() == (4,)
    connection.close()
    Log.open(first_store).close()
    assert len([*first_store.glob("log.schema-1.*")]) == 1


def test_a_new_store_has_no_backup_and_the_newest_schema(log):
    assert [path.name for path in log.folder.glob("*.sqlite")] == ["log.sqlite"]
    connection = sqlite3.connect(log.folder / "log.sqlite")
    assert connection.execute("PRAGMA user_version").fetchone() == (schema.VERSION,)
    connection.close()


def test_old_and_new_stores_have_the_same_tables(first_store, log):
    def tables(folder):
        connection = sqlite3.connect(folder / "log.sqlite")
        found = connection.execute("SELECT name, sql FROM sqlite_master ORDER BY name").fetchall()
        connection.close()
        return found

    Log.open(first_store).close()
    assert tables(first_store) == tables(log.folder)


def test_a_step_that_fails_changes_nothing(first_store, monkeypatch):
    monkeypatch.setattr(
        schema, "MIGRATIONS", (*migrations.MIGRATIONS[:-1], migrations.MIGRATIONS[-1] + "\nSELECT 1 FROM nowhere;")
    )
    with pytest.raises(StoreError, match="nowhere"):
        Log.open(first_store)
    connection = sqlite3.connect(first_store / "log.sqlite")
    assert connection.execute("PRAGMA user_version").fetchone() == (1,)
    assert connection.execute("SELECT count(*) FROM runs").fetchone() == (4,)
    connection.close()
    monkeypatch.undo()
    Log.open(first_store).close()


def test_a_newer_store_is_refused_with_a_clear_word_and_not_touched(tmp_path):
    Log.open(tmp_path).close()
    connection = sqlite3.connect(tmp_path / "log.sqlite")
    connection.execute("PRAGMA user_version = 99")
    connection.close()
    with pytest.raises(StoreError, match=r"newer version of venice-widgets \(schema 99, here \d+\)\.\nUpgrade"):
        Log.open(tmp_path)


def test_a_store_that_is_upgraded_while_it_is_open_is_not_written_by_the_old_one(log, make):
    connection = sqlite3.connect(log.folder / "log.sqlite")
    connection.execute("PRAGMA user_version = 99")
    connection.close()
    with pytest.raises(StoreError, match="restart the kernel"):
        log.reserve([make.draft()])
    assert log.search() == []
