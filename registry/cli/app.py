"""All commands of `counterfoil`, put together; each noun has a module of its own."""

from __future__ import annotations

from importlib import metadata
from typing import Annotated

import typer

from registry.cli import (
    agreements,
    books,
    certificates,
    checking,
    debts,
    deposits,
    dev,
    documents,
    journals,
    lists,
    members,
    mirror,
    orders,
    output,
    oversight,
    payments,
    proofs,
    quotes,
    receivables,
    running,
    signatures,
    witnesses,
)

app = typer.Typer(
    no_args_is_help=True,
    pretty_exceptions_enable=False,
    add_completion=False,
)


def _version(asked: bool) -> None:  # noqa: FBT001  (what typer calls)
    if asked:
        output.console.print(f"counterfoil {metadata.version('counterfoil')}")
        raise typer.Exit


@app.callback()
def root(
    *,
    version: Annotated[
        bool, typer.Option("--version", callback=_version, is_eager=True, help="Say which version this is.")
    ] = False,
) -> None:
    """Counterfoil: confirmed receivables as certificates that split to the cent."""


for noun in (
    running,
    mirror,
    receivables,
    certificates,
    payments,
    agreements,
    quotes,
    deposits,
    lists,
    debts,
    signatures,
    orders,
    oversight,
    checking,
    books,
    journals,
    proofs,
    witnesses,
):
    app.add_typer(noun.app)
app.add_typer(members.app, name="member", rich_help_panel="Members")
app.add_typer(documents.app, name="invoice", rich_help_panel="Receivables")
app.add_typer(dev.app, name="dev", rich_help_panel="Running")
