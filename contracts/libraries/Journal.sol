// SPDX-License-Identifier: Apache-2.0
pragma solidity 0.8.30;

/// @title Journal
/// @notice The hash chain that every receivable keeps: one entry per operation, only the head is stored.
/// @dev genesis = keccak256(abi.encode("counterfoil/1", chainid, address(this), journalId))
///      entry   = keccak256(abi.encode(operation, at, start, end, keccak256(abi.encode(details...))))
///      head'   = keccak256(abi.encode(head, entry))
///      All parts are 32-byte words. registry/domain/journal.py holds the same formulas off chain.
library Journal {
    bytes32 internal constant DOMAIN = "counterfoil/1";

    // Operation codes. They are hashed into every journal: a code is never reused and never changes.
    uint8 internal constant REGISTERED = 1;
    uint8 internal constant CONFIRMED = 2;
    uint8 internal constant REFUSED = 3;
    uint8 internal constant SPLIT = 4;
    uint8 internal constant ENDORSED = 5;
    uint8 internal constant MEMBER_ADMITTED = 128;
    uint8 internal constant MEMBER_SUSPENDED = 129;

    /// @notice The head of an empty journal of this contract on this chain.
    /// @param journalId Receivable id, or 0 for the registry's own journal.
    function genesis(uint256 journalId) internal view returns (bytes32) {
        return keccak256(abi.encode(DOMAIN, block.chainid, address(this), journalId));
    }

    /// @notice The hash of one entry.
    /// @param operation Operation code.
    /// @param at Block timestamp, seconds since 1970.
    /// @param start First minor unit of the range that the operation covers.
    /// @param end End of that range, exclusive.
    /// @param details Hash of the operation's own fields, one word each.
    /// @dev keccak256(abi.encode(operation, at, start, end, details)), in memory that the next allocation reuses.
    function entry(uint256 operation, uint256 at, uint256 start, uint256 end, bytes32 details)
        internal
        pure
        returns (bytes32 result)
    {
        assembly ("memory-safe") {
            let free := mload(0x40)
            mstore(free, operation)
            mstore(add(free, 0x20), at)
            mstore(add(free, 0x40), start)
            mstore(add(free, 0x60), end)
            mstore(add(free, 0x80), details)
            result := keccak256(free, 0xa0)
        }
    }

    /// @notice The head after one more entry.
    /// @dev keccak256(abi.encode(head, entryHash)), in the scratch space.
    function append(bytes32 head, bytes32 entryHash) internal pure returns (bytes32 result) {
        assembly ("memory-safe") {
            mstore(0x00, head)
            mstore(0x20, entryHash)
            result := keccak256(0x00, 0x40)
        }
    }
}
