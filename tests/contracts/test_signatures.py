"""Signatures that stand for their signer's transaction: the same deed, once, on this chain, for this journal."""

from __future__ import annotations

import itertools
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import pytest
from eth_abi.abi import encode
from eth_utils.crypto import keccak

from registry.chain.rpc import CallReverted
from tests.contracts import oracle
from tests.contracts.door import Door, Receipt, Reverted, refused
from tests.contracts.house import (
    DAY,
    DOCUMENT,
    FINANCIER_ROLE,
    NO_DOCUMENT,
    NOBODY,
    SUPPLIER_ROLE,
    House,
    as_signed,
    named,
    parts_of,
    raw,
    token,
)

NONCES_SLOT = 9
CURVE_ORDER = 0xFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFEBAAEDCE6AF48A03BBFD25E8CD0364141
YES, NO, REVERT, GARBAGE, SHORT, LONG, BURN_GAS, WRITE = range(8)


class Scene:
    """A claim, one with an offer, a confirmed receivable in two halves and a whole one, between seller and buyer."""

    def __init__(self, house: House) -> None:
        self.house = house
        self.opened, self.offered, self.confirmed = house.register(), house.register(), house.confirmed()
        house.split(token(self.confirmed), 50_000, to=house.seller)
        house.counter_offer(self.offered)
        self.offer = house.offer(self.offered)
        self.claim = house.claim()
        self.left = named(token(self.confirmed), 50_000)
        self.whole = named(token(house.confirmed()))
        self.due = house.record(self.opened).due

    def terms(self, receivable_id: int) -> tuple[Any, ...]:
        return (receivable_id, self.house.terms(receivable_id), self.house.since(receivable_id))

    def accepted(self) -> tuple[Any, ...]:
        return (self.offered, self.house.terms(self.offered), [], self.offer)

    def anchored(self) -> list[dict[str, Any]]:
        """Certificates of two receivables, for two receivers."""
        return [self.house.anchored(self.left, self.house.supplier), self.house.anchored(self.whole, self.house.bank)]

    def part(self, cut: int, receiver: Any) -> dict[str, Any]:
        return {"cut": cut, "receiver": receiver.address, "document": DOCUMENT}


@dataclass(frozen=True)
class Deed:
    """One operation in both forms. `others` are signed fields that must not be changeable, each with another value."""

    signer: str
    fields: Callable[[Scene], dict[str, Any]]
    arguments: Callable[[Scene], tuple[Any, ...]]
    others: dict[str, Any]
    function: str = ""
    direct: Callable[[Scene], tuple[Any, ...]] | None = None


def on(receivable_id: str, **fields: Any) -> Callable[[Scene], dict[str, Any]]:
    """Fields about one of the scene's receivables."""
    return lambda scene: {"receivableId": getattr(scene, receivable_id)} | fields


