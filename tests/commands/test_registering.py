"""Registering, confirming and refusing: what becomes a receivable, and that a refusal leaves no trace."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest

from registry.chain import submit
from registry.chain.contract import Calls
from registry.chain.devchain import dev_account
from registry.chain.rpc import NodeUnreachable, Receipt
from registry.commands import claims, members, sending
from registry.commands.services import MirrorLags, Services
from registry.documents.xml import DOCUMENT_BYTES_MAX
from registry.domain.journal import Confirmed, Refused, Registered
from registry.domain.receivable import RefusalReason, SuspensionReason
from registry.domain.refusals import Refusal
from registry.domain.rules import Claim, FingerprintTaken
from registry.mirror.follower import CursorLost, Follower
from registry.mirror.reconcile import reconcile
from registry.store.queries import invoices as invoice_queries
from registry.store.queries import receivables as receivable_queries
from tests.commands.desk import SAMPLES, Desk, changes, refused, ubl
from tests.scene import BANK, BUYER, OPERATOR, SELLER, STRANGER, SUPPLIER

UBL_SAMPLE = SAMPLES / "brandmuehl-2026-1041.ubl.xml"
CII_SAMPLE = SAMPLES / "brandmuehl-2026-1041.cii.xml"
CREDIT_NOTE = SAMPLES / "brandmuehl-gs-2026-017-credit-note.ubl.xml"
CUT_OFF = SAMPLES / "malformed-cut-off.xml"

BOMB = (
    '<?xml version="1.0"?><!DOCTYPE a [<!ENTITY l0 "lol">'
    + "".join(f'<!ENTITY l{n} "{f"&l{n - 1};" * 10}">' for n in range(1, 12))
    + "]><a>&l11;</a>"
).encode()


def suspend(desk: Desk, person: int) -> None:
    members.suspend(
        desk.services,
        signer=dev_account(OPERATOR),
        member=desk.scene.address(person),
        reason=SuspensionReason.SANCTIONS,
    )


def reconciled(desk: Desk) -> bool:
    report = reconcile(
        desk.services.database, desk.services.node, contract=desk.services.deployment.receivables, deep=True
    )
    return report.differences == []


# ---------------------------------------------------------------- happy paths


def test_a_registered_invoice_is_on_chain_in_the_mirror_and_kept_with_its_salts(desk: Desk) -> None:
    path = desk.invoice(number="RE 7", days=90, payable="1234.56")
    done, prepared = desk.register(path)
    assert isinstance(done.entry, Registered)
    assert (done.entry.face, done.entry.currency) == (123_456, 978)
    assert claims.due_day(done.entry.due) == desk.due
    with desk.services.database.snapshot() as connection:
        row = receivable_queries.receivable(connection, done.entry.receivable_id)
        assert row is not None
        kept = invoice_queries.invoice_by_root(connection, row.document_root)
    assert row.head == desk.services.view.heads([1])[1]
    assert kept is not None
    assert (kept.number, kept.payable_minor, kept.file_name) == ("RE 7", 123_456, path.name)
    assert prepared.claim.document_root == kept.document_root
    assert reconciled(desk)


def test_a_due_date_that_is_given_replaces_the_invoices_own(desk: Desk) -> None:
    given = claims.due_day(desk.scene.due(days=30))
    done, _ = desk.register(desk.invoice(days=90), due=given)
    assert isinstance(done.entry, Registered)
    assert claims.due_day(done.entry.due) == given


def test_who_registers_is_told_of_another_payee_and_of_another_due_date(desk: Desk) -> None:
    """Payable to a factor, an invoice may have been assigned already."""
    factored = SAMPLES / "brandmuehl-2026-1055-factored.ubl.xml"
    prepared = claims.prepare(desk.services, factored, originator=desk.scene.address(SELLER), due=desk.due)
    told = {"payee_is_another", "due_date_replaced"}
    assert told <= {warned.code for warned in prepared.warnings}
    _, plain = desk.register()
    assert told & {warned.code for warned in plain.warnings} == set()


def test_preparing_writes_and_sends_nothing(desk: Desk) -> None:
    before = desk.state()
    prepared = claims.prepare(
        desk.services, desk.invoice(payable="12.50"), originator=desk.scene.address(SELLER), due=None
    )
    assert str(prepared.money) == "12.50 EUR"
    assert prepared.gas > 21_000
    assert changes(before, desk.state()) == set()


def test_the_debtor_confirms_with_its_own_copy_in_the_other_format(desk: Desk) -> None:
    done, _ = desk.register(UBL_SAMPLE, due=desk.due)
    confirmed = desk.confirm(done.entry.journal_id, invoice=CII_SAMPLE, due=desk.due)
    assert isinstance(confirmed.entry, Confirmed)
    assert confirmed.entry.face == 22_063_790


def test_a_refused_invoice_can_be_registered_again(desk: Desk) -> None:
    path = desk.invoice()
    first = desk.registered(path)
    done = claims.refuse(
        desk.services, signer=dev_account(BUYER), receivable_id=first, reason=RefusalReason.WRONG_AMOUNT
    )
    assert isinstance(done.entry, Refused)
    assert done.entry.reason == RefusalReason.WRONG_AMOUNT
    second = desk.registered(path)
    assert second == first + 1
    # Each registration has salts of its own, so two rows with two roots.
    assert desk.count("invoice") == 2
    assert reconciled(desk)


# ------------------------------------------------------ files that cannot be registered

Make = Callable[[Desk], Path]

BAD_FILES: dict[str, tuple[str, Make]] = {
    "a file that is not there": ("document_unreadable", lambda desk: desk.folder / "none.xml"),
    "a folder": ("document_unreadable", lambda desk: desk.folder),
    "an invoice cut off in the middle": ("document_malformed", lambda _: CUT_OFF),
    "an empty file": ("document_malformed", lambda desk: desk.write(b"")),
    "a file larger than the limit": ("document_too_large", lambda desk: desk.write(b" " * (DOCUMENT_BYTES_MAX + 1))),
    "an entity bomb": ("document_forbidden_construct", lambda desk: desk.write(BOMB)),
    "a PDF that is none": ("pdf_malformed", lambda desk: desk.write(b"%PDF-1.7")),
    "an XML document that is no invoice": ("document_unsupported", lambda desk: desk.write(b"<order/>")),
    "an invoice without a due date": (
        "due_date_missing",
        lambda desk: desk.write(ubl(number="RE 1", due=None)),
    ),
    "an invoice that is past due": ("due_date_passed", lambda desk: desk.invoice(days=-1)),
    "a negative amount": ("payable_not_positive", lambda desk: desk.invoice(payable="-0.01")),
    "nothing to pay": ("payable_not_positive", lambda desk: desk.invoice(payable="0.00")),
    "a credit note": ("credit_note_not_registrable", lambda _: CREDIT_NOTE),
    "a partial invoice": ("invoice_type_not_registrable", lambda desk: desk.invoice(type_code="326")),
    "an unknown currency": ("unknown_currency", lambda desk: desk.invoice(currency="XXX")),
    "yen with decimals": ("amount_too_precise", lambda desk: desk.invoice(currency="JPY", payable="100.50")),
    "an amount beyond 64 bits": ("amount_out_of_range", lambda desk: desk.invoice(payable="184467440737095516.16")),
    "an amount that is no number": ("amount_malformed", lambda desk: desk.invoice(payable="1,000.00")),
    "a buyer who is the seller": ("seller_is_buyer", lambda desk: desk.invoice(buyer="DE999000148")),
    "a buyer who is no member": ("party_unknown", lambda desk: desk.invoice(buyer="DE999999999")),
    "another's invoice": ("not_the_seller", lambda desk: desk.invoice(seller="DE811907980")),
}


@pytest.mark.parametrize("what", BAD_FILES)
def test_a_file_that_cannot_become_a_receivable_is_refused_and_leaves_no_trace(shared_desk: Desk, what: str) -> None:
    code, make = BAD_FILES[what]
    path = make(shared_desk)
    with refused(shared_desk, code):
        shared_desk.register(path)


def test_an_invoice_without_a_number_is_refused(shared_desk: Desk) -> None:
    path = shared_desk.write(ubl(number=" ", due=shared_desk.due))
    with refused(shared_desk, "document_incomplete"):
        shared_desk.register(path)


def test_a_given_due_date_that_is_past_is_refused(shared_desk: Desk) -> None:
    path = shared_desk.invoice()
    with refused(shared_desk, "due_date_passed"):
        shared_desk.register(path, due=claims.due_day(shared_desk.scene.due(days=0)))


def test_whoever_is_no_party_at_all_cannot_register(shared_desk: Desk) -> None:
    path = shared_desk.invoice()
    with refused(shared_desk, "not_the_seller"):
        shared_desk.register(path, person=STRANGER)


# ------------------------------------------------------------------ duplicates

AGAIN: dict[str, tuple[str, Make]] = {
    "the same file": ("duplicate", lambda _: CII_SAMPLE),
    "the other format": ("duplicate", lambda _: UBL_SAMPLE),
    "a number spaced and cased differently": (
        "duplicate",
        lambda desk: desk.invoice(number=" re\u00a02026 /1041", payable="220637.90"),
    ),
    "another amount": ("duplicate_with_other_amount", lambda desk: desk.invoice(number="RE 2026/1041")),
    "another type": (
        "duplicate_with_other_amount",
        lambda desk: desk.invoice(number="RE 2026/1041", payable="220637.90", type_code="389"),
    ),
}


@pytest.mark.parametrize("what", AGAIN)
def test_a_second_registration_is_refused_and_only_the_attempt_is_recorded(shared_desk: Desk, what: str) -> None:
    first = receivable_of_the_sample(shared_desk)
    code, make = AGAIN[what]
    path = make(shared_desk)
    attempts = shared_desk.count("duplicate_attempt")
    with refused(shared_desk, code, adds="duplicate_attempt") as caught:
        shared_desk.register(path, due=shared_desk.due)
    assert isinstance(caught.value, FingerprintTaken)
    assert caught.value.receivable_id == first
    assert f"R-{first}" in caught.value.detail
    assert shared_desk.count("duplicate_attempt") == attempts + 1
    with shared_desk.services.database.bulk() as connection:
        newest = connection.execute(
            "SELECT receivable_id, code, file_name FROM duplicate_attempt ORDER BY attempt_id DESC LIMIT 1"
        ).fetchone()
    assert newest == (first, code, path.name)


def test_preparing_a_duplicate_records_no_attempt(shared_desk: Desk) -> None:
    receivable_of_the_sample(shared_desk)
    with refused(shared_desk, "duplicate"):
        claims.prepare(
            shared_desk.services, UBL_SAMPLE, originator=shared_desk.scene.address(SELLER), due=shared_desk.due
        )


def receivable_of_the_sample(desk: Desk) -> int:
    """Number of the receivable that the sample invoice is, registered by whichever test comes first."""
    try:
        done, _ = desk.register(CII_SAMPLE, due=desk.due)
    except FingerprintTaken as taken:
        return taken.receivable_id
    return done.entry.journal_id


# --------------------------------------------------------------------- members


@pytest.mark.parametrize("person", [SELLER, BUYER])
def test_a_suspended_party_can_neither_register_nor_be_claimed_from(desk: Desk, person: int) -> None:
    suspend(desk, person)
    path = desk.invoice()
    with refused(desk, "member_not_eligible"):
        desk.register(path)


@pytest.mark.parametrize("person", [SELLER, BUYER])
def test_a_party_whose_kyc_has_expired_can_neither_register_nor_be_claimed_from(desk: Desk, person: int) -> None:
    desk.admit(person, seconds=600)
    path = desk.invoice()
    desk.scene.pass_time(seconds=601)
    with refused(desk, "member_not_eligible"):
        desk.register(path)


@pytest.mark.parametrize("person", [SELLER, BUYER])
def test_nothing_is_confirmed_while_a_party_is_suspended(desk: Desk, person: int) -> None:
    receivable_id = desk.registered()
    suspend(desk, person)
    with refused(desk, "member_not_eligible"):
        desk.confirm(receivable_id)
    desk.admit(person)
    desk.confirm(receivable_id)


# ----------------------------------------------------------------- the answers


@pytest.mark.parametrize("person", [SELLER, SUPPLIER, BANK, OPERATOR, STRANGER])
def test_only_the_debtor_answers(shared_desk: Desk, person: int) -> None:
    receivable_id = receivable_of_the_sample(shared_desk)
    with refused(shared_desk, "not_debtor"):
        shared_desk.confirm(receivable_id, person=person)
    with refused(shared_desk, "not_debtor"):
        claims.refuse(
            shared_desk.services,
            signer=dev_account(person),
            receivable_id=receivable_id,
            reason=RefusalReason.OTHER,
        )


@pytest.mark.parametrize("receivable_id", [0, 999, 2**63 - 1])
def test_what_is_not_there_cannot_be_answered(shared_desk: Desk, receivable_id: int) -> None:
    with refused(shared_desk, "unknown_receivable"):
        shared_desk.confirm(receivable_id)


def test_an_answer_is_given_once(desk: Desk) -> None:
    receivable_id = desk.registered()
    desk.confirm(receivable_id)
    for invoice in (None, desk.invoice()):
        with refused(desk, "status_forbids"):
            desk.confirm(receivable_id, invoice=invoice)
    with refused(desk, "status_forbids"):
        claims.refuse(desk.services, signer=dev_account(BUYER), receivable_id=receivable_id, reason=RefusalReason.OTHER)


@pytest.mark.parametrize(
    ("what", "parts"),
    [
        ("another invoice", {"number": "RE 2"}),
        ("another amount", {"number": "RE 1", "payable": "1000.01"}),
        ("another currency", {"number": "RE 1", "currency": "USD"}),
    ],
)
def test_a_debtor_whose_copy_says_otherwise_does_not_confirm(desk: Desk, what: str, parts: dict[str, str]) -> None:
    receivable_id = desk.registered(desk.invoice(number="RE 1"))
    own = desk.invoice(**parts)
    with refused(desk, "invoice_differs"):
        desk.confirm(receivable_id, invoice=own)


def test_a_debtor_whose_copy_cannot_be_read_does_not_confirm(shared_desk: Desk) -> None:
    receivable_id = receivable_of_the_sample(shared_desk)
    with refused(shared_desk, "document_malformed"):
        shared_desk.confirm(receivable_id, invoice=CUT_OFF)


# ------------------------------------------------- what goes wrong on its own


def test_a_registration_that_could_not_be_sent_keeps_its_salts_and_can_be_repeated(
    desk: Desk, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = desk.invoice()

    def unreachable(*_: object, **__: object) -> Receipt:
        raise NodeUnreachable("gone")

    monkeypatch.setattr(sending, "send", unreachable)
    with pytest.raises(NodeUnreachable):
        desk.register(path)
    monkeypatch.undo()
    # Whether the node took it is unknown, so the salts of its root are kept.
    assert desk.count("invoice") == 1
    done, prepared = desk.register(path)
    with desk.services.database.bulk() as connection:
        roots = [row[0] for row in connection.execute("SELECT document_root FROM invoice").fetchall()]
    assert len(roots) == len(set(roots)) == 2
    assert prepared.claim.document_root in roots
    assert desk.services.view.count() == done.entry.journal_id == 1
    assert reconciled(desk)


def test_a_row_is_taken_back_when_another_registration_was_faster(desk: Desk, monkeypatch: pytest.MonkeyPatch) -> None:
    path = desk.invoice()
    originals = submit.send

    def overtaken(*arguments: object, **named: object) -> Receipt:
        """The same claim from another terminal, between our check and our transaction."""
        monkeypatch.undo()
        desk.register(path)
        return originals(*arguments, **named)  # type: ignore[arg-type]

    monkeypatch.setattr(sending, "send", overtaken)
    with pytest.raises(FingerprintTaken) as caught:
        desk.register(path)
    assert caught.value.receivable_id == 1
    assert (desk.count("invoice"), desk.count("duplicate_attempt"), desk.services.view.count()) == (1, 1, 1)
    assert reconciled(desk)


def test_a_row_is_taken_back_when_the_contract_refuses_for_any_other_reason(
    desk: Desk, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = desk.invoice()
    originals = submit.send

    def suspended_meanwhile(*arguments: object, **named: object) -> Receipt:
        monkeypatch.undo()
        suspend(desk, BUYER)
        return originals(*arguments, **named)  # type: ignore[arg-type]

    monkeypatch.setattr(sending, "send", suspended_meanwhile)
    with pytest.raises(Refusal) as caught:
        desk.register(path)
    assert caught.value.code == "member_not_eligible"
    assert desk.count("invoice") == 0


@pytest.mark.parametrize("failure", [MirrorLags, CursorLost])
def test_a_registration_on_chain_keeps_its_salts_when_the_mirror_fails(
    desk: Desk, monkeypatch: pytest.MonkeyPatch, failure: type[Refusal]
) -> None:
    def failing(*_: object, **__: object) -> None:
        raise failure()

    monkeypatch.setattr(Services, "mirrored", failing)
    with pytest.raises(failure):
        desk.register()
    monkeypatch.undo()
    assert desk.services.view.count() == 1
    assert desk.count("invoice") == 1


def test_an_operation_waits_for_another_mirror_of_the_same_database(
    desk: Desk, monkeypatch: pytest.MonkeyPatch
) -> None:
    original = Follower.step

    def overtaken(follower: Follower) -> object:
        """The mirror of another process takes the block first."""
        monkeypatch.undo()
        cursor_before = original(desk.services.follower())
        assert cursor_before.entries == 1
        raise CursorLost()

    monkeypatch.setattr(Follower, "step", overtaken)
    done, _ = desk.register()
    assert done.entry.journal_id == 1
    assert desk.count("receivable") == 1


def test_one_party_alone_cannot_take_a_claims_fingerprint_from_another(desk: Desk) -> None:
    path = desk.invoice()
    prepared = claims.prepare(desk.services, path, originator=desk.scene.address(SELLER), due=None)
    # A member that has seen the fingerprint registers it as its own claim, straight at the contract.
    claim = prepared.claim
    desk.scene.act(
        SUPPLIER,
        Calls.register(
            Claim(
                debtor=claim.debtor,
                face=claim.face,
                due=claim.due,
                currency=claim.currency,
                fingerprint=claim.fingerprint,
                document_root=claim.document_root,
            )
        ),
    )
    done, _ = desk.register(path)
    assert done.entry.journal_id == 2
