"""What the simulated service remembers between requests, and the few settings that shape it."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Protocol

from . import error_bodies
from .response import Refused

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence
    from random import Random

    from venice_widgets.simulator.art.pictures import Commission

    from .accounts import Caller, Doorkeeper
    from .ledger import Ledger
    from .limits import Window
    from .received import ReceivedRequest
    from .response import Answer


class Pause(Protocol):
    """Waiting that ends early, with an exception, when the other side is gone."""

    def __call__(self, seconds: float | None) -> None:
        """Wait; None is for ever."""


class Handler(Protocol):
    """What answers a request: a `Simulator`, as its transports see it."""

    def handle(self, request: ReceivedRequest, pause: Pause) -> Answer:
        """The answer to one request."""


@dataclass(frozen=True, slots=True)
class World:
    """The state behind every endpoint; its parts are safe from any thread."""

    doorkeeper: Doorkeeper
    ledger: Ledger
    requests: Window
    """Pictures that each caller may ask for."""
    errors: Window
    """Failures that each caller may have with each model."""
    seconds_per_image: float
    extra_entries: Sequence[Any]
    random: Random
    paint: Callable[[Commission], bytes]

    def caller(self, headers: Mapping[str, str]) -> Caller:
        """Who asks.

        Raises:
            Refused: 402 without credentials, 401 with wrong ones.
        """
        found = self.doorkeeper.identify(headers)
        if found is None:
            raise Refused(error_bodies.no_credentials())
        return found
