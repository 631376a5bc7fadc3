"""The refusals that the contract gives: one class per custom error, named like it.

They have no docstrings: the title is the sentence, the hint says what to do.
"""

from __future__ import annotations

from registry.domain.refusals import Refusal


class ChainRefusal(Refusal):
    """A refusal that the contract itself gives, by a custom error of the same name."""

    code = "contract_refused"
    title = "The contract refused the operation"


class NotAuthorised(ChainRefusal):
    """The account lacks the role that the operation needs. Raised by the AccessManager."""

    code = "not_authorised"
    status = 403
    title = "This account may not do that"
    default_hint = (
        "Members, pauses, parameters and the sunset are the operator's: use --as operator; "
        "closing a book, lifting a mark of dishonour and booking deposits are the settlement bank's: "
        "use --as settlement-bank"
    )


class UnknownReceivable(ChainRefusal):
    code = "unknown_receivable"
    status = 404
    title = "There is no such receivable"
    default_hint = "`counterfoil list` names them"


class UnknownCertificate(ChainRefusal):
    code = "unknown_certificate"
    status = 404
    title = "There is no such certificate"
    default_hint = "`counterfoil show R-n` lists the certificates of a receivable as they are now"


class UnknownMember(ChainRefusal):
    code = "unknown_member"
    status = 404
    title = "There is no such member"
    default_hint = "`counterfoil member list` names the members; who is suspended is none until admitted again"


class MemberNotEligible(ChainRefusal):
    code = "member_not_eligible"
    title = "The account is not an admitted member in good standing"
    default_hint = "It was never admitted, is suspended, or its KYC has expired: see `counterfoil member list`"


class MemberMalformed(ChainRefusal):
    code = "member_malformed"
    title = "A member needs an address, at least one role and a KYC expiry in the future"


class ReasonMissing(ChainRefusal):
    code = "reason_missing"
    title = "A reason code is needed"


class FaceMissing(ChainRefusal):
    code = "face_missing"
    title = "The face amount must be more than zero"


class DueDateMalformed(ChainRefusal):
    code = "due_date_malformed"
    title = "A due date is the midnight UTC that begins the due day"
    default_hint = "Name a day, no later than 2149-06-06"


class DueDatePassed(ChainRefusal):
    code = "due_date_passed"
    title = "The due date has come"
    default_hint = (
        "A claim is registered and confirmed, and a certificate moves, only before its due date; "
        "a later date agreed with the debtor is named at registration (--due) or in a counter-offer"
    )


class CurrencyMalformed(ChainRefusal):
    code = "currency_malformed"
    title = "A currency is an ISO 4217 number from 1 to 999"


class FingerprintMissing(ChainRefusal):
    code = "fingerprint_missing"
    title = "The fingerprint is empty"


class DocumentRootMissing(ChainRefusal):
    code = "document_root_missing"
    title = "The document root is empty"


class DebtorIsOriginator(ChainRefusal):
    code = "debtor_is_originator"
    title = "Nobody can be its own debtor"


class FingerprintTaken(ChainRefusal):
    code = "duplicate"
    status = 409
    title = "This invoice is already a receivable"
    default_hint = "One claim, one receivable: look at the one that exists"
    receivable_id: int = 0
    """The receivable that has the fingerprint, where it is known."""


class TakenInPredecessor(ChainRefusal):
    code = "taken_in_predecessor"
    status = 409
    title = "This invoice is already a receivable in the registry that this one succeeds"
    default_hint = "One claim, one receivable: it runs off where it was registered"


class TenorExceeded(ChainRefusal):
    code = "tenor_exceeded"
    title = "The due date is later than the tenor limit allows"
    default_hint = "Name an earlier due date"


class TooManyUnanswered(ChainRefusal):
    code = "too_many_unanswered"
    status = 409
    title = "The debtor has too many unanswered claims of this creditor"
    default_hint = "Wait for answers, or withdraw claims that will not be answered"


class NotDebtor(ChainRefusal):
    code = "not_debtor"
    status = 403
    title = "Only the debtor confirms, refuses or makes a counter-offer"
    default_hint = "`counterfoil show R-n` names the debtor"


class NotOriginator(ChainRefusal):
    code = "not_originator"
    status = 403
    title = "Only the originator withdraws a claim or accepts a counter-offer"
    default_hint = "`counterfoil show R-n` names the originator"


class NotHolder(ChainRefusal):
    code = "not_holder"
    status = 403
    title = "Only the holder, or whom it approved, moves a certificate"
    default_hint = "`counterfoil show R-n` names the holders"


