"""What a generation gives: images as they were received, their truths, and little of them in memory."""

import gc
import io
import json
import resource
import signal
import threading
import time
from decimal import Decimal
from pathlib import Path

import pytest
from PIL import Image as Pillow

from venice_widgets.errors import GenerationIncomplete, InvalidRequest, PossiblyCharged, StoreError, VeniceError
from venice_widgets.generation.rate_limiter import RateLimiter
from venice_widgets.generation.result import Generation, Run
from venice_widgets.log import Status
from venice_widgets.media.saving import fill_pattern
from venice_widgets.request.seeds import plan_seeds
from venice_widgets.session import Session
from venice_widgets.simulator import Fault, Simulator

KEY = "VENICE_INFERENCE_KEY_0123456789abcdef"


def paint(commission):
    """Noise that no compression makes small, where it is to be large."""
    file = io.BytesIO()
    size = (900, 600) if "large" in commission.prompt else (70, 50)
    Pillow.effect_noise(size, 90).convert("RGB").save(file, "PNG")
    return file.getvalue()


@pytest.fixture
def simulator():
    return Simulator(requests_per_minute=None, paint=paint)


@pytest.fixture
def session(simulator):
    with Session(api_key=KEY, transport=simulator.transport()) as made:
        made._pace = RateLimiter(None)
        yield made


@pytest.fixture
def image(session):
    return session.generate("a fox", seed=41).images[0]


# One image.


def test_an_image_tells_its_seed_run_hash_format_and_size(session, image):
    assert (image.seed, image.mime, image.width, image.height) == (41, "image/png", 70, 50)
    assert image.run_id == session.log.get("last").run_id
    assert image.sha256 == session.log.get("last").images[0].sha256
    assert image.request == {"model": "z-image-turbo", "prompt": "a fox", "seed": 41}
    assert image.price_usd == Decimal("0.01")


def test_data_is_read_from_the_store_each_time_and_exactly_as_received(image):
    assert image.data == image.path.read_bytes()
    assert image.data is not image.data


def test_pil_gives_the_decoded_image(image):
    sample = image.pil()
    assert (sample.size, sample.format) == ((70, 50), "PNG")
    sample.getpixel((69, 49))


def test_an_image_that_is_gone_from_the_store_is_an_error_that_says_where_it_was(image):
    image.path.unlink()
    for read in (lambda: image.data, image.pil, lambda: image.save("a.png")):
        with pytest.raises(StoreError) as caught:
            read()
        assert str(image.path) in str(caught.value)


def test_the_repr_of_an_image_holds_no_bytes(image):
    assert len(repr(image)) < 400


# Saving.


def test_a_saved_image_has_the_pixels_that_were_received(image, tmp_path):
    saved = image.save(tmp_path / "new folder" / "fox.png")
    assert saved == tmp_path / "new folder" / "fox.png"
    assert Pillow.open(saved).tobytes() == image.pil().tobytes()


def test_a_pattern_is_filled_with_what_the_image_has(image, tmp_path):
    saved = image.save(str(tmp_path / "{model}-{seed}-{run_id}.{ext}"))
    assert saved.name == f"z-image-turbo-41-{image.run_id[-8:]}.png"


def test_an_unknown_seed_is_called_unknown(session, tmp_path):
    second = session.generate("a fox", variants=2).images[1]
    assert second.save(str(tmp_path / "fox-{seed}.{ext}")).name == f"fox-unknown-{second.sha256[:6]}.png"


def test_nothing_is_ever_overwritten(image, tmp_path):
    taken = tmp_path / "fox.png"
    taken.write_bytes(b"precious")
    with pytest.raises(InvalidRequest, match="nothing is overwritten") as caught:
        image.save(taken)
    assert taken.read_bytes() == b"precious"
    assert caught.value.field == "save"
    with pytest.raises(InvalidRequest, match="nothing is overwritten"):
        image.save(tmp_path)
    (tmp_path / "link.png").symlink_to(tmp_path / "nowhere")
    with pytest.raises(InvalidRequest):
        image.save(tmp_path / "link.png")


@pytest.mark.parametrize("path", [None, "", 7, "~no-such-user-here/fox.webp"], ids=repr)
def test_what_is_no_path_is_not_written(image, path):
    before = sorted(Path().iterdir())
    with pytest.raises(InvalidRequest) as caught:
        image.save(path)
    assert caught.value.field == "save"
    assert sorted(Path().iterdir()) == before


