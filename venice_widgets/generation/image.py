"""`Image`: one image as it was received, and the caption.

Bytes stay in the store: an `Image` reads them on demand, so that ``Out`` does not hold 100 MB for each cell.
"""

from __future__ import annotations

import warnings
from dataclasses import dataclass, field
from io import BytesIO
from pathlib import Path
from typing import TYPE_CHECKING, Any

from venice_widgets.display import Card, image_cards
from venice_widgets.errors import InvalidRequest, StoreError, UnreadableFile
from venice_widgets.files.user_path import user_path
from venice_widgets.log import RUN_ENDING
from venice_widgets.media.metadata.recipe import Recipe
from venice_widgets.media.saving import EXTENSIONS, Metadata, Saved, SaveNotice, fill_pattern, save_copy
from venice_widgets.money import usd_text
from venice_widgets.request.catalogue import FieldSupport, field_support
from venice_widgets.request.defaults import decided_value
from venice_widgets.request.request import SHAPE_OPEN, is_open_shape

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence
    from decimal import Decimal

    from PIL.Image import Image as PillowImage

    from venice_widgets.log import ImageRecord, RunDraft, RunOutcome
    from venice_widgets.media.preview import Preview
    from venice_widgets.media.stored_preview import StoredPreview


@dataclass(frozen=True, slots=True)
class Image:
    """One image, as it was received."""

    record: ImageRecord = field(repr=False)
    run_id: str
    model: str
    request: Mapping[str, Any] = field(repr=False)
    """The body that was sent; reference images appear as ``sha256:…``."""
    request_hash: str = field(repr=False)
    path: Path = field(repr=False)
    """The file in the store; never change it."""
    small: StoredPreview = field(repr=False)
    """Its preview, which is made again from the store when it is needed."""
    seed: int | None = None
    """None where it cannot be known (the second and later of ``variants``)."""
    price_usd: Decimal | None = None
    """Its part of the estimate, without surcharges."""
    remarks: tuple[str, ...] = field(default=(), repr=False)
    """What the caption says of it: blurred, ignored seed."""
    simulated: bool = False
    recipe: Recipe | None = field(default=None, repr=False)
    """What a saved copy carries; None for what the fields above say."""
    base_url: str = field(default="", repr=False)
    """Where its request was sent."""

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
                f"the image of run {self.run_id[-RUN_ENDING:]} cannot be read: {exc.strerror or exc}.",
                f"It was at {self.path}.",
            ) from exc

    @property
    def preview(self) -> Preview:
        """A small copy, made from the store unless it was used a short while ago.

        Raises:
            StoreError: the file is gone or was damaged, or there is not enough memory to decode it.
        """
        try:
            return self.small.load()
        except (OSError, UnreadableFile) as exc:
            raise StoreError(
                f"the image of run {self.run_id[-RUN_ENDING:]} cannot be shown: {_why_not_shown(exc)}.",
                f"Its file is {self.path}.",
            ) from exc

    def pil(self) -> PillowImage:
        """The image as a `PIL.Image.Image`, decoded.

        Raises:
            StoreError: the file is gone.
        """
        from PIL import Image as pillow  # noqa: N813  the module's own name is taken here

        image = pillow.open(BytesIO(self.data))
        image.load()
        return image

    def save(self, path: str | Path, metadata: Metadata = "full", *, alter_signed: bool = False) -> Path:
        """Write a copy that carries its recipe to a new file; its pixels are those that were received.

        What is not as it was asked is reported as a warning: an image that came in another format than the file's name
        says is saved under its own ending, and the recipe of a file signed with C2PA is written beside it.

        Args:
            path: the file; ``{seed}``, ``{ext}``, ``{run_id}``, ``{model}`` in it are filled in.
            metadata: ``"full"``; ``"no-prompt"``; ``"none"``; or ``"original"``, the bytes as received.
            alter_signed: write into a file signed with C2PA too, which breaks its signature.

        Returns:
            The path. A file that held exactly these bytes before is left as it is.

        Raises:
            InvalidRequest: another file has the name (nothing is overwritten), or the pattern names something else.
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
        try:
            return save_copy(self.data, target, recipe, mime=self.mime, metadata=metadata, alter_signed=alter_signed)
        except ValueError as exc:  # a letter that no file name can hold here
            raise _no_file(str(target), str(exc)) from exc

    def target(self, path: str | Path) -> Path:
        """The file that a path or pattern names.

        Raises:
            InvalidRequest: the pattern names something that an image does not have, or it is not a path here.
        """
        filled = self.fill(str(user_path(path, "save")))
        if "\0" in filled:
            raise _no_file(filled, "it holds a null character")
        return Path(filled)

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
        prompt = str(self.request.get("prompt", ""))
        bundle = image_cards(
            [card_of(self, prompt)],
            summary="",
            plain=plain_line(self),
            record=output_record([self], self.base_url),
            simulated=self.simulated,
        )
        return bundle.data, bundle.metadata


def _why_not_shown(error: Exception) -> str:
    if isinstance(error.__cause__, MemoryError):
        return "there is not enough memory to decode it. It is stored, and nothing is lost"
    return "its file is gone or was damaged"


def _no_file(name: str, problem: str) -> InvalidRequest:
    return InvalidRequest(
        f"{name!r} is not a file that can be written: {problem}.",
        "Give another name. The image is safe in the store.",
        field="save",
    )


def card_of(image: Image, prompt: str, *, preview: Preview | None = None, caption: str = "", section: str = "") -> Card:
    """An image with the words under it.

    Args:
        image: the image.
        prompt: its alternative text.
        preview: what is shown; None for the image's own.
        caption: its prompt under it, if its neighbors have others.
        section: the heading above it; empty for none.
    """
    shown, missing = (preview, "") if preview else _preview_or_reason(image)
    kind = EXTENSIONS.get(image.mime, image.mime)
    size = f"{image.width} × {image.height}"
    return Card(
        data=shown.data if shown else b"",
        mime=shown.mime if shown else "",
        width=(shown or image.small).width,
        height=(shown or image.small).height,
        alt=prompt,
        heading=seed_text(image.seed),
        aside=image.run_id[-RUN_ENDING:],
        details="\n".join(filter(None, (f"{size} · {_amount(image)}", f"{image.model} · {kind}", chosen_text(image)))),
        caption=caption,
        notes=image.remarks,
        section=section,
        # Not a link: Jupyter serves no file of a folder whose name begins with a dot.
        hint=f"Full size: %venice show {image.run_id[-RUN_ENDING:]} --full",
        missing=missing,
    )


def _preview_or_reason(image: Image) -> tuple[Preview | None, str]:
    try:
        return image.preview, ""
    except StoreError as exc:
        return None, str(exc)


def seed_text(seed: int | None) -> str:
    """``seed 41``, or that it is not known."""
    return "seed unknown" if seed is None else f"seed {seed}"


def price_text(image: Image) -> str:
    """``$0.01``, whether it is simulated, or that it is not known."""
    return f"{_amount(image)} simulated" if image.simulated else _amount(image)


def _amount(image: Image) -> str:
    return "price unknown" if image.price_usd is None else usd_text(image.price_usd)


_CHOSEN = {
    "resolution": "{}", "quality": "quality {}", "steps": "{} steps", "cfg_scale": "cfg {}", "style_preset": "{}",
    "lora_strength": "LoRA {}",
}  # fmt: skip
"""What decides how an image looks or what it costs, as a caption says it."""


def chosen_text(image: Image) -> str:
    """``2K · quality medium · cfg 7.5``: what was chosen beyond the model, the prompt and the seed."""
    return " · ".join(words.format(image.request[name]) for name, words in _CHOSEN.items() if name in image.request)


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
    """What the notebook's output metadata holds under ``venice``."""
    runs = [
        run_entry(
            image,
            run_id=image.run_id,
            request=image.request,
            request_hash=image.request_hash,
            rewritten_prompt=image.recipe.rewritten_prompt if image.recipe else "",
        )
        for image in images
    ]
    return {"schema": 1, "base_url": base_url, "runs": runs}


