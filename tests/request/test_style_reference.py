"""Style references: read, checked and kept, before anything costs money."""

import base64
import hashlib
import io
import os
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from venice_widgets.errors import InvalidRequest
from venice_widgets.request.style_reference import MAX_BYTES, StyleReference, read_reference, split_strength


def no_network(url):
    raise AssertionError(f"{url} was fetched")


@pytest.fixture(scope="module")
def png():
    from PIL import Image

    buffer = io.BytesIO()
    Image.new("RGB", (8, 8), "teal").save(buffer, "png")
    return buffer.getvalue()


@pytest.fixture
def sketch(tmp_path, png):
    path = tmp_path / "sketch.png"
    path.write_bytes(png)
    return path


@pytest.mark.parametrize(
    ("spec", "origin", "strength"),
    [
        ("sketch.png", "sketch.png", None),
        ("sketch.png@0.6", "sketch.png", 0.6),
        ("sketch.png@1", "sketch.png", 1.0),
        ("sketch.png@0.1", "sketch.png", 0.1),
        ("me@home.png", "me@home.png", None),
        ("me@home.png@.5", "me@home.png", 0.5),
        ("sketch.png@", "sketch.png@", None),
        ("@0.5", "@0.5", None),
        ("https://h/a.png", "https://h/a.png", None),
        ("https://h/a.png?x=1@0.5", "https://h/a.png?x=1", 0.5),
        ("https://user@h/a.png", "https://user@h/a.png", None),
        ("", "", None),
    ],
)
def test_a_strength_follows_the_last_at_sign(spec, origin, strength):
    assert split_strength(spec) == (origin, strength)


@pytest.mark.parametrize("strength", ["0", "0.09", "1.01", "-0.5", "nan", "inf", "2024", "1e9"])
def test_a_strength_out_of_range_is_refused_with_the_range(strength):
    with pytest.raises(InvalidRequest, match=f"strength {strength}") as caught:
        split_strength(f"sketch.png@{strength}")
    assert caught.value.field == "style_references"
    assert "0.1 … 1" in caught.value.remedy


@pytest.mark.parametrize("strength", [0, 0.09, 1.01, -1, float("nan"), float("inf")])
def test_a_reference_made_by_hand_is_held_to_the_same_range(strength):
    with pytest.raises(InvalidRequest, match=r"0\.1 … 1"):
        StyleReference(b"x", strength)


@settings(deadline=None)
@given(st.text(max_size=30), st.floats(0.1, 1))
def test_any_name_with_a_strength_comes_apart_again(name, strength):
    expected = (name, strength) if name else (f"@{strength}", None)
    assert split_strength(f"{name}@{strength}") == expected


@settings(deadline=None)
@given(st.text(max_size=30))
def test_any_text_is_a_name_perhaps_with_a_strength_or_an_invalid_request(spec):
    try:
        origin, strength = split_strength(spec)
    except InvalidRequest:
        return
    if strength is None:
        assert origin == spec
    else:
        assert 0.1 <= strength <= 1
        assert spec.startswith(f"{origin}@")


def test_a_file_is_read_and_sent_as_base64(sketch, png):
    reference = read_reference(f"{sketch}@0.6", no_network)
    assert reference == StyleReference(png, 0.6, str(sketch))
    assert reference.wire() == {"image": base64.b64encode(png).decode(), "strength": 0.6}
    assert read_reference(sketch, no_network).wire() == {"image": base64.b64encode(png).decode()}


def test_a_reference_is_recorded_by_its_hash_and_never_by_its_bytes(png):
    reference = StyleReference(png, 0.6, "sketch.png")
    assert reference.record() == {"image": f"sha256:{hashlib.sha256(png).hexdigest()}", "strength": 0.6}
    assert StyleReference(png).record() == {"image": f"sha256:{reference.sha256}"}
    assert repr(png)[2:40] not in repr(reference)


@pytest.mark.parametrize("scheme", ["http://", "https://", "HTTPS://"])
def test_a_url_is_fetched_without_its_strength_and_sent_as_bytes(png, scheme):
    asked = []
    reference = read_reference(f"{scheme}h/a.png@0.5", lambda url: asked.append(url) or png)
    assert asked == [f"{scheme}h/a.png"]
    assert (reference.data, reference.strength) == (png, 0.5)


def test_a_reference_made_by_hand_is_checked_and_kept(png):
    ready = StyleReference(png, 0.3)
    assert read_reference(ready, no_network) is ready
    with pytest.raises(InvalidRequest, match="is not an image"):
        read_reference(StyleReference(b"not an image"), no_network)


def test_a_file_under_the_home_is_found(monkeypatch, sketch, png):
    monkeypatch.setenv("HOME", str(sketch.parent))
    assert read_reference("~/sketch.png", no_network).data == png


@pytest.mark.parametrize(
    "spec", ["missing.png", "~no-such-user-here/x.png", "a\0b", "data:image/png;base64,AAAA", "", "x" * 5000]
)
def test_what_cannot_be_read_is_refused_by_name(tmp_path, monkeypatch, spec):
    monkeypatch.chdir(tmp_path)
    with pytest.raises(InvalidRequest, match="cannot be read") as caught:
        read_reference(spec, no_network)
    assert caught.value.field == "style_references"
    assert spec[:20] in str(caught.value)
    assert len(str(caught.value)) < 500
    assert "http(s) URL" in caught.value.remedy


@pytest.mark.skipif(os.name == "nt", reason="Windows has no such devices")
def test_a_device_or_pipe_that_may_never_end_is_not_read(tmp_path):
    os.mkfifo(tmp_path / "pipe")
    for path in ("/dev/zero", tmp_path / "pipe", tmp_path):
        with pytest.raises(InvalidRequest, match="cannot be read: it is not a file"):
            read_reference(str(path), no_network)


def test_a_folder_is_no_image(tmp_path):
    with pytest.raises(InvalidRequest, match="cannot be read"):
        read_reference(tmp_path, no_network)


def test_eight_megabytes_are_too_many_and_a_file_of_them_is_not_even_read(tmp_path, monkeypatch):
    large = tmp_path / "large.png"
    with large.open("wb") as file:
        file.truncate(MAX_BYTES)
    monkeypatch.setattr(Path, "read_bytes", lambda path: pytest.fail("it was read"))
    for spec in (large, StyleReference(bytes(MAX_BYTES), origin="large.png"), "https://h/large.png"):
        with pytest.raises(InvalidRequest, match=r"8\.0 MB") as caught:
            read_reference(spec, lambda url: bytes(MAX_BYTES))
        assert "below 8 MB" in caught.value.remedy


@pytest.mark.parametrize(
    "data", [b"<svg xmlns='http://www.w3.org/2000/svg'/>", b"<?xml version='1.0'?><svg/>", b"", b"GIF", b"%PDF-1.7"]
)
def test_what_is_no_image_that_the_api_takes_is_refused(tmp_path, monkeypatch, data):
    monkeypatch.chdir(tmp_path)
    path = Path("drawing.svg")
    path.write_bytes(data)
    with pytest.raises(InvalidRequest, match="is not an image that can be sent") as caught:
        read_reference(path, no_network)
    assert path.name in str(caught.value)
    assert "PNG, JPEG or WebP" in caught.value.remedy
