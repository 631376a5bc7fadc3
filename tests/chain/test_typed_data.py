"""Signatures: judged by the contract, by Anvil's own signer and by eth_account; documents, also from strangers."""

from __future__ import annotations

import json
from collections.abc import Callable
from dataclasses import replace
from typing import Any

import pytest
from eth_account import Account
from hypothesis import given
from hypothesis import strategies as st

from registry.chain import operations, typed_data
from registry.chain.contract import Calls, Terms, signed_call
from registry.chain.devchain import dev_account
from registry.chain.eip712 import Eip712Domain, fresh_nonce, structs
from registry.chain.operations import Agreement, Authorisation, Operation, Order
from registry.chain.submit import account_address, entries
from registry.chain.typed_data import SignedOperation, SignedOperationMalformed, digest, has_anchor
from registry.domain import anchors, rules
from registry.domain.identifiers import RECEIVABLE_ID_MAX
from registry.domain.journal import CreditNoted, Disputed, Entry, Resolved
from registry.domain.receivable import DAY_SECONDS, Offer, Receivable
from registry.domain.rules import Claim, Part
from registry.settings import PROJECT_ROOT
from tests.pool import settle
from tests.scene import (
    BANK,
    BUYER,
    DOCUMENT,
    OFFICER,
    ORDER,
    SECOND,
    SELLER,
    STRANGER,
    SUPPLIER,
    YEAR_SECONDS,
    Scene,
)

Case = Callable[[Scene], tuple[int, Operation]]

FACE = 100_000


def named(number: int, start: int = 0, end: int = FACE) -> dict[str, int]:
    return {"receivable_id": number, "start": start, "end": end}


def register(scene: Scene) -> tuple[int, Operation]:
    return SELLER, operations.Register(scene.claim())


def confirm(scene: Scene) -> tuple[int, Operation]:
    number = scene.register()
    scene.counter_offer(number, face=7)
    answer = scene.answer(number)
    return BUYER, operations.Confirm(receivable_id=number, terms=answer.terms, since=answer.since)


def refuse(scene: Scene) -> tuple[int, Operation]:
    answer = scene.answer(scene.register())
    return BUYER, operations.Refuse(receivable_id=answer.receivable_id, terms=answer.terms, reason=3)


def withdraw(scene: Scene) -> tuple[int, Operation]:
    answer = scene.answer(scene.register())
    return SELLER, operations.Withdraw(receivable_id=answer.receivable_id, terms=answer.terms)


def counter_offer(scene: Scene) -> tuple[int, Operation]:
    answer = scene.answer(scene.register())
    face, due = FACE - 1, answer.terms.claim.due + DAY_SECONDS
    named = {"receivable_id": answer.receivable_id, "terms": answer.terms}
    return BUYER, operations.CounterOffer(**named, face=face, due=due)


def accept_offer(scene: Scene) -> tuple[int, Operation]:
    number = scene.register()
    scene.counter_offer(number, face=7)
    scene.counter_offer(number, face=8)
    answer, offer = scene.answer(number), scene.offer(number)
    named = {"receivable_id": number, "terms": answer.terms, "since": answer.since[:-1]}
    return SELLER, operations.AcceptOffer(**named, offer=offer)


def split(scene: Scene) -> tuple[int, Operation]:
    number = scene.confirmed()
    supplier = scene.address(SUPPLIER)
    return SELLER, operations.Split(**named(number), cut=1_234, receiver=supplier, document=DOCUMENT)


def split_many(scene: Scene) -> tuple[int, Operation]:
    number = scene.confirmed()
    parts = (
        Part(cut=90_000, receiver=scene.address(SUPPLIER), document=DOCUMENT),
        Part(cut=70_000, receiver=scene.address(BANK), document=bytes(32)),
    )
    return SELLER, operations.SplitMany(**named(number), parts=parts)


def endorse(scene: Scene) -> tuple[int, Operation]:
    number = scene.confirmed()
    return SELLER, operations.Endorse(**named(number), receiver=scene.address(SUPPLIER), document=DOCUMENT)


