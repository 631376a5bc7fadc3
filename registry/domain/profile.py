"""The profile of a member: the salted commitment on chain to who it is off chain."""

from __future__ import annotations

from registry.domain.keccak import keccak256
from registry.domain.merkle import leaf_hash, root_of


def party_profile(*, name: str, identity: str, salt: bytes) -> bytes:
    """Merkle root over name and identity, 32 bytes; each leaf has a salt of its own, drawn from the party's salt.

    One of the two can be opened without giving away the other; deleting the salt erases both (DOMAIN rule 23).
    """
    return root_of(
        [
            leaf_hash(name=field, value=value, salt=keccak256(salt + field.encode()))
            for field, value in (("name", name), ("identity", identity))
        ]
    )
