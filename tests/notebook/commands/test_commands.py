"""What the ``%venice`` commands about models, prices, the account and the settings show."""

import re
from dataclasses import fields
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from IPython.core.error import UsageError

from venice_widgets import current
from venice_widgets.config import LIMITS, Settings
from venice_widgets.errors import CredentialsRefused, ModelUnavailable
from venice_widgets.files import notebook
from venice_widgets.notebook.commands import COMMANDS, overview, run_command
from venice_widgets.notebook.commands.record_text import ago
from venice_widgets.session import Session
from venice_widgets.simulator import Fault, Simulator

KEY = "VENICE_INFERENCE_KEY_0123456789abcdef"


@pytest.fixture
def told(session):
    """What a command shows on a terminal."""
    return lambda line: run_command(None, line).data["text/plain"]


def rows(text, header="model"):
    """The cells of a plain table's rows, by their first column."""
    lines = text.splitlines()
    start = next(number for number, line in enumerate(lines) if line.startswith(header)) + 2
    found = [re.split(r"  +", line.strip()) for line in lines[start:] if "  " in line]
    return {cells[0]: cells[1:] for cells in found}


def test_the_overview_lists_every_command_and_so_does_no_command_at_all(told):
    for line in ("", "--help", "help", "  "):
        assert told(line) == overview()
    assert all(f"%venice {name} " in overview() for name in COMMANDS)
    assert all(command.summary.endswith(".") for command in COMMANDS.values())


@pytest.mark.parametrize("name", COMMANDS)
def test_every_command_has_help_in_every_way_of_asking(told, name):
    texts = {told(f"{name} --help"), told(f"{name} -h"), told(f"help {name}"), told(f"--help {name}")}
    assert len(texts) == 1
    assert f"usage: %venice {name}" in texts.pop()


@pytest.mark.parametrize(
    ("line", "words"),
    [
        ("nonsense", "there is no command 'nonsense'. %venice alone lists the commands."),
        ("modle x", "Did you mean model or models?"),
        ("A fox", "there is no command 'A'. Images are made by a cell that begins with %%venice;"),
        ("--n 4", "there is no command '--n'. Images are made by a cell that begins with %%venice;"),
        ("models --size 2K", "there is no option --size. Did you mean --aspect-ratio or --resolution?"),
        ("model", "%venice model: id is missing."),
        ("model a b", "'b' is not understood"),
        ("models --max-price lots", "'lots' is not an amount of dollars"),
        ("models --sized huge", "invalid choice: 'huge'"),
        ("demo perhaps", "it is on or off"),
        ("config --nonsense", "there is no option --nonsense"),
    ],
)
def test_what_cannot_be_understood_is_a_usage_error(told, simulator, line, words):
    with pytest.raises(UsageError) as caught:
        told(line)
    assert type(caught.value) is UsageError
    assert words in str(caught.value)
    assert not simulator.requests


def test_models_tells_of_each_how_it_is_sized_its_prices_privacy_seed_and_state(told):
    text = told("models")
    found = rows(text)
    assert found["z-image-turbo"] == ["pixels", "$0.01", "private", "supported", "default, fastest"]
    assert found["gpt-image-2"] == ["tiers", "$0.02 – $0.83, $0.26 by default", "anonymized", "ignored"]
    assert found["qwen-image-2"] == ["ratio", "$0.05", "anonymized", "unknown"]
    assert found["krea-v2-large"][-1] == "beta"
    assert found["hidream"][-1] == "offline"
    assert found["lustify-sdxl"][-1] == "going away on 31 March 2031, replaced by lustify-v8"
    assert found["hunyuan-image-v4-preview"][1] == "unknown"
    assert "bria-bg-remover" not in found
    assert f"{len(found)} of {len(found)} models" in text


@pytest.mark.parametrize(
    ("filters", "keeps", "drops"),
    [
        ("--max-price 0.05", {"qwen-image-2", "gpt-image-2"}, {"flux-2-max", "hunyuan-image-v4-preview"}),
        ("--max-price $0.01", {"chroma"}, {"qwen-image"}),
        ("--private", {"z-image-turbo"}, {"gpt-image-2"}),
        ("--sized tiers", {"gpt-image-2"}, {"z-image-turbo", "qwen-image-2"}),
        ("--seed", {"z-image-turbo"}, {"chroma", "gpt-image-2"}),
        ("--references", {"krea-v2-large"}, {"z-image-turbo"}),
        ("BANANA", {"nano-banana-2", "nano-banana-pro"}, {"chroma"}),
        ("--max-price 0.05 --private --sized pixels --seed z-", {"z-image-turbo"}, {"venice-sd35"}),
    ],
)
def test_models_can_be_filtered(told, filters, keeps, drops):
    found = rows(told(f"models {filters}")).keys()
    assert keeps <= found
    assert not drops & found


