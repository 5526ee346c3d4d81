"""Check, price, reserve, send, store: the one place where they meet.

A `Session` is what a notebook works with: settings, a catalogue, a log, connections. ``session.build`` looks and prices
without sending anything; ``session.send`` sends what was built; ``session.generate`` does both and waits.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from contextlib import suppress
from functools import partial
from typing import TYPE_CHECKING, Any, Unpack

from venice_widgets.client.error_body import cleaned
from venice_widgets.config import CONFIGURED
from venice_widgets.credentials import refuse_keys
from venice_widgets.errors import NOTHING_SENT, Interrupted, InvalidRequest, VeniceError, shown
from venice_widgets.generation.copies import copies_of
from venice_widgets.generation.may_send import allow_sending, budgets_of, refuse_lowered
from venice_widgets.generation.notices import age_notes, ending_notes, known_notes, recovery_notes
from venice_widgets.generation.origin import circumstances
from venice_widgets.generation.prepared import (
    Prepared,
    as_recorded,
    as_rewritten,
    known_requests,
    refuse_made,
    seeds_to_send,
)
from venice_widgets.generation.run import interrupted
from venice_widgets.generation.sender import Sender
from venice_widgets.money import parse_usd
from venice_widgets.redact import redact_own_words
from venice_widgets.request.estimate import estimate
from venice_widgets.request.fields import check_fields, check_switch
from venice_widgets.request.request import GenerationRequest
from venice_widgets.request.seeds import plan_seeds
from venice_widgets.request.style_reference import read_reference
from venice_widgets.shell import running_shell

from .connection import Connection

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence
    from decimal import Decimal
    from pathlib import Path

    from venice_widgets.generation.result import Generation
    from venice_widgets.log import Budgets, Left
    from venice_widgets.plan import Plan
    from venice_widgets.request.catalogue import Catalogue
    from venice_widgets.request.fields import Fields
    from venice_widgets.request.seeds import Plan as SeedPlan
    from venice_widgets.request.style_reference import StyleReference


class Session(Connection):
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
        refuse_keys({"prompt": prompt, **fields}, (settings.api_key, settings.wallet_key))
        for name in CONFIGURED:
            if fields.get(name) is None and (value := getattr(settings, name)) is not None:
                fields[name] = value
        plan = plan_seeds(fields.get("seed"), images)
        if not isinstance(fields.get("seed"), str) and isinstance(fields.get("seed"), Iterable):
            fields["seed"] = plan.seeds  # of numpy, or of a generator, which can be read only once
        again = None if again is None else check_switch("again", again)
        sends_again = settings.reuse == "never" if again is False else bool(again)
        catalogue = self.catalogue()
        request = self._request(prompt, fields, None if sends_again or plan.drawn else plan, catalogue)
        known = known_requests(self.log, request, plan, settings.base_url)
        if not sends_again and (rewritten := as_rewritten(request, known)) is not request:
            request = rewritten
            known = known_requests(self.log, request, plan, settings.base_url) | known
        requests = len(seeds_to_send(plan, known, again=sends_again))
        if requests and not any(model is request.model for model in catalogue.models):
            raise InvalidRequest(
                f"{request.model.id} does not take this request today, and an image of it has left the log meanwhile.",
                f"Change the request. {NOTHING_SENT}",
            )
        priced = estimate(request, requests, simulated=settings.demo)
        return Prepared(request, plan, priced, catalogue.fetched_at, known, sends_again)

    def _request(self, prompt: str, fields: Fields, shown: SeedPlan | None, catalogue: Catalogue) -> GenerationRequest:
        """The request, its references read; where its model refuses it, as the log holds all images of `shown`."""
        try:
            request = GenerationRequest.build(prompt, fields, catalogue)
            return request.with_references(self._read_references(request.reference_specs))
        except InvalidRequest:
            recorded = self._as_recorded(prompt, fields, shown, catalogue) if shown else None
            if recorded is None:
                raise
            return recorded

    def _read_references(self, specs: Iterable[str | Path | StyleReference]) -> list[StyleReference]:
        return [read_reference(spec, self.client.fetch_reference) for spec in specs]

    def _as_recorded(
        self, prompt: str, fields: Mapping[str, Any], plan: SeedPlan, catalogue: Catalogue
    ) -> GenerationRequest | None:
        """What a model refuses today, where the log holds all of its images; else None."""
        with suppress(VeniceError):
            specs = check_fields({"style_references": fields.get("style_references")}).get("style_references", ())
            return as_recorded(prompt, fields, plan, self.log, catalogue, self._read_references(specs))
        return None

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
            InvalidRequest: it was sent already, is in flight or was made since it was built, or is nothing that `build`
                returned.
            StoreError: the record cannot be written; nothing was sent.
            Interrupted: an interrupt came; it says what was sent until then.
        """
        if not isinstance(prepared, Prepared):
            raise InvalidRequest(f"{prepared!r} is nothing that build returned.", "send(build(…)), or generate(…).")
        again = check_switch("again", again)
        try:
            prepared.sending.take(again=again)
            try:
                once = not (again or prepared.again or prepared.parent)
                return self._send(prepared, max_cost_usd, ask, context or {}, yes=yes, once=once)
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
        once: bool,
    ) -> Generation:
        settings = self.settings
        limit = None if max_cost_usd is None else parse_usd(max_cost_usd, "max_cost_usd")
        if prepared.to_send:
            if once:
                refuse_made(prepared, self.log, settings.base_url)
            allow_sending(prepared, settings, limit, ask, yes=yes, left=self._budgets_left)
        budgets = budgets_of(settings)
        sender = Sender(settings, self.client, self.log, self._pace, budgets, self.session_id, self._in_flight)
        still_allowed = partial(
            refuse_lowered, prepared.estimate, settings, limit, now=lambda: self.settings, left=self._budgets_left
        )
        generation = sender.send(
            prepared, self._context(context), self._opening_notes(prepared), still_allowed, once=once
        )
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
            return generation  # noqa: TRY300  an interrupt here is reported too
        except KeyboardInterrupt as exc:
            raise self._stopped(prepared, exc) from None

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
        try:
            generation = self.send_and_wait(prepared, max_cost_usd=max_cost_usd, yes=yes)
            written = copies.write(generation) if copies else None
            generation.raise_for_missing()
        except KeyboardInterrupt as exc:
            raise self._stopped(prepared, exc) from None
        if written and written.problem:
            raise written.problem
        return generation

    def await_generation(self, generation: Generation, on_tick: Callable[[Generation], None] | None = None) -> None:
        """Wait for a generation in the main thread, telling `on_tick` twice a second the progress.

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
        if isinstance(cause, Interrupted):
            return cause
        if generation is not None:
            return self._told_of_stop(generation, cause)
        prepared.sending.give_back()
        return Interrupted("stopped.", NOTHING_SENT)

    def _told_of_stop(self, generation: Generation, cause: KeyboardInterrupt) -> Interrupted:
        if isinstance(cause, Interrupted):
            return cause
        generation.cancel()
        if set(recovery_notes(self.log.recovered)) & set(generation.notes):
            self._told_of_recovery = False  # the user has not seen them: they come with the next images
        return interrupted(generation)

    def _context(self, stated: Mapping[str, Any]) -> dict[str, Any]:
        """Where a request comes from, as far as it can be known, and what the caller says of it."""
        if not isinstance(stated, Mapping):
            raise InvalidRequest(f"context {shown(stated, repr)} is no dict.", NOTHING_SENT, field="context")
        keys = (self.settings.api_key, self.settings.wallet_key)
        found = circumstances(running_shell(), cell=stated.get("cell"), secrets=keys)
        return {**cleaned(dict(stated), partial(redact_own_words, secrets=keys)), **found}

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
        raw: bool = False,
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
            search_replace: a text that is in the prompt, and others to put in its place.
            variables: of the prompt, where their names are those of fields.
            again: draw new seeds, also where the same plan was begun and not finished.
            raw: leave braces in the prompt as they are.
            fields: the fields of ``POST /image/generate`` and the prompt's variables, each a value or several.

        Raises:
            InvalidRequest: a name that does not exist, or values that cannot be used.
            VeniceError: the catalogue cannot be read.
        """
        from venice_widgets.plan import define, filtered, resume_drawn

        plan = define(
            prompt,
            host=self,
            images=images,
            zipped=zip,
            skip_invalid=skip_invalid,
            search_replace=search_replace,
            variables=variables,
            given=fields,
            raw=raw,
        )
        # Filtered at last: `where` may look at the seeds, and a plan that was begun has its own.
        return filtered(plan if again else resume_drawn(plan, self), where)

    def _budgets_left(self, budgets: Budgets) -> tuple[Left, ...]:
        return self.log.left(budgets, self.session_id)

    def _opening_notes(self, prepared: Prepared) -> tuple[str, ...]:
        """What is reported with the next images; what an earlier session left, once."""
        recovered = () if self._told_of_recovery else recovery_notes(self.log.recovered)
        return (*ending_notes(prepared), *age_notes(prepared), *known_notes(prepared), *recovered)
