"""Money over HTTP: what is shown of it, and payments, redemptions, agreements and sealed quotes that are submitted."""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Iterator
from dataclasses import replace
from datetime import date, timedelta
from typing import Any

import pytest

from registry.chain import operations, quotes, typed_data
from registry.chain.contract import Calls
from registry.chain.deposits import DepositView
from registry.chain.devchain import dev_account
from registry.chain.operations import Agreement
from registry.chain.quotes import QuoteKind, SignedQuote
from registry.domain.identifiers import MINOR_MAX, CertificateId, format_address
from registry.domain.receivable import DAY_SECONDS
from registry.store.queries import quotes as quote_queries
from tests.api.conftest import Api, Opening
from tests.scene import BANK, BUYER, SELLER, STRANGER, SUPPLIER, YEAR_SECONDS, Scene

PARTS = 100


@pytest.fixture(scope="module")
def money(opening: Opening) -> Iterator[Api]:
    """A registry that all tests share, each with receivables of its own. Time passes in the last one alone."""
    with opening(relays=True) as found:
        first = found.scene.confirmed()
        assert first == 1
        found.mirror()
        found.know()
        yield found


def eur(minor: int) -> dict[str, str]:
    return {"amount": f"{minor // 100}.{minor % 100:02}", "currency": "EUR"}


def of_range(scene: Scene, number: int, start: int = 0) -> dict[str, int]:
    return {"receivable_id": number, "start": start, "end": scene.end(number, start)}


def agreed(scene: Scene, operation: Agreement) -> dict[str, Any]:
    """What both parties signed."""
    signed = scene.sign(operation, BUYER)
    return typed_data.countersign(signed, dev_account(SELLER), deadline=scene.now + YEAR_SECONDS).to_json()


# ---------------------------------------------------------------------------- what is shown


def test_what_was_paid_credited_disputed_and_paid_out_is_shown(money: Api) -> None:
    scene = money.scene
    number = scene.confirmed(face=100_000)
    scene.credit_note(number, amount=10_000)
    scene.dispute(number, start=10_000, cut=30_000)
    scene.pledge(number, start=30_000, secured=50_000)
    scene.pay(number, 70_000)
    money.mirror()

    path, tail = f"/v1/receivables/R-{number}", f"/v1/certificates/R-{number}/30000-100000"
    shown = money.get(path)
    amounts = ("paid", "credited", "in_dispute", "payable", "paid_out", "redeemed")
    assert [shown[name] for name in amounts] == [eur(n) for n in (70_000, 10_000, 20_000, 0, 0, 0)]
    assert (shown["phase"], shown["part_paid"], shown["dishonoured"]) == ("live", True, False)

    (payment,) = money.get(f"{path}/payments")["items"]
    assert (payment["payer"]["handle"], payment["amount"]) == ("buyer", eur(70_000))
    entries = money.walk(f"{path}/entries")
    assert payment["position"] == next(entry["position"] for entry in entries if entry["operation"] == "Paid")

    front, part = money.get(f"{path}/certificates")["items"]
    assert (front["in_dispute"], front["lien"], front["redeemable"]) == (True, None, eur(0))
    assert (part["in_dispute"], part["paid_out"], part["redeemable"]) == (False, eur(0), eur(70_000))
    assert part["redeemable_to_financier"] == eur(50_000)
    (pledged,) = [entry for entry in entries if entry["operation"] == "Pledged"]
    assert (part["lien"]["financier"]["handle"], part["lien"]["secured"]) == ("bank", eur(50_000))
    assert part["lien"]["since_position"] == pledged["position"]
    fields = {field["name"]: field["value"] for field in pledged["fields"]}
    assert (fields["secured"], fields["financier"]) == ("50000", part["lien"]["financier"]["address"])

    liens = money.get("/v1/members/bank/liens")
    assert [item["id"] for item in liens["items"]] == [part["id"]]
    (total,) = liens["totals"]
    assert (total["amount"], total["secured"], total["redeemable"]) == (eur(70_000), eur(50_000), eur(50_000))
    assert [item["id"] for item in money.get("/v1/certificates?financier=bank&pledged=true")["items"]] == [part["id"]]
    assert [item["id"] for item in money.get("/v1/certificates?in_dispute=true")["items"]] == [front["id"]]
    book = next(one for one in money.get("/v1/members/seller/book")["totals"] if one["phase"] == "live")
    assert (book["pledged"], book["in_dispute"], book["redeemable"]) == (eur(70_000), eur(20_000), eur(20_000))

    scene.freeze_certificate(number, start=30_000)
    money.mirror()
    assert money.get(tail)["redeemable"] == eur(0)
    scene.unfreeze_certificate(number, start=30_000)
    scene.redeem(number, start=30_000)
    money.mirror()
    shown = money.get(path)
    assert [shown[name] for name in ("paid_out", "redeemed")] == [eur(70_000)] * 2
    assert money.problem(tail, status=404, code="unknown_certificate")["as_of_block"]


