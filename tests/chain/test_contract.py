"""Calldata and bulk views of the registry, against eth_abi and a real contract."""

from __future__ import annotations

import pytest
from eth_abi.abi import encode
from eth_utils.crypto import keccak

from registry.chain import operations
from registry.chain.abi import ContractAbi
from registry.chain.contract import (
    VIEW_IDS_MAX,
    Calls,
    ReceivablesView,
    agreed_call,
    artifact,
    receivables_abi,
    signed_call,
)
from registry.chain.operations import AnchoredEndorsement, Authorisation, Terms
from registry.chain.rpc import RpcFailed
from registry.chain.words import AmountsWord, LienWord, RecourseWord, Rights
from registry.domain import rules
from registry.domain.identifiers import format_address, token_id
from registry.domain.receivable import DAY_SECONDS, Offer, Parameter, Status
from registry.domain.rules import Claim, Part
from tests.scene import (
    BANK,
    BUYER,
    OPERATOR,
    ORDER,
    REGULATOR,
    SELLER,
    STRANGER,
    SUPPLIER,
    YEAR_SECONDS,
    Scene,
)

ONE, TWO = b"\x01" * 20, b"\x02" * 20
ONE_VALUE, TWO_VALUE = format_address(ONE), format_address(TWO)
HASH, OTHER_HASH = b"\x06" * 32, b"\x07" * 32
CLAIM = Claim(debtor=TWO, face=5, due=86_400, currency=978, fingerprint=b"\x03" * 32, document_root=b"\x04" * 32)
CLAIM_TYPE = "(address,uint64,uint40,uint16,bytes32,bytes32)"
TERMS_TYPE = f"(address,uint40,uint40,{CLAIM_TYPE})"
CLAIM_VALUE = (TWO_VALUE, 5, 86_400, 978, b"\x03" * 32, b"\x04" * 32)
TERMS = Terms(originator=ONE, registered_at=9, answer_by=11, claim=CLAIM)
TERMS_VALUE = (ONE_VALUE, 9, 11, CLAIM_VALUE)
RANGE = int(f"{3:032x}{4:016x}{9:016x}", 16)
BY = Authorisation(
    signer=TWO, nonce=2**256 - 1, deadline=2**40, anchor=HASH, signature=b"\x08" * 20, claim_key=OTHER_HASH
)
BY_TYPE = "(address,uint256,uint256,bytes32,bytes32,bytes)"
BY_VALUE = (TWO_VALUE, 2**256 - 1, 2**40, HASH, OTHER_HASH, b"\x08" * 20)

ANSWER = {"receivable_id": 3, "terms": TERMS, "since": (HASH,)}
ANSWER_TYPES, ANSWER_VALUES = ["uint256", TERMS_TYPE, "bytes32[]"], [3, TERMS_VALUE, [HASH]]
NAMED = {"receivable_id": 3, "start": 4, "end": 9}
PARTS = (Part(cut=7, receiver=ONE, document=HASH), Part(cut=6, receiver=TWO, document=OTHER_HASH))
PART_VALUES = [(7, ONE_VALUE, HASH), (6, TWO_VALUE, OTHER_HASH)]


def calldata(name: str, types: list[str], values: list[object]) -> bytes:
    return keccak(text=f"{name}({','.join(types)})")[:4] + encode(types, values)


