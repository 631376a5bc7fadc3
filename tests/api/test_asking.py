"""What anyone may ask for over HTTP at the operator's expense, and what it does not pay for again and again."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from typing import Any

import pytest

from registry.chain.deposits import Permit, SignedPermit, sign
from registry.chain.devchain import dev_account
from registry.domain.identifiers import CertificateId, format_address
from tests.api.conftest import RELAYER, Api, Opening
from tests.scene import BANK, BUYER, SELLER, STRANGER, SUPPLIER, YEAR_SECONDS, Scene


@pytest.fixture(scope="module")
def asked(opening: Opening) -> Iterator[Api]:
    """A registry that all tests share, each with receivables of its own. Time passes in the last one alone."""
    with opening(relays=True) as found:
        found.scene.confirmed()
        found.mirror()
        found.know()
        yield found


def spent(api: Api) -> int:
    """Transactions that the relayer has sent."""
    return api.services.node.nonce(Scene.address(RELAYER))


def refused(api: Api, path: str, document: Any, *, status: int, code: str) -> None:
    """Rehearsed or not, the request is refused by that name and costs nothing."""
    before = spent(api)
    for query in ("", "?dry_run=true"):
        assert api.post(f"{path}{query}", document, key="refused", status=status)["code"] == code
    assert spent(api) == before


# ------------------------------------------------------------------------------ redemptions


@pytest.fixture
def suspended(asked: Api) -> Iterator[list[str]]:
    """Two paid certificates of a suspended holder, the first of them pledged, and an order on a third."""
    scene = asked.scene
    scene.admit(SUPPLIER)
    number = scene.confirmed(face=3_000)
    scene.split(number, start=0, cut=1_000, to=SUPPLIER)
    scene.split(number, start=1_000, cut=2_000, to=SUPPLIER, person=SUPPLIER)
    scene.pledge(number, start=1_000, secured=400, person=SUPPLIER)
    scene.suspend(SUPPLIER)
    scene.freeze_certificate(number, start=0)
    scene.pay(number, 3_000)
    asked.mirror()
    yield [str(CertificateId(number, start, start + 1_000)) for start in (1_000, 2_000, 0)]
    scene.admit(SUPPLIER)


def test_a_suspended_holders_certificate_alone_is_paid_out_once(asked: Api, suspended: list[str]) -> None:
    document = {"certificates": suspended[1:2]}
    assert asked.post("/v1/redemptions?dry_run=true", document, key=None)["gas"] > 0
    had = asked.scene.deposits.balance(Scene.address(SUPPLIER))
    found = asked.post("/v1/redemptions", document, key=suspended[1])
    assert [one["certificate"] for one in found["paid_out"]] == suspended[1:2]
    assert found["skipped"] == []
    assert asked.scene.deposits.balance(Scene.address(SUPPLIER)) - had == 1_000
    refused(asked, "/v1/redemptions", document, status=404, code="unknown_certificate")


def test_a_batch_of_suspended_holders_is_not_paid_for(asked: Api, suspended: list[str]) -> None:
    refused(asked, "/v1/redemptions", {"certificates": suspended}, status=409, code="holder_suspended")
    refused(asked, "/v1/redemptions", {"certificates": suspended[2:]}, status=409, code="frozen_by_order")


def test_the_one_with_the_lien_has_them_paid_out_in_a_batch(asked: Api, suspended: list[str]) -> None:
    """The relayer may be a financier's account."""
    scene = asked.scene
    scene.admit(RELAYER, roles=4)
    scene.admit(SUPPLIER)
    number = int(suspended[0].partition("/")[0].removeprefix("R-"))
    other = scene.confirmed(face=1_000)
    scene.endorse(other, start=0, to=SUPPLIER)
    scene.pledge(other, secured=1, to=RELAYER, person=SUPPLIER)
    scene.suspend(SUPPLIER)
    scene.pay(other, 1_000)
    asked.mirror()
    ids = [f"R-{other}/0-1000", f"R-{number}/2000-3000"]
    found = asked.post("/v1/redemptions", {"certificates": ids}, key=ids[0])
    assert [one["certificate"] for one in found["paid_out"]] == ids[:1]
    assert [(one["certificate"], one["code"]) for one in found["skipped"]] == [(ids[1], "holder_suspended")]