def test_deposits_are_told_as_they_were_at_the_mirrored_block(money: Api) -> None:
    scene, path = money.scene, f"/v1/members/{format_address(Scene.address(SUPPLIER))}/deposits"
    scene.deposit(SUPPLIER, 5_000)
    scene.allow(SUPPLIER, 3_000)
    scene.allow(SUPPLIER, 2**256 - 1, spender=scene.deployment.desk)
    money.mirror()
    (before,) = money.get(path)["items"]
    assert (before["deposit"], before["registry_may_take"]) == (eur(5_000), eur(3_000))
    assert before["desk_may_take"] == eur(MINOR_MAX)
    assert before["token"] == format_address(scene.token)

    scene.deposit(SUPPLIER, 1)
    assert money.get(path)["items"] == [before]
    money.mirror()
    after = money.get(path)
    assert after["items"][0]["deposit"] == eur(5_001)
    assert after["as_of_block"]["number"] == scene.node.head()
    registry = money.get("/v1/registry")
    assert registry["deposit_tokens"] == [{"currency": "EUR", "token": before["token"]}]
    assert registry["desk"] == format_address(scene.deployment.desk)


# ------------------------------------------------------------------------------ redemptions


def test_a_batch_of_redemptions_pays_what_it_can_and_says_why_not_the_rest(money: Api) -> None:
    scene = money.scene
    number = scene.confirmed(face=PARTS * 1_000)
    scene.admit(STRANGER, roles=1)
    holders = [STRANGER if part == 7 else SUPPLIER for part in range(1, PARTS)]
    cuts = [(part * 1_000, holder) for part, holder in zip(range(1, PARTS), holders, strict=True)]
    scene.split_many(number, start=0, parts=cuts[::-1])
    scene.suspend(STRANGER)
    scene.freeze_certificate(number, start=8_000)
    scene.pay(number, PARTS * 1_000)
    scene.redeem(number, start=9_000, person=BANK)
    money.mirror()
    ids = [str(CertificateId(number, at, at + 1_000)) for at in range(0, PARTS * 1_000, 1_000)]
    had = scene.deposits.balance(Scene.address(SUPPLIER))

    document = {"certificates": ids}
    assert money.post("/v1/redemptions?dry_run=true", document, key=None)["gas"] > 0
    found = money.post("/v1/redemptions", document, key="batch")
    assert [one["certificate"] for one in found["paid_out"]] == [ids[0], *ids[1:7], *ids[10:]]
    assert {one["certificate"]: one["code"] for one in found["skipped"]} == {
        ids[7]: "holder_suspended",
        ids[8]: "frozen_by_order",
        ids[9]: "unknown_certificate",
    }
    assert Counter(one["amount"]["amount"] for one in found["paid_out"]) == {"10.00": 97}
    assert {one["holder"]["handle"] for one in found["paid_out"]} == {"seller", None}
    assert scene.deposits.balance(Scene.address(SUPPLIER)) - had == 96_000
    assert found["mirrored"]
    assert money.get(f"/v1/receivables/R-{number}")["paid_out"] == eur(98_000)
    assert found["gas"] < 2_000_000

    again = money.post("/v1/redemptions", document, key="batch")
    assert again == {**found, "replayed": "true"}
    for query, key in (("", "batch-2"), ("?dry_run=true", None)):
        nothing = money.post(f"/v1/redemptions{query}", {"certificates": ids[8:]}, key=key, status=409)
        assert nothing["code"] == "nothing_due"