def anchored(scene: Scene, number: int, start: int = 0, end: int = FACE) -> operations.AnchoredEndorsement:
    receivable = scene.receivable(number)
    return operations.AnchoredEndorsement(
        **named(number, start, end),
        receiver=scene.address(BANK),
        document=DOCUMENT,
        anchor=anchors.anchor_of(receivable),
        claim_key=anchors.claim_key_of(receivable),
    )


def endorse_many(scene: Scene) -> tuple[int, Operation]:
    first, second = scene.confirmed(), scene.confirmed()
    scene.split(second, start=0, cut=1_234, to=SELLER)
    endorsements = (anchored(scene, first), anchored(scene, second, 1_234), anchored(scene, second, 0, 1_234))
    return SELLER, operations.EndorseMany(endorsements=endorsements)


def merge(scene: Scene) -> tuple[int, Operation]:
    number = scene.confirmed()
    scene.split(number, start=0, cut=1_234, to=SELLER)
    return SELLER, operations.Merge(receivable_id=number, start=0, cut=1_234, end=FACE)


def approve(scene: Scene) -> tuple[int, Operation]:
    return SELLER, operations.Approve(**named(scene.confirmed()), to=scene.address(STRANGER))


def set_approval_for_all(scene: Scene) -> tuple[int, Operation]:
    return SELLER, operations.SetApprovalForAll(operator=scene.address(STRANGER), approved=True)


def partition(scene: Scene) -> tuple[int, Operation]:
    number, holder = scene.confirmed(), scene.address(SELLER)
    return SECOND, operations.Partition(**named(number), cut=1_234, holder=holder, order=ORDER)


def freeze_certificate(scene: Scene) -> tuple[int, Operation]:
    number, holder = scene.confirmed(), scene.address(SELLER)
    expiry = scene.now + YEAR_SECONDS
    return SECOND, operations.FreezeCertificate(**named(number), holder=holder, order=ORDER, expiry=expiry)


def unfreeze_certificate(scene: Scene) -> tuple[int, Operation]:
    number = scene.confirmed()
    scene.freeze_certificate(number, start=0)
    return SECOND, operations.UnfreezeCertificate(**named(number), order=ORDER)


def freeze_receivable(scene: Scene) -> tuple[int, Operation]:
    number, expiry = scene.confirmed(), scene.now + YEAR_SECONDS
    return SECOND, operations.FreezeReceivable(receivable_id=number, order=ORDER, expiry=expiry)


def unfreeze_receivable(scene: Scene) -> tuple[int, Operation]:
    number = scene.confirmed()
    scene.freeze_receivable(number)
    return SECOND, operations.UnfreezeReceivable(receivable_id=number, order=ORDER)


def freeze_member(scene: Scene) -> tuple[int, Operation]:
    expiry = scene.now + YEAR_SECONDS
    return SECOND, operations.FreezeMember(member=scene.address(SELLER), order=ORDER, expiry=expiry)


def unfreeze_member(scene: Scene) -> tuple[int, Operation]:
    scene.freeze_member(SELLER)
    return SECOND, operations.UnfreezeMember(member=scene.address(SELLER), order=ORDER)


def force_transfer(scene: Scene) -> tuple[int, Operation]:
    number, holder, bank = scene.confirmed(), scene.address(SELLER), scene.address(BANK)
    scene.freeze_certificate(number, start=0)
    scene.pass_time(seconds=DAY_SECONDS)
    return SECOND, operations.ForceTransfer(**named(number), holder=holder, receiver=bank, order=ORDER)


def pledge(scene: Scene) -> tuple[int, Operation]:
    return SELLER, operations.Pledge(**named(scene.confirmed()), financier=scene.address(BANK), secured=1_234)


def release(scene: Scene) -> tuple[int, Operation]:
    number = scene.confirmed()
    scene.pledge(number)
    return BANK, operations.Release(**named(number))


def pay(scene: Scene) -> tuple[int, Operation]:
    number = scene.confirmed()
    scene.fund(BUYER, FACE)
    return BUYER, operations.Pay(receivable_id=number, amount=FACE)