class RangeChanged(ChainRefusal):
    code = "range_changed"
    status = 409
    title = "The certificate has another range now"
    default_hint = (
        "Somebody with authority over it cut it first: `counterfoil show R-n` lists the certificates as they are"
    )


class StatusForbids(ChainRefusal):
    code = "status_forbids"
    status = 409
    title = "The receivable's status does not allow that"
    default_hint = (
        "Only a registered receivable is answered; only a confirmed one moves, is pledged and paid, "
        "until it is paid in full or closed"
    )


class AnchorMismatch(ChainRefusal):
    code = "anchor_mismatch"
    status = 409
    title = "The journal has gone on, or never held these terms"
    default_hint = "Read the receivable again: what you name must be exactly what its journal head commits to"


class OfferMalformed(ChainRefusal):
    code = "offer_malformed"
    title = "A counter-offer names a lower amount, another due date, or both"
    default_hint = "To accept the claim as it is, confirm it; more than the claim cannot be offered"


class AnswerWindowOpen(ChainRefusal):
    code = "answer_window_open"
    status = 409
    title = "The debtor may still answer"
    default_hint = "A claim lapses only after its answer window; until then its originator may withdraw it"


class AnswerWindowOver(ChainRefusal):
    code = "answer_window_over"
    status = 409
    title = "The answer window is over: no further offers"
    default_hint = "The claim can still be confirmed or refused as it is, as long as nobody lets it lapse"


class TooManyOffers(ChainRefusal):
    code = "too_many_offers"
    status = 409
    title = "That many counter-offers were made to this claim already"
    default_hint = "Confirm it, refuse it, or agree on a new claim"


class CutOutOfRange(ChainRefusal):
    code = "cut_out_of_range"
    title = "The cut must lie inside the certificate"
    default_hint = "Both parts need at least one minor unit; to hand over all of it, endorse"


class BelowMinimumPart(ChainRefusal):
    code = "below_minimum_part"
    title = "A part would be smaller than the smallest part allowed"
    default_hint = "Both parts need the minimum: cut elsewhere, or endorse the whole certificate"


class BatchEmpty(ChainRefusal):
    code = "batch_empty"
    title = "The batch names nothing to do"
    default_hint = "Name at least one part or one certificate"


class SameHolder(ChainRefusal):
    code = "same_holder"
    title = "The receiver already holds this certificate"


class TradeDocumentMissing(ChainRefusal):
    code = "trade_document_missing"
    title = "Handing a certificate to anyone but a financier needs the hash of the trade document behind it"
    default_hint = "Name the invoice or contract with --document FILE"


class FrozenByOrder(ChainRefusal):
    code = "frozen_by_order"
    status = 409
    title = "An order of an authority freezes this certificate, its receivable or its holder"
    default_hint = "`counterfoil show R-n` names the orders in force and when they expire"


class OrderMissing(ChainRefusal):
    code = "order_missing"
    title = "The reference of an order is needed"
    default_hint = "It is the hash of the authority's name and the number of its order"


class OrderExpired(ChainRefusal):
    code = "order_expired"
    title = "The order has expired already"
    default_hint = "Name the instant until which the order holds; it must lie in the future"


class OrderStands(ChainRefusal):
    code = "order_stands"
    status = 409
    title = "This order freezes it already"
    default_hint = "A later expiry prolongs it without a gap; lift it only to shorten it"


class OrderNotInForce(ChainRefusal):
    code = "order_not_in_force"
    status = 409
    title = "No such order is in force here"
    default_hint = "`counterfoil show R-n` names the orders in force"


class TooManyOrders(ChainRefusal):
    code = "too_many_orders"
    status = 409
    title = "No more orders fit on it"
    default_hint = "At most 16 stand on one certificate, receivable or member: lift one that is no longer needed"


class ForcedTransferTooEarly(ChainRefusal):
    code = "forced_transfer_too_early"
    status = 409
    title = "The order has not frozen it for long enough"
    default_hint = "A forced transfer waits for its delay, so that whoever is concerned can object"


class NotOfficer(ChainRefusal):
    code = "not_officer"
    status = 403
    title = "The account is not an officer of the regulator"
    default_hint = "Orders are given by two officers whom the regulator named"


class SameOfficer(ChainRefusal):
    code = "same_officer"
    status = 403
    title = "An order takes two officers"
    default_hint = "Let another officer sign"


class RegistryPaused(ChainRefusal):
    code = "registry_paused"
    status = 409
    title = "The registry is paused"
    default_hint = "Nothing is registered, answered or moved until the operator ends the pause"


