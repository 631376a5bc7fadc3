"""Financing against cash: a financier signs a quote, the holder accepts it at the desk.

A quote is sealed: it is kept here, and only its financier and the holder that it names are shown it (DOMAIN rule 14).
The chain can judge it only with the holder's approval and both signatures, so it is rehearsed beforehand with
registry.domain.rules: before it is signed, and before the holder approves the desk.
"""

from __future__ import annotations

import re
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from pathlib import Path

from eth_account.signers.local import LocalAccount

from registry.chain import quotes as desk_chain
from registry.chain.deposits import DepositView
from registry.chain.eip712 import Eip712Domain
from registry.chain.operations import Approve
from registry.chain.quotes import (
    DeskView,
    Quote,
    QuoteKind,
    SignedAcceptance,
    SignedQuote,
    cancel_nonces,
    desk_abi,
    desk_domain,
    digest,
)
from registry.chain.reverts import (
    InsufficientAllowance,
    InsufficientDeposit,
    NotQuoteHolder,
    QuoteExpired,
    QuoteUsed,
    WrongToken,
)
from registry.chain.submit import account_address
from registry.commands import rehearsing
from registry.commands.accounts import rehearsed_as_first
from registry.commands.certificates import approve, currency_of, named, receivable_of, require_present, typed_amount
from registry.commands.deposits import desk_of, token_of
from registry.commands.sending import (
    Contract,
    Done,
    Hand,
    Pen,
    Signed,
    actor,
    check,
    free_nonce,
    known_by_name,
    lasting_anchor_of,
    nonce_is_used,
    now,
    send_call,
    signed,
)
from registry.commands.services import Services
from registry.commands.signing import NotTheSigner, SignedForAnother, read_kind
from registry.domain import calendar
from registry.domain.identifiers import Address, CertificateId, format_address, token_id
from registry.domain.money import Currency, Money, Sum
from registry.domain.pricing import Cost
from registry.domain.receivable import Phase
from registry.domain.refusals import Refusal
from registry.domain.rules import CutOutOfRange, Deal, SignatureInvalid, decide_pledge_against, decide_sell
from registry.store import records
from registry.store.database import Connection
from registry.store.nonces import NONCES_PER_WORD
from registry.store.queries import quotes as quote_queries
from registry.store.queries.certificates import CertificateRow
from registry.store.queries.health import CursorRow
from registry.store.queries.quotes import QuoteRow, QuoteState

NUMBER_DIGITS_MAX = 18
_NAME = re.compile(rf"[0-9]{{1,{NUMBER_DIGITS_MAX}}}|0x[0-9a-fA-F]{{64}}", re.ASCII)


_SOME_QUOTE = b"\xff" * 32
"""In a rehearsal: that there is a quote counts, not which."""


class UnknownQuote(Refusal):
    """No such quote, or none that this party is shown."""

    code = "unknown_quote"
    status = 404
    title = "There is no such quote for this party"
    default_hint = "`counterfoil quote list --as PARTY` shows those that it made or may accept"


@dataclass(frozen=True, slots=True)
class Offered:
    """A quote that was signed and is kept; what it costs if it is accepted now; whether the desk may take its price of
    the financier's deposit."""

    signed: SignedQuote
    row: QuoteRow
    cost: Cost
    is_funded: bool


@dataclass(frozen=True, slots=True)
class Accepted:
    """A quote that was carried out: its entry is a Sold or a Pledged.

    `approved` is the holder's approval of the desk where that was needed first.
    """

    done: Done
    approved: Done | None


# -------------------------------------------------------------------- offering


