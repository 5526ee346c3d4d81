"""What arrives is in the store from its first byte on, and belongs to its run whatever it is."""

import base64
import io
import json
import os
import time
from dataclasses import replace
from pathlib import Path

import pytest
from PIL import Image

from venice_widgets.errors import StoreError
from venice_widgets.log import Log, Status, processes


def png(color="red"):
    file = io.BytesIO()
    Image.new("RGB", (16, 8), color).save(file, "PNG")
    return file.getvalue()


def body(*images):
    return json.dumps({"id": "x", "images": [base64.b64encode(image).decode() for image in images]}).encode()


@pytest.fixture
def sent(log, make):
    """The id of a run that was sent."""
    draft = make.draft()
    log.reserve([draft])
    log.mark_sent(draft.run_id)
    return draft.run_id


def sql(log, statement, *values):
    return log._database.write(lambda connection: [tuple(row) for row in connection.execute(statement, values)])


def killed(log):
    """The log as the next program opens it, after the one that held it was killed."""
    sql(log, "UPDATE runs SET process = ?", replace(processes.this_process(), started="1").text)
    return Log.open(log.folder)


def spool(log, run_id, data):
    with log.open_spool(run_id) as made:
        made.write(data)
    return made.path


def test_a_response_arrives_inside_the_store(log, sent):
    with log.open_spool(sent) as made:
        made.write(b"half a resp")
        assert made.path.parent == log.folder / "incoming"
        assert made.path.name.startswith(sent)
        assert made.read_from_start().read() == b"half a resp"
    assert made.path.exists(), "a spool that was only closed is the one copy of what was paid for"
    made.discard()
    assert not made.path.exists()


def test_the_images_of_a_response_are_found_after_a_kill(log, sent):
    log.note_response(sent, 200, {"x-venice-is-blurred": "true", "set-cookie": "x"})
    path = spool(log, sent, body(png(), png("blue")))
    again = killed(log)
    record = again.get(sent)
    assert (record.status, record.outcome.blurred, record.outcome.status_code) == (Status.SUCCEEDED, True, 200)
    assert [again.objects.read(image.sha256) for image in record.images] == [png(), png("blue")]
    assert [image.seed for image in record.images] == [record.draft.seed, None]
    assert record.outcome.bodies == ()
    assert not path.exists()
    assert again.recovered.completed == (sent,)
    again.close()


def test_a_response_that_was_cut_gives_the_images_that_came_and_is_stored_itself(log, sent):
    whole = body(png(), png("blue"))
    spool(log, sent, whole[:-20])
    again = killed(log)
    record = again.get(sent)
    assert [again.objects.read(image.sha256) for image in record.images] == [png()]
    (kept,) = record.outcome.bodies
    assert again.objects.read(kept.sha256) == whole[:-20]
    assert again.verify().ok
    assert again.orphans() == ()
    again.close()


@pytest.mark.parametrize("data", [b"BM" + bytes(90), b"<svg/>", b"no image at all", png()[:-9], b"\xff" * 50, b"{"])
def test_what_is_no_image_belongs_to_its_run(log, sent, data):
    spool(log, sent, data)
    again = killed(log)
    record = again.get(sent)
    assert record.status is Status.UNKNOWN
    assert [again.objects.read(kept.sha256) for kept in record.outcome.bodies] == [data]
    assert "What arrived is stored with the run" in record.outcome.error
    assert again.orphans() == ()
    again.close()


def test_an_image_that_is_none_is_a_body_of_its_run(log, sent):
    with log.image_writer(sent, 1, status_code=200) as writer:
        writer.write(b"BM no image")
        writer.keep()
    again = killed(log)
    (kept,) = again.get(sent).outcome.bodies
    assert (kept.part, again.objects.read(kept.sha256)) == ("image 2", b"BM no image")
    again.close()


def test_an_unreadable_response_is_stored_while_its_run_ends(log, make, sent):
    with log.open_spool(sent) as made:
        made.write(b"paid for")
        kept = log.keep_body(sent, made, content_type="image/bmp")
    log.finish(sent, make.outcome(Status.UNKNOWN, bodies=(kept,)))
    assert log.get(sent).outcome.bodies == (kept,)
    assert log.objects.read(kept.sha256) == b"paid for"
    assert log.orphans() == ()
    kept_path = log.objects.path(kept.sha256)
    kept_path.unlink()
    assert [fault.run_ids for fault in log.verify().missing] == [(sent,)]


@pytest.mark.skipif(os.name == "nt", reason="Windows has no such permissions")
def test_an_image_that_cannot_be_moved_stays_and_is_stored_with_its_run_later(log, make, sent, monkeypatch):
    """The last rename fails after everything was paid for."""
    monkeypatch.setattr(Path, "replace", refuses)
    with log.image_writer(sent) as out:
        out.write(png())
        with pytest.raises(StoreError, match=r"What arrived is in .*incoming") as refused:
            out.keep()
    assert str(out.path) in refused.value.message
    assert out.path.read_bytes() == png()
    log.finish(sent, make.outcome(Status.UNKNOWN, error="it could not be stored"))
    monkeypatch.undo()
    assert not log.recover(), "a file that came just now may still be written by its program"
    before = time.time() - 100
    os.utime(out.path, (before, before))
    assert log.recover().completed == (sent,)
    (image,) = log.get(sent).images
    assert log.objects.read(image.sha256) == png()
    assert not out.path.exists()


def refuses(self, target):
    raise OSError(13, "Permission denied")


def test_a_store_that_cannot_take_an_image_says_so_before_anything_is_sent(log, monkeypatch):
    log.objects.refuse_unwritable()
    assert log.objects.temporary_files() == []
    assert list(log.objects.folder.iterdir()) == []
    monkeypatch.setattr(Path, "replace", refuses)
    with pytest.raises(StoreError, match=r"objects cannot be written: Permission denied.*\n.*Nothing was sent"):
        log.objects.refuse_unwritable()
    assert log.objects.temporary_files() == []


def test_an_object_folder_on_another_disk_takes_images(log, monkeypatch):
    replace_file = Path.replace

    def across(self, target):
        if self.parent != target.parent:
            raise OSError(18, "Invalid cross-device link")
        return replace_file(self, target)

    monkeypatch.setattr(Path, "replace", across)
    kept = log.objects.add(b"image")
    assert log.objects.is_whole(kept.sha256)
    assert log.objects.temporary_files() == []
    assert len(list(kept.path.parent.iterdir())) == 1
