import subprocess
import sys
from pathlib import Path

SCRIPT = """
import venice_widgets
from IPython.terminal.interactiveshell import TerminalInteractiveShell

TerminalInteractiveShell.instance().run_cell("%load_ext venice_widgets")
panel = venice_widgets.Panel(venice_widgets.Session(demo=True), prompt="A fox")
panel.generate(yes=True)
panel.wait(30)
panel.itself = panel
print(len(panel.generation.images))
"""


def test_a_script_with_a_panel_ends(monkeypatch):
    monkeypatch.setenv("PYTHONPATH", str(Path(__file__).parents[2]))
    ended = subprocess.run([sys.executable, "-c", SCRIPT], capture_output=True, text=True, timeout=60, check=False)
    assert ended.stdout.split()[-1:] == ["1"], ended.stderr
    assert ended.returncode == 0
