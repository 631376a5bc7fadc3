"""An audit of one deployed registry: every head, every word and every list against the fold of the logs."""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Iterable
from dataclasses import dataclass

from registry.chain.contract import Policy, ReceivablesView
from registry.chain.rpc import Node
from registry.chain.words import (
    AmountsWord,
    CertificateWord,
    LienWord,
    MemberWord,
    ParameterWord,
    RecordWords,
    RecourseWord,
    Rights,
)
from registry.domain.amounts import conservation_faults
from registry.domain.decode import ENTRY_TOPICS, decode
from registry.domain.fold import empty_receivable, empty_registry, fold_all, fold_registry
from registry.domain.identifiers import Address
from registry.domain.journal import REGISTRY_JOURNAL, Entry
from registry.domain.keccak import keccak256
from registry.domain.receivable import Certificate, Parameter, Receivable, Registry, Status
from registry.domain.rules import parameter_in_force

ONCE_CONFIRMED = (Status.CONFIRMED, Status.SETTLED, Status.CLOSED)
LIVE = (Status.REGISTERED, *ONCE_CONFIRMED)
"""A claim in one of these keeps its fingerprint taken."""


@dataclass(frozen=True)
class Folded:
    """The state of a whole registry, folded from its journals."""

    registry: Registry
    receivables: dict[int, Receivable]
    journals: dict[int, list[Entry]]


def folded(node: Node, contract: Address, *, first_block: int = 0) -> Folded:
    """Fold all journals from the logs."""
    journals: dict[int, list[Entry]] = defaultdict(list)
    for log in node.logs(contract=contract, topics=ENTRY_TOPICS, first=first_block, last=node.head()):
        entry = decode(log.topics, log.data)
        journals[entry.journal_id].append(entry)
    where = {"chain_id": node.chain_id, "contract": contract}
    return Folded(
        registry=fold_registry(empty_registry(**where), journals.pop(REGISTRY_JOURNAL, [])),
        receivables={
            receivable_id: fold_all(empty_receivable(**where, receivable_id=receivable_id), entries)
            for receivable_id, entries in sorted(journals.items())
        },
        journals=dict(journals),
    )


def audit(node: Node, contract: Address, *, first_block: int = 0) -> Folded:
    """Assert that all of the chain's state is what the journals fold to; returns the folded state."""
    state = folded(node, contract, first_block=first_block)
    assert_agreement(ReceivablesView(node, contract), state.registry, state.receivables)
    return state


def assert_agreement(
    view: ReceivablesView, registry: Registry, receivables: dict[int, Receivable], *, strangers: Iterable[Address] = ()
) -> None:
    """Assert that what the chain stores is what was folded, and that the words themselves are conserved."""
    assert_receivables(view, registry, receivables)
    balances = assert_certificates(view, receivables)
    overdue = Counter(receivable.debtor for receivable in receivables.values() if receivable.dishonoured)
    assert_members(view, registry, balances, overdue, accounts={*registry.members, *balances, *overdue, *strangers})
    assert_claims(view, receivables)
    assert_deposits(view, registry, receivables)
    latest = view.node.block("latest")
    assert latest is not None
    assert_policy(view.policy(), registry, now=latest.at)
    delay = registry.parameters[Parameter.FORCED_TRANSFER_DELAY_SECONDS]
    assert [setting.value for setting in delay] == [view.forced_transfer_delay()]


def assert_receivables(view: ReceivablesView, registry: Registry, receivables: dict[int, Receivable]) -> None:
    """Heads, terms, amounts and orders of all receivables; the head of R-0."""
    assert list(receivables) == list(range(1, view.count() + 1))
    records = view.records([REGISTRY_JOURNAL, *receivables])
    assert records[REGISTRY_JOURNAL].head == registry.head
    assert {number: records[number] for number in receivables} == {
        number: expected_record(receivable, claimed=kept_claim(receivable, records[number].claimed))
        for number, receivable in receivables.items()
    }
    assert [fault for receivable in receivables.values() for fault in conservation_faults(receivable)] == []
    assert view.receivable_freezes(receivables) == {
        number: receivable.orders for number, receivable in receivables.items()
    }


def assert_certificates(view: ReceivablesView, receivables: dict[int, Receivable]) -> Counter[Address]:
    """Words, rights and orders of all certificates; returns how many each account holds."""
    ids = [(number, start) for number, receivable in receivables.items() for start in receivable.certificates]
    words, freezes, rights = view.certificates(ids), view.certificate_freezes(ids), view.rights(ids)
    balances: Counter[Address] = Counter()
    for number, receivable in receivables.items():
        at = length = 0
        for certificate in sorted(receivable.certificates.values(), key=lambda certificate: certificate.start):
            word = words[number, certificate.start]
            assert word == expected_certificate(receivable, certificate, approved=word.approved)
            assert freezes[number, certificate.start] == certificate.orders
            assert rights[number, certificate.start] == expected_rights(certificate)
            # Disjoint: each begins where the one before it ended, or after certificates that are paid out.
            assert at <= certificate.start < word.end
            at = word.end
            length += word.end - certificate.start
            balances[word.holder] += 1
        # An exact cover of what is neither credited nor paid out, which leaves no room for another certificate.
        confirmed = receivable.face if receivable.status in ONCE_CONFIRMED else 0
        assert length + receivable.redeemed + receivable.cancelled == confirmed
    return balances


