"""What goes into the store comes out of it, and out of every export: also text and numbers that JSON cannot hold."""

import json
from dataclasses import replace
from decimal import Decimal

import pytest

from venice_widgets.log import Log
from venice_widgets.log.export import export, import_zip
from venice_widgets.log.rows import json_text, plain_json
from venice_widgets.session import Session
from venice_widgets.simulator import Simulator

HALF = "\ud800"
IN_LATIN_1 = b"/f\xfcchs.ipynb"


@pytest.mark.parametrize(
    ("document", "text"),
    [
        ({"b": 1, "a": "🦊"}, r'{"a":"\ud83e\udd8a","b":1}'),
        ({"a": f"{HALF} \\ud800"}, r'{"a":"\\ud800 \\ud800"}'),
        ({HALF: [HALF]}, r'{"\\ud800":["\\ud800"]}'),
        ({"a": float("nan"), "b": float("-inf")}, '{"a":"NaN","b":"-Infinity"}'),
        ({"a": "NaN"}, '{"a":"NaN"}'),
        ({"a": Decimal("0.5")}, '{"a":0.5}'),
    ],
)
def test_json_in_the_store_is_plain_json(document, text):
    assert json_text(document) == text
    assert json.loads(text) == plain_json(document)
    json.dumps(plain_json(document), ensure_ascii=False, allow_nan=False).encode()


def test_a_notebook_in_a_folder_whose_name_is_not_utf_8_makes_images_and_exports_them(tmp_path, monkeypatch):
    notebook = str(tmp_path) + IN_LATIN_1.decode("utf-8", "surrogateescape")
    monkeypatch.setenv("JPY_SESSION_NAME", notebook)
    with Session(api_key="k", transport=Simulator().transport(), store=tmp_path / "store") as session:
        assert session.generate("a fox", model="venice-sd35", width=256, height=256).images
        assert session.log.get("last").draft.context["notebook"].endswith(r"f\udcfcchs.ipynb")
        for name in ("runs.zip", "runs.jsonl", "runs.csv", "crate"):
            assert export(session.log, tmp_path / name).count == 1
    there = Log.open(tmp_path / "there")
    assert import_zip(there, tmp_path / "runs.zip").added == 1
    there.close()


def test_one_run_whose_cell_holds_half_a_character_keeps_no_export_from_being_written(log, make, tmp_path):
    drafts = [make.draft(context={"cell": HALF, "variables": {"x": float("nan")}}), make.draft()]
    log.reserve(drafts)
    for draft in drafts:
        log.finish(draft.run_id, make.outcome("failed", error=f"an error of {HALF}"))
    assert export(log, tmp_path / "runs.zip").count == 2
    assert log.get(drafts[0].run_id).draft.context == {"cell": r"\ud800", "variables": {"x": "NaN"}}
    assert log.verify().ok


def test_what_an_older_version_put_on_record_is_exported_as_plain_json(log, make, tmp_path):
    log.reserve([draft := make.draft()])
    log.finish(draft.run_id, make.outcome("failed"))
    record = log.get(draft.run_id)
    old = replace(record, draft=replace(record.draft, context={"cell": HALF, "variables": {"x": float("nan")}}))
    export(log, tmp_path / "runs.jsonl", [old])
    document = json.loads((tmp_path / "runs.jsonl").read_text("utf-8"), parse_constant=pytest.fail)
    assert document["context"] == {"cell": r"\ud800", "variables": {"x": "NaN"}}
