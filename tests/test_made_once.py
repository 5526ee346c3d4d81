"""A value is made once, however many threads ask for it first."""

import threading
import time
from concurrent.futures import ThreadPoolExecutor

from venice_widgets.client.client import Client
from venice_widgets.config import Secret, Settings
from venice_widgets.made_once import made_once

THREADS = 8


def asked_at_once(ask):
    """What each of several threads gets that come at the same time."""
    start = threading.Barrier(THREADS)

    def thread(_):
        start.wait(10)
        return ask()

    with ThreadPoolExecutor(THREADS) as threads:
        return list(threads.map(thread, range(THREADS)))


def slowly(make, made):
    """The same function, in which every thread arrives before the first one leaves, and which counts."""

    def wait(*args, **more):
        made.append(threading.get_ident())
        time.sleep(0.05)
        return make(*args, **more)

    return wait


class Owner:
    def __init__(self):
        self._making = threading.RLock()
        self.made = []

    @made_once
    def outer(self):
        """What needs the other."""
        return [self.inner]

    @made_once
    def inner(self):
        self.made.append(1)
        return object()


def test_one_value_may_need_another_and_each_is_made_once():
    owner = Owner()
    assert owner.outer[0] is owner.inner is owner.inner
    assert owner.made == [1]


def test_objects_share_nothing_and_the_class_shows_the_documentation():
    assert Owner().inner is not Owner().inner
    assert Owner.outer.__doc__ == "What needs the other."


def test_a_value_that_was_taken_away_is_made_anew():
    owner = Owner()
    first = owner.inner
    del owner.inner
    assert owner.inner is not first


def test_threads_that_come_first_at_once_share_what_a_session_makes(session, monkeypatch):
    made = []
    monkeypatch.setattr("venice_widgets.session.connection.RateLimiter", slowly(lambda *_, **__: object(), made))
    limiters = asked_at_once(lambda: session.rate_limiter)
    assert len(made) == 1
    assert len(set(map(id, limiters))) == 1
    monkeypatch.setattr("venice_widgets.session.connection.Client", slowly(Client, clients := []))
    assert len(set(map(id, asked_at_once(lambda: session.client)))) == len(clients) == 1


def test_threads_that_come_first_at_once_share_a_clients_connections_and_certificates(monkeypatch):
    client = Client(Settings(api_key=Secret("VENICE_INFERENCE_KEY_0123456789abcdef")))
    monkeypatch.setattr(client, "_new_http", slowly(client._new_http, connections := []))
    assert len(set(map(id, asked_at_once(lambda: client._questions)))) == len(connections) == 1
    client.close()
    monkeypatch.setattr("httpx.create_ssl_context", slowly(object, contexts := []))
    del client._tls
    assert len(set(map(id, asked_at_once(lambda: client._tls)))) == len(contexts) == 1
