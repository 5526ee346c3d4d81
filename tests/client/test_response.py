"""What an answer says beside its images, whatever shape it says it in."""

from decimal import Decimal

import pytest

from venice_widgets.client.response import ImageResponse


def fact(name, *, headers=None, **document):
    return getattr(ImageResponse(status_code=200, headers=headers or {}, document=document), name)


@pytest.mark.parametrize(
    ("echo", "seed"),
    [
        ({"success": True, "data": {"seed": 41}}, 41),
        ({"seed": -7}, -7),
        ({"data": {"seed": 0}}, 0),
        ({"data": {"seed": 41.0}}, 41),
        ({"data": {"seed": 41.5}}, None),
        ({"data": {"seed": float("inf")}}, None),
        ({"data": {"seed": True}}, None),
        ({"data": {"seed": "41"}}, None),
        ({"data": [41]}, None),
        (None, None),
        ("x", None),
    ],
)
def test_the_echoed_seed_is_found_wrapped_flat_or_not_at_all(echo, seed):
    assert fact("echoed_seed", request=echo) == seed


@pytest.mark.parametrize(
    ("text", "flag"), [("true", True), (" TRUE ", True), ("false", False), ("", None), ("1", None)]
)
def test_moderation_flags_are_true_false_or_absent(text, flag):
    assert fact("violation", headers={"x-venice-is-content-violation": text}) is flag
    assert fact("blurred", headers={"x-venice-is-blurred": text}) is flag


def test_the_rewritten_prompt_is_decoded():
    assert fact("enhanced_prompt", headers={"x-venice-enhanced-prompt": "a%20f%C3%B6x%2C%20100%25"}) == "a föx, 100%"
    assert fact("enhanced_prompt") is None


@pytest.mark.parametrize("text", ["", "a lot", "NaN", "Infinity", "1e999999999", "-1e13"])
def test_a_balance_that_is_no_amount_is_not_known(text):
    assert fact("balance_before_usd", headers={"x-venice-balance-usd": text}) is None


def test_a_balance_is_exact():
    assert fact("balance_before_usd", headers={"x-venice-balance-usd": "24.990001"}) == Decimal("24.990001")


def test_the_response_id_is_the_answers_or_the_errors():
    assert fact("response_id", id="a", request_id="b") == "a"
    assert fact("response_id", error="x", request_id="b") == "b"
    assert fact("response_id", id=7) is None


def test_which_model_answered_is_read_from_the_headers_or_else_from_the_echo():
    headers = {"x-venice-model-id": "chroma-2", "x-venice-model-name": "Chroma 2"}
    headers |= {"x-venice-model-router": "east", "x-venice-version": "20261120.1"}
    echo = {"success": True, "data": {"model": "chroma", "seed": 1}}
    names = ("served_model_id", "served_model_name", "router", "service_version")
    assert [fact(name, headers=headers, request=echo) for name in names] == [
        "chroma-2", "Chroma 2", "east", "20261120.1",
    ]  # fmt: skip
    assert fact("served_model_id", request=echo) == "chroma"
    assert [fact(name, request={"data": {"model": 7}}) for name in names] == [None] * 4


def test_the_headers_of_a_model_that_is_going_away_become_a_sentence_with_a_date_and_a_replacement():
    response = ImageResponse(status_code=200, headers={})
    assert (response.deprecation, response.deprecation_text("chroma")) == (None, None)
    headers = {"x-venice-deprecated": "true", "x-venice-model-deprecation-date": "2031-01-09T00:00:00.000Z"}
    headers["x-venice-deprecated-replacement"] = "chroma-2"
    response = ImageResponse(status_code=200, headers=headers)
    sentence = "chroma is going away on 9 January 2031. chroma-2 replaces it."
    assert response.deprecation_text("chroma") == sentence
    assert response.deprecation is not None
    assert response.deprecation.ends == "2031-01-09T00:00:00.000Z"


def test_a_warning_without_facts_is_told_as_it_stands():
    response = ImageResponse(status_code=200, headers={"x-venice-model-deprecation-warning": "Soon."})
    assert (response.deprecation, response.deprecation_text("chroma")) == (None, "Soon.")
    bare = ImageResponse(status_code=200, headers={"x-venice-deprecated": "true"})
    assert bare.deprecation_text("chroma") == "chroma is going away."
