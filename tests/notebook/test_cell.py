"""What a ``%%venice`` cell does, in a real IPython."""

import json
import re
from dataclasses import replace
from datetime import timedelta
from decimal import Decimal
from itertools import product

import pytest
from IPython.core.error import UsageError

from venice_widgets import current
from venice_widgets.errors import (
    ContentRefused,
    CredentialsRefused,
    GenerationIncomplete,
    Interrupted,
    InvalidRequest,
    ModelUnavailable,
    SpendingRefused,
    StoreError,
)
from venice_widgets.generation.result import Generation
from venice_widgets.log import Recovered
from venice_widgets.replays.read_recipe import read_recipe
from venice_widgets.session import Session
from venice_widgets.simulator import Fault, Simulator

pytestmark = pytest.mark.usefixtures("session")

KEY = "VENICE_INFERENCE_KEY_0123456789abcdef"


def sent(simulator):
    return [request.json for request in simulator.requests if request.method == "POST"]


def run(shell, cell):
    """The cell's result; raises what the cell raised."""
    result = shell.run_cell(cell, store_history=True)
    result.raise_error()
    return result.result


def words_of(text):
    """A text without its colors, and wherever its lines break."""
    return " ".join(re.sub(r"\x1b\[\d*m", "", text).split())


@pytest.fixture
def refused(shell, capsys):
    """The error of a cell, and what the user sees of it: its words, or ``as_shown`` its colors and lines too."""

    def run_refused(cell, kind, *, as_shown=False):
        result = shell.run_cell(cell, store_history=True)
        assert type(result.error_in_exec) is kind
        output = capsys.readouterr()
        text = output.out + output.err
        return text if as_shown else words_of(text)

    return run_refused


def test_the_result_of_a_cell_is_its_generation(shell):
    made = run(shell, "%%venice --model z-image-turbo --seed 41 -n 2 --out foxes\nA fox")
    assert isinstance(made, Generation)
    assert [image.seed for image in made.images] == [41, 42]
    assert shell.user_ns["foxes"] is made
    assert shell.user_ns["_"] is made
    assert shell.user_ns["Out"][1] is made


def test_options_go_on_the_wire_and_what_was_not_chosen_does_not(shell, simulator):
    run(
        shell,
        '%%venice -m venice-sd35 -s 7 --no-safe-mode --steps 20 --negative-prompt "rain; text" --format png\nA fox',
    )
    assert sent(simulator) == [
        {
            "model": "venice-sd35",
            "prompt": "A fox",
            "seed": 7,
            "safe_mode": False,
            "steps": 20,
            "negative_prompt": "rain; text",
            "format": "png",
        }
    ]


@pytest.mark.parametrize("value", ["--", "-", "-5..-3"])
def test_a_negative_prompt_of_dashes_is_sent_as_it_was_typed(shell, simulator, value):
    run(shell, f"%%venice -m venice-sd35 --seed 1 --negative-prompt={value}\nA fox")
    assert sent(simulator)[0]["negative_prompt"] == value


def test_a_model_of_other_tools_is_answered_with_the_nearest(refused, simulator):
    assert "Did you mean gpt-image-2" in refused("%%venice -m gpt2\nA fox", ModelUnavailable)
    assert not sent(simulator)


def test_a_prompt_that_ends_in_a_semicolon_is_shown_all_the_same(shell, capsys):
    run(shell, "%%venice --seed 1\nA fox;")
    assert "z-image-turbo · seed 1 · 1024×1024 · $0.01 · run" in capsys.readouterr().out


def test_the_blank_line_that_ends_a_cell_at_a_terminal_is_no_part_of_the_prompt(shell, simulator, monkeypatch):
    monkeypatch.setattr("venice_widgets.notebook.cell.at_terminal", lambda: True)
    run(shell, "%%venice --seed 5\nA fox\n\nat night\n\n")
    assert sent(simulator)[0]["prompt"] == "A fox\n\nat night"


def test_variables_are_filled_in_unless_raw(shell, simulator):
    shell.user_ns["animal"] = "heron"
    run(shell, "%%venice\nA {{ animal }}, {ink}")
    run(shell, "%%venice --raw\nA {{ animal }}, {ink}")
    assert [body["prompt"] for body in sent(simulator)] == ["A heron, {ink}", "A {{ animal }}, {ink}"]