OTHER_ID, OTHER_BYTES, OTHER_ADDRESS = 77, b"\xee" * 32, "0x" + "ee" * 20
RANGE = {"receivableId": OTHER_ID, "start": 1, "end": 49_999}
DEEDS: dict[str, Deed] = {
    "Register": Deed(
        signer="seller",
        fields=lambda s: dict(s.claim),
        arguments=lambda s: (s.claim,),
        others={
            "debtor": OTHER_ADDRESS,
            "face": 1,
            "due": 86_400,
            "currency": 1,
            "fingerprint": OTHER_BYTES,
            "documentRoot": OTHER_BYTES,
        },
    ),
    "Confirm": Deed(
        signer="buyer",
        fields=lambda s: {
            "receivableId": s.opened,
            "originator": s.house.seller.address,
            "face": 100_000,
            "due": s.due,
            "currency": 978,
        },
        arguments=lambda s: s.terms(s.opened),
        others={"receivableId": OTHER_ID, "originator": OTHER_ADDRESS, "face": 1, "due": 86_400, "currency": 1},
    ),
    "Refuse": Deed(
        signer="buyer",
        fields=on("opened", reason=4),
        arguments=lambda s: (*s.terms(s.opened), 4),
        others={"receivableId": OTHER_ID, "reason": 5},
    ),
    "Withdraw": Deed(
        signer="seller",
        fields=on("opened"),
        arguments=lambda s: s.terms(s.opened),
        others={"receivableId": OTHER_ID},
    ),
    "CounterOffer": Deed(
        signer="buyer",
        fields=lambda s: {"receivableId": s.opened, "face": 70_000, "due": s.due + DAY},
        arguments=lambda s: (*s.terms(s.opened), 70_000, s.due + DAY),
        others={"receivableId": OTHER_ID, "face": 69_999, "due": 86_400},
    ),
    "AcceptOffer": Deed(
        signer="seller",
        fields=lambda s: {"receivableId": s.offered, "face": 90_000, "due": s.due},
        arguments=lambda s: s.accepted(),
        others={"receivableId": OTHER_ID, "face": 89_999, "due": 86_400},
    ),
    "Split": Deed(
        signer="seller",
        fields=lambda s: parts_of(s.left) | s.part(20_000, s.house.supplier),
        arguments=lambda s: (s.left, 20_000, s.house.supplier, DOCUMENT),
        others=RANGE | {"cut": 1, "receiver": OTHER_ADDRESS, "document": OTHER_BYTES},
    ),
    "SplitMany": Deed(
        signer="seller",
        fields=lambda s: parts_of(s.left) | {"parts": [s.part(40_000, s.house.supplier), s.part(7, s.house.bank)]},
        arguments=lambda s: (s.left, [s.part(40_000, s.house.supplier), s.part(7, s.house.bank)]),
        others=RANGE | {"parts": []},
    ),
    "Endorse": Deed(
        signer="seller",
        fields=lambda s: parts_of(s.left) | {"receiver": s.house.supplier.address, "document": DOCUMENT},
        arguments=lambda s: (s.left, s.house.supplier, DOCUMENT),
        others=RANGE | {"receiver": OTHER_ADDRESS, "document": OTHER_BYTES},
    ),
    "EndorseMany": Deed(
        signer="seller",
        fields=lambda s: {"endorsements": as_signed(s.anchored())},
        arguments=lambda s: (s.anchored(),),
        others={"endorsements": []},
        direct=lambda s: ([{name: each[name] for name in ("range", "receiver", "document")} for each in s.anchored()],),
    ),
    "Merge": Deed(
        signer="seller",
        fields=lambda s: {"receivableId": s.confirmed, "start": 0, "cut": 50_000, "end": 100_000},
        arguments=lambda s: (s.left, 100_000),
        others={"receivableId": OTHER_ID, "start": 1, "cut": 49_999, "end": 99_999},
    ),
    "Approve": Deed(
        signer="seller",
        fields=lambda s: parts_of(s.left) | {"to": s.house.bank.address},
        arguments=lambda s: (s.left, s.house.bank),
        others=RANGE | {"to": OTHER_ADDRESS},
        direct=lambda s: (s.house.bank, s.left >> 64),
    ),
    "SetApprovalForAll": Deed(
        signer="seller",
        fields=lambda s: {"operator": s.house.bank.address, "approved": True},
        arguments=lambda s: (s.house.bank, True),
        others={"operator": OTHER_ADDRESS, "approved": False},
    ),
}
ANSWERS = ("Confirm", "Refuse", "Withdraw", "CounterOffer", "AcceptOffer")
MOVES = ("Split", "SplitMany", "Endorse", "Merge", "Approve")
each_deed = pytest.mark.parametrize("name", DEEDS)


@pytest.fixture
def scene(house: House) -> Scene:
    return Scene(house)


def function_of(name: str) -> str:
    return name[0].lower() + name[1:]


def signed(scene: Scene, name: str, **changes: Any) -> dict[str, Any]:
    """An authorisation for a deed, by its signer unless a test changes that."""
    deed = DEEDS[name]
    signer = changes.pop("signer", None) or getattr(scene.house, deed.signer)
    return scene.house.authorise(name, signer, **deed.fields(scene) | changes)


def submit(scene: Scene, name: str, by: dict[str, Any], *, sender: Any = None) -> Receipt:
    function = getattr(scene.house.receivables, function_of(name) + "BySignature")
    receipt = function(*DEEDS[name].arguments(scene), by, sender=sender or scene.house.stranger)
    assert isinstance(receipt, Receipt)
    return receipt


def used(house: House, by: dict[str, Any]) -> bool:
    return bool(house.receivables.noncesUsed(by["signer"], by["nonce"] >> 8) >> (by["nonce"] & 0xFF) & 1)


def test_every_operation_of_a_member_has_its_signed_form(house: House, project: Any) -> None:
    """But lapse, which anyone may do, so that nobody needs another's signature for it. About money: elsewhere."""

    def names_of(interface: Any) -> set[str]:
        return {method.name for method in interface.contract_type.mutable_methods}

    def forms_of(interface: Any) -> set[str]:
        return {each.removesuffix("BySignature") for each in names_of(interface) if each.endswith("BySignature")}

    forms = forms_of(house.receivables)
    assert forms - forms_of(project.ISettlementOperations) == {function_of(name) for name in DEEDS}
    assert forms_of(project.ISignedOperations) == names_of(project.IMemberOperations) - {"lapse"} | {
        "approve",
        "setApprovalForAll",
    }
    assert forms <= names_of(house.receivables)


# ------------------------------------------------------------ the same deed


