// SPDX-License-Identifier: Apache-2.0
pragma solidity 0.8.30;

import {IERC20} from "@openzeppelin/contracts/token/ERC20/IERC20.sol";
import {IERC20Permit} from "@openzeppelin/contracts/token/ERC20/extensions/IERC20Permit.sol";
import {SafeERC20} from "@openzeppelin/contracts/token/ERC20/utils/SafeERC20.sol";
import {IERC721} from "@openzeppelin/contracts/token/ERC721/IERC721.sol";

import {Clearing} from "./base/Clearing.sol";
import {Ledger} from "./base/Ledger.sol";
import {Signatures} from "./base/Signatures.sol";
import {IDepositToken} from "./interfaces/IDepositToken.sol";
import {ISettlementOperations} from "./interfaces/IReceivables.sol";
import {Amounts} from "./libraries/Amounts.sol";
import {Journal} from "./libraries/Journal.sol";
import {Words} from "./libraries/Words.sol";

/// @title ReceivablesSettlement
/// @notice The doors of the registry for credit notes, disputes, dishonour, recourse and the settlement bank, and for
///         operations about money by signature.
/// @dev Code that Receivables runs in its own storage; alone it has no members and does nothing.
contract ReceivablesSettlement is Clearing, Signatures, ISettlementOperations {
    using Amounts for uint256;
    using SafeERC20 for IERC20;
    using Words for uint256;

    bytes32 private constant PLEDGE = keccak256(
        "Pledge(address signer,uint256 receivableId,uint64 start,uint64 end,address financier,uint64 secured,bytes32 anchor,uint256 nonce,uint256 deadline)"
    );
    bytes32 private constant RELEASE = keccak256(
        "Release(address signer,uint256 receivableId,uint64 start,uint64 end,bytes32 anchor,uint256 nonce,uint256 deadline)"
    );
    bytes32 private constant PAY = keccak256(
        "Pay(address signer,uint256 receivableId,uint64 amount,bytes32 anchor,uint256 nonce,uint256 deadline)"
    );
    bytes32 private constant CREDIT_NOTE = keccak256(
        "CreditNote(address signer,uint256 receivableId,uint64 start,uint64 end,uint64 amount,bytes32 anchor,uint256 nonce,uint256 deadline)"
    );
    bytes32 private constant DISPUTE = keccak256(
        "Dispute(address signer,uint256 receivableId,uint64 start,uint64 end,uint64 cut,bytes32 anchor,uint256 nonce,uint256 deadline)"
    );
    bytes32 private constant RESOLVE =
        keccak256("Resolve(address signer,uint256 receivableId,bytes32 anchor,uint256 nonce,uint256 deadline)");
    bytes32 private constant DEMAND_RECOURSE = keccak256(
        "DemandRecourse(address signer,uint256 receivableId,uint64 start,uint64 end,bytes32 anchor,uint256 nonce,uint256 deadline)"
    );
    bytes32 private constant REPURCHASE = keccak256(
        "Repurchase(address signer,uint256 receivableId,uint64 start,uint64 end,bytes32 anchor,uint256 nonce,uint256 deadline)"
    );

    /// @param predecessor_ As in Receivables.
    constructor(address predecessor_) Ledger(address(0), predecessor_) {}

    // ------------------------------------------------ credit notes and disputes

    /// @inheritdoc ISettlementOperations
    function creditNote(uint256 range, uint64 amount, Authorisation calldata second) external {
        _requireMove(range, second, CREDIT_NOTE, abi.encode(amount));
        _creditNote(msg.sender, second.signer, range, amount);
    }

    /// @inheritdoc ISettlementOperations
    function creditNoteBySignature(
        uint256 range,
        uint64 amount,
        Authorisation calldata by,
        Authorisation calldata second
    ) external {
        _requireMove(range, by, CREDIT_NOTE, abi.encode(amount));
        _requireMove(range, second, CREDIT_NOTE, abi.encode(amount));
        _creditNote(by.signer, second.signer, range, amount);
    }

    /// @inheritdoc ISettlementOperations
    function dispute(uint256 range, uint64 cut, Authorisation calldata second) external {
        _requireMove(range, second, DISPUTE, abi.encode(cut));
        _dispute(msg.sender, second.signer, range, cut);
    }

    /// @inheritdoc ISettlementOperations
    function disputeBySignature(uint256 range, uint64 cut, Authorisation calldata by, Authorisation calldata second)
        external
    {
        _requireMove(range, by, DISPUTE, abi.encode(cut));
        _requireMove(range, second, DISPUTE, abi.encode(cut));
        _dispute(by.signer, second.signer, range, cut);
    }

    /// @inheritdoc ISettlementOperations
    function resolve(uint256 receivableId, Authorisation calldata second) external {
        _requireAct(receivableId, second, abi.encode(RESOLVE, second.signer, receivableId));
        _resolve(msg.sender, second.signer, receivableId);
    }

    /// @inheritdoc ISettlementOperations
    function resolveBySignature(uint256 receivableId, Authorisation calldata by, Authorisation calldata second)
        external
    {
        _requireAct(receivableId, by, abi.encode(RESOLVE, by.signer, receivableId));
        _requireAct(receivableId, second, abi.encode(RESOLVE, second.signer, receivableId));
        _resolve(by.signer, second.signer, receivableId);
    }

    function _creditNote(address actor, address second, uint256 range, uint64 amount) private {
        _requireRunning();
        (Record storage record, uint256 terms, uint256 word) = _requireFront(actor, second, range);
        (uint64 start, uint64 end) = (uint64(range >> 64), uint64(range));
        if (amount == 0 || amount > end - start) revert CreditOutOfRange(end - start);
        uint256 amounts = record.amounts;
        // What is paid last has got nothing yet while the rest is not paid in full.
        if (
            amounts.senior() == 0 || start + amount > amounts.senior()
                || amounts.paid() > terms.face() - amounts.senior()
        ) {
            _requireNoPayment(amounts);
        }

        amounts = amounts.withCancelled(start + amount);
        if (amounts.senior() != 0 && amounts.senior() <= start + amount) amounts = amounts.withoutTranches();
        delete _certificates[range >> 64];
        uint256 restId = range >> 128 << 64 | (start + amount);
        if (amount == end - start) {
            _members[word.holder()].word = _members[word.holder()].word.minusCertificate();
        } else {
            _certificates[restId] = Words.packCertificate(word.holder(), end) | Words.ORIGINAL;
        }
        _writeAmounts(record, terms, amounts);
        _append(range, Journal.CREDIT_NOTED, keccak256(abi.encode(actor, second, amount)));
        emit CreditNoted(range >> 128, actor, second, start, end, amount, _now());
        emit IERC721.Transfer(word.holder(), address(0), range >> 64);
        emit SlotChanged(range >> 64, range >> 128, 0);
        if (amount != end - start) _emitMint(word.holder(), restId, range >> 64, end - start - amount);
    }

    function _dispute(address actor, address second, uint256 range, uint64 cut) private {
        _requireRunning();
        (Record storage record, uint256 terms, uint256 word) = _requireFront(actor, second, range);
        (uint64 start, uint64 end) = (uint64(range >> 64), uint64(range));
        if (cut <= start || cut > end) revert CutOutOfRange(start, cut, end);
        uint256 amounts = record.amounts;
        _requireNoPayment(amounts);
        if (amounts.isDisputed()) revert InDispute(amounts.senior());

        uint256 tailId;
        // Its orders have expired, or there would be no dispute: the parts begin without.
        if (cut != end) tailId = _cutInPlace(word & ~Words.CERTIFICATE_FROZEN, range >> 64, cut);
        _writeAmounts(record, terms, amounts.withDispute(cut));
        _append(range, Journal.DISPUTED, keccak256(abi.encode(actor, second, cut)));
        emit Disputed(range >> 128, actor, second, start, end, cut, _now());
        if (cut != end) {
            _emitMint(word.holder(), tailId, range >> 64, end - cut);
            _emitReshaped(range >> 64, word);
        }
        _emitAllChanged(range >> 128);
    }

    function _resolve(address actor, address second, uint256 receivableId) private {
        _requireRunning();
        Record storage record = _records[receivableId];
        uint256 terms = _requireConfirmed(record, receivableId);
        uint256 amounts = record.amounts;
        if (!amounts.isDisputed()) revert NotInDispute();
        // The holder of the first cents: the originator, or whom an order gave them to.
        address creditor = _certificates[receivableId << 64 | amounts.cancelled()].holder();
        _requireParties(terms.debtor(), creditor, actor, second);

        _writeAmounts(record, terms, amounts.withoutDispute());
        bytes32 details = keccak256(abi.encode(actor, second));
        record.head = _next(record.head, Journal.RESOLVED, 0, terms.face(), details);
        emit Resolved(receivableId, actor, second, terms.face(), _now());
        _emitAllChanged(receivableId);
    }

    /// @dev The front certificate of a receivable that is not paid in full, in its originator's hands, and nothing on it.
    function _requireFront(address one, address other, uint256 range)
        private
        view
        returns (Record storage record, uint256 terms, uint256 word)
    {
        word = _requireWhole(range);
        if (word & Words.ORIGINAL == 0) revert NotFront(range >> 64);
        record = _records[range >> 128];
        terms = _requireConfirmed(record, range >> 128);
        _requireParties(terms.debtor(), word.holder(), one, other);
        _requireNoOrderOver(range >> 64, word, terms);
        _requireNoLien(word, range >> 64);
    }

    /// @dev The two are debtor and creditor, whichever is which.
    function _requireParties(address debtor, address creditor, address one, address other) private pure {
        if (one != debtor && one != creditor) revert NotParty(one);
        if (other != (one == debtor ? creditor : debtor)) revert NotParty(other);
    }

    // ------------------------------------------------------------------ payment

    /// @inheritdoc ISettlementOperations
    function payWithPermit(uint256 receivableId, uint64 amount, uint256 deadline, uint8 v, bytes32 r, bytes32 s)
        external
    {
        address token = _depositTokens[_records[receivableId].terms.currency()];
        if (token != address(0)) {
            // Whoever saw the permit may have used it first. Then the allowance stands, and without it nothing moves.
            try IERC20Permit(token).permit(msg.sender, address(this), amount, deadline, v, r, s) {} catch {}
        }
        _pay(msg.sender, receivableId, amount);
    }

    /// @inheritdoc ISettlementOperations
    function payBySignature(uint256 receivableId, uint64 amount, Authorisation calldata by) external {
        _requireAct(receivableId, by, abi.encode(PAY, by.signer, receivableId, amount));
        _pay(by.signer, receivableId, amount);
    }

    /// @inheritdoc ISettlementOperations
    function pledgeBySignature(uint256 range, address financier, uint64 secured, Authorisation calldata by) external {
        _requireMove(range, by, PLEDGE, abi.encode(financier, secured));
        _pledge(by.signer, range, financier, secured);
    }

    /// @inheritdoc ISettlementOperations
    function releaseBySignature(uint256 range, Authorisation calldata by) external {
        _requireMove(range, by, RELEASE, "");
        _release(by.signer, range);
    }

    // -------------------------------------------------- the end of a receivable

    /// @inheritdoc ISettlementOperations
    function close(uint256 receivableId) external restricted {
        Record storage record = _records[receivableId];
        uint256 terms = _requireConfirmed(record, receivableId);
        _requireOverdue(terms, _graceDays());
        _requireDepositToken(terms);

        uint256 amounts = record.amounts;
        // What is written off is not made good.
        if (amounts.payable_(terms.face()) != 0 && amounts & Amounts.DISHONOURED == 0) _mark(record, terms, amounts);
        record.terms = terms.withStatus(Words.STATUS_CLOSED);
        record.head = _next(record.head, Journal.CLOSED, 0, terms.face(), keccak256(abi.encode(msg.sender)));
        emit Closed(receivableId, msg.sender, terms.face(), _now());
        _emitAllChanged(receivableId);
    }

    /// @inheritdoc ISettlementOperations
    function dishonour(uint256 receivableId) external {
        Record storage record = _records[receivableId];
        uint256 terms = _requireConfirmed(record, receivableId);
        uint256 amounts = record.amounts;
        if (amounts.payable_(terms.face()) == 0) revert PaymentMade(amounts.paid());
        _requireOverdue(terms, _graceDays());
        if (amounts & Amounts.DISHONOURED != 0) revert DishonourStands();
        // Nobody is late with what cannot be paid here.
        _requireDepositToken(terms);

        _mark(record, terms, amounts);
        record.head = _next(record.head, Journal.DISHONOURED, 0, terms.face(), keccak256(abi.encode(msg.sender)));
        emit Dishonoured(receivableId, msg.sender, terms.face(), _now());
    }

    /// @inheritdoc ISettlementOperations
    function absolve(uint256 receivableId) external restricted {
        Record storage record = _records[receivableId];
        uint256 terms = _requireReceivable(record, receivableId);
        if (terms.status() != Words.STATUS_CLOSED) revert StatusForbids(terms.status());
        if (record.amounts & Amounts.DISHONOURED == 0) revert NotDishonoured();

        record.amounts &= ~Amounts.DISHONOURED;
        Member storage debtor = _members[terms.debtor()];
        debtor.word = debtor.word.minusDishonoured();
        record.head = _next(record.head, Journal.ABSOLVED, 0, terms.face(), keccak256(abi.encode(msg.sender)));
        emit Absolved(receivableId, msg.sender, terms.face(), _now());
    }

    /// @dev The debtor registers and confirms nothing until this debt is made good.
    function _mark(Record storage record, uint256 terms, uint256 amounts) private {
        record.amounts = amounts | Amounts.DISHONOURED;
        Member storage debtor = _members[terms.debtor()];
        debtor.word = debtor.word.plusDishonoured();
    }

    // ----------------------------------------------------------------- recourse

    /// @inheritdoc ISettlementOperations
    function demandRecourse(uint256 range) external {
        _demandRecourse(msg.sender, range);
    }

    /// @inheritdoc ISettlementOperations
    function demandRecourseBySignature(uint256 range, Authorisation calldata by) external {
        _requireMove(range, by, DEMAND_RECOURSE, "");
        _demandRecourse(by.signer, range);
    }

    /// @inheritdoc ISettlementOperations
    function repurchase(uint256 range) external {
        _repurchase(msg.sender, range);
    }

    /// @inheritdoc ISettlementOperations
    function repurchaseBySignature(uint256 range, Authorisation calldata by) external {
        _requireMove(range, by, REPURCHASE, "");
        _repurchase(by.signer, range);
    }

    function _demandRecourse(address actor, uint256 range) private {
        uint256 word = _requireRange(actor, range);
        (uint256 terms, uint256 recourse) = _requireRecourse(range, word);
        _requireOverdue(terms, 1);
        if (recourse & Words.DEMANDED != 0) revert RecourseStands();
        _requireUnpaid(range, word, terms, recourse);

        _recourses[range >> 64] = recourse | Words.DEMANDED;
        address seller = recourse.rightful();
        _append(range, Journal.RECOURSE_DEMANDED, keccak256(abi.encode(actor, seller)));
        emit RecourseDemanded(range >> 128, actor, seller, uint64(range >> 64), uint64(range), _now());
    }

    function _repurchase(address seller, uint256 range) private {
        _requireRunning();
        uint256 word = _requireWhole(range);
        (uint256 terms, uint256 recourse) = _requireRecourse(range, word);
        if (recourse.rightful() != seller) revert NotSeller(seller);
        if (recourse & Words.DEMANDED == 0) revert RecourseNotDemanded();
        _requireNoOrderOver(range >> 64, word, terms);
        _requireNoLien(word, range >> 64);
        uint64 amount = _requireUnpaid(range, word, terms, recourse);
        (Member storage taker, uint256 takerWord) = _requireSender(seller);
        IERC20 token = _requireDepositToken(terms);

        address holder = word.holder();
        _members[holder].word = _members[holder].word.minusCertificate();
        taker.word = takerWord.plusCertificate();
        // What was paid out on it stays with it.
        _certificates[range >> 64] = Words.packCertificate(seller, uint64(range)) | (word & Words.CLAIMED);
        _append(range, Journal.REPURCHASED, keccak256(abi.encode(seller, amount)));
        emit Repurchased(range >> 128, seller, uint64(range >> 64), uint64(range), amount, _now());
        emit IERC721.Transfer(holder, seller, range >> 64);
        token.safeTransferFrom(seller, holder, amount);
    }

    /// @dev A certificate sold with recourse, of a receivable that was not paid in full.
    function _requireRecourse(uint256 range, uint256 word) private view returns (uint256 terms, uint256 recourse) {
        if (word & Words.RECOURSE == 0) revert NoRecourse(range >> 64);
        terms = _records[range >> 128].terms;
        if (terms.status() == Words.STATUS_SETTLED) revert StatusForbids(terms.status());
        recourse = _recourses[range >> 64];
    }

    /// @dev What was paid and waits for the holder counts as well as what it got: it is not the seller's to take.
    /// @return amount What the seller still owes: its amount less what was paid out on the certificate.
    function _requireUnpaid(uint256 range, uint256 word, uint256 terms, uint256 recourse)
        private
        view
        returns (uint64 amount)
    {
        bool closed = terms.status() == Words.STATUS_CLOSED;
        uint64 claimed = _claimed(range >> 64, word);
        uint64 due = _records[range >> 128].amounts.due(terms.face(), uint64(range >> 64), uint64(range), closed);
        if (claimed >= recourse.amount() || due >= recourse.amount()) revert NothingDue(range >> 64);
        return recourse.amount() - claimed;
    }

    function _graceDays() private view returns (uint256) {
        return _settlement.inForce(Words.OVERDUE_GRACE_SHIFT, Words.SHORT_BITS);
    }

    function _requireOverdue(uint256 terms, uint256 days_) private view {
        uint256 from = terms.due() + days_ * 1 days;
        if (block.timestamp < from) revert NotOverdue(uint40(from));
    }

    // ----------------------------------------------------------------- governor

    /// @inheritdoc ISettlementOperations
    function setDepositToken(uint16 currency, address token) external restricted {
        if (_depositTokens[currency] != address(0)) revert DepositTokenStands(currency);
        if (
            currency == 0 || currency > 999 || token.code.length == 0
                || IDepositToken(token).registry() != address(this) || IDepositToken(token).currency() != currency
        ) revert ParameterMalformed();
        _depositTokens[currency] = token;
        _appendToRegistry(Journal.DEPOSIT_TOKEN_SET, keccak256(abi.encode(currency, token, msg.sender)));
        emit DepositTokenSet(currency, token, msg.sender, _now());
    }

    /// @inheritdoc ISettlementOperations
    function setDesk(address desk) external restricted {
        _requireCode(desk);
        _settlement = _settlement.withDesk(desk);
        _appendToRegistry(Journal.DESK_SET, keccak256(abi.encode(desk, msg.sender)));
        emit DeskSet(desk, msg.sender, _now());
    }

    // -------------------------------------------------------------------- views

    /// @inheritdoc ISettlementOperations
    function depositTokens(uint16[] calldata currencies) external view returns (address[] memory result) {
        result = new address[](currencies.length);
        for (uint256 i; i < currencies.length; ++i) {
            result[i] = _depositTokens[currencies[i]];
        }
    }

    /// @inheritdoc ISettlementOperations
    function rights(uint256[] calldata certificateIds) external view returns (Rights[] memory result) {
        result = new Rights[](certificateIds.length);
        for (uint256 i; i < certificateIds.length; ++i) {
            uint256 id = certificateIds[i];
            uint256 word = _certificates[id];
            if (word & Words.PLEDGED != 0) result[i].lien = _liens[id];
            if (word & Words.RECOURSE != 0) result[i].recourse = _recourses[id];
            result[i].claimed = _claimed(id, word);
        }
    }

    /// @inheritdoc ISettlementOperations
    function redeemable(uint256[] calldata certificateIds) external view returns (uint64[] memory result) {
        result = new uint64[](certificateIds.length);
        Payout memory payout;
        for (uint256 i; i < certificateIds.length; ++i) {
            (bytes4 refusal,) = _readPayout(payout, certificateIds[i]);
            if (refusal == 0) result[i] = payout.amount;
        }
    }
}
