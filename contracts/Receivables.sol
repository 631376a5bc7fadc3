// SPDX-License-Identifier: Apache-2.0
pragma solidity 0.8.30;

import {AccessManaged} from "@openzeppelin/contracts/access/manager/AccessManaged.sol";
import {IERC165} from "@openzeppelin/contracts/utils/introspection/IERC165.sol";
import {IERC721} from "@openzeppelin/contracts/token/ERC721/IERC721.sol";
import {ERC721Utils} from "@openzeppelin/contracts/token/ERC721/utils/ERC721Utils.sol";

import {IReceivables} from "./interfaces/IReceivables.sol";
import {Journal} from "./libraries/Journal.sol";
import {Words} from "./libraries/Words.sol";

/// @title Receivables
/// @notice The truth about receivables: one journal head per receivable, one word per certificate, one per member.
/// @dev No proxy and no owner over certificates: nobody moves one without its holder's authority. Every operation
///      checks, writes its words, appends one entry to the journal and emits that entry's event. What no rule here
///      reads is not stored: the head commits to it and the event carries it.
contract Receivables is IReceivables, IERC721, AccessManaged {
    using Words for uint256;

    string public constant name = "Counterfoil Receivables";
    string public constant symbol = "CFR";

    /// @dev Journal of the registry itself: members now, parameters and roles later.
    uint256 private constant REGISTRY = 0;

    /// @dev One word, in a struct so that its place is computed once to be read and written.
    struct Member {
        uint256 word;
    }

    mapping(uint256 receivableId => Record) private _records;
    mapping(uint256 certificateId => uint256) private _certificates;
    mapping(address account => Member) private _members;
    mapping(bytes32 key => uint256 receivableId) private _fingerprints;
    /// @dev Read only while the certificate's APPROVED bit is set, so an id that comes back starts without one.
    mapping(uint256 certificateId => address) private _approvals;
    mapping(address holder => mapping(address operator => bool)) private _operators;
    uint256 private _count;

    /// @param authority The AccessManager that decides who may admit and suspend.
    constructor(address authority) AccessManaged(authority) {
        _records[REGISTRY].head = Journal.genesis(REGISTRY);
    }

    // ---------------------------------------------------------------- members

    /// @inheritdoc IReceivables
    function admit(address member, uint40 kycExpiry, uint32 roles, bytes32 profile) external restricted {
        if (member == address(0) || kycExpiry <= block.timestamp || roles == 0) revert MemberMalformed();
        _members[member].word = _members[member].word.packAdmission(kycExpiry, roles);
        bytes32 details = keccak256(abi.encode(member, msg.sender, kycExpiry, roles, profile));
        _append(_records[REGISTRY], Journal.MEMBER_ADMITTED, 0, 0, details);
        emit MemberAdmitted(member, msg.sender, kycExpiry, roles, profile, _now());
    }

    /// @inheritdoc IReceivables
    function suspend(address member, uint8 reason) external restricted {
        uint256 word = _members[member].word;
        if (word.memberStatus() != Words.MEMBER_ACTIVE) revert UnknownMember(member);
        if (reason == 0) revert ReasonMissing();
        _members[member].word = word.withMemberStatus(Words.MEMBER_SUSPENDED);
        _append(_records[REGISTRY], Journal.MEMBER_SUSPENDED, 0, 0, keccak256(abi.encode(member, msg.sender, reason)));
        emit MemberSuspended(member, msg.sender, reason, _now());
    }

    // ------------------------------------------------------------ receivables

    /// @inheritdoc IReceivables
    function register(Claim calldata claim) external returns (uint256 receivableId) {
        if (claim.face == 0) revert FaceMissing();
        if (claim.currency == 0 || claim.currency > 999) revert CurrencyMalformed(claim.currency);
        if (claim.due % 1 days != 0) revert DueDateMalformed(claim.due);
        if (claim.due <= block.timestamp) revert DueDatePassed(claim.due);
        if (claim.fingerprint == 0) revert FingerprintMissing();
        if (claim.documentRoot == 0) revert DocumentRootMissing();
        if (claim.debtor == msg.sender) revert DebtorIsOriginator();
        _requireEligible(msg.sender);
        _requireEligible(claim.debtor);
        bytes32 key = _fingerprintKey(claim.fingerprint, claim.debtor, msg.sender);
        if (_fingerprints[key] != 0) revert FingerprintTaken(_fingerprints[key]);

        receivableId = ++_count;
        _fingerprints[key] = receivableId;
        Record storage record = _records[receivableId];
        record.terms = Words.packTerms(claim.debtor, claim.due, claim.currency, Words.STATUS_REGISTERED);
        record.head = _registeredHead(receivableId, msg.sender, _now(), claim);
        emit Registered(
            receivableId,
            msg.sender,
            claim.debtor,
            claim.face,
            claim.due,
            claim.currency,
            claim.fingerprint,
            claim.documentRoot,
            _now()
        );
    }

    /// @inheritdoc IReceivables
    function confirm(uint256 receivableId, Terms calldata terms) external {
        Record storage record = _answer(receivableId, terms);
        address originator = terms.originator;
        uint64 face = terms.claim.face;
        if (terms.claim.due <= block.timestamp) revert DueDatePassed(terms.claim.due);
        _requireEligible(msg.sender);
        (Member storage member, uint256 word) = _requireEligible(originator);

        _setStatus(record, Words.STATUS_CONFIRMED);
        record.amounts = face;
        uint256 certificateId = receivableId << 64;
        _certificates[certificateId] = Words.packCertificate(originator, face);
        member.word = word.plusCertificate();
        _append(record, Journal.CONFIRMED, 0, face, keccak256(abi.encode(msg.sender, originator)));
        emit Confirmed(receivableId, msg.sender, originator, face, _now());
        _emitMint(originator, certificateId, 0, face);
    }

    /// @inheritdoc IReceivables
    function refuse(uint256 receivableId, Terms calldata terms, uint8 reason) external {
        Record storage record = _answer(receivableId, terms);
        if (reason == 0) revert ReasonMissing();

        _setStatus(record, Words.STATUS_REFUSED);
        delete _fingerprints[_fingerprintKey(terms.claim.fingerprint, msg.sender, terms.originator)];
        _append(record, Journal.REFUSED, 0, terms.claim.face, keccak256(abi.encode(msg.sender, reason)));
        emit Refused(receivableId, msg.sender, reason, terms.claim.face, _now());
    }

    // ----------------------------------------------------------- certificates

    /// @inheritdoc IReceivables
    function split(uint256 range, uint64 cut, address receiver, bytes32 document) external returns (uint256 tailId) {
        uint256 certificateId = range >> 64;
        address holder = _requireRange(certificateId, uint64(range));
        Record storage record = _records[range >> 128];
        _requireMovable(record);
        if (cut <= uint64(certificateId) || cut >= uint64(range)) {
            revert CutOutOfRange(uint64(certificateId), cut, uint64(range));
        }
        {
            _requireEligible(holder);
            (Member storage taker, uint256 takerWord) = _requireEligible(receiver);
            if (document == 0 && receiver != holder && !takerWord.isFinancier()) revert TradeDocumentMissing();
            taker.word = takerWord.plusCertificate();

            // The packed word carries no flags: whoever was approved, was approved for another range.
            _certificates[certificateId] = Words.packCertificate(holder, cut);
            tailId = (range >> 128 << 64) | cut;
            _certificates[tailId] = Words.packCertificate(receiver, uint64(range));
        }
        bytes32 details = keccak256(abi.encode(msg.sender, receiver, cut, document));
        _append(record, Journal.SPLIT, uint64(certificateId), uint64(range), details);
        emit Split(range >> 128, msg.sender, receiver, uint64(certificateId), uint64(range), cut, document, _now());
        _emitMint(receiver, tailId, certificateId, uint64(range) - cut);
    }

    /// @inheritdoc IReceivables
    function endorse(uint256 range, address receiver, bytes32 document) external {
        _endorse(range, _requireRange(range >> 64, uint64(range)), receiver, document);
    }

    // ---------------------------------------------------------------- ERC-721

    /// @inheritdoc IERC721
    /// @dev Carries no trade document, so it reaches financiers only. A token id names no end: what moves is the
    ///      certificate at that start as it is when this is mined.
    function transferFrom(address from, address to, uint256 certificateId) external {
        _transfer(from, to, certificateId, 0);
    }

    /// @inheritdoc IERC721
    function safeTransferFrom(address from, address to, uint256 certificateId) external {
        safeTransferFrom(from, to, certificateId, "");
    }

    /// @inheritdoc IERC721
    /// @dev The first 32 bytes of data, where there are as many, are the hash of the trade document. As to the range,
    ///      as transferFrom.
    function safeTransferFrom(address from, address to, uint256 certificateId, bytes memory data) public {
        _transfer(from, to, certificateId, data.length >= 32 ? bytes32(data) : bytes32(0));
        ERC721Utils.checkOnERC721Received(msg.sender, from, to, certificateId, data);
    }

    /// @inheritdoc IERC721
    /// @dev For the certificate at that start as it is when this is mined. What splits or moves it ends the approval.
    function approve(address to, uint256 certificateId) external {
        uint256 word = _requireCertificate(certificateId);
        address holder = word.holder();
        if (msg.sender != holder && !_operators[holder][msg.sender]) revert NotHolder(msg.sender);
        _approvals[certificateId] = to;
        _certificates[certificateId] = to == address(0) ? word & ~Words.APPROVED : word | Words.APPROVED;
        emit Approval(holder, to, certificateId);
    }

    /// @inheritdoc IERC721
    function setApprovalForAll(address operator, bool approved) external {
        _operators[msg.sender][operator] = approved;
        emit ApprovalForAll(msg.sender, operator, approved);
    }

    /// @inheritdoc IERC721
    function getApproved(uint256 certificateId) external view returns (address) {
        return _approved(certificateId, _requireCertificate(certificateId));
    }

    /// @inheritdoc IERC721
    function isApprovedForAll(address holder, address operator) external view returns (bool) {
        return _operators[holder][operator];
    }

    /// @inheritdoc IERC721
    function ownerOf(uint256 certificateId) public view returns (address) {
        return _requireCertificate(certificateId).holder();
    }

    /// @inheritdoc IERC721
    function balanceOf(address holder) external view returns (uint256) {
        if (holder == address(0)) revert UnknownMember(holder);
        return _members[holder].word.balance();
    }

    /// @inheritdoc IERC165
    function supportsInterface(bytes4 interfaceId) external pure returns (bool) {
        return interfaceId == type(IERC165).interfaceId || interfaceId == type(IERC721).interfaceId;
    }

    // ------------------------------------------------------------------ views

    /// @inheritdoc IReceivables
    function count() external view returns (uint256) {
        return _count;
    }

    /// @inheritdoc IReceivables
    function receivableOf(bytes32 fingerprint, address debtor, address originator) external view returns (uint256) {
        return _fingerprints[_fingerprintKey(fingerprint, debtor, originator)];
    }

    /// @inheritdoc IReceivables
    function heads(uint256[] calldata journalIds) external view returns (bytes32[] memory result) {
        result = new bytes32[](journalIds.length);
        for (uint256 i; i < journalIds.length; ++i) {
            result[i] = _records[journalIds[i]].head;
        }
    }

    /// @inheritdoc IReceivables
    function receivables(uint256[] calldata receivableIds) external view returns (Record[] memory result) {
        result = new Record[](receivableIds.length);
        for (uint256 i; i < receivableIds.length; ++i) {
            result[i] = _records[receivableIds[i]];
        }
    }

    /// @inheritdoc IReceivables
    function certificates(uint256[] calldata certificateIds) external view returns (uint256[] memory result) {
        result = new uint256[](certificateIds.length);
        for (uint256 i; i < certificateIds.length; ++i) {
            result[i] = _certificates[certificateIds[i]];
        }
    }

    /// @inheritdoc IReceivables
    function members(address[] calldata accounts) external view returns (uint256[] memory result) {
        result = new uint256[](accounts.length);
        for (uint256 i; i < accounts.length; ++i) {
            result[i] = _members[accounts[i]].word;
        }
    }

    /// @inheritdoc IReceivables
    function isEligible(address account) external view returns (bool) {
        return _members[account].word.eligible();
    }

    /// @inheritdoc IReceivables
    function slotOf(uint256 certificateId) external view returns (uint256) {
        _requireCertificate(certificateId);
        return certificateId >> 64;
    }

    /// @inheritdoc IReceivables
    function balanceOf(uint256 certificateId) external view returns (uint256) {
        return _requireCertificate(certificateId).end() - uint64(certificateId);
    }

    /// @inheritdoc IReceivables
    function valueDecimals() external pure returns (uint8) {
        return 0;
    }

    // --------------------------------------------------------------- internal

    /// @dev An ERC-721 transfer names no end: the certificate's present one is filled in.
    function _transfer(address from, address to, uint256 certificateId, bytes32 document) private {
        uint256 word = _requireAuthority(certificateId);
        if (word.holder() != from) revert NotHolder(from);
        _endorse(certificateId << 64 | word.end(), from, to, document);
    }

    /// @dev Moves the whole certificate. Whoever calls this has checked authority and range; phase and receiver are
    ///      checked here for every way in.
    function _endorse(uint256 range, address holder, address receiver, bytes32 document) private {
        Record storage record = _records[range >> 128];
        {
            (uint256 terms, uint64 front) = _requireMovable(record);
            if (uint64(range >> 64) == front && terms & Words.FRONT_ENDORSED == 0) {
                record.terms = terms | Words.FRONT_ENDORSED;
            }
        }
        if (receiver == holder) revert SameHolder();
        {
            (Member storage giver, uint256 giverWord) = _requireEligible(holder);
            (Member storage taker, uint256 takerWord) = _requireEligible(receiver);
            if (document == 0 && !takerWord.isFinancier()) revert TradeDocumentMissing();
            giver.word = giverWord.minusCertificate();
            taker.word = takerWord.plusCertificate();
        }
        _certificates[range >> 64] = Words.packCertificate(receiver, uint64(range));
        bytes32 details = keccak256(abi.encode(msg.sender, receiver, document));
        _append(record, Journal.ENDORSED, uint64(range >> 64), uint64(range), details);
        emit Endorsed(range >> 128, msg.sender, receiver, uint64(range >> 64), uint64(range), document, _now());
        emit Transfer(holder, receiver, range >> 64);
    }

    /// @dev The debtor's answer to a registered claim: right phase, right caller, terms that hash to the head.
    function _answer(uint256 receivableId, Terms calldata terms) private view returns (Record storage record) {
        record = _records[receivableId];
        uint256 word = record.terms;
        if (word == 0) revert UnknownReceivable(receivableId);
        if (word.status() != Words.STATUS_REGISTERED) revert StatusForbids(word.status());
        if (word.debtor() != msg.sender) revert NotDebtor(msg.sender);
        bytes32 head = record.head;
        if (_registeredHead(receivableId, terms.originator, terms.registeredAt, terms.claim) != head) {
            revert AnchorMismatch(head);
        }
    }

    /// @dev Head of a journal whose only entry is the registration of these terms.
    function _registeredHead(uint256 receivableId, address originator, uint40 registeredAt, Claim calldata claim)
        private
        view
        returns (bytes32)
    {
        bytes32 details = keccak256(
            abi.encode(originator, claim.debtor, claim.due, claim.currency, claim.fingerprint, claim.documentRoot)
        );
        return Journal.append(
            Journal.genesis(receivableId), Journal.entry(Journal.REGISTERED, registeredAt, 0, claim.face, details)
        );
    }

    function _append(Record storage record, uint256 operation, uint256 start, uint256 end, bytes32 details) private {
        record.head = Journal.append(record.head, Journal.entry(operation, block.timestamp, start, end, details));
    }

    /// @dev The one place where a status changes. Registered is the only status with a way out so far.
    function _setStatus(Record storage record, uint8 status) private {
        uint256 terms = record.terms;
        if (terms.status() != Words.STATUS_REGISTERED) revert StatusForbids(terms.status());
        record.terms = terms.withStatus(status);
    }

    function _emitMint(address holder, uint256 certificateId, uint256 parentId, uint64 value) private {
        emit Transfer(address(0), holder, certificateId);
        emit SlotChanged(certificateId, 0, certificateId >> 64);
        emit TransferValue(parentId, certificateId, value);
    }

    function _requireCertificate(uint256 certificateId) private view returns (uint256 word) {
        word = _certificates[certificateId];
        if (word == 0) revert UnknownCertificate(certificateId);
    }

    /// @dev The caller must be the holder, its operator for all, or approved for this very certificate.
    function _requireAuthority(uint256 certificateId) private view returns (uint256 word) {
        word = _requireCertificate(certificateId);
        address holder = word.holder();
        if (msg.sender != holder && !_operators[holder][msg.sender] && _approved(certificateId, word) != msg.sender) {
            revert NotHolder(msg.sender);
        }
    }

    /// @dev The caller has authority, and the certificate still has the end that the caller names.
    function _requireRange(uint256 certificateId, uint64 end) private view returns (address holder) {
        uint256 word = _requireAuthority(certificateId);
        if (word.end() != end) revert RangeChanged(uint64(certificateId), word.end());
        holder = word.holder();
    }

    function _approved(uint256 certificateId, uint256 word) private view returns (address) {
        return word & Words.APPROVED == 0 ? address(0) : _approvals[certificateId];
    }

    /// @dev Certificates move only before the due date and while nothing is paid.
    /// @return terms The terms word.
    /// @return front First live minor unit of the receivable.
    function _requireMovable(Record storage record) private view returns (uint256 terms, uint64 front) {
        terms = record.terms;
        if (terms.status() != Words.STATUS_CONFIRMED) revert StatusForbids(terms.status());
        if (block.timestamp >= terms.due()) revert DueDatePassed(terms.due());
        uint256 amounts = record.amounts;
        if (amounts.paid() != 0) revert AlreadyPaid();
        front = amounts.cancelled();
    }

    function _requireEligible(address account) private view returns (Member storage member, uint256 word) {
        member = _members[account];
        word = member.word;
        if (!word.eligible()) revert MemberNotEligible(account);
    }

    function _fingerprintKey(bytes32 fingerprint, address debtor, address originator) private pure returns (bytes32) {
        return keccak256(abi.encode(fingerprint, debtor, originator));
    }

    function _now() private view returns (uint40) {
        return uint40(block.timestamp);
    }
}
