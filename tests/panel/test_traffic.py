"""How much crosses the wire, counted and not timed: the notebook's connection is shared with everything else."""

import time

from tests.panel.conftest import Person
from venice_widgets.display import Bundle
from venice_widgets.panel.saved import SavedPictures, Shelf
from venice_widgets.session import Session


def bundle_bytes(bundle: Bundle) -> int:
    return sum(len(str(content)) for content in bundle.data.values()) + len(str(bundle.metadata))


def test_switching_models_takes_ten_kilobytes_at_most(open_panel, wire):
    person = open_panel()
    for model in ("gpt-image-2", "z-image-turbo", "qwen-image-2", "nano-banana-2", "krea-v2-large", "gpt-image-2"):
        wire.clear()
        person.set("Model", model)
        person.settle()
        assert 0 < wire.bytes <= 10_000, model


def test_a_key_in_the_prompt_takes_a_kilobyte_at_most_and_no_request(open_panel, wire, simulator):
    person = open_panel(prompt="x" * 5000)
    before = len(simulator.requests)
    for length in range(5001, 5021):
        wire.clear()
        person.set("Prompt", "x" * length)
        person.settle()
        assert wire.bytes <= 1000
    assert len(simulator.requests) == before
    assert "5,020" in person.find("Prompt").description


def generated(open_panel, images: int) -> Person:
    person = open_panel(images=images)
    person.click("Generate")
    person.settle(60)
    return person


def test_eight_pictures_cross_once_and_the_saved_output_adds_less_than_two_more(open_panel, wire, monkeypatch):
    written: list[int] = []
    show = SavedPictures.show
    monkeypatch.setattr(
        SavedPictures, "show", lambda self, shelf: (written.append(bundle_bytes(shelf.bundle())), show(self, shelf))
    )
    person = open_panel(images=8)
    wire.clear()
    person.click("Generate")
    person.settle(60)
    previews = sum(len(image.preview.data) for image in person.panel.generation.images)
    assert len(person.panel.generation.images) == 8
    assert wire.bytes <= 1.1 * previews
    assert len(written) == 1
    assert wire.bytes + written[0] <= 3 * previews


def test_comparing_and_blending_send_no_picture_again(open_panel, wire):
    person = generated(open_panel, 2)
    for place in (0, 1):
        person.click("More", place)
    wire.clear()
    person.click("Compare")
    person.click("Compare")
    person.settle()
    person.set("Show", "Compare")
    person.send_state(person.find("Show", 1), {"index": 1})
    person.settle()
    assert wire.bytes < 20_000
    wire.clear()
    person.send_state(person.find("Blend"), {"value": 30})
    person.settle()
    assert wire.bytes < 500


def test_dozens_of_pictures_leave_the_browser_again(open_panel):
    person = open_panel(images=20, width=64, height=64, session=Session(demo=True))
    for _ in range(2):
        person.click("Generate")
        person.settle(60)
    cards = person.panel._shelves.gallery.widget.children
    assert len(cards) == 36


def test_waiting_costs_little(open_panel, wire, simulator):
    from venice_widgets.simulator import Fault

    simulator.add_fault(Fault("slow", seconds=3))
    person = open_panel()
    wire.clear()
    person.click("Generate")
    time.sleep(2.5)
    ticks = wire.bytes
    person.panel.cancel()
    person.settle()
    assert ticks <= 4000


def test_the_saved_output_holds_the_last_generation_and_what_is_pinned_and_never_more_than_twelve(open_panel):
    person = open_panel(images=8, width=64, height=64)
    person.click("Generate")
    person.settle(60)
    first = person.panel.generation
    gallery = person.panel._shelves.gallery
    for image in first.images:
        gallery.pinned[(image.run_id, image.sha256)] = image
    person.click("Generate")
    person.settle(60)
    shelf = Shelf.of(person.panel.generation, tuple(gallery.pinned.values()))
    assert shelf.images[:8] == person.panel.generation.images
    assert shelf.images[8:] == first.images[:4]
    assert "4 more are in the log" in shelf.notes[-1]
    assert len(shelf.bundle().metadata["venice"]["runs"]) == 12
