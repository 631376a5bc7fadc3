// SPDX-License-Identifier: Apache-2.0
pragma solidity 0.8.30;

import {Text} from "./Text.sol";

/// @title Currencies
/// @notice ISO 4217 list one, as of 2026: alpha code and decimals of a numeric code.
/// @dev The same list in the same form as registry/domain/money.py, each entry alpha code and numeric code. Codes
///      without a minor unit and withdrawn ones are left out.
library Currencies {
    uint256 private constant ENTRY_BYTES = 6;

    bytes private constant NO_DECIMALS = "BIF108CLP152DJF262GNF324ISK352JPY392KMF174KRW410PYG600RWF646UGX800UYI940"
        "VND704VUV548XAF950XOF952XPF953";
    bytes private constant TWO_DECIMALS = "AED784AFN971ALL008AMD051AOA973ARS032AUD036AWG533AZN944BAM977BBD052BDT050"
        "BMD060BND096BOB068BOV984BRL986BSD044BTN064BWP072BYN933BZD084CAD124CDF976CHE947CHF756CHW948CNY156COP170COU970"
        "CRC188CUP192CVE132CZK203DKK208DOP214DZD012EGP818ERN232ETB230EUR978FJD242FKP238GBP826GEL981GHS936GIP292GMD270"
        "GTQ320GYD328HKD344HNL340HTG332HUF348IDR360ILS376INR356IRR364JMD388KES404KGS417KHR116KPW408KYD136KZT398LAK418"
        "LBP422LKR144LRD430LSL426MAD504MDL498MGA969MKD807MMK104MNT496MOP446MRU929MUR480MVR462MWK454MXN484MXV979MYR458"
        "MZN943NAD516NGN566NIO558NOK578NPR524NZD554PAB590PEN604PGK598PHP608PKR586PLN985QAR634RON946RSD941RUB643SAR682"
        "SBD090SCR690SDG938SEK752SGD702SHP654SLE925SOS706SRD968SSP728STN930SVC222SYP760SZL748THB764TJS972TMT934TOP776"
        "TRY949TTD780TWD901TZS834UAH980USD840USN997UYU858UZS860VED926VES928WST882XAD396XCD951XCG532YER886ZAR710ZMW967"
        "ZWG924";
    bytes private constant THREE_DECIMALS = "BHD048IQD368JOD400KWD414LYD434OMR512TND788";
    bytes private constant FOUR_DECIMALS = "CLF990UYW927";

    /// @notice What to call a currency, and how many decimals its minor unit has.
    /// @param numeric ISO 4217 numeric code, 1 to 999.
    /// @return code Alpha code; "#999" for a number that is no active currency, whose amounts stay minor units.
    function find(uint256 numeric) internal pure returns (string memory code, uint256 exponent) {
        string memory digits = Text.padded(numeric, 3);
        if (bytes(code = _in(TWO_DECIMALS, digits)).length != 0) return (code, 2);
        if (bytes(code = _in(NO_DECIMALS, digits)).length != 0) return (code, 0);
        if (bytes(code = _in(THREE_DECIMALS, digits)).length != 0) return (code, 3);
        if (bytes(code = _in(FOUR_DECIMALS, digits)).length != 0) return (code, 4);
        return (string.concat("#", digits), 0);
    }

    function _in(bytes memory entries, string memory digits) private pure returns (string memory) {
        bytes3 wanted = bytes3(bytes(digits));
        for (uint256 i; i < entries.length; i += ENTRY_BYTES) {
            if (_three(entries, i + 3) == wanted) return string(abi.encodePacked(_three(entries, i)));
        }
        return "";
    }

    function _three(bytes memory entries, uint256 at) private pure returns (bytes3) {
        return bytes3(abi.encodePacked(entries[at], entries[at + 1], entries[at + 2]));
    }
}
