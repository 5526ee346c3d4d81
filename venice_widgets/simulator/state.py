"""What the simulated service remembers between requests, and the few settings that shape it."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, Protocol

from . import catalogue, error_bodies
from .limits import InFlight
from .response import ErrorResponse

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence
    from datetime import datetime
    from random import Random

    from venice_widgets.simulator.art.painter import Commission

    from .accounts import Authenticator, Caller
    from .ledger import Ledger
    from .limits import Window
    from .models import Model
    from .received import ReceivedRequest
    from .response import Response

WALLET_REQUESTS_IN_FLIGHT = 5


class Pause(Protocol):
    """Waiting that ends early, with an exception, when the other side is gone."""

    def __call__(self, seconds: float | None) -> None:
        """Wait; None is forever."""


class Handler(Protocol):
    """What responds to a request: a `Simulator`, as its transports see it."""

    def handle(self, request: ReceivedRequest, pause: Pause) -> Response:
        """The response to one request."""


@dataclass(frozen=True, slots=True)
class State:
    """The state behind every endpoint; its parts are safe from any thread."""

    authenticator: Authenticator
    ledger: Ledger
    requests: Window
    """Images that each caller may request."""
    errors: Window
    """Failures that each caller may have with each model."""
    seconds_per_image: float
    time_scale: float
    extra_entries: Sequence[Any]
    random: Random
    paint: Callable[[Commission], bytes]
    clock: Callable[[], datetime]
    started: datetime
    in_flight: InFlight = field(default_factory=lambda: InFlight(WALLET_REQUESTS_IN_FLIGHT))

    def caller(self, headers: Mapping[str, str]) -> Caller:
        """Who sends a request.

        Raises:
            ErrorResponse: 402 without credentials, 401 with wrong ones.
        """
        found = self.authenticator.identify(headers)
        if found is None:
            raise ErrorResponse(error_bodies.no_credentials())
        return found

    def serving_model(self, model: Model) -> Model | None:
        """The model that serves requests for this one now; None where it has ended without being routed to another."""
        return catalogue.serving_model(model, started=self.started, now=self.clock())
