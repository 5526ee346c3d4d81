"""How old the catalogue may be: kept in memory and on disk, fetched anew before a paid request when an hour old.

Copies are kept apart by base URL and credential, since prices and visible models can differ by account. Where the API
cannot be reached, the last copy serves, and says its age.
"""

from __future__ import annotations

import hashlib
import json
import threading
from contextlib import suppress
from datetime import UTC, datetime
from typing import TYPE_CHECKING

from venice_widgets.errors import CatalogueError, VeniceError
from venice_widgets.files.store_folder import make_store
from venice_widgets.files.whole import write_new
from venice_widgets.request.catalogue import CLOCK_SKEW_SECONDS, Catalogue, parse_catalogue

if TYPE_CHECKING:
    from collections.abc import Mapping
    from pathlib import Path

    from venice_widgets.config import Settings

    from .client import Client

FRESH_SECONDS = 3600.0
_ANSWERS = ("models", "traits", "styles")


class CatalogueKeeper:
    """The catalogue of one account, as fresh as it needs to be."""

    def __init__(self, settings: Settings, client: Client) -> None:
        self._client, self._base_url = client, settings.base_url
        self._path = settings.store / "catalogue" / f"{_key(settings)}.json"
        self._lock = threading.Lock()
        self._catalogue: Catalogue | None = None
        self.problem: VeniceError | None = None
        """Why the last attempt to fetch failed; None when it did not."""

    def current(self, *, max_age_seconds: float = FRESH_SECONDS) -> Catalogue:
        """The catalogue, fetched if the copy at hand is older than `max_age_seconds`.

        Raises:
            VeniceError: it cannot be fetched, and there is no copy at all.
        """
        with self._lock:
            copy = self._catalogue or self._from_disk()
            if copy is None or copy.is_older_than(max_age_seconds):
                copy = self._fetched(copy)
            self._catalogue = copy
            return copy

    def known(self) -> Catalogue | None:
        """The copy at hand, however old; never the network. For completion while someone types."""
        if self._catalogue is None and self._lock.acquire(blocking=False):
            try:
                self._catalogue = self._from_disk()
            finally:
                self._lock.release()
        return self._catalogue

    def _fetched(self, copy: Catalogue | None) -> Catalogue:
        self.problem = None
        try:
            answers = {
                "models": self._client.get("/models", type="image").decode("utf-8", "replace"),
                "traits": self._beside("/models/traits", type="image"),
                "styles": self._beside("/image/styles"),
            }
            fresh = self._parsed(answers, datetime.now(UTC))
        except VeniceError as exc:
            self.problem = exc
            if copy is None:
                raise
            return copy
        self._to_disk(answers, fresh.fetched_at)
        return fresh

    def _beside(self, path: str, **query: str) -> str | None:
        """What is good to have: without it the catalogue reports a problem and goes on."""
        try:
            return self._client.get(path, **query).decode()
        except (VeniceError, UnicodeDecodeError):
            return None

    def _parsed(self, answers: Mapping[str, str | None], fetched_at: datetime) -> Catalogue:
        models, traits, styles = (
            None if text is None else text.encode() for text in (answers.get(name) for name in _ANSWERS)
        )
        return parse_catalogue(models or b"", traits, styles, base_url=self._base_url, fetched_at=fetched_at)

    def _to_disk(self, answers: Mapping[str, str | None], fetched_at: datetime) -> None:
        """Losing the copy costs a request later, so a full disk does not fail here."""
        document = {"base_url": self._base_url, "fetched_at": fetched_at.isoformat(), **answers}
        with suppress(OSError):
            make_store(self._path.parents[1])
            write_new(self._path, json.dumps(document).encode(), replaces=True)

    def _from_disk(self) -> Catalogue | None:
        try:
            document = json.loads(self._path.read_text("utf-8"))
            fetched_at = datetime.fromisoformat(document["fetched_at"])
            ahead_seconds = (fetched_at - datetime.now(UTC)).total_seconds()
            copy = self._parsed(document, fetched_at)
        except (OSError, ValueError, KeyError, TypeError, AttributeError, RecursionError, CatalogueError):
            return None
        return None if ahead_seconds > CLOCK_SKEW_SECONDS else copy  # from the future it would never grow old


def _key(settings: Settings) -> str:
    """A name for this base URL and credential that tells neither."""
    credential = settings.credential
    text = f"{settings.base_url}\n{credential.reveal() if credential else ''}"
    return hashlib.sha256(text.encode()).hexdigest()[:16]


def newest_copy(store: Path, base_url: str) -> Catalogue | None:
    """The newest copy in a store for a base URL, whoever's credential it belongs to: for completion alone."""
    copies = (store / "catalogue").glob("*.json")
    for path in sorted(copies, key=lambda each: each.stat().st_mtime, reverse=True):
        with suppress(OSError, ValueError, KeyError, TypeError, AttributeError, RecursionError, CatalogueError):
            document = json.loads(path.read_text("utf-8"))
            if document["base_url"] == base_url:
                texts = (document.get(name) for name in _ANSWERS)
                models, traits, styles = (None if text is None else text.encode() for text in texts)
                return parse_catalogue(models or b"", traits, styles, base_url=base_url)
    return None
