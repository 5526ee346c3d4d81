"""``POST /image/generate`` from an accepted body to the answer: seeds, pictures, price, echo, headers.

Source: VENICE API, "Seeds", "The answer" and the price rule of "The catalogue".
"""

from __future__ import annotations

import base64
import json
import urllib.parse
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from .response import Answer, json_answer
from .sizes import picture_size
from .validation import MAX_SEED

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping
    from decimal import Decimal
    from random import Random

    from venice_widgets.simulator.art.pictures import Commission

    from .models import Model

WORDS_LEFT_ALONE = 60
ENHANCEMENT = "in soft directional light, with a layered composition, fine texture and a restrained colour palette"
UNKNOWABLE = "seed ?"


@dataclass(frozen=True, slots=True)
class Order:
    """An accepted request, with everything decided that the service decides."""

    model: Model
    body: Mapping[str, Any]
    request_id: str
    seed: int
    """What the first picture is drawn from, and what the echo says."""
    resolution: str | None
    quality: str | None
    enhanced_prompt: str | None
    blurred: bool = False
    blacked_out: bool = False

    @property
    def pictures(self) -> int:
        """How many are drawn and billed."""
        return int(self.body.get("variants", 1))

    @property
    def unit_price_usd(self) -> Decimal:
        """Of one picture."""
        return self.model.billed_price(self.resolution, self.quality)

    @property
    def format(self) -> str:
        """Of the bytes that are sent."""
        return self.model.always_format or str(self.body.get("format", "webp"))


def accept(body: Mapping[str, Any], model: Model, random: Random) -> Order:
    """Decide what the body leaves open."""
    sent = body.get("seed")
    return Order(
        model=model,
        body=body,
        request_id=f"generate-image-{random.getrandbits(60):015x}",
        seed=random.randint(1, MAX_SEED) if sent is None else int(sent),
        resolution=(body.get("resolution") or model.resolutions[0]) if model.resolutions else None,
        quality=(body.get("quality") or model.default_quality) if model.qualities else None,
        enhanced_prompt=_enhanced(body["prompt"], model) if body.get("enhance_prompt") else None,
    )


def _enhanced(prompt: str, model: Model) -> str | None:
    """The rewritten prompt; None where it says enough already, or there is no room."""
    rewritten = f"{prompt.strip()}, {ENHANCEMENT}"
    if (
        len(prompt.split()) > WORDS_LEFT_ALONE
        or len(rewritten.encode("utf-16-le", "surrogatepass")) // 2 > model.prompt_limit
    ):
        return None
    return rewritten


def draw(order: Order, random: Random, paint: Callable[[Commission], bytes]) -> list[bytes]:
    """Every picture of the order, in its format."""
    return [paint(_commission(order, index, random)) for index in range(order.pictures)]


def _commission(order: Order, index: int, random: Random) -> Commission:
    from venice_widgets.simulator.art.pictures import Commission

    model, body = order.model, order.body
    searched = bool(body.get("enable_web_search")) and model.web_search
    honoured = model.honours_seed and index == 0 and not searched
    width, height = picture_size(
        model,
        width=int(body.get("width", 1024)),
        height=int(body.get("height", 1024)),
        aspect_ratio=body.get("aspect_ratio"),
        resolution=order.resolution,
    )
    return Commission(
        prompt=order.enhanced_prompt or body["prompt"],
        settings=_settings(order),
        content=order.seed if honoured else random.getrandbits(53),
        width=width,
        height=height,
        stamp=_stamp(order, index, honoured=honoured),
        format=order.format,
        blurred=order.blurred,
        blacked_out=order.blacked_out,
        exif_description=_description(order) if body.get("embed_exif_metadata") else None,
    )


def _stamp(order: Order, index: int, *, honoured: bool) -> str:
    """What may be told of the seed: nothing that the service keeps to itself."""
    told = "seed" in order.body or not order.body.get("return_binary")
    if index or not told:
        return UNKNOWABLE
    return f"seed {order.seed}" if honoured else "seed ignored"


def _settings(order: Order) -> str:
    """Every field with an influence on what is drawn, for this model."""
    model, body = order.model, order.body
    names = ["cfg_scale", "style_preset", "style_references", "aspect_ratio"]
    names += ["negative_prompt"] * model.uses_negative_prompt + ["steps"] * model.uses_steps
    names += ["lora_strength"] * model.has_loras + ["width", "height"] * (model.sized_by == "pixels")
    chosen = {name: body[name] for name in names if name in body}
    return json.dumps([model.id, order.quality, chosen], sort_keys=True)


def _description(order: Order) -> str:
    return json.dumps({"model": order.model.id, "prompt": order.body["prompt"], "seed": order.seed})


def echo(order: Order) -> dict[str, Any]:
    """``request.data``: the body with the defaults filled in, without the style references.

    It has a width and a height even where the model refuses them, and a seed even where the model ignores it.
    """
    defaults = {
        "width": 1024,
        "height": 1024,
        "steps": min(order.model.steps[1], 20),
        "format": "webp",
        "safe_mode": True,
        "hide_watermark": False,
        "return_binary": False,
        "embed_exif_metadata": False,
        "enhance_prompt": False,
        "variants": 1,
    }
    kept = {name: value for name, value in order.body.items() if name != "style_references"}
    if order.model.sized_by != "tiers":
        kept.pop("resolution", None)
    return defaults | kept | {"seed": order.seed}


def content(order: Order, pictures: list[bytes], inference_ms: int) -> dict[str, Any]:
    """The JSON body with its pictures in base64."""
    return {
        "id": order.request_id,
        "images": [base64.b64encode(picture).decode("ascii") for picture in pictures],
        "request": {"success": True, "data": echo(order)},
        "timing": {
            "inferenceDuration": inference_ms,
            "inferencePreprocessingTime": 12,
            "inferenceQueueTime": 3,
            "total": inference_ms + 9,
        },
    }


def content_answer(order: Order, content: dict[str, Any]) -> Answer:
    """The answer in JSON."""
    return json_answer(content, headers=_headers(order))


def binary_answer(order: Order, picture: bytes) -> Answer:
    """The answer to ``return_binary``: the picture alone, no id, no timing, no echo."""
    return Answer(200, picture, (("content-type", f"image/{order.format}"), *_headers(order)))


def _headers(order: Order) -> list[tuple[str, str]]:
    model = order.model
    headers = [
        ("x-venice-model-id", model.id),
        ("x-venice-model-name", model.name),
        ("x-venice-model-router", "simulator"),
        ("x-venice-is-blurred", str(order.blurred).lower()),
        ("x-venice-is-content-violation", str(order.blacked_out).lower()),
        ("x-venice-is-adult-model-content-violation", "false"),
        ("x-venice-contains-minor", "false"),
    ]
    if order.enhanced_prompt is not None:
        quoted = urllib.parse.quote(order.enhanced_prompt, safe="!'()*-._~", errors="replace")
        headers.append(("x-venice-enhanced-prompt", quoted))
    if model.deprecation_date:
        headers += [
            ("x-venice-model-deprecation-warning", f"{model.id} is scheduled for deprecation"),
            ("x-venice-model-deprecation-date", model.deprecation_date),
            ("x-venice-deprecated", "true"),
            ("x-venice-deprecated-replacement", model.replacement or ""),
        ]
    return headers
