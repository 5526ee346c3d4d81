"""``%%venice`` and ``%venice`` in a real kernel, as a front end talks to it."""

import json
import os
import re
import time
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path

import pytest
from jupyter_client.manager import KernelManager

from venice_widgets.simulator import Fault, Simulator

PACKAGE_PARENT = Path(__file__).parents[2]


@dataclass
class Answer:
    """What a kernel made of a cell."""

    status: str
    payload: list
    outputs: list = field(default_factory=list)
    """Message type and content, in order."""

    def of(self, kind: str) -> list:
        return [content for each, content in self.outputs if each == kind]

    @property
    def result(self) -> dict:
        (content,) = self.of("execute_result")
        return content

    @property
    def error(self) -> dict:
        (content,) = self.of("error")
        return content


class Kernel:
    """A real kernel and the offline Venice that it talks to over the loopback."""

    def __init__(self, client, manager, simulator: Simulator) -> None:
        self.client, self.manager, self.simulator = client, manager, simulator

    def run(self, code: str, *, answer: str | None = None, during=None, **settings) -> Answer:
        """Run a cell; `answer` is what the person types when asked, None where no one can."""
        outputs = []

        def collect(message):
            outputs.append((message["msg_type"], message["content"]))
            if during and message["msg_type"] == "display_data":
                during()

        reply = self.client.execute_interactive(
            code,
            output_hook=collect,
            stdin_hook=lambda message: self.client.input(answer),
            allow_stdin=answer is not None,
            timeout=60,
            **settings,
        )["content"]
        return Answer(reply["status"], reply.get("payload", []), outputs)

    def completions(self, code: str) -> list[str]:
        """What the kernel offers at the end of `code`, put in place."""
        self.client.complete(code)
        content = self.client.get_shell_msg(timeout=30)["content"]
        return [code[: content["cursor_start"]] + match + code[content["cursor_end"] :] for match in content["matches"]]

    def prompts(self) -> list[str]:
        return [request.json["prompt"] for request in self.simulator.requests if request.method == "POST"]


@pytest.fixture(scope="module")
def running(tmp_path_factory: pytest.TempPathFactory, short_folder) -> Iterator[Kernel]:
    work = tmp_path_factory.mktemp("kernel")
    (work / ".venice").mkdir()
    (work / ".venice" / "config.toml").write_text("requests_per_minute = 10000")
    simulator = Simulator(requests_per_minute=None, errors_per_half_minute=None)
    environment = {name: value for name, value in os.environ.items() if not name.startswith("VENICE_")}
    with simulator.serve() as url:
        environment |= {
            "HOME": str(work),
            "IPYTHONDIR": str(work),
            "PYTHONPATH": str(PACKAGE_PARENT),
            "PYTHON_KEYRING_BACKEND": "keyring.backends.null.Keyring",
            "VENICE_API_KEY": "VENICE_INFERENCE_KEY_0123456789abcdef",
            "VENICE_API_BASE_URL": url,
        }
        manager = KernelManager(kernel_name="python3", transport="ipc", ip=str(short_folder / "kernel"))
        manager.start_kernel(env=environment, cwd=str(work))
        client = manager.client()
        try:
            client.start_channels()
            client.wait_for_ready(timeout=60)
            yield Kernel(client, manager, simulator)
        finally:
            client.stop_channels()
            manager.shutdown_kernel(now=True)
            manager.cleanup_resources()


@pytest.fixture
def kernel(running: Kernel) -> Kernel:
    """The kernel with the extension loaded and a catalogue at hand, and nothing wrong with Venice."""
    running.simulator.clear_faults()
    running.run("%reset -f\n%reload_ext venice_widgets\nlisted = %venice models")
    running.simulator._received.clear()
    return running


