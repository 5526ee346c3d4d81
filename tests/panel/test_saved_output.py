"""What stays in the notebook where there is no panel: images, seeds, prices, and how to bring the panel back."""

import pytest

from venice_widgets.panel.saved_output import BRING_BACK, Saved, SavedOutput, saved
from venice_widgets.simulator import Fault


@pytest.fixture
def generation(session):
    return lambda images=2, **fields: session.generate("a fox & a “crow”", images=images, width=64, height=64, **fields)


def test_images_seeds_prices_and_one_sentence_without_a_script(generation):
    made = generation()
    html = saved(made, ()).bundle().data["text/html"]
    assert html.count("<img") == 2
    assert all(f"seed {image.seed}" in html for image in made.images)
    assert "0.01" in html
    assert BRING_BACK in html
    assert "<script" not in html
    assert "a fox &amp; a" in html


def test_before_the_first_image_the_sentence_alone_stands_there():
    bundle = Saved().bundle()
    assert BRING_BACK in bundle.data["text/html"]
    assert "venice" not in bundle.metadata


def test_pinned_images_have_room_beside_a_large_generation_and_leave_when_they_are_unpinned(
    high_rate_limit, generation
):
    first, second = generation(10), generation(12)
    kept = saved(second, first.images)
    assert kept.images == (*second.images[:4], *first.images[:8])
    assert kept.notes[-1] == "10 more are in the log: %venice log."
    assert saved(second, ()).images == second.images
    assert len(kept.bundle().metadata["venice"]["runs"]) == 12


def test_what_is_missing_is_shown_with_its_money(session, simulator):
    simulator.add_fault(Fault("violation"))
    prepared = session.build("a fox", images=2, width=64, height=64)
    made = session.send(prepared, yes=True, ask=None)
    made.wait(20)
    html = saved(made, ()).bundle().data["text/html"]
    assert "not charged" in html


def test_a_panel_writes_it_once_a_generation_and_again_for_a_pin(open_panel, monkeypatch):
    written: list[Saved] = []
    monkeypatch.setattr(SavedOutput, "show", lambda _, kept: written.append(kept))
    view = open_panel(images=2)
    view.generate()
    view.settle()
    assert [len(kept.images) for kept in written] == [2]
    pinned = view.cards[0]["key"]
    view.act("pin", key=pinned)
    view.type("A crow")
    view.generate()
    view.settle()
    assert [len(kept.images) for kept in written] == [2, 2, 3]
    view.act("pin", key=pinned)
    view.settle()
    assert len(written[-1].images) == 2
