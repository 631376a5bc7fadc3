"""One deployment plan, any driver: the steps that put a registry on a chain, and the file that remembers where.

The plan is data, and `carry_out` walks it with whatever Driver it is given: `run` brings our own signer,
scripts/deploy.py brings ape's accounts. Both end in the same contracts, because both deploy the artifacts of
registry.chain.compile.
"""

from __future__ import annotations

import hashlib
import json
import os
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any, Literal, Protocol

from eth_account.signers.local import LocalAccount

from registry.chain import devchain
from registry.chain.abi import ContractAbi
from registry.chain.compile import Artifact
from registry.chain.contract import ReceivablesView, artifact, receivables_abi
from registry.chain.devchain import dev_account
from registry.chain.quotes import DeskView
from registry.chain.rpc import Node
from registry.chain.submit import DEV_CHAIN_ID, account_address, send
from registry.domain.identifiers import ZERO_ADDRESS, Address, format_address, parse_address
from registry.domain.money import currency
from registry.domain.receivable import DAY_SECONDS
from registry.domain.refusals import Refusal
from registry.errors import ServiceError

ADMIN_ROLE = 0
OPERATOR_ROLE = 1
GOVERNOR_ROLE = 2
OFFICER_ROLE = 3
SETTLEMENT_BANK_ROLE = 4

OPERATOR_FUNCTIONS = ("admit", "suspend", "pause", "unpause")
GOVERNOR_FUNCTIONS = ("setParameter", "setRules", "setDescriptor", "setDepositToken", "setDesk", "sunset")
OFFICER_FUNCTIONS = (
    "partition",
    "freezeCertificate",
    "unfreezeCertificate",
    "freezeReceivable",
    "unfreezeReceivable",
    "freezeMember",
    "unfreezeMember",
    "forceTransfer",
)
SETTLEMENT_BANK_FUNCTIONS = ("close", "absolve")
DEPOSIT_FUNCTIONS = ("DepositToken.mint", "DepositToken.burn")

CODE = {
    "receivables": "Receivables",
    "by_signature": "ReceivablesBySignature",
    "oversight": "ReceivablesOversight",
    "settlement": "ReceivablesSettlement",
}
"""The contracts that are the registry together, by their names in plan and record."""

MONEY_CODE = ("FinancingDesk", "DepositToken")
"""The contracts about money that stand beside it."""


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


class RegulatorMissing(Refusal):
    """A registry for a chain where the regulator is somebody else, and nobody said who."""

    code = "regulator_missing"
    status = 400
    title = "A registry needs a regulator: the account that administers the officers"
    default_hint = "Name its address (--regulator); only on the dev chain dev accounts stand for it"


class SettlementBankMissing(Refusal):
    """A registry for a chain where the settlement bank is somebody else, and nobody said who."""

    code = "settlement_bank_missing"
    status = 400
    title = "A registry needs a settlement bank: the account that issues deposits and closes books"
    default_hint = "Name its address (--settlement-bank); only on the dev chain a dev account stands for it"


@dataclass(frozen=True, slots=True, kw_only=True)
class Charter:
    """What is settled about a registry before it stands.

    `regulator` administers the regulator's AccessManager, `officers` are the first that it names there. The settlement
    bank administers its own, and issues deposits in each of the `currencies` (ISO 4217 numbers); a book that it closes
    waits for `settlement_delay_seconds`. `predecessor` is the registry to be succeeded, zeros for none. The operator's
    account is the deployer's: what it does as governor waits for `governor_delay_seconds`. The rest are the first
    values of the parameters (registry.domain.receivable).
    """

    regulator: Address
    settlement_bank: Address
    officers: tuple[Address, ...] = ()
    currencies: tuple[int, ...] = ()
    predecessor: Address = ZERO_ADDRESS
    governor_delay_seconds: int = 2 * DAY_SECONDS
    settlement_delay_seconds: int = DAY_SECONDS
    tenor_limit_days: int = 365
    minimum_part_minor: int = 1
    answer_window_days: int = 30
    unanswered_max: int = 100
    forced_transfer_delay_seconds: int = DAY_SECONDS
    overdue_grace_days: int = 5
    """A payment sent on the due date needs a weekend, a holiday and a bank's cut-off time to arrive."""