def offer(
    services: Services,
    *,
    signer: LocalAccount,
    certificate: CertificateId,
    price: str,
    expiry: int,
    part: str | None = None,
    recourse: str | None = None,
    secured: str | None = None,
) -> Offered:
    """Sign a quote for the present holder of a certificate, good until `expiry` (seconds), and keep it.

    Amounts as typed. A sale of the whole, or of `part` at its tail, with `recourse` to the seller or without; with
    `secured` a pledge of the whole for that amount. Raises UnknownCertificate, what typed_amount raises,
    NoDepositToken, QuoteExpired, and what the registry would refuse of it.
    """
    require_present(services, certificate)
    currency = currency_of(services, certificate.receivable_id)
    key = (certificate.receivable_id, certificate.start)
    anchor, claim_key = lasting_anchor_of(services, certificate.receivable_id)
    cut = certificate.start if part is None else certificate.end - typed_amount(part, currency).minor
    _require_part(certificate, cut, currency)
    amount = secured if secured is not None else recourse or "0"
    quote = Quote(
        financier=account_address(signer),
        holder=services.view.certificates([key])[key].holder,
        **named(certificate),
        cut=cut,
        kind=QuoteKind.SALE if secured is None else QuoteKind.PLEDGE,
        token=token_of(services, currency).address,
        price=typed_amount(price, currency).minor,
        amount=typed_amount(amount, currency).minor,
        anchor=anchor,
        nonce=0,
        expiry=expiry,
    )
    _require_open(services, expiry)
    _rehearse(services, quote, claim_key)
    quote = replace(quote, nonce=_free_nonce(services, quote.financier))
    offered = desk_chain.sign(quote, signer, domain(services), claim_key=claim_key)
    row, due_at = _kept(services, offered), receivable_of(services, quote.receivable_id).due_at
    cost = row.cost(currency, due_at=due_at, now=now(services))
    return Offered(offered, row, cost, _shortfall(services, quote) is None)


def keep(services: Services, offered: SignedQuote) -> QuoteRow:
    """Keep a quote that its financier signed elsewhere; one that is kept already is found again.

    Raises SignedForAnother, QuoteExpired, QuoteUsed, SignatureInvalid, WrongToken, and what the registry would refuse
    of it: whoever is no financier here fills no shelves.
    """
    desk_for(services, offered)
    with services.database.snapshot() as connection:
        row = quote_queries.quote_unopened(connection, digest(offered.quote, offered.domain))
    if row is not None:
        return row
    _require_open(services, offered.quote.expiry)
    _require_unused(services, offered)
    _require_signed(services, offered)
    _rehearse(services, offered.quote, offered.claim_key)
    return _kept(services, offered)


# --------------------------------------------------------------------- finding


def state(
    services: Services,
    row: QuoteRow,
    *,
    certificate: CertificateRow | None,
    desk: Address,
    cursor: CursorRow,
) -> QuoteState:
    """Where a quote stands at the mirrored block, at which the desk is asked whether its nonce is used up.

    `certificate` is what starts where the quoted one does, `desk` the registry's. Void: no acceptance of it can come to
    anything any more, as the certificate was cut, joined, handed on or paid on, is due, or the desk is another.
    """
    # That it was given up is known here from when that was sent; a reorg takes back what was sent, not what is known.
    found = replace(row, withdrawn_at=None).state(now=cursor.block_at)
    if found is QuoteState.ACCEPTED:
        return found
    word, bit = divmod(row.nonce, NONCES_PER_WORD)
    used = DeskView(services.node, row.desk).nonces_used(row.financier, word, block=cursor.block_hash)
    if used >> bit & 1:
        return QuoteState.WITHDRAWN
    if found is not QuoteState.OFFERED:
        return found
    if certificate is None or (certificate.id, certificate.holder) != (row.certificate_id, row.holder):
        return QuoteState.VOID
    is_movable = certificate.phase(now=cursor.block_at) is Phase.LIVE and not certificate.paid_minor
    return QuoteState.OFFERED if is_movable and row.desk == desk else QuoteState.VOID


def find(services: Services, name: str, *, party: Address) -> SignedQuote:
    """The quote of a number or a digest, as kept has it, or in a file that its financier sent.

    Raises UnknownQuote, DocumentUnreadable, SignedOperationMalformed, DocumentOfAnotherKind, QuoteMalformed.
    """
    if not _NAME.fullmatch(name):
        return SignedQuote.from_json(read_kind(Path(name), "quote"))
    with services.database.snapshot() as connection:
        row = kept(connection, name, party=party)
    return of_row(services, row)


def kept(connection: Connection, name: str, *, party: Address) -> QuoteRow:
    """The quote of a number, or of a digest as 0x…, as its financier or its holder sees it. Raises UnknownQuote."""
    row = None
    if not _NAME.fullmatch(name):
        pass  # nothing is called so
    elif name.isdecimal():
        found = quote_queries.quotes(connection, party=party, after=int(name) + 1, limit=1).rows
        row = next((row for row in found if row.quote_id == int(name)), None)
    else:
        row = quote_queries.quote(connection, bytes.fromhex(name.removeprefix("0x")), party=party)
    if row is None:
        raise UnknownQuote(f"{name} is no quote that {format_address(party)} is shown")
    return row


