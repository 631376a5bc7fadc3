"""Deposits, as the model has them: who has how much in each token, who may spend whose, and what the bank booked."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass, field, replace

from registry.chain.deposits import Permit
from registry.chain.reverts import (
    AccountMissing,
    InsufficientAllowance,
    InsufficientDeposit,
    PermitExpired,
    PermitInvalid,
    ReferenceMissing,
    ReferenceUsed,
)
from registry.domain import rules
from registry.domain.identifiers import ZERO_ADDRESS, Address
from registry.domain.rules import AmountMissing, World, require_unfrozen

UNLIMITED = 2**256 - 1
"""An allowance of so much is never used up."""

Cash = tuple[Address, Address, Address, int]
"""A Transfer event of a token: token, giver, receiver, amount."""


@dataclass(frozen=True)
class Transfer:
    """So many minor units of a token, from one to another; `by` calls the token, by the giver's leave if another."""

    token: Address
    giver: Address
    receiver: Address
    amount: int
    by: Address


@dataclass
class Deposits:
    """All deposit tokens of one registry."""

    registry: Address
    balances: Counter[tuple[Address, Address]] = field(default_factory=Counter)
    """(token, account)"""
    allowances: Counter[tuple[Address, Address, Address]] = field(default_factory=Counter)
    """(token, owner, spender)"""
    permits: Counter[tuple[Address, Address]] = field(default_factory=Counter)
    """Used permits by (token, owner)."""
    booked: frozenset[tuple[Address, bytes]] = frozenset()
    """(token, the bank's reference)"""

    def copy(self) -> Deposits:
        return replace(
            self, balances=self.balances.copy(), allowances=self.allowances.copy(), permits=self.permits.copy()
        )

    def supply(self, token: Address) -> int:
        return sum(amount for (one, _), amount in self.balances.items() if one == token)

    # ---------------------------------------------------------------- checks

    def require(self, world: World, cash: Transfer, *, now: int) -> None:
        """A transfer, in the token's own order. Raises InsufficientAllowance, AccountMissing, AmountMissing,
        MemberNotEligible, FrozenByOrder, UnknownMember, InsufficientDeposit."""
        if cash.by != cash.giver:
            self._require_allowance(cash)
        if cash.receiver == ZERO_ADDRESS:
            raise AccountMissing()
        self._require_update(world, cash, now=now)

    def require_booking(self, world: World, cash: Transfer, *, reference: bytes, now: int) -> None:
        """A deposit from nobody, or a withdrawal to nobody; who may book is asked before.

        Raises ReferenceMissing, ReferenceUsed, and what a transfer raises.
        """
        if not any(reference):
            raise ReferenceMissing()
        if (cash.token, reference) in self.booked:
            raise ReferenceUsed()
        if cash.giver != ZERO_ADDRESS:
            self._require_allowance(cash)
        elif cash.receiver == ZERO_ADDRESS:
            raise AccountMissing()
        self._require_update(world, cash, now=now)

    def require_permit(self, token: Address, permit: Permit, *, genuine: bool, now: int) -> None:
        """Raises PermitExpired, PermitInvalid, AccountMissing."""
        if now > permit.deadline:
            raise PermitExpired()
        if not genuine or permit.nonce != self.permits[token, permit.owner]:
            raise PermitInvalid()
        if permit.spender == ZERO_ADDRESS:
            raise AccountMissing()

    def _require_update(self, world: World, cash: Transfer, *, now: int) -> None:
        if not cash.amount:
            raise AmountMissing()
        if cash.by != self.registry:
            member = world.registry.members.get(cash.giver)
            if cash.receiver == ZERO_ADDRESS:  # back to the bank: whoever it is, but not under an order
                require_unfrozen(member.orders if member else (), now=now)
            else:
                if cash.giver != ZERO_ADDRESS:
                    world.require_sender(cash.giver, now=now)
                rules.require_admitted(world.registry, cash.receiver)
        if cash.giver != ZERO_ADDRESS and self.balances[cash.token, cash.giver] < cash.amount:
            raise InsufficientDeposit()

    def _require_allowance(self, cash: Transfer) -> None:
        if self.allowances[cash.token, cash.giver, cash.by] < cash.amount:
            raise InsufficientAllowance()

    # --------------------------------------------------------------- effects

    def move(self, cash: Transfer) -> Cash:
        """A transfer, a deposit or a withdrawal; what the token tells of it."""
        key = (cash.token, cash.giver, cash.by)
        if cash.giver not in (cash.by, ZERO_ADDRESS) and self.allowances[key] != UNLIMITED:
            self.allowances[key] -= cash.amount
        for account, change in ((cash.giver, -cash.amount), (cash.receiver, cash.amount)):
            if account != ZERO_ADDRESS:
                self.balances[cash.token, account] += change
                assert self.balances[cash.token, account] >= 0
        return cash.token, cash.giver, cash.receiver, cash.amount

    def permit(self, token: Address, permit: Permit) -> None:
        self.permits[token, permit.owner] += 1
        self.allowances[token, permit.owner, permit.spender] = permit.value
