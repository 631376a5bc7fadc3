"""The registry's contract as Python sees it: calldata of its operations, its bulk views at one block."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from dataclasses import astuple, dataclass
from functools import cache
from typing import Any, Concatenate, ParamSpec, TypeVar

from registry.chain import operations, reverts
from registry.chain.abi import ContractAbi
from registry.chain.compile import Artifact, compile_contracts
from registry.chain.eip712 import Eip712Domain, split_signature
from registry.chain.operations import Agreement, Authorisation, Operation, Terms
from registry.chain.rpc import BlockTag, CallReverted, Node
from registry.chain.words import (
    CertificateWord,
    MemberWord,
    MovementWord,
    RecordWords,
    RegistrationWord,
    Rights,
    SettlementWord,
    unpack_certificate,
    unpack_member,
    unpack_movement,
    unpack_record,
    unpack_registration,
    unpack_rights,
    unpack_settlement,
)
from registry.domain.identifiers import Address, parse_address, token_id
from registry.domain.receivable import Freeze, Scope

__all__ = [
    "Authorisation",
    "Calls",
    "ReceivablesView",
    "Terms",
    "artifact",
    "operation_call",
    "receivables_abi",
    "signed_call",
]

VIEW_IDS_MAX = 500
"""Ids in one call of a bulk view: fits the call gas of common nodes."""

_T = TypeVar("_T")
_Key = TypeVar("_Key")
_P = ParamSpec("_P")

At = int | bytes | BlockTag
"""A block: number, hash or tag."""


@cache
def _artifacts() -> dict[str, Artifact]:
    return compile_contracts()


def artifact(name: str) -> Artifact:
    """A compiled contract by name."""
    return _artifacts()[name]


@cache
def receivables_abi() -> ContractAbi:
    """The ABI of the deployed registry, with what its extensions answer and its AccessManagers and tokens refuse."""
    return ContractAbi(
        artifact("Receivables"),
        extensions=tuple(map(artifact, ("ReceivablesBySignature", "ReceivablesOversight", "ReceivablesSettlement"))),
        refusing=(artifact("RegistryAccess"), artifact("DepositToken")),
    )


def operation_call(operation: Operation) -> bytes:
    """Calldata with which the actor itself does it."""
    return receivables_abi().call(operation.function(), *operation.arguments())


def signed_call(operation: Operation, by: Authorisation) -> bytes:
    """Calldata with which anyone does it for the member that signed; of two that stand behind it, the other one."""
    return receivables_abi().call(operation.signed_function(), *operation.signed_arguments(), by.encodable())


def agreed_call(operation: Agreement, by: Authorisation, second: Authorisation) -> bytes:
    """Calldata with which anyone does what both parties signed."""
    arguments = (*operation.arguments(), by.encodable(), second.encodable())
    return receivables_abi().call(operation.agreed_function(), *arguments)


def _member(operation: Callable[_P, Operation]) -> Callable[_P, bytes]:
    def call(*args: _P.args, **kwargs: _P.kwargs) -> bytes:
        return operation_call(operation(*args, **kwargs))

    return call


def _with_second(operation: Callable[_P, Operation]) -> Callable[Concatenate[Authorisation, _P], bytes]:
    def call(second: Authorisation, /, *args: _P.args, **kwargs: _P.kwargs) -> bytes:
        return signed_call(operation(*args, **kwargs), second)

    return call


class Calls:
    """Calldata of the operations as their actors send them, by the contract's own names.

    Those without a signature here take the arguments of the class of their name in registry.chain.operations; of orders
    and agreements the second officer's or the other party's authorisation before them.
    """

    register = staticmethod(_member(operations.Register))
    confirm = staticmethod(_member(operations.Confirm))
    refuse = staticmethod(_member(operations.Refuse))
    withdraw = staticmethod(_member(operations.Withdraw))
    counter_offer = staticmethod(_member(operations.CounterOffer))
    accept_offer = staticmethod(_member(operations.AcceptOffer))
    split = staticmethod(_member(operations.Split))
    split_many = staticmethod(_member(operations.SplitMany))
    endorse = staticmethod(_member(operations.Endorse))
    endorse_many = staticmethod(_member(operations.EndorseMany))
    merge = staticmethod(_member(operations.Merge))
    set_approval_for_all = staticmethod(_member(operations.SetApprovalForAll))

    pledge = staticmethod(_member(operations.Pledge))
    release = staticmethod(_member(operations.Release))
    pay = staticmethod(_member(operations.Pay))
    demand_recourse = staticmethod(_member(operations.DemandRecourse))
    repurchase = staticmethod(_member(operations.Repurchase))
    credit_note = staticmethod(_with_second(operations.CreditNote))
    dispute = staticmethod(_with_second(operations.Dispute))
    resolve = staticmethod(_with_second(operations.Resolve))

    partition = staticmethod(_with_second(operations.Partition))
    freeze_certificate = staticmethod(_with_second(operations.FreezeCertificate))
    unfreeze_certificate = staticmethod(_with_second(operations.UnfreezeCertificate))
    freeze_receivable = staticmethod(_with_second(operations.FreezeReceivable))
    unfreeze_receivable = staticmethod(_with_second(operations.UnfreezeReceivable))
    freeze_member = staticmethod(_with_second(operations.FreezeMember))
    unfreeze_member = staticmethod(_with_second(operations.UnfreezeMember))
    force_transfer = staticmethod(_with_second(operations.ForceTransfer))

    @staticmethod
    def lapse(*, receivable_id: int, terms: Terms, since: Sequence[bytes] = ()) -> bytes:
        return receivables_abi().call("lapse", receivable_id, astuple(terms), since)

    @staticmethod
    def approve(*, receivable_id: int, start: int, to: Address) -> bytes:
        return receivables_abi().call("approve", to, token_id(receivable_id, start))

    @staticmethod
    def transfer_from(*, giver: Address, receiver: Address, receivable_id: int, start: int) -> bytes:
        return receivables_abi().call("transferFrom", giver, receiver, token_id(receivable_id, start))

    @staticmethod
    def safe_transfer_from(
        *, giver: Address, receiver: Address, receivable_id: int, start: int, data: bytes = b""
    ) -> bytes:
        """The first 32 bytes of `data` are the hash of the trade document."""
        token = token_id(receivable_id, start)
        signature = "safeTransferFrom(address,address,uint256,bytes)"
        return receivables_abi().call(signature, giver, receiver, token, data)

    @staticmethod
    def pay_and_redeem(*, receivable_id: int, amount: int, certificates: Iterable[tuple[int, int]]) -> bytes:
        """Certificates are (receivable id, start)."""
        return receivables_abi().call("payAndRedeem", receivable_id, amount, [token_id(*each) for each in certificates])

    @staticmethod
    def pay_with_permit(*, receivable_id: int, amount: int, deadline: int, signature: bytes) -> bytes:
        """The signature is of a permit (registry.chain.deposits) to the registry for exactly the amount."""
        return receivables_abi().call("payWithPermit", receivable_id, amount, deadline, *split_signature(signature))

    @staticmethod
    def redeem(*, receivable_id: int, start: int) -> bytes:
        return receivables_abi().call("redeem", token_id(receivable_id, start))

    @staticmethod
    def redeem_many(certificates: Iterable[tuple[int, int]]) -> bytes:
        """Certificates are (receivable id, start)."""
        return receivables_abi().call("redeemMany", [token_id(*each) for each in certificates])

    @staticmethod
    def dishonour(receivable_id: int) -> bytes:
        return receivables_abi().call("dishonour", receivable_id)

    @staticmethod
    def close(receivable_id: int) -> bytes:
        return receivables_abi().call("close", receivable_id)

    @staticmethod
    def absolve(receivable_id: int) -> bytes:
        return receivables_abi().call("absolve", receivable_id)

    @staticmethod
    def cancel_nonces(*, word: int, mask: int) -> bytes:
        return receivables_abi().call("cancelNonces", word, mask)

    @staticmethod
    def admit(*, member: Address, kyc_expiry: int, roles: int, profile: bytes) -> bytes:
        return receivables_abi().call("admit", member, kyc_expiry, roles, profile)

    @staticmethod
    def suspend(*, member: Address, reason: int) -> bytes:
        return receivables_abi().call("suspend", member, reason)

    @staticmethod
    def pause() -> bytes:
        return receivables_abi().call("pause")

    @staticmethod
    def unpause() -> bytes:
        return receivables_abi().call("unpause")

    @staticmethod
    def set_parameter(*, parameter: int, value: int, effective: int) -> bytes:
        return receivables_abi().call("setParameter", parameter, value, effective)

    @staticmethod
    def set_rules(rules: Address) -> bytes:
        return receivables_abi().call("setRules", rules)

    @staticmethod
    def set_descriptor(descriptor: Address) -> bytes:
        return receivables_abi().call("setDescriptor", descriptor)

    @staticmethod
    def set_deposit_token(*, currency: int, token: Address) -> bytes:
        return receivables_abi().call("setDepositToken", currency, token)

    @staticmethod
    def set_desk(desk: Address) -> bytes:
        return receivables_abi().call("setDesk", desk)

    @staticmethod
    def sunset() -> bytes:
        return receivables_abi().call("sunset")


@dataclass(frozen=True, slots=True)
class Policy:
    """The registry's own switches and parameters. `paused_since` in seconds, 0 while no pause lasts."""

    movement: MovementWord
    registration: RegistrationWord
    settlement: SettlementWord
    paused_since: int
    descriptor: Address


