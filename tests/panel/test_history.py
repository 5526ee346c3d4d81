"""The log in the panel: found by words, model, state and date, page by page."""

from datetime import datetime, timedelta

import pytest

from venice_widgets.errors import InvalidRequest
from venice_widgets.panel import history
from venice_widgets.panel.history import find_runs


@pytest.fixture
def log(session):
    for prompt, model in (
        ("a red fox", "z-image-turbo"),
        ("a crow", "nano-banana-2"),
        ("a fox at night", "venice-sd35"),
    ):
        session.generate(prompt, model=model)
    return session.log


def prompts(found):
    return [run.draft.prompt for run in found[0]]


def test_words_of_the_prompt_and_of_the_models_name_find_runs(log, session):
    catalogue = session.catalogue()
    assert prompts(find_runs(log, {"text": "fox"}, catalogue)) == ["a fox at night", "a red fox"]
    assert prompts(find_runs(log, {"text": "nano 2"}, catalogue)) == ["a crow"]
    assert prompts(find_runs(log, {"model": "venice-sd35"}, catalogue)) == ["a fox at night"]
    assert prompts(find_runs(log, {"state": "failed"}, catalogue)) == []


def test_days_are_those_of_the_computer_and_both_ends_count(log):
    today = datetime.now().astimezone()
    yesterday = today - timedelta(days=1)
    assert len(prompts(find_runs(log, {"since": f"{today:%Y-%m-%d}", "until": f"{today:%Y-%m-%d}"}, None))) == 3
    assert prompts(find_runs(log, {"until": f"{yesterday:%Y-%m-%d}"}, None)) == []
    with pytest.raises(InvalidRequest, match="is not a date"):
        find_runs(log, {"since": "yesterday"}, None)


def test_pages_go_through_all_runs(log, monkeypatch):
    monkeypatch.setattr(history, "PAGE", 2)
    first, second = find_runs(log, {"page": 0}, None), find_runs(log, {"page": 1}, None)
    assert (prompts(first), first[1]) == (["a fox at night", "a crow"], 3)
    assert (prompts(second), second[1]) == (["a red fox"], 3)


def test_a_page_comes_with_thumbnails_times_and_prices_and_a_run_is_shown_at_no_cost(open_panel, log, simulator):
    view = open_panel()
    reply, thumbnails = view.ask("history", text="night")
    (run,) = reply["runs"]
    assert thumbnails[0][:3] == b"\xff\xd8\xff"
    assert len(thumbnails[0]) <= 20_000
    assert (run["price"], run["state"]) == ("$0.01", "succeeded")
    assert datetime.fromisoformat(run["when"]).tzinfo is not None
    before = len(simulator.requests)
    view.act("show", run=run["run"])
    view.act("all", run=run["run"])
    view.settle()
    assert view.cards[0]["key"] == run["keys"][0]
    assert "from the log" in view.cards[0]["remarks"]
    assert (view.form["prompt"], view.form["model"]) == ("a fox at night", "venice-sd35")
    assert len([each for each in simulator.requests[before:] if each.path.endswith("/image/generate")]) == 0


def test_favorites_last_in_the_store_and_are_found_alone(open_panel, log):
    view = open_panel()
    run = log.search("crow")[0].run_id
    view.act("favorite", run=run)
    view.settle()
    assert log.get(run).favorite
    reply, _ = view.ask("history", favorite=True)
    assert [(each["run"], each["favorite"]) for each in reply["runs"]] == [(run, True)]
    view.act("favorite", run=run)
    view.settle()
    assert not log.get(run).favorite
