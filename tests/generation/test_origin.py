import hashlib
import os
import shutil
import subprocess
import sys
import threading
import time
from pathlib import Path
from types import SimpleNamespace

import pytest

from venice_widgets.files import notebook as started
from venice_widgets.files.notebook import notebook_path
from venice_widgets.generation import origin as module
from venice_widgets.generation.origin import circumstances, commit, environment


@pytest.fixture
def repository(tmp_path, monkeypatch):
    """A git repository with one commit, and the commit."""
    for name in ("GIT_CONFIG_GLOBAL", "GIT_CONFIG_SYSTEM"):
        monkeypatch.setenv(name, os.devnull)
    folder = tmp_path / "repository"
    folder.mkdir()
    (folder / "known.txt").write_text("one")
    identity = ("-c", "user.name=x", "-c", "user.email=x@example.org")
    git(folder, "init", "-q")
    git(folder, "add", "known.txt")
    git(folder, *identity, "commit", "-qm", "first")
    return folder, git(folder, "rev-parse", "HEAD").strip()


def git(folder, *arguments):
    return subprocess.run(["git", "-C", folder, *arguments], check=True, capture_output=True, text=True).stdout


class Shell:
    """A kernel's shell, as far as it is asked."""

    execution_count = 7

    def __init__(self, **user_ns):
        self.user_ns = user_ns

    def get_parent(self):
        return {"metadata": {"cellId": "cell-1"}, "content": {"code": "%%venice\na red fox\n"}}


def test_a_cell_is_told_by_id_count_text_and_hash():
    found = circumstances(Shell())
    assert (found["cell_id"], found["execution_count"], found["cell"]) == ("cell-1", 7, "%%venice\na red fox\n")
    assert found["cell_sha256"] == "sha256:" + hashlib.sha256(b"%%venice\na red fox\n").hexdigest()


def test_the_cell_that_is_given_wins():
    assert circumstances(Shell(), cell="other")["cell"] == "other"


def test_a_key_in_a_cell_is_not_kept():
    secret = "abcdefgh12345678"
    code = f"generate('fox', api_key='VENICE_INFERENCE_KEY_{secret}'); other = 'some-{secret[::-1]}'"
    found = circumstances(None, cell=code, secrets=[f"some-{secret[::-1]}"])
    assert secret not in str(found)
    assert secret[::-1] not in str(found)


def test_a_notebook_is_named_by_its_front_end(tmp_path):
    path = str(tmp_path / "fox.ipynb")
    assert notebook_path(None, {"JPY_SESSION_NAME": path}) == Path(path)
    assert notebook_path(Shell(__vsc_ipynb_file__=path), {}) == Path(path)


@pytest.mark.parametrize("name", ["", "console-1-5d2c", "/work/script.py"])
def test_a_console_or_script_is_no_notebook(name):
    assert notebook_path(None, {"JPY_SESSION_NAME": name}) is None


def test_a_kernel_started_from_within_a_notebook_is_not_that_notebook(tmp_path):
    path = str(tmp_path / "fox.ipynb")
    child = "from venice_widgets.files.notebook import notebook_path; print(notebook_path())"
    parent = f"import subprocess, sys; subprocess.run([sys.executable, '-c', {child!r}], check=True)"
    variables = {**os.environ, "JPY_SESSION_NAME": path, "PYTHONPATH": str(Path(__file__).parents[2])}

    def printed(program):
        return subprocess.run(
            [sys.executable, "-c", program], env=variables, check=True, capture_output=True, text=True
        ).stdout.strip()

    assert (printed(child), printed(parent)) == (path, "None")


def test_the_commit_and_whether_it_was_changed(repository):
    folder, head = repository
    (folder / "unknown.txt").write_text("git does not know this file")
    assert commit(folder) == {"git_commit": head, "git_dirty": False}
    (folder / "known.txt").write_text("two")
    (folder / "below").mkdir()
    assert commit(folder / "below") == {"git_commit": head, "git_dirty": True}


