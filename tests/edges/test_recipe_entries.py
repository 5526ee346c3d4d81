"""Files from elsewhere through every entry: `read_recipe`, ``%venice show``, ``%venice replay``, the panel's upload."""

import io
import json
import warnings

import piexif
import pytest
from PIL import Image
from PIL.PngImagePlugin import PngInfo

from venice_widgets import read_recipe
from venice_widgets.errors import DisplayedError
from venice_widgets.media.metadata.embed import write_recipe
from venice_widgets.media.metadata.recipe import Recipe
from venice_widgets.notebook.commands import run_command
from venice_widgets.panel.recipe_upload import read_upload, recipe_text, usable

INFOTEXT = "a red fox Negative prompt: text Steps: 20, Sampler: Euler a, CFG scale: 7, Seed: {seed}, Model: dream"
NAMES = ("python", "show", "replay", "panel")


def encoded(kind, **options):
    file = io.BytesIO()
    Image.radial_gradient("L").resize((32, 24)).convert("RGB").save(file, kind, **options)
    return file.getvalue()


def png(**texts):
    info = PngInfo()
    for name, text in texts.items():
        info.add_text(name, text)
    return encoded("PNG", pnginfo=info)


def with_comment(kind, comment):
    return encoded(kind, exif=piexif.dump({"Exif": {piexif.ExifIFD.UserComment: comment}}))


OURS = write_recipe(
    encoded("PNG"), Recipe({"model": "z-image-turbo", "prompt": "a fox", "seed": 41}, seed=41, request_hash="")
).data
GRAPH = json.dumps({"3": {"class_type": "KSampler", "inputs": {"seed": 7}}})
ODD = b"Exif\0\0MM\0*\0\0\0\x08\xff\xff\0\0"
FILES = {
    "E1 one line": (png(parameters=INFOTEXT.format(seed=5)), "a red fox"),
    "E2 a seed of -1": (png(parameters=INFOTEXT.format(seed=-1)), "the seed is not known"),
    "E3 Fooocus": (png(parameters='{"prompt": "fox", "seed": "7"}', fooocus_scheme="fooocus"), "recipe of Fooocus"),
    "E3 ComfyUI": (png(prompt=GRAPH, workflow='{"nodes": []}'), "recipe of ComfyUI"),
    "E4 UTF-16": (with_comment("JPEG", bytes(8) + INFOTEXT.format(seed=5).encode("utf-16-be")), "a red fox"),
    "E5 cut": (OURS[:-1], "read from its whole part"),
    "I6 cut in its head": (OURS[:40], "damaged"),
    "J11 odd EXIF": (encoded("JPEG", exif=ODD), "This EXIF block is damaged"),
}


class Entries:
    """Each says what is seen of a file."""

    def __init__(self, session, tmp_path, monkeypatch):
        self.session, self.path = session, tmp_path / "file.img"
        self.shown = []
        monkeypatch.setattr("IPython.display.display", self.shown.append)

    def __call__(self, name, data):
        self.path.write_bytes(data)
        try:
            return " ".join(str(getattr(self, name)(data)).split())
        except DisplayedError as exc:
            return " ".join(str(exc).split())

    def python(self, _):
        found = read_recipe(self.path, session=self.session)
        return f"{found!r} {' '.join(found.notices)}"

    def show(self, _):
        return run_command(None, f"show {self.path}").data["text/plain"]

    def replay(self, _):
        self.shown.append(run_command(None, f"replay {self.path} --yes"))
        return " ".join(each._repr_mimebundle_()[0]["text/plain"] for each in self.shown)

    def panel(self, data):
        found = read_upload("file.png", data, self.session)
        taken, gaps = usable(found, self.session.catalogue())
        return f"{taken} {recipe_text(found, 'file.png', gaps)} {' '.join(found.notices)}"


@pytest.fixture
def entries(session, tmp_path, monkeypatch):
    return Entries(session, tmp_path, monkeypatch)


@pytest.mark.parametrize("entry", NAMES)
@pytest.mark.parametrize("file", FILES)
def test_a_file_from_elsewhere_is_read_or_named_the_same_everywhere(entries, simulator, entry, file):
    data, said = FILES[file]
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        seen = entries(entry, data)
    assert said in seen or (entry == "replay" and "not known exactly" in seen)
    if not file.startswith("E5"):
        assert not [request for request in simulator.requests if request.method == "POST"], "nothing is sent by guess"


SETTINGS = "a poster that says Steps: 30, Seed: 999"
WAYS = {
    "cell": lambda shell, tmp_path, metadata: shell.run_cell_magic(
        "venice", f"--seed 41 --yes --format png --metadata {metadata} --save {tmp_path}/out.png", SETTINGS
    ),
    "sweep": lambda shell, tmp_path, metadata: shell.run_cell_magic(
        "venice",
        f"--seed 41 --cfg-scale 3,5 --format png --yes --metadata {metadata} --save {tmp_path}/{{cfg_scale}}-out.png",
        SETTINGS,
    ),
    "python": lambda shell, tmp_path, metadata: shell.user_ns["session"].generate(
        SETTINGS, seed=41, yes=True, format="png", save=tmp_path / "out.png", metadata=metadata
    ),
    "export": lambda shell, tmp_path, metadata: (
        shell.user_ns["session"].generate(SETTINGS, seed=41, yes=True, format="png"),
        shell.run_line_magic("venice", f"export {tmp_path} --images --metadata {metadata}"),
    ),
}


@pytest.mark.parametrize("way", WAYS)
def test_a_prompt_that_holds_settings_is_believed_by_no_reader_however_it_was_saved(shell, session, tmp_path, way):
    shell.user_ns["session"] = session
    WAYS[way](shell, tmp_path, "full")
    saved = sorted(path for path in tmp_path.rglob("*.png") if ".venice" not in path.parts)
    assert saved
    for path in saved:
        with Image.open(path) as image:
            assert "parameters" not in image.info
        assert read_recipe(path).recipe.seed == 41


TURNED = encoded("PNG", exif=piexif.dump({"0th": {piexif.ImageIFD.Orientation: 6}}))


@pytest.mark.parametrize("paint", [lambda _: TURNED], ids=[""])
@pytest.mark.parametrize("way", WAYS)
@pytest.mark.parametrize("metadata", ["none", "no-prompt"])
def test_a_copy_without_its_metadata_is_turned_as_its_original(shell, session, tmp_path, way, metadata):
    shell.user_ns["session"] = session
    WAYS[way](shell, tmp_path, metadata)
    saved = [path for path in tmp_path.rglob("*.png") if ".venice" not in path.parts]
    assert saved
    for path in saved:
        with Image.open(path) as image:
            assert image.getexif().get(0x0112) == 6
            assert "poster" not in str(image.info)
