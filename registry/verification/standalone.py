"""The verifier as a program of its own, for an empty Python: `python -I verifier.pyz bundle.json`."""

from __future__ import annotations

import argparse
import io
import json
import sys
import urllib.request
from collections.abc import Sequence
from dataclasses import dataclass
from http.client import HTTPException
from importlib import resources
from pathlib import Path
from queue import Empty, SimpleQueue
from threading import Thread
from typing import Any, Final

from registry.domain.identifiers import Address
from registry.domain.printable import printable
from registry.domain.refusals import Refusal
from registry.verification import rlp
from registry.verification.attestation import BYTES_MAX as ATTESTATIONS_BYTES_MAX
from registry.verification.attestation import Attested, ThresholdUnmet, read_attestations
from registry.verification.bundle import (
    BYTES_MAX,
    NUMBER_BITS_MAX,
    Bundle,
    BundleMalformed,
    BundleTooLarge,
    read_number,
)
from registry.verification.disclosure import proof_in, verify_file
from registry.verification.header import Header
from registry.verification.report import EXIT_CODES, EXIT_UNUSABLE, lines
from registry.verification.verify import KnownHash, Pins, Status, Verdict, Witness

PINS_FILE: Final = "pins.json"
"""Beside this module in an exported verifier: the registry that it was exported for."""

ANSWER_SECONDS_MAX = 30
"""For the whole of an answer, however slowly it comes."""
NODE_BYTES_MAX: Final = 16_000_000
"""Of a node's answer: a block with the hashes of its transactions."""
WITNESSES_MAX: Final = 100
_ADDRESS_CHARACTERS: Final = 42
_SHOWN_CHARACTERS_MAX: Final = 200
_SCHEMES: Final = ("http://", "https://")


class NodeAnswersNothing(Refusal):
    """The node that was to say which block is the chain's does not."""

    code = "node_answers_nothing"
    status = 503
    title = "The node does not say which block is the chain's"


class AttestationsMissing(Refusal):
    """The URL that was to give attestations does not."""

    code = "attestations_missing"
    status = 503
    title = "The attestations cannot be had there"


class PinsMalformed(Refusal):
    """Not {"chain_id": number, "contract": address, "code_hash": hash}."""

    code = "pins_malformed"
    status = 400
    title = "That does not name a registry"
    default_hint = 'Pins are written {"chain_id": 1, "contract": "0x…", "code_hash": "0x…"}'


UNUSABLE: Final = (AttestationsMissing, NodeAnswersNothing, PinsMalformed, ThresholdUnmet)
"""What says nothing of the bundle: that with which it was to be checked cannot be used, or was named wrongly."""


@dataclass(frozen=True, slots=True)
class HeaderSource:
    """From where a verifier has it which block is the chain's: at most one of hash, node and witnesses.

    `witnesses` are addresses, and files with one per line; `threshold` is how many of them have to have signed, None
    for all.
    """

    block_hash: str | None = None
    rpc: str | None = None
    attestations: str | None = None
    witnesses: Sequence[str] = ()
    threshold: int | None = None

    def witness(self, data: bytes) -> Witness | None:
        """Who says so of a bundle's block; None for nobody. Raises ValueError and OSError for what was typed wrongly,
        BundleMalformed, AttestationsMalformed, AttestationsMissing, ThresholdUnmet."""
        if sum(source is not None for source in (self.block_hash, self.rpc, self.attestations)) > 1:
            raise ValueError("choose one of --block-hash, --rpc and --attestations")
        if (self.attestations is None) != (not self.witnesses) or (self.threshold is not None and not self.witnesses):
            raise ValueError("--attestations and --witness go together, and --threshold with them")
        if self.block_hash is not None:
            return KnownHash(parse_hex(self.block_hash, 32), "your own word")
        if self.rpc is not None:
            return NamedNode(self.rpc)
        if self.attestations is not None and (number := number_of(data)) is not None:
            return self._attested(self.attestations, number)
        return None

    def _attested(self, source: str, number: int) -> Attested:
        named = frozenset(address for text in self.witnesses for address in _addresses(text))
        if len(named) > WITNESSES_MAX:
            raise ValueError(f"{len(named)} witnesses; at most {WITNESSES_MAX} are taken")
        threshold = len(named) if self.threshold is None else self.threshold
        return Attested(read_attestations(_attestations(source, number), block=number), named, threshold)


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
        chain_id = read_number(read["chain_id"], bits=NUMBER_BITS_MAX)
        pins = Pins(chain_id, parse_hex(read["contract"], 20), parse_hex(read["code_hash"], 32))
    except (BundleMalformed, ValueError, KeyError, TypeError, RecursionError) as error:
        raise PinsMalformed() from error
    return pins


def number_of(data: bytes) -> int | None:
    """The number of the block that a bundle, or a disclosure, is about; None where its header cannot be read.

    Raises BundleMalformed.
    """
    try:
        return Header.decode(Bundle.decode(proof_in(data)).header).number
    except rlp.RlpMalformed:
        return None


