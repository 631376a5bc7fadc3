"""Whoever is not a party can change nothing: every function that writes, called by everybody without standing."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest
from ape.exceptions import ContractLogicError

from tests.contracts.conftest import DAY, DOCUMENT, House, named, token

Arguments = Callable[[House, Any, int, int], tuple[Any, ...]]

WRITES: dict[str, Arguments] = {
    "admit(address,uint40,uint32,bytes32)": lambda house, caller, *_: (caller, house.now + DAY, 7, DOCUMENT),
    "suspend(address,uint8)": lambda house, *_: (house.seller, 1),
    "setAuthority(address)": lambda house, caller, *_: (caller,),
    "register((address,uint64,uint40,uint16,bytes32,bytes32))": lambda house, *_: (house.claim(),),
    "confirm(uint256,(address,uint40,(address,uint64,uint40,uint16,bytes32,bytes32)))": (
        lambda house, caller, _, opened: (opened, house.terms(opened))
    ),
    "refuse(uint256,(address,uint40,(address,uint64,uint40,uint16,bytes32,bytes32)),uint8)": (
        lambda house, caller, _, opened: (opened, house.terms(opened), 1)
    ),
    "split(uint256,uint64,address,bytes32)": lambda house, caller, confirmed, _: (
        named(token(confirmed)),
        5,
        house.bank,
        DOCUMENT,
    ),
    "endorse(uint256,address,bytes32)": lambda house, caller, confirmed, _: (
        named(token(confirmed)),
        house.bank,
        DOCUMENT,
    ),
    "transferFrom(address,address,uint256)": lambda house, caller, confirmed, _: (
        house.seller,
        house.bank,
        token(confirmed),
    ),
    "safeTransferFrom(address,address,uint256)": lambda house, caller, confirmed, _: (
        house.seller,
        house.bank,
        token(confirmed),
    ),
    "safeTransferFrom(address,address,uint256,bytes)": lambda house, caller, confirmed, _: (
        house.seller,
        house.bank,
        token(confirmed),
        DOCUMENT,
    ),
    "approve(address,uint256)": lambda house, caller, confirmed, _: (caller, token(confirmed)),
}

OWN_AFFAIRS = {"setApprovalForAll(address,bool)"}
"""What anybody may call, because it speaks for the caller's own certificates only."""


def test_the_list_names_every_function_that_writes(house: House) -> None:
    """A new operation cannot forget to stand here."""
    writing = {method.selector for method in house.receivables.contract_type.mutable_methods}
    assert writing == {*WRITES, *OWN_AFFAIRS}


@pytest.mark.parametrize("signature", WRITES)
def test_a_stranger_changes_nothing(house: House, signature: str) -> None:
    confirmed, opened = house.confirmed(), house.register()
    before = house.audit()
    function = getattr(house.receivables, signature.partition("(")[0])
    with pytest.raises(ContractLogicError):
        function(*WRITES[signature](house, house.stranger, confirmed, opened), sender=house.stranger)
    after = house.audit()
    assert (after.registry, after.receivables) == (before.registry, before.receivables)


def test_a_strangers_own_affairs_touch_nobody(house: House) -> None:
    confirmed = house.confirmed()
    house.receivables.setApprovalForAll(house.stranger, True, sender=house.stranger)
    assert not house.receivables.isApprovedForAll(house.seller, house.stranger)
    assert house.receivables.ownerOf(token(confirmed)) == house.seller


def test_money_sent_to_the_contract_comes_back(house: House) -> None:
    """There is no payable function and no fallback."""
    with pytest.raises(ContractLogicError):
        house.stranger.transfer(house.receivables, 1)


def test_an_unknown_selector_is_refused(house: House) -> None:
    with pytest.raises(ContractLogicError):
        house.stranger.transfer(house.receivables, 0, data=b"\xde\xad\xbe\xef")
