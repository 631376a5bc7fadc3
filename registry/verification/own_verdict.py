"""The registry's own verdict on a proof, by its own node and deployment: worth as much as one trusts the registry."""

from __future__ import annotations

from dataclasses import dataclass

from registry.chain.rpc import Node
from registry.domain.identifiers import Address
from registry.verification.disclosure import verify_file
from registry.verification.header import Header
from registry.verification.make import pins_of
from registry.verification.verify import KnownHash, Status, Verdict


@dataclass(frozen=True, slots=True)
class OwnNode:
    """The registry's node as witness of which block is the chain's."""

    node: Node

    def judge(self, header: Header, *, chain_id: int, contract: Address) -> tuple[Status, str]:
        """Whether the node has this header at its height. Raises NodeUnreachable, RpcFailed."""
        if chain_id != self.node.chain_id:
            return Status.NOT_PROVEN, f"this server's node is of chain {self.node.chain_id}, not of {chain_id}"
        found = self.node.block(header.number)
        if found is None:
            return Status.NOT_PROVEN, f"this server's node has no block {header.number}"
        return KnownHash(found.hash, "this server's node").judge(header, chain_id=chain_id, contract=contract)


def own_verdict(data: bytes, *, node: Node, contract: Address) -> Verdict:
    """What this registry makes of a proof or a disclosure.

    Raises BundleMalformed, BundleTooLarge, NodeUnreachable, RpcFailed.
    """
    return verify_file(data, witness=OwnNode(node), pins=pins_of(node, contract))
