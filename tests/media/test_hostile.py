"""Files made to harm: a clear error within a second and 100 MB, whatever they claim."""

import contextlib
import io
import random
import struct
import time
import tracemalloc
import zlib

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from PIL import Image

from venice_widgets.errors import UnreadableFile
from venice_widgets.media.metadata import jpeg, png, webp, xmp
from venice_widgets.media.metadata.container import MAX_TEXT_BYTES, Metadata
from venice_widgets.media.metadata.embed import read_recipe_bytes, write_recipe
from venice_widgets.media.metadata.recipe import Recipe

RECIPE = Recipe({"model": "m", "prompt": "fox"}, seed=1, steps=8)


def image(container, mode="RGB", **options):
    file = io.BytesIO()
    Image.frombytes(mode, (32, 32), random.Random(2).randbytes(1024 * len(mode))).save(file, container, **options)
    return file.getvalue()


PNG, JPEG, WEBP = image("PNG"), image("JPEG"), image("WEBP")
LOSSLESS = image("WEBP", "RGBA", lossless=True)
FULL = [write_recipe(source, RECIPE).data for source in (PNG, JPEG, WEBP, LOSSLESS)]


def png_with(*chunks, times=1):
    """A PNG with these (kind, body) chunks behind its header."""
    return PNG[:33] + b"".join(png._chunk(*chunk) for chunk in chunks) * times + PNG[33:]


def jpeg_with(*segments, times=1):
    added = b"".join(struct.pack(">BBH", 0xFF, marker, len(body) + 2) + body for marker, body in segments)
    return JPEG[:2] + added * times + JPEG[2:]


def webp_with(*chunks, times=1):
    header = b"VP8X" + struct.pack("<I", 10) + b"\x0c\0\0\0" + b"\x1f\0\0" * 2
    body = header + WEBP[12:] + b"".join(webp._packed(webp._Chunk(*chunk)) for chunk in chunks) * times
    return struct.pack("<4sI4s", b"RIFF", len(body) + 4, b"WEBP") + body


def xml(body):
    return f'<rdf:RDF xmlns:rdf="{xmp._RDF}" xmlns:v="{xmp.VENICE}">{body}</rdf:RDF>'.encode()


def tiff(*, entries=1, offset=8, kind=0x8769, value=0xFFFFFF00):
    return b"MM\0*" + struct.pack(">IH", offset, entries) + struct.pack(">HHII", kind, 4, 1, value) + b"\0" * 4


def comment_of(length):
    inner = struct.pack(">HHHII", 1, 0x9286, 7, length, 44) + b"\0" * 4
    return tiff(value=26) + inner + b"UNICODE\0"


ZEROS = zlib.compress(bytes(64 * 2**20), 9)
BILLION_LAUGHS = (
    b'<?xml version="1.0"?><!DOCTYPE l [<!ENTITY a "ha">'
    + b"".join(b'<!ENTITY %c "&%c;&%c;">' % (n + 1, n, n) for n in range(97, 120))
    + b"]><x>&x;</x>"
)

ATTRIBUTES = " ".join(f"a{n}=''" for n in range(200_000))

