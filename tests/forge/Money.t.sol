// SPDX-License-Identifier: Apache-2.0
pragma solidity 0.8.30;

import {IReceivablesRecords} from "contracts/interfaces/IReceivables.sol";
import {Amounts} from "contracts/libraries/Amounts.sol";
import {Words} from "contracts/libraries/Words.sol";

import {Handler} from "./support/Handler.sol";
import {Test} from "./support/Test.sol";

/// @title MoneyTest
/// @notice What holds of the registry's money and certificates whatever everyone does, in any order.
contract MoneyTest is Test {
    using Amounts for uint256;
    using Words for uint256;

    error NeverCarriedOut(bytes4 act);

    Handler private _handler;

    function setUp() external {
        _handler = new Handler();
    }

    struct FuzzSelector {
        address addr;
        bytes4[] selectors;
    }

    /// @dev forge asks what to call.
    function targetSelectors() external view returns (FuzzSelector[] memory targets) {
        targets = new FuzzSelector[](1);
        targets[0] = FuzzSelector(address(_handler), _handler.acts());
    }

    function targetContracts() external view returns (address[] memory targets) {
        targets = new address[](1);
        targets[0] = address(_handler);
    }

    /// @dev The invariant says nothing of what never happens.
    function test_everyActIsCarriedOut() external {
        bytes4[] memory acts = _handler.acts();
        uint256[] memory done = new uint256[](acts.length);
        uint256 dice;
        for (uint256 run; run < 10; ++run) {
            Handler handler = new Handler();
            for (uint256 i; i < 250; ++i) {
                dice = uint256(keccak256(abi.encode(dice)));
                // Arguments that an act does not have are not read.
                bytes memory call = abi.encodeWithSelector(
                    acts[dice % acts.length], dice, uint64(dice >> 64), uint64(dice >> 128), uint64(dice >> 192)
                );
                (bool accepted, bytes memory reason) = address(handler).call(call);
                require(accepted, string(reason));
            }
            for (uint256 i; i < acts.length; ++i) {
                done[i] += handler.done(acts[i]);
            }
        }
        for (uint256 i; i < acts.length; ++i) {
            if (done[i] == 0) revert NeverCarriedOut(acts[i]);
        }
    }

    function invariant_moneyAndCertificatesAddUp() external view {
        uint256 held;
        for (uint256 id = 1; id <= _handler.count(); ++id) {
            Handler.Account memory account = _handler.accountOf(id);
            IReceivablesRecords.Record memory record = _handler.recordOf(id);
            if (account.confirmed) {
                held += account.paid - account.paidOut;
                _checkMoney(account, record);
                _checkCertificates(id, account, record);
            } else {
                _checkUnconfirmed(id, record);
            }
        }
        require(_handler.balanceOf(_handler.registryAddress()) == held, "the registry holds more or less than it owes");
        _checkMembers();
    }

    /// @dev All is paid out in the end of what was paid in full or closed, and never more of anything else.
    function afterInvariant() external {
        _handler.redeemAll();
        for (uint256 id = 1; id <= _handler.count(); ++id) {
            Handler.Account memory account = _handler.accountOf(id);
            uint8 status = _handler.recordOf(id).terms.status();
            bool over = status == Words.STATUS_SETTLED || status == Words.STATUS_CLOSED;
            require(!over || account.paidOut == account.paid, "something is left over");
        }
        this.invariant_moneyAndCertificatesAddUp();
    }

    function _checkMoney(Handler.Account memory account, IReceivablesRecords.Record memory record) private pure {
        require(account.paidOut <= account.paid, "more was paid out than in");
        require(record.amounts.paid() == account.paid, "another amount paid");
        require(record.amounts.cancelled() == account.credited, "another amount credited");
        uint8 status = record.terms.status();
        uint64 face = account.terms.claim.face;
        require((status == Words.STATUS_SETTLED) == (account.paid == face - account.credited), "settled or not");
        require(status == Words.STATUS_SETTLED || record.claimed == account.paidOut, "another amount paid out");
    }

    /// @dev No two share a cent, and those that are there, those that were paid out and the credited cents are all.
    function _checkCertificates(uint256 id, Handler.Account memory account, IReceivablesRecords.Record memory record)
        private
        view
    {
        uint64[] memory starts = account.starts;
        _sort(starts);
        uint64 at = record.amounts.cancelled();
        uint256 lengths = uint256(account.credited) + account.gone;
        for (uint256 i; i < starts.length; ++i) {
            uint256 word = _handler.wordOf(id << 64 | starts[i]);
            (uint64 end, address holder) = _handler.certificateOf(id << 64 | starts[i]);
            require(word.end() == end, "another end");
            require(word.holder() == holder, "another holder than authority made");
            require(starts[i] >= at, "two certificates share cents");
            at = end;
            lengths += end - starts[i];
            _checkRights(id << 64 | starts[i], end - starts[i]);
            bool frozen = _handler.isOrderOver(id, starts[i]);
            require(!frozen || _handler.redeemableOf(id << 64 | starts[i]) == 0, "paid out against an order");
        }
        require(at <= account.terms.claim.face, "cents beyond the face");
        require(lengths == account.terms.claim.face, "cents were lost or made");
    }

    function _checkRights(uint256 certificateId, uint64 length) private view {
        IReceivablesRecords.Rights memory rights = _handler.rightsOf(certificateId);
        require(rights.claimed <= length, "more was paid out than the certificate says");
        require(rights.lien.amount() <= length, "more is secured than the certificate says");
        require(rights.recourse.amount() <= length, "more is given back than the certificate says");
        require(
            _handler.redeemableOf(certificateId) <= length - rights.claimed, "more is due than the certificate says"
        );
    }

    function _checkUnconfirmed(uint256 id, IReceivablesRecords.Record memory record) private view {
        require(record.terms.status() == Words.STATUS_REGISTERED, "answered by nobody");
        require(record.amounts == 0 && record.claimed == 0, "money before the confirmation");
        require(_handler.wordOf(id << 64) == 0, "a certificate before the confirmation");
    }

    /// @dev Each member has as many certificates, and as many debts that it dishonoured, as there are of its.
    function _checkMembers() private view {
        for (uint256 i; i < _handler.MEMBERS(); ++i) {
            address member = _handler.members(i);
            uint256 holdings;
            uint256 dishonoured;
            for (uint256 id = 1; id <= _handler.count(); ++id) {
                Handler.Account memory account = _handler.accountOf(id);
                for (uint256 j; j < account.starts.length; ++j) {
                    (, address holder) = _handler.certificateOf(id << 64 | account.starts[j]);
                    if (holder == member) ++holdings;
                }
                bool marked = _handler.recordOf(id).amounts & Amounts.DISHONOURED != 0;
                if (marked && account.terms.claim.debtor == member) ++dishonoured;
            }
            require(_handler.holdingsOf(member) == holdings, "another number of certificates");
            require(_handler.dishonouredOf(member) == dishonoured, "another number of dishonoured debts");
        }
    }

    function _sort(uint64[] memory values) private pure {
        for (uint256 i = 1; i < values.length; ++i) {
            uint64 value = values[i];
            uint256 j = i;
            for (; j > 0 && values[j - 1] > value; --j) {
                values[j] = values[j - 1];
            }
            values[j] = value;
        }
    }
}