def test_ten_threads_that_save_under_one_name_write_one_file(image, tmp_path):
    outcomes, start = [], threading.Barrier(10)

    def save(metadata):
        start.wait()
        try:
            outcomes.append((metadata, image.save(tmp_path / "fox.png", metadata)))
        except InvalidRequest:
            outcomes.append((metadata, None))

    threads = [threading.Thread(target=save, args=[("full", "none")[number % 2]]) for number in range(10)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    saved = [metadata for metadata, path in outcomes if path]
    assert saved in (["full"] * 5, ["none"] * 5), "those whose bytes are in the file, and no others"
    assert (b"venice" in (tmp_path / "fox.png").read_bytes()) == (saved[0] == "full")
    assert Pillow.open(tmp_path / "fox.png").tobytes() == image.pil().tobytes()


@pytest.mark.parametrize(
    "pattern",
    ["fox-{sed}.png", "fox-{}.png", "fox-{0}.png", "fox-{.png", "fox-}.png", "{seed.real}", "{seed[0]!z}", "{seed:d}"],
)
def test_a_pattern_that_cannot_be_filled_says_what_it_may_name(image, pattern):
    with pytest.raises(InvalidRequest, match=r"\{seed\}, \{ext\}, \{run_id\}, \{model\}"):
        image.save(pattern)


@pytest.mark.parametrize("path", ["a\0b.png", "~no-such-user-here/a.png", "x" * 300 + ".png", "file.txt/a.png"])
def test_a_path_that_cannot_be_written_is_one_of_our_errors(image, tmp_path, monkeypatch, path):
    monkeypatch.chdir(tmp_path)
    (tmp_path / "file.txt").write_text("in the way")
    with pytest.raises(VeniceError):
        image.save(path)


def test_a_disk_that_fills_up_while_saving_leaves_no_half_file(image, tmp_path):
    target, free = tmp_path / "fox.png", resource.getrlimit(resource.RLIMIT_FSIZE)
    handler = signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
    resource.setrlimit(resource.RLIMIT_FSIZE, (1000, free[1]))
    try:
        with pytest.raises(StoreError, match="safe in the store"):
            image.save(target)
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, free)
        signal.signal(signal.SIGXFSZ, handler)
    assert not target.exists()


def test_what_the_service_calls_a_model_never_leads_out_of_the_folder():
    assert "/" not in fill_pattern("{model}", model="../../etc/x")
    assert "\\" not in fill_pattern("{model}", model="..\\x")


# A generation.


def run(status, seed=1, error=None, **more):
    return Run(f"01JD{seed:022d}", seed, status, error=error, **more)


@pytest.fixture
def generation(session):
    """Generations made of runs in given states, attached to nothing."""

    def make(*runs):
        prepared = session.build("a fox", images=len(runs), seed=1)
        return Generation("01JD", prepared.request, prepared.plan, prepared.estimate, runs, "https://x")

    return make


def test_images_and_runs_stand_in_the_order_of_the_seeds_whatever_came_first(simulator, session):
    simulator.add_fault(Fault("slow", seconds=0.2, seed=1))
    made = session.generate("a fox", images=3, seed=1)
    assert [image.seed for image in made.images] == [1, 2, 3]
    assert [one.seed for one in made.runs] == [1, 2, 3]


def test_it_is_done_when_no_run_is_pending_or_sent(generation):
    made = generation(run(Status.PENDING, 1), run(Status.SENT, 2))
    assert not made.done
    made.update(run(Status.FAILED, 1))
    assert not made.done
    made.update(run(Status.UNKNOWN, 2))
    assert made.done
    seconds = made.seconds
    time.sleep(0.02)
    assert made.seconds == seconds


def test_whoever_has_waited_finds_it_done(session):
    for _ in range(5):
        made = session.send(session.build("a fox", images=4))
        assert made.wait(10)
        assert made.done
        assert made.wait(0)


def test_what_was_charged_is_known_only_when_it_is_known_of_every_run(generation):
    free, paid = Decimal(0), Decimal("0.01")
    both = run(Status.FAILED, 1, charged_usd=free), run(Status.SUCCEEDED, 2, charged_usd=paid)
    assert generation(*both).charged_usd == paid
    assert generation(both[0], run(Status.SUCCEEDED, 2)).charged_usd is None
    assert generation(both[0]).charged_usd == 0


def test_a_note_is_said_once_however_many_runs_say_it(generation):
    made = generation(run(Status.SUCCEEDED, 1, notes=("Old.", "New.")), run(Status.SUCCEEDED, 2, notes=("Old.",)))
    assert made.notes[-2:] == ("Old.", "New.")


