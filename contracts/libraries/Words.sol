// SPDX-License-Identifier: Apache-2.0
pragma solidity 0.8.30;

/// @title Words
/// @notice The packed storage words. Bit ranges are listed from the lowest bit; a word of 0 means "never written".
/// @dev terms       debtor 160 | due 40 | currency 10 | status 4 | flags 42
///      amounts     face 64 | paid 64 | cancelled 64 | disputed 64          (minor units)
///      certificate holder 160 | end 64 | flags 32
///      member      balance 64 | kycExpiry 40 | roles 32 | status 8 | unused 112
///      registry/chain/words.py unpacks the same layout.
library Words {
    uint8 internal constant STATUS_NONE = 0;
    uint8 internal constant STATUS_REGISTERED = 1;
    uint8 internal constant STATUS_CONFIRMED = 2;
    uint8 internal constant STATUS_REFUSED = 3;

    uint8 internal constant MEMBER_ACTIVE = 1;
    uint8 internal constant MEMBER_SUSPENDED = 2;

    uint32 internal constant ROLE_FINANCIER = 1 << 2;

    uint256 internal constant FRONT_ENDORSED = 1 << 214;
    uint256 internal constant APPROVED = 1 << 224;

    uint256 private constant STATUS_MASK = uint256(0xf) << 210;
    uint256 private constant MEMBER_STATUS_MASK = uint256(0xff) << 136;
    uint256 private constant BALANCE_MASK = type(uint64).max;

    // ---- terms

    function packTerms(address debtor_, uint40 due_, uint16 currency_, uint8 status_) internal pure returns (uint256) {
        return
            uint256(uint160(debtor_)) | (uint256(due_) << 160) | (uint256(currency_) << 200) | (uint256(status_) << 210);
    }

    function debtor(uint256 terms) internal pure returns (address) {
        return address(uint160(terms));
    }

    function due(uint256 terms) internal pure returns (uint40) {
        return uint40(terms >> 160);
    }

    function currency(uint256 terms) internal pure returns (uint16) {
        return uint16((terms >> 200) & 0x3ff);
    }

    function status(uint256 terms) internal pure returns (uint8) {
        return uint8((terms >> 210) & 0xf);
    }

    function withStatus(uint256 terms, uint8 status_) internal pure returns (uint256) {
        return (terms & ~STATUS_MASK) | (uint256(status_) << 210);
    }

    // ---- amounts

    function face(uint256 amounts) internal pure returns (uint64) {
        return uint64(amounts);
    }

    function paid(uint256 amounts) internal pure returns (uint64) {
        return uint64(amounts >> 64);
    }

    function cancelled(uint256 amounts) internal pure returns (uint64) {
        return uint64(amounts >> 128);
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

    function certificateFlags(uint256 certificate) internal pure returns (uint32) {
        return uint32(certificate >> 224);
    }

    // ---- member

    function packAdmission(uint256 member, uint40 kycExpiry_, uint32 roles_) internal pure returns (uint256) {
        return (member & BALANCE_MASK) | (uint256(kycExpiry_) << 64) | (uint256(roles_) << 104)
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

    function kycExpiry(uint256 member) internal pure returns (uint40) {
        return uint40(member >> 64);
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
}
