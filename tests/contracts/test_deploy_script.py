"""scripts/deploy.py: ape's accounts, our artifacts, the same registry as our own driver makes."""

from __future__ import annotations

import os
import re
import subprocess
import sys
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any

import ape
import pytest
from click.testing import CliRunner
from eth_abi.abi import encode
from eth_account import Account

from registry.chain import deploy
from registry.chain.compile import SOLC_FOLDER, compile_contracts
from registry.chain.contract import ReceivablesView, receivables_abi
from registry.chain.deploy import Charter, Deployment, RegulatorMissing, SettlementBankMissing, dev_charter
from registry.chain.rpc import Node
from registry.domain.identifiers import format_address
from registry.domain.money import UnknownCurrency
from registry.settings import PROJECT_ROOT
from scripts import deploy as script
from scripts.deploy import ApeDriver, cli
from tests.contracts.audit import audit
from tests.contracts.door import node, selector
from tests.contracts.house import EUR, raw

pytestmark = pytest.mark.slow

ROLES = {deploy.ADMIN_ROLE, deploy.OPERATOR_ROLE, deploy.GOVERNOR_ROLE, deploy.OFFICER_ROLE}
ROLES |= {deploy.SETTLEMENT_BANK_ROLE}


def standing(deployment: Deployment) -> dict[str, Any]:
    """What can be compared of two registries: roles of functions and of people at all managers, parameters."""
    artifacts = compile_contracts()
    people = {"operator": deployment.operator, "regulator": deployment.charter.regulator}
    people |= {"settlement bank": deployment.charter.settlement_bank}
    people |= {f"officer {number}": officer for number, officer in enumerate(deployment.charter.officers)}
    targets = {"registry": (deployment.receivables, artifacts["IReceivables"].selectors)}
    for number, token in deployment.deposit_tokens.items():
        targets[str(number)] = token, artifacts["DepositToken"].selectors
    asked: dict[str, bytes] = {}
    for target, (address, selectors) in targets.items():
        for signature, function in selectors.items():
            words = encode(["address", "bytes4"], [address, function])
            asked[f"{target} {signature}"] = selector("getTargetFunctionRole(address,bytes4)") + words
    for person, address in people.items():
        for role in ROLES:
            asked[f"{person} {role}"] = selector("hasRole(uint64,address)") + encode(
                ["uint64", "address"], [role, address]
            )
    managers = {name: format_address(getattr(deployment, name)) for name in ("access", "regulation", "banking")}
    calls = [{"to": manager, "data": "0x" + data.hex()} for manager in managers.values() for data in asked.values()]
    answers = node().batch([("eth_call", [call, "latest"]) for call in calls])
    names = [f"{manager} {name}" for manager in managers for name in asked]
    found: dict[str, Any] = dict(zip(names, answers, strict=True))
    policy = ReceivablesView(node(), deployment.receivables).policy()
    grace = policy.settlement.overdue_grace_days
    return found | {"movement": policy.movement, "registration": policy.registration, "grace": grace}


def test_both_drivers_make_the_same_registry(accounts: Any) -> None:
    settled = dev_charter()
    by_ape = deploy.carry_out(
        ApeDriver(accounts[0], *script.dev_authorities(settled)), settled, chain_id=ape.chain.chain_id
    )
    by_us = deploy.run(Node(node().url), Account.from_key(accounts[1].private_key))

    assert standing(by_ape) == standing(by_us)
    assert (by_ape.operator, by_us.operator) == (raw(accounts[0]), raw(accounts[1]))
    assert by_ape.artifact_digest == by_us.artifact_digest
    artifacts = compile_contracts()
    for deployment in (by_ape, by_us):
        for name, contract in deploy.CODE.items():
            assert artifacts[contract].is_runtime(node().code(getattr(deployment, name)))
        tokens = ReceivablesView(node(), deployment.receivables).deposit_tokens(settled.currencies)
        assert tokens == deployment.deposit_tokens


def test_the_recorded_block_is_the_one_that_created_the_registry(accounts: Any) -> None:
    settled = Charter(regulator=raw(accounts[9]), settlement_bank=raw(accounts[8]))
    deployment = deploy.carry_out(ApeDriver(accounts[0]), settled, chain_id=ape.chain.chain_id)
    block = node().block(deployment.block_number)
    assert block is not None
    assert block.hash == deployment.block_hash
    contract = "0x" + deployment.receivables.hex()
    assert node().request("eth_getCode", contract, hex(deployment.block_number)) != "0x"
    assert node().request("eth_getCode", contract, hex(deployment.block_number - 1)) == "0x"


