"""Who may act: authority over certificates, and signatures that stand for their signer."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest

from registry.domain import journal, rules
from registry.domain.identifiers import Address, CertificateId
from registry.domain.receivable import DAY_SECONDS
from registry.domain.rules import Authorisation
from tests.domain.setting import (
    BANK,
    CONFIRMED,
    DUE,
    EMPTY,
    KEY,
    NOW,
    REGISTERED,
    SELLER,
    STRANGER,
    SUPPLIER,
    about,
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


def test_what_others_do_disturbs_a_signature_about_a_receivable_but_not_one_that_answers_it() -> None:
    here = world(LIVE, fingerprints={KEY: 1})
    here.require_same_receivable(about(SIGNED, OPEN), 1)
    with pytest.raises(rules.AnchorMismatch):
        here.require_answer(SIGNED, 1)
    here.require_answer(replace(SIGNED, anchor=LIVE.head), 1)


@pytest.mark.parametrize(
    "other",
    [{"face": 99}, {"due": DUE + DAY_SECONDS}, {"currency": 840}, {"debtor": BANK}, {"fingerprint": b"\x09" * 32}],
)
def test_a_signature_about_other_terms_or_another_claim_does_not_count(other: dict[str, Any]) -> None:
    here = world(LIVE, fingerprints={KEY: 1})
    with pytest.raises(rules.AnchorMismatch):
        here.require_same_receivable(about(SIGNED, replace(LIVE, **other)), 1)


def test_a_claim_that_ended_or_went_to_another_id_has_no_anchor() -> None:
    by = about(SIGNED, LIVE)
    for fingerprints in ({}, {KEY: 2}):
        with pytest.raises(rules.AnchorMismatch):
            world(LIVE, fingerprints=fingerprints).require_same_receivable(by, 1)


def test_a_receivable_that_does_not_exist_has_no_head() -> None:
    here = world(LIVE)
    here.require_answer(replace(SIGNED, anchor=bytes(32)), 2)
    with pytest.raises(rules.AnchorMismatch):
        here.require_answer(replace(SIGNED, anchor=EMPTY.head), 2)


def test_the_registrys_own_journal_has_a_head_like_any_other() -> None:
    here = world(LIVE)
    here.require_answer(replace(SIGNED, anchor=here.registry.head), journal.REGISTRY_JOURNAL)
    with pytest.raises(rules.AnchorMismatch):
        here.require_answer(replace(SIGNED, anchor=bytes(32)), journal.REGISTRY_JOURNAL)
