"""The parts of the documents that are made from the code: a page holds ``<!-- generated: NAME -->`` where one belongs.

MkDocs calls `on_page_markdown` for each page. A name that is not in `PARTS` stops the build.
"""

from __future__ import annotations

import argparse
import re
import sqlite3
import tempfile
from dataclasses import MISSING, fields
from pathlib import Path
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable

MARK = re.compile(r"<!-- generated: ([\w-]+) -->")
ROOT = Path(__file__).resolve().parents[1]


def on_page_markdown(markdown: str, **_: Any) -> str:
    """A page with its generated parts filled in."""
    return MARK.sub(lambda match: PARTS[match[1]](), markdown)


def table(head: Iterable[str], rows: Iterable[Iterable[str]]) -> str:
    """A Markdown table."""
    head = list(head)
    cells = [[cell.replace("|", "\\|").replace("\n", " ") for cell in row] for row in rows]
    return "\n".join(f"| {' | '.join(row)} |" for row in [head, ["---"] * len(head), *cells])


def code(text: str) -> str:
    """Text as it is."""
    return f"`{text}`" if text else ""


def options() -> str:
    """Every option of a cell."""
    from venice_widgets.notebook.cell_options import all_options

    rows = []
    for facts in all_options().values():
        flags = f"`--{facts.option}`" + (f", `-{facts.about.short}`" if facts.about.short else "")
        rows.append((flags, facts.about.help, facts.range_text, facts.about.default, code(facts.about.example)))
    return table(("option", "what it does", "values", "default", "example"), rows)


def commands() -> str:
    """Every ``%venice`` command."""
    from venice_widgets.notebook.commands import COMMANDS

    return table(
        ("command", "what it does"), ((f"`%venice {command.name}`", command.summary) for command in COMMANDS.values())
    )


def command_options() -> str:
    """What each command takes, as ``%venice COMMAND --help`` shows it."""
    from venice_widgets.notebook.commands import COMMANDS

    parts = []
    for command in COMMANDS.values():
        actions = [action for action in command.parser()._actions if action.dest != "help" and _help(action)]
        if actions:
            rows = [(_argument(action), _help(action), ", ".join(action.choices or ())) for action in actions]
            parts += [f"### %venice {command.name}", table(("argument", "what it does", "values"), rows)]
    return "\n\n".join(parts)


def _argument(action: argparse.Action) -> str:
    takes = f" {action.metavar or action.dest.upper()}" if action.nargs != 0 and not action.choices else ""
    return ", ".join(f"`{flag}{takes}`" for flag in reversed(action.option_strings)) or code(action.dest.upper())


def _help(action: argparse.Action) -> str:
    return "" if action.help in (None, argparse.SUPPRESS) else str(action.help).replace("%%", "%")


def settings() -> str:
    """Every setting with each place that can give it."""
    from venice_widgets.config import settings as settings_module
    from venice_widgets.config import sources

    documented = attribute_docs(Path(settings_module.__file__).read_text("utf-8"), "Settings")
    rows = []
    for one in fields(settings_module.Settings):
        if one.name == "sources":
            continue
        variable = sources.ENVIRONMENT.get(one.name, "")
        in_file = "yes" if one.name in sources.IN_FILE else "no"
        default = "none" if one.default in (None, MISSING) else code(str(one.default))
        rows.append((code(one.name), documented.get(one.name, ""), code(variable), in_file, default))
    return table(("argument of `Session`", "what it is", "variable", "in files", "default"), rows)


def attribute_docs(source: str, name: str) -> dict[str, str]:
    """The docstring below each attribute of a class."""
    import ast

    (made,) = [node for node in ast.parse(source).body if isinstance(node, ast.ClassDef) and node.name == name]
    found, last = {}, ""
    for node in made.body:
        if isinstance(node, ast.AnnAssign) and isinstance(node.target, ast.Name):
            last = node.target.id
        elif isinstance(node, ast.Expr) and isinstance(node.value, ast.Constant) and last:
            found[last] = " ".join(str(node.value.value).split()).replace("``", "`")
    return found


