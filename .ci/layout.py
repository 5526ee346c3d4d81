"""Print the layout of the package into CONTRIBUTING.md; with `--check`, fail where that is old."""

from __future__ import annotations

import re
import sys
from pathlib import Path

ROOT = Path(__file__).resolve().parents[1]
sys.path.insert(0, str(ROOT / "docs"))

from generated import layout

PLACE = re.compile(r"(?<=<!-- layout -->\n).*?(?=<!-- /layout -->)", re.DOTALL)


def main() -> int:
    """1 where the tree had to change and was only to be checked."""
    path = ROOT / "CONTRIBUTING.md"
    before = path.read_text("utf-8")
    after = PLACE.sub(lambda _: layout() + "\n", before)
    if "--check" in sys.argv:
        if after != before:
            print("The layout in CONTRIBUTING.md is old: run python .ci/layout.py")
        return int(after != before)
    path.write_text(after, "utf-8")
    return 0


if __name__ == "__main__":
    sys.exit(main())
