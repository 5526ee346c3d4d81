"""Settings: which value wins, what is refused, and that secrets stay secret."""

import copy
import dataclasses
import json
import pickle
import pprint
import tomllib
from decimal import Decimal
from pathlib import Path
from types import SimpleNamespace

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from traitlets.config import Config

from venice_widgets.config import (
    BASE_URL,
    DEMO_BASE_URL,
    STORE_FOLDER,
    Secret,
    Settings,
    check_base_url,
    read_settings,
)
from venice_widgets.errors import ConfigurationError
from venice_widgets.files.store_folder import CONFIG_FILE, find_store
from venice_widgets.money import parse_usd

KEY = "VENICE_INFERENCE_KEY_kq7w8e9r0t1y2u3i4o5p"
WALLET = "0xfeedfacecafebeef0123456789abcdef"


@pytest.fixture
def folder(tmp_path):
    (tmp_path / STORE_FOLDER).mkdir()
    return tmp_path


def write_config(folder: Path, text: str) -> None:
    (folder / STORE_FOLDER / CONFIG_FILE).write_text(text)


def read(folder, arguments=None, **environ):
    return read_settings(arguments, environ=environ, folder=folder)


def test_without_anything_said_the_documented_defaults_hold(tmp_path):
    settings = read(tmp_path)
    assert settings.api_key is None
    assert settings.wallet_key is None
    assert settings.base_url == BASE_URL == "https://api.venice.ai/api/v1"
    assert settings.store == tmp_path / ".venice"
    assert settings.max_cost_usd is None
    assert settings.confirm_above_usd == Decimal("1.00")
    assert settings.read_timeout_seconds >= 330
    assert (settings.in_flight, settings.requests_per_minute, settings.demo) == (4, 20, False)
    assert dict(settings.sources) == {"store": "found from the notebook"}
    assert not (tmp_path / ".venice").exists(), "reading settings makes no folder"


def test_argument_beats_environment_beats_file_beats_default(folder):
    def max_cost(*, argument, environment, file):
        write_config(folder, 'max_cost_usd = "3"' if file else "")
        settings = read(
            folder, {"max_cost_usd": "1" if argument else None}, **({"VENICE_MAX_COST": "2"} if environment else {})
        )
        return settings.max_cost_usd, settings.sources.get("max_cost_usd")

    assert max_cost(argument=True, environment=True, file=True) == (Decimal(1), "argument")
    assert max_cost(argument=False, environment=True, file=True) == (Decimal(2), "VENICE_MAX_COST")
    assert max_cost(argument=False, environment=False, file=True) == (Decimal(3), "config.toml")
    assert max_cost(argument=False, environment=False, file=False) == (None, None)


@pytest.mark.parametrize(
    ("variable", "value", "name", "expected"),
    [
        ("VENICE_API_KEY", KEY, "api_key", Secret(KEY)),
        ("VENICE_WALLET_KEY", WALLET, "wallet_key", Secret(WALLET)),
        ("VENICE_API_BASE_URL", "https://proxy.example/v1/", "base_url", "https://proxy.example/v1"),
        ("VENICE_MAX_COST", "$0.50", "max_cost_usd", Decimal("0.50")),
        ("VENICE_CONFIRM_ABOVE", "0", "confirm_above_usd", Decimal(0)),
    ],
)
def test_every_variable_of_the_environment_is_read(tmp_path, variable, value, name, expected):
    settings = read(tmp_path, **{variable: f" {value}\n"})
    assert getattr(settings, name) == expected
    assert settings.sources[name] == variable


def test_an_empty_variable_counts_as_not_given(folder):
    write_config(folder, 'max_cost_usd = "3"\nconfirm_above_usd = 2')
    blank = dict.fromkeys(
        [
            "VENICE_API_KEY",
            "VENICE_WALLET_KEY",
            "VENICE_API_BASE_URL",
            "VENICE_STORE",
            "VENICE_MAX_COST",
            "VENICE_CONFIRM_ABOVE",
        ],
        "  ",
    )
    assert read(folder, **blank) == read(folder)
    assert read(folder, **blank).max_cost_usd == Decimal(3)
    assert read(folder, **blank).api_key is None


def test_the_store_is_found_by_walking_up(folder):
    deep = folder / "a" / "b"
    deep.mkdir(parents=True)
    assert find_store(deep) == folder / STORE_FOLDER
    (folder / "a" / STORE_FOLDER).mkdir()
    assert find_store(deep) == folder / "a" / STORE_FOLDER


