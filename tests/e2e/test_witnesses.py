"""From a certificate to a verdict with witnesses: each part a process of its own, one of them killed at its work."""

from __future__ import annotations

import json
import subprocess
import sys
from collections.abc import Iterator
from dataclasses import dataclass, replace
from functools import partial
from pathlib import Path

import pytest
from eth_account import Account

from registry.chain.deploy import Deployment
from registry.chain.devchain import CHAIN_ID, dev_account
from registry.chain.rpc import Node
from registry.commands.services import Running
from registry.domain.identifiers import format_address
from registry.domain.keccak import keccak256
from registry.verification.attestation import Attestation
from tests.e2e.running import PROGRAM, counterfoil, environment, get, json_of, serving, temporary_home, until
from tests.scene import ROLES, Scene

FIRST, SECOND, THIRD = 30, 31, 32
"""Dev accounts."""

FINAL_AFTER = 64
"""Blocks after which Anvil calls one finalized."""


def shown(person: int) -> str:
    return format_address(Scene.address(person))


@dataclass(frozen=True)
class Proven:
    """A served registry, a proof of R-1 at a final block, and what two witnesses signed of it."""

    home: Path
    url: str
    scene: Scene
    bundle: Path
    block: int

    def file(self, person: int) -> Path:
        return self.home / f"{person}.jsonl"

    def verify(self, *words: str, exit_code: int) -> str:
        """What the command says, its lines unfolded."""
        pins = str(self.home / "pins.json")
        return " ".join(
            counterfoil(
                self.home, "verify", str(self.bundle), "--pins", pins, *words, exit_code=exit_code
            ).stdout.split()
        )


@pytest.fixture(scope="module")
def proven() -> Iterator[Proven]:
    named = " ".join(map(shown, (FIRST, SECOND)))
    with temporary_home() as home, serving(home, "serve", "--port", "0", witnesses=named) as command:
        url = command.wait_ready()
        running = Running.find(home)
        deployment = Deployment.read(home / "deployments", CHAIN_ID)
        assert running is not None
        assert running.rpc_url is not None
        assert deployment is not None
        scene = Scene(Node(running.rpc_url), deployment)
        for person in ROLES:
            scene.admit(person)
        scene.confirmed()
        block = scene.node.head()
        scene.mine(FINAL_AFTER)
        bundle = home / "bundle.json"
        counterfoil(home, "prove", "R-1/0-100000", "--block", str(block), "-o", str(bundle))
        code_hash = keccak256(scene.node.code(deployment.receivables))
        pins = {"chain_id": CHAIN_ID, "contract": deployment.receivables.hex(), "code_hash": code_hash.hex()}
        (home / "pins.json").write_text(json.dumps(pins))
        found = Proven(home, url, scene, bundle, block)
        for person in (FIRST, SECOND):
            said = json_of(
                home, "witness", "--as", f"dev{person}", "--once", "-o", str(found.file(person)), "--publish", url
            )
            assert [one["block"] for one in said["signed"]] == [block]
        yield found


def by(*people: int) -> list[str]:
    return [word for person in people for word in ("--witness", shown(person))]


def test_two_of_two_witnesses_prove_the_header(proven: Proven) -> None:
    attestations = f"{proven.url}/v1/verification/attestations.jsonl"
    said = proven.verify("--attestations", attestations, *by(FIRST, SECOND), exit_code=0)
    assert "2 of 2 witnesses signed" in said
    assert "PROVEN: every statement holds" in said


def test_fewer_than_asked_for_prove_nothing_and_two_of_three_do(proven: Proven) -> None:
    source = ("--attestations", f"{proven.url}/v1/verification/attestations.jsonl")
    said = proven.verify(*source, *by(FIRST, SECOND, THIRD), exit_code=3)
    assert "not proven block 2 of 3 witnesses signed" in said
    assert "3 are asked for" in said
    proven.verify(*source, *by(FIRST, SECOND, THIRD), "--threshold", "2", exit_code=0)
    proven.verify(*source, *by(THIRD), exit_code=3)


def test_without_witnesses_the_verdict_says_that_the_header_is_only_the_bundles_word(proven: Proven) -> None:
    said = proven.verify(exit_code=3)
    assert "not proven block nobody but the bundle itself says that" in said


def test_a_witness_that_signed_another_block_there_is_named(proven: Proven) -> None:
    true = Attestation.read(proven.file(FIRST).read_bytes())
    plain = replace(true, hash=bytes(32))
    signature = bytes(dev_account(SECOND).unsafe_sign_hash(plain.digest()).signature)  # type: ignore[arg-type]
    lies = proven.home / "lies.jsonl"
    lies.write_bytes(true.line() + replace(plain, signature=signature).line())
    said = proven.verify("--attestations", str(lies), *by(FIRST, SECOND), "--threshold", "1", exit_code=1)
    assert f"CONTRADICTED block {shown(SECOND)} signed another block {proven.block}" in said


