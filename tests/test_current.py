"""The session that all share."""

from venice_widgets.current import current_session, go_on_with, use_demo, use_session
from venice_widgets.session import Session


def test_everyone_gets_the_same_one():
    assert current_session() is current_session()


def test_a_key_that_is_set_in_a_cell_is_found(monkeypatch):
    without = current_session()
    assert without.settings.api_key is None
    monkeypatch.setenv("VENICE_API_KEY", "VENICE_INFERENCE_KEY_0123456789abcdef")
    assert current_session().settings.api_key is not None
    assert current_session() is current_session()


def test_a_session_that_was_given_is_never_replaced(monkeypatch):
    given = Session()
    use_session(given)
    assert given.settings.api_key is None
    monkeypatch.setenv("VENICE_API_KEY", "VENICE_INFERENCE_KEY_0123456789abcdef")
    assert current_session() is given


def test_no_switch_gives_a_new_session_budget(monkeypatch):
    begun = current_session().session_id
    use_demo(on=True)
    assert use_demo(on=False).session_id == begun
    another = Session(api_key="VENICE_INFERENCE_KEY_0123456789abcdef")
    go_on_with(another)
    assert current_session() is another
    assert another.session_id == begun


def test_switching_the_demo_off_is_going_back_to_the_environment(monkeypatch):
    assert use_demo(on=True).settings.demo
    without = use_demo(on=False)
    assert not without.settings.demo
    assert without.settings.api_key is None
    monkeypatch.setenv("VENICE_API_KEY", "VENICE_INFERENCE_KEY_0123456789abcdef")
    assert current_session().settings.api_key is not None
