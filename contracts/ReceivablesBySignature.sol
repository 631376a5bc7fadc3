// SPDX-License-Identifier: Apache-2.0
pragma solidity 0.8.30;

import {Extended} from "./base/Extended.sol";
import {Ledger} from "./base/Ledger.sol";
import {Signatures} from "./base/Signatures.sol";
import {ISignedOperations} from "./interfaces/IReceivables.sol";

/// @title ReceivablesBySignature
/// @notice The doors of the registry for signatures: the operations of members, submitted by anyone.
/// @dev Code that Receivables runs in its own storage; alone it has no members and does nothing.
contract ReceivablesBySignature is Signatures, Extended, ISignedOperations {
    bytes32 private constant REGISTER = keccak256(
        "Register(address signer,address debtor,uint64 face,uint40 due,uint16 currency,bytes32 fingerprint,bytes32 documentRoot,uint256 nonce,uint256 deadline)"
    );
    bytes32 private constant CONFIRM = keccak256(
        "Confirm(address signer,uint256 receivableId,address originator,uint64 face,uint40 due,uint16 currency,bytes32 anchor,uint256 nonce,uint256 deadline)"
    );
    bytes32 private constant REFUSE = keccak256(
        "Refuse(address signer,uint256 receivableId,uint8 reason,bytes32 anchor,uint256 nonce,uint256 deadline)"
    );
    bytes32 private constant WITHDRAW =
        keccak256("Withdraw(address signer,uint256 receivableId,bytes32 anchor,uint256 nonce,uint256 deadline)");
    bytes32 private constant COUNTER_OFFER = keccak256(
        "CounterOffer(address signer,uint256 receivableId,uint64 face,uint40 due,bytes32 anchor,uint256 nonce,uint256 deadline)"
    );
    bytes32 private constant ACCEPT_OFFER = keccak256(
        "AcceptOffer(address signer,uint256 receivableId,uint64 face,uint40 due,bytes32 anchor,uint256 nonce,uint256 deadline)"
    );
    bytes32 private constant SPLIT = keccak256(
        "Split(address signer,uint256 receivableId,uint64 start,uint64 end,uint64 cut,address receiver,bytes32 document,bytes32 anchor,uint256 nonce,uint256 deadline)"
    );
    bytes32 private constant SPLIT_MANY = keccak256(
        "SplitMany(address signer,uint256 receivableId,uint64 start,uint64 end,Part[] parts,bytes32 anchor,uint256 nonce,uint256 deadline)Part(uint64 cut,address receiver,bytes32 document)"
    );
    bytes32 private constant PART = keccak256("Part(uint64 cut,address receiver,bytes32 document)");
    bytes32 private constant ENDORSE = keccak256(
        "Endorse(address signer,uint256 receivableId,uint64 start,uint64 end,address receiver,bytes32 document,bytes32 anchor,uint256 nonce,uint256 deadline)"
    );
    bytes32 private constant ENDORSE_MANY = keccak256(
        "EndorseMany(address signer,Endorsement[] endorsements,uint256 nonce,uint256 deadline)Endorsement(uint256 receivableId,uint64 start,uint64 end,address receiver,bytes32 document,bytes32 anchor)"
    );
    bytes32 private constant ENDORSEMENT = keccak256(
        "Endorsement(uint256 receivableId,uint64 start,uint64 end,address receiver,bytes32 document,bytes32 anchor)"
    );
    bytes32 private constant MERGE = keccak256(
        "Merge(address signer,uint256 receivableId,uint64 start,uint64 cut,uint64 end,bytes32 anchor,uint256 nonce,uint256 deadline)"
    );
    bytes32 private constant APPROVE = keccak256(
        "Approve(address signer,uint256 receivableId,uint64 start,uint64 end,address to,bytes32 anchor,uint256 nonce,uint256 deadline)"
    );
    bytes32 private constant SET_APPROVAL_FOR_ALL =
        keccak256("SetApprovalForAll(address signer,address operator,bool approved,uint256 nonce,uint256 deadline)");

    /// @param extension_ ReceivablesOversight, made for the same predecessor.
    /// @param predecessor_ As in Receivables.
    constructor(address extension_, address predecessor_) Ledger(address(0), predecessor_) Extended(extension_) {
        if (Ledger(extension_).predecessor() != predecessor_) revert ExtensionMismatch();
    }

    /// @inheritdoc ISignedOperations
    function registerBySignature(Claim calldata claim, Authorisation calldata by) external returns (uint256) {
        _requireSignature(by, keccak256(abi.encode(REGISTER, by.signer, claim, by.nonce, by.deadline)));
        return _register(by.signer, claim);
    }

    /// @inheritdoc ISignedOperations
    function confirmBySignature(
        uint256 receivableId,
        Terms calldata terms,
        bytes32[] calldata since,
        Authorisation calldata by
    ) external {
        bytes memory fields = abi.encode(
            CONFIRM, by.signer, receivableId, terms.originator, terms.claim.face, terms.claim.due, terms.claim.currency
        );
        _requireAnswer(receivableId, by, fields);
        _confirm(by.signer, receivableId, terms, since);
    }

    /// @inheritdoc ISignedOperations
    function refuseBySignature(
        uint256 receivableId,
        Terms calldata terms,
        bytes32[] calldata since,
        uint8 reason,
        Authorisation calldata by
    ) external {
        _requireAnswer(receivableId, by, abi.encode(REFUSE, by.signer, receivableId, reason));
        _refuse(by.signer, receivableId, terms, since, reason);
    }

    /// @inheritdoc ISignedOperations
    function withdrawBySignature(
        uint256 receivableId,
        Terms calldata terms,
        bytes32[] calldata since,
        Authorisation calldata by
    ) external {
        _requireAnswer(receivableId, by, abi.encode(WITHDRAW, by.signer, receivableId));
        _withdraw(by.signer, receivableId, terms, since);
    }

    /// @inheritdoc ISignedOperations
    function counterOfferBySignature(
        uint256 receivableId,
        Terms calldata terms,
        bytes32[] calldata since,
        uint64 face,
        uint40 due,
        Authorisation calldata by
    ) external {
        _requireAnswer(receivableId, by, abi.encode(COUNTER_OFFER, by.signer, receivableId, face, due));
        _counterOffer(by.signer, receivableId, terms, since, face, due);
    }

    /// @inheritdoc ISignedOperations
    function acceptOfferBySignature(
        uint256 receivableId,
        Terms calldata terms,
        bytes32[] calldata since,
        Offer calldata offer,
        Authorisation calldata by
    ) external {
        _requireAnswer(receivableId, by, abi.encode(ACCEPT_OFFER, by.signer, receivableId, offer.face, offer.due));
        _acceptOffer(by.signer, receivableId, terms, since, offer);
    }

    /// @inheritdoc ISignedOperations
    function splitBySignature(uint256 range, uint64 cut, address receiver, bytes32 document, Authorisation calldata by)
        external
        returns (uint256)
    {
        _requireMove(range, by, SPLIT, abi.encode(cut, receiver, document));
        return _split(by.signer, range, cut, receiver, document);
    }

    /// @inheritdoc ISignedOperations
    function splitManyBySignature(uint256 range, Part[] calldata parts, Authorisation calldata by) external {
        bytes32[] memory hashes = new bytes32[](parts.length);
        for (uint256 i; i < parts.length; ++i) {
            hashes[i] = keccak256(abi.encode(PART, parts[i]));
        }
        _requireMove(range, by, SPLIT_MANY, abi.encode(keccak256(abi.encodePacked(hashes))));
        _splitMany(by.signer, range, parts);
    }

    /// @inheritdoc ISignedOperations
    function endorseBySignature(uint256 range, address receiver, bytes32 document, Authorisation calldata by) external {
        _requireMove(range, by, ENDORSE, abi.encode(receiver, document));
        _endorse(by.signer, range, receiver, document);
    }

    /// @inheritdoc ISignedOperations
    function endorseManyBySignature(AnchoredEndorsement[] calldata endorsements, Authorisation calldata by) external {
        bytes32[] memory hashes = new bytes32[](endorsements.length);
        for (uint256 i; i < endorsements.length; ++i) {
            AnchoredEndorsement calldata one = endorsements[i];
            (uint64 start, uint64 end) = (uint64(one.range >> 64), uint64(one.range));
            hashes[i] = keccak256(
                abi.encode(ENDORSEMENT, one.range >> 128, start, end, one.receiver, one.document, one.anchor)
            );
        }
        bytes32 whole = keccak256(abi.encodePacked(hashes));
        _requireSignature(by, keccak256(abi.encode(ENDORSE_MANY, by.signer, whole, by.nonce, by.deadline)));

        if (endorsements.length == 0) revert BatchEmpty();
        for (uint256 i; i < endorsements.length; ++i) {
            AnchoredEndorsement calldata one = endorsements[i];
            _requireSameReceivable(one.range >> 128, one.anchor, one.claimKey);
            _endorse(by.signer, one.range, one.receiver, one.document);
        }
    }

    /// @inheritdoc ISignedOperations
    function mergeBySignature(uint256 range, uint64 end, Authorisation calldata by) external {
        _requireMove(range, by, MERGE, abi.encode(end));
        _merge(by.signer, range, end);
    }

    /// @inheritdoc ISignedOperations
    function approveBySignature(uint256 range, address to, Authorisation calldata by) external {
        _requireMove(range, by, APPROVE, abi.encode(to));
        _approve(by.signer, range >> 64, _requireWhole(range), to);
    }

    /// @inheritdoc ISignedOperations
    function setApprovalForAllBySignature(address operator, bool approved, Authorisation calldata by) external {
        bytes32 structHash =
            keccak256(abi.encode(SET_APPROVAL_FOR_ALL, by.signer, operator, approved, by.nonce, by.deadline));
        _requireSignature(by, structHash);
        _setApprovalForAll(by.signer, operator, approved);
    }

    /// @inheritdoc ISignedOperations
    function cancelNonces(uint256 word, uint256 mask) external {
        _nonces[msg.sender][word] |= mask;
        emit NoncesCancelled(msg.sender, word, mask);
    }

    /// @inheritdoc ISignedOperations
    function noncesUsed(address signer, uint256 word) external view returns (uint256) {
        return _nonces[signer][word];
    }

    /// @dev An answer is to what the signer saw and nothing after it: the anchor is the head itself.
    function _requireAnswer(uint256 receivableId, Authorisation calldata by, bytes memory fields) private {
        _requireSignature(by, keccak256(bytes.concat(fields, _tail(by))));
        bytes32 head = _records[receivableId].head;
        if (by.anchor != head) revert AnchorMismatch(head);
    }
}
