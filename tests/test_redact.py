"""No credential survives redaction, however it is written, and ordinary text does."""

import base64
import html
import json
import logging
import time
from urllib.parse import quote, quote_plus, unquote

import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from venice_widgets.config import Secret
from venice_widgets.redact import REMOVED, RedactLogs, disarm, redact, redact_own_words, safe_headers

KEY = 'VENICE_INFERENCE_KEY_aB3/x+Yz_09-Qw&rt"<Zz1234567890'
HIDDEN = KEY.removeprefix("VENICE_INFERENCE_KEY_")
SIGNATURE = "0x" + "1b" * 65

WRITTEN = {
    "plain": lambda text: text,
    "percent": lambda text: quote(text, safe=""),
    "percent twice": lambda text: quote(quote(text, safe=""), safe=""),
    "form": quote_plus,
    "percent, all of it": lambda text: "".join(f"%{byte:02x}" for byte in text.encode()),
    "json": lambda text: json.dumps(text)[1:-1],
    "json in json": lambda text: json.dumps(json.dumps(text))[1:-1],
    "javascript": lambda text: "".join(f"\\u{ord(character):04x}" for character in text),
    "html": html.escape,
    "html in html": lambda text: html.escape(html.escape(text)),
    "html, all of it": lambda text: "".join(f"&#{ord(character)};" for character in text),
    "json in html": lambda text: html.escape(json.dumps(text)),
    "json, percent": lambda text: quote(json.dumps(text), safe=""),
    "base64": lambda text: base64.b64encode(text.encode()).decode(),
    "base64 of a pair": lambda text: base64.b64encode(f"u:{text}:x".encode()).decode(),
    "base64 for URLs": lambda text: base64.urlsafe_b64encode(f"it:{text}".encode()).decode(),
    "javascript, what needs it": lambda text: "".join(c if c.isalnum() else f"\\x{ord(c):02X}" for c in text),
    "javascript, code points": lambda text: "".join(f"\\u{{{ord(c):x}}}" for c in text),
    "base64, percent": lambda text: quote(base64.b64encode(f"me{text}".encode()).decode(), safe=""),
}


BREAKS = [
    "\n",
    "\r\n ",
    " ",
    "\\n",
    "\\r\\n",
    "<br>\n",
    "<wbr>",
    "</span><span class='k'>",
    "=\n",
    "\u200b",
    "&shy;",
    "%0A",
]


@pytest.mark.parametrize("at", [1, 5, 12, 30])
@pytest.mark.parametrize("between", BREAKS)
def test_a_known_secret_is_found_where_its_line_was_broken(between, at):
    page = f"Refused: {HIDDEN[:at]}{between}{HIDDEN[at:]} was the key"
    assert redact(page, [KEY]) == f"Refused: {REMOVED} was the key"


def test_a_known_secret_is_found_in_base64_that_was_broken_over_lines():
    page = base64.encodebytes(f"GET / HTTP/1.1\nHost: api\nAuthorization: Bearer {KEY}\n".encode()).decode()
    assert page.count("\n") > 1
    assert REMOVED in redact(page, [KEY])
    assert redact(page, [KEY]).replace("\n", "") == redact(page.replace("\n", ""), [KEY])


def clear_again(text: str) -> str:
    """What a curious reader makes of a text: every layer of escapes undone."""
    for _ in range(3):
        text = html.unescape(text.replace("\\\\", "\\").replace('\\"', '"'))
    return text


@pytest.mark.parametrize("way", WRITTEN)
def test_a_known_secret_is_found_however_it_is_written(way):
    written = WRITTEN[way](KEY)
    redacted = redact(f"<p>Proxy said: {written} and more</p>", [KEY])
    assert REMOVED in redacted
    assert redacted.startswith("<p>Proxy said: ")
    assert redacted.endswith(" and more</p>")
    body = redacted.removeprefix("<p>Proxy said: ").removesuffix(" and more</p>")
    survivors = [WRITTEN[way](HIDDEN[i : i + 6]) for i in range(len(HIDDEN) - 5)]
    assert not [piece for piece in survivors if len(piece) > 5 and piece in body and "base64" not in way]
    core = base64.b64encode(HIDDEN.encode())[3:-6].decode()
    assert core not in body


