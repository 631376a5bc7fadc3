"""What a bundle states about its certificate: the rules by which it follows from the fold and the contract's words.

Maker and verifier both call this, and docs/proof-format.md lists the names.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from registry.chain.words import MemberWord
from registry.domain import calendar, rules
from registry.domain.fold import JournalBroken, empty_receivable, walk
from registry.domain.identifiers import Address, CertificateId
from registry.domain.journal import Confirmed, Entry, OfferAccepted, Redeemed, Registered
from registry.domain.money import Money, currency_to_show
from registry.domain.receivable import Certificate, Freeze, MemberStatus, Receivable
from registry.verification.bundle import canonical, to_hex
from registry.verification.layout import Words

STATEMENTS: Mapping[str, str] = {
    "amount": "amount",
    "confirmation": "debtor's confirmation",
    "debtor": "debtor",
    "debtor_standing": "debtor's standing",
    "due": "due date",
    "encumbrances": "encumbrances",
    "history": "complete history",
    "holder": "holder",
    "originator": "originator",
    "paid": "what was paid",
    "phase": "phase",
    "registration": "registration",
    "registry_head": "registry's own journal",
}
"""What a bundle states, each with its name for people."""


@dataclass(frozen=True, slots=True)
class History:
    """A journal, folded: the state after it, and what of the entries themselves is stated. `confirmed` is the entry
    that confirmed the debt, with its position; `paid_out` what was paid out on the certificate while it was, in minor
    units; `existed` whether it ever was."""

    receivable: Receivable
    registered: Registered
    confirmed: tuple[int, Entry] | None
    paid_out: int
    existed: bool

    @classmethod
    def of(cls, entries: Iterable[Entry], *, chain_id: int, contract: Address, certificate: CertificateId) -> History:
        """Fold a whole journal, sealed entries too. Raises JournalBroken."""
        state = empty_receivable(chain_id=chain_id, contract=contract, receivable_id=certificate.receivable_id)
        confirmed: tuple[int, Entry] | None = None
        registered: Registered | None = None
        part: Certificate | None = None
        existed = False
        paid_out = 0
        for receivable, entry in walk(state, entries):
            state = receivable
            match entry:
                case Registered():
                    registered = entry
                case Confirmed() | OfferAccepted():
                    confirmed = receivable.length, entry
                case Redeemed() if entry.range == (certificate.start, certificate.end):
                    paid_out = (part.claimed if part is not None else 0) + entry.amount
            part = part_of(receivable, certificate)
            if part is not None:
                existed, paid_out = True, part.claimed
        if registered is None:
            raise JournalBroken(f"the journal of {certificate} has no entries")
        return cls(state, registered, confirmed, paid_out, existed)


def part_of(receivable: Receivable, certificate: CertificateId) -> Certificate | None:
    """The certificate of exactly this range, or None where there is none."""
    part = receivable.certificates.get(certificate.start)
    return part if part is not None and part.end == certificate.end else None


def statement(certificate: CertificateId, history: History, words: Words, *, now: int) -> dict[str, Any]:
    """Everything that is stated, as JSON; `now` is the time of the block in seconds."""
    receivable = history.receivable
    part = part_of(receivable, certificate)
    return {
        "amount": Money(certificate.end - certificate.start, currency_to_show(receivable.currency)).to_json(),
        "confirmation": _confirmation(history),
        "debtor": to_hex(receivable.debtor),
        "debtor_standing": {
            "dishonoured": words.debtor.dishonoured,
            "frozen": words.debtor.frozen,
            "status": _standing(words.debtor, now=now),
        },
        "due": receivable.due,
        "encumbrances": sorted(_encumbrances(certificate, receivable, part, words, now=now), key=_by_kind),
        "history": {"entries": receivable.length, "head": to_hex(receivable.head)},
        "holder": None if part is None else to_hex(part.holder),
        "originator": to_hex(receivable.originator),
        "paid": {"certificate": str(history.paid_out), "receivable": str(receivable.paid)},
        "phase": str(rules.phase(receivable, now=now)),
        "registration": {
            "fingerprint": to_hex(receivable.fingerprint),
            "only": words.registered_as == certificate.receivable_id,
        },
        "registry_head": to_hex(words.registry_head),
    }


def _confirmation(history: History) -> dict[str, Any] | None:
    if history.confirmed is None:
        return None
    position, entry = history.confirmed
    return {"at": entry.time, "debtor": to_hex(history.receivable.debtor), "entry": position}


def _encumbrances(
    certificate: CertificateId, receivable: Receivable, part: Certificate | None, words: Words, *, now: int
) -> Iterator[dict[str, Any]]:
    if part is not None:
        if part.lien is not None:
            yield {"kind": "lien", "financier": to_hex(part.lien.financier), "secured": str(part.lien.secured)}
        if part.recourse is not None:
            yield {
                "kind": "recourse",
                "seller": to_hex(part.recourse.seller),
                "amount": str(part.recourse.amount),
                "demanded": part.recourse.demanded,
            }
        yield from _freezes("certificate", part.orders, now=now)
        if words.holder is not None:
            yield from _hindrances(words.holder, now=now)
    yield from _freezes("receivable", receivable.orders, now=now)
    if receivable.disputed and receivable.cancelled < certificate.end and certificate.start < receivable.senior:
        yield {"kind": "dispute"}


def _freezes(scope: str, orders: Iterable[Freeze], *, now: int) -> Iterator[dict[str, Any]]:
    for freeze in rules.in_force(orders, now=now):
        yield {"kind": "freeze", "order": to_hex(freeze.order), "scope": scope, "until": freeze.expiry}


def _hindrances(holder: MemberWord, *, now: int) -> Iterator[dict[str, Any]]:
    standing = _standing(holder, now=now)
    if standing != "active":
        yield {"kind": "holder", "status": standing}
    if holder.frozen:
        yield {"kind": "holder", "status": "frozen"}


def _by_kind(encumbrance: dict[str, Any]) -> tuple[str, bytes]:
    return encumbrance["kind"], canonical(encumbrance)


def _standing(member: MemberWord, *, now: int) -> str:
    """ "active" as long as it may take part in operations, "expired" once its KYC is, else the status of its word."""
    if rules.is_in_good_standing(member.status, kyc_expiry=member.kyc_expiry, now=now):
        return "active"
    if member.status == MemberStatus.ACTIVE:
        return "expired"
    known = member.status in MemberStatus.__members__.values()
    return MemberStatus(member.status).name.lower() if known else str(member.status)


def in_words(name: str, stated: Mapping[str, Any], *, sealed: int) -> str:
    """One thing that is stated, as a sentence; of `sealed` entries the bundle shows no details."""
    value = stated[name]
    match name:
        case "amount":
            return f"{value['amount']} {value['currency']}"
        case "confirmation":
            if value is None:
                return "the debtor has not confirmed the claim"
            return f"the debtor's, by entry {value['entry']} of {calendar.instant(value['at'])}"
        case "debtor_standing":
            standing = "its KYC has expired" if value["status"] == "expired" else value["status"]
            frozen = ", an order is recorded on it and may have expired" if value["frozen"] else ""
            return f"{standing}{frozen}, {value['dishonoured']} debts not paid in time"
        case "due":
            return calendar.day(value)
        case "encumbrances":
            return "; ".join(_encumbrance_in_words(one) for one in value) or "none"
        case "history":
            hidden = f", {sealed} of them sealed, none of which bears on it" if sealed else ""
            return f"{value['entries']} entries{hidden}: none is missing, added or altered"
        case "holder":
            return value or "nobody: the certificate is no more"
        case "paid":
            received, given = value["receivable"], value["certificate"]
            return f"{received} minor units paid in, {given} of it paid out on this certificate"
        case "registration":
            which = "stands" if value["only"] else "does not stand"
            return f"between this debtor and this originator the claim's fingerprint {which} for this receivable"
        case "registry_head":
            return f"its head is {value}"
        case _:
            return str(value)


def _encumbrance_in_words(value: Mapping[str, Any]) -> str:
    match value["kind"]:
        case "lien":
            return f"pledged to {value['financier']} for {value['secured']} minor units"
        case "recourse":
            demanded = ", demanded" if value["demanded"] else ""
            return f"recourse to {value['seller']} for {value['amount']} minor units{demanded}"
        case "freeze":
            return f"the {value['scope']} is frozen by order {value['order']} until {calendar.instant(value['until'])}"
        case "dispute":
            return "in dispute"
        case _ if value["status"] == "expired":
            return "the holder's KYC has expired"
        case _ if value["status"] == "frozen":
            return "an order is recorded on the holder and may have expired"
        case _:
            return f"the holder is {value['status']}"
