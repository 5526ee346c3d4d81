"""Measures what this package costs against the code that a person would write by hand.

    python tests/benchmarks/run.py                     all of it
    python tests/benchmarks/run.py image --times 30  one benchmark, more often

Both ways run in turn, ours, theirs, ours, theirs, in the same minutes on the same machine; the table shows medians,
the range below them, and their ratio beside what it should be. Nothing here fails: times are looked at, not asserted.
"""

import argparse
import json
import os
import statistics
import subprocess
import sys
import tempfile
import time
import urllib.request
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path

from images import make_images
from kernels import Cost, execute_notebook, kernel

ROOT = Path(__file__).parents[2]
MIB, MILLI = 1 / 2**20, 1000.0
SERVER_SECONDS = 1.0
"""What a fast model takes for an image."""

LOAD = """
import json, sys, time
from IPython.core.interactiveshell import InteractiveShell
shell = InteractiveShell.instance()
from IPython.core.magics import extension
known, started, cpu = set(sys.modules), time.perf_counter(), time.process_time()
{code}
cost = (time.perf_counter() - started, time.process_time() - cpu, len(set(sys.modules) - known))
sys.stdout.write(json.dumps(cost))
"""
HAND_WRITTEN_IMPORTS = """\
import base64, os
import httpx
from IPython.display import Image, display
"""
HAND_WRITTEN = """\
answer = httpx.post(
    os.environ["VENICE_API_BASE_URL"] + "/image/generate",
    headers={{"Authorization": "Bearer " + os.environ["VENICE_API_KEY"]}},
    json={{"model": {model!r}, "prompt": {prompt!r}, "seed": {seed}, "variants": {variants}}},
    timeout=600,
)
answer.raise_for_status()
for image in answer.json()["images"]:
    display(Image(base64.b64decode(image)))
"""
OURS = "%%venice --model {model} --seed {seed} -n {variants} {options}\n{prompt}"


@dataclass
class Row:
    """One line of the table: a quantity measured on both ways."""

    name: str
    unit: str
    scale: float
    """From what was measured to `unit`."""
    criterion: str = ""
    limit: float | None = None
    of_ratio: bool = True
    """Whether the limit is one of ours / theirs, or of ours alone."""
    ours: list[float] = field(default_factory=list)
    theirs: list[float] = field(default_factory=list)

    def add(self, ours: float, theirs: float | None = None) -> None:
        """One more repetition."""
        self.ours.append(ours * self.scale)
        if theirs is not None:
            self.theirs.append(theirs * self.scale)

    @property
    def ratio(self) -> float | None:
        """Of the medians."""
        return _median(self.ours) / _median(self.theirs) if self.theirs else None

    def cells(self) -> tuple[str, ...]:
        """The line as text."""
        judged = self.ratio if self.of_ratio else _median(self.ours)
        verdict = "" if self.limit is None or judged is None else ("met" if judged <= self.limit else "NOT MET")
        ratio = "" if self.ratio is None else f"{self.ratio:.3g}"
        return self.name, _spread(self.ours), _spread(self.theirs), self.unit, ratio, self.criterion, verdict


def _median(values: Sequence[float]) -> float:
    """Without the first repetition, which fills caches."""
    return statistics.median(values[1:])


def _spread(values: Sequence[float]) -> str:
    if not values:
        return ""
    counted = values[1:]
    middle = f"{_median(values):.4g}"
    return middle if len(set(counted)) == 1 else f"{middle} ({min(counted):.3g} … {max(counted):.3g})"


@dataclass(frozen=True)
class Bench:
    """What the benchmarks share: a folder, the environment of children, the server."""

    folder: Path
    environment: dict[str, str]
    base_url: str

    def fresh(self) -> dict[str, str]:
        """The environment with a store that does not exist yet."""
        store = Path(tempfile.mkdtemp(dir=self.folder)) / "store"
        store.mkdir()
        (store / "config.toml").write_text("requests_per_minute = 1000000\n")
        return {**self.environment, "VENICE_STORE": str(store)}

    def busy_seconds(self) -> float:
        """The processor seconds of the server so far."""
        with urllib.request.urlopen(f"{self.base_url}/busy") as answer:
            return float(answer.read())


def load(bench: Bench, times: int) -> Iterator[Row]:
    """``%load_ext`` in a fresh IPython, against the imports of hand-written code."""
    wall = Row("%load_ext, against importing httpx", "ms", MILLI, "≤ 15 ms", 15, of_ratio=False)
    cpu = Row("  processor time", "ms", MILLI)
    modules = Row("  new modules", "", 1, "≤ 10", 10, of_ratio=False)
    for _ in range(times + 1):
        ours = _in_python(bench, "shell.run_line_magic('load_ext', 'venice_widgets')")
        theirs = _in_python(bench, HAND_WRITTEN_IMPORTS)
        for row, our, their in zip((wall, cpu, modules), ours, theirs, strict=True):
            row.add(our, their)
    yield from (wall, cpu, modules)


