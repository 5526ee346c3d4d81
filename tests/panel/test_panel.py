"""The panel as a user works it. `FINDINGS` maps what was once wrong to the test that keeps it ended."""

import json
import threading
import time

import pytest

from tests.panel.conftest import View, sent, wait_until
from venice_widgets import current
from venice_widgets.errors import InvalidRequest, SpendingRefused
from venice_widgets.panel import Panel
from venice_widgets.panel import clicks as panel_clicks
from venice_widgets.request.catalogue import parse_catalogue
from venice_widgets.session import Session
from venice_widgets.simulator import Fault


def generated(view: View) -> View:
    view.generate()
    view.settle(60)
    return view


def test_a_click_makes_the_images_and_shows_their_seeds_and_prices(open_panel):
    view = generated(open_panel(images=2))
    seeds = [image.seed for image in view.panel.generation.images]
    assert [card["seed"] for card in view.cards] == [f"seed {seed}" for seed in seeds]
    assert [card["price"] for card in view.cards] == ["$0.01", "$0.01"]
    assert view.images.keys() == {card["key"] for card in view.cards}


def test_what_was_not_chosen_is_not_sent(open_panel, simulator):
    view = generated(open_panel(model="gpt-image-2"))
    assert view.panel.estimate.defaults == ("resolution 1K", "quality high")
    (body,) = sent(simulator)
    assert body.keys() == {"model", "prompt", "seed"}


def test_what_stood_beside_the_form_is_not_said_again_with_the_images(open_panel):
    view = generated(open_panel(model="nano-banana"))
    assert "nano-banana ended on" in " ".join(view.slices["quote"]["notes"])
    assert "nano-banana ended on" not in view.words
    assert view.cards[0]["remarks"] == ["made by nano-banana-2, whose price may differ"]


def test_the_controls_follow_the_model(open_panel):
    view = open_panel()
    assert view.control("width")
    assert not view.control("aspect_ratio")
    view.edit(model="gpt-image-2")
    assert view.control("resolution")
    assert view.control("aspect_ratio")
    assert not view.control("width")


def test_what_was_chosen_is_there_when_the_user_comes_back_to_a_model(open_panel):
    view = open_panel()
    view.put(width="1280")
    view.edit(model="gpt-image-2")
    view.put(resolution="2K")
    view.edit(model="z-image-turbo")
    assert view.form["values"] == {"width": "1280"}
    view.edit(model="gpt-image-2")
    assert view.form["values"] == {"resolution": "2K"}


def test_what_a_model_does_not_take_is_named_and_never_dropped_silently(open_panel):
    view = open_panel(model="gpt-image-2", width=512)
    assert view.slices["quote"]["left_out"] == ("Not sent, because gpt-image-2 does not take it: width (px) 512.")


def test_the_price_stands_on_the_button_and_in_the_grid(open_panel):
    view = open_panel(model="gpt-image-2", images=4)
    view.put(resolution="2K", quality="medium")
    assert view.slices["quote"]["button"] == "Generate · $0.52"
    assert view.slices["quote"]["formula"] == "4 × $0.13 = $0.52"
    marked = {
        (row["name"], cell["column"]): cell["mark"]
        for row in view.slices["grid"]["rows"]
        for cell in row["cells"]
        if cell["mark"]
    }
    assert marked == {("1K", "low"): "cheapest", ("1K", "high"): "default", ("2K", "medium"): "chosen"}


def test_a_click_at_another_price_than_the_one_shown_sends_nothing_and_shows_the_difference(open_panel, simulator):
    view = open_panel()
    view.hold = []
    view.edit(images="4")
    view.generate()  # the price on the screen is still that of one image
    for message in view.hold:
        view.deliver(message)
    view.settle()
    assert sent(simulator) == []
    assert "The price shown was 1 × $0.01 = $0.01; it is now 4 × $0.01 = $0.04." in view.words


