"""A registry under ape, and the people of its tests: what they do with their own transactions, by signature, by order.

ape's accounts and ABI coding judge the contract, apart from registry.chain. Amounts are minor units, times seconds;
claims, terms, offers and authorisations are dicts with the Solidity names.
"""

from __future__ import annotations

import itertools
from collections.abc import Iterator
from dataclasses import dataclass, field
from functools import cached_property
from typing import Any

import ape
from ape.contracts import ContractContainer, ContractInstance
from ethpm_types import ContractType

from registry.chain.compile import Artifact
from registry.chain.rpc import Node
from registry.domain.identifiers import Address, format_address, parse_address
from tests.contracts import oracle
from tests.contracts.audit import Folded, audit
from tests.contracts.door import Door, Receipt, deployed, node, selector, topic

DAY = 86_400
YEAR = 365 * DAY
EUR = 978
DOCUMENT = b"\x0d" * 32
NO_DOCUMENT = bytes(32)
ORDER = b"\x0a" * 32
NOBODY = "0x" + "0" * 40
SUPPLIER_ROLE, DEBTOR_ROLE, FINANCIER_ROLE = 1, 2, 4
OPERATOR_ROLE, GOVERNOR_ROLE, OFFICER_ROLE, SETTLEMENT_BANK_ROLE = 1, 2, 3, 4

SCOPE_CERTIFICATE, SCOPE_RECEIVABLE, SCOPE_MEMBER = 1, 2, 3

TENOR_LIMIT_DAYS = 365
MINIMUM_PART = 1
ANSWER_WINDOW_DAYS = 10
UNANSWERED_MAX = 20
FORCED_TRANSFER_DELAY = 3 * DAY
OVERDUE_GRACE_DAYS = 5

OPERATOR_FUNCTIONS = ("admit(address,uint40,uint32,bytes32)", "suspend(address,uint8)", "pause()", "unpause()")
GOVERNOR_FUNCTIONS = (
    "setParameter(uint8,uint64,uint40)",
    "setRules(address)",
    "setDescriptor(address)",
    "sunset()",
    "setDepositToken(uint16,address)",
    "setDesk(address)",
)
SETTLEMENT_BANK_FUNCTIONS = ("close(uint256)", "absolve(uint256)")
AUTHORISATION = "(address,uint256,uint256,bytes32,bytes32,bytes)"
OFFICER_FUNCTIONS = (
    f"partition(uint256,uint64,address,bytes32,{AUTHORISATION})",
    f"freezeCertificate(uint256,address,bytes32,uint40,{AUTHORISATION})",
    f"unfreezeCertificate(uint256,bytes32,{AUTHORISATION})",
    f"freezeReceivable(uint256,bytes32,uint40,{AUTHORISATION})",
    f"unfreezeReceivable(uint256,bytes32,{AUTHORISATION})",
    f"freezeMember(address,bytes32,uint40,{AUTHORISATION})",
    f"unfreezeMember(address,bytes32,{AUTHORISATION})",
    f"forceTransfer(uint256,address,address,bytes32,{AUTHORISATION})",
)


def token(receivable_id: int, start: int = 0) -> int:
    """A certificate id."""
    return receivable_id << 64 | start


def named(certificate: int, end: int = 100_000) -> int:
    """A certificate with its end: the range word that operations take."""
    return certificate << 64 | end


def parts_of(range_word: int) -> dict[str, int]:
    """A range word's fields, as the EIP-712 types name them."""
    low = 2**64 - 1
    return {"receivableId": range_word >> 128, "start": range_word >> 64 & low, "end": range_word & low}


def as_signed(anchored: list[dict[str, Any]]) -> list[dict[str, Any]]:
    """What is signed of the certificates of a batch endorsement."""
    return [
        parts_of(each["range"]) | {name: each[name] for name in ("receiver", "document", "anchor")} for each in anchored
    ]


def raw(account: Any) -> Address:
    """An ape account's or contract's address as 20 bytes."""
    return parse_address(account.address)


def address(word: int) -> str:
    """The lowest 160 bits as an address."""
    return format_address((word & 2**160 - 1).to_bytes(20, "big"))


@dataclass(frozen=True)
class Record:
    """The terms word of a receivable, unpacked as libraries/Words.sol says."""

    debtor: str
    face: int
    due: int
    currency: int
    status: int
    frozen: bool = False


