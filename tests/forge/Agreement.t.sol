// SPDX-License-Identifier: Apache-2.0
pragma solidity 0.8.30;

import {IERC1271} from "@openzeppelin/contracts/interfaces/IERC1271.sol";
import {IReceivablesRecords} from "contracts/interfaces/IReceivables.sol";
import {Amounts} from "contracts/libraries/Amounts.sol";
import {Words} from "contracts/libraries/Words.sol";

import {Book, Books, Certificate} from "./support/Book.sol";
import {Chain} from "./support/Chain.sol";
import {Kind, Schedules, Step} from "./support/Schedules.sol";
import {Vm} from "./support/Test.sol";

/// @notice An account that signs whatever it is asked to: who may act is tested elsewhere, and keys cost time.
contract Consenting is IERC1271 {
    function isValidSignature(bytes32, bytes calldata) external pure returns (bytes4) {
        return IERC1271.isValidSignature.selector;
    }
}

/// @notice What the registry says of a receivable and of its certificates.
struct Found {
    IReceivablesRecords.Record record;
    uint256[] ids;
    uint256[] words;
    IReceivablesRecords.Rights[] rights;
    uint64[] redeemable;
}

/// @title AgreementTest
/// @notice Random schedules on the registry itself, beside the same ones in memory: both agree on every minor unit.
/// @dev tests/properties/test_schedules.py runs this with a file to write to and folds what it finds there: there they
///      are as many as `make test` asks for.
contract AgreementTest is Schedules, Chain {
    using Amounts for uint256;
    using Books for Book;
    using Words for uint256;

    address private immutable _debtor = address(new Consenting());
    address[2] private _officers = [address(0x0FF1CE), address(new Consenting())];

    uint256 private _id;
    uint40 private _due;
    bytes32 private _anchorOfAll;
    bytes32 private _claimKeyOfAll;

    /// @dev Where each schedule is written to, a line for each; none without a name.
    string private _file;

    function setUp() external {
        _file = vm.envOr("COUNTERFOIL_TEST_SCHEDULES_FILE", string(""));
        _deploy(_officers);
        _admit(originator);
        _admit(_debtor);
        for (uint256 i; i < financiers.length; ++i) {
            _admit(financiers[i]);
        }
        _deposit(_debtor, type(uint64).max);
        vm.prank(_debtor);
        token.approve(address(registry), type(uint256).max);
    }

    function testFuzz_theRegistryAgreesWithTheModelOnRandomSchedules(uint256 seed) external {
        if (bytes(_file).length != 0) vm.recordLogs();
        _live(seed);
    }

    function _begin(Book memory book) internal override {
        _due = uint40(block.timestamp + 30 days);
        IReceivablesRecords.Terms memory terms = _terms(originator, _debtor, book.face, _due);
        (_anchorOfAll, _claimKeyOfAll) = (_anchor(terms), _claimKey(terms));
        vm.prank(originator);
        _id = registry.register(terms.claim);
        vm.prank(_debtor);
        registry.confirm(_id, terms, new bytes32[](0));
    }

    function _follow(Book memory book, Step memory step) internal override {
        Kind kind = step.kind;
        if (kind == Kind.DUE) return vm.warp(_due);
        if (kind == Kind.CLOSE) {
            vm.warp(_due + GRACE);
            return registry.close(_id);
        }
        if (kind == Kind.PAY) {
            vm.prank(_debtor);
            return registry.pay(_id, step.amount);
        }
        if (kind == Kind.RESOLVE) {
            IReceivablesRecords.Authorisation memory by = _unsigned(_debtor, _anchorOfAll, _claimKeyOfAll);
            vm.prank(originator);
            return registry.resolve(_id, by);
        }
        _followCertificate(book, step, book.certificates[step.i]);
    }

    function _followCertificate(Book memory book, Step memory step, Certificate memory c) private {
        Kind kind = step.kind;
        uint256 range = _range(_id, c.start, c.end);
        if (kind == Kind.REDEEM) return _redeem(book, step.i);
        if (kind == Kind.SPLIT) {
            vm.prank(c.holder);
            registry.split(range, step.amount, step.account, 0);
        } else if (kind == Kind.PLEDGE) {
            vm.prank(c.holder);
            registry.pledge(range, step.account, step.amount);
        } else if (kind == Kind.RELEASE) {
            vm.prank(c.financier);
            registry.release(range);
        } else if (kind == Kind.PARTITION) {
            IReceivablesRecords.Authorisation memory by = _unsigned(_officers[1], _anchorOfAll, _claimKeyOfAll);
            vm.prank(_officers[0]);
            registry.partition(range, step.amount, c.holder, "order", by);
        } else {
            c = book.certificates[0];
            range = _range(_id, c.start, c.end);
            IReceivablesRecords.Authorisation memory by = _unsigned(_debtor, _anchorOfAll, _claimKeyOfAll);
            vm.prank(originator);
            if (kind == Kind.DISPUTE) registry.dispute(range, step.amount, by);
            else registry.creditNote(range, step.amount, by);
        }
    }

    function _redeem(Book memory book, uint256 i) private {
        Certificate memory c = book.certificates[i];
        (uint64 toHolder, uint64 toFinancier) = book.shares(i);
        uint256 holders = token.balanceOf(c.holder);
        uint256 financiers_ = token.balanceOf(c.financier);
        uint64 amount = registry.redeem(_id << 64 | c.start);
        require(amount == toHolder + toFinancier, "another payout");
        require(token.balanceOf(c.holder) == holders + toHolder, "the holder got another part");
        require(token.balanceOf(c.financier) == financiers_ + toFinancier, "the financier got another part");
    }

    function _check(Book memory book, Kind kind) internal view override {
        super._check(book, kind);
        uint256 held = token.balanceOf(address(registry));
        require(held == book.amounts.paid() - book.claimed, "money missing or left over");
    }

    function _compare(Book memory book) internal override {
        Found memory found = _found(book);
        IReceivablesRecords.Record memory record = found.record;
        uint8 status = book.settled() ? Words.STATUS_SETTLED : Words.STATUS_CONFIRMED;
        if (book.closed) status = Words.STATUS_CLOSED;
        require(record.terms.status() == status, "another status");
        require(record.amounts == book.amounts, "other amounts");
        require(status == Words.STATUS_SETTLED || record.claimed == book.claimed, "another sum paid out");
        for (uint256 i; i < book.count; ++i) {
            Certificate memory c = book.certificates[i];
            IReceivablesRecords.Rights memory rights = found.rights[i];
            require(found.words[i].holder() == c.holder && found.words[i].end() == c.end, "another certificate");
            require(rights.claimed == c.claimed, "another claim");
            require(rights.lien.rightful() == c.financier && rights.lien.amount() == c.secured, "another lien");
            (uint64 payout,) = book.due(i);
            require(found.redeemable[i] == payout, "another amount due");
        }
        if (bytes(_file).length != 0) vm.writeLine(_file, vm.toString(_written(found)));
    }

    function _found(Book memory book) private view returns (Found memory found) {
        uint256[] memory receivables = new uint256[](1);
        receivables[0] = _id;
        uint256[] memory ids = new uint256[](book.count);
        for (uint256 i; i < book.count; ++i) {
            ids[i] = _id << 64 | book.certificates[i].start;
        }
        found.record = registry.receivables(receivables)[0];
        found.ids = ids;
        found.words = registry.certificates(ids);
        found.rights = registry.rights(ids);
        found.redeemable = registry.redeemable(ids);
    }

    /// @dev Words of 32 bytes: registry, token, id, the record, how many certificates; six words of each; every log,
    ///      with its emitter, how many topics and bytes it has, and these.
    function _written(Found memory found) private returns (bytes memory words) {
        words = abi.encode(address(registry), address(token), _id, found.record, found.ids.length);
        for (uint256 i; i < found.ids.length; ++i) {
            words = bytes.concat(words, abi.encode(found.ids[i], found.words[i], found.rights[i], found.redeemable[i]));
        }
        Vm.Log[] memory logs = vm.getRecordedLogs();
        for (uint256 i; i < logs.length; ++i) {
            bytes32[] memory topics = logs[i].topics;
            bytes memory data = logs[i].data;
            words = bytes.concat(
                words, abi.encode(logs[i].emitter, topics.length, data.length), abi.encodePacked(topics), data
            );
        }
    }
}
