"""Whose signature it is, as contracts ask: an account's own key's, or what a contract says of it (ERC-1271)."""

from __future__ import annotations

from eth_abi.abi import encode

from registry.chain.eip712 import Message
from registry.chain.rpc import CallReverted, Node
from registry.domain.identifiers import Address
from registry.domain.keccak import keccak256

_IS_VALID_SIGNATURE = keccak256(b"isValidSignature(bytes32,bytes)")[:4]
_YES = _IS_VALID_SIGNATURE.ljust(32, b"\0")
"""A whole word: contracts take no other answer, be it shorter or have more bits."""


def stands_behind(node: Node, signer: Address, message: Message, signature: bytes) -> bool:
    """Whether the signer stands behind a signature now; a contract can say something else tomorrow.

    As OpenZeppelin's SignatureChecker: whoever has code is asked, whatever key signed. That calls it without leave to
    write; a contract that writes when it is asked says yes here and is not believed on chain. Raises RpcFailed where
    it comes to no answer before the node stops it: nodes tell that as a failure of their own.
    """
    if not node.code(signer):
        return message.is_signed_by(signer, signature)
    try:
        answer = node.call(
            to=signer, data=_IS_VALID_SIGNATURE + encode(["bytes32", "bytes"], [message.digest(), signature])
        )
    except CallReverted:
        return False
    return answer[:32] == _YES
