import json
import sqlite3
import threading
from pathlib import Path

import pytest

from venice_widgets.errors import StoreError
from venice_widgets.log import Log, ObjectStore, Status


@pytest.fixture
def run(log, make):
    """A run with an image in the store, and the image."""
    draft = make.draft()
    log.reserve([draft])
    log.mark_sent(draft.run_id)
    with log.image_writer(draft.run_id) as writer:
        writer.write(b"image")
        kept = writer.keep()
    log.finish(draft.run_id, make.outcome(images=(make.image(kept.sha256),)))
    return draft.run_id, kept


def execute(log, statement, *values):
    log._database.write(lambda connection: connection.execute(statement, values).fetchall())


def test_a_whole_store_verifies(log, run):
    found = log.verify()
    assert found.ok
    assert found.objects == 1


def test_what_is_missing_is_named_with_its_runs(log, run):
    run_id, kept = run
    kept.path.unlink()
    (fault,) = log.verify().missing
    assert (fault.sha256, fault.run_ids) == (kept.sha256, (run_id,))
    assert not log.verify().ok


def test_what_is_changed_is_named_with_its_runs(log, run):
    run_id, kept = run
    kept.path.write_bytes(b"pictuse")
    (fault,) = log.verify().changed
    assert (fault.sha256, fault.run_ids) == (kept.sha256, (run_id,))


@pytest.mark.parametrize("meanwhile", ["arrives", "is forgotten"])
def test_an_image_that_comes_or_goes_while_everything_is_hashed_is_no_fault(log, make, run, monkeypatch, meanwhile):
    names = log.objects.names

    def names_then_change():
        yield from list(names())
        if meanwhile == "arrives":
            log.reserve([draft := make.draft()])
            kept = log.objects.add(b"another image")
            log.finish(draft.run_id, make.outcome(images=(make.image(kept.sha256),)))
        else:
            log.delete_image(run[1].sha256)

    monkeypatch.setattr(log.objects, "names", names_then_change)
    assert log.verify().ok


def test_reference_images_are_verified_and_are_no_orphans(log, make):
    reference = log.objects.add(b"reference")
    sent = {"model": "m", "prompt": "a fox", "seed": 1}
    listed = [{"image": f"sha256:{reference.sha256}"}]
    draft = make.draft(**sent, request=json.dumps({**sent, "style_references": listed}))
    log.reserve([draft])
    assert log.orphans() == ()
    assert log.verify().ok
    reference.path.unlink()
    (fault,) = log.verify().missing
    assert (fault.sha256, fault.run_ids) == (reference.sha256, (draft.run_id,))


@pytest.mark.parametrize(
    ("statement", "part"),
    [
        ("UPDATE runs SET request = '{\"seed\":43}'", "changed_requests"),
        ("UPDATE runs SET seed = 43", "changed_requests"),
        ("UPDATE runs SET prompt = 'a goose'", "changed_requests"),
        ("UPDATE runs SET model = 'another'", "changed_requests"),
        ("UPDATE documents SET text = '{\"python\":\"4\"}' WHERE text LIKE '%python%'", "changed_documents"),
        ("UPDATE totals SET charged = 7 WHERE scope = 'project'", "wrong_totals"),
    ],
)
def test_a_record_that_was_tampered_with_is_found(log, run, statement, part):
    execute(log, statement)
    found = log.verify()
    assert not found.ok
    assert len(getattr(found, part)) == 1


def test_an_object_that_no_one_mentions_is_an_orphan(log, run):
    orphan = log.objects.add(b"no one's")
    assert log.orphans() == (orphan.sha256,)
    assert log.verify().ok


def test_the_doctor_lists_what_needs_a_hand(log, make, run):
    drafts = [make.draft() for _ in range(3)]
    log.reserve(drafts)
    log.finish(drafts[0].run_id, make.outcome(Status.UNKNOWN))
    log.mark_sent(drafts[1].run_id)
    orphan = log.objects.add(b"no one's")
    with log.open_spool(drafts[1].run_id) as spool, log.objects.writer() as writer:
        health = log.doctor()
    assert {file.path: file.run_id for file in health.incoming} == {spool.path: drafts[1].run_id, writer.path: ""}
    assert [record.run_id for record in health.unknown] == [drafts[0].run_id]
    assert [record.run_id for record in health.under_way] == [drafts[2].run_id, drafts[1].run_id]
    assert health.orphans == (orphan.sha256,)
    assert (health.size.runs, health.folder) == (4, log.folder)


def test_size_counts_runs_and_bytes(log, run):
    log.thumbnails.keep(run[1].sha256, b"small")
    size = log.size()
    assert (size.runs, size.objects, size.objects_bytes, size.thumbnails_bytes) == (1, 1, 5, 5)
    assert size.database_bytes >= (log.folder / "log.sqlite").stat().st_size


