"""The three layers of a recipe, composed for one container and merged with what the file already carries.

Infotext, XMP with IPTC's fields, and our own JSON; see `embed` for what is kept and what is replaced.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from venice_widgets.errors import InvalidRequest, UnreadableFile

from . import exif, infotext, jpeg, xmp
from .container import MAX_TEXT_BYTES, Embedded, Metadata
from .recipe import Recipe, to_json

if TYPE_CHECKING:
    from collections.abc import Mapping

TRAINED_ALGORITHMIC_MEDIA = "http://cv.iptc.org/newscodes/digitalsourcetype/trainedAlgorithmicMedia"
ALGORITHMIC_MEDIA = "http://cv.iptc.org/newscodes/digitalsourcetype/algorithmicMedia"
COMPOSITE_SYNTHETIC = "http://cv.iptc.org/newscodes/digitalsourcetype/compositeSynthetic"
"""Several elements, at least one of which a machine made (IPTC NewsCodes, Digital Source Type)."""
RECIPE = xmp.Name(xmp.VENICE, "recipe")
SOURCE_TYPE = xmp.Name(xmp.IPTC_EXTENSION, "DigitalSourceType")
_SYSTEM = xmp.Name(xmp.IPTC_EXTENSION, "AISystemUsed")
_SYSTEM_VERSION = xmp.Name(xmp.IPTC_EXTENSION, "AISystemVersionUsed")
_PROMPT = xmp.Name(xmp.IPTC_EXTENSION, "AIPromptInformation")
_HAS_EXTENDED = xmp.Name(xmp.XMP_NOTE, "HasExtendedXMP")
_OURS = (SOURCE_TYPE, _SYSTEM, _SYSTEM_VERSION, _PROMPT, RECIPE)
_HAVE_A_KEY_OF_THEIR_OWN = frozenset(
    {"prompt", "negative_prompt", "model", "seed", "steps", "cfg_scale", "width", "height"}
)

_TOO_LONG = (
    "The infotext is left out: a JPEG holds 64 KB of it, and this prompt needs more. "
    "The recipe itself is in the file, as XMP."
)

_MISLEADING = (
    "The infotext is left out: the prompt itself holds settings (such as Seed: 41), which other programs would take "
    "for those of this image. The recipe itself is in the file."
)

Notices = tuple[str, ...]


def for_png(found: Embedded, existing: Metadata, recipe: Recipe) -> tuple[Metadata, Notices]:
    """Infotext and JSON in text chunks of their own, the rest in XMP."""
    text = _infotext(found, recipe)
    packet, notices = _merged(properties(recipe), existing.xmp)
    if existing.parameters and existing.parameters != text:
        notices = (*notices, "The file had infotext of its own, which was replaced.")
    notices = notices if text else (*notices, _MISLEADING)
    return Metadata(exif=existing.exif, xmp=packet, parameters=text, recipe=_json(recipe)), notices


def for_webp(found: Embedded, existing: Metadata, recipe: Recipe) -> tuple[Metadata, Notices]:
    """Infotext in EXIF, the rest in XMP; neither has a limit that a recipe reaches."""
    block, notices = _with_comment(existing.exif, _infotext(found, recipe))
    packet, more = _merged({**properties(recipe), RECIPE: _json(recipe)}, existing.xmp)
    return Metadata(exif=block, xmp=packet), notices + more


def for_jpeg(found: Embedded, existing: Metadata, recipe: Recipe) -> tuple[Metadata, Notices]:
    """As for WebP, but each in a segment of 64 KB: infotext that does not fit is left out, XMP is extended."""
    block, notices = _with_comment(existing.exif, _infotext(found, recipe))
    if len(block) > jpeg.MAX_EXIF_BYTES:
        block = existing.exif
        notices = (_TOO_LONG,)
    ours = {**properties(recipe), RECIPE: _json(recipe)}
    try:
        main, extended = _fitted(ours, existing.xmp, existing.extended_xmp)
    except UnreadableFile as exc:
        main, extended = _fitted(ours, b"", b"")
        notices = (*notices, f"The file's own XMP was replaced. {exc.message}")
    return Metadata(exif=block, xmp=main, extended_xmp=extended), notices


def json_for_png(text: str, *, simulated: bool) -> Metadata:
    """JSON of ours in its text chunk, without any other layer but the origin."""
    return Metadata(xmp=xmp.packet(_composite(simulated=simulated)), recipe=text)


def json_for_webp(text: str, *, simulated: bool) -> Metadata:
    """JSON of ours in XMP."""
    return Metadata(xmp=xmp.packet({**_composite(simulated=simulated), RECIPE: text}))


def json_for_jpeg(text: str, *, simulated: bool) -> Metadata:
    """JSON of ours in XMP, extended where it does not fit a segment."""
    main, extended = _fitted({**_composite(simulated=simulated), RECIPE: text}, b"", b"")
    return Metadata(xmp=main, extended_xmp=extended)


def _composite(*, simulated: bool) -> dict[xmp.Name, str]:
    return {SOURCE_TYPE: ALGORITHMIC_MEDIA if simulated else COMPOSITE_SYNTHETIC}


def properties(recipe: Recipe) -> dict[xmp.Name, str]:
    """IPTC's fields for an image made by a machine; those that are unknown are left out."""
    prompt = recipe.prompt
    if prompt and recipe.negative_prompt:
        prompt = f"{prompt}\n{infotext.NEGATIVE} {recipe.negative_prompt}"
    fields = {
        SOURCE_TYPE: ALGORITHMIC_MEDIA if recipe.simulated else TRAINED_ALGORITHMIC_MEDIA,
        _SYSTEM: ", ".join(part for part in (recipe.service, recipe.model_used) if part),
        _SYSTEM_VERSION: recipe.service_version,
        _PROMPT: prompt,
    }
    return {name: text for name, text in fields.items() if text}