DEV_CURRENCIES = ("CNY", "EUR", "GBP", "JPY", "SEK", "USD")
"""Those of the invoices in registry/samples."""


def dev_charter() -> Charter:
    """The charter of the dev chain: dev accounts are regulator, officers and settlement bank; delays are an hour."""
    return Charter(
        regulator=account_address(dev_account(devchain.REGULATOR)),
        settlement_bank=account_address(dev_account(devchain.SETTLEMENT_BANK)),
        officers=tuple(account_address(dev_account(index)) for index in devchain.OFFICERS),
        currencies=tuple(currency(code).numeric for code in DEV_CURRENCIES),
        governor_delay_seconds=3_600,
        settlement_delay_seconds=3_600,
    )


Signer = Literal["deployer", "regulator", "settlement_bank"]


@dataclass(frozen=True, slots=True)
class Deploy:
    """Create a contract. An argument `$name` is the address of an earlier step, `$deployer` the deployer's."""

    name: str
    contract: str
    arguments: tuple[Any, ...]


@dataclass(frozen=True, slots=True)
class Call:
    """Call a function of an earlier step's contract.

    Arguments as in Deploy, `!function` is a function of the registry's, `!Contract.function` of another contract's.
    """

    name: str
    function: str
    arguments: tuple[Any, ...]
    signer: Signer = "deployer"


def plan(charter: Charter) -> tuple[Deploy | Call, ...]:
    """The steps, in order. The deployer becomes administrator of the operator's AccessManager, operator and governor.

    Only the regulator signs what is done at its own AccessManager, and only the settlement bank at its own.
    """
    predecessor = charter.predecessor
    tokens = {currency: f"token_{currency}" for currency in charter.currencies}
    values = (
        charter.tenor_limit_days,
        charter.minimum_part_minor,
        charter.answer_window_days,
        charter.unanswered_max,
        charter.overdue_grace_days,
    )
    return (
        Deploy("access", "RegistryAccess", ("$deployer",)),
        Deploy("regulation", "RegistryAccess", (charter.regulator,)),
        Deploy("settlement", "ReceivablesSettlement", (predecessor,)),
        Deploy(
            "oversight",
            "ReceivablesOversight",
            ("$regulation", charter.forced_transfer_delay_seconds, "$settlement", predecessor),
        ),
        Deploy("by_signature", "ReceivablesBySignature", ("$oversight", predecessor)),
        Deploy("receivables", "Receivables", ("$access", "$by_signature", predecessor, values)),
        Deploy("descriptor", "CertificateDescriptor", ()),
        Deploy("desk", "FinancingDesk", ("$receivables",)),
        Deploy("banking", "RegistryAccess", (charter.settlement_bank,)),
        *(Deploy(name, "DepositToken", ("$banking", "$receivables", number)) for number, name in tokens.items()),
        # Before the functions have their role: until then the administrator calls them without a delay.
        Call("receivables", "setDescriptor", ("$descriptor",)),
        Call("receivables", "setDesk", ("$desk",)),
        *(Call("receivables", "setDepositToken", (number, f"${name}")) for number, name in tokens.items()),
        Call("access", "setTargetFunctionRole", ("$receivables", _selectors(OPERATOR_FUNCTIONS), OPERATOR_ROLE)),
        Call("access", "setTargetFunctionRole", ("$receivables", _selectors(GOVERNOR_FUNCTIONS), GOVERNOR_ROLE)),
        Call(
            "access",
            "setTargetFunctionRole",
            ("$receivables", _selectors(SETTLEMENT_BANK_FUNCTIONS), SETTLEMENT_BANK_ROLE),
        ),
        Call("access", "grantRole", (SETTLEMENT_BANK_ROLE, charter.settlement_bank, charter.settlement_delay_seconds)),
        Call("access", "grantRole", (OPERATOR_ROLE, "$deployer", 0)),
        Call("access", "grantRole", (GOVERNOR_ROLE, "$deployer", charter.governor_delay_seconds)),
        # Last: who could give out roles at once would not have to wait as governor.
        Call("access", "grantRole", (ADMIN_ROLE, "$deployer", charter.governor_delay_seconds)),
        Call(
            "regulation",
            "setTargetFunctionRole",
            ("$receivables", _selectors(OFFICER_FUNCTIONS), OFFICER_ROLE),
            signer="regulator",
        ),
        *(
            Call("regulation", "grantRole", (OFFICER_ROLE, officer, 0), signer="regulator")
            for officer in charter.officers
        ),
        *(
            Call(
                "banking",
                "setTargetFunctionRole",
                (f"${name}", _selectors(DEPOSIT_FUNCTIONS), SETTLEMENT_BANK_ROLE),
                signer="settlement_bank",
            )
            for name in tokens.values()
        ),
        Call("banking", "grantRole", (SETTLEMENT_BANK_ROLE, charter.settlement_bank, 0), signer="settlement_bank"),
    )


