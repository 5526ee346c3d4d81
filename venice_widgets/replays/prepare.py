"""Before a replay: its price, what has changed since, and whether it can be sent and could come out the same."""

from __future__ import annotations

import json
from dataclasses import dataclass, replace
from types import MappingProxyType
from typing import TYPE_CHECKING, Any

from venice_widgets.config import DEMO_BASE_URL
from venice_widgets.errors import CatalogueError, InvalidRequest, StoreError, VeniceError
from venice_widgets.files.hashed import digest_of_tag
from venice_widgets.generation.prepared import Prepared
from venice_widgets.log import REPLAY_OF, Parent
from venice_widgets.money import usd_text
from venice_widgets.request.catalogue import FieldSupport, parse_catalogue
from venice_widgets.request.checks import deprecation_text
from venice_widgets.request.estimate import estimate
from venice_widgets.request.request import GenerationRequest, canonical
from venice_widgets.request.seeds import Plan, plan_seeds
from venice_widgets.request.style_reference import StyleReference

from .original import past_of

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from venice_widgets.log import Log
    from venice_widgets.request.catalogue import Catalogue, Model
    from venice_widgets.session import Session

    from .original import Original, Source

_INEXACT = "its request or its seed is not known exactly, so that it cannot be sent again as it was."
_OWN_PLACE = ("model", "prompt", "seed", "style_references")
_NO_INFLUENCE = frozenset({"entry", "name", "description", "traits", "privacy", "uncensored"})


@dataclass(frozen=True, slots=True, kw_only=True)
class PreparedReplay:
    """A replay that is checked and priced, and not sent."""

    past: Original
    prepared: Prepared | None
    """What would be sent; None where there is an obstacle."""
    changes: tuple[str, ...] = ()
    """What has changed, a sentence each."""
    doubts: tuple[str, ...] = ()
    """Why it could not come out the same, a sentence each; empty where it should."""
    obstacle: str = ""
    """Why nothing can be sent, a clause; else empty."""
    model_gone: bool = False
    """Whether the obstacle is that the model is gone."""

    @property
    def price_text(self) -> str:
        """The price, or that nothing can be sent."""
        return self.prepared.estimate.text if self.prepared else "nothing can be sent"


def look(session: Session, source: Source, *, max_age_seconds: float = 0.0) -> PreparedReplay:
    """Price a replay and list what has changed since. Sends nothing that costs; fetches today's catalogue.

    Args:
        session: what would send it.
        source: see `past_of`.
        max_age_seconds: how old the catalogue may be.

    Raises:
        VeniceError: see `past_of`; or there is no catalogue at all.
    """
    past = past_of(source, session)
    catalogue = session.catalogue(max_age_seconds=max_age_seconds)
    changes = list(_service_changes(session, past))
    if not past.exact:
        return PreparedReplay(past=past, prepared=None, changes=tuple(changes), obstacle=_INEXACT)
    model = catalogue.find(str(past.request.get("model")))
    if model is None or model.id != past.request.get("model"):
        return PreparedReplay(
            past=past, prepared=None, changes=tuple(changes), obstacle=_gone(past, catalogue), model_gone=True
        )
    try:
        prepared = _prepare(session, past, model, catalogue)
    except VeniceError as exc:
        gone = model.offline
        return PreparedReplay(past=past, prepared=None, changes=tuple(changes), obstacle=exc.message, model_gone=gone)
    changes += _model_changes(prepared, past)
    return PreparedReplay(
        past=past, prepared=prepared, changes=tuple(changes), doubts=(*_other_world(session, past), *_doubts(prepared))
    )


def _prepare(session: Session, past: Original, model: Model, catalogue: Catalogue) -> Prepared:
    """The stored request, checked against today's limits and sent as it was: no spelling is corrected."""
    stored = _with_rewritten_prompt(past)
    references = _references(stored, session.log)
    fields = {name: value for name, value in stored.items() if name not in _OWN_PLACE}
    given = {**fields, "model": model.id, **({"style_references": references} if references else {})}
    prompt: Any = stored.get("prompt")
    today = GenerationRequest.build(prompt, given, catalogue)
    request = GenerationRequest(
        model,
        prompt,
        MappingProxyType(fields),
        references,
        references,
        asked_model=model.id,
        notes=() if past.rewritten_prompt == "" else ("The rewritten prompt is sent, with enhancement off.",),
        stand_in=today.stand_in,
    )
    plan = _plan(stored.get("seed"))
    if canonical(request.record(plan.seeds[0])) != canonical(stored):
        raise InvalidRequest("its request cannot be built again as it was stored.")
    priced = estimate(request, 1, simulated=session.settings.demo)
    parent = Parent(past.run_id, REPLAY_OF) if past.run_id else None
    return Prepared(request, plan, priced, catalogue.fetched_at, parent=parent)


