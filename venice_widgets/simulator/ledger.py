"""The money: what was charged to whom, and what is left. Amounts are exact, in US dollars."""

from __future__ import annotations

import threading
from dataclasses import dataclass
from datetime import UTC, datetime
from decimal import Decimal
from typing import Any

ENHANCEMENT_PRICE = Decimal("0.04")


@dataclass(frozen=True, slots=True)
class Charge:
    """One line of the ledger."""

    account: str
    request_id: str
    sku: str
    units: int
    unit_price_usd: Decimal
    at: datetime
    execution_ms: int

    @property
    def amount_usd(self) -> Decimal:
        """What it took from the balance."""
        return self.unit_price_usd * self.units

    def entry(self) -> dict[str, Any]:
        """The line as ``GET /billing/usage-history`` shows it: what was taken is negative."""
        return {
            "amount": float(-self.amount_usd),
            "currency": "USD",
            "inferenceDetails": {
                "completionTokens": None,
                "inferenceExecutionTime": self.execution_ms,
                "promptTokens": None,
                "requestId": self.request_id,
            },
            "notes": "API Inference",
            "pricePerUnitUsd": float(self.unit_price_usd),
            "sku": self.sku,
            "timestamp": self.at.isoformat(timespec="milliseconds").replace("+00:00", "Z"),
            "units": self.units,
        }


class Ledger:
    """Balances and charges. Safe from any thread.

    Args:
        balance_usd: what the user of the API keys has at the start.
        wallet_balance_usd: what each wallet has at the start.
    """

    def __init__(self, balance_usd: Decimal, wallet_balance_usd: Decimal) -> None:
        self._lock = threading.Lock()
        self._start = {"": balance_usd}
        self._wallet_start = wallet_balance_usd
        self._charges: list[Charge] = []

    def balance_usd(self, account: str) -> Decimal:
        """What is left to an account; the empty name is the user of the API keys."""
        with self._lock:
            return self._balance(account)

    def charge(
        self, account: str, request_id: str, sku: str, *, units: int, unit_price_usd: Decimal, execution_ms: int
    ) -> None:
        """Write one line."""
        line = Charge(account, request_id, sku, units, unit_price_usd, datetime.now(UTC), execution_ms)
        with self._lock:
            self._charges.append(line)

    def charges(self, account: str) -> list[Charge]:
        """The lines of an account, oldest first."""
        with self._lock:
            return [charge for charge in self._charges if charge.account == account]

    def _balance(self, account: str) -> Decimal:
        spent = sum((line.amount_usd for line in self._charges if line.account == account), Decimal(0))
        return self._start.get(account, self._wallet_start) - spent
