"""An interrupt between any two bytecodes of reading and writing leaves the log alive for this program and all others.

The suite tries places spread evenly over each operation; ``INTERRUPT_EVERY=1`` tries every single one.
"""

import os
import signal
import sqlite3
import subprocess
import sys
import threading
import time
from decimal import Decimal
from pathlib import Path

import pytest

from tests.interrupts import forget_exception
from venice_widgets.errors import StoreError
from venice_widgets.log import Budgets, Log, Status
from venice_widgets.log.export import export

EVERY = int(os.environ.get("INTERRUPT_EVERY", "0"))
PLACES = 40
"""How many places of an operation are tried by the suite."""


@pytest.fixture(autouse=True)
def _forget_exception(request):
    request.addfinalizer(forget_exception)  # noqa: PT021  a generator has a handled exception of its own


class Interrupter:
    """Counts the bytecodes that this thread runs, in all frames below, and raises at one of them."""

    def __init__(self, at=None):
        self.at, self.count = at, 0

    def __call__(self, frame, event, _):
        frame.f_trace_opcodes, frame.f_trace_lines = True, False
        if event == "opcode":
            self.count += 1
            if self.count == self.at:
                raise KeyboardInterrupt
        return self

    def run(self, operation):
        """Whether it was interrupted."""
        before = sys.gettrace()
        sys._getframe().f_trace_opcodes = True  # since Python 3.12 no frame is traced so before one was asked for
        sys.settrace(self)
        try:
            operation()
        except KeyboardInterrupt:
            return True
        finally:
            sys.settrace(before)
        return False


def a_run(log, make, status=None):
    draft = make.draft(context={"notebook": "/work/fox.ipynb"})
    log.reserve([draft])
    if status:
        log.mark_sent(draft.run_id)
        log.finish(draft.run_id, make.outcome(status, images=(make.image(),)))
    return draft.run_id


def operations(log, make, folder):
    """By name, an operation on a log; what it needs is made anew for each attempt, outside of what is interrupted."""
    numbers = iter(range(10**9))

    def pending():
        return a_run(log, make)

    def unknown():
        run_id = a_run(log, make)
        log.finish(run_id, make.outcome(Status.UNKNOWN))
        return run_id

    return {
        "search": (lambda: None, lambda _: log.search("fox", limit=30)),
        "count": (lambda: None, lambda _: log.count(model="z-image-turbo")),
        "each": (lambda: None, lambda _: list(log.each())),
        "get": (lambda: None, lambda _: log.get("last")),
        "costs": (lambda: None, lambda _: log.costs("model")),
        "left": (lambda: None, lambda _: log.left(Budgets(day_usd=Decimal(1)))),
        "orphans": (lambda: None, lambda _: log.orphans()),
        "export": (lambda: folder / f"{next(numbers)}.jsonl", lambda path: export(log, path)),
        "reserve": (make.draft, lambda draft: log.reserve([draft], Budgets(project_usd=Decimal(10**6)))),
        "mark sent": (pending, log.mark_sent),
        "finish": (pending, lambda run_id: log.finish(run_id, make.outcome(images=(make.image(),)))),
        "resolve": (unknown, lambda run_id: log.resolve(run_id, charged=True)),
        "favorite": (pending, log.favorite),
        "reconcile": (lambda: None, lambda _: log.reconcile([("x", Decimal(1))])),
        "open": (lambda: None, lambda _: Log.open(log.folder).close()),
        "backup": (lambda: folder / f"{next(numbers)}.sqlite", log.backup),
        "spool": (pending, lambda run_id: log.open_spool(run_id).discard()),
    }


NAMES = (
    "search", "count", "each", "get", "costs", "left", "orphans", "export", "reserve", "mark sent", "finish", "resolve",
    "favorite", "reconcile", "open", "backup", "spool",
)  # fmt: skip


