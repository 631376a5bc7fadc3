// SPDX-License-Identifier: Apache-2.0
pragma solidity 0.8.30;

import {Amounts} from "contracts/libraries/Amounts.sol";

import {Checks, Claiming, Reaching} from "./support/Checks.sol";

/// @title Formulas
/// @notice Both payout formulas of libraries/Amounts.sol, for every face of 64 bits.
/// @dev No solver multiplies and divides unknown numbers of 64 bits. A product or a quotient is any number here, but for
///      the laws of whole numbers that a check names; where it names none, the claim follows from the form alone.
abstract contract FormulasChecks is Checks {
    using Amounts for uint256;

    /// @dev A certificate [start, end) of a receivable, in whichever tranche it lies.
    struct Share {
        uint256 amounts;
        uint64 face;
        uint64 start;
        uint64 end;
    }

    /// @dev [from, to), of which `part` is paid.
    struct Tranche {
        uint256 from;
        uint256 to;
        uint256 part;
    }

    function check_openShareIsAtMostItsLength(Share memory s) external pure {
        Tranche memory t = _tranche(s);
        (uint256 length, uint256 whole) = (s.end - s.start, t.to - t.from);
        uint256 exact = _times(length, t.part) / whole;
        _lawOfGreaterFactors(length, t.part, whole);
        _lawOfGreaterDividends(_times(length, t.part), _times(length, whole), whole);
        _lawOfCancelling(length, whole);
        // The share is the quotient itself: nothing is lost between 256 and 64 bits.
        _must(true, s.amounts.due(s.face, s.start, s.end, false) == exact && exact <= length);
    }

    function check_openShareIsItsLengthOnceAllIsPaid(Share memory s) external pure {
        Tranche memory t = _tranche(s);
        symbolic.assume(t.part == t.to - t.from);
        _lawOfCancelling(s.end - s.start, t.part);
        _must(true, s.amounts.due(s.face, s.start, s.end, false) == s.end - s.start);
    }

    function check_openShareNeverFallsWithAPayment(Share memory s, uint64 paid) external pure {
        Tranche memory t = _tranche(s);
        uint64 before = s.amounts.due(s.face, s.start, s.end, false);
        symbolic.assume(s.amounts.paid() <= paid);
        s.amounts = s.amounts.withPaid(paid);
        Tranche memory later = _tranche(s);
        (uint256 length, uint256 whole) = (s.end - s.start, t.to - t.from);
        _lawOfGreaterFactors(length, t.part, later.part);
        _lawOfGreaterFactors(length, later.part, whole);
        _lawOfGreaterDividends(_times(length, t.part), _times(length, later.part), whole);
        _lawOfGreaterDividends(_times(length, later.part), _times(length, whole), whole);
        _lawOfCancelling(length, whole);
        _must(true, before <= s.amounts.due(s.face, s.start, s.end, false));
    }

    function check_openSharesOfPartsAreAtMostThatOfTheWhole(Share memory s, uint64 cut) external pure {
        Tranche memory t = _tranche(s);
        symbolic.assume(s.start < cut);
        symbolic.assume(cut < s.end);
        (uint256 front, uint256 tail, uint256 whole) = (cut - s.start, s.end - cut, t.to - t.from);
        _lawOfSums(front, tail, t.part);
        _lawOfRounding(_times(front, t.part), _times(tail, t.part), whole);
        uint256 length = front + tail;
        _lawOfGreaterFactors(length, t.part, whole);
        _lawOfGreaterDividends(_times(length, t.part), _times(length, whole), whole);
        _lawOfCancelling(length, whole);
        uint256 parts = s.amounts.due(s.face, s.start, cut, false);
        parts += s.amounts.due(s.face, cut, s.end, false);
        _must(true, parts <= s.amounts.due(s.face, s.start, s.end, false));
    }

    /// @dev By the form alone: the quotient at the cut is taken off on one side and added on the other.
    function check_closedSharesOfPartsAreThatOfTheWhole(Share memory s, uint64 cut) external pure {
        _tranche(s);
        symbolic.assume(s.start < cut);
        symbolic.assume(cut < s.end);
        unchecked {
            uint64 parts = s.amounts.due(s.face, s.start, cut, true) + s.amounts.due(s.face, cut, s.end, true);
            _must(true, parts == s.amounts.due(s.face, s.start, s.end, true));
        }
    }

    /// @dev With the check before: whatever the cuts, the shares of a tranche are all that is paid of it.
    function check_closedShareOfATrancheIsWhatIsPaidOfIt(Share memory s) external pure {
        Tranche memory t = _tranche(s);
        symbolic.assume(s.start == t.from);
        symbolic.assume(s.end == t.to);
        uint256 whole = t.to - t.from;
        symbolic.assume(_times(whole, t.part) / whole == t.part);
        symbolic.assume(_times(0, t.part) == 0);
        symbolic.assume(_times(s.start - t.from, t.part) / whole == 0);
        _must(true, s.amounts.due(s.face, s.start, s.end, true) == t.part);
    }

    function check_closedShareIsAtMostItsLength(Share memory s) external pure {
        Tranche memory t = _tranche(s);
        (uint256 length, uint256 whole) = (s.end - s.start, t.to - t.from);
        uint256 first = _times(s.start - t.from, t.part);
        uint256 last = _times(s.end - t.from, t.part);
        _lawOfSums(s.start - t.from, length, t.part);
        _lawOfGreaterFactors(length, t.part, whole);
        _lawOfGreaterDividends(first, last, whole);
        _lawOfGreaterDividends(last, first + _times(length, whole), whole);
        _lawOfAddedMultiples(first, length, whole);
        uint256 exact = last / whole - first / whole;
        _must(true, s.amounts.due(s.face, s.start, s.end, true) == exact && exact <= length);
    }

    // ---- the laws that are taken for granted, of numbers of 64 bits and their products

    /// @dev Where b <= c, n * b <= n * c; a product is at most 2^128.
    function _lawOfGreaterFactors(uint256 n, uint256 b, uint256 c) private pure {
        symbolic.assume(_one(b > c) | _one(_times(n, b) <= _times(n, c)) == 1);
        symbolic.assume(_times(n, b) >> 128 == 0);
        symbolic.assume(_times(n, c) >> 128 == 0);
    }

    /// @dev Where a <= b, a / n <= b / n.
    function _lawOfGreaterDividends(uint256 a, uint256 b, uint256 n) private pure {
        symbolic.assume(_one(a > b) | _one(a / n <= b / n) == 1);
    }

    /// @dev (a * n) / n = a
    function _lawOfCancelling(uint256 a, uint256 n) private pure {
        symbolic.assume(_times(a, n) / n == a);
    }

    /// @dev (a + b) * n = a * n + b * n; a product is at most 2^128.
    function _lawOfSums(uint256 a, uint256 b, uint256 n) private pure {
        unchecked {
            symbolic.assume(_times(a + b, n) == _times(a, n) + _times(b, n));
            symbolic.assume((_times(a, n) | _times(b, n)) >> 128 == 0);
        }
    }

    /// @dev (a + b * n) / n = a / n + b
    function _lawOfAddedMultiples(uint256 a, uint256 b, uint256 n) private pure {
        unchecked {
            symbolic.assume((a + _times(b, n)) / n == a / n + b);
        }
    }

    /// @dev a / n + b / n <= (a + b) / n
    function _lawOfRounding(uint256 a, uint256 b, uint256 n) private pure {
        unchecked {
            symbolic.assume(a / n + b / n <= (a + b) / n);
        }
    }

    function _times(uint256 a, uint256 b) private pure returns (uint256) {
        unchecked {
            return a * b;
        }
    }

    // ---- any receivable

    /// @dev Takes away what is no certificate of a receivable: what is credited and paid is at most the face, and the
    ///      certificate lies in one tranche.
    function _tranche(Share memory s) private pure returns (Tranche memory t) {
        uint256 cancelled = s.amounts.cancelled();
        uint256 boundary = s.amounts.senior();
        symbolic.assume(cancelled < s.face);
        symbolic.assume(s.amounts.paid() <= s.face - cancelled);
        symbolic.assume(s.start < s.end);
        t = Tranche(cancelled, s.face, s.amounts.paid());
        if (boundary != 0) {
            symbolic.assume(cancelled < boundary);
            symbolic.assume(boundary <= s.face);
            uint256 first = s.face - boundary;
            if (s.start >= boundary) {
                t.from = boundary;
                t.part = t.part < first ? t.part : first;
            } else {
                t.to = boundary;
                t.part = t.part < first ? 0 : t.part - first;
            }
        }
        symbolic.assume(t.from <= s.start);
        symbolic.assume(s.end <= t.to);
    }
}

contract Formulas is FormulasChecks, Claiming {}

contract FormulasReached is FormulasChecks, Reaching {}
