"""Keccak-256 in the standard library alone, with the one call of the package `sha3` that the domain makes.

The 1600 bits are one integer: lane (x, y) of 64 bits stands at bit 64 * (x + 5 * y), so a plane (one y) is 320 bits in
a row. Every step is done to all lanes at once, which in Python is faster than lane by lane. The steps have the names of
https://keccak.team/keccak_specs_summary.html; the padding is Ethereum's, before FIPS 202.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Final

_ROUNDS: Final = 24
_RATE_BYTES: Final = 136
_STATE_BYTES: Final = 200
_TABLE_BYTES: Final = 256
"""What bytes.translate asks of a table: the state and zeros."""

_LANE: Final = 2**64 - 1
_PLANE: Final = 2**320 - 1


@dataclass(frozen=True, slots=True)
class Keccak256:
    """A finished hash, as `sha3.keccak_256` returns it."""

    _digest: bytes

    def digest(self) -> bytes:
        """32 bytes."""
        return self._digest

    def hexdigest(self) -> str:
        """64 characters."""
        return self._digest.hex()


def keccak_256(data: bytes = b"") -> Keccak256:
    """The hash of some bytes."""
    padded = bytearray(data) + bytes(_RATE_BYTES - len(data) % _RATE_BYTES)
    padded[len(data)] ^= 0x01
    padded[-1] ^= 0x80
    state = 0
    for at in range(0, len(padded), _RATE_BYTES):
        state = _permuted(state ^ int.from_bytes(padded[at : at + _RATE_BYTES], "little"))
    return Keccak256(state.to_bytes(_STATE_BYTES, "little")[:32])


def _permuted(s: int) -> int:
    """Keccak-f[1600]."""
    for constant in _CONSTANTS:
        # Theta: to each column add the parities of the one to its left and, turned by a bit, of the one to its right.
        c = (s ^ s >> 320 ^ s >> 640 ^ s >> 960 ^ s >> 1280) & _PLANE
        r = (c & _STAY_1_ALL) << 1 | c >> 63 & _ONES
        d = ((c << 64 | c >> 256) ^ (r >> 64 | r << 256)) & _PLANE
        d |= d << 320
        s ^= d | d << 640 | (d & _PLANE) << 1280
        # Rho: turn each lane by its offset; here the offset's bits 1, 2 and 4, for the lanes that have them ...
        s = s & _KEEP_1 | (s & _STAY_1) << 1 | (s & _WRAP_1) >> 63
        s = s & _KEEP_2 | (s & _STAY_2) << 2 | (s & _WRAP_2) >> 62
        s = s & _KEEP_4 | (s & _STAY_4) << 4 | (s & _WRAP_4) >> 60
        # ... and whole bytes together with Pi, which moves lanes: bytes at other places.
        s = int.from_bytes(_RHO_PI.translate(s.to_bytes(_TABLE_BYTES, "little")), "little")
        # Chi: a ^ (~b & c) of each lane and the two to its right, written without the slow ~. Iota: the constant.
        b = s >> 64 & _NEXT | s << 256 & _FIRST
        c = b >> 64 & _NEXT | b << 256 & _FIRST
        s ^= c ^ (b & c) ^ constant
    return s


def _constants() -> Iterator[int]:
    """Round constants: bits 2**j - 1 from a shift register of 8 bits."""
    register = 1
    for _ in range(_ROUNDS):
        constant = 0
        for j in range(7):
            constant |= (register & 1) << 2**j - 1
            register = register << 1 ^ (0x171 if register & 0x80 else 0)
        yield constant


def _offsets() -> dict[tuple[int, int], int]:
    """By how many bits Rho turns lane (x, y)."""
    offsets, x, y = {(0, 0): 0}, 1, 0
    for t in range(24):
        offsets[x, y] = (t + 1) * (t + 2) // 2 % 64
        x, y = y, (2 * x + 3 * y) % 5
    return offsets


def _mask(bits: Callable[[int, int], int]) -> int:
    """The state that has these 64 bits in lane (x, y)."""
    return sum(bits(x, y) << 64 * (x + 5 * y) for x in range(5) for y in range(5))


def _turn(by: int) -> tuple[int, int, int]:
    """Masks to turn those lanes whose offset has bit `by`: lanes left alone, bits that move up, bits that wrap."""
    stay = _mask(lambda x, y: _LANE >> by if _OFFSETS[x, y] & by else 0)
    wrap = _mask(lambda x, y: _LANE >> 64 - by << 64 - by if _OFFSETS[x, y] & by else 0)
    return _mask(lambda _x, _y: _LANE) ^ stay ^ wrap, stay, wrap


def _rho_pi() -> bytes:
    """For each byte of the new state its place in the old one: lane (x, y) goes to (y, 2x + 3y)."""
    places = bytearray(_STATE_BYTES)
    for (x, y), offset in _OFFSETS.items():
        for byte in range(8):
            to = 8 * (y + 5 * ((2 * x + 3 * y) % 5)) + (byte + offset // 8) % 8
            places[to] = 8 * (x + 5 * y) + byte
    return bytes(places)


_CONSTANTS: Final = tuple(_constants())
_OFFSETS: Final = _offsets()
_KEEP_1, _STAY_1, _WRAP_1 = _turn(1)
_KEEP_2, _STAY_2, _WRAP_2 = _turn(2)
_KEEP_4, _STAY_4, _WRAP_4 = _turn(4)
_RHO_PI: Final = _rho_pi()
_FIRST: Final = _mask(lambda x, _y: _LANE if x == 4 else 0)
_NEXT: Final = _mask(lambda x, _y: _LANE if x < 4 else 0)
_ONES: Final = _mask(lambda _x, y: int(y == 0))
_STAY_1_ALL: Final = _mask(lambda _x, y: _LANE >> 1 if y == 0 else 0)