CASES = [
    (
        Calls.admit(member=ONE, kyc_expiry=7, roles=4, profile=b"\x05" * 32),
        calldata("admit", ["address", "uint40", "uint32", "bytes32"], [ONE_VALUE, 7, 4, b"\x05" * 32]),
    ),
    (Calls.suspend(member=ONE, reason=2), calldata("suspend", ["address", "uint8"], [ONE_VALUE, 2])),
    (Calls.pause(), calldata("pause", [], [])),
    (Calls.unpause(), calldata("unpause", [], [])),
    (
        Calls.set_parameter(parameter=Parameter.MINIMUM_PART_MINOR, value=7, effective=86_400),
        calldata("setParameter", ["uint8", "uint64", "uint40"], [2, 7, 86_400]),
    ),
    (Calls.set_rules(ONE), calldata("setRules", ["address"], [ONE_VALUE])),
    (Calls.set_descriptor(ONE), calldata("setDescriptor", ["address"], [ONE_VALUE])),
    (Calls.sunset(), calldata("sunset", [], [])),
    (Calls.register(CLAIM), calldata("register", [CLAIM_TYPE], [CLAIM_VALUE])),
    (Calls.confirm(**ANSWER), calldata("confirm", ANSWER_TYPES, ANSWER_VALUES)),
    (
        Calls.confirm(receivable_id=3, terms=TERMS),
        calldata("confirm", ANSWER_TYPES, [3, TERMS_VALUE, []]),
    ),
    (Calls.refuse(**ANSWER, reason=1), calldata("refuse", [*ANSWER_TYPES, "uint8"], [*ANSWER_VALUES, 1])),
    (Calls.withdraw(**ANSWER), calldata("withdraw", ANSWER_TYPES, ANSWER_VALUES)),
    (Calls.lapse(**ANSWER), calldata("lapse", ANSWER_TYPES, ANSWER_VALUES)),
    (
        Calls.counter_offer(**ANSWER, face=4, due=172_800),
        calldata("counterOffer", [*ANSWER_TYPES, "uint64", "uint40"], [*ANSWER_VALUES, 4, 172_800]),
    ),
    (
        Calls.accept_offer(**ANSWER, offer=Offer(face=4, due=172_800, at=12)),
        calldata("acceptOffer", [*ANSWER_TYPES, "(uint64,uint40,uint40)"], [*ANSWER_VALUES, (4, 172_800, 12)]),
    ),
    (
        Calls.split(**NAMED, cut=5, receiver=ONE, document=HASH),
        calldata("split", ["uint256", "uint64", "address", "bytes32"], [RANGE, 5, ONE_VALUE, HASH]),
    ),
    (
        Calls.split_many(**NAMED, parts=PARTS),
        calldata("splitMany", ["uint256", "(uint64,address,bytes32)[]"], [RANGE, PART_VALUES]),
    ),
    (
        Calls.endorse(**NAMED, receiver=ONE, document=HASH),
        calldata("endorse", ["uint256", "address", "bytes32"], [RANGE, ONE_VALUE, HASH]),
    ),
    (
        Calls.endorse_many(endorsements=(AnchoredEndorsement(**NAMED, receiver=ONE, document=HASH, anchor=HASH),)),
        calldata("endorseMany", ["(uint256,address,bytes32)[]"], [[(RANGE, ONE_VALUE, HASH)]]),
    ),
    (
        Calls.merge(receivable_id=3, start=4, cut=9, end=12),
        calldata("merge", ["uint256", "uint64"], [RANGE, 12]),
    ),
    (
        Calls.approve(receivable_id=3, start=4, to=ONE),
        calldata("approve", ["address", "uint256"], [ONE_VALUE, token_id(3, 4)]),
    ),
    (
        Calls.set_approval_for_all(operator=ONE, approved=True),
        calldata("setApprovalForAll", ["address", "bool"], [ONE_VALUE, True]),
    ),
    (
        Calls.transfer_from(giver=ONE, receiver=TWO, receivable_id=3, start=4),
        calldata("transferFrom", ["address", "address", "uint256"], [ONE_VALUE, TWO_VALUE, token_id(3, 4)]),
    ),
    (
        Calls.safe_transfer_from(giver=ONE, receiver=TWO, receivable_id=3, start=4, data=HASH),
        calldata(
            "safeTransferFrom",
            ["address", "address", "uint256", "bytes"],
            [ONE_VALUE, TWO_VALUE, token_id(3, 4), HASH],
        ),
    ),
    (
        Calls.pledge(**NAMED, financier=ONE, secured=5),
        calldata("pledge", ["uint256", "address", "uint64"], [RANGE, ONE_VALUE, 5]),
    ),
    (Calls.release(**NAMED), calldata("release", ["uint256"], [RANGE])),
    (Calls.pay(receivable_id=3, amount=5), calldata("pay", ["uint256", "uint64"], [3, 5])),
    (
        Calls.pay_and_redeem(receivable_id=3, amount=5, certificates=[(3, 4), (9, 0)]),
        calldata("payAndRedeem", ["uint256", "uint64", "uint256[]"], [3, 5, [token_id(3, 4), token_id(9, 0)]]),
    ),
    (
        Calls.pay_with_permit(receivable_id=3, amount=5, deadline=8, signature=HASH + OTHER_HASH + b"\x1b"),
        calldata(
            "payWithPermit",
            ["uint256", "uint64", "uint256", "uint8", "bytes32", "bytes32"],
            [3, 5, 8, 27, HASH, OTHER_HASH],
        ),
    ),
    (Calls.redeem(receivable_id=3, start=4), calldata("redeem", ["uint256"], [token_id(3, 4)])),
    (Calls.redeem_many([(3, 4)]), calldata("redeemMany", ["uint256[]"], [[token_id(3, 4)]])),
    (Calls.dishonour(3), calldata("dishonour", ["uint256"], [3])),
    (Calls.close(3), calldata("close", ["uint256"], [3])),
    (Calls.absolve(3), calldata("absolve", ["uint256"], [3])),
    (Calls.demand_recourse(**NAMED), calldata("demandRecourse", ["uint256"], [RANGE])),
    (Calls.repurchase(**NAMED), calldata("repurchase", ["uint256"], [RANGE])),
    (
        Calls.credit_note(BY, **NAMED, amount=5),
        calldata("creditNote", ["uint256", "uint64", BY_TYPE], [RANGE, 5, BY_VALUE]),
    ),
    (
        Calls.dispute(BY, **NAMED, cut=5),
        calldata("dispute", ["uint256", "uint64", BY_TYPE], [RANGE, 5, BY_VALUE]),
    ),
    (Calls.resolve(BY, receivable_id=3), calldata("resolve", ["uint256", BY_TYPE], [3, BY_VALUE])),
    (
        Calls.set_deposit_token(currency=978, token=ONE),
        calldata("setDepositToken", ["uint16", "address"], [978, ONE_VALUE]),
    ),
    (Calls.set_desk(ONE), calldata("setDesk", ["address"], [ONE_VALUE])),
    (
        agreed_call(operations.Dispute(**NAMED, cut=5), BY, BY),
        calldata("disputeBySignature", ["uint256", "uint64", BY_TYPE, BY_TYPE], [RANGE, 5, BY_VALUE, BY_VALUE]),
    ),
    (Calls.cancel_nonces(word=3, mask=5), calldata("cancelNonces", ["uint256", "uint256"], [3, 5])),
    (
        Calls.partition(BY, **NAMED, cut=5, holder=ONE, order=HASH),
        calldata(
            "partition", ["uint256", "uint64", "address", "bytes32", BY_TYPE], [RANGE, 5, ONE_VALUE, HASH, BY_VALUE]
        ),
    ),
    (
        Calls.freeze_certificate(BY, **NAMED, holder=ONE, order=HASH, expiry=8),
        calldata(
            "freezeCertificate",
            ["uint256", "address", "bytes32", "uint40", BY_TYPE],
            [RANGE, ONE_VALUE, HASH, 8, BY_VALUE],
        ),
    ),
    (
        Calls.unfreeze_certificate(BY, **NAMED, order=HASH),
        calldata("unfreezeCertificate", ["uint256", "bytes32", BY_TYPE], [RANGE, HASH, BY_VALUE]),
    ),
    (
        Calls.freeze_receivable(BY, receivable_id=3, order=HASH, expiry=8),
        calldata("freezeReceivable", ["uint256", "bytes32", "uint40", BY_TYPE], [3, HASH, 8, BY_VALUE]),
    ),
    (
        Calls.unfreeze_receivable(BY, receivable_id=3, order=HASH),
        calldata("unfreezeReceivable", ["uint256", "bytes32", BY_TYPE], [3, HASH, BY_VALUE]),
    ),
    (
        Calls.freeze_member(BY, member=ONE, order=HASH, expiry=8),
        calldata("freezeMember", ["address", "bytes32", "uint40", BY_TYPE], [ONE_VALUE, HASH, 8, BY_VALUE]),
    ),
    (
        Calls.unfreeze_member(BY, member=ONE, order=HASH),
        calldata("unfreezeMember", ["address", "bytes32", BY_TYPE], [ONE_VALUE, HASH, BY_VALUE]),
    ),
    (
        Calls.force_transfer(BY, **NAMED, holder=ONE, receiver=TWO, order=HASH),
        calldata(
            "forceTransfer",
            ["uint256", "address", "address", "bytes32", BY_TYPE],
            [RANGE, ONE_VALUE, TWO_VALUE, HASH, BY_VALUE],
        ),
    ),
    (
        signed_call(operations.Split(**NAMED, cut=5, receiver=ONE, document=HASH), BY),
        calldata(
            "splitBySignature",
            ["uint256", "uint64", "address", "bytes32", BY_TYPE],
            [RANGE, 5, ONE_VALUE, HASH, BY_VALUE],
        ),
    ),
    (
        signed_call(operations.Refuse(**ANSWER, reason=1), BY),
        calldata("refuseBySignature", [*ANSWER_TYPES, "uint8", BY_TYPE], [*ANSWER_VALUES, 1, BY_VALUE]),
    ),
    (
        signed_call(operations.Approve(**NAMED, to=ONE), BY),
        calldata("approveBySignature", ["uint256", "address", BY_TYPE], [RANGE, ONE_VALUE, BY_VALUE]),
    ),
]


