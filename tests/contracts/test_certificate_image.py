"""How the picture of a certificate comes out in a browser: measured there, not read from its source."""

from __future__ import annotations

import base64
import json
import re
import shutil
import subprocess
from typing import Any

import pytest

from registry.domain.money import MINOR_MAX
from tests.contracts.browser import evaluate
from tests.contracts.door import Door
from tests.contracts.house import OVERDUE_GRACE_DAYS, House, token
from tests.contracts.till import Till

CHINESE = re.compile("[\u4e00-\u9fff]")
# The margins, less what a J of some fonts reaches to the left; the frame is at 32.
LEFT, RIGHT, TOP, BOTTOM = 64, 1118, 32, 808
PILL = (796, 76, 1116, 122)
# Upwards and downwards what glyphs fill: the boxes of Chinese fonts are half as high again.
MEASURE = """
    const box = text => {
        const {x, width} = text.getBBox(), size = parseFloat(getComputedStyle(text).fontSize)
        const baseline = text.y.baseVal[0].value
        return [text.textContent, x, baseline - 0.9 * size, x + width, baseline + 0.22 * size]
    }
    return [...document.querySelectorAll("svg")].map(svg => [...svg.querySelectorAll("text")].map(box))
"""
# The place of the title; images of data URLs leave a canvas readable.
PIXELS = """
    return [...document.images].map(image => {
        const canvas = document.createElement("canvas"), pen = canvas.getContext("2d")
        canvas.width = 1188, canvas.height = 840
        pen.drawImage(image, 0, 0)
        const title = [...pen.getImageData(60, 60, 500, 70).data]
        return {size: [image.naturalWidth, image.naturalHeight], title: title.join(), colours: new Set(title).size}
    })
"""
GLYPHS = """
    const seen = new Set(document.body.innerText.match(/[\\u4e00-\\u9fff]/g))
    return [...seen].map(character => {
        const canvas = document.createElement("canvas"), pen = canvas.getContext("2d", {willReadFrequently: true})
        pen.font = "40px " + document.querySelector("svg").getAttribute("font-family")
        pen.fillText(character, 5, 50)
        return [character, pen.getImageData(0, 0, 60, 70).data.join()]
    })
"""


def certificates(till: Till) -> dict[str, int]:
    """One of each kind that is drawn in a way of its own, all at one instant."""
    house = till.house
    due = house.midnight(days=2)
    largest = house.confirmed(face=MINOR_MAX, currency=999)
    till.pledge(token(largest), MINOR_MAX)
    cut = house.confirmed(face=MINOR_MAX, currency=990)
    house.split(token(cut), MINOR_MAX - 10**18, to=house.seller)
    frozen = house.confirmed(face=20_000_000, currency=156)
    house.split(token(frozen), 3_000_000, to=house.seller)
    house.freeze_receivable(frozen, expiry=2**40 - 1)
    cent = house.confirmed(face=100_000_000, currency=414, due=due)
    house.split(token(cent), 99_999_999)
    frozen_and_due = house.confirmed(face=1, currency=392, due=due)
    house.freeze_receivable(frozen_and_due)
    disputed = house.confirmed(face=MINOR_MAX)
    till.dispute(token(disputed), 5 * 10**18)
    till.pay(disputed, MINOR_MAX - 5 * 10**18)
    house.freeze_certificate(house.present(token(disputed)), expiry=2**40 - 1)
    paid = house.confirmed(face=MINOR_MAX)
    till.pledge(token(paid), MINOR_MAX)
    till.pay(paid, MINOR_MAX)
    closed = house.confirmed(due=due)
    till.reach(closed, days=OVERDUE_GRACE_DAYS)
    till.close(closed)
    return {
        "largest, pledged": token(largest),
        "long range": token(cut, MINOR_MAX - 10**18),
        "frozen": token(frozen, 3_000_000),
        "a cent, due": token(cent, 99_999_999),
        "frozen and due": token(frozen_and_due),
        "disputed, part-paid and frozen": token(disputed),
        "paid while the rest is disputed": token(disputed, 5 * 10**18),
        "pledged and paid": token(paid),
        "closed": token(closed),
    }


def image(house: House, certificate: int) -> str:
    """The data URL of the metadata's image."""
    _, _, described = house.receivables.tokenURI(certificate).partition(",")
    return str(json.loads(base64.b64decode(described))["image"])


