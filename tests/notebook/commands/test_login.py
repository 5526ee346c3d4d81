"""``%venice login`` asks without echo, checks the key, and keeps it only where told."""

import getpass
import sys
from pathlib import Path

import keyring
import pytest
from IPython.core.error import UsageError
from keyring.backends.null import Keyring as NullKeyring

from venice_widgets import current
from venice_widgets.errors import ConfigurationError, CredentialsRefused
from venice_widgets.notebook.commands import run_command
from venice_widgets.simulator import Simulator

KEY = "VENICE_INFERENCE_KEY_0123456789abcdef"
WALLET = "0x" + "4c0883a69102937d" * 4


pytestmark = pytest.mark.usefixtures("ring")


@pytest.fixture
def simulator(monkeypatch):
    made = Simulator(requests_per_minute=None, api_key={KEY, KEY.replace("INFERENCE", "ADMIN")})
    with made.serve() as url:
        monkeypatch.setenv("VENICE_API_BASE_URL", url)
        yield made


@pytest.fixture
def login(simulator, monkeypatch):
    """Run a command, typing `typed` where it asks."""

    def run(line="login", typed=KEY):
        monkeypatch.setattr(getpass, "getpass", lambda question: typed)
        return run_command(None, line).data["text/plain"]

    return run


def used(name="api_key"):
    settings = current.current_session().settings
    secret = getattr(settings, name)
    return secret and secret.reveal(), settings.sources.get(name)


def test_a_key_is_checked_used_and_stored_nowhere(login, ring, simulator):
    assert login() == "The inference key …cdef works. Balance: $25.00, 0 DIEM. It is used in this session alone."
    assert [request.path for request in simulator.requests] == ["/api_keys/rate_limits"]
    assert used() == (KEY, "%venice login")
    assert "%venice login" in run_command(None, "config").data["text/plain"]
    assert not ring.kept


def test_a_key_is_checked_by_venice_also_where_the_configuration_says_demo(login, simulator):
    Path(".venice").mkdir()
    Path(".venice/config.toml").write_text("demo = true\n")
    login()
    assert len(simulator.requests) == 1
    assert not current.current_session().settings.demo


def test_an_admin_key_is_told_apart(login):
    assert login(typed=KEY.replace("INFERENCE", "ADMIN")).startswith("The admin key …cdef works.")


def test_a_wallet_signs_by_the_header_asked_for_and_outranks_a_key_in_the_environment(login, simulator, monkeypatch):
    monkeypatch.setenv("VENICE_API_KEY", KEY)
    assert login("login --wallet --legacy-header", WALLET).startswith(f"The wallet …{WALLET[-4:]} works.")
    assert used("wallet_key") == (WALLET, "%venice login")
    headers = simulator.requests[-1].headers
    assert {"authorization", "sign-in-with-x", "x-sign-in-with-x"} & set(headers) == {"x-sign-in-with-x"}


def test_a_wrong_key_changes_nothing(login, ring):
    login()
    with pytest.raises(CredentialsRefused, match="401"):
        login("login --store", "VENICE_INFERENCE_KEY_wrong-0123456789")
    with pytest.raises(CredentialsRefused, match="no key was typed"):
        login(typed=" ")
    assert used() == (KEY, "%venice login")
    assert not ring.kept


def test_it_is_stored_where_told(login, ring):
    assert login("login --store").endswith("It is stored in the keyring (conftest InMemoryKeyring).")
    login("login --store --wallet", WALLET)
    assert ring.kept == {("venice-widgets", "api_key"): KEY, ("venice-widgets", "wallet_key"): WALLET}


@pytest.mark.parametrize("missing", [True, False])
def test_a_key_that_cannot_be_stored_is_used_all_the_same(login, monkeypatch, missing):
    keyring.set_keyring(NullKeyring())
    if missing:
        monkeypatch.setitem(sys.modules, "keyring", None)
    with pytest.raises(ConfigurationError, match="works and is used now, but is not stored"):
        login("login --store")
    assert used() == (KEY, "%venice login")


def test_a_dotenv_that_is_named_is_read_whatever_the_environment_holds(login, tmp_path, monkeypatch):
    monkeypatch.setenv("VENICE_API_KEY", "another-key")
    path = tmp_path / "keys.env"
    path.write_text(f"VENICE_API_KEY={KEY}\n")
    assert login(f"login --dotenv {path}", None).startswith("The inference key …cdef works.")
    assert used() == (KEY, str(path))
    path.write_text(f"VENICE_WALLET_KEY={WALLET}\n")
    assert login(f"login --dotenv {path}", None).startswith("The wallet")
    path.write_text("OTHER=1\n")
    with pytest.raises(ConfigurationError, match=r"keys\.env holds no key"):
        login(f"login --dotenv {path}", None)


@pytest.mark.parametrize("line", ["{}", "--wallet {}", "--wallet={}", "--api-key {}", "--store={}", "'{}"])
@pytest.mark.parametrize("key", [KEY, WALLET])
def test_a_key_on_the_line_is_refused_and_not_said_again(login, simulator, line, key):
    with pytest.raises(UsageError) as caught:
        login(f"login {line.format(key)}")
    assert key[-16:] not in str(caught.value)
    assert not simulator.requests


def test_a_key_on_the_line_is_to_be_taken_out(login):
    with pytest.raises(UsageError, match="take it out"):
        login("login some-old-key-without-a-prefix")


@pytest.mark.parametrize("error", [EOFError, NotImplementedError])
def test_where_no_one_can_type_it_says_what_to_set(monkeypatch, error):
    def refuse(question):
        raise error

    monkeypatch.setattr(getpass, "getpass", refuse)
    with pytest.raises(CredentialsRefused, match="VENICE_API_KEY"):
        run_command(None, "login")
