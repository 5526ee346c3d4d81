"""The rate limit: no more starts in a minute than are allowed, over all programs that share a store."""

import subprocess
import sys
import threading
import time
from types import SimpleNamespace

import pytest
from hypothesis import given
from hypothesis import strategies as st

import venice_widgets.generation.rate_limiter as rate_limiter_module
from venice_widgets.generation.rate_limiter import (
    LONGEST_PAUSE_SECONDS,
    OwnStarts,
    RateLimiter,
    SharedStarts,
    limits_in,
)


class Clock:
    """A time that passes only while somebody waits for it."""

    def __init__(self, monkeypatch):
        self.now = 1000.0
        monkeypatch.setattr(
            rate_limiter_module, "time", SimpleNamespace(monotonic=lambda: self.now, time=lambda: self.now)
        )

    def is_set(self):
        return False

    def wait(self, seconds):
        self.now += seconds


def test_in_any_minute_no_more_start_than_the_pace_allows(monkeypatch):
    clock, pace, starts = Clock(monkeypatch), RateLimiter(20), []
    for _ in range(65):
        assert pace.wait(clock)
        starts.append(clock.now)
        clock.now += 0.3
    assert all(later - earlier >= 60 for earlier, later in zip(starts, starts[20:], strict=False))
    assert starts[-1] - starts[0] < 3 * 60 * 1.01 + 65 * 0.3


def test_a_pace_without_limit_never_waits(monkeypatch):
    clock, pace = Clock(monkeypatch), RateLimiter(None)
    assert all(pace.wait(clock) for _ in range(500))
    assert clock.now == 1000


def test_waiting_for_the_pace_ends_when_it_is_called_off():
    pace, cancelled = RateLimiter(1), threading.Event()
    assert pace.wait(cancelled)
    threading.Timer(0.05, cancelled.set).start()
    started = time.monotonic()
    assert not pace.wait(cancelled)
    assert time.monotonic() - started < 30


@pytest.mark.parametrize("shared", [False, True])
@given(limit=st.integers(1, 8), gaps=st.lists(st.floats(0, 30), min_size=1, max_size=60))
def test_no_minute_has_more_starts_than_the_limit(tmp_path_factory, shared, limit, gaps):
    with pytest.MonkeyPatch.context() as patch:
        clock = Clock(patch)
        folder = tmp_path_factory.mktemp("store")
        starts = SharedStarts(folder / "rate.sqlite", "account") if shared else OwnStarts()
        pace, begun = RateLimiter(limit, starts=starts), []
        for gap in gaps:
            assert pace.wait(clock)
            begun.append(clock.now)
            clock.now += gap
        if shared:
            starts.close()
    assert all(later - earlier > 60 for earlier, later in zip(begun, begun[limit:], strict=False))


def test_what_is_allowed_is_used(monkeypatch):
    clock, pace = Clock(monkeypatch), RateLimiter(20)
    for _ in range(400):
        assert pace.wait(clock)

    assert (clock.now - 1000) / (19 * 60) < 1 / 0.98


def test_programs_with_one_file_share_one_limit(tmp_path):
    path = tmp_path / "rate.sqlite"
    code = (
        "import sys, threading; from venice_widgets.generation.rate_limiter import RateLimiter, SharedStarts\n"
        "from pathlib import Path\n"
        "pace = RateLimiter(20, starts=SharedStarts(Path(sys.argv[1]), 'account'))\n"
        "end = threading.Event(); threading.Timer(1.5, end.set).start()\n"
        "print(sum(pace.wait(end) for _ in range(15)))"
    )
    programs = [
        subprocess.Popen([sys.executable, "-c", code, str(path)], stdout=subprocess.PIPE, text=True) for _ in range(2)
    ]
    try:
        assert sum(int(program.communicate(timeout=60)[0]) for program in programs) == 20
    finally:
        for program in programs:
            with program:  # closes its pipe, and waits for it
                program.kill()


def test_a_program_that_ends_holds_the_limit_while_it_waits_for_what_is_in_flight(tmp_path):
    code = (
        "import atexit, sys; from venice_widgets.generation.rate_limiter import SharedStarts\n"
        "from pathlib import Path\n"
        "starts = SharedStarts(Path(sys.argv[1]), 'account')\n"
        "atexit.register(lambda: print(starts.take(1, 60) > 0))\n"  # before the first finalizer: it runs after them
        "starts.take(1, 60)"
    )
    ended = subprocess.run(
        [sys.executable, "-c", code, str(tmp_path / "rate.sqlite")], capture_output=True, text=True, check=True
    )

    assert ended.stdout == "True\n"