def of_row(services: Services, row: QuoteRow) -> SignedQuote:
    """A quote that is kept here, as its financier signed it."""
    quote = Quote(
        financier=row.financier,
        holder=row.holder,
        receivable_id=row.receivable_id,
        start=row.start_minor,
        end=row.end_minor,
        cut=row.cut_minor,
        kind=QuoteKind(row.kind),
        token=row.token,
        price=row.price_minor,
        amount=row.amount_minor,
        anchor=row.anchor,
        nonce=row.nonce,
        expiry=row.expiry_at,
    )
    _, claim_key = lasting_anchor_of(services, row.receivable_id)
    return SignedQuote(quote, row.signature, desk_domain(chain_id=services.node.chain_id, desk=row.desk), claim_key)


# ------------------------------------------------------------------- accepting


def accept(services: Services, *, signer: Hand, offered: SignedQuote) -> Accepted:
    """Take a quote, as the holder that it names; the desk is approved for the certificate first where it is not yet.

    A pen signs the acceptance, and the approval with it, for anyone to submit. Raises Signed where the hand is a pen,
    SignedForAnother, QuoteExpired, QuoteUsed, NotQuoteHolder, SignatureInvalid, WrongToken, InsufficientDeposit,
    InsufficientAllowance, and what the registry refuses of the sale or the pledge.
    """
    quote, desk = offered.quote, desk_for(services, offered)
    _require_acceptable(services, offered, holder=actor(signer))
    certificate = CertificateId(quote.receivable_id, quote.start, quote.end)
    is_approved = _is_approved(services, quote, desk.address)
    if isinstance(signer, Pen):
        approval = None if is_approved else signed(services, signer, Approve(**named(certificate), to=desk.address))
        nonce = _free_nonce(services, quote.holder)
        taken = desk_chain.accept(offered, signer.account, deadline=signer.deadline, approval=approval, nonce=nonce)
        check(services, quote.holder, taken.call(), to=desk)
        raise Signed(taken)
    with rehearsed_as_first(1 if is_approved else 2):
        approved = None
        if not is_approved:
            approved = approve(services, signer=signer, certificate=certificate, operator=desk.address)
        return Accepted(send_call(services, signer, offered.call(), to=desk), approved)


def submit(services: Services, *, signer: LocalAccount, accepted: SignedAcceptance) -> Done:
    """Submit an acceptance that the holder signed; the submitter pays and has no other part in it.

    Raises SignedForAnother and what desk, registry and deposit token refuse.
    """
    return send_call(services, signer, accepted.call(), to=desk_for(services, accepted.quote))


def read_accepted(path: Path) -> SignedAcceptance:
    """An acceptance of a stranger's.

    Raises DocumentUnreadable, SignedOperationMalformed, DocumentOfAnotherKind, QuoteMalformed.
    """
    return SignedAcceptance.from_json(read_kind(path, "acceptance"))


def cancel(services: Services, *, signer: LocalAccount, offered: SignedQuote) -> Done:
    """Give a quote up at the desk, so that nobody can accept it any more, and say so where it is kept.

    Raises SignedForAnother, NotTheSigner, QuoteUsed.
    """
    quote, desk = offered.quote, desk_for(services, offered)
    if quote.financier != account_address(signer):
        raise NotTheSigner(f"{format_address(quote.financier)} signed it")
    _require_unused(services, offered)
    word, bit = divmod(quote.nonce, NONCES_PER_WORD)
    done = send_call(services, signer, cancel_nonces(word=word, mask=1 << bit), to=desk)
    with services.database.write() as connection:
        records.withdraw_quote(connection, digest=digest(quote, offered.domain), financier=quote.financier)
    return done


def desk_for(services: Services, offered: SignedQuote) -> Contract:
    """The desk that a quote is for: the one that the registry takes financing from now. Raises SignedForAnother."""
    if offered.domain != domain(services):
        given = offered.domain
        raise SignedForAnother(f"it is for the desk {format_address(given.contract)} on chain {given.chain_id}")
    return Contract(offered.domain.contract, desk_abi())


def domain(services: Services) -> Eip712Domain:
    """What quotes and acceptances are bound to here: the desk of now."""
    return desk_domain(chain_id=services.node.chain_id, desk=desk_of(services))


# -------------------------------------------------------------------- internal


def _require_part(certificate: CertificateId, cut: int, currency: Currency) -> None:
    if not certificate.start <= cut < certificate.end:
        part, whole = (Sum(certificate.end - begin, currency) for begin in (cut, certificate.start))
        raise CutOutOfRange(
            f"a part of {part} cannot be cut off the certificate's {whole}", hint="Leave the part out to buy all of it"
        )


