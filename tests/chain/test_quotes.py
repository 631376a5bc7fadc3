"""Quotes and their acceptance: judged by the desk, by Anvil's own signer; documents, also from strangers."""

from __future__ import annotations

import json
from collections.abc import Callable
from dataclasses import replace
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from registry.chain import operations, quotes, reverts
from registry.chain.contract import Calls
from registry.chain.devchain import dev_account
from registry.chain.quotes import (
    Acceptance,
    DeskView,
    Quote,
    QuoteKind,
    QuoteMalformed,
    SignedAcceptance,
    SignedQuote,
    desk_domain,
)
from registry.chain.submit import entries
from registry.chain.typed_data import SignedOperation
from registry.domain import rules
from registry.domain.identifiers import RECEIVABLE_ID_MAX
from registry.domain.journal import Pledged, Sold
from registry.domain.receivable import DAY_SECONDS
from registry.settings import PROJECT_ROOT
from tests.scene import BANK, SELLER, STRANGER, SUPPLIER, Scene

FACE = 100_000


def desk(scene: Scene) -> DeskView:
    return DeskView(scene.node, scene.deployment.desk)


def approval(scene: Scene, signed: SignedQuote, *, person: int = SELLER) -> SignedOperation:
    """The holder's approval of the desk, by signature."""
    quote = signed.quote
    named = {"receivable_id": quote.receivable_id, "start": quote.start, "end": quote.end}
    return scene.sign(operations.Approve(**named, to=scene.deployment.desk), person)


# ------------------------------------------------------------------- judges


@pytest.mark.parametrize("kind", QuoteKind)
def test_a_quote_is_the_desks_own(scene: Scene, kind: QuoteKind) -> None:
    signed = scene.quote(scene.confirmed(), price=98_000, kind=kind, amount=7)
    assert quotes.digest(signed.quote, signed.domain) == desk(scene).digest(signed.quote)
    assert signed.domain == desk(scene).eip712_domain()
    assert desk(scene).registry() == scene.deployment.receivables
    assert signed.is_financiers(scene.node)


def test_another_signer_signs_the_same(scene: Scene) -> None:
    signed = scene.quote(scene.confirmed(), price=98_000)
    accepted = quotes.accept(signed, dev_account(SELLER), deadline=scene.now + 60)
    for message, person, signature in (
        (quotes.message(signed.quote, signed.domain), BANK, signed.signature),
        (quotes.message(accepted.acceptance, signed.domain), SELLER, accepted.signature),
    ):
        shown = json.loads(json.dumps(message.typed_data()))
        theirs = scene.node.request("eth_signTypedData_v4", dev_account(person).address, shown)
        assert theirs == "0x" + signature.hex()


def test_the_types_are_those_of_the_desk() -> None:
    source = (PROJECT_ROOT / "contracts" / "FinancingDesk.sol").read_text()
    for kind in (Quote, Acceptance):
        assert f'"{kind.TYPE}"' in source


# ------------------------------------------------------------------ acceptance


def test_a_sale_swaps_cash_for_the_tail(scene: Scene) -> None:
    number = scene.confirmed()
    signed = scene.quote(number, price=58_000, amount=59_000, cut=40_000)
    entry = scene.accept(signed)
    assert isinstance(entry, Sold)
    assert (entry.actor, entry.financier) == (scene.deployment.desk, scene.address(BANK))
    assert (entry.start, entry.cut, entry.end) == (0, 40_000, FACE)
    assert (entry.price, entry.recourse, entry.quote) == (58_000, 59_000, desk(scene).digest(signed.quote))
    assert scene.deposits.balance(scene.address(SELLER)) == 58_000
    assert (scene.holder(number, 0), scene.holder(number, 40_000)) == (scene.address(SELLER), scene.address(BANK))
    with pytest.raises(reverts.QuoteUsed):
        scene.send_to_desk(SELLER, signed.call())


def test_a_pledge_secures_a_loan(scene: Scene) -> None:
    number = scene.confirmed()
    entry = scene.accept(scene.quote(number, price=80_000, kind=QuoteKind.PLEDGE, amount=85_000))
    assert isinstance(entry, Pledged)
    assert (entry.secured, entry.price) == (85_000, 80_000)
    assert scene.holder(number, 0) == scene.address(SELLER)
    lien = scene.view.rights([(number, 0)])[number, 0].lien
    assert lien is not None
    assert (lien.financier, lien.secured) == (scene.address(BANK), 85_000)


def accepted_by_signature(scene: Scene, signed: SignedQuote) -> SignedAcceptance:
    scene.send(SELLER, Calls.approve(receivable_id=signed.quote.receivable_id, start=0, to=scene.deployment.desk))
    return quotes.accept(signed, dev_account(SELLER), deadline=scene.now + 60)


