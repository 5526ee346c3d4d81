"""The left side: the model, the prompt, and every field that applies to the model, made from their declaration."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING, Any

import ipywidgets as W  # noqa: N812

from venice_widgets.display import line
from venice_widgets.request.catalogue import Sizing
from venice_widgets.request.fields import field_facts

from .choices import ELSEWHERE
from .fieldcontrols import FieldControl
from .parts import Control, PromptArea, column, named, row, set_trait, show
from .seeds import Seeds
from .sizes import Pixels
from .words import ANY, PRICES, Filter, model_facts, model_options, prompt_label

if TYPE_CHECKING:
    from venice_widgets.request.catalogue import Catalogue

    from .desk import Desk
    from .lane import Lane
    from .state import Snapshot

PRICED = ("resolution", "quality")
"""Shown beside the price grid, which they move in."""
IN_PIXELS = ("width", "height")
ALWAYS = ("negative_prompt", "aspect_ratio", "style_preset", "format", "style_references")
"""Shown at once; every other field is one click away."""


class ModelChoice:
    """The list of models, what filters it, and one line of facts on the chosen one."""

    def __init__(self, desk: Desk, lane: Lane) -> None:
        self._desk, self._lane = desk, lane
        self._model = W.Dropdown(options=[("loading the models …", "")], description="Model")
        self._text = W.Text(description="Find a model", placeholder="part of its name")
        self._more = W.ToggleButton(description="Filters", tooltip="Filter by price, privacy and sizing")
        self._price = W.Dropdown(
            options=[("any price", ANY), *((f"up to ${price}", price) for price in PRICES)],
            description="One picture for",
        )
        self._privacy = W.Dropdown(options=[("any privacy", ANY)], description="Privacy")
        self._sizing = W.Dropdown(
            options=[("any sizing", ANY), *((kind.value, kind.value) for kind in Sizing)], description="Sized by"
        )
        self._facts = W.HTML()
        self._control = Control(self._model, desk, lane, self._put)
        self._filters = row(self._price, self._privacy, self._sizing)
        show(self._filters, when=False)
        for widget in (self._text, self._price, self._privacy, self._sizing):
            widget.observe(self._on_filter, "value")
        self._more.observe(lambda change: show(self._filters, when=change["new"]), "value")
        self.widget = column(
            row(named(self._model, "venice-wide"), self._text, named(self._more, "venice-narrow")),
            self._filters,
            self._facts,
        )

    def _put(self, model: str) -> None:
        self._desk.choose(lambda choices: replace(choices, model=model))

    def _on_filter(self, _: Any) -> None:
        if not self._lane.is_mine:
            self._desk.board.changed()

    def draw(self, now: Snapshot) -> None:
        """Show the models that pass the filters, and the chosen one."""
        if now.catalogue is None:
            return
        self._offer_privacies(now.catalogue)
        wanted = Filter(self._text.value, self._price.value, self._privacy.value, self._sizing.value)
        self._control.draw_options(model_options(now.catalogue, wanted, now.choices.model), now.choices.model)
        facts = model_facts(now.look.model) if now.look.model else "This model is not in the catalogue."
        set_trait(self._facts, "value", line(facts).data["text/html"])

    def _offer_privacies(self, catalogue: Catalogue) -> None:
        found = sorted({model.privacy for model in catalogue.models if model.privacy})
        options = (("any privacy", ANY), *((name, name) for name in found))
        if options != self._privacy.options:
            with self._privacy.hold_sync():
                chosen = self._privacy.value
                self._privacy.options = options
                self._privacy.value = chosen if chosen in found else ANY


class Form:
    """Everything on the left."""

    def __init__(self, desk: Desk, lane: Lane) -> None:
        self._model = ModelChoice(desk, lane)
        self._prompt = PromptArea(rows=4, description="Prompt", placeholder="What the picture should show")
        self._prompt_control = Control(
            self._prompt, desk, lane, lambda text: desk.choose(lambda choices: replace(choices, prompt=text))
        )
        self._pixels = Pixels(desk, lane)
        self._seeds = Seeds(desk, lane)
        names = [name for name in field_facts() if name not in ELSEWHERE and name not in IN_PIXELS]
        self.fields = {name: FieldControl(field_facts()[name], desk, lane) for name in names}
        self._more = W.ToggleButton(description="More settings")
        self._others = [name for name in names if name not in (*ALWAYS, *PRICED)]
        self._rest = row(*(self.fields[name].widget for name in self._others), name="venice-grid")
        show(self._rest, when=False)
        self._more.observe(lambda change: show(self._rest, when=change["new"]), "value")
        self.widget = named(self._column(), "venice-left")

    def _column(self) -> Any:
        fields = {name: control.widget for name, control in self.fields.items()}
        return column(
            self._model.widget,
            self._prompt,
            fields["negative_prompt"],
            self._pixels.widget,
            row(fields["aspect_ratio"], fields["style_preset"], fields["format"]),
            fields["style_references"],
            self._seeds.widget,
            row(named(self._more, "venice-narrow")),
            self._rest,
        )

    def draw(self, now: Snapshot) -> None:
        """Show the choices."""
        self._model.draw(now)
        set_trait(self._prompt, "description", prompt_label(now.choices.prompt, now.look.model))
        self._prompt_control.draw(now.choices.prompt)
        self._seeds.draw(now.choices)
        model = now.look.model
        if model is None or now.catalogue is None:
            return
        self._pixels.draw(now.choices, model)
        for control in self.fields.values():
            control.draw(now.choices, model, now.catalogue)
        chosen = now.choices.fields(model)
        count = sum(name in chosen for name in self._others)
        set_trait(self._more, "description", f"More settings · {count} set" if count else "More settings")
