"""Whose signature it is: public-key recovery on the curve secp256k1, as Ethereum signs (SEC 1, 4.1.6; EIP-2).

Everything here is public, so nothing has to take constant time. Points are Jacobian, (X, Y, Z) for the affine point
(X / Z**2, Y / Z**3); Z = 0 is the point at infinity. Formulas: https://hyperelliptic.org/EFD/g1p/auto-shortw-jacobian-0.html
"""

from __future__ import annotations

from typing import Final, TypeAlias

from registry.domain.keccak import keccak256
from registry.domain.refusals import Refusal

Point: TypeAlias = tuple[int, int, int]

P: Final = 2**256 - 2**32 - 977
"""The prime of the field."""

N: Final = 0xFFFFFFFF_FFFFFFFF_FFFFFFFF_FFFFFFFE_BAAEDCE6_AF48A03B_BFD25E8C_D0364141
"""The order of the group."""

G: Final = (
    0x79BE667E_F9DCBBAC_55A06295_CE870B07_029BFCDB_2DCE28D9_59F2815B_16F81798,
    0x483ADA77_26A3C465_5DA4FBFC_0E1108A8_FD17B448_A6855419_9C47D08F_FB10D4B8,
    1,
)
"""The generator."""

_INFINITY: Final = (1, 1, 0)
_WORD_BYTES: Final = 32
_SIGNATURE_BYTES: Final = 65
_PARITIES: Final = {0: 0, 1: 1, 27: 0, 28: 1}


class SignatureMalformed(Refusal):
    """Bytes that nobody's key can have made, or a second form of a signature."""

    code = "signature_malformed"
    title = "That is no signature"


def recover(digest: bytes, signature: bytes) -> bytes:
    """The address (20 bytes) whose key signed the digest (32 bytes); the signature is r || s || v, 65 bytes.

    v is 27 or 28, or 0 or 1. An s in the upper half is refused: its twin is below (EIP-2). Raises SignatureMalformed.
    """
    if len(digest) != _WORD_BYTES or len(signature) != _SIGNATURE_BYTES:
        raise SignatureMalformed(f"{len(digest)} and {len(signature)} bytes are no digest and signature")
    r, s = (int.from_bytes(signature[at : at + _WORD_BYTES], "big") for at in (0, _WORD_BYTES))
    parity = _PARITIES.get(signature[-1])
    if parity is None or not 0 < r < N or not 0 < s <= N // 2:
        raise SignatureMalformed("r, s or v is out of its range")
    x, y, z = _key(int.from_bytes(digest, "big"), r, s, parity)
    if z == 0:
        raise SignatureMalformed("its key would be the point at infinity")
    inverse = pow(z, -1, P)
    affine = x * inverse**2 % P, y * inverse**3 % P
    return keccak256(b"".join(number.to_bytes(_WORD_BYTES, "big") for number in affine))[12:]


def _key(digest: int, r: int, s: int, parity: int) -> Point:
    """The public key (s * R - digest * G) / r, where R is the point with x = r and that parity of y."""
    square = (r**3 + 7) % P
    y = pow(square, (P + 1) // 4, P)
    if y * y % P != square:
        raise SignatureMalformed("no point of the curve has this r")
    signed = (r, y if y % 2 == parity else P - y, 1)
    inverse = pow(r, -1, N)
    return _sum(-digest * inverse % N, G, s * inverse % N, signed)


def _sum(a: int, first: Point, b: int, second: Point) -> Point:
    """a * first + b * second, bit by bit for both at once (Shamir's trick)."""
    both = _add(first, second)
    found: Point = _INFINITY
    for bit in reversed(range(N.bit_length())):
        found = _double(found)
        match a >> bit & 1, b >> bit & 1:
            case 1, 0:
                found = _add(found, first)
            case 0, 1:
                found = _add(found, second)
            case 1, 1:
                found = _add(found, both)
    return found


def _add(a: Point, b: Point) -> Point:
    """add-1998-cmo-2, and what it cannot add: infinity, a point and itself, a point and its negative."""
    (x1, y1, z1), (x2, y2, z2) = a, b
    if z1 == 0 or z2 == 0:
        return b if z1 == 0 else a
    zz1, zz2 = z1 * z1 % P, z2 * z2 % P
    u1, s1 = x1 * zz2 % P, y1 * zz2 * z2 % P
    h, r = (x2 * zz1 - u1) % P, (y2 * zz1 * z1 - s1) % P
    if h == 0:
        return _double(a) if r == 0 else _INFINITY
    hh = h * h % P
    hhh, v = h * hh % P, u1 * hh % P
    x = (r * r - hhh - 2 * v) % P
    return x, (r * (v - x) - s1 * hhh) % P, h * z1 * z2 % P


def _double(a: Point) -> Point:
    """dbl-2009-l. No point of this curve has y = 0, so only infinity doubles to infinity, by its z."""
    x1, y1, z1 = a
    yy = y1 * y1 % P
    d = 4 * x1 * yy % P
    e = 3 * x1 * x1 % P
    x = (e * e - 2 * d) % P
    return x, (e * (d - x) - 8 * yy * yy) % P, 2 * y1 * z1 % P
