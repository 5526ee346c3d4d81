"""Pixels have a hash that metadata does not change, and a file's marks of origin are seen."""

import hashlib

import pytest
from PIL import Image

from venice_widgets.errors import UnreadableFile
from venice_widgets.media.marks import Marks, marks, pixels_sha256


def file(tmp_path, image, kind, **options):
    path = tmp_path / f"image.{kind}"
    image.save(path, kind, **options)
    return path


@pytest.fixture
def image():
    return Image.radial_gradient("L").resize((40, 600)).convert("RGB")


def test_the_hash_of_the_pixels_can_be_computed_by_anyone(tmp_path, image):
    expected = hashlib.sha256(b"RGB 40x600\n" + image.tobytes()).hexdigest()
    assert pixels_sha256(file(tmp_path, image, "png")) == expected
    assert pixels_sha256(file(tmp_path, image, "webp", lossless=True)) == expected


def test_transparency_counts(tmp_path, image):
    image.putalpha(Image.linear_gradient("L").resize(image.size))
    expected = hashlib.sha256(b"RGBA 40x600\n" + image.tobytes()).hexdigest()
    assert pixels_sha256(file(tmp_path, image, "png")) == expected


@pytest.mark.parametrize("kind", ["png", "webp", "jpeg"])
def test_metadata_changes_the_bytes_and_not_the_pixels(kind, tmp_path, image):
    exif = Image.Exif()
    exif[270] = "a description"
    plain = file(tmp_path, image, kind)
    pixels, without = pixels_sha256(plain), marks(plain)
    described = file(tmp_path, image, kind, exif=exif)
    assert pixels_sha256(described) == pixels
    assert (without, marks(described)) == (Marks(signed=False, exif=False), Marks(signed=False, exif=True))


def test_one_pixel_changes_the_hash(tmp_path, image):
    before = pixels_sha256(file(tmp_path, image, "png"))
    image.putpixel((39, 599), (1, 2, 3))
    assert pixels_sha256(file(tmp_path, image, "png")) != before


def test_what_cannot_be_read_has_no_marks_and_no_pixels(tmp_path, image):
    path = tmp_path / "nothing"
    path.write_bytes(b"nothing")
    assert marks(path) == marks(tmp_path / "missing") == marks(file(tmp_path, image, "gif")) == Marks()
    with pytest.raises(UnreadableFile):
        pixels_sha256(path)
