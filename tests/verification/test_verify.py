"""The verifier: what is true is proven, what was touched is refused, what is nonsense ends in a verdict."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator, Sequence
from dataclasses import replace
from typing import Any

import pytest
import rlp
from eth_utils.crypto import keccak
from hypothesis import given, settings
from hypothesis import strategies as st

from registry.domain.fold import empty_receivable, fold_all, walk
from registry.domain.identifiers import Address, CertificateId
from registry.domain.journal import (
    Confirmed,
    CreditNoted,
    Endorsed,
    Entry,
    Paid,
    Redeemed,
    Refused,
    Registered,
    Resolved,
    Sealed,
    Sold,
    Split,
)
from registry.domain.provenance import bearing
from registry.domain.receivable import DAY_SECONDS
from registry.verification.bundle import Bundle, BundleMalformed, canonical
from registry.verification.header import Header
from registry.verification.layout import CERTIFICATES, MEMBERS, RECORDS, place
from registry.verification.make import ProofFailed
from registry.verification.report import OUTCOMES, lines
from registry.verification.statement import STATEMENTS, in_words
from registry.verification.verify import Finding, KnownHash, Pins, Status, Verdict, Witness, verify
from tests.properties.journals import DEBTOR, DUE, PARTIES, WHERE, any_entry, ended_journals, journals
from tests.verification import hostile, money
from tests.verification.paper import BLOCK, CHAIN_ID, CODE_HASH, Paper

PAPER = Paper.of_book(entries=1_500)
SOME = list(PAPER.certificates())[::12]
PINS = Pins(CHAIN_ID, PAPER.contract, CODE_HASH)
WITNESS = KnownHash(keccak(PAPER.header), "the test")


def checked(data: bytes, *, paper: Paper = PAPER) -> Verdict:
    """The verdict of somebody who knows the block and the registry."""
    witness = KnownHash(keccak(paper.header), "the test")
    verdict = verify(data, witness=witness, pins=Pins(CHAIN_ID, paper.contract, CODE_HASH))
    # Whatever it is, it can be told.
    assert verdict.to_json()["status"] in [str(status) for status in Status]
    assert list(lines(verdict))[-1] == OUTCOMES[verdict.status]
    return verdict


def finding(verdict: Verdict, name: str) -> Finding:
    (found,) = (one for one in verdict.findings if one.name == name)
    return found


def read(data: bytes) -> dict[str, Any]:
    found: dict[str, Any] = json.loads(data)
    return found


ALL = sorted(
    (PAPER.bundle(certificate, redact=redact) for certificate in PAPER.certificates() for redact in (False, True)),
    key=len,
)


def bundles(*wanted: Callable[[Bundle], bool]) -> list[bytes]:
    """For each wish the shortest bundle of the book that fulfils it."""
    decoded = [(data, Bundle.decode(data)) for data in ALL]
    return [next(data for data, bundle in decoded if wish(bundle)) for wish in wanted]


PLEDGED, REDACTED, GONE = bundles(
    lambda bundle: any(one["kind"] == "lien" for one in bundle.stated["encumbrances"]),
    lambda bundle: bundle.sealed >= 2 and bundle.stated["holder"] is not None,
    lambda bundle: bundle.stated["holder"] is None and bundle.sealed > 0,
)

# ------------------------------------------------------------------------------ untouched


@pytest.mark.parametrize("redact", [False, True])
@pytest.mark.parametrize("certificate", SOME, ids=str)
def test_what_is_true_is_proven_with_a_witness_and_pins(certificate: CertificateId, redact: bool) -> None:
    data = PAPER.bundle(certificate, redact=redact)
    verdict = checked(data)
    assert verdict.status is Status.PROVEN, verdict
    assert [one.name for one in verdict.findings] == ["header", "contract", *STATEMENTS]
    assert verdict.header is not None
    assert (verdict.header.number, verdict.header.at) == (BLOCK, PAPER.at)
    alone = verify(data)
    assert {one.status for one in alone.findings} == {Status.NOT_PROVEN}
    # What is stated is the same, however much is sealed.
    assert read(data)["stated"] == read(PAPER.bundle(certificate))["stated"]


def test_the_book_has_what_can_be_stated() -> None:
    """Or the tests here would prove less than they seem to."""
    stated = [read(data)["stated"] for data in ALL]
    assert {one["phase"] for one in stated} >= {"live", "overdue", "paid"}
    assert {kind["kind"] for one in stated for kind in one["encumbrances"]} >= {"lien", "recourse"}
    assert any(one["paid"]["certificate"] != "0" for one in stated)
    assert any(one["holder"] is None for one in stated)


@pytest.mark.parametrize(
    ("how", "status"),
    [({"suspended": True}, "suspended"), ({"kyc_seconds": 0}, "expired"), ({"kyc_seconds": 1}, "active")],
    ids=["suspended", "expired", "active"],
)
def test_the_standing_of_debtor_and_holder_is_stated(how: dict[str, Any], status: str) -> None:
    certificate = Bundle.decode(PLEDGED).certificate
    history = PAPER.histories[certificate.receivable_id]
    paper = Paper.of({certificate.receivable_id: history}, contract=PAPER.contract, at=PAPER.at, **how)
    data = paper.bundle(certificate)
    stated = read(data)["stated"]
    assert stated["debtor_standing"]["status"] == status
    assert ({"kind": "holder", "status": status} in stated["encumbrances"]) is (status != "active")
    verdict = checked(data, paper=paper)
    assert verdict.status is Status.PROVEN
    assert ("the holder's KYC has expired" in finding(verdict, "encumbrances").words) is (status == "expired")
    assert finding(verdict, "debtor_standing").words.startswith("its KYC has" if status == "expired" else status)


def test_an_order_on_a_member_is_told_as_recorded_not_as_in_force() -> None:
    certificate = Bundle.decode(PLEDGED).certificate
    history = PAPER.histories[certificate.receivable_id]
    paper = Paper.of({certificate.receivable_id: history}, contract=PAPER.contract, at=PAPER.at, frozen=True)
    verdict = checked(paper.bundle(certificate), paper=paper)
    assert verdict.status is Status.PROVEN
    assert "an order is recorded on the holder and may have expired" in finding(verdict, "encumbrances").words
    assert ", an order is recorded on it and may have expired, " in finding(verdict, "debtor_standing").words


def test_what_was_paid_and_what_may_be_demanded_is_told_without_guessing_by_whom() -> None:
    recourse = {"kind": "recourse", "seller": "0x01", "amount": "5", "demanded": True}
    paid = {"receivable": "5000", "certificate": "0"}
    for stated, name, words in (
        ({"paid": paid}, "paid", "5000 minor units paid in, 0 of it paid out on this certificate"),
        ({"encumbrances": [recourse]}, "encumbrances", "recourse to 0x01 for 5 minor units, demanded"),
        ({"encumbrances": [recourse | {"demanded": False}]}, "encumbrances", "recourse to 0x01 for 5 minor units"),
        ({"registration": {"only": True}}, "registration", "between this debtor and this originator the claim's"),
    ):
        assert in_words(name, stated, sealed=0).removesuffix(" fingerprint stands for this receivable") == words


def test_the_same_block_gives_the_same_bytes() -> None:
    assert PAPER.bundle(SOME[0]) == PAPER.bundle(SOME[0])


# ------------------------------------------------------------------- on whose word it rests


def own_state(amount: int) -> bytes:
    """A state of one's own at the registry's address, with its code: whoever wants one makes it."""
    certificate = CertificateId(NUMBER, 0, amount)
    entries = [replace(REGISTERED, face=amount), replace(CONFIRMED, face=amount)]
    return Paper.of({NUMBER: entries}, contract=PAPER.contract, at=PAPER.at).bundle(certificate)


class Undecided:
    """A witness that knows nothing of the block, as too few signatures or a node that lacks it."""

    def judge(self, header: Header, *, chain_id: int, contract: Address) -> tuple[Status, str]:
        return Status.NOT_PROVEN, "0 of 1 witnesses signed it"


@pytest.mark.parametrize("witness", [None, Undecided()], ids=["nobody", "one who does not know"])
def test_nothing_is_proven_where_nobody_vouches_for_the_block(witness: Witness | None) -> None:
    verdict = verify(own_state(99_999_900), witness=witness, pins=PINS)
    assert verdict.status is Status.NOT_PROVEN
    assert {one.status for one in verdict.findings} == {Status.NOT_PROVEN}
    assert finding(verdict, "amount").words == "if that block is the chain's: 999999.00 EUR"
    assert finding(verdict, "contract").words.startswith("if that block is the chain's: 0x")


def test_nothing_of_a_contract_is_proven_that_nobody_vouches_for() -> None:
    verdict = verify(PLEDGED, witness=WITNESS)
    assert [one.name for one in verdict.findings if one.status is Status.PROVEN] == ["header"]
    assert finding(verdict, "holder").words.startswith("if that contract is the registry: 0x")
    both = "if that block is the chain's and that contract is the registry: 0x"
    assert finding(verify(PLEDGED), "holder").words.startswith(both)


def test_what_is_contradicted_stays_so_where_nobody_vouches_for_the_block() -> None:
    verdict = verify(changed(PLEDGED, "stated", "due", to=1))
    assert verdict.status is Status.CONTRADICTED
    assert [one.name for one in verdict.findings if one.status is Status.CONTRADICTED] == ["due"]
    assert Status.PROVEN not in {one.status for one in verdict.findings}


# ------------------------------------------------------------------------------ touched


def other_values(value: Any) -> Iterator[Any]:
    """Values like this one in type and others, none of them it."""
    match value:
        case bool():
            yield from (not value, int(value))
        case int():
            yield from (value + 1, max(value - 1, 0), str(value), True)
        case str() if value.startswith("0x") and len(value) > 2:
            for at in {2, len(value) // 2, len(value) - 1}:
                yield value[:at] + "0123456789abcdef"[(int(value[at], 16) + 1) % 16] + value[at + 1 :]
            yield from (value[:-2], value + "00", value.upper())
        case str() if value.isdecimal():
            yield from (str(int(value) + 1), str(max(int(value) - 1, 0)), "0" + value, int(value))
        case str():
            yield from (value + "x", value[:-1], "")
        case None:
            yield from (0, "", [], {}, "0x" + "00" * 20)
    if value is not None and not isinstance(value, (list, dict)):
        yield None


def changes(value: Any) -> Iterator[Any]:
    """The value with one thing changed in it, in every way."""
    match value:
        case list():
            yield None
            for at, one in enumerate(value):
                yield value[:at] + value[at + 1 :]
                yield [*value[:at], one, one, *value[at + 1 :]]
                if at:
                    yield [*value[: at - 1], one, value[at - 1], *value[at + 1 :]]
                for other in changes(one):
                    yield [*value[:at], other, *value[at + 1 :]]
            yield [*value, {}]
        case dict():
            yield None
            yield value | {"more": 1}
            for name, one in value.items():
                yield {known: kept for known, kept in value.items() if known != name}
                for other in changes(one):
                    yield value | {name: other}
        case _:
            yield from other_values(value)


@pytest.mark.parametrize("which", ["pledged", "redacted", "gone"])
def test_whatever_is_changed_in_a_bundle_it_is_refused(which: str) -> None:
    data = {"pledged": PLEDGED, "redacted": REDACTED, "gone": GONE}[which]
    assert checked(data).status is Status.PROVEN
    count = 0
    for changed in changes(read(data)):
        other = canonical(changed)
        if other == data:
            continue
        count += 1
        try:
            verdict = verify(other, witness=WITNESS, pins=PINS)
        except BundleMalformed:
            continue
        assert verdict.status is Status.CONTRADICTED, other
    assert count > 500


def changed(data: bytes, *path: str | int, to: Any) -> bytes:
    """The bundle with another value at a place."""
    value = read(data)
    inner: Any = value
    for step in path[:-1]:
        inner = inner[step]
    assert inner[path[-1]] != to
    inner[path[-1]] = to
    return canonical(value)


def refused(data: bytes, name: str, words: str) -> None:
    """One statement is contradicted in these words, and none that follows from it is proven."""
    verdict = checked(data)
    assert verdict.status is Status.CONTRADICTED
    found = finding(verdict, name)
    assert found.status is Status.CONTRADICTED
    assert words in found.words, found.words


def test_another_holder_is_refused_by_the_chains_own() -> None:
    true = read(PLEDGED)["stated"]["holder"]
    other = changed(PLEDGED, "stated", "holder", to="0x" + PARTIES[0].hex())
    refused(other, "holder", f"the chain says otherwise: {true}")
    proven = [one.name for one in checked(other).findings if one.status is Status.PROVEN]
    assert proven == ["header", "contract", *(name for name in STATEMENTS if name != "holder")]


def test_a_lien_that_is_kept_quiet_is_refused() -> None:
    refused(
        changed(PLEDGED, "stated", "encumbrances", to=[]), "encumbrances", "the chain says otherwise: pledged to 0x"
    )


def test_a_statement_that_is_missing_and_one_too_many_are_refused() -> None:
    value = read(PLEDGED)
    del value["stated"]["due"]
    refused(canonical(value), "due", "the chain says otherwise: ")
    refused(
        changed(PLEDGED, "stated", to=read(PLEDGED)["stated"] | {"rating": "A"}), "rating", "no bundle of this version"
    )
    more = changed(PLEDGED, "stated", to=read(PLEDGED)["stated"] | dict.fromkeys(["c", "a", "e", "b", "d"]))
    assert [one.name for one in checked(more).findings][-5:] == ["a", "b", "c", "d", "e"]
    quiet = changed(PLEDGED, "stated", to=read(PLEDGED)["stated"] | {"\x1b[2J" + "a" * 100: 1})
    assert "\ufffd[2J" + "a" * 36 in {one.name for one in checked(quiet).findings}


@pytest.mark.parametrize("name", ["header", "contract", "invoice"])
def test_a_statement_cannot_take_the_name_of_a_finding(name: str) -> None:
    verdict = checked(changed(PLEDGED, "stated", to=read(PLEDGED)["stated"] | {name: "proven"}))
    assert verdict.status is Status.CONTRADICTED


def test_an_entry_dropped_added_moved_or_altered_is_refused() -> None:
    words = "one is missing, added or altered"
    entries = read(PLEDGED)["entries"]
    refused(changed(PLEDGED, "entries", to=entries[:-1]), "history", words)
    refused(changed(PLEDGED, "entries", to=[*entries, entries[-1]]), "history", words)
    refused(changed(PLEDGED, "entries", to=[entries[0], entries[2], entries[1], *entries[3:]]), "history", words)
    refused(changed(PLEDGED, "entries", 0, 4, to=entries[0][4] + 86_400), "history", words)
    refused(changed(PLEDGED, "entries", to=[]), "history", "does not begin with a registration")
    refused(changed(PLEDGED, "entries", to=entries[1:]), "history", "does not begin with a registration")


def test_a_sealed_entry_cannot_be_another_or_elsewhere() -> None:
    words = "one is missing, added or altered"
    entries = read(REDACTED)["entries"]
    (at, sealed) = next((at, one) for at, one in enumerate(entries) if isinstance(one, dict))
    refused(changed(REDACTED, "entries", at, "details", to="0x" + "00" * 32), "history", words)
    refused(changed(REDACTED, "entries", at, "range", to=["0", sealed["range"][1] + "0"]), "history", words)
    refused(changed(REDACTED, "entries", at, "at", to=sealed["at"] + 1), "history", words)
    refused(changed(REDACTED, "entries", at, "operation", to="ForcedTransfer"), "history", words)


@pytest.mark.parametrize("data", [PLEDGED, REDACTED, GONE], ids=["pledged", "redacted", "gone"])
def test_what_bears_on_a_certificate_cannot_be_sealed_and_the_rest_can(data: bytes) -> None:
    bundle = Bundle.decode(data)
    bears = bearing(bundle.entries, start=bundle.certificate.start, end=bundle.certificate.end)
    for at, (entry, must_be_open) in enumerate(zip(bundle.entries, bears, strict=True)):
        if isinstance(entry, Sealed):
            assert not must_be_open
            continue
        sealed = replace(bundle, entries=(*bundle.entries[:at], Sealed.of(entry), *bundle.entries[at + 1 :])).encode()
        verdict = checked(sealed)
        assert (verdict.status is Status.CONTRADICTED) is must_be_open, verdict


def test_an_entry_that_bears_is_named_where_it_is_sealed() -> None:
    bundle = Bundle.decode(REDACTED)
    position = max(at for at, entry in enumerate(bundle.entries) if isinstance(entry, Endorsed | Split | Sold))
    entries = [*bundle.entries]
    entries[position] = Sealed.of(entries[position])
    verdict = checked(replace(bundle, entries=tuple(entries)).encode())
    assert verdict.status is Status.CONTRADICTED
    # The fold may stumble over it first; where it does not, the verifier says which entry it is.
    assert finding(verdict, "history").words.startswith(
        (f"entry {position + 1} bears on the certificate and is sealed", "the contract cannot have accepted this")
    )


def test_another_block_is_refused() -> None:
    receivable_id = Bundle.decode(PLEDGED).certificate.receivable_id
    older = Paper.of(
        {**PAPER.histories, receivable_id: PAPER.histories[receivable_id][:-1]}, contract=PAPER.contract, at=PAPER.at
    )
    with_older = changed(PLEDGED, "header", to="0x" + older.header.hex())
    refused(with_older, "header", f"the header hashes to 0x{keccak(older.header).hex()}, not to")
    verdict = verify(with_older, witness=KnownHash(keccak(older.header), "the test"), pins=PINS)
    found = finding(verdict, "contract")
    assert found.status is Status.CONTRADICTED
    assert "the header does not lead to the contract's account" in found.words
    wrong = verify(PLEDGED, witness=KnownHash(bytes(32), "a stranger"), pins=PINS)
    assert (wrong.status, finding(wrong, "header").status) == (Status.CONTRADICTED, Status.CONTRADICTED)


def test_another_contract_chain_or_code_is_refused() -> None:
    refused(changed(PLEDGED, "contract", to="0x" + "ab" * 20), "contract", "")
    refused(changed(PLEDGED, "chain_id", to=1), "contract", "another chain than is expected: 1, not 31337")
    for pins, what in (
        (replace(PINS, chain_id=1), "another chain"),
        (replace(PINS, contract=b"\xab" * 20), "another contract"),
        (replace(PINS, code_hash=bytes(32)), "another code"),
    ):
        verdict = verify(PLEDGED, witness=WITNESS, pins=pins)
        assert verdict.status is Status.CONTRADICTED
        assert finding(verdict, "contract").words.startswith(what)


def test_without_pins_another_chain_is_noticed_by_the_journals_head() -> None:
    verdict = verify(changed(PLEDGED, "chain_id", to=1), witness=WITNESS)
    assert finding(verdict, "history").status is Status.CONTRADICTED


def test_nodes_that_are_not_needed_missing_or_in_another_order_are_refused() -> None:
    nodes = read(PLEDGED)["nodes"]
    for others in ([*nodes, "0xc0"], [nodes[1], nodes[0], *nodes[2:]], [*nodes, nodes[0]]):
        with pytest.raises(BundleMalformed):
            verify(changed(PLEDGED, "nodes", to=others))
    refused(changed(PLEDGED, "nodes", to=nodes[:-1]), "contract", "is missing")
    refused(changed(PLEDGED, "nodes", to=[]), "contract", "does not lead to the contract's account")


def test_fields_of_another_invoice_are_refused() -> None:
    field = ["number", "R 1", "0x" + "01" * 32, []]
    refused(changed(PLEDGED, "opened", to=[field]), "invoice", "not those of the invoice behind the claim")


def test_the_proof_of_another_certificate_is_not_that_of_this_one() -> None:
    certificate = Bundle.decode(PLEDGED).certificate
    for other in (
        replace(certificate, end=certificate.end + 1),
        replace(certificate, start=certificate.start + 1),
        replace(certificate, receivable_id=certificate.receivable_id + 1),
    ):
        assert checked(changed(PLEDGED, "certificate", to=str(other))).status is Status.CONTRADICTED


# ---------------------------------------------------------------------- random journals


def ranges_of(entries: Sequence[Entry], receivable_id: int) -> set[tuple[int, int]]:
    """Every range that ever was a certificate."""
    empty = empty_receivable(**WHERE, receivable_id=receivable_id)
    return {(part.start, part.end) for state, _ in walk(empty, entries) for part in state.certificates.values()}


def agree(entries: Sequence[Entry], *, most: int) -> None:
    """Full and redacted, each range that ever was a certificate has the same statement, and it is proven."""
    receivable_id = entries[0].journal_id
    paper = Paper.of({receivable_id: entries}, contract=WHERE["contract"], at=entries[-1].time + 10)
    whole = fold_all(empty_receivable(**WHERE, receivable_id=receivable_id), entries)
    for start, end in sorted(ranges_of(entries, receivable_id))[:most]:
        certificate = CertificateId(receivable_id, start, end)
        full, redacted = paper.bundle(certificate), paper.bundle(certificate, redact=True)
        assert read(full)["stated"] == read(redacted)["stated"]
        for data in (full, redacted):
            assert checked(data, paper=paper).status is Status.PROVEN
        shown = fold_all(empty_receivable(**WHERE, receivable_id=receivable_id), Bundle.decode(redacted).entries)
        now, then = shown.certificates.get(start), whole.certificates.get(start)
        if then is not None and then.end == end:
            assert now == then
        else:
            assert now is None or now.end != end


@settings(max_examples=30, deadline=None)
@given(journals(moves_max=12))
def test_a_redacted_journal_says_the_same_of_each_certificate(entries: list[Entry]) -> None:
    agree(entries, most=6)


@st.composite
def money_journals(draw: st.DrawFn) -> list[Entry]:
    """Journals with payments, disputes, credit notes, recourse."""
    rng = draw(st.randoms(use_true_random=False))
    writer = money.Writer(rng.choice, lambda low, high: rng.randint(low, max(low, high)))
    writer.begin(rng.choice([3, 10, 100, 1_000]))
    for _ in range(rng.choice([20, 60, 120])):
        writer.step()
    return writer.entries


@settings(max_examples=30, deadline=None)
@given(money_journals())
def test_so_it_does_of_what_was_paid_disputed_and_credited(entries: list[Entry]) -> None:
    agree(entries, most=6)


@pytest.mark.parametrize("seed", range(2, 4))
def test_so_it_does_in_other_books(seed: int) -> None:
    paper = Paper.of_book(entries=300, seed=seed)
    for certificate in paper.certificates():
        full, redacted = paper.bundle(certificate), paper.bundle(certificate, redact=True)
        assert read(full)["stated"] == read(redacted)["stated"]
        assert checked(redacted, paper=paper).status is Status.PROVEN


@settings(max_examples=30, deadline=None)
@given(ended_journals())
def test_a_certificate_that_never_was_cannot_be_proven(entries: list[Entry]) -> None:
    receivable_id = entries[0].journal_id
    paper = Paper.of({receivable_id: entries}, contract=WHERE["contract"], at=entries[-1].time)
    assert list(paper.certificates()) == []
    with pytest.raises(ProofFailed, match="there never was a certificate of this range"):
        paper.bundle(CertificateId(receivable_id, 0, 1))


# --------------------------------------------------------------- nonsense that holds together

NUMBER = 7
WHOLE = CertificateId(NUMBER, 0, 100)
REGISTERED_AT = DUE - 90 * DAY_SECONDS
REGISTERED = Registered(
    NUMBER, PARTIES[0], DEBTOR, 100, DUE, 978, b"\x01" * 32, b"\x02" * 32, REGISTERED_AT + 1_209_600, REGISTERED_AT
)
CONFIRMED = Confirmed(NUMBER, DEBTOR, PARTIES[0], 100, REGISTERED_AT)


def contradicted(data: bytes, name: str, words: str) -> None:
    verdict = verify(data)
    assert verdict.status is Status.CONTRADICTED
    assert words in finding(verdict, name).words, verdict.findings
    assert list(lines(verdict))


def sealed(kind: type[Entry], start: int, end: int, *, at: int = REGISTERED_AT) -> Sealed:
    return Sealed(kind, NUMBER, start, end, b"\x05" * 32, at)


@pytest.mark.parametrize(
    ("entries", "words"),
    [
        ([], "does not begin with a registration"),
        ([CONFIRMED], "does not begin with a registration"),
        ([sealed(Registered, 0, 100)], "does not begin with a registration"),
        ([REGISTERED, REGISTERED], "the contract cannot have accepted this: entry 2 of R-7"),
        ([REGISTERED, CONFIRMED, CONFIRMED], "entry 3 of R-7"),
        ([REGISTERED, replace(CONFIRMED, at=REGISTERED_AT - 1)], "and follows one of"),
        ([REGISTERED, replace(CONFIRMED, at=2**40 - 1), sealed(Split, 0, 1)], "entry 2 of R-7"),
        ([REGISTERED, CONFIRMED, Refused(NUMBER, DEBTOR, 1, 100, REGISTERED_AT)], "entry 3 of R-7"),
        ([replace(REGISTERED, face=2**64 - 1)], ""),
        ([replace(REGISTERED, due=2**40 - 1)], "entry 1 of R-7"),
        ([replace(REGISTERED, currency=2**16 - 1)], "entry 1 of R-7"),
        ([replace(REGISTERED, face=0)], "entry 1 of R-7"),
        ([REGISTERED, CONFIRMED, sealed(Registered, 0, 100)], "entry 3 bears on the certificate and is sealed"),
        ([REGISTERED, CONFIRMED, sealed(Paid, 0, 0)], "entry 3 bears on the certificate and is sealed"),
        ([REGISTERED, CONFIRMED, sealed(Resolved, 200, 300)], "entry 3 bears on the certificate and is sealed"),
        ([REGISTERED, CONFIRMED, sealed(Split, 99, 2**64 - 1)], "entry 3 bears on the certificate and is sealed"),
        ([REGISTERED, CONFIRMED, sealed(Split, 0, 1, at=0)], "and follows one of"),
        # Beside the certificate, reversed and empty ranges: nothing that the contract writes, and nothing of it shows.
        ([REGISTERED, CONFIRMED, sealed(Split, 100, 2**64 - 1)], "the contract's word of debtor"),
        ([REGISTERED, CONFIRMED, sealed(Split, 90, 10)], "entry 3 bears on the certificate and is sealed"),
        ([REGISTERED, CONFIRMED, sealed(Split, 2**64 - 1, 0)], "the contract's word of debtor"),
        ([REGISTERED, CONFIRMED, *[sealed(Redeemed, 100, 101)] * 1_000], "the contract's word of debtor"),
    ],
)  # fmt: skip
def test_journals_that_no_contract_writes_are_refused(entries: list[Entry], words: str) -> None:
    contradicted(hostile.bundle(entries, WHOLE), "history", words)


@pytest.mark.parametrize("kind", [CreditNoted, Redeemed])
def test_as_many_sealed_entries_as_fit_are_judged(kind: type[Entry]) -> None:
    """Each has a range of its own: to join what bears with each other takes as long as there are such."""
    many = [sealed(kind, 200 + 2 * number, 201 + 2 * number) for number in range(99_998)]
    verdict = verify(hostile.bundle([REGISTERED, CONFIRMED, *many], WHOLE))
    assert verdict.status is Status.CONTRADICTED
    assert verdict.sealed == 99_998
    if kind is CreditNoted:
        assert "entry 100000 bears on the certificate and is sealed" in finding(verdict, "history").words


@pytest.mark.parametrize(
    ("at", "number", "name", "words"),
    [
        (2**40 - 1, 2**64 - 1, "history", "the contract's word of debtor"),
        (0, 0, "history", "the contract's word of debtor"),
        (2**40, 1, "header", "its time 5"),
        (1, 2**64, "header", "its number at most 8"),
    ],
)
def test_headers_at_their_limits_are_judged(at: int, number: int, name: str, words: str) -> None:
    contradicted(hostile.bundle([REGISTERED, CONFIRMED], WHOLE, at=at, number=number), name, words)


HEADERS: dict[str, Any] = {
    "no bytes": b"",
    "a text": rlp.encode(b"header"),
    "no fields": rlp.encode([]),
    "14 fields": rlp.encode([b""] * 14),
    "lists for fields": rlp.encode([[]] * 15),
    "a state root of 31 bytes": rlp.encode([b"", b"", b"", bytes(31), *[b""] * 12]),
    "bytes behind it": rlp.encode([b""] * 15) + b"\0",
    "more than 16 lists in each other": rlp.encode([[[[[[[[[[[[[[[[[[b""]]]]]]]]]]]]]]]]]]),
}


@pytest.mark.parametrize("header", HEADERS)
def test_what_is_no_header_is_refused(header: str) -> None:
    bundle = replace(Bundle.decode(PLEDGED), header=HEADERS[header])
    contradicted(bundle.encode(), "header", "it is no block header")
    assert verify(bundle.encode()).header is None


ACCOUNTS: dict[str, list[Any]] = {
    "a storage root that is a list": [1, 0, [bytes(32)], CODE_HASH],
    "a storage root of 31 bytes": [1, 0, bytes(31), CODE_HASH],
    "three fields": [1, 0, None],
    "five fields": [1, 0, None, CODE_HASH, b""],
    "no fields": [],
    "a code hash that is a list": [1, 0, None, [CODE_HASH]],
    "a nonce that is a list": [[1], 0, None, CODE_HASH],
}


@pytest.mark.parametrize("account", ACCOUNTS)
def test_what_is_no_account_is_refused(account: str) -> None:
    contradicted(hostile.bundle([REGISTERED, CONFIRMED], WHOLE, account=ACCOUNTS[account]), "contract", "there is no")


TERMS = place(NUMBER, RECORDS)
WORDS: dict[str, bytes] = {
    "257 bits": rlp.encode(b"\x01" + bytes(32)),
    "a leading zero": rlp.encode(b"\0\x01"),
    "a list": rlp.encode([b"\x01"]),
    "no RLP": b"\xb9\xff",
    "two items": b"\x01\x02",
    "a byte with a length": b"\x81\x01",
}


@pytest.mark.parametrize("word", WORDS)
def test_what_is_no_word_is_refused(word: str) -> None:
    verdict = verify(hostile.bundle([REGISTERED, CONFIRMED], WHOLE, words={TERMS: WORDS[word]}))
    assert verdict.status is Status.CONTRADICTED
    assert finding(verdict, "contract").status is Status.CONTRADICTED


def test_words_with_every_bit_set_are_judged() -> None:
    full = rlp.encode(b"\xff" * 32)
    places = [TERMS, *((int.from_bytes(TERMS) + after).to_bytes(32) for after in (2, 3))]
    places += [place(WHOLE.token_id, mapping) for mapping in (CERTIFICATES, 15, 16, 17)]
    places += [place(DEBTOR, MEMBERS), place(b"\xff" * 20, MEMBERS)]
    data = hostile.bundle([REGISTERED, CONFIRMED], WHOLE, words=dict.fromkeys(places, full))
    contradicted(data, "history", "the contract's word of debtor is not what its journal says")


def of_receivable(entry: Entry) -> Entry:
    if not any(argument.part == "journal" for argument in entry.arguments()):
        return sealed(Split, *sorted((entry.time % 100, entry.time % 77)), at=entry.time)
    values = {argument.name: getattr(entry, argument.name) for argument in entry.arguments()}
    return type(entry)(**values | {"receivable_id": NUMBER})


def maybe_sealed(entry: Entry) -> st.SearchStrategy[Entry]:
    return st.sampled_from([entry, entry if isinstance(entry, Sealed) else Sealed.of(entry)])


@settings(max_examples=100, deadline=None)
@given(
    st.lists(any_entry().map(of_receivable).flatmap(maybe_sealed), max_size=6),
    st.dictionaries(st.sampled_from(["amount", "holder"]), st.none() | st.integers() | st.text(), max_size=2),
    st.integers(0, 2**40 - 1),
)
def test_any_entries_after_a_confirmation_end_in_a_verdict(
    entries: list[Entry], stated: dict[str, Any], at: int
) -> None:
    try:
        data = hostile.bundle([REGISTERED, CONFIRMED, *entries], WHOLE, stated=stated, at=at)
    except BundleMalformed:  # a text that is no Unicode
        return
    verdict = verify(data)
    assert verdict.status is Status.CONTRADICTED
    assert list(lines(verdict))
