"""Proofs: make one of a certificate, check one that somebody handed over, export the program that does."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from registry.cli import output
from registry.cli.common import As, CertificateArgument, JsonFlag
from registry.cli.files import STDOUT, write_file
from registry.cli.output import named_refusals
from registry.domain.identifiers import format_address, parse_certificate_id
from registry.settings import settings

PANEL = "Proofs"

app = typer.Typer()
command = app.command


@command(rich_help_panel=PANEL)
@named_refusals
def prove(
    certificate: CertificateArgument,
    *,
    output_file: Annotated[str, typer.Option("--output", "-o", metavar="FILE", help="Where to; - prints it.")],
    block: Annotated[int | None, typer.Option(help="At this block; else at the mirror's.")] = None,
    redact: Annotated[
        bool, typer.Option("--redact", help="Seal the entries that do not bear on this certificate.")
    ] = False,
    open_fields: Annotated[
        str, typer.Option("--open", metavar="FIELDS", help="Fields of the invoice to show, e.g. number,payable.")
    ] = "",
) -> None:
    """Make a proof of a certificate that anyone can check against a block header, without this registry."""
    from registry.commands.services import open_services
    from registry.verification.make import Wanted, gather, make

    wanted = Wanted(
        parse_certificate_id(certificate),
        block=block,
        redact=redact,
        open=_names(open_fields),
    )
    with open_services(settings()) as services:
        services.catch_up()
        with services.database.snapshot() as connection:
            gathered = gather(connection, wanted)
        made = make(services.node, gathered)
    write_file(made, output_file)
    if output_file != STDOUT:
        output.note(f"{output_file}: {len(made):,} bytes, {len(gathered.entries)} entries, at block {gathered.block}")


@command(rich_help_panel=PANEL)
@named_refusals
def disclose(
    certificate: CertificateArgument,
    *,
    fields: Annotated[str, typer.Option("--fields", metavar="FIELDS", help="Of the invoice, e.g. number,payable.")],
    to: Annotated[str, typer.Option("--to", metavar="RECIPIENT", help="For whom: a name, as it stands in the file.")],
    purpose: Annotated[str, typer.Option("--purpose", metavar="TEXT", help="What for.")],
    as_: As,
    output_file: Annotated[str, typer.Option("--output", "-o", metavar="FILE", help="Where to; - prints it.")],
) -> None:
    """Open fields of an invoice for somebody, proven and signed, so that it can be shown who opened what for whom."""
    from registry.commands import accounts, disclosing
    from registry.commands.services import open_services

    whole = parse_certificate_id(certificate)
    if not _names(fields):
        raise typer.BadParameter("name a field", param_hint="--fields")
    with open_services(settings()) as services:
        services.catch_up()
        made = disclosing.disclose(
            services,
            certificate=whole,
            fields=_names(fields),
            recipient=to,
            purpose=purpose,
            signer=accounts.signer_of(services, as_),
        )
    write_file(made, output_file)


def _names(text: str) -> tuple[str, ...]:
    return tuple(name.strip() for name in text.split(",") if name.strip())


@command(rich_help_panel=PANEL)
@named_refusals
def verify(
    bundle: Annotated[str | None, typer.Argument(metavar="BUNDLE", help="The file; - reads standard input.")] = None,
    *,
    block_hash: Annotated[
        str | None, typer.Option("--block-hash", metavar="HASH", help="The block's hash, from a source that you trust.")
    ] = None,
    rpc: Annotated[
        str | None, typer.Option("--rpc", metavar="URL", help="A node of yours, asked for that hash.")
    ] = None,
    attestations: Annotated[
        str | None,
        typer.Option("--attestations", metavar="FILE_OR_URL", help="What witnesses signed; needs --witness."),
    ] = None,
    witness: Annotated[
        list[str] | None,
        typer.Option("--witness", metavar="ADDRESS", help="Of one that you trust, or a file of such; several."),
    ] = None,
    threshold: Annotated[
        int | None, typer.Option("--threshold", metavar="K", help="How many of them have to have signed; else all.")
    ] = None,
    pins: Annotated[
        Path | None, typer.Option("--pins", metavar="FILE", help="The registry that is meant: chain, address, code.")
    ] = None,
    export: Annotated[
        str | None,
        typer.Option("--export", metavar="FILE", help="Write this verifier as one file for an empty Python instead."),
    ] = None,
    json_output: JsonFlag = False,
) -> None:
    """Check a proof or a disclosure. Exit status 0: proven; 1: refused; 2: what it is checked with cannot be used; 3:
    something in it rests on its own word.

    Without a block's hash, a node or witnesses nobody but the bundle says that its block is the chain's; without pins
    nobody but the bundle says that its contract is the registry.
    """
    from registry.verification import standalone
    from registry.verification.disclosure import verify_file
    from registry.verification.report import EXIT_CODES, EXIT_UNUSABLE, lines

    if (bundle is None) == (export is None):
        raise typer.BadParameter("name a bundle, or --export FILE")
    if export is not None:
        _export(export)
        return
    assert bundle is not None  # one of the two is named
    try:
        data = standalone.read_bundle(bundle)
    except OSError as error:
        raise typer.BadParameter(f"{bundle} cannot be read: {error.strerror}", param_hint="BUNDLE") from error
    source = standalone.HeaderSource(block_hash, rpc, attestations, witness or [], threshold)
    try:
        try:
            known = source.witness(data)
            pinned = None if pins is None else standalone.parse_pins(pins.read_text())
        except (OSError, ValueError) as error:
            raise typer.BadParameter(str(error)) from error
        verdict = verify_file(data, witness=known, pins=pinned)
    except standalone.UNUSABLE as refusal:
        output.tell(refusal, as_json=json_output)
        raise typer.Exit(EXIT_UNUSABLE) from refusal
    if json_output:
        output.document(verdict.to_json())
    else:
        for line in lines(verdict):
            output.console.print(line, markup=False, emoji=False)
    raise typer.Exit(EXIT_CODES[verdict.status])


def _export(target: str) -> None:
    from registry.commands.services import open_services
    from registry.verification.export import export as exported
    from registry.verification.make import pins_of

    with open_services(settings()) as services:
        known = pins_of(services.node, services.deployment.receivables)
    write_file(exported(known), target)
    if target != STDOUT:
        output.note(
            f"{target}: for {format_address(known.contract)} on chain {known.chain_id}, code 0x{known.code_hash.hex()}"
        )