@pytest.mark.parametrize(("ours", "theirs"), CASES)
def test_calldata_is_what_another_library_writes(ours: bytes, theirs: bytes) -> None:
    assert ours == theirs


def test_every_operation_of_the_interface_can_be_called() -> None:
    """The forms by signature follow from the direct ones; tests/chain/test_typed_data.py has each of them accepted."""
    writing = {
        artifact("IReceivables").selectors[f"{item['name']}({','.join(_types(item['inputs']))})"]
        for item in artifact("IReceivables").abi
        if item["type"] == "function"
        and item["stateMutability"] == "nonpayable"
        and not item["name"].endswith("BySignature")
        and item["name"] not in ("sell", "pledgeAgainst")  # the desk's, which is another contract
    }
    assert writing <= {ours[:4] for ours, _ in CASES}


def _types(arguments: list[dict[str, object]]) -> list[str]:
    return [
        str(each["type"]).replace("tuple", f"({','.join(_types(each['components']))})")  # type: ignore[arg-type]
        if "components" in each
        else str(each["type"])
        for each in arguments
    ]


def test_an_overloaded_function_is_named_in_full() -> None:
    abi = receivables_abi()
    by_token, by_holder = abi.selector("balanceOf(uint256)"), abi.selector("balanceOf(address)")
    assert by_token != by_holder
    assert by_token == keccak(text="balanceOf(uint256)")[:4]
    assert abi.call("balanceOf(uint256)", 7) == by_token + (7).to_bytes(32)


