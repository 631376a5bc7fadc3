"""One deployment plan, any driver: the steps that put a registry on a chain, and the file that remembers where.

The plan is data. registry.chain.deploy.run drives it with our own signer, scripts/deploy.py drives the same steps under
ape; both end in the same contracts, because both deploy the artifacts of registry.chain.compile.
"""

from __future__ import annotations

import hashlib
import json
import os
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

from eth_account.signers.local import LocalAccount

from registry.chain.abi import ContractAbi
from registry.chain.compile import Artifact
from registry.chain.contract import artifact
from registry.chain.rpc import Node, Receipt
from registry.chain.submit import account_address, send
from registry.domain.identifiers import Address, format_address, parse_address
from registry.errors import ServiceError

OPERATOR_ROLE = 1


class NotDeployed(ServiceError):
    """No registry is known on this chain."""

    code = "not_deployed"
    title = "No registry is deployed on this chain"
    default_hint = (
        "`counterfoil demo` or `counterfoil serve` deploys one on a dev chain; elsewhere use scripts/deploy.py"
    )


class DeploymentMismatch(ServiceError):
    """The contract at the recorded address is not the one this software was built for."""

    code = "deployment_mismatch"
    status = 500
    title = "The deployed contract is not the one that this software was built for"
    default_hint = "On a dev chain start anew with `counterfoil demo --fresh`"


@dataclass(frozen=True, slots=True)
class Deploy:
    """Create a contract. An argument `$Name` is the address of an earlier step, `$deployer` the deployer's."""

    contract: str
    arguments: tuple[Any, ...]


@dataclass(frozen=True, slots=True)
class Call:
    """Call a function of a contract of an earlier step; arguments as in Deploy, `!function` is a selector list."""

    contract: str
    function: str
    arguments: tuple[Any, ...]


def plan() -> tuple[Deploy | Call, ...]:
    """The steps, in order. The deployer becomes administrator of the access manager and first operator."""
    return (
        Deploy("RegistryAccess", ("$deployer",)),
        Deploy("Receivables", ("$RegistryAccess",)),
        Call("RegistryAccess", "setTargetFunctionRole", ("$Receivables", ("!admit", "!suspend"), OPERATOR_ROLE)),
        Call("RegistryAccess", "grantRole", (OPERATOR_ROLE, "$deployer", 0)),
    )


def resolve(argument: Any, names: dict[str, Address]) -> Any:
    """Replace `$Name` by an address and `!function` by the selector of that function of Receivables."""
    if isinstance(argument, tuple):
        return tuple(resolve(part, names) for part in argument)
    if isinstance(argument, str) and argument.startswith("$"):
        return names[argument[1:]]
    if isinstance(argument, str) and argument.startswith("!"):
        return ContractAbi(artifact("Receivables")).selector(argument[1:])
    return argument


@dataclass(frozen=True, slots=True)
class Deployment:
    """Where a registry stands: addresses, the block that created it, and what it was created from."""

    chain_id: int
    receivables: Address
    access: Address
    operator: Address
    block_number: int
    block_hash: bytes
    artifact_digest: str

    def write(self, folder: Path) -> Path:
        """Keep the deployment as <folder>/<chain id>.json, replaced as a whole."""
        folder.mkdir(parents=True, exist_ok=True)
        path = folder / f"{self.chain_id}.json"
        values = {key: _to_json(value) for key, value in asdict(self).items()}
        temporary = path.with_suffix(f".{os.getpid()}.tmp")
        temporary.write_text(json.dumps(values, indent=2) + "\n")
        temporary.replace(path)
        return path

    @classmethod
    def read(cls, folder: Path, chain_id: int) -> Deployment | None:
        """The deployment on that chain, or None."""
        path = folder / f"{chain_id}.json"
        if not path.exists():
            return None
        values = json.loads(path.read_text())
        return cls(
            chain_id=values["chain_id"],
            receivables=parse_address(values["receivables"]),
            access=parse_address(values["access"]),
            operator=parse_address(values["operator"]),
            block_number=values["block_number"],
            block_hash=bytes.fromhex(values["block_hash"].removeprefix("0x")),
            artifact_digest=values["artifact_digest"],
        )


def _to_json(value: Any) -> Any:
    if isinstance(value, bytes):
        return format_address(value) if len(value) == 20 else "0x" + value.hex()
    return value


def build_digest() -> str:
    """SHA-256 of the runtime code of Receivables as compiled here, hex."""
    return hashlib.sha256(artifact("Receivables").runtime).hexdigest()


def run(node: Node, deployer: LocalAccount) -> Deployment:
    """Deploy a registry with our own signer. Raises what send raises."""
    names = {"deployer": account_address(deployer)}
    block: tuple[int, bytes] = (0, b"")
    for step in plan():
        compiled = artifact(step.contract)
        abi = ContractAbi(compiled)
        arguments = [resolve(argument, names) for argument in step.arguments]
        if isinstance(step, Deploy):
            receipt = _create(node, deployer, compiled, abi, arguments)
            assert receipt.contract is not None  # a creation that succeeded has an address
            names[step.contract] = receipt.contract
            block = (receipt.block_number, receipt.block_hash)
        else:
            send(node, abi, signer=deployer, to=names[step.contract], data=abi.call(step.function, *arguments))
    return recorded(node.chain_id, names, block)


def recorded(chain_id: int, names: dict[str, Address], block: tuple[int, bytes]) -> Deployment:
    """The deployment that the steps of the plan amount to; `block` is the one that created Receivables."""
    return Deployment(
        chain_id=chain_id,
        receivables=names["Receivables"],
        access=names["RegistryAccess"],
        operator=names["deployer"],
        block_number=block[0],
        block_hash=block[1],
        artifact_digest=build_digest(),
    )


def _create(node: Node, deployer: LocalAccount, compiled: Artifact, abi: ContractAbi, arguments: list[Any]) -> Receipt:
    return send(node, abi, signer=deployer, to=None, data=compiled.bytecode + abi.constructor(*arguments))


def find(node: Node, folder: Path) -> Deployment:
    """The registry recorded for the node's chain, checked to be there and to be ours.

    Raises NotDeployed where none is recorded or the chain has lost it, DeploymentMismatch where it is another build.
    """
    deployment = Deployment.read(folder, node.chain_id)
    if deployment is None:
        raise NotDeployed(f"no deployment is recorded for chain {node.chain_id}")
    if deployment.artifact_digest != build_digest():
        raise DeploymentMismatch("it was deployed from other contract sources than those compiled here")
    if not node.code(deployment.receivables):
        raise NotDeployed(f"the chain no longer has a contract at {format_address(deployment.receivables)}")
    return deployment
