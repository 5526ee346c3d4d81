"""The verdict on a fixed set of changes, each of which fools one measure or another."""

import io
import random
import subprocess
import sys
import time
from functools import cache

import pytest
from PIL import Image, ImageChops, ImageDraw, ImageFilter, ImageOps

from venice_widgets.errors import UnreadableFile
from venice_widgets.media.compare import Grade, compare, difference_image
from venice_widgets.media.measures import Box

SIZE = 512
PATCH = Box(200, 100, 350, 250)


def clouds(seed, side, size=SIZE):
    pixels = random.Random(seed).randbytes(side * side * 3)
    return Image.frombytes("RGB", (side, side), pixels).resize((size, size), Image.Resampling.BICUBIC)


def discs(image, seed, count):
    place = random.Random(seed)
    draw = ImageDraw.Draw(image)
    for _ in range(count):
        x, y, width = (place.randrange(SIZE // 8, SIZE // 2) for _ in range(3))
        draw.ellipse((x, y, x + width, y + width // 2), fill=tuple(place.randbytes(3)))
    return image


@cache
def photograph(seed, size=SIZE):
    """Detail at every scale, as in a photo."""
    image = clouds(seed, 4, size)
    for side, weight in ((8, 0.4), (16, 0.3), (64, 0.2), (256, 0.15)):
        image = Image.blend(image, clouds(seed * 100 + side, side, size), weight)
    return discs(image, seed, 12)


@cache
def product(seed):
    """A few things on white, where most of any image is like any other."""
    return discs(Image.new("RGB", (SIZE, SIZE), "white"), seed, 4)


@cache
def sky(seed):
    """Nothing but slow changes of color."""
    return clouds(seed, 5)


def noisy(image):
    steps = bytes(byte % 3 for byte in random.Random(9).randbytes(SIZE * SIZE * 3))
    return ImageChops.add(image, Image.frombytes("RGB", (SIZE, SIZE), steps), 1, -1)


def patched(image, box=PATCH):
    changed = image.copy()
    changed.paste(ImageOps.invert(photograph(77)).crop(box), box)
    return changed


def encoded(image, container="PNG", **options):
    file = io.BytesIO()
    image.save(file, container, **({"compress_level": 1} if container == "PNG" else {}) | options)
    return file.getvalue()


def compared(image, change):
    return compare(encoded(image), encoded(change))


MATCHES = {Grade.EQUIVALENT, Grade.IDENTICAL_BYTES, Grade.IDENTICAL_PIXELS}
every_kind = pytest.mark.parametrize("kind", [photograph, product, sky], ids=lambda kind: kind.__name__)
with_detail = pytest.mark.parametrize("kind", [photograph, product], ids=lambda kind: kind.__name__)


@every_kind
def test_the_same_file_is_the_same_file(kind):
    data = encoded(kind(1))
    assert compare(data, data).grade == Grade.IDENTICAL_BYTES


@every_kind
def test_other_bytes_for_the_same_pixels_are_identical_pixels(kind):
    verdict = compare(encoded(kind(1)), encoded(kind(1), "WEBP", lossless=True))
    assert (verdict.grade, verdict.psnr_db, verdict.ssim) == (Grade.IDENTICAL_PIXELS, None, 1.0)


@every_kind
def test_noise_of_one_step_is_equivalent(kind):
    verdict = compared(kind(1), noisy(kind(1)))
    assert verdict.grade == Grade.EQUIVALENT
    assert 48 < verdict.psnr_db < 53


@pytest.mark.parametrize("container", ["JPEG", "WEBP"])
@every_kind
def test_an_image_encoded_again_at_quality_90_is_as_good_as_its_worst_tile(kind, container):
    verdict = compare(encoded(kind(1)), encoded(kind(1), container, quality=90))
    is_fine = verdict.psnr_db >= 40 and verdict.worst_tile_psnr_db >= 30
    assert verdict.grade == (Grade.EQUIVALENT if is_fine else Grade.SIMILAR)
    assert is_fine is (kind is sky)


@pytest.mark.parametrize("radius", [3, 8, 30])
@with_detail
def test_a_blurred_image_is_different_whatever_its_hash_says(kind, radius):
    verdict = compared(kind(1), kind(1).filter(ImageFilter.GaussianBlur(radius)))
    assert verdict.grade == Grade.DIFFERENT
    assert verdict.hash_distance <= 8
    assert verdict.detail_kept < 0.05


def test_a_heavy_blur_is_not_a_match_even_where_there_was_no_detail_to_lose():
    assert compared(sky(1), sky(1).filter(ImageFilter.GaussianBlur(30))).grade not in MATCHES


@every_kind
def test_one_changed_patch_is_similar_and_is_found(kind):
    verdict = compared(kind(1), patched(kind(1)))
    assert verdict.grade == Grade.SIMILAR
    area = verdict.changed_area
    assert area.left <= PATCH.left + 32 <= PATCH.right - 32 <= area.right
    assert area.left >= PATCH.left - 32
    assert area.right <= PATCH.right + 32
    assert area.top >= PATCH.top - 32
    assert area.bottom <= PATCH.bottom + 32
    assert verdict.changed_share < 0.15
    assert PATCH.left - 32 < verdict.worst_tile.left < PATCH.right


@every_kind
def test_even_a_patch_of_16_pixels_is_not_a_match_though_the_decibels_of_the_whole_say_so(kind):
    verdict = compared(kind(1), patched(kind(1), Box(256, 128, 272, 144)))
    assert verdict.psnr_db > 38
    assert verdict.grade == Grade.SIMILAR
    assert verdict.worst_tile == verdict.changed_area == Box(256, 128, 288, 160)


@every_kind
def test_a_mirrored_image_is_different(kind):
    assert compared(kind(1), ImageOps.mirror(kind(1))).grade == Grade.DIFFERENT
    assert compared(kind(1), ImageOps.flip(kind(1))).grade == Grade.DIFFERENT


@every_kind
def test_another_image_is_different(kind):
    for seed in (2, 3):
        assert compared(kind(1), kind(seed)).grade == Grade.DIFFERENT


@every_kind
def test_a_blacked_out_image_is_different(kind):
    assert compared(kind(1), Image.new("RGB", (SIZE, SIZE))).grade == Grade.DIFFERENT


@every_kind
def test_another_size_is_said_and_is_similar_at_best(kind):
    for side in (SIZE // 2, SIZE * 3 // 2):
        verdict = compared(kind(1), kind(1).resize((side, side), Image.Resampling.LANCZOS))
        assert (verdict.grade, verdict.size_changed) == (Grade.SIMILAR, True)
    assert compared(kind(1), kind(2).resize((300, 200))).grade == Grade.DIFFERENT


def test_what_lies_behind_full_transparency_does_not_count():
    clear = [Image.new("RGBA", (40, 40), (red, 0, 0, 0)) for red in (0, 200)]
    assert compared(*clear).grade == Grade.IDENTICAL_PIXELS
    assert compared(clear[1], Image.new("RGB", (40, 40), (200, 0, 0))).grade == Grade.DIFFERENT


@pytest.mark.parametrize("size", [(1, 1), (7, 300), (33, 257)])
def test_images_of_any_size_are_compared(size):
    verdict = compared(Image.new("RGB", size, "red"), Image.new("RGB", size, "blue"))
    assert verdict.grade == Grade.DIFFERENT
    assert verdict.changed_area == Box(0, 0, *size)
    assert compared(Image.new("L", size, 9), Image.new("RGB", size, (9, 9, 9))).grade == Grade.IDENTICAL_PIXELS


def test_the_difference_is_black_where_nothing_changed_and_bright_where_something_did():
    data = difference_image(encoded(photograph(1)), encoded(patched(photograph(1))))
    with Image.open(io.BytesIO(data)) as image:
        assert (image.format, image.size) == ("PNG", (SIZE, SIZE))
        left, top, right, bottom = image.getbbox()
    assert PATCH.left <= left < right <= PATCH.right
    assert PATCH.top <= top < bottom <= PATCH.bottom


def test_the_difference_is_amplified_as_requested():
    pair = [encoded(Image.new("RGB", (4, 4), (value, 0, 0))) for value in (10, 15)]
    assert Image.open(io.BytesIO(difference_image(*pair))).getpixel((0, 0)) == (40, 0, 0)
    assert Image.open(io.BytesIO(difference_image(*pair, amplification=60))).getpixel((0, 0)) == (255, 0, 0)
    clear = encoded(Image.new("RGBA", (4, 4), (10, 0, 0, 0)))
    assert Image.open(io.BytesIO(difference_image(pair[0], clear))).getpixel((0, 0)) == (255, 255, 255)


@pytest.mark.parametrize(
    "data",
    [b"", b"no image", encoded(sky(1))[:-5000], encoded(Image.new("1", (8000, 8000)), "PNG")],
    ids=["empty", "text", "cut", "64 megapixels"],
)
def test_what_cannot_be_decoded_is_an_unreadable_file(data):
    with pytest.raises(UnreadableFile):
        compare(encoded(sky(1)), data)


def test_a_pair_of_1024_pixels_takes_seconds_at_most():
    pair = encoded(photograph(1, 1024), "JPEG"), encoded(photograph(2, 1024), "JPEG")
    started = time.process_time()
    compare(*pair)
    assert time.process_time() - started < 5


def test_a_pair_in_4k_takes_little_more_memory_than_its_own_pixels():
    script = """
import io, resource
from PIL import Image
from venice_widgets.media.compare import compare
files = []
for color in ("red", "blue"):
    file = io.BytesIO()
    Image.new("RGB", (3840, 2160), color).save(file, "JPEG")
    files.append(file.getvalue())
before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
compare(*files)
print(resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - before)
"""
    kilobytes = int(subprocess.run([sys.executable, "-c", script], capture_output=True, check=True, text=True).stdout)
    pixels_of_both = 2 * 3840 * 2160 * 4 // 1024
    assert kilobytes < 3 * pixels_of_both
