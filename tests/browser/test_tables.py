"""Tables where there is little room: a printed page is about 600 pixels wide beside nbconvert's prompts."""

import pytest

from tests.browser.jupyter import new_window
from venice_widgets import display

pytestmark = pytest.mark.browser
PROMPT = "A fox at night, $5 in its paw, under a red maple"
LOG = ["K7Q2M9XD", PROMPT, "z-image-turbo", "41", "$0.01", "succeeded", "2026-11-26 10:04"]
CUT = "() => [...document.querySelectorAll('div')].filter(each => each.scrollWidth > each.clientWidth).length"


@pytest.mark.parametrize(
    "bundle",
    [
        display.table(["run", "prompt", "model", "seed", "price", "status", "time (UTC)"], [LOG] * 2),
        display.table(
            ["model", "sized by", "price of one", "privacy", "seed", "state, traits"],
            [["wai-Illustrious", "pixels", "$0.02 – $0.83", "anonymized", "supported", "going away on 31 March 2031"]],
        ),
        display.table(["setting", "value", "from"], [["store", "/home/" + 60 * "x", "config.toml in the store"]]),
        display.facts("Record", [("request hash", "sha256:" + 64 * "a"), ("file", "/home/" + 90 * "x")]),
    ],
    ids=["log", "models", "settings", "record"],
)
def test_no_table_is_cut_on_a_printed_page(browser, bundle):
    with new_window(browser) as page:
        page.set_viewport_size({"width": 600, "height": 800})
        page.set_content(f"<body style='font-family:sans-serif'>{bundle.data['text/html']}</body>")
        assert page.evaluate(CUT) == 0
        times = page.get_by_text("2026-11-26")
        assert not times.count() or times.first.bounding_box()["height"] < 24, "a date stays whole"
