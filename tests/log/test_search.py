import json
import re
import time
from datetime import UTC, datetime, timedelta, timezone
from decimal import Decimal

import pytest
from hypothesis import given
from hypothesis import strategies as st

from venice_widgets.errors import InvalidRequest, StoreError
from venice_widgets.log import Log, RunRecord, Status, search


@pytest.fixture
def ids(log):
    """The run ids that a search finds, as a list."""
    return lambda *words, **filters: [record.run_id for record in log.search(*words, **filters)]


def reserve(log, make, *prompts, **changes):
    drafts = [make.draft(prompt=prompt, **changes) for prompt in prompts]
    log.reserve(drafts)
    return [draft.run_id for draft in drafts]


def test_a_run_prints_as_one_line(make):
    told = repr(RunRecord(draft=make.draft(prompt="A fox " * 40, seed=5), status=Status.SENT))
    assert re.fullmatch(r"<RunRecord \w{26} sent: [\w-]+, seed 5, 'A fox .{40,60}…'>", told)


def test_the_newest_run_comes_first_and_the_limit_holds(log, make, ids):
    made = reserve(log, make, *"abcde")
    assert ids() == made[::-1]
    assert ids(limit=2) == made[:-3:-1]


def test_an_old_run_that_is_put_on_record_late_stands_where_it_belongs(log, make, ids):
    (new,) = reserve(log, make, "fox")
    (old,) = reserve(log, make, "fox", created_at=make.start - timedelta(days=400))
    assert ids() == ids("fox") == [new, old]


def test_runs_of_one_millisecond_keep_their_order(log, make, ids):
    made = reserve(log, make, *"abcde", created_at=make.start)
    assert ids() == made[::-1]


@pytest.mark.parametrize(
    ("text", "found"),
    [
        ("fox night", True),
        ("night fox", True),
        ("FÖX", True),
        ("fo", False),
        ("fo*", True),
        ('"red fox"', True),
        ('"fox red"', False),
        ('"red fox', True),
        ("fox badger", False),
        ("fox OR badger", False),
        ("fox -night", True),
        ("NEAR(red fox)", False),
        ("prompt:fox", False),
        ("it's", True),
        ("🌙", True),
        ("🦊", False),
    ],
)
def test_words_are_found_in_any_order_and_none_is_an_operator(log, make, ids, text, found):
    made = reserve(log, make, "a red fóx at night 🌙, it's cold")
    assert ids(text) == (made if found else [])


@pytest.mark.parametrize(
    ("text", "found"),
    [("狐狸", True), ("红色", True), ("色的", True), ("狸狐", False), ("夜", True), ("狐狸 夜", True), ("猫", False)],
)
def test_chinese_is_found_by_any_of_its_parts(log, make, ids, text, found):
    made = reserve(log, make, "红色的狐狸在夜里")
    assert ids(text) == (made if found else [])


@pytest.mark.parametrize(
    ("prompt", "text"), [("夜のキツネが走る", "キツネ"), ("밤의여우가", "여우"), ("จิ้งจอกแดง", "จอก"), ("a🦊b", "🦊")]
)
def test_other_scripts_without_spaces_are_found_by_any_of_their_parts_too(log, make, ids, prompt, text):
    reserve(log, make, "a red fox")
    assert ids(text) == []
    assert reserve(log, make, prompt) == ids(text)


@given(text=st.text(max_size=40))
def test_no_question_is_an_error(shared_log, text):
    shared_log.search(text)


@given(text=st.text(alphabet=st.characters(categories=["L", "N", "Zs"]), min_size=1, max_size=30))
def test_a_prompt_is_found_by_itself(shared_log, make, text):
    draft = make.draft(prompt=text, request=json.dumps(text))
    shared_log.reserve([draft])
    assert shared_log.search(text, limit=1)[0].run_id == draft.run_id


@pytest.fixture(scope="module")
def shared_log(tmp_path_factory):
    log = Log.open(tmp_path_factory.mktemp("store"))
    yield log
    log.close()


