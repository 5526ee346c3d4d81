from io import BytesIO

import pytest
from PIL import Image, ImageChops

from venice_widgets.errors import UnreadableFile
from venice_widgets.media.preview import Preview, preview, thumbnail


def encoded(image: Image.Image, name: str = "PNG", **options: object) -> bytes:
    buffer = BytesIO()
    image.save(buffer, name, **options)
    return buffer.getvalue()


def gradient(width: int, height: int, mode: str = "RGB") -> Image.Image:
    bands = [Image.linear_gradient("L"), Image.radial_gradient("L"), Image.linear_gradient("L").rotate(90)]
    return Image.merge("RGB", bands).resize((width, height)).convert(mode)


def noise(width: int, height: int) -> Image.Image:
    return Image.merge("RGB", [Image.effect_noise((width, height), 90) for _ in range(3)])


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
