"""The money: what was charged to whom in which currency, and what is left. Amounts are exact, in US dollars."""

from __future__ import annotations

import threading
import uuid
from dataclasses import dataclass, field
from datetime import UTC, datetime
from decimal import Decimal
from typing import TYPE_CHECKING, Any

from .models import iso, number

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

ENHANCEMENT_PRICE = Decimal("0.04")
CURRENCIES = ("DIEM", "EARNED_CREDITS", "BUNDLED_CREDITS", "USD")
"""In the order in which they are spent. One dollar is one DIEM and one credit."""
LEAST_WALLET_BALANCE = Decimal("0.10")


class InsufficientBalance(Exception):
    """No currency of the account covers the whole cost."""


@dataclass(frozen=True, slots=True)
class Item:
    """One part of what a request costs: the images, or an add-on."""

    sku: str
    model: str
    units: int
    unit_price_usd: Decimal

    @property
    def amount_usd(self) -> Decimal:
        """The price of all units."""
        return self.unit_price_usd * self.units


@dataclass(frozen=True, slots=True)
class Row:
    """One row of the ledger. One request has a row for each of its items."""

    account: str
    kind: str
    """``CHARGE``, ``REFUND`` or ``TOP_UP``."""
    amount_usd: Decimal
    """What it adds to the balance: negative for a charge."""
    currency: str
    balance_after: Decimal
    """Of that currency."""
    at: datetime
    item: Item | None = None
    request_id: str | None = None
    execution_ms: int = 0
    id: str = field(default_factory=lambda: uuid.uuid4().hex)

    def usage_entry(self) -> dict[str, Any]:
        """The row as ``GET /billing/usage-history`` shows it."""
        return {
            "amount": number(self.amount_usd),
            "currency": self.currency,
            "inferenceDetails": {
                "completionTokens": None,
                "inferenceExecutionTime": self.execution_ms,
                "promptTokens": None,
                "requestId": self.request_id,
            },
            "notes": "API Inference" if self.kind == "CHARGE" else "Refund",
            "pricePerUnitUsd": number(self.item.unit_price_usd) if self.item else 0,
            "sku": self.item.sku if self.item else "refund",
            "timestamp": iso(self.at),
            "units": self.item.units if self.item else 1,
        }

    def transaction(self) -> dict[str, Any]:
        """The row as ``GET /x402/transactions/{wallet}`` shows it."""
        return {
            "id": self.id,
            "amount": number(self.amount_usd),
            "balanceAfter": number(self.balance_after),
            "type": self.kind,
            "createdAt": iso(self.at),
            "requestId": self.request_id,
            "modelId": self.item.model if self.item else None,
        }


class Ledger:
    """Balances and rows. Safe from any thread.

    Args:
        account: what the user of the API keys has at the start, by currency.
        wallet: what each wallet has at the start, by currency. Its DIEM is that of the account it is linked to.
    """

    def __init__(self, account: Mapping[str, Decimal], wallet: Mapping[str, Decimal]) -> None:
        self._lock = threading.Lock()
        self._start = {"": dict(account)}
        self._wallet_start = dict(wallet)
        self._balances: dict[str, dict[str, Decimal]] = {}
        self._rows: list[Row] = []

    def balances(self, account: str) -> dict[str, Decimal]:
        """What is left to an account, by currency; the empty name is the user of the API keys."""
        with self._lock:
            return dict(self._of(account))

    def charge(self, account: str, request_id: str, items: Sequence[Item], *, execution_ms: int = 0) -> None:
        """Write a row for each item, all in the first currency that covers the whole cost.

        A wallet's credit never becomes negative: what is left is collected, and that is what its rows say.

        Raises:
            InsufficientBalance: no currency covers it.
        """
        cost = sum((item.amount_usd for item in items), Decimal(0))
        with self._lock:
            currency = self._currency(account, cost)
            for item in items:
                amount = min(item.amount_usd, self._of(account)[currency])
                self._write(account, "CHARGE", -amount, currency, item, request_id, execution_ms)

    def refund(self, account: str, request_id: str) -> None:
        """Give back what a request was charged, in one row."""
        with self._lock:
            charged = [row for row in self._rows if row.account == account and row.request_id == request_id]
            item = charged[0].item if len(charged) == 1 else None
            total = -sum((row.amount_usd for row in charged), Decimal(0))
            self._write(account, "REFUND", total, charged[0].currency, item, request_id, 0)

    def top_up(self, account: str, amount_usd: Decimal) -> None:
        """Add USD to an account."""
        with self._lock:
            self._write(account, "TOP_UP", amount_usd, "USD", None, None, 0)

    def can_pay(self, account: str, cost: Decimal) -> bool:
        """Whether `charge` would accept this cost."""
        with self._lock:
            try:
                self._currency(account, cost)
            except InsufficientBalance:
                return False
            return True

    def rows(self, account: str) -> list[Row]:
        """The rows of an account, oldest first."""
        with self._lock:
            self._of(account)
            return [row for row in self._rows if row.account == account]

    def _of(self, account: str) -> dict[str, Decimal]:
        """The balances of an account; a wallet that is new here has topped up before."""
        if account not in self._balances:
            self._balances[account] = dict(self._start.get(account, self._wallet_start))
            if account:
                credit = self._balances[account]["USD"]
                self._rows.append(Row(account, "TOP_UP", credit, "USD", credit, datetime.now(UTC)))
        return self._balances[account]

    def _currency(self, account: str, cost: Decimal) -> str:
        balances = self._of(account)
        if account and not balances.get("DIEM"):
            if balances["USD"] < LEAST_WALLET_BALANCE:
                raise InsufficientBalance
            return "USD"
        # While a linked account has DIEM, the wallet's own credit is not used.
        usable = ("DIEM",) if account else CURRENCIES
        for currency in usable:
            if balances.get(currency, Decimal(0)) >= cost:
                return currency
        raise InsufficientBalance

    def _write(
        self,
        account: str,
        kind: str,
        amount: Decimal,
        currency: str,
        item: Item | None,
        request_id: str | None,
        execution_ms: int,
    ) -> None:
        balances = self._of(account)
        balances[currency] = balances.get(currency, Decimal(0)) + amount
        self._rows.append(
            Row(
                account=account,
                kind=kind,
                amount_usd=amount,
                currency=currency,
                balance_after=balances[currency],
                at=datetime.now(UTC),
                item=item,
                request_id=request_id,
                execution_ms=execution_ms,
            )
        )
