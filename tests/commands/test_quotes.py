"""Quotes: signed for one holder, sealed, accepted by transaction or by signature, given up."""

from __future__ import annotations

import json
from collections.abc import Iterable
from dataclasses import replace
from typing import Any

import pytest

from registry.chain import quotes as desk_chain
from registry.chain.deposits import DepositCalls
from registry.chain.devchain import dev_account
from registry.chain.quotes import SignedAcceptance, SignedQuote
from registry.commands import certificates, members, overdue, quotes, relaying
from registry.commands.accounts import Rehearsed, signer_of
from registry.commands.quotes import Accepted, Offered
from registry.commands.sending import Signed
from registry.domain.identifiers import CertificateId
from registry.domain.journal import Pledged, Sold
from registry.domain.money import currency
from registry.domain.receivable import DAY_SECONDS, Role
from registry.domain.refusals import Refusal
from registry.store.queries import quotes as quote_queries
from registry.store.queries import receivables
from registry.store.queries.quotes import QuoteState
from tests.commands.desk import Desk, refused
from tests.scene import BANK, BUYER, OPERATOR, SELLER, SETTLEMENT_BANK, STRANGER, SUPPLIER, YEAR_SECONDS
from tests.wallet import Wallet


def offer(desk: Desk, certificate: CertificateId, *, person: int = BANK, days: int = 7, **terms: Any) -> Offered:
    return quotes.offer(
        desk.services,
        signer=dev_account(person),
        certificate=certificate,
        expiry=desk.scene.now + days * DAY_SECONDS,
        **{"price": "985.00", **terms},
    )


def funded(desk: Desk, certificate: CertificateId, **terms: Any) -> Offered:
    """An offer whose price the desk may take."""
    desk.scene.fund(BANK, 100_000, spender=desk.services.deployment.desk)
    return offer(desk, certificate, **terms)


def accept(desk: Desk, offered: Offered, *, person: int = SELLER) -> Accepted:
    return quotes.accept(desk.services, signer=dev_account(person), offered=offered.signed)


def kept(desk: Desk, person: int, **sought: Any) -> list[int]:
    with desk.services.database.snapshot() as connection:
        found = quote_queries.quotes(connection, party=desk.scene.address(person), **sought)
    return [row.quote_id for row in found]


# -------------------------------------------------------------------- accepting


def test_cash_and_certificate_move_together(desk: Desk) -> None:
    offered = funded(desk, desk.confirmed(), recourse="500.00")
    accepted = accept(desk, offered)
    sold = accepted.done.entry
    assert isinstance(sold, Sold)
    assert (sold.price, sold.recourse, sold.quote) == (98_500, 50_000, offered.row.digest)
    assert accepted.approved is not None
    assert desk.scene.holder(1, 0) == desk.scene.address(BANK)
    assert desk.scene.deposits.balance(desk.scene.address(SELLER)) == 98_500
    with refused(desk, "quote_used"):
        accept(desk, offered)
    with desk.services.database.snapshot() as connection:
        row = quotes.kept(connection, str(offered.row.quote_id), party=desk.scene.address(SELLER))
    assert row.state(now=desk.scene.now) is QuoteState.ACCEPTED
    assert desk.agrees()


def test_a_part_is_sold_from_the_tail_and_the_desk_needs_no_second_approval(desk: Desk) -> None:
    whole = desk.confirmed()
    offered = funded(desk, whole, price="240.00", part="250.00")
    by = desk.services.deployment.desk
    certificates.approve(desk.services, signer=dev_account(SELLER), certificate=whole, operator=by)
    assert accept(desk, offered).approved is None
    assert (desk.scene.holder(1, 0), desk.scene.holder(1, 75_000)) == (
        desk.scene.address(SELLER),
        desk.scene.address(BANK),
    )


