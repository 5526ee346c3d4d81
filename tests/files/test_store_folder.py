"""Where the store is: found from the notebook, by its mark, and never one that somebody else put there."""

import os
import subprocess
import sys
from pathlib import Path
from types import SimpleNamespace

import pytest

from tests.python_path import PYTHON_PATH
from venice_widgets.config import read_settings
from venice_widgets.errors import ConfigurationError
from venice_widgets.files import notebook, platform, store_folder
from venice_widgets.files.store_folder import MARK, find_store, is_store, make_store
from venice_widgets.log import Log
from venice_widgets.session import Session

SETTINGS = ("project_budget_usd",)


def test_a_store_is_known_by_its_mark_its_log_or_its_settings(tmp_path):
    Log.open(tmp_path / ".venice").close()
    assert (tmp_path / ".venice" / MARK).exists()
    assert is_store(tmp_path / ".venice")
    (tmp_path / ".venice" / MARK).unlink()
    assert is_store(tmp_path / ".venice"), "by its log"
    (by_hand := tmp_path / "by hand").mkdir()
    assert is_store(by_hand), "somebody made it for us"
    (by_hand / "config.toml").write_text('project_budget_usd = "1.00"\n')
    assert is_store(by_hand, SETTINGS)
    (by_hand / "config.toml").write_text("not toml at all")
    assert is_store(by_hand, SETTINGS), "whoever reads it is told what is wrong"
    (by_hand / "catalogue").mkdir()
    (by_hand / "config.toml").write_text('projekt_budget_usd = "1.00"\n')
    assert is_store(by_hand, SETTINGS), "a limit that is misspelled is told, and not passed over"


@pytest.mark.parametrize(
    "files", [{"config.json": "{}"}, {"config.toml": 'default_model = "x"\n', "auth": ""}, {"auth": "key"}]
)
def test_the_folder_of_another_program_is_not_taken(tmp_path, files):
    """The official command-line program keeps its settings in ~/.venice."""
    home = tmp_path / "home"
    (home / ".venice").mkdir(parents=True)
    for name, text in files.items():
        (home / ".venice" / name).write_text(text)
    work = home / "work"
    work.mkdir()
    assert find_store(work, SETTINGS) == work / ".venice"
    assert find_store(home, SETTINGS) == home / ".venice-widgets"
    make_store(home / ".venice-widgets")
    assert find_store(work, SETTINGS) == home / ".venice-widgets"
    assert not (home / ".venice" / ".gitignore").exists()


def test_a_file_of_that_name_is_not_a_store(tmp_path):
    (tmp_path / ".venice").write_text("a file")
    assert find_store(tmp_path) == tmp_path / ".venice-widgets"


def test_the_demos_store_marks_the_one_that_it_lies_in(tmp_path):
    make_store(tmp_path / ".venice" / "demo")
    assert find_store(tmp_path) == tmp_path / ".venice"


def test_a_store_where_every_user_may_write_is_not_taken_from_below(tmp_path):
    (everybodys := tmp_path / "tmp").mkdir()
    make_store(everybodys / ".venice")
    everybodys.chmod(0o1777)
    (below := everybodys / "work").mkdir()
    assert find_store(below) == below / ".venice"
    assert find_store(everybodys) == everybodys / ".venice", "beside the notebook, and one's own"


@pytest.mark.skipif(not hasattr(os, "geteuid"), reason="this platform has no owners")
def test_another_users_store_is_taken_from_below_only_where_it_is_shared(tmp_path, monkeypatch):
    make_store(tmp_path / ".venice")
    (below := tmp_path / "below").mkdir()
    monkeypatch.setattr(store_folder, "belongs_to_other", lambda _: True)
    (tmp_path / ".venice").chmod(0o755)
    assert find_store(below) == below / ".venice"
    (tmp_path / ".venice").chmod(0o2775)
    assert find_store(below) == tmp_path / ".venice"


def test_the_store_is_found_from_the_notebook_and_not_from_where_cd_leads(tmp_path, monkeypatch):
    (tmp_path / "nbs").mkdir()
    (tmp_path / "nbs" / ".venice").mkdir()
    (tmp_path / "nbs" / ".venice" / "config.toml").write_text('project_budget_usd = "1.00"\n')
    (tmp_path / "cron").mkdir()
    monkeypatch.setattr(notebook, "STARTED_IN", tmp_path / "nbs")
    monkeypatch.chdir(tmp_path / "cron")
    settings = read_settings({}, environ={})
    assert (settings.store, str(settings.project_budget_usd)) == (tmp_path / "nbs" / ".venice", "1.00")
    assert read_settings({"store": "images"}, environ={}).store == tmp_path / "nbs" / "images"


def test_the_notebook_tells_before_the_folder_in_which_ipython_started(tmp_path, monkeypatch):
    (tmp_path / "nbs").mkdir()
    shell = SimpleNamespace(user_ns={}, starting_dir=str(tmp_path))
    monkeypatch.setattr(notebook, "running_shell", lambda: shell)
    assert notebook.start_folder() == tmp_path
    shell.user_ns["__vsc_ipynb_file__"] = str(tmp_path / "nbs" / "x.ipynb")
    assert notebook.start_folder() == tmp_path / "nbs"
    shell.user_ns["__vsc_ipynb_file__"] = str(tmp_path / "gone" / "x.ipynb")
    assert notebook.start_folder() == tmp_path


