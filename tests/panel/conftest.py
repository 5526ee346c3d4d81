"""A browser without a browser: it speaks the panel's protocol as `view/channel.js` does, and counts what crosses."""

import copy
import json
import threading
import time
from collections.abc import Callable, Iterator
from typing import Any

import comm
import ipywidgets
import pytest
from comm.base_comm import BaseComm

from venice_widgets.panel import Panel
from venice_widgets.session import Session
from venice_widgets.simulator import Simulator


class Wire:
    """Everything that the kernel sent to the browser, in order."""

    def __init__(self) -> None:
        self.messages: list[tuple[str, dict[str, Any], list[bytes]]] = []
        self.listeners: list[Callable[[dict[str, Any], list[bytes]], None]] = []
        self.comms: set[str] = set()
        self._lock = threading.Lock()

    def add(self, kind: str, comm_id: str, data: Any, buffers: Any) -> None:
        kept = json.loads(json.dumps(data or {}, default=str))
        parts = [bytes(buffer) for buffer in buffers or ()]
        with self._lock:
            self.messages.append((kind, kept, parts))
            (self.comms.add if kind == "comm_open" else self.comms.discard if kind == "comm_close" else str)(comm_id)
        if kept.get("method") == "custom":
            for listener in self.listeners:
                listener(kept["content"], parts)

    @property
    def bytes(self) -> int:
        return sum(len(json.dumps(data)) + sum(map(len, parts)) for _, data, parts in self.messages)

    def clear(self) -> None:
        self.messages.clear()


@pytest.fixture(autouse=True)
def wire(monkeypatch: pytest.MonkeyPatch) -> Wire:
    """Comms that only count."""
    made = Wire()

    class CountingComm(BaseComm):
        def publish_msg(self, msg_type, data=None, metadata=None, buffers=None, **keys):
            made.add(msg_type, self.comm_id, data, buffers)

    monkeypatch.setattr(comm, "create_comm", CountingComm)
    return made


class View:
    """One view of a panel, in one tab."""

    def __init__(self, panel: Panel, wire: Wire, name: str = "view-a") -> None:
        self.panel, self.name = panel, name
        self.sent = self.heard = self.version = self.base = 0
        self.slices: dict[str, Any] = {}
        self.form: dict[str, Any] = {}
        self.pending: list[dict[str, Any]] = []
        self.images: dict[str, bytes] = {}
        self.replies: dict[str, tuple[dict[str, Any], list[bytes]]] = {}
        self.hold: list[dict[str, Any]] | None = None
        """Messages that are on their way, where the test delivers them itself."""
        wire.listeners.append(self.hear)
        self.say(type="hello", have=[])

    # What the browser sends.

    def say(self, buffers: list[bytes] | None = None, **message: Any) -> dict[str, Any]:
        self.sent += 1
        whole = {**copy.deepcopy(message), "view": self.name, "n": self.sent}
        if self.hold is not None:
            self.hold.append(whole)
        else:
            self.deliver(whole, buffers)
        return whole

    def deliver(self, message: dict[str, Any], buffers: list[bytes] | None = None) -> None:
        data = {"method": "custom", "content": message}
        self.panel._handle_msg({"content": {"data": data}, "buffers": buffers or []})

    def edit(self, **changes: Any) -> None:
        self.form = applied(self.form, {"changes": changes})
        self.pending.append({**self.say(type="edit", changes=changes)})

    def put(self, **values: Any) -> None:
        self.edit(values=values)

    def type(self, prompt: str) -> None:
        """Change the prompt as a keystroke or paste does."""
        splice = difference(self.form["prompt"], prompt)
        self.form = {**self.form, "prompt": prompt}
        self.pending.append(self.say(type="edit", splice=splice, base=self.base))

    def generate(self) -> dict[str, Any]:
        """Click; what stood on this screen is given back."""
        shown = {"form": copy.deepcopy(self.form), "shown": dict(self.slices["quote"]["facts"])}
        self.say(type="generate", **shown)
        return shown

    def act(self, action: str, **about: Any) -> None:
        self.say(type="act", action=action, **about)

    def ask(self, what: str, **about: Any) -> tuple[dict[str, Any], list[bytes]]:
        name = f"q{self.sent}"
        self.say(type="ask", what=what, id=name, **about)
        self.settle()
        return self.replies[name]

    # What the browser hears.

    def hear(self, message: dict[str, Any], buffers: list[bytes]) -> None:
        if message["type"] == "images":
            self.images |= dict(zip(message["keys"], buffers, strict=True))
        elif message["type"] == "reply" and message["view"] == self.name:
            self.replies[message["id"]] = (message, buffers)
        elif message["type"] == "resync" and message["view"] == self.name:
            self.edit(prompt=self.form["prompt"])
        elif message["type"] == "state" and (message["v"] > self.version or message.get("whole")):
            self._hear_state(message)

    def _hear_state(self, message: dict[str, Any]) -> None:
        self.version = message["v"]
        self.heard = max(self.heard, message.get("acks", {}).get(self.name, 0))
        self.pending = [edit for edit in self.pending if edit["n"] > self.heard]
        slices = message.get("slices", {})
        self.slices |= slices
        if "form" in slices:
            own = dict(slices["form"])
            self.base = own.pop("v")
            for edit in self.pending:
                own = applied(own, edit)
            self.form = own
        if "edit" in message:
            self._hear_edit(message["edit"])

    def _hear_edit(self, edit: dict[str, Any]) -> None:
        known, self.base = edit["base"] == self.base, edit["v"]
        if edit["view"] == self.name:
            return
        if known and not self.pending:
            self.form = applied(self.form, edit)
        else:
            self.say(type="hello", have=list(self.images))

    # What the user sees.

    @property
    def words(self) -> str:
        return "\n".join(notice["text"] for notice in self.slices["notices"])

    @property
    def problem(self) -> str:
        return str(self.slices["quote"]["problem"])

    @property
    def cards(self) -> list[dict[str, Any]]:
        return [card for card in self.slices["gallery"]["cards"] if "waiting" not in card]

    def control(self, name: str) -> dict[str, Any] | None:
        return next((each for each in self.slices["controls"]["controls"] if each["name"] == name), None)

    def settle(self, timeout_seconds: float = 30) -> None:
        """Wait until nothing is waited for and everything is drawn."""
        controller = self.panel._controller
        queues = (controller.sending._checks, controller.sending._turns, controller.network, controller.records)
        for _ in range(3):
            assert controller.sending.wait(timeout_seconds)
            for queue in (*queues, self.panel._announcements):
                assert queue.wait(timeout_seconds)


