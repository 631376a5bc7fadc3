"""The official rules: nothing fatal in official invoices, each broken invoice told by the number of its rule."""

from __future__ import annotations

import re
import subprocess
import sys
import threading
from collections.abc import Callable
from pathlib import Path

import pytest

from registry.documents import en16931
from registry.documents.en16931 import (
    FINDINGS_MAX,
    NOT_EVALUATED,
    Finding,
    Findings,
    RulesBroken,
    RulesNotRun,
    check,
    require_rules,
    severity_of,
)
from registry.documents.reading import open_document
from registry.documents.worker import Worker

SAMPLES = Path(__file__).resolve().parents[2] / "registry" / "samples"
SHARED = Path(__file__).resolve().parents[3] / "shared" / "data" / "invoices"
UBL_SAMPLE = SAMPLES / "invoices" / "brandmuehl-2026-1041.ubl.xml"
CII_SAMPLE = SAMPLES / "invoices" / "brandmuehl-2026-1041.cii.xml"
HYBRID = SAMPLES / "batch" / "erzgrund-er-77342.pdf"
EXTENDED = b"urn:cen.eu:en16931:2017#conformant#urn:factur-x.eu:1p0:extended"

OFFICIAL = sorted(
    path for folder in ("ubl", "cii", "pairs") for path in (SHARED / folder).rglob("*") if path.suffix.lower() == ".xml"
)
WARNED = {
    "CII_example1.xml": ["PEPPOL-EN16931-R008"],
    "CII_example3.xml": ["PEPPOL-EN16931-R008"],
    "EN16931_1_Teilrechnung.cii.xml": ["PEPPOL-EN16931-R008"] * 4,
    "EN16931_Rabatte.cii.xml": ["PEPPOL-EN16931-R008"] * 4,
    "XRECHNUNG_Einfach.cii.xml": ["CII-SR-465"],
}


def changed(path: Path, before: str, after: str) -> bytes:
    text = path.read_text(encoding="utf-8")
    assert before in text
    return text.replace(before, after).encode()


def found(data: bytes) -> Findings:
    return check(open_document(data))


def rules(findings: Findings, severity: str) -> set[str]:
    return {finding.rule for finding in findings.listed if finding.severity == severity}


@pytest.mark.skipif(not SHARED.is_dir(), reason="the invoices of ../shared/data are not on this machine")
def test_the_official_invoices_break_no_fatal_rule() -> None:
    assert len(OFFICIAL) == 38
    for path in OFFICIAL:
        findings = require_rules(open_document(path.read_bytes()))
        assert [finding.rule for finding in findings.listed] == WARNED.get(path.name, []), path.name
        assert findings.warning_count == len(findings.listed)


@pytest.mark.parametrize("path", [UBL_SAMPLE, CII_SAMPLE, HYBRID], ids=lambda path: path.name)
def test_our_samples_break_no_rule(path: Path) -> None:
    assert found(path.read_bytes()) == Findings((), 0, 0)


UBL_TOTAL = ('<cbc:PayableAmount currencyID="EUR">220637.90<', '<cbc:PayableAmount currencyID="EUR">220637.91<')
CII_TOTAL = ("<ram:DuePayableAmount>220637.90<", "<ram:DuePayableAmount>220637.91<")


@pytest.mark.parametrize(("path", "change"), [(UBL_SAMPLE, UBL_TOTAL), (CII_SAMPLE, CII_TOTAL)])
def test_an_amount_that_does_not_add_up_breaks_the_same_rule_in_both_formats(
    path: Path, change: tuple[str, str]
) -> None:
    findings = found(changed(path, *change))
    assert (findings.fatal_count, rules(findings, "fatal")) == (1, {"BR-CO-16"})
    (finding,) = findings.listed
    assert "Amount due for payment (BT-115)" in finding.text
    assert not finding.text.startswith("[")
    assert finding.location.startswith("/" + ("Invoice" if "ubl" in path.name else "CrossIndustryInvoice") + "/")
    assert "namespace" not in finding.location


@pytest.mark.parametrize(("path", "change"), [(UBL_SAMPLE, UBL_TOTAL), (CII_SAMPLE, CII_TOTAL)])
def test_who_is_strict_refuses_a_fatal_finding_by_name(path: Path, change: tuple[str, str]) -> None:
    with pytest.raises(RulesBroken) as refused:
        require_rules(open_document(changed(path, *change)))
    assert refused.value.code == "rules_broken"
    assert refused.value.detail == "1 fatal: BR-CO-16"
    assert refused.value.findings.fatal_count == 1


def test_a_code_list_is_fatal_for_ubl_and_a_warning_for_cii() -> None:
    ubl = found(changed(UBL_SAMPLE, ">DE<", ">QQ<"))
    assert rules(ubl, "fatal") == {"BR-CL-14"}
    cii = found(changed(CII_SAMPLE, "<ram:CountryID>DE<", "<ram:CountryID>QQ<"))
    assert cii.fatal_count == 0
    assert rules(cii, "warning")


