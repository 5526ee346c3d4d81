"""Repeating a few runs within a budget, and what is reported by date."""

from datetime import UTC, datetime, timedelta
from decimal import Decimal

import pytest

from venice_widgets.errors import CatalogueError, InvalidRequest, RateLimited, ServiceUnavailable, VeniceError
from venice_widgets.log import VerdictRecord
from venice_widgets.replays import drift, look, replay
from venice_widgets.replays.drift import by_date, choose
from venice_widgets.simulator import Fault


def generate(session, images=1, **fields):
    values = {"model": "venice-sd35", "seed": 1, "width": 256, "height": 256, **fields}
    return session.generate("a fox", images=images, **values)


def sent(simulator):
    return [request.json["seed"] for request in simulator.requests if request.path == "/image/generate"]


def test_no_more_is_spent_than_the_budget(session, simulator):
    generate(session, images=5)
    found = drift(session, "venice-sd35", "0.025", runs=5)
    assert len(found.replays) == 2
    assert len(sent(simulator)) == 7
    assert found.estimated_usd == Decimal("0.02")
    assert "$0.005 of the budget is left" in found.left_out[0]


def test_a_budget_of_nothing_sends_nothing_and_says_so(session, simulator):
    generate(session)
    found = drift(session, "venice-sd35", 0)
    assert found.replays == ()
    assert len(sent(simulator)) == 1
    assert "No run of venice-sd35 was repeated" in found.bundle().data["text/plain"]


def test_what_costs_an_unknown_amount_is_left_out(session, simulator, tmp_path):
    import io

    from PIL import Image

    file = io.BytesIO()
    Image.new("RGB", (64, 64), "teal").save(file, "PNG")
    (tmp_path / "sketch.png").write_bytes(file.getvalue())
    generate(
        session, model="krea-v2-large", style_references=[tmp_path / "sketch.png"], yes=True, width=None, height=None
    )
    found = drift(session, "krea-v2-large", 100)
    assert found.replays == ()
    assert "unknown" in found.left_out[0]


def test_runs_that_were_repeated_before_are_repeated_again(session, simulator):
    images = generate(session, images=9).images
    replay(session, images[3].run_id)
    drift(session, "venice-sd35", 1, runs=1)
    drift(session, "venice-sd35", 1, runs=1)
    assert sent(simulator)[9:] == [4, 4, 4]


def test_runs_are_spread_over_the_time_that_the_log_covers(session):
    runs = [image.run_id for image in generate(session, images=9).images]
    positions = [runs.index(record.run_id) for record in choose(session.log, "venice-sd35")]
    assert positions[:3] == [0, 8, 4]
    assert sorted(positions) == list(range(9))


def test_replays_repeats_blurred_images_and_web_searches_are_not_chosen(session, simulator):
    first = generate(session).images[0]
    generate(session)
    replay(session, first.run_id)
    simulator.add_fault(Fault("blur"))
    generate(session, seed=2)
    deleted = generate(session, seed=3).images[0]
    session.log.delete_image(deleted.sha256)
    assert [record.run_id for record in choose(session.log, "venice-sd35")] == [first.run_id]
    generate(session, model="nano-banana-2", enable_web_search=True, width=None, height=None)
    with pytest.raises(InvalidRequest, match="no run of nano-banana-2 that could be repeated"):
        drift(session, "nano-banana-2", 1)


def test_a_model_that_ignores_seeds_is_not_paid_for(session, simulator):
    generate(session, model="nano-banana-pro", width=None, height=None)
    found = drift(session, "nano-banana-pro", 10)
    assert found.replays == ()
    assert "ignores seeds" in found.left_out[0]
    assert len(sent(simulator)) == 1


def test_what_came_before_a_failure_is_kept_and_told(session, simulator):
    generate(session, images=3)
    simulator.add_fault(Fault("401", nth=5))
    found = drift(session, "venice-sd35", 1)
    assert len(found.replays) == 1
    assert found.problem is not None
    assert not isinstance(found.problem, RateLimited | ServiceUnavailable)
    assert str(found.problem).splitlines()[0] in found.bundle().data["text/plain"]


def test_replays_that_were_paid_are_told_when_the_next_cannot_even_be_looked_at(session, simulator, monkeypatch):
    generate(session, images=3)
    looked = []

    def look_once(*args, **options):
        looked.append(args)
        if len(looked) > 1:
            raise CatalogueError("the list of models cannot be read.")
        return look(*args, **options)

    monkeypatch.setitem(drift.__globals__, "look", look_once)
    found = drift(session, "venice-sd35", 1)
    assert len(found.replays) == 1
    assert "the list of models cannot be read" in found.bundle().data["text/plain"]


def test_the_history_counts_each_grade_by_date():
    noon = datetime(2026, 11, 22, 12, tzinfo=UTC)
    grades = [("identical bytes", 0), ("identical bytes", 1), ("different", 1), (None, 1)]
    verdicts = [
        VerdictRecord(run_id=str(number), judged_at=noon + timedelta(days=day), grade=grade)
        for number, (grade, day) in enumerate(grades)
    ]
    assert list(by_date(verdicts).items()) == [
        ("2026-11-23", {"no grade": 1, "different": 1, "identical bytes": 1}),
        ("2026-11-22", {"identical bytes": 1}),
    ]


def test_the_report_names_runs_verdicts_and_dates(session):
    generate(session, images=2)
    found = drift(session, "venice-sd35", 1)
    text = found.bundle().data["text/plain"]
    assert text.count("identical bytes") >= 2
    assert datetime.now(UTC).date().isoformat() in text
    assert "Estimated $0.02 of a budget of $1.00" in text


def test_the_report_tells_what_the_responses_said(session, simulator):
    generate(session)
    simulator.add_fault(Fault("seed-mismatch"))
    found = drift(session, "venice-sd35", 1)
    assert "Seed 1 was sent, but Venice says that it used 0." in found.bundle().data["text/plain"]


@pytest.mark.parametrize("runs", [0, 21, -1])
def test_a_number_of_runs_that_makes_no_sense_is_refused(session, runs):
    with pytest.raises(InvalidRequest, match="runs"):
        drift(session, "venice-sd35", 1, runs=runs)


def test_a_model_or_a_number_of_another_type_sends_nothing(session, simulator):
    generate(session)
    for model in (None, 7, True, ["venice-sd35"], b"venice-sd35"):
        with pytest.raises(InvalidRequest, match="is not text"):
            drift(session, model, 1)
    for runs in (None, True, 1.5, "3", [], float("nan"), 0, 21, -1):
        with pytest.raises(InvalidRequest, match="It takes 1 … 20"):
            drift(session, "venice-sd35", 1, runs=runs)
    for budget in (None, True, [], "x", float("nan"), float("inf"), -1, b"1"):
        with pytest.raises(VeniceError, match="is not an amount"):
            drift(session, "venice-sd35", budget)
    assert sent(simulator) == [1]
