"""From a file back to its run, or at least to its request; whatever the file holds."""

import io
import json
import os
from dataclasses import replace

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from PIL import Image
from PIL.PngImagePlugin import PngInfo

import venice_widgets
from venice_widgets.errors import UnreadableFile
from venice_widgets.log.provenance import recipe_in
from venice_widgets.media.metadata.embed import sidecar, write_recipe
from venice_widgets.media.metadata.recipe import Recipe
from venice_widgets.replays import look
from venice_widgets.replays.read_recipe import read_recipe
from venice_widgets.request.request import canonical, sha256_tag

A1111 = (
    "a red fox\nNegative prompt: text\nSteps: 20, Sampler: Euler a, CFG scale: 7, Seed: 5, Size: 64x64, Model: dream"
)


def png(**texts):
    info = PngInfo()
    for key, text in texts.items():
        info.add_text(key, text)
    file = io.BytesIO()
    Image.new("RGB", (64, 64), "teal").save(file, "PNG", pnginfo=info)
    return file.getvalue()


def made(session, **fields):
    return session.generate(
        "a fox", **{"model": "venice-sd35", "seed": 41, "width": 256, "height": 256, **fields}
    ).images[0]


def test_a_found_recipe_prints_as_one_line(session, tmp_path):
    path = session.generate("A fox " * 40, model="z-image-turbo", seed=5).images[0].save(tmp_path / "fox.webp")
    told = repr(venice_widgets.read_recipe(path, session=session))
    assert told.startswith("<FoundRecipe in the file, exact: z-image-turbo, seed 5, 'A fox A fox")
    assert len(told) < 140


def test_a_saved_copy_leads_back_to_its_request_and_run(session, tmp_path):
    image = made(session)
    found = venice_widgets.read_recipe(image.save(tmp_path / "fox.{ext}"))
    assert (found.origin, found.exact, found.run_id) == ("file", True, image.run_id)
    assert found.recipe.request == image.request
    assert "image_bytes=" not in repr(found)


def test_the_bytes_as_received_are_found_by_their_hash(session, tmp_path):
    image = made(session)
    found = read_recipe(image.save(tmp_path / "fox.{ext}", "original"), session=session)
    assert (found.origin, found.exact, found.run_id) == ("log", True, image.run_id)
    assert found.recipe.request == image.request
    assert found.image_bytes == image.data


def test_a_copy_without_its_recipe_is_not_found(session, tmp_path):
    image = made(session, embed_exif_metadata=True)
    with pytest.raises(UnreadableFile, match=r"does not say what made it\.\n.*%venice log"):
        read_recipe(image.save_copy(tmp_path / "fox.{ext}", "none").path)


def test_a_copy_without_its_prompt_is_not_exact(session, tmp_path):
    found = read_recipe(made(session).save(tmp_path / "fox.{ext}", "no-prompt"))
    assert not found.exact
    assert found.recipe.seed == 41


def test_reading_a_file_makes_no_store(tmp_path, monkeypatch):
    monkeypatch.setenv("VENICE_STORE", str(tmp_path / "store"))
    (tmp_path / "fox.png").write_bytes(png())
    with pytest.raises(UnreadableFile):
        read_recipe(tmp_path / "fox.png")
    assert not (tmp_path / "store").exists()


def test_an_image_by_automatic1111_is_marked_not_exact(tmp_path):
    (tmp_path / "fox.png").write_bytes(png(parameters=A1111))
    found = read_recipe(tmp_path / "fox.png")
    assert (found.origin, found.exact) == ("infotext", False)
    assert found.recipe.request["prompt"] == "a red fox"
    assert found.recipe.settings["Sampler"] == "Euler a"


@pytest.mark.parametrize("beside", ["fox.gif.xmp", "fox.xmp"])
def test_a_sidecar_beside_the_image_is_read(tmp_path, beside):
    Image.new("RGB", (8, 8)).save(tmp_path / "fox.gif")
    (tmp_path / beside).write_bytes(sidecar(Recipe({"model": "m", "prompt": "a fox"}, seed=3)))
    found = read_recipe(tmp_path / "fox.gif")
    assert (found.origin, found.exact, found.recipe.seed) == ("sidecar", True, 3)
    assert found.image_bytes == (tmp_path / "fox.gif").read_bytes()


def test_a_sidecar_of_other_bytes_is_not_exact_and_gives_way_to_the_log(session, tmp_path):
    of_another = Recipe({"model": "m", "prompt": "a cat"}, seed=3, image_sha256="ff" * 32)
    (tmp_path / "fox.xmp").write_bytes(sidecar(of_another))
    (tmp_path / "fox.png").write_bytes(png())
    found = read_recipe(tmp_path / "fox.png")
    assert (found.origin, found.exact, found.recipe.prompt) == ("sidecar", False, "a cat")
    assert "written for other bytes" in found.notices[0]
    (tmp_path / "fox.png").write_bytes(made(session, format="png").data)
    assert read_recipe(tmp_path / "fox.png").recipe.prompt == "a fox"


