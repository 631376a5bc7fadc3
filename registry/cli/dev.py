"""What only the dev chain can do."""

from __future__ import annotations

from typing import Annotated

import typer

from registry.cli import output
from registry.cli.common import JsonFlag
from registry.cli.output import named_refusals
from registry.domain.calendar import instant
from registry.domain.receivable import DAY_SECONDS
from registry.settings import settings

app = typer.Typer(help="The dev chain: let time pass.", no_args_is_help=True)

HOUR_SECONDS = 3_600


@app.callback()
def dev() -> None:
    """The dev chain: let time pass."""


@app.command()
@named_refusals
def advance(
    *,
    days: Annotated[int, typer.Option(help="Days that pass.", min=0, max=36_500)] = 0,
    hours: Annotated[int, typer.Option(help="Hours that pass.", min=0, max=24)] = 0,
    json_output: JsonFlag = False,
) -> None:
    """Let time pass, for due dates, answer windows and delays."""
    from registry.chain.devchain import advance_time
    from registry.commands.services import open_services

    seconds = days * DAY_SECONDS + hours * HOUR_SECONDS
    if not seconds:
        raise typer.BadParameter("say how much: --days or --hours")
    with open_services(settings()) as services:
        now = advance_time(services.node, seconds=seconds)
        services.mirrored(services.node.head())
    if json_output:
        output.document({"now": instant(now)})
    else:
        output.console.print(f"it is {instant(now)} on the dev chain")
