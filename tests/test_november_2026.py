"""What changed in the API until November 2026: each line of the API notes, section 8, and who says what of it.

The scenes are played on the simulator: in a cell, in the panel, from Python, and in what the log shows afterwards.
Where one of them has nothing to say, `Nothing` stands there with the reason.
"""

import json
import re
from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass
from decimal import Decimal
from html import unescape
from io import BytesIO
from typing import Any

import pytest
from PIL import Image

from tests.panel.conftest import open_panel, wire  # noqa: F401  fixtures
from tests.published_schema import assert_published
from venice_widgets import current
from venice_widgets.errors import InvalidRequest, ModelUnavailable, SpendingRefused, VeniceError
from venice_widgets.notebook.commands import run_command
from venice_widgets.request.catalogue import FieldSupport
from venice_widgets.request.deprecation import day_text
from venice_widgets.session import Session
from venice_widgets.simulator import Fault, Simulator

ADMIN_KEY = "VENICE_ADMIN_KEY_0123456789abcdef"
OPEN = "the shape is chosen by the model"


@dataclass(frozen=True)
class Nothing:
    """Who has nothing to say of a line, and why."""

    why: str


@dataclass(frozen=True, kw_only=True)
class Line:
    """One line of section 8 as a scene: what is asked for, and what each says of it."""

    fields: dict[str, Any]
    """What Python is given; the panel is opened with it and the button clicked."""
    options: str
    """The same as a cell has it; or a whole ``%venice`` command."""
    cell: tuple[str, ...] | Nothing
    panel: tuple[str, ...] | Nothing
    python: tuple[Callable[[Session], Any], Any] | Nothing
    log: tuple[str, ...] | Nothing
    fault: Fault | None = None


def generated(session: Session, **fields: Any) -> Any:
    return session.generate("A fox", seed=41, **fields)


def error_of(session: Session, **fields: Any) -> tuple[type, str]:
    with pytest.raises(VeniceError) as caught:
        generated(session, **fields)
    return type(caught.value), caught.value.remedy


def priced(session: Session, **fields: Any) -> Any:
    return session.build("A fox", seed=41, **fields).estimate


def model(session: Session, name: str) -> Any:
    return session.catalogue().find(name)


REFUSED = Nothing("it is refused before anything is sent, so nothing is on record")

