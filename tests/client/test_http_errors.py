"""Every failure has one error, one remedy, and says what became of the money."""

import inspect
import json
import time
from email.utils import formatdate

import httpx
import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from venice_widgets import errors
from venice_widgets.client.error_body import read_error
from venice_widgets.client.http_errors import error_for
from venice_widgets.client.rate_limit import retry_after_seconds
from venice_widgets.client.sign_in_errors import CODES
from venice_widgets.client.transport_errors import transport_error
from venice_widgets.errors import PossiblyCharged, RateLimited, ResponseError, ServiceUnavailable, VeniceError
from venice_widgets.simulator import error_bodies as refusals

CHARGED, FREE = "may have been charged", "Nothing was charged"
TEXT = {"error": "Something specific"}
DETAILED = {
    "error": "Invalid request parameters",
    "details": {"_errors": [], "width": {"_errors": ["Number must be less than 1280"]}},
    "issues": [{"path": ["width"], "message": "Number must be less than 1280"}],
}
OPENAI = {"error": {"message": "Something specific", "type": "invalid_request_error", "param": "width", "code": None}}
WITH_ID = {"error": "Something specific", "request_id": "req-1"}
HTML = b"<html><head><style>p {x}</style><script>alert('&')</script></head><body><h1>Something specific</h1></body>"
SHAPES = {
    "text": json.dumps(TEXT).encode(),
    "detailed": json.dumps(DETAILED).encode(),
    "sentence": json.dumps({"error": "No", "details": "Something specific"}).encode(),
    "openai": json.dumps(OPENAI).encode(),
    "with id": json.dumps(WITH_ID).encode(),
    "html": HTML,
    "empty": b"",
}
STATUSES = {
    301: ("ConfigurationError", "VENICE_API_BASE_URL", FREE),
    307: ("ConfigurationError", "VENICE_API_BASE_URL", FREE),
    400: ("InvalidRequest", "Change what it names", FREE),
    401: ("CredentialsRefused", "%venice config", FREE),
    402: ("PaymentRequired", "%venice balance", FREE),
    303: ("PossiblyCharged", "The request was done", CHARGED),
    403: ("AccessDenied", "another model", FREE),
    404: ("ModelUnavailable", "%venice models --refresh", FREE),
    405: ("InvalidRequest", "It did not run", FREE),
    407: ("ConfigurationError", "HTTPS_PROXY", FREE),
    408: ("PossiblyCharged", "%venice balance", CHARGED),
    409: ("InvalidRequest", "It did not run", FREE),
    410: ("ModelUnavailable", "retired for good", FREE),
    413: ("InvalidRequest", "smaller style references", FREE),
    415: ("InvalidRequest", "report it", FREE),
    422: ("InvalidRequest", "7680 × 4320", FREE),
    451: ("AccessDenied", "legal reasons", FREE),
    429: ("RateLimited", "try again", FREE),
    500: ("PossiblyCharged", "%venice balance", CHARGED),
    502: ("PossiblyCharged", "%venice balance", CHARGED),
    503: ("ServiceUnavailable", "try again", FREE),
    504: ("PossiblyCharged", "%venice balance", CHARGED),
    520: ("PossiblyCharged", "%venice balance", CHARGED),
    418: ("InvalidRequest", "It did not run", FREE),
}


@pytest.mark.parametrize("status", STATUSES)
@pytest.mark.parametrize("shape", SHAPES)
def test_each_status_in_each_shape_has_its_error_its_remedy_and_its_money(status, shape):
    name, remedy, money = STATUSES[status]
    error = error_for(status, {}, SHAPES[shape])
    assert type(error) is getattr(errors, name)
    assert remedy in error.remedy
    assert money in str(error)
    told = {"detailed": "width: Number must be less than 1280", "empty": "an empty body"}
    assert status == 402 or told.get(shape, "Something specific") in str(error)
    assert "alert" not in str(error)
    assert "<" not in str(error)


