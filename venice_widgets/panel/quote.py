"""What a form comes to before anything is sent: the request, its price, or what is wrong. Never the network."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from venice_widgets.errors import NOTHING_SENT, CredentialsRefused, InvalidRequest, SpendingRefused, VeniceError
from venice_widgets.money import usd_text
from venice_widgets.request.estimate import Estimate, estimate
from venice_widgets.request.price_table import price_cells
from venice_widgets.request.prices import price_text
from venice_widgets.request.request import GenerationRequest
from venice_widgets.request.seeds import MAX_IMAGES, plan_seeds
from venice_widgets.request.spending import allow

if TYPE_CHECKING:
    from collections.abc import Collection, Mapping
    from decimal import Decimal

    from venice_widgets.config import Settings
    from venice_widgets.plan.outlook import Outlook
    from venice_widgets.request.catalogue import Catalogue, Model
    from venice_widgets.request.seeds import Plan as Seeds

    from .state import Form


@dataclass(frozen=True, slots=True)
class Quote:
    """A form with its price."""

    model: Model | None = None
    """None where there is no such model."""
    request: GenerationRequest | None = None
    """None while it could not be sent."""
    estimate: Estimate | None = None
    """What it would cost: also while only the prompt is missing."""
    problem: VeniceError | None = None
    """Why it could not be sent."""
    needs_confirmation: bool = False
    """Whether the user must confirm the price first."""
    images: int = 0
    known: int = 0
    """How many of the images the log holds already."""
    facts: Mapping[str, str] = field(default_factory=dict)
    """What a click must have seen: the price, the most that it can cost, and where it goes."""
    outlook: Outlook | None = None
    """The plan of a sweep and what it comes to; None for one request."""

    @property
    def amount(self) -> str:
        """The price in short: ``$0.52``, ``$0.50, up to $0.51``, or that it is unknown."""
        if self.estimate is None or self.estimate.price_usd is None:
            return "price unknown"
        most = self.estimate.upper_bound_usd
        price = usd_text(self.estimate.price_usd)
        if most is None:
            return f"{price} or more"
        return price if most <= self.estimate.price_usd else f"{price}, up to {usd_text(most)}"

    @property
    def most(self) -> str:
        """The largest amount that it can cost."""
        bound = self.estimate.upper_bound_usd if self.estimate else None
        return "an unknown price" if bound is None else usd_text(bound)


@dataclass(frozen=True, slots=True)
class Terms:
    """What prices are held against."""

    settings: Settings
    account: str
    """Where requests go and which account pays, in words."""
    left_usd: Mapping[str, Decimal] = field(default_factory=dict)
    """Budget -> what it leaves, as the log last said."""


def quote(form: Form, catalogue: Catalogue, terms: Terms, known: Collection[int] = ()) -> Quote:
    """Check and price a form against the catalogue at hand; quick enough for every key.

    Args:
        form: what is chosen.
        catalogue: the models and prices.
        terms: limits, budgets and the account.
        known: the seeds that the log holds for this very request.
    """
    model = catalogue.find(form.model or "default")
    try:
        catalogue.resolve(form.model or None)
        seeds = planned_seeds(form).seeds
        request = GenerationRequest.build(form.prompt if form.prompt.strip() else "…", form.fields(), catalogue)
    except VeniceError as exc:
        return Quote(model=model, problem=exc, facts={"account": terms.account})
    found = 0 if form.again or terms.settings.reuse == "never" else len(set(seeds) & set(known))
    priced = estimate(request, len(seeds) - found, simulated=terms.settings.demo)
    problem = _problem(form, priced, terms, catalogue) if found < len(seeds) else None
    facts = {"account": terms.account, "price": priced.text, "most": str(priced.upper_bound_usd)}
    return Quote(
        model=model,
        request=None if problem else request,
        estimate=priced,
        problem=problem,
        needs_confirmation=needs_confirmation(priced, terms.settings),
        images=len(seeds),
        known=found,
        facts=facts,
    )


def differences(shown: Mapping[str, Any], now: Mapping[str, str]) -> list[str]:
    """In what a click's screen differs from what would be sent, a sentence each."""
    said = []
    if shown.get("account") != now.get("account"):
        said.append(f"The panel showed “{shown.get('account') or 'nothing yet'}”; it is now “{now.get('account')}”.")
    if any(shown.get(name) != now.get(name) for name in ("price", "most")):
        said.append(f"The price shown was {shown.get('price') or 'none'}; it is now {now.get('price') or 'not known'}.")
    if shown.get("cells") != now.get("cells"):
        before, after = shown.get("cells") or "no", now.get("cells") or "no"
        said.append(f"The panel showed {before} cells to be sent; it is now {after}.")
    return said


