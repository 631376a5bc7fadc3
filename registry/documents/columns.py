"""The columns of a table of invoices: what they may be called, and which fields of an invoice they are."""

from __future__ import annotations

import unicodedata
from collections.abc import Container, Mapping, Sequence
from typing import ClassVar, Final

from registry.documents.parties import GLN, LEI, USCC, PartyIdentifier
from registry.domain.refusals import Refusal

COLUMNS_MAX: Final = 200
"""Most columns."""


class TableColumnsMissing(Refusal):
    code: ClassVar[str] = "table_columns_missing"
    title: ClassVar[str] = "The table lacks columns that an invoice needs"
    default_hint: ClassVar[str] = "--map COLUMN=FIELD names a column, --set FIELD=VALUE gives all rows one value."


class TableColumnsAmbiguous(Refusal):
    code: ClassVar[str] = "table_columns_ambiguous"
    title: ClassVar[str] = "Several columns of the table would be one field"
    default_hint: ClassVar[str] = "--map COLUMN=FIELD says which one counts; a name that two columns have cannot."


class TableFormatUnknown(Refusal):
    code: ClassVar[str] = "table_format_unknown"
    title: ClassVar[str] = "That does not describe a table"
    default_hint: ClassVar[str] = (
        "Dates are described as DD.MM.YYYY, numbers by the decimal mark, columns as COLUMN=FIELD."
    )


# English, German, Chinese; compared without case, blanks and punctuation.
_HEADERS: Final[Mapping[str, str]] = {
    "number": "number, invoice number, invoice no, invoice id, document number, document no, "
    "Rechnungsnummer, Rechnungsnr, Rechnung Nr, Belegnummer, Belegnr, 发票号码, 发票号, 发票编号, 单据号",
    "issue_date": "issue date, invoice date, document date, date, "
    "Rechnungsdatum, Belegdatum, Ausstellungsdatum, Datum, 开票日期, 发票日期",
    "due_date": "due date, due, due on, payment due date, "
    "Fälligkeit, Fälligkeitsdatum, Fällig am, 到期日, 到期日期, 付款到期日",
    "currency": "currency, currency code, Währung, Währungscode, 币种, 货币",
    "payable": "payable, amount payable, amount due, amount, open amount, "
    "Zahlbetrag, Betrag, Offener Betrag, Fälliger Betrag, 应付金额, 金额, 未付金额",
    "type_code": "type code, invoice type, document type, Rechnungsart, Belegart, 发票类型",
    "tax_inclusive": "tax inclusive, total, gross amount, invoice total, Bruttobetrag, Rechnungsbetrag, 价税合计",
    "prepaid": "prepaid, paid, amount paid, Anzahlung, Bezahlt, 预付款, 已付金额",
    "delivery_date": "delivery date, delivered on, Lieferdatum, Leistungsdatum, 交货日期, 送货日期",
    "order_reference": "order reference, order number, purchase order, Bestellnummer, Bestellnr, 订单号, 采购订单号",
    "payment_terms": "payment terms, Zahlungsbedingungen, Zahlungsziel, 付款条件",
    "seller_name": "seller, seller name, supplier, supplier name, "
    "Verkäufer, Lieferant, 销售方名称, 销售方, 供应商, 供应商名称",
    "seller_id": "seller id",
    "seller_vat": "seller vat, seller vat id, supplier vat id, USt-IdNr Verkäufer, USt-IdNr Lieferant",
    "seller_gln": "seller gln, supplier gln, GLN Verkäufer, GLN Lieferant",
    "seller_lei": "seller lei, supplier lei, LEI Verkäufer, LEI Lieferant",
    "seller_uscc": "seller uscc, supplier uscc, 销售方统一社会信用代码, 供应商统一社会信用代码",
    "seller_tax": "seller tax number, supplier tax number, Steuernummer Verkäufer, Steuernummer Lieferant",
    "seller_local": "seller number, supplier number, vendor number, Lieferantennummer, Kreditorennummer",
    "seller_country": "seller country, supplier country, Land Verkäufer, Land Lieferant",
    "buyer_name": "buyer, buyer name, customer, customer name, debtor, "
    "Käufer, Kunde, Kundenname, Debitor, 购买方名称, 购买方, 客户, 客户名称, 债务人",
    "buyer_id": "buyer id",
    "buyer_vat": "buyer vat, buyer vat id, customer vat id, vat id, USt-IdNr, USt-IdNr Käufer, USt-IdNr Kunde",
    "buyer_gln": "buyer gln, customer gln, gln, GLN Käufer, GLN Kunde",
    "buyer_lei": "buyer lei, customer lei, lei, LEI Käufer, LEI Kunde",
    "buyer_uscc": "buyer uscc, customer uscc, uscc, 购买方统一社会信用代码, 客户统一社会信用代码, 统一社会信用代码",
    "buyer_tax": "buyer tax number, customer tax number, Steuernummer, Steuernummer Käufer, Steuernummer Kunde",
    "buyer_local": "buyer number, customer number, Kundennummer, Debitorennummer",
    "buyer_country": "buyer country, customer country, country, Land Käufer, Land Kunde, Land, 国家",
}