def sold_and_overdue(scene: Scene) -> int:
    """A receivable that the bank bought with recourse and that is not paid."""
    number = scene.confirmed()
    scene.accept(scene.quote(number, price=98_000, amount=99_000))
    scene.pass_due(number, days=1)
    return number


def demand_recourse(scene: Scene) -> tuple[int, Operation]:
    return BANK, operations.DemandRecourse(**named(sold_and_overdue(scene)))


def repurchase(scene: Scene) -> tuple[int, Operation]:
    number = sold_and_overdue(scene)
    scene.send(BANK, Calls.demand_recourse(**named(number)))
    scene.fund(SELLER, 99_000)
    return SELLER, operations.Repurchase(**named(number))


def credit_note(scene: Scene) -> tuple[int, Operation]:
    return BUYER, operations.CreditNote(**named(scene.confirmed()), amount=1_234)


def dispute(scene: Scene) -> tuple[int, Operation]:
    return BUYER, operations.Dispute(**named(scene.confirmed()), cut=1_234)


def resolve(scene: Scene) -> tuple[int, Operation]:
    number = scene.confirmed()
    scene.dispute(number, cut=1_234)
    return BUYER, operations.Resolve(receivable_id=number)


CASES: list[Case] = [
    register,
    confirm,
    refuse,
    withdraw,
    counter_offer,
    accept_offer,
    split,
    split_many,
    endorse,
    endorse_many,
    merge,
    approve,
    set_approval_for_all,
    pledge,
    release,
    pay,
    demand_recourse,
    repurchase,
    credit_note,
    dispute,
    resolve,
    partition,
    freeze_certificate,
    unfreeze_certificate,
    freeze_receivable,
    unfreeze_receivable,
    freeze_member,
    unfreeze_member,
    force_transfer,
]

AGREEMENTS: list[Case] = [credit_note, dispute, resolve]

every_operation = pytest.mark.parametrize("case", CASES, ids=lambda case: case.__name__)


def test_every_operation_has_a_case() -> None:
    assert {case.__name__.replace("_", "") for case in CASES} == {name.lower() for name in typed_data._KINDS}


# ------------------------------------------------------------------- judges


@every_operation
def test_the_contract_takes_what_was_signed_once_and_nothing_else(scene: Scene, case: Case) -> None:
    """Its digest is ours, then: another one recovers to another signer. The journal names the signer as actor."""
    person, operation = case(scene)
    submitter = OFFICER if isinstance(operation, Order) else SELLER if isinstance(operation, Agreement) else STRANGER
    signed = scene.sign(operation, person)
    by, account = signed.by, dev_account(person)
    again: dict[str, Any] = {"deadline": by.deadline, "anchor": by.anchor, "claim_key": by.claim_key, "nonce": by.nonce}
    for tampered in (
        replace(signed, by=replace(by, nonce=by.nonce ^ 1)),
        replace(signed, by=replace(by, deadline=by.deadline + 1)),
        replace(signed, by=replace(by, signer=scene.address(SUPPLIER))),
        replace(signed, by=replace(by, signature=b"")),
        typed_data.sign(operation, account, replace(scene.domain, chain_id=1), **again),
        typed_data.sign(operation, account, replace(scene.domain, contract=scene.address(BANK)), **again),
    ):
        with pytest.raises(rules.SignatureInvalid):
            scene.send(submitter, tampered.call())

    carried = SignedOperation.from_json(json.loads(json.dumps(signed.to_json())))
    appended = entries(scene.send(submitter, carried.call()))
    assert len(appended) == {split_many: 2, endorse_many: 3, approve: 0, set_approval_for_all: 0}.get(case, 1)
    for entry in appended:
        assert scene.address(person) in _actors(entry)
        assert scene.address(STRANGER) not in _actors(entry)
    with pytest.raises(rules.NonceUsed):
        scene.send(submitter, carried.call())


def _actors(entry: Entry) -> set[object]:
    actors = ("actor", "debtor", "originator", "officer", "countersigner", "payer", "financier", "seller")
    return {getattr(entry, name) for name in actors if hasattr(entry, name)}