@each_deed
def test_signed_or_sent_the_same_is_done(scene: Scene, name: str) -> None:
    """Same events, same journals, same storage but for the nonce; and the one named in them is who signed."""
    house, deed = scene.house, DEEDS[name]
    node, signer = house.node, getattr(house, deed.signer)
    at = house.now + 100
    mark = node.request("evm_snapshot")
    house.at(at)
    direct = getattr(house.receivables, function_of(name))
    sent = direct(*(deed.direct or deed.arguments)(scene), sender=signer).events
    sent_state = house.audit()
    inner = keccak(encode(["address", "uint256"], [signer.address, NONCES_SLOT]))
    slot = "0x" + keccak(encode(["uint256", "bytes32"], [0, inner])).hex()
    node.request("anvil_setStorageAt", house.receivables.address, slot, "0x" + (1 << 5).to_bytes(32).hex())
    sent_root = house.storage_root()
    assert node.request("evm_revert", mark)

    by = signed(scene, name, nonce=5)
    house.at(at)
    assert submit(scene, name, by).events == sent
    assert house.audit() == sent_state
    assert house.storage_root() == sent_root


@each_deed
def test_anyone_submits_also_the_signer_itself(scene: Scene, name: str) -> None:
    house = scene.house
    for sender in (house.operator, house.buyer, getattr(house, DEEDS[name].signer)):
        mark = house.node.request("evm_snapshot")
        submit(scene, name, signed(scene, name), sender=sender)
        house.node.request("evm_revert", mark)


@each_deed
def test_what_the_signer_could_not_do_its_signature_cannot(scene: Scene, name: str) -> None:
    """A genuine signature of somebody without standing."""
    house = scene.house
    outsider = {"Register": "stranger", "SetApprovalForAll": None}.get(name, "supplier")
    if outsider is None:
        return  # everybody speaks for its own certificates
    by = signed(scene, name, signer=getattr(house, outsider))
    with pytest.raises(Reverted) as caught:
        submit(scene, name, by)
    assert caught.value.name in {"MemberNotEligible", "NotDebtor", "NotOriginator", "NotHolder"}
    assert not used(house, by)


# ------------------------------------------------------------- what is bound


@each_deed
def test_every_field_is_signed(scene: Scene, name: str) -> None:
    """Signed for another value of any one field, the signature is no signature of this deed."""
    house, deed = scene.house, DEEDS[name]
    before = house.storage_root()
    common = {"signer", "anchor", "nonce", "deadline"}
    assert deed.others.keys() == set(oracle.fields_of(name)) - common
    anchor = signed(scene, name)["anchor"]
    for field, other in deed.others.items():
        with refused("SignatureInvalid", signer=getattr(house, deed.signer).address):
            submit(scene, name, signed(scene, name, anchor=anchor, **{field: other}))
    assert house.storage_root() == before


@each_deed
def test_the_authorisation_itself_is_signed(scene: Scene, name: str) -> None:
    house = scene.house
    by = signed(scene, name)
    changes = [{"nonce": by["nonce"] + 1}, {"deadline": by["deadline"] + 1}, {"signer": house.supplier.address}]
    if "anchor" in oracle.fields_of(name):
        changes.append({"anchor": OTHER_BYTES})
    for change in changes:
        with refused("SignatureInvalid", signer=(by | change)["signer"]):
            submit(scene, name, by | change)
    submit(scene, name, by)


@each_deed
def test_it_counts_on_this_chain_and_for_this_registry(scene: Scene, name: str) -> None:
    house = scene.house
    for changes in ({"chain_id": 1}, {"contract": house.by_signature.address}, {"contract": NOBODY}):
        by = signed(scene, name, **changes)
        with refused("SignatureInvalid", signer=by["signer"]):
            submit(scene, name, by)


def test_a_signature_of_one_kind_is_none_of_another(scene: Scene) -> None:
    """Whatever the fields have in common: the type's name is hashed too. Every type against every other."""
    house = scene.house
    for (name, deed), other in itertools.product(DEEDS.items(), DEEDS):
        if other != name:
            by = signed(scene, other, signer=getattr(house, deed.signer))
            with refused("SignatureInvalid", signer=by["signer"]):
                submit(scene, name, by)


def test_the_domain_is_told_as_erc5267_has_it(house: House) -> None:
    fields, name, version, chain_id, contract, salt, extensions = house.receivables.eip712Domain()
    assert (fields, name, version, chain_id) == (b"\x0f", "Counterfoil", "1", 31337)
    assert (contract, salt, extensions) == (house.receivables.address, bytes(32), [])


