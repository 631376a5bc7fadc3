"""Proofs in a second terminal: made from the registry, checked without it."""

from __future__ import annotations

import itertools
import json
import subprocess
import sys
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

import pytest

from registry.chain.rpc import Node
from registry.commands.services import Running
from registry.domain.keccak import keccak256
from registry.verification.bundle import Bundle, canonical
from registry.verification.header import Header
from tests.cli.conftest import Cli
from tests.commands.desk import SAMPLES, ubl
from tests.verification.disclosures import disclosed

SELLER, BUYER, SUPPLIER = "brandmuhl-guss", "falkenrath-automobilwerke", "tiefenbach"
SAMPLE = SAMPLES / "brandmuehl-2026-1041.ubl.xml"
HASH = "0x" + "0d" * 32

_numbers = itertools.count(1)


@pytest.fixture(autouse=True)
def _members(cli: Cli) -> None:
    if cli.json("member", "list"):
        return
    for party in ("seller", "buyer"):
        cli("member", "add", "--invoice", str(SAMPLE), "--party", party, "--kyc-days", "3650")
    cli("member", "add", "--name", "Tiefenbach", "--role", "supplier", "--handle", SUPPLIER, "--kyc-days", "3650")


@pytest.fixture
def node(home: Path) -> Node:
    """The registry's."""
    found = Running.find(home)
    assert found is not None
    assert found.rpc_url is not None
    return Node(found.rpc_url)


@pytest.fixture
def cut(cli: Cli, tmp_path: Path) -> str:
    """A certificate that was cut off another, which was cut again."""
    number = f"PROOF {next(_numbers)}"
    path = tmp_path / f"{number}.xml"
    due = (datetime.fromisoformat(cli.json("registry")["time"]) + timedelta(days=90)).date()
    path.write_bytes(ubl(number=number, due=due, payable="1000.00"))
    receivable = cli.json("register", str(path), "--as", SELLER)["receivable"]
    whole = cli.json("confirm", receivable, "--as", BUYER)["certificate"]
    cli("split", whole, "600.00", "--to", SUPPLIER, "--document", HASH, "--as", SELLER)
    cli("split", f"{receivable}/0-40000", "100.00", "--to", SUPPLIER, "--document", HASH, "--as", SELLER)
    return f"{receivable}/40000-100000"


def block_of(path: Path) -> Header:
    return Header.decode(Bundle.decode(path.read_bytes()).header)


def changed(path: Path, **values: Any) -> Path:
    """The bundle beside it, with other values in it."""
    other = path.with_name("changed.json")
    other.write_bytes(canonical(json.loads(path.read_bytes()) | values))
    return other


def test_a_proof_is_made_and_checked_by_its_block(cli: Cli, cut: str, node: Node, tmp_path: Path) -> None:
    path, pins = tmp_path / "bundle.json", tmp_path / "pins.json"
    shown = cli("prove", cut, "-o", str(path)).stderr
    bundle, header = Bundle.decode(path.read_bytes()), block_of(path)
    assert f"bundle.json: {path.stat().st_size:,} bytes, 4 entries, at block {header.number}" in " ".join(shown.split())
    pins.write_text(
        json.dumps(
            {
                "chain_id": node.chain_id,
                "contract": "0x" + bundle.contract.hex(),
                "code_hash": "0x" + keccak256(node.code(bundle.contract)).hex(),
            }
        )
    )
    # What nobody but the bundle says is not proven.
    alone = cli("verify", str(path), exit_code=3).stdout
    assert "NOT PROVEN" in alone
    by_hash = ("--block-hash", "0x" + header.hash.hex())
    assert "not proven" in cli("verify", str(path), *by_hash, exit_code=3).stdout
    for witness in (by_hash, ("--rpc", node.url)):
        told = cli("verify", str(path), *witness, "--pins", str(pins)).stdout
        assert "PROVEN: every statement holds at this block." in told
        verdict = cli.json("verify", str(path), *witness, "--pins", str(pins))
        assert (verdict["status"], verdict["certificate"], verdict["sealed_entries"]) == ("proven", cut, 0)
        assert verdict["block"]["number"] == header.number
    assert "REFUSED" in cli("verify", str(path), "--block-hash", "0x" + "00" * 32, exit_code=1).stdout
    pins.write_text(pins.read_text().replace(str(node.chain_id), "1", 1))
    assert "another chain than is expected" in " ".join(
        cli("verify", str(path), *by_hash, "--pins", str(pins), exit_code=1).stdout.split()
    )


