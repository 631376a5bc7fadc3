"""A small registry for the tests of the domain: who is in it, how a receivable comes to be, what the rules look at."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import replace
from typing import Any

from registry.domain import anchors
from registry.domain.fold import empty_receivable, empty_registry, fold_all, fold_registry
from registry.domain.journal import Confirmed, CounterOffered, Entry, MemberAdmitted, ParameterSet, Registered
from registry.domain.receivable import DAY_SECONDS, Parameter, Receivable, Registry
from registry.domain.rules import Authorisation, Claim, World

WHERE: dict[str, Any] = {"chain_id": 31337, "contract": b"\xcc" * 20}
SELLER, BUYER, SUPPLIER, BANK, OPERATOR, STRANGER, OFFICER, COUNTERSIGNER = (bytes([n]) * 20 for n in range(1, 9))
DESK, TOKEN, SETTLEMENT_BANK = (bytes([n]) * 20 for n in range(9, 12))
ROLES = {SELLER: 1, BUYER: 2, SUPPLIER: 1, BANK: 4}

NOW = 1_000
DUE = 100 * DAY_SECONDS
LATER_DUE = 120 * DAY_SECONDS
KYC_EXPIRY = 400 * DAY_SECONDS
TENOR_LIMIT_DAYS, MINIMUM_PART_MINOR, ANSWER_WINDOW_DAYS, UNANSWERED_MAX, DELAY_SECONDS = 180, 5, 14, 3, 3_600
GRACE_DAYS = 30
ANSWER_BY = NOW + ANSWER_WINDOW_DAYS * DAY_SECONDS
DOCUMENT = b"\x0d" * 32
ORDER, OTHER_ORDER = b"\x0a" * 32, b"\x0b" * 32
QUOTE = b"\x0c" * 32

FIRST_VALUES = dict(
    zip(
        Parameter,
        (TENOR_LIMIT_DAYS, MINIMUM_PART_MINOR, ANSWER_WINDOW_DAYS, UNANSWERED_MAX, DELAY_SECONDS, GRACE_DAYS),
        strict=True,
    )
)
DEPLOYED: list[Entry] = [ParameterSet(parameter, OPERATOR, value, 1, 1) for parameter, value in FIRST_VALUES.items()]
ADMITTED: list[Entry] = [MemberAdmitted(who, OPERATOR, KYC_EXPIRY, roles, bytes(32), 1) for who, roles in ROLES.items()]

CLAIM = Claim(BUYER, 100, DUE, 978, b"\x01" * 32, b"\x02" * 32)
KEY = (CLAIM.fingerprint, BUYER, SELLER)
REGISTERED = Registered(1, SELLER, BUYER, 100, DUE, 978, b"\x01" * 32, b"\x02" * 32, ANSWER_BY, NOW)
CONFIRMED = Confirmed(1, BUYER, SELLER, 100, NOW)
COUNTER_OFFERED = CounterOffered(1, BUYER, 100, 80, LATER_DUE, NOW)
EMPTY = empty_receivable(**WHERE, receivable_id=1)


def after(*entries: Entry) -> Receivable:
    """R-1 after these entries."""
    return fold_all(EMPTY, entries)


def registry_after(*entries: Entry) -> Registry:
    """R-0 after the deployment and these entries."""
    return fold_registry(empty_registry(**WHERE), [*DEPLOYED, *entries])


def world(*receivables: Receivable, registry: Iterable[Entry] = (), **others: Any) -> World:
    """A registry with a seller, a buyer, a supplier and a bank, and with what happened since in R-0."""
    here = World(
        registry=registry_after(*ADMITTED, *registry),
        receivables={state.receivable_id: state for state in receivables},
        fingerprints={},
        operator=OPERATOR,
        approvals={},
        operators=frozenset(),
        officers=frozenset({OFFICER, COUNTERSIGNER}),
    )
    return replace(here, **others)


def second(receivable: Receivable | None = None) -> Authorisation:
    """The second officer's signature, about that receivable where it is about one."""
    signed = Authorisation(signer=COUNTERSIGNER, nonce=1, deadline=KYC_EXPIRY)
    return signed if receivable is None else about(signed, receivable)


def about(by: Authorisation, receivable: Receivable) -> Authorisation:
    """The signature, anchored at that receivable."""
    return replace(by, anchor=anchors.anchor_of(receivable), claim_key=anchors.claim_key_of(receivable))