@settings(deadline=None)
@given(
    secret=st.text(st.characters(min_codepoint=33, max_codepoint=126), min_size=8, max_size=90),
    way=st.sampled_from(sorted(WRITTEN)),
    around=st.tuples(st.text(max_size=20), st.text(max_size=20)),
)
@example(secret="a&amp;b%25cdef", way="plain", around=("", ""))
def test_no_secret_survives_in_any_writing(secret, way, around):
    written = WRITTEN[way](secret)
    redacted = redact(f"{around[0]} {written} {around[1]}", [secret])
    if secret not in around[0] + around[1] + REMOVED:
        assert secret not in redacted
        assert secret not in clear_again(redacted)
    if not way.startswith("base64") and written not in f"{around[0]} {around[1]} {REMOVED}":
        assert written not in redacted


FRAGMENTS = ["Cookie", "authorization", "sign-in-with-x", ":", "=", ", ", '"', "'", "; ", "Bearer ", "eyJ", "a" * 24,
             "1" * 86, "0x", "://", "u:p@", "%3A%2F%2F", "%40", "?key=", "&quot;", "a<b", '"signature": "', KEY,
             REMOVED]  # fmt: skip
QUOTED_BACK = {
    "line": lambda name, value: f"> {name}: {value}\r\n> Host: h",
    "dump": lambda name, value: repr({name: value, "host": "h"}),
    "tuples": lambda name, value: repr([(name.encode(), value.encode()), (b"host", b"h")]),
    "json": lambda name, value: json.dumps({name: value, "host": "h"}),
    "json in json": lambda name, value: json.dumps({"error": json.dumps({name: value})}),
    "page in json": lambda name, value: json.dumps({"error": f"{name}: {value}\nhost: h"}),
    "list": lambda name, value: f"<b>{name}</b>: {html.escape(value)}<br>host: h",
    "table": lambda name, value: f'<tr><td class="n">{name}</td>\n<td>{html.escape(value)}</td></tr>',
    "json in a page": lambda name, value: f"<pre>{html.escape(json.dumps({name: value}))}</pre>",
}


@settings(deadline=None)
@given(
    name=st.sampled_from(
        ["Cookie", "set-cookie", "Authorization", "PROXY-AUTHORIZATION", "SIGN-IN-WITH-X", "x-api-key"]
    ),
    way=st.sampled_from(sorted(QUOTED_BACK)),
    around=st.tuples(*[st.lists(st.sampled_from(FRAGMENTS), max_size=4).map("".join)] * 2),
)
def test_no_quoted_header_keeps_its_value(name, way, around):
    page = QUOTED_BACK[way](name, f"{around[0]}c4nary{around[1]}")
    assert "c4nary" not in redact(page)


@settings(deadline=None)
@given(st.integers(12, len(HIDDEN) - 1))
def test_a_secret_that_was_cut_off_is_found_by_its_beginning(length):
    assert redact(f"Token {HIDDEN[:length]}", [KEY]) == f"Token {REMOVED}"
    assert redact(f"Token {html.escape(HIDDEN[:length])}…", [KEY]) == f"Token {REMOVED}…"


