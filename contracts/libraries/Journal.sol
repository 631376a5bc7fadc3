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
    uint8 internal constant WITHDRAWN = 6;
    uint8 internal constant LAPSED = 7;
    uint8 internal constant COUNTER_OFFERED = 8;
    uint8 internal constant OFFER_ACCEPTED = 9;
    uint8 internal constant MERGED = 10;
    uint8 internal constant PARTITIONED = 11;
    uint8 internal constant CERTIFICATE_FROZEN = 12;
    uint8 internal constant CERTIFICATE_UNFROZEN = 13;
    uint8 internal constant RECEIVABLE_FROZEN = 14;
    uint8 internal constant RECEIVABLE_UNFROZEN = 15;
    uint8 internal constant FORCED_TRANSFER = 16;
    uint8 internal constant PLEDGED = 17;
    uint8 internal constant RELEASED = 18;
    uint8 internal constant SOLD = 19;
    uint8 internal constant PAID = 20;
    uint8 internal constant REDEEMED = 21;
    uint8 internal constant CLOSED = 22;
    uint8 internal constant CREDIT_NOTED = 23;
    uint8 internal constant DISPUTED = 24;
    uint8 internal constant RESOLVED = 25;
    uint8 internal constant DISHONOURED = 26;
    uint8 internal constant ABSOLVED = 27;
    uint8 internal constant RECOURSE_DEMANDED = 28;
    uint8 internal constant REPURCHASED = 29;

    // Journal R-0, the registry's own.
    uint8 internal constant MEMBER_ADMITTED = 128;
    uint8 internal constant MEMBER_SUSPENDED = 129;
    uint8 internal constant MEMBER_FROZEN = 130;
    uint8 internal constant MEMBER_UNFROZEN = 131;
    uint8 internal constant PAUSED = 132;
    uint8 internal constant UNPAUSED = 133;
    uint8 internal constant PARAMETER_SET = 134;
    uint8 internal constant RULES_SET = 135;
    uint8 internal constant DESCRIPTOR_SET = 136;
    uint8 internal constant SUNSET = 137;
    uint8 internal constant DEPOSIT_TOKEN_SET = 138;
    uint8 internal constant DESK_SET = 139;

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

    /// @notice The head after these further entries: who knows an earlier head proves that it led to this one.
    function appendAll(bytes32 head, bytes32[] calldata entryHashes) internal pure returns (bytes32) {
        for (uint256 i; i < entryHashes.length; ++i) {
            head = append(head, entryHashes[i]);
        }
        return head;
    }
}