def test_the_domain_follows_the_chain(house: House) -> None:
    """After a fork with another chain id, signatures are for that one, and those of before for the other."""
    fields = {"operator": house.bank.address, "approved": True}
    before = house.authorise("SetApprovalForAll", house.seller, **fields)
    after = house.authorise("SetApprovalForAll", house.seller, **fields, chain_id=99)

    def counts(by: dict[str, Any]) -> bool:
        data = house.receivables.setApprovalForAllBySignature.encode_input(house.bank, True, by)
        try:
            house.node.call(to=raw(house.receivables), data=data)
        except CallReverted as reverted:
            name = house.receivables.reverted(reverted.data).name
        else:
            return True
        assert name == "SignatureInvalid"
        return False

    assert (counts(before), counts(after)) == (True, False)
    house.node.request("anvil_setChainId", 99)
    try:
        assert house.receivables.eip712Domain()[3] == 99
        assert (counts(before), counts(after)) == (False, True)
    finally:
        house.node.request("anvil_setChainId", 31337)


# --------------------------------------------------------------- once, in time


@each_deed
def test_it_counts_once(scene: Scene, name: str) -> None:
    by = signed(scene, name)
    submit(scene, name, by)
    assert used(scene.house, by)
    with refused("NonceUsed", nonce=by["nonce"]):
        submit(scene, name, by)


@each_deed
def test_it_counts_until_its_deadline_to_the_second(scene: Scene, name: str) -> None:
    house, deadline = scene.house, scene.house.now + 50
    by = signed(scene, name, deadline=deadline)
    mark = house.node.request("evm_snapshot")
    house.at(deadline)
    submit(scene, name, by)
    house.node.request("evm_revert", mark)
    house.at(deadline + 1)
    with refused("SignatureExpired", deadline=deadline):
        submit(scene, name, by)


@each_deed
def test_a_cancelled_nonce_is_used(scene: Scene, name: str) -> None:
    house = scene.house
    by = signed(scene, name, nonce=300)
    receipt = house.receivables.cancelNonces(1, 1 << 44, sender=getattr(house, DEEDS[name].signer))
    assert receipt.events == [("NoncesCancelled", {"signer": by["signer"], "word": 1, "mask": 1 << 44})]
    with refused("NonceUsed", nonce=300):
        submit(scene, name, by)


def test_nonces_are_used_in_any_order_each_its_own_bit(house: House) -> None:
    approve, seller = house.receivables.setApprovalForAllBySignature, house.seller
    last = 2**256 - 1
    nonces = [255, 0, 256, 257, 2**255, last, 1, last - 1]
    for nonce in nonces:
        by = house.authorise("SetApprovalForAll", seller, operator=house.bank.address, approved=True, nonce=nonce)
        approve(house.bank, True, by, sender=house.stranger)
    words: dict[int, int] = {}
    for nonce in nonces:
        words[nonce >> 8] = words.get(nonce >> 8, 0) | 1 << (nonce & 0xFF)
    for word, bits in words.items():
        assert house.receivables.noncesUsed(seller, word) == bits
        assert house.receivables.noncesUsed(house.bank, word) == 0
    house.receivables.cancelNonces(0, 1 << 7, sender=seller)  # adds to what is used, and takes nothing back
    assert house.receivables.noncesUsed(seller, 0) == words[0] | 1 << 7


def test_a_deed_that_is_refused_leaves_its_nonce(scene: Scene) -> None:
    """Whatever the reason, the signature is as good as before, once the reason is gone."""
    house = scene.house
    by = signed(scene, "Endorse")
    house.suspend(house.supplier)
    with refused("MemberNotEligible", member=house.supplier.address):
        submit(scene, "Endorse", by)
    assert not used(house, by)
    house.admit(house.supplier, roles=SUPPLIER_ROLE)
    house.receivables.pause(sender=house.operator)
    with refused("RegistryPaused"):
        submit(scene, "Endorse", by)
    house.receivables.unpause(sender=house.operator)
    assert not used(house, by)
    submit(scene, "Endorse", by)


def test_the_same_signature_twice_in_one_block_counts_once(scene: Scene) -> None:
    """Two submitters race: the second transaction of the block finds the nonce used."""
    house, node = scene.house, scene.house.node
    by = signed(scene, "Endorse")
    call = house.receivables.endorseBySignature.encode_input(*DEEDS["Endorse"].arguments(scene), by)
    node.request("evm_setAutomine", False)
    try:
        hashes = []
        for sender in (house.stranger, house.operator):
            sent = {"from": sender.address, "to": house.receivables.address, "data": "0x" + call.hex()}
            hashes.append(node.request("eth_sendTransaction", sent | {"gas": "0x7a1200"}))
        node.request("evm_mine")
    finally:
        node.request("evm_setAutomine", True)
    receipts = [node.receipt(bytes.fromhex(each[2:])) for each in hashes]
    assert sorted(receipt.succeeded for receipt in receipts if receipt) == [False, True]
    assert len({receipt.block_number for receipt in receipts if receipt}) == 1


