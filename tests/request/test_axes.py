"""The values of an axis: the grammar that people know from other tools' grids, typed by the field's declaration."""

import enum
import math
from decimal import Decimal
from fractions import Fraction
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from hypothesis import given
from hypothesis import strategies as st

from venice_widgets.errors import InvalidRequest
from venice_widgets.request.axes import MAX_VALUES, Axis, as_axis, is_several, label_of, parse_axis, replacement_axis
from venice_widgets.request.fields import field_facts
from venice_widgets.request.seeds import parse_seeds

NUMERIC = ("steps", "cfg_scale", "seed", "width", "lora_strength")


@pytest.mark.parametrize(
    ("field", "text", "values"),
    [
        ("steps", "10,20,30", (10, 20, 30)),
        ("steps", "1..5", (1, 2, 3, 4, 5)),
        ("steps", "1-5", (1, 2, 3, 4, 5)),
        ("steps", "1-10 (+2)", (1, 3, 5, 7, 9)),
        ("steps", "1-10(+2)", (1, 3, 5, 7, 9)),
        ("steps", "10-1 (-3)", (10, 7, 4, 1)),
        ("steps", "1-10 [5]", (1, 3, 6, 8, 10)),
        ("steps", "1, 3, 10..20 (+5)", (1, 3, 10, 15, 20)),
        ("cfg_scale", "3-9 (+2)", (3.0, 5.0, 7.0, 9.0)),
        ("cfg_scale", "0.1..0.5 (+0.1)", (0.1, 0.2, 0.3, 0.4, 0.5)),
        ("cfg_scale", "0-1 [5]", (0.0, 0.25, 0.5, 0.75, 1.0)),
        ("cfg_scale", "7.5,8", (7.5, 8.0)),
        ("seed", "1..4", (1, 2, 3, 4)),
        ("seed", "-5..-3", (-5, -4, -3)),
        ("seed", "-2..2 (+2)", (-2, 0, 2)),
        ("model", "z-image-turbo,venice-sd35", ("z-image-turbo", "venice-sd35")),
        ("aspect_ratio", "1:1, 16:9", ("1:1", "16:9")),
        ("style_preset", '"Analog Film","a, b"', ("Analog Film", "a, b")),
        ("safe_mode", "on,off", (True, False)),
        ("format", "png,webp", ("png", "webp")),
        ("prompt", "fox, owl", ("fox", "owl")),
    ],
)
def test_lists_ranges_steps_and_counts_are_read_by_the_kind_of_their_field(field, text, values):
    axis = parse_axis(text, field)

    assert isinstance(axis, Axis)
    assert axis.values == values
    assert [type(value) for value in axis.values] == [type(value) for value in values]


@pytest.mark.parametrize(
    ("field", "text", "value"),
    [
        ("steps", "25", 25),
        ("cfg_scale", "7", 7.0),
        ("seed", "-7", -7),
        ("model", "gpt-image-2", "gpt-image-2"),
        ("safe_mode", "off", False),
        ("steps", "many", "many"),
        ("steps", "1.5", "1.5"),
        ("negative_prompt", "rain, text", "rain, text"),
        ("style_references", "a,b.png@0.5", "a,b.png@0.5"),
        ("a_variable", "1,2", "1,2"),
    ],
)
def test_a_single_value_and_running_text_are_no_axis(field, text, value):
    found = parse_axis(text, field)

    assert found == value
    assert type(found) is type(value)


@pytest.mark.parametrize(
    ("field", "text", "words"),
    [
        ("seed", "1-5", ("minus", "1..5")),
        ("steps", "5..1", ("backwards", "1..5")),
        ("steps", "1..5 (-2)", ("backwards", "1..5 (+2)")),
        ("steps", "1..5 (+0)", ("step of 0",)),
        ("steps", "1..5 [1]", ("asks for 1",)),
        ("cfg_scale", "1.5..3", ("does not reach 3", "1.5..3 (+0.5)")),
        ("cfg_scale", "1,3.5-5", ("does not reach 5", "3.5-5 (+0.5)")),
        ("steps", "1..3 [9]", ("twice",)),
        ("steps", "1,1", ("twice", "1")),
        ("cfg_scale", "3,3.0", ("twice", "3")),
        ("steps", "1,2.5", ("2.5", "whole")),
        ("steps", "1..2 (+0.5)", ("1.5", "whole")),
        ("steps", "1,,2", ("steps",)),
        ("steps", "1,many", ("cannot be read",)),
        ("steps", "1..99999999", ("more than",)),
        ("steps", "1..2 [999999]", ("more than",)),
        ("seed", "1..1001", ("more than 1,000",)),
        ("model", "a,,b", ("empty",)),
        ("model", 'a,"b', ("not a list",)),
        ("prompt", "fox", ("one text",)),
    ],
)
def test_what_cannot_be_meant_is_refused_by_the_name_of_its_field(field, text, words):
    with pytest.raises(InvalidRequest) as refused:
        parse_axis(text, field)

    assert refused.value.field == ("replace" if field == "prompt" else field)
    assert all(word in str(refused.value) for word in words)
    assert "Nothing was sent" in str(refused.value)


@given(st.text(max_size=30), st.sampled_from([*field_facts(), "prompt", "animal"]))
def test_any_text_is_a_value_an_axis_or_a_refusal(text, field):
    try:
        found = parse_axis(text, field)
    except InvalidRequest:
        return
    if isinstance(found, Axis):
        assert len(found.values) == len(set(found.labels)) == len(found.labels) >= 1


