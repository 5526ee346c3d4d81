"""Callbacks come on any thread, several at once, while other things go on: nothing is sent twice, nothing is lost."""

import threading
import time

import pytest

from tests.panel.conftest import Person, from_a_foreign_thread
from venice_widgets.panel.lane import Lane
from venice_widgets.simulator import Fault, Simulator


def received(simulator: Simulator) -> int:
    return len([each for each in simulator.requests if each.path.endswith("/image/generate")])


def test_handlers_work_on_a_foreign_thread(open_panel):
    person = open_panel()
    from_a_foreign_thread(lambda: person.set("Model", "gpt-image-2"))
    from_a_foreign_thread(lambda: person.set("Prompt", "A crow"))
    person.settle()
    from_a_foreign_thread(lambda: person.set("Resolution", "2K"))
    from_a_foreign_thread(lambda: person.click("Generate"))
    person.settle()
    assert person.panel.generation.images[0].request["resolution"] == "2K"
    assert person.panel.generation.images[0].request["prompt"] == "A crow"
    from_a_foreign_thread(lambda: person.click("Use seed"))
    from_a_foreign_thread(lambda: person.set("Show", "History"))
    person.settle()
    assert person.panel.desk.choices.seed == str(person.panel.generation.images[0].seed)


def test_a_double_click_sends_once(open_panel, simulator):
    person = open_panel()
    person.click("Generate")
    person.panel.desk.generate()
    person.settle()
    assert received(simulator) == 1


def test_twenty_clicks_at_once_send_once(open_panel, simulator):
    simulator.add_fault(Fault("slow", seconds=0.5))
    person = open_panel()
    gate = threading.Barrier(20)

    def click() -> None:
        gate.wait()
        person.panel.desk.generate()

    threads = [threading.Thread(target=click) for _ in range(20)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    person.settle()
    assert received(simulator) == 1


def test_handlers_return_at_once_while_the_network_hangs(open_panel, simulator):
    simulator.add_fault(Fault("hang"))
    person = open_panel()
    started = time.monotonic()
    person.click("Generate")
    for number in range(20):
        person.set("Prompt", f"A fox {number}")
    person.set("Model", "gpt-image-2")
    assert time.monotonic() - started < 2
    person.panel.cancel()
    person.settle()
    assert person.find("Prompt").value == "A fox 19"


def running(person: Person) -> None:
    end = time.monotonic() + 10
    while person.panel.desk.snapshot().phase != "running":
        assert time.monotonic() < end
        time.sleep(0.01)


def test_a_late_answer_comes_into_the_gallery_and_overwrites_nothing_newer(open_panel, simulator):
    simulator.add_fault(Fault("slow", seconds=1.2))
    person = open_panel(prompt="late")
    person.click("Generate")
    running(person)
    late = person.panel.desk.sending.generation
    person.click("Cancel")
    person.set("Prompt", "newer")
    person.settle()
    person.panel.generate()
    newer = person.panel.wait(20)
    assert late.wait(10)
    time.sleep(0.2)
    person.settle()
    assert person.panel.generation is newer
    assert [image.request["prompt"] for image in person.panel._shelf.images] == ["newer"]
    shown = [card.image.request["prompt"] for card in person.panel._shelves.gallery._cards.values()]
    assert sorted(shown) == ["late", "newer"]


def test_cancelling_before_it_leaves_sends_nothing(open_panel, simulator, monkeypatch):
    person = open_panel()
    session = person.panel.desk.session
    at_the_door, go_on = threading.Event(), threading.Event()
    build = session.build

    def slow_build(*args, **keys):
        at_the_door.set()
        go_on.wait(10)
        return build(*args, **keys)

    monkeypatch.setattr(session, "build", slow_build)
    person.click("Generate")
    assert at_the_door.wait(10)
    person.click("Cancel")
    go_on.set()
    time.sleep(0.3)
    person.settle()
    assert received(simulator) == 0
    assert "Nothing was sent" in person.text()


def test_what_a_job_raises_is_told_and_the_lane_goes_on():
    told: list[BaseException] = []
    done: list[int] = []
    lane = Lane("test", told.append)
    lane.submit(lambda: 1 / 0)
    lane.submit(lambda: done.append(1))
    assert lane.wait(5)
    assert [type(error) for error in told] == [ZeroDivisionError]
    assert done == [1]


def test_a_mistake_in_a_handler_is_a_line_in_the_panel_and_not_silence(open_panel, monkeypatch, capsys):
    person = open_panel()
    monkeypatch.setattr(person.panel.desk, "choose", lambda _: 1 / 0)
    person.set("Prompt", "A crow")
    person.settle()
    assert "ZeroDivisionError" in person.text()
    assert capsys.readouterr() == ("", "")


@pytest.mark.parametrize("kind", ["violation", "500", "422", "disconnect"])
def test_every_ending_without_a_picture_is_told_with_what_became_of_the_money(open_panel, simulator, kind):
    simulator.add_fault(Fault(kind))
    person = open_panel()
    person.click("Generate")
    person.settle()
    assert "charged" in person.text()
    assert "Traceback" not in person.text()
