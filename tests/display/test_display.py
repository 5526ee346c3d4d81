import base64
import re
from collections import Counter
from html.parser import HTMLParser
from io import BytesIO

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from IPython.core.formatters import DisplayFormatter
from PIL import Image

from venice_widgets import display
from venice_widgets.display import Bundle, Card, Cell

HOSTILE = (
    '"></figcaption><script>alert(1)</script><img src=x onerror=alert(2)>'
    "<b style=\"x\" onclick='y'>$1 = $2 \\(z\\)&amp;"
)
RECORD = {"schema": 1, "runs": [{"run_id": "01J", "request": {"prompt": HOSTILE}}]}
STYLE = re.compile(r"style|script|link|iframe|object|form|input|a|svg")
VOID = {"img", "br"}


def encoded(name: str = "JPEG", mode: str = "RGB", size: tuple[int, int] = (64, 64)) -> bytes:
    buffer = BytesIO()
    Image.new(mode, size, "teal").save(buffer, name)
    return buffer.getvalue()


JPEG, PNG = encoded(), encoded("PNG", "RGBA")


class Page(HTMLParser):
    """Every element with its attributes, every text, and whether the tags are balanced."""

    def __init__(self, bundle: Bundle) -> None:
        super().__init__(convert_charrefs=True)
        self.elements: list[tuple[str, dict[str, str | None]]] = []
        self.text = ""
        self.open: list[str] = []
        self.feed(bundle.data["text/html"])
        self.close()
        assert not self.open

    def handle_starttag(self, tag, attrs):
        self.elements.append((tag, dict(attrs)))
        if tag not in VOID:
            self.open.append(tag)

    def handle_endtag(self, tag):
        assert self.open.pop() == tag

    def handle_data(self, data):
        self.text += data

    def shape(self) -> Counter[tuple[str, tuple[str, ...]]]:
        """Which elements with which attributes; the spans that keep MathJax out come and go with the text."""
        return Counter((tag, tuple(sorted(attrs))) for tag, attrs in self.elements if (tag, attrs) != ("span", {}))

    def all(self, tag: str) -> list[dict[str, str | None]]:
        return [attrs for name, attrs in self.elements if name == tag]


def card(text: str = "word", **fields: object) -> Card:
    given_fields: dict[str, object] = {"data": JPEG, "width": 64, "height": 64, "hint": text, **fields}
    return Card(heading=text, alt=text, aside=text, details=text, caption=text, notes=(text, text), **given_fields)


def shown(cards: list[Card], **fields: object) -> Bundle:
    return display.image_cards(cards, **{"summary": "two", "plain": "two images", "record": RECORD, **fields})


OUTPUTS = {
    "images": lambda t: shown([card(t), card(t)], summary=t, notes=[t], plain=t, simulated=True),
    "full size": lambda t: display.full_size(JPEG, "image/jpeg", 64, 64, alt=t, caption=t),
    "missing": lambda t: shown([card(t, data=b"", missing=t)], summary=t, plain=t),
    "table": lambda t: display.table(
        [t, t], [[t, Cell(t, "right", code=True, mark=t, thumbnail=PNG)]], caption=t, footer=t
    ),
    "price_grid": lambda t: display.price_grid(
        [t], [t], {(t, t): t}, marks={(t, t): t}, caption=t, row_title=t, column_title=t
    ),
    "facts": lambda t: display.facts(t, [(t, t), (t, Cell(t, muted=True))]),
    "notice": lambda t: display.notice(t, kind="warning", title=t),
    "code": lambda t: display.code(t, language="json"),
    "text": display.code,
    "progress": lambda t: display.progress(1, 2, 3.0, words=t),
    "join": lambda t: display.join(display.notice(t), display.facts(t, [(t, t)])),
}  # fmt: skip
every_output = pytest.mark.parametrize("output", OUTPUTS.values(), ids=OUTPUTS)


@every_output
def test_no_element_and_no_attribute_comes_from_a_text(output):
    assert Page(output(HOSTILE)).shape() == Page(output("word")).shape()


