"""A sweep: a form in which some controls have several values, as a plan with its price.

What is typed beside a control is read by the grammar of the cell, and held to models, limits and budgets by the plan.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from venice_widgets.errors import NOTHING_SENT, InvalidRequest, SpendingRefused, VeniceError
from venice_widgets.plan import define, resume_drawn
from venice_widgets.plan.outlook import SHOWN_REASONS, cells_text
from venice_widgets.plan.overview import cells_line, time_line
from venice_widgets.plan.permit import permit
from venice_widgets.plan.runner import look_for_run
from venice_widgets.plan.table import MOST_CELLS
from venice_widgets.request.axes import Axis, parse_axis
from venice_widgets.request.fields import field_facts

from .labels import label_of
from .quote import Quote, differences, image_count, needs_confirmation, no_prompt, no_seed
from .state import REPLACE, as_lines

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping
    from decimal import Decimal

    from venice_widgets.plan import Plan
    from venice_widgets.plan.outlook import Outlook
    from venice_widgets.request.catalogue import Catalogue
    from venice_widgets.session import Session

    from .state import Form

STAND_IN = "…"
"""Priced in place of a prompt that is not written yet."""


def plan_of(form: Form, session: Session) -> Plan:
    """The plan of a form: its axes in the order of the cell's options.

    Raises:
        InvalidRequest: values that cannot be read, only one where several are needed, or too many images.
    """
    axes = {name: _axis(name, text) for name, text in form.sweep.items()}
    fixed = {name: _one(name, value) for name, value in form.fields().items()}
    if form.seeds == "":
        raise no_seed()
    seeds = {} if form.seeds is None else {"seed": parse_axis(form.seeds, "seed")}
    given = in_order({**fixed, **seeds, **axes})
    images = 1 if form.lists_seeds else image_count(form.images)
    plan = define(
        form.prompt if form.prompt.strip() else STAND_IN,
        host=session,
        images=images if images > 1 else None,
        skip_invalid=form.skip_invalid,
        search_replace=list(axes[REPLACE].values) if REPLACE in axes else None,
        given=given,
        raw=True,
    )
    if plan.size > MOST_CELLS:
        raise InvalidRequest(
            f"the sweep has {plan.size:,} cells, more than the panel's {MOST_CELLS:,}.",
            f"Ask for fewer values, or copy it as a cell, which takes more. {NOTHING_SENT}",
        )
    return plan if form.again else resume_drawn(plan, session)


def in_order(fields: Mapping[str, Any]) -> dict[str, Any]:
    """Fields in the order of the cell's options, which is the order of the axes."""
    return {name: fields[name] for name in field_facts() if name in fields}


def _axis(name: str, text: str) -> Axis:
    if not text.strip():
        raise _needs_several(name, "has no values yet")
    found = parse_axis(text, "prompt" if name == REPLACE else name)
    if not isinstance(found, Axis):
        raise _needs_several(name, f"has one value, {text.strip()}")
    return found


def _needs_several(name: str, problem: str) -> InvalidRequest:
    return InvalidRequest(
        f"{axis_label(name)} {problem}.", f"Type several, or press its Sweep button again. {NOTHING_SENT}", field=name
    )


def _one(name: str, value: Any) -> Any:
    """What has no Sweep pressed has one value, as without a sweep."""
    if isinstance(value, str) and isinstance(parse_axis(value, name), Axis):
        raise InvalidRequest(
            f"{axis_label(name)} has several values, {value}.", f"Press Sweep beside it. {NOTHING_SENT}", field=name
        )
    return value


def axis_label(name: str) -> str:
    """What the panel calls an axis."""
    return "Replace in the prompt" if name == REPLACE else label_of(field_facts()[name])


def sweep_quote(
    form: Form, session: Session, catalogue: Catalogue, account: str, fetch: Callable[[str], bytes] | None = None
) -> Quote:
    """Check and price every cell of a form, and look it up in the log; reads the log, and never sends anything.

    Args:
        form: what is chosen.
        session: whose settings, budgets and log.
        catalogue: the models and prices.
        account: where requests go and which account pays, in words.
        fetch: reads a style reference from its URL.
    """
    model, facts = catalogue.find(form.model or "default"), {"account": account}
    try:
        plan = plan_of(form, session)
        outlook = look_for_run(plan, session, again=form.again, catalogue=catalogue, fetch=fetch)
    except VeniceError as exc:
        return Quote(model=model, problem=exc, facts=facts)
    except Exception as exc:  # noqa: BLE001  a mistake of ours: shown in the place of the price, where trying again fails again
        return Quote(model=model, problem=VeniceError(f"{type(exc).__name__}: {exc}"), facts=facts)
    return Quote(
        model=model,
        estimate=outlook.estimate,
        problem=_problem(form, outlook, session),
        needs_confirmation=needs_confirmation(outlook.estimate, session.settings),
        images=outlook.images,
        known=0 if outlook.again else len(outlook.known),
        facts={**facts, **facts_of(outlook)},
        outlook=outlook,
    )