def test_a_constructors_arguments_are_encoded() -> None:
    arguments = (ONE, TWO, bytes(20), (1, 2, 3, 4, 5))
    types = ["address", "address", "address", "(uint16,uint32,uint16,uint16,uint16)"]
    assert ContractAbi(artifact("Receivables")).constructor(*arguments) == encode(types, arguments)
    assert receivables_abi().constructor(*arguments) == encode(types, arguments)


# ---------------------------------------------------------------------- views


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
    assert view.is_claimed(**key, originator=seller)
    assert not view.is_claimed(**key, originator=supplier)


def test_unanswered_claims_are_counted_by_pair(scene: Scene) -> None:
    pair = {"debtor": scene.address(BUYER), "originator": scene.address(SELLER)}
    scene.register()
    number = scene.register()
    assert scene.view.unanswered(**pair) == 2
    scene.withdraw(number)
    assert scene.view.unanswered(**pair) == 1
    assert scene.view.unanswered(debtor=scene.address(SELLER), originator=scene.address(BUYER)) == 0


def test_the_policy_is_read_whole(scene: Scene) -> None:
    charter, now = scene.deployment.charter, scene.now
    policy = scene.view.policy()
    assert policy.registration.tenor_limit_days.in_force(now=now) == charter.tenor_limit_days
    assert policy.registration.answer_window_days.in_force(now=now) == charter.answer_window_days
    assert policy.registration.unanswered_max.in_force(now=now) == charter.unanswered_max
    assert policy.movement.minimum_part_minor.in_force(now=now) == charter.minimum_part_minor
    assert (policy.paused_since, policy.movement.paused, policy.movement.sunset) == (0, False, False)
    assert policy.descriptor == scene.deployment.descriptor
    assert policy.settlement.overdue_grace_days.in_force(now=now) == charter.overdue_grace_days
    assert policy.settlement.desk == scene.deployment.desk

    scene.set_parameter(Parameter.MINIMUM_PART_MINOR, 100, days=3)
    paused = scene.pause()
    policy = scene.view.policy()
    assert (policy.movement.paused, policy.paused_since) == (True, paused.time)
    changed = policy.movement.minimum_part_minor
    assert (changed.value, changed.following) == (charter.minimum_part_minor, 100)
    assert changed.effective > paused.time


