"""A registry with members on a real chain, for tests to act in."""

from __future__ import annotations

import itertools
from dataclasses import dataclass, field

from eth_account.signers.local import LocalAccount

from registry.chain import deploy
from registry.chain.contract import Calls, ReceivablesView, Terms, receivables_abi
from registry.chain.devchain import dev_account
from registry.chain.rpc import Node, Receipt
from registry.chain.submit import account_address, entries, send
from registry.domain.identifiers import Address
from registry.domain.journal import Entry, Registered
from registry.domain.receivable import DAY_SECONDS
from registry.domain.rules import Claim

OPERATOR, SELLER, BUYER, SUPPLIER, BANK, STRANGER = range(6)
ROLES = {SELLER: 1, BUYER: 2, SUPPLIER: 1, BANK: 4}
DOCUMENT = b"\x0d" * 32
EUR = 978
YEAR_SECONDS = 365 * DAY_SECONDS


@dataclass
class Scene:
    """A fresh registry; people are dev accounts by number (OPERATOR, SELLER, …)."""

    node: Node
    deployment: deploy.Deployment
    _numbers: itertools.count[int] = field(default_factory=lambda: itertools.count(1))
    claims: dict[int, tuple[Terms, int]] = field(default_factory=dict)

    @classmethod
    def open(cls, node: Node, *, with_members: bool = True) -> Scene:
        scene = cls(node, deploy.run(node, dev_account(OPERATOR)))
        for person in ROLES if with_members else ():
            scene.admit(person)
        return scene

    @property
    def view(self) -> ReceivablesView:
        return ReceivablesView(self.node, self.deployment.receivables)

    @property
    def now(self) -> int:
        block = self.node.block("latest")
        assert block is not None
        return block.at

    def due(self, *, days: int = 90) -> int:
        return (self.now // DAY_SECONDS + days) * DAY_SECONDS

    @staticmethod
    def address(person: int) -> Address:
        return account_address(dev_account(person))

    def send(self, person: int, data: bytes) -> Receipt:
        signer: LocalAccount = dev_account(person)
        return send(self.node, receivables_abi(), signer=signer, to=self.deployment.receivables, data=data)

    def act(self, person: int, data: bytes) -> Entry:
        (entry,) = entries(self.send(person, data))
        return entry

    def admit(self, person: int, *, roles: int | None = None) -> Entry:
        return self.act(
            OPERATOR,
            Calls.admit(
                member=self.address(person),
                kyc_expiry=self.now + YEAR_SECONDS,
                roles=roles or ROLES.get(person, 1),
                profile=person.to_bytes(32),
            ),
        )

    def suspend(self, person: int) -> Entry:
        return self.act(OPERATOR, Calls.suspend(member=self.address(person), reason=1))

    def claim(self, *, face: int = 100_000, days: int = 90, fingerprint: bytes | None = None) -> Claim:
        number = next(self._numbers)
        return Claim(
            debtor=self.address(BUYER),
            face=face,
            due=self.due(days=days),
            currency=EUR,
            fingerprint=fingerprint or number.to_bytes(32),
            document_root=number.to_bytes(32),
        )

    def register(self, claim: Claim | None = None, *, person: int = SELLER) -> int:
        claim = claim or self.claim()
        entry = self.act(person, Calls.register(claim))
        assert isinstance(entry, Registered)
        terms = Terms(originator=entry.originator, registered_at=entry.at, claim=claim)
        self.claims[entry.receivable_id] = (terms, person)
        return entry.receivable_id

    def confirm(self, receivable_id: int, *, person: int = BUYER) -> Entry:
        terms, _ = self.claims[receivable_id]
        return self.act(person, Calls.confirm(receivable_id=receivable_id, terms=terms))

    def refuse(self, receivable_id: int, *, person: int = BUYER, reason: int = 1) -> Entry:
        terms, _ = self.claims[receivable_id]
        return self.act(person, Calls.refuse(receivable_id=receivable_id, terms=terms, reason=reason))

    def confirmed(self, *, face: int = 100_000) -> int:
        receivable_id = self.register(self.claim(face=face))
        self.confirm(receivable_id)
        return receivable_id

    def end(self, receivable_id: int, start: int) -> int:
        """The end that the certificate has now; 0 if there is none."""
        return self.view.certificates([(receivable_id, start)])[receivable_id, start].end

    def split(
        self, receivable_id: int, *, start: int, cut: int, to: int, person: int = SELLER, document: bytes = DOCUMENT
    ) -> Entry:
        return self.act(
            person,
            Calls.split(
                receivable_id=receivable_id,
                start=start,
                end=self.end(receivable_id, start),
                cut=cut,
                receiver=self.address(to),
                document=document,
            ),
        )

    def endorse(
        self, receivable_id: int, *, start: int, to: int, person: int = SELLER, document: bytes = DOCUMENT
    ) -> Entry:
        return self.act(
            person,
            Calls.endorse(
                receivable_id=receivable_id,
                start=start,
                end=self.end(receivable_id, start),
                receiver=self.address(to),
                document=document,
            ),
        )

    def mine(self, blocks: int) -> None:
        self.node.request("anvil_mine", hex(blocks))

    def pass_time(self, *, seconds: int) -> None:
        self.node.request("evm_increaseTime", hex(seconds))
        self.mine(1)

    def reorg(self, *, depth: int) -> None:
        """Replace the newest blocks by empty ones: what they held is gone."""
        self.node.request("anvil_reorg", depth, [])
