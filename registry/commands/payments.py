"""Payments and what they bring: the debtor pays once, and every certificate is paid out (DOMAIN rule 17).

Certificates are paid out in the payment's own transaction as far as a share of the block's gas goes, and in further
transactions after it. Anyone may do that: where it breaks off, somebody else goes on. Where the registry may not take
the money yet, its payer allows it that first.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, replace

from eth_account.signers.local import LocalAccount

from registry.chain.contract import Calls
from registry.chain.deposits import DepositCalls, DepositView
from registry.chain.operations import Pay
from registry.chain.reverts import InsufficientDeposit
from registry.chain.submit import account_address
from registry.commands import rehearsing
from registry.commands.accounts import rehearsed_as_first
from registry.commands.certificates import receivable_of, require_present, typed_amount
from registry.commands.deposits import permit, token_contract, token_of
from registry.commands.sending import Done, Hand, Pen, carry_out, known_by_name, now, registry_of, send_call
from registry.commands.services import Services
from registry.domain.amounts import after_payment
from registry.domain.identifiers import Address, CertificateId, format_receivable_id
from registry.domain.journal import Redeemed
from registry.domain.money import Money, Sum, currency_to_show
from registry.domain.receivable import Receivable, Status
from registry.domain.refusals import Refusal
from registry.domain.rules import ChainRefusal, NothingDue, decide_pay, require_payout
from registry.errors import ServiceError
from registry.store.queries import certificates as certificate_queries
from registry.store.queries.certificates import CertificateRow
from registry.store.queries.pages import PAGE_ROWS_MAX, every

GAS_SHARE_PERCENT = 25
"""Of a block's gas, what one transaction may use: a larger one would wait long for its block."""

PAYMENT_GAS = 200_000
REDEMPTION_GAS = 140_000
"""At most, measured: with a lien, to two that never had a deposit, of a certificate that stays."""

PERMIT_SECONDS = 3_600

_NOTHING_TO_COME = {
    Status.SETTLED: "It is paid in full, and all of it is paid out",
    Status.CLOSED: "Its book is closed: what came in is paid out, and no payment comes any more",
}
"""What to say where nothing is due and nothing more will be."""


class PaymentInterrupted(ServiceError):
    """The registry may take the money, and it is not known to be paid."""

    code = "payment_interrupted"
    title = "The registry may take the money, and the payment broke off"
    default_hint = (
        "See with `counterfoil show R-n` whether it is paid; if not, pay again, or take that leave back with "
        "`counterfoil deposit allow 0 CUR --spender registry`"
    )


class PayoutInterrupted(ServiceError):
    """The payment is on chain, and not all certificates could be paid out."""

    code = "payout_interrupted"
    title = "The payment is made, and paying out broke off"
    default_hint = "Do not pay again: `counterfoil redeem R-n` pays out what is left, whoever asks"


@dataclass(frozen=True, slots=True)
class PaidOut:
    """What a certificate brought, minor units: `to_financier_minor` of it to the one with the lien, the rest to the
    holder."""

    certificate: CertificateId
    holder: Address
    amount_minor: int
    financier: Address | None
    to_financier_minor: int


@dataclass(frozen=True, slots=True)
class Clearing:
    """The transactions that paid, or paid out; who got what, and which certificates were passed over, and why."""

    done: tuple[Done, ...]
    paid_out: tuple[PaidOut, ...]
    skipped: Mapping[tuple[int, int], type[ChainRefusal]]
    """By receivable id and start, as Done's."""


@dataclass(frozen=True, slots=True)
class Payment:
    """What was paid, and what came of it; the first transaction of the clearing is the payment's.

    `allowed` is the payer's leave for the registry to take just that, where it was needed first.
    """

    amount: Money
    clearing: Clearing
    allowed: Done | None = None


