"""An interrupt between any two instructions of sending, waiting and showing: told with the money, never a hang.

The suite tries a sample of the places; ``VENICE_INTERRUPTS=n`` in the environment tries every n-th one.
"""

import inspect
import io
import os
import re
import sys
import threading
import time
from collections import deque
from contextlib import suppress
from pathlib import Path
from types import SimpleNamespace

import pytest
from PIL import Image

from tests.interrupts import forget_exception
from venice_widgets.errors import Interrupted
from venice_widgets.generation.in_flight import InFlight
from venice_widgets.generation.rate_limiter import RateLimiter
from venice_widgets.log import Status
from venice_widgets.session import Session
from venice_widgets.simulator import Simulator

KEY = "VENICE_INFERENCE_KEY_0123456789abcdef"
SAMPLE = 60
EVERY = int(os.environ.get("VENICE_INTERRUPTS", "0"))  # before the tests take such variables away
IMAGES = 6
OURS = f"{os.sep}venice_widgets{os.sep}"


def paint(_):
    """A small image."""
    file = io.BytesIO()
    Image.new("RGB", (16, 12), "red").save(file, "PNG")
    return file.getvalue()


class Interrupts:
    """Counts the instructions of this thread in the package and in `threading`, and interrupts at one of them."""

    def __init__(self, at=None):
        self.at, self.count, self.where = at, 0, ""
        self.before = None

    def __enter__(self):
        sys._getframe().f_trace_opcodes = True  # since Python 3.12 no frame is traced so before one was asked for
        self.before = sys.gettrace()  # such as the one that measures coverage
        sys.settrace(self._enter)
        return self

    def __exit__(self, *_):
        sys.settrace(self.before)

    def _enter(self, frame, event, argument):
        name = frame.f_code.co_filename
        if OURS in name or name.endswith("threading.py"):
            frame.f_trace_opcodes, frame.f_trace_lines = True, False
            return self._step
        return None

    def _step(self, frame, event, argument):
        if event == "opcode":
            self.count += 1
            if self.count == self.at:
                sys.settrace(None)
                self.where = f"{frame.f_code.co_filename}:{frame.f_lineno}"
                raise KeyboardInterrupt
        return self._step


