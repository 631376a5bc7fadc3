"""Deploy a registry with ape: its accounts and networks, our artifacts, the plan of registry.chain.deploy.

    SOLCX_BINARY_PATH=scripts/solc ape run deploy --network ethereum:local:foundry --account TEST::0
    ape run deploy --network ethereum:sepolia:node --account operator --regulator 0x… --officer 0x… --officer 0x…

The account becomes administrator of the operator's access manager, operator and governor. The regulator's access
manager is the regulator's: what only the regulator can do there is printed, for it to send. What is deployed where is
written to <folder>/<chain id>.json, where `counterfoil` finds it.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import fields, replace
from pathlib import Path
from typing import Any

import ape
import click
from ape.cli import ConnectedProviderCommand, account_option
from ape.contracts import ContractContainer
from ethpm_types import ContractType

from registry.chain import deploy
from registry.chain.compile import Artifact
from registry.chain.deploy import Charter
from registry.chain.devchain import CHAIN_ID
from registry.domain.identifiers import ZERO_ADDRESS, Address, format_address, parse_address
from registry.domain.refusals import Refusal
from registry.settings import settings

DEV_BALANCE_WEI = 10**18


class ApeDriver:
    """Steps of the plan, signed and sent by ape accounts on the connected network, the deployer's first."""

    # Not a dataclass: ape runs a script without entering it into sys.modules, where dataclasses look types up.
    def __init__(self, *accounts: Any) -> None:
        self._accounts = {parse_address(str(account.address)): account for account in accounts}

    @property
    def address(self) -> Address:
        """The deployer's address."""
        return next(iter(self._accounts))

    def signs_for(self, account: Address) -> bool:
        """Whether the account is among those given."""
        return account in self._accounts

    def create(self, compiled: Artifact, arguments: Sequence[Any]) -> deploy.Created:
        """Deploy our artifact; ape's own compilation is not asked."""
        contract = self._accounts[self.address].deploy(_container(compiled), *_plain(arguments))
        receipt = contract.creation_metadata.receipt
        block = ape.chain.blocks[receipt.block_number]
        return deploy.Created(parse_address(str(contract.address)), int(receipt.block_number), bytes(block.hash))

    def call(self, sender: Address, compiled: Artifact, at: Address, function: str, arguments: Sequence[Any]) -> None:
        """Send a call to a contract of an earlier step."""
        contract = _container(compiled).at(format_address(at))
        getattr(contract, function)(*_plain(arguments), sender=self._accounts[sender])


def _container(compiled: Artifact) -> Any:
    return ContractContainer(
        ContractType.model_validate(
            {
                "contractName": compiled.name,
                "sourceId": compiled.source,
                "abi": compiled.abi,
                "deploymentBytecode": {"bytecode": "0x" + compiled.bytecode.hex()},
                "runtimeBytecode": {"bytecode": "0x" + compiled.runtime.hex()},
            }
        )
    )


def _plain(argument: Any) -> Any:
    """ape takes addresses as text; 20 bytes are an address here, as everywhere in the plan."""
    if isinstance(argument, list | tuple):
        return [_plain(part) for part in argument]
    if isinstance(argument, bytes) and len(argument) == len(ZERO_ADDRESS):
        return format_address(argument)
    return argument


def dev_regulator(settled: Charter) -> Any:
    """The regulator's dev account, which the local node lets us send from, with coins for gas."""
    address = format_address(settled.regulator)
    ape.chain.provider.set_balance(address, DEV_BALANCE_WEI)
    return ape.accounts.test_accounts.impersonate_account(address)


def charter(
    *, chain_id: int, regulator: str | None, officers: Sequence[str], predecessor: str | None, **figures: int | None
) -> Charter:
    """The charter of the options that were given; without a regulator the dev chain's, and only there.

    Raises RegulatorMissing, IdMalformed.
    """
    chosen: dict[str, Any] = {name: figure for name, figure in figures.items() if figure is not None}
    if predecessor is not None:
        chosen["predecessor"] = parse_address(predecessor)
    if regulator is not None:
        named = tuple(parse_address(officer) for officer in officers)
        return Charter(regulator=parse_address(regulator), officers=named, **chosen)
    if chain_id != CHAIN_ID:
        raise deploy.RegulatorMissing(f"chain {chain_id} is not the dev chain")
    return replace(deploy.dev_charter(), **chosen)


def _figures(command: Any) -> Any:
    """An option for each figure of the charter: --tenor-limit-days and so on."""
    for field in reversed(fields(Charter)):
        if isinstance(field.default, int):
            option = "--" + field.name.replace("_", "-")
            command = click.option(option, type=click.IntRange(min=0), help=f"Default: {field.default:,}.")(command)
    return command


@click.command(cls=ConnectedProviderCommand)
@account_option()
@click.option(
    "--folder",
    type=click.Path(file_okay=False, path_type=Path),
    default=None,
    help="Where to write <chain id>.json; default: deployments in COUNTERFOIL_HOME.",
)
@click.option("--regulator", help="Address that administers the officers; needed on all but a local dev chain.")
@click.option("--officer", "officers", multiple=True, help="Address of an officer of the regulator's; repeat it.")
@click.option("--predecessor", help="Address of the registry to be succeeded, in its sunset.")
@_figures
def cli(
    account: Any,
    folder: Path | None,
    regulator: str | None = None,
    officers: Sequence[str] = (),
    predecessor: str | None = None,
    **figures: int | None,
) -> None:
    """Deploy a registry and remember where it stands."""
    chain_id = int(ape.chain.chain_id)
    try:
        settled = charter(chain_id=chain_id, regulator=regulator, officers=officers, predecessor=predecessor, **figures)
    except Refusal as refusal:
        raise click.ClickException(f"{refusal.code}: {refusal.detail}. {refusal.hint}") from refusal
    signers = [account] if regulator is not None else [account, dev_regulator(settled)]
    driver = ApeDriver(*signers)
    deployment = deploy.carry_out(driver, settled, chain_id=chain_id)
    path = deployment.write(folder or settings().home / "deployments")
    for contract, address in (
        ("Receivables", deployment.receivables),
        ("ReceivablesBySignature", deployment.by_signature),
        ("ReceivablesOversight", deployment.oversight),
        ("CertificateDescriptor", deployment.descriptor),
        ("RegistryAccess", deployment.access),
        ("RegistryAccess (regulator)", deployment.regulation),
    ):
        click.echo(f"{contract:26} {format_address(address)}")
    click.echo(f"{'Written to':26} {path}")
    if not driver.signs_for(settled.regulator):
        click.echo(f"\nTo be sent by the regulator, {format_address(settled.regulator)}:")
        for step in deploy.waiting(deployment):
            click.echo(f"to {format_address(step.to)}  {step.function}\n0x{step.data.hex()}")
