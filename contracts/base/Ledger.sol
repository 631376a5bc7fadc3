// SPDX-License-Identifier: Apache-2.0
pragma solidity 0.8.30;

import {AccessManaged} from "@openzeppelin/contracts/access/manager/AccessManaged.sol";
import {IERC4906} from "@openzeppelin/contracts/interfaces/IERC4906.sol";
import {IERC721} from "@openzeppelin/contracts/token/ERC721/IERC721.sol";

import {IReceivablesRecords, IReceivablesViews} from "../interfaces/IReceivables.sol";
import {IRules} from "../interfaces/IRules.sol";
import {Amounts} from "../libraries/Amounts.sol";
import {Journal} from "../libraries/Journal.sol";
import {Words} from "../libraries/Words.sol";

/// @title Ledger
/// @notice The storage of the registry and every rule about it, for whoever acts: `actor` is the caller or a signer.
/// @dev One contract is deployed as the registry; code that does not fit into it lives in extensions that it runs by
///      delegatecall at addresses fixed at its construction. All of them are this contract with other doors, so they
///      agree on the storage and on the rules. Every operation checks, writes its words, appends one entry to the
///      journal and emits that entry's event. What no rule here reads is not stored: the head commits to it and the
///      event carries it.
abstract contract Ledger is IReceivablesRecords, AccessManaged {
    using Amounts for uint256;
    using Words for uint256;

    /// @dev Journal of the registry itself: members, switches, parameters.
    uint256 internal constant REGISTRY = 0;

    uint8 internal constant SCOPE_CERTIFICATE = 1;
    uint8 internal constant SCOPE_RECEIVABLE = 2;
    uint8 internal constant SCOPE_MEMBER = 3;

    /// @dev Counter-offers to one claim: every later answer names the hashes of all.
    uint256 private constant OFFERS_MAX = 8;

    /// @dev One word, in a struct so that its place is computed once to be read and written.
    struct Member {
        uint256 word;
    }

    /// @dev A certificate while parts are cut from its tail; `end` shrinks, `head` grows.
    struct Cutting {
        address actor;
        uint256 word;
        uint256 certificateId;
        uint64 end;
        uint256 movement;
        bytes32 head;
    }

    /// @notice The registry that this one succeeds, or 0.
    address public immutable predecessor;

    mapping(uint256 journalId => Record) internal _records;
    mapping(uint256 certificateId => uint256) internal _certificates;
    mapping(address account => Member) internal _members;
    mapping(bytes32 key => uint256 receivableId) internal _fingerprints;
    /// @dev Unanswered claims of a pair plus one, once it had any: a count that returns to zero costs a new slot again.
    mapping(bytes32 pair => uint256) internal _unansweredPlusOne;
    /// @dev Read only while the certificate's APPROVED bit is set, so an id that comes back starts without one.
    mapping(uint256 certificateId => address) internal _approvals;
    mapping(address holder => mapping(address operator => bool)) internal _operators;
    /// @dev Read only while the FROZEN bit of the certificate, the receivable or the member is set.
    mapping(uint8 scope => mapping(uint256 id => Freeze[])) internal _freezes;
    mapping(address signer => mapping(uint256 word => uint256)) internal _nonces;
    /// @dev What every move reads: extra rules, minimum part, pause and sunset in one word.
    uint256 internal _movement;
    /// @dev What a registration reads and writes.
    uint256 internal _registration;
    uint40 internal _pausedSince;
    address internal _descriptor;
    /// @dev The grace of an overdue debt, and the desk.
    uint256 internal _settlement;
    mapping(uint16 currency => address) internal _depositTokens;
    /// @dev Each is read only while its bit of the certificate's word is set: an id that comes back starts without.
    mapping(uint256 certificateId => uint256) internal _liens;
    mapping(uint256 certificateId => uint256) internal _recourses;
    mapping(uint256 certificateId => uint256) internal _claims;

    /// @param authority_ The AccessManager that decides what the operator may do.
    /// @param predecessor_ The registry that this one succeeds, or 0. Its claims stay taken.
    constructor(address authority_, address predecessor_) AccessManaged(authority_) {
        predecessor = predecessor_;
    }

    // ------------------------------------------------------------ receivables

    function _register(address originator, Claim calldata claim) internal returns (uint256 receivableId) {
        uint256 movement = _requireOpen();
        uint256 registration = _registration;
        _requireClaim(originator, claim, registration);
        _requireSolvent(originator);
        _requireSolvent(claim.debtor);
        _takeFingerprint(originator, claim, registration);

        uint40 answerBy;
        unchecked {
            registration += 1;
            receivableId = registration.count();
            uint256 window = registration.inForce(Words.ANSWER_WINDOW_SHIFT, Words.SHORT_BITS);
            answerBy = uint40(block.timestamp - registration.pausedSeconds() + window * 1 days);
        }
        _consult(movement, Journal.REGISTERED, originator, originator, claim.debtor, receivableId << 128 | claim.face);
        _registration = registration;
        Record storage record = _records[receivableId];
        record.terms = Words.packTerms(claim.debtor, claim.face, claim.due, claim.currency, Words.STATUS_REGISTERED);
        record.head = _registeredHead(receivableId, originator, _now(), answerBy, claim);
        emit Registered(
            receivableId,
            originator,
            claim.debtor,
            claim.face,
            claim.due,
            claim.currency,
            claim.fingerprint,
            claim.documentRoot,
            answerBy,
            _now()
        );
    }

    function _confirm(address debtor, uint256 receivableId, Terms calldata terms, bytes32[] calldata since) internal {
        uint256 movement = _requireOpen();
        Record storage record = _records[receivableId];
        _requireDebtor(debtor, _requireRegistered(record, receivableId));
        bytes32 head = _requireAnchor(record, receivableId, terms, since);
        _requireBeforeDue(terms.claim.due);
        _confirmClaim(movement, head, receivableId, terms);
    }

    /// @dev The terms have led to the head, so they name the parties.
    function _confirmClaim(uint256 movement, bytes32 head, uint256 receivableId, Terms calldata terms) private {
        address debtor = terms.claim.debtor;
        address originator = terms.originator;
        uint64 face = terms.claim.face;
        _requirePromising(debtor);
        (Member storage member, uint256 word) = _requireEligible(originator);
        _consult(movement, Journal.CONFIRMED, debtor, debtor, originator, receivableId << 128 | face);

        Record storage record = _records[receivableId];
        _answer(record, Words.STATUS_CONFIRMED, terms);
        record.head = _next(head, Journal.CONFIRMED, 0, face, keccak256(abi.encode(debtor, originator)));
        emit Confirmed(receivableId, debtor, originator, face, _now());
        _mintWhole(receivableId, originator, face, member, word);
    }

    function _refuse(address debtor, uint256 receivableId, Terms calldata terms, bytes32[] calldata since, uint8 reason)
        internal
    {
        _requireRunning();
        Record storage record = _records[receivableId];
        _requireDebtor(debtor, _requireRegistered(record, receivableId));
        bytes32 head = _requireAnchor(record, receivableId, terms, since);
        if (reason == 0) revert ReasonMissing();

        _end(record, Words.STATUS_REFUSED, terms);
        uint64 face = terms.claim.face;
        record.head = _next(head, Journal.REFUSED, 0, face, keccak256(abi.encode(debtor, reason)));
        emit Refused(receivableId, debtor, reason, face, _now());
    }

    function _withdraw(address originator, uint256 receivableId, Terms calldata terms, bytes32[] calldata since)
        internal
    {
        _requireRunning();
        Record storage record = _records[receivableId];
        _requireRegistered(record, receivableId);
        if (terms.originator != originator) revert NotOriginator(originator);
        bytes32 head = _requireAnchor(record, receivableId, terms, since);

        _end(record, Words.STATUS_WITHDRAWN, terms);
        uint64 face = terms.claim.face;
        record.head = _next(head, Journal.WITHDRAWN, 0, face, keccak256(abi.encode(originator)));
        emit Withdrawn(receivableId, originator, face, _now());
    }

    function _lapse(address actor, uint256 receivableId, Terms calldata terms, bytes32[] calldata since) internal {
        _requireRunning();
        Record storage record = _records[receivableId];
        _requireRegistered(record, receivableId);
        bytes32 head = _requireAnchor(record, receivableId, terms, since);
        if (_clock() < terms.answerBy) revert AnswerWindowOpen(terms.answerBy);

        _end(record, Words.STATUS_LAPSED, terms);
        uint64 face = terms.claim.face;
        record.head = _next(head, Journal.LAPSED, 0, face, keccak256(abi.encode(actor)));
        emit Lapsed(receivableId, actor, face, _now());
    }

    function _counterOffer(
        address debtor,
        uint256 receivableId,
        Terms calldata terms,
        bytes32[] calldata since,
        uint64 face,
        uint40 due
    ) internal {
        _requireRunning();
        Record storage record = _records[receivableId];
        _requireDebtor(debtor, _requireRegistered(record, receivableId));
        bytes32 head = _requireAnchor(record, receivableId, terms, since);
        if (_clock() >= terms.answerBy) revert AnswerWindowOver(terms.answerBy);
        if (since.length >= OFFERS_MAX) revert TooManyOffers(OFFERS_MAX);
        uint64 claimed = terms.claim.face;
        if (face == 0 || face > claimed || (face == claimed && due == terms.claim.due)) revert OfferMalformed();
        _requireDue(due, _registration);
        _requireEligible(debtor);

        record.head = _next(head, Journal.COUNTER_OFFERED, 0, claimed, _offerDetails(debtor, face, due));
        emit CounterOffered(receivableId, debtor, claimed, face, due, _now());
    }

    function _acceptOffer(
        address originator,
        uint256 receivableId,
        Terms calldata terms,
        bytes32[] calldata since,
        Offer calldata offer
    ) internal {
        uint256 movement = _requireOpen();
        Record storage record = _records[receivableId];
        _requireRegistered(record, receivableId);
        if (terms.originator != originator) revert NotOriginator(originator);
        bytes32 head = _requireOffer(record, receivableId, terms, since, offer);
        _requireBeforeDue(offer.due);
        _confirmOffer(movement, head, receivableId, terms, offer);
    }

    /// @dev The terms have led to the head, so they name the parties.
    function _confirmOffer(
        uint256 movement,
        bytes32 head,
        uint256 receivableId,
        Terms calldata terms,
        Offer calldata offer
    ) private {
        address originator = terms.originator;
        address debtor = terms.claim.debtor;
        uint64 face = offer.face;
        (Member storage member, uint256 word) = _requireEligible(originator);
        _requirePromising(debtor);
        _consult(movement, Journal.OFFER_ACCEPTED, originator, debtor, originator, receivableId << 128 | face);

        Record storage record = _records[receivableId];
        _answer(record, Words.STATUS_CONFIRMED, terms);
        record.terms = Words.packTerms(debtor, face, offer.due, terms.claim.currency, Words.STATUS_CONFIRMED);
        bytes32 details = keccak256(abi.encode(originator, debtor, offer.due));
        record.head = _next(head, Journal.OFFER_ACCEPTED, 0, face, details);
        emit OfferAccepted(receivableId, originator, debtor, face, offer.due, _now());
        _mintWhole(receivableId, originator, face, member, word);
    }

    // ----------------------------------------------------------- certificates

    function _split(address actor, uint256 range, uint64 cut, address receiver, bytes32 document)
        internal
        returns (uint256 tailId)
    {
        Cutting memory cutting = _beginCutting(actor, range);
        tailId = _cutTail(cutting, cut, receiver, document);
        _endCutting(cutting);
    }

    function _splitMany(address actor, uint256 range, Part[] calldata parts) internal {
        Cutting memory cutting = _beginCutting(actor, range);
        if (parts.length == 0) revert BatchEmpty();
        for (uint256 i; i < parts.length; ++i) {
            _cutTail(cutting, parts[i].cut, parts[i].receiver, parts[i].document);
        }
        _endCutting(cutting);
    }

    /// @dev Moves the whole certificate; the caller has authority over it.
    function _endorse(address actor, uint256 range, address receiver, bytes32 document) internal {
        uint256 movement = _requireRunning();
        _moveWhole(actor, range, _requireRange(actor, range), movement, receiver, document);
    }

    function _endorseMany(address actor, Endorsement[] calldata endorsements) internal {
        if (endorsements.length == 0) revert BatchEmpty();
        for (uint256 i; i < endorsements.length; ++i) {
            _endorse(actor, endorsements[i].range, endorsements[i].receiver, endorsements[i].document);
        }
    }

    function _merge(address actor, uint256 range, uint64 end) internal {
        _requireRunning();
        uint256 rightId = range >> 128 << 64 | uint64(range);
        address holder;
        uint256 left = _requireRange(actor, range);
        {
            uint256 right = _requireRange(actor, rightId << 64 | end);
            holder = left.holder();
            if (right.holder() != holder) revert NotHolder(right.holder());
            Record storage record = _records[range >> 128];
            _requireMovable(record, range);
            _requireThawed(left, range >> 64);
            _requireThawed(right, rightId);
            (Member storage member, uint256 word) = _requireSender(holder);
            member.word = word.minusCertificate();
            bytes32 details = keccak256(abi.encode(actor, uint64(range)));
            record.head = _next(record.head, Journal.MERGED, uint64(range >> 64), end, details);
        }
        _certificates[range >> 64] = Words.packCertificate(holder, end) | (left & Words.ORIGINAL);
        delete _certificates[rightId];
        emit Merged(range >> 128, actor, uint64(range >> 64), end, uint64(range), _now());
        emit TransferValue(rightId, range >> 64, end - uint64(range));
        emit SlotChanged(rightId, range >> 128, 0);
        emit IERC721.Transfer(holder, address(0), rightId);
        _emitReshaped(range >> 64, left);
    }

    /// @dev Cut without a change of holder, for an order or a dispute: no due date and no minimum part hinders it. What
    ///      lies on the certificate is divided by length, rounded down for the front: the sums stay.
    function _cutInPlace(uint256 word, uint256 certificateId, uint64 cut) internal returns (uint256 tailId) {
        address holder = word.holder();
        tailId = certificateId >> 64 << 64 | cut;
        Member storage member = _members[holder];
        member.word = member.word.plusCertificate();
        uint256 front = Words.packCertificate(holder, cut) | (word & (Words.CERTIFICATE_FROZEN | Words.ORIGINAL));
        uint256 tail = Words.packCertificate(holder, word.end()) | (word & Words.CERTIFICATE_FROZEN);
        if (word & Words.PLEDGED != 0) (front, tail) = _divide(_liens, Words.PLEDGED, certificateId, front, tail);
        if (word & Words.RECOURSE != 0) {
            (front, tail) = _divide(_recourses, Words.RECOURSE, certificateId, front, tail);
        }
        if (word & Words.CLAIMED != 0) (front, tail) = _divide(_claims, Words.CLAIMED, certificateId, front, tail);
        _certificates[certificateId] = front;
        _certificates[tailId] = tail;
    }

    /// @dev Divides the amount of a right between the words of the two parts. Rounded down, the front can be left without
    ///      any, and without the right; the tail never is.
    function _divide(
        mapping(uint256 certificateId => uint256) storage rights_,
        uint256 flag,
        uint256 certificateId,
        uint256 front,
        uint256 tail
    ) private returns (uint256, uint256) {
        uint256 right = rights_[certificateId];
        uint64 whole = right.amount();
        uint64 start = uint64(certificateId);
        uint64 ofFront = uint64(uint256(whole) * (front.end() - start) / (tail.end() - start));
        rights_[certificateId] = right.withAmount(ofFront);
        rights_[certificateId >> 64 << 64 | front.end()] = right.withAmount(whole - ofFront);
        if (ofFront != 0) front |= flag;
        return (front, tail | flag);
    }

    /// @dev What was paid out on a certificate with this word so far.
    function _claimed(uint256 certificateId, uint256 word) internal view returns (uint64) {
        return word & Words.CLAIMED == 0 ? 0 : _claims[certificateId].amount();
    }

    // -------------------------------------------------------------- approvals

    function _approve(address actor, uint256 certificateId, uint256 word, address to) internal {
        address holder = word.holder();
        if (actor != holder && !_operators[holder][actor]) revert NotHolder(actor);
        _approvals[certificateId] = to;
        _certificates[certificateId] = to == address(0) ? word & ~Words.APPROVED : word | Words.APPROVED;
        emit IERC721.Approval(holder, to, certificateId);
    }

    function _setApprovalForAll(address holder, address operator, bool approved) internal {
        _operators[holder][operator] = approved;
        emit IERC721.ApprovalForAll(holder, operator, approved);
    }

    function _approved(uint256 certificateId, uint256 word) internal view returns (address) {
        return word & Words.APPROVED == 0 ? address(0) : _approvals[certificateId];
    }

    // ------------------------------------------------- the parts of operations

    /// @dev Everything that would refuse a transfer of the whole certificate by whoever has authority over it, and is
    ///      not about the extra rules. Returns what the move then reads.
    function _requireTransferable(uint256 range, uint256 word, address receiver, bytes32 document)
        internal
        view
        returns (Member storage giver, uint256 giverWord, Member storage taker, uint256 takerWord)
    {
        _requireMovable(_records[range >> 128], range);
        _requireThawed(word, range >> 64);
        if (receiver == word.holder()) revert SameHolder();
        (giver, giverWord) = _requireSender(word.holder());
        (taker, takerWord) = _requireEligible(receiver);
        if (document == 0 && !takerWord.isFinancier()) revert TradeDocumentMissing();
    }

    function _moveWhole(
        address actor,
        uint256 range,
        uint256 word,
        uint256 movement,
        address receiver,
        bytes32 document
    ) internal {
        {
            (Member storage giver, uint256 giverWord, Member storage taker, uint256 takerWord) =
                _requireTransferable(range, word, receiver, document);
            _consult(movement, Journal.ENDORSED, actor, word.holder(), receiver, range);
            giver.word = giverWord.minusCertificate();
            taker.word = takerWord.plusCertificate();
            // Orders on the receiver freeze the certificate from now on.
            if (takerWord & Words.MEMBER_FROZEN != 0) emit IERC4906.MetadataUpdate(range >> 64);
        }
        // Without flags: approvals and orders were for the holder before.
        _certificates[range >> 64] = Words.packCertificate(receiver, uint64(range));
        Record storage record = _records[range >> 128];
        bytes32 details = keccak256(abi.encode(actor, receiver, document));
        record.head = _next(record.head, Journal.ENDORSED, uint64(range >> 64), uint64(range), details);
        emit Endorsed(range >> 128, actor, receiver, uint64(range >> 64), uint64(range), document, _now());
        emit IERC721.Transfer(word.holder(), receiver, range >> 64);
    }

    function _beginCutting(address actor, uint256 range) private view returns (Cutting memory cutting) {
        cutting.movement = _requireRunning();
        uint256 word = _requireRange(actor, range);
        Record storage record = _records[range >> 128];
        _requireMovable(record, range);
        _requireThawed(word, range >> 64);
        cutting.actor = actor;
        cutting.word = word;
        cutting.certificateId = range >> 64;
        cutting.end = uint64(range);
        cutting.head = record.head;
        _requireSender(word.holder());
    }

    function _cutTail(Cutting memory cutting, uint64 cut, address receiver, bytes32 document)
        private
        returns (uint256 tailId)
    {
        uint64 start = uint64(cutting.certificateId);
        uint64 end = cutting.end;
        _requireCut(cutting.movement, start, cut, end);
        tailId = cutting.certificateId >> 64 << 64 | cut;
        {
            (Member storage taker, uint256 takerWord) = _requireEligible(receiver);
            if (document == 0 && receiver != cutting.word.holder() && !takerWord.isFinancier()) {
                revert TradeDocumentMissing();
            }
            if (cutting.movement.rules() != address(0)) {
                // Of a further part, extra rules see what the parts before it left, as if each were cut by itself.
                if (end != cutting.word.end()) _writeFront(cutting);
                _consult(
                    cutting.movement, Journal.SPLIT, cutting.actor, cutting.word.holder(), receiver, tailId << 64 | end
                );
            }
            taker.word = takerWord.plusCertificate();
            _certificates[tailId] = Words.packCertificate(receiver, end);
            bytes32 details = keccak256(abi.encode(cutting.actor, receiver, cut, document));
            cutting.head = _next(cutting.head, Journal.SPLIT, start, end, details);
        }
        cutting.end = cut;
        emit Split(tailId >> 64, cutting.actor, receiver, start, end, cut, document, _now());
        unchecked {
            _emitMint(receiver, tailId, cutting.certificateId, end - cut);
        }
    }

    function _endCutting(Cutting memory cutting) private {
        _writeFront(cutting);
        _emitReshaped(cutting.certificateId, cutting.word);
    }

    /// @dev What the cuts so far have left of the certificate, and the head with their entries.
    function _writeFront(Cutting memory cutting) private {
        uint256 word = cutting.word;
        _certificates[cutting.certificateId] =
            Words.packCertificate(word.holder(), cutting.end) | (word & Words.ORIGINAL);
        _records[cutting.certificateId >> 64].head = cutting.head;
    }

    function _mintWhole(uint256 receivableId, address originator, uint64 face, Member storage member, uint256 word)
        private
    {
        uint256 certificateId = receivableId << 64;
        _certificates[certificateId] = Words.packCertificate(originator, face) | Words.ORIGINAL;
        member.word = word.plusCertificate();
        _emitMint(originator, certificateId, 0, face);
    }

    /// @dev The one place where a registered claim finds its answer.
    function _answer(Record storage record, uint8 status, Terms calldata terms) private {
        record.terms = record.terms.withStatus(status);
        unchecked {
            // At least 2 while a claim of the pair is registered.
            --_unansweredPlusOne[_pairKey(terms.claim.debtor, terms.originator)];
        }
    }

    /// @dev The answer is no: the fingerprint is free again.
    function _end(Record storage record, uint8 status, Terms calldata terms) private {
        _answer(record, status, terms);
        delete _fingerprints[_fingerprintKey(terms.claim.fingerprint, terms.claim.debtor, terms.originator)];
    }

    function _takeFingerprint(address originator, Claim calldata claim, uint256 registration) private {
        bytes32 key = _fingerprintKey(claim.fingerprint, claim.debtor, originator);
        if (_fingerprints[key] != 0) revert FingerprintTaken(_fingerprints[key]);
        if (
            predecessor != address(0)
                && IReceivablesViews(predecessor).isClaimed(claim.fingerprint, claim.debtor, originator)
        ) revert TakenInPredecessor();
        bytes32 pair = _pairKey(claim.debtor, originator);
        uint256 plusOne = _unansweredPlusOne[pair];
        uint256 limit = registration.inForce(Words.UNANSWERED_SHIFT, Words.SHORT_BITS);
        if (plusOne > limit) revert TooManyUnanswered(limit);
        _unansweredPlusOne[pair] = plusOne == 0 ? 2 : plusOne + 1;
        _fingerprints[key] = registration.count() + 1;
    }

    // ----------------------------------------------------------------- checks

    /// @return movement The word that every move reads.
    function _requireRunning() internal view returns (uint256 movement) {
        movement = _movement;
        if (movement & Words.PAUSED != 0) revert RegistryPaused();
    }

    function _requireOpen() internal view returns (uint256 movement) {
        movement = _requireRunning();
        if (movement & Words.SUNSET != 0) revert RegistryInSunset();
    }

    function _requireClaim(address originator, Claim calldata claim, uint256 registration) private view {
        if (claim.face == 0) revert FaceMissing();
        if (claim.currency == 0 || claim.currency > 999) revert CurrencyMalformed(claim.currency);
        _requireDue(claim.due, registration);
        if (claim.fingerprint == 0) revert FingerprintMissing();
        if (claim.documentRoot == 0) revert DocumentRootMissing();
        if (claim.debtor == originator) revert DebtorIsOriginator();
    }

    function _requireDue(uint40 due, uint256 registration) private view {
        if (due % 1 days != 0 || due / 1 days > type(uint16).max) revert DueDateMalformed(due);
        _requireBeforeDue(due);
        uint256 latest = block.timestamp + registration.inForce(Words.TENOR_LIMIT_SHIFT, Words.SHORT_BITS) * 1 days;
        if (due > latest) revert TenorExceeded(uint40(latest - latest % 1 days));
    }

    function _requireBeforeDue(uint40 due) private view {
        if (block.timestamp >= due) revert DueDatePassed(due);
    }

    function _requireRegistered(Record storage record, uint256 receivableId) private view returns (uint256 terms) {
        terms = _requireReceivable(record, receivableId);
        if (terms.status() != Words.STATUS_REGISTERED) revert StatusForbids(terms.status());
    }

    /// @dev Confirmed, and neither paid in full nor closed.
    function _requireConfirmed(Record storage record, uint256 receivableId) internal view returns (uint256 terms) {
        terms = _requireReceivable(record, receivableId);
        if (terms.status() != Words.STATUS_CONFIRMED) revert StatusForbids(terms.status());
    }

    function _requireReceivable(Record storage record, uint256 receivableId) internal view returns (uint256 terms) {
        terms = record.terms;
        if (terms == 0) revert UnknownReceivable(receivableId);
    }

    function _requireDebtor(address actor, uint256 terms) private pure {
        if (terms.debtor() != actor) revert NotDebtor(actor);
    }

    /// @dev The named terms, and the entries since, lead to the journal's head.
    function _requireAnchor(Record storage record, uint256 receivableId, Terms calldata terms, bytes32[] calldata since)
        private
        view
        returns (bytes32 head)
    {
        head = record.head;
        if (_headOf(receivableId, terms, since) != head) revert AnchorMismatch(head);
    }

    /// @dev The named terms, the entries since and then the offer lead to the journal's head.
    function _requireOffer(
        Record storage record,
        uint256 receivableId,
        Terms calldata terms,
        bytes32[] calldata since,
        Offer calldata offer
    ) private view returns (bytes32 head) {
        head = record.head;
        bytes32 details = _offerDetails(terms.claim.debtor, offer.face, offer.due);
        bytes32 entry = Journal.entry(Journal.COUNTER_OFFERED, offer.at, 0, terms.claim.face, details);
        if (Journal.append(_headOf(receivableId, terms, since), entry) != head) revert AnchorMismatch(head);
    }

    function _headOf(uint256 receivableId, Terms calldata terms, bytes32[] calldata since)
        private
        view
        returns (bytes32)
    {
        return Journal.appendAll(
            _registeredHead(receivableId, terms.originator, terms.registeredAt, terms.answerBy, terms.claim), since
        );
    }

    /// @dev Head of a journal whose only entry is the registration of these terms.
    function _registeredHead(
        uint256 receivableId,
        address originator,
        uint40 registeredAt,
        uint40 answerBy,
        Claim calldata claim
    ) private view returns (bytes32) {
        bytes32 details = keccak256(
            abi.encode(
                originator, claim.debtor, claim.due, claim.currency, claim.fingerprint, claim.documentRoot, answerBy
            )
        );
        return Journal.append(
            Journal.genesis(receivableId), Journal.entry(Journal.REGISTERED, registeredAt, 0, claim.face, details)
        );
    }

    function _requireCertificate(uint256 certificateId) internal view returns (uint256 word) {
        word = _certificates[certificateId];
        if (word == 0) revert UnknownCertificate(certificateId);
    }

    /// @dev The certificate as the range names it.
    function _requireWhole(uint256 range) internal view returns (uint256 word) {
        word = _requireCertificate(range >> 64);
        if (word.end() != uint64(range)) revert RangeChanged(uint64(range >> 64), word.end());
    }

    /// @dev The actor must be the holder, its operator for all, or approved for this very certificate.
    function _requireAuthority(address actor, uint256 certificateId) internal view returns (uint256 word) {
        word = _requireCertificate(certificateId);
        address holder = word.holder();
        if (actor != holder && !_operators[holder][actor] && _approved(certificateId, word) != actor) {
            revert NotHolder(actor);
        }
    }

    /// @dev The actor has authority, and the certificate still has the end that the range names.
    function _requireRange(address actor, uint256 range) internal view returns (uint256 word) {
        word = _requireAuthority(actor, range >> 64);
        if (word.end() != uint64(range)) revert RangeChanged(uint64(range >> 64), word.end());
    }

    /// @dev Certificates move only before the due date, while no order freezes the receivable, nothing is paid, and
    ///      these cents are not in dispute.
    function _requireMovable(Record storage record, uint256 range) internal view {
        uint256 terms = record.terms;
        if (terms.status() != Words.STATUS_CONFIRMED) revert StatusForbids(terms.status());
        _requireBeforeDue(terms.due());
        if (terms & Words.RECEIVABLE_FROZEN != 0) _requireNoOrder(SCOPE_RECEIVABLE, range >> 128);
        if (terms & Words.RESTRAINED != 0) {
            uint256 amounts = record.amounts;
            _requireNoPayment(amounts);
            if (uint64(range >> 64) < amounts.senior()) revert InDispute(amounts.senior());
        }
    }

    /// @dev Neither an order nor a lien is on the certificate itself.
    function _requireThawed(uint256 word, uint256 certificateId) internal view {
        if (word & (Words.CERTIFICATE_FROZEN | Words.PLEDGED) == 0) return;
        if (word & Words.CERTIFICATE_FROZEN != 0) _requireNoOrder(SCOPE_CERTIFICATE, certificateId);
        _requireNoLien(word, certificateId);
    }

    function _requireNoLien(uint256 word, uint256 certificateId) internal view {
        if (word & Words.PLEDGED != 0) revert PledgedTo(_liens[certificateId].rightful());
    }

    function _requireNoPayment(uint256 amounts) internal pure {
        if (amounts.paid() != 0) revert PaymentMade(amounts.paid());
    }

    /// @dev Both parts of a cut have the minimum length.
    function _requireCut(uint256 movement, uint64 start, uint64 cut, uint64 end) internal view {
        if (cut <= start || cut >= end) revert CutOutOfRange(start, cut, end);
        uint256 minimum = movement.minimumPart();
        unchecked {
            // The cut lies between start and end.
            if (cut - start < minimum || end - cut < minimum) revert BelowMinimumPart(uint64(minimum));
        }
    }

    function _requireEligible(address account) internal view returns (Member storage member, uint256 word) {
        member = _members[account];
        word = member.word;
        if (!word.eligible()) revert MemberNotEligible(account);
    }

    /// @dev Eligible, and has made good what it owes.
    function _requireSolvent(address account) private view {
        (, uint256 word) = _requireEligible(account);
        if (word.dishonoured() != 0) revert DebtorOverdue(account);
    }

    /// @dev As _requireSolvent, and no order freezes what it holds: a new debt would be a way to spend it.
    function _requirePromising(address debtor) private view {
        _requireSender(debtor);
        _requireSolvent(debtor);
    }

    /// @dev Eligible, and no order freezes what it holds.
    function _requireSender(address account) internal view returns (Member storage member, uint256 word) {
        (member, word) = _requireEligible(account);
        if (word & Words.MEMBER_FROZEN != 0) _requireNoOrder(SCOPE_MEMBER, uint160(account));
    }

    function _requireNoOrder(uint8 scope, uint256 id) internal view {
        bytes32 order = _orderInForce(scope, id);
        if (order != 0) revert FrozenByOrder(order);
    }

    /// @dev The first order in force on the certificate, its receivable or its holder, or 0.
    function _orderOver(uint256 certificateId, uint256 word, uint256 terms, uint256 holderWord)
        internal
        view
        returns (bytes32 order)
    {
        if (word & Words.CERTIFICATE_FROZEN != 0) order = _orderInForce(SCOPE_CERTIFICATE, certificateId);
        if (order == 0 && terms & Words.RECEIVABLE_FROZEN != 0) {
            order = _orderInForce(SCOPE_RECEIVABLE, certificateId >> 64);
        }
        if (order == 0 && holderWord & Words.MEMBER_FROZEN != 0) {
            order = _orderInForce(SCOPE_MEMBER, uint160(word.holder()));
        }
    }

    /// @dev The same, as a refusal.
    function _requireNoOrderOver(uint256 certificateId, uint256 word, uint256 terms) internal view {
        bytes32 order = _orderOver(certificateId, word, terms, _members[word.holder()].word);
        if (order != 0) revert FrozenByOrder(order);
    }

    /// @dev The receivable is the one that was meant: the claim that lives under this id, with these terms. That stays
    ///      so while other holders act, and is otherwise on a fork where the id went to another claim.
    function _requireSameReceivable(uint256 receivableId, bytes32 anchor, bytes32 claimKey) internal view {
        Record storage record = _records[receivableId];
        if (
            _fingerprints[claimKey] != receivableId || keccak256(abi.encode(claimKey, record.terms.lasting())) != anchor
        ) revert AnchorMismatch(record.head);
    }

    /// @dev The first order in force, or 0. It comes from the clock: an expired one hinders nobody, though still listed.
    function _orderInForce(uint8 scope, uint256 id) internal view returns (bytes32) {
        Freeze[] storage freezes_ = _freezes[scope][id];
        for (uint256 i; i < freezes_.length; ++i) {
            if (block.timestamp < freezes_[i].expiry) return freezes_[i].order;
        }
        return 0;
    }

    /// @dev A call to an account without code succeeds: rules there would allow everything unseen.
    function _requireCode(address account) internal view {
        if (account != address(0) && account.code.length == 0) revert ParameterMalformed();
    }

    /// @dev The extra rules, if there are any, must not revert. `range` is what moves or comes to be.
    function _consult(uint256 movement, uint8 operation, address actor, address from, address to, uint256 range)
        internal
        view
    {
        address rules = movement.rules();
        if (rules == address(0)) return;
        IRules.Act memory act = IRules.Act(operation, range >> 128, actor, from, to, uint64(range >> 64), uint64(range));
        (bool allowed, bytes memory reason) = rules.staticcall(abi.encodeCall(IRules.check, (address(this), act)));
        // A call to an account that lost its code succeeds: without rules to ask, nothing is allowed.
        if (!allowed || rules.code.length == 0) revert RulesForbid(reason);
    }

    // ----------------------------------------------------------------- events

    function _emitMint(address holder, uint256 certificateId, uint256 parentId, uint64 value) internal {
        emit IERC721.Transfer(address(0), holder, certificateId);
        emit SlotChanged(certificateId, 0, certificateId >> 64);
        emit TransferValue(parentId, certificateId, value);
    }

    /// @dev What is said of every certificate of the receivable has changed.
    function _emitAllChanged(uint256 receivableId) internal {
        emit IERC4906.BatchMetadataUpdate(receivableId << 64, receivableId << 64 | type(uint64).max);
    }

    /// @dev A certificate has another range and the same holder. Its approval has ended; no transfer says so.
    function _emitReshaped(uint256 certificateId, uint256 word) internal {
        if (word & Words.APPROVED != 0) emit IERC721.Approval(word.holder(), address(0), certificateId);
        emit IERC4906.MetadataUpdate(certificateId);
    }

    // ------------------------------------------------------------------ words

    function _next(bytes32 head, uint256 operation, uint256 start, uint256 end, bytes32 details)
        internal
        view
        returns (bytes32)
    {
        return Journal.append(head, Journal.entry(operation, block.timestamp, start, end, details));
    }

    /// @dev Appends an entry about a certificate.
    function _append(uint256 range, uint256 operation, bytes32 details) internal {
        Record storage record = _records[range >> 128];
        record.head = _next(record.head, operation, uint64(range >> 64), uint64(range), details);
    }

    /// @dev Appends to R-0.
    function _appendToRegistry(uint256 operation, bytes32 details) internal {
        Record storage record = _records[REGISTRY];
        record.head = _next(record.head, operation, 0, 0, details);
    }

    function _offerDetails(address debtor, uint64 face, uint40 due) private pure returns (bytes32) {
        return keccak256(abi.encode(debtor, face, due));
    }

    function _fingerprintKey(bytes32 fingerprint, address debtor, address originator) internal pure returns (bytes32) {
        return keccak256(abi.encode(fingerprint, debtor, originator));
    }

    function _pairKey(address debtor, address originator) internal pure returns (bytes32) {
        return keccak256(abi.encode(debtor, originator));
    }

    /// @dev The registry's clock while it runs: the time less all pauses.
    function _clock() private view returns (uint256) {
        return block.timestamp - _registration.pausedSeconds();
    }

    function _now() internal view returns (uint40) {
        return uint40(block.timestamp);
    }
}
