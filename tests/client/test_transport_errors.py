"""What the environment says of proxies and certificates: one of our errors, naming the variable, without a password."""

import gc
import traceback

import pytest

from venice_widgets.client.client import Client
from venice_widgets.client.transport_errors import transport_error
from venice_widgets.config import Secret, Settings
from venice_widgets.errors import ConfigurationError, ServiceUnavailable

PASSWORD = "sesame-81723"


@pytest.fixture
def client(monkeypatch):
    for name in ("HTTPS_PROXY", "HTTP_PROXY", "ALL_PROXY", "NO_PROXY", "SSL_CERT_FILE", "SSL_CERT_DIR"):
        monkeypatch.delenv(name, raising=False)
        monkeypatch.delenv(name.lower(), raising=False)
    made = Client(
        Settings(api_key=Secret("VENICE_INFERENCE_KEY_0123456789abcdef"), base_url="https://api.venice.ai/api/v1")
    )
    yield made
    made.close()


def failures(client):
    for build in (client.channel, lambda: client.get("/models"), lambda: client.fetch_reference("https://a.example/b")):
        with pytest.raises(ConfigurationError) as caught:
            build()
        yield caught.value


@pytest.mark.parametrize(
    ("name", "value", "shown", "remedy"),
    [
        ("ALL_PROXY", f"socks5://me:{PASSWORD}@127.0.0.1:9", "ALL_PROXY socks5://127.0.0.1:9", "httpx[socks]"),
        ("HTTPS_PROXY", f"http://me:{PASSWORD}@proxy:port", "HTTPS_PROXY http://proxy:port", "http://host:3128"),
        ("https_proxy", f"http://me:{PASSWORD}@proxy:x", "HTTPS_PROXY http://proxy:x", "http://host:3128"),
        ("SSL_CERT_FILE", "/no/such/file.pem", "SSL_CERT_FILE /no/such/file.pem is not there", "PEM"),
    ],
)
def test_what_cannot_be_used_is_named_with_its_value_and_what_to_do(client, monkeypatch, name, value, shown, remedy):
    if "socks" in value:
        monkeypatch.setitem(__import__("sys").modules, "socksio", None)
    monkeypatch.setenv(name, value)
    for error in failures(client):
        assert shown in error.message
        assert remedy in error.remedy
        assert "Nothing was sent." in error.remedy
        told = "".join(traceback.TracebackException.from_exception(error, capture_locals=True).format())
        assert PASSWORD not in told
        assert error.__context__ is None
        assert error.__cause__ is None


def test_a_certificate_file_without_a_certificate_says_so(client, monkeypatch, tmp_path):
    empty = tmp_path / "empty.pem"
    empty.write_text("")
    monkeypatch.setenv("SSL_CERT_FILE", str(empty))
    for error in failures(client):
        assert f"SSL_CERT_FILE {empty} is empty or holds no certificate" in error.message


def test_a_proxy_that_refuses_and_a_certificate_are_not_called_the_network(client, monkeypatch):
    import httpx

    plain = transport_error(httpx.ConnectError("refused"), "api.venice.ai")
    assert "Check the network" in plain.remedy
    certificate = transport_error(httpx.ConnectError("[SSL: CERTIFICATE_VERIFY_FAILED] self-signed"), "api.venice.ai")
    assert "SSL_CERT_FILE" in certificate.remedy
    monkeypatch.setenv("HTTPS_PROXY", f"http://me:{PASSWORD}@127.0.0.1:9")
    with pytest.raises(ServiceUnavailable) as caught:
        client.get("/models")
    assert "the proxy of HTTPS_PROXY (http://127.0.0.1:9)" in caught.value.remedy
    assert PASSWORD not in str(caught.value)
    gc.collect()