class RegistryNotPaused(ChainRefusal):
    code = "registry_not_paused"
    status = 409
    title = "The registry is not paused"


class RegistryInSunset(ChainRefusal):
    code = "registry_in_sunset"
    status = 409
    title = "The registry takes no new receivables"
    default_hint = "What lives here runs off; new claims are registered with its successor"


class ParameterMalformed(ChainRefusal):
    code = "parameter_malformed"
    title = "A parameter, its value or its day is out of range"
    default_hint = "Parameters 1 to 4 and 6 change from a later midnight UTC on, to a value above zero"


class RulesForbid(ChainRefusal):
    code = "rules_forbid"
    title = "The extra rules of this registry forbid it"
    default_hint = "The operator set them and can say what they ask for"


class SignatureExpired(ChainRefusal):
    code = "signature_expired"
    status = 409
    title = "The signature no longer counts"
    default_hint = "Sign again with a later deadline"


class SignatureInvalid(ChainRefusal):
    code = "signature_invalid"
    title = "The signature is not the signer's for this operation"
    default_hint = "Sign exactly what is submitted, for this chain and this contract"


class NonceUsed(ChainRefusal):
    code = "nonce_used"
    status = 409
    title = "The nonce was used or given up"
    default_hint = "It was submitted or given up already; for another operation sign again, with another nonce"


class PredecessorLives(ChainRefusal):
    code = "predecessor_lives"
    status = 409
    title = "The registry to be succeeded still takes receivables"
    default_hint = "Let its operator end it first (sunset)"


class ExtensionMismatch(ChainRefusal):
    code = "extension_mismatch"
    title = "The two halves of the contract do not belong together"
    default_hint = "Deploy both from the same build"


class AmountMissing(ChainRefusal):
    code = "amount_missing"
    title = "The amount must be more than zero"


class Overpayment(ChainRefusal):
    code = "overpayment"
    status = 409
    title = "That is more than can be paid now"
    default_hint = "What is paid, credited or in dispute is not payable: `counterfoil show R-n` names the amounts"


class PaymentNotWhole(ChainRefusal):
    code = "payment_not_whole"
    title = "Only the whole of what is payable can be paid"
    default_hint = "Only the debtor pays in parts, and only from the due date on"


class PaymentMade(ChainRefusal):
    code = "payment_made"
    status = 409
    title = "Part of the receivable is paid"
    default_hint = "Once something is paid, nothing moves, is pledged, credited or disputed any more"


class NoDepositToken(ChainRefusal):
    code = "no_deposit_token"
    status = 409
    title = "The currency has no deposit token here"
    default_hint = "The operator names it, once for each currency"


class DepositTokenStands(ChainRefusal):
    code = "deposit_token_stands"
    status = 409
    title = "The currency has its deposit token"
    default_hint = "It is named once, for good: deposits lie in it"


class NotFinancier(ChainRefusal):
    code = "not_financier"
    status = 403
    title = "That account is not the financier"
    default_hint = "A certificate is pledged or sold to a financier, and only the one with the lien gives it up"


class PledgedTo(ChainRefusal):
    code = "pledged_to"
    status = 409
    title = "The certificate is pledged"
    default_hint = "It moves once the financier releases it; `counterfoil show R-n` names the financier"


class NotPledged(ChainRefusal):
    code = "not_pledged"
    status = 409
    title = "The certificate is not pledged"


class SecuredOutOfRange(ChainRefusal):
    code = "secured_out_of_range"
    title = "The secured amount must be at least one minor unit and at most the certificate's"


class RecourseOutOfRange(ChainRefusal):
    code = "recourse_out_of_range"
    title = "Recourse goes no further than what is sold"


class PriceOutOfRange(ChainRefusal):
    code = "price_out_of_range"
    title = "The price must be at least one minor unit and at most what it is paid for"


class NotDesk(ChainRefusal):
    code = "not_desk"
    status = 403
    title = "Only the financing desk sells and pledges against cash"
    default_hint = "Accept a financier's quote at the desk: cash and certificate move together"


class NothingDue(ChainRefusal):
    code = "nothing_due"
    status = 409
    title = "Nothing is due on this certificate now"
    default_hint = "It is paid out after the debtor's next payment, if one comes"


class HolderSuspended(ChainRefusal):
    code = "holder_suspended"
    status = 409
    title = "The holder is suspended: its money waits"
    default_hint = "The holder or the financier with the lien can ask for it, and anyone by a redemption of it alone"


