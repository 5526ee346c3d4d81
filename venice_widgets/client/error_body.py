"""What an error body says: its message, its code, and the field that it names, in every documented shape.

Source of the shapes: the Venice API's error document: ``{"error": "text"}``, with ``details`` and ``issues``;
``{"error": {"message", "param", "code"}}``; ``{"error", "code"}``; an HTML page of a proxy; anything else.
"""

from __future__ import annotations

import json
import re
from dataclasses import dataclass
from html import unescape
from typing import TYPE_CHECKING, Any

from venice_widgets.errors import clipped

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

LONGEST_TEXT = 600
_LONGEST_REASON = 4000
"""A provider's reason for a refusal is shown whole; this is a bound, not a cut."""
_DEEPEST = 20
_MODERATION = re.compile(
    r"moderation|content[_ -]?(policy|violation|filter)|safety[_ -]?(system|filter)|\bnsfw\b", re.IGNORECASE
)


@dataclass(frozen=True, slots=True)
class ErrorBody:
    """An error body, read."""

    text: str
    """Its message, its code in brackets, its details; cut at 600 characters."""
    whole_text: str
    """The same, uncut."""
    code: str = ""
    """Its code, such as ``X402_SIGN_IN_EXPIRED`` or ``moderation_blocked``; empty where it has none."""
    field: str | None = None
    """The field of the request that it names."""
    document: Mapping[str, Any] | None = None
    """Its JSON object without secrets; None where it is not one."""

    @property
    def is_moderation(self) -> bool:
        """Whether a content policy refused the request, by its code or type."""
        error = (self.document or {}).get("error")
        kind = error.get("type") if isinstance(error, dict) else ""
        return bool(_MODERATION.search(self.code) or _MODERATION.search(str(kind)))


def read_error(body: bytes, clean: Callable[[str], str] = str) -> ErrorBody:
    """Read an error body.

    Args:
        body: as much of it as was received.
        clean: takes secrets out of a text; applied before any text is cut.
    """
    document = cleaned(_document(body), clean)
    if not isinstance(document, dict):
        text = _plain_text(body, clean)
        return ErrorBody(_cut(text, LONGEST_TEXT), _cut(text, _LONGEST_REASON))
    text, code, name = _message(document)
    return ErrorBody(_cut(text, LONGEST_TEXT), _cut(text, _LONGEST_REASON), code, name, document)


def is_error_document(document: Any) -> bool:
    """Whether a JSON document that came with success is an error all the same."""
    return isinstance(document, dict) and bool(document.get("error")) and not document.get("images")


def _document(body: bytes) -> Any:
    try:
        return json.loads(body)
    except (ValueError, RecursionError):
        return None


def cleaned(value: Any, clean: Callable[[str], str], depth: int = 0) -> Any:
    """A JSON value as it may be stored: every text cleaned, and nothing nested deeper than any documented shape."""
    if depth > _DEEPEST:
        return None
    if isinstance(value, dict):
        return {encodable(clean(name)): cleaned(inner, clean, depth + 1) for name, inner in value.items()}
    if isinstance(value, list):
        return [cleaned(inner, clean, depth + 1) for inner in value]
    return encodable(clean(value)) if isinstance(value, str) else value


def encodable(text: str) -> str:
    """Text without half characters, which have no UTF-8, so that no database takes them."""
    return text.encode("utf-8", "replace").decode()


def _message(document: Mapping[str, Any]) -> tuple[str, str, str | None]:
    """The text of an error body, its code, and the field it is about where it names one."""
    error = document.get("error", document.get("message"))
    name, codes = None, [document.get("code")]
    if isinstance(error, dict):
        name = error.get("param") if isinstance(error.get("param"), str) else None
        codes.append(error.get("code"))
        error = error.get("message") or error.get("code") or error.get("type")
    code = next((each for each in codes if isinstance(each, str) and each), "")
    text = str(error) if error else "no reason given"
    text += f" ({code})" if code and code not in text else ""
    reasons = _details(document.get("details")) or _issues(document.get("issues"))
    if reasons:
        name = next((field for field, _ in reasons if field), name)
        text += ": " + "; ".join(f"{field}: {reason}" if field else reason for field, reason in reasons)
    return text, code, name


def _details(details: Any, path: str = "") -> list[tuple[str, str]]:
    """``{"_errors": […], "width": {"_errors": […]}}``, nested as the body is, or a text."""
    if isinstance(details, str):
        return [("", details)] if not path else []
    if not isinstance(details, dict):
        return []
    found = [(path, str(text)) for text in _listed(details.get("_errors"))]
    for name, inner in details.items():
        found += _details(inner, f"{path}.{name}" if path else name) if name != "_errors" else []
    return found


def _issues(issues: Any) -> list[tuple[str, str]]:
    """``[{"path": ["width"], "message": "…"}]``."""
    entries = [issue for issue in _listed(issues) if isinstance(issue, dict)]
    return [(".".join(map(str, _listed(issue.get("path")))), str(issue.get("message", ""))) for issue in entries]


def _listed(value: Any) -> list[Any]:
    """A list as it is, and anything else as the only element of one."""
    return value if isinstance(value, list) else [] if value is None else [value]


def _plain_text(body: bytes, clean: Callable[[str], str]) -> str:
    """What a proxy's page says, without its markup."""
    text = body.decode("utf-8", "replace")
    text = re.sub(r"(?is)<(script|style)\b.*?(?:</\1\s*>|\Z)", " ", text)
    return clean(unescape(re.sub(r"<[^<>]*>", " ", text))).strip() or "an empty body"


def _cut(text: str, longest: int) -> str:
    return clipped(" ".join(text.split()), longest)
