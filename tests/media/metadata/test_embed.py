"""Recipes in image files: written beside untouched pixels, read back by us and by readers that are not ours."""

import io
import json
import os
import random
import shutil
import struct
import subprocess
from datetime import UTC, datetime
from decimal import Decimal

import piexif
import piexif.helper
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from PIL import Image, ImageCms, ImageSequence
from PIL.PngImagePlugin import PngInfo
from sd_parsers import ParserManager
from sd_parsers.data import Generators
from sd_parsers.extractors import METADATA_EXTRACTORS, Eagerness, _jpeg_usercomment

from venice_widgets.errors import InvalidRequest, UnreadableFile
from venice_widgets.media.metadata import exif, jpeg, png, webp, xmp
from venice_widgets.media.metadata.container import Metadata
from venice_widgets.media.metadata.embed import is_signed, read_recipe_bytes, sidecar, write_recipe
from venice_widgets.media.metadata.recipe import Recipe, from_json, to_json

WIDTH, HEIGHT = 65, 43
PROMPT = 'a fox 狐 🦊, "quoted": yes\nand a second line: <b>&amp;</b>'


def image(mode, container, *, frames=1, **options):
    source = random.Random(1)
    channels = len(Image.new(mode, (1, 1)).getbands())
    first, *rest = [
        Image.frombytes(mode, (WIDTH, HEIGHT), source.randbytes(WIDTH * HEIGHT * channels)) for _ in range(frames)
    ]
    file = io.BytesIO()
    first.save(file, container, **({"save_all": True, "append_images": rest} if rest else {}), **options)
    return file.getvalue()


SRGB = ImageCms.ImageCmsProfile(ImageCms.createProfile("sRGB")).tobytes()
IMAGES = {
    "png": image("RGB", "PNG"),
    "png alpha": image("RGBA", "PNG", icc_profile=SRGB),
    "png palette": image("P", "PNG", transparency=3),
    "png animated": image("RGB", "PNG", frames=3),
    "jpeg": image("RGB", "JPEG", icc_profile=SRGB),
    "jpeg progressive": image("RGB", "JPEG", progressive=True, comment=b"made by hand"),
    "jpeg cmyk": image("CMYK", "JPEG"),
    "webp lossy": image("RGB", "WEBP"),
    "webp lossless": image("RGB", "WEBP", lossless=True),
    "webp lossy alpha": image("RGBA", "WEBP", icc_profile=SRGB),
    "webp lossless alpha": image("RGBA", "WEBP", lossless=True),
    "webp animated": image("RGB", "WEBP", frames=3),
}
THREE = ["png", "jpeg", "webp lossy"]


def a_recipe(**changes):
    fields = {
        "request": {
            "model": "venice-sd35",
            "prompt": PROMPT,
            "negative_prompt": "text, watermark",
            "steps": 25,
            "cfg_scale": 7.5,
            "seed": 41,
            "style_preset": "Film, 35 mm",
            "style_references": [{"image": "sha256:ab", "strength": 0.5}],
            "enhance_prompt": False,
        },
        "seed": 41,
        "run_id": "01K9ZZ",
        "request_hash": "sha256:00ff",
        "base_url": "https://api.venice.ai/api/v1",
        "image_sha256": "ff" * 32,
        "mime": "image/png",
        "width": WIDTH,
        "height": HEIGHT,
        "service_version": "r20261001",
        "sent_at": datetime(2026, 11, 22, 9, 30, tzinfo=UTC),
    }
    return Recipe(**fields | changes)


def prompted(prompt):
    return a_recipe(request={"model": "m", "prompt": prompt, "seed": 41, "steps": 8})


def frames(data):
    with Image.open(io.BytesIO(data)) as image:
        return [(frame.mode, frame.size, frame.tobytes()) for frame in ImageSequence.Iterator(image)]