# ---------------------------------------------------------------------------------- permits


def permit(scene: Scene, person: int, *, value: int = 700, deadline: int | None = None) -> SignedPermit:
    owner = Scene.address(person)
    terms = Permit(
        owner=owner,
        spender=scene.deployment.receivables,
        value=value,
        nonce=scene.deposits.permit_nonce(owner),
        deadline=scene.now + YEAR_SECONDS if deadline is None else deadline,
    )
    return sign(terms, dev_account(person), scene.deposits.eip712_domain())


def test_a_permit_is_submitted_once_for_the_member_that_signed_it(asked: Api) -> None:
    scene, node = asked.scene, asked.services.node
    signed, sent = permit(scene, BUYER), node.nonce(Scene.address(BUYER))
    document = signed.to_json()
    rehearsed = asked.post("/v1/permits?dry_run=true", document, key=None)
    assert (rehearsed["operation"], rehearsed["signer"]["handle"]) == ("permit", "buyer")
    found = asked.post("/v1/permits", document, key="permit")
    assert (found["operation"], found["signer"]["handle"], found["entries"]) == ("permit", "buyer", [])
    assert scene.deposits.allowance(owner=Scene.address(BUYER), spender=scene.deployment.receivables) == 700
    assert node.nonce(Scene.address(BUYER)) == sent
    assert asked.post("/v1/permits", document, key="permit") == {**found, "replayed": "true"}
    refused(asked, "/v1/permits", document, status=422, code="permit_invalid")


def test_what_is_no_members_permit_is_refused_and_costs_nothing(asked: Api) -> None:
    scene = asked.scene
    refused(asked, "/v1/permits", permit(scene, STRANGER).to_json(), status=404, code="unknown_member")
    refused(asked, "/v1/permits", permit(scene, BANK, deadline=1).to_json(), status=409, code="permit_expired")
    signed = permit(scene, BANK)
    dearer = replace(signed, permit=replace(signed.permit, value=701))
    refused(asked, "/v1/permits", dearer.to_json(), status=422, code="permit_invalid")
    elsewhere = {**signed.to_json(), "token": format_address(Scene.address(SELLER))}
    refused(asked, "/v1/permits", elsewhere, status=409, code="signed_for_another")
    short = {**signed.to_json(), "signature": "0x12"}
    refused(asked, "/v1/permits", short, status=400, code="permit_malformed")
    refused(asked, "/v1/permits", {**signed.to_json(), "permit": {}}, status=400, code="request_malformed")


# ------------------------------------------------------------------------------- dishonours


def test_a_debt_that_is_not_paid_in_time_is_reported_by_whoever_asks(asked: Api) -> None:
    """The last one: time passes."""
    scene = asked.scene
    number = scene.confirmed(face=20_000)
    asked.mirror()
    document = {"receivable": f"R-{number}"}
    refused(asked, "/v1/dishonours", document, status=409, code="not_overdue")
    refused(asked, "/v1/dishonours", {"receivable": f"R-{number + 1}"}, status=404, code="unknown_receivable")
    refused(asked, "/v1/dishonours", {"receivable": "R-x"}, status=400, code="request_malformed")
    scene.pass_due(number, days=30)
    scene.mine(1)
    assert asked.post("/v1/dishonours?dry_run=true", document, key=None)["gas"] > 0
    found = asked.post("/v1/dishonours", document, key="late")
    (entry,) = found["entries"]
    assert (entry["journal"], entry["operation"]) == (document["receivable"], "Dishonoured")
    assert entry["parties"]["actor"]["address"] == format_address(Scene.address(RELAYER))
    assert asked.get(f"/v1/receivables/R-{number}")["dishonoured"] is True
    assert asked.post("/v1/dishonours", document, key="late") == {**found, "replayed": "true"}
    refused(asked, "/v1/dishonours", document, status=409, code="dishonour_stands")
