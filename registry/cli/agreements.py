"""What originator and debtor agree about: credit notes, disputes and their end."""

from __future__ import annotations

import functools
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from registry.cli import output
from registry.cli.common import VALID_DAYS_DEFAULT, Acting, CertificateArgument, ReceivableArgument, Told, operation
from registry.domain.identifiers import parse_certificate_id, parse_receivable_id
from registry.terminal import safe

if TYPE_CHECKING:
    from registry.chain.operations import Agreement, Operation

app = typer.Typer()
command = functools.partial(app.command, rich_help_panel="Money")

AGREED = "the other party carries it out with `counterfoil agree FILE`"

AmountArgument = Annotated[str, typer.Argument(metavar="AMOUNT", help="E.g. 1250.00.")]
With = Annotated[
    str | None,
    typer.Option("--with", metavar="PARTY", help="The other party, if its key is here; else --sign a file for it."),
]


@command("credit-note")
@operation(signable=True, taken=AGREED)
def credit_note(
    acting: Acting, certificate: CertificateArgument, amount: AmountArgument, *, with_: With = None
) -> Told:
    """Take an amount off the front certificate, as originator and debtor agree: goods that went back, a discount."""
    from registry.commands import agreements

    _require_other(acting, with_)
    return _agree(acting, agreements.credit_note(acting.services, parse_certificate_id(certificate), amount), with_)


@command()
@operation(signable=True, taken=AGREED)
def dispute(acting: Acting, certificate: CertificateArgument, amount: AmountArgument, *, with_: With = None) -> Told:
    """Put an amount of the front certificate in dispute, as originator and debtor agree: the rest is paid in time."""
    from registry.commands import agreements

    _require_other(acting, with_)
    return _agree(acting, agreements.dispute(acting.services, parse_certificate_id(certificate), amount), with_)


@command()
@operation(signable=True, taken=AGREED)
def resolve(acting: Acting, receivable: ReceivableArgument, *, with_: With = None) -> Told:
    """End a dispute, as originator and debtor agree: what of it was not credited is owed."""
    from registry.commands import agreements

    _require_other(acting, with_)
    return _agree(acting, agreements.resolve(parse_receivable_id(receivable)), with_)


@command()
@operation(signable=True)
def agree(
    acting: Acting, file: Annotated[Path, typer.Argument(metavar="FILE", help="What the other party signed.")]
) -> Told:
    """Carry out what the other party signed: told, checked, then sent; --sign lets anybody else send it."""
    from registry.commands import agreements

    agreed = agreements.read_agreed(file)
    told = _told(acting, agreed.operation)
    output.note(safe(told))
    return Told(told, agreements.carry_out(acting.services, signer=acting.hand, agreed=agreed))


def _require_other(acting: Acting, with_: str | None) -> None:
    """One signs for the other party, or both keys are here."""
    if acting.is_signing is (with_ is not None) and not (acting.dry_run and with_ is None):
        raise typer.BadParameter("--sign a file for the other party, or name it --with its key here")


def _agree(acting: Acting, agreement: Agreement, with_: str | None) -> Told:
    from registry.commands import accounts, agreements
    from registry.commands.sending import Pen, Signed

    services, deadline = acting.services, acting.deadline(VALID_DAYS_DEFAULT)
    if with_ is None:
        pen = acting.hand if isinstance(acting.hand, Pen) else Pen(acting.signer, deadline)
        raise Signed(agreements.sign(services, pen, agreement))
    second = Pen(accounts.signer_of(services, with_), deadline)
    done = agreements.agree(services, signer=acting.signer, second=second, agreement=agreement)
    return Told(_told(acting, agreement), done)


def _told(acting: Acting, agreement: Operation) -> str:
    """What is agreed, in words."""
    from registry.cli import money_views
    from registry.commands.certificates import currency_of

    receivable_id: int = agreement.values()["receivable_id"]
    return money_views.agreement(agreement, currency=currency_of(acting.services, receivable_id))
