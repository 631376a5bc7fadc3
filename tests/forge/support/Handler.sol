// SPDX-License-Identifier: Apache-2.0
pragma solidity 0.8.30;

import {IFinancingDesk} from "contracts/interfaces/IFinancingDesk.sol";
import {IReceivablesRecords} from "contracts/interfaces/IReceivables.sol";
import {Amounts} from "contracts/libraries/Amounts.sol";
import {Words} from "contracts/libraries/Words.sol";
import {IERC721} from "@openzeppelin/contracts/token/ERC721/IERC721.sol";

import {Chain} from "./Chain.sol";

/// @title Handler
/// @notice Everyone around a registry: members, officers, operator and bank, doing at random what the rules allow, and
///         now and then what they do not. What is allowed never reverts, what is not always does.
/// @dev It remembers of each certificate where it ends and who must hold it, and of each receivable what went in, out
///      and away: from its own acts alone, never from the registry.
contract Handler is Chain {
    using Amounts for uint256;
    using Words for uint256;

    uint256 private constant RECEIVABLES_MAX = 6;
    uint256 private constant CERTIFICATES_MAX = 10;
    uint256 private constant ORDERS_MAX = 4;
    uint256 public constant MEMBERS = 5;

    uint8 private constant SCOPE_CERTIFICATE = 1;
    uint8 private constant SCOPE_RECEIVABLE = 2;
    uint8 private constant SCOPE_MEMBER = 3;

    string private constant CREDIT_NOTE =
        "CreditNote(address signer,uint256 receivableId,uint64 start,uint64 end,uint64 amount,bytes32 anchor,uint256 nonce,uint256 deadline)";
    string private constant DISPUTE =
        "Dispute(address signer,uint256 receivableId,uint64 start,uint64 end,uint64 cut,bytes32 anchor,uint256 nonce,uint256 deadline)";
    string private constant RESOLVE =
        "Resolve(address signer,uint256 receivableId,bytes32 anchor,uint256 nonce,uint256 deadline)";
    string private constant PARTITION =
        "Partition(address signer,uint256 receivableId,uint64 start,uint64 end,uint64 cut,address holder,bytes32 order,bytes32 anchor,uint256 nonce,uint256 deadline)";
    string private constant FREEZE_CERTIFICATE =
        "FreezeCertificate(address signer,uint256 receivableId,uint64 start,uint64 end,address holder,bytes32 order,uint40 expiry,bytes32 anchor,uint256 nonce,uint256 deadline)";
    string private constant UNFREEZE_CERTIFICATE =
        "UnfreezeCertificate(address signer,uint256 receivableId,uint64 start,uint64 end,bytes32 order,bytes32 anchor,uint256 nonce,uint256 deadline)";
    string private constant FREEZE_RECEIVABLE =
        "FreezeReceivable(address signer,uint256 receivableId,bytes32 order,uint40 expiry,bytes32 anchor,uint256 nonce,uint256 deadline)";
    string private constant UNFREEZE_RECEIVABLE =
        "UnfreezeReceivable(address signer,uint256 receivableId,bytes32 order,bytes32 anchor,uint256 nonce,uint256 deadline)";
    string private constant FREEZE_MEMBER =
        "FreezeMember(address signer,address member,bytes32 order,uint40 expiry,uint256 nonce,uint256 deadline)";
    string private constant UNFREEZE_MEMBER =
        "UnfreezeMember(address signer,address member,bytes32 order,uint256 nonce,uint256 deadline)";
    string private constant FORCE_TRANSFER =
        "ForceTransfer(address signer,uint256 receivableId,uint64 start,uint64 end,address holder,address receiver,bytes32 order,bytes32 anchor,uint256 nonce,uint256 deadline)";
    bytes32 private constant QUOTE = keccak256(
        "Quote(address financier,address holder,uint256 receivableId,uint64 start,uint64 end,uint64 cut,uint8 kind,address token,uint64 price,uint64 amount,bytes32 anchor,uint256 nonce,uint256 expiry)"
    );

    /// @notice What was done to a receivable. Amounts are minor units.
    /// @param starts Where its certificates begin, in no order.
    /// @param paidOut What redemptions paid out.
    /// @param gone Length of the certificates that were paid out and are no more.
    struct Account {
        bool confirmed;
        uint64 paid;
        uint64 paidOut;
        uint64 credited;
        uint64 gone;
        uint64[] starts;
        IReceivablesRecords.Terms terms;
    }

    struct Certificate {
        uint64 end;
        address holder;
    }

    uint256 public count;
    mapping(uint256 receivableId => Account) private _accounts;
    mapping(uint256 certificateId => Certificate) public certificateOf;
    /// @notice How often each act was carried out.
    mapping(bytes4 act => uint256) public done;
    mapping(address => uint256) private _keys;
    address[MEMBERS] public members;
    address[2] private _officers = [vm.addr(101), vm.addr(102)];
    uint256 private _orders;
    uint256 private _quotes;
    uint256 private _dice;

    constructor() {
        _deploy(_officers);
        for (uint256 i; i < MEMBERS; ++i) {
            address member = vm.addr(i + 1);
            members[i] = member;
            _keys[member] = i + 1;
            _admit(member);
            _deposit(member, type(uint128).max);
            vm.prank(member);
            token.approve(address(registry), type(uint256).max);
            vm.prank(member);
            token.approve(address(desk), type(uint256).max);
            vm.prank(member);
            certificates.setApprovalForAll(address(desk), true);
        }
    }

    // ------------------------------------------------- what the invariants ask

    /// @notice Everything that is done at random.
    function acts() external pure returns (bytes4[] memory list) {
        list = new bytes4[](31);
        list[0] = this.register.selector;
        list[1] = this.confirm.selector;
        list[2] = this.split.selector;
        list[3] = this.endorse.selector;
        list[4] = this.merge.selector;
        list[5] = this.pledge.selector;
        list[6] = this.release.selector;
        list[7] = this.finance.selector;
        list[8] = this.demandRecourse.selector;
        list[9] = this.repurchase.selector;
        list[10] = this.pay.selector;
        list[11] = this.redeem.selector;
        list[12] = this.redeemMany.selector;
        list[13] = this.creditNote.selector;
        list[14] = this.dispute.selector;
        list[15] = this.resolve.selector;
        list[16] = this.close.selector;
        list[17] = this.dishonour.selector;
        list[18] = this.absolve.selector;
        list[19] = this.partition.selector;
        list[20] = this.freezeCertificate.selector;
        list[21] = this.freezeReceivable.selector;
        list[22] = this.freezeMember.selector;
        list[23] = this.unfreeze.selector;
        list[24] = this.forceTransfer.selector;
        list[25] = this.suspend.selector;
        list[26] = this.admitAgain.selector;
        list[27] = this.pause.selector;
        list[28] = this.wait.selector;
        list[29] = this.moveDeposits.selector;
        list[30] = this.trespass.selector;
    }

    function registryAddress() external view returns (address) {
        return address(registry);
    }

    function accountOf(uint256 receivableId) external view returns (Account memory) {
        return _accounts[receivableId];
    }

    function recordOf(uint256 receivableId) public view returns (IReceivablesRecords.Record memory) {
        return registry.receivables(_one(receivableId))[0];
    }

    function wordOf(uint256 certificateId) public view returns (uint256) {
        return registry.certificates(_one(certificateId))[0];
    }

    function rightsOf(uint256 certificateId) public view returns (IReceivablesRecords.Rights memory) {
        return registry.rights(_one(certificateId))[0];
    }

    function redeemableOf(uint256 certificateId) public view returns (uint64) {
        return registry.redeemable(_one(certificateId))[0];
    }

    function balanceOf(address account) external view returns (uint256) {
        return token.balanceOf(account);
    }

    function holdingsOf(address account) external view returns (uint256) {
        return certificates.balanceOf(account);
    }

    function dishonouredOf(address member) public view returns (uint256) {
        address[] memory accounts = new address[](1);
        accounts[0] = member;
        return registry.members(accounts)[0].dishonoured();
    }

    function isOrderOver(uint256 receivableId, uint64 start) public view returns (bool) {
        uint256 certificateId = receivableId << 64 | start;
        return _isFrozen(SCOPE_CERTIFICATE, certificateId) || _isFrozen(SCOPE_RECEIVABLE, receivableId)
            || _isFrozen(SCOPE_MEMBER, uint160(certificateOf[certificateId].holder));
    }

    /// @notice The end of a run: a thousand years on no order is in force, and all that is due is paid out.
    function redeemAll() external {
        vm.warp(block.timestamp + 365_000 days);
        for (uint256 id = 1; id <= count; ++id) {
            uint64[] memory starts = _accounts[id].starts;
            for (uint256 i; i < starts.length; ++i) {
                uint256 certificateId = id << 64 | starts[i];
                if (_redeems(id, starts[i])) _redeem(msg.sender, certificateId);
            }
        }
    }

    // ------------------------------------------------------------------ claims

    function register(uint256 seed) external rolls(seed) {
        uint256 first = _roll(MEMBERS);
        address originator = members[first];
        address debtor = members[(first + 1 + _roll(MEMBERS - 1)) % MEMBERS];
        if (count == RECEIVABLES_MAX || _paused() || !_solvent(originator) || !_solvent(debtor)) return;
        uint64 face = within(seed, 1, type(uint64).max >> _roll(64));
        uint40 due = uint40(block.timestamp / 1 days + 1 + _roll(25)) * 1 days;
        IReceivablesRecords.Terms memory terms = _terms(originator, debtor, face, due);
        vm.prank(originator);
        uint256 id = registry.register(terms.claim);
        require(id == ++count, "another id");
        _accounts[id].terms = terms;
        ++done[msg.sig];
        // Most are confirmed at once: all else happens to confirmed ones.
        if (_roll(4) != 0 && _confirms(id)) _confirm(id);
    }

    function confirm(uint256 seed) external rolls(seed) {
        (uint256 id, bool found) = _receivable(_confirms);
        if (found) _confirm(id);
    }

    function _confirm(uint256 id) private {
        IReceivablesRecords.Terms memory terms = _accounts[id].terms;
        vm.prank(terms.claim.debtor);
        registry.confirm(id, terms, new bytes32[](0));
        _accounts[id].confirmed = true;
        _add(id, 0, terms.claim.face, terms.originator);
        ++done[msg.sig];
    }

    function _confirms(uint256 id) private view returns (bool) {
        IReceivablesRecords.Terms storage terms = _accounts[id].terms;
        return !_accounts[id].confirmed && !_paused() && block.timestamp < terms.claim.due
            && registry.isEligible(terms.originator) && _solvent(terms.claim.debtor)
            && registry.canSend(terms.claim.debtor);
    }

    // ------------------------------------------------------------------- moves

    function split(uint256 seed, uint64 cut) external rolls(seed) {
        (uint256 id, uint64 start, bool found) = _certificate(_splits);
        if (!found) return;
        Certificate memory c = certificateOf[id << 64 | start];
        address receiver = _eligible();
        if (receiver == address(0)) return;
        cut = within(cut, start + 1, c.end - 1);
        vm.prank(c.holder);
        registry.split(_range(id, start, c.end), cut, receiver, 0);
        _cut(id, start, cut, receiver);
        ++done[msg.sig];
    }

    function endorse(uint256 seed) external rolls(seed) {
        (uint256 id, uint64 start, bool found) = _certificate(_moves);
        if (!found) return;
        Certificate storage c = certificateOf[id << 64 | start];
        address receiver = _eligible();
        if (receiver == address(0) || receiver == c.holder) return;
        vm.prank(c.holder);
        if (_roll(2) == 0) registry.endorse(_range(id, start, c.end), receiver, 0);
        else certificates.transferFrom(c.holder, receiver, id << 64 | start);
        c.holder = receiver;
        ++done[msg.sig];
    }

    function merge(uint256 seed) external rolls(seed) {
        (uint256 id, uint64 start, bool found) = _certificate(_merges);
        if (!found) return;
        Certificate storage left = certificateOf[id << 64 | start];
        uint64 cut = left.end;
        uint64 end = certificateOf[id << 64 | cut].end;
        vm.prank(left.holder);
        registry.merge(_range(id, start, cut), end);
        _remove(id, cut);
        left.end = end;
        ++done[msg.sig];
    }

    function _splits(uint256 id, uint64 start) private view returns (bool) {
        return _cuts(id, start) && _moves(id, start);
    }

    function _merges(uint256 id, uint64 start) private view returns (bool) {
        Certificate storage left = certificateOf[id << 64 | start];
        if (left.end == _accounts[id].terms.claim.face || wordOf(id << 64 | left.end) == 0) return false;
        return left.holder == certificateOf[id << 64 | left.end].holder && _moves(id, start) && _moves(id, left.end);
    }

    function _moves(uint256 id, uint64 start) private view returns (bool) {
        IReceivablesRecords.Record memory record = recordOf(id);
        bool disputed = record.amounts.isDisputed() && start < record.amounts.senior();
        return !_paused() && record.terms.status() == Words.STATUS_CONFIRMED && block.timestamp < record.terms.due()
            && record.amounts.paid() == 0 && !disputed && !isOrderOver(id, start)
            && rightsOf(id << 64 | start).lien == 0 && registry.isEligible(certificateOf[id << 64 | start].holder);
    }

    // --------------------------------------------------------------- financing

    function pledge(uint256 seed, uint64 secured) external rolls(seed) {
        (uint256 id, uint64 start, bool found) = _certificate(_moves);
        if (!found) return;
        Certificate memory c = certificateOf[id << 64 | start];
        address financier = _eligible();
        if (financier == address(0) || financier == c.holder) return;
        secured = within(secured, 1, c.end - start);
        vm.prank(c.holder);
        registry.pledge(_range(id, start, c.end), financier, secured);
        ++done[msg.sig];
    }

    function release(uint256 seed) external rolls(seed) {
        (uint256 id, uint64 start, bool found) = _certificate(_isPledged);
        if (!found) return;
        vm.prank(rightsOf(id << 64 | start).lien.rightful());
        registry.release(_range(id, start, certificateOf[id << 64 | start].end));
        ++done[msg.sig];
    }

    /// @dev A sale, whole or of the tail, with or without recourse; or a pledge.
    function finance(uint256 seed, uint64 cut, uint64 price, uint64 amount) external rolls(seed) {
        (uint256 id, uint64 start, bool found) = _certificate(_moves);
        if (!found) return;
        IFinancingDesk.Quote memory quote;
        quote.holder = certificateOf[id << 64 | start].holder;
        quote.financier = _eligible();
        if (quote.financier == quote.holder || !registry.canSend(quote.financier)) return;
        quote.receivableId = id;
        quote.start = start;
        quote.end = certificateOf[id << 64 | start].end;
        quote.kind = _roll(3) == 0 ? 2 : 1;
        bool whole = quote.kind == 2 || _roll(2) == 0 || !_cuts(id, start);
        quote.cut = whole ? start : within(cut, start + 1, quote.end - 1);
        quote.token = address(token);
        quote.price = within(price, 1, quote.end - quote.cut);
        quote.amount = within(amount, quote.kind == 2 ? 1 : 0, quote.end - quote.cut);
        quote.anchor = _anchor(_accounts[id].terms);
        quote.nonce = ++_quotes;
        quote.expiry = block.timestamp;
        _accept(quote);
        ++done[msg.sig];
        if (quote.kind == 2) return;
        if (whole) certificateOf[id << 64 | start].holder = quote.financier;
        else _cut(id, start, quote.cut, quote.financier);
    }

    function _accept(IFinancingDesk.Quote memory quote) private {
        bytes memory signature = _sign(
            _keys[quote.financier], address(desk), "Counterfoil Financing Desk", keccak256(abi.encode(QUOTE, quote))
        );
        uint256 before = token.balanceOf(quote.holder);
        vm.prank(quote.holder);
        desk.accept(quote, signature, _claimKey(_accounts[quote.receivableId].terms));
        require(token.balanceOf(quote.holder) == before + quote.price, "the holder got another price");
    }

    function demandRecourse(uint256 seed) external rolls(seed) {
        (uint256 id, uint64 start, bool found) = _certificate(_demands);
        if (!found) return;
        Certificate memory c = certificateOf[id << 64 | start];
        vm.prank(c.holder);
        registry.demandRecourse(_range(id, start, c.end));
        ++done[msg.sig];
    }

    function repurchase(uint256 seed) external rolls(seed) {
        (uint256 id, uint64 start, bool found) = _certificate(_repurchases);
        if (!found) return;
        Certificate storage c = certificateOf[id << 64 | start];
        IReceivablesRecords.Rights memory rights = rightsOf(id << 64 | start);
        address seller = rights.recourse.rightful();
        uint256 before = token.balanceOf(c.holder);
        vm.prank(seller);
        registry.repurchase(_range(id, start, c.end));
        uint64 owed = rights.recourse.amount() - rights.claimed;
        require(token.balanceOf(c.holder) == before + owed, "the holder got another price back");
        c.holder = seller;
        ++done[msg.sig];
    }

    function _isPledged(uint256 id, uint64 start) private view returns (bool) {
        return rightsOf(id << 64 | start).lien != 0;
    }

    function _demands(uint256 id, uint64 start) private view returns (bool) {
        return _isOwed(id, start) && rightsOf(id << 64 | start).recourse & Words.DEMANDED == 0
            && block.timestamp >= _accounts[id].terms.claim.due + 1 days;
    }

    function _repurchases(uint256 id, uint64 start) private view returns (bool) {
        IReceivablesRecords.Rights memory rights = rightsOf(id << 64 | start);
        return _isOwed(id, start) && rights.recourse & Words.DEMANDED != 0 && !_paused() && rights.lien == 0
            && !isOrderOver(id, start) && registry.canSend(rights.recourse.rightful());
    }

    /// @dev Whether the seller has to give something back: more than the debtor paid, whether that was paid out or not.
    function _isOwed(uint256 id, uint64 start) private view returns (bool) {
        IReceivablesRecords.Record memory record = recordOf(id);
        IReceivablesRecords.Rights memory rights = rightsOf(id << 64 | start);
        uint8 status = record.terms.status();
        if (rights.recourse == 0 || status == Words.STATUS_SETTLED) return false;
        uint64 end = certificateOf[id << 64 | start].end;
        uint64 due = record.amounts.due(record.terms.face(), start, end, status == Words.STATUS_CLOSED);
        return rights.claimed < rights.recourse.amount() && due < rights.recourse.amount();
    }

    // ------------------------------------------------------- payment, clearing

    function pay(uint256 seed, uint64 amount) external rolls(seed) {
        (uint256 id, bool found) = _receivable(_pays);
        if (!found) return;
        IReceivablesRecords.Record memory record = recordOf(id);
        uint64 most = record.amounts.payable_(record.terms.face());
        bool due = block.timestamp >= record.terms.due();
        // Seldom: of what is paid in full nothing is left to be done but to pay it out.
        if (!due && !record.amounts.isDisputed() && _roll(4) != 0) return;
        bool part = due && _roll(3) != 0;
        address payer = part ? record.terms.debtor() : _member();
        if (payer != record.terms.debtor() && !registry.canSend(payer)) return;
        amount = part ? within(amount, 1, most) : most;
        // An order on the debtor holds its deposits while nothing is due.
        if (!due && _isFrozen(SCOPE_MEMBER, uint160(payer))) {
            return _refused(payer, abi.encodeCall(registry.pay, (id, amount)));
        }
        _accounts[id].paid += amount;
        if (_roll(3) == 0 && _accounts[id].starts.length != 0) return _payAndRedeem(payer, id, amount);
        vm.prank(payer);
        registry.pay(id, amount);
        ++done[msg.sig];
    }

    function _payAndRedeem(address payer, uint256 id, uint64 amount) private {
        uint256 before = token.balanceOf(address(registry));
        uint256[] memory ids = _idsOf(id);
        vm.prank(payer);
        registry.payAndRedeem(id, amount, ids);
        _afterRedemptions(id, ids, before + amount);
        ++done[msg.sig];
    }

    function redeem(uint256 seed) external rolls(seed) {
        (uint256 id, uint64 start, bool found) = _certificate(_redeems);
        if (found) _redeem(_member(), id << 64 | start);
    }

    /// @dev All certificates of one receivable, one of them twice, and one that there is not: nothing hinders the others.
    function redeemMany(uint256 seed) external rolls(seed) {
        (uint256 id, bool found) = _receivable(_hasCertificates);
        if (!found) return;
        uint256[] memory own = _idsOf(id);
        uint256[] memory ids = new uint256[](own.length + 2);
        ids[0] = 2 ** 128 - 1;
        for (uint256 i; i < own.length; ++i) {
            ids[i + 1] = own[i];
        }
        ids[own.length + 1] = own[_roll(own.length)];
        uint256 before = token.balanceOf(address(registry));
        vm.prank(_member());
        registry.redeemMany(ids);
        _afterRedemptions(id, own, before);
        ++done[msg.sig];
    }

    function _redeem(address caller, uint256 certificateId) private {
        uint256 before = token.balanceOf(address(registry));
        vm.prank(caller);
        uint64 amount = registry.redeem(certificateId);
        require(token.balanceOf(address(registry)) == before - amount, "another amount left the registry");
        _afterRedemptions(certificateId >> 64, _one(certificateId), before);
        ++done[msg.sig];
    }

    /// @param before What the registry held before anything was paid out.
    function _afterRedemptions(uint256 id, uint256[] memory ids, uint256 before) private {
        _accounts[id].paidOut += uint64(before - token.balanceOf(address(registry)));
        for (uint256 i; i < ids.length; ++i) {
            if (wordOf(ids[i]) != 0) continue;
            _accounts[id].gone += certificateOf[ids[i]].end - uint64(ids[i]);
            _remove(id, uint64(ids[i]));
        }
    }

    function _pays(uint256 id) private view returns (bool) {
        IReceivablesRecords.Record memory record = recordOf(id);
        return record.terms.status() == Words.STATUS_CONFIRMED && record.amounts.payable_(record.terms.face()) != 0;
    }

    function _redeems(uint256 id, uint64 start) private view returns (bool) {
        return redeemableOf(id << 64 | start) != 0;
    }

    function _hasCertificates(uint256 id) private view returns (bool) {
        return _accounts[id].starts.length != 0;
    }

    // ---------------------------------------- credit notes, disputes, overdue

    function creditNote(uint256 seed, uint64 amount) external rolls(seed) {
        (uint256 id, uint64 start, bool found) = _certificate(_credits);
        if (!found) return;
        Certificate memory c = certificateOf[id << 64 | start];
        amount = within(amount, 1, c.end - start);
        (address first, IReceivablesRecords.Authorisation memory second) =
            _parties(id, CREDIT_NOTE, abi.encode(id, start, c.end, amount));
        vm.prank(first);
        registry.creditNote(_range(id, start, c.end), amount, second);
        _accounts[id].credited += amount;
        _remove(id, start);
        if (start + amount < c.end) _add(id, start + amount, c.end, c.holder);
        ++done[msg.sig];
    }

    function dispute(uint256 seed, uint64 cut) external rolls(seed) {
        (uint256 id, uint64 start, bool found) = _certificate(_disputes);
        if (!found) return;
        Certificate memory c = certificateOf[id << 64 | start];
        cut = within(cut, start + 1, c.end);
        (address first, IReceivablesRecords.Authorisation memory second) =
            _parties(id, DISPUTE, abi.encode(id, start, c.end, cut));
        vm.prank(first);
        registry.dispute(_range(id, start, c.end), cut, second);
        if (cut != c.end) _cut(id, start, cut, c.holder);
        ++done[msg.sig];
    }

    function resolve(uint256 seed) external rolls(seed) {
        (uint256 id, bool found) = _receivable(_resolves);
        if (!found) return;
        (address first, IReceivablesRecords.Authorisation memory second) = _parties(id, RESOLVE, abi.encode(id));
        vm.prank(first);
        registry.resolve(id, second);
        ++done[msg.sig];
    }

    function close(uint256 seed) external rolls(seed) {
        (uint256 id, bool found) = _receivable(_closes);
        if (!found) return;
        registry.close(id);
        ++done[msg.sig];
    }

    function dishonour(uint256 seed) external rolls(seed) {
        (uint256 id, bool found) = _receivable(_dishonours);
        if (!found) return;
        vm.prank(_member());
        registry.dishonour(id);
        ++done[msg.sig];
        // Now and then the debtor pays all of it the same day.
        if (_roll(3) != 0) return;
        IReceivablesRecords.Record memory record = recordOf(id);
        uint64 amount = record.amounts.payable_(record.terms.face());
        _accounts[id].paid += amount;
        vm.prank(record.terms.debtor());
        registry.pay(id, amount);
    }

    function absolve(uint256 seed) external rolls(seed) {
        (uint256 id, bool found) = _receivable(_absolves);
        if (!found) return;
        registry.absolve(id);
        ++done[msg.sig];
    }

    /// @dev Debtor and creditor, whichever is which.
    function _parties(uint256 id, string memory type_, bytes memory fields)
        private
        returns (address first, IReceivablesRecords.Authorisation memory second)
    {
        IReceivablesRecords.Terms memory terms = _accounts[id].terms;
        address creditor = certificateOf[id << 64 | recordOf(id).amounts.cancelled()].holder;
        address other;
        (first, other) = _roll(2) == 0 ? (creditor, terms.claim.debtor) : (terms.claim.debtor, creditor);
        second = _consent(_keys[other], type_, fields, _anchor(terms), _claimKey(terms));
    }

    function _credits(uint256 id, uint64 start) private view returns (bool) {
        uint256 amounts = recordOf(id).amounts;
        uint64 senior = amounts.senior();
        uint64 face = _accounts[id].terms.claim.face;
        return _isFront(id, start) && (amounts.paid() == 0 || (senior != 0 && amounts.paid() <= face - senior));
    }

    function _disputes(uint256 id, uint64 start) private view returns (bool) {
        uint256 amounts = recordOf(id).amounts;
        return _isFront(id, start) && amounts.paid() == 0 && !amounts.isDisputed();
    }

    /// @dev The mark is the registry's; that it is where the cents begin that are left is not.
    function _isFront(uint256 id, uint64 start) private view returns (bool) {
        if (wordOf(id << 64 | start) & Words.ORIGINAL == 0) return false;
        IReceivablesRecords.Record memory record = recordOf(id);
        require(start == record.amounts.cancelled(), "the front is elsewhere");
        Certificate storage c = certificateOf[id << 64 | start];
        require(c.holder == _accounts[id].terms.originator, "the front is another's");
        return !_paused() && record.terms.status() == Words.STATUS_CONFIRMED && !isOrderOver(id, start)
            && rightsOf(id << 64 | start).lien == 0;
    }

    function _resolves(uint256 id) private view returns (bool) {
        IReceivablesRecords.Record memory record = recordOf(id);
        address creditor = certificateOf[id << 64 | record.amounts.cancelled()].holder;
        return !_paused() && record.terms.status() == Words.STATUS_CONFIRMED && record.amounts.isDisputed()
            && creditor != record.terms.debtor();
    }

    function _closes(uint256 id) private view returns (bool) {
        return _isOverdue(id, GRACE);
    }

    function _dishonours(uint256 id) private view returns (bool) {
        uint256 amounts = recordOf(id).amounts;
        return _isOverdue(id, GRACE) && amounts & Amounts.DISHONOURED == 0
            && amounts.payable_(_accounts[id].terms.claim.face) != 0;
    }

    function _absolves(uint256 id) private view returns (bool) {
        IReceivablesRecords.Record memory record = recordOf(id);
        return record.terms.status() == Words.STATUS_CLOSED && record.amounts & Amounts.DISHONOURED != 0;
    }

    function _isOverdue(uint256 id, uint256 seconds_) private view returns (bool) {
        uint256 terms = recordOf(id).terms;
        return terms.status() == Words.STATUS_CONFIRMED && block.timestamp >= terms.due() + seconds_;
    }

    // ------------------------------------------------------------------ orders

    function partition(uint256 seed, uint64 cut) external rolls(seed) {
        (uint256 id, uint64 start, bool found) = _certificate(_cuts);
        if (!found) return;
        Certificate memory c = certificateOf[id << 64 | start];
        cut = within(cut, start + 1, c.end - 1);
        bytes32 order = bytes32(++_orders);
        bytes memory fields = abi.encode(id, start, c.end, cut, c.holder, order);
        IReceivablesRecords.Authorisation memory second = _countersignature(PARTITION, fields, id);
        vm.prank(_officers[0]);
        registry.partition(_range(id, start, c.end), cut, c.holder, order, second);
        _cut(id, start, cut, c.holder);
        ++done[msg.sig];
    }

    function freezeCertificate(uint256 seed) external rolls(seed) {
        (uint256 id, uint64 start, bool found) = _certificate(_freezesCertificate);
        if (!found) return;
        Certificate memory c = certificateOf[id << 64 | start];
        (bytes32 order, uint40 expiry) = _newOrder();
        bytes memory fields = abi.encode(id, start, c.end, c.holder, order, expiry);
        IReceivablesRecords.Authorisation memory second = _countersignature(FREEZE_CERTIFICATE, fields, id);
        vm.prank(_officers[0]);
        registry.freezeCertificate(_range(id, start, c.end), c.holder, order, expiry, second);
        ++done[msg.sig];
    }

    function freezeReceivable(uint256 seed) external rolls(seed) {
        (uint256 id, bool found) = _receivable(_freezesReceivable);
        if (!found || _roll(3) != 0) return;
        (bytes32 order, uint40 expiry) = _newOrder();
        IReceivablesRecords.Authorisation memory second =
            _countersignature(FREEZE_RECEIVABLE, abi.encode(id, order, expiry), id);
        vm.prank(_officers[0]);
        registry.freezeReceivable(id, order, expiry, second);
        ++done[msg.sig];
    }

    function freezeMember(uint256 seed) external rolls(seed) {
        address member = _member();
        if (_roll(3) != 0 || _freezes(SCOPE_MEMBER, uint160(member)).length >= ORDERS_MAX) return;
        (bytes32 order, uint40 expiry) = _newOrder();
        IReceivablesRecords.Authorisation memory second =
            _consent(102, FREEZE_MEMBER, abi.encode(member, order, expiry), 0, 0);
        vm.prank(_officers[0]);
        registry.freezeMember(member, order, expiry, second);
        ++done[msg.sig];
    }

    /// @dev One order each on a certificate, a receivable and a member, where there are such.
    function unfreeze(uint256 seed) external rolls(seed) {
        (uint256 id, uint64 start, bool found) = _certificate(_isCertificateOrdered);
        if (found) {
            uint64 end = certificateOf[id << 64 | start].end;
            bytes32 order = _freezes(SCOPE_CERTIFICATE, id << 64 | start)[0].order;
            bytes memory fields = abi.encode(id, start, end, order);
            IReceivablesRecords.Authorisation memory second = _countersignature(UNFREEZE_CERTIFICATE, fields, id);
            vm.prank(_officers[0]);
            registry.unfreezeCertificate(_range(id, start, end), order, second);
        }
        (id, found) = _receivable(_isReceivableOrdered);
        if (found) {
            bytes32 order = _freezes(SCOPE_RECEIVABLE, id)[0].order;
            IReceivablesRecords.Authorisation memory second =
                _countersignature(UNFREEZE_RECEIVABLE, abi.encode(id, order), id);
            vm.prank(_officers[0]);
            registry.unfreezeReceivable(id, order, second);
        }
        address member = _member();
        IReceivablesRecords.Freeze[] memory orders = _freezes(SCOPE_MEMBER, uint160(member));
        if (orders.length != 0) {
            IReceivablesRecords.Authorisation memory second =
                _consent(102, UNFREEZE_MEMBER, abi.encode(member, orders[0].order), 0, 0);
            vm.prank(_officers[0]);
            registry.unfreezeMember(member, orders[0].order, second);
            ++done[msg.sig];
        }
    }

    function forceTransfer(uint256 seed) external rolls(seed) {
        (uint256 id, uint64 start, bool found) = _certificate(_isRipe);
        if (!found) return;
        Certificate storage c = certificateOf[id << 64 | start];
        address receiver = _eligible();
        if (receiver == address(0) || receiver == c.holder) return;
        (, bytes32 order) = _ripeOrder(id, start);
        bytes memory fields = abi.encode(id, start, c.end, c.holder, receiver, order);
        IReceivablesRecords.Authorisation memory second = _countersignature(FORCE_TRANSFER, fields, id);
        vm.prank(_officers[0]);
        registry.forceTransfer(_range(id, start, c.end), c.holder, receiver, order, second);
        c.holder = receiver;
        ++done[msg.sig];
    }

    function _countersignature(string memory type_, bytes memory fields, uint256 id)
        private
        returns (IReceivablesRecords.Authorisation memory)
    {
        IReceivablesRecords.Terms memory terms = _accounts[id].terms;
        return _consent(102, type_, fields, _anchor(terms), _claimKey(terms));
    }

    function _newOrder() private returns (bytes32 order, uint40 expiry) {
        order = bytes32(++_orders);
        expiry = uint40(block.timestamp + 1 + _roll(15 days));
    }

    function _freezesCertificate(uint256 id, uint64 start) private view returns (bool) {
        return _freezes(SCOPE_CERTIFICATE, id << 64 | start).length < ORDERS_MAX;
    }

    function _freezesReceivable(uint256 id) private view returns (bool) {
        return _accounts[id].confirmed && _freezes(SCOPE_RECEIVABLE, id).length < ORDERS_MAX;
    }

    function _isCertificateOrdered(uint256 id, uint64 start) private view returns (bool) {
        return _freezes(SCOPE_CERTIFICATE, id << 64 | start).length != 0;
    }

    function _isReceivableOrdered(uint256 id) private view returns (bool) {
        return _freezes(SCOPE_RECEIVABLE, id).length != 0;
    }

    function _isRipe(uint256 id, uint64 start) private view returns (bool ripe) {
        (ripe,) = _ripeOrder(id, start);
    }

    function _ripeOrder(uint256 id, uint64 start) private view returns (bool ripe, bytes32 order) {
        uint256 holder = uint160(certificateOf[id << 64 | start].holder);
        (ripe, order) = _ripeIn(_freezes(SCOPE_CERTIFICATE, id << 64 | start));
        if (!ripe) (ripe, order) = _ripeIn(_freezes(SCOPE_RECEIVABLE, id));
        if (!ripe) (ripe, order) = _ripeIn(_freezes(SCOPE_MEMBER, holder));
    }

    function _ripeIn(IReceivablesRecords.Freeze[] memory orders) private view returns (bool, bytes32) {
        for (uint256 i; i < orders.length; ++i) {
            bool ripe = block.timestamp >= orders[i].since + FORCED_TRANSFER_DELAY;
            if (ripe && block.timestamp < orders[i].expiry) return (true, orders[i].order);
        }
        return (false, 0);
    }

    // ------------------------------------------------------- members and clock

    function suspend(uint256 seed) external rolls(seed) {
        address member = _member();
        if (_roll(3) != 0 || !registry.isEligible(member)) return;
        registry.suspend(member, 1);
        ++done[msg.sig];
    }

    function admitAgain(uint256 seed) external rolls(seed) {
        for (uint256 i; i < MEMBERS; ++i) {
            if (!registry.isEligible(members[i])) _admit(members[i]);
        }
        // One whose KYC runs out soon.
        if (_roll(3) == 0) {
            registry.admit(_member(), uint40(block.timestamp + 1 + _roll(10 days)), ANY_ROLE, "profile");
        }
        ++done[msg.sig];
    }

    function pause(uint256 seed) external rolls(seed) {
        if (_paused()) registry.unpause();
        else if (_roll(6) == 0) registry.pause();
        ++done[msg.sig];
    }

    function wait(uint256 seed) external rolls(seed) {
        vm.warp(block.timestamp + _roll(10 days));
        ++done[msg.sig];
    }

    /// @dev Deposits move between members, and some are withdrawn.
    function moveDeposits(uint256 seed, uint64 amount) external rolls(seed) {
        address from = _member();
        if (amount == 0 || !registry.canSend(from)) return;
        vm.prank(from);
        token.transfer(_member(), amount);
        vm.prank(from);
        token.approve(address(this), amount);
        token.burn(from, amount, keccak256(abi.encode(++_orders)));
        ++done[msg.sig];
    }

    // ---------------------------------------------------------- what must fail

    /// @notice What nobody has authority for, on a certificate and on a receivable that there are.
    function trespass(uint256 seed, uint64 amount) external rolls(seed) {
        (uint256 id, uint64 start, bool found) = _certificate(_any);
        if (found) {
            Certificate memory c = certificateOf[id << 64 | start];
            address stranger = _member();
            if (stranger != c.holder) _trespass(stranger, id, start, c, amount);
        }
        (id, start, found) = _certificate(_stays);
        address receiver = _eligible();
        if (found && receiver != address(0)) {
            Certificate memory c = certificateOf[id << 64 | start];
            uint256 range = _range(id, start, c.end);
            _refused(c.holder, abi.encodeCall(registry.endorse, (range, receiver, "document")));
            _refused(c.holder, abi.encodeCall(registry.pledge, (range, receiver, 1)));
        }
        (id, found) = _receivable(_isUnconfirmed);
        address answerer = _member();
        if (found && answerer != _accounts[id].terms.claim.debtor) {
            IReceivablesRecords.Terms memory terms = _accounts[id].terms;
            _refused(answerer, abi.encodeCall(registry.confirm, (id, terms, new bytes32[](0))));
        }
        (id, found) = _receivable(_pays);
        if (found) {
            IReceivablesRecords.Record memory record = recordOf(id);
            uint64 most = record.amounts.payable_(record.terms.face());
            if (most != type(uint64).max) {
                amount = within(amount, most + 1, type(uint64).max);
                _refused(record.terms.debtor(), abi.encodeCall(registry.pay, (id, amount)));
            }
            bool early = block.timestamp < record.terms.due();
            address payer = _member();
            if (most > 1 && (early || payer != record.terms.debtor())) {
                _refused(payer, abi.encodeCall(registry.pay, (id, most - 1)));
            }
        }
    }

    function _trespass(address stranger, uint256 id, uint64 start, Certificate memory c, uint64 amount) private {
        uint256 range = _range(id, start, c.end);
        IReceivablesRecords.Rights memory rights = rightsOf(id << 64 | start);
        _refused(stranger, abi.encodeCall(registry.endorse, (range, stranger, "document")));
        _refused(stranger, abi.encodeCall(registry.split, (range, start + 1, stranger, "document")));
        _refused(stranger, abi.encodeCall(registry.merge, (range, c.end + 1)));
        _refused(stranger, abi.encodeCall(registry.pledge, (range, stranger, amount)));
        _refused(stranger, abi.encodeCall(registry.demandRecourse, (range)));
        _refused(stranger, abi.encodeCall(IERC721.transferFrom, (c.holder, stranger, id << 64 | start)));
        _refused(stranger, abi.encodeCall(IERC721.approve, (stranger, id << 64 | start)));
        if (stranger != rights.lien.rightful()) _refused(stranger, abi.encodeCall(registry.release, (range)));
        if (stranger != rights.recourse.rightful()) _refused(stranger, abi.encodeCall(registry.repurchase, (range)));
        IReceivablesRecords.Deal memory deal = IReceivablesRecords.Deal(
            range,
            start,
            c.holder,
            stranger,
            1,
            0,
            "quote",
            _anchor(_accounts[id].terms),
            _claimKey(_accounts[id].terms)
        );
        _refused(stranger, abi.encodeCall(registry.sell, (deal)));
        _refused(c.holder, abi.encodeCall(registry.sell, (deal)));
        _refused(stranger, abi.encodeCall(registry.pledgeAgainst, (deal)));
        _refused(stranger, abi.encodeCall(registry.close, (id)));
    }

    function _refused(address caller, bytes memory call) private {
        vm.prank(caller);
        (bool accepted,) = address(registry).call(call);
        require(!accepted, "accepted without authority");
        ++done[msg.sig];
    }

    function _stays(uint256 id, uint64 start) private view returns (bool) {
        return !_moves(id, start);
    }

    function _any(uint256, uint64) private pure returns (bool) {
        return true;
    }

    function _isUnconfirmed(uint256 id) private view returns (bool) {
        return !_accounts[id].confirmed;
    }

    // ----------------------------------------------------------------- choices

    /// @dev Whatever is drawn by chance in an act follows from its seed alone, so that shorter runs fail alike.
    modifier rolls(uint256 seed) {
        _dice = seed;
        _;
    }

    function _roll(uint256 sides) private returns (uint256) {
        _dice = uint256(keccak256(abi.encode(_dice)));
        return _dice % sides;
    }

    /// @dev A receivable that the condition holds of, if there is one.
    function _receivable(function(uint256) view returns (bool) holds) private returns (uint256 id, bool found) {
        uint256 first = _roll(RECEIVABLES_MAX);
        for (uint256 i; i < count && !found; ++i) {
            id = 1 + (first + i) % count;
            found = holds(id);
        }
    }

    /// @dev A certificate that the condition holds of, if there is one.
    function _certificate(function(uint256, uint64) view returns (bool) holds)
        private
        returns (uint256 id, uint64 start, bool found)
    {
        uint256 first = _roll(RECEIVABLES_MAX);
        uint256 firstOfEach = _roll(CERTIFICATES_MAX);
        for (uint256 i; i < count && !found; ++i) {
            id = 1 + (first + i) % count;
            uint64[] storage starts = _accounts[id].starts;
            for (uint256 j; j < starts.length && !found; ++j) {
                start = starts[(firstOfEach + j) % starts.length];
                found = holds(id, start);
            }
        }
    }

    /// @dev An eligible member, or 0.
    function _eligible() private returns (address) {
        uint256 first = _roll(MEMBERS);
        for (uint256 i; i < MEMBERS; ++i) {
            address member = members[(first + i) % MEMBERS];
            if (registry.isEligible(member)) return member;
        }
        return address(0);
    }

    function _member() private returns (address) {
        return members[_roll(MEMBERS)];
    }

    function _solvent(address member) private view returns (bool) {
        return registry.isEligible(member) && dishonouredOf(member) == 0;
    }

    function _paused() private view returns (bool) {
        return registry.policy().pausedSince != 0;
    }

    /// @dev Whether there is room for a cut.
    function _cuts(uint256 id, uint64 start) private view returns (bool) {
        return _accounts[id].starts.length < CERTIFICATES_MAX && certificateOf[id << 64 | start].end - start > 1;
    }

    function _freezes(uint8 scope, uint256 id) private view returns (IReceivablesRecords.Freeze[] memory) {
        return registry.freezes(scope, _one(id))[0];
    }

    function _isFrozen(uint8 scope, uint256 id) private view returns (bool) {
        IReceivablesRecords.Freeze[] memory orders = _freezes(scope, id);
        for (uint256 i; i < orders.length; ++i) {
            if (block.timestamp < orders[i].expiry) return true;
        }
        return false;
    }

    // ------------------------------------------------------------------ memory

    function _add(uint256 id, uint64 start, uint64 end, address holder) private {
        _accounts[id].starts.push(start);
        certificateOf[id << 64 | start] = Certificate(end, holder);
    }

    function _cut(uint256 id, uint64 start, uint64 cut, address receiver) private {
        _add(id, cut, certificateOf[id << 64 | start].end, receiver);
        certificateOf[id << 64 | start].end = cut;
    }

    function _remove(uint256 id, uint64 start) private {
        uint64[] storage starts = _accounts[id].starts;
        uint256 i;
        while (starts[i] != start) ++i;
        starts[i] = starts[starts.length - 1];
        starts.pop();
        delete certificateOf[id << 64 | start];
    }

    function _idsOf(uint256 id) private view returns (uint256[] memory ids) {
        uint64[] storage starts = _accounts[id].starts;
        ids = new uint256[](starts.length);
        for (uint256 i; i < starts.length; ++i) {
            ids[i] = id << 64 | starts[i];
        }
    }

    function _one(uint256 id) private pure returns (uint256[] memory ids) {
        ids = new uint256[](1);
        ids[0] = id;
    }
}
