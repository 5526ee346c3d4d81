"""What a view asks for and does with images and runs: texts to copy, files, pages of the log, the form of an image."""

from __future__ import annotations

import json
from pathlib import Path
from typing import TYPE_CHECKING, Any

from venice_widgets.errors import VeniceError
from venice_widgets.generation.stored_images import forget, recalled
from venice_widgets.replays.read_recipe import read_recipe
from venice_widgets.request.catalogue import FieldSupport

from .cell_text import Call, call_of
from .gallery import MOST_COMPARED, SAVE_PATTERN, at_no_cost, download, image_of, with_reference_files
from .history import PAGE, favorite_runs, find_runs, recent_prompts, run_card, thumbnails
from .notices import Notice
from .recipe_upload import read_upload, recipe_text, usable
from .state import as_sent, form_from_wire, remix, use_all, use_seed
from .sweep import request_of

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence

    from venice_widgets.generation.result import Image
    from venice_widgets.request.catalogue import Model

    from .controller import Controller
    from .state import State

Answer = tuple[dict[str, Any], list[bytes]]
_OF_FORM = ("seed", "remix", "all")


class Answers:
    """What can be asked and done.

    Args:
        panel: whose session, log and images.
    """

    def __init__(self, panel: Controller) -> None:
        self._panel = panel

    # Questions; on the log's queue.

    def answer(self, asked: Mapping[str, Any]) -> Answer:
        """The reply to a question, and its buffers.

        Raises:
            VeniceError: there is none.
        """
        answers = {
            "cell": self._text, "python": self._text, "image": self._image, "download": self._download,
            "history": self._history, "prompts": self._prompts,
        }  # fmt: skip
        if asked.get("what") not in answers:
            raise VeniceError(f"the panel has no answer to {str(asked.get('what'))[:40]!r}.")
        return answers[asked["what"]](asked)

    def _text(self, asked: Mapping[str, Any]) -> Answer:
        call = call_of(form_from_wire(asked["form"])) if "form" in asked else self._call(self._request(asked))
        return {"text": call.cell() if asked["what"] == "cell" else call.python()}, []

    def _call(self, request: Mapping[str, Any]) -> Call:
        fields = {name: as_sent(name, value) for name, value in request.items() if name not in ("prompt", "seed")}
        return Call(str(request["prompt"]), fields, request.get("seed"))

    def _image(self, asked: Mapping[str, Any]) -> Answer:
        image = self.image(str(asked["key"]))
        card = self._panel.gallery.card(str(asked["key"]), image, self._panel.favorites)
        return {"mime": image.mime, "card": card}, [image.data]

    def _download(self, asked: Mapping[str, Any]) -> Answer:
        image = self.image(str(asked["key"]))
        name, data = download(image)
        return {"name": name, "mime": image.mime}, [data]

    def _history(self, asked: Mapping[str, Any]) -> Answer:
        log = self._panel.session.log
        runs, total = find_runs(log, asked, self._panel.catalogue)
        return {
            "runs": [run_card(run, self._panel.favorites) for run in runs],
            "total": total,
            "page": PAGE,
        }, thumbnails(log, runs)

    def _prompts(self, _: Mapping[str, Any]) -> Answer:
        return {"prompts": recent_prompts(self._panel.session.log)}, []

    def image(self, key: str) -> Image:
        """An image of the gallery or the log.

        Raises:
            StoreError: it is in neither.
        """
        return self._panel.gallery.get(key) or image_of(self._panel.session.log, key)

    def _request(self, asked: Mapping[str, Any]) -> dict[str, Any]:
        """The request of the image or run that is meant, its references by their files; the seed where it is known."""
        log = self._panel.session.log
        if "key" in asked:
            image = self.image(str(asked["key"]))
            request = {name: value for name, value in image.request.items() if name != "seed"}
            known = {} if image.seed is None else {"seed": image.seed}
            return with_reference_files({**request, **known}, log.objects)
        return with_reference_files(json.loads(log.get(str(asked["run"])).draft.request), log.objects)

    # Actions; what reads the log or writes files goes to the log's queue.

    def act(self, asked: Mapping[str, Any]) -> None:
        """Do something with an image or a run; returns at once."""
        acts = {"pin": self._pin, "compare": self._compare}
        later = {
            "show": self._show,
            "save": self._save,
            "delete": self._delete,
            "cell": self._use_cell,
            "favorite": self._favorite,
            **dict.fromkeys(_OF_FORM, self._take),
        }
        action = asked.get("action")
        if action in acts:
            acts[action](str(asked["key"]))
        elif action in later:
            self._panel.records.submit(lambda: later[action](asked))
        elif action == "dismiss":
            self._panel.notices.pop(str(asked.get("id")), None)
        else:
            raise VeniceError(f"the panel cannot {str(action)[:40]!r}.")

    def _take(self, asked: Mapping[str, Any]) -> None:
        """Put an image's request, or a part of it, into the form."""
        panel, request = self._panel, self._request(asked)
        if asked["action"] != "remix" and "seed" not in request:
            panel.tell(
                "act", [Notice("The seed of this image is not known: it is a later one of variants.", "warning")]
            )
            return
        changes = {
            "seed": lambda state, _: use_seed(state, request["seed"]),
            "remix": lambda state, model: remix(state, model, request),
            "all": lambda state, model: use_all(state, model, request),
        }
        self._put(request, changes[asked["action"]])
        panel.tell("act", [self._taken(asked["action"], request)])

    def _use_cell(self, asked: Mapping[str, Any]) -> None:
        """Put the coordinates of a sweep's cell into the form."""
        panel, sweep = self._panel, self._panel.sweep
        if sweep is None or sweep.name != asked.get("sweep"):
            raise VeniceError("this sweep is not the panel's newest any more: open its images in History.")
        request = request_of(sweep.grid.plan, int(asked["index"]))
        self._put(request, lambda state, model: use_all(state, model, request))
        panel.tell("act", [Notice("The form holds the settings of this cell, its seed included.")])

    def _put(self, request: Mapping[str, Any], change: Callable[[State, Model | None], State]) -> None:
        """Change the form by a request whose model may not be in the catalogue."""
        panel = self._panel
        model = panel.catalogue.find(str(request["model"])) if panel.catalogue else None
        panel.change(lambda state: change(state, model))

    def _taken(self, action: str, request: Mapping[str, Any]) -> Notice:
        model = self._panel.model
        if action != "remix" and model is not None and model.support("seed") is FieldSupport.IGNORED:
            return Notice(f"Seed {request['seed']} is set, but {model.id} ignores seeds.", "warning")
        said = {
            "seed": f"The next image uses seed {request.get('seed')}.",
            "remix": "The form holds everything of this image but its seed.",
            "all": "The form holds everything of this image, its seed included.",
        }
        return Notice(said[action])

    def _pin(self, key: str) -> None:
        """Pinned images stay in the saved output when the next generation comes."""
        panel = self._panel
        if panel.gallery.pinned.pop(key, None) is None:
            image = panel.gallery.get(key)
            if image is None:
                return
            panel.gallery.pinned[key] = image
        panel.save()

    def _compare(self, key: str) -> None:
        gallery = self._panel.gallery
        if gallery.compared.pop(key, None) is not None:
            return
        image = gallery.get(key)
        if image is not None and len(gallery.compared) < MOST_COMPARED:
            gallery.compared[key] = image
        elif image is not None:
            self._panel.tell(
                "act", [Notice(f"{MOST_COMPARED} images are being compared: take one out first.", "warning")]
            )

    def _show(self, asked: Mapping[str, Any]) -> None:
        """Show a run's images in the gallery, at no cost."""
        panel = self._panel
        record = panel.session.log.get(str(asked["run"]))
        images = [at_no_cost(image) for image in recalled(panel.session.log, record)]
        with panel.lock:
            panel.post_images(panel.gallery.add(record.draft.generation_id, images))
        said = "The images of this run are in the gallery." if images else "The store has no image of this run."
        panel.tell("act", [Notice(said, "information" if images else "warning")])

    def _favorite(self, asked: Mapping[str, Any]) -> None:
        """Mark a run in the store, or take the mark away."""
        panel, log = self._panel, self._panel.session.log
        run = log.get(str(asked.get("run") or str(asked["key"]).partition(":")[0]))
        log.favorite(run.run_id, not run.favorite)
        panel.favorites = favorite_runs(log)
        panel.publish()

    def _save(self, asked: Mapping[str, Any]) -> None:
        saved = self.image(str(asked["key"])).save_copy(SAVE_PATTERN)
        notes = [Notice(notice, "note") for notice in saved.notices]
        self._panel.tell("act", [Notice(f"Saved as {saved.path.absolute()}, with its recipe."), *notes])

    def _delete(self, asked: Mapping[str, Any]) -> None:
        """Delete an image's bytes for good; its record stays."""
        panel, key = self._panel, str(asked["key"])
        forget(panel.session.log, self.image(key).record)
        with panel.lock:
            panel.gallery.forget(key)
            panel.save()
        panel.tell("act", [Notice("The image was deleted from the store. Its record stays in the log.")])

    def take_recipe(self, asked: Mapping[str, Any], buffers: Sequence[bytes]) -> None:
        """Put the recipe of a file into the form."""
        panel, session = self._panel, self._panel.session
        name = str(asked.get("name") or asked.get("path", ""))
        found = read_upload(name, buffers[0], session) if buffers else read_recipe(Path(name), session=session)
        request, gaps = usable(found, panel.catalogue)
        form = panel.state.form
        whole = with_reference_files({"model": form.model, "prompt": form.prompt, **request}, session.log.objects)
        self._put(whole, lambda state, model: (use_all if "seed" in whole else remix)(state, model, whole))
        panel.tell("act", [Notice(recipe_text(found, name, gaps))])
