"""What a notebook's kernel holds of the images that its cells showed: references to the store, and no copies."""

import gc

import IPython
import pytest

from venice_widgets.media import stored_preview
from venice_widgets.media.format import ImageFacts
from venice_widgets.media.preview import Preview
from venice_widgets.notebook.output_history import Lighten, ShownAgain

CELLS, IMAGES = 8, 4


@pytest.fixture
def outputs(shell, high_rate_limit, session, capsys):
    """IPython's own history, after some cells that each made four images and showed them; empty before IPython 9."""
    shell.run_line_magic("load_ext", "venice_widgets")
    for number in range(CELLS):
        shell.run_cell(f"%%venice -n {IMAGES} --seed {10 * number + 1} --yes\na fox", store_history=True)
    capsys.readouterr()
    assert len(shell.user_ns["Out"]) == CELLS
    return getattr(shell.history_manager, "outputs", {})


needs_outputs = pytest.mark.skipif(IPython.version_info < (9,), reason="this IPython holds no outputs")


def held_bytes(*things):
    """Of all texts and bytes that can be reached without going through modules, classes and functions."""
    seen, waiting, found = set(), list(things), 0
    while waiting:
        one = waiting.pop()
        if id(one) in seen or isinstance(one, type | type(gc)):
            continue
        seen.add(id(one))
        if isinstance(one, str | bytes | bytearray):
            found += len(one)
        waiting += [other for other in gc.get_referents(one) if not callable(other)]
    return found


def test_neither_out_nor_the_history_holds_the_images_that_were_shown(shell, outputs):
    shown = sum(len(text) for made in shell.user_ns["Out"].values() for text in made._repr_mimebundle_()[0].values())
    held = held_bytes(dict(shell.user_ns["Out"]), dict(outputs), [shell.user_ns[name] for name in ("_", "__", "___")])
    assert shown > CELLS * IMAGES * 20_000
    assert held < CELLS * IMAGES * 6_000


@needs_outputs
def test_what_the_history_refers_to_is_all_of_the_output(shell, outputs):
    for number, made in shell.user_ns["Out"].items():
        (output,) = [each for each in outputs[number] if each.output_type == "execute_result"]
        assert isinstance(output.bundle, ShownAgain)
        assert dict(output.bundle.items()) == made._repr_mimebundle_()[0]


def test_an_output_is_the_same_when_its_previews_are_made_again(shell, outputs):
    made = shell.user_ns["_"]
    before = made._repr_mimebundle_()
    stored_preview._recent.clear()
    assert made._repr_mimebundle_() == before


def test_an_image_whose_file_is_gone_gets_a_tile_that_says_so(shell, outputs):
    made = shell.user_ns["_"]
    stored_preview._recent.clear()
    made.images[1].path.unlink()
    html = made._repr_mimebundle_()[0]["text/html"]
    assert html.count("<img") == IMAGES - 1
    assert "its file is gone or was damaged" in html


def test_previews_at_hand_are_bounded(shell, outputs, monkeypatch):
    monkeypatch.setattr(stored_preview, "RECENT_BYTES", 50_000)
    for made in shell.user_ns["Out"].values():
        for image in made.images:
            assert image.preview.data
            assert sum(len(each.data) for each in stored_preview._recent.values()) <= 50_000


def test_the_hook_is_there_once_and_goes_with_the_extension(shell):
    def hooks():
        return shell.events.callbacks["post_run_cell"].count(Lighten(shell))

    shell.run_line_magic("load_ext", "venice_widgets")
    shell.run_line_magic("reload_ext", "venice_widgets")
    assert hooks() == 1
    shell.run_line_magic("unload_ext", "venice_widgets")
    assert hooks() == 0


@needs_outputs
def test_outputs_of_others_stay_as_they_are(shell, outputs):
    shell.run_cell("from IPython.display import HTML\nHTML('<b>1</b>')", store_history=True)
    (output,) = outputs[max(outputs)]
    assert type(output.bundle) is dict


def test_a_preview_that_another_thread_adds_meanwhile_fails_nothing(monkeypatch, tmp_path):
    class Changing(dict):
        def items(self):
            raise RuntimeError("dictionary changed size during iteration")

    monkeypatch.setattr(stored_preview, "_recent", Changing())
    made = Preview(b"data", "image/jpeg", 4, 3)
    facts = ImageFacts("image/jpeg", "jpg", width=4, height=3, mode="RGB", has_alpha=False, frames=1)
    assert stored_preview.stored_preview(tmp_path / "fox", made, facts, 512).load() is made