def test_a_certificate_that_ends_before_the_one_that_starts_there_is_unknown(money: Api) -> None:
    number = money.scene.confirmed(face=5_000)
    money.mirror()
    assert money.problem(f"/v1/certificates/R-{number}/0-1", status=404, code="unknown_certificate")
    asked = {"certificates": [f"R-{number}/0-1"]}
    for query, key in (("", "no-part"), ("?dry_run=true", None)):
        found = money.post(f"/v1/redemptions{query}", asked, key=key, status=404)
        assert found["code"] == "unknown_certificate"
        assert found["detail"].endswith(f"what starts there now is R-{number}/0-5000")


@pytest.mark.parametrize(
    ("ids", "code"),
    [
        ([], "request_malformed"),
        (["R-1/0-100000", "R-1/0-50"], "request_malformed"),
        (["R-1/0"], "request_malformed"),
        ([f"R-1/{at}-{at + 1}" for at in range(PARTS + 1)], "request_malformed"),
        (["R-1/9-5"], "id_malformed"),
    ],
)
def test_what_is_no_batch_of_redemptions_is_refused(money: Api, ids: list[str], code: str) -> None:
    assert money.post("/v1/redemptions", {"certificates": ids}, status=400)["code"] == code


# ------------------------------------------------------------------------------ operations


def test_pledges_payments_and_agreements_are_submitted_for_those_who_signed_them(money: Api) -> None:
    scene, node = money.scene, money.services.node
    number = scene.confirmed(face=50_000)
    money.mirror()
    sent = {person: node.nonce(Scene.address(person)) for person in (SELLER, BANK)}

    def submit(document: dict[str, Any]) -> dict[str, Any]:
        key = f"{document['operation']}-{number}"
        found = money.post("/v1/operations", document, key=key)
        (entry,) = found["entries"]
        return {**found, "entry": entry["operation"]}

    pledge = operations.Pledge(**of_range(scene, number), financier=Scene.address(BANK), secured=1_000)
    assert submit(scene.sign(pledge, SELLER).to_json())["entry"] == "Pledged"
    release = operations.Release(**of_range(scene, number))
    assert submit(scene.sign(release, BANK).to_json())["entry"] == "Released"

    note = operations.CreditNote(**of_range(scene, number), amount=5_000)
    alone = scene.sign(note, BUYER).to_json()
    assert money.post("/v1/operations", alone, status=400)["code"] == "document_of_another_kind"
    assert money.post("/v1/operations", {**alone, "second": None}, status=400)["code"] == "signed_operation_malformed"
    rehearsed = money.post("/v1/operations?dry_run=true", agreed(scene, note), key=None)
    assert (rehearsed["signer"]["handle"], rehearsed["second"]["handle"]) == ("buyer", "seller")
    noted = submit(agreed(scene, note))
    assert (noted["entry"], noted["signer"]["handle"], noted["second"]["handle"]) == ("CreditNoted", "buyer", "seller")
    dispute = operations.Dispute(**of_range(scene, number, 5_000), cut=20_000)
    assert submit(agreed(scene, dispute))["entry"] == "Disputed"
    assert submit(agreed(scene, operations.Resolve(receivable_id=number)))["entry"] == "Resolved"

    scene.fund(BUYER, 45_000)
    paid = submit(scene.sign(operations.Pay(receivable_id=number, amount=45_000), BUYER).to_json())
    assert (paid["entry"], paid["second"]) == ("Paid", None)
    shown = money.get(f"/v1/receivables/R-{number}")
    assert (shown["status"], shown["phase"], shown["credited"]) == ("settled", "paid", eur(5_000))
    assert {person: node.nonce(Scene.address(person)) for person in sent} == sent


# ---------------------------------------------------------------------------------- quotes


def state(api: Api, signed: SignedQuote) -> str:
    answer = api.get("/v1/quotes/0x" + quotes.digest(signed.quote, signed.domain).hex())
    # Sealed: its name and where it stands, nothing else.
    assert answer.keys() == {"digest", "state", "as_of_block"}
    return str(answer["state"])


