"""A witness: follows the chain with a node of its own, and signs the headers of final blocks that it has checked.

It signs every block whose number is a multiple of its stride, so that witnesses which know nothing of each other sign
the same ones. What it has signed is in its file, on the disk before anyone is told, and never is there another hash for
a height. docs/operations.md, "A witness", says what it checks and what it takes on its node's word.
"""

from __future__ import annotations

import fcntl
import logging
import os
import threading
from collections import defaultdict, deque
from collections.abc import Callable, Iterable, Iterator, Mapping
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any, Final

from eth_account.signers.local import LocalAccount
from eth_typing import Hash32

from registry.chain.rpc import BATCH_REQUESTS_MAX, Node, NodeUnreachable, RpcFailed
from registry.chain.submit import account_address
from registry.domain import journal
from registry.domain.decode import LogMalformed, decode_hashed, journal_of
from registry.domain.identifiers import format_address, format_receivable_id
from registry.domain.journal import REGISTRY_JOURNAL
from registry.errors import ServiceError
from registry.mirror.fetching import Fetcher, MirrorBroken
from registry.verification.attestation import Attestation, AttestationsMalformed
from registry.verification.header import Header, HeaderUnknown, header_bytes
from registry.verification.layout import head_place
from registry.verification.rlp import RlpMalformed
from registry.verification.state import StateUnproven, account, storage_word
from registry.verification.trie import Nodes, ProofMalformed
from registry.verification.verify import Pins

SIGNED_AT_ONCE_MAX: Final = 64
"""Blocks that are signed when a witness comes back: of older ones many a node knows no state any more."""

PLACES_MAX: Final = 100
"""Heads of which one request asks for the proofs."""

HEADS_MAX: Final = 100_000
"""Heads kept in memory; a journal of which none is kept is read anew from its first entry."""

PAUSE_SECONDS_MAX: Final = 60.0

log = logging.getLogger(__name__)


class NotWitnessed(ServiceError):
    """What the node says of a block does not hold, so it is not signed."""

    code = "not_witnessed"
    status = 502
    title = "What the node says of this block does not hold, and it is not signed"
    default_hint = "Where it stays so, node or registry are not as they should be: look before you start it again"


class WitnessConflict(ServiceError):
    """The node has another block where one was signed: the witness stops, and never signs the other."""

    code = "witness_conflict"
    status = 409
    title = "The node has another block where this witness has signed one"
    default_hint = "What was final is no more, or the node is on another chain. Find out which before anything else"


class WitnessFileForeign(ServiceError):
    """The file was not written by this witness of this registry, or not all of it."""

    code = "witness_file_foreign"
    status = 409
    title = "The file is not what this witness has signed"
    default_hint = "One file is of one key, one registry and one chain: name another with -o"


class WitnessFileBusy(ServiceError):
    """Another witness writes to the file."""

    code = "witness_file_busy"
    status = 409
    title = "Another witness writes to this file"


class WitnessFileUnwritable(ServiceError):
    """What is signed cannot be kept, so nothing is signed."""

    code = "witness_file_unwritable"
    status = 500
    title = "The witness's file cannot be written"
    default_hint = "Name a file in a folder that you may write to, on a disk with room"


class Signed:
    """What a witness has signed: a file that is appended to, its last line, and what of it is recent."""

    def __init__(self, path: Path, of: Attestation) -> None:
        """Read the file of a key, chain and registry, made if there is none; `of` is any of that chain and registry.

        A last line that was cut off is dropped. Raises WitnessFileBusy, WitnessFileForeign, WitnessFileUnwritable.
        """
        self._of = of
        self.recent: deque[Attestation] = deque(maxlen=SIGNED_AT_ONCE_MAX)
        with _unwritable(path), ExitStack() as stack:
            path.parent.mkdir(parents=True, exist_ok=True)
            self._file = stack.enter_context(path.open("a+b"))
            try:
                fcntl.flock(self._file, fcntl.LOCK_EX | fcntl.LOCK_NB)
            except BlockingIOError:
                raise WitnessFileBusy(str(path)) from None
            self.last = self._read(path.name)
            _sync_folder(path.parent)
            stack.pop_all()

    def require_signer(self, signer: bytes) -> None:
        """Raises WitnessFileForeign where another key signed."""
        if self.last is not None and self.last.signer() != signer:
            raise WitnessFileForeign(f"{format_address(self.last.signer())} signed there")

    def append(self, attestation: Attestation) -> None:
        """Keep one more, on the disk when this returns.

        Raises WitnessConflict for one that is not above the last, WitnessFileUnwritable.
        """
        if self.last is not None and attestation.number <= self.last.number:
            raise WitnessConflict(f"block {self.last.number} is signed, and {attestation.number} is not above it")
        with _unwritable(Path(self._file.name)):
            self._file.write(attestation.line())
            self._file.flush()
            os.fsync(self._file.fileno())
        self.last = attestation
        self.recent.append(attestation)

    def close(self) -> None:
        """Let others have the file."""
        self._file.close()

    def _read(self, name: str) -> Attestation | None:
        last: Attestation | None = None
        self._file.seek(0)
        whole = 0
        for line in self._file:
            if not line.endswith(b"\n"):
                log.warning("witness: the last line of %s was cut off, and is dropped", name)
                self._file.truncate(whole)
                break
            whole += len(line)
            last = self._follows(last, line)
            self.recent.append(last)
        return last

    def _follows(self, last: Attestation | None, line: bytes) -> Attestation:
        try:
            found = Attestation.read(line)
        except AttestationsMalformed as error:
            raise WitnessFileForeign(str(error)) from error
        if (found.chain_id, found.registry) != (self._of.chain_id, self._of.registry):
            raise WitnessFileForeign(f"it is of {format_address(found.registry)} on chain {found.chain_id}")
        if last is not None and found.number <= last.number:
            raise WitnessFileForeign(f"block {found.number} follows block {last.number}")
        return found


