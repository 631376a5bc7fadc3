"""Several parts, several certificates, two that become one, and those whom a holder lets act."""

from __future__ import annotations

import pytest

from registry.chain.devchain import dev_account
from registry.commands import certificates
from registry.commands.certificates import TypedPart
from registry.domain.identifiers import CertificateId
from registry.domain.journal import Endorsed, Merged, Split
from tests.commands.desk import Desk, refused
from tests.scene import BANK, BUYER, SELLER, STRANGER, SUPPLIER

HASH = "0x" + "0d" * 32


@pytest.fixture(scope="module")
def whole(shared_desk: Desk) -> CertificateId:
    """1,000.00 EUR, the seller's; what the tests of this module try on it is refused."""
    return shared_desk.confirmed(shared_desk.invoice(payable="1000.00"))


def split_many(desk: Desk, certificate: CertificateId, *parts: tuple[str, int, str | None]) -> list[CertificateId]:
    _, tails = certificates.split_many(
        desk.services,
        signer=dev_account(SELLER),
        certificate=certificate,
        parts=[TypedPart(amount, desk.scene.address(to), document) for amount, to, document in parts],
    )
    return tails


def merge(desk: Desk, left: CertificateId, right: CertificateId, *, person: int = SELLER) -> CertificateId:
    _, merged = certificates.merge(desk.services, signer=dev_account(person), certificates=(left, right))
    return merged


# ------------------------------------------------------------------------- parts


def test_several_parts_are_cut_from_the_tail_in_one_transaction(desk: Desk) -> None:
    certificate = desk.confirmed(desk.invoice(payable="1000.00"))
    note = str(desk.write(b"Delivery note", name="note.txt"))
    before = desk.services.node.head()
    tails = split_many(desk, certificate, ("100.00", BANK, None), ("0.01", SUPPLIER, note), ("250", BANK, HASH))
    assert tails == [
        CertificateId(1, 90_000, 100_000),
        CertificateId(1, 89_999, 90_000),
        CertificateId(1, 64_999, 89_999),
    ]
    assert desk.services.node.head() == before + 1
    cuts = [entry for entry in desk.scene.journal(1) if isinstance(entry, Split)]
    assert [(cut.end, cut.cut) for cut in cuts] == [(100_000, 90_000), (90_000, 89_999), (89_999, 64_999)]
    assert desk.count("trade_document") == 1
    assert desk.agrees()


@pytest.mark.parametrize(
    ("parts", "code"),
    [
        ([], "batch_empty"),
        ([("600.00", BANK, None), ("400.00", BANK, None)], "cut_out_of_range"),
        ([("1000.00", BANK, None)], "cut_out_of_range"),
        ([("1.00", BANK, None), ("0", BANK, None)], "cut_out_of_range"),
        ([("1.00", BANK, None), ("1.00", SUPPLIER, None)], "trade_document_missing"),
        ([("1.00", STRANGER, HASH)], "member_not_eligible"),
        ([("1.00", BANK, "no-such-file")], "document_unreadable"),
        ([("1,000", BANK, None)], "amount_ambiguous"),
    ],
    ids=str,
)
def test_parts_that_cannot_all_be_cut_are_refused_together(
    shared_desk: Desk, whole: CertificateId, parts: list[tuple[str, int, str | None]], code: str
) -> None:
    with refused(shared_desk, code):
        split_many(shared_desk, whole, *parts)


# ------------------------------------------------------------------ endorsements


def test_several_certificates_go_together(desk: Desk) -> None:
    first, second = desk.confirmed(), desk.confirmed()
    done = certificates.endorse_many(
        desk.services,
        signer=dev_account(SELLER),
        certificates=[first, second],
        receiver=desk.scene.address(BANK),
        document=None,
    )
    assert [type(entry) for entry in done.entries] == [Endorsed, Endorsed]
    assert {entry.journal_id for entry in done.entries} == {first.receivable_id, second.receivable_id}
    assert desk.agrees()


