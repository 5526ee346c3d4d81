"""Which notebook this program runs for, and the folder it was started in: never the folder that ``%cd`` leads to."""

from __future__ import annotations

import os
import re
from contextlib import suppress
from pathlib import Path
from typing import Any

from venice_widgets.shell import running_shell

from .presence import is_folder


def _working_directory() -> Path | None:
    with suppress(OSError):
        return Path.cwd()
    return None


STARTED_IN = _working_directory()
"""Where this process was when this package was first imported; None where that folder was gone."""


def start_folder() -> Path | None:
    """The folder of the notebook, else the one in which IPython or the process was started; None where it is gone."""
    shell = running_shell()
    notebook = notebook_path(shell)
    if notebook is not None and _is_folder(notebook.parent):
        return notebook.parent
    told = getattr(shell, "starting_dir", None)
    folder = Path(told) if told else STARTED_IN
    return folder if folder is not None and _is_folder(folder) else None


def _is_folder(path: Path) -> bool:
    """No where the system does not tell: a front end on another machine names a folder of its own."""
    with suppress(OSError):
        return is_folder(path)
    return False


def notebook_path(shell: Any = None, environ: dict[str, str] | None = None) -> Path | None:
    """The notebook that this kernel was started for, as its front end told it; None where none did.

    VS Code puts it into the namespace, Jupyter's server into ``JPY_SESSION_NAME``, and papermill, where it does not
    tell, has it in its own command line. A notebook that was renamed since has its old name here.
    """
    variables = getattr(shell, "user_ns", {})
    if told := variables.get("__vsc_ipynb_file__"):
        return _notebook(str(told))
    session = (os.environ if environ is None else environ).get("JPY_SESSION_NAME", "")
    if session and not _is_inherited(session):
        return _notebook(session)
    if told := variables.get("PAPERMILL_INPUT_PATH"):
        return _notebook(str(told))
    return _notebook_of_papermill() if getattr(shell, "kernel", None) is not None else None


def _notebook(told: str) -> Path | None:
    path = Path(told)
    if path.suffix != ".ipynb":
        return None
    # A relative name is relative to where the program began, wherever it is by now.
    return path if path.is_absolute() else (STARTED_IN or Path()).absolute() / path


def _notebook_of_papermill() -> Path | None:
    """The first notebook in the command line of a parent process that is papermill."""
    parent = os.environ.get("JPY_PARENT_PID", "") or str(os.getppid())
    with suppress(OSError, ValueError):
        place = Path("/proc") / parent
        arguments = (place / "cmdline").read_bytes().decode("utf-8", "surrogateescape").split("\0")
        if any(re.fullmatch(r"papermill(\.exe)?", Path(argument).name) for argument in arguments[:4]):
            named = next((Path(argument) for argument in arguments if argument.endswith(".ipynb")), None)
            return None if named is None else ((place / "cwd").readlink() / named).resolve()
    return None


def _is_inherited(session_name: str) -> bool:
    """Whether the parent process has the name already: a kernel started from within a notebook is not that notebook."""
    try:
        environ = Path(f"/proc/{os.getppid()}/environ").read_bytes()
    except OSError:
        return False
    return f"JPY_SESSION_NAME={session_name}".encode(errors="surrogateescape") in environ.split(b"\0")
