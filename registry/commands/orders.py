"""Orders of authorities (DOMAIN rule 22): one officer signs what another one carries out.

An order is named on chain by registry.domain.orders.order_hash of the authority and the number that it gave the order.
Its document is JSON: authority, number, and the operations as registry.chain.typed_data writes them, in their order;
what one of them cuts out, the next one freezes.

The chain can judge an officer's operation only with both officers, and the second of two only after the first. So they
are rehearsed beforehand with registry.domain.rules, from the mirrored journals: before anything is signed, and before
the first one is sent.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from eth_account.signers.local import LocalAccount

from registry.chain import delayed, operations
from registry.chain.contract import receivables_abi
from registry.chain.eip712 import MALFORMED, part, read_part, what_is_wrong
from registry.chain.operations import Order
from registry.chain.submit import account_address
from registry.chain.typed_data import SignedOperation, SignedOperationMalformed
from registry.commands import rehearsing
from registry.commands.accounts import rehearsed_as_first
from registry.commands.certificates import named
from registry.commands.sending import (
    Done,
    Pen,
    known_by_name,
    nonce_used,
    send_call,
    signed,
    undone_if_refused,
)
from registry.commands.services import Services
from registry.commands.signing import DocumentOfAnotherKind, read_kind, require_here
from registry.domain import fold, rules
from registry.domain.identifiers import ZERO_ADDRESS, Address, CertificateId, format_receivable_id
from registry.domain.journal import REGISTRY_JOURNAL, Entry
from registry.domain.money import currency_to_show, parse_typed_amount
from registry.domain.orders import order_hash
from registry.domain.receivable import Certificate
from registry.domain.refusals import Refusal
from registry.domain.rules import (
    CutOutOfRange,
    NonceUsed,
    OrderMissing,
    UnknownCertificate,
    UnknownReceivable,
    World,
)
from registry.store import records
from registry.store.database import Connection
from registry.store.queries import entries as entry_queries

OPERATIONS_MAX = 10
"""Operations in one order document; a freezing that is cut out takes three."""

_ANOTHER = ZERO_ADDRESS
"""Stands for whichever officer will carry out what is being signed."""


class OrderTextDiffers(Refusal):
    """The words in an order's document are not those that its operations name."""

    code = "order_text_differs"
    status = 409
    title = "Authority and number are not those of the order that was signed"
    default_hint = "Compare the document with the order itself, and have it signed again"


@dataclass(frozen=True, slots=True)
class Reference:
    """What an authority calls its order."""

    authority: str
    number: str

    @property
    def hash(self) -> bytes:
        """Its name on chain, 32 bytes. Raises OrderMissing where one of them is none."""
        try:
            return order_hash(authority=self.authority, number=self.number)
        except ValueError as error:
            raise OrderMissing(str(error)) from error


@dataclass(frozen=True, slots=True)
class OrderDocument:
    """An order with the operations that one officer signed for another one to carry out."""

    reference: Reference
    operations: tuple[SignedOperation, ...]

    @property
    def ordered(self) -> list[Order]:
        """The operations without their signatures."""
        return [one.operation for one in self.operations if isinstance(one.operation, Order)]

    def to_json(self) -> dict[str, Any]:
        """The document."""
        return {
            "authority": self.reference.authority,
            "number": self.reference.number,
            "operations": [signed.to_json() for signed in self.operations],
        }

    @classmethod
    def read(cls, path: Path) -> OrderDocument:
        """Read a document of a stranger's.

        Raises DocumentUnreadable, SignedOperationMalformed, DocumentOfAnotherKind, OrderTextDiffers.
        """
        document = read_kind(path, "operations")
        try:
            reference = Reference(read_part(str, document, "authority"), read_part(str, document, "number"))
            found = tuple(SignedOperation.from_json(one) for one in part(document, "operations"))
            hash_ = reference.hash
        except MALFORMED as error:
            raise SignedOperationMalformed(f"{path.name} is no order: {what_is_wrong(error)}") from error
        if not 1 <= len(found) <= OPERATIONS_MAX:
            raise SignedOperationMalformed(f"an order has 1 to {OPERATIONS_MAX} operations, not {len(found)}")
        for signed_ in found:
            if not isinstance(signed_.operation, Order):
                raise DocumentOfAnotherKind(f"{signed_.operation.function()} is a member's")
            if signed_.operation.values()["order"] != hash_:
                raise OrderTextDiffers(f"{path.name} says {reference.authority}, {reference.number}")
        return cls(reference, found)


# ------------------------------------------------------------ what is ordered


def partition(services: Services, target: CertificateId, reference: Reference) -> list[Order]:
    """Cut exact cents out of the certificate around them.

    Raises UnknownReceivable, UnknownCertificate, CutOutOfRange.
    """
    cuts, _ = _cut_out(services, target, reference)
    if not cuts:
        raise CutOutOfRange(f"{target} is a certificate already")
    return cuts


