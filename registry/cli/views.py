"""Rows and documents of the command line, made of what the queries give."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable, Iterable, Mapping
from typing import TYPE_CHECKING, Any

from rich.tree import Tree

from registry.domain.calendar import day, instant
from registry.domain.identifiers import Address, CertificateId, format_address, format_receivable_id
from registry.domain.journal import (
    CertificateFrozen,
    Confirmed,
    CounterOffered,
    CreditNoted,
    DepositTokenSet,
    DescriptorSet,
    DeskSet,
    Disputed,
    Endorsed,
    Entry,
    ForcedTransfer,
    MemberAdmitted,
    MemberFrozen,
    MemberSuspended,
    MemberUnfrozen,
    Merged,
    OfferAccepted,
    Paid,
    ParameterSet,
    Partitioned,
    Pledged,
    ReceivableFrozen,
    RecourseDemanded,
    Redeemed,
    Refused,
    Registered,
    Released,
    Repurchased,
    RulesSet,
    Sold,
    Split,
)
from registry.domain.money import Sum, currency_to_show
from registry.domain.provenance import Step
from registry.domain.receivable import (
    MemberStatus,
    Parameter,
    RefusalReason,
    Registry,
    Role,
    Scope,
    Status,
    SuspensionReason,
    reason_name,
)
from registry.domain.rules import ONCE_CONFIRMED
from registry.store.queries.certificates import CertificateRow
from registry.store.queries.entries import ProvenanceRow, StoredEntryRow
from registry.store.queries.invoices import DuplicateAttemptRow, InvoiceRow
from registry.store.queries.journals import Standing
from registry.store.queries.members import MemberRow
from registry.store.queries.orders import FreezeRow, OrderReferenceRow
from registry.store.queries.receivables import ReceivableRow
from registry.terminal import safe

if TYPE_CHECKING:
    from registry.chain.operations import Order
    from registry.commands.demo import FileOutcome, Summary
    from registry.commands.demo_money import Closing
    from registry.commands.sending import Done
    from registry.mirror.reconcile import Report

Name = Callable[[Address], str]
"""How an address is shown: its handle, or the address where nobody is known by it."""


def money(minor: int, currency: int) -> Sum:
    """An amount with its currency. Whatever several add up to can be shown."""
    return Sum(minor, currency_to_show(currency))


def party(address: Address, name: Name) -> dict[str, str]:
    """Somebody, for programs."""
    return {"address": format_address(address), "handle": name(address)}


def roles(value: Role) -> str:
    """supplier, debtor, …"""
    return ", ".join((role.name or "").lower() for role in Role if role in value)


def done_document(done: Done) -> dict[str, Any]:
    """What is on chain. Of a batch the first entry stands for all; what is no entry (an approval) has none."""
    first = done.entries[0] if done.entries else None
    return {
        "operation": None if first is None else type(first).__name__,
        "receivable": format_receivable_id(first.journal_id) if first is not None and first.journal_id else None,
        "at": None if first is None else instant(first.time),
        "entries": len(done.entries),
        "transaction": "0x" + done.tx_hash.hex(),
        "block": done.block_number,
        "gas": done.gas,
    }


def receivable_document(row: ReceivableRow, *, name: Name, now: int, registry: Registry) -> dict[str, Any]:
    """A receivable for programs."""
    offer, lapses_at = row.offer, row.lapses_at(registry)
    return {
        "id": format_receivable_id(row.receivable_id),
        "phase": str(row.phase(now=now)),
        "face": money(row.face_minor, row.currency).to_json(),
        "due_date": day(row.due_at),
        "debtor": party(row.debtor, name),
        "originator": party(row.originator, name),
        "registered_at": instant(row.registered_at),
        "claim": {"face": money(row.claim_face_minor, row.currency).to_json(), "due_date": day(row.claim_due_at)},
        "offer": None
        if offer is None
        else {
            "face": money(offer.face, row.currency).to_json(),
            "due_date": day(offer.due),
            "at": instant(offer.at),
        },
        "lapses_at": None if lapses_at is None else instant(lapses_at),
        "answered_at": instant(row.answered_at) if row.answered_at else None,
        "refusal_reason": _refusal(row),
        "money": {
            "paid": money(row.paid_minor, row.currency).to_json(),
            "payable": money(row.payable_minor, row.currency).to_json(),
            "paid_out": money(row.claimed_minor, row.currency).to_json(),
            "credited": money(row.cancelled_minor, row.currency).to_json(),
            "disputed": money(row.disputed_minor, row.currency).to_json(),
            "dishonoured": row.dishonoured,
        },
        "fingerprint": row.fingerprint,
        "document_root": row.document_root,
        "journal": {"head": row.head, "length": row.length},
    }


RECEIVABLE_COLUMNS = (
    "id",
    "phase",
    "face",
    "face_currency",
    "due_date",
    "debtor_address",
    "debtor_handle",
    "originator_address",
    "originator_handle",
    "registered_at",
    "claim_face",
    "claim_due_date",
    "offer_face",
    "offer_due_date",
    "lapses_at",
    "answered_at",
    "refusal_reason",
    "money_paid",
    "money_payable",
    "money_paid_out",
    "money_credited",
    "money_disputed",
    "money_dishonoured",
    "fingerprint",
    "document_root",
    "journal_head",
    "journal_length",
)


def _refusal(row: ReceivableRow) -> str | None:
    """The reason of a refusal, by its code where it has no name."""
    if not row.refusal_reason:
        return None
    return reason_name(RefusalReason, row.refusal_reason) or f"reason {row.refusal_reason}"


def offered(row: ReceivableRow) -> str | None:
    """The debtor's counter-offer in words."""
    return None if row.offer is None else f"{money(row.offer.face, row.currency)}, due {day(row.offer.due)}"