def test_a_price_that_rose_since_the_catalogue_was_fetched_is_shown_and_the_next_click_pays_it(
    open_panel, session, simulator, monkeypatch
):
    view = open_panel()
    raise_price(session, monkeypatch)
    generated(view)
    assert sent(simulator) == []
    assert "it is now 1 × $0.20 = $0.20" in view.words
    assert view.slices["quote"]["button"] == "Generate · $0.20"
    time.sleep(0.7)
    generated(view)
    assert len(sent(simulator)) == 1


def raise_price(session: Session, monkeypatch: pytest.MonkeyPatch) -> None:
    """From now on the catalogue says that z-image-turbo costs $0.20."""
    answer = json.loads(session.client.get("/models", type="image"))
    for entry in answer["data"]:
        if entry["id"] == "z-image-turbo":
            entry["model_spec"]["pricing"]["generation"] = {"usd": 0.2, "diem": 0.2}
    dearer = parse_catalogue(json.dumps(answer).encode(), json.dumps({"data": {"default": "z-image-turbo"}}).encode())
    monkeypatch.setattr(session, "catalogue", lambda **_: dearer)


def test_the_panel_follows_the_session_in_use_and_says_whether_it_is_real(wire, session, simulator):
    view = View(Panel(prompt="A fox"), wire)
    view.settle()
    assert view.slices["quote"]["facts"]["account"].startswith("Real")
    current.use_demo(on=True)
    view.generate()
    view.settle()
    assert sent(simulator) == []
    assert "it is now “Demo · simulated, nothing is charged”" in view.words
    assert view.slices["account"]["demo"] is True
    assert view.slices["quote"]["button"] == "Generate · $0.01 simulated"
    view.panel.close()


def test_a_panel_that_was_given_a_session_keeps_it(open_panel, session, simulator):
    view = open_panel()
    current.use_demo(on=True)
    generated(view)
    assert len(sent(simulator)) == 1


def test_above_the_limit_it_asks_elsewhere_with_the_largest_amount_and_only_that_answer_sends(open_panel, simulator):
    view = open_panel(model="gpt-image-2", images=4)
    for _ in range(5):
        view.generate()
        time.sleep(0.3)
    question = view.slices["question"]
    assert question["button"] == "Spend up to $1.08"  # the dearer of the two schedules, which limits are held against
    assert sent(simulator) == []
    view.say(type="confirm", id="another")
    assert sent(simulator) == []
    view.say(type="confirm", id=question["id"])
    view.settle(60)
    assert len(sent(simulator)) == 4


def test_a_confirmation_faster_than_anyone_reads_is_ignored(open_panel, simulator):
    view = open_panel(model="gpt-image-2", images=4)
    view.generate()
    view.say(type="confirm", id=view.slices["question"]["id"])
    view.settle()
    assert sent(simulator) == []
    assert view.slices["question"]


def test_a_decline_and_a_change_take_the_question_back(open_panel, simulator):
    view = open_panel(model="gpt-image-2", images=4)
    view.generate()
    view.say(type="decline", id=view.slices["question"]["id"])
    assert view.slices["question"] is None
    assert view.words == "Declined. Nothing was sent."
    view.generate()
    asked = view.slices["question"]["id"]
    view.edit(images="3")
    assert view.slices["question"] is None
    time.sleep(0.8)
    view.say(type="confirm", id=asked)
    view.settle()
    assert sent(simulator) == []


def test_generate_without_yes_never_confirms(open_panel, simulator):
    view = open_panel(model="gpt-image-2", images=4)
    for _ in range(3):
        with pytest.raises(SpendingRefused, match="more than is spent without asking"):
            view.panel.generate()
        time.sleep(0.4)
    assert sent(simulator) == []
    view.panel.generate(yes=True)
    assert len(view.panel.wait(60).images) == 4


def test_a_double_click_sends_once(open_panel, simulator):
    view = open_panel()
    view.generate()
    view.generate()
    view.settle()
    assert len(sent(simulator)) == 1


