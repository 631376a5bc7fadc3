"""A verdict for people: what was checked, what of it is proven, and what it means that the rest is not."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Final

from registry.domain import calendar
from registry.domain.identifiers import format_address
from registry.verification.statement import STATEMENTS
from registry.verification.verify import Status, Verdict

EXIT_CODES: Final = {Status.PROVEN: 0, Status.CONTRADICTED: 1, Status.NOT_PROVEN: 3}
EXIT_UNUSABLE: Final = 2
"""There is no verdict: a misuse of the command line, or nothing to check against, as a node that does not answer."""

OUTCOMES: Final = {
    Status.PROVEN: "PROVEN: every statement holds at this block.",
    Status.NOT_PROVEN: (
        "NOT PROVEN: nothing is contradicted, but what is marked can be made up: it rests on the bundle's own word."
    ),
    Status.CONTRADICTED: "REFUSED: do not rely on anything in this bundle.",
}

_MARKS: Final = {Status.PROVEN: "proven      ", Status.NOT_PROVEN: "not proven  ", Status.CONTRADICTED: "CONTRADICTED"}
_NAMES: Final = {"header": "block", "contract": "registry", "invoice": "invoice", **STATEMENTS}


def lines(verdict: Verdict) -> Iterator[str]:
    """The verdict as lines of text."""
    yield f"{verdict.certificate} of the registry {format_address(verdict.contract)} on chain {verdict.chain_id}"
    if verdict.header is not None:
        header = verdict.header
        yield f"at block {header.number} of {calendar.instant(header.at)}, 0x{header.hash.hex()}"
    yield ""
    width = max(len(_NAMES.get(finding.name, finding.name)) for finding in verdict.findings)
    for finding in verdict.findings:
        yield f"{_MARKS[finding.status]}  {_NAMES.get(finding.name, finding.name):{width}}  {finding.words}"
    yield ""
    yield OUTCOMES[verdict.status]
