"""Notebooks that no one watches: nbclient, papermill, ``jupyter execute``, nbconvert, and the quickstart offline."""

import json
import os
import subprocess
import sys
from collections.abc import Iterator

import nbformat
import pytest
from nbclient import NotebookClient
from nbclient.exceptions import CellExecutionError

from tests.python_path import PYTHON_PATH, ROOT
from venice_widgets.simulator import Fault, Simulator

NO_NETWORK = """
import socket

def _only_loopback(connect):
    def connected(self, address, *rest):
        if self.family != socket.AF_UNIX and not str(address[0]).startswith(("127.", "::1", "localhost")):
            raise AssertionError(f"the network was asked for: {address}")
        return connect(self, address, *rest)
    return connected

socket.socket.connect = _only_loopback(socket.socket.connect)
socket.socket.connect_ex = _only_loopback(socket.socket.connect_ex)
"""


def notebook(*cells: str) -> nbformat.NotebookNode:
    made = nbformat.v4.new_notebook(metadata={"kernelspec": {"name": "python3", "display_name": "Python 3"}})
    made.cells = [nbformat.v4.new_code_cell(source) for source in ("%load_ext venice_widgets", *cells)]
    return made


@pytest.fixture(scope="module")
def venice() -> Iterator[Simulator]:
    simulator = Simulator(requests_per_minute=None, errors_per_half_minute=None)
    with simulator.serve() as url:
        simulator.url = url
        yield simulator


@pytest.fixture
def paid(venice, monkeypatch):
    """The environment of someone who pays: a key, and an offline Venice that believes in it."""
    venice.clear_faults()
    venice._received.clear()
    monkeypatch.setenv("PYTHONPATH", PYTHON_PATH)
    monkeypatch.setenv("VENICE_API_KEY", "VENICE_INFERENCE_KEY_0123456789abcdef")
    monkeypatch.setenv("VENICE_API_BASE_URL", venice.url)
    return venice


def images_asked_for(venice) -> int:
    return sum(request.method == "POST" for request in venice.requests)


def venice_records(document) -> list[dict]:
    outputs = [output for cell in document.cells for output in cell.get("outputs", [])]
    return [output.metadata["venice"] for output in outputs if "venice" in output.get("metadata", {})]


def execute(document, **settings):
    NotebookClient(document, timeout=60, kernel_name="python3", **settings).execute()
    return document


def run(*command: str) -> subprocess.CompletedProcess:
    return subprocess.run([sys.executable, "-m", *command], capture_output=True, text=True, timeout=100, check=False)


def test_a_saved_notebook_is_small_and_holds_previews_and_the_record_and_no_progress(paid, tmp_path):
    paid.add_fault(Fault("slow", seconds=0.8))
    document = execute(notebook("%%venice --seed 41 -n 4 --format png\nA fox in {curly braces}"))
    path = tmp_path / "saved.ipynb"
    nbformat.write(document, path)
    summary, output = nbformat.read(path, as_version=4).cells[1].outputs
    assert summary.output_type == "display_data"
    assert "0 of" not in summary.data["text/plain"]
    assert "done in" in summary.data["text/plain"]
    assert output.output_type == "execute_result"
    assert set(output.data) == {"text/html", "text/plain", "image/jpeg"}
    record = output.metadata["venice"]
    assert record["schema"] == 1
    assert [each["image"]["seed"] for each in record["runs"]] == [41, 42, 43, 44]
    assert record["runs"][0]["request"]["prompt"] == "A fox in {curly braces}"
    assert path.stat().st_size < 4 * 150_000 * 4 / 3 + 200_000
    assert "VENICE_INFERENCE_KEY" not in path.read_text()
    assert "89abcdef" not in path.read_text()


def test_a_refused_cell_leaves_only_its_price_and_its_error(paid):
    document = notebook("%%venice --max-cost 0.05 --model gpt-image-2\nA fox")
    with pytest.raises(CellExecutionError, match="SpendingRefused"):
        execute(document)
    price, output = document.cells[1].outputs
    assert price.data["text/plain"].startswith("1 × $0.26 = $0.26")
    assert output.output_type == "error"
    assert output.ename == "SpendingRefused"
    assert len(output.traceback) == 2
    assert not images_asked_for(paid)


