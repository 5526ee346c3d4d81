"""Secrets taken out of text that others wrote: a proxy's error page may quote the request's headers back.

Two nets, one behind the other. A secret that is known is found however it is written: as it is, percent-encoded,
escaped for JSON, JavaScript or HTML, any mixture of these, inside base64, broken over lines, and with its end cut off.
And whatever looks like a credential goes too, known or not: bearer tokens, cookies, signatures, private keys, values of
our variables, and user names in URLs. Rather a word too many is removed than a key left standing. Redact before cutting
a text to length.
"""

from __future__ import annotations

import base64
import logging
import re
from typing import TYPE_CHECKING, Protocol

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping

REMOVED = "[removed]"
SHORTEST_SECRET = 8
"""Fewer characters than this are no secret: removing them would eat words (the demo's key is "demo")."""


class Revealing(Protocol):
    """A secret that shows itself only when asked, like `config.Secret`."""

    def reveal(self) -> str:
        """The clear text."""
        ...


def redact(text: str, secrets: Iterable[str | Revealing | None] = ()) -> str:
    """The text without credentials.

    Args:
        text: anything: an error page, a header's value, a log line, a URL.
        secrets: the ones that are known; None and what is shorter than `SHORTEST_SECRET` is passed over.
    """
    text = _without_known(text, secrets)
    for pattern, replacement in _RULES:
        text = pattern.sub(replacement, text)
    return text


def redact_own_words(text: str, secrets: Iterable[str | Revealing | None] = ()) -> str:
    """The user's own text without keys: those that are known, and what has the shape of one.

    Other rules would eat words: "a sign: Cookie: 50% off today" stays as it was typed.
    """
    text = _without_known(text, secrets)
    for pattern, replacement in _KEY_RULES:
        text = pattern.sub(replacement, text)
    return text


def holds_key(text: str, secrets: Iterable[Revealing | None]) -> bool:
    """Whether the text holds an API key, or one of these secrets, if long enough not to be there by accident."""
    known = (secret.reveal() for secret in secrets if secret)
    return bool(_API_KEY.search(text)) or any(len(clear) >= 16 and clear in text for clear in known)


def safe_headers(
    headers: Mapping[str, str] | Iterable[tuple[str, str]], secrets: Iterable[str | Revealing | None] = ()
) -> dict[str, str]:
    """Headers that may be shown and kept: names in lower case, credentials left out, values redacted.

    The rewritten prompt is sent again, word for word: of it only what is known goes, not what looks like a credential
    ("Bearer of the flame").
    """
    known = tuple(secrets)
    pairs = [(name.lower(), value) for name, value in dict(headers).items() if not _SECRET_HEADER.search(name)]
    return {name: _without_known(value, known) if name in _PROMPTS else redact(value, known) for name, value in pairs}


def disarm(exception: BaseException, secrets: Iterable[str | Revealing | None] = ()) -> BaseException:
    """The same exception, safe to be the cause of another one: texts redacted, frames dropped, in the whole chain.

    A network library's frames hold the bytes that were on their way, headers included, and IPython's verbose
    tracebacks print what frames hold.
    """
    known = tuple(secrets)
    for link in _chain(exception):
        link.args = tuple(redact(arg, known) if isinstance(arg, str) else arg for arg in link.args)
        link.__traceback__ = None
    return exception


class RedactLogs(logging.Filter):
    """Takes credentials out of log records; httpcore writes a response's cookies at DEBUG.

    Args:
        secrets: the ones that are known.
    """

    LOGGERS = ("httpx", "httpcore.connection", "httpcore.http11", "httpcore.http2", "httpcore.proxy", "httpcore.socks")

    def __init__(self, secrets: Iterable[str | Revealing | None] = ()) -> None:
        super().__init__()
        self._secrets = tuple(secrets)

    def filter(self, record: logging.LogRecord) -> bool:
        """Rewrite the record's text; none is held back."""
        record.msg, record.args = redact(record.getMessage(), self._secrets), None
        return True

    def install(self) -> None:
        """Filter what the HTTP libraries log."""
        for name in self.LOGGERS:
            logging.getLogger(name).addFilter(self)

    def remove(self) -> None:
        """Undo `install`."""
        for name in self.LOGGERS:
            logging.getLogger(name).removeFilter(self)


