"""What may be spent, who is asked, and what is refused where no one can answer."""

import dataclasses
import io
import sys
from dataclasses import replace
from decimal import Decimal
from types import SimpleNamespace

import IPython
import pytest

from venice_widgets.config import Settings
from venice_widgets.errors import SpendingRefused
from venice_widgets.request.estimate import Estimate, Surcharge
from venice_widgets.request.spending import STALE_SECONDS, allow, ask_user

CHEAP = Decimal("0.01")


def price(unit=CHEAP, images=1, *, guard=None, **more):
    unit = None if unit is None else Decimal(unit)
    guard = unit if guard is None else Decimal(guard)
    return Estimate(images, unit, guard, "generation" if unit is not None else "it lists no price", **more)


def limits(max_cost=None, above="1.00"):
    return Settings(max_cost_usd=None if max_cost is None else Decimal(max_cost), confirm_above_usd=Decimal(above))


class Asked:
    def __init__(self, answer):
        self.answer, self.questions = answer, []

    def __call__(self, question):
        self.questions.append(question)
        return self.answer


def refused(*args, **more):
    with pytest.raises(SpendingRefused) as caught:
        allow(*args, **more)
    assert "Nothing was sent." in str(caught.value)
    return str(caught.value)


def test_what_is_cheap_needs_no_word():
    asked = Asked(False)  # noqa: FBT003
    allow(price("0.50", 2), limits(), ask=asked)
    assert asked.questions == []


def test_above_the_amount_a_person_is_asked_with_the_sum_and_the_price():
    asked = Asked(True)  # noqa: FBT003
    allow(price("0.51", 2), limits(), ask=asked)
    assert asked.questions == ["2 × $0.51 = $1.02. Spend $1.02? [y/N] "]


def test_a_person_who_says_no_spends_nothing():
    assert "was declined" in refused(price("0.51", 2), limits(), ask=Asked(False))  # noqa: FBT003


@pytest.mark.parametrize("ask", [None, Asked(None)])
def test_where_no_one_can_answer_it_is_refused_and_told_what_to_give(ask):
    said = refused(price("0.51", 2), limits(), ask=ask)
    assert "no one can answer" in said
    assert "--yes" in said
    assert "--max-cost" in said


def test_yes_agrees_to_any_price():
    allow(price("900"), limits(), yes=True)
    allow(price(None), limits(), yes=True)


def test_a_limit_for_this_cell_says_yes_up_to_there():
    allow(price("1.00", 2), limits(), max_cost_usd=Decimal(2))
    assert "more than --max-cost $2.00" in refused(price("1.01", 2), limits(), max_cost_usd=Decimal(2))


def test_a_limit_for_this_cell_takes_the_place_of_the_standing_one():
    allow(price("3"), limits(max_cost="1"), max_cost_usd=Decimal(5))
    refused(price("0.30"), limits(max_cost="1"), max_cost_usd=Decimal("0.20"))


def test_the_standing_limit_says_no_but_never_yes():
    assert "more than the limit of $1.00" in refused(price("1.01"), limits(max_cost="1"), yes=True)
    asked = Asked(True)  # noqa: FBT003
    allow(price("0.90"), limits(max_cost="1", above="0.50"), ask=asked)
    assert len(asked.questions) == 1


def test_a_stated_price_of_zero_counts_as_unknown_under_a_limit_and_is_asked_about():
    refused(price("0.01"), limits(), max_cost_usd=Decimal(0))
    said = refused(price("0"), limits(), max_cost_usd=Decimal(1))
    assert "unknown (the catalogue states a price of $0.00" in said
    asked = Asked(True)  # noqa: FBT003
    allow(price("0"), limits(), ask=asked)
    assert len(asked.questions) == 1
    allow(dataclasses.replace(price("0"), simulated=True), limits(), max_cost_usd=Decimal(0))


@pytest.mark.parametrize("yes", [True, False])
def test_an_unknown_price_is_refused_under_any_limit_even_with_yes(yes):
    for more in ({"settings": limits(max_cost="1000")}, {"settings": limits(), "max_cost_usd": Decimal(1000)}):
        said = refused(price(None), more.pop("settings"), yes=yes, ask=Asked(True), **more)  # noqa: FBT003
        assert "unknown (it lists no price)" in said


def test_an_unknown_price_is_asked_about_and_never_taken_for_nothing():
    asked = Asked(True)  # noqa: FBT003
    allow(price(None), limits(above="1000000"), ask=asked)
    assert "not known" in asked.questions[0]
    said = refused(price(None), limits(), ask=None)
    assert "unknown, and no one can answer here" in said
    assert "--max-cost" not in said, "which refuses what is unknown"