def lapses(row: ReceivableRow, registry: Registry) -> str:
    """From when on a claim that waits for its answer can lapse."""
    lapses_at = row.lapses_at(registry)
    return "not during a pause" if lapses_at is None else instant(lapses_at)


def receivable_facts(
    row: ReceivableRow,
    invoice: InvoiceRow | None,
    freezes: Iterable[FreezeRow],
    standing: Standing,
    *,
    name: Name,
    now: int,
    registry: Registry,
) -> list[tuple[str, object]]:
    """A receivable for people."""
    pairs: list[tuple[str, object]] = [
        ("receivable", format_receivable_id(row.receivable_id)),
        ("phase", row.phase(now=now)),
        ("face", money(row.face_minor, row.currency)),
        ("due date", day(row.due_at)),
        ("debtor", name(row.debtor)),
        ("originator", name(row.originator)),
        ("registered", instant(row.registered_at)),
    ]
    if (row.claim_face_minor, row.claim_due_at) != (row.face_minor, row.due_at):
        pairs.append(("claimed", f"{money(row.claim_face_minor, row.currency)}, due {day(row.claim_due_at)}"))
    if row.offer is not None:
        pairs.append(("counter-offer", f"{offered(row)} ({instant(row.offer.at)})"))
    if row.status is Status.REGISTERED:
        pairs.append(("can lapse", lapses(row, registry)))
    else:
        pairs.append((_answered(row), _answer(row)))
    pairs += _money_facts(row)
    pairs += [
        (f"frozen until {instant(freeze.expiry_at)}", order(freeze))
        for freeze in freezes
        if freeze.scope is Scope.RECEIVABLE
    ]
    if invoice is not None:
        pairs.append(("invoice", f"{invoice.number} of {invoice.issue_date} ({invoice.file_name})"))
    pairs += [
        ("fingerprint", "0x" + row.fingerprint.hex()),
        ("document root", "0x" + row.document_root.hex()),
        ("journal head", f"0x{row.head.hex()} after {row.length} entries"),
        ("finality", f"{standing.finality}, set aside as last right" if standing.set_aside else standing.finality),
    ]
    return pairs