def test_half_a_character_is_refused_since_no_wire_could_carry_it(shell, simulator, capsys):
    result = shell.run_cell("%%venice\nA \ud800 fox")
    assert type(result.error_in_exec) is InvalidRequest
    assert "lone surrogate" in capsys.readouterr().out
    assert not sent(simulator)


def test_both_the_template_and_the_text_sent_are_on_record(shell, session):
    shell.user_ns["animal"] = "heron"
    made = run(shell, "%%venice --seed 1\nA {{ animal }}")
    draft = session.log.get(made.runs[0].run_id).draft
    assert draft.prompt == "A heron"
    assert draft.context["template"] == "A {{ animal }}"
    assert draft.context["variables"] == {"animal": "heron"}
    assert draft.context["cell"] == "%%venice --seed 1\nA {{ animal }}"


@pytest.mark.parametrize(
    ("line", "words"),
    [
        ("--nonsense", "there is no option --nonsense"),
        ("--out class", "--out 'class' is not a name for a variable"),
        ("--out 'a b'", "--out 'a b' is not a name for a variable"),
        ("--max-cost lots", "'lots' is not an amount of dollars"),
        ("--images many", "'many' is not a whole number"),
        ("A fox", "The prompt goes below this line"),
    ],
)
def test_a_wrong_argument_is_a_usage_error_without_a_traceback(refused, simulator, line, words):
    text = refused(f"%%venice {line}\nA fox", UsageError, as_shown=True)
    assert text.startswith("UsageError: %%venice: ")
    assert words in text
    assert len(text.splitlines()) == 1
    assert not simulator.requests


def test_an_error_of_ours_is_a_few_lines_that_say_what_to_do(refused, simulator):
    text = refused("%%venice --model gpt-image-2 --aspect-ratio 16:10\nA fox", InvalidRequest, as_shown=True)
    red, rest = text.splitlines()
    assert red == (
        "\x1b[31m\x1b[1mInvalidRequest\x1b[0m\x1b[31m: --aspect-ratio 16:10 is not one that gpt-image-2 takes.\x1b[0m"
    )
    assert rest == "It takes 1:1, 3:2, 16:9, 21:9, 9:16, 2:3, 3:4, 4:5. The nearest is 3:2. Nothing was sent."
    assert not sent(simulator)


@pytest.mark.parametrize(
    "option", ["--save {}.webp", "--out {}", "-s 1,2 --save {}-{{seed}}.webp", "--style-preset {}"]
)
def test_a_key_in_an_option_is_neither_shown_nor_used(refused, simulator, option):
    text = refused(f"%%venice {option.format(KEY)}\nA fox", InvalidRequest)
    assert "holds your key" in text
    assert KEY not in text
    assert sent(simulator) == []


def test_a_key_in_the_place_of_a_model_is_not_shown(shell, capsys):
    for command in ("price", "model"):
        shell.run_cell(f"%venice {command} {KEY}")
        assert "is not in the catalogue" in (text := words_of(capsys.readouterr().out))
        assert KEY not in text


@pytest.mark.parametrize("line", ["--model gpt-image-2 -n 3", "  --seed=4", "--no-safe-mode", "%venice models"])
def test_an_option_or_command_among_the_lines_of_the_prompt_is_not_paid_for(refused, simulator, line):
    text = refused(f"%%venice\nA fox\n{line}\n", InvalidRequest)
    assert f"Line 2 of the prompt is {line.strip()!r}, which looks like" in text
    assert "first line of the cell" in text
    assert sent(simulator) == []


@pytest.mark.parametrize("line", ["--ar 16:9", "-- and a dash", "a --seed 4", "--seedling"])
def test_other_lines_that_begin_with_dashes_are_part_of_the_prompt(shell, simulator, line):
    run(shell, f"%%venice --seed 1\nA fox\n{line}")
    run(shell, f"%%venice --seed 1 --raw\nA fox\n--seed 4 {line}")
    assert [body["prompt"] for body in sent(simulator)] == [f"A fox\n{line}", f"A fox\n--seed 4 {line}"]


def test_the_traceback_is_a_mode_away(shell, refused, capsys):
    refused("%%venice --model nope\nA fox", ModelUnavailable)
    shell.run_line_magic("xmode", "Verbose")
    capsys.readouterr()
    shell.run_line_magic("tb", "")
    assert "Traceback (most recent call last):" in capsys.readouterr().out
    shell.run_line_magic("xmode", "Context")


def test_too_dear_is_refused_and_nothing_is_sent(refused, simulator):
    text = refused("%%venice --model gpt-image-2 -n 4 --max-cost 0.50\nA fox", SpendingRefused)
    assert "4 × $0.26 = $1.04" in text
    assert "--max-cost $0.50" in text
    assert not sent(simulator)


