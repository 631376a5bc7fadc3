"""Fields of an invoice opened for somebody, and an invoice that nobody opens any more."""

from __future__ import annotations

import json
import subprocess
import sys
from dataclasses import replace
from pathlib import Path

import pytest
from eth_account import Account
from eth_account.messages import encode_typed_data

from registry.chain.devchain import dev_account
from registry.commands import claims, disclosing
from registry.documents.attachments import read_attachment
from registry.documents.commitments import OpenedField, verify_fields
from registry.domain.identifiers import CertificateId, format_address
from registry.domain.keccak import keccak256
from registry.store.queries import invoices
from registry.store.queries.invoices import InvoiceRow
from registry.store.tables import metadata
from registry.verification.bundle import Bundle, BundleMalformed
from registry.verification.disclosure import TYPE, WORDS_CHARACTERS_MAX, Disclosure, proof_in, verify_file
from registry.verification.export import export
from registry.verification.make import Wanted, gather, make
from registry.verification.own_verdict import own_verdict, pins_of
from registry.verification.standalone import number_of
from registry.verification.verify import Finding, Status, Verdict
from tests.commands.desk import Desk, refused
from tests.scene import BANK, BUYER, SELLER

RECIPIENT, PURPOSE = "Prüfgesellschaft Nord, 王芳", "audit 2026"


def disclosed(
    desk: Desk, certificate: CertificateId, *fields: str, person: int = SELLER, recipient: str = RECIPIENT
) -> bytes:
    return disclosing.disclose(
        desk.services,
        certificate=certificate,
        fields=fields,
        recipient=recipient,
        purpose=PURPOSE,
        signer=dev_account(person),
    )


def verdict_on(desk: Desk, data: bytes) -> Verdict:
    return own_verdict(data, node=desk.services.node, contract=desk.services.deployment.receivables)


def finding(verdict: Verdict) -> Finding:
    (found,) = (one for one in verdict.findings if one.name == "disclosure")
    return found


def proof(desk: Desk, certificate: CertificateId, *fields: str) -> bytes:
    with desk.services.database.snapshot() as connection:
        gathered = gather(connection, Wanted(certificate, open=fields))
    return make(desk.services.node, gathered)


def kept(desk: Desk, certificate: CertificateId) -> InvoiceRow | None:
    root = desk.read(certificate.receivable_id).document_root
    with desk.services.database.snapshot() as connection:
        return invoices.invoice_by_root(connection, root)


@pytest.mark.parametrize(("person", "role"), [(SELLER, "originator"), (BUYER, "debtor")])
def test_who_opened_what_for_whom_is_proven(desk: Desk, person: int, role: str) -> None:
    certificate = desk.confirmed(desk.invoice(number="SHOWN 1"))
    made = disclosed(desk, certificate, "number", "payable", person=person)
    verdict = verdict_on(desk, made)
    assert verdict.status is Status.PROVEN
    assert finding(verdict).words == f"opened for {RECIPIENT!r}, for {PURPOSE!r}, by the {role}'s signature"
    opened = {field.name: field.value for field in Bundle.decode(proof_in(made)).opened}
    assert opened.keys() == {"schema", "number", "payable"}
    assert (opened["number"], opened["payable"]) == ("SHOWN 1", "1000.00")
    assert b"Falkenrath" not in made  # nothing else of the invoice is in it


def test_a_wallet_signs_the_same(desk: Desk) -> None:
    certificate = desk.confirmed()
    disclosure = Disclosure.decode(disclosed(desk, certificate, "number"))
    structure = [tuple(part.split()) for part in TYPE.removeprefix("Disclosure(").removesuffix(")").split(",")]
    signable = encode_typed_data(
        domain_data={
            "name": "Counterfoil",
            "version": "1",
            "chainId": desk.services.node.chain_id,
            "verifyingContract": format_address(desk.services.deployment.receivables),
        },
        message_types={"Disclosure": [{"name": name, "type": kind} for kind, name in structure]},
        message_data={"proof": keccak256(disclosure.proof), "recipient": RECIPIENT, "purpose": PURPOSE},
    )
    signer = Account.recover_message(signable, signature=disclosure.signature)
    assert signer == format_address(desk.scene.address(SELLER))


def test_a_disclosure_for_another_or_by_another_is_contradicted(desk: Desk) -> None:
    certificate = desk.confirmed()
    disclosure = Disclosure.decode(disclosed(desk, certificate, "number"))
    other = Disclosure.decode(disclosed(desk, certificate, "number", recipient="Somebody else"))
    for changed in (
        replace(disclosure, recipient="Somebody else"),
        replace(disclosure, purpose="advertising"),
        replace(disclosure, proof=proof(desk, certificate, "payable")),
        replace(disclosure, signature=other.signature),
        replace(disclosure, signature=bytes(65)),
        replace(disclosure, signature=b""),
    ):
        verdict = verdict_on(desk, changed.encode())
        assert (verdict.status, finding(verdict).status) == (Status.CONTRADICTED, Status.CONTRADICTED)


