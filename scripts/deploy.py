"""Deploy a registry with ape: its accounts and networks, our artifacts, the plan of registry.chain.deploy.

    SOLCX_BINARY_PATH=scripts/solc ape run deploy --network ethereum:local:foundry --account TEST::0
    ape run deploy --network ethereum:sepolia:node --account operator --folder deployments

The account becomes administrator of the access manager and first operator. What is deployed where is written to
<folder>/<chain id>.json, where `counterfoil` finds it.
"""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any

import ape
import click
from ape.cli import ConnectedProviderCommand, account_option
from ape.contracts import ContractContainer
from ethpm_types import ContractType

from registry.chain import deploy
from registry.chain.compile import Artifact
from registry.domain.identifiers import Address, format_address, parse_address
from registry.settings import settings


class ApeDriver:
    """Steps of the plan, signed and sent by an ape account on the connected network."""

    # Not a dataclass: ape runs a script without entering it into sys.modules, where dataclasses look types up.
    def __init__(self, account: Any) -> None:
        self.account = account

    @property
    def address(self) -> Address:
        """The account's address."""
        return parse_address(str(self.account.address))

    def create(self, compiled: Artifact, arguments: Sequence[Any]) -> deploy.Created:
        """Deploy our artifact; ape's own compilation is not asked."""
        contract = self.account.deploy(_container(compiled), *_plain(arguments))
        receipt = contract.creation_metadata.receipt
        block = ape.chain.blocks[receipt.block_number]
        return deploy.Created(parse_address(str(contract.address)), int(receipt.block_number), bytes(block.hash))

    def call(self, compiled: Artifact, at: Address, function: str, arguments: Sequence[Any]) -> None:
        """Send a call to a contract of an earlier step."""
        contract = _container(compiled).at(format_address(at))
        getattr(contract, function)(*_plain(arguments), sender=self.account)


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
    if isinstance(argument, bytes) and len(argument) == 20:
        return format_address(argument)
    return argument


@click.command(cls=ConnectedProviderCommand)
@account_option()
@click.option(
    "--folder",
    type=click.Path(file_okay=False, path_type=Path),
    default=None,
    help="Where to write <chain id>.json; default: deployments in COUNTERFOIL_HOME.",
)
def cli(account: Any, folder: Path | None) -> None:
    """Deploy a registry and remember where it stands."""
    deployment = deploy.carry_out(ApeDriver(account), chain_id=int(ape.chain.chain_id))
    path = deployment.write(folder or settings().home / "deployments")
    click.echo(f"Receivables    {format_address(deployment.receivables)}")
    click.echo(f"RegistryAccess {format_address(deployment.access)}")
    click.echo(f"Written to     {path}")
