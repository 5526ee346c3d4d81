"""What stands beside the pixels never makes an image unreadable, and never costs more memory than the pixels."""

import io
import struct
import subprocess
import sys
import warnings
import zlib

import pytest
from PIL import Image

from venice_widgets.errors import UnreadableFile
from venice_widgets.media.compare import Grade, compare
from venice_widgets.media.format import FORMATS, identify, open_image, recognize
from venice_widgets.media.preview import examine, preview

LONG = b"A fox in a forest. " * 200_000


def image(name, **options):
    buffer = io.BytesIO()
    Image.radial_gradient("L").resize((64, 40)).convert("RGB").save(buffer, name, **options)
    return buffer.getvalue()


def chunk(kind, body, checksum=None):
    return struct.pack(">I", len(body)) + kind + body + struct.pack(">I", checksum or zlib.crc32(kind + body))


def png_with(*chunks, at_end=False):
    png = image("PNG")
    place = len(png) - 12 if at_end else 33
    return png[:place] + b"".join(chunks) + png[place:]


SIDE_DATA = {
    "a compressed text of 4 MB": chunk(b"zTXt", b"Comment\0\0" + zlib.compress(LONG)),
    "an international text of 4 MB": chunk(b"iTXt", b"Comment\0\1\0en\0C\0" + zlib.compress(LONG)),
    "a plain text of 4 MB": chunk(b"tEXt", b"Comment\0" + LONG),
    "a color profile of 4 MB": chunk(b"iCCP", b"odd\0\0" + zlib.compress(LONG)),
    "forty texts of 1 MB": chunk(b"zTXt", b"Comment\0\0" + zlib.compress(bytes(1 << 20))) * 70,
    "a text with a wrong checksum": chunk(b"tEXt", b"Comment\0fox", 7),
    "a text that is not compressed as it says": chunk(b"zTXt", b"Comment\0\0fox"),
    "EXIF that is none": chunk(b"eXIf", b"fox" * 9),
    "a chunk that no one knows, with a wrong checksum": chunk(b"foXy", b"fox", 7),
}


@pytest.mark.parametrize("name", SIDE_DATA)
@pytest.mark.parametrize("at_end", [False, True])
def test_side_data_does_not_decide_whether_a_png_is_an_image(name, at_end, tmp_path):
    data = png_with(SIDE_DATA[name], at_end=at_end)
    path = tmp_path / "fox.png"
    path.write_bytes(data)
    facts, small = examine(path)
    assert (facts.mime, facts.width, small.width) == ("image/png", 64, 64)
    assert compare(image("PNG"), data).grade is Grade.IDENTICAL_PIXELS


def test_damage_to_the_pixels_still_decides():
    png = image("PNG")
    start = png.index(b"IDAT") + 10
    with pytest.raises(UnreadableFile, match="damaged or incomplete PNG"):
        preview(png[:start] + bytes([png[start] ^ 1]) + png[start + 1 :])


@pytest.mark.parametrize("name", ["JPEG", "PNG", "WEBP"])
def test_odd_exif_is_no_reason_even_where_warnings_are_errors(name):
    odd = b"Exif\0\0II*\0\x08\0\0\0\x02\0\x1a\x01\x05\0\x01\0\0\0\xff\xff\0\0\x12\x01\x03\0\xff\0\0\0\x01\0\0\0\0\0\0\0"
    data = image(name, exif=odd)
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        facts, small = examine(data)
    assert (facts.width, small.width) == (64, 64)


@pytest.mark.parametrize(
    ("beginning", "name"),
    [
        (b"<svg xmlns='http://www.w3.org/2000/svg'/>", "svg"),
        (b"\xef\xbb\xbf<?xml version='1.0'?>\n<!-- fox --><svg/>", "svg"),
        (image("TIFF"), "tiff"),
        (image("BMP"), "bmp"),
        (image("ICO"), "ico"),
        (b"\0\0\0\x0cjP  \r\n\x87\n", "jp2"),
        (b"\0\0\0\x0cJXL \r\n\x87\n", "jxl"),
        (b"\0\0\0\x1cftypheic\0\0\0\0mif1heic", "heic"),
        (image("WEBP"), "webp"),
    ],
)
def test_formats_are_recognized_by_their_bytes(beginning, name):
    assert recognize(beginning[:512]) == FORMATS[name]


@pytest.mark.parametrize("text", [b"", b"BM is a word", b"<!-- a page --><html>", b"\0\0\1\0", b'{"error": 1}'])
def test_other_bytes_are_not_recognized(text):
    assert recognize(text) is None


@pytest.mark.parametrize("name", ["TIFF", "BMP", "ICO"])
def test_a_format_that_is_not_read_is_named(name):
    with pytest.raises(UnreadableFile, match=f"is of the format {name}, which is not read"):
        identify(image(name))


GIF, JPEG = image("GIF"), image("JPEG")
ANIMATION = image("WEBP", save_all=True, append_images=[Image.new("RGB", (64, 40))])


def with_size(data, place, size):
    return data[:place] + size + data[place + len(size) :]


@pytest.mark.parametrize("length", range(6, 14))
def test_a_gif_cut_inside_its_header_is_one_of_our_errors(length):
    with pytest.raises(UnreadableFile):
        identify(GIF[:length])


def test_a_progressive_jpeg_with_endless_scans_is_refused():
    jpeg = image("JPEG", progressive=True)
    scan = jpeg.index(b"\xff\xda")
    with pytest.raises(UnreadableFile, match="more than 100 scans"):
        identify(jpeg[:scan] + jpeg[scan:-2] * 40 + jpeg[-2:])


CLAIMS = {
    "gif canvas": with_size(GIF, 6, b"\xff\xff\xff\xff"),
    "gif frame": with_size(GIF, GIF.index(b",\0\0\0\0") + 5, b"\xff\xff\xff\xff"),
    "jpeg": with_size(JPEG, JPEG.index(b"\xff\xc0") + 5, b"\xff\xff\xff\xff"),
    "png": png_with()[:8] + chunk(b"IHDR", struct.pack(">II", 65_535, 65_535) + b"\x08\2\0\0\0") + png_with()[33:],
    "webp animation": with_size(ANIMATION, 24, b"\xff\x3f\0\xff\x3f\0"),
}


@pytest.mark.parametrize("name", CLAIMS)
def test_what_a_header_claims_costs_neither_memory_nor_time(name, tmp_path):
    path = tmp_path / "claims.bin"
    path.write_bytes(CLAIMS[name])
    code = (
        "import resource, sys, time, pathlib\n"
        "from venice_widgets.errors import UnreadableFile\n"
        "from venice_widgets.media.preview import examine\n"
        "import PIL.Image, PIL.GifImagePlugin, PIL.WebPImagePlugin, PIL.JpegImagePlugin, PIL.PngImagePlugin\n"
        "before, started = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss, time.process_time()\n"
        "try:\n    examine(pathlib.Path(sys.argv[1]))\nexcept UnreadableFile as exc:\n    print(exc)\n"
        "assert time.process_time() - started < 3\n"
        "assert resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - before < 50_000\n"
    )
    done = subprocess.run([sys.executable, "-c", code, str(path)], capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    assert "damaged" in done.stdout or "too many" in done.stdout


def test_pixels_come_from_the_one_door():
    with open_image(png_with(SIDE_DATA["a compressed text of 4 MB"])) as image:
        assert image.convert("RGB").getpixel((0, 0)) is not None