def test_only_a_party_to_the_invoice_opens_it_and_says_for_whom(desk: Desk) -> None:
    certificate = desk.confirmed()
    with refused(desk, "not_the_invoices_owner"):
        disclosed(desk, certificate, "number", person=BANK)
    with refused(desk, "recipient_malformed"):
        disclosed(desk, certificate, "number", recipient=" ")
    with refused(desk, "recipient_malformed"):
        disclosed(desk, certificate, "number", recipient="x" * (WORDS_CHARACTERS_MAX + 1))
    with refused(desk, "field_unknown"):
        disclosed(desk, certificate, "price")


def test_what_is_no_disclosure_is_refused(desk: Desk) -> None:
    made = disclosed(desk, desk.confirmed(), "number")
    read = json.loads(made)
    for changed in (
        {**read, "signature": "0xzz"},
        {**read, "purpose": 7},
        {**read, "recipient": "x" * (WORDS_CHARACTERS_MAX + 1)},
        {**read, "format": "counterfoil/disclosure/2"},
        {**read, "more": ""},
        {**read, "proof": []},
        {**read, "proof": {}},
    ):
        text = json.dumps(changed, sort_keys=True, separators=(",", ":"), ensure_ascii=False) + "\n"
        with pytest.raises(BundleMalformed):
            verify_file(text.encode())
    with pytest.raises(BundleMalformed):
        verify_file(made.removesuffix(b"\n"))


def test_the_verifier_that_runs_alone_checks_a_disclosure(desk: Desk, tmp_path: Path) -> None:
    node = desk.services.node
    made = disclosed(desk, desk.confirmed(), "number")
    (tmp_path / "verifier.pyz").write_bytes(export(pins_of(node, desk.services.deployment.receivables)))
    (tmp_path / "disclosure.json").write_bytes(made)
    block = node.block(number_of(made))
    assert block is not None
    words = ["-I", "-S", "verifier.pyz", "disclosure.json", "--block-hash", block.hash.hex()]
    done = subprocess.run([sys.executable, *words], cwd=tmp_path, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stdout + done.stderr
    assert RECIPIENT in done.stdout


def test_an_erased_invoice_is_opened_by_nobody_and_its_root_stays(desk: Desk) -> None:
    note = desk.write(b"delivered to gate 7", name="Lieferschein.pdf")
    done, _ = claims.register(
        desk.services, desk.invoice(number="SECRET 77"), signer=dev_account(SELLER), due=None, attach=[note]
    )
    certificate = CertificateId(done.entry.journal_id, 0, desk.confirm(done.entry.journal_id).entry.range[1])
    row, before = kept(desk, certificate), Bundle.decode(proof(desk, certificate, "number"))
    assert row is not None
    root = row.document_root
    (number,) = (field for field in before.opened if field.name == "number")
    assert verify_fields(root, before.opened)
    with desk.services.database.snapshot() as connection:
        (attached,) = invoices.attachments_by_root(connection, root)
    assert attached.sha256 == read_attachment(note).sha256
    disclosing.erase_invoice(desk.services, certificate.receivable_id)

    # Not a salt, nor what was salted, is left in any table, fingerprint and hash of the file apart.
    everything = ""
    with desk.services.database.bulk() as connection:
        for table in metadata.tables:
            everything += "".join(
                str(one) for (one,) in connection.execute(f"SELECT t::text FROM {table} t").fetchall()
            )
    for secret in (*(salt for _, _, salt in row.fields), attached.salt.hex(), attached.sha256.hex(), "SECRET 77"):
        assert secret not in everything
    with refused(desk, "invoice_erased"):
        proof(desk, certificate, "number")
    with refused(desk, "invoice_erased"):
        disclosed(desk, certificate, "number")
    with refused(desk, "invoice_erased"):
        disclosing.erase_invoice(desk.services, certificate.receivable_id)

    # The root stands, the certificate is proven as before, and the right value without its salt opens nothing.
    assert desk.read(certificate.receivable_id).document_root == root
    assert verdict_on(desk, proof(desk, certificate)).status is Status.PROVEN
    assert desk.agrees()
    without = OpenedField("number", "SECRET 77", bytes(32), number.path)
    assert not verify_fields(root, [field if field.name != "number" else without for field in before.opened])
    verdict = verdict_on(desk, replace(before, opened=(before.opened[0], without)).encode())
    assert [one.status for one in verdict.findings if one.name == "invoice"] == [Status.CONTRADICTED]


def test_an_invoice_of_no_receivable_is_not_erased(desk: Desk) -> None:
    with refused(desk, "unknown_receivable"):
        disclosing.erase_invoice(desk.services, 7)
