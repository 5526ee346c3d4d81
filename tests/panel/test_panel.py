"""The panel as a person uses it, with every control found by its label."""

import time

import pytest

from tests.panel.conftest import Person
from venice_widgets.errors import InvalidRequest, SpendingRefused
from venice_widgets.panel import Panel
from venice_widgets.session import Session
from venice_widgets.simulator import Fault, Simulator


def received(simulator: Simulator) -> int:
    return len([each for each in simulator.requests if each.path.endswith("/image/generate")])


def test_a_click_makes_the_pictures_and_shows_their_seeds(open_panel):
    person = open_panel(images=2)
    person.click("Generate")
    person.settle()
    seeds = [image.seed for image in person.panel.generation.images]
    assert len(seeds) == 2
    assert all(f"seed {seed}" in person.text() for seed in seeds)


def test_what_nobody_chose_is_not_sent_though_the_models_were_known_before(open_panel, session, simulator):
    session.catalogue()
    person = open_panel(model="gpt-image-2", images=1)
    assert dict(person.panel.request.fields) == {}
    assert person.panel.estimate.defaults == ("resolution 1K", "quality high")
    person.click("Generate")
    person.settle()
    (sent,) = [request.json for request in simulator.requests if request.method == "POST"]
    assert sent.keys() == {"model", "prompt", "seed"}


def test_the_controls_follow_the_model(open_panel):
    person = open_panel()
    assert person.sees("Width")
    assert not person.sees("Aspect ratio")
    person.set("Model", "gpt-image-2")
    person.settle()
    assert person.sees("Resolution")
    assert person.sees("Quality")
    assert person.sees("Aspect ratio")
    assert not person.sees("Width")


def test_what_was_chosen_is_there_when_one_comes_back_to_a_model(open_panel):
    person = open_panel()
    person.set("Width", 1280)
    person.set("Model", "gpt-image-2")
    person.settle()
    person.set("Resolution", "2K")
    person.set("Model", "z-image-turbo")
    person.settle()
    assert person.find("Width").value == 1280
    person.set("Model", "gpt-image-2")
    person.settle()
    assert person.find("Resolution").value == "2K"


def test_the_price_follows_the_tier_and_the_number_of_pictures(open_panel):
    person = open_panel(model="gpt-image-2")
    person.set("Resolution", "2K")
    person.set("Quality", "medium")
    person.set("Images", 4)
    person.settle()
    assert str(person.panel.estimate.price_usd) == "0.52"
    assert "4 × <span>$</span>0.13 = <span>$</span>0.52" in person.text()
    chosen = person.text().split("chosen")[0]
    assert chosen.rstrip().endswith('opacity:.7">')
    assert "<span>$</span>0.13" in chosen[-200:]


def test_the_model_list_is_filtered_by_typing_and_keeps_the_chosen_model(open_panel):
    person = open_panel()
    person.set("Find a model", "gpt")
    person.settle()
    ids = [model_id for _, model_id in person.find("Model").options]
    assert ids[0] == "z-image-turbo"
    assert all("gpt" in model_id for model_id in ids[1:])
    assert person.find("Model").value == "z-image-turbo"


def test_the_negative_prompt_says_where_it_is_dropped(open_panel):
    person = open_panel()
    assert "no effect" in person.find("Negative prompt").description
    person.set("Model", "qwen-image-2")
    person.settle()
    assert person.find("Negative prompt").description == "Negative prompt"


def test_what_is_typed_is_not_taken_back_by_an_older_state(open_panel):
    person = open_panel(prompt="")
    for length in range(1, 40):
        person.set("Prompt", "x" * length)
    person.settle()
    assert person.find("Prompt").value == "x" * 39
    assert person.panel.desk.choices.prompt == "x" * 39


