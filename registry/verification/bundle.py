"""The proof bundle as a file: canonical JSON, read strictly and within bounds. docs/proof-format.md specifies it.

Needs nothing but the standard library and the domain's hash, as all that the verifier consists of.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from functools import partial
from itertools import chain
from typing import Any, Final

from registry.documents.commitments import OpenedField
from registry.domain.identifiers import Address, CertificateId, IdMalformed, parse_certificate_id
from registry.domain.journal import ENTRY_TYPES, Argument, Entry, Sealed
from registry.domain.refusals import Refusal

FORMAT: Final = "counterfoil/proof/1"

BYTES_MAX = 64_000_000
ENTRIES_MAX = 100_000
NODES_MAX = 4_096
NODE_BYTES_MAX = 1_024
HEADER_BYTES_MAX = 8_192
OPENED_MAX = 200
STATED_MAX = 32
DEPTH_MAX = 8
TEXT_CHARACTERS_MAX = 100_000
NUMBER_BITS_MAX = 48
"""Wider numbers are texts: many programs read JSON numbers as floating point, which is exact to 53 bits."""
_VALUES_MAX = 20 * ENTRIES_MAX
"""Values in all: no entry has more, and reading costs memory for each."""


class BundleMalformed(Refusal):
    """The bytes are no proof bundle in canonical form."""

    code = "bundle_malformed"
    status = 422
    title = "This is not a proof bundle"
    default_hint = "docs/proof-format.md says what one looks like; `counterfoil prove` makes one"


class BundleTooLarge(BundleMalformed):
    """More than a verifier takes."""

    code = "bundle_too_large"
    status = 413
    title = "The proof bundle is larger than a verifier takes"
    default_hint = ""


@dataclass(frozen=True, slots=True)
class Bundle:
    """A proof bundle. `stated` is JSON as docs/proof-format.md lists it; header and nodes are RLP."""

    chain_id: int
    contract: Address
    certificate: CertificateId
    stated: Mapping[str, Any]
    entries: tuple[Entry, ...]
    header: bytes
    nodes: tuple[bytes, ...]
    opened: tuple[OpenedField, ...] = ()

    @property
    def sealed(self) -> int:
        """How many entries are sealed."""
        return sum(isinstance(entry, Sealed) for entry in self.entries)

    def encode(self) -> bytes:
        """The file: canonical JSON and a line feed."""
        return canonical(
            {
                "format": FORMAT,
                "chain_id": self.chain_id,
                "contract": to_hex(self.contract),
                "certificate": str(self.certificate),
                "stated": self.stated,
                "entries": [_entry_out(entry) for entry in self.entries],
                "header": to_hex(self.header),
                "nodes": [to_hex(node) for node in self.nodes],
                "opened": [
                    [field.name, field.value, to_hex(field.salt), [to_hex(sibling) for sibling in field.path]]
                    for field in self.opened
                ],
            }
        )

    @classmethod
    def decode(cls, data: bytes) -> Bundle:
        """Read a file. Raises BundleMalformed, BundleTooLarge, and nothing else whatever the bytes."""
        read = read_object(data)
        _require_names(read, _NAMES, "the bundle")
        if read["format"] != FORMAT:
            raise BundleMalformed(f"its format is not {FORMAT}")
        certificate = _certificate(read["certificate"])
        if not isinstance(read["stated"], dict):
            raise BundleMalformed("stated is no object")
        if len(read["stated"]) > STATED_MAX:
            raise BundleTooLarge(f"{len(read['stated'])} statements; at most {STATED_MAX} are taken")
        require_bounded(read["stated"], depth=DEPTH_MAX - 1)
        bundle = cls(
            chain_id=read_number(read["chain_id"], bits=NUMBER_BITS_MAX),
            contract=read_hex(read["contract"], length=20),
            certificate=certificate,
            stated=read["stated"],
            entries=tuple(
                _entry_in(entry, certificate.receivable_id) for entry in _list(read["entries"], "entries", ENTRIES_MAX)
            ),
            header=read_hex(read["header"], most=HEADER_BYTES_MAX),
            nodes=tuple(read_hex(node, most=NODE_BYTES_MAX) for node in _list(read["nodes"], "nodes", NODES_MAX)),
            opened=tuple(_opened(field) for field in _list(read["opened"], "opened", OPENED_MAX)),
        )
        if bundle.encode() != data:
            raise BundleMalformed("it is not in canonical form")
        return bundle

    def redact(self, bearing: Sequence[bool]) -> Bundle:
        """The bundle with the entries sealed that do not bear on its certificate (provenance.bearing)."""
        entries = (entry if bears else Sealed.of(entry) for entry, bears in zip(self.entries, bearing, strict=True))
        return replace(self, entries=tuple(entries))


def to_hex(data: bytes) -> str:
    """0x and lower-case digits."""
    return "0x" + data.hex()


_NAMES = frozenset({"format", "chain_id", "contract", "certificate", "stated", "entries", "header", "nodes", "opened"})
_SEALED_NAMES = frozenset({"operation", "at", "range", "details"})


def canonical(value: Any) -> bytes:
    """JSON in canonical form: names sorted, no blanks, UTF-8, a line feed at the end. Raises BundleMalformed."""
    text = json.dumps(value, sort_keys=True, separators=(",", ":"), ensure_ascii=False, allow_nan=False)
    try:
        return text.encode() + b"\n"
    except UnicodeEncodeError as error:  # a lone surrogate, which JSON can spell out
        raise BundleMalformed("a text is no Unicode") from error


def read_object(data: bytes) -> dict[str, Any]:
    """The JSON of a file, within bounds that are held before it is parsed: parsing costs memory for every value.

    Raises BundleMalformed, BundleTooLarge.
    """
    if len(data) > BYTES_MAX or data.count(b",") + data.count(b"[") + data.count(b"{") > _VALUES_MAX:
        raise BundleTooLarge()
    try:
        read = json.loads(data.decode(), object_pairs_hook=_object, parse_float=_no_float, parse_constant=_no_float)
    except BundleMalformed:
        raise
    except (ValueError, RecursionError) as error:
        raise BundleMalformed("it is no JSON in UTF-8") from error
    if not isinstance(read, dict):
        raise BundleMalformed("it is no object")
    return read


def require_bounded(value: Any, *, depth: int) -> None:
    """Refuse JSON of which no form is read in which lists and objects are nested deeper, or a text is too long.

    Raises BundleMalformed, BundleTooLarge.
    """
    if isinstance(value, str):
        _text(value)
    if not isinstance(value, dict | list):
        return
    if depth == 0:
        raise BundleMalformed(f"it is nested deeper than {DEPTH_MAX}")
    for one in chain(value, value.values()) if isinstance(value, dict) else value:
        require_bounded(one, depth=depth - 1)


def read_hex(value: Any, *, length: int | None = None, most: int | None = None) -> bytes:
    """So many bytes, or at most so many, from their hex digits. Raises BundleMalformed, BundleTooLarge."""
    try:
        found = bytes.fromhex(value.removeprefix("0x"))
    except (AttributeError, ValueError) as error:
        raise BundleMalformed("bytes are written 0x and lower-case hex digits, two a byte") from error
    if length is not None and len(found) != length:
        raise BundleMalformed(f"{len(found)} bytes where there are {length}")
    if most is not None and len(found) > most:
        raise BundleTooLarge(f"{len(found)} bytes where at most {most} are taken")
    return found


def read_number(value: Any, *, bits: int) -> int:
    """A number of at most so many bits. Raises BundleMalformed."""
    if type(value) is not int or not 0 <= value < 1 << bits:
        raise BundleMalformed(f"a number of at most {bits} bits is needed")
    return value


def _object(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    found = dict(pairs)
    if len(found) != len(pairs):
        raise BundleMalformed("an object has a name twice")
    return found


def _no_float(text: str) -> Any:
    raise BundleMalformed(f"{text[:40]} is no whole number")


def _require_names(value: Any, names: frozenset[str], what: str) -> None:
    if not isinstance(value, dict) or value.keys() != names:
        raise BundleMalformed(f"{what} has to have exactly {', '.join(sorted(names))}")


def _list(value: Any, what: str, most: int) -> list[Any]:
    if not isinstance(value, list):
        raise BundleMalformed(f"{what} is no list")
    if len(value) > most:
        raise BundleTooLarge(f"{len(value)} {what}; at most {most} are taken")
    return value


def _text(value: Any) -> str:
    if not isinstance(value, str) or len(value) > TEXT_CHARACTERS_MAX:
        raise BundleMalformed(f"a text of at most {TEXT_CHARACTERS_MAX} characters is needed")
    return value


_DIGITS_MAX = 78
"""Decimal digits of 256 bits."""

# Several texts are read as the same value (digits in upper case, blanks, underscores between them): those that are not
# the canonical one are refused as a whole bundle is, by what it would be written as.


def _wide(value: Any, *, bits: int) -> int:
    if isinstance(value, str) and len(value) <= _DIGITS_MAX:
        try:
            found = int(value)
        except ValueError:
            found = -1
        if 0 <= found < 1 << bits:
            return found
    raise BundleMalformed(f"a decimal text of at most {bits} bits is needed")


def _certificate(value: Any) -> CertificateId:
    try:
        found = parse_certificate_id(_text(value))
    except IdMalformed as error:
        raise BundleMalformed("certificate is no certificate id") from error
    return found


# ------------------------------------------------------------------- entries


@dataclass(frozen=True, slots=True)
class _Form:
    """How an entry of one kind is written: of each argument but the receivable's id how it is read and written."""

    kind: type[Entry]
    make: Callable[..., Entry]
    names: tuple[str, ...]
    readers: tuple[Callable[[Any], Any], ...]
    writers: tuple[Callable[[Any], Any], ...]


