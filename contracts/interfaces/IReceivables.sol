// SPDX-License-Identifier: Apache-2.0
pragma solidity 0.8.30;

/// @title IReceivablesRecords
/// @notice The words of the registry: what it is told, what it writes to its journals, what it refuses.
/// @dev Amounts, ranges and cuts are minor units of the receivable's currency (cents for EUR, yen for JPY).
///      A receivable of face F is the interval [0, F); a certificate is a sub-interval [start, end) with one holder;
///      certificate id = receivableId << 64 | start. The id says nothing of the end, so an operation names the whole
///      certificate in one word, range = receivableId << 128 | start << 64 | end = certificateId << 64 | end, and is
///      refused as RangeChanged if somebody else with authority cut that certificate first. ERC-721's approve,
///      transferFrom and safeTransferFrom take a token id, as the standard has it, and so mean the certificate at
///      that start as it is when they are mined.
///      Instants are seconds since 1970; a due date is the midnight UTC that begins the due day. Events carry exactly
///      the fields that the journal entry hashes, in that order except that indexed fields come first.
interface IReceivablesRecords {
    /// @notice What a creditor claims from a debtor.
    /// @param debtor Who owes.
    /// @param face Amount, minor units, > 0.
    /// @param due Due date: midnight UTC of the due day, later than now, before 2149-06-07.
    /// @param currency ISO 4217 numeric code, 1 to 999.
    /// @param fingerprint Keyed hash of the invoice's identity, unique per (debtor, originator) while it lives.
    /// @param documentRoot Merkle root of the salted commitments to the invoice's fields.
    struct Claim {
        address debtor;
        uint64 face;
        uint40 due;
        uint16 currency;
        bytes32 fingerprint;
        bytes32 documentRoot;
    }

    /// @notice The terms of a registered receivable, as a party names them. With the hashes of the entries since, if
    ///         any, they must lead to the journal's head.
    /// @param originator Who registered the claim.
    /// @param registeredAt Block timestamp of the registration.
    /// @param answerBy As in the event Registered.
    struct Terms {
        address originator;
        uint40 registeredAt;
        uint40 answerBy;
        Claim claim;
    }

    /// @notice A debtor's counter-offer, as the creditor names it: the last entry of the journal must be it.
    /// @param face Offered amount, minor units.
    /// @param due Offered due date.
    /// @param at Block timestamp of the counter-offer.
    struct Offer {
        uint64 face;
        uint40 due;
        uint40 at;
    }

    /// @notice One part of a batch split, cut from the tail.
    struct Part {
        uint64 cut;
        address receiver;
        bytes32 document;
    }

    /// @notice One certificate of a batch endorsement.
    struct Endorsement {
        uint256 range;
        address receiver;
        bytes32 document;
    }

    /// @notice One certificate of a batch endorsement by signature, bound to its own receivable.
    /// @param anchor As Authorisation's for all that is no answer; each certificate of the batch has one.
    /// @param claimKey As Authorisation's.
    struct AnchoredEndorsement {
        uint256 range;
        address receiver;
        bytes32 document;
        bytes32 anchor;
        bytes32 claimKey;
    }

    /// @notice A signature that stands for its signer's own transaction.
    /// @param signer An account, or a contract that answers by ERC-1271.
    /// @param nonce Any number that the signer has not used: bit (nonce % 256) of word (nonce / 256).
    /// @param deadline Last instant at which it counts.
    /// @param anchor What the signer says of the receivable. For an answer to a claim: the head of its journal. For all
    ///        else about a receivable: keccak256(abi.encode(claimKey, terms)), where terms are debtor, face, due day and
    ///        currency as in its word. 0 where the operation names no receivable, or several, each with its own.
    /// @param claimKey keccak256(abi.encode(fingerprint, debtor, originator)), opening such an anchor; else 0. Not
    ///        signed: whoever submits adds it.
    /// @param signature EIP-712 signature of the operation's own type, listed where the operations by signature are.
    struct Authorisation {
        address signer;
        uint256 nonce;
        uint256 deadline;
        bytes32 anchor;
        bytes32 claimKey;
        bytes signature;
    }

    /// @notice An authority's order in force or expired on a certificate, a receivable or a member.
    /// @param order Reference of the order: hash of authority and order number.
    /// @param expiry Instant from which it no longer holds.
    /// @param since Block timestamp of the freeze.
    struct Freeze {
        bytes32 order;
        uint40 expiry;
        uint40 since;
    }

    /// @notice A financing against cash, as a desk carries it out.
    /// @param range The certificate, whole, as the quote names it.
    /// @param cut First minor unit of what is sold, its tail; the start where the whole is. A pledge takes the whole.
    /// @param holder Who must hold it.
    /// @param price What the desk has moved from the financier to the holder, minor units.
    /// @param amount Of a pledge the secured amount; of a sale what the seller gives back on recourse, 0 without.
    /// @param quote EIP-712 digest of the quote.
    /// @param anchor As Authorisation's for all that is no answer.
    /// @param claimKey As Authorisation's.
    struct Deal {
        uint256 range;
        uint64 cut;
        address holder;
        address financier;
        uint64 price;
        uint64 amount;
        bytes32 quote;
        bytes32 anchor;
        bytes32 claimKey;
    }

