"""The deployment plan with our own driver; tests/contracts holds ape's driver against it."""

from __future__ import annotations

import json
from collections.abc import Callable
from dataclasses import fields, replace
from pathlib import Path
from typing import Any

import pytest

from registry.chain import deploy
from registry.chain.abi import ContractAbi
from registry.chain.contract import Calls, ReceivablesView, artifact
from registry.chain.deploy import (
    ADMIN_ROLE,
    CODE,
    GOVERNOR_ROLE,
    OFFICER_ROLE,
    OPERATOR_ROLE,
    SETTLEMENT_BANK_ROLE,
    Call,
    Charter,
    Deploy,
    Deployment,
    DeploymentMismatch,
    NotDeployed,
    RegulatorMissing,
    dev_charter,
)
from registry.chain.deposits import DepositView
from registry.chain.devchain import dev_account
from registry.chain.reverts import NotScheduled
from registry.chain.rpc import Node
from registry.chain.submit import account_address, send
from registry.domain import rules
from registry.domain.identifiers import ZERO_ADDRESS, Address, format_address
from registry.domain.journal import DepositTokenSet, DescriptorSet, DeskSet, ParameterSet
from registry.domain.keccak import keccak256
from registry.domain.receivable import DAY_SECONDS, Parameter
from tests.scene import BANK, BUYER, EUR, OFFICER, OPERATOR, REGULATOR, SECOND, SELLER, SETTLEMENT_BANK, Scene


def asking(scene: Scene, access: Address) -> Callable[..., Any]:
    """Reads of one of the two AccessManagers."""
    abi = ContractAbi(artifact("RegistryAccess"))
    return lambda function, *arguments: abi.result(
        function, scene.node.call(to=access, data=abi.call(function, *arguments))
    )


def functions_by_role(
    scene: Scene, access: Address, *, contract: str = "IReceivables", target: Address | None = None
) -> dict[int, set[str]]:
    """Functions of the registry, or another target, that do not need the administrator, by the role they need."""
    ask = asking(scene, access)
    found: dict[int, set[str]] = {}
    for signature, selector in artifact(contract).selectors.items():
        role = ask("getTargetFunctionRole", target or scene.deployment.receivables, selector)
        if role != ADMIN_ROLE:
            found.setdefault(role, set()).add(signature.partition("(")[0])
    return found


# ----------------------------------------------------------------- who may what


def test_the_registry_is_the_compiled_one_and_nobody_can_replace_it(scene: Scene) -> None:
    for name, contract in CODE.items():
        assert artifact(contract).is_runtime(scene.node.code(getattr(scene.deployment, name)))
    assert artifact("FinancingDesk").is_runtime(scene.node.code(scene.deployment.desk))
    for token in scene.deployment.deposit_tokens.values():
        assert artifact("DepositToken").is_runtime(scene.node.code(token))
    for access in (scene.deployment.access, scene.deployment.regulation, scene.deployment.banking):
        assert scene.node.code(access) == artifact("RegistryAccess").runtime


def test_the_operators_manager_knows_operator_governor_and_settlement_bank(scene: Scene) -> None:
    assert functions_by_role(scene, scene.deployment.access) == {
        OPERATOR_ROLE: set(deploy.OPERATOR_FUNCTIONS),
        GOVERNOR_ROLE: set(deploy.GOVERNOR_FUNCTIONS),
        SETTLEMENT_BANK_ROLE: set(deploy.SETTLEMENT_BANK_FUNCTIONS),
    }
    ask = asking(scene, scene.deployment.access)
    operator, delay = scene.address(OPERATOR), scene.deployment.charter.governor_delay_seconds
    assert ask("hasRole", OPERATOR_ROLE, operator) == (True, 0)
    assert ask("hasRole", GOVERNOR_ROLE, operator) == (True, delay)
    closing = scene.deployment.charter.settlement_delay_seconds
    assert ask("hasRole", SETTLEMENT_BANK_ROLE, scene.address(SETTLEMENT_BANK)) == (True, closing)
    assert ask("hasRole", SETTLEMENT_BANK_ROLE, operator) == (False, 0)
    for role in (ADMIN_ROLE, OPERATOR_ROLE, GOVERNOR_ROLE):
        for stranger in (BANK, REGULATOR, OFFICER, SETTLEMENT_BANK):
            assert ask("hasRole", role, scene.address(stranger)) == (False, 0)


def test_the_regulators_manager_knows_officers_and_the_operator_has_no_part_in_it(scene: Scene) -> None:
    assert functions_by_role(scene, scene.deployment.regulation) == {OFFICER_ROLE: set(deploy.OFFICER_FUNCTIONS)}
    ask = asking(scene, scene.deployment.regulation)
    assert ask("hasRole", ADMIN_ROLE, scene.address(REGULATOR)) == (True, 0)
    for officer in (OFFICER, SECOND):
        assert ask("hasRole", OFFICER_ROLE, scene.address(officer)) == (True, 0)
    for role in (ADMIN_ROLE, OFFICER_ROLE):
        assert ask("hasRole", role, scene.address(OPERATOR)) == (False, 0)