def widest(svg: str) -> str:
    """With the longest ids that fit into their words, on a machine whose fonts are wider than most."""
    for shorter, longer in (
        ('="serif,', '="DejaVu Serif,'),
        ('="sans-serif,', '="DejaVu Sans,'),
        (r"R-\d+", f"R-{MINOR_MAX}"),
        (r"/\d+-\d+", f"/{MINOR_MAX - 1}-{MINOR_MAX}"),
        (r'(?<=dx="124">)\d{17,}<', f"{2**128 - 1}<"),
        (r'(?<=dx="124">)\d{,10}<', f"{2**64 - 1}<"),
    ):
        svg, changes = re.subn(shorter, longer, svg)
        assert changes
    return svg


def apart(one: list[Any], other: list[Any]) -> bool:
    """Whether two measured texts do not touch."""
    _, left, top, right, bottom = one
    return bool(right <= other[1] or other[3] <= left or bottom <= other[2] or other[4] <= top)


def test_every_text_has_its_place(house: House, till: Till, descriptor: Door) -> None:
    drawn = {
        (kind, language, width): change(descriptor.svg(house.receivables.address, certificate, language))
        for kind, certificate in certificates(till).items()
        for language in ("en", "zh")
        for width, change in (("usual", str), ("widest", widest))
    }
    measured = evaluate("".join(drawn.values()), MEASURE)
    for which, texts in zip(drawn, measured, strict=True):
        assert len(texts) >= 24, which
        for said, left, top, right, bottom in texts:
            assert LEFT <= left < right <= RIGHT, (which, said)
            assert TOP < top < bottom < BOTTOM, (which, said)
        crossed = [(one, two) for at, one in enumerate(texts) for two in texts[at + 1 :] if not apart(one, two)]
        assert not crossed, which
        (status,) = (text for text in texts if text[1] > 700 and text[4] < PILL[3])
        assert PILL[0] + 10 < status[1] < status[3] < PILL[2] - 10, which
        assert PILL[1] < status[2] < status[4] < PILL[3], which


def test_an_amount_is_as_large_as_its_length_allows(house: House, descriptor: Door) -> None:
    small, large = house.confirmed(face=100_000), house.confirmed(face=MINOR_MAX)
    svgs = [descriptor.svg(house.receivables.address, token(each), "en") for each in (small, large)]
    for texts, words, least in zip(
        evaluate("".join(svgs), MEASURE), ("EUR1,000.00", "EUR184,467"), (70, 40), strict=True
    ):
        (amount,) = (text for text in texts if text[0].startswith(words))
        height, other_heights = amount[4] - amount[2], [text[4] - text[2] for text in texts if text is not amount]
        assert height > max(least, 0.9 * max(other_heights))


@pytest.mark.parametrize(
    ("languages", "expected"), [("zh-CN,zh", "zh"), ("zh", "zh"), ("en-US,en", "en"), ("fr", "en")]
)
def test_an_image_speaks_the_language_that_the_viewer_prefers(
    house: House, descriptor: Door, languages: str, expected: str
) -> None:
    """In an <img>, as wallets show it."""
    certificate = token(house.confirmed())
    sources = [image(house, certificate)]
    for language in ("en", "zh"):
        svg = descriptor.svg(house.receivables.address, certificate, language)
        sources.append("data:image/svg+xml;base64," + base64.b64encode(svg.encode()).decode())
    shown, english, chinese = evaluate(
        "".join(f'<img src="{source}">' for source in sources), PIXELS, languages=languages
    )
    assert shown["size"] == [1188, 840]
    assert english["title"] != chinese["title"]
    assert min(english["colours"], chinese["colours"]) > 10
    assert shown["title"] == {"en": english, "zh": chinese}[expected]["title"]


def test_every_chinese_character_has_a_glyph(house: House, till: Till, descriptor: Door) -> None:
    """What a font lacks is drawn as one and the same box."""
    if not shutil.which("fc-list") or not subprocess.check_output(["fc-list", ":lang=zh-cn"]):
        pytest.skip("No font with Chinese characters is installed, or no fc-list to know it")
    registry = house.receivables.address
    svg = "".join(descriptor.svg(registry, certificate, "zh") for certificate in certificates(till).values())
    glyphs = dict(evaluate(f"<div>{svg}<p>{re.sub('<[^>]*>', ' ', svg)}</p></div>", GLYPHS))
    assert set(CHINESE.findall(svg)) == set(glyphs)
    assert len(set(glyphs.values())) == len(glyphs) > 50
