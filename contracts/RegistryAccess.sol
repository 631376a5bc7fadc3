// SPDX-License-Identifier: Apache-2.0
pragma solidity 0.8.30;

import {AccessManager} from "@openzeppelin/contracts/access/manager/AccessManager.sol";

/// @title RegistryAccess
/// @notice Who may call which functions of the registry or of its deposit tokens, and after what delay.
/// @dev OpenZeppelin's AccessManager as it is; it has a name here so that every tool deploys the same artifact. A
///      registry has three: the operator's, and the regulator's and the settlement bank's own, which the operator has no
///      part in.
contract RegistryAccess is AccessManager {
    /// @notice Role that admits and suspends members, and pauses the registry.
    uint64 public constant OPERATOR_ROLE = 1;
    /// @notice Role that sets parameters, rules and descriptor and ends the registry, each time after a delay.
    uint64 public constant GOVERNOR_ROLE = 2;
    /// @notice Role that freezes, cuts and moves for an order, two accounts at a time. At the regulator's only.
    uint64 public constant OFFICER_ROLE = 3;
    /// @notice Role that closes books after a delay, at the operator's; at the bank's own it books deposits.
    uint64 public constant SETTLEMENT_BANK_ROLE = 4;

    constructor(address initialAdmin) AccessManager(initialAdmin) {}
}
