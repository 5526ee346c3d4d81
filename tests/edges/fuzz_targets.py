"""What reads text and bytes that others wrote, as functions of bytes. Only our own errors may come out of them."""

import base64
import contextlib
import io
import json
import re
import time
import traceback
import zlib
from pathlib import Path

import httpx
from IPython.core.error import UsageError
from PIL import Image

from venice_widgets.errors import VeniceError
from venice_widgets.simulator import Simulator

KEY = "VENICE_INFERENCE_KEY_0123456789abcdef"
OUR_ERRORS = (VeniceError, UsageError)
SECONDS = 5
"""No input may take longer; it is measured where nothing is instrumented, in `test_fuzz`."""
LONGEST_BYTES = 1 << 14


def image(name, **options):
    """A small image of a format."""
    file = io.BytesIO()
    Image.radial_gradient("L").resize((12, 9)).convert("RGB").save(file, name, **options)
    return file.getvalue()


def served(path):
    """What the simulator answers to a question."""
    with httpx.Client(transport=Simulator().transport(), base_url="https://simulator/api/v1") as client:
        return client.get(path, headers={"Authorization": f"Bearer {KEY}"}).content


def catalogue(data):
    """The list of models, its traits and styles; then the price, the table and a request of every model in it."""
    from venice_widgets.request.catalogue import parse_catalogue
    from venice_widgets.request.estimate import estimate
    from venice_widgets.request.price_table import price_table
    from venice_widgets.request.request import GenerationRequest

    models, _, rest = data.partition(b"\0")
    traits, _, styles = rest.partition(b"\0")
    read = parse_catalogue(models, traits or None, styles or None)
    for model in read.models[:3]:
        model.states(), model.price_range, model.sizing, model.allowed("aspect_ratio")
        fields = {name: model.default_of(name) for name in ("resolution", "quality") if model.allowed(name)}
        price_table(model, fields)
        with contextlib.suppress(VeniceError):
            str(estimate(GenerationRequest.build("a fox", {"model": model.id}, read), 3).text)


class Storage:
    """Where a response goes: memory."""

    def __init__(self):
        self.body, self.stored = Body(), []

    def note(self, status_code, headers):
        """Take down the head of a response."""

    @contextlib.contextmanager
    def image(self, status_code, headers, place):
        """A place for one image."""
        file = Body()
        yield file

    def keep_body(self, content_type):
        """The body as it came."""
        return self.body


class Body(io.BytesIO):
    """A body or an image in memory."""

    sha256, path = "", Path("memory")
    size_bytes = property(lambda self: len(self.getbuffer()))

    def read_from_start(self):
        """The file, from its beginning."""
        self.seek(0)
        return self

    def redact(self, clean):
        """Take secrets out of it."""
        text = clean(self.getvalue().decode("utf-8", "surrogateescape"))
        self.truncate(0)
        self.seek(0)
        self.write(text.encode("utf-8", "surrogateescape"))

    def keep(self):
        """The stored image."""
        return self

    def discard(self):
        """Forget it."""


ENCODINGS = ("", "gzip", "deflate", "br", "br, gzip", "zstd")
STATUSES = (
    200,
    201,
    204,
    302,
    303,
    400,
    401,
    402,
    403,
    404,
    408,
    409,
    413,
    415,
    422,
    429,
    500,
    502,
    503,
    504,
    520,
    600,
)
HEADER = re.compile(rb"([!#$%&'*+.^_`|~0-9A-Za-z-]+):([^\0\r\n]*)")
"""The names that h11 lets through."""
TYPES = ("application/json", "image/png", "text/html", "", "IMAGE/webp; charset=x", "\udcff")


def response(data):
    """A whole response to a request for an image: status, encoding, type, two headers, body."""
    from venice_widgets.client.image_channel import Channel

    head, body = data[:3].ljust(3, b"\0"), data[3:]
    headers = [(b"content-encoding", ENCODINGS[head[1] % len(ENCODINGS)].encode())]
    headers += [(b"content-type", TYPES[head[2] % len(TYPES)].encode("utf-8", "surrogateescape"))]
    if head[0] & 128:
        names, _, body = body.partition(b"\n\n")
        headers += [found.groups() for line in names.split(b"\n") if (found := HEADER.fullmatch(line))]
    transport = httpx.MockTransport(
        lambda _: httpx.Response(STATUSES[head[0] % 128 % len(STATUSES)], headers=headers, stream=Stream(body))
    )
    with httpx.Client(transport=transport) as http:
        channel = Channel("https://simulator/api/v1", http, (), owns_http=False)
        answered = channel.generate(b"{}", Storage())
    for name in ("response_id", "echoed_seed", "enhanced_prompt", "served_model_id", "balance_before_usd"):
        getattr(answered, name)
    answered.deprecation_text("m")
    str(answered.error)


