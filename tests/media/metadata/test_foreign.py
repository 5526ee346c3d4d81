"""Files of other programs: whole and cut, in every container that they use."""

import io
import json

import piexif
import piexif.helper
import pytest
from PIL import Image
from PIL.PngImagePlugin import PngInfo

from venice_widgets.errors import UnreadableFile
from venice_widgets.media.metadata import exif
from venice_widgets.media.metadata.embed import read_recipe_bytes, write_recipe
from venice_widgets.media.metadata.orientation import orientation
from venice_widgets.media.metadata.recipe import Recipe

SETTINGS = "Steps: 20, Sampler: Euler a, CFG scale: 7, Seed: 123456, Size: 512x768, Model: dreamshaper_8"
THREE_LINES = f"a red fox, (snow:1.2)\nNegative prompt: text, watermark\n{SETTINGS}"
ONE_LINE = f"a red fox, (snow:1.2) Negative prompt: text, watermark {SETTINGS}"
GRAPH = json.dumps({"3": {"class_type": "KSampler", "inputs": {"seed": 5, "steps": 20}}})


def image():
    return Image.radial_gradient("L").resize((32, 24)).convert("RGB")


def saved(name, **options):
    file = io.BytesIO()
    image().save(file, name, **options)
    return file.getvalue()


def png(**texts):
    info = PngInfo()
    for key, text in texts.items():
        info.add_itxt(key.replace("_of_", " "), text) if not text.isascii() else info.add_text(key, text)
    return saved("PNG", pnginfo=info)


def with_exif(name, zeroth=None, inner=None):
    return saved(name, exif=piexif.dump({"0th": zeroth or {}, "Exif": inner or {}}))


def comment(text, encoding="unicode"):
    return {piexif.ExifIFD.UserComment: piexif.helper.UserComment.dump(text, encoding=encoding)}


def files(text):
    return {
        "png": png(parameters=text),
        "jpeg": with_exif("JPEG", inner=comment(text)),
        "webp": with_exif("WEBP", inner=comment(text)),
    }


@pytest.mark.parametrize("text", [THREE_LINES, ONE_LINE], ids=["three lines", "one line"])
@pytest.mark.parametrize("name", ["png", "jpeg", "webp"])
@pytest.mark.parametrize("cut", [0, 1])
def test_infotext_is_read_on_one_line_and_on_three_whole_and_cut(text, name, cut):
    data = files(text)[name]
    data = data[: len(data) - cut]
    if cut and name == "webp":  # whose comment is at its end: half a comment could hold half a seed
        with pytest.raises(UnreadableFile, match="damaged"):
            read_recipe_bytes(data)
        return
    found = read_recipe_bytes(data)
    recipe = found.recipe
    assert (recipe.prompt, recipe.negative_prompt) == ("a red fox, (snow:1.2)", "text, watermark")
    assert (recipe.seed, recipe.steps, recipe.request["model"]) == (123456, 20, "dreamshaper_8")
    assert (found.layer, found.exact) == ("infotext", False)
    assert [("on one line" in notice) for notice in found.notices if "line" in notice] == [True] * (text is ONE_LINE)
    assert any("damaged" in notice for notice in found.notices) == bool(cut)


def test_a_prompt_on_one_line_without_a_negative_prompt_is_read():
    recipe = read_recipe_bytes(png(parameters=f"a red fox. {SETTINGS}")).recipe
    assert (recipe.prompt, recipe.negative_prompt, recipe.seed) == ("a red fox.", "", 123456)


def test_a_seed_of_minus_one_is_not_known_in_files_of_other_programs():
    found = read_recipe_bytes(png(parameters=THREE_LINES.replace("123456", "-1")))
    assert found.recipe.seed is None
    assert "seed" not in found.recipe.request
    assert "the seed is not known" in found.notices[0]


def test_a_seed_of_minus_one_is_a_seed_in_infotext_of_ours():
    ours = write_recipe(saved("PNG"), Recipe({"model": "m", "prompt": "fox", "seed": -1, "steps": 8}, seed=-1)).data
    text = Image.open(io.BytesIO(ours)).info["parameters"]
    assert read_recipe_bytes(png(parameters=text)).recipe.seed == -1


