"""The life of a paid request: on record before it leaves, kept when it comes, and honest about the money."""

import base64
import hashlib
import io
import itertools
import json
import sqlite3
import threading
import time
from dataclasses import replace
from decimal import Decimal

import httpx
import psutil
import pytest
from PIL import Image as Pillow

from venice_widgets.errors import (
    ContentRefused,
    CredentialsRefused,
    GenerationIncomplete,
    PossiblyCharged,
    StoreError,
    VeniceError,
)
from venice_widgets.generation import dispatch as dispatch_module
from venice_widgets.generation import worker as runs_module
from venice_widgets.generation.rate_limiter import RateLimiter
from venice_widgets.log import Log, Status
from venice_widgets.log import object_store as objects_module
from venice_widgets.media import contact_sheet as contact_sheet_module
from venice_widgets.media import marks as marks_module
from venice_widgets.media import preview as preview_module
from venice_widgets.request.style_reference import StyleReference
from venice_widgets.session import Session
from venice_widgets.simulator import Fault, Simulator

KEY = "VENICE_INFERENCE_KEY_0123456789abcdef"


def paint(commission):
    """A small image of its own for each content."""
    file = io.BytesIO()
    color = hashlib.sha256(str(commission.content).encode()).digest()[:3]
    Pillow.new("RGB", (16, 12), tuple(color)).save(file, "PNG")
    return file.getvalue()


PNG = paint(type("Commission", (), {"content": 1}))


@pytest.fixture
def simulator():
    return Simulator(requests_per_minute=None, errors_per_half_minute=None, paint=paint)


@pytest.fixture
def start(simulator):
    """Sessions without a rate limit, closed in the end."""
    made = []

    def session(transport=None, **more):
        made.append(Session(**{"api_key": KEY, "transport": transport or simulator.transport(), **more}))
        made[-1]._pace = RateLimiter(None)
        return made[-1]

    yield session
    for one in made:
        one.close()


@pytest.fixture(autouse=True)
def _quick_retries(monkeypatch):
    delay = dispatch_module.retry_delay_seconds
    monkeypatch.setattr(dispatch_module, "retry_delay_seconds", lambda error, attempt: delay(error, attempt) and 0.01)


class Watching(httpx.BaseTransport):
    """Lets a test look at the world at the moment when an image is asked for."""

    def __init__(self, inner, look):
        self._inner, self._look = inner, look

    def handle_request(self, request):
        if request.method == "POST":
            self._look(request)
        return self._inner.handle_request(request)


class Says(httpx.BaseTransport):
    """The simulator, but for the answer to the images."""

    def __init__(self, simulator, body, status=200, headers=()):
        self._inner, self._answer = simulator.transport(), (status, dict(headers), body)

    def handle_request(self, request):
        if request.method != "POST":
            return self._inner.handle_request(request)
        status, headers, body = self._answer
        return httpx.Response(status, headers=headers, content=body)


def sent(simulator):
    return [json.loads(request.body) for request in simulator.requests if request.method == "POST"]


def failing(session, *args, kind=GenerationIncomplete, **fields):
    with pytest.raises(kind) as caught:
        session.generate(*args, **fields)
    return caught.value


def statuses(generation):
    return [str(run.status) for run in generation.runs]


def recorded(session):
    """Every run of the log, in the order of their positions."""
    return sorted(session.log.search(limit=100), key=lambda run: run.draft.position)


# The order of one paid request.


def test_before_the_first_byte_leaves_the_run_is_on_record_as_sent_with_its_reservation(simulator, start, tmp_path):
    seen = []

    def look(request):
        with_another_connection = Log.open(tmp_path / "work" / ".venice")
        run = with_another_connection.get("last")
        spent = with_another_connection.spent()
        with_another_connection.close()
        seen.append((run, spent, request.read(), list((tmp_path / "work" / ".venice").rglob("objects/??/*"))))

    session = start(Watching(simulator.transport(), look))
    session.generate("a fox", seed=41)
    ((run, spent, body, objects),) = seen
    assert (run.status, run.draft.seed, run.draft.prompt, run.outcome) == (Status.SENT, 41, "a fox", None)
    assert run.sent_at is not None
    assert spent.reserved_usd == Decimal("0.01")
    assert run.draft.body_sha256 == f"sha256:{hashlib.sha256(body).hexdigest()}"
    assert json.loads(run.draft.request) == json.loads(body)
    assert objects == []


