"""Seeds: one image, one explicit seed that everybody knows."""

import re

import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from venice_widgets.errors import InvalidRequest
from venice_widgets.request.seeds import MAX_IMAGES, Plan, parse_seeds, plan_seeds

LAST = 999_999_999
seeds = st.integers(-LAST, LAST)


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("41", [41]),
        (" 41 ", [41]),
        ("+41", [41]),
        ("-7", [-7]),
        ("0", [0]),
        ("7,9,12", [7, 9, 12]),
        ("12, 9 ,7", [12, 9, 7]),
        ("1..5", [1, 2, 3, 4, 5]),
        ("-5..-3", [-5, -4, -3]),
        ("-1..1", [-1, 0, 1]),
        ("1 .. 3", [1, 2, 3]),
        ("1..3,9", [1, 2, 3, 9]),
        ("5..5", [5]),
    ],
)
def test_numbers_lists_and_ranges_are_read_in_their_order(text, expected):
    assert list(plan_seeds(text).seeds) == expected
    assert plan_seeds(text).drawn is False


@pytest.mark.parametrize(
    "text",
    [
        "",
        " ",
        ",",
        "1,",
        "x",
        "1.5",
        "1e3",
        "1..",
        "..1",
        "1...3",
        "1..2..3",
        "1-3",
        "٣",
        "0x10",
        "1_000",
        "--1",
        "NaN",
    ],
)
def test_what_is_no_seed_is_refused_with_the_grammar(text):
    with pytest.raises(InvalidRequest, match="is not a valid seed") as caught:
        plan_seeds(text)
    assert caught.value.field == "seed"
    assert "7,9,12" in caught.value.remedy
    assert "999,999,999" in caught.value.remedy
    assert "Nothing was sent." in caught.value.remedy


def test_a_range_that_runs_backwards_is_refused_with_the_right_one():
    with pytest.raises(InvalidRequest, match=r"Write -5\.\.-3"):
        plan_seeds("-3..-5")


@pytest.mark.parametrize("seed", [1.5, [1.5, 2], ["7"], [None], True, False, b"5", object(), {"a": 1}])
def test_what_is_no_whole_number_is_no_seed(seed):
    with pytest.raises(InvalidRequest, match="is not a valid seed"):
        plan_seeds(seed)


@pytest.mark.parametrize("seed", [[], (), range(0)])
def test_no_seeds_at_all_are_refused(seed):
    with pytest.raises(InvalidRequest, match="names no image"):
        plan_seeds(seed)


class IntegerOfAnotherLibrary:
    """As numpy's integers are: no int, no sequence, but an index."""

    def __init__(self, value):
        self.value = value

    def __index__(self):
        return self.value


def test_integers_of_other_libraries_become_plain_ones():
    assert plan_seeds(IntegerOfAnotherLibrary(5), 2) == Plan((5, 6), drawn=False)
    planned = plan_seeds([IntegerOfAnotherLibrary(5), 9])
    assert planned.seeds == (5, 9)
    assert all(type(seed) is int for seed in planned.seeds)


def test_one_number_and_a_count_run_on_from_it():
    assert plan_seeds(41, 3).seeds == plan_seeds("41", 3).seeds == (41, 42, 43)
    assert plan_seeds(-1, 3).seeds == (-1, 0, 1), "a 0 that was asked for is kept"


@pytest.mark.parametrize("seed", ["7,9,12", "7..9", [7, 9, 12], range(3), "5..5", [5]])
def test_a_count_that_disagrees_with_a_list_or_range_is_refused(seed):
    with pytest.raises(InvalidRequest, match="disagrees") as caught:
        plan_seeds(seed, 2)
    assert caught.value.field == "images"
    assert plan_seeds(seed, len(plan_seeds(seed).seeds)) == plan_seeds(seed), "one that agrees is not"


@pytest.mark.parametrize(
    ("seed", "images"),
    [
        (LAST + 1, None),
        (-LAST - 1, None),
        (LAST, 2),
        (f"{LAST}", 2),
        (f"{LAST},{LAST + 1}", None),
        (f"{LAST}..{LAST + 1}", None),
        ("123456789012", None),
        ([0, LAST + 1], None),
    ],
)
def test_no_seed_leaves_the_range_of_the_api(seed, images):
    with pytest.raises(InvalidRequest, match="out of range") as caught:
        plan_seeds(seed, images)
    assert caught.value.field == "seed"


