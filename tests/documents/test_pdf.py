"""Hybrid PDFs: the same claim as their XML, and every hostile one refused by name in bounded time and memory."""

from __future__ import annotations

import contextlib
import itertools
import resource
import subprocess
import sys
import time
import zlib
from base64 import a85encode
from collections.abc import Callable, Iterator
from io import BytesIO
from pathlib import Path

import psutil
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from pypdf import PdfReader, PdfWriter
from pypdf.generic import ArrayObject, DictionaryObject, NameObject, StreamObject, create_string_object

from registry.documents import pdf as pdf_module
from registry.documents.errors import DocumentForbiddenConstruct, DocumentMalformed
from registry.documents.fingerprint import fingerprint
from registry.documents.pdf import PDF_BYTES_MAX, PDF_SECONDS_MAX, embedded_invoice
from registry.documents.pdf_worker import EMBEDDED_FILES_MAX, STREAM_BYTES_MAX
from registry.documents.reading import parse_invoice, read_document, read_invoice
from registry.documents.worker import Worker, WorkerFailed
from registry.documents.xml import DOCUMENT_BYTES_MAX
from registry.domain.refusals import Refusal

Build = Callable[..., bytes]

ROOT = Path(__file__).resolve().parents[2]
SAMPLE = ROOT / "registry" / "samples" / "batch" / "erzgrund-er-77342.pdf"
MASTER = bytes(range(32))
SECONDS_MAX = PDF_SECONDS_MAX + 2
MEMORY_GROWTH_KIB_MAX = 100 * 1024
GUIDELINE = (
    "<rsm:ExchangedDocumentContext><ram:GuidelineSpecifiedDocumentContextParameter><ram:ID>{}</ram:ID>"
    "</ram:GuidelineSpecifiedDocumentContextParameter></rsm:ExchangedDocumentContext>"
)


def pdf(
    *files: tuple[str, bytes], password: str | None = None, change: Callable[[PdfWriter], None] | None = None
) -> bytes:
    """A PDF of one blank page with these files embedded."""
    writer = PdfWriter()
    writer.add_blank_page(100, 100)
    for name, content in files:
        writer.add_attachment(name, content)
    if change is not None:
        change(writer)
    if password is not None:
        writer.encrypt(password, algorithm="RC4-128")
    made = BytesIO()
    writer.write(made)
    return made.getvalue()


def refusal_of(data: bytes) -> Refusal:
    """The refusal of a document that is refused within the limits of time and of our own memory."""
    before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    started = time.monotonic()
    with pytest.raises(Refusal) as refused:
        parse_invoice(data)
    assert time.monotonic() - started < SECONDS_MAX
    assert resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - before < MEMORY_GROWTH_KIB_MAX
    return refused.value


# ------------------------------------------------------------------ what is read


@pytest.mark.parametrize("name", ["factur-x.xml", "zugferd-invoice.xml", "ZUGFeRD-invoice.xml", "xrechnung.xml"])
def test_the_invoice_in_a_pdf_is_the_claim_of_its_xml(cii: Build, name: str) -> None:
    hybrid = parse_invoice(pdf(("note.txt", b"hello"), (name, cii())))
    assert hybrid == parse_invoice(cii())
    assert fingerprint(hybrid, MASTER) == fingerprint(parse_invoice(cii()), MASTER)


def test_a_pdf_may_carry_ubl(ubl: Build) -> None:
    assert parse_invoice(pdf(("xrechnung.xml", ubl()))).format == "ubl"


def test_the_sample_shows_on_its_page_what_its_xml_says() -> None:
    invoice = read_invoice(SAMPLE)
    shown = PdfReader(SAMPLE).pages[0].extract_text()
    for said in (invoice.number, invoice.payable, invoice.due_date, invoice.seller_identity, invoice.buyer_identity):
        assert str(said) in shown