def test_what_waits_its_turn_is_pending_and_reserved_while_the_first_hangs(simulator, start):
    session = start()
    session._begun = replace(session._begun, in_flight=1)
    simulator.add_fault(Fault("slow", seconds=0.5, nth=1))
    generation = session.send(session.build("a fox", images=3, seed=1))
    time.sleep(0.25)
    assert [str(run.status) for run in recorded(session)] == ["sent", "pending", "pending"]
    assert session.log.spent().reserved_usd == Decimal("0.03")
    assert generation.wait(10)
    assert [str(run.status) for run in recorded(session)] == ["succeeded"] * 3
    assert session.log.spent().reserved_usd == 0


def test_an_image_is_kept_before_it_is_on_record_and_on_record_before_it_is_shown(start, monkeypatch):
    session, order = start(), []
    keep, finish = objects_module.ObjectWriter.keep, session.log.finish

    def finishing(run_id, outcome):
        order.append(("finish", [image.sha256 for image in outcome.images]))
        assert all(session.log.objects.path(image.sha256).exists() for image in outcome.images)
        assert generation.images == ()
        finish(run_id, outcome)

    monkeypatch.setattr(
        objects_module.ObjectWriter, "keep", lambda self: order.append(("keep", [self.sha256])) or keep(self)
    )
    monkeypatch.setattr(session.log, "finish", finishing)
    prepared = session.build("a fox")
    gate = threading.Event()
    mark_sent = session.log.mark_sent
    monkeypatch.setattr(session.log, "mark_sent", lambda run_id: gate.wait(5) and mark_sent(run_id))
    generation = session.send(prepared)
    gate.set()
    assert generation.wait(10)
    assert [name for name, _ in order] == ["keep", "finish"]
    assert order[0][1] == order[1][1] == [generation.images[0].sha256]


# What goes on the wire.


def test_n_images_are_n_requests_with_seeds_that_count_on(simulator, start):
    generation = start().generate("a fox", images=4, seed=41)
    assert sorted(body["seed"] for body in sent(simulator)) == [41, 42, 43, 44]
    assert [image.seed for image in generation.images] == [41, 42, 43, 44]
    assert all("variants" not in body for body in sent(simulator))


def test_nothing_that_was_not_chosen_goes_on_the_wire_except_the_seed(simulator, start):
    start().generate("a fox", model="venice-sd35")
    (body,) = sent(simulator)
    assert body.keys() == {"model", "prompt", "seed"}
    assert 1 <= body["seed"] <= 999_999_999


def test_what_was_chosen_goes_on_the_wire_also_where_it_is_zero_or_false(simulator, start):
    start().generate("a fox", model="venice-sd35", seed=0, safe_mode=False, hide_watermark=False, lora_strength=0)
    (body,) = sent(simulator)
    assert {**body, "model": 0, "prompt": 0} == {
        "model": 0, "prompt": 0, "seed": 0, "safe_mode": False, "hide_watermark": False, "lora_strength": 0,
    }  # fmt: skip


def test_a_drawn_seed_is_on_record_as_drawn(simulator, start):
    session = start()
    session.generate("a fox")
    session.generate("a fox", seed=5)
    assert [(run.draft.seed_drawn, run.draft.seed == 5) for run in session.log.search()] == [
        (False, True),
        (True, False),
    ]


def test_style_references_are_kept_as_objects_and_stand_on_record_by_their_hash(simulator, start):
    session = start()
    prepared = session.build("a fox", model="krea-v2-large", style_references=[StyleReference(PNG, 0.5, "a.png")])
    generation = session.send(prepared, yes=True)
    assert generation.wait(10)
    sha256 = hashlib.sha256(PNG).hexdigest()
    assert session.log.objects.read(sha256) == PNG
    assert generation.images[0].request["style_references"] == [{"image": f"sha256:{sha256}", "strength": 0.5}]
    assert base64.b64decode(sent(simulator)[0]["style_references"][0]["image"]) == PNG
    assert generation.request.references == ()