FOREIGN = {
    "Fooocus": {
        "png": png(parameters=json.dumps({"prompt": "fox", "seed": "7"}), fooocus_scheme="fooocus"),
        "jpeg": with_exif(
            "JPEG",
            {piexif.ImageIFD.Software: b"Fooocus v2.5.5"},
            comment(json.dumps({"prompt": "fox", "seed": "7"})) | {piexif.ExifIFD.MakerNote: b"fooocus"},
        ),
    },
    "ComfyUI": {
        "png": png(prompt=GRAPH, workflow='{"nodes": []}'),
        "webp": with_exif(
            "WEBP", {piexif.ImageIFD.Make: b"workflow:{}", piexif.ImageIFD.Model: f"prompt:{GRAPH}".encode()}
        ),
    },
    "InvokeAI": {"png": png(invokeai_metadata='{"positive_prompt": "fox"}')},
    "SwarmUI": {
        "png": png(parameters='{"sui_image_params": {"prompt": "fox", "seed": 7}}'),
        "jpeg": with_exif("JPEG", inner=comment('{"sui_image_params": {"prompt": "fox", "seed": 7}}')),
    },
    "NovelAI": {"png": png(Software="NovelAI", Comment='{"prompt": "fox", "seed": 7, "steps": 28}')},
}  # fmt: skip


@pytest.mark.parametrize(("program", "name"), [(program, name) for program, held in FOREIGN.items() for name in held])
@pytest.mark.parametrize("cut", [0, 1])
def test_another_programs_format_is_named_and_not_guessed_at(program, name, cut):
    data = FOREIGN[program][name]
    with pytest.raises(UnreadableFile, match=f"carries the recipe of {program}, whose format is not read"):
        read_recipe_bytes(data[: len(data) - cut])


def test_a_file_of_no_program_is_of_no_program():
    assert read_recipe_bytes(png(Software="GIMP", Comment="a red fox")) is None
    assert (
        read_recipe_bytes(with_exif("JPEG", {piexif.ImageIFD.Make: b"Canon", piexif.ImageIFD.Model: b"prompt"})) is None
    )


ENCODINGS = {
    "utf-16 of either order": b"UNICODE\0" + THREE_LINES.encode("utf-16-le"),
    "a byte order mark": b"UNICODE\0\xff\xfe" + THREE_LINES.encode("utf-16-le"),
    "utf-8 called unicode": b"UNICODE\0" + THREE_LINES.encode(),
    "ascii": b"ASCII\0\0\0" + THREE_LINES.encode(),
    "japanese": b"JIS\0\0\0\0\0" + THREE_LINES.replace("fox", "狐").encode("iso2022_jp"),
    "undefined, utf-8": bytes(8) + THREE_LINES.encode(),
    "undefined, utf-16": bytes(8) + THREE_LINES.encode("utf-16-be"),
    "none": THREE_LINES.encode(),
}


@pytest.mark.parametrize("name", ENCODINGS)
@pytest.mark.parametrize("container", ["JPEG", "WEBP", "PNG"])
def test_a_comment_is_read_in_every_encoding(name, container):
    data = with_exif(container, inner={piexif.ExifIFD.UserComment: ENCODINGS[name]})
    recipe = read_recipe_bytes(data).recipe
    assert recipe.prompt == ("a red 狐, (snow:1.2)" if name == "japanese" else "a red fox, (snow:1.2)")
    assert recipe.seed == 123456


@pytest.mark.parametrize(
    "field",
    [
        {piexif.ImageIFD.ImageDescription: THREE_LINES.encode()},
        {piexif.ImageIFD.XPComment: THREE_LINES.encode("utf-16-le") + b"\0\0"},
    ],
    ids=["ImageDescription", "XPComment"],
)
@pytest.mark.parametrize("container", ["JPEG", "WEBP"])
def test_infotext_is_found_in_other_exif_fields(field, container):
    assert read_recipe_bytes(with_exif(container, field)).recipe.seed == 123456


