"""Check, price, reserve, send, store: the one place where they meet.

A `Session` is what a notebook works with: settings, a catalogue, a log, connections. ``session.build`` looks and prices
without sending anything; ``session.send`` sends what was built; ``session.generate`` does both and waits.
"""

from __future__ import annotations

import threading
from dataclasses import replace
from decimal import Decimal
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Any, Unpack

from ulid import ULID

from venice_widgets.client.balance import Balance, ask_balance
from venice_widgets.client.catalogue_cache import FRESH_SECONDS, CatalogueKeeper, newest_copy
from venice_widgets.client.client import Client
from venice_widgets.client.error_body import cleaned
from venice_widgets.client.payment_required import no_credentials
from venice_widgets.client.wallet import WALLET_IN_FLIGHT, uses_wallet
from venice_widgets.generation.copies import copies_of
from venice_widgets.generation.in_flight import InFlight
from venice_widgets.generation.notices import age_notes, known_notes, recovery_notes
from venice_widgets.generation.origin import circumstances
from venice_widgets.generation.prepared import Prepared, as_rewritten, known_requests, seeds_to_send
from venice_widgets.generation.rate_limiter import RateLimiter, SharedStarts
from venice_widgets.generation.run import interrupted
from venice_widgets.generation.sender import Sender
from venice_widgets.request.estimate import estimate
from venice_widgets.request.request import GenerationRequest
from venice_widgets.request.seeds import plan_seeds
from venice_widgets.request.spending import STALE_SECONDS, allow
from venice_widgets.request.style_reference import read_reference

from .config import LIMITS, Settings, as_secret, read_settings, with_limits_of_now
from .credentials import refuse_keys, with_credential
from .errors import ConfigurationError, CredentialsRefused, Interrupted, SpendingRefused
from .log import DATABASE_FILE, Budgets, Log
from .made_once import made_once
from .money import parse_usd, usd_text
from .redact import scrub_own_words
from .shell import running_shell

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence

    import httpx

    from venice_widgets.generation.result import Generation
    from venice_widgets.log import RunRecord
    from venice_widgets.request.catalogue import Catalogue
    from venice_widgets.request.fields import Fields

    from .config import Secret
    from .plan import Plan


