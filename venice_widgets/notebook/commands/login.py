"""``%venice login``: ask for a key without showing it, check it, and keep it only where the person says."""

from __future__ import annotations

import argparse
from typing import TYPE_CHECKING, Any

from IPython.core.error import UsageError

from venice_widgets.client.payment_required import KEYS_PAGE
from venice_widgets.config import Secret
from venice_widgets.credentials import Credential, credential_in, kind_of_key, store_key
from venice_widgets.current import go_on_with
from venice_widgets.display import Bundle, notice
from venice_widgets.errors import ConfigurationError, CredentialsRefused
from venice_widgets.files.user_path import user_path
from venice_widgets.session import Session

from .account import amounts_text
from .command import Command

if TYPE_CHECKING:
    from collections.abc import Mapping


def _login(_: Session, given: Mapping[str, Any]) -> Bundle:
    if given.get("key"):
        raise UsageError(
            "%venice login takes no key on its line, where it is saved with the notebook: take it out, and run "
            f"%venice login, which asks for it. If others can see this notebook, make a new key: {KEYS_PAGE}"
        )
    found = _found(given)
    session = _session(found, legacy_header=bool(given.get("legacy_header")))
    balance = session.balance()
    go_on_with(session)
    place = _keep(found) if given.get("store") else "used in this session alone"
    kind = "wallet" if found.name == "wallet_key" else f"{kind_of_key(found.secret)} key".replace("unknown ", "")
    left = amounts_text(balance) or "unknown"
    return notice(f"The {kind} {found.secret.masked} works. Balance: {left}. It is {place}.", kind="information")


def _found(given: Mapping[str, Any]) -> Credential:
    if given.get("dotenv"):
        return credential_in(user_path(given["dotenv"], "dotenv"))
    if given.get("wallet"):
        return Credential("wallet_key", _ask("Wallet private key: "), _SOURCE)
    return Credential("api_key", _ask("Venice API key: "), _SOURCE)


def _session(found: Credential, *, legacy_header: bool) -> Session:
    if found.name == "wallet_key":
        return Session(wallet=found.secret, legacy_header=legacy_header, demo=False)
    return Session(api_key=found.secret, legacy_header=legacy_header, demo=False)


_SOURCE = "%venice login"


def _ask(question: str) -> Secret:
    from getpass import getpass

    try:
        secret = Secret(getpass(question), _SOURCE)
    except (EOFError, NotImplementedError) as exc:  # a front end that takes no input says the second
        raise CredentialsRefused(
            "no one can type a key here.", "Set VENICE_API_KEY or VENICE_WALLET_KEY before Jupyter starts."
        ) from exc
    if not secret:
        raise CredentialsRefused("no key was typed.", "Nothing was changed.")
    return secret


def _keep(found: Credential) -> str:
    try:
        return f"stored in the {store_key(found.secret, name=found.name)}"
    except ConfigurationError as exc:
        raise ConfigurationError(
            exc.message, f"The key works and is used now, but is not stored. {exc.remedy}"
        ) from exc


def _declare(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("key", nargs="*", help=argparse.SUPPRESS)  # to be refused in better words, and not quoted
    parser.add_argument(
        "--wallet", action="store_true", default=None, help="A wallet's private key instead of an API key."
    )
    parser.add_argument("--dotenv", metavar="PATH", help="Take the key from this .env file instead of asking.")
    parser.add_argument("--store", action="store_true", default=None, help="Keep it in this computer's keyring.")
    parser.add_argument(
        "--legacy-header", action="store_true", default=None, help="Sign in by the old header X-Sign-In-With-X."
    )


LOGIN = Command("login", "Type a key without showing it, and check it.", _login, _declare)
