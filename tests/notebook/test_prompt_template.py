"""``{{ name }}`` fills in names and attributes, and nothing else is touched."""

import itertools
from decimal import Decimal
from enum import IntEnum, StrEnum
from fractions import Fraction
from pathlib import PurePosixPath
from types import SimpleNamespace

import numpy as np
import pandas as pd
import pytest
from hypothesis import given
from hypothesis import strategies as st

from venice_widgets.errors import InvalidRequest
from venice_widgets.notebook.prompt_template import read_template


class Broken:
    @property
    def size(self):
        raise ValueError("no size today")


class Mute(Fraction):
    def __str__(self):
        raise ValueError("no words today")


class Color(StrEnum):
    RED = "red"


class Size(IntEnum):
    LARGE = 1024


NAMES = {
    "animal": "fox",
    "count": 3,
    "price": Decimal("0.10"),
    "half": Fraction(1, 2),
    "file": PurePosixPath("a/b.png"),
    "größe": 1.5,
    "scene": SimpleNamespace(light=SimpleNamespace(color="amber")),
    "braces": "{{ animal }}",
    "switch": True,
    "things": ["fox"],
    "nested": [["fox"]],
    "table": {"a": 1},
    "no_values": [],
    "nothing": None,
    "half_known": ["fox", None],
    "nan": float("nan"),
    "missing": pd.NA,
    "data": b"fox",
    "mute": Mute(1, 2),
    "huge": 10**5000,
    "red": Color.RED,
    "large": Size.LARGE,
    "measured": np.float64(0.5),
    "broken": Broken(),
}


def filled(text, names=NAMES):
    """The prompt as it is sent, and the value of each variable."""
    template = read_template(text, names)
    return template.fill(), dict(template.values)


def refusal(text):
    with pytest.raises(InvalidRequest) as caught:
        read_template(text, NAMES)
    assert caught.value.field == "prompt"
    return str(caught.value)


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("A {{ animal }}", "A fox"),
        ("A {{animal}}{{count}}", "A fox3"),
        ("{{\n animal\t}}", "fox"),
        ("{{ price }} {{ half }} {{ file }}", "0.10 1/2 a/b.png"),
        ("{{ größe }}", "1.5"),
        ("{{ red }} {{ large }} {{ measured }}", "red 1024 0.5"),
        ("{{ scene.light.color }} light", "amber light"),
        ("{{ braces }}", "{{ animal }}"),
        ("$animal {animal} %(animal)s { { animal } }", "$animal {animal} %(animal)s { { animal } }"),
        ('{"a": {"b": {}}}', '{"a": {"b": {}}}'),
        ("{{ never closed", "{{ never closed"),
    ],
)
def test_names_and_attributes_are_filled_in(text, expected):
    assert filled(text)[0] == expected


def test_what_was_filled_in_is_told_for_the_log():
    text, used = filled("{{ animal }} {{ scene.light.color }} {{ animal }}")
    assert text == "fox amber fox"
    assert used == {"animal": "fox", "scene.light.color": "amber"}


@given(st.text().filter(lambda text: "{{" not in text))
def test_text_without_double_braces_is_left_alone(text):
    assert filled(text) == (text, {})


@given(st.text())
def test_a_value_is_filled_in_as_it_is(value):
    assert filled("<{{ x }}>", {"x": value}) == (f"<{value}>", {"x": value})


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("{{ anmial }}", "there is no variable 'anmial'.\nDid you mean animal?"),
        ("{{ zzz }}", "there is no variable 'zzz'.\nDefine it in a cell above."),
        ("{{ scene.ligth }}", "there is no attribute 'ligth'.\nDid you mean light?"),
        ("{{ broken.size }}", "'size' cannot be read: ValueError: no size today."),
        (
            "{{ 1 + 1 }}",
            "'{{ 1 + 1 }}' in the prompt is not the name of a variable.\nOnly names and attributes can be filled in.",
        ),
        ("{{ animal() }}", "is not the name of a variable"),
        ("{{ things[0] }}", "is not the name of a variable"),
        ("{{ }}", "is not the name of a variable"),
        ("{{{ animal }}}", "is not the name of a variable"),
        ("{{ nested }}", "{{ nested[0] }} in the prompt is of type list."),
        ("{{ table }}", "{{ table }} in the prompt is of type dict.\nA list, a range or a series works."),
        ("{{ no_values }}", "{{ no_values }} in the prompt holds no values."),
        ("{{ switch }}", "is of type bool.\nOnly text and numbers can be filled in."),
        ("{{ nothing }}", "{{ nothing }} in the prompt is None."),
        ("{{ half_known }}", "{{ half_known[1] }} in the prompt is None."),
        ("{{ nan }}", "{{ nan }} in the prompt is not a number (NaN)."),
        ("{{ missing }}", "{{ missing }} in the prompt is missing (NA)."),
        ("{{ data }}", "{{ data }} in the prompt is of type bytes."),
        ("{{ mute }}", "{{ mute }} in the prompt cannot be written as text: ValueError: no words today."),
        ("{{ huge }}", "{{ huge }} in the prompt is a whole number of more than 1,200 digits."),
    ],
)
def test_anything_else_is_refused_with_its_name_and_neighbours_and_the_way_out(text, words):
    message = refusal(text)
    assert words in message
    assert message.endswith("--raw sends the braces as they are. Nothing was sent.")


@pytest.mark.parametrize(
    ("values", "texts"),
    [
        (["fox", "owl"], ("fox", "owl")),
        (("fox",), ("fox",)),
        (range(1, 4), ("1", "2", "3")),
        ({"owl", "fox"}, ("fox", "owl")),
        (np.array([0.5, 1.5]), ("0.5", "1.5")),
        (pd.Series(["fox", "owl"]), ("fox", "owl")),
        ((name for name in ("fox", "owl")), ("fox", "owl")),
        ([Color.RED, "blue"], ("red", "blue")),
    ],
)
def test_a_variable_with_several_values_is_an_axis(values, texts):
    template = read_template("A {{ animal }} and a {{ animal }} in {{ count }}", {"animal": values, "count": 3})
    assert [(axis.name, axis.labels) for axis in template.axes] == [("animal", texts)]
    assert template.fill({"animal": texts[0]}) == f"A {texts[0]} and a {texts[0]} in 3"


def test_what_a_variable_holds_is_not_filled_in_again():
    template = read_template("{{ a }}", {"a": ["{{ b }}", "{{ a }}"]})
    assert [template.fill({"a": text}) for text in template.axes[0].labels] == ["{{ b }}", "{{ a }}"]


def test_a_generator_without_an_end_is_refused():
    with pytest.raises(InvalidRequest, match="holds more than 10,000 values"):
        read_template("{{ forever }}", {"forever": itertools.count()})
