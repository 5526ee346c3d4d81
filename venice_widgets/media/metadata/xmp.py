"""XMP packets: written, merged into an existing one, and read, with the standard library alone.

XMP is a small part of RDF/XML (ISO 16684-1). Properties here are plain texts, each in its own namespace. A packet
from an untrusted file is read by expat first: document types (and with them entities), deep nesting and
large numbers of elements, comments and instructions are refused, before a tree is built of it.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, NamedTuple
from xml.parsers import expat
from xml.sax.saxutils import escape, quoteattr

from venice_widgets.errors import UnreadableFile

from .container import MAX_TEXT_BYTES, damaged

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence
    from xml.dom.minidom import Document, Element

IPTC_EXTENSION = "http://iptc.org/std/Iptc4xmpExt/2008-02-29/"
XMP_NOTE = "http://ns.adobe.com/xmp/note/"
VENICE = "urn:venice-widgets:"
_RDF = "http://www.w3.org/1999/02/22-rdf-syntax-ns#"
_PREFIXES = {IPTC_EXTENSION: "Iptc4xmpExt", XMP_NOTE: "xmpNote", VENICE: "venice"}

_MAX_NODES, _MAX_DEPTH = 20_000, 100
_ILLEGAL = re.compile("[^\t\n\r\x20-\ud7ff\ue000-\ufffd\U00010000-\U0010ffff]")
_PLACE = "venice-properties"


class Name(NamedTuple):
    """A property's name."""

    namespace: str
    local: str


@dataclass(slots=True)
class _Sought:
    """What expat looks for, and what it has found."""

    name: Name
    depth: int = 0
    nodes: int = 0
    inside: bool = False
    found: list[str] | None = None


def packet(properties: Mapping[Name, str], existing: bytes = b"", *, replacing: Sequence[Name] = ()) -> bytes:
    """A packet with these properties, beside those of an existing one.

    Args:
        properties: texts by name; characters that XML cannot hold become U+FFFD.
        existing: the packet to merge into; empty for a new one.
        replacing: names to take out of the existing packet, apart from those of `properties`.

    Raises:
        UnreadableFile: the existing packet is not well-formed, has a document type, or is too large.
    """
    if not existing:
        return _wrapped(_description(properties))
    return _merged(existing, properties, {*properties, *replacing})


def read_property(xmp: bytes, name: Name) -> str | None:
    """A property's text, whether it was written as an element or as an attribute; None where it is missing.

    Raises:
        UnreadableFile: the packet is not well-formed, has a document type, or is too large.
    """
    if not xmp:
        return None
    found = _looked_through(xmp, name).found
    return None if found is None else "".join(found)


def _description(properties: Mapping[Name, str], about: str = "") -> str:
    namespaces = {name.namespace for name in properties}
    declared = "".join(f" xmlns:{_PREFIXES[uri]}={quoteattr(uri)}" for uri in sorted(namespaces))
    rows = [_element(name, text) for name, text in properties.items()]
    opening = f'<rdf:Description xmlns:rdf="{_RDF}" rdf:about={quoteattr(about)}{declared}>'
    return "\n".join([opening, *rows, "</rdf:Description>"])


def _element(name: Name, text: str) -> str:
    tag = f"{_PREFIXES[name.namespace]}:{name.local}"
    # A bare carriage return would be read back as a line feed.
    legal = escape(_ILLEGAL.sub("\ufffd", text), {"\r": "&#13;"})
    return f"<{tag}>{legal}</{tag}>"


def _wrapped(description: str) -> bytes:
    opening = '<?xpacket begin="\ufeff" id="W5M0MpCehiHzreSzNTczkc9d"?>'
    tree = f'<x:xmpmeta xmlns:x="adobe:ns:meta/"><rdf:RDF xmlns:rdf="{_RDF}">\n{description}\n</rdf:RDF></x:xmpmeta>'
    return f'{opening}\n{tree}\n<?xpacket end="w"?>'.encode()


