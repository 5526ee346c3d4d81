"""Where a run comes from: the notebook, the cell and the commit it was made in, and the versions that made it.

Everything here is optional and nothing raises: a record without its commit is better than no image. Nothing
slow is asked either: git gets half a second, and a repository that took longer is not asked again whether it is dirty.
"""

from __future__ import annotations

import _thread
import hashlib
import os
import platform
import subprocess
from functools import cache, partial
from pathlib import Path
from typing import TYPE_CHECKING, Any, TypeVar

from venice_widgets.files.notebook import notebook_path, start_folder
from venice_widgets.files.presence import is_there
from venice_widgets.redact import redact_own_words

from .safe_event import SafeEvent

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Mapping

    from venice_widgets.redact import Revealing

Found = TypeVar("Found")

GIT_TIMEOUT_SECONDS = 0.5
_PACKAGES = ("venice-widgets", "ipython", "ipykernel", "ipywidgets", "httpx", "pillow", "pydantic")
_slow_repositories: set[Path] = set()


@cache
def environment() -> Mapping[str, str]:
    """Versions of what makes a request: Python, the system, this package and those that it builds on."""
    found = {
        "python": f"{platform.python_implementation()} {platform.python_version()}",
        "platform": _quietly(platform.platform),
        **{name: _quietly(partial(_version, name)) for name in _PACKAGES},
    }
    return {name: version for name, version in found.items() if version}


def circumstances(
    shell: Any = None, *, cell: str | None = None, secrets: Iterable[str | Revealing | None] = ()
) -> dict[str, Any]:
    """What can be known of where a request is made; what cannot be known is left out.

    Args:
        shell: the running IPython shell, or None outside of one.
        cell: the cell as typed; None takes it from the front end's request.
        secrets: taken out of the cell, along with everything that looks like a credential.

    Returns:
        Some of ``cell``, ``cell_sha256`` (``sha256:…`` over the cell as typed, secrets included), ``cell_id``,
        ``execution_count``, ``notebook`` (a path), ``git_commit``, and ``git_dirty`` (whether a file that git knows
        differs from the commit).
    """
    parent = _quietly(lambda: dict(shell.get_parent())) or {}
    typed = cell if cell is not None else _quietly(lambda: str(parent["content"]["code"]))
    notebook = _quietly(lambda: notebook_path(shell))
    found = {
        "cell": _quietly(lambda: redact_own_words(typed, tuple(secrets))) if typed else None,
        "cell_sha256": f"sha256:{hashlib.sha256(typed.encode(errors='replace')).hexdigest()}" if typed else None,
        "cell_id": _quietly(lambda: str(parent["metadata"]["cellId"])),
        "execution_count": _quietly(lambda: int(shell.execution_count)),
        "notebook": str(notebook) if notebook else None,
        **(_uninterrupted(lambda: commit(notebook.parent if notebook else start_folder() or Path.cwd())) or {}),
    }
    return {name: value for name, value in found.items() if value is not None}


def commit(folder: Path) -> dict[str, Any]:
    """The commit that `folder` is at, and whether it was changed since; empty where there is none."""
    root = _git(folder, "rev-parse", "--show-toplevel", "HEAD") if _has_repository(folder) else None
    if root is None:
        return {}
    top, _, head = root.strip().rpartition("\n")
    found: dict[str, Any] = {"git_commit": head}
    if Path(top) in _slow_repositories:
        return found
    try:
        changes = _git(folder, "status", "--porcelain", "--untracked-files=no")
    except subprocess.TimeoutExpired:
        _slow_repositories.add(Path(top))
        return found
    return found if changes is None else {**found, "git_dirty": bool(changes)}


def _has_repository(folder: Path) -> bool:
    """Whether git would find anything at or above a folder: to look costs a hundredth of what starting it does."""
    place = folder.resolve()
    return any(is_there(each / ".git") for each in (place, *place.parents))


def _git(folder: Path, *arguments: str) -> str | None:
    """What git says; None where it fails."""
    # Nothing that the repository's own configuration names is run, and no other program's lock is waited for.
    command = ["git", "--no-optional-locks", "-c", "core.fsmonitor=false", "-C", str(folder), *arguments]
    done = subprocess.run(  # noqa: S603  a fixed command; the folder is an argument and no shell reads it
        command,
        stdin=subprocess.DEVNULL,
        capture_output=True,
        timeout=GIT_TIMEOUT_SECONDS,
        check=False,
        env={name: value for name, value in os.environ.items() if not name.startswith("GIT_")},
        creationflags=getattr(subprocess, "CREATE_NO_WINDOW", 0),
    )
    return done.stdout.decode("utf-8", "replace") if done.returncode == 0 else None


def _uninterrupted(ask: Callable[[], Found]) -> Found | None:
    """`_quietly`, in a thread that no interrupt reaches: within `subprocess` one leaves a child unwaited for."""
    found: list[Found | None] = []
    ended = SafeEvent()

    def run() -> None:
        try:
            found.append(_quietly(ask))
        finally:
            ended.set()

    if _quietly(lambda: _thread.start_new_thread(run, ())) is not None:
        ended.wait_in_slices()
    return found[0] if found else None


def _version(name: str) -> str:
    from importlib.metadata import version

    return version(name)


def _quietly(ask: Callable[[], Found]) -> Found | None:
    """The result, or None where asking fails, whatever the reason."""
    try:
        return ask()
    except Exception:  # noqa: BLE001  front ends differ, and none of them may stop an image
        return None
