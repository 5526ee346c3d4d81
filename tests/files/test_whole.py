"""Files that appear whole or not at all."""

from pathlib import Path

import pytest

from venice_widgets.files.whole import NewFile, write_new


def test_a_file_appears_when_it_is_whole(tmp_path):
    path = tmp_path / "new" / "fox.webp"
    with NewFile(path) as file:
        file.write(b"half")
        assert not path.exists()
    assert path.read_bytes() == b"half"
    assert list(path.parent.iterdir()) == [path]


def test_one_that_fails_leaves_nothing(tmp_path):
    path = tmp_path / "fox.webp"
    with pytest.raises(ZeroDivisionError), NewFile(path) as file:
        file.write(b"half" * (1 // 0))
    assert list(tmp_path.glob("*.webp")) == list(tmp_path.glob(".*.partial")) == []


def test_nothing_is_replaced_not_even_what_came_meanwhile(tmp_path):
    path = tmp_path / "fox.webp"
    with pytest.raises(FileExistsError), NewFile(path):
        path.write_bytes(b"came meanwhile")
    with pytest.raises(FileExistsError):
        write_new(path, b"new")
    assert path.read_bytes() == b"came meanwhile"
    write_new(path, b"new", replaces=True)
    assert path.read_bytes() == b"new"


def test_a_file_system_without_links_takes_files_too(tmp_path, monkeypatch):
    def refuses(self, target):
        raise PermissionError(1, "Operation not permitted")

    monkeypatch.setattr(Path, "hardlink_to", refuses)
    write_new(tmp_path / "fox.webp", b"new")
    with pytest.raises(FileExistsError):
        write_new(tmp_path / "fox.webp", b"newer")
    assert (tmp_path / "fox.webp").read_bytes() == b"new"


def test_the_longest_name_is_taken_and_a_longer_one_refused_before_anything_is_written(tmp_path):
    write_new(tmp_path / ("x" * 255), b"new")
    with pytest.raises(OSError, match="too long"):
        NewFile(tmp_path / ("x" * 256)).__enter__()
    assert not list(tmp_path.glob(".*.partial"))
