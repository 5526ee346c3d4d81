"""Real signals to a real kernel at random moments of a paid cell: no charge without a row, an image and a word.

The suite interrupts a dozen times; ``KERNEL_INTERRUPTS=1000`` does it longer. The simulator, in another process than
the kernel, is the judge.
"""

import os
import random
import time

import pytest

from tests.notebook.test_interrupt import Kernel, kernel, paint
from venice_widgets.log import Log, Status
from venice_widgets.simulator import Fault, Simulator

__all__ = ["kernel"]  # the fixture
INTERRUPTS = int(os.environ.get("KERNEL_INTERRUPTS", "12"))
IMAGES = 3
IN_FLIGHT = "sum(run.status in ('pending', 'sent') for run in current_session().log.search(limit=50))"


@pytest.fixture
def simulator():
    made = Simulator(requests_per_minute=None, errors_per_half_minute=None, paint=paint)
    made.add_fault(Fault("slow", seconds=0.1, times=None))
    return made


def interrupted(running: Kernel, seed: int, seconds: float) -> str:
    """What a cell shows that is interrupted after so many seconds; it may have ended before."""
    cell = running.client.execute(f"%%venice --model z-image-turbo --seed {seed} -n {IMAGES} --yes\na fox {seed}")
    time.sleep(seconds)
    running.manager.interrupt_kernel()
    return running.outcome(cell, 60)


def settle(running: Kernel) -> None:
    """Wait until nothing is in flight: what was sent is stored as it arrives."""
    end = time.monotonic() + 60
    while running.run(IN_FLIGHT, 60).strip() != "0":
        assert time.monotonic() < end, "a run stays in flight"
        time.sleep(0.1)


def is_told(said: str, seeds: set[int]) -> bool:
    """Whether the user was told of what was sent: the images are shown, or an error says what became of them."""
    return "Interrupted: stopped" in said or all(f"seed {seed} " in said for seed in seeds)


@pytest.mark.skipif(os.name == "nt", reason="Windows interrupts kernels otherwise")
@pytest.mark.filterwarnings("ignore::DeprecationWarning")
@pytest.mark.filterwarnings("ignore::ResourceWarning")
@pytest.mark.filterwarnings("ignore::pytest.PytestUnraisableExceptionWarning")
@pytest.mark.timeout(120 + 4 * INTERRUPTS)
def test_no_charge_is_without_a_row_an_image_and_a_word(simulator, kernel, tmp_path):
    chance = random.Random(11)
    told = {True: 0, False: 0}
    with simulator.serve() as base_url:
        running = kernel(base_url)
        assert running.run("%load_ext venice_widgets\nfrom venice_widgets import current_session") == ""
        for number in range(INTERRUPTS):
            seed, before = 10 * number, len(simulator.requests)
            said = interrupted(running, seed, chance.uniform(0, 0.7))
            settle(running)
            posts = [each for each in list(simulator.requests)[before:] if each.method == "POST"]
            seeds = {each.json["seed"] for each in posts}
            assert len(seeds) == len(posts), "a request was sent twice"
            assert not seeds or is_told(said, seeds), said
            told["Interrupted" in said] += 1
            log = Log.open(tmp_path / "store")
            runs = {
                run.draft.seed: run
                for run in log.search(f"fox {seed}", limit=10)
                if run.draft.prompt == f"a fox {seed}"
            }
            assert all(runs[each].status is Status.SUCCEEDED and runs[each].images for each in seeds), runs
            assert all(run.status is Status.CANCELLED for each, run in runs.items() if each not in seeds), runs
            log.close()
    print(f"{INTERRUPTS} interrupts: {told[True]} cells were stopped, {told[False]} were not reached or had ended")