def facts_of(outlook: Outlook) -> dict[str, str]:
    """What a click must have seen of a sweep: its cells, the price, and the most that it can cost."""
    estimate = outlook.estimate
    cells = f"{len(outlook.to_send):,} of {len(outlook.plan):,}"
    return {"price": estimate.text, "most": str(estimate.upper_bound_usd), "cells": cells}


def _problem(form: Form, outlook: Outlook, session: Session) -> VeniceError | None:
    if not form.prompt.strip():
        return no_prompt()
    try:
        outlook.refuse_invalid()
    except InvalidRequest as exc:
        way_out = "Change the values, or leave these cells out. " if outlook.hashes else ""
        return InvalidRequest(exc.message.partition("\n")[0], f"{way_out}{NOTHING_SENT}", field="skip_invalid")
    try:
        if outlook.to_send:
            permit(outlook, session, shown=None, max_cost_usd=None, yes=True, ask=None)
    except VeniceError as exc:
        return exc
    return None


def refuse_other(shown: Quote, now: Outlook) -> None:
    """Hold what would be sent against what was priced at the click; what the log holds by now is not sent.

    Raises:
        SpendingRefused: a cell, or the price of one, is another than the one shown.
    """
    before = shown.outlook
    is_same = (
        before is not None
        and set(now.to_send) <= set(before.to_send)
        and all(now.prices[index] == before.prices[index] for index in now.to_send)
        and all(now.models[index] == before.models[index] for index in now.to_send)
        and _is_no_more(now.estimate.upper_bound_usd, before.estimate.upper_bound_usd)
    )
    if not is_same:
        said = differences({**shown.facts, "account": ""}, {**facts_of(now), "account": ""})
        raise SpendingRefused(" ".join(said) or "the sweep is another one by now.", NOTHING_SENT)


def _is_no_more(now: Decimal | None, before: Decimal | None) -> bool:
    return now == before or (now is not None and before is not None and now < before)


def describe(form: Form, quoted: Quote) -> dict[str, Any] | None:
    """The sweep of a form before it is sent, as the browser draws it; None where nothing is varied."""
    if not form.sweep:
        return None
    outlook = quoted.outlook
    return {
        "axes": [_describe_axis(name, form, outlook) for name in (*field_facts(), REPLACE) if name in form.sweep],
        "cells": cells_line(outlook.plan, outlook) if outlook else "",
        "time": time_line(outlook) if outlook and outlook.to_send and outlook.per_minute else "",
        "invalid": _invalid(outlook) if outlook else [],
        "add": _with_model(form),
    }


def _describe_axis(name: str, form: Form, outlook: Outlook | None) -> dict[str, Any]:
    axes = outlook.plan.axes if outlook else ()
    found = [len(axis.axis) for axis in axes if axis.name == name or (name == REPLACE and axis.kind == REPLACE)]
    return {"name": name, "label": axis_label(name), "text": form.sweep[name], "count": found[0] if found else None}


def _invalid(outlook: Outlook) -> list[list[str]]:
    """Cells that their model cannot make, and why."""
    reasons = outlook.reasons()
    said = [[cells_text(outlook.plan, indices), reason] for reason, indices in reasons[:SHOWN_REASONS]]
    more = len(reasons) - SHOWN_REASONS
    return [*said, [f"{more} other reasons", ""]] if more > 0 else said


def _with_model(form: Form) -> str:
    """The models of the sweep and the chosen one; empty where that is among them, or models are not varied."""
    text = form.sweep.get("model")
    if text is None or form.model in [word.strip() for word in text.split(",")]:
        return ""
    return f"{text.strip().rstrip(',')},{form.model}".lstrip(",")


def request_of(plan: Plan | Any, index: int) -> Mapping[str, Any]:
    """One cell of a sweep as the form takes it: references one to a line."""
    cell = plan.cell(index)
    references = cell.fields.get("style_references")
    lines = {"style_references": as_lines(references)} if references else {}
    return {**cell.fields, **lines, "prompt": cell.prompt, "seed": cell.seed}
