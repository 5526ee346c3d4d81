"""A plan as data: its cells, its parts, its JSON."""

import copy
import enum
import json
import pickle
import time
from itertools import product

import numpy as np
import pandas as pd
import pytest
from hypothesis import given
from hypothesis import strategies as st

from venice_widgets.errors import InvalidRequest
from venice_widgets.plan import Plan, define, filtered
from venice_widgets.plan.outlook import cells_text
from venice_widgets.plan.read import read_plan

words = st.text(st.characters(exclude_categories=["Cs", "Cc"]), min_size=1, max_size=8).filter(str.strip)


def bodies(plan):
    return [(cell.prompt, dict(cell.fields), cell.seed) for cell in plan]


def test_every_combination_of_values_is_a_cell_and_all_else_is_fixed():
    plan = define("A {{ animal }}", given={"animal": ["fox", "owl"], "cfg_scale": "3-7 (+2)", "seed": 5, "steps": 8})

    assert bodies(plan) == [
        (f"A {animal}", {"cfg_scale": scale, "steps": 8}, 5) for animal, scale in product(["fox", "owl"], [3, 5, 7])
    ]
    assert [dict(cell.coordinates) for cell in plan][:2] == [
        {"animal": "fox", "cfg_scale": "3"},
        {"animal": "fox", "cfg_scale": "5"},
    ]


def test_a_seed_that_no_one_gave_is_drawn_once_for_all_cells():
    plan = define("A fox", given={"cfg_scale": [3, 5, 7]})

    assert len({cell.seed for cell in plan}) == 1
    assert plan.seed_drawn
    assert bodies(Plan.from_json(plan.to_json())) == bodies(plan)


def test_images_count_on_from_the_seed():
    plan = define("A fox", images=3, given={"seed": 7, "model": ["a", "b"]})

    assert [cell.seed for cell in plan] == [7, 8, 9, 7, 8, 9]


def test_zip_lets_axes_move_together():
    plan = define("A {{ animal }}", zipped=True, given={"animal": ["fox", "owl"], "steps": [5, 9], "seed": 1})

    assert bodies(plan) == [("A fox", {"steps": 5}, 1), ("A owl", {"steps": 9}, 1)]


def test_zip_can_name_what_moves_together():
    plan = define(
        "A {{ animal }}", zipped=["animal", "steps"], given={"animal": ["fox", "owl"], "steps": [5, 9], "seed": [1, 2]}
    )

    assert bodies(plan) == [(f"A {a}", {"steps": s}, n) for (a, s) in (("fox", 5), ("owl", 9)) for n in (1, 2)]


def test_where_leaves_cells_out_by_their_values():
    whole = define("A {{ animal }}", given={"animal": ["fox", "owl"], "steps": [5, 9], "seed": 1})
    plan = filtered(whole, lambda cell: not (cell["animal"] == "fox" and cell["steps"] > 5))

    assert [cell.coordinates["animal"] + cell.coordinates["steps"] for cell in plan] == ["fox5", "owl5", "owl9"]


def test_search_and_replace_changes_one_text_of_the_prompt():
    plan = define("A fox, a fox", search_replace=["fox", "owl"], given={"seed": 1})

    assert [cell.prompt for cell in plan] == ["A fox, a fox", "A owl, a owl"]
    assert [dict(cell.coordinates) for cell in plan] == [{"“fox”": "fox"}, {"“fox”": "owl"}]


def test_several_prompts_are_an_axis():
    assert [cell.prompt for cell in define(["A fox", "An owl"], given={"seed": 1})] == ["A fox", "An owl"]


@pytest.mark.parametrize("kind", ["frame", "list"])
def test_a_table_is_a_plan_of_one_request_a_row(kind):
    rows = [
        {"prompt": "A {{ animal }}", "animal": "fox", "steps": 5, "seed": 1, "label": "red"},
        {"prompt": "An owl", "steps": None, "seed": 2, "label": "white"},
    ]
    plan = define(pd.DataFrame(rows) if kind == "frame" else rows)

    assert bodies(plan) == [("A fox", {"steps": 5}, 1), ("An owl", {}, 2)]
    assert [cell.coordinates["row"] for cell in plan] == ["red", "white"]


