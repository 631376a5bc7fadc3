"""The registry's contract as Python sees it: calldata of its operations, its bulk views at one block."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from functools import cache
from typing import Any, TypeVar

from registry.chain import reverts
from registry.chain.abi import ContractAbi
from registry.chain.compile import Artifact, compile_contracts
from registry.chain.rpc import BlockTag, CallReverted, Node
from registry.chain.words import (
    CertificateWord,
    MemberWord,
    RecordWords,
    unpack_certificate,
    unpack_member,
    unpack_record,
)
from registry.domain.identifiers import Address, range_word, token_id
from registry.domain.rules import Claim

VIEW_IDS_MAX = 500
"""Ids in one call of a bulk view: fits the call gas of common nodes."""

_T = TypeVar("_T")
_Key = TypeVar("_Key")

At = int | bytes | BlockTag
"""A block: number, hash or tag."""


@cache
def artifact(name: str) -> Artifact:
    """A compiled contract by name."""
    return compile_contracts()[name]


@cache
def receivables_abi() -> ContractAbi:
    """The ABI of Receivables."""
    return ContractAbi(artifact("Receivables"))


class Terms:
    """The terms of a registered receivable, as `confirm` and `refuse` name them."""

    def __init__(self, *, originator: Address, registered_at: int, claim: Claim) -> None:
        self.originator = originator
        self.registered_at = registered_at
        self.claim = claim

    def encodable(self) -> tuple[Any, ...]:
        """IReceivables.Terms."""
        return (self.originator, self.registered_at, encodable_claim(self.claim))


def encodable_claim(claim: Claim) -> tuple[Any, ...]:
    """IReceivables.Claim."""
    return (claim.debtor, claim.face, claim.due, claim.currency, claim.fingerprint, claim.document_root)


class Calls:
    """Calldata of the operations, one method each, with the contract's own names."""

    @staticmethod
    def admit(*, member: Address, kyc_expiry: int, roles: int, profile: bytes) -> bytes:
        return receivables_abi().call("admit", member, kyc_expiry, roles, profile)

    @staticmethod
    def suspend(*, member: Address, reason: int) -> bytes:
        return receivables_abi().call("suspend", member, reason)

    @staticmethod
    def register(claim: Claim) -> bytes:
        return receivables_abi().call("register", encodable_claim(claim))

    @staticmethod
    def confirm(*, receivable_id: int, terms: Terms) -> bytes:
        return receivables_abi().call("confirm", receivable_id, terms.encodable())

    @staticmethod
    def refuse(*, receivable_id: int, terms: Terms, reason: int) -> bytes:
        return receivables_abi().call("refuse", receivable_id, terms.encodable(), reason)

    @staticmethod
    def split(*, receivable_id: int, start: int, end: int, cut: int, receiver: Address, document: bytes) -> bytes:
        return receivables_abi().call("split", range_word(receivable_id, start, end), cut, receiver, document)

    @staticmethod
    def endorse(*, receivable_id: int, start: int, end: int, receiver: Address, document: bytes) -> bytes:
        return receivables_abi().call("endorse", range_word(receivable_id, start, end), receiver, document)

    @staticmethod
    def approve(*, receivable_id: int, start: int, to: Address) -> bytes:
        return receivables_abi().call("approve", to, token_id(receivable_id, start))

    @staticmethod
    def set_approval_for_all(*, operator: Address, approved: bool) -> bytes:
        return receivables_abi().call("setApprovalForAll", operator, approved)


class ReceivablesView:
    """Reads of one deployed Receivables. Bulk views go VIEW_IDS_MAX ids at a time, all at the block that is named."""

    def __init__(self, node: Node, address: Address) -> None:
        self.node = node
        self.address = address

    def read(self, function: str, *arguments: Any, block: At = "latest") -> Any:
        """The value of a view function. Raises the contract's named refusals."""
        abi = receivables_abi()
        try:
            answer = self.node.call(to=self.address, data=abi.call(function, *arguments), block=block)
        except CallReverted as reverted:
            raise reverts.refusal(abi, reverted) from reverted
        return abi.result(function, answer)

    def count(self, *, block: At = "latest") -> int:
        """Receivables registered so far."""
        return int(self.read("count", block=block))

    def receivable_of(self, *, fingerprint: bytes, debtor: Address, originator: Address, block: At = "latest") -> int:
        """The receivable that lives under the fingerprint, or 0."""
        return int(self.read("receivableOf", fingerprint, debtor, originator, block=block))

    def heads(self, journal_ids: Iterable[int], *, block: At = "latest") -> dict[int, bytes]:
        """Heads by journal id; zeros for an id that was never used."""
        return self._bulk("heads", list(journal_ids), lambda key: key, lambda head: head, block)

    def records(self, receivable_ids: Iterable[int], *, block: At = "latest") -> dict[int, RecordWords]:
        """The words of receivables by id."""
        return self._bulk("receivables", list(receivable_ids), lambda key: key, lambda row: unpack_record(*row), block)

    def certificates(
        self, ids: Iterable[tuple[int, int]], *, block: At = "latest"
    ) -> dict[tuple[int, int], CertificateWord]:
        """Certificate words by (receivable id, start)."""
        return self._bulk("certificates", list(ids), lambda key: token_id(*key), unpack_certificate, block)

    def members(self, accounts: Iterable[Address], *, block: At = "latest") -> dict[Address, MemberWord]:
        """Member words by address."""
        return self._bulk("members", list(accounts), lambda key: key, unpack_member, block)

    def _bulk(
        self,
        function: str,
        keys: Sequence[_Key],
        argument: Callable[[_Key], Any],
        parse: Callable[[Any], _T],
        block: At,
    ) -> dict[_Key, _T]:
        found: dict[_Key, _T] = {}
        for at in range(0, len(keys), VIEW_IDS_MAX):
            part = keys[at : at + VIEW_IDS_MAX]
            answers = self.read(function, [argument(key) for key in part], block=block)
            found.update((key, parse(answer)) for key, answer in zip(part, answers, strict=True))
        return found
