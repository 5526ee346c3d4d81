"""A picture's file fills the controls: ours whole, a stranger's as far as it goes."""

from datetime import UTC, datetime

import pytest
from PIL import Image
from PIL.PngImagePlugin import PngInfo

HISTORY = "History"
INFOTEXT = (
    "a castle on a hill\nNegative prompt: fog\n"
    "Steps: 20, Sampler: Euler a, CFG scale: 7, Seed: 2406119823, Size: 512x512, Model: dreamshaper_8"
)


def take_up(person, path):
    person.set("Show", HISTORY)
    person.settle()
    person.set("Recipe from a file", str(path))
    person.click("Take up")
    person.settle()


@pytest.fixture
def saved(session, tmp_path):
    made = session.generate("A fox", model="z-image-turbo", seed=41, width=768, height=512)
    return made.images[0].save(tmp_path / "fox.webp")


def test_a_file_of_ours_fills_every_control_with_the_request_that_made_it(saved, open_panel):
    person = open_panel(prompt="something else", model="qwen-image-2")
    take_up(person, saved)
    line, prompt = person.panel.to_cell().split("\n")
    assert prompt == "A fox"
    for option in ("--model z-image-turbo", "--width 768", "--height 512", "--seed 41"):
        assert option in line
    assert "was taken up" in person.text()


def test_an_uploaded_file_does_the_same(saved, open_panel):
    person = open_panel(prompt="something else")
    person.set("Show", HISTORY)
    person.settle()
    upload = person.find("Upload a picture")
    content = saved.read_bytes()
    upload.value = (
        {
            "name": "fox.webp",
            "type": "image/webp",
            "size": len(content),
            "content": content,
            "last_modified": datetime.now(UTC),
        },
    )
    person.settle()
    assert "--seed 41" in person.panel.to_cell()
    assert person.panel.to_cell().endswith("\nA fox")


def test_a_strangers_file_gives_what_the_controls_can_take_and_says_what_not(tmp_path, open_panel):
    facts = PngInfo()
    facts.add_text("parameters", INFOTEXT)
    Image.new("RGB", (8, 8)).save(tmp_path / "castle.png", pnginfo=facts)
    person = open_panel(prompt="something else", model="venice-sd35")
    take_up(person, tmp_path / "castle.png")
    line, prompt = person.panel.to_cell().split("\n")
    assert prompt == "a castle on a hill"
    assert "--model venice-sd35" in line
    assert "--seed" not in line
    said = person.text()
    for words in ("not exact", "model", "seed"):
        assert words in said


def test_a_file_that_tells_nothing_is_an_error_in_the_panel(tmp_path, open_panel):
    Image.new("RGB", (8, 8)).save(tmp_path / "mute.png")
    person = open_panel(prompt="as it was")
    take_up(person, tmp_path / "mute.png")
    assert "does not tell what made it" in person.text()
    assert person.panel.to_cell().endswith("\nas it was")