def test_an_amended_prompt_is_found_by_its_new_words_only(log, make, ids):
    (run_id,) = reserve(log, make, "a red fox")
    log.amend(make.draft(run_id=run_id, prompt="a blue owl"))
    assert (ids("fox"), ids("owl")) == ([], [run_id])


def test_a_rewritten_prompt_is_found_as_well(log, make, ids):
    (run_id,) = reserve(log, make, "a red fox")
    log.finish(run_id, make.outcome(enhanced_prompt="a vermilion vulpine"))
    assert ids("vulpine") == ids("red fox") == ids("red vulpine") == [run_id]


@pytest.mark.parametrize("text", [None, "fox"])
def test_filters_narrow_a_search_with_words_and_without(log, make, ids, text):
    one, two = reserve(log, make, "fox one", "fox two", model="a", context={"notebook": "/work/fox.ipynb"})
    three, four = reserve(log, make, "fox three", "fox four", model="b", seed=7)
    log.finish(two, make.outcome(Status.FAILED))
    log.finish(three, make.outcome())
    when = log.get(three).draft.created_at
    assert ids(text, model="a") == [two, one]
    assert ids(text, seed=7) == [four, three]
    assert ids(text, status=Status.FAILED) == ids(text, status="failed") == [two]
    assert ids(text, status=Status.SUCCEEDED) == [three]
    assert ids(text, status=Status.PENDING, model="b") == [four]
    assert ids(text, since=when) == [four, three]
    assert ids(text, until=when) == [two, one]
    assert ids(text, since=when, until=when + timedelta(seconds=1)) == [three]
    assert ids(text, notebook="fox.ipynb") == ids(text, notebook="/work/fox.ipynb") == [two, one]
    assert ids(text, notebook="ox.ipynb") == ids(text, notebook="") == []
    assert ids(text, model="a", seed=7) == []


@pytest.mark.parametrize(("few_runs", "few_hits"), [(0, 0), (10, 0), (0, 10), (10, 10)])
def test_whichever_side_of_a_search_leads_it_finds_the_same(log, make, ids, monkeypatch, few_runs, few_hits):
    monkeypatch.setattr(search, "_FEW_RUNS", few_runs)
    monkeypatch.setattr(search, "_FEW_HITS", few_hits)
    one, two, *_ = reserve(log, make, "fox one", "fox two", "owl", model="a", context={"notebook": "a.ipynb"})
    reserve(log, make, "fox three", model="b")
    log.finish(one, make.outcome(Status.UNKNOWN))
    assert ids("fox", model="a") == ids("fox", notebook="a.ipynb") == [two, one]
    assert ids("fox", status="unknown") == [one]
    assert ids("fox", model="c") == ids("fox", notebook="c.ipynb") == []


def test_a_search_that_makes_no_sense_says_so(log):
    with pytest.raises(InvalidRequest, match="It takes pending, sent, succeeded"):
        log.search(status="done")
    with pytest.raises(InvalidRequest, match="It takes 1 or more"):
        log.search(limit=0)


def test_a_search_gives_whole_records(log, make):
    (run_id,) = reserve(log, make, "fox")
    log.finish(run_id, make.outcome(images=(make.image(),)))
    assert log.search("fox") == [log.get(run_id)]


