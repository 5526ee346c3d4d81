"""Tasks of a new user, each done by cells that type only what the README and ``--help`` show, in few cells."""

import re

import pytest
from PIL import Image

from venice_widgets import current
from venice_widgets.notebook.cell_options import cell_help
from venice_widgets.notebook.commands import run_command
from venice_widgets.session import Session


@pytest.fixture
def cells(shell, session, capsys):
    """Runs cells and gives what was seen of each; errors are part of it."""

    def run(*texts):
        seen = []
        for text in texts:
            shell.run_cell(text, store_history=True)
            seen.append("".join(capsys.readouterr()))
        return seen

    return run


def test_the_first_image_takes_three_cells(cells):
    *_, seen = cells("%load_ext venice_widgets", "%venice demo on", "%%venice --seed 41\nA fox")
    assert "z-image-turbo · seed 41 · 1024×1024 · $0.01 simulated" in seen


def test_the_cheapest_2k_image_takes_two_cells(cells):
    (listed,) = cells("%venice models --resolution 2K --sort price")
    cheapest = re.split(r"─\n", listed)[1].split()[0]
    (seen,) = cells(f"%%venice --model {cheapest} --resolution 2K --seed 1\nA fox")
    assert f"{cheapest} · seed 1" in seen


def test_a_rejected_request_says_what_to_type(cells):
    (refused,) = cells("%%venice --model flux-2-pro --aspect-ratio 1:7 --seed 1\nA fox")
    nearest = re.search(r"The nearest is ([\d:]+)", " ".join(refused.split()))[1]
    (seen,) = cells(f"%%venice --model flux-2-pro --aspect-ratio {nearest} --seed 1\nA fox")
    assert "flux-2-pro · seed 1" in seen


def test_an_image_is_made_again_in_three_cells(cells):
    cells("%%venice --seed 41\nA red fox")
    (listed,) = cells('%venice log -q "red fox"')
    run = re.split(r"─\n", listed)[1].split()[0]
    shown, again = cells(f"%venice show {run}", f"%venice replay {run} --yes")
    assert "A red fox" in shown
    assert "identical" in again


def test_last_weeks_fox_is_found_and_made_again_by_a_colleague_in_four_cells(cells, simulator, tmp_path):
    cells("%%venice --seed 41\nA red fox", "%%venice --seed 42\nAn owl")
    listed, exported = cells('%venice log -q fox --since "last week"', "%venice export fox.zip -q fox")
    assert "An owl" not in listed
    assert "1 run as zip" in exported
    key, store = "VENICE_INFERENCE_KEY_fedcba9876543210", tmp_path / "colleague"
    with Session(api_key=key, transport=simulator.transport(), store=store) as colleague:
        current.use_session(colleague)
        imported, again = cells("%venice import fox.zip", "%venice replay last --yes")
    assert "1 run" in imported
    assert "identical bytes" in again


def test_a_labeled_3_by_3_grid_takes_two_cells(cells, shell, simulator):
    made, _ = cells(
        "%%venice --model venice-sd35 --cfg-scale 3,5,7 --seed 1..3 --out grid\nA fox", 'grid.sheet("grid.png")'
    )
    assert "9 × $0.01 = $0.09" in made
    assert "9 of 9 images · $0.09 spent" in made
    assert sum(request.path == "/image/generate" for request in simulator.requests) == 9
    html = shell.display_formatter.format(shell.user_ns["grid"])[0]["text/html"]
    assert [headings(html, scope) for scope in ("col", "row")] == [["seed ↓", "3", "5", "7"], ["1", "2", "3"]]
    assert html.count("<img") == 9
    with Image.open("grid.png") as sheet:
        assert sheet.width > 3 * 256


def headings(html, scope):
    """The words of a table's headings."""
    found = re.findall(rf'<th scope="{scope}".*?</th>', html)
    return [re.sub(r"<[^>]*>", "", heading) for heading in found]


@pytest.mark.parametrize(("command", "words"), [
    ("models", ("--resolution", "--sort")), ("log", ("--query", "--since", "last week")), ("export", ("--query",)),
    ("replay", ("--yes",)), ("show", ("run",)),
])  # fmt: skip
def test_what_the_tasks_type_is_in_the_help(command, words, session):
    text = " ".join(run_command(None, f"{command} --help").data["text/plain"].split())
    assert all(word in text for word in words)
    assert all(option in cell_help() for option in ("--seed", "--model", "--resolution", "--aspect-ratio"))
