"""The demo: real invoice files through the whole registry, from parties to provenance, with the forbidden in between.

Every step can be repeated: what an earlier run has done is found and left, so a demo that was killed goes on. It acts
on the claims that it registered itself, and on no other of the home.
"""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Iterable
from dataclasses import dataclass, field
from datetime import date
from itertools import pairwise
from pathlib import Path

from eth_account.signers.local import LocalAccount
from rich.cells import cell_len

from registry.chain.contract import Calls, receivables_abi
from registry.chain.operations import Order
from registry.chain.submit import account_address, preview
from registry.commands import accounts, certificates, claims, demo_money, members, orders
from registry.commands.certificates import receivable_of
from registry.commands.demo_money import MoneyActs
from registry.commands.demo_stage import Say, delivery_note, face, handle_by_identity, handle_of, parts
from registry.commands.names import OFFICERS, OPERATOR, address_of
from registry.commands.sending import now
from registry.commands.services import Services, master_key
from registry.documents.document import hand_in
from registry.documents.fingerprint import fingerprint
from registry.documents.invoice import Invoice, require_registrable
from registry.documents.parties import Party, PartyIdentity
from registry.documents.reading import INVOICE_SUFFIXES, parse_invoice, read_document
from registry.domain.identifiers import Address, CertificateId, format_receivable_id
from registry.domain.journal import CertificateFrozen, CertificateUnfrozen, Entry
from registry.domain.money import Money, currency_to_show, format_amount
from registry.domain.receivable import DAY_SECONDS, Role, Status
from registry.domain.refusals import Refusal
from registry.domain.rules import FingerprintTaken
from registry.mirror.reconcile import Report, reconcile
from registry.settings import PROJECT_ROOT
from registry.store.queries import entries as entry_queries
from registry.store.queries import health as health_queries
from registry.store.queries import invoices as invoice_queries
from registry.store.queries import members as member_queries
from registry.store.queries import orders as order_queries
from registry.store.queries import parties as party_queries
from registry.store.queries import receivables as receivable_queries
from registry.store.queries.receivables import ReceivableRow
from registry.terminal import safe

SAMPLES = PROJECT_ROOT / "registry" / "samples" / "invoices"
AGREED_DAYS = 90
SOON_DAYS = 2
"""Until the first claims without a date fall due: so that their payment can be shown."""
SOON = 2
"""How many."""
NEAR_DAYS = 21
"""What falls due before gets another date: the clock is put forward to show payments."""
KYC_DAYS = 730
CHAINS_MAX = 3
"""Receivables that are split and endorsed down the tiers."""

TIERS = (
    ("Tiefenbach Werkzeugbau GmbH", "vat:DE811907980", Role.SUPPLIER),
    ("Kleinschmiede Oberau e.K.", "vat:DE811907981", Role.SUPPLIER),
)
BANK = ("Hafenbank AG", "scheme:0199:529900HAFENBANKAG041", Role.FINANCIER)
STRANGER = "dev255"
SHARE_DOWN = (40, 50)
"""Percent of its certificate that each tier hands to the next."""
SHORTFALL_PERCENT = 4
"""Percent of one claim that its buyer does not confirm."""
LIFTED = orders.Reference("Amtsgericht Hamburg", "71 M 1203/26")
STANDING = orders.Reference("Amtsgericht Köln", "288 M 417/26")
ORDER_DAYS = 60


@dataclass(slots=True)
class FileOutcome:
    """What became of one file. `outcome` is registered, earlier (by a run before), duplicate or refused."""

    file: str
    outcome: str = "refused"
    code: str | None = None
    detail: str | None = None
    receivable_id: int | None = None
    amount: Money | None = None
    fingerprint: bytes | None = None
    due: date | None = None
    due_agreed_because: str | None = None


@dataclass(frozen=True, slots=True)
class Forbidden:
    """Something that was tried and refused."""

    attempt: str
    code: str
    detail: str


