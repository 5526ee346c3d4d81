"""A simulator that writes down its commissions instead of painting them, and clients that talk to it."""

from __future__ import annotations

import base64
from typing import TYPE_CHECKING, Any

import httpx
import pytest

from venice_widgets.simulator import Simulator

if TYPE_CHECKING:
    from collections.abc import Iterator

    from venice_widgets.simulator.art.painter import Commission

BASE_URL = "https://api.venice.ai/api/v1"


def written_down(commission: Commission) -> bytes:
    return repr(commission).encode()


class Venice:
    """One simulator and one client."""

    def __init__(self, **settings: Any) -> None:
        self.simulator = Simulator(**({"paint": written_down, "requests_per_minute": None} | settings))
        self.client = httpx.Client(
            transport=self.simulator.transport(),
            base_url=BASE_URL,
            headers={"authorization": "Bearer VENICE_ADMIN_KEY_test"},
        )

    def post(self, *, headers: dict[str, str] | None = None, **body: Any) -> httpx.Response:
        return self.client.post(
            "/image/generate", json={"model": "z-image-turbo", "prompt": "a fox"} | body, headers=headers
        )

    def images(self, **body: Any) -> list[bytes]:
        response = self.post(**body)
        assert response.status_code == 200, response.text
        return [base64.b64decode(image) for image in response.json()["images"]]

    def get(self, path: str, **settings: Any) -> Any:
        response = self.client.get(path, **settings)
        assert response.status_code == 200, response.text
        return response.json()


@pytest.fixture
def make_venice() -> Iterator[Any]:
    made: list[Venice] = []

    def make(**settings: Any) -> Venice:
        made.append(Venice(**settings))
        return made[-1]

    yield make
    for venice in made:
        venice.client.close()


@pytest.fixture
def venice(make_venice: Any) -> Venice:
    return make_venice()
