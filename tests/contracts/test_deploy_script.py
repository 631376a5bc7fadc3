"""scripts/deploy.py: ape's accounts, our artifacts, the same registry as our own driver makes."""

from __future__ import annotations

import os
import re
import subprocess
import sys
from pathlib import Path
from typing import Any

import ape
import pytest
from click.testing import CliRunner
from eth_account import Account

from registry.chain import deploy
from registry.chain.compile import SOLC_FOLDER, compile_contracts
from registry.chain.contract import ReceivablesView, receivables_abi
from registry.chain.deploy import Charter, Deployment, RegulatorMissing, dev_charter
from registry.chain.rpc import Node
from registry.domain.identifiers import format_address
from registry.settings import PROJECT_ROOT
from scripts import deploy as script
from scripts.deploy import ApeDriver, cli
from tests.contracts.audit import audit

ROLES = {deploy.ADMIN_ROLE, deploy.OPERATOR_ROLE, deploy.GOVERNOR_ROLE, deploy.OFFICER_ROLE}


def node() -> Node:
    return Node(ape.chain.provider.uri)


def raw(account: Any) -> bytes:
    return bytes.fromhex(account.address.removeprefix("0x"))


def standing(deployment: Deployment) -> dict[str, Any]:
    """What can be compared of two registries: roles of functions and of people at both managers, parameters."""
    abi, manager = compile_contracts()["IReceivables"], compile_contracts()["RegistryAccess"].abi
    people = {"operator": deployment.operator, "regulator": deployment.charter.regulator}
    people |= {f"officer {number}": officer for number, officer in enumerate(deployment.charter.officers)}
    found: dict[str, Any] = {}
    for name in ("access", "regulation"):
        access = ape.Contract("0x" + getattr(deployment, name).hex(), abi=manager, fetch_from_explorer=False)
        registry = "0x" + deployment.receivables.hex()
        for signature, selector in abi.selectors.items():
            found[f"{name} {signature}"] = access.getTargetFunctionRole(registry, selector)
        for person, address in people.items():
            for role in ROLES:
                found[f"{name} {person} {role}"] = tuple(access.hasRole(role, "0x" + address.hex()))
    policy = ReceivablesView(node(), deployment.receivables).policy()
    return found | {"movement": policy.movement, "registration": policy.registration}


def test_both_drivers_make_the_same_registry(accounts: Any) -> None:
    settled = dev_charter()
    by_ape = deploy.carry_out(
        ApeDriver(accounts[0], script.dev_regulator(settled)), settled, chain_id=ape.chain.chain_id
    )
    by_us = deploy.run(node(), Account.from_key(accounts[1].private_key))

    assert standing(by_ape) == standing(by_us)
    assert (by_ape.operator, by_us.operator) == (raw(accounts[0]), raw(accounts[1]))
    assert by_ape.artifact_digest == by_us.artifact_digest
    for deployment in (by_ape, by_us):
        for name, contract in deploy.CODE.items():
            assert compile_contracts()[contract].is_runtime(node().code(getattr(deployment, name)))


def test_the_recorded_block_is_the_one_that_created_the_registry(accounts: Any) -> None:
    settled = Charter(regulator=raw(accounts[9]))
    deployment = deploy.carry_out(ApeDriver(accounts[0]), settled, chain_id=ape.chain.chain_id)
    block = node().block(deployment.block_number)
    assert block is not None
    assert block.hash == deployment.block_hash
    contract = "0x" + deployment.receivables.hex()
    assert node().request("eth_getCode", contract, hex(deployment.block_number)) != "0x"
    assert node().request("eth_getCode", contract, hex(deployment.block_number - 1)) == "0x"


