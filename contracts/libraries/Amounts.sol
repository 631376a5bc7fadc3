// SPDX-License-Identifier: Apache-2.0
pragma solidity 0.8.30;

/// @title Amounts
/// @notice What was paid, credited and disputed of a receivable, in one word, and what follows for each of its cents.
/// @dev amounts  paid 64 | cancelled 64 | senior 64 | disputed 1 | dishonoured 1 | 62 free; minor units.
///      Credit notes take [0, cancelled) away. Payments go first to [senior, face), where a dispute set `senior` (0 for
///      none), and what exceeds that goes to [cancelled, senior). Within each of these tranches [from, to) of N = to -
///      from minor units, of which `part` are paid, a certificate [start, end) is due
///          open    floor((end - start) * part / N)
///          closed  floor((end - from) * part / N) - floor((start - from) * part / N)
///      The first never falls as payments come in and is exact when N are paid; the second adds up to `part` over the
///      tranche, and no payment comes after it. No certificate lies in two tranches.
library Amounts {
    uint256 internal constant DISPUTED = 1 << 192;
    uint256 internal constant DISHONOURED = 1 << 193;

    function paid(uint256 amounts) internal pure returns (uint64) {
        return uint64(amounts);
    }

    function cancelled(uint256 amounts) internal pure returns (uint64) {
        return uint64(amounts >> 64);
    }

    /// @notice Where the cents begin that are paid first; 0 where all are paid alike.
    function senior(uint256 amounts) internal pure returns (uint64) {
        return uint64(amounts >> 128);
    }

    function isDisputed(uint256 amounts) internal pure returns (bool) {
        return amounts & DISPUTED != 0;
    }

    function withPaid(uint256 amounts, uint64 paid_) internal pure returns (uint256) {
        return (amounts & ~uint256(type(uint64).max)) | paid_;
    }

    function withCancelled(uint256 amounts, uint64 cancelled_) internal pure returns (uint256) {
        return (amounts & ~(uint256(type(uint64).max) << 64)) | (uint256(cancelled_) << 64);
    }

    /// @notice The word with [cancelled, disputed) in dispute.
    function withDispute(uint256 amounts, uint64 disputed) internal pure returns (uint256) {
        return amounts | (uint256(disputed) << 128) | DISPUTED;
    }

    /// @notice The word without a dispute. What was paid while it lasted stays with the cents that it was paid for.
    function withoutDispute(uint256 amounts) internal pure returns (uint256) {
        amounts &= ~DISPUTED;
        return paid(amounts) == 0 ? amounts & ~(uint256(type(uint64).max) << 128) : amounts;
    }

    /// @notice The word without a boundary: one of the two tranches has no cents left.
    function withoutTranches(uint256 amounts) internal pure returns (uint256) {
        return amounts & ~(uint256(type(uint64).max) << 128 | DISPUTED);
    }

    /// @notice What can be paid now: of what is neither credited nor disputed nor paid.
    function payable_(uint256 amounts, uint64 face) internal pure returns (uint64) {
        uint64 from = isDisputed(amounts) ? senior(amounts) : cancelled(amounts);
        return face - from - paid(amounts);
    }

    /// @notice What is due to [start, end) of all that was paid so far, whatever of it was paid out already.
    /// @param closed Whether the book is closed.
    function due(uint256 amounts, uint64 face, uint64 start, uint64 end, bool closed) internal pure returns (uint64) {
        uint256 from = cancelled(amounts);
        uint256 to = face;
        uint256 part = paid(amounts);
        uint256 boundary = senior(amounts);
        if (boundary != 0) {
            uint256 first = to - boundary;
            if (start >= boundary) {
                from = boundary;
                part = part < first ? part : first;
            } else {
                to = boundary;
                part = part < first ? 0 : part - first;
            }
        }
        uint256 whole = to - from;
        // In 256 bits: the products of two numbers of 64 bits have room.
        if (!closed) return uint64(uint256(end - start) * part / whole);
        return uint64((end - from) * part / whole - (start - from) * part / whole);
    }
}
