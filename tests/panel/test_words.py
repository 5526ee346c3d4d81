import pytest

from venice_widgets.panel.words import Filter, model_facts, model_options, prompt_label


@pytest.fixture
def catalogue(session):
    return session.catalogue()


def test_filters_let_through_what_fits_and_the_chosen_model_always(catalogue):
    options = model_options(catalogue, Filter(sizing="pixels", most_usd="0.01", privacy="private"), "gpt-image-2")
    assert options[0][1] == "gpt-image-2"
    assert "outside the filter" in options[0][0]
    for _, name in options[1:]:
        model = catalogue.find(name)
        assert (model.sizing, model.privacy, str(model.unit_prices()[0])) == ("pixels", "private", "0.01")
    assert "bria-bg-remover" not in [name for _, name in model_options(catalogue, Filter(), "")]


def test_the_facts_say_what_decides(catalogue):
    facts = model_facts(catalogue.find("gpt-image-2"))
    assert "$0.02 – $0.83" in facts
    assert "seeds are ignored by this model" in facts
    assert "prompt up to 10,000 characters" in facts
    gone = next(model for model in catalogue.models if model.deprecation_replacement)
    assert f"replaced by {gone.deprecation_replacement}" in model_facts(gone)


def test_the_counter_counts_as_the_api_does_and_says_how_many_are_too_many(catalogue):
    assert prompt_label("🦊", catalogue.find("z-image-turbo")) == "Prompt · 2 / 7,500"
    assert prompt_label("x" * 7503, catalogue.find("z-image-turbo")) == "Prompt · 7,503 / 7,500, 3 too many"
