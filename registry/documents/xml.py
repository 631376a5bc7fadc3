"""Hardened XML: hostile bytes in, a small tree without entities, comments or surprises out, or a refusal by name.

The bytes are decoded here, once, and re-encoded as UTF-8, so that no parser guesses an encoding; a document type
declaration is looked for in the text, before any parser could act on it.
"""

from __future__ import annotations

import codecs
import re
from collections.abc import Iterator, Mapping
from typing import Final

from lxml import etree

from registry.documents.errors import (
    DocumentForbiddenConstruct,
    DocumentInconsistent,
    DocumentMalformed,
    DocumentTooLarge,
)

DOCUMENT_BYTES_MAX: Final = 5 * 1024 * 1024
"""Largest document, in bytes. An invoice of 10,000 lines has about 2 MiB if it embeds no attachment."""

MARKUP_COUNT_MAX: Final = 400_000
"""Most "<" characters in a document: an element costs some 100 bytes of memory, so 5 MiB of "<a/>" would cost 150."""

DEPTH_LEVELS_MAX: Final = 64
"""Deepest nesting, in levels. An invoice needs about 10, a signed one about 15."""

_DECLARATION: Final = re.compile(r"<\?xml\s[^>]*\?>")
_DECLARED_ENCODING: Final = re.compile(rb"""^<\?xml\s[^>]*?\bencoding\s*=\s*["']([A-Za-z][A-Za-z0-9._-]{0,40})["']""")

# Named so that no encoding in which "<" hides (UTF-7, EBCDIC) and no codec that is not text gets in.
ENCODINGS: Final = frozenset(
    codecs.lookup(name).name
    for name in (
        "utf-8", "us-ascii", "iso-8859-1", "iso-8859-2", "iso-8859-15", "windows-1250", "windows-1252",
        "gb2312", "gbk", "gb18030", "big5", "shift_jis", "euc-jp", "euc-kr",
    )
)  # fmt: skip

_ERROR_LIMIT: Final = 114  # libxml2's XML_ERR_RESOURCE_LIMIT (256 levels, for one); older lxml has no name for it


def parse_xml(data: bytes) -> etree._Element:
    """Root of a well-formed document without DTD; comments and processing instructions are dropped.

    Refuses: document_too_large, document_malformed, document_forbidden_construct.
    """
    if len(data) > DOCUMENT_BYTES_MAX:
        raise DocumentTooLarge(f"the document has {len(data)} bytes; at most {DOCUMENT_BYTES_MAX} are read")
    text = _decode(data)
    # Anywhere, not only in the prolog: no invoice quotes these in a comment, and looking is cheaper than parsing.
    if "<!DOCTYPE" in text or "<!ENTITY" in text:
        raise DocumentForbiddenConstruct("the document declares a document type or entities")
    if text.count("<") > MARKUP_COUNT_MAX:
        raise DocumentTooLarge(f"the document has {text.count('<')} tags; at most {MARKUP_COUNT_MAX} are read")
    return _parse(_DECLARATION.sub("", text, count=1) if text.startswith("<?xml") else text)


def texts(parent: etree._Element, path: str, namespaces: Mapping[str, str]) -> list[str]:
    """Trimmed non-empty texts of the elements at `path`, in document order. Refuses: document_malformed."""
    return [text for text in (text_of(found) for found in elements(parent, path, namespaces)) if text]


def text_at(parent: etree._Element, path: str, namespaces: Mapping[str, str]) -> str | None:
    """The one text at `path`, trimmed, or None. Two of them are refused: which one counts would be anybody's guess.

    Refuses: document_inconsistent, document_malformed.
    """
    found = texts(parent, path, namespaces)
    if len(found) > 1:
        raise DocumentInconsistent(f"the document has {len(found)} elements {path} where one is expected")
    return found[0] if found else None


def elements(parent: etree._Element, path: str, namespaces: Mapping[str, str]) -> list[etree._Element]:
    """Elements at `path` (lxml's simple path language), in document order."""
    return parent.findall(path, namespaces=dict(namespaces))


def element_at(parent: etree._Element, path: str, namespaces: Mapping[str, str]) -> etree._Element | None:
    """The one element at `path`, or None. Refuses: document_inconsistent if there are several."""
    found = elements(parent, path, namespaces)
    if len(found) > 1:
        raise DocumentInconsistent(f"the document has {len(found)} elements {path} where one is expected")
    return found[0] if found else None


def text_of(element: etree._Element) -> str:
    """Trimmed text of an element that has no children. Refuses: document_malformed."""
    if len(element):
        raise DocumentMalformed(f"element {etree.QName(element).localname} holds elements where text is expected")
    return (element.text or "").strip()


def _decode(data: bytes) -> str:
    """Text of an XML document by its byte order mark, its first bytes or its declaration; UTF-8 by default."""
    if not data.strip():
        raise DocumentMalformed("the document is empty")
    encoding = _encoding_of(data)
    try:
        text = data.decode(encoding)
    except UnicodeDecodeError as error:
        raise DocumentMalformed(f"the document is not valid {encoding}: byte {error.start} cannot be read") from error
    return text.removeprefix("\ufeff")


def _encoding_of(data: bytes) -> str:
    for mark, encoding in (
        (codecs.BOM_UTF8, "utf-8"),
        (codecs.BOM_UTF32_LE, "utf-32"),  # before UTF-16: its mark begins with the same bytes
        (codecs.BOM_UTF16_LE, "utf-16"),
        (codecs.BOM_UTF16_BE, "utf-16"),
        ("<?".encode("utf-16-le"), "utf-16-le"),
        ("<?".encode("utf-16-be"), "utf-16-be"),
    ):
        if data.startswith(mark):
            if encoding == "utf-32":
                raise DocumentMalformed("documents in UTF-32 are not read")
            return encoding
    declared = _DECLARED_ENCODING.match(data)
    if declared is None:
        return "utf-8"
    name = declared[1].decode("ascii")
    try:
        known = codecs.lookup(name).name
    except LookupError:
        known = ""
    if known not in ENCODINGS:
        raise DocumentMalformed(f"the document declares the encoding {name}, which is not read or not the one it has")
    return known


def _parse(text: str) -> etree._Element:
    parser = etree.XMLParser(
        encoding="utf-8",
        resolve_entities=False,
        no_network=True,
        load_dtd=False,
        dtd_validation=False,
        huge_tree=False,
        recover=False,
        # A comment inside a number would cut its text in two, and the first half would be taken for the whole.
        remove_comments=True,
        remove_pis=True,
    )
    try:
        root = etree.fromstring(text.encode("utf-8"), parser)
    except etree.XMLSyntaxError as error:
        if getattr(error, "code", None) == _ERROR_LIMIT:  # the stubs lack it
            raise DocumentForbiddenConstruct(f"the document exceeds a limit of the parser: {error.msg}") from error
        raise DocumentMalformed(f"the document is not well-formed XML: {error.msg}") from error
    if root.getroottree().docinfo.internalDTD is not None:
        raise DocumentForbiddenConstruct("the document declares a document type")
    if any(depth > DEPTH_LEVELS_MAX for depth in _depths(root)):
        raise DocumentForbiddenConstruct(f"the document nests elements more than {DEPTH_LEVELS_MAX} levels deep")
    return root


def _depths(root: etree._Element) -> Iterator[int]:
    """Depth of every element, by a walk that does not recurse: the parser lets 256 levels through."""
    depth = 0
    for event, _ in etree.iterwalk(root, events=("start", "end")):
        depth += 1 if event == "start" else -1
        yield depth
