"""What the registry's documents say, restated with eth_abi and eth_account alone: entry hashes and EIP-712 types.

Nothing of the product is imported here, so that its own statements of the same have a judge.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from eth_abi.abi import encode
from eth_account import Account
from eth_utils.crypto import keccak

OPERATION_CODES = {
    "Registered": 1,
    "Confirmed": 2,
    "Refused": 3,
    "Split": 4,
    "Endorsed": 5,
    "Withdrawn": 6,
    "Lapsed": 7,
    "CounterOffered": 8,
    "OfferAccepted": 9,
    "Merged": 10,
    "Partitioned": 11,
    "CertificateFrozen": 12,
    "CertificateUnfrozen": 13,
    "ReceivableFrozen": 14,
    "ReceivableUnfrozen": 15,
    "ForcedTransfer": 16,
    "Pledged": 17,
    "Released": 18,
    "Sold": 19,
    "Paid": 20,
    "Redeemed": 21,
    "Closed": 22,
    "CreditNoted": 23,
    "Disputed": 24,
    "Resolved": 25,
    "Dishonoured": 26,
    "Absolved": 27,
    "RecourseDemanded": 28,
    "Repurchased": 29,
    "MemberAdmitted": 128,
    "MemberSuspended": 129,
    "MemberFrozen": 130,
    "MemberUnfrozen": 131,
    "Paused": 132,
    "Unpaused": 133,
    "ParameterSet": 134,
    "RulesSet": 135,
    "DescriptorSet": 136,
    "Sunset": 137,
    "DepositTokenSet": 138,
    "DeskSet": 139,
}
"""The event of an entry and its operation code."""

TYPES = {
    "Register": "address signer,address debtor,uint64 face,uint40 due,uint16 currency,bytes32 fingerprint,"
    "bytes32 documentRoot,uint256 nonce,uint256 deadline",
    "Confirm": "address signer,uint256 receivableId,address originator,uint64 face,uint40 due,uint16 currency,"
    "bytes32 anchor,uint256 nonce,uint256 deadline",
    "Refuse": "address signer,uint256 receivableId,uint8 reason,bytes32 anchor,uint256 nonce,uint256 deadline",
    "Withdraw": "address signer,uint256 receivableId,bytes32 anchor,uint256 nonce,uint256 deadline",
    "CounterOffer": "address signer,uint256 receivableId,uint64 face,uint40 due,bytes32 anchor,uint256 nonce,"
    "uint256 deadline",
    "AcceptOffer": "address signer,uint256 receivableId,uint64 face,uint40 due,bytes32 anchor,uint256 nonce,"
    "uint256 deadline",
    "Split": "address signer,uint256 receivableId,uint64 start,uint64 end,uint64 cut,address receiver,bytes32 document,"
    "bytes32 anchor,uint256 nonce,uint256 deadline",
    "SplitMany": "address signer,uint256 receivableId,uint64 start,uint64 end,Part[] parts,bytes32 anchor,"
    "uint256 nonce,uint256 deadline",
    "Part": "uint64 cut,address receiver,bytes32 document",
    "Endorse": "address signer,uint256 receivableId,uint64 start,uint64 end,address receiver,bytes32 document,"
    "bytes32 anchor,uint256 nonce,uint256 deadline",
    "EndorseMany": "address signer,Endorsement[] endorsements,uint256 nonce,uint256 deadline",
    "Endorsement": "uint256 receivableId,uint64 start,uint64 end,address receiver,bytes32 document,bytes32 anchor",
    "Merge": "address signer,uint256 receivableId,uint64 start,uint64 cut,uint64 end,bytes32 anchor,uint256 nonce,"
    "uint256 deadline",
    "Approve": "address signer,uint256 receivableId,uint64 start,uint64 end,address to,bytes32 anchor,uint256 nonce,"
    "uint256 deadline",
    "SetApprovalForAll": "address signer,address operator,bool approved,uint256 nonce,uint256 deadline",
    "Pledge": "address signer,uint256 receivableId,uint64 start,uint64 end,address financier,uint64 secured,"
    "bytes32 anchor,uint256 nonce,uint256 deadline",
    "Release": "address signer,uint256 receivableId,uint64 start,uint64 end,bytes32 anchor,uint256 nonce,"
    "uint256 deadline",
    "Pay": "address signer,uint256 receivableId,uint64 amount,bytes32 anchor,uint256 nonce,uint256 deadline",
    "CreditNote": "address signer,uint256 receivableId,uint64 start,uint64 end,uint64 amount,bytes32 anchor,"
    "uint256 nonce,uint256 deadline",
    "Dispute": "address signer,uint256 receivableId,uint64 start,uint64 end,uint64 cut,bytes32 anchor,uint256 nonce,"
    "uint256 deadline",
    "Resolve": "address signer,uint256 receivableId,bytes32 anchor,uint256 nonce,uint256 deadline",
    "DemandRecourse": "address signer,uint256 receivableId,uint64 start,uint64 end,bytes32 anchor,uint256 nonce,"
    "uint256 deadline",
    "Repurchase": "address signer,uint256 receivableId,uint64 start,uint64 end,bytes32 anchor,uint256 nonce,"
    "uint256 deadline",
    "Partition": "address signer,uint256 receivableId,uint64 start,uint64 end,uint64 cut,address holder,bytes32 order,"
    "bytes32 anchor,uint256 nonce,uint256 deadline",
    "FreezeCertificate": "address signer,uint256 receivableId,uint64 start,uint64 end,address holder,bytes32 order,"
    "uint40 expiry,bytes32 anchor,uint256 nonce,uint256 deadline",
    "UnfreezeCertificate": "address signer,uint256 receivableId,uint64 start,uint64 end,bytes32 order,bytes32 anchor,"
    "uint256 nonce,uint256 deadline",
    "FreezeReceivable": "address signer,uint256 receivableId,bytes32 order,uint40 expiry,bytes32 anchor,uint256 nonce,"
    "uint256 deadline",
    "UnfreezeReceivable": "address signer,uint256 receivableId,bytes32 order,bytes32 anchor,uint256 nonce,"
    "uint256 deadline",
    "FreezeMember": "address signer,address member,bytes32 order,uint40 expiry,uint256 nonce,uint256 deadline",
    "UnfreezeMember": "address signer,address member,bytes32 order,uint256 nonce,uint256 deadline",
    "ForceTransfer": "address signer,uint256 receivableId,uint64 start,uint64 end,address holder,address receiver,"
    "bytes32 order,bytes32 anchor,uint256 nonce,uint256 deadline",
}
"""The fields of every EIP-712 type, in order."""

DOMAIN_FIELDS = "string name,string version,uint256 chainId,address verifyingContract"


def genesis(*, chain_id: int, contract: str, journal_id: int) -> bytes:
    """The head of an empty journal."""
    words = [b"counterfoil/1".ljust(32, b"\0"), chain_id, contract, journal_id]
    return keccak(encode(["bytes32", "uint256", "address", "uint256"], words))


def entry_hash(event: str, fields: Sequence[tuple[str, str, Any]]) -> bytes:
    """The hash of the entry that an event tells. Fields are (name, ABI type, value) in the event's order.

    The details are the fields without id, range and time. The range is start and end, else [0, face), else nothing.
    """
    values = {name: value for name, _, value in fields}
    names = {"receivableId", "at"} | ({"start", "end"} if "start" in values else {"face"})
    start, end = (values["start"], values["end"]) if "start" in values else (0, values.get("face", 0))
    details = [(kind, value) for name, kind, value in fields if name not in names]
    inner = keccak(encode([kind for kind, _ in details], [value for _, value in details]))
    words = [OPERATION_CODES[event], values["at"], start, end, inner]
    return keccak(encode(["uint256", "uint256", "uint256", "uint256", "bytes32"], words))


def append(head: bytes, *entry_hashes: bytes) -> bytes:
    """The head after these entries."""
    for entry in entry_hashes:
        head = keccak(head + entry)
    return head


def claim_key(*, fingerprint: bytes, debtor: str, originator: str) -> bytes:
    """The key under which a claim lives."""
    return keccak(encode(["bytes32", "address", "address"], [fingerprint, debtor, originator]))


def anchor(*, key: bytes, debtor: str, face: int, due: int, currency: int) -> bytes:
    """What a signature about a confirmed receivable says of it: its claim's key and its terms."""
    terms = int(debtor, 16) | face << 160 | due // 86_400 << 224 | currency << 240
    return keccak(encode(["bytes32", "uint256"], [key, terms]))


ANSWERS = {"Confirm", "Refuse", "Withdraw", "CounterOffer", "AcceptOffer"}
"""The types whose anchor is the head of the journal."""


def fields_of(type_name: str) -> list[str]:
    """The names of a type's fields."""
    return [field.partition(" ")[2] for field in TYPES[type_name].split(",")]


def sign(private_key: str, type_name: str, message: Mapping[str, Any], *, chain_id: int, contract: str) -> bytes:
    """65 bytes: the EIP-712 signature of a message of one of the types, for a registry."""
    domain = {"name": "Counterfoil", "version": "1", "chainId": chain_id, "verifyingContract": contract}
    types = {"EIP712Domain": _described(DOMAIN_FIELDS), type_name: _described(TYPES[type_name])}
    for inner in ("Part", "Endorsement"):
        if f"{inner}[]" in TYPES[type_name]:
            types[inner] = _described(TYPES[inner])
    whole = {"types": types, "primaryType": type_name, "domain": domain, "message": dict(message)}
    return bytes(Account.sign_typed_data(private_key, full_message=whole).signature)


def _described(fields: str) -> list[dict[str, str]]:
    pairs = (field.partition(" ") for field in fields.split(","))
    return [{"name": name, "type": kind} for kind, _, name in pairs]