    /// @notice The words of a receivable; libraries/Words.sol and libraries/Amounts.sol hold their layout.
    /// @param amounts What was paid, credited and disputed; 0 while nothing was.
    /// @param claimed What was paid out while part of it was paid, minor units. Not kept once all is paid.
    struct Record {
        uint256 terms;
        bytes32 head;
        uint256 amounts;
        uint256 claimed;
    }

    /// @notice The registry's own switches; libraries/Words.sol holds the layout of the words.
    /// @param pausedSince Instant of the pause, 0 while none lasts.
    struct Policy {
        uint256 movement;
        uint256 registration;
        uint256 settlement;
        uint40 pausedSince;
        address descriptor;
    }

    /// @notice What lies on a certificate besides orders: words of libraries/Words.sol, 0 where there is none.
    /// @param claimed What was paid out on it so far, minor units.
    struct Rights {
        uint256 lien;
        uint256 recourse;
        uint64 claimed;
    }

    // ---- journal events: one per entry

    /// @notice A creditor registered a claim. Range [0, face).
    /// @param answerBy End of the answer window on the registry's clock, which is the time less all pauses so far.
    event Registered(
        uint256 indexed receivableId,
        address indexed originator,
        address indexed debtor,
        uint64 face,
        uint40 due,
        uint16 currency,
        bytes32 fingerprint,
        bytes32 documentRoot,
        uint40 answerBy,
        uint40 at
    );

    /// @notice The debtor confirmed: an irrevocable promise to pay. Range [0, face), held by the originator.
    event Confirmed(
        uint256 indexed receivableId, address indexed debtor, address indexed originator, uint64 face, uint40 at
    );

    /// @notice The debtor refused the claim; its fingerprint is free again. Range [0, face).
    event Refused(uint256 indexed receivableId, address indexed debtor, uint8 reason, uint64 face, uint40 at);

    /// @notice The originator withdrew the claim; its fingerprint is free again. Range [0, face).
    event Withdrawn(uint256 indexed receivableId, address indexed originator, uint64 face, uint40 at);

    /// @notice Nobody answered the claim in time; its fingerprint is free again. Range [0, face).
    event Lapsed(uint256 indexed receivableId, address indexed actor, uint64 face, uint40 at);

    /// @notice The debtor would confirm other terms: a lower amount, another date, or both. Range [0, face).
    event CounterOffered(
        uint256 indexed receivableId,
        address indexed debtor,
        uint64 face,
        uint64 offeredFace,
        uint40 offeredDue,
        uint40 at
    );

    /// @notice The originator accepted the last counter-offer: confirmed with its terms. Range [0, face), the new face.
    event OfferAccepted(
        uint256 indexed receivableId,
        address indexed originator,
        address indexed debtor,
        uint64 face,
        uint40 due,
        uint40 at
    );

    /// @notice [start, end) was cut: [start, cut) stays, [cut, end) went to the receiver.
    /// @param actor The holder or its approved operator.
    /// @param document Hash of the underlying trade document; 0 only where the receiver is a financier or the holder.
    event Split(
        uint256 indexed receivableId,
        address indexed actor,
        address indexed receiver,
        uint64 start,
        uint64 end,
        uint64 cut,
        bytes32 document,
        uint40 at
    );

    /// @notice The whole certificate [start, end) went to the receiver.
    event Endorsed(
        uint256 indexed receivableId,
        address indexed actor,
        address indexed receiver,
        uint64 start,
        uint64 end,
        bytes32 document,
        uint40 at
    );

    /// @notice [start, cut) and [cut, end), two neighbours of one holder, became [start, end).
    event Merged(uint256 indexed receivableId, address indexed actor, uint64 start, uint64 end, uint64 cut, uint40 at);

    /// @notice [start, end) was cut for an order into [start, cut) and [cut, end); the holder stays.
    event Partitioned(
        uint256 indexed receivableId,
        bytes32 indexed order,
        address indexed officer,
        address countersigner,
        uint64 start,
        uint64 end,
        uint64 cut,
        uint40 at
    );

    /// @notice The certificate [start, end) does not move until the order expires or is lifted.
    event CertificateFrozen(
        uint256 indexed receivableId,
        bytes32 indexed order,
        address indexed officer,
        address countersigner,
        uint64 start,
        uint64 end,
        uint40 expiry,
        uint40 at
    );

    /// @notice The order no longer freezes the certificate [start, end).
    event CertificateUnfrozen(
        uint256 indexed receivableId,
        bytes32 indexed order,
        address indexed officer,
        address countersigner,
        uint64 start,
        uint64 end,
        uint40 at
    );

