"""Whatever a program hands to a public function, it is used or refused in our words, and costs nothing by accident."""

import datetime as dt
from decimal import Decimal

import numpy as np
import pytest
from IPython.core.error import UsageError

import venice_widgets
from venice_widgets import current
from venice_widgets.errors import InvalidRequest, VeniceError
from venice_widgets.notebook.commands.registry import COMMANDS, run_command
from venice_widgets.replays import drift

ODD = [
    None, True, 5, -1, 1.5, float("nan"), b"x", [], ["a"], {}, object(), "", "no such thing", "\ud800", "a\0b", 10**30,
    np.int64(3), Decimal("NaN"), dt.datetime(2026, 1, 1),  # noqa: DTZ001  what people type
]  # fmt: skip
LOOKS = {
    "get": lambda log, odd: log.get(odd),
    "find_image": lambda log, odd: log.find_image(odd),
    "find_same": lambda log, odd: log.find_same(odd),
    "verdict": lambda log, odd: log.verdict(odd),
    "verdicts": lambda log, odd: log.verdicts(odd),
    "costs": lambda log, odd: log.costs(odd),
    "frame": lambda log, odd: log.frame(odd),
    "favorite": lambda log, odd: log.favorite(odd),
    "delete_image": lambda log, odd: log.delete_image(odd),
    "deleted_at": lambda log, odd: log.deleted_at(odd),
    "resolve": lambda log, odd: log.resolve(odd, charged=True),
    "amount": lambda log, odd: log.resolve("last", charged=True, amount=odd),
    "text": lambda log, odd: log.search(odd),
    "count": lambda log, odd: log.count(odd),
    "each": lambda log, odd: list(log.each(odd)),
    **{
        name: lambda log, odd, name=name: log.search(**{name: odd})
        for name in (
            "limit", "offset", "model", "seed", "status", "since", "until", "notebook", "session_id", "plan_id",
            "favorite",
        )
    },
}  # fmt: skip


@pytest.fixture
def session():
    with venice_widgets.Session(demo=True) as session:
        session.generate("A fox", seed=1, width=64, height=64)
        yield session


def is_refused(call):
    """Whether it is refused in our words; any other error is a fault."""
    try:
        call()
    except (VeniceError, UsageError) as exc:
        return len(str(exc)) < 2000
    return False


def test_the_log_answers_or_refuses_in_our_words(session):
    for name, look in LOOKS.items():
        refused = [is_refused(lambda look=look, odd=odd: look(session.log, odd)) for odd in ODD]
        assert any(refused) or name in ("verdict", "verdicts", "find_same", "deleted_at"), name
    assert session.log.count() == 1
    assert len(session.log.get("last").images) == 1


def test_nothing_odd_is_sent_again(session):
    for odd in ODD:
        assert is_refused(lambda odd=odd: drift(session, odd, 1)), odd
        assert is_refused(lambda odd=odd: venice_widgets.replay(odd, session=session, max_cost_usd=1)), odd
        assert is_refused(lambda odd=odd: venice_widgets.read_recipe(odd)), odd
        assert is_refused(lambda odd=odd: venice_widgets.runs_in(odd)), odd
    for odd in (None, True, -1, 1.5, float("nan"), "3", [3], 21):
        assert is_refused(lambda odd=odd: drift(session, "z-image-turbo", 1, runs=odd)), odd
    assert session.log.count() == 1


def test_a_filter_that_does_not_exist_is_named(session):
    with pytest.raises(InvalidRequest, match="runs are not chosen by 'colour'"):
        session.log.search(colour="red")


def test_a_seed_of_another_library_finds_its_run(session):
    assert len(session.log.search(seed=np.int64(1))) == 1


def test_what_is_no_session_is_never_taken_for_the_one_in_use(session):
    current.use_session(session)
    plan = session.plan("A fox", seed=[1, 2], width=64, height=64)
    for odd in [each for each in ODD if each is not None]:
        assert is_refused(lambda odd=odd: venice_widgets.generate("A fox", seed=1, session=odd)), odd
        assert is_refused(lambda odd=odd: venice_widgets.replay("last", session=odd)), odd
        assert is_refused(lambda odd=odd: venice_widgets.Panel(session=odd)), odd
        assert is_refused(lambda odd=odd: current.use_session(odd)), odd
        assert is_refused(lambda odd=odd: plan.run(session=odd)), odd
        assert is_refused(lambda odd=odd: venice_widgets.Plan.from_json(plan.to_json(), odd).run()), odd
    assert current.current_session() is session
    assert session.log.count() == 1


def test_nothing_odd_is_believed_of_a_request(session):
    plan = session.plan("A fox", seed=[1, 2], width=64, height=64)
    prepared = session.build("A fox", seed=2, width=64, height=64)
    for odd in [each for each in ODD if each]:
        assert is_refused(lambda odd=odd: session.send(prepared, context=odd)), odd
        assert is_refused(lambda odd=odd: plan.run(context=odd)), odd
    for odd in [each for each in ODD if not isinstance(each, str | None)]:
        assert is_refused(lambda odd=odd: venice_widgets.Session(store=odd or [1])), odd
    for odd in [each for each in ODD if each is not None]:
        assert is_refused(lambda odd=odd: venice_widgets.StyleReference(b"", odd)), odd
    assert session.log.count() == 1


WORDS = (
    "", "'", "\\", "--", "-n", "-1", "9" * 30, "٣", "*", "../..", "~nobody", "/dev/zero", "a\0b", "{{ x }}", "--x="
)  # fmt: skip
"""None that a run's id may end in."""


@pytest.mark.parametrize("name", sorted(set(COMMANDS) - {"login", "panel"}))
def test_every_command_takes_any_word_or_refuses_it_in_our_words(session, shell, name):
    current.use_session(session)
    refused = [is_refused(lambda word=word: run_command(shell, f"{name} {word}")) for word in WORDS]
    assert any(refused)
    assert session.log.count() == 1