LINES = {
    "1 after its end a model is answered by another one, with status 200": Line(
        fields={"model": "nano-banana"},
        options="--model nano-banana",
        cell=(
            "nano-banana ended on {nano-banana}: this id is answered by another model (nano-banana-2).",
            "Its price may differ: nano-banana-2 costs $0.10 an image.",
            "1 × $0.05 = $0.05 (at most $0.10)",
            "made by nano-banana-2, whose price may differ",
        ),
        panel=(
            "nano-banana ended on {nano-banana}: this id is answered by another model (nano-banana-2).",
            "Its price may differ: nano-banana-2 costs $0.10 an image.",
            "$0.05, up to $0.10",
            "answered by nano-banana-2 since {nano-banana}",
            "made by nano-banana-2, whose price may differ",
            "spent here $0.05, $0.05 more may be charged",
        ),
        python=(
            lambda session: (
                priced(session, model="nano-banana").upper_bound_usd,
                generated(session, model="nano-banana").images[0].recipe.model_used,
                session.log.frame().iloc[0]["served_model"],
                error_of(session, model="nano-banana", again=True, max_cost_usd="0.09")[0],
            ),
            (Decimal("0.10"), "nano-banana-2", "nano-banana-2", SpendingRefused),
        ),
        log=("nano-banana made by nano-banana-2", "1 × $0.05 = $0.05 (at most $0.10)"),
    ),
    "1 that it will be, before its end": Line(
        fields={"model": "seedream-v3"},
        options="--model seedream-v3",
        cell=("seedream-v3 is going away: after {seedream-v3} this id is answered by another model (seedream-v4).",),
        panel=(
            "seedream-v3 is going away: after {seedream-v3} this id is answered by another model (seedream-v4).",
            "going away on {seedream-v3}, replaced by seedream-v4",
        ),
        python=(
            lambda session: (
                generated(session, model="seedream-v3").images[0].recipe.model,
                priced(session, model="seedream-v3", again=True).upper_bound_usd,
            ),
            ("", Decimal("0.04")),
        ),
        log=("price $0.04 estimated · 1 × $0.04 = $0.04 created",),
    ),
    "1 another model answers without notice": Line(
        fields={"model": "z-image-turbo"},
        options="--model z-image-turbo",
        fault=Fault("served-by", served_model="chroma"),
        cell=(
            "z-image-turbo was asked for, but chroma answered. It may be billed at the price of that model, which was",
            "made by chroma, whose price may differ",
        ),
        panel=(
            "z-image-turbo was asked for, but chroma answered. It may be billed at the price of that model, which was",
            "made by chroma, whose price may differ",
        ),
        python=(
            lambda session: (generated(session).images[0].remarks, session.log.get("last").other_model),
            (("made by chroma, whose price may differ",), "chroma"),
        ),
        log=("z-image-turbo made by chroma",),
    ),
    "1 a 410 where that cannot be": Line(
        fields={"model": "krea-v1"},
        options="--model krea-v1",
        cell=(
            "Venice answered 410: The model krea-v1 has been retired. Please use krea-v2-large instead.",
            "The model is retired for good. krea-v2-large replaces it. Nothing was charged.",
        ),
        panel=(
            "krea-v1 was to be removed on {krea-v1}. krea-v2-large replaces it.",
            "The model is retired for good. krea-v2-large replaces it. Nothing was charged.",
        ),
        python=(
            lambda session: (*error_of(session, model="krea-v1"), session.log.spent().total_usd),
            (ModelUnavailable, "The model is retired for good. krea-v2-large replaces it. Nothing was charged.", 0),
        ),
        log=("nothing failed", "Venice answered 410", "The model is retired for good."),
    ),
    "2 a price for each quality, the default's": Line(
        fields={"model": "ideogram-v4-6"},
        options="--model ideogram-v4-6",
        cell=("1 × $0.13 = $0.13 · resolution 1K, quality high (the model's default)",),
        panel=("with the model's resolution 1K and quality high", '"price": "$0.25"', "Generate · $0.13"),
        python=(
            lambda session: (
                priced(session, model="ideogram-v4-6").price_usd,
                priced(session, model="ideogram-v4-6", resolution="4k", quality="low").price_usd,
                model(session, "ideogram-v4-6").support("seed"),
            ),
            (Decimal("0.13"), Decimal("0.08"), FieldSupport.SUPPORTED),
        ),
        log=("$0.13 estimated · 1 × $0.13 = $0.13", "quality high"),
    ),
    "2 a model without the quality high": Line(
        fields={"model": "grok-imagine-image-2-0", "quality": "high"},
        options="--model grok-imagine-image-2-0 --quality high",
        cell=("--quality high is not one that grok-imagine-image-2-0 takes.", "It takes low, medium.", "Nothing was"),
        panel=('["low", "low"], ["medium", "medium"]', "Quality high is not one that grok-imagine-image-2-0 takes."),
        python=(
            lambda session: (
                priced(session, model="grok-imagine-image-2-0").price_usd,
                error_of(session, model="grok-imagine-image-2-0", quality="high")[0],
            ),
            (Decimal("0.07"), InvalidRequest),
        ),
        log=REFUSED,
    ),
    "2 a hole in the prices": Line(
        fields={"model": "gpt-image-2-6-sunburst", "resolution": "2K", "quality": "max", "max_cost_usd": 5},
        options="--model gpt-image-2-6-sunburst --resolution 2K --quality max --max-cost 5",
        cell=("states no price for gpt-image-2-6-sunburst at resolution 2K quality max", "--max-cost $5.00 is set"),
        panel=("price unknown", '"price": "unknown"'),
        python=(
            lambda session: (
                priced(session, model="gpt-image-2-6-sunburst", resolution="2K", quality="max").price_usd,
                error_of(session, model="gpt-image-2-6-sunburst", resolution="2K", quality="max", max_cost_usd=5)[0],
            ),
            (None, SpendingRefused),
        ),
        log=REFUSED,
    ),
    "3 a tier of any name": Line(
        fields={"model": "seedream-v5-5", "resolution": "1.5k", "aspect_ratio": "9:21"},
        options="--model seedream-v5-5 --resolution 1.5k --aspect-ratio 9:21",
        cell=("1 × $0.055 = $0.055", "1.5K · 9:21"),
        panel=('["1K", "1K"], ["1.5K", "1.5K"], ["2K", "2K"]', "Generate · $0.055", '["9:21", "9:21"]'),
        python=(
            lambda session: (
                generated(session, model="seedream-v5-5", resolution="1.5k").images[0].request["resolution"],
                model(session, "seedream-v5-5").allowed("resolution"),
            ),
            ("1.5K", ("1K", "1.5K", "2K")),
        ),
        log=("1 × $0.055 = $0.055", '"resolution": "1.5K"', '"aspect_ratio": "9:21"'),
    ),
    "3 a model without 1K": Line(
        fields={"model": "kling-v4-text-to-image", "resolution": "1K"},
        options="--model kling-v4-text-to-image --resolution 1K",
        cell=("--resolution 1K is not one that kling-v4-text-to-image takes.", "It takes 2K, 4K. The nearest is 2K."),
        panel=('["2K", "2K"], ["4K", "4K"]', "Resolution 1K is not one that kling-v4-text-to-image takes.", "$0.06"),
        python=(
            lambda session: (
                priced(session, model="kling-v4-text-to-image", aspect_ratio="4:3").price_usd,
                error_of(session, model="kling-v4-text-to-image", resolution="1K")[0],
            ),
            (Decimal("0.03"), InvalidRequest),
        ),
        log=REFUSED,
    ),
    "3 auto as the default ratio": Line(
        fields={"model": "flux-2-max"},
        options="--model flux-2-max",
        cell=(f"1 × $0.09 = $0.09 · {OPEN}", f"$0.09 · {OPEN} · run"),
        panel=(f'"defaults": "{OPEN}"', "default (auto)", f'"remarks": ["{OPEN}"]'),
        python=(
            lambda session: (
                priced(session, model="flux-2-max").text,
                generated(session, model="flux-2-max").images[0].remarks,
                priced(session, model="flux-2-max", aspect_ratio="16:9").shape,
            ),
            (f"1 × $0.09 = $0.09 · {OPEN}", (OPEN,), ""),
        ),
        log=(f"$0.09 · {OPEN} · run", "aspect_ratio auto"),
    ),
    "4 qwen-image is sized by a ratio": Line(
        fields={"model": "qwen-image", "width": 512},
        options="--model qwen-image --width 512",
        cell=("--width 512 does not apply: qwen-image is sized by --aspect-ratio.", "It takes --aspect-ratio 1:1, 3:2"),
        panel=("Not sent, because qwen-image does not take it: width (px) 512.", '["4:5", "4:5"]'),
        python=(
            lambda session: (
                model(session, "qwen-image").sizing.value,
                len(model(session, "qwen-image").allowed("aspect_ratio")),
                error_of(session, model="qwen-image", width=512)[0],
            ),
            ("ratio", 8, InvalidRequest),
        ),
        log=REFUSED,
    ),
    "4 its steps and its prompt": Line(
        fields={"model": "qwen-image", "steps": 50},
        options="--model qwen-image --steps 50",
        cell=("steps may have no effect: whether qwen-image uses it is not known.",),
        panel=("default: 20 · 1 … 50", '"limit": 2048'),
        python=(
            lambda session: (
                generated(session, model="qwen-image", steps=50).images[0].request["steps"],
                error_of(session, model="qwen-image", steps=51)[0],
                model(session, "qwen-image").prompt_character_limit,
            ),
            (50, InvalidRequest, 2048),
        ),
        log=('"steps": 50',),
    ),
    "4 gpt-image-2 takes eight ratios": Line(
        fields={"model": "gpt-image-2", "aspect_ratio": "4:5"},
        options="--model gpt-image-2 --aspect-ratio 4:5",
        cell=("1K · 4:5",),
        panel=('["21:9", "21:9"]', '["4:5", "4:5"]'),
        python=(lambda session: len(model(session, "gpt-image-2").allowed("aspect_ratio")), 8),
        log=('"aspect_ratio": "4:5"',),
    ),
    "5 anon_user_id": Line(
        fields={"model": "qwen-image", "anon_user_id": "u-1"},
        options="--model qwen-image --anon-user-id u-1",
        cell=("1 × $0.03 = $0.03",),
        panel=("Anonymous user ID",),
        python=(
            lambda session: (
                session.build("A fox", model="qwen-image", anon_user_id="u-1").request.body(1)["anon_user_id"],
                "u-1" in json.dumps(dict(generated(session, model="qwen-image", anon_user_id="u-1").images[0].request)),
                "u-1" in run_command(None, "show last --json").data["text/plain"],
            ),
            ("u-1", False, False),
        ),
        log=("qwen-image",),
    ),
    "5 style references on more models, their strength ignored": Line(
        fields={"model": "luma-uni-1", "style_references": ["fox.png@0.5"]},
        options="--model luma-uni-1 --style-reference fox.png@0.5",
        cell=("strength 0.5 does not apply: luma-uni-1 takes references without a strength", "Leave out the @STRENGTH"),
        panel=("Style references", "strength 0.5 does not apply: luma-uni-1 takes references without a strength"),
        python=(
            lambda session: (
                model(session, "luma-uni-1").max_style_references,
                len(generated(session, model="luma-uni-1", style_references=["fox.png"], yes=True).images),
                error_of(session, model="luma-uni-1", style_references=["fox.png@0.5"])[0],
            ),
            (3, 1, InvalidRequest),
        ),
        log=REFUSED,
    ),
    "6 the ledger's requestId is the response's id": Line(
        fields={"model": "z-image-turbo"},
        options="%venice log --reconcile",
        cell=("1 run now with what the ledger charged. 0 requests of the ledger belong to no run here.",),
        panel=Nothing("the panel shows a balance and what was spent; the ledger is read by %venice log alone"),
        python=(
            lambda session: (
                generated(session).charged_usd,
                run_command(None, "log --reconcile") and session.log.get("last").charged_usd,
                session.log.get("last").charge_currency,
                session.log.get("last").outcome.response_id.partition("-")[0],
            ),
            (None, Decimal("0.01"), "USD", "generate"),
        ),
        log=("response id generate-image-",),
    ),
    "7 a model that no one here has heard of": Line(
        fields={"model": "nano-banana-2-1", "resolution": "1.5K"},
        options="--model nano-banana-2-1 --resolution 1.5K",
        cell=("1 × $0.07 = $0.07", "nano-banana-2-1", "1.5K · 1:1"),
        panel=("Nano Banana 2.1", "Generate · $0.07", "seed 41"),
        python=(
            lambda session: (
                generated(session, model="nano-banana-2-1", resolution="1.5K").images[0].seed,
                model(session, "nano-banana-2-1").support("seed"),
            ),
            (41, FieldSupport.UNKNOWN),
        ),
        log=("nano-banana-2-1", '"resolution": "1.5K"'),
    ),
    "8 what was looked for and not found": Line(
        fields={},
        options="",
        cell=Nothing("there is no job, webhook, quote, idempotency key or price per megapixel to speak of"),
        panel=Nothing("the same"),
        python=Nothing("the same"),
        log=Nothing("the same; `test_nothing_rests_on_what_the_api_does_not_have` looks at what is sent"),
    ),
}