@pytest.mark.parametrize(
    ("cell", "said"),
    [
        ("%%venice --modle x\nA fox", "there is no option --modle"),
        ("In [1]: %%venice\nA fox", "take 'In [1]:' off the first line"),
    ],
)
def test_a_wrong_cell_fails_the_notebook(paid, cell, said):
    document = notebook(cell, "went_on = True")
    with pytest.raises(CellExecutionError):
        execute(document)
    told = json.dumps(document.cells[1].outputs)
    assert json.dumps(said)[1:-1] in told
    assert document.cells[2].execution_count is None
    assert not images_asked_for(paid)


def test_papermill_keeps_what_was_made_and_fails_where_no_one_can_agree_to_the_price(paid, tmp_path):
    made, refused = "%%venice --seed 1\nA fox", "%%venice --model gpt-image-2 -n 4\nA fox"
    nbformat.write(notebook(made, refused), tmp_path / "in.ipynb")
    failed = run("papermill", str(tmp_path / "in.ipynb"), str(tmp_path / "out.ipynb"))
    assert failed.returncode == 1
    assert "no one can answer here" in failed.stderr
    assert images_asked_for(paid) == 1
    (record,) = venice_records(nbformat.read(tmp_path / "out.ipynb", as_version=4))
    assert record["runs"][0]["image"]["seed"] == 1


def test_jupyter_execute_fails_with_the_cell(paid, tmp_path):
    nbformat.write(notebook("%%venice --aspect-ratio 1:7 --model flux-2-pro\nA fox"), tmp_path / "in.ipynb")
    failed = run("jupyter", "execute", str(tmp_path / "in.ipynb"))
    assert failed.returncode != 0
    assert "--aspect-ratio 1:7 is not one that flux-2-pro takes" in failed.stderr
    assert not images_asked_for(paid)


def test_the_quickstart_runs_without_a_key_and_without_a_network_and_reads_well_as_html(tmp_path, monkeypatch):
    guard = tmp_path / "guard"
    guard.mkdir()
    (guard / "sitecustomize.py").write_text(NO_NETWORK)
    monkeypatch.setenv("PYTHONPATH", os.pathsep.join([str(guard), PYTHON_PATH]))
    quickstart = tmp_path / "quickstart.ipynb"
    quickstart.write_bytes((ROOT / "notebooks" / "quickstart.ipynb").read_bytes())
    done = run("jupyter", "execute", "--inplace", str(quickstart))
    assert done.returncode == 0, done.stderr
    document = nbformat.read(quickstart, as_version=4)
    outputs = {cell.id: cell.outputs for cell in document.cells if cell.cell_type == "code"}
    assert [error.ename for each in outputs.values() for error in each if error.output_type == "error"] == [
        "SpendingRefused",
        "InvalidRequest",
    ]
    records = venice_records(document)
    assert [len(record["runs"]) for record in records] == [2, 2, 1, 2]
    assert quickstart.stat().st_size < 2_000_000

    assert run("nbconvert", "--to", "html", str(quickstart)).returncode == 0
    page = quickstart.with_suffix(".html").read_text("utf-8")
    assert page.count("<figure") == 7
    assert page.count('<img alt="A heron in a flooded library, {ink on paper}"') == 2
    assert "seed 41" in page


def test_the_guard_of_the_test_above_would_notice_a_network(tmp_path):
    (tmp_path / "sitecustomize.py").write_text(NO_NETWORK)
    ask = "import socket; socket.create_connection(('192.0.2.1', 443), timeout=1)"
    told = subprocess.run(
        [sys.executable, "-c", ask],
        env={**os.environ, "PYTHONPATH": str(tmp_path)},
        capture_output=True,
        text=True,
        timeout=30,
        check=False,
    )
    assert "the network was asked for" in told.stderr
