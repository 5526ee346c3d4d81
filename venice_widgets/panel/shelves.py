"""The lower half: gallery, compare, history and the cell to copy, and what can be done with a picture."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import ipywidgets as W  # noqa: N812

from venice_widgets.display import line
from venice_widgets.request.catalogue import FieldSupport

from .again import cell_of, remix, use_all, use_seed
from .compare import MOST_COMPARED, Compare
from .gallery import COMPARE as _COMPARE
from .gallery import PIN, Gallery, Looks, PictureCard, key_of
from .history import History
from .parts import Actions, column, named, set_trait, show
from .state import Word

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from venice_widgets.generation.result import Image

    from .desk import Desk
    from .lane import Lane

GALLERY, COMPARE, HISTORY, CELL = "Gallery", "Compare", "History", "Cell"
SAVE_PATTERN = "{model}-{seed}-{run_id}.{ext}"
CELL_LABEL = "The cell that makes this · select all and copy it into a cell of its own"


class Shelves:
    """What stands under the controls.

    Args:
        desk: the panel's state.
        lane: where the panel is drawn; every change here happens there.
        on_pinned: told that a picture was pinned which the saved output may not hold yet.
        blend_name: a class name of this panel alone.
    """

    def __init__(self, desk: Desk, lane: Lane, on_pinned: Callable[[Image], None], blend_name: str) -> None:
        self._desk, self._lane, self._on_pinned = desk, lane, on_pinned
        self._looks = Looks()
        self._said = W.HTML()
        self.gallery = Gallery(self._card)
        self._compare = Compare(blend_name)
        self._history = History(desk, lane, self._of_request())
        self._cell = named(W.Textarea(description=CELL_LABEL, rows=8), "venice-cell")
        self._tabs = named(
            W.ToggleButtons(options=(GALLERY, COMPARE, HISTORY, CELL), description="Show"), "venice-tabs"
        )
        self._bodies = {
            GALLERY: self.gallery.widget,
            COMPARE: self._compare.widget,
            HISTORY: self._history.widget,
            CELL: self._cell,
        }
        self._tabs.observe(lambda change: self._open(change["new"]), "value")
        self._show_only(GALLERY)
        self.widget = column(self._tabs, self._said, *self._bodies.values(), name="venice-shelves")

    def _open(self, name: str) -> None:
        self._show_only(name)
        set_trait(self._said, "value", "")
        if name == HISTORY and not self._lane.is_mine:
            self._history.search()

    def _show_only(self, name: str) -> None:
        for each, body in self._bodies.items():
            show(body, when=each == name)

    def show_cell(self, text: str) -> None:
        """Show a cell to copy."""
        self._lane.submit(lambda: self._show_cell(text))

    def _show_cell(self, text: str) -> None:
        set_trait(self._cell, "value", text)
        set_trait(self._tabs, "value", CELL)

    # What can be done with a request, wherever it stands.

    def _of_request(self) -> dict[str, Callable[[Mapping[str, Any]], None]]:
        return {
            "Use everything": lambda request: self._take("Everything was taken over.", use_all, request),
            "Remix": lambda request: self._take("Everything but the seed was taken over.", remix, request),
            "Use seed": self._use_seed,
            "Copy as cell": lambda request: self.show_cell(cell_of(request, self._objects)),
        }

    @property
    def _objects(self) -> Any:
        return self._desk.session.log.objects

    def _take(self, said: str, how: Callable[..., Any], request: Mapping[str, Any]) -> None:
        self._desk.choose(lambda choices: how(choices, request, self._objects))
        self._tell(Word(said))

    def _use_seed(self, request: Mapping[str, Any]) -> None:
        self._desk.choose(lambda choices: use_seed(choices, request))
        model = self._desk.look().model
        if model is not None and model.support("seed") is FieldSupport.IGNORED:
            self._tell(Word(f"Seed {request['seed']} is set, but {model.id} ignores seeds.", "warning"))
        else:
            self._tell(Word(f"The next picture uses seed {request['seed']}."))

    def _tell(self, *words: Word) -> None:
        """Say something where the panel speaks, and here, where the person looks."""
        self._desk.board.tell(*words)
        text = " ".join(word.text for word in words)
        self._lane.submit(lambda: set_trait(self._said, "value", line(text).data["text/html"]))

    # What can be done with a picture.

    def _card(self, image: Image) -> PictureCard:
        of_request = self._of_request()
        first = {
            "Use seed": self._use_seed_of,
            "Remix": lambda image: of_request["Remix"](image.request),
            "Use all": lambda image: of_request["Use everything"](image.request),
        }
        more = {
            PIN: self._in_lane(self._pin),
            _COMPARE: self._in_lane(self._toggle_compared),
            "Copy as cell": lambda image: of_request["Copy as cell"](image.request),
            "Save": self._save,
            "In the log": self._reveal,
        }
        return PictureCard(image, self._looks, self._actions, first, more)

    def _actions(self, acts: Mapping[str, Callable[[], Any]]) -> Actions:
        return Actions(acts, self._desk, self._lane, self._looks.actions)

    def _in_lane(self, act: Callable[[Image], None]) -> Callable[[Image], None]:
        return lambda image: self._lane.submit(lambda: act(image))

    def _use_seed_of(self, image: Image) -> None:
        if image.seed is None:
            self._tell(Word("Nobody knows the seed of this picture: it is a later one of variants.", "warning"))
        else:
            self._use_seed({"seed": image.seed})

    def _pin(self, image: Image) -> None:
        """Pinned pictures stay in the saved output when the next generation comes."""
        pinned, key = self.gallery.pinned, key_of(image)
        if key in pinned:
            del pinned[key]
        else:
            pinned[key] = image
            self._on_pinned(image)
        self.gallery.mark(image)

    def _toggle_compared(self, image: Image) -> None:
        compared, key = self.gallery.compared, key_of(image)
        if key in compared:
            del compared[key]
        elif len(compared) < MOST_COMPARED:
            compared[key] = image
        else:
            self._tell(Word("Four pictures are being compared; take one out first.", "warning"))
        self.gallery.mark(image)
        cards = [card for image in compared.values() if (card := self.gallery.card(image))]
        self._compare.draw([card.image for card in cards], [card.picture for card in cards])

    def _save(self, image: Image) -> None:
        self._desk.books.submit(lambda: self._save_now(image))

    def _save_now(self, image: Image) -> None:
        saved = image.save_copy(SAVE_PATTERN)
        notes = (Word(notice, "note") for notice in saved.notices)
        self._tell(Word(f"Saved as {saved.path.absolute()}, with its recipe."), *notes)

    def _reveal(self, image: Image) -> None:
        self._lane.submit(lambda: set_trait(self._tabs, "value", HISTORY))
        self._history.reveal(image.run_id)
