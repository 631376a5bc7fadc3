"""The witness as a process of its own."""

from __future__ import annotations

import logging
import sys
import threading
from contextlib import suppress
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from registry.cli import output
from registry.cli.common import JsonFlag
from registry.cli.output import named_refusals
from registry.cli.running import terminable
from registry.observe import configure_logging
from registry.settings import settings

if TYPE_CHECKING:
    from registry.commands.witnessing import Publisher
    from registry.verification.attestation import Attestation
    from registry.verification.witness import Witness

PANEL = "Proofs"
EVERY_SECONDS_DEFAULT = 12.0

log = logging.getLogger(__name__)

app = typer.Typer()


@app.command(rich_help_panel=PANEL)
@named_refusals
def witness(
    *,
    as_: Annotated[
        str, typer.Option("--as", help="Who signs: a keystore or an address; on the dev chain also dev0, dev1, …")
    ],
    output_file: Annotated[
        Path | None,
        typer.Option(
            "--output", "-o", metavar="FILE", help="Where to, appended; else witness-ADDRESS.jsonl in the home."
        ),
    ] = None,
    stride: Annotated[
        int, typer.Option(help="Sign the blocks whose number is a multiple; the same for all witnesses.", min=1)
    ] = 1,
    once: Annotated[bool, typer.Option("--once", help="Sign what is final now, and end.")] = False,
    every: Annotated[
        float, typer.Option(metavar="SECONDS", help="Look for new final blocks so often.", min=0.1)
    ] = EVERY_SECONDS_DEFAULT,
    publish: Annotated[
        str | None, typer.Option(metavar="URL", help="Hand what is signed to this API, http://127.0.0.1:8642.")
    ] = None,
    json_output: JsonFlag = False,
) -> None:
    """Follow the chain with a node of your own, check each final block, and sign its header.

    It needs COUNTERFOIL_RPC_URL, the deployment's record and a key, and no database. It never signs two blocks of one
    height: where its node has another block than it signed, it ends with witness_conflict.
    """
    from registry.commands.witnessing import Publisher, open_witness

    publisher = None if publish is None else Publisher(publish)
    with terminable(), open_witness(settings(), name=as_, file=output_file, stride=stride) as opened:
        if publisher is not None:
            publisher.remember(opened.recent)
        if once:
            _once(opened, publisher, json_output=json_output)
        else:
            configure_logging(json_lines=json_output or not sys.stderr.isatty(), level=logging.INFO)
            with suppress(KeyboardInterrupt):
                opened.run(
                    threading.Event(), every_seconds=every, tell=lambda attestations: _tell(attestations, publisher)
                )


def _once(opened: Witness, publisher: Publisher | None, *, json_output: bool) -> None:
    signed = list(opened.round())
    if publisher is not None:
        publisher.publish(signed)
    if json_output:
        output.document({"signed": [{"block": one.number, "hash": one.hash} for one in signed]})
    else:
        for one in signed:
            output.console.print(f"signed block {one.number}, 0x{one.hash.hex()}")
        if not signed:
            output.note("nothing more is final")


def _tell(attestations: list[Attestation], publisher: Publisher | None) -> None:
    """Log what was signed and hand it on; what is not taken is tried again with the next."""
    from registry.commands.witnessing import PublishingFailed

    for one in attestations:
        log.info("witness: signed block %d, 0x%s", one.number, one.hash.hex(), extra={"block": one.number})
    if publisher is None:
        return
    try:
        publisher.publish(attestations)
    except PublishingFailed as failure:
        log.warning("witness: %s: %s", failure.code, failure)