def test_a_loan_is_secured_by_a_pledge(desk: Desk) -> None:
    whole = desk.confirmed()
    offered = funded(desk, whole, price="600.00", secured="620.00")
    entry = accept(desk, offered).done.entry
    assert isinstance(entry, Pledged)
    assert (entry.price, entry.secured) == (60_000, 62_000)
    with refused(desk, "pledged_to"):
        desk.endorse(whole)


def test_a_seller_takes_back_what_the_debtor_did_not_pay_as_far_as_it_agreed(desk: Desk) -> None:
    whole = desk.confirmed()
    accept(desk, funded(desk, whole, recourse="500.00"))
    with refused(desk, "not_overdue"):
        overdue.demand_recourse(desk.services, signer=dev_account(BANK), certificate=whole)
    desk.scene.pass_due(1, days=1)
    desk.scene.mine(1)
    overdue.demand_recourse(desk.services, signer=dev_account(BANK), certificate=whole)
    with refused(desk, "insufficient_allowance") as caught:
        overdue.repurchase(desk.services, signer=dev_account(SELLER), certificate=whole)
    assert "allowance 0.00 EUR, needed 500.00 EUR" in caught.value.detail
    desk.scene.allow(SELLER, 50_000)
    overdue.repurchase(desk.services, signer=dev_account(SELLER), certificate=whole)
    assert desk.scene.holder(1, 0) == desk.scene.address(SELLER)
    assert desk.scene.deposits.balance(desk.scene.address(SELLER)) == 48_500
    assert desk.agrees()


def test_an_acceptance_is_signed_with_the_approval_and_submitted_by_anyone(desk: Desk) -> None:
    offered = funded(desk, desk.confirmed())
    with pytest.raises(Signed) as signed:
        quotes.accept(desk.services, signer=desk.pen(SELLER), offered=offered.signed)
    path = desk.write(json.dumps(signed.value.document.to_json()).encode())
    accepted = quotes.read_accepted(path)
    assert isinstance(accepted, SignedAcceptance)
    assert accepted.approval is not None
    done = quotes.submit(desk.services, signer=dev_account(STRANGER), accepted=accepted)
    assert isinstance(done.entry, Sold)
    assert desk.scene.holder(1, 0) == desk.scene.address(BANK)


def test_an_acceptance_is_relayed_once_whatever_is_repeated(desk: Desk) -> None:
    offered = funded(desk, desk.confirmed())
    with pytest.raises(Signed) as signed:
        quotes.accept(desk.services, signer=desk.pen(SELLER), offered=offered.signed)
    document = signed.value.document
    relayer = dev_account(STRANGER)
    assert relaying.rehearse(desk.services, document, sender=desk.scene.address(STRANGER)) > 0
    first = relaying.relay_once(desk.services, document, relayer=relayer, key="k-1")
    again = relaying.relay_once(desk.services, document, relayer=relayer, key="k-1")
    assert (first.tx_hash, first.repeated) == (again.tx_hash, not again.repeated)
    assert [type(entry) for entry in again.entries] == [Sold]


def test_a_rehearsal_counts_the_approval_and_keeps_nothing(desk: Desk) -> None:
    offered = funded(desk, desk.confirmed())
    before = desk.state()
    rehearsal = replace(desk.services, rehearsal=True)
    with pytest.raises(Rehearsed) as rehearsed:
        quotes.accept(rehearsal, signer=signer_of(rehearsal, "dev1"), offered=offered.signed)
    assert rehearsed.value.transactions == 2
    assert desk.state() == before


# ---------------------------------------------------------------- the quote itself


def test_what_a_quote_costs_is_told_in_days_and_as_one_annual_rate(desk: Desk) -> None:
    offered = offer(desk, desk.confirmed(), price="985.00")
    cost = offered.cost
    assert (str(cost.discount), cost.days) == ("15.00 EUR", 90)
    # 15 / 985 * 360 / 90
    assert cost.rate == "6.09 %"
    assert not offered.is_funded