def test_a_refusal_before_sending_is_a_readable_line(open_panel, simulator):
    person = open_panel(model="z-image-turbo", width=1001)
    person.click("Generate")
    person.settle()
    assert "width 1001 is no multiple of 8" in person.text()
    assert received(simulator) == 0


def test_a_402_is_shown_with_its_remedy_and_no_traceback(open_panel, simulator):
    simulator.add_fault(Fault("402-key"))
    person = open_panel()
    person.click("Generate")
    person.settle()
    assert "balance" in person.text().lower()
    assert "Traceback" not in person.text()
    assert person.find("Generate").disabled is False


def test_a_hanging_request_is_cancelled_and_the_panel_is_free_at_once(open_panel, simulator):
    simulator.add_fault(Fault("hang"))
    person = open_panel()
    person.click("Generate")
    end = time.monotonic() + 10
    while not (received(simulator) and person.panel.desk.snapshot().busy):
        assert time.monotonic() < end
        time.sleep(0.02)
    person.click("Cancel")
    person.settle()
    assert "may be charged" in person.text()
    assert not person.find("Generate").disabled
    person.panel.desk.sending.generation.abort()


def test_above_the_limit_the_button_asks_and_a_double_click_agrees_to_nothing(open_panel, simulator):
    person = open_panel(model="gpt-image-2", resolution="1K", quality="high", images=4)
    person.panel.desk.generate()
    person.panel.desk.generate()
    person.settle()
    assert person.find("Spend $1.04?")
    assert received(simulator) == 0
    time.sleep(0.65)
    person.click("Spend $1.04?")
    person.settle(60)
    assert received(simulator) == 4


def test_a_change_takes_the_question_back(open_panel):
    person = open_panel(model="gpt-image-2", resolution="4K", quality="high", images=4)
    person.click("Generate")
    person.settle()
    person.set("Images", 1)
    person.settle()
    assert person.find("Generate")


def test_use_seed_remix_and_use_all_take_over_what_they_say(open_panel):
    person = open_panel(prompt="A fox", images=2, style_preset="Anime")
    person.click("Generate")
    person.settle()
    first = person.panel.generation.images[0]
    person.set("Prompt", "A crow")
    person.set("Style preset", "")
    person.click("Use seed")
    person.settle()
    assert (person.find("Seeds").value, person.find("Seed", 1).value) == ("fixed", str(first.seed))
    assert person.find("Prompt").value == "A crow"
    person.click("Remix")
    person.settle()
    assert person.find("Prompt").value == "A fox"
    assert person.find("Style preset").value == "Anime"
    assert person.find("Seeds").value == "new each time"
    person.click("Use all")
    person.settle()
    assert person.panel.to_cell() == f"%%venice --model z-image-turbo --style-preset Anime --seed {first.seed}\nA fox"


def test_what_was_taken_over_is_also_told_where_the_picture_is(open_panel):
    person = open_panel(model="gpt-image-2")
    person.click("Generate")
    person.settle()
    seed = person.panel.generation.images[0].seed
    person.click("Use seed")
    person.settle()
    said = f"Seed {seed} is set, but gpt-image-2 ignores seeds."
    assert said in person.panel._shelves._said.value
    assert said in person.text()
    person.set("Show", "History")
    person.settle()
    assert person.panel._shelves._said.value == ""


def test_history_does_not_call_a_page_of_the_log_all_that_was_found(open_panel, session, monkeypatch):
    monkeypatch.setattr("venice_widgets.panel.history.MOST_RUNS", 2)
    session.generate("a fox", images=3)
    person = open_panel()
    person.set("Show", "History")
    person.settle()
    assert person.panel._shelves._history._runs.description == "Runs, newest first · the newest 2"


def test_counting_up_goes_on_after_the_last_seed(open_panel):
    person = open_panel(seed=41, images=2)
    person.set("Seeds", "counting up")
    person.click("Generate")
    person.settle()
    assert person.find("Seed", 1).value == "43"