def applied(form: dict[str, Any], edit: dict[str, Any]) -> dict[str, Any]:
    """A form after an edit, as `channel.js` computes it."""
    if "splice" in edit:
        start, removed, text = edit["splice"]
        units = form["prompt"].encode("utf-16-le", "surrogatepass")
        whole = units[: 2 * start] + text.encode("utf-16-le", "surrogatepass") + units[2 * (start + removed) :]
        return {**form, "prompt": whole.decode("utf-16-le", "surrogatepass")}
    changes = dict(edit["changes"])
    values = {**form["values"], **changes.pop("values", {})}
    return {**form, **changes, "values": {name: value for name, value in values.items() if value not in (None, "")}}


def difference(before: str, after: str) -> list[Any]:
    """The one splice that makes one text of another, in UTF-16 units."""
    shorter, start, tail = min(len(before), len(after)), 0, 0
    while start < shorter and before[start] == after[start]:
        start += 1
    while tail < shorter - start and before[-1 - tail] == after[-1 - tail]:
        tail += 1

    def units(text: str) -> int:
        return len(text.encode("utf-16-le")) // 2

    return [units(before[:start]), units(before[start : len(before) - tail]), after[start : len(after) - tail]]


@pytest.fixture
def open_panel(session: Session, wire: Wire) -> Iterator[Callable[..., View]]:
    """Open a panel of the session with one view, and wait until the models are there."""
    if int(ipywidgets.__version__.partition(".")[0]) < 8:
        pytest.skip("the comms of ipywidgets 7 are ipykernel's, which test_kernel tries")
    opened: list[Panel] = []

    def opening(**given: Any) -> View:
        panel = Panel(**{"session": session, "prompt": "A fox", **given})
        opened.append(panel)
        view = View(panel, wire)
        view.settle()
        return view

    yield opening
    for panel in opened:
        panel.close()


def sent(simulator: Simulator) -> list[dict[str, Any]]:
    """The bodies that arrived at the server."""
    return [each.json for each in simulator.requests if each.path.endswith("/image/generate")]


def wait_until(true: Callable[[], Any], seconds: float = 20) -> None:
    end = time.monotonic() + seconds
    while not true():
        assert time.monotonic() < end, "it did not happen in time"
        time.sleep(0.02)
