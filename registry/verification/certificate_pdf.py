"""A certificate on one page: what its proof states, for people, with the proof itself attached to the file.

Set by typst from certificate.typ, with the fonts of a package and of typst alone, so that it looks the same everywhere.
The same proof, names and language give the same bytes: the file's date is the block's.
"""

from __future__ import annotations

import io
import json
import re
from collections.abc import Iterator, Mapping
from functools import cache
from importlib import resources
from typing import Any, Final
from urllib.parse import quote, urlencode

import pylopdf_fonts_zh_cn
import segno
import typst

from registry.domain import calendar
from registry.domain.identifiers import Address, format_address
from registry.domain.money import Money, currency, currency_to_show
from registry.domain.printable import printable
from registry.store.queries import Connection, parties
from registry.verification import amount_words
from registry.verification.bundle import Bundle, to_hex
from registry.verification.header import Header
from registry.verification.make import Gathered
from registry.verification.statement import part_of

NAME_CHARACTERS_MAX = 60
"""Of a name; a longer one is cut, so that one page is enough."""

NAME_IN_TEXT_CHARACTERS_MAX = 30
"""Of a name within a sentence."""

_UNBROKEN: Final = re.compile(r"\S{30}(?=\S)")
"""What no line would end within: it may, so that it does not run over the margin."""

ENCUMBRANCES_SHOWN_MAX = 3

ATTACHMENT: Final = "proof.json"
CATALOGUE: Final[Mapping[str, Mapping[str, str]]] = json.loads(
    resources.files(__package__).joinpath("certificate_words.json").read_text(encoding="utf-8")
)
"""Words by language: those of the trade are DOMAIN's and the drawn certificate's."""

_PARTIES: Final = ("holder", "debtor", "originator")
_REGIONS: Final = {"en": "GB", "zh": "CN"}


def names_for(connection: Connection, gathered: Gathered) -> dict[Address, str]:
    """The names, as known here, of those whom the page is about."""
    found = parties.parties_by_address(connection, _people(gathered))
    return {address: row.name for address, row in found.items()}


def certificate_pdf(
    bundle: bytes, *, names: Mapping[Address, str], language: str, public_url: str | None = None
) -> bytes:
    """The page as PDF/A-3, in "en" or "zh". Its code is `code_text`."""
    made = compiler().compile(
        format="pdf",
        sys_inputs=inputs(bundle, names=names, language=language, public_url=public_url),
        pdf_standards=["a-3b"],
        timestamp=Header.decode(Bundle.decode(bundle).header).at,
    )
    assert isinstance(made, bytes)  # no file was named to write to
    return made


def code_text(bundle: Bundle, *, public_url: str | None) -> str:
    """What the QR code says: where this very proof is, or, without an address, what it is about."""
    header = Header.decode(bundle.header)
    if public_url is None:
        parts = (bundle.chain_id, to_hex(bundle.contract), bundle.certificate, to_hex(header.hash), _head(bundle))
        return "counterfoil:" + ":".join(map(str, parts))
    asked = {"block": header.number} | ({"redact": "true"} if bundle.sealed else {})
    return f"{public_url.rstrip('/')}/v1/certificates/{quote(str(bundle.certificate))}/proof?{urlencode(asked)}"


def inputs(data: bytes, *, names: Mapping[Address, str], language: str, public_url: str | None) -> dict[str, str]:
    """What the page is set from: words and values, the code as a picture, the proof to attach."""
    bundle = Bundle.decode(data)
    drawn = io.BytesIO()
    code = segno.make_qr(code_text(bundle, public_url=public_url), error="m")
    code.save(drawn, kind="svg", border=0, xmldecl=False, svgns=True)
    sheet = _Sheet(bundle, names, language, has_address=public_url is not None)
    return {
        "sheet": json.dumps(sheet.to_json(), ensure_ascii=False),
        "proof": data.decode(),
        "qr": drawn.getvalue().decode(),
    }


def compiler() -> typst.Compiler:
    """What sets the page."""
    template = resources.files(__package__).joinpath("certificate.typ").read_bytes()
    return typst.Compiler(template, font_paths=_fonts())


@cache
def _fonts() -> typst.Fonts:
    """Those of the package and of typst, never the machine's."""
    return typst.Fonts(include_system_fonts=False, font_paths=[pylopdf_fonts_zh_cn.sans_path().parent])


