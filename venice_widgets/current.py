"""The session that the magics, the panel and `generate` share in one process."""

from __future__ import annotations

import threading

from .config import states_key
from .errors import InvalidRequest, shown
from .plan.host import set_default
from .session import Session

_lock = threading.RLock()
_session: Session | None = None
_session_id = ""
"""What a session's budget counts together in this process."""
_is_from_environment = False
"""Whether the session was made here, from what the environment says."""
_demo: bool | None = None
"""Whether the demo was switched on or off here; None where the settings decide."""


def current_session() -> Session:
    """The session in use, made from the environment at first use; anew where a key has been set since.

    Raises:
        ConfigurationError: a setting cannot be used.
    """
    global _session, _is_from_environment
    with _lock:
        if _session is None or (_is_from_environment and _session.lacks_key and states_key()):
            _session, _is_from_environment = Session(demo=_demo), True
            _count_together(_session)
        return _session


def session_or_current(session: Session | None) -> Session:
    """The session that was given, or the one in use.

    Raises:
        InvalidRequest: it is no session.
        ConfigurationError: a setting cannot be used.
    """
    check_session(session)
    return current_session() if session is None else session


def check_session(session: Session | None) -> None:
    """Refuse what is no session: what it stands for would be sent by the one in use, and paid for there.

    Raises:
        InvalidRequest: it is no session.
    """
    if not isinstance(session, Session | None):
        raise InvalidRequest(
            f"session {shown(session, repr)} is no Session.",
            "Give a venice_widgets.Session, or leave it out. Nothing was sent.",
            field="session",
        )


def _count_together(session: Session) -> None:
    """A session's budget is one for the whole process: switching the demo off, or the key, gives no new one."""
    global _session_id  # noqa: PLW0603
    _session_id = session.session_id = _session_id or session.session_id


def use_session(session: Session | None) -> None:
    """Let the magics and `generate` use this session; None to make one anew from the environment.

    Raises:
        InvalidRequest: it is no session.
    """
    global _session, _is_from_environment, _demo
    check_session(session)
    with _lock:
        _session, _is_from_environment, _demo = session, False, None


def go_on_with(session: Session) -> None:
    """Let this session take the place of the one in use, and its budget go on where that one's is."""
    with _lock:
        _count_together(session)
        use_session(session)


def use_demo(*, on: bool) -> Session:
    """Switch between the built-in simulator and Venice, whatever the settings say."""
    global _demo  # noqa: PLW0603
    with _lock:
        use_session(None)
        _demo = on
        return current_session()


set_default(current_session, check_session)  # for a plan that was read from a file