def assert_alive(log):
    """The log answers, and no other program is kept from writing for longer than a change takes.

    What an interrupt called away from goes on in the log's own thread, and may be writing still.
    """
    assert log.search(limit=1)
    other = sqlite3.connect(log.folder / "log.sqlite", timeout=10, isolation_level=None)
    other.execute("BEGIN IMMEDIATE")
    other.execute("ROLLBACK")
    other.close()


@pytest.mark.skipif(
    sys.version_info[:2] == (3, 12), reason="Python 3.12.1 itself crashes where a traced bytecode raises in an export"
)
# A file that an interrupt fell into the opening of is closed when no one holds it any more.
@pytest.mark.filterwarnings("ignore::pytest.PytestUnraisableExceptionWarning")
@pytest.mark.parametrize("name", NAMES)
def test_an_interrupt_at_any_bytecode_leaves_the_log_alive(log, make, tmp_path, name):
    for _ in range(3):
        a_run(log, make, Status.SUCCEEDED)
    prepare, operate = operations(log, make, tmp_path)[name]
    given = prepare()
    operate(given)  # what is imported at first use is imported now
    given = prepare()
    counting = Interrupter()
    assert not counting.run(lambda: operate(given))
    interrupted = 0
    for at in range(1, counting.count + 1, EVERY or max(counting.count // PLACES, 1)):
        given = prepare()
        interrupted += Interrupter(at).run(lambda given=given: operate(given))
        assert_alive(log)
    assert interrupted > 0
    print(f"{name}: {interrupted} interrupts at {counting.count} places")
    assert log.verify().wrong_totals == ()


def test_many_threads_and_an_interrupted_one_share_a_log(log, make):
    a_run(log, make, Status.SUCCEEDED)
    stop, done, failures = threading.Event(), [0] * 4, []

    def work(place):
        try:
            while not stop.is_set():
                a_run(log, make, Status.SUCCEEDED)
                log.search("fox", limit=5)
                done[place] += 1
        except BaseException as exc:  # noqa: BLE001
            failures.append(exc)

    threads = [threading.Thread(target=work, args=(place,)) for place in range(4)]
    for thread in threads:
        thread.start()
    for at in range(1, 2000, 50):
        Interrupter(at).run(lambda: log.search(limit=20))
    stop.set()
    for thread in threads:
        thread.join(30)
    assert not failures
    assert min(done) > 0
    assert log.count() == 1 + sum(done)
    assert log.verify().ok is False, "the images are none"
    assert log.verify().wrong_totals == ()


PROGRAM = """
import signal, sys
from pathlib import Path
from venice_widgets.log import Log
signal.signal(signal.SIGINT, signal.default_int_handler)
log = Log.open(Path(sys.argv[1]))
print("ready", flush=True)
interrupted = False
while True:
    try:
        if interrupted:
            log.favorite("last", on=False)
            log.search(limit=1)
            interrupted = False
            print("alive", flush=True)
        for _ in log.each():
            pass
        log.search("fox", limit=200)
        log.favorite("last")
    except KeyboardInterrupt:
        interrupted = True
"""


@pytest.mark.skipif(os.name == "nt", reason="Windows sends no such signal to one process")
def test_real_interrupts_while_it_reads_and_writes_leave_the_log_alive(log, make):
    """INTERRUPT_EVERY=n sends 100 × n of them."""
    for _ in range(60):
        a_run(log, make, Status.SUCCEEDED)
    child = subprocess.Popen(
        [sys.executable, "-c", PROGRAM, str(log.folder)],
        stdout=subprocess.PIPE,
        text=True,
        env={**os.environ, "PYTHONPATH": str(Path(__file__).parents[2])},
    )
    try:
        assert child.stdout.readline() == "ready\n"
        for number in range(100 * max(EVERY, 1) if EVERY else 30):
            time.sleep(0.001 * (number % 23))
            child.send_signal(signal.SIGINT)
            assert child.stdout.readline() == "alive\n"
            other = sqlite3.connect(log.folder / "log.sqlite", timeout=20, isolation_level=None)
            other.execute("BEGIN IMMEDIATE")
            other.execute("ROLLBACK")
            other.close()
    finally:
        child.kill()
        child.communicate()


def test_a_function_that_fails_in_the_middle_of_its_rows_keeps_no_old_state_of_the_log(log, make):
    """The traceback is stored, and with it every frame: a cursor in one must not keep its snapshot."""
    for _ in range(5):
        a_run(log, make)

    def fails(connection):
        for row in connection.execute("SELECT * FROM runs"):
            raise ValueError(row["run_id"])

    with pytest.raises(ValueError, match="01JD") as stored:
        log._database.read(fails)
    other = Log.open(log.folder)
    newest = a_run(other, make)
    other.close()
    assert log.get("last").run_id == newest
    assert stored.value.__traceback__ is not None


@pytest.mark.skipif(os.name == "nt", reason="Windows interrupts no thread that waits")
def test_an_interrupt_while_another_program_holds_the_log_is_at_once_and_nothing_happens_later(log, make):
    run_id = a_run(log, make)
    other = sqlite3.connect(log.folder / "log.sqlite", isolation_level=None)
    other.execute("BEGIN IMMEDIATE")
    before = signal.signal(signal.SIGINT, signal.default_int_handler)
    timer = threading.Timer(0.3, os.kill, [os.getpid(), signal.SIGINT])
    timer.start()
    began = time.monotonic()
    with pytest.raises(KeyboardInterrupt):
        log.favorite(run_id)
    timer.join()
    signal.signal(signal.SIGINT, before)
    assert time.monotonic() - began < 5
    time.sleep(0.3)
    other.execute("ROLLBACK")
    other.close()
    assert not log.get(run_id).favorite


@pytest.mark.skipif(not hasattr(os, "fork"), reason="this platform does not fork")
@pytest.mark.filterwarnings("ignore:This process.*is multi-threaded:DeprecationWarning")
def test_a_child_forked_while_threads_hold_the_log_uses_it_and_harms_nothing(log, make):
    a_run(log, make, Status.SUCCEEDED)
    stop = threading.Event()

    def work():
        while not stop.is_set():
            a_run(log, make, Status.SUCCEEDED)

    threads = [threading.Thread(target=work) for _ in range(3)]
    for thread in threads:
        thread.start()
    made = 0
    for number in range(8):
        read, write = os.pipe()
        pid = os.fork()
        if not pid:
            try:
                log.search("fox", limit=3)
                log.reserve([make.draft(run_id=f"CHILD{number:021d}")])
                os.write(write, b"1")
            finally:
                os._exit(0)
        os.close(write)
        assert wait(pid), "the child hangs"
        made += int(os.read(read, 1) or b"0")
        os.close(read)
    stop.set()
    for thread in threads:
        thread.join(30)
    assert made == 8
    assert log.count("fox") == log.count()
    assert log.verify().database == ()
    assert log.verify().wrong_totals == ()


def wait(pid):
    deadline = time.monotonic() + 20
    while time.monotonic() < deadline:
        if os.waitpid(pid, os.WNOHANG)[0]:
            return True
        time.sleep(0.01)
    os.kill(pid, signal.SIGKILL)
    os.waitpid(pid, 0)
    return False


def test_closing_waits_for_what_was_asked_before(log, make):
    drafts = [make.draft() for _ in range(40)]
    errors = []

    def work():
        for draft in drafts:
            try:
                log.reserve([draft])
            except StoreError as exc:
                errors.append(exc)

    thread = threading.Thread(target=work)
    thread.start()
    time.sleep(0.02)
    log.close()
    thread.join()
    assert all("the log is closed" in str(error) for error in errors)
    again = Log.open(log.folder)
    assert again.count() == len(drafts) - len(errors)
    again.close()
