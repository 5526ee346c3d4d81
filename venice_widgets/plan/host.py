"""What a plan needs of a session, and the session of plans that were read from a file."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Protocol

from venice_widgets.errors import ConfigurationError

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from venice_widgets.client.client import Client
    from venice_widgets.config import Settings
    from venice_widgets.generation.in_flight import InFlight
    from venice_widgets.generation.rate_limiter import RateLimiter
    from venice_widgets.log import Budgets, Log
    from venice_widgets.request.catalogue import Catalogue


class Host(Protocol):
    """The parts of a `Session` that a plan uses."""

    session_id: str

    @property
    def settings(self) -> Settings:
        """The settings that hold now."""

    @property
    def client(self) -> Client:
        """What talks to the API."""

    @property
    def log(self) -> Log:
        """The record of every request."""

    @property
    def budgets(self) -> Budgets:
        """The limits on what may be spent in all."""

    @property
    def rate_limiter(self) -> RateLimiter:
        """Shared by everything that this session sends."""

    @property
    def in_flight(self) -> InFlight:
        """What the end of the program waits for."""

    def catalogue(self) -> Catalogue:
        """The models and prices, no older than an hour where Venice can be reached."""

    def circumstances(self, stated: Mapping[str, Any]) -> dict[str, Any]:
        """Where a request comes from, for the log, without secrets."""


_current: list[tuple[Callable[[], Host], Callable[[Any], None]]] = []


def set_default(factory: Callable[[], Host], check: Callable[[Any], None]) -> None:
    """Let plans without a session of their own use what `factory` returns; `check` refuses what is no session."""
    _current[:] = [(factory, check)]


def host_or_default(*hosts: Host | None) -> Host:
    """The first session that was given, else the one in use.

    Raises:
        InvalidRequest: one of them is no session.
        ConfigurationError: there is none.
    """
    for _, check in _current:
        for host in hosts:
            check(host)
    found = next((host for host in hosts if host is not None), None)
    if found is None and not _current:
        raise ConfigurationError(
            "this plan belongs to no session.", "Give one: plan.run(session=venice_widgets.current_session())."
        )
    return _current[0][0]() if found is None else found
