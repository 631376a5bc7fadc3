// SPDX-License-Identifier: Apache-2.0
pragma solidity 0.8.30;

import {Book} from "./support/Book.sol";
import {Kind, Schedules, Step} from "./support/Schedules.sol";

/// @title SchedulesTest
/// @notice Random schedules in memory: the formulas of libraries/Amounts.sol over whole lives of a receivable.
contract SchedulesTest is Schedules {
    /// forge-config: default.fuzz.runs = 10000
    /// forge-config: assurance.fuzz.runs = 250000
    function testFuzz_noScheduleOverpaysAndNothingIsLeftOver(uint256 seed) external {
        _live(seed);
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