    /// @notice No certificate of the receivable moves until the order expires or is lifted. Range [0, face).
    event ReceivableFrozen(
        uint256 indexed receivableId,
        bytes32 indexed order,
        address indexed officer,
        address countersigner,
        uint64 face,
        uint40 expiry,
        uint40 at
    );

    /// @notice The order no longer freezes the receivable. Range [0, face).
    event ReceivableUnfrozen(
        uint256 indexed receivableId,
        bytes32 indexed order,
        address indexed officer,
        address countersigner,
        uint64 face,
        uint40 at
    );

    /// @notice The certificate [start, end), frozen under this order, went to the receiver.
    event ForcedTransfer(
        uint256 indexed receivableId,
        bytes32 indexed order,
        address indexed officer,
        address countersigner,
        address receiver,
        uint64 start,
        uint64 end,
        uint40 at
    );

    /// @notice The certificate [start, end) secures a claim of the financier's.
    /// @param actor The holder or its approved operator; the desk where there is a quote.
    /// @param secured What the financier is paid first of it, minor units.
    /// @param price What the financier paid the holder for it on chain, minor units; 0 without a quote.
    /// @param quote EIP-712 digest of the quote, or 0.
    event Pledged(
        uint256 indexed receivableId,
        address indexed actor,
        address indexed financier,
        uint64 start,
        uint64 end,
        uint64 secured,
        uint64 price,
        bytes32 quote,
        uint40 at
    );

    /// @notice The financier gave up its lien on the certificate [start, end).
    event Released(uint256 indexed receivableId, address indexed financier, uint64 start, uint64 end, uint40 at);

    /// @notice [cut, end) of the certificate [start, end) went to the financier against cash; cut = start: all of it.
    /// @param actor The desk that moved the cash.
    /// @param price What the holder got for it, minor units.
    /// @param recourse What the holder gives back for all of it if the debtor does not pay, minor units; 0: nothing.
    event Sold(
        uint256 indexed receivableId,
        address indexed actor,
        address indexed financier,
        uint64 start,
        uint64 end,
        uint64 cut,
        uint64 price,
        uint64 recourse,
        bytes32 quote,
        uint40 at
    );

    /// @notice So much of the receivable was paid. Range [0, face).
    /// @param payer The debtor or another who paid the whole remainder.
    event Paid(uint256 indexed receivableId, address indexed payer, uint64 face, uint64 amount, uint40 at);

    /// @notice The certificate [start, end) was paid out: all that is due to it by now. It is no more once it has its
    ///         whole length, or the book is closed.
    /// @param actor Who asked for it.
    /// @param amount What was paid out now, minor units.
    /// @param toFinancier How much of that went to the financier with the lien; the rest went to the holder.
    event Redeemed(
        uint256 indexed receivableId,
        address indexed actor,
        address indexed holder,
        uint64 start,
        uint64 end,
        uint64 amount,
        uint64 toFinancier,
        uint40 at
    );

    /// @notice No payment comes any more; what was paid is divided to the last minor unit. Range [0, face).
    event Closed(uint256 indexed receivableId, address indexed actor, uint64 face, uint40 at);

    /// @notice Originator and debtor took [start, start + amount) away from the front certificate [start, end).
    event CreditNoted(
        uint256 indexed receivableId,
        address indexed actor,
        address indexed countersigner,
        uint64 start,
        uint64 end,
        uint64 amount,
        uint40 at
    );

    /// @notice Originator and debtor agree that [start, cut) of the front certificate [start, end) is in dispute: it
    ///         does not move, and is paid last. Where cut < end, [cut, end) is a certificate of its own from now on.
    event Disputed(
        uint256 indexed receivableId,
        address indexed actor,
        address indexed countersigner,
        uint64 start,
        uint64 end,
        uint64 cut,
        uint40 at
    );

    /// @notice Originator and debtor ended the dispute: what is left of it is owed. Range [0, face).
    event Resolved(
        uint256 indexed receivableId, address indexed actor, address indexed countersigner, uint64 face, uint40 at
    );

    /// @notice The debtor did not pay in time: until it has, it registers and confirms nothing. Range [0, face).
    event Dishonoured(uint256 indexed receivableId, address indexed actor, uint64 face, uint40 at);

    /// @notice The debtor made a closed receivable good outside the registry. Range [0, face).
    event Absolved(uint256 indexed receivableId, address indexed actor, uint64 face, uint40 at);

    /// @notice The holder of [start, end) asks the seller to take it back.
    event RecourseDemanded(
        uint256 indexed receivableId, address indexed actor, address indexed seller, uint64 start, uint64 end, uint40 at
    );

    /// @notice The seller took [start, end) back for so much.
    event Repurchased(
        uint256 indexed receivableId, address indexed seller, uint64 start, uint64 end, uint64 amount, uint40 at
    );

    // ---- journal R-0, the registry's own

