"""Messages in boxes, code, progress, and several outputs as one."""

from __future__ import annotations

import html
import re
from typing import Any, Literal

from .html import (
    ACCENT,
    CODE,
    KINDS,
    LINE,
    MUTED,
    SOFT,
    Bundle,
    box,
    bundle,
    clean,
    escaped,
    one_line,
    root,
    unmarked,
)

_JSON_KEY = re.compile(r"^( *)(&quot;.*?&quot;)(?=: )", re.MULTILINE)


def notice(
    text: str, *, kind: Literal["note", "warning", "error", "information"] = "note", title: str | None = None
) -> Bundle:
    """Show a message in a box; a warning and an error are called that unless they have another title."""
    name = title or KINDS[kind][0]
    plain = unmarked(text)
    return bundle(root(box(text, kind, title)), [f"{one_line(name)}: {plain}" if name else plain])


def code(text: str, *, language: Literal["json", "text"] = "text") -> Bundle:
    """Show text as it is, in a fixed-width font; in indented JSON the names stand out."""
    shown = html.escape(clean(text))
    if language == "json":
        shown = _JSON_KEY.sub(rf'\1<span style="color:{ACCENT}">\2</span>', shown)
    style = f"{CODE};margin:4px 0;padding:8px 10px;border:{LINE};border-radius:4px"
    style += f";background-color:{SOFT};overflow-x:auto"
    return bundle(root(f'<pre style="{style}">{shown}</pre>'), [clean(text)])


def progress(done: int, total: int, seconds: float, *, usual_seconds: float | None = None, words: str = "") -> Bundle:
    """Show the progress, in words and as a thin bar.

    Where it is known how long this usually takes, the bar also moves with time, up to 95 %.
    """
    told = [f"{done} of {total}", _duration(seconds)]
    if usual_seconds and done < total:
        told.append(f"usually about {_duration(usual_seconds)}")
    line = " · ".join([*told, *([one_line(words)] if words else [])])
    expected = min(seconds / usual_seconds, 0.95) if usual_seconds else 0.0
    percent = round(100 * min(1.0, max(done / total if total else 1.0, expected)))
    bar = f'<div style="height:4px;width:{percent}%;border-radius:2px;background-color:{ACCENT}"></div>'
    track = "height:4px;max-width:520px;margin:4px 0;border-radius:2px;background-color:rgba(128,128,128,.25)"
    markup = root(f'<div style="{track}">{bar}</div><div role="status" style="{MUTED}">{escaped(line)}</div>')
    return Bundle({"text/html": markup, "text/plain": line}, {})  # one line: a terminal writes the next one over it


def line(text: str) -> Bundle:
    """Show one muted line."""
    return bundle(root(f'<div style="{MUTED}">{escaped(one_line(text))}</div>'), [one_line(text)])


def join(*bundles: Bundle) -> Bundle:
    """Stack several into one output.

    Raises:
        ValueError: two of them carry images or a record, of which an output has one.
    """
    data: dict[str, Any] = {}
    metadata: dict[str, Any] = {}
    for each in bundles:
        if each.metadata.keys() & metadata.keys() or (_has_image(each.data) and _has_image(data)):
            raise ValueError("Two outputs with images cannot be joined: give all cards to one call of image_cards().")
        data |= each.data
        metadata |= each.metadata
    data["text/html"] = "".join(each.data["text/html"] for each in bundles)
    plain = [each.data["text/plain"] for each in bundles]
    data["text/plain"] = ("\n\n" if any("\n" in lines for lines in plain) else "\n").join(plain)
    return Bundle(data, metadata)


def _has_image(data: dict[str, Any]) -> bool:
    return any(mime.startswith("image/") for mime in data)


def _duration(seconds: float) -> str:
    if seconds < 10:
        return f"{seconds:.1f} s"
    return f"{seconds:.0f} s" if seconds < 120 else f"{int(seconds // 60)} min {int(seconds % 60)} s"