def test_a_quote_that_is_over_keeps_its_rate(desk: Desk) -> None:
    whole = desk.confirmed()
    offer(desk, whole, price="985.00")
    desk.scene.pass_time(seconds=10 * DAY_SECONDS)
    accept(desk, funded(desk, whole, price="986.00"))
    desk.scene.pass_due(1)
    desk.scene.mine(1)
    with desk.services.database.snapshot() as connection:
        rows = quote_queries.quotes(connection, party=desk.scene.address(BANK)).rows
        receivable = receivables.receivable(connection, 1)
    assert receivable is not None
    costs = [row.cost(currency("EUR"), due_at=receivable.due_at, now=desk.scene.now) for row in rows]
    assert [(cost.days, cost.rate) for cost in costs] == [(80, "6.39 %"), (90, "6.09 %")]


def test_a_quote_is_sealed(desk: Desk) -> None:
    number = offer(desk, desk.confirmed()).row.quote_id
    assert (kept(desk, BANK), kept(desk, SELLER)) == ([number], [number])
    assert (kept(desk, BUYER), kept(desk, SUPPLIER)) == ([], [])
    with refused(desk, "unknown_quote"):
        quotes.find(desk.services, str(number), party=desk.scene.address(SUPPLIER))


def test_a_quote_is_found_by_number_digest_and_file(desk: Desk) -> None:
    offered = offer(desk, desk.confirmed())
    path = desk.write(json.dumps(offered.signed.to_json()).encode())
    for name in (str(offered.row.quote_id), "0x" + offered.row.digest.hex(), str(path)):
        assert quotes.find(desk.services, name, party=desk.scene.address(SELLER)) == offered.signed
    with refused(desk, "unknown_quote"):
        quotes.find(desk.services, "0x" + "00" * 32, party=desk.scene.address(SELLER))
    with refused(desk, "document_unreadable"):
        quotes.find(desk.services, "nowhere.json", party=desk.scene.address(SELLER))
    with refused(desk, "quote_malformed"):
        quotes.find(desk.services, str(desk.write(b"{}")), party=desk.scene.address(SELLER))


@pytest.mark.parametrize(
    ("terms", "words"),
    [
        ({"price": "1000.01"}, "the price is 0.01 EUR to 1,000.00 EUR"),
        ({"recourse": "1000.01"}, "recourse is for at most 1,000.00 EUR"),
        ({"part": "2000.00"}, "a part of 2,000.00 EUR cannot be cut off the certificate's 1,000.00 EUR"),
    ],
)
def test_what_is_refused_is_told_in_money(desk: Desk, terms: dict[str, str], words: str) -> None:
    with pytest.raises(Refusal, match=words):
        offer(desk, desk.confirmed(), **terms)


@pytest.mark.parametrize(
    ("code", "person", "terms"),
    [
        ("price_out_of_range", BANK, {"price": "1000.01"}),
        ("price_out_of_range", BANK, {"price": "0"}),
        ("recourse_out_of_range", BANK, {"part": "100.00", "price": "90.00", "recourse": "100.01"}),
        ("secured_out_of_range", BANK, {"secured": "1000.01"}),
        ("cut_out_of_range", BANK, {"part": "1000.01"}),
        ("not_financier", SUPPLIER, {}),
        ("member_not_eligible", STRANGER, {}),
        ("same_holder", SELLER, {}),
        ("quote_expired", BANK, {"days": -1}),
        ("amount_missing", BANK, {"recourse": "-1"}),
    ],
)
def test_what_the_desk_could_not_carry_out_is_not_signed(
    desk: Desk, code: str, person: int, terms: dict[str, Any]
) -> None:
    whole = desk.confirmed()
    with refused(desk, code):
        offer(desk, whole, person=person, **terms)


