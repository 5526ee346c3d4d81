"""Several previews on one labeled sheet, for where only one image can be shown."""

import time
from io import BytesIO
from itertools import pairwise

import pytest
from PIL import Image, ImageChops

from venice_widgets.media.contact_sheet import contact_sheet
from venice_widgets.media.preview import Preview, preview


def encoded(image: Image.Image, name: str = "PNG", **options: object) -> bytes:
    buffer = BytesIO()
    image.save(buffer, name, **options)
    return buffer.getvalue()


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
