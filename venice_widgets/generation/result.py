"""`Generation`: what a cell or call returns. It fills up while its requests are in flight, and shows itself."""

from __future__ import annotations

import asyncio
import threading
import time
from collections.abc import Sequence
from decimal import Decimal
from typing import TYPE_CHECKING, Any, overload

from venice_widgets.display import join, line, notice
from venice_widgets.errors import GenerationIncomplete
from venice_widgets.log import Status

from .image import Image, card_of, output_record, plain_line, price_text, seed_remark, seed_text, size_text
from .presentation import show
from .run import Run, from_log_text, interrupted, missing_images

__all__ = [
    "Generation",
    "Image",
    "Run",
    "card_of",
    "output_record",
    "plain_line",
    "price_text",
    "seed_remark",
    "seed_text",
    "show",
    "size_text",
]

if TYPE_CHECKING:
    from collections.abc import Callable, Generator

    from venice_widgets.display import Bundle
    from venice_widgets.request.estimate import Estimate
    from venice_widgets.request.request import GenerationRequest
    from venice_widgets.request.seeds import Plan


class Generation(Sequence[Image]):
    """What one cell or call asked for: its requests, the images so far, and what became of each seed.

    It is a sequence of the images that have arrived, in the order of the seeds: ``len(generation)``,
    ``generation[0]``, ``for image in generation``. In an async cell, ``await generation`` waits for all of them.
    """

    def __init__(
        self,
        generation_id: str,
        request: GenerationRequest,
        plan: Plan,
        estimate: Estimate,
        runs: Sequence[Run],
        base_url: str,
        *,
        opening_notes: Sequence[str] = (),
    ) -> None:
        self.generation_id, self.base_url = generation_id, base_url
        self._opening_notes = tuple(opening_notes)
        self._header_is_shown = False
        self.request, self.plan, self.estimate = request, plan, estimate
        self._runs = {run.run_id: run for run in runs}
        self._lock = threading.Lock()
        self._started_at = time.monotonic()
        self._ended_at: float | None = None
        self._wait: Callable[[float | None], bool]
        self._cancel: Callable[[], None]
        self._abort: Callable[[], None]
        self._activity: Callable[[], str]
        self.release()

    def attach(
        self,
        *,
        wait: Callable[[float | None], bool],
        cancel: Callable[[], None],
        abort: Callable[[], None],
        activity: Callable[[], str],
    ) -> None:
        """Connect it to what sends its requests."""
        self._wait, self._cancel, self._abort, self._activity = wait, cancel, abort, activity

    def release(self) -> None:
        """Let go of what sent its requests, once all have ended: ``Out`` need not hold connections and bodies."""
        self._wait, self._cancel, self._abort, self._activity = lambda _: True, lambda: None, lambda: None, str

    def update(self, run: Run) -> None:
        """Take the news of one run; from any thread."""
        with self._lock:
            self._runs[run.run_id] = run
            if not any(other.in_progress for other in self._runs.values()):
                self._ended_at = time.monotonic()

    @property
    def runs(self) -> tuple[Run, ...]:
        """Its requests, in the order of the seeds."""
        return tuple(
            self._runs.values()
        )  # one step: a lock that an interrupt left held would block everything after it

    @property
    def images(self) -> tuple[Image, ...]:
        """The images that arrived, in the order of the seeds."""
        return tuple(image for run in self.runs for image in run.images)

    @overload
    def __getitem__(self, index: int) -> Image: ...
    @overload
    def __getitem__(self, index: slice) -> Sequence[Image]: ...
    def __getitem__(self, index: int | slice) -> Image | Sequence[Image]:
        return self.images[index]

    def __len__(self) -> int:
        return len(self.images)

    def __await__(self) -> Generator[Any, None, Generation]:
        return self._finished().__await__()

    async def _finished(self) -> Generation:
        """Itself, once every request has ended.

        Raises:
            GenerationIncomplete: images are missing; or the task was cancelled, and it says what became of the money.
        """
        try:
            while not self.wait(0):  # noqa: ASYNC110  what ends it are threads, not this loop
                await asyncio.sleep(0.05)
        except asyncio.CancelledError:
            self.cancel()
            stopped = interrupted(self)
            # An `Exception`: an event loop ends at a `KeyboardInterrupt`.
            raise GenerationIncomplete(stopped.message, stopped.remedy, generation=self) from None
        self.raise_for_missing()
        return self

    @property
    def charged_usd(self) -> Decimal | None:
        """What was charged in all; None as long as that is not known of every run."""
        amounts = [run.charged_usd for run in self.runs]
        return None if None in amounts else sum((amount for amount in amounts if amount is not None), Decimal(0))

    @property
    def notes(self) -> tuple[str, ...]:
        """What there is to say once about the whole generation."""
        said = (note for run in self.runs for note in run.notes)
        return tuple(dict.fromkeys([*self._opening_notes, *self.request.notes, *said]))

    @property
    def done(self) -> bool:
        """Whether every request has ended."""
        return self._ended_at is not None

    @property
    def seconds(self) -> float:
        """How long it took, or has taken so far."""
        return (self._ended_at or time.monotonic()) - self._started_at

    @property
    def activity(self) -> str:
        """What it waits for besides the images themselves; empty most of the time."""
        return "" if self.done else self._activity()

    def wait(self, timeout_seconds: float | None = None) -> bool:
        """Wait until every request has ended; whether they have. An interrupt gets through."""
        return self._wait(timeout_seconds)

    def cancel(self) -> None:
        """Send nothing more. Images of requests in flight are still stored, since they may be charged."""
        self._cancel()

    def abort(self) -> None:
        """Send nothing more, and give up what is in flight: it may be charged all the same."""
        self._cancel()
        self._abort()

    def raise_for_missing(self) -> None:
        """Fail if images are missing, once everything that arrived is stored.

        Raises:
            GenerationIncomplete: some runs failed, or every image was refused.
        """
        missing = [run for run in self.runs if run.status is not Status.SUCCEEDED]
        failed = [run for run in missing if run.status is not Status.REFUSED]
        if not missing or (not failed and self.images):
            return
        errors = [run.error for run in missing if run.error is not None]
        if len(self.runs) == 1 and errors and missing[0].tells_money:
            raise errors[0]
        raise GenerationIncomplete(
            f"{len(missing)} of {len(self.runs)} images {'is' if len(missing) == 1 else 'are'} missing.",
            "\n".join(group.text for group in missing_images(missing)),
            generation=self,
            errors=errors,
        )

    def record(self) -> dict[str, Any]:
        """What the notebook's output metadata holds under ``venice``, in the order in which images are shown."""
        new, from_log = self._by_origin()
        return output_record([*new, *from_log], self.base_url)

    def _by_origin(self) -> tuple[list[Image], list[Image]]:
        """The new images, and those that the log held already; all together where the header says which is which.

        So they are in the order of the seeds, and their output stays the same when the cell is executed again.
        """
        runs = self.runs
        if self._header_is_shown:
            return list(self.images), []
        new = [image for run in runs if not run.from_log for image in run.images]
        return new, [image for run in runs if run.from_log for image in run.images]

    def header(self) -> Bundle:
        """The summary and what is to be said of this sending, for an output of its own above the images.

        From then on the images are shown without it: their output is the same to the byte each time they are shown
        from the log.
        """
        self._header_is_shown = True
        return join(line(self.summary), *(notice(note) for note in self._opening_notes))

    def bundle(self) -> Bundle:
        """The images so far, as a notebook shows them."""
        new, from_log = self._by_origin()
        opening = set(self._opening_notes) if self._header_is_shown else set()
        return show(
            new,
            summary="" if self._header_is_shown else self.summary,
            prompt=self.request.prompt,
            notes=[note for note in self.notes if note not in opening],
            missing=[run for run in self.runs if run.status is not Status.SUCCEEDED],
            from_log=from_log,
            base_url=self.base_url,
        )

    @property
    def summary(self) -> str:
        """The line over the images: the price, the model, the size, the time."""
        state = f"done in {self.seconds:.1f} s" if self.done else f"{self.seconds:.0f} s so far"
        size = "" if self.estimate.shape else self.request.size_text  # the estimate says that it is open
        known = [run.seed for run in self.runs if run.from_log]
        price = self.estimate.text if len(known) < len(self.runs) else ""
        parts = (price, from_log_text(known, len(self.runs)), self.request.model.id, size, state)
        return " · ".join(part for part in parts if part)

    def _repr_mimebundle_(self, **_: Any) -> tuple[dict[str, Any], dict[str, Any]]:
        try:
            bundle = self.bundle()
            return bundle.data, bundle.metadata  # noqa: TRY300  an interrupt here is reported too
        except KeyboardInterrupt:
            raise interrupted(self) from None

    def __repr__(self) -> str:
        return f"<Generation {self.request.model.id}: {len(self.images)} of {len(self.plan.seeds)} images>"
