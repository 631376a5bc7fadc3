"""A registry with parties, services around it and invoices to put in: where the use cases are tried."""

from __future__ import annotations

import itertools
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import date
from pathlib import Path

import pytest

from registry.chain.devchain import dev_account
from registry.commands import certificates, claims, members
from registry.commands.claims import Prepared
from registry.commands.sending import Done, Pen
from registry.commands.services import Services
from registry.domain.identifiers import CertificateId
from registry.domain.receivable import Offer, Role
from registry.domain.refusals import Refusal
from registry.mirror.reconcile import reconcile
from registry.settings import PROJECT_ROOT
from registry.store.database import Database
from registry.store.queries import receivables as receivable_queries
from registry.store.queries.receivables import ReceivableRow
from registry.store.tables import metadata
from tests.scene import BANK, BUYER, OPERATOR, SELLER, SUPPLIER, YEAR_SECONDS, Scene

SAMPLES = PROJECT_ROOT / "registry" / "samples" / "invoices"

# Seller and buyer are those of the sample invoices brandmuehl-2026-1041, so that these can be registered too.
PARTIES = {
    SELLER: ("Brandmühl Guss GmbH", "vat:DE999000148", Role.SUPPLIER),
    BUYER: ("Falkenrath Automobilwerke AG", "vat:DE999000017", Role.DEBTOR),
    SUPPLIER: ("Tiefenbach Werkzeugbau GmbH", "vat:DE811907980", Role.SUPPLIER),
    BANK: ("Hafenbank AG", "scheme:0199:529900HAFENBANKAG041", Role.FINANCIER),
}

# Refusals that say all there is to say in their detail.
WITHOUT_HINT = {
    "reason_missing",
    "same_holder",
    "member_malformed",
    "registry_not_paused",
    "amount_missing",
    "price_out_of_range",
    "recourse_out_of_range",
    "secured_out_of_range",
    "credit_out_of_range",
    "not_quote_holder",
    "reference_missing",
    "not_dishonoured",
    "not_in_dispute",
    "field_unknown",
}

UBL = """<?xml version="1.0" encoding="UTF-8"?>
<Invoice xmlns="urn:oasis:names:specification:ubl:schema:xsd:Invoice-2"
  xmlns:cac="urn:oasis:names:specification:ubl:schema:xsd:CommonAggregateComponents-2"
  xmlns:cbc="urn:oasis:names:specification:ubl:schema:xsd:CommonBasicComponents-2">
  <cbc:ID>{number}</cbc:ID>
  <cbc:IssueDate>2026-10-12</cbc:IssueDate>
  {due}
  <cbc:InvoiceTypeCode>{type_code}</cbc:InvoiceTypeCode>
  <cbc:DocumentCurrencyCode>{currency}</cbc:DocumentCurrencyCode>
  <cac:AccountingSupplierParty>{seller}</cac:AccountingSupplierParty>
  <cac:AccountingCustomerParty>{buyer}</cac:AccountingCustomerParty>
  <cac:LegalMonetaryTotal><cbc:PayableAmount currencyID="{currency}">{payable}</cbc:PayableAmount>
  </cac:LegalMonetaryTotal>
</Invoice>"""

PARTY = """<cac:Party><cac:PartyTaxScheme><cbc:CompanyID>{vat}</cbc:CompanyID><cac:TaxScheme><cbc:ID>VAT</cbc:ID>
  </cac:TaxScheme></cac:PartyTaxScheme><cac:PartyLegalEntity><cbc:RegistrationName>{name}</cbc:RegistrationName>
  </cac:PartyLegalEntity></cac:Party>"""


def ubl(
    *,
    number: str,
    due: date | None,
    payable: str = "1000.00",
    currency: str = "EUR",
    type_code: str = "380",
    seller: str = "DE999000148",
    buyer: str = "DE999000017",
) -> bytes:
    """A UBL invoice of the seller to the buyer, who are named by their VAT ids."""
    return UBL.format(
        number=number,
        due="" if due is None else f"<cbc:DueDate>{due}</cbc:DueDate>",
        payable=payable,
        currency=currency,
        type_code=type_code,
        seller=PARTY.format(vat=seller, name=f"Seller {seller}"),
        buyer=PARTY.format(vat=buyer, name=f"Buyer {buyer}"),
    ).encode()


