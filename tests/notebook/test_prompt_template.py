"""``{{ name }}`` fills in names and attributes, and nothing else is touched."""

from decimal import Decimal
from fractions import Fraction
from pathlib import PurePosixPath
from types import SimpleNamespace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from venice_widgets.errors import InvalidRequest
from venice_widgets.notebook.prompt_template import fill


class Broken:
    @property
    def size(self):
        raise ValueError("no size today")


NAMES = {
    "animal": "fox",
    "count": 3,
    "price": Decimal("0.10"),
    "half": Fraction(1, 2),
    "file": PurePosixPath("a/b.png"),
    "größe": 1.5,
    "scene": SimpleNamespace(light=SimpleNamespace(colour="amber")),
    "braces": "{{ animal }}",
    "switch": True,
    "things": ["fox"],
    "nothing": None,
    "broken": Broken(),
}


def refusal(text):
    with pytest.raises(InvalidRequest) as caught:
        fill(text, NAMES)
    assert caught.value.field == "prompt"
    return str(caught.value)


@pytest.mark.parametrize(
    ("text", "filled"),
    [
        ("A {{ animal }}", "A fox"),
        ("A {{animal}}{{count}}", "A fox3"),
        ("{{\n animal\t}}", "fox"),
        ("{{ price }} {{ half }} {{ file }}", "0.10 1/2 a/b.png"),
        ("{{ größe }}", "1.5"),
        ("{{ scene.light.colour }} light", "amber light"),
        ("{{ braces }}", "{{ animal }}"),
        ("$animal {animal} %(animal)s { { animal } }", "$animal {animal} %(animal)s { { animal } }"),
        ('{"a": {"b": {}}}', '{"a": {"b": {}}}'),
        ("{{ never closed", "{{ never closed"),
    ],
)
def test_names_and_attributes_are_filled_in(text, filled):
    assert fill(text, NAMES)[0] == filled


def test_what_was_filled_in_is_told_for_the_log():
    text, used = fill("{{ animal }} {{ scene.light.colour }} {{ animal }}", NAMES)
    assert text == "fox amber fox"
    assert used == {"animal": "fox", "scene.light.colour": "amber"}


@given(st.text().filter(lambda text: "{{" not in text))
def test_text_without_double_braces_is_left_alone(text):
    assert fill(text, NAMES) == (text, {})


@given(st.text())
def test_a_value_is_filled_in_as_it_is(value):
    assert fill("<{{ x }}>", {"x": value}) == (f"<{value}>", {"x": value})


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("{{ anmial }}", "there is no variable 'anmial'.\nDid you mean animal?"),
        ("{{ zzz }}", "there is no variable 'zzz'.\nDefine it in a cell above."),
        ("{{ scene.ligth }}", "there is no attribute 'ligth'.\nDid you mean light?"),
        ("{{ broken.size }}", "'size' cannot be read: ValueError: no size today."),
        ("{{ 1 + 1 }}", "'{{ 1 + 1 }}' in the prompt is no variable.\nOnly names and attributes are filled in."),
        ("{{ animal() }}", "is no variable"),
        ("{{ things[0] }}", "is no variable"),
        ("{{ }}", "is no variable"),
        ("{{{ animal }}}", "is no variable"),
        ("{{ things }}", "is of type list.\nOnly text and numbers are filled in."),
        ("{{ switch }}", "is of type bool."),
        ("{{ nothing }}", "is of type NoneType."),
    ],
)
def test_anything_else_is_refused_with_its_name_and_neighbours_and_the_way_out(text, words):
    message = refusal(text)
    assert words in message
    assert message.endswith("--raw sends the braces as they are. Nothing was sent.")