def sidecar(recipe: Recipe) -> bytes:
    """An XMP file with IPTC's fields and our JSON."""
    return xmp.packet({**properties(recipe), RECIPE: _json(recipe)})


def _json(recipe: Recipe) -> str:
    text = to_json(recipe)
    if len(text.encode()) > MAX_TEXT_BYTES:
        raise InvalidRequest(
            f"The recipe has more than {MAX_TEXT_BYTES:,} bytes, more than any reader accepts.",
            "It holds reference images as sha256:…, not as data.",
        )
    return text


def _infotext(found: Embedded, recipe: Recipe) -> str:
    """The infotext; empty where other programs would read the prompt's own words as the settings of this image."""
    if infotext.holds_settings(f"{recipe.prompt}\n{recipe.negative_prompt}"):
        return ""
    return infotext.write(recipe.prompt, recipe.negative_prompt, _settings(found, recipe))


def _settings(found: Embedded, recipe: Recipe) -> dict[str, str]:
    """The last line. Without a known number of steps it has no ``Steps``, and Civitai ignores it."""
    request = recipe.request
    settings = {
        "Steps": _word(recipe.steps if recipe.steps is not None else request.get("steps")),
        "CFG scale": _word(request.get("cfg_scale")),
        "Seed": _word(recipe.seed),
        "Size": f"{found.width}x{found.height}",
        "Model": recipe.model_used,
    }
    for name, value in request.items():
        if name not in _HAVE_A_KEY_OF_THEIR_OWN:
            settings[name.replace("_", " ").capitalize()] = _word(value)
    settings |= {"Run": recipe.run_id, "Version": recipe.software}
    known = {key: value for key, value in settings.items() if value}
    return {**known, **{key: value for key, value in recipe.settings.items() if key not in known}}


def _word(value: object) -> str:
    """Text and numbers as they are; what is absent or has parts is not part of infotext."""
    return str(value) if value is not None and not isinstance(value, (list, dict, tuple)) else ""


def _merged(ours: Mapping[xmp.Name, str], existing: bytes) -> tuple[bytes, Notices]:
    try:
        return xmp.packet(ours, existing, replacing=_OURS), ()
    except UnreadableFile as exc:
        return xmp.packet(ours), (f"The file's own XMP was replaced. {exc.message}",)


def _with_comment(block: bytes, text: str) -> tuple[bytes, Notices]:
    if not text:
        return block, (_MISLEADING,)
    try:
        had_one = bool(block and exif.user_comment(block) not in {"", text})
        return exif.with_user_comment(block, text), _comment_notice(had_one=had_one)
    except UnreadableFile as exc:
        return exif.with_user_comment(b"", text), (f"The file's own EXIF was replaced. {exc.message}",)


def _comment_notice(*, had_one: bool) -> Notices:
    return ("The file had an EXIF comment of its own, which was replaced.",) if had_one else ()


def _fitted(ours: Mapping[xmp.Name, str], existing: bytes, existing_extended: bytes) -> tuple[bytes, bytes]:
    """A main packet that fits its segment, and the extended one that takes what is too long."""
    for moved in ((), (RECIPE,), (RECIPE, _PROMPT), _OURS):
        stay = {name: text for name, text in ours.items() if name not in moved}
        away = {name: text for name, text in ours.items() if name in moved}
        extended = b""
        if away or existing_extended:
            extended = xmp.packet(away, existing_extended, replacing=_OURS)
            stay[_HAS_EXTENDED] = jpeg.extended_xmp_guid(extended)
        main = xmp.packet(stay, existing, replacing=(*_OURS, _HAS_EXTENDED))
        if len(main) <= jpeg.MAX_XMP_BYTES:
            return main, extended
    raise UnreadableFile("It fills its segment, and leaves no room even for a reference.")
