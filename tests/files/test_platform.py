"""What other platforms do differently, imitated."""

import os
import re
import stat
from pathlib import Path

import pytest

import venice_widgets
from venice_widgets.files import platform


def test_a_fuse_mount_shares_memory_only_where_that_is_known():
    assert platform.shares_memory("ext4")
    assert platform.shares_memory("")
    assert platform.shares_memory("fuseblk")
    for kind in ("nfs4", "fuse", "fuse.sshfs", "fuse.rclone", "fuse.some-new-thing", "9p", "lustre"):
        assert not platform.shares_memory(kind), kind


@pytest.mark.parametrize("name", ["CON", "nul.png", "com1", "LPT9.webp", "a:b", "fox?.png", "fox.", "fox ", "a\0b"])
def test_names_that_windows_refuses_or_changes_are_known(name):
    assert not platform.is_portable_name(name)


@pytest.mark.parametrize("name", ["fox-41.webp", "console.png", "Füchse 狐.png", ".hidden", "com10"])
def test_other_names_are_portable(name):
    assert platform.is_portable_name(name)


def test_without_owners_nothing_belongs_to_another(tmp_path, monkeypatch):
    monkeypatch.delattr(os, "geteuid")
    assert not platform.belongs_to_other(tmp_path)


def test_another_users_folder_is_known(tmp_path, monkeypatch):
    assert not platform.belongs_to_other(tmp_path)
    monkeypatch.setattr(os, "geteuid", lambda: tmp_path.stat().st_uid + 1)
    assert platform.belongs_to_other(tmp_path)


def test_without_fork_there_is_nothing_to_register(monkeypatch):
    monkeypatch.delattr(os, "register_at_fork")
    platform.at_fork(before=print, in_parent=print, in_child=print)


def test_a_file_that_another_program_holds_stays(tmp_path, monkeypatch):
    def held(self, **_):
        raise PermissionError(13, "The process cannot access the file")

    (file := tmp_path / "file").touch()
    monkeypatch.setattr(type(file), "unlink", held)
    assert not platform.remove(file)


@pytest.mark.skipif(os.name == "nt", reason="Windows has no such permissions")
@pytest.mark.parametrize(("folder_mode", "group"), [(0o2775, 0o060), (0o2755, 0o040), (0o700, 0o040)])
def test_what_is_made_in_a_shared_folder_is_shared(tmp_path, folder_mode, group):
    (shared := tmp_path / "shared").mkdir()
    shared.chmod(folder_mode)
    platform.touch(shared / "file")
    platform.make_folder(shared / "a" / "b")
    assert (shared / "file").stat().st_mode & 0o060 == group
    assert bool((shared / "a/b").stat().st_mode & stat.S_IWGRP) == bool(group & 0o020)


@pytest.mark.parametrize(
    ("name", "place"), [("linux", "/usr/share"), ("darwin", "/Library"), ("win32", "C:/Windows"), ("sunos5", "/usr")]
)
def test_fonts_are_looked_for_where_each_platform_has_them(monkeypatch, name, place):
    monkeypatch.setattr("sys.platform", name)
    assert any(folder.as_posix().startswith(place) for folder in platform.font_folders())


def test_no_other_module_asks_which_platform_this_is():
    asks = re.compile(r"\bos\.name\b|\bsys\.platform\b|^import (?:signal|fcntl|msvcrt)\b", re.MULTILINE)
    package = Path(venice_widgets.__file__).parent
    modules = {path.relative_to(package).as_posix(): path.read_text("utf-8") for path in package.rglob("*.py")}
    strays = {name for name, text in modules.items() if asks.search(text)}
    # The browser is refused in the second, before anything else is imported.
    assert strays == {"files/platform.py", "__init__.py"}
