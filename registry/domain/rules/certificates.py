"""Cutting, handing on and joining certificates: the entries that the contract would append, or its refusal."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace

from registry.domain.identifiers import Address, CertificateId, format_address
from registry.domain.journal import Endorsed, Merged, Split
from registry.domain.receivable import Certificate, Parameter, Receivable
from registry.domain.rules.refusals import BatchEmpty, NotHolder
from registry.domain.rules.requirements import (
    require_free_to_move,
    require_held_by,
    require_other_holder,
    require_parts,
    require_running,
    require_thawed,
)
from registry.domain.rules.world import Act, World


@dataclass(frozen=True, slots=True)
class Part:
    """One part of a batch split, cut from the tail of what is left at `cut` (minor units)."""

    cut: int
    receiver: Address
    document: bytes


@dataclass(frozen=True, slots=True)
class Endorsement:
    """One certificate of a batch endorsement."""

    certificate_id: CertificateId
    receiver: Address
    document: bytes


def decide_split(
    world: World,
    *,
    actor: Address,
    certificate_id: CertificateId,
    cut: int,
    receiver: Address,
    document: bytes,
    now: int,
) -> Split:
    """Raises RegistryPaused, UnknownCertificate, NotHolder, RangeChanged, what require_free_to_move raises,
    MemberNotEligible, CutOutOfRange, BelowMinimumPart, TradeDocumentMissing, RulesForbid."""
    parts = (Part(cut, receiver, document),)
    (entry,) = decide_split_many(world, actor=actor, certificate_id=certificate_id, parts=parts, now=now)
    return entry


def decide_split_many(
    world: World, *, actor: Address, certificate_id: CertificateId, parts: Sequence[Part], now: int
) -> tuple[Split, ...]:
    """Cuts descend: each part is cut from what the ones before it left. Raises what decide_split raises, BatchEmpty."""
    require_running(world.registry)
    receivable, certificate = world.require_named(actor, certificate_id)
    require_free_to_move(receivable, certificate, now=now)
    world.require_sender(certificate.holder, now=now)
    if not parts:
        raise BatchEmpty()
    minimum = world.parameter(Parameter.MINIMUM_PART_MINOR, now=now)
    start, end = certificate.start, certificate.end
    entries = []
    for part in parts:
        require_parts(start, part.cut, end, minimum=minimum)
        if part.receiver == certificate.holder:
            world.require_eligible(part.receiver, now=now)
        else:
            world.require_receiver(part.receiver, part.document, now=now)
        world.extra_rules(
            Act(Split.OPERATION, receivable.receivable_id, actor, certificate.holder, part.receiver, part.cut, end)
        )
        entries.append(Split(receivable.receivable_id, actor, part.receiver, start, end, part.cut, part.document, now))
        end = part.cut
    return tuple(entries)


def decide_endorse(
    world: World, *, actor: Address, certificate_id: CertificateId, receiver: Address, document: bytes, now: int
) -> Endorsed:
    """Raises RegistryPaused, UnknownCertificate, NotHolder, RangeChanged, what require_free_to_move raises,
    SameHolder, MemberNotEligible, TradeDocumentMissing, RulesForbid."""
    require_running(world.registry)
    receivable, certificate = world.require_named(actor, certificate_id)
    return _endorsed(world, receivable, certificate, actor=actor, receiver=receiver, document=document, now=now)


def decide_endorse_many(
    world: World, *, actor: Address, endorsements: Sequence[Endorsement], now: int
) -> tuple[Endorsed, ...]:
    """All or none, each after the ones before it. Raises BatchEmpty, and what decide_endorse raises."""
    if not endorsements:
        raise BatchEmpty()
    entries = []
    for one in endorsements:
        entry = decide_endorse(
            world,
            actor=actor,
            certificate_id=one.certificate_id,
            receiver=one.receiver,
            document=one.document,
            now=now,
        )
        entries.append(entry)
        world = _after(world, entry)
    return tuple(entries)


def decide_transfer(
    world: World,
    *,
    actor: Address,
    giver: Address,
    receivable_id: int,
    start: int,
    receiver: Address,
    document: bytes,
    now: int,
) -> Endorsed:
    """ERC-721's transfer: a token id names no end, so what moves is the certificate at that start as it is.

    Raises what decide_endorse raises but RangeChanged; NotHolder also where the giver is not the holder.
    """
    require_running(world.registry)
    receivable, certificate = world.require_authority(actor, (receivable_id, start))
    require_held_by(certificate, giver)
    return _endorsed(world, receivable, certificate, actor=actor, receiver=receiver, document=document, now=now)


def decide_merge(world: World, *, actor: Address, certificate_id: CertificateId, end: int, now: int) -> Merged:
    """Join a certificate with its right neighbour, which ends at `end`. Raises RegistryPaused, UnknownCertificate,
    NotHolder, RangeChanged, what require_free_to_move raises, MemberNotEligible."""
    require_running(world.registry)
    receivable, left = world.require_named(actor, certificate_id)
    _, right = world.require_named(actor, CertificateId(receivable.receivable_id, left.end, end))
    require_held_by(right, left.holder)
    require_free_to_move(receivable, left, now=now)
    require_thawed(right, now=now)
    world.require_sender(left.holder, now=now)
    return Merged(receivable.receivable_id, actor, left.start, right.end, left.end, now)


def decide_approve(world: World, *, actor: Address, receivable_id: int, start: int) -> None:
    """ERC-721's approve, for the certificate as it is. No entry: an approval changes no holder and no range.

    Raises UnknownCertificate, NotHolder.
    """
    _, certificate = world.require_existing(receivable_id, start)
    if actor != certificate.holder and (certificate.holder, actor) not in world.operators:
        raise NotHolder(f"{format_address(actor)} does not hold that certificate")


def decide_approve_range(world: World, *, actor: Address, certificate_id: CertificateId) -> None:
    """The form by signature, which names the end. Raises UnknownCertificate, RangeChanged, NotHolder."""
    world.require_whole(certificate_id)
    decide_approve(world, actor=actor, receivable_id=certificate_id.receivable_id, start=certificate_id.start)


def _endorsed(
    world: World,
    receivable: Receivable,
    certificate: Certificate,
    *,
    actor: Address,
    receiver: Address,
    document: bytes,
    now: int,
) -> Endorsed:
    """The entry once authority and range are clear."""
    require_free_to_move(receivable, certificate, now=now)
    require_other_holder(certificate, receiver)
    world.require_sender(certificate.holder, now=now)
    world.require_receiver(receiver, document, now=now)
    number, start, end = receivable.receivable_id, certificate.start, certificate.end
    world.extra_rules(Act(Endorsed.OPERATION, number, actor, certificate.holder, receiver, start, end))
    return Endorsed(number, actor, receiver, start, end, document, now)


def _after(world: World, entry: Endorsed) -> World:
    """The world that the next endorsement of a batch meets. The fold, which imports these rules, says the rest."""
    receivable = world.receivables[entry.receivable_id]
    handed = Certificate(entry.start, entry.end, entry.receiver, receivable.length + 1)
    token = handed.id(entry.receivable_id).token_id
    moved = replace(receivable, certificates={**receivable.certificates, entry.start: handed})
    return replace(
        world,
        receivables={**world.receivables, entry.receivable_id: moved},
        approvals={key: account for key, account in world.approvals.items() if key != token},
    )
