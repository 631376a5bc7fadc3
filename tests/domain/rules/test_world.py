"""Who may act: authority over certificates, and signatures that stand for their signer."""

from __future__ import annotations

from dataclasses import replace

import pytest

from registry.domain import rules
from registry.domain.identifiers import Address, CertificateId
from registry.domain.rules import Authorisation
from tests.domain.setting import (
    BANK,
    CONFIRMED,
    EMPTY,
    NOW,
    REGISTERED,
    SELLER,
    STRANGER,
    SUPPLIER,
    after,
    world,
)

OPEN = after(REGISTERED)
LIVE = after(REGISTERED, CONFIRMED)
SIGNED = Authorisation(signer=SELLER, nonce=7, deadline=NOW, anchor=OPEN.head)


@pytest.mark.parametrize("actor", [SELLER, BANK, SUPPLIER])
def test_holder_approved_and_operator_may_move(actor: Address) -> None:
    allowed = replace(world(LIVE), approvals={1 << 64: BANK}, operators=frozenset({(SELLER, SUPPLIER)}))
    assert allowed.require_authority(actor, (1, 0))[1].holder == SELLER
    with pytest.raises(rules.NotHolder):
        allowed.require_authority(STRANGER, (1, 0))


@pytest.mark.parametrize("certificate_id", [(1, 1), (2, 0), (0, 0)])
def test_an_unknown_certificate_is_nobodys(certificate_id: tuple[int, int]) -> None:
    with pytest.raises(rules.UnknownCertificate):
        world(LIVE).require_authority(SELLER, certificate_id)


@pytest.mark.parametrize("end", [99, 101])
def test_a_range_that_is_another_now_is_told_once_authority_is_clear(end: int) -> None:
    named = CertificateId(1, 0, end)
    with pytest.raises(rules.RangeChanged, match=f"R-1/0-{end} is now R-1/0-100"):
        world(LIVE).require_named(SELLER, named)
    with pytest.raises(rules.NotHolder):
        world(LIVE).require_named(STRANGER, named)


def test_a_signature_counts_once_until_its_deadline() -> None:
    here = world(OPEN)
    here.require_signature(SIGNED, now=NOW)
    used = replace(here, nonces_used=frozenset({(SELLER, 7)}))
    for place, by, now, refusal in (
        (here, SIGNED, NOW + 1, rules.SignatureExpired),
        (used, SIGNED, NOW, rules.NonceUsed),
        (here, replace(SIGNED, genuine=False), NOW, rules.SignatureInvalid),
        (used, replace(SIGNED, genuine=False), NOW + 1, rules.SignatureExpired),
        (used, replace(SIGNED, genuine=False), NOW, rules.NonceUsed),
    ):
        with pytest.raises(refusal):
            place.require_signature(by, now=now)
    used.require_signature(replace(SIGNED, signer=BANK), now=NOW)


def test_a_journal_may_have_gone_on_from_the_anchor_of_a_move_but_not_of_an_answer() -> None:
    here = world(LIVE)
    here.require_journal(replace(SIGNED, since=(CONFIRMED.hash(),)), 1)
    with pytest.raises(rules.AnchorMismatch):
        here.require_journal(SIGNED, 1)
    with pytest.raises(rules.AnchorMismatch):
        here.require_answer(replace(SIGNED, since=(CONFIRMED.hash(),)), 1)
    here.require_answer(replace(SIGNED, anchor=LIVE.head), 1)


def test_a_receivable_that_does_not_exist_has_no_head() -> None:
    here = world(LIVE)
    here.require_journal(replace(SIGNED, anchor=bytes(32)), 2)
    with pytest.raises(rules.AnchorMismatch):
        here.require_journal(replace(SIGNED, anchor=EMPTY.head), 2)