@every_operation
def test_another_signer_signs_the_same(scene: Scene, case: Case) -> None:
    """Anvil's own eth_signTypedData_v4, from our typed data as JSON."""
    person, operation = case(scene)
    signed = scene.sign(operation, person)
    shown = json.loads(json.dumps(typed_data.typed_data(operation, signed.by, scene.domain)))
    account = dev_account(person)
    theirs = scene.node.request("eth_signTypedData_v4", account.address, shown)
    assert theirs == "0x" + signed.by.signature.hex()
    recovered = Account._recover_hash(digest(operation, signed.by, scene.domain), signature=signed.by.signature)
    assert recovered == account.address
    assert signed.is_accounts()


@pytest.mark.parametrize("case", AGREEMENTS, ids=lambda case: case.__name__)
def test_what_both_parties_signed_anyone_submits(scene: Scene, case: Case) -> None:
    _, operation = case(scene)
    deadline = scene.now + 60
    by_one = scene.sign(operation, BUYER)
    by_both = typed_data.countersign(by_one, dev_account(SELLER), deadline=deadline)
    assert by_both.is_accounts()
    with pytest.raises(rules.NotParty):
        scene.send(STRANGER, by_one.call())
    for stranger in (
        typed_data.countersign(by_one, dev_account(BANK), deadline=deadline),
        typed_data.countersign(by_one, dev_account(BUYER), deadline=deadline),
    ):
        with pytest.raises(rules.NotParty):
            scene.send(STRANGER, stranger.call())
    assert by_both.second is not None
    forged = replace(by_both, second=replace(by_both.second, signature=by_one.by.signature))
    assert not forged.is_accounts()
    with pytest.raises(rules.SignatureInvalid):
        scene.send(STRANGER, forged.call())

    carried = SignedOperation.from_json(json.loads(json.dumps(by_both.to_json())))
    assert carried == by_both
    (entry,) = entries(scene.send(STRANGER, carried.call()))
    assert isinstance(entry, CreditNoted | Disputed | Resolved)
    assert (entry.actor, entry.countersigner) == (scene.address(BUYER), scene.address(SELLER))


def test_only_an_agreement_has_a_second_signature() -> None:
    operation = operations.Endorse(**named(1), receiver=b"\x01" * 20, document=DOCUMENT)
    document = typed_data.sign(operation, dev_account(1), DOMAIN, deadline=1).to_json()
    agreed = typed_data.sign(operations.Dispute(**named(1), cut=1), dev_account(1), DOMAIN, deadline=1)
    second = typed_data.countersign(agreed, dev_account(2), deadline=1).to_json()["second"]
    assert SignedOperation.from_json(agreed.to_json() | {"second": second}).second is not None
    with pytest.raises(SignedOperationMalformed, match="agreement"):
        SignedOperation.from_json(document | {"second": second})
    for wrong in (None, {}, {**second, "nonce": 1}):
        with pytest.raises(SignedOperationMalformed):
            SignedOperation.from_json(agreed.to_json() | {"second": wrong})


def test_the_types_are_those_of_the_contracts() -> None:
    sources = "".join(
        (PROJECT_ROOT / "contracts" / name).read_text()
        for name in ("ReceivablesBySignature.sol", "ReceivablesOversight.sol", "ReceivablesSettlement.sol")
    )
    for kind in typed_data._KINDS.values():
        assert f'"{kind.TYPE}"' in sources


# ------------------------------------------------- anchors, nonces, deadlines


def test_what_concerns_a_certificate_survives_what_happens_to_others(scene: Scene) -> None:
    number = scene.confirmed()
    scene.split(number, start=0, cut=50_000, to=SUPPLIER)
    mine = operations.Endorse(**named(number, 0, 50_000), receiver=scene.address(BANK), document=DOCUMENT)
    signed = scene.sign(mine, SELLER)
    scene.endorse(number, start=50_000, to=BANK, person=SUPPLIER)
    scene.submit(signed)
    assert scene.holder(number, 0) == scene.address(BANK)