def test_clicks_while_one_runs_form_a_queue_with_its_sum(open_panel, simulator):
    simulator.add_fault(Fault("slow", seconds=0.8))
    view = open_panel()
    view.generate()
    wait_until(lambda: sent(simulator))
    for prompt in ("A crow", "A hare"):
        view.type(prompt)
        view.generate()
    wait_until(lambda: [job["state"] for job in view.slices["jobs"]["jobs"]] == ["running", "waiting", "waiting"])
    assert view.slices["jobs"]["sum"] == "$0.03"
    assert view.slices["quote"]["button"] == "Add to queue · $0.01"
    view.say(type="drop", job=view.slices["jobs"]["jobs"][1]["name"])
    view.settle()
    assert [body["prompt"] for body in sent(simulator)] == ["A fox", "A hare"]


def test_what_waits_in_the_queue_is_stopped_with_one_line(open_panel, simulator):
    simulator.add_fault(Fault("slow", seconds=0.8))
    view = open_panel()
    view.generate()
    wait_until(lambda: sent(simulator))
    for prompt in ("A crow", "A hare"):
        view.type(prompt)
        view.generate()
    view.say(type="cancel")
    said = [each["text"] for each in view.slices["notices"]]
    assert said[1:] == ["Stopped 2 in the queue. Nothing was sent of them."]
    view.settle()


def test_a_hanging_request_is_cancelled_and_the_panel_is_free_at_once(open_panel, simulator):
    simulator.add_fault(Fault("hang"))
    view = open_panel()
    view.generate()
    wait_until(lambda: sent(simulator) and view.slices["jobs"]["jobs"][0]["state"] == "running")
    view.say(type="cancel")
    wait_until(lambda: not view.slices["jobs"]["jobs"])
    assert "may be charged" in view.words
    view.panel._controller.sending.last.generation.abort()


def test_images_that_arrive_after_a_cancel_are_shown_and_the_warning_stays_with_what_became_of_it(
    open_panel, simulator
):
    simulator.add_fault(Fault("slow", seconds=1.0))
    view = open_panel(prompt="late")
    view.generate()
    wait_until(lambda: sent(simulator) and view.slices["jobs"]["jobs"][0]["state"] == "running")
    view.say(type="cancel")
    view.type("newer")
    view.generate()
    view.settle()
    newer = view.panel.wait(20)
    wait_until(lambda: len(view.cards) == 2)
    assert view.panel.generation is newer
    assert {card["prompt"] for card in view.cards} == {"late", "newer"}


def test_cancelling_before_it_leaves_sends_nothing_and_a_later_click_is_not_called_unsent(
    open_panel, session, simulator, monkeypatch
):
    view = open_panel()
    at_the_door, go_on = threading.Event(), threading.Event()
    build = session.build

    def slow_build(*args, **keys):
        at_the_door.set()
        go_on.wait(10)
        return build(*args, **keys)

    monkeypatch.setattr(session, "build", slow_build)
    view.generate()
    assert at_the_door.wait(10)
    view.say(type="cancel")
    assert view.words == "Stopped. Nothing was sent."
    monkeypatch.setattr(session, "build", build)
    view.type("A crow")
    view.generate()
    go_on.set()
    view.settle()
    assert [body["prompt"] for body in sent(simulator)] == ["A crow"]
    assert "Nothing was sent" not in view.words


def test_the_same_click_right_after_a_cancel_is_a_click_of_its_own(open_panel, session, simulator, monkeypatch):
    view = open_panel()
    at_the_door, go_on = threading.Event(), threading.Event()
    build = session.build

    def slow_build(*args, **keys):
        at_the_door.set()
        go_on.wait(10)
        return build(*args, **keys)

    monkeypatch.setattr(session, "build", slow_build)
    monkeypatch.setattr(panel_clicks, "SAME_CLICK_SECONDS", 60)
    view.generate()
    assert at_the_door.wait(10)
    view.say(type="cancel")
    view.generate()
    assert len(view.slices["jobs"]["jobs"]) == 1
    view.generate()
    assert len(view.slices["jobs"]["jobs"]) == 1, "a bouncing button is still one click"
    go_on.set()
    view.settle()
    assert len(sent(simulator)) == 1