@pytest.mark.parametrize(
    ("fault", "requests"),
    [
        (Fault("429"), 2),
        (Fault("429", retry_after_seconds=0.01), 2),
        (Fault("503"), 2),
        *((Fault(kind), 1) for kind in ("400", "401", "402-key", "402-limit", "402-none", "402-wallet", "403", "404")),
        *((Fault(kind), 1) for kind in ("413", "415", "422", "500", "502", "504", "html", "disconnect", "cut")),
        *((Fault(kind), 1) for kind in ("malformed-json", "violation", "blur", "seed-mismatch", "data-uri")),
    ],
    ids=lambda value: value.kind if isinstance(value, Fault) else None,
)
def test_nothing_but_a_429_or_503_is_ever_sent_twice(simulator, start, fault, requests):
    simulator.add_fault(fault)
    session = start()
    generation = session.send(session.build("a fox"))
    assert generation.wait(10)
    assert len(sent(simulator)) == requests
    assert session.log.get("last").outcome.attempts == requests


@pytest.mark.parametrize("kind", ["400", "403", "404", "405", "409", "410", "413", "415", "422", "451", "moderation"])
def test_what_a_4xx_answers_did_not_run_and_was_not_charged(simulator, start, kind):
    simulator.add_fault(Fault(kind))
    session = start()
    generation = session.send(session.build("a fox"))
    assert generation.wait(10)
    run, record = generation.runs[0], session.log.get("last")
    assert run.status is (Status.REFUSED if kind == "moderation" else Status.FAILED)
    assert (run.charged_usd, record.status) == (0, run.status)
    assert "Nothing was charged" in str(run.error)
    assert "may have been charged" not in str(run.error)


# Labels.


def test_only_the_first_of_variants_has_a_known_seed(simulator, start):
    generation = start().generate("a fox", seed=41, variants=3)
    assert [image.seed for image in generation.images] == [41, None, None]
    assert [body["variants"] for body in sent(simulator)] == [3]
    assert any("use -n" in note for note in generation.notes)
    assert "seed unknown" in str(generation.bundle().data["text/plain"])


def test_a_seed_that_the_answer_contradicts_is_told(simulator, start):
    simulator.add_fault(Fault("seed-mismatch"))
    generation = start().generate("a fox", seed=41)
    assert "Seed 41 was sent, but Venice says that it used 40." in generation.notes


@pytest.mark.parametrize("kind", ["echo-null", "echo-flat", "data-uri"])
def test_answers_of_other_shapes_are_as_good(simulator, start, kind):
    simulator.add_fault(Fault(kind))
    generation = start().generate("a fox", seed=41)
    assert [image.data[:4] for image in generation.images] == [b"\x89PNG"]
    assert generation.notes == ()


def test_a_model_that_ignores_seeds_says_so_under_its_image(start):
    generation = start().generate("a fox", model="gpt-image-2", quality="low")
    assert "seed ignored by this model" in generation.images[0].remarks


def test_a_blurred_image_is_an_image_and_is_labeled(simulator, start):
    simulator.add_fault(Fault("blur"))
    session = start()
    generation = session.generate("a fox")
    assert "blurred by safe mode" in generation.images[0].remarks
    outcome = session.log.get("last").outcome
    assert (outcome.status, outcome.blurred, outcome.violation) == (Status.SUCCEEDED, True, False)
    assert generation.charged_usd is None


def test_another_model_than_the_one_asked_for_is_told(simulator, start):
    body = json.dumps({"images": [base64.b64encode(PNG).decode()]}).encode()
    generation = start(Says(simulator, body, headers={"x-venice-model-id": "chroma"})).generate("a fox")
    (note,) = generation.notes
    assert note.startswith("z-image-turbo was asked for, but chroma answered. It may be billed at the price of that")
    assert generation.images[0].remarks == ("made by chroma, whose price may differ",)
    assert generation.images[0].recipe.model == "chroma"


def test_the_model_that_answered_is_on_record_of_every_run(simulator, start):
    session = start()
    session.generate("a fox", model="chroma", seed=1)
    session.generate("a fox", model="nano-banana", seed=1)
    found = session.log.frame().set_index("model")
    assert found["served_model"].to_dict() == {"chroma": "chroma", "nano-banana": "nano-banana-2"}
    assert found.loc["nano-banana", ["served_model_name", "router"]].to_list() == ["Nano Banana 2", "simulator"]
    assert found["service_version"].nunique() == 1


