"""Examining an image tells what identifying and previewing it tell, one after the other."""

from io import BytesIO

import pytest
from PIL import Image

from venice_widgets.errors import UnreadableFile
from venice_widgets.media.format import identify
from venice_widgets.media.preview import examine, preview


def encoded(name: str, mode: str = "RGB", side: int = 40, frames: int = 1, **options: object) -> bytes:
    images = [Image.radial_gradient("L").resize((side, side)).rotate(90 * n).convert(mode) for n in range(frames)]
    buffer = BytesIO()
    if frames > 1:
        options |= {"save_all": True, "append_images": images[1:]}
    images[0].save(buffer, name, **options)
    return buffer.getvalue()


IMAGES = {
    "png": encoded("PNG"),
    "large png": encoded("PNG", side=2048),
    "transparent png": encoded("PNG", "RGBA"),
    "grey png with 16 bits": encoded("PNG", "I;16"),
    "jpeg with a comment": encoded("JPEG", comment=b"a comment"),
    "webp": encoded("WEBP"),
    "animated webp": encoded("WEBP", frames=3),
    "animated gif": encoded("GIF", frames=3),
    "avif": encoded("AVIF"),
}


@pytest.mark.parametrize("name", IMAGES)
def test_it_tells_what_the_two_tell_of_bytes_and_of_a_file(name, tmp_path):
    path = tmp_path / "image"
    path.write_bytes(IMAGES[name])
    for data in (IMAGES[name], path):
        assert examine(data) == (identify(data), preview(data))


@pytest.mark.parametrize("name", IMAGES)
def test_an_image_without_its_end_is_refused(name):
    with pytest.raises(UnreadableFile):
        examine(IMAGES[name][: len(IMAGES[name]) // 2])