HOSTILE = {
    "nothing": b"",
    "text": b"a red fox",
    "gif": b"GIF89a" + bytes(100),
    "png signature alone": png.SIGNATURE,
    "png without its end": PNG[:-12],
    "png cut in its pixels": PNG[:-200],
    "png with a wrong checksum": PNG[:60] + bytes([PNG[60] ^ 1]) + PNG[61:],
    "png whose chunk claims 4 GB": PNG[:33] + b"\xff\xff\xff\xfftEXt" + PNG[33:],
    "png without a header": png.SIGNATURE + png._chunk(b"IEND", b""),
    "png with a million chunks": png_with((b"tEXt", b""), times=1_000_000),
    "png with a zTXt bomb": png_with((b"zTXt", b"parameters\0\0" + ZEROS)),
    "png with an iTXt bomb": png_with((b"iTXt", b"venice\0\1\0\0\0" + ZEROS)),
    "png with an XMP bomb": png_with((b"iTXt", b"XML:com.adobe.xmp\0\1\0\0\0" + ZEROS)),
    "png with a broken zTXt": png_with((b"zTXt", b"parameters\0\0no zlib")),
    "png with a cut zTXt": png_with((b"zTXt", b"parameters\0\0" + zlib.compress(b"x" * 999)[:-9])),
    "png with a headless iTXt": png_with((b"iTXt", b"venice\0")),
    "png with an endless language": png_with((b"iTXt", b"venice\0\0\0" + b"a" * 9_000)),
    "png with text that is not UTF-8": png_with((b"iTXt", b"venice\0\0\0\0\0\xff\xfe")),
    "png with 30 MB of text": png_with((b"tEXt", b"parameters\0" + b"a" * 30_000_000)),
    "png with 3 MB of infotext": png_with((b"tEXt", b"parameters\0" + b"a\n" * 1_500_000)),
    "png with 30 MB of EXIF": png_with((b"eXIf", b"MM\0*" + bytes(30_000_000))),
    "png whose recipe is no JSON": png_with((b"iTXt", b"venice\0\0\0\0\0{")),
    "png whose recipe is deep": png_with((b"iTXt", b"venice\0\0\0\0\0" + b"[" * 2_000_000)),
    "png whose recipe is a long number": png_with((b"iTXt", b"venice\0\0\0\0\0" + b"9" * 2_000_000)),
    "png whose recipe is a list": png_with((b"iTXt", b"venice\0\0\0\0\0[1]")),
    "png whose recipe has no run": png_with((b"iTXt", b'venice\0\0\0\0\0{"schema":1,"runs":[]}')),
    "png whose recipe has a NaN": png_with((b"iTXt", b'venice\0\0\0\0\0{"schema":NaN}')),
    "png whose seed is a text": png_with(
        (b"iTXt", b'venice\0\0\0\0\0{"schema":1,"runs":[{"request":{},"image":{"seed":"1"}}]}')
    ),
    "jpeg signature alone": b"\xff\xd8\xff",
    "jpeg cut in its tables": JPEG[:150],
    "jpeg cut in its pixels": JPEG[:-2],
    "jpeg with a lying segment": JPEG[:2] + b"\xff\xe1\xff\xff" + JPEG[2:],
    "jpeg with a segment of no length": JPEG[:2] + b"\xff\xe1\0\0" + JPEG[2:],
    "jpeg that is only a scan": b"\xff\xd8\xff\xda\0\x02\xff\xd9",
    "jpeg with a million segments": jpeg_with((0xFE, b""), times=1_000_000),
    "jpeg with broken EXIF": jpeg_with((0xE1, b"Exif\0\0MM")),
    "jpeg whose EXIF points outside": jpeg_with((0xE1, b"Exif\0\0" + tiff())),
    "jpeg whose EXIF starts outside": jpeg_with((0xE1, b"Exif\0\0" + tiff(offset=0xFFFFFFFF))),
    "jpeg whose EXIF has 65535 entries": jpeg_with((0xE1, b"Exif\0\0" + tiff(entries=0xFFFF))),
    "jpeg whose comment claims 4 GB": jpeg_with((0xE1, b"Exif\0\0" + comment_of(0xFFFFFFFF))),
    "jpeg whose extended XMP claims 4 GB": jpeg_with(
        (0xE1, jpeg._XMP + b'<x HasExtendedXMP="' + b"A" * 32 + b'"/>'),
        (0xE1, jpeg._EXTENDED_XMP + b"A" * 32 + b"\xff" * 8),
    ),
    "jpeg with broken XMP": jpeg_with((0xE1, jpeg._XMP + b"<x>")),
    "webp header alone": b"RIFF\x04\0\0\0WEBP",
    "webp cut": WEBP[:-20],
    "webp whose chunk claims 4 GB": WEBP[:16] + b"\xff\xff\xff\xff" + WEBP[20:],
    "webp of no width": WEBP[:26] + bytes(2) + WEBP[28:],
    "webp without an image": b"RIFF\x0c\0\0\0WEBPEXIF\0\0\0\0",
    "webp with a million chunks": webp_with((b"JUNK", b""), times=1_000_000),
    "webp with 30 MB of EXIF": webp_with((b"EXIF", b"MM\0*" + bytes(30_000_000))),
    "webp with 30 MB of XMP": webp_with((b"XMP ", bytes(30_000_000))),
    "webp with a billion laughs": webp_with((b"XMP ", BILLION_LAUGHS)),
    "webp with outside entities": webp_with((b"XMP ", b'<!DOCTYPE x SYSTEM "file:///etc/passwd"><x/>')),
    "webp with a million elements": webp_with((b"XMP ", xml("<v:x/>" * 600_000))),
    "webp with 800,000 instructions": webp_with((b"XMP ", xml("<?a?>" * 800_000))),
    "webp with 500,000 comments": webp_with((b"XMP ", xml("<!---->" * 500_000))),
    "webp with deep elements": webp_with((b"XMP ", xml("<v:x>" * 100_000))),
    "webp with 200,000 attributes": webp_with((b"XMP ", xml(f"<v:x {ATTRIBUTES}/>"))),
    "webp with an unknown encoding": webp_with((b"XMP ", b'<?xml version="1.0" encoding="none-such"?><x/>')),
}  # fmt: skip


