"""One ES module made of those in ``view/``: anywidget takes the front-end as one string, and no Node is needed for it.

The modules import each other by name alone (``import { h } from "./dom.js"``), export by ``export`` before a
declaration, and share no top-level name; a test holds them to that. So they can be set one after another, imported
ones first.
"""

from __future__ import annotations

import re
from functools import cache
from pathlib import Path

VIEW = Path(__file__).with_name("view")
MAIN = "index.js"
_IMPORT = re.compile(r'^import\s+(?:\{[^}]*\}\s+from\s+)?"\./([\w.-]+)";[ \t]*\n', re.MULTILINE)
_EXPORT = re.compile(r"^export (?!default)", re.MULTILINE)
_COMMENT = re.compile(r"^[ \t]*(?:/\*\*(?:(?!\*/).)*\*/|//[^\n]*)[ \t]*\n", re.MULTILINE | re.DOTALL)


@cache
def script() -> str:
    """The joined module."""
    parts: dict[str, str] = {}
    _add(MAIN, parts)
    return "\n".join(parts.values())


@cache
def style() -> str:
    """The style sheets, one after another."""
    return "\n".join(path.read_text("utf-8") for path in sorted(VIEW.glob("*.css")))


def _add(name: str, parts: dict[str, str]) -> None:
    """A module after all that it imports."""
    text = (VIEW / name).read_text("utf-8")
    for imported in _IMPORT.findall(text):
        if imported not in parts:
            _add(imported, parts)
    parts[name] = _COMMENT.sub("", _EXPORT.sub("", _IMPORT.sub("", text)))
