"""A ``%%venice`` cell whose options or prompt hold several values: a plan, priced, sent and shown as a grid."""

from __future__ import annotations

from functools import partial
from typing import TYPE_CHECKING, Any

from venice_widgets.display import Bundle, join, notice
from venice_widgets.errors import NOTHING_SENT, GenerationIncomplete, Interrupted, SpendingRefused, VeniceError
from venice_widgets.plan import define, resume_drawn
from venice_widgets.plan.overview import overview
from venice_widgets.plan.permit import permit
from venice_widgets.plan.runner import run_plan as run
from venice_widgets.plan.save import check_files, check_names, save_each
from venice_widgets.request.spending import ask_user

from .raw_cells import is_whole_cell
from .saved_files import show_saved

if TYPE_CHECKING:
    from collections.abc import Mapping

    from venice_widgets.plan import Grid, Plan
    from venice_widgets.plan.outlook import Outlook
    from venice_widgets.session import Session

    from .prompt_template import PromptTemplate


def run_plan(
    shell: Any,
    session: Session,
    template: PromptTemplate,
    fields: Mapping[str, Any],
    options: Mapping[str, Any],
    context: Mapping[str, Any],
) -> Grid | Bundle:
    """Run one cell with several values.

    Args:
        shell: the IPython shell.
        session: what sends.
        template: the prompt; `PromptTemplate.axes` are its variables with several values.
        fields: as they were given; those with several values are an `Axis`, several seeds too.
        options: the cell's own options.
        context: where it comes from, for the log.

    Returns:
        The grid; what ``--dry-run`` shows.

    Raises:
        VeniceError: see `Plan.run`.
    """
    plan = plan_of(session, template, fields, options)
    if options.get("save"):
        check_names(options["save"], plan)
    if options.get("dry_run"):
        return _dry_run(plan, session, options)
    return _run(shell, session, plan, options, context)


def plan_of(session: Session, template: PromptTemplate, fields: Mapping[str, Any], options: Mapping[str, Any]) -> Plan:
    """The plan of a cell. The prompt's variables come first, so that they are the outermost headings."""
    text = "".join(f"{{{{ {part} }}}}" if place % 2 else part for place, part in enumerate(template.parts))
    plan = define(
        text,
        host=session,
        images=options.get("images"),
        zipped=bool(options.get("zip")),
        skip_invalid=bool(options.get("skip_invalid")),
        search_replace=options.get("replace"),
        variables={**template.values, **{axis.name: axis for axis in template.axes}},
        given=fields,
        raw=bool(options.get("raw")),
    )
    return plan if options.get("again") else resume_drawn(plan, session)


def _dry_run(plan: Plan, session: Session, options: Mapping[str, Any]) -> Bundle:
    """The plan with its price, and what a limit would say of it."""
    outlook = plan.outlook(session, again=_again(options), resend_unknown=bool(options.get("resend_unknown")))
    refusals = [message for message in (_invalid(plan, options), _refusal(plan, session, options)) if message]
    shown = [overview(plan, outlook, [session.left_text()])]
    shown += [notice(f"It would be refused: {message}", kind="warning") for message in refusals]
    return join(*shown, notice(NOTHING_SENT, kind="information"))


def _again(options: Mapping[str, Any]) -> bool | None:
    return True if options.get("again") else None if options.get("reuse") else False


def _invalid(plan: Plan, options: Mapping[str, Any]) -> str:
    try:
        plan.shown.refuse_invalid()
        _check(options, plan.shown)
    except VeniceError as exc:
        return exc.message.partition("\n")[0]
    return ""


def _refusal(plan: Plan, session: Session, options: Mapping[str, Any]) -> str:
    try:
        permit(plan.shown, session, shown=None, max_cost_usd=options.get("max_cost"), yes=True, ask=None)
    except SpendingRefused as exc:
        return exc.message
    except VeniceError:  # no key: a price needs none
        return ""
    return ""


def _run(shell: Any, session: Session, plan: Plan, options: Mapping[str, Any], context: Mapping[str, Any]) -> Grid:
    try:
        grid = run(
            plan,
            session,
            max_cost_usd=options.get("max_cost"),
            yes=bool(options.get("yes")),
            again=_again(options),
            resend_unknown=bool(options.get("resend_unknown")),
            context=context,
            ask=ask_user,
            checked=partial(_check, options),
            whole_cell=is_whole_cell(shell),
        )
    except (GenerationIncomplete, Interrupted) as exc:
        if exc.generation is None:  # before anything was sent
            raise
        _keep(shell, exc.generation, options)
        if len(exc.generation):
            _show(exc.generation)
        raise
    if problem := _keep(shell, grid, options):
        _show(grid)
        raise problem
    return grid


def _keep(shell: Any, grid: Grid, options: Mapping[str, Any]) -> VeniceError | None:
    """What ``--out`` and ``--save`` ask for; the first problem is raised once the grid is shown."""
    if options.get("out"):
        shell.user_ns[options["out"]] = grid
    if not options.get("save"):
        return None
    written = save_each(grid, options["save"], options.get("metadata") or "full")
    show_saved(written)
    return written.problem


def _check(options: Mapping[str, Any], outlook: Outlook) -> None:
    """Whether what is to be sent can be saved as asked."""
    if options.get("save"):
        check_files(options["save"], outlook)


def _show(output: Any) -> None:
    from IPython.display import display

    display(output)