def test_the_cheapest_model_at_a_tier_is_one_command(told):
    text = told("models --resolution 2k --sort price")
    found = rows(text)
    assert "price at 2k" in text
    amounts = [[float(amount) for amount in re.findall(r"\$([\d.]+)", cells[1])] for cells in found.values()]
    lowest_and_usual = [(each[0], each[-1]) for each in amounts]
    assert lowest_and_usual == sorted(lowest_and_usual)
    assert found["gpt-image-2"][1] == "$0.03 – $0.50, $0.50 by default"
    assert rows(told("models -r 2K -q medium"))["gpt-image-2"][1] == "$0.13"
    assert "z-image-turbo" not in found
    assert list(rows(told("models --sort name"))) == sorted(rows(told("models")))
    assert told("models -r 2K gpt-image-2 --max-price 0.02") == "No model passes these filters."


def test_models_are_found_by_the_ratios_that_they_list(told):
    assert "nano-banana-pro" in rows(told("models --aspect-ratio 21:9"))
    assert "z-image-turbo" not in rows(told("models -a 21:9"))


@pytest.mark.parametrize(
    ("line", "words"),
    [
        ("models 2K", "For what has 2K, write %venice models --resolution 2K."),
        ("models 16:9", "write %venice models --aspect-ratio 16:9."),
        ("models --resolution 9K", "--resolution is one of "),
    ],
)
def test_a_word_that_is_the_value_of_a_filter_is_answered_with_it(told, line, words):
    assert words in told(line)


def test_config_shows_its_file_and_what_the_budgets_leave(monkeypatch, session, told):
    session.generate("A fox", seed=1)
    store = session.settings.store
    assert rows(told("config"), "setting")["config.toml"] == [
        str(store / "config.toml"),
        "there is none; it is optional",
    ]
    (store / "config.toml").write_text('day_budget_usd = "2.00"')
    text = told("config")
    assert rows(text, "setting")["config.toml"][1] == "there is one"
    assert "Day budget leaves $1.99." in text


def test_a_privacy_of_another_word_is_shown_as_it_stands_and_is_not_private(told):
    assert rows(told("models"))["minimax-h3-image"][2] == "provider_may_retain"
    assert "privacy" in told("model minimax-h3-image")
    assert "provider_may_retain" in told("model minimax-h3-image")
    assert "minimax-h3-image" not in told("models --private")


def test_the_doctor_shows_the_proxy_without_its_password(told, monkeypatch):
    assert re.search(r"proxy +none", told("doctor"))
    monkeypatch.setenv("HTTPS_PROXY", "http://me:secret@proxy.example:3128")
    assert "https: http://…@proxy.example:3128" in told("doctor")
    assert "secret" not in told("doctor")


def test_the_doctor_lists_what_is_going_away_each_once_with_its_day(told):
    text = told("doctor")
    assert text.count("seedream-v3 ") == text.count("nano-banana ") == text.count("krea-v1 ") == 1
    assert rows(text, "model")["lustify-sdxl"] == ["going away on 31 March 2031, replaced by lustify-v8"]
    assert not re.search(r"\d{4}-\d\d-\d\d", text.split("Models that are going away")[1])


def test_the_price_of_a_model_that_another_one_answers_shows_both(told):
    text = told("price nano-banana")
    assert "Price of one image of nano-banana\nany size  $0.05" in text
    assert "Price of one image of nano-banana-2" in text
    assert "Its price may differ: nano-banana-2 costs $0.10 an image." in text
    assert "may differ" not in told("price seedream-v3")


def test_a_filter_that_nothing_passes_says_so(told):
    assert told("models --max-price 0.001") == "No model passes these filters."
    assert told("styles zzz") == "No style preset has this in its name."