def test_cancelling_while_it_is_handed_over_never_says_that_nothing_was_sent(
    open_panel, session, simulator, monkeypatch
):
    simulator.add_fault(Fault("slow", seconds=1))
    view = open_panel()
    at_the_door, go_on = threading.Event(), threading.Event()
    send = session.send

    def slow_send(*args, **keys):
        at_the_door.set()
        go_on.wait(10)
        return send(*args, **keys)

    monkeypatch.setattr(session, "send", slow_send)
    view.generate()
    assert at_the_door.wait(10)
    view.say(type="cancel")
    assert "Nothing was sent" not in view.words
    go_on.set()
    wait_until(lambda: "charged" in view.words or "cost nothing" in view.words or "image" in view.words)
    view.settle()


@pytest.mark.parametrize("kind", ["violation", "500", "moderation", "disconnect", "402-key"])
def test_every_ending_without_an_image_is_told_with_what_became_of_the_money(open_panel, simulator, kind):
    simulator.add_fault(Fault(kind))
    view = generated(open_panel())
    assert "charged" in view.words
    assert "Traceback" not in view.words


@pytest.mark.parametrize("limit", ["0,05", "cheap"])
def test_a_setting_that_cannot_be_used_is_shown_once_and_the_panel_lives_on(open_panel, wire, monkeypatch, limit):
    view = open_panel()
    monkeypatch.setenv("VENICE_MAX_COST", limit)
    wire.clear()
    view.type("A crow")
    view.settle()
    time.sleep(0.3)
    assert limit in view.problem
    assert len(wire.messages) < 6
    view.generate()
    assert limit in view.words
    monkeypatch.setenv("VENICE_MAX_COST", "1")
    view.type("A crow at dawn")
    assert view.problem == ""


def test_a_panel_opens_beside_a_setting_that_cannot_be_used(wire, session, monkeypatch):
    monkeypatch.setenv("VENICE_MAX_COST", "0,05")
    view = View(Panel(session=session), wire)
    view.settle()
    assert "0,05" in view.problem
    view.panel.close()


def test_a_limit_a_budget_and_a_missing_key_are_told_before_the_click(open_panel, session, monkeypatch, tmp_path):
    view = open_panel(images=5)
    monkeypatch.setenv("VENICE_MAX_COST", "0.02")
    view.say(type="refresh")
    view.settle()
    assert "is more than the limit" in view.problem
    monkeypatch.delenv("VENICE_MAX_COST")
    (session.settings.store / "config.toml").write_text("session_budget_usd = 0.03\n")
    view.say(type="refresh")
    view.settle()
    assert "more than the session budget leaves ($0.03)" in view.problem
    assert "session budget leaves $0.03" in view.slices["account"]["text"]


def test_without_a_key_it_says_so_before_the_click(wire, simulator, monkeypatch):
    session = Session(transport=simulator.transport())
    view = View(Panel(session=session, prompt="A fox"), wire)
    view.settle()
    assert "There is no API key" in view.problem
    assert "no key" in view.slices["quote"]["facts"]["account"]
    assert "balance" not in view.slices["account"]["text"]
    assert "/api_keys/rate_limits" not in {request.path for request in simulator.requests}
    view.panel.close()


def test_without_a_catalogue_it_says_why_and_can_try_again(wire):
    session = Session(api_key="VENICE_INFERENCE_KEY_0123456789abcdef", base_url="http://127.0.0.1:9/api/v1")
    view = View(Panel(session=session, prompt="A fox", width=512), wire)
    view.settle(60)
    assert view.slices["quote"]["failed"] is True
    assert view.problem
    assert view.form["values"] == {"width": 512}
    view.panel.close()