@dataclass(frozen=True)
class Certificate:
    """A certificate word."""

    holder: str
    end: int
    approved: bool = False
    frozen: bool = False
    original: bool = False


@dataclass(frozen=True)
class Member:
    """A member word."""

    balance: int
    kyc_expiry: int
    roles: int
    status: int
    frozen: bool = False


def container(artifact: Artifact) -> Any:
    """One of our artifacts as ape deploys contracts."""
    return ContractContainer(
        ContractType(
            contractName=artifact.name,
            sourceId=artifact.source,
            abi=artifact.abi,
            deploymentBytecode={"bytecode": "0x" + artifact.bytecode.hex()},
            runtimeBytecode={"bytecode": "0x" + artifact.runtime.hex()},
        )
    )


def whole_face(project: Any) -> ContractType:
    """Everything that the deployed registry answers to, tells and refuses with: the four contracts' ABIs as one."""
    entries: dict[str, Any] = {}
    for name in ("Receivables", "ReceivablesBySignature", "ReceivablesOversight", "ReceivablesSettlement"):
        for entry in getattr(project, name).contract_type.abi:
            if entry.type in ("function", "event", "error"):
                entries.setdefault(f"{entry.type} {entry.selector}", entry.model_dump(mode="json", by_alias=True))
    return ContractType(contractName="Registry", abi=list(entries.values()))


