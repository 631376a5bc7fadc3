// SPDX-License-Identifier: Apache-2.0
pragma solidity 0.8.30;

import {IAccessManager} from "@openzeppelin/contracts/access/manager/IAccessManager.sol";
import {IERC4906} from "@openzeppelin/contracts/interfaces/IERC4906.sol";
import {IERC721} from "@openzeppelin/contracts/token/ERC721/IERC721.sol";

import {Extended} from "./base/Extended.sol";
import {Ledger} from "./base/Ledger.sol";
import {Signatures} from "./base/Signatures.sol";
import {ICertificateDescriptor} from "./interfaces/ICertificateDescriptor.sol";
import {IOversight, IReceivablesViews} from "./interfaces/IReceivables.sol";
import {Journal} from "./libraries/Journal.sol";
import {Parameters} from "./libraries/Parameters.sol";
import {Words} from "./libraries/Words.sol";

/// @title ReceivablesOversight
/// @notice The doors of the registry for the operator and the regulator, and the views.
/// @dev Code that Receivables runs in its own storage; alone it has no members and does nothing.
contract ReceivablesOversight is Signatures, Extended, IOversight, IReceivablesViews {
    using Words for uint256;

    bytes32 private constant PARTITION = keccak256(
        "Partition(address signer,uint256 receivableId,uint64 start,uint64 end,uint64 cut,address holder,bytes32 order,bytes32 anchor,uint256 nonce,uint256 deadline)"
    );
    bytes32 private constant FREEZE_CERTIFICATE = keccak256(
        "FreezeCertificate(address signer,uint256 receivableId,uint64 start,uint64 end,address holder,bytes32 order,uint40 expiry,bytes32 anchor,uint256 nonce,uint256 deadline)"
    );
    bytes32 private constant UNFREEZE_CERTIFICATE = keccak256(
        "UnfreezeCertificate(address signer,uint256 receivableId,uint64 start,uint64 end,bytes32 order,bytes32 anchor,uint256 nonce,uint256 deadline)"
    );
    bytes32 private constant FREEZE_RECEIVABLE = keccak256(
        "FreezeReceivable(address signer,uint256 receivableId,bytes32 order,uint40 expiry,bytes32 anchor,uint256 nonce,uint256 deadline)"
    );
    bytes32 private constant UNFREEZE_RECEIVABLE = keccak256(
        "UnfreezeReceivable(address signer,uint256 receivableId,bytes32 order,bytes32 anchor,uint256 nonce,uint256 deadline)"
    );
    bytes32 private constant FREEZE_MEMBER = keccak256(
        "FreezeMember(address signer,address member,bytes32 order,uint40 expiry,uint256 nonce,uint256 deadline)"
    );
    bytes32 private constant UNFREEZE_MEMBER =
        keccak256("UnfreezeMember(address signer,address member,bytes32 order,uint256 nonce,uint256 deadline)");
    bytes32 private constant FORCE_TRANSFER = keccak256(
        "ForceTransfer(address signer,uint256 receivableId,uint64 start,uint64 end,address holder,address receiver,bytes32 order,bytes32 anchor,uint256 nonce,uint256 deadline)"
    );

    /// @dev Orders on one thing at a time; expired ones make room.
    uint256 private constant ORDERS_MAX = 16;

    /// @dev Longer, and no order would live to be carried out.
    uint40 private constant DELAY_MAX = 365 days;

    /// @inheritdoc IReceivablesViews
    address public immutable regulation;
    /// @inheritdoc IReceivablesViews
    uint40 public immutable forcedTransferDelay;

    /// @param regulation_ The regulator's own AccessManager: it knows the officers.
    /// @param forcedTransferDelay_ Seconds between a freeze and a forced transfer under its order.
    /// @param extension_ ReceivablesSettlement, made for the same predecessor.
    /// @param predecessor_ As in Receivables.
    constructor(address regulation_, uint40 forcedTransferDelay_, address extension_, address predecessor_)
        Ledger(address(0), predecessor_)
        Extended(extension_)
    {
        if (Ledger(extension_).predecessor() != predecessor_) revert ExtensionMismatch();
        if (forcedTransferDelay_ > DELAY_MAX) revert ParameterMalformed();
        regulation = regulation_;
        forcedTransferDelay = forcedTransferDelay_;
    }

    // ---------------------------------------------------------------- operator

    /// @inheritdoc IOversight
    function admit(address member, uint40 kycExpiry, uint32 roles, bytes32 profile) external restricted {
        // What the registry itself would hold, nobody could ever take out of it.
        if (member == address(0) || member == address(this) || kycExpiry <= block.timestamp || roles == 0) {
            revert MemberMalformed();
        }
        _members[member].word = _members[member].word.packAdmission(kycExpiry, roles);
        _appendToRegistry(Journal.MEMBER_ADMITTED, keccak256(abi.encode(member, msg.sender, kycExpiry, roles, profile)));
        emit MemberAdmitted(member, msg.sender, kycExpiry, roles, profile, _now());
    }

    /// @inheritdoc IOversight
    function suspend(address member, uint8 reason) external restricted {
        uint256 word = _members[member].word;
        if (word.memberStatus() != Words.MEMBER_ACTIVE) revert UnknownMember(member);
        if (reason == 0) revert ReasonMissing();
        _members[member].word = word.withMemberStatus(Words.MEMBER_SUSPENDED);
        _appendToRegistry(Journal.MEMBER_SUSPENDED, keccak256(abi.encode(member, msg.sender, reason)));
        emit MemberSuspended(member, msg.sender, reason, _now());
    }

    /// @inheritdoc IOversight
    function pause() external restricted {
        _movement = _requireRunning() | Words.PAUSED;
        _pausedSince = _now();
        _appendToRegistry(Journal.PAUSED, keccak256(abi.encode(msg.sender)));
        emit Paused(msg.sender, _now());
    }

    /// @inheritdoc IOversight
    function unpause() external restricted {
        if (_movement & Words.PAUSED == 0) revert RegistryNotPaused();
        _movement &= ~Words.PAUSED;
        _registration = _registration.plusPausedSeconds(block.timestamp - _pausedSince);
        _pausedSince = 0;
        _appendToRegistry(Journal.UNPAUSED, keccak256(abi.encode(msg.sender)));
        emit Unpaused(msg.sender, _now());
    }

    /// @inheritdoc IOversight
    function setParameter(uint8 parameter, uint64 value, uint40 effective) external restricted {
        (_movement, _registration, _settlement) =
            Parameters.set(_movement, _registration, _settlement, parameter, value, effective);
        _appendToRegistry(Journal.PARAMETER_SET, keccak256(abi.encode(parameter, msg.sender, value, effective)));
        emit ParameterSet(parameter, msg.sender, value, effective, _now());
    }

    /// @inheritdoc IOversight
    function setRules(address rules) external restricted {
        _requireCode(rules);
        _movement = _movement.withRules(rules);
        _appendToRegistry(Journal.RULES_SET, keccak256(abi.encode(rules, msg.sender)));
        emit RulesSet(rules, msg.sender, _now());
    }

    /// @inheritdoc IOversight
    function setDescriptor(address descriptor) external restricted {
        _requireCode(descriptor);
        _descriptor = descriptor;
        _appendToRegistry(Journal.DESCRIPTOR_SET, keccak256(abi.encode(descriptor, msg.sender)));
        emit DescriptorSet(descriptor, msg.sender, _now());
        emit IERC4906.BatchMetadataUpdate(0, type(uint256).max);
    }

    /// @inheritdoc IOversight
    function sunset() external restricted {
        if (_movement & Words.SUNSET != 0) revert RegistryInSunset();
        _movement |= Words.SUNSET;
        _appendToRegistry(Journal.SUNSET, keccak256(abi.encode(msg.sender)));
        emit Sunset(msg.sender, _now());
    }

    // --------------------------------------------------------------- regulator

    /// @inheritdoc IOversight
    function partition(uint256 range, uint64 cut, address holder, bytes32 order, Authorisation calldata second)
        external
    {
        _requireOrder(range, order, second, PARTITION, abi.encode(cut, holder, order));
        uint256 word = _requireHeld(range, holder);
        uint64 start = uint64(range >> 64);
        if (cut <= start || cut >= uint64(range)) revert CutOutOfRange(start, cut, uint64(range));

        uint256 tailId = _cutInPlace(word, range >> 64, cut);
        if (word & Words.CERTIFICATE_FROZEN != 0) {
            _copyFreezes(range >> 64, tailId);
        }
        bytes32 details = keccak256(abi.encode(order, msg.sender, second.signer, cut));
        _append(range, Journal.PARTITIONED, details);
        emit Partitioned(range >> 128, order, msg.sender, second.signer, start, uint64(range), cut, _now());
        _emitMint(holder, tailId, range >> 64, uint64(range) - cut);
        _emitReshaped(range >> 64, word);
    }

    /// @inheritdoc IOversight
    function freezeCertificate(
        uint256 range,
        address holder,
        bytes32 order,
        uint40 expiry,
        Authorisation calldata second
    ) external {
        _requireOrder(range, order, second, FREEZE_CERTIFICATE, abi.encode(holder, order, expiry));
        uint256 word = _requireHeld(range, holder);
        _freeze(SCOPE_CERTIFICATE, range >> 64, word & Words.CERTIFICATE_FROZEN != 0, order, expiry);
        _certificates[range >> 64] = word | Words.CERTIFICATE_FROZEN;
        bytes32 details = keccak256(abi.encode(order, msg.sender, second.signer, expiry));
        _append(range, Journal.CERTIFICATE_FROZEN, details);
        emit CertificateFrozen(
            range >> 128, order, msg.sender, second.signer, uint64(range >> 64), uint64(range), expiry, _now()
        );
        emit IERC4906.MetadataUpdate(range >> 64);
    }

    /// @inheritdoc IOversight
    function unfreezeCertificate(uint256 range, bytes32 order, Authorisation calldata second) external {
        _requireOrder(range, order, second, UNFREEZE_CERTIFICATE, abi.encode(order));
        uint256 word = _requireWhole(range);
        if (_unfreeze(SCOPE_CERTIFICATE, range >> 64, word & Words.CERTIFICATE_FROZEN != 0, order)) {
            _certificates[range >> 64] = word & ~Words.CERTIFICATE_FROZEN;
        }
        _append(range, Journal.CERTIFICATE_UNFROZEN, keccak256(abi.encode(order, msg.sender, second.signer)));
        emit CertificateUnfrozen(
            range >> 128, order, msg.sender, second.signer, uint64(range >> 64), uint64(range), _now()
        );
        emit IERC4906.MetadataUpdate(range >> 64);
    }

    /// @inheritdoc IOversight
    function freezeReceivable(uint256 receivableId, bytes32 order, uint40 expiry, Authorisation calldata second)
        external
    {
        bytes memory fields = abi.encode(FREEZE_RECEIVABLE, second.signer, receivableId, order, expiry);
        _requireReceivableOrder(receivableId, order, second, fields);
        Record storage record = _records[receivableId];
        uint256 terms = _requireReceivable(record, receivableId);
        if (!terms.wasConfirmed()) revert StatusForbids(terms.status());
        _freeze(SCOPE_RECEIVABLE, receivableId, terms & Words.RECEIVABLE_FROZEN != 0, order, expiry);
        record.terms = terms | Words.RECEIVABLE_FROZEN;
        bytes32 details = keccak256(abi.encode(order, msg.sender, second.signer, expiry));
        record.head = _next(record.head, Journal.RECEIVABLE_FROZEN, 0, terms.face(), details);
        emit ReceivableFrozen(receivableId, order, msg.sender, second.signer, terms.face(), expiry, _now());
        _emitAllChanged(receivableId);
    }

    /// @inheritdoc IOversight
    function unfreezeReceivable(uint256 receivableId, bytes32 order, Authorisation calldata second) external {
        bytes memory fields = abi.encode(UNFREEZE_RECEIVABLE, second.signer, receivableId, order);
        _requireReceivableOrder(receivableId, order, second, fields);
        Record storage record = _records[receivableId];
        uint256 terms = _requireReceivable(record, receivableId);
        if (_unfreeze(SCOPE_RECEIVABLE, receivableId, terms & Words.RECEIVABLE_FROZEN != 0, order)) {
            record.terms = terms & ~Words.RECEIVABLE_FROZEN;
        }
        bytes32 details = keccak256(abi.encode(order, msg.sender, second.signer));
        record.head = _next(record.head, Journal.RECEIVABLE_UNFROZEN, 0, terms.face(), details);
        emit ReceivableUnfrozen(receivableId, order, msg.sender, second.signer, terms.face(), _now());
        _emitAllChanged(receivableId);
    }

    /// @inheritdoc IOversight
    function freezeMember(address member, bytes32 order, uint40 expiry, Authorisation calldata second) external {
        bytes memory fields = abi.encode(FREEZE_MEMBER, second.signer, member, order, expiry);
        uint256 word = _requireMemberOrder(member, order, second, fields);
        _freeze(SCOPE_MEMBER, uint160(member), word & Words.MEMBER_FROZEN != 0, order, expiry);
        _members[member].word = word | Words.MEMBER_FROZEN;
        _appendToRegistry(
            Journal.MEMBER_FROZEN, keccak256(abi.encode(member, order, msg.sender, second.signer, expiry))
        );
        emit MemberFrozen(member, order, msg.sender, second.signer, expiry, _now());
        emit IERC4906.BatchMetadataUpdate(0, type(uint256).max);
    }

    /// @inheritdoc IOversight
    function unfreezeMember(address member, bytes32 order, Authorisation calldata second) external {
        bytes memory fields = abi.encode(UNFREEZE_MEMBER, second.signer, member, order);
        uint256 word = _requireMemberOrder(member, order, second, fields);
        if (_unfreeze(SCOPE_MEMBER, uint160(member), word & Words.MEMBER_FROZEN != 0, order)) {
            _members[member].word = word & ~Words.MEMBER_FROZEN;
        }
        _appendToRegistry(Journal.MEMBER_UNFROZEN, keccak256(abi.encode(member, order, msg.sender, second.signer)));
        emit MemberUnfrozen(member, order, msg.sender, second.signer, _now());
        emit IERC4906.BatchMetadataUpdate(0, type(uint256).max);
    }

    /// @inheritdoc IOversight
    function forceTransfer(
        uint256 range,
        address holder,
        address receiver,
        bytes32 order,
        Authorisation calldata second
    ) external {
        _requireOrder(range, order, second, FORCE_TRANSFER, abi.encode(holder, receiver, order));
        uint256 word = _requireHeld(range, holder);
        if (receiver == holder) revert SameHolder();
        {
            (Member storage taker, uint256 takerWord) = _requireEligible(receiver);
            _requireRipe(range, word, order);
            Member storage giver = _members[holder];
            giver.word = giver.word.minusCertificate();
            taker.word = takerWord.plusCertificate();
        }
        // A lien goes with the certificate, and so does what was paid out on it.
        _certificates[range >> 64] =
            Words.packCertificate(receiver, uint64(range)) | (word & (Words.PLEDGED | Words.CLAIMED));
        if (word & Words.CERTIFICATE_FROZEN != 0) _carryOut(range >> 64, order);
        _append(range, Journal.FORCED_TRANSFER, keccak256(abi.encode(order, msg.sender, second.signer, receiver)));
        emit ForcedTransfer(
            range >> 128, order, msg.sender, second.signer, receiver, uint64(range >> 64), uint64(range), _now()
        );
        emit IERC721.Transfer(holder, receiver, range >> 64);
        emit IERC4906.MetadataUpdate(range >> 64);
    }

    // ------------------------------------------------------------------- views

    /// @inheritdoc IReceivablesViews
    function count() external view returns (uint256) {
        return _registration.count();
    }

    /// @inheritdoc IReceivablesViews
    function receivableOf(bytes32 fingerprint, address debtor, address originator) external view returns (uint256) {
        return _fingerprints[_fingerprintKey(fingerprint, debtor, originator)];
    }

    /// @inheritdoc IReceivablesViews
    function isClaimed(bytes32 fingerprint, address debtor, address originator) external view returns (bool) {
        if (_fingerprints[_fingerprintKey(fingerprint, debtor, originator)] != 0) return true;
        return predecessor != address(0) && IReceivablesViews(predecessor).isClaimed(fingerprint, debtor, originator);
    }

    /// @inheritdoc IReceivablesViews
    function unanswered(address debtor, address originator) external view returns (uint256) {
        uint256 plusOne = _unansweredPlusOne[_pairKey(debtor, originator)];
        return plusOne == 0 ? 0 : plusOne - 1;
    }

    /// @inheritdoc IReceivablesViews
    function heads(uint256[] calldata journalIds) external view returns (bytes32[] memory result) {
        result = new bytes32[](journalIds.length);
        for (uint256 i; i < journalIds.length; ++i) {
            result[i] = _records[journalIds[i]].head;
        }
    }

    /// @inheritdoc IReceivablesViews
    function receivables(uint256[] calldata receivableIds) external view returns (Record[] memory result) {
        result = new Record[](receivableIds.length);
        for (uint256 i; i < receivableIds.length; ++i) {
            result[i] = _records[receivableIds[i]];
        }
    }

    /// @inheritdoc IReceivablesViews
    function certificates(uint256[] calldata certificateIds) external view returns (uint256[] memory result) {
        result = new uint256[](certificateIds.length);
        for (uint256 i; i < certificateIds.length; ++i) {
            result[i] = _certificates[certificateIds[i]];
        }
    }

    /// @inheritdoc IReceivablesViews
    function members(address[] calldata accounts) external view returns (uint256[] memory result) {
        result = new uint256[](accounts.length);
        for (uint256 i; i < accounts.length; ++i) {
            result[i] = _members[accounts[i]].word;
        }
    }

    /// @inheritdoc IReceivablesViews
    function freezes(uint8 scope, uint256[] calldata ids) external view returns (Freeze[][] memory result) {
        result = new Freeze[][](ids.length);
        for (uint256 i; i < ids.length; ++i) {
            if (_isMarked(scope, ids[i])) result[i] = _freezes[scope][ids[i]];
        }
    }

    /// @inheritdoc IReceivablesViews
    function policy() external view returns (Policy memory) {
        return Policy(_movement, _registration, _settlement, _pausedSince, _descriptor);
    }

    /// @inheritdoc IReceivablesViews
    function isEligible(address account) external view returns (bool) {
        return _members[account].word.eligible();
    }

    /// @inheritdoc IReceivablesViews
    function tokenURI(uint256 certificateId) external view returns (string memory) {
        _requireCertificate(certificateId);
        address descriptor = _descriptor;
        return descriptor == address(0) ? "" : ICertificateDescriptor(descriptor).tokenURI(address(this), certificateId);
    }

    /// @inheritdoc IReceivablesViews
    function canSend(address account) external view returns (bool) {
        uint256 word = _members[account].word;
        return
            word.eligible() && (word & Words.MEMBER_FROZEN == 0 || _orderInForce(SCOPE_MEMBER, uint160(account)) == 0);
    }

    /// @inheritdoc IReceivablesViews
    function canReceive(address account) external view returns (bool) {
        return _members[account].word.eligible();
    }

    /// @inheritdoc IReceivablesViews
    function canTransfer(address from, address to, uint256 certificateId) external view returns (bool) {
        try this.requireTransfer(from, to, certificateId) {
            return true;
        } catch {
            return false;
        }
    }

    /// @inheritdoc IReceivablesViews
    function requireTransfer(address from, address to, uint256 certificateId) external view {
        uint256 movement = _requireRunning();
        uint256 word = _requireCertificate(certificateId);
        if (word.holder() != from) revert NotHolder(from);
        uint256 range = certificateId << 64 | word.end();
        _requireTransferable(range, word, to, 0);
        _consult(movement, Journal.ENDORSED, from, from, to, range);
    }

    /// @inheritdoc IReceivablesViews
    function slotOf(uint256 certificateId) external view returns (uint256) {
        _requireCertificate(certificateId);
        return certificateId >> 64;
    }

    /// @inheritdoc IReceivablesViews
    function balanceOf(uint256 certificateId) external view returns (uint256) {
        return _requireCertificate(certificateId).end() - uint64(certificateId);
    }

    /// @inheritdoc IReceivablesViews
    function valueDecimals() external pure returns (uint8) {
        return 0;
    }

    // ---------------------------------------------------------------- internal

    /// @dev An order about one certificate.
    function _requireOrder(
        uint256 range,
        bytes32 order,
        Authorisation calldata second,
        bytes32 typeHash,
        bytes memory fields
    ) private {
        bytes memory whole = abi.encode(typeHash, second.signer, range >> 128, uint64(range >> 64), uint64(range));
        _requireReceivableOrder(range >> 128, order, second, bytes.concat(whole, fields));
    }

    /// @dev An order about a receivable or a part of it, as the second officer knows it.
    function _requireReceivableOrder(
        uint256 receivableId,
        bytes32 order,
        Authorisation calldata second,
        bytes memory fields
    ) private {
        _requireOfficers(second, keccak256(bytes.concat(fields, _tail(second))));
        _requireSameReceivable(receivableId, second);
        if (order == 0) revert OrderMissing();
    }

    /// @dev An order about a member. An address needs no anchor.
    function _requireMemberOrder(address member, bytes32 order, Authorisation calldata second, bytes memory fields)
        private
        returns (uint256 word)
    {
        _requireOfficers(second, keccak256(bytes.concat(fields, abi.encode(second.nonce, second.deadline))));
        if (order == 0) revert OrderMissing();
        word = _members[member].word;
        if (word.memberStatus() == 0) revert UnknownMember(member);
    }

    /// @dev Two officers stand behind an order: the caller, and another one by signature.
    function _requireOfficers(Authorisation calldata second, bytes32 structHash) private {
        _requireOfficer(msg.sender);
        if (second.signer == msg.sender) revert SameOfficer(msg.sender);
        _requireSignature(second, structHash);
        _requireOfficer(second.signer);
    }

    /// @dev The manager itself is none: through its execute() one officer could be both the caller and the second.
    function _requireOfficer(address account) private view {
        (bool immediate,) = IAccessManager(regulation).canCall(account, address(this), msg.sig);
        if (!immediate || account == regulation) revert NotOfficer(account);
    }

    /// @dev The certificate as the range names it, still in the hands of the holder whom the order is against.
    function _requireHeld(uint256 range, address holder) private view returns (uint256 word) {
        word = _requireWhole(range);
        if (word.holder() != holder) revert NotHolder(holder);
    }

    /// @dev The order is in force on the certificate, its receivable or its holder, and has been for the delay.
    function _requireRipe(uint256 range, uint256 word, bytes32 order) private view {
        uint256 since = type(uint256).max;
        if (word & Words.CERTIFICATE_FROZEN != 0) {
            since = _earlier(since, SCOPE_CERTIFICATE, range >> 64, order);
        }
        if (_records[range >> 128].terms & Words.RECEIVABLE_FROZEN != 0) {
            since = _earlier(since, SCOPE_RECEIVABLE, range >> 128, order);
        }
        if (_members[word.holder()].word & Words.MEMBER_FROZEN != 0) {
            since = _earlier(since, SCOPE_MEMBER, uint160(word.holder()), order);
        }
        if (since == type(uint256).max) revert OrderNotInForce(order);
        if (block.timestamp < since + forcedTransferDelay) {
            revert ForcedTransferTooEarly(uint40(since) + forcedTransferDelay);
        }
    }

    /// @dev The instant since which the order is in force there, if it is earlier.
    function _earlier(uint256 since, uint8 scope, uint256 id, bytes32 order) private view returns (uint256) {
        Freeze[] storage freezes_ = _freezes[scope][id];
        uint256 i = _find(freezes_, order);
        if (i == freezes_.length || block.timestamp >= freezes_[i].expiry || freezes_[i].since >= since) return since;
        return freezes_[i].since;
    }

    /// @param marked Whether the thing's word says that there are orders; if not, the list is of an earlier life.
    /// @dev A later expiry prolongs an order that stands, without a gap; it goes on from when it began.
    function _freeze(uint8 scope, uint256 id, bool marked, bytes32 order, uint40 expiry) private {
        if (expiry <= block.timestamp) revert OrderExpired(order);
        Freeze[] storage freezes_ = _freezes[scope][id];
        if (!marked) delete _freezes[scope][id];
        _prune(freezes_);
        uint256 i = _find(freezes_, order);
        if (i != freezes_.length) {
            if (expiry <= freezes_[i].expiry) revert OrderStands(order);
            freezes_[i].expiry = expiry;
            return;
        }
        if (i == ORDERS_MAX) revert TooManyOrders();
        freezes_.push(Freeze(order, expiry, _now()));
    }

    /// @dev The order is carried out; others stay on these cents, whoever holds them.
    function _carryOut(uint256 certificateId, bytes32 order) private {
        Freeze[] storage freezes_ = _freezes[SCOPE_CERTIFICATE][certificateId];
        _remove(freezes_, order);
        _prune(freezes_);
        if (freezes_.length != 0) _certificates[certificateId] |= Words.CERTIFICATE_FROZEN;
    }

    /// @return thawed Whether no order is left.
    function _unfreeze(uint8 scope, uint256 id, bool marked, bytes32 order) private returns (bool thawed) {
        Freeze[] storage freezes_ = _freezes[scope][id];
        if (!marked || !_remove(freezes_, order)) revert OrderNotInForce(order);
        _prune(freezes_);
        return freezes_.length == 0;
    }

    /// @dev Index of the order, or the length where it is not listed.
    function _find(Freeze[] storage freezes_, bytes32 order) private view returns (uint256 i) {
        while (i < freezes_.length && freezes_[i].order != order) ++i;
    }

    function _remove(Freeze[] storage freezes_, bytes32 order) private returns (bool found) {
        uint256 i = _find(freezes_, order);
        found = i != freezes_.length;
        if (found) _removeAt(freezes_, i);
    }

    /// @dev Drops the orders that have expired.
    function _prune(Freeze[] storage freezes_) private {
        for (uint256 i = freezes_.length; i > 0; --i) {
            if (block.timestamp >= freezes_[i - 1].expiry) _removeAt(freezes_, i - 1);
        }
    }

    /// @dev Keeps the order of the others: the list reads as the journal does.
    function _removeAt(Freeze[] storage freezes_, uint256 i) private {
        for (; i + 1 < freezes_.length; ++i) {
            freezes_[i] = freezes_[i + 1];
        }
        freezes_.pop();
    }

    /// @dev To the list of a new certificate; what an earlier life of its id left goes.
    function _copyFreezes(uint256 fromId, uint256 toId) private {
        delete _freezes[SCOPE_CERTIFICATE][toId];
        Freeze[] storage from = _freezes[SCOPE_CERTIFICATE][fromId];
        for (uint256 i; i < from.length; ++i) {
            _freezes[SCOPE_CERTIFICATE][toId].push(from[i]);
        }
    }

    /// @dev Whether the thing's word says that there are orders.
    function _isMarked(uint8 scope, uint256 id) private view returns (bool) {
        if (scope == SCOPE_CERTIFICATE) return _certificates[id] & Words.CERTIFICATE_FROZEN != 0;
        if (scope == SCOPE_RECEIVABLE) return _records[id].terms & Words.RECEIVABLE_FROZEN != 0;
        return scope == SCOPE_MEMBER && _members[address(uint160(id))].word & Words.MEMBER_FROZEN != 0;
    }
}
