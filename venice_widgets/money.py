"""Amounts in US dollars: exact decimals, read from what users type and APIs send, written as people read them."""

from __future__ import annotations

from decimal import ROUND_HALF_UP, Decimal, InvalidOperation
from typing import Any

from .errors import ConfigurationError, clipped, written
from .redact import redact

LARGEST_USD = 10**12
"""A larger amount from outside is a mistake, and writing out 1e999999999 would take all memory."""


def usd_text(amount: Decimal) -> str:
    """Dollars as people read them: two decimals, more only where the amount has them (``$0.0375``)."""
    exact = amount.normalize()
    places = max(2, -int(exact.as_tuple().exponent))
    return f"${amount:,.{places}f}" if places <= 6 else f"${amount.quantize(Decimal('0.000001'), ROUND_HALF_UP):,f}"


def usd_or_none(value: Any) -> Decimal | None:
    """An amount that an API states, exactly; None where it is not a finite number of a credible size."""
    if value is None or isinstance(value, bool):
        return None
    try:
        amount = Decimal(str(value).strip())
    except (InvalidOperation, ValueError):
        return None
    return amount if amount.is_finite() and amount.copy_abs() < LARGEST_USD else None


def parse_usd(value: Any, name: str) -> Decimal:
    """An amount of dollars that a user gave, exactly: ``"0.50"``, ``"$0.50"``, 1 or a Decimal.

    Raises:
        ConfigurationError: it is not a finite amount of zero or more, or it is too large to be meant.
    """
    text = written(value).strip().removeprefix("$")
    amount = usd_or_none(text) if "_" not in text else None
    if isinstance(value, bool) or amount is None or amount < 0:
        raise ConfigurationError(
            f"{name} {clipped(redact(written(value, repr)))} is not an amount of dollars.", "Write it like 0.50 or 2."
        )
    return amount.copy_abs()  # no minus before a zero