def _answered(row: ReceivableRow) -> str:
    """What the answer was, whatever became of what was confirmed."""
    return row.status.name.lower() if row.has_ended else Status.CONFIRMED.name.lower()


def _money_facts(row: ReceivableRow) -> list[tuple[str, object]]:
    """What was paid, credited and disputed: nothing while it is not confirmed."""
    if row.status not in ONCE_CONFIRMED:
        return []
    amounts = (
        ("credited", row.cancelled_minor),
        ("in dispute", row.disputed_minor),
        ("paid", row.paid_minor),
        ("paid out", row.claimed_minor),
        ("can be paid", row.payable_minor),
        ("not paid", row.lost_minor),
    )
    shown: list[tuple[str, object]] = [(what, money(minor, row.currency)) for what, minor in amounts if minor]
    return [*shown, ("dishonoured", "the debtor has not paid in time")] if row.dishonoured else shown


def without_certificates(row: ReceivableRow) -> str:
    """Why a receivable has none."""
    if row.status is Status.CLOSED:
        return "the book was closed, what came in was paid out"
    return "all are paid out" if row.redeemed_minor else "it is not confirmed"


def _answer(row: ReceivableRow) -> str:
    reason = _refusal(row)
    return instant(row.answered_at) + ("" if reason is None else f": {reason}")


def order(row: FreezeRow | OrderReferenceRow) -> str:
    """An order in words, or its hash where the words are not known here."""
    return "0x" + row.order_hash.hex() if row.authority is None else f"{row.authority}, {row.number}"


def hindrances(freezes: Iterable[FreezeRow]) -> Callable[[CertificateRow], list[FreezeRow]]:
    """Which of these orders keep a certificate from moving: those on itself, on its receivable, on its holder."""
    on: defaultdict[tuple[Scope, int, int, Address], list[FreezeRow]] = defaultdict(list)
    for freeze in freezes:
        on[freeze.scope, freeze.receivable_id, freeze.start_minor, freeze.member].append(freeze)

    def hindering(part: CertificateRow) -> list[FreezeRow]:
        things = (
            (Scope.CERTIFICATE, part.receivable_id, part.start_minor, b""),
            (Scope.RECEIVABLE, part.receivable_id, 0, b""),
            (Scope.MEMBER, 0, 0, part.holder),
        )
        return [freeze for thing in things for freeze in on.get(thing, ())]

    return hindering


def orders(rows: Iterable[FreezeRow]) -> str:
    """Several orders in words."""
    return "; ".join(map(order, rows))


def freeze_document(row: FreezeRow, *, name: Name, now: int) -> dict[str, Any]:
    """An order on a thing, for programs."""
    return {
        "order": row.order_hash,
        "authority": row.authority,
        "number": row.number,
        "scope": row.scope.name.lower(),
        "on": frozen_thing(row, name=name),
        "in_force": row.is_in_force(now=now),
        "since": instant(row.since_at),
        "expiry": instant(row.expiry_at),
        "officer": format_address(row.officer),
        "countersigner": format_address(row.countersigner),
    }


FREEZE_COLUMNS = (
    "order",
    "authority",
    "number",
    "scope",
    "on",
    "in_force",
    "since",
    "expiry",
    "officer",
    "countersigner",
)


def ordered(order: Order, row: ReceivableRow | None, *, name: Name) -> str:
    """What an operation of officers would do, in words."""
    values = order.values()
    match values:
        case {"receivable_id": number, "start": start, "end": end}:
            amount = "" if row is None else f" ({money(end - start, row.currency)})"
            what = f"{CertificateId(number, start, end)}{amount}"
        case {"receivable_id": number}:
            what = f"all of {format_receivable_id(number)}"
        case {"member": member}:
            what = f"all that {name(member)} holds"
    if "holder" in values:
        what += f", held by {name(values['holder'])},"
    match values:
        case {"cut": cut}:
            return f"cut {what} at {cut}"
        case {"expiry": expiry}:
            return f"freeze {what} until {instant(expiry)}"
        case {"receiver": receiver}:
            return f"hand {what} to {name(receiver)}"
        case _:
            return f"unfreeze {what}"


