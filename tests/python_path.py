"""What the programs that a test starts import: this package, and what stands before others, see the stand-ins."""

import os
from pathlib import Path

ROOT = Path(__file__).parents[1]
STAND_INS = Path(__file__).with_name("stand_ins")
PYTHON_PATH = os.pathsep.join(map(str, (ROOT, STAND_INS)))
"""For ``PYTHONPATH``."""
