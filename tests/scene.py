"""A registry with members on a real chain, for tests to act in."""

from __future__ import annotations

import itertools
from collections.abc import Sequence
from dataclasses import dataclass, field, replace

from eth_account.signers.local import LocalAccount

from registry.chain import delayed, deploy, devchain, operations, quotes, typed_data
from registry.chain.abi import ContractAbi
from registry.chain.contract import Calls, ReceivablesView, Terms, artifact, receivables_abi, signed_call
from registry.chain.deposits import DepositCalls, DepositView, deposit_abi
from registry.chain.devchain import dev_account
from registry.chain.eip712 import Eip712Domain, fresh_nonce
from registry.chain.operations import Agreement, Operation
from registry.chain.quotes import Quote, QuoteKind, SignedQuote, desk_abi
from registry.chain.rpc import Node, Receipt
from registry.chain.submit import account_address, entries, send
from registry.chain.typed_data import SignedOperation
from registry.domain import anchors
from registry.domain.decode import decode
from registry.domain.fold import empty_receivable, fold_all
from registry.domain.identifiers import Address
from registry.domain.journal import ENTRY_TYPES, CounterOffered, Entry, Registered
from registry.domain.receivable import DAY_SECONDS, Offer, Receivable
from registry.domain.rules import Claim, Part

