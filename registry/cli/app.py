"""All commands of `counterfoil`, put together; each noun has a module of its own."""

from __future__ import annotations

import typer

from registry.cli import books, certificates, members, receivables, running

app = typer.Typer(
    help="Counterfoil: confirmed receivables as certificates that split to the cent.",
    no_args_is_help=True,
    pretty_exceptions_enable=False,
    add_completion=False,
)
for noun in (running, receivables, certificates, books):
    app.add_typer(noun.app)
app.add_typer(members.app, name="member", rich_help_panel="Members")
