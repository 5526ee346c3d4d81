"""Sent once, in order, as long as it makes sense; and what is in flight at the end is waited for."""

import asyncio
import io
import pickle
import re
import subprocess
import sys
import threading
import time
from pathlib import Path

import pytest
from PIL import Image

from venice_widgets import errors
from venice_widgets.errors import (
    GenerationIncomplete,
    Interrupted,
    InvalidRequest,
    PossiblyCharged,
    SpendingRefused,
    StoreError,
)
from venice_widgets.generation import in_flight as in_flight_module
from venice_widgets.generation.rate_limiter import RateLimiter
from venice_widgets.generation.run import Run, missing_images, ranges
from venice_widgets.log import Status
from venice_widgets.session import Session
from venice_widgets.simulator import Fault, Simulator

KEY = "VENICE_INFERENCE_KEY_0123456789abcdef"


def paint(_):
    file = io.BytesIO()
    Image.new("RGB", (16, 12), "red").save(file, "PNG")
    return file.getvalue()


@pytest.fixture
def simulator():
    return Simulator(requests_per_minute=None, errors_per_half_minute=None, paint=paint)


@pytest.fixture
def session(simulator):
    made = Session(api_key=KEY, transport=simulator.transport())
    made._pace = RateLimiter(None)
    yield made
    made.close()


def posts(simulator):
    return sum(request.method == "POST" for request in simulator.requests)


# Once.


def test_what_was_sent_is_not_sent_again_unless_it_is_asked_for(simulator, session):
    prepared = session.build("a fox", images=2)
    assert session.send(prepared).wait(10)
    with pytest.raises(InvalidRequest, match=r"sent already[\s\S]*again=True"):
        session.send(prepared)
    assert posts(simulator) == 2
    assert session.send(prepared, again=True).wait(10)
    assert posts(simulator) == 4