class Stream(httpx.SyncByteStream):
    """A body in pieces."""

    def __init__(self, body):
        self._body = body

    def __iter__(self):
        for place in range(0, len(self._body), 1000):
            yield self._body[place : place + 1000]


def metadata(data):
    """A file of any origin, through every reader and the writer of copies."""
    from venice_widgets.media.format import identify
    from venice_widgets.media.metadata.embed import look_into, read_recipe_bytes, write_recipe
    from venice_widgets.media.metadata.recipe import Recipe
    from venice_widgets.media.preview import preview

    for read in (
        read_recipe_bytes,
        look_into,
        identify,
        preview,
        lambda data: write_recipe(data, Recipe({"model": "m", "prompt": "fox"}, seed=1)),
    ):
        with contextlib.suppress(*OUR_ERRORS):
            read(data)


def option_line(data):
    """The first line of a cell with its body, and the line of every command."""
    from venice_widgets.notebook.cell_options import parse_cell_line, with_seed_axis
    from venice_widgets.notebook.completion import complete
    from venice_widgets.notebook.prompt_template import read_template

    line, _, body = data.decode("utf-8", "surrogateescape").partition("\n")
    namespace = {"name": 3, "several": [1, 2], "text": "a, b", "none": None, "nan": float("nan")}
    with contextlib.suppress(*OUR_ERRORS):
        fields, _ = parse_cell_line(line, namespace)
        with_seed_axis(fields)
    with contextlib.suppress(*OUR_ERRORS):
        template = read_template(body, namespace)
        template.fill({axis.name: axis.values[0] for axis in template.axes})
    complete("%%venice", line)


def grammar(data):
    """One text as every kind of value that users write and servers send."""
    from venice_widgets.client.rate_limit import retry_after_seconds
    from venice_widgets.media.metadata import infotext
    from venice_widgets.money import parse_usd, usd_text
    from venice_widgets.notebook.commands.times import parse_moment, time_text
    from venice_widgets.request.axes import parse_axis
    from venice_widgets.request.fields import check_fields, field_facts
    from venice_widgets.request.seeds import plan_seeds

    text = data.decode("utf-8", "surrogateescape")
    readers = [lambda name=name: parse_axis(text, name) for name in (*field_facts(), "prompt")]
    readers += [lambda name=name: check_fields({name: text}) for name in field_facts()]
    readers += [
        lambda: plan_seeds(text),
        lambda: usd_text(parse_usd(text, "amount")),
        lambda: time_text(parse_moment(text, "--since")),
        lambda: infotext.parse(text),
        lambda: retry_after_seconds({"retry-after": text}),
    ]
    for read in readers:
        with contextlib.suppress(*OUR_ERRORS):
            read()


def document(data):
    """JSON as a plan, as the recipe of a sheet, and as a run of an export."""
    from venice_widgets.log.export.run_document import from_document
    from venice_widgets.media.metadata.embed import write_json
    from venice_widgets.plan.plan_data import PlanData
    from venice_widgets.plan.read import read_plan
    from venice_widgets.plan.sheet_recipe import find_sheet

    text = data.decode("ascii", "replace")
    with contextlib.suppress(*OUR_ERRORS):
        plan = PlanData(**read_plan(text))
        for index in plan.indices[:20]:
            plan.values(index), plan.coordinates(index)
        assert PlanData(**read_plan(plan.to_json())).plan_id == plan.plan_id
    with contextlib.suppress(*OUR_ERRORS):
        find_sheet(write_json(image("PNG"), text, simulated=False))
    with contextlib.suppress(*OUR_ERRORS, ValueError, RecursionError):
        found = json.loads(text)
        with contextlib.suppress(*OUR_ERRORS):
            from_document(found)


TARGETS = {
    "catalogue": catalogue,
    "response": response,
    "metadata": metadata,
    "option line": option_line,
    "grammar": grammar,
    "document": document,
}


