"""Measures a sweep against the loop that a person would write by hand over httpx, and prints the ratios.

    python tests/benchmarks/sweeps.py              all of it
    python tests/benchmarks/sweeps.py --images 80  a shorter run

Both talk to the same server on the loopback, a process of its own, which takes a second for each image and has made it
beforehand. The hand-written loop prices nothing, keeps no record and cannot go on after an interrupt. Nothing here
fails: times are looked at, not asserted.
"""

import argparse
import base64
import itertools
import json
import os
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from io import BytesIO
from pathlib import Path

import httpx
from PIL import Image, ImageDraw

KEY = "VENICE_INFERENCE_KEY_0123456789abcdef"
IN_FLIGHT, SECONDS = 8, 1.0
SERVER = f"""
import sys
from io import BytesIO
from PIL import Image
from venice_widgets.simulator import Simulator
made = BytesIO()
Image.radial_gradient("L").resize((1024, 1024)).convert("RGB").save(made, "WEBP")
limits = dict(requests_per_minute=None, seconds_per_image={SECONDS}, balance_usd=1000)
world = Simulator(**limits, paint=lambda _: made.getvalue())
with world.serve() as url:
    print(url, flush=True)
    sys.stdin.read()
"""


def main() -> None:
    """Run everything in a folder of its own."""
    parser = argparse.ArgumentParser()
    parser.add_argument("--images", type=int, default=160)
    images = parser.parse_args().images
    root = Path(__file__).resolve().parents[2]
    with tempfile.TemporaryDirectory() as folder:
        os.chdir(folder)
        environment = {**os.environ, "PYTHONPATH": str(root)}
        with subprocess.Popen(
            [sys.executable, "-c", SERVER], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True, env=environment
        ) as server:
            assert server.stdout
            assert server.stdin
            url = server.stdout.readline().strip()
            sys.path.insert(0, str(root))
            _measure(url, images)
            server.stdin.close()
        os.chdir(root)


def _measure(url: str, images: int) -> None:
    from venice_widgets.generation.rate_limiter import RateLimiter
    from venice_widgets.session import Session

    session = Session(api_key=KEY, base_url=url)
    session._pace = RateLimiter(None)
    session.catalogue()
    session.plan("x", steps=[1, 2], seed=1).outlook()
    seeds = max(1, images // 20)
    print(f"{'':34}{'ours':>10}{'by hand':>10}{'ratio':>8}")
    _row("planning 10,000 cells, CPU s", _cpu(lambda: _plan_10000(session)), _cpu(_hand_plan_10000))
    plan = session.plan("A fox", steps="1..20", seed=f"1..{seeds}", model="venice-sd35")
    ours = _wall(lambda: plan.run(yes=True))
    theirs = _wall(lambda: _hand_run(url, [(steps, seed) for steps in range(1, 21) for seed in range(1, seeds + 1)]))
    _row(f"{len(plan)} images, s", ours, theirs)
    ideal = len(plan) * SECONDS / IN_FLIGHT
    print(f"{'  of what the server can serve':34}{ideal / ours:>10.1%}{ideal / theirs:>10.1%}")
    grid = plan.grid()
    _row("the grid in a notebook, CPU s", _cpu(grid.bundle), _cpu(lambda: _hand_display(Path("by-hand"))))
    _row("the sheet at 2000 pixels, CPU s", _cpu(lambda: grid.sheet("ours.png", 2000)), _cpu(_hand_sheet))
    session.close()


def _row(name: str, ours: float, theirs: float) -> None:
    print(f"{name:34}{ours:>10.2f}{theirs:>10.2f}{ours / theirs:>8.2f}")


def _cpu(work: Callable[[], object]) -> float:
    started = time.process_time()
    work()
    return time.process_time() - started


def _wall(work: Callable[[], object]) -> float:
    started = time.perf_counter()
    work()
    return time.perf_counter() - started


def _plan_10000(session: object) -> None:
    session.plan(  # type: ignore[attr-defined]
        "A {{ animal }}", animal=[f"fox {number}" for number in range(100)], cfg_scale="1..10", seed="1..10",
        model="venice-sd35",
    ).outlook()  # fmt: skip


def _hand_plan_10000() -> None:
    for animal, scale, seed in itertools.product(range(100), range(1, 11), range(1, 11)):
        json.dumps({"model": "venice-sd35", "prompt": f"A fox {animal}", "cfg_scale": scale, "seed": seed})


def _hand_run(url: str, cells: list[tuple[int, int]]) -> None:
    Path("by-hand").mkdir()
    with httpx.Client(headers={"Authorization": f"Bearer {KEY}"}, timeout=600) as client:

        def one(cell: tuple[int, int]) -> None:
            body = {"model": "venice-sd35", "prompt": "An owl", "steps": cell[0], "seed": cell[1]}
            response = client.post(f"{url}/image/generate", json=body)
            response.raise_for_status()
            Path(f"by-hand/{cell[0]:02}-{cell[1]:02}.webp").write_bytes(base64.b64decode(response.json()["images"][0]))

        with ThreadPoolExecutor(IN_FLIGHT) as pool:
            list(pool.map(one, cells))


def _hand_display(folder: Path) -> str:
    parts = []
    for path in sorted(folder.iterdir()):
        small = Image.open(path).convert("RGB")
        small.thumbnail((224, 224))
        buffer = BytesIO()
        small.save(buffer, "JPEG")
        parts.append(f'<img src="data:image/jpeg;base64,{base64.b64encode(buffer.getvalue()).decode()}">')
    return "".join(parts)


def _hand_sheet() -> None:
    paths = sorted(Path("by-hand").iterdir())
    columns = max(1, len(paths) // 20)
    side = 2000 // columns
    sheet = Image.new("RGB", (2000, 20 * side), "white")
    pen = ImageDraw.Draw(sheet)
    for number, path in enumerate(paths):
        tile = Image.open(path).convert("RGB").resize((side - 4, side - 4))
        place = number % columns * side, number // columns * side
        sheet.paste(tile, place)
        pen.text(place, path.stem, fill="white")
    sheet.save("by-hand.png")


if __name__ == "__main__":
    main()
