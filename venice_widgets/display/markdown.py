"""A notebook as Markdown whose images are files: ``jupyter nbconvert --to venice-markdown``.

nbconvert's own Markdown takes the HTML of an output as it is, with each preview inside as a data URI, which GitHub and
most editors do not show. Here each becomes a file beside the text, as nbconvert does with outputs that are images.
"""

from __future__ import annotations

import base64
import re
from typing import Any
from urllib.parse import quote

from nbconvert.exporters import MarkdownExporter
from nbconvert.preprocessors import Preprocessor

_INLINE = re.compile(r'src="data:image/(?P<kind>jpeg|png);base64,(?P<data>[^"]*)"')


class ExtractPreviews(Preprocessor):
    """Takes the previews out of HTML outputs and into files."""

    def preprocess_cell(self, cell: Any, resources: Any, index: int) -> tuple[Any, Any]:
        """One cell; nbconvert calls it."""
        for place, output in enumerate(cell.get("outputs", [])):
            data = output.get("data", {})
            if "text/html" in data:
                data["text/html"] = _with_files(data["text/html"], resources, f"{index}_{place}")
        return cell, resources


def _with_files(markup: str, resources: Any, name: str) -> str:
    folder = resources.get("output_files_dir", "")
    files = resources.setdefault("outputs", {})

    def file(found: re.Match[str]) -> str:
        kind = "jpg" if found["kind"] == "jpeg" else found["kind"]
        path = f"{folder}/preview_{name}_{len(files)}.{kind}".lstrip("/")
        files[path] = base64.b64decode(found["data"])
        return f'src="{quote(path)}"'

    return _INLINE.sub(file, markup)


class VeniceMarkdownExporter(MarkdownExporter):
    """nbconvert's Markdown, with every preview as a file."""

    export_from_notebook = "Markdown with image files"
    """With a name, Jupyter's servers offer it among their exports."""
    preprocessors = [ExtractPreviews]  # noqa: RUF012  a trait of traitlets, not a shared list
