import time
from io import BytesIO
from itertools import pairwise

import pytest
from PIL import Image, ImageChops

from venice_widgets.errors import UnreadableFile
from venice_widgets.media.preview import Preview, contact_sheet, preview, thumbnail


def encoded(image: Image.Image, name: str = "PNG", **options: object) -> bytes:
    buffer = BytesIO()
    image.save(buffer, name, **options)
    return buffer.getvalue()


def gradient(width: int, height: int, mode: str = "RGB") -> Image.Image:
    bands = [Image.linear_gradient("L"), Image.radial_gradient("L"), Image.linear_gradient("L").rotate(90)]
    return Image.merge("RGB", bands).resize((width, height)).convert(mode)


def noise(width: int, height: int) -> Image.Image:
    return Image.merge("RGB", [Image.effect_noise((width, height), 90) for _ in range(3)])


def flat(color: str, side: int = 600) -> Preview:
    return preview(encoded(Image.new("RGB", (side, side), color)))


def decoded(shown: Preview) -> Image.Image:
    image = Image.open(BytesIO(shown.data))
    image.load()
    assert (image.width, image.height) == (shown.width, shown.height)
    assert image.format == {"image/jpeg": "JPEG", "image/png": "PNG"}[shown.mime]
    return image


def color(shown: Preview, x: float, y: float) -> tuple[int, ...]:
    image = decoded(shown).convert("RGB")
    return image.getpixel((int(x * (image.width - 1)), int(y * (image.height - 1))))


@pytest.mark.parametrize(("size", "expected"), [
    ((2000, 2000), (1024, 1024)), ((2688, 1536), (1024, 585)), ((700, 3000), (239, 1024)), ((1025, 1), (1024, 1)),
    ((640, 480), (640, 480)),
])  # fmt: skip
def test_the_longer_side_is_at_most_what_was_requested_and_nothing_is_enlarged(size, expected):
    shown = preview(encoded(gradient(*size)))
    assert (shown.width, shown.height) == expected
    assert shown.mime == "image/jpeg"


def test_a_file_and_its_bytes_give_the_same_preview_each_time(tmp_path):
    path = tmp_path / "image"
    path.write_bytes(encoded(gradient(1500, 900)))
    assert preview(path) == preview(path) == preview(path.read_bytes())


@pytest.mark.parametrize("name", ["PNG", "JPEG", "WEBP", "GIF"])
def test_the_preview_looks_like_the_image(name):
    original = gradient(1400, 1400)
    shown = decoded(preview(encoded(original, name), longest_side_pixels=200)).convert("RGB")
    difference = ImageChops.difference(shown, original.resize((200, 200))).convert("L").histogram()
    assert sum(value * count for value, count in enumerate(difference)) / 200**2 < 6


def test_noise_is_held_to_the_size_by_quality_and_then_by_pixels():
    shown = preview(encoded(noise(1100, 1100)))
    assert len(shown.data) <= 150_000
    assert 400 <= shown.width < 1024


def test_an_image_that_is_opaque_throughout_becomes_a_jpeg_even_with_an_alpha_channel():
    assert preview(encoded(gradient(300, 300, "RGBA"))).mime == "image/jpeg"
    assert preview(encoded(gradient(300, 300, "LA"))).mime == "image/jpeg"


def test_one_transparent_pixel_makes_it_a_png():
    image = gradient(300, 300, "RGBA")
    image.putpixel((7, 7), (0, 0, 0, 0))
    shown = preview(encoded(image))
    assert shown.mime == "image/png"
    assert decoded(shown).getpixel((7, 7))[3] == 0


def test_a_transparent_color_without_an_alpha_channel_is_seen():
    image = Image.new("RGB", (20, 20), "red")
    image.paste("blue", (0, 0, 10, 20))
    shown = decoded(preview(encoded(image, transparency=(255, 0, 0))))
    assert (shown.getpixel((2, 2)), shown.getpixel((18, 2))[3]) == ((0, 0, 255, 255), 0)


def test_a_transparent_png_is_held_to_the_size_too():
    image = noise(1100, 1100).convert("RGBA")
    image.putalpha(Image.radial_gradient("L").resize((1100, 1100)))
    shown = preview(encoded(image))
    assert shown.mime == "image/png"
    assert len(shown.data) <= 150_000
    assert decoded(shown).convert("RGBA").getchannel("A").getextrema()[0] < 50


@pytest.mark.parametrize(("mode", "fill", "name"), [
    ("1", 1, "PNG"), ("L", 200, "PNG"), ("P", 0, "PNG"), ("CMYK", (0, 0, 0, 0), "JPEG"), ("L", 200, "JPEG"),
    ("I;16", 200 * 256, "PNG"),
])  # fmt: skip
def test_every_pixel_layout_keeps_its_brightness(mode, fill, name):
    image = Image.new(mode, (1500, 1500), fill)
    expected = {"1": 255, "P": 0, "CMYK": 255}.get(mode, 200)
    assert all(abs(band - expected) <= 3 for band in color(preview(encoded(image, name)), 0.5, 0.5))


