from dataclasses import replace

import pytest

from venice_widgets.panel.choices import ELSEWHERE, Choices, SeedMode
from venice_widgets.request.catalogue import Catalogue, Model
from venice_widgets.request.fields import field_facts


@pytest.fixture
def catalogue(session) -> Catalogue:
    return session.catalogue()


def model(catalogue: Catalogue, name: str) -> Model:
    found = catalogue.find(name)
    assert found is not None
    return found


def on(choices: Choices, name: str) -> Choices:
    return replace(choices, model=name)


def test_nothing_chosen_sends_nothing(catalogue):
    for each in catalogue.models:
        assert on(Choices(), each.id).fields(each) == {}


def test_only_what_applies_to_the_model_is_sent(catalogue):
    chosen = on(Choices(), "z-image-turbo").with_fields({"width": 512, "negative_prompt": "rain"})
    assert chosen.fields(model(catalogue, "z-image-turbo")) == {"negative_prompt": "rain", "width": 512}
    assert on(chosen, "gpt-image-2").fields(model(catalogue, "gpt-image-2")) == {"negative_prompt": "rain"}


def test_sizes_are_remembered_for_each_model_and_words_for_all(catalogue):
    chosen = on(Choices(), "gpt-image-2").with_fields({"aspect_ratio": "16:9", "negative_prompt": "rain"})
    there = on(chosen, "qwen-image-2").with_fields({"aspect_ratio": "21:9", "negative_prompt": "text"})
    back = on(there, "gpt-image-2").fields(model(catalogue, "gpt-image-2"))
    assert back == {"aspect_ratio": "16:9", "negative_prompt": "text"}


def test_a_value_goes_along_to_a_model_that_takes_it_and_only_there(catalogue):
    chosen = on(Choices(), "qwen-image-2").with_field("aspect_ratio", "16:9")
    assert on(chosen, "gpt-image-2").fields(model(catalogue, "gpt-image-2")) == {"aspect_ratio": "16:9"}
    chosen = chosen.with_field("aspect_ratio", "21:9")
    assert on(chosen, "gpt-image-2").fields(model(catalogue, "gpt-image-2")) == {}


def test_the_default_chosen_on_purpose_is_remembered_too(catalogue):
    chosen = on(Choices(), "gpt-image-2").with_field("quality", "low").with_field("quality", "")
    assert chosen.fields(model(catalogue, "gpt-image-2")) == {}


def test_without_fields_forgets_what_was_chosen(catalogue):
    chosen = on(Choices(), "z-image-turbo").with_fields({"width": 512, "format": "png"})
    assert chosen.without_fields().fields(model(catalogue, "z-image-turbo")) == {}


def test_style_references_are_typed_one_a_line(catalogue):
    chosen = on(Choices(), "krea-v2-large").with_field("style_references", "a b.png@0.6\n\n  c.png\n")
    assert chosen.fields(model(catalogue, "krea-v2-large")) == {"style_references": ["a b.png@0.6", "c.png"]}


def test_every_field_of_the_request_has_a_control(open_panel):
    person = open_panel()
    form = person.panel._form
    assert form.fields.keys() | {"width", "height"} == field_facts().keys() - ELSEWHERE


def test_seeds_that_are_listed_say_how_many_pictures_there_are():
    listed = Choices(seed_mode=SeedMode.FIXED, seed="7,9,12", images=4)
    assert listed.seeds == "7,9,12"
    assert listed.images_or_none is None
    assert replace(listed, seed_mode=SeedMode.NEW).images_or_none == 4