def test_a_surcharge_that_no_catalogue_lists_makes_the_most_unknown():
    with_references = price("0.07", unlisted="an unlisted surcharge for style references")
    said = refused(with_references, limits(max_cost="5"))
    assert "unlisted surcharge for style references" in said
    asked = Asked(True)  # noqa: FBT003
    allow(with_references, limits(), ask=asked)
    assert len(asked.questions) == 1


def test_limits_are_held_against_the_most_that_it_may_cost():
    dearer_by_a_cent = price("0.26", guard="0.27")
    refused(dearer_by_a_cent, limits(), max_cost_usd=Decimal("0.26"))
    allow(dearer_by_a_cent, limits(), max_cost_usd=Decimal("0.27"))
    enhanced = price("0.01", surcharges=(Surcharge("for enhancement", Decimal("0.04")),))
    refused(enhanced, limits(), max_cost_usd=Decimal("0.04"))
    allow(enhanced, limits(), max_cost_usd=Decimal("0.05"))


def test_prices_older_than_a_day_count_as_unknown_under_a_limit_only():
    old = STALE_SECONDS + 1
    said = refused(price(), limits(max_cost="5"), price_age_seconds=old, yes=True)
    assert "24 hours old" in said
    assert "--refresh" in said
    refused(price(), limits(), price_age_seconds=old, max_cost_usd=Decimal(5))
    allow(price(), limits(), price_age_seconds=old)
    budget = replace(limits(), day_budget_usd=Decimal(5))
    assert "the day's budget of $5.00 is set" in refused(price(), budget, price_age_seconds=old, yes=True)
    allow(price(), budget, price_age_seconds=STALE_SECONDS)
    allow(price(), limits(max_cost="5"), price_age_seconds=STALE_SECONDS)


def test_the_simulator_asks_no_one_but_keeps_a_limit_that_was_given():
    simulated = price("50", simulated=True)
    allow(simulated, limits(), ask=Asked(False))  # noqa: FBT003
    refused(simulated, limits(), max_cost_usd=Decimal(1))


class Keyboard(io.StringIO):
    def isatty(self):
        return True


@pytest.mark.parametrize(
    ("typed", "answer"), [("y\n", True), (" YES \n", True), ("n\n", False), ("\n", False), ("yep\n", False), ("", None)]
)
def test_a_person_at_a_terminal_says_yes_in_so_many_words(monkeypatch, capsys, typed, answer):
    monkeypatch.setitem(sys.modules, "ipykernel", object())  # that it is loaded says nothing
    monkeypatch.setattr(sys, "stdin", Keyboard(typed))
    assert ask_user("Spend? ") is answer


@pytest.mark.parametrize("stdin", [None, io.StringIO("y\n")])
def test_a_script_has_no_one_who_could_answer(monkeypatch, stdin):
    monkeypatch.setitem(sys.modules, "ipykernel", object())  # that it is loaded says nothing
    monkeypatch.setattr(sys, "stdin", stdin)
    assert ask_user("Spend? ") is None


class InKernel:
    kernel = object()


@pytest.mark.parametrize("raised", [NotImplementedError, RuntimeError("lost sys.stdin"), OSError, EOFError])
def test_a_notebook_that_takes_no_input_has_no_one_who_could_answer(monkeypatch, raised):
    def no_input(question):
        raise raised

    monkeypatch.setattr(IPython, "get_ipython", InKernel)
    monkeypatch.setattr("builtins.input", no_input)
    assert ask_user("Spend? ") is None


def test_a_person_before_a_notebook_is_asked_though_there_is_no_terminal(monkeypatch):
    monkeypatch.setattr(IPython, "get_ipython", InKernel)
    monkeypatch.setattr("builtins.input", lambda question: "y")
    assert ask_user("Spend? ") is True


def test_no_one_answers_where_standard_input_is_closed(monkeypatch):
    stream = io.StringIO()
    stream.close()
    monkeypatch.setattr(sys, "stdin", stream)
    assert ask_user("Spend it?") is None


def test_no_one_answers_where_the_question_cannot_be_shown(monkeypatch):
    monkeypatch.setattr(sys, "stdin", SimpleNamespace(isatty=lambda: True))
    monkeypatch.setattr("builtins.input", lambda question: question.encode("ascii"))
    assert ask_user("2 × $1.00. Spend $2.00? [y/N] ") is None
