// SPDX-License-Identifier: Apache-2.0
pragma solidity 0.8.30;

import {IReceivablesRecords} from "../interfaces/IReceivables.sol";
import {Words} from "./Words.sol";

/// @title Parameters
/// @notice What law or the platform may change: values with the day from which they hold.
library Parameters {
    uint8 internal constant TENOR_LIMIT = 1;
    uint8 internal constant MINIMUM_PART = 2;
    uint8 internal constant ANSWER_WINDOW = 3;
    uint8 internal constant UNANSWERED_MAX = 4;
    uint8 internal constant FORCED_TRANSFER_DELAY = 5;
    uint8 internal constant OVERDUE_GRACE = 6;

    /// @dev Longer, and no debt would ever be reported: the grace counts for those that are due already, too.
    uint256 internal constant OVERDUE_GRACE_DAYS_MAX = 365;

    /// @notice First values. None is zero.
    /// @param tenorLimitDays A due date lies at most so many days ahead.
    /// @param minimumPart Smallest part of a split, minor units.
    /// @param answerWindowDays Days that a debtor has to answer before a claim can lapse.
    /// @param unansweredMax Claims of one originator on one debtor that may wait for an answer at a time.
    /// @param overdueGraceDays Days after the due date from which an unpaid debt can be reported as dishonoured.
    struct Values {
        uint16 tenorLimitDays;
        uint32 minimumPart;
        uint16 answerWindowDays;
        uint16 unansweredMax;
        uint16 overdueGraceDays;
    }

    /// @notice The three words with these values in force from the beginning of time.
    function first(Values memory values)
        internal
        pure
        returns (uint256 movement, uint256 registration, uint256 settlement)
    {
        if (
            values.tenorLimitDays == 0 || values.minimumPart == 0 || values.answerWindowDays == 0
                || values.unansweredMax == 0 || values.overdueGraceDays == 0
                || values.overdueGraceDays > OVERDUE_GRACE_DAYS_MAX
        ) revert IReceivablesRecords.ParameterMalformed();
        movement = uint256(values.minimumPart) << (Words.MINIMUM_PART_SHIFT + Words.MINIMUM_PART_BITS);
        registration = uint256(values.tenorLimitDays) << (Words.TENOR_LIMIT_SHIFT + Words.SHORT_BITS)
            | uint256(values.answerWindowDays) << (Words.ANSWER_WINDOW_SHIFT + Words.SHORT_BITS)
            | uint256(values.unansweredMax) << (Words.UNANSWERED_SHIFT + Words.SHORT_BITS);
        settlement = uint256(values.overdueGraceDays) << (Words.OVERDUE_GRACE_SHIFT + Words.SHORT_BITS);
    }

    /// @notice The words with another value of one parameter from a day on.
    /// @param effective Midnight UTC later than now, seconds since 1970.
    function set(
        uint256 movement,
        uint256 registration,
        uint256 settlement,
        uint8 parameter,
        uint64 value,
        uint40 effective
    ) internal view returns (uint256, uint256, uint256) {
        bool isPart = parameter == MINIMUM_PART;
        uint256 bits = isPart ? Words.MINIMUM_PART_BITS : Words.SHORT_BITS;
        uint256 day = effective / 1 days;
        if (
            parameter == 0 || parameter > OVERDUE_GRACE || parameter == FORCED_TRANSFER_DELAY || value == 0
                || value >> bits != 0 || effective % 1 days != 0 || effective <= block.timestamp
                || day > type(uint16).max || (parameter == OVERDUE_GRACE && value > OVERDUE_GRACE_DAYS_MAX)
        ) revert IReceivablesRecords.ParameterMalformed();
        if (isPart) {
            movement = Words.withParameter(movement, Words.MINIMUM_PART_SHIFT, bits, value, day);
        } else if (parameter == OVERDUE_GRACE) {
            settlement = Words.withParameter(settlement, Words.OVERDUE_GRACE_SHIFT, bits, value, day);
        } else {
            uint256 shift = parameter == TENOR_LIMIT
                ? Words.TENOR_LIMIT_SHIFT
                : parameter == ANSWER_WINDOW ? Words.ANSWER_WINDOW_SHIFT : Words.UNANSWERED_SHIFT;
            registration = Words.withParameter(registration, shift, bits, value, day);
        }
        return (movement, registration, settlement);
    }
}