def paint(commission: Any) -> bytes:
    file = BytesIO()
    Image.new("RGB", (8, 6), (commission.content % 256, 90, 30)).save(file, "PNG")
    return file.getvalue()


@pytest.fixture
def simulator(monkeypatch: pytest.MonkeyPatch) -> Simulator:
    from venice_widgets.simulator import catalogue, models

    unheard = models.Model(
        id="nano-banana-2-1", name="Nano Banana 2.1", ratios=("1:1", "4:3"), resolutions=("1K", "1.5K"),
        tier_prices={"1K": "0.05", "1.5K": "0.07"},
    )  # fmt: skip
    monkeypatch.setitem(catalogue.MODELS, unheard.id, unheard)
    return Simulator(requests_per_minute=None, paint=paint)


@pytest.fixture
def session(simulator: Simulator) -> Session:
    Image.new("RGB", (8, 8), "blue").save("fox.png")
    made = Session(api_key=ADMIN_KEY, transport=simulator.transport())
    current.use_session(made)
    return made


def speaking(who: str) -> Any:
    """The lines of which someone has something to say."""
    return pytest.mark.parametrize("line", [name for name, line in LINES.items() if _says(line, who)])


def _says(line: Line, who: str) -> bool:
    return not isinstance(getattr(line, who), Nothing)