def errors() -> str:
    """Every error, what it means, what to do and whether it was charged."""
    from venice_widgets import errors as module

    remedies = dict(re.findall(r"[├└]── (\w+)\s{2,}(.+)", module.__doc__ or ""))
    rows = []
    for name, kind in vars(module).items():
        if isinstance(kind, type) and issubclass(kind, module.DisplayedError) and kind is not module.DisplayedError:
            meaning = " ".join((kind.__doc__ or "").partition("\n\n")[0].split())
            rows.append(
                (code(name), meaning, remedies.get(name, "see message"), str(getattr(kind, "charged", "see message")))
            )
    return table(("error", "what it means", "what to do", "charged"), rows)


def views() -> str:
    """Every view of the log with its columns, read from an empty log."""
    from venice_widgets.log import Log
    from venice_widgets.log.search import VIEWS

    with tempfile.TemporaryDirectory() as folder:
        log = Log.open(Path(folder) / ".venice")
        log.close()
        connection = sqlite3.connect(Path(folder) / ".venice/log.sqlite")
        columns = {view: [row[1] for row in connection.execute(f"PRAGMA table_info({view})")] for view in VIEWS}
        connection.close()
    return table(("view", "columns"), ((code(view), ", ".join(map(code, names))) for view, names in columns.items()))


def record() -> str:
    """Every field of a run's record, in the order in which it is written."""
    from venice_widgets.log import records, verdicts
    from venice_widgets.log.export import run_document as parts

    def described(module: Any, *pairs: tuple[str, type[Any]]) -> list[tuple[str, str]]:
        source = Path(module.__file__).read_text("utf-8")
        return [(code(n), attribute_docs(source, name).get(n, "")) for name, part in pairs for n in part.model_fields]

    run = (("RunDraft", parts.DraftPart), ("RunOutcome", parts.OutcomePart), ("RunRecord", parts.RunPart))
    request = (code("request"), "The body as sent, reference images as `sha256:…`.")
    deleted = (code("deleted"), "Whether its bytes were deleted since.")
    tables = {
        "A run": [*described(records, *run), request],
        "Each of its `images`": [*described(records, ("ImageRecord", parts.ImagePart)), deleted],
        "Each of its `bodies`": described(records, ("BodyRecord", parts.BodyPart)),
        "Its `verdict`, where it is a replay": described(verdicts, ("VerdictRecord", parts.VerdictPart)),
    }
    return "\n\n".join(f"### {title}\n\n{table(('field', 'what it is'), rows)}" for title, rows in tables.items())


def layout() -> str:
    """The package in about twenty lines: each module at its root and each room, with its first sentence."""
    import ast

    lines = []
    package = ROOT / "venice_widgets"
    for path in sorted(package.iterdir(), key=lambda path: (path.is_dir(), path.name)):
        module = path / "__init__.py" if path.is_dir() else path
        if module.suffix != ".py" or not module.is_file() or path.name == "__init__.py":
            continue
        said = (ast.get_docstring(ast.parse(module.read_text("utf-8"))) or "").split("\n\n")[0]
        sentence = re.split(r"[.;] ", " ".join(said.replace("`", "").split()).rstrip("."))[0]
        lines.append(f"{path.name + ('/' if path.is_dir() else ''):<16} {sentence}")
    return "```text\nvenice_widgets/\n" + "\n".join(f"  {line}" for line in lines) + "\n```"


def contributing() -> str:
    """CONTRIBUTING.md, whose headings and links fit in as they are."""
    return (ROOT / "CONTRIBUTING.md").read_text("utf-8").partition("\n")[2]


def changelog() -> str:
    """CHANGELOG.md."""
    return (ROOT / "CHANGELOG.md").read_text("utf-8").partition("\n")[2]


PARTS: dict[str, Callable[[], str]] = {
    part.__name__.replace("_", "-"): part
    for part in (options, commands, command_options, settings, errors, views, record, layout, contributing, changelog)
}
