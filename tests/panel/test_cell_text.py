"""What the panel copies is what it sends: the cell, run in IPython, makes the same body byte for byte."""

import os
import random
from collections.abc import Callable
from typing import Any

import pytest

from venice_widgets.errors import VeniceError
from venice_widgets.panel import Panel
from venice_widgets.panel.cell_text import Call, call_of
from venice_widgets.panel.sending import build
from venice_widgets.panel.state import started
from venice_widgets.request.request import canonical
from venice_widgets.session import Session

PANELS = int(os.environ.get("VENICE_PANEL_CELLS", "2000"))
# fmt: off
PROMPTS = (
    "A fox", "A fox in {curly braces}, $5 in its paw", "two\nlines", "ends in a line break\n", "three\n\n\n",
    "\nbegins so", "--seed 4", "{{ name }}", "{{", "%venice log", "!ls", "?", "what?", "tab\there", "a\\b\\n",
    "🦊 über “quotes” 'and' \"more\"", " spaces around ", ">>> prompt", "In [1]: x", "-", "a\u2028b", "a\rb", "#",
    "nul\0", "$HOME {x} %s %d", "\u200f עברית 👩‍🎨", "x\n", "'''", '"""', "%%venice\nfox", "back`ticks`", ";", "a;",
    "f(x)?", "x" * 900,
)
TEXTS = (
    "rain", "--", "-x", "a\nb", "it's", '"q"', "ends?", "{{ x }}", "$x {y}", "🦊", "👩‍🎨", " pad ", "", "%d", "a\\",
    "\\", "#", ";", "!",
)
# fmt: on
VALUES: dict[str, tuple[Any, ...]] = {
    "negative_prompt": TEXTS,
    "safe_mode": (True, False),
    "hide_watermark": (True, False),
    "lora_strength": (0, "50"),
    "cfg_scale": ("7.5", 3, "1e-3"),
    "steps": (1, "8"),
    "format": ("png", "webp"),
    "variants": (1, "2"),
    "width": (512, "1024"),
    "style_preset": ("Analog Film", "Anime"),
    "enhance_prompt": (True, False),
    "embed_exif_metadata": (False,),
}
SEEDS = ("", "0", "41", "-7", "7,9,12", "1..3", "-5..-3", " 5 ")


def choices(random: random.Random) -> dict[str, Any]:
    chosen = {name: random.choice(values) for name, values in VALUES.items() if random.random() < 0.25}
    return {
        "model": random.choice(["z-image-turbo", "venice-sd35"]),
        "prompt": random.choice(PROMPTS),
        "images": random.choice(["1", "2", "3"]),
        "seed": random.choice(SEEDS),
        "values": chosen,
    }


@pytest.fixture
def sold(session: Session, monkeypatch: pytest.MonkeyPatch) -> list[Any]:
    """What would have been sent."""
    found: list[Any] = []

    def send(_: Session, prepared: Any, **__: Any) -> Any:
        found.append(prepared)
        raise VeniceError("not sent: this is a test.")

    monkeypatch.setattr(Session, "send", send)
    session.catalogue()
    return found


def bodies(prepared: Any) -> list[bytes]:
    """Every request on the wire; drawn seeds as if they were drawn the same."""
    seeds = range(len(prepared.plan.seeds)) if prepared.plan.drawn else prepared.plan.seeds
    return [canonical(prepared.request.body(seed)) for seed in seeds]


@pytest.mark.parametrize("text_of", [Call.cell, Call.python], ids=["cell", "python"])
def test_the_copy_of_random_panels_sends_the_same_bytes(text_of: Callable[[Any], str], shell, session, sold, capsys):
    compared = 0
    for number in range(PANELS):
        form = started(**choices(random.Random(number))).form
        try:
            wanted = bodies(build(session, form))
        except VeniceError:
            continue
        sold.clear()
        shell.run_cell(text_of(call_of(form)))
        assert len(sold) == 1, (number, form, text_of(call_of(form)), capsys.readouterr())
        assert bodies(sold[0]) == wanted, (number, form, text_of(call_of(form)))
        compared += 1
        if number % 50 == 0:
            capsys.readouterr()
    assert compared > PANELS / 2


def test_a_cell_says_no_more_than_was_chosen():
    assert Call("a fox", {"model": "z-image-turbo"}).cell() == "%%venice --model z-image-turbo\na fox"
    chosen = {"model": "m", "safe_mode": False, "lora_strength": 0, "negative_prompt": "-x"}
    assert Call("a fox", chosen, seed=0).cell() == (
        "%%venice --model m --negative-prompt=-x --lora-strength 0 --no-safe-mode --seed 0\na fox"
    )


def test_a_value_of_dashes_fits_a_cell():
    assert Call("a fox", {"negative_prompt": "--"}).cell() == "%%venice --negative-prompt=--\na fox"


def test_a_prompt_that_reads_as_options_of_a_cell_is_raw():
    assert Call("a fox\n --seed 4", {}).cell() == "%%venice --raw\na fox\n --seed 4"


def test_what_a_cell_could_not_carry_is_a_python_call():
    text = Call("a fox", {"negative_prompt": "a\nb"}).cell()
    assert text == "import venice_widgets\n\nvenice_widgets.generate(\n    'a fox',\n    negative_prompt='a\\nb',\n)"


def test_before_the_catalogue_is_known_nothing_is_dropped(monkeypatch):
    session = Session(api_key="VENICE_INFERENCE_KEY_0123456789abcdef", base_url="http://127.0.0.1:9/api/v1")
    panel = Panel(session, model="z-image-turbo", prompt="a fox", safe_mode=False, lora_strength=0, seed=0, width=512)
    assert panel.to_cell() == (
        "%%venice --model z-image-turbo --width 512 --lora-strength 0 --no-safe-mode --seed 0\na fox"
    )
    panel.close()
