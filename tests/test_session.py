"""Look and price without sending; then check, reserve and send; and stop when asked."""

import hashlib
import io
import json
import threading
import time
import traceback
from dataclasses import replace
from datetime import timedelta
from decimal import Decimal
from pathlib import Path

import psutil
import pytest
from PIL import Image

from venice_widgets.client.image_channel import Channel
from venice_widgets.client.sign_in_errors import CODES, sign_in_remedy
from venice_widgets.client.wallet import WALLET_IN_FLIGHT, wallet_address
from venice_widgets.errors import (
    ConfigurationError,
    CredentialsRefused,
    Interrupted,
    InvalidRequest,
    ModelUnavailable,
    PaymentRequired,
    SpendingRefused,
    StoreError,
)
from venice_widgets.generation import dispatch as dispatch_module
from venice_widgets.generation import sender as sending_module
from venice_widgets.generation import stored_images as stored_images_module
from venice_widgets.generation.rate_limiter import RateLimiter
from venice_widgets.generation.run import interrupted
from venice_widgets.log import Status
from venice_widgets.session import Session
from venice_widgets.simulator import Fault, Simulator
from venice_widgets.simulator.sign_in import REFUSALS

KEY = "VENICE_INFERENCE_KEY_0123456789abcdef"
WALLET = "0x" + "4c0883a69102937d" * 4


def paint(commission):
    """A small image of its own for each content."""
    file = io.BytesIO()
    color = hashlib.sha256(str(commission.content).encode()).digest()[:3]
    Image.new("RGB", (16, 12), tuple(color)).save(file, "PNG")
    return file.getvalue()


@pytest.fixture
def simulator():
    return Simulator(requests_per_minute=None, errors_per_half_minute=None, paint=paint)


@pytest.fixture
def session(session):
    session._pace = RateLimiter(None)
    yield session
    session.close()


def posts(simulator):
    return [json.loads(request.body) for request in simulator.requests if request.method == "POST"]


def test_building_prices_and_shows_every_body_and_sends_nothing_that_costs(simulator, session):
    prepared = session.build("a fox", images=2, seed=41, model="gpt-image-2", resolution="2k", quality="MEDIUM")
    assert prepared.estimate.price_usd == Decimal("0.26")
    assert prepared.bodies() == [
        {"model": "gpt-image-2", "prompt": "a fox", "resolution": "2K", "quality": "medium", "seed": seed}
        for seed in (41, 42)
    ]
    assert posts(simulator) == []
    assert session.log.search() == []


def test_what_was_built_is_what_is_sent(simulator, session):
    prepared = session.build("a fox", images=3)
    assert session.send(prepared).wait(10)
    assert sorted(posts(simulator), key=lambda body: body["seed"]) == prepared.bodies()


@pytest.mark.parametrize(
    ("fields", "error"),
    [({"width": 1021}, InvalidRequest), ({"model": "z-image-turb"}, ModelUnavailable), ({"seed": "x"}, InvalidRequest)],
)
def test_what_cannot_be_right_is_refused_before_anything_is_on_record(simulator, session, fields, error):
    with pytest.raises(error):
        session.generate("a fox", **fields)
    assert posts(simulator) == []
    assert session.log.search() == []


def test_a_limit_refuses_before_anything_is_on_record(simulator, session):
    prepared = session.build("a fox", images=3)
    with pytest.raises(SpendingRefused):
        session.send(prepared, max_cost_usd="0.02")
    with pytest.raises(ConfigurationError):
        session.send(prepared, max_cost_usd="a little")
    assert posts(simulator) == []
    assert session.log.search() == []
    assert session.send(prepared, max_cost_usd="0.03").wait(10)


