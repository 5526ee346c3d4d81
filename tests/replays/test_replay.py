"""Run again, compare, verdict: what is sent, what is said apart, what stays on record."""

import io
import json
import re
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from decimal import Decimal

import pytest
from PIL import Image, ImageChops, ImageFilter, ImageOps
from PIL.PngImagePlugin import PngInfo

from venice_widgets import current
from venice_widgets.errors import InvalidRequest, PossiblyCharged, SpendingRefused, StoreError
from venice_widgets.log import Status
from venice_widgets.media.compare import Grade
from venice_widgets.notebook.commands import run_command
from venice_widgets.replays import Circumstance, drift, look, outlook_bundle, replay
from venice_widgets.replays.notebook_runs import runs_in
from venice_widgets.replays.read_recipe import read_recipe
from venice_widgets.session import Session
from venice_widgets.simulator import Fault, Simulator

SIZE = 256


def encoded(image, container="PNG", **options):
    file = io.BytesIO()
    image.save(file, container, **options)
    return file.getvalue()


def photograph(seed=7):
    import random

    draw = random.Random(seed)
    image = Image.new("RGB", (SIZE, SIZE))
    for side, weight in ((4, 1.0), (16, 0.5), (64, 0.35), (128, 0.25)):
        layer = Image.frombytes("RGB", (side, side), draw.randbytes(side * side * 3))
        image = Image.blend(image, layer.resize((SIZE, SIZE), Image.Resampling.BICUBIC), weight)
    return image


def noisy(image):
    import random

    steps = bytes(byte % 3 for byte in random.Random(9).randbytes(SIZE * SIZE * 3))
    return ImageChops.add(image, Image.frombytes("RGB", image.size, steps), 1, -1)


def patched(image):
    changed = image.copy()
    changed.paste(photograph(3).crop((0, 0, 60, 60)), (100, 50))
    return changed


ORIGINAL = photograph()
SET = {
    "same bytes": (encoded(ORIGINAL), Grade.IDENTICAL_BYTES),
    "same pixels": (encoded(ORIGINAL, compress_level=1), Grade.IDENTICAL_PIXELS),
    "noise": (encoded(noisy(ORIGINAL)), Grade.EQUIVALENT),
    "re-encoded": (encoded(ORIGINAL, "JPEG", quality=90), Grade.SIMILAR),
    "blurred": (encoded(ORIGINAL.filter(ImageFilter.GaussianBlur(12))), Grade.DIFFERENT),
    "patched": (encoded(patched(ORIGINAL)), Grade.SIMILAR),
    "mirrored": (encoded(ImageOps.mirror(ORIGINAL)), Grade.DIFFERENT),
    "other": (encoded(photograph(8)), Grade.DIFFERENT),
}


def session_that_paints(*images, **options):
    """A service whose images are these, in this order, the last one for ever."""
    left = list(images)
    simulator = Simulator(
        requests_per_minute=None, paint=lambda _: left.pop(0) if len(left) > 1 else left[0], **options
    )
    return Session(api_key="VENICE_INFERENCE_KEY_0123456789abcdef", transport=simulator.transport()), simulator


def generate(session, prompt="a fox", **fields):
    return session.generate(prompt, **{"model": "venice-sd35", "seed": 41, "width": 256, "height": 256, **fields})


def sent(simulator):
    return [request.json for request in simulator.requests if request.path == "/image/generate"]


@pytest.mark.parametrize("name", SET)
def test_the_verdict_on_a_fixed_set_of_changes(name):
    changed, grade = SET[name]
    session, _ = session_that_paints(encoded(ORIGINAL), changed)
    generate(session)
    found = replay(session, "last")
    assert found.verdict.grade is grade
    assert found.verdict.circumstances == ()
    if name == "patched":
        left, top, right, bottom = found.verdict.comparison.changed_area
        assert left <= 100
        assert top <= 50
        assert right >= 160
        assert bottom >= 110


def test_what_is_sent_is_the_stored_request_to_the_byte(session, simulator):
    generate(session, 'a {fox}, $5 "狐" 🦊\n\n', steps=25, cfg_scale=7.5, negative_prompt="text", safe_mode=False)
    original = session.log.get("last")
    found = replay(session, "last")
    first, second = [request.body for request in simulator.requests if request.path == "/image/generate"]
    assert first == second
    again = session.log.get(found.run_id)
    assert again.draft.request_hash == original.draft.request_hash
    assert (again.draft.parent_run_id, again.draft.relation) == (original.run_id, "replay_of")
    assert found.verdict.grade is Grade.IDENTICAL_BYTES


