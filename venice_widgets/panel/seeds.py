"""Seeds and how many pictures: new each time, fixed, or counting up."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING, Any

import ipywidgets as W  # noqa: N812

from venice_widgets.request.fields import field_facts
from venice_widgets.request.seeds import MAX_IMAGES

from .choices import SeedMode
from .parts import Control, row, set_trait, show

if TYPE_CHECKING:
    from .choices import Choices
    from .desk import Desk
    from .lane import Lane


class Seeds:
    """Where seeds come from, the seed, and how many."""

    def __init__(self, desk: Desk, lane: Lane) -> None:
        self._desk = desk
        help_text = field_facts()["seed"].about.help
        self._mode = W.Dropdown(
            options=[(mode.value, mode) for mode in SeedMode],
            description="Seeds",
            tooltip="Where the next seed is from",
        )
        self._seed = W.Text(description="Seed", placeholder="41, 7,9,12 or 1..5", tooltip=help_text)
        self._images = W.BoundedIntText(
            min=1, max=MAX_IMAGES, value=1, description="Images", tooltip="Each is a request with a seed of its own"
        )
        self._controls = {
            "seed_mode": Control(self._mode, desk, lane, self._put_mode),
            "seed": Control(self._seed, desk, lane, lambda value: self._put(seed=value)),
            "images": Control(self._images, desk, lane, lambda value: self._put(images=value)),
        }
        self.widget = row(self._mode, self._seed, self._images)

    def draw(self, choices: Choices) -> None:
        """Show what is chosen."""
        for name, control in self._controls.items():
            control.draw(getattr(choices, name))
        show(self._seed, when=choices.seed_mode is not SeedMode.NEW)
        set_trait(self._images, "disabled", choices.seeds_are_listed)
        set_trait(self._images, "description", "Images · as many as seeds" if choices.seeds_are_listed else "Images")

    def _put(self, **chosen: Any) -> None:
        self._desk.choose(lambda choices: replace(choices, **chosen))

    def _put_mode(self, mode: SeedMode) -> None:
        """Start from the last picture's seed where none was typed yet."""
        generation = self._desk.sending.generation
        last = str(generation.plan.seeds[0]) if generation else "1"
        self._desk.choose(lambda choices: replace(choices, seed_mode=mode, seed=choices.seed or last))
