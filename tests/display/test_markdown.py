"""Markdown in which previews are files."""

import re
from io import BytesIO
from urllib.parse import unquote

import nbformat.v4 as notebooks
import pytest
from PIL import Image

from venice_widgets.display import Card, image_cards
from venice_widgets.display.markdown import VeniceMarkdownExporter


@pytest.fixture
def notebook():
    buffer = BytesIO()
    Image.new("RGB", (64, 64), "red").save(buffer, "JPEG")
    cards = [Card(heading=f"seed {seed}", alt="A fox", data=buffer.getvalue(), details="$0.01") for seed in (1, 2)]
    bundle = image_cards(cards, summary="", plain="", record={})
    output = notebooks.new_output("display_data", bundle.data, metadata=bundle.metadata)
    return notebooks.new_notebook(cells=[notebooks.new_code_cell("%%venice\nA fox", outputs=[output])])


def test_every_preview_is_a_file_that_its_caption_stays_with(notebook):
    text, resources = VeniceMarkdownExporter().from_notebook_node(notebook, {"output_files_dir": "my fox_files"})
    named = [unquote(name) for name in re.findall(r'<img [^>]*src="([^"]*)"', text)]
    assert len(set(named)) == 2
    assert all(resources["outputs"][name].startswith(b"\xff\xd8") for name in named)
    assert "data:" not in text
    assert "seed 1" in text
    assert "seed 2" in text
