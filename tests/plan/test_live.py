"""What a notebook is sent while a plan runs stays small beside the finished grid, however long it takes."""

import time

import pytest

from venice_widgets.plan import live
from venice_widgets.plan.live import BYTES_FOR_EACH, FREE_BYTES, LiveView

SMALL = {"width": 64, "height": 64}


class Waits:
    """A sender that waits for nothing."""

    waiting_until = None


class Handle:
    """A place in a notebook's output that counts what it is sent."""

    def __init__(self, bundles):
        self._bundles = bundles

    def update(self, bundle):
        self._bundles.append(bundle)


@pytest.fixture
def shown(monkeypatch):
    """What a kernel would send, in order."""
    bundles = []

    def show(handle, bundle):
        bundles.append(bundle)
        return handle or Handle(bundles)

    monkeypatch.setattr(live, "in_kernel", lambda: True)
    monkeypatch.setattr(live, "_shown", show)
    return bundles


def test_the_traffic_of_a_long_run_is_bounded_by_what_has_arrived(session, shown):
    view = LiveView()
    grid = session.plan("A fox", steps="1..4", seed="1..5", **SMALL).run()
    shown.clear()

    for _ in range(4000):
        view._shown_at = time.monotonic() - 10_000  # every tick is due
        view.update(grid, Waits())

    sent = sum(len(str(part)) for bundle in shown for part in bundle.data.values())
    assert sent <= 2 * (FREE_BYTES + BYTES_FOR_EACH * 20) + 5_000
    assert any("<img" in bundle.data["text/html"] for bundle in shown)


def test_nothing_is_left_behind(session, shown):
    view = LiveView()
    grid = session.plan("A fox", steps=[1, 2], seed=1, **SMALL).run()

    shown.clear()
    view.update(grid, Waits())
    view.clear()

    assert [bundle.data["text/html"] for bundle in shown[-2:]] == ["", ""]
