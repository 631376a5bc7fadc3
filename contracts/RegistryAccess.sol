// SPDX-License-Identifier: Apache-2.0
pragma solidity 0.8.30;

import {AccessManager} from "@openzeppelin/contracts/access/manager/AccessManager.sol";

/// @title RegistryAccess
/// @notice Who may call the operator's functions of the registry, and after what delay.
/// @dev OpenZeppelin's AccessManager as it is; it has a name here so that every tool deploys the same artifact.
contract RegistryAccess is AccessManager {
    /// @notice Role that admits and suspends members.
    uint64 public constant OPERATOR_ROLE = 1;

    constructor(address initialAdmin) AccessManager(initialAdmin) {}
}
