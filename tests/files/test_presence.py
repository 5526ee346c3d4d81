"""Whether something is there; Python 3.14, whose `Path.exists` answers "no" where it does not know, is imitated."""

import ast
import errno
import os
from pathlib import Path

import pytest

import venice_widgets
from venice_widgets.errors import ConfigurationError, InvalidRequest, StoreError
from venice_widgets.files.presence import is_file, is_folder, is_taken, is_there
from venice_widgets.files.settings_files import project_settings
from venice_widgets.files.store_folder import has_log
from venice_widgets.generation.copies import check_file_name
from venice_widgets.log.object_store import ObjectStore

PACKAGE = Path(venice_widgets.__file__).parent
ASKED_BY_PATHLIB = {"exists", "is_file", "is_dir", "is_symlink", "lexists", "isfile", "isdir"}


@pytest.fixture(autouse=True)
def python_3_14(monkeypatch):
    # What these are from Python 3.14 on.
    monkeypatch.setattr(Path, "exists", lambda path, **_: os.path.exists(path))  # noqa: PTH110
    monkeypatch.setattr(Path, "is_file", lambda path, **_: os.path.isfile(path))  # noqa: PTH113
    monkeypatch.setattr(Path, "is_dir", lambda path, **_: os.path.isdir(path))  # noqa: PTH112


@pytest.fixture
def locked(tmp_path, monkeypatch):
    """A folder that may not be searched; the tests may run as root, who may search all."""
    (folder := tmp_path / "locked").mkdir()
    stat = Path.stat

    def refuses(self, **keywords):
        if folder in self.parents:
            raise PermissionError(errno.EACCES, os.strerror(errno.EACCES), str(self))
        return stat(self, **keywords)

    monkeypatch.setattr(Path, "stat", refuses)
    return folder


def test_files_folders_and_links_are_told_apart(tmp_path):
    (tmp_path / "file").touch()
    (tmp_path / "loose").symlink_to("nowhere")
    (tmp_path / "circle").symlink_to("circle")
    asked = (is_there, is_taken, is_file, is_folder)
    facts = {name: tuple(ask(tmp_path / name) for ask in asked) for name in ("", "file", "loose", "circle", "file/x")}
    assert facts == {
        "": (True, True, False, True),
        "file": (True, True, True, False),
        "loose": (False, True, False, False),
        "circle": (False, True, False, False),
        "file/x": (False, False, False, False),
    }


@pytest.mark.parametrize("ask", [is_there, is_taken, is_file, is_folder])
def test_no_is_not_the_answer_where_the_system_does_not_tell(tmp_path, locked, ask):
    with pytest.raises(OSError, match="too long"):
        ask(tmp_path / ("x" * 300))
    with pytest.raises(PermissionError):
        ask(locked / "file")


def test_a_name_that_is_too_long_is_refused_before_anything_is_paid(tmp_path):
    with pytest.raises(InvalidRequest, match="File name too long"):
        check_file_name(str(tmp_path / ("x" * 300)), "image/png", known=True)


def test_an_image_that_cannot_be_looked_at_is_not_taken_for_missing(locked):
    with pytest.raises(StoreError, match="Permission denied"):
        ObjectStore(locked / ".venice").has("ab" * 32)


def test_a_store_that_cannot_be_looked_at_is_not_taken_for_empty(locked):
    with pytest.raises(StoreError, match="Permission denied"):
        has_log(locked)


def test_a_limit_that_cannot_be_read_is_not_taken_for_none(locked):
    with pytest.raises(ConfigurationError, match="may hold a limit"):
        project_settings(locked)


def test_nothing_asks_pathlib_itself():
    asked = [
        f"{path.relative_to(PACKAGE)}:{node.lineno}"
        for path in sorted(PACKAGE.rglob("*.py"))
        for node in ast.walk(ast.parse(path.read_text("utf-8")))
        if isinstance(node, ast.Call) and isinstance(node.func, ast.Attribute) and node.func.attr in ASKED_BY_PATHLIB
    ]
    assert asked == []