class Session:
    """A connection to Venice, with its catalogue and its log. Safe to use from several threads.

    Args:
        api_key: the key; where None, the environment's ``VENICE_API_KEY`` (see `config` for the precedence).
        wallet: a wallet's private key, used where there is no API key.
        dotenv: a ``.env`` file to look for the key in, where neither argument nor environment has one.
        base_url: where requests go.
        store: the folder of images and records.
        max_cost_usd: no generation may cost more US dollars than this; it holds in the demo too.
        confirm_above_usd: above this many US dollars the user is asked first.
        legacy_header: let a wallet sign in by the old header.
        demo: let the built-in simulator answer; nothing is charged, and a store of its own is used. None follows the
            setting of that name.
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
        wants_demo = settings.demo if demo is None else demo
        self._stated = settings.for_demo() if wants_demo else replace(settings, demo=False)
        self._dotenv = None if dotenv is None else Path(dotenv).expanduser()
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
        return begun is not None and not (begun.api_key or begun.wallet_key)

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
        return _budgets(self.settings)

    @made_once
    def _pace(self) -> RateLimiter:
        """One for all generations: the service counts a wallet's requests together, whatever they belong to."""
        settings = self.settings
        if settings.demo:
            return RateLimiter(None)
        credential = settings.api_key or settings.wallet_key
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
            from .simulator import Simulator

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
        return self.log.search(limit=limit) if (self._stated.store / DATABASE_FILE).exists() else []

    def balance(self) -> Balance:
        """What is left on the account; costs nothing.

        Raises:
            CredentialsRefused: there is no key, or it is wrong.
            ResponseError: the response cannot be understood.
        """
        return ask_balance(self.settings, self.client)

    def build(
        self, prompt: str, *, images: int | None = None, again: bool | None = False, **fields: Unpack[Fields]
    ) -> Prepared:
        """Check a generation against its model and price it. Sends nothing that costs.

        A request whose seed was given, and that the log holds with its image, is shown from there at no cost.

        Args:
            prompt: what the images show, 1 character up to the model's limit.
            images: how many images, 1 … 1000; None for one, or as many as `seed` lists.
            again: whether to send what the log holds once more: True sends it, False follows the setting ``reuse``,
                None shows it from the log even where that setting says "never".
            fields: the parameters of ``POST /image/generate``, see `Fields`.

        Raises:
            InvalidRequest: names the field, the value, what is allowed and the nearest right one.
            ModelUnavailable: there is no such model, or it cannot make an image now.
        """
        settings = self.settings
        texts = {"prompt": prompt, "negative_prompt": fields.get("negative_prompt")}
        refuse_keys(texts, (settings.api_key, settings.wallet_key))
        for name in ("model", "format"):
            if fields.get(name) is None and (value := getattr(settings, name)) is not None:
                fields[name] = value
        plan = plan_seeds(fields.get("seed"), images)
        catalogue = self.catalogue()
        request = GenerationRequest.build(prompt, fields, catalogue)
        request = request.with_references(
            [read_reference(spec, self.client.fetch_reference) for spec in request.reference_specs]
        )
        sends_again = settings.reuse == "never" if again is False else bool(again)
        known = known_requests(self.log, request, plan, settings.base_url)
        if not sends_again and (rewritten := as_rewritten(request, known)) is not request:
            request = rewritten
            known = known_requests(self.log, request, plan, settings.base_url) | known
        requests = len(seeds_to_send(plan, known, again=sends_again))
        priced = estimate(request, requests, simulated=settings.demo)
        return Prepared(request, plan, priced, catalogue.fetched_at, known, sends_again)

    def send(
        self,
        prepared: Prepared,
        *,
        max_cost_usd: Decimal | str | float | None = None,
        yes: bool = False,
        ask: Callable[[str], bool | None] | None = None,
        context: Mapping[str, Any] | None = None,
        again: bool = False,
    ) -> Generation:
        """Send what was built, once the limits and the user allow it; returns at once.

        Args:
            prepared: from `build`. It is sent once.
            max_cost_usd: the limit for this generation, in place of the session's; it also confirms a price up to it.
            yes: the user has confirmed the price.
            ask: puts a question to the user; None where no question is asked, as in a program.
            context: where the request comes from, for the log.
            again: send it although it was sent before.

        Raises:
            SpendingRefused: too expensive, of unknown price under a limit, not confirmed, or built over an hour ago.
            CredentialsRefused: there is no key.
            InvalidRequest: it was sent already.
            StoreError: the record cannot be written; nothing was sent.
            Interrupted: an interrupt came; it says what was sent until then.
        """
        try:
            prepared.sending.take(again=again)
            try:
                return self._send(prepared, max_cost_usd, ask, context or {}, yes=yes)
            except BaseException:
                prepared.sending.give_back()
                raise
        except KeyboardInterrupt as exc:
            raise self._stopped(prepared, exc) from None

    def _send(
        self,
        prepared: Prepared,
        max_cost_usd: Decimal | str | float | None,
        ask: Callable[[str], bool | None] | None,
        context: Mapping[str, Any],
        *,
        yes: bool,
    ) -> Generation:
        settings = self.settings
        limit = None if max_cost_usd is None else parse_usd(max_cost_usd, "max_cost_usd")
        if prepared.to_send:
            self._allow(prepared, settings, limit, ask, yes=yes)
        budgets = _budgets(settings)
        sender = Sender(settings, self.client, self.log, self._pace, budgets, self.session_id, self._in_flight)
        still_allowed = partial(self._refuse_lowered, prepared, settings, limit)
        generation = sender.send(prepared, self._context(context), self._opening_notes(prepared), still_allowed)
        self._told_of_recovery = True
        return generation

    def send_and_wait(
        self,
        prepared: Prepared,
        *,
        max_cost_usd: Decimal | str | float | None = None,
        yes: bool = False,
        ask: Callable[[str], bool | None] | None = None,
        context: Mapping[str, Any] | None = None,
        again: bool = False,
        on_sent: Callable[[Generation], None] | None = None,
        on_tick: Callable[[Generation], None] | None = None,
    ) -> Generation:
        """`send` and wait, so that an interrupt at any moment says what became of the money.

        Args:
            prepared: as the other arguments, see `send`.
            max_cost_usd: see `send`.
            yes: see `send`.
            ask: see `send`.
            context: see `send`.
            again: see `send`.
            on_sent: told the generation as soon as it is being sent.
            on_tick: told of it twice a second while it runs.

        Raises:
            VeniceError: see `send`. Missing images are not an error here: `Generation.raise_for_missing` is.
            Interrupted: an interrupt came; nothing more is sent.
        """
        try:
            generation = self.send(prepared, max_cost_usd=max_cost_usd, yes=yes, ask=ask, context=context, again=again)
            if on_sent:
                on_sent(generation)
            self.await_generation(generation, on_tick)
        except KeyboardInterrupt as exc:
            raise self._stopped(prepared, exc) from None
        return generation

    def generate(
        self,
        prompt: str,
        *,
        images: int | None = None,
        max_cost_usd: Decimal | str | float | None = None,
        yes: bool = False,
        again: bool | None = False,
        save: str | Path | None = None,
        metadata: str = "full",
        **fields: Unpack[Fields],
    ) -> Generation:
        """Make images and wait for them; no question is ever asked.

        Arguments and errors are those of `build` and `send`, and:

        Args:
            prompt: see `build`.
            images: see `build`.
            max_cost_usd: see `send`.
            yes: see `send`.
            again: see `build`.
            save: a file for a copy of each image, such as ``fox-{seed}.{ext}``; checked before anything is sent.
            metadata: how much of the recipe the copies carry, see `Image.save`.
            fields: see `build`.

        Raises:
            GenerationIncomplete: images are missing; what arrived is stored, and on the exception.
            Interrupted: the user stopped it; what was sent is still stored as it arrives.
        """
        copies = copies_of(save, metadata)
        prepared = self.build(prompt, images=images, again=again, **fields)
        if copies:
            copies.check(prepared)
        generation = self.send_and_wait(prepared, max_cost_usd=max_cost_usd, yes=yes)
        written = copies.write(generation) if copies else None
        generation.raise_for_missing()
        if written and written.problem:
            raise written.problem
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
        except KeyboardInterrupt as exc:
            raise self._told_of_stop(generation, exc) from None

    def _stopped(self, prepared: Prepared, cause: KeyboardInterrupt) -> Interrupted:
        """The error of an interrupt at any moment of sending or waiting."""
        generation = prepared.sending.generation
        if generation is not None:
            return self._told_of_stop(generation, cause)
        prepared.sending.give_back()
        return cause if isinstance(cause, Interrupted) else Interrupted("stopped.", "Nothing was sent.")

    def _told_of_stop(self, generation: Generation, cause: KeyboardInterrupt) -> Interrupted:
        if isinstance(cause, Interrupted):
            return cause
        generation.cancel()
        if set(recovery_notes(self.log.recovered)) & set(generation.notes):
            self._told_of_recovery = False  # the user has not seen them: they come with the next images
        return interrupted(generation)

    def _context(self, stated: Mapping[str, Any]) -> dict[str, Any]:
        """Where a request comes from, as far as it can be told, and what the caller says of it."""
        keys = (self.settings.api_key, self.settings.wallet_key)
        found = circumstances(running_shell(), cell=stated.get("cell"), secrets=keys)
        return {**cleaned(dict(stated), partial(scrub_own_words, secrets=keys)), **found}

    def circumstances(self, stated: Mapping[str, Any]) -> dict[str, Any]:
        """Where a request comes from, as the log keeps it: what the caller says and what can be found out."""
        return self._context(stated)

    def plan(
        self,
        prompt: Any,
        *,
        images: int | None = None,
        where: Callable[[Mapping[str, Any]], Any] | None = None,
        zip: bool | Sequence[str] = False,  # noqa: A002  the word for it
        skip_invalid: bool = False,
        search_replace: Sequence[str] | None = None,
        variables: Mapping[str, Any] | None = None,
        again: bool = False,
        **fields: Any,
    ) -> Plan:
        """A plan of many requests that differ in some values alone. Sends nothing that costs.

        Every field with several values is an axis, and so is every ``{{ variable }}`` of the prompt with several. All
        else is held fixed, the seeds above all: where none is given, one is drawn for the whole plan. Values are
        lists, ranges, arrays or series, or text such as ``"1..5"``, ``"1-10 (+2)"`` or ``"0-1 [5]"``
        (`venice_widgets.request.axes`).

        Args:
            prompt: a template such as ``"A {{ animal }} at dawn"``; several prompts; or a table, one request a row: a
                pandas data frame or a list of dicts, whose columns are fields, ``prompt``, and variables.
            images: how many seeds, counted on from the given one or drawn.
            where: gets each combination's values by name; False leaves it out.
            zip: True lets all axes move together, a list of names those; otherwise every combination is a cell.
            skip_invalid: leave out the cells that their model cannot make, instead of refusing to run.
            search_replace: a text that stands in the prompt, and others to put in its place.
            variables: of the prompt, where their names are those of fields.
            again: draw new seeds, also where the same plan was begun and not finished.
            fields: the fields of ``POST /image/generate`` and the prompt's variables, each a value or several.

        Raises:
            InvalidRequest: a name that does not exist, or values that cannot be used.
            VeniceError: the catalogue cannot be read.
        """
        from .plan import define, resume_drawn

        plan = define(
            prompt,
            host=self,
            images=images,
            where=where,
            zipped=zip,
            skip_invalid=skip_invalid,
            search_replace=search_replace,
            variables=variables,
            given=fields,
        )
        return plan if again else resume_drawn(plan, self)

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

    def __enter__(self) -> Session:
        return self

    def __exit__(self, kind: type[BaseException] | None, *_: object) -> None:
        self.close(cancel=kind is not None)

    def _allow(
        self,
        prepared: Prepared,
        settings: Settings,
        max_cost_usd: Decimal | None,
        ask: Callable[[str], bool | None] | None,
        *,
        yes: bool,
    ) -> None:
        if not (settings.api_key or settings.wallet_key):
            raise CredentialsRefused(*no_credentials())
        _refuse_old(prepared)
        allow(
            prepared.estimate,
            settings,
            price_age_seconds=_age_for_limits(prepared),
            max_cost_usd=max_cost_usd,
            yes=yes,
            ask=ask,
        )
        _refuse_old(prepared)  # the question may have waited overnight for its answer

    def _refuse_lowered(self, prepared: Prepared, before: Settings, max_cost_usd: Decimal | None) -> None:
        """Refuse the rest of a generation where a limit was lowered while it runs."""
        try:
            now = self.settings
            if all(getattr(now, name) == getattr(before, name) for name in LIMITS):
                return
            allow(prepared.estimate, now, max_cost_usd=max_cost_usd, yes=True)
            self._refuse_overdrawn(now)
        except (SpendingRefused, ConfigurationError) as exc:
            raise SpendingRefused(
                f"a limit was changed while this ran: {exc.message}",
                "The rest was not sent. The same seeds again send only what is missing.",
            ) from exc

    def _refuse_overdrawn(self, settings: Settings) -> None:
        left = self.log.left(_budgets(settings), self.session_id)
        if short := next((one for one in left if one.left_usd < 0), None):
            raise SpendingRefused(f"the {short.scope}'s budget does not cover the rest.")

    def _opening_notes(self, prepared: Prepared) -> tuple[str, ...]:
        """What is told with the next images; what an earlier session left, once."""
        recovered = () if self._told_of_recovery else recovery_notes(self.log.recovered)
        return (*age_notes(prepared), *known_notes(prepared), *recovered)


def _budgets(settings: Settings) -> Budgets:
    return Budgets(
        session_usd=settings.session_budget_usd,
        day_usd=settings.day_budget_usd,
        project_usd=settings.project_budget_usd,
    )


def _age_for_limits(prepared: Prepared) -> float:
    """How old the prices are; where the clock was set back it cannot be known, so they are too old."""
    age = prepared.price_age_seconds
    return age if age >= -_CLOCK_SKEW_SECONDS else max(-age, STALE_SECONDS + 1)


_CLOCK_SKEW_SECONDS = 60.0
"""So much a clock may be set back by its own corrections."""


def _refuse_old(prepared: Prepared) -> None:
    if -_CLOCK_SKEW_SECONDS <= prepared.age_seconds <= FRESH_SECONDS:
        return
    when = f"{prepared.age_seconds / 3600:.1f} hours ago"
    if prepared.age_seconds < 0:
        when = "before the clock was set back"
    raise SpendingRefused(
        f"it was priced {when}, and prices may have changed since.",
        "Build it again, or run the cell again. Nothing was sent.",
    )