def test_reference_images_come_from_the_store_not_from_where_they_were(session, simulator, tmp_path):
    sketch = tmp_path / "sketch.png"
    sketch.write_bytes(encoded(Image.new("RGB", (64, 64), "teal")))
    generate(session, model="krea-v2-large", style_references=[f"{sketch}@0.6"], yes=True, width=None, height=None)
    sketch.unlink()
    found = replay(session, "last", yes=True)
    assert found.verdict.grade is not None
    first, second = sent(simulator)
    assert first == second


def test_a_reference_image_that_is_gone_is_an_obstacle(session, tmp_path):
    sketch = tmp_path / "sketch.png"
    sketch.write_bytes(encoded(Image.new("RGB", (64, 64), "teal")))
    image = generate(
        session, model="krea-v2-large", style_references=[sketch], yes=True, width=None, height=None
    ).images[0]
    session.log.objects.remove(image.request["style_references"][0]["image"].removeprefix("sha256:"))
    found = replay(session, "last")
    assert found.verdict.circumstances == (Circumstance.NOT_REPLAYABLE,)
    assert "not in the store any longer" in found.verdict.reasons[0]


def test_the_rewritten_prompt_is_sent_with_enhancement_off(session, simulator):
    generate(session, enhance_prompt=True)
    found = replay(session, "last")
    first, second = sent(simulator)
    assert first["enhance_prompt"] is True
    assert "enhance_prompt" not in second
    assert second["prompt"].startswith("a fox, in soft")
    assert found.generation.estimate.price_usd == Decimal("0.01"), "no second fee"
    for shown in (outlook_bundle(found.outlook), found.bundle()):
        assert "The rewritten prompt is sent, with enhancement off." in shown.data["text/plain"]
    assert found.verdict.grade is Grade.IDENTICAL_BYTES


def test_what_the_response_says_of_the_seed_is_reported_beside_the_verdict(session, simulator):
    generate(session)
    simulator.add_fault(Fault("seed-mismatch"))
    found = replay(session, "last")
    assert found.verdict.grade is Grade.DIFFERENT
    assert "Seed 41 was sent, but Venice says that it used 40." in found.bundle().data["text/plain"]


def test_a_refused_replay_is_a_verdict_and_no_failure(session, simulator):
    generate(session)
    simulator.add_fault(Fault("violation"))
    found = replay(session, "last")
    assert (found.verdict.grade, found.verdict.circumstances) == (None, (Circumstance.REFUSED,))
    assert session.log.get(found.run_id).status is Status.REFUSED
    assert "refused" in found.bundle().data["text/plain"]


def test_a_blurred_replay_is_different_and_called_blurred(session, simulator):
    generate(session)
    simulator.add_fault(Fault("blur"))
    found = replay(session, "last")
    assert found.verdict.grade is Grade.DIFFERENT
    assert found.verdict.circumstances == (Circumstance.BLURRED,)


def test_a_replay_of_a_blurred_original_says_which_of_the_two_was(session, simulator):
    simulator.add_fault(Fault("blur"))
    generate(session)
    found = replay(session, "last")
    assert found.verdict.circumstances == (Circumstance.BLURRED,)
    assert "had blurred the original" in found.verdict.reasons[0]


def test_another_size_is_said_apart():
    session, _ = session_that_paints(encoded(ORIGINAL), encoded(ORIGINAL.resize((128, 128))))
    generate(session)
    verdict = replay(session, "last").verdict
    assert Circumstance.SIZE_CHANGED in verdict.circumstances
    assert "128 × 128" in verdict.reasons[-1]
    assert verdict.grade in (Grade.SIMILAR, Grade.DIFFERENT)


def test_another_version_of_the_service_is_said_before_and_after(session, monkeypatch):
    generate(session)
    monkeypatch.setattr("venice_widgets.simulator.service.VERSION", "20270101.000000")
    outlook = look(session, "last")
    assert outlook.changes == ("The service was version 20261101.120000, and is 20270101.000000.",)
    assert replay(session, outlook).verdict.circumstances == (Circumstance.SERVICE_CHANGED,)


