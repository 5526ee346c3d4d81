"""`Log`: what the rest of the package sees of the store. Every method is one question or one change."""

from __future__ import annotations

from contextlib import suppress
from dataclasses import replace
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any, Literal, NoReturn, Unpack

from venice_widgets.errors import InvalidRequest, StoreError
from venice_widgets.files.platform import can_write
from venice_widgets.files.presence import is_there
from venice_widgets.files.store_folder import DATABASE_FILE, make_store
from venice_widgets.files.user_path import user_path

from . import arguments, charges, maintenance, recovery, rows, search, transfer, verdicts
from . import budgets as money
from .database import Database, is_of_database
from .object_store import ObjectStore, ObjectWriter, Spool
from .records import RUN_ENDING, BodyRecord, RunDraft, RunOutcome, RunRecord, Status
from .run_rows import add_runs, change_run, complete_run
from .thumbnails import Thumbnails

if TYPE_CHECKING:
    import sqlite3
    from collections.abc import Callable, Collection, Iterable, Iterator, Mapping, Sequence
    from decimal import Decimal
    from pathlib import Path

    from .budgets import Budgets, Left, Spent
    from .search import Cost, Filters, Question, Standing
    from .verdicts import VerdictRecord

_PAGE = 300


class Log:
    """Every run of a store. Safe to use from several threads and several processes."""

    def __init__(self, folder: Path, database: Database, read_timeout_seconds: float) -> None:
        self.folder = folder
        self.objects = ObjectStore(folder / "objects")
        self.thumbnails = Thumbnails(folder / "thumbnails")
        self._database = database
        self._read_timeout_seconds = read_timeout_seconds
        self._unwritten: dict[str, RunOutcome] = {}
        self.recovered = self.recover()
        """What programs that ended had left unfinished, as this opening found it."""

    @classmethod
    def open(cls, folder: Path, *, read_timeout_seconds: float = recovery.READ_TIMEOUT_SECONDS) -> Log:
        """Open the store in `folder`, making it where there is none; git ignores it.

        Args:
            folder: the store.
            read_timeout_seconds: how long another machine may wait for a response; after that and a minute, what it
                sent counts as unknown.

        Raises:
            StoreError: it cannot be opened or written, or a newer version of this package wrote it.
        """
        try:
            if not is_there(folder / DATABASE_FILE) or can_write(folder):
                make_store(folder)
        except OSError as exc:
            raise StoreError(
                f"the store {folder} cannot be opened: {exc}.",
                "Fix it, or set VENICE_STORE to a folder that can be written. Nothing was sent.",
            ) from exc
        return cls(folder, Database.open(folder / DATABASE_FILE), read_timeout_seconds)

    def close(self) -> None:
        """Close the file; the log cannot be used after it."""
        self._database.close()

    # The life of a run.

    def reserve(self, drafts: Sequence[RunDraft], budgets: Budgets | None = None, *, once: bool = False) -> None:
        """Put runs on record as pending, all or none, before anything is sent, if every budget covers them.

        Args:
            drafts: what is to be sent.
            budgets: the limits on what may be spent in all.
            once: whether to refuse a request that is in flight already, from any program that shares the store.

        Raises:
            InvalidRequest: one is in flight already; nothing is on record then.
            SpendingRefused: a budget does not, or a price is unknown; nothing is on record then.
            StoreError: it cannot be written, has no room for an image, or is not in its place any more.
        """
        self.objects.refuse_full()
        self._database.refuse_lost()
        self._catch_up()
        self._database.write(_reserve_once if once else _reserve, drafts, budgets)

    def amend(self, draft: RunDraft) -> None:
        """Replace what a pending run will send."""
        names = ("prompt", "request", "request_hash", "body_sha256")
        self._database.write(change_run, draft.run_id, {name: getattr(draft, name) for name in names}, Status.PENDING)

    def mark_sent(self, run_id: str) -> datetime:
        """Say that a run is about to be sent: from here on it may be charged.

        Everything that storing its images needs is tried now: that the store is in its place, can be written and has
        room.

        Returns:
            When it was sent, as it is on record.

        Raises:
            StoreError: an image could not be stored. Nothing was sent.
        """
        self._database.refuse_lost()
        self.objects.refuse_unwritable()
        now = datetime.now(UTC)
        changes = {"status": Status.SENT, "sent_at": rows.time_text(now)}
        self._database.write(change_run, run_id, changes, Status.PENDING, Status.SENT)
        return now

    def open_spool(self, run_id: str) -> Spool:
        """A file in the store for the body of this run's response; to be opened before the request is sent.

        What is in it stays in the store until `Spool.discard`, which is right once every image in it is an object.
        Where it was not discarded, the next start stores what it holds with the run.

        Raises:
            StoreError: the disk is full, or the folder cannot be written.
        """
        return self.objects.open_spool(run_id)

    def note_response(self, run_id: str, status_code: int, headers: Mapping[str, str]) -> None:
        """Note the head of a response before its body comes, for the case that the program is killed meanwhile."""
        self._note_arrival(run_id, recovery.WHOLE_BODY, None, status_code, headers)

    def image_writer(
        self, run_id: str, place: int = 0, *, status_code: int | None = None, headers: Mapping[str, str] | None = None
    ) -> ObjectWriter:
        """`objects.writer` for an image of this run: if the program is killed after `keep`, the next start finds it.

        Args:
            run_id: the run that was sent.
            place: the image's in the response, from 0: only the first has a known seed.
            status_code: of the response.
            headers: of the response, which say whether the image was blacked out or blurred.
        """
        writer = self.objects.writer(f"{run_id}.{place}")
        writer.before_keep = lambda sha256: self._note_arrival(run_id, place, sha256, status_code, headers or {})
        return writer

    def keep_body(self, run_id: str, spool: Spool, *, content_type: str = "") -> BodyRecord:
        """Store a response that holds no readable image as an object; the record goes into `RunOutcome.bodies`.

        Raises:
            StoreError: it could not be stored. Its bytes stay where the message says.
        """
        spool.before_keep = lambda sha256: self._note_arrival(run_id, recovery.WHOLE_BODY, sha256, None, {})
        stored = spool.keep()
        return BodyRecord(sha256=stored.sha256, size_bytes=stored.size_bytes, content_type=content_type)

    def finish(self, run_id: str, outcome: RunOutcome) -> None:
        """Say how a run ended, with its images. A late response still completes a run that was given up as unknown.

        Raises:
            StoreError: it cannot be written now, and will be before the next request; or the run has ended already.
        """
        try:
            self._finish(run_id, outcome)
        except StoreError as exc:
            if is_of_database(exc):
                self._unwritten[run_id] = outcome
            raise

    def _finish(self, run_id: str, outcome: RunOutcome) -> None:
        if self._database.is_lost:
            self._finish_elsewhere(run_id, outcome)
        self._database.write(complete_run, run_id, rows.outcome_row(outcome), outcome.images, outcome.bodies)

    def _finish_elsewhere(self, run_id: str, outcome: RunOutcome) -> NoReturn:
        """Put a run on record where its images are now: in a new store at the place of the one that is gone."""
        with suppress(StoreError):  # what was moved is still written to, wherever it is
            self._database.write(complete_run, run_id, rows.outcome_row(outcome), outcome.images, outcome.bodies)
        record = replace(self.get(run_id), status=outcome.status, outcome=outcome)
        present = Log.open(self.folder, read_timeout_seconds=self._read_timeout_seconds)
        try:
            present.add_or_complete(record)
        finally:
            present.close()
        absent = [image.sha256 for image in outcome.images if not present.objects.is_whole(image.sha256)]
        where = " Its image is in the folder that was moved." if absent else " Its images are there too."
        raise StoreError(
            f"the store {self.folder} was moved, deleted or replaced while run {run_id[-RUN_ENDING:]} was in flight. "
            f"Its record is in {self.folder} as that is now.{where if outcome.images else ''}",
            "Restart the kernel, which opens what is there. %venice export and import join two stores.",
        )

    def _catch_up(self) -> None:
        """Write the endings that could not be written when they came: until then their money stays reserved."""
        for run_id, outcome in tuple(self._unwritten.items()):
            try:
                self._finish(run_id, outcome)
            except StoreError as exc:
                if is_of_database(exc):
                    return
            self._unwritten.pop(run_id, None)

    def recover(self) -> recovery.Recovered:
        """Settle what programs that ended left unfinished; `open` does it, and `%venice doctor` may again."""
        if self._database.read_only:
            return recovery.Recovered()
        self._catch_up()
        return recovery.recover(self._database, self.objects, self._read_timeout_seconds)

    # Money.

    def left(self, budgets: Budgets, session_id: str = "") -> tuple[Left, ...]:
        """What is left now of every limit that is set, for showing it: only `reserve` decides."""
        return self._database.read(money.left, budgets, session_id, datetime.now(UTC))

    def spent(self, *, session_id: str | None = None, day: datetime | None = None) -> Spent:
        """What a session cost, or a UTC day, or, with neither, everything in this store."""
        scope, name = ("project", "") if session_id is None else ("session", arguments.text(session_id, "session_id"))
        if day is not None:
            scope, name = "day", money.day_name(arguments.moment(day, "day"))
        return self._database.read(money.spent, scope, name)

    def resolve(self, run_id: str, charged: bool, amount: Decimal | None = None) -> None:  # noqa: FBT001  the verdict
        """Settle an unknown run by hand: charged (its reservation, or `amount` dollars) or not, which frees it.

        Args:
            run_id: an id, any unique ending of one, or ``last``.
            charged: whether it was.
            amount: what it cost in dollars, where that is known.

        Raises:
            StoreError: it is not unknown, or its price is and no amount was given.
            InvalidRequest: the amount makes no sense.
        """
        self._database.write(_resolve, run_id, charged, amount)

    def record_charge(self, run_id: str, amount_usd: Decimal, source: str) -> None:
        """Put on record what a run was charged in dollars, and who says so."""
        self._database.write(charges.record_charge, arguments.text(run_id, "run_id"), amount_usd, source)

    def reconcile(self, entries: Iterable[charges.LedgerEntry], source: str = charges.LEDGER) -> charges.Reconciled:
        """Turn "estimated" into "charged" by a ledger's entries: (request id, dollars) or (id, dollars, currency).

        Several entries of one request add up; what cannot be is named, and stops nothing.
        """
        return self._database.write(charges.reconcile, arguments.several(entries, "entries"), source)

    def favorite(self, run_id: str, on: bool = True) -> None:  # noqa: FBT001, FBT002  the mark
        """Mark a run as a favorite, or take the mark away.

        Args:
            run_id: an id, any unique ending of one, or ``last``.
            on: whether it is one.

        Raises:
            StoreError: there is no such run, or the log cannot be written.
        """
        self._database.write(search.mark, run_id, arguments.switch(on, "on"))

    # Questions.

    def get(self, name: str) -> RunRecord:
        """The run of this id, of any unique ending of it, or the ``last`` one.

        Raises:
            StoreError: there is none, or several end like that.
        """
        return self._database.read(search.named, name)

    def search(
        self, text: str | None = None, *, limit: int = 20, offset: int = 0, **filters: Unpack[Filters]
    ) -> list[RunRecord]:
        """Runs, newest first.

        Args:
            text: words that the prompt or its rewritten form holds, all of them in any order; ``"red fox"`` in quotes
                for a phrase, ``fox*`` for a beginning.
            limit: at most so many.
            offset: how many of the newest are passed over, for showing page by page.
            filters: see `Filters`.

        Raises:
            InvalidRequest: no such status, a limit below 1, or a text that holds no word.
        """
        return self._database.read(search.search, search.question(text, filters), limit, offset)

    def count(self, text: str | None = None, **filters: Unpack[Filters]) -> int:
        """How many runs `search` finds without a limit.

        Raises:
            InvalidRequest: no such status, or a text that holds no word.
        """
        return self._database.read(search.count, search.question(text, filters))

    def costs(self, by: Literal["day", "model", "notebook"] = "day") -> list[Cost]:
        """What was spent by day in the zone of this machine (newest first), model or notebook (dearest first)."""
        return self._database.read(search.costs, by)

    def frame(self, view: str = "v_runs") -> Any:
        """A pandas data frame of ``v_runs``, ``v_images``, ``v_costs`` or ``v_replays``."""
        return self._database.read(search.frame, view)

    def find_same(self, request_hash: str, *, base_url: str | None = None) -> list[RunRecord]:
        """The runs of this very request that succeeded and still have their images, newest first, replays last."""
        return self._database.read(search.same_requests, arguments.text(request_hash, "request_hash"), base_url)

    def standing(self, hashes: Collection[str], *, base_url: str) -> dict[str, Standing]:
        """What the log holds of each of these requests: its image, a run in flight, or an unknown one.

        An image counts where its file is there; `ObjectStore.is_whole` also reads it.

        Args:
            hashes: `RunDraft.request_hash` of each.
            base_url: where they go.
        """
        found = self._database.read(search.standing, hashes, base_url)
        return {name: each for name, each in found.items() if self._is_stored(each)}

    def reserve_missing(
        self, drafts: Sequence[RunDraft], budgets: Budgets, *, sent_again: Collection[str] = ()
    ) -> tuple[RunDraft, ...]:
        """`reserve` those that no other program has made, or is making, by now: several may run one plan at once.

        Args:
            drafts: what is to be sent.
            budgets: as for `reserve`.
            sent_again: the runs of these requests that do not count.

        Returns:
            The drafts that are on record now.

        Raises:
            SpendingRefused, StoreError: as `reserve`.
        """
        self.objects.refuse_full()
        self._database.refuse_lost()
        self._catch_up()
        return self._database.write(_reserve_missing, drafts, budgets, sent_again, self._is_stored)

    def _is_stored(self, found: Standing) -> bool:
        """Whether the files of a run's images are there; true where it has none."""
        return all(map(self.objects.has, found.images))

    def find_image(self, sha256: str) -> list[RunRecord]:
        """The runs that gave the image with this hash of its bytes, newest first."""
        return self._database.read(search.with_image, sha256)

    def senders(self, hashes: Collection[str]) -> list[str]:
        """The ids of the runs that sent one of these images along as a reference: without it they are not repeatable.

        Args:
            hashes: the sha256 of each image.
        """
        return self._database.read(maintenance.senders, arguments.several(hashes, "hashes"))

    # Replays.

    def record_verdict(self, verdict: VerdictRecord) -> None:
        """Put on record what a replay came to; a later verdict on the same run takes its place."""
        self._database.write(verdicts.keep, verdict)

    def verdict(self, run_id: str) -> VerdictRecord | None:
        """The verdict on a replay, or None."""
        return self._database.read(verdicts.of_run, arguments.text(run_id, "run_id"))

    def verdicts(self, model: str) -> list[VerdictRecord]:
        """The verdicts on every replay of a model, newest first."""
        return self._database.read(verdicts.of_model, arguments.text(model, "model"))

    # Exchange with other stores.

    def each(self, text: str | None = None, **filters: Unpack[Filters]) -> Iterator[RunRecord]:
        """The runs that `search` finds, all of them, oldest first, a few hundred in memory at a time.

        Raises:
            InvalidRequest: no such status, or a text that holds no word.
        """
        return self._each(search.question(text, filters))

    def _each(self, asked: Question) -> Iterator[RunRecord]:
        after = 0
        while True:
            found = self._database.read(search.page, asked, after, _PAGE)
            yield from (record for _, record in found)
            if not found:
                return
            after = found[-1][0]

    def add_whole(self, record: RunRecord, verdict: VerdictRecord | None = None, deleted: Iterable[str] = ()) -> None:
        """Put a run that ended in another store on record; its images' bytes are objects already.

        Args:
            record: the run as that store holds it. Its money counts here too, on the day that it was made.
            verdict: on it, where it is a replay.
            deleted: its images whose bytes were deleted on purpose.

        Raises:
            InvalidRequest: it has not ended.
        """
        self._database.write_soon(transfer.add_whole, record, verdict, tuple(deleted))

    def add_or_complete(self, record: RunRecord) -> None:
        """Put a run that ended on record, or complete it where it is on record as not ended.

        Raises:
            StoreError: it has ended here already, or cannot be written.
        """
        self._database.write(transfer.add_or_complete, record)

    def is_deleted(self, sha256: str) -> bool:
        """Whether an image's bytes were deleted on purpose."""
        return self.deleted_at(sha256) is not None

    # Upkeep.

    def verify(self) -> maintenance.Verification:
        """Hash everything again, and name what is missing or changed."""
        return maintenance.verify(self._database, self.objects)

    def orphans(self) -> tuple[str, ...]:
        """The objects that no run mentions."""
        return maintenance.orphans(self._database, self.objects)

    def doctor(self) -> maintenance.Health:
        """The store's facts: unknown runs, orphans, sizes, journal."""
        return maintenance.health(self._database, self.objects, self.size())

    def size(self) -> maintenance.Size:
        """How many runs and bytes the store holds."""
        return maintenance.size(self._database, self.objects, self.thumbnails.folder)

    def backup(self, path: str | Path) -> None:
        """Copy the database to a new file, while it is in use. Images are files that never change: copy the folder.

        Raises:
            InvalidRequest: it is not a path.
            StoreError: the file exists already, or cannot be written.
        """
        maintenance.backup(self._database, user_path(path))

    def delete_image(self, sha256: str, thumbnail: bytes | None = None, pixels_sha256: str | None = None) -> None:
        """Delete an image's bytes; its rows, hash and thumbnail stay.

        Args:
            sha256: the image.
            thumbnail: kept where there is none yet.
            pixels_sha256: of its pixels, which cannot be computed after this.

        Raises:
            StoreError: no run gave this image.
        """
        if not self.find_image(sha256):
            raise StoreError(f"no run gave the image {sha256[:12]}….", "%venice log lists the newest.")
        if thumbnail and self.thumbnails.read(sha256) is None:
            self.thumbnails.keep(sha256, thumbnail)
        self._database.write(maintenance.note_deletion, sha256, pixels_sha256)
        self.objects.remove(sha256)

    def deleted_at(self, sha256: str) -> datetime | None:
        """When an image was deleted on purpose; None where it was not."""
        return self._database.read(maintenance.deleted_at, arguments.text(sha256, "sha256"))

    def _note_arrival(
        self, run_id: str, place: int, sha256: str | None, status_code: int | None, headers: Mapping[str, str]
    ) -> None:
        # A log that cannot be written now must not cost an image that is paid for: its bytes are kept all the same.
        with suppress(StoreError):
            self._database.write_soon(recovery.note_arrival, run_id, place, sha256, status_code, headers)


