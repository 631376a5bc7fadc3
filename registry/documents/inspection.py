"""What a file says as an invoice, and what speaks against making a receivable of it. Needs no chain and no database."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date, timedelta
from typing import Final

from registry.documents import checkdigits, en16931
from registry.documents.en16931 import Findings, RulesNotRun
from registry.documents.invoice import Invoice, require_registrable
from registry.documents.parties import Party, PartyIdentity, identity_of
from registry.documents.profiles import Profile, profile_of
from registry.documents.reading import Opened, content_of, open_document, require_identified, require_profile
from registry.domain.refusals import Refusal


@dataclass(frozen=True, slots=True)
class PaymentTermLimit:
    """The longest time between delivery and due date that the law lets stand without more, in days, since a day."""

    since: date
    days_max: int
    source: str


PAYMENT_TERM_LIMITS: Final = (
    PaymentTermLimit(date(2013, 3, 16), 60, "Directive 2011/7/EU, article 3(5); the same in China since 2025-06-01"),
)
"""Rule 8, by the day of the invoice, oldest first. Public bodies have 30 days; an invoice does not say who is one."""


@dataclass(frozen=True, slots=True)
class Warned:
    """Something that does not stop a registration and should be known before it. `code` is API."""

    code: str
    text: str


@dataclass(frozen=True, slots=True)
class Inspection:
    """All that a file tells.

    `invoice` is None where the content cannot be read; `refusal` says why the file cannot become a receivable, None if
    it can. `findings` is None where the rules could not be run, and `rules_failure` says why.
    """

    opened: Opened
    profile: Profile | None
    invoice: Invoice | None
    refusal: Refusal | None
    findings: Findings | None
    rules_failure: Refusal | None
    warnings: tuple[Warned, ...]


def inspect(data: bytes, *, today: date, strict: bool) -> Inspection:
    """Inspect a document's bytes; with `strict` a fatal finding of EN 16931 is a reason not to register.

    Refuses: what open_document refuses, and nothing after that: a refusal of the content is part of the answer.
    """
    opened = open_document(data)
    invoice, refusal = _content(opened)
    findings, rules_failure = _rules(opened)
    if strict and refusal is None:
        refusal = rules_failure
        if findings is not None and findings.fatal_count:
            refusal = en16931.RulesBroken(findings)
    return Inspection(
        opened=opened,
        profile=profile_of(opened.specification),
        invoice=invoice,
        refusal=refusal,
        findings=findings,
        rules_failure=rules_failure,
        warnings=() if invoice is None else tuple(warnings_of(invoice, today=today)),
    )


def _content(opened: Opened) -> tuple[Invoice | None, Refusal | None]:
    try:
        invoice = content_of(opened)
    except Refusal as refusal:
        return None, refusal
    try:
        require_profile(opened)
        require_identified(invoice)
        require_registrable(invoice)
    except Refusal as refusal:
        return invoice, refusal
    return invoice, None


def _rules(opened: Opened) -> tuple[Findings | None, Refusal | None]:
    try:
        return en16931.check(opened), None
    except RulesNotRun as failure:
        return None, failure


def warnings_of(invoice: Invoice, *, today: date) -> list[Warned]:
    """What to know before registering an invoice, as of `today`. Source: rule 8 for the time to pay."""
    found: list[Warned] = []
    if invoice.due_date is None:
        found.append(Warned("due_date_missing", "no due date; name the day agreed with the buyer when registering"))
    elif invoice.due_date <= today:
        found.append(Warned("due_date_passed", f"due {invoice.due_date}, which has come"))
    found += _late(invoice)
    if invoice.payee is not None and invoice.payee.name != invoice.seller.name:
        found.append(
            Warned("payee_is_another", f"to be paid to {invoice.payee.name}: the claim may have been assigned already")
        )
    for role, party in (("seller", invoice.seller), ("buyer", invoice.buyer)):
        found += _identified(role, party)
    return found


def identity_if_any(party: Party, *, role: str) -> PartyIdentity | None:
    """The identity of a party, or None where nothing identifies it."""
    try:
        return identity_of(party, role=role)
    except Refusal:
        return None


def _late(invoice: Invoice) -> list[Warned]:
    limit = next((limit for limit in reversed(PAYMENT_TERM_LIMITS) if limit.since <= invoice.issue_date), None)
    if invoice.due_date is None or limit is None:
        return []
    delivered = invoice.delivery_date or invoice.issue_date
    if invoice.due_date <= delivered + timedelta(days=limit.days_max):
        return []
    since = "delivery" if invoice.delivery_date else "the invoice (it names no delivery)"
    days = (invoice.due_date - delivered).days
    return [
        Warned(
            "due_late", f"due {days} days after {since}; a small supplier may ask for {limit.days_max} ({limit.source})"
        )
    ]


def _identified(role: str, party: Party) -> list[Warned]:
    identity = identity_if_any(party, role=role)
    if identity is None:
        return []  # that is a refusal, not a warning
    if identity.kind == "local":
        return [Warned("identity_local", f"{role}: known only by a number in the other party's books and its name")]
    if not checkdigits.plausible(identity):
        return [Warned("identity_check_digit", f"{role}: the check digits of {identity} are wrong")]
    return []