def test_history_finds_a_run_and_recalls_it(open_panel):
    person = open_panel(prompt="A fox at night", seed=7)
    person.click("Generate")
    person.settle()
    person.set("Prompt", "A crow")
    person.set("Show", "History")
    person.settle()
    person.set("Search the log", "night")
    person.settle()
    assert "A fox at night" in person.find("Runs").options[0][0]
    person.click("Use everything")
    person.settle()
    assert person.find("Prompt").value == "A fox at night"
    assert person.panel.desk.choices.seed == "7"


def test_compare_shows_what_differs_and_blends_by_a_slider(open_panel):
    person = open_panel(images=2)
    person.click("Generate")
    person.settle()
    for place in range(2):
        person.click("More", place)
    for _ in range(2):
        person.click("Compare")
    person.set("Show", "Compare")
    person.settle()
    assert "What differs" in person.text()
    assert str(person.panel.generation.images[1].seed) in person.text()
    person.set("Show", "Compare")
    person.send_state(person.find("Show", 1), {"index": 1})
    person.send_state(person.find("Blend"), {"value": 25})
    person.settle()
    assert "opacity: 0.25" in person.text()


def test_program_calls_raise_what_a_person_would_read(open_panel, session):
    person = open_panel(model="gpt-image-2", resolution="4K", quality="high", images=4)
    with pytest.raises(SpendingRefused, match="more than is spent without asking"):
        person.panel.generate()
    empty = open_panel(prompt="")
    with pytest.raises(InvalidRequest, match="Write what the picture should show"):
        empty.panel.generate()
    with pytest.raises(InvalidRequest, match="widht"):
        Panel(session=session, widht=3)


def test_request_estimate_and_generation_can_be_observed(open_panel):
    person = open_panel()
    seen: dict[str, object] = {}
    done: list[bool] = []
    person.panel.observe(lambda change: seen.update({change["name"]: change["new"]}))
    person.panel.observe(lambda change: done.append(change["new"].done), "generation")
    person.set("Prompt", "A crow")
    person.set("Images", 3)
    person.panel.generate()
    generation = person.panel.wait(20)
    assert seen["request"].prompt == "A crow"
    assert seen["estimate"].images == 3
    assert seen["generation"] is generation
    assert done[-1]


def test_a_generation_without_any_picture_leaves_the_saved_ones_where_they_are(open_panel, simulator):
    person = open_panel()
    person.click("Generate")
    person.settle()
    kept = person.panel._shelf.images
    simulator.add_fault(Fault("402-key"))
    person.click("Generate")
    person.settle()
    assert person.panel._shelf.images == kept


def test_what_arrived_before_a_cancel_is_kept_with_the_notebook(open_panel, simulator):
    simulator.add_fault(Fault("hang", nth=2))
    person = open_panel(images=2)
    person.click("Generate")
    end = time.monotonic() + 10
    while not (person.panel.desk.sending.generation and person.panel.desk.sending.generation.images):
        assert time.monotonic() < end
        time.sleep(0.02)
    person.click("Cancel")
    person.settle()
    assert person.panel._shelf.images == person.panel.desk.sending.generation.images
    assert len(person.panel._shelf.images) == 1


def test_a_panel_that_could_not_reach_venice_says_so_and_asks_again_on_a_click(simulator):
    simulator.add_fault(Fault("500", times=None, path="/models"))
    person = Person(Panel(session=Session(api_key="VENICE_INFERENCE_KEY_0123", transport=simulator.transport())))
    person.settle(60)
    assert "Error" in person.text()
    simulator.clear_faults()
    person.click("Generate")
    person.settle(60)
    assert person.find("Model").value == "z-image-turbo"


def test_without_a_key_the_panel_opens_and_says_what_is_missing(simulator):
    session = Session(transport=simulator.transport())
    panel = Panel(session=session, prompt="A fox")
    panel.generate()
    with pytest.raises(Exception, match="key"):
        panel.wait(20)