def freeze_certificate(services: Services, target: CertificateId, reference: Reference, *, expiry: int) -> list[Order]:
    """Freeze exact cents until `expiry` (seconds), cut out first where they are a part of a certificate.

    Raises UnknownReceivable, UnknownCertificate.
    """
    cuts, holder = _cut_out(services, target, reference)
    return [
        *cuts,
        operations.FreezeCertificate(**named(target), holder=holder, order=reference.hash, expiry=expiry),
    ]


def unfreeze_certificate(target: CertificateId, reference: Reference) -> list[Order]:
    """Lift an order from a certificate."""
    return [operations.UnfreezeCertificate(**named(target), order=reference.hash)]


def freeze_receivable(receivable_id: int, reference: Reference, *, expiry: int) -> list[Order]:
    """Freeze all certificates of a receivable until `expiry` (seconds)."""
    return [operations.FreezeReceivable(receivable_id=receivable_id, order=reference.hash, expiry=expiry)]


def unfreeze_receivable(receivable_id: int, reference: Reference) -> list[Order]:
    """Lift an order from a receivable."""
    return [operations.UnfreezeReceivable(receivable_id=receivable_id, order=reference.hash)]


def freeze_member(member: Address, reference: Reference, *, expiry: int) -> list[Order]:
    """Freeze all certificates of a member until `expiry` (seconds)."""
    return [operations.FreezeMember(member=member, order=reference.hash, expiry=expiry)]


def unfreeze_member(member: Address, reference: Reference) -> list[Order]:
    """Lift an order from a member."""
    return [operations.UnfreezeMember(member=member, order=reference.hash)]


def transfer(services: Services, target: CertificateId, reference: Reference, *, receiver: Address) -> list[Order]:
    """Hand a certificate, frozen under the order for its delay, to the receiver.

    Raises UnknownReceivable, UnknownCertificate.
    """
    whole = _around(services, target)
    return [operations.ForceTransfer(**named(target), holder=whole.holder, receiver=receiver, order=reference.hash)]


def named_cents(
    services: Services, certificate: CertificateId, *, first: str | None, last: str | None
) -> CertificateId:
    """The cents of a certificate from one amount (as typed) to another, both counted from its beginning.

    Raises UnknownCertificate, CutOutOfRange and what parse_typed_amount raises.
    """
    record = services.view.records([certificate.receivable_id])[certificate.receivable_id]
    currency = currency_to_show(record.currency)
    start = certificate.start + (0 if first is None else parse_typed_amount(first, currency))
    end = certificate.end if last is None else certificate.start + parse_typed_amount(last, currency)
    if not certificate.start <= start < end <= certificate.end:
        raise CutOutOfRange(f"from {first or 0} to {last or 'the end'} is not within {certificate}")
    return CertificateId(certificate.receivable_id, start, end)


# ------------------------------------------------------------------- signing


def sign_order(
    services: Services, *, signer: LocalAccount, reference: Reference, ordered: Sequence[Order], deadline: int
) -> OrderDocument:
    """Sign an order as one officer, until `deadline` (seconds); another one carries it out.

    Raises what the contract would refuse of it, but for what lies with the other officer.
    """
    pen = Pen(signer, deadline)
    rehearsed = [_Step(order, rehearsing.unsigned(services, order, pen)) for order in ordered]
    _rehearse(services, rehearsed, actor=_ANOTHER)
    return OrderDocument(reference, tuple(signed(services, pen, order) for order in ordered))


# -------------------------------------------------------------- carrying out


def carry_out_order(services: Services, *, signer: LocalAccount, document: OrderDocument) -> list[Done]:
    """Do what an order says, as the officer that did not sign it, and keep the order's words.

    Safe to repeat after a failure: what was done is not done again. Raises SignedForAnother, NonceUsed where all was
    done or given up, and the contract's refusals, before the first operation is sent.
    """
    for one in document.operations:
        require_here(services, one)
    left = [one for one in document.operations if not nonce_used(services, one.by.signer, one.by.nonce)]
    if not left:
        raise NonceUsed("all that was signed there was done or given up")
    _rehearse(services, [_step(services, one) for one in left], actor=account_address(signer))
    with _words_kept(services, document.reference), rehearsed_as_first(len(left)):
        return [send_call(services, signer, one.call()) for one in left]


