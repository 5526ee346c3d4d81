"""Measures how a plan keeps to the limits: the allowed rate, the planning of many cells, the memory while it runs.

    python tests/benchmarks/limits.py             all of it, in about five minutes
    python tests/benchmarks/limits.py rate shared one or several of: rate, shared, planning, memory

The service counts by a clock that runs twenty times as fast, so a minute is three seconds. Counts are exact, and the
tests assert them; times are looked at.
"""

import argparse
import os
import subprocess
import sys
import tempfile
import time
import tracemalloc
from pathlib import Path

from venice_widgets.session import Session
from venice_widgets.simulator import Simulator

KEY = "VENICE_INFERENCE_KEY_0123456789abcdef"
ROOT = Path(__file__).resolve().parents[2]
MINUTE_SECONDS, A_MINUTE, IMAGES = 3.0, 20, 400
KERNEL = """
import sys
from pathlib import Path
from venice_widgets.generation.rate_limiter import RateLimiter, SharedStarts
from venice_widgets.session import Session
minute, key, url, store, first, beyond = sys.argv[1:]
session = Session(api_key=key, base_url=url, store=store)
starts = SharedStarts(Path(store) / "rate.sqlite", url)
session._pace = RateLimiter(20, starts=starts, minute_seconds=float(minute))
session.plan("A fox", seed=range(int(first), int(beyond)), width=64, height=64).run(yes=True)
"""
PLAN = """
import sys
from pathlib import Path
from venice_widgets.media import stored_preview
from venice_widgets.session import Session
stored_preview.RECENT_BYTES = 200_000  # full at once, so that it does not grow either
key, url, store, seeds = sys.argv[1:]
Path(store).mkdir()
Path(store, "config.toml").write_text("requests_per_minute = 10000\\n")
session = Session(api_key=key, base_url=url, store=store)
result = session.plan("A fox", cfg_scale="1-4", seed=range(int(seeds)), width=64, height=64).run(yes=True)
assert len(result) == 4 * int(seeds), result.counts()
print(*[line.split()[1] for line in open("/proc/self/status") if line.startswith("VmHWM")])
"""
"""Prints its most memory in KiB. Not `ru_maxrss`: that begins with the size of the program that started it."""


def main() -> None:
    """Run what is named, each in a folder of its own."""
    every = {"rate": rate, "shared": shared, "planning": planning, "memory": memory}
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("names", nargs="*", metavar="NAME", help=", ".join(every))
    for name in parser.parse_args().names or every:
        with tempfile.TemporaryDirectory() as folder:
            os.chdir(folder)
            every[name]()
            os.chdir(ROOT)


def rate() -> None:
    """One program under a limit: which part of the allowed rate it uses."""
    _limited("one kernel", 1)


def shared() -> None:
    """Two programs with one store under one limit."""
    _limited("two kernels on one store", 2)


def _limited(name: str, programs: int) -> None:
    made = Simulator(requests_per_minute=A_MINUTE, time_scale=MINUTE_SECONDS / 60, balance_usd=1000)
    share = IMAGES // programs
    with made.serve() as url:
        command = [sys.executable, "-c", KERNEL, str(MINUTE_SECONDS), KEY, url, str(Path("store").absolute())]
        started = [
            subprocess.Popen(
                [*command, str(1 + share * number), str(1 + share * (number + 1))],
                env={**os.environ, "PYTHONPATH": str(ROOT)},
                stderr=subprocess.DEVNULL,
            )
            for number in range(programs)
        ]
        arrivals = _arrivals(made, started)
    ideal = (IMAGES / A_MINUTE - 1) * MINUTE_SECONDS  # the first minute's requests may all go at once
    used = ideal / (arrivals[-1] - arrivals[0])
    refused = len(arrivals) - IMAGES
    print(f"{name}: {len(arrivals)} requests for {IMAGES} images ({refused} refused), {used:.1%} of the allowed rate")


def _arrivals(made: Simulator, started: list[subprocess.Popen[bytes]]) -> list[float]:
    """When each request for an image came, to a hundredth of a second."""
    found: list[float] = []
    while True:
        ended = all(program.poll() is not None for program in started)
        came = sum(request.path == "/image/generate" for request in list(made.requests))
        found += [time.monotonic()] * (came - len(found))
        if ended:
            return found
        time.sleep(0.01)


def planning() -> None:
    """Ten thousand cells: seconds of the processor, and the memory at its peak."""
    session = Session(api_key=KEY, transport=Simulator().transport())
    session.catalogue()
    given = {"animal": [f"fox {number}" for number in range(100)], "cfg_scale": "1..10", "seed": "1..10"}
    before = time.process_time()
    outlook = session.plan("A {{ animal }}", model="venice-sd35", **given).outlook()
    seconds = time.process_time() - before
    tracemalloc.start()
    session.plan("A {{ animal }}", model="venice-sd35", **given).outlook()
    peak = tracemalloc.get_traced_memory()[1] / 2**20
    tracemalloc.stop()
    print(f"planning: {outlook.estimate.images:,} images in {seconds:.2f} s, {peak:.0f} MiB at the peak")


def memory() -> None:
    """The memory of a program while it runs plans of growing size: KiB for each further cell. Linux only."""
    found = []
    for cells in (100, 400, 1600):
        with Simulator(requests_per_minute=None, balance_usd=1000).serve() as url:
            program = subprocess.run(
                [sys.executable, "-c", PLAN, KEY, url, f"store-{cells}", str(cells // 4)],
                env={**os.environ, "PYTHONPATH": str(ROOT)}, stdout=subprocess.PIPE, text=True, check=True,
            )  # fmt: skip
        found.append((cells, int(program.stdout.split()[-1])))
    _, (few, low), (many, high) = found  # the first is there to tell what every program needs
    sizes = ", ".join(f"{cells:,} cells {kib / 1024:.0f} MiB" for cells, kib in found)
    print(f"memory while running: {sizes}; {(high - low) / (many - few):.1f} KiB a cell")


if __name__ == "__main__":
    main()
