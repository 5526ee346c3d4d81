"""What a session, a day and a project may spend holds, whoever spends it, and what is left is told before sending."""

import io
import os
import subprocess
import sys
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from pathlib import Path

import pytest
from PIL import Image

from venice_widgets import current
from venice_widgets.errors import SpendingRefused
from venice_widgets.log import Log, Status
from venice_widgets.session import Session
from venice_widgets.simulator import Fault, Simulator

PROGRAM = Path(__file__).with_name("session_buyer.py")
KEY = "VENICE_INFERENCE_KEY_0123456789abcdef"


def paint(commission) -> bytes:
    Image.new("RGB", (8, 8), (commission.content % 256, 90, 30)).save(file := io.BytesIO(), "PNG")
    return file.getvalue()


@pytest.fixture
def simulator() -> Simulator:
    return Simulator(requests_per_minute=None, paint=paint, extra_entries=[UNPRICED])


UNPRICED = {
    "id": "unpriced",
    "type": "image",
    "model_spec": {"name": "Unpriced", "constraints": {"promptCharacterLimit": 100, "widthHeightDivisor": 8}},
}


def configure(*lines: str) -> None:
    Path(".venice").mkdir(exist_ok=True)
    Path(".venice/config.toml").write_text("\n".join([*lines, "requests_per_minute = 10000"]))


@pytest.fixture
def open_session(simulator):
    def opened(*lines: str) -> Session:
        configure(*lines)
        session = Session(api_key=KEY, transport=simulator.transport())
        current.use_session(session)
        return session

    return opened


def sent(simulator) -> int:
    return sum(request.method == "POST" for request in simulator.requests)


def test_two_programs_with_a_shared_dollar_buy_exactly_a_hundred_images_of_one_cent(simulator):
    configure('project_budget_usd = "1.00"')
    with simulator.serve() as url:
        environment = {
            **os.environ,
            "PYTHONPATH": str(PROGRAM.parents[1]),
            "VENICE_API_KEY": KEY,
            "VENICE_API_BASE_URL": url,
        }
        buyers = [
            subprocess.Popen(
                [sys.executable, PROGRAM, images],
                stdin=subprocess.PIPE,
                stdout=subprocess.PIPE,
                text=True,
                env=environment,
            )
            for images in ("3", "4")
        ]
        try:
            assert [buyer.stdout.readline() for buyer in buyers] == ["ready\n"] * 2
            for buyer in buyers:
                buyer.stdin.write("\n")
                buyer.stdin.flush()
            told = [buyer.communicate(timeout=60)[0].split(" ", 1) for buyer in buyers]
        finally:
            for buyer in buyers:
                with buyer:  # closes its pipes, and waits for it
                    buyer.kill()
    bought = [int(number) for number, _ in told]
    assert sum(bought) == sent(simulator) == 100
    assert all(bought), "only one of them bought anything"
    assert simulator.balance_usd() == Decimal("24.00")
    for _, refusal in told:
        assert refusal.startswith("this may cost $0.01, and of the project's budget of $1.00 only $0.00 is left")
        assert refusal.endswith("Raise project_budget_usd, or ask for less. Nothing was sent.\n")
    log = Log.open(Path(".venice"))
    assert len(log.search(status=Status.SUCCEEDED, limit=1000)) == log.spent().runs == 100
    log.close()


@pytest.mark.parametrize("scope", ["session", "day", "project"])
def test_a_budget_refuses_what_it_does_not_cover_and_names_what_is_left(scope, open_session, simulator):
    session = open_session(f'{scope}_budget_usd = "0.05"')
    session.generate("A fox", seed=1, images=3)
    assert session.left_text() == f"{scope} budget leaves $0.02"
    with pytest.raises(SpendingRefused) as caught:
        session.generate("A fox", seed=4, images=3)
    assert str(caught.value) == (
        f"this may cost $0.03, and of the {scope}'s budget of $0.05 only $0.02 is left.\n"
        f"Raise {scope}_budget_usd, or ask for less. Nothing was sent."
    )
    assert sent(simulator) == session.log.spent().runs == 3
    session.generate("A fox", seed=4, images=2)
    assert session.left_text() == f"{scope} budget leaves $0.00"


