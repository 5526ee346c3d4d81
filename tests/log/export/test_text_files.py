"""JSONL holds every run whole; CSV is flat and starts nothing in a spreadsheet."""

import csv
import json
from dataclasses import fields
from datetime import UTC, datetime
from decimal import Decimal

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from venice_widgets.errors import InvalidRequest, StoreError, UnreadableFile
from venice_widgets.log import BodyRecord, ImageRecord, RunDraft, RunOutcome, RunRecord, Status, VerdictRecord
from venice_widgets.log.export import export
from venice_widgets.log.export import run_document as documents
from venice_widgets.log.export.run_document import from_document, to_document
from venice_widgets.log.export.text_files import columns
from venice_widgets.request.request import canonical, sha256_tag


def test_every_fact_of_a_record_has_its_kind_so_that_none_is_lost_in_silence():
    apart = {
        RunDraft: {"request"},
        RunOutcome: {"images", "bodies"},
        RunRecord: {"draft", "status", "outcome", "favorite"},
        VerdictRecord: {"run_id"},
    }
    kinds = {
        RunDraft: documents.DraftPart, RunOutcome: documents.OutcomePart, RunRecord: documents.RunPart,
        ImageRecord: documents.ImagePart, BodyRecord: documents.BodyPart, VerdictRecord: documents.VerdictPart,
    }  # fmt: skip
    for record, known in kinds.items():
        assert {field.name for field in fields(record)} - apart.get(record, set()) == set(known.model_fields), record


def test_jsonl_holds_every_run_whole_one_a_line(study, tmp_path):
    done = export(study.log, tmp_path / "runs.jsonl")
    lines = (tmp_path / "runs.jsonl").read_text("utf-8").splitlines()
    assert (done.kind, done.count) == ("JSONL", len(lines))
    found = [from_document(json.loads(line)) for line in lines]
    assert [record for record, _, _ in found] == list(study.log.each())
    assert [verdict for _, verdict, _ in found if verdict] == study.log.verdicts("venice-sd35")
    assert {record.status for record, _, _ in found} >= {
        Status.SUCCEEDED,
        Status.REFUSED,
        Status.FAILED,
        Status.UNKNOWN,
    }
    assert {json.loads(line)["schema"] for line in lines} == {1}


def test_csv_has_one_row_a_run_and_the_prompt_as_it_was_but_for_its_apostrophe(study, tmp_path):
    export(study.log, tmp_path / "runs.csv")
    with (tmp_path / "runs.csv").open(newline="", encoding="utf-8") as file:
        rows = list(csv.DictReader(file))
    records = list(study.log.each())
    assert [row["run_id"] for row in rows] == [record.run_id for record in records]
    assert rows[0]["prompt"] == "'" + study.prompt
    assert (rows[0]["request_steps"], rows[0]["request_cfg_scale"], rows[0]["estimate_usd"]) == ("25", "7.5", "0.01")
    assert rows[0]["image_sha256"] == records[0].images[0].sha256
    assert [row["replay_grade"] for row in rows].count("identical bytes") == 1


def test_pandas_reads_the_csv(study, tmp_path):
    import pandas as pd

    export(study.log, tmp_path / "runs.csv")
    table = pd.read_csv(tmp_path / "runs.csv")
    assert list(table.columns) == columns()
    known = [record.draft.estimate_usd for record in study.log.each()]
    assert table["estimate_usd"].sum() == pytest.approx(float(sum(known)))


def test_no_cell_of_the_csv_begins_like_a_formula(study, tmp_path):
    export(study.log, tmp_path / "runs.csv")
    with (tmp_path / "runs.csv").open(newline="", encoding="utf-8") as file:
        cells = [cell for row in csv.reader(file) for cell in row]
    assert not [cell for cell in cells if cell.startswith(("=", "+", "-", "@", "\t"))]


@pytest.mark.parametrize("name", ["runs.jsonl", "runs.csv", "study.zip", "crate"])
def test_nothing_that_exists_is_overwritten(study, tmp_path, name):
    taken = tmp_path / name
    if name == "crate":
        taken.mkdir()
        taken /= "mine.txt"
    taken.write_text("mine")
    with pytest.raises(InvalidRequest, match="nothing is overwritten"):
        export(study.log, tmp_path / name)
    assert taken.read_text() == "mine"


@pytest.mark.parametrize("name", ["runs.jsonl", "runs.csv", "study.zip"])
def test_an_export_that_fails_leaves_nothing_behind(study, tmp_path, name):
    def broken():
        yield next(study.log.each())
        raise StoreError("the disk went away")

    with pytest.raises(StoreError, match="went away"):
        export(study.log, tmp_path / name, broken())
    assert not (tmp_path / name).exists()


def test_a_place_that_cannot_be_written_is_said(study, tmp_path):
    (tmp_path / "file").write_text("")
    with pytest.raises(StoreError, match="cannot be written"):
        export(study.log, tmp_path / "file" / "runs.jsonl")


def test_an_ending_that_names_no_kind_is_refused(study, tmp_path):
    with pytest.raises(InvalidRequest, match=r"runs\.xlsx names no kind.*\n.*\.jsonl, \.csv or \.zip"):
        export(study.log, tmp_path / "runs.xlsx")


