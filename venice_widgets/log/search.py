"""Searches in the log, the newest result first.

Nothing here reads the whole log: prompts are found by the index of `text`, times are ranges of run numbers, and costs
are stored totals.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Literal, TypedDict

from venice_widgets.errors import InvalidRequest, StoreError, shown

from . import arguments
from .budgets import Spent, spent, spent_of
from .fulltext import match_query
from .records import REPLAY_OF, RunRecord, Status
from .rows import record
from .run_rows import first_number

if TYPE_CHECKING:
    import sqlite3
    from collections.abc import Callable, Collection, Mapping, Sequence
    from datetime import datetime
    from os import PathLike

_FEW_HITS = 2000
"""So many runs are looked up after the index of prompts in some 10 ms."""
_FEW_RUNS = 300
"""So many runs are held against the index of prompts, which is forty times as slow a run, in some 60 ms."""
_LARGEST_INTEGER = 2**63 - 1
"""SQLite takes no larger one."""
VIEWS = ("v_runs", "v_images", "v_costs", "v_replays")


class Filters(TypedDict, total=False):
    """What runs may be chosen by, besides the words of their prompts; None chooses by nothing."""

    model: str | None
    """The id that was sent."""
    seed: int | None
    """The seed that was sent."""
    status: Status | str | None
    """One of `Status`."""
    since: datetime | None
    """Not before this moment; without a zone it is local time."""
    until: datetime | None
    """Before this moment; without a zone it is local time."""
    notebook: str | PathLike[str] | None
    """A path, or the end of one such as ``fox.ipynb``."""
    session_id: str | None
    """Of the session that sent them; quick together with `since`."""
    plan_id: str | None
    """Of the plan that they belong to."""
    favorite: bool | None
    """True for the marked ones, False for the others."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Question:
    """What is asked of the log: words, and the values of `Filters`."""

    text: str | None = None
    model: str | None = None
    seed: int | None = None
    status: Status | None = None
    since: datetime | None = None
    until: datetime | None = None
    notebook: str | None = None
    session_id: str | None = None
    plan_id: str | None = None
    favorite: bool | None = None


@dataclass(frozen=True, slots=True)
class Cost:
    """What one day, model or notebook cost."""

    name: str
    """A day in the zone of this machine, a model's id or a notebook's path; empty for runs outside of any notebook."""
    spent: Spent


def status_of(name: Status | str | None) -> Status | None:
    """The status of that name.

    Raises:
        InvalidRequest: there is none.
    """
    try:
        return None if name is None else Status(name)
    except ValueError as exc:
        raise InvalidRequest(f"no run is {name!r}.", f"It takes {', '.join(Status)}.", field="status") from exc


def question(text: str | None, filters: Filters) -> Question:
    """What is asked, checked.

    Raises:
        InvalidRequest: no such status, a value of another type, or the text holds no word.
    """
    values = _checked(filters)
    text = None if text is None else arguments.text(text, "text")
    if text and text.strip() and match_query(text) is None:
        raise InvalidRequest(
            f"{text!r} holds no word to search for.",
            'Words are letters, digits and emoji: fox, "red fox", fox*.',
            field="text",
        )
    return Question(text=text, **values)


_KINDS: Mapping[str, Callable[[Any, str], Any]] = {
    "model": arguments.text,
    "seed": arguments.whole,
    "status": lambda value, _: status_of(value),
    "since": arguments.moment,
    "until": arguments.moment,
    "notebook": arguments.path_text,
    "session_id": arguments.text,
    "plan_id": arguments.text,
    "favorite": arguments.switch,
}
"""What each of `Filters` is."""


def _checked(filters: Filters) -> dict[str, Any]:
    """The filters that choose by something, each of its type."""
    given: dict[str, Any] = {**filters}
    for name in given.keys() - _KINDS.keys():
        raise InvalidRequest(f"runs are not chosen by {name!r}.", f"It takes {', '.join(_KINDS)}.", field=name)
    return {name: _KINDS[name](value, name) for name, value in given.items() if value is not None}


