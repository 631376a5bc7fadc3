"""Deploy a registry with ape: its accounts and networks, our artifacts, the plan of registry.chain.deploy.

    SOLCX_BINARY_PATH=scripts/solc ape run deploy --network ethereum:local:foundry --account TEST::0
    ape run deploy --network ethereum:sepolia:node --account operator --regulator 0x… --officer 0x… --officer 0x… \
        --settlement-bank 0x… --currency EUR

The account becomes administrator of the operator's access manager, operator and governor. The regulator's access
manager is the regulator's, the settlement bank's is the bank's: what only they can do there is printed, for them to
send. What is deployed where is written to <folder>/<chain id>.json, where `counterfoil` finds it.
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
from registry.domain.money import currency, currency_to_show
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


def dev_authorities(settled: Charter) -> tuple[Any, ...]:
    """Dev accounts of regulator and settlement bank, which the local node lets us send from, with coins for gas."""
    addresses = tuple(map(format_address, (settled.regulator, settled.settlement_bank)))
    for address in addresses:
        ape.chain.provider.set_balance(address, DEV_BALANCE_WEI)
    return tuple(map(ape.accounts.test_accounts.impersonate_account, addresses))


def charter(
    *,
    chain_id: int,
    regulator: str | None = None,
    officers: Sequence[str] = (),
    settlement_bank: str | None = None,
    currencies: Sequence[str] = (),
    predecessor: str | None = None,
    **figures: int | None,
) -> Charter:
    """The charter of the options that were given; without regulator and bank the dev chain's, and only there.

    Raises RegulatorMissing, SettlementBankMissing, IdMalformed, UnknownCurrency.
    """
    chosen: dict[str, Any] = {name: figure for name, figure in figures.items() if figure is not None}
    if currencies:
        chosen["currencies"] = tuple(currency(code).numeric for code in dict.fromkeys(currencies))
    if predecessor is not None:
        chosen["predecessor"] = parse_address(predecessor)
    if regulator is None and settlement_bank is None and chain_id == CHAIN_ID:
        return replace(deploy.dev_charter(), **chosen)
    if regulator is None:
        raise deploy.RegulatorMissing(f"chain {chain_id} is not the dev chain")
    if settlement_bank is None:
        raise deploy.SettlementBankMissing()
    return Charter(
        regulator=parse_address(regulator),
        officers=tuple(map(parse_address, officers)),
        settlement_bank=parse_address(settlement_bank),
        **chosen,
    )


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
@click.option("--settlement-bank", help="Address that issues deposits and closes books; needed with --regulator.")
@click.option("--currency", "currencies", multiple=True, help="Currency to have a deposit token, as EUR; repeat it.")
@click.option("--predecessor", help="Address of the registry to be succeeded, in its sunset.")
@_figures
def cli(account: Any, folder: Path | None, regulator: str | None = None, **options: Any) -> None:
    """Deploy a registry and remember where it stands."""
    chain_id = int(ape.chain.chain_id)
    try:
        settled = charter(chain_id=chain_id, regulator=regulator, **options)
    except Refusal as refusal:
        raise click.ClickException(f"{refusal.code}: {refusal.detail}. {refusal.hint}") from refusal
    driver = ApeDriver(account, *(() if regulator is not None else dev_authorities(settled)))
    deployment = deploy.carry_out(driver, settled, chain_id=chain_id)
    path = deployment.write(folder or settings().home / "deployments")
    for contract, address in (
        ("Receivables", deployment.receivables),
        ("ReceivablesBySignature", deployment.by_signature),
        ("ReceivablesOversight", deployment.oversight),
        ("ReceivablesSettlement", deployment.settlement),
        ("CertificateDescriptor", deployment.descriptor),
        ("RegistryAccess", deployment.access),
        ("RegistryAccess (regulator)", deployment.regulation),
        ("RegistryAccess (bank)", deployment.banking),
        ("FinancingDesk", deployment.desk),
        *((f"DepositToken {currency_to_show(number)}", token) for number, token in deployment.deposit_tokens.items()),
    ):
        click.echo(f"{contract:26} {format_address(address)}")
    click.echo(f"{'Written to':26} {path}")
    for who, sender in (("regulator", settled.regulator), ("settlement bank", settled.settlement_bank)):
        if not driver.signs_for(sender):
            click.echo(f"\nTo be sent by the {who}, {format_address(sender)}:")
            for step in deploy.waiting(deployment):
                if step.sender == sender:
                    click.echo(f"to {format_address(step.to)}  {step.function}\n0x{step.data.hex()}")