# Enhancement.


def test_the_first_enhances_and_the_rest_send_what_came_back_with_enhancement_off(simulator, start):
    session = start()
    generation = session.generate("a fox", images=3, seed=1, enhance_prompt=True)
    first, *rest = sent(simulator)
    rewritten = recorded(session)[0].outcome.enhanced_prompt
    assert (first["prompt"], first["enhance_prompt"], first["seed"]) == ("a fox", True, 1)
    assert rewritten.startswith("a fox, ")
    assert [body["prompt"] for body in rest] == [rewritten] * 2
    assert all("enhance_prompt" not in body for body in rest)
    assert generation.estimate.price_usd == Decimal("0.07")


def test_a_rewritten_prompt_that_reads_like_a_credential_is_sent_on_as_it_came(simulator, start):
    start().generate("Bearer of the flame", images=2, seed=1, enhance_prompt=True)
    assert sent(simulator)[1]["prompt"].startswith("Bearer of the flame, ")


def test_what_was_sent_and_not_what_was_planned_is_on_record(simulator, start):
    session = start()
    generation = session.generate("a fox", images=3, seed=1, enhance_prompt=True)
    by_seed = {body["seed"]: body for body in sent(simulator)}
    for run, image in zip(recorded(session), generation.images, strict=True):
        assert json.loads(run.draft.request) == by_seed[run.draft.seed] == image.request
        assert run.draft.prompt == by_seed[run.draft.seed]["prompt"]
        assert run.draft.request_hash == image.request_hash
        assert run.draft.request_hash == f"sha256:{hashlib.sha256(run.draft.request.encode()).hexdigest()}"


def test_a_later_image_of_an_enhanced_generation_can_be_sent_again(simulator, start):
    simulator.add_fault(Fault("503", nth=2))
    session = start()
    generation = session.generate("a fox", images=2, seed=1, enhance_prompt=True)
    assert statuses(generation) == ["succeeded", "succeeded"]
    assert [run.outcome.attempts for run in recorded(session)] == [1, 2]


def test_a_prompt_that_needed_no_rewriting_is_sent_as_it_is(simulator, start):
    long = " ".join(["word"] * 80)
    start().generate(long, images=2, seed=1, enhance_prompt=True)
    assert [body["prompt"] for body in sent(simulator)] == [long, long]


@pytest.mark.parametrize("kind", ["500", "violation", "moderation"])
def test_if_the_enhancing_request_fails_the_rest_is_not_sent_and_costs_nothing(simulator, start, kind):
    simulator.add_fault(Fault(kind))
    error = failing(start(), "a fox", images=3, seed=1, enhance_prompt=True)
    assert len(sent(simulator)) == 1
    assert statuses(error.generation)[1:] == ["cancelled", "cancelled"]
    assert "seeds 2..3: not sent, not charged" in str(error)


# Failures.


def test_when_some_fail_every_image_is_kept_and_each_missing_seed_is_named_with_its_money(simulator, start):
    for fault in (Fault("500", seed=2), Fault("moderation", seed=3), Fault("violation", seed=5)):
        simulator.add_fault(fault)
    session = start()
    error = failing(session, "a fox", images=5, seed=1)
    generation = error.generation
    assert [image.seed for image in generation.images] == [1, 4]
    assert all(image.data for image in generation.images)
    assert error.message == "3 of 5 images are missing."
    lines = error.remedy.splitlines()
    assert lines[0].startswith("seed 2: no image, may have been charged")
    assert lines[1].startswith("seed 3: refused by the content policy, not charged")
    assert lines[2].startswith("seed 5: refused by the content policy, not charged")
    assert [type(one) for one in error.errors] == [PossiblyCharged, ContentRefused, ContentRefused]
    assert statuses(generation) == ["succeeded", "unknown", "refused", "succeeded", "refused"]
    assert [str(run.status) for run in recorded(session)] == statuses(generation)
    assert [run.charged_usd for run in generation.runs] == [None, None, 0, None, 0]


