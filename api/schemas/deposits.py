"""Deposits as the API shows them."""

from __future__ import annotations

from pydantic import Field

from api.schemas.common import AddressText, BlockOut, Model, MoneyOut, NextLink, PartyOut
from registry.commands.deposits import Balance
from registry.domain.identifiers import Address, format_address


class DepositOut(Model):
    """What an account has in one currency. What others may take of it may be more than there is."""

    token: AddressText
    deposit: MoneyOut
    registry_may_take: MoneyOut = Field(
        description="For payments and repurchases. The largest amount there is, for whatever is without a limit."
    )
    desk_may_take: MoneyOut = Field(description="For quotes that are accepted. As above.")


class DepositList(Model):
    """A member's deposits, by currency."""

    holder: PartyOut
    items: list[DepositOut]
    next: NextLink
    as_of_block: BlockOut


def show(token: Address, balance: Balance) -> DepositOut:
    """A balance as the API shows it."""
    return DepositOut(
        token=format_address(token),
        deposit=MoneyOut.of(balance.deposit.minor, balance.deposit.currency.numeric),
        registry_may_take=MoneyOut.of(balance.registry.minor, balance.registry.currency.numeric),
        desk_may_take=MoneyOut.of(balance.desk.minor, balance.desk.currency.numeric),
    )