def test_of_many_threads_that_send_the_same_one_does(simulator, session):
    prepared, outcomes, start = session.build("a fox"), [], threading.Barrier(8)

    def send():
        start.wait()
        try:
            outcomes.append(session.send(prepared))
        except InvalidRequest:
            outcomes.append(None)

    threads = [threading.Thread(target=send) for _ in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert next(one for one in outcomes if one is not None).wait(10)
    assert (len([one for one in outcomes if one is None]), posts(simulator)) == (7, 1)


def test_a_request_that_is_in_flight_is_not_bought_a_second_time(simulator, session):
    simulator.add_fault(Fault("slow", seconds=0.5))
    first = session.send(session.build("a fox", seed=41, images=2))
    with pytest.raises(InvalidRequest, match=r"seed 41 is in flight already[\s\S]*--again \(again=True\). Nothing"):
        session.send(session.build("a fox", seed=41))
    assert first.wait(10)
    assert session.generate("a fox", seed=41).runs[0].from_log
    assert posts(simulator) == 2


def test_a_request_that_another_program_has_in_flight_is_not_bought_a_second_time(simulator, session):
    simulator.add_fault(Fault("slow", seconds=0.5))
    other = Session(api_key=KEY, transport=simulator.transport())
    first, prepared = session.build("a fox", seed=41), other.build("a fox", seed=41)
    first = session.send(first)
    with other, pytest.raises(InvalidRequest, match="in flight already"):
        other.send(prepared)
    assert first.wait(10)
    assert posts(simulator) == 1


def test_what_was_made_since_it_was_built_is_not_bought_a_second_time(simulator, session):
    prepared = session.build("a fox", seed=41, images=2)
    session.generate("a fox", seed=42)
    with pytest.raises(InvalidRequest, match=r"seed 42 was made since it was built[\s\S]*Nothing was sent"):
        session.send(prepared)
    assert posts(simulator) == 1
    assert len(session.generate("a fox", seed=41, images=2)) == 2
    assert posts(simulator) == 2


def test_what_is_in_flight_is_sent_once_more_where_it_is_asked_for(simulator, session):
    simulator.add_fault(Fault("slow", seconds=0.5))
    first = session.send(session.build("a fox", seed=41))
    assert session.send(session.build("a fox", seed=41, again=True)).wait(10)
    assert first.wait(10)
    assert posts(simulator) == 2


def test_what_was_refused_can_be_sent_later(simulator, session):
    prepared = session.build("a fox")
    with pytest.raises(SpendingRefused):
        session.send(prepared, max_cost_usd="0.001")
    assert session.send(prepared).wait(10)
    assert posts(simulator) == 1


def test_what_fails_in_a_way_that_nobody_foresaw_is_not_waited_for(simulator, session, monkeypatch):
    monkeypatch.setattr(session.log, "reserve", lambda *_, **__: 1 / 0)
    with pytest.raises(ZeroDivisionError):
        session.send(session.build("a fox", images=2))
    assert session.in_flight.requests == 0
    closing = threading.Thread(target=session.close, daemon=True)
    closing.start()
    closing.join(10)
    assert not closing.is_alive()
    assert posts(simulator) == 0


def test_no_question_is_asked_from_python(simulator, session, monkeypatch):
    monkeypatch.setattr("builtins.input", lambda *_: pytest.fail("it asks"))
    monkeypatch.setattr("sys.stdin", io.StringIO("y\n"))
    with pytest.raises(SpendingRefused):
        session.generate("a fox", model="gpt-image-2", images=5)
    assert posts(simulator) == 0


def test_the_end_of_a_program_waits_for_its_images_also_where_it_cannot_say_so(simulator, session, monkeypatch):
    simulator.add_fault(Fault("slow", seconds=0.5))
    stream = io.StringIO()
    stream.close()
    monkeypatch.setattr("sys.stderr", stream)
    generation = session.send(session.build("a fox"))
    while generation.runs[0].status is Status.PENDING:
        time.sleep(0.01)
    in_flight_module._finish(session.in_flight)
    assert generation.runs[0].status is Status.SUCCEEDED


# A sequence that can be awaited.


def test_a_generation_is_the_sequence_of_its_images(session):
    generation = session.generate("a fox", seed="7..9")
    assert len(generation) == 3
    assert [image.seed for image in generation] == [7, 8, 9]
    assert generation[-1].seed == 9
    assert [image.seed for image in generation[:2]] == [7, 8]
    assert generation[0] in generation


def test_a_generation_can_be_awaited_while_the_loop_goes_on(simulator, session):
    simulator.add_fault(Fault("slow", seconds=0.3))

    async def cell():
        ticks = []

        async def tick():
            while True:
                ticks.append(1)
                await asyncio.sleep(0.02)

        beside = asyncio.ensure_future(tick())
        generation = await session.send(session.build("a fox", images=2))
        beside.cancel()
        return generation, len(ticks)

    generation, ticks = asyncio.run(cell())
    assert len(generation) == 2
    assert ticks > 3


def test_a_task_that_is_cancelled_sends_no_more_and_says_what_became_of_the_money(simulator, session):
    simulator.add_fault(Fault("slow", seconds=1.0, times=None))

    async def cell():
        generation = session.send(session.build("a fox", images=6, seed=1))
        task = asyncio.ensure_future(generation._finished())
        await asyncio.sleep(0.3)
        task.cancel()
        with pytest.raises(GenerationIncomplete, match="2 were not sent and cost nothing; 4 are in flight"):
            await task
        return generation

    assert asyncio.run(cell()).wait(10)
    assert posts(simulator) == 4


def test_missing_images_fail_what_awaits_them(simulator, session):
    simulator.add_fault(Fault("500"))

    async def cell():
        await session.send(session.build("a fox"))

    with pytest.raises(PossiblyCharged):
        asyncio.run(cell())


# It does not go on buying.


@pytest.mark.parametrize("kind", ["500", "504", "disconnect"])
def test_after_two_that_may_have_been_charged_in_a_row_the_rest_is_not_sent(simulator, session, kind):
    simulator.add_fault(Fault(kind, times=None))
    with pytest.raises(GenerationIncomplete) as caught:
        session.generate("a fox", images=40, seed=1, yes=True)
    in_flight = session.settings.in_flight
    assert posts(simulator) <= 2 + in_flight
    assert "so the rest was not sent" in str(caught.value)
    assert len(str(caught.value).splitlines()) <= 8
    simulator.clear_faults()
    assert len(session.generate("a fox", images=40, seed=1, yes=True)) == 40


def test_what_sends_the_rest_is_true_for_images_that_were_to_be_made_anew(simulator, session):
    session.generate("a fox", images=40, seed=1, yes=True)
    simulator.add_fault(Fault("500", times=None))
    with pytest.raises(GenerationIncomplete, match=re.escape("The same seeds with --reuse (again=None) send only")):
        session.generate("a fox", images=40, seed=1, yes=True, again=True)
    before = posts(simulator)
    assert len(session.generate("a fox", images=40, seed=1, yes=True, again=None)) == 40
    assert posts(simulator) == before


def test_one_that_may_have_been_charged_among_others_stops_nothing(simulator, session):
    for seed in (3, 9, 15):
        simulator.add_fault(Fault("500", seed=seed))
    session._begun = session._begun.__class__(**{**_values(session._begun), "in_flight": 1})
    with pytest.raises(GenerationIncomplete) as caught:
        session.generate("a fox", images=20, seed=1)
    assert len(caught.value.generation) == 17


def _values(settings):
    return {name: getattr(settings, name) for name in type(settings).__slots__}


def test_a_response_that_could_not_be_stored_ends_the_generation(simulator, session, monkeypatch):
    def full(self):
        raise StoreError("no room.", "Free some.")

    monkeypatch.setattr("venice_widgets.log.object_store.ObjectWriter.keep", full)
    generation = session.send(session.build("a fox", images=30, seed=1))
    assert generation.wait(20)
    assert posts(simulator) <= session.settings.in_flight * 2
    assert {run.status for run in generation.runs} == {Status.UNKNOWN, Status.CANCELLED}


def test_room_is_looked_at_before_every_request(simulator, session, monkeypatch):
    session._begun = session._begun.__class__(**{**_values(session._begun), "in_flight": 1})
    checks, refuse = [], session.log.objects.refuse_full

    def fills_up():
        checks.append(1)
        if len(checks) > 4:
            raise StoreError("only 1.2 MB are free.", "Nothing was sent.")
        refuse()

    monkeypatch.setattr(session.log.objects, "refuse_full", fills_up)
    generation = session.send(session.build("a fox", images=10, seed=1))
    assert generation.wait(20)
    assert 1 <= posts(simulator) <= 4
    assert not any(run.status is Status.UNKNOWN for run in generation.runs)


def test_a_limit_that_is_lowered_while_it_runs_holds_for_the_rest(simulator, session, monkeypatch):
    session._begun = session._begun.__class__(**{**_values(session._begun), "in_flight": 1})
    simulator.add_fault(Fault("slow", seconds=0.2, times=None))
    generation = session.send(session.build("a fox", images=10, seed=1))
    while not generation.images:
        time.sleep(0.01)
    monkeypatch.setenv("VENICE_MAX_COST", "0.05")
    assert generation.wait(20)
    assert posts(simulator) <= 3
    with pytest.raises(GenerationIncomplete, match="a limit was changed while this ran"):
        generation.raise_for_missing()
    assert all(run.status in (Status.SUCCEEDED, Status.FAILED, Status.CANCELLED) for run in generation.runs)


# The end.


def test_a_session_that_is_closed_waits_for_everything_it_sent(simulator):
    simulator.add_fault(Fault("slow", seconds=0.5, times=None))
    with Session(api_key=KEY, transport=simulator.transport()) as session:
        session._pace = RateLimiter(None)
        generation = session.send(session.build("a fox", images=6))
    assert len(generation) == 6
    with Session(api_key=KEY, transport=simulator.transport()) as again:
        assert [run.status for run in again.log.search()] == [Status.SUCCEEDED] * 6
        assert again.log.orphans() == ()


def test_a_session_that_is_left_by_an_error_sends_no_more_and_stores_what_is_in_flight(simulator):
    simulator.add_fault(Fault("slow", seconds=0.5, times=None))
    sent = []

    def cell():
        with Session(api_key=KEY, transport=simulator.transport()) as session:
            session._pace = RateLimiter(None)
            sent.append(session.send(session.build("a fox", images=6)))
            while posts(simulator) < 4:
                time.sleep(0.01)
            raise ZeroDivisionError

    with pytest.raises(ZeroDivisionError):
        cell()
    (generation,) = sent
    assert [run.status for run in generation.runs] == [Status.SUCCEEDED] * 4 + [Status.CANCELLED] * 2


def test_who_does_not_want_to_wait_for_the_end_is_told_what_is_given_up(simulator, monkeypatch):
    simulator.add_fault(Fault("hang", times=None))
    session = Session(api_key=KEY, transport=simulator.transport())
    generation = session.send(session.build("a fox", images=2, seed=1))
    while posts(simulator) < 2:
        time.sleep(0.01)
    wait, interrupts = type(generation).wait, iter([True])

    def interrupted_once(self, timeout_seconds=None):
        if next(interrupts, False):
            raise KeyboardInterrupt
        return wait(self, timeout_seconds)

    monkeypatch.setattr(type(generation), "wait", interrupted_once)
    with pytest.raises(Interrupted, match="2 may have been charged"):
        session.close()
    with Session(api_key=KEY, transport=simulator.transport()) as again:
        assert [run.status for run in again.log.search()] == [Status.UNKNOWN] * 2


LEAVES = """
from venice_widgets.session import Session
session = Session()
session.send(session.build("a fox", images=3, seed=1))
"""


def test_a_program_that_ends_without_waiting_still_stores_what_is_in_flight(simulator, tmp_path, monkeypatch):
    simulator.add_fault(Fault("slow", seconds=1.0, times=None))
    monkeypatch.setenv("VENICE_API_KEY", KEY)
    monkeypatch.setenv("VENICE_STORE", str(tmp_path / "store"))
    monkeypatch.setenv("PYTHONPATH", str(Path(errors.__file__).parents[1]))
    with simulator.serve() as base_url:
        monkeypatch.setenv("VENICE_API_BASE_URL", base_url)
        ended = subprocess.run([sys.executable, "-c", LEAVES], capture_output=True, text=True, timeout=60, check=True)
    assert posts(simulator) in (0, 3) or "in flight and may be charged; waiting for the images" in ended.stderr
    with Session(api_key=KEY, store=tmp_path / "store", transport=simulator.transport()) as again:
        states = [run.status for run in again.log.search()]
        assert set(states) <= {Status.SUCCEEDED, Status.CANCELLED}
        assert states.count(Status.SUCCEEDED) == posts(simulator)


# One lock for what is made once.


@pytest.mark.parametrize("name", ["log", "client", "catalogue_keeper", "_pace", "_begun"])
def test_threads_that_come_first_at_the_same_time_get_the_same_parts(simulator, name, monkeypatch):
    monkeypatch.setattr(sys, "setswitchinterval", sys.setswitchinterval)
    interval = sys.getswitchinterval()
    sys.setswitchinterval(1e-6)
    try:
        for _ in range(5):
            session = Session(api_key=KEY, transport=simulator.transport())
            start, got = threading.Barrier(6), []

            def take(session=session, start=start, got=got):
                start.wait()
                got.append(getattr(session, name))

            threads = [threading.Thread(target=take) for _ in range(6)]
            for thread in threads:
                thread.start()
            for thread in threads:
                thread.join(20)
            assert len({id(one) for one in got}) == 1
            session.close()
    finally:
        sys.setswitchinterval(interval)


# What became of the money.


def run(seed, status=Status.FAILED, error=None):
    return Run(f"01JD{seed:022d}", seed, status, error=error)


def test_runs_that_ended_alike_are_told_once_with_their_seeds():
    broke = errors.PaymentRequired("the balance does not cover it.", "Top up.")
    groups = missing_images([run(seed, error=broke) for seed in range(1, 21)])
    assert [group.seeds for group in groups] == ["seeds 1..20"]
    assert groups[0].text.count("the balance does not cover it.") == 1
    many = missing_images([run(seed, error=ValueError(f"id {seed}")) for seed in range(1, 1000, 2)])
    assert len(many) == 1
    assert len(many[0].text) < 400


def test_seeds_are_told_as_the_option_takes_them():
    assert ranges([1, 2, 3, 7, -5, -4]) == "1..3, 7, -5..-4"
    assert ranges(range(1, 100, 2)).endswith("and 38 more")


@pytest.mark.parametrize("name", [name for name, kind in vars(errors).items() if isinstance(kind, type)])
def test_every_error_says_whether_it_was_charged_and_travels_between_processes(name):
    kind = getattr(errors, name)
    if not issubclass(kind, errors.DisplayedError):
        return
    assert kind.charged in ("no", "maybe", "see message")
    if issubclass(kind, errors.GenerationIncomplete):
        error = kind("a", "b", generation=threading.Lock(), errors=[ValueError("x"), PossiblyCharged("y")])
        back = pickle.loads(pickle.dumps(error))
        assert ([str(one) for one in back.errors], back.generation) == (["ValueError: x", "y"], None)
    else:
        back = pickle.loads(pickle.dumps(kind("a", "b")))
    assert (type(back), str(back), back.message) == (kind, "a\nb", "a")


def test_the_debug_log_tells_attempts_waits_and_retries_without_secrets(simulator, session, caplog, monkeypatch):
    monkeypatch.setattr("venice_widgets.generation.dispatch.retry_delay_seconds", _once_at_once)
    simulator.add_fault(Fault("429"))
    with caplog.at_level("DEBUG", logger="venice_widgets"):
        session.generate("a secret fox", seed=41)
    text = "\n".join(record.getMessage() for record in caplog.records if record.name.startswith("venice_widgets"))
    for words in ("seed 41: attempt 1", "seed 41: sent again in", "seed 41: attempt 2", "seed 41: ended with success"):
        assert words in text
    assert KEY not in text
    assert "secret fox" not in text


def _once_at_once(error, attempt):
    return 0.01 if attempt == 1 else None
