"""The options and the help of ``%%venice`` say what the declarations say."""

import re
from decimal import Decimal

import pytest
from IPython.core.error import UsageError

from venice_widgets.notebook.cell_options import CELL_OPTIONS, all_options, cell_help, cell_parser, parse_cell_line
from venice_widgets.request.fields import Fields, field_facts
from venice_widgets.suggest import ELSEWHERE

VALUES = {int: "3", float: "1.5", str: "x"}


def help_of(facts):
    """What the help says of one option, as one line."""
    blocks = re.split(r"\n(?=  -|\S)", cell_help())
    block = next(block for block in blocks if re.match(rf"  --{facts.option}[, \n]", f"{block}\n"))
    return " ".join(block.split())


def test_every_field_of_the_request_has_its_option():
    assert set(field_facts()) == set(Fields.__annotations__)
    assert set(all_options()) == set(field_facts()) | set(CELL_OPTIONS)


@pytest.mark.parametrize("name", [name for name in all_options() if all_options()[name].kind is not bool])
def test_an_option_takes_its_value_in_every_way_of_writing(name):
    facts = all_options()[name]
    text = facts.choices[0] if facts.choices else VALUES[facts.kind]
    wanted = [text] if name == "style_references" else {"images": 3, "max_cost": Decimal("1.5")}.get(name, text)
    for line in (f"--{facts.option} {text}", f"--{facts.option}={text}", f"--{facts.option} '{text}'"):
        fields, options = parse_cell_line(line)
        assert (fields if name in field_facts() else options) == {name: wanted}
    if facts.about.short:
        fields, options = parse_cell_line(f"-{facts.about.short} {text}")
        assert {**fields, **options} == {name: wanted}


@pytest.mark.parametrize("name", [name for name, facts in field_facts().items() if facts.kind is bool])
def test_a_boolean_of_the_request_can_be_switched_on_and_off(name):
    option = field_facts()[name].option
    assert parse_cell_line(f"--{option}") == ({name: True}, {})
    assert parse_cell_line(f"--no-{option}") == ({name: False}, {})
    assert parse_cell_line("") == ({}, {})
    with pytest.raises(UsageError, match=f"--{option} and --no-{option} contradict each other"):
        parse_cell_line(f"--{option} --no-{option}")


def test_an_option_that_is_given_twice_is_named_in_full():
    with pytest.raises(UsageError, match="--seed is given twice"):
        parse_cell_line("--seed 5 -s 6")


@pytest.mark.parametrize(
    ("line", "meant"),
    [
        ("--n 4", "--images"),
        ("-num 4", "--images"),
        ("--num-images 4", "--images"),
        ("--num_images=4", "--images"),
        ("--batch-size 4", "--images"),
        ("--size 1024x768", "--width and --height, --aspect-ratio, or --resolution, as the model is sized"),
        ("--ar 3:2", "--aspect-ratio"),
        ("--guidance-scale 7.5", "--cfg-scale"),
        ("--Guidance_Scale 7.5", "--cfg-scale"),
        ("--num-inference-steps 20", "--steps"),
        ("--negative text", "--negative-prompt"),
        ("--no text", "--negative-prompt"),
        ("--image fox.png", "--style-reference or --images"),
        ("--output fox.png", "--save"),
        ("--nsfw", "--safe-mode"),
    ],
)
def test_an_option_of_other_image_tools_is_answered_with_ours(line, meant):
    with pytest.raises(UsageError, match=re.escape(f"Did you mean {meant}? %%venice --help lists them.")):
        parse_cell_line(line)


def test_every_option_that_is_meant_exists():
    for name in ELSEWHERE.keys() - all_options().keys():
        with pytest.raises(UsageError, match="Did you mean --") as caught:
            parse_cell_line(f"--{name.replace('_', '-')} 1")
        meant = re.findall(r"--[\w-]+", str(caught.value).partition("Did you mean")[2])
        assert set(meant) - {"--help"} <= set(cell_parser().flags)


def test_references_repeat():
    fields, _ = parse_cell_line('--style-reference a.png@0.4 --style-reference="b c.png"')
    assert fields == {"style_references": ["a.png@0.4", "b c.png"]}


@pytest.mark.parametrize("seeds", ["-7", "-7,9", "-5..-3"])
def test_negative_seeds_need_no_equals_sign(seeds):
    assert parse_cell_line(f"--seed {seeds}") == parse_cell_line(f"--seed={seeds}") == ({"seed": seeds}, {})


@pytest.mark.parametrize(
    ("line", "words"),
    [
        ("A fox in the snow", "'A fox in the snow' is not an option. The prompt goes below this line"),
        ("-m x A fox", "'A fox' is not an option. The prompt goes below this line"),
        ('--prompt "A fox"', "The prompt goes below this line"),
        (
            "--style-preset Analog Film",
            "'Film' is not an option. The prompt goes below this line; quote values with spaces",
        ),
        ("--seed --yes", "--seed needs a value. One that begins with a dash needs an equals sign: --seed=-…"),
        ("--images two", "--images/-n: 'two' is not a whole number."),
        ("--max-cost much", "--max-cost: 'much' is not an amount of dollars."),
        ("--max-cost=-1", "--max-cost: '-1' is not an amount of dollars."),
        ("--neg rain", "Did you mean --negative-prompt?"),
        ("--ratio 1:1", "there is no option --ratio."),
    ],
)
def test_a_line_that_cannot_be_understood_is_a_usage_error_that_helps(line, words):
    with pytest.raises(UsageError) as caught:
        parse_cell_line(line)
    assert type(caught.value) is UsageError
    assert str(caught.value).startswith("%%venice: ")
    assert words in str(caught.value)


def test_no_option_can_be_abbreviated():
    flags = cell_parser().flags
    for flag in flags:
        for length in range(4, len(flag)):
            short = flag[:length]
            if short not in flags:
                with pytest.raises(UsageError, match=f"there is no option {re.escape(short)}"):
                    parse_cell_line(short)


@pytest.mark.parametrize("name", all_options())
def test_the_help_tells_of_every_option_what_it_takes_its_default_its_models_and_an_example(name):
    facts, text = all_options()[name], help_of(all_options()[name])
    assert facts.about.help in text
    assert facts.range_text in text
    assert f"Default: {facts.about.default}." in text
    assert f"Example: --{'no-' if facts.about.default == 'on' else ''}{facts.option}" in text
    assert facts.about.example in text
    if name in field_facts():
        assert f"For {facts.about.taken_by}." in text
    if facts.about.short:
        assert f"-{facts.about.short}" in text
    if facts.kind is bool and name in field_facts():
        assert f"--no-{facts.option}" in text


@pytest.mark.parametrize("name", all_options())
def test_every_example_in_the_help_is_understood(name):
    examples = re.findall(rf"Example: (--(?:no-)?{all_options()[name].option}.*)", cell_help())
    assert len(examples) == 1
    line = examples[0].split(", 7,9,12")[0]
    fields, options = parse_cell_line(line)
    assert (fields | options).keys() == {name}


def test_the_help_fits_the_width_of_a_notebook():
    assert max(map(len, cell_help().splitlines())) <= 108
