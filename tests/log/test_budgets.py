from contextlib import suppress
from dataclasses import replace
from datetime import timedelta
from decimal import Decimal

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from venice_widgets.errors import InvalidRequest, SpendingRefused, StoreError
from venice_widgets.log import Budgets, Log, RunRecord, Status, processes
from venice_widgets.log.run_rows import recount

DOLLAR = Decimal(1)
CENT = Decimal("0.01")


def test_a_budget_that_is_not_covered_refuses_all_and_names_what_is_left(log, make):
    budgets = Budgets(project_usd=Decimal("0.05"))
    log.reserve([make.draft() for _ in range(3)], budgets)
    with pytest.raises(SpendingRefused) as refused:
        log.reserve([make.draft() for _ in range(3)], budgets)
    assert refused.value.message == (
        "this may cost $0.03, and of the project's budget of $0.05 only $0.02 is left "
        "($0.03 is reserved for runs that are in flight or unknown: %venice doctor)."
    )
    assert "project_budget_usd" in refused.value.remedy
    assert len(log.search()) == 3
    log.reserve([make.draft() for _ in range(2)], budgets)


@pytest.mark.parametrize("scope", ["session", "day", "project"])
def test_an_unknown_price_is_refused_under_any_budget(log, make, scope):
    draft = make.draft(reserve_usd=None, estimate_usd=None)
    with pytest.raises(SpendingRefused, match="price of z-image-turbo is unknown"):
        log.reserve([draft], Budgets(**{f"{scope}_usd": DOLLAR}))
    log.reserve([draft], Budgets())
    assert log.spent().unpriced_runs == 1


@pytest.mark.parametrize(
    ("outcome", "spent_usd"),
    [
        (None, "0.30"),
        (Status.UNKNOWN, "0.30"),
        (Status.SUCCEEDED, "0.30"),
        (Status.REFUSED, "0"),
        (Status.FAILED, "0"),
        (Status.CANCELLED, "0"),
    ],
)
def test_what_counts_as_spent_depends_on_how_it_ended(log, make, outcome, spent_usd):
    draft = make.draft(estimate_usd=Decimal("0.20"), reserve_usd=Decimal("0.30"))
    log.reserve([draft])
    log.mark_sent(draft.run_id)
    if outcome:
        log.finish(draft.run_id, make.outcome(outcome))
    assert log.spent().total_usd == Decimal(spent_usd)


def test_a_known_charge_counts_instead_of_the_estimate(log, make):
    draft = make.draft()
    log.reserve([draft])
    log.finish(draft.run_id, make.outcome())
    log.record_charge(draft.run_id, Decimal("0.07"), "billing/usage-history")
    assert (log.spent().total_usd, log.spent().charged_usd) == (Decimal("0.07"), Decimal("0.07"))
    assert log.left(Budgets(project_usd=Decimal("0.05")))[0].left_usd == Decimal("-0.02")


def test_a_session_a_day_and_the_project_are_counted_apart(log, make):
    today = make.draft(session_id="a")
    tomorrow = make.draft(session_id="b", created_at=today.created_at + timedelta(days=1))
    log.reserve([today])
    log.reserve([tomorrow], Budgets(session_usd=CENT, day_usd=CENT))
    assert log.spent(session_id="a").total_usd == log.spent(day=tomorrow.created_at).total_usd == CENT
    assert log.spent().total_usd == 2 * CENT
    with pytest.raises(SpendingRefused, match="of the session's budget of"):
        log.reserve([make.draft(session_id="a")], Budgets(session_usd=CENT))
    with pytest.raises(SpendingRefused, match="of the day's budget of"):
        log.reserve([make.draft(session_id="c")], Budgets(day_usd=CENT))
    with pytest.raises(SpendingRefused, match="of the project's budget of"):
        log.reserve([make.draft(created_at=make.start - timedelta(days=9))], Budgets(project_usd=2 * CENT))


def test_what_is_left_is_told_for_every_limit(log, make):
    draft = make.draft(session_id="a")
    log.reserve([draft])
    left = log.left(Budgets(session_usd=DOLLAR, project_usd=2 * DOLLAR), "a")
    assert [part.text for part in left] == [
        "session: $0.99 of $1.00 left, $0.01 reserved or unknown",
        "project: $1.99 of $2.00 left, $0.01 reserved or unknown",
    ]
    assert log.left(Budgets()) == ()


def test_prices_below_a_cent_add_up_exactly(log, make):
    log.reserve([make.draft(reserve_usd=Decimal("0.0375")) for _ in range(8)], Budgets(project_usd=Decimal("0.30")))
    with pytest.raises(SpendingRefused, match=r"\$0.00 is left"):
        log.reserve([make.draft(reserve_usd=Decimal("0.000001"))], Budgets(project_usd=Decimal("0.30")))


def sql(log, statement, *values):
    return log._database.write(lambda connection: [tuple(row) for row in connection.execute(statement, values)])


def crash(log, make, run_id, amount):
    """All programs are gone, and the next one opens the store."""
    sql(log, "UPDATE runs SET process = ?", replace(processes.this_process(), started="1").text)
    log.recover()


def bring_in(log, make, run_id, amount):
    """A run of another store."""
    log.add_whole(RunRecord(draft=make.draft(), status=Status.UNKNOWN, outcome=make.outcome(Status.UNKNOWN)))


STEPS = {
    "sent": lambda log, make, run_id, amount: log.mark_sent(run_id),
    "charged": lambda log, make, run_id, amount: log.resolve(run_id, charged=True, amount=amount),
    "not charged": lambda log, make, run_id, amount: log.resolve(run_id, charged=False),
    "ledger": lambda log, make, run_id, amount: log.reconcile([(run_id, amount or CENT), (run_id, CENT)]),
    "source": lambda log, make, run_id, amount: log.record_charge(run_id, amount or CENT, "balance"),
    "amended": lambda log, make, run_id, amount: log.amend(make.draft(run_id=run_id)),
    "crash": crash,
    "import": bring_in,
    **{
        status: lambda log, make, run_id, amount, status=status: log.finish(
            run_id, make.outcome(status, response_id=run_id)
        )
        for status in (Status.SUCCEEDED, Status.REFUSED, Status.FAILED, Status.UNKNOWN, Status.CANCELLED)
    },
}


@settings(max_examples=60, deadline=None)
@given(
    prices=st.lists(st.sampled_from([None, CENT, Decimal("0.0375")]), min_size=1, max_size=4),
    steps=st.lists(
        st.tuples(st.sampled_from([*STEPS]), st.integers(0, 3), st.sampled_from([None, Decimal(0), Decimal("0.04")])),
        max_size=20,
    ),
)
def test_kept_totals_are_always_the_sum_of_their_runs(tmp_path_factory, prices, steps, make):
    log = Log.open(tmp_path_factory.mktemp("store"))
    drafts = [
        make.draft(
            estimate_usd=price, reserve_usd=price, session_id=str(place % 2), context={"notebook": f"{place % 3}"}
        )
        for place, price in enumerate(prices)
    ]
    log.reserve(drafts)
    for name, place, amount in steps:
        with suppress(StoreError, InvalidRequest):  # not every step fits every state: then it changes nothing
            STEPS[name](log, make, drafts[place % len(drafts)].run_id, amount)
    assert log._database.read(recount) == []
    columns = "estimated_usd + margin_usd + charged_usd + reserved_usd + unknown_usd"
    ((viewed,),) = sql(log, f"SELECT sum({columns}) FROM v_costs")
    assert viewed == pytest.approx(float(log.spent().total_usd))
    log.close()
