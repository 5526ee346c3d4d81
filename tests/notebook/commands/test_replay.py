"""The commands that look back: replay, drift, export, import, show FILE."""

import io
import json
import re
from dataclasses import replace
from pathlib import Path

import pytest
from IPython.core.error import UsageError
from PIL import Image
from PIL.PngImagePlugin import PngInfo

from venice_widgets.errors import CredentialsRefused, InvalidRequest, SpendingRefused, StoreError, UnreadableFile
from venice_widgets.media.metadata.embed import write_recipe
from venice_widgets.media.metadata.recipe import Recipe
from venice_widgets.notebook.commands import run_command
from venice_widgets.replays import Replay
from venice_widgets.replays.notebook_runs import runs_in
from venice_widgets.session import Session
from venice_widgets.simulator import Fault, Simulator


def generate(session, prompt="a fox", **fields):
    return session.generate(prompt, **{"model": "venice-sd35", "seed": 41, "width": 256, "height": 256, **fields})


@pytest.fixture(autouse=True)
def displayed(monkeypatch):
    """What commands displayed before they returned."""
    shown = []
    monkeypatch.setattr("IPython.display.display", shown.append)
    return shown


def run(line):
    return run_command(None, line)


def text(result):
    return result._repr_mimebundle_()[0]["text/plain"]


def sent(simulator):
    return [request.json for request in simulator.requests if request.path == "/image/generate"]


def saved_notebook(generation, path):
    data, metadata = generation._repr_mimebundle_()
    cell = {"cell_type": "code", "outputs": [{"data": data, "metadata": metadata}]}
    path.write_text(json.dumps({"nbformat": 4, "cells": [cell]}))


def test_replay_shows_price_and_changes_first_and_then_the_verdict(session, simulator, displayed):
    generate(session)
    result = run("replay last")
    assert isinstance(result, Replay)
    assert "1 × $0.01 = $0.01" in text(displayed[0])
    assert "Nothing that can be known has changed" in text(displayed[0])
    assert "identical bytes" in text(result)
    assert len(sent(simulator)) == 2


def test_a_dry_run_of_a_replay_sends_nothing(session, simulator):
    generate(session)
    result = run("replay last --dry-run")
    assert "$0.01" in text(result)
    assert len(sent(simulator)) == 1


@pytest.mark.parametrize("model", ["nano-banana", "seedream-v3", "lustify-sdxl"])
def test_a_replay_says_once_that_its_model_is_going_away(session, displayed, model):
    generate(session, model=model, **({} if model == "lustify-sdxl" else {"width": None, "height": None}))
    said = " ".join((text(run("replay last --yes")), *map(text, displayed)))
    assert len(re.findall(rf"{model} (?:is going away|ended on)", said)) == 1
    result = run("replay last --yes")
    alone = text(replace(result, outlook_is_shown=False))  # as Python shows it, where nothing stands above it
    assert len(re.findall(rf"{model} (?:is going away|ended on)", alone)) == 1


def test_a_dry_run_of_a_replay_tells_what_the_budgets_leave_and_what_would_refuse_it(session):
    generate(session)
    (session.settings.store / "config.toml").write_text('project_budget_usd = "0.015"')
    said = text(run("replay last --dry-run"))
    assert "Project budget leaves $0.005." in said
    assert (
        "It would be refused: this may cost $0.01, and of the project's budget of $0.015 only $0.005 is left." in said
    )
    said = text(run("replay last --dry-run --max-cost 0.001"))
    assert "It would be refused" in said


def test_a_replay_keeps_to_the_limit(session, simulator):
    generate(session)
    with pytest.raises(SpendingRefused):
        run("replay last --max-cost 0.001")
    assert len(sent(simulator)) == 1


def test_a_replay_of_what_cannot_come_out_the_same_waits_for_anyway(session, simulator, displayed):
    generate(session, model="nano-banana-pro", width=None, height=None)
    result = run("replay last")
    assert "ignores seeds" in text(displayed[0])
    assert "Nothing was sent" in text(result)
    assert len(sent(simulator)) == 1
    run("replay last --anyway --yes")
    assert len(sent(simulator)) == 2


def test_an_image_s_file_can_be_replayed(session, tmp_path):
    path = generate(session).images[0].save(tmp_path / "fox.{ext}")
    result = run(f"replay {path}")
    assert "identical bytes" in text(result)


