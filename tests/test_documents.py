"""The documents name everything that a user can write: what the code declares and no page tells is found here."""

import importlib.util
import re
from pathlib import Path

import pytest

import venice_widgets
from venice_widgets import errors
from venice_widgets.config import sources
from venice_widgets.notebook.cell_options import all_options
from venice_widgets.notebook.commands import COMMANDS

ROOT = Path(__file__).parents[1]
DOCS = ROOT / "docs"
pytestmark = pytest.mark.skipif(not DOCS.is_dir(), reason="the documents are not beside the tests")


@pytest.fixture(scope="module")
def generated():
    spec = importlib.util.spec_from_file_location("generated", DOCS / "generated.py")
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


@pytest.fixture(scope="module")
def pages(generated):
    """Each page as the site has it."""
    return {path.name: generated.on_page_markdown(path.read_text("utf-8")) for path in DOCS.glob("*.md")}


def rows(page):
    """The rows of a page's tables, each as its cells."""
    lines = [line for line in page.splitlines() if line.startswith("| ") and not line.startswith("| ---")]
    return [[cell.strip() for cell in re.split(r"(?<!\\)\|", line)[1:-1]] for line in lines]


def test_every_page_is_in_the_sites_menu(pages):
    menu = (ROOT / "mkdocs.yml").read_text("utf-8").partition("nav:")[2]
    assert {name for name in pages if name not in menu} == set()


def test_every_option_and_every_command_with_its_arguments_is_on_the_page_of_options(pages):
    page = pages["options.md"]
    assert [name for name in all_options() if f"`--{all_options()[name].option}`" not in page] == []
    for command in COMMANDS.values():
        assert f"`%venice {command.name}`" in page
        for action in command.parser()._actions:
            for flag in action.option_strings:
                assert flag in ("-h", "--help") or f"`{flag}" in page, f"%venice {command.name} {flag}"


def test_every_setting_says_what_it_is_and_where_it_can_be_given(pages):
    page = pages["settings.md"]
    told = {row[0].strip("`"): row for row in rows(page)}
    for name in {*sources.ENVIRONMENT, *sources.IN_FILE}:
        assert all((told[name][1], told[name][4])), name
    assert [name for name in sources.ENVIRONMENT.values() if f"`{name}`" not in page] == []


def test_no_variable_is_read_that_the_settings_do_not_name(pages):
    read = {
        name
        for path in (ROOT / "venice_widgets").rglob("*.py")
        for name in re.findall(r"\bVENICE_[A-Z_]+[A-Z]\b", path.read_text("utf-8"))
        if not name.endswith("_KEY_") and not name.startswith(("VENICE_ADMIN", "VENICE_INFERENCE"))
    }
    assert read == set(sources.ENVIRONMENT.values())


def test_every_error_says_what_to_do_and_whether_it_was_charged(pages):
    told = {row[0].strip("`"): row for row in rows(pages["errors.md"])}
    raised = [name for name in vars(venice_widgets.errors) if isinstance(getattr(errors, name), type)]
    for name in (name for name in raised if issubclass(getattr(errors, name), errors.VeniceError)):
        assert all(told[name]), name


def test_every_public_name_is_in_the_reference_or_among_the_errors(pages):
    told = pages["reference.md"] + pages["errors.md"]
    loaded_by_ipython = {"load_ipython_extension", "unload_ipython_extension", "__version__"}
    public = [name for name in venice_widgets.__all__ if name not in loaded_by_ipython]
    assert [name for name in public if not re.search(rf"(\.|`){name}(`|\n|$)", told)] == []


def test_every_field_of_the_record_and_every_column_is_told(pages):
    told = rows(pages["views.md"])
    assert len(told) > 50
    assert [row for row in told if not all(row)] == []
