"""The sixteen reasons why a wallet's signature is refused, each with what the user can do about it.

Source: the vendor's notes for client authors, ``X402_SIGN_IN_*`` (401). Requests are signed anew each time, so most of
these are faults of this program; a wrong clock and a key of another chain are the user's to fix.
"""

from __future__ import annotations

PREFIX = "X402_SIGN_IN_"

_CLOCK = "Set this machine's clock: a signature is valid for 5 minutes."
_REPORT = "This is a fault in venice-widgets: please report it."
_KEY = "Check the wallet key: %venice config shows which one is used."

_REMEDIES = {
    "EXPIRED": f"The signature was too old. {_CLOCK}",
    "FUTURE_TIMESTAMP": f"The signature was dated in the future. {_CLOCK}",
    "NOT_BEFORE": f"The signature was not valid yet. {_CLOCK}",
    "TIMESTAMP_MISMATCH": f"The signature's two times disagree. {_CLOCK}",
    "NONCE_REUSED": "The signature was used before, which happens when a proxy repeats a request. Send it again.",
    "MISSING_NONCE": f"The signed message had no nonce. {_REPORT}",
    "INVALID_PAYLOAD": f"The sign-in header was incomplete. {_REPORT}",
    "PARSE_ERROR": "The sign-in header could not be read. If a proxy changes headers, go around it; "
    "else try legacy_header = true in config.toml.",
    "INVALID_MESSAGE": f"The signed message could not be read. {_REPORT}",
    "ADDRESS_MISMATCH": f"The signature is of another address than the one that was sent. {_KEY}",
    "INVALID_SIGNATURE": f"The signature is not the wallet's. {_KEY}",
    "INVALID_WALLET": f"The service does not accept this wallet's address. {_KEY}",
    "INVALID_CHAIN_ID": f"The chain's id could not be read. {_REPORT}",
    "CHAIN_MISMATCH": f"The header and the signed message name two chains. {_REPORT}",
    "UNSUPPORTED_CHAIN": "The service signs in wallets of Base and Solana. Use a key of one of them.",
    "DOMAIN_MISMATCH": "The signature is for api.venice.ai. Check VENICE_API_BASE_URL.",
}
CODES = frozenset(PREFIX + reason for reason in _REMEDIES)


def sign_in_remedy(code: str) -> str | None:
    """What to do about a refused signature; None where the code is not about one."""
    if not code.startswith(PREFIX):
        return None
    return _REMEDIES.get(code.removeprefix(PREFIX), f"The signature was refused. {_KEY}")