def test_this_very_request_is_shown_from_the_log_at_no_cost_and_again_pays(open_panel, simulator):
    view = generated(open_panel(seed=41))
    view.settle()
    assert view.slices["quote"]["button"] == "Show from the log · no cost"
    assert view.slices["quote"]["formula"] == "Nothing to send"
    time.sleep(0.7)
    generated(view)
    assert len(sent(simulator)) == 1
    assert len(view.cards) == 1
    view.edit(again=True)
    assert view.slices["quote"]["button"] == "Generate · $0.01"


def test_use_seed_remix_and_use_all_take_over_what_they_say(open_panel):
    view = generated(open_panel(images=2, style_preset="Anime"))
    first = view.cards[0]
    view.type("A crow")
    view.put(style_preset=None)
    view.act("seed", key=first["key"])
    view.settle()
    assert (view.form["seed_mode"], f"seed {view.form['seed']}", view.form["images"]) == ("fixed", first["seed"], "1")
    assert view.form["prompt"] == "A crow"
    view.act("remix", key=first["key"])
    view.settle()
    assert (view.form["prompt"], view.form["values"]) == ("A fox", {"style_preset": "Anime"})
    assert view.form["seed_mode"] == "new"
    view.act("all", key=first["key"])
    view.settle()
    cell = f"%%venice --model z-image-turbo --style-preset Anime --{first['seed']}\nA fox"
    assert view.panel.to_cell() == cell


def test_counting_up_goes_on_after_the_last_seed_and_takes_back_what_cost_nothing(open_panel, simulator):
    view = open_panel(seed=41, images=2)
    view.edit(seed_mode="counting")
    generated(view)
    assert view.form["seed"] == "43"
    simulator.add_fault(Fault("402-key", times=2))
    time.sleep(0.7)
    generated(view)
    assert view.form["seed"] == "43"


def test_all_paid_images_are_shown(open_panel):
    view = generated(open_panel(images=64, width=64, height=64, session=Session(demo=True)))
    assert len(view.cards) == 64
    time.sleep(0.7)
    generated(view)
    assert len(view.cards) == 64
    assert view.slices["gallery"]["left"] == "64 older images are in History."


def test_two_views_show_one_form_and_each_click_is_its_own_screen(open_panel, wire, simulator):
    one = open_panel()
    other = View(one.panel, wire, "view-b")
    one.type("A fox at dawn")
    one.put(style_preset="Anime")
    assert other.form == one.form
    other.hold = []
    other.type("A horse")
    one.type("A fox at dusk")
    shown = other.generate()
    for message in other.hold:
        other.deliver(message)
    one.settle()
    assert [body["prompt"] for body in sent(simulator)] == [shown["form"]["prompt"]]


def test_an_older_message_overrides_nothing(open_panel):
    view = open_panel()
    view.hold = []
    view.edit(images="2")
    view.edit(images="3")
    first, second = view.hold
    view.deliver(second)
    view.deliver(first)
    view.deliver(second)
    assert view.panel._controller.state.form.images == "3"


def test_compare_holds_four_images_and_tells_what_differs(open_panel):
    view = generated(open_panel(images=5))
    for card in view.cards:
        view.act("compare", key=card["key"])
    view.settle()
    assert len(view.slices["compare"]["keys"]) == 4
    assert [name for name, _ in view.slices["compare"]["rows"]] == ["seed"]
    assert "4 images are being compared" in view.words
    view.act("compare", key=view.slices["compare"]["keys"][0])
    assert len(view.slices["compare"]["keys"]) == 3


