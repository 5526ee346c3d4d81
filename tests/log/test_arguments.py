"""Values of a wrong type from Python: each is refused by name, before the log is asked or changed."""

from datetime import UTC, date, datetime
from decimal import Decimal
from pathlib import Path

import numpy as np
import pytest

from venice_widgets.errors import InvalidRequest, UnreadableFile, VeniceError
from venice_widgets.log import Status
from venice_widgets.log.export import export, export_images, import_zip

NOT_TEXT = [None, 7, 1.5, True, b"x", ["x"], Decimal("NaN"), datetime(2026, 1, 1, tzinfo=UTC), object()]
NOT_WHOLE = [1.5, True, "7", b"7", [7], float("nan"), Decimal(7), object()]
NOT_AMOUNTS = [None, True, [], "x", b"1", "nan", float("inf"), Decimal("sNaN"), Decimal(-1), -0.01, 10**7, 10**5000]


@pytest.fixture
def run_id(log, make):
    """A run that may have been charged."""
    log.reserve([draft := make.draft()])
    log.finish(draft.run_id, make.outcome(Status.UNKNOWN))
    return draft.run_id


def refused(what, ask, *values):
    for value in values:
        with pytest.raises(InvalidRequest) as caught:
            ask(value)
        assert caught.value.field == what
        assert caught.value.message.startswith(f"{what} ")


@pytest.mark.parametrize("name", ["model", "session_id", "plan_id", "notebook"])
def test_a_filter_that_is_not_text_is_refused(log, name):
    refused(name, lambda value: log.search(**{name: value}), *NOT_TEXT[1:])
    refused(name, lambda value: log.count(**{name: value}), *NOT_TEXT[1:])


def test_words_that_are_not_text_are_refused(log):
    for ask in (log.search, log.count, lambda value: list(log.each(value))):
        refused("text", ask, *NOT_TEXT[1:], 0, [], {})


def test_a_seed_or_a_number_of_runs_that_is_not_whole_is_refused(log):
    refused("seed", lambda value: log.search(seed=value), *NOT_WHOLE)
    refused("limit", lambda value: log.search(limit=value), *NOT_WHOLE, None, -1, 10**5000 - 10**5001)
    refused("offset", lambda value: log.search(offset=value), *NOT_WHOLE, None, -1)


def test_a_whole_number_of_numpy_is_one(log, make):
    log.reserve([make.draft(seed=seed) for seed in (41, 42)])
    assert [run.draft.seed for run in log.search(seed=np.int64(41), limit=np.int32(9))] == [41]


def test_a_switch_that_is_only_taken_for_one_is_refused(log, run_id):
    refused("favorite", lambda value: log.search(favorite=value), 1, "yes", [])
    refused("on", lambda value: log.favorite(run_id, value), None, 1, "no")


def test_a_run_that_may_have_been_charged_is_settled_by_true_or_false_alone(log, run_id):
    refused("charged", lambda value: log.resolve(run_id, value), "not-charged", "charged", 1, None)
    assert log.get(run_id).charged_usd is None


def test_moments_are_datetimes_and_the_ends_of_the_calendar_are_moments(log, run_id):
    for name in ("since", "until"):
        refused(name, lambda value, name=name: log.search(**{name: value}), date(2026, 1, 1), "2026-01-01", 7)
    refused("day", lambda value: log.spent(day=value), "2026-01-01", 7)
    assert [run.run_id for run in log.search(since=datetime.min, until=datetime.max)] == [run_id]  # noqa: DTZ901
    assert log.spent(day=datetime.min).runs == 0  # noqa: DTZ901


def test_a_filter_that_there_is_not_is_named_with_those_that_there_are(log):
    with pytest.raises(InvalidRequest, match=r"'modle'.*\n.*model, seed, status"):
        log.search(modle="x")


