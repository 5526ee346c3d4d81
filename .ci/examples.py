"""Run the examples of the documents: every block marked ``python``, page by page, in a real IPython on the simulator.

A block below ``<!-- fails: ERROR -->`` has to fail with that error. A page's blocks share one shell and one empty
folder.
"""

from __future__ import annotations

import os
import re
import subprocess
import sys
import tempfile
from pathlib import Path

BLOCK = re.compile(r"(?:<!-- fails: (?P<error>\w+) -->\n)?^```python\n(?P<code>.*?)^```$", re.DOTALL | re.MULTILINE)
ROOT = Path(__file__).resolve().parents[1]


def run_page(page: Path) -> list[str]:
    """What went wrong on a page, one line for each block."""
    from IPython.terminal.interactiveshell import TerminalInteractiveShell
    from traitlets.config import Config

    from venice_widgets import current

    settings = Config()
    settings.HistoryManager.enabled = False
    settings.TerminalInteractiveShell.simple_prompt = True
    TerminalInteractiveShell.clear_instance()
    current.use_session(None)
    shell = TerminalInteractiveShell.instance(config=settings)
    wrong = []
    for block in BLOCK.finditer(page.read_text("utf-8")):
        result = shell.run_cell(block["code"], store_history=True)
        raised = type(result.error_before_exec or result.error_in_exec).__name__
        expected = block["error"] or "NoneType"
        if raised != expected:
            wrong.append(f"{page.name}: {block['code'].splitlines()[0]}: {raised} instead of {expected}")
    shell.run_cell("%unload_ext venice_widgets")
    shell.restore_sys_module_state()
    return wrong


def main(names: list[str]) -> int:
    """Run the pages, each in a process of its own; 1 where an example does not do what it says."""
    if len(names) == 1:
        return run_alone(Path(names[0]).resolve())
    pages = [Path(name) for name in names] or [ROOT / "README.md", *sorted((ROOT / "docs").glob("*.md"))]
    clean = {name: value for name, value in os.environ.items() if not name.startswith("VENICE_")}
    clean |= {"PYTHON_KEYRING_BACKEND": "keyring.backends.null.Keyring", "PYTHONPATH": str(ROOT)}
    failed, blocks = [], 0
    for page in pages:
        found = len(BLOCK.findall(page.read_text("utf-8")))
        command = [sys.executable, __file__, str(page)]
        if found and subprocess.run(command, env=clean, timeout=300, check=False).returncode:
            failed.append(page.name)
        blocks += found
    print(f"\n{blocks} examples of {len(pages)} pages; failed: {', '.join(failed) or 'none'}")
    return int(bool(failed))


def run_alone(page: Path) -> int:
    """Run one page in an empty folder that is its home."""
    # What an example leaves running, such as a panel, may still be writing there.
    with tempfile.TemporaryDirectory(ignore_cleanup_errors=True) as folder:
        os.environ |= {"HOME": folder, "IPYTHONDIR": folder, "VENICE_STORE": f"{folder}/.venice"}
        os.chdir(folder)
        wrong = run_page(page)
        os.chdir(ROOT)
    print("", *wrong, sep="\n")
    return int(bool(wrong))


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