def pay(
    services: Services, *, signer: Hand, receivable_id: int, amount: str | None = None, redeem: bool = True
) -> Payment:
    """Pay so much (as typed; else all that is payable) of a receivable, and pay its certificates out.

    Where the registry may not take so much of the payer's deposit yet, it is allowed just the amount first: in a
    transaction of its own, or by a permit in the payment's where no certificate is paid out with it. A pen signs the
    payment alone.

    Raises UnknownReceivable, what typed_amount raises, what decide_pay raises, InsufficientDeposit,
    InsufficientAllowance, PaymentInterrupted once the registry is allowed it, and PayoutInterrupted once it is paid.
    """
    row = receivable_of(services, receivable_id)
    currency = currency_to_show(row.currency)
    money = Money(row.payable_minor, currency) if amount is None else typed_amount(amount, currency)
    if isinstance(signer, Pen):
        done = carry_out(services, signer, Pay(receivable_id=receivable_id, amount=money.minor))
        return Payment(money, _clearing([done], {}))

    payer = account_address(signer)
    _rehearse(services, row.state(), payer=payer, amount=money.minor)
    token = token_of(services, currency)
    balance = token.balance(payer)
    if balance < money.minor:
        raise InsufficientDeposit(f"{Sum(balance, currency)} are there, {money} are needed")
    after = after_payment(row.state(), money.minor)
    waiting = _due(services, after) if redeem else []
    together = _fitting(services, beside=PAYMENT_GAS)
    data = _payment_call(receivable_id, money.minor, [_key(one) for one in waiting[:together]])
    batches = _batches(waiting[together:], _fitting(services))
    registry = services.deployment.receivables
    is_allowed = token.allowance(owner=payer, spender=registry) >= money.minor
    with rehearsed_as_first(1 + len(batches) + (bool(waiting) and not is_allowed)):
        allowed = None
        if not is_allowed and waiting:
            allowed = _allow(services, signer, token, money)
        elif not is_allowed:
            deadline = now(services) + PERMIT_SECONDS
            data = permit(token, signer, spender=registry, amount=money.minor, deadline=deadline).pay(receivable_id)
        with _told_of_leave(money, allowed):
            transactions = [send_call(services, signer, data, to=registry_of(services, currency))]
    try:
        transactions += [_redeem_batch(services, signer, batch) for batch in batches]
    except Refusal as broken:
        name = format_receivable_id(receivable_id)
        raise PayoutInterrupted(f"{money} of {name} are paid; then: {broken.detail}") from broken
    return Payment(money, _clearing(transactions, _liens(waiting)), allowed)


def redeem(
    services: Services, *, signer: LocalAccount, certificates: Sequence[CertificateId], batch: int | None = None
) -> Clearing:
    """Pay certificates out; anyone may. A single one is refused by name, of several what is refused is passed over.

    `batch` is how many go into one transaction, by default as many as GAS_SHARE_PERCENT of a block take. Raises
    UnknownCertificate and the contract's refusals of `redeem`.
    """
    for certificate in certificates:
        require_present(services, certificate)
    with services.database.snapshot() as connection:
        found = (certificate_queries.certificate(connection, one.receivable_id, one.start) for one in certificates)
        rows = [row for row in found if row is not None]
    if len(certificates) == 1:
        (one,) = certificates
        data = Calls.redeem(receivable_id=one.receivable_id, start=one.start)
        return _clearing([send_call(services, signer, data)], _liens(rows))
    return _redeem(services, signer, rows, batch)


def redeem_all(services: Services, *, signer: LocalAccount, receivable_id: int, batch: int | None = None) -> Clearing:
    """Pay out every certificate of a receivable to which something is due; `batch` as in redeem.

    Raises UnknownReceivable, NothingDue.
    """
    receivable = receivable_of(services, receivable_id).state()
    due = _due(services, receivable)
    if not due:
        hint = _NOTHING_TO_COME.get(receivable.status)
        raise NothingDue(f"nothing is due on any certificate of {format_receivable_id(receivable_id)}", hint=hint)
    return _redeem(services, signer, due, batch)


# ---------------------------------------------------------------- internal


