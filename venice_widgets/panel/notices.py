"""What the panel says: errors in words, and what became of a generation's images and money."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from venice_widgets.errors import NOTHING_SENT, VeniceError
from venice_widgets.generation.run import missing_images

if TYPE_CHECKING:
    from venice_widgets.generation.result import Generation


@dataclass(frozen=True, slots=True)
class Notice:
    """Something that the panel says."""

    text: str
    kind: str = "information"
    """``information``, ``note``, ``warning`` or ``error``."""
    field: str = ""
    """The control that it is about."""

    def wire(self, name: str) -> dict[str, Any]:
        """As the browser draws it."""
        return {"id": name, "text": self.text, "kind": self.kind}


def error_notice(error: BaseException) -> Notice:
    """An error in words. A mistake of ours is named by its class, never shown as a traceback."""
    text = _sentence(str(error)) if isinstance(error, VeniceError) else f"{type(error).__name__}: {error}"
    return Notice(text, "error", str(getattr(error, "field", None) or ""))


def standing_text(problem: VeniceError | None) -> str:
    """What keeps a form from being sent, before any click: that nothing was sent is no news."""
    return _sentence(str(problem).removesuffix(NOTHING_SENT).rstrip()) if problem else ""


def _sentence(text: str) -> str:
    """With a capital, since it stands by itself; a name like ``aspect_ratio`` stays as it is."""
    return text[:1].upper() + text[1:] if text.partition(" ")[0].isalpha() else text


def ending(generation: Generation) -> list[Notice]:
    """What there is to say about a generation: what is missing and why, then what to know.

    What is to be known of its request stood beside the form before the click.
    """
    errors = [Notice(f"No image: {missing.text}", "error") for missing in missing_images(generation.runs)]
    news = [note for note in generation.notes if note not in generation.request.notes]
    return [*errors, *(Notice(note, "note") for note in news)]
