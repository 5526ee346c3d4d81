"""The parts of a plan on an engine that people have: each with a store of its own, joined by an import afterwards."""

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest

from venice_widgets.log import Log
from venice_widgets.log.export.exporter import export
from venice_widgets.simulator import Simulator

distributed = pytest.importorskip("distributed")

PARTS = 3
SMALL = {"width": 64, "height": 64}


def run_part(part: int, folder: str, environment: dict[str, str]) -> int:
    """What a worker does: one part, into a store of its own."""
    command = [sys.executable, "-m", "venice_widgets", "run", "plan.json", "--shard", f"{part}/{PARTS}", "--yes"]
    store = {"VENICE_STORE": str(Path(folder) / f"store-{part}")}
    return subprocess.run(command, cwd=folder, env={**environment, **store}, check=False).returncode


@pytest.mark.timeout(240)
@pytest.mark.filterwarnings("default")
def test_the_parts_of_a_plan_run_on_dask_and_their_stores_are_joined(tmp_path, session, shell):
    plan = session.plan("A {{ animal }}", animal=["fox", "owl"], seed="1..5", **SMALL)
    (tmp_path / "plan.json").write_text(plan.to_json(), "utf-8")
    world = Simulator(requests_per_minute=None)
    with world.serve() as url:
        environment = {
            **os.environ,
            "VENICE_API_KEY": "VENICE_INFERENCE_KEY_0123456789abcdef",
            "VENICE_API_BASE_URL": url,
            "PYTHONPATH": str(Path(__file__).parents[2]),
        }
        with (
            distributed.LocalCluster(n_workers=2, processes=False, dashboard_address=None) as cluster,
            distributed.Client(cluster) as client,
        ):
            parts = client.map(run_part, range(1, PARTS + 1), folder=str(tmp_path), environment=environment)
            statuses = client.gather(parts)
    assert statuses == [0] * PARTS
    bodies = [json.dumps(r.json) for r in world.requests if r.path == "/image/generate"]
    assert len(bodies) == len(set(bodies)) == 10

    for part in range(1, PARTS + 1):
        _export(tmp_path, part)
        shell.run_line_magic("venice", f"import {tmp_path}/part-{part}.zip")
    runs = session.log.search(limit=100)
    assert len({run.draft.request_hash for run in runs}) == 10
    assert {run.draft.context["plan"]["id"] for run in runs} == {plan.plan_id}


def _export(folder: Path, part: int) -> None:
    log = Log.open(folder / f"store-{part}")
    export(log, folder / f"part-{part}.zip")
    log.close()