def infotext_in(data):
    """The infotext as another program finds it: sd-parsers' own extractors."""
    forget_the_last_image()
    with Image.open(io.BytesIO(data)) as image:
        extract = METADATA_EXTRACTORS[image.format][Eagerness.FAST][0]
        return extract(image, Generators.AUTOMATIC1111)["parameters"]


def as_sd_parsers_reads(data):
    forget_the_last_image()
    return ParserManager().parse(io.BytesIO(data))


def forget_the_last_image():
    # sd-parsers keeps the last image's comment under its id(), which the next image may get once that is freed.
    _jpeg_usercomment._image_id = None


def exiftool(path):
    if shutil.which("exiftool") is None:
        if os.environ.get("VENICE_REQUIRE_EXIFTOOL") == "1":
            pytest.fail("exiftool is required here, and is not installed")
        pytest.skip("exiftool is not installed (Debian: libimage-exiftool-perl)")
    answer = subprocess.run(["exiftool", "-j", "-b", "-a", "-G1", path], capture_output=True, check=True)
    return json.loads(answer.stdout)[0]


@pytest.mark.parametrize("name", IMAGES)
def test_pixels_are_untouched_and_the_recipe_comes_back_whole(name):
    source = IMAGES[name]
    written = write_recipe(source, a_recipe())
    assert frames(written.data) == frames(source)
    assert written.notices == ()
    assert written.sidecar is None
    found = read_recipe_bytes(written.data)
    assert (found.recipe, found.layer, found.exact, found.notices) == (a_recipe(), "venice", True, ())


@pytest.mark.parametrize("name", IMAGES)
def test_the_color_profile_and_the_comment_stay(name):
    before = Image.open(io.BytesIO(IMAGES[name])).info
    after = Image.open(io.BytesIO(write_recipe(IMAGES[name], a_recipe()).data)).info
    for key in ("icc_profile", "comment", "transparency", "background", "loop"):
        assert after.get(key) == before.get(key)


@pytest.mark.parametrize("name", IMAGES)
def test_writing_twice_leaves_one_recipe_and_the_same_file(name):
    once = write_recipe(IMAGES[name], a_recipe()).data
    assert write_recipe(once, a_recipe()).data == once
    other = write_recipe(once, prompted("another")).data
    assert read_recipe_bytes(other).recipe == prompted("another")
    assert b"watermark" not in other
    assert "watermark".encode("utf-16-be") not in other


@pytest.mark.parametrize("name", IMAGES)
def test_another_program_finds_the_infotext(name):
    data = write_recipe(IMAGES[name], a_recipe()).data
    assert infotext_in(data) == (
        f"{PROMPT}\nNegative prompt: text, watermark\n"
        f"Steps: 25, CFG scale: 7.5, Seed: 41, Size: {WIDTH}x{HEIGHT}, Model: venice-sd35, "
        'Style preset: "Film, 35 mm", Enhance prompt: False, Run: 01K9ZZ, Version: venice-widgets'
    )


@pytest.mark.parametrize("name", THREE)
def test_sd_parsers_understands_a_recipe_that_names_a_sampler(name):
    recipe = a_recipe(settings={"Sampler": "Euler a"})
    info = as_sd_parsers_reads(write_recipe(IMAGES[name], recipe).data)
    (sampler,) = info.samplers
    assert sampler.model.name == "venice-sd35"
    assert sampler.parameters == {"steps": "25", "cfg_scale": "7.5", "seed": "41"}
    assert [prompt.value for prompt in sampler.prompts] == [PROMPT]
    assert [prompt.value for prompt in sampler.negative_prompts] == ["text, watermark"]


@pytest.mark.parametrize("name", ["jpeg", "jpeg cmyk", "webp lossy", "webp lossless alpha"])
def test_automatic1111_would_find_the_comment_where_it_looks(name):
    # What its read_info_from_image does: piexif on the block that Pillow hands out.
    block = Image.open(io.BytesIO(write_recipe(IMAGES[name], a_recipe()).data)).info["exif"]
    comment = piexif.load(block)["Exif"][piexif.ExifIFD.UserComment]
    assert piexif.helper.UserComment.load(comment).startswith(PROMPT)