def _form(kind: type[Entry]) -> _Form:
    arguments = [argument for argument in kind.arguments() if argument.part != "journal"]
    return _Form(
        kind,
        kind,
        tuple(argument.name for argument in arguments),
        tuple(_reader(argument) for argument in arguments),
        tuple(_writer(argument) for argument in arguments),
    )


def _width(argument: Argument) -> int:
    """Bits of a number. A number of an entry has at most 64, whatever its type (journal.WORD_FORMATS)."""
    return min(int(argument.abi_type.removeprefix("uint")), 64)


def _reader(argument: Argument) -> Callable[[Any], Any]:
    match argument.abi_type:
        case "address":
            return partial(read_hex, length=20)
        case "bytes32":
            return partial(read_hex, length=32)
        case _:
            bits = _width(argument)
            return partial(_wide if bits > NUMBER_BITS_MAX else read_number, bits=bits)


def _writer(argument: Argument) -> Callable[[Any], Any]:
    if argument.abi_type in ("address", "bytes32"):
        return to_hex
    return str if _width(argument) > NUMBER_BITS_MAX else int


_FORMS = {kind.__name__: _form(kind) for kind in ENTRY_TYPES if any(one.part == "journal" for one in kind.arguments())}


def _entry_out(entry: Entry) -> Any:
    if isinstance(entry, Sealed):
        return {
            "operation": entry.kind.__name__,
            "at": entry.at,
            "range": [str(entry.start), str(entry.end)],
            "details": to_hex(entry.details_hash),
        }
    form = _FORMS[type(entry).__name__]
    return [
        form.kind.__name__,
        *[write(getattr(entry, name)) for name, write in zip(form.names, form.writers, strict=True)],
    ]