BODIES = [
    "A fox in {curly braces}, $5 in its paw",
    '{"a": {"b": [1, "\\n"]}} %s $HOME `ls`',
    ">>> A fox\n... sleeps\n\nIn [1]: or not",
    "\n\n    indented\n   \n  less",
    "Is it a fox?\n!really\nWhat??",
    "trailing   \n\n\n",
    "two\r\nlines\r\n",
    "a\u2028b\u2029c\x0bd\x0ce\x85f",
    "nul \x00 and bell \x07",
    "👩🏽‍🎨 paints a 🦊",
    "שועל ופרפר \u202eover",
    "\"\"\"'''\\",
]


@pytest.mark.parametrize("settings", [{}, {"store_history": False}, {"silent": True}], ids=["kept", "unkept", "silent"])
def test_a_body_reaches_the_wire_as_it_was_typed(kernel, settings):
    for body in BODIES:
        assert kernel.run(f"%%venice --seed 1 --width 64 --height 64 --again\n{body}", **settings).status == "ok"
    assert kernel.prompts() == [body.removesuffix("\n").removesuffix("\r") for body in BODIES]


def test_the_result_is_one_bundle_with_its_record(kernel):
    answer = kernel.run("%%venice --seed 41 -n 2 --out foxes\nA <b>fox</b>")
    data, metadata = answer.result["data"], answer.result["metadata"]
    assert set(data) == {"text/html", "text/plain", "image/jpeg"}
    assert data["text/html"].count('<img alt="A &lt;b&gt;fox&lt;/b&gt;"') == 2
    assert len(data["text/plain"].splitlines()) == 2
    assert metadata["venice"]["schema"] == 1
    assert [run["image"]["seed"] for run in metadata["venice"]["runs"]] == [41, 42]
    assert kernel.run("_ is foxes, Out[max(Out)] is foxes").result["data"]["text/plain"] == "(True, True)"


def test_progress_begins_with_the_price_and_ends_as_the_summary_in_one_output(kernel):
    kernel.simulator.add_fault(Fault("slow", seconds=1.2))
    answer = kernel.run("%%venice --seed 5 --again\nA fox")
    kinds = [kind for kind, _ in answer.outputs if kind not in ("status", "execute_input")]
    assert kinds[0] == "display_data"
    assert set(kinds[1:-1]) == {"update_display_data"}
    assert kinds[-1] == "execute_result"
    # A front end that cannot replace an output keeps the first.
    assert answer.of("display_data")[0]["data"]["text/plain"] == "1 × $0.01 = $0.01 · z-image-turbo"
    last = answer.of("update_display_data")[-1]["data"]["text/plain"]
    assert re.fullmatch(r"1 × \$0\.01 = \$0\.01 · z-image-turbo · 1024 × 1024 · done in [\d.]+ s", last.splitlines()[0])


def test_a_seeded_cell_that_runs_again_changes_no_byte_of_its_images(kernel):
    first, second = (kernel.run("%%venice --seed 771..772 --quality high\nA fox") for _ in range(2))
    assert first.result["data"] == second.result["data"]
    assert first.result["metadata"] == second.result["metadata"]
    assert len(kernel.prompts()) == 2
    last = second.of("update_display_data")[-1]["data"]["text/plain"]
    assert "from the log, nothing spent · --again makes them anew" in last
    assert "done in" not in json.dumps(first.result["data"])


def test_code_that_calls_the_magic_keeps_what_it_has_printed(kernel):
    answer = kernel.run("print('before')\nfox = get_ipython().run_cell_magic('venice', '--seed 1', 'A fox')")
    assert not answer.of("clear_output")
    assert kernel.run("fox.images[0].seed").result["data"]["text/plain"] == "1"


def test_a_command_gives_its_result_to_a_variable(kernel):
    answer = kernel.run("prices = %venice price gpt-image-2")
    assert answer.status == "ok"
    assert not answer.of("execute_result")
    assert "$0.83" in kernel.run("prices").result["data"]["text/plain"]


def test_an_error_is_a_few_red_lines(kernel):
    error = kernel.run("%%venice --model z-image-trubo\nA fox").error
    assert error["ename"] == "ModelUnavailable"
    assert error["evalue"].startswith("model 'z-image-trubo' is not in the catalogue.\nDid you mean z-image-turbo")
    assert len(error["traceback"]) == 2
    assert error["traceback"][0].startswith("\x1b[31m")


