"""Saved copies: named for what they are, with their recipe inside, their pixels untouched, overwriting nothing."""

import io
import json
import os
import shutil
import subprocess
import warnings
from datetime import timedelta
from pathlib import Path

import pytest
from PIL import Image

from venice_widgets.errors import InvalidRequest, StoreError
from venice_widgets.media.metadata.embed import read_recipe_bytes
from venice_widgets.media.metadata.recipe import Recipe
from venice_widgets.media.saving import SaveNotice, save_copy

PROMPT = 'a fox 狐 🦊, "quoted": yes\n<b>&amp;</b>'


def bytes_of(container, **options):
    file = io.BytesIO()
    Image.effect_noise((48, 32), 80).convert("RGB").save(file, container, **options)
    return file.getvalue()


def pixels(data):
    with Image.open(io.BytesIO(data)) as sample:
        return sample.convert("RGBA").tobytes()


@pytest.fixture
def image(session):
    return session.generate(PROMPT, model="venice-sd35", seed=41, steps=25, format="png", width=256, height=256).images[
        0
    ]


@pytest.mark.parametrize("format_", ["png", "jpeg", "webp"])
def test_a_saved_copy_carries_its_recipe_and_the_same_pixels(session, tmp_path, format_):
    image = session.generate(PROMPT, model="venice-sd35", seed=41, format=format_, width=256, height=256).images[0]
    saved = image.save(tmp_path / "fox-{seed}.{ext}")
    data = saved.read_bytes()
    assert data != image.data
    assert pixels(data) == pixels(image.data)
    found = read_recipe_bytes(data)
    assert found.exact
    assert found.recipe.request == image.request
    assert found.recipe.request_hash == image.request_hash
    assert (found.recipe.seed, found.recipe.run_id, found.recipe.image_sha256) == (41, image.run_id, image.sha256)
    assert found.recipe.base_url == "https://api.venice.ai/api/v1"
    assert found.recipe.service_version == "20261101.120000"
    sent_at = session.log.get(image.run_id).sent_at
    assert abs(found.recipe.sent_at - sent_at) < timedelta(seconds=5)


def test_the_image_in_the_store_is_never_touched(session, image, tmp_path):
    before = image.data
    image.save(tmp_path / "fox.png")
    assert image.data == before
    assert session.log.verify().ok


def test_original_writes_the_bytes_as_received(image, tmp_path):
    assert image.save(tmp_path / "fox.png", "original").read_bytes() == image.data


@pytest.mark.parametrize("metadata", ["no-prompt", "none"])
def test_nothing_of_the_prompt_is_in_a_file_that_should_not_tell_it(image, tmp_path, metadata):
    data = image.save(tmp_path / "fox.png", metadata).read_bytes()
    for secret in ("a fox", "狐 🦊", "quoted"):  # long enough not to occur in pixels by accident
        assert secret.encode() not in data
        assert secret.encode("utf-16-be") not in data
    assert (read_recipe_bytes(data) is None) == (metadata == "none")
    assert pixels(data) == pixels(image.data)


def test_a_word_that_is_not_valid_is_refused(image, tmp_path):
    with pytest.raises(InvalidRequest, match="metadata 'prompt' is not valid"):
        image.save(tmp_path / "fox.png", "prompt")
    assert not [*tmp_path.glob("fox*")]


def test_an_image_of_another_format_is_saved_under_its_own_ending_and_says_so(session, tmp_path):
    image = session.generate("a fox", model="z-image-turbo", seed=1, width=256, height=256).images[0]
    with pytest.warns(SaveNotice, match=r"came as webp, not png: it is saved as .*/fox\.webp") as caught:
        saved = image.save(tmp_path / "fox.png")
    assert saved == tmp_path / "fox.webp"
    assert caught[0].filename == __file__
    assert pixels(saved.read_bytes()) == pixels(image.data)
    assert not (tmp_path / "fox.png").exists()


@pytest.mark.parametrize("name", ["fox.webp", "fox.WEBP", "fox", "fox.v2", "fox.webp.bak"])
def test_a_name_that_claims_nothing_false_is_kept(tmp_path, name):
    saved = save_copy(bytes_of("WEBP"), tmp_path / name, Recipe({}), mime="image/webp")
    assert (saved.path, saved.notices) == (tmp_path / name, ())


@pytest.mark.parametrize("name", ["fox.jpg", "fox.jpeg", "fox.JPE", "fox.jfif"])
def test_every_ending_of_a_jpeg_is_true(tmp_path, name):
    assert save_copy(bytes_of("JPEG"), tmp_path / name, Recipe({}), mime="image/jpeg").path.name == name


@pytest.mark.parametrize("taken", ["fox.webp", "fox.png"])
def test_nothing_is_ever_overwritten_not_even_under_the_true_name(tmp_path, taken):
    (tmp_path / taken).write_text("mine")
    before = sorted(tmp_path.iterdir())
    data = bytes_of("WEBP")
    if taken == "fox.webp":
        with pytest.raises(InvalidRequest, match=r"fox\.webp exists, and nothing is overwritten"):
            save_copy(data, tmp_path / "fox.png", Recipe({}), mime="image/webp")
        assert sorted(tmp_path.iterdir()) == before
    else:
        save_copy(data, tmp_path / "fox.png", Recipe({}), mime="image/webp")
    assert (tmp_path / taken).read_text() == "mine"