def test_the_field_at_fault_is_named_whatever_shape_names_it():
    only_issues = json.dumps({"error": "No", "issues": DETAILED["issues"]}).encode()
    for body in (SHAPES["detailed"], SHAPES["openai"], only_issues):
        assert error_for(400, {}, body).field == "width"


def test_a_field_within_a_field_is_named_by_its_path():
    answer = refusals.invalid([refusals.Issue(("style_references", 0, "strength"), "Too small")])
    assert error_for(400, {}, answer.body).field == "style_references.0.strength"
    assert "style_references.0.strength: Too small" in str(error_for(400, {}, answer.body))


@pytest.mark.parametrize(
    ("answer", "told"),
    [
        (refusals.insufficient_balance(), "The balance does not cover this request"),
        (refusals.spending_limit_reached(), "its own spending limit"),
        (refusals.no_credentials(), "no API key and no wallet"),
        (refusals.wallet_too_low(0), "The wallet holds $0.00"),
    ],
)
def test_the_shapes_of_a_402_are_told_apart_also_once_they_were_cleaned_of_secrets(answer, told):
    def clean(text):
        from venice_widgets.redact import redact

        return redact(text, ["VENICE_INFERENCE_KEY_0123456789abcdef"])

    assert told in error_for(402, {}, answer.body, clean=clean).message


def test_the_support_number_stands_with_failures_of_the_service_only():
    assert "(CF-RAY 8f2a)" in str(error_for(500, {"cf-ray": "8f2a"}, b""))
    assert "8f2a" not in str(error_for(400, {"cf-ray": "8f2a"}, b""))


@pytest.mark.parametrize("status", [400, 404, 413, 418, 422, 500, 502, 504])
def test_a_question_that_is_free_never_speaks_of_charges_or_of_models(status):
    error = error_for(status, {}, SHAPES["text"], paid=False)
    assert type(error) is ResponseError
    assert "charged" not in str(error)


@pytest.mark.parametrize("status", [400, 403, 422])
@pytest.mark.parametrize(
    "error",
    [
        {"error": {"message": "Blocked. " * 80, "type": "image_generation_user_error", "code": "moderation_blocked"}},
        {"error": {"message": "Blocked. " * 80, "type": "content_policy_violation", "code": None}},
        {"error": "Blocked. " * 80, "code": "content_filter"},
    ],
)
def test_a_moderation_code_in_any_shape_is_a_refusal_of_the_content_with_its_whole_message(status, error):
    refused = error_for(status, {}, json.dumps(error).encode())
    assert type(refused) is errors.ContentRefused
    assert "Blocked. " * 79 in refused.message
    assert FREE in refused.remedy


def test_the_code_of_a_nested_error_is_told():
    assert "(context_length_exceeded)" in str(
        error_for(400, {}, b'{"error": {"message": "x", "code": "context_length_exceeded"}}')
    )


@pytest.mark.parametrize(
    ("text", "remedy"),
    [
        ("This API key is set to 'PRIVATE_ONLY', but flux is an Anonymous model.", "%venice models --private"),
        ("Not available in your region: US", "not offered in your region"),
        ("API access is disabled", "API access is disabled"),
    ],
)
def test_a_403_says_what_its_cause_calls_for(text, remedy):
    assert remedy in error_for(403, {}, json.dumps({"error": text}).encode()).remedy


def test_a_retired_model_names_its_replacement():
    assert "chroma-2 replaces it" in error_for(410, {}, b"", replacement="chroma-2").remedy


@pytest.mark.parametrize("status", [301, 302, 303, 307, 308])
def test_a_redirect_names_its_target_without_secrets(status):
    error = error_for(
        status, {"location": "https://hotel.example/sign-in?key=K"}, b"", clean=lambda t: t.replace("K", "…")
    )
    assert "to https://hotel.example/sign-in?key=…, which is not followed" in error.message


