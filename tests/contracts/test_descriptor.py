"""What wallets are told of a certificate: the metadata and the picture, read back by parsers of others."""

from __future__ import annotations

import base64
import json
import random
import re
from collections.abc import Iterator
from datetime import UTC, date, datetime, timedelta
from decimal import Decimal
from typing import Any

import ape
import pytest
from lxml import etree

from registry.domain.identifiers import MINOR_MAX, CertificateId
from registry.domain.money import CURRENCIES, Currency, Money, currency_to_show, format_amount
from registry.settings import PROJECT_ROOT
from tests.contracts.door import Door, refused
from tests.contracts.house import DAY, NOBODY, ORDER, OVERDUE_GRACE_DAYS, House, named, token
from tests.contracts.till import Till

SVG = "{http://www.w3.org/2000/svg}"
DATA_JSON, DATA_SVG = "data:application/json;base64,", "data:image/svg+xml;base64,"
DRAWN = {"svg", "title", "g", "rect", "path", "ellipse", "switch", "text", "tspan"}
ATTRIBUTES = {
    *("viewBox", "role", "{http://www.w3.org/XML/1998/namespace}lang", "systemLanguage"),
    *("x", "y", "dx", "rx", "ry", "width", "height", "d", "transform"),
    *("fill", "stroke", "stroke-width", "opacity", "font-family", "font-size", "text-anchor"),
}
SAID_TWICE = {"Certificate": "债权凭证", "Debtor": "债务人", "Due date": "到期日", "Range": "子票区间"}
OTHER_ORDER = b"\x0b" * 32
DOCUMENTATION = PROJECT_ROOT / "docs" / "certificate.md"
PART = 40_000
"""Where receivables of 100,000 cents are cut for a dispute or a partial payment."""


def metadata(house: House, certificate: int) -> dict[str, Any]:
    """What tokenURI says."""
    uri = house.receivables.tokenURI(certificate)
    assert uri.startswith(DATA_JSON)
    described: dict[str, Any] = json.loads(base64.b64decode(uri.removeprefix(DATA_JSON), validate=True))
    return described


def attributes(house: House, certificate: int) -> dict[str, Any]:
    """The values by trait; no trait twice."""
    traits = metadata(house, certificate)["attributes"]
    found = {trait["trait_type"]: trait["value"] for trait in traits}
    assert len(found) == len(traits)
    return found


def picture(house: House, certificate: int) -> Any:
    """The image of the metadata, as XML."""
    image = metadata(house, certificate)["image"]
    assert image.startswith(DATA_SVG)
    return etree.fromstring(base64.b64decode(image.removeprefix(DATA_SVG), validate=True))


def drawn(house: House, descriptor: Door, certificate: int, language: str = "en") -> Any:
    return etree.fromstring(descriptor.svg(house.receivables.address, certificate, language).encode())


def texts(image: Any) -> list[str]:
    """The texts of a picture from top to bottom, without the spaces at their ends."""
    return ["".join(text.itertext()).strip() for text in image.iter(SVG + "text")]


def bar(image: Any) -> tuple[int, int]:
    """Left edge and width of the drawn range, as parts of 1,044."""
    track, piece = [rect for rect in image.iter(SVG + "rect") if rect.get("height") == "22"]
    assert (track.get("x"), track.get("width"), track.get("y")) == ("72", "1044", piece.get("y"))
    return int(piece.get("x")) - 72, int(piece.get("width"))


def grouped(minor: int, currency: Currency) -> str:
    """The amount with thousands set apart, without the currency."""
    return str(Money(minor, currency)).removesuffix(f" {currency.code}")


# -------------------------------------------------------------------- currencies


def test_every_currency_has_the_code_and_the_decimals_that_we_use(descriptor: Door) -> None:
    told = {numeric: tuple(descriptor.currency(numeric)) for numeric in range(1000)}
    ours = map(currency_to_show, range(1000))
    assert told == {currency.numeric: (currency.code, currency.exponent) for currency in ours}
    assert len({code for code, _ in told.values()}) == 1000


# ---------------------------------------------------------------------- metadata