@dataclass
class Desk:
    """People are dev accounts by number, as in a Scene."""

    scene: Scene
    services: Services
    folder: Path
    _numbers: itertools.count[int] = field(default_factory=lambda: itertools.count(1))

    @classmethod
    def open(cls, scene: Scene, database: Database, home: Path) -> Desk:
        """A desk over an empty registry, at which all parties are admitted."""
        desk = cls(scene, Services(home, scene.node, database, scene.deployment), home)
        for person in PARTIES:
            desk.admit(person)
        return desk

    @property
    def due(self) -> date:
        """A day that lies ahead on the chain, whatever other tests did to its clock."""
        return claims.due_day(self.scene.due(days=90))

    def admit(self, person: int, *, seconds: int = YEAR_SECONDS, handle: str | None = None) -> str:
        name, identity, roles = PARTIES[person]
        _, handle = members.admit(
            self.services,
            signer=dev_account(OPERATOR),
            member=self.scene.address(person),
            name=name,
            identity=identity,
            roles=roles,
            kyc_expiry=self.scene.now + seconds,
            handle=handle,
        )
        return handle

    def write(self, content: bytes, *, name: str | None = None) -> Path:
        path = self.folder / (name or f"document-{next(self._numbers)}.xml")
        path.write_bytes(content)
        return path

    def invoice(self, *, number: str | None = None, days: int = 90, payable: str = "1000.00", **parts: str) -> Path:
        """A file with an invoice of a number of its own; `parts` are those of ubl."""
        due = claims.due_day(self.scene.due(days=days))
        return self.write(ubl(number=number or f"RE {next(self._numbers)}", due=due, payable=payable, **parts))

    def register(
        self, path: Path | None = None, *, person: int = SELLER, due: date | None = None
    ) -> tuple[Done, Prepared]:
        return claims.register(self.services, path or self.invoice(), signer=dev_account(person), due=due)

    def registered(self, path: Path | None = None) -> int:
        """Number of a receivable that waits for its debtor's answer."""
        done, _ = self.register(path)
        return done.entry.journal_id

    def confirm(
        self, receivable_id: int, *, person: int = BUYER, invoice: Path | None = None, due: date | None = None
    ) -> Done:
        return claims.confirm(
            self.services, signer=dev_account(person), receivable_id=receivable_id, invoice=invoice, due=due
        )

    def counter_offer(
        self, receivable_id: int, *, amount: str | None = "900.00", due: date | None = None, person: int = BUYER
    ) -> Offer:
        _, offer = claims.counter_offer(
            self.services, signer=dev_account(person), receivable_id=receivable_id, amount=amount, due=due
        )
        return offer

    def confirmed(self, path: Path | None = None) -> CertificateId:
        """A whole certificate, the seller's."""
        receivable_id = self.registered(path)
        return CertificateId(receivable_id, 0, self.confirm(receivable_id).entry.range[1])

    def split(
        self,
        certificate: CertificateId,
        amount: str,
        *,
        person: int = SELLER,
        to: int = BANK,
        document: str | None = None,
    ) -> CertificateId:
        _, tail = certificates.split(
            self.services,
            signer=dev_account(person),
            certificate=certificate,
            amount=amount,
            receiver=self.scene.address(to),
            document=document,
        )
        return tail

    def endorse(
        self, certificate: CertificateId, *, person: int = SELLER, to: int = BANK, document: str | None = None
    ) -> Done:
        return certificates.endorse(
            self.services,
            signer=dev_account(person),
            certificate=certificate,
            receiver=self.scene.address(to),
            document=document,
        )

    def pen(self, person: int, *, seconds: int = YEAR_SECONDS) -> Pen:
        """The person's hand that signs and sends nothing."""
        return Pen(dev_account(person), self.scene.now + seconds)

    def read(self, receivable_id: int) -> ReceivableRow:
        with self.services.database.snapshot() as connection:
            row = receivable_queries.receivable(connection, receivable_id)
        assert row is not None
        return row

    def agrees(self) -> bool:
        """Whether SQL and chain agree in every field."""
        contract = self.services.deployment.receivables
        return reconcile(self.services.database, self.services.node, contract=contract, deep=True).differences == []

    def count(self, table: str) -> int:
        with self.services.database.bulk() as connection:
            row = connection.execute(f"SELECT count(*) FROM {table}").fetchone()
        assert row is not None
        return int(row[0])

    def state(self) -> dict[str, object]:
        """Everything there is: the chain's height and heads, and a digest of every table."""
        view = self.services.view
        found: dict[str, object] = {
            "block": self.services.node.head(),
            "heads": view.heads(range(view.count() + 1)),
        }
        found.update(table_digests(self.services.database))
        return found


def table_digests(database: Database) -> dict[str, object]:
    """Row count and digest of every table, mirrored and business, but for the comparisons with the chain: a mirror that
    runs meanwhile makes one whenever it is time to."""
    asked = " UNION ALL ".join(
        f"SELECT '{table}', count(*), md5(string_agg(t::text, chr(10) ORDER BY t::text)) FROM {table} AS t"
        for table in metadata.tables.keys() - {"reconciliation"}
    )
    with database.bulk() as connection:
        return {table: digest for table, *digest in connection.execute(asked).fetchall()}


def changes(before: dict[str, object], after: dict[str, object]) -> set[str]:
    """Names of what is not as it was."""
    return {name for name in before if before[name] != after[name]}


@contextmanager
def refused(desk: Desk, code: str, *, adds: str | None = None) -> Iterator[pytest.ExceptionInfo[Refusal]]:
    """What stands in the block is refused by this code and leaves chain and SQL as they were, but for table `adds`."""
    before = desk.state()
    with pytest.raises(Refusal) as caught:
        yield caught
    assert caught.value.code == code
    assert caught.value.detail
    assert bool(caught.value.hint) is (code not in WITHOUT_HINT)
    assert changes(before, desk.state()) == ({adds} if adds else set())
