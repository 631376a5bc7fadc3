// SPDX-License-Identifier: Apache-2.0
pragma solidity 0.8.30;

import {IReceivablesRecords} from "contracts/interfaces/IReceivables.sol";
import {Words} from "contracts/libraries/Words.sol";

import {Claiming, Reaching} from "./support/Checks.sol";
import {Symbolic} from "./support/Symbolic.sol";

/// @title Heads
/// @notice Whatever writes goes on with the journal that it belongs to: no call succeeds and leaves the head as it was.
/// @dev Each journal begins with a word that is no hash: a head is read only to be hashed on. Who acts holds the
///      certificate, for who may act is another question. Approvals and nonces are in no journal.
abstract contract HeadsChecks is Symbolic {
    using Words for uint256;

    uint256 private _journalId;

    // ---- claims

    function check_register(address originator, IReceivablesRecords.Claim memory claim)
        external
        continues(_nextId())
    {
        vm.prank(originator);
        registry.register(claim);
    }

    function check_confirm(uint256 receivableId, address debtor, IReceivablesRecords.Terms memory terms)
        external
        follows(receivableId)
    {
        _assumeNoOrderOn(terms.originator);
        _assumeNoOrderOn(terms.claim.debtor);
        vm.prank(debtor);
        registry.confirm(receivableId, terms, new bytes32[](0));
    }

    function check_refuse(uint256 receivableId, address debtor, IReceivablesRecords.Terms memory terms, uint8 reason)
        external
        follows(receivableId)
    {
        vm.prank(debtor);
        registry.refuse(receivableId, terms, new bytes32[](0), reason);
    }

    function check_withdraw(uint256 receivableId, address originator, IReceivablesRecords.Terms memory terms)
        external
        follows(receivableId)
    {
        vm.prank(originator);
        registry.withdraw(receivableId, terms, new bytes32[](0));
    }

    function check_lapse(uint256 receivableId, address anyone, IReceivablesRecords.Terms memory terms)
        external
        follows(receivableId)
    {
        vm.prank(anyone);
        registry.lapse(receivableId, terms, new bytes32[](0));
    }

    function check_counterOffer(
        uint256 receivableId,
        address debtor,
        IReceivablesRecords.Terms memory terms,
        uint64 face,
        uint40 due
    ) external follows(receivableId) {
        vm.prank(debtor);
        registry.counterOffer(receivableId, terms, new bytes32[](0), face, due);
    }

    function check_acceptOffer(
        uint256 receivableId,
        address originator,
        IReceivablesRecords.Terms memory terms,
        IReceivablesRecords.Offer memory offer
    ) external follows(receivableId) {
        _assumeNoOrderOn(terms.originator);
        _assumeNoOrderOn(terms.claim.debtor);
        vm.prank(originator);
        registry.acceptOffer(receivableId, terms, new bytes32[](0), offer);
    }

    // ---- certificates

    function check_split(uint256 range, uint64 cut, address receiver) external moves(range) {
        registry.split(range, cut, receiver, "document");
    }

    function check_splitMany(uint256 range, IReceivablesRecords.Part memory part) external moves(range) {
        symbolic.assume(part.document != 0);
        IReceivablesRecords.Part[] memory parts = new IReceivablesRecords.Part[](1);
        parts[0] = part;
        registry.splitMany(range, parts);
    }

    function check_endorse(uint256 range, address receiver) external moves(range) {
        registry.endorse(range, receiver, "document");
    }

    function check_endorseMany(IReceivablesRecords.Endorsement memory one) external moves(one.range) {
        symbolic.assume(one.document != 0);
        IReceivablesRecords.Endorsement[] memory all = new IReceivablesRecords.Endorsement[](1);
        all[0] = one;
        registry.endorseMany(all);
    }

    function check_transferFrom(uint192 id, address from, address to) external moves(uint256(id) << 64) {
        certificates.transferFrom(from, to, id);
    }

    /// @dev To an account without code; one with code is asked after everything is written.
    function check_safeTransferFrom(uint192 id, address from, address to) external moves(uint256(id) << 64) {
        symbolic.assume(to.code.length == 0);
        certificates.safeTransferFrom(from, to, id);
    }

    function check_merge(uint256 range, uint64 end) external moves(range) {
        _assumeNoOrders(range >> 128 << 128 | uint256(uint64(range)) << 64);
        registry.merge(range, end);
    }

    // ---- money

    function check_pledge(uint256 range, address financier, uint64 secured) external moves(range) {
        registry.pledge(range, financier, secured);
    }

    function check_release(uint256 range, address financier) external continues(range >> 128) {
        vm.prank(financier);
        registry.release(range);
    }

    function check_sell(IReceivablesRecords.Deal memory deal, address anyone) external continues(deal.range >> 128) {
        _assumeNoOrders(deal.range);
        vm.prank(anyone);
        registry.sell(deal);
    }

    function check_pledgeAgainst(IReceivablesRecords.Deal memory deal, address anyone)
        external
        continues(deal.range >> 128)
    {
        _assumeNoOrders(deal.range);
        vm.prank(anyone);
        registry.pledgeAgainst(deal);
    }

    function check_dishonour(uint256 receivableId) external continues(receivableId) {
        registry.dishonour(receivableId);
    }

    function check_demandRecourse(uint256 range) external moves(range) {
        registry.demandRecourse(range);
    }

    function check_repurchase(uint256 range, address seller) external continues(range >> 128) {
        _assumeNoOrders(range);
        _assumeNoOrderOn(seller);
        symbolic.assume(_certificate(range >> 64) & (Words.PLEDGED | Words.CLAIMED) == 0);
        _assumeDepositToken(_record(range >> 128).terms);
        _lookWhere(_record(range >> 128).amounts == 0);
        vm.prank(seller);
        registry.repurchase(range);
    }

    function check_pay(uint256 receivableId, uint64 amount) external continues(receivableId) {
        uint256 terms = _record(receivableId).terms;
        _assumeDepositToken(terms);
        symbolic.assume(block.timestamp >= terms.due());
        vm.prank(terms.debtor());
        registry.pay(receivableId, amount);
    }

    /// @dev Of a receivable that was paid in full, or each product and quotient of the formulas would be a path.
    function check_redeem(uint192 certificateId) external continues(certificateId >> 64) {
        uint256 terms = _record(certificateId >> 64).terms;
        symbolic.assume(terms.status() == Words.STATUS_SETTLED);
        _assumeDepositToken(terms);
        _assumeNoOrders(uint256(certificateId) << 64);
        registry.redeem(certificateId);
    }

    function check_close(uint256 receivableId) external continues(receivableId) {
        registry.close(receivableId);
    }

    function check_absolve(uint256 receivableId) external continues(receivableId) {
        registry.absolve(receivableId);
    }

    function check_creditNote(uint256 range, uint64 amount, address debtor, address holder)
        external
        continues(range >> 128)
    {
        _assumeNoOrders(range);
        _lookWhere(_certificate(range >> 64) >> 224 == Words.ORIGINAL >> 224);
        vm.prank(debtor);
        registry.creditNote(range, amount, _signed(holder));
    }

    function check_dispute(uint256 range, uint64 cut, address debtor, address holder) external continues(range >> 128) {
        _assumeNoOrders(range);
        _lookWhere(_certificate(range >> 64) >> 224 == Words.ORIGINAL >> 224);
        vm.prank(debtor);
        registry.dispute(range, cut, _signed(holder));
    }

    function check_resolve(uint256 receivableId, address debtor, address holder) external continues(receivableId) {
        vm.prank(debtor);
        registry.resolve(receivableId, _signed(holder));
    }

    // ---- members and switches

    function check_admit(address member, uint40 kycExpiry, uint32 roles) external continues(0) {
        registry.admit(member, kycExpiry, roles, "profile");
    }

    function check_suspend(address member, uint8 reason) external continues(0) {
        registry.suspend(member, reason);
    }

    function check_pause() external continues(0) {
        registry.pause();
    }

    function check_unpause() external continues(0) {
        registry.unpause();
    }

    function check_setParameter(uint8 parameter, uint64 value, uint40 effective) external continues(0) {
        registry.setParameter(parameter, value, effective);
    }

    function check_sunset() external continues(0) {
        registry.sunset();
    }

    function check_setRules() external continues(0) {
        registry.setRules(address(token));
    }

    function check_setDescriptor() external continues(0) {
        registry.setDescriptor(address(token));
    }

    function check_setDesk() external continues(0) {
        registry.setDesk(address(token));
    }

    function check_setDepositToken() external continues(0) {
        _forgetDepositToken();
        registry.setDepositToken(CURRENCY, address(token));
    }

    // ---- orders

    function check_partition(uint256 range, uint64 cut, address holder, bytes32 order)
        external
        continues(range >> 128)
    {
        symbolic.assume(_certificate(range >> 64) >> 224 == 0);
        vm.prank(officers[0]);
        registry.partition(range, cut, holder, order, _signed(officers[1]));
    }

    function check_freezeCertificate(uint256 range, address holder, bytes32 order, uint40 expiry)
        external
        continues(range >> 128)
    {
        _assumeUnfrozen(CERTIFICATE, range >> 64, _certificate(range >> 64) & Words.CERTIFICATE_FROZEN);
        vm.prank(officers[0]);
        registry.freezeCertificate(range, holder, order, expiry, _signed(officers[1]));
    }

    function check_freezeReceivable(uint256 receivableId, bytes32 order, uint40 expiry)
        external
        continues(receivableId)
    {
        _assumeUnfrozen(RECEIVABLE, receivableId, _record(receivableId).terms & Words.RECEIVABLE_FROZEN);
        vm.prank(officers[0]);
        registry.freezeReceivable(receivableId, order, expiry, _signed(officers[1]));
    }

    function check_freezeMember(address member, bytes32 order, uint40 expiry) external continues(0) {
        _assumeUnfrozen(MEMBER, uint160(member), _member(member) & Words.MEMBER_FROZEN);
        vm.prank(officers[0]);
        registry.freezeMember(member, order, expiry, _signed(officers[1]));
    }

    function check_unfreezeCertificate(uint256 range, bytes32 order) external continues(range >> 128) {
        _assumeOnlyOrder(CERTIFICATE, range >> 64);
        vm.prank(officers[0]);
        registry.unfreezeCertificate(range, order, _signed(officers[1]));
    }

    function check_unfreezeReceivable(uint256 receivableId, bytes32 order) external continues(receivableId) {
        _assumeOnlyOrder(RECEIVABLE, receivableId);
        vm.prank(officers[0]);
        registry.unfreezeReceivable(receivableId, order, _signed(officers[1]));
    }

    function check_unfreezeMember(address member, bytes32 order) external continues(0) {
        _assumeOnlyOrder(MEMBER, uint160(member));
        vm.prank(officers[0]);
        registry.unfreezeMember(member, order, _signed(officers[1]));
    }

    function check_forceTransfer(uint256 range, address holder, address receiver, bytes32 order)
        external
        continues(range >> 128)
    {
        uint256 word = _certificate(range >> 64);
        // To whom a lien or a recourse goes is another question, and many more paths.
        symbolic.assume(word & (Words.PLEDGED | Words.RECOURSE | Words.CLAIMED) == 0);
        symbolic.assume(_record(range >> 128).terms & Words.RECEIVABLE_FROZEN == 0);
        _assumeNoOrderOn(holder);
        _assumeNoOrderOn(receiver);
        _assumeOnlyOrder(CERTIFICATE, range >> 64);
        vm.prank(officers[0]);
        registry.forceTransfer(range, holder, receiver, order, _signed(officers[1]));
    }

    // ---- signed, as one of each kind

    function check_splitBySignature(uint256 range, uint64 cut, address receiver) external continues(range >> 128) {
        _assumeNoOrders(range);
        registry.splitBySignature(range, cut, receiver, "document", _signed(_certificate(range >> 64).holder()));
    }

    function check_registerBySignature(address originator, IReceivablesRecords.Claim memory claim)
        external
        continues(_nextId())
    {
        registry.registerBySignature(claim, _signed(originator));
    }

    // ------------------------------------------------------------- how it is seen

    /// @dev An operation of the certificate's holder.
    modifier moves(uint256 range) {
        _assumeNoOrders(range);
        _begin(range >> 128);
        vm.prank(_certificate(range >> 64).holder());
        _;
        _end();
    }

    modifier continues(uint256 journalId) {
        _begin(journalId);
        _;
        _end();
    }

    /// @dev An operation that names what led to the head: it is hashed, so that the journal goes on from there.
    modifier follows(uint256 journalId) {
        bytes32 head = _record(journalId).head;
        _;
        _must(true, _record(journalId).head != head);
    }

    function _nextId() private view returns (uint256) {
        return _word(at.registration).count() + 1;
    }

    function _begin(uint256 journalId) private {
        _journalId = journalId;
        _setHead(journalId, NO_HASH);
    }

    function _end() private view {
        _must(true, _record(_journalId).head != NO_HASH);
    }
}

contract Heads is HeadsChecks, Claiming {}

contract HeadsReached is HeadsChecks, Reaching {}