def test_what_lies_on_certificates_is_read_beside_them(scene: Scene) -> None:
    pledged, sold = scene.confirmed(face=1_000), scene.confirmed(face=1_000)
    scene.pledge(pledged, secured=700)
    scene.accept(scene.quote(sold, price=500, amount=550, cut=400))
    scene.pass_due(sold, days=1)
    scene.send(BANK, Calls.demand_recourse(receivable_id=sold, start=400, end=1_000))
    scene.pay(pledged, 500)
    scene.redeem(pledged)

    view, bank, seller = scene.view, scene.address(BANK), scene.address(SELLER)
    rights = view.rights([(pledged, 0), (sold, 0), (sold, 400)])
    assert rights == {
        (pledged, 0): Rights(LienWord(bank, 700), None, 500),
        (sold, 0): Rights(None, None, 0),
        (sold, 400): Rights(None, RecourseWord(seller, 550, demanded=True), 0),
    }
    words = view.certificates(rights)
    assert {key: (word.pledged, word.recourse, word.claimed) for key, word in words.items()} == {
        (pledged, 0): (True, False, True),
        (sold, 0): (False, False, False),
        (sold, 400): (False, True, False),
    }
    assert scene.deposits.balance(bank) == 500


def test_what_was_paid_credited_and_disputed_is_read_with_the_receivable(scene: Scene) -> None:
    number = scene.confirmed(face=1_000)
    assert scene.view.records([number])[number].amounts == AmountsWord(0, 0, 0, disputed=False, dishonoured=False)
    scene.credit_note(number, amount=100)
    scene.dispute(number, start=100, cut=300)
    disputed = scene.view.records([number])[number]
    assert (disputed.amounts, disputed.restrained) == (
        AmountsWord(0, 100, 300, disputed=True, dishonoured=False),
        True,
    )
    scene.pass_due(number, days=scene.deployment.charter.overdue_grace_days)
    scene.dishonour(number)
    scene.pay(number, 350)
    assert scene.view.redeemable([(number, 100), (number, 300)]) == {(number, 100): 0, (number, 300): 350}
    scene.redeem(number, start=300)
    paid = scene.view.records([number])[number]
    assert (paid.amounts, paid.claimed) == (AmountsWord(350, 100, 300, disputed=True, dishonoured=True), 350)
    debtor = scene.address(BUYER)
    assert scene.view.members([debtor])[debtor].dishonoured == 1
    scene.resolve(number)
    scene.pay(number, 550)
    assert scene.view.records([number])[number].status == Status.SETTLED
    assert scene.view.members([debtor])[debtor].dishonoured == 0
    assert scene.view.redeemable([(number, 100), (number, 300)]) == {(number, 100): 200, (number, 300): 350}


def test_orders_are_read_by_what_they_freeze(scene: Scene) -> None:
    number, supplier = scene.confirmed(), scene.address(SUPPLIER)
    scene.partition(number, start=0, cut=400)
    second = b"\x0f" * 32
    one = scene.freeze_certificate(number, start=400)
    two = scene.freeze_certificate(number, start=400, order=second, seconds=60)
    three = scene.freeze_receivable(number)
    four = scene.freeze_member(SUPPLIER)
    view = scene.view

    found = view.certificate_freezes([(number, 0), (number, 400)])
    assert found[number, 0] == ()
    assert [freeze.order for freeze in found[number, 400]] == [ORDER, second]
    assert [freeze.since for freeze in found[number, 400]] == [one.time, two.time]
    (whole,) = view.receivable_freezes([number])[number]
    assert (whole.order, whole.since) == (ORDER, three.time)
    assert YEAR_SECONDS - 5 <= whole.expiry - whole.since <= YEAR_SECONDS
    (member,) = view.member_freezes([supplier, scene.address(BANK)])[supplier]
    assert (member.order, member.since) == (ORDER, four.time)
    assert view.member_freezes([scene.address(BANK)]) == {scene.address(BANK): ()}


