"""What is told before an answer comes."""

from dataclasses import replace
from datetime import timedelta

from venice_widgets.generation.notices import age_notes, known_notes, opening_text, recovery_notes
from venice_widgets.log import Recovered


def test_prices_that_could_not_be_fetched_anew_are_told_with_their_age(session):
    fresh = session.build("a fox", seed=5)
    assert age_notes(fresh) == ()
    old = replace(fresh, prices_fetched_at=fresh.prices_fetched_at - timedelta(days=3))
    (note,) = age_notes(old)
    assert "72.0 hours old" in note
    assert note in session.send(old).notes


def test_a_request_that_the_log_holds_is_named_with_its_run(session):
    made = session.generate("a fox", seed=5)
    (note,) = known_notes(session.build("a fox", seed=5, again=True))
    assert made.runs[0].run_id[-8:] in note


def test_nothing_is_told_of_what_is_new_or_shown_from_the_log(session):
    session.generate("a fox", seed=5)
    assert known_notes(session.build("a crow", seed=5)) == ()
    assert known_notes(session.build("a fox", seed=5)) == ()


def test_what_a_crash_left_is_told_by_what_became_of_it():
    assert recovery_notes(Recovered(cancelled=("01K00000000000000000000001",))) == ()
    unknown, completed = recovery_notes(Recovered(unknown=("01KAAAAAAAA",), completed=("01KBBBBBBBB",)))
    assert "may have been charged: AAAAAAAA." in unknown
    assert "%venice resolve" in unknown
    assert "%venice show RUN shows it at no cost: BBBBBBBB." in completed


def test_what_comes_from_the_log_alone_is_said_before_and_after_without_a_price_of_nothing(session):
    session.generate("a fox", seed=41)
    known = session.build("a fox", seed=41)
    assert opening_text(known, "") == "from the log, nothing spent · --again makes it anew · z-image-turbo"
    assert session.send(known).summary.startswith("from the log, nothing spent · --again makes it anew · z-image")
    both = opening_text(session.build("a fox", seed="41,42"), "")
    assert (
        both == "1 × $0.01 = $0.01 · 1 of 2 from the log at no cost (seed 41) · --again makes it anew · z-image-turbo"
    )
