"""The one declaration of every parameter of ``POST /image/generate``.

`Fields` declares each field once: its type and range, and in `About` the words that help, completion, the panel and the
documents need, and what in a model's catalogue entry limits the field, is its default, and is its price. The check, the
defaults, the price, completion, the panel and the model's page follow from there.

Source of names, ranges and defaults: the Venice API's document of ``POST /image/generate``.
"""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence  # noqa: TC003  pydantic reads the annotations
from dataclasses import dataclass
from functools import cache
from pathlib import Path  # noqa: TC003  likewise
from types import MappingProxyType
from typing import Annotated, Any, Literal, get_args, get_origin, get_type_hints

import annotated_types
from pydantic import AfterValidator, ConfigDict, Field, TypeAdapter, ValidationError
from typing_extensions import TypedDict  # pydantic needs this one before Python 3.12

from venice_widgets.errors import NOTHING_SENT, InvalidRequest, shown
from venice_widgets.suggest import did_you_mean

from .field_support import known_users
from .style_reference import StyleReference  # noqa: TC001  likewise

MAX_SEED = 999_999_999
MAX_SIDE_PIXELS = 1280
DEFAULT_SIDE_PIXELS = 1024
"""Width and height that the API takes where none is given, on models that are sized in pixels."""


@dataclass(frozen=True, slots=True)
class PriceList:
    """A list in the ``pricing`` of a catalogue entry, and the fields that index it."""

    name: str
    """Its name there."""
    by: tuple[str, ...] = ()
    """The fields whose values index it, outermost first; a list with more of them is billed before one with fewer."""
    default_only: bool = False
    """Whether, for a model without this list, the price by another list holds for the field's default alone."""


@dataclass(frozen=True, slots=True, kw_only=True)
class About:
    """What belongs to a field beside its type: its words, and what a model's catalogue entry says of it."""

    group: str
    """The heading under which help and panel show it."""
    help: str
    """What it does, in a sentence without its range."""
    taken_by: str = "every model"
    """Which models take it."""
    default: str = "the API's"
    """What happens when it is not given."""
    example: str = ""
    """An example value."""
    short: str = ""
    """A one-letter option."""
    option: str = ""
    """The option's name where it is not the field's own with dashes."""
    takes: str = ""
    """What values it takes, where neither its type nor its bounds say it."""
    listed: str = ""
    """The attribute of `Model` that lists the values a model takes; a model that lists none does not take the field."""
    supported_by: str = ""
    """The attribute of `Model` that says whether a model takes the field at all."""
    model_default: str = ""
    """The attribute of `Model` that holds the model's default."""
    at_most: str = ""
    """The attribute of `Model` that holds the largest number a model takes."""
    ignored_elsewhere: bool = False
    """Whether a model that does not take the field drops it without harm: then it is a note, not an error."""
    attribution_only: bool = False
    """Whether the field changes nothing about the image: it is sent, and left out of the record and of its hash."""
    prices: PriceList | None = None
    """The price list that the field adds to the catalogue's, where the field decides the price."""
    prose: bool = False
    """Whether it is running text, in which a comma separates no values."""


IMAGE, SIZE, GUIDANCE, DELIVERY = "Image", "Size", "Guidance", "Safety and delivery"


def _attribution(text: str) -> str:
    if not re.fullmatch(r"[ -~]{1,128}", text) or "||" in text:
        raise ValueError("not 1 to 128 printable ASCII characters without ||")
    return text


