"""The pictures that stay: an output under the panel that is saved with the notebook.

Widgets are not saved, outputs are. Every update of an output sends the whole of it again, so it is written once a
generation: the last generation and what was pinned, twelve pictures at most.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from venice_widgets.display import Bundle, Card, line, pictures
from venice_widgets.generation.result import card_of, output_record, plain_line
from venice_widgets.log import RUN_ENDING
from venice_widgets.media.preview import preview
from venice_widgets.shell import running_shell

from .state import fate

if TYPE_CHECKING:
    from collections.abc import Sequence

    from venice_widgets.generation.result import Generation, Image

MOST_PICTURES = 12
LARGE_PICTURES = 4
"""More than these stand there smaller, and are kept smaller: every notebook carries them."""
SMALLER_PIXELS = 768


@dataclass(frozen=True, slots=True)
class Shelf:
    """What the output holds."""

    images: tuple[Image, ...] = ()
    summary: str = ""
    missing: tuple[Card, ...] = ()
    notes: tuple[str, ...] = ()
    base_url: str = ""

    @classmethod
    def of(cls, generation: Generation, pinned: Sequence[Image]) -> Shelf:
        """The last generation, and after it what was pinned, as far as there is room."""
        own = generation.images[:MOST_PICTURES]
        shown = {(image.run_id, image.sha256) for image in own}
        others = [image for image in pinned if (image.run_id, image.sha256) not in shown]
        beyond = len(generation.images) - len(own) + max(0, len(own) + len(others) - MOST_PICTURES)
        notes = [f"{beyond} more are in the log: %venice log."] if beyond else []
        return cls(
            images=(*own, *others)[:MOST_PICTURES],
            summary=generation.summary,
            missing=_missing_cards(generation),
            notes=(*generation.notes, *notes),
            base_url=generation.base_url,
        )

    def bundle(self) -> Bundle:
        """As a notebook shows and keeps it."""
        prompts = {str(image.request.get("prompt", "")) for image in self.images}
        several = len(self.images) > LARGE_PICTURES
        cards = [_card(image, smaller=several, own_prompt=len(prompts) > 1) for image in self.images]
        return pictures(
            [*cards, *self.missing],
            summary=self.summary,
            notes=self.notes,
            plain="\n".join(map(plain_line, self.images)) or self.summary,
            record=output_record(self.images, self.base_url),
            prompt=prompts.pop() if len(prompts) == 1 else "",
        )


class SavedPictures:
    """The output under the panel."""

    def __init__(self, display_id: str) -> None:
        self._display_id = display_id
        self._shown: Bundle = line("")
        self._is_displayed = False

    def display(self) -> None:
        """Put the output where the panel is being displayed."""
        from IPython.display import display

        self._is_displayed = True
        display(self._shown, display_id=self._display_id)

    def show(self, shelf: Shelf) -> None:
        """Write the pictures into it, wherever it is displayed."""
        self._shown = shelf.bundle()
        if self._is_displayed and running_shell() is not None:  # outside of IPython, displaying would print
            from IPython.display import update_display

            update_display(self._shown, display_id=self._display_id)


def _card(image: Image, *, smaller: bool, own_prompt: bool) -> Card:
    prompt = str(image.request.get("prompt", ""))
    shown = preview(image.preview.data, longest_side_pixels=SMALLER_PIXELS) if smaller else None
    return card_of(image, prompt, preview=shown, caption=prompt if own_prompt else "")


def _missing_cards(generation: Generation) -> tuple[Card, ...]:
    missing = [run for run in generation.runs if run.status != "succeeded"]
    return tuple(
        Card(alt="", heading=f"seed {run.seed}", aside=run.run_id[-RUN_ENDING:], missing=fate(run.status))
        for run in missing[:MOST_PICTURES]
    )