def accepted_with_approval(scene: Scene, signed: SignedQuote) -> SignedAcceptance:
    return quotes.accept(signed, dev_account(SELLER), deadline=scene.now + 60, approval=approval(scene, signed))


@pytest.mark.parametrize("accept", [accepted_by_signature, accepted_with_approval])
def test_what_the_holder_signed_anyone_submits_once(
    scene: Scene, accept: Callable[[Scene, SignedQuote], SignedAcceptance]
) -> None:
    number = scene.confirmed()
    signed = scene.quote(number, price=98_000)
    scene.fund(BANK, 98_000, spender=scene.deployment.desk)
    accepted = accept(scene, signed)
    assert accepted.is_accounts()
    for wrong in (
        replace(accepted, acceptance=replace(accepted.acceptance, deadline=accepted.acceptance.deadline + 1)),
        replace(accepted, signature=signed.signature),
    ):
        assert not wrong.is_accounts()
        with pytest.raises(rules.SignatureInvalid):
            scene.send_to_desk(STRANGER, wrong.call())

    carried = SignedAcceptance.from_json(json.loads(json.dumps(accepted.to_json())))
    assert carried == accepted
    (entry,) = entries(scene.send_to_desk(STRANGER, carried.call()))
    assert isinstance(entry, Sold)
    assert scene.holder(number, 0) == scene.address(BANK)
    with pytest.raises(reverts.QuoteUsed):
        scene.send_to_desk(STRANGER, carried.call())


def test_the_desk_names_what_it_refuses(scene: Scene) -> None:
    number = scene.confirmed()
    signed = scene.quote(number, price=98_000)

    def changed(**changes: Any) -> SignedQuote:
        return quotes.sign(
            replace(signed.quote, **changes), dev_account(BANK), signed.domain, claim_key=signed.claim_key
        )

    for wrong, refusal in (
        (replace(signed, quote=replace(signed.quote, price=97_999)), rules.SignatureInvalid),
        (changed(token=scene.deployment.access), reverts.WrongToken),
        (changed(expiry=scene.now - 1), reverts.QuoteExpired),
        (changed(kind=3), reverts.KindMalformed),
        (signed, reverts.InsufficientAllowance),
    ):
        with pytest.raises(refusal):
            scene.send_to_desk(SELLER, wrong.call())
    with pytest.raises(reverts.NotQuoteHolder):
        scene.send_to_desk(SUPPLIER, signed.call())
    scene.allow(BANK, 98_000, spender=scene.deployment.desk)
    with pytest.raises(reverts.InsufficientDeposit):
        scene.send_to_desk(SELLER, signed.call())
    scene.deposit(BANK, 98_000)
    with pytest.raises(rules.NotHolder):  # the desk is not approved
        scene.send_to_desk(SELLER, signed.call())
    scene.send(SELLER, Calls.approve(receivable_id=number, start=0, to=scene.deployment.desk))
    with pytest.raises(rules.AnchorMismatch):
        scene.send_to_desk(SELLER, replace(signed, claim_key=bytes(32)).call())
    with pytest.raises(rules.RecourseOutOfRange):
        scene.send_to_desk(SELLER, changed(amount=FACE + 1).call())
    scene.send_to_desk(SELLER, signed.call())


def test_an_acceptance_counts_until_its_deadline_and_each_nonce_once(scene: Scene) -> None:
    first, second = (scene.quote(scene.confirmed(), price=98_000) for _ in range(2))
    scene.fund(BANK, 200_000, spender=scene.deployment.desk)
    late = quotes.accept(first, dev_account(SELLER), deadline=scene.now + 60, approval=approval(scene, first), nonce=7)
    reused = quotes.accept(
        second, dev_account(SELLER), deadline=scene.now + DAY_SECONDS, approval=approval(scene, second), nonce=7
    )
    scene.pass_time(seconds=61)
    with pytest.raises(rules.SignatureExpired):
        scene.send_to_desk(STRANGER, late.call())
    scene.send_to_desk(STRANGER, reused.call())
    again = quotes.accept(first, dev_account(SELLER), deadline=scene.now + 60, approval=approval(scene, first), nonce=7)
    with pytest.raises(rules.NonceUsed):
        scene.send_to_desk(STRANGER, again.call())


def test_a_financier_gives_a_quote_up(scene: Scene) -> None:
    signed = scene.quote(scene.confirmed(), price=98_000)
    word, bit = divmod(signed.quote.nonce, 256)
    scene.send_to_desk(BANK, quotes.cancel_nonces(word=word, mask=1 << bit))
    assert desk(scene).nonces_used(scene.address(BANK), word) == 1 << bit
    with pytest.raises(reverts.QuoteUsed):
        scene.send_to_desk(SELLER, signed.call())