def test_a_sealed_quote_is_left_accepted_and_told_by_its_standing_alone(money: Api) -> None:
    scene = money.scene
    number = scene.confirmed(face=80_000)
    money.mirror()
    sale = scene.quote(number, price=78_000, amount=80_000)
    other = scene.quote(number, price=77_000)
    given_up = scene.quote(number, price=10_000, amount=20_000, kind=QuoteKind.PLEDGE)
    for signed in (sale, other, given_up, sale):
        kept = money.post("/v1/quotes", signed.to_json(), key=None)
        assert kept["state"] == state(money, signed) == "offered"
        assert "78000" not in json.dumps(kept)
    with money.services.database.snapshot() as connection:
        shown_to = {
            person: quote_queries.quotes(connection, party=Scene.address(person), receivable_id=number).rows
            for person in (SELLER, BANK, BUYER, SUPPLIER)
        }
    assert {person: len(rows) for person, rows in shown_to.items()} == {SELLER: 3, BANK: 3, BUYER: 0, SUPPLIER: 0}

    dearer = replace(sale, quote=replace(sale.quote, price=79_000))
    assert money.post("/v1/quotes", dearer.to_json(), status=422)["code"] == "signature_invalid"
    elsewhere = replace(sale, domain=replace(sale.domain, contract=Scene.address(STRANGER)))
    assert money.post("/v1/quotes", elsewhere.to_json(), status=409)["code"] == "signed_for_another"
    stranger = scene.quote(number, price=1, financier=SUPPLIER)
    assert money.post("/v1/quotes", stranger.to_json(), status=403)["code"] == "not_financier"
    odd = {**sale.to_json(), "quote": {}}
    assert money.post("/v1/quotes", odd, status=400)["code"] == "quote_malformed"

    word, bit = divmod(given_up.quote.nonce, 256)
    scene.send_to_desk(BANK, quotes.cancel_nonces(word=word, mask=1 << bit))
    money.mirror()
    assert state(money, given_up) == "withdrawn"

    scene.fund(BANK, 78_000, spender=scene.deployment.desk)
    approve = operations.Approve(**of_range(scene, number), to=scene.deployment.desk)
    approval = scene.sign(approve, SELLER)
    document = quotes.accept(sale, dev_account(SELLER), deadline=scene.now + 1_000, approval=approval).to_json()
    had = scene.deposits.balance(Scene.address(SELLER))
    assert money.post("/v1/acceptances?dry_run=true", document, key=None)["gas"] > 0
    found = money.post("/v1/acceptances", document, key="accept")
    assert ([entry["operation"] for entry in found["entries"]], found["signer"]["handle"]) == (["Sold"], "seller")
    assert money.post("/v1/acceptances", document, key="accept")["replayed"] == "true"
    assert money.post("/v1/acceptances", document, key="accept-2", status=409)["code"] == "quote_used"
    assert scene.deposits.balance(Scene.address(SELLER)) - had == 78_000
    assert (state(money, sale), state(money, other)) == ("accepted", "void")
    shown = money.get(f"/v1/certificates/R-{number}/0-80000")
    assert shown["holder"]["handle"] == "bank"
    assert (shown["recourse"]["seller"]["handle"], shown["recourse"]["amount"]) == ("seller", eur(80_000))
    assert [item["id"] for item in money.get("/v1/certificates?seller=seller")["items"]] == [shown["id"]]


# ---------------------------------------------------------------------------- what is not paid