class Fields(TypedDict, total=False):
    """Every field of ``POST /image/generate`` but the prompt. What is absent stays absent on the wire."""

    __pydantic_config__ = ConfigDict(extra="forbid", arbitrary_types_allowed=True)  # type: ignore[misc]

    model: Annotated[
        str,
        Field(min_length=1),
        About(
            group=IMAGE,
            short="m",
            help="The model's id (case counts) or a moving trait such as default or fastest.",
            default="the catalogue's trait “default”",
            example="z-image-turbo",
        ),
    ]
    seed: Annotated[
        int | str | Sequence[int],
        About(
            group=IMAGE,
            short="s",
            help="The number that picks the image; a list or range makes one image each.",
            default="drawn from 1 … 999,999,999 and shown",
            takes="whole numbers, -999,999,999 … 999,999,999",
            example="41, 7,9,12, 1..5 or --seed=-5..-3",
        ),
    ]
    negative_prompt: Annotated[
        str,
        About(
            group=IMAGE,
            help="What should not be in the image; many models drop it, and the caption says so.",
            prose=True,
            taken_by="every model; " + ", ".join(known_users("negative_prompt")) + " are known to use it",
            default="none",
            example='"rain, text"',
        ),
    ]
    style_preset: Annotated[
        str,
        About(
            group=IMAGE,
            help="A named style, spelled exactly as %venice styles lists it.",
            default="none",
            example='"Analog Film"',
        ),
    ]
    style_references: Annotated[
        Sequence[str | Path | StyleReference],
        About(
            group=IMAGE,
            option="style-reference",
            help="An image whose style is followed: a file or URL below 8 MB, with @STRENGTH 0.1 … 1; repeatable.",
            taken_by="models that support style references (%venice model ID)",
            default="none",
            example="sketch.png@0.6",
            takes="a list of files or http(s) URLs, each with an optional @STRENGTH 0.1 … 1",
            supported_by="supports_style_references",
        ),
    ]
    width: Annotated[
        int,
        Field(ge=1, le=MAX_SIDE_PIXELS),
        About(
            group=SIZE,
            help="Width in pixels, a multiple of the model's divisor.",
            taken_by="models sized in pixels",
            takes=f"1 … {MAX_SIDE_PIXELS}, a multiple of the model's divisor",
            default=str(DEFAULT_SIDE_PIXELS),
            example="1280",
            supported_by="sized_in_pixels",
        ),
    ]
    height: Annotated[
        int,
        Field(ge=1, le=MAX_SIDE_PIXELS),
        About(
            group=SIZE,
            help="Height in pixels, a multiple of the model's divisor.",
            taken_by="models sized in pixels",
            takes=f"1 … {MAX_SIDE_PIXELS}, a multiple of the model's divisor",
            default=str(DEFAULT_SIDE_PIXELS),
            example="720",
            supported_by="sized_in_pixels",
        ),
    ]
    aspect_ratio: Annotated[
        str,
        About(
            group=SIZE,
            short="a",
            help="The image's shape, one of the model's own; auto leaves it to the model.",
            taken_by="models sized by ratio or tiers",
            default="the model's",
            example="16:9",
            listed="aspect_ratios",
            model_default="default_aspect_ratio",
        ),
    ]
    resolution: Annotated[
        str,
        About(
            group=SIZE,
            short="r",
            help="The tier, one of the model's own; it decides the price.",
            taken_by="models sized by tiers",
            default="the model's, and billed as that",
            example="2K",
            listed="resolutions",
            model_default="default_resolution",
            prices=PriceList("resolutions", by=("resolution",)),
        ),
    ]
    quality: Annotated[
        str,
        About(
            group=SIZE,
            short="q",
            help="The quality, one of the model's own; it decides the price.",
            taken_by="models that list qualities",
            default="the model's, and billed as that",
            example="medium",
            listed="qualities",
            model_default="default_quality",
            ignored_elsewhere=True,
            prices=PriceList("quality", by=("resolution", "quality"), default_only=True),
        ),
    ]
    steps: Annotated[
        int,
        Field(ge=1),
        About(
            group=GUIDANCE,
            help="Denoising steps, up to the model's maximum.",
            taken_by="every model; " + ", ".join(known_users("steps")) + " are known to use it",
            default="the model's",
            example="25",
            model_default="steps_default",
            at_most="steps_max",
        ),
    ]
    cfg_scale: Annotated[
        float,
        Field(gt=0, le=20, allow_inf_nan=False),
        About(group=GUIDANCE, help="How closely the prompt is followed.", example="7.5"),
    ]
    lora_strength: Annotated[
        int,
        Field(ge=0, le=100),
        About(group=GUIDANCE, help="How strongly the model's LoRA acts.", taken_by="models with LoRAs", example="50"),
    ]
    enhance_prompt: Annotated[
        bool,
        About(
            group=GUIDANCE,
            help="Let the API rewrite the prompt first: $0.04 when it does, up to 30 s more; the new text is stored.",
            default="off",
        ),
    ]
    disable_prompt_optimization_thinking: Annotated[
        bool,
        About(
            group=GUIDANCE,
            help="Skip the model's own thinking about the prompt.",
            taken_by="models that support it",
            default="off",
            supported_by="supports_optimize_prompt_thinking",
        ),
    ]
    enable_web_search: Annotated[
        bool,
        About(
            group=GUIDANCE,
            help="Let the model search the web; such an image cannot be made again.",
            taken_by="models that support it, such as nano-banana-2",
            default="off",
            supported_by="supports_web_search",
        ),
    ]
    format: Annotated[
        Literal["jpeg", "png", "webp"],
        About(group=DELIVERY, help="The file format; some models return their own.", default="webp", example="png"),
    ]
    variants: Annotated[
        int,
        Field(ge=1, le=4),
        About(
            group=DELIVERY,
            help="Images per request. Only the first uses the seed; the others' seeds cannot be known: prefer -n.",
            default="1",
            example="4",
        ),
    ]
    safe_mode: Annotated[
        bool, About(group=DELIVERY, help="Blur adult content; a blurred image is charged.", default="on")
    ]
    hide_watermark: Annotated[
        bool, About(group=DELIVERY, help="Ask for no watermark; a model may ignore it.", default="off")
    ]
    embed_exif_metadata: Annotated[
        bool,
        About(
            group=DELIVERY,
            help="Let the API write metadata into the file; what it writes is documented nowhere.",
            default="off",
        ),
    ]
    anon_user_id: Annotated[
        str,
        AfterValidator(_attribution),
        About(
            group=DELIVERY,
            help="An id of your own user, passed on for attribution; it does not change the image and is not recorded.",
            default="none",
            example="u-4711",
            takes="1 … 128 printable ASCII characters, without ||",
            attribution_only=True,
        ),
    ]
    return_binary: Annotated[
        bool,
        About(
            group=DELIVERY,
            help="Receive the image alone, without the response's id, timing and echo; not with variants.",
            default="off",
        ),
    ]


