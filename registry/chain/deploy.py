"""One deployment plan, any driver: the steps that put a registry on a chain, and the file that remembers where.

The plan is data, and `carry_out` walks it with whatever Driver it is given: `run` brings our own signer,
scripts/deploy.py brings ape's accounts. Both end in the same contracts, because both deploy the artifacts of
registry.chain.compile.
"""

from __future__ import annotations

import hashlib
import json
import os
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any, Protocol

from eth_account.signers.local import LocalAccount

from registry.chain.abi import ContractAbi
from registry.chain.compile import Artifact
from registry.chain.contract import artifact
from registry.chain.rpc import Node
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


@dataclass(frozen=True, slots=True)
class Created:
    """A contract that a Driver put on the chain, and the block it did so in."""

    address: Address
    block_number: int
    block_hash: bytes


class Driver(Protocol):
    """Whoever signs and sends the steps of a plan. Arguments: addresses 20 bytes, selectors 4, integers ints."""

    @property
    def address(self) -> Address:
        """The deployer."""
        ...

    def create(self, compiled: Artifact, arguments: Sequence[Any]) -> Created:
        """Create a contract."""
        ...

    def call(self, compiled: Artifact, at: Address, function: str, arguments: Sequence[Any]) -> None:
        """Send a call to a contract that was created before."""
        ...


def carry_out(driver: Driver, *, chain_id: int) -> Deployment:
    """Walk the plan, in order. Raises what the driver raises; a plan that broke off is simply begun again."""
    names = {"deployer": driver.address}
    created: dict[str, Created] = {}
    for step in plan():
        compiled = artifact(step.contract)
        arguments = [resolve(argument, names) for argument in step.arguments]
        if isinstance(step, Deploy):
            created[step.contract] = driver.create(compiled, arguments)
            names[step.contract] = created[step.contract].address
        else:
            driver.call(compiled, names[step.contract], step.function, arguments)
    registry = created["Receivables"]
    return Deployment(
        chain_id=chain_id,
        receivables=registry.address,
        access=names["RegistryAccess"],
        operator=driver.address,
        block_number=registry.block_number,
        block_hash=registry.block_hash,
        artifact_digest=build_digest(),
    )


def run(node: Node, deployer: LocalAccount) -> Deployment:
    """Deploy a registry with our own signer. Raises what send raises."""
    return carry_out(_Signer(node, deployer), chain_id=node.chain_id)


@dataclass(frozen=True, slots=True)
class _Signer:
    """The driver of our own: a key in this process."""

    node: Node
    account: LocalAccount

    @property
    def address(self) -> Address:
        return account_address(self.account)

    def create(self, compiled: Artifact, arguments: Sequence[Any]) -> Created:
        abi = ContractAbi(compiled)
        code = compiled.bytecode + abi.constructor(*arguments)
        receipt = send(self.node, abi, signer=self.account, to=None, data=code)
        assert receipt.contract is not None  # a creation that succeeded has an address
        return Created(receipt.contract, receipt.block_number, receipt.block_hash)

    def call(self, compiled: Artifact, at: Address, function: str, arguments: Sequence[Any]) -> None:
        abi = ContractAbi(compiled)
        send(self.node, abi, signer=self.account, to=at, data=abi.call(function, *arguments))


def find(node: Node, folder: Path) -> Deployment:
    """The registry recorded for the node's chain, checked to be there and to be ours.

    Raises NotDeployed where none is recorded or the chain has lost it, DeploymentMismatch where it is another build.
    """
    deployment = Deployment.read(folder, node.chain_id)
    if deployment is None:
        raise NotDeployed(f"no deployment is recorded for chain {node.chain_id}")
    if deployment.artifact_digest != build_digest():
        raise DeploymentMismatch("it was deployed from other contract sources than those compiled here")
    code = node.code(deployment.receivables)
    if not code:
        raise NotDeployed(f"the chain no longer has a contract at {format_address(deployment.receivables)}")
    if hashlib.sha256(code).hexdigest() != build_digest():
        raise DeploymentMismatch(f"the code at {format_address(deployment.receivables)} is not the one compiled here")
    return deployment