@dataclass(slots=True)
class Summary:
    """All that the demo did."""

    files: list[FileOutcome] = field(default_factory=list)
    admitted: list[str] = field(default_factory=list)
    confirmed: list[int] = field(default_factory=list)
    moves: list[str] = field(default_factory=list)
    orders: list[str] = field(default_factory=list)
    forbidden: list[Forbidden] = field(default_factory=list)
    pending: int | None = None
    pending_debtor: str | None = None
    traced: CertificateId | None = None
    left_alone: int = 0
    """Receivables of the home that are not the demo's."""
    money: MoneyActs = field(default_factory=MoneyActs)
    report: Report | None = None

    @property
    def own(self) -> set[int]:
        """The receivables that the demo registered itself, in this run or an earlier one."""
        return {
            outcome.receivable_id
            for outcome in self.files
            if outcome.receivable_id is not None and outcome.outcome in ("registered", "earlier")
        }


@dataclass(frozen=True, slots=True)
class _Readable:
    path: Path
    invoice: Invoice
    outcome: FileOutcome


def invoice_files(folder: Path) -> list[Path]:
    """The invoice files below a folder, by path."""
    return sorted(path for path in folder.rglob("*") if path.is_file() and path.suffix.lower() in INVOICE_SUFFIXES)


def run(services: Services, *, folder: Path, say: Say) -> Summary:
    """The whole demo over the invoice files of a folder. Raises what a failing service raises."""
    summary = Summary()
    readable = _read(folder, summary, master_key(services.home), say)
    _admit_parties(services, readable, summary, say)
    _register_all(services, readable, summary, say)
    _say_others(services, summary, say)
    _confirm_all(services, summary, say)
    _hand_down(services, summary, say)
    _carry_out_orders(services, summary, say)
    _try_the_forbidden(services, readable, summary, say)
    _move_money(services, summary, say)
    say("[bold]Reconciling[/] SQL with the chain, field by field")
    summary.report = reconcile(services.database, services.node, contract=services.deployment.receivables, deep=True)
    return summary


def _read(folder: Path, summary: Summary, master: bytes, say: Say) -> list[_Readable]:
    say(f"[bold]Reading[/] invoices below {safe(folder)}")
    readable = []
    for path in invoice_files(folder):
        outcome = FileOutcome(str(path.relative_to(folder)))
        summary.files.append(outcome)
        try:
            invoice = parse_invoice(read_document(path))
            outcome.fingerprint = fingerprint(invoice, master)
            require_registrable(invoice)
        except Refusal as refusal:
            outcome.code, outcome.detail = refusal.code, refusal.detail
            say(f"  [yellow]{refusal.code}[/] {safe(outcome.file)}: {safe(refusal.detail)}")
            continue
        outcome.amount = invoice.payable
        readable.append(_Readable(path, invoice, outcome))
    say(f"  {len(readable)} of {len(summary.files)} files can become receivables")
    return readable


def _admit_parties(services: Services, readable: list[_Readable], summary: Summary, say: Say) -> None:
    say("[bold]Admitting[/] the parties as members (the operator)")
    wanted: dict[str, tuple[str, Role]] = {}
    for item in readable:
        for party, identity, role in _parties(item.invoice):
            name, roles = wanted.get(str(identity), (party.name, Role(0)))
            wanted[str(identity)] = (name, roles | role)
    for name, identity_text, role in (*TIERS, BANK):
        wanted[identity_text] = (name, role)
    signer = accounts.signer_of(services, OPERATOR)
    for identity_text, (name, roles) in wanted.items():
        with services.database.snapshot() as connection:
            known = party_queries.party_by_identity(connection, identity_text)
            member = member_queries.member(connection, known.address) if known is not None else None
        if member is not None and member.roles & roles == roles:
            continue
        _, handle = members.admit(
            services,
            signer=signer,
            member=known.address if known is not None else accounts.next_dev_address(services),
            name=known.name if known is not None else name,
            identity=identity_text,
            roles=roles | (member.roles if member is not None else Role(0)),
            kyc_expiry=now(services) + KYC_DAYS * DAY_SECONDS,
            handle=known.handle if known is not None else None,
        )
        summary.admitted.append(handle)
        say(f"  {handle}{' ' * max(1, 28 - cell_len(handle))}{safe(name)}")


