"""What the package gives to those who import it."""

import subprocess
import sys
from pathlib import Path

import pytest

import venice_widgets


def test_the_exported_names_are_these():
    assert venice_widgets.__all__ == [
        "Generation",
        "Image",
        "Panel",
        "Session",
        "Settings",
        "VeniceError",
        "current_session",
        "generate",
        "load_ipython_extension",
        "read_recipe",
        "runs_in",
        "unload_ipython_extension",
    ]
    assert dir(venice_widgets) == venice_widgets.__all__ == sorted(venice_widgets.__all__)


@pytest.mark.parametrize("name", venice_widgets.__all__)
def test_every_exported_name_is_there_and_says_what_it_is_for(name):
    assert getattr(venice_widgets, name).__doc__


def test_another_name_is_an_attribute_error():
    with pytest.raises(AttributeError, match="no attribute 'Nonsense'"):
        _ = venice_widgets.Nonsense


def test_importing_the_package_imports_nothing_else():
    code = (
        "import sys, __future__, importlib, typing; before = set(sys.modules); import venice_widgets;"
        "print(sorted(set(sys.modules) - before))"
    )
    told = subprocess.run(
        [sys.executable, "-c", code], capture_output=True, text=True, timeout=60, check=True,
        env={"PYTHONPATH": str(Path(__file__).parents[1])},
    )  # fmt: skip
    assert told.stdout.strip() == "['venice_widgets']"


def test_the_package_says_that_it_is_typed():
    assert (Path(venice_widgets.__file__).parent / "py.typed").exists()
