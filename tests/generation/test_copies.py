"""Copies that were asked for: what would keep them from being written is found before anything is paid."""

import os

import pytest

import venice_widgets
from venice_widgets.errors import InvalidRequest, StoreError
from venice_widgets.generation import image as image_module
from venice_widgets.generation.copies import Copies, copies_of


def posts(simulator):
    return sum(request.method == "POST" for request in simulator.requests)


def refused(session, simulator, save, **fields):
    with pytest.raises(InvalidRequest) as caught:
        session.generate("a fox", save=save, **fields)
    assert posts(simulator) == 0
    assert caught.value.field == "save"
    assert "Nothing was sent" in caught.value.remedy or "nothing was written" in caught.value.remedy
    return str(caught.value)


@pytest.mark.parametrize(
    "save",
    [
        "half a pair \ud83e.webp", "null\0.webp", "x" * 300 + ".webp", "~no-such-user-here/fox.webp", "", 7, b"fox",
        "{seed:>3000000000}", "{seed[0]}.webp", "{seed.real}.webp", "{seed!r}.webp", "{sed}.webp", "{", "{}",
    ],
)  # fmt: skip
def test_a_name_that_no_file_can_have_is_refused_before_sending(session, simulator, save):
    refused(session, simulator, save)


def test_a_name_that_the_locale_cannot_write_is_refused_before_sending(session, simulator, monkeypatch):
    encode = os.fsencode
    monkeypatch.setattr(os, "fsencode", lambda path: str(path).encode("ascii") and encode(path))
    assert "a character that file names here cannot hold" in refused(session, simulator, "füchse-{seed}.webp")


def test_a_file_or_folder_that_is_in_the_way_is_named(session, simulator, tmp_path):
    (tmp_path / "fox.webp").write_bytes(b"precious")
    (tmp_path / "link.webp").symlink_to(tmp_path / "nowhere")
    assert "fox.webp exists" in refused(session, simulator, tmp_path / "fox.webp")
    assert "link.webp exists" in refused(session, simulator, tmp_path / "link.webp")
    assert "fox.webp is not a folder" in refused(session, simulator, tmp_path / "fox.webp" / "a.webp")
    assert "fox.webp is not a folder" in refused(session, simulator, tmp_path / "fox.webp" / "a" / "b.webp")


@pytest.mark.skipif(os.geteuid() == 0, reason="root may write everywhere")
def test_a_folder_that_cannot_be_written_is_named(session, simulator, tmp_path):
    tmp_path.chmod(0o500)
    assert "cannot be written" in refused(session, simulator, tmp_path / "fox.webp")


@pytest.mark.parametrize(
    ("save", "fields"),
    [("fox.webp", {"images": 2}), ("fox.{ext}", {"variants": 2}), ("{run_id}.webp", {"variants": 2})],
)
def test_one_name_for_several_images_is_refused(session, simulator, save, fields):
    assert "one file for 2 images" in refused(session, simulator, save, **fields)


def test_python_saves_as_a_cell_does(session, tmp_path):
    session.generate("a fox", images=2, seed=41, save=str(tmp_path / "fox-{seed}.{ext}"))
    assert sorted(path.name for path in tmp_path.glob("fox*")) == ["fox-41.webp", "fox-42.webp"]
    venice_widgets.generate("a fox", seed=5, save=tmp_path / "five.webp", metadata="none")
    assert (tmp_path / "five.webp").exists()
    with pytest.raises(InvalidRequest, match="metadata"):
        venice_widgets.generate("a fox", seed=6, save=tmp_path / "six.webp", metadata="some")


@pytest.mark.parametrize("error", [OSError(28, "No space left on device"), ValueError("embedded null byte")])
def test_a_copy_that_fails_after_all_loses_no_image_and_is_told(session, monkeypatch, tmp_path, error):
    def fails(*_, **__):
        raise error if isinstance(error, ValueError) else StoreError("no room.", "It is safe in the store.")

    monkeypatch.setattr(image_module, "save_copy", fails)
    generation = session.generate("a fox", seed=41)
    written = Copies(str(tmp_path / "fox.webp")).write(generation)
    assert written.files == ()
    assert isinstance(written.problem, InvalidRequest | StoreError)
    assert generation[0].data


def test_no_copies_are_asked_for_by_nothing():
    assert copies_of(None) is None


@pytest.mark.parametrize("metadata", ["none", "no-prompt", "nothing"])
def test_what_copies_carry_is_refused_where_none_is_saved_or_the_word_is_unknown(session, simulator, metadata):
    for ask in (session.generate, venice_widgets.generate):
        with pytest.raises(InvalidRequest, match="metadata"):
            ask("a fox", metadata=metadata)
    assert posts(simulator) == 0