def _selectors(functions: Iterable[str]) -> tuple[str, ...]:
    return tuple(f"!{function}" for function in functions)


def resolve(argument: Any, names: Mapping[str, Address]) -> Any:
    """Replace `$name` by an address and `!function` by the selector of that function, of the registry's by default."""
    if isinstance(argument, tuple):
        return tuple(resolve(part, names) for part in argument)
    if isinstance(argument, str) and argument.startswith("$"):
        return names[argument[1:]]
    if isinstance(argument, str) and argument.startswith("!"):
        contract, _, function = argument[1:].rpartition(".")
        return (ContractAbi(artifact(contract)) if contract else receivables_abi()).selector(function)
    return argument


@dataclass(frozen=True, slots=True)
class Deployment:
    """Where a registry stands: addresses, the block that created it, what it was created from and with.

    `access` is the operator's AccessManager, `regulation` the regulator's own, `banking` the settlement bank's own.
    `by_signature`, `oversight` and `settlement` hold the code that the registry leaves calls to, in that order.
    `descriptor` and `desk` are the first, which the governor may replace, and `deposit_tokens`, by ISO 4217 number, are
    those that it began with.
    """

    chain_id: int
    receivables: Address
    by_signature: Address
    oversight: Address
    settlement: Address
    access: Address
    regulation: Address
    banking: Address
    descriptor: Address
    desk: Address
    deposit_tokens: Mapping[int, Address]
    operator: Address
    charter: Charter
    block_number: int
    block_hash: bytes
    artifact_digest: str

    def write(self, folder: Path) -> Path:
        """Keep the deployment as <folder>/<chain id>.json, replaced as a whole."""
        folder.mkdir(parents=True, exist_ok=True)
        path = folder / f"{self.chain_id}.json"
        temporary = path.with_suffix(f".{os.getpid()}.tmp")
        temporary.write_text(json.dumps(_to_json(asdict(self)), indent=2) + "\n")
        temporary.replace(path)
        return path

    @classmethod
    def read(cls, folder: Path, chain_id: int) -> Deployment | None:
        """The deployment on that chain, or None. Raises DeploymentMismatch for a record of another version."""
        path = folder / f"{chain_id}.json"
        if not path.exists():
            return None
        values = json.loads(path.read_text())
        try:
            charter = values.pop("charter")
            addresses: dict[str, Any] = {name: parse_address(values.pop(name)) for name in _ADDRESSES}
            tokens = values.pop("deposit_tokens")
            return cls(
                charter=Charter(
                    regulator=parse_address(charter.pop("regulator")),
                    settlement_bank=parse_address(charter.pop("settlement_bank")),
                    officers=tuple(parse_address(officer) for officer in charter.pop("officers")),
                    currencies=tuple(charter.pop("currencies")),
                    predecessor=parse_address(charter.pop("predecessor")),
                    **charter,
                ),
                deposit_tokens={int(number): parse_address(token) for number, token in tokens.items()},
                block_hash=bytes.fromhex(values.pop("block_hash").removeprefix("0x")),
                **addresses,
                **values,
            )
        except (KeyError, TypeError) as error:
            raise DeploymentMismatch(f"{path} was written by another version of this software") from error