@every_output
def test_the_text_itself_is_all_there(output):
    assert "onerror=alert(2)" in Page(output(HOSTILE)).text


@settings(max_examples=40)
@given(st.text(st.characters(exclude_characters="*`\n"), min_size=1).filter(str.strip))
def test_any_text_at_all_leaves_the_elements_alone(text):
    for name, output in OUTPUTS.items():
        if name not in {"images", "code", "join"}:
            assert Page(output(text)).shape() == Page(output("word")).shape()
        for part in output(text).data.values():
            part.encode()


@every_output
def test_nothing_needs_a_style_element_a_script_or_a_class(output):
    for tag, attributes in Page(output("word")).elements:
        assert not STYLE.fullmatch(tag)
        assert set(attributes) <= {
            "style",
            "dir",
            "title",
            "alt",
            "src",
            "width",
            "height",
            "role",
            "scope",
            "colspan",
            "rowspan",
        }


@every_output
def test_no_style_says_what_the_sanitizer_of_jupyterlab_drops(output):
    """Its list of properties was read in JupyterLab 4.6.6; ``var`` survives in longhand, with an rgb() fallback."""
    allowed = re.compile(
        r"(color|background-color|outline|outline-color|opacity|border|border-left|border-radius|border-collapse|margin"
        r"|margin-top|padding|width|height|max-width|max-height|min-width|display|flex-wrap|align-items|justify-content"
        r"|gap|grid-template-columns|position|top|bottom|left|right|overflow|overflow-x|overflow-wrap|white-space|vertical-align|text-align"
        r"|font-family|font-size|font-weight|line-height|caption-side|table-layout)"
    )
    for _, attributes in Page(output("chosen")).elements:
        for declaration in filter(None, (attributes.get("style") or "").split(";")):
            name, _, value = declaration.partition(":")
            assert allowed.fullmatch(name), declaration
            if "var(" in value:
                assert name in {"color", "background-color", "outline-color"}
                assert re.fullmatch(r"var\(--jp-[\w-]+, rgb\(\d+,\d+,\d+\)\)", value)


@every_output
def test_mathjax_finds_no_two_dollars_and_no_backslash_in_one_text(output):
    markup = re.sub(r"<pre.*?</pre>", "", output("$1 = $2 \\(z\\) \\begin{x}").data["text/html"], flags=re.DOTALL)
    texts = re.sub(r"<[^>]*>", "\0", markup).split("\0")
    assert all(text in {"$", "\\"} or not re.search(r"[$\\]", text) for text in texts)


@every_output
def test_a_terminal_is_never_sent_a_control_character(output):
    plain = output("red \x1b[31m bell \x07 c1 \x9b31m end").data["text/plain"]
    assert not re.search(r"[\x00-\x08\x0b-\x1f\x7f-\x9f]", plain)
    assert "␛[31m" in plain


@every_output
def test_ipython_takes_it_as_it_is(output):
    bundle = output("word")
    data, metadata = DisplayFormatter().format(bundle)
    assert (data, metadata) == (bundle.data, bundle.metadata)


def test_one_image_is_a_figure_with_its_caption_and_the_preview_is_stored_once():
    data = noise(1024)
    bundle = shown(
        [
            Card(
                heading="seed 41",
                alt="a fox",
                data=data,
                width=1024,
                height=1024,
                aside="7Q2KX9FM",
                details="8 × 8 · $0.01",
            )
        ]
    )
    (image,) = Page(bundle).all("img")
    assert image["alt"] == "a fox"
    assert base64.b64decode(image["src"].removeprefix("data:image/jpeg;base64,")) == data
    assert len(bundle.data["image/jpeg"]) < len(base64.b64encode(data)) / 4
    assert bundle.metadata["venice"] == RECORD
    assert Page(bundle).text.replace("\xa0", " ") == "twoseed 41 · 7Q2KX9FM8 × 8 · $0.01"


