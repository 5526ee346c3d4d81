"""What the panel's view and Python say to each other, over the one channel of the one widget.

**From the browser**, every message is ``{"type", "view", "n", …}``. A view draws an identifier for itself and counts
its messages; one whose number is not above the last is dropped, so that nothing older overrides anything newer.

============  ========================================  ==============================================================
type          carries                                   means
============  ========================================  ==============================================================
``hello``     ``have``: keys of images it holds         a view was opened: it is sent everything
``edit``      ``changes``: parts of the form            the user chose something
``edit``      ``splice``: start, removed, text;         one change within the prompt, in UTF-16 units; applied to the
              ``base``: version of the form             form of that version or of the view's last message
``generate``  ``form``: the whole form;                 the click: Python builds exactly this form, and sends nothing
              ``shown``: the facts of the quote         where it comes to other facts than those on the screen
``confirm``   ``id``                                    the price that was asked about is confirmed
``decline``   ``id``                                    … is declined
``cancel``                                              send nothing more, and stop waiting
``drop``      ``job``                                   take one generation out of the queue
``act``       ``action``, ``key`` or ``run``            do something with an image or a run
``reset``                                               everything at its default
``draw``                                                draw a seed and fix it
``place``                                               a view is a whole output, which can be one of plain HTML
``refresh``                                             look again at session, catalogue, limits and balance
``upload``    ``name``, a buffer; or ``path``           take the recipe of an image file
``ask``       ``id``, ``what``, …                       a question; its reply comes as ``reply``
============  ========================================  ==============================================================

**From Python**, ``{"type": "state", "v", "slices", "acks", "edit"?}``: the slices of the state that changed since the
last one, where ``v`` counts up and ``acks`` says the last message heard of each view. A change that one view made comes
to the others as ``edit`` with its ``base``; a view that does not know that base says hello.
``{"type": "images", "keys", "mimes"}`` brings previews as buffers, once; a key ``tile:…`` is a sweep's smaller one.
``{"type": "cells", "sweep", "cells"}`` tells what became of the cells of a sweep, each once it is another than before.
``{"type": "reply", "view", "id", …}`` answers
a question, with buffers where the answer is a file. ``{"type": "resync", "view"}`` asks a view for its whole prompt.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from .state import FORM_KINDS

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

TYPES = frozenset((
    "hello", "edit", "generate", "confirm", "decline", "cancel", "drop", "act", "reset", "draw", "place", "refresh",
    "upload", "ask",
))  # fmt: skip


def image_key(run_id: str, sha256: str) -> str:
    """What tells one image from another."""
    return f"{run_id}:{sha256[:16]}"


class BadMessage(ValueError):
    """A message that no view of ours sends."""


@dataclass(frozen=True, slots=True)
class Message:
    """A message from a view, checked."""

    kind: str
    view: str
    number: int
    content: Mapping[str, Any] = field(repr=False)
    buffers: Sequence[bytes] = field(default=(), repr=False)


def parse_message(content: Any, buffers: Sequence[Any] = ()) -> Message:
    """Check the shape of a message.

    Raises:
        BadMessage: it has another shape.
    """
    if not isinstance(content, dict) or content.get("type") not in TYPES:
        raise BadMessage("the message has no known type")
    view, number = content.get("view"), content.get("n")
    if not isinstance(view, str) or not view or not isinstance(number, int) or isinstance(number, bool):
        raise BadMessage("the message names no view or number")
    _check_edit(content)
    return Message(content["type"], view, number, content, [bytes(each) for each in buffers or ()])


def _check_edit(content: Mapping[str, Any]) -> None:
    changes = content.get("changes", {})
    if not isinstance(changes, dict):
        raise BadMessage("changes are an object")
    for name, value in changes.items():
        if not isinstance(value, FORM_KINDS.get(name, ())):
            raise BadMessage(f"the form has no such {name}")
    splice = content.get("splice")
    if splice is not None and not _is_splice(splice):
        raise BadMessage("a splice is a start, a length and a text")


def _is_splice(splice: Any) -> bool:
    return (
        isinstance(splice, list)
        and len(splice) == 3
        and all(isinstance(each, int) and each >= 0 for each in splice[:2])
        and isinstance(splice[2], str)
    )


class Outbox:
    """Remembers what the views know, and says what is new.

    Versions are given, and messages handed over, while the caller holds its lock: they arrive in their order.
    """

    def __init__(self) -> None:
        self._version = 0
        self._known: dict[str, Any] = {}
        self._acks: dict[str, int] = {}

    def news(
        self, slices: Mapping[str, Any], acks: Mapping[str, int], edit: Mapping[str, Any] | None = None
    ) -> dict[str, Any] | None:
        """The message that brings every view up to date; None where nothing is new."""
        changed = {name: value for name, value in slices.items() if self._known.get(name) != value}
        newer = {view: number for view, number in acks.items() if self._acks.get(view) != number}
        self._known.update(slices)
        self._acks.update(newer)
        if not (changed or newer or edit):
            return None
        self._version += 1
        return {
            "type": "state",
            "v": self._version,
            **({"slices": changed} if changed else {}),
            **({"acks": newer} if newer else {}),
            **({"edit": dict(edit)} if edit else {}),
        }

    def assume(self, name: str, value: Any) -> None:
        """The views know this slice already, or learn it by an edit."""
        self._known[name] = value

    def whole(self, slices: Mapping[str, Any], acks: Mapping[str, int]) -> dict[str, Any]:
        """Everything, for a view that was just opened."""
        self._known, self._acks = dict(slices), dict(acks)
        self._version += 1
        return {"type": "state", "v": self._version, "slices": dict(slices), "acks": dict(acks), "whole": True}