def search(connection: sqlite3.Connection, asked: Question, limit: int, offset: int = 0) -> list[RunRecord]:
    """The runs that a search finds, newest first.

    Raises:
        InvalidRequest: the limit is below 1, or the offset below 0.
    """
    limit = arguments.whole(limit, "limit")
    if limit < 1:
        raise InvalidRequest(f"limit {shown(limit, repr)} shows nothing.", "It takes 1 or more.", field="limit")
    offset = arguments.whole(offset, "offset", least=0)
    numbers = _numbers(
        connection, asked, "{number}", "ORDER BY {number} DESC LIMIT ? OFFSET ?",
        min(limit, _LARGEST_INTEGER), min(offset, _LARGEST_INTEGER),
    )  # fmt: skip
    return [found for _, found in _records(connection, numbers)]


def count(connection: sqlite3.Connection, asked: Question) -> int:
    """How many runs a search finds."""
    if asked == Question():
        return spent(connection, "project", "").runs
    found = _numbers(connection, asked, "count(*)", "")
    return found[0] if found else 0


def page(connection: sqlite3.Connection, asked: Question, after: int, size: int) -> list[tuple[int, RunRecord]]:
    """The next runs that a search finds, with their numbers, oldest first."""
    numbers = _numbers(connection, asked, "{number}", "AND {number} > ? ORDER BY {number} LIMIT ?", after, size)
    return _records(connection, numbers)


def _numbers(connection: sqlite3.Connection, asked: Question, what: str, rest: str, *more: int) -> list[int]:
    """The first column of what is asked for; ``{number}`` is replaced by the column of runs' numbers."""
    if asked.seed is not None and abs(asked.seed) > _LARGEST_INTEGER:
        return []
    source, number, conditions, values = _source(connection, asked)
    for condition, value in _conditions(connection, asked, number):
        conditions.append(condition)
        values += value
    where = " AND ".join(conditions) or "1"
    what, rest = what.replace("{number}", number), rest.replace("{number}", number)
    statement = f"SELECT {what} FROM {source} WHERE {where} {rest}"  # noqa: S608  our own words
    return [row[0] for row in connection.execute(statement, (*values, *more)).fetchall()]


def _records(connection: sqlite3.Connection, numbers: Sequence[int]) -> list[tuple[int, RunRecord]]:
    one = "SELECT * FROM runs WHERE number = ?"
    return [(number, record(connection, connection.execute(one, (number,)).fetchone())) for number in numbers]


def _source(connection: sqlite3.Connection, question: Question) -> tuple[str, str, list[str], list[Any]]:
    """The tables to look through, the more selective first, and the column that orders them."""
    query = match_query(question.text) if question.text else None
    if query is None:
        return "runs", "runs.number", [], []
    if _is_narrow(connection, question) and not _has_few_hits(connection, query):
        tables, number = "runs CROSS JOIN prompts ON prompts.rowid = runs.number", "runs.number"
    else:
        tables, number = "prompts CROSS JOIN runs ON runs.number = prompts.rowid", "prompts.rowid"
    return tables, number, ["prompts MATCH ?"], [query]


def _has_few_hits(connection: sqlite3.Connection, query: str) -> bool:
    hits = connection.execute("SELECT rowid FROM prompts WHERE prompts MATCH ? LIMIT ?", (query, _FEW_HITS))
    return len(hits.fetchall()) < _FEW_HITS


def _is_narrow(connection: sqlite3.Connection, question: Question) -> bool:
    """Whether the filters alone leave few runs, as far as that is known without looking at them."""
    if question.seed is not None:
        return True
    if question.status not in (None, Status.SUCCEEDED):
        found = connection.execute(
            "SELECT 1 FROM runs WHERE status = ? AND status <> 'succeeded' LIMIT ?", (question.status, _FEW_RUNS)
        )
        if len(found.fetchall()) < _FEW_RUNS:
            return True
    if question.model is not None and spent(connection, "model", question.model).runs < _FEW_RUNS:
        return True
    if question.notebook is None:
        return False
    names = _notebooks(connection, question.notebook)
    return sum(spent(connection, "notebook", name).runs for name in names) < _FEW_RUNS


