// SPDX-License-Identifier: Apache-2.0
pragma solidity 0.8.30;

import {Amounts} from "contracts/libraries/Amounts.sol";

/// @notice A certificate of the model, its lien and what was paid out on it. Amounts are minor units.
struct Certificate {
    uint64 start;
    uint64 end;
    address holder;
    /// @dev 0 without a lien.
    address financier;
    uint64 secured;
    uint64 claimed;
    /// @dev Its first minor unit has been the originator's all along: a credit note starts there.
    bool original;
}

/// @notice A receivable of the model, from its confirmation on.
/// @param certificates Room for certificates; the first `count`, in order of their cents, are there.
/// @param claimed What was paid out so far, in all.
/// @param gone Length of the certificates that were paid out and are no more.
/// @param partitions How many partitions there were.
/// @param toFinanciers What of it went to financiers with a lien.
/// @param toEndedLiens The same of those liens alone that were released or paid out with their certificate.
struct Book {
    uint64 face;
    uint256 amounts;
    Certificate[] certificates;
    uint256 count;
    bool closed;
    uint64 claimed;
    uint64 gone;
    uint256 partitions;
    uint64 toFinanciers;
    uint64 toEndedLiens;
}

/// @title Books
/// @notice What payments, redemptions, orders, disputes and credit notes do to a receivable, said once more and in
///         memory: who may do it and when is not asked here. libraries/Amounts.sol alone is shared with the registry.
library Books {
    using Amounts for uint256;

    function open(uint64 face, address holder, uint256 room) internal pure returns (Book memory book) {
        book.face = face;
        book.certificates = new Certificate[](room);
        book.certificates[0] = Certificate(0, face, holder, address(0), 0, 0, true);
        book.count = 1;
    }

    function settled(Book memory book) internal pure returns (bool) {
        return book.amounts.paid() == book.face - book.amounts.cancelled();
    }

    function length(Certificate memory c) internal pure returns (uint64) {
        return c.end - c.start;
    }

    // ---- what the parties do

    function pay(Book memory book, uint64 amount) internal pure {
        book.amounts = book.amounts.withPaid(book.amounts.paid() + amount);
    }

    function dispute(Book memory book, uint64 until) internal pure {
        Certificate memory front = book.certificates[0];
        if (until < front.end) _cut(book, 0, until);
        book.amounts = book.amounts.withDispute(until);
    }

    function resolve(Book memory book) internal pure {
        book.amounts = book.amounts.withoutDispute();
    }

    function credit(Book memory book, uint64 amount) internal pure {
        Certificate memory front = book.certificates[0];
        uint64 cancelled = front.start + amount;
        book.amounts = book.amounts.withCancelled(cancelled);
        if (book.amounts.senior() == cancelled) book.amounts = book.amounts.withoutTranches();
        if (cancelled == front.end) _remove(book, 0);
        else front.start = cancelled;
    }

    function close(Book memory book) internal pure {
        book.closed = true;
        if (book.amounts.payable_(book.face) != 0) book.amounts |= Amounts.DISHONOURED;
    }

    // ---- what holders, financiers and officers do

    /// @notice [cut, end) is a certificate of the receiver's, with nothing on it.
    function split(Book memory book, uint256 i, uint64 cut, address receiver) internal pure {
        _cut(book, i, cut);
        book.certificates[i + 1].holder = receiver;
    }

    /// @notice [cut, end) is a certificate of the same holder's; what lies on the whole lies on both in proportion.
    function partition(Book memory book, uint256 i, uint64 cut) internal pure {
        Certificate memory front = book.certificates[i];
        uint64 whole = length(front);
        _cut(book, i, cut);
        ++book.partitions;
        Certificate memory tail = book.certificates[i + 1];
        (front.secured, tail.secured) = _divide(front.secured, length(front), whole);
        (front.claimed, tail.claimed) = _divide(front.claimed, length(front), whole);
        tail.financier = tail.secured == 0 ? address(0) : front.financier;
        if (front.secured == 0) front.financier = address(0);
    }

    function pledge(Book memory book, uint256 i, address financier, uint64 secured) internal pure {
        book.certificates[i].financier = financier;
        book.certificates[i].secured = secured;
    }

    function release(Book memory book, uint256 i) internal pure {
        Certificate memory c = book.certificates[i];
        book.toEndedLiens += least(c.claimed, c.secured);
        (c.financier, c.secured) = (address(0), 0);
    }

    /// @notice What a redemption pays out now.
    /// @return payout Minor units.
    /// @return refused Whether it is refused: nothing is to be paid out, and the certificate has not its whole length.
    function due(Book memory book, uint256 i) internal pure returns (uint64 payout, bool refused) {
        Certificate memory c = book.certificates[i];
        uint64 share = book.amounts.due(book.face, c.start, c.end, book.closed);
        if (share > c.claimed) payout = share - c.claimed;
        payout = least(payout, book.amounts.paid() - book.claimed);
        refused = payout == 0 && c.claimed != length(c);
    }

    /// @notice How that is divided: the lien comes first, up to its secured amount.
    function shares(Book memory book, uint256 i) internal pure returns (uint64 toHolder, uint64 toFinancier) {
        Certificate memory c = book.certificates[i];
        (uint64 payout,) = due(book, i);
        toFinancier = least(c.claimed + payout, c.secured) - least(c.claimed, c.secured);
        toHolder = payout - toFinancier;
    }

    function redeem(Book memory book, uint256 i) internal pure {
        Certificate memory c = book.certificates[i];
        (uint64 toHolder, uint64 toFinancier) = shares(book, i);
        c.claimed += toHolder + toFinancier;
        book.claimed += toHolder + toFinancier;
        book.toFinanciers += toFinancier;
        if (!book.closed && c.claimed != length(c)) return;
        release(book, i);
        book.gone += length(c);
        _remove(book, i);
    }

    /// @notice What the liens that stand have been paid so far.
    function toStandingLiens(Book memory book) internal pure returns (uint64 sum) {
        for (uint256 i; i < book.count; ++i) {
            sum += least(book.certificates[i].claimed, book.certificates[i].secured);
        }
    }

    // ---- parts

    function _cut(Book memory book, uint256 i, uint64 cut) private pure {
        Certificate memory front = book.certificates[i];
        for (uint256 j = book.count; j > i + 1; --j) {
            book.certificates[j] = book.certificates[j - 1];
        }
        book.certificates[i + 1] = Certificate(cut, front.end, front.holder, address(0), 0, 0, false);
        front.end = cut;
        ++book.count;
    }

    function _remove(Book memory book, uint256 i) private pure {
        --book.count;
        for (; i < book.count; ++i) {
            book.certificates[i] = book.certificates[i + 1];
        }
    }

    function _divide(uint64 amount, uint64 part, uint64 whole) private pure returns (uint64 front, uint64 tail) {
        front = uint64(uint256(amount) * part / whole);
        tail = amount - front;
    }

    function least(uint64 a, uint64 b) internal pure returns (uint64) {
        return a < b ? a : b;
    }
}
