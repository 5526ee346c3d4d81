"""Whatever body comes with success, the images that are whole are kept as they came, and nothing else escapes."""

import base64
import hashlib
import io
import json
import time
from contextlib import contextmanager
from pathlib import Path
from types import SimpleNamespace

import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st
from PIL import Image

from venice_widgets.client.response_body import Reading, read_body
from venice_widgets.errors import StoreError


def png(color):
    file = io.BytesIO()
    Image.new("RGB", (9, 7), color).save(file, "PNG")
    return file.getvalue()


RED, GREEN, BLUE = (png(color) for color in ("red", "green", "blue"))
TEXTS = [base64.b64encode(data).decode() for data in (RED, GREEN, BLUE)]
WHOLE = {
    "id": "generate-image-1",
    "images": TEXTS,
    "request": {"success": True, "data": {"seed": 41, "cfg_scale": 7.5, "style": "Ünïcode 🦊"}},
    "timing": {"total": 812},
}


class Kept:
    """A store in memory."""

    def __init__(self, fails_at=None):
        self.objects = {}
        self.opened = 0
        self._fails_at = fails_at

    @contextmanager
    def __call__(self, place):
        self.opened += 1
        if self.opened == self._fails_at:
            raise StoreError("no space.", "Make room.")
        data = io.BytesIO()

        def keep():
            sha256 = hashlib.sha256(data.getvalue()).hexdigest()
            self.objects[sha256] = data.getvalue()
            return SimpleNamespace(sha256=sha256, size_bytes=len(data.getvalue()), path=Path(sha256))

        yield SimpleNamespace(write=data.write, keep=keep)


def read(body, **more):
    store = more.pop("store", None) or Kept()
    reading = read_body(io.BytesIO(body), store, **more)
    assert isinstance(reading, Reading)
    return reading, {place: store.objects[sample.sha256] for place, sample in reading.images.items()}


def answer(**changes):
    return json.dumps({**WHOLE, **changes}).encode()


JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False, allow_infinity=False) | st.text(max_size=8),
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.text(max_size=8), inner, max_size=4),
    max_leaves=8,
)


def test_every_image_is_kept_exactly_as_it_was_received():
    reading, samples = read(answer())
    assert samples == {0: RED, 1: GREEN, 2: BLUE}
    assert reading.problem is None


def test_the_document_is_kept_without_its_images():
    assert read(answer())[0].document == {name: value for name, value in WHOLE.items() if name != "images"}


@pytest.mark.parametrize("cut", range(0, len(answer()), 7))
def test_an_image_that_arrived_whole_before_the_body_was_cut_is_kept(cut):
    body = answer()[:cut]
    arrived = [data for data, text in zip((RED, GREEN, BLUE), TEXTS, strict=True) if f'"{text}"'.encode() in body]
    reading, samples = read(body, whole=False)
    assert list(samples.values()) == arrived
    assert reading.problem


def test_an_image_that_is_damaged_loses_only_itself_and_leaves_its_place():
    reading, samples = read(answer(images=[TEXTS[0], "not base64!", None, 7, {"url": "x"}, "", TEXTS[2]]))
    assert samples == {0: RED, 6: BLUE}
    assert "image 2 is not base64" in reading.problem
    assert "image 3 is not text" in reading.problem


def test_base64_may_be_a_data_uri_hold_white_space_or_miss_its_padding():
    wrapped = "\n".join(TEXTS[0][i : i + 76] for i in range(0, len(TEXTS[0]), 76))
    forms = [
        f"data:image/png;base64,{TEXTS[0]}",
        f" \nDATA:image/png;charset=utf-8;base64,\r\n{wrapped}\n",
        wrapped,
        TEXTS[0].rstrip("="),
        f"  {TEXTS[0]}\t",
    ]
    assert read(answer(images=forms))[1] == dict.fromkeys(range(5), RED)


def test_an_image_of_many_megabytes_is_decoded_in_pieces_without_a_byte_lost():
    large = RED + bytes(range(256)) * 40_000
    assert read(answer(images=[base64.b64encode(large).decode()]))[1] == {0: large}


def test_one_text_in_the_place_of_the_list_is_an_image_too():
    assert read(answer(images=TEXTS[1]))[1] == {0: GREEN}


def test_where_the_list_of_images_is_there_it_alone_counts_even_if_it_is_empty():
    reading, samples = read(json.dumps({"request": {"images": [TEXTS[0]]}, "images": []}).encode())
    assert not samples
    assert reading.document == {"request": {"images": [TEXTS[0]]}}


def test_base64_of_the_url_safe_alphabet_is_read_too():
    data = RED + bytes(range(256))
    text = base64.urlsafe_b64encode(data).decode()
    assert {"-", "_"} & set(text)
    assert read(answer(images=[text]))[1] == {0: data}


DEEP = "[" * 150 + "]" * 150


@pytest.mark.parametrize(
    "body",
    [
        json.dumps({"created": 1, "data": [{"b64_json": text} for text in TEXTS]}),
        json.dumps([{"images": TEXTS}]),
        json.dumps({"images.item": TEXTS}),
        '{"odd": NaN, "images": ' + json.dumps(TEXTS) + "}",
        '{"odd": ' + DEEP + ', "images": ' + json.dumps(TEXTS) + "}",
        '{"data": [' + ",".join(f'"data:image/png;base64,{text}"'.replace("/", r"\/") for text in TEXTS) + "]}",
    ],
)
def test_images_that_are_not_where_they_should_be_are_found_all_the_same(body):
    reading, samples = read(body.encode())
    assert samples == {0: RED, 1: GREEN, 2: BLUE}
    assert reading.problem