    /// @notice A member was admitted, or admitted anew with other terms.
    /// @param kycExpiry Instant from which the member is no longer eligible.
    /// @param roles Bit set: 1 supplier, 2 debtor, 4 financier.
    /// @param profile Salted commitment to the member's identity; the identity itself stays off chain.
    event MemberAdmitted(
        address indexed member, address indexed actor, uint40 kycExpiry, uint32 roles, bytes32 profile, uint40 at
    );

    /// @notice A member was suspended.
    event MemberSuspended(address indexed member, address indexed actor, uint8 reason, uint40 at);

    /// @notice No certificate of the member's moves until the order expires or is lifted.
    event MemberFrozen(
        address indexed member,
        bytes32 indexed order,
        address indexed officer,
        address countersigner,
        uint40 expiry,
        uint40 at
    );

    /// @notice The order no longer freezes the member.
    event MemberUnfrozen(
        address indexed member, bytes32 indexed order, address indexed officer, address countersigner, uint40 at
    );

    /// @notice Registering, answering and moving stop; so does the clock of answer windows.
    event Paused(address indexed actor, uint40 at);

    /// @notice The pause ended.
    event Unpaused(address indexed actor, uint40 at);

    /// @notice A parameter has another value from an instant on.
    /// @param parameter 1 tenor limit (days), 2 minimum part (minor units), 3 answer window (days), 4 unanswered claims
    ///        per pair (count), 5 delay of a forced transfer (seconds, fixed at deployment), 6 overdue grace (days).
    /// @param effective Midnight UTC; the instant of deployment for the first values.
    event ParameterSet(uint8 indexed parameter, address indexed actor, uint64 value, uint40 effective, uint40 at);

    /// @notice Other extra rules hold from now on; 0 for none.
    event RulesSet(address indexed rules, address indexed actor, uint40 at);

    /// @notice Certificates are described by another contract from now on; 0 for none.
    event DescriptorSet(address indexed descriptor, address indexed actor, uint40 at);

    /// @notice No claim is registered or confirmed any more; what lives runs off.
    event Sunset(address indexed actor, uint40 at);

    /// @notice This is the currency's deposit token, for good: deposits lie in it.
    /// @param currency ISO 4217 numeric code.
    event DepositTokenSet(uint16 indexed currency, address indexed token, address indexed actor, uint40 at);

    /// @notice Another desk carries out sales and pledges against cash from now on; 0 for none.
    event DeskSet(address indexed desk, address indexed actor, uint40 at);

    // ---- other events

    /// @notice A batch did not pay this certificate out; `reason` is the selector of what a single redemption reverts
    ///         with, or of HolderSuspended.
    event RedemptionSkipped(uint256 indexed certificateId, bytes4 reason);

    /// @notice The signer gave up these nonces of one word of 256.
    event NoncesCancelled(address indexed signer, uint256 indexed word, uint256 mask);

    /// @notice ERC-3525-shaped (value of a token = length of its range).
    event TransferValue(uint256 indexed fromTokenId, uint256 indexed toTokenId, uint256 value);
    event SlotChanged(uint256 indexed tokenId, uint256 indexed oldSlot, uint256 indexed newSlot);

    // ---- refusals

    error UnknownReceivable(uint256 receivableId);
    error UnknownCertificate(uint256 certificateId);
    error UnknownMember(address member);
    error MemberNotEligible(address member);
    error MemberMalformed();
    error ReasonMissing();
    error FaceMissing();
    error DueDateMalformed(uint40 due);
    error DueDatePassed(uint40 due);
    error CurrencyMalformed(uint16 currency);
    error FingerprintMissing();
    error DocumentRootMissing();
    error DebtorIsOriginator();
    error FingerprintTaken(uint256 receivableId);
    /// @notice The claim lives in the registry that this one succeeds.
    error TakenInPredecessor();
    /// @param latest The latest due date that the tenor limit in force allows.
    error TenorExceeded(uint40 latest);
    error TooManyUnanswered(uint256 limit);
    error NotDebtor(address caller);
    error NotOriginator(address caller);
    error NotHolder(address caller);
    /// @notice The certificate at that start has another end than the operation names: this is its range now.
    error RangeChanged(uint64 start, uint64 end);
    error StatusForbids(uint8 status);
    /// @notice The named terms do not lead to this head, or the signer's anchor is of another receivable.
    error AnchorMismatch(bytes32 head);
    /// @notice Neither a lower amount nor another date, or a higher amount.
    error OfferMalformed();
    error TooManyOffers(uint256 limit);
    /// @param answerBy As in the event Registered.
    error AnswerWindowOpen(uint40 answerBy);
    error AnswerWindowOver(uint40 answerBy);
    error CutOutOfRange(uint64 start, uint64 cut, uint64 end);
    error BelowMinimumPart(uint64 minimum);
    error BatchEmpty();
    error SameHolder();
    error TradeDocumentMissing();
    error FrozenByOrder(bytes32 order);
    error OrderMissing();
    error OrderExpired(bytes32 order);
    error OrderStands(bytes32 order);
    error OrderNotInForce(bytes32 order);
    error TooManyOrders();
    /// @param from Instant from which the order allows a forced transfer.
    error ForcedTransferTooEarly(uint40 from);
    error NotOfficer(address account);
    error SameOfficer(address account);
    error RegistryPaused();
    error RegistryNotPaused();
    error RegistryInSunset();
    error ParameterMalformed();
    /// @notice The extra rules forbid it; `reason` is what they reverted with.
    error RulesForbid(bytes reason);
    error SignatureExpired(uint256 deadline);
    error SignatureInvalid(address signer);
    error NonceUsed(uint256 nonce);
    error PredecessorLives();
    error ExtensionMismatch();