def test_the_repository_is_the_notebooks(repository, tmp_path, monkeypatch):
    folder, head = repository
    monkeypatch.setattr(started, "STARTED_IN", tmp_path)
    assert "git_commit" not in circumstances(None)
    assert circumstances(Shell(__vsc_ipynb_file__=str(folder / "fox.ipynb")))["git_commit"] == head
    monkeypatch.setattr(started, "STARTED_IN", folder)
    assert circumstances(None)["git_commit"] == head


def test_an_interrupt_while_git_is_asked_leaves_no_process_unwaited_for(repository, monkeypatch):
    threads, plain = [], subprocess.Popen

    def noting(*given, **named):
        threads.append(threading.current_thread())
        return plain(*given, **named)

    monkeypatch.setattr(subprocess, "Popen", noting)
    monkeypatch.chdir(repository[0])
    monkeypatch.setattr(started, "STARTED_IN", repository[0])
    assert circumstances(None)["git_commit"] == repository[1]
    assert threads
    assert threading.main_thread() not in threads


def test_a_git_that_points_elsewhere_by_environment_is_not_believed(repository, tmp_path, monkeypatch):
    monkeypatch.setenv("GIT_DIR", str(repository[0] / ".git"))
    assert commit(tmp_path) == {}


def test_outside_of_a_repository_and_without_a_commit_there_is_none(tmp_path):
    assert commit(tmp_path) == {}
    git(tmp_path, "init", "-q")
    assert commit(tmp_path) == {}


def test_git_is_started_only_where_there_is_a_repository(repository, tmp_path, monkeypatch):
    folder, head = repository
    beside = tmp_path / "beside"
    git(folder, "worktree", "add", "-q", str(beside))  # its .git is a file
    (tmp_path / "link").symlink_to(folder)
    assert commit(tmp_path / "link")["git_commit"] == commit(beside)["git_commit"] == head
    monkeypatch.setattr(subprocess, "run", lambda *_, **__: pytest.fail("a program is started"))
    assert commit(tmp_path) == {}


def test_a_slow_repository_is_asked_once_whether_it_is_dirty(repository, tmp_path, monkeypatch):
    folder, head = repository
    programs = tmp_path / "programs"
    programs.mkdir()
    slow = f'case "$*" in *status*) echo asked >> {tmp_path}/asked; exec sleep 60;; esac'
    (programs / "git").write_text(f'#!/bin/sh\n{slow}\nexec {shutil.which("git")} "$@"\n')
    (programs / "git").chmod(0o755)
    monkeypatch.setenv("PATH", f"{programs}:{os.environ['PATH']}")
    monkeypatch.setattr(module, "_slow_repositories", set())
    start = time.monotonic()
    assert commit(folder) == commit(folder) == {"git_commit": head}
    assert time.monotonic() - start < 30
    assert (tmp_path / "asked").read_text() == "asked\n"


def test_without_git_there_is_no_commit_and_no_error(repository, tmp_path, monkeypatch):
    monkeypatch.setenv("PATH", str(tmp_path))
    monkeypatch.setattr(started, "STARTED_IN", repository[0])
    assert "git_commit" not in circumstances(Shell())


@pytest.mark.parametrize(
    "shell",
    [
        None,
        object(),
        SimpleNamespace(get_parent=lambda: None, execution_count="x", user_ns=None),
        SimpleNamespace(get_parent=lambda: {"metadata": [], "content": 3}),
        SimpleNamespace(get_parent=lambda: 1 / 0),
    ],
)
def test_no_shell_is_strange_enough_to_raise(shell):
    assert set(circumstances(shell)) <= {"git_commit", "git_dirty", "notebook"}


def test_the_environment_names_what_makes_a_request():
    found = environment()
    assert {"python", "platform", "ipython", "httpx", "pillow"} <= set(found)
    assert found["python"].endswith(".".join(map(str, sys.version_info[:3])))