def test_a_wrong_option_is_told_in_one_line_and_fails_the_cell(kernel):
    answer = kernel.run("%%venice --modle x\nA fox")
    assert answer.status == "error"
    (line,) = [content["text"] for content in answer.of("stream")]
    assert line == (
        "UsageError: %%venice: there is no option --modle. Did you mean --model? %%venice --help lists them.\n"
    )
    assert not kernel.prompts()


@pytest.mark.parametrize(("answer", "images"), [("y", 4), ("n", 0), (None, 0)])
def test_above_a_dollar_it_asks_where_somebody_can_answer(kernel, answer, images):
    told = kernel.run("%%venice --model gpt-image-2 -n 4\nA fox", answer=answer)
    assert told.status == ("ok" if images else "error")
    assert len(kernel.prompts()) == images
    if answer is None:
        assert "no one can answer here" in told.error["evalue"]


def test_an_interrupt_ends_the_cell_at_once_and_says_what_may_be_charged(kernel):
    kernel.simulator.add_fault(Fault("hang", times=None))
    pressed = []

    def press():
        while len(kernel.prompts()) < 4:
            time.sleep(0.02)
        pressed.append(time.monotonic())
        kernel.manager.interrupt_kernel()

    answer = kernel.run("%%venice --seed 1..6 --out foxes --again\nA fox", during=press)
    took_seconds = time.monotonic() - pressed[0]
    assert answer.error["ename"] == "Interrupted"
    assert "2 were not sent and cost nothing; 4 are in flight and may be charged" in answer.error["evalue"]
    assert len(answer.error["traceback"]) <= 4
    assert took_seconds < 3  # a second on a quiet machine
    kernel.run("foxes.abort()")


@pytest.mark.parametrize(
    ("code", "text"),
    [("%%venice?", "--aspect-ratio, -a RATIO"), ("%venice?", "%venice models"), ("?%%venice", "--aspect-ratio")],
)
def test_a_question_mark_shows_the_help(kernel, code, text):
    (page,) = kernel.run(code).payload
    assert text in page["data"]["text/plain"]


@pytest.mark.parametrize(
    ("code", "offered"),
    [
        ("%%venice --asp", ["%%venice --aspect-ratio"]),
        ("%%venice --model z-ima", ["%%venice --model z-image-turbo"]),
        ("%%venice --model=z-ima", ["%%venice --model=z-image-turbo"]),
        ("%%venice -m gpt-image-2 -a 16:", ["%%venice -m gpt-image-2 -a 16:9"]),
        ("%%venice -m grok-imagine-image -a 19.", ["%%venice -m grok-imagine-image -a 19.5:9"]),
        ("%%venice -m gpt-image-2 -q m", ["%%venice -m gpt-image-2 -q medium"]),
        ("%%venice --style-preset Anal", ['%%venice --style-preset "Analog Film"']),
        ('%%venice --style-preset "Analog F', ['%%venice --style-preset "Analog Film"']),
        ("%venice pri", ["%venice price"]),
        ("%venice price z-im", ["%venice price z-image-turbo"]),
        ("%venice demo ", ["%venice demo on", "%venice demo off"]),
    ],
)
def test_a_front_end_completes_what_is_valid(kernel, code, offered):
    assert kernel.completions(code) == offered
    assert not kernel.simulator.requests


def test_after_unloading_nothing_of_it_is_left(kernel):
    kernel.run("%unload_ext venice_widgets")
    ours = "[each for each in {} if 'venice' in getattr(each, '__module__', '')]"
    for place in ("get_ipython().Completer.custom_matchers", "get_ipython().input_transformers_cleanup"):
        assert kernel.run(ours.format(place)).result["data"]["text/plain"] == "[]"
    assert kernel.run("%%venice\nA fox").status == "error"
    assert kernel.run("%venice models").status == "error"
    assert not kernel.simulator.requests
    kernel.run("%load_ext venice_widgets")
    assert kernel.completions("%%venice --asp") == ["%%venice --aspect-ratio"]