def test_what_is_not_paid_in_time_is_told_and_goes_back_by_signature(money: Api) -> None:
    """The last one: time passes."""
    scene = money.scene
    sold, lost = scene.confirmed(face=30_000), scene.confirmed(face=20_000)
    late, argued = scene.quote(lost, price=1_000), scene.confirmed(face=10_000)
    scene.dispute(argued, start=0, cut=1_000)
    scene.pay(argued, 9_000)
    scene.accept(scene.quote(sold, price=29_000, amount=30_000))
    money.mirror()
    money.post("/v1/quotes", late.to_json(), key=None)
    scene.pass_time(seconds=DAY_SECONDS + 1)
    money.mirror()
    assert state(money, late) == "expired"
    assert money.post("/v1/quotes", late.to_json(), key=None)["state"] == "expired"

    scene.pass_due(lost, days=30)
    scene.dishonour(lost)
    scene.pay(lost, 5_000)
    scene.settle(Calls.close(lost))
    money.mirror()
    shown = money.get(f"/v1/receivables/R-{lost}")
    assert (shown["status"], shown["phase"], shown["dishonoured"], shown["part_paid"]) == (
        "closed", "closed", True, False,
    )  # fmt: skip
    (debt,) = money.get("/v1/members/buyer")["dishonoured"]
    assert (debt["receivables"], debt["dishonoured"], debt["unpaid"]) == (1, 1, eur(15_000))
    assert (debt["in_dispute"], debt["reportable_since"]) == (eur(0), None)
    assert money.get("/v1/debts?dishonoured=true")["items"] == [debt]
    (overdue,) = money.get("/v1/debts?debtor=buyer")["items"]
    ids = [item["id"] for item in money.walk("/v1/receivables?phase=overdue&debtor=buyer")]
    assert (overdue["receivables"], overdue["dishonoured"]) == (len(ids), 0)
    assert f"R-{sold}" in ids
    assert f"R-{lost}" not in ids
    assert f"R-{argued}" not in ids
    shown = money.get(f"/v1/receivables/R-{argued}")
    assert (shown["phase"], shown["payable"], shown["in_dispute"]) == ("due", eur(0), eur(1_000))
    days = {day["due_date"]: day for day in money.get("/v1/members/buyer/calendar")["items"]}
    assert days[shown["due_date"]]["phase"] == "overdue"  # others are due on that day, and can be paid
    since, due = (date.fromisoformat(overdue[name]) for name in ("reportable_since", "due_date"))
    grace = scene.view.policy().settlement.overdue_grace_days
    assert since == due + timedelta(days=grace.in_force(now=scene.now))
    for after in (f"{debt['debtor']['address']}/EUR", "buyer/EUR"):
        assert money.get("/v1/debts", params={"after": after})["items"] == []

    demand = operations.DemandRecourse(**of_range(scene, sold))
    money.post("/v1/operations", scene.sign(demand, BANK).to_json(), key="demand")
    assert money.get(f"/v1/certificates/R-{sold}/0-30000")["recourse"]["demanded"] is True
    scene.fund(SELLER, 30_000)
    repurchase = operations.Repurchase(**of_range(scene, sold))
    bank = DepositView(scene.node, scene.token).balance(Scene.address(BANK))
    done = money.post("/v1/operations", scene.sign(repurchase, SELLER).to_json(), key="repurchase")
    assert [entry["operation"] for entry in done["entries"]] == ["Repurchased"]
    assert scene.deposits.balance(Scene.address(BANK)) - bank == 30_000
    shown = money.get(f"/v1/certificates/R-{sold}/0-30000")
    assert (shown["holder"]["handle"], shown["recourse"]) == ("seller", None)
    steps = money.get(f"/v1/certificates/R-{sold}/0-30000/provenance")["steps"]
    assert [step["operation"] for step in steps[-3:]] == ["Sold", "RecourseDemanded", "Repurchased"]
    assert (steps[-1]["giver"]["handle"], steps[-1]["holder"]["handle"]) == ("bank", "seller")


def test_deposits_add_up_beyond_any_amount_and_in_currencies_that_nobody_knows(money: Api) -> None:
    scene = money.scene
    token = scene.create("DepositToken", scene.deployment.banking, scene.deployment.receivables, 7)
    scene.govern(Calls.set_deposit_token(currency=7, token=token))
    for _ in range(2):
        scene.deposit(BANK, MINOR_MAX)
    money.mirror()
    strange, euros = money.get("/v1/members/bank/deposits")["items"]
    assert strange["deposit"] == {"amount": "0", "currency": "#007"}
    assert euros["deposit"] == eur(scene.deposits.balance(Scene.address(BANK)))
    assert scene.deposits.balance(Scene.address(BANK)) > MINOR_MAX