def test_without_a_descriptor_there_is_nothing_to_tell(house: House) -> None:
    assert house.receivables.policy().descriptor == NOBODY
    assert house.receivables.tokenURI(token(house.confirmed())) == ""


def test_the_metadata_of_a_certificate(house: House, descriptor: Door) -> None:
    receivable_id = house.confirmed(face=20_000_000)
    house.split(token(receivable_id), 16_657_500)
    certificate = token(receivable_id, 16_657_500)
    due = house.record(receivable_id).due
    described = metadata(house, certificate)
    assert descriptor.tokenURI(house.receivables.address, certificate) == house.receivables.tokenURI(certificate)
    assert set(described) == {"name", "description", "image", "attributes"}
    assert described["name"] == str(CertificateId(receivable_id, 16_657_500, 20_000_000))
    assert described["description"].count("EUR 33,425.00") == 2
    assert described["attributes"] == [
        {"trait_type": "Status", "value": "live"},
        {"trait_type": "Amount", "value": "33425.00"},
        {"trait_type": "Currency", "value": "EUR"},
        {"trait_type": "Face amount", "value": "200000.00"},
        {"trait_type": "Range start", "value": "16657500"},
        {"trait_type": "Range end", "value": "20000000"},
        {"trait_type": "Debtor", "value": house.buyer.address},
        {"trait_type": "Due date", "value": datetime.fromtimestamp(due, UTC).date().isoformat()},
        {"display_type": "date", "trait_type": "Due", "value": due},
        {"trait_type": "Receivable", "value": f"R-{receivable_id}"},
        {"trait_type": "Journal head", "value": "0x" + house.head(receivable_id).hex()},
        {"trait_type": "Registry", "value": house.receivables.address},
        {"trait_type": "Chain id", "value": str(ape.chain.chain_id)},
    ]


def test_the_documentation_names_every_trait_in_order(house: House, till: Till, descriptor: Door) -> None:
    table = re.findall("^\\| ([A-Z][^|]+) \\|", DOCUMENTATION.read_text(), re.MULTILINE)
    told = [list(attributes(house, certificate)) for certificate in one_of_each(till).values()]
    for traits in told:
        assert traits == [trait for trait in table if trait in traits]
    assert set().union(*told) == set(table)


def random_cases() -> Iterator[tuple[int, int, int, int]]:
    """Currency, face, cut, and the side of the cut; amounts of every length, and every number of decimals."""
    chance = random.Random(20_260_930)
    by_exponent = [[each.numeric for each in CURRENCIES.values() if each.exponent == digits] for digits in (0, 2, 3, 4)]
    for index in range(15):
        currency = chance.choice([[998, 2, 30], *by_exponent][index % 5])
        face = min(int(10 ** chance.uniform(0.5, 19.3)), MINOR_MAX)
        yield currency, face, chance.randrange(1, face), index % 2
    yield 990, MINOR_MAX, 1, 1
    yield 392, MINOR_MAX, MINOR_MAX - 1, 1


@pytest.mark.parametrize(("numeric", "face", "cut", "side"), random_cases())
def test_every_value_is_exact(house: House, descriptor: Door, numeric: int, face: int, cut: int, side: int) -> None:
    receivable_id = house.confirmed(face=face, currency=numeric)
    house.split(token(receivable_id), cut)
    start, end = [(0, cut), (cut, face)][side]
    certificate, currency = token(receivable_id, start), currency_to_show(numeric)

    told = attributes(house, certificate)
    assert (told["Amount"], told["Face amount"]) == (
        format_amount(end - start, currency),
        format_amount(face, currency),
    )
    assert (told["Currency"], told["Range start"], told["Range end"]) == (currency.code, str(start), str(end))

    name = str(CertificateId(receivable_id, start, end))
    image = drawn(house, descriptor, certificate)
    assert image.findtext(SVG + "title") == metadata(house, certificate)["name"] == name
    assert {
        name,
        currency.code + grouped(end - start, currency),
        f"{grouped(start, currency)} – {grouped(end, currency)}",
        grouped(0, currency),
        f"Face amount {currency.code} {grouped(face, currency)}",
        house.buyer.address,
        told["Due date"],
        f"R-{receivable_id}",
        house.receivables.address,
        str(certificate),
        told["Journal head"],
    } <= set(texts(image))

    left, width = bar(image)
    before, after = 1044 * start - left * face, (left + width) * face - 1044 * end
    assert 0 <= left < left + width <= 1044
    assert min(before, after) >= 0  # it covers the range
    assert width == 4 or max(before, after) < face  # and nothing else but the rest of a pixel


