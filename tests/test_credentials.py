"""Keys are found where people keep them, in one order, and stored only where told."""

import subprocess
import sys
from dataclasses import replace
from types import ModuleType, SimpleNamespace

import keyring
import keyring.errors
import pytest
from keyring.backends.null import Keyring as NullKeyring

from venice_widgets.config import Secret, Settings, read_settings
from venice_widgets.credentials import Credential, find_credential, kind_of_key, store_key, with_credential
from venice_widgets.errors import ConfigurationError

CANARY = "canary-1b7e-never-printed"


pytestmark = pytest.mark.usefixtures("ring")


@pytest.fixture
def colab(monkeypatch):
    """Google Colab's secrets, with the errors that it raises."""
    module = ModuleType("google.colab.userdata")
    for error in ("SecretNotFoundError", "NotebookAccessError", "TimeoutException"):
        setattr(module, error, type(error, (Exception,), {}))
    module.secrets = {}

    def get(name):
        value = module.secrets.get(name, module.SecretNotFoundError(name))
        if isinstance(value, Exception):
            raise value
        return value

    module.get = get
    for name in ("google", "google.colab"):
        monkeypatch.setitem(sys.modules, name, ModuleType(name))
    monkeypatch.setitem(sys.modules, "google.colab.userdata", module)
    return module


@pytest.fixture
def dotenv(tmp_path):
    path = tmp_path / ".env"
    path.write_text("OTHER=1\nexport VENICE_API_KEY='from $dotenv'\n")
    return path


def settings(arguments=None, **environ):
    return read_settings(arguments, environ=environ)


def test_the_places_are_asked_in_the_documented_order(ring, colab, dotenv):
    ring.kept["venice-widgets", "api_key"] = "from-keyring"
    assert find_credential(settings()) == Credential("api_key", Secret("from-keyring"), "keyring")
    colab.secrets["VENICE_API_KEY"] = "from-colab"
    assert find_credential(settings()) == Credential("api_key", Secret("from-colab"), "Colab secrets")
    asked = find_credential(settings(), dotenv=dotenv)
    assert asked == Credential("api_key", Secret("from $dotenv"), str(dotenv))
    stated = settings(VENICE_API_KEY="from-environment")
    assert find_credential(stated, dotenv=dotenv).source == "VENICE_API_KEY"
    given = settings({"api_key": "from-argument"}, VENICE_API_KEY="from-environment")
    assert find_credential(given, dotenv=dotenv) == Credential("api_key", Secret("from-argument"), "argument")


def test_nowhere_is_none_and_leaves_the_settings_as_they_are():
    found_nothing = settings()
    assert find_credential(found_nothing) is None
    assert with_credential(found_nothing) is found_nothing


def test_the_keyring_is_not_asked_when_a_key_came_before(ring, dotenv):
    find_credential(settings(VENICE_API_KEY="k"))
    find_credential(settings(VENICE_WALLET_KEY="k"))
    find_credential(settings(), dotenv=dotenv)
    assert ring.asked == 0


def test_no_look_up_happens_for_the_demo(ring):
    demo = settings().for_demo()
    assert with_credential(demo) is demo
    assert ring.asked == 0


def test_within_one_place_the_api_key_comes_first_and_a_nearer_wallet_outranks_a_farther_key(ring):
    ring.kept = {("venice-widgets", "api_key"): "a", ("venice-widgets", "wallet_key"): "w"}
    assert find_credential(settings()).name == "api_key"
    assert find_credential(settings(VENICE_WALLET_KEY="0x1")).name == "wallet_key"
    assert find_credential(settings(VENICE_WALLET_KEY="0x1", VENICE_API_KEY="k")).name == "api_key"


@pytest.mark.parametrize(("given", "other"), [("api_key", "wallet_key"), ("wallet_key", "api_key")])
def test_a_key_given_in_python_outranks_the_other_kind_in_the_environment(given, other):
    stated = settings({given: "mine"}, VENICE_API_KEY="a", VENICE_WALLET_KEY="w")
    assert (getattr(stated, given), getattr(stated, other)) == (Secret("mine"), None)
    assert other not in stated.sources


def test_two_kinds_given_in_python_are_one_too_many():
    with pytest.raises(ConfigurationError, match="Both an API key and a wallet key"):
        settings({"api_key": "a", "wallet_key": "w"})


def test_what_was_found_is_put_into_the_settings_with_its_source(ring):
    ring.kept["venice-widgets", "wallet_key"] = f"{CANARY}\n"
    found = with_credential(settings(VENICE_MAX_COST="1"))
    assert found.wallet_key == Secret(CANARY)
    assert found.api_key is None
    assert found.sources["wallet_key"] == "keyring"
    assert found.sources["max_cost_usd"] == "VENICE_MAX_COST"
    assert CANARY not in repr(found) + repr(find_credential(settings()))


def test_settings_made_by_hand_count_as_an_argument():
    assert find_credential(Settings(api_key=Secret("k"))).source == "argument"


@pytest.mark.parametrize("error", ["SecretNotFoundError", "NotebookAccessError", "TimeoutException"])
def test_a_colab_secret_that_may_not_be_read_is_passed_over(colab, ring, error):
    colab.secrets = {"VENICE_API_KEY": getattr(colab, error)(), "VENICE_WALLET_KEY": "w"}
    assert find_credential(settings()) == Credential("wallet_key", Secret("w"), "Colab secrets")


