"""``POST /image/generate`` from an accepted body to the response: seeds, images, price, echo, headers."""

from __future__ import annotations

import base64
import json
import urllib.parse
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from .models import iso
from .sizes import image_size
from .validation import MAX_SEED

if TYPE_CHECKING:
    from collections.abc import Mapping
    from decimal import Decimal

    from venice_widgets.simulator.art.painter import Commission

    from .models import Model
    from .state import State

WORDS_LEFT_ALONE = 60
ENHANCEMENT = "in soft directional light, with a layered composition, fine texture and a restrained color palette"
UNKNOWN_SEED = "seed ?"


@dataclass(frozen=True, slots=True)
class Job:
    """An accepted request, with everything decided that the service decides."""

    model: Model
    """Which serves it."""
    named_model: Model
    """Which the request names: another one where its end has come and it is routed."""
    body: Mapping[str, Any]
    request_id: str
    seed: int
    """What the first image is drawn from, and what the echo says."""
    resolution: str | None
    quality: str | None
    enhanced_prompt: str | None
    blurred: bool = False
    blacked_out: bool = False

    @property
    def images(self) -> int:
        """How many are drawn and billed."""
        return int(self.body.get("variants", 1))

    @property
    def unit_price_usd(self) -> Decimal:
        """Of one image."""
        return self.model.billed_price(self.resolution, self.quality)

    @property
    def format(self) -> str:
        """Of the bytes that are sent."""
        return self.model.always_format or str(self.body.get("format", "webp"))


def accept(body: Mapping[str, Any], model: Model, named_model: Model, state: State) -> Job:
    """Decide what the body leaves open."""
    sent = body.get("seed")
    return Job(
        model=model,
        named_model=named_model,
        body=body,
        request_id=f"generate-image-{state.random.getrandbits(60):015x}",
        seed=state.random.randint(1, MAX_SEED) if sent is None else int(sent),
        resolution=(body.get("resolution") or model.resolutions[0]) if model.resolutions else None,
        quality=(body.get("quality") or model.default_quality) if model.qualities else None,
        enhanced_prompt=_enhanced(body["prompt"], model) if body.get("enhance_prompt") else None,
    )


def _enhanced(prompt: str, model: Model) -> str | None:
    """The rewritten prompt; None where the prompt is long enough already, or there is no room."""
    rewritten = f"{prompt.strip()}, {ENHANCEMENT}"
    if (
        len(prompt.split()) > WORDS_LEFT_ALONE
        or len(rewritten.encode("utf-16-le", "surrogatepass")) // 2 > model.prompt_limit
    ):
        return None
    return rewritten


def draw(job: Job, state: State) -> list[bytes]:
    """Every image of the job, in its format."""
    return [state.paint(_commission(job, index, state)) for index in range(job.images)]


def _commission(job: Job, index: int, state: State) -> Commission:
    from venice_widgets.simulator.art.painter import Commission

    model, body = job.model, job.body
    searched = bool(body.get("enable_web_search")) and model.web_search
    honored = model.honors_seed and index == 0 and not searched
    width, height = image_size(
        model,
        prompt=body["prompt"],
        width=int(body.get("width", 1024)),
        height=int(body.get("height", 1024)),
        aspect_ratio=body.get("aspect_ratio"),
        resolution=job.resolution,
    )
    return Commission(
        prompt=job.enhanced_prompt or body["prompt"],
        settings=_settings(job),
        content=job.seed if honored else state.random.getrandbits(53),
        width=width,
        height=height,
        stamp=_stamp(job, index, honored=honored),
        format=job.format,
        blurred=job.blurred,
        blacked_out=job.blacked_out,
        exif_description=_description(job) if body.get("embed_exif_metadata") else None,
    )


def _stamp(job: Job, index: int, *, honored: bool) -> str:
    """What the stamp says about the seed: nothing that the service does not tell."""
    is_known = "seed" in job.body or not job.body.get("return_binary")
    if index or not is_known:
        return UNKNOWN_SEED
    return f"seed {job.seed}" if honored else "seed ignored"


def _settings(job: Job) -> str:
    """Every field that changes what is drawn, for this model."""
    model, body = job.model, job.body
    names = ["cfg_scale", "style_preset", "style_references", "aspect_ratio"]
    names += ["negative_prompt"] * model.uses_negative_prompt + ["steps"] * model.uses_steps
    names += ["lora_strength"] * model.has_loras + ["width", "height"] * (model.sized_by == "pixels")
    chosen = {name: body[name] for name in names if name in body}
    return json.dumps([model.id, job.quality, chosen], sort_keys=True)


def _description(job: Job) -> str:
    return json.dumps({"model": job.model.id, "prompt": job.body["prompt"], "seed": job.seed})


def echo(job: Job) -> dict[str, Any]:
    """``request.data``: the body with the defaults filled in, without the style references.

    It has a width and a height even where the model refuses them, and a seed even where the model ignores it.
    """
    defaults = {
        "width": 1024,
        "height": 1024,
        "steps": min(job.model.steps[1], 20),
        "format": "webp",
        "safe_mode": True,
        "hide_watermark": False,
        "return_binary": False,
        "embed_exif_metadata": False,
        "enhance_prompt": False,
        "variants": 1,
    }
    kept = {name: value for name, value in job.body.items() if name != "style_references"}
    if job.model.sized_by != "tiers":
        kept.pop("resolution", None)
    return defaults | kept | {"seed": job.seed}


def content(job: Job, images: list[bytes], inference_ms: int) -> dict[str, Any]:
    """The JSON content, its images in base64."""
    return {
        "id": job.request_id,
        "images": [base64.b64encode(image).decode("ascii") for image in images],
        "request": {"success": True, "data": echo(job)},
        "timing": {
            "inferenceDuration": inference_ms,
            "inferencePreprocessingTime": 12,
            "inferenceQueueTime": 3,
            "total": inference_ms + 9,
        },
    }


def headers(job: Job, state: State) -> list[tuple[str, str]]:
    """Which model served it, what moderation found, the prompt that was used, the end of the model that was named."""
    model = job.model
    found = [
        ("x-venice-model-id", model.id),
        ("x-venice-model-name", model.name),
        ("x-venice-model-router", "simulator"),
        ("x-venice-is-blurred", str(job.blurred).lower()),
        ("x-venice-is-content-violation", str(job.blacked_out).lower()),
        ("x-venice-is-adult-model-content-violation", "false"),
        ("x-venice-contains-minor", "false"),
    ]
    if job.enhanced_prompt is not None:
        quoted = urllib.parse.quote(job.enhanced_prompt, safe="!'()*-._~", errors="replace")
        found.append(("x-venice-enhanced-prompt", quoted))
    return [*found, *_deprecation_headers(job.named_model, state)]


def _deprecation_headers(model: Model, state: State) -> list[tuple[str, str]]:
    if model.deprecation is None:
        return []
    return [
        ("x-venice-model-deprecation-warning", f"{model.id} is scheduled for deprecation"),
        ("x-venice-model-deprecation-date", iso(model.deprecation.removed_at(state.started))),
        ("x-venice-deprecated", "true"),
        ("x-venice-deprecated-replacement", model.replacement or ""),
    ]