# -------------------------------------------------------------------- anchors


@pytest.mark.parametrize("name", [*MOVES, "EndorseMany"])
def test_what_concerns_one_certificate_survives_what_happens_to_others(scene: Scene, name: str) -> None:
    """Nobody voids another's signature by an operation of its own: the anchor names claim and terms, which stay."""
    house = scene.house
    by = signed(scene, name)
    neighbour = token(scene.confirmed, 50_000)
    house.freeze_receivable(scene.confirmed)
    house.unfreeze_receivable(scene.confirmed)
    if name != "Merge":  # of which the neighbour is a part
        house.split(neighbour, 80_000)
        house.endorse(neighbour, to=house.bank)
    submit(scene, name, by)


def test_a_certificate_is_signed_for_wherever_it_begins(house: House) -> None:
    receivable_id = house.confirmed()
    house.split(token(receivable_id), 40_000, to=house.seller)
    whole = named(token(receivable_id, 40_000))
    fields = parts_of(whole) | {"receiver": house.bank.address, "document": NO_DOCUMENT}
    by = house.authorise("Endorse", house.seller, **fields)
    house.receivables.endorseBySignature(whole, house.bank, NO_DOCUMENT, by, sender=house.stranger)
    assert house.cover(receivable_id) == [(0, 40_000, house.seller.address), (40_000, 100_000, house.bank.address)]


@pytest.mark.parametrize("name", MOVES)
def test_an_anchor_is_opened_with_the_key_of_its_claim(scene: Scene, name: str) -> None:
    """Whoever submits adds it, and can add no other."""
    house = scene.house
    by = signed(scene, name)
    assert by["anchor"] == house.anchor(scene.confirmed)
    for key in (bytes(32), OTHER_BYTES, house.claim_key(scene.opened)):
        with refused("AnchorMismatch", head=house.head(scene.confirmed)):
            submit(scene, name, by | {"claimKey": key})
    submit(scene, name, by)


@pytest.mark.parametrize("index", [0, 1])
def test_each_certificate_of_a_batch_has_an_anchor_of_its_own(scene: Scene, index: int) -> None:
    """That of another receivable of the batch is wrong, and one that is wrong keeps all from moving."""
    house, rows = scene.house, scene.anchored()
    before = house.storage_root()
    head = house.head(rows[index]["range"] >> 128)

    def endorsed(**changes: Any) -> Receipt:
        changed = [row | changes if row is rows[index] else row for row in rows]
        by = house.authorise("EndorseMany", house.seller, endorsements=as_signed(changed))
        receipt = house.receivables.endorseManyBySignature(changed, by, sender=house.stranger)
        assert isinstance(receipt, Receipt)
        return receipt

    other = {name: rows[1 - index][name] for name in ("anchor", "claimKey")}
    for changes in (
        other,
        {"anchor": other["anchor"]},
        {"claimKey": other["claimKey"]},
        {"claimKey": bytes(32)},
        {"anchor": bytes(32), "claimKey": bytes(32)},
        {"anchor": house.head(rows[index]["range"] >> 128)},
    ):
        with refused("AnchorMismatch", head=head):
            endorsed(**changes)
    assert house.storage_root() == before
    assert endorsed().names == ["Endorsed", "Transfer"] * 2


@pytest.mark.parametrize("index", [0, 1])
def test_every_field_of_every_certificate_of_a_batch_is_signed(scene: Scene, index: int) -> None:
    """But the claim key, which whoever submits adds; and neither their order nor their number is anybody else's."""
    house, rows = scene.house, scene.anchored()
    by = signed(scene, "EndorseMany")
    row = rows[index]
    others = [
        {"range": row["range"] + (1 << 128)},
        {"range": row["range"] + (1 << 64)},
        {"range": row["range"] - 1},
        {"receiver": OTHER_ADDRESS},
        {"document": OTHER_BYTES},
        {"anchor": OTHER_BYTES},
    ]
    batches = [[each | other if each is row else each for each in rows] for other in others]
    for batch in (*batches, [row], rows[::-1], [*rows, row], []):
        with refused("SignatureInvalid", signer=house.seller.address):
            house.receivables.endorseManyBySignature(batch, by, sender=house.stranger)
    submit(scene, "EndorseMany", by)


def test_a_batch_that_is_refused_in_part_leaves_its_nonce(scene: Scene) -> None:
    house, by = scene.house, signed(scene, "EndorseMany")
    house.suspend(house.bank)
    before = house.storage_root()
    with refused("MemberNotEligible", member=house.bank.address):
        submit(scene, "EndorseMany", by)
    assert house.storage_root() == before
    house.admit(house.bank, roles=FINANCIER_ROLE)
    submit(scene, "EndorseMany", by)
    empty = house.authorise("EndorseMany", house.seller, endorsements=[])
    with refused("BatchEmpty"):
        house.receivables.endorseManyBySignature([], empty, sender=house.stranger)


