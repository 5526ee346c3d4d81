"""From a file or a notebook back to what made its images, so that they can be looked up, shown and made again.

`read_recipe` looks, in this order, for our own JSON in the file, for a sidecar beside it, for the file's hash in the
log, and for infotext, which other programs write and which is never exact. `runs_in` reads the ``venice`` metadata
that every output of ours leaves in a notebook. Neither needs the log, the network or a key; both treat what they read
as untrusted.
"""

from __future__ import annotations

from contextlib import suppress
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING, Literal

from venice_widgets.errors import UnreadableFile, VeniceError, clipped
from venice_widgets.files.bounded import read_bounded
from venice_widgets.files.presence import is_file
from venice_widgets.files.store_folder import has_log
from venice_widgets.files.user_path import user_path
from venice_widgets.log.provenance import recipe_in
from venice_widgets.media.metadata.embed import read_recipe_bytes
from venice_widgets.request.request import canonical, sha256_tag

if TYPE_CHECKING:
    from pathlib import Path

    from venice_widgets.log import Log
    from venice_widgets.media.metadata.recipe import Recipe
    from venice_widgets.session import Session

Origin = Literal["file", "sidecar", "log", "infotext", "notebook"]
ImageKind = Literal["received", "copy", "preview"]


@dataclass(frozen=True, slots=True, kw_only=True, repr=False)
class FoundRecipe:
    """What made an image, and how far that can be trusted."""

    recipe: Recipe
    origin: Origin
    """Where it was found."""
    exact: bool
    """Whether it is the request itself, whole, with the hash and the seed that it says: it can be sent again as it was.

    Anyone can write into a file or a notebook: exact is not proven, unless `origin` is the log.
    """
    where: str
    """The file, and in a notebook the cell."""
    notices: tuple[str, ...] = ()
    """What is wrong with it, a sentence each."""
    image_bytes: bytes | None = field(default=None, repr=False)
    """The image that was found with it."""
    image_kind: ImageKind = "copy"
    """The bytes as received, a copy with the same pixels, or a preview."""

    @property
    def run_id(self) -> str:
        """The run, where it is known; else empty."""
        return self.recipe.run_id

    def __repr__(self) -> str:
        recipe, exact = self.recipe, "exact" if self.exact else "not exact"
        words = clipped(recipe.prompt)
        return f"<FoundRecipe in the {self.origin}, {exact}: {recipe.model_used}, seed {recipe.seed}, {words!r}>"


def is_file_name(name: str) -> bool:
    """Whether a word names a file and no run: the id of a run is letters and digits alone."""
    return not name.isalnum()


def read_recipe(path: str | Path, *, session: Session | None = None) -> FoundRecipe:
    """What made the image in a file.

    Args:
        path: a PNG, JPEG or WebP, any image with a sidecar (``fox.jpg.xmp``), or an XMP sidecar itself.
        session: whose log is searched; None for the one that the magics use.

    Raises:
        UnreadableFile: it cannot be read, or does not say what made it.
    """
    file = user_path(path)
    data = read_bounded(file)
    found, problem = _from_file(file, data)
    if found is not None and found.exact:
        return found
    logged = _from_log(file, data, session)
    if logged is not None:
        return logged
    if found is not None:
        return found
    raise problem or UnreadableFile(
        f"{file} does not say what made it.",
        "Many programs and web sites remove such facts. If it was made here, %venice log finds it by its prompt.",
    )


def judged(recipe: Recipe, **facts: object) -> FoundRecipe:
    """A recipe of ours, exact if it is whole, and its request has the hash and the seed that it says."""
    notices: tuple[str, ...] = ()
    exact = not recipe.withheld and bool(recipe.request.get("prompt") and recipe.request.get("model"))
    if exact and recipe.request_hash and not _has_hash(recipe):
        exact, notices = False, ("The request was changed after it was written: it does not have its hash any longer.",)
    elif exact and recipe.seed not in (None, recipe.request.get("seed", recipe.seed)):
        sent = recipe.request["seed"]
        exact = False
        notices = (f"It was changed: its image is said to have the seed {recipe.seed}, and {sent!r:.60} was sent.",)
    return FoundRecipe(recipe=recipe, exact=exact, notices=notices, **facts)  # type: ignore[arg-type]


def _has_hash(recipe: Recipe) -> bool:
    try:
        return sha256_tag(canonical(recipe.request)) == recipe.request_hash
    except (VeniceError, ValueError, TypeError, RecursionError):
        return False


def _from_file(file: Path, data: bytes) -> tuple[FoundRecipe | None, UnreadableFile | None]:
    """What the file or its sidecar says; and what is wrong with the file, for where nothing else helps."""
    best, problem = None, None
    beside = [place for place in (file.with_name(f"{file.name}.xmp"), file.with_suffix(".xmp")) if _is_beside(place)]
    for place in (file, *(other for other in beside if other != file)):
        try:
            found = read_recipe_bytes(data if place == file else read_bounded(place))
        except UnreadableFile as exc:
            problem = problem or exc
            continue
        if found is None:
            continue
        if found.layer == "venice":
            ours = judged(
                found.recipe,
                origin="file" if place == file else "sidecar",
                where=str(place),
                image_bytes=None if file.suffix.lower() == ".xmp" else data,
            )
            ours = replace(ours, notices=(*ours.notices, *found.notices))
            return (ours if place == file or _is_of(found.recipe, data) else _doubted(ours)), None
        best = best or FoundRecipe(
            recipe=found.recipe,
            origin="infotext",
            exact=False,
            where=str(place),
            notices=found.notices,
            image_bytes=data,
        )
    return best, problem


def _is_beside(place: Path) -> bool:
    """No where the name with the ending is too long for a file."""
    with suppress(OSError):
        return is_file(place)
    return False


def _is_of(recipe: Recipe, data: bytes) -> bool:
    """Whether a sidecar was written for these very bytes, as far as it says for which."""
    return recipe.image_sha256 in ("", sha256_tag(data).removeprefix("sha256:"))


def _doubted(found: FoundRecipe) -> FoundRecipe:
    why = f"{found.where} was written for other bytes: the image was changed since, or is another."
    return replace(found, exact=False, notices=(*found.notices, why))


def _from_log(file: Path, data: bytes, session: Session | None) -> FoundRecipe | None:
    """The run that gave these very bytes."""
    log = _existing_log(session)
    sha256 = sha256_tag(data).removeprefix("sha256:")
    records = log.find_image(sha256) if log else []
    if not records:
        return None
    image = next(image for image in records[0].images if image.sha256 == sha256)
    return FoundRecipe(
        recipe=recipe_in(records[0], image),
        origin="log",
        exact=True,
        where=str(file),
        image_bytes=data,
        image_kind="received",
    )


def _existing_log(session: Session | None) -> Log | None:
    """The log, where there is one: reading a file must not create a store."""
    from venice_widgets.current import session_or_current

    session = session_or_current(session)
    return session.log if has_log(session.settings.store) else None