def test_a_wallet_key_is_found_with_and_without_0x_and_in_either_case():
    key = "0x" + "4c0883a69102937d" * 4
    for written in (key, key[2:], key.upper(), key[2:].upper()):
        assert "4c0883a69102937d" not in redact(f"key={written}", [Secret(key)]).lower()


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("Cookie: __cf_bm=abc; x=y\r\nHost: h", "Cookie: [removed]\r\nHost: h"),
        ("set-cookie: a=b", "set-cookie: [removed]"),
        ("{'set-cookie': 'a=b; c', 'host': 'x'}", "{'set-cookie': [removed], 'host': 'x'}"),
        ("[(b'Set-Cookie', b'a=b'), (b'X', b'1')]", "[(b'Set-Cookie', [removed]), (b'X', b'1')]"),
        ("<tr><td>Cookie</td><td>a=b</td></tr>", "<tr><td>Cookie</td><td>[removed]</td></tr>"),
        ("<b>Authorization:</b> Basic Zm9v<br>", "<b>Authorization:</b> [removed]<br>"),
        ('{"Authorization":"Bearer q", "x": 1}', '{"Authorization":[removed], "x": 1}'),
        (r'{"e":"{\"cookie\":\"a=b\",\"h\":2}"}', r'{"e":"{\"cookie\":[removed],\"h\":2}"}'),
        ('cookie: a="quoted; part', "cookie: [removed]"),
        ('cookie: "quoted"; a<b; part\nx', "cookie: [removed]\nx"),
        ('Cookie: "never closed', "Cookie: [removed]"),
        ("got Bearer abcdefghijklmnopqr today", "got Bearer [removed] today"),
        ("Bearer%20abc1.def", "Bearer%20[removed]"),
        ("https://me:p%40ss@host/x", "https://host/x"),
        ("https://me:p@ss@host/x", "https://host/x"),
        ("u=https%3A%2F%2Fu%3Ap%40ss%40host%2Fx", "u=https%3A%2F%2Fhost%2Fx"),
        ("GET /x?api_key=zzz&b=1", "GET /x?api_key=[removed]&b=1"),
        ("https://s3/x?X-Amz-Credential=AK&X-Amz-Signature=ab", "https://s3/x?X-Amz-Credential=[removed]&X-Amz-Signature=[removed]"),
        ("Invalid key VENICE_ADMIN_KEY_abc***xyz.", "Invalid key VENICE_ADMIN_KEY_[removed]"),
        (f"signed {SIGNATURE}", "signed [removed]"),
        ("my key is 0x" + "4c" * 32, "my key is [removed]"),
        ("%env VENICE_API_KEY=3DrLB6abcdefghijklm", "%env VENICE_API_KEY=[removed]"),
        ("%env VENICE_API_KEY 3DrLB6abcdefghijklm", "%env VENICE_API_KEY [removed]"),
        ("os.environ['VENICE_WALLET_KEY'] = 'abcdefghijklmnop1'", "os.environ['VENICE_WALLET_KEY'] = '[removed]'"),
        ('Session(api_key="3DrLB6abcdefghijklm")', 'Session(api_key="[removed]")'),
        ('Session(wallet = "abcdefghijklmnop1")', 'Session(wallet = "[removed]")'),
        ('{"signature": "AbC+/="}', '{"signature": "[removed]"}'),
        ("x " + "5" * 88 + " y", "x [removed] y"),
    ],
)  # fmt: skip
def test_what_looks_like_a_credential_goes_without_being_known(text, expected):
    assert redact(text) == expected


def test_a_wallets_header_goes_wherever_it_is_quoted():
    value = base64.b64encode(json.dumps({"address": "0xab", "message": "m" * 90, "signature": SIGNATURE}).encode())
    for line_end in ("\n", "\r\n\t", "\\n", "<br>"):
        lines = [value.decode()[start : start + 76] for start in range(0, len(value), 76)]
        assert redact(f"header was {line_end.join(lines)}\nHost: h") == "header was [removed]\nHost: h"
    for written in (value.decode(), quote(value.decode(), safe=""), repr(value)):
        for page in (
            f"SIGN-IN-WITH-X: {written}",
            f"header was {written}",
            f'{{"x-sign-in-with-x": "{written}"}}',
            rf"\x22{written}",
        ):
            assert value.decode()[40:80] not in redact(page)


@pytest.mark.parametrize(
    "text",
    [
        "Bearer authentication failed",
        "The sign-in-with-x header is missing, and so is the cookie",
        "Insufficient USD or Diem balance to complete request. Visit https://venice.ai/settings/api to add credits.",
        "Keys begin with VENICE_INFERENCE_KEY_ or VENICE_ADMIN_KEY_",
        "sha256:9f86d081884c7d659a2feaa0c55ad015a3bf4f1b2b0b822cd15d6c15b0f00a08",
        "Ask someone@example.org about https://api.venice.ai/api/v1/image/generate?x=1",
        "The demo is a demonstration",
        "Set VENICE_API_KEY or VENICE_WALLET_KEY before Jupyter starts, see https://venice.ai/settings/api2",
        'Session(api_key=os.environ["VENICE_API_KEY"], wallet=None)',
        "A leather wallet, photographed-in-1944, and its key: 12345678901234567890",
    ],
)
def test_ordinary_text_stays_as_it_is(text):
    assert redact(text, [KEY, "demo", None, "", Secret("")]) == text


@pytest.mark.parametrize(
    "page",
    ["cookie" + "<a>" * 70_000, "\\" * 200_000, "bearer+" * 30_000, "://" * 70_000, 'cookie:"' * 25_000,
     "eyJ" * 70_000, "%3A%2F%2Fa%40" * 16_000, "&amp;" * 40_000, "%25" * 70_000, "cookie" + " " * 200_000, KEY * 3_000],
    ids=lambda page: page[:12],
)  # fmt: skip
def test_a_hostile_page_of_200_kilobytes_costs_no_more_than_a_moment(page):
    redact("warm", [KEY])
    started = time.process_time()
    redact(page, [KEY])
    assert time.process_time() - started < 5