@pytest.mark.parametrize(
    ("states", "fails"),
    [
        ([Status.SUCCEEDED, Status.SUCCEEDED], False),
        ([Status.SUCCEEDED, Status.UNKNOWN], True),
        ([Status.SUCCEEDED, Status.CANCELLED], True),
        ([Status.SUCCEEDED, Status.SENT], True),
        ([Status.REFUSED, Status.REFUSED], True),
        ([Status.REFUSED, Status.FAILED], True),
        ([Status.CANCELLED], True),
    ],
)
def test_it_fails_when_images_are_missing(generation, states, fails):
    made = generation(*(run(status, seed) for seed, status in enumerate(states, 1)))
    if not fails:
        made.raise_for_missing()
        return
    with pytest.raises(GenerationIncomplete) as caught:
        made.raise_for_missing()
    missing = {seed for seed, status in enumerate(states, 1) if status is not Status.SUCCEEDED}
    named = (
        line.partition(":")[0].removeprefix("seeds ").removeprefix("seed ") for line in caught.value.remedy.splitlines()
    )
    assert {seed for text in named for seed in plan_seeds(text).seeds} == missing
    assert caught.value.generation is made


def test_what_became_of_the_money_is_said_of_every_state(generation):
    states = {
        Status.CANCELLED: "not sent, not charged", Status.REFUSED: "not charged", Status.FAILED: "not charged",
        Status.UNKNOWN: "may have been charged", Status.SENT: "may be charged", Status.PENDING: "not sent yet",
    }  # fmt: skip
    made = generation(*(run(status, seed, ValueError("why\nso")) for seed, status in enumerate(states, 1)))
    with pytest.raises(GenerationIncomplete) as caught:
        made.raise_for_missing()
    lines = caught.value.remedy.splitlines()
    assert len(lines) == len(states) == len(Status) - 1
    for line, words in zip(lines, states.values(), strict=True):
        assert words in line
        assert "why so" in line


def test_the_record_is_what_the_notebook_keeps(session):
    made = session.generate("a fox", images=2, seed=41)
    record = made.record()
    assert (record["schema"], record["base_url"]) == (1, session.settings.base_url)
    first, image = record["runs"][0], made.images[0]
    assert first == {
        "run_id": image.run_id,
        "request": {"model": "z-image-turbo", "prompt": "a fox", "seed": 41},
        "request_hash": session.log.get(image.run_id).draft.request_hash,
        "image": {"seed": 41, "sha256": image.sha256, "mime": "image/png", "width": 70, "height": 50},
    }
    assert made._repr_mimebundle_()[1]["venice"] == record
    json.dumps(record)


def test_a_bundle_shows_every_image_and_names_what_is_missing(simulator, session):
    simulator.add_fault(Fault("500", seed=2))
    with pytest.raises(GenerationIncomplete) as caught:
        session.generate("a fox <blink>", images=2, seed=1)
    data, metadata = caught.value.generation._repr_mimebundle_()
    assert data["text/html"].count("<img") == 1
    assert "seed 2" in data["text/html"]
    assert "may have been charged" in data["text/html"]
    assert "<blink>" not in data["text/html"]
    assert "seed 1" in data["text/plain"]
    assert len(metadata["venice"]["runs"]) == 1


def test_the_summary_states_price_model_size_and_time(session):
    made = session.generate("a fox", images=2)
    assert made.summary.startswith("2 × $0.01 = $0.02 · z-image-turbo · 1024 × 1024 · done in ")


def held_bytes(thing):
    """The bytes objects that can be reached from an object without going through modules and classes."""
    seen, waiting, found = set(), [thing], []
    while waiting:
        one = waiting.pop()
        if id(one) in seen or isinstance(one, type | type(gc)):
            continue
        seen.add(id(one))
        if isinstance(one, bytes | bytearray):
            found.append(one)
        waiting += [other for other in gc.get_referents(one) if not callable(other) or hasattr(other, "__self__")]
    return found


def test_what_out_holds_is_little(session):
    made = session.generate("a large fox", images=3)
    assert all(len(image.data) > 400_000 for image in made.images)
    assert sum(map(len, held_bytes(made))) < 20_000


def test_giving_up_after_the_end_does_nothing(session):
    made = session.generate("a fox")
    made.cancel()
    made.abort()
    assert made.wait(0)
    assert len(made.images) == 1


def test_an_aborted_run_says_that_it_was_given_up_and_may_have_been_charged(simulator):
    simulator.add_fault(Fault("hang", times=None))
    with simulator.serve() as base_url, Session(api_key=KEY, base_url=base_url) as session:
        made = session.send(session.build("a fox", images=6, seed=1))
        while sum(one.status is Status.SENT for one in made.runs) < 4:
            time.sleep(0.01)
        time.sleep(0.1)
        made.abort()
        assert made.wait(20)
        states = [one.status for one in made.runs]
        assert states == [Status.UNKNOWN] * 4 + [Status.CANCELLED] * 2
        assert isinstance(made.runs[0].error, PossiblyCharged)
        with pytest.raises(GenerationIncomplete, match="may have been charged — given up while it was in flight"):
            made.raise_for_missing()
        assert [session.log.get(one.run_id).status for one in made.runs] == states