def run_entry(
    image: Image | ImageRecord, *, run_id: str, request: Mapping[str, Any], request_hash: str, rewritten_prompt: str
) -> dict[str, Any]:
    """One image in the output metadata, for every output that shows images.

    The rewritten prompt is the one that was really used: without it, the notebook alone could not make the image again.
    """
    return {
        "run_id": run_id,
        "request": dict(request),
        "request_hash": request_hash,
        **({"rewritten_prompt": rewritten_prompt} if rewritten_prompt else {}),
        "image": {
            "seed": image.seed,
            "sha256": image.sha256,
            "mime": image.mime,
            "width": image.width,
            "height": image.height,
        },
    }


def remarks_of(draft: RunDraft, seed: int | None, outcome: RunOutcome) -> tuple[str, ...]:
    """What a caption must not leave out: an ignored seed, another model, a shape that was not asked for, a blur."""
    other = outcome.other_model(draft.model)
    ratio = decided_value(draft.context.get("resolution"), "aspect_ratio")
    return (
        *(() if seed is None else seed_remark(draft.model)),
        *((SHAPE_OPEN,) if is_open_shape(ratio) else ()),
        *((f"made by {other}, whose price may differ",) if other else ()),
        *(("blurred by safe mode",) if outcome.blurred else ()),
    )


def seed_remark(model_id: str) -> tuple[str, ...]:
    """What a caption must say about a seed that the model does not use."""
    return ("seed ignored by this model",) if field_support(model_id, "seed") is FieldSupport.IGNORED else ()
