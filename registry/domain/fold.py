"""The one fold: state and entry in, next state out. Mirror, auditor, verifier and property tests all call it.

A receivable's journal says everything about that receivable, and R-0 everything about the members; the order between
two journals inside one block is not proven by their heads, so no fold looks into another journal.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import replace
from types import MappingProxyType

from registry.domain import journal, rules
from registry.domain.identifiers import Address, format_receivable_id
from registry.domain.journal import (
    Confirmed,
    Endorsed,
    Entry,
    MemberAdmitted,
    MemberSuspended,
    Refused,
    Registered,
    Split,
)
from registry.domain.receivable import Certificate, Member, MemberStatus, Receivable, Registry, Role, Status
from registry.domain.refusals import Refusal


class JournalBroken(Refusal):
    """An entry that cannot follow the ones before it: the journal is not what the contract wrote."""

    code = "journal_broken"
    status = 500
    title = "The journal holds an entry that the contract cannot have accepted"


def empty_receivable(*, chain_id: int, contract: Address, receivable_id: int) -> Receivable:
    """A receivable before its first entry; its head is the journal's genesis."""
    return Receivable(receivable_id, journal.genesis(chain_id=chain_id, contract=contract, journal_id=receivable_id))


def empty_registry(*, chain_id: int, contract: Address) -> Registry:
    """R-0 before its first entry."""
    return Registry(journal.genesis(chain_id=chain_id, contract=contract, journal_id=journal.REGISTRY_JOURNAL))


def fold(receivable: Receivable, entry: Entry) -> Receivable:
    """The receivable after one more entry. Raises JournalBroken."""
    return fold_all(receivable, (entry,))


def fold_all(receivable: Receivable, entries: Iterable[Entry]) -> Receivable:
    """The receivable after these entries, in order. Raises JournalBroken at the first that cannot follow.

    Costs one copy of the certificates in all, not one per entry.
    """
    for state, _ in walk(receivable, entries):
        receivable = state
    return replace(receivable, certificates=MappingProxyType(dict(receivable.certificates)))


def walk(receivable: Receivable, entries: Iterable[Entry]) -> Iterator[tuple[Receivable, Entry]]:
    """The state after each entry, with the entry. Raises JournalBroken at the first that cannot follow.

    The certificates of a yielded state are a live view that the next step changes: to keep a state, use fold_all.
    """
    certificates = dict(receivable.certificates)
    for entry in entries:
        try:
            receivable = _apply(receivable, entry, certificates)
        except JournalBroken:
            raise
        except Refusal as refusal:
            raise JournalBroken(
                f"entry {receivable.length + 1} of {format_receivable_id(receivable.receivable_id)}: {refusal}"
            ) from refusal
        yield receivable, entry


def fold_registry(registry: Registry, entries: Iterable[Entry]) -> Registry:
    """R-0 after these entries, in order. Raises JournalBroken."""
    members = dict(registry.members)
    head, length = registry.head, registry.length
    for entry in entries:
        match entry:
            case MemberAdmitted():
                try:
                    rules.require_admission(entry.member, kyc_expiry=entry.kyc_expiry, roles=entry.roles, now=entry.at)
                except rules.MemberMalformed as malformed:
                    raise JournalBroken(f"entry {length + 1} of R-0: {malformed}") from malformed
                members[entry.member] = Member(
                    address=entry.member,
                    status=MemberStatus.ACTIVE,
                    kyc_expiry=entry.kyc_expiry,
                    roles=Role(entry.roles),
                    profile=entry.profile,
                    admitted_at=entry.at,
                )
            case MemberSuspended():
                known = members.get(entry.member)
                if known is None or known.status is not MemberStatus.ACTIVE or not entry.reason:
                    raise JournalBroken(f"entry {length + 1} of R-0 suspends without a reason, or no active member")
                members[entry.member] = replace(known, status=MemberStatus.SUSPENDED, suspension_reason=entry.reason)
            case _:
                raise JournalBroken(f"entry {length + 1} of R-0 is of another journal")
        head = journal.append(head, entry.hash())
        length += 1
    return Registry(head, length, MappingProxyType(members))


def _apply(receivable: Receivable, entry: Entry, certificates: dict[int, Certificate]) -> Receivable:
    """One transition. `certificates` is the cover that goes with `receivable`, changed in place."""
    if entry.journal_id != receivable.receivable_id:
        raise JournalBroken(f"an entry of {format_receivable_id(entry.journal_id)} in another journal")
    head = journal.append(receivable.head, entry.hash())
    length = receivable.length + 1
    current = replace(receivable, head=head, length=length, certificates=certificates)
    match entry:
        case Registered():
            rules.require_status(receivable, Status.NONE)
            rules.require_claim(entry.face, entry.currency, entry.due, now=entry.at)
            rules.require_commitments(
                fingerprint=entry.fingerprint,
                document_root=entry.document_root,
                debtor=entry.debtor,
                originator=entry.originator,
            )
            return replace(
                current,
                status=Status.REGISTERED,
                originator=entry.originator,
                debtor=entry.debtor,
                face=entry.face,
                due=entry.due,
                currency=entry.currency,
                fingerprint=entry.fingerprint,
                document_root=entry.document_root,
                registered_at=entry.at,
            )
        case Confirmed():
            rules.require_status(receivable, Status.REGISTERED)
            rules.require_before_due(receivable.due, now=entry.at)
            _require_terms(receivable, entry.debtor, entry.face)
            if entry.originator != receivable.originator:
                raise JournalBroken("the confirmation names another originator than the registration")
            certificates[0] = Certificate(0, entry.face, entry.originator, length)
            return replace(current, status=Status.CONFIRMED, answered_at=entry.at)
        case Refused():
            rules.require_status(receivable, Status.REGISTERED)
            _require_terms(receivable, entry.debtor, entry.face)
            rules.require_reason(entry.reason)
            return replace(current, status=Status.REFUSED, answered_at=entry.at, refusal_reason=entry.reason)
        case Split():
            whole = _require_whole(current, entry.start, entry.end, now=entry.at)
            rules.require_cut(whole, entry.cut)
            certificates[whole.start] = Certificate(whole.start, entry.cut, whole.holder, length)
            certificates[entry.cut] = Certificate(entry.cut, whole.end, entry.receiver, length)
            return current
        case Endorsed():
            whole = _require_whole(current, entry.start, entry.end, now=entry.at)
            if entry.receiver == whole.holder:
                raise rules.SameHolder()
            certificates[whole.start] = Certificate(whole.start, whole.end, entry.receiver, length)
            return replace(current, front_endorsed=current.front_endorsed or whole.start == current.cancelled)
        case _:
            raise JournalBroken(f"{type(entry).__name__} is not an entry of a receivable")


def _require_terms(receivable: Receivable, debtor: Address, face: int) -> None:
    if (debtor, face) != (receivable.debtor, receivable.face):
        raise JournalBroken("the answer names another debtor or another amount than the registration")


def _require_whole(receivable: Receivable, start: int, end: int, *, now: int) -> Certificate:
    rules.require_movable(receivable, now=now)
    certificate = rules.require_certificate(receivable, start)
    if certificate.end != end:
        raise JournalBroken(f"[{start}, {end}) is not a whole certificate")
    return certificate