@pytest.fixture
def person(monkeypatch):
    """Someone at the keyboard who gives this answer; the questions put to them."""
    questions = []

    def sits_there(answer):
        monkeypatch.setattr("sys.stdin", type("Keyboard", (), {"isatty": lambda self: True})())
        monkeypatch.setattr("builtins.input", lambda question: questions.append(question) or answer)
        return questions

    return sits_there


@pytest.mark.parametrize(("answer", "images"), [("y", 4), ("YES ", 4), ("n", 0), ("", 0), ("yep", 0)])
def test_above_a_dollar_the_person_is_asked_and_obeyed(shell, simulator, person, answer, images):
    questions = person(answer)
    result = shell.run_cell("%%venice --model gpt-image-2 -n 4\nA fox")
    assert questions == ["4 × $0.26 = $1.04 (at most $1.08). Spend $1.08? [y/N] "]
    assert len(sent(simulator)) == images
    assert (result.error_in_exec is None) == bool(images)


@pytest.mark.parametrize("option", ["--yes", "--max-cost 2"])
def test_who_has_said_yes_is_not_asked(shell, simulator, person, option):
    questions = person("n")
    run(shell, f"%%venice --model gpt-image-2 -n 4 {option}\nA fox")
    assert not questions
    assert len(sent(simulator)) == 4


@pytest.mark.parametrize("scope", ["session", "day", "project"])
@pytest.mark.parametrize("several", ["-n 4", "--quality medium,high -n 2"], ids=["images", "plan"])
def test_no_one_is_asked_about_what_a_budget_refuses(refused, simulator, session, person, scope, several):
    questions = person("y")
    session.settings.store.mkdir()
    (session.settings.store / "config.toml").write_text(f'{scope}_budget_usd = "0.40"\nconfirm_above_usd = "0.10"')
    text = refused(f"%%venice --model gpt-image-2 {several}\nA fox", SpendingRefused)
    assert f"of the {scope}'s budget of $0.40 only $0.40 is left" in text
    assert not questions
    assert not sent(simulator)


@pytest.mark.parametrize("several", ["-n 4", "--quality medium,high -n 2"], ids=["images", "plan"])
def test_no_one_is_asked_about_what_a_limit_refuses(refused, simulator, session, person, several, monkeypatch):
    questions = person("y")
    monkeypatch.setenv("VENICE_MAX_COST", "0.40")
    monkeypatch.setenv("VENICE_CONFIRM_ABOVE", "0.10")
    assert "limit of $0.40" in refused(f"%%venice --model gpt-image-2 {several}\nA fox", SpendingRefused)
    assert not questions
    assert not sent(simulator)


@pytest.mark.parametrize("several", ["-n 4", "--quality medium,high -n 4"], ids=["images", "plan"])
def test_no_one_is_asked_where_there_is_no_key(refused, simulator, person, several):
    questions = person("y")
    current.use_session(Session(transport=simulator.transport()))
    assert "no API key" in refused(f"%%venice --model gpt-image-2 {several}\nA fox", CredentialsRefused)
    assert not questions
    assert not sent(simulator)


def test_a_dry_run_says_that_a_budget_would_refuse_it(shell, session, simulator, capsys):
    session.settings.store.mkdir()
    (session.settings.store / "config.toml").write_text('session_budget_usd = "0.02"')
    run(shell, "%%venice --seed 1 -n 3 --dry-run\nA fox")
    told = words_of(capsys.readouterr().out)
    assert "It would be refused: this may cost $0.03, and of the session's budget of $0.02 only $0.02 is left." in told


@pytest.mark.parametrize(
    ("options", "price", "note"),
    [
        ("", "= $0.00", "1 of 1 would be shown from the log, at no cost; --again sends all."),
        ("-n 3", "2 × $0.01 = $0.02", "1 of 3 would be shown from the log, at no cost; --again sends all."),
        ("-n 3 --again", "3 × $0.01 = $0.03", "The log held this request already"),
    ],
)
def test_a_dry_run_says_what_the_log_holds(shell, simulator, capsys, options, price, note):
    run(shell, "%%venice --seed 1\nA fox")
    capsys.readouterr()
    run(shell, f"%%venice --seed 1 {options} --dry-run\nA fox")
    told = words_of(capsys.readouterr().out)
    assert price in told
    assert note in told
    assert "[]" not in told
    assert len(sent(simulator)) == 1