def test_a_model_is_told_with_all_its_limits_and_its_price_grid(told):
    text = told("model gpt-image-2")
    assert text.startswith("gpt-image-2 — GPT Image 2\n")
    for words in ("1:1 (default), 3:2, 16:9", "1K (default), 2K, 4K", "low, medium, high (default)", "up to 10,000"):
        assert words in text
    assert re.search(r"seed +ignored", text)
    grid = text[text.index("Resolution / Quality") :]
    assert [re.findall(r"\$[\d.]+", line) for line in grid.splitlines()[2:5]] == [
        ["$0.02", "$0.07", "$0.26"],
        ["$0.03", "$0.13", "$0.50"],
        ["$0.05", "$0.21", "$0.83"],
    ]
    assert grid.count("cheapest") == grid.count("default") == 1


@pytest.mark.parametrize(
    ("line", "words"),
    [
        ("model venice-sd35", "width and height, 1 … 1280 pixels in steps of 16"),
        ("model default", "z-image-turbo — Z-Image Turbo"),
        ("model z-image-turbo", "default, fastest"),
        ("model krea-v2-large", "up to 3, with strength"),
        ("model hidream", "offline"),
        ("model bria-bg-remover", "makes no images from text"),
        ("price z-image-turbo", "Price of one image of z-image-turbo\nany size  $0.01"),
        ("price hunyuan-image-v4-preview", "any size  unknown"),
        ("price nano-banana-2", "Price of one image of nano-banana-2"),
        ("price wan-3-text-to-image", "$0.05625"),
    ],
)
def test_facts_of_models_are_told(told, line, words):
    assert words in told(line)


@pytest.mark.parametrize("command", ["model", "price"])
def test_an_unknown_model_is_refused_with_its_neighbours(told, command):
    with pytest.raises(ModelUnavailable, match="Did you mean z-image-turbo"):
        told(f"{command} z-image-trubo")


def test_styles_are_listed_and_searched(told):
    assert "28 of 28 styles" in told("styles")
    assert "Analog Film" in told("styles")
    assert told("styles ANIME").startswith("1 of 28 styles")


def test_the_balance_is_told_by_currency(told):
    text = told("balance")
    assert re.search(r"USD +\$25\.00", text)
    assert re.search(r"DIEM +0", text)


def test_without_a_key_the_balance_says_what_to_do():
    current.use_session(Session(transport=Simulator().transport()))
    with pytest.raises(CredentialsRefused, match="VENICE_API_KEY"):
        run_command(None, "balance")


def test_config_tells_every_setting_and_its_origin_and_no_key(told, monkeypatch):
    monkeypatch.setenv("VENICE_MAX_COST", "0.50")
    session = Session(api_key=KEY, transport=Simulator().transport())
    current.use_session(session)
    found = rows(told("config"), "setting")
    assert found["api_key"] == ["…cdef", "argument"]
    assert found["max_cost_usd"] == ["$0.50", "VENICE_MAX_COST"]
    assert found["confirm_above_usd"] == ["$1.00", "default"]
    assert found["store"][0] == str(session.settings.store)
    html = run_command(None, "config").data["text/html"]
    assert KEY not in html
    assert KEY not in told("config")


def test_the_demo_is_switched_on_and_off(monkeypatch):
    monkeypatch.setenv("VENICE_API_KEY", KEY)
    shown = run_command(None, "demo").data["text/plain"]
    assert "nothing is charged" in shown
    assert current.current_session().settings.demo
    assert "simulated" in run_command(None, "models").data["text/plain"]
    assert run_command(None, "balance").data["text/plain"].startswith("Balance (simulated)")
    config = run_command(None, "config").data["text/plain"]
    assert re.search(r"api_key +not needed +demo", config)
    assert "_usd" not in config
    assert config.count("limits and budgets do not hold") == 1
    assert "Nothing is wrong." in run_command(None, "doctor").data["text/plain"]
    assert "has no billing ledger" in run_command(None, "log --reconcile").data["text/plain"]
    shown = run_command(None, "demo off").data["text/plain"]
    assert "requests go to api.venice.ai and cost money (a key is set)" in shown
    assert not current.current_session().settings.demo


def test_a_line_in_the_stores_configuration_keeps_the_demo_on_after_a_restart(shell):
    Path(".venice").mkdir()
    Path(".venice/config.toml").write_text("demo = true\n")
    assert current.current_session().settings.demo
    shell.run_cell("%%venice --out fox\na fox")
    assert shell.user_ns["fox"].images[0].simulated
    assert "cost money" in run_command(None, "demo off").data["text/plain"]
    assert not current.current_session().settings.demo


def test_switching_the_demo_off_says_when_there_is_no_key():
    assert "no key is set: VENICE_API_KEY" in run_command(None, "demo off").data["text/plain"]