def test_a_sidecar_itself_can_be_read(tmp_path):
    (tmp_path / "fox.xmp").write_bytes(sidecar(Recipe({"model": "m", "prompt": "a fox"}, seed=3)))
    found = read_recipe(tmp_path / "fox.xmp")
    assert (found.origin, found.exact, found.recipe.seed, found.image_bytes) == ("file", True, 3, None)


def test_a_request_that_was_changed_in_the_file_is_not_exact(tmp_path):
    request = {"model": "m", "prompt": "a fox", "seed": 1}
    recipe = Recipe({**request, "seed": 2}, request_hash=sha256_tag(canonical(request)))
    (tmp_path / "fox.png").write_bytes(write_recipe(png(), recipe).data)
    found = read_recipe(tmp_path / "fox.png")
    assert not found.exact
    assert "changed after it was written" in found.notices[0]


def test_the_log_wins_over_a_recipe_that_is_not_exact(session, tmp_path):
    """A model may write infotext of its own into what it sends."""
    image = made(session, format="png")
    assert read_recipe(image.save(tmp_path / "a.png", "original")).origin == "log"
    (tmp_path / "b.png").write_bytes(png(parameters=A1111))
    assert read_recipe(tmp_path / "b.png").origin == "infotext"


@pytest.mark.parametrize(
    ("name", "content", "words"),
    [
        ("missing.png", None, "is not a file"),
        ("empty.png", b"", "not a PNG, JPEG or WebP: it is empty"),
        ("cut.png", png()[:60], "damaged"),
        ("text.txt", b"hello", "not a PNG, JPEG or WebP"),
        ("own.png", png(venice='{"schema": 99}'), "schema 99"),
    ],
)
def test_what_cannot_be_read_is_named(tmp_path, name, content, words):
    if content is not None:
        (tmp_path / name).write_bytes(content)
    with pytest.raises(UnreadableFile, match=words):
        read_recipe(tmp_path / name)


@pytest.mark.parametrize("name", ["folder", "/dev/zero", "a\0b"])
def test_what_is_not_a_file_is_not_read(tmp_path, name):
    (tmp_path / "folder").mkdir()
    with pytest.raises(UnreadableFile):
        read_recipe(tmp_path / name)


JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=9), inner, max_size=3),
    max_leaves=8,
)
KEYS = st.sampled_from(["schema", "runs", "base_url", "service", "software", "withheld"])
RUN_KEYS = st.sampled_from(["run_id", "request", "request_hash", "image", "sent_at", "settings", "steps"])


@settings(suppress_health_check=[HealthCheck.function_scoped_fixture], max_examples=60, deadline=None)
@given(
    whole=st.dictionaries(KEYS, JSON, max_size=4),
    run=st.dictionaries(RUN_KEYS, JSON | st.fixed_dictionaries({"prompt": st.text(), "model": JSON}), max_size=5),
    request=st.dictionaries(st.sampled_from(["prompt", "model", "seed", "style_references"]), JSON, max_size=4),
)
def test_no_recipe_by_a_stranger_is_more_than_an_unreadable_file(tmp_path, whole, run, request):
    document = {"schema": 1, **whole, "runs": [{"request": request, **run}]}
    (tmp_path / "fox.png").write_bytes(png(venice=json.dumps(document), parameters="x"))
    try:
        found = read_recipe(tmp_path / "fox.png")
    except UnreadableFile:
        return
    assert found.exact in (True, False)


def test_a_seed_that_was_not_sent_is_told_and_not_replayed(session, simulator, tmp_path):
    image = made(session)
    (tmp_path / "fox.webp").write_bytes(write_recipe(image.data, replace(image.recipe, seed=7)).data)
    found = read_recipe(tmp_path / "fox.webp", session=session)
    assert not found.exact
    assert found.notices == ("It was changed: its image is said to have the seed 7, and 41 was sent.",)
    assert "cannot be sent again" in look(session, found).obstacle


def test_one_of_several_variants_has_no_seed_and_is_exact(session, tmp_path):
    session.generate("a fox", model="venice-sd35", seed=41, width=256, height=256, variants=2)
    (_, second) = session.log.get("last").images
    recipe = recipe_in(session.log.get("last"), second)
    (tmp_path / "fox.webp").write_bytes(write_recipe(session.log.objects.read(second.sha256), recipe).data)
    assert read_recipe(tmp_path / "fox.webp").exact


@pytest.mark.parametrize("sha256", ["..//{folder}/pipe", "\ud800", "a\0b", "ab"])
def test_a_file_from_elsewhere_opens_no_other_file_in_place_of_its_image(session, tmp_path, sha256):
    os.mkfifo(tmp_path / "pipe")  # whoever opened it would wait for ever
    image, place = made(session), sha256.format(folder=tmp_path)
    path = tmp_path / "fox.webp"
    path.write_bytes(write_recipe(image.data, replace(image.recipe, run_id="", image_sha256=place)).data)
    found = look(session, path)
    assert found.prepared is not None
    assert found.past.image_kind == "copy"
