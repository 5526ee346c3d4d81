"""One paid request in the order of REPRODUCIBILITY, section 2; the process kills itself after the step that is named.

Called as ``one_request.py FOLDER STEP OPTIONS`` with the image's bytes on standard input.
"""

import hashlib
import json
import os
import signal
import sys
from datetime import UTC, datetime
from decimal import Decimal
from pathlib import Path

from venice_widgets.log import ImageRecord, Log, RunDraft, RunOutcome, Status

folder, last_step, options = Path(sys.argv[1]), sys.argv[2], json.loads(sys.argv[3])
data = sys.stdin.buffer.read()


def done(step):
    if step == last_step:
        os.kill(os.getpid(), signal.SIGKILL)


log = Log.open(folder)
request = '{"model":"m","prompt":"a red fox","seed":41}'
draft = RunDraft(
    run_id=options.get("run_id", "01JD0000000000000000000041"),
    generation_id="01JD0000000000000000000000",
    position=0,
    created_at=datetime.now(UTC),
    base_url="https://api.venice.ai/api/v1",
    model="m",
    asked_model=None,
    seed=41,
    seed_drawn=True,
    prompt="a red fox",
    request=request,
    request_hash="sha256:" + hashlib.sha256(request.encode()).hexdigest(),
    body_sha256="sha256:0",
    estimate_usd=Decimal("0.01"),
    reserve_usd=Decimal("0.01"),
    formula="1 × $0.01",
)
done("1 built")
log.reserve([draft])
done("2 reserved")
log.mark_sent(draft.run_id)
done("3 marked")
done("4 answered")
with log.image_writer(
    draft.run_id, options.get("place", 0), status_code=200, headers=options.get("headers", {})
) as writer:
    writer.write(data[:20])
    writer.flush()
    done("5 half kept")
    writer.write(data[20:])
    if last_step == "5 noted":
        note = writer.before_keep
        writer.before_keep = lambda sha256: (note(sha256), done("5 noted"))
    kept = writer.keep()
done("5 kept")
with log.image_writer(draft.run_id, 1, status_code=200) as writer:
    if last_step == "5 kept twice":
        writer.write(data + b"second")
        writer.keep()
done("5 kept twice")
image = ImageRecord(
    sha256=kept.sha256, size_bytes=kept.size_bytes, mime="image/png", width=16, height=8, seed=41, mode="RGB"
)
log.finish(draft.run_id, RunOutcome(status=Status.SUCCEEDED, finished_at=datetime.now(UTC), images=(image,)))
done("6 finished")
done("7 shown")