def main(arguments: Sequence[str] | None = None) -> int:
    """Check a bundle; the exit status is report.EXIT_CODES' or EXIT_UNUSABLE."""
    parser = argparse.ArgumentParser(prog="verifier", description=__doc__)
    parser.add_argument("bundle", help="the file, - for standard input")
    known = parser.add_mutually_exclusive_group()
    known.add_argument("--block-hash", metavar="HASH", help="hash of the block, from a source that you trust")
    known.add_argument("--rpc", metavar="URL", help="a node of your own, which is asked for that hash")
    known.add_argument("--attestations", metavar="FILE_OR_URL", help="what witnesses signed; needs --witness")
    parser.add_argument(
        "--witness", metavar="ADDRESS", action="append", default=[], help="of one that you trust, or a file of such"
    )
    parser.add_argument("--threshold", metavar="K", type=int, help="how many of them have to have signed; else all")
    parser.add_argument("--pins", metavar="FILE", help="the registry that is meant; an exported verifier knows its own")
    parser.add_argument("--json", action="store_true", help="the verdict for programs")
    asked = parser.parse_args(arguments)
    if isinstance(sys.stdout, io.TextIOWrapper):  # names of strangers, in whatever the terminal speaks
        sys.stdout.reconfigure(errors="backslashreplace")
    try:
        data = read_bundle(asked.bundle)
        verdict = verify_file(data, witness=_source(asked).witness(data), pins=_pins(asked.pins))
    except Refusal as refusal:
        print(f"{refusal.code}: {refusal}", file=sys.stderr)  # noqa: T201  (a program without the console of the other)
        return EXIT_UNUSABLE if isinstance(refusal, UNUSABLE) else EXIT_CODES[Status.CONTRADICTED]
    except (OSError, ValueError) as error:
        print(error, file=sys.stderr)  # noqa: T201
        return EXIT_UNUSABLE
    _print(verdict, as_json=asked.json)
    return EXIT_CODES[verdict.status]


def _print(verdict: Verdict, *, as_json: bool) -> None:
    told = json.dumps(verdict.to_json(), indent=2) if as_json else "\n".join(lines(verdict))
    print(told)  # noqa: T201


def _source(asked: argparse.Namespace) -> HeaderSource:
    return HeaderSource(asked.block_hash, asked.rpc, asked.attestations, asked.witness, asked.threshold)


def _addresses(text: str) -> list[Address]:
    if text.startswith("0x") and len(text) == _ADDRESS_CHARACTERS:
        return [parse_hex(text, 20)]
    return [parse_hex(line, 20) for line in Path(text).read_text().split()]


def _attestations(source: str, number: int) -> bytes:
    """The bytes of a file, or of what a URL has about a block."""
    if not source.startswith(_SCHEMES):
        with Path(source).open("rb") as file:
            return file.read(ATTESTATIONS_BYTES_MAX + 1)
    asked = f"{source}{'&' if '?' in source else '?'}block={number}"
    try:
        return _fetched(asked, most=ATTESTATIONS_BYTES_MAX)
    except OSError as error:
        raise AttestationsMissing(f"of block {number}: {error}") from error


def _pins(path: str | None) -> Pins | None:
    if path is not None:
        return parse_pins(Path(path).read_text())
    inside = resources.files(__package__).joinpath(PINS_FILE)
    return parse_pins(inside.read_text()) if inside.is_file() else None


@dataclass(frozen=True, slots=True)
class NamedNode:
    """A node as witness of which block is the chain's (verify.Witness). Whether that is final, its owner judges."""

    url: str

    def judge(self, header: Header, *, chain_id: int, contract: Address) -> tuple[Status, str]:
        """Whether the node has this header at its height, and is of that chain. Raises NodeAnswersNothing."""
        try:
            its_chain_id = int(self._asked("eth_chainId"), 16)
            if its_chain_id != chain_id:
                return Status.NOT_PROVEN, f"the node that you named is of chain {its_chain_id}, not of {chain_id}"
            known = parse_hex(self._asked("eth_getBlockByNumber", hex(header.number), False)["hash"], 32)
        except (OSError, ValueError, KeyError, TypeError, RecursionError) as error:
            raise NodeAnswersNothing(f"it has no block {header.number}, or does not answer: {error}") from error
        return KnownHash(known, "the node that you named").judge(header, chain_id=chain_id, contract=contract)

    def _asked(self, method: str, *parameters: Any) -> Any:
        if not self.url.startswith(_SCHEMES):
            raise NodeAnswersNothing("a node is asked over http or https")
        body = {"jsonrpc": "2.0", "id": 1, "method": method, "params": parameters}
        return json.loads(_fetched(self.url, json.dumps(body).encode(), most=NODE_BYTES_MAX))["result"]


def _fetched(url: str, body: bytes | None = None, *, most: int) -> bytes:
    """What a URL answers. Raises OSError for whatever goes wrong: too much or too late does too."""
    answers: SimpleQueue[bytes | Exception] = SimpleQueue()

    def ask() -> None:
        try:
            request = urllib.request.Request(url, body, {"Content-Type": "application/json"})  # noqa: S310  (looked at)
            with urllib.request.urlopen(request, timeout=ANSWER_SECONDS_MAX) as answer:  # noqa: S310
                answers.put(answer.read(most + 1))
        except (OSError, ValueError, HTTPException) as error:
            answers.put(error)

    # A timeout of urllib's is one of each read: whoever drips holds a reader for ever, but no thread that is left.
    Thread(target=ask, daemon=True).start()
    try:
        found = answers.get(timeout=ANSWER_SECONDS_MAX)
    except Empty as error:
        raise TimeoutError(f"no whole answer in {ANSWER_SECONDS_MAX} s") from error
    if isinstance(found, Exception):
        raise ConnectionError(printable(str(found))[:_SHOWN_CHARACTERS_MAX]) from found
    if len(found) > most:
        raise ConnectionError(f"an answer of more than {most} bytes")
    return found


def parse_hex(text: Any, length: int) -> bytes:
    """Read so many bytes of hex digits, 0x before them or not. Raises ValueError."""
    found = bytes.fromhex(str(text).removeprefix("0x"))
    if len(found) != length:
        raise ValueError(f"{str(text)[:100]!r} has not {length} bytes")
    return found
