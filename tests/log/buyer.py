"""One of several processes that share a store.

Called as ``buyer.py FOLDER COUNT PROJECT_BUDGET``: puts COUNT runs of one cent on record and finishes them, and prints
how many the budget allowed.
"""

import hashlib
import os
import sys
from datetime import UTC, datetime
from decimal import Decimal
from pathlib import Path

from venice_widgets.errors import SpendingRefused
from venice_widgets.log import Budgets, Log, RunDraft, RunOutcome, Status

folder, count, budget = Path(sys.argv[1]), int(sys.argv[2]), sys.argv[3]
budgets = Budgets(project_usd=Decimal(budget)) if budget else Budgets()
log = Log.open(folder)
print("ready", flush=True)
sys.stdin.readline()
bought = 0
for number in range(count):
    request = f'{{"seed":{number}}}'
    draft = RunDraft(
        run_id=f"RUN{os.getpid():010d}{number:010d}",
        generation_id="G",
        position=number,
        created_at=datetime.now(UTC),
        base_url="https://api.venice.ai/api/v1",
        model="m",
        asked_model=None,
        seed=number,
        seed_drawn=True,
        prompt="a red fox",
        request=request,
        request_hash="sha256:" + hashlib.sha256(request.encode()).hexdigest(),
        body_sha256="sha256:0",
        estimate_usd=Decimal("0.01"),
        reserve_usd=Decimal("0.01"),
        formula="1 × $0.01",
    )
    try:
        log.reserve([draft], budgets)
    except SpendingRefused:
        continue
    bought += 1
    if number % 3 != 2:
        log.mark_sent(draft.run_id)
    if number % 3 == 0:
        log.finish(draft.run_id, RunOutcome(status=Status.SUCCEEDED, finished_at=datetime.now(UTC)))
print(bought, flush=True)
sys.stdin.readline()