def test_a_file_named_like_the_store_is_not_taken_for_it(tmp_path):
    (tmp_path / STORE_FOLDER).mkdir()
    below = tmp_path / "below"
    below.mkdir()
    (below / STORE_FOLDER).write_text("not a folder")
    assert find_store(below) == tmp_path / STORE_FOLDER


def test_a_stated_store_wins_over_a_found_one_and_its_config_is_read(folder, tmp_path):
    other = tmp_path / "other"
    other.mkdir()
    (other / CONFIG_FILE).write_text("in_flight = 2")
    settings = read(folder, VENICE_STORE=str(other))
    assert (settings.store, settings.in_flight) == (other, 2)
    assert settings.sources["store"] == "VENICE_STORE"
    assert read(folder, {"store": folder / "mine"}, VENICE_STORE=str(other)).store == folder / "mine"


def test_a_store_under_the_home_is_expanded_and_made_absolute(monkeypatch, tmp_path):
    monkeypatch.setenv("HOME", str(tmp_path))
    monkeypatch.chdir(tmp_path)
    assert read(tmp_path, VENICE_STORE="~/images").store == tmp_path / "images"
    assert read(tmp_path, VENICE_STORE="images").store == tmp_path / "images"


def test_a_home_that_does_not_exist_is_refused_in_our_words(tmp_path):
    with pytest.raises(ConfigurationError, match=r"store ~no-such-user-here/x \(VENICE_STORE\)"):
        read(tmp_path, VENICE_STORE="~no-such-user-here/x")


def test_a_store_that_is_no_path_is_refused(tmp_path):
    with pytest.raises(ConfigurationError, match=r"store 5 \(argument\) is not a path"):
        read_settings({"store": 5}, environ={}, folder=tmp_path)


@pytest.mark.parametrize("url", ["postgres://u:hunter2@db/x", "postgres://db/x?password=hunter2"])
def test_a_database_as_store_is_refused_without_showing_its_password(tmp_path, url):
    with pytest.raises(ConfigurationError, match="database") as caught:
        read(tmp_path, VENICE_STORE=url)
    assert "hunter2" not in str(caught.value)
    assert "give a path" in caught.value.remedy


def test_config_toml_sets_limits_exactly(folder):
    write_config(
        folder,
        """
        max_cost_usd = 0.1
        session_budget_usd = "2.50"
        day_budget_usd = 3
        project_budget_usd = "$100"
        read_timeout_seconds = 330.1
        in_flight = 2
        requests_per_minute = 10
        """,
    )
    settings = read(folder)
    assert settings.max_cost_usd == Decimal("0.1"), "no binary fraction gets in"
    assert settings.session_budget_usd == Decimal("2.50")
    assert settings.day_budget_usd == Decimal(3)
    assert settings.project_budget_usd == Decimal(100)
    assert settings.read_timeout_seconds == 330.1
    assert (settings.in_flight, settings.requests_per_minute) == (2, 10)
    assert settings.sources["in_flight"] == "config.toml"


@pytest.mark.parametrize("name", ["api_key", "wallet_key", "base_url", "store", "max_cost"])
def test_config_toml_takes_no_credentials_addresses_or_unknown_names(folder, name):
    write_config(folder, f'{name} = "{KEY}"')
    with pytest.raises(ConfigurationError, match=name) as caught:
        read(folder)
    assert KEY not in str(caught.value)
    assert "max_cost_usd" in caught.value.remedy


@pytest.mark.parametrize("text", ["max_cost_usd =", "\x00", "in_flight = 1e99999999999999999999"])
def test_a_config_that_cannot_be_read_is_named(folder, text):
    write_config(folder, text)
    with pytest.raises(ConfigurationError, match=r"config\.toml cannot be read"):
        read(folder)


def test_a_config_that_is_no_text_or_no_file_is_named(folder):
    (folder / STORE_FOLDER / CONFIG_FILE).write_bytes(b"\xff\xfe")
    with pytest.raises(ConfigurationError, match=r"config\.toml cannot be read"):
        read(folder)
    (folder / STORE_FOLDER / CONFIG_FILE).unlink()
    (folder / STORE_FOLDER / CONFIG_FILE).mkdir()
    with pytest.raises(ConfigurationError, match=r"config\.toml cannot be read"):
        read(folder)


