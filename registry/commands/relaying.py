"""What members signed, submitted for them at the operator's expense: each once, whatever is repeated."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import partial
from typing import Any

from eth_account.signers.local import LocalAccount

from registry.chain.contract import Calls, receivables_abi
from registry.chain.deposits import SignedPermit
from registry.chain.quotes import SignedAcceptance
from registry.chain.reverts import skipped
from registry.chain.rpc import Receipt
from registry.chain.submit import await_receipt, entry_logs, send
from registry.chain.typed_data import SignedOperation
from registry.commands import deposits, quotes
from registry.commands.accounts import signer_of
from registry.commands.names import UnknownAccount
from registry.commands.sending import Contract, check, known_by_name, registry_of
from registry.commands.services import MirrorLags, Services
from registry.commands.signing import require_here, require_relayable
from registry.domain.identifiers import Address, CertificateId, IdMalformed
from registry.domain.journal import Entry
from registry.domain.refusals import Refusal
from registry.domain.rules import NothingDue
from registry.errors import ServiceError
from registry.settings import SettingsMalformed
from registry.store import requests
from registry.store.queries.entries import decode_stored


class RelayingOff(Refusal):
    """No account pays for the operations of others."""

    code = "relaying_off"
    status = 403
    title = "This service submits nothing for others"
    default_hint = "COUNTERFOIL_RELAYER names the account that pays; `counterfoil relay` submits with one of your own"


@dataclass(frozen=True, slots=True)
class Skipped:
    """A certificate that a batch of redemptions passed over, and code and title of the refusal of it alone."""

    receivable_id: int
    start: int
    code: str
    title: str


@dataclass(frozen=True, slots=True)
class Relayed:
    """What a relayed operation did: the journal entries that it appended, in order, and the transaction.

    `repeated` says that an earlier request did it, `mirrored` that what is read now shows it.
    """

    entries: tuple[Entry, ...]
    skipped: tuple[Skipped, ...]
    tx_hash: bytes
    block_number: int
    gas: int
    repeated: bool
    mirrored: bool


@dataclass(frozen=True, slots=True)
class Redemptions:
    """Certificates to be paid out, in one transaction. Anyone may ask for it: nobody signs."""

    certificates: Sequence[CertificateId]

    def call(self) -> bytes:
        """Calldata with which it is submitted: the contract knows a certificate by its receivable and start."""
        return Calls.redeem_many((one.receivable_id, one.start) for one in self.certificates)

    def to_json(self) -> dict[str, Any]:
        """What names the request."""
        return {"redeem": [str(one) for one in self.certificates]}


Submittable = SignedOperation | SignedAcceptance | SignedPermit | Redemptions
"""What anyone may submit, for those who signed it or for all: at the registry, the desk or a token."""


def member_signed(document: Any) -> SignedOperation:
    """What a member signed, of a stranger's JSON. Raises SignedOperationMalformed, DocumentOfAnotherKind."""
    signed = SignedOperation.from_json(document)
    require_relayable(signed)
    return signed


def open_relayer(services: Services, name: str) -> LocalAccount:
    """The account that pays, by the setting that names it. Raises SettingsMalformed, KeystoreLocked."""
    try:
        return signer_of(services, name)
    except (UnknownAccount, IdMalformed) as unknown:
        raise SettingsMalformed(f"COUNTERFOIL_RELAYER: {unknown.detail}", hint=unknown.hint) from unknown


def rehearse(services: Services, signed: Submittable, *, sender: Address) -> int:
    """Gas that the operation would use; nothing is sent.

    Raises SignedForAnother, NothingDue and the contract's refusals.
    """
    _require_worthwhile(services, signed)
    return check(services, sender, signed.call(), to=_destination(services, signed))


