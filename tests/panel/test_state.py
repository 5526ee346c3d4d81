"""The choices as pure functions: what is remembered, what is sent, what an older message cannot do."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.panel.conftest import applied, difference
from venice_widgets.panel.state import (
    Form,
    Memory,
    SeedMode,
    State,
    edited,
    form_from_wire,
    heard,
    is_news,
    reset,
    spliced,
    started,
    use_seed,
)

texts = st.text(st.characters(exclude_categories=("Cs",)), max_size=40)


@pytest.fixture
def catalogue(session):
    return session.catalogue()


def test_false_and_zero_are_choices():
    form = started("z-image-turbo", "a fox", "1", "", {"safe_mode": False, "lora_strength": 0}).form
    assert form.fields() == {"model": "z-image-turbo", "lora_strength": 0, "safe_mode": False}


def test_sizes_are_remembered_for_each_model_and_everything_else_is_shared(catalogue):
    turbo, banana = catalogue.find("z-image-turbo"), catalogue.find("nano-banana-2")
    memory = Memory().with_value("z-image-turbo", "width", "512").with_value("z-image-turbo", "format", "png")
    assert memory.values(turbo) == {"width": "512", "format": "png"}
    assert memory.values(banana) == {"format": "png"}
    assert memory.left_out(banana) == {"width": "512"}


def test_a_tier_that_another_model_has_too_comes_along_and_one_that_it_lacks_does_not(catalogue):
    memory = Memory().with_value("gpt-image-2", "resolution", "4K")
    assert memory.values(catalogue.find("nano-banana-2")) == {"resolution": "4K"}
    assert memory.values(catalogue.find("seedream-v5-pro")) == {}


@given(texts, texts)
def test_a_splice_makes_the_same_text_in_browser_and_python(before, after):
    splice = difference(before, after)
    state = spliced(State(Form(prompt=before)), "a", 1, (splice[0], splice[1], splice[2]), base=0)
    assert state is not None
    assert state.form.prompt == after == applied({"prompt": before}, {"splice": splice})["prompt"]


def test_a_splice_of_another_text_is_not_applied():
    state = State(Form(prompt="a fox"), version=3, editor=("b", 9))
    assert spliced(state, "a", 1, (0, 0, "x"), base=2) is None
    mine = spliced(state, "a", 1, (0, 0, "x"), base=3)
    assert mine is not None
    assert spliced(mine, "a", 2, (0, 0, "y"), base=3) is not None, "typed before the first one was confirmed"


def test_an_older_message_is_no_news():
    state = heard(State(), "a", 5)
    assert not is_news(state, "a", 5)
    assert not is_news(state, "a", 4)
    assert is_news(state, "a", 6)
    assert is_news(state, "b", 1)


def test_making_again_is_chosen_for_one_request_only():
    state = edited(State(), "a", 1, {"again": True}, None)
    assert state.form.again
    assert not edited(state, "a", 2, {"images": "2"}, None).form.again
    assert not use_seed(state, 4).form.again


def test_reset_keeps_the_model_alone():
    state = started("gpt-image-2", "a fox", "3", "7", {"quality": "low"})
    assert reset(state).form == Form(model="gpt-image-2")


@given(texts, st.dictionaries(st.sampled_from(["style_preset", "format", "negative_prompt"]), texts), texts)
def test_a_form_comes_back_from_the_browser_as_it_went(prompt, values, seed):
    form = started("z-image-turbo", prompt, "2", seed, values).form
    assert form_from_wire(form.wire()) == form


@pytest.mark.parametrize(
    "broken",
    [{"prompt": None}, {"values": {"price": 1}}, {"seed_mode": "mine"}, {"images": 2}, {"values": {"seed": "1"}}],
)
def test_a_form_that_no_panel_sends_is_refused(broken):
    with pytest.raises((ValueError, KeyError)):
        form_from_wire({**Form(model="x", seed_mode=SeedMode.NEW).wire(), **broken})
