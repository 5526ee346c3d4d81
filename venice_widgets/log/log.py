"""`Log`: what the rest of the package sees of the store. Every method is one question or one change."""

from __future__ import annotations

from contextlib import suppress
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any, Literal

from venice_widgets.errors import StoreError

from . import budgets as money
from . import charges, maintenance, recovery, rows, search, transfer, verdicts
from .database import Database, is_of_database
from .object_store import ObjectStore, ObjectWriter, Spool
from .records import BodyRecord, RunDraft, RunOutcome, RunRecord, Status
from .run_rows import add_runs, change_run, complete_run
from .thumbnails import Thumbnails

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping, Sequence
    from decimal import Decimal
    from pathlib import Path

    from .budgets import Budgets, Left, Spent
    from .search import Cost
    from .verdicts import VerdictRecord

DATABASE_FILE = "log.sqlite"
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
        """Open the store in `folder`, making it where there is none; git is told to leave it alone.

        Args:
            folder: the store.
            read_timeout_seconds: how long another machine may wait for its answers; after that and a minute, what it
                sent counts as unknown.

        Raises:
            StoreError: it cannot be opened or written, or a newer version of this package wrote it.
        """
        try:
            folder.mkdir(parents=True, exist_ok=True)
            ignore = folder / ".gitignore"
            if not ignore.exists():
                ignore.write_text("*\n")
        except OSError as exc:
            raise StoreError(
                f"the store {folder} cannot be opened: {exc}.",
                "Mend it, or set VENICE_STORE to a folder that can be written. Nothing was sent.",
            ) from exc
        return cls(folder, Database.open(folder / DATABASE_FILE), read_timeout_seconds)

    def close(self) -> None:
        """Close the file; the log cannot be used after it."""
        self._database.close()

    # The life of a run.

    def reserve(self, drafts: Sequence[RunDraft], budgets: Budgets | None = None) -> None:
        """Put runs on record as pending, all or none, before anything is sent, if every budget covers them.

        Raises:
            SpendingRefused: a budget does not, or a price is unknown; nothing is on record then.
            StoreError: it cannot be written, has no room for a picture, or is not in its place any more.
        """
        self.objects.refuse_full()
        self._database.refuse_lost()
        self._catch_up()
        with self._database.transaction() as connection:
            if budgets is not None:
                money.check(connection, drafts, budgets)
            add_runs(connection, drafts)

    def amend(self, draft: RunDraft) -> None:
        """Replace what a pending run will send."""
        names = ("prompt", "request", "request_hash", "body_sha256")
        with self._database.transaction() as connection:
            change_run(connection, draft.run_id, {name: getattr(draft, name) for name in names}, Status.PENDING)

    def mark_sent(self, run_id: str) -> None:
        """Say that a run is about to leave: from here on it may be charged."""
        self._database.refuse_lost()
        changes = {"status": Status.SENT, "sent_at": rows.time_text(datetime.now(UTC))}
        with self._database.transaction() as connection:
            change_run(connection, run_id, changes, Status.PENDING, Status.SENT)

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

    def picture_writer(
        self, run_id: str, place: int = 0, *, status_code: int | None = None, headers: Mapping[str, str] | None = None
    ) -> ObjectWriter:
        """`objects.writer` for an image of this run: if the program is killed after `keep`, the next start finds it.

        Args:
            run_id: the run that was sent.
            place: the image's in the response, from 0: only the first has a known seed.
            status_code: of the response.
            headers: of the response, which tell whether the image was blacked out or blurred.
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
        """Say how a run ended, with its pictures. A late answer still completes a run that was given up as unknown.

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
        with self._database.transaction() as connection:
            complete_run(connection, run_id, rows.outcome_row(outcome), outcome.images, outcome.bodies)

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
        self._catch_up()
        return recovery.recover(self._database, self.objects, self._read_timeout_seconds)

    # Money.

    def left(self, budgets: Budgets, session_id: str = "") -> tuple[Left, ...]:
        """What is left now of every limit that is set, for showing it: only `reserve` decides."""
        with self._database.reading() as connection:
            return money.left(connection, budgets, session_id, datetime.now(UTC))

    def spent(self, *, session_id: str | None = None, day: datetime | None = None) -> Spent:
        """What a session cost, or a UTC day, or, with neither, everything in this store."""
        scope, name = ("session", session_id) if session_id is not None else ("project", "")
        if day is not None:
            scope, name = "day", money.day_name(day)
        with self._database.reading() as connection:
            return money.spent(connection, scope, name)

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
        with self._database.transaction() as connection:
            charges.resolve(connection, search.named(connection, run_id), charged=charged, amount_usd=amount)

    def record_charge(self, run_id: str, amount_usd: Decimal, source: str) -> None:
        """Put on record what a run was charged, and who says so."""
        with self._database.transaction() as connection:
            charges.record_charge(connection, run_id, amount_usd, source)

    def reconcile(self, entries: Iterable[tuple[str, Decimal]], source: str = charges.LEDGER) -> charges.Reconciled:
        """Turn "estimated" into "charged" by the ledger's (request id, dollars) pairs."""
        with self._database.transaction() as connection:
            return charges.reconcile(connection, entries, source)

    # Questions.

    def get(self, name: str) -> RunRecord:
        """The run of this id, of any unique ending of it, or the ``last`` one.

        Raises:
            StoreError: there is none, or several end like that.
        """
        with self._database.reading() as connection:
            return search.named(connection, name)

    def search(
        self,
        text: str | None = None,
        *,
        model: str | None = None,
        seed: int | None = None,
        status: Status | str | None = None,
        since: datetime | None = None,
        until: datetime | None = None,
        notebook: str | None = None,
        session_id: str | None = None,
        limit: int = 20,
    ) -> list[RunRecord]:
        """Runs, newest first.

        Args:
            text: words that the prompt or its rewritten form holds, all of them in any order; ``"red fox"`` in quotes
                for a phrase, ``fox*`` for a beginning.
            model: the id that was sent.
            seed: the seed that was sent.
            status: one of `Status`.
            since: not before this moment.
            until: before this moment.
            notebook: a path, or the end of one such as ``fox.ipynb``.
            session_id: of the session that sent them; quick together with `since`.
            limit: at most so many.

        Raises:
            InvalidRequest: no such status, or a limit below 1.
        """
        asked = search.Question(
            text=text, model=model, seed=seed, status=search.status_of(status), since=since, until=until,
            notebook=notebook, session_id=session_id, limit=limit,
        )  # fmt: skip
        with self._database.reading() as connection:
            return search.search(connection, asked)

    def costs(self, by: Literal["day", "model", "notebook"] = "day") -> list[Cost]:
        """What was spent by UTC day (newest first), model or notebook (dearest first)."""
        with self._database.reading() as connection:
            return search.costs(connection, by)

    def frame(self, view: str = "v_runs") -> Any:
        """A pandas data frame of ``v_runs``, ``v_images``, ``v_costs`` or ``v_replays``."""
        with self._database.reading() as connection:
            return search.frame(connection, view)

    def find_same(self, request_hash: str, *, base_url: str | None = None) -> list[RunRecord]:
        """The runs of this very request that succeeded and still have their pictures, newest first."""
        with self._database.reading() as connection:
            return search.same_requests(connection, request_hash, base_url)

    def find_image(self, sha256: str) -> list[RunRecord]:
        """The runs that gave the picture with this hash of its bytes, newest first."""
        with self._database.reading() as connection:
            return search.with_image(connection, sha256)

    # Replays.

    def record_verdict(self, verdict: VerdictRecord) -> None:
        """Put on record what a replay came to; a later verdict on the same run takes its place."""
        with self._database.transaction() as connection:
            verdicts.keep(connection, verdict)

    def verdict(self, run_id: str) -> VerdictRecord | None:
        """The verdict on a replay, or None."""
        with self._database.reading() as connection:
            return verdicts.of_run(connection, run_id)

    def verdicts(self, model: str) -> list[VerdictRecord]:
        """The verdicts on every replay of a model, newest first."""
        with self._database.reading() as connection:
            return verdicts.of_model(connection, model)

    # Exchange with other stores.

    def each(self) -> Iterator[RunRecord]:
        """Every run, oldest first, a few hundred in memory at a time."""
        after = 0
        while True:
            with self._database.reading() as connection:
                found = transfer.page(connection, after, _PAGE)
            yield from (record for _, record in found)
            if not found:
                return
            after = found[-1][0]

    def add_whole(self, record: RunRecord, verdict: VerdictRecord | None = None, deleted: Iterable[str] = ()) -> None:
        """Put a run that ended in another store on record; its pictures' bytes are objects already.

        Args:
            record: the run as it stands there. Its money counts here too, on the day that it was made.
            verdict: on it, where it is a replay.
            deleted: its pictures whose bytes were deleted on purpose.

        Raises:
            InvalidRequest: it has not ended.
        """
        with self._database.transaction(durable=False) as connection:
            transfer.add_whole(connection, record, verdict, deleted)

    def is_deleted(self, sha256: str) -> bool:
        """Whether a picture's bytes were deleted on purpose."""
        with self._database.reading() as connection:
            return maintenance.deleted_at(connection, sha256) is not None

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

    def backup(self, path: Path) -> None:
        """Copy the database to a new file, while it is in use. Pictures are files that never change: copy the folder.

        Raises:
            StoreError: the file exists already, or cannot be written.
        """
        maintenance.backup(self._database, path)

    def delete_picture(self, sha256: str, thumbnail: bytes | None = None, pixels_sha256: str | None = None) -> None:
        """Delete a picture's bytes; its rows, hash and thumbnail stay.

        Args:
            sha256: the picture.
            thumbnail: kept where there is none yet.
            pixels_sha256: of its pixels, which nobody can compute after this.

        Raises:
            StoreError: no run gave this picture.
        """
        if not self.find_image(sha256):
            raise StoreError(f"no run gave the picture {sha256[:12]}….", "%venice log lists the newest.")
        if thumbnail and self.thumbnails.read(sha256) is None:
            self.thumbnails.keep(sha256, thumbnail)
        with self._database.transaction() as connection:
            maintenance.note_deletion(connection, sha256, pixels_sha256)
        self.objects.remove(sha256)

    def deleted_at(self, sha256: str) -> datetime | None:
        """When a picture was deleted on purpose; None where it was not."""
        with self._database.reading() as connection:
            return maintenance.deleted_at(connection, sha256)

    def _note_arrival(
        self, run_id: str, place: int, sha256: str | None, status_code: int | None, headers: Mapping[str, str]
    ) -> None:
        # A log that cannot be written now must not cost a picture that is paid for: its bytes are kept all the same.
        with suppress(StoreError), self._database.transaction(durable=False) as connection:
            recovery.note_arrival(connection, run_id, place, sha256, status_code, headers)
