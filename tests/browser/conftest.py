"""One server, Chromium, window and kernel for all browser tests of a worker; each test finds them empty.

To load JupyterLab takes three seconds, and to open a notebook in it a third of one. A kernel takes one second to
start; one that a test leaves busy, or shuts down, is replaced.

Skipped with the reason where Chromium or Playwright is missing; with ``VENICE_REQUIRE_BROWSER=1`` that fails instead.
Screenshots of each state go to the folder that ``VENICE_SCREENSHOTS`` names, where it is set.
"""

import os
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from tests.browser.jupyter import HEIGHT_PIXELS, Notebook, Server, chromium, jupyter, launch, leave, new_window

SCREENSHOTS = os.environ.get("VENICE_SCREENSHOTS")


def _missing() -> str:
    try:
        import playwright.sync_api  # noqa: F401
    except ImportError:
        return "Playwright for Python is not installed"
    return "" if chromium() else "there is no chromium on PATH (Debian: apt install chromium-headless-shell)"


@pytest.fixture(scope="session")
def _installed() -> None:
    """Chromium and Playwright."""
    missing = _missing()
    if missing and os.environ.get("VENICE_REQUIRE_BROWSER") == "1":
        pytest.fail(missing)
    if missing:
        pytest.skip(missing)


@pytest.fixture(scope="session")
def server(_installed: None, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Server]:
    """A running JupyterLab."""
    with jupyter(tmp_path_factory.mktemp("jupyter")) as running:
        yield running


@pytest.fixture(scope="package")
def browser(_installed: None) -> Iterator[Any]:
    """A running Chromium, closed after these tests: while it is open, Playwright's event loop runs in this thread."""
    from playwright.sync_api import sync_playwright

    with sync_playwright() as playwright:
        made = launch(playwright)
        yield made
        made.close()


@pytest.fixture(scope="package")
def window(browser: Any) -> Iterator[Any]:
    """A window for one test after another."""
    with new_window(browser) as made:
        yield made


@pytest.fixture(scope="package")
def kernels() -> list[str]:
    """The ids of kernels that are running, and empty."""
    return []


@pytest.fixture
def page(window: Any, kernels: list[str]) -> Iterator[Any]:
    """The window, without what the test before opened in it."""
    yield window
    for other in window.context.pages:
        if other is not window:
            other.close()
    kernels[:] = filter(None, [leave(window)])


@pytest.fixture
def open_notebook(server: Server, page: Any, kernels: list[str]) -> Callable[..., Notebook]:
    """Write a notebook of these cells, open it in JupyterLab and run all."""

    def opened(name: str, *cells: str, dark: bool = False, width: int = 1400) -> Notebook:
        server.write(name, *cells)
        page.set_viewport_size({"width": width, "height": HEIGHT_PIXELS})
        notebook = Notebook(server, page, name)
        notebook.show(dark=dark, kernel=kernels.pop() if kernels else None)
        notebook.run_all()
        return notebook

    return opened


@pytest.fixture
def shoot(page: Any) -> Callable[[str], None]:
    """Keep an image of a state, where somebody wants to look at it."""

    def shot(name: str) -> None:
        if SCREENSHOTS:
            Path(SCREENSHOTS).mkdir(parents=True, exist_ok=True)
            page.wait_for_timeout(400)
            page.screenshot(path=Path(SCREENSHOTS) / f"{name}.png")

    return shot