def test_the_banks_manager_knows_the_bank_and_nobody_else_issues_deposits(scene: Scene) -> None:
    ask = asking(scene, scene.deployment.banking)
    assert functions_by_role(scene, scene.deployment.banking) == {}
    for token in scene.deployment.deposit_tokens.values():
        named = functions_by_role(scene, scene.deployment.banking, contract="DepositToken", target=token)
        assert named == {SETTLEMENT_BANK_ROLE: {"mint", "burn"}}
    for role in (ADMIN_ROLE, SETTLEMENT_BANK_ROLE):
        assert ask("hasRole", role, scene.address(SETTLEMENT_BANK)) == (True, 0)
        for stranger in (OPERATOR, REGULATOR, OFFICER, BANK):
            assert ask("hasRole", role, scene.address(stranger)) == (False, 0)


def test_the_registry_knows_its_desk_and_a_deposit_token_for_each_currency(scene: Scene) -> None:
    deployment = scene.deployment
    assert scene.view.policy().settlement.desk == deployment.desk
    assert set(deployment.deposit_tokens) == set(deployment.charter.currencies)
    assert scene.view.deposit_tokens([*deployment.charter.currencies, 999]) == {
        **deployment.deposit_tokens,
        999: ZERO_ADDRESS,
    }


def test_the_dev_chain_has_deposits_in_the_currencies_of_the_samples(node: Node) -> None:
    deployment = deploy.run(node, dev_account(OPERATOR))
    assert deployment.charter == dev_charter()
    tokens = {
        view.symbol(): view.decimals() for view in (DepositView(node, at) for at in deployment.deposit_tokens.values())
    }
    assert tokens == {"dCNY": 2, "dEUR": 2, "dGBP": 2, "dJPY": 0, "dSEK": 2, "dUSD": 2}


def test_the_roles_have_the_numbers_that_the_contract_names(scene: Scene) -> None:
    ask = asking(scene, scene.deployment.access)
    named = {"ADMIN_ROLE": ADMIN_ROLE, "OPERATOR_ROLE": OPERATOR_ROLE}
    named |= {"GOVERNOR_ROLE": GOVERNOR_ROLE, "OFFICER_ROLE": OFFICER_ROLE}
    named |= {"SETTLEMENT_BANK_ROLE": SETTLEMENT_BANK_ROLE}
    assert {name: ask(name) for name in named} == named


def test_the_governors_delay_cannot_be_lifted_at_once(scene: Scene) -> None:
    """Neither by another grant of the role nor by giving the functions to another role."""
    abi, access = ContractAbi(artifact("RegistryAccess")), scene.deployment.access
    selector = Calls.sunset()
    for data in (
        abi.call("grantRole", GOVERNOR_ROLE, scene.address(BANK), 0),
        abi.call("grantRole", ADMIN_ROLE, scene.address(BANK), 0),
        abi.call("setTargetFunctionRole", scene.deployment.receivables, [selector], OPERATOR_ROLE),
        abi.call("updateAuthority", scene.deployment.receivables, scene.deployment.regulation),
    ):
        with pytest.raises(NotScheduled):
            send(scene.node, abi, signer=dev_account(OPERATOR), to=access, data=data)
    with pytest.raises(NotScheduled):
        scene.send(OPERATOR, Calls.sunset())


def test_the_first_entries_are_the_parameters_the_descriptor_the_desk_and_the_deposit_tokens(scene: Scene) -> None:
    charter = scene.deployment.charter
    first = scene.journal(0)[: 8 + len(charter.currencies)]
    values = [(entry.parameter, entry.value) for entry in first if isinstance(entry, ParameterSet)]
    assert values == [
        (Parameter.TENOR_LIMIT_DAYS, charter.tenor_limit_days),
        (Parameter.MINIMUM_PART_MINOR, charter.minimum_part_minor),
        (Parameter.ANSWER_WINDOW_DAYS, charter.answer_window_days),
        (Parameter.UNANSWERED_MAX, charter.unanswered_max),
        (Parameter.FORCED_TRANSFER_DELAY_SECONDS, charter.forced_transfer_delay_seconds),
        (Parameter.OVERDUE_GRACE_DAYS, charter.overdue_grace_days),
    ]
    operator = scene.address(OPERATOR)
    assert isinstance(first[6], DescriptorSet)
    assert (first[6].descriptor, first[6].actor) == (scene.deployment.descriptor, operator)
    assert isinstance(first[7], DeskSet)
    assert (first[7].desk, first[7].actor) == (scene.deployment.desk, operator)
    tokens = {entry.currency: entry.token for entry in first[8:] if isinstance(entry, DepositTokenSet)}
    assert tokens == scene.deployment.deposit_tokens


