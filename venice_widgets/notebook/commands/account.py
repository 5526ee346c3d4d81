"""``%venice balance``, ``config`` and ``demo``: whose account it is, what is set, and who answers."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from ulid import ULID

from venice_widgets.config import BASE_URL, LIMITS
from venice_widgets.current import use_demo
from venice_widgets.display import Bundle, Cell, facts, notice, table
from venice_widgets.errors import StoreError
from venice_widgets.files.notebook import start_folder
from venice_widgets.files.presence import is_file
from venice_widgets.files.settings_files import PROJECT_FILE, project_settings
from venice_widgets.files.store_folder import CONFIG_FILE, has_log
from venice_widgets.log import balance_difference
from venice_widgets.money import usd_text
from venice_widgets.notebook.line_parser import usage_error

from .command import Command, argument
from .record_text import counted, size_text

if TYPE_CHECKING:
    from collections.abc import Mapping
    from decimal import Decimal
    from pathlib import Path

    from venice_widgets.client.balance import Balance
    from venice_widgets.config import Secret, Settings
    from venice_widgets.session import Session


def _balance(session: Session, _: Mapping[str, Any]) -> Bundle:
    found = session.balance()
    pairs = [(name, usd_text(amount) if name == "USD" else str(amount)) for name, amount in found.amounts.items()]
    pairs += found.remarks
    if "USD" in found.amounts and (told := _difference(session, found.amounts["USD"])):
        pairs.append(("this session", told))
    return facts("Balance" + (" (simulated)" if session.settings.demo else ""), pairs)


def _difference(session: Session, after_usd: Decimal) -> str:
    """By how much the balance changed since this session's first request: all that the account paid for, by anyone."""
    begun = ULID.from_str(session.session_id).datetime
    records = session.log.search(session_id=session.session_id, since=begun, limit=100_000)
    found = balance_difference(records, after_usd)
    if found is None:
        return ""
    by = found.difference_usd
    change = f"{'fell' if by > 0 else 'rose'} by {usd_text(abs(by))}" if by else "is what it was"
    estimate = "of unknown price" if found.estimated_usd is None else f"estimated at {usd_text(found.estimated_usd)}"
    return (
        f"The balance {change} since its first request ({usd_text(found.before_usd)}); it sent "
        f"{counted(found.runs, 'request')}, {estimate}. Whatever else the account paid for meanwhile is in it, and a "
        "charge may come late. What each was charged only the ledger tells (%venice log --reconcile, ADMIN key)."
    )


def amounts_text(balance: Balance) -> str:
    """``$25.00, 3 DIEM``; empty where nothing was stated."""
    return ", ".join(
        usd_text(amount) if name == "USD" else f"{amount} {name}" for name, amount in balance.amounts.items()
    )


def _config(session: Session, _: Mapping[str, Any]) -> Bundle:
    settings = session.settings
    origin = dict(settings.sources)
    shown: list[tuple[str, Any]] = [
        ("api_key", _masked(settings.api_key, demo=settings.demo)),
        ("wallet_key", _masked(settings.wallet_key, demo=settings.demo)),
        ("base_url", settings.base_url),
        ("store", settings.store),
        (CONFIG_FILE, _config_path(settings)),
        *_project_file(),
        *(
            (name, _limit_text(settings, name))
            for name in LIMITS
            if not settings.demo or origin.get(name) == "argument"
        ),
        ("model", settings.model or "the catalogue's default"),
        ("format", settings.format or "the API's default"),
        ("preview_pixels", settings.preview_pixels),
        ("reuse", settings.reuse),
        ("read_timeout_seconds", f"{settings.read_timeout_seconds:g}"),
        ("in_flight", settings.in_flight),
        ("requests_per_minute", settings.requests_per_minute),
        ("legacy_header", "on" if settings.legacy_header else "off"),
        ("demo", "on" if settings.demo else "off"),
    ]
    rows: list[list[Cell | str]] = [
        [Cell(name, code=True), str(value), Cell(_origin(settings, name, origin), muted=True)] for name, value in shown
    ]
    demo = (
        "The demo is on: the built-in simulator answers, and limits and budgets do not hold." if settings.demo else ""
    )
    parts = (_store_text(session), _left_text(session), demo)
    return table(["setting", "value", "from"], rows, caption="Settings", footer=" ".join(filter(None, parts)))


def _origin(settings: Settings, name: str, origin: Mapping[str, str]) -> str:
    """Where a value came from; of the configuration files, whether they are there."""
    if name == CONFIG_FILE:
        return "there is one" if is_file(_config_path(settings)) else "there is none; it is optional"
    return "it has [tool.venice]" if name == PROJECT_FILE else origin.get(name, "default")


def _config_path(settings: Settings) -> Path:
    """The demo has a store of its own, and takes its settings from the one that it lies in."""
    return (settings.store.parent if settings.demo else settings.store) / CONFIG_FILE


def _project_file() -> list[tuple[str, Path]]:
    """The project's file, where it has settings for this package."""
    path, table = project_settings(start_folder())
    return [(PROJECT_FILE, path)] if path and table else []


def _left_text(session: Session) -> str:
    """What the budgets leave; looking at the settings does not make a store."""
    try:
        if not has_log(session.settings.store):
            return ""
        left = session.left_text()
    except StoreError:
        return ""
    return f"{left[:1].upper()}{left[1:]}." if left else ""


def _store_text(session: Session) -> str:
    """How large the store is; looking at the settings does not make one."""
    try:
        if not has_log(session.settings.store):
            return "The store is empty: it is made with the first request."
        return f"The store holds {size_text(session.log.size())}."
    except StoreError as exc:
        return " ".join(str(exc).split())


def _masked(key: Secret | None, *, demo: bool) -> str:
    if key is None:
        return "not set"
    return "not needed" if demo else key.masked


def _limit_text(settings: Settings, name: str) -> str:
    amount: Decimal | None = getattr(settings, name)
    return "no limit" if amount is None else usd_text(amount)


def _demo(_: Session, given: Mapping[str, Any]) -> Bundle:
    wanted = given.get("switch", "on")
    if wanted not in ("on", "off"):
        raise usage_error(f"%venice demo {wanted}: it is on or off.")
    session = use_demo(on=wanted == "on")
    if wanted == "on":
        return notice(
            "The demo is on: the built-in simulator makes the images. Prices are simulated, nothing is charged, "
            "nothing leaves this machine, and no one is asked before spending. %venice demo off switches to Venice.",
            kind="information",
        )
    key = "a key is set" if session.settings.credential else "no key is set: VENICE_API_KEY"
    host = "api.venice.ai" if session.settings.base_url == BASE_URL else session.settings.base_url
    return notice(f"The demo is off: requests go to {host} and cost money ({key}).", kind="information")


BALANCE = Command("balance", "What is left on the account.", _balance)
CONFIG = Command("config", "Every setting and where it came from.", _config)
DEMO = Command(
    "demo",
    "Switch the built-in simulator on or off.",
    _demo,
    argument("switch", "on or off", optional=True),
    words=("on", "off"),
)