def test_of_several_certificates_all_go_or_none(desk: Desk) -> None:
    first, second = desk.confirmed(), desk.confirmed()
    desk.endorse(second)
    with refused(desk, "not_holder"):
        certificates.endorse_many(
            desk.services,
            signer=dev_account(SELLER),
            certificates=[first, second],
            receiver=desk.scene.address(BANK),
            document=str(desk.write(b"not kept")),
        )


# ------------------------------------------------------------------------ merging


def test_two_neighbours_become_one_in_whichever_order_they_are_named(desk: Desk) -> None:
    certificate = desk.confirmed(desk.invoice(payable="1000.00"))
    tail = desk.split(certificate, "400.00", to=SELLER)
    kept = CertificateId(1, 0, 60_000)
    assert certificates.right_neighbour(desk.services, kept) == tail
    done, merged = certificates.merge(desk.services, signer=dev_account(SELLER), certificates=(tail, kept))
    assert isinstance(done.entry, Merged)
    assert merged == certificate
    assert desk.agrees()


def test_only_what_touches_is_merged(desk: Desk) -> None:
    one, other = desk.confirmed(), desk.confirmed()
    middle = desk.split(one, "1.00", to=SELLER)
    last = desk.split(middle, "0.50", to=SELLER)
    with refused(desk, "not_neighbours"):
        merge(desk, CertificateId(1, 0, 99_900), last)
    with refused(desk, "not_neighbours"):
        merge(desk, one, other)
    with refused(desk, "not_neighbours"):
        certificates.right_neighbour(desk.services, last)
    with refused(desk, "unknown_certificate"):
        merge(desk, CertificateId(1, 0, 99_900), middle)


@pytest.mark.parametrize("person", [SELLER, BANK, STRANGER])
def test_two_holders_certificates_are_not_merged(desk: Desk, person: int) -> None:
    tail = desk.split(desk.confirmed(), "1.00", to=BANK)
    with refused(desk, "not_holder"):
        merge(desk, CertificateId(1, 0, 99_900), tail, person=person)


# ---------------------------------------------------------------------- approvals


def test_whoever_is_approved_moves_the_certificate_until_it_is_revoked(desk: Desk) -> None:
    certificate = desk.confirmed()
    signer, operator = dev_account(SELLER), desk.scene.address(SUPPLIER)
    done = certificates.approve(desk.services, signer=signer, certificate=certificate, operator=operator)
    assert done.entries == ()
    tail = desk.split(certificate, "1.00", person=SUPPLIER)
    kept = CertificateId(1, 0, tail.start)
    with refused(desk, "not_holder"):  # a cut ends the approval
        desk.split(kept, "1.00", person=SUPPLIER)
    certificates.approve(desk.services, signer=signer, certificate=kept, operator=operator)
    certificates.revoke(desk.services, signer=signer, certificate=kept)
    with refused(desk, "not_holder"):
        desk.endorse(kept, person=SUPPLIER)


def test_an_operator_moves_all_certificates_until_that_ends(desk: Desk) -> None:
    operator = desk.scene.address(SUPPLIER)
    certificates.approve_for_all(desk.services, signer=dev_account(SELLER), operator=operator, approved=True)
    tail = desk.split(desk.confirmed(), "1.00", person=SUPPLIER)
    certificates.approve_for_all(desk.services, signer=dev_account(SELLER), operator=operator, approved=False)
    with refused(desk, "not_holder"):
        desk.split(CertificateId(1, 0, tail.start), "1.00", person=SUPPLIER)


@pytest.mark.parametrize("person", [BUYER, BANK, STRANGER])
def test_only_the_holder_approves(shared_desk: Desk, whole: CertificateId, person: int) -> None:
    with refused(shared_desk, "not_holder"):
        certificates.approve(
            shared_desk.services,
            signer=dev_account(person),
            certificate=whole,
            operator=shared_desk.scene.address(BANK),
        )
    with refused(shared_desk, "unknown_certificate"):
        certificates.revoke(shared_desk.services, signer=dev_account(SELLER), certificate=CertificateId(1, 0, 5))
