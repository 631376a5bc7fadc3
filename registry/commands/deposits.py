"""Deposits at the settlement bank: book what came in and what goes out, hand on, let others take.

The bank books under its own reference: the text is kept here, the deposit token knows its hash and counts it once.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from eth_account.signers.local import LocalAccount

from registry.chain.contract import At
from registry.chain.deposits import DepositCalls, DepositView, Permit, SignedPermit, deposit_abi, sign
from registry.chain.reverts import InsufficientAllowance, ReferenceMissing, ReferenceUsed
from registry.chain.submit import account_address
from registry.commands.certificates import typed_amount
from registry.commands.names import SETTLEMENT_BANK
from registry.commands.oversight import registry_state
from registry.commands.sending import Contract, Done, Hand, Pen, Signed, send_call, undone_if_refused
from registry.commands.services import Services
from registry.commands.signing import SignedForAnother, read_kind
from registry.domain.identifiers import MINOR_MAX, ZERO_ADDRESS, Address, format_address
from registry.domain.money import Currency, Money, Sum, currency_to_show
from registry.domain.orders import bank_reference_hash
from registry.domain.rules import NoDepositToken
from registry.store import records
from registry.store.database import Connection


@dataclass(frozen=True, slots=True)
class Balance:
    """What an account has in one currency, and what registry and desk may take of it: that may be more."""

    deposit: Sum
    registry: Money
    desk: Money


@dataclass(frozen=True, slots=True)
class Total:
    """All deposits in one currency, and what of them lies in the registry until certificates are paid out."""

    deposits: Sum
    in_registry: Sum


def mint(
    services: Services, *, signer: LocalAccount, to: Address, amount: str, currency: Currency, reference: str
) -> tuple[Done, Money]:
    """Book money (as typed) that came in for a member. The settlement bank.

    Raises ReferenceMissing, ReferenceUsed, NoDepositToken, what typed_amount raises, and what the token refuses:
    NotAuthorised, AmountMissing, MemberNotEligible.
    """
    money = typed_amount(amount, currency)
    with _booked_as(services, currency, reference) as hash_:
        return _send(services, signer, money, DepositCalls.mint(to=to, amount=money.minor, bank_reference=hash_))


def burn(
    services: Services, *, signer: LocalAccount, giver: Address, amount: str, currency: Currency, reference: str
) -> tuple[Done, Money]:
    """Book money that was paid out to a member, who allowed the settlement bank to take it.

    Raises what mint raises, InsufficientAllowance, InsufficientDeposit.
    """
    money = typed_amount(amount, currency)
    with _booked_as(services, currency, reference) as hash_:
        data = DepositCalls.burn(giver=giver, amount=money.minor, bank_reference=hash_)
        try:
            return _send(services, signer, money, data)
        except InsufficientAllowance as refusal:
            refusal.hint = (
                f"The member must let the bank take it: `counterfoil deposit allow {money} --spender {SETTLEMENT_BANK}`"
            )
            raise


def transfer(
    services: Services, *, signer: LocalAccount, to: Address, amount: str, currency: Currency
) -> tuple[Done, Money]:
    """Hand a deposit on. Raises NoDepositToken, what typed_amount raises, InsufficientDeposit and what the
    registry refuses of who gives and who gets."""
    money = typed_amount(amount, currency)
    return _send(services, signer, money, DepositCalls.transfer(to=to, amount=money.minor))


def allow(services: Services, *, signer: Hand, spender: Address, amount: str, currency: Currency) -> tuple[Done, Money]:
    """Let somebody take so much of one's deposit, in place of what it might take before; 0 ends that.

    A pen signs a permit. Raises Signed where the hand is a pen, NoDepositToken, what typed_amount raises.
    """
    money = typed_amount(amount, currency)
    if isinstance(signer, Pen):
        token = token_of(services, currency)
        raise Signed(permit(token, signer.account, spender=spender, amount=money.minor, deadline=signer.deadline))
    return _send(services, signer, money, DepositCalls.approve(spender=spender, amount=money.minor))


def permit(token: DepositView, owner: LocalAccount, *, spender: Address, amount: int, deadline: int) -> SignedPermit:
    """The owner's leave, by signature until `deadline` (seconds), to take so much (minor units) of its deposit."""
    address = account_address(owner)
    nonce = token.permit_nonce(address)
    return sign(
        Permit(owner=address, spender=spender, value=amount, nonce=nonce, deadline=deadline),
        owner,
        token.eip712_domain(),
    )