@pytest.mark.parametrize("name", HOSTILE)
def test_a_hostile_file_is_refused_within_seconds_and_100_megabytes(name):
    started = time.process_time()
    with pytest.raises(UnreadableFile) as refusal:
        read_recipe_bytes(HOSTILE[name])
    assert time.process_time() - started < 5
    assert len(str(refusal.value)) < 500
    tracemalloc.start()
    try:
        with pytest.raises(UnreadableFile):
            read_recipe_bytes(HOSTILE[name])
        assert tracemalloc.get_traced_memory()[1] < 100 * 2**20
    finally:
        tracemalloc.stop()


@pytest.mark.parametrize(
    "line",
    ["a:," * 1_000_000, 'a:"' * 1_000_000, 'a:"\\' * 500_000, "a" * 3_000_000, '"' * 3_000_000, "Steps: \n" * 300_000],
    ids=["pairs", "quotes", "escapes", "letters", "only quotes", "lines"],
)
def test_infotext_made_to_be_slow_takes_seconds_at_most(line):
    for text in (line[:1_000_000], f"fox\nSteps: 1, Seed: 2, {line[:900_000]}"):
        started = time.process_time()
        read_recipe_bytes(png_with((b"tEXt", b"parameters\0" + text.encode())))
        assert time.process_time() - started < 5


def test_extended_xmp_with_a_missing_piece_is_not_used():
    whole = xmp.packet({xmp.Name(xmp.VENICE, "recipe"): "狐" * 60_000})
    main = xmp.packet({xmp.Name(xmp.XMP_NOTE, "HasExtendedXMP"): jpeg.extended_xmp_guid(whole)})
    data = jpeg.write(JPEG, Metadata(xmp=main, extended_xmp=whole), bare=False)
    assert jpeg.read(data).metadata.extended_xmp == whole
    segments = list(jpeg._segments(data))
    lost = next(s for s in segments if jpeg._is(s, 0xE1, jpeg._EXTENDED_XMP))
    assert jpeg.read(data.replace(bytes(lost.whole), b"")).metadata.extended_xmp == b""


def test_an_xmp_packet_that_is_too_long_is_refused():
    with pytest.raises(UnreadableFile, match="bytes"):
        xmp.read_property(b" " * (MAX_TEXT_BYTES + 1), xmp.Name(xmp.VENICE, "recipe"))


@settings(max_examples=300, deadline=None)
@given(
    data=st.sampled_from(FULL),
    cut=st.none() | st.floats(0, 1),
    changes=st.lists(st.tuples(st.floats(0, 1, exclude_max=True), st.integers(0, 255)), max_size=8),
)
def test_a_damaged_file_gives_an_response_or_an_unreadable_file_and_nothing_else(data, cut, changes):
    damaged = bytearray(data)
    for place, byte in changes:
        damaged[int(place * len(damaged))] = byte
    damaged = bytes(damaged if cut is None else damaged[: int(cut * len(damaged))])
    for attempt in (read_recipe_bytes, lambda data: write_recipe(data, RECIPE)):
        with contextlib.suppress(UnreadableFile):
            attempt(damaged)