@pytest.mark.parametrize("name", [*THREE, "webp lossless", "webp lossy alpha"])
def test_exiftool_reads_every_layer_and_has_no_complaint(name, tmp_path):
    path = tmp_path / "image"
    path.write_bytes(write_recipe(IMAGES[name], a_recipe()).data)
    tags = exiftool(path)
    assert not {key for key in tags if key.endswith((":Warning", ":Error"))}
    assert tags["XMP-iptcExt:DigitalSourceType"].endswith("/digitalsourcetype/trainedAlgorithmicMedia")
    assert tags["XMP-iptcExt:AISystemUsed"] == "Venice.ai, venice-sd35"
    assert tags["XMP-iptcExt:AISystemVersionUsed"] == "r20261001"
    assert tags["XMP-iptcExt:AIPromptInformation"] == f"{PROMPT}\nNegative prompt: text, watermark"
    assert (tags.get("ExifIFD:UserComment") or tags["PNG:Parameters"]).startswith(f"{PROMPT}\n")
    recipe = tags.get("XMP-venice:Recipe") or tags["PNG:Venice"]
    assert from_json(recipe) == a_recipe()


@pytest.mark.parametrize("prompt", ["fox: ", "狐の絵。", "🦊", '"\n:,\\'], ids=["ascii", "cjk", "emoji", "marks"])
@pytest.mark.parametrize("name", [*THREE, "webp lossless alpha"])
def test_thirty_thousand_characters_come_back_whole(name, prompt, tmp_path):
    prompt = (prompt * 30_000)[:30_000]
    written = write_recipe(IMAGES[name], prompted(prompt))
    assert frames(written.data) == frames(IMAGES[name])
    assert read_recipe_bytes(written.data).recipe == prompted(prompt)
    if name == "jpeg" and prompt[0] == "🦊":
        assert "infotext is left out" in written.notices[0]
        assert "exif" not in Image.open(io.BytesIO(written.data)).info
    else:
        assert written.notices == ()
        assert infotext_in(written.data).startswith(prompt)


def test_exiftool_puts_extended_xmp_together(tmp_path):
    path = tmp_path / "image.jpg"
    recipe = a_recipe(rewritten_prompt="🦊" * 30_000)
    path.write_bytes(write_recipe(IMAGES["jpeg"], recipe).data)
    tags = exiftool(path)
    assert from_json(tags["XMP-venice:Recipe"]) == recipe
    assert tags["XMP-iptcExt:AIPromptInformation"].startswith("🦊" * 30_000)
    assert not {key for key in tags if key.endswith((":Warning", ":Error"))}