_QUOTE = r"(?:\\{0,8}[\"']|&quot;|&\#0{0,4}3[49];|&\#x0{0,4}2[27];)"
_TAG = r"(?:\s{0,40}</?[a-z][^<>]{0,200}>)"
_HEADERS = (
    r"(?:proxy-)?authorization|(?:set-)?cookie2?|(?:x-)?sign-in-with-x|payment-signature|x-(?:402-)?payment"
    r"|(?:x-)?api-?key|x-(?:auth|access|csrf|xsrf)-token|x-amz-security-token"
)
_IN_QUERY = (
    r"(?:api[_-]?)?key|(?:access_|auth_|id_)?token|secret|password|sig(?:nature)?|x-amz-(?:signature|credential)"
)
# VENICE_API_KEY=…, os.environ["VENICE_API_KEY"] = "…", %env VENICE_WALLET_KEY …, Session(api_key="…"), wallet="…"
_KEY_NAMES = (
    r"(?:(?:venice_)?(?:api|wallet)_key[\"'\]]{0,3}(?:\s{0,9}[=:,]\s{0,9}|\s{1,9})"
    r"|wallet\s{0,9}=\s{0,9}(?=[\"']))[\"']?"
)
_WORD_BEGINS = r"(?:(?<![\w+/])|(?<=%[0-9a-f]{2})|(?<=\\x[0-9a-f]{2})|(?<=\\u00[0-9a-f]{2}))"
# And what else of base64 was broken over lines: lines of nothing else.
_NEXT_LINE = r"(?:\\{0,8}\r?\n|\\{1,8}r\\{1,8}n|\\{1,8}n|<br ?/?>)[ \t]{0,8}[\w+/=]{1,200}(?=[\s\\\"'<&]|\Z)"
_BASE58 = "[1-9A-HJ-NP-Za-km-z]"
# Cookie: a=b, "cookie": "a=b", (b'cookie', b'a=b'), <td>Cookie</td><td>a=b</td>: what is between name and value,
_BETWEEN = rf"(?:\s{{0,40}}[:=]{_TAG}{{0,4}}|\s{{0,40}},(?=\s{{0,40}}b?{_QUOTE})|{_TAG}{{1,4}}:?)\s{{0,40}}"
# and the value: to the end of its line or element, or of its quotation where the name is quoted too.
_LINE = r"(?:(?!\\{1,8}[rn]|</?[a-z][a-z0-9]{0,20}(?:\s[^<>\r\n]{0,200})?/?>)[^\r\n])+"
_VALUE = rf"(?(name)(?:b?(?P<quote>{_QUOTE}).{{0,20000}}?(?<!\\)(?P=quote)|{_LINE})|{_LINE})"
# Every repetition is bounded or cannot begin inside itself: a hostile page must not cost more than its length.
_KEY_RULES = tuple(
    (re.compile(f"(?i){pattern}"), replacement)
    for pattern, replacement in (
        (r"\b(VENICE_(?:INFERENCE|ADMIN)_KEY_)[\w*.…-]+", rf"\1{REMOVED}"),
        (rf"\b({_KEY_NAMES})(?=[\w.~+/=-]{{0,80}}\d)[\w.~+/=-]{{16,}}", rf"\1{REMOVED}"),
        # A private key, or a signature.
        (r"\b0x(?:[0-9a-f]{64}|[0-9a-f]{130})\b", REMOVED),
        # 64 bytes in base58: a Solana key or signature.
        (rf"(?-i:(?<!{_BASE58}){_BASE58}{{86,88}}(?!{_BASE58}))", REMOVED),
    )
)
_RULES = _KEY_RULES + tuple(
    (re.compile(f"(?i){pattern}"), replacement)
    for pattern, replacement in (
        (rf"\b((?:{_HEADERS})(?P<name>{_QUOTE})?{_BETWEEN}){_VALUE}", rf"\1{REMOVED}"),
        (rf"({_QUOTE}signature{_QUOTE}\s{{0,40}}:\s{{0,40}}{_QUOTE})[\w+/=-]+", rf"\1{REMOVED}"),
        (r"\b(bearer(?:\s|%20|\+){1,8})(?=\S{16}|\S{0,16}\d)[\w.~+/=%-]+", rf"\1{REMOVED}"),
        (rf"{_WORD_BEGINS}eyJ(?:[\w+/=.-]|%[0-9a-f]{{2}}){{24,}}(?:{_NEXT_LINE})*", REMOVED),
        (r"(://)[^\s/?#<>\"']*@", r"\1"),
        (r"(%3A%2F%2F)(?:(?!%2F|%3F)[^\s<>\"'&])*%40", r"\1"),
        (rf"([?&;](?:{_IN_QUERY})=)[^\s&#<>\"']+", rf"\1{REMOVED}"),
    )
)
_SECRET_HEADER = re.compile(
    r"(?i)authoriz|cookie|sign-in-with|signature|payment$|api-?key|token(?!s)|secret|password|credential|session"
)
_API_KEY = re.compile(r"VENICE_(?:INFERENCE|ADMIN)_KEY_[\w-]{16}")
_PROMPTS = {"x-venice-enhanced-prompt"}
_PUBLIC_BEGINNING = re.compile(r"VENICE_(?:INFERENCE|ADMIN)_KEY_|0x|")
_BACKSLASH = r"(?:\\|%(?:25){0,4}5c|&(?:amp;){0,4}\#92;)"
_ESCAPED = re.compile(r"(?i)\\|%[0-9a-f]{2}|&(?:\#|amp;|lt;|gt;|quot;|apos;)")
# A line's end, written or escaped; what takes no room or is markup; and how quoted-printable goes on in the next line.
_BREAK = re.compile(
    r"(?i)\s|=\r?\n|\\{1,8}[nrt]|%(?:25){0,4}0[ad]|[\u00ad\u200b-\u200d\u2060\ufeff]"
    r"|&(?:shy|zwnj|nbsp|\#173);|<[^<>]{0,200}>"
)
_BEGINNING = 12
"""So many characters of a secret are taken for it, whatever follows."""
_NAMED = {"&": "amp", "<": "lt", ">": "gt", '"': "quot", "'": "apos"}