_ADDRESSES = (*CODE, "access", "regulation", "banking", "descriptor", "desk", "operator")


def _to_json(value: Any) -> Any:
    if isinstance(value, dict):
        return {key: _to_json(part) for key, part in value.items()}
    if isinstance(value, tuple):
        return [_to_json(part) for part in value]
    if isinstance(value, bytes):
        return format_address(value) if len(value) == len(ZERO_ADDRESS) else "0x" + value.hex()
    return value


def build_digest() -> str:
    """SHA-256 of the runtime code of the registry and what moves its money as compiled here, immutables zero; hex."""
    return hashlib.sha256(b"".join(artifact(name).runtime for name in (*CODE.values(), *MONEY_CODE))).hexdigest()


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

    def signs_for(self, account: Address) -> bool:
        """Whether it can sign for that account; for the deployer it can."""
        ...

    def create(self, compiled: Artifact, arguments: Sequence[Any]) -> Created:
        """Create a contract, as the deployer."""
        ...

    def call(self, sender: Address, compiled: Artifact, at: Address, function: str, arguments: Sequence[Any]) -> None:
        """Send a call to a contract that was created before, from an account that it signs for."""
        ...


def carry_out(driver: Driver, charter: Charter, *, chain_id: int) -> Deployment:
    """Walk the plan, in order, but for the steps of those whom the driver does not sign for: see `waiting`.

    Raises what the driver raises; a plan that broke off is simply begun again.
    """
    names = {
        "deployer": driver.address,
        "regulator": charter.regulator,
        "settlement_bank": charter.settlement_bank,
    }
    created: dict[str, Created] = {}
    for step in plan(charter):
        arguments = resolve(step.arguments, names)
        if isinstance(step, Deploy):
            created[step.name] = driver.create(artifact(step.contract), arguments)
            names[step.name] = created[step.name].address
        elif driver.signs_for(names[step.signer]):
            driver.call(names[step.signer], _interface(step), names[step.name], step.function, arguments)
    registry = created["receivables"]
    return Deployment(
        chain_id=chain_id,
        receivables=registry.address,
        by_signature=names["by_signature"],
        oversight=names["oversight"],
        settlement=names["settlement"],
        access=names["access"],
        regulation=names["regulation"],
        banking=names["banking"],
        descriptor=names["descriptor"],
        desk=names["desk"],
        deposit_tokens={number: names[f"token_{number}"] for number in charter.currencies},
        operator=driver.address,
        charter=charter,
        block_number=registry.block_number,
        block_hash=registry.block_hash,
        artifact_digest=build_digest(),
    )


@dataclass(frozen=True, slots=True)
class Waiting:
    """A transaction that the regulator or the settlement bank has yet to send at its own AccessManager."""

    sender: Address
    to: Address
    function: str
    data: bytes


def waiting(deployment: Deployment) -> tuple[Waiting, ...]:
    """What only others than the deployer can do: tell their AccessManagers who does what."""
    names = {name: getattr(deployment, name) for name in _ADDRESSES}
    names |= {f"token_{number}": token for number, token in deployment.deposit_tokens.items()}
    return tuple(
        Waiting(
            sender=getattr(deployment.charter, step.signer),
            to=names[step.name],
            function=step.function,
            data=ContractAbi(_interface(step)).call(step.function, *resolve(step.arguments, names)),
        )
        for step in plan(deployment.charter)
        if isinstance(step, Call) and step.signer != "deployer"
    )


def _interface(step: Call) -> Artifact:
    return artifact("IReceivables" if step.name == "receivables" else "RegistryAccess")