def test_another_model_that_responses_is_the_first_cause_of_a_difference(session, simulator):
    generate(session)
    simulator.add_fault(Fault("served-by", served_model="chroma"))
    found = replay(session, "last")
    assert found.verdict.circumstances[0] is Circumstance.ANOTHER_MODEL
    assert found.verdict.reasons[0] == (
        "chroma answered the replay, and venice-sd35 the original. venice-sd35 is answered by another model now."
    )
    assert "another model" in found.verdict.text
    assert found.verdict.reasons[0] in found.bundle().data["text/plain"]
    assert session.log.verdicts("venice-sd35")[0].circumstances[0] == "another model"
    assert found.image.recipe.model_used == "chroma"


def test_an_original_of_another_model_is_compared_with_that_one(session, simulator):
    simulator.add_fault(Fault("served-by", served_model="chroma"))
    generate(session)
    reasons = replay(session, "last").verdict.reasons
    assert reasons[0] == "venice-sd35 answered the replay, and chroma the original."


def test_a_model_that_was_remapped_then_and_now_is_no_difference(session):
    generate(session, model="nano-banana", width=None, height=None)
    verdict = replay(session, "last").verdict
    assert (verdict.grade, verdict.circumstances) == (Grade.IDENTICAL_BYTES, ())


def test_a_file_names_the_model_that_returned_and_its_replay_compares_with_it(session, simulator, tmp_path):
    simulator.add_fault(Fault("served-by", served_model="chroma"))
    path = generate(session).images[0].save(tmp_path / "fox.webp")
    assert read_recipe(path, session=session).recipe.model_used == "chroma"
    reasons = replay(session, read_recipe(path, session=session)).verdict.reasons
    assert reasons[0].startswith("venice-sd35 answered the replay, and chroma the original.")


def test_how_to_send_what_cannot_come_out_the_same_is_said_until_it_is_requested(session, simulator):
    generate(session, model="gpt-image-2", width=None, height=None)
    outlook = look(session, "last")
    assert "--anyway (in Python: anyway=True)" in outlook_bundle(outlook).data["text/plain"]
    assert "--anyway" in replay(session, outlook).bundle().data["text/plain"]
    assert "--anyway" not in outlook_bundle(outlook, anyway=True).data["text/plain"]
    assert "--anyway" not in replay(session, outlook, anyway=True).bundle().data["text/plain"]


def test_a_file_of_another_program_is_looked_at_without_words_for_what_is_not_known(session, tmp_path):
    info = PngInfo()
    info.add_text("parameters", "a fox\nSteps: 20, CFG scale: 7, Seed: 5, Size: 8x8")
    Image.new("RGB", (8, 8)).save(tmp_path / "fox.png", pnginfo=info)
    outlook = look(session, read_recipe(tmp_path / "fox.png", session=session))
    for shown in (outlook_bundle(outlook), replay(session, outlook).bundle()):
        assert "None" not in shown.data["text/plain"]
        assert "cannot be sent again as it was" in shown.data["text/plain"]
    assert "Nothing that can be known has changed" not in outlook_bundle(outlook).data["text/plain"]


def altered_catalogue(session, monkeypatch, alter):
    """The service's list of models, changed."""
    honest = session.client.get

    def get(path, **query):
        body = honest(path, **query)
        if path != "/models":
            return body
        document = json.loads(body)
        document["data"] = [entry for entry in map(alter, document["data"]) if entry]
        return json.dumps(document).encode()

    monkeypatch.setattr(session.client, "get", get)


def test_a_model_that_is_gone_costs_nothing_and_its_replacement_is_named(session, simulator, monkeypatch):
    generate(session)
    before = len(sent(simulator))
    altered_catalogue(session, monkeypatch, lambda entry: None if entry["id"] == "venice-sd35" else entry)
    found = replay(session, "last")
    assert found.verdict.circumstances == (Circumstance.MODEL_GONE,)
    assert (found.generation, found.verdict.grade) == (None, None)
    assert len(sent(simulator)) == before
    assert "Nothing was sent" in found.bundle().data["text/plain"]


def test_a_model_that_is_offline_is_gone_for_now(session, monkeypatch):
    generate(session)

    def offline(entry):
        entry["model_spec"]["offline"] = entry["id"] == "venice-sd35"
        return entry

    altered_catalogue(session, monkeypatch, offline)
    assert replay(session, "last").verdict.circumstances == (Circumstance.MODEL_GONE,)