def _rehearse(services: Services, receivable: Receivable, *, payer: Address, amount: int) -> None:
    """What the registry would refuse of the payment, had it leave to take the money."""
    world = rehearsing.world(services, receivables=(), members={payer})
    known = replace(world, receivables={receivable.receivable_id: receivable})
    with known_by_name(services, currency=currency_to_show(receivable.currency)):
        decide_pay(
            known, actor=payer, receivable_id=receivable.receivable_id, amount=amount, now=services.node.pending_at()
        )


def _allow(services: Services, signer: LocalAccount, token: DepositView, money: Money) -> Done:
    """Let the registry take just that. A permit could be used by whoever sees it first, and would then be refused."""
    data = DepositCalls.approve(spender=services.deployment.receivables, amount=money.minor)
    return send_call(services, signer, data, to=token_contract(token, money.currency))


@contextmanager
def _told_of_leave(money: Money, allowed: Done | None) -> Iterator[None]:
    """What breaks off in the block after that leave was given says so."""
    try:
        yield
    except Refusal as broken:
        if allowed is None:
            raise
        raise PaymentInterrupted(f"the registry may take {money} of the deposit; then: {broken.detail}") from broken


def _payment_call(receivable_id: int, amount: int, certificates: Sequence[tuple[int, int]]) -> bytes:
    if not certificates:
        return Calls.pay(receivable_id=receivable_id, amount=amount)
    return Calls.pay_and_redeem(receivable_id=receivable_id, amount=amount, certificates=certificates)


def _key(row: CertificateRow) -> tuple[int, int]:
    return row.receivable_id, row.start_minor


def _due(services: Services, receivable: Receivable) -> list[CertificateRow]:
    """The certificates to which something is due of what is paid of the receivable. Orders on them are not read."""
    with services.database.snapshot() as connection:
        rows = every(
            lambda after: certificate_queries.certificates_of(
                connection, receivable.receivable_id, after=None if after is None else after[1], limit=PAGE_ROWS_MAX
            )
        )
        return [row for row in rows if _is_due(receivable, row)]


def _is_due(receivable: Receivable, row: CertificateRow) -> bool:
    try:
        require_payout(receivable, row.state())
    except NothingDue:
        return False
    return True


def _fitting(services: Services, *, beside: int = 0) -> int:
    """How many redemptions fit into one transaction, beside so much other gas."""
    return max(1, (services.node.gas_limit() * GAS_SHARE_PERCENT // 100 - beside) // REDEMPTION_GAS)


def _batches(rows: Sequence[CertificateRow], size: int) -> list[Sequence[CertificateRow]]:
    return [rows[at : at + size] for at in range(0, len(rows), size)]


def _redeem(services: Services, signer: LocalAccount, rows: Sequence[CertificateRow], batch: int | None) -> Clearing:
    batches = _batches(rows, batch or _fitting(services))
    with rehearsed_as_first(len(batches)):
        done = [_redeem_batch(services, signer, one) for one in batches]
    return _clearing(done, _liens(rows))


def _redeem_batch(services: Services, signer: LocalAccount, rows: Iterable[CertificateRow]) -> Done:
    return send_call(services, signer, Calls.redeem_many(_key(row) for row in rows))


def _liens(rows: Iterable[CertificateRow]) -> dict[tuple[int, int], Address]:
    return {_key(row): row.lien.financier for row in rows if row.lien is not None}


def _clearing(done: Sequence[Done], liens: Mapping[tuple[int, int], Address]) -> Clearing:
    redeemed = [entry for one in done for entry in one.entries if isinstance(entry, Redeemed)]
    return Clearing(
        done=tuple(done),
        paid_out=tuple(
            PaidOut(
                certificate=CertificateId(entry.receivable_id, entry.start, entry.end),
                holder=entry.holder,
                amount_minor=entry.amount,
                financier=liens.get((entry.receivable_id, entry.start)) if entry.to_financier else None,
                to_financier_minor=entry.to_financier,
            )
            for entry in redeemed
        ),
        skipped={key: refusal for one in done for key, refusal in one.skipped.items()},
    )