def test_what_waits_for_the_regulator_makes_its_officers(accounts: Any) -> None:
    """The deployer has no part in it: the calldata that it prints is sent by somebody else."""
    regulator, first, second = accounts[7], accounts[8], accounts[9]
    settled = Charter(regulator=raw(regulator), officers=(raw(first), raw(second)))
    deployment = deploy.carry_out(ApeDriver(accounts[0]), settled, chain_id=ape.chain.chain_id)
    whole = deploy.carry_out(ApeDriver(accounts[0], regulator), settled, chain_id=ape.chain.chain_id)
    assert standing(deployment) != standing(whole)

    for step in deploy.waiting(deployment):
        assert step.sender == raw(regulator)
        with pytest.raises(ape.exceptions.ContractLogicError):
            accounts[0].transfer(format_address(step.to), 0, data=step.data, gas=500_000)
        regulator.transfer(format_address(step.to), 0, data=step.data)
    assert standing(deployment) == standing(whole)


def test_ape_compiles_to_the_bytecode_that_is_deployed(project: Any) -> None:
    for name in ("RegistryAccess", "CertificateDescriptor", *deploy.CODE.values()):
        theirs = getattr(project, name).contract_type.deployment_bytecode.bytecode
        assert str(theirs) == "0x" + compile_contracts()[name].bytecode.hex()


def test_the_command_writes_where_the_registry_stands(accounts: Any, tmp_path: Path) -> None:
    assert cli.callback is not None
    cli.callback(account=accounts[0], folder=tmp_path, answer_window_days=7)
    deployment = Deployment.read(tmp_path, ape.chain.chain_id)
    assert deployment is not None
    assert deploy.find(node(), tmp_path) == deployment
    view = ReceivablesView(node(), deployment.receivables)
    assert view.count() == 0
    assert view.policy().registration.answer_window_days.in_force(now=0) == 7
    audit(node(), deployment.receivables, first_block=deployment.block_number)


def test_the_command_prints_what_the_regulator_has_to_send(
    accounts: Any, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert cli.callback is not None
    regulator, officer = accounts[8].address, accounts[9].address
    cli.callback(account=accounts[0], folder=tmp_path, regulator=regulator, officers=[officer])
    printed = capsys.readouterr().out
    assert f"To be sent by the regulator, {regulator}" in printed
    selector = receivables_abi().selector("freezeMember").hex()
    assert selector in printed
    assert officer.removeprefix("0x").lower() in printed


def test_elsewhere_than_on_the_dev_chain_a_regulator_must_be_named() -> None:
    nobody: dict[str, Any] = {"regulator": None, "officers": [], "predecessor": None}
    with pytest.raises(RegulatorMissing, match="11155111"):
        script.charter(chain_id=11_155_111, **nobody)
    assert script.charter(chain_id=31_337, **nobody) == dev_charter()


def test_every_figure_of_the_charter_is_an_option() -> None:
    shown = CliRunner().invoke(cli, ["--help"]).output
    for option in ("--tenor-limit-days", "--governor-delay-seconds", "--forced-transfer-delay-seconds"):
        assert option in shown


def test_it_runs_as_an_ape_script(tmp_path: Path) -> None:
    """From the command line, on a chain that ape starts and ends."""
    ape_binary = Path(sys.executable).with_name("ape")
    command = [ape_binary, "run", "deploy", "--network", "ethereum:local:foundry", "--account", "TEST::0"]
    command += ["--unanswered-max", "3"]
    environment = {**os.environ, "SOLCX_BINARY_PATH": str(SOLC_FOLDER), "COUNTERFOIL_HOME": str(tmp_path)}
    finished = subprocess.run(
        command, cwd=PROJECT_ROOT, env=environment, capture_output=True, text=True, timeout=120, check=False
    )
    assert finished.returncode == 0, finished.stdout + finished.stderr
    deployment = Deployment.read(tmp_path / "deployments", 31337)
    assert deployment is not None
    assert deployment.charter.unanswered_max == 3
    assert re.search(rf"Receivables +0x{deployment.receivables.hex()}", finished.stdout, re.IGNORECASE)
