"""A paid response is stored with its run, whatever it is, and nothing outside of the store is needed for it."""

import base64
import hashlib
import io
import json
import tempfile

import httpx
import pytest
from PIL import Image

from venice_widgets.errors import PossiblyCharged
from venice_widgets.generation.rate_limiter import RateLimiter
from venice_widgets.log import Status
from venice_widgets.session import Session
from venice_widgets.simulator import Simulator

KEY = "VENICE_INFERENCE_KEY_0123456789abcdef"


class Says(httpx.BaseTransport):
    """The simulator, but for the response to the images."""

    def __init__(self, body, content_type="application/json"):
        self._inner, self._body = Simulator(requests_per_minute=None).transport(), body
        self._headers = {"content-type": content_type}

    def handle_request(self, request):
        if request.method != "POST":
            return self._inner.handle_request(request)
        return httpx.Response(200, headers=self._headers, content=self._body)


@pytest.fixture
def start():
    made = []

    def session(*arguments):
        made.append(Session(api_key=KEY, transport=Says(*arguments)))
        made[-1]._pace = RateLimiter(None)
        return made[-1]

    yield session
    for one in made:
        one.close()


def bmp():
    file = io.BytesIO()
    Image.new("RGB", (8, 6), "red").save(file, "BMP")
    return file.getvalue()


def wrapped(data):
    return json.dumps({"images": [base64.b64encode(data).decode()]}).encode()


@pytest.mark.parametrize(
    "data",
    [bmp(), b"<svg xmlns='http://www.w3.org/2000/svg'/>", b"no image at all", bmp()[:20]],
    ids=["BMP", "SVG", "text", "cut"],
)
@pytest.mark.parametrize("pack", [wrapped, bytes], ids=["JSON", "body"])
def test_a_response_that_is_not_a_readable_image_belongs_to_its_run(start, data, pack):
    session = start(pack(data), "application/json" if pack is wrapped else "image/bmp")
    with pytest.raises(PossiblyCharged, match="may have been charged"):
        session.generate("a fox", seed=41)
    record = session.log.get("last")
    assert record.status is Status.UNKNOWN
    assert hashlib.sha256(data).hexdigest() in {body.sha256 for body in record.outcome.bodies}
    assert session.log.objects.read(hashlib.sha256(data).hexdigest()) == data
    assert session.log.orphans() == ()
    assert list(session.log.objects.incoming.iterdir()) == []


def test_where_one_of_several_images_cannot_be_read_the_others_are_shown_and_it_is_stored(start):
    file = io.BytesIO()
    Image.new("RGB", (8, 6), "red").save(file, "PNG")
    images = [base64.b64encode(data).decode() for data in (file.getvalue(), b"<svg/>")]
    session = start(json.dumps({"images": images}).encode())
    assert len(session.generate("a fox", variants=2, seed=1)) == 1
    record = session.log.get("last")
    assert [body.part for body in record.outcome.bodies] == ["image 2"]
    assert session.log.objects.read(record.outcome.bodies[0].sha256) == b"<svg/>"


def test_no_temporary_folder_of_the_system_is_needed(start, monkeypatch):
    def no_folder():
        raise FileNotFoundError("no usable temporary directory found")

    large = io.BytesIO()
    Image.effect_noise((1200, 1200), 90).save(large, "PNG")
    assert len(large.getvalue()) > 1 << 20
    session = start(wrapped(large.getvalue()))
    monkeypatch.setattr(tempfile, "gettempdir", no_folder)
    monkeypatch.setattr(tempfile, "tempdir", None)
    assert session.generate("a fox")[0].data == large.getvalue()