def test_the_question_is_put_with_the_price_and_its_answer_counts(simulator, session):
    prepared = session.build("a fox", model="gpt-image-2", images=5)
    asked = []
    with pytest.raises(SpendingRefused, match=r"not agreed to|declined"):
        session.send(prepared, ask=lambda question: asked.append(question) or False)
    assert "$1.30" in asked[0]
    assert posts(simulator) == []
    assert session.send(prepared, ask=lambda question: True).wait(10)
    assert len(posts(simulator)) == 5


def test_a_key_that_was_given_as_bytes_is_sent_as_it_is(simulator):
    with Session(api_key=KEY.encode(), transport=simulator.transport()) as session:
        session.generate("a fox")
    assert simulator.requests[-1].headers["authorization"] == f"Bearer {KEY}"


def test_whether_it_is_the_demo_is_true_or_false(simulator):
    with pytest.raises(ConfigurationError, match="demo 'no'"):
        Session(demo="no")


def test_without_a_key_nothing_is_sent_or_put_on_record(simulator):
    with Session(transport=simulator.transport()) as keyless:
        prepared = keyless.build("a fox")
        with pytest.raises(CredentialsRefused, match="no API key and no wallet"):
            keyless.send(prepared)
        assert keyless.log.search() == []
    assert posts(simulator) == []


def test_a_budget_holds_between_sessions_that_share_a_store(simulator, session):
    session.settings.store.mkdir()
    (session.settings.store / "config.toml").write_text('project_budget_usd = "0.05"')
    session.generate("a fox", images=3)
    with pytest.raises(SpendingRefused, match="budget"):
        session.generate("a fox", images=3)
    assert len(posts(simulator)) == 3
    session.generate("a fox", images=2)


def test_a_limit_that_is_set_while_the_session_runs_holds_from_then_on(simulator, session, monkeypatch):
    session.generate("a fox")
    monkeypatch.setenv("VENICE_MAX_COST", "0.005")
    with pytest.raises(SpendingRefused, match=r"\$0.01 is more than the limit of \$0.005"):
        session.generate("a fox")
    monkeypatch.delenv("VENICE_MAX_COST")
    (session.settings.store / "config.toml").write_text('day_budget_usd = "0.02"')
    session.generate("a fox")
    assert session.left_text() == "day budget leaves $0.00"
    with pytest.raises(SpendingRefused, match="day's budget"):
        session.generate("a fox")
    assert len(posts(simulator)) == 2
    assert session.settings.sources["day_budget_usd"] == "config.toml"


def test_a_price_that_waited_overnight_for_an_answer_is_not_what_was_agreed_to(simulator, session, monkeypatch):
    prepared = session.build("a fox", model="gpt-image-2", images=5)

    def answered_in_the_morning(question):
        monkeypatch.setattr(type(prepared), "age_seconds", 9 * 3600.0)
        return True

    with pytest.raises(SpendingRefused, match=r"priced 9\.0 hours ago"):
        session.send(prepared, ask=answered_in_the_morning)
    assert posts(simulator) == []


def test_what_was_priced_long_ago_is_priced_again_before_it_is_sent(simulator, session):
    prepared = session.build("a fox")
    old = replace(prepared, built_at=prepared.built_at - timedelta(hours=2))
    with pytest.raises(SpendingRefused, match=r"priced 2\.0 hours ago.*\nBuild it again"):
        session.send(old)
    assert not posts(simulator)
    assert not session.log.search()
    assert session.send(prepared).wait(10)


def test_a_limit_given_in_python_outranks_one_that_is_set_later(simulator, monkeypatch):
    session = Session(api_key=KEY, transport=simulator.transport(), max_cost_usd="0.05")
    monkeypatch.setenv("VENICE_MAX_COST", "0.005")
    session.generate("a fox")
    monkeypatch.setenv("VENICE_MAX_COST", "much")
    assert session.settings.max_cost_usd == Decimal("0.05")


def test_a_limit_that_cannot_be_read_stops_what_it_should_have_stopped(simulator, session, monkeypatch):
    monkeypatch.setenv("VENICE_MAX_COST", "much")
    with pytest.raises(ConfigurationError, match="VENICE_MAX_COST"):
        session.generate("a fox")
    assert not posts(simulator)


