"""Pictures and the truths that came with them: `Image`, `Run` and the `Generation` that a cell or call returns.

Bytes stay in the store: an `Image` reads them when asked, so that ``Out`` does not hold 100 MB a cell; only its
preview is in memory. A `Generation` fills up while its requests are on their way, may be read from any thread, and
shows itself.
"""

from __future__ import annotations

import threading
import time
import warnings
from dataclasses import dataclass, field, replace
from decimal import Decimal
from io import BytesIO
from pathlib import Path
from typing import TYPE_CHECKING, Any

from venice_widgets.display import Bundle, Card, pictures
from venice_widgets.errors import GenerationIncomplete, InvalidRequest, PossiblyCharged, StoreError
from venice_widgets.log import RUN_ENDING, Status
from venice_widgets.media.metadata.recipe import Recipe
from venice_widgets.media.saving import EXTENSIONS, Metadata, Saved, SaveNotice, fill_pattern, save_copy
from venice_widgets.money import usd_text
from venice_widgets.request.catalogue import FieldSupport, field_support

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence

    from PIL.Image import Image as PillowImage

    from venice_widgets.log import ImageRecord
    from venice_widgets.media.preview import Preview
    from venice_widgets.request.estimate import Estimate
    from venice_widgets.request.request import GenerationRequest
    from venice_widgets.request.seeds import Plan


@dataclass(frozen=True, slots=True)
class Image:
    """One picture, as it was received."""

    record: ImageRecord = field(repr=False)
    run_id: str
    model: str
    request: Mapping[str, Any] = field(repr=False)
    """The body that was sent; reference images stand as ``sha256:…``."""
    request_hash: str = field(repr=False)
    path: Path = field(repr=False)
    """The file in the store; never change it."""
    preview: Preview = field(repr=False)
    seed: int | None = None
    """None where nobody can know it (the second and later of ``variants``)."""
    price_usd: Decimal | None = None
    """Its part of the estimate, without surcharges."""
    remarks: tuple[str, ...] = field(default=(), repr=False)
    """What the caption says of it: blurred, ignored seed."""
    simulated: bool = False
    recipe: Recipe | None = field(default=None, repr=False)
    """What a saved copy carries; None for what the fields above say."""

    @property
    def sha256(self) -> str:
        """Of the bytes as received, in hexadecimal."""
        return self.record.sha256

    @property
    def mime(self) -> str:
        """The format by the bytes themselves, such as ``image/webp``."""
        return self.record.mime

    @property
    def width(self) -> int:
        """In pixels."""
        return self.record.width

    @property
    def height(self) -> int:
        """In pixels."""
        return self.record.height

    @property
    def data(self) -> bytes:
        """The bytes as received, read from the store now.

        Raises:
            StoreError: the file is gone.
        """
        try:
            return self.path.read_bytes()
        except OSError as exc:
            raise StoreError(
                f"the picture of run {self.run_id[-RUN_ENDING:]} cannot be read: {exc.strerror or exc}.",
                f"It was at {self.path}.",
            ) from exc

    def pil(self) -> PillowImage:
        """The picture as a `PIL.Image.Image`, decoded.

        Raises:
            StoreError: the file is gone.
        """
        from PIL import Image as pillow  # noqa: N813  the module's own name is taken here

        picture = pillow.open(BytesIO(self.data))
        picture.load()
        return picture

    def save(self, path: str | Path, metadata: Metadata = "full", *, alter_signed: bool = False) -> Path:
        """Write a copy that carries its recipe to a new file; its pixels are those that were received.

        What is not as it was asked is told as a warning: a picture that came in another format than the file's name
        says is saved under its own ending, and the recipe of a file signed with C2PA is written beside it.

        Args:
            path: the file; ``{seed}``, ``{ext}``, ``{run_id}``, ``{model}`` in it are filled in.
            metadata: ``"full"``; ``"no-prompt"``; ``"none"``; or ``"original"``, the bytes as received.
            alter_signed: write into a file signed with C2PA too, which breaks its signature.

        Returns:
            The path written.

        Raises:
            InvalidRequest: the file exists (nothing is ever overwritten), or the pattern names something else.
            StoreError: it cannot be written.
        """
        saved = self.save_copy(path, metadata, alter_signed=alter_signed)
        for notice in saved.notices:
            warnings.warn(notice, SaveNotice, stacklevel=2)
        return saved.path

    def save_copy(self, path: str | Path, metadata: Metadata = "full", *, alter_signed: bool = False) -> Saved:
        """`save`, with what there is to tell about it as a result instead of as warnings."""
        recipe = self.recipe or Recipe(
            self.request, seed=self.seed, run_id=self.run_id, request_hash=self.request_hash, image_sha256=self.sha256
        )
        target = self.target(path)
        return save_copy(self.data, target, recipe, mime=self.mime, metadata=metadata, alter_signed=alter_signed)

    def target(self, path: str | Path) -> Path:
        """The file that a path or pattern names.

        Raises:
            InvalidRequest: the pattern names something that a picture does not have, or it is no path here.
        """
        filled = self.fill(str(path))
        if "\0" in filled:
            raise _no_file(filled, "it holds a null character")
        try:
            return Path(filled).expanduser()
        except RuntimeError as exc:
            raise _no_file(filled, "there is no such home") from exc

    def fill(self, pattern: str) -> str:
        """A file name made of a pattern such as ``fox-{seed}.{ext}``."""
        return fill_pattern(
            pattern,
            seed=f"unknown-{self.sha256[:6]}" if self.seed is None else str(self.seed),
            ext=EXTENSIONS.get(self.mime, "bin"),
            run_id=self.run_id[-RUN_ENDING:],
            model=self.model,
        )

    def _repr_mimebundle_(self, **_: Any) -> tuple[dict[str, Any], dict[str, Any]]:
        bundle = show([self], summary="", prompt=str(self.request.get("prompt", "")), notes=())
        return bundle.data, bundle.metadata