def noise(side: int) -> bytes:
    buffer = BytesIO()
    Image.effect_noise((side, side), 40).convert("RGB").save(buffer, "JPEG")
    return buffer.getvalue()


def test_a_caption_breaks_between_its_parts_and_not_within_them():
    details = "1024 × 1024 · webp · quality medium\na-model-id-of-more-than-24-letters · x"
    page = Page(shown([Card(heading="seed 41", alt="a fox", details=details)]))
    assert "seed 41" in page.text
    assert "1024\xa0×\xa01024 · webp · quality\xa0mediuma-model-id" in page.text


@pytest.mark.parametrize("count", [1, 2, 4, 7])
def test_where_there_is_no_html_one_labeled_sheet_shows_all(count):
    bundle = shown([card(data=PNG, mime="image/png")] * count)
    assert len(Page(bundle).all("figure")) == len(Page(bundle).all("img")) == count
    with Image.open(BytesIO(base64.b64decode(bundle.data["image/jpeg"]))) as sheet:
        assert bundle.metadata["image/jpeg"] == {"width": sheet.width, "height": sheet.height}
        assert max(sheet.size) <= 1600
    assert "image/png" not in bundle.data


def test_the_words_of_a_caption_stay_apart_where_styles_are_dropped():
    page = Page(shown([card("a"), card("b", data=b"", missing="refused")], simulated=True))
    assert page.text.startswith("simulated ·  two")
    assert "a · a" in page.text


