"""Images from the Venice.ai image API in a notebook: priced before, shown with their seeds, stored.

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
    from .api import generate, replay
    from .config import Settings
    from .current import current_session
    from .errors import (
        AccessDenied,
        CatalogueError,
        ConfigurationError,
        ContentRefused,
        CredentialsRefused,
        GenerationIncomplete,
        Interrupted,
        InvalidRequest,
        ModelUnavailable,
        PaymentRequired,
        PossiblyCharged,
        RateLimited,
        ResponseError,
        ServiceUnavailable,
        SpendingRefused,
        StoreError,
        UnreadableFile,
        VeniceError,
    )
    from .generation.image import Image
    from .generation.prepared import Prepared
    from .generation.result import Generation
    from .panel import Panel
    from .plan import Plan
    from .replays.notebook_runs import runs_in
    from .replays.read_recipe import read_recipe
    from .request.estimate import Estimate
    from .request.style_reference import StyleReference
    from .session import Session
    from .version import __version__

__all__ = [
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

_HOMES = {
    "__version__": "version",
    "AccessDenied": "errors",
    "CatalogueError": "errors",
    "ConfigurationError": "errors",
    "ContentRefused": "errors",
    "CredentialsRefused": "errors",
    "Estimate": "request.estimate",
    "Generation": "generation.result",
    "GenerationIncomplete": "errors",
    "Image": "generation.image",
    "Interrupted": "errors",
    "InvalidRequest": "errors",
    "ModelUnavailable": "errors",
    "Panel": "panel",
    "PaymentRequired": "errors",
    "Plan": "plan",
    "PossiblyCharged": "errors",
    "Prepared": "generation.prepared",
    "RateLimited": "errors",
    "ResponseError": "errors",
    "ServiceUnavailable": "errors",
    "Session": "session",
    "Settings": "config",
    "SpendingRefused": "errors",
    "StoreError": "errors",
    "StyleReference": "request.style_reference",
    "UnreadableFile": "errors",
    "VeniceError": "errors",
    "current_session": "current",
    "generate": "api",
    "read_recipe": "replays.read_recipe",
    "replay": "api",
    "runs_in": "replays.notebook_runs",
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
    import sys

    if sys.platform == "emscripten":
        from .errors import ConfigurationError

        raise ConfigurationError(
            "venice_widgets cannot run in Pyodide or JupyterLite: the browser gives Python no threads and sockets.",
            "Use a Jupyter server, Google Colab or a local IPython.",
        )
    from venice_widgets.notebook.magic import register

    register(shell)


def unload_ipython_extension(shell: Any) -> None:
    """Take them away again; called by ``%unload_ext venice_widgets``."""
    from venice_widgets.notebook.magic import unregister

    unregister(shell)
