"""The notebook of sweeps runs from top to bottom without a key, and a second time without sending anything."""

import os
import subprocess
import sys
from pathlib import Path

import nbformat

from tests.python_path import PYTHON_PATH, ROOT
from venice_widgets.log import Log


def execute(folder: Path) -> nbformat.NotebookNode:
    done = subprocess.run(
        [sys.executable, "-m", "jupyter", "execute", "--inplace", "sweep.ipynb"],
        cwd=folder,
        env={**os.environ, "PYTHONPATH": PYTHON_PATH},
        capture_output=True,
        text=True,
        timeout=100,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    return nbformat.read(folder / "sweep.ipynb", as_version=4)


def test_the_sweep_runs_twice_and_pays_once(tmp_path):
    source = ROOT / "notebooks" / "sweep.ipynb"
    (tmp_path / "sweep.ipynb").write_bytes(source.read_bytes())

    first, second = execute(tmp_path), execute(tmp_path)

    texts = ["\n".join(str(o.get("data", {}).get("text/plain", "")) for c in nb.cells for o in c.get("outputs", []))
             for nb in (first, second)]  # fmt: skip
    assert "9 of 9 images · $0.09 simulated" in texts[0]
    assert "9 from the log" in texts[1]
    (store,) = {path.parent for path in tmp_path.rglob("log.sqlite")}
    log = Log.open(store)
    assert len(log.search(limit=100)) == 9
    log.close()


def test_its_saved_outputs_are_small_and_show_the_grid():
    path = ROOT / "notebooks" / "sweep.ipynb"

    assert path.stat().st_size < 200_000
    assert path.read_text("utf-8").count("data:image/") == 9
