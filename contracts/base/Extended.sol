// SPDX-License-Identifier: Apache-2.0
pragma solidity 0.8.30;

/// @title Extended
/// @notice A contract that leaves calls it does not know to code at a fixed address, in its own storage.
/// @dev Not a proxy that somebody can turn elsewhere: the address is fixed at construction and part of the code.
abstract contract Extended {
    /// @notice Where the rest of the code is.
    address public immutable extension;

    constructor(address extension_) {
        extension = extension_;
    }

    /// @dev Not payable: the registry holds no ether.
    fallback() external {
        address code = extension;
        assembly ("memory-safe") {
            let free := mload(0x40)
            calldatacopy(free, 0, calldatasize())
            let done := delegatecall(gas(), code, free, calldatasize(), 0, 0)
            returndatacopy(free, 0, returndatasize())
            if iszero(done) { revert(free, returndatasize()) }
            return(free, returndatasize())
        }
    }
}
