"""Run every notebook twice in one folder on the simulator: `python .ci/notebooks.py`; `--save` keeps the first outputs.

The package is the one that this Python has installed.

The second run may send no request, since every request has its seed and is in the log: what was paid once is shown from
there.
"""

from __future__ import annotations

import os
import sqlite3
import sys
import tempfile
from pathlib import Path

import nbformat
from nbclient import NotebookClient

ROOT = Path(__file__).resolve().parents[1]
MAX_BYTES = 500_000
WIDGET_VIEW = "application/vnd.jupyter.widget-view+json"


def runs(folder: Path) -> int:
    """How many requests the logs below a folder hold."""
    total = 0
    for path in folder.rglob("log.sqlite"):
        connection = sqlite3.connect(path)
        total += connection.execute("SELECT count(*) FROM v_runs").fetchone()[0]
        connection.close()
    return total


def execute(path: Path, folder: Path) -> nbformat.NotebookNode:
    """A notebook's outputs, run in a folder; a cell that fails without saying so in its tags fails this."""
    notebook = nbformat.read(path, as_version=4)
    NotebookClient(
        notebook, kernel_name="python3", timeout=120, resources={"metadata": {"path": str(folder)}}
    ).execute()
    for cell in notebook.cells:
        cell.metadata.pop("execution", None)
    return notebook


def save(notebook: nbformat.NotebookNode, path: Path, folder: str) -> None:
    """Write it without what works only in its own session: views of widgets, and the folder that it ran in."""
    notebook.metadata.pop("widgets", None)
    for cell in notebook.cells:
        if cell.cell_type == "code":
            cell.outputs = [output for output in cell.outputs if WIDGET_VIEW not in output.get("data", {})]
    path.write_text(nbformat.writes(notebook).replace(folder, "/home/user/project") + "\n", "utf-8")


def main() -> int:
    """1 where a notebook fails, makes nothing, grows too large, or pays twice."""
    for name in [name for name in os.environ if name.startswith("VENICE_")]:
        del os.environ[name]
    os.environ |= {"PYTHON_KEYRING_BACKEND": "keyring.backends.null.Keyring"}
    wrong = []
    for path in sorted((ROOT / "notebooks").glob("*.ipynb")):
        with tempfile.TemporaryDirectory() as name:
            folder = Path(name)
            os.environ |= {"HOME": name, "IPYTHONDIR": f"{name}/ipython"}
            made = execute(path, folder)
            first = runs(folder)
            execute(path, folder)
            second = runs(folder) - first
        text = nbformat.writes(made)
        print(f"{path.name}: {first} requests, {second} more when run again, {len(text) / 1e3:.0f} kB")
        if not first:
            wrong.append(f"{path.name} makes no image")
        if second:
            wrong.append(f"{path.name} pays again when it is run again")
        if len(text) > MAX_BYTES:
            wrong.append(f"{path.name} is larger than {MAX_BYTES / 1e6} MB")
        if "--save" in sys.argv:
            save(made, path, name)
    print(*wrong, sep="\n")
    return int(bool(wrong))


if __name__ == "__main__":
    sys.exit(main())