@settings(max_examples=60, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(
    name=st.sampled_from([*THREE, "webp lossless"]),
    texts=st.tuples(*[st.text(st.characters(), max_size=200)] * 4),
    numbers=st.tuples(st.integers(-999_999_999, 999_999_999), st.none() | st.integers(1, 50)),
    cfg_scale=st.none() | st.floats(0.1, 20),
)
def test_any_recipe_survives_any_container(name, texts, numbers, cfg_scale):
    prompt, negative, style, rewritten = texts
    request = {"prompt": prompt, "negative_prompt": negative, "style_preset": style, "cfg_scale": cfg_scale}
    recipe = Recipe(request, seed=numbers[0], steps=numbers[1], rewritten_prompt=rewritten)
    written = write_recipe(IMAGES[name], recipe)
    assert read_recipe_bytes(written.data).recipe == recipe
    assert frames(written.data) == frames(IMAGES[name])
    assert read_recipe_bytes(sidecar(recipe)).recipe == recipe


def test_infotext_in_latin_1_is_a_plain_text_chunk_as_automatic1111_writes_it():
    kinds = [chunk.kind for chunk in png._chunks(write_recipe(IMAGES["png"], prompted("café")).data)]
    assert kinds.index(b"tEXt") < kinds.index(b"IDAT")
    kinds = [chunk.kind for chunk in png._chunks(write_recipe(IMAGES["png"], prompted("狐")).data)]
    assert b"tEXt" not in kinds


def test_no_number_of_steps_is_invented_and_no_seed():
    recipe = Recipe({"model": "flux-2-pro", "prompt": "fox", "aspect_ratio": "16:9"}, software="venice-widgets 1.0")
    text = infotext_in(write_recipe(IMAGES["png"], recipe).data)
    assert text == f'fox\nSize: {WIDTH}x{HEIGHT}, Model: flux-2-pro, Aspect ratio: "16:9", Version: venice-widgets 1.0'


@pytest.mark.parametrize("name", THREE)
def test_characters_that_no_container_may_hold_come_back_exactly(name):
    recipe = prompted("a\0b\x0b\ud800\ufffe\x85\r\n ]]> \udfff")
    assert read_recipe_bytes(write_recipe(IMAGES[name], recipe).data).recipe == recipe
    assert infotext_in(write_recipe(IMAGES[name], recipe).data).startswith("ab\x0b\ufffe\x85\r\n ]]> \n")


def test_decimal_numbers_of_a_request_are_written_as_the_numbers_they_are():
    recipe = a_recipe(request={"cfg_scale": Decimal("7.5"), "steps": Decimal(8)})
    assert '"request":{"cfg_scale":7.5,"steps":8}' in to_json(recipe)
    with pytest.raises(TypeError, match="a request holds"):
        to_json(a_recipe(request={"image": b"bytes"}))


def test_the_rewritten_prompt_is_the_one_that_others_see():
    recipe = a_recipe(rewritten_prompt="a better fox")
    found = read_recipe_bytes(write_recipe(IMAGES["jpeg"], recipe).data).recipe
    assert found.request["prompt"] == PROMPT
    assert infotext_in(write_recipe(IMAGES["jpeg"], recipe).data).startswith("a better fox\n")


# What the original already carries.

XMP_BEFORE = (
    b'<?xpacket begin="" id="W5M0MpCehiHzreSzNTczkc9d"?><x:xmpmeta xmlns:x="adobe:ns:meta/">'
    b'<rdf:RDF xmlns:rdf="http://www.w3.org/1999/02/22-rdf-syntax-ns#"><rdf:Description rdf:about="uuid:1"'
    b' xmlns:dc="http://purl.org/dc/elements/1.1/" xmlns:e="http://iptc.org/std/Iptc4xmpExt/2008-02-29/"'
    b' e:DigitalSourceType="http://cv.iptc.org/newscodes/digitalsourcetype/digitalCapture">'
    b"<dc:creator><rdf:Seq><rdf:li>Ada &amp; Bob</rdf:li></rdf:Seq></dc:creator></rdf:Description></rdf:RDF>"
    b'</x:xmpmeta><?xpacket end="w"?>'
)
MODULES = {"png": png, "jpeg": jpeg, "webp lossy": webp}


def carrying(name, **layers):
    return MODULES[name].write(IMAGES[name], Metadata(**layers), bare=False)


def photograph_exif(order):
    block = Image.Exif()
    block.endian = order
    block[0x010F] = "A camera"
    block[0x0112] = 6
    block.get_ifd(0x8769)[0x9286] = b"ASCII\0\0\0what it said before"
    block.get_ifd(0x8769)[0x829A] = 0.5
    block.get_ifd(0x8825)[1] = "N"
    return block.tobytes()[6:]


@pytest.mark.parametrize("name", THREE)
def test_the_xmp_of_the_original_is_kept_and_only_our_fields_are_replaced(name, tmp_path):
    path = tmp_path / "image"
    written = write_recipe(carrying(name, xmp=XMP_BEFORE), a_recipe())
    path.write_bytes(written.data)
    tags = exiftool(path)
    assert (tags["XMP-dc:Creator"], tags["XMP-rdf:About"]) == ("Ada & Bob", "uuid:1")
    assert written.data.count(b'rdf:about="uuid:1"') == 2
    assert tags["XMP-iptcExt:DigitalSourceType"].endswith("trainedAlgorithmicMedia")
    assert written.notices == ()
    assert read_recipe_bytes(written.data).exact


@pytest.mark.parametrize("order", ["<", ">"])
@pytest.mark.parametrize("name", ["jpeg", "webp lossy"])
def test_the_exif_of_the_original_is_kept_and_only_its_comment_replaced(name, order, tmp_path):
    path = tmp_path / "image"
    written = write_recipe(carrying(name, exif=photograph_exif(order)), a_recipe())
    path.write_bytes(written.data)
    tags = exiftool(path)
    assert (tags["IFD0:Make"], tags["ExifIFD:ExposureTime"], tags["GPS:GPSLatitudeRef"]) == ("A camera", 0.5, "North")
    assert tags["ExifIFD:UserComment"].startswith(PROMPT)
    assert not {key for key in tags if key.endswith((":Warning", ":Error"))}
    assert "EXIF comment of its own" in written.notices[0]


@pytest.mark.parametrize(
    "packet", [b"<no xmp", XMP_BEFORE.replace(b"adobe:ns:meta/", b"adobe ns meta")], ids=["no XML", "spaced name"]
)
@pytest.mark.parametrize("name", THREE)
def test_layers_that_cannot_be_read_are_replaced_with_a_notice(name, packet):
    source = carrying(name, exif=b"MM\0*\xff\xff\xff\xff", xmp=packet)
    written = write_recipe(source, a_recipe())
    replaced = " ".join(written.notices)
    assert "XMP was replaced" in replaced
    assert ("EXIF was replaced" in replaced) is (name != "png")
    assert read_recipe_bytes(written.data).exact


def test_extended_xmp_of_the_original_is_kept_beside_ours():
    whole = xmp.packet({xmp.Name(xmp.XMP_NOTE, "Other"): "kept" * 30_000})
    main = xmp.packet({xmp.Name(xmp.XMP_NOTE, "HasExtendedXMP"): jpeg.extended_xmp_guid(whole)})
    source = jpeg.write(IMAGES["jpeg"], Metadata(xmp=main, extended_xmp=whole), bare=False)
    for prompt in ("fox", "狐" * 30_000):
        data = write_recipe(source, prompted(prompt)).data
        extended = jpeg.read(data).metadata.extended_xmp
        assert xmp.read_property(extended, xmp.Name(xmp.XMP_NOTE, "Other")) == "kept" * 30_000
        assert read_recipe_bytes(data).recipe == prompted(prompt)


def test_infotext_of_another_program_is_replaced_with_a_notice():
    source = carrying("png", parameters="x\nSteps: 1, Seed: 2, Size: 3x4")
    written = write_recipe(source, a_recipe())
    assert "infotext of its own" in written.notices[0]
    assert written.data.count(b"parameters") == 1


def test_bytes_after_the_end_of_an_image_stay():
    for name in THREE:
        assert write_recipe(IMAGES[name] + b"after the end", a_recipe()).data.endswith(b"after the end")


# Privacy.


def with_everything(name):
    """A file whose own metadata tell the prompt in every place that holds text."""
    data = carrying(
        name,
        exif=exif.with_user_comment(photograph_exif(">"), "the secret fox"),
        xmp=xmp.packet({xmp.Name(xmp.IPTC_EXTENSION, "AIPromptInformation"): "the secret fox"}),
    )
    return data + b"the secret fox"


@pytest.mark.parametrize("metadata", ["no-prompt", "none"])
@pytest.mark.parametrize("name", THREE)
def test_no_prompt_means_that_no_byte_of_it_is_in_the_file(name, metadata):
    recipe = a_recipe(
        request={"model": "m", "prompt": "the secret fox", "negative_prompt": "the secret hen", "enhance_prompt": True},
        rewritten_prompt="the secret fox, better",
        settings={"Hires prompt": "the secret fox", "Template": "the secret {fox}"},
    )
    source = with_everything(name)
    written = write_recipe(source, recipe, metadata=metadata)
    for encoding in ("utf-8", "utf-16-be", "utf-16-le"):
        assert "secret".encode(encoding) in source or encoding == "utf-16-le"
        assert "secret".encode(encoding) not in written.data
    assert recipe.request_hash.encode() not in written.data
    assert "may hold the prompt" in written.notices[0]
    assert frames(written.data) == frames(source)
    assert Image.open(io.BytesIO(written.data)).getexif()[0x0112] == 6


@pytest.mark.parametrize("name", THREE)
def test_without_prompts_the_rest_is_there_and_marked_not_exact(name):
    found = read_recipe_bytes(write_recipe(IMAGES[name], a_recipe(), metadata="no-prompt").data)
    assert (found.exact, found.recipe.withheld, found.recipe.seed) == (False, "prompt", 41)
    assert found.recipe.request == {
        key: value for key, value in a_recipe().request.items() if key not in {"prompt", "negative_prompt"}
    }


@pytest.mark.parametrize("name", IMAGES)
def test_none_leaves_nothing_but_the_image(name):
    data = write_recipe(write_recipe(IMAGES[name], a_recipe()).data, a_recipe(), metadata="none").data
    assert frames(data) == frames(IMAGES[name])
    assert Image.open(io.BytesIO(data)).info.get("icc_profile") == Image.open(io.BytesIO(IMAGES[name])).info.get(
        "icc_profile"
    )
    assert read_recipe_bytes(data) is None
    assert b"xmpmeta" not in data


def test_an_unknown_degree_of_privacy_is_refused():
    with pytest.raises(InvalidRequest, match="no-prompt"):
        write_recipe(IMAGES["png"], a_recipe(), metadata="some")


# C2PA.


def signed(name):
    box = b"\0\0\0\x2cjumb\0\0\0\x1ejumdc2pa\0\x11\0\x10\x80\0\0\xaa\0\x38\x9b\x71\x03c2pa\0"
    data = IMAGES[name]
    if name == "png":
        return data[:33] + png._chunk(b"caBX", box) + data[33:]
    if name == "jpeg":
        payload = b"JP\0\x01\0\0\0\x01" + box
        return data[:2] + struct.pack(">BBH", 0xFF, 0xEB, len(payload) + 2) + payload + data[2:]
    extended = webp.write(data, Metadata(xmp=XMP_BEFORE), bare=False)
    chunk = struct.pack("<4sI", b"C2PA", len(box)) + box
    return extended[:4] + struct.pack("<I", len(extended) + len(chunk) - 8) + extended[8:] + chunk


@pytest.mark.parametrize("name", THREE)
def test_a_signed_file_is_left_alone_and_gets_a_sidecar(name, tmp_path):
    source = signed(name)
    assert is_signed(source)
    assert not is_signed(IMAGES[name])
    written = write_recipe(source, a_recipe())
    assert written.data == source
    assert "signed with C2PA" in written.notices[0]
    assert read_recipe_bytes(written.sidecar).recipe == a_recipe()
    private = write_recipe(source, a_recipe(), metadata="no-prompt")
    assert "狐".encode() not in private.sidecar
    assert write_recipe(source, a_recipe(), metadata="none").sidecar is None


@pytest.mark.parametrize("name", THREE)
def test_a_signed_file_is_altered_when_requested_and_keeps_its_manifest(name):
    written = write_recipe(signed(name), a_recipe(), alter_signed=True)
    assert "no longer holds" in written.notices[-1]
    assert read_recipe_bytes(written.data).exact
    assert is_signed(written.data)
    assert frames(written.data) == frames(IMAGES[name])
    assert not is_signed(write_recipe(signed(name), a_recipe(), metadata="none", alter_signed=True).data)


def test_exiftool_reads_a_sidecar(tmp_path):
    path = tmp_path / "fox.xmp"
    path.write_bytes(sidecar(a_recipe()))
    assert from_json(exiftool(path)["XMP-venice:Recipe"]) == a_recipe()
    assert b"fox" not in sidecar(a_recipe(), metadata="none")


# Files by AUTOMATIC1111, written the way it writes them.

A1111_TEXT = (
    'a fox: (masterpiece:1.2), <lora:x:0.8>\nsecond "line", with 狐\nNegative prompt: blurry, text\nlowres\n'
    "Steps: 20, Sampler: DPM++ 2M, Schedule type: Karras, CFG scale: 7.5, Seed: 2406119823, Size: 512x768, "
    'Model hash: 6ce0161689, Model: dreamshaper_8, Lora hashes: "x: 84b8, y: 11aa", Version: v1.10.1'
)


def by_automatic1111(container, text):
    if container == "PNG":
        info = PngInfo()
        info.add_text("parameters", text)
        return image("RGB", "PNG", pnginfo=info)
    comment = piexif.helper.UserComment.dump(text, encoding="unicode")
    block = piexif.dump({"Exif": {piexif.ExifIFD.UserComment: comment}})
    file = io.BytesIO()
    piexif.insert(block, image("RGB", container), file)
    return file.getvalue()


@pytest.mark.parametrize("container", ["PNG", "JPEG", "WEBP"])
@pytest.mark.parametrize("text", [A1111_TEXT, A1111_TEXT.replace("狐", "café")], ids=["unicode", "latin-1"])
def test_an_image_by_automatic1111_is_read_and_marked_not_exact(container, text):
    found = read_recipe_bytes(by_automatic1111(container, text))
    assert (found.layer, found.exact) == ("infotext", False)
    recipe = found.recipe
    assert dict(recipe.request) == {
        "model": "dreamshaper_8",
        "prompt": "\n".join(text.split("\n")[:2]),
        "negative_prompt": "blurry, text\nlowres",
        "width": 512,
        "height": 768,
        "steps": 20,
        "cfg_scale": 7.5,
        "seed": 2406119823,
    }
    assert recipe.settings["Lora hashes"] == "x: 84b8, y: 11aa"
    assert recipe.settings["Sampler"] == "DPM++ 2M"


@pytest.mark.parametrize("container", ["PNG", "JPEG", "WEBP"])
def test_an_image_by_automatic1111_written_again_keeps_its_settings(container):
    found = read_recipe_bytes(by_automatic1111(container, A1111_TEXT)).recipe
    data = write_recipe(by_automatic1111(container, A1111_TEXT), found).data
    info = as_sd_parsers_reads(data)
    assert info.samplers[0].name == "DPM++ 2M"
    assert info.samplers[0].model.name == "dreamshaper_8"


def test_infotext_that_survives_our_json_is_still_a_request():
    data = write_recipe(IMAGES["png"], a_recipe()).data
    with Image.open(io.BytesIO(data)) as image:
        info = PngInfo()
        info.add_text("parameters", image.info["parameters"])
        file = io.BytesIO()
        image.save(file, "PNG", pnginfo=info)
    found = read_recipe_bytes(file.getvalue())
    assert not found.exact
    assert found.recipe.request["prompt"] == PROMPT
    assert (found.recipe.seed, found.recipe.steps, found.recipe.settings["Style preset"]) == (41, 25, "Film, 35 mm")


def test_json_of_a_newer_schema_falls_back_to_infotext_and_says_so():
    newer = json.dumps({**json.loads(to_json(a_recipe())), "schema": 2})
    data = carrying("png", recipe=newer, parameters="x\nSteps: 1, Seed: 2, Size: 3x4")
    found = read_recipe_bytes(data)
    assert (found.layer, found.recipe.seed) == ("infotext", 2)
    assert "schema 2" in found.notices[0]
    with pytest.raises(UnreadableFile, match="schema 2"):
        read_recipe_bytes(carrying("png", recipe=newer))


@pytest.mark.parametrize("name", IMAGES)
def test_an_image_without_a_recipe_has_none(name):
    assert read_recipe_bytes(IMAGES[name]) is None