def test_a_model_that_the_service_does_not_know_any_more_is_a_verdict_too(session, simulator):
    generate(session)
    simulator.add_fault(Fault("404"))
    found = replay(session, "last")
    assert found.verdict.circumstances == (Circumstance.MODEL_GONE,)
    assert session.log.get(found.run_id).status is Status.FAILED


def test_changed_prices_and_defaults_are_told_before_anything_is_sent(session, simulator, monkeypatch):
    generate(session)

    def dearer(entry):
        if entry["id"] == "venice-sd35":
            entry["model_spec"]["pricing"]["generation"]["usd"] = 0.07
            entry["model_spec"]["constraints"]["steps"]["default"] = 12
        return entry

    altered_catalogue(session, monkeypatch, dearer)
    count = len(sent(simulator))
    outlook = look(session, "last")
    assert "Its price was $0.01, and is $0.07." in outlook.changes
    assert any(change.startswith("The catalogue's steps_default was") and "12" in change for change in outlook.changes)
    assert outlook.prepared.estimate.price_usd == Decimal("0.07")
    assert len(sent(simulator)) == count
    with pytest.raises(SpendingRefused):
        replay(session, outlook, max_cost_usd="0.05")
    assert len(sent(simulator)) == count


def test_a_request_that_today_s_limits_forbid_is_not_sent(session, simulator, monkeypatch):
    generate(session)

    def narrower(entry):
        if entry["id"] == "venice-sd35":
            entry["model_spec"]["constraints"]["widthHeightDivisor"] = 100
        return entry

    altered_catalogue(session, monkeypatch, narrower)
    count = len(sent(simulator))
    found = replay(session, "last")
    assert found.verdict.circumstances == (Circumstance.NOT_REPLAYABLE,)
    assert "Width 256" in found.verdict.reasons[0]
    assert len(sent(simulator)) == count


@pytest.mark.parametrize(
    ("fields", "words"),
    [
        ({"model": "nano-banana-2", "enable_web_search": True}, "searched the web"),
        ({"model": "nano-banana-pro"}, "ignores seeds"),
    ],
)
def test_what_cannot_come_out_the_same_is_sent_only_when_requested(session, simulator, fields, words):
    generate(session, **fields, width=None, height=None)
    count = len(sent(simulator))
    found = replay(session, "last", yes=True)
    assert found.verdict.circumstances == (Circumstance.NOT_REPLAYABLE,)
    assert words in found.verdict.reasons[0]
    assert len(sent(simulator)) == count
    again = replay(session, "last", yes=True, anyway=True)
    assert len(sent(simulator)) == count + 1
    assert again.verdict.grade is not None
    assert Circumstance.NOT_REPLAYABLE in again.verdict.circumstances


def test_a_failure_on_the_way_is_raised_and_nothing_is_judged(session, simulator):
    generate(session)
    simulator.add_fault(Fault("500"))
    with pytest.raises(PossiblyCharged):
        replay(session, "last")
    assert session.log.verdict(session.log.get("last").run_id) is None


def test_the_verdict_and_its_figures_stay_on_record():
    session, _ = session_that_paints(encoded(ORIGINAL), encoded(noisy(ORIGINAL)))
    generate(session)
    found = replay(session, "last")
    kept = session.log.verdict(found.run_id)
    assert kept.grade == "equivalent"
    assert kept.figures["psnr_db"] == found.verdict.comparison.psnr_db > 40
    assert kept.figures["worst_tile"] == list(found.verdict.comparison.worst_tile)
    (row,) = session.log.frame("v_replays").to_dict("records")
    assert (row["grade"], row["parent_run_id"], row["model"]) == (
        "equivalent",
        found.outlook.past.run_id,
        "venice-sd35",
    )
    assert row["psnr_db"] == found.verdict.comparison.psnr_db


def test_a_replay_can_be_replayed(session):
    generate(session)
    first = replay(session, "last")
    second = replay(session, first.run_id)
    assert session.log.get(second.run_id).draft.parent_run_id == first.run_id


def test_without_the_original_s_bytes_its_hash_can_still_prove_it_identical(session):
    image = generate(session).images[0]
    session.log.delete_image(image.sha256)
    assert replay(session, "last").verdict.grade is Grade.IDENTICAL_BYTES


