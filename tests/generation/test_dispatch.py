"""Many at once: in order, in pace, retried only where nothing ran, and called off when asked."""

import re
import threading
import time

import pytest

from venice_widgets import errors
from venice_widgets.errors import PossiblyCharged, RateLimited, ServiceUnavailable
from venice_widgets.generation import dispatch as dispatch_module
from venice_widgets.generation.dispatch import (
    MAX_ATTEMPTS,
    Delivery,
    Dispatch,
    describe,
    retry_delay_seconds,
)
from venice_widgets.generation.rate_limiter import RateLimiter


@pytest.fixture(autouse=True)
def _no_thread_survives():
    """Whatever a test did, its threads end."""
    before = set(threading.enumerate())
    yield
    end = time.monotonic() + 5
    while left := {thread for thread in set(threading.enumerate()) - before if thread.name.startswith("venice")}:
        assert time.monotonic() < end, f"still running: {left}"
        time.sleep(0.01)


@pytest.fixture
def fast(monkeypatch):
    """Retries without waiting; what was waited is in the list."""
    waited = []

    def delay(error, attempt):
        seconds = retry_delay_seconds(error, attempt)
        waited.append(seconds)
        return seconds and 0.001

    monkeypatch.setattr(dispatch_module, "retry_delay_seconds", delay)
    return waited


def run(jobs, send, *, settle=lambda delivery: None, wait=True, in_flight=4, pace=None, **more):
    made = Dispatch(jobs, send, settle, in_flight=in_flight, pace=pace or RateLimiter(None), **more)
    made.start()
    if wait:
        assert made.wait(10)
    return made


class Fails:
    """Sends that fail with the errors given, one after the other, and then succeed."""

    def __init__(self, *fails):
        self._fails, self.calls = list(fails), 0

    def __call__(self, job):
        self.calls += 1
        if self._fails:
            raise self._fails.pop(0)
        return job


def test_results_stand_in_the_order_of_the_jobs_whatever_the_order_of_the_answers():
    def send(job):
        time.sleep(0.02 * (4 - job))
        return job * 10

    assert [delivery.result for delivery in run(range(4), send).deliveries] == [0, 10, 20, 30]


@pytest.mark.parametrize("in_flight", [1, 3, 7])
def test_at_most_so_many_are_in_flight_and_as_many_as_may_be(in_flight):
    now, most, lock = 0, 0, threading.Lock()

    def send(job):
        nonlocal now, most
        with lock:
            now += 1
            most = max(most, now)
        time.sleep(0.02)
        with lock:
            now -= 1

    run(range(12), send, in_flight=in_flight)
    assert most == in_flight


def test_no_more_threads_are_started_than_there_are_jobs():
    started = []

    def send(job):
        started.extend(t.name for t in threading.enumerate() if re.fullmatch(r"venice-\d+", t.name))

    run(range(2), send, in_flight=50)
    assert len(set(started)) <= 2


def test_nothing_to_send_is_done_at_once():
    assert run([], None).done


def test_dispatches_that_share_a_pace_share_what_it_lets_be_on_its_way(fast):
    pace, lock, flying, most = RateLimiter(None, in_flight=3), threading.Lock(), set(), []

    def send(job):
        with lock:
            flying.add(job)
            most.append(len(flying))
        time.sleep(0.01)
        with lock:
            flying.remove(job)
        if len(most) % 4 == 0:
            raise RateLimited("429")

    made = [run(range(first, first + 8), send, pace=pace, wait=False) for first in (0, 100, 200)]
    assert all(one.wait(10) for one in made)
    assert max(most) == 3
    assert all(pace._slots.acquire(blocking=False) for _ in range(3)), "a place was not given back"


def test_waiting_for_another_dispatch_to_leave_ends_when_it_is_called_off():
    pace, entered, go = RateLimiter(None, in_flight=1), threading.Event(), threading.Event()
    first = run([1], lambda job: (entered.set(), go.wait(10)), pace=pace, wait=False)
    assert entered.wait(30)
    second = run([2], lambda job: job, pace=pace, wait=False)
    assert not second.wait(0.2)
    second.cancel()
    assert second.wait(30)
    assert second.deliveries[0].attempts == 0
    go.set()
    assert first.wait(30)