def test_a_run_of_a_notebook_can_be_replayed(session, tmp_path):
    image = generate(session).images[0]
    saved_notebook(session.generate("another", seed=3, model="z-image-turbo"), tmp_path / "paper.ipynb")
    result = run(f"replay last --from {tmp_path / 'paper.ipynb'}")
    assert result.generation.runs[0].seed == 3
    with pytest.raises(StoreError, match=r"holds no runs that end in"):
        run(f"replay {image.run_id[-8:]} --from {tmp_path / 'paper.ipynb'}")
    with pytest.raises(UsageError, match="Say which"):
        run(f"replay {tmp_path / 'paper.ipynb'}")


def test_drift_needs_a_model_and_a_budget(session):
    for line in ("drift", "drift --model venice-sd35", "drift --budget 1"):
        with pytest.raises(UsageError, match="is missing"):
            run(line)


def test_drift_reports_by_date(session):
    generate(session)
    result = run("drift --model venice-sd35 --budget 0.05 --runs 1")
    assert "Every replay of venice-sd35 by date" in text(result)


def test_drift_that_breaks_off_shows_what_it_has_and_fails(session, simulator, displayed):
    generate(session, seed="1..3")
    simulator.add_fault(Fault("401", nth=5))
    with pytest.raises(CredentialsRefused):
        run("drift --model venice-sd35 --budget 1")
    assert "identical bytes" in text(displayed[-1])


def test_a_zip_is_exported_here_and_imported_there(session, tmp_path):
    from venice_widgets import current

    generate(session)
    result = run(f"export {tmp_path / 'study.zip'}")
    assert "1 run as zip" in text(result)
    there = Session(api_key="k", store=tmp_path / "there", transport=Simulator().transport())
    current.use_session(there)
    assert "1 run added" in text(run(f"import {tmp_path / 'study.zip'}"))
    assert "0 runs added and read back equal. 1 run of it was here already." in text(
        run(f"import {tmp_path / 'study.zip'}")
    )
    assert list(there.log.each()) == list(session.log.each())


def test_what_is_not_a_zip_is_not_imported_and_the_way_is_named(session, tmp_path):
    image = generate(session).images[0].save(tmp_path / "fox.{ext}")
    run(f"export {tmp_path / 'crate'}")
    (tmp_path / "text.zip").write_text("no zip")
    for path, said in (
        (image, f"is an image, and only a zip is imported.*%venice replay {image} makes it again"),
        (tmp_path / "crate", "is a folder, and only a zip is imported"),
        (tmp_path / "text.zip", "is not a zip that can be read"),
        (tmp_path / "missing.zip", "cannot be read: No such file"),
        (Path("/dev/zero"), "is not a file"),
    ):
        with pytest.raises(UnreadableFile, match=f"(?s){said}"):
            run(f"import {path}")


def test_images_are_not_exported_into_a_folder_that_is_named_like_a_file(session, tmp_path):
    generate(session)
    with pytest.raises(InvalidRequest, match="images go into a folder"):
        run(f"export {tmp_path / 'x.csv'} --images")
    assert not (tmp_path / "x.csv").exists()


@pytest.mark.parametrize(
    ("options", "runs"), [("", 3), ("--model z-image-turbo", 1), ("--query cat", 1), ("--since 1h", 3), ("-q fox", 2)]
)
def test_an_export_holds_the_runs_that_were_asked_for(session, tmp_path, options, runs):
    generate(session, seed=1)
    generate(session, "a cat", seed=2)
    session.generate("a fox", model="z-image-turbo", seed=3)
    result = run(f"export {tmp_path / 'runs.jsonl'} {options}")
    seeds = [json.loads(line)["seed"] for line in (tmp_path / "runs.jsonl").read_text().splitlines()]
    assert len(seeds) == runs
    assert seeds == sorted(seeds), "oldest first"
    assert f"{runs} run{'s' * (runs != 1)} as JSONL" in text(result)


def test_images_are_exported_with_their_recipes(session, tmp_path):
    generate(session)
    result = run(f"export --images {tmp_path / 'images'} --metadata no-prompt")
    assert "1 image with recipes" in text(result)
    assert len(list((tmp_path / "images").iterdir())) == 1
    again = run(f"export --images {tmp_path / 'images'}")
    assert "was there already" in text(again)