def _no_file(name: str, problem: str) -> InvalidRequest:
    return InvalidRequest(f"{name!r} is no file that can be written: {problem}.", "Give its full path.", field="save")


@dataclass(frozen=True, slots=True)
class Run:
    """One request of a generation, as far as it has come."""

    run_id: str
    seed: int
    status: Status = Status.PENDING
    images: tuple[Image, ...] = ()
    error: BaseException | None = None
    charged_usd: Decimal | None = None
    """What was charged, where that is known: nothing for what is certain not to have run."""
    notes: tuple[str, ...] = ()
    """What the answer said beyond the picture."""


class Generation:
    """What one cell or call asked for: its requests, the pictures so far, and what became of each seed."""

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
        earlier: Sequence[Image] = (),
    ) -> None:
        self.generation_id, self.base_url = generation_id, base_url
        self.earlier = tuple(earlier)
        """What the log held of these very requests before they were sent again."""
        self._opening_notes = tuple(opening_notes)
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
            if all(other.status not in (Status.PENDING, Status.SENT) for other in self._runs.values()):
                self._ended_at = time.monotonic()

    @property
    def runs(self) -> tuple[Run, ...]:
        """Its requests, in the order of the seeds."""
        with self._lock:
            return tuple(self._runs.values())

    @property
    def images(self) -> tuple[Image, ...]:
        """The pictures that arrived, in the order of the seeds."""
        return tuple(image for run in self.runs for image in run.images)

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
        """What it waits for beyond the pictures themselves; empty most of the time."""
        return "" if self.done else self._activity()

    def wait(self, timeout_seconds: float | None = None) -> bool:
        """Wait until every request has ended; whether they have. An interrupt gets through."""
        return self._wait(timeout_seconds)

    def cancel(self) -> None:
        """Send nothing more. What is on its way keeps being filed in the store, since it may be charged."""
        self._cancel()

    def abort(self) -> None:
        """Send nothing more, and give up what is on its way: it may be charged all the same."""
        self._cancel()
        self._abort()

    def raise_for_missing(self) -> None:
        """Fail when pictures are missing, once everything that arrived is kept.

        Raises:
            GenerationIncomplete: some runs failed, or every picture was refused.
        """
        missing = [run for run in self.runs if run.status is not Status.SUCCEEDED]
        failed = [run for run in missing if run.status is not Status.REFUSED]
        if not missing or (not failed and self.images):
            return
        errors = [run.error for run in missing if run.error is not None]
        if len(self.runs) == 1 and errors and _tells_money(missing[0]):
            raise errors[0]
        raise GenerationIncomplete(
            f"{len(missing)} of {len(self.runs)} pictures are missing.",
            "\n".join(f"seed {run.seed}: {_fate(run)}" for run in missing),
            generation=self,
            errors=errors,
        )

    def record(self) -> dict[str, Any]:
        """What stands in the notebook's output metadata under ``venice``."""
        return output_record(self.images, self.base_url)

    def bundle(self) -> Bundle:
        """The pictures so far, as a notebook shows them."""
        return show(
            self.images,
            summary=self.summary,
            prompt=self.request.prompt,
            notes=self.notes,
            missing=[run for run in self.runs if run.status is not Status.SUCCEEDED],
            earlier=self.earlier,
            base_url=self.base_url,
        )

    @property
    def summary(self) -> str:
        """The line over the pictures: the price, the model, the size, the time."""
        state = f"done in {self.seconds:.1f} s" if self.done else f"{self.seconds:.0f} s so far"
        parts = (self.estimate.text, self.request.model.id, self.request.size_text, state)
        return " · ".join(part for part in parts if part)

    def _repr_mimebundle_(self, **_: Any) -> tuple[dict[str, Any], dict[str, Any]]:
        bundle = self.bundle()
        return bundle.data, bundle.metadata

    def __repr__(self) -> str:
        return f"<Generation {self.request.model.id}: {len(self.images)} of {self.estimate.images} pictures>"


