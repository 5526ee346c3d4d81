"""Pictures from the Venice.ai image API in a notebook: priced before, shown with their seeds, kept.

In a notebook::

    %load_ext venice_widgets

    %%venice --model z-image-turbo --seed 41 -n 2
    A fox in {curly braces}, $5 in its paw

In Python::

    import venice_widgets
    generation = venice_widgets.generate("A fox", model="z-image-turbo", seed=41, images=2)

Importing this package imports nothing else: each name below is loaded when it is first used.
"""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from venice_widgets.generation.result import Generation, Image
    from venice_widgets.replay.notebook_runs import runs_in
    from venice_widgets.replay.read_recipe import read_recipe

    from .api import generate
    from .config import Settings
    from .current import current_session
    from .errors import VeniceError
    from .panel import Panel
    from .session import Session

__all__ = [
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

_HOMES = {
    "Generation": "generation.result",
    "Image": "generation.result",
    "Panel": "panel",
    "Session": "session",
    "Settings": "config",
    "VeniceError": "errors",
    "current_session": "current",
    "generate": "api",
    "read_recipe": "replay.read_recipe",
    "runs_in": "replay.notebook_runs",
}


def __getattr__(name: str) -> Any:
    if name not in _HOMES:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    value = getattr(import_module(f".{_HOMES[name]}", __name__), name)
    globals()[name] = value
    return value


def __dir__() -> list[str]:
    return __all__


def load_ipython_extension(shell: Any) -> None:
    """Add ``%%venice`` and ``%venice`` to a shell; called by ``%load_ext venice_widgets``."""
    from venice_widgets.notebook.magic import register

    register(shell)


def unload_ipython_extension(shell: Any) -> None:
    """Take them away again; called by ``%unload_ext venice_widgets``."""
    from venice_widgets.notebook.magic import unregister

    unregister(shell)
