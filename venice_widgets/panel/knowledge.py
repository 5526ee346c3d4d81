"""The session behind a panel, and what is known of it: the catalogue, money, times, and what the log holds already.

Reading takes time, so it happens in two queues, one for the network and one for the log; what comes back for a session
that is no longer the panel's is dropped.
"""

from __future__ import annotations

import threading
from contextlib import suppress
from dataclasses import replace
from functools import cache
from typing import TYPE_CHECKING, Any

from venice_widgets.client.catalogue_cache import FRESH_SECONDS
from venice_widgets.current import current_session
from venice_widgets.errors import NOTHING_SENT, VeniceError
from venice_widgets.generation.prepared import known_requests

from .account import Account, account_name, read_account, read_balance, usual_seconds
from .history import favorite_runs, recent_models
from .quote import Quote, Terms, planned_seeds, quote
from .serial_queue import SerialQueue
from .state import settled
from .sweep import sweep_quote

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from venice_widgets.request.catalogue import Catalogue, Model
    from venice_widgets.session import Session

    from .state import Form, State


class Knowledge:
    """What a panel knows. Everything is guarded by one lock.

    Args:
        session: who builds and sends; None to follow the one that the magics use.
        state: the choices.
    """

    def __init__(self, session: Session | None, state: State) -> None:
        self.lock = threading.RLock()
        self.state, self._given = state, session
        self.network = SerialQueue("venice-panel-network", self.tell_error)
        self.records = SerialQueue("venice-panel-log", self.tell_error)
        self._forget_session(session or current_session())

    def publish(self, edit: Mapping[str, Any] | None = None) -> None:
        """Bring every view up to date."""
        raise NotImplementedError

    def tell_error(self, error: BaseException) -> None:
        """Say what went wrong."""
        raise NotImplementedError

    def _forget_session(self, session: Session) -> None:
        self.session = session
        self.catalogue: Catalogue | None = None
        self.load_error: VeniceError | None = None
        self.account, self.balance = Account(), ""
        self.usual: dict[str, float | None] = {}
        self.recent: list[str] = []
        self.favorites: frozenset[str] = frozenset()
        self._known: tuple[Form | None, frozenset[int]] = (None, frozenset())
        self._swept: tuple[Form | None, Quote] = (None, Quote())
        self._fetch: Callable[[str], bytes] = cache(self._read_reference)
        with suppress(VeniceError):
            self._adopt(session.catalogue_keeper.known())

    def follow(self) -> None:
        """Take the session in use, where the panel was not given one of its own."""
        session = self._given or current_session()
        if session is not self.session:
            self._forget_session(session)
            self.look_again()

    def look_again(self) -> None:
        """Read everything that may have changed elsewhere, in the background."""
        self.records.submit_once(self.read_log)
        self.network.submit_once(self._read_network)

    def after_cell(self) -> None:
        """A cell has run: it may have changed session, limits or log. Costs no request while prices are fresh."""
        self.records.submit_once(self._catch_up)

    def _catch_up(self) -> None:
        with self.lock:
            self.follow()
        if self.catalogue is None or self.catalogue.age_seconds >= FRESH_SECONDS:
            self.network.submit_once(self._read_network)
        self.read_log()

    def _adopt(self, catalogue: Catalogue | None) -> None:
        if catalogue is None or catalogue is self.catalogue:
            return
        self.catalogue, self.load_error = catalogue, None
        if model := catalogue.find(self.state.form.model or "default"):
            self.state = settled(self.state, model)

    def load(self) -> None:
        """Have a catalogue as fresh as a cell's; over the network where it must be.

        Raises:
            VeniceError: it cannot be had.
        """
        session = self.session
        try:
            catalogue = session.catalogue(max_age_seconds=FRESH_SECONDS)
        except VeniceError as exc:
            with self.lock:
                self.load_error = exc if session is self.session else self.load_error
            raise
        with self.lock:
            if session is self.session:
                self._adopt(catalogue)

    def _read_network(self) -> None:
        with suppress(VeniceError):  # it is shown where the models would be
            self.load()
        self.publish()
        session = self.session
        balance = read_balance(session)
        with self.lock:
            if session is self.session:
                self.balance = balance
        self.publish()
        self.records.submit_once(self.read_log)

    def read_log(self) -> None:
        """Read money, times and marks from the log."""
        session, model = self.session, self.state.form.model
        account, usual = read_account(session), usual_seconds(session, model)
        recent, favorites = recent_models(session.log), favorite_runs(session.log)
        with self.lock:
            if session is self.session:
                self.account, self.usual[model], self.recent, self.favorites = account, usual, recent, favorites
        self.look_up_known()
        self.publish()

    def look_up_known(self) -> None:
        """Whether the log holds this very request: for seeds that were given, and without reading references."""
        with self.lock:
            session, form = self.session, self.state.form
        if form.sweep:
            self.price_sweep(form)
            self.publish()
            return
        request = self.safe_quote().request
        if request is None or form.seeds is None or request.reference_specs:
            return
        found = known_requests(session.log, request, planned_seeds(form), session.settings.base_url)
        with self.lock:
            self._known = (replace(form, again=False), frozenset(found))
        self.publish()

    def _read_reference(self, url: str) -> bytes:
        return self.session.client.fetch_reference(url)

    def price_sweep(self, form: Form) -> None:
        """Price a sweep: reads the log, and the references that every cell has."""
        with self.lock:
            session, catalogue, fetch = self.session, self.catalogue, self._fetch
        if catalogue is None:
            return
        priced = sweep_quote(form, session, catalogue, account_name(session), fetch)
        with self.lock:
            if session is self.session:
                self._swept = form, priced

    @property
    def model(self) -> Model | None:
        """The chosen model, where it is in the catalogue."""
        return self.catalogue.find(self.state.form.model or "default") if self.catalogue else None

    def quote(self, form: Form | None = None) -> Quote:
        """What a form, or the one on the screen, comes to now.

        Raises:
            VeniceError: a setting cannot be used.
        """
        with self.lock:
            form = form or self.state.form
            terms = Terms(self.session.settings, account_name(self.session), self.account.left_usd)
            if self.catalogue is None:
                problem = self.load_error or VeniceError("the models are not loaded yet.", NOTHING_SENT)
                return Quote(problem=problem, facts={"account": terms.account})
            if form.sweep:
                return self._sweep_quote(form, terms.account)
            known = self._known[1] if self._known[0] == replace(form, again=False) else ()
            return quote(form, self.catalogue, terms, known)

    def _sweep_quote(self, form: Form, account: str) -> Quote:
        """What a sweep was priced at; pricing takes too long for every key, so it is done aside."""
        if self._swept[0] == form:
            return replace(self._swept[1], facts={**self._swept[1].facts, "account": account})
        if form == self.state.form:
            self.records.submit_once(self.look_up_known)
        return Quote(model=self.model, problem=VeniceError("the sweep is being priced …"), facts={"account": account})

    def quote_at_once(self, form: Form | None = None) -> Quote:
        """`quote`, where a sweep is priced before it is answered.

        Raises:
            VeniceError: a setting cannot be used.
        """
        with self.lock:
            form = form or self.state.form
            if form.sweep:
                self.price_sweep(form)
            return self.quote(form)

    def safe_quote(self) -> Quote:
        """`quote`, with a setting that cannot be used as its problem."""
        try:
            return self.quote()
        except VeniceError as exc:
            return Quote(problem=exc, model=self.model)
