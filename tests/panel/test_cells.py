from hypothesis import given
from hypothesis import strategies as st

from venice_widgets.notebook.cell_options import parse_cell_line
from venice_widgets.panel.cells import cell_text
from venice_widgets.request.fields import check_fields

words = st.text(st.characters(blacklist_categories=("Cs", "Cc")), min_size=1, max_size=20)
fields = st.fixed_dictionaries(
    {"model": words},
    optional={
        "negative_prompt": words,
        "style_preset": words,
        "style_references": st.lists(words, min_size=1, max_size=3),
        "width": st.integers(1, 1280),
        "cfg_scale": st.floats(0.1, 20),
        "safe_mode": st.booleans(),
        "format": st.sampled_from(["jpeg", "png", "webp"]),
    },
)


@given(words, fields, st.none() | st.integers(-999, 999), st.integers(1, 9))
def test_the_cell_says_exactly_what_was_chosen(prompt, chosen, seed, images):
    head, body = cell_text(prompt, chosen, seed=seed, images=images).split("\n", 1)
    assert body == prompt
    parsed, own = parse_cell_line(head.removeprefix("%%venice"))
    given_seed = parsed.pop("seed", None)
    assert (None if given_seed is None else int(given_seed)) == seed
    assert check_fields(parsed) == check_fields(chosen)
    assert int(own.get("images", 1)) == images
    assert bool(own.get("raw")) == ("{{" in prompt)