def test_headers_that_may_be_kept_hold_no_credentials():
    headers = {
        "Set-Cookie": "a=b", "Cookie": "a", "Authorization": "Bearer x", "Proxy-Authorization": "Basic x",
        "SIGN-IN-WITH-X": "e", "X-Sign-In-With-X": "e", "X-Api-Key": "k", "PAYMENT-SIGNATURE": "p", "X-PAYMENT": "p",
        "x-csrf-token": "t",
        "CF-RAY": "8f1-FRA", "x-venice-balance-usd": "3.10", "x-ratelimit-remaining-tokens": "9",
        "Location": "https://u:p@host/x", "x-echo": f"saw {KEY}", "PAYMENT-REQUIRED": "e30=",
    }  # fmt: skip
    assert safe_headers(headers, [KEY]) == {
        "cf-ray": "8f1-FRA", "x-venice-balance-usd": "3.10", "x-ratelimit-remaining-tokens": "9",
        "location": "https://host/x", "x-echo": "saw VENICE_INFERENCE_KEY_[removed]", "payment-required": "e30=",
    }  # fmt: skip


@pytest.mark.parametrize("prompt", ["Bearer of the flame, 1944", "A sign reads Cookie: $2", "eyJ" + "a" * 40])
@pytest.mark.parametrize("written", [quote, quote_plus, str])
def test_a_rewritten_prompt_is_kept_word_for_word_since_it_is_sent_again(prompt, written):
    headers = {"X-Venice-Enhanced-Prompt": written(f"{prompt} {KEY}"), "x-other": written("Bearer abcdefghijklmnop1")}
    kept = safe_headers(headers, [KEY])
    assert kept["x-venice-enhanced-prompt"].startswith(written(prompt))
    assert HIDDEN not in unquote(kept["x-venice-enhanced-prompt"])
    assert "abcdefghijklmnop1" not in kept["x-other"]


def test_a_disarmed_exception_keeps_neither_frames_nor_secrets_in_its_whole_chain():
    def send(bytes_to_send):
        raise OSError(f"cannot write {bytes_to_send!r}")

    def fail():
        try:
            send(f"Authorization: Bearer {KEY}")
        except OSError as exc:
            raise RuntimeError("lost", 3, KEY) from exc

    with pytest.raises(RuntimeError) as caught:
        fail()
    exception = disarm(caught.value, [Secret(KEY)])
    assert exception is caught.value
    assert exception.args == ("lost", 3, "VENICE_INFERENCE_KEY_[removed]")
    assert (exception.__traceback__, exception.__cause__.__traceback__) == (None, None)
    assert HIDDEN not in str(exception.__cause__)


def test_log_records_of_the_http_libraries_are_redacted_while_installed(caplog):
    caplog.set_level(logging.DEBUG)
    wire = logging.getLogger("httpcore.http11")
    redaction = RedactLogs([KEY])
    redaction.install()
    wire.debug("return_value=%r", [(b"Set-Cookie", b"session=1")])
    redaction.remove()
    wire.debug("plain %s", "after")
    assert caplog.messages == ["return_value=[(b'Set-Cookie', [removed])]", "plain after"]


OWN_WORDS = [
    "a sign: Cookie: 50% off today",
    "the Authorization: of kings, painted in oil",
    "Bearer of the flame, 12345678901234567890 stars",
    "a door with ?key=golden and user@host://tower",
    "Set-Cookie jar on a shelf",
]


@pytest.mark.parametrize("words", OWN_WORDS)
def test_the_users_own_words_stay_as_they_were_typed(words, session):
    assert redact_own_words(words, [KEY]) == words
    generation = session.send(session.build(words), context={"cell": f"%%venice\n{words}", "template": words})
    assert generation.wait(10)
    draft = session.log.get("last").draft
    assert (draft.prompt, draft.context["template"], draft.context["cell"]) == (words, words, f"%%venice\n{words}")


@pytest.mark.parametrize(
    "typed",
    [
        f"%env VENICE_API_KEY={KEY}",
        "VENICE_ADMIN_KEY_0123456789abcdefghij",
        'Session(api_key="abcdefgh0123456789")',
        "0x" + "4c0883a69102937d" * 4,
        base64.b64encode(KEY.encode()).decode(),
    ],
)
def test_a_key_in_the_users_own_words_does_not_reach_the_log(typed):
    assert REMOVED in redact_own_words(f"see {typed}", [KEY])
