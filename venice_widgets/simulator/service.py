"""The simulator itself: its settings, its faults, and what it received."""

from __future__ import annotations

import collections
import contextlib
import threading
import time
import uuid
from dataclasses import replace
from datetime import UTC, datetime
from decimal import Decimal
from random import Random
from types import MappingProxyType
from typing import TYPE_CHECKING, Any, TypeAlias

from . import endpoints, generate
from .accounts import Authenticator
from .faults import Fault, FaultPlan
from .ledger import Ledger
from .limits import Window
from .models import iso
from .received import PREFIX, ReceivedRequest
from .response import ErrorResponse, Response, compressed
from .state import Pause, State

if TYPE_CHECKING:
    from collections.abc import Callable, Collection, Iterable, Iterator, Mapping, Sequence

    import httpx

    from venice_widgets.simulator.art.painter import Commission

VERSION = "20261101.120000"
KEPT_REQUESTS = 1000
MINUTE, ERROR_WINDOW = 60.0, 30.0

Amount: TypeAlias = Decimal | float | str


class Simulator:
    """An offline Venice that speaks the wire format of the real one. Safe from any thread.

    Args:
        api_key: the valid key, or keys; None accepts any credentials that are not empty.
        seconds_per_image: how long an image takes. The wait can be interrupted.
        time_scale: how long a second lasts here, in seconds: 0.01 lets a test see a minute's rate limit end after
            0.6 s. It shortens `seconds_per_image`, both limits and the waits of faults. Headers tell the true times.
        requests_per_minute: how many images each key may request; None for no limit.
        errors_per_half_minute: how many 4xx responses lock a key out of a model; None for no limit.
        faults: what goes wrong, see `Fault`.
        balance_usd: what the user of the API keys has in USD.
        credits: what the user has besides, by currency: ``DIEM``, ``EARNED_CREDITS``, ``BUNDLED_CREDITS``.
        wallet_balance_usd: what each wallet has.
        wallet_diem: what each wallet's linked account has in DIEM, which is spent first.
        extra_entries: raw elements added to ``GET /models?type=image``, well formed or not.
        random: draws seeds, ids and whatever seeds do not decide; a `random.Random(1)` makes them repeat.
        paint: draws the images instead of `venice_widgets.simulator.art.painter.paint`.
        clock: the time of the service, aware UTC, which decides whether a deprecated model has ended.
    """

    def __init__(  # noqa: PLR0913 - each is a fact of the service that some test wants to be different
        self,
        *,
        api_key: str | Collection[str] | None = None,
        seconds_per_image: float = 0.0,
        time_scale: float = 1.0,
        requests_per_minute: int | None = 20,
        errors_per_half_minute: int | None = 50,
        faults: Iterable[Fault] = (),
        balance_usd: Amount = "25",
        credits: Mapping[str, Amount] = MappingProxyType({}),  # noqa: A002 - what the API calls them
        wallet_balance_usd: Amount = "5",
        wallet_diem: Amount = 0,
        extra_entries: Sequence[Any] = (),
        random: Random | None = None,
        paint: Callable[[Commission], bytes] | None = None,
        clock: Callable[[], datetime] | None = None,
    ) -> None:
        clock = clock or _now
        self._state = State(
            authenticator=Authenticator({api_key} if isinstance(api_key, str) else api_key),
            ledger=Ledger(
                {"USD": _amount(balance_usd)} | {name: _amount(value) for name, value in credits.items()},
                {"USD": _amount(wallet_balance_usd), "DIEM": _amount(wallet_diem)},
            ),
            requests=Window(requests_per_minute, MINUTE * time_scale, time.time),
            errors=Window(errors_per_half_minute, ERROR_WINDOW * time_scale, time.time),
            seconds_per_image=seconds_per_image * time_scale,
            time_scale=time_scale,
            extra_entries=tuple(extra_entries),
            random=random or Random(),  # noqa: S311 - nothing here is a secret
            paint=paint or _paint,
            clock=clock,
            started=clock(),
        )
        self._faults = FaultPlan(faults)
        self._lock = threading.Lock()
        self._received: collections.deque[ReceivedRequest] = collections.deque(maxlen=KEPT_REQUESTS)

    @property
    def requests(self) -> list[ReceivedRequest]:
        """What arrived, in order: the last thousand requests."""
        with self._lock:
            return list(self._received)

    def add_fault(self, fault: Fault) -> None:
        """Let one more thing go wrong, after those added before."""
        self._faults.add(fault)

    def clear_faults(self) -> None:
        """Let nothing go wrong any more."""
        self._faults.clear()

    def balance_usd(self, wallet: str = "") -> Decimal:
        """What the user of the API keys has left in USD, or the wallet with this address."""
        return self.balances(wallet)["USD"]

    def balances(self, wallet: str = "") -> dict[str, Decimal]:
        """What the user of the API keys has left, or the wallet with this address, by currency."""
        return self._state.ledger.balances(wallet.lower())

    def top_up(self, amount_usd: Amount, wallet: str = "") -> None:
        """Add USD to what the user of the API keys has, or the wallet with this address."""
        self._state.ledger.top_up(wallet.lower(), _amount(amount_usd))

    def transport(self) -> httpx.BaseTransport:
        """The simulator without a socket, for ``httpx.Client(transport=…)``.

        Waiting ends with `httpx.ReadTimeout` after the client's read timeout, and with `httpx.ReadError` when the
        transport or its client is closed.
        """
        from .transport import SimulatorTransport

        return SimulatorTransport(self)

    @contextlib.contextmanager
    def serve(self, port: int = 0) -> Iterator[str]:
        """Serve on 127.0.0.1 for as long as the block lasts; gives the base URL, which ends in ``/api/v1``.

        Args:
            port: where to listen; 0 takes a free one.

        Raises:
            OSError: the port is taken.
        """
        from .server import running_server

        with running_server(self, port) as address:
            yield f"http://{address}{PREFIX}"

    def handle(self, request: ReceivedRequest, pause: Pause) -> Response:
        """Respond to one request; what the transport and the server call.

        Args:
            request: what arrived.
            pause: how this way of arriving waits.
        """
        with self._lock:
            self._received.append(request)
        fault = self._faults.take(request.path, request.json)
        if fault and fault.seconds:
            pause(fault.seconds * self._state.time_scale)
        response = self._routed(request, fault, pause)
        response = compressed(response, request.headers.get("accept-encoding", ""))
        response = response.with_headers(self._headers())
        if fault and fault.kind == "cut":
            return replace(response, delivery="cut")
        return response

    def _routed(self, request: ReceivedRequest, fault: Fault | None, pause: Pause) -> Response:
        try:
            if (request.method, request.path) == ("POST", "/image/generate"):
                response = generate.generate(self._state, request, fault, pause)
            elif fault and not fault.runs:
                response = generate.failure(self._state, fault, pause)
            else:
                response = endpoints.read(self._state, request)
        except ErrorResponse as error:
            response = error.response
        if fault and fault.kind == "malformed-json":
            return replace(response, body=response.body[: len(response.body) // 2])
        return response

    @staticmethod
    def _headers() -> list[tuple[str, str]]:
        ray = f"{uuid.uuid4().hex[:16]}-SIM"
        return [("x-venice-version", VERSION), ("x-venice-timestamp", iso(_now())), ("cf-ray", ray)]


def _paint(commission: Commission) -> bytes:
    from venice_widgets.simulator.art.painter import paint

    return paint(commission)


def _now() -> datetime:
    return datetime.now(UTC)


def _amount(value: Amount) -> Decimal:
    return Decimal(str(value))
