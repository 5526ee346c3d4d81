import sqlite3

import pytest

from venice_widgets.errors import StoreError
from venice_widgets.log import Log, Status, migrations, schema

FIRST_RUN = {
    "number": 1,
    "arrival": 1,
    "run_id": "01JD0000000000000000000001",
    "generation_id": "01JD0000000000000000000000",
    "position": 0,
    "status": "succeeded",
    "created_at": "2026-11-20T10:00:00.123456+00:00",
    "sent_at": "2026-11-20T10:00:01.000000+00:00",
    "finished_at": "2026-11-20T10:00:02.000000+00:00",
    "base_url": "https://api.venice.ai/api/v1",
    "model": "z-image-turbo",
    "seed": 41,
    "seed_drawn": 1,
    "prompt": "a red fox, 狐狸",
    "request": "{}",
    "request_hash": "sha256:44136fa355b3678a1146ad16f7e8649e94fb4fc21fe77e8310c060f61caaff8a",
    "body_sha256": "sha256:0",
    "estimate_micro_usd": 10000,
    "reserve_micro_usd": 20000,
    "formula": "1 × $0.01",
    "attempts": 1,
    "headers": "{}",
    "catalogue_entry": "44136fa355b3678a1146ad16f7e8649e94fb4fc21fe77e8310c060f61caaff8a",
    "environment": "44136fa355b3678a1146ad16f7e8649e94fb4fc21fe77e8310c060f61caaff8a",
    "context": "44136fa355b3678a1146ad16f7e8649e94fb4fc21fe77e8310c060f61caaff8a",
    "process": '{"pid":1}',
    "notebook": "/work/fox.ipynb",
    "session_id": "",
}
SECOND = """
CREATE TABLE notes (run_id TEXT PRIMARY KEY, text TEXT NOT NULL);
INSERT INTO notes SELECT run_id, search_text(prompt, enhanced_prompt) FROM runs;
"""
"""A step that a later version might take."""


@pytest.fixture
def first_store(tmp_path):
    """A store as the first schema left it: a run with an image."""
    connection = sqlite3.connect(tmp_path / "log.sqlite")
    connection.create_function("search_text", 2, lambda prompt, enhanced: prompt)
    connection.executescript(migrations.FIRST)
    connection.execute("PRAGMA journal_mode = WAL")
    connection.execute(f"PRAGMA user_version = {schema.BEFORE_FIRST + 1}")
    connection.execute("INSERT INTO documents VALUES (?, ?)", (FIRST_RUN["context"], "{}"))
    marks = ", ".join("?" for _ in FIRST_RUN)
    connection.execute(f"INSERT INTO runs ({', '.join(FIRST_RUN)}) VALUES ({marks})", tuple(FIRST_RUN.values()))
    connection.execute(
        "INSERT INTO images (run_id, position, sha256, size_bytes, mime, width, height, mode, seed) "
        "VALUES (?, 0, ?, 7, 'image/webp', 64, 48, 'RGB', 41)",
        (FIRST_RUN["run_id"], "ab" * 32),
    )
    connection.commit()
    connection.close()
    return tmp_path


@pytest.fixture
def later(monkeypatch):
    """The package of a later version, with one step more."""
    monkeypatch.setattr(schema, "MIGRATIONS", (*migrations.MIGRATIONS, SECOND))
    monkeypatch.setattr(schema, "VERSION", schema.VERSION + 1)


def user_version(path):
    connection = sqlite3.connect(path)
    found = connection.execute("PRAGMA user_version").fetchone()[0], [*connection.execute("SELECT run_id FROM runs")]
    connection.close()
    return found


def test_a_store_of_the_first_schema_is_read(first_store):
    log = Log.open(first_store)
    record = log.get("last")
    assert (record.status, record.images[0].sha256, record.draft.prompt) == (
        Status.SUCCEEDED, "ab" * 32, "a red fox, 狐狸",
    )  # fmt: skip
    log.close()


@pytest.mark.usefixtures("later")
def test_a_store_of_the_first_schema_loses_nothing_by_an_upgrade(first_store):
    log = Log.open(first_store)
    assert log.get("last").run_id == FIRST_RUN["run_id"]
    assert log.frame().shape[0] == 1
    log.close()
    connection = sqlite3.connect(first_store / "log.sqlite")
    assert connection.execute("SELECT text FROM notes").fetchone() == ("a red fox,  狐  狸 ",)
    connection.close()


@pytest.mark.usefixtures("later")
def test_an_older_store_is_backed_up_before_it_is_changed(first_store):
    Log.open(first_store).close()
    (backup,) = first_store.glob(f"log.schema-{schema.VERSION - 1}.*.sqlite")
    assert user_version(backup) == (schema.VERSION - 1, [(FIRST_RUN["run_id"],)])
    Log.open(first_store).close()
    assert len([*first_store.glob("log.schema-*")]) == 1


def test_a_new_store_has_no_backup_and_the_newest_schema(log):
    assert [path.name for path in log.folder.glob("*.sqlite")] == ["log.sqlite"]
    connection = sqlite3.connect(log.folder / "log.sqlite")
    assert connection.execute("PRAGMA user_version").fetchone() == (schema.VERSION,)
    connection.close()


@pytest.mark.usefixtures("later")
def test_a_step_that_fails_changes_nothing(first_store, monkeypatch):
    monkeypatch.setattr(schema, "MIGRATIONS", (*migrations.MIGRATIONS, SECOND + "\nSELECT 1 FROM nowhere;"))
    with pytest.raises(StoreError, match="nowhere"):
        Log.open(first_store)
    assert user_version(first_store / "log.sqlite") == (schema.VERSION - 1, [(FIRST_RUN["run_id"],)])
    monkeypatch.undo()
    Log.open(first_store).close()


@pytest.mark.parametrize("version", range(1, schema.BEFORE_FIRST + 1))
def test_a_store_from_before_the_first_version_is_refused_and_not_touched(tmp_path, version):
    connection = sqlite3.connect(tmp_path / "log.sqlite")
    connection.execute("CREATE TABLE runs (run_id TEXT)")
    connection.execute(f"PRAGMA user_version = {version}")
    connection.close()
    with pytest.raises(StoreError, match=r"before its first version.*\nMove"):
        Log.open(tmp_path)
    assert user_version(tmp_path / "log.sqlite") == (version, [])


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
