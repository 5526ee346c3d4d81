"""``POST /image/generate``: who may send it, what is drawn, what it costs, what goes wrong on demand."""

from __future__ import annotations

import contextlib
import time
from dataclasses import replace
from decimal import Decimal
from typing import TYPE_CHECKING

from . import catalogue, error_bodies, generation, hostile, validation
from .ledger import ENHANCEMENT_PRICE, InsufficientBalance, Item
from .response import ErrorResponse, Response

if TYPE_CHECKING:
    from .accounts import Caller
    from .faults import Fault
    from .generation import Job
    from .received import ReceivedRequest
    from .state import Pause, State

CLIENT_ERRORS = range(400, 500)


def generate(state: State, request: ReceivedRequest, fault: Fault | None, pause: Pause) -> Response:
    """The response, with the limits and the balance from before the request in its headers.

    Raises:
        ErrorResponse: without credentials, or with wrong ones.
    """
    if fault and not fault.runs and not fault.bills:
        with contextlib.suppress(ErrorResponse):
            state.caller(request.headers)  # a wallet's nonce is spent even by a request that fails
        return failure(state, fault, pause)
    caller = state.caller(request.headers)
    budget, headers = _error_budget(caller, request), _balance_headers(state, caller)
    try:
        response = _limited(state, caller, request, fault, pause)
    except ErrorResponse as error:
        response = error.response
    if response.status in CLIENT_ERRORS and response.status != 429 and not _uncounted(request):
        state.errors.use(budget)
    return response.with_headers([*headers, *_limit_headers(state, caller, budget)])


def failure(state: State, fault: Fault, pause: Pause) -> Response:
    """A fault that is the response."""
    if fault.kind == "hang":
        pause(None)
    if fault.kind in ("hang", "disconnect"):
        return Response(0, b"", delivery="none")
    return fault.response(state.ledger.balances("")["USD"], state.time_scale)


def _limited(state: State, caller: Caller, request: ReceivedRequest, fault: Fault | None, pause: Pause) -> Response:
    if not caller.is_wallet:
        return _respond(state, caller, request, fault, pause)
    with state.in_flight.enter(caller.name) as admitted:
        if not admitted:
            raise ErrorResponse(error_bodies.wallet_busy())
        return _respond(state, caller, request, fault, pause)


def _respond(state: State, caller: Caller, request: ReceivedRequest, fault: Fault | None, pause: Pause) -> Response:
    job = _changed_job(_accepted(state, caller, request), fault)
    if fault and fault.bills:
        _charge(state, caller, job)
        if fault.refunded:
            state.ledger.refund(caller.account, job.request_id)
        return failure(state, fault, pause)
    return _produce(state, caller, job, fault, pause)


def _accepted(state: State, caller: Caller, request: ReceivedRequest) -> Job:
    """The job, after every check in the order in which the service makes them."""
    body = validation.read_json(request)
    failures = state.errors.left(_error_budget(caller, request))
    if failures and not failures.remaining:
        raise ErrorResponse(error_bodies.locked_out(failures.limit))
    validation.check_schema(body)
    named = validation.named_model(body["model"])
    model = validation.serving_model(named, state)
    validation.check_limits(body, model)
    job = generation.accept(body, model, named, state)
    if not state.ledger.can_pay(caller.account, _cost(job)):
        raise ErrorResponse(_cannot_pay(state, caller))
    if not state.requests.use(caller.name, job.images):
        raise ErrorResponse(error_bodies.rate_limited())
    return job


def _cannot_pay(state: State, caller: Caller) -> Response:
    """A wallet that is linked to DIEM is billed there: its own credit, and a top-up, do not matter."""
    balances = state.ledger.balances(caller.account)
    if caller.is_wallet and not balances.get("DIEM"):
        return error_bodies.wallet_too_low(balances["USD"])
    return error_bodies.insufficient_balance()