def places(count):
    """All of them, or a sample that is another one for each step width of the suite."""
    if EVERY:
        return range(1, count + 1, EVERY)
    return range(1, count + 1, max(1, count // SAMPLE))


@pytest.fixture(autouse=True)
def _forget_exception(request):
    request.addfinalizer(forget_exception)  # noqa: PT021  a generator has a handled exception of its own


@pytest.fixture
def simulator():
    made = Simulator(requests_per_minute=None, errors_per_half_minute=None, paint=paint)
    made._received = deque()  # all of them: otherwise the last thousand
    return made


@pytest.fixture
def session(simulator):
    with Session(api_key=KEY, transport=simulator.transport()) as made:
        made._pace = RateLimiter(None)
        yield made


def posts(simulator):
    return sum(request.method == "POST" for request in simulator.requests)


def number(pattern, text):
    found = re.search(pattern, text)
    return int(found[1]) if found else 0


def check(simulator, session, error, prepared, sent_before, where):
    """The record, the service's own count and what was told agree; and the next request works."""
    generation = prepared.sending.generation
    if generation is not None and where.endswith(last_line(Session.send_and_wait, "return generation")):
        assert generation.done  # it is being returned: there is nothing of ours left that could catch it
        return
    if generation is None:
        assert posts(simulator) == sent_before
        assert not isinstance(error, Interrupted) or "Nothing was sent" in str(error)
        return
    assert isinstance(error, Interrupted), "a bare KeyboardInterrupt, with requests in flight"
    assert generation.wait(10), "it hangs"
    unsent = [run for run in generation.runs if run.status is Status.CANCELLED]
    assert posts(simulator) - sent_before == len(generation.runs) - len(unsent)
    assert number(r"(\d+) (?:was|were) not sent", str(error)) == len(unsent)
    known = {run.run_id: run.status for run in session.log.search(limit=IMAGES + 2)}
    for run in generation.runs:
        assert known.get(run.run_id, Status.CANCELLED) is run.status, "the record says something else"


def test_sending_and_waiting(simulator, session):
    seed = iter(range(1, 10**9, IMAGES))

    def attempt(at):
        prepared = session.build("a fox", images=IMAGES, seed=f"{(first := next(seed))}..{first + IMAGES - 1}")
        before, error = posts(simulator), None
        with Interrupts(at) as interrupts:
            try:
                session.send_and_wait(prepared)
            except KeyboardInterrupt as exc:
                error = exc
        return interrupts, prepared, before, error

    attempt(None)
    interrupts, *_ = attempt(None)
    tried = 0
    for at in places(interrupts.count):
        interrupts, prepared, before, error = attempt(at)
        if error is None:  # it waited less often than the first time
            continue
        tried += 1
        try:
            check(simulator, session, error, prepared, before, interrupts.where)
        except AssertionError as exc:
            raise AssertionError(f"interrupted at {interrupts.where}, instruction {at}: {exc!r} {error}") from exc
    assert session.generate("a crow").images
    report("sending and waiting", tried, interrupts.count)
    assert tried > SAMPLE // 2


def test_what_is_in_flight_is_known_and_forgotten_whatever_interrupts():
    for at in range(1, 30):
        known, sending = InFlight(), SimpleNamespace(runs=())
        with Interrupts(at), suppress(KeyboardInterrupt):
            known.add(sending)
        worker = threading.Thread(target=known.discard, args=(sending,), daemon=True)
        worker.start()
        worker.join(20)
        assert not worker.is_alive(), "it waits for a lock that no one gives back"
        assert known.requests == 0


@pytest.mark.filterwarnings("ignore::pytest.PytestUnraisableExceptionWarning")
def test_showing(session):
    """A file that is interrupted between being opened and the block that closes it is closed by Python, which warns."""
    generation = session.generate("a fox", images=2, seed=1)
    with Interrupts() as interrupts:
        generation._repr_mimebundle_()
    told = []
    for at in places(interrupts.count):
        with Interrupts(at) as interrupts:
            try:
                generation._repr_mimebundle_()
            except Interrupted as exc:
                told.append(str(exc))
            except KeyboardInterrupt:
                assert interrupts.where.endswith(outside(generation)), interrupts.where
        assert len(generation) == 2
    report("showing", len(told), interrupts.count)
    assert len(told) > SAMPLE // 2
    assert all("What arrived is in the log: %venice show RUN shows it" in text for text in told)


def last_line(function, text):
    """Where the last line of a function that begins so stands."""
    lines, first = inspect.getsourcelines(function)
    place = max(place for place, line in enumerate(lines) if line.strip().startswith(text))
    return f"{Path(function.__code__.co_filename).name}:{first + place}"


def outside(generation):
    """Where the method that shows it begins, its ``try`` included, and where it returns: there is nothing to catch it.

    No signal of the system comes there: Python looks for one at calls and at the ends of loops.
    """
    method = type(generation)._repr_mimebundle_
    first = method.__code__.co_firstlineno
    return (f"result.py:{first}", f"result.py:{first + 1}", last_line(method, "return"))


def report(what, tried, count):
    if EVERY:
        print(f"{what}: {tried} places of interrupt out of {count}, no charge without a word")


def test_no_thread_is_left_waiting(simulator, session):
    before = time.monotonic()
    for _ in range(20):
        prepared = session.build("a fox", images=IMAGES)
        with Interrupts(400):
            try:
                session.send_and_wait(prepared)
            except KeyboardInterrupt:
                assert prepared.sending.generation is None or prepared.sending.generation.wait(10)
    end = time.monotonic() + 5
    while left := [thread.name for thread in threading.enumerate() if re.fullmatch(r"venice-\d+", thread.name)]:
        assert time.monotonic() < end, left
        time.sleep(0.01)
    assert time.monotonic() - before < 60