def test_an_answer_is_to_the_journal_as_it_was_seen(scene: Scene) -> None:
    number = scene.register()
    terms, _ = scene.claims[number]
    signed = scene.sign(operations.Confirm(receivable_id=number, terms=terms), BUYER)
    scene.counter_offer(number, face=7)
    with pytest.raises(rules.AnchorMismatch):
        scene.submit(signed)


@pytest.mark.parametrize("field", ["fingerprint", "due", "currency", "nothing"])
def test_a_signature_counts_on_another_fork_only_for_the_same_claim(scene: Scene, field: str) -> None:
    """The same id, amount, parties and signer, but another invoice or other terms; or the very claim again."""
    claim = scene.claim()
    snapshot = scene.node.request("evm_snapshot")
    number = scene.register(claim)
    scene.confirm(number)
    endorsed = operations.Endorse(**named(number), receiver=scene.address(BANK), document=DOCUMENT)
    signed = scene.sign(endorsed, SELLER)
    settle(scene.node.request)
    scene.node.request("evm_revert", snapshot)
    scene.pass_time(seconds=5)
    other = {"fingerprint": b"\x77" * 32, "due": claim.due - DAY_SECONDS, "currency": claim.currency + 1}
    assert scene.register(replace(claim, **({field: other[field]} if field in other else {}))) == number
    scene.confirm(number)
    if field not in other:
        scene.submit(signed)
        return
    with pytest.raises(rules.AnchorMismatch):
        scene.submit(signed)


@pytest.mark.parametrize(
    "other",
    [
        {"face": FACE - 1},
        {"due": 200 * DAY_SECONDS},
        {"currency": 840},
        {"debtor": b"\x09" * 20},
        {"originator": b"\x09" * 20},
        {"fingerprint": b"\x09" * 32},
    ],
    ids=lambda other: next(iter(other)),
)
def test_the_contract_takes_the_anchor_of_the_receivable_and_no_others(scene: Scene, other: dict[str, Any]) -> None:
    """Signed by the right person, so that only what the anchor says of the receivable decides."""
    number = scene.confirmed()
    operation = operations.Endorse(**named(number), receiver=scene.address(BANK), document=DOCUMENT)
    receivable = scene.receivable(number)

    def signed(meant: Receivable, claim_key: bytes) -> SignedOperation:
        return typed_data.sign(
            operation,
            dev_account(SELLER),
            scene.domain,
            deadline=scene.now + 60,
            anchor=anchors.anchor_of(meant),
            claim_key=claim_key,
        )

    own, meant = anchors.claim_key_of(receivable), replace(receivable, **other)
    for wrong in (signed(meant, anchors.claim_key_of(meant)), signed(meant, own)):
        with pytest.raises(rules.AnchorMismatch):
            scene.submit(wrong)
    scene.submit(signed(receivable, own))
    assert scene.holder(number, 0) == scene.address(BANK)


def test_the_anchor_of_another_living_claim_does_not_count(scene: Scene) -> None:
    number, other = scene.confirmed(), scene.confirmed()
    about_other = scene.sign(operations.Approve(**named(other), to=scene.address(BANK)), SELLER).by
    operation = operations.Approve(**named(number), to=scene.address(BANK))
    signed = typed_data.sign(
        operation,
        dev_account(SELLER),
        scene.domain,
        deadline=about_other.deadline,
        anchor=about_other.anchor,
        claim_key=about_other.claim_key,
    )
    with pytest.raises(rules.AnchorMismatch):
        scene.submit(signed)


def test_each_certificate_of_a_batch_is_bound_to_its_own_receivable(scene: Scene) -> None:
    """One wrong anchor, or a right one under another key, and none of them moves: the nonce is left, too."""
    first, second = (anchored(scene, scene.confirmed()) for _ in range(2))
    swapped = replace(second, anchor=first.anchor, claim_key=first.claim_key)
    for wrong in (swapped, replace(second, claim_key=first.claim_key), replace(second, anchor=first.anchor)):
        with pytest.raises(rules.AnchorMismatch):
            scene.send(STRANGER, scene.sign(operations.EndorseMany(endorsements=(first, wrong)), SELLER).call())
    assert scene.holder(first.receivable_id, 0) == scene.address(SELLER)
    right = scene.sign(operations.EndorseMany(endorsements=(first, second)), SELLER)
    for tampered in (swapped, replace(second, receiver=scene.address(SUPPLIER)), replace(second, document=ORDER)):
        with pytest.raises(rules.SignatureInvalid):
            scene.send(
                STRANGER, replace(right, operation=operations.EndorseMany(endorsements=(first, tampered))).call()
            )
    scene.send(STRANGER, right.call())
    assert {scene.holder(each.receivable_id, 0) for each in (first, second)} == {scene.address(BANK)}


