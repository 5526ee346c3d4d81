"""What the choices come to before anything is sent: the request, its price, or what is wrong. Never the network."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from venice_widgets.errors import InvalidRequest, SpendingRefused, VeniceError
from venice_widgets.request.estimate import Estimate, estimate
from venice_widgets.request.request import GenerationRequest
from venice_widgets.request.seeds import plan_seeds
from venice_widgets.request.spending import allow

if TYPE_CHECKING:
    from venice_widgets.config import Settings
    from venice_widgets.request.catalogue import Catalogue, Model

    from .choices import Choices


@dataclass(frozen=True, slots=True)
class Look:
    """A request as it stands while it is being chosen."""

    model: Model | None = None
    """None where there is no such model."""
    request: GenerationRequest | None = None
    """None while it could not be sent."""
    estimate: Estimate | None = None
    """What it would cost: also while only the prompt is missing."""
    problem: VeniceError | None = None
    """Why it could not be sent."""
    needs_yes: bool = False
    """Whether a person must agree to the price first."""


def look_at(choices: Choices, catalogue: Catalogue, settings: Settings) -> Look:
    """Check and price the choices against the catalogue at hand; this answers on every key that is pressed."""
    model = catalogue.find(choices.model or "default")
    try:
        catalogue.resolve(choices.model or None)
        images = len(plan_seeds(choices.seeds, choices.images_or_none).seeds)
        request = _request(choices, catalogue, choices.prompt if choices.prompt.strip() else "…")
    except VeniceError as exc:
        return Look(model=model, problem=exc)
    priced = estimate(request, images, simulated=settings.demo)
    problem = _problem(choices, priced, settings, catalogue)
    return Look(model, None if problem else request, priced, problem, _needs_yes(priced, settings))


def _request(choices: Choices, catalogue: Catalogue, prompt: str) -> GenerationRequest:
    fields = choices.fields(catalogue.resolve(choices.model or None))
    if choices.model:
        fields["model"] = choices.model
    return GenerationRequest.build(prompt, fields, catalogue)


def _problem(choices: Choices, priced: Estimate, settings: Settings, catalogue: Catalogue) -> VeniceError | None:
    if not choices.prompt.strip():
        return InvalidRequest("Write what the picture should show.", field="prompt")
    try:
        allow(priced, settings, price_age_seconds=catalogue.age_seconds, yes=True)
    except SpendingRefused as exc:
        return exc
    return None


def _needs_yes(priced: Estimate, settings: Settings) -> bool:
    most = priced.upper_bound_usd
    return not priced.simulated and (most is None or most > settings.confirm_above_usd)