def test_without_the_original_nothing_else_can_be_said():
    session, _ = session_that_paints(encoded(ORIGINAL), encoded(noisy(ORIGINAL)))
    image = generate(session).images[0]
    session.log.delete_image(image.sha256)
    found = replay(session, "last")
    assert (found.verdict.grade, found.verdict.circumstances) == (None, (Circumstance.NOT_COMPARED,))
    assert "not in the store any longer" in found.verdict.reasons[0]
    assert "not in the store any longer" in found.bundle().data["text/plain"]


def test_an_original_that_was_damaged_on_the_disk_is_not_compared_with():
    session, _ = session_that_paints(encoded(ORIGINAL), encoded(noisy(ORIGINAL)))
    image = generate(session).images[0]
    image.path.write_bytes(encoded(photograph(3)))
    assert "is damaged" in replay(session, "last").verdict.reasons[0]


def test_a_run_that_never_gave_an_image_can_be_sent_again(session, simulator):
    simulator.add_fault(Fault("violation"))
    with pytest.raises(Exception, match="blacked"):
        generate(session)
    found = replay(session, "last")
    assert found.verdict.circumstances == (Circumstance.NOT_COMPARED,)
    assert found.image is not None


def test_no_such_run(session):
    with pytest.raises(StoreError, match="holds no run"):
        replay(session, "ZZZZ")


def test_both_images_and_their_difference_stand_side_by_side():
    session, _ = session_that_paints(encoded(ORIGINAL), encoded(patched(ORIGINAL)))
    generate(session, "a <b>fox</b>")
    found = replay(session, "last")
    data, metadata = found._repr_mimebundle_()
    assert data["text/html"].count("<img ") == 3
    assert "<b>fox" not in data["text/html"]
    for words in ("original", "replay", "difference", "similar", "PSNR", "worst tile"):
        assert words in data["text/html"]
    assert metadata["venice"]["replay"]["grade"] == "similar"
    assert metadata["venice"]["runs"][0]["run_id"] == found.run_id


def test_the_same_file_is_shown_once_and_told_in_words(session):
    generate(session)
    html = replay(session, "last").bundle().data["text/html"]
    assert html.count("<img ") == html.count("<figure ") == 1
    assert "original and replay, the same file" in html


def test_a_place_without_an_image_has_the_shape_of_the_one_beside_it(session, simulator):
    original = session.generate("a heron", model="z-image-turbo", seed=5, width=1280, height=512)
    simulator.add_fault(Fault("violation"))
    html = replay(session, look(session, original.runs[0].run_id)).bundle().data["text/html"]
    assert len(set(re.findall(r"<figure style=\"([^\"]*)\"", html))) == 1
    assert html.count("<figure ") == 2
    (percent,) = re.findall(r"padding:0 0 ([\d.]+)%", html)
    assert float(percent) == pytest.approx(40, abs=0.2)


def test_a_file_alone_can_be_replayed_on_a_machine_without_its_log(session, simulator, tmp_path):
    image = generate(session, format="png").images[0]
    copy = image.save(tmp_path / "fox.png")
    elsewhere = Session(
        api_key="VENICE_INFERENCE_KEY_0123456789abcdef",
        transport=simulator.transport(),
        store=tmp_path / "elsewhere",
    )
    found = replay(elsewhere, read_recipe(copy, session=elsewhere))
    assert found.verdict.grade is Grade.IDENTICAL_BYTES
    assert elsewhere.log.get(found.run_id).draft.parent_run_id == image.run_id


@pytest.mark.parametrize(
    ("name", "grade"),
    [("noise", Grade.EQUIVALENT), ("same pixels", Grade.IDENTICAL_PIXELS), ("other", Grade.DIFFERENT)],
)
def test_a_copy_is_compared_by_its_pixels(tmp_path, name, grade):
    session, _ = session_that_paints(encoded(ORIGINAL), SET[name][0], encoded(ORIGINAL))
    copy = generate(session).images[0].save(tmp_path / "fox.png")
    elsewhere = Session(api_key="x", transport=session._transport, store=tmp_path / "elsewhere")
    assert replay(elsewhere, read_recipe(copy, session=elsewhere)).verdict.grade is grade


def notebook_of(generation, tmp_path):
    data, metadata = generation._repr_mimebundle_()
    cell = {"cell_type": "code", "outputs": [{"data": data, "metadata": metadata}]}
    (tmp_path / "paper.ipynb").write_text(json.dumps({"nbformat": 4, "cells": [cell]}))
    return runs_in(tmp_path / "paper.ipynb")


