"""`generate`: one call from prompt to images."""

import hashlib
import io
import json
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

import venice_widgets
from venice_widgets import current
from venice_widgets.errors import GenerationIncomplete, Interrupted, InvalidRequest, SpendingRefused, UnreadableFile
from venice_widgets.generation.progress import ProgressLine
from venice_widgets.generation.rate_limiter import RateLimiter
from venice_widgets.generation.result import Generation
from venice_widgets.session import Session
from venice_widgets.simulator import Fault, Simulator


def paint(commission):
    """A small image of its own for each content."""
    file = io.BytesIO()
    color = hashlib.sha256(str(commission.content).encode()).digest()[:3]
    Image.new("RGB", (16, 12), tuple(color)).save(file, "PNG")
    return file.getvalue()


@pytest.fixture
def simulator():
    return Simulator(requests_per_minute=None, errors_per_half_minute=None, paint=paint)


@pytest.fixture
def session(session):
    session._pace = RateLimiter(None)
    yield session
    session.close()


@pytest.fixture
def lines(monkeypatch):
    """What the progress line did."""
    done = []
    monkeypatch.setattr(ProgressLine, "show", lambda self, *args, **more: done.append("show"))
    monkeypatch.setattr(ProgressLine, "clear", lambda self: done.append("clear"))
    monkeypatch.setattr(ProgressLine, "finish", lambda self, generation: done.append("finish"))
    return done


def posts(simulator):
    return [json.loads(request.body) for request in simulator.requests if request.method == "POST"]


def test_one_call_makes_images_with_the_session_in_use(simulator, session):
    generation = venice_widgets.generate("a fox", images=2, seed=41)
    assert [image.seed for image in generation.images] == [41, 42]
    assert generation.done
    assert len(posts(simulator)) == 2


def test_another_session_can_be_given(simulator, session, tmp_path):
    with Session(api_key="another-key-entirely", transport=simulator.transport(), store=tmp_path / "other") as other:
        venice_widgets.generate("a fox", session=other)
        assert len(other.log.search()) == 1
    assert session.log.search() == []
    assert simulator.requests[-1].headers["authorization"] == "Bearer another-key-entirely"


def test_without_a_session_one_is_made_from_the_environment(monkeypatch):
    monkeypatch.setenv("VENICE_API_KEY", "VENICE_INFERENCE_KEY_0123456789abcdef")
    monkeypatch.setenv("VENICE_MAX_COST", "0.05")
    made = current.current_session()
    assert made.settings.max_cost_usd is not None
    assert current.current_session() is made
    current.use_session(None)
    assert current.current_session() is not made


@pytest.mark.parametrize(
    ("arguments", "error"),
    [
        ({"width": 3}, InvalidRequest),
        ({"unknown_field": 3}, InvalidRequest),
        ({"images": 0}, InvalidRequest),
        ({"images": 4, "max_cost_usd": "0.03"}, SpendingRefused),
        ({"images": 200}, SpendingRefused),
    ],
)
def test_what_is_refused_sends_nothing_and_leaves_no_line(simulator, session, lines, arguments, error):
    with pytest.raises(error):
        venice_widgets.generate("a fox", **arguments)
    assert posts(simulator) == []
    assert lines in ([], ["show", "clear"])


class Wordless:
    def __repr__(self):
        raise RuntimeError("no words")


@pytest.mark.parametrize("value", [10**5000, Wordless()], ids=["a number of 5,001 digits", "a class without words"])
@pytest.mark.parametrize("name", ["seed", "images", "width", "steps", "model", "negative_prompt", "safe_mode", "again"])
def test_a_value_that_cannot_be_written_out_is_refused_in_our_words(simulator, session, name, value):
    with pytest.raises(InvalidRequest, match=r"that cannot be written out\)[\s\S]*Nothing was sent"):
        venice_widgets.generate("a fox", **{name: value})
    assert posts(simulator) == []


@pytest.mark.parametrize("value", [10**5000, Wordless()], ids=["a number of 5,001 digits", "a class without words"])
def test_a_prompt_or_file_that_cannot_be_written_out_is_refused_in_our_words(simulator, session, value):
    for arguments in ({"prompt": value}, {"prompt": "a fox", "save": value}):
        with pytest.raises(InvalidRequest, match=r"that cannot be written out\)"):
            venice_widgets.generate(**arguments)
    assert posts(simulator) == []


@pytest.mark.parametrize("no", ["no", "false", 0, np.bool_(0)])
def test_no_in_another_form_does_not_agree_to_the_price_nor_pay_twice(simulator, session, no):
    with pytest.raises(SpendingRefused, match="no one can answer"):
        venice_widgets.generate("a fox", model="gpt-image-2", images=5, yes=no)
    venice_widgets.generate("a fox", seed=5)
    assert venice_widgets.generate("a fox", seed=5, again=no).runs[0].from_log
    assert len(posts(simulator)) == 1


@pytest.mark.parametrize("value", ["perhaps", [], b"x", float("nan")])
@pytest.mark.parametrize("name", ["yes", "again"])
def test_what_is_neither_yes_nor_no_is_refused(simulator, session, name, value):
    with pytest.raises(InvalidRequest, match=f"{name} .* is neither True nor False"):
        venice_widgets.generate("a fox", **{name: value})
    assert posts(simulator) == []