def _changed_job(job: Job, fault: Fault | None) -> Job:
    if fault is None:
        return job
    if fault.kind == "seed-mismatch":
        return replace(job, seed=job.seed - 1 if job.seed > 0 else job.seed + 1)
    if fault.kind == "served-by":
        return replace(job, model=catalogue.MODELS[str(fault.served_model)])
    return replace(job, blurred=fault.kind == "blur", blacked_out=fault.kind == "violation")


def _produce(state: State, caller: Caller, job: Job, fault: Fault | None, pause: Pause) -> Response:
    """Charged on acceptance, so that a client that hangs up early has paid: the harsher of the two possibilities."""
    started = time.monotonic()
    seconds = state.seconds_per_image * job.images
    if not job.blacked_out:
        _charge(state, caller, job)
    kind = fault.kind if fault else ""
    images = hostile.hostile_images(kind, generation.draw(job, state), fault.image if fault else None)
    pause(max(0.0, seconds - (time.monotonic() - started)))
    headers = generation.headers(job, state)
    if job.body.get("return_binary"):
        return Response(200, images[0], (("content-type", f"image/{job.format}"), *headers))
    content = generation.content(job, images, round((time.monotonic() - started) * 1000))
    if kind in ("echo-null", "echo-flat"):
        content["request"] = None if kind == "echo-null" else content["request"]["data"]
    return hostile.hostile_response(kind, content, headers, (fault.status if fault else None) or 200)


def _cost(job: Job) -> Decimal:
    return sum((item.amount_usd for item in _items(job)), Decimal(0))


def _items(job: Job) -> list[Item]:
    """What the request is billed for: the images, and each add-on in a row of its own."""
    model = job.model
    items = [Item(f"{model.id}-image-unit", model.id, job.images, job.unit_price_usd)]
    if job.enhanced_prompt is not None:
        items.append(Item("prompt-enhancement-unit", "prompt-enhancement", 1, ENHANCEMENT_PRICE))
    if (surcharge := Decimal(model.unlisted_reference_surcharge)) and job.body.get("style_references"):
        items.append(Item(f"{model.id}-style-reference-unit", f"{model.id}-style-reference", job.images, surcharge))
    return items


def _charge(state: State, caller: Caller, job: Job) -> None:
    execution_ms = round(state.seconds_per_image * job.images * 1000)
    try:
        state.ledger.charge(caller.account, job.request_id, _items(job), execution_ms=execution_ms)
    except InsufficientBalance:  # another request was faster, or a served-by fault made this one dearer
        raise ErrorResponse(_cannot_pay(state, caller)) from None


def _error_budget(caller: Caller, request: ReceivedRequest) -> str:
    """Whose failures are counted together: each caller's with each model."""
    body = request.json
    return f"{caller.name}\n{body.get('model') if isinstance(body, dict) else ''}"


def _uncounted(request: ReceivedRequest) -> bool:
    """Whether it failed before failures are counted: a body that is not JSON, or too large."""
    return len(request.body) > validation.MAX_BODY_BYTES or request.json is None


def _balance_headers(state: State, caller: Caller) -> list[tuple[str, str]]:
    balances = state.ledger.balances(caller.account)
    return [
        ("x-venice-balance-usd", f"{balances['USD']:f}"),
        ("x-venice-balance-diem", f"{balances.get('DIEM', Decimal(0)):f}"),
    ]


def _limit_headers(state: State, caller: Caller, budget: str) -> list[tuple[str, str]]:
    """Both limits reset at a Unix time in milliseconds."""
    headers = []
    if (allowance := state.requests.left(caller.name)) is not None:
        headers += [
            ("x-ratelimit-limit-requests", str(allowance.limit)),
            ("x-ratelimit-remaining-requests", str(allowance.remaining)),
            ("x-ratelimit-reset-requests", str(round(allowance.resets_at * 1000))),
        ]
    if (failures := state.errors.left(budget)) is not None:
        headers += [
            ("x-ratelimit-remaining", str(failures.remaining)),
            ("x-ratelimit-resets", str(round(failures.resets_at * 1000))),
        ]
    return headers