def test_delete_takes_the_image_from_store_and_gallery_and_keeps_its_record(open_panel, session):
    view = generated(open_panel(images=2))
    key = view.cards[0]["key"]
    view.act("delete", key=key)
    view.settle()
    assert [card["key"] for card in view.cards] != [key]
    assert len(view.cards) == 1
    assert len(session.log.search()) == 2
    reply, _ = view.ask("image", key=key)
    assert "not in the store" in reply["problem"]


def test_full_size_download_and_texts_can_be_asked_for(open_panel):
    view = generated(open_panel())
    key = view.cards[0]["key"]
    image = view.panel.generation.images[0]
    reply, (data,) = view.ask("image", key=key)
    assert (data, reply["mime"]) == (image.data, image.mime)
    reply, (data,) = view.ask("download", key=key)
    assert reply["name"].startswith("z-image-turbo-")
    assert len(data) > 1000
    assert view.ask("cell", form=view.form)[0]["text"] == view.panel.to_cell()
    assert view.ask("python", key=key)[0]["text"].startswith("import venice_widgets")
    assert view.ask("prompts")[0]["prompts"] == ["A fox"]
    assert "no answer" in view.ask("nonsense")[0]["problem"]


def test_reset_and_draw(open_panel):
    view = open_panel(seed=7, images=3, style_preset="Anime")
    view.say(type="reset")
    assert (view.form["prompt"], view.form["values"], view.form["images"]) == ("", {}, "1")
    view.say(type="draw")
    assert view.form["seed_mode"] == "fixed"
    assert int(view.form["seed"]) > 0


def test_a_seed_that_is_locked_is_the_one_of_the_last_image(open_panel):
    view = generated(open_panel())
    view.edit(seed_mode="fixed")
    assert f"seed {view.form['seed']}" == view.cards[0]["seed"]


def test_program_calls_raise_what_a_user_would_read(open_panel, session):
    empty = open_panel(prompt="")
    with pytest.raises(InvalidRequest, match="Write what the image should show"):
        empty.panel.generate()
    with pytest.raises(InvalidRequest, match="widht"):
        Panel(session=session, widht=3)
    odd = open_panel(images=2.7)
    assert "Images 2.7 is not a whole number" in odd.problem
    assert "Nothing was sent" not in odd.problem
    with pytest.raises(InvalidRequest):
        odd.panel.generate()


def test_waiting_for_too_long_says_how_to_stop(open_panel, simulator):
    simulator.add_fault(Fault("slow", seconds=2))
    view = open_panel()
    view.panel.generate()
    with pytest.raises(TimeoutError, match="cancel"):
        view.panel.wait(0.01)
    view.panel.cancel()


def test_wait_gives_the_generation_of_this_click_or_why_nothing_was_sent(open_panel, session, monkeypatch):
    view = open_panel()
    view.panel.generate()
    first = view.panel.wait(20)
    assert first.done
    raise_price(session, monkeypatch)
    view.panel.generate()
    with pytest.raises(SpendingRefused, match=r"it is now 1 × \$0\.20"):
        view.panel.wait(20)


def test_request_estimate_and_generation_can_be_observed(open_panel):
    view = open_panel()
    seen: dict[str, object] = {}
    done: list[bool] = []
    view.panel.observe(lambda change: seen.update({change["name"]: change["new"]}))
    view.panel.observe(lambda change: done.append(change["new"].done), "generation")
    view.type("A crow")
    generated(view)
    assert seen["request"].prompt == "A crow"
    assert seen["generation"] is view.panel.generation
    assert done[-1] is True


def test_a_message_from_elsewhere_is_refused_in_words(open_panel):
    view = open_panel()
    for bad in ({"type": "spend"}, {"type": "edit", "changes": {"price": 0}}, "text"):
        view.panel._controller.receive(bad)
    assert "BadMessage" in view.words
    assert json.dumps(view.slices)


def test_a_panel_stands_in_a_box_and_is_its_own_widget(open_panel):
    import ipywidgets

    panel = open_panel().panel
    assert panel.widget is panel
    assert ipywidgets.VBox([panel]).children == (panel,)
