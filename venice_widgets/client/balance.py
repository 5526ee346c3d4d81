"""What is left on the account, from the source that each kind of credential may read.

An image is charged to one currency: DIEM, then earned credits, then bundled credits, then USD, the first that covers
its whole cost. So a low balance in US dollars refuses nothing by itself, and none of them tells what an image cost.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from venice_widgets.errors import CredentialsRefused, ResponseError
from venice_widgets.money import usd_or_none
from venice_widgets.request.deprecation import day_text

from .payment_required import no_credentials
from .wallet import uses_wallet, wallet_address

if TYPE_CHECKING:
    from collections.abc import Mapping
    from decimal import Decimal

    from venice_widgets.config import Settings

    from .client import Client


@dataclass(frozen=True, slots=True)
class Balance:
    """What is left, by currency."""

    amounts: Mapping[str, Decimal]
    """``USD``, ``DIEM``, ``BUNDLED_CREDITS``; what the API does not state is absent."""
    remarks: tuple[tuple[str, str], ...] = ()
    """What else it stated: the tier, when the key expires, whether a wallet can pay."""


def ask_balance(settings: Settings, client: Client) -> Balance:
    """Ask for the balance. Source: GET /api_keys/rate_limits for a key, GET /x402/balance/{address} for a wallet.

    This also proves a key: ``/models`` answers with success to a wrong one.

    Raises:
        CredentialsRefused: there is no key, or it is wrong.
        ResponseError: the response cannot be understood.
    """
    if settings.credential is None:
        raise CredentialsRefused(*no_credentials())
    if uses_wallet(settings):
        return _of_wallet(client.get_json(f"/x402/balance/{wallet_address(settings)}"))
    response = client.get_json("/api_keys/rate_limits")
    balance = _of_key(response)
    client.note_key_limits(response["data"])
    return balance


def _of_key(response: Any) -> Balance:
    data = response.get("data") if isinstance(response, dict) else None
    if not isinstance(data, dict):
        raise ResponseError("the response about the balance has no data.", "Try again in a minute.")
    balances = data.get("balances")
    amounts = _amounts(balances if isinstance(balances, dict) else {})
    tier = data.get("apiTier")
    remarks = [
        ("tier", str(tier.get("id"))) if isinstance(tier, dict) and tier.get("id") else None,
        ("key expires", day_text(str(data["keyExpiration"]))) if data.get("keyExpiration") else None,
        ("next epoch begins", day_text(str(data["nextEpochBegins"]))) if data.get("nextEpochBegins") else None,
        ("access", "not permitted") if data.get("accessPermitted") is False else None,
    ]
    return Balance(amounts, tuple(remark for remark in remarks if remark))


def _of_wallet(response: Any) -> Balance:
    """A wallet's own dollars, and the DIEM of the account that it is linked to, which is spent first."""
    data = response.get("data", response) if isinstance(response, dict) else None
    if not isinstance(data, dict):
        raise ResponseError("the response about the wallet's balance cannot be read.", "Try again in a minute.")
    usd = data.get("balanceUsd", data.get("currentBalanceUsd", data.get("balance")))
    remarks = {
        True: ("can pay", "yes"),
        False: ("can pay", "no: it holds less than $0.10, and no DIEM is left to a linked account"),
    }
    said = remarks.get(data["canConsume"]) if isinstance(data.get("canConsume"), bool) else None
    return Balance(_amounts({"USD": usd, "DIEM": data.get("diemBalanceUsd")}), (said,) if said else ())


def _amounts(stated: Mapping[str, Any]) -> dict[str, Decimal]:
    """The amounts that can be read; any of them may be missing."""
    found = {name: usd_or_none(value) for name, value in stated.items()}
    return {name: amount for name, amount in found.items() if amount is not None}
