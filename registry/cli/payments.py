"""Payments and what they bring; pledges, and what may come of a debt."""

from __future__ import annotations

import functools
from typing import TYPE_CHECKING, Annotated

import typer

from registry.cli.common import Acting, CertificateArgument, ReceivableArgument, Told, names, operation
from registry.cli.oversight import told_of_delayed
from registry.domain.identifiers import (
    CertificateId,
    IdMalformed,
    format_receivable_id,
    parse_certificate_id,
    parse_receivable_id,
)
from registry.domain.journal import Repurchased

if TYPE_CHECKING:
    from typing import Any

    from registry.commands.payments import Clearing
    from registry.domain.identifiers import Address
    from registry.domain.money import Sum

app = typer.Typer()
command = functools.partial(app.command, rich_help_panel="Money")
recourse = typer.Typer(
    help="Certificates that were sold with recourse: list, demand, repurchase.", no_args_is_help=True
)


# --------------------------------------------------------------------- pledges


@command()
@operation(signable=True)
def pledge(
    acting: Acting,
    certificate: CertificateArgument,
    *,
    to: Annotated[str, typer.Option("--to", help="The financier: a handle or an address.")],
    secured: Annotated[str, typer.Option(metavar="AMOUNT", help="What it is paid first of the certificate.")],
) -> Told:
    """Pledge a whole certificate: it does not move until the financier releases it, or the debtor pays."""
    from registry.commands import pledges

    whole = parse_certificate_id(certificate)
    done, amount = pledges.pledge(
        acting.services, signer=acting.hand, certificate=whole, financier=acting.account(to), secured=secured
    )
    return Told(f"{whole} is pledged to {to} for {amount}", done, {"secured": amount.to_json()})


@command()
@operation(signable=True)
def release(acting: Acting, certificate: CertificateArgument) -> Told:
    """Give up a lien, as its financier."""
    from registry.commands import pledges

    whole = parse_certificate_id(certificate)
    done = pledges.release(acting.services, signer=acting.hand, certificate=whole)
    return Told(f"{whole} is no longer pledged", done)


# -------------------------------------------------------- payment and clearing


@command()
@operation(signable=True)
def pay(
    acting: Acting,
    receivable: ReceivableArgument,
    amount: Annotated[str | None, typer.Argument(metavar="AMOUNT", help="Without it all that can be paid now.")] = None,
    *,
    no_redeem: Annotated[
        bool, typer.Option("--no-redeem", help="Leave paying the certificates out to others.")
    ] = False,
) -> Told:
    """Pay a receivable of your deposit, and pay its certificates out."""
    from registry.commands import payments

    receivable_id = parse_receivable_id(receivable)
    payment = payments.pay(
        acting.services, signer=acting.hand, receivable_id=receivable_id, amount=amount, redeem=not no_redeem
    )
    about, lines = _cleared(acting, payment.clearing)
    about = {"amount": payment.amount.to_json(), **about}
    if payment.allowed is not None:
        about["allowance"] = payment.allowed.tx_hash
        lines.insert(0, "the registry was allowed to take just that first")
    sentence = f"{payment.amount} of {format_receivable_id(receivable_id)} paid"
    return Told(sentence, payment.clearing.done[0], about, lines)


@command()
@operation()
def redeem(
    acting: Acting,
    what: Annotated[
        list[str], typer.Argument(metavar="R-1/0-5000… or R-1", help="Certificates, or all of a receivable.")
    ],
    *,
    batch: Annotated[
        int | None, typer.Option(min=1, help="Certificates in one transaction; else as many as a quarter block takes.")
    ] = None,
) -> Told:
    """Pay certificates out of what was paid; anyone may."""
    from registry.commands import payments

    named = _named(what)
    if isinstance(named, int):
        clearing = payments.redeem_all(acting.services, signer=acting.signer, receivable_id=named, batch=batch)
    else:
        clearing = payments.redeem(acting.services, signer=acting.signer, certificates=named, batch=batch)
    about, lines = _cleared(acting, clearing)
    count = len(clearing.paid_out)
    return Told(f"{count} certificate{'' if count == 1 else 's'} paid out", clearing.done[-1], about, lines)


def _named(what: list[str]) -> int | list[CertificateId]:
    """One receivable, or certificates. Raises IdMalformed."""
    if len(what) == 1:
        try:
            return parse_receivable_id(what[0])
        except IdMalformed:
            pass  # then it is a certificate, or malformed as one
    return [parse_certificate_id(one) for one in what]