def _without_known(text: str, secrets: Iterable[str | Revealing | None]) -> str:
    for secret in secrets:
        text = _without(text, secret)
    return text


def _without(text: str, secret: str | Revealing | None) -> str:
    clear = (secret if isinstance(secret, str) else secret.reveal()).strip() if secret else ""
    if len(clear) < SHORTEST_SECRET:
        return text
    public = _PUBLIC_BEGINNING.match(clear)
    hidden = clear[public.end() :] if public and len(clear) - public.end() >= SHORTEST_SECRET else clear
    joined = _BREAK.sub("", text)
    for written in (hidden, *_in_base64(hidden.encode())):
        if found := list(_places(joined, written)):
            origin = _origin(text)
            text = _cut(text, [(origin[start], origin[end - 1] + 1) for start, end in found])
            joined = _BREAK.sub("", text)
        text = _cut(text, _places(text, written))  # one that holds what looks like a break
    return text


def _origin(text: str) -> list[int]:
    """Where in the text each character is that is left when nothing in it is broken over lines."""
    origin: list[int] = []
    done = 0
    for found in _BREAK.finditer(text):
        origin += range(done, found.start())
        done = found.end()
    return [*origin, *range(done, len(text))]


def _cut(text: str, places: Iterable[tuple[int, int]]) -> str:
    """The text with `REMOVED` at each of these places, which are in order."""
    pieces, done = [], 0
    for start, end in places:
        pieces += [text[done:start], REMOVED]
        done = end
    return "".join([*pieces, text[done:]])


def _may_hold(text: str, written: str) -> bool:
    """Whether the thorough search is worth its patterns, which take a tenth of a second to compile for one key.

    Where nothing in the text is escaped, every character can only stand for itself.
    """
    return bool(_ESCAPED.search(text) or re.search("(?i)" + "".join(map(_literal, written[:_BEGINNING])), text))


def _places(text: str, written: str) -> Iterator[tuple[int, int]]:
    """Where what begins like the secret is, as far as it goes on: its end may have been cut off."""
    if not _may_hold(text, written):
        return
    characters = [_forms(character, backslashes=8 if place else 0) for place, character in enumerate(written)]
    beginning, done = re.compile("(?i)" + "".join(characters[:_BEGINNING])), 0
    while found := beginning.search(text, done):
        done = found.end()
        for character in characters[_BEGINNING:]:
            more = re.compile(f"(?i){character}").match(text, done)
            if not more:
                break
            done = more.end()
        yield found.start(), done


def _forms(character: str, backslashes: int) -> str:
    """A pattern for one character, written in any of the ways that pages and programs write it.

    Args:
        character: which one.
        backslashes: how many may precede it; none before a secret's first, or a row of them would cost dearly.
    """
    code = ord(character)
    percent = "".join(rf"%(?:25){{0,4}}{byte:02x}" for byte in character.encode())
    # The longest first: a cut secret is followed one character at a time, without a second try.
    forms = (
        *([rf"&(?:amp;){{0,4}}{_NAMED[character]};"] if character in _NAMED else []),
        rf"&(?:amp;){{0,4}}\#0{{0,4}}{code};",
        rf"&(?:amp;){{0,4}}\#x0{{0,4}}{code:x};",
        percent,
        _literal(character),
    )
    javascript = rf"{_BACKSLASH}{{1,{backslashes or 1}}}(?:u{code:04x}|u\{{0{{0,4}}{code:x}\}}|x{code:02x})"
    return rf"(?:{javascript}|{_BACKSLASH}{{0,{backslashes}}}(?:{'|'.join(forms)}))"


def _literal(character: str) -> str:
    """A pattern for one character as it is, in either of base64's two alphabets."""
    return "[+-]" if character in "+-" else "[/_]" if character in "/_" else re.escape(character)


def _in_base64(secret: bytes) -> Iterator[str]:
    """What of the secret's base64 does not depend on its neighbors, for each of the three places it can begin at."""
    for before in range(3):
        encoded = base64.b64encode(bytes(before) + secret).decode()
        yield encoded[-(-8 * before // 6) : 8 * (before + len(secret)) // 6]


def _chain(exception: BaseException) -> Iterator[BaseException]:
    seen: set[int] = set()
    waiting: list[BaseException | None] = [exception]
    while waiting:
        link = waiting.pop()
        if link is not None and id(link) not in seen:
            seen.add(id(link))
            yield link
            waiting += [link.__cause__, link.__context__]
