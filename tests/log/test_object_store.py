import hashlib
import os
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from venice_widgets.errors import StoreError
from venice_widgets.log import ObjectStore
from venice_widgets.log.thumbnails import Thumbnails


@pytest.fixture
def store(tmp_path):
    return ObjectStore(tmp_path / "objects")


def files(store):
    return sorted(path for path in store.folder.rglob("*") if path.is_file())


def test_an_object_is_named_by_the_hash_of_its_bytes(store):
    kept = store.add(b"picture")
    assert kept.sha256 == hashlib.sha256(b"picture").hexdigest()
    assert kept.path == store.folder / kept.sha256[:2] / kept.sha256[2:]
    assert (store.read(kept.sha256), kept.size_bytes) == (b"picture", 7)


@settings(max_examples=25, deadline=None)
@given(chunks=st.lists(st.binary(max_size=100), max_size=5))
def test_bytes_in_any_pieces_make_the_same_object(tmp_path_factory, chunks):
    store = ObjectStore(tmp_path_factory.mktemp("objects"))
    with store.writer() as writer:
        for chunk in chunks:
            writer.write(chunk)
        assert writer.keep().sha256 == store.add(b"".join(chunks)).sha256
    assert len(files(store)) == 1


def test_bytes_and_then_folder_are_flushed_around_the_rename(store, monkeypatch):
    store.add(b"makes the folders")
    done, fsync, replace = [], os.fsync, Path.replace

    def flush(descriptor):
        done.append("flush " + Path(f"/proc/self/fd/{descriptor}").readlink().parent.name)
        fsync(descriptor)

    def rename(self, target):
        done.append(f"rename {self.parent.name} to {target.parent.name}")
        return replace(self, target)

    monkeypatch.setattr(os, "fsync", flush)
    monkeypatch.setattr(Path, "replace", rename)
    folder = store.add(b"picture").path.parent.name
    # The new folder's own name is flushed by flushing the folder that holds it.
    assert done == [
        "flush incoming",
        "flush " + store.folder.parent.name,
        f"rename incoming to {folder}",
        "flush objects",
    ]


def test_the_same_bytes_twice_are_written_once(store):
    first = store.add(b"picture")
    before = first.path.stat()
    assert store.add(b"picture") == first
    assert first.path.stat().st_ino == before.st_ino
    assert files(store) == [first.path]


@pytest.mark.parametrize("damaged", [b"pict", b"pictuRe"])
def test_a_damaged_object_is_replaced_when_its_bytes_arrive_again(store, damaged):
    kept = store.add(b"picture")
    kept.path.write_bytes(damaged)
    assert not store.is_whole(kept.sha256)
    store.add(b"picture")
    assert store.is_whole(kept.sha256)


@pytest.mark.skipif(os.name == "nt", reason="Windows has no such permissions")
def test_whoever_may_read_the_store_may_read_its_images(store, tmp_path):
    kept, thumbnails = store.add(b"picture"), Thumbnails(tmp_path / "thumbnails")
    thumbnails.keep(kept.sha256, b"small")
    (other := tmp_path / "file").touch()
    assert {path.stat().st_mode for path in (kept.path, thumbnails.path(kept.sha256))} == {other.stat().st_mode}


def test_what_is_not_kept_leaves_nothing(store):
    with store.writer() as writer:
        writer.write(b"half a pict")
        assert store.temporary_files() == [writer.path]
    assert files(store) == []


def test_a_writer_can_be_read_before_it_is_kept(store):
    with store.writer() as writer:
        writer.write(b"picture")
        writer.flush()
        assert writer.path.read_bytes() == b"picture"
        assert writer.sha256 == hashlib.sha256(b"picture").hexdigest()


def test_an_error_of_the_body_is_not_taken_for_the_disks(store):
    with pytest.raises(ConnectionResetError), store.writer():
        raise ConnectionResetError


def test_a_full_disk_says_so(store, monkeypatch):
    def full(descriptor):
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(os, "fsync", full)
    with pytest.raises(StoreError, match="No space left on device"):
        store.add(b"picture")
    monkeypatch.undo()
    assert files(store) == []


def test_a_missing_object_names_itself(store):
    with pytest.raises(StoreError, match="abababababab…"):
        store.read("ab" * 32)


def test_names_lists_objects_and_nothing_else(store):
    assert list(store.names()) == []
    kept = store.add(b"picture")
    (kept.path.parent / "note.txt").write_text("not ours")
    (store.folder / "other").mkdir()
    with store.writer():
        assert list(store.names()) == [kept.sha256]


def test_a_removed_object_is_gone_and_removing_it_again_is_no_error(store):
    kept = store.add(b"picture")
    store.remove(kept.sha256)
    store.remove(kept.sha256)
    assert list(store.names()) == []


@pytest.mark.parametrize("name", ["..//etc/passwd", "../../x", "", "ab", "a\0b", "\ud800", "AB" * 32, f"{'ab' * 32}\n"])
def test_what_is_not_a_hash_leads_nowhere(store, name):
    for ask in (store.path, store.read, store.read_if_whole, store.has, store.is_whole, store.remove):
        with pytest.raises(StoreError, match="is not the hash of a stored image"):
            ask(name)
