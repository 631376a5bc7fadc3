"""The books: fold them anew, compare them with the chain, look into them."""

from __future__ import annotations

import functools
import os
import subprocess
from typing import TYPE_CHECKING, Annotated, Any

import typer

from registry.cli import output
from registry.cli.common import JsonFlag, progress
from registry.cli.output import EXIT_REFUSED, named_refusals
from registry.settings import settings
from registry.terminal import safe

if TYPE_CHECKING:
    from registry.commands.services import Services
    from registry.mirror.reconcile import Report

app = typer.Typer()
command = functools.partial(app.command, rich_help_panel="Books")


@command()
@named_refusals
def rebuild(
    *,
    from_chain: Annotated[
        bool, typer.Option("--from-chain", help="Forget the stored log too and fetch everything from the chain.")
    ] = False,
    json_output: JsonFlag = False,
) -> None:
    """Fold the projections anew from the stored log, compare the digests, then every field with the chain."""
    from registry.commands.home import database_only
    from registry.commands.services import open_services
    from registry.mirror import rebuild as rebuilding

    if from_chain:
        with open_services(settings()) as services:
            before = _digest(services)
            rebuilding.forget(services.database)
            services.mirrored(services.node.head())
            after = _digest(services)
        found: dict[str, Any] = {"digest_before": before, "digest_after": after, "same": before == after}
    else:
        with database_only(settings()) as database, progress("entries replayed", quiet=json_output) as advance:
            rebuilt = rebuilding.rebuild(database, progress=lambda entries: advance(entries, None))
        found = {
            "journals": rebuilt.journals,
            "entries": rebuilt.entries,
            "digest_before": rebuilt.before,
            "digest_after": rebuilt.after,
            "same": rebuilt.before == rebuilt.after,
        }
    # What an earlier comparison found was of the tables that are gone: the verdict that stands is one of these.
    with open_services(settings()) as services:
        report = _compare(services, deep=True, quiet=json_output)
    if json_output:
        output.document(found | {"difference_count": report.count})
    else:
        output.facts((name.replace("_", " "), value) for name, value in found.items())
        if not found["same"]:
            output.note("[yellow]the projections had been changed by hand; now they are what the log says[/]")
        _show(report)
    if report.count:
        raise typer.Exit(EXIT_REFUSED)


@command()
@named_refusals
def reconcile(
    *,
    deep: Annotated[bool, typer.Option("--deep", help="Every field, not only the heads.")] = False,
    json_output: JsonFlag = False,
) -> None:
    """Compare SQL with the chain at one block; exit code 1 if anything differs."""
    from registry.commands.services import open_services

    with open_services(settings()) as services:
        if services.running is None:
            services.catch_up()
        report = _compare(services, deep=deep, quiet=json_output)
    if json_output:
        output.document(
            {
                "block": report.block_number,
                "block_hash": report.block_hash,
                "deep": report.deep,
                "compared": report.compared,
                "differences": [
                    {
                        "table": difference.table,
                        "row": difference.row,
                        "field": difference.field,
                        "expected": difference.expected,
                        "found": difference.found,
                    }
                    for difference in report.differences
                ],
                "difference_count": report.count,
            }
        )
    else:
        _show(report)
    if report.count:
        raise typer.Exit(EXIT_REFUSED)


@command(context_settings={"ignore_unknown_options": True, "allow_extra_args": True})
@named_refusals
def psql(context: typer.Context) -> None:
    """Open psql on the registry's database; further words go to psql, e.g. `counterfoil psql -c 'TABLE cursor'`."""
    from registry.commands.home import database_only
    from registry.store.embedded import psql_command

    with database_only(settings()) as database:
        argv, environment = psql_command(database.url)
        done = subprocess.run([*argv, *context.args], env={**os.environ, **environment}, check=False)
    raise typer.Exit(done.returncode)


def _compare(services: Services, *, deep: bool, quiet: bool) -> Report:
    from registry.mirror.reconcile import reconcile as compare

    contract = services.deployment.receivables
    with progress("receivables compared", quiet=quiet) as advance:
        return compare(services.database, services.node, contract=contract, deep=deep, progress=advance)


def _show(report: Report) -> None:
    from registry.cli import views

    for difference in report.differences:
        output.console.print(f"[red]{safe(difference)}[/]")
    output.console.print(views.outcome(report))


def _digest(services: Services) -> str:
    from registry.mirror.rebuild import digest

    with services.database.bulk() as connection:
        return digest(connection)
