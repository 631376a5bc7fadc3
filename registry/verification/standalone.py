"""The verifier as a program of its own, for an empty Python: `python -I verifier.pyz bundle.json`."""

from __future__ import annotations

import argparse
import json
import sys
import urllib.error
import urllib.request
from collections.abc import Sequence
from importlib import resources
from pathlib import Path
from typing import Any, Final

from registry.domain.refusals import Refusal
from registry.verification import rlp
from registry.verification.bundle import BYTES_MAX, Bundle, BundleTooLarge
from registry.verification.disclosure import proof_in, verify_file
from registry.verification.header import Header
from registry.verification.report import EXIT_CODES, lines
from registry.verification.verify import KnownHash, Pins, Status, Verdict, Witness

PINS_FILE: Final = "pins.json"
"""Beside this module in an exported verifier: the registry that it was exported for."""

NODE_SECONDS_MAX: Final = 30
_USAGE: Final = 2


class NodeAnswersNothing(Refusal):
    """The node that was to say which block is the chain's does not."""

    code = "node_answers_nothing"
    status = 503
    title = "The node does not say which block is the chain's"


class PinsMalformed(Refusal):
    """Not {"chain_id": number, "contract": address, "code_hash": hash}."""

    code = "pins_malformed"
    status = 400
    title = "That does not name a registry"
    default_hint = 'Pins are written {"chain_id": 1, "contract": "0x…", "code_hash": "0x…"}'


def read_bundle(path: str) -> bytes:
    """The bytes of a file, or of standard input for -. Raises BundleTooLarge, OSError."""
    if path == "-":
        found = sys.stdin.buffer.read(BYTES_MAX + 1)
    else:
        with Path(path).open("rb") as file:
            found = file.read(BYTES_MAX + 1)
    if len(found) > BYTES_MAX:
        raise BundleTooLarge()
    return found


def parse_pins(text: str) -> Pins:
    """Read pins. Raises PinsMalformed."""
    try:
        read = json.loads(text)
        pins = Pins(int(read["chain_id"]), parse_hex(read["contract"], 20), parse_hex(read["code_hash"], 32))
    except (ValueError, KeyError, TypeError, RecursionError) as error:
        raise PinsMalformed() from error
    return pins


def number_of(data: bytes) -> int:
    """The number of the block that a bundle, or a disclosure, is about. Raises BundleMalformed."""
    try:
        return Header.decode(Bundle.decode(proof_in(data)).header).number
    except rlp.RlpMalformed:
        return 0


def main(arguments: Sequence[str] | None = None) -> int:
    """Check a bundle; the exit status: 0 proven, 1 refused, 3 where something rests on the bundle's own word."""
    parser = argparse.ArgumentParser(prog="verifier", description=__doc__)
    parser.add_argument("bundle", help="the file, - for standard input")
    known = parser.add_mutually_exclusive_group()
    known.add_argument("--block-hash", metavar="HASH", help="hash of the block, from a source that you trust")
    known.add_argument("--rpc", metavar="URL", help="a node of your own, which is asked for that hash")
    parser.add_argument("--pins", metavar="FILE", help="the registry that is meant; an exported verifier knows its own")
    parser.add_argument("--json", action="store_true", help="the verdict for programs")
    asked = parser.parse_args(arguments)
    try:
        data = read_bundle(asked.bundle)
        verdict = verify_file(data, witness=_witness(asked, data), pins=_pins(asked.pins))
    except Refusal as refusal:
        print(f"{refusal.code}: {refusal}", file=sys.stderr)  # noqa: T201  (a program without the console of the other)
        return EXIT_CODES[Status.CONTRADICTED]
    except (OSError, ValueError) as error:
        print(error, file=sys.stderr)  # noqa: T201
        return _USAGE
    _print(verdict, as_json=asked.json)
    return EXIT_CODES[verdict.status]


def _print(verdict: Verdict, *, as_json: bool) -> None:
    told = json.dumps(verdict.to_json(), indent=2) if as_json else "\n".join(lines(verdict))
    print(told)  # noqa: T201


def _witness(asked: argparse.Namespace, data: bytes) -> Witness | None:
    if asked.block_hash is not None:
        return KnownHash(parse_hex(asked.block_hash, 32), "your own word")
    if asked.rpc is not None:
        return KnownHash(hash_at(asked.rpc, number_of(data)), "the node that you named")
    return None


def _pins(path: str | None) -> Pins | None:
    if path is not None:
        return parse_pins(Path(path).read_text())
    inside = resources.files(__package__).joinpath(PINS_FILE)
    return parse_pins(inside.read_text()) if inside.is_file() else None


def hash_at(url: str, number: int) -> bytes:
    """The hash of a block by its number, from a node. Raises NodeAnswersNothing."""
    if not url.startswith(("http://", "https://")):
        raise NodeAnswersNothing("a node is asked over http or https")
    body = {"jsonrpc": "2.0", "id": 1, "method": "eth_getBlockByNumber", "params": [hex(number), False]}
    request = urllib.request.Request(  # noqa: S310  (the scheme is looked at above)
        url, json.dumps(body).encode(), {"Content-Type": "application/json"}
    )
    try:
        with urllib.request.urlopen(request, timeout=NODE_SECONDS_MAX) as answer:  # noqa: S310
            found: Any = json.load(answer)
        return parse_hex(found["result"]["hash"], 32)
    except (OSError, ValueError, KeyError, TypeError, urllib.error.URLError) as error:
        raise NodeAnswersNothing(f"it has no block {number}, or does not answer") from error


def parse_hex(text: Any, length: int) -> bytes:
    """Read so many bytes of hex digits, 0x before them or not. Raises ValueError."""
    found = bytes.fromhex(str(text).removeprefix("0x"))
    if len(found) != length:
        raise ValueError(f"{str(text)[:100]!r} has not {length} bytes")
    return found