def test_who_holds_it_is_not_told(house: House, descriptor: Door) -> None:
    """Nobody fetches metadata again because a certificate moved."""
    certificate = token(house.confirmed())
    house.endorse(certificate, to=house.supplier)
    uri = house.receivables.tokenURI(certificate)
    content = base64.b64decode(uri.removeprefix(DATA_JSON)).decode() + "".join(texts(picture(house, certificate)))
    assert house.buyer.address in content
    for holder in (house.supplier, house.seller):
        assert holder.address[2:].lower() not in content.lower()


# ------------------------------------------------------------------------- dates


def at(house: House, descriptor: Door, certificate: int, timestamp: int) -> list[str]:
    """The texts of the picture as they will be, or would have been, at an instant."""
    data = descriptor.svg.encode_input(house.receivables.address, certificate, "en")
    call = {"to": descriptor.address, "data": "0x" + data.hex()}
    answer = house.node.request("eth_call", call, "latest", {}, {"time": hex(timestamp)})
    (svg,) = ape.networks.ethereum.decode_returndata(
        descriptor.contract_type.view_methods["svg"], bytes.fromhex(answer[2:])
    )
    return texts(etree.fromstring(svg.encode()))


def test_a_picture_names_the_minute_at_which_it_was_true(house: House, descriptor: Door) -> None:
    certificate = token(house.confirmed())
    chance = random.Random(7)
    first, last = datetime(1970, 1, 1, tzinfo=UTC), datetime(9999, 12, 31, 23, 59, 59, tzinfo=UTC)
    edges = [date(2000, 2, 29), date(2027, 12, 31), date(2028, 2, 29), date(2100, 3, 1), date(2400, 2, 29)]
    instants = [
        datetime(day.year, day.month, day.day, tzinfo=UTC) + timedelta(seconds=s) for day in edges for s in (0, -1)
    ]
    instants += [first + timedelta(seconds=chance.randrange(int((last - first).total_seconds()))) for _ in range(40)]
    for instant in [first, last, *instants]:
        told = at(house, descriptor, certificate, int(instant.timestamp()))
        assert told[-1] == instant.strftime("%Y-%m-%d %H:%M UTC")


# ------------------------------------------------------------------------ status


def status(house: House, descriptor: Door, certificate: int) -> tuple[str, str]:
    """As the metadata says it, and as the picture does."""
    image = drawn(house, descriptor, certificate)
    (said,) = (text for text in image.iter(SVG + "text") if text.get("text-anchor") == "middle")
    return attributes(house, certificate)["Status"], said.text


def one_of_each(till: Till) -> dict[str, int]:
    """A certificate of each status, in which whatever else can hold along with it holds; all at one instant."""
    house, due = till.house, till.house.midnight(days=3)
    live, pledged = till.parts(), till.parts(due=due)
    disputed, paid, closed, part_paid, is_due = (till.parts(PART, due=due) for _ in range(5))
    frozen = till.parts(due=due)
    till.pledge(token(pledged))
    for each in (disputed, frozen):
        till.dispute(token(each), PART)
        till.pay(each, 60_000)
    till.reach(is_due, days=OVERDUE_GRACE_DAYS)
    house.freeze_certificate(house.present(token(frozen)))
    till.pay(paid, 100_000)
    for each in (pledged, closed, part_paid):
        till.pay(each, 10_000)
    for each in (disputed, pledged, closed):
        till.close(each)
    return {
        "frozen": token(frozen),
        "disputed": token(disputed),
        "pledged": token(pledged),
        "paid": token(disputed, PART),
        "closed": token(closed),
        "part-paid": token(part_paid),
        "due": token(is_due),
        "live": token(live),
    }


