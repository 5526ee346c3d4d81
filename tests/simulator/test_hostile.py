import base64
import io
import json
import zlib

import httpx
import pytest
from PIL import Image

from venice_widgets.simulator import Fault


def hostile(venice, kind, **settings):
    venice.simulator.add_fault(Fault(kind, **settings))
    return venice.client.build_request(
        "POST", "/image/generate", json={"model": "chroma", "prompt": "a fox", "seed": 4}
    )


def raw(venice, kind, **settings):
    """The body as it was sent, not decoded."""
    response = venice.client.send(hostile(venice, kind, **settings), stream=True)
    return response, b"".join(response.iter_raw())


def image(venice, kind, **settings):
    response = venice.client.send(hostile(venice, kind, **settings))
    return base64.b64decode(response.json()["images"][0])


def test_url_safe_base64_holds_the_same_image(make_venice):
    venice = make_venice(paint=lambda _: bytes(range(256)))
    sent = venice.client.send(hostile(venice, "base64url")).json()["images"][0]
    assert not {"+", "/", "="} & set(sent)
    padded = sent + "=" * (-len(sent) % 4)
    assert [base64.urlsafe_b64decode(padded)] == venice.images(model="chroma", seed=4)


def test_other_shapes_hold_the_same_image(venice):
    true = base64.b64encode(venice.images(model="chroma", seed=4)[0]).decode()
    assert venice.client.send(hostile(venice, "b64-json")).json()["data"] == [{"b64_json": true}]
    in_utf_16 = venice.client.send(hostile(venice, "utf-16")).content.decode("utf-16")
    assert json.loads(in_utf_16)["images"] == [true]


def test_what_is_not_json_comes_before_the_images(venice):
    body = venice.client.send(hostile(venice, "nan")).text
    assert body.index("NaN") < body.index("images")
    nested = venice.client.send(hostile(venice, "deep")).text
    with pytest.raises(RecursionError):
        json.loads(nested)


def test_a_small_body_expands_to_two_gigabytes(venice):
    brotli = pytest.importorskip("brotli")
    response, body = raw(venice, "brotli-bomb")
    assert (response.status_code, response.headers["content-encoding"], len(body) < 4000) == (200, "br", True)
    first = brotli.Decompressor().process(body, output_buffer_limit=1 << 20)
    assert set(first) == {0}
    assert raw(venice, "brotli-bomb", status=500)[0].status_code == 500


def test_a_body_called_gzip_is_not(venice):
    with pytest.raises(httpx.DecodingError):
        venice.client.send(hostile(venice, "gzip-garbled"))
    assert float(venice.simulator.balance_usd()) == 24.99


@pytest.mark.parametrize(("kind", "format_name"), [("bmp", "BMP"), ("tiff", "TIFF")])
def test_images_come_in_formats_that_were_not_requested(venice, kind, format_name):
    assert Image.open(io.BytesIO(image(venice, kind))).format == format_name


def test_an_svg_is_sent_as_an_image(venice):
    assert image(venice, "svg").startswith(b"<svg")


def test_the_text_of_a_png_expands_to_three_megabytes(venice):
    data = image(venice, "png-text")
    assert data.startswith(b"\x89PNG\r\n\x1a\n")
    start = data.index(b"zTXt") + len(b"zTXtComment\0\0")
    assert len(data) < 20_000
    assert len(zlib.decompressobj().decompress(data[start:])) > 2_900_000


def test_any_bytes_can_be_sent_as_the_image(venice):
    assert image(venice, "image", image=b"\0\0\1\0icon") == b"\0\0\1\0icon"