@pytest.mark.parametrize("name", [*MOVES, "EndorseMany"])
def test_the_certificate_itself_must_be_as_it_was(scene: Scene, name: str) -> None:
    house = scene.house
    by = signed(scene, name)
    house.split(token(scene.confirmed), 40_000)
    with refused("RangeChanged", start=0, end=40_000):
        submit(scene, name, by)


@pytest.mark.parametrize("name", ANSWERS)
def test_an_answer_is_to_what_its_signer_saw_and_nothing_after_it(scene: Scene, name: str) -> None:
    """Its anchor is the head: another counter-offer may have changed the signer's mind."""
    house = scene.house
    receivable_id = DEEDS[name].fields(scene)["receivableId"]
    by = signed(scene, name)
    house.counter_offer(receivable_id, face=1)
    head = house.head(receivable_id)
    for key in (bytes(32), house.claim_key(receivable_id)):
        with refused("AnchorMismatch", head=head):
            submit(scene, name, by | {"claimKey": key})
    assert not used(house, by)


@pytest.mark.parametrize("name", [*ANSWERS, *MOVES])
def test_an_anchor_of_another_kind_or_receivable_is_none(scene: Scene, name: str) -> None:
    """Heads where claim and terms are due, the other way round, those of another receivable, and nothing."""
    house = scene.house
    receivable_id = DEEDS[name].fields(scene)["receivableId"]
    ids = (scene.opened, scene.offered, scene.confirmed)
    anchors = {bytes(32), OTHER_BYTES, house.head(0), house.genesis(receivable_id)}
    anchors |= {house.head(each) for each in ids} | {house.anchor(each) for each in ids}
    anchors.remove(signed(scene, name)["anchor"])
    for anchor in anchors:
        with refused("AnchorMismatch", head=house.head(receivable_id)):
            submit(scene, name, signed(scene, name, anchor=anchor))


def test_after_a_reorg_a_confirmation_is_not_of_the_claim_that_took_the_id(house: House) -> None:
    """The buyer signs for receivable 1; the chain goes back, and another claim with the same figures becomes R-1."""
    claim = house.claim()
    mark = house.node.request("evm_snapshot")
    first = house.register(claim)
    fields = {"originator": house.seller.address, "face": 100_000, "due": claim["due"], "currency": 978}
    by = house.authorise("Confirm", house.buyer, receivableId=first, **fields)
    assert house.node.request("evm_revert", mark)
    second = house.register(claim | {"fingerprint": OTHER_BYTES})
    assert second == first
    with refused("AnchorMismatch", head=house.head(second)):
        house.receivables.confirmBySignature(second, house.terms(second), [], by, sender=house.seller)


def test_after_a_reorg_a_transfer_is_not_of_another_receivables_certificate(house: House) -> None:
    """The same through a reorganisation of the node: empty blocks replace the others, the id is taken anew."""
    first = house.register()
    house.confirm(first)
    fields = parts_of(named(token(first))) | {"receiver": house.bank.address, "document": NO_DOCUMENT}
    by = house.authorise("Endorse", house.seller, **fields)
    house.node.request("anvil_reorg", 2, [])
    assert house.receivables.count() == 0
    second = house.confirmed(debtor=house.buyer.address)
    assert second == first
    arguments = (named(token(second)), house.bank, NO_DOCUMENT)
    for key in (by["claimKey"], house.claim_key(second)):
        with refused("AnchorMismatch", head=house.head(second)):
            house.receivables.endorseBySignature(*arguments, by | {"claimKey": key}, sender=house.stranger)
    assert house.receivables.ownerOf(token(second)) == house.seller


def test_after_a_reorg_a_transfer_is_not_of_the_same_claim_with_other_terms(house: House) -> None:
    """There the claim was confirmed as it is, here a counter-offer was accepted: another amount is owed."""
    claim = house.claim()
    mark = house.node.request("evm_snapshot")
    first = house.register(claim)
    house.confirm(first)
    house.split(token(first), 50_000, to=house.seller)
    whole = named(token(first), 50_000)
    fields = parts_of(whole) | {"receiver": house.bank.address, "document": NO_DOCUMENT}
    by = house.authorise("Endorse", house.seller, **fields)
    assert house.node.request("evm_revert", mark)
    second = house.register(claim)
    house.counter_offer(second, face=90_000)
    house.accept_offer(second)
    house.split(token(second), 50_000, to=house.seller)
    assert (second, house.claim_key(second)) == (first, by["claimKey"])
    with refused("AnchorMismatch", head=house.head(second)):
        house.receivables.endorseBySignature(whole, house.bank, NO_DOCUMENT, by, sender=house.stranger)