FIELDS: Final = tuple(_HEADERS)
"""What a column can be. An identity is given by any of the columns id ("vat:DE123456789", "scheme:0002:…"), vat, gln,
lei, uscc, tax, local (the party's number in the other's books; needs the name)."""

IDENTITIES: Final[Mapping[str, PartyIdentifier]] = {
    "vat": PartyIdentifier("vat", "", ""),
    "gln": PartyIdentifier("global", GLN, ""),
    "lei": PartyIdentifier("global", LEI, ""),
    "uscc": PartyIdentifier("global", USCC, ""),
    "tax": PartyIdentifier("tax", "", ""),
    "local": PartyIdentifier("local", "", ""),
}
"""Kind and scheme of the identifier that a column of this name holds."""

IDENTITY_KINDS: Final = ("id", *IDENTITIES)
"""What may follow "seller_" or "buyer_" in the name of a field that identifies the party."""

_NEEDED: Final = ("number", "issue_date", "payable", "currency")


def recognised(header: Sequence[str], columns: Mapping[str, str]) -> int:
    """How many of these names are columns of ours, or are mapped to one by `columns`."""
    mapped = {_plain(name) for name in columns}
    return sum(_plain(cell) in mapped or _plain(cell) in _FIELD_BY_HEADER for cell in header)


def places_of(header: Sequence[str], columns: Mapping[str, str]) -> dict[str, int]:
    """The column of each field, counted from 0: the one that `columns` maps to it, else by the column's name.

    Refuses: table_format_unknown (a mapped column that is not there), table_columns_ambiguous.
    """
    plain = [_plain(name) for name in header]
    places: dict[str, int] = {}
    for column, name in columns.items():
        found = [place for place, one in enumerate(plain) if one == _plain(column)]
        if not found:
            raise TableFormatUnknown(
                f"the table has no column {column[:80]!r}", hint=f"Its columns are {_shown(header)}."
            )
        if len(found) > 1 or name in places:
            raise TableColumnsAmbiguous(f"{name}: {_shown([header[place] for place in found] or [column])}")
        places[name] = found[0]
    mapped = set(places)
    taken = set(places.values())
    for place, one in enumerate(plain):
        known = _FIELD_BY_HEADER.get(one)
        if known is None or known in mapped or place in taken:
            continue
        if known in places:
            raise TableColumnsAmbiguous(f"{known}: columns {header[places[known]]!r} and {header[place]!r}")
        places[known] = place
    return places


def require_needed(given: Container[str], header: Sequence[str]) -> None:
    """Pass if these fields can make an invoice. Refuses: table_columns_missing."""
    missing = [name for name in _NEEDED if name not in given]
    missing += [
        f"{role}_id (or {', '.join(f'{role}_{kind}' for kind in IDENTITIES)})"
        for role in ("seller", "buyer")
        if not any(f"{role}_{kind}" in given for kind in IDENTITY_KINDS)
    ]
    if missing:
        raise TableColumnsMissing(f"no column for {'; '.join(missing)}; the columns are {_shown(header)}")


def _shown(names: Sequence[str]) -> str:
    return ", ".join(repr(name[:40]) for name in names[:30]) + (", …" if len(names) > 30 else "")


def _plain(header: str) -> str:
    return "".join(char for char in unicodedata.normalize("NFKC", header).casefold() if char.isalnum())


_FIELD_BY_HEADER: Final = {
    _plain(header): name for name, headers in _HEADERS.items() for header in (name, *headers.split(", "))
}
