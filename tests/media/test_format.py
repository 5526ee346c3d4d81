import contextlib
import struct
import zlib
from io import BytesIO
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st
from PIL import Image, features

from venice_widgets.errors import UnreadableFile
from venice_widgets.media.format import ImageFacts, identify, open_image
from venice_widgets.media.limits import DECODED_PIXELS

FORMATS = ["PNG", "JPEG", "WEBP", "GIF", *(["AVIF"] if features.check("avif") else [])]


def sample(name: str, *, size: tuple[int, int] = (64, 40), mode: str = "RGB", **options: object) -> bytes:
    image = Image.radial_gradient("L").resize(size).convert(mode)
    buffer = BytesIO()
    image.save(buffer, name, **options)
    return buffer.getvalue()


def png_header(width: int, height: int) -> bytes:
    header = b"IHDR" + struct.pack(">IIBBBBB", width, height, 8, 2, 0, 0, 0)
    end = struct.pack(">I", 0) + b"IEND" + struct.pack(">I", zlib.crc32(b"IEND"))
    return b"\x89PNG\r\n\x1a\n" + struct.pack(">I", 13) + header + struct.pack(">I", zlib.crc32(header)) + end


@pytest.mark.parametrize("name", FORMATS)
def test_the_content_decides_and_not_the_name_of_the_file(name, tmp_path):
    path = tmp_path / "image.txt"
    path.write_bytes(sample(name))
    facts = identify(path)
    assert (facts.mime, facts.width, facts.height, facts.frames) == (f"image/{name.lower()}", 64, 40, 1)
    assert facts == identify(path.read_bytes())


def test_a_jpeg_is_called_jpg_as_files_usually_are():
    assert identify(sample("JPEG")) == ImageFacts("image/jpeg", "jpg", 64, 40, "RGB", has_alpha=False, frames=1)


@pytest.mark.parametrize(("name", "mode", "has_alpha"), [
    ("PNG", "RGBA", True), ("PNG", "LA", True), ("PNG", "L", False), ("PNG", "P", False),
    ("JPEG", "CMYK", False),
])  # fmt: skip
def test_it_says_whether_pixels_may_be_transparent(name, mode, has_alpha):
    facts = identify(sample(name, mode=mode))
    assert (facts.mode, facts.has_alpha) == (mode, has_alpha)


def test_a_webp_with_transparent_pixels_has_alpha():
    buffer = BytesIO()
    Image.new("RGBA", (9, 9), (255, 0, 0, 100)).save(buffer, "WEBP")
    assert identify(buffer.getvalue()).has_alpha


def test_a_palette_with_a_transparent_entry_has_alpha():
    assert identify(sample("PNG", mode="P", transparency=0)).has_alpha


def test_the_frames_of_an_animation_are_counted():
    frames = [Image.new("RGB", (8, 8), color) for color in ("red", "green", "blue")]
    buffer = BytesIO()
    frames[0].save(buffer, "WEBP", save_all=True, append_images=frames[1:])
    assert identify(buffer.getvalue()).frames == 3


@pytest.mark.parametrize("name", FORMATS)
@pytest.mark.parametrize("kept", [0.1, 0.6, 0.98])
def test_an_image_that_was_cut_short_is_refused(name, kept):
    whole = sample(name, size=(300, 300))
    with pytest.raises(UnreadableFile, match=r"missing|incomplete"):
        identify(whole[: int(len(whole) * kept)])


def test_the_end_of_an_exif_thumbnail_is_not_taken_for_the_end_of_the_image():
    exif = Image.Exif()
    exif[0x010E] = "a thumbnail"
    whole = sample("JPEG", size=(300, 300), exif=exif.tobytes() + b"\xff\xd9")
    assert identify(whole).width == 300
    with pytest.raises(UnreadableFile, match="end is missing"):
        identify(whole[:-40])


@pytest.mark.parametrize("name", ["PNG", "JPEG", "WEBP"])
def test_bytes_after_the_end_do_no_harm(name):
    assert identify(sample(name) + b"\0" * 20).width == 64


@pytest.mark.parametrize("data", [b"", b'{"error": "x"}', b"<html>", b"\x89PNG", b"RIFF0000WAVE", b"BM" + b"\0" * 60])
def test_what_is_not_an_image_is_refused_in_plain_words(data):
    with pytest.raises(UnreadableFile, match="not an image that can be read here") as caught:
        identify(data)
    assert "PNG, JPEG, WebP, GIF and AVIF" in str(caught.value)


def test_a_missing_file_is_named(tmp_path):
    with pytest.raises(UnreadableFile, match=r"nowhere\.png cannot be read: No such file"):
        identify(tmp_path / "nowhere.png")


def test_an_image_beyond_the_pixel_limit_is_refused_before_decoding():
    with pytest.raises(UnreadableFile, match="claims 60000 × 60000 pixels") as caught:
        identify(png_header(60_000, 60_000))
    assert f"{DECODED_PIXELS // 1_000_000} megapixels" in str(caught.value)


def test_a_webp_beyond_the_limit_is_refused_before_its_reader_takes_memory():
    whole = sample("WEBP", exif=b"Exif\0\0MM\0*\0\0\0\x08\0\0\0\0\0\0")
    assert whole[12:16] == b"VP8X"
    with pytest.raises(UnreadableFile, match="claims 32768 × 32768 pixels"):
        identify(whole[:24] + b"\xff\x7f\0" * 2 + whole[30:])


def test_a_palette_image_without_its_palette_is_one_of_our_errors():
    whole = sample("PNG", mode="P")
    start = whole.index(b"PLTE") - 4
    end = start + 12 + int.from_bytes(whole[start : start + 4], "big")
    with pytest.raises(UnreadableFile, match="damaged or incomplete PNG"):
        identify(whole[:start] + whole[end:])


def test_a_large_image_within_the_limit_raises_no_warning():
    assert identify(png_header(8_000, 8_000)).width == 8_000


def test_damage_found_while_decoding_is_one_of_our_errors():
    whole = bytearray(sample("PNG", size=(300, 300)))
    whole[len(whole) // 2] ^= 0xFF
    with pytest.raises(UnreadableFile, match="damaged or incomplete PNG"), open_image(bytes(whole)) as image:
        image.load()


@given(st.binary(max_size=200), st.sampled_from([b"", *(sample(name)[:24] for name in FORMATS)]))
def test_any_bytes_are_facts_or_our_error(tail, head):
    with contextlib.suppress(UnreadableFile):
        assert identify(head + tail).width > 0


@given(st.sampled_from([sample(name) for name in FORMATS]), st.integers(0), st.integers(1, 255))
def test_any_damaged_byte_gives_pixels_or_our_error(whole, position, change):
    damaged = bytearray(whole)
    damaged[position % len(whole)] ^= change
    with contextlib.suppress(UnreadableFile), open_image(bytes(damaged)) as image:
        assert image.load() is not None


def test_identifying_a_file_does_not_read_it_whole(tmp_path, monkeypatch):
    path = tmp_path / "large.png"
    path.write_bytes(sample("PNG", size=(200, 200)))
    monkeypatch.setattr(Path, "read_bytes", lambda _: pytest.fail("read whole"))
    assert identify(path).height == 200
