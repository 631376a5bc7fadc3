"""Sign and send on a real chain, with rivals that act between the preview and the transaction."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest

from registry.chain import submit
from registry.chain.contract import Calls, receivables_abi
from registry.chain.devchain import dev_account
from registry.chain.reverts import UnnamedRevert
from registry.chain.rpc import Node, NodeUnreachable, Receipt, RpcFailed
from registry.chain.submit import TransactionPending, entries, preview, send
from registry.domain import rules
from registry.domain.journal import Confirmed, Registered
from registry.processes import free_port
from tests.scene import BUYER, OPERATOR, SELLER, STRANGER, Scene

SEND = "eth_sendRawTransactionSync"


class Interrupted(Node):
    """A node on which something happens just before a raw transaction arrives."""

    def __init__(self, url: str, happening: Callable[[], object], *, times: int = 1) -> None:
        super().__init__(url)
        self.happening = happening
        self.left = times

    def request(self, method: str, *params: Any) -> Any:
        if method == SEND and self.left:
            self.left -= 1
            self.happening()
        return super().request(method, *params)


def register(scene: Scene, node: Node, *, person: int = SELLER) -> Receipt:
    return send(
        node,
        receivables_abi(),
        signer=dev_account(person),
        to=scene.deployment.receivables,
        data=Calls.register(scene.claim()),
    )


def test_a_receipt_holds_the_entries_that_were_appended(scene: Scene) -> None:
    number = scene.register()
    receipt = scene.send(BUYER, Calls.confirm(receivable_id=number, terms=scene.claims[number][0]))
    (entry,) = entries(receipt)
    assert isinstance(entry, Confirmed)
    assert len(receipt.logs) == 4  # Transfer, SlotChanged, TransferValue are no entries
    block = scene.node.block(receipt.block_hash)
    assert block is not None
    assert entry.at == block.at


def test_a_refusal_is_named_before_anything_is_signed(scene: Scene) -> None:
    before = scene.node.nonce(scene.address(SELLER))
    with pytest.raises(rules.FaceMissing):
        scene.send(SELLER, Calls.register(scene.claim(face=0)))
    with pytest.raises(rules.NotAuthorised):
        scene.send(STRANGER, Calls.suspend(member=scene.address(SELLER), reason=1))
    assert scene.node.nonce(scene.address(SELLER)) == before


def test_a_preview_says_the_gas_and_changes_nothing(scene: Scene) -> None:
    head, data = scene.node.head(), Calls.register(scene.claim())
    to = scene.deployment.receivables
    gas = preview(scene.node, receivables_abi(), sender=scene.address(SELLER), to=to, data=data).gas
    assert scene.node.head() == head
    used = scene.send(SELLER, data).gas_used
    assert used <= gas <= used * 1.2


def test_a_nonce_that_another_process_took_is_replaced(scene: Scene) -> None:
    receipt = register(scene, Interrupted(scene.node.url, scene.register))
    (entry,) = entries(receipt)
    assert isinstance(entry, Registered)
    assert entry.receivable_id == 2
    assert scene.view.count() == 2


class Stuttering(Node):
    """A node behind a gateway that sends a raw transaction twice and tells what became of the second copy."""

    def request(self, method: str, *params: Any) -> Any:
        if method.startswith("eth_sendRawTransaction"):
            super().request(method, *params)
        return super().request(method, *params)


@pytest.mark.parametrize("chain_id", [31337, 1])
def test_a_transaction_that_arrived_twice_is_not_signed_again(
    scene: Scene, monkeypatch: pytest.MonkeyPatch, chain_id: int
) -> None:
    monkeypatch.setattr(submit, "DEV_CHAIN_ID", chain_id)
    monkeypatch.setattr(submit, "RECEIPT_POLL_SECONDS", 0.02)
    with pytest.raises(RpcFailed, match="nonce"):
        raw_twice(scene)
    before = scene.view.count()
    receipt = register(scene, Stuttering(scene.node.url))
    (entry,) = entries(receipt)
    assert isinstance(entry, Registered)
    assert scene.view.count() == before + 1


def raw_twice(scene: Scene) -> None:
    """What the second copy of a transaction is answered with."""
    signed: list[str] = []

    class Listening(Node):
        def request(self, method: str, *params: Any) -> Any:
            if method.startswith("eth_sendRawTransaction"):
                signed.append(params[0])
            return super().request(method, *params)

    register(scene, Listening(scene.node.url))
    scene.node.request("eth_sendRawTransaction", signed[0])


def test_a_nonce_is_not_chased_for_ever(scene: Scene, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(submit, "NONCE_TRIES_MAX", 2)
    with pytest.raises(RpcFailed, match="nonce"):
        register(scene, Interrupted(scene.node.url, scene.register, times=9))
    assert scene.view.count() == 2


def test_a_transaction_that_fails_although_its_preview_did_not_is_named(scene: Scene) -> None:
    """The operator suspends the seller in the block before."""
    node = Interrupted(scene.node.url, lambda: scene.suspend(SELLER))
    with pytest.raises(rules.MemberNotEligible):
        register(scene, node)
    assert scene.view.count() == 0


def test_a_failure_that_cannot_be_explained_names_the_transaction(
    scene: Scene, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Too little gas: asked again without a limit, the block sees nothing wrong."""
    monkeypatch.setattr(submit, "GAS_MARGIN_PERCENT", -30)
    with pytest.raises(UnnamedRevert, match="transaction 0x"):
        register(scene, scene.node)


def test_a_node_that_is_down_is_unreachable(scene: Scene) -> None:
    with pytest.raises(NodeUnreachable):
        register(scene, Node(f"http://127.0.0.1:{free_port()}"))


def test_a_node_that_goes_down_after_the_preview_is_unreachable(scene: Scene) -> None:
    node = Interrupted(scene.node.url, lambda: None)
    node.happening = lambda: setattr(node, "_endpoints", Node(f"http://127.0.0.1:{free_port()}")._endpoints)
    with pytest.raises(NodeUnreachable):
        register(scene, node)


def test_elsewhere_than_on_the_dev_chain_a_receipt_is_waited_for(scene: Scene, monkeypatch: pytest.MonkeyPatch) -> None:
    """Without the dev chain's own method: plain send, then poll; a block comes when it comes."""
    monkeypatch.setattr(submit, "DEV_CHAIN_ID", 1)
    monkeypatch.setattr(submit, "RECEIPT_POLL_SECONDS", 0.02)
    assert register(scene, scene.node).succeeded


def test_a_receipt_that_does_not_come_leaves_the_outcome_open(scene: Scene, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(submit, "DEV_CHAIN_ID", 1)
    monkeypatch.setattr(submit, "RECEIPT_POLL_SECONDS", 0.02)
    monkeypatch.setattr(submit, "RECEIPT_WAIT_SECONDS", 0.1)
    scene.node.request("evm_setAutomine", False)
    try:
        with pytest.raises(TransactionPending, match="0x") as pending:
            register(scene, scene.node)
        assert pending.value.code == "transaction_pending"
    finally:
        scene.node.request("evm_setAutomine", True)
        scene.mine(1)
    assert scene.view.count() == 1  # mined after all: that is why it must not simply be repeated


def test_a_contract_is_created_by_sending_to_nobody(scene: Scene) -> None:
    code = bytes.fromhex("60006000f3")  # returns nothing: an empty contract
    receipt = send(scene.node, receivables_abi(), signer=dev_account(OPERATOR), to=None, data=code)
    assert receipt.contract is not None
    assert scene.node.code(receipt.contract) == b""
