"""The right side: what it costs, the buttons, how far it is, and what there is to say."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import ipywidgets as W  # noqa: N812

from venice_widgets.display import line, notice, progress
from venice_widgets.display.html import escaped
from venice_widgets.money import usd_text
from venice_widgets.request.price_table import price_table

from .parts import button, column, named, row, set_trait
from .state import Phase, Word

if TYPE_CHECKING:
    from collections.abc import Callable

    from .desk import Desk
    from .form import Form
    from .state import Snapshot


class Offer:
    """Prices, total, buttons, progress, messages."""

    def __init__(self, desk: Desk, form: Form, on_cell: Callable[[], None]) -> None:
        self._prices, self._total, self._status, self._words = (W.HTML() for _ in range(4))
        self._generate = button("Generate", desk.generate, desk, name="venice-generate")
        self._generate.add_class("venice-primary")
        self._cancel = button("Cancel", desk.sending.cancel, desk, tooltip="Send nothing more, and stop waiting")
        cell = button("Copy as cell", on_cell, desk, tooltip="The %%venice cell that makes this")
        self._cancel.disabled = True
        self.widget = named(
            column(
                form.fields["resolution"].widget,
                form.fields["quality"].widget,
                named(self._prices, "venice-prices"),
                self._total,
                row(self._generate, self._cancel, cell, name="venice-buttons"),
                named(self._status, "venice-status"),
                self._words,
            ),
            "venice-right",
        )

    def draw(self, now: Snapshot) -> None:
        """Show the price of what is chosen, and where it is."""
        if now.look.model is not None:
            fields = now.choices.fields(now.look.model)
            chosen = {name: str(fields.get(name, "")) for name in ("resolution", "quality")}
            table = price_table(now.look.model, **chosen, choosing=True)
            set_trait(self._prices, "value", table.data["text/html"])
        set_trait(self._total, "value", _total(now))
        set_trait(self._status, "value", _status(now))
        set_trait(self._words, "value", _words(now))
        self._draw_buttons(now)

    def _draw_buttons(self, now: Snapshot) -> None:
        asking = now.phase is Phase.ASKING
        with self._generate.hold_sync():
            set_trait(self._generate, "description", _generate_label(now))
            set_trait(self._generate, "disabled", now.busy)
        has = "venice-asking" in self._generate._dom_classes  # noqa: SLF001  ipywidgets' only way to ask
        if asking != has:
            (self._generate.add_class if asking else self._generate.remove_class)("venice-asking")
        set_trait(self._cancel, "disabled", not (now.busy or asking))


def _generate_label(now: Snapshot) -> str:
    if now.phase is Phase.ASKING and now.look.estimate is not None:
        price = now.look.estimate.price_usd
        return "Spend an unknown price?" if price is None else f"Spend {usd_text(price)}?"
    return {Phase.SENDING: "Sending …", Phase.RUNNING: "Generating …"}.get(now.phase, "Generate")


def _total(now: Snapshot) -> str:
    estimate = now.look.estimate
    formula = estimate.formula if estimate else "No price yet"
    simulated = " · simulated, nothing is charged" if estimate and estimate.simulated else ""
    defaults = f"with the model's {' and '.join(estimate.defaults)}" if estimate and estimate.defaults else ""
    lines = [text for text in (f"{defaults}{simulated}".strip(" ·"), now.purse.text) if text]
    muted = "".join(f'<div class="venice-muted">{escaped(text)}</div>' for text in lines)
    return f'<div class="venice-total">{escaped(formula)}</div>{muted}'


def _status(now: Snapshot) -> str:
    """Progress in images and seconds while something runs; else how long it usually takes."""
    usual = now.usual_seconds
    generation = now.generation
    if now.phase is Phase.ASKING:
        return str(line("This much is spent only when you agree: click once more, or Cancel.").data["text/html"])
    if now.phase is Phase.SENDING:
        return str(line("Sending …").data["text/html"])
    if now.phase is Phase.RUNNING and generation is not None:
        ended = sum(run.status not in ("pending", "sent") for run in generation.runs)
        shown = progress(
            ended, len(generation.runs), generation.seconds, usual_seconds=usual, words=generation.activity
        )
        return str(shown.data["text/html"])
    words = "" if usual is None else f"A picture usually takes about {_seconds(usual)} with this model."
    return str(line(words).data["text/html"]) if words else ""


def _seconds(seconds: float) -> str:
    return f"{seconds:.1f} s" if seconds < 10 else f"{seconds:.0f} s"


def _words(now: Snapshot) -> str:
    """What was said; else what keeps the request from being sent."""
    words = now.words
    problem = now.look.problem
    if not words and problem is not None:
        waiting = not now.choices.prompt.strip() and getattr(problem, "field", None) == "prompt"
        words = (Word(str(problem), "information" if waiting else "warning"),)
    told: list[Any] = [notice(word.text, kind=word.kind).data["text/html"] for word in words]  # type: ignore[arg-type]
    return f'<div role="alert">{"".join(told)}</div>' if told else ""
