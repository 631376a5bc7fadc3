"""Many registrations at once: the good ones go on, each bad one is told, and the same batch can be run again.

Every invoice is a registration of its own, so whatever ends the process leaves whole registrations behind and nothing
else; the next run finds them and goes on.
"""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from datetime import date
from enum import StrEnum

from eth_account.signers.local import LocalAccount

from registry.chain.submit import account_address
from registry.commands import claims
from registry.commands.claims import Prepared
from registry.commands.services import Services
from registry.documents.batch import Item
from registry.documents.document import Document
from registry.documents.invoice import Invoice
from registry.domain.identifiers import Address
from registry.domain.money import Money
from registry.domain.refusals import Refusal
from registry.domain.rules import FingerprintTaken
from registry.store.queries import invoices as invoice_queries
from registry.store.queries import parties as party_queries
from registry.store.queries import receivables as receivable_queries

SERVICE_STATUS_MIN = 500
"""From this HTTP status on a refusal is a failed service, and no word about the invoice: the batch ends there."""


MIRRORED_TOGETHER = 100
"""Registrations after which the mirror is waited for."""


class Outcome(StrEnum):
    """What became of one invoice of a batch."""

    REGISTERED = "registered"
    ACCEPTABLE = "acceptable"
    """In a dry run: it would be registered."""
    DUPLICATE = "duplicate"
    """It is a receivable already, for the same amount: nothing to do."""
    REFUSED = "refused"


@dataclass(frozen=True, slots=True)
class Imported:
    """One invoice of a batch and what became of it. `invoice` is None where it could not be read, `due` is the date on
    chain, `gas` what it cost or, in a dry run, would cost, `refusal` why it was not registered (of a duplicate too)."""

    place: str
    outcome: Outcome
    invoice: Invoice | None = None
    due: date | None = None
    receivable_id: int | None = None
    gas: int | None = None
    refusal: Refusal | None = None

    @property
    def money(self) -> Money | None:
        """The amount to be paid."""
        return None if self.invoice is None else self.invoice.payable


def seller_of_rows(services: Services, originator: Address) -> tuple[str | None, str]:
    """Identity and name of whoever registers, for tables that do not name the seller; None if it has no identity that
    stands for itself (a number in another's books does not)."""
    with services.database.snapshot() as connection:
        party = party_queries.party_by_address(connection, originator)
    if party is None or party.identity is None or party.identity.startswith("local:"):
        return None, ""
    return party.identity, party.name


def register_all(services: Services, items: Iterable[Item], *, signer: LocalAccount) -> Iterator[Imported]:
    """Register the invoices of a batch, one after the other, and tell each as it is done.

    A duplicate is recorded as an attempt, but for the very document that was registered before: that is the batch run
    again. Raises what a failing service raises; what was told until then is registered.
    """
    with services.mirrored_together() as catch_up:
        for number, item in enumerate(items, start=1):
            if isinstance(item.found, Refusal):
                yield Imported(item.place, Outcome.REFUSED, refusal=item.found)
            else:
                yield _register(services, item.place, item.found, signer=signer, catch_up=catch_up)
            if number % MIRRORED_TOGETHER == 0:
                catch_up()


def rehearse_all(services: Services, items: Iterable[Item], *, originator: Address) -> Iterator[Imported]:
    """What register_all would tell; nothing is written or sent. Raises what a failing service raises."""
    seen: dict[bytes, str] = {}
    for item in items:
        if isinstance(item.found, Refusal):
            yield Imported(item.place, Outcome.REFUSED, refusal=item.found)
            continue
        try:
            prepared = claims.prepare_document(services, item.found, originator=originator, due=None)
        except Refusal as refusal:
            yield _refused(item.place, item.found, refusal)
            continue
        if (before := seen.get(prepared.claim.fingerprint)) is not None:
            yield _refused(item.place, item.found, FingerprintTaken(f"the same claim stands above: {before}"))
            continue
        seen[prepared.claim.fingerprint] = item.place
        yield _imported(item.place, Outcome.ACCEPTABLE, prepared, gas=prepared.gas)


def _register(
    services: Services, place: str, document: Document, *, signer: LocalAccount, catch_up: Callable[[], bool]
) -> Imported:
    originator = account_address(signer)
    try:
        prepared = _prepared(services, document, originator=originator, catch_up=catch_up)
    except FingerprintTaken as taken:
        if not _is_kept(services, taken, document):
            claims.record_attempt(services, taken, document, originator=originator)
        return _refused(place, document, taken)
    except Refusal as refusal:
        return _refused(place, document, refusal)
    try:
        done = claims.submit(services, prepared, signer=signer)
    except Refusal as refusal:
        return _refused(place, document, refusal)
    return _imported(place, Outcome.REGISTERED, prepared, gas=done.gas, receivable_id=done.entry.journal_id)


def _prepared(services: Services, document: Document, *, originator: Address, catch_up: Callable[[], bool]) -> Prepared:
    try:
        return claims.prepare_document(services, document, originator=originator, due=None)
    except FingerprintTaken:
        if not catch_up():
            raise
        # Of what this batch has just registered the mirror, which names the receivable, may not have known.
        return claims.prepare_document(services, document, originator=originator, due=None)


def _imported(
    place: str, outcome: Outcome, prepared: Prepared, *, gas: int, receivable_id: int | None = None
) -> Imported:
    due = claims.due_day(prepared.claim.due)
    return Imported(place, outcome, invoice=prepared.invoice, due=due, receivable_id=receivable_id, gas=gas)


def _refused(place: str, document: Document, refusal: Refusal) -> Imported:
    """The refusal as the invoice's own, unless a service failed. Raises that."""
    if refusal.status >= SERVICE_STATUS_MIN:
        raise refusal
    is_duplicate = type(refusal) is FingerprintTaken  # for another amount it is a refusal of its own
    return Imported(
        place,
        Outcome.DUPLICATE if is_duplicate else Outcome.REFUSED,
        invoice=document.invoice,
        receivable_id=refusal.receivable_id if isinstance(refusal, FingerprintTaken) else None,
        refusal=refusal,
    )


def _is_kept(services: Services, taken: FingerprintTaken, document: Document) -> bool:
    """Whether the receivable was made of this very document."""
    with services.database.snapshot() as connection:
        row = receivable_queries.receivable(connection, taken.receivable_id)
        kept = invoice_queries.invoice_by_root(connection, row.document_root) if row is not None else None
    return kept is not None and kept.file_sha256 == hashlib.sha256(document.content).digest()
