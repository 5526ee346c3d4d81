from types import SimpleNamespace

import pytest

from venice_widgets.errors import VeniceError
from venice_widgets.replays import replay
from venice_widgets.session import Session
from venice_widgets.simulator import Fault, Simulator

PROMPT = '=HYPERLINK("x"), a fox 狐 🦊\n"two" lines, <b>&amp;</b> \\ $5'


def image_bytes():
    import io

    from PIL import Image

    file = io.BytesIO()
    Image.effect_noise((64, 64), 90).save(file, "PNG")
    return file.getvalue()


def fill(session, simulator, tmp_path):
    """One of everything that can become of a run."""
    small = {"model": "venice-sd35", "width": 256, "height": 256}
    session.generate(PROMPT, images=2, seed=1, steps=25, cfg_scale=7.5, negative_prompt="text", **small)
    session.generate("a fox", seed=3, enhance_prompt=True, format="png", **small)
    reference = tmp_path / "sketch.png"
    reference.write_bytes(image_bytes())
    session.generate("a fox", model="krea-v2-large", seed=4, style_references=[f"{reference}@0.5"], yes=True)
    session.generate("two at once", seed=5, variants=2, **small)
    for number, kind in enumerate(["violation", "500", "401", "blur"]):
        simulator.add_fault(Fault(kind))
        try:
            session.generate(f"a {kind} fox", seed=10 + number, **small)
        except VeniceError:
            continue
    replay(session, session.log.search(seed=1)[0])
    deleted = session.generate("to be deleted", seed=99, **small).images[0]
    session.log.delete_image(deleted.sha256)
    unknown = session.log.search(status="unknown")[0]
    session.log.resolve(unknown.run_id, charged=True)
    session.log.record_charge(
        session.log.search(seed=3)[0].run_id, session.log.search(seed=3)[0].draft.estimate_usd, "billing/usage-history"
    )


@pytest.fixture(scope="module")
def study(tmp_path_factory):
    """A store with one of everything, to be read only."""
    folder = tmp_path_factory.mktemp("study")
    simulator = Simulator(requests_per_minute=None)
    session = Session(api_key="k", transport=simulator.transport(), store=folder / "store")
    fill(session, simulator, folder)
    yield SimpleNamespace(session=session, log=session.log, prompt=PROMPT)
    session.log.close()


@pytest.fixture
def elsewhere(tmp_path):
    """The empty log of another machine."""
    from venice_widgets.log import Log

    log = Log.open(tmp_path / "elsewhere")
    yield log
    log.close()
