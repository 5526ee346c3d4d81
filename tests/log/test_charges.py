from decimal import Decimal

import pytest

from venice_widgets.errors import InvalidRequest, StoreError
from venice_widgets.log import Status, balance_difference

CENT = Decimal("0.01")


@pytest.fixture
def unknown(log, make):
    """The id of a run that may have been charged up to three cents."""
    draft = make.draft(reserve_usd=3 * CENT)
    log.reserve([draft])
    log.mark_sent(draft.run_id)
    log.finish(draft.run_id, make.outcome(Status.UNKNOWN, error="timed out", error_class="PossiblyCharged"))
    return draft.run_id


def test_settled_as_not_charged_a_run_is_free_and_failed(log, unknown):
    log.resolve(unknown[-8:], charged=False)
    record = log.get(unknown)
    assert (record.status, record.charged_usd, record.charge_source) == (Status.FAILED, 0, "by hand")
    assert record.outcome.error == "timed out"
    assert log.spent().total_usd == 0
    assert log.doctor().unknown == ()


@pytest.mark.parametrize(("amount", "counted"), [(None, 3 * CENT), (Decimal("0.02"), Decimal("0.02")), (Decimal(0), 0)])
def test_settled_as_charged_a_run_counts_what_it_cost_or_its_reservation(log, unknown, amount, counted):
    log.resolve(unknown, charged=True, amount=amount)
    assert (log.get(unknown).status, log.get(unknown).charged_usd) == (Status.UNKNOWN, counted)
    assert (log.spent().charged_usd, log.spent().unknown_usd) == (counted, 0)
    assert log.doctor().unknown == ()


def test_what_was_settled_can_be_settled_anew(log, unknown):
    log.resolve(unknown, charged=False)
    log.resolve(unknown, charged=True, amount=CENT)
    assert (log.get(unknown).status, log.spent().total_usd) == (Status.UNKNOWN, CENT)


def test_a_late_answer_outweighs_what_a_person_thought(log, make, unknown):
    log.resolve(unknown, charged=False)
    log.finish(unknown, make.outcome(images=(make.picture(),)))
    record = log.get(unknown)
    assert (record.status, record.charged_usd, record.charge_source) == (Status.SUCCEEDED, None, None)
    assert log.spent().estimated_usd == CENT


def test_a_late_failure_leaves_what_a_person_said(log, make, unknown):
    log.resolve(unknown, charged=True)
    log.finish(unknown, make.outcome(Status.UNKNOWN))
    assert log.get(unknown).charged_usd == 3 * CENT


def test_only_an_unknown_run_is_settled(log, make):
    draft = make.draft()
    log.reserve([draft])
    with pytest.raises(StoreError, match="is pending: there is nothing to settle"):
        log.resolve(draft.run_id, charged=False)


def test_a_run_without_a_price_needs_an_amount(log, make):
    draft = make.draft(estimate_usd=None, reserve_usd=None)
    log.reserve([draft])
    log.finish(draft.run_id, make.outcome(Status.UNKNOWN))
    assert log.spent().unpriced_runs == 1
    with pytest.raises(StoreError, match=r"price of run \w+ is unknown"):
        log.resolve(draft.run_id, charged=True)
    log.resolve(draft.run_id, charged=True, amount=CENT)
    assert (log.spent().unpriced_runs, log.spent().total_usd) == (0, CENT)


@pytest.mark.parametrize(("charged", "amount"), [(False, "1"), (True, "-1"), (True, "NaN"), (True, "Infinity")])
def test_amounts_that_make_no_sense_are_refused(log, unknown, charged, amount):
    with pytest.raises(InvalidRequest):
        log.resolve(unknown, charged, Decimal(amount))
    assert log.spent().unknown_usd == 3 * CENT


def test_a_ledger_turns_estimated_into_charged(log, make, unknown):
    draft, other = make.draft(), make.draft()
    log.reserve([draft, other])
    log.finish(draft.run_id, make.outcome(response_id="request-1"))
    log.finish(other.run_id, make.outcome(response_id="request-2"))
    entries = [("request-1", Decimal("0.004")), ("stranger", CENT), ("request-1", Decimal("0.008"))]
    found = log.reconcile(entries)
    assert (found.charged, found.strangers) == ((draft.run_id,), ("stranger",))
    record = log.get(draft.run_id)
    assert (record.charged_usd, record.charge_source) == (Decimal("0.012"), "billing/usage-history")
    spent = log.spent()
    assert (spent.charged_usd, spent.estimated_usd, spent.unknown_usd) == (Decimal("0.012"), CENT, 3 * CENT)
    assert log.reconcile(entries) == found, "reading the same ledger again changes nothing"
    assert log.spent() == spent


def test_a_charge_of_a_run_that_is_not_there_is_an_error(log):
    with pytest.raises(StoreError, match="not in the log"):
        log.record_charge("01JDNOBODY", CENT, "ledger")


def test_a_difference_of_balances_belongs_to_all_runs_between_them(log, make):
    drafts = [make.draft() for _ in range(3)]
    log.reserve(drafts)
    for draft, balance in zip(drafts, ("10.00", "9.99", None), strict=True):
        log.mark_sent(draft.run_id)
        log.finish(draft.run_id, make.outcome(balance_before_usd=balance and Decimal(balance)))
    found = balance_difference(log.search(), Decimal("9.95"))
    assert (found.difference_usd, found.runs, found.estimated_usd) == (Decimal("0.05"), 3, 3 * CENT)


def test_what_did_not_run_or_was_refused_should_have_cost_nothing(log, make):
    drafts = [make.draft() for _ in range(3)]
    log.reserve(drafts)
    for draft, status in zip(drafts, (Status.SUCCEEDED, Status.REFUSED, Status.FAILED), strict=True):
        log.mark_sent(draft.run_id)
        log.finish(draft.run_id, make.outcome(status=status, balance_before_usd=CENT * 10))
    assert balance_difference(log.search(), CENT * 9).estimated_usd == CENT


def test_without_a_balance_there_is_no_difference(log, make):
    log.reserve([make.draft()])
    assert balance_difference(log.search(), CENT) is None


def test_without_a_price_a_difference_stands_alone(log, make):
    draft = make.draft(estimate_usd=None)
    log.reserve([draft])
    log.mark_sent(draft.run_id)
    log.finish(draft.run_id, make.outcome(balance_before_usd=CENT))
    assert balance_difference(log.search(), Decimal(0)).estimated_usd is None
