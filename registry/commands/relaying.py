"""What members signed, submitted for them at the operator's expense: each once, whatever is repeated."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from functools import partial
from typing import Any

from eth_account.signers.local import LocalAccount

from registry.chain.contract import Calls, ReceivablesView, receivables_abi
from registry.chain.deposits import SignedPermit
from registry.chain.quotes import SignedAcceptance
from registry.chain.reverts import skipped
from registry.chain.rpc import Receipt
from registry.chain.submit import account_address, await_receipt, entry_logs, send
from registry.chain.typed_data import SignedOperation
from registry.commands import deposits, quotes
from registry.commands.accounts import signer_of
from registry.commands.names import UnknownAccount
from registry.commands.sending import Contract, check, known_by_name, registry_of
from registry.commands.services import MirrorLags, Services
from registry.commands.signing import require_here, require_relayable
from registry.domain.decode import decode
from registry.domain.identifiers import Address, CertificateId, IdMalformed, format_address, format_receivable_id
from registry.domain.journal import Entry
from registry.domain.receivable import MemberStatus
from registry.domain.refusals import Refusal
from registry.domain.rules import HolderSuspended, NothingDue, UnknownCertificate, UnknownMember
from registry.errors import ServiceError
from registry.settings import SettingsMalformed
from registry.store import requests


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

    @property
    def keys(self) -> list[tuple[int, int]]:
        """By receivable id and start: so the contract knows certificates."""
        return [(one.receivable_id, one.start) for one in self.certificates]

    def call(self) -> bytes:
        """Calldata with which it is submitted.

        One alone is refused by name where it is not paid out, and paid out where its holder is suspended.
        """
        if len(self.keys) > 1:
            return Calls.redeem_many(self.keys)
        ((receivable_id, start),) = self.keys
        return Calls.redeem(receivable_id=receivable_id, start=start)

    def to_json(self) -> dict[str, Any]:
        """What names the request."""
        return {"redeem": [str(one) for one in self.certificates]}


@dataclass(frozen=True, slots=True)
class Report:
    """That a debtor has not paid in time. Anyone may report it: nobody signs."""

    receivable_id: int

    def call(self) -> bytes:
        """Calldata with which it is submitted."""
        return Calls.dishonour(self.receivable_id)

    def to_json(self) -> dict[str, Any]:
        """What names the request."""
        return {"dishonour": format_receivable_id(self.receivable_id)}


Submittable = SignedOperation | SignedAcceptance | SignedPermit | Redemptions | Report
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

    Raises SignedForAnother, NothingDue, HolderSuspended, UnknownCertificate, UnknownMember and the contract's refusals.
    """
    _require_worthwhile(services, signed, sender=sender)
    return check(services, sender, signed.call(), to=_destination(services, signed))


def relay_once(services: Services, signed: Submittable, *, relayer: LocalAccount, key: str) -> Relayed:
    """Submit an operation, unless the request with this key did and the chain still has it.

    Returns when it is mirrored, or that takes too long.
    Raises IdempotencyKeyReused, RequestRunning, SignedForAnother, NothingDue, HolderSuspended, UnknownMember, the
    contract's refusals, and after the failures of the node what it is not known to have done.
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
        entries=tuple(decode(bytes.fromhex(topics), bytes.fromhex(data)) for topics, data in outcome["entries"]),
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
        "entries": [(log.topics.hex(), log.data.hex()) for log in entry_logs(receipt)],
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


def _require_worthwhile(services: Services, signed: Submittable, *, sender: Address) -> None:
    """What the contracts let happen and the relayer would pay for all the same, as often as anybody asks.

    Raises NothingDue, HolderSuspended for a batch that pays nothing out, UnknownCertificate for one alone that is
    within another one, UnknownMember for a permit of a stranger's.
    """
    if isinstance(signed, Redemptions) and len(signed.keys) == 1:
        _require_no_part(services.view, signed.certificates[0], block=services.node.head())
    if isinstance(signed, Redemptions) and len(signed.keys) > 1:
        _require_payout(services.view, signed.keys, sender=sender, block=services.node.head())
    if isinstance(signed, SignedPermit):
        owner = signed.permit.owner
        if not services.view.members([owner])[owner].status:
            raise UnknownMember(f"{format_address(owner)} was never admitted: its deposit cannot be spent here")


def _require_no_part(view: ReceivablesView, named: CertificateId, *, block: int) -> None:
    """The contract knows a certificate by its start. One that was cut since is meant, one that ends later is not."""
    key = named.receivable_id, named.start
    end = view.certificates([key], block=block)[key].end
    if end > named.end:
        raise UnknownCertificate(f"there is no certificate {named}; what starts there now is {replace(named, end=end)}")


def _require_payout(view: ReceivablesView, keys: Sequence[tuple[int, int]], *, sender: Address, block: int) -> None:
    """A batch passes over what is not due, and what is a suspended member's unless that one or its financier asks."""
    due = [key for key, amount in view.redeemable(keys, block=block).items() if amount]
    if not due:
        raise NothingDue("none of these certificates is paid out now")
    words, rights = view.certificates(due, block=block), view.rights(due, block=block)
    members = view.members({word.holder for word in words.values()}, block=block)
    for key in due:
        holder, lien = words[key].holder, rights[key].lien
        is_suspended = members[holder].status == MemberStatus.SUSPENDED
        if not is_suspended or sender in (holder, lien and lien.financier):
            return
    raise HolderSuspended("what is due on these certificates is suspended members'")


def _carried_out(
    services: Services, signed: Submittable, *, to: Contract, relayer: LocalAccount, key: str, tx_hash: bytes | None
) -> Receipt:
    """The receipt of an earlier attempt's transaction, if the node has it; else of a new one's."""
    if tx_hash is not None and services.node.knows_transaction(tx_hash):
        mined = await_receipt(services.node, tx_hash)
        if mined.succeeded:
            return mined
    _require_worthwhile(services, signed, sender=account_address(relayer))

    def announce(sent: bytes) -> None:
        with services.database.write() as connection:
            requests.announce(connection, key=key, tx_hash=sent)

    with known_by_name(services):
        return send(services.node, to.abi, signer=relayer, to=to.address, data=signed.call(), announce=announce)
