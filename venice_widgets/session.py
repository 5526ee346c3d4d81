"""Check, price, reserve, send, keep: the one place where they meet.

A `Session` is what a notebook works with: settings, a catalogue, a log, connections. ``session.build`` looks and prices
without sending anything; ``session.send`` sends what was built; ``session.generate`` does both and waits.
"""

from __future__ import annotations

from decimal import Decimal
from functools import cached_property, partial
from pathlib import Path
from typing import TYPE_CHECKING, Any, Unpack

from ulid import ULID

from venice_widgets.client.balance import Balance, ask_balance
from venice_widgets.client.catalogue_cache import FRESH_SECONDS, CatalogueKeeper
from venice_widgets.client.client import Client
from venice_widgets.client.http_errors import cleaned
from venice_widgets.client.payment_required import no_credentials
from venice_widgets.client.wallet import WALLET_IN_FLIGHT, uses_wallet
from venice_widgets.generation.dispatch import RateLimiter
from venice_widgets.generation.notices import age_notes, known_notes, recovery_notes
from venice_widgets.generation.origin import circumstances
from venice_widgets.generation.prepared import Prepared, as_rewritten, known_requests, seeds_to_send
from venice_widgets.generation.sender import Sender, interrupted
from venice_widgets.request.estimate import estimate
from venice_widgets.request.request import GenerationRequest
from venice_widgets.request.seeds import plan_seeds
from venice_widgets.request.spending import allow, ask_user
from venice_widgets.request.style_reference import read_reference

from .config import Settings, as_secret, read_settings, with_limits_of_now
from .credentials import refuse_keys, with_credential
from .errors import CredentialsRefused, InvalidRequest, SpendingRefused
from .log import Budgets, Log
from .money import parse_usd, usd_text
from .redact import scrub
from .shell import running_shell

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    import httpx

    from venice_widgets.generation.result import Generation
    from venice_widgets.request.catalogue import Catalogue
    from venice_widgets.request.fields import Fields

    from .config import Secret


