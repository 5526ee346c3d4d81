"""The protocol under random hands: what arrives at the server is what stood on the screen at the click, or nothing."""

import os
import random
from itertools import pairwise
from typing import Any

import pytest

from tests.panel.conftest import View, Wire
from venice_widgets.errors import VeniceError
from venice_widgets.panel import Panel
from venice_widgets.panel import clicks as panel_clicks
from venice_widgets.panel.protocol import BadMessage, Outbox, parse_message
from venice_widgets.panel.state import form_from_wire
from venice_widgets.session import Session

SEQUENCES = int(os.environ.get("VENICE_PANEL_SEQUENCES", "500"))
MODELS = ("z-image-turbo", "gpt-image-2", "qwen-image-2", "nano-banana-2", "krea-v2-large", "gone")
VALUES: dict[str, list[Any]] = {
    "width": ["512", "1001", None],
    "resolution": ["1K", "2K", "4K", None],
    "quality": ["low", "medium", "high", None],
    "aspect_ratio": ["1:1", "16:9", "7:5", None],
    "style_preset": ["Anime", "None such", None],
    "negative_prompt": ["rain", "--", "a\nb", None],
    "safe_mode": [True, False, None],
    "enhance_prompt": [True, None],
    "cfg_scale": ["7.5", "0", "x", None],
}


class Till:
    """A session that sends nothing, and writes down what it would have sent."""

    __class__ = Session

    def __init__(self, session: Session) -> None:
        self.session = session
        self.sold: list[tuple[Any, str]] = []

    def __getattr__(self, name: str) -> Any:
        return getattr(self.session, name)

    def send(self, prepared: Any, **_: Any) -> Any:
        self.sold.append((prepared, prepared.estimate.text))
        raise VeniceError("not sent: this is a test.")


def act(view: View, random: random.Random) -> Any:
    """One thing that a user does."""
    deed = random.randrange(12)
    if deed < 3:
        view.type(random.choice(["A fox", "A crow 🦊", "", "x" * 40, "two\nlines", view.form["prompt"] + "!"]))
    elif deed < 5:
        view.edit(model=random.choice(MODELS))
    elif deed < 8:
        name = random.choice(list(VALUES))
        view.put(**{name: random.choice(VALUES[name])})
    elif deed == 8:
        view.edit(images=random.choice(["1", "2", "4", "x", ""]))
    elif deed == 9:
        view.edit(seed_mode=random.choice(["new", "fixed"]), seed=random.choice(["7", "1..3", "zz", ""]))
    elif deed == 10:
        view.say(type=random.choice(["reset", "draw", "decline"]))
    return view.generate() if random.random() < 0.3 else None


def shuffled(messages: list[dict[str, Any]], random: random.Random) -> list[dict[str, Any]]:
    """Messages as a bad day delivers them: some twice, some before their elders."""
    order = [*messages, *random.sample(messages, k=min(len(messages), random.randrange(3)))]
    for _ in range(random.randrange(4)):
        if len(order) > 1:
            place = random.randrange(len(order) - 1)
            order[place], order[place + 1] = order[place + 1], order[place]
    return order


@pytest.mark.timeout(60 + SEQUENCES)
def test_what_would_be_sent_is_what_stood_on_the_screen_at_the_click_price_included(session, wire, monkeypatch):
    monkeypatch.setattr(panel_clicks, "SAME_CLICK_SECONDS", 0)
    session.catalogue()
    till = Till(session)
    panel = Panel(session=till, prompt="A fox")
    views = [View(panel, wire, name) for name in ("view-a", "view-b")]
    views[0].settle()
    for number in range(SEQUENCES):
        check_one(random.Random(number), views, till)
        wire.clear()
    assert len(till.sold) > SEQUENCES / 30, "most clicks at nothing prove nothing"
    panel.close()


def check_one(random: random.Random, views: list[View], till: Till) -> None:
    clicks: list[Any] = []
    sold_before = len(till.sold)
    for _ in range(random.randrange(2, 7)):
        view = random.choice(views)
        view.hold = [] if random.random() < 0.4 else None
        for _ in range(random.randrange(1, 4)):
            click = act(view, random)
            clicks += [click] if click else []
        held, view.hold = view.hold or [], None
        for message in shuffled(held, random):
            view.deliver(message)
    sending = views[0].panel._controller.sending
    assert sending.wait(20)
    assert sending._checks.wait(20)
    assert sending._turns.wait(20)
    for prepared, price in till.sold[sold_before:]:
        assert any(matches(prepared, price, click) for click in clicks), (prepared, price, clicks)


def matches(prepared: Any, price: str, click: dict[str, Any]) -> bool:
    form = form_from_wire(click["form"])
    fields = {name: value for name, value in form.fields().items() if name != "model"}
    sent = {name: str(value) for name, value in prepared.request.fields.items()}
    seeds = [str(seed) for seed in prepared.plan.seeds]
    return (
        click["shown"].get("price") == price
        and prepared.request.prompt == form.prompt
        and prepared.request.model.id == form.model
        and sent.keys() == fields.keys()
        and all(same(sent[name], value) for name, value in fields.items())
        and (form.seeds is None or seeds[0] in (form.seeds, form.seeds.split("..")[0]))
        and (form.lists_seeds or len(seeds) == int(form.images))
    )


def same(sent: str, chosen: Any) -> bool:
    try:
        return float(sent) == float(chosen)
    except (TypeError, ValueError):
        return sent.casefold() == str(chosen).casefold()


@pytest.mark.parametrize(
    "content",
    [
        None,
        {},
        {"type": "spend", "view": "a", "n": 1},
        {"type": "edit", "view": "", "n": 1},
        {"type": "edit", "view": "a", "n": True},
        {"type": "edit", "view": "a", "n": 1, "changes": {"images": 4}},
        {"type": "edit", "view": "a", "n": 1, "splice": [-1, 0, ""]},
        {"type": "edit", "view": "a", "n": 1, "splice": [0, 0]},
    ],
)
def test_a_message_of_another_shape_is_refused(content):
    with pytest.raises(BadMessage):
        parse_message(content)


def test_only_what_changed_is_told_and_versions_count_up():
    outbox = Outbox()
    first = outbox.news({"a": 1, "b": 2}, {})
    assert first == {"type": "state", "v": 1, "slices": {"a": 1, "b": 2}}
    assert outbox.news({"a": 1, "b": 2}, {}) is None
    assert outbox.news({"a": 1, "b": 3}, {"x": 4}) == {"type": "state", "v": 2, "slices": {"b": 3}, "acks": {"x": 4}}


def test_versions_arrive_in_their_order(open_panel, wire: Wire):
    view = open_panel()
    for length in range(30):
        view.type("x" * length)
    view.generate()
    view.settle()
    versions = [
        data["content"]["v"]
        for _, data, _ in wire.messages
        if data.get("method") == "custom" and data["content"]["type"] == "state"
    ]
    assert all(before < after for before, after in pairwise(versions))