@pytest.mark.parametrize("count", range(1, 40))
def test_rows_of_images_are_even(count):
    style = next(
        attrs["style"] for tag, attrs in Page(shown([card()] * count)).elements if "grid" in (attrs.get("style") or "")
    )
    shares = [float(share) for share in re.findall(r"calc\(([\d.]+)% -", style)]
    columns = [round(99.9 / share) for share in shares]
    assert columns[-1] == 1
    assert columns == sorted(set(columns), reverse=True)
    lacking = [-count % each for each in columns]
    assert all(each <= 1 or (count > 12 and each <= columns[place] // 2) for place, each in enumerate(lacking))


@pytest.mark.parametrize("text", ["word", HOSTILE * 50, '"' * 9000, "狐" * 9000, "🦊" * 9000, "a fox " * 2000])
@pytest.mark.parametrize("count", [1, 2, 7])
def test_an_image_costs_its_base64_and_at_most_two_kilobytes(count, text):
    one = Card(heading="seed 999999999", alt=text, caption=text, data=JPEG, width=64, height=64, aside="7Q2KX9FM",
               details="1024 × 1024 · $0.01 · webp", notes=("blurred by safe mode",))  # fmt: skip
    size = len(shown([one] * count).data["text/html"].encode()) - len(shown([]).data["text/html"].encode())
    assert size <= count * (len(base64.b64encode(JPEG)) + 2000)


def test_a_long_prompt_ends_at_a_word():
    (image,) = Page(shown([card("a lighthouse above the sea " * 100)])).all("img")
    assert re.fullmatch(r"[a-z ]*\b(a|lighthouse|above|the|sea)…", image["alt"])
    assert 150 < len(image["alt"]) <= 240


def test_prompts_choose_their_own_direction():
    page = Page(shown([card("ثعلب")], notes=["ثعلب"]))
    assert sum("dir" in attributes for _, attributes in page.elements) == 4


def test_images_of_different_shapes_take_about_the_same_area():
    page = Page(shown([card(width=21, height=9), card(width=1, height=1), card(width=9, height=16)]))
    areas = [int(image["width"]) * int(image["height"]) for image in page.all("img")]
    assert max(areas) / min(areas) < 1.05
    assert [round(int(i["width"]) / int(i["height"]), 1) for i in page.all("img")] == [2.3, 1.0, 0.6]


def test_a_missing_image_says_why_in_every_form():
    missing = Card(heading="seed 42", alt="a fox", missing="refused, not charged")
    bundle = shown([card(), missing])
    assert "refused, not charged" in Page(bundle).text
    assert bundle.data["text/plain"] == "two images\nseed 42: refused, not charged"
    assert len(Page(bundle).all("figure")) == 2


def test_where_all_are_missing_there_is_no_image_to_show():
    bundle = shown([Card(heading="seed 42", alt="a fox", missing="refused")] * 2)
    assert set(bundle.data) == {"text/html", "text/plain"}


def test_the_terminal_reads_one_line_unless_there_is_more_to_say():
    assert shown([card()]).data["text/plain"] == "two images"
    plain = shown([card()], notes=["`--steps` had **no** effect"], simulated=True).data["text/plain"]
    assert plain == "two images · simulated\n--steps had no effect"


def test_simulated_images_say_so_on_screen():
    assert Page(shown([card()], simulated=True)).text.startswith("simulated ·  two")
    assert "simulated" not in Page(shown([card()])).text
    assert not Page(shown([card()], simulated=True, summary="")).text.startswith("simulated ·"), "nothing to divide"


def test_sentences_have_bold_words_and_code():
    page = Page(display.notice("**now** use `--steps`"))
    assert [tag for tag, _ in page.elements] == ["div", "div", "b", "span"]
    assert page.text == "now use --steps"


def test_a_table_has_a_caption_and_headers_that_a_screen_reader_can_follow():
    page = Page(display.table(["Model", "Price"], [["a", Cell("$0.01", "right")]], caption="Models"))
    assert [attrs["scope"] for attrs in page.all("th")] == ["col", "col", "row"]
    assert "text-align:right" in page.all("th")[1]["style"]
    assert len(page.all("caption")) == 1


def test_a_plain_table_is_aligned_by_what_a_terminal_shows():
    rows = [["z-image-turbo", Cell("$0.01", "right")], ["日本", Cell("$0.02 – $0.83", "right", mark="beta")]]
    assert display.table(["Model", "Price"], rows, caption="**2** models", footer="Now.").data["text/plain"] == (
        "2 models\n"
        "Model                       Price\n"
        "─────────────  ──────────────────\n"
        "z-image-turbo               $0.01\n"
        "日本           beta $0.02 – $0.83\n"
        "Now."
    )  # fmt: skip


def test_an_output_prints_as_a_terminal_shows_it():
    bundle = display.table(["Model"], [["qwen-image"]])
    assert str(bundle) == repr(bundle) == "Model\n──────────\nqwen-image"


def test_an_empty_table_still_has_its_head():
    bundle = display.table(["Model", "Price"], [])
    assert len(Page(bundle).all("th")) == 2
    assert bundle.data["text/plain"] == "Model  Price\n─────  ─────"


def test_the_price_grid_frames_the_chosen_price_and_calls_unknown_unknown():
    bundle = display.price_grid(
        ["1K", "2K"], ["low", "high"], {("1K", "low"): "$0.02", ("2K", "low"): "$0.03", ("2K", "high"): None},
        row_title="Resolution", column_title="Quality",
        marks={("1K", "low"): "cheapest", ("2K", "low"): "chosen, default"},
    )  # fmt: skip
    framed = [attrs for attrs in Page(bundle).all("td") if "outline" in attrs["style"]]
    assert len(framed) == 1
    assert [attrs.get("scope") for attrs in Page(bundle).all("th")] == [None, "colgroup", "col", "col", "row", "row"]
    assert bundle.data["text/plain"] == (
        "Resolution / Quality                    low     high\n"
        "────────────────────  ─────────────────────  ───────\n"
        "1K                           cheapest $0.02  unknown\n"
        "2K                    chosen, default $0.03  unknown"
    )


def test_the_name_of_a_narrow_table_stays_on_one_line():
    (caption,) = Page(display.table(["a"], [["1"]], caption="Price of one image of nano-banana-pro")).all("caption")
    assert "white-space:nowrap" in caption["style"]


def test_facts_are_pairs_under_a_title():
    bundle = display.facts("gpt-image-2", [("Name", "GPT Image 2"), ("Price", "$0.02")])
    assert bundle.data["text/plain"] == "gpt-image-2\nName   GPT Image 2\nPrice  $0.02"
    assert [attrs["scope"] for attrs in Page(bundle).all("th")] == ["row", "row"]


def test_a_fact_of_several_lines_keeps_them():
    bundle = display.facts("Record", [("cell", "%%venice --seed 1\nA fox\n    sleeps")])
    (value,) = Page(bundle).all("td")
    assert "white-space:pre-wrap" in value["style"]
    assert "%%venice --seed 1\nA fox\n    sleeps</td>" in bundle.data["text/html"]


@pytest.mark.parametrize(("kind", "plain"), [
    ("note", "gone"), ("information", "gone"), ("warning", "Warning: gone"), ("error", "Error: gone"),
])  # fmt: skip
def test_a_warning_and_an_error_say_in_words_what_they_are(kind, plain):
    bundle = display.notice("gone", kind=kind)
    assert (Page(bundle).text, bundle.data["text/plain"]) == (plain, plain)


def test_code_is_shown_to_the_letter():
    text = '{\n  "prompt": "a <b> & $5 \\\\ **x**",\n  "seed": 41\n}'
    for language in ("json", "text"):
        bundle = display.code(text, language=language)
        assert (Page(bundle).text, bundle.data["text/plain"]) == (text, text)
    assert len(Page(display.code(text, language="json")).all("span")) == 2


@pytest.mark.parametrize(("arguments", "line", "percent"), [
    ({"done": 2, "total": 4, "seconds": 41, "usual_seconds": 70}, "2 of 4 · 41 s · usually about 70 s", 59),
    ({"done": 3, "total": 4, "seconds": 3.14}, "3 of 4 · 3.1 s", 75),
    ({"done": 0, "total": 1, "seconds": 500, "usual_seconds": 70}, "0 of 1 · 8 min 20 s · usually about 70 s", 95),
    ({"done": 4, "total": 4, "seconds": 80, "usual_seconds": 70, "words": "saving"}, "4 of 4 · 80 s · saving", 100),
])  # fmt: skip
def test_progress_is_one_line_and_a_bar(arguments, line, percent):
    bundle = display.progress(**arguments)
    assert (Page(bundle).text, bundle.data["text/plain"]) == (line, line)
    assert f"width:{percent}%" in bundle.data["text/html"]


def test_joined_outputs_stand_below_each_other_and_keep_the_image_and_the_record():
    alone = shown([card()])
    both = display.join(display.notice("look"), alone)
    assert both.data["text/html"] == display.notice("look").data["text/html"] + alone.data["text/html"]
    assert both.data["text/plain"] == "look\ntwo images"
    assert (both.data["image/jpeg"], both.metadata) == (alone.data["image/jpeg"], alone.metadata)


def test_two_records_cannot_be_joined_into_one_output():
    with pytest.raises(ValueError, match="give all cards to one call"):
        display.join(shown([card()]), shown([card()]))


def test_the_names_are_pinned():
    assert display.__all__ == [
        "Bundle", "Card", "Cell", "code", "facts", "full_size", "image_cards", "join", "line", "notice",
        "price_grid", "progress", "table",
    ]  # fmt: skip


def test_an_image_says_how_to_see_it_at_full_size_while_the_pointer_rests_on_it():
    html = shown([card(hint='Full size: %venice show 7KQ2MX --full "<')]).data["text/html"]
    assert ' title="Full size: %venice show 7KQ2MX --full &quot;&lt;" ' in html


@pytest.mark.parametrize("raised", [MemoryError(), OSError("no font")], ids=repr)
def test_images_are_shown_where_no_small_copy_of_them_can_be_made(monkeypatch, raised):
    def fails(*_, **__):
        raise raised

    monkeypatch.setattr("venice_widgets.media.contact_sheet.contact_sheet", fails)
    bundle = shown([card("one"), card("two")])
    assert bundle.data["text/html"].count("<img") == 2
    assert bundle.data["text/plain"] == "two images"
    assert not [mime for mime in bundle.data if mime.startswith("image/")]
