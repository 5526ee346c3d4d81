"""Whose recipe a file carries, where that is another program's whose format is not read here.

Each program is known by where it writes: the keywords of PNG text, the first fields of its JSON, the EXIF fields that
it uses in JPEG and WebP.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from . import exif

if TYPE_CHECKING:
    from collections.abc import Mapping

    from .container import Metadata


def program(carried: Metadata) -> str:
    """The program that wrote a file's metadata: ComfyUI, Fooocus, InvokeAI, NovelAI or SwarmUI; else empty."""
    fields = exif.texts(carried.exif) if carried.exif else {}
    text = (carried.parameters or fields.get("UserComment", "")).lstrip()
    software = carried.others.get("Software") or fields.get("Software", "")
    signs = {
        "SwarmUI": "sui_image_params" in text[:1000],
        "Fooocus": _is_fooocus(carried, text, software),
        "InvokeAI": bool({"invokeai_metadata", "invokeai_graph", "sd-metadata", "Dream"} & carried.others.keys()),
        "NovelAI": software.startswith("NovelAI"),
        "ComfyUI": _is_comfy(carried, fields),
    }
    return next((name for name, found in signs.items() if found), "")


def _is_fooocus(carried: Metadata, text: str, software: str) -> bool:
    named = "fooocus" in text.lower() or software.startswith("Fooocus") or "fooocus_scheme" in carried.others
    return named and text.startswith("{")


def _is_comfy(carried: Metadata, fields: Mapping[str, str]) -> bool:
    """A graph in PNG's text, or in the EXIF fields of maker and model after its name."""
    graphs = [carried.others.get(key, "") for key in ("prompt", "workflow")]
    for key in ("Make", "Model", "ImageDescription"):
        name, _, graph = fields.get(key, "").partition(":")
        graphs += [graph] if name.lower() in ("prompt", "workflow") else []
    return any(graph.lstrip().startswith("{") and ("class_type" in graph or '"nodes"' in graph) for graph in graphs)