def expected(session: Session, words: tuple[str, ...]) -> list[str]:
    """The words with the days on which models end, which the simulator counts from today."""
    ends = {each.id: day_text(each.deprecation.ends) for each in session.catalogue().models if each.deprecation.ends}
    return [re.sub(r"\{([\w.-]+)\}", lambda found: ends[found[1]], word) for word in words]


def words_of(text: str) -> str:
    return " ".join(re.sub(r"\x1b\[\d*m", "", text).split())


@speaking("cell")
def test_what_the_cell_says(shell, session, simulator, capsys, line):
    scene = LINES[line]
    if scene.fault:
        simulator.add_fault(scene.fault)
    if scene.options.startswith("%"):
        generated(session)
        shown = shell.run_cell(scene.options).result
    else:
        shown = shell.run_cell(f"%%venice --seed 41 --yes {scene.options}\nA fox").result
    output = capsys.readouterr()
    page = shown._repr_mimebundle_()[0]["text/html"] if shown is not None else ""
    said = words_of(output.out + output.err + unescape(re.sub(r"<[^>]*>", " ", page)))
    for words in expected(session, scene.cell):
        assert words in said
    assert_published(*(request.json for request in simulator.requests if request.method == "POST"))


@speaking("panel")
def test_what_the_panel_says(request, session, simulator, line):
    scene = LINES[line]
    fields = {name: value for name, value in scene.fields.items() if name != "max_cost_usd"}
    view = request.getfixturevalue("open_panel")(seed=41, **fields)
    shown = json.dumps(view.slices, ensure_ascii=False)
    if scene.fault:
        simulator.add_fault(scene.fault)
    if not view.problem:
        view.generate()
        view.settle()
    shown += json.dumps(view.slices, ensure_ascii=False)
    for words in expected(session, scene.panel):
        assert words in shown


