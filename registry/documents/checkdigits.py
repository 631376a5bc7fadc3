"""Check digits of party identities: a mistyped one would make two parties, and two claims, of one."""

from __future__ import annotations

from stdnum import ean, lei
from stdnum.cn import uscc
from stdnum.eu import vat

from registry.documents.parties import GLN, LEI, USCC, PartyIdentity

_EU_PREFIXES = {state.upper() for state in vat.MEMBER_STATES} | {"EL"}


def plausible(identity: PartyIdentity) -> bool:
    """Whether the check digits are right, or nobody here knows how to tell."""
    match identity.kind, identity.scheme:
        case "vat", _ if identity.value[:2] in _EU_PREFIXES:
            return bool(vat.is_valid(identity.value))
        case "scheme", scheme if scheme == GLN:
            return bool(ean.is_valid(identity.value))
        case "scheme", scheme if scheme == LEI:
            return bool(lei.is_valid(identity.value))
        case "scheme", scheme if scheme == USCC:
            return bool(uscc.is_valid(identity.value))
    return True