def _in_python(bench: Bench, code: str) -> list[float]:
    command = [sys.executable, "-c", LOAD.format(code=code)]
    ended = subprocess.run(command, env=bench.environment, cwd=bench.folder, capture_output=True, check=True)
    return [float(value) for value in json.loads(ended.stdout)]


def first(bench: Bench, times: int) -> Iterator[Row]:
    """The first cell of a fresh kernel and a fresh store: imports, catalogue, image."""
    wall = Row(f"first cell, of an image that takes {SERVER_SECONDS} s", "ms", MILLI)
    over = Row("  over the server's own time", "ms", MILLI, "≤ 400 ms", 400, of_ratio=False)
    cpu = Row("  processor time", "ms", MILLI)
    cells = _cells("webp", "z-image-turbo", 1, server_seconds=SERVER_SECONDS)
    theirs_cell = HAND_WRITTEN_IMPORTS + cells.theirs
    for _ in range(times + 1):
        busy = bench.busy_seconds()
        ours = _first_cell(bench, "%load_ext venice_widgets", cells.ours)
        server = bench.busy_seconds() - busy
        theirs = _first_cell(bench, "pass", theirs_cell)
        wall.add(ours.seconds, theirs.seconds)
        over.add(
            ours.seconds - SERVER_SECONDS - server,
            theirs.seconds - SERVER_SECONDS - (bench.busy_seconds() - busy - server),
        )
        cpu.add(ours.cpu_seconds, theirs.cpu_seconds)
    yield from (wall, over, cpu)


def _first_cell(bench: Bench, before: str, cell: str) -> Cost:
    with kernel(bench.fresh(), bench.folder) as running:
        running.run(before)
        return running.run(cell)


def image(bench: Bench, times: int) -> Iterator[Row]:
    """One 1K image in a warm kernel: of a server that takes no time, and of one that takes what a fast one does."""
    for kind, seconds in (("webp", 0.0), ("png", 0.0), ("webp", SERVER_SECONDS)):
        size = (bench.folder / f"1k.{kind}").stat().st_size
        wall = Row(
            f"one 1K {kind} of {size / 1000:,.0f} kB, warm, server takes {seconds:g} s", "ms", MILLI, "≤ 1.3 ×", 1.3
        )
        cpu = Row("  processor time", "ms", MILLI)
        with kernel(bench.fresh(), bench.folder) as ours, kernel(bench.fresh(), bench.folder) as theirs:
            ours.run("%load_ext venice_widgets")
            theirs.run(HAND_WRITTEN_IMPORTS)
            for seed in range(times + 1):
                # Another seed each time: an earlier request would be found in the log.
                cells = _cells(kind, "z-image-turbo", 1, seed=seed, server_seconds=seconds)
                our, their = ours.run(cells.ours), theirs.run(cells.theirs)
                wall.add(our.seconds, their.seconds)
                cpu.add(our.cpu_seconds, their.cpu_seconds)
        yield from (wall, cpu)


def panel(bench: Bench, times: int) -> Iterator[Row]:
    """A panel made and displayed in a warm kernel, as its front end sees it."""
    wall = Row("Panel() to display, after imports", "ms", MILLI, "≤ 300 ms", 300, of_ratio=False)
    cpu = Row("  processor time", "ms", MILLI, "≤ 300 ms", 300, of_ratio=False)
    with kernel(bench.fresh(), bench.folder) as running:
        running.run("from IPython.display import display\nfrom venice_widgets import Panel, current_session")
        running.run("current_session().catalogue()")
        for _ in range(times + 1):
            cost = running.run("display(Panel(model='gpt-image-2', prompt='A fox'))")
            wall.add(cost.seconds)
            cpu.add(cost.cpu_seconds)
    yield from (wall, cpu)


