"""What differs between platforms in files, folders, owners and processes; the only module that asks which one it is.

Linux is what this is tested on. What Windows and macOS do differently (no `fork`, no owners, names that are reserved or
differ by case alone, files that cannot be removed while they are open) is imitated by the tests.
"""

from __future__ import annotations

import os
import re
import signal
import stat
import sys
import threading
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import TYPE_CHECKING

from .presence import is_folder

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

MOUNTS = Path("/proc/mounts")

NETWORK_FILE_SYSTEMS = frozenset((
    "9p", "afs", "beegfs", "ceph", "cifs", "glusterfs", "gpfs", "lustre", "ncpfs", "nfs", "nfs4", "orangefs", "pvfs2",
    "smb3", "smbfs", "virtiofs", "vboxsf", "vmhgfs",
))  # fmt: skip
"""Their shared memory is not shared between hosts, which SQLite's WAL needs."""
LOCAL_FUSE = frozenset(("fuseblk", "fuse.ntfs-3g", "fuse.fuse-overlayfs", "fuse.lxcfs"))
"""File systems in user space on a disk of this machine, where memory maps are shared."""

_FONT_FOLDERS = {
    "linux": ("/usr/share/fonts", "/usr/local/share/fonts", "~/.local/share/fonts", "~/.fonts"),
    "darwin": ("/System/Library/Fonts", "/Library/Fonts", "~/Library/Fonts"),
    "win32": ("C:/Windows/Fonts", "~/AppData/Local/Microsoft/Windows/Fonts"),
}
_RESERVED = re.compile(r"(con|prn|aux|nul|com[0-9¹²³]|lpt[0-9¹²³])(\..*)?", re.IGNORECASE)
_REFUSED_CHARACTERS = re.compile(r'[<>:"|?*\x00-\x1f]')


def shares_memory(kind: str) -> bool:
    """Whether a file system of this type is known to share memory maps between its users; unknown FUSE ones are not."""
    return kind not in NETWORK_FILE_SYSTEMS and (not kind.startswith("fuse") or kind in LOCAL_FUSE)


def file_system(path: Path, mounts: Path = MOUNTS) -> str:
    """The type of the file system that holds `path`, such as ``nfs4``; empty where the system does not tell."""
    best, found = -1, ""
    with suppress(OSError, ValueError):
        place = path.resolve()
        for line in mounts.read_text("utf-8", "surrogateescape").splitlines():
            _, folder, kind, *_ = line.split(" ")
            mounted = Path(re.sub(r"\\([0-7]{3})", lambda code: chr(int(code[1], 8)), folder))
            if place.is_relative_to(mounted) and len(mounted.parts) >= best:
                best, found = len(mounted.parts), kind
    return found


def flush_folder(folder: Path) -> None:
    """Make a rename last; where folders cannot be opened (Windows) the rename alone has to do."""
    with suppress(PermissionError):
        descriptor = os.open(folder, os.O_RDONLY)
        try:
            os.fsync(descriptor)
        finally:
            os.close(descriptor)


def share_like_folder(path: Path) -> None:
    """Let the folder's group read and write a new file or folder in it, where it may do so with the folder.

    People who share a folder (setgid, umask 002) share what is made in it, whichever program makes it.
    """
    with suppress(OSError, NotImplementedError):
        above, own = path.parent.stat().st_mode, path.stat().st_mode
        if above & stat.S_IWGRP:
            more = stat.S_IRGRP | stat.S_IWGRP | (stat.S_IXGRP if stat.S_ISDIR(own) else 0)
            if own & more != more:
                path.chmod(stat.S_IMODE(own) | more)


def make_folder(folder: Path) -> None:
    """Make a folder and those above it, each with the rights of the one that holds it."""
    missing = [folder] if not is_folder(folder) else []
    while missing and not is_folder(missing[-1].parent) and missing[-1].parent != missing[-1]:
        missing.append(missing[-1].parent)
    for each in reversed(missing):
        each.mkdir(exist_ok=True)
        share_like_folder(each)


def touch(path: Path) -> None:
    """Make an empty file with its folder's rights, where there is none yet."""
    with suppress(FileExistsError):
        os.close(os.open(path, os.O_CREAT | os.O_EXCL | os.O_WRONLY, 0o666))
        share_like_folder(path)


def can_write(path: Path) -> bool:
    """Whether this process may write a file, or make one in a folder; no on a medium that is read-only."""
    return os.access(path, os.W_OK)


def belongs_to_other(path: Path) -> bool:
    """Whether a file or folder belongs to neither this user nor the system; False where there are no owners."""
    user = getattr(os, "geteuid", lambda: None)()
    if user is None:
        return False
    with suppress(OSError):
        return bool(path.stat().st_uid != user)
    return False


def anybody_writes(folder: Path) -> bool:
    """Whether every user of the machine may write into a folder, as into ``/tmp``; False where rights are unknown."""
    with suppress(OSError):
        return os.name != "nt" and bool(folder.stat().st_mode & stat.S_IWOTH)
    return False


def remove(path: Path) -> bool:
    """Remove a file; False where it stays, such as one that another program holds open on Windows."""
    try:
        path.unlink(missing_ok=True)
    except OSError:
        return False
    return True


def is_portable_name(name: str) -> bool:
    """Whether every platform takes a file name: none that Windows reserves, refuses or changes."""
    return not (_RESERVED.fullmatch(name) or _REFUSED_CHARACTERS.search(name) or name.endswith((".", " ")))


def font_folders() -> list[Path]:
    """Where fonts are installed; those of Linux on a platform that is not known."""
    platform = next((name for name in _FONT_FOLDERS if sys.platform.startswith(name)), "linux")
    return [Path(folder).expanduser() for folder in _FONT_FOLDERS[platform]]


def take_no_signals() -> None:
    """Let the system give this thread no signals, where it can: the main thread, which handles them, is woken then."""
    if hasattr(signal, "pthread_sigmask"):
        signal.pthread_sigmask(signal.SIG_BLOCK, signal.valid_signals())


@contextmanager
def stopped_by_schedulers() -> Iterator[None]:
    """Let SIGTERM stop the program as Ctrl-C does, so that it can still act: Slurm kills a job half a minute later."""
    if threading.current_thread() is not threading.main_thread():  # which alone gets signals
        yield
        return
    before = signal.signal(signal.SIGTERM, signal.default_int_handler)
    try:
        yield
    finally:
        signal.signal(signal.SIGTERM, before)


def at_fork(*, before: Callable[[], None], in_parent: Callable[[], None], in_child: Callable[[], None]) -> None:
    """Have functions called around every `os.fork`, where the platform forks."""
    if hasattr(os, "register_at_fork"):
        os.register_at_fork(before=before, after_in_parent=in_parent, after_in_child=in_child)