def _merged(existing: bytes, properties: Mapping[Name, str], replaced: set[Name]) -> bytes:
    from xml.dom import minidom

    existing = existing.strip(b"\0 \t\r\n")
    _looked_through(existing, Name("", ""))
    try:
        document = minidom.parseString(existing)  # noqa: S318 - expat has refused document types and bounded its size
    except (expat.ExpatError, ValueError) as exc:  # minidom alone refuses a namespace with a space in it
        raise damaged("XMP block", f"it cannot be merged ({exc})") from exc
    holders = document.getElementsByTagNameNS(_RDF, "RDF")
    if not holders:
        raise damaged("XMP block", "it holds no RDF")
    # Every description in a packet is about the same thing, by the same name.
    about = next((d.getAttributeNS(_RDF, "about") for d in document.getElementsByTagNameNS(_RDF, "Description")), "")
    _remove(document, replaced)
    holders[0].appendChild(document.createProcessingInstruction(_PLACE, ""))
    merged = "\n".join(node.toxml() for node in document.childNodes)
    return merged.replace(f"<?{_PLACE} ?>", f"{_description(properties, about)}\n", 1).encode("utf-8", "replace")


def _remove(document: Document, names: set[Name]) -> None:
    """Remove properties as elements, wherever `read_property` would find them, and as attributes of descriptions."""
    for name in names:
        for element in list(document.getElementsByTagNameNS(*name)):
            parent: Any = element.parentNode
            parent.removeChild(element)
    for element in document.getElementsByTagNameNS(_RDF, "Description"):
        for name in names:
            if element.hasAttributeNS(*name):
                element.removeAttributeNS(*name)
        if not _says_anything(element):
            _take_out(element)


def _says_anything(description: Element) -> bool:
    attributes = [str(name) for name, _ in description.attributes.items()]
    told = [name for name in attributes if name != "rdf:about" and not name.startswith("xmlns")]
    return bool(told) or any(node.nodeType == node.ELEMENT_NODE for node in description.childNodes)


def _take_out(description: Element) -> None:
    """Remove an emptied description and the line break behind it, so that writing twice changes nothing."""
    parent: Any = description.parentNode
    after = description.nextSibling
    if after is not None and after.nodeType == after.TEXT_NODE and not (after.nodeValue or "").strip():
        parent.removeChild(after)
    parent.removeChild(description)


def _looked_through(xmp: bytes, name: Name) -> _Sought:
    if len(xmp) > MAX_TEXT_BYTES:
        raise damaged("XMP block", f"it has {len(xmp):,} bytes")
    sought = _Sought(name)
    parser = expat.ParserCreate(namespace_separator="\t")
    parser.buffer_text = True
    parser.StartDoctypeDeclHandler = _refuse_document_type
    parser.StartElementHandler = lambda tag, attributes: _start(sought, tag, attributes)
    parser.EndElementHandler = lambda tag: _end(sought, tag)
    parser.CommentHandler = lambda _: _count(sought, 1)
    parser.ProcessingInstructionHandler = lambda *_: _count(sought, 1)
    parser.CharacterDataHandler = lambda text: _text(sought, text)
    try:
        parser.Parse(xmp.strip(b"\0 \t\r\n"), True)  # noqa: FBT003 - expat's own argument: this is all of it
    except (expat.ExpatError, ValueError, LookupError) as exc:
        if sought.found is None or sought.inside:  # what is whole before the damage is used
            raise damaged("XMP block", f"it is not well-formed ({exc})") from exc
    return sought


def _refuse_document_type(*_: object) -> None:
    raise UnreadableFile(
        "The XMP of this file declares a document type, which XMP does not have.",
        "Use the original file, or remove its XMP.",
    )


def _start(sought: _Sought, tag: str, attributes: Mapping[str, str]) -> None:
    sought.depth += 1
    _count(sought, 1 + len(attributes))
    wanted = "\t".join(sought.name)
    if sought.found is None and tag == wanted:
        sought.inside, sought.found = True, []
    elif sought.found is None and tag == f"{_RDF}\tDescription" and wanted in attributes:
        sought.found = [attributes[wanted]]


def _count(sought: _Sought, nodes: int) -> None:
    sought.nodes += nodes
    if sought.nodes > _MAX_NODES or sought.depth > _MAX_DEPTH:
        raise damaged("XMP block", "it has more elements, or nests them deeper, than any XMP does")


def _end(sought: _Sought, tag: str) -> None:
    sought.depth -= 1
    if tag == "\t".join(sought.name):
        sought.inside = False


def _text(sought: _Sought, text: str) -> None:
    if sought.inside and sought.found is not None:
        sought.found.append(text)