def test_what_names_a_run_or_an_image_is_text(log):
    for ask in (log.get, log.favorite, lambda value: log.resolve(value, charged=True)):
        refused("run", ask, *NOT_TEXT)
    for ask in (log.find_image, log.delete_image, log.deleted_at, log.is_deleted):
        refused("sha256", ask, *NOT_TEXT)
    refused("request_hash", log.find_same, *NOT_TEXT)
    refused("run_id", log.verdict, *NOT_TEXT)
    refused("model", log.verdicts, *NOT_TEXT)
    refused("session_id", lambda value: log.spent(session_id=value), *NOT_TEXT[1:])


def test_half_a_character_finds_nothing(log, run_id):
    assert log.search(model="\ud800") == log.search("\ud800x") == log.find_image("\ud800") == []
    with pytest.raises(VeniceError, match="holds no run"):
        log.get("\ud800")


def test_what_a_run_cost_is_an_amount_and_nothing_is_changed_by_another(log, run_id):
    refused("amount", lambda value: log.record_charge(run_id, value, "the page"), *NOT_AMOUNTS)
    refused("amount", lambda value: log.resolve(run_id, charged=True, amount=value), *NOT_AMOUNTS[1:])
    refused("source", lambda value: log.record_charge(run_id, Decimal(1), value), *NOT_TEXT)
    assert log.get(run_id).charged_usd is None
    log.resolve(run_id, charged=True, amount=0.05)
    assert log.get(run_id).charged_usd == Decimal("0.05")


def test_a_ledger_that_is_not_one_changes_nothing(log, make):
    log.reserve([draft := make.draft()])
    log.finish(draft.run_id, make.outcome(response_id="request-1", images=(make.image(),)))
    whole = ("request-1", Decimal("0.02"))
    refused("entries", log.reconcile, None, 7, "request-1")
    for entry in ("ab", ("request-1",), ("request-1", 0.02), (7, Decimal(1)), None, (*whole, None)):
        with pytest.raises(InvalidRequest, match=r"not a ledger's entry.*\n.*Nothing was changed"):
            log.reconcile([whole, entry])
    assert log.get(draft.run_id).charged_usd is None


def test_a_run_that_gave_an_image_is_not_settled_away(log, make):
    log.reserve([draft := make.draft()])
    log.finish(draft.run_id, make.outcome(images=(make.image(),)))
    log.record_charge(draft.run_id, Decimal("0.02"), "by hand")
    with pytest.raises(VeniceError, match="is succeeded: there is nothing to settle"):
        log.resolve(draft.run_id, charged=False)
    assert log.get(draft.run_id).status is Status.SUCCEEDED


def test_what_is_exported_are_runs(log, run_id, tmp_path):
    for records in (7, "x", [7], [run_id], log.get(run_id)):
        with pytest.raises(InvalidRequest, match="are not runs"):
            export(log, tmp_path / "runs.zip", records)
        with pytest.raises(InvalidRequest, match="are not runs"):
            export_images(log, tmp_path / "images", records)
    for name in ("name", "author", "license_url"):
        refused(name, lambda value, name=name: export(log, tmp_path / "crate", **{name: value}), *NOT_TEXT)
    assert not any((tmp_path / name).exists() for name in ("runs.zip", "images", "crate"))


def test_a_name_that_no_file_can_have_is_not_read_or_written(log, tmp_path):
    for name in ("a\0b", "\ud800", "x" * 5000):
        with pytest.raises(UnreadableFile):
            import_zip(log, name)
        with pytest.raises(VeniceError):
            log.backup(name)
    for value in (None, 7, b"x", ""):
        refused("path", lambda value: import_zip(log, value), value)
        refused("path", log.backup, value)


def test_paths_are_given_as_text_or_as_paths(log, make, tmp_path):
    log.reserve([make.draft(context={"notebook": "/work/fox.ipynb"})])
    assert len(log.search(notebook=Path("fox.ipynb"))) == len(log.search(notebook="fox.ipynb")) == 1
    log.backup(str(tmp_path / "copy.sqlite"))
    assert (tmp_path / "copy.sqlite").exists()