def test_after_a_reorg_a_transfer_is_still_of_the_same_claim_with_the_same_terms(house: House) -> None:
    """The blocks are others, the certificate is what the holder signed for."""
    claim = house.claim()
    mark = house.node.request("evm_snapshot")
    house.confirm(house.register(claim))
    whole = named(token(1))
    fields = parts_of(whole) | {"receiver": house.bank.address, "document": NO_DOCUMENT}
    by = house.authorise("Endorse", house.seller, **fields)
    assert house.node.request("evm_revert", mark)
    house.wait(100)
    house.confirm(house.register(claim))
    house.receivables.endorseBySignature(whole, house.bank, NO_DOCUMENT, by, sender=house.stranger)
    assert house.receivables.ownerOf(token(1)) == house.bank


# ------------------------------------------------------------ forms of signatures


def forms(genuine: bytes) -> dict[str, bytes]:
    """Other bytes that say the same or nearly the same as a signature of 65 bytes."""
    r, s, v = genuine[:32], int.from_bytes(genuine[32:64]), genuine[64]
    high = (CURVE_ORDER - s).to_bytes(32)
    compact = (s | (v - 27) << 255).to_bytes(32)
    return {
        "malleable": r + high + bytes([55 - v]),
        "compact, 64 bytes": r + compact,
        "v of 0 or 1": genuine[:64] + bytes([v - 27]),
        "the other v": genuine[:64] + bytes([55 - v]),
        "v of an old chain": genuine[:64] + bytes([v + 2 * 31337 + 8 & 0xFF]),
        "empty": b"",
        "zeros": bytes(65),
        "short": genuine[:64],
        "long": genuine + b"\x00",
        "r of 0": bytes(32) + genuine[32:],
        "s of 0": r + bytes(32) + bytes([v]),
        "r beyond the curve": CURVE_ORDER.to_bytes(32) + genuine[32:],
    }


def test_a_signature_has_one_form(scene: Scene) -> None:
    """65 bytes with the lower s. Nobody makes a second one from the first, and none is taken for another's."""
    by = signed(scene, "Endorse")
    for what, form in forms(by["signature"]).items():
        with pytest.raises(Reverted) as caught:
            submit(scene, "Endorse", by | {"signature": form})
        assert caught.value.name == "SignatureInvalid", what
    submit(scene, "Endorse", by)


def test_nobody_signs_for_nobody(house: House) -> None:
    """A recovery that fails gives address zero, which must not be taken for a signer of that address."""
    for signature in (b"", bytes(65), b"\x01" * 65):
        by = {"signer": NOBODY, "nonce": 1, "deadline": 2**40, "anchor": bytes(32)}
        by |= {"claimKey": bytes(32), "signature": signature}
        with refused("SignatureInvalid", signer=NOBODY):
            house.receivables.setApprovalForAllBySignature(house.bank, True, by, sender=house.stranger)


# ------------------------------------------------------------------- ERC-1271


def of_wallet(house: House, wallet: Door, *, key: Any = None) -> dict[str, Any]:
    """The wallet approves an operator, by somebody's key."""
    fields = {"operator": house.bank.address, "approved": True}
    return house.authorise("SetApprovalForAll", wallet, key=key or house.stranger, **fields)


def approve(house: House, by: dict[str, Any]) -> Receipt:
    submitted = {"sender": house.stranger, "gas": 1_000_000}
    receipt = house.receivables.setApprovalForAllBySignature(house.bank, True, by, **submitted)
    assert isinstance(receipt, Receipt)
    return receipt


def test_a_wallet_that_says_yes_has_signed(house: House, wallet: Door) -> None:
    """Whatever the bytes: they are for the wallet to judge, also none at all."""
    approve(house, of_wallet(house, wallet) | {"signature": b""})
    assert house.receivables.isApprovedForAll(wallet, house.bank) is True


@pytest.mark.parametrize("word", [NO, REVERT, GARBAGE, SHORT, BURN_GAS, WRITE])
def test_a_wallet_that_says_anything_else_has_not(house: House, wallet: Door, word: int) -> None:
    """The magic word with more bits behind it, in fewer than 32 bytes, a wallet that fails, or burns all gas, or would
    write while it is asked."""
    wallet.setWord(word, sender=house.stranger)
    by = of_wallet(house, wallet)
    before = house.storage_root()
    with refused("SignatureInvalid", signer=wallet.address):
        approve(house, by)
    assert house.storage_root() == before
    assert wallet.tokenId() == 0


