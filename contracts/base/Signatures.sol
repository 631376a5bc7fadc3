// SPDX-License-Identifier: Apache-2.0
pragma solidity 0.8.30;

import {EIP712} from "@openzeppelin/contracts/utils/cryptography/EIP712.sol";
import {SignatureChecker} from "@openzeppelin/contracts/utils/cryptography/SignatureChecker.sol";

import {Journal} from "../libraries/Journal.sol";
import {Ledger} from "./Ledger.sol";

/// @title Signatures
/// @notice Signatures that stand for their signer's transaction: EIP-712, of accounts and of contracts (ERC-1271).
/// @dev The domain is {name: "Counterfoil", version: "1", chainId, verifyingContract: the registry}. A type names its
///      operation and ends with the anchor (where the operation names a receivable), the nonce and the deadline.
///      A signature counts once, until its deadline, and only while the journal goes on from the anchor: a receivable
///      that got the same id on another fork has another journal.
abstract contract Signatures is Ledger, EIP712 {
    constructor() EIP712("Counterfoil", "1") {}

    /// @dev Checks deadline, nonce and signature, and uses the nonce up.
    function _requireSignature(Authorisation calldata by, bytes32 structHash) internal {
        if (block.timestamp > by.deadline) revert SignatureExpired(by.deadline);
        uint256 word = _nonces[by.signer][by.nonce >> 8];
        uint256 bit = 1 << (by.nonce & 0xff);
        if (word & bit != 0) revert NonceUsed(by.nonce);
        if (!SignatureChecker.isValidSignatureNowCalldata(by.signer, _hashTypedDataV4(structHash), by.signature)) {
            revert SignatureInvalid(by.signer);
        }
        _nonces[by.signer][by.nonce >> 8] = word | bit;
    }

    /// @dev The journal goes on from the anchor.
    function _requireJournal(uint256 journalId, Authorisation calldata by) internal view {
        bytes32 head = _records[journalId].head;
        if (Journal.appendAll(by.anchor, by.since) != head) revert AnchorMismatch(head);
    }

    /// @dev What every type with an anchor ends with.
    function _tail(Authorisation calldata by) internal pure returns (bytes memory) {
        return abi.encode(by.anchor, by.nonce, by.deadline);
    }
}