def submit(services: Services, *, signer: LocalAccount, permitted: SignedPermit) -> Done:
    """Submit a permit; the submitter pays and has no other part in it.

    Raises SignedForAnother, PermitExpired, PermitInvalid.
    """
    return send_call(services, signer, permitted.call(), to=token_for(services, permitted))


def read_permit(path: Path) -> SignedPermit:
    """A permit of a stranger's.

    Raises DocumentUnreadable, SignedOperationMalformed, DocumentOfAnotherKind, PermitMalformed.
    """
    return SignedPermit.from_json(read_kind(path, "permit"))


def balances(services: Services, account: Address) -> list[Balance]:
    """What an account has in every currency that has deposits here."""
    registry, desk = services.deployment.receivables, desk_of(services)
    return [balance(token, currency, account, registry=registry, desk=desk) for currency, token in _tokens(services)]


def balance(
    token: DepositView,
    currency: Currency,
    account: Address,
    *,
    registry: Address,
    desk: Address,
    block: At = "latest",
) -> Balance:
    """What an account has of one token at a block."""
    return Balance(
        Sum(token.balance(account, block=block), currency),
        _shown(token.allowance(owner=account, spender=registry, block=block), currency),
        _shown(token.allowance(owner=account, spender=desk, block=block), currency),
    )


def totals(services: Services) -> list[Total]:
    """What the settlement bank owes in every currency that has deposits here."""
    registry = services.deployment.receivables
    return [
        Total(Sum(token.total(), currency), Sum(token.balance(registry), currency))
        for currency, token in _tokens(services)
    ]


# ------------------------------------------------------------ shared by others


def token_of(services: Services, currency: Currency) -> DepositView:
    """The deposit token of a currency. Raises NoDepositToken."""
    token = services.view.deposit_tokens([currency.numeric])[currency.numeric]
    if token == ZERO_ADDRESS:
        raise NoDepositToken(f"deposits in {currency} have no token here")
    return DepositView(services.node, token)


def token_contract(token: DepositView, currency: Currency) -> Contract:
    """A deposit token as what calls are sent to."""
    return Contract(token.address, deposit_abi(), currency)


def token_for(services: Services, permitted: SignedPermit) -> Contract:
    """The deposit token that a permit is for. Raises SignedForAnother."""
    for currency, token in _tokens(services):
        if token.address == permitted.domain.contract and services.node.chain_id == permitted.domain.chain_id:
            return token_contract(token, currency)
    raise SignedForAnother(f"{format_address(permitted.domain.contract)} is no deposit token here")


def desk_of(services: Services) -> Address:
    """The financing desk that the registry takes sales and pledges from now; zeros for none."""
    return services.view.policy().settlement.desk


# ---------------------------------------------------------------- internal


def _tokens(services: Services) -> list[tuple[Currency, DepositView]]:
    """All deposit tokens with their currencies."""
    tokens = registry_state(services).deposit_tokens
    return [(currency_to_show(numeric), DepositView(services.node, token)) for numeric, token in tokens.items()]


def _shown(allowance: int, currency: Currency) -> Money:
    """An allowance; those without a limit are larger than any amount."""
    return Money(min(allowance, MINOR_MAX), currency)


def _send(services: Services, signer: LocalAccount, money: Money, data: bytes) -> tuple[Done, Money]:
    token = token_contract(token_of(services, money.currency), money.currency)
    return send_call(services, signer, data, to=token), money


@contextmanager
def _booked_as(services: Services, currency: Currency, reference: str) -> Iterator[bytes]:
    """The reference's hash for what is booked in the block.

    Its text is kept before that is sent, and taken back where the token refuses it.
    """
    try:
        hash_ = bank_reference_hash(reference)
    except ValueError as error:
        raise ReferenceMissing(str(error)) from error
    if token_of(services, currency).is_booked(hash_):
        raise ReferenceUsed(f"{reference.strip()} was booked already")
    with services.database.write() as connection:
        records.save_bank_reference(connection, reference)

    def forget(connection: Connection) -> None:
        # In another currency, or by somebody faster, it may have been booked.
        if not any(token.is_booked(hash_) for _, token in _tokens(services)):
            records.forget_bank_reference(connection, reference_hash=hash_)

    with undone_if_refused(services, forget):
        yield hash_