def test_the_ends_of_the_range_belong_to_it():
    assert plan_seeds(f"{-LAST},{LAST}").seeds == (-LAST, LAST)


@pytest.mark.parametrize("seed", ["7,7", "1..3,2", [4, 4]])
def test_the_same_image_is_not_paid_twice(seed):
    with pytest.raises(InvalidRequest, match="twice"):
        plan_seeds(seed)


@pytest.mark.parametrize(
    "seed", ["0..1000", "-999999999..999999999", "1..999999999999", range(10**12), list(range(1001))]
)
def test_a_thousand_images_are_the_most_and_more_is_refused_at_once(seed):
    with pytest.raises(InvalidRequest, match="more than 1,000 images"):
        plan_seeds(seed)
    assert len(plan_seeds(f"1..{MAX_IMAGES}").seeds) == MAX_IMAGES == 1000


@pytest.mark.parametrize("images", [0, -1, 1001, 1.5, "2"])
def test_a_count_out_of_range_is_refused(images):
    for seed in (None, 41):
        with pytest.raises(InvalidRequest, match="1 … 1,000") as caught:
            plan_seeds(seed, images)
        assert caught.value.field == "images"


@settings(deadline=None)
@given(st.none() | st.integers(1, MAX_IMAGES))
def test_drawn_seeds_are_consecutive_positive_and_in_range(images):
    planned = plan_seeds(None, images)
    assert planned.drawn is True
    assert planned.seeds == tuple(range(planned.seeds[0], planned.seeds[0] + (images or 1)))
    assert planned.seeds[0] >= 1, "0 means none to the API's schema"
    assert planned.seeds[-1] <= LAST


def test_drawn_seeds_do_not_follow_the_random_seed_of_a_notebook():
    import random

    drawn = set()
    for _ in range(5):
        random.seed(0)
        drawn |= set(plan_seeds().seeds)
    assert len(drawn) > 1


def test_drawn_seeds_fit_even_at_the_end_of_the_range(monkeypatch):
    monkeypatch.setattr("random.SystemRandom.randint", lambda self, low, high: high)
    assert plan_seeds(None, 1000).seeds[-1] == LAST
    monkeypatch.setattr("random.SystemRandom.randint", lambda self, low, high: low)
    assert plan_seeds(None, 1000).seeds[0] == 1


grammatical = st.lists(
    st.one_of(
        seeds.map(str),
        st.tuples(seeds, st.integers(0, 20)).map(lambda pair: f"{pair[0]}..{pair[0] + pair[1]}"),
        st.sampled_from(["", "-", "..", "1..", "9999999999", "3..1", " 2 ", "1..2..3"]),
    ),
    max_size=5,
).map(",".join)


@settings(deadline=None)
@given(st.one_of(st.text(max_size=30), st.text("0123456789-+,. ", max_size=15), grammatical))
@example("²")
@example("1\n")
@example("9" * 5000)
def test_any_text_gives_seeds_or_an_invalid_request_and_round_trips(text):
    try:
        planned = plan_seeds(text)
    except InvalidRequest as error:
        refused = error
    else:
        refused = None
    if refused:
        assert refused.field == "seed"
        assert len(refused.message) < 400
        return
    assert planned.seeds
    assert all(type(seed) is int and abs(seed) <= LAST for seed in planned.seeds)
    assert len(set(planned.seeds)) == len(planned.seeds)
    assert plan_seeds(",".join(map(str, planned.seeds))) == planned
    written = re.findall(r"[+-]?[0-9]+", text)
    assert planned.seeds[0] == int(written[0])
    assert planned.seeds[-1] == int(written[-1])


@settings(deadline=None)
@given(st.lists(seeds, min_size=1, max_size=30, unique=True))
def test_a_list_means_the_same_as_numbers_and_as_text(values):
    assert plan_seeds(values).seeds == tuple(parse_seeds(",".join(map(str, values)))) == tuple(values)


@settings(deadline=None)
@given(st.integers(-LAST, LAST - 50), st.integers(0, 50))
def test_a_range_means_every_whole_number_of_it(low, more):
    assert plan_seeds(f"{low}..{low + more}").seeds == tuple(range(low, low + more + 1))