def _parties(invoice: Invoice) -> Iterable[tuple[Party, PartyIdentity, Role]]:
    return (
        (invoice.seller, invoice.seller_identity, Role.SUPPLIER),
        (invoice.buyer, invoice.buyer_identity, Role.DEBTOR),
    )


def _register_all(services: Services, readable: list[_Readable], summary: Summary, say: Say) -> None:
    say("[bold]Registering[/] the invoices (their sellers)")
    today, near, soon, agreed = (
        claims.due_day(now(services) + days * DAY_SECONDS) for days in (0, NEAR_DAYS, SOON_DAYS, AGREED_DAYS)
    )
    soon_left = SOON
    for item in readable:
        outcome = item.outcome
        due = item.invoice.due_date
        if due is None or due <= near:
            outcome.due_agreed_because = (
                "the invoice names none" if due is None else f"{due} is {'past' if due <= today else 'near'}"
            )
            due = soon if soon_left else agreed
            soon_left = max(0, soon_left - 1)
        outcome.due = due
        try:
            signer = accounts.signer_of(services, _handle(services, item.invoice.seller_identity))
            if not _registered_earlier(services, item, account_address(signer), summary):
                outcome.receivable_id = _register(services, item.path, signer=signer, due=due)
                outcome.outcome = "registered"
        except FingerprintTaken as taken:
            outcome.outcome, outcome.code, outcome.detail = "duplicate", taken.code, taken.detail
            outcome.receivable_id = taken.receivable_id
        except Refusal as refusal:
            if refusal.status >= 500:
                raise
            outcome.code, outcome.detail = refusal.code, refusal.detail
        _say_outcome(outcome, say)


def _register(services: Services, path: Path, *, signer: LocalAccount, due: date) -> int:
    """Register a file, and keep that it was the demo who did: before it is sent, so that a kill cannot lose it."""
    document = hand_in(path)
    originator = account_address(signer)
    try:
        prepared = claims.prepare_document(services, document, originator=originator, due=due)
    except FingerprintTaken as taken:
        claims.record_attempt(services, taken, document, originator=originator)
        raise
    mark = _mark(services, prepared.claim.document_root)
    mark.parent.mkdir(parents=True, exist_ok=True)
    mark.touch()
    return claims.submit(services, prepared, signer=signer).entry.journal_id


def _mark(services: Services, document_root: bytes) -> Path:
    """The file that says that the demo made this root; its salts make it another one for each registration."""
    return services.home / "demo-registered" / document_root.hex()


def _registered_earlier(services: Services, item: _Readable, seller: Address, summary: Summary) -> bool:
    """Whether a demo before this one registered the very file; anything else under its fingerprint is a duplicate."""
    outcome = item.outcome
    assert outcome.fingerprint is not None  # readable files have one
    with services.database.snapshot() as connection:
        buyer = party_queries.party_by_identity(connection, str(item.invoice.buyer_identity))
        if buyer is None:
            return False
        receivable_id = services.view.receivable_of(
            fingerprint=outcome.fingerprint, debtor=buyer.address, originator=seller
        )
        row = receivable_queries.receivable(connection, receivable_id)
        kept = invoice_queries.invoice_by_root(connection, row.document_root) if row is not None else None
    registered_now = {other.receivable_id for other in summary.files if other.outcome == "registered"}
    if row is None or kept is None or receivable_id in registered_now:
        return False
    if not _mark(services, row.document_root).exists():
        return False
    if kept.file_sha256 != hashlib.sha256(read_document(item.path)).digest():
        return False
    outcome.outcome, outcome.receivable_id, outcome.due = "earlier", receivable_id, claims.due_day(row.due_at)
    if outcome.due == item.invoice.due_date:
        outcome.due_agreed_because = None  # its date was ahead then, and is past now
    return True


