"""Whether the chain holds what the model holds.

`after_step` reads, in one batch, what the step could have touched; `whole` reads everything there is.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass, field
from itertools import pairwise
from typing import Any

from registry.chain.contract import Policy
from registry.chain.words import (
    CertificateWord,
    Rights,
    unpack_certificate,
    unpack_member,
    unpack_movement,
    unpack_record,
    unpack_registration,
    unpack_rights,
    unpack_settlement,
)
from registry.domain import amounts
from registry.domain.identifiers import ZERO_ADDRESS, Address, parse_address, token_id
from registry.domain.journal import REGISTRY_JOURNAL, Entry, MemberAdmitted, MemberFrozen, MemberUnfrozen
from registry.domain.receivable import Freeze, Receivable, Scope, Status
from registry.domain.refusals import Refusal
from registry.domain.rules import ONCE_CONFIRMED, in_force, is_eligible, require_payout
from tests.contracts.audit import assert_policy, expected_certificate, expected_member, expected_record, expected_rights
from tests.properties.registry_world import ADDRESSES, Ground, Key, Model

NOTHING = unpack_certificate(0)
NO_RIGHTS = unpack_rights(0, 0, 0)
NONCE_WORD = 256
BATCH_READS_MAX = 200


@dataclass
class Touched:
    """What a step could have changed, besides members and the registry's own switches, which are read after each."""

    receivables: set[int] = field(default_factory=set)
    certificates: set[tuple[int, int]] = field(default_factory=set)
    """Those that are gone too, by (receivable id, start)."""
    nonces: set[tuple[Address, int]] = field(default_factory=set)
    """Words of nonces, by (signer, word)."""
    frozen: set[Address] = field(default_factory=set)
    """Members with other orders than before."""
    operators: set[tuple[Address, Address]] = field(default_factory=set)
    """(holder, operator)"""
    keys: set[Key] = field(default_factory=set)
    desk_nonces: set[tuple[Address, int]] = field(default_factory=set)
    """As nonces, of the desk."""
    allowances: set[tuple[Address, Address, Address]] = field(default_factory=set)
    """(token, owner, spender)"""

    def add(self, model: Model, entry: Entry) -> None:
        """What an entry is about; the model before or after it, or both, as certificates come and go."""
        number = entry.journal_id
        if isinstance(entry, MemberFrozen | MemberUnfrozen | MemberAdmitted):
            self.frozen.add(entry.member)
        if number == REGISTRY_JOURNAL:
            return
        self.receivables.add(number)
        state = model.receivables.get(number)
        if state is not None:
            self.certificates |= {(number, start) for start in state.certificates}
            self.keys.add(_key(state))


@dataclass(frozen=True)
class Expected:
    """One read, and what it should give."""

    what: str
    function: str
    arguments: tuple[Any, ...]
    value: Any
    parse: Callable[[Any], Any] = lambda value: value
    at: Address | None = None
    """Another contract than the registry."""


def after_step(ground: Ground, model: Model, touched: Touched, *, now: int) -> None:
    """Compare what was touched. `now` is the timestamp of the newest block."""
    _compare(ground, [*_always(model, now), *_receivables(model, touched), *_others(ground, model, touched, now)])
    _require_conserved(model, touched.receivables)


def amounts_after(ground: Ground, model: Model, touched: Touched, *, now: int) -> None:
    """Compare receivables and certificates alone, and what the registry holds."""
    named = Touched(receivables=touched.receivables, certificates=touched.certificates)
    _compare(ground, [*_held(model), *_receivables(model, named), *_others(ground, model, named, now)])
    _require_conserved(model, touched.receivables)


