// SPDX-License-Identifier: Apache-2.0
pragma solidity 0.8.30;

/// @title IDepositToken
/// @notice Deposits of one currency at a settlement bank, as money for one registry's members.
/// @dev It also answers to IERC20, IERC20Metadata, IERC20Permit (ERC-2612) and IERC5267. Amounts are minor units of the
///      currency. Whose deposits move, and to whom, is the registry's to say: requireSpending. What the registry itself
///      moves, payments in and payouts, goes by its own rules.
interface IDepositToken {
    /// @notice The bank took a deposit in.
    /// @param bankReference The bank's own reference of the booking, as 32 bytes.
    event Minted(address indexed to, uint256 amount, bytes32 indexed bankReference);

    /// @notice The bank paid a deposit out.
    event Burned(address indexed from, uint256 amount, bytes32 indexed bankReference);

    error AmountMissing();
    error ReferenceMissing();
    error ReferenceUsed(bytes32 bankReference);

    /// @notice Add a deposit. The bank only.
    /// @param bankReference The bank's booking, not 0. It counts once, whether for a deposit or a withdrawal: so a call
    ///        that is sent again after a lost answer is refused, and a correction is a booking of its own.
    function mint(address to, uint256 amount, bytes32 bankReference) external;

    /// @notice Take a deposit away, which its owner has allowed the caller to. The bank only.
    /// @param bankReference As for mint.
    function burn(address from, uint256 amount, bytes32 bankReference) external;

    /// @notice Whether a booking has been counted.
    function isBooked(bytes32 bankReference) external view returns (bool);

    /// @notice The registry whose members' money this is.
    function registry() external view returns (address);

    /// @notice ISO 4217 numeric code.
    function currency() external view returns (uint16);
}
