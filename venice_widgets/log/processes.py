"""Whether the program that put a run on record still runs.

A process is known by its machine, the machine's boot, its PID namespace (containers of one machine have one each), its
id, and the moment it started: an id alone is given again, in containers often to the next kernel.
"""

from __future__ import annotations

import json
import os
import platform
from contextlib import suppress
from dataclasses import asdict, dataclass
from enum import Enum
from functools import cache
from pathlib import Path

from venice_widgets.files.presence import is_there

PROC = Path("/proc")


class ProcessState(Enum):
    """What can be said of another process."""

    RUNS = "runs"
    GONE = "gone"
    CANNOT_TELL = "cannot tell"
    """It belongs to another machine or container, or its record says too little."""


@dataclass(frozen=True, slots=True)
class Process:
    """What identifies a process among all others, ever."""

    host: str
    """The machine's name and, where it has one, its id."""
    boot_id: str
    pid_namespace: str
    pid: int
    started: str
    """As the system counts it; empty where it does not say."""

    @property
    def text(self) -> str:
        """As the log keeps it."""
        return json.dumps(asdict(self), sort_keys=True, separators=(",", ":"))


def this_process() -> Process:
    """The process that asks, a forked child included."""
    return _process(os.getpid())


@cache
def _process(pid: int) -> Process:
    return Process(
        host=f"{platform.node()}/{_text(Path('/etc/machine-id'))}",
        boot_id=_text(PROC / "sys/kernel/random/boot_id"),
        pid_namespace=_link(PROC / "self/ns/pid"),
        pid=pid,
        started=_started(pid) or "",
    )


def process_state(text: str) -> ProcessState:
    """What became of the process that the log describes so."""
    try:
        other = Process(**json.loads(text))
    except (TypeError, ValueError):
        return ProcessState.CANNOT_TELL
    here = this_process()
    if not other.started or other.host != here.host:
        return ProcessState.CANNOT_TELL
    if other.boot_id != here.boot_id:
        return ProcessState.GONE
    if other.pid_namespace != here.pid_namespace:
        return ProcessState.CANNOT_TELL
    return ProcessState.RUNS if _started(other.pid) == other.started else ProcessState.GONE


def _started(pid: int) -> str | None:
    """When a process started; None where there is no such process, or it cannot be known."""
    if is_there(PROC / "self/stat"):
        return _started_by_proc(pid)
    return _started_by_psutil(pid)


def _started_by_proc(pid: int) -> str | None:
    """Field 22 of ``/proc/PID/stat`` (proc(5)); a zombie runs no more."""
    # The name in parentheses may itself hold spaces and parentheses.
    fields = _text(PROC / str(pid) / "stat").rpartition(")")[2].split()
    return fields[19] if len(fields) > 19 and fields[0] not in "ZX" else None


def _started_by_psutil(pid: int) -> str | None:
    """For systems without /proc; ipykernel brings psutil along."""
    try:
        import psutil
    except ImportError:
        return None
    try:
        return f"{psutil.Process(pid).create_time():.2f}"
    except psutil.Error:
        return None


def _text(path: Path) -> str:
    with suppress(OSError):
        return path.read_text("utf-8", "replace").strip()
    return ""


def _link(path: Path) -> str:
    with suppress(OSError):
        return str(path.readlink())
    return ""
