"""A ``%%venice`` cell with several values: a plan, in a real shell."""

from decimal import Decimal

import pytest

from venice_widgets.errors import GenerationIncomplete, Interrupted, InvalidRequest, SpendingRefused
from venice_widgets.generation.rate_limiter import RateLimiter
from venice_widgets.plan import Grid
from venice_widgets.simulator import Fault

SMALL = "--width 64 --height 64"


@pytest.fixture(autouse=True)
def _no_limit(session):
    session._pace = RateLimiter(None)


@pytest.fixture
def sent(simulator):
    return lambda: [request.json for request in simulator.requests if request.path == "/image/generate"]


def run(shell, line, prompt="A fox\n"):
    return shell.run_cell_magic("venice", line, prompt)


def test_options_with_several_values_make_a_grid(shell, session, sent):
    grid = run(shell, f'--model z-image-turbo,venice-sd35 --cfg-scale "3-9 (+2)" --seed 1..2 --max-cost 1.50 {SMALL}')

    assert isinstance(grid, Grid)
    assert len(grid) == len(sent()) == 16
    assert {(body["model"], body["cfg_scale"], body["seed"]) for body in sent()} == {
        (model, scale, seed) for model in ("z-image-turbo", "venice-sd35") for scale in (3, 5, 7, 9) for seed in (1, 2)
    }
    assert grid["venice-sd35", 5, 2].seed == 2


def test_variables_of_the_prompt_are_the_outermost_axes(shell, session, sent):
    shell.user_ns |= {"animal": ["fox", "owl"], "time": "dawn", "scales": [3, 5]}

    grid = run(shell, f"--cfg-scale {{{{ scales }}}} --seed 4 {SMALL} --out kept", "A {{ animal }} at {{ time }}\n")

    assert [axis.name for axis in grid.plan.axes] == ["animal", "cfg_scale"]
    assert {body["prompt"] for body in sent()} == {"A fox at dawn", "A owl at dawn"}
    assert shell.user_ns["kept"] is grid


def test_the_same_cell_again_sends_nothing(shell, session, sent):
    for _ in range(2):
        grid = run(shell, f"--steps 4,8 --seed 1..2 {SMALL}")

    assert len(sent()) == 4
    assert "4 from the log" in grid.summary


@pytest.mark.parametrize("line", ["--cfg-scale 3,5 --seed 1", "--seed 1 -n 2"])
def test_what_the_log_holds_is_the_image_and_not_a_replay_of_it(shell, session, sent, line):
    made = [image.run_id for image in run(shell, f"{line} {SMALL}")]
    for run_id in made:
        shell.run_line_magic("venice", f"replay {run_id} --yes")
    assert len(sent()) == 4

    assert [image.run_id for image in run(shell, f"{line} {SMALL}")] == made
    assert len(sent()) == 4


def test_again_sends_all_anew(shell, session, sent):
    for _ in range(2):
        run(shell, f"--steps 4,8 --seed 1 --again {SMALL}")

    assert len(sent()) == 4


def test_zip_pairs_values(shell, session, sent):
    shell.user_ns["animal"] = ["fox", "owl"]
    run(shell, f"--steps 4,8 --seed 1 --zip {SMALL}", "A {{ animal }}\n")

    assert {(body["prompt"], body["steps"]) for body in sent()} == {("A fox", 4), ("A owl", 8)}


def test_search_and_replace(shell, session, sent):
    run(shell, f'--replace "fox, owl" --seed 1 {SMALL}', "A fox\n")

    assert {body["prompt"] for body in sent()} == {"A fox", "A owl"}


def test_a_dry_run_shows_the_plan_and_sends_nothing(shell, session, sent):
    bundle = run(shell, f"--steps 4,8 --seed 1..3 --dry-run --max-cost 0.05 {SMALL}")

    text = bundle.data["text/plain"]
    assert "6 × $0.01 = $0.06" in text
    assert "It would be refused" in text
    assert "Nothing was sent" in text
    assert sent() == []


def test_cells_that_cannot_be_made_are_named_with_the_option_that_leaves_them_out(shell, session, sent):
    line = f"--model z-image-turbo,venice-sd35 --steps 8,25 --seed 1 {SMALL}"
    with pytest.raises(InvalidRequest, match="--skip-invalid") as caught:
        run(shell, line)
    reason = "model z-image-turbo, steps 25: --steps 25 is more than z-image-turbo takes. It takes 1 … 8."
    assert reason in str(caught.value)
    assert sent() == []

    assert len(run(shell, f"{line} --skip-invalid")) == 3


def test_a_limit_holds_for_the_whole_plan(shell, session, sent):
    with pytest.raises(SpendingRefused):
        run(shell, f"--steps 4,8 --seed 1..3 --max-cost 0.05 {SMALL}")
    assert sent() == []


