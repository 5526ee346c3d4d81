"""The panel's short lines: a model in the list, its facts, which models a filter lets through."""

from __future__ import annotations

from dataclasses import dataclass
from decimal import Decimal
from typing import TYPE_CHECKING

from venice_widgets.money import usd_text
from venice_widgets.request.catalogue import FieldSupport, Sizing

if TYPE_CHECKING:
    from venice_widgets.request.catalogue import Catalogue, Model

ANY = ""
PRICES = ("0.01", "0.03", "0.05", "0.10", "0.25")
"""What the price filter offers, in US dollars."""


@dataclass(frozen=True, slots=True)
class Filter:
    """Which models the list shows."""

    text: str = ""
    most_usd: str = ANY
    privacy: str = ANY
    sizing: str = ANY

    def passes(self, model: Model) -> bool:
        """Whether a model makes pictures and fits."""
        prices = model.unit_prices()
        return (
            model.generates
            and self.text.strip().casefold() in f"{model.id} {model.name}".casefold()
            and (not self.most_usd or bool(prices and prices[0] <= Decimal(self.most_usd)))
            and self.privacy in (ANY, model.privacy)
            and self.sizing in (ANY, model.sizing.value)
        )


def model_options(catalogue: Catalogue, wanted: Filter, chosen: str) -> list[tuple[str, str]]:
    """(label, id) of the models to choose from, cheapest first; the chosen one stays whatever the filter says."""
    shown = sorted((model for model in catalogue.models if wanted.passes(model)), key=_by_price)
    options = [(model_label(model), model.id) for model in shown]
    if chosen and chosen not in {model_id for _, model_id in options}:
        found = catalogue.find(chosen)
        label = f"{model_label(found)} · outside the filter" if found else f"{chosen} · not in the catalogue"
        options.insert(0, (label, chosen))
    return options


def _by_price(model: Model) -> tuple[Decimal, str]:
    return (model.unit_prices() or (Decimal(10**9),))[0], model.id


def model_label(model: Model) -> str:
    """``gpt-image-2 · GPT Image 2 · $0.02 – $0.83``, and what keeps it from being used."""
    state = ["offline"] if model.offline else ["beta"] if model.beta else []
    return " · ".join([model.id, *([model.name] if model.name else []), price_range(model), *state])


def price_range(model: Model) -> str:
    """``$0.02 – $0.83``, or that it is unknown."""
    prices = [usd_text(price) for price in model.unit_prices()]
    if not prices:
        return "price unknown"
    return prices[0] if len(prices) == 1 else f"{prices[0]} – {prices[-1]}"


def model_facts(model: Model) -> str:
    """One line of what matters before choosing it."""
    limit = model.prompt_character_limit
    seeds = {
        FieldSupport.SUPPORTED: "seeds are honoured",
        FieldSupport.IGNORED: "seeds are ignored by this model",
        FieldSupport.UNKNOWN: "not known whether seeds are honoured",
    }
    sized = {Sizing.PIXELS: "sized in pixels", Sizing.RATIO: "sized by ratio", Sizing.TIERS: "sized by tiers"}
    parts = [
        price_range(model),
        model.privacy or "privacy not stated",
        sized[model.sizing],
        seeds[model.support("seed")],
        f"prompt up to {limit:,} characters" if limit else "prompt limit unknown",
        *model_states(model),
    ]
    return " · ".join(parts)


def model_states(model: Model) -> list[str]:
    """Beta, offline, deprecated: what may keep it from working, now or soon."""
    instead = f", replaced by {model.deprecation_replacement}" if model.deprecation_replacement else ""
    return [
        *(["**beta**"] if model.beta else []),
        *(["**offline**"] if model.offline else []),
        *([f"**deprecated** {model.deprecation_date[:10]}{instead}"] if model.deprecation_date else []),
    ]


def negative_prompt_label(model: Model) -> str:
    """The label of the negative prompt, which says where it will be dropped."""
    said = {
        FieldSupport.SUPPORTED: "",
        FieldSupport.IGNORED: f" · no effect: {model.id} drops it",
        FieldSupport.UNKNOWN: f" · may have no effect on {model.id}",
    }
    return f"Negative prompt{said[model.support('negative_prompt')]}"


def prompt_label(prompt: str, model: Model | None) -> str:
    """The label of the prompt with its counter; UTF-16 units, as the API counts."""
    units = len(prompt.encode("utf-16-le", "surrogatepass")) // 2
    limit = model.prompt_character_limit if model else None
    if limit is None:
        return f"Prompt · {units:,} characters"
    over = f", {units - limit:,} too many" if units > limit else ""
    return f"Prompt · {units:,} / {limit:,}{over}"