def _require_acceptable(services: Services, offered: SignedQuote, *, holder: Address) -> None:
    """What the desk would refuse, in its order. Raises as accept."""
    quote = offered.quote
    _require_open(services, quote.expiry)
    _require_unused(services, offered)
    if holder != quote.holder:
        raise NotQuoteHolder(f"the quote is for {format_address(quote.holder)}")
    _require_signed(services, offered)
    shortfall = _shortfall(services, quote)
    if shortfall is not None:
        with known_by_name(services):
            raise shortfall
    _rehearse(services, quote, offered.claim_key)


def _require_open(services: Services, expiry: int) -> None:
    if services.node.pending_at() > expiry:
        raise QuoteExpired(f"it could be accepted until {calendar.instant(expiry)}")


def _require_unused(services: Services, offered: SignedQuote) -> None:
    if _is_used(services, offered.quote.financier, offered.quote.nonce):
        raise QuoteUsed()


def _require_signed(services: Services, offered: SignedQuote) -> None:
    quote = offered.quote
    if not offered.is_financiers(services.node):
        raise SignatureInvalid(f"{format_address(quote.financier)} did not sign that quote")
    if token_of(services, currency_of(services, quote.receivable_id)).address != quote.token:
        raise WrongToken(f"it pays in {format_address(quote.token)}")


def _shortfall(services: Services, quote: Quote) -> Refusal | None:
    """What the deposit token would refuse of the price, None where the financier is good for it."""
    token, financier = DepositView(services.node, quote.token), format_address(quote.financier)
    price = Money(quote.price, currency_of(services, quote.receivable_id))
    if token.balance(quote.financier) < quote.price:
        return InsufficientDeposit(f"the deposit of {financier} is less than {price}")
    if token.allowance(owner=quote.financier, spender=desk_of(services)) < quote.price:
        return InsufficientAllowance(
            f"{financier} has not let the desk take {price}",
            hint=f"The financier must let it: `counterfoil deposit allow {price} --spender desk`",
        )
    return None


def _rehearse(services: Services, quote: Quote, claim_key: bytes) -> None:
    """What the registry would refuse of the sale or the pledge, were the desk approved."""
    desk = desk_of(services)
    certificate = CertificateId(quote.receivable_id, quote.start, quote.end)
    found = rehearsing.world(services, receivables=[quote.receivable_id], members={quote.holder, quote.financier})
    world = replace(found, approvals={token_id(quote.receivable_id, quote.start): desk})
    deal = Deal(
        certificate_id=certificate,
        cut=quote.cut,
        holder=quote.holder,
        financier=quote.financier,
        price=quote.price,
        amount=quote.amount,
        quote=_SOME_QUOTE,
        anchor=quote.anchor,
        claim_key=claim_key,
    )
    decide = decide_sell if quote.kind is QuoteKind.SALE else decide_pledge_against
    with known_by_name(services, currency=currency_of(services, quote.receivable_id)):
        decide(world, actor=desk, deal=deal, now=services.node.pending_at())


def _is_approved(services: Services, quote: Quote, desk: Address) -> bool:
    if services.view.is_operator(holder=quote.holder, operator=desk):
        return True
    return services.view.approved(quote.receivable_id, quote.start) == desk


def _free_nonce(services: Services, signer: Address) -> int:
    """A nonce that the signer has not used at the desk."""
    return free_nonce(services, signer, is_used=lambda nonce: _is_used(services, signer, nonce))


def _is_used(services: Services, signer: Address, nonce: int) -> bool:
    return nonce_is_used(DeskView(services.node, desk_of(services)), signer, nonce)


def _kept(services: Services, offered: SignedQuote) -> QuoteRow:
    quote, named_by = offered.quote, digest(offered.quote, offered.domain)
    with services.database.write() as connection:
        records.save_quote(
            connection,
            digest=named_by,
            desk=offered.domain.contract,
            financier=quote.financier,
            holder=quote.holder,
            receivable_id=quote.receivable_id,
            start_minor=quote.start,
            end_minor=quote.end,
            cut_minor=quote.cut,
            kind=int(quote.kind),
            token=quote.token,
            price_minor=quote.price,
            amount_minor=quote.amount,
            anchor=quote.anchor,
            nonce=quote.nonce,
            expiry_at=quote.expiry,
            signature=offered.signature,
            # By the chain's clock, as its expiry and acceptance are.
            offered_at=datetime.fromtimestamp(now(services), UTC),
        )
        row = quote_queries.quote(connection, named_by, party=quote.financier)
    assert row is not None  # it was written just now
    return row
