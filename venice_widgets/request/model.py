"""A model as its catalogue entry describes it: its limits, its prices, and what may keep it from being used.

Each fact is declared once, with the path where the entry keeps it. What is missing stays missing, and what is unknown
is ignored. Which attribute limits which field is part of the field's declaration (`fields.About`).
"""

from __future__ import annotations

from enum import StrEnum
from typing import TYPE_CHECKING, Annotated, Any

from pydantic import AliasPath, BaseModel, BeforeValidator, ConfigDict, Field

from .deprecation import Deprecation
from .field_support import FieldSupport, field_support, generates_images
from .fields import field_facts
from .prices import every_price, price_range_text, priced_values, read_prices

if TYPE_CHECKING:
    from datetime import datetime
    from decimal import Decimal


class Sizing(StrEnum):
    """How a model is told the size of its image."""

    PIXELS = "pixels"
    RATIO = "ratio"
    TIERS = "tiers"


def _at(*path: str) -> Any:
    return AliasPath("model_spec", *path)


Names = tuple[str, ...]
Count = Annotated[int, Field(ge=1)]


class Model(BaseModel):
    """One entry of the catalogue. Source: GET /models?type=image, ``model_spec``; prices in US dollars."""

    model_config = ConfigDict(frozen=True, extra="ignore", populate_by_name=False)

    id: str = Field(min_length=1)
    name: str = Field("", validation_alias=_at("name"))
    description: str = Field("", validation_alias=_at("description"))
    privacy: str = Field("", validation_alias=_at("privacy"))
    """As in the entry; only ``private`` counts as private."""
    traits: Names = Field((), validation_alias=_at("traits"))
    offline: bool = Field(default=False, validation_alias=_at("offline"))
    beta: bool = Field(default=False, validation_alias=_at("betaModel"))
    uncensored: bool = Field(default=False, validation_alias=_at("uncensored"))
    deprecation: Deprecation = Field(Deprecation.model_validate({}), validation_alias=_at("deprecation"))
    supports_web_search: bool = Field(default=False, validation_alias=_at("supportsWebSearch"))
    supports_style_references: bool = Field(default=False, validation_alias=_at("supportsStyleReferences"))
    supports_optimize_prompt_thinking: bool = Field(
        default=False, validation_alias=_at("supportsOptimizePromptThinking")
    )

    prompt_character_limit: Count | None = Field(None, validation_alias=_at("constraints", "promptCharacterLimit"))
    steps_default: Count | None = Field(None, validation_alias=_at("constraints", "steps", "default"))
    steps_max: Count | None = Field(None, validation_alias=_at("constraints", "steps", "max"))
    width_height_divisor: Count | None = Field(None, validation_alias=_at("constraints", "widthHeightDivisor"))
    aspect_ratios: Names = Field((), validation_alias=_at("constraints", "aspectRatios"))
    default_aspect_ratio: str = Field("", validation_alias=_at("constraints", "defaultAspectRatio"))
    resolutions: Names = Field((), validation_alias=_at("constraints", "resolutions"))
    default_resolution: str = Field("", validation_alias=_at("constraints", "defaultResolution"))
    qualities: Names = Field((), validation_alias=_at("constraints", "qualities"))
    default_quality: str = Field("", validation_alias=_at("constraints", "defaultQuality"))
    max_style_references: Count | None = Field(None, validation_alias=_at("constraints", "maxStyleReferences"))
    supports_style_reference_strength: bool = Field(
        default=False, validation_alias=_at("constraints", "supportsStyleReferenceStrength")
    )

    prices: Annotated[dict[str, Any], BeforeValidator(read_prices)] = Field({}, validation_alias=_at("pricing"))
    """The price lists that the entry states, see `prices.py`."""

    entry: dict[str, Any] = Field({}, repr=False)
    """The entry as it stood on the wire, for the record."""

    @property
    def sizing(self) -> Sizing:
        """Tiers where the model lists resolutions, else ratio where it lists aspect ratios, else pixels."""
        if self.resolutions:
            return Sizing.TIERS
        return Sizing.RATIO if self.aspect_ratios else Sizing.PIXELS

    @property
    def sized_in_pixels(self) -> bool:
        """Whether it takes width and height."""
        return self.sizing is Sizing.PIXELS

    @property
    def generates(self) -> bool:
        """Whether it makes images from text."""
        return generates_images(self.id)

    @property
    def is_private(self) -> bool:
        """Whether the catalogue calls it private; every other word, and none, counts as not private."""
        return self.privacy.casefold() == "private"

    def support(self, name: str) -> FieldSupport:
        """What is known of the field `name` (``seed``, ``negative_prompt``, ``steps``) on this model."""
        return field_support(self.id, name, self.entry)

    def takes(self, name: str) -> bool:
        """Whether a field of the request means anything to this model, by what its entry says.

        Raises:
            KeyError: there is no such field.
        """
        about = field_facts()[name].about
        limit = about.listed or about.supported_by
        return bool(getattr(self, limit)) if limit else True

    def allowed(self, name: str) -> Names:
        """The values that this model takes for a field, in the catalogue's order.

        Empty where nothing lists them. The model's own list comes before the values of the field's type.
        """
        facts = field_facts()[name]
        return tuple(getattr(self, facts.about.listed)) if facts.about.listed else facts.choices

    def default_of(self, name: str) -> str | int | None:
        """This model's default for a field; None where its entry does not say."""
        attribute = field_facts()[name].about.model_default
        return (getattr(self, attribute) or None) if attribute else None

    def unit_prices(self) -> tuple[Decimal, ...]:
        """Every price of one image that this entry states for billing, ascending; empty where it states none."""
        return every_price(self.prices)

    def priced_values(self, name: str) -> Names:
        """The values of a field that this entry states prices for."""
        return priced_values(self.prices, name)

    @property
    def price_range(self) -> str:
        """``$0.02 – $0.83`` for one image, or ``unknown``."""
        return price_range_text(self.unit_prices())

    def states(self, now: datetime | None = None) -> tuple[str, ...]:
        """What may keep it from working, now or soon, a few words each; empty where nothing does."""
        said = {
            "offline": self.offline,
            "beta": self.beta,
            self.deprecation.short_text(now): self.deprecation.stated,
            "makes no images from text": not self.generates,
        }
        return tuple(words for words, holds in said.items() if holds)
