"""Whose signature it is: an account's own key's, or what a contract says of it."""

from __future__ import annotations

from dataclasses import replace

import pytest

from registry.chain import quotes
from registry.chain.erc1271 import stands_behind
from registry.chain.rpc import RpcFailed
from tests.scene import BANK, SELLER, STRANGER, Scene
from tests.wallet import Wallet, Word


@pytest.fixture
def wallet(scene: Scene) -> Wallet:
    return Wallet.deploy(scene.node, person=STRANGER)


def test_an_account_stands_behind_what_its_own_key_signed(scene: Scene) -> None:
    signed = scene.quote(scene.confirmed(), price=98_000)
    message = quotes.message(signed.quote, signed.domain)
    assert stands_behind(scene.node, Scene.address(BANK), message, signed.signature)
    assert not stands_behind(scene.node, Scene.address(SELLER), message, signed.signature)
    assert signed.is_financiers(scene.node)
    assert not replace(signed, quote=replace(signed.quote, price=1)).is_financiers(scene.node)


def test_a_contract_is_asked_about_the_message_and_the_signature(scene: Scene, wallet: Wallet) -> None:
    wallet.obey(Scene.address(BANK))
    signed = scene.quote(scene.confirmed(), price=98_000)
    message = quotes.message(signed.quote, signed.domain)
    assert stands_behind(scene.node, wallet.address, message, signed.signature)
    other = quotes.message(replace(signed.quote, price=1), signed.domain)
    assert not stands_behind(scene.node, wallet.address, other, signed.signature)
    assert not stands_behind(scene.node, wallet.address, message, bytes(65))
    wallet.obey(Scene.address(SELLER))
    assert not stands_behind(scene.node, wallet.address, message, signed.signature)


@pytest.mark.parametrize("word", [Word.NO, Word.REVERT, Word.GARBAGE, Word.SHORT])
def test_only_the_whole_right_word_is_a_yes(scene: Scene, wallet: Wallet, word: Word) -> None:
    signed = scene.quote(scene.confirmed(), price=98_000)
    message = quotes.message(signed.quote, signed.domain)
    assert stands_behind(scene.node, wallet.address, message, b"")
    wallet.say(Word.LONG)
    assert stands_behind(scene.node, wallet.address, message, b"")
    wallet.say(word)
    assert not stands_behind(scene.node, wallet.address, message, signed.signature)


def test_a_contract_that_does_not_come_to_an_answer_is_the_nodes_failure_to_answer(
    scene: Scene, wallet: Wallet
) -> None:
    signed = scene.quote(scene.confirmed(), price=98_000)
    wallet.say(Word.BURN_GAS)
    with pytest.raises(RpcFailed, match="OutOfGas"):
        stands_behind(scene.node, wallet.address, quotes.message(signed.quote, signed.domain), signed.signature)
