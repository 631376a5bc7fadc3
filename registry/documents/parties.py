"""Parties of an invoice and the one identity under which each is recognised. Pure."""

from __future__ import annotations

import unicodedata
from collections.abc import Iterable
from dataclasses import dataclass
from typing import Final, Literal

from registry.documents.errors import DocumentIncomplete, IdentityMalformed
from registry.domain.merkle import length_prefixed

IdentifierKind = Literal["vat", "registration", "global", "tax", "local"]
"""vat: BT-31, BT-48. registration: BT-30, BT-47. global: BT-29, BT-46 with a scheme. tax: BT-32, any tax number that is
not VAT. local: BT-29, BT-46 without a scheme, the party's number in the other party's books."""

GLN: Final = "0088"
LEI: Final = "0199"
USCC: Final = "USCC"
# The unified social credit code has no ICD number; GLN and LEI are also met under their names.
_SCHEME_ALIASES: Final = {"GLN": GLN, "LEI": LEI}
_SCHEME_NAMES: Final = {
    GLN: "GLN",
    LEI: "LEI",
    USCC: "unified social credit code",
    "0002": "SIRENE number",
    "0007": "Swedish organisation number",
    "0009": "SIRET number",
    "0060": "DUNS number",
    "0106": "KvK number",
    "0192": "Norwegian organisation number",
}
"""ISO 6523 schemes that are met often."""
# A SEPA creditor identifier belongs to a direct debit mandate, not to the party.
_SCHEMES_IGNORED: Final = frozenset({"SEPA"})


KEY_CHARS_MAX: Final = 200
"""Length of the key of a document number, in characters."""


@dataclass(frozen=True, slots=True)
class PartyIdentifier:
    """One identifier as it stands in the document; `scheme` is an ICD code, a name, or empty."""

    kind: IdentifierKind
    scheme: str
    value: str


@dataclass(frozen=True, slots=True)
class PartyIdentity:
    """What makes two mentions of a party the same party: normalised; `name` is empty unless the id is a local one."""

    kind: Literal["vat", "scheme", "tax", "local"]
    scheme: str
    value: str
    name: str = ""

    def encode(self) -> bytes:
        """Unambiguous bytes: kind, scheme, value, name in UTF-8, each behind its length in 4 big-endian bytes."""
        return b"".join(length_prefixed(part.encode()) for part in (self.kind, self.scheme, self.value, self.name))

    def described(self) -> str:
        """By what kind of identifier the party is recognised, for people."""
        match self.kind:
            case "vat":
                return "VAT id"
            case "tax":
                return "tax number"
            case "local":
                return "number in the other party's books, with the name"
            case _:
                return _SCHEME_NAMES.get(self.scheme, f"id of scheme {self.scheme}")

    def __str__(self) -> str:
        """For people and field commitments, unambiguous: "vat:DE123456789", "scheme:0088:4000001123452"."""
        parts = (self.kind, self.scheme, self.value, self.name)
        return ":".join(part.replace("%", "%25").replace(":", "%3A") for part in parts if part)


@dataclass(frozen=True, slots=True)
class Party:
    """A seller, buyer or payee: registered name, identifiers in document order, ISO 3166-1 country or None."""

    name: str
    identifiers: tuple[PartyIdentifier, ...] = ()
    country: str | None = None


def identity_of(party: Party, *, role: str) -> PartyIdentity:
    """The identity of a party: the first of VAT id, legal registration with scheme, GLN, LEI or USCC, tax number.

    Then any other identifier with a scheme (DUNS, for instance), then its id in the other party's books plus its
    normalised name. Two of one rank: the smallest, so that document order does not matter. A scheme's identifier reads
    the same wherever it stands: an LEI given as legal registration equals one given as global identifier.
    `role` names the field in a refusal. Refuses: document_incomplete. Source: rule 3, one claim, one receivable.
    """
    ranked = [found for found in (_ranked(identifier, party.name) for identifier in party.identifiers) if found]
    if not ranked:
        raise DocumentIncomplete(
            f"{role}.identity",
            hint=f"The {role} needs a VAT id, a registration or other id with its scheme, a tax number, "
            "or its id in the other party's books and a name.",
        )
    return min(ranked, key=lambda found: (found[0], found[1].scheme, found[1].value))[1]


