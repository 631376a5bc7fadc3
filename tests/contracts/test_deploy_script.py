"""scripts/deploy.py: ape's accounts, our artifacts, the same registry as our own driver makes."""

from __future__ import annotations

import os
import re
import subprocess
import sys
from pathlib import Path
from typing import Any

import ape
from eth_account import Account

from registry.chain import deploy
from registry.chain.compile import SOLC_FOLDER, compile_contracts
from registry.chain.contract import ReceivablesView
from registry.chain.deploy import Deployment
from registry.chain.rpc import Node
from registry.settings import PROJECT_ROOT
from scripts.deploy import ApeDriver, cli
from tests.contracts.audit import audit
from tests.contracts.conftest import raw

OPERATOR_ROLE = 1


def node() -> Node:
    return Node(ape.chain.provider.uri)


def standing(deployment: Deployment) -> tuple[bytes, bytes, Any, Any]:
    """What can be compared of two registries: code, roles of functions and of the operator."""
    access = ape.Contract(
        "0x" + deployment.access.hex(), abi=compile_contracts()["RegistryAccess"].abi, fetch_from_explorer=False
    )
    contract = "0x" + deployment.receivables.hex()
    selectors = compile_contracts()["Receivables"].selectors
    roles = {signature: access.getTargetFunctionRole(contract, selector) for signature, selector in selectors.items()}
    operator = access.hasRole(OPERATOR_ROLE, "0x" + deployment.operator.hex())
    return node().code(deployment.receivables), node().code(deployment.access), roles, tuple(operator)


def test_both_drivers_make_the_same_registry(accounts: Any) -> None:
    by_ape = deploy.carry_out(ApeDriver(accounts[0]), chain_id=ape.chain.chain_id)
    by_us = deploy.run(node(), Account.from_key(accounts[1].private_key))

    assert standing(by_ape) == standing(by_us)
    assert (by_ape.operator, by_us.operator) == (raw(accounts[0]), raw(accounts[1]))
    assert by_ape.artifact_digest == by_us.artifact_digest
    assert node().code(by_ape.receivables) == compile_contracts()["Receivables"].runtime


def test_the_recorded_block_is_the_one_that_created_the_registry(accounts: Any) -> None:
    deployment = deploy.carry_out(ApeDriver(accounts[0]), chain_id=ape.chain.chain_id)
    block = node().block(deployment.block_number)
    assert block is not None
    assert block.hash == deployment.block_hash
    contract = "0x" + deployment.receivables.hex()
    assert node().request("eth_getCode", contract, hex(deployment.block_number)) != "0x"
    assert node().request("eth_getCode", contract, hex(deployment.block_number - 1)) == "0x"


def test_ape_compiles_to_the_bytecode_that_is_deployed(project: Any) -> None:
    for name in ("Receivables", "RegistryAccess"):
        theirs = getattr(project, name).contract_type.deployment_bytecode.bytecode
        assert str(theirs) == "0x" + compile_contracts()[name].bytecode.hex()


def test_the_command_writes_where_the_registry_stands(accounts: Any, tmp_path: Path) -> None:
    assert cli.callback is not None
    cli.callback(account=accounts[0], folder=tmp_path)
    deployment = Deployment.read(tmp_path, ape.chain.chain_id)
    assert deployment is not None
    assert deploy.find(node(), tmp_path) == deployment
    assert ReceivablesView(node(), deployment.receivables).count() == 0
    audit(node(), deployment.receivables, first_block=deployment.block_number)


def test_it_runs_as_an_ape_script(tmp_path: Path) -> None:
    """From the command line, on a chain that ape starts and ends."""
    ape_binary = Path(sys.executable).with_name("ape")
    command = [ape_binary, "run", "deploy", "--network", "ethereum:local:foundry", "--account", "TEST::0"]
    environment = {**os.environ, "SOLCX_BINARY_PATH": str(SOLC_FOLDER), "COUNTERFOIL_HOME": str(tmp_path)}
    finished = subprocess.run(
        command, cwd=PROJECT_ROOT, env=environment, capture_output=True, text=True, timeout=120, check=False
    )
    assert finished.returncode == 0, finished.stdout + finished.stderr
    deployment = Deployment.read(tmp_path / "deployments", 31337)
    assert deployment is not None
    assert re.search(rf"Receivables +0x{deployment.receivables.hex()}", finished.stdout, re.IGNORECASE)
