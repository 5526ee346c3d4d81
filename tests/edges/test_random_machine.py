"""Random steps of a session with faults, interrupts, limits and a full disk; the service's own account is the judge.

Some seconds in the suite; ``MACHINE_SECONDS=3600 MACHINE_SEED=7`` in the environment runs it for long, from elsewhere.
"""

import _thread
import io
import json
import os
import random
import threading
import time
from collections import Counter, deque
from decimal import Decimal

import pytest
from PIL import Image

from tests.published_schema import assert_published
from venice_widgets.errors import DisplayedError, Interrupted, StoreError
from venice_widgets.generation.rate_limiter import RateLimiter
from venice_widgets.log import Status
from venice_widgets.session import Session
from venice_widgets.simulator import Fault, Simulator

KEY = "VENICE_INFERENCE_KEY_0123456789abcdef"
SECONDS = float(os.environ.get("MACHINE_SECONDS", "12"))
SEED = int(os.environ.get("MACHINE_SEED", "1"))
FAULTS = ("429", "503", "500", "504", "disconnect", "violation", "422", "402-key", "400", "slow", "html", "echo-null")
PRICE = Decimal("0.01")


def paint(_):
    file = io.BytesIO()
    Image.new("RGB", (8, 6), "red").save(file, "PNG")
    return file.getvalue()


class Machine:
    """A session that is used at random, and what the service says about it."""

    def __init__(self, chance, monkeypatch):
        self.chance, self.monkeypatch = chance, monkeypatch
        self.simulator = Simulator(
            requests_per_minute=None, errors_per_half_minute=None, paint=paint, balance_usd="100000"
        )
        self.simulator._received = deque()  # all of them, for the judge: otherwise the last thousand
        self.before = self.simulator.balance_usd()
        self.counts = Counter()
        self.open()

    def open(self):
        self.session = Session(api_key=KEY, transport=self.simulator.transport())
        self.session._pace = RateLimiter(None)

    def step(self):
        kind = self.chance.choices(
            ["generate", "fault", "interrupt", "reopen", "budget", "full", "again"], [8, 4, 4, 1, 1, 1, 2]
        )[0]
        self.counts[kind] += 1
        getattr(self, kind)()

    def generate(self, **more):
        seeds = self.chance.choice((300, 10**6))  # some that the log may hold, and some that it does not
        first, images = self.chance.randint(1, seeds), self.chance.randint(1, 7)
        self.attempt(lambda: self.session.generate("a fox", seed=f"{first}..{first + images - 1}", **more))

    def again(self):
        self.generate(again=True)

    def attempt(self, act):
        try:
            act()
        except DisplayedError as exc:
            self.counts[type(exc).__name__] += 1
            generation = exc.generation if isinstance(exc, Interrupted) else None
        else:
            generation = None
        assert generation is None or generation.wait(20), "a hang"

    def fault(self):
        self.simulator.add_fault(Fault(self.chance.choice(FAULTS), times=self.chance.randint(1, 4), seconds=0.05))
        self.generate()
        self.simulator.clear_faults()

    def interrupt(self):
        if self.chance.random() < 0.5:
            self.simulator.add_fault(Fault("slow", times=3, seconds=0.1))
        timer = threading.Timer(self.chance.uniform(0, 0.12), _thread.interrupt_main)
        try:
            timer.start()
            self.generate()
            timer.join()
            time.sleep(0.01)
        except KeyboardInterrupt:
            self.counts["interrupt outside of sending"] += 1
        timer.join()
        self.simulator.clear_faults()

    def reopen(self):
        self.session.close()
        self.open()

    def budget(self):
        self.monkeypatch.setenv("VENICE_MAX_COST", self.chance.choice(["0.005", "0.02", "0.05"]))
        self.generate()
        self.monkeypatch.delenv("VENICE_MAX_COST")

    def full(self):
        def refuse():
            raise StoreError("only 1 MB is free.", "Free some. Nothing was sent.")

        calls, allowed, look = [], self.chance.randint(0, 4), self.session.log.objects.refuse_full
        with self.monkeypatch.context() as patch:
            patch.setattr(
                self.session.log.objects,
                "refuse_full",
                lambda: refuse() if len(calls) > allowed else (calls.append(1), look()),
            )
            self.generate()

    def judge(self):
        """The account, the wire and the record agree."""
        self.session._in_flight.finish(cancel=False)
        records = list(self.session.log.each())
        bodies = [json.loads(request.body) for request in self.simulator.requests if request.method == "POST"]
        assert_published(*bodies)
        posts = Counter(body["seed"] for body in bodies)
        attempts = Counter()
        for record in records:
            assert record.status not in (Status.PENDING, Status.SENT), record
            attempts[record.draft.seed] += record.outcome.attempts if record.sent_at else 0
            for image in record.images:
                assert self.session.log.objects.is_whole(image.sha256)
        assert attempts == posts, "the record and the wire disagree"
        states = Counter(record.status for record in records)
        charged = self.before - self.simulator.balance_usd()
        least, most = PRICE * states[Status.SUCCEEDED], PRICE * (states[Status.SUCCEEDED] + states[Status.UNKNOWN])
        assert least <= charged <= most, f"{charged} charged, the record says {least} to {most}"
        assert self.session.log.orphans() == ()
        return states


@pytest.mark.timeout(int(SECONDS) + 120)
def test_the_service_and_the_record_agree_whatever_happens(monkeypatch):
    monkeypatch.setattr("venice_widgets.generation.dispatch.retry_delay_seconds", _soon)
    machine, end, steps = Machine(random.Random(SEED), monkeypatch), time.monotonic() + SECONDS, 0
    while time.monotonic() < end:
        for _ in range(15):
            machine.step()
            steps += 1
        states = machine.judge()
    print(f"{steps} steps, {dict(machine.counts)}, {dict(states)}, no violation")
    machine.session.close()
    assert steps >= 15
    assert states[Status.SUCCEEDED] > 10


def _soon(error, attempt):
    retried = type(error).__name__ in ("RateLimited", "ServiceUnavailable")
    return 0.01 if retried and attempt < 4 else None