def test_the_status_is_what_a_buyer_must_know_first(house: House, till: Till, descriptor: Door) -> None:
    certificates = one_of_each(till)
    assert {each: status(house, descriptor, certificate) for each, certificate in certificates.items()} == {
        "frozen": ("frozen", "Frozen · Part-paid"),
        "disputed": ("disputed", "Disputed · Closed"),
        "pledged": ("pledged", "Pledged · Closed"),
        "paid": ("paid", "Paid"),
        "closed": ("closed", "Closed"),
        "part-paid": ("part-paid", "Part-paid"),
        "due": ("due", "Due"),
        "live": ("live", "Live"),
    }
    documented = re.findall("^\\| `([a-z-]+)` \\|", DOCUMENTATION.read_text(), re.MULTILINE)
    assert documented == list(certificates)
    stages = {each: attributes(house, certificate).get("Stage") for each, certificate in certificates.items()}
    told = {each: stage for each, stage in stages.items() if stage}
    assert told == {"frozen": "part-paid", "disputed": "closed", "pledged": "closed"}


def test_each_status_has_its_colour(house: House, till: Till, descriptor: Door) -> None:
    images = [drawn(house, descriptor, certificate) for certificate in one_of_each(till).values()]
    frames = [next(image.iter(SVG + "g")).get("stroke") for image in images]
    assert len(set(frames)) == len(frames)
    assert frames == [[*image.iter(SVG + "rect")][-1].get("fill") for image in images]


def test_a_certificate_is_due_from_the_midnight_that_begins_the_due_day(house: House, descriptor: Door) -> None:
    receivable_id = house.confirmed(due=house.midnight(days=2))
    certificate, due = token(receivable_id), house.record(receivable_id).due
    house.wait(due - 1 - house.now)
    assert status(house, descriptor, certificate) == ("live", "Live")
    house.wait(1)
    assert status(house, descriptor, certificate) == ("due", "Due")


@pytest.mark.parametrize("scope", ["certificate", "receivable", "holder"])
def test_an_order_freezes_until_it_expires_or_is_lifted(house: House, descriptor: Door, scope: str) -> None:
    receivable_id = house.confirmed()
    certificate = token(receivable_id)
    orders: dict[str, Any] = {
        "certificate": (house.freeze_certificate, house.unfreeze_certificate, named(certificate)),
        "receivable": (house.freeze_receivable, house.unfreeze_receivable, receivable_id),
        "holder": (house.freeze_member, house.unfreeze_member, house.seller),
    }
    freeze, unfreeze, thing = orders[scope]
    expiry = house.now + 30 * DAY
    freeze(thing, expiry=expiry)
    assert status(house, descriptor, certificate) == ("frozen", "Frozen")
    told = attributes(house, certificate)
    assert (told["Order"], told["Frozen until"]) == ("0x" + ORDER.hex(), expiry)
    until = datetime.fromtimestamp(expiry, UTC).strftime("%Y-%m-%d %H:%M UTC")
    assert f"By order until {until}" in texts(drawn(house, descriptor, certificate))

    house.wait(expiry - 1 - house.now)
    assert status(house, descriptor, certificate)[0] == "frozen"
    house.wait(1)
    assert status(house, descriptor, certificate) == ("live", "Live")

    freeze(thing, order=OTHER_ORDER, expiry=expiry + DAY)
    assert attributes(house, certificate)["Order"] == "0x" + OTHER_ORDER.hex()
    unfreeze(thing, order=OTHER_ORDER)
    assert status(house, descriptor, certificate) == ("live", "Live")


def test_an_order_on_another_thing_freezes_nothing_here(house: House, descriptor: Door) -> None:
    receivable_id = house.confirmed()
    house.split(token(receivable_id), 50_000, to=house.supplier)
    house.freeze_certificate(house.present(token(receivable_id)))
    house.freeze_member(house.seller)
    assert status(house, descriptor, token(receivable_id, 50_000)) == ("live", "Live")


def test_of_several_orders_the_one_that_lasts_longest_is_told(house: House, descriptor: Door) -> None:
    receivable_id = house.confirmed()
    certificate = token(receivable_id)
    house.freeze_receivable(receivable_id, expiry=house.now + 20 * DAY)
    house.freeze_certificate(named(certificate), order=OTHER_ORDER, expiry=house.now + 30 * DAY)
    house.freeze_member(house.seller, expiry=house.now + 10 * DAY)
    told = attributes(house, certificate)
    assert (told["Order"], told["Frozen until"] - house.now > 29 * DAY) == ("0x" + OTHER_ORDER.hex(), True)


