"""What a debtor must not promise by mistake: a copy of the seller's claim, or a date that it did not agree to."""

from __future__ import annotations

from datetime import timedelta
from pathlib import Path

from registry.chain.contract import Calls
from registry.chain.devchain import dev_account
from registry.commands import claims
from tests.commands.desk import Desk, refused
from tests.scene import BUYER, SUPPLIER


def copied(desk: Desk, path: Path) -> int:
    """The seller's claim, registered once more by another supplier out of the public event."""
    _, prepared = desk.register(path)
    receipt = desk.scene.send(SUPPLIER, Calls.register(prepared.claim))
    desk.services.follower().catch_up(until=receipt.block_number)
    return desk.services.view.count()


def test_a_copy_of_a_sellers_claim_is_not_confirmed(desk: Desk) -> None:
    path = desk.invoice()
    copy = copied(desk, path)
    with refused(desk, "claim_not_sellers"):
        desk.confirm(copy)
    with refused(desk, "claim_not_sellers"):
        desk.confirm(copy, invoice=path)


def test_the_sellers_own_claim_is_confirmed_beside_its_copy(desk: Desk) -> None:
    path = desk.invoice()
    copy = copied(desk, path)
    desk.confirm(copy - 1, invoice=path)


def test_a_copy_under_another_document_root_is_found_by_the_debtors_own_invoice(desk: Desk) -> None:
    path = desk.invoice()
    _, prepared = desk.register(path)
    claim = prepared.claim
    forged = type(claim)(claim.debtor, claim.face, claim.due, claim.currency, claim.fingerprint, b"\x77" * 32)
    receipt = desk.scene.send(SUPPLIER, Calls.register(forged))
    desk.services.follower().catch_up(until=receipt.block_number)
    for invoice in (path, None):
        with refused(desk, "claim_not_sellers"):
            desk.confirm(desk.services.view.count(), invoice=invoice)


def test_a_due_date_that_is_not_the_invoices_is_confirmed_only_by_name(desk: Desk) -> None:
    path = desk.invoice()
    earlier = desk.due - timedelta(days=30)
    done, _ = desk.register(path, due=earlier)
    receivable_id = done.entry.journal_id
    with refused(desk, "invoice_differs"):
        desk.confirm(receivable_id, invoice=path)
    with refused(desk, "invoice_differs"):
        claims.confirm(desk.services, signer=dev_account(BUYER), receivable_id=receivable_id, due=desk.due)
    claims.confirm(desk.services, signer=dev_account(BUYER), receivable_id=receivable_id, invoice=path, due=earlier)
