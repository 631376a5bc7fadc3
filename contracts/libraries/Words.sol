// SPDX-License-Identifier: Apache-2.0
pragma solidity 0.8.30;

/// @title Words
/// @notice The packed storage words. Bit ranges are listed from the lowest bit; a word of 0 means "never written".
/// @dev terms        debtor 160 | face 64 | due day 16 | currency 10 | status 3 | frozen 1 | restrained 1 | 1 free
///      certificate  holder 160 | end 64 | approved 1 | frozen 1 | original 1 | pledged 1 | recourse 1 | claimed 1
///                   | 26 free
///      member       balance 64 | kycExpiry 40 | roles 32 | status 8 | frozen 1 | dishonoured 32 | 79 free
///      movement     rules 160 | minimum part: now 32, next 32, from day 16 | paused 1 | sunset 1 | 14 free
///      registration count 64 | tenor limit 48 | answer window 48 | unanswered 48 (each: now 16, next 16, from day 16)
///                   | paused seconds 32 | 16 free
///      settlement   overdue grace 48 (now 16, next 16, from day 16) | desk 160 | 48 free
///      lien         financier 160 | secured 64 | 32 free
///      recourse     seller 160 | amount 64 | demanded 1 | 31 free
///      The word of amounts is libraries/Amounts.sol's.
///      Amounts are minor units; a day is a number of days since 1970, UTC.
///      registry/chain/words.py unpacks the same layout.
library Words {
    uint8 internal constant STATUS_NONE = 0;
    uint8 internal constant STATUS_REGISTERED = 1;
    uint8 internal constant STATUS_CONFIRMED = 2;
    uint8 internal constant STATUS_REFUSED = 3;
    uint8 internal constant STATUS_WITHDRAWN = 4;
    uint8 internal constant STATUS_LAPSED = 5;
    uint8 internal constant STATUS_SETTLED = 6;
    uint8 internal constant STATUS_CLOSED = 7;

    uint8 internal constant MEMBER_ACTIVE = 1;
    uint8 internal constant MEMBER_SUSPENDED = 2;

    uint32 internal constant ROLE_FINANCIER = 1 << 2;

    uint256 internal constant RECEIVABLE_FROZEN = 1 << 253;
    /// @dev The word of amounts hinders moves: something is paid or disputed. Else a move need not read it.
    uint256 internal constant RESTRAINED = 1 << 254;

    uint256 internal constant APPROVED = 1 << 224;
    uint256 internal constant CERTIFICATE_FROZEN = 1 << 225;
    /// @dev The certificate whose first minor unit has never left the originator's hands: a credit note starts there.
    uint256 internal constant ORIGINAL = 1 << 226;
    /// @dev There is a lien, a right of recourse, something paid out already: each has a word of its own, which is read
    ///      only while its bit is set.
    uint256 internal constant PLEDGED = 1 << 227;
    uint256 internal constant RECOURSE = 1 << 228;
    uint256 internal constant CLAIMED = 1 << 229;

    uint256 internal constant MEMBER_FROZEN = 1 << 144;

    uint256 internal constant DEMANDED = 1 << 224;

    uint256 internal constant PAUSED = 1 << 240;
    uint256 internal constant SUNSET = 1 << 241;

    /// @dev Where the effective-dated values lie, and how wide their parts are.
    uint256 internal constant MINIMUM_PART_SHIFT = 160;
    uint256 internal constant MINIMUM_PART_BITS = 32;
    uint256 internal constant TENOR_LIMIT_SHIFT = 64;
    uint256 internal constant ANSWER_WINDOW_SHIFT = 112;
    uint256 internal constant UNANSWERED_SHIFT = 160;
    uint256 internal constant OVERDUE_GRACE_SHIFT = 0;
    uint256 internal constant SHORT_BITS = 16;
    uint256 private constant DAY_BITS = 16;
    uint256 private constant PAUSED_SECONDS_SHIFT = 208;

    uint256 private constant STATUS_SHIFT = 250;
    uint256 private constant STATUS_MASK = uint256(7) << STATUS_SHIFT;
    uint256 private constant MEMBER_STATUS_MASK = uint256(0xff) << 136;
    uint256 private constant DESK_SHIFT = 48;
    uint256 private constant DISHONOURED_SHIFT = 145;
    uint256 private constant DISHONOURED_MASK = uint256(type(uint32).max) << DISHONOURED_SHIFT;
    uint256 private constant MEMBER_KEPT_MASK = type(uint64).max | MEMBER_FROZEN | DISHONOURED_MASK;

    // ---- terms

    /// @param due_ Midnight UTC of a day before 2149-06-07, seconds since 1970.
    function packTerms(address debtor_, uint64 face_, uint40 due_, uint16 currency_, uint8 status_)
        internal
        pure
        returns (uint256)
    {
        return uint256(uint160(debtor_)) | (uint256(face_) << 160) | (uint256(due_ / 1 days) << 224)
            | (uint256(currency_) << 240) | (uint256(status_) << STATUS_SHIFT);
    }

    function debtor(uint256 terms) internal pure returns (address) {
        return address(uint160(terms));
    }

    function face(uint256 terms) internal pure returns (uint64) {
        return uint64(terms >> 160);
    }

    function due(uint256 terms) internal pure returns (uint40) {
        return uint40(uint16(terms >> 224)) * 1 days;
    }

    function currency(uint256 terms) internal pure returns (uint16) {
        return uint16((terms >> 240) & 0x3ff);
    }

    function status(uint256 terms) internal pure returns (uint8) {
        return uint8((terms >> STATUS_SHIFT) & 7);
    }

    /// @notice Whether the debtor confirmed it, whatever was paid since.
    function wasConfirmed(uint256 terms) internal pure returns (bool) {
        uint8 status_ = status(terms);
        return status_ == STATUS_CONFIRMED || status_ >= STATUS_SETTLED;
    }

    /// @notice Debtor, face, due day and currency: what stays once a receivable is confirmed.
    function lasting(uint256 terms) internal pure returns (uint256) {
        return terms & ((1 << STATUS_SHIFT) - 1);
    }

    function withStatus(uint256 terms, uint8 status_) internal pure returns (uint256) {
        return (terms & ~STATUS_MASK) | (uint256(status_) << STATUS_SHIFT);
    }

    // ---- certificate

    function packCertificate(address holder_, uint64 end_) internal pure returns (uint256) {
        return uint256(uint160(holder_)) | (uint256(end_) << 160);
    }

    function holder(uint256 certificate) internal pure returns (address) {
        return address(uint160(certificate));
    }

    function end(uint256 certificate) internal pure returns (uint64) {
        return uint64(certificate >> 160);
    }

    // ---- lien and recourse: an account and an amount, minor units

    function packRight(address account, uint64 amount_) internal pure returns (uint256) {
        return uint256(uint160(account)) | (uint256(amount_) << 160);
    }

    function rightful(uint256 right) internal pure returns (address) {
        return address(uint160(right));
    }

    function withAmount(uint256 right, uint64 amount_) internal pure returns (uint256) {
        return (right & ~(uint256(type(uint64).max) << 160)) | (uint256(amount_) << 160);
    }

    function amount(uint256 right) internal pure returns (uint64) {
        return uint64(right >> 160);
    }

    // ---- member

    /// @dev Keeps the balance, the mark of orders and the count of dishonoured debts: a renewed admission lifts neither.
    function packAdmission(uint256 member, uint40 kycExpiry_, uint32 roles_) internal pure returns (uint256) {
        return (member & MEMBER_KEPT_MASK) | (uint256(kycExpiry_) << 64) | (uint256(roles_) << 104)
            | (uint256(MEMBER_ACTIVE) << 136);
    }

    function withMemberStatus(uint256 member, uint8 status_) internal pure returns (uint256) {
        return (member & ~MEMBER_STATUS_MASK) | (uint256(status_) << 136);
    }

    /// @dev Cannot overflow: a balance counts ranges of at least one minor unit, written one transaction at a time.
    function plusCertificate(uint256 member) internal pure returns (uint256) {
        unchecked {
            return member + 1;
        }
    }

    /// @dev Only for a member that holds a certificate, so the balance is at least one.
    function minusCertificate(uint256 member) internal pure returns (uint256) {
        unchecked {
            return member - 1;
        }
    }

    function balance(uint256 member) internal pure returns (uint64) {
        return uint64(member);
    }

    function roles(uint256 member) internal pure returns (uint32) {
        return uint32(member >> 104);
    }

    function memberStatus(uint256 member) internal pure returns (uint8) {
        return uint8(member >> 136);
    }

    /// @notice Whether a member may take part in an operation now: admitted, not suspended, KYC not expired.
    function eligible(uint256 member) internal view returns (bool) {
        return (member >> 136) & 0xff == MEMBER_ACTIVE && block.timestamp < (member >> 64) & 0xffffffffff;
    }

    function isFinancier(uint256 member) internal pure returns (bool) {
        return roles(member) & ROLE_FINANCIER != 0;
    }

    /// @notice How many receivables the member has dishonoured as their debtor and not made good.
    function dishonoured(uint256 member) internal pure returns (uint32) {
        return uint32(member >> DISHONOURED_SHIFT);
    }

    function plusDishonoured(uint256 member) internal pure returns (uint256) {
        return member + (1 << DISHONOURED_SHIFT);
    }

    function minusDishonoured(uint256 member) internal pure returns (uint256) {
        return member - (1 << DISHONOURED_SHIFT);
    }

    // ---- settlement

    function desk(uint256 settlement) internal pure returns (address) {
        return address(uint160(settlement >> DESK_SHIFT));
    }

    function withDesk(uint256 settlement, address desk_) internal pure returns (uint256) {
        return (settlement & ((1 << DESK_SHIFT) - 1)) | (uint256(uint160(desk_)) << DESK_SHIFT);
    }

    // ---- movement and registration: switches and effective-dated parameters

    function rules(uint256 movement) internal pure returns (address) {
        return address(uint160(movement));
    }

    function withRules(uint256 movement, address rules_) internal pure returns (uint256) {
        return (movement >> 160 << 160) | uint160(rules_);
    }

    /// @notice The smallest part that a split may leave or make today, minor units.
    function minimumPart(uint256 movement) internal view returns (uint256) {
        return inForce(movement, MINIMUM_PART_SHIFT, MINIMUM_PART_BITS);
    }

    /// @notice Receivables registered so far.
    function count(uint256 registration) internal pure returns (uint64) {
        return uint64(registration);
    }

    /// @notice Seconds that all ended pauses took.
    function pausedSeconds(uint256 registration) internal pure returns (uint32) {
        return uint32(registration >> PAUSED_SECONDS_SHIFT);
    }

    function plusPausedSeconds(uint256 registration, uint256 seconds_) internal pure returns (uint256) {
        return registration + (seconds_ << PAUSED_SECONDS_SHIFT);
    }

    /// @notice The value in force today of the parameter at this place of a word.
    /// @param bits Width of the value: 32 or 16.
    function inForce(uint256 word, uint256 shift, uint256 bits) internal view returns (uint256) {
        uint256 parameter = word >> shift;
        uint256 mask = (1 << bits) - 1;
        return
            block.timestamp / 1 days < (parameter >> (2 * bits)) & 0xffff
                ? parameter & mask
                : (parameter >> bits) & mask;
    }

    /// @notice The word with another value from a day on; until then what is in force today stays.
    function withParameter(uint256 word, uint256 shift, uint256 bits, uint256 value, uint256 fromDay)
        internal
        view
        returns (uint256)
    {
        uint256 cleared = word & ~(((1 << (2 * bits + DAY_BITS)) - 1) << shift);
        return cleared | (inForce(word, shift, bits) | (value << bits) | (fromDay << (2 * bits))) << shift;
    }
}