def frozen_and_due(house: House) -> int:
    receivable_id = house.confirmed(due=house.midnight(days=2))
    house.freeze_receivable(receivable_id)
    house.wait(house.record(receivable_id).due - house.now)
    return token(receivable_id)


def test_a_certificate_can_be_frozen_and_due(house: House, descriptor: Door) -> None:
    assert status(house, descriptor, frozen_and_due(house)) == ("frozen", "Frozen · Due")


# ------------------------------------------------------------------------- money


def test_a_pledge_is_told_until_the_financier_gives_it_up(house: House, till: Till, descriptor: Door) -> None:
    certificate = token(house.confirmed())
    till.pledge(certificate, 75_000)
    assert status(house, descriptor, certificate) == ("pledged", "Pledged")
    told = attributes(house, certificate)
    assert (told["Pledged to"], told["Secured amount"]) == (house.bank.address, "750.00")
    assert f"Pledged to {house.bank.address} for EUR 750.00" in texts(drawn(house, descriptor, certificate))

    till.release(certificate)
    assert status(house, descriptor, certificate) == ("live", "Live")
    assert not {"Pledged to", "Secured amount"} & set(attributes(house, certificate))
    assert house.bank.address not in "".join(texts(drawn(house, descriptor, certificate)))


def test_a_part_of_a_pledged_certificate_is_pledged_for_its_part(house: House, till: Till, descriptor: Door) -> None:
    certificate = token(house.confirmed())
    till.pledge(certificate, 999)
    house.partition(named(certificate), 50_000)
    parts = [attributes(house, each) for each in (certificate, certificate + 50_000)]
    assert [(told["Status"], told["Secured amount"]) for told in parts] == [("pledged", "4.99"), ("pledged", "5.00")]


def test_a_dispute_is_told_of_its_own_cents_until_it_is_resolved(house: House, till: Till, descriptor: Door) -> None:
    receivable_id = house.confirmed()
    till.dispute(token(receivable_id), 30_000)
    disputed, other = token(receivable_id), token(receivable_id, 30_000)
    assert status(house, descriptor, disputed) == ("disputed", "Disputed")
    assert attributes(house, disputed)["Amount in dispute"] == "300.00"
    dispute = "In dispute between debtor and originator"
    assert dispute in texts(drawn(house, descriptor, disputed))
    assert status(house, descriptor, other) == ("live", "Live")
    assert dispute not in texts(drawn(house, descriptor, other))

    till.resolve(receivable_id)
    for certificate in (disputed, other):
        assert status(house, descriptor, certificate) == ("live", "Live")
        assert "Amount in dispute" not in attributes(house, certificate)


PAYMENTS = ("Paid so far", "Paid out so far", "Paid of the receivable")


def test_payments_are_told_by_what_is_for_the_certificate(house: House, till: Till, descriptor: Door) -> None:
    receivable_id = till.parts(PART, due=house.midnight(days=2))
    certificate = token(receivable_id, PART)

    def payments() -> tuple[str, ...]:
        told = attributes(house, certificate)
        drawn_texts = texts(drawn(house, descriptor, certificate))
        assert f"Paid EUR {told[PAYMENTS[0]]} · Paid out EUR {told[PAYMENTS[1]]}" in drawn_texts
        (left,) = till.redeemable(certificate)
        assert Decimal(told[PAYMENTS[0]]) - Decimal(told[PAYMENTS[1]]) == Decimal(left) / 100
        return tuple(told[name] for name in PAYMENTS)

    till.reach(receivable_id)
    assert not set(PAYMENTS) & set(attributes(house, certificate))
    till.pay(receivable_id, 33_333)
    assert status(house, descriptor, certificate) == ("part-paid", "Part-paid")
    assert payments() == ("199.99", "0.00", "333.33")
    till.redeem(certificate)
    assert payments() == ("199.99", "199.99", "333.33")
    till.pay(receivable_id, 66_667)
    assert status(house, descriptor, certificate) == ("paid", "Paid")
    assert payments() == ("600.00", "199.99", "1000.00")