def test_rows_and_other_axes_combine():
    plan = define([{"prompt": "A fox"}, {"prompt": "An owl"}], given={"seed": [1, 2]})

    assert bodies(plan) == [("A fox", {}, 1), ("A fox", {}, 2), ("An owl", {}, 1), ("An owl", {}, 2)]


def test_what_fills_a_variable_is_not_filled_in_again():
    plan = define("A {{ animal }}", variables={"animal": ["{{ other }}", "fox"]}, given={"seed": 1})

    assert [cell.prompt for cell in plan] == ["A {{ other }}", "A fox"]


def test_a_variable_may_have_the_name_of_a_field():
    plan = define("Number {{ seed }}", variables={"seed": ["one", "two"]}, given={"seed": 4})

    assert [(cell.prompt, cell.seed) for cell in plan] == [("Number one", 4), ("Number two", 4)]


def test_braces_of_a_raw_prompt_stay():
    assert [cell.prompt for cell in define("{{ x }}", raw=True, given={"seed": [1, 2]})] == ["{{ x }}"] * 2


@pytest.mark.parametrize(
    ("prompt", "given_", "more", "field", "said"),
    [
        ("A fox", {"stepz": [1, 2]}, {}, "stepz", "steps"),
        ("A fox", {"animal": ["fox"]}, {}, "animal", "{{ animal }}"),
        ("A {{ animal }}", {"steps": [1, 2]}, {}, "prompt", "animal"),
        ("A fox", {}, {"variables": {"animal": "owl"}}, "animal", "not in the prompt"),
        ("A fox", {}, {"search_replace": ["bear", "owl"]}, "replace", "not in the prompt"),
        ("A fox", {"steps": [1, 2], "cfg_scale": [1, 2, 3]}, {"zipped": True}, None, "steps has 2, cfg_scale has 3"),
        ("A fox", {"steps": [1, 2]}, {"zipped": ["steps", "model"]}, None, "model"),
        (7, {}, {}, "prompt", "text"),
        ([], {}, {}, "prompt", ""),
        ([{"steps": 4}], {}, {}, "prompt", "row"),
        ([{"prompt": "A fox", "stepz": 4}], {}, {}, "stepz", "steps"),
        ("A fox", {"seed": [1, 1]}, {}, "seed", "twice"),
        ("A fox", {"seed": [1, 2]}, {"images": 3}, "images", "3"),
        ("A fox", {"seed": "1..1000", "steps": "1..1000"}, {}, None, "1,000,000 cells"),
    ],
)
def test_what_makes_no_plan_is_refused_by_name(prompt, given_, more, field, said):
    with pytest.raises(InvalidRequest) as refused:
        define(prompt, given=given_, **more)

    assert refused.value.field == field
    assert said in str(refused.value)


axes = st.dictionaries(
    st.sampled_from(["steps", "cfg_scale", "seed", "negative_prompt"]),
    st.lists(st.integers(1, 20), min_size=1, max_size=5, unique=True),
    min_size=1,
)


@given(axes, st.lists(words, min_size=1, max_size=4, unique=True), st.integers(1, 7))
def test_parts_make_up_the_plan_and_come_back_from_json(given_, animals, parts):
    given_ = {name: list(map(str, v)) if name == "negative_prompt" else v for name, v in given_.items()}
    plan = define("A {{ animal }}", variables={"animal": animals}, given=given_)

    back = Plan.from_json(plan.to_json())
    shards = [Plan.from_json(plan.shard(part + 1, parts).to_json()) for part in range(parts)]

    assert back == plan
    assert bodies(back) == bodies(plan)
    assert sorted(index for each in shards for index in each.indices) == list(plan.indices)
    assert {each.plan_id for each in shards} == {plan.plan_id}


def test_a_plan_has_an_id_of_its_cells_and_seeds():
    fixed = {"steps": [1, 2], "seed": 1}

    assert define("A fox", given=fixed).plan_id == define("A fox", given=fixed).plan_id
    assert define("A fox", given=fixed).plan_id != define("An owl", given=fixed).plan_id
    assert define("A fox", given=fixed).plan_id != define("A fox", given={**fixed, "seed": 2}).plan_id


def test_plans_that_differ_in_drawn_seeds_have_one_template():
    first, second = (define("A fox", given={"steps": [1, 2]}, images=2) for _ in range(2))

    assert first.plan_id != second.plan_id
    assert first.template_id == second.template_id