def _tells_money(run: Run) -> bool:
    """Whether its error alone says what became of the money: a full disk's says nothing of what was sent."""
    return run.status is not Status.UNKNOWN or isinstance(run.error, PossiblyCharged)


def _fate(run: Run) -> str:
    """What became of a run that has no picture, its money above all."""
    said = " ".join(str(run.error).split()) if run.error else ""
    money = {
        Status.CANCELLED: "was not sent, costs nothing",
        Status.REFUSED: "was refused, not charged",
        Status.FAILED: "failed, not charged",
        Status.UNKNOWN: "may have been charged",
        Status.SENT: "is on its way and may be charged",
        Status.PENDING: "is not sent yet",
    }.get(run.status, run.status)
    return f"{money}{f' — {said}' if said else ''} (run {run.run_id[-RUN_ENDING:]})"


def show(
    images: Sequence[Image],
    *,
    summary: str,
    prompt: str,
    notes: Sequence[str],
    missing: Sequence[Run] = (),
    earlier: Sequence[Image] = (),
    base_url: str = "",
) -> Bundle:
    """Pictures and what is missing, as one grid."""
    cards = [card_of(image, prompt) for image in images]
    cards += [
        Card(alt="", heading=f"seed {run.seed}", aside=run.run_id[-RUN_ENDING:], missing=_fate(run)) for run in missing
    ]
    cards += [card_of(replace(image, remarks=(*image.remarks, "made before")), prompt) for image in earlier]
    plain = "\n".join(plain_line(image) for image in images) or summary
    return pictures(cards, summary=summary, notes=list(notes), plain=plain, record=output_record(images, base_url))


def card_of(image: Image, prompt: str, *, preview: Preview | None = None, caption: str = "") -> Card:
    """A picture with the words under it.

    Args:
        image: the picture.
        prompt: what stands for it where it cannot be seen.
        preview: what is shown; None for the picture's own.
        caption: its prompt under it, where its neighbours have others.
    """
    shown = preview or image.preview
    kind = EXTENSIONS.get(image.mime, image.mime)
    return Card(
        data=shown.data,
        mime=shown.mime,
        width=shown.width,
        height=shown.height,
        alt=prompt,
        heading=seed_text(image.seed),
        aside=image.run_id[-RUN_ENDING:],
        details=f"{image.width} × {image.height} · {price_text(image)}\n{image.model} · {kind}",
        caption=caption,
        notes=image.remarks,
    )


def seed_text(seed: int | None) -> str:
    """``seed 41``, or that nobody knows it."""
    return "seed unknown" if seed is None else f"seed {seed}"


def price_text(image: Image) -> str:
    """``$0.01``, whether it is simulated, or that it is not known."""
    price = "price unknown" if image.price_usd is None else usd_text(image.price_usd)
    return f"{price} simulated" if image.simulated else price


def size_text(image: Image) -> str:
    """``1024 × 1024 · webp``."""
    return f"{image.width} × {image.height} · {EXTENSIONS.get(image.mime, image.mime)}"


def plain_line(image: Image) -> str:
    """One line: ``z-image-turbo · seed 42 · 1024×1024 · $0.01 · run 01J…``."""
    parts = (
        image.model,
        seed_text(image.seed),
        f"{image.width}×{image.height}",
        price_text(image),
        *image.remarks,
        f"run {image.run_id[-RUN_ENDING:]}",
    )
    return " · ".join(parts)


def output_record(images: Sequence[Image], base_url: str) -> dict[str, Any]:
    """What stands in the notebook's output metadata under ``venice``."""
    runs = [
        {
            "run_id": image.run_id,
            "request": dict(image.request),
            "request_hash": image.request_hash,
            **_rewritten(image),
            "image": {
                "seed": image.seed,
                "sha256": image.sha256,
                "mime": image.mime,
                "width": image.width,
                "height": image.height,
            },
        }
        for image in images
    ]
    return {"schema": 1, "base_url": base_url, "runs": runs}


def _rewritten(image: Image) -> dict[str, str]:
    """The prompt that was really drawn: without it, the notebook alone could not make the picture again."""
    text = image.recipe.rewritten_prompt if image.recipe else ""
    return {"rewritten_prompt": text} if text else {}


def seed_remark(model_id: str) -> tuple[str, ...]:
    """What a caption must say about a seed that the model does not use."""
    return ("seed ignored by this model",) if field_support(model_id, "seed") is FieldSupport.IGNORED else ()