def test_a_charter_settles_the_first_values(node: Node) -> None:
    charter = Charter(
        regulator=Scene.address(REGULATOR),
        settlement_bank=Scene.address(SETTLEMENT_BANK),
        governor_delay_seconds=7,
        tenor_limit_days=180,
        minimum_part_minor=1_000,
        answer_window_days=5,
        unanswered_max=3,
        forced_transfer_delay_seconds=99,
        overdue_grace_days=9,
    )
    deployment = deploy.run(node, dev_account(OPERATOR), charter)
    view = ReceivablesView(node, deployment.receivables)
    policy = view.policy()
    registration, movement = policy.registration, policy.movement
    assert registration.tenor_limit_days.following == 180
    assert registration.answer_window_days.following == 5
    assert registration.unanswered_max.following == 3
    assert movement.minimum_part_minor.following == 1_000
    assert policy.settlement.overdue_grace_days.following == 9
    assert view.forced_transfer_delay() == 99
    assert (deployment.charter, deployment.deposit_tokens) == (charter, {})


def test_a_forced_transfer_waits_a_year_at_most(node: Node) -> None:
    longest = replace(dev_charter(), currencies=(), forced_transfer_delay_seconds=365 * DAY_SECONDS)
    deployment = deploy.run(node, dev_account(OPERATOR), longest)
    assert ReceivablesView(node, deployment.receivables).forced_transfer_delay() == 365 * DAY_SECONDS
    longer = replace(longest, forced_transfer_delay_seconds=365 * DAY_SECONDS + 1)
    with pytest.raises(rules.ParameterMalformed):
        deploy.run(node, dev_account(OPERATOR), longer)


def test_a_successor_names_a_predecessor_in_its_sunset_and_keeps_its_claims_taken(scene: Scene) -> None:
    number = scene.register()
    claim = scene.claims[number][0].claim
    succeeding = replace(scene.deployment.charter, predecessor=scene.deployment.receivables)
    with pytest.raises(rules.PredecessorLives):
        deploy.run(scene.node, dev_account(OPERATOR), succeeding)

    scene.sunset()
    successor = Scene(scene.node, deploy.run(scene.node, dev_account(OPERATOR), succeeding))
    assert successor.view.predecessor() == scene.deployment.receivables
    for person in (SELLER, BUYER):
        successor.admit(person)
    with pytest.raises(rules.TakenInPredecessor):
        successor.register(claim)


# --------------------------------------------------------------------- the plan


def test_a_step_names_earlier_steps_and_selectors() -> None:
    names: dict[str, Address] = {"deployer": b"\x01" * 20, "receivables": b"\x02" * 20}
    resolved = deploy.resolve(("$deployer", ("!suspend", "$receivables"), 1, "word"), names)
    assert resolved == (b"\x01" * 20, (keccak256(b"suspend(address,uint8)")[:4], b"\x02" * 20), 1, "word")
    assert deploy.resolve("!DepositToken.mint", names) == keccak256(b"mint(address,uint256,bytes32)")[:4]
    with pytest.raises(KeyError):
        deploy.resolve("$later", names)


def test_the_plan_names_only_what_stands_before() -> None:
    known = {"$deployer"}
    for step in deploy.plan(dev_charter()):
        named = {part for part in _flat(step.arguments) if isinstance(part, str) and part.startswith("$")}
        assert named <= known
        if isinstance(step, Deploy):
            assert f"${step.name}" not in known
            known.add(f"${step.name}")
        assert isinstance(step, Deploy | Call)
        assert f"${step.name}" in known


def test_only_regulator_and_bank_sign_at_their_managers() -> None:
    calls = [step for step in deploy.plan(dev_charter()) if isinstance(step, Call)]
    own = {"regulation": "regulator", "banking": "settlement_bank"}
    assert {(step.name, step.signer) for step in calls if step.name in own} == set(own.items())
    assert {step.signer for step in calls if step.name not in own} == {"deployer"}


def _flat(arguments: object) -> list[object]:
    return [part for item in arguments for part in _flat(item)] if isinstance(arguments, tuple) else [arguments]


class Elsewhere(Node):
    """The dev chain under another chain's id."""

    @property
    def chain_id(self) -> int:
        return 1


def test_elsewhere_a_registry_needs_a_regulator_and_no_dev_account_stands_for_it(node: Node) -> None:
    with pytest.raises(RegulatorMissing, match="chain 1 "):
        deploy.run(Elsewhere(node.url), dev_account(OPERATOR))