def _say_outcome(outcome: FileOutcome, say: Say) -> None:
    match outcome.outcome:
        case "registered" | "earlier":
            assert outcome.receivable_id is not None  # set together with the outcome
            when = f"due {outcome.due}"
            if outcome.due_agreed_because is not None:
                when += f" (agreed with the buyer: {outcome.due_agreed_because})"
            known = "" if outcome.outcome == "registered" else ", by an earlier run"
            name = format_receivable_id(outcome.receivable_id)
            say(f"  [green]{name:<6}[/] {safe(outcome.file)}: {outcome.amount}, {when}{known}")
        case _:
            say(f"  [yellow]{outcome.code}[/] {safe(outcome.file)}: {safe(outcome.detail or '')}")


def _say_others(services: Services, summary: Summary, say: Say) -> None:
    with services.database.snapshot() as connection:
        known = sum(health_queries.counts(connection).receivables_by_status.values())
    summary.left_alone = known - len(summary.own)
    if summary.left_alone:
        say(f"  left as they are, not the demo's: {summary.left_alone} other receivables of this home")


def _confirm_all(services: Services, summary: Summary, say: Say) -> None:
    """Confirm all but the newest, which is left for whoever tries the commands."""
    say("[bold]Confirming[/] (the buyers; irrevocable)")
    waiting = _own(services, summary, Status.REGISTERED)
    for row in waiting[:-2]:
        buyer = handle_of(services, row.debtor)
        claims.confirm(services, signer=accounts.signer_of(services, buyer), receivable_id=row.receivable_id)
        summary.confirmed.append(row.receivable_id)
        say(f"  [green]{format_receivable_id(row.receivable_id):<6}[/] {face(row)} confirmed by {buyer}")
    for row in waiting[-2:-1]:
        _agree_on_less(services, row, summary, say)
    if waiting:
        summary.pending = waiting[-1].receivable_id
        buyer = summary.pending_debtor = handle_of(services, waiting[-1].debtor)
        say(f"  {format_receivable_id(summary.pending):<6} is left waiting for you to answer as {buyer}")


