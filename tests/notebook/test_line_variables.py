"""``{{ name }}`` on the line of a magic: values, never words of a command line."""

from contextlib import suppress
from decimal import Decimal
from enum import Enum
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from hypothesis import given
from hypothesis import strategies as st
from IPython.core.error import UsageError

from venice_widgets.errors import InvalidRequest
from venice_widgets.notebook.cell_options import all_options, parse_cell_line, with_seed_axis
from venice_widgets.notebook.option_names import as_options
from venice_widgets.request.axes import Axis
from venice_widgets.request.fields import field_facts


class Quality(Enum):
    HIGH = "high"


def parsed(line, **names):
    fields, options = parse_cell_line(line, names)
    return fields | options


@given(value=st.text())
def test_text_from_a_variable_is_one_value_whatever_it_holds(value):
    assert parsed("--negative-prompt {{ words }} --steps 4", words=value) == {"negative_prompt": value, "steps": "4"}


@given(value=st.text(), head=st.text(alphabet="ab {}$"), tail=st.text(alphabet="ab {}$"))
def test_text_from_a_variable_may_stand_inside_other_text(value, head, tail):
    given_line = f"--negative-prompt='{head}{{{{ words }}}}{tail}'"
    if "{{" not in head and "{{" not in tail and not (head + "x").endswith("{x"):
        assert parsed(given_line, words=value) == {"negative_prompt": f"{head}{value}{tail}"}


@pytest.mark.parametrize("value", ["--yes", "-m nope", "a,b", "1..5", '" --yes "', "{{ other }}", "{seed}", "$x"])
def test_a_value_adds_no_option_and_is_not_read_again(value):
    assert parsed("--model {{ name }}", name=value) == {"model": value}
    assert parsed("--model={{ name }}", name=value) == {"model": value}
    assert parsed("-m '{{ name }}'", name=value) == {"model": value}


@pytest.mark.parametrize(
    ("option", "value", "expected"),
    [
        ("steps", 20, 20),
        ("cfg-scale", 7.5, 7.5),
        ("cfg-scale", np.float32(0.5), 0.5),
        ("width", np.int64(512), 512),
        ("quality", Quality.HIGH, "high"),
        ("seed", -7, -7),
        ("style-reference", Path("a b.png"), [Path("a b.png")]),
        ("style-reference", ["a.png", "b.png"], ["a.png", "b.png"]),
        ("images", 3, 3),
        ("images", np.int64(3), 3),
        ("max-cost", 0.5, Decimal("0.5")),
        ("max-cost", Decimal("0.10"), Decimal("0.10")),
        ("out", "foxes", "foxes"),
        ("safe-mode", False, False),
        ("yes", True, True),
    ],
)
def test_a_variable_gives_its_value_to_every_kind_of_option(option, value, expected):
    (found,) = parsed(f"--{option} {{{{ x }}}}", x=value).values()
    assert found == expected
    assert type(found) is type(expected)


def test_every_option_takes_a_variable():
    values = {int: 1, float: 1.5, bool: True, str: "x"}
    for name, facts in all_options().items():
        value = facts.choices[0] if facts.choices else 1 if name == "seed" else values[facts.kind]
        assert list(parsed(f"--{facts.option} {{{{ x }}}}", x=value)) == [name]


def test_a_switch_that_is_off_is_not_given():
    assert parsed("--yes {{ agreed }} --dry-run={{ look }}", agreed=False, look=False) == {}
    with pytest.raises(UsageError, match=r"--yes \{\{ agreed \}\} is neither True nor False"):
        parsed("--yes {{ agreed }}", agreed="no")


@pytest.mark.parametrize(
    "values", [[3, 5], (3, 5), range(3, 7, 2), {5, 3}, np.array([3, 5]), pd.Series([3, 5]), iter([3, 5])]
)
def test_several_values_are_an_axis_and_several_seeds_are_a_list(values):
    fields, _ = parse_cell_line("--steps {{ x }}", {"x": values})
    assert (fields["steps"].name, fields["steps"].values, fields["steps"].labels) == ("steps", (3, 5), ("3", "5"))


def test_several_seeds_become_an_axis_only_beside_another():
    fields, _ = parse_cell_line("--seed {{ x }}", {"x": np.arange(3)})
    assert fields == {"seed": [0, 1, 2]}
    assert with_seed_axis(fields)["seed"].values == (0, 1, 2)
    assert with_seed_axis({"seed": "7,9"})["seed"].values == (7, 9)
    assert with_seed_axis({"seed": "7"})["seed"] == 7


@pytest.mark.parametrize(
    ("line", "name", "labels"),
    [
        ("--model a,b", "model", ("a", "b")),
        ("--steps 5,10", "steps", ("5", "10")),
        ('--cfg-scale "3..9 (+2)"', "cfg_scale", ("3", "5", "7", "9")),
    ],
)
def test_a_list_or_range_on_the_line_is_an_axis(line, name, labels):
    fields, _ = parse_cell_line(line)
    assert isinstance(fields[name], Axis)
    assert fields[name].labels == labels


