"""Several processes share one store, and no run and no dollar is lost or spent twice."""

import os
import subprocess
import sys
from decimal import Decimal
from pathlib import Path

import pytest

from venice_widgets.log import Log
from venice_widgets.log.run_rows import recount

PROGRAM = Path(__file__).with_name("buyer.py")
PROCESSES = 8


def buy(folder, count, budget):
    """Let several processes buy at once; how many each was allowed. They end after all have bought."""
    environment = {**os.environ, "PYTHONPATH": str(Path(__file__).parents[2])}
    buyers = [
        subprocess.Popen(
            [sys.executable, PROGRAM, folder, str(count), budget],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            text=True,
            env=environment,
        )
        for _ in range(PROCESSES)
    ]
    try:
        assert [buyer.stdout.readline() for buyer in buyers] == ["ready\n"] * PROCESSES
        for buyer in buyers:
            buyer.stdin.write("\n")
            buyer.stdin.flush()
        return [int(buyer.stdout.readline()) for buyer in buyers]
    finally:
        for buyer in buyers:
            buyer.communicate("\n", timeout=60)


def test_eight_processes_lose_no_run(tmp_path):
    assert buy(tmp_path, 200, "") == [200] * PROCESSES
    log = Log.open(tmp_path)
    assert len(log.search(limit=10_000)) == log.spent().runs == 1600
    assert log._database.read(recount) == []
    log.close()


@pytest.mark.parametrize("budget", ["1.00"])
def test_a_shared_dollar_buys_exactly_a_hundred_images_of_one_cent(tmp_path, budget):
    bought = buy(tmp_path, 40, budget)
    assert sum(bought) == 100, bought
    log = Log.open(tmp_path)
    assert log.spent().runs == 100
    # Two thirds were sent or finished; the rest was never sent, and is free again now that the processes are gone.
    assert log.spent().total_usd == Decimal("1.00") - Decimal("0.01") * len(log.recovered.cancelled)
    assert log.recovered.cancelled
    log.close()
