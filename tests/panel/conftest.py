"""A browser that is none: it counts what the kernel sends, and sends what a person does, from any thread."""

import json
import threading
from collections.abc import Callable, Iterator
from typing import Any

import comm
import ipywidgets as W  # noqa: N812
import pytest
from comm.base_comm import BaseComm

from venice_widgets.panel import Panel
from venice_widgets.session import Session


class Wire:
    """Everything that the kernel sent to the browser, by size."""

    def __init__(self) -> None:
        self.sizes: list[int] = []
        self._lock = threading.Lock()

    def add(self, data: Any, buffers: Any) -> None:
        size = len(json.dumps(data, default=str)) + sum(memoryview(buffer).nbytes for buffer in buffers or ())
        with self._lock:
            self.sizes.append(size)

    @property
    def bytes(self) -> int:
        return sum(self.sizes)

    def clear(self) -> None:
        self.sizes.clear()


@pytest.fixture(autouse=True)
def wire(monkeypatch: pytest.MonkeyPatch) -> Wire:
    """Comms that only count."""
    made = Wire()

    class CountingComm(BaseComm):
        def publish_msg(self, msg_type, data=None, metadata=None, buffers=None, **keys):
            made.add(data, buffers)

    monkeypatch.setattr(comm, "create_comm", CountingComm)
    return made


class Person:
    """Somebody at the panel: finds controls by their visible label, and says what the browser says."""

    def __init__(self, panel: Panel) -> None:
        self.panel = panel

    def all(self) -> Iterator[Any]:
        """Every widget of the panel."""

        def inside(widget: Any) -> Iterator[Any]:
            yield widget
            for child in getattr(widget, "children", ()):
                yield from inside(child)

        return inside(self.panel.widget)

    def shown(self) -> Iterator[Any]:
        """Every widget that can be seen."""

        def inside(widget: Any) -> Iterator[Any]:
            if widget.layout.display != "none":
                yield widget
                for child in getattr(widget, "children", ()):
                    yield from inside(child)

        return inside(self.panel.widget)

    def find(self, label: str, place: int = 0) -> Any:
        """The visible control whose label begins so."""
        found = [w for w in self.shown() if getattr(w, "description", "").startswith(label)]
        assert found, f"no visible control is called {label!r}"
        return found[place]

    def sees(self, label: str) -> bool:
        """Whether a control of that label is visible."""
        return any(getattr(w, "description", "").startswith(label) for w in self.shown())

    def text(self) -> str:
        """All the text and markup that is visible."""
        return "\n".join(w.value for w in self.shown() if isinstance(w, W.HTML))

    def click(self, label: str, place: int = 0) -> None:
        """Click a button."""
        rows = [w for w in self.shown() if "venice-actions" in w._dom_classes and label in w.options]
        if rows:
            self.send_state(rows[place], {"index": rows[place].options.index(label)})
            self.panel._lane.wait(5)
            return
        message = {"method": "custom", "content": {"event": "click"}}
        self.find(label, place)._handle_msg({"content": {"data": message}, "buffers": []})

    def set(self, label: str, value: Any) -> None:
        """Give a control a value, as the browser says it."""
        widget = self.find(label)
        state = {"value": value}
        if isinstance(widget, W.Dropdown | W.ToggleButtons | W.Select):
            state = {"index": [option for _, option in _pairs(widget)].index(value)}
        self.send_state(widget, state)

    def send_state(self, widget: Any, state: dict[str, Any]) -> None:
        """What the browser sends when a person changes something."""
        data = {"method": "update", "state": state, "buffer_paths": []}
        widget._handle_msg({"content": {"data": data}, "buffers": []})

    def settle(self, timeout_seconds: float = 20) -> None:
        """Wait until nothing is on its way and everything is drawn."""
        panel, desk = self.panel, self.panel.desk
        assert desk.sending.wait(timeout_seconds)
        for _ in range(3):
            for lane in (desk.wire, desk.books, panel._lane):
                assert lane.wait(timeout_seconds)


def _pairs(widget: Any) -> list[tuple[str, Any]]:
    return [option if isinstance(option, tuple) else (option, option) for option in widget.options]


@pytest.fixture
def open_panel(session: Session) -> Callable[..., Person]:
    """Open a panel of the session, and wait until the models are there."""

    def opened(**given: Any) -> Person:
        person = Person(Panel(**{"session": session, "prompt": "A fox", **given}))
        person.settle()
        return person

    return opened


def from_a_foreign_thread(act: Callable[[], None]) -> None:
    """Do it where no event loop runs and no cell is known, as ipykernel's subshells do."""
    problems: list[BaseException] = []

    def run() -> None:
        try:
            act()
        except BaseException as exc:  # noqa: BLE001  told to the test
            problems.append(exc)

    thread = threading.Thread(target=run)
    thread.start()
    thread.join(20)
    assert not thread.is_alive(), "the handler did not return"
    if problems:
        raise problems[0]
