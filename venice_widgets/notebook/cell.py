"""What a ``%%venice`` cell does: options, prompt, price, images."""

from __future__ import annotations

from functools import partial
from typing import TYPE_CHECKING, Any

from IPython.core.error import UsageError

from venice_widgets.current import current_session
from venice_widgets.display import Bundle, code, notice
from venice_widgets.errors import GenerationIncomplete, Interrupted, VeniceError
from venice_widgets.generation.copies import Copies, copies_of
from venice_widgets.generation.notices import opening_text
from venice_widgets.generation.progress import ProgressLine
from venice_widgets.generation.run import interrupted
from venice_widgets.request.axes import Axis
from venice_widgets.request.spending import ask_user
from venice_widgets.shell import at_terminal

from .cell_checks import check_options, check_prompt
from .cell_options import cell_help, parse_cell_line, with_seed_axis
from .dry_run import dry_run
from .option_names import in_words_of_a_cell
from .prompt_template import PromptTemplate, read_template
from .saved_files import show_saved

if TYPE_CHECKING:
    from collections.abc import Mapping

    from venice_widgets.generation.prepared import Prepared
    from venice_widgets.generation.result import Generation
    from venice_widgets.session import Session


def run_cell(shell: Any, line: str, cell: str) -> Any:
    """Run one cell.

    Returns:
        The `Generation`; for options with several values the grid of a plan; or what ``--help`` and ``--dry-run`` show.

    Raises:
        UsageError: the line cannot be understood.
        VeniceError: see `Session.generate`.
    """
    with in_words_of_a_cell({}, shell.user_ns):
        fields, options = parse_cell_line(line, shell.user_ns)
    if options.get("help"):
        return code(cell_help())
    with in_words_of_a_cell(fields, shell.user_ns):
        text = _without_ending(cell, blank_line=at_terminal())
        raw = bool(options.get("raw"))
        template = PromptTemplate((text,), {}) if raw else read_template(text, shell.user_ns)
        if not raw:
            check_prompt(text)
        axes = [axis.name for axis in template.axes]
        axes += [name for name, value in fields.items() if isinstance(value, Axis)]
        several = bool(axes or options.get("replace"))
        check_options(options, shell.user_ns, [*axes, "index"] if several else ())
        context = {"cell": f"%%venice {line}\n{text}", "template": text, "variables": dict(template.values)}
        if several:
            return _run_plan(shell, template, with_seed_axis(fields), options, context)
        _check_for_one(options)
        return _run_one(shell, template.fill(), fields, options, context)


def _run_plan(
    shell: Any,
    template: PromptTemplate,
    fields: Mapping[str, Any],
    options: Mapping[str, Any],
    context: Mapping[str, Any],
) -> Any:
    from .cell_plan import run_plan

    return run_plan(shell, current_session(), template, fields, options, context)


def _run_one(
    shell: Any, prompt: str, fields: Mapping[str, Any], options: Mapping[str, Any], context: Mapping[str, Any]
) -> Generation | Bundle:
    session = current_session()
    again = True if options.get("again") else None if options.get("reuse") else False
    prepared = session.build(prompt, images=options.get("images"), again=again, **fields)
    if copies := _copies(options):
        copies.check(prepared)
    if options.get("dry_run"):
        return dry_run(session, prepared, options)
    return _generate(shell, session, prepared, options, context)


def _check_for_one(options: Mapping[str, Any]) -> None:
    """``--zip`` without anything to pair would be passed over in silence."""
    for name in ("zip", "skip_invalid", "resend_unknown"):
        if options.get(name):
            raise UsageError(
                f"%%venice: --{name.replace('_', '-')} is for options with several values, such as --steps 10,20."
            )


def _without_ending(text: str, *, blank_line: bool) -> str:
    """The prompt without the newline that ends a cell, nor the blank line that does so at a terminal."""
    whole = text.removesuffix("\n").removesuffix("\r")
    return whole.removesuffix("\n") if blank_line else whole


def _generate(
    shell: Any, session: Session, prepared: Prepared, options: Mapping[str, Any], context: Mapping[str, Any]
) -> Generation:
    progress = ProgressLine(opening_text(prepared, session.left_text()))
    progress.show(len(prepared.from_log), len(prepared.plan.seeds))
    try:
        generation = session.send_and_wait(
            prepared,
            max_cost_usd=options.get("max_cost"),
            yes=bool(options.get("yes")),
            ask=progress.asking(ask_user),
            context=context,
            on_sent=partial(_keep, shell, options.get("out")),
            on_tick=progress.tick,
        )
    except BaseException:
        progress.clear()
        raise
    try:
        progress.finish(generation)
        if at_terminal():
            _show(generation.header())
        problem = _save(generation, options)
        _fail_if_missing(generation)
        if problem:
            _show(generation)
            raise problem
        return generation  # noqa: TRY300  an interrupt here is reported too
    except KeyboardInterrupt as exc:
        raise (exc if isinstance(exc, Interrupted) else interrupted(generation)) from None


def _keep(shell: Any, name: str | None, generation: Generation) -> None:
    """Keep it under the user's name as soon as it is being sent: an interrupt leaves it there."""
    if name:
        shell.user_ns[name] = generation


def _save(generation: Generation, options: Mapping[str, Any]) -> VeniceError | None:
    """Save every image that can be saved; the first problem is raised once the images are shown."""
    copies = _copies(options)
    if copies is None:
        return None
    written = copies.write(generation)
    show_saved(written)
    return written.problem


def _copies(options: Mapping[str, Any]) -> Copies | None:
    return copies_of(options.get("save"), options.get("metadata") or "full")


def _fail_if_missing(generation: Generation) -> None:
    try:
        generation.raise_for_missing()
    except (GenerationIncomplete, VeniceError):
        if generation.images:
            _show(generation)
        elif generation.notes:  # what a crash left behind is said only once
            _show(notice("\n".join(generation.notes), kind="note"))
        raise


def _show(output: Generation | Bundle) -> None:
    from IPython.display import display

    display(output)