def test_where_a_request_comes_from_is_on_record_without_the_key(session):
    generation = session.send(session.build("a fox"), context={"cell": f"%%venice\n{KEY}", "more": {"deep": KEY}})
    assert generation.wait(10)
    context = session.log.get("last").draft.context
    assert context["cell"].startswith("%%venice")
    assert KEY not in json.dumps(context, default=str)


def test_the_demo_costs_nothing_and_keeps_to_a_store_of_its_own(tmp_path):
    with Session(demo=True, store=tmp_path / "store") as demo:
        generation = demo.generate("a fox")
        assert generation.images[0].simulated
        assert generation.estimate.simulated
        assert (tmp_path / "store" / "demo" / "log.sqlite").exists()
        assert not (tmp_path / "store" / "log.sqlite").exists()


def test_a_limit_that_is_given_for_the_demo_holds_in_it(tmp_path, monkeypatch):
    monkeypatch.setenv("VENICE_MAX_COST", "0.001")
    with Session(demo=True) as demo:
        assert demo.generate("a fox").images
    with Session(demo=True, max_cost_usd="0.005") as demo, pytest.raises(SpendingRefused, match=r"\$0\.005"):
        demo.generate("a fox")


def test_a_session_serves_several_threads_at_once(simulator, session):
    done = []
    threads = [threading.Thread(target=lambda: done.append(session.generate("a fox", images=2))) for _ in range(6)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(30)
    assert len(done) == 6
    assert len({image.run_id for generation in done for image in generation.images}) == 12
    assert [run.status for run in session.log.search(limit=50)] == [Status.SUCCEEDED] * 12


def test_no_more_are_in_flight_than_the_settings_allow(simulator, session, monkeypatch):
    now, most, lock = [0], [0], threading.Lock()
    generate = sending_module.RunWorker.send

    def counting(self, draft):
        with lock:
            now[0] += 1
            most[0] = max(most[0], now[0])
        try:
            time.sleep(0.03)
            return generate(self, draft)
        finally:
            with lock:
                now[0] -= 1

    monkeypatch.setattr(sending_module.RunWorker, "send", counting)
    session._begun = replace(session._begun, in_flight=3)
    session.generate("a fox", images=9)
    assert most[0] == 3


def test_generations_of_one_session_share_its_pace(session, monkeypatch):
    session._pace = RateLimiter(2)
    first = session.send(session.build("a fox", images=2))
    assert first.wait(10)
    second = session.send(session.build("a fox", images=1))
    assert not second.wait(0.3)
    second.cancel()
    assert second.wait(30)
    assert [run.status for run in second.runs] == [Status.CANCELLED]


def test_generations_of_one_wallet_have_no_more_on_their_way_than_it_may(simulator, monkeypatch):
    session = Session(wallet=WALLET, transport=simulator.transport())
    now, most, lock, generate = [0], [0], threading.Lock(), Channel.generate

    def counting(self, *arguments, **named):
        with lock:
            now[0] += 1
            most[0] = max(most[0], now[0])
        try:
            time.sleep(0.02)
            return generate(self, *arguments, **named)
        finally:
            with lock:
                now[0] -= 1

    monkeypatch.setattr(Channel, "generate", counting)
    session._begun = replace(session._begun, in_flight=40)
    generations = [session.send(session.build("a fox", images=6, seed=100 * n + 1)) for n in range(3)]
    assert all(generation.wait(20) for generation in generations)
    assert sum(len(generation.images) for generation in generations) == 18
    assert most[0] == WALLET_IN_FLIGHT


def test_a_wallet_with_too_many_requests_in_flight_waits_and_sends_again(simulator, monkeypatch):
    monkeypatch.setattr("venice_widgets.client.http_errors._IN_FLIGHT_SECONDS", 0.01)
    session = Session(wallet=WALLET, transport=simulator.transport())
    simulator.add_fault(Fault("429-wallet", times=2))
    assert len(session.generate("a fox", seed=1).images) == 1
    assert (len(posts(simulator)), session.log.get("last").outcome.attempts) == (3, 3)


def test_a_linked_wallet_without_enough_diem_is_not_told_that_a_top_up_helps():
    simulator = Simulator(requests_per_minute=None, wallet_diem="0.005")
    session = Session(wallet=WALLET, transport=simulator.transport())
    with pytest.raises(PaymentRequired) as caught:
        session.generate("a fox", seed=1)
    assert "a top-up does not help then; wait for the next epoch" in caught.value.remedy
    assert session.log.get("last").status is Status.FAILED


@pytest.mark.parametrize("reason", REFUSALS)
def test_each_refused_sign_in_says_what_to_do_and_costs_nothing(simulator, reason):
    session = Session(wallet=WALLET, transport=simulator.transport())
    address = wallet_address(session.settings)
    simulator.add_fault(Fault("401-sign-in", reason=reason))
    with pytest.raises(CredentialsRefused) as caught:
        session.generate("a fox", seed=1)
    assert f"X402_SIGN_IN_{reason}" in CODES
    assert caught.value.remedy == f"{sign_in_remedy(f'X402_SIGN_IN_{reason}')} Nothing was charged."
    assert f"{REFUSALS[reason]} (X402_SIGN_IN_{reason})" in caught.value.message
    record = session.log.get("last")
    assert (record.status, record.outcome.status_code) == (Status.FAILED, 401)
    assert f"X402_SIGN_IN_{reason}" in record.outcome.error
    simulator.add_fault(Fault("401-sign-in", reason=reason, path=f"/x402/balance/{address}"))
    with pytest.raises(CredentialsRefused, match=f"X402_SIGN_IN_{reason}"):
        session.balance()
    assert simulator.balance_usd(address) == 5
    assert len(session.generate("a fox", seed=1).images) == 1  # signed anew, it passes


def test_the_simulator_refuses_a_sign_in_for_each_of_the_sixteen_reasons():
    assert {f"X402_SIGN_IN_{reason}" for reason in REFUSALS} == CODES


# The same request again.


def test_what_the_log_holds_is_shown_again_at_no_cost_and_sent_again_only_when_asked(simulator, session):
    first = session.generate("a fox", seed=41)
    assert session.generate("a fox", seed=41).images[0].run_id == first.images[0].run_id
    assert len(posts(simulator)) == 1
    again = session.generate("a fox", seed=41, again=True)
    assert any(first.images[0].run_id[-8:] in note for note in again.notes)
    assert len(posts(simulator)) == 2
    reused = session.generate("a fox", seed="41..42")
    assert [image.seed for image in reused.images] == [41, 42]
    assert len(posts(simulator)) == 3
    assert reused.estimate.price_usd == Decimal("0.01")
    assert reused.images[0].sha256 == again.images[0].sha256


def test_a_generation_that_is_all_from_the_log_is_done_at_once_and_costs_nothing(simulator, session):
    session.generate("a fox", seed=41)
    reused = session.generate("a fox", seed=41)
    assert reused.done
    assert reused.charged_usd == 0
    assert "from the log, nothing spent · --again makes it anew" in reused.summary
    assert len(posts(simulator)) == 1


def test_an_image_that_is_gone_from_the_store_is_made_again(simulator, session):
    first = session.generate("a fox", seed=41)
    first.images[0].path.unlink()
    again = session.generate("a fox", seed=41)
    assert len(again.images) == 1
    assert len(posts(simulator)) == 2


def test_an_old_image_that_was_damaged_does_not_keep_a_new_one_from_being_made(simulator, session):
    first = session.generate("a fox", seed=41)
    first.images[0].path.write_bytes(b"damaged")
    again = session.generate("a fox", seed=41)
    assert len(again.images) == 1
    again.images[0].path.write_bytes(b"damaged")
    once_more = session.generate("a fox", seed=41)
    assert len(once_more.images) == 1
    assert len(posts(simulator)) == 3


def test_a_seed_that_is_drawn_now_is_always_a_new_image(simulator, session):
    session.generate("a fox")
    assert not session.build("a fox").known
    session.generate("a fox")
    assert len(posts(simulator)) == 2


def test_the_configuration_can_turn_reuse_off_and_one_call_can_turn_it_on_again(simulator, session):
    session.generate("a fox", seed=41)
    (session.settings.store / "config.toml").write_text('reuse = "never"')
    session.generate("a fox", seed=41)
    assert len(posts(simulator)) == 2
    assert session.generate("a fox", seed=41, again=None).images
    assert len(posts(simulator)) == 2


def test_new_images_and_those_of_the_log_stand_under_headings_of_their_own(simulator, session):
    session.generate("a fox", seed=2)
    mixed = session.generate("a fox", seed="1..3")
    assert [image.seed for image in mixed] == [1, 2, 3]
    data, metadata = mixed._repr_mimebundle_()
    new, from_log = data["text/html"].split("From the log, at no cost")
    assert (new.count("<img"), from_log.count("<img")) == (2, 1)
    assert [run["image"]["seed"] for run in metadata["venice"]["runs"]] == [1, 3, 2]
    assert mixed.record() == metadata["venice"]


def test_an_output_is_the_same_when_all_of_it_comes_from_the_log(session):
    session.generate("a fox", seed=2)
    shown = []
    for _ in range(2):
        made = session.generate("a fox", seed="1..3")
        shown.append((made.header().data["text/plain"], made._repr_mimebundle_()))
    assert shown[0][1] == shown[1][1]
    assert "1 of 3 from the log at no cost (seed 2)" in shown[0][0]
    assert "from the log, nothing spent" in shown[1][0]


def test_images_of_the_log_that_are_slow_to_read_do_not_delay_what_is_sent(simulator, session, monkeypatch):
    session.generate("a fox", seed="1..3")
    read, may_read = threading.Event(), threading.Event()
    recalled = stored_images_module.recalled

    def slow(log, record):
        read.set()
        assert may_read.wait(10)
        return recalled(log, record)

    monkeypatch.setattr(stored_images_module, "recalled", slow)
    generation = session.send(session.build("a fox", seed="1..4"))
    end = time.monotonic() + 10
    while len(generation) < 1:
        assert time.monotonic() < end
        time.sleep(0.01)
    assert [image.seed for image in generation] == [4]
    may_read.set()
    assert generation.wait(10)
    assert [image.seed for image in generation] == [1, 2, 3, 4]


def test_a_stored_image_that_is_damaged_after_it_was_counted_on_is_told(simulator, session):
    image = session.generate("a fox", seed=41)[0]
    prepared = session.build("a fox", seed=41)
    image.path.write_bytes(b"damaged")
    generation = session.send(prepared)
    assert generation.wait(10)
    with pytest.raises(StoreError, match="--again"):
        generation.raise_for_missing()
    assert generation.charged_usd == 0


def test_an_enhanced_generation_is_reused_whole_without_a_second_fee_or_a_second_prompt(simulator, session):
    fields = {"seed": "1..3", "enhance_prompt": True, "width": 64, "height": 64}
    made = session.generate("a fox", **fields)
    again = session.build("a fox", **fields)
    assert again.to_send == ()
    assert again.estimate.formula == "0 × $0.01 = $0.00"
    shown = session.send(again)
    assert shown.wait(10)
    assert [image.sha256 for image in shown] == [image.sha256 for image in made]
    more = session.build("a fox", **{**fields, "seed": "1..4"})
    assert more.estimate.price_usd == Decimal("0.01")
    assert session.send(more).wait(10)
    last = posts(simulator)[-1]
    assert last == {**posts(simulator)[1], "seed": 4}
    assert "enhance_prompt" not in last
    assert len(posts(simulator)) == 4


# Stopping.


def ticking(error):
    """Raises at the first tick, as a signal would."""

    def tick(generation):
        raise error

    return tick


def test_an_interrupt_stops_what_was_not_sent_and_what_was_is_filed_later(simulator, session):
    simulator.add_fault(Fault("slow", seconds=1.0, times=None))
    generation = session.send(session.build("a fox", images=7, seed=1))
    with pytest.raises(Interrupted) as caught:
        session.await_generation(generation, ticking(KeyboardInterrupt()))
    assert caught.value.generation is generation
    assert "0 of 7 images arrived; 3 were not sent and cost nothing; 4 are in flight" in caught.value.message
    assert all(run.run_id[-8:] in caught.value.remedy for run in generation.runs[:4])
    assert generation.wait(10)
    assert [run.status for run in generation.runs] == [Status.SUCCEEDED] * 4 + [Status.CANCELLED] * 3
    assert len(posts(simulator)) == 4
    assert [session.log.get(run.run_id).status for run in generation.runs] == [run.status for run in generation.runs]


def test_an_interrupt_is_answered_at_once_also_with_a_thousand_unsent(simulator, session):
    simulator.add_fault(Fault("slow", seconds=1.0, times=None))
    generation = session.send(session.build("a fox", images=1000), yes=True)
    time.sleep(0.2)
    started = time.monotonic()
    with pytest.raises(Interrupted, match="996 were not sent"):
        session.await_generation(generation, ticking(KeyboardInterrupt()))
    assert time.monotonic() - started < 20  # the unsent ones would take four minutes
    generation.abort()
    assert generation.wait(60)


def test_an_interrupt_while_the_threads_are_started_sends_no_more_and_keeps_the_record_true(
    simulator, session, monkeypatch
):
    simulator.add_fault(Fault("slow", seconds=1.0, times=None))
    start = dispatch_module.Dispatch.start

    def interrupted_start(self):
        self.in_flight = 2
        start(self)
        end = time.monotonic() + 10
        while len(posts(simulator)) < 2 and time.monotonic() < end:
            time.sleep(0.01)
        raise KeyboardInterrupt

    monkeypatch.setattr(dispatch_module.Dispatch, "start", interrupted_start)
    with pytest.raises(KeyboardInterrupt):
        session.send(session.build("a fox", images=5, seed=1))
    end = time.monotonic() + 10
    while {Status.PENDING, Status.SENT} & {run.status for run in session.log.search(limit=9)}:
        assert time.monotonic() < end
        time.sleep(0.02)
    by_seed = sorted(session.log.search(limit=9), key=lambda run: run.draft.seed)
    assert [run.status for run in by_seed] == [Status.SUCCEEDED] * 2 + [Status.CANCELLED] * 3
    assert len(posts(simulator)) == 2


def test_an_interrupt_just_after_the_record_was_written_sends_nothing_and_frees_its_money(
    simulator, session, monkeypatch
):
    reserve = session.log.reserve

    def interrupted_reserve(*drafts, **options):
        reserve(*drafts, **options)
        raise KeyboardInterrupt

    monkeypatch.setattr(session.log, "reserve", interrupted_reserve)
    with pytest.raises(KeyboardInterrupt):
        session.send(session.build("a fox", images=2, seed=1))
    end = time.monotonic() + 10
    while session.log.search(status="pending"):
        assert time.monotonic() < end
        time.sleep(0.02)
    assert [run.status for run in session.log.search()] == [Status.CANCELLED] * 2
    assert session.log.spent().total_usd == 0
    assert posts(simulator) == []


def test_what_waits_for_the_record_to_leave_is_not_called_unsent(simulator, session, monkeypatch):
    amend, waits, goes_on = session.log.amend, threading.Event(), threading.Event()

    def slow_amend(draft):
        waits.set()
        assert goes_on.wait(10)
        amend(draft)

    monkeypatch.setattr(session.log, "amend", slow_amend)
    generation = session.send(session.build("a fox", images=2, seed=1, enhance_prompt=True))
    assert waits.wait(10)
    generation.cancel()
    told = str(interrupted(generation))
    goes_on.set()
    assert generation.wait(10)
    assert len(posts(simulator)) == 2
    assert "1 is in flight and may be charged" in told
    assert "not sent" not in told


def test_an_interrupt_once_the_threads_are_started_stops_what_was_not_sent(simulator, session, monkeypatch):
    simulator.add_fault(Fault("slow", seconds=0.2, times=None))
    prepared = session.build("a fox", images=8, seed=1)
    start = dispatch_module.Dispatch.start

    def interrupted_at_once(self):
        start(self)
        monkeypatch.undo()
        raise KeyboardInterrupt

    monkeypatch.setattr(dispatch_module.Dispatch, "start", interrupted_at_once)
    with pytest.raises(Interrupted, match="were not sent and cost nothing") as caught:
        session.send(prepared)
    assert caught.value.generation.wait(10)
    runs = session.log.search()
    assert len(posts(simulator)) <= 4
    assert sum(run.status is Status.CANCELLED for run in runs) >= 4


def test_what_arrived_before_the_interrupt_is_counted(simulator, session):
    simulator.add_fault(Fault("slow", seconds=1.5, seed=2))
    generation = session.send(session.build("a fox", images=2, seed=1))
    while not generation.images:
        time.sleep(0.01)
    error = interrupted(generation)
    assert error.message == "stopped: 1 of 2 images arrived; 1 is in flight and may be charged."
    assert isinstance(error, KeyboardInterrupt)
    assert generation.wait(10)


def test_ticks_come_while_one_waits(simulator, session):
    simulator.add_fault(Fault("slow", seconds=1.2))
    seen = []
    generation = session.send(session.build("a fox"))
    session.await_generation(generation, lambda one: seen.append(one.seconds))
    assert len(seen) >= 2
    assert seen == sorted(seen)


def test_a_closed_session_can_go_on(simulator, session):
    session.generate("a fox")
    session.close()
    session.close()
    assert session.generate("a fox").images


def test_a_closed_session_holds_no_file_of_its_store(simulator):
    with Session(api_key=KEY, transport=simulator.transport()) as session:
        session.generate("a fox")
    held = [file.path for file in psutil.Process().open_files() if Path(file.path).is_relative_to(Path.cwd())]
    assert not held


def test_a_rate_that_cannot_be_counted_fails_the_images_at_no_cost_and_no_one_waits_forever(simulator, session):
    class Breaks(RateLimiter):
        def wait(self, *_):
            raise OSError("the rate cannot be read")

    session._pace = Breaks(None)
    generation = session.send(session.build("a fox", images=3))
    assert generation.wait(10)
    assert posts(simulator) == []
    assert [run.status for run in session.log.search()] == [Status.FAILED] * 3
    assert generation.charged_usd == 0


def test_giving_up_ends_a_request_that_hangs_in_the_simulator_of_this_process(simulator, session):
    simulator.add_fault(Fault("hang"))
    generation = session.send(session.build("a fox", seed=41))
    while generation.runs[0].status is not Status.SENT or not any(r.method == "POST" for r in simulator.requests):
        time.sleep(0.01)
    generation.abort()
    assert generation.wait(30)
    assert generation.runs[0].status is Status.UNKNOWN
    assert len(session.generate("a fox", seed=42).images) == 1


def test_a_dotenv_is_read_where_it_is_named_and_the_environment_comes_first(tmp_path, monkeypatch):
    path = tmp_path / "keys.env"
    path.write_text(f"VENICE_API_KEY={KEY}")
    with Session(dotenv=path) as session:
        assert session.settings.api_key.reveal() == KEY
        assert session.settings.sources["api_key"] == str(path)
    monkeypatch.setenv("VENICE_API_KEY", "another")
    with Session(dotenv=path) as session:
        assert session.settings.sources["api_key"] == "VENICE_API_KEY"


@pytest.mark.parametrize("wrong", [{"max_cost_usd": "x"}, {"store": 123}, {"wallet": WALLET}], ids=list)
def test_no_frame_of_a_refused_setting_holds_a_key_in_the_clear(monkeypatch, wrong):
    monkeypatch.setenv("VENICE_API_KEY", KEY)
    with pytest.raises((ConfigurationError, TypeError)) as caught:
        Session(**{"api_key": KEY, **wrong})
    frames = [frame for frame, _ in traceback.walk_tb(caught.tb) if "venice_widgets" in frame.f_globals["__name__"]]
    shown = "".join(f"{name}={value!r}" for frame in frames for name, value in frame.f_locals.items())
    assert "api_key=Secret(…cdef)" in shown
    assert KEY not in shown
    assert WALLET not in shown


@pytest.mark.parametrize("what", ["a fox", None, 5], ids=repr)
def test_what_was_not_built_is_not_sent(session, simulator, what):
    with pytest.raises(InvalidRequest, match="nothing that build returned"):
        session.send(what)
    assert not posts(simulator)


def test_a_switch_is_no_number_of_images(session):
    with pytest.raises(InvalidRequest, match="images True is out of range"):
        session.build("a fox", images=True)


RETIRED = {"retired": lambda model: (), "with other limits": lambda model: (model.model_copy(update={"steps_max": 4}),)}


@pytest.mark.parametrize("today", RETIRED.values(), ids=RETIRED)
def test_what_a_model_refuses_today_is_shown_from_the_log_and_never_sent(session, simulator, monkeypatch, today):
    given = {"model": "z-image-turbo", "steps": 8, "cfg_scale": 7, "width": 64, "height": 64}
    first = session.generate("A fox", seed="1..2", **given)
    then = session.catalogue()
    others = tuple(model for model in then.models if model.id != "z-image-turbo")
    now = replace(then, models=(*others, *today(then.find("z-image-turbo"))))
    monkeypatch.setattr(type(session), "catalogue", lambda *_, **__: now)
    before = len(simulator.requests)

    again = session.generate("A fox", seed="1..2", **given)

    assert [image.sha256 for image in again.images] == [image.sha256 for image in first.images]
    assert again.estimate.price_usd == 0
    assert any("cannot be made again" in note for note in again.notes)
    for refused in ({"seed": "1..3"}, {"seed": 1, "again": True}, {"seed": 1, "cfg_scale": 8}, {}):
        with pytest.raises(InvalidRequest, match=r"z-image-turbo"):
            session.generate("A fox", **{**given, **refused})
    assert not [request for request in simulator.requests[before:] if request.method == "POST"]


def test_an_image_that_leaves_the_log_while_it_is_looked_for_is_not_made_by_the_prices_of_another_day(
    session, simulator, monkeypatch
):
    given = {"model": "z-image-turbo", "seed": 1, "width": 64, "height": 64}
    session.generate("A fox", **given)
    then = session.catalogue()
    now = replace(then, models=tuple(model for model in then.models if model.id != "z-image-turbo"))
    monkeypatch.setattr(type(session), "catalogue", lambda *_, **__: now)
    monkeypatch.setattr("venice_widgets.session.session.known_requests", lambda *_: {})
    before = len(simulator.requests)
    with pytest.raises(InvalidRequest, match="has left the log meanwhile"):
        session.generate("A fox", **given)
    assert len(simulator.requests) == before


def test_no_reference_is_fetched_for_a_request_that_is_refused_and_has_no_seed(session, monkeypatch):
    monkeypatch.setattr(session.client, "fetch_reference", pytest.fail)
    with pytest.raises(InvalidRequest, match="no-such-model"):
        session.build("A fox", model="no-such-model", style_references=["https://example.com/fox.png"])
