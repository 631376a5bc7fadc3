"""What makes the slither part of `make assurance` fail, of all that slither may answer."""

from __future__ import annotations

import json
from typing import Any

import pytest

from scripts.assurance import slither
from scripts.assurance.slither import Finding, compare, parse_analysis, parse_explanations

SOURCE = "contracts/Till.sol"
LIBRARY = "node_modules/@openzeppelin/contracts/Library.sol"


def part(kind: str, name: str, source: str = SOURCE, **more: Any) -> dict[str, Any]:
    return {"type": kind, "name": name, "source_mapping": {"filename_relative": source}} | more


def function(name: str, source: str = SOURCE) -> dict[str, Any]:
    fields = {"parent": part("contract", "Till", source), "signature": f"{name}(uint256)"}
    return part("function", name, source, type_specific_fields=fields)


def finding(*parts: dict[str, Any], check: str = "timestamp", description: str = "") -> dict[str, Any]:
    return {"check": check, "elements": list(parts), "description": description}


def answer(
    *findings: dict[str, Any], ran: int = 2, told: int | None = None, success: bool = True, contracts: int = 1
) -> str:
    count = len(findings) if told is None else told
    source_units = {SOURCE: {"contracts": {"Till": {}}}, LIBRARY: {"contracts": {"Library": {}}}} if contracts else {}
    results = {
        "detectors": list(findings),
        "list-detectors": [{}, {}],
        "compilations": [{"compilation_units": {"one": {"source_units": source_units}}}],
        "console": {"stderr": f"contracts analyzed (7 contracts with {ran} detectors), {count} result(s) found"},
    }
    return json.dumps({"success": success, "error": None if success else "crash", "results": results})


def test_a_finding_is_known_by_the_code_that_it_names() -> None:
    written = part("node", "sum = 0", additional_fields={"underlying_type": "variables_written"})
    called = part("node", "token.pay()", additional_fields={"underlying_type": "external_calls"})
    stack = "calls in a loop\n\tCalls stack containing the loop:\n\t\tTill.all(uint256)\n"
    analysis = parse_analysis(
        answer(
            finding(function("open"), part("node", "now < due")),
            finding(function("pay"), called, called, written, check="reentrancy-benign"),
            finding(function("one"), check="calls-loop", description=stack),
            finding(function("foreign", LIBRARY)),
        )
    )
    assert analysis.findings == (
        Finding("timestamp", "Till.open(uint256); now < due"),
        Finding("reentrancy-benign", "Till.pay(uint256); token.pay()"),
        Finding("calls-loop", "Till.one(uint256); Till.all(uint256)"),
    )
    assert (analysis.contracts, analysis.detectors, analysis.foreign) == ({"Till"}, 2, 1)


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("", "slither's answer is not JSON"),
        (answer(success=False), "slither failed: crash"),
        (answer(told=3), "slither did not tell how much it analysed"),
        (answer(ran=0), "slither ran 0 of 2 detectors"),
        (answer(ran=1), "slither ran 1 of 2 detectors"),
    ],
)
def test_half_an_answer_fails(text: str, words: str, capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit) as ended:
        parse_analysis(text)
    assert ended.value.code == 1
    assert capsys.readouterr().out.splitlines()[-1] == words


def test_a_contract_that_was_not_analysed_fails(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr(slither, "_run", lambda: answer(contracts=0))
    with pytest.raises(SystemExit) as ended:
        slither.main()
    assert ended.value.code == 1
    assert capsys.readouterr().out.splitlines()[-1].startswith("slither analysed 0 of ")


def test_what_is_not_explained_or_no_longer_found_is_told() -> None:
    one, other = Finding("timestamp", "Till.open()"), Finding("timestamp", "Till.close()")
    assert compare([one], [one]) == []
    assert compare([one], []) == ["Not explained: timestamp: Till.open()"]
    assert compare([one, one], [one]) == ["Not explained: timestamp: Till.open()"]
    assert compare([one], [one, other]) == ["No longer found: timestamp: Till.close()"]


@pytest.mark.parametrize("group", [{"reason": " ", "findings": ["Till.open()"]}, {"reason": "Meant.", "findings": []}])
def test_an_explanation_has_a_reason_and_findings(group: dict[str, Any], capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit):
        parse_explanations(json.dumps({"timestamp": [group]}))
    assert "slither.json: timestamp has a reason without findings" in capsys.readouterr().out


def test_each_group_in_the_file_has_a_reason_and_findings() -> None:
    explained = parse_explanations(slither.EXPLANATIONS.read_text(encoding="utf-8"))
    assert len(set(explained)) == len(explained) > 100