# ---------------------------------------------------------------- documents

addresses = st.binary(min_size=20, max_size=20)
hashes = st.binary(min_size=32, max_size=32)
minors = st.integers(0, 2**64 - 1)
words = st.integers(0, 2**256 - 1)
signed_quotes = st.builds(
    SignedQuote,
    st.builds(
        Quote,
        financier=addresses,
        holder=addresses,
        receivable_id=st.integers(0, RECEIVABLE_ID_MAX),
        start=minors,
        end=minors,
        cut=minors,
        kind=st.sampled_from(QuoteKind),
        token=addresses,
        price=minors,
        amount=minors,
        anchor=hashes,
        nonce=words,
        expiry=words,
    ),
    st.binary(max_size=70),
    st.builds(desk_domain, chain_id=st.integers(1, 2**64), desk=addresses),
    hashes,
)


@given(signed_quotes)
def test_a_quote_is_read_as_it_was_written(signed: SignedQuote) -> None:
    assert SignedQuote.from_json(json.loads(json.dumps(signed.to_json()))) == signed


@given(signed_quotes, words, words, st.binary(max_size=70))
def test_an_acceptance_is_read_as_it_was_written(
    signed: SignedQuote, nonce: int, deadline: int, signature: bytes
) -> None:
    acceptance = Acceptance(quote=quotes.digest(signed.quote, signed.domain), nonce=nonce, deadline=deadline)
    accepted = SignedAcceptance(signed, acceptance, signature)
    assert SignedAcceptance.from_json(json.loads(json.dumps(accepted.to_json()))) == accepted


json_values = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=5) | st.just("0x") | st.just("0x12"),
    lambda children: st.lists(children, max_size=3) | st.dictionaries(st.text(max_size=5), children, max_size=3),
    max_leaves=5,
)


@given(signed_quotes, st.data())
def test_a_document_with_anything_else_in_it_is_malformed_or_another_one(signed: SignedQuote, data: Any) -> None:
    document = signed.to_json()
    within = data.draw(st.sampled_from([document, document["quote"]]))
    within[data.draw(st.sampled_from([*within, "other"]))] = data.draw(json_values)
    try:
        read = SignedQuote.from_json(document)
    except QuoteMalformed:
        return
    assert SignedQuote.from_json(read.to_json()) == read


@given(json_values)
def test_a_document_that_is_anything_else_is_malformed(document: Any) -> None:
    for reader in (SignedQuote.from_json, SignedAcceptance.from_json):
        with pytest.raises(QuoteMalformed):
            reader(document)


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("kind", "3"),
        ("kind", 1),
        ("start", str(2**64)),
        ("price", "-1"),
        ("receivable_id", str(RECEIVABLE_ID_MAX + 1)),
        ("financier", "0x" + "00" * 19),
        ("anchor", "0x" + "00" * 33),
    ],
)
def test_a_value_out_of_range_is_malformed(scene: Scene, name: str, value: Any) -> None:
    document = scene.quote(scene.confirmed(), price=1).to_json()
    document["quote"][name] = value
    with pytest.raises(QuoteMalformed):
        SignedQuote.from_json(document)


@pytest.mark.parametrize(
    ("change", "says"),
    [
        ({"price": str(2**64)}, "price is 18446744073709551616; wanted is less than 2**64"),
        ({"kind": "3"}, 'kind is "3"; wanted is "1" or "2"'),
        ({"colour": "red"}, 'quote has no field "colour"; it has financier, '),
    ],
)
def test_what_is_wrong_is_said_in_words(scene: Scene, change: dict[str, Any], says: str) -> None:
    document = scene.quote(scene.confirmed(), price=1).to_json()
    with pytest.raises(QuoteMalformed) as refused:
        SignedQuote.from_json(document | {"quote": document["quote"] | change})
    assert refused.value.detail.startswith(says)


def test_an_approval_of_anything_else_does_not_go_with_a_quote(scene: Scene) -> None:
    signed, other = (scene.quote(scene.confirmed(), price=1) for _ in range(2))
    document = quotes.accept(signed, dev_account(SELLER), deadline=1, approval=approval(scene, signed)).to_json()
    assert SignedAcceptance.from_json(document).approval is not None
    with pytest.raises(QuoteMalformed, match="approval"):
        SignedAcceptance.from_json(document | {"approval": approval(scene, other).to_json()})
    with pytest.raises(QuoteMalformed):
        SignedAcceptance.from_json(document | {"approval": {}})
