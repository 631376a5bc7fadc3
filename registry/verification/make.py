"""Make a proof bundle: the stored journal, the node's proofs, and a check of the outcome before it leaves the house."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field

from registry.chain.rpc import Node, Proof
from registry.documents.attachments import Attachment
from registry.documents.commitments import OpenedField, attachment_fields, commit
from registry.domain.identifiers import Address, CertificateId, format_receivable_id
from registry.domain.journal import Entry, Registered
from registry.domain.keccak import keccak256
from registry.domain.provenance import bearing
from registry.domain.refusals import Refusal
from registry.domain.rules import UnknownCertificate, UnknownReceivable
from registry.errors import ServiceError
from registry.store.queries import Connection, health
from registry.store.queries import entries as entry_queries
from registry.store.queries import invoices as invoice_queries
from registry.store.queries.health import CursorRow
from registry.verification.bundle import Bundle
from registry.verification.header import Header, header_bytes
from registry.verification.layout import read_words
from registry.verification.statement import History, statement
from registry.verification.verify import KnownHash, Pins, Status, verify

SCHEMA_FIELD = "schema"
"""Without it nobody can say at which place of the tree a field lies: it is opened with any other."""


class BlockNotMirrored(Refusal):
    """A block that the mirror has not reached."""

    code = "block_not_mirrored"
    status = 409
    title = "The mirror has not reached this block"


class FieldUnknown(Refusal):
    """A field that the invoice's commitment does not have."""

    code = "field_unknown"
    status = 404
    title = "The invoice has no such field"


class InvoiceErased(Refusal):
    """The invoice is not kept here, or its salts were deleted: nothing of it can be opened any more."""

    code = "invoice_erased"
    status = 410
    title = "The invoice behind the claim cannot be opened any more"
    default_hint = "Without the salts the commitment on chain opens nothing; that is what erasing means"


class ProofFailed(ServiceError):
    """What was put together does not hold: the chain moved meanwhile, or the mirror is not as the contract is."""

    code = "proof_failed"
    status = 503
    title = "The proof does not hold"
    default_hint = "Ask again; if it stays, `counterfoil reconcile` tells where mirror and contract differ"


@dataclass(frozen=True, slots=True)
class Wanted:
    """What is to be proven: at which block (None: the mirror's), whether what does not bear on it is sealed, and which
    fields of the invoice are shown."""

    certificate: CertificateId
    block: int | None = None
    redact: bool = False
    open: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Gathered:
    """What the database gives for a proof, so that its connection is not held while the node is asked."""

    wanted: Wanted
    cursor: CursorRow
    block: int
    entries: tuple[Entry, ...]
    history: History
    opened: tuple[OpenedField, ...]


def gather(connection: Connection, wanted: Wanted) -> Gathered:
    """Read the journal up to the block, in one snapshot. Raises BlockNotMirrored, UnknownReceivable,
    UnknownCertificate, FieldUnknown, InvoiceErased, JournalTooLong, JournalBroken."""
    certificate = wanted.certificate
    cursor = health.cursor(connection)
    if cursor is None:
        raise BlockNotMirrored("nothing is mirrored yet")
    block = cursor.block_number if wanted.block is None else wanted.block
    if block > cursor.block_number:
        raise BlockNotMirrored(f"it is at block {cursor.block_number}, not at {block}")
    stored = entry_queries.stored_entries(connection, certificate.receivable_id)
    entries = tuple(row.decode() for row in stored if row.block_number <= block)
    if not entries:
        raise UnknownReceivable(f"{format_receivable_id(certificate.receivable_id)} is not there at block {block}")
    history = History.of(entries, chain_id=cursor.chain_id, contract=cursor.contract, certificate=certificate)
    if not history.existed:
        raise UnknownCertificate(f"{certificate} never was a certificate up to block {block}")
    opened = _opened(connection, history.registered.document_root, wanted.open) if wanted.open else ()
    return Gathered(wanted, cursor, block, entries, history, opened)


