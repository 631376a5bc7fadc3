// SPDX-License-Identifier: Apache-2.0
pragma solidity 0.8.30;

import {Test} from "../../forge/support/Test.sol";

/// @title Svm
/// @notice The part of halmos' own cheatcodes that these checks use.
interface Svm {
    function createAddress(string calldata name) external pure returns (address);
    function createBytes(uint256 length, string calldata name) external pure returns (bytes memory);
    function createBytes32(string calldata name) external pure returns (bytes32);
    function createUint(uint256 bits, string calldata name) external pure returns (uint256);
    function createUint256(string calldata name) external pure returns (uint256);
    function enableSymbolicStorage(address account) external;
}

/// @title SymbolicVm
/// @notice Forge's cheatcodes that only these checks use.
interface SymbolicVm {
    function assume(bool condition) external pure;
    function load(address account, bytes32 slot) external view returns (bytes32);
    function store(address account, bytes32 slot, bytes32 value) external;
}

/// @title Checks
/// @notice What every check here has. What it claims, it claims of all arguments and states at once.
/// @dev `_must` is the only place where a check can fail, and what Reaching turns round: a claim that nothing reaches
///      says nothing. Words are compared without a branch, or each comparison would double the paths.
abstract contract Checks is Test {
    Svm internal constant svm = Svm(address(uint160(uint256(keccak256("svm cheat code")))));
    SymbolicVm internal constant symbolic = SymbolicVm(address(vm));

    /// @notice The claim of a check: where the premise holds, so does the conclusion.
    function _must(bool premise, bool conclusion) internal pure virtual;

    /// @notice Where to look for an example that reaches the claim. Takes nothing away from the claim itself.
    function _lookWhere(bool condition) internal pure virtual;

    /// @dev The difference, or none where the condition holds; without a branch.
    function _unless(bool condition, uint256 difference) internal pure returns (uint256 wrong) {
        assembly ("memory-safe") {
            wrong := and(sub(0, iszero(condition)), difference)
        }
    }

    function _when(bool condition, uint256 difference) internal pure returns (uint256 wrong) {
        assembly ("memory-safe") {
            wrong := and(sub(0, condition), difference)
        }
    }

    function _one(bool condition) internal pure returns (uint256 one) {
        assembly ("memory-safe") {
            one := condition
        }
    }
}

/// @title Claiming
/// @notice Checks as they are meant.
abstract contract Claiming is Checks {
    function _must(bool premise, bool conclusion) internal pure override {
        if (premise) assert(conclusion);
    }

    function _lookWhere(bool) internal pure override {}
}

/// @title Reaching
/// @notice Checks turned round: each must be refuted, by an example that reaches its claim.
abstract contract Reaching is Checks {
    function _must(bool premise, bool) internal pure override {
        assert(!premise);
    }

    function _lookWhere(bool condition) internal pure override {
        symbolic.assume(condition);
    }
}
