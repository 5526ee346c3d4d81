"""Tables, price grids and lists of facts, for the screen, for a screen reader and for the terminal."""

from __future__ import annotations

from dataclasses import dataclass
from itertools import zip_longest
from typing import TYPE_CHECKING, Literal

from .html import (
    ACCENT,
    CODE,
    LINE,
    MUTED,
    SOFT,
    Bundle,
    base64_text,
    bundle,
    escaped,
    one_line,
    root,
    sentence,
    unmarked,
)
from .terminal import narrowed, wrapped

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping, Sequence


_CELL = f"padding:5px 7px;border:{LINE};vertical-align:middle"
Align = Literal["left", "right", "center"]


@dataclass(frozen=True, slots=True)
class Cell:
    """One cell of a table, where plain text is not enough."""

    text: str
    align: Align = "left"
    code: bool = False
    muted: bool = False
    mark: str = ""
    """Words under the text: ``default``. ``chosen`` among them also frames the cell."""
    thumbnail: bytes = b""
    """A small JPEG or PNG above the text."""


def table(
    columns: Sequence[str],
    rows: Sequence[Sequence[str | Cell]],
    *,
    caption: str | None = None,
    footer: str | None = None,
) -> Bundle:
    """Show a table; the first cell of each row is the row's header."""
    cells = [[_as_cell(cell) for cell in row] for row in rows]
    aligned = [max(column, key=lambda cell: cell.align == "right").align for column in zip(*cells, strict=True)]
    head = "".join(
        f'<th scope="col" style="{_CELL};text-align:{align or "left"};background-color:{SOFT}">{escaped(name)}</th>'
        for name, align in zip_longest(columns, aligned)
    )
    body = "".join(_row([_cell(cell, header=not index) for index, cell in enumerate(row)]) for row in cells)
    lines = _plain_table(
        [[Cell(name, align or "left") for name, align in zip_longest(columns, aligned)], *cells], rule=True
    )
    foot = f'<p style="margin:4px 0;{MUTED}">{sentence(footer)}</p>' if footer else ""
    markup = _table(f"<thead>{_row([head])}</thead><tbody>{body}</tbody>", sentence(caption or ""))
    return bundle(root(markup, foot), [*_sentences(caption), *lines, *_sentences(footer)])


def price_grid(
    row_names: Sequence[str],
    column_names: Sequence[str],
    prices: Mapping[tuple[str, str], str | None],
    *,
    row_title: str,
    column_title: str,
    marks: Mapping[tuple[str, str], str] | None = None,
    caption: str | None = None,
) -> Bundle:
    """Show what one image costs by two choices; a price that is missing or None reads "unknown".

    Args:
        row_names: the choices of the first kind, in order.
        column_names: those of the second.
        prices: text by (row, column).
        row_title: what the rows choose.
        column_title: what the columns choose.
        marks: words by (row, column): ``default``, ``cheapest``; the one called ``chosen`` is framed.
        caption: above the grid.
    """

    def cell(row: str, column: str) -> Cell:
        price = prices.get((row, column))
        return Cell(price or "unknown", "right", muted=price is None, mark=(marks or {}).get((row, column), ""))

    header = f"{_CELL};background-color:{SOFT}"
    top = f'<th style="{header};text-align:left" rowspan="2">{escaped(row_title)}</th>'
    span = f'scope="colgroup" colspan="{len(column_names)}"'
    top += f'<th {span} style="{header};text-align:center">{escaped(column_title)}</th>'
    names = "".join(f'<th scope="col" style="{header};text-align:right">{escaped(name)}</th>' for name in column_names)
    cells = [[Cell(row), *(cell(row, column) for column in column_names)] for row in row_names]
    body = "".join(_row([_cell(entry, header=not index) for index, entry in enumerate(row)]) for row in cells)
    markup = _table(f"<thead>{_row([top])}{_row([names])}</thead><tbody>{body}</tbody>", sentence(caption or ""))
    titles = [Cell(f"{row_title} / {column_title}"), *(Cell(name, "right") for name in column_names)]
    lines = _plain_table([titles, *cells], rule=True)
    return bundle(root(markup), [*_sentences(caption), *lines])


def facts(title: str, pairs: Iterable[tuple[str, str | Cell]]) -> Bundle:
    """Show names and values, one pair a line."""
    rows = [(Cell(name), _as_cell(value)) for name, value in pairs]
    name_style = (
        f"padding:2px 18px 2px 0;text-align:left;vertical-align:top;font-weight:normal;white-space:nowrap;{MUTED}"
    )
    value_style = "padding:2px 0;text-align:left;vertical-align:top;white-space:pre-wrap;overflow-wrap:anywhere"
    body = "".join(
        _row([
            f'<th scope="row" style="{name_style}">{escaped(name.text)}</th>',
            f'<td dir="auto" style="{value_style}">{_cell_content(value)}</td>',
        ])
        for name, value in rows
    )  # fmt: skip
    markup = _table(f"<tbody>{body}</tbody>", f"<b>{escaped(title)}</b>")
    return bundle(root(markup), [one_line(title), *_plain_table(rows, rule=False)])