def test_a_claim_that_ended_has_no_anchor(scene: Scene) -> None:
    number = scene.register()
    operation = operations.FreezeReceivable(receivable_id=number, order=ORDER, expiry=scene.now + YEAR_SECONDS)
    signed = scene.sign(operation, SECOND)
    with pytest.raises(rules.StatusForbids):
        scene.submit(signed, person=OFFICER)
    scene.refuse(number)
    with pytest.raises(rules.AnchorMismatch):
        scene.submit(signed, person=OFFICER)


def test_a_signature_counts_until_its_deadline(scene: Scene) -> None:
    number = scene.confirmed()
    endorsed = operations.Endorse(**named(number), receiver=scene.address(BANK), document=DOCUMENT)
    signed = scene.sign(endorsed, SELLER, seconds=60)
    scene.pass_time(seconds=61)
    with pytest.raises(rules.SignatureExpired):
        scene.submit(signed)


def test_a_signer_gives_a_signature_up(scene: Scene) -> None:
    number = scene.confirmed()
    endorsed = operations.Endorse(**named(number), receiver=scene.address(BANK), document=DOCUMENT)
    signed = scene.sign(endorsed, SELLER)
    word, bit = divmod(signed.by.nonce, 256)
    scene.send(SELLER, Calls.cancel_nonces(word=word, mask=1 << bit))
    assert scene.view.nonces_used(scene.address(SELLER), word) == 1 << bit
    with pytest.raises(rules.NonceUsed):
        scene.submit(signed)


def test_no_officer_is_two(scene: Scene) -> None:
    ordered = operations.FreezeMember(member=scene.address(SELLER), order=ORDER, expiry=scene.now + 60)
    with pytest.raises(rules.SameOfficer):
        scene.order(ordered, person=OFFICER, second=OFFICER)
    with pytest.raises(rules.NotOfficer):
        scene.order(ordered, person=OFFICER, second=BANK)
    with pytest.raises(rules.NotOfficer):
        scene.order(ordered, person=STRANGER, second=SECOND)


def test_only_what_names_a_receivable_is_anchored() -> None:
    for kind in typed_data._KINDS.values():
        assert has_anchor(kind) == ("receivableId" in dict(structs(kind.TYPE)[kind.__name__]))
    signed = typed_data.sign(
        operations.SetApprovalForAll(operator=b"\x01" * 20, approved=True),
        dev_account(1),
        DOMAIN,
        deadline=1,
        anchor=b"\x02" * 32,
        claim_key=b"\x03" * 32,
    )
    assert (signed.by.anchor, signed.by.claim_key) == (anchors.NO_ANCHOR, anchors.NO_CLAIM_KEY)


def test_nonces_are_fresh() -> None:
    drawn = {fresh_nonce() for _ in range(1_000)}
    assert len(drawn) == 1_000
    assert max(drawn) < 2**256
    assert len({nonce >> 8 for nonce in drawn}) == 1_000


# ---------------------------------------------------------------- documents

