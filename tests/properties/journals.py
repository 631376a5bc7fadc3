"""Random journals of one receivable, and entries of any kind: strategies for the property tests without a chain."""

from __future__ import annotations

from typing import Any

from hypothesis import strategies as st

from registry.domain.identifiers import MINOR_MAX, Address
from registry.domain.journal import ENTRY_TYPES, Confirmed, Endorsed, Entry, Registered, Split
from registry.domain.receivable import DAY_SECONDS

PARTIES: list[Address] = [bytes([number]) * 20 for number in range(1, 6)]
DEBTOR = b"\xdd" * 20
DUE = 20_000 * DAY_SECONDS
WHERE: dict[str, Any] = {"chain_id": 31337, "contract": b"\xcc" * 20}


@st.composite
def journals(draw: st.DrawFn, *, face_max: int = MINOR_MAX, moves_max: int = 25) -> list[Entry]:
    """A journal that the contract could have written: registered, confirmed, then splits and endorsements."""
    face = draw(st.integers(1, face_max) | st.sampled_from([1, 2, face_max]))
    at = draw(st.integers(DUE - 90 * DAY_SECONDS, DUE - 1_000))
    originator = draw(st.sampled_from(PARTIES))
    receivable_id = draw(st.integers(1, 2**63 - 1))
    entries: list[Entry] = [
        Registered(receivable_id, originator, DEBTOR, face, DUE, 978, b"\x01" * 32, b"\x02" * 32, at),
        Confirmed(receivable_id, DEBTOR, originator, face, at),
    ]
    cover = {0: (face, originator)}
    for _ in range(draw(st.integers(0, moves_max))):
        start = draw(st.sampled_from(sorted(cover)))
        end, holder = cover[start]
        at = draw(st.integers(at, min(DUE - 1, at + 100)))
        document = draw(st.binary(min_size=32, max_size=32))
        if end - start > 1 and draw(st.booleans()):
            cut = draw(st.integers(start + 1, end - 1))
            receiver = draw(st.sampled_from(PARTIES))
            entries.append(Split(receivable_id, holder, receiver, start, end, cut, document, at))
            cover[start], cover[cut] = (cut, holder), (end, receiver)
        else:
            receiver = draw(st.sampled_from([party for party in PARTIES if party != holder]))
            entries.append(Endorsed(receivable_id, holder, receiver, start, end, document, at))
            cover[start] = (end, receiver)
    return entries


def values(abi_type: str) -> st.SearchStrategy[int | bytes]:
    """Any value of an ABI type, its extremes more often than chance would have them."""
    if abi_type.startswith("uint"):
        largest = 2 ** int(abi_type.removeprefix("uint")) - 1
        return st.integers(0, largest) | st.sampled_from([0, 1, largest])
    size = 20 if abi_type == "address" else 32
    return st.binary(min_size=size, max_size=size) | st.sampled_from([bytes(size), b"\xff" * size])


def any_entry() -> st.SearchStrategy[Entry]:
    """An entry of any type with any values, also such as no contract would accept."""
    return st.sampled_from(ENTRY_TYPES).flatmap(
        lambda entry_type: st.builds(
            entry_type, **{argument.name: values(argument.abi_type) for argument in entry_type.arguments()}
        )
    )
