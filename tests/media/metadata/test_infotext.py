"""Infotext: what AUTOMATIC1111 would make of ours, and what we make of its own."""

import json
import re

import pytest
from hypothesis import given
from hypothesis import strategies as st

from venice_widgets.media.metadata import infotext

# The grammar that AUTOMATIC1111 reads the last line by.
PAIR = re.compile(r'\s*(\w[\w \-/]+):\s*("(?:\\.|[^\\"])+"|[^,]*)(?:,|$)')

words = st.text(st.characters(exclude_categories=("Cc", "Cs", "Z")), min_size=1, max_size=30)
keys = st.text("abcXYZ 12-/", min_size=2, max_size=20).filter(lambda key: key.strip() == key and key[0] not in "-/")
values = st.text(st.characters(exclude_characters="\0", exclude_categories=("Cs",)), min_size=1, max_size=40)
rows = st.dictionaries(keys, values, min_size=3, max_size=8)
prompts = st.lists(words, max_size=4).map("\n".join).filter(lambda text: infotext.NEGATIVE not in text)


@given(prompt=prompts, negative=prompts, settings=rows)
def test_what_is_written_is_read_back(prompt, negative, settings):
    parsed = infotext.parse(infotext.write(prompt, negative, settings))
    assert (parsed.prompt, parsed.negative_prompt, dict(parsed.settings)) == (prompt, negative, settings)


@given(prompt=prompts, settings=rows)
def test_automatic1111_finds_the_same_pairs(prompt, settings):
    last = infotext.write(prompt, "", settings).split("\n")[-1]
    found = {key: json.loads(value) if value.startswith('"') else value for key, value in PAIR.findall(last)}
    assert found == settings


@given(text=st.text(max_size=400))
def test_any_text_is_parsed_without_an_error(text):
    infotext.parse(text)


@given(line=st.text('ab:," \\', max_size=60))
def test_the_one_pass_reader_agrees_with_the_grammar(line):
    ours = infotext._settings(line)
    theirs = {key.strip(): infotext._unquoted(value) for key, value in PAIR.findall(line) if key.strip() in ours}
    assert all(theirs[key] == value for key, value in ours.items() if key in theirs)


@pytest.mark.parametrize(
    ("text", "prompt", "negative"),
    [
        ("Steps: 1, Seed: 2, Size: 3x4", "", ""),
        ("a: b: (c:1.2)\nd\nNegative prompt: e\nf\nSteps: 1, Seed: 2, Size: 3x4", "a: b: (c:1.2)\nd", "e\nf"),
        ("fox\r\nNegative prompt: hen\r\nSteps: 1, Seed: 2, Size: 3x4\r\n", "fox", "hen"),
        ("fox\nSteps: 1, Seed: 2, Size: 3x4\nTemplate: fox", "fox", ""),
    ],
    ids=["no prompt", "colons and lines", "windows", "a line below"],
)
def test_prompts_are_found(text, prompt, negative):
    parsed = infotext.parse(text)
    assert (parsed.prompt, parsed.negative_prompt) == (prompt, negative)
    assert parsed.settings["Size"] == "3x4"


@pytest.mark.parametrize("text", ["", "a red fox", "a fox: sleeping, in the snow: deep", "{}"])
def test_a_plain_description_is_not_infotext(text):
    assert infotext.parse(text) is None


def test_what_no_reader_survives_is_left_out():
    assert infotext.write("a\0b\ud800c", "", {"Seed": "1"}) == "abc\nSeed: 1"
