"""``%venice login``: ask for a key without showing it, check it, and keep it only where the person says."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from venice_widgets.config import Secret
from venice_widgets.credentials import kind_of_key, store_key
from venice_widgets.current import use_session
from venice_widgets.display import Bundle, notice
from venice_widgets.errors import CredentialsRefused
from venice_widgets.session import Session

from .account import amounts_text
from .command import Command

if TYPE_CHECKING:
    import argparse
    from collections.abc import Mapping


def _login(_: Session, given: Mapping[str, Any]) -> Bundle:
    wallet = bool(given.get("wallet"))
    secret = _ask("Wallet private key: " if wallet else "Venice API key: ")
    legacy = bool(given.get("legacy_header"))
    session = Session(wallet=secret, legacy_header=legacy) if wallet else Session(api_key=secret)
    balance = session.balance()
    kept = _keep(secret, wallet=wallet) if given.get("store") else "kept for this session alone"
    use_session(session)
    kind = "wallet" if wallet else f"{kind_of_key(secret)} key".replace("unknown ", "")
    left = amounts_text(balance) or "not told"
    return notice(f"The {kind} {secret.masked} works. Balance: {left}. It is {kept}.", kind="information")


def _ask(question: str) -> Secret:
    from getpass import getpass

    try:
        secret = Secret(getpass(question))
    except (EOFError, NotImplementedError) as exc:  # a front end that takes no input says the second
        raise CredentialsRefused(
            "nobody can type a key here.", "Set VENICE_API_KEY or VENICE_WALLET_KEY before Jupyter starts."
        ) from exc
    if not secret:
        raise CredentialsRefused("no key was typed.", "Nothing was changed.")
    return secret


def _keep(secret: Secret, *, wallet: bool) -> str:
    return f"stored in the {store_key(secret, name='wallet_key' if wallet else 'api_key')}"


def _declare(parser: argparse.ArgumentParser) -> None:
    parser.add_argument(
        "--wallet", action="store_true", default=None, help="A wallet's private key instead of an API key."
    )
    parser.add_argument("--store", action="store_true", default=None, help="Keep it in this computer's keyring.")
    parser.add_argument(
        "--legacy-header", action="store_true", default=None, help="Sign in by the old header X-Sign-In-With-X."
    )


LOGIN = Command("login", "Type a key without showing it, and check it.", _login, _declare)
