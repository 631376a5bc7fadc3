// SPDX-License-Identifier: Apache-2.0
pragma solidity 0.8.30;

import {Amounts} from "contracts/libraries/Amounts.sol";

import {Book} from "./support/Book.sol";
import {Kind, Schedules, Step} from "./support/Schedules.sol";

/// @title SchedulesTest
/// @notice Random schedules in memory: the formulas of libraries/Amounts.sol over whole lives of a receivable.
contract SchedulesTest is Schedules {
    using Amounts for uint256;

    /// forge-config: default.fuzz.runs = 100000
    /// forge-config: assurance.fuzz.runs = 1000000
    function testFuzz_noScheduleOverpaysAndNothingIsLeftOver(uint256 seed) external {
        _live(seed);
    }

    /// @dev No other kinds change what is due to a certificate.
    function _check(Book memory book, Kind kind) internal pure override {
        require(book.claimed <= book.amounts.paid(), "more was paid out than in");
        if (kind == Kind.PAY || kind == Kind.CREDIT || kind == Kind.RESOLVE || kind == Kind.CLOSE) checkBook(book);
    }
}

/// @title ScheduleKindsTest
/// @notice What is tested by schedules does happen in them.
contract ScheduleKindsTest is Schedules {
    mapping(Kind => uint256) private _taken;

    function test_schedulesTakeEveryKindOfStep() external {
        for (uint256 seed; seed < 200; ++seed) {
            _live(seed);
        }
        for (uint8 kind = 1; kind <= uint8(type(Kind).max); ++kind) {
            require(_taken[Kind(kind)] != 0, "a kind of step is never taken");
        }
    }

    function _follow(Book memory, Step memory step) internal override {
        ++_taken[step.kind];
    }
}
