"""What is left on the account, from the source that each kind of credential may ask."""

from __future__ import annotations

from dataclasses import dataclass
from decimal import Decimal, InvalidOperation
from typing import TYPE_CHECKING, Any

from venice_widgets.errors import CredentialsRefused, ResponseError

from .payment_required import no_credentials
from .wallet import uses_wallet, wallet_address

if TYPE_CHECKING:
    from collections.abc import Mapping

    from venice_widgets.config import Settings

    from .client import Client


_LARGEST = 10**12
"""A larger amount is a mistake, and writing out 1e999999999 would take all memory."""


@dataclass(frozen=True, slots=True)
class Balance:
    """What is left, by currency."""

    amounts: Mapping[str, Decimal]
    """``USD``, ``DIEM``, ``BUNDLED_CREDITS``; what the API does not tell is absent."""
    remarks: tuple[tuple[str, str], ...] = ()
    """What else it told: the tier, when the key expires."""


def ask_balance(settings: Settings, client: Client) -> Balance:
    """Ask for the balance. Source: GET /api_keys/rate_limits for a key, GET /x402/balance/{address} for a wallet.

    Raises:
        CredentialsRefused: there is no key, or it is wrong.
        ResponseError: the answer cannot be understood.
    """
    if not (settings.api_key or settings.wallet_key):
        raise CredentialsRefused(*no_credentials())
    if uses_wallet(settings):
        return _of_wallet(client.get_json(f"/x402/balance/{wallet_address(settings)}"))
    return _of_key(client.get_json("/api_keys/rate_limits"))


def _of_key(answer: Any) -> Balance:
    data = answer.get("data") if isinstance(answer, dict) else None
    if not isinstance(data, dict):
        raise ResponseError("the answer about the balance has no data.", "Try again in a minute.")
    balances = data.get("balances")
    amounts = _amounts(balances if isinstance(balances, dict) else {})
    tier = data.get("apiTier")
    remarks = [
        ("tier", str(tier.get("id"))) if isinstance(tier, dict) and tier.get("id") else None,
        ("key expires", str(data["keyExpiration"])) if data.get("keyExpiration") else None,
        ("next epoch begins", str(data["nextEpochBegins"])) if data.get("nextEpochBegins") else None,
        ("access", "not permitted") if data.get("accessPermitted") is False else None,
    ]
    return Balance(amounts, tuple(remark for remark in remarks if remark))


def _of_wallet(answer: Any) -> Balance:
    data = answer.get("data", answer) if isinstance(answer, dict) else None
    if not isinstance(data, dict):
        raise ResponseError("the answer about the wallet's balance cannot be read.", "Try again in a minute.")
    named = {"USD": data.get("balanceUsd", data.get("currentBalanceUsd", data.get("balance")))}
    return Balance(_amounts(named))


def _amounts(stated: Mapping[str, Any]) -> dict[str, Decimal]:
    found = {}
    for name, value in stated.items():
        try:
            found[name] = Decimal(str(value))
        except InvalidOperation:
            continue
    return {name: amount for name, amount in found.items() if amount.is_finite() and amount.copy_abs() < _LARGEST}
