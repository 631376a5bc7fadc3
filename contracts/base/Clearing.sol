// SPDX-License-Identifier: Apache-2.0
pragma solidity 0.8.30;

import {IERC4906} from "@openzeppelin/contracts/interfaces/IERC4906.sol";
import {IERC20} from "@openzeppelin/contracts/token/ERC20/IERC20.sol";
import {SafeERC20} from "@openzeppelin/contracts/token/ERC20/utils/SafeERC20.sol";
import {IERC721} from "@openzeppelin/contracts/token/ERC721/IERC721.sol";

import {Amounts} from "../libraries/Amounts.sol";
import {Journal} from "../libraries/Journal.sol";
import {Words} from "../libraries/Words.sol";
import {Ledger} from "./Ledger.sol";

/// @title Clearing
/// @notice Pledges, sales, payments and what they pay out.
/// @dev Each writes its words and its entry before money moves. The registry holds what was paid in and not yet paid
///      out, in the deposit tokens that it was given for each currency.
abstract contract Clearing is Ledger {
    using Amounts for uint256;
    using SafeERC20 for IERC20;
    using Words for uint256;

    /// @dev What a redemption would do.
    /// @param word The certificate's.
    /// @param claimed What was paid out on it before.
    /// @param amount What is to be paid out now.
    /// @param last Whether the certificate is no more after it.
    struct Payout {
        uint256 word;
        uint256 terms;
        uint256 memberWord;
        uint64 claimed;
        uint64 amount;
        bool last;
    }

    // -------------------------------------------------------- pledge and sale

    function _pledge(address actor, uint256 range, address financier, uint64 secured) internal {
        uint256 movement = _requireRunning();
        uint256 word = _requireRange(actor, range);
        _pledgeWhole(movement, actor, range, word, financier, secured, 0, 0);
    }

    function _pledgeAgainst(Deal calldata deal) internal {
        uint256 movement = _requireRunning();
        uint256 word = _requireDeal(deal);
        uint64 start = uint64(deal.range >> 64);
        if (deal.cut != start) revert CutOutOfRange(start, deal.cut, uint64(deal.range));
        _pledgeWhole(movement, msg.sender, deal.range, word, deal.financier, deal.amount, deal.price, deal.quote);
    }

    function _pledgeWhole(
        uint256 movement,
        address actor,
        uint256 range,
        uint256 word,
        address financier,
        uint64 secured,
        uint64 price,
        bytes32 quote
    ) private {
        uint64 start = uint64(range >> 64);
        _requireFinancing(range, word, financier);
        if (secured == 0 || secured > uint64(range) - start) revert SecuredOutOfRange(uint64(range) - start);
        if (quote != 0) _requirePrice(price, uint64(range) - start);
        _consult(movement, Journal.PLEDGED, actor, word.holder(), financier, range);

        _liens[range >> 64] = Words.packRight(financier, secured);
        _certificates[range >> 64] = word | Words.PLEDGED;
        bytes32 details = keccak256(abi.encode(actor, financier, secured, price, quote));
        _append(range, Journal.PLEDGED, details);
        emit Pledged(range >> 128, actor, financier, start, uint64(range), secured, price, quote, _now());
        emit IERC4906.MetadataUpdate(range >> 64);
    }

    function _release(address financier, uint256 range) internal {
        uint256 word = _requireWhole(range);
        if (word & Words.PLEDGED == 0) revert NotPledged(range >> 64);
        if (_liens[range >> 64].rightful() != financier) revert NotFinancier(financier);

        _certificates[range >> 64] = word & ~Words.PLEDGED;
        _append(range, Journal.RELEASED, keccak256(abi.encode(financier)));
        emit Released(range >> 128, financier, uint64(range >> 64), uint64(range), _now());
        emit IERC4906.MetadataUpdate(range >> 64);
    }

    function _sell(Deal calldata deal) internal returns (uint256 soldId) {
        uint256 movement = _requireRunning();
        uint256 word = _requireDeal(deal);
        (Member storage taker, uint256 takerWord) = _requireFinancing(deal.range, word, deal.financier);
        bool whole = deal.cut == uint64(deal.range >> 64);
        if (!whole) _requireCut(movement, uint64(deal.range >> 64), deal.cut, uint64(deal.range));
        _requirePrice(deal.price, uint64(deal.range) - deal.cut);
        if (deal.amount > uint64(deal.range) - deal.cut) revert RecourseOutOfRange(uint64(deal.range) - deal.cut);
        soldId = deal.range >> 128 << 64 | deal.cut;
        _consult(movement, Journal.SOLD, msg.sender, deal.holder, deal.financier, soldId << 64 | uint64(deal.range));

        taker.word = takerWord.plusCertificate();
        if (whole) {
            _members[deal.holder].word = _members[deal.holder].word.minusCertificate();
        } else {
            _certificates[deal.range >> 64] = Words.packCertificate(deal.holder, deal.cut) | (word & Words.ORIGINAL);
        }
        uint256 sold = Words.packCertificate(deal.financier, uint64(deal.range));
        if (deal.amount != 0) {
            sold |= Words.RECOURSE;
            _recourses[soldId] = Words.packRight(deal.holder, deal.amount);
        }
        _certificates[soldId] = sold;
        _recordSale(deal);
        if (whole) {
            emit IERC721.Transfer(deal.holder, deal.financier, soldId);
            // Orders on the financier freeze the certificate from now on.
            if (takerWord & Words.MEMBER_FROZEN != 0) emit IERC4906.MetadataUpdate(soldId);
        } else {
            _emitMint(deal.financier, soldId, deal.range >> 64, uint64(deal.range) - deal.cut);
            _emitReshaped(deal.range >> 64, word);
        }
    }

    function _recordSale(Deal calldata deal) private {
        bytes32 details =
            keccak256(abi.encode(msg.sender, deal.financier, deal.cut, deal.price, deal.amount, deal.quote));
        _append(deal.range, Journal.SOLD, details);
        emit Sold(
            deal.range >> 128,
            msg.sender,
            deal.financier,
            uint64(deal.range >> 64),
            uint64(deal.range),
            deal.cut,
            deal.price,
            deal.amount,
            deal.quote,
            _now()
        );
    }

    // --------------------------------------------------- payment and clearing

    /// @dev The allowance is the payer's word. Of the debtor it does not matter what else it may do.
    function _pay(address payer, uint256 receivableId, uint64 amount) internal {
        Record storage record = _records[receivableId];
        uint256 terms = _requireConfirmed(record, receivableId);
        if (amount == 0) revert AmountMissing();
        uint256 amounts = record.amounts;
        {
            uint64 most = amounts.payable_(terms.face());
            if (amount > most) revert Overpayment(most);
            if (amount != most && (payer != terms.debtor() || block.timestamp < terms.due())) {
                revert PaymentNotWhole(most);
            }
        }
        // A debtor always pays what it owes; whoever else pays spends. Before the due date nothing is owed: what an order
        // on the debtor holds is not for debts that it may have to a friend.
        if (payer != terms.debtor()) {
            _requireSender(payer);
        } else if (block.timestamp < terms.due() && _members[payer].word & Words.MEMBER_FROZEN != 0) {
            _requireNoOrder(SCOPE_MEMBER, uint160(payer));
        }
        IERC20 token = _requireDepositToken(terms);

        unchecked {
            // At most the face.
            _writeAmounts(record, terms, amounts.withPaid(amounts.paid() + amount));
        }
        record.head = _next(record.head, Journal.PAID, 0, terms.face(), keccak256(abi.encode(payer, amount)));
        emit Paid(receivableId, payer, terms.face(), amount, _now());
        _emitAllChanged(receivableId);
        token.safeTransferFrom(payer, address(this), amount);
    }

    function _redeem(uint256 certificateId) internal returns (uint64) {
        Payout memory payout;
        (bytes4 refusal, uint256 argument) = _readPayout(payout, certificateId);
        if (refusal != 0) {
            bytes memory reason = abi.encodeWithSelector(refusal, argument);
            assembly ("memory-safe") {
                revert(add(reason, 0x20), mload(reason))
            }
        }
        _payOut(certificateId, payout);
        return payout.amount;
    }

    /// @dev No certificate can hinder the others: the deposit token calls nobody.
    function _redeemMany(uint256[] calldata certificateIds) internal {
        if (certificateIds.length == 0) revert BatchEmpty();
        Payout memory payout;
        for (uint256 i; i < certificateIds.length; ++i) {
            (bytes4 refusal,) = _readPayout(payout, certificateIds[i]);
            if (refusal == 0 && _isHeldBack(certificateIds[i], payout)) refusal = HolderSuspended.selector;
            if (refusal == 0) _payOut(certificateIds[i], payout);
            else emit RedemptionSkipped(certificateIds[i], refusal);
        }
    }

    /// @dev Reads what a redemption would do now, into a struct that a batch uses again.
    /// @return refusal Selector of what it would revert with, 0 where it would not; each has one argument.
    function _readPayout(Payout memory payout, uint256 certificateId)
        internal
        view
        returns (bytes4 refusal, uint256 argument)
    {
        uint256 word = _certificates[certificateId];
        if (word == 0) return (UnknownCertificate.selector, certificateId);
        Record storage record = _records[certificateId >> 64];
        uint256 terms = record.terms;
        {
            uint256 memberWord = _members[word.holder()].word;
            bytes32 order = _orderOver(certificateId, word, terms, memberWord);
            if (order != 0) return (FrozenByOrder.selector, uint256(order));
            payout.word = word;
            payout.terms = terms;
            payout.memberWord = memberWord;
        }
        uint64 claimed = _claimed(certificateId, word);
        payout.claimed = claimed;
        uint64 end = word.end();
        unchecked {
            // Ranges end after they start; no certificate was paid more than its length, no receivable paid out more
            // than was paid on it.
            uint64 length = end - uint64(certificateId);
            if (terms.status() == Words.STATUS_SETTLED) {
                payout.amount = length - claimed;
                payout.last = true;
                return (0, 0);
            }
            bool closed = terms.status() == Words.STATUS_CLOSED;
            uint256 amounts = record.amounts;
            uint64 amount = amounts.due(terms.face(), uint64(certificateId), end, closed);
            // A partition can leave a part one minor unit ahead of what is due to it.
            amount = amount > claimed ? amount - claimed : 0;
            // No rounding pays out what is not there.
            amount = _least(amount, amounts.paid() - uint64(record.claimed));
            if (amount == 0 && claimed != length) return (NothingDue.selector, certificateId);
            payout.amount = amount;
            // A closed certificate is paid out for good, but for what its seller still has to give back.
            payout.last = claimed + amount == length || (closed && word & Words.RECOURSE == 0);
        }
    }

    /// @dev A suspended member is paid when it asks, not by strangers: the deposit waits for it.
    function _isHeldBack(uint256 certificateId, Payout memory payout) private view returns (bool) {
        return payout.memberWord.memberStatus() == Words.MEMBER_SUSPENDED && msg.sender != payout.word.holder()
            && (payout.word & Words.PLEDGED == 0 || msg.sender != _liens[certificateId].rightful());
    }

    function _payOut(uint256 certificateId, Payout memory payout) private {
        uint256 word = payout.word;
        address holder = word.holder();
        uint64 amount = payout.amount;
        address financier;
        uint64 toFinancier;
        unchecked {
            // At most the length, as said above.
            uint64 total = payout.claimed + amount;
            if (word & Words.PLEDGED != 0) {
                uint256 lien = _liens[certificateId];
                financier = lien.rightful();
                toFinancier = _least(total, lien.amount()) - _least(payout.claimed, lien.amount());
            }
            if (payout.last) {
                delete _certificates[certificateId];
                _members[holder].word = payout.memberWord.minusCertificate();
            } else {
                _certificates[certificateId] = word | Words.CLAIMED;
                _claims[certificateId] = Words.packRight(address(0), total);
            }
            Record storage record = _records[certificateId >> 64];
            if (payout.terms.status() != Words.STATUS_SETTLED) record.claimed += amount;
            bytes32 details = keccak256(abi.encode(msg.sender, holder, amount, toFinancier));
            record.head = _next(record.head, Journal.REDEEMED, uint64(certificateId), word.end(), details);
        }
        emit Redeemed(
            certificateId >> 64, msg.sender, holder, uint64(certificateId), word.end(), amount, toFinancier, _now()
        );
        // The burn says that there is no value and no slot any more; ERC-3525's events would say it again for 1,900 gas.
        if (payout.last) emit IERC721.Transfer(holder, address(0), certificateId);
        else emit IERC4906.MetadataUpdate(certificateId);
        IERC20 token = IERC20(_depositTokens[payout.terms.currency()]);
        if (toFinancier != 0) token.safeTransfer(financier, toFinancier);
        if (amount != toFinancier) token.safeTransfer(holder, amount - toFinancier);
    }

    /// @dev The one place where a receivable's amounts change, and where that ends it.
    function _writeAmounts(Record storage record, uint256 terms, uint256 amounts) internal {
        if (amounts.payable_(terms.face()) == 0) {
            if (amounts & Amounts.DISHONOURED != 0) {
                amounts &= ~Amounts.DISHONOURED;
                Member storage debtor = _members[terms.debtor()];
                debtor.word = debtor.word.minusDishonoured();
            }
            if (!amounts.isDisputed()) terms = terms.withStatus(Words.STATUS_SETTLED);
        }
        bool restrained = amounts.isDisputed() || amounts.paid() != 0;
        record.terms = restrained ? terms | Words.RESTRAINED : terms & ~Words.RESTRAINED;
        record.amounts = amounts;
    }

    // ----------------------------------------------------------------- checks

    /// @dev The desk asks, with the holder's authority, about the receivable and the holder that the quote names.
    function _requireDeal(Deal calldata deal) private view returns (uint256 word) {
        if (msg.sender != _settlement.desk()) revert NotDesk(msg.sender);
        word = _requireRange(msg.sender, deal.range);
        if (word.holder() != deal.holder) revert NotHolder(deal.holder);
        _requireSameReceivable(deal.range >> 128, deal.anchor, deal.claimKey);
    }

    /// @dev The certificate can be financed by this financier; whose member word is returned.
    function _requireFinancing(uint256 range, uint256 word, address financier)
        private
        view
        returns (Member storage taker, uint256 takerWord)
    {
        _requireMovable(_records[range >> 128], range);
        _requireThawed(word, range >> 64);
        if (financier == word.holder()) revert SameHolder();
        _requireSender(word.holder());
        (taker, takerWord) = _requireEligible(financier);
        if (!takerWord.isFinancier()) revert NotFinancier(financier);
    }

    function _requirePrice(uint64 price, uint64 most) private pure {
        if (price == 0 || price > most) revert PriceOutOfRange(most);
    }

    function _requireDepositToken(uint256 terms) internal view returns (IERC20) {
        address token = _depositTokens[terms.currency()];
        if (token == address(0)) revert NoDepositToken(terms.currency());
        return IERC20(token);
    }

    function _least(uint64 one, uint64 other) private pure returns (uint64) {
        return one < other ? one : other;
    }
}