@pytest.mark.parametrize("name", ["read_timeout_seconds", "in_flight", "requests_per_minute"])
@pytest.mark.parametrize("value", ["0", "-1", "nan", "inf", "true", '"4"', "[]"])
def test_counts_and_seconds_are_finite_numbers_above_zero(folder, name, value):
    write_config(folder, f"{name} = {value}")
    with pytest.raises(ConfigurationError, match=rf"{name} .* \(config\.toml\)"):
        read(folder)


@pytest.mark.parametrize(
    ("name", "value", "takes"),
    [
        ("read_timeout_seconds", "1e308", "a number from 1 to 3600"),
        ("read_timeout_seconds", "3601", "a number from 1 to 3600"),
        ("in_flight", "65", "a whole number from 1 to 64"),
        ("requests_per_minute", "10001", "a whole number from 1 to 10000"),
        ("preview_pixels", "1", "a whole number from 64 to 2048"),
        ("reuse", "'sometimes'", "always, never"),
        ("format", "'bmp'", "jpeg, png, webp"),
        ("model", "7", "a text"),
        ("demo", "'yes'", "true or false"),
        ("max_cost_usd", "'1_0'", "0.50"),
        ("max_cost_usd", "1e30", "0.50"),
    ],
)
def test_every_setting_has_its_bounds_and_says_them(folder, name, value, takes):
    write_config(folder, f"{name} = {value}")
    with pytest.raises(ConfigurationError, match=name) as caught:
        read(folder)
    assert takes in caught.value.remedy


def test_a_byte_order_mark_is_no_part_of_a_file(folder):
    write_config(folder, '\ufeffmax_cost_usd = "3"')
    assert read(folder).max_cost_usd == Decimal(3)


def test_a_file_is_parsed_once_until_it_changes(folder, monkeypatch):
    parsed, loads = [], tomllib.loads
    monkeypatch.setattr(tomllib, "loads", lambda text, **more: parsed.append(text) or loads(text, **more))
    write_config(folder, "in_flight = 2")
    assert [read(folder).in_flight for _ in range(5)] == [2] * 5
    assert parsed.count("in_flight = 2") == 1
    write_config(folder, "in_flight = 3 # changed")
    assert read(folder).in_flight == 3


def test_defaults_come_from_ipython_then_the_store_then_the_project(folder, monkeypatch):
    (folder / "pyproject.toml").write_text('[tool.venice]\nmodel = "project"\nformat = "png"\nin_flight = 2')
    assert (read(folder).model, read(folder).sources["model"]) == ("project", "pyproject.toml")
    write_config(folder, 'model = "store"\nformat = "jpeg"')
    assert (read(folder).model, read(folder).sources["model"]) == ("store", "config.toml")
    told = Config()
    told.Venice.model = "ipython"
    monkeypatch.setattr("venice_widgets.config.sources.running_shell", lambda: SimpleNamespace(config=told))
    found = read(folder)
    assert (found.model, found.sources["model"]) == ("ipython", "IPython's configuration")
    assert (found.format, found.sources["format"]) == ("jpeg", "config.toml")
    assert (found.in_flight, found.sources["in_flight"]) == (2, "pyproject.toml")
    assert read(folder, {"model": "argument"}).model == "argument"


def test_a_mistyped_name_in_any_of_them_is_told_with_the_nearest_right_one(folder, monkeypatch):
    (folder / "pyproject.toml").write_text("[tool.venice]\nmodle = 'x'")
    with pytest.raises(ConfigurationError, match=r"tool\.venice.*modle") as caught:
        read(folder)
    assert "Did you mean model?" in caught.value.remedy
    (folder / "pyproject.toml").write_text("[tool]\nvenice = 3")
    with pytest.raises(ConfigurationError, match="not a table"):
        read(folder)


@pytest.mark.parametrize("quoted", ['"{}"', "'{}'", ' "{}" ', '" {} "'])
def test_a_key_that_was_given_in_quotes_is_sent_without_them(tmp_path, quoted):
    assert read(tmp_path, VENICE_API_KEY=quoted.format(KEY)).api_key.reveal() == KEY


@pytest.mark.parametrize("name", ["in_flight", "requests_per_minute"])
def test_counts_are_whole(folder, name):
    write_config(folder, f"{name} = 2.5")
    with pytest.raises(ConfigurationError, match="whole number"):
        read(folder)


def test_an_amount_of_nothing_has_no_sign():
    assert str(parse_usd("-0.0", "max_cost_usd")) == "0.0"