@dataclass(frozen=True, slots=True)
class FieldFacts:
    """One field of `Fields`, taken apart for options and controls."""

    name: str
    kind: type
    """bool, int, float or str; str also for what is richer than that."""
    about: About
    choices: tuple[str, ...] = ()
    """The values of a closed set."""
    minimum: float | None = None
    minimum_excluded: bool = False
    maximum: float | None = None

    @property
    def option(self) -> str:
        """The long option, without its dashes."""
        return self.about.option or self.name.replace("_", "-")

    @property
    def range_text(self) -> str:
        """What values it takes, in words; empty where the model decides."""
        if self.about.takes or self.choices:
            return self.about.takes or ", ".join(self.choices)
        if self.minimum is None:
            return ""
        low = f"above {self.minimum:g}" if self.minimum_excluded else f"{self.minimum:g}"
        if self.maximum is None:
            return f"{low} or more"
        return f"{low} to {self.maximum:g}" if self.minimum_excluded else f"{low} … {self.maximum:g}"


@cache
def field_facts() -> Mapping[str, FieldFacts]:
    """Every field by its name, in the order of the declaration."""
    hints = get_type_hints(Fields, include_extras=True)
    return MappingProxyType({name: _facts(name, hint) for name, hint in hints.items() if get_origin(hint) is Annotated})


@cache
def attribution_fields() -> frozenset[str]:
    """The fields that change nothing about an image."""
    return frozenset(name for name, facts in field_facts().items() if facts.about.attribution_only)


