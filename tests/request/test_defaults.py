"""What a request leaves open is on record as it stood, with where it came from."""

import pytest

from venice_widgets.request.defaults import defaults_text, resolution
from venice_widgets.request.fields import field_facts


def resolved(session, **fields):
    return resolution(session.build("A fox", **fields).request)


def test_every_default_is_explicit_and_says_whose_it_is(session):
    assert resolved(session, seed=1) == {
        "model": {"value": "z-image-turbo", "from": "the catalogue's default"},
        "negative_prompt": {"value": None, "from": "the API's default"},
        "style_preset": {"value": None, "from": "the API's default"},
        "width": {"value": 1024, "from": "the API's default"},
        "height": {"value": 1024, "from": "the API's default"},
        "steps": {"value": 8, "from": "the model's default"},
        "cfg_scale": {"from": "the API's default"},
        "lora_strength": {"from": "the API's default"},
        "enhance_prompt": {"value": False, "from": "the API's default"},
        "format": {"value": "webp", "from": "the API's default"},
        "variants": {"value": 1, "from": "the API's default"},
        "safe_mode": {"value": True, "from": "the API's default"},
        "hide_watermark": {"value": False, "from": "the API's default"},
        "embed_exif_metadata": {"value": False, "from": "the API's default"},
        "return_binary": {"value": False, "from": "the API's default"},
        "field_support": {"seed": "supported", "negative_prompt": "ignored", "steps": "unknown"},
    }


def test_what_decides_the_price_is_named_where_the_model_decided_it(session):
    found = resolved(session, model="gpt-image-2", quality="medium")
    assert found["quality"] == {"value": "medium", "from": "given"}
    assert found["resolution"] == {"value": "1K", "from": "the model's default"}
    assert found["field_support"]["seed"] == "ignored"
    assert "width" not in found


@pytest.mark.parametrize(
    ("asked", "source"),
    [("z-image-turbo", "given"), ("fastest", "the alias fastest"), (None, "the catalogue's default")],
)
def test_the_model_says_how_it_was_named(asked, source, session):
    assert resolved(session, model=asked)["model"] == {"value": "z-image-turbo", "from": source}


def test_what_was_given_is_told_even_where_the_model_ignores_it(session):
    found = resolved(session, negative_prompt="rain", safe_mode=False)
    assert found["negative_prompt"] == {"value": "rain", "from": "given"}
    assert found["safe_mode"] == {"value": False, "from": "given"}


def test_the_words_leave_out_what_was_given_and_what_no_one_knows(session):
    text = defaults_text(resolved(session, format="png", seed=1))
    assert text.startswith("width 1024, height 1024, steps 8, enhance_prompt off, variants 1, safe_mode on")
    assert "format" not in text
    assert "cfg_scale" not in text
    assert defaults_text({}) == ""


def test_no_field_is_forgotten(session):
    models = [model for model in session.catalogue().models if model.generates and not model.offline]
    found = {name for model in models for name in resolved(session, model=model.id)}
    taken = {name for name in field_facts() if any(model.takes(name) for model in models)}
    assert taken - found == {"seed", "style_references", "anon_user_id"}, "which have places of their own, or none"


def test_it_stands_in_the_log_once_for_a_generation(session):
    session.generate("A fox", seed=1, images=2)
    first, second = session.log.search()
    assert first.draft.context["resolution"]["steps"] == {"value": 8, "from": "the model's default"}
    assert first.draft.context == second.draft.context