def test_the_extended_profile_has_rules_of_its_own() -> None:
    extended = CII_SAMPLE.read_bytes().replace(b"urn:cen.eu:en16931:2017", EXTENDED)
    assert found(extended).fatal_count == 0
    broken = found(extended.replace(b"<ram:GrandTotalAmount>220637.90<", b"<ram:GrandTotalAmount>220639.90<"))
    assert broken.fatal_count
    assert any(rule.startswith("BR-FXEXT-") for rule in rules(broken, "fatal"))


@pytest.mark.parametrize(
    "guideline",
    [
        b"urn:cen.eu:en16931:2017#compliant#urn:xeinkauf.de:kosit:xrechnung_3.0",
        b"urn:cen.eu:en16931:2017#compliant#urn:factur-x.eu:1p0:basic",
    ],
)
def test_a_profile_within_en_16931_is_not_blamed_for_its_own_name(guideline: bytes) -> None:
    assert found(CII_SAMPLE.read_bytes().replace(b"urn:cen.eu:en16931:2017", guideline)).listed == ()


def test_a_word_where_the_rules_expect_a_number_is_a_finding() -> None:
    findings = found(changed(UBL_SAMPLE, UBL_TOTAL[0], '<cbc:PayableAmount currencyID="EUR">many<'))
    assert findings.fatal_count >= 1
    assert NOT_EVALUATED in rules(findings, "fatal")


def test_of_very_many_findings_the_fatal_ones_are_listed_and_all_are_counted() -> None:
    text = UBL_SAMPLE.read_text(encoding="utf-8")
    start, end = text.index("<cac:InvoiceLine>"), text.index("</cac:InvoiceLine>") + len("</cac:InvoiceLine>")
    line = re.sub("<cac:Item>.*</cac:Item>", "<cac:Item/>", text[start:end], flags=re.DOTALL)
    findings = found((text[:start] + "<cbc:UUID>1</cbc:UUID>" + line * (2 * FINDINGS_MAX) + text[end:]).encode())
    assert findings.fatal_count > 2 * FINDINGS_MAX
    assert findings.warning_count
    assert len(findings.listed) == FINDINGS_MAX
    assert rules(findings, "warning") == set()


@pytest.mark.parametrize(
    ("rule", "flag", "stylesheet", "severity"),
    [
        ("BR-CO-15", "", "cii", "fatal"),
        ("BR-01", "", "cii", "fatal"),
        ("BR-AE-05", "", "cii", "fatal"),
        ("BR-51", "", "cii", "warning"),
        ("CII-SR-465", "", "cii", "warning"),
        ("FX-SCH-A-000556", "", "cii", "warning"),
        ("PEPPOL-EN16931-R008", "warning", "cii", "warning"),
        ("BR-FXEXT-CO-10", "", "cii-extended", "fatal"),
        ("BR-FXEXT-E-08b", "", "cii-extended", "fatal"),
        ("BR-FXEXT-E-08rev", "warning", "cii-extended", "warning"),
        ("UBL-CR-001", "warning", "ubl", "warning"),
        ("UBL-SR-01", "fatal", "ubl", "fatal"),
    ],
)
def test_the_weight_of_a_rule(rule: str, flag: str, stylesheet: en16931.Stylesheet, severity: str) -> None:
    assert severity_of(rule, flag=flag, stylesheet=stylesheet) == severity


def test_threads_take_turns() -> None:
    data = changed(UBL_SAMPLE, *UBL_TOTAL)
    answers: list[Findings] = []
    threads = [threading.Thread(target=lambda: answers.append(found(data))) for _ in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert len(answers) == 8
    assert len(set(answers)) == 1
    assert isinstance(answers[0].listed[0], Finding)


def test_rules_that_cannot_be_run_are_a_failed_service_not_a_verdict(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(en16931, "_RULES", Worker("registry.documents.no_such_worker", seconds_max=1))
    with pytest.raises(RulesNotRun) as refused:
        found(UBL_SAMPLE.read_bytes())
    assert refused.value.code == "rules_not_run"


def test_neither_saxon_nor_factur_x_nor_pypdf_is_loaded_into_our_process(cii: Callable[..., bytes]) -> None:
    probe = (
        "import sys\n"
        "from pathlib import Path\n"
        "from registry.documents.en16931 import check\n"
        "from registry.documents.reading import open_document\n"
        f"check(open_document(Path({str(HYBRID)!r}).read_bytes()))\n"
        "print({'saxonche', 'facturx', 'pypdf', 'requests'} & set(sys.modules))\n"
    )
    done = subprocess.run([sys.executable, "-c", probe], capture_output=True, text=True, check=True)
    assert done.stdout == "set()\n"
    assert done.stderr == ""
