"""A sweep that is killed in the middle: it goes on with what is missing, and nothing is paid for twice."""

import collections
import json
import os
import random
import subprocess
import sys
import time
from pathlib import Path

import pytest

from venice_widgets.log import Log, Status
from venice_widgets.plan.sender import MOST_IN_FLIGHT
from venice_widgets.simulator import Simulator

KEY = "VENICE_INFERENCE_KEY_0123456789abcdef"
CELLS = 40


@pytest.fixture(scope="module")
def plan_text():
    from venice_widgets.plan import define

    return define("A fox", given={"steps": "1..8", "seed": "1..5", "width": 64, "height": 64}).to_json()


def start(folder: Path, url: str, *options: str) -> subprocess.Popen:
    environment = {
        **os.environ,
        "VENICE_API_KEY": KEY,
        "VENICE_API_BASE_URL": url,
        "PYTHONPATH": str(Path(__file__).parents[2]),
    }
    command = [sys.executable, "-m", "venice_widgets", "run", "plan.json", "--yes", *options]
    return subprocess.Popen(
        command, cwd=folder, env=environment, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True
    )


def bodies(world: Simulator) -> list[str]:
    return [json.dumps(r.json, sort_keys=True) for r in world.requests if r.path == "/image/generate"]


@pytest.mark.timeout(300)
@pytest.mark.parametrize("number", range(10))
def test_a_killed_sweep_resumes_with_exactly_the_missing_and_pays_for_nothing_twice(tmp_path, plan_text, number):
    (tmp_path / "plan.json").write_text(plan_text)
    (tmp_path / ".venice").mkdir()
    (tmp_path / ".venice" / "config.toml").write_text("requests_per_minute = 6000\n")
    world = Simulator(requests_per_minute=None, seconds_per_image=0.1, random=random.Random(number))
    before = world.balance_usd()
    with world.serve() as url:
        first = start(tmp_path, url)
        target = random.Random(number).randint(1, CELLS - 4)
        try:
            while len(bodies(world)) < target and first.poll() is None:
                time.sleep(0.002)
        finally:
            with first:  # closes its pipes, and waits for it
                first.kill()
        time.sleep(0.3)
        reached = collections.Counter(bodies(world))

        second = start(tmp_path, url)
        try:
            said, problem = second.communicate(timeout=200)
        finally:
            with second:
                second.kill()
        after = collections.Counter(bodies(world))

    log = Log.open(tmp_path / ".venice")
    unknown = len(log.search(status=Status.UNKNOWN, limit=100))
    done = len({run.draft.request_hash for run in log.search(status=Status.SUCCEEDED, limit=100)})
    log.close()
    charged = before - world.balance_usd()

    assert max(after.values()) == 1, "a request was paid for twice"
    # The service notices during its tenth of a second that a program is gone, and does not charge then.
    assert 0.01 * done - 1e-9 <= float(charged) <= 0.01 * len(after) + 1e-9
    assert set(after) >= set(reached)
    # What was in flight when it was killed may be charged, and its images are lost: it is not sent again.
    assert done + unknown == CELLS, (said, problem)
    assert unknown <= MOST_IN_FLIGHT
    assert second.returncode == (1 if unknown else 0)
    assert unknown == 0 or "may have been charged before" in problem