@pytest.mark.parametrize(
    ("model", "option"),
    [
        *product(["lustify-sdxl", "seedream-v3", "nano-banana"], ["-n 1", "-n 3"]),
        *product(["seedream-v3", "nano-banana"], ["--dry-run"]),  # an end that is years away is told with the image
    ],
)
def test_that_a_model_is_going_away_is_told_once_and_by_its_day(shell, capsys, model, option):
    run(shell, f"%%venice --model {model} --seed 1 {option}\nA fox")
    told = words_of(capsys.readouterr().out)
    assert len(re.findall(rf"{model} (?:is going away|ended on|was to be removed)", told)) == 1
    assert "deprecat" not in told
    assert not re.search(r"\d{4}-\d\d-\d\d", told)


def test_that_another_model_answers_is_told_before_anything_is_sent(shell, simulator, monkeypatch):
    shown = []
    monkeypatch.setattr(
        "venice_widgets.generation.progress.ProgressLine.show",
        lambda line, *_: shown.append((line._opening, len(sent(simulator)))),
    )
    run(shell, "%%venice --model nano-banana --seed 1\nA fox")
    words, requests = shown[0]
    assert "(at most $0.10)" in words
    assert "nano-banana ended on" in words
    assert "Its price may differ: nano-banana-2 costs $0.10 an image." in words
    assert requests == 0


def test_where_no_one_can_answer_it_is_refused(refused, simulator):
    text = refused("%%venice --model gpt-image-2 -n 4\nA fox", SpendingRefused)
    assert "no one can answer here" in text
    assert "--yes" in text
    assert not sent(simulator)


def test_a_dry_run_shows_the_request_and_its_price_and_sends_nothing(shell, simulator, capsys):
    run(shell, "%%venice --model gpt-image-2 --resolution 2k -q medium --seed 5 -n 2 --dry-run\nA fox")
    text = capsys.readouterr().out
    assert "2 × $0.13 = $0.26" in text
    assert "quality[2K][medium]" in text
    bodies = json.loads(text[text.index("[\n") : text.rindex("]") + 1])
    assert [body["seed"] for body in bodies] == [5, 6]
    assert bodies[0] == {"model": "gpt-image-2", "prompt": "A fox", "quality": "medium", "resolution": "2K", "seed": 5}
    assert not sent(simulator)


def test_a_dry_run_says_that_the_limit_would_refuse_it(shell, simulator, capsys):
    run(shell, "%%venice --dry-run --max-cost 0.001\nA fox")
    assert "It would be refused: 1 × $0.01 = $0.01 is more than --max-cost $0.001." in capsys.readouterr().out
    run(shell, "%%venice --dry-run --max-cost 0.01\nA fox")
    assert "refused" not in capsys.readouterr().out
    assert sent(simulator) == []


def test_what_metadata_to_save_means_nothing_where_nothing_is_saved(refused, simulator):
    assert "Give --save too" in refused("%%venice --metadata none\nA fox", UsageError)
    assert sent(simulator) == []


def test_a_long_dry_run_is_not_a_thousand_bodies(shell, capsys):
    run(shell, "%%venice --seed 1 -n 1000 --dry-run\nA fox")
    text = capsys.readouterr().out
    assert text.count('"prompt"') == 4
    assert "996 more differ from these only in their seed, up to 1000." in text
    assert "1000 × $0.01 = $10.00" in text


def test_a_dry_run_does_not_promise_the_seed_that_it_drew(shell, capsys):
    run(shell, "%%venice --dry-run\nA fox")
    assert "new seeds are drawn" in capsys.readouterr().out


def test_help_wins_over_everything_else(shell, simulator, capsys):
    for cell in ("%%venice --help", "%%venice -h --model nope\nA fox", "%%venice --help\n"):
        run(shell, cell)
        assert "--aspect-ratio, -a RATIO" in capsys.readouterr().out
    assert not simulator.requests


def test_images_are_saved_with_their_recipes(shell, tmp_path):
    made = run(shell, f'%%venice --seed 5 -n 2 --save "{tmp_path}/fox-{{seed}}.{{ext}}"\nA fox')
    found = [read_recipe(tmp_path / f"fox-{seed}.webp") for seed in (5, 6)]
    assert [each.recipe.request for each in found] == [image.request for image in made.images]
    assert all(each.origin == "file" for each in found)