def _agree_on_less(services: Services, row: ReceivableRow, summary: Summary, say: Say) -> None:
    """The buyer offers to confirm less, and the seller accepts."""
    buyer, seller = handle_of(services, row.debtor), handle_of(services, row.originator)
    name, currency = format_receivable_id(row.receivable_id), currency_to_show(row.currency)
    if row.offer is None:
        claims.counter_offer(
            services,
            signer=accounts.signer_of(services, buyer),
            receivable_id=row.receivable_id,
            amount=format_amount(row.face_minor - row.face_minor * SHORTFALL_PERCENT // 100, currency),
            due=None,
        )
    done = claims.accept_offer(services, signer=accounts.signer_of(services, seller), receivable_id=row.receivable_id)
    summary.confirmed.append(row.receivable_id)
    less = Money(done.entry.range[1], currency)
    say(f"  [green]{name:<6}[/] {less} of {face(row)} offered by {buyer}, accepted by {seller}")


def _hand_down(services: Services, summary: Summary, say: Say) -> None:
    """Supplier to tier 2, tier 2 to tier 3, tier 3 to the bank: on the first receivables that are still whole."""
    say("[bold]Splitting and endorsing[/] down three tiers (the holders)")
    tiers = [handle_by_identity(services, identity) for _, identity, _ in (*TIERS, BANK)]
    done = 0
    for row in _own(services, summary, Status.CONFIRMED):
        if done == CHAINS_MAX:
            break
        found = parts(services, row.receivable_id)
        bank_parts = [part for part in found if part.holder == address_of(services, tiers[-1])]
        if bank_parts:
            part = bank_parts[-1]
            summary.traced = summary.traced or part.id
            done += 1
            if done == CHAINS_MAX:
                _join_at_the_bank(services, row.receivable_id, tiers, summary, say)
            continue
        untouched = len(found) == 1 and found[0].holder == row.originator
        if not untouched or row.face_minor < MINOR_FOR_TIERS or _is_soon(row):
            continue
        last = _hand_down_one(services, row, tiers, summary, say)
        summary.traced = summary.traced or last
        done += 1
        if done == CHAINS_MAX:
            _join_at_the_bank(services, row.receivable_id, tiers, summary, say)


MINOR_FOR_TIERS = 100
"""Minor units that a receivable needs so that every tier gets a part."""


def _hand_down_one(
    services: Services, row: ReceivableRow, tiers: list[str], summary: Summary, say: Say
) -> CertificateId:
    certificate = CertificateId(row.receivable_id, 0, row.face_minor)
    holder = handle_of(services, row.originator)
    currency = currency_to_show(row.currency)
    for percent, receiver in zip(SHARE_DOWN, tiers, strict=False):
        note = delivery_note(services, certificate, holder, receiver)
        minor = (certificate.end - certificate.start) * percent // 100
        _, tail = certificates.split(
            services,
            signer=accounts.signer_of(services, holder),
            certificate=certificate,
            amount=format_amount(minor, currency),
            receiver=address_of(services, receiver),
            document=str(note),
        )
        _say_move(f"{holder} split {Money(minor, currency)} off {certificate} to {receiver}: {tail}", summary, say)
        certificate, holder = tail, receiver
    certificates.endorse(
        services,
        signer=accounts.signer_of(services, holder),
        certificate=certificate,
        receiver=address_of(services, tiers[-1]),
        document=None,
    )
    _say_move(f"{holder} endorsed {certificate} to {tiers[-1]}", summary, say)
    return certificate


def _join_at_the_bank(services: Services, receivable_id: int, tiers: list[str], summary: Summary, say: Say) -> None:
    """What the first tier kept of the last chain goes to the bank too, which joins its two certificates."""
    first, bank = address_of(services, tiers[0]), address_of(services, tiers[-1])
    for left, right in pairwise(parts(services, receivable_id)):
        if right.holder != bank or left.holder not in (first, bank):
            continue
        if left.holder == first:
            signer = accounts.signer_of(services, tiers[0])
            certificates.endorse(services, signer=signer, certificate=left.id, receiver=bank, document=None)
            _say_move(f"{tiers[0]} endorsed {left.id} to {tiers[-1]}", summary, say)
        signer = accounts.signer_of(services, tiers[-1])
        _, whole = certificates.merge(services, signer=signer, certificates=(left.id, right.id))
        _say_move(f"{tiers[-1]} merged {left.id} and {right.id} into {whole}", summary, say)


def _say_move(move: str, summary: Summary, say: Say) -> None:
    summary.moves.append(move)
    say(f"  {move}")


def _carry_out_orders(services: Services, summary: Summary, say: Say) -> None:
    """Of two orders one is lifted again, the other one stands, on exact cents of the same certificate."""
    say("[bold]Freezing[/] by orders of a court (two officers of the regulator)")
    bank = handle_by_identity(services, BANK[1])
    every_part = [part for receivable_id in sorted(summary.own) for part in parts(services, receivable_id)]
    held = [part for part in every_part if part.holder == address_of(services, bank)]
    frozen = [part for part in held if part.amount_minor >= MINOR_FOR_TIERS][1:2]
    for part in frozen:
        cents = CertificateId(part.receivable_id, part.end_minor - part.amount_minor // 10, part.end_minor)
        expiry = now(services) + ORDER_DAYS * DAY_SECONDS
        for reference, lifted in ((LIFTED, True), (STANDING, False)):
            target = part.id if lifted else cents
            earlier = _ordered_earlier(services, reference)
            if CertificateFrozen not in earlier:
                freezing = orders.freeze_certificate(services, target, reference, expiry=expiry)
                _order(services, reference, freezing, summary)
                say(f"  {target} is frozen for {reference.authority}, {reference.number}")
            if lifted and CertificateUnfrozen not in earlier:
                _order(services, reference, orders.unfreeze_certificate(target, reference), summary)
                say(f"  {target} is free again")


def _ordered_earlier(services: Services, reference: orders.Reference) -> set[type[Entry]]:
    """What was done under an order."""
    with services.database.snapshot() as connection:
        return {type(row.decode()) for row in entry_queries.entries_of_order(connection, reference.hash)}


def _order(services: Services, reference: orders.Reference, ordered: list[Order], summary: Summary) -> None:
    one, two = (accounts.signer_of(services, officer) for officer in OFFICERS)
    document = orders.sign_order(
        services, signer=one, reference=reference, ordered=ordered, deadline=now(services) + DAY_SECONDS
    )
    orders.carry_out_order(services, signer=two, document=document)
    summary.orders.append(f"{reference.authority}, {reference.number}")


def _try_the_forbidden(services: Services, readable: list[_Readable], summary: Summary, say: Say) -> None:
    say("[bold]Trying the forbidden[/]")
    first = next((item for item in readable if item.outcome.outcome in ("registered", "earlier")), None)
    if first is not None:
        seller = _handle(services, first.invoice.seller_identity)
        signer = accounts.signer_of(services, seller)
        _expect_refusal(
            f"{seller} registers {first.outcome.file} a second time",
            lambda: claims.register(services, first.path, signer=signer, due=first.outcome.due),
            summary,
            say,
        )
    _try_what_is_frozen(services, summary, say)
    if summary.traced is not None:
        target = summary.traced
        stranger = address_of(services, STRANGER)
        data = Calls.split(
            receivable_id=target.receivable_id,
            start=target.start,
            end=target.end,
            cut=target.end - 1,
            receiver=stranger,
            document=bytes(32),
        )
        _expect_refusal(
            f"a stranger splits a cent off {target}",
            lambda: preview(
                services.node,
                receivables_abi(),
                sender=stranger,
                to=services.deployment.receivables,
                data=data,
            ),
            summary,
            say,
        )


def _try_what_is_frozen(services: Services, summary: Summary, say: Say) -> None:
    with services.database.snapshot() as connection:
        freezes = order_queries.freezes(connection, order_hash=STANDING.hash, in_force_at=(True, now(services))).rows
    certificate = freezes[0].certificate_id if freezes else None
    if certificate is None:
        return
    bank, receiver = (handle_by_identity(services, identity) for _, identity, _ in (BANK, TIERS[0]))
    _expect_refusal(
        f"{bank} endorses {certificate}, which an order freezes",
        lambda: certificates.endorse(
            services,
            signer=accounts.signer_of(services, bank),
            certificate=certificate,
            receiver=address_of(services, receiver),
            document=str(delivery_note(services, certificate, bank, receiver)),
        ),
        summary,
        say,
    )


def _expect_refusal(attempt: str, act: Callable[[], object], summary: Summary, say: Say) -> None:
    try:
        act()
    except Refusal as refusal:
        if refusal.status >= 500:
            raise
        summary.forbidden.append(Forbidden(attempt, refusal.code, refusal.detail))
        say(f"  {safe(attempt)}: [red]{refusal.code}[/] ({safe(refusal.detail)})")
    else:
        raise AssertionError(f"the registry accepted what it must refuse: {attempt}")


def _own(services: Services, summary: Summary, status: Status) -> list[ReceivableRow]:
    rows = [receivable_of(services, receivable_id) for receivable_id in sorted(summary.own)]
    return [row for row in rows if row.status == status]


def _is_soon(row: ReceivableRow) -> bool:
    """Whether its due date was agreed so that its payment can be shown."""
    return row.due_at - row.registered_at <= SOON_DAYS * DAY_SECONDS


def _move_money(services: Services, summary: Summary, say: Say) -> None:
    rows = [receivable_of(services, receivable_id) for receivable_id in sorted(summary.own)]
    confirmed = [row for row in rows if row.status in (Status.CONFIRMED, Status.SETTLED, Status.CLOSED)]
    bank, *tiers = (handle_by_identity(services, identity) for _, identity, _ in (BANK, *TIERS))
    originators = [handle_of(services, row.originator) for row in rows]
    debtors = [handle_of(services, row.debtor) for row in rows]
    everybody = list(dict.fromkeys([bank, *tiers, *originators, *debtors]))
    summary.money = demo_money.run(
        services,
        bank=bank,
        receivers=list(dict.fromkeys([*tiers, bank, *originators])),
        handles=everybody,
        soon=[row.receivable_id for row in confirmed if _is_soon(row)],
        others=[row.receivable_id for row in confirmed if not _is_soon(row)],
        say=say,
    )


def _handle(services: Services, identity: PartyIdentity) -> str:
    return handle_by_identity(services, str(identity))