def test_what_waits_for_regulator_and_bank_makes_officers_and_deposits(accounts: Any) -> None:
    """The deployer has no part in it: the calldata that it prints is sent by somebody else."""
    bank, regulator, first, second = accounts[6:10]
    officers = (raw(first), raw(second))
    settled = Charter(regulator=raw(regulator), officers=officers, settlement_bank=raw(bank), currencies=(EUR, 392))
    deployment = deploy.carry_out(ApeDriver(accounts[0]), settled, chain_id=ape.chain.chain_id)
    whole = deploy.carry_out(ApeDriver(accounts[0], regulator, bank), settled, chain_id=ape.chain.chain_id)
    assert standing(deployment) != standing(whole)

    for step in deploy.waiting(deployment):
        (sender,) = (account for account in (regulator, bank) if raw(account) == step.sender)
        with pytest.raises(ape.exceptions.ContractLogicError):
            accounts[0].transfer(format_address(step.to), 0, data=step.data, gas=500_000)
        sender.transfer(format_address(step.to), 0, data=step.data)
    assert standing(deployment) == standing(whole)


def test_ape_compiles_to_the_bytecode_that_is_deployed(project: Any) -> None:
    """Of every contract; what is told, asked and refused is the same too."""
    ours = vars(project)
    if compiled(ape.project.contracts, ours) != compiled(ours, ours):
        # ape compiles a file again when it changed, not when a file that it imports did.
        ape.project.load_contracts(use_cache=False)
    assert compiled(ape.project.contracts, ours) == compiled(ours, ours)


def compiled(contracts: Mapping[str, Any], names: Iterable[str]) -> dict[str, Any]:
    """What deploys each, and what it answers to, tells and refuses with."""
    types = {name: contracts[name].contract_type for name in names}
    return {name: (each.deployment_bytecode, each.abi) for name, each in types.items()}


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


def test_the_command_prints_what_others_have_to_send(
    accounts: Any, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert cli.callback is not None
    bank, regulator, officer = (account.address for account in accounts[7:10])
    options: dict[str, Any] = {"regulator": regulator, "officers": [officer], "settlement_bank": bank}
    cli.callback(account=accounts[0], folder=tmp_path, currencies=["EUR"], **options)
    deployment = Deployment.read(tmp_path, ape.chain.chain_id)
    assert deployment is not None
    printed = capsys.readouterr().out
    assert re.search(rf"DepositToken EUR +0x{deployment.deposit_tokens[EUR].hex()}", printed, re.IGNORECASE)
    by_regulator, by_bank = printed.split(f"To be sent by the settlement bank, {bank}:")
    assert f"To be sent by the regulator, {regulator}" in by_regulator
    assert receivables_abi().selector("freezeMember").hex() in by_regulator
    assert officer.removeprefix("0x").lower() in by_regulator
    assert compile_contracts()["DepositToken"].selectors["mint(address,uint256,bytes32)"].hex() in by_bank


def test_elsewhere_than_on_the_dev_chain_regulator_and_bank_must_be_named(accounts: Any) -> None:
    with pytest.raises(RegulatorMissing, match="11155111"):
        script.charter(chain_id=11_155_111)
    with pytest.raises(SettlementBankMissing):
        script.charter(chain_id=11_155_111, regulator=accounts[9].address)
    assert script.charter(chain_id=31_337) == dev_charter()


def test_deposits_are_in_the_currencies_that_are_named_and_no_others(accounts: Any) -> None:
    bank, regulator = accounts[8].address, accounts[9].address
    named: dict[str, Any] = {"chain_id": 11_155_111, "regulator": regulator, "settlement_bank": bank}
    assert script.charter(**named).currencies == ()
    assert script.charter(**named, currencies=["EUR", "JPY", "EUR"]).currencies == (EUR, 392)
    assert script.charter(chain_id=31_337, currencies=["EUR"]).currencies == (EUR,)
    with pytest.raises(UnknownCurrency, match="XXX"):
        script.charter(**named, currencies=["XXX"])


def test_every_figure_of_the_charter_is_an_option() -> None:
    shown = CliRunner().invoke(cli, ["--help"]).output
    for option in ("--tenor-limit-days", "--settlement-delay-seconds", "--overdue-grace-days"):
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