def test_the_prompt_is_kept_out_of_saved_files_when_asked(shell, tmp_path):
    run(shell, f'%%venice --seed 5 --save "{tmp_path}/fox.webp" --metadata no-prompt\nA fox')
    assert b"A fox" not in (tmp_path / "fox.webp").read_bytes()


def test_an_image_of_another_format_is_saved_under_its_own_name_and_told(shell, tmp_path, capsys):
    run(shell, f'%%venice --seed 5 --save "{tmp_path}/fox.png"\nA fox')
    assert (tmp_path / "fox.webp").exists()
    assert not (tmp_path / "fox.png").exists()
    text = capsys.readouterr().out
    assert f"it is saved as {tmp_path}/fox.webp" in text
    assert "--format png" in text


def test_the_files_that_were_saved_are_named(shell, tmp_path, capsys):
    run(shell, f'%%venice --seed 5 -n 6 --save "{tmp_path}/{{seed}}.{{ext}}"\nA fox')
    text = capsys.readouterr().out
    assert f"saved as {tmp_path}/5.webp, {tmp_path}/6.webp," in text
    assert "and 2 more" in text


def test_a_word_that_metadata_does_not_take_costs_nothing(refused, simulator, tmp_path):
    assert "full, no-prompt, none, original" in refused(
        f'%%venice --seed 5 --save "{tmp_path}/fox.webp" --metadata some\nA fox', InvalidRequest
    )
    assert not sent(simulator)


def test_images_are_saved_as_received_when_asked(shell, tmp_path):
    made = run(shell, f'%%venice --seed 5 -n 2 --metadata original --save "{tmp_path}/fox-{{seed}}.{{ext}}"\nA fox')
    assert [(tmp_path / f"fox-{seed}.webp").read_bytes() for seed in (5, 6)] == [image.data for image in made.images]


@pytest.mark.parametrize(
    ("pattern", "words"),
    [
        ("fox.png", "names one file for 2 images"),
        ("fox-{sed}.png", "may name {seed}"),
        ("there-{seed}.png", "there-5.png exists"),
        ("came-{seed}.{ext}", "came-6.webp exists"),
        ("came-{seed}.png", "came-6.webp exists"),
        ("there-5.png/{seed}.{ext}", "there-5.png is not a folder"),
        (300 * "x" + "{seed}", "File name too long"),
    ],
)
def test_an_image_that_could_not_be_saved_as_asked_is_not_paid_for(refused, simulator, tmp_path, pattern, words):
    for name in ("there-5.png", "came-6.webp"):
        (tmp_path / name).write_text("mine")
    text = refused(f'%%venice --seed 5 -n 2 --save "{tmp_path}/{pattern}"\nA fox', InvalidRequest)
    assert words in text
    assert not sent(simulator)


@pytest.mark.parametrize("values", ["--seed 5", "--seed 5 --cfg-scale 3,5"])
def test_a_cell_that_saves_runs_again_at_no_cost_and_leaves_its_files_as_they_are(shell, simulator, tmp_path, values):
    cell = f'%%venice {values} --save "{tmp_path}/fox-{{run_id}}.{{ext}}"\nA fox'
    first = run(shell, cell)
    before = {path: path.stat().st_mtime_ns for path in tmp_path.glob("fox-*")}
    requests = len(sent(simulator))
    assert [image.sha256 for image in run(shell, cell)] == [image.sha256 for image in first]
    assert {path: path.stat().st_mtime_ns for path in tmp_path.glob("fox-*")} == before
    assert len(before) == requests == len(sent(simulator))


@pytest.mark.parametrize("pattern", ["fox.webp", "fox-{run_id}.webp"])
def test_variants_which_share_their_run_are_not_paid_for_to_be_saved_under_one_name(refused, simulator, pattern):
    text = refused(f'%%venice --seed 5 --variants 3 --save "{pattern}"\nA fox', InvalidRequest)
    assert "names one file for 3 images" in text
    assert "Put {seed} in it." in text
    assert not sent(simulator)


def test_variants_are_saved_under_names_of_their_own(shell, tmp_path):
    run(shell, f'%%venice --seed 5 --variants 3 --save "{tmp_path}/fox-{{seed}}.{{ext}}"\nA fox')
    assert len(list(tmp_path.glob("fox-*.webp"))) == 3
    assert (tmp_path / "fox-5.webp").exists()