def test_a_backup_is_whole_while_others_write(log, make, tmp_path):
    log.reserve([make.draft() for _ in range(50)])
    stop = threading.Event()

    def write():
        while not stop.is_set():
            log.reserve([make.draft()])

    writer = threading.Thread(target=write)
    writer.start()
    log.backup(tmp_path / "copy.sqlite")
    stop.set()
    writer.join()
    (tmp_path / "restored").mkdir()
    (tmp_path / "copy.sqlite").rename(tmp_path / "restored" / "log.sqlite")
    restored = Log.open(tmp_path / "restored")
    assert len(restored.search(limit=1000)) >= 50
    assert restored.verify().ok
    restored.close()


def test_a_backup_overwrites_nothing_and_says_where_it_cannot_be(log, tmp_path):
    (tmp_path / "copy.sqlite").write_text("precious")
    with pytest.raises(StoreError, match="exists already"):
        log.backup(tmp_path / "copy.sqlite")
    assert (tmp_path / "copy.sqlite").read_text() == "precious"
    with pytest.raises(StoreError, match="cannot be written"):
        log.backup(tmp_path / "nowhere" / "copy.sqlite")


def test_a_backup_that_fails_leaves_nothing_behind(log, run, tmp_path, monkeypatch):
    def full(self, target):
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(Path, "replace", full)
    with pytest.raises(StoreError, match=r"cannot be written: .*No space left on device"):
        log.backup(tmp_path / "copy.sqlite")
    assert list(tmp_path.glob("copy*")) == []


def test_a_deleted_image_leaves_its_row_hash_and_thumbnail(log, run):
    run_id, kept = run
    log.delete_image(kept.sha256, thumbnail=b"small")
    assert not kept.path.exists()
    assert log.get(run_id).images[0].sha256 == kept.sha256
    assert log.thumbnails.read(kept.sha256) == b"small"
    assert log.verify().ok
    assert log.frame("v_images")["deleted_at"].notna().all()
    with pytest.raises(StoreError, match="cannot be read"):
        log.objects.read(kept.sha256)


def test_deleting_keeps_the_thumbnail_that_is_there(log, run):
    log.thumbnails.keep(run[1].sha256, b"first")
    log.delete_image(run[1].sha256, thumbnail=b"second")
    assert log.thumbnails.read(run[1].sha256) == b"first"


def test_only_an_image_of_the_log_is_deleted(log):
    reference = log.objects.add(b"a reference image")
    with pytest.raises(StoreError, match="no run gave the image"):
        log.delete_image(reference.sha256)
    assert reference.path.exists()


def test_a_deleted_image_that_is_made_again_is_back(log, make, run):
    _, kept = run
    log.delete_image(kept.sha256)
    log.objects.add(b"image")
    draft = make.draft()
    log.reserve([draft])
    log.finish(draft.run_id, make.outcome(images=(make.image(kept.sha256),)))
    assert log.verify().ok
    kept.path.unlink()
    assert [fault.sha256 for fault in log.verify().missing] == [kept.sha256]


def test_no_secret_is_kept_whatever_the_headers_hold(log, make):
    secret = "VENICE_INFERENCE_KEY_abcdefgh12345678"
    names = ("Set-Cookie", "Authorization", "SIGN-IN-WITH-X", "X-Sign-In-With-X", "x-api-key", "X-PAYMENT-RESPONSE")
    headers = {**dict.fromkeys(names, secret), "cf-ray": "kept"}
    draft = make.draft()
    log.reserve([draft])
    log.mark_sent(draft.run_id)
    with log.image_writer(draft.run_id, headers=headers) as writer:
        writer.write(b"image")
        kept = writer.keep()
    while_arriving = everything(log)
    log.finish(draft.run_id, make.outcome(headers=headers, images=(make.image(kept.sha256),)))
    assert log.get("last").outcome.headers == {"cf-ray": "kept"}
    assert b"cf-ray" in while_arriving
    assert secret.encode() not in while_arriving + everything(log)


def everything(log):
    return b"".join(path.read_bytes() for path in sorted(log.folder.rglob("*")) if path.is_file())


def test_thumbnails_are_whole_or_absent(log, monkeypatch):
    assert log.thumbnails.read("ab" * 32) is None
    log.thumbnails.keep("ab" * 32, b"small")
    log.thumbnails.keep("ab" * 32, b"smaller")
    assert log.thumbnails.read("ab" * 32) == b"smaller"
    monkeypatch.setattr("pathlib.Path.replace", _no_space)
    with pytest.raises(StoreError, match="No space left"):
        log.thumbnails.keep("cd" * 32, b"small")
    monkeypatch.undo()
    assert [path.name for path in log.thumbnails.folder.rglob("*") if path.is_file()] == ["ab" * 31]


def _no_space(*_):
    raise OSError(28, "No space left on device")


def test_a_view_can_be_read_by_any_program(log, run):
    connection = sqlite3.connect(f"file:{log.folder / 'log.sqlite'}?mode=ro", uri=True)
    assert connection.execute("SELECT run_id, status FROM v_runs").fetchall() == [(run[0], "succeeded")]
    assert connection.execute("SELECT estimated_usd FROM v_costs").fetchall() == [(0.01,)]
    connection.close()


def test_objects_of_an_empty_store_are_none(tmp_path):
    store = ObjectStore(tmp_path / "nothing")
    assert ([*store.names()], store.temporary_files()) == ([], [])