def test_outside_colab_its_secrets_are_not_even_looked_for(colab, monkeypatch):
    colab.secrets["VENICE_API_KEY"] = "k"
    monkeypatch.delitem(sys.modules, "google.colab")
    assert find_credential(settings()) is None


def test_a_dotenv_is_read_only_when_asked(dotenv, monkeypatch):
    monkeypatch.chdir(dotenv.parent)
    assert find_credential(settings()) is None


def test_a_dotenv_that_was_asked_for_and_cannot_be_read_is_an_error(tmp_path):
    (tmp_path / "image").write_bytes(b"\xff\xfe\x00")
    for path in (tmp_path / "absent", tmp_path / "image", tmp_path):
        with pytest.raises(ConfigurationError, match="cannot be read"):
            find_credential(settings(), dotenv=path)


def test_a_dotenv_that_was_asked_for_and_holds_no_key_is_an_error_so_that_no_other_account_pays(tmp_path, ring):
    (tmp_path / ".env").write_text("VENICE_API_KEY=\nVENICE_WALLET_KEY\n")
    ring.kept["venice-widgets", "api_key"] = "k"
    with pytest.raises(ConfigurationError, match="holds no key"):
        find_credential(settings(), dotenv=tmp_path / ".env")
    assert ring.asked == 0


def test_a_byte_order_mark_does_not_hide_the_key_of_a_dotenv(tmp_path):
    (tmp_path / ".env").write_text("\ufeffVENICE_API_KEY=abc\n", "utf-8")
    assert find_credential(settings(), dotenv=tmp_path / ".env").secret.reveal() == "abc"


@pytest.mark.parametrize(
    "module", [SimpleNamespace(), SimpleNamespace(get=None), None], ids=["empty", "odd", "missing"]
)
def test_whatever_keeps_colab_from_answering_there_is_no_key(monkeypatch, module):
    monkeypatch.setitem(sys.modules, "google.colab", SimpleNamespace())
    monkeypatch.setitem(sys.modules, "google.colab.userdata", module)
    assert find_credential(settings()) is None


def test_missing_libraries_are_told_with_the_command_that_installs_them(monkeypatch, dotenv):
    for name in ("keyring", "dotenv"):
        monkeypatch.setitem(sys.modules, name, None)
    assert find_credential(settings()) is None
    with pytest.raises(ConfigurationError, match=r"pip install 'venice-widgets\[dotenv\]'"):
        find_credential(settings(), dotenv=dotenv)
    with pytest.raises(ConfigurationError, match=r"pip install 'venice-widgets\[keyring\]'"):
        store_key(Secret("k"))


def test_a_system_without_a_keyring_has_no_key_there(ring):
    ring.refusal = keyring.errors.NoKeyringError("none")
    assert find_credential(settings()) is None


@pytest.mark.parametrize("refusal", [keyring.errors.KeyringLocked(CANARY), RuntimeError(CANARY)])
def test_a_locked_or_broken_keyring_is_told_without_what_it_said(ring, refusal):
    ring.refusal = refusal
    for use in (lambda: find_credential(settings()), lambda: store_key(Secret(CANARY))):
        with pytest.raises(ConfigurationError, match=f"cannot be used: {type(refusal).__name__}") as caught:
            use()
        assert "%venice login" in caught.value.remedy
        assert CANARY not in str(caught.value)
        assert caught.value.__suppress_context__
        assert caught.value.__context__.__traceback__ is None


def test_what_the_keyring_said_of_a_key_it_was_to_store_is_redacted_where_it_stays_in_reach(ring):
    ring.refusal = RuntimeError(CANARY)
    with pytest.raises(ConfigurationError) as caught:
        store_key(Secret(CANARY))
    assert CANARY not in repr(caught.value.__context__)


def test_a_stored_key_is_found_again(ring):
    assert store_key(Secret("kept")) == f"keyring ({ring.name})"
    assert store_key(Secret("0xkept"), "keyring", name="wallet_key") == f"keyring ({ring.name})"
    assert ring.kept == {("venice-widgets", "api_key"): "kept", ("venice-widgets", "wallet_key"): "0xkept"}
    assert find_credential(settings()).secret == Secret("kept")


def test_a_key_is_stored_nowhere_but_where_told(ring, tmp_path):
    with pytest.raises(ConfigurationError, match=r"cannot be stored in '\.env'"):
        store_key(Secret(CANARY), ".env")
    assert not ring.kept


def test_a_keyring_that_forgets_is_found_out():
    keyring.set_keyring(NullKeyring())
    with pytest.raises(ConfigurationError, match="did not keep it"):
        store_key(Secret(CANARY))


@pytest.mark.parametrize(
    ("key", "kind"),
    [("VENICE_INFERENCE_KEY_x", "inference"), ("VENICE_ADMIN_KEY_x", "admin"), ("3DrLB6", "unknown"), ("", "unknown")],
)
def test_the_kind_of_a_key_is_told_by_its_beginning(key, kind):
    assert kind_of_key(Secret(key)) == kind


def test_looking_through_credentials_loads_no_library_beforehand():
    code = (
        "import sys, venice_widgets.credentials; print([m for m in ('keyring', 'dotenv', 'httpx') if m in sys.modules])"
    )
    run = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True, timeout=30)
    assert run.stdout.strip() == "[]"


def test_an_empty_secret_counts_as_none():
    assert find_credential(replace(settings(), api_key=Secret(" "))) is None