@pytest.mark.parametrize(
    ("line", "words"),
    [
        ("export x.zip --metadata none", "--metadata is for --images"),
        ("export pics --images --name x", "--name is for an RO-Crate"),
        ("export pics --images --metadata some", "invalid choice"),
        ("export", "path"),
        ("import", "path"),
    ],
)
def test_options_that_would_do_nothing_are_refused(session, line, words):
    with pytest.raises(UsageError, match=words):
        run(line)


def test_an_ro_crate_is_written_for_a_folder(session, tmp_path):
    generate(session)
    result = run(f"export {tmp_path / 'crate'}/ --name Foxes --author 'A. Person'")
    assert "1 run as RO-Crate" in text(result)
    graph = json.loads((tmp_path / "crate" / "ro-crate-metadata.json").read_text())["@graph"]
    assert next(entity for entity in graph if entity["@id"] == "./")["name"] == "Foxes"


def test_a_file_is_shown_with_its_recipe_and_the_way_to_its_run(session, tmp_path):
    image = generate(session, "a <b>fox</b>").images[0]
    result = run(f"show {image.save(tmp_path / 'fox.{ext}')}")
    data, _ = result._repr_mimebundle_()
    assert f"%venice show {image.run_id[-8:]}" in data["text/plain"]
    assert '"seed": 41' in data["text/plain"]
    assert "<b>fox" not in data["text/html"]
    assert data["text/html"].count("<img ") == 1


def test_an_image_by_another_program_is_not_said_to_be_of_venice_and_is_not_sent(session, simulator, tmp_path):
    info = PngInfo()
    info.add_text("parameters", "a red fox\nSteps: 20, Sampler: Euler a, CFG scale: 7, Seed: 5, Model: dream")
    Image.new("RGB", (64, 64)).save(tmp_path / "fox.png", pnginfo=info)
    assert "Venice" not in text(run(f"show {tmp_path / 'fox.png'}"))
    assert "not known exactly" in text(run(f"replay {tmp_path / 'fox.png'}"))
    assert sent(simulator) == []


@pytest.mark.parametrize("side", [8000, 9000], ids=["too large to show", "too large to decode"])
def test_a_small_file_that_claims_a_huge_image_says_so_and_is_not_decoded(session, tmp_path, side):
    file = io.BytesIO()
    Image.new("1", (side, side)).save(file, "PNG")
    recipe = Recipe({"model": "m", "prompt": "a fox"}, seed=41)
    (tmp_path / "bomb.png").write_bytes(write_recipe(file.getvalue(), recipe).data)
    shown = run(f"show {tmp_path / 'bomb.png'}").data
    assert f"claims {side} × {side} pixels, which are too many" in shown["text/plain"]
    assert "a fox" in shown["text/plain"]
    assert "<img " not in shown["text/html"]


def test_a_file_that_was_shown_is_no_run_of_the_notebook(session, tmp_path):
    shown = run(f"show {generate(session).images[0].save(tmp_path / 'fox.{ext}')}")
    saved_notebook(shown, tmp_path / "paper.ipynb")
    found = runs_in(tmp_path / "paper.ipynb")
    assert (len(found), found.problems) == (0, ())


def test_a_notebook_without_its_outputs_says_so(session, tmp_path):
    (tmp_path / "cleared.ipynb").write_text('{"nbformat": 4, "cells": [{"cell_type": "code", "outputs": []}]}')
    assert "cleared" in text(run(f"show {tmp_path / 'cleared.ipynb'}"))


def test_a_notebook_is_shown_as_a_list_of_its_images(session, tmp_path):
    generation = generate(session, seed="41,42")
    saved_notebook(generation, tmp_path / "paper.ipynb")
    shown = text(run(f"show {tmp_path / 'paper.ipynb'}"))
    assert "2 images in paper.ipynb" in shown
    assert all(image.run_id[-8:] in shown for image in generation.images)


def test_a_file_that_tells_nothing_says_so(session, tmp_path):
    (tmp_path / "x.png").write_bytes(b"hello")
    with pytest.raises(UnreadableFile):
        run(f"show {tmp_path / 'x.png'}")
    with pytest.raises(UnreadableFile, match="is not a file"):
        run(f"show {tmp_path / 'missing.png'}")


def test_a_run_is_still_shown_by_its_ending(session):
    image = generate(session).images[0]
    assert f"run {image.run_id[-8:]}" in text(run(f"show {image.run_id[-8:]}"))