    // ---- refusals about money

    error AmountMissing();
    /// @param payable_ What can be paid now: what is not yet paid, credited or in dispute.
    error Overpayment(uint64 payable_);
    /// @notice Before the due date, or by another than the debtor, only the whole of it can be paid.
    error PaymentNotWhole(uint64 payable_);
    /// @notice Part of it is paid: nothing moves, is pledged, credited or disputed any more.
    error PaymentMade(uint64 paid);
    error NoDepositToken(uint16 currency);
    error DepositTokenStands(uint16 currency);
    error NotFinancier(address account);
    error PledgedTo(address financier);
    error NotPledged(uint256 certificateId);
    error SecuredOutOfRange(uint64 most);
    error RecourseOutOfRange(uint64 most);
    error PriceOutOfRange(uint64 most);
    error NotDesk(address account);
    error NothingDue(uint256 certificateId);
    /// @notice Its money waits until the holder asks for it itself, or any one account by a single redemption.
    error HolderSuspended(address holder);
    /// @notice Cents before this one are in dispute.
    error InDispute(uint64 until);
    error NotInDispute();
    /// @notice Of the two who must agree, originator and debtor, this account is neither or stands alone.
    error NotParty(address account);
    /// @notice It is not the front certificate, or the front has left the originator's hands.
    error NotFront(uint256 certificateId);
    error CreditOutOfRange(uint64 most);
    /// @param from Instant from which it would be.
    error NotOverdue(uint40 from);
    error DishonourStands();
    error NotDishonoured();
    error DebtorOverdue(address debtor);
    error NoRecourse(uint256 certificateId);
    error RecourseStands();
    error RecourseNotDemanded();
    error NotSeller(address account);
}

/// @title IMemberOperations
/// @notice What members do with their own transactions.
interface IMemberOperations is IReceivablesRecords {
    /// @notice Register a claim on a debtor; the caller is the originator.
    /// @return receivableId The next id, counted from 1.
    function register(Claim calldata claim) external returns (uint256 receivableId);

    /// @notice Confirm a claim as it was registered, irrevocably. Debtor only. Mints [0, face) to the originator.
    /// @param terms The terms as the debtor knows them; refused as AnchorMismatch unless they lead to the head.
    /// @param since Hashes of the entries since the registration, that is of counter-offers; mostly none.
    function confirm(uint256 receivableId, Terms calldata terms, bytes32[] calldata since) external;

    /// @notice Refuse a claim. Debtor only.
    /// @param reason Reason code, > 0.
    function refuse(uint256 receivableId, Terms calldata terms, bytes32[] calldata since, uint8 reason) external;

    /// @notice Take a claim back before it is answered. Originator only.
    function withdraw(uint256 receivableId, Terms calldata terms, bytes32[] calldata since) external;

    /// @notice End a claim that nobody answered within the answer window. Anyone.
    function lapse(uint256 receivableId, Terms calldata terms, bytes32[] calldata since) external;

    /// @notice Offer to confirm a lower amount or another date. Debtor only, within the claim's answer window, which
    ///         goes on, and a few times only: so offers can hinder neither a withdrawal nor the lapse.
    function counterOffer(uint256 receivableId, Terms calldata terms, bytes32[] calldata since, uint64 face, uint40 due)
        external;

    /// @notice Accept the debtor's last counter-offer: the receivable is confirmed with its terms. Originator only.
    /// @param since Hashes of the entries between the registration and the offer: of earlier counter-offers.
    function acceptOffer(uint256 receivableId, Terms calldata terms, bytes32[] calldata since, Offer calldata offer)
        external;

    /// @notice Cut a certificate: [start, cut) stays, [cut, end) goes to the receiver (which may be the holder).
    /// @param range receivableId << 128 | start << 64 | end: the certificate, with the end that the caller knows.
    /// @param cut First minor unit of the part that goes; start < cut < end.
    /// @param document Hash of the underlying trade document; required unless the receiver is a financier or the holder.
    /// @return tailId Id of [cut, end).
    function split(uint256 range, uint64 cut, address receiver, bytes32 document) external returns (uint256 tailId);

    /// @notice Cut several parts from one certificate, each from the tail of what is left: cuts descend.
    function splitMany(uint256 range, Part[] calldata parts) external;

