"""How old the catalogue may be, where its copies are, and what happens without a network."""

import json
import threading
from datetime import UTC, datetime, timedelta

import httpx
import pytest

from venice_widgets.client.catalogue_cache import CatalogueKeeper
from venice_widgets.client.client import Client
from venice_widgets.config import Secret, Settings
from venice_widgets.errors import CatalogueError, CredentialsRefused, ResponseError, ServiceUnavailable
from venice_widgets.request import catalogue as catalogue_module
from venice_widgets.simulator import Fault, Simulator

KEY = "VENICE_INFERENCE_KEY_Zq7Xw3Lm9Rt2Vb5N"


@pytest.fixture
def clock(monkeypatch):
    """The time as the catalogue's age sees it: ``clock(hours=2)`` passes two hours."""
    passed = timedelta()

    class Shifted(datetime):
        @classmethod
        def now(cls, tz=None):
            return datetime.now(tz) + passed

    def advance(**amount):
        nonlocal passed
        passed += timedelta(**amount)

    monkeypatch.setattr(catalogue_module, "datetime", Shifted)
    return advance


@pytest.fixture
def keeper(simulator, tmp_path):
    def make(**changes):
        stated = {"api_key": Secret(KEY), "store": tmp_path / "store", **changes}
        settings = Settings(**stated)
        return CatalogueKeeper(settings, Client(settings, simulator.transport()))

    return make


def asked(simulator):
    return [request.path for request in simulator.requests]


def copies(tmp_path):
    return sorted((tmp_path / "store" / "catalogue").iterdir())


def offline(simulator):
    for path in ("/models", "/models/traits", "/image/styles"):
        simulator.add_fault(Fault("disconnect", times=None, path=path))


def test_the_catalogue_is_fetched_once_and_again_when_it_is_an_hour_old(simulator, keeper, clock):
    one = keeper()
    first = one.current()
    assert asked(simulator) == ["/models", "/models/traits", "/image/styles"]
    clock(minutes=59)
    assert one.current() is first
    clock(minutes=2)
    assert one.current() is not first
    assert len(asked(simulator)) == 6


def test_the_caller_says_how_old_it_may_be(simulator, keeper, clock):
    one = keeper()
    one.current()
    clock(hours=5)
    one.current(max_age_seconds=6 * 3600)
    assert len(asked(simulator)) == 3
    one.current(max_age_seconds=0)
    assert len(asked(simulator)) == 6


def test_another_session_takes_the_copy_from_the_disk(simulator, keeper):
    fetched = keeper().current()
    again = keeper().current()
    assert len(asked(simulator)) == 3
    assert (again.models, again.traits, again.styles) == (fetched.models, fetched.traits, fetched.styles)
    assert again.fetched_at == fetched.fetched_at


@pytest.mark.parametrize(
    "other",
    [
        {"base_url": "https://elsewhere.example/api/v1"},
        {"api_key": Secret("another-key-entirely")},
        {"api_key": None},
        {"api_key": None, "wallet_key": Secret("0x" + "1" * 64)},
    ],
)
def test_copies_are_kept_apart_by_base_url_and_credential(simulator, keeper, tmp_path, other):
    keeper().current()
    assert keeper(**other).known() is None
    keeper(**other).current()
    assert len(copies(tmp_path)) == 2


def test_the_key_stands_neither_in_the_copy_nor_in_its_name(simulator, keeper, tmp_path):
    keeper().current()
    (copy,) = copies(tmp_path)
    everything = copy.read_text("utf-8") + str(copy)
    assert KEY not in everything
    assert "Zq7X" not in everything
    assert list(copy.parent.glob("*.tmp")) == []


def test_without_a_network_the_last_copy_serves_and_tells_its_age_and_why(simulator, keeper, clock):
    keeper().current()
    offline(simulator)
    clock(hours=30)
    one = keeper()
    old = one.current()
    assert old.age_seconds == pytest.approx(30 * 3600, abs=60)
    assert type(one.problem) is ResponseError
    simulator.clear_faults()
    assert one.current().fetched_at > old.fetched_at
    assert one.problem is None


