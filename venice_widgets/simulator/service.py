"""The simulator itself: what is asked of it, what it is told to do wrong, and what it remembers."""

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
from typing import TYPE_CHECKING, Any

from . import endpoints, generate
from .accounts import Doorkeeper
from .faults import Fault, FaultPlan
from .ledger import Ledger
from .limits import Window
from .received import PREFIX, ReceivedRequest
from .response import Answer, Refused, compressed
from .state import Pause, World

if TYPE_CHECKING:
    from collections.abc import Callable, Collection, Iterable, Iterator, Sequence

    import httpx

    from venice_widgets.simulator.art.pictures import Commission

VERSION = "20261101.120000"
KEPT_REQUESTS = 1000
MINUTE, ERROR_WINDOW = 60.0, 30.0


class Simulator:
    """An offline Venice that speaks the wire format of the real one. Safe from any thread.

    Args:
        api_key: the key, or the keys, that are right; None accepts any credentials that are not empty.
        seconds_per_image: how long a picture takes. The waiting can be interrupted.
        time_scale: how long a second of `seconds_per_image` and of the rate limits lasts, in seconds: 0.01 lets a
            test see a minute's rate limit end after 0.6 s. The headers tell the true time.
        requests_per_minute: how many pictures each key may ask for; None is without limit.
        errors_per_half_minute: how many 4xx answers lock a key out of a model; None is without limit.
        faults: what shall go wrong, see `Fault`.
        balance_usd: what the user of the API keys has.
        wallet_balance_usd: what each wallet has.
        extra_entries: raw elements added to ``GET /models?type=image``, well formed or not.
        random: draws seeds, ids and whatever seeds have no influence on; a `random.Random(1)` makes them repeat.
        paint: draws the pictures instead of `venice_widgets.simulator.pictures.paint`.
    """

    def __init__(  # noqa: PLR0913 - each is a fact of the world that some test wants otherwise
        self,
        *,
        api_key: str | Collection[str] | None = None,
        seconds_per_image: float = 0.0,
        time_scale: float = 1.0,
        requests_per_minute: int | None = 20,
        errors_per_half_minute: int | None = 20,
        faults: Iterable[Fault] = (),
        balance_usd: Decimal | float | str = "25",
        wallet_balance_usd: Decimal | float | str = "5",
        extra_entries: Sequence[Any] = (),
        random: Random | None = None,
        paint: Callable[[Commission], bytes] | None = None,
    ) -> None:
        self._world = World(
            doorkeeper=Doorkeeper({api_key} if isinstance(api_key, str) else api_key),
            ledger=Ledger(Decimal(str(balance_usd)), Decimal(str(wallet_balance_usd))),
            requests=Window(requests_per_minute, MINUTE * time_scale, time.time),
            errors=Window(errors_per_half_minute, ERROR_WINDOW * time_scale, time.time),
            seconds_per_image=seconds_per_image * time_scale,
            extra_entries=tuple(extra_entries),
            random=random or Random(),  # noqa: S311 - nothing here is a secret
            paint=paint or _paint,
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
        """Let one more thing go wrong, after those ordered before."""
        self._faults.add(fault)

    def clear_faults(self) -> None:
        """Let nothing go wrong any more."""
        self._faults.clear()

    def balance_usd(self, wallet: str = "") -> Decimal:
        """What the user of the API keys has left, or the wallet of an address."""
        return self._world.ledger.balance_usd(wallet.lower())

    def transport(self) -> httpx.BaseTransport:
        """A way to the simulator without a socket, for ``httpx.Client(transport=…)``.

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

    def handle(self, request: ReceivedRequest, pause: Pause) -> Answer:
        """Answer one request: the door by which the transport and the server come in.

        Args:
            request: what arrived.
            pause: how this way of arriving waits.
        """
        with self._lock:
            self._received.append(request)
        fault = self._faults.take(request.path, request.json)
        if fault and fault.seconds:
            pause(fault.seconds)
        answer = self._routed(request, fault, pause)
        answer = compressed(answer, request.headers.get("accept-encoding", ""))
        answer = answer.with_headers(self._headers())
        if fault and fault.kind == "cut":
            return replace(answer, delivery="cut")
        return answer

    def _routed(self, request: ReceivedRequest, fault: Fault | None, pause: Pause) -> Answer:
        try:
            if (request.method, request.path) == ("POST", "/image/generate"):
                answer = generate.generate(self._world, request, fault, pause)
            elif fault and not fault.spoils:
                answer = generate.failure(self._world, fault, pause)
            else:
                answer = endpoints.read(self._world, request)
        except Refused as refused:
            answer = refused.answer
        if fault and fault.kind == "malformed-json":
            return replace(answer, body=answer.body[: len(answer.body) // 2])
        return answer

    @staticmethod
    def _headers() -> list[tuple[str, str]]:
        ray = f"{uuid.uuid4().hex[:16]}-SIM"
        now = datetime.now(UTC).isoformat(timespec="milliseconds").replace("+00:00", "Z")
        return [("x-venice-version", VERSION), ("x-venice-timestamp", now), ("cf-ray", ray)]


def _paint(commission: Commission) -> bytes:
    from venice_widgets.simulator.art.pictures import paint

    return paint(commission)
