"""A session that talks to the simulator, without a limit on how many requests a minute."""

from collections.abc import Callable, Iterator
from typing import Any

import pytest

from venice_widgets import current
from venice_widgets.generation.rate_limiter import RateLimiter
from venice_widgets.session import Session
from venice_widgets.simulator import Simulator

KEY = "VENICE_INFERENCE_KEY_0123456789abcdef"


@pytest.fixture
def new_session(simulator: Simulator) -> Iterator[Callable[..., Session]]:
    """Makes sessions on the simulator, as several programs with one store would have them."""
    made: list[Session] = []

    def new(world: Simulator | None = None, **settings: Any) -> Session:
        session = Session(api_key=KEY, transport=(world or simulator).transport(), **settings)
        session._pace = RateLimiter(None)
        made.append(session)
        return session

    yield new
    for session in made:
        session.close()


@pytest.fixture
def session(new_session: Callable[..., Session]) -> Session:
    session = new_session()
    current.use_session(session)
    return session


@pytest.fixture
def sent(simulator: Simulator) -> Callable[[], list[dict[str, Any]]]:
    """The bodies of the image requests that arrived, in the order of their arrival."""
    return lambda: [request.json for request in simulator.requests if request.path == "/image/generate"]