def test_what_was_answered_to_a_failure_is_on_record_for_whoever_asks_support(simulator, start):
    body = json.dumps({"error": "Inference failed", "request_id": "req-9"}).encode()
    session = start(Says(simulator, body, 500, {"cf-ray": "8f2a"}))
    failing(session, "a fox", kind=PossiblyCharged)
    outcome = session.log.get("last").outcome
    assert (outcome.status_code, outcome.response_id, outcome.headers["cf-ray"]) == (500, "req-9", "8f2a")
    assert outcome.error_class == "PossiblyCharged"
    assert outcome.response["error"] == "Inference failed"


def test_when_all_are_refused_it_fails_and_when_some_are_they_are_labeled(simulator, start):
    simulator.add_fault(Fault("violation", times=2))
    session = start()
    error = failing(session, "a fox", images=2, seed=1)
    assert statuses(error.generation) == ["refused", "refused"]
    assert error.generation.charged_usd == 0
    simulator.add_fault(Fault("violation", seed=8))
    generation = session.generate("a fox", images=2, seed=7)
    assert [image.seed for image in generation.images] == [7]
    assert "refused by the content policy, not charged" in generation.bundle().data["text/html"]


def test_a_single_image_fails_with_its_own_error(simulator, start):
    simulator.add_fault(Fault("violation"))
    assert "blacked the image out" in str(failing(start(), "a fox", kind=ContentRefused))


def test_an_error_that_all_would_meet_is_met_by_few(simulator, start):
    simulator.add_fault(Fault("401", times=None))
    error = failing(start(), "a fox", images=40, seed=1)
    assert len(sent(simulator)) <= 8
    assert set(statuses(error.generation)) == {"failed", "cancelled"}
    assert error.generation.charged_usd == 0
    assert type(error.errors[0]) is CredentialsRefused


def test_a_damaged_variant_does_not_lose_the_whole_ones(simulator, start):
    images = [base64.b64encode(data).decode() for data in (PNG, PNG[:30], b"no image at all", PNG)]
    generation = start(Says(simulator, json.dumps({"images": images}).encode())).generate("a fox", seed=41, variants=4)
    assert [(image.seed, image.data) for image in generation.images] == [(41, PNG), (None, PNG)]
    assert "2 of 4 images came; all may have been charged." in generation.notes


def test_if_the_first_variant_is_lost_no_one_knows_the_seed_of_the_others(simulator, start):
    body = json.dumps({"images": [None, base64.b64encode(PNG).decode()]}).encode()
    generation = start(Says(simulator, body)).generate("a fox", seed=41, variants=2)
    assert [image.seed for image in generation.images] == [None]


def test_bytes_that_are_no_image_are_kept_and_the_error_says_where(simulator, start):
    body = json.dumps({"images": [base64.b64encode(b"GIF87a of a future kind").decode()]}).encode()
    session = start(Says(simulator, body))
    error = failing(session, "a fox", kind=PossiblyCharged)
    place = session.log.objects.path(hashlib.sha256(b"GIF87a of a future kind").hexdigest())
    assert str(place) in str(error)
    assert place.read_bytes() == b"GIF87a of a future kind"
    assert session.log.get("last").status is Status.UNKNOWN


def test_whatever_an_image_does_to_its_reader_the_generation_ends_with_one_of_our_errors(start, monkeypatch):
    def breaks(path, **_):
        raise IndexError("bitmap out of range")

    monkeypatch.setattr(runs_module, "examine", breaks)
    session = start()
    error = failing(session, "a fox", kind=PossiblyCharged)
    assert "bitmap out of range" in str(error)
    assert session.log.get("last").status is Status.UNKNOWN


@pytest.mark.parametrize(("seed", "raised"), [(4101, RuntimeError("no encoder")), (4102, MemoryError())])
def test_an_image_whose_preview_cannot_be_made_has_arrived_and_is_shown_as_soon_as_it_can(
    start, monkeypatch, seed, raised
):
    # Seeds of their own: the preview of another test's image, with the same bytes, is at hand.
    def fails(*_):
        raise raised

    session = start()
    with monkeypatch.context() as patch:
        for module in (preview_module, contact_sheet_module):
            patch.setattr(module, "encode_preview", fails)
        generation = session.generate("a fox", seed=seed, yes=True)
        assert "cannot be shown" in generation._repr_mimebundle_()[0]["text/html"]
    (image,) = generation.images
    assert (image.seed, image.price_usd, image.width, image.height) == (seed, Decimal("0.01"), 16, 12)
    assert session.log.get("last").status is Status.SUCCEEDED
    assert "cannot be shown" not in generation._repr_mimebundle_()[0]["text/html"]
    assert (image.preview.width, image.small.width) == (16, 16)