def test_a_part_of_ten_thousand_cells_is_a_small_file():
    plan = define("A fox", given={"steps": "1..100", "seed": "1..100"})

    assert len(plan.shard(3, 10).to_json()) < 20_000


@pytest.mark.parametrize(
    "change",
    [
        {"kind": "other"},
        {"schema": 99},
        {"groups": [[0], [0]]},
        {"groups": []},
        {"axes": 3},
        {"cells": [[0, 999, 1]]},
        {"cells": [[3, 1]]},
        {"prompt": 7},
        {"id": "0" * 32},
        {"fields": {}},
    ],
)
def test_a_file_that_is_not_a_plan_is_refused(change):
    text = define("A fox", given={"steps": [1, 2], "cfg_scale": [1, 2], "seed": 1}).to_json()

    with pytest.raises(InvalidRequest, match="not a plan"):
        Plan.from_json(json.dumps({**json.loads(text), **change}))


@given(st.text(max_size=200))
def test_any_other_text_is_refused(text):
    with pytest.raises(InvalidRequest, match="not a plan"):
        Plan.from_json(text)


def test_there_is_no_part_beyond_the_last_and_none_of_a_part():
    plan = define("A fox", given={"steps": [1, 2], "seed": 1})

    for part, parts in ((0, 2), (3, 2)):
        with pytest.raises(InvalidRequest, match="does not exist"):
            plan.shard(part, parts)
    with pytest.raises(InvalidRequest, match="does not exist"):
        plan.shard(part=True, parts=2)
    with pytest.raises(InvalidRequest, match="already"):
        plan.shard(1, 2).shard(1, 2)


def test_a_part_may_be_counted_by_another_library():
    assert define("A fox", given={"seed": [1, 2]}).shard(np.int64(1), np.int64(2)).part == "1/2"


def test_a_plan_is_sent_to_another_program_as_json_and_not_with_its_session(session):
    plan = session.plan("A fox", seed=[1, 2])
    with pytest.raises(TypeError, match=r"plan\.to_json"):
        pickle.dumps(plan)
    assert copy.deepcopy([plan]) == [plan]
    assert {plan: "found"}[plan] == "found"


@pytest.mark.parametrize(
    "cells", [[[0, 10**15, 1]], [[0, 1, 1]] * 10**5, [[0, 2, -1]], [[2, 0, 1]], [[-1, 1, 1]], [[0, True, 1]]]
)
def test_a_part_that_names_other_cells_than_there_are_is_refused_at_once(cells):
    whole = json.loads(define("A fox", given={"seed": "1..3"}).to_json())
    began = time.process_time()
    with pytest.raises(InvalidRequest, match="this is not a plan"):
        read_plan(json.dumps({**whole, "cells": cells}))
    assert time.process_time() - began < 2


@pytest.mark.parametrize(
    ("given", "said"),
    [
        ({"seed": [True, False]}, "seed [True, False] is not a valid seed"),
        ({"animal": [["a"], ["b"]]}, "animal ['a'] is of type list"),
        ({"animal": []}, "animal has no values."),
        ({"animal": pd.DataFrame({"kind": ["fox"]})}, "animal is given a table"),
        ({"steps": pd.DataFrame({"kind": [4]})}, "steps is given a table"),
        ({"variables": ["animal"]}, "variables ['animal'] cannot be used"),
        ({"where": True}, "where True is no function"),
        ({"cfg_scale": "1.5..3"}, "cfg_scale 1.5..3 does not reach 3 in steps of 1"),
        ({"where": lambda _: False}, "where leaves no cell"),
        ({"zip": 5}, "zip 5 cannot be used"),
        ({"zip": [5]}, "zip [5] cannot be used"),
        ({"search_replace": 5}, "replace 5 cannot be used"),
        ({"search_replace": []}, "replace [] cannot be used"),
        ({"search_replace": ["A", None]}, "replace ['A', None] cannot be used"),
        ({"style_references": ["https://me:hunter2@example.com/a.png"]}, "an address holds a password"),
        ({"style_references": [["a.png"], ["https://me:hunter2@example.com/a.png"]]}, "an address holds a password"),
    ],
    ids=lambda each: each if isinstance(each, str) else ", ".join(each),
)
def test_a_value_that_no_request_takes_is_refused_by_name(session, given, said):
    with pytest.raises(InvalidRequest) as caught:
        session.plan("A {{ animal }}", **{"animal": "fox", **given})
    assert said in str(caught.value)
    assert "hunter2" not in str(caught.value)