@contextmanager
def _words_kept(services: Services, reference: Reference) -> Iterator[None]:
    """The words of an order are kept before it is sent, and taken back where nothing of it was done."""
    with services.database.write() as connection:
        records.save_order_reference(connection, authority=reference.authority, number=reference.number)

    def forget(connection: Connection) -> None:
        if not entry_queries.entries_of_order(connection, reference.hash, limit=1).rows:
            records.forget_order_reference(connection, order_hash=reference.hash)

    with undone_if_refused(services, forget):
        yield


# --------------------------------------------------------------- rehearsing


@dataclass(frozen=True, slots=True)
class _Step:
    """An operation as the rules take it."""

    order: Order
    second: rules.Authorisation


_DECISIONS: Mapping[type[Order], Callable[..., Entry]] = {
    operations.Partition: rules.decide_partition,
    operations.FreezeCertificate: rules.decide_freeze_certificate,
    operations.UnfreezeCertificate: rules.decide_unfreeze_certificate,
    operations.FreezeReceivable: rules.decide_freeze_receivable,
    operations.UnfreezeReceivable: rules.decide_unfreeze_receivable,
    operations.FreezeMember: rules.decide_freeze_member,
    operations.UnfreezeMember: rules.decide_unfreeze_member,
    operations.ForceTransfer: rules.decide_force_transfer,
}


def _step(services: Services, signed_: SignedOperation) -> _Step:
    by = signed_.by
    # Whether a contract stands behind a signature (ERC-1271) only the chain can say.
    genuine = signed_.is_accounts() or bool(services.node.code(by.signer))
    second = rules.Authorisation(by.signer, by.nonce, by.deadline, by.anchor, by.claim_key, genuine)
    assert isinstance(signed_.operation, Order)  # nothing else is read from an order's document
    return _Step(signed_.operation, second)


def _rehearse(services: Services, steps: Sequence[_Step], *, actor: Address) -> None:
    """What the contract would refuse of these, one after the other. Raises its refusals."""
    now = services.node.pending_at()
    with known_by_name(services):
        world = _world(services, steps, actor=actor)
        for step in steps:
            arguments = rehearsing.arguments(step.order)
            entry = _DECISIONS[type(step.order)](world, actor=actor, second=step.second, now=now, **arguments)
            world = _after(world, entry)


def _after(world: World, entry: Entry) -> World:
    """The world that the next operation of an order meets."""
    if entry.journal_id == REGISTRY_JOURNAL:
        return replace(world, registry=fold.fold_registry(world.registry, (entry,)))
    receivable = fold.fold(world.receivables[entry.journal_id], entry)
    return replace(world, receivables={**world.receivables, entry.journal_id: receivable})


def _world(services: Services, steps: Iterable[_Step], *, actor: Address) -> World:
    """What the rules of orders look at, as the mirror has it."""
    officers = {step.second.signer for step in steps} | {actor}
    world = rehearsing.world(
        services,
        receivables={step.order.receivable_id for step in steps if hasattr(step.order, "receivable_id")},
        members=concerned(step.order for step in steps),
    )
    return replace(
        world,
        officers=frozenset(officer for officer in officers if officer == _ANOTHER or is_officer(services, officer)),
    )


def concerned(ordered: Iterable[Order]) -> set[Address]:
    """Whom operations of officers name: members, holders, receivers."""
    found = {getattr(order, name, None) for order in ordered for name in ("member", "holder", "receiver")}
    return {address for address in found if address is not None}


def is_officer(services: Services, account: Address) -> bool:
    """Whether the regulator named this account an officer."""
    return delayed.calls_at_once(
        services.node,
        services.deployment.regulation,
        caller=account,
        to=services.deployment.receivables,
        selector=receivables_abi().selector(operations.Partition.function()),
    )


# ------------------------------------------------------------------ cutting


def _around(services: Services, target: CertificateId) -> Certificate:
    """The certificate of which the cents are a part. Raises UnknownReceivable, UnknownCertificate."""
    with services.database.snapshot() as connection:
        receivable = rehearsing.receivable(connection, target.receivable_id)
    if not receivable.length:
        raise UnknownReceivable(f"there is no {format_receivable_id(target.receivable_id)}")
    for certificate in receivable.certificates.values():
        if certificate.start <= target.start and target.end <= certificate.end:
            return certificate
    raise UnknownCertificate(f"{target} is not a part of one certificate")


def _cut_out(services: Services, target: CertificateId, reference: Reference) -> tuple[list[Order], Address]:
    """The cuts after which the cents are a certificate of their own, from the right, and who holds them."""
    whole = _around(services, target)
    number, order, holder = target.receivable_id, reference.hash, whole.holder
    cuts: list[Order] = []
    for cut, end in ((target.end, whole.end), (target.start, target.end)):
        if whole.start < cut < end:
            cuts.append(
                operations.Partition(
                    receivable_id=number, start=whole.start, end=end, cut=cut, holder=holder, order=order
                )
            )
    return cuts, holder