def _with_rewritten_prompt(past: Original) -> dict[str, Any]:
    """The prompt that was used, with enhancement off: a new rewriting would be another prompt, and cost again."""
    stored = dict(past.request)
    if past.rewritten_prompt:
        stored["prompt"] = past.rewritten_prompt
    if past.rewritten_prompt or past.answered:
        stored.pop("enhance_prompt", None)
    return stored


def _plan(seed: Any) -> Plan:
    if isinstance(seed, bool) or not isinstance(seed, int):
        raise InvalidRequest(f"its seed is {seed!r}, which is not a number.")
    return replace(plan_seeds(seed), drawn=False)


def _references(stored: Mapping[str, Any], log: Log) -> tuple[StyleReference, ...]:
    """The reference images from the object store, never from a path in a file that anyone may have written."""
    listed = stored.get("style_references", [])
    if not isinstance(listed, list):
        raise InvalidRequest("its style references are not a list.")
    return tuple(_reference(entry, log) for entry in listed)


def _reference(entry: Any, log: Log) -> StyleReference:
    sha256 = digest_of_tag(entry.get("image")) if isinstance(entry, dict) else None
    if sha256 is None:
        raise InvalidRequest("one of its style references is not known by its hash.")
    strength = entry.get("strength")
    if strength is not None and (isinstance(strength, bool) or not isinstance(strength, int | float)):
        raise InvalidRequest(f"the strength of one of its style references is {strength!r}.")
    try:
        reference = StyleReference(log.objects.read(sha256), strength)
    except StoreError as exc:
        raise InvalidRequest(f"its style reference {sha256[:12]}… is not in the store any longer.") from exc
    if reference.sha256 != sha256:
        raise InvalidRequest(f"its style reference {sha256[:12]}… is damaged in the store (%venice verify).")
    return reference


def _gone(past: Original, catalogue: Catalogue) -> str:
    name = past.request.get("model")
    if not name:
        return "its model is not known."
    then = _model_then(past)
    instead = then.deprecation.replacement if then else ""
    hint = f" {instead} was named as its replacement." if instead and catalogue.find(instead) else ""
    return f"the model {name} is not in the catalogue any longer.{hint}"


def _service_changes(session: Session, past: Original) -> Iterator[str]:
    if past.base_url and past.base_url != session.settings.base_url:
        yield f"It was sent to {past.base_url}; now it would go to {session.settings.base_url}."
    now = session.client.service_version
    if past.service_version and now and now != past.service_version:
        yield f"The service was version {past.service_version}, and is {now}."


def _model_changes(prepared: Prepared, past: Original) -> Iterator[str]:
    model, then = prepared.request.model, _model_then(past)
    if model.deprecation.stated:
        yield deprecation_text(model, prepared.request.stand_in, prepared.request.fields)
    if then is None:
        return
    before, now = estimate(replace(prepared.request, model=then), 1).price_usd, prepared.estimate.price_usd
    if before != now:
        texts = ["unknown" if price is None else usd_text(price) for price in (before, now)]
        yield f"Its price was {texts[0]}, and is {texts[1]}."
    for name in type(model).model_fields:
        if name in _NO_INFLUENCE or name.startswith(("price", "deprecation")):
            continue
        was, is_now = getattr(then, name), getattr(model, name)
        if was != is_now:
            yield f"The catalogue's {name} was {_word(was)}, and is {_word(is_now)}."


def _word(value: Any) -> str:
    if isinstance(value, tuple):
        return ", ".join(map(str, value)) or "nothing"
    return "not stated" if value in (None, "") else str(value)


def _model_then(past: Original) -> Model | None:
    """The model as its catalogue entry described it when the run was made."""
    try:
        models = parse_catalogue(json.dumps([past.entry]).encode()).models
    except (CatalogueError, ValueError):
        return None
    return models[0] if models else None


def _other_world(session: Session, past: Original) -> Iterator[str]:
    """A simulated image cannot come from Venice, nor a real one from the simulator; only one of them costs money."""
    was_simulated = past.base_url == DEMO_BASE_URL
    if not past.base_url or was_simulated == session.settings.demo:
        return
    if was_simulated:
        yield "It was simulated by the demo, and the demo is off: a replay would be real, and would be paid for."
    else:
        yield "It is a real image, and the demo is on: a replay would be simulated."


def _doubts(prepared: Prepared) -> Iterator[str]:
    request = prepared.request
    if request.fields.get("enable_web_search"):
        yield "It searched the web, which finds other things every day."
    if request.model.support("seed") is FieldSupport.IGNORED:
        yield f"{request.model.id} ignores seeds: every image is another one."
