"""An audit of one deployed registry: every head, every word and every list against the fold of the logs."""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Iterable
from dataclasses import dataclass

from registry.chain.contract import Policy, ReceivablesView
from registry.chain.rpc import Node
from registry.chain.words import MemberWord, ParameterWord, RecordWords
from registry.domain.decode import ENTRY_TOPICS, decode
from registry.domain.fold import empty_receivable, empty_registry, fold_all, fold_registry
from registry.domain.identifiers import Address
from registry.domain.journal import REGISTRY_JOURNAL, Entry
from registry.domain.receivable import Parameter, Receivable, Registry, Status
from registry.domain.rules import parameter_in_force

LIVE = (Status.REGISTERED, Status.CONFIRMED)
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
    assert_members(view, registry, balances, accounts={*registry.members, *balances, *strangers})
    assert_claims(view, receivables)
    latest = view.node.block("latest")
    assert latest is not None
    assert_policy(view.policy(), registry, now=latest.at)
    delay = registry.parameters[Parameter.FORCED_TRANSFER_DELAY_SECONDS]
    assert [setting.value for setting in delay] == [view.forced_transfer_delay()]


def assert_receivables(view: ReceivablesView, registry: Registry, receivables: dict[int, Receivable]) -> None:
    """Heads, terms and orders of all receivables; the head of R-0."""
    assert list(receivables) == list(range(1, view.count() + 1))
    records = view.records([REGISTRY_JOURNAL, *receivables])
    assert records[REGISTRY_JOURNAL].head == registry.head
    assert {number: records[number] for number in receivables} == {
        number: expected_record(receivable) for number, receivable in receivables.items()
    }
    assert view.receivable_freezes(receivables) == {
        number: receivable.orders for number, receivable in receivables.items()
    }


def assert_certificates(view: ReceivablesView, receivables: dict[int, Receivable]) -> Counter[Address]:
    """Words and orders of all certificates; returns how many each account holds."""
    ids = [(number, start) for number, receivable in receivables.items() for start in receivable.certificates]
    words, freezes = view.certificates(ids), view.certificate_freezes(ids)
    balances: Counter[Address] = Counter()
    for number, receivable in receivables.items():
        at = 0
        for certificate in sorted(receivable.certificates.values(), key=lambda certificate: certificate.start):
            word = words[number, certificate.start]
            assert (word.holder, word.end) == (certificate.holder, certificate.end)
            assert word.original == (certificate.start == 0 and not receivable.front_endorsed)
            assert freezes[number, certificate.start] == certificate.orders
            assert word.frozen == bool(certificate.orders)
            # A disjoint, exact cover: each begins where the one before it ended, and the last ends at the face.
            assert certificate.start == at < word.end
            at = word.end
            balances[word.holder] += 1
        assert at == (receivable.face if receivable.status is Status.CONFIRMED else 0)
    return balances


def assert_members(
    view: ReceivablesView, registry: Registry, balances: Counter[Address], *, accounts: set[Address]
) -> None:
    """Words and orders of these accounts."""
    assert view.members(sorted(accounts)) == {
        account: expected_member(registry, account, balances[account]) for account in sorted(accounts)
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


def assert_policy(policy: Policy, registry: Registry, *, now: int) -> None:
    """The registry's own switches, and the parameters from now on."""
    movement, registration = policy.movement, policy.registration
    assert (movement.rules, policy.descriptor) == (registry.rules, registry.descriptor)
    assert (movement.paused, policy.paused_since) == (bool(registry.paused_since), registry.paused_since)
    assert (movement.sunset, registration.paused_seconds) == (bool(registry.sunset_at), registry.paused_seconds)
    words: dict[Parameter, ParameterWord] = {
        Parameter.TENOR_LIMIT_DAYS: registration.tenor_limit_days,
        Parameter.MINIMUM_PART_MINOR: movement.minimum_part_minor,
        Parameter.ANSWER_WINDOW_DAYS: registration.answer_window_days,
        Parameter.UNANSWERED_MAX: registration.unanswered_max,
    }
    for parameter, word in words.items():
        changes = [setting.effective for setting in registry.parameters[parameter] if setting.effective > now]
        for at in (now, *(change - 1 for change in changes), *changes):
            assert word.in_force(now=at) == parameter_in_force(registry, parameter, now=at)


def expected_record(receivable: Receivable) -> RecordWords:
    """The words that a receivable in this state has on chain."""
    return RecordWords(
        debtor=receivable.debtor,
        face=receivable.face,
        due=receivable.due,
        currency=receivable.currency,
        status=receivable.status,
        frozen=bool(receivable.orders),
        head=receivable.head,
    )


def expected_member(registry: Registry, account: Address, balance: int) -> MemberWord:
    """The word of an account: its admission, its orders and the number of its certificates."""
    member = registry.members.get(account)
    if member is None:
        return MemberWord(balance=balance, kyc_expiry=0, roles=0, status=0, frozen=False)
    return MemberWord(
        balance=balance,
        kyc_expiry=member.kyc_expiry,
        roles=member.roles,
        status=member.status,
        frozen=bool(member.orders),
    )