OPERATOR, SELLER, BUYER, SUPPLIER, BANK, STRANGER = range(6)
REGULATOR, (OFFICER, SECOND) = devchain.REGULATOR, devchain.OFFICERS
SETTLEMENT_BANK = devchain.SETTLEMENT_BANK
ROLES = {SELLER: 1, BUYER: 2, SUPPLIER: 1, BANK: 4}
DOCUMENT = b"\x0d" * 32
ORDER = b"\x0e" * 32
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
        charter = replace(deploy.dev_charter(), currencies=(EUR,))
        scene = cls(node, deploy.run(node, dev_account(OPERATOR), charter))
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

    @property
    def domain(self) -> Eip712Domain:
        return Eip712Domain(chain_id=self.node.chain_id, contract=self.deployment.receivables)

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

    # ------------------------------------------------------------- operator

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

    def pause(self) -> Entry:
        return self.act(OPERATOR, Calls.pause())

    def unpause(self) -> Entry:
        return self.act(OPERATOR, Calls.unpause())

    def govern(self, data: bytes, *, person: int = OPERATOR) -> Entry:
        """What the governor does after its delay, which passes here."""
        waiting = self.advance(data, person=person)
        assert isinstance(waiting, delayed.Scheduled)
        self.pass_time(seconds=max(0, waiting.ready_at - self.now))
        done = self.advance(data, person=person)
        assert isinstance(done, delayed.Done)
        (entry,) = entries(done.receipt)
        return entry

    def advance(self, data: bytes, *, person: int = OPERATOR) -> delayed.Done | delayed.Scheduled:
        """One step of a delayed operation: schedule it, or carry it out."""
        access, to = self.deployment.access, self.deployment.receivables
        return delayed.advance(self.node, access, signer=dev_account(person), to=to, data=data)

    def set_parameter(self, parameter: int, value: int, *, days: int = 2) -> Entry:
        """From the midnight on that is so many days ahead."""
        return self.govern(Calls.set_parameter(parameter=parameter, value=value, effective=self.due(days=days)))

    def sunset(self) -> Entry:
        return self.govern(Calls.sunset())

    # ---------------------------------------------------------- receivables

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
        terms = Terms(originator=entry.originator, registered_at=entry.at, answer_by=entry.answer_by, claim=claim)
        self.claims[entry.receivable_id] = (terms, person)
        return entry.receivable_id

    def journal(self, receivable_id: int) -> list[Entry]:
        """The receivable's entries, oldest first."""
        found = self.node.logs(
            contract=self.deployment.receivables,
            topics=[kind.topic() for kind in ENTRY_TYPES],
            first=self.deployment.block_number,
            last=self.node.head(),
        )
        return [entry for log in found if (entry := decode(log.topics, log.data)).journal_id == receivable_id]

    def receivable(self, receivable_id: int) -> Receivable:
        """What the journal folds to now; an operation about none names the id 0."""
        empty = empty_receivable(
            chain_id=self.node.chain_id, contract=self.deployment.receivables, receivable_id=receivable_id
        )
        return fold_all(empty, self.journal(receivable_id) if receivable_id else [])

    def answer(self, receivable_id: int) -> operations.Answer:
        """What every answer to a claim names, as the journal is now."""
        terms, _ = self.claims[receivable_id]
        since = tuple(entry.hash() for entry in self.journal(receivable_id)[1:])
        return operations.Answer(receivable_id=receivable_id, terms=terms, since=since)

    def confirm(self, receivable_id: int, *, person: int = BUYER) -> Entry:
        answer = self.answer(receivable_id)
        return self.act(person, Calls.confirm(receivable_id=receivable_id, terms=answer.terms, since=answer.since))

    def refuse(self, receivable_id: int, *, person: int = BUYER, reason: int = 1) -> Entry:
        answer = self.answer(receivable_id)
        data = Calls.refuse(receivable_id=receivable_id, terms=answer.terms, since=answer.since, reason=reason)
        return self.act(person, data)

    def withdraw(self, receivable_id: int, *, person: int = SELLER) -> Entry:
        answer = self.answer(receivable_id)
        return self.act(person, Calls.withdraw(receivable_id=receivable_id, terms=answer.terms, since=answer.since))

    def lapse(self, receivable_id: int, *, person: int = STRANGER) -> Entry:
        answer = self.answer(receivable_id)
        return self.act(person, Calls.lapse(receivable_id=receivable_id, terms=answer.terms, since=answer.since))

    def counter_offer(
        self, receivable_id: int, *, face: int | None = None, due: int | None = None, person: int = BUYER
    ) -> Entry:
        answer = self.answer(receivable_id)
        data = Calls.counter_offer(
            receivable_id=receivable_id,
            terms=answer.terms,
            since=answer.since,
            face=answer.terms.claim.face if face is None else face,
            due=answer.terms.claim.due if due is None else due,
        )
        return self.act(person, data)

    def accept_offer(self, receivable_id: int, *, person: int = SELLER) -> Entry:
        """Accept the offer that is the journal's last entry."""
        answer = self.answer(receivable_id)
        data = Calls.accept_offer(
            receivable_id=receivable_id,
            terms=answer.terms,
            since=answer.since[:-1],
            offer=self.offer(receivable_id),
        )
        return self.act(person, data)

    def offer(self, receivable_id: int) -> Offer:
        """The offer that is the journal's last entry."""
        offered = self.journal(receivable_id)[-1]
        assert isinstance(offered, CounterOffered)
        return Offer(face=offered.offered_face, due=offered.offered_due, at=offered.at)

    def confirmed(self, *, face: int = 100_000) -> int:
        receivable_id = self.register(self.claim(face=face))
        self.confirm(receivable_id)
        return receivable_id

    # --------------------------------------------------------- certificates

    def end(self, receivable_id: int, start: int) -> int:
        """The end that the certificate has now; 0 if there is none."""
        return self.view.certificates([(receivable_id, start)])[receivable_id, start].end

    def holder(self, receivable_id: int, start: int) -> Address:
        """Who holds the certificate now; zeros if there is none."""
        return self.view.certificates([(receivable_id, start)])[receivable_id, start].holder

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

    def split_many(
        self, receivable_id: int, *, start: int, parts: Sequence[tuple[int, int]], person: int = SELLER
    ) -> list[Entry]:
        """Parts are (cut, person)."""
        data = Calls.split_many(
            receivable_id=receivable_id,
            start=start,
            end=self.end(receivable_id, start),
            parts=tuple(Part(cut=cut, receiver=self.address(to), document=DOCUMENT) for cut, to in parts),
        )
        return entries(self.send(person, data))

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

    def endorse_many(self, certificates: Sequence[tuple[int, int]], *, to: int, person: int = SELLER) -> list[Entry]:
        """Certificates are (receivable id, start)."""
        endorsements = tuple(
            operations.AnchoredEndorsement(
                receivable_id=number,
                start=start,
                end=self.end(number, start),
                receiver=self.address(to),
                document=DOCUMENT,
            )
            for number, start in certificates
        )
        return entries(self.send(person, Calls.endorse_many(endorsements=endorsements)))

    def transfer(self, receivable_id: int, *, start: int, to: int, person: int = SELLER) -> Entry:
        """As ERC-721 has it."""
        where = {"receivable_id": receivable_id, "start": start}
        return self.act(person, Calls.transfer_from(giver=self.address(person), receiver=self.address(to), **where))

    def merge(self, receivable_id: int, *, start: int, person: int = SELLER) -> Entry:
        """Join the certificate at start with its right neighbour."""
        cut = self.end(receivable_id, start)
        end = self.end(receivable_id, cut)
        return self.act(person, Calls.merge(receivable_id=receivable_id, start=start, cut=cut, end=end))

    # ---------------------------------------------------------------- money

    @property
    def token(self) -> Address:
        """The deposit token of the currency that claims are in."""
        return self.deployment.deposit_tokens[EUR]

    @property
    def deposits(self) -> DepositView:
        return DepositView(self.node, self.token)

    def create(self, contract: str, *arguments: object) -> Address:
        """One more contract of ours on the chain."""
        compiled = artifact(contract)
        abi = ContractAbi(compiled)
        code = compiled.bytecode + abi.constructor(*arguments)
        made = send(self.node, abi, signer=dev_account(OPERATOR), to=None, data=code).contract
        assert made is not None
        return made

    def send_to_token(self, person: int, data: bytes) -> Receipt:
        return send(self.node, deposit_abi(), signer=dev_account(person), to=self.token, data=data)

    def send_to_desk(self, person: int, data: bytes) -> Receipt:
        return send(self.node, desk_abi(), signer=dev_account(person), to=self.deployment.desk, data=data)

    def deposit(self, person: int, amount: int) -> None:
        """The settlement bank books a deposit."""
        reference = next(self._numbers).to_bytes(32)
        data = DepositCalls.mint(to=self.address(person), amount=amount, bank_reference=reference)
        self.send_to_token(SETTLEMENT_BANK, data)

    def allow(self, person: int, amount: int, *, spender: Address | None = None) -> None:
        """Somebody may take so much of the person's deposit: the registry by default."""
        self.send_to_token(person, DepositCalls.approve(spender=spender or self.deployment.receivables, amount=amount))

    def fund(self, person: int, amount: int, *, spender: Address | None = None) -> None:
        """A deposit that may be taken."""
        self.deposit(person, amount)
        self.allow(person, amount, spender=spender)

    def pay(self, receivable_id: int, amount: int, *, person: int = BUYER) -> Entry:
        """With money that has just come in."""
        self.fund(person, amount)
        return self.act(person, Calls.pay(receivable_id=receivable_id, amount=amount))

    def redeem(self, receivable_id: int, *, start: int = 0, person: int = STRANGER) -> Entry:
        return self.act(person, Calls.redeem(receivable_id=receivable_id, start=start))

    def pledge(
        self, receivable_id: int, *, start: int = 0, secured: int = 1, to: int = BANK, person: int = SELLER
    ) -> Entry:
        named = self._named(receivable_id, start)
        return self.act(person, Calls.pledge(**named, financier=self.address(to), secured=secured))

    def release(self, receivable_id: int, *, start: int = 0, person: int = BANK) -> Entry:
        return self.act(person, Calls.release(**self._named(receivable_id, start)))

    def agree(self, operation: Agreement, *, person: int = SELLER, second: int = BUYER) -> Entry:
        """What originator and debtor do: one sends it, the other one signs it."""
        return self.act(person, signed_call(operation, self.sign(operation, second).by))

    def credit_note(self, receivable_id: int, *, amount: int, start: int = 0) -> Entry:
        return self.agree(operations.CreditNote(**self._named(receivable_id, start), amount=amount))

    def dispute(self, receivable_id: int, *, cut: int, start: int = 0) -> Entry:
        return self.agree(operations.Dispute(**self._named(receivable_id, start), cut=cut))

    def resolve(self, receivable_id: int) -> Entry:
        return self.agree(operations.Resolve(receivable_id=receivable_id))

    @property
    def desk_domain(self) -> Eip712Domain:
        return quotes.desk_domain(chain_id=self.node.chain_id, desk=self.deployment.desk)

    def quote(
        self,
        receivable_id: int,
        *,
        price: int,
        kind: QuoteKind = QuoteKind.SALE,
        amount: int = 0,
        start: int = 0,
        cut: int | None = None,
        financier: int = BANK,
    ) -> SignedQuote:
        """A financier's quote for the certificate as it is now; unless told otherwise it buys the whole."""
        receivable = self.receivable(receivable_id)
        quote = Quote(
            financier=self.address(financier),
            holder=self.holder(receivable_id, start),
            **self._named(receivable_id, start),
            cut=start if cut is None else cut,
            kind=kind,
            token=self.token,
            price=price,
            amount=amount,
            anchor=anchors.anchor_of(receivable),
            nonce=fresh_nonce(),
            expiry=self.now + DAY_SECONDS,
        )
        claim_key = anchors.claim_key_of(receivable)
        return quotes.sign(quote, dev_account(financier), self.desk_domain, claim_key=claim_key)

    def accept(self, signed: SignedQuote, *, person: int = SELLER, financier: int = BANK) -> Entry:
        """The holder takes the quote; the financier's money has just come in."""
        quote, desk = signed.quote, self.deployment.desk
        self.fund(financier, quote.price, spender=desk)
        self.send(person, Calls.approve(receivable_id=quote.receivable_id, start=quote.start, to=desk))
        (entry,) = entries(self.send_to_desk(person, signed.call()))
        return entry

    def pass_due(self, receivable_id: int, *, days: int = 0) -> None:
        """Until so many days after the due date."""
        due = self.view.records([receivable_id])[receivable_id].due
        self.pass_time(seconds=max(0, due + days * DAY_SECONDS - self.now))

    def dishonour(self, receivable_id: int) -> Entry:
        return self.act(STRANGER, Calls.dishonour(receivable_id))

    def settle(self, data: bytes) -> Entry:
        """What the settlement bank does after its delay, which passes here."""
        return self.govern(data, person=SETTLEMENT_BANK)

    # ------------------------------------------------------------ regulator

    def order(self, operation: Operation, *, person: int = OFFICER, second: int = SECOND) -> Entry:
        """What two officers do: one sends it, the other one signs it."""
        return self.act(person, signed_call(operation, self.sign(operation, second).by))

    def partition(self, receivable_id: int, *, start: int, cut: int, order: bytes = ORDER) -> Entry:
        named = self._named(receivable_id, start)
        return self.order(operations.Partition(**named, cut=cut, holder=self.holder(receivable_id, start), order=order))

    def freeze_certificate(
        self, receivable_id: int, *, start: int, order: bytes = ORDER, seconds: int = YEAR_SECONDS
    ) -> Entry:
        named = self._named(receivable_id, start)
        holder = self.holder(receivable_id, start)
        expiry = self.now + seconds
        return self.order(operations.FreezeCertificate(**named, holder=holder, order=order, expiry=expiry))

    def unfreeze_certificate(self, receivable_id: int, *, start: int, order: bytes = ORDER) -> Entry:
        return self.order(operations.UnfreezeCertificate(**self._named(receivable_id, start), order=order))

    def freeze_receivable(self, receivable_id: int, *, order: bytes = ORDER, seconds: int = YEAR_SECONDS) -> Entry:
        expiry = self.now + seconds
        return self.order(operations.FreezeReceivable(receivable_id=receivable_id, order=order, expiry=expiry))

    def unfreeze_receivable(self, receivable_id: int, *, order: bytes = ORDER) -> Entry:
        return self.order(operations.UnfreezeReceivable(receivable_id=receivable_id, order=order))

    def freeze_member(self, member: int, *, order: bytes = ORDER, seconds: int = YEAR_SECONDS) -> Entry:
        expiry = self.now + seconds
        return self.order(operations.FreezeMember(member=self.address(member), order=order, expiry=expiry))

    def unfreeze_member(self, member: int, *, order: bytes = ORDER) -> Entry:
        return self.order(operations.UnfreezeMember(member=self.address(member), order=order))

    def force_transfer(self, receivable_id: int, *, start: int, to: int, order: bytes = ORDER) -> Entry:
        named = self._named(receivable_id, start)
        holder = self.holder(receivable_id, start)
        return self.order(operations.ForceTransfer(**named, holder=holder, receiver=self.address(to), order=order))

    def _named(self, receivable_id: int, start: int) -> dict[str, int]:
        return {"receivable_id": receivable_id, "start": start, "end": self.end(receivable_id, start)}

    # ----------------------------------------------------------- signatures

    def sign(self, operation: Operation, person: int, *, seconds: int = YEAR_SECONDS) -> SignedOperation:
        """The person's signature, anchored at the receivable as it is now."""
        anchor, claim_key = self.anchor(operation)
        return typed_data.sign(
            operation,
            dev_account(person),
            self.domain,
            deadline=self.now + seconds,
            anchor=anchor,
            claim_key=claim_key,
        )

    def anchor(self, operation: Operation) -> tuple[bytes, bytes]:
        """What a signature says of the operation's receivable: anchor and claim key."""
        receivable_id = operation.values().get("receivable_id", 0)
        if isinstance(operation, operations.Answer):
            return self.view.heads([receivable_id])[receivable_id], anchors.NO_CLAIM_KEY
        receivable = self.receivable(receivable_id)
        return anchors.anchor_of(receivable), anchors.claim_key_of(receivable)

    def submit(self, signed: SignedOperation, *, person: int = STRANGER) -> Entry:
        """Somebody else brings it."""
        return self.act(person, signed.call())

    # ----------------------------------------------------------------- time

    def mine(self, blocks: int) -> None:
        self.node.request("anvil_mine", hex(blocks))

    def pass_time(self, *, seconds: int) -> None:
        devchain.advance_time(self.node, seconds=seconds)

    def reorg(self, *, depth: int) -> None:
        """Replace the newest blocks by empty ones: what they held is gone."""
        self.node.request("anvil_reorg", depth, [])