class InDispute(ChainRefusal):
    code = "in_dispute"
    status = 409
    title = "These minor units are in dispute"
    default_hint = "They move again once originator and debtor resolve the dispute or credit them"


class NotInDispute(ChainRefusal):
    code = "not_in_dispute"
    status = 409
    title = "No dispute stands"


class NotParty(ChainRefusal):
    code = "not_party"
    status = 403
    title = "Originator and debtor must both agree, one by sending and the other one by its signature"
    default_hint = "`counterfoil show R-n` names the two"


class NotFront(ChainRefusal):
    code = "not_front"
    status = 409
    title = "It is not the front certificate, or the front has left the originator's hands"
    default_hint = "Credit notes and disputes take minor units that never left the originator, from the front"


class CreditOutOfRange(ChainRefusal):
    code = "credit_out_of_range"
    title = "A credit note takes at least one minor unit and at most the front certificate"


class NotOverdue(ChainRefusal):
    code = "not_overdue"
    status = 409
    title = "It is not overdue for that long"
    default_hint = "Overdue begins with the day after the due date; a dishonour takes the days of grace besides"


class DishonourStands(ChainRefusal):
    code = "dishonour_stands"
    status = 409
    title = "The receivable is marked as dishonoured already"


class NotDishonoured(ChainRefusal):
    code = "not_dishonoured"
    status = 409
    title = "The receivable is not marked as dishonoured"


class DebtorOverdue(ChainRefusal):
    code = "debtor_overdue"
    status = 409
    title = "The account has not paid what it owes in time"
    default_hint = "Until its dishonoured receivables are paid or made good, it registers and confirms no new ones"


class NoRecourse(ChainRefusal):
    code = "no_recourse"
    status = 409
    title = "The certificate was not sold with recourse"
    default_hint = "A right of recourse ends with every further hop"


class RecourseStands(ChainRefusal):
    code = "recourse_stands"
    status = 409
    title = "The seller was asked already to take it back"


class RecourseNotDemanded(ChainRefusal):
    code = "recourse_not_demanded"
    status = 409
    title = "The holder has not asked the seller to take it back"


class NotSeller(ChainRefusal):
    code = "not_seller"
    status = 403
    title = "Only the seller takes the certificate back"
    default_hint = "`counterfoil show R-n` names the seller"


CHAIN_REFUSALS: dict[str, type[ChainRefusal]] = {
    refusal.__name__: refusal
    for refusal in (
        UnknownReceivable,
        UnknownCertificate,
        UnknownMember,
        MemberNotEligible,
        MemberMalformed,
        ReasonMissing,
        FaceMissing,
        DueDateMalformed,
        DueDatePassed,
        CurrencyMalformed,
        FingerprintMissing,
        DocumentRootMissing,
        DebtorIsOriginator,
        FingerprintTaken,
        TakenInPredecessor,
        TenorExceeded,
        TooManyUnanswered,
        NotDebtor,
        NotOriginator,
        NotHolder,
        RangeChanged,
        StatusForbids,
        AnchorMismatch,
        OfferMalformed,
        AnswerWindowOpen,
        AnswerWindowOver,
        CutOutOfRange,
        BelowMinimumPart,
        BatchEmpty,
        SameHolder,
        TradeDocumentMissing,
        FrozenByOrder,
        OrderMissing,
        OrderExpired,
        OrderStands,
        OrderNotInForce,
        TooManyOffers,
        TooManyOrders,
        ForcedTransferTooEarly,
        NotOfficer,
        SameOfficer,
        RegistryPaused,
        RegistryNotPaused,
        RegistryInSunset,
        ParameterMalformed,
        RulesForbid,
        SignatureExpired,
        SignatureInvalid,
        NonceUsed,
        PredecessorLives,
        ExtensionMismatch,
        AmountMissing,
        Overpayment,
        PaymentNotWhole,
        PaymentMade,
        NoDepositToken,
        DepositTokenStands,
        NotFinancier,
        PledgedTo,
        NotPledged,
        SecuredOutOfRange,
        RecourseOutOfRange,
        PriceOutOfRange,
        NotDesk,
        NothingDue,
        HolderSuspended,
        InDispute,
        NotInDispute,
        NotParty,
        NotFront,
        CreditOutOfRange,
        NotOverdue,
        DishonourStands,
        NotDishonoured,
        DebtorOverdue,
        NoRecourse,
        RecourseStands,
        RecourseNotDemanded,
        NotSeller,
    )
}
"""Refusals by the name of the contract's custom error."""
