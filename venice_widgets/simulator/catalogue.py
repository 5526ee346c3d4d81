"""The simulator's models, styles and traits.

`SAMPLE` holds the models of August 2026. `NOVEMBER` holds the shapes that came since; where the API's pages of November
give no price, it is made up. `ODDITIES` holds what the format allows and those do not show: odd tiers, spellings and
ratios, missing prices, models at every stage of their end. Nothing may depend on these ids: the real catalogue changes
every week.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from .models import Deprecation, Model

if TYPE_CHECKING:
    from datetime import datetime

EIGHT_RATIOS = ("1:1", "3:2", "16:9", "21:9", "9:16", "2:3", "3:4", "4:5")

SAMPLE = (
    Model(id="venice-sd35", name="Venice SD35", price="0.01", prompt_limit=1500, steps=(25, 30), divisor=16,
          privacy="private", traits=("eliza-default",), uses_negative_prompt=True, uses_steps=True,
          created=1_743_099_022),
    Model(id="z-image-turbo", name="Z-Image Turbo", price="0.01", prompt_limit=7500, steps=(8, 8), divisor=8,
          privacy="private", traits=("default", "fastest"), created=1_764_758_779),
    Model(id="chroma", name="Chroma", price="0.01", prompt_limit=7500, steps=(10, 10), divisor=8,
          privacy="private", uncensored=True, created=1_769_731_200),
    Model(id="qwen-image", name="Qwen Image", price="0.03", prompt_limit=2048, ratios=EIGHT_RATIOS,
          refuses_pixels=True, traits=("highest_quality",), created=1_736_635_129),
    Model(id="lustify-v8", name="Lustify v8", price="0.01", prompt_limit=1500, steps=(30, 50), divisor=8,
          privacy="private", uncensored=True, traits=("most_uncensored",), uses_negative_prompt=True,
          uses_steps=True, has_loras=True, created=1_774_828_800),
    Model(id="wai-Illustrious", name="Anime (WAI)", price="0.01", prompt_limit=1500, steps=(25, 30), divisor=16,
          privacy="private", uncensored=True, uses_negative_prompt=True, uses_steps=True, created=1_736_635_129),
    Model(id="qwen-image-2", name="Qwen Image 2", price="0.05", prompt_limit=10_000, ratios=EIGHT_RATIOS,
          uses_negative_prompt=True, created=1_772_582_400),
    Model(id="qwen-image-3-pro", name="Qwen Image 3 Pro", price="0.12", prompt_limit=10_000, ratios=EIGHT_RATIOS,
          refuses_pixels=True, uses_negative_prompt=True, created=1_786_000_000),
    Model(id="flux-2-pro", name="Flux 2 Pro", price="0.03", prompt_limit=3000, ratios=EIGHT_RATIOS),
    Model(id="flux-2-max", name="Flux 2 Max", price="0.09", prompt_limit=3000, ratios=("auto", *EIGHT_RATIOS)),
    Model(id="gpt-image-1-5", name="GPT Image 1.5", price="0.26", prompt_limit=5000, ratios=("1:1", "3:2", "2:3"),
          honors_seed=False, created=1_765_986_864),
    Model(id="wan-2-7-text-to-image", name="Wan 2.7", price="0.0375", prompt_limit=3000, ratios=EIGHT_RATIOS,
          uses_negative_prompt=True, created=1_775_001_600),
    Model(id="krea-v2-large", name="Krea v2 Large", price="0.07", prompt_limit=5000, beta=True,
          ratios=("1:1", "3:2", "16:9", "2:3", "9:16"), max_style_references=3, takes_reference_strength=True,
          unlisted_reference_surcharge="0.005", created=1_779_408_000),
    Model(id="recraft-v4-pro", name="Recraft V4 Pro", price="0.29", prompt_limit=10_000, ratios=EIGHT_RATIOS,
          honors_seed=False, always_format="png", created=1_770_854_400),
    Model(id="nano-banana-2", name="Nano Banana 2", prompt_limit=32_768, ratios=EIGHT_RATIOS, web_search=True,
          resolutions=("1K", "2K", "4K"), tier_prices={"1K": "0.10", "2K": "0.14", "4K": "0.19"},
          created=1_772_064_000),
    Model(id="nano-banana-pro", name="Nano Banana Pro", prompt_limit=32_768, ratios=EIGHT_RATIOS, web_search=True,
          resolutions=("1K", "2K", "4K"), tier_prices={"1K": "0.18", "2K": "0.23", "4K": "0.35"},
          honors_seed=False, created=1_763_653_951),
    Model(id="seedream-v4", name="Seedream V4.5", price="0.05", prompt_limit=10_000, ratios=EIGHT_RATIOS,
          uncensored=True, created=1_762_383_600),
    Model(id="seedream-v5-pro", name="Seedream V5 Pro", prompt_limit=10_000, ratios=("auto", *EIGHT_RATIOS),
          resolutions=("1K", "2K"), tier_prices={"1K": "0.06", "2K": "0.11"}, honors_seed=False,
          optimizes_prompts=True, created=1_781_000_000),
    Model(id="gpt-image-2", name="GPT Image 2", prompt_limit=10_000, ratios=EIGHT_RATIOS,
          resolutions=("1K", "2K", "4K"), qualities=("low", "medium", "high"), default_quality="high",
          tier_prices={"1K": "0.27", "2K": "0.51", "4K": "0.84"},
          quality_prices={"1K": {"high": "0.26", "low": "0.02", "medium": "0.07"},
                          "2K": {"high": "0.50", "low": "0.03", "medium": "0.13"},
                          "4K": {"high": "0.83", "low": "0.05", "medium": "0.21"}},
          honors_seed=False, created=1_776_729_600),
)  # fmt: skip

NOVEMBER = (
    Model(id="kling-v4-text-to-image", name="Kling V4", prompt_limit=2500, ratios=(*EIGHT_RATIOS, "4:3"),
          resolutions=("2K", "4K"), tier_prices={"2K": "0.03", "4K": "0.06"}, created=1_790_000_000),
    Model(id="seedream-v5-5", name="Seedream V5.5", prompt_limit=10_000, ratios=("auto", *EIGHT_RATIOS, "9:21"),
          resolutions=("1K", "1.5K", "2K"), tier_prices={"1K": "0.04", "1.5K": "0.055", "2K": "0.08"},
          created=1_790_100_000),
    Model(id="minimax-h3-image", name="MiniMax H3", prompt_limit=1500, ratios=EIGHT_RATIOS,
          privacy="provider_may_retain", resolutions=("1K", "2K"), tier_prices={"1K": "0.04", "2K": "0.04"},
          created=1_790_200_000),
    Model(id="grok-imagine-image-2-0", name="Grok Imagine 2.0", prompt_limit=8000, honors_seed=False,
          ratios=("1:1", "2:1", "1:2", "16:9", "9:16", "4:3"), resolutions=("1K", "2K"),
          qualities=("low", "medium"), default_quality="medium", tier_prices={"1K": "0.07", "2K": "0.10"},
          quality_prices={"1K": {"low": "0.05", "medium": "0.07"}, "2K": {"low": "0.07", "medium": "0.10"}},
          created=1_790_300_000),
    Model(id="ideogram-v4-6", name="Ideogram V4.6", prompt_limit=2000, ratios=(*EIGHT_RATIOS, "4:3"),
          resolutions=("1K", "2K", "4K"), qualities=("low", "medium", "high"), default_quality="high",
          tier_prices={"1K": "0.13", "2K": "0.13", "4K": "0.25"},
          quality_prices={"1K": {"low": "0.04", "medium": "0.08", "high": "0.13"},
                          "2K": {"low": "0.04", "medium": "0.08", "high": "0.13"},
                          "4K": {"low": "0.08", "medium": "0.15", "high": "0.25"}},
          created=1_795_100_000),
    Model(id="mai-image-2-7", name="MAI Image 2.7", price="0.05", prompt_limit=4000, ratios=EIGHT_RATIOS,
          qualities=("low", "medium", "high"), default_quality="medium",
          unlisted_quality_prices={"low": "0.02", "high": "0.12"}, created=1_792_000_000),
    Model(id="gpt-image-2-6-sunburst", name="GPT Image 2.6 Sunburst", prompt_limit=10_000, ratios=EIGHT_RATIOS,
          resolutions=("1K", "2K"), qualities=("low", "high", "xhigh", "max"), default_quality="high",
          quality_prices={"1K": {"low": "0.03", "high": "0.28", "xhigh": "0.40", "max": "0.62"},
                          "2K": {"low": "0.05", "high": "0.52", "xhigh": "0.75"}},
          unlisted_quality_prices={"max": "1.15"}, honors_seed=False, created=1_793_000_000),
    Model(id="luma-uni-1", name="Luma Uni 1", price="0.05", prompt_limit=5000, honors_seed=False,
          ratios=("16:9", "1:1", "4:3", "3:4", "9:16", "9:21", "21:9"), max_style_references=3,
          created=1_791_000_000),
    Model(id="seedream-v3", name="Seedream V3", price="0.04", prompt_limit=10_000, ratios=EIGHT_RATIOS,
          deprecation=Deprecation(removed_on=10, auto_remap=True, replacement="seedream-v4"), created=1_745_000_000),
    Model(id="nano-banana", name="Nano Banana", price="0.05", prompt_limit=32_768, ratios=EIGHT_RATIOS,
          deprecation=Deprecation(removed_on=-5, auto_remap=True, replacement="nano-banana-2"), created=1_756_000_000),
    Model(id="krea-v1", name="Krea v1", price="0.04", prompt_limit=5000, ratios=EIGHT_RATIOS,
          deprecation=Deprecation(removed_on=-3, replacement="krea-v2-large"), created=1_750_000_000),
)  # fmt: skip

ODDITIES = (
    Model(id="bria-bg-remover", name="Background Remover", price="0.03", generates=False, created=1_772_064_000),
    Model(id="lustify-sdxl", name="Lustify SDXL", price="0.01", divisor=8, privacy="private", uncensored=True,
          traits=("most_uncensored",), uses_negative_prompt=True, uses_steps=True, created=1_738_704_152,
          deprecation=Deprecation(removed_on="2031-03-31", replacement="lustify-v8", legacy_shape=True)),
    Model(id="fluently-xl", name="Fluently XL", price="0.01", divisor=8, retired=True,
          deprecation=Deprecation(removed_on="2025-05-01", replacement="z-image-turbo")),
    Model(id="hidream", name="HiDream", price="0.01", prompt_limit=1500, divisor=8, steps=(20, 50),
          privacy="private", offline=True, created=1_746_000_000),
    Model(id="muse-image", name="Muse Image", prompt_limit=4000, ratios=("1:1", "16:9", "9:16"), honors_seed=False,
          resolutions=("1K", "2K"), qualities=("low", "medium"), default_quality="medium",
          quality_prices={"1K": {"low": "0.02", "medium": "0.05"}, "2K": {"low": "0.04", "medium": "0.09"}},
          created=1_783_000_000),
    Model(id="luma-photon-3", name="Luma Photon 3", prompt_limit=5000, ratios=("1:1", "16:9", "9:16", "21:9"),
          resolutions=("1K", "2K"), price="0.08", honors_seed=False, created=1_784_000_000),
    Model(id="hunyuan-image-v4-preview", name="Hunyuan Image 4 Preview", prompt_limit=3000, ratios=EIGHT_RATIOS,
          unlisted_price="0.04", beta=True, privacy="private", created=1_787_000_000),
    Model(id="wan-3-text-to-image", name="Wan 3", prompt_limit=3000, ratios=EIGHT_RATIOS,
          resolutions=("1K", "2K", "4K"), tier_prices={"1k": "0.0375", "2k": "0.05625", "4k": "0.09375"},
          created=1_788_000_000),
    Model(id="ideogram-v4", name="Ideogram V4", prompt_limit=2000, ratios=("1:1", "4:3", "3:4", "16:9", "1:3"),
          resolutions=("1k", "2k"), qualities=("Turbo", "Balanced"), default_quality="Balanced",
          quality_prices={"1K": {"turbo": "0.03", "balanced": "0.06"}, "2K": {"turbo": "0.05", "balanced": "0.10"}},
          max_style_references=1, created=1_785_000_000),
    Model(id="grok-imagine-image", name="Grok Imagine", price="0.04", prompt_limit=8000, honors_seed=False,
          ratios=("auto", "1:1", "2:1", "1:2", "16:9", "9:16", "19.5:9", "9:19.5"), created=1_780_000_000),
    Model(id="imagineart-1.5-pro", name="ImagineArt 1.5 Pro", price="0.06", prompt_limit=10_000, honors_seed=False,
          ratios=("1:1", "3:2", "16:9", "9:16", "2:3", "3:4", "4:5"), created=1_769_437_800),
    Model(id="recraft-v4", name="Recraft V4", price="0.05", prompt_limit=10_000, ratios=EIGHT_RATIOS,
          honors_seed=False, created=1_770_854_400),
    Model(id="hunyuan-image-v3", name="Hunyuan Image 3.0", price="0.09", prompt_limit=3000, ratios=EIGHT_RATIOS,
          privacy="private", created=1_772_323_200),
)  # fmt: skip

MODELS = {model.id: model for model in (*SAMPLE, *NOVEMBER, *ODDITIES)}

STYLES = (
    "3D Model", "Analog Film", "Anime", "Cinematic", "Comic Book", "Craft Clay", "Digital Art", "Enhance",
    "Fantasy Art", "Film Noir", "HDR", "Isometric Style", "Line Art", "Long Exposure", "Lowpoly", "Minimalist",
    "Monochrome", "Neon Punk", "Origami", "Photographic", "Pixel Art", "Pop Art", "Silhouette", "Stained Glass",
    "Steampunk", "Texture", "Watercolor", "Zentangle",
)  # fmt: skip

TEXT_MODELS: tuple[dict[str, Any], ...] = (
    {
        "created": 1_742_262_554,
        "id": "venice-uncensored",
        "model_spec": {
            "name": "Venice Uncensored",
            "pricing": {"input": {"usd": 0.2, "diem": 0.2}, "output": {"usd": 0.9, "diem": 0.9}},
            "availableContextTokens": 32_768,
            "traits": ["most_uncensored"],
            "offline": False,
        },
        "object": "model",
        "owned_by": "venice.ai",
        "type": "text",
    },
)


def listed_models() -> list[Model]:
    """The models that the catalogue lists."""
    return [model for model in MODELS.values() if not model.retired]


def traits() -> dict[str, str]:
    """Each trait and the newest model that carries it: several entries may carry the same one."""
    by_age = sorted(listed_models(), key=lambda model: model.created)
    return {trait: model.id for model in by_age for trait in model.traits}


def find_model(name: str) -> Model | None:
    """The model with this id or trait, case-sensitive; None where there is none or it is retired."""
    model = MODELS.get(traits().get(name, name))
    return None if model is None or model.retired else model


def serving_model(model: Model, *, started: datetime, now: datetime) -> Model | None:
    """The model that serves requests for this one: itself, after its end its replacement, or None (410).

    Args:
        model: the model that the request names.
        started: when the simulator started, from which relative ends are counted.
        now: the time of the request.
    """
    end = model.deprecation
    if end is None or now < end.removed_at(started):
        return model
    return MODELS.get(end.replacement or "") if end.auto_remap else None