@pytest.mark.parametrize("seed", [True, 1.5, "x", 10**9, [1, 2]], ids=repr)
def test_a_row_with_a_seed_that_cannot_be_sent_is_refused(seed):
    with pytest.raises(InvalidRequest, match="seed"):
        define([{"prompt": "A fox", "seed": 1}, {"prompt": "An owl", "seed": seed}])


@pytest.mark.parametrize(
    "beside", [{"given": {"cfg_scale": [3, 5]}}, {"given": {"seed": [1, 2]}}, {"images": 2}], ids=str
)
def test_what_stands_in_rows_is_not_replaced_in_silence(beside):
    name = "cfg_scale" if "cfg_scale" in str(beside) else "seed"
    with pytest.raises(InvalidRequest, match=f"{name} stands in the rows") as refused:
        define([{"prompt": "A fox", "cfg_scale": 4, "seed": 7}, {"prompt": "An owl"}], **beside)
    assert refused.value.field == name


def test_a_value_for_all_rows_is_that_of_the_rows_that_have_none():
    plan = define([{"prompt": "A fox", "cfg_scale": 4}, {"prompt": "An owl"}], given={"cfg_scale": 7, "seed": 1})
    assert [cell.fields["cfg_scale"] for cell in plan] == [4, 7]


def test_prompts_and_rows_may_come_from_a_generator():
    assert [cell.prompt for cell in define(name for name in ("A fox", "An owl"))] == ["A fox", "An owl"]
    rows = ({"prompt": "A fox", "seed": seed} for seed in (1, 2))
    assert [cell.seed for cell in define(rows)] == [1, 2]


@pytest.mark.parametrize(
    ("prompt", "given_"),
    [
        ("A {{ animal }} at {{ time }}", {"animal": ["fox", "owl"], "time": "dawn"}),
        (["A {{ animal }}", "The {{ animal }}"], {"animal": "fox"}),
        ([{"prompt": "A {{ animal }}", "animal": "fox"}], {}),
    ],
)
def test_a_file_whose_prompt_names_a_variable_without_a_value_is_refused(prompt, given_):
    text = define(prompt, given={**given_, "seed": 1}).to_json()
    assert len(read_plan(text)["axes"]) <= 1
    whole = json.loads(text.replace("{{ animal }}", "{{ animl }}"))
    del whole["id"]
    with pytest.raises(InvalidRequest, match=r"its prompt has \{\{ animl \}\}"):
        read_plan(json.dumps(whole))


def test_braces_of_a_raw_prompt_come_back():
    plan = define("A {{ animal }}", raw=True, given={"seed": [1, 2]})
    assert Plan(**read_plan(plan.to_json())).prompt == "A {{ animal }}"


def test_a_table_with_two_columns_of_one_name_is_refused():
    with pytest.raises(InvalidRequest, match="steps is the name of two columns"):
        define(pd.DataFrame([["A fox", 4, 5]], columns=["prompt", "steps", "steps"]))


def test_a_table_of_another_library_is_read_by_its_rows():
    class Table:
        columns = ("prompt", "seed")

        def to_dict(self):
            return {}

        def to_dicts(self):
            return [{"prompt": "A fox", "seed": 1}, {"prompt": "An owl", "seed": None}]

    plan = define(Table(), given={"seed": 2})
    assert [(cell.prompt, cell.seed, cell.coordinates["row"]) for cell in plan] == [
        ("A fox", 1, "1"),
        ("An owl", 2, "2"),
    ]


def test_a_dict_names_its_values():
    plan = define("A {{ animal }}", given={"animal": {"red": "fox", "white": "owl"}, "seed": 1})
    assert [(cell.prompt, cell.coordinates["animal"]) for cell in plan] == [("A fox", "red"), ("A owl", "white")]


def test_the_key_in_an_address_is_no_part_of_a_label():
    address = "https://example.com/a.png?signature=SECRET"
    plan = define("A fox", given={"style_references": [[address], [f"{address}2"]], "seed": 1})
    assert plan.axes[0].axis.labels == ("1: example.com", "2: example.com")