PAPERMILL = """
import json, sys
import nbformat
cell = nbformat.v4.new_code_cell(
    "from venice_widgets.config import read_settings\\n"
    "found = read_settings({}, environ={})\\n"
    "print(found.store, found.project_budget_usd)"
)
kernel = {"kernelspec": {"name": "python3", "display_name": "Python 3"}}
nbformat.write(nbformat.v4.new_notebook(cells=[cell], metadata=kernel), sys.argv[1])
"""


def test_papermill_started_elsewhere_keeps_the_limits_beside_the_notebook(tmp_path):
    """`cd cron; papermill ../nbs/x.ipynb out.ipynb` ran without any limit."""
    pytest.importorskip("papermill")
    (tmp_path / "nbs" / ".venice").mkdir(parents=True)
    (tmp_path / "nbs" / ".venice" / "config.toml").write_text('project_budget_usd = "1.00"\n')
    (tmp_path / "cron").mkdir()
    environment = {**os.environ, "PYTHONPATH": PYTHON_PATH}
    write = [sys.executable, "-c", PAPERMILL, tmp_path / "nbs/x.ipynb"]
    subprocess.run(write, env=environment, check=True, timeout=60)
    program = Path(sys.executable).with_name("papermill")
    command = [program, "../nbs/x.ipynb", "out.ipynb", "--no-progress-bar"]
    done = subprocess.run(
        command, cwd=tmp_path / "cron", env=environment, capture_output=True, text=True, timeout=100, check=False
    )
    assert done.returncode == 0, done.stderr
    assert f"{tmp_path / 'nbs' / '.venice'} 1.00" in (tmp_path / "cron/out.ipynb").read_text()


@pytest.mark.parametrize("value", ["a\0b", "fox\udcff\ud800", "x" * 5000])
def test_a_path_that_the_system_cannot_use_is_refused_in_our_words(value, tmp_path):
    with pytest.raises(ConfigurationError, match="is not a path that this system can use"):
        read_settings({"store": value}, environ={}, folder=tmp_path)


def test_a_stated_store_that_is_a_file_is_refused_in_our_words(tmp_path):
    (tmp_path / "file").write_text("")
    with pytest.raises(ConfigurationError, match=r"file \(VENICE_STORE\) is a file"):
        read_settings({}, environ={"VENICE_STORE": str(tmp_path / "file")}, folder=tmp_path)


@pytest.mark.parametrize("shell", [None, SimpleNamespace(user_ns={}, starting_dir="/no/such/folder")])
def test_where_the_first_folder_is_gone_the_remedy_is_told(monkeypatch, shell):
    monkeypatch.setattr(notebook, "STARTED_IN", None)
    monkeypatch.setattr(notebook, "running_shell", lambda: shell)
    with pytest.raises(ConfigurationError, match=r"is gone.*\n.*VENICE_STORE"):
        read_settings({}, environ={})


@pytest.mark.skipif(os.name == "nt", reason="Windows has no such permissions")
def test_people_who_share_a_folder_share_its_store(tmp_path):
    (shared := tmp_path / "shared").mkdir()
    shared.chmod(0o2775)
    log = Log.open(shared / ".venice")
    log.objects.add(b"image")
    spool = log.open_spool("RUN")
    spool.flush()
    for path in (shared / ".venice").rglob("*"):
        assert path.stat().st_mode & 0o060 == 0o060, path
    spool.discard()
    log.close()


@pytest.mark.skipif(os.name == "nt", reason="Windows has no such permissions")
@pytest.mark.parametrize("umask", [0o002, 0o022, 0o077])
def test_all_that_a_generation_writes_into_a_shared_folder_is_the_groups(tmp_path, monkeypatch, simulator, umask):
    (shared := tmp_path / "shared").mkdir()
    shared.chmod(0o2775)
    monkeypatch.setattr(notebook, "STARTED_IN", shared)
    monkeypatch.delenv("VENICE_STORE", raising=False)
    before = os.umask(umask)
    try:
        session = Session(api_key="x" * 20, transport=simulator.transport())
        session.generate("A fox", seed=41)
        session.close()
    finally:
        os.umask(before)
    written = list((shared / ".venice").rglob("*"))
    assert {"log.sqlite", "rate.sqlite", "catalogue", "objects"} <= {path.name for path in written}
    for path in written:
        assert path.stat().st_mode & 0o060 == 0o060, path


def test_a_store_that_cannot_be_written_can_be_looked_at(tmp_path, monkeypatch):
    Log.open(tmp_path / ".venice").close()
    for module in ("venice_widgets.log.database", "venice_widgets.log.log"):
        monkeypatch.setattr(f"{module}.can_write", lambda _: False)
    log = Log.open(tmp_path / ".venice")
    assert log.search() == []
    assert log.verify().ok
    assert not log.recovered
    log.close()
    assert platform.can_write(tmp_path)
