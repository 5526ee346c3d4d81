"""The tests on every interpreter and set of dependencies that is supported: `python .ci/matrix.py --junit FOLDER`.

A leg is an interpreter, a set of dependencies and the surroundings the tests run in. Each gets an environment of its
own, made by uv while the legs before it are tested. The table at the end tells what passed, failed and was skipped, and
which interpreters were not found.
"""

from __future__ import annotations

import argparse
import os
import re
import shutil
import subprocess
import sys
import tempfile
import xml.etree.ElementTree as ET
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from pathlib import Path

ROOT = Path(__file__).resolve().parents[1]
PYENV = Path.home() / ".pyenv/versions"
REQUIRED_WITH_PYENV = ("3.12", "3.13")
COLAB = ROOT / ".ci/colab.txt"
EXTRAS = ".[dotenv,keyring,wallet]"
SLOW = (
    "tests/browser",
    "tests/edges",
    "tests/test_canary.py",
    "tests/generation/test_interrupt_anywhere.py",
    "tests/log/export",
    "tests/log/test_interrupts.py",
    "tests/log/test_kernel_interrupted.py",
    "tests/log/test_kernel_killed.py",
    "tests/log/test_sharing.py",
    "tests/media/test_hostile.py",
    "tests/notebook/test_headless.py",
    "tests/notebook/test_interrupt.py",
    "tests/notebook/test_kernel.py",
    "tests/notebook/test_kernel_signals.py",
    "tests/notebook/test_output_history.py",
    "tests/notebook/test_sweep_notebook.py",
    "tests/panel",
    "tests/plan/test_dask.py",
    "tests/plan/test_kill.py",
)
"""Left out of the legs, which together must not take longer than the newest set: that one runs them all."""
HARSH = {"TZ": "Pacific/Auckland", "COLUMNS": "40", "LC_ALL": "C.UTF-8", "PYTHONHASHSEED": "1"}


@dataclass
class Leg:
    """One row of the table."""

    version: str
    dependencies: str
    install: list[list[str]]
    surroundings: dict[str, str] = field(default_factory=dict)
    options: list[str] = field(default_factory=list)
    outcome: str = "not found"

    @property
    def name(self) -> str:
        """What its environment and its report are called."""
        return f"{self.version}-{self.dependencies}".replace(" ", "-").replace(",", "")


def interpreter(version: str) -> str | None:
    """The newest of pyenv's interpreters of this version, or the one on the path."""
    found = sorted(PYENV.glob(f"{version}.*/bin/python"), key=lambda path: [*map(int, re.findall(r"\d+", str(path)))])
    return str(found[-1]) if found else shutil.which(f"python{version}")


def legs(work: Path) -> list[Leg]:
    """What is run, in this order."""
    newest = [["-e", EXTRAS, "--group", "test"]]
    lowest = [["--resolution", "lowest-direct", "-e", EXTRAS, "--group", "test"]]
    colab = [["-r", str(COLAB)], ["-e", EXTRAS], ["--group", "test"]]
    long_folder = work / ("a folder whose name is long " * 6)[:150].replace(" ", "-")
    return [
        Leg("3.11", "lowest", lowest),
        Leg("3.13", "newest, harsh", newest, HARSH, ["--basetemp", str(long_folder)]),
        Leg("3.14", "newest", newest),
        Leg("3.12", "Colab", colab),
    ]


def uv(*arguments: str) -> str:
    """What uv says."""
    told = subprocess.run(
        [sys.executable, "-m", "uv", *arguments], capture_output=True, text=True, cwd=ROOT, check=False
    )
    if told.returncode:
        raise SystemExit(f"uv {' '.join(arguments)}\n{told.stderr}")
    return told.stdout


def pins(python: str) -> dict[str, str]:
    """Each installed package with its version."""
    return dict(line.split("==") for line in uv("pip", "freeze", "--python", python).splitlines() if "==" in line)