def _cleared(acting: Acting, clearing: Clearing) -> tuple[dict[str, Any], list[str]]:
    """Who got what and what was passed over: for programs, and for people."""
    from registry.cli import money_views

    records = acting.services.view.records({one.certificate.receivable_id for one in clearing.paid_out})
    with acting.services.database.snapshot() as connection:
        name = names(connection, [address for one in clearing.paid_out for address in (one.holder, one.financier)])
    paid_out = [(one, records[one.certificate.receivable_id].currency) for one in clearing.paid_out]
    skipped = clearing.skipped.items()
    document = {
        "paid_out": [money_views.paid_out_document(one, name=name, currency=currency) for one, currency in paid_out],
        "skipped": [money_views.skipped_document(*key, refusal) for key, refusal in skipped],
        "transactions": [one.tx_hash for one in clearing.done],
    }
    lines = [money_views.paid_out_line(one, name=name, currency=currency) for one, currency in paid_out]
    return document, lines + [money_views.skipped_line(*key, refusal) for key, refusal in skipped]


# ------------------------------------------------------------ what is overdue


@command()
@operation()
def dishonour(acting: Acting, receivable: ReceivableArgument) -> Told:
    """Report that a debtor has not paid in time: until it pays it registers and confirms nothing. Anyone may."""
    from registry.commands import overdue

    receivable_id = parse_receivable_id(receivable)
    done = overdue.dishonour(acting.services, signer=acting.signer, receivable_id=receivable_id)
    return Told(f"{format_receivable_id(receivable_id)} is marked as dishonoured", done)


@command()
@operation(as_="settlement-bank")
def close(acting: Acting, receivable: ReceivableArgument) -> Told:
    """End an overdue book, as the settlement bank: once to schedule it, once more after the delay to carry it out."""
    from registry.commands import overdue

    receivable_id = parse_receivable_id(receivable)
    done = overdue.close(acting.services, signer=acting.signer, receivable_id=receivable_id)
    name = format_receivable_id(receivable_id)
    return told_of_delayed(f"{name} is closed: no payment comes any more", done, to_come=f"{name} will be closed")


@command()
@operation(as_="settlement-bank")
def absolve(acting: Acting, receivable: ReceivableArgument) -> Told:
    """Lift the mark of a closed receivable that was made good: once to schedule it, once more after the delay."""
    from registry.commands import overdue

    receivable_id = parse_receivable_id(receivable)
    done = overdue.absolve(acting.services, signer=acting.signer, receivable_id=receivable_id)
    name = format_receivable_id(receivable_id)
    return told_of_delayed(
        f"{name} no longer bears the mark of dishonour", done, to_come=f"the mark of {name} will be lifted"
    )


@recourse.command()
@operation(signable=True)
def demand(acting: Acting, certificate: CertificateArgument) -> Told:
    """Ask the seller to take an overdue certificate back, as its holder."""
    from registry.commands import overdue

    whole = parse_certificate_id(certificate)
    key = (whole.receivable_id, whole.start)
    rights = acting.services.view.rights([key])[key]
    done = overdue.demand_recourse(acting.services, signer=acting.hand, certificate=whole)
    assert rights.recourse is not None  # else it was refused
    name, owed = _named_money(acting, whole, rights.recourse.seller, rights.recourse.amount - rights.claimed)
    return Told(f"{name} is asked to take {whole} back for {owed}", done, {"amount": owed.to_json()})


@recourse.command()
@operation(signable=True)
def repurchase(acting: Acting, certificate: CertificateArgument) -> Told:
    """Take a certificate back on demand, as its seller, of deposits that the registry may take."""
    from registry.commands import overdue

    whole = parse_certificate_id(certificate)
    key = (whole.receivable_id, whole.start)
    holder = acting.services.view.certificates([key])[key].holder
    done = overdue.repurchase(acting.services, signer=acting.hand, certificate=whole)
    entry = done.entry
    assert isinstance(entry, Repurchased)
    name, paid = _named_money(acting, whole, holder, entry.amount)
    return Told(f"{whole} is {acting.name}'s again: {paid} went to {name}", done, {"amount": paid.to_json()})


def _named_money(acting: Acting, certificate: CertificateId, party: Address, minor: int) -> tuple[str, Sum]:
    """The name of a party, and an amount in the money of the certificate's receivable."""
    from registry.cli import views

    number = certificate.receivable_id
    with acting.services.database.snapshot() as connection:
        name = names(connection, [party])(party)
    return name, views.money(minor, acting.services.view.records([number])[number].currency)


app.add_typer(recourse, name="recourse", rich_help_panel="Money")
