"""Deposit tokens as Python sees them: calldata, reads, and permits, which allow a spender by signature (ERC-2612).

Amounts are minor units of the token's currency. A permit travels as a JSON document, as signed operations do
(registry.chain.typed_data).
"""

from __future__ import annotations

from dataclasses import asdict, dataclass
from functools import cache
from typing import Any, ClassVar

from eth_account.signers.local import LocalAccount

from registry.chain.abi import ContractAbi
from registry.chain.contract import At, Calls, ContractView, artifact
from registry.chain.eip712 import (
    MALFORMED,
    Eip712Domain,
    Message,
    read_part,
    split_signature,
    to_json,
    what_is_wrong,
)
from registry.chain.rpc import Node
from registry.domain.identifiers import Address, format_address, parse_address
from registry.domain.refusals import Refusal


class PermitMalformed(Refusal):
    """A document that is no signed permit."""

    code = "permit_malformed"
    status = 400
    title = "That is not a signed permit"
    default_hint = "It is the JSON that signing printed, unchanged"


@cache
def deposit_abi() -> ContractAbi:
    """The ABI of a deposit token, with what the registry and the bank's AccessManager refuse."""
    return ContractAbi(artifact("DepositToken"), refusing=(artifact("IReceivables"), artifact("RegistryAccess")))


class DepositCalls:
    """Calldata of a deposit token's functions, by their own names."""

    @staticmethod
    def approve(*, spender: Address, amount: int) -> bytes:
        return deposit_abi().call("approve", spender, amount)

    @staticmethod
    def transfer(*, to: Address, amount: int) -> bytes:
        return deposit_abi().call("transfer", to, amount)

    @staticmethod
    def transfer_from(*, giver: Address, to: Address, amount: int) -> bytes:
        return deposit_abi().call("transferFrom", giver, to, amount)

    @staticmethod
    def mint(*, to: Address, amount: int, bank_reference: bytes) -> bytes:
        return deposit_abi().call("mint", to, amount, bank_reference)

    @staticmethod
    def burn(*, giver: Address, amount: int, bank_reference: bytes) -> bytes:
        return deposit_abi().call("burn", giver, amount, bank_reference)


@dataclass(frozen=True, slots=True, kw_only=True)
class Permit:
    """The owner allows the spender to take so much, until `deadline` (seconds). Nonces count up from 0 by owner."""

    TYPE: ClassVar[str] = "Permit(address owner,address spender,uint256 value,uint256 nonce,uint256 deadline)"

    owner: Address
    spender: Address
    value: int
    nonce: int
    deadline: int


@dataclass(frozen=True, slots=True)
class SignedPermit:
    """A permit with its owner's signature, for the token that it was signed for."""

    permit: Permit
    signature: bytes
    domain: Eip712Domain

    def call(self) -> bytes:
        """Calldata for the token, with which anyone submits it."""
        permit = self.permit
        return deposit_abi().call(
            "permit", permit.owner, permit.spender, permit.value, permit.deadline, *split_signature(self.signature)
        )

    def pay(self, receivable_id: int) -> bytes:
        """Calldata for the registry, with which the owner pays the amount that it permits the registry to take."""
        permit = self.permit
        return Calls.pay_with_permit(
            receivable_id=receivable_id, amount=permit.value, deadline=permit.deadline, signature=self.signature
        )

    def is_accounts(self) -> bool:
        """Whether the signature is the owner's own key's; tokens take no other."""
        return message(self.permit, self.domain).is_signed_by(self.permit.owner, self.signature)

    def to_json(self) -> dict[str, Any]:
        """The document."""
        return {
            "permit": to_json(self.permit),
            "signature": to_json(self.signature),
            "chain_id": str(self.domain.chain_id),
            "token": format_address(self.domain.contract),
            "name": self.domain.name,
        }

    @classmethod
    def from_json(cls, document: Any) -> SignedPermit:
        """Read a document of a stranger's. Raises PermitMalformed."""
        try:
            signed = cls(
                read_part(Permit, document, "permit"),
                read_part(bytes, document, "signature"),
                Eip712Domain(
                    chain_id=read_part(int, document, "chain_id"),
                    contract=parse_address(read_part(str, document, "token")),
                    name=read_part(str, document, "name"),
                ),
            )
            signed.call()
        except MALFORMED as error:
            raise PermitMalformed(what_is_wrong(error)) from error
        return signed


def message(permit: Permit, domain: Eip712Domain) -> Message:
    """What is signed."""
    return Message(Permit.TYPE, asdict(permit), domain)


def sign(permit: Permit, owner: LocalAccount, domain: Eip712Domain) -> SignedPermit:
    """The owner's signature; `domain` is DepositView.eip712_domain of the token."""
    return SignedPermit(permit, message(permit, domain).sign(owner), domain)


class DepositView(ContractView):
    """Reads of one deposit token."""

    def __init__(self, node: Node, address: Address) -> None:
        super().__init__(node, address, deposit_abi())

    def balance(self, account: Address, *, block: At = "latest") -> int:
        """The account's deposit."""
        return int(self.read("balanceOf", account, block=block))

    def total(self, *, block: At = "latest") -> int:
        """All deposits, which is what the bank owes in this currency."""
        return int(self.read("totalSupply", block=block))

    def allowance(self, *, owner: Address, spender: Address, block: At = "latest") -> int:
        """What the spender may take."""
        return int(self.read("allowance", owner, spender, block=block))

    def permit_nonce(self, owner: Address, *, block: At = "latest") -> int:
        """The nonce of the owner's next permit."""
        return int(self.read("nonces", owner, block=block))

    def is_booked(self, bank_reference: bytes, *, block: At = "latest") -> bool:
        """Whether a booking with this reference has been counted."""
        return bool(self.read("isBooked", bank_reference, block=block))

    def currency(self) -> int:
        """ISO 4217 number."""
        return int(self.read("currency"))

    def decimals(self) -> int:
        """Of the currency's minor unit."""
        return int(self.read("decimals"))

    def symbol(self) -> str:
        """What wallets show: dEUR."""
        return str(self.read("symbol"))

    def registry(self) -> Address:
        """The registry whose members' money it is."""
        return self._address("registry")

    def authority(self, *, block: At = "latest") -> Address:
        """The AccessManager that decides who mints and burns."""
        return self._address("authority", block=block)

    def _address(self, function: str, **block: Any) -> Address:
        return parse_address(self.read(function, **block))