class Session:
    """A connection to Venice, with its catalogue and its log. Safe to use from several threads.

    Args:
        api_key: the key; where None, the environment's ``VENICE_API_KEY`` (see `config` for the precedence).
        wallet: a wallet's private key, used where there is no API key.
        dotenv: a ``.env`` file to look for the key in, where neither argument nor environment has one.
        base_url: where requests go.
        store: the folder of pictures and records.
        max_cost_usd: no generation may cost more US dollars than this.
        confirm_above_usd: above this many US dollars a person is asked first.
        legacy_header: let a wallet sign in by the old header.
        demo: let the built-in simulator answer; nothing is charged, and a store of its own is used.
        transport: what carries requests, for tests; None for the network (or the simulator in demo mode).

    Raises:
        ConfigurationError: a setting cannot be used.
    """

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
        demo: bool = False,
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
        self._stated = settings.for_demo() if demo else settings
        self._dotenv = None if dotenv is None else Path(dotenv).expanduser()
        self._transport = transport
        self._told_of_recovery = False
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
        return begun is not None and not (begun.api_key or begun.wallet_key)

    @cached_property
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
        return Budgets(
            session_usd=self.settings.session_budget_usd,
            day_usd=self.settings.day_budget_usd,
            project_usd=self.settings.project_budget_usd,
        )

    @cached_property
    def _pace(self) -> RateLimiter:
        """One for all generations: the service counts a wallet's requests together, whatever they belong to."""
        in_flight = WALLET_IN_FLIGHT if uses_wallet(self.settings) else None
        return RateLimiter(None if self.settings.demo else self.settings.requests_per_minute, in_flight)

    @cached_property
    def client(self) -> Client:
        """The wire."""
        transport = self._transport
        if transport is None and self.settings.demo:
            from .simulator import Simulator

            transport = Simulator(requests_per_minute=None, balance_usd="1000").transport()
        return Client(self.settings, transport)

    @cached_property
    def log(self) -> Log:
        """The record of every request; opened at first use.

        Raises:
            StoreError: it cannot be opened.
        """
        return Log.open(self.settings.store, read_timeout_seconds=self.settings.read_timeout_seconds)

    @cached_property
    def catalogue_keeper(self) -> CatalogueKeeper:
        """What knows how old the catalogue is."""
        return CatalogueKeeper(self.settings, self.client)

    def catalogue(self, *, max_age_seconds: float = FRESH_SECONDS) -> Catalogue:
        """The models, prices and styles, no older than `max_age_seconds` if Venice can be reached.

        Raises:
            VeniceError: they cannot be fetched, and there is no copy.
        """
        return self.catalogue_keeper.current(max_age_seconds=max_age_seconds)

    def balance(self) -> Balance:
        """What is left on the account; costs nothing.

        Raises:
            CredentialsRefused: there is no key, or it is wrong.
            ResponseError: the answer cannot be understood.
        """
        return ask_balance(self.settings, self.client)

    def build(
        self, prompt: str, *, images: int | None = None, reuse: bool = False, **fields: Unpack[Fields]
    ) -> Prepared:
        """Check a generation against its model and price it. Sends nothing that costs.

        Args:
            prompt: what the pictures show, 1 character up to the model's limit.
            images: how many pictures, 1 … 1000; None for one, or as many as `seed` lists.
            reuse: show what the log already holds of these very requests, and send only the rest.
            fields: the parameters of ``POST /image/generate``, see `Fields`.

        Raises:
            InvalidRequest: names the field, the value, what is allowed and the nearest right one.
            ModelUnavailable: no such model, or one that cannot make a picture now.
        """
        texts = {"prompt": prompt, "negative_prompt": fields.get("negative_prompt")}
        refuse_keys(texts, (self.settings.api_key, self.settings.wallet_key))
        plan = plan_seeds(fields.get("seed"), images)
        if reuse and plan.drawn:
            raise InvalidRequest(
                "reuse needs a seed: one that is drawn now is in no log.",
                "Give the seed. Nothing was sent.",
                field="seed",
            )
        catalogue = self.catalogue()
        request = GenerationRequest.build(prompt, fields, catalogue)
        request = request.with_references(
            [read_reference(spec, self.client.fetch_reference) for spec in request.reference_specs]
        )
        known = known_requests(self.log, request, plan, self.settings.base_url)
        if reuse and (rewritten := as_rewritten(request, known)) is not request:
            request = rewritten
            known = known_requests(self.log, request, plan, self.settings.base_url) | known
        requests = len(seeds_to_send(plan, known, reuse=reuse))
        priced = estimate(request, requests, simulated=self.settings.demo)
        return Prepared(request, plan, priced, catalogue.fetched_at, known, reuse)

    def send(
        self,
        prepared: Prepared,
        *,
        max_cost_usd: Decimal | str | float | None = None,
        yes: bool = False,
        ask: Callable[[str], bool | None] | None = ask_user,
        context: Mapping[str, Any] | None = None,
    ) -> Generation:
        """Send what was built, once the limits and the person allow it; returns at once.

        Args:
            prepared: from `build`.
            max_cost_usd: the limit for this generation, in place of the session's; it also says yes up to there.
            yes: the person has agreed to the price.
            ask: puts a question to the person; None where nobody is there.
            context: where the request comes from, for the log.

        Raises:
            SpendingRefused: too dear, of unknown price under a limit, not agreed to, or built more than an hour ago.
            CredentialsRefused: there is no key.
            StoreError: the record cannot be written; nothing was sent.
        """
        if prepared.to_send:
            self._allow(prepared, max_cost_usd, ask, yes=yes)
        sender = Sender(self.settings, self.client, self.log, self._pace, self.budgets, self.session_id)
        generation = sender.send(prepared, self._context(context or {}), self._opening_notes(prepared))
        self._told_of_recovery = True
        return generation

    def generate(
        self,
        prompt: str,
        *,
        images: int | None = None,
        max_cost_usd: Decimal | str | float | None = None,
        yes: bool = False,
        reuse: bool = False,
        **fields: Unpack[Fields],
    ) -> Generation:
        """Make pictures and wait for them.

        Arguments and errors are those of `build` and `send`, and:

        Raises:
            GenerationIncomplete: pictures are missing; what arrived is kept, and on the exception.
            Interrupted: the person stopped it; what was sent keeps being filed in the store.
        """
        prepared = self.build(prompt, images=images, reuse=reuse, **fields)
        generation = self.send(prepared, max_cost_usd=max_cost_usd, yes=yes)
        self.await_generation(generation)
        generation.raise_for_missing()
        return generation

    def await_generation(self, generation: Generation, on_tick: Callable[[Generation], None] | None = None) -> None:
        """Wait for a generation in the main thread, telling `on_tick` twice a second how far it is.

        Raises:
            Interrupted: an interrupt came; nothing more is sent.
        """
        try:
            while not generation.wait(0.5):
                if on_tick:
                    on_tick(generation)
        except KeyboardInterrupt:
            generation.cancel()
            if set(recovery_notes(self.log.recovered)) & set(generation.notes):
                self._told_of_recovery = False  # nobody saw them: they come with the next pictures
            raise interrupted(generation) from None

    def _context(self, stated: Mapping[str, Any]) -> dict[str, Any]:
        """Where a request comes from, as far as it can be told, and what the caller says of it."""
        keys = (self.settings.api_key, self.settings.wallet_key)
        found = circumstances(running_shell(), cell=stated.get("cell"), secrets=keys)
        return {**cleaned(dict(stated), partial(scrub, secrets=keys)), **found}

    def close(self) -> None:
        """Free the connections and close the log. What is on its way is given up, and stands as sent in the log."""
        for name in ("client", "log"):
            if name in self.__dict__:
                self.__dict__.pop(name).close()

    def __enter__(self) -> Session:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def _allow(
        self,
        prepared: Prepared,
        max_cost_usd: Decimal | str | float | None,
        ask: Callable[[str], bool | None] | None,
        *,
        yes: bool,
    ) -> None:
        if not (self.settings.api_key or self.settings.wallet_key):
            raise CredentialsRefused(*no_credentials())
        _refuse_old(prepared)
        allow(
            prepared.estimate,
            self.settings,
            price_age_seconds=prepared.price_age_seconds,
            max_cost_usd=None if max_cost_usd is None else parse_usd(max_cost_usd, "max_cost_usd"),
            yes=yes,
            ask=ask,
        )
        _refuse_old(prepared)  # the question may have waited overnight for its answer

    def _opening_notes(self, prepared: Prepared) -> tuple[str, ...]:
        """What is told with the next pictures; what an earlier session left, once."""
        recovered = () if self._told_of_recovery else recovery_notes(self.log.recovered)
        return (*age_notes(prepared), *known_notes(prepared), *recovered)


def _refuse_old(prepared: Prepared) -> None:
    if prepared.age_seconds > FRESH_SECONDS:
        raise SpendingRefused(
            f"it was priced {prepared.age_seconds / 3600:.1f} hours ago, and prices may have changed since.",
            "Build it again, or run the cell again. Nothing was sent.",
        )