DOMAIN = Eip712Domain(chain_id=31337, contract=b"\x0c" * 20)
addresses = st.binary(min_size=20, max_size=20)
hashes = st.binary(min_size=32, max_size=32)
minors, instants = st.integers(0, 2**64 - 1), st.integers(0, 2**40 - 1)
words = st.integers(0, 2**256 - 1)
claims = st.builds(Claim, addresses, minors, instants, st.integers(0, 2**16 - 1), hashes, hashes)
answered = {
    "receivable_id": st.integers(0, RECEIVABLE_ID_MAX),
    "terms": st.builds(Terms, originator=addresses, registered_at=instants, answer_by=instants, claim=claims),
    "since": st.lists(hashes, max_size=3).map(tuple),
}
moved = {"receivable_id": st.integers(0, RECEIVABLE_ID_MAX), "start": minors, "end": minors}
signable: st.SearchStrategy[Operation] = st.one_of(
    st.builds(operations.Register, claims),
    st.builds(operations.Refuse, **answered, reason=st.integers(0, 255)),
    st.builds(operations.AcceptOffer, **answered, offer=st.builds(Offer, minors, instants, instants)),
    st.builds(
        operations.SplitMany, **moved, parts=st.lists(st.builds(Part, minors, addresses, hashes), max_size=3).map(tuple)
    ),
    st.builds(
        operations.EndorseMany,
        endorsements=st.lists(
            st.builds(
                operations.AnchoredEndorsement,
                **moved,
                receiver=addresses,
                document=hashes,
                anchor=hashes,
                claim_key=hashes,
            ),
            max_size=3,
        ).map(tuple),
    ),
    st.builds(operations.SetApprovalForAll, operator=addresses, approved=st.booleans()),
    st.builds(operations.Pledge, **moved, financier=addresses, secured=minors),
    st.builds(operations.Pay, receivable_id=st.integers(0, RECEIVABLE_ID_MAX), amount=minors),
    st.builds(operations.CreditNote, **moved, amount=minors),
    st.builds(operations.ForceTransfer, **moved, holder=addresses, receiver=addresses, order=hashes),
)
authorisations = st.builds(
    Authorisation,
    signer=addresses,
    nonce=words,
    deadline=words,
    anchor=hashes,
    claim_key=hashes,
    signature=st.binary(max_size=70),
)
signatures = st.builds(SignedOperation, signable, authorisations, st.just(DOMAIN))


@given(signatures)
def test_a_document_is_read_as_it_was_written(signed: SignedOperation) -> None:
    written = json.dumps(signed.to_json())
    assert SignedOperation.from_json(json.loads(written)) == signed
    assert not any(
        isinstance(value, int | float) and not isinstance(value, bool) for value in _leaves(json.loads(written))
    )


def _leaves(value: Any) -> list[Any]:
    if isinstance(value, dict):
        return [leaf for part in value.values() for leaf in _leaves(part)]
    if isinstance(value, list):
        return [leaf for part in value for leaf in _leaves(part)]
    return [value]


json_values = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=5) | st.just("0x") | st.just("0x12"),
    lambda children: st.lists(children, max_size=3) | st.dictionaries(st.text(max_size=5), children, max_size=3),
    max_leaves=5,
)


@given(signatures, st.data())
def test_a_document_with_anything_else_in_it_is_malformed_or_another_one(signed: SignedOperation, data: Any) -> None:
    """Whatever stands at any place: the reader refuses by name or reads a document that it would write again."""
    document = signed.to_json()
    within = data.draw(st.sampled_from([document, document["arguments"]]))
    within[data.draw(st.sampled_from([*within, "other"]))] = data.draw(json_values)
    try:
        read = SignedOperation.from_json(document)
    except SignedOperationMalformed:
        return
    assert SignedOperation.from_json(read.to_json()) == read


@given(json_values)
def test_a_document_that_is_anything_else_is_malformed(document: Any) -> None:
    with pytest.raises(SignedOperationMalformed):
        SignedOperation.from_json(document)


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("nonce", str(2**256)),
        ("nonce", "-1"),
        ("nonce", "\N{ARABIC-INDIC DIGIT ONE}"),
        ("nonce", 1),
        ("nonce", "1" * 5_000),
        ("signer", "0x" + "0" * 39),
        ("signature", "deadbeef"),
        ("signature", "0xzz"),
        ("anchor", "0x" + "00" * 33),
        ("operation", "sunset"),
        ("operation", ["endorse"]),
        ("arguments", {}),
        ("arguments", []),
    ],
)
def test_a_value_out_of_range_is_malformed(name: str, value: Any) -> None:
    operation = operations.Endorse(**named(1), receiver=b"\x01" * 20, document=DOCUMENT)
    document = typed_data.sign(operation, dev_account(1), DOMAIN, deadline=1).to_json()
    with pytest.raises(SignedOperationMalformed):
        SignedOperation.from_json({**document, name: value})