@pytest.mark.parametrize("encoding", ["utf-16", "utf-16-le", "utf-16-be", "utf-8-sig"])
def test_a_document_in_another_encoding_is_read(encoding):
    reading, samples = read(json.dumps(WHOLE, ensure_ascii=False).encode(encoding))
    assert samples == {0: RED, 1: GREEN, 2: BLUE}
    assert reading.document == {name: value for name, value in WHOLE.items() if name != "images"}
    assert reading.problem is None


def test_a_style_reference_that_is_repeated_is_not_taken_for_a_response():
    echo = {"request": {"style_references": [{"image": TEXTS[0], "strength": 0.5}]}, "other": {"b64_json": TEXTS[1]}}
    assert read(json.dumps(echo).encode())[1] == {0: GREEN}


@pytest.mark.parametrize("content_type", ["image/png", "application/json", "text/html", "", "IMAGE/PNG; x=y"])
def test_the_bytes_and_not_the_content_type_say_what_a_body_is(content_type):
    assert read(RED, content_type=content_type)[1] == {0: RED}
    assert read(b"\xef\xbb\xbf \n" + answer(), content_type=content_type)[1] == {0: RED, 1: GREEN, 2: BLUE}


def test_a_format_that_no_one_here_knows_is_kept_if_it_is_called_an_image():
    assert read(b"\x00\x00\x00\x0cJXL \r\n\x87\n", content_type="image/jxl")[1] == {
        0: b"\x00\x00\x00\x0cJXL \r\n\x87\n"
    }


def test_half_an_image_is_none():
    assert read(RED[:40], content_type="image/png", whole=False)[1] == {}


def test_a_refused_answer_keeps_no_image():
    reading = read_body(io.BytesIO(answer()), None)
    assert reading.images == {}
    assert reading.document["id"] == "generate-image-1"


@pytest.mark.parametrize(
    "tail",
    [b"1" * 5000, b"-" + b"9" * 5000, b"1e99999", b"1e99999999999999999999", b"[" * 100_000, b'{"a":' * 100_000],
    ids=["digits", "minus", "float", "exponent", "lists", "maps"],
)
def test_numbers_and_nesting_beyond_all_measure_cost_neither_the_process_nor_the_image_before_them(tail):
    started = time.monotonic()
    _, samples = read(b'{"images":["' + TEXTS[0].encode() + b'"],"x":' + tail)
    assert samples == {0: RED}
    assert time.monotonic() - started < 5


def test_a_document_is_nested_no_deeper_than_whoever_keeps_it_can_follow():
    body = b'{"images":["' + TEXTS[0].encode() + b'"],"x":' + b"[" * 5000 + b"]" * 5000 + b"}"
    reading, samples = read(body)
    assert samples == {0: RED}
    assert "nested more than 100 deep" in reading.problem
    json.dumps(reading.document)


def test_a_full_disk_is_an_error_only_if_no_image_could_be_kept():
    reading, samples = read(answer(), store=Kept(fails_at=2))
    assert samples == {0: RED, 2: BLUE}
    assert "could not be stored: no space." in reading.problem
    with pytest.raises(StoreError, match="no space"):
        read(answer(images=TEXTS[:1]), store=Kept(fails_at=1))


@settings(deadline=None, max_examples=150)
@given(
    body=st.binary(max_size=300) | JSON.map(lambda value: json.dumps(value).encode()),
    kind=st.sampled_from(["", "image/png"]),
)
@example(body=b"<!DOCTYPE html><title>502</title>", kind="text/html")
@example(body=b'{"images":["\xff"]}', kind="")
@example(body=b'{"images":["\\ud800"]}', kind="")
@example(body=b'{"images":{"a":"aaaa"},"images":["AAAA"]}', kind="")
@example(body=b'{"images":[["AAAA"],{"x":"AAAA"}]}', kind="")
@example(body=b"", kind="image/png")
def test_no_body_of_any_kind_raises_anything(body, kind):
    read(body, content_type=kind)


def ends(body, texts):
    """Where each of some texts, which follow one another, ends in a body."""
    place = 0
    for text in texts:
        place = body.index(text.encode(), place) + len(text)
        yield place


@settings(deadline=None, max_examples=100)
@given(
    before=st.dictionaries(st.sampled_from(["id", "request", "x", ""]), JSON, max_size=2),
    images=st.lists(st.sampled_from(TEXTS) | st.sampled_from([None, 7, True, {"a": "AAAA"}, ["AAAA"]]), max_size=4),
    place=st.integers(0, 600),
    damage=st.binary(max_size=3),
)
def test_damage_at_any_byte_loses_no_image_that_stands_before_it(before, images, place, damage):
    body = json.dumps({**before, "images": images}).encode()
    texts = [text for text in images if isinstance(text, str)]
    sent = [base64.b64decode(text) for text in texts]
    assert list(read(body)[1].values()) == sent
    _, samples = read(body[:place] + damage + body[place + len(damage) :])
    safe = sum(end < place for end in ends(body, texts))
    assert list(samples.values())[:safe] == sent[:safe]