def test_a_redacted_proof_of_an_older_block_is_the_same_every_time(cli: Cli, cut: str, tmp_path: Path) -> None:
    path, again, older = (tmp_path / name for name in ("bundle.json", "again.json", "older.json"))
    cli("prove", cut, "--redact", "-o", str(path))
    number = block_of(path).number
    bundle = Bundle.decode(path.read_bytes())
    assert (bundle.sealed, len(bundle.entries)) == (1, 4)
    cli("endorse", cut, "--to", SELLER, "--document", HASH, "--as", SUPPLIER)
    cli("prove", cut, "--redact", "--block", str(number), "-o", str(again))
    assert again.read_bytes() == path.read_bytes()
    cli("prove", cut, "--redact", "--block", str(number - 1), "-o", str(older))
    assert len(Bundle.decode(older.read_bytes()).entries) == 3
    assert cli("prove", cut, "--block", str(10**9), "-o", str(older), exit_code=1).stderr.startswith(
        "block_not_mirrored: "
    )
    assert cli("prove", cut.replace("40000", "40001"), "-o", str(older), exit_code=1).stderr.startswith(
        "unknown_certificate: "
    )


def test_fields_of_the_invoice_are_shown_on_request(cli: Cli, cut: str, tmp_path: Path) -> None:
    path = tmp_path / "bundle.json"
    cli("prove", cut, "--open", "number, payable", "-o", str(path))
    bundle = Bundle.decode(path.read_bytes())
    assert {field.name for field in bundle.opened} == {"schema", "number", "payable"}
    (number,) = (field.value for field in bundle.opened if field.name == "number")
    assert number.startswith("PROOF ")
    found = {one["name"]: one for one in cli.json("verify", str(path), exit_code=3)["findings"]}
    assert found["invoice"]["status"] == "not proven"
    assert found["invoice"]["words"].endswith("the invoice behind the claim says so: schema, number, payable")
    value = json.loads(path.read_bytes())
    for at, field in enumerate(value["opened"]):
        others = [*value["opened"][:at], [field[0], field[1] + "1", *field[2:]], *value["opened"][at + 1 :]]
        cli("verify", str(changed(path, opened=others)), exit_code=1)
    without = [field for field in value["opened"] if field[0] != "schema"]
    cli("verify", str(changed(path, opened=without)), exit_code=1)
    assert cli("prove", cut, "--open", "numbers", "-o", str(path), exit_code=1).stderr.startswith("field_unknown: ")


def test_what_was_touched_or_is_no_bundle_ends_with_1(cli: Cli, cut: str, tmp_path: Path) -> None:
    path = tmp_path / "bundle.json"
    cli("prove", cut, "-o", str(path))
    stated = json.loads(path.read_bytes())["stated"]
    other = changed(path, stated=stated | {"holder": "0x" + "01" * 20})
    assert f"the chain says otherwise: {stated['holder']}" in " ".join(
        cli("verify", str(other), exit_code=1).stdout.split()
    )
    other.write_text("{}")
    cli.refused("bundle_malformed", "verify", str(other))
    cli("verify", str(tmp_path / "missing.json"), exit_code=2)
    cli("verify", exit_code=2)
    cli("verify", str(path), "--rpc", "http://127.0.0.1:1", "--block-hash", HASH, exit_code=2)
    cli("verify", str(path), "--block-hash", "0x00", exit_code=2)
    for url in ("http://127.0.0.1:1", "http://127.0.0.1:abc", "file:///etc/passwd"):
        cli.refused("node_answers_nothing", "verify", str(path), "--rpc", url, exit_code=2)
    witness = ("--witness", "0x" + "00" * 20)
    missing = ("--attestations", "http://127.0.0.1:abc", *witness)
    cli.refused("attestations_missing", "verify", str(path), *missing, exit_code=2)
    nothing = tmp_path / "attestations.jsonl"
    nothing.write_bytes(b"")
    never = ("--attestations", str(nothing), *witness, "--threshold", "2")
    cli.refused("threshold_unmet", "verify", str(path), *never, exit_code=2)
    pins = tmp_path / "pins.json"
    cli("verify", str(path), "--pins", str(pins), exit_code=2)
    pins.write_text('{"chain_id": 1}')
    cli.refused("pins_malformed", "verify", str(path), "--pins", str(pins), exit_code=2)


def test_a_recipient_is_shown_letter_by_letter(cli: Cli, tmp_path: Path) -> None:
    path = tmp_path / "disclosure.json"
    path.write_bytes(disclosed(recipient="Bank :no_entry: [red]AG[/]"))
    assert "opened for 'Bank :no_entry: [red]AG[/]'" in cli("verify", str(path), exit_code=3).stdout


def test_the_exported_verifier_knows_the_registry(cli: Cli, cut: str, tmp_path: Path) -> None:
    file, path = tmp_path / "verifier.pyz", tmp_path / "bundle.json"
    cli("verify", "--export", str(file))
    cli("prove", cut, "--redact", "--open", "number", "-o", str(path))
    command = [sys.executable, "-I", "-S", str(file), "--block-hash", "0x" + block_of(path).hash.hex(), "-"]
    empty = tmp_path / "empty"
    empty.mkdir()
    done = subprocess.run(command, input=path.read_bytes(), cwd=empty, env={}, capture_output=True, check=False)
    assert (done.returncode, done.stderr) == (0, b"")
    assert done.stdout.endswith(b"PROVEN: every statement holds at this block.\n")