def test_every_attempt_takes_a_place_in_the_pace(fast):
    taken = []

    class Counting(RateLimiter):
        def wait(self, cancelled, *tell):
            taken.append(1)
            return super().wait(cancelled, *tell)

    run([1], Fails(RateLimited("429"), ServiceUnavailable("503")), pace=Counting(None))
    assert len(taken) == 3


ALL_ERRORS = [value for value in vars(errors).values() if isinstance(value, type) and issubclass(value, BaseException)]
AGAIN = {RateLimited, ServiceUnavailable}


@pytest.mark.parametrize("kind", [*ALL_ERRORS, ValueError, OSError, KeyboardInterrupt, SystemExit, MemoryError])
def test_only_what_proves_that_nothing_ran_is_sent_again(kind, fast):
    needs = {errors.GenerationIncomplete: {"generation": None, "errors": ()}, errors.Interrupted: {"generation": None}}
    error = kind("it broke", **needs.get(kind, {}))
    send = Fails(error)
    delivery = run(["job"], send).deliveries[0]
    assert send.calls == (2 if kind in AGAIN else 1)
    assert (delivery.error, delivery.result) == ((None, "job") if kind in AGAIN else (error, None))


@pytest.mark.parametrize(
    ("error", "attempt", "seconds"),
    [
        (RateLimited("", retry_after_seconds=7), 1, 7.1),
        (RateLimited("", retry_after_seconds=0), 1, 0.5),
        (RateLimited("", retry_after_seconds=0), 3, 2),
        (RateLimited("", retry_after_seconds=119), 4, 119.1),
        (RateLimited("", retry_after_seconds=3600), 1, None),
        (RateLimited(""), 1, 2),
        (RateLimited(""), 4, 16),
        (RateLimited("", retry_after_seconds=1), MAX_ATTEMPTS, None),
        (ServiceUnavailable(""), 1, 0.5),
        (ServiceUnavailable(""), 4, 4),
        (ServiceUnavailable("", retry_after_seconds=9), 1, 9.1),
        (ServiceUnavailable(""), MAX_ATTEMPTS, None),
        (PossiblyCharged(""), 1, None),
    ],
)
def test_the_wait_before_sending_again_is_what_was_asked_or_grows_and_has_an_end(error, attempt, seconds):
    assert retry_delay_seconds(error, attempt) == pytest.approx(seconds)


def test_a_job_that_never_gets_through_ends_with_its_last_error_after_so_many_attempts(fast):
    send = Fails(*(RateLimited(str(number)) for number in range(99)))
    delivery = run(["job"], send).deliveries[0]
    assert (send.calls, delivery.attempts, str(delivery.error)) == (MAX_ATTEMPTS, MAX_ATTEMPTS, str(MAX_ATTEMPTS - 1))


def test_a_job_that_waits_to_be_sent_again_says_so():
    send = Fails(RateLimited("", retry_after_seconds=30))
    made = run(["job"], send, wait=False)
    end = time.monotonic() + 5
    while not describe(made.deliveries) and time.monotonic() < end:
        time.sleep(0.01)
    assert describe(made.deliveries) == "waiting for the rate limit, 30 s"
    made.cancel()
    assert made.wait(30)
    assert describe(made.deliveries) == ""
    assert (send.calls, type(made.deliveries[0].error)) == (1, RateLimited)


def test_what_was_called_off_is_not_sent_and_what_is_on_its_way_goes_on():
    release, sent = threading.Event(), []

    def send(job):
        sent.append(job)
        assert release.wait(10)
        return job

    settled = []
    made = run(range(10), send, in_flight=2, wait=False, settle=lambda delivery: settled.append(delivery.job))
    while len(sent) < 2:
        time.sleep(0.01)
    started = time.monotonic()
    made.cancel()
    assert time.monotonic() - started < 5
    assert made.cancelled
    assert not made.wait(0.2)
    release.set()
    assert made.wait(30)
    assert sorted(sent) == [0, 1]
    assert [delivery.result for delivery in made.deliveries] == [0, 1, *[None] * 8]
    assert [delivery.attempts for delivery in made.deliveries] == [1, 1, *[0] * 8]
    assert sorted(settled) == list(range(10))


