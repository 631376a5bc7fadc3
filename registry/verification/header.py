"""Block headers as the chain hashes them: read by a verifier, put together by a maker."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any, Final

from registry.domain.keccak import keccak256
from registry.domain.refusals import Refusal
from registry.verification import rlp

_FIELDS_MIN: Final = 15
_STATE_ROOT, _NUMBER, _TIME = 3, 8, 11
_EXTRA_DATA: Final = 12
_TIME_BYTES_MAX: Final = 5
"""The contract keeps times as uint40."""

_FIELDS: Final = (
    ("parentHash", False),
    ("sha3Uncles", False),
    ("miner", False),
    ("stateRoot", False),
    ("transactionsRoot", False),
    ("receiptsRoot", False),
    ("logsBloom", False),
    ("difficulty", True),
    ("number", True),
    ("gasLimit", True),
    ("gasUsed", True),
    ("timestamp", True),
    ("extraData", False),
    ("mixHash", False),
    ("nonce", False),
    ("baseFeePerGas", True),
    ("withdrawalsRoot", False),
    ("blobGasUsed", True),
    ("excessBlobGas", True),
    ("parentBeaconBlockRoot", False),
    ("requestsHash", False),
)
"""Names of a header's fields in the answers of nodes, in hash order, and whether each is a number. Each fork appended
some: a header ends with the last that its node names (EIP-1559, 4895, 4844, 4788, 7685)."""

_ALWAYS: Final = tuple(name for name, _ in _FIELDS[:_FIELDS_MIN])
"""The fields that the headers of every fork have."""

_BFT_EXTRA_PARTS: Final = 5
"""Vanity, validators, vote, round, seals: the extra data of QBFT and IBFT 2.0."""


class HeaderUnknown(Refusal):
    """The fields that a node names do not hash to its block's hash."""

    code = "header_unknown"
    status = 422
    title = "The chain hashes its headers in a way that is not known here"
    default_hint = "Proofs are made for Ethereum's headers and for those of Besu's QBFT and IBFT 2.0"


@dataclass(frozen=True, slots=True)
class Header:
    """What a verifier reads of a header. `at` in seconds."""

    hash: bytes
    number: int
    at: int
    state_root: bytes

    @classmethod
    def decode(cls, data: bytes) -> Header:
        """Read a header's bytes, of whatever fork. Raises RlpMalformed."""
        fields = rlp.decode(data)
        if isinstance(fields, bytes) or len(fields) < _FIELDS_MIN:
            raise rlp.RlpMalformed(f"a header is a list of {_FIELDS_MIN} fields or more")
        state_root, number, at = fields[_STATE_ROOT], fields[_NUMBER], fields[_TIME]
        if not (isinstance(state_root, bytes) and isinstance(number, bytes) and isinstance(at, bytes)):
            raise rlp.RlpMalformed("state root, number and time of a header are no lists")
        if len(state_root) != 32 or len(number) > 8 or len(at) > _TIME_BYTES_MAX:
            raise rlp.RlpMalformed("a header's state root has 32 bytes, its number at most 8, its time 5")
        return cls(keccak256(data), int.from_bytes(number), int.from_bytes(at), state_root)


def header_bytes(block: Mapping[str, Any]) -> bytes:
    """The bytes of which a block's hash is made, from a node's answer to eth_getBlockByNumber. Raises HeaderUnknown."""
    if missing := [name for name in ("hash", *_ALWAYS) if block.get(name) is None]:
        raise HeaderUnknown(f"the node tells no {', '.join(missing)}")
    expected = bytes.fromhex(str(block["hash"])[2:])
    fields: list[rlp.Item] = [
        _field(block[name], is_number=is_number) for name, is_number in _FIELDS if block.get(name) is not None
    ]
    for variant in (fields, *_without_seals(fields)):
        made = rlp.encode(variant)
        if keccak256(made) == expected:
            return made
    raise HeaderUnknown(f"block {int(str(block['number']), 16)}")


def _field(text: str, *, is_number: bool) -> bytes:
    if is_number:
        number = int(text, 16)
        return number.to_bytes((number.bit_length() + 7) // 8)
    return bytes.fromhex(text[2:])


def _without_seals(fields: list[rlp.Item]) -> Iterator[list[rlp.Item]]:
    """The header as chains of validators hash it, who sign the hash in the header itself: its extra data without the
    seals. QBFT has round 0 and no seals instead, IBFT 2.0 neither; which it is, the hash tells."""
    extra = fields[_EXTRA_DATA]
    try:
        parts = rlp.decode(extra) if isinstance(extra, bytes) else extra
    except rlp.RlpMalformed:
        return
    if isinstance(parts, bytes) or len(parts) != _BFT_EXTRA_PARTS:
        return
    *signed, round_, _ = parts
    hashed_forms: list[rlp.Item] = [[*signed, b"", []], signed, [*signed, round_, []], [*signed, round_]]
    for hashed in hashed_forms:
        yield [*fields[:_EXTRA_DATA], rlp.encode(hashed), *fields[_EXTRA_DATA + 1 :]]