def test_an_image_for_which_memory_is_short_has_arrived_and_the_reason_is_told(start, monkeypatch):
    def fails(*_):
        raise MemoryError

    session = start()
    with monkeypatch.context() as patch:
        patch.setattr(preview_module, "_decode", fails)
        generation = session.generate("a fox", seed=41, yes=True)
        with pytest.raises(StoreError, match="not enough memory"):
            _ = generation.images[0].preview
    assert session.log.get("last").status is Status.SUCCEEDED


def test_remarks_that_cannot_be_read_from_an_image_do_not_lose_it(start, monkeypatch):
    def fails(_):
        raise RecursionError("too deep")

    monkeypatch.setattr(marks_module, "look_into", fails)
    session = start()
    assert session.generate("a fox", seed=41, yes=True).images[0].record.signed is None
    assert session.log.get("last").status is Status.SUCCEEDED


def test_a_disk_that_is_full_while_an_image_is_kept_is_told_as_possibly_charged(simulator, start, monkeypatch):
    fsync, calls = objects_module.os.fsync, itertools.count()

    def full(descriptor):
        if next(calls) == 0:
            while sum(request.method == "POST" for request in simulator.requests) < 2:
                time.sleep(0.01)
            raise OSError(28, "No space left on device")
        fsync(descriptor)

    session = start()
    prepared = session.build("a fox", images=2, seed=1)
    session.log.spent()
    monkeypatch.setattr(objects_module.os, "fsync", full)
    generation = session.send(prepared)
    assert generation.wait(10)
    assert sorted(statuses(generation)) == ["succeeded", "unknown"]
    with pytest.raises(GenerationIncomplete, match=r"may have been charged.*No space left") as caught:
        generation.raise_for_missing()
    assert isinstance(caught.value.errors[0], StoreError)


def test_a_disk_that_is_full_when_the_only_image_comes_is_told_with_the_money(simulator, start, monkeypatch):
    def full(descriptor):
        raise OSError(28, "No space left on device")

    session = start()
    session.log.spent()
    monkeypatch.setattr(objects_module.os, "fsync", full)
    with pytest.raises(GenerationIncomplete, match=r"seed 1: no image, may have been charged.*No space left"):
        session.generate("a fox", seed=1)


def test_a_disk_without_room_for_an_image_lets_nothing_out(simulator, start, monkeypatch):
    session = start()
    prepared = session.build("a fox")
    usage = objects_module.shutil.disk_usage(".")
    monkeypatch.setattr(objects_module.shutil, "disk_usage", lambda _: usage._replace(free=1_200_000))
    with pytest.raises(StoreError, match=r"only 1\.2 MB are free.*\n.*Nothing was sent"):
        session.send(prepared)
    assert sent(simulator) == []
    assert session.log.search() == []


def test_a_log_that_cannot_be_written_lets_nothing_out(simulator, start, monkeypatch):
    session = start()
    prepared = session.build("a fox", images=3)
    monkeypatch.setattr(session.log, "reserve", _no_space)
    with pytest.raises(StoreError):
        session.send(prepared)
    assert sent(simulator) == []


def _no_space(*_, **__):
    raise StoreError("the log cannot be written.", "Make room.")


def test_a_store_that_cannot_be_opened_lets_nothing_out(simulator, start, tmp_path):
    (tmp_path / "file").write_text("no folder")
    with pytest.raises(VeniceError):
        start(store=tmp_path / "file").generate("a fox")
    assert sent(simulator) == []


@pytest.mark.parametrize("raised", [StoreError("the log cannot be written."), RuntimeError("something else")])
def test_what_could_not_be_marked_as_sent_is_not_sent_and_cost_nothing(simulator, start, monkeypatch, raised):
    def refuse(run_id):
        raise raised

    session = start()
    prepared = session.build("a fox", images=2)
    monkeypatch.setattr(session.log, "mark_sent", refuse)
    generation = session.send(prepared)
    assert generation.wait(10)
    assert sent(simulator) == []
    # The first failure ends the generation: the other image failed too, or was called off before its turn.
    assert "failed" in statuses(generation)
    assert set(statuses(generation)) <= {"failed", "cancelled"}
    assert generation.charged_usd == 0