def assert_members(
    view: ReceivablesView,
    registry: Registry,
    balances: Counter[Address],
    overdue: Counter[Address],
    *,
    accounts: set[Address],
) -> None:
    """Words and orders of these accounts."""
    assert view.members(sorted(accounts)) == {
        account: expected_member(registry, account, balances[account], dishonoured=overdue[account])
        for account in sorted(accounts)
    }
    assert view.member_freezes(sorted(registry.members)) == {
        account: registry.members[account].orders for account in sorted(registry.members)
    }


def assert_claims(view: ReceivablesView, receivables: dict[int, Receivable]) -> None:
    """Who has which fingerprint, and how many claims of a pair wait for an answer."""
    taken: dict[tuple[bytes, Address, Address], int] = {}
    unanswered: Counter[tuple[Address, Address]] = Counter()
    for number, receivable in receivables.items():
        key = (receivable.fingerprint, receivable.debtor, receivable.originator)
        taken[key] = number if receivable.status in LIVE else taken.get(key, 0)
        unanswered[receivable.debtor, receivable.originator] += receivable.status is Status.REGISTERED
    for (fingerprint, debtor, originator), number in taken.items():
        found = view.receivable_of(fingerprint=fingerprint, debtor=debtor, originator=originator)
        assert found == number
    for (debtor, originator), count in unanswered.items():
        assert view.unanswered(debtor=debtor, originator=originator) == count


def assert_deposits(view: ReceivablesView, registry: Registry, receivables: dict[int, Receivable]) -> None:
    """The registry has in each currency what was paid in and not paid out, and knows the tokens that R-0 names."""
    assert view.deposit_tokens(registry.deposit_tokens) == dict(registry.deposit_tokens)
    for currency, token in registry.deposit_tokens.items():
        call = keccak256(b"balanceOf(address)")[:4] + view.address.rjust(32, b"\0")
        held = int.from_bytes(view.node.call(to=token, data=call))
        known = [receivable for receivable in receivables.values() if receivable.currency == currency]
        assert held == sum(receivable.paid - receivable.claimed for receivable in known)


def assert_policy(policy: Policy, registry: Registry, *, now: int) -> None:
    """The registry's own switches, and the parameters from now on."""
    movement, registration, settlement = policy.movement, policy.registration, policy.settlement
    assert settlement.desk == registry.desk
    assert (movement.rules, policy.descriptor) == (registry.rules, registry.descriptor)
    assert (movement.paused, policy.paused_since) == (bool(registry.paused_since), registry.paused_since)
    assert (movement.sunset, registration.paused_seconds) == (bool(registry.sunset_at), registry.paused_seconds)
    words: dict[Parameter, ParameterWord] = {
        Parameter.TENOR_LIMIT_DAYS: registration.tenor_limit_days,
        Parameter.MINIMUM_PART_MINOR: movement.minimum_part_minor,
        Parameter.ANSWER_WINDOW_DAYS: registration.answer_window_days,
        Parameter.UNANSWERED_MAX: registration.unanswered_max,
        Parameter.OVERDUE_GRACE_DAYS: settlement.overdue_grace_days,
    }
    for parameter, word in words.items():
        changes = [setting.effective for setting in registry.parameters[parameter] if setting.effective > now]
        for at in (now, *(change - 1 for change in changes), *changes):
            assert word.in_force(now=at) == parameter_in_force(registry, parameter, now=at)


def kept_claim(receivable: Receivable, found: int) -> int:
    """What the contract keeps of what was paid out: no more is added once all is paid. `found` is what it says."""
    if receivable.status is not Status.SETTLED:
        return receivable.claimed
    assert found <= receivable.claimed
    return found


def expected_record(receivable: Receivable, *, claimed: int) -> RecordWords:
    """The words that a receivable in this state has on chain; `claimed` as kept_claim says."""
    return RecordWords(
        debtor=receivable.debtor,
        face=receivable.face,
        due=receivable.due,
        currency=receivable.currency,
        status=receivable.status,
        frozen=bool(receivable.orders),
        restrained=receivable.disputed or receivable.paid > 0,
        head=receivable.head,
        amounts=AmountsWord(
            paid=receivable.paid,
            cancelled=receivable.cancelled,
            senior=receivable.senior,
            disputed=receivable.disputed,
            dishonoured=receivable.dishonoured,
        ),
        claimed=claimed,
    )


def expected_certificate(receivable: Receivable, certificate: Certificate, *, approved: bool) -> CertificateWord:
    """The word that a certificate of a receivable in this state has on chain."""
    return CertificateWord(
        holder=certificate.holder,
        end=certificate.end,
        approved=approved,
        frozen=bool(certificate.orders),
        original=certificate == receivable.front,
        pledged=certificate.lien is not None,
        recourse=certificate.recourse is not None,
        claimed=certificate.claimed > 0,
    )


def expected_rights(certificate: Certificate) -> Rights:
    """What lies on a certificate in this state, on chain."""
    lien, recourse = certificate.lien, certificate.recourse
    return Rights(
        lien=LienWord(lien.financier, lien.secured) if lien else None,
        recourse=RecourseWord(recourse.seller, recourse.amount, recourse.demanded) if recourse else None,
        claimed=certificate.claimed,
    )


def expected_member(registry: Registry, account: Address, balance: int, *, dishonoured: int) -> MemberWord:
    """The word of an account: admission, orders, the numbers of its certificates and of debts not paid in time."""
    member = registry.members.get(account)
    if member is None:
        return MemberWord(balance=balance, kyc_expiry=0, roles=0, status=0, frozen=False, dishonoured=dishonoured)
    return MemberWord(
        balance=balance,
        kyc_expiry=member.kyc_expiry,
        roles=member.roles,
        status=member.status,
        frozen=bool(member.orders),
        dishonoured=dishonoured,
    )
