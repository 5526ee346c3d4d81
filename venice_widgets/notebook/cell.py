"""What a ``%%venice`` cell does: options, prompt, price, pictures."""

from __future__ import annotations

from keyword import iskeyword
from pathlib import Path
from typing import TYPE_CHECKING, Any

from IPython.core.error import UsageError

from venice_widgets.current import current_session
from venice_widgets.display import Bundle, code, join, line, notice
from venice_widgets.errors import GenerationIncomplete, InvalidRequest, SpendingRefused, VeniceError
from venice_widgets.generation.notices import age_notes
from venice_widgets.generation.progress import ProgressLine
from venice_widgets.media.saving import EXTENSIONS, check_metadata, fill_pattern, true_name
from venice_widgets.request.spending import allow, ask_user
from venice_widgets.shell import at_terminal

from .cell_options import cell_help, parse_cell_line
from .prompt_template import fill
from .raw_cells import is_whole_cell

if TYPE_CHECKING:
    from collections.abc import Mapping

    from venice_widgets.generation.prepared import Prepared
    from venice_widgets.generation.result import Generation
    from venice_widgets.session import Session


def run_cell(shell: Any, line: str, cell: str) -> Generation | Bundle:
    """Run one cell.

    Returns:
        The `Generation`; or what ``--help`` and ``--dry-run`` show.

    Raises:
        UsageError: the line cannot be understood.
        VeniceError: see `Session.generate`.
    """
    fields, options = parse_cell_line(line)
    if options.get("help"):
        return code(cell_help())
    template = _without_ending(cell, blank_line=at_terminal())
    prompt, variables = (template, {}) if options.get("raw") else fill(template, shell.user_ns)
    _check_out(options.get("out"))
    _check_save(options.get("save"), options.get("metadata"))
    session = current_session()
    _check_reuse(options, fields)
    prepared = session.build(prompt, images=options.get("images"), reuse=bool(options.get("reuse")), **fields)
    _check_files(options.get("save"), prepared)
    if options.get("dry_run"):
        return _dry_run(prepared, session.left_text(), _refusal(session, prepared, options))
    context = {"cell": f"%%venice {line}\n{template}", "template": template, "variables": variables}
    return _generate(shell, session, prepared, options, context)


def _without_ending(text: str, *, blank_line: bool) -> str:
    """The prompt without the newline that ends a cell, nor the blank line that does so at a terminal."""
    whole = text.removesuffix("\n").removesuffix("\r")
    return whole.removesuffix("\n") if blank_line else whole


def _check_out(name: str | None) -> None:
    if name is not None and (not name.isidentifier() or iskeyword(name)):
        raise UsageError(f"%%venice: --out {name!r} is no name of a variable, such as foxes_2.")


def _check_reuse(options: Mapping[str, Any], fields: Mapping[str, Any]) -> None:
    if options.get("reuse") and "seed" not in fields:
        raise UsageError("%%venice: --reuse needs --seed: a seed that is drawn now is in no log.")


def _check_save(pattern: str | None, metadata: str | None) -> None:
    """What cannot be saved as asked is better found before the money is spent."""
    if metadata is not None and pattern is None:
        raise UsageError("%%venice: --metadata says what --save writes: give --save too.")
    if metadata is not None:
        check_metadata(metadata)
    if pattern is not None:
        fill_pattern(pattern, seed="1", ext="webp", run_id="1", model="model")


def _check_files(pattern: str | None, prepared: Prepared) -> None:
    """Likewise a file that would be written twice, or that is there already."""
    if pattern is None:
        return
    mime = f"image/{prepared.request.fields.get('format', 'webp')}"
    known = {"model": prepared.request.model.id, "ext": EXTENSIONS[mime], "run_id": "*"}
    files = [fill_pattern(pattern, seed=str(seed), **known) for seed in prepared.plan.seeds]
    variants = int(prepared.request.fields.get("variants", 1))
    names = ("seed",) if variants > 1 else ("seed", "run_id")  # variants share their run
    if len(files) * variants > 1 and not any(f"{{{name}" in pattern for name in names):
        raise InvalidRequest(
            f"--save {pattern!r} names one file for {len(files) * variants} pictures.",
            f"Put {' or '.join(f'{{{name}}}' for name in names)} in it. Nothing was sent.",
            field="save",
        )
    there = [taken for file in files if "*" not in file and (taken := _taken(file, mime))]
    if there:
        raise InvalidRequest(
            f"{there[0]} exists, and nothing is overwritten.",
            "Choose another name, or put {run_id} in it. Nothing was sent.",
            field="save",
        )