def test_every_one_of_the_sixteen_sign_in_codes_has_a_sentence_of_its_own():
    assert len(CODES) == 16
    remedies = [error_for(401, {}, json.dumps({"error": "no", "code": code}).encode()).remedy for code in sorted(CODES)]
    assert len(set(remedies)) == 16
    assert not any("Check the key" in remedy for remedy in remedies)
    unknown = error_for(401, {}, b'{"error": "no", "code": "X402_SIGN_IN_NEW"}')
    assert "The signature was refused" in unknown.remedy


@pytest.mark.parametrize("status", [403, 409, 429])
def test_a_wallet_with_too_many_requests_in_flight_waits(status):
    error = error_for(status, {}, b'{"error": "Too many concurrent requests", "code": "X402_CONCURRENCY_LIMIT"}')
    assert (type(error), error.retry_after_seconds) == (RateLimited, 5)


JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=8),
    lambda inner: (
        st.lists(inner, max_size=3)
        | st.dictionaries(
            st.sampled_from(
                ["error", "details", "issues", "_errors", "message", "path", "code", "param", "x402Version"]
            ),
            inner,
            max_size=4,
        )
    ),
    max_leaves=12,
)


@settings(deadline=None, max_examples=400)
@given(
    status=st.integers(300, 599),
    body=st.binary(max_size=200) | JSON.map(lambda value: json.dumps(value).encode()),
    paid=st.booleans(),
)
@example(400, b'{"error":"x","details":{"_errors":7,"width":{"_errors":"one"}}}', True)  # noqa: FBT003
@example(400, b'{"error":"x","issues":[{"path":5},{"path":"width","message":null}]}', True)  # noqa: FBT003
@example(402, b"[" * 50_000, True)  # noqa: FBT003
@example(400, b'{"details":' * 500 + b"1" + b"}" * 500, True)  # noqa: FBT003
@example(500, b"1" * 5000, True)  # noqa: FBT003
@example(400, b'{"error":"\\ud800"}', True)  # noqa: FBT003
def test_any_body_of_any_failure_is_one_of_our_errors_and_can_be_printed(status, body, paid):
    error = error_for(status, {}, body, paid=paid)
    assert isinstance(error, VeniceError)
    assert str(error).encode()
    read_error(body)


@pytest.mark.parametrize("body", [b"<" * 65536, b"<script " * 8192, b"<!-- " * 13_000, b"&" * 65536, b" " * 65536])
def test_a_page_of_nothing_but_markup_costs_no_time(body):
    started = time.process_time()
    error_for(502, {}, body)
    assert time.process_time() - started < 5


def test_texts_are_cleaned_before_they_are_cut_so_that_no_half_secret_is_left():
    secret = "sk-9f8e7d6c5b4a"

    def clean(text):
        return text.replace(secret, "[removed]")

    for length in range(570, 620):
        padded = f"{'x' * length}{secret}"
        for body in (padded.encode(), json.dumps({"error": padded}).encode(), json.dumps({"details": padded}).encode()):
            assert "sk-9" not in str(error_for(500, {}, body, clean=clean))


def test_what_is_kept_of_an_error_is_its_json_without_secrets():
    body = json.dumps({"error": "key KEY", "details": {"KEY": ["KEY"]}}).encode()
    kept = read_error(body, lambda text: text.replace("KEY", "…")).document
    assert kept == {"error": "key …", "details": {"…": ["…"]}}
    assert read_error(b"<html>").document is None
    assert read_error(b"[1]").document is None


NOW = 1_795_000_000.0


