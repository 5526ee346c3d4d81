"""The session that the magics, the panel and `generate` share in one process."""

from __future__ import annotations

import threading

from .config import states_key
from .session import Session

_lock = threading.RLock()
_session: Session | None = None
_is_from_environment = False
"""Whether the session was made here, from what the environment says."""


def current_session() -> Session:
    """The session in use, made from the environment at first use; anew where a key has been set since.

    Raises:
        ConfigurationError: a setting cannot be used.
    """
    global _session, _is_from_environment
    with _lock:
        if _session is None or (_is_from_environment and _session.lacks_key and states_key()):
            _session, _is_from_environment = Session(), True
        return _session


def use_session(session: Session | None) -> None:
    """Let the magics and `generate` use this session; None to make one anew from the environment."""
    global _session, _is_from_environment
    with _lock:
        _session, _is_from_environment = session, False


def use_demo(*, on: bool) -> Session:
    """Switch between the built-in simulator and Venice."""
    with _lock:
        use_session(Session(demo=True) if on else None)
        return current_session()