def run(node: Node, deployer: LocalAccount, charter: Charter | None = None) -> Deployment:
    """Deploy a registry with our own signer.

    On the dev chain the dev accounts of regulator and settlement bank sign too, and without a charter it is theirs.
    Raises RegulatorMissing without a charter on any other chain, and what send raises.
    """
    others: tuple[LocalAccount, ...] = ()
    if node.chain_id == DEV_CHAIN_ID:
        others = (dev_account(devchain.REGULATOR), dev_account(devchain.SETTLEMENT_BANK))
    elif charter is None:
        raise RegulatorMissing(f"chain {node.chain_id} is not the dev chain")
    return carry_out(_Signer(node, (deployer, *others)), charter or dev_charter(), chain_id=node.chain_id)


@dataclass(frozen=True, slots=True)
class _Signer:
    """The driver of our own: keys in this process, the deployer's first."""

    node: Node
    accounts: tuple[LocalAccount, ...]

    @property
    def address(self) -> Address:
        return account_address(self.accounts[0])

    def signs_for(self, account: Address) -> bool:
        return account in map(account_address, self.accounts)

    def create(self, compiled: Artifact, arguments: Sequence[Any]) -> Created:
        abi = ContractAbi(compiled)
        code = compiled.bytecode + abi.constructor(*arguments)
        receipt = send(self.node, abi, signer=self.accounts[0], to=None, data=code)
        assert receipt.contract is not None  # a creation that succeeded has an address
        return Created(receipt.contract, receipt.block_number, receipt.block_hash)

    def call(self, sender: Address, compiled: Artifact, at: Address, function: str, arguments: Sequence[Any]) -> None:
        abi = ContractAbi(compiled)
        signer = next(account for account in self.accounts if account_address(account) == sender)
        send(self.node, abi, signer=signer, to=at, data=abi.call(function, *arguments))


def find(node: Node, folder: Path) -> Deployment:
    """The registry recorded for the node's chain, checked to be there and to be ours, with all that belongs to it.

    Raises NotDeployed where none is recorded or the chain has lost it, DeploymentMismatch where it is another build.
    """
    deployment = Deployment.read(folder, node.chain_id)
    if deployment is None:
        raise NotDeployed(f"no deployment is recorded for chain {node.chain_id}")
    if deployment.artifact_digest != build_digest():
        raise DeploymentMismatch("it was deployed from other contract sources than those compiled here")
    if not node.code(deployment.receivables):
        raise NotDeployed(f"the chain no longer has a contract at {format_address(deployment.receivables)}")
    for contract, address in _contracts(deployment):
        if not artifact(contract).is_runtime(node.code(address)):
            raise DeploymentMismatch(f"the code at {format_address(address)} is not the {contract} compiled here")
    _require_joined(node, deployment)
    return deployment


def _contracts(deployment: Deployment) -> tuple[tuple[str, Address], ...]:
    """Contract and address of all that was deployed from this build's code."""
    parts = ((contract, getattr(deployment, name)) for name, contract in CODE.items())
    tokens = (("DepositToken", token) for token in deployment.deposit_tokens.values())
    return (*parts, ("FinancingDesk", deployment.desk), *tokens)


def _require_joined(node: Node, deployment: Deployment) -> None:
    """The addresses that are part of the code are the recorded ones."""
    registry = ReceivablesView(node, deployment.receivables)
    joined = {
        "by_signature": registry.extension(),
        "oversight": ReceivablesView(node, deployment.by_signature).extension(),
        "settlement": ReceivablesView(node, deployment.oversight).extension(),
        "regulation": registry.regulation(),
    }
    for name, address in joined.items():
        if address != getattr(deployment, name):
            raise DeploymentMismatch(f"the registry's {name} is {format_address(address)}, not the one recorded")
    if DeskView(node, deployment.desk).registry() != deployment.receivables:
        raise DeploymentMismatch("the recorded desk is another registry's")
    if registry.deposit_tokens(deployment.deposit_tokens) != deployment.deposit_tokens:
        raise DeploymentMismatch("the registry has other deposit tokens than those recorded")
    if registry.predecessor() != deployment.charter.predecessor:
        raise DeploymentMismatch("the registry succeeds another one than recorded")
