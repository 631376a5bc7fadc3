// SPDX-License-Identifier: Apache-2.0
pragma solidity 0.8.30;

import {EIP712} from "@openzeppelin/contracts/utils/cryptography/EIP712.sol";
import {SignatureChecker} from "@openzeppelin/contracts/utils/cryptography/SignatureChecker.sol";

import {Ledger} from "./Ledger.sol";

/// @title Signatures
/// @notice Signatures that stand for their signer's transaction: EIP-712, of accounts and of contracts (ERC-1271).
/// @dev The domain is {name: "Counterfoil", version: "1", chainId, verifyingContract: the registry}. A type names its
///      operation and ends with the anchor (where the operation names one receivable), the nonce and the deadline.
///      A signature counts once, until its deadline, and only for the receivable that its anchor names; of a
///      batch over several receivables each item has its anchor.
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

    /// @dev What concerns one certificate of a receivable, whatever became of the others meanwhile.
    function _requireMove(uint256 range, Authorisation calldata by, bytes32 typeHash, bytes memory fields) internal {
        bytes memory whole = abi.encode(typeHash, by.signer, range >> 128, uint64(range >> 64), uint64(range));
        _requireAct(range >> 128, by, bytes.concat(whole, fields));
    }

    /// @dev What concerns one confirmed receivable. `fields` is the type's hash and all before its tail.
    function _requireAct(uint256 receivableId, Authorisation calldata by, bytes memory fields) internal {
        _requireSignature(by, keccak256(bytes.concat(fields, _tail(by))));
        _requireSameReceivable(receivableId, by);
    }

    function _requireSameReceivable(uint256 receivableId, Authorisation calldata by) internal view {
        _requireSameReceivable(receivableId, by.anchor, by.claimKey);
    }

    /// @dev What every type with an anchor ends with.
    function _tail(Authorisation calldata by) internal pure returns (bytes memory) {
        return abi.encode(by.anchor, by.nonce, by.deadline);
    }
}