def parse_identity(text: str) -> PartyIdentity:
    """The identity behind its text form, however it is typed: "vat:de 123", "scheme:0088:4000001123452", "tax:…".

    An id in another party's books ("local") is only ever read from an invoice. Refuses: identity_malformed.
    """
    match [part.strip() for part in text.split(":")]:
        case [kind, value] if kind.lower() in ("vat", "tax") and _has_digit(value):
            return PartyIdentity("vat" if kind.lower() == "vat" else "tax", "", normal_identifier(value))
        case [kind, typed, value] if kind.lower() == "scheme" and normal_identifier(typed) and normal_identifier(value):
            scheme = normal_identifier(typed)
            return PartyIdentity("scheme", _SCHEME_ALIASES.get(scheme, scheme), normal_identifier(value))
    raise IdentityMalformed(f"{text[:80]!r} identifies nobody")


def identifier_of(identity: PartyIdentity) -> PartyIdentifier:
    """An identifier under which a party has this identity, which is none in another party's books."""
    match identity.kind:
        case "vat" | "tax" as kind:
            return PartyIdentifier(kind, "", identity.value)
        case _:
            return PartyIdentifier("registration", identity.scheme, identity.value)


def normal_identifier(value: str) -> str:
    """Letters and digits only, upper case: NL8200.98.395.B.01 becomes NL820098395B01. May be empty."""
    return _composed(char for char in _folded(value).upper() if char.isalnum())


def normal_number(value: str) -> str:
    """A document number: NFKC, upper case, no white space, no invisible characters; all dashes are one dash.

    Other characters count: 12-3, 12/3 and 123 differ. A dash stays, because series and running number are cut by it;
    but a word processor's long dash is no other invoice. May be empty.
    """
    return _composed("-" if _is_dash(char) else char for char in _folded(value).upper() if not char.isspace())


def number_key(value: str) -> str:
    """The letters and digits of a document number but for its zeros: what stays of it however it is spaced or padded.

    Other numbers can have the same key (1041, 141): it finds what is then compared. At most KEY_CHARS_MAX long, because
    an index of a database takes no longer ones. May be empty.
    """
    return normal_identifier(value).replace("0", "")[:KEY_CHARS_MAX]


def normal_name(value: str) -> str:
    """A party's name: NFKC, case folded, white space collapsed to one blank, no invisible characters."""
    return _composed(" ".join(_folded(value).split()))


def _ranked(found: PartyIdentifier, name: str) -> tuple[int, PartyIdentity] | None:
    """Rank of one identifier, lowest first, with the identity that it gives; None if it gives none."""
    value = normal_identifier(found.value)
    scheme = normal_identifier(found.scheme)
    scheme = _SCHEME_ALIASES.get(scheme, scheme)
    match found.kind:
        case "vat" if _has_digit(value):
            return 1, PartyIdentity("vat", "", value)
        case "registration" if value and scheme:
            return 2, PartyIdentity("scheme", scheme, value)
        case "global" if value and scheme and scheme not in _SCHEMES_IGNORED:
            return {GLN: 3, LEI: 4, USCC: 4}.get(scheme, 6), PartyIdentity("scheme", scheme, value)
        case "tax" if _has_digit(value) and (len(found.value.split()) == 1 or _is_mostly_digits(value)):
            return 5, PartyIdentity("tax", "", value)
        case "local" if normal_number(found.value) and normal_name(name):
            return 7, PartyIdentity("local", "", normal_number(found.value), normal_name(name))
    # Left over: a registration number without its register, unique nowhere; words where a number belongs, such as
    # "Godkänd för F-skatt"; a local id without a name.
    return None


def _has_digit(value: str) -> bool:
    return any(char.isdigit() for char in value)


def _is_mostly_digits(value: str) -> bool:
    return 2 * sum(char.isdigit() for char in value) >= len(value)


def _folded(value: str) -> str:
    """NFKC and case folded, without invisible characters (categories Cc, but for white space, and Cf)."""
    folded = unicodedata.normalize("NFKC", unicodedata.normalize("NFKC", value).casefold())
    if folded.isprintable():  # nothing of the two categories in it; tables have 10^5 rows of such text
        return folded
    return "".join(char for char in folded if char.isspace() or unicodedata.category(char) not in ("Cc", "Cf"))


def _composed(chars: Iterable[str]) -> str:
    """The characters as one text; composed again, because taking a blank out can join a letter and its accent."""
    return unicodedata.normalize("NFKC", "".join(chars))


def _is_dash(char: str) -> bool:
    return unicodedata.category(char) == "Pd" or char == "\N{MINUS SIGN}"
