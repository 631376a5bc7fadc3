// SPDX-License-Identifier: Apache-2.0
pragma solidity 0.8.30;

/// @title IReceivables
/// @notice A registry of receivables: debtor-confirmed claims, cut into certificates that are ranges of minor units.
/// @dev Amounts, ranges and cuts are minor units of the receivable's currency (cents for EUR, yen for JPY).
///      A receivable of face F is the interval [0, F); a certificate is a sub-interval [start, end) with one holder;
///      certificate id = receivableId << 64 | start. The id says nothing of the end, so an operation names the whole
///      certificate in one word, range = receivableId << 128 | start << 64 | end = certificateId << 64 | end, and is
///      refused as RangeChanged if somebody else with authority cut that certificate first. ERC-721's approve,
///      transferFrom and safeTransferFrom take a token id, as the standard has it, and so mean the certificate at
///      that start as it is when they are mined.
///      Instants are seconds since 1970; a due date is the midnight UTC that begins the due day. Events carry exactly
///      the fields that the journal entry hashes, in that order except that indexed fields come first.
interface IReceivables {
    /// @notice What a creditor claims from a debtor.
    /// @param debtor Who owes.
    /// @param face Amount, minor units, > 0.
    /// @param due Due date: midnight UTC of the due day, later than now.
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

    /// @notice The terms of a registered receivable, as the debtor names them: their hash must be the journal's head.
    /// @param originator Who registered the claim.
    /// @param registeredAt Block timestamp of the registration.
    struct Terms {
        address originator;
        uint40 registeredAt;
        Claim claim;
    }

    /// @notice The three words of a receivable; libraries/Words.sol holds their layout.
    struct Record {
        uint256 terms;
        uint256 amounts;
        bytes32 head;
    }

    // ---- journal events: one per entry

    /// @notice A creditor registered a claim. Range [0, face).
    event Registered(
        uint256 indexed receivableId,
        address indexed originator,
        address indexed debtor,
        uint64 face,
        uint40 due,
        uint16 currency,
        bytes32 fingerprint,
        bytes32 documentRoot,
        uint40 at
    );

    /// @notice The debtor confirmed: an irrevocable promise to pay. Range [0, face), held by the originator.
    event Confirmed(
        uint256 indexed receivableId, address indexed debtor, address indexed originator, uint64 face, uint40 at
    );

    /// @notice The debtor refused the claim; its fingerprint is free again. Range [0, face).
    event Refused(uint256 indexed receivableId, address indexed debtor, uint8 reason, uint64 face, uint40 at);

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

    /// @notice A member was admitted, or admitted anew with other terms. Journal R-0.
    /// @param kycExpiry Instant from which the member is no longer eligible.
    /// @param roles Bit set: 1 supplier, 2 debtor, 4 financier.
    /// @param profile Salted commitment to the member's identity; the identity itself stays off chain.
    event MemberAdmitted(
        address indexed member, address indexed actor, uint40 kycExpiry, uint32 roles, bytes32 profile, uint40 at
    );

    /// @notice A member was suspended. Journal R-0.
    event MemberSuspended(address indexed member, address indexed actor, uint8 reason, uint40 at);

    // ---- ERC-3525-shaped events (value of a token = length of its range)

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
    error NotDebtor(address caller);
    error NotHolder(address caller);
    /// @notice The certificate at that start has another end than the operation names: this is its range now.
    error RangeChanged(uint64 start, uint64 end);
    error StatusForbids(uint8 status);
    error AnchorMismatch(bytes32 head);
    error AlreadyPaid();
    error CutOutOfRange(uint64 start, uint64 cut, uint64 end);
    error SameHolder();
    error TradeDocumentMissing();

    // ---- members

    /// @notice Admit a member, renew its KYC, change its roles or lift its suspension. Operator only.
    function admit(address member, uint40 kycExpiry, uint32 roles, bytes32 profile) external;

    /// @notice Suspend a member: it can neither send nor receive until admitted again. Operator only.
    /// @param reason Reason code, > 0.
    function suspend(address member, uint8 reason) external;

    // ---- receivables

    /// @notice Register a claim on a debtor; the caller is the originator.
    /// @return receivableId The next id, counted from 1.
    function register(Claim calldata claim) external returns (uint256 receivableId);

    /// @notice Confirm a claim, irrevocably. Debtor only. Mints [0, face) to the originator.
    /// @param terms The terms as the debtor knows them; refused as AnchorMismatch unless they hash to the head.
    function confirm(uint256 receivableId, Terms calldata terms) external;

    /// @notice Refuse a claim. Debtor only.
    /// @param reason Reason code, > 0.
    function refuse(uint256 receivableId, Terms calldata terms, uint8 reason) external;

    // ---- certificates

    /// @notice Cut a certificate: [start, cut) stays, [cut, end) goes to the receiver (which may be the holder).
    /// @param range receivableId << 128 | start << 64 | end: the certificate, with the end that the caller knows.
    /// @param cut First minor unit of the part that goes; start < cut < end.
    /// @param document Hash of the underlying trade document; required unless the receiver is a financier or the holder.
    /// @return tailId Id of [cut, end).
    function split(uint256 range, uint64 cut, address receiver, bytes32 document) external returns (uint256 tailId);

    /// @notice Hand a whole certificate to the receiver.
    /// @param range receivableId << 128 | start << 64 | end: the certificate, with the end that the caller knows.
    /// @param document Hash of the underlying trade document; required unless the receiver is a financier.
    function endorse(uint256 range, address receiver, bytes32 document) external;

    // ---- views

    /// @notice Receivables registered so far; ids are 1 to count.
    function count() external view returns (uint256);

    /// @notice Receivable that lives under this fingerprint, or 0.
    function receivableOf(bytes32 fingerprint, address debtor, address originator) external view returns (uint256);

    /// @notice Heads by journal id (0 is the registry's own); zero for an id that was never used.
    function heads(uint256[] calldata journalIds) external view returns (bytes32[] memory);

    /// @notice Words and heads of receivables, by id.
    function receivables(uint256[] calldata receivableIds) external view returns (Record[] memory);

    /// @notice Certificate words, by certificate id; zero where there is none.
    function certificates(uint256[] calldata certificateIds) external view returns (uint256[] memory);

    /// @notice Member words, by address; zero where there is none.
    function members(address[] calldata accounts) external view returns (uint256[] memory);

    /// @notice Whether the account may take part in an operation now.
    function isEligible(address account) external view returns (bool);

    // ---- ERC-3525-shaped views

    /// @notice Receivable that a certificate is a part of.
    function slotOf(uint256 certificateId) external view returns (uint256);

    /// @notice Length of a certificate's range, minor units.
    function balanceOf(uint256 certificateId) external view returns (uint256);

    /// @notice Always 0: values are integer minor units, and currencies differ in how many make a major unit.
    function valueDecimals() external pure returns (uint8);
}