@pytest.mark.parametrize(
    ("code", "before"),
    [
        ("insufficient_deposit", ()),
        ("insufficient_allowance", ("deposit",)),
        ("range_changed", ("fund", "split")),
        ("quote_expired", ("fund", "wait")),
    ],
)
def test_what_has_changed_since_is_refused_before_the_desk_is_approved(
    desk: Desk, code: str, before: Iterable[str]
) -> None:
    whole = desk.confirmed()
    offered = offer(desk, whole)
    for what in before:
        match what:
            case "deposit":
                desk.scene.deposit(BANK, 100_000)
            case "fund":
                desk.scene.fund(BANK, 100_000, spender=desk.services.deployment.desk)
            case "split":
                desk.split(whole, "1.00")
            case "wait":
                desk.scene.pass_time(seconds=8 * DAY_SECONDS)
                desk.scene.mine(1)
    desk.services.mirrored(desk.services.node.head())
    with refused(desk, code):
        accept(desk, offered)


def test_a_quote_is_for_the_holder_it_names_and_of_the_financier_who_signed_it(desk: Desk) -> None:
    offered = funded(desk, desk.confirmed())
    with refused(desk, "not_quote_holder"):
        accept(desk, offered, person=SUPPLIER)
    cheaper = replace(offered.signed, quote=replace(offered.signed.quote, price=1))
    with refused(desk, "signature_invalid"):
        quotes.accept(desk.services, signer=dev_account(SELLER), offered=cheaper)
    elsewhere = replace(offered.signed, domain=desk_chain.desk_domain(chain_id=1, desk=desk.services.deployment.desk))
    with refused(desk, "signed_for_another"):
        quotes.accept(desk.services, signer=dev_account(SELLER), offered=elsewhere)


def quoted_by(wallet: Wallet, offered: Offered, *, key: int) -> SignedQuote:
    """The same terms in the name of a contract, with a signature of this person's."""
    signed = offered.signed
    quote = replace(signed.quote, financier=wallet.address)
    return desk_chain.sign(quote, dev_account(key), signed.domain, claim_key=signed.claim_key)


def test_a_contract_that_finances_is_asked_whether_it_signed(desk: Desk) -> None:
    """Before its quote is kept, and before the holder approves the desk for it."""
    scene, by = desk.scene, desk.services.deployment.desk
    wallet = Wallet.deploy(scene.node, person=STRANGER)
    wallet.obey(scene.address(BANK))
    members.admit(
        desk.services,
        signer=dev_account(OPERATOR),
        member=wallet.address,
        name="Smart Bank AG",
        identity=None,
        roles=Role.FINANCIER,
        kyc_expiry=scene.now + YEAR_SECONDS,
    )
    deposit = DepositCalls.mint(to=wallet.address, amount=100_000, bank_reference=b"\x77" * 32)
    scene.send_to_token(SETTLEMENT_BANK, deposit)
    wallet.execute(scene.token, DepositCalls.approve(spender=by, amount=100_000))
    offered = offer(desk, desk.confirmed())
    forged, genuine = quoted_by(wallet, offered, key=STRANGER), quoted_by(wallet, offered, key=BANK)
    with refused(desk, "signature_invalid"):
        quotes.keep(desk.services, forged)
    with refused(desk, "signature_invalid"):
        quotes.accept(desk.services, signer=dev_account(SELLER), offered=forged)
    row = quotes.keep(desk.services, genuine)
    assert (row.financier, kept(desk, SELLER)) == (wallet.address, [row.quote_id, offered.row.quote_id])
    accepted = quotes.accept(desk.services, signer=dev_account(SELLER), offered=genuine)
    assert isinstance(accepted.done.entry, Sold)
    assert scene.holder(1, 0) == wallet.address


def test_only_its_financier_gives_a_quote_up(desk: Desk) -> None:
    offered = funded(desk, desk.confirmed())
    with refused(desk, "not_the_signer"):
        quotes.cancel(desk.services, signer=dev_account(SELLER), offered=offered.signed)
    quotes.cancel(desk.services, signer=dev_account(BANK), offered=offered.signed)
    with refused(desk, "quote_used"):
        accept(desk, offered)
    assert kept(desk, SELLER, open_at=desk.scene.now) == []