@dataclass(frozen=True, slots=True)
class _Checked:
    """A header whose bytes hash to its hash, and the hash of the one before it."""

    header: Header
    parent_hash: bytes


class Witness:
    """One key, one node, one registry: `pins`, created at `first_block`.

    Where the chain calls no block finalized, what is `confirmations` blocks behind the newest is final.
    """

    def __init__(
        self,
        node: Node,
        signer: LocalAccount,
        signed: Signed,
        *,
        pins: Pins,
        first_block: int,
        confirmations: int,
        stride: int,
    ) -> None:
        """Raises WitnessFileForeign."""
        self._node = node
        self._signer = signer
        self._signed = signed
        self._pins = pins
        self._first_block = first_block
        self._confirmations = confirmations
        self._stride = stride
        self._heads: dict[int, bytes] = {}
        signed.require_signer(account_address(signer))

    @property
    def recent(self) -> list[Attestation]:
        """What was signed last, at most SIGNED_AT_ONCE_MAX: it may have ended before all of it was told."""
        return list(self._signed.recent)

    def round(self) -> Iterator[Attestation]:
        """Sign what has become final, one after the other; each is in the file when it is given.

        Raises NotWitnessed, WitnessConflict, WitnessFileUnwritable, NodeUnreachable, RpcFailed, MirrorBroken.
        """
        node = self._node.current()
        if node.request("eth_chainId") != hex(self._pins.chain_id):  # not as it was when it was asked first
            raise NotWitnessed(f"{node.describe()} is not on chain {self._pins.chain_id}")
        last = self._signed.last
        final = self._final(node)
        if last is not None and not self._has(node, last):
            return
        for number in self._due(final):
            yield self._attest(node, number)

    def run(
        self,
        stop: threading.Event,
        *,
        every_seconds: float,
        tell: Callable[[list[Attestation]], None],
    ) -> None:
        """Round after round until `stop` is set; `tell` gets what each has signed.

        Raises WitnessConflict, WitnessFileUnwritable.

        What else fails is logged and tried again, ever more slowly.
        """
        pause = every_seconds
        while not stop.is_set():
            told: list[Attestation] = []
            try:
                for attestation in self.round():
                    told.append(attestation)
                    if stop.is_set():
                        break
                pause = every_seconds
            except (NotWitnessed, NodeUnreachable, RpcFailed, MirrorBroken) as failure:
                log.error("witness: %s: %s", failure.code, failure)
                self._node.turn()
                pause = max(every_seconds, min(pause * 2, PAUSE_SECONDS_MAX))
            tell(told)
            stop.wait(pause)

    # ------------------------------------------------------------ internal

    def _final(self, node: Node) -> int:
        tips = node.tips()
        return tips.latest.number - self._confirmations if tips.finalized is None else tips.finalized

    def _has(self, node: Node, last: Attestation) -> bool:
        """Whether the node has reached what was signed last. Raises WitnessConflict where it has something else."""
        known = node.block(last.number)
        if known is None:
            log.warning("witness: the node lacks block %d, which is signed: waiting for it", last.number)
            return False
        if known.hash != last.hash:
            conflict = WitnessConflict(
                f"block {last.number} is 0x{known.hash.hex()} there, and 0x{last.hash.hex()} is signed"
            )
            log.critical("witness: %s: %s", conflict.code, conflict)
            raise conflict
        return True

    def _due(self, final: int) -> range:
        """The numbers to sign, in order: at first the newest only, for what is before it was final unwatched."""
        newest = final - final % self._stride
        last = self._signed.last
        if last is None:
            return range(newest, newest + 1 if newest >= self._first_block else newest, self._stride)
        first = last.number - last.number % self._stride + self._stride
        return range(max(first, newest - (SIGNED_AT_ONCE_MAX - 1) * self._stride), newest + 1, self._stride)

    def _attest(self, node: Node, number: int) -> Attestation:
        try:
            header = self._linked(node, number)
            heads = self._folded(node, header)
            self._require_stored(node, header, heads)
        except (HeaderUnknown, RlpMalformed, StateUnproven, ProofMalformed, LogMalformed) as error:
            raise NotWitnessed(f"block {number}: {error.code}: {error}") from error
        pins = self._pins
        plain = Attestation(pins.chain_id, header.number, header.hash, pins.contract)
        attestation = replace(plain, signature=bytes(self._signer.unsafe_sign_hash(Hash32(plain.digest())).signature))
        self._signed.append(attestation)
        if len(self._heads) > HEADS_MAX:
            self._heads.clear()
        self._heads |= heads
        return attestation

    def _linked(self, node: Node, number: int) -> Header:
        """The header of a block that follows the one signed last, each in between the parent of the next."""
        last = self._signed.last
        before = None if last is None else last.hash
        first = number if last is None else last.number + 1
        for at in range(first, number + 1, BATCH_REQUESTS_MAX):
            numbers = range(at, min(number + 1, at + BATCH_REQUESTS_MAX))
            for wanted, fields in zip(numbers, node.headers_fields(numbers), strict=True):
                found = _checked(fields)
                if found.header.number != wanted or before not in (None, found.parent_hash):
                    raise NotWitnessed(f"block {wanted} does not follow the one before it")
                before = found.header.hash
        return found.header

    def _require_stored(self, node: Node, header: Header, heads: Mapping[int, bytes]) -> None:
        """The contract has its code, and of these journals these heads, under the header's state root."""
        journals = sorted(heads)
        for at in range(0, len(journals), PLACES_MAX):
            part = journals[at : at + PLACES_MAX]
            for journal_id, head in zip(part, self._proven(node, header, part), strict=True):
                if head != heads[journal_id]:
                    self._heads.clear()
                    raise NotWitnessed(
                        f"block {header.number}: the logs of {format_receivable_id(journal_id)} do not give its head"
                    )

    def _proven(self, node: Node, header: Header, journals: Iterable[int]) -> list[bytes]:
        """Heads of journals under the header's state root."""
        places = [head_place(journal_id) for journal_id in journals]
        proofs = node.proofs(self._pins.contract, places, block=header.number)
        nodes = Nodes(dict.fromkeys(one for proof in proofs for one in (*proof.account, *proof.storage)))
        found = account(nodes, header.state_root, self._pins.contract)
        if found.code_hash != self._pins.code_hash:
            raise NotWitnessed(f"block {header.number}: the registry's code hashes to 0x{found.code_hash.hex()}")
        return [storage_word(nodes, found.storage_root, place).to_bytes(32) for place in places]

    def _folded(self, node: Node, header: Header) -> dict[int, bytes]:
        """The heads that the logs give to R-0 and to the journals with entries since the block signed last."""
        # What is left out shows in the heads that the state root proves.
        fetcher = Fetcher(node, self._pins.contract, silent_seconds=0)
        since = self._logs_since(fetcher, header)
        heads = {}
        for journal_id in {REGISTRY_JOURNAL, *since}:
            known = self._heads.get(journal_id)
            if known is not None:
                heads[journal_id] = _appended(known, since[journal_id])
                continue
            _, logs = fetcher.journal(journal_id, first=self._first_block, number=header.number, block_hash=header.hash)
            genesis = journal.genesis(chain_id=self._pins.chain_id, contract=self._pins.contract, journal_id=journal_id)
            heads[journal_id] = _appended(genesis, [decode_hashed(one.topics, one.data)[1] for one in logs])
        return heads

    def _logs_since(self, fetcher: Fetcher, header: Header) -> defaultdict[int, list[bytes]]:
        """Hashes of the entries by journal, after the block signed last up to this one."""
        found: defaultdict[int, list[bytes]] = defaultdict(list)
        last = self._signed.last
        if last is None:
            return found
        number, block_hash = last.number, last.hash
        while number < header.number:
            fetched = fetcher.range(number=number, block_hash=block_hash, last=header.number)
            for one in fetched.logs:
                found[journal_of(one.topics)].append(decode_hashed(one.topics, one.data)[1])
            number, block_hash = fetched.end.number, fetched.end.hash
        if block_hash != header.hash:
            raise NotWitnessed(f"block {header.number} changed while its logs were read")
        return found


def _checked(fields: Mapping[str, Any]) -> _Checked:
    """A header from all that a node says of its block. Raises HeaderUnknown, RlpMalformed, NotWitnessed."""
    try:
        return _Checked(Header.decode(header_bytes(fields)), bytes.fromhex(fields["parentHash"][2:]))
    except (LookupError, ValueError, TypeError, AttributeError) as error:
        raise NotWitnessed("a header has not the shape of one") from error


def _appended(head: bytes, entry_hashes: Iterable[bytes]) -> bytes:
    for entry_hash in entry_hashes:
        head = journal.append(head, entry_hash)
    return head


@contextmanager
def _unwritable(path: Path) -> Iterator[None]:
    try:
        yield
    except OSError as error:
        raise WitnessFileUnwritable(f"{path}: {error.strerror}") from error


def _sync_folder(folder: Path) -> None:
    """Keep that a file is there."""
    descriptor = os.open(folder, os.O_RDONLY | os.O_DIRECTORY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)