def _entry_in(value: Any, receivable_id: int) -> Entry:
    if isinstance(value, dict):
        return _sealed_in(value, receivable_id)
    if not isinstance(value, list) or not value:
        raise BundleMalformed("an entry is a list, or an object if it is sealed")
    form = _form_of(value[0])
    if len(value) != len(form.readers) + 1:
        raise BundleMalformed(f"{form.kind.__name__} has {len(form.readers)} arguments, not {len(value) - 1}")
    return form.make(receivable_id, *[read(part) for read, part in zip(form.readers, value[1:], strict=True)])


def _sealed_in(value: dict[str, Any], receivable_id: int) -> Sealed:
    _require_names(value, _SEALED_NAMES, "a sealed entry")
    limits = _list(value["range"], "limits of a range", 2)
    if len(limits) != 2:
        raise BundleMalformed("a range has two limits")
    return Sealed(
        _form_of(value["operation"]).kind,
        receivable_id,
        _wide(limits[0], bits=64),
        _wide(limits[1], bits=64),
        read_hex(value["details"], length=32),
        read_number(value["at"], bits=40),
    )


def _form_of(name: Any) -> _Form:
    form = _FORMS.get(name) if isinstance(name, str) else None
    if form is None:
        raise BundleMalformed("an entry is of no operation of a receivable")
    return form


def _opened(value: Any) -> OpenedField:
    parts = _list(value, "parts of an opened field", 4)
    if len(parts) != 4:
        raise BundleMalformed("an opened field has a name, a value, a salt and a path")
    path = _list(parts[3], "siblings", 32)
    return OpenedField(
        _text(parts[0]),
        _text(parts[1]),
        read_hex(parts[2], length=32),
        tuple(read_hex(sibling, length=32) for sibling in path),
    )