def test_a_partial_grid_is_shown_and_kept_and_the_cell_fails(shell, session, simulator, capsys):
    simulator.add_fault(Fault("500", seed=2))
    with pytest.raises(GenerationIncomplete):
        run(shell, f"--steps 4,8 --seed 1,2 --out kept {SMALL}")

    assert len(shell.user_ns["kept"]) == 3
    assert shell.user_ns["kept"].spent_usd == Decimal("0.03")
    assert "3 of 4 images" in capsys.readouterr().out


def test_a_pattern_that_gives_two_images_one_name_is_refused_before_sending(shell, session, sent, tmp_path):
    with pytest.raises(InvalidRequest, match=r"several images the name .*fox-1\.webp") as caught:
        run(shell, f"--steps 4,8 --seed 1,2 --save {tmp_path}/fox-{{seed}}.{{ext}} {SMALL}")
    assert "{seed}, {steps}" in str(caught.value)
    assert sent() == []
    run(shell, f"--steps 4,8 --seed 1,2 --save {tmp_path}/fox-{{seed}}-{{run_id}}.{{ext}} {SMALL}")
    assert len(list(tmp_path.glob("fox-*.webp"))) == 4


def test_a_file_in_the_way_of_what_is_to_be_sent_is_named_before_sending(shell, session, sent, tmp_path):
    line = f"--steps 4,8 --seed 1 --save {tmp_path}/fox-{{steps}}.{{ext}} {SMALL}"
    (tmp_path / "fox-8.webp").write_text("mine")
    with pytest.raises(InvalidRequest, match=r"fox-8\.webp exists.*"):
        run(shell, line)
    assert "fox-8.webp exists" in run(shell, f"{line} --dry-run").data["text/plain"]
    assert sent() == []


def test_what_could_not_be_saved_is_told_once_the_grid_is_shown_and_the_others_are_saved(
    shell, session, sent, tmp_path, capsys
):
    line = f"--steps 4,8 --seed 1 {SMALL}"
    run(shell, line)
    (tmp_path / "fox-4.webp").write_text("mine")
    capsys.readouterr()
    with pytest.raises(InvalidRequest, match=r"fox-4\.webp exists"):
        run(shell, f"{line} --save {tmp_path}/fox-{{steps}}.{{ext}}")
    assert "2 of 2 images" in capsys.readouterr().out
    assert (tmp_path / "fox-8.webp").exists()
    assert len(sent()) == 2


def test_images_are_saved_under_their_labels(shell, session, tmp_path):
    run(shell, f"--steps 4,8 --seed 1 --save {tmp_path}/fox-{{steps}}.{{ext}} {SMALL}")

    assert sorted(path.name for path in tmp_path.glob("fox-*")) == ["fox-4.webp", "fox-8.webp"]


def test_a_pattern_that_names_one_file_for_several_images_is_refused_before_sending(shell, session, sent, tmp_path):
    with pytest.raises(InvalidRequest):
        run(shell, f"--steps 4,8 --seed 1 --save {tmp_path}/fox.png {SMALL}")
    assert sent() == []


def test_several_seeds_alone_are_no_plan(shell, session):
    assert not isinstance(run(shell, f"--seed 1..3 {SMALL}"), Grid)


def test_the_record_knows_the_cell_and_its_place(shell, session):
    grid = run(shell, f"--steps 4,8 --seed 1 {SMALL}")

    context = session.log.get(grid.cells[1].result.run_id).draft.context
    assert context["plan"]["cell"] == {"steps": "8"}
    assert "--steps 4,8" in context["cell"]


def test_a_dry_run_with_again_shows_what_making_all_anew_costs(shell, session, sent):
    line = f"--cfg-scale 3,5 --seed 1 {SMALL}"
    run(shell, line)
    shown = run(shell, f"{line} --again --max-cost 0.01 --dry-run").data["text/plain"]
    assert "2 × $0.01 = $0.02" in shown
    assert "would be refused" in shown
    assert len(sent()) == 2


def test_an_interrupt_at_the_question_is_no_traceback_of_ours(shell, session, sent, monkeypatch):
    def interrupt(_):
        raise KeyboardInterrupt

    monkeypatch.setenv("VENICE_CONFIRM_ABOVE", "0.01")
    monkeypatch.setattr("venice_widgets.notebook.cell_plan.ask_user", interrupt)
    with pytest.raises(Interrupted, match="Nothing was sent"):
        run(shell, f"--steps 4,8 --seed 1 --out grid --save {{index}}.{{ext}} {SMALL}")
    assert sent() == []
    assert "grid" not in shell.user_ns
