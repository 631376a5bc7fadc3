"""The settlement bank of a house: its deposit token, the desk that swaps deposits for certificates, and who signs what.

Quotes, acceptances and permits are dicts with the Solidity names, signed by eth_account alone.
"""

from __future__ import annotations

import itertools
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Any

import ape
from eth_account import Account
from eth_account.messages import encode_typed_data
from eth_utils.crypto import keccak

from tests.contracts import door
from tests.contracts.door import Door, Receipt, deployed, selector
from tests.contracts.house import EUR, YEAR, House, named, parts_of, token

SALE, PLEDGE = 1, 2
PRICE = 95_000
DEPOSIT = 1_000_000
TELLER_ROLE = 1
TELLER_FUNCTIONS = ("mint(address,uint256,bytes32)", "burn(address,uint256,bytes32)")

TYPES = {
    "Quote": "address financier,address holder,uint256 receivableId,uint64 start,uint64 end,uint64 cut,uint8 kind,"
    "address token,uint64 price,uint64 amount,bytes32 anchor,uint256 nonce,uint256 expiry",
    "Acceptance": "bytes32 quote,uint256 nonce,uint256 deadline",
    "Permit": "address owner,address spender,uint256 value,uint256 nonce,uint256 deadline",
}
DESK = "Counterfoil Financing Desk"


def signable(type_name: str, message: dict[str, Any], *, name: str, contract: str, chain_id: int) -> Any:
    """What the signer of a message of one of the types signs, in the domain of that name."""
    domain = {"name": name, "version": "1", "chainId": chain_id, "verifyingContract": contract}
    fields = [dict(zip(("type", "name"), each.split(), strict=True)) for each in TYPES[type_name].split(",")]
    return encode_typed_data(domain, {type_name: fields}, message)


