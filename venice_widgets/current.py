"""The session that the magics, the panel and `generate` share in one process."""

from __future__ import annotations

import threading

from .session import Session

_lock = threading.RLock()
_session: Session | None = None


def current_session() -> Session:
    """The session in use, made from the environment at first use.

    Raises:
        ConfigurationError: a setting cannot be used.
    """
    global _session  # noqa: PLW0603  one process, one notebook, one session
    with _lock:
        if _session is None:
            _session = Session()
        return _session


def use_session(session: Session | None) -> None:
    """Let the magics and `generate` use this session; None to make one anew from the environment."""
    global _session  # noqa: PLW0603
    with _lock:
        _session = session


def use_demo(*, on: bool) -> Session:
    """Switch between the built-in simulator and Venice."""
    with _lock:
        use_session(Session(demo=on))
        return current_session()
