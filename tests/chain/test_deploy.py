"""The deployment plan with our own driver; tests/contracts holds ape's driver against it."""

from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path

import pytest

from registry.chain import deploy
from registry.chain.abi import ContractAbi
from registry.chain.compile import compile_contracts
from registry.chain.contract import artifact
from registry.chain.deploy import Call, Deploy, Deployment, DeploymentMismatch, NotDeployed
from registry.chain.devchain import dev_account
from registry.domain.identifiers import Address, format_address
from registry.domain.keccak import keccak256
from tests.scene import BANK, OPERATOR, Scene


def test_the_registry_is_the_compiled_one_and_nobody_can_replace_it(scene: Scene) -> None:
    deployed = scene.deployment
    assert scene.node.code(deployed.receivables) == compile_contracts()["Receivables"].runtime
    assert scene.node.code(deployed.access) == compile_contracts()["RegistryAccess"].runtime


def test_the_operators_role_covers_members_and_nothing_else(scene: Scene) -> None:
    abi = ContractAbi(artifact("RegistryAccess"))

    def ask(function: str, *arguments: object) -> object:
        return abi.result(function, scene.node.call(to=scene.deployment.access, data=abi.call(function, *arguments)))

    roles = {
        signature: ask("getTargetFunctionRole", scene.deployment.receivables, selector)
        for signature, selector in artifact("Receivables").selectors.items()
    }
    assert {signature for signature, role in roles.items() if role == deploy.OPERATOR_ROLE} == {
        "admit(address,uint40,uint32,bytes32)",
        "suspend(address,uint8)",
    }
    assert ask("hasRole", deploy.OPERATOR_ROLE, scene.address(OPERATOR)) == (True, 0)
    assert ask("hasRole", deploy.OPERATOR_ROLE, scene.address(BANK)) == (False, 0)
    assert ask("OPERATOR_ROLE") == deploy.OPERATOR_ROLE


def test_a_step_names_earlier_steps_and_selectors() -> None:
    names: dict[str, Address] = {"deployer": b"\x01" * 20, "Receivables": b"\x02" * 20}
    resolved = deploy.resolve(("$deployer", ("!suspend", "$Receivables"), 1, "word"), names)
    assert resolved == (b"\x01" * 20, (keccak256(b"suspend(address,uint8)")[:4], b"\x02" * 20), 1, "word")
    with pytest.raises(KeyError):
        deploy.resolve("$Later", names)


def test_the_plan_names_only_what_stands_before() -> None:
    known = {"$deployer"}
    for step in deploy.plan():
        named = {part for part in _flat(step.arguments) if isinstance(part, str) and part.startswith("$")}
        assert named <= known
        if isinstance(step, Deploy):
            known.add(f"${step.contract}")
        assert isinstance(step, Deploy | Call)
        assert f"${step.contract}" in known


def _flat(arguments: object) -> list[object]:
    return [part for item in arguments for part in _flat(item)] if isinstance(arguments, tuple) else [arguments]


# ------------------------------------------------------- the recorded deployment


def test_a_deployment_is_read_as_it_was_written(scene: Scene, tmp_path: Path) -> None:
    path = scene.deployment.write(tmp_path / "deep" / "folder")
    assert path.name == "31337.json"
    assert Deployment.read(path.parent, 31337) == scene.deployment
    assert Deployment.read(path.parent, 1) is None
    written = json.loads(path.read_text())
    assert written["receivables"] == format_address(scene.deployment.receivables)
    assert [file.name for file in path.parent.iterdir()] == ["31337.json"]  # and no temporary one


def test_a_deployment_is_found_on_its_chain(scene: Scene, tmp_path: Path) -> None:
    with pytest.raises(NotDeployed, match="31337"):
        deploy.find(scene.node, tmp_path)
    scene.deployment.write(tmp_path)
    assert deploy.find(scene.node, tmp_path) == scene.deployment


def test_a_deployment_of_other_sources_is_a_mismatch(scene: Scene, tmp_path: Path) -> None:
    replace(scene.deployment, artifact_digest="0" * 64).write(tmp_path)
    with pytest.raises(DeploymentMismatch) as refused:
        deploy.find(scene.node, tmp_path)
    assert refused.value.code == "deployment_mismatch"


def test_a_chain_that_began_anew_has_lost_its_registry(scene: Scene, tmp_path: Path) -> None:
    replace(scene.deployment, receivables=b"\x77" * 20).write(tmp_path)
    with pytest.raises(NotDeployed, match="no longer"):
        deploy.find(scene.node, tmp_path)


def test_another_contract_at_the_recorded_address_is_a_mismatch(scene: Scene, tmp_path: Path) -> None:
    replace(scene.deployment, receivables=scene.deployment.access).write(tmp_path)
    with pytest.raises(DeploymentMismatch, match=format_address(scene.deployment.access)):
        deploy.find(scene.node, tmp_path)


def test_each_run_makes_a_registry_of_its_own(scene: Scene) -> None:
    second = deploy.run(scene.node, dev_account(OPERATOR))
    assert second.receivables != scene.deployment.receivables
    assert second.block_number > scene.deployment.block_number
    block = scene.node.block(second.block_number)
    assert block is not None
    assert block.hash == second.block_hash
