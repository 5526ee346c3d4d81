import hashlib
import itertools
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from types import SimpleNamespace

import pytest

from venice_widgets.log import ImageRecord, Log, RunDraft, RunOutcome, Status

START = datetime(2026, 11, 22, 9, 0, tzinfo=UTC)
_numbers = itertools.count(1)


def draft(**changes):
    """A run of its own, one second after the one before it."""
    number = next(_numbers)
    prompt = changes.get("prompt", "a red fox at night")
    request = changes.get("request", f'{{"model":"z-image-turbo","prompt":"{prompt}","seed":{number}}}')
    digest = "sha256:" + hashlib.sha256(request.encode()).hexdigest()
    values = {
        "run_id": f"01JD{number:022d}",
        "generation_id": "01JD0000000000000000000000",
        "position": 0,
        "created_at": START + timedelta(seconds=number),
        "base_url": "https://api.venice.ai/api/v1",
        "model": "z-image-turbo",
        "asked_model": None,
        "seed": number,
        "seed_drawn": True,
        "prompt": prompt,
        "request": request,
        "request_hash": digest,
        "body_sha256": digest,
        "estimate_usd": Decimal("0.01"),
        "reserve_usd": Decimal("0.01"),
        "formula": "1 × $0.01 = $0.01",
        "catalogue_entry": {"id": "z-image-turbo", "price": Decimal("0.01")},
        "environment": {"python": "3.11"},
        "context": {"cell": "a red fox at night"},
    }
    return RunDraft(**{**values, **changes})


def image(sha256="ab" * 32, **changes):
    values = {"sha256": sha256, "size_bytes": 7, "mime": "image/webp", "width": 64, "height": 48, "seed": 41}
    return ImageRecord(**{**values, "mode": "RGB", **changes})


def outcome(status=Status.SUCCEEDED, **changes):
    return RunOutcome(**{"status": status, "finished_at": START + timedelta(days=1), **changes})


@pytest.fixture(scope="session")
def make():
    """Makers of drafts, outcomes and images: ``make.draft(seed=7)``."""
    return SimpleNamespace(draft=draft, outcome=outcome, image=image, start=START)


@pytest.fixture
def log(tmp_path):
    opened = Log.open(tmp_path / ".venice")
    yield opened
    opened.close()
