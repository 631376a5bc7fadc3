"""What a forger could make of an honest proof bundle: every one of these must be refused, by whoever checks.

Left out because they are honest: a bundle that shows fewer fields of the invoice, or seals less.
"""

from __future__ import annotations

import json
import random
from collections import defaultdict
from collections.abc import Callable, Iterable, Iterator, Sequence
from copy import deepcopy
from dataclasses import dataclass
from typing import Any

from registry.domain.journal import ENTRY_TYPES, Entry, word
from registry.domain.keccak import keccak256

Json = Any
Place = tuple[int | str, ...]

OMITTED = object()
HEX_DIGITS = "0123456789abcdef"
ENTRY_BY_NAME = {entry_type.__name__: entry_type for entry_type in ENTRY_TYPES}
WRITTEN_AS_NUMBER = ("uint8", "uint16", "uint32", "uint40")


@dataclass(frozen=True, slots=True)
class Mutant:
    """A forgery: what was done where, and the bytes of its file."""

    kind: str
    place: str
    data: bytes


def canonical(bundle: Json) -> bytes:
    """The bytes of a bundle, as docs/proof-format.md has them."""
    text = json.dumps(bundle, ensure_ascii=False, sort_keys=True, separators=(",", ":"))
    return text.encode() + b"\n"


def block_hash(bundle: Json) -> str:
    """The hash of the block that the bundle is about."""
    return "0x" + keccak256(bytes.fromhex(bundle["header"][2:])).hex()


def mutants(bundle: Json, others: Sequence[Json] = ()) -> Iterator[Mutant]:
    """All forgeries of a bundle; `others` are honest bundles to take parts from."""
    yield from _made(bundle, _changes(bundle, others))
    yield from _of_form(bundle)


def one_of_each_value(bundle: Json, chance: random.Random) -> Iterator[Mutant]:
    """Of each place in a bundle one forgery by chance, and of its form all."""
    by_place = defaultdict[Place, list[tuple[str, Place, Json]]](list)
    for change in _changes(bundle, ()):
        by_place[change[1]].append(change)
    yield from _made(bundle, (chance.choice(changes) for changes in by_place.values()))
    yield from _of_form(bundle)


def _made(bundle: Json, changes: Iterable[tuple[str, Place, Json]]) -> Iterator[Mutant]:
    honest = canonical(bundle)
    for kind, place, value in changes:
        data = canonical(_with(bundle, place, value))
        if data != honest:
            yield Mutant(kind, "/".join(map(str, place)), data)


def _of_form(bundle: Json) -> Iterator[Mutant]:
    honest = canonical(bundle)
    for kind, data in _forms(bundle, honest):
        assert data != honest
        yield Mutant(kind, "", data)


def _changes(bundle: Json, others: Sequence[Json]) -> Iterator[tuple[str, Place, Json]]:
    """What could stand where instead."""
    yield from _values(bundle)
    yield from _shapes(bundle)
    yield from _certificates(bundle)
    yield from _addresses(bundle)
    yield from _fields(bundle)
    yield from _seals(bundle)
    yield from _borrowed(bundle, others)


# ---- single values


def _values(bundle: Json) -> Iterator[tuple[str, Place, Json]]:
    for place, value in _leaves(bundle):
        for kind, other in _other_values(value):
            yield kind, place, other


def _leaves(value: Json, place: Place = ()) -> Iterator[tuple[Place, Json]]:
    if isinstance(value, dict | list):
        for name, part in value.items() if isinstance(value, dict) else enumerate(value):
            yield from _leaves(part, (*place, name))
    else:
        yield place, value


def _other_values(value: Json) -> Iterator[tuple[str, Json]]:
    match value:
        case None:
            yield from (("null to text", ""), ("null to number", 0), ("null to false", False))
            yield "null to address", "0x" + "11" * 20
            yield "null to object", {}
        case bool():
            yield from (("boolean turned", not value), ("boolean to number", int(value)), ("value to null", None))
        case int():
            yield from (("number plus one", value + 1), ("number minus one", value - 1), ("number to text", str(value)))
            yield from (("number to boolean", bool(value)), ("number to float", float(value)), ("value to null", None))
            yield "number too wide", value + 2**64
        case str():
            yield from (
                ("value to null", None),
                ("text to empty", ""),
                ("text to list", [value]),
                ("text to true", True),
            )
            yield from _other_hex(value) if value.startswith("0x") else _other_text(value)