    /// @notice Hand a whole certificate to the receiver.
    /// @param range receivableId << 128 | start << 64 | end: the certificate, with the end that the caller knows.
    /// @param document Hash of the underlying trade document; required unless the receiver is a financier.
    function endorse(uint256 range, address receiver, bytes32 document) external;

    /// @notice Hand on several certificates, of one or several receivables: all or none.
    function endorseMany(Endorsement[] calldata endorsements) external;

    /// @notice Join a certificate with its right neighbour of the same holder.
    /// @param range The left certificate; the right one begins at its end.
    /// @param end End of the right certificate.
    function merge(uint256 range, uint64 end) external;
}

/// @title IMoneyOperations
/// @notice Pledging, selling, paying and paying out: what is done most about money.
/// @dev A debtor's paying, paying out and releasing check no KYC and know no pause. Money comes in and goes out in the
///      deposit token of the receivable's currency; a payer allows the registry to take it.
interface IMoneyOperations is IReceivablesRecords {
    /// @notice Pledge a whole certificate. It does not move until the lien is released or the debtor pays.
    /// @param secured What the financier is paid first of it, minor units: at least 1, at most its length.
    function pledge(uint256 range, address financier, uint64 secured) external;

    /// @notice Give up the lien. The financier with the lien only.
    function release(uint256 range) external;

    /// @notice Pay. Before the due date only the whole payable amount, by another than the debtor always; and another
    ///         than the debtor must be one who may spend deposits.
    /// @param amount Minor units, at most what is not yet paid, credited or in dispute.
    function pay(uint256 receivableId, uint64 amount) external;

    /// @notice Pay, and pay these certificates out as redeemMany does.
    function payAndRedeem(uint256 receivableId, uint64 amount, uint256[] calldata certificateIds) external;

    /// @notice Pay out what is due on one certificate by now. Anyone; it goes to the financier with the lien, up to the
    ///         secured amount, and to the holder.
    /// @return amount Minor units paid out.
    function redeem(uint256 certificateId) external returns (uint64 amount);

    /// @notice The same for several, of one or several receivables. What cannot be paid out is skipped, and so is what
    ///         belongs to a suspended member, unless the caller is the holder or has the lien.
    function redeemMany(uint256[] calldata certificateIds) external;

    /// @notice Sell a certificate or its tail. The desk only, and only with the holder's approval.
    /// @return certificateId What was sold.
    function sell(Deal calldata deal) external returns (uint256 certificateId);

    /// @notice Pledge a certificate against a loan. The desk only, and only with the holder's approval.
    function pledgeAgainst(Deal calldata deal) external;

    /// @notice The deposit token of a receivable's currency, 0 for none.
    function depositTokenOf(uint256 receivableId) external view returns (address);

    /// @notice Reverts unless this account may spend deposits (0: nobody spends) and that one may be given some (0: they
    ///         go back to the bank). Spending takes a member in good standing without an order on it; going back to the
    ///         bank, no order; receiving, an account that was ever admitted.
    function requireSpending(address from, address to) external view;
}

/// @title ISettlementOperations
/// @notice What is done about money less often, and all of it by signature.
/// @dev Credit notes and disputes take both originator and debtor: the caller is one, the other one signs.
interface ISettlementOperations is IReceivablesRecords {
    /// @notice Take [start, start + amount) away from the front certificate. While nothing is paid, or of cents that are
    ///         paid last and have got nothing yet.
    /// @param range The front certificate, still the originator's, without lien and order.
    function creditNote(uint256 range, uint64 amount, Authorisation calldata second) external;

    /// @notice Put [start, cut) of the front certificate in dispute, while nothing is paid.
    /// @param cut start < cut <= end.
    function dispute(uint256 range, uint64 cut, Authorisation calldata second) external;

    /// @notice End the dispute: what of it was not credited is owed.
    function resolve(uint256 receivableId, Authorisation calldata second) external;

    /// @notice Close the book of a receivable that is overdue by more than the grace. The settlement bank, after a delay.
    ///         Where something could still be paid, the debtor bears the mark of `dishonour` from now on.
    function close(uint256 receivableId) external;

    /// @notice Say that a debt is overdue by more than the grace. Anyone.
    function dishonour(uint256 receivableId) external;

    /// @notice Lift the mark of a closed receivable that was made good outside. The settlement bank.
    function absolve(uint256 receivableId) external;

    /// @notice Ask the seller to take an overdue certificate back, which was sold with recourse. Its holder.
    function demandRecourse(uint256 range) external;

    /// @notice Take a certificate back on demand, for the recourse amount less what was paid out on it. Its seller.
    function repurchase(uint256 range) external;

    /// @notice Pay with an ERC-2612 permit for exactly the amount; one that somebody else has used already is no hindrance.
    function payWithPermit(uint256 receivableId, uint64 amount, uint256 deadline, uint8 v, bytes32 r, bytes32 s)
        external;

