"""What answers need is imported while the first one is on its way."""

import subprocess
import sys
from pathlib import Path

CODE = """
import sys, threading
from venice_widgets.generation.worker import get_ready
needed = {"ijson", "PIL.Image", "PIL.PngImagePlugin", "PIL.JpegImagePlugin"}
print(needed & {*sys.modules})
get_ready()
get_ready()
threads = [thread for thread in threading.enumerate() if thread.name == "venice-practice"]
for thread in threads:
    thread.join()
print(len(threads) <= 1, needed <= {*sys.modules})
"""


def test_it_imports_what_decoding_needs_once_and_nothing_needs_it_before():
    ended = subprocess.run(
        [sys.executable, "-W", "error", "-c", CODE],
        check=False,
        cwd=Path(__file__).parents[2],
        capture_output=True,
        text=True,
    )
    assert (ended.stdout.split("\n")[:2], ended.stderr) == (["set()", "True True"], "")