@pytest.mark.parametrize("raised", [StoreError("the log cannot be written."), ValueError("surrogates not allowed")])
def test_an_image_that_cannot_be_put_on_record_is_shown_all_the_same_and_that_is_told(
    simulator, start, monkeypatch, raised
):
    def refuse(run_id, outcome):
        raise raised

    both_are_sent = threading.Barrier(2)  # after the first failure no other is
    session = start(Watching(simulator.transport(), lambda _: both_are_sent.wait(10)))
    prepared = session.build("a fox", images=2)
    monkeypatch.setattr(session.log, "finish", refuse)
    generation = session.send(prepared)
    assert generation.wait(10)
    assert generation.done
    assert len(generation.images) == 2
    assert any("could not be put on record as succeeded" in note for note in generation.notes)


def test_an_image_that_comes_while_another_program_holds_the_log_is_kept_and_shown(simulator, start):
    session = start(Watching(simulator.transport(), lambda _: other.execute("BEGIN IMMEDIATE")))
    prepared = session.build("a fox", seed=1)
    session.log._database.busy_timeout_seconds = 0.05
    other = sqlite3.connect(session.log.folder / "log.sqlite", isolation_level=None, check_same_thread=False)
    generation = session.send(prepared)
    assert generation.wait(10)
    other.close()
    (image,) = generation.images
    assert session.log.objects.is_whole(image.sha256)
    assert any("could not be put on record as succeeded" in note for note in generation.notes)


def test_an_ending_that_could_not_be_written_is_written_before_the_next_request(simulator, start):
    takes = iter([True])
    session = start(Watching(simulator.transport(), lambda _: next(takes, False) and other.execute("BEGIN IMMEDIATE")))
    prepared = session.build("a fox", seed=1)
    session.log._database.busy_timeout_seconds = 0.05
    other = sqlite3.connect(session.log.folder / "log.sqlite", isolation_level=None, check_same_thread=False)
    generation = session.send(prepared)
    assert generation.wait(10)
    first = generation.runs[0].run_id
    assert session.log.get(first).status is Status.SENT
    other.execute("ROLLBACK")
    other.close()
    session.generate("a crow", seed=2)
    assert session.log.get(first).status is Status.SUCCEEDED
    assert session.log.get(first).images
    assert session.log.spent().reserved_usd == 0


def test_hostile_facts_in_an_answer_do_not_keep_it_from_the_record(simulator, start):
    body = (
        b'{"id": "\\ud800\\u0000", "x": ' + b"[" * 90 + b"]" * 90 + b', "request": {"seed": 1e300}, "images": ["'
        + base64.b64encode(PNG) + b'"]}'
    )  # fmt: skip
    headers = {"x-venice-balance-usd": "1e999999999", "x-venice-enhanced-prompt": "%00%ff%ed%a0%80"}
    session = start(Says(simulator, body, headers=headers))
    generation = session.generate("a fox")
    assert statuses(generation) == ["succeeded"]
    assert session.log.get("last").status is Status.SUCCEEDED
    assert session.log.get("last").outcome.balance_before_usd is None


def test_a_hostile_id_of_an_error_does_not_keep_it_from_the_record(simulator, start):
    session = start(Says(simulator, b'{"error": "no", "request_id": "\\ud800"}', status=500))
    error = failing(session, "a fox", kind=PossiblyCharged)
    assert "may have been charged" in str(error)
    assert session.log.get("last").status is Status.UNKNOWN


def open_connections(port):
    return [
        one
        for one in psutil.Process().net_connections()
        if one.raddr and one.raddr.port == port and one.status == "ESTABLISHED"
    ]


def test_a_generation_that_has_ended_holds_no_connection(simulator):
    with simulator.serve() as base_url, Session(api_key=KEY, base_url=base_url) as session:
        generation = session.generate("a fox", images=4)
        session.client._questions.close()
        end = time.monotonic() + 3
        while open_connections(httpx.URL(base_url).port):
            assert time.monotonic() < end
            time.sleep(0.02)
        assert len(generation.images) == 4