def test_costs_are_told_by_day_model_and_notebook(log, make):
    later = make.start + timedelta(days=1)
    one, two = reserve(log, make, "x", "x", model="cheap", context={"notebook": "a.ipynb"})
    (three,) = reserve(log, make, "x", model="dear", created_at=later, reserve_usd=Decimal("0.9"))
    log.finish(one, make.outcome())
    log.finish(two, make.outcome())
    log.record_charge(two, Decimal("0.02"), "ledger")
    log.finish(three, make.outcome(Status.UNKNOWN))

    def table(by):
        return [
            (
                cost.name,
                cost.spent.runs,
                str(cost.spent.estimated_usd),
                str(cost.spent.charged_usd),
                str(cost.spent.unknown_usd),
            )
            for cost in log.costs(by)
        ]

    days = [f"{moment.astimezone():%Y-%m-%d}" for moment in (later, make.start)]
    assert table("day") == [(days[0], 1, "0", "0", "0.9"), (days[1], 2, "0.01", "0.02", "0")]
    assert table("model") == [("dear", 1, "0", "0", "0.9"), ("cheap", 2, "0.01", "0.02", "0")]
    assert table("notebook") == [("", 1, "0", "0", "0.9"), ("a.ipynb", 2, "0.01", "0.02", "0")]
    with pytest.raises(InvalidRequest, match="day, model or notebook"):
        log.costs("week")


def test_the_same_request_is_found_if_it_succeeded_and_has_its_image(log, make):
    drafts = [make.draft(request="{}") for _ in range(4)]
    log.reserve(drafts)
    for draft, name in zip(drafts[:2], "ab", strict=True):
        log.finish(draft.run_id, make.outcome(images=(make.image(name * 64),)))
    log.finish(drafts[2].run_id, make.outcome(Status.REFUSED))
    same = log.find_same(drafts[0].request_hash)
    assert [record.run_id for record in same] == [drafts[1].run_id, drafts[0].run_id]
    log.delete_image("b" * 64)
    assert [record.run_id for record in log.find_same(drafts[0].request_hash)] == [drafts[0].run_id]
    assert log.find_same(drafts[0].request_hash, base_url="http://elsewhere") == []
    assert log.find_same("sha256:none") == []


def test_an_image_is_traced_to_its_runs(log, make):
    one, two = reserve(log, make, "x", "x")
    for run_id in (one, two):
        log.finish(run_id, make.outcome(images=(make.image(),)))
    assert [record.run_id for record in log.find_image("ab" * 32)] == [two, one]
    assert [record.run_id for record in log.find_image("sha256:" + "ab" * 32)] == [two, one]
    assert log.find_image("cd" * 32) == []


def test_a_frame_holds_a_view_with_times_and_dollars(log, make):
    (run_id,) = reserve(log, make, "fox")
    log.finish(run_id, make.outcome(images=(make.image(),)))
    runs = log.frame()
    assert (runs["run_id"][0], runs["estimate_usd"][0], runs["images"][0]) == (run_id, 0.01, 1)
    assert runs["created_at"][0].to_pydatetime() == log.get(run_id).draft.created_at
    assert log.frame("v_images")["sha256"].tolist() == ["ab" * 32]
    assert log.frame("v_costs")["estimated_usd"].sum() == 0.01
    with pytest.raises(InvalidRequest, match="there is no view 'runs'"):
        log.frame("runs")


def test_an_empty_log_has_an_empty_frame(log):
    assert log.frame().empty


def test_without_pandas_a_frame_says_what_is_missing(log, monkeypatch):
    monkeypatch.setitem(__import__("sys").modules, "pandas", None)
    with pytest.raises(StoreError, match="pandas, which is not installed"):
        log.frame()


def test_the_documented_views_have_the_documented_columns(log):
    import re

    import venice_widgets.log as package

    for view in ("v_runs", "v_images", "v_costs", "v_replays"):
        text = package.__doc__.split(f"``{view}``")[1].split("``v_")[0]
        listed = re.sub(r"\([^)]*\)", "", text.partition(":")[2])
        assert [name.strip(" .\n") for name in listed.split(",")] == list(log.frame(view).columns)


@pytest.mark.parametrize("text", ['"', '""', "*", '"*"', ' " '])
def test_a_text_without_any_word_finds_nothing_by_chance(log, make, text):
    log.reserve([make.draft()])
    for ask in (log.search, log.count, lambda text: list(log.each(text))):
        with pytest.raises(InvalidRequest, match="holds no word to search for"):
            ask(text)