def test_the_verifier_that_runs_alone_counts_witnesses_too(proven: Proven) -> None:
    alone, keys, both = (proven.home / name for name in ("verifier.pyz", "keys.txt", "both.jsonl"))
    counterfoil(proven.home, "verify", "--export", str(alone))
    keys.write_text("\n".join(map(shown, (FIRST, SECOND, THIRD))) + "\n")
    both.write_bytes(proven.file(FIRST).read_bytes() + proven.file(SECOND).read_bytes())
    command = [sys.executable, "-I", "-S", str(alone), str(proven.bundle), "--attestations", str(both)]

    def run(*words: str) -> tuple[int, str]:
        done = subprocess.run([*command, *words], capture_output=True, text=True, check=False, cwd=proven.home)
        return done.returncode, done.stdout + done.stderr

    code, said = run("--witness", str(keys), "--threshold", "2")
    assert (code, "2 of 3 witnesses signed" in said) == (0, True), said
    assert run("--witness", str(keys))[0] == 3
    assert run("--witness", shown(FIRST))[0] == 0
    assert run()[0] == 2
    assert run("--witness", "0x12")[0] == 2
    both.write_bytes(both.read_bytes().replace(b'"number":', b'"number": '))
    code, said = run("--witness", str(keys))
    assert (code, "attestations_malformed: " in said) == (1, True), said


@pytest.mark.parametrize(
    "words",
    [
        ("--attestations", "bundle.json"),
        ("--witness", "0x" + "00" * 20),
        ("--attestations", "x", "--witness", "0x" + "00" * 20, "--block-hash", "0x" + "00" * 32),
        ("--block-hash", "0x" + "00" * 32, "--threshold", "1"),
        ("--attestations", "/nowhere", "--witness", "0x" + "00" * 20),
    ],
)
def test_what_does_not_go_together_is_a_misuse(proven: Proven, words: tuple[str, ...]) -> None:
    proven.verify(*words, exit_code=2)


def length(file: Path) -> int:
    return file.stat().st_size if file.exists() else 0


def grown(file: Path, before: int) -> bool:
    return length(file) > before


def test_a_witness_that_is_killed_at_its_work_goes_on_and_signs_nothing_twice(proven: Proven) -> None:
    file = proven.file(THIRD)
    words = ("witness", "--as", f"dev{THIRD}", "-o", str(file), "--every", "0.1")
    for _ in range(3):
        proven.scene.mine(FINAL_AFTER // 4)
        with serving(proven.home, *words) as command:
            assert until(partial(grown, file, length(file)))
            command.process.kill()
            command.process.communicate()
        with file.open("ab") as torn:
            torn.write(b'{"chain_id":31337,"format":')
    counterfoil(proven.home, *words[:-2], "--once")
    signed = [Attestation.read(line) for line in file.read_bytes().splitlines(keepends=True)]
    numbers = [one.number for one in signed]
    assert numbers == list(range(numbers[0], proven.scene.node.head() - FINAL_AFTER + 1))
    for one, block in zip(signed, proven.scene.node.blocks(numbers), strict=True):
        assert block is not None
        assert one.hash == block.hash
        assert one.signer() == proven.scene.address(THIRD)


def test_a_witness_needs_no_database(proven: Proven) -> None:
    with temporary_home() as elsewhere:
        proven.scene.deployment.write(elsewhere / "deployments")
        done = subprocess.run(
            [PROGRAM, "witness", "--as", f"dev{FIRST}", "--once", "--json"],
            env=environment(elsewhere, rpc_url=proven.scene.node.url),
            capture_output=True,
            text=True,
            check=False,
        )
        assert done.returncode == 0, done.stderr
        assert len(json.loads(done.stdout)["signed"]) == 1
        assert [path.name for path in elsewhere.glob("witness-*")] == [f"witness-{shown(FIRST)}.jsonl"]
        assert not (elsewhere / "postgres").exists()


def test_a_keystore_signs_by_its_name(proven: Proven) -> None:
    with temporary_home() as elsewhere:
        proven.scene.deployment.write(elsewhere / "deployments")
        (elsewhere / "keys").mkdir()
        own = Account.from_key(b"\x07" * 32)
        keystore = Account.encrypt(own.key, "secret", iterations=2)
        (elsewhere / "keys" / "tower.json").write_text(json.dumps(keystore))
        (elsewhere / "password").write_text("secret\n")
        environ = environment(elsewhere, rpc_url=proven.scene.node.url, keystore_password_file=elsewhere / "password")
        done = subprocess.run(
            [PROGRAM, "witness", "--as", "tower", "--once"], env=environ, capture_output=True, text=True, check=False
        )
        assert done.returncode == 0, done.stderr
        (file,) = elsewhere.glob("witness-*")
        assert format_address(Attestation.read(file.read_bytes()).signer()) == own.address


def test_what_was_signed_and_not_handed_over_is_at_the_next_start(proven: Proven) -> None:
    file = proven.home / "late.jsonl"
    words = ("witness", "--as", f"dev{SECOND}", "-o", str(file), "--once")
    (block,) = (one["block"] for one in json_of(proven.home, *words)["signed"])
    asked = f"{proven.url}/v1/verification/attestations.jsonl?block={block}"
    assert json_of(proven.home, *words, "--publish", proven.url)["signed"] == []
    assert file.read_bytes() in get(asked).content


def test_whom_nobody_knows_cannot_witness(proven: Proven) -> None:
    for name, code in (("nobody", "unknown_account"), ("0x" + "11" * 20, "unknown_account")):
        done = counterfoil(proven.home, "witness", "--as", name, "--once", exit_code=1)
        assert done.stderr.startswith(code)