def test_what_cannot_be_saved_in_the_end_is_shown_before_the_cell_fails(refused, tmp_path):
    text = refused(f'%%venice --seed 5 --save "{tmp_path}/{245 * "x"}{{run_id}}.{{ext}}"\nA fox', StoreError)
    assert "z-image-turbo · seed 5" in text
    assert "The image is safe in the store." in text


def test_some_fail_and_what_arrived_is_shown_and_kept_before_the_cell_fails(shell, simulator, capsys):
    simulator.add_fault(Fault("500", seed=2))
    result = shell.run_cell("%%venice --seed 1..3 --out foxes\nA fox")
    assert type(result.error_in_exec) is GenerationIncomplete
    assert [image.seed for image in shell.user_ns["foxes"].images] == [1, 3]
    assert result.error_in_exec.generation is shell.user_ns["foxes"]
    text = capsys.readouterr().out
    assert text.index("seed 1 ·") < text.index("seed 3 ·") < text.index("1 of 3 images is missing")
    assert "seed 2: no image, may have been charged" in text


def test_an_interrupt_says_what_became_of_the_money(shell, simulator, session, capsys):
    simulator.add_fault(Fault("hang", times=None))

    def press(generation):
        if len(sent(simulator)) == 4:
            raise KeyboardInterrupt

    waited = session.await_generation
    session.await_generation = lambda generation, _: waited(generation, press)
    result = shell.run_cell("%%venice --seed 1..6 --out foxes\nA fox")
    assert type(result.error_in_exec) is Interrupted
    text = words_of(capsys.readouterr().out)
    assert "0 of 6 images arrived; 2 were not sent and cost nothing; 4 are in flight and may be charged" in text
    session._transport.close()


def test_what_a_crash_left_behind_is_told_also_by_a_cell_that_fails(refused, simulator, session):
    session.log.recovered = Recovered(unknown=("01KAAAAAAAA",))
    simulator.add_fault(Fault("moderation"))
    assert "they may have been charged: AAAAAAAA." in refused("%%venice --seed 1\nA fox", ContentRefused)


def test_what_a_crash_left_behind_is_told_after_an_interrupt_that_told_nothing(shell, simulator, session, monkeypatch):
    def press(generation):
        raise KeyboardInterrupt

    session.log.recovered = Recovered(unknown=("01KAAAAAAAA",))
    simulator.add_fault(Fault("hang"))
    waited = session.await_generation
    with monkeypatch.context() as once:
        once.setattr(session, "await_generation", lambda generation, _: waited(generation, press))
        assert type(shell.run_cell("%%venice --seed 1\nA fox").error_in_exec) is Interrupted
    session._transport.close()
    assert any("AAAAAAAA" in note for note in run(shell, "%%venice --seed 2\nA fox").notes)
    assert run(shell, "%%venice --seed 3\nA fox").notes == ()


def test_what_a_crash_left_behind_is_told_after_a_refusal_that_told_nothing(shell, session):
    session.settings.store.mkdir(parents=True, exist_ok=True)
    config = session.settings.store / "config.toml"
    config.write_text('day_budget_usd = "0"')
    session.log.recovered = Recovered(unknown=("01KAAAAAAAA",))
    with pytest.raises(SpendingRefused):
        run(shell, "%%venice --seed 1\nA fox")
    config.unlink()
    assert any("AAAAAAAA" in note for note in run(shell, "%%venice --seed 1\nA fox").notes)
    assert run(shell, "%%venice --seed 2\nA fox").notes == ()


def test_prices_that_are_old_are_told_before_anything_is_sent(shell, session, capsys):
    session.catalogue()
    keeper = session.catalogue_keeper
    old = replace(keeper._catalogue, fetched_at=keeper._catalogue.fetched_at - timedelta(hours=30))
    keeper._catalogue, session._transport._simulator = old, Simulator(faults=[Fault("500", path="/models", times=None)])
    run(shell, "%%venice --seed 1 --dry-run\nA fox")
    assert "The prices are 30.0 hours old" in capsys.readouterr().out


def test_the_second_identical_cell_can_be_shown_from_the_log(shell, simulator):
    run(shell, "%%venice --seed 5\nA fox")
    again = run(shell, "%%venice --seed 5 --reuse\nA fox")
    assert len(sent(simulator)) == 1
    assert again.charged_usd == Decimal(0)
    assert again.images[0].price_usd == Decimal("0.01")  # what it cost when it was made


def test_a_cell_works_in_the_demo_without_a_key(shell):
    current.use_session(Session(demo=True))
    assert run(shell, "%%venice --seed 5\nA fox").images[0].simulated
