"""A model that is going away: told in one sentence, with the date as people write it, when it is near."""

from datetime import UTC, datetime

import pytest

from venice_widgets.request.deprecation import Deprecation, day_text

NOW = datetime(2026, 11, 26, 12, tzinfo=UTC)


@pytest.mark.parametrize(
    ("text", "shown"),
    [
        ("2026-12-10T00:00:00.000Z", "10 December"),
        ("2026-12-10", "10 December"),
        ("2026-12-10T23:30:00-05:00", "11 December"),
        ("2027-01-01", "1 January 2027"),
        ("soon", "soon"),
        ("", ""),
    ],
)
def test_a_date_is_written_as_people_write_it(text, shown):
    assert day_text(text, NOW) == shown


@pytest.mark.parametrize(
    ("stated", "sentence"),
    [
        ({"date": "2026-12-10"}, "old is going away on 10 December."),
        ({"date": "2026-12-01", "removesAt": "2026-12-10"}, "old is going away on 10 December."),
        (
            {"removesAt": "2026-12-10", "replacementModelId": "new"},
            "old is going away on 10 December. new replaces it.",
        ),
        (
            {"removesAt": "2026-12-10", "autoRemap": True},
            "old is going away: after 10 December this id is answered by another model.",
        ),
        (
            {"removesAt": "2026-12-10", "autoRemap": True, "replacementModelId": "new"},
            "old is going away: after 10 December this id is answered by another model (new).",
        ),
        (
            {"removesAt": "2026-11-20", "autoRemap": True, "replacementModelId": "new"},
            "old ended on 20 November: this id is answered by another model (new).",
        ),
        ({"removesAt": "2026-11-20"}, "old was to be removed on 20 November."),
        ({"autoRemap": True}, "old is going away: later this id is answered by another model."),
        ({"date": "next spring"}, "old is going away on next spring."),
        ({"date": "0001-01-01T00:00+14:00"}, "old is going away on 0001-01-01T00:00+14:00."),
    ],
)
def test_the_sentence_says_when_and_what_answers_then(stated, sentence):
    assert Deprecation.model_validate(stated).sentence("old", NOW) == sentence


@pytest.mark.parametrize(
    ("stated", "near"),
    [
        ({}, False),
        ({"removesAt": "2026-12-10"}, True),
        ({"removesAt": "2026-12-11"}, False),
        ({"startsAt": "2026-12-01", "removesAt": "2027-03-01"}, True),
        ({"startsAt": "2026-10-01", "removesAt": "2027-03-01"}, False),
        ({"removesAt": "2026-11-01"}, True),
        ({"autoRemap": True}, True),
        ({"date": "next spring"}, True),
    ],
)
def test_it_is_near_14_days_before_its_start_or_end_and_where_no_one_knows_when(stated, near):
    assert Deprecation.model_validate(stated).is_near(NOW) is near


@pytest.mark.parametrize(
    ("stated", "words"),
    [
        ({"removesAt": "2026-12-10", "replacementModelId": "new"}, "going away on 10 December, replaced by new"),
        ({"removesAt": "2026-11-20", "autoRemap": True}, "answered by another model since 20 November"),
        (
            {"removesAt": "2026-11-20", "autoRemap": True, "replacementModelId": "new"},
            "answered by new since 20 November",
        ),
        ({"removesAt": "2026-11-20", "replacementModelId": "new"}, "gone, replaced by new"),
        ({"autoRemap": True}, "going away"),
    ],
)
def test_a_table_has_a_few_words_for_it(stated, words):
    assert Deprecation.model_validate(stated).short_text(NOW) == words
