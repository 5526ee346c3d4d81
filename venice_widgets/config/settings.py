"""The frozen `Settings`: what each setting means and its default, whoever gave it."""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from decimal import Decimal
from pathlib import Path
from types import MappingProxyType
from typing import TYPE_CHECKING, Any, Literal

from venice_widgets.files.store_folder import NAMES

from .secret import Secret

if TYPE_CHECKING:
    from collections.abc import Mapping

BASE_URL = "https://api.venice.ai/api/v1"
DEMO_BASE_URL = "http://simulator.localhost/api/v1"
STORE_FOLDER = NAMES[0]
LIMITS = ("max_cost_usd", "confirm_above_usd", "session_budget_usd", "day_budget_usd", "project_budget_usd")
"""The settings that hold money back."""
CONFIGURED: tuple[Literal["model"], Literal["format"]] = ("model", "format")
"""The settings that stand for fields of a request that are not given."""


@dataclass(frozen=True, slots=True)
class Settings:
    """Everything that a session needs to know before it does anything."""

    api_key: Secret | None = None
    """The bearer key; never written anywhere."""
    wallet_key: Secret | None = None
    """A wallet's private key, used only where there is no `api_key`."""
    base_url: str = BASE_URL
    """Where requests go; https, or http on the loopback."""
    store: Path = Path(STORE_FOLDER)
    """The folder of images and records."""
    max_cost_usd: Decimal | None = None
    """No request may cost more; an unknown price is refused as well."""
    confirm_above_usd: Decimal = Decimal("1.00")
    """Above this the user is asked first."""
    session_budget_usd: Decimal | None = None
    """What one session may spend in all."""
    day_budget_usd: Decimal | None = None
    """What may be spent from this store in one UTC day."""
    project_budget_usd: Decimal | None = None
    """What may be spent from this store in all."""
    read_timeout_seconds: float = 330.0
    """How long an image may take: minutes at high quality, and 30 s more for prompt enhancement."""
    in_flight: int = 4
    """How many requests may be in flight at once."""
    requests_per_minute: int = 20
    """The API's default limit for images."""
    reuse: str = "always"
    """Whether a request whose seed was given is shown from the log where it holds its image: "always", "never"."""
    model: str | None = None
    """The model where none is named; None for the catalogue's default."""
    format: str | None = None
    """The format where none is named; None for the API's default."""
    preview_pixels: int = 1024
    """The longer side of the previews that notebooks hold."""
    legacy_header: bool = False
    """Whether a wallet signs in by the old header, ``X-Sign-In-With-X``."""
    demo: bool = False
    """Whether the built-in simulator answers instead of Venice."""
    sources: Mapping[str, str] = field(default_factory=lambda: MappingProxyType({}))
    """Setting name -> where its value came from, for those that are not defaults."""

    @property
    def credential(self) -> Secret | None:
        """What pays: the key, or the wallet where there is none; None where there is neither."""
        return self.api_key or self.wallet_key

    def for_demo(self) -> Settings:
        """These settings with the simulator behind them: no credentials, a store of its own.

        Limits that protect money do not hold, except those given in Python for this very session.
        """
        lifted = [name for name in LIMITS if self.sources.get(name) != "argument"]
        changed = ("base_url", "store", "api_key", *lifted)
        values: dict[str, Any] = dict.fromkeys(name for name in lifted if name != "confirm_above_usd")
        asked = self.sources.get("demo", "argument") if self.demo else "argument"
        return replace(
            self,
            demo=True,
            api_key=Secret("demo"),
            wallet_key=None,
            base_url=DEMO_BASE_URL,
            store=self.store / "demo",
            sources=MappingProxyType({**self.sources, **dict.fromkeys(changed, "demo"), "demo": asked}),
            **values,
        )