ODD_ENTRIES = [
    {"id": 5},
    {"id": "bad-price", "type": "image", "model_spec": {"pricing": {"generation": {"usd": -1}}}},
    "nonsense",
]


def test_the_doctor_names_every_entry_that_could_not_be_read_and_the_others_stay():
    simulator = Simulator(extra_entries=ODD_ENTRIES)
    current.use_session(Session(api_key=KEY, transport=simulator.transport()))
    text = run_command(None, "doctor").data["text/plain"]
    assert re.search(r"key +balance \$25\.00", text)
    assert re.search(r"catalogue +\d\d models, fetched just now", text)
    assert "bad-price: " in text
    assert len(re.findall(r"entry \d+: ", text)) == 2
    assert re.search(r"store +.*\.venice", text)
    assert "3 entries could not be read, see %venice doctor." in run_command(None, "models").data["text/plain"]
    assert "z-image-turbo" in run_command(None, "models").data["text/plain"]


def test_the_doctor_goes_on_where_a_part_is_broken():
    current.use_session(Session(transport=Simulator().transport()))
    text = run_command(None, "doctor").data["text/plain"]
    assert "VENICE_API_KEY" in text
    assert re.search(r"\d\d models", text)
    assert "Nothing is wrong" not in text


@pytest.mark.parametrize(
    ("hours", "words"),
    [
        (0, "Prices fetched just now."),
        (0.5, "Prices fetched 30 minutes ago."),
        (3, "Prices fetched 3 hours ago. They could not be fetched again: "),
        (50, "Under a limit, prices this old count as unknown."),
    ],
)
def test_the_age_of_prices_is_shown_and_what_follows_from_it(told, session, simulator, hours, words):
    keeper = session.catalogue_keeper
    told("models")
    fetched_at = datetime.now(UTC) - timedelta(hours=hours)
    object.__setattr__(keeper._catalogue, "fetched_at", fetched_at)
    simulator.add_fault(Fault("503", times=None, path="/models"))
    for line in ("models", "model chroma", "price gpt-image-2"):
        assert words in told(line)


@pytest.mark.parametrize(
    ("seconds", "words"),
    [(0, "just now"), (59, "just now"), (60, "1 minute ago"), (7199, "119 minutes ago"), (7200, "2 hours ago"),
     (172799, "47 hours ago"), (172800, "2 days ago")],
)  # fmt: skip
def test_ages_are_said_as_people_say_them(seconds, words):
    assert ago(seconds) == words


def test_refresh_asks_again(told, simulator):
    told("models")
    asked = len(simulator.requests)
    told("models")
    assert len(simulator.requests) == asked
    told("models --refresh")
    assert len(simulator.requests) > asked


def test_what_venice_says_is_escaped():
    entry = {"id": "<i>odd</i>", "type": "image", "model_spec": {"name": "<script>x</script>", "description": "<b>$5"}}
    current.use_session(Session(api_key=KEY, transport=Simulator(extra_entries=[entry]).transport()))
    for line in ("models", "model <i>odd</i>", "price <i>odd</i>"):
        html = run_command(None, line).data["text/html"]
        assert "<script" not in html
        assert "<i>" not in html
        assert "<b>$" not in html


def test_config_names_every_setting_and_the_files_that_they_come_from(told, tmp_path, monkeypatch):
    monkeypatch.delenv("VENICE_STORE", raising=False)
    monkeypatch.setattr(notebook, "STARTED_IN", tmp_path)
    project = tmp_path / "pyproject.toml"
    project.write_text('[tool.venice]\nformat = "png"\nin_flight = 2')
    (store := tmp_path / ".venice").mkdir()
    (store / "config.toml").write_text('format = "jpeg"')
    current.use_session(Session(demo=True, max_cost_usd="0.30"))
    shown = rows(told("config"), "setting")
    assert shown["config.toml"] == [str(store / "config.toml"), "there is one"]
    assert shown["pyproject.toml"] == [str(project), "it has [tool.venice]"]
    assert (shown["format"], shown["in_flight"]) == (["jpeg", "config.toml"], ["2", "pyproject.toml"])
    assert shown["demo"] == ["on", "argument"]
    assert shown["max_cost_usd"] == ["$0.30", "argument"], "a limit of the session itself holds in the demo too"
    hidden = {"sources", *LIMITS} - {"max_cost_usd"}
    assert {field.name for field in fields(Settings)} - set(shown) == hidden
