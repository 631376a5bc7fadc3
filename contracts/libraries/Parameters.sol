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

    /// @notice First values. None is zero.
    /// @param tenorLimitDays A due date lies at most so many days ahead.
    /// @param minimumPart Smallest part of a split, minor units.
    /// @param answerWindowDays Days that a debtor has to answer before a claim can lapse.
    /// @param unansweredMax Claims of one originator on one debtor that may wait for an answer at a time.
    struct Values {
        uint16 tenorLimitDays;
        uint32 minimumPart;
        uint16 answerWindowDays;
        uint16 unansweredMax;
    }

    /// @notice The two words with these values in force from the beginning of time.
    function first(Values memory values) internal pure returns (uint256 movement, uint256 registration) {
        if (
            values.tenorLimitDays == 0 || values.minimumPart == 0 || values.answerWindowDays == 0
                || values.unansweredMax == 0
        ) revert IReceivablesRecords.ParameterMalformed();
        movement = uint256(values.minimumPart) << (Words.MINIMUM_PART_SHIFT + Words.MINIMUM_PART_BITS);
        registration = uint256(values.tenorLimitDays) << (Words.TENOR_LIMIT_SHIFT + Words.SHORT_BITS)
            | uint256(values.answerWindowDays) << (Words.ANSWER_WINDOW_SHIFT + Words.SHORT_BITS)
            | uint256(values.unansweredMax) << (Words.UNANSWERED_SHIFT + Words.SHORT_BITS);
    }

    /// @notice The words with another value of one parameter from a day on.
    /// @param effective Midnight UTC later than now, seconds since 1970.
    function set(uint256 movement, uint256 registration, uint8 parameter, uint64 value, uint40 effective)
        internal
        view
        returns (uint256, uint256)
    {
        bool isPart = parameter == MINIMUM_PART;
        uint256 bits = isPart ? Words.MINIMUM_PART_BITS : Words.SHORT_BITS;
        uint256 day = effective / 1 days;
        if (
            parameter == 0 || parameter > UNANSWERED_MAX || value == 0 || value >> bits != 0 || effective % 1 days != 0
                || effective <= block.timestamp || day > type(uint16).max
        ) revert IReceivablesRecords.ParameterMalformed();
        if (isPart) {
            return (Words.withParameter(movement, Words.MINIMUM_PART_SHIFT, bits, value, day), registration);
        }
        uint256 shift = parameter == TENOR_LIMIT
            ? Words.TENOR_LIMIT_SHIFT
            : parameter == ANSWER_WINDOW ? Words.ANSWER_WINDOW_SHIFT : Words.UNANSWERED_SHIFT;
        return (movement, Words.withParameter(registration, shift, bits, value, day));
    }
}
