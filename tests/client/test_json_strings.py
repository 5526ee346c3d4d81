"""Images are taken out of their JSON while it comes, and everything else stays as it was."""

import base64
import io
import json
import os
import tracemalloc
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from venice_widgets.client import json_strings as lifting
from venice_widgets.client.json_strings import LiftedText
from venice_widgets.client.response_body import read_body
from venice_widgets.log import Stored

JSON = st.recursive(
    st.none() | st.booleans() | st.integers(-(2**53), 2**53) | st.text(),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(), inner, max_size=3),
    max_leaves=8,
)
DOCUMENTS = st.dictionaries(st.text().filter(lambda name: name != "images"), JSON, max_size=4)


class Basket:
    """Takes images and remembers them; keeps no more than lengths where only those are asked for."""

    def __init__(self) -> None:
        self.images: list[bytes] = []

    @contextmanager
    def __call__(self, place) -> Iterator["Basket"]:
        self._pieces: list[bytes] = []
        yield self

    def write(self, data: bytes) -> None:
        self._pieces.append(data)

    def keep(self) -> Stored:
        self.images.append(b"".join(self._pieces))
        return Stored(str(len(self.images)), len(self.images[-1]), Path())


@pytest.fixture
def _small_slices(monkeypatch):
    monkeypatch.setattr(lifting, "_SLICE_BYTES", 16)
    monkeypatch.setattr(lifting, "_PIECE_BYTES", 32)


def read(text: bytes) -> tuple[dict | None, list[bytes], str | None]:
    basket = Basket()
    reading = read_body(io.BytesIO(text), basket)
    return reading.document, basket.images, reading.problem


def answer(images: list[bytes], **rest: object) -> bytes:
    return json.dumps({"images": [base64.b64encode(image).decode() for image in images], **rest}).encode()


@pytest.mark.usefixtures("_small_slices")
class TestInSmallSlices:
    @settings(max_examples=40)
    @given(JSON)
    def test_what_is_not_wanted_passes_unchanged(self, value):
        text = json.dumps(value).encode()
        lifted = LiftedText(io.BytesIO(text), pytest.fail)
        assert b"".join(iter(lifted.read, b"")) == text

    @given(st.binary(max_size=80))
    def test_what_is_no_json_passes_unchanged_too(self, text):
        lifted = LiftedText(io.BytesIO(text), pytest.fail)
        assert b"".join(iter(lifted.read, b"")) == text

    @given(DOCUMENTS, st.lists(st.binary(min_size=1, max_size=60), min_size=1, max_size=4), DOCUMENTS)
    def test_every_image_and_every_other_value_arrives(self, before, images, after):
        encoded = [base64.b64encode(image).decode() for image in images]
        document, found, problem = read(json.dumps({**before, "images": encoded, **after}).encode())
        assert (found, problem) == (images, None)
        assert document == {**before, **after}

    @given(st.lists(st.binary(min_size=20, max_size=60), min_size=1, max_size=3), st.data())
    def test_a_cut_answer_gives_the_images_that_were_whole(self, images, data):
        text = answer(images, id="x")
        cut = text[: data.draw(st.integers(0, len(text) - 1))]
        whole = sum(cut.count(base64.b64encode(image) + b'"') for image in dict.fromkeys(images))
        _, found, problem = read(cut)
        assert found == images[:whole]
        assert problem or not cut.strip()

    @pytest.mark.parametrize("prefix", ["", "data:image/png;base64,"])
    @pytest.mark.parametrize("ending", ["", "="])
    def test_a_data_uri_and_missing_padding_are_taken(self, prefix, ending):
        encoded = base64.b64encode(b"an image, and no small one at that!!!").decode()
        assert encoded.endswith("==")
        text = json.dumps({"images": [prefix + encoded.rstrip("=") + ending * 2]}).encode()
        assert read(text)[1] == [b"an image, and no small one at that!!!"]

    @pytest.mark.parametrize(
        "text",
        [
            '{"images":["not base64, but long enough to be lifted"]}',
            '{"images":["QUJD=QUJDQUJDQUJDQUJDQUJDQUJDQUJD"]}',
            '{"images":[["QUJDQUJDQUJDQUJDQUJDQUJDQUJDQUJD"]]}',
            '{"images":{"a":"QUJDQUJDQUJDQUJDQUJDQUJDQUJDQUJD"}}',
            '{"images":[],"request":{"images":["QUJDQUJDQUJDQUJDQUJDQUJDQUJDQUJD"]}}',
            '["QUJDQUJDQUJDQUJDQUJDQUJDQUJDQUJD"]',
        ],
    )
    def test_what_is_no_image_of_the_answer_is_none(self, text):
        assert read(text.encode())[1] == []

    def test_long_strings_elsewhere_stay_in_the_document(self):
        document, images, _ = read(answer([b"x" * 50], imagesque="y" * 500, request={"images": ["z" * 500]}))
        assert document == {"imagesque": "y" * 500, "request": {"images": ["z" * 500]}}
        assert images == [b"x" * 50]


@pytest.mark.parametrize(("mark", "written"), [("/", r"\/"), ("+", r"\u002b"), ("A", "A\\r\\n")])
def test_escapes_and_line_breaks_in_base64_are_taken(mark, written):
    image = bytes(range(256)) * 3000
    encoded = base64.b64encode(image).decode()
    assert mark in encoded
    text = '{"images":["' + encoded.replace(mark, written) + '"]}'
    assert read(text.encode())[1] == [image]


def test_numbers_stay_exact():
    document, _, _ = read(b'{"price":0.10,"images":["QUJD"]}')
    assert document == {"price": 0.1}


def test_an_image_of_20_mb_is_read_within_6_mb():
    text = io.BytesIO(b'{"images":["' + base64.b64encode(os.urandom(20 << 20)) + b'"]}')
    basket = Basket()
    basket.write = lambda data: None
    tracemalloc.start()
    try:
        read_body(text, basket)
        assert tracemalloc.get_traced_memory()[1] < 6 << 20
    finally:
        tracemalloc.stop()