def relay_once(services: Services, signed: Submittable, *, relayer: LocalAccount, key: str) -> Relayed:
    """Submit an operation, unless the request with this key did and the chain still has it.

    Returns when it is mirrored, or that takes too long.
    Raises IdempotencyKeyReused, RequestRunning, SignedForAnother, NothingDue, the contract's refusals, and after the
    failures of the node what it is not known to have done.
    """
    to = _destination(services, signed)
    digest = hashlib.sha256(json.dumps(signed.to_json(), sort_keys=True).encode()).digest()
    with services.database.write() as connection:
        earlier = requests.begin(connection, key=key, input_sha256=digest)
    if earlier.outcome is not None and not _on_chain(services, earlier.outcome):
        # A reorg took it back. The transaction may come again by itself; the signature's nonce lets one through.
        with services.database.write() as connection:
            earlier = requests.begin_again(connection, key=key)
    outcome = earlier.outcome
    if outcome is None:
        act = partial(_carried_out, services, signed, to=to, relayer=relayer, key=key, tx_hash=earlier.tx_hash)
        outcome = _kept(services, key, act)
    try:
        services.mirrored(outcome["block_number"])
        mirrored = True
    except MirrorLags:
        mirrored = False
    return Relayed(
        entries=tuple(decode_stored(bytes.fromhex(topics), bytes.fromhex(data)) for topics, data in outcome["entries"]),
        # What was kept before there was money has none.
        skipped=tuple(Skipped(*one) for one in outcome.get("skipped", ())),
        tx_hash=bytes.fromhex(outcome["tx_hash"]),
        block_number=outcome["block_number"],
        gas=outcome["gas"],
        repeated=earlier.outcome is not None,
        mirrored=mirrored,
    )


def _on_chain(services: Services, outcome: dict[str, Any]) -> bool:
    """Whether the block of an outcome is still the chain's. One that was kept without its hash is looked up anew."""
    block = services.node.block(int(outcome["block_number"]))
    return block is not None and block.hash.hex() == outcome.get("block_hash")


def _kept(services: Services, key: str, act: Callable[[], Receipt]) -> dict[str, Any]:
    """The outcome of an act, kept under the key of its request."""
    try:
        receipt = act()
    except BaseException as failure:
        # A refusal did nothing. Of all else it is not known, and what is not known is not done a second time unasked.
        settled = isinstance(failure, Refusal) and not isinstance(failure, ServiceError)
        with services.database.write() as connection:
            (requests.give_up if settled else requests.leave_open)(connection, key=key)
        raise
    outcome = {
        "tx_hash": receipt.tx_hash.hex(),
        "block_number": receipt.block_number,
        "block_hash": receipt.block_hash.hex(),
        "gas": receipt.gas_used,
        "entries": [(b"".join(log.topics).hex(), log.data.hex()) for log in entry_logs(receipt)],
        "skipped": [(*key, kind.code, kind.title) for key, kind in skipped(receivables_abi(), receipt).items()],
    }
    with services.database.write() as connection:
        requests.finish(connection, key=key, outcome=outcome)
    return outcome


def _destination(services: Services, signed: Submittable) -> Contract:
    """The contract that takes it. Raises SignedForAnother."""
    if isinstance(signed, SignedAcceptance):
        return quotes.desk_for(services, signed.quote)
    if isinstance(signed, SignedPermit):
        return deposits.token_for(services, signed)
    if isinstance(signed, SignedOperation):
        require_here(services, signed)
    return registry_of(services)


def _require_worthwhile(services: Services, signed: Submittable) -> None:
    """A batch that pays nothing out is no failure to the contract, and the relayer would pay for it."""
    if not isinstance(signed, Redemptions):
        return
    due = services.view.redeemable((one.receivable_id, one.start) for one in signed.certificates)
    if not any(due.values()):
        raise NothingDue("none of these certificates is paid out now")


def _carried_out(
    services: Services, signed: Submittable, *, to: Contract, relayer: LocalAccount, key: str, tx_hash: bytes | None
) -> Receipt:
    """The receipt of an earlier attempt's transaction, if the node has it; else of a new one's."""
    if tx_hash is not None and services.node.knows_transaction(tx_hash):
        mined = await_receipt(services.node, tx_hash)
        if mined.succeeded:
            return mined
    _require_worthwhile(services, signed)

    def announce(sent: bytes) -> None:
        with services.database.write() as connection:
            requests.announce(connection, key=key, tx_hash=sent)

    with known_by_name(services):
        return send(services.node, to.abi, signer=relayer, to=to.address, data=signed.call(), announce=announce)