class _Sheet:
    """What stands on the page, ready to be shown."""

    def __init__(self, bundle: Bundle, names: Mapping[Address, str], language: str, *, has_address: bool) -> None:
        self.bundle = bundle
        self.header = Header.decode(bundle.header)
        self.names = names
        self.language = language
        self.words = CATALOGUE[language]
        self.has_address = has_address

    def to_json(self) -> dict[str, Any]:
        """As certificate.typ takes it."""
        stated = self.bundle.stated
        amount = self._money(self.bundle.certificate.end - self.bundle.certificate.start)
        in_words = {"en": amount_words.english, "zh": amount_words.chinese}[self.language](amount)
        return {
            "lang": self.language,
            "region": _REGIONS[self.language],
            "words": {**self.words, "steps": [*self._steps()]},
            "certificate": str(self.bundle.certificate),
            "as-of": self._as_of(),
            "amount": str(amount),
            "amount-in-words": in_words,
            "notice": None if stated["holder"] else self.words["ended"],
            "parties": [(self.words[role], *self._party(_address(stated[role]))) for role in _PARTIES if stated[role]],
            "facts": [
                (self.words["due"], calendar.day(stated["due"])),
                (self.words["phase"], self.words[f"phase_{stated['phase']}"]),
                (self.words["confirmation"], self._confirmation(stated["confirmation"])),
            ],
            "encumbrances": [*self._encumbrances(stated["encumbrances"])],
            "block": [*self._block()],
        }

    def _money(self, minor: int) -> Money:
        code = self.bundle.stated["amount"]["currency"]
        return Money(minor, currency_to_show(int(code[1:])) if code.startswith("#") else currency(code))

    def _as_of(self) -> str:
        return self.words["as_of"].format(number=self.header.number, at=calendar.instant(self.header.at))

    def _party(self, address: Address) -> tuple[str | None, str]:
        name = self.names.get(address)
        return None if name is None else _shortened(name, NAME_CHARACTERS_MAX), format_address(address)

    def _who(self, text: str) -> str:
        name, address = self._party(_address(text))
        return address if name is None else _shortened(name, NAME_IN_TEXT_CHARACTERS_MAX)

    def _confirmation(self, stated: Mapping[str, Any] | None) -> str:
        if stated is None:
            return self.words["unconfirmed"]
        return self.words["confirmed"].format(at=calendar.instant(stated["at"]), entry=stated["entry"])

    def _encumbrances(self, stated: list[Mapping[str, Any]]) -> Iterator[str]:
        if not stated:
            yield self.words["none"]
        for one in stated[:ENCUMBRANCES_SHOWN_MAX]:
            yield self._encumbrance(one)
        if more := len(stated[ENCUMBRANCES_SHOWN_MAX:]):
            yield self.words["more"].format(count=more)

    def _encumbrance(self, stated: Mapping[str, Any]) -> str:
        match stated["kind"]:
            case "lien":
                amount = self._money(int(stated["secured"]))
                return self.words["lien"].format(who=self._who(stated["financier"]), amount=amount)
            case "recourse":
                amount = self._money(int(stated["amount"]))
                words = self.words["recourse_demanded" if stated["demanded"] else "recourse"]
                return words.format(who=self._who(stated["seller"]), amount=amount)
            case "freeze":
                until = calendar.instant(stated["until"])
                return self.words["freeze"].format(order=f"{stated['order'][:18]}…", until=until)
            case "dispute":
                return self.words["dispute"]
            case _:
                return self.words[f"holder_{stated['status']}"]

    def _block(self) -> Iterator[tuple[str, str, bool]]:
        """Label, value, and whether the value is digits to compare."""
        words, header, bundle = self.words, self.header, self.bundle
        contract = words["contract_on"].format(contract=format_address(bundle.contract), chain=bundle.chain_id)
        yield words["block_number"], f"{header.number} · {calendar.instant(header.at)}", False
        yield words["block_hash"], to_hex(header.hash), True
        yield words["journal"], words["entries"].format(count=bundle.stated["history"]["entries"]), False
        yield words["head"], _head(bundle), True
        yield words["contract"], contract, True

    def _steps(self) -> Iterator[str]:
        yield self.words["step_proof" if self.has_address else "step_proof_alone"]
        yield self.words["step_hash"].format(number=self.header.number)
        yield self.words["step_run"]


def _head(bundle: Bundle) -> str:
    return str(bundle.stated["history"]["head"])


def _address(text: str) -> Address:
    return Address(bytes.fromhex(text[2:]))


def _shortened(name: str, most: int) -> str:
    shown = printable(name)
    shown = shown if len(shown) <= most else shown[: most - 1] + "…"
    return _UNBROKEN.sub("\\g<0>\N{ZERO WIDTH SPACE}", shown)


def _people(gathered: Gathered) -> Iterator[Address]:
    receivable = gathered.history.receivable
    yield from (receivable.debtor, receivable.originator)
    part = part_of(receivable, gathered.wanted.certificate)
    if part is not None:
        yield part.holder
        if part.lien is not None:
            yield part.lien.financier
        if part.recourse is not None:
            yield part.recourse.seller