def notebook(bench: Bench, times: int) -> Iterator[Row]:
    """Four 4K PNGs by one ``jupyter execute``, the save included."""
    size = (bench.folder / "4k-0.png").stat().st_size
    wall = Row(f"four 4K PNGs of {size / 1e6:.0f} MB, jupyter execute", "s", 1, "≤ 0.7 ×", 0.7)
    cpu = Row("  processor time", "s", 1)
    peak = Row("  peak memory of the kernel", "MiB", MIB, "≤ 0.5 ×", 0.5)
    total = Row("  peak memory with what drives it", "MiB", MIB, "≤ 0.5 ×", 0.5)
    saved = Row("  size of the notebook", "MiB", MIB, "≤ 0.01 ×", 0.01)
    cells = _cells("4K", "nano-banana-2", 4, "--resolution 4K --format png --yes")
    for _ in range(times + 1):
        ours, our_bytes = _executed(bench, ["%load_ext venice_widgets", cells.ours])
        theirs, their_bytes = _executed(bench, [HAND_WRITTEN_IMPORTS, cells.theirs])
        wall.add(ours.seconds, theirs.seconds)
        cpu.add(ours.cpu_seconds, theirs.cpu_seconds)
        peak.add(ours.kernel_peak_bytes, theirs.kernel_peak_bytes)
        total.add(ours.total_peak_bytes, theirs.total_peak_bytes)
        saved.add(our_bytes, their_bytes)
    yield from (wall, cpu, peak, total, saved)


def _executed(bench: Bench, cells: list[str]) -> tuple[Cost, int]:
    path = bench.folder / "measured.ipynb"
    cost = execute_notebook(cells, path, bench.fresh())
    return cost, path.stat().st_size


@dataclass(frozen=True)
class _Cells:
    ours: str
    theirs: str


def _cells(
    kind: str, model: str, variants: int, options: str = "", *, seed: int = 41, server_seconds: float = 0.0
) -> _Cells:
    """The same wish, both ways."""
    values = {
        "model": model,
        "prompt": f"{kind} {server_seconds} fox",
        "seed": seed,
        "variants": variants,
        "options": options,
    }
    return _Cells(OURS.format(**values), HAND_WRITTEN.format(**values))


BENCHMARKS: dict[str, tuple[Callable[[Bench, int], Iterator[Row]], int]] = {
    "load": (load, 15),
    "first": (first, 9),
    "image": (image, 25),
    "panel": (panel, 9),
    "notebook": (notebook, 5),
}
HEAD = ("what", "ours", "by hand", "unit", "ratio", "criterion", "")


def main(arguments: Sequence[str] | None = None) -> None:
    """Measure and print the table."""
    options = _options(arguments)
    lines: list[tuple[str, ...]] = [HEAD]
    with tempfile.TemporaryDirectory() as name, served(Path(name)) as bench:
        for chosen in options.benchmarks or BENCHMARKS:
            measure, times = BENCHMARKS[chosen]
            started = time.perf_counter()
            lines += [row.cells() for row in measure(bench, options.times or times)]
            sys.stderr.write(f"{chosen}: {time.perf_counter() - started:.0f} s\n")
    widths = [max(map(len, column)) for column in zip(*lines, strict=True)]
    for line in lines:
        print("  ".join(cell.ljust(width) for cell, width in zip(line, widths, strict=True)).rstrip())


def _options(arguments: Sequence[str] | None) -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("benchmarks", nargs="*", choices=[[], *BENCHMARKS], help=", ".join(BENCHMARKS))
    parser.add_argument("--times", type=int, help="repetitions that count; one before them fills the caches")
    return parser.parse_args(arguments)


def _make_repository(folder: Path) -> None:
    """Where notebooks usually are: the record asks git for the commit."""
    identity = ("-c", "user.name=no one", "-c", "user.email=no one@localhost")
    for arguments in (("init", "-q"), (*identity, "commit", "-q", "--allow-empty", "-m", "Begin")):
        subprocess.run(["git", "-C", str(folder), *arguments], check=True)


@contextmanager
def served(folder: Path) -> Iterator[Bench]:
    """The images, and the server in a process of its own."""
    _make_repository(folder)
    kinds = make_images(folder)
    names = [f"{kind}={path}" for kind, paths in kinds.items() for path in paths]
    environment = {name: value for name, value in os.environ.items() if not name.startswith("VENICE_")}
    environment.pop("PYTHONDONTWRITEBYTECODE", None)  # no one's second start compiles again
    environment["PYTHONPATH"] = os.pathsep.join(filter(None, (str(ROOT), environment.get("PYTHONPATH"))))
    command = [sys.executable, str(Path(__file__).with_name("canned.py")), *names]
    with subprocess.Popen(command, env=environment, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True) as server:
        assert server.stdin
        assert server.stdout
        base_url = server.stdout.readline().strip()
        environment |= {"VENICE_API_BASE_URL": base_url, "VENICE_API_KEY": "VENICE_INFERENCE_KEY_of_nobody"}
        yield Bench(folder, environment, base_url)
        server.stdin.close()


if __name__ == "__main__":
    main()
