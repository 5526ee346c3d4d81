from decimal import Decimal

import pytest

from venice_widgets.errors import InvalidRequest, SpendingRefused, StoreError
from venice_widgets.log import Budgets, Status, balance_difference

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
    log.finish(unknown, make.outcome(images=(make.image(),)))
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


def answered(log, make, response_id):
    log.reserve([draft := make.draft()])
    log.mark_sent(draft.run_id)
    log.finish(draft.run_id, make.outcome(response_id=response_id))
    return draft.run_id


@pytest.mark.parametrize("odd", ["-0.02", "1e30", "-1e999999", "NaN", "Infinity", "1e15"])
def test_one_odd_entry_of_a_ledger_stops_nothing_and_is_named(log, make, odd):
    first, second = answered(log, make, "a"), answered(log, make, "b")
    met = log.reconcile([("a", CENT), ("a", Decimal(odd)), ("b", CENT), ("no one", Decimal(odd))])
    assert (met.charged, met.odd, met.strangers) == ((second,), (first,), ("no one",))
    assert (log.get(first).charged_usd, log.get(second).charged_usd) == (None, CENT)


def test_a_refund_below_its_charge_is_taken_off_it(log, make):
    run_id = answered(log, make, "a")
    log.reconcile([("a", 3 * CENT, "USD"), ("a", -CENT, "USD")])
    assert (log.get(run_id).charged_usd, log.get(run_id).charge_currency) == (2 * CENT, "USD")


def test_what_a_run_was_charged_to_is_kept_and_shown(log, make):
    first, second = answered(log, make, "a"), answered(log, make, "b")
    log.reconcile([("a", CENT, "DIEM"), ("b", CENT, "USD"), ("b", CENT, "BUNDLED")])
    assert [log.get(name).charge_currency for name in (first, second)] == ["DIEM", "BUNDLED+USD"]
    costs = log.frame("v_costs").set_index("run_id")
    assert costs["charge_currency"].to_dict() == {first: "DIEM", second: "BUNDLED+USD"}
    assert costs["charged_usd"].to_dict() == {first: 0.01, second: 0.02}


@pytest.mark.parametrize("amount", ["1e30", "-1", "NaN", "Infinity", "1000000.01"])
def test_an_amount_that_no_run_costs_is_refused_in_words(log, unknown, amount):
    with pytest.raises(InvalidRequest, match=r"is not an amount that a run can cost.*\n.*0 to 1,000,000.*Nothing was"):
        log.resolve(unknown, charged=True, amount=Decimal(amount))
    assert log.get(unknown).status is Status.UNKNOWN


def test_a_succeeded_run_counts_its_reservation_until_its_charge_is_known(log, make):
    """Budgets that count the cheaper of two price lists let more be charged than they allow."""
    budgets = Budgets(project_usd=Decimal("10.80"))
    bought = 0
    for _ in range(12):
        draft = make.draft(estimate_usd=Decimal("0.90"), reserve_usd=Decimal("1.00"))
        try:
            log.reserve([draft], budgets)
        except SpendingRefused:
            break
        log.finish(draft.run_id, make.outcome(response_id=draft.run_id))
        bought += 1
    assert bought == 10, "at a dollar each, the dearer price"
    assert log.spent().total_usd == 10
    newest = log.get("last").run_id
    log.reconcile([(newest, Decimal("0.90"))])
    assert log.spent().total_usd == Decimal("9.90")