def frozen_thing(row: FreezeRow, *, name: Name) -> str:
    """What an order is on: a certificate, a receivable, or a member by its handle."""
    if row.scope is Scope.MEMBER:
        return name(row.member)
    return str(row.certificate_id or format_receivable_id(row.receivable_id))


def certificate_document(row: CertificateRow, *, name: Name, frozen: bool) -> dict[str, Any]:
    """A certificate for programs; `frozen` is whether an order in force keeps it from moving."""
    return {
        "id": str(CertificateId(row.receivable_id, row.start_minor, row.end_minor)),
        "amount": money(row.end_minor - row.start_minor, row.currency).to_json(),
        "holder": party(row.holder, name),
        "frozen": frozen,
        "lien": None
        if row.lien is None
        else {
            "financier": party(row.lien.financier, name),
            "secured": money(row.lien.secured, row.currency).to_json(),
        },
        "recourse": None
        if row.recourse is None
        else {
            "seller": party(row.recourse.seller, name),
            "amount": money(row.recourse.amount, row.currency).to_json(),
            "demanded": row.recourse.demanded,
        },
        "disputed": row.is_disputed,
        "paid_out": money(row.claimed_minor, row.currency).to_json(),
        "redeemable": money(row.payout().amount, row.currency).to_json(),
    }


def rights(row: CertificateRow, *, name: Name) -> str:
    """What lies on a certificate and what waits for it, in words."""
    found = []
    if row.lien is not None:
        found.append(f"pledged to {name(row.lien.financier)} for {money(row.lien.secured, row.currency)}")
    if row.recourse is not None:
        demanded = ", demanded" if row.recourse.demanded else ""
        found.append(
            f"recourse to {name(row.recourse.seller)} for {money(row.recourse.amount, row.currency)}{demanded}"
        )
    if row.is_disputed:
        found.append("in dispute")
    if row.claimed_minor:
        found.append(f"{money(row.claimed_minor, row.currency)} paid out")
    if redeemable := row.payout().amount:
        found.append(f"{money(redeemable, row.currency)} waiting")
    return "; ".join(found)


def people(row: CertificateRow) -> list[Address]:
    """Whom a certificate names."""
    named = [row.holder, row.debtor, row.originator]
    named += [] if row.lien is None else [row.lien.financier]
    return named + ([] if row.recourse is None else [row.recourse.seller])


def held_document(row: CertificateRow, *, name: Name, frozen: bool) -> dict[str, Any]:
    """A certificate with the terms that its holder looks at, for programs."""
    return {
        **certificate_document(row, name=name, frozen=frozen),
        "due_date": day(row.due_at),
        "debtor": party(row.debtor, name),
        "originator": party(row.originator, name),
    }


HELD_COLUMNS = (
    "id",
    "amount",
    "amount_currency",
    "holder_address",
    "holder_handle",
    "frozen",
    "lien_financier_address",
    "lien_financier_handle",
    "lien_secured",
    "recourse_seller_address",
    "recourse_seller_handle",
    "recourse_amount",
    "recourse_demanded",
    "disputed",
    "paid_out",
    "redeemable",
    "due_date",
    "debtor_address",
    "debtor_handle",
    "originator_address",
    "originator_handle",
)


def certificate_cells(row: CertificateRow, *, name: Name) -> tuple[object, ...]:
    """A certificate for a table: id, amount, holder."""
    identifier = CertificateId(row.receivable_id, row.start_minor, row.end_minor)
    return identifier, money(row.end_minor - row.start_minor, row.currency), name(row.holder)


def member_document(row: MemberRow, *, now: int, frozen: bool) -> dict[str, Any]:
    """A member for programs; `frozen` is whether an order in force is on it."""
    return {
        "address": format_address(row.address),
        "handle": row.handle,
        "name": row.name,
        "roles": [(role.name or "").lower() for role in Role if role in row.roles],
        "status": member_status(row, now=now),
        "frozen": frozen,
        "kyc_expiry": instant(row.kyc_expiry_at),
    }


