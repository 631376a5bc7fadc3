"""A member's profile is a commitment of which one half can be opened without the other."""

from __future__ import annotations

from eth_utils.crypto import keccak

from registry.domain.merkle import leaf_hash, node_hash
from registry.domain.profile import party_profile

SALT = bytes(range(32))


def test_each_half_opens_with_a_salt_of_its_own() -> None:
    root = party_profile(name="Brandmühl Guss GmbH", identity="DE123456789", salt=SALT)
    name = leaf_hash(name="name", value="Brandmühl Guss GmbH", salt=keccak(SALT + b"name"))
    identity = leaf_hash(name="identity", value="DE123456789", salt=keccak(SALT + b"identity"))
    assert node_hash(name, identity) == root


def test_the_profile_changes_with_name_identity_and_salt() -> None:
    said = {"name": "Brandmühl Guss GmbH", "identity": "DE123456789", "salt": SALT}
    others = [{"name": "Brandmühl Guss AG"}, {"identity": "DE123456788"}, {"salt": bytes(32)}]
    assert len({party_profile(**{**said, **other}) for other in [{}, *others]}) == 4
