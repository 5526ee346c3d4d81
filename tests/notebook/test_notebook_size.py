"""A notebook holds previews: a hundredth of what the images themselves would be in it."""

import base64
import json
import os
from io import BytesIO

import httpx
from PIL import Image

from venice_widgets.session import Session


class OneImage(httpx.BaseTransport):
    """Questions go to the simulator; every image is this one."""

    def __init__(self, behind: httpx.BaseTransport, image: bytes) -> None:
        self._behind, self._image = behind, image

    def handle_request(self, request: httpx.Request) -> httpx.Response:
        if request.method == "GET":
            return self._behind.handle_request(request)
        return httpx.Response(200, json={"id": "x", "images": [base64.b64encode(self._image).decode()]})


def noise(side: int) -> bytes:
    buffer = BytesIO()
    Image.frombytes("RGB", (side, side), os.urandom(3 * side * side)).save(buffer, "PNG", compress_level=0)
    return buffer.getvalue()


def test_a_4k_image_takes_a_hundredth_of_its_size_in_the_notebook(simulator):
    image = noise(4096)
    session = Session(api_key="x" * 20, transport=OneImage(simulator.transport(), image))
    generation = session.generate("A fox", model="nano-banana-2", resolution="4K", seed=41)
    data, metadata = generation._repr_mimebundle_()
    assert generation.images[0].data == image
    assert 100 * len(json.dumps({**data, "metadata": metadata})) < len(base64.b64encode(image))


def test_a_preview_is_stored_once(simulator):
    session = Session(api_key="x" * 20, transport=OneImage(simulator.transport(), noise(1024)))
    for images in (1, 4):
        generation = session.generate("A fox", images=images)
        previews = sum(len(base64.b64encode(image.preview.data)) for image in generation.images)
        data, metadata = generation._repr_mimebundle_()
        assert len(json.dumps({**data, "metadata": metadata})) < 1.3 * previews + 5000 * images