@cache
def price_axes() -> Mapping[str, PriceList]:
    """The fields that can decide a price, each with the price list that it adds."""
    return MappingProxyType({name: facts.about.prices for name, facts in field_facts().items() if facts.about.prices})


@cache
def price_lists() -> tuple[PriceList, ...]:
    """Every list of the catalogue's ``pricing`` that is read, the one that is billed first at the front."""
    return tuple(sorted((*price_axes().values(), PriceList("generation")), key=lambda each: -len(each.by)))


def _facts(name: str, hint: Any) -> FieldFacts:
    declared, *extras = get_args(hint)
    about = next(extra for extra in extras if isinstance(extra, About))
    bounds = [bound for extra in extras for bound in getattr(extra, "metadata", ())]
    lower = next((b for b in bounds if isinstance(b, annotated_types.Ge | annotated_types.Gt)), None)
    upper = next((b for b in bounds if isinstance(b, annotated_types.Le)), None)
    return FieldFacts(
        name=name,
        kind=declared if declared in (bool, int, float) else str,
        about=about,
        choices=get_args(declared) if get_origin(declared) is Literal else (),
        minimum=_number(lower, "ge", "gt"),
        minimum_excluded=isinstance(lower, annotated_types.Gt),
        maximum=_number(upper, "le"),
    )


def _number(bound: Any, *names: str) -> float | None:
    return next((getattr(bound, name) for name in names if hasattr(bound, name)), None)


@cache
def _adapter() -> TypeAdapter[Any]:
    return TypeAdapter(Fields)


def is_switch(name: str) -> bool:
    """Whether the field is on or off, so that only its checked value says which."""
    return field_facts()[name].kind is bool


@cache
def _switch() -> TypeAdapter[bool]:
    return TypeAdapter(bool)


def check_switch(name: str, value: Any) -> bool:
    """On or off, as it is meant: the text "no", such as a parameter of papermill, is off.

    Raises:
        InvalidRequest: it is neither.
    """
    try:
        return _switch().validate_python(value)
    except ValidationError as exc:
        raise refusal(name, value, "is neither True nor False", "Write True or False.") from exc


def check_names(given: Mapping[str, Any]) -> dict[str, Any]:
    """The fields that were given; None means "not given".

    Raises:
        InvalidRequest: an unknown name, with the near ones, or with what it is called here.
    """
    present = {name: value for name, value in given.items() if value is not None}
    for name in present:
        if name not in field_facts():
            raise InvalidRequest(
                f"there is no field {name!r}.", f"{did_you_mean(name, field_facts())}{NOTHING_SENT}", field=name
            )
    return present


def check_fields(given: Mapping[str, Any]) -> dict[str, Any]:
    """Check names, types, and the ranges that hold for every model; None means "not given".

    Raises:
        InvalidRequest: an unknown name (with the near ones) or a value out of range (with the range).
    """
    present = check_names(given)
    for name, value in present.items():
        if isinstance(value, bool) and field_facts()[name].kind in (int, float):  # which pydantic takes for 1
            raise refusal(name, value, "cannot be used", _allowed(name))
    try:
        return dict(_adapter().validate_python(present))
    except ValidationError as exc:
        name = str(exc.errors(include_url=False)[0]["loc"][0])
        raise refusal(name, present[name], "cannot be used", _allowed(name)) from exc


def _allowed(name: str) -> str:
    facts = field_facts()[name]
    kinds = {bool: "true or false", int: "a whole number", float: "a number", str: "text"}
    return f"It takes {facts.range_text or kinds[facts.kind]}."


def refusal(name: str, value: Any, problem: str, remedy: str) -> InvalidRequest:
    """The error of one field's value: what is wrong with it, and what is right."""
    said = " ".join(filter(None, (name, shown(value), problem)))
    return InvalidRequest(f"{said}.", f"{remedy} {NOTHING_SENT}", field=name)