@pytest.mark.parametrize(
    ("name", "grade"),
    [
        ("same bytes", Grade.IDENTICAL_BYTES),
        ("same pixels", Grade.EQUIVALENT),
        ("noise", Grade.EQUIVALENT),
        ("blurred", Grade.DIFFERENT),
        ("other", Grade.DIFFERENT),
    ],
)
def test_a_notebook_alone_can_be_replayed_and_is_compared_by_its_preview(tmp_path, name, grade):
    session, _ = session_that_paints(encoded(ORIGINAL), SET[name][0])
    (run,) = notebook_of(generate(session), tmp_path)
    elsewhere = Session(api_key="x", transport=session._transport, store=tmp_path / "elsewhere")
    found = replay(elsewhere, run)
    assert found.verdict.grade is grade
    assert ("Only a preview" in found.bundle().data["text/plain"]) == (name != "same bytes")


def test_a_notebook_alone_knows_the_rewritten_prompt(session, simulator, tmp_path):
    (run,) = notebook_of(generate(session, enhance_prompt=True), tmp_path)
    elsewhere = Session(api_key="x", transport=session._transport, store=tmp_path / "elsewhere")
    found = replay(elsewhere, run)
    assert sent(simulator)[-1]["prompt"].startswith("a fox, in soft")
    assert found.verdict.grade is Grade.IDENTICAL_BYTES


def test_a_file_whose_seed_no_one_knows_is_not_compared_with_another_image_of_its_run(session, simulator, tmp_path):
    first, second = generate(session, variants=2, format="png").images
    found = replay(session, read_recipe(second.save(tmp_path / "second.png")))
    assert found.verdict.circumstances == (Circumstance.NOT_REPLAYABLE,)
    assert "its seed" in found.verdict.reasons[0]
    assert len(sent(simulator)) == 1
    again = replay(session, read_recipe(first.save(tmp_path / "first.png")))
    assert again.verdict.grade is Grade.IDENTICAL_BYTES


def test_a_recipe_that_is_not_exact_is_never_sent(session, simulator, tmp_path):
    generation = generate(session)
    (run,) = notebook_of(generation, tmp_path)
    count = len(sent(simulator))
    found = replay(session, replace(run, exact=False))
    assert found.verdict.circumstances == (Circumstance.NOT_REPLAYABLE,)
    assert len(sent(simulator)) == count


@pytest.mark.parametrize(
    "changes",
    [
        {"style_references": [{"image": "/etc/passwd"}]},
        {"style_references": [{"image": "sha256:" + "0" * 64}]},
        {"style_references": "x"},
        {"style_references": [{"image": "sha256:" + "0" * 64, "strength": "x"}]},
        {"seed": "41"},
        {"seed": True},
        {"seed": 10**12},
        {"prompt": 7},
        {"prompt": "\ud800"},
        {"prompt": ""},
        {"model": ["x"]},
        {"model": "default"},
        {"images": 5},
        {"width": 10**30},
        {"cfg_scale": 1e400},
    ],
)
def test_a_request_by_a_stranger_is_never_sent_if_it_is_none(session, simulator, tmp_path, changes):
    (run,) = notebook_of(generate(session), tmp_path)
    recipe = replace(run.recipe, request={**run.recipe.request, **changes}, run_id="")
    count = len(sent(simulator))
    found = replay(session, replace(run, recipe=recipe))
    assert found.generation is None
    assert found.verdict.circumstances in ((Circumstance.NOT_REPLAYABLE,), (Circumstance.MODEL_GONE,))
    assert len(sent(simulator)) == count
    found.bundle()


class Clock:
    """The service's time, which a test moves on."""

    def __init__(self):
        self.now = datetime.now(UTC) - timedelta(days=12)

    def __call__(self):
        return self.now


@pytest.fixture
def remapped():
    """A session with an image of a model that has ended since, and is answered by seedream-v4 under its id."""
    clock = Clock()
    simulator = Simulator(requests_per_minute=None, clock=clock)  # which says that seedream-v3 ends in ten days
    session = Session(api_key="VENICE_INFERENCE_KEY_0123456789abcdef", transport=simulator.transport())
    current.use_session(session)
    assert session.generate("a fox", model="seedream-v3", seed=41).images[0].recipe.model == ""
    clock.now = datetime.now(UTC)
    return session


CAUSE = "seedream-v4 answered the replay, and seedream-v3 the original. seedream-v3 is answered by another model now."


