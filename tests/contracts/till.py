"""The money of a house: what people do with certificates and deposits, without the desk but for sales.

What a test does not name is the usual: the buyer owes and pays, the seller holds, the bank finances, and the stranger
does what anyone may. All four have deposits and let the registry take them. Amounts are minor units.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any

import pytest

from tests.contracts import door
from tests.contracts.bank import Bank
from tests.contracts.door import Door, Receipt, Reverted
from tests.contracts.house import DAY, DOCUMENT, NO_DOCUMENT, House, address, named, parts_of, token

UNLIMITED = 2**256 - 1
DEPOSITS = 2**66
"""What each has: more than any face."""
QUOTE = b"\x09" * 32
MOVES = (
    "split",
    "splitMany",
    "endorse",
    "endorseMany",
    "merge",
    "transferFrom",
    "pledge",
    "sell",
    "pledgeAgainst",
)
"""What Till.moves has."""


class Till:
    """A house whose currency has a deposit token; `desk` is a contract that sells and pledges without moving cash."""

    def __init__(self, house: House, bank: Bank, desk: Door) -> None:
        self.house, self.bank, self.desk = house, bank, desk
        house.receivables.setDesk(desk, sender=house.operator)
        self._depositors = (house.seller, house.buyer, house.supplier, house.bank)
        for person in self._depositors:
            bank.mint(person, DEPOSITS)
            bank.token.approve(house.receivables, UNLIMITED, sender=person)
        house.receivables.setApprovalForAll(desk, True, sender=house.seller)

    # ------------------------------------------------------------------ watching

    def balances(self, *accounts: Any) -> list[int]:
        """What each has more than in the beginning; of the registry, what it has."""
        rich = {account.address for account in self._depositors}
        return [self.bank.balance(account) - DEPOSITS * (account.address in rich) for account in accounts]

    def roots(self) -> list[str]:
        """The hashes of all that registry and token store: words, heads, nonces, balances, allowances."""
        contracts = (self.house.receivables, self.bank.token)
        proofs = (self.house.node.request("eth_getProof", each.address, [], "latest") for each in contracts)
        return [proof["storageHash"] for proof in proofs]

    @contextmanager
    def refused(self, error: str, **inputs: Any) -> Iterator[None]:
        """Demand this refusal, with these arguments, and that it leaves no trace."""
        before = self.roots()
        with door.refused(error, **inputs):
            yield
        assert self.roots() == before

    @contextmanager
    def tried(self, *, at: int) -> Iterator[None]:
        """Within, what is sent to registry or desk is tried in a block of that time, and not mined."""
        with self.house.receivables.tried(at=at), self.desk.tried(at=at):
            yield

    @contextmanager
    def token_refuses(self, error: str) -> Iterator[None]:
        """Demand this refusal of the deposit token's, and that it leaves no trace."""
        before = self.roots()
        with pytest.raises(Reverted) as caught:
            yield
        assert self.bank.token.reverted(caught.value.data).name == error
        assert self.roots() == before

    def rights(self, certificate: int) -> dict[str, Any]:
        """What lies on a certificate besides orders: lien (financier, secured), recourse (seller, amount, demanded)."""
        found = self.house.receivables.rights([certificate])[0]
        lien, recourse = int(found.lien), int(found.recourse)
        named_ = {
            "lien": lien and (address(lien), lien >> 160 & 2**64 - 1),
            "recourse": recourse and (address(recourse), recourse >> 160 & 2**64 - 1, bool(recourse >> 224 & 1)),
            "claimed": found.claimed,
        }
        return {name: value for name, value in named_.items() if value}

    def amounts(self, receivable_id: int) -> dict[str, int]:
        """The word of amounts, and what was paid out of it; without what is 0."""
        record = self.house.receivables.receivables([receivable_id])[0]
        word, low = int(record.amounts), 2**64 - 1
        found = {
            "paid": word & low,
            "cancelled": word >> 64 & low,
            "senior": word >> 128 & low,
            "disputed": word >> 192 & 1,
            "dishonoured": word >> 193 & 1,
            "claimed": int(record.claimed),
        }
        return {name: value for name, value in found.items() if value}

    def status(self, receivable_id: int) -> int:
        return self.house.record(receivable_id).status

    def dishonoured(self, member: Any) -> int:
        """How many debts the member has dishonoured and not made good."""
        return int(self.house.receivables.members([member.address])[0]) >> 145 & 2**32 - 1

    def redeemable(self, *certificates: int) -> list[int]:
        return list(self.house.receivables.redeemable(list(certificates)))

    def reach(self, receivable_id: int, *, days: int = 0) -> int:
        """Mine a block so many days after the due date, to the second; unless that is past. Returns the instant."""
        instant = self.house.record(receivable_id).due + days * DAY
        if instant > self.house.now:
            self.house.wait(instant - self.house.now)
        return instant

    # ------------------------------------------------------------------- pledges

    def pledge(self, certificate: int, secured: int = 1_000, *, to: Any = None, sender: Any = None) -> Receipt:
        house = self.house
        whole = house.present(certificate)
        return house.receivables.pledge(whole, to or house.bank, secured, sender=sender or house.seller)

    def release(self, certificate: int, *, sender: Any = None) -> Receipt:
        house = self.house
        return house.receivables.release(house.present(certificate), sender=sender or house.bank)

    # --------------------------------------------------------------------- sales

    def deal(self, certificate: int, **changes: Any) -> dict[str, Any]:
        """The bank finances the seller's certificate, whole, for half of what it is worth."""
        whole, house = self.house.present(certificate), self.house
        start, end = (whole >> 64 & 2**64 - 1), whole & 2**64 - 1
        return {
            "range": whole,
            "cut": start,
            "holder": house.seller.address,
            "financier": house.bank.address,
            "price": max((end - changes.get("cut", start)) // 2, 1),
            "amount": 0,
            "quote": QUOTE,
            "anchor": house.anchor(certificate >> 64),
            "claimKey": house.claim_key(certificate >> 64),
        } | changes

    def sell(self, certificate: int, *, recourse: int = 0, **changes: Any) -> Receipt:
        return self.by_desk("sell", self.deal(certificate, amount=recourse, **changes))

    def pledge_against(self, certificate: int, secured: int = 1_000, **changes: Any) -> Receipt:
        return self.by_desk("pledgeAgainst", self.deal(certificate, amount=secured, **changes))

    def by_desk(self, function: str, deal: dict[str, Any]) -> Receipt:
        """The desk asks the registry."""
        call = getattr(self.house.receivables, function).encode_input(deal)
        return self.desk.execute(self.house.receivables, call, sender=self.house.stranger)

    # ------------------------------------------------------ payment and clearing

    def pay(self, receivable_id: int, amount: int, *, sender: Any = None) -> Receipt:
        return self.house.receivables.pay(receivable_id, amount, sender=sender or self.house.buyer)

    def redeem(self, certificate: int, *, sender: Any = None) -> Receipt:
        return self.house.receivables.redeem(certificate, sender=sender or self.house.stranger)

    def redeem_many(self, certificates: list[int], *, sender: Any = None) -> Receipt:
        return self.house.receivables.redeemMany(certificates, sender=sender or self.house.stranger)

    def close(self, receivable_id: int, *, sender: Any = None) -> Receipt:
        return self.house.receivables.close(receivable_id, sender=sender or self.house.settlement_bank)

    def dishonour(self, receivable_id: int, *, sender: Any = None) -> Receipt:
        return self.house.receivables.dishonour(receivable_id, sender=sender or self.house.stranger)

    def absolve(self, receivable_id: int, *, sender: Any = None) -> Receipt:
        return self.house.receivables.absolve(receivable_id, sender=sender or self.house.settlement_bank)

    # -------------------------------------------------- credit notes and disputes

    def credit(self, certificate: int, amount: int, *, sender: Any = None, second: Any = None) -> Receipt:
        """The seller, with the buyer's signature."""
        whole = self.house.present(certificate)
        by = self.house.authorise("CreditNote", second or self.house.buyer, **parts_of(whole), amount=amount)
        return self.house.receivables.creditNote(whole, amount, by, sender=sender or self.house.seller)

    def dispute(self, certificate: int, cut: int, *, sender: Any = None, second: Any = None) -> Receipt:
        """The buyer, with the seller's signature."""
        whole = self.house.present(certificate)
        by = self.house.authorise("Dispute", second or self.house.seller, **parts_of(whole), cut=cut)
        return self.house.receivables.dispute(whole, cut, by, sender=sender or self.house.buyer)

    def resolve(self, receivable_id: int, *, sender: Any = None, second: Any = None) -> Receipt:
        """The seller, with the buyer's signature."""
        by = self.house.authorise("Resolve", second or self.house.buyer, receivableId=receivable_id)
        return self.house.receivables.resolve(receivable_id, by, sender=sender or self.house.seller)

    # ------------------------------------------------------------------ recourse

    def demand(self, certificate: int, *, sender: Any = None) -> Receipt:
        house = self.house
        return house.receivables.demandRecourse(house.present(certificate), sender=sender or house.bank)

    def repurchase(self, certificate: int, *, sender: Any = None) -> Receipt:
        house = self.house
        return house.receivables.repurchase(house.present(certificate), sender=sender or house.seller)

    # -------------------------------------------------------------------- scenes

    def moves(self, whole: int) -> dict[str, Callable[[], Any]]:
        """Everything that moves or encumbers a certificate of the seller's, whose right neighbour is its too."""
        contract, seller, bank, certificate = self.house.receivables, self.house.seller, self.house.bank, whole >> 64
        part = {"cut": 5 + (certificate & 2**64 - 1), "receiver": bank.address, "document": NO_DOCUMENT}
        endorsement = {"range": whole, "receiver": bank.address, "document": NO_DOCUMENT}
        return {
            "split": lambda: contract.split(whole, part["cut"], bank, NO_DOCUMENT, sender=seller),
            "splitMany": lambda: contract.splitMany(whole, [part], sender=seller),
            "endorse": lambda: contract.endorse(whole, bank, NO_DOCUMENT, sender=seller),
            "endorseMany": lambda: contract.endorseMany([endorsement], sender=seller),
            "merge": lambda: self.house.merge(certificate),
            "transferFrom": lambda: contract.transferFrom(seller, bank, certificate, sender=seller),
            "pledge": lambda: contract.pledge(whole, bank, 1, sender=seller),
            "sell": lambda: self.sell(certificate),
            "pledgeAgainst": lambda: self.pledge_against(certificate),
        }

    def parts(self, *cuts: int, **changes: Any) -> int:
        """A confirmed receivable that is cut at these cents, every part of it the seller's."""
        receivable_id, house = self.house.confirmed(**changes), self.house
        if cuts:
            parts = [{"cut": cut, "receiver": house.seller.address, "document": DOCUMENT} for cut in sorted(cuts)[::-1]]
            whole = named(token(receivable_id), house.record(receivable_id).face)
            house.receivables.splitMany(whole, parts, sender=house.seller)
        return receivable_id
