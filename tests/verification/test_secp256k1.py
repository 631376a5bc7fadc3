"""Public-key recovery without packages, against eth_keys (libsecp256k1)."""

from __future__ import annotations

import contextlib

import pytest
from eth_keys import keys
from eth_keys.exceptions import BadSignature, ValidationError
from hypothesis import given, settings
from hypothesis import strategies as st

from registry.verification.secp256k1 import G, N, P, SignatureMalformed, recover

unhurried = settings(deadline=None)  # a recovery takes milliseconds, and more under load
digests = st.binary(min_size=32, max_size=32) | st.sampled_from(
    [bytes(32), b"\xff" * 32, N.to_bytes(32), bytes(31) + b"\x01"]
)
secrets = st.integers(1, N - 1) | st.sampled_from([1, 2, N - 1])
DIGEST = bytes(range(32))


def signed(secret: int, digest: bytes) -> tuple[bytes, bytes]:
    """Signature with v 0 or 1, and address."""
    key = keys.PrivateKey(secret.to_bytes(32))
    return key.sign_msg_hash(digest).to_bytes(), key.public_key.to_canonical_address()


def signature(r: int, s: int, v: int) -> bytes:
    return r.to_bytes(32) + s.to_bytes(32) + bytes([v])


@unhurried
@given(secrets, digests)
def test_the_signer_s_address_is_recovered(secret: int, digest: bytes) -> None:
    made, address = signed(secret, digest)
    assert recover(digest, made) == address
    assert recover(digest, made[:-1] + bytes([made[-1] + 27])) == address


@unhurried
@given(secrets, digests)
def test_the_twin_in_the_upper_half_is_refused_though_it_names_the_same_key(secret: int, digest: bytes) -> None:
    made, address = signed(secret, digest)
    twin = signature(int.from_bytes(made[:32]), N - int.from_bytes(made[32:64]), 1 - made[64])
    assert keys.Signature(twin).recover_public_key_from_msg_hash(digest).to_canonical_address() == address
    with pytest.raises(SignatureMalformed):
        recover(digest, twin)


@unhurried
@given(
    r=st.integers(1, N - 1) | st.integers(1, 50) | st.sampled_from([G[0], N - 1]),
    s=st.integers(1, N // 2) | st.sampled_from([1, N // 2]),
    v=st.integers(0, 1),
    digest=digests,
)
def test_any_signature_in_range_names_the_key_that_libsecp256k1_names_or_none(
    r: int, s: int, v: int, digest: bytes
) -> None:
    made = signature(r, s, v)
    try:
        expected = keys.Signature(made).recover_public_key_from_msg_hash(digest).to_canonical_address()
    except (BadSignature, ValidationError):
        with pytest.raises(SignatureMalformed):
            recover(digest, made)
    else:
        assert recover(digest, made) == expected


@unhurried
@given(st.binary(max_size=70) | st.binary(min_size=65, max_size=65), st.binary(max_size=40) | digests)
def test_any_bytes_give_an_address_or_are_malformed(made: bytes, digest: bytes) -> None:
    with contextlib.suppress(SignatureMalformed):
        assert len(recover(digest, made)) == 20


@pytest.mark.parametrize("place", range(65))
def test_a_changed_byte_names_somebody_else_or_nobody(place: int) -> None:
    made, address = signed(4711, DIGEST)
    changed = bytearray(made)
    changed[place] ^= 1
    with contextlib.suppress(SignatureMalformed):
        assert recover(DIGEST, bytes(changed)) != address


@pytest.mark.parametrize(
    ("r", "s", "v"),
    [
        pytest.param(0, 1, 0, id="r of zero"),
        pytest.param(N, 1, 0, id="r of the order"),
        pytest.param(P + 1, 1, 0, id="r beyond the field"),
        pytest.param(5, 1, 0, id="no point has this r"),
        pytest.param(G[0], 0, 0, id="s of zero"),
        pytest.param(G[0], N // 2 + 1, 0, id="s in the upper half"),
        pytest.param(G[0], N, 0, id="s of the order"),
        pytest.param(G[0], 1, 2, id="v of 2"),
        pytest.param(G[0], 1, 26, id="v of 26"),
        pytest.param(G[0], 1, 29, id="v of 29"),
        pytest.param(G[0], int.from_bytes(DIGEST), 0, id="a key at infinity"),
    ],
)
def test_what_no_key_can_have_made_is_malformed(r: int, s: int, v: int) -> None:
    with pytest.raises(SignatureMalformed):
        recover(DIGEST, signature(r, s, v))


@pytest.mark.parametrize("parity", [0, 1])
@pytest.mark.parametrize("s", [1, 2, 3, N // 2])
def test_a_nonce_of_one_or_minus_one_adds_a_point_to_itself_or_its_negative(parity: int, s: int) -> None:
    """R is G or -G, so the sum meets equal and opposite points."""
    made = signature(G[0], s, parity)
    expected = keys.Signature(made).recover_public_key_from_msg_hash(DIGEST).to_canonical_address()
    assert recover(DIGEST, made) == expected