def test_a_job_that_had_its_place_in_the_pace_is_not_sent_once_all_was_called_off():
    class CallsOff(RateLimiter):
        def wait(self, cancelled, *tell):
            made.cancel()
            return True

    sent = []
    made = Dispatch(range(5), sent.append, lambda delivery: None, in_flight=2, pace=CallsOff(None))
    made.start()
    assert made.wait(60)
    assert sent == []
    assert [delivery.attempts for delivery in made.deliveries] == [0] * 5


def test_cancelling_does_not_wait_for_a_thousand_records():
    release, settled = threading.Event(), []

    def settle(delivery):
        release.wait(10)
        settled.append(delivery)

    made = run(range(1000), lambda job: release.wait(10), wait=False, settle=settle, in_flight=1)
    made.cancel()
    assert not settled
    release.set()
    assert made.wait(60)
    assert len(settled) == 1000


def test_the_first_goes_alone_and_the_others_wait_until_it_has_been_settled():
    events = []

    def send(job):
        events.append(("send", job))
        time.sleep(0.05 if job == 0 else 0)

    run(range(3), send, settle=lambda delivery: events.append(("settle", delivery.job)), first_alone=True)
    assert events[:2] == [("send", 0), ("settle", 0)]
    assert {job for event, job in events if event == "send"} == {0, 1, 2}


@pytest.mark.parametrize("where", ["send", "settle"])
def test_if_the_first_fails_the_others_are_not_sent(where):
    sent = []

    def send(job):
        sent.append(job)
        if where == "send":
            raise PossiblyCharged("lost")

    def settle(delivery):
        if where == "settle" and delivery.job == 0:
            delivery.error = PossiblyCharged("blacked out")

    made = run(range(5), send, settle=settle, first_alone=True)
    assert sent == [0]
    assert [type(delivery.error) for delivery in made.deliveries] == [PossiblyCharged, *[type(None)] * 4]


def test_those_that_wait_for_the_first_can_be_called_off():
    release, sent = threading.Event(), []

    def send(job):
        sent.append(job)
        release.wait(10)

    made = run(range(5), send, first_alone=True, wait=False)
    while not sent:
        time.sleep(0.01)
    made.cancel()
    release.set()
    assert made.wait(30)
    assert sent == [0]


def test_an_error_that_ends_all_stops_what_was_not_sent():
    sent = []

    def send(job):
        sent.append(job)
        raise errors.CredentialsRefused("401")

    made = run(range(50), send, in_flight=1, ends_all=lambda error: isinstance(error, errors.CredentialsRefused))
    assert sent == [0]
    assert made.done


def test_what_goes_wrong_while_settling_belongs_to_its_job_and_stops_nothing():
    def settle(delivery):
        if delivery.job == 1:
            raise RuntimeError("no record")

    made = run(range(4), lambda job: job, settle=settle)
    assert [type(delivery.error) for delivery in made.deliveries] == [type(None), RuntimeError, *[type(None)] * 2]
    assert [delivery.result for delivery in made.deliveries] == [0, 1, 2, 3]


def test_what_goes_wrong_before_a_job_is_sent_belongs_to_it_and_no_one_waits_forever():
    class Breaks(RateLimiter):
        def wait(self, *_):
            raise OSError("the rate cannot be read")

    sent = []
    made = run(range(3), sent.append, pace=Breaks(None))
    assert [str(delivery.error) for delivery in made.deliveries] == ["the rate cannot be read"] * 3
    assert not sent


def test_the_end_is_told_once_after_everything_was_settled_and_before_anybody_who_waits_goes_on():
    for _ in range(20):
        events, made = [], None
        made = Dispatch(
            range(8),
            lambda job: job,
            lambda delivery, events=events: events.append("settled"),
            in_flight=8,
            pace=RateLimiter(None),
            on_end=lambda events=events: (time.sleep(0.005), events.append("end")),
        )
        made.start()
        assert made.wait(30)
        assert events == ["settled"] * 8 + ["end"]


def test_waiting_ends_in_time_and_tells_whether_all_have_ended():
    release = threading.Event()
    made = run([1], lambda job: release.wait(10), wait=False)
    started = time.monotonic()
    assert made.wait(0.1) is False
    assert made.wait(0) is False
    assert 0.1 <= time.monotonic() - started < 5
    release.set()
    assert made.wait() is True


def test_a_delivery_that_does_not_wait_needs_no_words():
    assert describe([Delivery(1), Delivery(2)]) == ""
