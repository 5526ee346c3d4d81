"""What the package gives to those who import it."""

import subprocess
import sys
from importlib.metadata import version
from pathlib import Path

import pytest

import venice_widgets
from venice_widgets import errors


def test_the_exported_names_are_these():
    assert venice_widgets.__all__ == [
        "AccessDenied",
        "CatalogueError",
        "ConfigurationError",
        "ContentRefused",
        "CredentialsRefused",
        "Estimate",
        "Generation",
        "GenerationIncomplete",
        "Image",
        "Interrupted",
        "InvalidRequest",
        "ModelUnavailable",
        "Panel",
        "PaymentRequired",
        "Plan",
        "PossiblyCharged",
        "Prepared",
        "RateLimited",
        "ResponseError",
        "ServiceUnavailable",
        "Session",
        "Settings",
        "SpendingRefused",
        "StoreError",
        "StyleReference",
        "UnreadableFile",
        "VeniceError",
        "__version__",
        "current_session",
        "generate",
        "load_ipython_extension",
        "read_recipe",
        "replay",
        "runs_in",
        "unload_ipython_extension",
    ]
    assert dir(venice_widgets) == venice_widgets.__all__ == sorted(venice_widgets.__all__)


@pytest.mark.parametrize("name", venice_widgets.__all__)
def test_every_exported_name_is_there_and_says_what_it_is_for(name):
    value = getattr(venice_widgets, name)
    assert name == "__version__" or value.__doc__


def test_every_error_is_exported():
    raised = {
        name
        for name, kind in vars(errors).items()
        if isinstance(kind, type) and issubclass(kind, errors.DisplayedError)
    }
    assert raised - {"DisplayedError"} <= set(venice_widgets.__all__)


def test_the_version_is_the_distributions_and_on_the_wire(session, simulator):
    assert venice_widgets.__version__ == version("venice-widgets")
    session.generate("A fox", seed=1)
    assert {request.headers["user-agent"] for request in simulator.requests} == {
        f"venice-widgets/{venice_widgets.__version__}"
    }


def test_where_threads_and_sockets_are_missing_loading_is_refused_in_one_message(monkeypatch):
    monkeypatch.setattr(sys, "platform", "emscripten")
    with pytest.raises(errors.ConfigurationError, match="threads and sockets"):
        venice_widgets.load_ipython_extension(None)


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
