"""Amounts in US dollars: exact decimals, read from what people type and written as they read them."""

from __future__ import annotations

from decimal import ROUND_HALF_UP, Decimal, InvalidOperation
from typing import Any

from .errors import ConfigurationError
from .redact import scrub


def usd_text(amount: Decimal) -> str:
    """Dollars as people read them: two decimals, more only where the amount has them (``$0.0375``)."""
    exact = amount.normalize()
    places = max(2, -int(exact.as_tuple().exponent))
    return f"${amount:,.{places}f}" if places <= 6 else f"${amount.quantize(Decimal('0.000001'), ROUND_HALF_UP):,f}"


def parse_usd(value: Any, name: str) -> Decimal:
    """An amount of dollars, exactly: ``"0.50"``, ``"$0.50"``, 1 or a Decimal.

    Raises:
        ConfigurationError: it is no finite amount of zero or more.
    """
    try:
        amount = Decimal(str(value).strip().removeprefix("$"))
    except InvalidOperation:
        amount = Decimal("NaN")
    if isinstance(value, bool) or not amount.is_finite() or amount < 0:
        raise ConfigurationError(f"{name} {scrub(repr(value))} is no amount of dollars.", "Write it like 0.50 or 2.")
    return amount