def make(node: Node, gathered: Gathered) -> bytes:
    """The bundle, checked as any verifier would. Raises ProofFailed, HeaderUnknown, NodeUnreachable, RpcFailed."""
    wanted, cursor = gathered.wanted, gathered.cursor
    certificate = wanted.certificate
    fields = node.header_fields(gathered.block)
    encoded = header_bytes(fields)
    header = Header.decode(encoded)
    pool = _Pool(node, cursor.contract, gathered.block)
    pool.fetch(_always(certificate, gathered.history.registered))
    words = read_words(pool.lookup, certificate, gathered.history.registered)
    bundle = Bundle(
        chain_id=cursor.chain_id,
        contract=cursor.contract,
        certificate=certificate,
        stated=statement(certificate, gathered.history, words, now=header.at),
        entries=gathered.entries,
        header=encoded,
        nodes=tuple(pool.nodes),
        opened=gathered.opened,
    )
    if wanted.redact:
        bundle = bundle.redact(bearing(bundle.entries, start=certificate.start, end=certificate.end))
    made = bundle.encode()
    verdict = verify(made, witness=KnownHash(header.hash, "the node"))
    for finding in verdict.findings:
        if finding.status is Status.CONTRADICTED:
            raise ProofFailed(f"{finding.name}: {finding.words}")
    return made


def pins_of(node: Node, contract: Address) -> Pins:
    """What pins a verifier to this contract, as the node has it. Raises NodeUnreachable, RpcFailed."""
    return Pins(node.chain_id, contract, keccak256(node.code(contract)))


@dataclass(slots=True)
class _Pool:
    """The words of one contract at one block, and the nodes that prove those looked up, in the order of their use."""

    node: Node
    contract: Address
    block: int
    nodes: dict[bytes, None] = field(default_factory=dict)
    _known: dict[bytes, Proof] = field(default_factory=dict)

    def fetch(self, places: Sequence[bytes]) -> None:
        """Ask for several words at once: some nodes take as long for one."""
        found = self.node.proofs(self.contract, places, block=self.block)
        self._known.update(zip(places, found, strict=True))

    def lookup(self, place: bytes) -> int:
        if place not in self._known:
            self.fetch([place])
        proof = self._known[place]
        self.nodes |= dict.fromkeys((*proof.account, *proof.storage))
        return proof.word


def _always(certificate: CertificateId, registered: Registered) -> list[bytes]:
    """The places that are looked up whatever stands there: which others are, the words tell."""
    places: list[bytes] = []

    def nothing(place: bytes) -> int:
        places.append(place)
        return 0

    read_words(nothing, certificate, registered)
    return places


def _opened(connection: Connection, root: bytes, names: Sequence[str]) -> tuple[OpenedField, ...]:
    """The fields of these names, with the schema, each with its path."""
    invoice = invoice_queries.invoice_by_root(connection, root)
    if invoice is None:
        raise InvoiceErased()
    attachments = invoice_queries.attachments_by_root(connection, root)
    pairs = [(name, value) for name, value, _ in invoice.fields]
    pairs += attachment_fields([Attachment(row.file_name, row.sha256, row.size_bytes) for row in attachments])
    salts = [bytes.fromhex(salt) for _, _, salt in invoice.fields] + [row.salt for row in attachments]
    committed = commit(pairs, salts)
    known = {name: (value, salt) for (name, value), salt in zip(pairs, salts, strict=True)}
    for name in names:
        if name not in known:
            raise FieldUnknown(f"{name!r}; it has {', '.join(known)}")
    return tuple(OpenedField(name, *known[name], committed.path_to(name)) for name in _with_schema(names, known))


def _with_schema(names: Sequence[str], known: Iterable[str]) -> list[str]:
    """The names asked for in the order of the leaves, and the schema."""
    wanted = {SCHEMA_FIELD, *names}
    return [name for name in known if name in wanted]