@pytest.mark.parametrize("name", ["JPEG", "PNG", "WEBP"])
def test_exif_orientation_is_honored_and_then_gone(name):
    image = Image.new("RGB", (1600, 800), "blue")
    image.paste("red", (0, 0, 800, 800))
    exif = Image.Exif()
    exif[0x0112] = 6  # turn clockwise to view: the left half ends up on top
    shown = preview(encoded(image, name, exif=exif))
    assert (shown.width, shown.height) == (512, 1024)
    assert color(shown, 0.5, 0.1)[0] > 200
    assert not decoded(shown).getexif()


def test_nothing_but_pixels_reaches_the_preview():
    exif = Image.Exif()
    exif[0x010E] = "a secret prompt"
    shown = preview(encoded(gradient(100, 100), "JPEG", exif=exif, comment=b"a secret prompt"))
    assert b"secret" not in shown.data


def test_a_small_color_profile_is_kept_and_a_large_one_dropped():
    with_profile = preview(encoded(gradient(50, 50), icc_profile=b"p" * 500))
    assert decoded(with_profile).info["icc_profile"] == b"p" * 500
    assert "icc_profile" not in decoded(preview(encoded(gradient(50, 50), icc_profile=b"p" * 50_000))).info


def test_damaged_pixels_are_one_of_our_errors():
    whole = encoded(noise(300, 300), "JPEG")
    with pytest.raises(UnreadableFile, match="damaged or incomplete JPEG"):
        preview(whole[: len(whole) // 2])


def test_a_thumbnail_is_small():
    shown = thumbnail(encoded(noise(900, 600)))
    assert max(shown.width, shown.height) <= 256
    assert len(shown.data) <= 20_000


@pytest.mark.parametrize(("count", "columns"), [(1, 1), (2, 2), (3, 2), (4, 2), (6, 3), (7, 3), (9, 3)])
def test_a_contact_sheet_is_as_square_as_it_can_be(count, columns):
    shown = contact_sheet([flat("red", 64)] * count, [f"seed {number}" for number in range(count)])
    sheet = decoded(shown).convert("RGB")
    middle_of_first_row = sheet.height // (2 * -(-count // columns))
    green = [sheet.getpixel((x, middle_of_first_row))[1] for x in range(sheet.width)]
    assert sum(left > 128 >= right for left, right in pairwise(green)) == columns
    assert shown.mime == "image/jpeg"


def test_a_contact_sheet_of_noise_is_at_most_300_kilobytes():
    assert len(contact_sheet([preview(encoded(noise(640, 640)))] * 4, ["seed"] * 4).data) <= 300_000


def test_each_label_is_drawn_under_its_image_and_long_ones_are_shortened():
    red = flat("red")
    bare, labeled = contact_sheet([red, red], ["", ""]), contact_sheet([red, red], ["", "seed 42 " * 40])
    difference = ImageChops.difference(decoded(bare), decoded(labeled)).convert("L")
    left, top, right, _ = difference.point(lambda value: 255 if value > 60 else 0).getbbox()
    assert bare.width / 2 <= left < right <= bare.width
    assert top > bare.height * 0.85


def test_each_line_of_a_label_is_drawn_below_the_one_before():
    red = flat("red")
    one, two = (
        contact_sheet([red, red], ["seed 1", "seed 2"]),
        contact_sheet([red, red], ["seed 1\nmade by B", "seed 2"]),
    )
    assert two.height > one.height
    lower = decoded(two).convert("L").crop((0, one.height - 10, two.width, two.height))
    left, _, right, _ = lower.point(lambda value: 255 if value < 200 else 0).getbbox()
    assert left < right < two.width / 2


@pytest.mark.parametrize(
    ("label", "drawn"), [("1024 × 1024 · $0.01", "1024 x 1024 · $0.01"), ("Émile’s – 2", "Emile's - 2")]
)
def test_a_label_is_drawn_in_letters_that_the_font_has(label, drawn):
    assert contact_sheet([flat("red")], [label]) == contact_sheet([flat("red")], [drawn])


def test_a_label_of_thousands_of_characters_costs_no_time():
    began = time.process_time()
    contact_sheet([flat("red")], ["the request was refused because " * 200])
    assert time.process_time() - began < 2


def test_a_missing_image_leaves_an_empty_frame():
    red = flat("red")
    shown = contact_sheet([red, None], ["seed 41", "seed 42 · refused"])
    assert color(shown, 0.75, 0.4) == (255, 255, 255)
    assert shown.width == contact_sheet([red, red], ["", ""]).width


def test_transparent_images_stand_on_white():
    clear = preview(encoded(Image.new("RGBA", (300, 300), (255, 0, 0, 0))))
    assert color(contact_sheet([clear], ["seed 1"]), 0.5, 0.4) == (255, 255, 255)


def test_a_sheet_needs_one_label_for_each_image():
    with pytest.raises(ValueError, match="1 images and 0 labels"):
        contact_sheet([None], [])