def test_what_is_paid_of_others_is_not_paid_of_disputed_cents(house: House, till: Till, descriptor: Door) -> None:
    receivable_id = house.confirmed()
    till.dispute(token(receivable_id), PART)
    till.pay(receivable_id, 60_000)
    junior, senior = token(receivable_id), token(receivable_id, PART)
    assert status(house, descriptor, senior) == ("paid", "Paid")
    assert status(house, descriptor, junior) == ("disputed", "Disputed · Part-paid")
    assert [attributes(house, junior)[name] for name in PAYMENTS] == ["0.00", "0.00", "600.00"]
    till.resolve(receivable_id)
    assert status(house, descriptor, junior) == ("part-paid", "Part-paid")
    till.pay(receivable_id, PART)
    assert status(house, descriptor, junior) == ("paid", "Paid")


def test_no_more_is_told_to_be_paid_out_than_was_paid(house: House, till: Till, descriptor: Door) -> None:
    """A partition divides what was paid out; its parts together are due less than the whole."""
    receivable_id = till.parts(10, face=100, due=house.midnight(days=2))
    certificate = token(receivable_id)
    till.reach(receivable_id)
    till.pay(receivable_id, 50)
    till.redeem(certificate)
    house.partition(named(certificate, 10), 5)
    told = [attributes(house, each) for each in (certificate, certificate + 5)]
    assert [[each[name] for name in PAYMENTS] for each in told] == [["0.02", "0.02", "0.50"], ["0.03", "0.03", "0.50"]]


# ----------------------------------------------------------------------- picture


@pytest.fixture(params=["live", "frozen and due", "disputed", "pledged"])
def drawable(house: House, till: Till, request: pytest.FixtureRequest) -> int:
    """A certificate with the fewest words, and those with the most."""
    return frozen_and_due(house) if request.param == "frozen and due" else one_of_each(till)[request.param]


def test_a_picture_holds_nothing_but_shapes_and_text(house: House, descriptor: Door, drawable: int) -> None:
    pictures = [drawn(house, descriptor, drawable, language) for language in ("en", "zh")]
    for image in (picture(house, drawable), *pictures):
        assert {str(element.tag).removeprefix(SVG) for element in image.iter()} <= DRAWN
        assert {str(name) for element in image.iter() for name in element.attrib} <= ATTRIBUTES
        assert not [value for element in image.iter() for value in element.attrib.values() if re.search("[:/&]", value)]


def test_the_picture_of_the_metadata_says_in_both_languages_what_the_two_others_say(
    house: House, descriptor: Door, drawable: int
) -> None:
    english, chinese = (drawn(house, descriptor, drawable, language) for language in ("en", "zh"))
    assert dict(zip(texts(english), texts(chinese), strict=True)).items() >= SAID_TWICE.items()
    for one, hidden in ((english, 0), (chinese, 1)):
        both = picture(house, drawable)
        for switch in both.iter(SVG + "switch"):
            assert [element.get("systemLanguage", "").split(",")[0] for element in switch] == ["zh", ""]
            switch.remove(switch[hidden])
        assert texts(both) == texts(one)


def test_a_language_that_there_is_no_picture_in_is_refused(house: House, descriptor: Door) -> None:
    certificate = token(house.confirmed())
    for language in ("", "de", "zh-TW", "EN"):
        with refused("LanguageUnknown", language=language):
            descriptor.svg(house.receivables.address, certificate, language)


# ------------------------------------------------------------------ no certificate


def test_what_is_no_certificate_is_not_described(house: House, descriptor: Door) -> None:
    registered = house.register()
    merged = house.confirmed()
    house.split(token(merged), 50_000, to=house.seller)
    house.merge(token(merged))
    registry = house.receivables.address
    for certificate in (token(registered), token(merged, 50_000), token(merged, 1), 0, 2**256 - 1):
        with refused("UnknownCertificate", certificateId=certificate):
            house.receivables.tokenURI(certificate)
        with refused("UnknownCertificate", certificateId=certificate):
            descriptor.tokenURI(registry, certificate)
        with refused("UnknownCertificate", certificateId=certificate):
            descriptor.svg(registry, certificate, "en")