def _conditions(connection: sqlite3.Connection, question: Question, number: str) -> list[tuple[str, tuple[Any, ...]]]:
    found: list[tuple[str, tuple[Any, ...]]] = []
    if question.model is not None:
        found.append(("runs.model = ?", (question.model,)))
    if question.seed is not None:
        found.append(("runs.seed = ?", (question.seed,)))
    if question.status is not None:
        # Said twice for every state but success, so that the index of the others is found to fit.
        partial = " AND runs.status <> 'succeeded'" if question.status != Status.SUCCEEDED else ""
        found.append((f"runs.status = ?{partial}", (question.status,)))
    if question.plan_id is not None:
        found.append(("runs.plan_id = ?", (question.plan_id,)))
    if question.favorite is not None:
        found.append(("runs.favorite" if question.favorite else "NOT runs.favorite", ()))
    if question.since is not None:
        found.append((f"{number} >= ?", (first_number(question.since),)))
    if question.until is not None:
        found.append((f"{number} < ?", (first_number(question.until),)))
    if question.session_id is not None:
        found.append(("runs.session_id = ?", (question.session_id,)))
    if question.notebook is not None:
        names = _notebooks(connection, question.notebook)
        marks = ", ".join("?" for _ in names)
        found.append((f"runs.notebook IN ({marks}) AND runs.notebook <> ''", names))
    return found


def _notebooks(connection: sqlite3.Connection, notebook: str) -> tuple[str, ...]:
    """The paths that are, or end in, what was asked for; the totals name them all."""
    ending = notebook.replace("\\", "/")
    rows = connection.execute("SELECT name FROM totals WHERE scope = 'notebook'")
    names = (row["name"] for row in rows)
    return tuple(name for name in names if f"/{name.replace(chr(92), '/')}".endswith(f"/{ending}"))


def mark(connection: sqlite3.Connection, name: str, favorite: bool) -> None:  # noqa: FBT001  the mark
    """Mark a run as a favorite, or take the mark away."""
    run_id = named(connection, name).run_id
    connection.execute("UPDATE runs SET favorite = ? WHERE run_id = ?", (int(favorite), run_id))


_LAST_WORD = "last"
_LAST = """
SELECT * FROM runs WHERE number = coalesce(
    (SELECT number FROM runs WHERE arrival IS NOT NULL ORDER BY arrival DESC LIMIT 1), (SELECT max(number) FROM runs))
"""
"""The newest by its arrival, since a clock may have been wrong; what was imported only where there is nothing else."""


def named(connection: sqlite3.Connection, name: str) -> RunRecord:
    """The run of this id, of any unique ending of it, or the ``last`` one.

    Raises:
        InvalidRequest: it is not text.
        StoreError: there is none, or several end like that.
    """
    name = arguments.text(name, "run")
    if name == _LAST_WORD:
        rows = connection.execute(_LAST).fetchall()
    else:
        exact = connection.execute("SELECT * FROM runs WHERE run_id = upper(?)", (name,)).fetchall()
        rows = exact or _ending_in(connection, name)
    if len(rows) != 1:
        raise _not_one(name, [row["run_id"] for row in rows])
    return record(connection, rows[0])


def _ending_in(connection: sqlite3.Connection, name: str) -> list[sqlite3.Row]:
    """Up to nine runs; the last eight characters, which people are shown, have an index."""
    eight = "substr(run_id, -8) = upper(substr(:name, -8)) AND" if len(name) >= 8 else ""
    return connection.execute(
        "SELECT * FROM runs WHERE number IN (SELECT number FROM runs "  # noqa: S608  our own words
        f"WHERE {eight} substr(run_id, -length(:name)) = upper(:name) LIMIT 9)",
        {"name": name},
    ).fetchall()


def same_requests(connection: sqlite3.Connection, request_hash: str, base_url: str | None) -> list[RunRecord]:
    """The runs of this very request that succeeded and whose images were not all deleted, newest first, replays last.

    A replay tries whether an image can still be made: it does not stand for the image.
    """
    rows = connection.execute(
        "SELECT * FROM runs WHERE request_hash = ? AND status = 'succeeded' AND base_url = coalesce(?, base_url) "
        "AND EXISTS (SELECT 1 FROM images WHERE images.run_id = runs.run_id "
        "AND sha256 NOT IN (SELECT sha256 FROM deletions)) ORDER BY relation IS ?, number DESC",
        (request_hash, base_url, REPLAY_OF),
    )
    return [record(connection, row) for row in rows.fetchall()]


@dataclass(frozen=True, slots=True)
class Standing:
    """What the log holds of a request."""

    run_id: str
    status: Status
    """Succeeded, with its images not deleted; unknown; or pending or sent."""
    images: tuple[str, ...] = ()
    """The sha256 of each image."""


_CHUNK = 500
_RANKS = {Status.SUCCEEDED: 3, Status.SENT: 2, Status.PENDING: 2, Status.UNKNOWN: 1}


