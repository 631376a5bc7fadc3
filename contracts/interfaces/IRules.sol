// SPDX-License-Identifier: Apache-2.0
pragma solidity 0.8.30;

/// @title IRules
/// @notice Further rules that the law or a platform lays on registering, confirming and moving receivables.
/// @dev Replaceable, unlike the registry. It is asked last, in a static call, when the registry itself would accept;
///      it forbids by reverting. It is never asked about refusing, withdrawing, lapsing, merging or orders.
///      Of a batch it is asked about each part, and the registry's views then show what the parts before it left: a
///      batch is allowed where the same operations one by one are.
interface IRules {
    /// @notice What is about to happen.
    /// @param operation Operation code as in libraries/Journal.sol.
    /// @param receivableId The receivable; for a registration the id that it will have.
    /// @param actor Who acts: the holder or its operator, the originator, the debtor.
    /// @param from Who gives: the holder; the debtor of a confirmation; the originator of a registration.
    /// @param to Who receives: the receiver; the originator of a confirmation; the debtor of a registration.
    /// @param start First minor unit of what moves or comes to be.
    /// @param end End of it, exclusive.
    struct Act {
        uint8 operation;
        uint256 receivableId;
        address actor;
        address from;
        address to;
        uint64 start;
        uint64 end;
    }

    /// @notice Reverts unless the act is allowed.
    /// @param registry The contract that asks, for rules that serve several.
    function check(address registry, Act calldata act) external view;
}