@pytest.mark.parametrize(
    ("path", "value"),
    [
        (["fields", "seed"], True),
        (["fields", "seed"], 1.5),
        (["fields", "seed"], None),
        (["fields", "seed"], 10**9),
        (["fields", "steps"], {"a": 1}),
        (["variables"], {"animal": ["fox"]}),
        (["axes", 0, "values", 1, "prompt"], 5),
        (["axes", 0, "values", 1, "fields"], [1]),
        (["axes", 0, "values", 1, "fields", "steps"], float("nan")),
        (["axes", 0, "values", 1], "row"),
        (["axes", 0, "labels", 1], 7),
        (["axes", 0, "labels"], ["a", "a"]),
        (["axes", 0, "labels"], []),
        (["axes", 0, "kind"], "other"),
        (["axes", 0, "name"], "cfg_scale"),
        (["axes", 1, "values", 1], {}),
        (["axes", 1, "values", 1], None),
        (["groups", 0], []),
        (["groups", 0, 0], True),
        (["part"], 3),
    ],
    ids=str,
)
def test_a_file_with_a_value_of_another_type_in_any_cell_is_refused(path, value):
    rows = [{"prompt": "A fox", "steps": 4}, {"prompt": "An owl", "steps": 5}]
    whole = json.loads(define(rows, given={"cfg_scale": [3, 5], "seed": 7}).to_json())
    del whole["id"]
    read_plan(json.dumps(whole))
    *way, last = path
    place = whole
    for part in way:
        place = place[part]
    place[last] = value

    with pytest.raises(InvalidRequest, match="this is not a plan: "):
        read_plan(json.dumps(whole))


def test_search_and_replace_leaves_the_names_in_braces_alone(session):
    plan = session.plan("an {{ animal }} here", animal=["ox", "owl"], search_replace=["an", "the"], seed=1)
    assert [cell.prompt for cell in plan] == ["an ox here", "the ox here", "an owl here", "the owl here"]


class Animal(enum.Enum):
    FOX = "fox"


class Named(str, enum.Enum):  # noqa: UP042  as people write it
    FOX = "fox"


@pytest.mark.parametrize("value", [Animal.FOX, Named.FOX])
def test_an_enum_stands_for_its_value_wherever_it_is_given(value):
    rows = define([{"prompt": Named("fox"), "model": value, "seed": 1}])

    assert define("A {{ animal }}", given={"animal": value, "seed": 1}).cell(0).prompt == "A fox"
    assert type(define("A fox", given={"model": value, "seed": 1}).fields["model"]) is str
    assert type(rows.cell(0).prompt) is type(rows.cell(0).fields["model"]) is str


def test_raw_leaves_the_braces_of_rows_as_they_are():
    assert define([{"prompt": "A {{ x }}", "seed": 1}], raw=True).cell(0).prompt == "A {{ x }}"
    with pytest.raises(InvalidRequest, match="there is no field 'x'"):
        define([{"prompt": "A {{ x }}", "x": "fox", "seed": 1}], raw=True)


@pytest.mark.parametrize(
    ("before", "after", "said"),
    [
        ('"A {{ animal }}', '"A {{ anmial }}', "its prompt has {{ anmial }}"),
        ('"A {{ animal }}', '"A {{ animal }} at {{ time }}', "{{ time }}, and no value is given for it"),
        ('"variables": {}', '"variables": {"time": "dawn"}', "no prompt of it has {{ time }}"),
    ],
)
def test_a_file_that_was_changed_by_hand_never_sends_the_braces_of_a_variable(before, after, said):
    plan = json.loads(define("A {{ animal }}", given={"animal": ["fox", "owl"], "seed": 1}).to_json())
    del plan["id"]

    with pytest.raises(InvalidRequest) as refused:
        Plan.from_json(json.dumps(plan).replace(before, after))
    assert said in str(refused.value)


@pytest.mark.parametrize("index", [-1, 6, 10**9])
def test_a_cell_that_does_not_exist_is_no_other_cell(index):
    plan = define("A {{ animal }}", given={"animal": ["fox", "owl"], "seed": "1..3"})

    with pytest.raises(IndexError, match="the cells are 0 … 5"):
        plan.cell(index)


def test_cells_are_named_by_what_all_of_them_have_in_common():
    plan = define("A {{ animal }}", given={"animal": ["fox", "owl"], "seed": "1..1000", "steps": [1, 2, 3]})
    foxes, more = range(3000), range(3001)

    assert cells_text(plan, foxes) == "animal fox (3,000 cells)"
    assert cells_text(plan, more) == "3,001 cells"
