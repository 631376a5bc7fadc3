"""Receivables: register a claim, answer it, end it."""

from __future__ import annotations

import functools
from datetime import date, datetime
from enum import StrEnum
from pathlib import Path
from typing import Annotated

import typer

from registry.cli.common import Acting, ReceivableArgument, Told, Would, operation
from registry.cli.documents import StrictFlag, tell_warnings, warnings_document
from registry.domain.calendar import day
from registry.domain.identifiers import CertificateId, format_receivable_id, parse_receivable_id
from registry.domain.money import Money, currency_to_show
from registry.domain.receivable import RefusalReason

app = typer.Typer()
command = functools.partial(app.command, rich_help_panel="Receivables")

AmountOption = Annotated[str | None, typer.Option("--amount", metavar="900.00", help="The amount offered.")]
DueOption = Annotated[datetime | None, typer.Option("--due", formats=["%Y-%m-%d"], help="The due date offered.")]


class RefusalReasonName(StrEnum):
    """Why a debtor refuses."""

    NOT_OURS = "not_ours"
    NOT_DELIVERED = "not_delivered"
    WRONG_AMOUNT = "wrong_amount"
    WRONG_DUE_DATE = "wrong_due_date"
    ALREADY_PAID = "already_paid"
    OTHER = "other"


@command()
@operation(signable=True)
def register(
    acting: Acting,
    file: Annotated[Path, typer.Argument(metavar="FILE", help="Invoice: UBL 2.1 or CII, or a PDF that carries one.")],
    *,
    due: Annotated[datetime | None, typer.Option(formats=["%Y-%m-%d"], help="Due date agreed with the debtor.")] = None,
    attach: Annotated[
        list[Path] | None,
        typer.Option(
            metavar="FILE", help="Evidence of delivery; its name and hash go into the root. Repeat for several."
        ),
    ] = None,
    strict: StrictFlag = False,
) -> Told | Would:
    """Register an invoice as a receivable; its buyer then confirms or refuses."""
    from registry.commands import claims

    agreed = _date(due)
    if acting.dry_run:
        originator = acting.account(acting.name)
        prepared = claims.prepare(
            acting.services, file, originator=originator, due=agreed, attach=attach or [], strict=strict
        )
        due_date = claims.due_day(prepared.claim.due)
        tell_warnings(prepared.warnings)
        return Would(
            f"would register invoice {prepared.invoice.number}: {prepared.money} from "
            f"{prepared.invoice.buyer.name}, due {due_date}",
            prepared.gas,
            {
                "invoice": prepared.invoice.number,
                "face": prepared.money.to_json(),
                "debtor": prepared.invoice.buyer.name,
                "due_date": str(due_date),
                "fingerprint": prepared.claim.fingerprint,
                "warnings": warnings_document(prepared.warnings),
            },
        )
    done, prepared = claims.register(
        acting.services, file, signer=acting.hand, due=agreed, attach=attach or [], strict=strict
    )
    tell_warnings(prepared.warnings)
    return Told(
        f"{format_receivable_id(done.entry.journal_id)} registered: {prepared.money} from "
        f"{prepared.invoice.buyer.name}, due {claims.due_day(prepared.claim.due)}",
        done,
        {"warnings": warnings_document(prepared.warnings)},
    )


@command()
@operation(signable=True)
def confirm(
    acting: Acting,
    receivable: ReceivableArgument,
    *,
    invoice: Annotated[
        Path | None, typer.Option(help="The debtor's own copy: confirm only if it is the invoice that was registered.")
    ] = None,
    due: Annotated[datetime | None, typer.Option(formats=["%Y-%m-%d"], help="Confirm only with this due date.")] = None,
) -> Told:
    """Confirm a receivable: an irrevocable promise to pay it on its due date."""
    from registry.commands import claims

    receivable_id = parse_receivable_id(receivable)
    done = claims.confirm(
        acting.services,
        signer=acting.hand,
        receivable_id=receivable_id,
        invoice=invoice,
        due=_date(due),
    )
    whole = CertificateId(receivable_id, *done.entry.range)
    return Told(
        f"{format_receivable_id(receivable_id)} confirmed: certificate {whole}", done, {"certificate": str(whole)}
    )


@command()
@operation(signable=True)
def refuse(
    acting: Acting,
    receivable: ReceivableArgument,
    *,
    reason: Annotated[RefusalReasonName, typer.Option(help="Why.")] = RefusalReasonName.OTHER,
) -> Told:
    """Refuse a receivable; the invoice may then be registered again."""
    from registry.commands import claims

    receivable_id = parse_receivable_id(receivable)
    done = claims.refuse(
        acting.services, signer=acting.hand, receivable_id=receivable_id, reason=RefusalReason[reason.name]
    )
    return Told(f"{format_receivable_id(receivable_id)} refused: {reason}", done)


@command()
@operation(signable=True)
def withdraw(acting: Acting, receivable: ReceivableArgument) -> Told:
    """Take a claim back before it is answered, as its originator; the invoice may then be registered again."""
    from registry.commands import claims

    receivable_id = parse_receivable_id(receivable)
    done = claims.withdraw(acting.services, signer=acting.hand, receivable_id=receivable_id)
    return Told(f"{format_receivable_id(receivable_id)} withdrawn", done)


@command()
@operation()
def lapse(acting: Acting, receivable: ReceivableArgument) -> Told:
    """End a claim that nobody answered within the answer window; anyone may."""
    from registry.commands import claims

    receivable_id = parse_receivable_id(receivable)
    done = claims.lapse(acting.services, signer=acting.signer, receivable_id=receivable_id)
    return Told(f"{format_receivable_id(receivable_id)} lapsed", done)


@command("counter-offer")
@operation(signable=True)
def counter_offer(
    acting: Acting, receivable: ReceivableArgument, *, amount: AmountOption = None, due: DueOption = None
) -> Told:
    """Offer to confirm a lower amount, another due date, or both; the claim keeps its answer window."""
    from registry.commands import claims

    receivable_id = parse_receivable_id(receivable)
    done, offer = claims.counter_offer(
        acting.services, signer=acting.hand, receivable_id=receivable_id, amount=amount, due=_date(due)
    )
    record = acting.services.view.records([receivable_id])[receivable_id]
    offered = Money(offer.face, currency_to_show(record.currency))
    return Told(
        f"{offered}, due {day(offer.due)}, offered for {format_receivable_id(receivable_id)}; "
        "the originator accepts with accept-offer",
        done,
        {"offer": {"face": offered.to_json(), "due_date": day(offer.due)}},
    )


@command("accept-offer")
@operation(signable=True)
def accept_offer(
    acting: Acting,
    receivable: ReceivableArgument,
    *,
    amount: Annotated[
        str | None, typer.Option("--amount", metavar="900.00", help="Accept only if this amount is offered.")
    ] = None,
    due: Annotated[
        datetime | None, typer.Option("--due", formats=["%Y-%m-%d"], help="Accept only if this due date is offered.")
    ] = None,
) -> Told:
    """Accept the debtor's last counter-offer, as the originator: the receivable is confirmed with its terms."""
    from registry.commands import claims

    receivable_id = parse_receivable_id(receivable)
    done = claims.accept_offer(
        acting.services, signer=acting.hand, receivable_id=receivable_id, amount=amount, due=_date(due)
    )
    whole = CertificateId(receivable_id, *done.entry.range)
    return Told(
        f"{format_receivable_id(receivable_id)} confirmed as offered: certificate {whole}",
        done,
        {"certificate": str(whole)},
    )


def _date(typed: datetime | None) -> date | None:
    return None if typed is None else typed.date()