def standing(connection: sqlite3.Connection, hashes: Collection[str], base_url: str) -> dict[str, Standing]:
    """The run of each request that says most about it: one with images, else one in flight, else an unknown one.

    Of several with images it is the first of `same_requests`.
    """
    found: dict[str, Standing] = {}
    names = list(hashes)
    for start in range(0, len(names), _CHUNK):
        part = names[start : start + _CHUNK]
        rows = connection.execute(
            "SELECT request_hash, runs.run_id, status, group_concat(sha256) AS images FROM runs "  # noqa: S608  marks
            "LEFT JOIN images ON images.run_id = runs.run_id AND sha256 NOT IN (SELECT sha256 FROM deletions) "
            f"WHERE request_hash IN ({', '.join('?' * len(part))}) AND base_url = ? "
            "AND status IN ('succeeded', 'sent', 'pending', 'unknown') GROUP BY runs.number "
            "ORDER BY relation IS ? DESC, runs.number",
            (*part, base_url, REPLAY_OF),
        )
        for name, run_id, status, images in rows:
            each = Standing(run_id, Status(status), tuple(images.split(",")) if images else ())
            before = found.get(name)
            if (each.images or each.status is not Status.SUCCEEDED) and (
                before is None or _RANKS[each.status] >= _RANKS[before.status]
            ):
                found[name] = each
    return found


def with_image(connection: sqlite3.Connection, sha256: str) -> list[RunRecord]:
    """The runs that gave this image, newest first.

    Raises:
        InvalidRequest: the hash is no text.
    """
    rows = connection.execute(
        "SELECT * FROM runs WHERE run_id IN (SELECT run_id FROM images WHERE sha256 = ?) ORDER BY number DESC",
        (arguments.text(sha256, "sha256").removeprefix("sha256:"),),
    )
    return [record(connection, row) for row in rows.fetchall()]


_BY_OWN_DAY = """
SELECT date(created_at, 'localtime') AS name, count(*) AS runs, sum(estimated) AS estimated, sum(charged) AS charged,
    sum(reserved) AS reserved, sum(unknown) AS unknown, sum(margin) AS margin, sum(unpriced) AS unpriced
FROM money GROUP BY 1 ORDER BY 1 DESC
"""
"""By the user's own days. The totals that are kept are by UTC days, as budgets are: a zone can change."""


def costs(connection: sqlite3.Connection, by: Literal["day", "model", "notebook"]) -> list[Cost]:
    """What each day (newest first), model or notebook (dearest first) cost.

    Raises:
        InvalidRequest: they are not summed by that.
    """
    if by not in ("day", "model", "notebook"):
        raise InvalidRequest(f"costs are not summed by {by}.", "Ask by day, model or notebook.", field="by")
    if by == "day":
        return [Cost(row["name"], spent_of(row)) for row in connection.execute(_BY_OWN_DAY)]
    rows = connection.execute("SELECT * FROM totals WHERE scope = ? AND runs > 0 ORDER BY name DESC", (by,))
    found = [Cost(row["name"], spent_of(row)) for row in rows]
    return sorted(found, key=lambda cost: cost.spent.total_usd, reverse=True)


def frame(connection: sqlite3.Connection, view: str) -> Any:
    """A view as a pandas data frame; columns that end in ``_at`` are UTC times.

    Raises:
        InvalidRequest: no such view.
        StoreError: pandas is not installed.
    """
    if view not in VIEWS:
        raise InvalidRequest(f"there is no view {view!r}.", f"There are {', '.join(VIEWS)}.", field="view")
    try:
        import pandas as pd
    except ImportError as exc:
        raise StoreError("a data frame needs pandas, which is not installed.", "Run %pip install pandas.") from exc
    cursor = connection.execute(f"SELECT * FROM {view}")  # noqa: S608  one of ours
    table = pd.DataFrame.from_records(map(tuple, cursor), columns=[column[0] for column in cursor.description])
    for name in table.columns[table.columns.str.endswith("_at")]:
        table[name] = pd.to_datetime(table[name], utc=True, format="ISO8601")
    return table


def _not_one(name: str, found: Sequence[str]) -> StoreError:
    if not found:
        what = "the log holds no run yet." if name == _LAST_WORD else f"the log holds no run {name!r}."
        return StoreError(what, "%venice log lists the newest. The demo has a log of its own: %venice demo on or off.")
    return StoreError(
        f"several runs end in {name!r}: {', '.join(run_id[-12:] for run_id in found)}.", "Give more of the id."
    )