def test_accounts_have_limits_of_their_own(tmp_path):
    cancelled = threading.Event()
    first, second = (RateLimiter(1, starts=SharedStarts(tmp_path / "rate.sqlite", name)) for name in "ab")

    assert first.wait(cancelled)
    assert second.wait(cancelled)


def test_the_account_is_stored_as_a_hash(tmp_path):
    path = tmp_path / "rate.sqlite"
    starts = SharedStarts(path, "VENICE_INFERENCE_KEY_secret")
    starts.take(1, 60)
    starts.close()

    assert b"secret" not in path.read_bytes()


def test_a_file_that_cannot_be_used_keeps_nothing_from_being_sent(tmp_path):
    (tmp_path / "rate.sqlite").write_bytes(b"this is not a database" * 100)
    starts = SharedStarts(tmp_path / "rate.sqlite", "account")

    assert starts.take(1, 60) == 0
    assert starts.take(1, 60) > 0


def test_a_disk_that_fills_up_keeps_nothing_from_being_sent_and_no_one_from_the_file(tmp_path):
    full, other = (SharedStarts(tmp_path / "rate.sqlite", "account") for _ in range(2))
    assert full.take(9, 60) == 0
    full._connection.execute("CREATE TRIGGER full BEFORE INSERT ON starts BEGIN SELECT raise(FAIL, 'disk full'); END")
    assert full.take(1, 60) > 0  # the file still tells what it holds
    assert full.take(2, 60) == 0
    assert full.take(2, 60) == 0
    assert full.take(2, 60) > 0
    full._connection.execute("DROP TRIGGER full")
    assert other.take(2, 60) == 0
    for one in (full, other):
        one.close()


def test_a_file_that_was_closed_is_opened_again_and_remembers(tmp_path):
    starts = SharedStarts(tmp_path / "rate.sqlite", "account")
    assert starts.take(1, 60) == 0
    starts.close()
    starts.close()
    assert starts._connection is None
    assert starts.take(1, 60) > 0
    starts.close()


def test_a_clock_that_was_set_back_does_not_block_for_longer(tmp_path, monkeypatch):
    clock = Clock(monkeypatch)
    starts = SharedStarts(tmp_path / "rate.sqlite", "account")
    assert starts.take(1, 60) == 0

    clock.now -= 5000
    assert starts.take(1, 60) == 0


def headers(limit=20, remaining=5, reset=None):
    named = {"limit": limit, "remaining": remaining, "reset": reset}
    return {f"x-ratelimit-{name}-requests": str(value) for name, value in named.items() if value is not None}


def test_the_limit_of_the_headers_wins_over_the_default():
    pace = RateLimiter(20)
    pace.learn(headers(limit=60))
    assert pace.per_minute == 60
    pace.learn({})
    assert pace.per_minute == 60


def test_the_users_own_lower_limit_stays():
    pace = RateLimiter(10, fixed=True)
    pace.learn(headers(limit=60))
    assert pace.per_minute == 10
    pace.learn(headers(limit=5))
    assert pace.per_minute == 5


def test_where_there_is_no_limit_headers_make_none():
    pace = RateLimiter(None)
    pace.learn(headers(limit=1, remaining=0, reset=time.time() + 60))
    assert pace.per_minute is None


@pytest.mark.parametrize("unit", [1, 1000])
def test_nothing_starts_before_the_reset_once_nothing_is_left(monkeypatch, unit):
    clock, pace = Clock(monkeypatch), RateLimiter(20)
    clock.now = 1.7e9
    pace.learn(headers(remaining=0, reset=round((clock.now + 42) * unit)))

    assert pace.wait(clock)
    assert clock.now >= 1.7e9 + 41.9


def test_a_pause_has_an_end():
    pace = RateLimiter(20)
    pace.pause(1e9)
    waited = []
    cancelled = threading.Event()
    threading.Timer(0.2, cancelled.set).start()
    assert not pace.wait(cancelled, waited.append)
    assert max(waited) <= LONGEST_PAUSE_SECONDS


@given(st.dictionaries(st.sampled_from(list(headers(reset=1))), st.text(max_size=12) | st.integers().map(str)))
def test_headers_of_any_content_are_read(found):
    pace = RateLimiter(20)
    limits_in(found)
    pace.learn(found)
    assert pace.per_minute is None or pace.per_minute >= 1
