"""What a block's state says of a contract: the account under the state root, its words under the account."""

from __future__ import annotations

from dataclasses import dataclass

from registry.domain.identifiers import Address, format_address
from registry.domain.refusals import Refusal
from registry.verification import rlp
from registry.verification.trie import Nodes, ProofIncomplete, ProofMalformed


class StateUnproven(Refusal):
    """The nodes do not lead from the state root to what was asked for, or to something that no state holds."""

    code = "state_unproven"
    status = 422
    title = "The state is not proven"


@dataclass(frozen=True, slots=True)
class Account:
    """What of a contract's account a proof goes on from."""

    storage_root: bytes
    code_hash: bytes


def account(nodes: Nodes, state_root: bytes, contract: Address) -> Account:
    """A contract's account: nonce, balance, storage root, code hash. Raises StateUnproven."""
    try:
        found = rlp.decode(nodes.lookup(state_root, contract) or rlp.encode([]))
    except (rlp.RlpMalformed, ProofIncomplete, ProofMalformed) as error:
        raise StateUnproven(f"the header does not lead to the contract's account: {error}") from error
    match found:
        case [bytes(), bytes(), bytes() as storage_root, bytes() as code_hash] if len(storage_root) == 32:
            return Account(storage_root, code_hash)
        case _:
            raise StateUnproven(f"at this block there is no {format_address(contract)}")


def storage_word(nodes: Nodes, storage_root: bytes, place: bytes) -> int:
    """The word at a place, 0 where nothing is stored. Raises StateUnproven."""
    try:
        found = rlp.decode(nodes.lookup(storage_root, place) or b"\x80")
    except (rlp.RlpMalformed, ProofIncomplete, ProofMalformed) as error:
        raise StateUnproven(f"its storage is not proven at 0x{place.hex()}: {error}") from error
    if not isinstance(found, bytes) or len(found) > 32 or found.startswith(b"\0"):
        raise StateUnproven(f"at 0x{place.hex()} there is no word")
    return int.from_bytes(found)
