import json

import pytest

from venice_widgets.simulator.response import Response, compressed, json_response


def encoding(answer):
    return dict(answer.headers).get("content-encoding")


@pytest.mark.parametrize(
    ("accepted", "chosen"),
    [("gzip, deflate, br", "br"), ("gzip;q=0.5", "gzip"), ("identity", None), ("", None), ("BR", "br")],
)
def test_json_is_compressed_as_the_client_accepts_it(accepted, chosen):
    assert encoding(compressed(json_response({"a": 1}), accepted)) == chosen


def test_what_is_not_json_is_left_as_it_is():
    image = Response(200, b"RIFF", (("content-type", "image/webp"),))
    assert compressed(image, "gzip, br") is image


def test_compression_is_undone_by_an_ordinary_client(venice):
    for accepted in ("gzip", "br", "identity"):
        response = venice.post(headers={"accept-encoding": accepted})
        assert response.headers.get("content-encoding", "identity") == accepted
        assert response.json()["images"]


def test_text_goes_as_utf_8():
    assert json.loads(json_response("狐 🦊").body.decode()) == "狐 🦊"
