"""The house has floors: a module imports only from lower ones (its own package counts as one room)."""

import ast
from collections.abc import Iterator
from pathlib import Path

PACKAGE = Path(__file__).parents[1] / "venice_widgets"

FLOORS = {
    "surroundings": -1,
    "errors": 0, "http": 0, "verbatim": 0,
    "media": 1, "simulator": 1, "payment": 1, "scrub": 1,
    "display": 2, "config": 2, "catalogue": 2, "reference": 2,
    "fields": 3, "lifting": 3, "template": 3, "credentials": 3, "wallet": 3, "circumstances": 3,
    "rules": 4, "auth": 4, "answers": 4, "statuses": 4, "plan": 4,
    "request": 5, "reading": 5,
    "estimate": 6, "channel": 6, "resolution": 6,
    "client": 7, "log": 7, "guard": 7, "saving": 7, "prices": 7,
    "provenance": 8, "result": 8, "drafts": 8, "dispatch": 8, "freshness": 8, "balance": 8,
    "runs": 9, "recall": 9, "ledger": 9, "prepared": 9,
    "sending": 10, "notes": 10,
    "session": 11, "lines": 11,
    "current": 12,
    "recipes": 13, "progress": 13, "options": 13,
    "notebooks": 14, "replay": 14, "export": 14,
    "panel": 15, "api": 15, "cell": 15, "commands": 16,
    "completion": 17,
    "magic": 18,
    "__init__": 19,
}  # fmt: skip


def room(path: Path) -> str:
    """The first name below the package: a module's own name, or its package's."""
    return path.relative_to(PACKAGE).parts[0].removesuffix(".py")


def imported_rooms(path: Path) -> Iterator[tuple[int, str]]:
    """Every room of this package that a file imports anywhere, with the line that does it."""
    package = ("venice_widgets", *path.relative_to(PACKAGE).parts[:-1])
    for node in ast.walk(ast.parse(path.read_text())):
        if isinstance(node, ast.Import):
            modules = [alias.name for alias in node.names]
        elif isinstance(node, ast.ImportFrom):
            base = list(package[: len(package) - node.level + 1]) if node.level else []
            origin = ".".join([*base, *([node.module] if node.module else [])])
            modules = [f"{origin}.{alias.name}" for alias in node.names] if origin == "venice_widgets" else [origin]
        else:
            continue
        for module in modules:
            first, _, rest = module.partition(".")
            if first == "venice_widgets":
                yield node.lineno, rest.partition(".")[0] or "__init__"


def test_every_module_stands_on_a_floor():
    unknown = {room(path) for path in PACKAGE.rglob("*.py")} - FLOORS.keys()
    assert not unknown, f"give {sorted(unknown)} a floor in {__file__}"


def test_a_module_imports_only_from_lower_floors():
    breaks = [
        f"{path.relative_to(PACKAGE.parent)}:{line} ({room(path)}, floor {FLOORS[room(path)]}) "
        f"imports {other} (floor {FLOORS.get(other, '?')})"
        for path in sorted(PACKAGE.rglob("*.py"))
        for line, other in imported_rooms(path)
        if other != room(path) and FLOORS.get(other, 99) >= FLOORS[room(path)]
    ]
    assert not breaks, "\n".join(breaks)


def test_the_simulator_imports_nothing_of_ours_so_that_it_can_contradict_the_client():
    foreign = [
        f"{path.name}:{line} imports {other}"
        for path in sorted((PACKAGE / "simulator").rglob("*.py"))
        for line, other in imported_rooms(path)
        if other != "simulator"
    ]
    assert not foreign
