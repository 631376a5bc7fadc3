// SPDX-License-Identifier: Apache-2.0
pragma solidity 0.8.30;

import {Strings} from "@openzeppelin/contracts/utils/Strings.sol";

/// @title Text
/// @notice Amounts and dates as text: ASCII digits and the marks between them, so safe in XML and JSON.
library Text {
    using Strings for uint256;

    /// @notice Decimal text exact to the minor unit, without grouping: 125000 with 2 decimals is "1250.00".
    function decimal(uint256 minor, uint256 exponent) internal pure returns (string memory) {
        return string.concat((minor / 10 ** exponent).toString(), _fraction(minor, exponent));
    }

    /// @notice The same for people, with thousands set apart: "1,250.00".
    function grouped(uint256 minor, uint256 exponent) internal pure returns (string memory) {
        return string.concat(_thousands(minor / 10 ** exponent), _fraction(minor, exponent));
    }

    /// @notice Digits of a number, with zeros before them up to a width.
    function padded(uint256 value, uint256 width) internal pure returns (string memory digits) {
        digits = value.toString();
        while (bytes(digits).length < width) digits = string.concat("0", digits);
    }

    /// @notice Day of an instant in UTC, ISO 8601: "2027-02-20".
    /// @dev In years that begin on 1 March, where a leap day is the last, 146,097 days make 400 of them; 719,468 days
    ///      lie between 1 March of the year 0 and 1970.
    function date(uint256 timestamp) internal pure returns (string memory) {
        uint256 day = timestamp / 1 days + 719_468;
        uint256 cycle = day / 146_097;
        day %= 146_097;
        uint256 year = (day - day / 1460 + day / 36_524 - day / 146_096) / 365;
        day -= 365 * year + year / 4 - year / 100;
        year += 400 * cycle;
        uint256 month = (5 * day + 2) / 153;
        day -= (153 * month + 2) / 5;
        (year, month) = month < 10 ? (year, month + 3) : (year + 1, month - 9);
        return string.concat(padded(year, 4), "-", padded(month, 2), "-", padded(day + 1, 2));
    }

    /// @notice An instant to the minute: "2027-02-20 23:59 UTC".
    function instant(uint256 timestamp) internal pure returns (string memory) {
        string memory hour = padded(timestamp / 1 hours % 24, 2);
        return string.concat(date(timestamp), " ", hour, ":", padded(timestamp / 1 minutes % 60, 2), " UTC");
    }

    function _fraction(uint256 minor, uint256 exponent) private pure returns (string memory) {
        return exponent == 0 ? "" : string.concat(".", padded(minor % 10 ** exponent, exponent));
    }

    function _thousands(uint256 value) private pure returns (string memory text) {
        for (; value >= 1000; value /= 1000) {
            text = string.concat(",", padded(value % 1000, 3), text);
        }
        return string.concat(value.toString(), text);
    }
}
