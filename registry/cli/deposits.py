"""Deposits at the settlement bank: what came in, what goes out, who may take of them."""

from __future__ import annotations

import functools
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from registry.cli import output
from registry.cli.common import Acting, JsonFlag, To, Told, operation
from registry.cli.output import named_refusals
from registry.cli.oversight import told_of_delayed
from registry.domain import money
from registry.domain.identifiers import format_address
from registry.settings import settings

if TYPE_CHECKING:
    from registry.domain.identifiers import Address
    from registry.domain.money import Currency, Money

app = typer.Typer()
deposit = typer.Typer(help="Deposits at the settlement bank.", no_args_is_help=True)
command = functools.partial(deposit.command)

AmountArgument = Annotated[str, typer.Argument(metavar="AMOUNT", help="E.g. 1250.00.")]
CurrencyArgument = Annotated[str, typer.Argument(metavar="CUR", help="Its currency, e.g. EUR.")]
Reference = Annotated[str, typer.Option(help="What the bank's books call it: it counts once.")]

SPENDERS = ("registry", "desk")


@command()
@operation(as_="settlement-bank")
def mint(acting: Acting, amount: AmountArgument, currency: CurrencyArgument, *, to: To, reference: Reference) -> Told:
    """Book money that came in for a member, as the settlement bank."""
    from registry.commands import deposits

    done, booked = deposits.mint(
        acting.services,
        signer=acting.signer,
        to=acting.account(to),
        amount=amount,
        currency=_currency(currency),
        reference=reference,
    )
    return Told(f"{booked} for {to}: {reference}", done, _about(booked))


@command()
@operation(as_="settlement-bank")
def burn(
    acting: Acting,
    amount: AmountArgument,
    currency: CurrencyArgument,
    *,
    from_: Annotated[str, typer.Option("--from", help="Who is paid out; it has allowed the bank to take so much.")],
    reference: Reference,
) -> Told:
    """Take deposits back, as the settlement bank, to pay them out in money once that is final."""
    from registry.commands import deposits

    done, booked = deposits.burn(
        acting.services,
        signer=acting.signer,
        giver=acting.account(from_),
        amount=amount,
        currency=_currency(currency),
        reference=reference,
    )
    return Told(f"{booked} paid out to {from_}: {reference}", done, _about(booked))


@command()
@operation()
def transfer(acting: Acting, amount: AmountArgument, currency: CurrencyArgument, *, to: To) -> Told:
    """Hand a deposit on to a member."""
    from registry.commands import deposits

    done, moved = deposits.transfer(
        acting.services, signer=acting.signer, to=acting.account(to), amount=amount, currency=_currency(currency)
    )
    return Told(f"{moved} went to {to}", done, _about(moved))


@command()
@operation(signable=True, taken="`deposit submit FILE` submits it")
def allow(
    acting: Acting,
    amount: AmountArgument,
    currency: CurrencyArgument,
    *,
    spender: Annotated[str, typer.Option(help="registry (payments), desk (quotes), or a handle or an address.")],
) -> Told:
    """Let somebody take so much of your deposit, in place of what it might take before; 0 ends that."""
    from registry.commands import deposits

    done, allowed = deposits.allow(
        acting.services,
        signer=acting.hand,
        spender=_spender(acting, spender),
        amount=amount,
        currency=_currency(currency),
    )
    return Told(f"{spender} may take {allowed} of {acting.name}'s deposit", done, _about(allowed))


@command()
@operation()
def submit(
    acting: Acting, file: Annotated[Path, typer.Argument(metavar="FILE", help="What `deposit allow --sign` wrote.")]
) -> Told:
    """Submit a permit that the owner of a deposit signed: you pay for the transaction."""
    from registry.commands import deposits

    permitted = deposits.read_permit(file)
    done = deposits.submit(acting.services, signer=acting.signer, permitted=permitted)
    owner = format_address(permitted.permit.owner)
    return Told(f"permit of {owner} submitted", done, {"owner": owner})


@command()
@operation(as_="operator")
def token(
    acting: Acting,
    currency: CurrencyArgument,
    address: Annotated[str, typer.Argument(metavar="ADDRESS", help="A deposit token made for this registry.")],
) -> Told:
    """Name the token of a currency, for good: once to schedule it, once more after the delay to carry it out."""
    from registry.commands import oversight

    done = oversight.set_deposit_token(
        acting.services, signer=acting.signer, currency=_currency(currency), token=acting.account(address)
    )
    return told_of_delayed(f"deposits in {_currency(currency)} are those of {address}", done)


@command()
@named_refusals
def balance(
    party: Annotated[
        str | None, typer.Argument(metavar="PARTY", help="Whose; without it, all deposits there are.")
    ] = None,
    *,
    json_output: JsonFlag = False,
) -> None:
    """What a party has in each currency, and what registry and desk may take of it."""
    from registry.commands import deposits
    from registry.commands.names import address_of
    from registry.commands.services import open_services

    with open_services(settings()) as services:
        if services.running is None:
            services.mirrored(services.node.head())
        if party is None:
            totals = deposits.totals(services)
            rows = [{"deposits": one.deposits, "in_registry": one.in_registry} for one in totals]
        else:
            found = deposits.balances(services, address_of(services, party))
            rows = [
                {"deposit": one.deposit, "registry_may_take": one.registry, "desk_may_take": one.desk} for one in found
            ]
    if json_output:
        output.document([{name: amount.to_json() for name, amount in row.items()} for row in rows])
        return
    names = list(rows[0]) if rows else []
    output.console.print(
        output.table(
            [f"{name.replace('_', ' ')} " for name in names],
            (list(row.values()) for row in rows),
            nothing="no currency has deposits here",
        )
    )


def _currency(code: str) -> Currency:
    """Raises UnknownCurrency."""
    return money.currency(code.strip().upper())


def _spender(acting: Acting, name: str) -> Address:
    from registry.commands import deposits

    match name.strip():
        case "registry":
            return acting.services.deployment.receivables
        case "desk":
            return deposits.desk_of(acting.services)
        case _:
            return acting.account(name)


def _about(amount: Money) -> dict[str, Any]:
    return {"amount": amount.to_json()}


app.add_typer(deposit, name="deposit", rich_help_panel="Money")