def _as_cell(cell: str | Cell) -> Cell:
    return cell if isinstance(cell, Cell) else Cell(cell)


def _sentences(text: str | None) -> list[str]:
    return [unmarked(text)] if text else []


def _table(rows: str, caption: str) -> str:
    style = "caption-side:top;text-align:left;padding:0 0 6px;white-space:nowrap"  # though the table may be narrow
    title = f'<caption style="{style}">{caption}</caption>' if caption else ""
    style = "border-collapse:collapse;margin:4px 0 8px;font-size:13px;table-layout:auto"
    return f'<div style="overflow-x:auto"><table style="{style}">{title}{rows}</table></div>'


def _row(cells: Sequence[str]) -> str:
    return f'<tr style="background-color:transparent">{"".join(cells)}</tr>'


def _cell(cell: Cell, *, header: bool) -> str:
    # Ids and prices stay whole: a window narrower than about 600 pixels, a printed page's, scrolls the table.
    long, breaks = len(cell.text) > 24, _may_break(cell.text)
    wrap = ";min-width:100px;overflow-wrap:anywhere" if long else "" if breaks else ";white-space:nowrap"
    style = f"{_CELL};text-align:{cell.align}{wrap}" + (f";background-color:{SOFT}" if header else "")
    if "chosen" in cell.mark:
        style += f";font-weight:600;outline:2px solid;outline-color:{ACCENT}"
    tag = 'th scope="row"' if header else "td"
    return f'<{tag} dir="auto" style="{style}">{_cell_content(cell)}</{tag[:2]}>'


def _may_break(text: str) -> bool:
    """Whether a short text may take two lines where there is no room for one: a date and its time."""
    return " " in text and 13 < len(text) <= 24


def _unbroken_words(text: str) -> str:
    """Words that do not break at a hyphen, as dates would."""
    return " ".join(f'<span style="white-space:nowrap">{escaped(word)}</span>' for word in text.split(" "))


def _cell_content(cell: Cell) -> str:
    style = ";".join(filter(None, (CODE if cell.code else "", MUTED if cell.muted else "")))
    text = _unbroken_words(cell.text) if _may_break(cell.text) else escaped(cell.text)
    text = f'<span style="{style}">{text}</span>' if style else text
    mark = f'<div style="font-size:11px;font-weight:normal;{MUTED}">{escaped(cell.mark)}</div>' if cell.mark else ""
    return f"{_thumbnail(cell.thumbnail)}{text}{mark}"


def _thumbnail(data: bytes) -> str:
    mime = "image/png" if data.startswith(b"\x89PNG") else "image/jpeg"
    style = "display:block;max-width:72px;max-height:72px;border-radius:4px;margin:2px 0"
    return f'<img alt="" style="{style}" src="data:{mime};base64,{base64_text(data)}">' if data else ""


def _plain_table(rows: Sequence[Sequence[Cell]], *, rule: bool) -> list[str]:
    """Lines with aligned columns; letters may be two columns wide."""
    from wcwidth import wcswidth

    texts = [[_plain_cell(cell) for cell in row] for row in rows]
    widths, fits = narrowed(texts, gap=2)
    if rule and not fits:
        return _entries(texts)

    def padded(text: str, cell: Cell, width: int) -> str:
        space = " " * (width - max(wcswidth(text), 0))
        return space + text if cell.align == "right" else text + space

    def lines_of(line: Sequence[str], row: Sequence[Cell]) -> list[str]:
        parts = zip_longest(*map(wrapped, line, widths), fillvalue="")
        return ["  ".join(map(padded, part, row, widths)).rstrip() for part in parts]

    entries = [lines_of(line, row) for line, row in zip(texts, rows, strict=True)]
    if rule:
        entries.insert(1, ["  ".join("─" * width for width in widths)])
    return [line for entry in entries for line in entry]


def _entries(rows: Sequence[Sequence[str]]) -> list[str]:
    """Each row of a table as a sentence under its name, where the terminal is too narrow for columns."""
    (_, *names), *body = rows
    facts_of = [[f"{key} {text}" for key, text in zip(names, rest, strict=True) if text] for _, *rest in body]
    return [f"{row[0]}  {' · '.join(said)}" for row, said in zip(body, facts_of, strict=True)]


def _plain_cell(cell: Cell) -> str:
    if cell.align == "right":  # numbers keep their column
        return one_line(f"{cell.mark} {cell.text}")
    return one_line(f"{cell.text} ({cell.mark})" if cell.mark else cell.text)