    function pledgeBySignature(uint256 range, address financier, uint64 secured, Authorisation calldata by) external;
    function releaseBySignature(uint256 range, Authorisation calldata by) external;
    function payBySignature(uint256 receivableId, uint64 amount, Authorisation calldata by) external;
    function creditNoteBySignature(
        uint256 range,
        uint64 amount,
        Authorisation calldata by,
        Authorisation calldata second
    ) external;
    function disputeBySignature(uint256 range, uint64 cut, Authorisation calldata by, Authorisation calldata second)
        external;
    function resolveBySignature(uint256 receivableId, Authorisation calldata by, Authorisation calldata second) external;
    function demandRecourseBySignature(uint256 range, Authorisation calldata by) external;
    function repurchaseBySignature(uint256 range, Authorisation calldata by) external;

    /// @notice Name a currency's deposit token, once.
    function setDepositToken(uint16 currency, address token) external;

    /// @notice Name the desk; 0 for none.
    function setDesk(address desk) external;

    /// @notice Deposit tokens by currency, 0 where there is none.
    function depositTokens(uint16[] calldata currencies) external view returns (address[] memory);

    /// @notice What lies on certificates besides orders, by certificate id.
    function rights(uint256[] calldata certificateIds) external view returns (Rights[] memory);

    /// @notice What a redemption of each certificate would pay out now, minor units; 0 where it would be refused.
    function redeemable(uint256[] calldata certificateIds) external view returns (uint64[] memory);
}

/// @title ISignedOperations
/// @notice What members do by signature; anyone submits. Each has an EIP-712 type of its own. Only lapse has no form
///         here: anyone may send it.
interface ISignedOperations is IReceivablesRecords {
    function registerBySignature(Claim calldata claim, Authorisation calldata by)
        external
        returns (uint256 receivableId);
    function confirmBySignature(
        uint256 receivableId,
        Terms calldata terms,
        bytes32[] calldata since,
        Authorisation calldata by
    ) external;
    function refuseBySignature(
        uint256 receivableId,
        Terms calldata terms,
        bytes32[] calldata since,
        uint8 reason,
        Authorisation calldata by
    ) external;
    function withdrawBySignature(
        uint256 receivableId,
        Terms calldata terms,
        bytes32[] calldata since,
        Authorisation calldata by
    ) external;
    function counterOfferBySignature(
        uint256 receivableId,
        Terms calldata terms,
        bytes32[] calldata since,
        uint64 face,
        uint40 due,
        Authorisation calldata by
    ) external;
    function acceptOfferBySignature(
        uint256 receivableId,
        Terms calldata terms,
        bytes32[] calldata since,
        Offer calldata offer,
        Authorisation calldata by
    ) external;
    function splitBySignature(uint256 range, uint64 cut, address receiver, bytes32 document, Authorisation calldata by)
        external
        returns (uint256 tailId);
    function splitManyBySignature(uint256 range, Part[] calldata parts, Authorisation calldata by) external;
    function endorseBySignature(uint256 range, address receiver, bytes32 document, Authorisation calldata by) external;

    /// @notice All or none, with one nonce. The authorisation's own anchor and claim key are neither signed nor read.
    function endorseManyBySignature(AnchoredEndorsement[] calldata endorsements, Authorisation calldata by) external;
    function mergeBySignature(uint256 range, uint64 end, Authorisation calldata by) external;
    function approveBySignature(uint256 range, address to, Authorisation calldata by) external;
    function setApprovalForAllBySignature(address operator, bool approved, Authorisation calldata by) external;

    /// @notice Give up signatures that the caller made: the set bits of `mask` in word `word` of its nonces.
    function cancelNonces(uint256 word, uint256 mask) external;

    /// @notice Which nonces of a word the signer has used or given up.
    function noncesUsed(address signer, uint256 word) external view returns (uint256);
}

/// @title IOversight
/// @notice What the operator and the regulator do.
/// @dev The operator's functions are behind the registry's AccessManager. An officer's take two officers: the caller
///      and a second one's signature, both known to the regulator's own AccessManager, which the operator has no part in.
interface IOversight is IReceivablesRecords {
    /// @notice Admit a member, renew its KYC, change its roles or lift its suspension.
    function admit(address member, uint40 kycExpiry, uint32 roles, bytes32 profile) external;

    /// @notice Suspend a member: it can neither send nor receive until admitted again.
    /// @param reason Reason code, > 0.
    function suspend(address member, uint8 reason) external;

    function pause() external;

    function unpause() external;

    /// @notice Set a parameter from a later midnight UTC on; a change that is still to come is replaced.
    /// @param parameter 1 to 4 or 6, as in the event ParameterSet.
    function setParameter(uint8 parameter, uint64 value, uint40 effective) external;

    function setRules(address rules) external;

    function setDescriptor(address descriptor) external;

    /// @notice End registering and confirming for ever.
    function sunset() external;

