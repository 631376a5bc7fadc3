"""Slither over every contract that is deployed: each of its findings is fixed, or explained in slither.json.

A finding is known by its detector and the code that it names, not by line numbers: `Contract.function(types)` and then
the expressions. So an explanation lasts until the code that it speaks of is another, and then somebody looks again.
All contracts are analysed at once: what an abstract contract has may be used in only one of those that inherit it.
"""

from __future__ import annotations

import json
import os
import re
import shutil
import subprocess
from collections import Counter
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any, Final

from scripts.assurance.parts import ROOT, WORKPLACE, fail, held, tool

CONTRACTS: Final = "contracts"
FOLDER: Final = WORKPLACE / "slither"
EXPLANATIONS: Final = ROOT / "scripts" / "assurance" / "slither.json"
SECONDS_MAX: Final = 600
WORDS_MAX: Final = 5_000
"""Characters of what a failed run said that are shown."""

# What a function that called out does afterwards. A finding is known by who calls whom.
_AFTER_THE_CALL: Final = {"variables_written", "event"}
_SUMMARY: Final = re.compile(r"analyzed \(\d+ contracts with (\d+) detectors\), (\d+) result\(s\) found")
_CALL_STACK: Final = "Calls stack containing the loop:"


@dataclass(frozen=True, slots=True, order=True)
class Finding:
    """What a detector found, by the code that it names."""

    detector: str
    subject: str


@dataclass(frozen=True, slots=True)
class Analysis:
    """`contracts` were analysed by that many detectors; `foreign` findings are about OpenZeppelin's library alone."""

    contracts: frozenset[str]
    detectors: int
    findings: tuple[Finding, ...]
    foreign: int


def main() -> None:
    """Run slither and compare what it found with what is explained."""
    wanted = {source.stem for source in (ROOT / CONTRACTS).glob("*.sol")}
    analysis = parse_analysis(_run())
    if not wanted or not wanted <= analysis.contracts:
        fail(f"slither analysed {len(wanted & analysis.contracts)} of {len(wanted)} contracts")
    print(f"{analysis.foreign} findings are about OpenZeppelin's library alone, and not explained here.")
    explained = parse_explanations(EXPLANATIONS.read_text(encoding="utf-8"))
    if problems := compare(analysis.findings, explained):
        print(*problems, sep="\n")
        fail(f"{len(problems)} findings are not explained, or explained and no longer found")
    held(f"{len(wanted)} contracts, {analysis.detectors} detectors, {len(analysis.findings)} findings, each explained")


def compare(findings: Iterable[Finding], explained: Iterable[Finding]) -> list[str]:
    """A line for each finding that nobody explained and for each explanation that explains nothing."""
    found, known = Counter(findings), Counter(explained)
    return [
        *(f"Not explained: {one.detector}: {one.subject}" for one in sorted((found - known).elements())),
        *(f"No longer found: {one.detector}: {one.subject}" for one in sorted((known - found).elements())),
    ]


def parse_explanations(text: str) -> list[Finding]:
    """The findings in slither.json: by detector, groups of those that share a reason. Each group must have both."""
    explained = []
    for detector, groups in json.loads(text).items():
        for group in groups:
            if not group["reason"].strip() or not group["findings"]:
                fail(f"slither.json: {detector} has a reason without findings or findings without a reason")
            explained += [Finding(detector, subject) for subject in group["findings"]]
    return explained


def parse_analysis(text: str) -> Analysis:
    """What slither answered as JSON. The part fails where that is not the whole answer."""
    try:
        answer = json.loads(text)
    except json.JSONDecodeError:
        fail("slither's answer is not JSON")
    if not answer["success"]:
        fail(f"slither failed: {answer['error']}")
    results = answer["results"]
    findings = results.get("detectors", [])
    summary = _SUMMARY.search(results["console"]["stderr"])
    if summary is None or int(summary[2]) != len(findings):
        fail("slither did not tell how much it analysed")
    if int(summary[1]) < max(1, len(results["list-detectors"])):
        fail(f"slither ran {summary[1]} of {len(results['list-detectors'])} detectors")
    own = [finding for finding in findings if _is_own(finding)]
    return Analysis(
        contracts=frozenset(_compiled(results["compilations"])),
        detectors=int(summary[1]),
        findings=tuple(Finding(finding["check"], _subject(finding)) for finding in own),
        foreign=len(findings) - len(own),
    )


def _run() -> str:
    """Slither's answer about a build of its own, which forge makes with the settings of every other build."""
    tool("forge")
    if FOLDER.exists():
        shutil.rmtree(FOLDER)
    FOLDER.mkdir(parents=True)
    answer = FOLDER / "answer.json"
    # Slither's own choice of compilers, which is not used, makes itself a folder there or else in the user's home.
    folders = {"FOUNDRY_OUT": FOLDER / "out", "FOUNDRY_CACHE_PATH": FOLDER / "cache", "VIRTUAL_ENV": FOLDER}
    command = [
        *(str(tool("slither")), "."),
        # `forge clean` would also take away what failed in the random tests.
        "--skip-clean",
        # Nothing is left out: no function that slither cannot parse, no line whose comment hides a finding.
        *("--disallow-partial", "--show-ignored-findings", "--fail-none"),
        *("--json", str(answer), "--json-types", "detectors,list-detectors,compilations,console"),
    ]
    try:
        ended = subprocess.run(
            command,
            cwd=ROOT,
            env=os.environ | {name: str(folder) for name, folder in folders.items()},
            capture_output=True,
            text=True,
            timeout=SECONDS_MAX,
            check=False,
        )
    except subprocess.TimeoutExpired:
        fail(f"slither took longer than {SECONDS_MAX} seconds")
    if ended.returncode != 0 or not answer.is_file():
        print(ended.stderr[-WORDS_MAX:])
        fail(f"slither ended with status {ended.returncode}")
    return answer.read_text(encoding="utf-8")


def _compiled(compilations: Iterable[Mapping[str, Any]]) -> Iterable[str]:
    for compilation in compilations:
        for unit in compilation["compilation_units"].values():
            for source, content in unit["source_units"].items():
                if source.startswith(f"{CONTRACTS}/"):
                    yield from content["contracts"]


def _is_own(finding: Mapping[str, Any]) -> bool:
    return any(part["source_mapping"]["filename_relative"].startswith(f"{CONTRACTS}/") for part in finding["elements"])


def _subject(finding: Mapping[str, Any]) -> str:
    parts = [
        _name(part)
        for part in finding["elements"]
        if part.get("additional_fields", {}).get("underlying_type") not in _AFTER_THE_CALL
    ]
    # Of a call in a loop the way there is told in words only.
    stack = finding["description"].partition(_CALL_STACK)[2].split()
    return "; ".join(dict.fromkeys(part for part in (*parts, *stack) if part))


def _name(part: Mapping[str, Any]) -> str:
    """A declaration by what it is declared in, an expression as it stands."""
    fields = part.get("type_specific_fields", {})
    name = str(fields.get("signature", part["name"]))
    if part["type"] == "node" or "parent" not in fields or fields["parent"]["type"] not in {"contract", "function"}:
        return name
    return f"{_name(fields['parent'])}.{name}"


if __name__ == "__main__":
    main()
