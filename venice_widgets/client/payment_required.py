"""What a 402 says, in words that can be read and acted on.

The API document of errors: three different bodies come with the one status. Nothing here pays: no payment is signed and
no wallet is topped up; the steps are shown, and the user decides.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from decimal import Decimal
from typing import Any

from venice_widgets.money import usd_or_none

_LINKED_WALLET = (
    "A wallet that is linked to an account with staked DIEM spends that first: a top-up does not help then; wait for "
    "the next epoch, or fund the account. %venice balance shows what there is."
)
KEYS_PAGE = "https://venice.ai/settings/api"
WALLET_PAGE = "https://docs.venice.ai/guides/integrations/x402-venice-api"


def explain_402(body: Mapping[str, Any], headers: Mapping[str, str] | None = None) -> tuple[str, str]:
    """What happened and what to do, for the body of a 402.

    Args:
        body: the JSON object, whatever it holds; ``{}`` where there is none.
        headers: the response's headers, for the balance that an API key's response states there.

    Returns:
        A sentence, and a remedy of several lines. Both are plain text for a reader: escape them where they are shown.
    """
    if body.get("code") == "PAYMENT_REQUIRED" or "currentBalanceUsd" in body or "topUpInstructions" in body:
        return _wallet_too_low(body)
    if "x402Version" in body or "authOptions" in body:
        return no_credentials()
    return _key_out_of_money(body, {name.lower(): value for name, value in (headers or {}).items()})


def no_credentials() -> tuple[str, str]:
    """What happened and what to do where there is neither key nor wallet: the two ways in."""
    ways = (
        "Two ways in; one is enough:",
        f"  API key   make one at {KEYS_PAGE}",
        "            then run %venice login, or set VENICE_API_KEY",
        "  wallet    prepaid USDC on Base or Solana, without an account",
        "            run %venice login --wallet, or set VENICE_WALLET_KEY",
        f"            how it works: {WALLET_PAGE}",
        "Images without either: %venice demo on",
    )
    return "There is no API key and no wallet, so no one can be billed (402).", "\n".join(ways)


def _wallet_too_low(body: Mapping[str, Any]) -> tuple[str, str]:
    balance, least = usd_or_none(body.get("currentBalanceUsd")), usd_or_none(body.get("minimumBalanceUsd"))
    held = f"holds {_dollars(balance)}" if balance is not None else "holds too little"
    needed = f"; a request needs at least {_dollars(least)} there" if least is not None else ""
    facts = (
        ("minimum", _dollars_or_none(body.get("minimumTopUpUsd"))),
        ("suggested", _dollars_or_none(body.get("suggestedTopUpUsd"))),
        ("token", _listed(body.get("supportedTokens"))),
        ("chain", _listed(body.get("supportedChains"))),
    )
    lines = [
        "Top it up yourself; this program never does:",
        *(f"  {name:<10}{value}" for name, value in facts if value),
        *(f"  {number}. {step}" for number, step in enumerate(_steps(body.get("topUpInstructions")), 1)),
        f"How it works, on Solana too: {WALLET_PAGE}",
        # The vendor's notes on x402: such a wallet's requests are billed to the account while its DIEM lasts.
        _LINKED_WALLET,
    ]
    return f"The wallet {held}{needed} (402). Nothing was charged.", "\n".join(lines)


def _key_out_of_money(body: Mapping[str, Any], headers: Mapping[str, str]) -> tuple[str, str]:
    said = _text(body.get("error")) or _text(body.get("message"))
    quoted = f"\nVenice says: {said}" if said else ""
    if re.search(r"limit|consumption", said, re.IGNORECASE):
        return (
            f"The API key has reached its own spending limit (402). Nothing was charged.{quoted}",
            f"Raise the key's limit, or wait for its next period: {KEYS_PAGE}",
        )
    balances = [(unit, usd_or_none(headers.get(f"x-venice-balance-{unit.lower()}"))) for unit in ("USD", "DIEM")]
    stated = ", ".join(f"{_amount(amount)} {unit}" for unit, amount in balances if amount is not None)
    before = f"Balance before it: {stated}. " if stated else ""
    linked = f"\n{_LINKED_WALLET}" if dict(balances)["DIEM"] else ""  # the body does not tell a wallet from a key
    return (
        f"The balance does not cover this request (402). Nothing was charged.{quoted}",
        f"{before}Top up at {KEYS_PAGE}; %venice balance shows what is left.{linked}",
    )


def _steps(instructions: Any) -> list[str]:
    # The receiving address is there too, and is left out on purpose: money simply sent to it is not a top-up.
    if not isinstance(instructions, Mapping):
        return []
    numbered = {name: re.fullmatch(r"step(\d{1,3})", str(name)) for name in instructions}
    order = sorted((int(match[1]), name) for name, match in numbered.items() if match)
    return [text for _, name in order if (text := _text(instructions[name]))]


def _listed(value: Any) -> str:
    return ", ".join(filter(None, map(_text, value))) if isinstance(value, list | tuple) else _text(value)


def _text(value: Any) -> str:
    """One printable line: no escape sequence from outside reaches a terminal."""
    if isinstance(value, Mapping):
        value = value.get("message")
    if not isinstance(value, str | int | Decimal) or isinstance(value, bool):
        return ""
    return "".join(character for character in " ".join(str(value).split()) if character.isprintable())[:500]


def _amount(amount: Decimal) -> str:
    """At least two decimals, and as many as it takes up to six."""
    exact = f"{amount:,.6f}".rstrip("0")
    return exact.ljust(exact.index(".") + 3, "0")


def _dollars(amount: Decimal) -> str:
    return f"${_amount(amount)}"


def _dollars_or_none(value: Any) -> str:
    amount = usd_or_none(value)
    return "" if amount is None else _dollars(amount)
