"""Money as the panel tells it: what may be charged is told apart from what was spent."""

from venice_widgets.panel.account import DEMO, account_name, read_account, read_balance, usual_seconds
from venice_widgets.session import Session
from venice_widgets.simulator import Fault


def test_the_account_is_named_without_its_key(session):
    assert account_name(session) == "Real · api.venice.ai · key …cdef"
    assert account_name(Session(demo=True)) == DEMO


def test_what_may_be_charged_is_not_called_spent(session, simulator):
    session.generate("a fox")
    simulator.add_fault(Fault("500"))
    made = session.send(session.build("a crow"), yes=True, ask=None)
    assert made.wait(20)
    assert read_account(session).spent == "spent here $0.01, $0.01 more may be charged"


def test_a_balance_that_cannot_be_had_says_why(session, simulator):
    assert read_balance(session).startswith("balance $")
    offline = Session(api_key="VENICE_INFERENCE_KEY_0123456789abcdef", base_url="http://127.0.0.1:9/api/v1")
    assert read_balance(offline).startswith("balance not known: ")


def test_how_long_images_take_is_the_median_of_the_last_ones(session):
    assert usual_seconds(session, "z-image-turbo") is None
    session.generate("a fox", images=3)
    assert 0 <= usual_seconds(session, "z-image-turbo") < 20