@dataclass
class House:
    """A deployed registry and its people."""

    receivables: Door
    access: Door
    regulation: Door
    oversight: Door
    by_signature: Door
    settlement: Door
    first_block: int
    operator: Any
    seller: Any
    buyer: Any
    supplier: Any
    bank: Any
    stranger: Any
    officer: Any
    countersigner: Any
    regulator: Any
    settlement_bank: Any
    _numbers: Iterator[int] = field(default_factory=lambda: itertools.count(1))

    @property
    def people(self) -> dict[str, Any]:
        """Everybody by what they are called in here."""
        members = ("seller", "buyer", "supplier", "bank")
        offices = ("operator", "stranger", "officer", "countersigner", "regulator", "settlement_bank")
        return {kind: getattr(self, kind) for kind in (*members, *offices)}

    # ---------------------------------------------------------------- the chain

    @property
    def node(self) -> Node:
        return node()

    @property
    def now(self) -> int:
        """Timestamp of the newest block."""
        block = self.node.block("latest")
        assert block is not None
        return block.at

    def at(self, timestamp: int) -> None:
        """The next block has this timestamp."""
        self.node.request("evm_setNextBlockTimestamp", timestamp)

    def wait(self, seconds: int) -> None:
        """Mine a block so many seconds after the newest."""
        self.at(self.now + seconds)
        self.node.request("evm_mine")

    def midnight(self, *, days: int) -> int:
        return (self.now // DAY + days) * DAY

    def storage_root(self) -> bytes:
        """The hash of everything that the registry stores."""
        return bytes.fromhex(
            self.node.request("eth_getProof", self.receivables.address, [], "latest")["storageHash"][2:]
        )

    # ------------------------------------------------------------- the journals

    def head(self, journal_id: int) -> bytes:
        return bytes(self.receivables.heads([journal_id])[0])

    def journals(self) -> dict[int, list[tuple[str, dict[str, Any]]]]:
        """The entries of every journal as the logs tell them: event and fields."""
        filters = {"fromBlock": hex(self.first_block), "address": self.receivables.address}
        topics = [topic(abi) for abi in self._entries.values()]
        logs = self.node.request("eth_getLogs", {**filters, "topics": [topics]})
        found: dict[int, list[tuple[str, dict[str, Any]]]] = {}
        for event, fields in self.receivables.decode(logs):
            found.setdefault(fields.get("receivableId", 0), []).append((event, fields))
        return found

    @cached_property
    def _entries(self) -> dict[str, Any]:
        """The events that are entries of journals, by name."""
        return {abi.name: abi for abi in self.receivables.contract_type.events if abi.name in oracle.OPERATION_CODES}

    def entry_hash(self, event: str, fields: dict[str, Any]) -> bytes:
        """The hash of an entry, by the oracle."""
        inputs = self._entries[event].inputs
        return oracle.entry_hash(event, [(str(each.name), str(each.type), fields[each.name]) for each in inputs])

    def hashes(self, receivable_id: int) -> list[bytes]:
        """The hashes of a journal's entries, in order."""
        return [self.entry_hash(*entry) for entry in self.journals()[receivable_id]]

    def audit(self) -> Folded:
        """Assert that the whole state is what the journals fold to, and that the journals hash to the heads."""
        for journal_id, entries in self.journals().items():
            hashes = [self.entry_hash(*entry) for entry in entries]
            assert oracle.append(self.genesis(journal_id), *hashes) == self.head(journal_id)
        return audit(self.node, raw(self.receivables), first_block=self.first_block)

    def genesis(self, journal_id: int) -> bytes:
        contract = self.receivables.address
        return oracle.genesis(chain_id=ape.chain.chain_id, contract=contract, journal_id=journal_id)

    # ------------------------------------------------------------------ members

    def admit(self, member: Any, *, roles: int = SUPPLIER_ROLE, expiry: int | None = None) -> Receipt:
        return self.receivables.admit(member, expiry or self.now + YEAR, roles, b"\x01" * 32, sender=self.operator)

    def peopled(self) -> House:
        """This house, with a seller, a buyer, a supplier and a bank as members."""
        roles = {"seller": SUPPLIER_ROLE, "buyer": DEBTOR_ROLE, "supplier": SUPPLIER_ROLE, "bank": FINANCIER_ROLE}
        for person, role in roles.items():
            self.admit(getattr(self, person), roles=role)
        return self

    def made(self, contract: Any, *arguments: Any) -> Door:
        """A further contract, deployed by the stranger."""
        return Door(deployed(contract, *arguments, sender=self.stranger), self.receivables.contract_type)

    def suspend(self, member: Any) -> Receipt:
        return self.receivables.suspend(member, 1, sender=self.operator)

    def member(self, account: Any) -> Member:
        word = int(self.receivables.members([account.address])[0])
        return Member(
            balance=word & 2**64 - 1,
            kyc_expiry=word >> 64 & 2**40 - 1,
            roles=word >> 104 & 2**32 - 1,
            status=word >> 136 & 0xFF,
            frozen=bool(word >> 144 & 1),
        )

    def balance(self, holder: Any) -> int:
        return int(self.receivables.read("balanceOf(address)", holder))

    # -------------------------------------------------------------- receivables

    def claim(self, **changes: Any) -> dict[str, Any]:
        number = next(self._numbers)
        return {
            "debtor": self.buyer.address,
            "face": 100_000,
            "due": self.midnight(days=90),
            "currency": EUR,
            "fingerprint": number.to_bytes(32, "big"),
            "documentRoot": b"\x0f" * 32,
        } | changes

    def register(self, claim: dict[str, Any] | None = None, *, sender: Any = None) -> int:
        ((_, fields),) = self.receivables.register(claim or self.claim(), sender=sender or self.seller).events
        return int(fields["receivableId"])

    def terms(self, receivable_id: int) -> dict[str, Any]:
        """What the registration told, as the parties name it."""
        _, fields = self.journals()[receivable_id][0]
        claimed = ("debtor", "face", "due", "currency", "fingerprint", "documentRoot")
        return {
            "originator": fields["originator"],
            "registeredAt": fields["at"],
            "answerBy": fields["answerBy"],
            "claim": {name: fields[name] for name in claimed},
        }

    def since(self, receivable_id: int) -> list[bytes]:
        """The hashes of the entries after the registration."""
        return self.hashes(receivable_id)[1:]

    def offer(self, receivable_id: int) -> dict[str, int]:
        """The last counter-offer, as the originator names it."""
        *_, fields = (fields for event, fields in self.journals()[receivable_id] if event == "CounterOffered")
        return {"face": fields["offeredFace"], "due": fields["offeredDue"], "at": fields["at"]}

    def confirm(self, receivable_id: int, *, sender: Any = None) -> Any:
        return self._answer("confirm", receivable_id, sender=sender or self.buyer)

    def refuse(self, receivable_id: int, *, reason: int = 1, sender: Any = None) -> Any:
        return self._answer("refuse", receivable_id, reason, sender=sender or self.buyer)

    def withdraw(self, receivable_id: int, *, sender: Any = None) -> Any:
        return self._answer("withdraw", receivable_id, sender=sender or self.seller)

    def lapse(self, receivable_id: int, *, sender: Any = None) -> Any:
        return self._answer("lapse", receivable_id, sender=sender or self.stranger)

    def counter_offer(
        self, receivable_id: int, *, face: int = 90_000, due: int | None = None, sender: Any = None
    ) -> Any:
        due = self.terms(receivable_id)["claim"]["due"] if due is None else due
        return self._answer("counterOffer", receivable_id, face, due, sender=sender or self.buyer)

    def _answer(self, function: str, receivable_id: int, *arguments: Any, sender: Any) -> Any:
        terms, since = self.terms(receivable_id), self.since(receivable_id)
        return getattr(self.receivables, function)(receivable_id, terms, since, *arguments, sender=sender)

    def accept_offer(self, receivable_id: int, *, sender: Any = None) -> Any:
        """Accept the last counter-offer."""
        offers = [entry for entry in self.journals()[receivable_id] if entry[0] == "CounterOffered"]
        since = [self.entry_hash(*entry) for entry in offers[:-1]]
        terms, offer = self.terms(receivable_id), self.offer(receivable_id)
        return self.receivables.acceptOffer(receivable_id, terms, since, offer, sender=sender or self.seller)

    def confirmed(self, **changes: Any) -> int:
        """A confirmed receivable; its one certificate is the seller's."""
        receivable_id = self.register(self.claim(**changes))
        self.confirm(receivable_id)
        return receivable_id

    def record(self, receivable_id: int) -> Record:
        terms = int(self.receivables.receivables([receivable_id])[0].terms)
        return Record(
            debtor=address(terms),
            face=terms >> 160 & 2**64 - 1,
            due=(terms >> 224 & 0xFFFF) * DAY,
            currency=terms >> 240 & 0x3FF,
            status=terms >> 250 & 7,
            frozen=bool(terms >> 253 & 1),
        )

    # ------------------------------------------------------------- certificates

    def certificate(self, certificate: int) -> Certificate | None:
        word = int(self.receivables.certificates([certificate])[0])
        if word == 0:
            return None
        return Certificate(
            holder=address(word),
            end=word >> 160 & 2**64 - 1,
            approved=bool(word >> 224 & 1),
            frozen=bool(word >> 225 & 1),
            original=bool(word >> 226 & 1),
        )

    def present(self, certificate: int) -> int:
        """The certificate with the end that it has now; end 0 where there is none."""
        found = self.certificate(certificate)
        return named(certificate, found.end if found else 0)

    def cover(self, receivable_id: int) -> list[tuple[int, int, str]]:
        """(start, end, holder) of every certificate, found from the front on."""
        found: list[tuple[int, int, str]] = []
        start = 0
        while (certificate := self.certificate(token(receivable_id, start))) is not None:
            found.append((start, certificate.end, certificate.holder))
            start = certificate.end
        return found

    def split(self, certificate: int, cut: int, *, to: Any = None, sender: Any = None, end: int | None = None) -> Any:
        """Split by the range as it is now, unless the test names another end."""
        whole = self.present(certificate) if end is None else named(certificate, end)
        return self.receivables.split(whole, cut, to or self.supplier, DOCUMENT, sender=sender or self.seller)

    def endorse(self, certificate: int, *, to: Any = None, sender: Any = None, end: int | None = None) -> Any:
        """Endorse by the range as it is now, unless the test names another end."""
        whole = self.present(certificate) if end is None else named(certificate, end)
        return self.receivables.endorse(whole, to or self.supplier, DOCUMENT, sender=sender or self.seller)

    def merge(self, certificate: int, *, sender: Any = None) -> Any:
        """Join a certificate with its right neighbour, both as they are now."""
        left = self.present(certificate)
        right = self.present(token(left >> 128, left & 2**64 - 1))
        return self.receivables.merge(left, right & 2**64 - 1, sender=sender or self.seller)

    # --------------------------------------------------------------- signatures

    def claim_key(self, receivable_id: int) -> bytes:
        """What opens the anchor of a signature about a receivable; zeros where there is none."""
        if receivable_id not in self.journals() or receivable_id == 0:
            return bytes(32)
        terms = self.terms(receivable_id)
        parties = {"debtor": terms["claim"]["debtor"], "originator": terms["originator"]}
        return oracle.claim_key(fingerprint=terms["claim"]["fingerprint"], **parties)

    def anchor(self, receivable_id: int, *, key: bytes | None = None) -> bytes:
        """What a signature says of a receivable that is confirmed; `key` is its claim's, where that is known."""
        record = self.record(receivable_id)
        terms = {"debtor": record.debtor, "face": record.face, "due": record.due, "currency": record.currency}
        return oracle.anchor(key=key or self.claim_key(receivable_id), **terms)

    def authorise(
        self,
        type_name: str,
        signer: Any,
        *,
        nonce: int | None = None,
        deadline: int | None = None,
        anchor: bytes | None = None,
        contract: str | None = None,
        chain_id: int | None = None,
        key: Any = None,
        **fields: Any,
    ) -> dict[str, Any]:
        """An authorisation by the signer (or by `key` in its name), about the receivable as it is now."""
        known = oracle.fields_of(type_name)
        answer, anchored = type_name in oracle.ANSWERS, "anchor" in known
        by = {
            "signer": signer.address,
            "nonce": 2**200 + next(self._numbers) if nonce is None else nonce,
            "deadline": self.now + YEAR if deadline is None else deadline,
            "anchor": bytes(32) if anchor is None else anchor,
            "claimKey": self.claim_key(fields["receivableId"]) if anchored and not answer else bytes(32),
        }
        if anchored and anchor is None:
            about = fields["receivableId"]
            by["anchor"] = self.head(about) if answer else self.anchor(about, key=by["claimKey"])
        signature = oracle.sign(
            (key or signer).private_key,
            type_name,
            {name: value for name, value in (by | fields).items() if name in known},
            chain_id=ape.chain.chain_id if chain_id is None else chain_id,
            contract=contract or self.receivables.address,
        )
        return by | {"signature": signature}

    def anchored(self, range_word: int, receiver: Any, *, document: bytes = DOCUMENT) -> dict[str, Any]:
        """One certificate of a batch endorsement by signature, bound to its receivable as it is now."""
        return {
            "range": range_word,
            "receiver": receiver.address,
            "document": document,
            "anchor": self.anchor(range_word >> 128),
            "claimKey": self.claim_key(range_word >> 128),
        }

    # ------------------------------------------------------------------- orders

    def countersigned(self, type_name: str, *, second: Any = None, **fields: Any) -> dict[str, Any]:
        """The second officer's signature of an order."""
        return self.authorise(type_name, second or self.countersigner, **fields)

    def partition(
        self, range_word: int, cut: int, *, order: bytes = ORDER, holder: Any = None, sender: Any = None
    ) -> Any:
        holder = self._holder(range_word, holder)
        second = self.countersigned("Partition", **parts_of(range_word), cut=cut, holder=holder, order=order)
        return self.receivables.partition(range_word, cut, holder, order, second, sender=sender or self.officer)

    def freeze_certificate(
        self,
        range_word: int,
        *,
        order: bytes = ORDER,
        expiry: int | None = None,
        holder: Any = None,
        sender: Any = None,
    ) -> Any:
        holder, expiry = self._holder(range_word, holder), self.now + YEAR if expiry is None else expiry
        fields = parts_of(range_word) | {"holder": holder, "order": order, "expiry": expiry}
        second = self.countersigned("FreezeCertificate", **fields)
        freeze = self.receivables.freezeCertificate
        return freeze(range_word, holder, order, expiry, second, sender=sender or self.officer)

    def unfreeze_certificate(self, range_word: int, *, order: bytes = ORDER, sender: Any = None) -> Any:
        second = self.countersigned("UnfreezeCertificate", **parts_of(range_word), order=order)
        return self.receivables.unfreezeCertificate(range_word, order, second, sender=sender or self.officer)

    def freeze_receivable(
        self, receivable_id: int, *, order: bytes = ORDER, expiry: int | None = None, sender: Any = None
    ) -> Any:
        expiry = self.now + YEAR if expiry is None else expiry
        second = self.countersigned("FreezeReceivable", receivableId=receivable_id, order=order, expiry=expiry)
        return self.receivables.freezeReceivable(receivable_id, order, expiry, second, sender=sender or self.officer)

    def unfreeze_receivable(self, receivable_id: int, *, order: bytes = ORDER, sender: Any = None) -> Any:
        second = self.countersigned("UnfreezeReceivable", receivableId=receivable_id, order=order)
        return self.receivables.unfreezeReceivable(receivable_id, order, second, sender=sender or self.officer)

    def freeze_member(self, member: Any, *, order: bytes = ORDER, expiry: int | None = None, sender: Any = None) -> Any:
        expiry = self.now + YEAR if expiry is None else expiry
        second = self.countersigned("FreezeMember", member=member.address, order=order, expiry=expiry)
        return self.receivables.freezeMember(member, order, expiry, second, sender=sender or self.officer)

    def unfreeze_member(self, member: Any, *, order: bytes = ORDER, sender: Any = None) -> Any:
        second = self.countersigned("UnfreezeMember", member=member.address, order=order)
        return self.receivables.unfreezeMember(member, order, second, sender=sender or self.officer)

    def force_transfer(
        self, range_word: int, *, to: Any = None, order: bytes = ORDER, holder: Any = None, sender: Any = None
    ) -> Any:
        holder, to = self._holder(range_word, holder), to or self.bank
        fields = parts_of(range_word) | {"holder": holder, "receiver": to.address, "order": order}
        second = self.countersigned("ForceTransfer", **fields)
        return self.receivables.forceTransfer(range_word, holder, to, order, second, sender=sender or self.officer)

    def orders(self, scope: int, thing: int) -> list[bytes]:
        """The references of the orders that are listed on a certificate, a receivable or a member."""
        return [bytes(freeze.order) for freeze in self.receivables.freezes(scope, [thing])[0]]

    def _holder(self, range_word: int, holder: Any) -> str:
        return str(holder.address if holder else self.receivables.ownerOf(range_word >> 64))


def deploy_house(
    project: Any,
    accounts: Any,
    *,
    predecessor: str = NOBODY,
    tenor_limit_days: int = TENOR_LIMIT_DAYS,
    minimum_part: int = MINIMUM_PART,
    unanswered_max: int = UNANSWERED_MAX,
) -> House:
    """A fresh registry, without members: the operator's access manager, the regulator's with two officers."""
    operator, seller, buyer, supplier, bank, stranger, officer, countersigner, regulator = accounts[:9]
    settlement_bank = accounts[9]
    access = deployed(project.RegistryAccess, operator, sender=operator)
    regulation = deployed(project.RegistryAccess, regulator, sender=regulator)
    settlement = deployed(project.ReceivablesSettlement, predecessor, sender=operator)
    overseeing = (regulation, FORCED_TRANSFER_DELAY, settlement, predecessor)
    oversight = deployed(project.ReceivablesOversight, *overseeing, sender=operator)
    by_signature = deployed(project.ReceivablesBySignature, oversight, predecessor, sender=operator)
    values = (tenor_limit_days, minimum_part, ANSWER_WINDOW_DAYS, unanswered_max, OVERDUE_GRACE_DAYS)
    registry = deployed(project.Receivables, access, by_signature, predecessor, values, sender=operator)
    first_block = node().head()
    face = whole_face(project)
    receivables = Door(ContractInstance(registry.address, face), project.RegistryAccess.contract_type)
    house = House(
        receivables=receivables,
        access=Door(access, face),
        regulation=Door(regulation, face),
        oversight=Door(oversight, face),
        by_signature=Door(by_signature, face),
        settlement=Door(settlement, face),
        first_block=first_block,
        operator=operator,
        seller=seller,
        buyer=buyer,
        supplier=supplier,
        bank=bank,
        stranger=stranger,
        officer=officer,
        countersigner=countersigner,
        regulator=regulator,
        settlement_bank=settlement_bank,
    )
    for manager, admin, role, functions, people in (
        (house.access, operator, OPERATOR_ROLE, OPERATOR_FUNCTIONS, (operator,)),
        (house.access, operator, GOVERNOR_ROLE, GOVERNOR_FUNCTIONS, (operator,)),
        (house.access, operator, SETTLEMENT_BANK_ROLE, SETTLEMENT_BANK_FUNCTIONS, (settlement_bank,)),
        (house.regulation, regulator, OFFICER_ROLE, OFFICER_FUNCTIONS, (officer, countersigner)),
    ):
        selectors = [selector(signature) for signature in functions]
        manager.setTargetFunctionRole(registry, selectors, role, sender=admin)
        for person in people:
            manager.grantRole(role, person, 0, sender=admin)
    return house
