// SPDX-License-Identifier: Apache-2.0
pragma solidity 0.8.30;

import {Amounts} from "contracts/libraries/Amounts.sol";

import {Book, Books, Certificate} from "./Book.sol";
import {Test} from "./Test.sol";

/// @notice What a schedule consists of. DUE is the coming of the due date.
enum Kind {
    NONE,
    SPLIT,
    PLEDGE,
    RELEASE,
    PARTITION,
    DISPUTE,
    RESOLVE,
    CREDIT,
    DUE,
    PAY,
    REDEEM,
    CLOSE
}

/// @notice One step, which the rules allow.
/// @param i Place of the certificate in the book, where it is about one.
/// @param amount What is paid, credited or secured, or where a certificate is cut, minor units.
/// @param account Receiver or financier.
struct Step {
    Kind kind;
    uint256 i;
    uint64 amount;
    address account;
}

/// @notice A schedule as far as it has come.
struct Course {
    uint256 seed;
    Book book;
    bool due;
}

/// @title Schedules
/// @notice Random lives of a receivable: what is split, pledged, partitioned, disputed, credited, paid, redeemed and
///         closed, in any order that the rules allow, with what must hold at each step of every such life.
abstract contract Schedules is Test {
    using Amounts for uint256;
    using Books for Book;
    using Books for Certificate;

    uint256 private constant STEPS_MAX = 14;
    uint64 private constant SMALL_FACE = 40;

    address internal originator = address(0x0A11CE);
    address[3] internal financiers = [address(0xF1), address(0xF2), address(0xF3)];

    /// @dev Runs one schedule from its confirmation to its end.
    function _live(uint256 seed) internal {
        Course memory c;
        c.seed = seed;
        // Every other face is small: there a minor unit more or less shows.
        uint64 most = _roll(c) % 2 == 0 ? SMALL_FACE : type(uint64).max >> _roll(c) % 64;
        uint64 face = within(_roll(c), 1, most);
        c.book = Books.open(face, originator, STEPS_MAX + 4);
        _begin(c.book);
        uint256 steps = _roll(c) % (STEPS_MAX + 1);
        for (uint256 i; i < steps; ++i) {
            if (i == steps / 2 && !c.due) _take(c, Step(Kind.DUE, 0, 0, address(0)));
            _take(c, _draw(c));
        }
        _end(c);
    }

    /// @dev For whoever takes the same schedule elsewhere: the receivable is confirmed.
    function _begin(Book memory book) internal virtual {}

    /// @dev The same: this step is taken. The book is as it was before.
    function _follow(Book memory book, Step memory step) internal virtual {}

    /// @dev The same: this is what came of the last step. No other kinds change what is due to a certificate.
    function _check(Book memory book, Kind kind) internal view virtual {
        require(book.claimed <= book.amounts.paid(), "more was paid out than in");
        if (kind == Kind.PAY || kind == Kind.CREDIT || kind == Kind.RESOLVE || kind == Kind.CLOSE) checkBook(book);
    }

    /// @dev The same: this is what came of all steps.
    function _compare(Book memory book) internal virtual {}

    // ---- the course

    function _take(Course memory c, Step memory step) private {
        if (step.kind == Kind.NONE) return;
        if (step.kind == Kind.REDEEM) _checkShare(c.book, step.i);
        _follow(c.book, step);
        _apply(c, step);
        _check(c.book, step.kind);
    }

    /// @dev Left open, closed, or paid in full; then all is redeemed that can be, in some order.
    function _end(Course memory c) private {
        if (!c.due) _take(c, Step(Kind.DUE, 0, 0, address(0)));
        bool over = c.book.settled();
        uint256 way = over ? 0 : _roll(c) % 4;
        if (way == 1) {
            _take(c, Step(Kind.CLOSE, 0, 0, address(0)));
        } else if (way > 1) {
            _take(c, _draft(c, Kind.RESOLVE));
            uint64 payable_ = c.book.amounts.payable_(c.book.face);
            if (payable_ != 0) _take(c, Step(Kind.PAY, 0, payable_, address(0)));
        }
        over = over || way != 0;
        for (uint256 i = c.book.count; i > 0; --i) {
            (, bool refused) = c.book.due(i - 1);
            if (!refused) _take(c, Step(Kind.REDEEM, i - 1, 0, address(0)));
        }
        checkBook(c.book);
        _compare(c.book);
        if (over) require(c.book.claimed == c.book.amounts.paid(), "not all of what was paid was paid out");
    }

    /// @dev A step that the rules allow now: any kind, or the next one that is possible. Every other one is a split
    ///      before the due date, and a payment or a redemption from then on.
    function _draw(Course memory c) private view returns (Step memory step) {
        uint256 kinds = uint256(Kind.REDEEM);
        Kind first = Kind(1 + _roll(c) % kinds);
        if (_roll(c) % 2 == 0) first = !c.due ? Kind.SPLIT : _roll(c) % 2 == 0 ? Kind.PAY : Kind.REDEEM;
        for (uint256 i; i < kinds && step.kind == Kind.NONE; ++i) {
            step = _draft(c, Kind(1 + (uint256(first) - 1 + i) % kinds));
        }
    }

    function _draft(Course memory c, Kind kind) private view returns (Step memory step) {
        Book memory book = c.book;
        if (book.count == 0) return step;
        uint256 i = _roll(c) % book.count;
        Certificate memory certificate = book.certificates[i];
        uint64 start = certificate.start;
        uint64 end = certificate.end;
        uint64 amount;
        address account;
        if (kind == Kind.SPLIT) {
            if (!_moves(c, certificate) || end - start == 1) return step;
            (amount, account) = (_amount(c, start + 1, end - 1), _account(c));
        } else if (kind == Kind.PLEDGE) {
            if (!_moves(c, certificate)) return step;
            (amount, account) = (_amount(c, 1, end - start), _account(c));
            if (account == certificate.holder) return step;
        } else if (kind == Kind.RELEASE) {
            if (certificate.secured == 0) return step;
        } else if (kind == Kind.PARTITION) {
            if (end - start == 1) return step;
            amount = _amount(c, start + 1, end - 1);
        } else if (kind == Kind.DISPUTE || kind == Kind.CREDIT) {
            // The front certificate; of one whose tranche got something nothing is credited.
            certificate = book.certificates[0];
            bool disputing = kind == Kind.DISPUTE;
            uint64 senior = book.amounts.senior();
            bool untouched =
                book.amounts.paid() == 0 || (!disputing && senior != 0 && book.amounts.paid() <= book.face - senior);
            if (book.settled() || !certificate.original || certificate.secured != 0 || !untouched) return step;
            if (disputing && book.amounts.isDisputed()) return step;
            amount = _amount(c, 1, certificate.length());
            if (disputing) amount += certificate.start;
        } else if (kind == Kind.RESOLVE) {
            if (!book.amounts.isDisputed()) return step;
        } else if (kind == Kind.DUE) {
            if (c.due) return step;
        } else if (kind == Kind.PAY) {
            uint64 most = book.amounts.payable_(book.face);
            if (most == 0 || (!c.due && _roll(c) % 4 != 0)) return step;
            amount = c.due ? _amount(c, 1, most) : most;
        } else {
            (, bool refused) = book.due(i);
            if (refused) return step;
        }
        return Step(kind, i, amount, account);
    }

    function _apply(Course memory c, Step memory step) private pure {
        Book memory book = c.book;
        if (step.kind == Kind.SPLIT) book.split(step.i, step.amount, step.account);
        else if (step.kind == Kind.PLEDGE) book.pledge(step.i, step.account, step.amount);
        else if (step.kind == Kind.RELEASE) book.release(step.i);
        else if (step.kind == Kind.PARTITION) book.partition(step.i, step.amount);
        else if (step.kind == Kind.DISPUTE) book.dispute(step.amount);
        else if (step.kind == Kind.RESOLVE) book.resolve();
        else if (step.kind == Kind.CREDIT) book.credit(step.amount);
        else if (step.kind == Kind.DUE) c.due = true;
        else if (step.kind == Kind.PAY) book.pay(step.amount);
        else if (step.kind == Kind.REDEEM) book.redeem(step.i);
        else book.close();
    }

    /// @dev Certificates move before the due date, while nothing is paid, and where nothing is disputed or pledged.
    function _moves(Course memory c, Certificate memory certificate) private pure returns (bool) {
        uint256 amounts = c.book.amounts;
        bool disputed = amounts.isDisputed() && certificate.start < amounts.senior();
        return !c.due && amounts.paid() == 0 && !disputed && certificate.secured == 0;
    }

    // ---- what holds at each step

    /// @dev What is due was paid in and is there: but for a minor unit that a partition left with another part.
    function _checkShare(Book memory book, uint256 i) private pure {
        Certificate memory c = book.certificates[i];
        uint64 share = book.amounts.due(book.face, c.start, c.end, book.closed);
        uint256 left = book.amounts.paid() - book.claimed;
        require(share <= c.claimed + left + book.partitions, "what is due is not there");
    }

    function checkBook(Book memory book) internal pure {
        require(book.claimed <= book.amounts.paid(), "more was paid out than in");
        uint64 at = book.amounts.cancelled();
        uint64 lengths = at + book.gone;
        uint64 ahead;
        for (uint256 i; i < book.count; ++i) {
            Certificate memory c = book.certificates[i];
            require(at <= c.start, "certificates overlap");
            require(c.claimed <= c.length(), "more than the certificate says was paid out on it");
            uint64 share = book.amounts.due(book.face, c.start, c.end, book.closed);
            if (c.claimed > share) ahead += c.claimed - share;
            at = c.end;
            lengths += c.length();
        }
        require(lengths == book.face, "cents were lost or made");
        require(ahead <= book.partitions, "a payment or a credit note took something away");
        uint64 toLiens = book.toStandingLiens() + book.toEndedLiens;
        require(book.toFinanciers == toLiens, "financiers did not get their secured amounts first");
    }

    // ---- draws

    function _account(Course memory c) private view returns (address) {
        return financiers[_roll(c) % financiers.length];
    }

    /// @dev Often close to one of the bounds.
    function _amount(Course memory c, uint64 least, uint64 most) private pure returns (uint64) {
        uint256 way = _roll(c);
        uint64 width = uint64((most - least) >> (way >> 8) % 64);
        uint64 off = within(_roll(c), 0, width);
        return way % 4 == 0 ? most - off : least + off;
    }

    function _roll(Course memory c) internal pure returns (uint256 value) {
        assembly ("memory-safe") {
            mstore(0, mload(c))
            value := keccak256(0, 0x20)
            mstore(c, value)
        }
    }
}
