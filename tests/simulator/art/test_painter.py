import io
import time

import pytest
from PIL import Image, ImageChops, ImageStat

from venice_widgets.simulator.art.painter import Commission, paint
from venice_widgets.simulator.art.scenes import RIDGES


def painted(prompt="a fox", content=41, width=160, height=160, **settings):
    data = paint(Commission(prompt, "", content, width, height, f"seed {content}", **settings))
    image = Image.open(io.BytesIO(data))
    image.load()
    return image


def difference(first, second):
    return sum(ImageStat.Stat(ImageChops.difference(first.convert("RGB"), second.convert("RGB"))).mean) / 3


@pytest.mark.parametrize("name", ["webp", "png", "jpeg"])
def test_the_bytes_are_in_the_format_that_was_requested(name):
    assert painted(format=name).format == name.upper()


@pytest.mark.parametrize("size", [(1, 1), (1, 1280), (1280, 1), (333, 777), (1504, 704)])
@pytest.mark.parametrize("name", ["webp", "png", "jpeg"])
def test_the_size_is_exact(size, name):
    assert painted(width=size[0], height=size[1], format=name).size == size


def test_the_same_commission_gives_the_same_bytes():
    commission = Commission("a fox", "{}", 41, 300, 200, "seed 41")
    assert paint(commission) == paint(commission)


@pytest.mark.parametrize("prompt", RIDGES)
def test_neighbouring_seeds_differ_at_a_glance(prompt):
    assert difference(painted(prompt, 41), painted(prompt, 42)) > 12


def test_different_prompts_and_settings_differ():
    assert difference(painted("a lighthouse by the sea"), painted("a city at night")) > 12
    assert paint(Commission("a", "x", 1, 99, 99, "")) != paint(Commission("a", "y", 1, 99, 99, ""))


def test_the_same_scene_is_shown_at_every_size():
    small, large = painted(format="png"), painted(width=640, height=640, format="png")
    assert difference(small, large.resize(small.size)) < 4


def test_the_stamp_is_in_the_lower_corner_and_tells_the_seed():
    first, second = (
        Image.open(io.BytesIO(paint(Commission("a fox", "", 41, 256, 256, stamp, "png"))))
        for stamp in ("seed 41", "seed 98765")
    )
    colors = {color for _, color in first.crop((0, 220, 90, 256)).getcolors(1 << 16)}
    assert {(255, 255, 255)} < colors
    assert ImageChops.difference(first, second).getbbox()[1] > 220


def test_a_blurred_image_has_no_detail_left():
    def detail(image):
        upper = image.convert("L").crop((0, 0, 512, 400))
        return ImageStat.Stat(ImageChops.difference(upper, ImageChops.offset(upper, 2))).mean[0]

    sharp, blurred = (painted("a city", width=512, height=512, blurred=blurred) for blurred in (False, True))
    assert detail(blurred) < detail(sharp) / 3


def test_a_violation_is_black():
    assert painted(blacked_out=True, format="png").getcolors() == [(160 * 160, (0, 0, 0))]


@pytest.mark.parametrize("name", ["webp", "png", "jpeg"])
def test_exif_is_written_only_where_it_is_requested(name):
    assert painted(format=name, exif_description="a fox").getexif()[0x010E] == "a fox"
    assert not painted(format=name).getexif()


def test_an_image_of_one_megapixel_costs_little_time():
    painted(width=1024, height=1024)
    started = time.process_time()
    for prompt in RIDGES:
        painted(prompt, width=1024, height=1024)
    assert (time.process_time() - started) / len(RIDGES) < 0.3  # measured at 0.08; the rest is for a busy machine
