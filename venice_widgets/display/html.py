r"""Text to HTML that every front end shows alike, and the bundle it travels in.

The layout is in ``style`` attributes of a kind that JupyterLab's sanitizer lets through, since a notebook that came
from somebody else is shown without style elements and scripts:

- greys are translucent and muted text is opaque to 70 %, so that both themes, VS Code and nbconvert look right;
- the accent is ``var(--jp-brand-color1, rgb(…))`` in longhand properties: shorthands with ``var`` are dropped, and so
  are fallbacks that are not written ``rgb(…)``;
- ``$`` and ``\`` stand in elements of their own, because MathJax would set ``$0.01 = $0.02`` as a formula.

Sentences (summary, notes, notices, captions and footers of tables) may mark ``**bold**`` and `` `code` ``.
"""

from __future__ import annotations

import base64
import html
import re
import unicodedata
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from .terminal import fitted

if TYPE_CHECKING:
    from collections.abc import Sequence


ROOT = "font-size:13px;line-height:1.45"
LINE = "1px solid rgba(128,128,128,.35)"
SOFT = "rgba(128,128,128,.1)"
MUTED = "opacity:.7"
FLUID = "display:block;width:100%;height:auto"
"""An image that is as wide as what holds it."""
EMPTY = f"background-color:{SOFT};border:1px dashed rgba(128,128,128,.6)"
"""The frame of an image that is not there."""
CODE = "font-family:ui-monospace,Menlo,Consolas,monospace;font-size:12px"
ACCENT = "var(--jp-brand-color1, rgb(33,118,210))"
KINDS = {
    "note": ("", "191,135,0", "255,193,7,.15"),
    "information": ("", "33,118,210", "33,150,243,.12"),
    "warning": ("Warning", "191,135,0", "255,193,7,.15"),
    "error": ("Error", "211,47,47", "244,67,54,.13"),
}
_INLINE = re.compile(r"\*\*(.+?)\*\*|`([^`]+)`")


@dataclass(frozen=True, slots=True, repr=False)
class Bundle:
    """One output in every form a front end may want; IPython displays it as what it holds.

    No tuple: IPython would print that as a tuple on a terminal.
    """

    data: dict[str, Any]
    """MIME type to content; images as base64 text."""
    metadata: dict[str, Any]
    """What is saved beside it in the notebook."""

    def _repr_mimebundle_(
        self, include: object = None, exclude: object = None
    ) -> tuple[dict[str, Any], dict[str, Any]]:
        """What IPython asks for; `include` and `exclude` are left to IPython, which filters again."""
        del include, exclude
        return self.data, self.metadata

    def __repr__(self) -> str:
        """What a terminal reads; ``print`` shows it too."""
        return str(self.data.get("text/plain", ""))


def bundle(markup: str, lines: Sequence[str]) -> Bundle:
    """An output of words alone."""
    return Bundle({"text/html": markup, "text/plain": fitted(lines)}, {})


def root(*parts: str) -> str:
    """The element around an output."""
    return f'<div style="{ROOT}">{"".join(parts)}</div>'


def clean(text: str) -> str:
    """Text without lone surrogates, and with control characters made visible: a terminal would obey them."""
    whole = text.encode("utf-8", "replace").decode("utf-8")
    return "".join(_visible(letter) if unicodedata.category(letter) == "Cc" else letter for letter in whole)


def _visible(control: str) -> str:
    return control if control in "\n\t" else chr(0x2400 + ord(control)) if ord(control) < 32 else "\ufffd"


def one_line(text: str) -> str:
    """Clean text with every run of white space made one space."""
    return " ".join(clean(text).split())


def escaped(text: str) -> str:
    """Text between tags."""
    return re.sub(r"([$\\])", r"<span>\1</span>", html.escape(clean(text)))


def attribute(text: str) -> str:
    """Text between the quotes of an attribute."""
    return html.escape(one_line(text))


def sentence(text: str) -> str:
    """Text between tags, with its bold words and code."""
    return _INLINE.sub(_marked, escaped(text))


def _marked(match: re.Match[str]) -> str:
    bold, fixed = match.groups()
    return f"<b>{bold}</b>" if bold else f'<span style="{CODE}">{fixed}</span>'


def unmarked(text: str) -> str:
    """A sentence for the terminal: clean, without the marks of bold words and code."""
    return _INLINE.sub(lambda match: match[1] or match[2], clean(text))


def shortened(text: str, limit_bytes: int) -> str:
    """One line, cut at a word so that its HTML takes at most so many bytes.

    Bytes of UTF-8 go well with width: a Chinese letter is three bytes and two columns.
    """
    whole = one_line(text)
    if _html_bytes(whole) <= limit_bytes:
        return whole
    cut = whole[:limit_bytes]
    while _html_bytes(cut) > limit_bytes - len("…".encode()):
        cut = cut[:-1]
    head, _, _ = cut.rpartition(" ")
    kept = head if len(head) > len(cut) * 0.6 else cut
    return kept.rstrip(" ,;:\u200d\ufe0f") + "…"


def _html_bytes(line: str) -> int:
    return len(escaped(line).encode())


def base64_text(data: bytes) -> str:
    """Bytes as notebooks and data URLs carry them."""
    return base64.b64encode(data).decode("ascii")


DOT = '<span style="display:none"> · </span>'
"""Divides words where styles are dropped, as on GitHub; on screen a gap or a background does."""
BADGE = "display:inline-block;margin:3px 4px 0 0;padding:0 6px;border-radius:3px"


def labeled(markup: str, *, simulated: bool) -> str:
    """A line of markup, which says of what is simulated that it is."""
    if not simulated:
        return markup
    label = f'<span style="{BADGE};background-color:rgba(128,128,128,.2)">simulated</span>'
    return f"{label}{DOT} {markup}" if markup else label


def image_tag(data: bytes, mime: str, alt: str, size: tuple[int, int], style: str, title: str = "") -> str:
    """An image whose bytes travel in its address.

    Args:
        data: the file.
        mime: its type.
        alt: what it shows, for those who do not see it.
        size: width and height in pixels, for the shape that is held free until it is there.
        style: its declarations, such as `FLUID`.
        title: shown while the pointer rests on it; empty for nothing.
    """
    shown = f'title="{attribute(title)}" ' if title else ""
    return (
        f'<img alt="{attribute(shortened(alt, 240))}" {shown}width="{size[0]}" height="{size[1]}" '
        f'style="{style}" src="data:{attribute(mime)};base64,{base64_text(data)}">'
    )


def box(text: str, kind: str, title: str | None) -> str:
    """A message with a colored edge; `kind` is a key of `KINDS`."""
    default, edge, fill = KINDS[kind]
    name = title or default
    head = f"<b>{escaped(name)}</b>: " if name else ""
    style = (
        f"margin:8px 0;padding:6px 12px;border-left:3px solid rgb({edge});background-color:rgba({fill});"
        "white-space:pre-wrap;overflow-wrap:break-word"
    )
    lines = sentence(text).replace("\n", "<br>")  # GitHub's preview drops styles, and then a line's end is a space
    return f'<div role="note" dir="auto" style="{style}">{head}{lines}</div>'