def test_a_comma_in_running_text_separates_nothing():
    assert parse_cell_line('--negative-prompt "rain, text"')[0] == {"negative_prompt": "rain, text"}


@pytest.mark.parametrize(
    ("value", "words"),
    [
        (None, "{{ scale }} at --cfg-scale is None."),
        (float("nan"), "{{ scale }} at --cfg-scale is not a number (NaN)."),
        (Decimal("sNaN"), "{{ scale }} at --cfg-scale is not a number (NaN)."),
        (pd.NA, "{{ scale }} at --cfg-scale is missing (NA)."),
        (pd.NaT, "{{ scale }} at --cfg-scale is missing (NA)."),
        ([1.0, None], "{{ scale[1] }} at --cfg-scale is None."),
        ([], "{{ scale }} at --cfg-scale holds no values."),
        ({"a": 1}, "{{ scale }} at --cfg-scale is of type dict."),
        (pd.DataFrame({"a": [1]}), "{{ scale }} at --cfg-scale is of type DataFrame."),
        pytest.param(10**5000, "{{ scale }} at --cfg-scale is a whole number of more than 1,200 digits.", id="huge"),
        (np.zeros((2, 2)), "{{ scale[0] }} at --cfg-scale is of type list."),
    ],
)
def test_what_holds_nothing_usable_is_refused_by_name(value, words):
    with pytest.raises(InvalidRequest) as caught:
        parsed("--cfg-scale {{ scale }}", scale=value)
    assert words in str(caught.value)
    assert str(caught.value).endswith("Nothing was sent.")
    assert caught.value.field == "cfg_scale"


@pytest.mark.parametrize(
    ("line", "words"),
    [
        ("--seed {seed}", "--seed {seed}: a variable is written {{ seed }}."),
        ("--seed $seed", "--seed $seed: a variable is written {{ seed }}."),
        ("--model ${model}", "--model ${model}: a variable is written {{ model }}."),
        ("--negative-prompt {thing}", "--negative-prompt {thing}: a variable is written {{ thing }}."),
        ("--out $thing", "--out $thing: a variable is written {{ thing }}."),
        ("{{ thing }}", "{{ thing }} is not the value of an option"),
        ("--yes {{ thing }} {{ thing }}", "--yes {{ thing }} is neither True nor False"),
        ("--max-cost {{ many }}", "--max-cost {{ many }} holds several values; it takes one."),
        ("--images {{ thing }}", "'fox' is not a whole number"),
        ("--no-safe-mode {{ thing }}", "{{ thing }} is not the value of an option"),
        ("--nonsense={{ thing }}", "there is no option --nonsense={{ thing }}"),
    ],
)
def test_other_ways_to_write_a_variable_show_the_right_one(line, words):
    with pytest.raises(UsageError) as caught:
        parsed(line, thing="fox", many=[1, 2])
    assert words in str(caught.value)


def test_braces_and_dollars_in_running_text_are_text():
    assert parsed("--negative-prompt '{other} for $5'") == {"negative_prompt": "{other} for $5"}
    assert parsed("--negative-prompt '{other}'") == {"negative_prompt": "{other}"}
    assert parsed("--save '{seed}'", seed=1) == {"save": "{seed}"}


def test_what_is_filled_into_a_file_pattern_is_no_pattern():
    assert parsed("--save '{{ name }}-{seed}.{ext}'", name="{run_id}") == {"save": "{{run_id}}-{seed}.{ext}"}


def test_a_variable_that_is_not_there_is_named_with_its_neighbors():
    with pytest.raises(InvalidRequest, match="at --seed: there is no variable 'sedes'") as caught:
        parsed("--seed {{ sedes }}", seeds=[1])
    assert "Did you mean seeds?" in str(caught.value)


@given(line=st.text(alphabet=" -={}xyms,.1'\"$\\", max_size=40))
def test_any_line_is_understood_or_refused_in_words(line):
    with suppress(UsageError, InvalidRequest):
        fields, options = parse_cell_line(line, {"x": "fox", "y": [1, 2], "m": None})
        assert (fields | options).keys() <= {*all_options(), "help"}


def test_errors_name_the_option_as_it_is_typed():
    assert as_options("aspect_ratio 5:4 is not one") == "--aspect-ratio 5:4 is not one"
    assert as_options("width 5 with aspect_ratio") == "--width 5 with --aspect-ratio"
    assert (
        as_options("use max_cost_usd= or --aspect-ratio, its width") == "use max_cost_usd= or --aspect-ratio, its width"
    )
    for name, facts in field_facts().items():
        assert as_options(f"{name} x is not right.") == f"--{facts.option} x is not right."
