// SPDX-License-Identifier: Apache-2.0
pragma solidity 0.8.30;

/// @title Vm
/// @notice The part of forge's cheatcodes that these tests use.
interface Vm {
    struct Log {
        bytes32[] topics;
        bytes data;
        address emitter;
    }

    function addr(uint256 key) external pure returns (address);
    function assertEq(uint256 left, uint256 right, string calldata words) external pure;
    function assertLe(uint256 left, uint256 right, string calldata words) external pure;
    function assertLt(uint256 left, uint256 right, string calldata words) external pure;
    function assertTrue(bool condition, string calldata words) external pure;
    function envOr(string calldata name, string calldata otherwise) external view returns (string memory);
    function getRecordedLogs() external returns (Log[] memory);
    function prank(address sender) external;
    function recordLogs() external;
    function sign(uint256 key, bytes32 digest) external pure returns (uint8 v, bytes32 r, bytes32 s);
    function toString(bytes calldata value) external pure returns (string memory);
    function warp(uint256 timestamp) external;
    function writeLine(string calldata path, string calldata line) external;
}

/// @title Test
/// @notice What every test here has: the cheatcodes, and values within bounds drawn from arbitrary ones.
abstract contract Test {
    Vm internal constant vm = Vm(address(uint160(uint256(keccak256("hevm cheat code")))));

    /// @notice A value in [least, most] for an arbitrary one; every value has one that leads to it.
    function within(uint256 value, uint256 least, uint256 most) internal pure returns (uint64) {
        if (value >= least && value <= most) return uint64(value);
        return uint64(least + value % (most - least + 1));
    }
}
