"""Random steps of a session, its log and a panel; the service's own account is the judge.

Faults of the service, interrupts while it sends and while it reads, lowered limits, a full disk, a clock that jumps,
and other programs with the same store that are killed while they send.

Some seconds in the suite; ``MACHINE_SECONDS=3600 MACHINE_SEED=7`` in the environment runs it for long, from elsewhere.
"""

import _thread
import io
import os
import random
import subprocess
import sys
import threading
import time
from collections import Counter, deque
from contextlib import contextmanager
from datetime import timedelta
from decimal import Decimal
from pathlib import Path

import pytest
from PIL import Image

from tests.edges.clock import Clock
from tests.published_schema import assert_published
from venice_widgets.errors import DisplayedError, Interrupted, StoreError
from venice_widgets.generation.rate_limiter import RateLimiter
from venice_widgets.log import Status
from venice_widgets.log.export import export
from venice_widgets.panel import Panel
from venice_widgets.session import Session
from venice_widgets.simulator import Fault, Simulator
from venice_widgets.simulator.server import SimulatorServer

KEY = "VENICE_INFERENCE_KEY_0123456789abcdef"
SECONDS = float(os.environ.get("MACHINE_SECONDS", "12"))
SEED = int(os.environ.get("MACHINE_SEED", "1"))
FAULTS = ("429", "503", "500", "504", "disconnect", "violation", "422", "402-key", "400", "slow", "html", "echo-null")
KILLS = 2 if SECONDS < 60 else 10
"""How many of two hundred steps start a program that is killed, which takes seconds."""
PRICE = Decimal("0.01")
BUYER = """
import sys
from venice_widgets.generation.rate_limiter import RateLimiter
from venice_widgets.session import Session
session = Session()
session._pace = RateLimiter(None)
session.catalogue()
print("ready", flush=True)
sys.stdin.readline()
session.generate("a fox", seed=sys.argv[1])
"""


def paint(_):
    file = io.BytesIO()
    Image.new("RGB", (8, 6), "red").save(file, "PNG")
    return file.getvalue()


class Server(SimulatorServer):
    """Ends when every request that arrived has been answered, also those of programs that are gone."""

    daemon_threads, block_on_close = False, True


@contextmanager
def serving(simulator):
    server = Server(simulator, 0)
    thread = threading.Thread(target=server.serve_forever, args=(0.01,))
    thread.start()
    try:
        yield f"http://127.0.0.1:{server.server_port}/api/v1"
    finally:
        server.shutdown()
        server.server_close()
        thread.join()


class Machine:
    """A session that is used at random, and what the service says about it."""

    def __init__(self, chance, monkeypatch):
        self.chance, self.monkeypatch, self.clock = chance, monkeypatch, Clock(monkeypatch)
        self.simulator = Simulator(
            requests_per_minute=None, errors_per_half_minute=None, paint=paint, balance_usd="100000"
        )
        self.simulator._received = deque()  # all of them, for the judge: otherwise the last thousand
        self.before = self.simulator.balance_usd()
        self.counts = Counter()
        self.killed = set()
        """The seeds of programs that were killed."""
        self.open()

    def open(self):
        self.session = Session(api_key=KEY, transport=self.simulator.transport())
        self.session._pace = RateLimiter(None)

    def step(self):
        kind = self.chance.choices(
            ["generate", "fault", "interrupt", "reopen", "budget", "full", "again", "jump", "read", "panel", "kill"],
            [80, 40, 40, 10, 10, 10, 20, 10, 20, 10, KILLS],
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

    def jump(self):
        self.clock.ahead = timedelta(seconds=self.chance.choice((-1, 1)) * 10 ** self.chance.uniform(0, 8))
        self.generate()

    def read(self):
        """Read the log, as commands and the panel do, and be interrupted at it."""
        log, path = self.session.log, Path(f"{self.counts['read']}.jsonl")
        reads = [
            lambda: log.search("fox", limit=50),
            lambda: list(log.each()),
            lambda: log.costs("day"),
            lambda: export(log, path),
            log.orphans,
        ]
        timer = threading.Timer(self.chance.uniform(0, 0.03), _thread.interrupt_main)
        try:
            timer.start()
            self.chance.choice(reads)()
            timer.join()
            time.sleep(0.01)
        except KeyboardInterrupt:
            self.counts["interrupt of reading"] += 1
        timer.join()
        path.unlink(missing_ok=True)

    def panel(self):
        first = self.chance.randint(1, 10**6)
        panel = Panel(self.session, prompt="a fox", seed=f"{first}..{first + self.chance.randint(0, 3)}")

        def click():
            panel.generate()
            if self.chance.random() < 0.3:
                panel.cancel()
            panel.wait(20)

        try:
            self.attempt(click)
        finally:
            panel.close()

    def kill(self):
        """Another program with this store sends, and is killed while it does; the next session finds what it left."""
        first, images = self.chance.randint(10**7, 10**8), self.chance.randint(1, 6)
        self.killed.update(range(first, first + images))
        if self.chance.random() < 0.5:
            self.simulator.add_fault(Fault("slow", times=images, seconds=0.05))
        with serving(self.simulator) as url:
            self._kill_at(url, f"{first}..{first + images - 1}", self.chance.randint(0, images))
        self.simulator.clear_faults()
        self.reopen()

    def _kill_at(self, url, seeds, sent):
        environment = {"PYTHONPATH": str(Path(__file__).parents[2]), "VENICE_API_KEY": KEY, "VENICE_API_BASE_URL": url}
        child = subprocess.Popen(
            [sys.executable, "-c", BUYER, seeds],
            env={**os.environ, **environment},
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            text=True,
        )
        try:
            assert child.stdout.readline() == "ready\n"
            before = self.posts().total()
            child.stdin.write("\n")
            child.stdin.flush()
            while self.posts().total() < before + sent and child.poll() is None:
                time.sleep(0.001)
            time.sleep(self.chance.uniform(0, 0.05))
        finally:
            child.kill()
            child.communicate()

    def posts(self):
        """By seed, how often it arrived at the service."""
        return Counter(body["seed"] for body in self.bodies())

    def bodies(self):
        """What arrived whole: a program can be killed in the middle of a body."""
        return [request.json for request in self.simulator.requests if request.method == "POST" and request.json]

    def judge(self):
        """The account, the wire and the record agree."""
        self.session._in_flight.finish(cancel=False)
        records = list(self.session.log.each())
        assert_published(*self.bodies())
        posts, attempts = self.posts(), Counter()
        for record in records:
            assert record.status not in (Status.PENDING, Status.SENT), record
            attempts[record.draft.seed] += record.outcome.attempts if record.sent_at else 0
            for image in record.images:
                assert self.session.log.objects.is_whole(image.sha256)
        assert not posts - attempts, "sent without a record"
        never_left = attempts - posts  # it was killed between the record and the wire
        assert set(never_left) <= self.killed, "on record as sent, and not sent"
        assert set(never_left.values()) <= {1}
        states = Counter(record.status for record in records)
        charged = self.before - self.simulator.balance_usd()
        least, most = PRICE * states[Status.SUCCEEDED], PRICE * (states[Status.SUCCEEDED] + states[Status.UNKNOWN])
        assert least <= charged <= most, f"{charged} charged, the record says {least} to {most}"
        assert self.session.log.orphans() == ()
        assert self.session.log.verify().wrong_totals == ()
        return states


# A file that an interrupt fell into the opening of is closed when no one holds it any more.
@pytest.mark.filterwarnings("ignore::pytest.PytestUnraisableExceptionWarning")
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