class ContractView:
    """Reads of one deployed contract."""

    def __init__(self, node: Node, address: Address, abi: ContractAbi) -> None:
        self.node = node
        self.address = address
        self._abi = abi

    def read(self, function: str, *arguments: Any, block: At = "latest") -> Any:
        """The value of a view function. Raises the contract's named refusals."""
        try:
            answer = self.node.call(to=self.address, data=self._abi.call(function, *arguments), block=block)
        except CallReverted as reverted:
            raise reverts.refusal(self._abi, reverted) from reverted
        return self._abi.result(function, answer)

    def eip712_domain(self) -> Eip712Domain:
        """What signatures for this contract are bound to, as it says it (ERC-5267)."""
        _, name, version, chain_id, contract, _, _ = self.read("eip712Domain")
        return Eip712Domain(name=name, version=version, chain_id=chain_id, contract=parse_address(contract))


class SignaturesView(ContractView):
    """Reads of a contract whose signers' nonces have no order."""

    def nonces_used(self, signer: Address, word: int, *, block: At = "latest") -> int:
        """Bit set of the nonces 256 * word to 256 * word + 255 that the signer used or gave up."""
        return int(self.read("noncesUsed", signer, word, block=block))


class ReceivablesView(SignaturesView):
    """Reads of one deployed Receivables. Bulk views go VIEW_IDS_MAX ids at a time, all at the block that is named."""

    def __init__(self, node: Node, address: Address) -> None:
        super().__init__(node, address, receivables_abi())

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

    def rights(self, ids: Iterable[tuple[int, int]], *, block: At = "latest") -> dict[tuple[int, int], Rights]:
        """What lies on certificates besides orders, by (receivable id, start)."""
        return self._bulk("rights", list(ids), lambda key: token_id(*key), lambda row: unpack_rights(*row), block)

    def redeemable(self, ids: Iterable[tuple[int, int]], *, block: At = "latest") -> dict[tuple[int, int], int]:
        """What a redemption would pay out now, minor units, by (receivable id, start); 0 where it would be refused."""
        return self._bulk("redeemable", list(ids), lambda key: token_id(*key), int, block)

    def deposit_tokens(self, currencies: Iterable[int], *, block: At = "latest") -> dict[int, Address]:
        """Deposit tokens by ISO 4217 number; zeros where there is none."""
        return self._bulk("depositTokens", list(currencies), lambda key: key, parse_address, block)

    def members(self, accounts: Iterable[Address], *, block: At = "latest") -> dict[Address, MemberWord]:
        """Member words by address."""
        return self._bulk("members", list(accounts), lambda key: key, unpack_member, block)

    def certificate_freezes(
        self, ids: Iterable[tuple[int, int]], *, block: At = "latest"
    ) -> dict[tuple[int, int], tuple[Freeze, ...]]:
        """Orders on certificates by (receivable id, start); expired ones too while none was written since."""
        return self._freezes(Scope.CERTIFICATE, ids, lambda key: token_id(*key), block)

    def receivable_freezes(self, ids: Iterable[int], *, block: At = "latest") -> dict[int, tuple[Freeze, ...]]:
        """The same of receivables."""
        return self._freezes(Scope.RECEIVABLE, ids, int, block)

    def member_freezes(self, accounts: Iterable[Address], *, block: At = "latest") -> dict[Address, tuple[Freeze, ...]]:
        """The same of members."""
        return self._freezes(Scope.MEMBER, accounts, int.from_bytes, block)

    def policy(self, *, block: At = "latest") -> Policy:
        """The registry's own switches and parameters."""
        movement, registration, settlement, paused_since, descriptor = self.read("policy", block=block)
        return Policy(
            movement=unpack_movement(movement),
            registration=unpack_registration(registration),
            settlement=unpack_settlement(settlement),
            paused_since=paused_since,
            descriptor=parse_address(descriptor),
        )

    def is_claimed(self, *, fingerprint: bytes, debtor: Address, originator: Address, block: At = "latest") -> bool:
        """Whether the claim lives here or in a registry that this one succeeds."""
        return bool(self.read("isClaimed", fingerprint, debtor, originator, block=block))

    def unanswered(self, *, debtor: Address, originator: Address, block: At = "latest") -> int:
        """Unanswered claims of an originator on a debtor."""
        return int(self.read("unanswered", debtor, originator, block=block))

    def predecessor(self) -> Address:
        """The registry that this one succeeds; zeros for none."""
        return parse_address(self.read("predecessor"))

    def extension(self) -> Address:
        """Where the code is that the contract leaves calls to."""
        return parse_address(self.read("extension"))

    def authority(self, *, block: At = "latest") -> Address:
        """The AccessManager that decides what the operator may do."""
        return parse_address(self.read("authority", block=block))

    def regulation(self) -> Address:
        """The regulator's own AccessManager."""
        return parse_address(self.read("regulation"))

    def forced_transfer_delay(self) -> int:
        """Seconds that an order must have frozen a certificate before it can be transferred by force."""
        return int(self.read("forcedTransferDelay"))

    def is_eligible(self, account: Address, *, block: At = "latest") -> bool:
        """Whether the account may take part in an operation now."""
        return bool(self.read("isEligible", account, block=block))

    def can_send(self, account: Address, *, block: At = "latest") -> bool:
        """Whether the account may give certificates away now: eligible, and no order freezes it."""
        return bool(self.read("canSend", account, block=block))

    def can_receive(self, account: Address, *, block: At = "latest") -> bool:
        """Whether the account may receive certificates now."""
        return bool(self.read("canReceive", account, block=block))

    def can_transfer(
        self, *, giver: Address, receiver: Address, receivable_id: int, start: int, block: At = "latest"
    ) -> bool:
        """Whether transferFrom by the holder would succeed now."""
        return bool(self.read("canTransfer", giver, receiver, token_id(receivable_id, start), block=block))

    def require_transfer(
        self, *, giver: Address, receiver: Address, receivable_id: int, start: int, block: At = "latest"
    ) -> None:
        """Raises the refusal that transferFrom by the holder would meet now."""
        self.read("requireTransfer", giver, receiver, token_id(receivable_id, start), block=block)

    def token_uri(self, receivable_id: int, start: int, *, block: At = "latest") -> str:
        """ERC-721 metadata of a certificate; empty without a descriptor. Raises UnknownCertificate."""
        return str(self.read("tokenURI", token_id(receivable_id, start), block=block))

    def approved(self, receivable_id: int, start: int, *, block: At = "latest") -> Address:
        """Whom the holder approved for the certificate; zeros for nobody. Raises UnknownCertificate."""
        return parse_address(self.read("getApproved", token_id(receivable_id, start), block=block))

    def is_operator(self, *, holder: Address, operator: Address, block: At = "latest") -> bool:
        """Whether the operator may move all certificates of the holder."""
        return bool(self.read("isApprovedForAll", holder, operator, block=block))

    def _freezes(
        self, scope: Scope, keys: Iterable[_Key], argument: Callable[[_Key], int], block: At
    ) -> dict[_Key, tuple[Freeze, ...]]:
        return self._bulk("freezes", list(keys), argument, _parse_freezes, block, scope)

    def _bulk(
        self,
        function: str,
        keys: Sequence[_Key],
        argument: Callable[[_Key], Any],
        parse: Callable[[Any], _T],
        block: At,
        *before: Any,
    ) -> dict[_Key, _T]:
        found: dict[_Key, _T] = {}
        for at in range(0, len(keys), VIEW_IDS_MAX):
            part = keys[at : at + VIEW_IDS_MAX]
            answers = self.read(function, *before, [argument(key) for key in part], block=block)
            found.update((key, parse(answer)) for key, answer in zip(part, answers, strict=True))
        return found


def _parse_freezes(rows: Iterable[tuple[bytes, int, int]]) -> tuple[Freeze, ...]:
    return tuple(Freeze(order=order, expiry=expiry, since=since) for order, expiry, since in rows)
