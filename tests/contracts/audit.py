"""An audit of one deployed registry: every head and every word against the fold of the logs."""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Iterable
from dataclasses import dataclass

from registry.chain.contract import ReceivablesView
from registry.chain.rpc import Node
from registry.chain.words import MemberWord, RecordWords
from registry.domain.decode import ENTRY_TOPICS, decode
from registry.domain.fold import empty_receivable, empty_registry, fold_all, fold_registry
from registry.domain.identifiers import Address
from registry.domain.journal import REGISTRY_JOURNAL, Entry
from registry.domain.receivable import Receivable, Registry, Status


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
    """Assert that heads and words on chain are what the journals fold to; returns the folded state."""
    state = folded(node, contract, first_block=first_block)
    assert_agreement(ReceivablesView(node, contract), state.registry, state.receivables)
    return state


def assert_agreement(
    view: ReceivablesView, registry: Registry, receivables: dict[int, Receivable], *, strangers: Iterable[Address] = ()
) -> None:
    """Assert that the chain's heads and words equal the folded ones, and that the words themselves are conserved."""
    count = view.count()
    assert list(receivables) == list(range(1, count + 1))
    records = view.records([REGISTRY_JOURNAL, *receivables])
    assert records[REGISTRY_JOURNAL].head == registry.head
    assert {number: records[number] for number in receivables} == {
        number: expected_record(receivable) for number, receivable in receivables.items()
    }
    ids = [(number, start) for number, receivable in receivables.items() for start in receivable.certificates]
    words = view.certificates(ids)
    balances: Counter[Address] = Counter()
    for number, receivable in receivables.items():
        at = 0
        for certificate in sorted(receivable.certificates.values(), key=lambda certificate: certificate.start):
            word = words[number, certificate.start]
            assert (word.holder, word.end) == (certificate.holder, certificate.end)
            # A disjoint, exact cover: each begins where the one before it ended, and the last ends at the face.
            assert certificate.start == at < word.end
            at = word.end
            balances[word.holder] += 1
        assert at == (receivable.face if receivable.status is Status.CONFIRMED else 0)
    accounts = {*registry.members, *balances, *strangers}
    assert view.members(sorted(accounts)) == {
        account: expected_member(registry, account, balances[account]) for account in sorted(accounts)
    }


def expected_record(receivable: Receivable) -> RecordWords:
    """The three words that a receivable in this state has on chain."""
    return RecordWords(
        debtor=receivable.debtor,
        due=receivable.due,
        currency=receivable.currency,
        status=receivable.status,
        front_endorsed=receivable.front_endorsed,
        face=receivable.face if receivable.status is Status.CONFIRMED else 0,
        paid=receivable.paid,
        cancelled=receivable.cancelled,
        disputed=0,
        head=receivable.head,
    )


def expected_member(registry: Registry, account: Address, balance: int) -> MemberWord:
    """The word of an account: its admission and the number of its certificates."""
    member = registry.members.get(account)
    if member is None:
        return MemberWord(balance=balance, kyc_expiry=0, roles=0, status=0)
    return MemberWord(balance=balance, kyc_expiry=member.kyc_expiry, roles=member.roles, status=member.status)
