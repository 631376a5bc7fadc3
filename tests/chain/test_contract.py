"""Calldata and bulk views of the registry, against eth_abi and a real contract."""

from __future__ import annotations

import pytest
from eth_abi.abi import encode
from eth_utils.crypto import keccak

from registry.chain.abi import ContractAbi
from registry.chain.contract import VIEW_IDS_MAX, Calls, ReceivablesView, Terms, artifact, receivables_abi
from registry.domain import rules
from registry.domain.identifiers import format_address, token_id
from registry.domain.rules import Claim
from tests.scene import BANK, BUYER, OPERATOR, SELLER, STRANGER, SUPPLIER, Scene

ONE, TWO = b"\x01" * 20, b"\x02" * 20
CLAIM = Claim(debtor=TWO, face=5, due=86_400, currency=978, fingerprint=b"\x03" * 32, document_root=b"\x04" * 32)
CLAIM_TYPE = "(address,uint64,uint40,uint16,bytes32,bytes32)"
TERMS_TYPE = f"(address,uint40,{CLAIM_TYPE})"
CLAIM_VALUE = (format_address(TWO), 5, 86_400, 978, b"\x03" * 32, b"\x04" * 32)
TERMS = Terms(originator=ONE, registered_at=9, claim=CLAIM)
RANGE = int(f"{3:032x}{4:016x}{9:016x}", 16)
TERMS_VALUE = (format_address(ONE), 9, CLAIM_VALUE)


def calldata(name: str, types: list[str], values: list[object]) -> bytes:
    return keccak(text=f"{name}({','.join(types)})")[:4] + encode(types, values)


@pytest.mark.parametrize(
    ("ours", "theirs"),
    [
        (
            Calls.admit(member=ONE, kyc_expiry=7, roles=4, profile=b"\x05" * 32),
            calldata("admit", ["address", "uint40", "uint32", "bytes32"], [format_address(ONE), 7, 4, b"\x05" * 32]),
        ),
        (Calls.suspend(member=ONE, reason=2), calldata("suspend", ["address", "uint8"], [format_address(ONE), 2])),
        (Calls.register(CLAIM), calldata("register", [CLAIM_TYPE], [CLAIM_VALUE])),
        (
            Calls.confirm(receivable_id=3, terms=TERMS),
            calldata("confirm", ["uint256", TERMS_TYPE], [3, TERMS_VALUE]),
        ),
        (
            Calls.refuse(receivable_id=3, terms=TERMS, reason=1),
            calldata("refuse", ["uint256", TERMS_TYPE, "uint8"], [3, TERMS_VALUE, 1]),
        ),
        (
            Calls.split(receivable_id=3, start=4, end=9, cut=5, receiver=ONE, document=b"\x06" * 32),
            calldata(
                "split",
                ["uint256", "uint64", "address", "bytes32"],
                [RANGE, 5, format_address(ONE), b"\x06" * 32],
            ),
        ),
        (
            Calls.endorse(receivable_id=3, start=4, end=9, receiver=ONE, document=b"\x06" * 32),
            calldata("endorse", ["uint256", "address", "bytes32"], [RANGE, format_address(ONE), b"\x06" * 32]),
        ),
        (
            Calls.approve(receivable_id=3, start=4, to=ONE),
            calldata("approve", ["address", "uint256"], [format_address(ONE), token_id(3, 4)]),
        ),
        (
            Calls.set_approval_for_all(operator=ONE, approved=True),
            calldata("setApprovalForAll", ["address", "bool"], [format_address(ONE), True]),
        ),
    ],
)
def test_calldata_is_what_another_library_writes(ours: bytes, theirs: bytes) -> None:
    assert ours == theirs


def test_an_overloaded_function_is_named_in_full() -> None:
    abi = receivables_abi()
    by_token, by_holder = abi.selector("balanceOf(uint256)"), abi.selector("balanceOf(address)")
    assert by_token != by_holder
    assert by_token == keccak(text="balanceOf(uint256)")[:4]
    assert abi.call("balanceOf(uint256)", 7) == by_token + (7).to_bytes(32)


def test_a_constructors_arguments_are_encoded() -> None:
    assert ContractAbi(artifact("Receivables")).constructor(ONE) == encode(["address"], [format_address(ONE)])


def test_views_read_what_the_operations_wrote(scene: Scene) -> None:
    number = scene.confirmed(face=1_000)
    scene.split(number, start=0, cut=400, to=SUPPLIER)
    view, seller, supplier = scene.view, scene.address(SELLER), scene.address(SUPPLIER)

    assert view.count() == 1
    words = view.certificates([(number, 0), (number, 400), (number, 1)])
    assert [(word.holder, word.end) for word in words.values()] == [(seller, 400), (supplier, 1_000), (bytes(20), 0)]
    assert {who: word.balance for who, word in view.members([seller, supplier, scene.address(STRANGER)]).items()} == {
        seller: 1,
        supplier: 1,
        scene.address(STRANGER): 0,
    }
    record = view.records([number])[number]
    assert (record.debtor, record.status, record.face) == (scene.address(BUYER), 2, 1_000)
    assert view.heads([number]) == {number: record.head}
    terms, _ = scene.claims[number]
    key = {"fingerprint": terms.claim.fingerprint, "debtor": terms.claim.debtor}
    assert view.receivable_of(**key, originator=seller) == number
    assert view.receivable_of(**key, originator=supplier) == 0


def test_a_view_reads_as_of_a_block_by_number_and_by_hash(scene: Scene) -> None:
    block = scene.node.block("latest")
    assert block is not None
    scene.register()
    assert (scene.view.count(block=block.number), scene.view.count(block=block.hash), scene.view.count()) == (0, 0, 1)


def test_more_ids_than_fit_one_call_are_asked_in_parts(scene: Scene) -> None:
    number = scene.register()
    heads = scene.view.heads(range(2 * VIEW_IDS_MAX + 1))
    assert len(heads) == 2 * VIEW_IDS_MAX + 1
    assert {journal_id for journal_id, head in heads.items() if any(head)} == {0, number}
    assert scene.view.heads([]) == {}


def test_a_views_refusal_has_a_name(scene: Scene) -> None:
    with pytest.raises(rules.UnknownCertificate, match="R-5/3"):
        scene.view.read("ownerOf", token_id(5, 3))


def test_a_registry_that_is_not_there_answers_nothing(scene: Scene) -> None:
    elsewhere = ReceivablesView(scene.node, scene.address(BANK))
    with pytest.raises(Exception, match=r"."):  # eth_abi's own error: an address without code is the caller's mistake
        elsewhere.count()


def test_the_scenes_operator_is_the_deployer(scene: Scene) -> None:
    assert scene.deployment.operator == scene.address(OPERATOR)