def test_a_long_answer_costs_the_submitter_no_more_than_a_short_one(house: House, wallet: Door) -> None:
    """Only the first word is read. What the wallet itself burns is its own account's affair."""
    wallet.setWord(LONG, sender=house.stranger)
    receipt = approve(house, of_wallet(house, wallet))
    assert receipt.gas_used < 150_000


def test_a_wallet_judges_the_very_hash_of_the_deed(house: House, wallet: Door) -> None:
    """With an owner whose key must have signed: as a smart account does."""
    wallet.setOwner(house.supplier, sender=house.stranger)
    with refused("SignatureInvalid", signer=wallet.address):
        approve(house, of_wallet(house, wallet, key=house.bank))
    by = of_wallet(house, wallet, key=house.supplier)
    with refused("SignatureInvalid", signer=wallet.address):
        house.receivables.setApprovalForAllBySignature(house.bank, False, by, sender=house.stranger)
    approve(house, by)
    with refused("NonceUsed", nonce=by["nonce"]):
        approve(house, by)


def test_a_contract_that_knows_no_signatures_has_not_signed(house: House, hookless: Door) -> None:
    with refused("SignatureInvalid", signer=hookless.address):
        approve(house, of_wallet(house, hookless))


def test_a_wallet_may_hold_and_move_certificates_by_signature(house: House, receivable_id: int, wallet: Door) -> None:
    house.endorse(token(receivable_id), to=wallet)
    wallet.setOwner(house.stranger, sender=house.stranger)
    whole = named(token(receivable_id))
    fields = parts_of(whole) | {"receiver": house.bank.address, "document": NO_DOCUMENT}
    by = house.authorise("Endorse", wallet, key=house.stranger, **fields)
    receipt = house.receivables.endorseBySignature(whole, house.bank, NO_DOCUMENT, by, sender=house.operator)
    assert receipt.events[0][1]["actor"] == wallet.address


def test_a_wallet_that_is_asked_cannot_use_the_registry_meanwhile(house: House, wallet: Door) -> None:
    """It is asked in a static call: a nonce cannot be spent, nor a certificate moved, from inside the question."""
    wallet.setWord(WRITE, sender=house.stranger)
    with refused("SignatureInvalid", signer=wallet.address):
        approve(house, of_wallet(house, wallet))


# ------------------------------------------------------- operators and approvals


def test_an_operator_signs_for_the_holder_in_its_own_name(scene: Scene) -> None:
    house = scene.house
    house.receivables.setApprovalForAll(house.bank, True, sender=house.seller)
    by = signed(scene, "Endorse", signer=house.bank)
    assert submit(scene, "Endorse", by).events[0][1]["actor"] == house.bank


def test_an_approval_by_signature_ends_as_any_other(scene: Scene) -> None:
    house = scene.house
    submit(scene, "Approve", signed(scene, "Approve"))
    assert house.receivables.getApproved(scene.left >> 64) == house.bank
    house.merge(scene.left >> 64)
    assert house.receivables.getApproved(scene.left >> 64) == NOBODY
    house.split(scene.left >> 64, 50_000, to=house.seller)  # the same range again, in another life
    assert house.receivables.getApproved(scene.left >> 64) == NOBODY
    with refused("NotHolder", caller=house.bank.address):
        house.endorse(scene.left >> 64, sender=house.bank)


def test_a_signature_counts_in_every_life_of_its_certificate_until_it_is_given_up(scene: Scene) -> None:
    """Merged and cut again at the same cent, sold and bought back: the same claim, range and signer. Whoever signs sets
    a deadline, and takes a signature back by its nonce."""
    house = scene.house
    by, other = signed(scene, "Endorse", nonce=1), signed(scene, "Endorse", nonce=2)
    house.merge(scene.left >> 64)
    house.split(scene.left >> 64, 50_000, to=house.seller)
    house.endorse(scene.left >> 64, to=house.bank)
    with refused("NotHolder", caller=house.seller.address):
        submit(scene, "Endorse", by)
    assert not used(house, by)
    house.endorse(scene.left >> 64, to=house.seller, sender=house.bank)
    house.receivables.cancelNonces(0, 1 << 2, sender=house.seller)
    with refused("NonceUsed", nonce=2):
        submit(scene, "Endorse", other)
    submit(scene, "Endorse", by)


def test_a_member_may_register_by_signature_what_it_could_itself(house: House) -> None:
    """Also a financier; and the same claim not twice, by whichever form."""
    claim = house.claim()
    by = house.authorise("Register", house.bank, **claim)
    receipt = house.receivables.registerBySignature(claim, by, sender=house.stranger)
    assert receipt.events[0][1]["originator"] == house.bank
    with refused("FingerprintTaken", receivableId=1):
        house.register(claim, sender=house.bank)
    assert house.member(house.bank).roles == FINANCIER_ROLE