def _other_hex(value: str) -> Iterator[tuple[str, Json]]:
    for at in sorted({2, len(value) // 2, len(value) - 1}):
        flipped = HEX_DIGITS[HEX_DIGITS.index(value[at]) ^ 1]
        yield "hex digit flipped", value[:at] + flipped + value[at + 1 :]
    yield from (("hex byte dropped", value[:-2]), ("hex byte added", value + "00"), ("hex digit dropped", value[:-1]))
    yield from (("hex in capitals", "0x" + value[2:].upper()), ("hex without 0x", value[2:]))


def _other_text(value: str) -> Iterator[tuple[str, Json]]:
    yield from (("text longer", value + "x"), ("text shorter", value[:-1]), ("text with blank", value + " "))
    yield "text in other case", value.swapcase()
    yield "text with control character", value + "\x00"
    if value.isdecimal():
        yield from (("decimal plus one", str(int(value) + 1)), ("decimal with zero", "0" + value))
        yield from (("decimal to number", int(value)), ("decimal negative", "-" + value), ("decimal to hex", "0x1"))
        yield "decimal too wide", str(int(value) + 2**256)


# ---- names and lists


def _shapes(bundle: Json) -> Iterator[tuple[str, Place, Json]]:
    for place, value in _branches(bundle):
        if isinstance(value, dict):
            yield from _objects(place, value)
        else:
            yield from _lists(place, value)


def _branches(value: Json, place: Place = ()) -> Iterator[tuple[Place, Json]]:
    if isinstance(value, dict | list):
        yield place, value
        for name, part in value.items() if isinstance(value, dict) else enumerate(value):
            yield from _branches(part, (*place, name))


def _objects(place: Place, value: dict[str, Json]) -> Iterator[tuple[str, Place, Json]]:
    for name in value:
        yield "name dropped", (*place, name), OMITTED
        yield "name renamed", place, {key + "_" if key == name else key: part for key, part in value.items()}
    yield "name added", (*place, "note"), "true"
    yield "object to list", place, [*value.values()]
    yield "object to null", place, None


def _lists(place: Place, value: list[Json]) -> Iterator[tuple[str, Place, Json]]:
    what = _named(place)
    for index, part in enumerate(value):
        # Who shows fewer fields of the invoice does no wrong; the schema must be among those that are shown.
        if place != ("opened",) or (index == 0 and len(value) > 1):
            yield f"{what} dropped", place, value[:index] + value[index + 1 :]
        yield f"{what} duplicated", place, [*value[:index], part, *value[index:]]
        yield f"{what} duplicated at the end", place, [*value, part]
        if index:
            yield f"{what} swapped", place, [*value[: index - 1], part, value[index - 1], *value[index + 1 :]]
    yield f"{what} order reversed", place, value[::-1]
    yield "list to null", place, None
    yield "list to object", place, {}
    yield f"{what} added", place, [*value, None]
    if place != ("opened",):
        yield f"every {what} dropped", place, []


def _named(place: Place) -> str:
    match place:
        case ("entries" | "nodes" | "opened" as name,):
            return {"entries": "entry", "nodes": "node", "opened": "field"}[name]
        case ("opened", _, _):
            return "sibling"
        case ("stated", "encumbrances"):
            return "encumbrance"
    return "part"


# ---- what the bundle is about


def _certificates(bundle: Json) -> Iterator[tuple[str, Place, Json]]:
    receivable, _, bounds = bundle["certificate"][2:].partition("/")
    start, end = map(int, bounds.split("-"))
    number = int(receivable)
    for other in (
        f"R-{number + 1}/{start}-{end}",
        f"R-{number}/{start}-{end + 1}",
        f"R-{number}/{start}-{end - 1}",
        f"R-{number}/{start + 1}-{end}",
        f"R-{number}/{end}-{end + 1}",
        f"R-{number}/{end}-{start}",
        f"R-{number}/{start}-{start}",
        f"R-0{number}/{start}-{end}",
        f"r-{number}/{start}-{end}",
        f" R-{number}/{start}-{end}",
        f"R-{number}",
        f"R-{number + 2**64}/{start}-{end}",
    ):
        yield "another certificate", ("certificate",), other
    for chain_id in (0, 1, bundle["chain_id"] + 1, 2**48):
        yield "another chain", ("chain_id",), chain_id
    yield "another format", ("format",), "counterfoil/proof/2"


def _addresses(bundle: Json) -> Iterator[tuple[str, Place, Json]]:
    """Every address of the bundle in the place of every one that is stated, and of the contract."""
    found = sorted({value for _, value in _leaves(bundle) if isinstance(value, str) and len(value) == 42})
    for place, value in _leaves(bundle["stated"]):
        if value is None or value in found:
            for address in (*found, "0x" + "00" * 20):
                yield "another address", ("stated", *place), address
    for address in found:
        yield "another contract", ("contract",), address


def _fields(bundle: Json) -> Iterator[tuple[str, Place, Json]]:
    """Parts of one opened field in the place of another's."""
    opened = bundle["opened"]
    for index, field in enumerate(opened):
        for other in opened:
            for part, what in enumerate(("name", "value", "salt", "path")):
                yield f"another field's {what}", ("opened", index, part), other[part]
        for name in ("payable", "buyer_name", "attachment/1", "attachment/20", "unknown"):
            if name != field[0]:
                yield "another field's name", ("opened", index, 0), name
        if field[0] == "schema":
            for count in ("+1", "+9", "+20", "+0", "+21", "+01"):
                yield "another schema", ("opened", index, 1), field[1] + count


def _seals(bundle: Json) -> Iterator[tuple[str, Place, Json]]:
    """Sealed entries with another range, time or operation; and those that may not be sealed, sealed."""
    is_redacted = any(isinstance(entry, dict) for entry in bundle["entries"])
    for index, entry in enumerate(bundle["entries"]):
        place = ("entries", index)
        if isinstance(entry, dict):
            start, end = map(int, entry["range"])
            for bounds in (
                (start + 1, end),
                (start, end + 1),
                (0, 0),
                (end, start),
                (0, 2**64 - 1),
                (2**64 - 1, 2**64),
            ):
                yield "sealed range changed", (*place, "range"), [str(bound) for bound in bounds]
            for name in (*ENTRY_BY_NAME, "Transfer"):
                yield "sealed operation changed", (*place, "operation"), name
            yield "sealed entry opened", place, [entry["operation"]]
        elif is_redacted or "start" not in _names(entry):
            # In a redacted bundle all that may be sealed is.
            yield "sealed too much", place, sealed(entry)


def _names(entry: list[Json]) -> list[str]:
    return [argument.name for argument in ENTRY_BY_NAME[entry[0]].arguments()]


def sealed(entry: list[Json]) -> dict[str, Json]:
    """The sealed form of an open entry."""
    entry_type = ENTRY_BY_NAME[entry[0]]
    arguments = entry_type.arguments()[1:]
    values = [_read(argument.abi_type, value) for argument, value in zip(arguments, entry[1:], strict=True)]
    make: Callable[..., Entry] = entry_type
    made = make(0, *values)
    details = b"".join(word(value) for value in made.details().values())
    return {
        "at": made.time,
        "details": "0x" + keccak256(details).hex(),
        "operation": entry[0],
        "range": [str(bound) for bound in made.range],
    }


def _read(abi_type: str, value: Json) -> int | bytes:
    if abi_type in WRITTEN_AS_NUMBER:
        return int(value)
    return bytes.fromhex(value[2:]) if value.startswith("0x") else int(value)


def _borrowed(bundle: Json, others: Iterable[Json]) -> Iterator[tuple[str, Place, Json]]:
    """Whole parts of other bundles; a header that is another block's, a node that proves nothing here."""
    for other in others:
        for name in ("stated", "entries", "nodes", "header", "certificate", "contract", "chain_id"):
            if _same_but_sealed(name, bundle, other):
                continue
            yield f"another bundle's {name}", (name,), other[name]
        for name in bundle["stated"]:
            yield f"another bundle's stated {name}", ("stated", name), other["stated"][name]
        for node in other["nodes"]:
            if node not in bundle["nodes"]:
                yield "node that proves nothing", ("nodes",), [*bundle["nodes"], node]
                yield "node that proves nothing", ("nodes",), [node, *bundle["nodes"]]
        if other["entries"][0] != bundle["entries"][0] and other["opened"]:
            yield "another bundle's opened", ("opened",), other["opened"]


def _same_but_sealed(name: str, bundle: Json, other: Json) -> bool:
    """Entries of the same receivable may be the same, or fewer of them sealed: that is for another test."""
    return name == "entries" and bundle["entries"][0] == other["entries"][0]


# ---- other bytes of the same values


def _forms(bundle: Json, honest: bytes) -> Iterator[tuple[str, bytes]]:
    text = honest.decode()
    chain_id = f'"chain_id":{bundle["chain_id"]}'
    for kind, other in {
        "form: no line feed": text[:-1],
        "form: two line feeds": text + "\n",
        "form: carriage return": text[:-1] + "\r\n",
        "form: byte order mark": "\ufeff" + text,
        "form: blank": text.replace(":", ": ", 1),
        "form: indented": json.dumps(bundle, indent=1, sort_keys=True) + "\n",
        "form: names in another order": json.dumps(
            dict(sorted(bundle.items(), reverse=True)), ensure_ascii=False, separators=(",", ":")
        )
        + "\n",
        "form: escape": text.replace("chain_id", "chain\\u005fid", 1),
        "form: escaped slash": text.replace("counterfoil/proof", "counterfoil\\/proof", 1),
        "form: half of a surrogate pair": text.replace('"format":"', '"format":"\\ud800', 1),
        "form: name twice": text.replace(chain_id, f"{chain_id},{chain_id}", 1),
        "form: number with fraction": text.replace(chain_id, chain_id + ".0", 1),
        "form: number with exponent": text.replace(chain_id, chain_id + "e0", 1),
        "form: two documents": text + text,
        "form: half": text[: len(text) // 2],
        "form: empty": "",
        "form: null": "null\n",
        "form: list": f"[{text[:-1]}]\n",
        "form: nested deep": "[" * 100_000 + "]" * 100_000 + "\n",
    }.items():
        yield kind, other.encode()
    yield "form: UTF-16", text.encode("utf-16")
    yield "form: not UTF-8", honest.replace(b"counterfoil", b"counterfo\xffl", 1)


# ---- parts


def _with(bundle: Json, place: Place, value: Json) -> Json:
    """The bundle with another value at a place; only what leads there is copied."""
    if not place:
        return deepcopy(value)
    copied = bundle.copy()
    name, *rest = place
    if value is OMITTED and not rest:
        del copied[name]
    else:
        copied[name] = _with(copied[name], tuple(rest), value) if rest else value
    return copied