def test_a_replay_against_a_remapped_model_names_both_models_first_in_the_notebook_python_and_the_log(remapped, shell):
    shell.run_cell("%venice replay last --yes").raise_error()
    shown = shell.user_ns["_"]
    data, metadata = shown._repr_mimebundle_()
    first, *_ = data["text/plain"].splitlines()[1:]
    assert first == CAUSE
    assert CAUSE in data["text/html"]
    assert metadata["venice"]["replay"]["circumstances"][0] == "another model"
    assert "made by seedream-v4" in run_command(None, "log").data["text/plain"]
    record = run_command(None, "show last").data["text/plain"]
    assert re.search(r"made by +seedream-v4", record)
    assert re.search(rf"verdict +different · another model: {CAUSE}", record)

    found = replay(remapped, remapped.log.search()[-1])
    assert (found.verdict.circumstances[0], found.verdict.reasons[0]) == (Circumstance.ANOTHER_MODEL, CAUSE)
    assert found.verdict.grade is not Grade.IDENTICAL_BYTES
    assert (found.image.recipe.model_used, found.image.remarks) == (
        "seedream-v4",
        ("made by seedream-v4, whose price may differ",),
    )

    rows = remapped.log.frame(view="v_replays")
    assert [json.loads(each)[0] for each in rows["circumstances"]] == ["another model"] * 2
    served = remapped.log.frame()["served_model"].to_list()
    assert sorted(served) == ["seedream-v3", "seedream-v4", "seedream-v4"]


def test_drift_says_that_another_model_answers(remapped):
    found = drift(remapped, "seedream-v3", "0.20", runs=1)
    assert CAUSE in found.bundle().data["text/plain"]


def test_a_simulated_image_is_not_replayed_for_money_unless_that_is_said(session, simulator, tmp_path):
    with Session(demo=True, store=tmp_path / "demo") as demo:
        image = demo.generate("a fox", seed=41, yes=True).images[0].save(tmp_path / "fox.{ext}")
        assert replay(demo, look(demo, read_recipe(image))).verdict.grade is Grade.IDENTICAL_BYTES
    outlook = look(session, read_recipe(image))
    assert "a replay would be real, and would be paid for" in str(outlook_bundle(outlook).data["text/plain"])
    assert replay(session, outlook).generation is None
    assert not sent(simulator)
    assert replay(session, outlook, anyway=True).generation is not None


def test_a_real_image_is_not_replayed_by_the_simulator_unless_that_is_said(session, tmp_path):
    image = session.generate("a fox", seed=41, yes=True).images[0].save(tmp_path / "fox.{ext}")
    with Session(demo=True, store=tmp_path / "demo") as demo:
        outlook = look(demo, read_recipe(image))
        assert outlook.doubts == ("It is a real image, and the demo is on: a replay would be simulated.",)
        assert replay(demo, outlook).generation is None


def test_a_replay_starts_from_an_image_a_path_and_the_name_of_a_file(session, tmp_path):
    image = generate(session).images[0]
    file = image.save(tmp_path / "fox.{ext}")
    for source in (image, file, str(file), image.run_id, image.run_id[-8:]):
        assert look(session, source).past.run_id == image.run_id


@pytest.mark.parametrize("source", [None, 5, ["last"], object()], ids=["none", "a number", "a list", "an object"])
def test_what_cannot_be_replayed_is_refused_in_our_words(session, source):
    with pytest.raises(InvalidRequest, match="nothing that can be replayed"):
        look(session, source)


def fails(*_, **__):
    raise StoreError("the log is locked by another program.")


def test_a_verdict_that_cannot_be_put_on_record_hides_no_image_that_was_paid_for(session, monkeypatch):
    generate(session)
    monkeypatch.setattr(session.log, "record_verdict", fails)
    found = replay(session, "last")
    assert found.image is not None
    assert found.verdict.grade is Grade.IDENTICAL_BYTES
    told = found.bundle().data["text/plain"]
    assert "This verdict could not be put on record: the log is locked by another program." in told


def test_a_log_that_cannot_be_read_hides_no_image_that_was_paid_for(session, monkeypatch):
    outlook = look(session, generate(session).images[0])
    monkeypatch.setattr(session.log, "get", fails)
    found = replay(session, outlook)
    assert found.image is not None
    assert found.verdict.circumstances == (Circumstance.NOT_COMPARED,)
    assert "It could not be compared: the log is locked" in found.bundle().data["text/plain"]