def installed(leg: Leg, python: str, work: Path) -> str:
    """The interpreter of a new environment with the leg's dependencies.

    Each step may add packages but not change what the one before it installed: who installs this package into Colab
    keeps Colab's own.
    """
    uv("venv", "-q", "--python", python, str(work / leg.name))
    made = str(work / leg.name / "bin/python")
    for step in leg.install:
        before = pins(made)
        uv("pip", "install", "-q", "--python", made, *step)
        after = pins(made)
        if changed := {name: (before[name], after.get(name)) for name in before if after.get(name) != before[name]}:
            raise SystemExit(f"{leg.name}: installing {' '.join(step)} changed {changed}")
    return made


def run(leg: Leg, python: str, junit: Path, targets: list[str]) -> int:
    """The tests of one leg."""
    command = [
        python, "-m", "pytest", "-q", "-n", "auto", "-p", "no:cacheprovider", f"--junitxml={junit / leg.name}.xml",
        *os.environ.get("ONCE_MORE", "").split(), *(f"--ignore={path}" for path in SLOW), *leg.options, *targets,
    ]  # fmt: skip
    return subprocess.run(command, cwd=ROOT, env=os.environ | leg.surroundings, check=False).returncode


def counts(report: Path) -> str:
    """Passed, failed and skipped, as a row of the table."""
    if not report.exists():
        return "no result"
    suite = next(ET.parse(report).iter("testsuite"))  # noqa: S314  our own file
    total, errors, failed, skipped = (int(suite.get(name, 0)) for name in ("tests", "errors", "failures", "skipped"))
    seconds = float(suite.get("time", 0))
    return f"{total - errors - failed - skipped:>6} {failed + errors:>6} {skipped:>7} {seconds:>6.0f} s"


def table(rows: list[tuple[str, str, str]]) -> str:
    """Interpreter × set of dependencies: passed, failed, skipped."""
    lines = [f"{'Python':<8} {'dependencies':<16} {'passed':>6} {'failed':>6} {'skipped':>7}"]
    return "\n".join([*lines, *(f"{version:<8} {name:<16} {outcome}" for version, name, outcome in rows)])


def main() -> int:
    """Run the legs; 1 where one failed or an interpreter is missing that should be here."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument(
        "--junit", type=Path, required=True, help="the folder for the reports; others there are in the table"
    )
    parser.add_argument("--leg", action="append", help="only the legs of this name, such as 3.13 or Colab")
    parser.add_argument("targets", nargs="*", default=["tests"])
    arguments = parser.parse_args()
    arguments.junit.mkdir(parents=True, exist_ok=True)
    failed = False
    with tempfile.TemporaryDirectory() as folder, ThreadPoolExecutor(1) as installer:
        chosen = [
            one for one in legs(Path(folder)) if not arguments.leg or {one.version, one.dependencies} & {*arguments.leg}
        ]
        made = {
            leg.name: installer.submit(installed, leg, python, Path(folder))
            for leg in chosen
            if (python := interpreter(leg.version))
        }
        for leg in chosen:
            if leg.name in made:
                print(f"== Python {leg.version}, dependencies: {leg.dependencies}", flush=True)
                failed |= run(leg, made[leg.name].result(), arguments.junit, arguments.targets) != 0
                leg.outcome = counts(arguments.junit / f"{leg.name}.xml")
            elif PYENV.is_dir() and leg.version in REQUIRED_WITH_PYENV:
                print(f"pyenv is here and has no Python {leg.version}: pyenv install {leg.version}")
                failed = True
    names = {leg.name for leg in chosen}
    others = [report for report in sorted(arguments.junit.glob("*.xml")) if report.stem not in names]
    rows = [(*report.stem.split("-", 1), counts(report)) for report in others]
    print(table([*rows, *((leg.version, leg.dependencies, leg.outcome) for leg in chosen)]))
    return int(failed)


if __name__ == "__main__":
    sys.exit(main())