def documents():
    """A plan, a part of one, a sheet's recipe, and a run as an export writes it."""
    from venice_widgets.plan import define

    given = {"model": "m", "cfg_scale": "3,5", "seed": "1..3"}
    plan = define("A {{ animal }}", given=given, variables={"animal": ["fox", "owl"]})
    images = [{"index": 0, "cell": {"animal": "fox"}, "seed": 1, "run_id": "01", "sha256": "ab"}]
    sheet = {"schema": 1, "kind": "venice-sheet", "plan": json.loads(plan.to_json()), "images": images}
    run = {"schema": 1, "run_id": "01JD0000000000000000000001", "request": {"model": "m", "prompt": "fox", "seed": 1}}
    texts = (plan.to_json(), plan.shard(2, 3).to_json(), json.dumps(sheet), json.dumps(run))
    return [text.encode("ascii", "replace") for text in texts]


def seeds():
    """For each target, inputs to begin from: one of each shape that is read."""
    from venice_widgets.media.metadata.embed import write_recipe
    from venice_widgets.media.metadata.recipe import Recipe

    entries = json.loads(served("/models?type=image"))["data"]
    traits, styles = served("/models/traits?type=image"), served("/image/styles")
    recipe = Recipe({"model": "m", "prompt": "fox", "negative_prompt": "rain"}, seed=1, steps=8)
    images = [image("PNG"), image("JPEG"), image("WEBP"), image("WEBP", lossless=True)]
    body = json.dumps({"id": "g", "images": [base64.b64encode(images[0]).decode()], "request": {"seed": 4}}).encode()
    error = json.dumps({"error": {"message": "no", "code": "moderation_blocked"}, "details": {"_errors": ["x"]}})
    named = b"x-venice-balance-usd: 3\nretry-after: 3\nx-venice-model-deprecation-date: 2026-12-01T00:00:00Z\n\n"
    return {
        "catalogue": [b"\0".join((json.dumps({"data": [entry]}).encode(), traits, styles)) for entry in entries],
        "response": [
            b"\0\0\0" + body,
            b"\x80\0\0" + named + body,
            b"\0\1\0" + zlib.compress(body, wbits=31),
            b"\0\2\0" + zlib.compress(body),
            b"\0\0\1" + images[0],
            *(bytes((place, 0, 0)) + error.encode() for place in range(1, len(STATUSES))),
        ],
        "metadata": [
            *images,
            image("GIF"),
            image("AVIF"),
            *(write_recipe(each, recipe).data for each in images),
        ],
        "option line": [
            b"--model m --seed 1..3 --cfg-scale 3,7 --save 'fox-{seed}.{ext}' -n 2 --yes\nA {{ name }} fox",
            b'--negative-prompt "a, b" --steps {{ several }} --safe-mode {{ text }} --width=1e3\nA {{ text | x }}',
        ],
        "grammar": [
            *(b"1..5", b"1-10 (+2)", b"0-1 [5]", b'"a, b",c', b"-5..-3", b"$0.50", b"yesterday", b"2d", b"on,off"),
            b"2026-08-31T14:30+02:00",
            b"Wed, 21 Oct 2026 07:28:00 GMT",
            b'fox\nNegative prompt: rain\nSteps: 8, Seed: 4, Size: 9x9, Note: "a, b"',
        ],
        "document": documents(),
    }


class Findings:
    """Runs a target and prints each wrong ending once."""

    def __init__(self, name):
        self.name, self.executions, self.found = name, 0, set()

    def __call__(self, data):
        """Run the target on one input."""
        self.executions += 1
        began = time.process_time()
        try:
            TARGETS[self.name](data)
        except OUR_ERRORS:
            pass
        except Exception as exc:  # noqa: BLE001  each is a finding
            self.note(type(exc).__name__, traceback.extract_tb(exc.__traceback__)[-1], data)
            return
        if time.process_time() - began > SECONDS:
            self.note("slow", None, data)

    def note(self, kind, frame, data):
        """Print a finding whose kind and place are new."""
        place = f"{frame.filename}:{frame.lineno}" if frame else ""
        if (kind, place) not in self.found:
            self.found.add((kind, place))
            print(f"FINDING {self.name}: {kind} {place} {base64.b64encode(data).decode()}", flush=True)
