"""What a session works with: its settings, its catalogue, its log and the way to the API, each made at its first use.

Apart from `Session`, which says what is done with them: built, sent, awaited. Here is what they share, such as one
rate limiter for all generations, and how everything is closed.
"""

from __future__ import annotations

import threading
from dataclasses import replace
from decimal import Decimal
from typing import TYPE_CHECKING, Self

from ulid import ULID

from venice_widgets.client.balance import Balance, ask_balance
from venice_widgets.client.catalogue_cache import FRESH_SECONDS, CatalogueKeeper, newest_copy
from venice_widgets.client.client import Client
from venice_widgets.client.wallet import WALLET_IN_FLIGHT, uses_wallet
from venice_widgets.config import Settings, as_secret, read_settings, with_limits_of_now
from venice_widgets.config.values import checked
from venice_widgets.credentials import with_credential
from venice_widgets.files.store_folder import has_log
from venice_widgets.files.user_path import user_path
from venice_widgets.generation.in_flight import InFlight
from venice_widgets.generation.may_send import budgets_of
from venice_widgets.generation.rate_limiter import RateLimiter, SharedStarts
from venice_widgets.log import Budgets, Log
from venice_widgets.made_once import made_once
from venice_widgets.money import usd_text

if TYPE_CHECKING:
    from pathlib import Path

    import httpx

    from venice_widgets.config import Secret
    from venice_widgets.log import RunRecord
    from venice_widgets.request.catalogue import Catalogue


class Connection:
    """What a `Session` works with; the arguments are described there."""

    def __init__(
        self,
        *,
        api_key: str | Secret | None = None,
        wallet: str | Secret | None = None,
        dotenv: str | Path | None = None,
        base_url: str | None = None,
        store: str | Path | None = None,
        max_cost_usd: Decimal | str | float | None = None,
        confirm_above_usd: Decimal | str | float | None = None,
        legacy_header: bool = False,
        demo: bool | None = None,
        transport: httpx.BaseTransport | None = None,
    ) -> None:
        api_key, wallet = as_secret(api_key), as_secret(wallet)
        self._arguments = {
            "api_key": api_key,
            "wallet_key": wallet,
            "base_url": base_url,
            "store": store,
            "max_cost_usd": max_cost_usd,
            "confirm_above_usd": confirm_above_usd,
            "legacy_header": legacy_header or None,
        }
        settings = read_settings(self._arguments)
        wants_demo = settings.demo if demo is None else checked("demo", demo, "argument")
        self._stated = settings.for_demo() if wants_demo else replace(settings, demo=False)
        self._dotenv = None if dotenv is None else user_path(dotenv, "dotenv")
        self._transport = transport
        self._told_of_recovery = False
        self._making = threading.RLock()
        self._in_flight = InFlight()
        self.session_id = str(ULID())
        """What budgets "per session" go by."""

    @property
    def settings(self) -> Settings:
        """What holds now: the limits as they are stated now, everything else as when the session began.

        Raises:
            ConfigurationError: a limit cannot be used, the ``.env`` cannot be read, or the keyring is locked or broken.
        """
        return with_limits_of_now(self._begun, self._arguments)

    @property
    def lacks_key(self) -> bool:
        """Whether it has looked for a key and found none."""
        begun: Settings | None = self.__dict__.get("_begun")
        return begun is not None and begun.credential is None

    @made_once
    def _begun(self) -> Settings:
        """The settings with the key from wherever people keep them (see `credentials`)."""
        stays = self._stated.demo or (self._transport is not None and self._dotenv is None)
        return self._stated if stays else with_credential(self._stated, dotenv=self._dotenv)

    def left_text(self) -> str:
        """What the budgets leave, in words; empty where none is set."""
        left = self.log.left(self.budgets, self.session_id)
        return " · ".join(f"{one.scope} budget leaves {usd_text(max(one.left_usd, Decimal(0)))}" for one in left)

    @property
    def budgets(self) -> Budgets:
        """The limits on what may be spent in all."""
        return budgets_of(self.settings)

    @made_once
    def _pace(self) -> RateLimiter:
        """One for all generations: the service counts a wallet's requests together, whatever they belong to."""
        settings = self.settings
        if settings.demo:
            return RateLimiter(None)
        credential = settings.credential
        account = f"{settings.base_url} {credential.reveal() if credential else ''}"
        return RateLimiter(
            settings.requests_per_minute,
            WALLET_IN_FLIGHT if uses_wallet(settings) else None,
            starts=SharedStarts(settings.store / "rate.sqlite", account),
            fixed="requests_per_minute" in settings.sources,
        )

    @property
    def in_flight(self) -> InFlight:
        """What `close` and the end of the program wait for."""
        return self._in_flight

    @property
    def rate_limiter(self) -> RateLimiter:
        """The rate at which this session sends, shared with the others of its store."""
        return self._pace

    @made_once
    def client(self) -> Client:
        """What talks to the API."""
        transport = self._transport
        if transport is None and self.settings.demo:
            from venice_widgets.simulator import Simulator

            transport = Simulator(requests_per_minute=None, balance_usd="1000").transport()
        return Client(self.settings, transport)

    @made_once
    def log(self) -> Log:
        """The record of every request; opened at first use.

        Raises:
            StoreError: it cannot be opened.
        """
        return Log.open(self._stated.store, read_timeout_seconds=self._stated.read_timeout_seconds)

    @made_once
    def catalogue_keeper(self) -> CatalogueKeeper:
        """What knows how old the catalogue is."""
        return CatalogueKeeper(self.settings, self.client)

    def catalogue(self, *, max_age_seconds: float = FRESH_SECONDS) -> Catalogue:
        """The models, prices and styles, no older than `max_age_seconds` if Venice can be reached.

        Raises:
            VeniceError: they cannot be fetched, and there is no copy.
        """
        return self.catalogue_keeper.current(max_age_seconds=max_age_seconds)

    def known_catalogue(self) -> Catalogue | None:
        """The catalogue at hand, however old, for completion: neither the network nor a keyring is asked."""
        if self._stated.demo:
            return self.catalogue()
        if "_begun" in self.__dict__ or self._transport is not None:
            return self.catalogue_keeper.known()
        return newest_copy(self._stated.store, self._stated.base_url)

    def known_runs(self, limit: int = 20) -> list[RunRecord]:
        """The newest runs, for completion: no store is made and no keyring asked."""
        return self.log.search(limit=limit) if has_log(self._stated.store) else []

    def balance(self) -> Balance:
        """What is left on the account; costs nothing.

        Raises:
            CredentialsRefused: there is no key, or it is wrong.
            ResponseError: the response cannot be understood.
        """
        return ask_balance(self.settings, self.client)

    def close(self, *, cancel: bool = False) -> None:
        """Wait for what is in flight, free the connections and close the log; the session can be used again.

        Args:
            cancel: whether requests that were not sent yet are not sent any more.

        Raises:
            Interrupted: the user did not want to wait; what was in flight was given up, and is on record as that.
        """
        try:
            self._in_flight.finish(cancel=cancel)
        finally:
            with self._making:
                for name in ("client", "log"):
                    if name in self.__dict__:
                        self.__dict__.pop(name).close()
                if "_pace" in self.__dict__:
                    self._pace.close()  # and kept: what it has learned of the limit still holds

    def __enter__(self) -> Self:
        return self

    def __exit__(self, kind: type[BaseException] | None, *_: object) -> None:
        self.close(cancel=kind is not None)