def test_seeds_may_be_of_numpy_or_come_from_a_generator(simulator, session):
    assert [image.seed for image in venice_widgets.generate("a fox", seed=np.arange(3, 5))] == [3, 4]
    assert [image.seed for image in venice_widgets.generate("a fox", seed=(seed for seed in (7, 9)))] == [7, 9]


KEY = "VENICE_INFERENCE_KEY_0123456789abcdef"


@pytest.mark.parametrize(
    "fields",
    [
        {"style_preset": KEY}, {"model": KEY}, {"anon_user_id": f"u-{KEY}"}, {"negative_prompt": KEY},
        {"model": "krea-v2-large", "style_references": ["a.png", Path(f"{KEY}.png")]}, {"save": f"{KEY}.webp"},
    ],
)  # fmt: skip
def test_a_key_in_any_field_is_neither_shown_nor_sent(simulator, session, fields):
    with pytest.raises(InvalidRequest, match="holds your key") as caught:
        venice_widgets.generate("a fox", **fields)
    assert KEY not in str(caught.value)
    assert posts(simulator) == []


def test_yes_and_a_sufficient_limit_agree_to_the_price(simulator, session):
    assert len(venice_widgets.generate("a fox", model="gpt-image-2", images=4, yes=True).images) == 4
    assert len(venice_widgets.generate("a fox", model="gpt-image-2", images=4, max_cost_usd="1.08").images) == 4


def test_missing_images_raise_with_those_that_arrived(simulator, session, lines):
    simulator.add_fault(Fault("500", seed=2))
    with pytest.raises(GenerationIncomplete) as caught:
        venice_widgets.generate("a fox", images=2, seed=1)
    assert [image.seed for image in caught.value.generation.images] == [1]
    assert lines[-1] == "finish"


def test_an_interrupt_raises_with_what_there_is_and_leaves_no_line(simulator, session, monkeypatch, lines):
    def stop(self, generation):
        raise KeyboardInterrupt

    simulator.add_fault(Fault("slow", seconds=1))
    monkeypatch.setattr(ProgressLine, "tick", stop)
    with pytest.raises(Interrupted) as caught:
        venice_widgets.generate("a fox")
    assert lines == ["show", "clear"]
    assert caught.value.generation.wait(10)


def test_a_replay_is_one_call_from_a_run_or_a_file(simulator, session, lines, tmp_path):
    image = venice_widgets.generate("A fox", seed=41, save=tmp_path / "fox.png").images[0]
    for source in ("last", image.run_id[-8:], session.log.get("last"), tmp_path / "fox.png"):
        before = len(posts(simulator))
        found = venice_widgets.replay(source, yes=True)
        assert (str(found.verdict.grade), len(posts(simulator)) - before) == ("identical bytes", 1), source


def test_a_replay_above_the_limit_sends_nothing(simulator, session, lines):
    venice_widgets.generate("A fox", seed=41)
    with pytest.raises(SpendingRefused, match="Nothing was sent"):
        venice_widgets.replay("last", max_cost_usd="0.001")
    assert len(posts(simulator)) == 1
    with pytest.raises(UnreadableFile):
        venice_widgets.replay(Path("none.png"))


def test_what_the_log_holds_can_be_reused(simulator, session):
    venice_widgets.generate("a fox", seed=41)
    assert venice_widgets.generate("a fox", seed=41).images
    assert len(posts(simulator)) == 1
    assert venice_widgets.generate("a fox", seed=41, again=True).images
    assert len(posts(simulator)) == 2


SCRIPT = """
import venice_widgets
from venice_widgets.session import Session
venice_widgets.current_session  # the package's own names
for seed in (41, 42):
    venice_widgets.generate("a fox", seed=seed, width=64, height=64, session=Session(demo=True))
"""


def test_a_program_is_told_the_price_the_summary_and_where_the_images_are():
    ended = subprocess.run([sys.executable, "-c", SCRIPT], capture_output=True, text=True, check=True, timeout=60)
    assert ended.stdout == ""
    lines = ended.stderr.splitlines()
    prices = [line for line in lines if "$0.01" in line]
    paths = [Path(line.strip()) for line in lines if line.startswith("  ")]
    assert len(prices) == 4
    assert len(paths) == 2
    assert all(path.is_file() for path in paths)


def test_a_program_is_told_once_and_first_that_another_model_answers():
    script = SCRIPT.replace("(41, 42)", "(41,)").replace("width=64, height=64", 'model="nano-banana"')
    ended = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, check=True, timeout=60)
    assert ended.stderr.count("nano-banana ended on") == 1
    assert "nano-banana ended on" in ended.stderr.splitlines()[0]
    assert "(at most $0.10)" in ended.stderr.splitlines()[0]


CELLS = """
%load_ext venice_widgets
%venice demo on
import venice_widgets
for seed in (1, 2):
    venice_widgets.generate("a fox", seed=seed, width=64, height=64)
"""


def test_a_loop_in_a_notebook_shows_its_images(monkeypatch, shell):
    displayed = []
    monkeypatch.setattr("venice_widgets.api.in_kernel", lambda: True)
    monkeypatch.setattr("IPython.display.display", lambda *shown, **_: displayed.extend(shown))
    shell.run_cell(CELLS.strip())
    shown = [one for one in displayed if isinstance(one, Generation)]
    assert [generation[0].seed for generation in shown] == [1, 2]
    shell.run_cell("kept = venice_widgets.generate('a fox', seed=3, width=64, height=64)")
    assert len([one for one in displayed if isinstance(one, Generation)]) == 2