    /// @notice Cut a certificate to the exact cents of an order. No minimum part, no due date, no pause hinders it.
    /// @param holder Whom the order is against; refused as NotHolder once the certificate is another's.
    function partition(uint256 range, uint64 cut, address holder, bytes32 order, Authorisation calldata second) external;

    /// @param expiry Instant from which the order no longer holds, later than now.
    function freezeCertificate(
        uint256 range,
        address holder,
        bytes32 order,
        uint40 expiry,
        Authorisation calldata second
    ) external;
    function unfreezeCertificate(uint256 range, bytes32 order, Authorisation calldata second) external;
    function freezeReceivable(uint256 receivableId, bytes32 order, uint40 expiry, Authorisation calldata second)
        external;
    function unfreezeReceivable(uint256 receivableId, bytes32 order, Authorisation calldata second) external;
    function freezeMember(address member, bytes32 order, uint40 expiry, Authorisation calldata second) external;
    function unfreezeMember(address member, bytes32 order, Authorisation calldata second) external;

    /// @notice Move a certificate that this order froze (itself, its receivable or its holder), after the delay.
    function forceTransfer(
        uint256 range,
        address holder,
        address receiver,
        bytes32 order,
        Authorisation calldata second
    ) external;
}

/// @title IReceivablesViews
/// @notice What anyone reads.
interface IReceivablesViews is IReceivablesRecords {
    /// @notice Receivables registered so far; ids are 1 to count.
    function count() external view returns (uint256);

    /// @notice Receivable that lives under this fingerprint, or 0.
    function receivableOf(bytes32 fingerprint, address debtor, address originator) external view returns (uint256);

    /// @notice Whether the claim lives here or in a registry that this one succeeds.
    function isClaimed(bytes32 fingerprint, address debtor, address originator) external view returns (bool);

    /// @notice Unanswered claims of an originator on a debtor.
    function unanswered(address debtor, address originator) external view returns (uint256);

    /// @notice Heads by journal id (0 is the registry's own); zero for an id that was never used.
    function heads(uint256[] calldata journalIds) external view returns (bytes32[] memory);

    /// @notice Words and heads of receivables, by id.
    function receivables(uint256[] calldata receivableIds) external view returns (Record[] memory);

    /// @notice Certificate words, by certificate id; zero where there is none.
    function certificates(uint256[] calldata certificateIds) external view returns (uint256[] memory);

    /// @notice Member words, by address; zero where there is none.
    function members(address[] calldata accounts) external view returns (uint256[] memory);

    /// @notice Orders, expired ones too while none was written since, on certificates (scope 1, by certificate id),
    ///         receivables (scope 2, by id) or members (scope 3, by address as a number).
    function freezes(uint8 scope, uint256[] calldata ids) external view returns (Freeze[][] memory);

    /// @notice The registry's own switches.
    function policy() external view returns (Policy memory);

    /// @notice The regulator's own AccessManager.
    function regulation() external view returns (address);

    /// @notice Seconds that an order must have been in force, on a certificate, its receivable or its holder, before it
    ///         moves that certificate by force.
    function forcedTransferDelay() external view returns (uint40);

    /// @notice Whether the account may take part in an operation now.
    function isEligible(address account) external view returns (bool);

    // ---- ERC-721 metadata

    function tokenURI(uint256 certificateId) external view returns (string memory);

    // ---- ERC-7943-shaped views

    /// @notice Whether the account may give certificates away now: eligible, and no order freezes it.
    function canSend(address account) external view returns (bool);

    /// @notice Whether the account may receive certificates now.
    function canReceive(address account) external view returns (bool);

    /// @notice Whether transferFrom by the holder would succeed now. With a trade document a transfer may reach more
    ///         receivers, and extra rules may tell an approved account from the holder.
    function canTransfer(address from, address to, uint256 certificateId) external view returns (bool);

    /// @notice Reverts with what would refuse transferFrom by the holder now.
    function requireTransfer(address from, address to, uint256 certificateId) external view;

    // ---- ERC-3525-shaped views

    /// @notice Receivable that a certificate is a part of.
    function slotOf(uint256 certificateId) external view returns (uint256);

    /// @notice Length of a certificate's range, minor units.
    function balanceOf(uint256 certificateId) external view returns (uint256);

    /// @notice Always 0: values are integer minor units, and currencies differ in how many make a major unit.
    function valueDecimals() external pure returns (uint8);
}

/// @title IReceivables
/// @notice A registry of receivables: debtor-confirmed claims, cut into certificates that are ranges of minor units.
/// @dev The whole face of the deployed contract. It also answers to IERC721, IERC721Metadata, IERC4906 and IERC5267.
interface IReceivables is
    IMemberOperations,
    IMoneyOperations,
    ISignedOperations,
    IOversight,
    ISettlementOperations,
    IReceivablesViews
{
    /// @notice The registry that this one succeeds, or 0.
    function predecessor() external view returns (address);

    /// @notice Where the code is that does not fit into the registry itself; it runs in the registry's storage.
    function extension() external view returns (address);
}