@pytest.mark.parametrize(
    ("change", "says"),
    [
        ({"nonce": "1e3"}, 'nonce is "1e3"; wanted is a whole number as a string of digits, such as "1000"'),
        ({"nonce": 147636000}, 'nonce is 147636000; wanted is a whole number as a string of digits, such as "1000"'),
        ({"signature": None}, 'signature is null; wanted is a string of "0x" and pairs of hex digits'),
        ({"operation": "sell"}, "operation: nothing that is signed has the name 'sell'"),
        ({"arguments": {}}, "receivable_id is missing"),
        ({"arguments": 7}, "arguments is 7; wanted is an object"),
        ({"contract": "0x12"}, "'0x12' is not an address"),
        ({"nonce": "9" * 78}, "a value does not fit into its field"),
    ],
)
def test_what_is_wrong_is_said_in_words(change: dict[str, Any], says: str) -> None:
    operation = operations.Endorse(**named(1), receiver=b"\x01" * 20, document=DOCUMENT)
    document = typed_data.sign(operation, dev_account(1), DOMAIN, deadline=1).to_json()
    with pytest.raises(SignedOperationMalformed) as refused:
        SignedOperation.from_json(document | change)
    assert refused.value.detail == says


@pytest.mark.parametrize(
    ("name", "value"), [("start", 2**64), ("end", 2**64), ("receivable_id", RECEIVABLE_ID_MAX + 1)]
)
def test_a_range_runs_into_no_other_number(name: str, value: int) -> None:
    """The calldata packs them into one word."""
    operation = operations.UnfreezeCertificate(**named(1), order=ORDER)
    document = typed_data.sign(operation, dev_account(1), DOMAIN, deadline=1).to_json()
    document["arguments"][name] = str(value)
    with pytest.raises(SignedOperationMalformed):
        SignedOperation.from_json(document)


@given(st.integers(0, 2**256 - 1), st.integers(0, 2**256 - 1), st.sampled_from([27, 28]) | st.integers(0, 255))
def test_random_bytes_are_nobodys_signature(r: int, s: int, v: int) -> None:
    operation = operations.Endorse(**named(1), receiver=b"\x01" * 20, document=DOCUMENT)
    signed = typed_data.sign(operation, dev_account(1), DOMAIN, deadline=1)
    forged = r.to_bytes(32) + s.to_bytes(32) + bytes([v])
    assert not replace(signed, by=replace(signed.by, signature=forged)).is_accounts()


def test_of_the_two_signatures_that_verify_only_the_contracts_is_the_accounts(scene: Scene) -> None:
    operation = operations.SetApprovalForAll(operator=b"\x01" * 20, approved=True)
    signed = scene.sign(operation, SELLER)
    low = int.from_bytes(signed.by.signature[32:64])
    high = 0xFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFEBAAEDCE6AF48A03BBFD25E8CD0364141 - low
    twin = signed.by.signature[:32] + high.to_bytes(32) + bytes([55 - signed.by.signature[64]])
    other = replace(signed, by=replace(signed.by, signature=twin))
    assert (signed.is_accounts(), other.is_accounts()) == (True, False)
    with pytest.raises(rules.SignatureInvalid):
        scene.send(STRANGER, other.call())


@given(signatures)
def test_a_signature_of_nobody_is_not_the_signers(signed: SignedOperation) -> None:
    assert not signed.is_accounts()


def test_the_submitter_adds_nothing() -> None:
    operation = operations.Endorse(**named(1), receiver=b"\x01" * 20, document=DOCUMENT)
    signed = typed_data.sign(operation, dev_account(1), DOMAIN, deadline=1)
    assert signed.by.signer == account_address(dev_account(1))
    assert signed.call() == signed_call(operation, signed.by)
