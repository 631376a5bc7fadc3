"""Journals: the registry's own as a timeline, any of them as JSON lines."""

from __future__ import annotations

import functools
from typing import Annotated

import typer

from registry.cli import output
from registry.cli.common import (
    Asking,
    Limit,
    Listing,
    ReceivableArgument,
    asking,
    first,
    listing,
    names,
)
from registry.cli.files import STDOUT, writing
from registry.cli.output import named_refusals
from registry.domain.identifiers import parse_receivable_id
from registry.domain.journal import REGISTRY_JOURNAL
from registry.terminal import safe

app = typer.Typer()
command = functools.partial(app.command, rich_help_panel="Books")


@command()
@listing
def timeline(
    asking: Asking,
    *,
    after: Annotated[int, typer.Option(help="Only what follows this position.", min=0)] = 0,
    limit: Limit = None,
) -> Listing:
    """What happened to the registry itself (its journal R-0): members, orders on them, pauses, parameters."""
    from registry.cli import views
    from registry.store.queries import entries
    from registry.store.queries.pages import every

    rows, more = first(
        limit, every(lambda key: entries.entries(asking.snapshot, REGISTRY_JOURNAL, after=key), after=after)
    )
    named = ("member", "actor", "officer", "countersigner")
    decoded = [row.decode() for row in rows]
    name = names(asking.snapshot, (getattr(entry, who, None) for entry in decoded for who in named))
    documents = [views.event_document(row, name=name) for row in rows]
    return Listing(
        documents,
        views.EVENT_COLUMNS,
        lambda: output.table(
            ["position ", "at", "operation", "what", "by"],
            ((one["position"], one["at"], one["operation"], one["what"], ", ".join(one["by"])) for one in documents),
            nothing="nothing after that",
        ),
        following=rows[-1].position if more else None,
    )


@command()
@named_refusals
def export(
    journal: ReceivableArgument,
    *,
    target: Annotated[str, typer.Option("-o", "--output", metavar="FILE", help="Where it goes; - prints it.")] = STDOUT,
) -> None:
    """A journal as JSON lines, R-0 too: everything that its head on chain is made of."""
    from registry.commands import journals

    journal_id = parse_receivable_id(journal)
    entries = -1  # the first line is none
    with writing(target) as write, asking() as registry:
        for line in journals.export(registry.snapshot, journal_id):
            write(output.as_json(line) + "\n")
            entries += 1
    if target != STDOUT:
        output.note(safe(f"{entries} entries in {target}"))