def test_a_number_that_python_does_not_write_out_is_no_amount():
    with pytest.raises(ConfigurationError, match=r"max_cost_usd \(int that cannot be written out\) is not an amount"):
        parse_usd(10**5000, "max_cost_usd")


@pytest.mark.parametrize("value", ["", "abc", "nan", "-0.01", "inf", "1,50", "€1", True, None, "0x10", "--1"])
def test_what_is_no_amount_of_dollars_is_refused_with_its_source(value):
    with pytest.raises(ConfigurationError, match="VENICE_MAX_COST"):
        parse_usd(value, "max_cost_usd (VENICE_MAX_COST)")


@settings(deadline=None)
@given(st.decimals(min_value=0, max_value=10**6, places=6))
def test_any_amount_of_dollars_is_read_exactly(amount):
    assert parse_usd(str(amount), "x") == parse_usd(f" ${amount} ", "x") == parse_usd(amount, "x") == amount


@settings(deadline=None)
@given(st.text(max_size=20))
def test_any_text_is_an_amount_or_a_configuration_error(text):
    try:
        amount = parse_usd(text, "x")
    except ConfigurationError:
        return
    assert amount.is_finite()
    assert amount >= 0


def test_an_unknown_setting_is_refused_with_those_there_are(tmp_path):
    with pytest.raises(ConfigurationError, match="no setting max_cost") as caught:
        read(tmp_path, {"max_cost": 1})
    assert "max_cost_usd" in caught.value.remedy
    with pytest.raises(ConfigurationError, match="no setting sources"):
        read(tmp_path, {"sources": {}})


@pytest.mark.parametrize(
    ("given_url", "kept"),
    [
        ("https://api.venice.ai/api/v1", "https://api.venice.ai/api/v1"),
        ("https://api.venice.ai/api/v1/", "https://api.venice.ai/api/v1"),
        (" https://api.venice.ai/api/v1\n", "https://api.venice.ai/api/v1"),
        ("https://proxy.example:8443/v1", "https://proxy.example:8443/v1"),
        ("http://localhost:8000/api/v1", "http://localhost:8000/api/v1"),
        ("http://127.0.0.1:8000", "http://127.0.0.1:8000"),
        ("http://[::1]:8000/", "http://[::1]:8000"),
        (DEMO_BASE_URL, DEMO_BASE_URL),
    ],
)
def test_https_anywhere_and_http_on_the_loopback_are_taken(given_url, kept):
    assert check_base_url(given_url) == kept


@pytest.mark.parametrize(
    "url",
    [
        "http://api.venice.ai/api/v1",
        "http://localhost.evil.example/",
        "http://127.0.0.1.evil.example/",
        "http://localhost@evil.example/",
        "ftp://localhost/",
        "file://localhost/etc",
    ],
)
def test_no_key_goes_out_in_the_clear(url):
    with pytest.raises(ConfigurationError, match="in the clear"):
        check_base_url(url)


@pytest.mark.parametrize(
    "url",
    [
        "",
        "api.venice.ai/api/v1",
        "https://",
        "https:///x",
        "http://[",
        "https://h:abc",
        "https://h:99999",
        "https://a b",
    ],
)
def test_what_is_no_url_is_refused_with_an_example(url):
    with pytest.raises(ConfigurationError, match="cannot be read") as caught:
        check_base_url(url, "VENICE_API_BASE_URL")
    assert BASE_URL in caught.value.remedy
    assert "VENICE_API_BASE_URL" in str(caught.value)


@pytest.mark.parametrize("url", ["https://u:p@h/x", "https://u@h", "https://h/x?a=b", "https://h/x#a", "https://h/x?"])
def test_a_base_url_is_scheme_host_and_path_alone(url):
    with pytest.raises(ConfigurationError, match="credentials, a query or a fragment"):
        check_base_url(url)


@pytest.mark.parametrize(
    "url",
    [
        "http://user:hunter2@evil.example/",
        "https://user:hunter2@evil.example/",
        "http://evil.example/?key=hunter2",
        "https://evil.example/?key=hunter2",
        "http://evil.example/#hunter2",
        "user:hunter2@evil.example",
        "https://user:hunter2@[/",
        "http://evil.example/?a=@hunter2",
    ],
)
def test_a_refused_address_never_shows_its_secret(url):
    with pytest.raises(ConfigurationError) as caught:
        check_base_url(url)
    assert "hunter2" not in str(caught.value)


