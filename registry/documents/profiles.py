"""Which specification an invoice says it follows (BT-24), by the names people know. Pure."""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import Final


@dataclass(frozen=True, slots=True)
class Profile:
    """A known specification.

    `lacks` says what a receivable needs and it does not carry; empty if it carries enough. `is_extended`: it goes
    beyond EN 16931, whose rules it therefore loosens.
    """

    name: str
    lacks: str = ""
    is_extended: bool = False


_EXTENDED: Final = Profile("Factur-X EXTENDED", is_extended=True)
_MINIMUM: Final = Profile("Factur-X MINIMUM", lacks="due date, payment terms, delivery date and lines")
_BASIC_WL: Final = Profile("Factur-X BASIC WL", lacks="lines (what was delivered)")

_PROFILES: Final = (
    (re.compile(r"urn:(factur-x\.eu|zugferd\.de):[0-9]+p[0-9]+:minimum"), _MINIMUM),
    (re.compile(r"urn:(factur-x\.eu|zugferd\.de):[0-9]+p[0-9]+:basicwl"), _BASIC_WL),
    (re.compile(r".*#compliant#urn:(factur-x\.eu|zugferd\.de):[0-9]+p[0-9]+:basic"), Profile("Factur-X BASIC")),
    (re.compile(r".*#conformant#urn:(factur-x\.eu|zugferd\.de):[0-9]+p[0-9]+:extended"), _EXTENDED),
    (re.compile(r".*#conformant#urn\.cpro\.gouv\.fr:[0-9]+p[0-9]+:extended-ctc-fr"), _EXTENDED),
    (re.compile(r".*#conformant#.*:xrechnung_[0-9.]+#conformant#.*"), Profile("XRechnung Extension")),
    (re.compile(r".*#compliant#.*:xrechnung_[0-9.]+"), Profile("XRechnung")),
    (re.compile(r".*#compliant#urn:fdc:peppol\.eu:2017:poacc:billing:3\.0"), Profile("Peppol BIS Billing 3")),
    (re.compile(r"urn:cen\.eu:en16931:2017"), Profile("EN 16931")),
)
"""Sources: Factur-X 1.0.07 section 5, ZUGFeRD 2.x, XRechnung 3.0, Peppol BIS Billing 3."""


def profile_of(specification: str | None) -> Profile | None:
    """The profile behind a specification identifier, however it is cased; None for one that is not known here."""
    text = (specification or "").strip().lower()
    return next((profile for pattern, profile in _PROFILES if pattern.fullmatch(text)), None)