MEMBER_COLUMNS = ("address", "handle", "name", "roles", "status", "frozen", "kyc_expiry")


def member_status(row: MemberRow, *, now: int) -> str:
    """active, suspended, or expired where the KYC has run out."""
    is_expired = row.status is MemberStatus.ACTIVE and not row.is_eligible(now=now)
    return "expired" if is_expired else row.status.name.lower()


def duplicate_document(row: DuplicateAttemptRow, *, name: Name) -> dict[str, Any]:
    """A second registration that was refused, for programs."""
    return {
        "attempt": row.attempt_id,
        "at": instant(int(row.attempted_at.timestamp())),
        "code": row.code,
        "receivable": format_receivable_id(row.receivable_id),
        "originator": party(row.originator, name),
        "file": row.file_name,
        "fingerprint": row.fingerprint,
    }


DUPLICATE_COLUMNS = (
    "attempt",
    "at",
    "code",
    "receivable",
    "originator_address",
    "originator_handle",
    "file",
    "fingerprint",
)


def step_document(row: ProvenanceRow, *, name: Name) -> dict[str, Any]:
    """One step of a provenance for programs."""
    step, stored = row.step, row.stored
    return {
        "position": step.position,
        "operation": type(step.entry).__name__,
        "at": instant(step.entry.time),
        "range": [step.start, step.end],
        "giver": name(step.giver) if step.giver else None,
        "holder": name(step.holder) if step.holder else None,
        "document": step.document,
        "order": step.order,
        "head": step.head,
        "transaction": stored.tx_hash,
        "block": stored.block_number,
        "log_index": stored.log_index,
    }


STEP_COLUMNS = (
    "position",
    "operation",
    "at",
    "range",
    "giver",
    "holder",
    "document",
    "order",
    "head",
    "transaction",
    "block",
    "log_index",
)


def provenance_tree(
    certificate: CertificateId,
    rows: list[ProvenanceRow],
    *,
    currency: int,
    name: Name,
    invoice: InvoiceRow | None,
    documents: Mapping[bytes, str],
    orders: Mapping[bytes, str],
) -> Tree:
    """The way of a certificate to its holder, oldest at the top, each hop below the one before."""
    whole = money(certificate.end - certificate.start, currency)
    root = Tree(f"[bold]{certificate}[/]  {whole}")
    branch = root
    for row in rows:
        step = row.step
        lines = [
            f"[bold]{type(step.entry).__name__}[/] {instant(step.entry.time)}  {safe(_what(step, currency, name))}"
        ]
        if isinstance(step.entry, Registered) and invoice is not None:
            lines.append(f"[dim]invoice {safe(invoice.number)} of {invoice.issue_date} ({safe(invoice.file_name)})[/]")
        if step.document is not None and any(step.document):
            known = documents.get(step.document)
            lines.append(f"[dim]document {safe(known) if known else '0x' + step.document.hex()}[/]")
        if step.order is not None:
            lines.append(f"[dim]order {safe(orders.get(step.order, '0x' + step.order.hex()))}[/]")
        lines.append(f"[dim]block {row.stored.block_number}, transaction 0x{row.stored.tx_hash.hex()}[/]")
        branch = branch.add("\n".join(lines))
    return root