@speaking("python")
def test_what_python_says(session, simulator, line):
    scene = LINES[line]
    if scene.fault:
        simulator.add_fault(scene.fault)
    found, wanted = scene.python
    assert found(session) == wanted


@speaking("log")
def test_what_the_log_says(session, simulator, line):
    scene = LINES[line]
    if scene.fault:
        simulator.add_fault(scene.fault)
    with suppress(VeniceError):
        generated(session, **scene.fields)
    said = words_of(" ".join(run_command(None, each).data["text/plain"] for each in ("log", "show last")))
    for words in expected(session, scene.log):
        assert words in said


@pytest.mark.parametrize("line", [name for name, line in LINES.items() if line.log is REFUSED])
def test_what_is_refused_is_not_sent_and_on_no_record(session, simulator, line):
    with pytest.raises(VeniceError, match="Nothing was sent"):
        generated(session, **LINES[line].fields)
    assert run_command(None, "log").data["text/plain"].startswith("The log is empty")
    assert not [request for request in simulator.requests if request.method == "POST"]


def test_each_line_of_the_notes_stands_in_the_table():
    assert {name[0] for name in LINES} == set("12345678")


DOCUMENTED = {
    "/models", "/models/traits", "/image/styles", "/image/generate", "/api_keys/rate_limits", "/billing/usage-history",
}  # fmt: skip


def test_nothing_rests_on_what_the_api_does_not_have(shell, session, simulator):
    for cell in ("%%venice --seed 1 -n 2\nA fox", "%venice balance", "%venice log --reconcile", "%venice doctor"):
        shell.run_cell(cell).raise_error()
    assert {request.path for request in simulator.requests} == DOCUMENTED
    headers = {name for request in simulator.requests for name in request.headers}
    assert not [name for name in headers if "idempot" in name or "webhook" in name or "callback" in name]
    assert all(set(request.json) <= {"model", "prompt", "seed"} for request in simulator.requests if request.body)