def test_a_pdf_may_be_larger_than_an_xml_invoice(tmp_path: Path, cii: Build) -> None:
    scan = bytes(range(256)) * (DOCUMENT_BYTES_MAX // 256 + 1)
    path = tmp_path / "hybrid.pdf"
    path.write_bytes(pdf(("scan.bin", scan), ("factur-x.xml", cii())))
    assert path.stat().st_size > DOCUMENT_BYTES_MAX
    assert read_invoice(path).number == "471102"


# --------------------------------------------------------------------- profiles


@pytest.mark.parametrize(
    ("guideline", "code"),
    [
        ("urn:factur-x.eu:1p0:minimum", "profile_insufficient"),
        ("urn:zugferd.de:2p0:minimum", "profile_insufficient"),
        ("URN:factur-x.eu:1p0:basicwl ", "profile_insufficient"),
        ("urn:cen.eu:en16931:2017#compliant#urn:factur-x.eu:1p0:basic", None),
        ("urn:cen.eu:en16931:2017", None),
        ("urn:cen.eu:en16931:2017#conformant#urn:factur-x.eu:1p0:extended", None),
        ("urn:example:unknown", None),
    ],
)
def test_a_profile_that_carries_too_little_is_refused_with_what_it_lacks(
    cii: Build, guideline: str, code: str | None
) -> None:
    data = cii().replace(b"<rsm:ExchangedDocument>", GUIDELINE.format(guideline).encode() + b"<rsm:ExchangedDocument>")
    for document in (data, pdf(("factur-x.xml", data))):
        if code is None:
            assert parse_invoice(document).number == "471102"
            continue
        refusal = refusal_of(document)
        assert refusal.code == code
        assert "lines" in refusal.detail


def test_two_specifications_contradict_each_other(cii: Build) -> None:
    two = GUIDELINE.format("urn:cen.eu:en16931:2017") * 2
    data = cii().replace(b"<rsm:ExchangedDocument>", two.encode() + b"<rsm:ExchangedDocument>")
    assert refusal_of(data).code == "document_inconsistent"


# --------------------------------------------------------------------- refusals


def test_a_pdf_without_an_invoice_is_refused_and_says_what_it_embeds() -> None:
    assert refusal_of(pdf()).code == "pdf_without_invoice"
    refusal = refusal_of(pdf(("order-x.xml", b"<order/>"), ("photo\x1b[2J.jpg", b"...")))
    assert refusal.code == "pdf_without_invoice"
    assert "order-x.xml" in refusal.detail
    assert "\x1b" not in refusal.detail


@pytest.mark.parametrize("password", ["", "secret"])
def test_an_encrypted_pdf_is_refused_even_with_an_empty_password(cii: Build, password: str) -> None:
    assert refusal_of(pdf(("factur-x.xml", cii()), password=password)).code == "pdf_encrypted"


def test_a_truncated_pdf_is_refused_wherever_it_ends(cii: Build) -> None:
    whole = pdf(("factur-x.xml", cii()))
    codes = {refusal_of(whole[:length]).code for length in range(5, len(whole) - 40, 61)}
    assert codes <= {"pdf_malformed", "pdf_without_invoice"}


def test_two_invoices_in_one_pdf_contradict_each_other(cii: Build) -> None:
    both = pdf(("factur-x.xml", cii()), ("xrechnung.xml", cii(number="<ram:ID>2</ram:ID>")))
    assert refusal_of(both).code == "document_inconsistent"


def test_a_pdf_larger_than_the_limit_is_not_opened(tmp_path: Path) -> None:
    path = tmp_path / "large.pdf"
    with path.open("wb") as file:
        file.write(b"%PDF-1.7\n")
        file.truncate(10 * PDF_BYTES_MAX)
    data = read_document(path)
    assert len(data) == PDF_BYTES_MAX + 1
    assert refusal_of(data).code == "document_too_large"


def test_many_embedded_files_are_too_costly() -> None:
    names = [(f"file-{number}.txt", b"x") for number in range(EMBEDDED_FILES_MAX + 1)]
    assert refusal_of(pdf(*names)).code == "pdf_too_costly"


def bomb(length_bytes: int) -> bytes:
    """Zeros, deflated."""
    deflate = zlib.compressobj(9)
    block = bytes(1024 * 1024)
    return b"".join([*(deflate.compress(block) for _ in range(length_bytes // len(block))), deflate.flush()])


def embedded(content: bytes, *, filters: list[str]) -> Callable[[PdfWriter], None]:
    """Embed an already encoded stream as the invoice."""

    def change(writer: PdfWriter) -> None:
        stream = StreamObject()
        stream._data = content
        stream[NameObject("/Filter")] = ArrayObject([NameObject(name) for name in filters])
        writer.add_attachment("factur-x.xml", b"")
        (file,) = writer.attachment_list
        file.pdf_object[NameObject("/EF")] = DictionaryObject({NameObject("/F"): writer._add_object(stream)})

    return change


@pytest.mark.parametrize("times", [1, 2])
def test_a_stream_that_unpacks_to_half_a_gibibyte_is_too_costly(times: int) -> None:
    packed = bomb(512 * 1024 * 1024)
    for _ in range(times - 1):
        packed = zlib.compress(packed, 9)
    assert refusal_of(pdf(change=embedded(packed, filters=["/FlateDecode"] * times))).code == "pdf_too_costly"


def test_an_invoice_larger_than_one_may_be_is_too_large_inside_a_pdf_too(cii: Build) -> None:
    large = cii() + b" " * DOCUMENT_BYTES_MAX
    assert len(large) < STREAM_BYTES_MAX
    assert refusal_of(pdf(change=embedded(zlib.compress(large), filters=["/FlateDecode"]))).code == "document_too_large"


def name_tree_loop(writer: PdfWriter) -> None:
    node = DictionaryObject()
    reference = writer._add_object(node)
    node[NameObject("/Kids")] = ArrayObject([reference, reference])
    writer.root_object[NameObject("/Names")] = DictionaryObject({NameObject("/EmbeddedFiles"): reference})


def names_of_nothing(writer: PdfWriter) -> None:
    names = ArrayObject([create_string_object("factur-x.xml"), DictionaryObject()])
    tree = writer._add_object(DictionaryObject({NameObject("/Names"): names}))
    writer.root_object[NameObject("/Names")] = DictionaryObject({NameObject("/EmbeddedFiles"): tree})


DEEP = b"%PDF-1.4\n1 0 obj\n" + b"[" * 2_000_000 + b"\nendobj\n"
XREF_LOOP = (
    b"%PDF-1.4\n1 0 obj<</Type/Catalog/Pages 1 0 R>>endobj\n"
    b"xref\n0 1\n0000000000 65535 f \ntrailer<</Root 1 0 R/Size 2/Prev 57>>\nstartxref\n57\n%%EOF"
)
BROKEN: dict[str, bytes] = {
    "only the mark": b"%PDF-1.7",
    "a mark and noise": b"%PDF-1.7\n" + bytes(range(256)) * 100,
    "arrays without end": DEEP,
    "arrays without end behind a trailer": DEEP + b"trailer<</Root 1 0 R>>\nstartxref\n9\n%%EOF",
    "a cross-reference that leads to itself": XREF_LOOP,
    "a name tree that leads to itself": pdf(change=name_tree_loop),
    "a file without content": pdf(change=names_of_nothing),
}


@pytest.mark.parametrize("what", BROKEN)
def test_a_broken_pdf_is_refused_by_name(what: str) -> None:
    assert refusal_of(BROKEN[what]).code in {"pdf_malformed", "pdf_too_costly", "pdf_without_invoice"}


def test_hostile_xml_is_no_safer_inside_a_pdf() -> None:
    for content, kind in (
        (b'<!DOCTYPE a [<!ENTITY x "y">]><a>&x;</a>', DocumentForbiddenConstruct),
        (b"<a>" * 100 + b"</a>" * 100, DocumentForbiddenConstruct),
        (b"<a>", DocumentMalformed),
        (pdf(), DocumentMalformed),
        (b"", DocumentMalformed),
    ):
        with pytest.raises(kind):
            parse_invoice(pdf(("factur-x.xml", content)))


@settings(max_examples=150, deadline=None)
@given(place=st.integers(0, 10_000), byte=st.integers(0, 255))
def test_a_damaged_pdf_is_read_or_refused_by_name(cii: Build, place: int, byte: int) -> None:
    damaged = bytearray(pdf(("factur-x.xml", cii())))
    damaged[place % len(damaged)] = byte
    with contextlib.suppress(Refusal):  # anything else is a bug
        assert parse_invoice(bytes(damaged)).format == "cii"


# ------------------------------------------------------------------- the child


LAYERS = 4


def layered() -> Callable[[PdfWriter], None]:
    """Embed a stream behind layers of a filter that pypdf decodes in Python, some two seconds each."""
    content = bytes(7 * 1024 * 1024)
    for _ in range(LAYERS):
        content = a85encode(content) + b"~>"

    return embedded(content, filters=["/ASCII85Decode"] * LAYERS)


@pytest.fixture
def impatient() -> Iterator[Worker]:
    worker = Worker("registry.documents.pdf_worker", seconds_max=1)
    yield worker
    worker.close()


def test_a_pdf_that_takes_too_long_is_too_costly_and_the_next_one_is_read(
    impatient: Worker, cii: Build, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(pdf_module, "_READER", impatient)
    slow = pdf(change=layered())
    started = time.monotonic()
    refusal = refusal_of(slow)
    assert refusal.code == "pdf_too_costly"
    assert "out of time" in refusal.detail
    assert time.monotonic() - started < 5
    assert parse_invoice(pdf(("factur-x.xml", cii()))).number == "471102"


def test_a_child_that_was_killed_is_replaced(impatient: Worker, cii: Build) -> None:
    request = pdf(("factur-x.xml", cii()))
    for _ in range(3):
        assert b"content" in impatient.ask(request)
        (child,) = [child for child in psutil.Process().children() if impatient_child(child)]
        child.kill()
        child.wait()
        with pytest.raises(WorkerFailed):
            impatient.ask(request)


def impatient_child(child: psutil.Process) -> bool:
    return child.cmdline()[-2:] == ["registry.documents.pdf_worker", "1"]


def test_a_child_keeps_within_its_memory_over_many_requests(cii: Build) -> None:
    request = pdf(("factur-x.xml", cii()))
    sizes = []
    for count in itertools.chain([50], [300] * 2):
        for _ in range(count):
            embedded_invoice(request)
        (child,) = [
            child
            for child in psutil.Process().children()
            if child.cmdline()[-2:] == ["registry.documents.pdf_worker", str(PDF_SECONDS_MAX)]
        ]
        sizes.append(child.memory_info().rss)
    assert sizes[-1] - sizes[0] < 10 * 1024 * 1024


def test_a_child_outlives_its_killed_parent_by_the_time_of_one_request_at_most() -> None:
    program = (
        "from registry.documents.worker import Worker\n"
        "from tests.documents.test_pdf import layered, pdf\n"
        "worker = Worker('registry.documents.pdf_worker', seconds_max=1)\n"
        "worker.ask(b'%PDF-')\n"
        "print(worker._process.pid, flush=True)\n"
        "worker.ask(pdf(change=layered()))\n"
    )
    parent = subprocess.Popen([sys.executable, "-c", program], stdout=subprocess.PIPE, text=True, cwd=ROOT)
    assert parent.stdout is not None
    child = psutil.Process(int(parent.stdout.readline()))
    time.sleep(0.5)
    parent.kill()
    parent.wait()
    parent.stdout.close()
    child.wait(timeout=5)