@given(st.text("0123456789.,-+()[] ", max_size=20), st.sampled_from(NUMERIC))
def test_any_text_that_looks_like_numbers_is_a_value_an_axis_or_a_refusal(text, field):
    try:
        found = parse_axis(text, field)
    except InvalidRequest:
        return
    if isinstance(found, Axis):
        kinds = {float} if field == "cfg_scale" else {int}
        assert {type(value) for value in found.values} == kinds


@given(st.integers(0, 500), st.integers(0, 400), st.integers(1, 50))
def test_a_range_with_a_step_is_pythons_range(low, length, step):
    found = parse_axis(f"{low}..{low + length} (+{step})", "steps")

    assert list(found.values) == list(range(low, low + length + 1, step))
    assert parse_axis(f"{low}-{low + length} (+{step})", "steps") == found


@given(st.integers(-999, 999), st.integers(1, 999), st.integers(2, 40))
def test_a_count_goes_evenly_from_end_to_end(low, length, count):
    low, high = Fraction(low, 100), Fraction(low + length, 100)
    found = parse_axis(f"{float(low)}..{float(high)} [{count}]", "cfg_scale")

    assert len(found) == count
    assert found.values[0] == pytest.approx(float(low))
    assert found.values[-1] == pytest.approx(float(high))
    gaps = np.diff(found.values)
    assert gaps == pytest.approx([float(high - low) / (count - 1)] * (count - 1))


@given(st.lists(st.integers(-999_999_999, 999_999_999), min_size=2, max_size=20, unique=True))
def test_seeds_read_as_the_seeds_of_a_cell_do(seeds):
    text = ",".join(map(str, seeds))

    assert list(parse_axis(text, "seed").values) == list(parse_seeds(text)) == seeds


@given(st.lists(st.floats(0.01, 20, allow_nan=False).map(lambda v: round(v, 2)), min_size=2, max_size=9, unique=True))
def test_labels_read_back_as_their_values(values):
    axis = as_axis(values, "cfg_scale")

    assert parse_axis(",".join(axis.labels), "cfg_scale").values == axis.values


class Animal(enum.Enum):
    FOX = "fox"
    OWL = "owl"


@pytest.mark.parametrize(
    ("values", "expected"),
    [
        ([1, 2], (1, 2)),
        (range(1, 3), (1, 2)),
        (np.array([1, 2]), (1, 2)),
        (np.array([1.5, 2.5]), (1.5, 2.5)),
        (np.array([True, False]), (True, False)),
        (pd.Series([1, 2]), (1, 2)),
        (pd.Series(["fox", "owl"], dtype="string"), ("fox", "owl")),
        ((number for number in (1, 2)), (1, 2)),
        ({3, 1, 2}, (1, 2, 3)),
        (list(Animal), ("fox", "owl")),
        ([Decimal("1.5"), Fraction(1, 4)], (1.5, 0.25)),
        ([Path("a.png"), Path("b.png")], (Path("a.png"), Path("b.png"))),
    ],
)
def test_whatever_holds_several_values_makes_an_axis_of_plain_ones(values, expected):
    axis = as_axis(values, "animal")

    assert axis.values == expected
    assert [type(value) for value in axis.values] == [type(value) for value in expected]


def test_the_keys_of_a_mapping_are_the_labels():
    assert as_axis({"low": 3, "high": 9}, "cfg_scale") == Axis("cfg_scale", (3, 9), ("low", "high"))


@pytest.mark.parametrize(
    "values",
    [
        [],
        [None, 1],
        [math.nan],
        [pd.NA],
        [pd.NaT],
        [Decimal("NaN")],
        [1, 1],
        [1, 1.0],
        [np.array(["fox", "fox"])],
        {"a": 1, "b": 1},
        [object()],
        [b"fox"],
        np.array([[1, 2], [3, 4]]),
    ],
)
def test_values_that_are_missing_repeated_or_of_another_kind_are_refused_by_name(values):
    with pytest.raises(InvalidRequest) as refused:
        as_axis(values, "animal")

    assert refused.value.field == "animal"


def test_an_endless_generator_is_refused_and_not_read_to_its_end():
    def endless():
        number = 0
        while True:
            yield (number := number + 1)

    with pytest.raises(InvalidRequest, match=f"{MAX_VALUES:,}"):
        as_axis(endless(), "animal")


@pytest.mark.parametrize(
    ("value", "name", "several"),
    [
        ("fox", "animal", False),
        (b"fox", "animal", False),
        (3, "steps", False),
        (Path("a"), "animal", False),
        ([1], "steps", True),
        ("1..4", "seed", False),
        (range(3), "seed", True),
        (["a.png", "b.png"], "style_references", False),
        ([["a.png"], ["b.png"]], "style_references", True),
    ],
)
def test_text_and_paths_are_one_value_and_a_list_is_several(value, name, several):
    assert is_several(value, name) is several


def test_search_and_replace_is_named_for_the_text_in_the_prompt():
    assert (
        replacement_axis(["fox", "owl"])
        == parse_axis("fox,owl", "prompt")
        == Axis("“fox”", ("fox", "owl"), ("fox", "owl"))
    )


@pytest.mark.parametrize(
    ("value", "label"),
    [(3.0, "3"), (0.1, "0.1"), (1e-7, "1e-07"), (True, "on"), (False, "off"), (["a", "b"], "a, b"), ("fox", "fox")],
)
def test_a_label_says_the_value_as_people_write_it(value, label):
    assert label_of(value) == label
