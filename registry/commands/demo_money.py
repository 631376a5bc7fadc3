"""The demo's money: one certificate is sold, one pledged; one debtor pays in full, one in parts, one not to the end.

What an earlier run has done is found in the journals and the settlement bank's bookings and left, so a demo that was
killed goes on. Where a claim has to fall due, the dev chain's clock is put forward: by some days in all, in which no
other claim of the demo falls due.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field

from eth_account.signers.local import LocalAccount

from registry.chain import devchain
from registry.chain.reverts import ReferenceUsed
from registry.commands import accounts, certificates, deposits, overdue, payments, quotes
from registry.commands.certificates import receivable_of
from registry.commands.demo_stage import Say, delivery_note, handle_of, parts
from registry.commands.names import SETTLEMENT_BANK, address_of
from registry.commands.oversight import Waits, registry_state
from registry.commands.sending import Done, now
from registry.commands.services import Services
from registry.domain import calendar, pricing
from registry.domain.identifiers import CertificateId, format_receivable_id
from registry.domain.journal import Entry, Pledged, Sold
from registry.domain.money import Currency, Money, Sum, currency_to_show, format_amount
from registry.domain.receivable import DAY_SECONDS, Parameter, Status
from registry.domain.rules import NoDepositToken, parameter_in_force
from registry.store.queries import entries as entry_queries
from registry.store.queries.certificates import CertificateRow

RATE_PERCENT = 6
"""A year, of what is paid at maturity."""
RECOURSE_PERCENT = 80
"""Of the face sold, what the seller gives back if the debtor does not pay."""
LENT_PERCENT, SECURED_PERCENT = 70, 75
"""Of the face pledged."""
FIRST_PART_PERCENT = 40
SHORT_PERCENT = 61
"""Of its debt, what the debtor pays that does not pay all."""
HOLDERS = 7
ODD_SHARES = (3, 5, 7, 11, 13, 17)
"""Percent of the face, less a few odd minor units, that the holder of the seven-part receivable hands to each other."""
QUOTE_DAYS = 2


@dataclass(frozen=True, slots=True)
class Claim:
    """What a holder has to get of a part-paid receivable, and after its book was closed."""

    certificate: CertificateId
    holder: str
    face: Money
    before: Money
    after: Money


@dataclass(frozen=True, slots=True)
class Closing:
    """A receivable that was not paid to the end: all that was paid, and who has to get what of it."""

    receivable_id: int
    paid: Money
    claims: tuple[Claim, ...]

    def total(self, which: str) -> Money:
        """The sum of the claims, `before` or `after` the book was closed."""
        return Money(sum(getattr(claim, which).minor for claim in self.claims), self.paid.currency)


@dataclass(slots=True)
class MoneyActs:
    """What happened in this run, and what everybody has in the end."""

    financed: list[str] = field(default_factory=list)
    payments: list[str] = field(default_factory=list)
    closing: Closing | None = None
    cash: list[tuple[str, list[Sum]]] = field(default_factory=list)


@dataclass(slots=True)
class _Play:
    """One run. `soon` are the claims that fall due first, `others` the demo's other ones; `bank` lends and buys."""

    services: Services
    bank: str
    receivers: Sequence[str]
    soon: Sequence[int]
    others: Sequence[int]
    say: Say
    acts: MoneyActs = field(default_factory=MoneyActs)

    def tell(self, told: list[str], line: str) -> None:
        told.append(line)
        self.say(f"  {line}")

    # ---------------------------------------------------------------- parts

    def entries(self, receivable_id: int) -> list[Entry]:
        with self.services.database.snapshot() as connection:
            return [row.decode() for row in entry_queries.stored_entries(connection, receivable_id)]

    def happened(self, receivable_id: int, kind: type[Entry]) -> bool:
        return any(isinstance(entry, kind) for entry in self.entries(receivable_id))

    def pays_out(self, receivable_id: int) -> Currency | None:
        """The currency of a receivable, if there are deposits in it."""
        currency = currency_to_show(receivable_of(self.services, receivable_id).currency)
        try:
            deposits.token_of(self.services, currency)
        except NoDepositToken:
            return None
        return currency

    def untouched(self) -> CertificateRow | None:
        """The first certificate that is a whole receivable, still its originator's and with nothing on it."""
        for receivable_id in self.others:
            row, found = receivable_of(self.services, receivable_id), parts(self.services, receivable_id)
            if row.status is not Status.CONFIRMED or row.due_at <= now(self.services) or len(found) != 1:
                continue
            (one,) = found
            if one.holder == row.originator and one.lien is None and self.pays_out(receivable_id):
                return one
        return None

    def deposit(self, to: str, money: Money, reference: str) -> None:
        """What came in at the settlement bank, booked once."""
        try:
            deposits.mint(
                self.services,
                signer=accounts.signer_of(self.services, SETTLEMENT_BANK),
                to=address_of(self.services, to),
                amount=format_amount(money.minor, money.currency),
                currency=money.currency,
                reference=reference,
            )
        except ReferenceUsed:
            return
        self.say(f"  {SETTLEMENT_BANK} booked a deposit of {money} for {to}")

    def wait_until(self, at: int) -> None:
        if now(self.services) < at:
            devchain.advance_time(self.services.node, seconds=at - now(self.services))
            self.say(f"  [dim]the dev chain's clock is put forward to {calendar.instant(at)}[/]")

    # ------------------------------------------------------------------ acts

    def finance(self, kind: type[Entry]) -> int | None:
        """Sell a certificate to the bank, or pledge it for a loan; the receivable's id."""
        for receivable_id in self.others:
            if self.happened(receivable_id, kind):
                return receivable_id
        row = self.untouched()
        if row is None:
            return None
        currency = currency_to_show(row.currency)
        days = pricing.days_until(row.due_at, now=now(self.services))
        amount, holder = row.amount_minor, handle_of(self.services, row.holder)
        paid = amount if kind is Sold else amount * LENT_PERCENT // 100
        price = Money(paid - paid * RATE_PERCENT * days // (100 * pricing.basis_days(currency)), currency)
        self.deposit(self.bank, price, f"demo: {price} for {row.id}")
        signer = accounts.signer_of(self.services, self.bank)
        desk, typed = deposits.desk_of(self.services), format_amount(price.minor, currency)
        deposits.allow(self.services, signer=signer, spender=desk, amount=typed, currency=currency)
        percent = RECOURSE_PERCENT if kind is Sold else SECURED_PERCENT
        bound = Money(amount * percent // 100, currency)
        bound_typed = format_amount(bound.minor, currency)
        offered = quotes.offer(
            self.services,
            signer=signer,
            certificate=row.id,
            price=typed,
            expiry=now(self.services) + QUOTE_DAYS * DAY_SECONDS,
            recourse=bound_typed if kind is Sold else None,
            secured=None if kind is Sold else bound_typed,
        )
        quotes.accept(self.services, signer=accounts.signer_of(self.services, holder), offered=offered.signed)
        cost = f"{days} days, {offered.cost.rate} a year"
        if kind is Sold:
            line = f"{self.bank} bought {row.id} ({Money(amount, currency)}) from {holder} for {price}, with recourse"
            line += f" for {bound}: {cost}"
        else:
            line = f"{self.bank} lent {holder} {price} on {row.id} ({Money(amount, currency)}), secured for {bound}"
        self.tell(self.acts.financed, line)
        return row.receivable_id

    def pay(self, receivable_id: int, money: Money, *, redeem: bool = True) -> None:
        """The debtor brings the money to the settlement bank and pays."""
        row = receivable_of(self.services, receivable_id)
        debtor, name = handle_of(self.services, row.debtor), format_receivable_id(receivable_id)
        self.deposit(debtor, money, f"demo: {name}, payment {row.paid_minor}")
        payment = payments.pay(
            self.services,
            signer=accounts.signer_of(self.services, debtor),
            receivable_id=receivable_id,
            amount=format_amount(money.minor, money.currency),
            redeem=redeem,
        )
        self.tell(self.acts.payments, f"{debtor} paid {money} of {name}")
        self.say_paid_out(payment.clearing, money.currency)

    def say_paid_out(self, clearing: payments.Clearing, currency: Currency) -> None:
        for out in clearing.paid_out:
            to_holder = Money(out.amount_minor - out.to_financier_minor, currency)
            line = f"    {out.certificate}: {to_holder} to {handle_of(self.services, out.holder)}"
            if out.financier is not None:
                first = Money(out.to_financier_minor, currency)
                line += f", {first} before that to {handle_of(self.services, out.financier)}, which has the lien"
            self.say(line)

    def pay_in_full(self, receivable_id: int) -> None:
        """Before it is due, with a lien on it."""
        row = receivable_of(self.services, receivable_id)
        if row.status is Status.CONFIRMED:
            self.pay(receivable_id, Money(row.payable_minor, currency_to_show(row.currency)))
        elif parts(self.services, receivable_id):
            payments.redeem_all(self.services, signer=self.helper(), receivable_id=receivable_id)

    def helper(self) -> LocalAccount:
        """Anyone pays certificates out."""
        return accounts.signer_of(self.services, self.bank)

    def pay_in_parts(self, receivable_id: int) -> None:
        row = receivable_of(self.services, receivable_id)
        currency = currency_to_show(row.currency)
        self.wait_until(row.due_at)
        if not row.paid_minor:
            self.pay(receivable_id, Money(row.face_minor * FIRST_PART_PERCENT // 100, currency))
        row = receivable_of(self.services, receivable_id)
        if row.payable_minor:
            self.pay(receivable_id, Money(row.payable_minor, currency))
        if parts(self.services, receivable_id):
            payments.redeem_all(self.services, signer=self.helper(), receivable_id=receivable_id)

    def share_out(self, receivable_id: int) -> None:
        """Odd amounts of it go to six others."""
        row, found = receivable_of(self.services, receivable_id), parts(self.services, receivable_id)
        holder, currency = handle_of(self.services, row.originator), currency_to_show(row.currency)
        others = [handle for handle in self.receivers if handle != holder][: HOLDERS - 1]
        # Cut from the tail on, so what is left says how far an earlier run came.
        for share, receiver in list(zip(ODD_SHARES, others, strict=False))[len(found) - 1 :]:
            minor = row.face_minor * share // 100 - share
            front = parts(self.services, receivable_id)[0]
            certificates.split(
                self.services,
                signer=accounts.signer_of(self.services, holder),
                certificate=front.id,
                amount=format_amount(minor, currency),
                receiver=address_of(self.services, receiver),
                document=str(delivery_note(self.services, front.id, holder, receiver)),
            )
            self.say(f"  {holder} handed {Money(minor, currency)} of {front.id} to {receiver}")

    def close(self, receivable_id: int) -> None:
        """Part-paid, overdue beyond the grace, closed: the rounding is divided."""
        row = receivable_of(self.services, receivable_id)
        currency = currency_to_show(row.currency)
        self.wait_until(row.due_at)
        if not row.paid_minor:
            self.pay(receivable_id, Money(row.face_minor * SHORT_PERCENT // 100 + 1, currency), redeem=False)
        if receivable_of(self.services, receivable_id).status is not Status.CLOSED:
            before = self.redeemable(receivable_id)
            grace = parameter_in_force(
                registry_state(self.services), Parameter.OVERDUE_GRACE_DAYS, now=now(self.services)
            )
            self.wait_until(row.due_at + grace * DAY_SECONDS)
            self.announced(overdue.close, receivable_id, "closed the book of")
            self.compare(receivable_id, before)
        if any(row.claimed_minor == 0 for row in parts(self.services, receivable_id)):
            out = payments.redeem_all(self.services, signer=self.helper(), receivable_id=receivable_id)
            self.say_paid_out(out, currency)
        if receivable_of(self.services, receivable_id).dishonoured:
            # Or its debtor could confirm nothing in a later run.
            self.announced(overdue.absolve, receivable_id, "heard that the rest was made good: it lifted the mark on")

    def announced(self, act: Callable[..., Done | Waits], receivable_id: int, says: str) -> None:
        """What the settlement bank says that it will do, and does after the delay."""
        bank = accounts.signer_of(self.services, SETTLEMENT_BANK)
        done = act(self.services, signer=bank, receivable_id=receivable_id)
        if isinstance(done, Waits):
            self.wait_until(done.ready_at)
            done = act(self.services, signer=bank, receivable_id=receivable_id)
        assert not isinstance(done, Waits)
        self.tell(self.acts.payments, f"{SETTLEMENT_BANK} {says} {format_receivable_id(receivable_id)}")

    def redeemable(self, receivable_id: int) -> dict[tuple[int, int], int]:
        keys = [(row.receivable_id, row.start_minor) for row in parts(self.services, receivable_id)]
        return self.services.view.redeemable(keys)

    def compare(self, receivable_id: int, before: dict[tuple[int, int], int]) -> None:
        row, after = receivable_of(self.services, receivable_id), self.redeemable(receivable_id)
        currency = currency_to_show(row.currency)
        self.acts.closing = Closing(
            receivable_id,
            Money(row.paid_minor, currency),
            tuple(
                Claim(
                    certificate=part.id,
                    holder=handle_of(self.services, part.holder),
                    face=Money(part.amount_minor, currency),
                    before=Money(before[receivable_id, part.start_minor], currency),
                    after=Money(after[receivable_id, part.start_minor], currency),
                )
                for part in parts(self.services, receivable_id)
            ),
        )

    def count_cash(self, handles: Sequence[str]) -> None:
        for handle in handles:
            held = deposits.balances(self.services, address_of(self.services, handle))
            money = [balance.deposit for balance in held if balance.deposit.minor]
            if money:
                self.acts.cash.append((handle, money))


def run(
    services: Services,
    *,
    bank: str,
    receivers: Sequence[str],
    handles: Sequence[str],
    soon: Sequence[int],
    others: Sequence[int],
    say: Say,
) -> MoneyActs:
    """All acts that the claims at hand allow. Raises what a failing service raises.

    `receivers` can be handed certificates, `handles` are all whose cash is counted; `soon` are the ids of confirmed
    claims that fall due within days, `others` of the demo's other ones.
    """
    play = _Play(services, bank, receivers, soon, others, say)
    say("[bold]Financing[/] by quotes of the bank, accepted by the holders: cash and certificate in one transaction")
    play.finance(Sold)
    pledged = play.finance(Pledged)
    say("[bold]Paying[/] (the debtors), and paying the holders out")
    if pledged is not None:
        play.pay_in_full(pledged)
    paid_in = [number for number in soon if play.pays_out(number)]
    for number in paid_in[:1]:
        if receivable_of(services, number).due_at > now(services):
            play.share_out(number)
    for number in paid_in[1:2]:
        play.pay_in_parts(number)
    for number in paid_in[:1]:
        play.close(number)
    play.count_cash(handles)
    return play.acts
