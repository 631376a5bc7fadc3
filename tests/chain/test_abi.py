"""Arrays of numbers and of words are read and written as eth_abi does it."""

from __future__ import annotations

import pytest
from eth_abi.abi import encode
from hypothesis import given
from hypothesis import strategies as st

from registry.chain.abi import SELECTOR_BYTES
from registry.chain.contract import receivables_abi
from registry.chain.rpc import RpcFailed


@given(st.lists(st.integers(0, 2**256 - 1), max_size=20))
def test_numbers_are_written_as_the_abi_says(numbers: list[int]) -> None:
    assert receivables_abi().call("heads", numbers)[SELECTOR_BYTES:] == encode(["uint256[]"], [numbers])


@given(st.lists(st.binary(min_size=32, max_size=32), max_size=20))
def test_words_are_read_as_the_abi_says(words: list[bytes]) -> None:
    assert receivables_abi().result("heads", encode(["bytes32[]"], [words])) == tuple(words)


@pytest.mark.parametrize(
    "answer",
    [
        b"",
        bytes(32),
        encode(["uint256"], [7]),
        encode(["bytes32[]"], [[bytes(32)]])[:-1],
        encode(["bytes32[]"], [[bytes(32)]]) + bytes(32),
        bytes(32) + encode(["bytes32[]"], [[]])[32:],
    ],
)
def test_what_is_no_array_of_words_is_refused(answer: bytes) -> None:
    with pytest.raises(RpcFailed):
        receivables_abi().result("heads", answer)
