// SPDX-License-Identifier: Apache-2.0
pragma solidity 0.8.30;

import {IReceivablesRecords} from "contracts/interfaces/IReceivables.sol";
import {Words} from "contracts/libraries/Words.sol";

import {Claiming, Reaching} from "./support/Checks.sol";
import {Symbolic} from "./support/Symbolic.sol";

/// @title Authority
/// @notice Whatever a member calls, no certificate changes hands unless its holder, the holder's operator or the account
///         approved for it is the caller.
/// @dev `id` is any certificate there is, the one that the call names or another.
abstract contract AuthorityChecks is Symbolic {
    using Words for uint256;

    uint256 private _word0;
    uint256 private _authority;

    function check_split(address caller, uint256 id, uint256 range, uint64 cut, address receiver)
        external
        asked(caller, id, range)
    {
        registry.split(range, cut, receiver, "document");
    }

    function check_splitMany(address caller, uint256 id, uint256 range, IReceivablesRecords.Part[2] memory two)
        external
        asked(caller, id, range)
    {
        IReceivablesRecords.Part[] memory parts = new IReceivablesRecords.Part[](2);
        for (uint256 i; i < 2; ++i) {
            symbolic.assume(two[i].document != 0);
            parts[i] = two[i];
        }
        registry.splitMany(range, parts);
    }

    function check_endorse(address caller, uint256 id, uint256 range, address receiver)
        external
        asked(caller, id, range)
    {
        registry.endorse(range, receiver, "document");
    }

    function check_merge(address caller, uint256 id, uint256 range, uint64 end) external asked(caller, id, range) {
        _assumeNoOrders(range >> 128 << 128 | uint256(uint64(range)) << 64);
        registry.merge(range, end);
    }

    function check_pledge(address caller, uint256 id, uint256 range, address financier, uint64 secured)
        external
        asked(caller, id, range)
    {
        registry.pledge(range, financier, secured);
    }

    function check_release(address caller, uint256 id, uint256 range) external asked(caller, id, range) {
        registry.release(range);
    }

    function check_sell(address caller, uint256 id, IReceivablesRecords.Deal memory deal)
        external
        asked(caller, id, deal.range)
    {
        registry.sell(deal);
    }

    function check_pledgeAgainst(address caller, uint256 id, IReceivablesRecords.Deal memory deal)
        external
        asked(caller, id, deal.range)
    {
        registry.pledgeAgainst(deal);
    }

    function check_transferFrom(address caller, uint256 id, address from, address to, uint192 certificateId)
        external
        asked(caller, id, uint256(certificateId) << 64)
    {
        certificates.transferFrom(from, to, certificateId);
    }

    /// @dev To an account without code; one with code is asked after everything is written.
    function check_safeTransferFrom(address caller, uint256 id, address from, address to, uint192 certificateId)
        external
        asked(caller, id, uint256(certificateId) << 64)
    {
        symbolic.assume(to.code.length == 0);
        certificates.safeTransferFrom(from, to, certificateId);
    }

    function check_approve(address caller, uint256 id, address to, uint192 certificateId)
        external
        asked(caller, id, uint256(certificateId) << 64)
    {
        certificates.approve(to, certificateId);
    }

    function check_setApprovalForAll(address caller, uint256 id, address operator, bool approved)
        external
        asked(caller, id, 0)
    {
        certificates.setApprovalForAll(operator, approved);
    }

    // ------------------------------------------------------------- how it is seen

    modifier asked(address caller, uint256 id, uint256 range) {
        // Nobody calls from there, which stands for no approval.
        symbolic.assume(caller != address(0));
        _assumeNoOrders(range);
        uint256 word = _certificate(id);
        symbolic.assume(word != 0);
        _assumeDisjoint(id, range);
        _word0 = word;
        _authority = _authorityOf(caller, id, word);
        vm.prank(caller);
        _;
        _must(true, _unless(_authority == 1, uint160(_certificate(id) ^ _word0)) == 0);
    }

    /// @dev No certificate begins within another one.
    function _assumeDisjoint(uint256 id, uint256 range) private pure {
        (uint256 start, uint256 end) = (uint64(range >> 64), uint64(range));
        symbolic.assume(_one(id >> 64 == range >> 128) & _one(uint64(id) > start) & _one(uint64(id) < end) == 0);
    }

    /// @return authority 1 where the caller holds the certificate, is the holder's operator, or is approved for it.
    function _authorityOf(address caller, uint256 id, uint256 word) private view returns (uint256 authority) {
        address holder = word.holder();
        authority = _one(caller == holder);
        uint256 place = _of(uint160(caller), _of(uint160(holder), at.operators));
        authority |= _one(uint8(_word(place)) != 0);
        authority |= _one(word & Words.APPROVED != 0) & _one(address(uint160(_word(_of(id, at.approvals)))) == caller);
    }
}

contract Authority is AuthorityChecks, Claiming {}

contract AuthorityReached is AuthorityChecks, Reaching {}