OURS = Recipe({"model": "m", "prompt": "a fox", "seed": 41}, seed=41)


@pytest.mark.parametrize("name", ["PNG", "JPEG", "WEBP"])
def test_a_file_of_ours_that_lost_its_last_byte_still_gives_its_recipe(name):
    data = write_recipe(saved(name), OURS).data
    found = read_recipe_bytes(data[:-1])
    assert found.recipe.request == OURS.request
    assert "read from its whole part" in found.notices[-1]


def test_of_a_file_that_is_cut_before_its_recipe_the_damage_is_reported():
    with pytest.raises(UnreadableFile, match="damaged"):
        read_recipe_bytes(write_recipe(saved("PNG"), OURS).data[:60])


@pytest.mark.parametrize("name", ["PNG", "JPEG", "WEBP"])
@pytest.mark.parametrize(
    "prompt",
    ["a fox\nSteps: 30, Sampler: Euler, CFG scale: 9, Seed: 999, Size: 8x8", "a poster that says seed: 999", "Seed:-1"],
)
def test_a_prompt_that_holds_settings_is_never_written_where_they_would_be_believed(name, prompt):
    written = write_recipe(saved(name), Recipe({"model": "m", "prompt": prompt, "seed": 41}, seed=41))
    assert "The infotext is left out" in written.notices[0]
    assert read_recipe_bytes(written.data).recipe.seed == 41
    with Image.open(io.BytesIO(written.data)) as opened:
        assert "parameters" not in opened.info
        assert "exif" not in opened.info


def test_a_recipe_in_a_description_of_an_unknown_kind_is_replaced_too():
    """Found by fuzzing: the older recipe stayed, and was the one that was read."""
    older = write_recipe(saved("WEBP"), OURS).data.replace(
        b'xmlns:rdf="http://www.w3.org/1999/02', b'xmlns:rdf="http://wgw.w3.org/1999/02'
    )
    older = older.replace(b'"http://wgw', b'"http://www', 1)
    newer = Recipe({"model": "m", "prompt": "a hare", "seed": 42}, seed=42)
    assert read_recipe_bytes(write_recipe(older, newer).data).recipe.prompt == "a hare"


TURNED = exif.only_orientation(6)
XMP = b'<x:xmpmeta xmlns:x="adobe:ns:meta/"><rdf:RDF xmlns:rdf="http://www.w3.org/1999/02/22-rdf-syntax-ns#"><rdf:Description xmlns:tiff="http://ns.adobe.com/tiff/1.0/" tiff:Orientation="6"/></rdf:RDF></x:xmpmeta>'  # noqa: E501
RAW_PROFILE = f"\nexif\n{len(TURNED) + 6:8}\n{(b'Exif' + bytes(2) + TURNED).hex()}\n"


def turned_files():
    info = PngInfo()
    info.add_text("Raw profile type exif", RAW_PROFILE, zip=True)
    in_xmp = PngInfo()
    in_xmp.add_itxt("XML:com.adobe.xmp", XMP.decode())
    return {
        "jpeg exif": saved("JPEG", exif=b"Exif\0\0" + TURNED),
        "jpeg xmp": saved("JPEG", xmp=XMP),
        "webp xmp": saved("WEBP", xmp=XMP),
        "png exif": saved("PNG", exif=b"Exif\0\0" + TURNED),
        "png xmp": saved("PNG", pnginfo=in_xmp),
        "png raw profile": saved("PNG", pnginfo=info),
    }


@pytest.mark.parametrize("name", turned_files())
@pytest.mark.parametrize("metadata", ["no-prompt", "none"])
def test_a_copy_without_its_metadata_is_still_turned_as_the_original(name, metadata):
    copy = write_recipe(turned_files()[name], OURS, metadata=metadata).data
    with Image.open(io.BytesIO(copy)) as opened:
        assert opened.getexif()[0x0112] == 6


@pytest.mark.parametrize("text", ["", "x", "\nexif\n 3\nzz", "\nexif\n3\n00"])
def test_a_raw_profile_that_says_nothing_leaves_an_image_upright(text):
    assert orientation(b"", text, b"") == 1