def _taken(file: str, mime: str) -> Path | None:
    """The file that is in the way, under this name or the one that a picture of this format will have instead."""
    try:
        target = Path(file).expanduser()
        above = next((folder for folder in target.parents if folder.exists()), target)
        taken = next((path for path in (target, true_name(target, mime)) if path.exists()), None)
    except (OSError, ValueError, RuntimeError) as exc:
        reason = getattr(exc, "strerror", None) or exc
        raise InvalidRequest(
            f"--save {file!r} is no name of a file: {reason}.", "Nothing was sent.", field="save"
        ) from exc
    if above.is_file():
        raise InvalidRequest(f"--save {file!r}: {above} is no folder.", "Nothing was sent.", field="save")
    return taken


SHOWN_BODIES = SHOWN_FILES = 4


def _refusal(session: Session, prepared: Prepared, options: Mapping[str, Any]) -> str:
    """What a limit would say of it; empty where none does."""
    try:
        allow(
            prepared.estimate,
            session.settings,
            price_age_seconds=prepared.price_age_seconds,
            max_cost_usd=options.get("max_cost"),
            yes=True,
        )
    except SpendingRefused as exc:
        return exc.message
    return ""


def _dry_run(prepared: Prepared, left: str, refusal: str) -> Bundle:
    import json

    bodies = prepared.bodies()
    shown: Any = bodies[0] if len(bodies) == 1 else bodies[:SHOWN_BODIES]
    priced = prepared.estimate.price_usd is not None
    basis = f"By {prepared.estimate.basis} in the catalogue. " if priced else ""
    parts = [
        notice(
            "\n".join(filter(None, (prepared.estimate.text, f"{basis}Nothing was sent.", left))),
            kind="information",
        ),
        code(json.dumps(shown, indent=2, ensure_ascii=False), language="json"),
    ]
    if refusal:
        parts.append(notice(f"It would be refused: {refusal}", kind="warning"))
    if len(bodies) > SHOWN_BODIES:
        rest = f"{len(bodies) - SHOWN_BODIES} more differ from these in their seed alone, up to {bodies[-1]['seed']}."
        parts.append(notice(rest, kind="information"))
    if prepared.plan.drawn:
        parts.append(notice("Without --seed, seeds are drawn anew when it is sent.", kind="information"))
    parts += [notice(note, kind="note") for note in (*age_notes(prepared), *prepared.request.notes)]
    return join(*parts)


def _generate(
    shell: Any, session: Session, prepared: Prepared, options: Mapping[str, Any], context: Mapping[str, Any]
) -> Generation:
    parts = (prepared.estimate.text, prepared.request.model.id, session.left_text(), *age_notes(prepared))
    progress = ProgressLine(" · ".join(part for part in parts if part))
    progress.show(0, len(prepared.plan.seeds))
    try:
        generation = session.send(
            prepared,
            max_cost_usd=options.get("max_cost"),
            yes=bool(options.get("yes")),
            ask=progress.asking(ask_user),
            context=context,
        )
        if options.get("out"):
            shell.user_ns[options["out"]] = generation
        session.await_generation(generation, progress.tick)
    finally:
        progress.clear(whole_cell=_is_whole_cell(shell))
    problem = _save(generation, options)
    _fail_if_missing(generation)
    if problem:
        _show(generation)
        raise problem
    return generation


def _is_whole_cell(shell: Any) -> bool:
    """Whether all that a cell shows comes from this magic; not so where code calls it, or another magic is around."""
    request = shell.get_parent() if hasattr(shell, "get_parent") else None
    content = request.get("content") if isinstance(request, dict) else None
    return is_whole_cell(str(content.get("code", ""))) if isinstance(content, dict) else False


def _save(generation: Generation, options: Mapping[str, Any]) -> VeniceError | None:
    """Save every picture that can be saved; the first problem is told once the pictures are shown."""
    problem: VeniceError | None = None
    notices: dict[str, None] = {}
    files: list[str] = []
    for image in generation.images if options.get("save") else ():
        try:
            saved = image.save_copy(options["save"], options.get("metadata", "full"))
        except VeniceError as exc:
            problem = problem or exc
        else:
            files.append(str(saved.path))
            notices.update(dict.fromkeys(saved.notices))
    if files:
        more = f" and {len(files) - SHOWN_FILES} more" if len(files) > SHOWN_FILES else ""
        _show(line(f"saved as {', '.join(files[:SHOWN_FILES])}{more}"))
    if notices:
        _show(notice("\n".join(notices), kind="note"))
    return problem


def _fail_if_missing(generation: Generation) -> None:
    try:
        generation.raise_for_missing()
    except (GenerationIncomplete, VeniceError):
        if generation.images:
            _show(generation)
        elif generation.notes:  # what a crash left behind is told once, and must not be lost with the pictures
            _show(notice("\n".join(generation.notes), kind="note"))
        raise


def _show(output: Generation | Bundle) -> None:
    from IPython.display import display

    display(output)