@settings(deadline=None)
@given(
    st.one_of(
        st.text(max_size=40), st.text(max_size=30).map("https://h".__add__), st.text(max_size=30).map("http://".__add__)
    )
)
def test_any_text_is_a_base_url_or_a_configuration_error(text):
    try:
        url = check_base_url(text)
    except ConfigurationError:
        return
    assert url.lower().startswith(("https://", "http://"))
    assert not set("?#@ \n\t") & set(url.split("/", 3)[2])
    assert not url.endswith("/")


def shown_forms(value):
    """Every way in which Python and a notebook show a value."""
    yield from (repr(value), str(value), f"{value}", f"{value!s} {value!r}", "%s %r" % (value, value))  # noqa: UP031
    yield pprint.pformat(value)
    yield json.dumps({"value": value}, default=str)


@pytest.mark.parametrize("secret", [KEY, WALLET, "short-secret"])
def test_a_secret_is_never_seen(secret):
    value = Secret(f" {secret}\n")
    assert value.reveal() == secret
    for shown in shown_forms(value):
        assert secret not in shown
        assert secret[:-4] not in shown


def test_a_short_secret_shows_none_of_its_characters():
    assert Secret("0123456789abcde").masked == "…"
    assert Secret("0123456789abcdef").masked == "…cdef"


@pytest.mark.parametrize("copied", [pickle.dumps, copy.copy, copy.deepcopy])
def test_a_secret_refuses_to_be_written_out(copied):
    with pytest.raises(TypeError, match="in the clear"):
        copied(Secret(KEY))


def test_a_secret_formats_only_as_its_mask():
    with pytest.raises(TypeError):
        format(Secret(KEY), ">60")
    assert KEY not in f"{Secret(KEY)}"


def test_secrets_compare_and_tell_whether_they_are_empty():
    assert Secret(KEY) == Secret(KEY)
    assert Secret(KEY) != Secret(WALLET)
    assert Secret(KEY) != KEY
    assert hash(Secret(KEY)) == hash(Secret(KEY))
    assert Secret(KEY)
    assert not Secret("  ")


def test_settings_never_show_or_give_away_their_secrets(tmp_path):
    settings = read(tmp_path, VENICE_API_KEY=KEY, VENICE_WALLET_KEY=WALLET)
    assert settings.api_key.reveal() == KEY
    for shown in shown_forms(settings):
        assert KEY not in shown
        assert WALLET not in shown
    for written_out in (dataclasses.asdict, dataclasses.astuple, pickle.dumps, copy.deepcopy):
        with pytest.raises(TypeError):
            written_out(settings)


def test_no_refusal_of_another_setting_shows_the_key(tmp_path):
    with pytest.raises(ConfigurationError) as caught:
        read(tmp_path, VENICE_API_KEY=KEY, VENICE_MAX_COST="much")
    assert KEY not in str(caught.value)
    assert "VENICE_MAX_COST" in str(caught.value)


def test_settings_are_frozen(tmp_path):
    with pytest.raises(dataclasses.FrozenInstanceError):
        read(tmp_path).demo = True
    with pytest.raises(TypeError):
        read(tmp_path).sources["demo"] = "elsewhere"


def test_the_demo_has_no_credentials_no_guards_and_a_store_of_its_own():
    real = Settings(
        api_key=Secret(KEY),
        wallet_key=Secret(WALLET),
        store=Path("/x/.venice"),
        max_cost_usd=Decimal(1),
        session_budget_usd=Decimal(1),
        day_budget_usd=Decimal(1),
        project_budget_usd=Decimal(1),
    )
    demo = real.for_demo()
    assert demo.demo is True
    assert demo.api_key == Secret("demo")
    assert demo.wallet_key is None
    assert demo.base_url == DEMO_BASE_URL
    assert demo.store == Path("/x/.venice/demo")
    guards = (demo.max_cost_usd, demo.session_budget_usd, demo.day_budget_usd, demo.project_budget_usd)
    assert guards == (None, None, None, None)
    assert real.api_key == Secret(KEY), "the real settings are untouched"


@pytest.mark.parametrize("variable", ["VENICE_MAX_COST", "VENICE_CONFIRM_ABOVE", "VENICE_API_BASE_URL"])
def test_a_key_that_was_put_into_the_wrong_variable_is_not_quoted(variable, folder):
    with pytest.raises(ConfigurationError, match=variable) as caught:
        read(folder, **{variable: KEY})
    assert KEY.removeprefix("VENICE_INFERENCE_KEY_") not in str(caught.value)
