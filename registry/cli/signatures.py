"""What others signed: submit it; what was signed: give it up."""

from __future__ import annotations

import functools
from pathlib import Path
from typing import Annotated

import typer

from registry.cli.common import Acting, Told, operation

app = typer.Typer()
command = functools.partial(app.command, rich_help_panel="Signatures")
nonces = typer.Typer(help="Signatures that were given away: give them up.", no_args_is_help=True)

SignedFile = Annotated[Path, typer.Argument(metavar="FILE", help="What --sign wrote.")]


@command()
@operation()
def relay(acting: Acting, file: SignedFile) -> Told:
    """Submit an operation that somebody signed: you pay for the transaction, the signer acts."""
    from registry.commands import signing
    from registry.domain.identifiers import format_address

    signed = signing.read_signed(file)
    done = signing.relay(acting.services, signer=acting.signer, signed=signed)
    signer = format_address(signed.by.signer)
    return Told(f"{signed.operation.function()} submitted for {signer}", done, {"signer": signer})


@nonces.command("cancel")
@operation()
def nonces_cancel(acting: Acting, file: SignedFile) -> Told:
    """Give up what you signed before anybody submits it: an operation, an order, an acceptance, a permit."""
    from registry.chain.deposits import SignedPermit
    from registry.commands import cancelling

    given = cancelling.read(file)
    if isinstance(given, SignedPermit):
        done = cancelling.cancel_permit(acting.services, signer=acting.signer, permitted=given)
    else:
        *_, done = cancelling.cancel(acting.services, signer=acting.signer, given=given)
    return Told(f"what {file} holds can no longer be submitted", done)


app.add_typer(nonces, name="nonces", rich_help_panel="Signatures")