def test_what_would_refuse_a_transfer_is_named(scene: Scene) -> None:
    number = scene.confirmed()
    seller, bank, supplier = scene.address(SELLER), scene.address(BANK), scene.address(SUPPLIER)
    whole = {"giver": seller, "receivable_id": number, "start": 0}
    assert scene.view.can_transfer(**whole, receiver=bank)
    assert not scene.view.can_transfer(**whole, receiver=supplier)
    scene.view.require_transfer(**whole, receiver=bank)
    with pytest.raises(rules.TradeDocumentMissing):
        scene.view.require_transfer(**whole, receiver=supplier)
    with pytest.raises(rules.NotHolder):
        scene.view.require_transfer(giver=supplier, receiver=bank, receivable_id=number, start=0)

    assert (scene.view.can_send(seller), scene.view.can_receive(seller), scene.view.is_eligible(seller)) == (True,) * 3
    scene.freeze_member(SELLER)
    assert (scene.view.can_send(seller), scene.view.can_receive(seller), scene.view.is_eligible(seller)) == (
        False,
        True,
        True,
    )
    with pytest.raises(rules.FrozenByOrder):
        scene.view.require_transfer(**whole, receiver=bank)


def test_approvals_and_metadata_are_read(scene: Scene) -> None:
    number, stranger = scene.confirmed(), scene.address(STRANGER)
    assert scene.view.approved(number, 0) == bytes(20)
    scene.send(SELLER, Calls.approve(receivable_id=number, start=0, to=stranger))
    scene.send(SELLER, Calls.set_approval_for_all(operator=stranger, approved=True))
    assert scene.view.approved(number, 0) == stranger
    assert scene.view.is_operator(holder=scene.address(SELLER), operator=stranger)
    assert not scene.view.is_operator(holder=scene.address(BUYER), operator=stranger)
    assert scene.view.token_uri(number, 0).startswith("data:application/json")
    with pytest.raises(rules.UnknownCertificate):
        scene.view.token_uri(number, 1)


def test_used_and_cancelled_nonces_are_read(scene: Scene) -> None:
    scene.send(SELLER, Calls.cancel_nonces(word=3, mask=0b101))
    assert scene.view.nonces_used(scene.address(SELLER), 3) == 0b101
    assert scene.view.nonces_used(scene.address(SELLER), 2) == 0
    assert scene.view.nonces_used(scene.address(BUYER), 3) == 0


def test_the_registrys_relations_are_read(scene: Scene) -> None:
    view, deployment = scene.view, scene.deployment
    assert view.authority() == deployment.access
    assert view.regulation() == deployment.regulation
    assert view.extension() == deployment.by_signature
    assert view.predecessor() == bytes(20)
    assert view.forced_transfer_delay() == DAY_SECONDS
    assert view.eip712_domain() == scene.domain


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
    assert set(scene.view.receivable_freezes(range(VIEW_IDS_MAX + 1)).values()) == {()}


def test_a_views_refusal_has_a_name(scene: Scene) -> None:
    with pytest.raises(rules.UnknownCertificate, match="R-5/3"):
        scene.view.read("ownerOf", token_id(5, 3))


def test_a_registry_that_is_not_there_answers_nothing(scene: Scene) -> None:
    elsewhere = ReceivablesView(scene.node, scene.address(BANK))
    with pytest.raises(RpcFailed, match="count"):
        elsewhere.count()


def test_the_scenes_operator_is_the_deployer(scene: Scene) -> None:
    assert scene.deployment.operator == scene.address(OPERATOR)
    assert scene.deployment.charter.regulator == scene.address(REGULATOR)