def needs_confirmation(priced: Estimate, settings: Settings) -> bool:
    """Whether the user must confirm this price."""
    most = priced.upper_bound_usd
    return not priced.simulated and priced.images > 0 and (most is None or most > settings.confirm_above_usd)


def image_count(text: str) -> int:
    """The number of images, as it was typed.

    Raises:
        InvalidRequest: it is not a whole number from 1 to 1,000.
    """
    stripped = text.strip()
    if not (stripped.isascii() and stripped.isdigit() and len(stripped) < 6 and 1 <= int(stripped) <= MAX_IMAGES):
        raise InvalidRequest(
            f"images {stripped or 'is empty: it'} is not a whole number from 1 to {MAX_IMAGES:,}."
            if stripped
            else "the number of images is empty.",
            f"It takes 1 … {MAX_IMAGES:,}. {NOTHING_SENT}",
            field="images",
        )
    return int(stripped)


def planned_seeds(form: Form) -> Seeds:
    """The seeds of a form; drawn where none is given.

    Raises:
        InvalidRequest: the seeds or the number of images cannot be used.
    """
    if form.seeds == "":
        raise no_seed()
    return plan_seeds(form.seeds, None if form.lists_seeds else image_count(form.images))


def no_seed() -> InvalidRequest:
    """That a fixed seed is to be given."""
    return InvalidRequest("no seed is given.", f"Type one, or choose a new one each time. {NOTHING_SENT}", field="seed")


def no_prompt() -> InvalidRequest:
    """That a prompt is to be written."""
    return InvalidRequest("Write what the image should show.", field="prompt")


def _problem(form: Form, priced: Estimate, terms: Terms, catalogue: Catalogue) -> VeniceError | None:
    if not form.prompt.strip():
        return no_prompt()
    if terms.settings.credential is None:
        return CredentialsRefused(
            "there is no API key.", "Run %venice login in a cell, or set VENICE_API_KEY. %venice demo on needs none."
        )
    try:
        allow(priced, terms.settings, price_age_seconds=catalogue.age_seconds, yes=True)
    except SpendingRefused as exc:
        return exc
    return next((_over(name, left, priced) for name, left in terms.left_usd.items() if _is_over(left, priced)), None)


def _is_over(left: Decimal, priced: Estimate) -> bool:
    return priced.upper_bound_usd is not None and priced.upper_bound_usd > left


def _over(name: str, left: Decimal, priced: Estimate) -> SpendingRefused:
    return SpendingRefused(
        f"{priced.formula} is more than the {name} budget leaves ({usd_text(max(left, left * 0))}).",
        f"Ask for fewer or cheaper images, or raise the budget. {NOTHING_SENT}",
    )


def price_grid(form: Form, model: Model) -> dict[str, Any]:
    """What one image costs by what decides it, for the browser to draw; ``single`` where the model has one price."""
    cells = price_cells(model, {name: str(value) for name, value in form.values.items()})
    if not cells.names:
        return {"names": [], "columns": [], "rows": [], "single": price_text(cells.prices["", ""])}
    return {
        "names": list(cells.names[:2]),
        "columns": [column for column in cells.columns if column],
        "rows": [
            {
                "name": row,
                "cells": [
                    {"column": column, "price": price_text(price), "mark": cells.marks.get((row, column), "")}
                    for column in cells.columns
                    for price in (cells.prices[row, column],)
                ],
            }
            for row in cells.rows
        ],
    }