def test_a_search_is_counted_paged_and_gone_through(log, make):
    drafts = [make.draft(prompt=f"a {'red' if number % 2 else 'blue'} fox") for number in range(10)]
    log.reserve(drafts)
    assert (log.count(), log.count("red fox"), log.count(seed=drafts[3].seed)) == (10, 5, 1)
    pages = [log.search("red", limit=2, offset=offset) for offset in (0, 2, 4, 6)]
    assert [len(page) for page in pages] == [2, 2, 1, 0]
    found = [record.run_id for page in pages for record in page]
    assert found == [draft.run_id for draft in reversed(drafts[1::2])]
    assert [record.run_id for record in log.each("red")] == found[::-1]
    assert [record.run_id for record in log.each()] == [draft.run_id for draft in drafts]


def test_favorites_are_marked_and_found(log, make):
    drafts = [make.draft() for _ in range(3)]
    log.reserve(drafts)
    log.favorite(drafts[1].run_id[-8:])
    assert [record.run_id for record in log.search(favorite=True)] == [drafts[1].run_id]
    assert log.count(favorite=False) == 2
    assert log.get(drafts[1].run_id).favorite
    log.favorite(drafts[1].run_id, on=False)
    assert log.search(favorite=True) == []
    with pytest.raises(StoreError, match="holds no run"):
        log.favorite("NOSUCHRUN")


def test_the_runs_of_a_plan_are_found_with_their_cells(log, make):
    plan = {"id": "01JDPLAN", "cell": {"model": "z-image-turbo", "steps": "20"}, "index": 3}
    log.reserve([make.draft(context={"plan": plan}), make.draft()])
    (record,) = log.search(plan_id="01JDPLAN")
    assert record.draft.context["plan"]["index"] == 3
    frame = log.frame()
    assert frame["plan_cell"].dropna().tolist() == ['{"model":"z-image-turbo","steps":"20"}']


def test_after_a_wrong_clock_last_is_the_run_that_came_last(log, make):
    log.reserve([make.draft(created_at=datetime(2040, 1, 1, tzinfo=UTC))])
    log.reserve([now := make.draft()])
    assert log.get("last").run_id == now.run_id
    log.add_whole(RunRecord(draft=make.draft(), status=Status.FAILED, outcome=make.outcome(Status.FAILED)))
    assert log.get("last").run_id == now.run_id, "what was imported was not made here"


def test_the_model_that_answered_is_on_record_and_in_the_view(log, make):
    log.reserve([draft := make.draft()])
    served = {"served_model": "z-image-2", "served_model_name": "Z", "router": "fal", "service_version": "2026.11"}
    headers = {"x-ratelimit-remaining-tokens": "7", "x-venice-token": "secret"}
    log.finish(draft.run_id, make.outcome(**served, headers=headers))
    record = log.get("last")
    assert {name: getattr(record.outcome, name) for name in served} == served
    assert record.outcome.headers == {"x-ratelimit-remaining-tokens": "7"}
    assert log.frame().iloc[0][[*served]].to_dict() == served


def test_a_moment_without_a_zone_is_local_time(log, make, monkeypatch):
    made = datetime(2026, 11, 26, 0, 30, tzinfo=timezone(timedelta(hours=13)))
    log.reserve([make.draft(created_at=made)])
    with monkeypatch.context() as patch:
        patch.setenv("TZ", "Pacific/Auckland")
        time.tzset()
        assert log.count(since=datetime(2026, 11, 26)) == 1  # noqa: DTZ001  without a zone on purpose
        assert log.count(since=datetime(2026, 11, 26, 1)) == 0  # noqa: DTZ001  likewise
        assert log.count(until=datetime(2026, 11, 26)) == 0  # noqa: DTZ001  likewise
    time.tzset()


@pytest.mark.parametrize("asked", [{"since": "2d"}, {"until": 5}, {"limit": "x"}, {"limit": 1.5}], ids=str)
def test_what_is_no_moment_or_number_is_refused_by_name(log, asked):
    with pytest.raises(InvalidRequest, match=next(iter(asked))):
        log.search(**asked)