def test_without_a_network_and_without_a_copy_it_is_an_error(simulator, keeper):
    offline(simulator)
    one = keeper()
    with pytest.raises(ResponseError):
        one.current()
    assert one.known() is None


def test_a_refused_key_is_told_as_that_where_there_is_no_copy(keeper, monkeypatch, tmp_path):
    strict = Simulator(faults=[Fault("401", path="/models")])
    settings = Settings(api_key=Secret(KEY), store=tmp_path / "store")
    with pytest.raises(CredentialsRefused):
        CatalogueKeeper(settings, Client(settings, strict.transport())).current()


@pytest.mark.parametrize("kind", ["html", "malformed-json", "503"])
def test_an_answer_that_is_no_list_of_models_never_replaces_a_good_copy(simulator, keeper, clock, kind):
    good = keeper().current()
    clock(hours=2)
    simulator.add_fault(Fault(kind, **({"status": 200} if kind == "html" else {}), path="/models"))
    one = keeper()
    assert one.current().models == good.models
    assert type(one.problem) in (CatalogueError, ServiceUnavailable)
    assert keeper().known().fetched_at == good.fetched_at


def test_traits_and_styles_may_be_missing(simulator, keeper):
    simulator.add_fault(Fault("500", path="/models/traits"))
    simulator.add_fault(Fault("html", status=200, path="/image/styles"))
    found = keeper().current()
    assert found.models
    assert found.problems


def damaged(document):
    """Copies as a crash, an old version or a hand could leave them."""
    later = (datetime.now(UTC) + timedelta(days=400)).isoformat()
    yield from (b"", b"{", b"[]", b"null", b"7", b'"x"', b"\xff\xfe\x00", b"[" * 100_000)
    yield json.dumps({**document, "fetched_at": None}).encode()
    yield json.dumps({**document, "fetched_at": "yesterday"}).encode()
    yield json.dumps({**document, "fetched_at": "2026-01-01T00:00:00"}).encode()
    yield json.dumps({**document, "fetched_at": later}).encode()
    yield json.dumps({**document, "models": None}).encode()
    yield json.dumps({**document, "models": {"data": []}}).encode()
    yield json.dumps({**document, "models": "\ud800"}).encode()
    yield json.dumps({name: value for name, value in document.items() if name != "fetched_at"}).encode()


def test_a_copy_that_is_damaged_or_from_the_future_is_as_good_as_none(simulator, keeper, tmp_path):
    keeper().current()
    (copy,) = copies(tmp_path)
    document = json.loads(copy.read_bytes())
    for number, content in enumerate(damaged(document), 1):
        copy.write_bytes(content)
        assert keeper().known() is None, content[:80]
        assert keeper().current().models
        assert len(asked(simulator)) == 3 * (number + 1)


def test_what_is_known_never_asks_the_network(simulator, keeper):
    one = keeper()
    assert one.known() is None
    one.current()
    before = len(asked(simulator))
    assert one.known() is one.current()
    assert len(asked(simulator)) == before


def test_what_is_known_does_not_wait_while_somebody_fetches(simulator, keeper):
    simulator.add_fault(Fault("slow", seconds=0.5, path="/models"))
    one = keeper()
    thread = threading.Thread(target=one.current)
    thread.start()
    try:
        for _ in range(20):
            assert one.known() is None or not thread.is_alive()
    finally:
        thread.join()
    assert one.known() is not None


def test_many_threads_fetch_it_once(simulator, keeper):
    one = keeper()
    threads = [threading.Thread(target=one.current) for _ in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert len(asked(simulator)) == 3


def test_a_disk_that_takes_no_copy_costs_only_a_request_later(simulator, keeper, tmp_path):
    (tmp_path / "store").write_text("a file where the folder should be")
    assert keeper().current().models


def test_questions_go_out_with_the_credential_that_will_be_billed(simulator, keeper):
    keeper().current()
    assert {request.headers["authorization"] for request in simulator.requests} == {f"Bearer {KEY}"}
    assert httpx.URL(simulator.requests[0].target).params["type"] == "image"