def test_a_session_begins_anew_and_a_day_and_a_project_do_not(open_session):
    limits = [f'{scope}_budget_usd = "0.05"' for scope in ("session", "day", "project")]
    open_session(*limits).generate("A fox", seed=1, images=2)
    left = open_session(*limits).left_text()
    assert left == "session budget leaves $0.05 · day budget leaves $0.03 · project budget leaves $0.03"


def test_yesterday_does_not_count_today(open_session, monkeypatch):
    session = open_session('day_budget_usd = "0.05"', 'project_budget_usd = "0.05"')

    class Yesterday(datetime):
        @classmethod
        def now(cls, zone=None):
            return datetime.now(UTC) - timedelta(days=1)

    with monkeypatch.context() as then:
        then.setattr("venice_widgets.generation.drafts.datetime", Yesterday)
        session.generate("A fox", seed=1)
    assert session.left_text() == "day budget leaves $0.05 · project budget leaves $0.04"


def test_a_price_that_is_unknown_is_refused_under_a_budget_and_sent_without_one(open_session, simulator):
    session = open_session('day_budget_usd = "0.05"')
    prepared = session.build("A fox", model="unpriced", seed=1)
    with pytest.raises(SpendingRefused, match=r"states no price for unpriced.*the day's budget of"):
        session.send(prepared, yes=True)
    assert sent(simulator) == session.log.spent().runs == 0
    session = open_session()
    session.send(session.build("A fox", model="unpriced", seed=1), yes=True).wait()
    assert sent(simulator) == session.log.spent().runs == 1


def test_a_surcharge_that_no_list_names_is_refused_under_a_budget_which_could_not_hold_it(open_session, simulator):
    Image.new("RGB", (9, 9)).save("style.png")
    session = open_session('day_budget_usd = "0.07"')
    prepared = session.build("A fox", model="krea-v2-large", style_references=["style.png"], seed=1)
    with pytest.raises(SpendingRefused, match=r"unlisted surcharge for style references.*the day's budget of"):
        session.send(prepared, yes=True)
    assert sent(simulator) == session.log.spent().runs == 0


def test_what_may_have_been_charged_counts_until_it_is_settled(open_session, simulator):
    session = open_session('project_budget_usd = "0.02"')
    simulator.add_fault(Fault("500"))
    session.send(session.build("A fox", seed=1)).wait()
    assert session.left_text() == "project budget leaves $0.01"
    with pytest.raises(SpendingRefused, match=r"\$0.01 is reserved for runs that are in flight or unknown"):
        session.generate("A fox", seed=2, images=2)
    session.log.resolve("last", charged=False)
    session.generate("A fox", seed=2, images=2)
    assert session.left_text() == "project budget leaves $0.00"


def test_what_did_not_run_costs_no_budget(open_session, simulator):
    session = open_session('project_budget_usd = "0.01"')
    for fault in ("400", "moderation", "violation"):
        simulator.clear_faults()
        simulator.add_fault(Fault(fault))
        session.send(session.build("A fox", seed=1)).wait()
        assert session.left_text() == "project budget leaves $0.01"


def test_what_is_left_shows_before_anything_is_sent(open_session, shell, simulator, monkeypatch):
    open_session('project_budget_usd = "0.50"')
    shown = []

    def show(line, *_):
        shown.append((line._opening, sent(simulator)))

    monkeypatch.setattr("venice_widgets.generation.progress.ProgressLine.show", show)
    shell.run_cell("%%venice --seed 1\nA fox").raise_error()
    words, requests = shown[0]
    assert words == "1 × $0.01 = $0.01 · z-image-turbo · project budget leaves $0.50"
    assert requests == 0