def _what(step: Step, currency: int, name: Name) -> str:
    entry = step.entry
    amount = money(step.end - step.start, currency)
    match entry:
        case Registered():
            return f"{name(entry.originator)} claims {money(entry.face, currency)} from {name(entry.debtor)}"
        case Confirmed():
            return f"{name(entry.debtor)} promises to pay {money(entry.face, currency)}"
        case Refused():
            return f"{name(entry.debtor)} refuses"
        case CounterOffered():
            offer = money(entry.offered_face, currency)
            return f"{name(entry.debtor)} would confirm {offer}, due {day(entry.offered_due)}"
        case OfferAccepted():
            return f"{name(entry.originator)} accepts {money(entry.face, currency)}, due {day(entry.due)}"
        case Split() | Endorsed() | ForcedTransfer() if step.giver is not None and step.holder is not None:
            return f"{name(step.giver)} -> {name(step.holder)}: {amount}"
        case Split() | Endorsed() | ForcedTransfer() if step.holder is not None:
            return f"{name(step.holder)} keeps {amount}"
        case Split():  # the range had several holders after it: a merger came later
            return f"{name(entry.receiver)} gets {money(entry.end - entry.cut, currency)}"
        case Endorsed() | ForcedTransfer():
            return f"{name(entry.receiver)} gets {money(entry.end - entry.start, currency)}"
        case Merged() | Partitioned():
            return f"{name(step.holder)} has {amount} in one certificate" if step.holder is not None else ""
        case CertificateFrozen() | ReceivableFrozen():
            return f"until {instant(entry.expiry)}"
        case _:
            return _paid_or_owed(entry, currency, name)


def _paid_or_owed(entry: Entry, currency: int, name: Name) -> str:
    """What an entry about money says."""
    match entry:
        case Sold():
            sold, price = money(entry.end - entry.cut, currency), money(entry.price, currency)
            recourse = f", with recourse for {money(entry.recourse, currency)}" if entry.recourse else ""
            return f"{name(entry.financier)} buys {sold} for {price}{recourse}"
        case Pledged():
            lent = f" for {money(entry.price, currency)}" if entry.price else ""
            return f"{name(entry.financier)} gets a lien for {money(entry.secured, currency)}{lent}"
        case Released():
            return f"{name(entry.financier)} gives up its lien"
        case Paid():
            return f"{name(entry.payer)} pays {money(entry.amount, currency)}"
        case Redeemed():
            to_holder = money(entry.amount - entry.to_financier, currency)
            first = f", {money(entry.to_financier, currency)} before that to the lien" if entry.to_financier else ""
            return f"{to_holder} to {name(entry.holder)}{first}"
        case CreditNoted():
            return f"{money(entry.amount, currency)} are not owed"
        case Disputed():
            return f"{money(entry.cut - entry.start, currency)} in dispute"
        case RecourseDemanded():
            return f"{name(entry.seller)} is asked to take it back"
        case Repurchased():
            return f"{name(entry.seller)} takes it back for {money(entry.amount, currency)}"
        case _:
            return ""


EVENT_COLUMNS = ("position", "at", "operation", "what", "by", "order", "transaction", "block", "log_index")


def event_document(row: StoredEntryRow, *, name: Name) -> dict[str, Any]:
    """An entry of the registry's own journal for programs."""
    entry = row.decode()
    actors = (getattr(entry, who, None) for who in ("actor", "officer", "countersigner"))
    return {
        "position": row.position,
        "at": instant(entry.time),
        "operation": type(entry).__name__,
        "what": happened(entry, name),
        "by": [name(actor) for actor in actors if actor is not None],
        "order": getattr(entry, "order", None),
        "transaction": row.tx_hash,
        "block": row.block_number,
        "log_index": row.log_index,
    }


def happened(entry: Entry, name: Name) -> str:
    """An entry of the registry's own journal in words."""
    match entry:
        case MemberAdmitted():
            return f"{name(entry.member)}: {roles(Role(entry.roles))}, KYC until {day(entry.kyc_expiry)}"
        case MemberSuspended():
            reason = reason_name(SuspensionReason, entry.reason) or f"reason {entry.reason}"
            return f"{name(entry.member)}: {reason}"
        case MemberFrozen():
            return f"{name(entry.member)} until {instant(entry.expiry)}"
        case MemberUnfrozen():
            return name(entry.member)
        case ParameterSet():
            parameter = Parameter(entry.parameter).name.lower()
            return f"{parameter} is {entry.value} from {instant(entry.effective)} on"
        case RulesSet():
            return format_address(entry.rules)
        case DescriptorSet():
            return format_address(entry.descriptor)
        case DeskSet():
            return format_address(entry.desk)
        case DepositTokenSet():
            return f"{currency_to_show(entry.currency)}: {format_address(entry.token)}"
        case _:
            return ""