@pytest.mark.parametrize("container", ["PNG", "GIF"])
def test_the_same_copy_written_again_is_there_already_and_stays_as_it_is(tmp_path, container):
    data = bytes_of(container)

    def save(seed):
        recipe, mime = Recipe({"prompt": "a fox"}, seed=seed), f"image/{container.lower()}"
        return save_copy(data, tmp_path / "fox.img", recipe, mime=mime)

    first, before = save(41), {path: path.stat().st_mtime_ns for path in tmp_path.iterdir()}
    assert save(41) == first
    assert {path: path.stat().st_mtime_ns for path in tmp_path.iterdir()} == before
    with pytest.raises(InvalidRequest, match="exists"):
        save(42)


def test_a_copy_whose_recipe_beside_it_was_deleted_gets_it_back(tmp_path):
    data = bytes_of("GIF")

    def save():
        return save_copy(data, tmp_path / "fox.gif", Recipe({"prompt": "a fox"}), mime="image/gif")

    first = save()
    first.sidecar.unlink()
    assert save() == first
    assert first.sidecar.exists()


def test_a_link_that_leads_nowhere_is_not_followed(tmp_path):
    (tmp_path / "fox.webp").symlink_to(tmp_path / "elsewhere")
    with pytest.raises(InvalidRequest, match="exists"):
        save_copy(bytes_of("WEBP"), tmp_path / "fox.webp", Recipe({}), mime="image/webp")
    assert not (tmp_path / "elsewhere").exists()


@pytest.mark.parametrize("container", ["GIF", "AVIF"])
def test_a_format_without_a_place_for_a_recipe_gets_a_file_beside_it(tmp_path, container):
    data = bytes_of(container)
    recipe = Recipe({"model": "m", "prompt": PROMPT}, seed=41)
    saved = save_copy(data, tmp_path / "fox.img", recipe, mime=f"image/{container.lower()}")
    assert saved.path.read_bytes() == data
    assert saved.sidecar == tmp_path / "fox.img.xmp"
    assert read_recipe_bytes(saved.sidecar.read_bytes()).recipe.prompt == PROMPT
    assert "beside it" in saved.notices[0]


def test_a_sidecar_in_the_way_stops_the_image_too(tmp_path):
    (tmp_path / "fox.gif.xmp").write_text("mine")
    with pytest.raises(InvalidRequest, match=r"fox\.gif\.xmp exists"):
        save_copy(bytes_of("GIF"), tmp_path / "fox.gif", Recipe({}), mime="image/gif")
    assert [path.name for path in tmp_path.glob("fox*")] == ["fox.gif.xmp"]


def signed_png():
    """A PNG with the chunk in which C2PA keeps its manifest (C2PA 2.1, A.3.3)."""
    import struct
    import zlib

    data = bytes_of("PNG")
    body = b"caBX" + b"\0\0\0\x10jumb\0\0\0\0\0\0\0\0"
    chunk = struct.pack(">I", len(body) - 4) + body + struct.pack(">I", zlib.crc32(body))
    return data[:33] + chunk + data[33:]


def test_a_signed_file_is_not_altered_unless_requested(tmp_path):
    data, recipe = signed_png(), Recipe({"model": "m", "prompt": PROMPT})
    kept = save_copy(data, tmp_path / "kept.png", recipe, mime="image/png")
    assert kept.path.read_bytes() == data
    assert read_recipe_bytes(kept.sidecar.read_bytes()).recipe.prompt == PROMPT
    altered = save_copy(data, tmp_path / "altered.png", recipe, mime="image/png", alter_signed=True)
    assert altered.sidecar is None
    assert read_recipe_bytes(altered.path.read_bytes()).recipe.prompt == PROMPT
    assert "no longer holds" in altered.notices[0]


def test_a_folder_that_cannot_be_written_is_said_and_leaves_nothing(image, tmp_path):
    (tmp_path / "file").write_text("")
    with pytest.raises(StoreError, match=r"cannot be written.*\n.*safe in the store"):
        image.save(tmp_path / "file" / "fox.png")


def test_the_demo_s_images_do_not_say_that_venice_made_them(tmp_path):
    from venice_widgets.session import Session

    image = Session(demo=True).generate("a fox", seed=1, format="png", width=256, height=256).images[0]
    data = image.save(tmp_path / "fox.png").read_bytes()
    assert b"venice-widgets simulator" in data
    assert b"Venice.ai" not in data
    assert b"trainedAlgorithmicMedia" not in data
    assert b"digitalsourcetype/algorithmicMedia" in data
    assert read_recipe_bytes(data).recipe.simulated


def test_pillow_finds_infotext_where_other_programs_look_for_it(image, tmp_path):
    with Image.open(image.save(tmp_path / "fox.png")) as sample:
        text = sample.info["parameters"]
    assert text.startswith(PROMPT)
    assert "\nSteps: 25, Seed: 41, Size: 256x256, Model: venice-sd35" in text


def test_exiftool_reads_the_fields_of_images_made_by_machines(image, tmp_path):
    if not shutil.which("exiftool"):
        if os.environ.get("VENICE_REQUIRE_EXIFTOOL"):
            pytest.fail("exiftool is required here, and missing")
        pytest.skip("exiftool is not installed (Debian: libimage-exiftool-perl)")
    saved = image.save(tmp_path / "fox.png")
    command = ["exiftool", "-json", "-G1", str(saved)]
    (facts,) = json.loads(subprocess.run(command, capture_output=True, check=True, timeout=60).stdout)
    assert facts["XMP-iptcExt:DigitalSourceType"].endswith("trainedAlgorithmicMedia")
    assert facts["XMP-iptcExt:AISystemUsed"] == "Venice.ai, venice-sd35"
    assert "狐 🦊" in facts["XMP-iptcExt:AIPromptInformation"]


def test_saving_without_anything_to_say_says_nothing(image, tmp_path):
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        assert image.save(str(tmp_path / "deep" / "er" / "fox.png")) == Path(tmp_path / "deep" / "er" / "fox.png")