def whole(ground: Ground, model: Model, *, now: int) -> None:
    """Compare everything: also that nothing else was touched."""
    parts = {(number, start) for number, state in model.receivables.items() for start in state.certificates}
    everything = Touched(
        receivables=set(model.receivables),
        certificates=parts,
        nonces={(signer, nonce // NONCE_WORD) for signer, nonce in model.nonces},
        frozen=set(ADDRESSES),
        operators={(holder, operator) for holder in ADDRESSES for operator in ADDRESSES},
        keys=set(model.keys),
        desk_nonces={(signer, nonce // NONCE_WORD) for signer, nonce in model.desk_nonces},
        allowances=set(model.deposits.allowances),
    )
    _compare(
        ground,
        [
            *_always(model, now),
            *_receivables(model, everything),
            *_others(ground, model, everything, now),
            *_eligibility(model, now),
            *_deposits(model),
        ],
    )
    _require_conserved(model, model.receivables)
    # ERC-721 was told of the same certificates, in the same hands.
    assert model.owners == {token_id(*one): _part(model, *one)[0].holder for one in parts}


def _require_conserved(model: Model, numbers: Iterable[int]) -> None:
    """Every minor unit of what was confirmed is in one certificate at most, or credited or paid out."""
    for number in numbers:
        state = model.receivables[number]
        parts = sorted(state.certificates.values(), key=lambda part: part.start)
        assert all(part.start < part.end for part in parts)
        assert all(one.end <= other.start for one, other in pairwise(parts))
        assert amounts.conservation_faults(state) == ()
        assert state.status in ONCE_CONFIRMED or not parts


def _compare(ground: Ground, expected: list[Expected]) -> None:
    for at in range(0, len(expected), BATCH_READS_MAX):
        some = expected[at : at + BATCH_READS_MAX]
        answers = ground.chain.read([(one.at, one.function, one.arguments) for one in some])
        for one, answer in zip(some, answers, strict=True):
            found = one.parse(answer)
            assert found == one.value, f"{one.what}: the chain has {found}, the model {one.value}"


def _always(model: Model, now: int) -> Iterator[Expected]:
    registry = model.registry
    balances = Counter(model.owners.values())
    overdue = Counter(state.debtor for state in model.receivables.values() if state.dishonoured)
    words = [
        expected_member(registry, account, balances[account], dishonoured=overdue[account]) for account in ADDRESSES
    ]
    yield Expected("members", "members", (ADDRESSES,), words, lambda found: [unpack_member(word) for word in found])
    yield Expected("count", "count", (), len(model.receivables))

    def agrees(row: Any) -> bool:
        movement, registration, settlement, paused_since, descriptor = row
        words = unpack_movement(movement), unpack_registration(registration), unpack_settlement(settlement)
        assert_policy(Policy(*words, paused_since, parse_address(descriptor)), registry, now=now)
        return True

    yield Expected("policy", "policy", (), True, agrees)
    yield from _held(model)


def _held(model: Model) -> Iterator[Expected]:
    """What came in and did not go out is there, and nothing else."""
    for token in model.registry.deposit_tokens.values():
        held = model.held(token)
        assert held == model.deposits.balances[token, model.contract]
        yield Expected("deposits of the registry", "DepositToken.balanceOf", (model.contract,), held, at=token)


def _receivables(model: Model, touched: Touched) -> Iterator[Expected]:
    numbers = sorted(touched.receivables)
    states = [model.receivables[number] for number in numbers]
    heads = [model.registry.head, *(state.head for state in states)]
    yield Expected("heads", "heads", ([REGISTRY_JOURNAL, *numbers],), heads, list)
    if not numbers:
        return
    records = [expected_record(state, claimed=model.kept[state.receivable_id]) for state in states]
    yield Expected("records", "receivables", (numbers,), records, lambda rows: [unpack_record(*row) for row in rows])
    orders = [state.orders for state in states]
    yield Expected("orders on receivables", "freezes", (Scope.RECEIVABLE, numbers), orders, _parse_freezes)


def _others(ground: Ground, model: Model, touched: Touched, now: int) -> Iterator[Expected]:
    named = sorted(touched.certificates)
    tokens = [token_id(*one) for one in named]
    parts = [_part(model, *one) for one in named]
    if named:
        words = [word for word, _ in parts]
        yield Expected(
            "certificates", "certificates", (tokens,), words, lambda found: [*map(unpack_certificate, found)]
        )
        orders = [orders for _, orders in parts]
        yield Expected("orders on certificates", "freezes", (Scope.CERTIFICATE, tokens), orders, _parse_freezes)
        rights = [_rights(model, *one) for one in named]
        yield Expected("rights", "rights", (tokens,), rights, lambda rows: [unpack_rights(*row) for row in rows])
        payouts = [_redeemable(model, *one, now=now) for one in named]
        yield Expected("redeemable", "redeemable", (tokens,), payouts, list)
    for token in tokens:
        if token in model.approvals:
            yield Expected("approval", "getApproved", (token,), model.approvals[token], parse_address)
    for account in sorted(touched.frozen):
        orders = [model.registry.members[account].orders if account in model.registry.members else ()]
        ids = [int.from_bytes(account)]
        yield Expected("orders on a member", "freezes", (Scope.MEMBER, ids), orders, _parse_freezes)
    for signer, word in sorted(touched.nonces):
        yield Expected("nonces", "noncesUsed", (signer, word), _nonces(model.nonces, signer, word))
    for signer, word in sorted(touched.desk_nonces):
        used = _nonces(model.desk_nonces, signer, word)
        yield Expected("the desk's nonces", "FinancingDesk.noncesUsed", (signer, word), used, at=ground.deployment.desk)
    for token, owner, spender in sorted(touched.allowances):
        allowed = model.deposits.allowances[token, owner, spender]
        yield Expected("allowance", "DepositToken.allowance", (owner, spender), allowed, at=token)
    for pair in sorted(touched.operators):
        yield Expected("operator", "isApprovedForAll", pair, pair in model.operators)
    for key in sorted(touched.keys):
        yield Expected("fingerprint", "receivableOf", key, model.fingerprints.get(key, 0))
        claimed = key in model.fingerprints or key in model.predecessor_claims
        yield Expected("claim", "isClaimed", key, claimed)
    for debtor, originator in sorted({key[1:] for key in touched.keys}):
        waiting = sum(
            state.status is Status.REGISTERED and (state.debtor, state.originator) == (debtor, originator)
            for state in model.receivables.values()
        )
        yield Expected("unanswered", "unanswered", (debtor, originator), waiting)


def _eligibility(model: Model, now: int) -> Iterator[Expected]:
    for account in ADDRESSES:
        member = model.registry.members.get(account)
        eligible = is_eligible(member, now=now)
        yield Expected("eligible", "isEligible", (account,), eligible)
        frozen = member is not None and bool(in_force(member.orders, now=now))
        yield Expected("sender", "canSend", (account,), eligible and not frozen)


def _deposits(model: Model) -> Iterator[Expected]:
    """All balances and bookings, and the sums."""
    for token in model.tokens:
        held = model.deposits.balances
        for account in (*ADDRESSES, model.contract):
            yield Expected("deposit", "DepositToken.balanceOf", (account,), held[token, account], at=token)
        yield Expected("all deposits", "DepositToken.totalSupply", (), model.deposits.supply(token), at=token)
    for (token, owner), used in model.deposits.permits.items():
        yield Expected("permits", "DepositToken.nonces", (owner,), used, at=token)
    for token, reference in model.deposits.booked:
        yield Expected("booking", "DepositToken.isBooked", (reference,), True, at=token)
    named = sorted({*model.registry.deposit_tokens, *model.tokens.values()})
    set_ = [model.registry.deposit_tokens.get(currency, ZERO_ADDRESS) for currency in named]
    yield Expected("tokens", "depositTokens", (named,), set_, lambda found: [*map(parse_address, found)])


def _part(model: Model, number: int, start: int) -> tuple[CertificateWord, tuple[Freeze, ...]]:
    """Word and orders of what is at that start now."""
    state = model.receivables.get(number)
    part = state.certificates.get(start) if state else None
    if state is None or part is None:
        return NOTHING, ()
    approved = token_id(number, start) in model.approvals
    return expected_certificate(state, part, approved=approved), part.orders


def _rights(model: Model, number: int, start: int) -> Rights:
    state = model.receivables.get(number)
    part = state.certificates.get(start) if state else None
    return expected_rights(part) if part else NO_RIGHTS


def _redeemable(model: Model, number: int, start: int, *, now: int) -> int:
    """What anybody could have paid out."""
    world = model.world()
    try:
        state, part = world.require_existing(number, start)
        world.require_no_order_over(state, part, now=now)
        return require_payout(state, part).amount
    except Refusal:
        return 0


def _nonces(used: frozenset[tuple[Address, int]], signer: Address, word: int) -> int:
    return sum(1 << nonce % NONCE_WORD for one, nonce in used if one == signer and nonce // NONCE_WORD == word)


def _key(state: Receivable) -> Key:
    return state.fingerprint, state.debtor, state.originator


def _parse_freezes(lists: list[list[tuple[bytes, int, int]]]) -> list[tuple[Freeze, ...]]:
    return [tuple(Freeze(order=order, expiry=expiry, since=since) for order, expiry, since in one) for one in lists]