def file_document(outcome: FileOutcome) -> dict[str, Any]:
    """What became of an invoice file, for programs."""
    return {
        "file": outcome.file,
        "outcome": outcome.outcome,
        "code": outcome.code,
        "detail": outcome.detail,
        "receivable": format_receivable_id(outcome.receivable_id) if outcome.receivable_id else None,
        "amount": outcome.amount.to_json() if outcome.amount else None,
        "fingerprint": outcome.fingerprint,
        "due_date": str(outcome.due) if outcome.due else None,
        "due_agreed_because": outcome.due_agreed_because,
    }


def summary_document(summary: Summary, provenance: list[dict[str, Any]]) -> dict[str, Any]:
    """All that the demo did, for programs."""
    report = summary.report
    return {
        "files": [file_document(outcome) for outcome in summary.files],
        "counts": {
            kind: sum(outcome.outcome == kind for outcome in summary.files)
            for kind in ("registered", "earlier", "duplicate", "refused")
        },
        "admitted": summary.admitted,
        "confirmed": [format_receivable_id(receivable_id) for receivable_id in summary.confirmed],
        "pending": format_receivable_id(summary.pending) if summary.pending else None,
        "left_alone": summary.left_alone,
        "moves": summary.moves,
        "orders": summary.orders,
        "financed": summary.money.financed,
        "payments": summary.money.payments,
        "closing": None if summary.money.closing is None else closing_document(summary.money.closing),
        "cash": [
            {"holder": holder, "deposits": [money.to_json() for money in deposits]}
            for holder, deposits in summary.money.cash
        ],
        "forbidden": [
            {"attempt": tried.attempt, "code": tried.code, "detail": tried.detail} for tried in summary.forbidden
        ],
        "reconciliation": None
        if report is None
        else {
            "block": report.block_number,
            "compared": report.compared,
            "differences": [str(difference) for difference in report.differences],
        },
        "certificate": str(summary.traced) if summary.traced else None,
        "provenance": provenance,
    }


def closing_document(closing: Closing) -> dict[str, Any]:
    """Who has to get what of a receivable that was not paid to the end, for programs."""
    return {
        "receivable": format_receivable_id(closing.receivable_id),
        "paid": closing.paid.to_json(),
        "claims": [
            {
                "certificate": str(claim.certificate),
                "holder": claim.holder,
                "amount": claim.face.to_json(),
                "before": claim.before.to_json(),
                "after": claim.after.to_json(),
            }
            for claim in closing.claims
        ],
        "before": closing.total("before").to_json(),
        "after": closing.total("after").to_json(),
    }


CLOSING_COLUMNS = ("certificate", "holder", "amount ", "before ", "after ")


def closing_rows(closing: Closing) -> list[tuple[object, ...]]:
    """The same for people, with the sums last."""
    amount = Sum(sum(claim.face.minor for claim in closing.claims), closing.paid.currency)
    return [
        *((claim.certificate, claim.holder, claim.face, claim.before, claim.after) for claim in closing.claims),
        ("", "sum", amount, closing.total("before"), closing.total("after")),
    ]


CASH_COLUMNS = ("holder", "deposit ")


def cash_rows(cash: Iterable[tuple[str, Iterable[Sum]]]) -> list[tuple[object, ...]]:
    """What each has at the settlement bank, a row for each currency."""
    return [(holder, money) for holder, deposits in cash for money in deposits]


def outcome(report: Report) -> str:
    """What a reconciliation found, in one line."""
    differences = "1 difference" if report.count == 1 else f"{report.count} differences"
    return f"{differences} in {report.compared} values at block {report.block_number}"
