"""``POST /image/generate``: who may ask, what is drawn, what it costs, what goes wrong on order."""

from __future__ import annotations

import contextlib
import time
from dataclasses import replace
from decimal import Decimal
from typing import TYPE_CHECKING, Any

from . import error_bodies, generation, validation
from .ledger import ENHANCEMENT_PRICE
from .response import Answer, Refused

if TYPE_CHECKING:
    from .accounts import Caller
    from .faults import Fault
    from .generation import Order
    from .received import ReceivedRequest
    from .state import Pause, World

LEAST_WALLET_BALANCE = Decimal("0.10")
CLIENT_ERRORS = range(400, 500)


def generate(world: World, request: ReceivedRequest, fault: Fault | None, pause: Pause) -> Answer:
    """The answer, with the budgets and the balance from before the request in its headers.

    Raises:
        Refused: without credentials, or with wrong ones.
    """
    if fault and not fault.spoils and not fault.charged:
        with contextlib.suppress(Refused):
            world.caller(request.headers)  # a wallet's nonce is spent even by a request that fails
        return failure(world, fault, pause)
    caller = world.caller(request.headers)
    holder, balance = _holder(caller, request), world.ledger.balance_usd(caller.account)
    try:
        answer = _answer(world, caller, request, fault, pause)
    except Refused as refused:
        answer = refused.answer
    if answer.status in CLIENT_ERRORS and answer.status != 429:
        world.errors.use(holder)
    return answer.with_headers(_budget_headers(world, caller, holder, balance))


def failure(world: World, fault: Fault, pause: Pause) -> Answer:
    """A fault that is the answer."""
    if fault.kind == "hang":
        pause(None)
    if fault.kind in ("hang", "disconnect"):
        return Answer(0, b"", delivery="none")
    return fault.answer(world.ledger.balance_usd(""))


def _answer(world: World, caller: Caller, request: ReceivedRequest, fault: Fault | None, pause: Pause) -> Answer:
    order = _spoiled_order(_accepted(world, caller, request), fault)
    if fault and fault.charged:
        _charge(world, caller, order)
        return failure(world, fault, pause)
    return _produce(world, caller, order, fault, pause)


def _accepted(world: World, caller: Caller, request: ReceivedRequest) -> Order:
    """The order, after every check in the order in which the service makes them."""
    body = validation.read_json(request)
    failures = world.errors.left(_holder(caller, request))
    if failures and not failures.remaining:
        raise Refused(error_bodies.locked_out())
    validation.check_schema(body)
    model = validation.choose_model(body["model"])
    validation.check_limits(body, model)
    order = generation.accept(body, model, world.random)
    _check_balance(world, caller, order)
    if not world.requests.use(caller.name, order.pictures):
        raise Refused(error_bodies.rate_limited())
    return order


def _check_balance(world: World, caller: Caller, order: Order) -> None:
    balance = world.ledger.balance_usd(caller.account)
    price = order.unit_price_usd * order.pictures
    if caller.is_wallet and balance < max(price, LEAST_WALLET_BALANCE):
        raise Refused(error_bodies.wallet_too_low(balance))
    if balance < price:
        raise Refused(error_bodies.insufficient_balance())


def _spoiled_order(order: Order, fault: Fault | None) -> Order:
    kind = fault.kind if fault else ""
    if kind == "seed-mismatch":
        return replace(order, seed=order.seed - 1 if order.seed > 0 else order.seed + 1)
    return replace(order, blurred=kind == "blur", blacked_out=kind == "violation")


def _produce(world: World, caller: Caller, order: Order, fault: Fault | None, pause: Pause) -> Answer:
    """Charged on acceptance, so that whoever hangs up early has paid: the harsher of the two truths."""
    started = time.monotonic()
    seconds = world.seconds_per_image * order.pictures
    if not order.blacked_out:
        _charge(world, caller, order)
    pictures = generation.draw(order, world.random, world.paint)
    pause(max(0.0, seconds - (time.monotonic() - started)))
    if order.body.get("return_binary"):
        return generation.binary_answer(order, pictures[0])
    content = generation.content(order, pictures, round((time.monotonic() - started) * 1000))
    return generation.content_answer(order, _spoiled_content(order, content, fault))


def _spoiled_content(order: Order, content: dict[str, Any], fault: Fault | None) -> dict[str, Any]:
    match fault.kind if fault else "":
        case "echo-null":
            return content | {"request": None}
        case "echo-flat":
            return content | {"request": content["request"]["data"]}
        case "data-uri":
            return content | {"images": [f"data:image/{order.format};base64,{image}" for image in content["images"]]}
        case _:
            return content


def _charge(world: World, caller: Caller, order: Order) -> None:
    model, account = order.model, caller.account
    execution_ms = round(world.seconds_per_image * order.pictures * 1000)
    lines = [(f"{model.id}-image-unit", order.pictures, order.unit_price_usd)]
    if order.enhanced_prompt is not None:
        lines.append(("prompt-enhancement-unit", 1, ENHANCEMENT_PRICE))
    if (surcharge := Decimal(model.unlisted_reference_surcharge)) and order.body.get("style_references"):
        lines.append((f"{model.id}-style-reference-unit", order.pictures, surcharge))
    for sku, units, price in lines:
        world.ledger.charge(
            account, order.request_id, sku, units=units, unit_price_usd=price, execution_ms=execution_ms
        )


def _holder(caller: Caller, request: ReceivedRequest) -> str:
    body = request.json
    return f"{caller.name}\n{body.get('model') if isinstance(body, dict) else ''}"


def _budget_headers(world: World, caller: Caller, holder: str, balance: Decimal) -> list[tuple[str, str]]:
    """The request budget resets in milliseconds, as clients see it; the error budget in seconds."""
    headers = [("x-venice-balance-usd", f"{balance:f}"), ("x-venice-balance-diem", "0")]
    if caller.is_wallet:
        headers.append(("x-balance-remaining", f"{world.ledger.balance_usd(caller.account):.6f}"))
    if (allowance := world.requests.left(caller.name)) is not None:
        headers += [
            ("x-ratelimit-limit-requests", str(allowance.limit)),
            ("x-ratelimit-remaining-requests", str(allowance.remaining)),
            ("x-ratelimit-reset-requests", str(round(allowance.resets_at * 1000))),
        ]
    if (failures := world.errors.left(holder)) is not None:
        headers += [
            ("x-ratelimit-remaining", str(failures.remaining)),
            ("x-ratelimit-resets", str(round(failures.resets_at))),
        ]
    return headers
