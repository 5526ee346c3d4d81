"""The output that stays: under the panel, saved with the notebook, and shown wherever there is no JavaScript.

Widgets are not saved, outputs are. Every update of an output sends the whole of it again, so it is written once a
generation: the last generation and what was pinned, twelve images at most. While the panel is alive, its style sheet
hides this output, so that each image is shown once.
"""

from __future__ import annotations

from contextlib import suppress
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

from venice_widgets.display import Bundle, Card, image_cards, join, line
from venice_widgets.errors import VeniceError
from venice_widgets.generation.result import card_of, output_record, plain_line
from venice_widgets.generation.run import money_text
from venice_widgets.log import Status
from venice_widgets.media.preview import preview
from venice_widgets.shell import running_shell

if TYPE_CHECKING:
    from collections.abc import Collection

    from venice_widgets.generation.result import Generation, Image
    from venice_widgets.plan import Grid

MOST_IMAGES = 12
MOST_PINNED = 8
"""So that the last generation has room."""
LARGE_IMAGES = 4
"""More than these are shown smaller, and stored smaller: every notebook carries them."""
SMALLER_PIXELS = 768
BRING_BACK = "The panel itself is not saved with the notebook: run this cell to bring it back."


@dataclass(frozen=True, slots=True)
class Saved:
    """What the output holds."""

    images: tuple[Image, ...] = ()
    summary: str = ""
    missing: tuple[Card, ...] = ()
    notes: tuple[str, ...] = ()
    base_url: str = ""
    grid: Grid | None = None
    """A sweep, where it is the newest; its images are in a grid of their own."""

    def bundle(self) -> Bundle:
        """As a notebook shows and stores it."""
        prompts = {str(image.request.get("prompt", "")) for image in self.images}
        several = len(self.images) > LARGE_IMAGES
        cards = [_card(image, smaller=several, own_prompt=len(prompts) > 1) for image in self.images]
        shown = image_cards(
            [*cards, *self.missing],
            summary=self.summary,
            notes=self.notes,
            plain="\n".join(map(plain_line, self.images)) or self.summary,
            record=output_record(self.images, self.base_url) if self.images else {},
            prompt=prompts.pop() if len(prompts) == 1 else "",
        )
        parts = [shown] if self.images or self.missing else []
        if self.grid is not None:
            parts = _beside(self.grid.bundle(), *parts)
        return _marked(join(*parts, line(BRING_BACK)))


def saved(generation: Generation | None, pinned: Collection[Image], grid: Grid | None = None) -> Saved:
    """The pinned images and the last generation, as far as there is room; or the pinned ones and the last sweep."""
    if grid is not None:
        return Saved(images=tuple(pinned)[:MOST_PINNED], base_url=grid.base_url, grid=grid)
    own = generation.images if generation else ()
    shown = {(image.run_id, image.sha256) for image in own}
    others = [image for image in pinned if (image.run_id, image.sha256) not in shown]
    kept = others[:MOST_PINNED]
    images = (*own[: MOST_IMAGES - len(kept)], *kept)
    beyond = len(own) + len(others) - len(images)
    notes = [f"{beyond} more are in the log: %venice log."] if beyond else []
    if generation is None:
        return Saved(images=images, notes=tuple(notes))
    missing = [run for run in generation.runs if run.status is not Status.SUCCEEDED]
    return Saved(
        images=images,
        summary=generation.summary,
        missing=tuple(
            Card(alt="", heading=f"seed {run.seed}", aside=run.ending, missing=money_text(run.status))
            for run in missing[:MOST_IMAGES]
        ),
        notes=(*generation.notes, *notes),
        base_url=generation.base_url,
    )


class SavedOutput:
    """The output under the panel."""

    def __init__(self, display_id: str) -> None:
        self._display_id = display_id
        self._shown = Saved().bundle()
        self._is_displayed = False

    def display(self) -> None:
        """Put the output where the panel is being displayed."""
        from IPython.display import display

        self._is_displayed = True
        display(self._shown, display_id=self._display_id)

    def show(self, kept: Saved) -> None:
        """Write the images into it, wherever it is displayed."""
        self._shown = kept.bundle()
        if self._is_displayed and running_shell() is not None:  # outside of IPython, displaying would print
            from IPython.display import update_display

            update_display(self._shown, display_id=self._display_id)


def _beside(grid: Bundle, *images: Bundle) -> list[Bundle]:
    """The grid and other images as one output: with one record of all of them, and the grid's small copy of itself."""
    if not images:
        return [grid]
    runs = [run for each in (grid, *images) for run in each.metadata.get("venice", {}).get("runs", ())]
    record = {"venice": {**grid.metadata["venice"], "runs": runs}}
    return [replace(grid, metadata={**grid.metadata, **record}), *map(_without_copy, images)]


def _without_copy(images: Bundle) -> Bundle:
    """Without the small copy, of which an output holds one, and without the record."""
    data = {mime: content for mime, content in images.data.items() if not mime.startswith("image/")}
    return replace(images, data=data, metadata={})


def _marked(bundle: Bundle) -> Bundle:
    """With the name by which a live panel hides it."""
    html = f'<div class="venice-saved">{bundle.data["text/html"]}</div>'
    return replace(bundle, data={**bundle.data, "text/html": html})


def _card(image: Image, *, smaller: bool, own_prompt: bool) -> Card:
    prompt = str(image.request.get("prompt", ""))
    shown = None
    if smaller:
        with suppress(VeniceError):  # a file that is gone gets a tile that says so
            shown = preview(image.preview.data, longest_side_pixels=SMALLER_PIXELS)
    return card_of(image, prompt, preview=shown, caption=prompt if own_prompt else "")
