"""A request as it arrived, by whatever way."""

from __future__ import annotations

import functools
import json
import urllib.parse
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Mapping

PREFIX = "/api/v1"


@dataclass(frozen=True)
class ReceivedRequest:
    """One HTTP request. Its repr shows no headers: they carry keys."""

    method: str
    target: str
    """Path and query as they stood in the request."""
    headers: Mapping[str, str] = field(repr=False)
    """Names in lower case."""
    body: bytes = field(default=b"", repr=False)

    @property
    def path(self) -> str:
        """The endpoint, without ``/api/v1`` and query; empty for a path outside of it."""
        path = urllib.parse.urlsplit(self.target).path
        return path.removeprefix(PREFIX) if path.startswith(PREFIX) else ""

    @property
    def query(self) -> dict[str, str]:
        """The parameters behind the question mark."""
        return dict(urllib.parse.parse_qsl(urllib.parse.urlsplit(self.target).query))

    @functools.cached_property
    def json(self) -> Any:
        """The parsed body, or None where it is not JSON. Threads that come at the same time parse the same."""
        try:
            return json.loads(self.body, parse_constant=_no_json)
        except (ValueError, RecursionError):
            return None


def _no_json(constant: str) -> None:
    raise ValueError(f"{constant} is Python's, not JSON's")
