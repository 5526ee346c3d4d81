"""A notebook alone is enough: what its outputs say of their images, whoever wrote it."""

import copy
import json

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

import venice_widgets
from venice_widgets.errors import UnreadableFile
from venice_widgets.replays.notebook_runs import runs_in


def notebook(*outputs, **changes):
    cells = [{"cell_type": "markdown", "source": "# Foxes"}]
    cells += [{"cell_type": "code", "outputs": [output]} for output in outputs]
    return {"nbformat": 4, "nbformat_minor": 5, "metadata": {}, "cells": cells, **changes}


def output(generation, *, lines=False):
    data, metadata = generation._repr_mimebundle_()
    if lines:
        data = {**data, "text/html": data["text/html"].splitlines(keepends=True)}
    return {"output_type": "execute_result", "data": data, "metadata": metadata}


def saved(tmp_path, document):
    path = tmp_path / "paper.ipynb"
    path.write_text(json.dumps(document))
    return path


@pytest.fixture
def generation(session):
    return session.generate("a fox", images=2, model="z-image-turbo", seed=41, width=256, height=256)


@pytest.mark.parametrize("lines", [False, True])
def test_every_image_of_a_notebook_comes_with_its_request_and_preview(generation, tmp_path, lines):
    found = venice_widgets.runs_in(saved(tmp_path, notebook(output(generation, lines=lines))))
    assert [run.run_id for run in found] == [image.run_id for image in generation.images]
    assert [run.recipe.request for run in found] == [image.request for image in generation.images]
    assert [run.image_bytes for run in found] == [image.preview.data for image in generation.images]
    assert all(run.exact for run in found)
    assert {run.image_kind for run in found} == {"preview"}
    assert found[0].recipe.base_url == "https://api.venice.ai/api/v1"
    assert found[0].where.endswith("paper.ipynb cell 2")
    assert found.problems == ()


def test_it_needs_neither_log_nor_key_and_makes_no_store(generation, tmp_path, monkeypatch):
    path = saved(tmp_path, notebook(output(generation)))
    venice_widgets.current.use_session(None)
    monkeypatch.setenv("VENICE_STORE", str(tmp_path / "elsewhere"))
    assert len(runs_in(path)) == 2
    assert not (tmp_path / "elsewhere").exists()


def test_it_prints_its_runs(generation, tmp_path):
    printed = str(runs_in(saved(tmp_path, notebook(output(generation)))))
    assert printed.splitlines()[0].endswith("paper.ipynb: 2 images>")
    assert [line[:17] for line in printed.splitlines()[1:]] == ["[0] <FoundRecipe ", "[1] <FoundRecipe "]


def test_a_byte_order_mark_is_no_part_of_it(generation, tmp_path):
    path = saved(tmp_path, notebook(output(generation)))
    path.write_bytes(b"\xef\xbb\xbf" + path.read_bytes())
    assert len(runs_in(path)) == 2


def test_an_image_that_is_shown_twice_counts_once(generation, tmp_path):
    assert len(runs_in(saved(tmp_path, notebook(output(generation), output(generation))))) == 2


def test_a_request_that_was_edited_in_the_notebook_is_not_exact(generation, tmp_path):
    shown = copy.deepcopy(output(generation))
    shown["metadata"]["venice"]["runs"][0]["request"]["prompt"] = "another"
    first, second = runs_in(saved(tmp_path, notebook(shown)))
    assert (first.exact, second.exact) == (False, True)


def test_an_output_that_cannot_be_understood_is_reported_and_loses_no_other(generation, tmp_path):
    bad = {"output_type": "display_data", "data": {}, "metadata": {"venice": {"schema": 9, "runs": [{}]}}}
    found = runs_in(saved(tmp_path, notebook(bad, output(generation))))
    assert len(found) == 2
    assert "cell 2" in found.problems[0]
    assert "schema 9" in found.problems[0]


def test_a_run_that_cannot_be_understood_loses_no_other_of_its_output(generation, tmp_path):
    shown = copy.deepcopy(output(generation))
    shown["metadata"]["venice"]["runs"][0]["image"]["seed"] = "41"
    found = runs_in(saved(tmp_path, notebook(shown)))
    assert [(run.recipe.seed, run.image_bytes) for run in found] == [(42, generation.images[1].preview.data)]
    assert len(found.problems) == 1


@pytest.mark.parametrize(
    "text", ["", "hello", "[]", "{}", '{"cells": 3, "nbformat": 4}', "[" * 100_000, '{"worksheets":[]}']
)
def test_what_is_not_a_notebook_is_an_unreadable_file(tmp_path, text):
    (tmp_path / "x.ipynb").write_text(text)
    with pytest.raises(UnreadableFile, match="is not a notebook"):
        runs_in(tmp_path / "x.ipynb")


JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.text(max_size=5),
    lambda inner: (
        st.lists(inner, max_size=3)
        | st.dictionaries(
            st.sampled_from(
                ["outputs", "metadata", "venice", "runs", "schema", "request", "image", "data", "text/html"]
            ),
            inner,
            max_size=4,
        )
    ),
    max_leaves=25,
)


@settings(suppress_health_check=[HealthCheck.function_scoped_fixture], max_examples=80, deadline=None)
@given(
    cells=st.lists(
        st.fixed_dictionaries(
            {
                "outputs": st.lists(
                    st.fixed_dictionaries({"metadata": st.fixed_dictionaries({"venice": JSON}), "data": JSON}) | JSON,
                    max_size=3,
                )
            }
        )
        | JSON,
        max_size=3,
    )
)
def test_no_notebook_by_a_stranger_breaks_the_reader(tmp_path, cells):
    found = runs_in(saved(tmp_path, {"nbformat": 4, "cells": cells}))
    assert len(found) >= 0


def test_lists_nine_hundred_deep_in_a_record_are_a_problem_and_no_crash(tmp_path):
    record = {"schema": 1, "runs": [{"request": {"prompt": "x", "model": "DEEP"}}]}
    text = json.dumps(notebook({"metadata": {"venice": record}, "data": {}}))
    (tmp_path / "x.ipynb").write_text(text.replace('"DEEP"', "[" * 900 + "]" * 900))
    found = runs_in(tmp_path / "x.ipynb")
    assert len(found) + len(found.problems) == 1