def test_what_regulator_and_bank_do_waits_for_their_own_transactions(node: Node) -> None:
    regulator, officer, bank = dev_account(BANK), dev_account(BUYER), dev_account(SELLER)
    charter = Charter(
        regulator=account_address(regulator),
        officers=(account_address(officer),),
        settlement_bank=account_address(bank),
        currencies=(EUR,),
    )
    scene = Scene(node, deploy.run(node, dev_account(OPERATOR), charter))
    ask = asking(scene, scene.deployment.regulation)
    assert functions_by_role(scene, scene.deployment.regulation) == {}
    assert ask("hasRole", OFFICER_ROLE, account_address(officer)) == (False, 0)

    steps = deploy.waiting(scene.deployment)
    signers = {account_address(account): account for account in (regulator, bank)}
    assert {step.sender for step in steps} == set(signers)
    for step in steps:
        abi = ContractAbi(artifact("RegistryAccess"))
        with pytest.raises(rules.NotAuthorised):
            send(node, abi, signer=dev_account(OPERATOR), to=step.to, data=step.data)
        send(node, abi, signer=signers[step.sender], to=step.to, data=step.data)
    assert asking(scene, scene.deployment.banking)("hasRole", SETTLEMENT_BANK_ROLE, account_address(bank)) == (True, 0)
    token = scene.deployment.deposit_tokens[EUR]
    assert functions_by_role(scene, scene.deployment.banking, contract="DepositToken", target=token) == {
        SETTLEMENT_BANK_ROLE: {"mint", "burn"}
    }
    assert functions_by_role(scene, scene.deployment.regulation) == {OFFICER_ROLE: set(deploy.OFFICER_FUNCTIONS)}
    assert ask("hasRole", OFFICER_ROLE, account_address(officer)) == (True, 0)


# ------------------------------------------------------- the recorded deployment


def test_a_deployment_is_read_as_it_was_written(scene: Scene, tmp_path: Path) -> None:
    path = scene.deployment.write(tmp_path / "deep" / "folder")
    assert path.name == "31337.json"
    assert Deployment.read(path.parent, 31337) == scene.deployment
    assert Deployment.read(path.parent, 1) is None
    written = json.loads(path.read_text())
    assert written["receivables"] == format_address(scene.deployment.receivables)
    assert written["charter"]["officers"] == [format_address(scene.address(person)) for person in (OFFICER, SECOND)]
    assert set(map(int, written["deposit_tokens"])) == set(scene.deployment.charter.currencies)
    assert [file.name for file in path.parent.iterdir()] == ["31337.json"]  # and no temporary one


@pytest.mark.parametrize("field", [*(field.name for field in fields(Deployment)), "charter.settlement_bank"])
def test_a_record_of_another_version_is_a_mismatch(scene: Scene, tmp_path: Path, field: str) -> None:
    path = scene.deployment.write(tmp_path)
    written = json.loads(path.read_text())
    part, _, name = field.rpartition(".")
    del (written[part] if part else written)[name]
    path.write_text(json.dumps(written))
    with pytest.raises(DeploymentMismatch, match="another version"):
        Deployment.read(tmp_path, 31337)


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


@pytest.mark.parametrize("name", [*CODE, "desk", "deposit_tokens"])
def test_another_contract_at_a_recorded_address_is_a_mismatch(scene: Scene, tmp_path: Path, name: str) -> None:
    access = scene.deployment.access
    another: Any = {EUR: access} if name == "deposit_tokens" else access
    replace(scene.deployment, **{name: another}).write(tmp_path)
    with pytest.raises(DeploymentMismatch, match=format_address(scene.deployment.access)):
        deploy.find(scene.node, tmp_path)


@pytest.mark.parametrize(
    "name", ["by_signature", "oversight", "settlement", "regulation", "desk", "deposit_tokens", "charter"]
)
def test_what_the_registry_is_not_joined_to_is_a_mismatch(scene: Scene, tmp_path: Path, name: str) -> None:
    """The same code, but of another registry."""
    other = deploy.run(scene.node, dev_account(OPERATOR), scene.deployment.charter)
    another: Any = replace(other.charter, predecessor=other.receivables) if name == "charter" else getattr(other, name)
    replace(scene.deployment, **{name: another}).write(tmp_path)
    with pytest.raises(DeploymentMismatch, match="recorded"):
        deploy.find(scene.node, tmp_path)


def test_each_run_makes_a_registry_of_its_own(scene: Scene) -> None:
    second = deploy.run(scene.node, dev_account(OPERATOR), scene.deployment.charter)
    assert second.receivables != scene.deployment.receivables
    assert second.block_number > scene.deployment.block_number
    block = scene.node.block(second.block_number)
    assert block is not None
    assert block.hash == second.block_hash
