"""The notebooks that ship are read before anyone runs them: on GitHub, in an export, or reopened without a kernel."""

import re
from html.parser import HTMLParser
from pathlib import Path

import nbformat
import pytest

from venice_widgets.redact import redact

SHIPPED = sorted((Path(__file__).parents[2] / "notebooks").glob("*.ipynb"))
FIGURES = {"panel": 2, "prices": 2, "quickstart": 11, "reproduce": 3, "sweep": 9}
"""The images that each is to show; the quickstart has those in the table of its log too."""
MAX_BYTES = 500_000
PLACES = re.compile(
    r"(?<![\w:.])(?:/tmp|/root|/work|/Users|/var|/private|/home/(?!user/project))/|[A-Z]:\\\\", re.ASCII
)
LINE_BREAKS = {
    "address",
    "br",
    "caption",
    "div",
    "dd",
    "dt",
    "figcaption",
    "figure",
    "li",
    "p",
    "pre",
    "td",
    "th",
    "tr",
}

every_notebook = pytest.mark.parametrize("path", SHIPPED, ids=lambda path: path.stem)


class Preview(HTMLParser):
    """An output's lines as GitHub shows them: style, class and id are dropped, so only elements end a line."""

    def __init__(self, markup: str) -> None:
        super().__init__()
        self.parts: list[str] = []
        self.feed(markup)

    def handle_starttag(self, tag, attrs):
        self.parts.append("\n" if tag in LINE_BREAKS else "")

    def handle_endtag(self, tag):
        self.parts.append("\n" if tag in LINE_BREAKS else "")

    def handle_data(self, data):
        self.parts.append(re.sub(r"\s+", " ", data))

    @property
    def lines(self) -> list[str]:
        return [line.strip() for line in "".join(self.parts).splitlines() if line.strip()]


def outputs(path: Path) -> list[nbformat.NotebookNode]:
    document = nbformat.read(path, as_version=4)
    return [output for cell in document.cells if cell.cell_type == "code" for output in cell.outputs]


def markup(path: Path) -> str:
    """The HTML of its outputs, without the bytes of the images."""
    return re.sub(
        r"base64,[\w+/=]+", "", "\n".join(output.get("data", {}).get("text/html", "") for output in outputs(path))
    )


def test_there_is_one_for_each_purpose():
    assert {path.stem for path in SHIPPED} == set(FIGURES)


@every_notebook
def test_it_shows_its_images_and_holds_the_record_of_each(path):
    assert markup(path).count("<img ") == FIGURES[path.stem]
    assert sum(len(output.metadata.venice.runs) for output in outputs(path) if "venice" in output.get("metadata", {}))


@every_notebook
def test_it_is_small_and_valid(path):
    assert path.stat().st_size < MAX_BYTES
    nbformat.validate(nbformat.read(path, as_version=4))


@every_notebook
def test_it_holds_no_key_and_no_path_of_a_machine(path):
    text = re.sub(r'"image/\w+": "[^"]*"|base64,[\w+/=]+', "", path.read_text("utf-8"))
    assert not PLACES.findall(text)
    assert redact(text) == text


@every_notebook
def test_it_holds_nothing_that_needs_the_kernel_which_made_it(path):
    document = nbformat.read(path, as_version=4)
    assert "widgets" not in document.metadata, "GitHub refuses a notebook with widgets but without their state"
    for output in outputs(path):
        assert "application/vnd.jupyter.widget-view+json" not in output.get("data", {}), "reopened, it is an error"


@every_notebook
def test_every_cell_was_run_and_only_what_is_to_fail_failed(path):
    for cell in nbformat.read(path, as_version=4).cells:
        if cell.cell_type == "code":
            assert cell.execution_count is not None, cell.source
            failed = any(output.output_type == "error" for output in cell.outputs)
            assert failed == ("raises-exception" in cell.metadata.get("tags", [])), cell.source


@every_notebook
def test_githubs_preview_runs_no_words_together(path):
    lines = Preview(markup(path)).lines
    captions = [line for line in lines if line.startswith("seed ") and any(mark.isdigit() for mark in line)]
    assert captions
    for line in captions:
        assert re.fullmatch(r"seed \d+( · (\$\d+\.\d\d )?[0-9A-Z]{8}| · \$\d+\.\d\d [0-9A-Z]{8})?", line), line
    for line in lines:
        assert not re.search(r"simulated(?=\w)|charged(?=\w)|charged [A-Z]|UTC [A-Z]|\.[A-Z][a-z]", line), line


def test_a_reopened_panel_shows_its_images_their_prices_and_what_to_do():
    (path,) = (path for path in SHIPPED if path.stem == "panel")
    lines = Preview(markup(path)).lines
    assert "2736 × 1536 · $0.13" in lines
    assert "The panel itself is not saved with the notebook: run this cell to bring it back." in lines