def _reserve_missing(
    connection: sqlite3.Connection,
    drafts: Sequence[RunDraft],
    budgets: Budgets,
    sent_again: Collection[str],
    is_stored: Callable[[Standing], bool],
) -> tuple[RunDraft, ...]:
    found = search.standing(connection, {draft.request_hash for draft in drafts}, drafts[0].base_url)
    taken = {name for name, each in found.items() if each.run_id not in sent_again and is_stored(each)}
    missing = tuple(draft for draft in drafts if draft.request_hash not in taken)
    _reserve(connection, missing, budgets)
    return missing


def _reserve_once(connection: sqlite3.Connection, drafts: Sequence[RunDraft], budgets: Budgets | None) -> None:
    found = search.standing(connection, {draft.request_hash for draft in drafts}, drafts[0].base_url)
    in_flight = [name for name, each in found.items() if each.status in (Status.PENDING, Status.SENT)]
    for draft in drafts:
        if draft.request_hash in in_flight:
            ending = found[draft.request_hash].run_id[-RUN_ENDING:]
            raise InvalidRequest(
                f"this request with seed {draft.seed} is in flight already (run {ending}), and its image would be paid "
                "for a second time.",
                "Wait until it has ended: its image is then shown from the log at no cost. To pay for another one now, "
                "use --again (again=True). Nothing was sent.",
                field="seed",
            )
    _reserve(connection, drafts, budgets)


def _reserve(connection: sqlite3.Connection, drafts: Sequence[RunDraft], budgets: Budgets | None) -> None:
    if budgets is not None:
        money.check(connection, drafts, budgets)
    add_runs(connection, drafts)


def _resolve(connection: sqlite3.Connection, run_id: str, charged: bool, amount: Decimal | None) -> None:  # noqa: FBT001
    charges.resolve(connection, search.named(connection, run_id), charged=charged, amount_usd=amount)
