"""Runs a stored plan, or a part of it, without a notebook: ``python -m venice_widgets run plan.json --shard 3/10``.

It is made for engines that people have: a Slurm array, Dask, GNU parallel. Each part may have a store of its own
(``VENICE_STORE``); ``%venice import`` joins them. A part that was stopped goes on where it was: what the log holds is
not sent again. See docs/sweeps.md.
"""

from __future__ import annotations

import argparse
import re
import sys
import time
from pathlib import Path
from typing import TYPE_CHECKING

from venice_widgets.errors import GenerationIncomplete, Interrupted, UnreadableFile, VeniceError
from venice_widgets.files.bounded import read_bounded
from venice_widgets.files.platform import stopped_by_schedulers
from venice_widgets.money import parse_usd
from venice_widgets.request.spending import ask_user
from venice_widgets.shell import write_to

from .host import host_or_default
from .live import print_line, progress_of
from .outlook import look
from .overview import overview
from .plan import Plan
from .runner import run_plan
from .sheet import FORMATS

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from .grid import Grid
    from .host import Host
    from .outlook import Outlook
    from .sender import PlanSender

COMPLETE, MISSING, REFUSED, STOPPED = 0, 1, 2, 130
PROGRESS_SECONDS = 10.0
_DESCRIPTION = """\
Images by the Venice.ai API, without a notebook.

  run PLAN     make the images of a plan that the log does not hold yet
  show PLAN    what a plan would make and cost; sends nothing

A plan is written in a notebook or in Python:

  plan = session.plan("A {{ animal }} at dawn", animal=["fox", "owl"], seed="1..4")
  Path("plan.json").write_text(plan.to_json())

The key is read from VENICE_API_KEY, the store from VENICE_STORE (else .venice, here or in a folder above).
Exit status: 0 everything is there, 1 images are missing, 2 nothing was sent, 130 stopped by Ctrl-C or SIGTERM."""


def parser() -> argparse.ArgumentParser:
    """The parser of the command line."""
    made = argparse.ArgumentParser(
        prog="python -m venice_widgets",
        description=_DESCRIPTION,
        formatter_class=argparse.RawDescriptionHelpFormatter,
        allow_abbrev=False,
    )
    commands = made.add_subparsers(dest="command", metavar="COMMAND")
    for name in ("run", "show"):
        command = commands.add_parser(name, allow_abbrev=False)
        command.add_argument(
            "plan", type=Path, help="a file that plan.to_json() wrote, or a sheet that grid.sheet(...) wrote"
        )
        command.add_argument("--shard", type=shard, metavar="I/N", help="only the I-th of N parts, such as 3/10")
        command.add_argument("--again", action="store_true", help="also make anew what the log holds")
        command.add_argument(
            "--resend-unknown", action="store_true", help="also send again what may have been charged before"
        )
        if name == "run":
            command.add_argument("--max-cost", metavar="USD", help="refuse to send if it could cost more")
            command.add_argument("--yes", "-y", action="store_true", help="do not ask before spending")
            command.add_argument("--quiet", "-q", action="store_true", help="print the summary alone")
    return made


def shard(text: str) -> tuple[int, int]:
    """``3/10`` as a pair of numbers.

    Raises:
        argparse.ArgumentTypeError: it is not one.
    """
    found = re.fullmatch(r"([0-9]{1,6})/([0-9]{1,6})", text)
    if found is None or not 1 <= int(found[1]) <= int(found[2]):
        raise argparse.ArgumentTypeError(f"{text!r} is not a part: write 3/10 for the third of ten")
    return int(found[1]), int(found[2])


def main(arguments: Sequence[str] | None = None, host: Host | None = None) -> int:
    """Run the command line.

    Args:
        arguments: without the program's name; None for those of the process.
        host: the session; None for the one in use.

    Returns:
        The exit status.
    """
    options = parser().parse_args(arguments)
    if options.command is None:
        parser().print_help()
        return COMPLETE
    try:
        host = host_or_default(host)
        plan = _plan(options.plan, options.shard, host)
        if options.command == "show":
            return _show(plan, host, options)
        with stopped_by_schedulers():
            return _run(plan, host, options)
    except (VeniceError, KeyboardInterrupt) as exc:
        _complain(exc)
        return _status(exc)


def _status(exc: BaseException) -> int:
    """The exit status of what ended it."""
    if isinstance(exc, KeyboardInterrupt):
        return STOPPED
    return MISSING if isinstance(exc, GenerationIncomplete) else REFUSED


def _plan(path: Path, part: tuple[int, int] | None, host: Host) -> Plan:
    plan = Plan.from_sheet(path, host) if path.suffix.lower() in FORMATS else Plan.from_json(_text(path), host)
    return plan.shard(*part) if part else plan


def _text(path: Path) -> str:
    try:
        return read_bounded(path).decode("utf-8-sig")
    except UnicodeDecodeError as exc:
        raise UnreadableFile(f"{path} is not text: {exc}.", "Give a file that plan.to_json() wrote.") from exc


def _show(plan: Plan, host: Host, options: argparse.Namespace) -> int:
    outlook = look(plan, host, again=options.again, resend_unknown=options.resend_unknown)
    print_line(str(overview(plan, outlook).data["text/plain"]))
    return COMPLETE if not outlook.to_send and not outlook.invalid else MISSING


def _run(plan: Plan, host: Host, options: argparse.Namespace) -> int:
    say: Callable[[str], None] = (lambda _: None) if options.quiet else print_line
    limit = None if options.max_cost is None else parse_usd(options.max_cost, "--max-cost")
    grid = run_plan(
        plan,
        host,
        max_cost_usd=limit,
        yes=options.yes,
        again=options.again,
        resend_unknown=options.resend_unknown,
        context={"command": f"{options.plan.name}{f' part {plan.part}' if plan.part else ''}"},
        ask=ask_user,
        watch=_Printer(say),
        checked=lambda outlook: say(_opening(outlook)),
    )
    print_line(grid.summary)
    for problem in grid.problems[:3]:
        write_to(sys.stderr, f"{problem}\n")
    return COMPLETE


def _opening(outlook: Outlook) -> str:
    plan = outlook.plan
    part = f", part {plan.part}" if plan.part else ""
    opening = f"plan {plan.plan_id[:8]}{part}: {len(plan):,} cells, {len(outlook.to_send):,} to send"
    return "\n".join((f"{opening}, {outlook.estimate.text}", *outlook.notes))


class _Printer:
    """A line of progress now and then."""

    def __init__(self, say: Callable[[str], None]) -> None:
        self._say = say
        self._started_at = self._said_at = time.monotonic()

    def __call__(self, grid: Grid, sender: PlanSender) -> None:
        now = time.monotonic()
        done, total, words = progress_of(grid, sender, now - self._started_at)
        if now - self._said_at >= PROGRESS_SECONDS or done == total:
            self._said_at = now
            self._say(f"{done:,} of {total:,} · {now - self._started_at:.0f} s · {words}")


def _complain(exc: BaseException) -> None:
    if type(exc) is KeyboardInterrupt:  # while it is read, looked up or asked about, or after its end
        exc = Interrupted("stopped by hand. What was sent is in the log.", "Run it again for what is missing.")
    write_to(sys.stderr, f"{type(exc).__name__}: {exc}\n")