@dataclass
class Bank:
    """A settlement bank of a house's; `token` is its deposit token, `desk` the desk, both set in the registry."""

    house: House
    access: Door
    token: Door
    desk: Door
    _numbers: Iterator[int] = field(default_factory=lambda: itertools.count(1))

    @property
    def teller(self) -> Any:
        """Who books."""
        return self.house.settlement_bank

    def reference(self) -> bytes:
        """A booking that was not there before."""
        return next(self._numbers).to_bytes(32, "big")

    # ----------------------------------------------------------------- deposits

    def mint(self, to: Any, amount: int = DEPOSIT, *, reference: bytes | None = None, sender: Any = None) -> Receipt:
        booked = self.reference() if reference is None else reference
        return self.token.mint(to, amount, booked, sender=sender or self.teller)

    def burn(self, owner: Any, amount: int = 1, *, reference: bytes | None = None, sender: Any = None) -> Receipt:
        booked = self.reference() if reference is None else reference
        return self.token.burn(owner, amount, booked, sender=sender or self.teller)

    def balance(self, account: Any) -> int:
        return int(self.token.balanceOf(account))

    def permit(
        self,
        owner: Any,
        spender: Any,
        amount: int,
        *,
        nonce: int | None = None,
        deadline: int | None = None,
        key: Any = None,
    ) -> tuple[Any, ...]:
        """The arguments of an ERC-2612 permit."""
        message = {
            "owner": owner.address,
            "spender": spender.address,
            "value": amount,
            "nonce": self.token.nonces(owner) if nonce is None else nonce,
            "deadline": self.house.now + YEAR if deadline is None else deadline,
        }
        where = {"name": self.token.name(), "contract": self.token.address, "chain_id": ape.chain.chain_id}
        signed = Account.sign_message(signable("Permit", message, **where), (key or owner).private_key)
        parts = (signed.v, signed.r.to_bytes(32, "big"), signed.s.to_bytes(32, "big"))
        return (message["owner"], message["spender"], amount, message["deadline"], *parts)

    # ------------------------------------------------------------------- quotes

    def quote(self, receivable_id: int, **changes: Any) -> dict[str, Any]:
        """The house's bank buys the seller's whole certificate without recourse, unless the test says otherwise."""
        return {
            "financier": self.house.bank.address,
            "holder": self.house.seller.address,
            "receivableId": receivable_id,
            "start": 0,
            "end": 100_000,
            "cut": 0,
            "kind": SALE,
            "token": self.token.address,
            "price": PRICE,
            "amount": 0,
            "anchor": self.house.anchor(receivable_id),
            "nonce": 2**200 + next(self._numbers),
            "expiry": self.house.now + YEAR,
        } | changes

    def signable(self, quote: dict[str, Any], *, contract: str | None = None, chain_id: int | None = None) -> Any:
        return signable("Quote", quote, **self._domain(contract, chain_id))

    def digest(self, quote: dict[str, Any]) -> bytes:
        """The EIP-712 digest of a quote, by eth_account."""
        message = self.signable(quote)
        return keccak(b"\x19" + message.version + message.header + message.body)

    def sign(
        self, quote: dict[str, Any], *, key: Any = None, contract: str | None = None, chain_id: int | None = None
    ) -> bytes:
        """The house's bank's signature under a quote, or that of `key`."""
        message = self.signable(quote, contract=contract, chain_id=chain_id)
        return bytes(Account.sign_message(message, (key or self.house.bank).private_key).signature)

    def acceptance(
        self,
        quote: dict[str, Any],
        *,
        nonce: int | None = None,
        deadline: int | None = None,
        key: Any = None,
        contract: str | None = None,
        chain_id: int | None = None,
    ) -> dict[str, Any]:
        """The seller's signature that accepts a quote, or that of `key`."""
        signed = {
            "nonce": 2**201 + next(self._numbers) if nonce is None else nonce,
            "deadline": self.house.now + YEAR if deadline is None else deadline,
        }
        message = signable("Acceptance", {"quote": self.digest(quote)} | signed, **self._domain(contract, chain_id))
        key = key or self.house.seller
        return signed | {"signature": bytes(Account.sign_message(message, key.private_key).signature)}

    def approval(self, quote: dict[str, Any], *, signer: Any = None, **changes: Any) -> dict[str, Any]:
        """The seller's approval of the desk for the quoted certificate, by signature."""
        fields = parts_of(quoted(quote)) | {"to": self.desk.address} | changes
        return self.house.authorise("Approve", signer or self.house.seller, **fields)

    def accept(
        self,
        quote: dict[str, Any],
        *,
        signature: bytes | None = None,
        claim_key: bytes | None = None,
        sender: Any = None,
        gas: int = door.GAS,
    ) -> Receipt:
        """The seller accepts, unless the test names another sender."""
        opened = self._opened(quote, signature, claim_key)
        return self.desk.accept(*opened, sender=sender or self.house.seller, gas=gas)

    def accept_by_signature(
        self,
        quote: dict[str, Any],
        *,
        signature: bytes | None = None,
        acceptance: dict[str, Any] | None = None,
        sender: Any = None,
    ) -> Receipt:
        """A stranger submits the seller's acceptance."""
        said = self.acceptance(quote) if acceptance is None else acceptance
        opened = self._opened(quote, signature, None)
        return self.desk.acceptBySignature(*opened, said, sender=sender or self.house.stranger)

    def accept_with_approval(
        self,
        quote: dict[str, Any],
        *,
        acceptance: dict[str, Any] | None = None,
        approval: dict[str, Any] | None = None,
    ) -> Receipt:
        """A stranger submits the seller's acceptance and the seller's approval of the desk."""
        said = self.acceptance(quote) if acceptance is None else acceptance
        approved = self.approval(quote) if approval is None else approval
        opened = self._opened(quote, None, None)
        return self.desk.acceptWithApproval(*opened, said, approved, sender=self.house.stranger)

    def _opened(self, quote: dict[str, Any], signature: bytes | None, claim_key: bytes | None) -> tuple[Any, ...]:
        signed = self.sign(quote) if signature is None else signature
        return (quote, signed, self.house.claim_key(quote["receivableId"]) if claim_key is None else claim_key)

    def _domain(self, contract: str | None, chain_id: int | None) -> dict[str, Any]:
        here = ape.chain.chain_id if chain_id is None else chain_id
        return {"name": DESK, "contract": contract or self.desk.address, "chain_id": here}

    # ------------------------------------------------------------------ watching

    @contextmanager
    def refused(self, error: str, **inputs: Any) -> Iterator[None]:
        """Demand this refusal, with these arguments, and that certificates, deposits and nonces stay as they are."""
        with self.nothing(), door.refused(error, **inputs):
            yield

    @contextmanager
    def nothing(self) -> Iterator[None]:
        """Demand that neither certificates nor deposits nor nonces change."""
        before = self._roots()
        yield
        assert self._roots() == before

    def _roots(self) -> list[str]:
        contracts = (self.house.receivables, self.token, self.desk)
        proofs = (self.house.node.request("eth_getProof", each.address, [], "latest") for each in contracts)
        return [proof["storageHash"] for proof in proofs]


def quoted(quote: dict[str, Any]) -> int:
    """The range word of the quoted certificate."""
    return named(token(quote["receivableId"], quote["start"]), quote["end"])


def made_token(house: House, project: Any, *, currency: int = EUR) -> tuple[Door, Door]:
    """A deposit token that no registry knows of yet, and the AccessManager of its bank, whose teller books."""
    teller = house.settlement_bank
    face = house.receivables.contract_type
    access = Door(deployed(project.RegistryAccess, teller, sender=teller), face)
    made = Door(deployed(project.DepositToken, access, house.receivables, currency, sender=teller), face)
    access.setTargetFunctionRole(made, [selector(each) for each in TELLER_FUNCTIONS], TELLER_ROLE, sender=teller)
    access.grantRole(TELLER_ROLE, teller, 0, sender=teller)
    return made, access


def open_bank(house: House, project: Any, *, currency: int = EUR) -> Bank:
    """A bank whose token and desk the house's registry knows."""
    made, access = made_token(house, project, currency=currency)
    desk = deployed(project.FinancingDesk, house.receivables, sender=house.operator)
    house.receivables.setDepositToken(currency, made, sender=house.operator)
    house.receivables.setDesk(desk, sender=house.operator)
    known = (house.receivables.contract_type, made.contract_type)
    return Bank(house=house, access=access, token=made, desk=Door(desk, *known))