@pytest.mark.parametrize(
    ("headers", "seconds"),
    [
        ({"retry-after": "7"}, 7),
        ({"retry-after": "0.5"}, 0.5),
        ({"retry-after": "-3"}, 0),
        ({"retry-after": formatdate(NOW + 30, usegmt=True)}, 30),
        ({"retry-after": formatdate(NOW - 30, usegmt=True)}, 0),
        ({"retry-after": "7", "x-ratelimit-reset-requests": str(NOW + 50)}, 7),
        ({"x-ratelimit-reset-requests": str(int(NOW + 12))}, 12),
        ({"x-ratelimit-reset-requests": str(int((NOW + 12) * 1000))}, 12),
        ({"x-ratelimit-reset-requests": str(NOW - 5)}, 0),
        ({"retry-after": "soon", "x-ratelimit-reset-requests": str(NOW + 4)}, 4),
        ({"retry-after": "nan"}, None),
        ({"retry-after": "inf"}, None),
        ({"x-ratelimit-reset-requests": "never"}, None),
        ({}, None),
    ],
)
def test_the_wait_is_understood_in_seconds_milliseconds_and_dates(headers, seconds):
    assert retry_after_seconds(headers, NOW) == (None if seconds is None else pytest.approx(seconds, abs=1e-3))


def test_the_error_of_a_429_or_503_carries_the_wait():
    assert error_for(429, {"retry-after": "7"}, b"").retry_after_seconds == 7
    assert error_for(503, {"retry-after": "7"}, b"").retry_after_seconds == 7
    reset = {"x-ratelimit-reset-requests": str(time.time() + 40)}
    assert error_for(429, reset, b"").retry_after_seconds == pytest.approx(40, abs=2)
    assert error_for(503, reset, b"").retry_after_seconds is None  # the budget's reset says nothing of capacity
    assert "Wait 7 s" in error_for(429, {"retry-after": "7"}, b"").remedy


TRANSPORT = {
    "CloseError": PossiblyCharged,
    "ConnectError": ServiceUnavailable,
    "ConnectTimeout": ServiceUnavailable,
    "DecodingError": PossiblyCharged,
    "InvalidURL": errors.ConfigurationError,
    "LocalProtocolError": errors.ConfigurationError,
    "NetworkError": PossiblyCharged,
    "PoolTimeout": ServiceUnavailable,
    "ProtocolError": PossiblyCharged,
    "ProxyError": ServiceUnavailable,
    "ReadError": PossiblyCharged,
    "ReadTimeout": PossiblyCharged,
    "RemoteProtocolError": PossiblyCharged,
    "RequestError": PossiblyCharged,
    "TimeoutException": PossiblyCharged,
    "TooManyRedirects": PossiblyCharged,
    "TransportError": PossiblyCharged,
    "UnsupportedProtocol": errors.ConfigurationError,
    "WriteError": PossiblyCharged,
    "WriteTimeout": PossiblyCharged,
}
NEVER_FROM_SENDING = {
    "HTTPError",  # the root
    "HTTPStatusError",  # raise_for_status alone
    "CookieConflict",  # asking a jar for one cookie
    "StreamError", "StreamConsumed", "StreamClosed", "ResponseNotRead", "RequestNotRead",  # a stream used twice
}  # fmt: skip


def test_every_exception_of_httpx_is_either_mapped_or_known_not_to_come():
    found = {
        name
        for name, value in vars(httpx).items()
        if inspect.isclass(value) and issubclass(value, Exception) and not issubclass(value, Warning)
    }
    assert found == TRANSPORT.keys() | NEVER_FROM_SENDING


@pytest.mark.parametrize("name", TRANSPORT)
def test_whether_the_body_had_left_decides_what_a_lost_connection_is_called(name):
    exc = getattr(httpx, name)("it broke")
    error = transport_error(exc, "api.venice.ai")
    assert type(error) is TRANSPORT[name]
    assert "api.venice.ai" in error.message
    assert "it broke" in error.message
    assert (CHARGED in str(error)) == (TRANSPORT[name] is PossiblyCharged)


@pytest.mark.parametrize("name", [name for name, kind in TRANSPORT.items() if kind is PossiblyCharged])
def test_a_free_question_that_is_lost_was_never_charged(name):
    error = transport_error(getattr(httpx, name)(""), "api.venice.ai", paid=False)
    assert type(error) is ResponseError
    assert "charged" not in str(error)


def test_rate_limits_and_capacity_are_the_errors_that_prove_that_nothing_ran():
    assert {type(error_for(status, {}, b"")) for status in (429, 503)} == {RateLimited, ServiceUnavailable}