def test_runs_on_their_way_are_left_out_and_counted(elsewhere, tmp_path, study):
    from dataclasses import replace

    record = next(study.log.each())
    elsewhere.add_whole(record)
    elsewhere.reserve([replace(record.draft, run_id="0" * 26)])
    done = export(elsewhere, tmp_path / "runs.jsonl")
    assert (done.count, done.under_way) == (1, 1)


texts = st.text(st.characters(codec="utf-8"), max_size=20)
moments = st.datetimes(datetime(2001, 1, 1), datetime(2100, 1, 1), timezones=st.just(UTC))  # noqa: DTZ001
prices = st.none() | st.integers(0, 10**9).map(lambda micro: Decimal(micro) / 1_000_000)
ulids = st.text("0123456789ABCDEFGHJKMNPQRSTVWXYZ", min_size=25, max_size=25).map(lambda end: "0" + end)
plain = st.recursive(
    st.none() | st.booleans() | st.integers(-(2**53) + 1, 2**53 - 1) | texts,
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(texts, inner, max_size=3),
    max_leaves=6,
)
objects = st.dictionaries(texts, plain, max_size=3)


@st.composite
def records(draw):
    sent = {"model": draw(texts), "prompt": draw(texts), "seed": draw(st.integers(-(10**9), 10**9))}
    request = canonical({**draw(objects), **sent})
    images = st.builds(
        ImageRecord, sha256=st.binary(min_size=32, max_size=32).map(bytes.hex), size_bytes=st.integers(0, 10**9),
        mime=texts, width=st.integers(0, 10**5), height=st.integers(0, 10**5),
        seed=st.none() | st.just(sent["seed"]), mode=texts,
    )  # fmt: skip
    draft = draw(
        st.builds(
            RunDraft, run_id=ulids, generation_id=ulids, position=st.integers(0, 999), created_at=moments,
            base_url=texts, model=st.just(sent["model"]), asked_model=st.none() | texts,
            seed=st.just(sent["seed"]), seed_drawn=st.booleans(),
            prompt=st.just(sent["prompt"]), request=st.just(request.decode()),
            request_hash=st.just(sha256_tag(request)),
            body_sha256=texts, estimate_usd=prices, reserve_usd=prices, formula=texts, catalogue_entry=objects,
            environment=objects, context=objects, parent_run_id=st.none() | texts, relation=st.none() | texts,
            session_id=texts,
        )
    )  # fmt: skip
    status = draw(st.sampled_from([status for status in Status if status not in (Status.PENDING, Status.SENT)]))
    truth = st.none() | st.booleans()
    outcome = draw(
        st.builds(
            RunOutcome, status=st.just(status), finished_at=moments, attempts=st.integers(0, 9),
            error_class=st.none() | texts, error=st.none() | texts, response_id=st.none() | texts,
            response=st.none() | objects, headers=st.dictionaries(st.just("cf-ray"), texts),
            status_code=st.none() | st.integers(100, 599), first_byte_at=st.none() | moments, blurred=truth,
            violation=truth, enhanced_prompt=st.none() | texts, balance_before_usd=prices,
            images=st.lists(images, max_size=2, unique_by=lambda image: image.sha256).map(tuple),
        )
    )  # fmt: skip
    return RunRecord(
        draft=draft, status=status, outcome=outcome, sent_at=draw(st.none() | moments), charged_usd=draw(prices),
        charge_source=draw(st.none() | texts),
    )  # fmt: skip


@settings(max_examples=60, deadline=None)
@given(record=records(), figures=objects, judged_at=moments)
def test_a_run_becomes_json_and_the_same_run_again(record, figures, judged_at):
    verdict = VerdictRecord(
        run_id=record.run_id, judged_at=judged_at, grade="similar", circumstances=("a", "b"), figures=figures
    )
    deleted = {image.sha256 for image in record.images[:1]}
    document = json.loads(json.dumps(to_document(record, verdict, deleted), allow_nan=False))
    assert from_document(document) == (record, verdict, deleted)


@settings(max_examples=25, deadline=None)
@given(record=records())
def test_any_run_goes_into_a_log_and_comes_out_the_same(tmp_path_factory, record):
    from venice_widgets.log import Log

    log = Log.open(tmp_path_factory.mktemp("log"))
    log.add_whole(record)
    assert log.get(record.run_id) == record
    assert log.verify().wrong_totals == ()
    log.close()


@settings(max_examples=60, deadline=None)
@given(
    record=records(),
    name=st.sampled_from(
        [
            *documents.DraftPart.model_fields,
            *documents.OutcomePart.model_fields,
            "images",
            "schema",
            "verdict",
            "request",
        ]
    ),
    value=plain | st.floats() | st.just("\ud800") | st.integers(),
)
def test_a_wrong_value_anywhere_is_an_unreadable_file_or_a_run(record, name, value):
    document = {**to_document(record), name: value}
    try:
        found, _, _ = from_document(document)
    except UnreadableFile:
        return
    assert isinstance(found, RunRecord)


@pytest.mark.parametrize("name", ["runs.jsonl", "runs.csv", "study.zip", "crate"])
def test_nothing_is_not_exported(log, make, tmp_path, name):
    log.reserve([make.draft()])
    for records in ([], None):
        with pytest.raises(InvalidRequest, match=r"there is no run to export.*\n.*Nothing was written"):
            export(log, tmp_path / name, records)
    assert not (tmp_path / name).exists()
