// SPDX-License-Identifier: Apache-2.0
pragma solidity 0.8.30;

import {Ledger} from "contracts/base/Ledger.sol";
import {IReceivablesRecords} from "contracts/interfaces/IReceivables.sol";
import {Words} from "contracts/libraries/Words.sol";

import {Chain} from "../../forge/support/Chain.sol";
import {Checks} from "./Checks.sol";

/// @notice Where the registry keeps its words.
struct Places {
    uint256 records;
    uint256 certificates;
    uint256 members;
    uint256 approvals;
    uint256 operators;
    uint256 freezes;
    uint256 movement;
    uint256 registration;
    uint256 pausedSince;
    uint256 settlement;
    uint256 depositTokens;
    uint256 liens;
    uint256 recourses;
    uint256 claims;
}

/// @title Layout
/// @notice Asks the compiler for these places.
contract Layout is Ledger {
    constructor() Ledger(address(0), address(0)) {}

    function places() external pure returns (Places memory p) {
        assembly ("memory-safe") {
            mstore(p, _records.slot)
            mstore(add(p, 0x20), _certificates.slot)
            mstore(add(p, 0x40), _members.slot)
            mstore(add(p, 0x60), _approvals.slot)
            mstore(add(p, 0x80), _operators.slot)
            mstore(add(p, 0xa0), _freezes.slot)
            mstore(add(p, 0xc0), _movement.slot)
            mstore(add(p, 0xe0), _registration.slot)
            mstore(add(p, 0x100), _pausedSince.slot)
            mstore(add(p, 0x120), _settlement.slot)
            mstore(add(p, 0x140), _depositTokens.slot)
            mstore(add(p, 0x160), _liens.slot)
            mstore(add(p, 0x180), _recourses.slot)
            mstore(add(p, 0x1a0), _claims.slot)
        }
    }
}

/// @title Symbolic
/// @notice The deployed registry, its extensions, deposit token and desk, at any time and in any state of its storage,
///         also in ones that no history leads to; a check takes away what it names.
abstract contract Symbolic is Chain, Checks {
    using Words for uint256;

    /// @dev No hash is this (halmos takes the last 2^64 words for none). Journals begin with it where it must be seen
    ///      that they go on: a head is read only to be hashed on.
    bytes32 internal constant NO_HASH = bytes32(type(uint256).max);

    /// @dev What orders are on, as the ledger numbers it.
    uint8 internal constant CERTIFICATE = 1;
    uint8 internal constant RECEIVABLE = 2;
    uint8 internal constant MEMBER = 3;

    Places internal at;
    address[2] internal officers = [address(0x0FF1CE), address(0x0FF1CF)];

    function setUp() external {
        _deploy(officers);
        at = new Layout().places();
        // What the constructor wrote stays, or is made arbitrary below: the AccessManager is the deployed one.
        svm.enableSymbolicStorage(address(registry));
        svm.enableSymbolicStorage(address(token));
        vm.warp(svm.createUint(40, "timestamp"));
        // Extra rules can only forbid, so there are none; the minimum part is any.
        _set(at.movement, svm.createUint256("movement") & ~(type(uint160).max | uint256(0xffff) << 224));
        _set(at.registration, svm.createUint256("registration"));
        _set(at.pausedSince, svm.createUint256("switches"));
        _set(at.settlement, svm.createUint256("settlement"));
    }

    // ---- words

    function _word(uint256 place) internal view returns (uint256) {
        return uint256(symbolic.load(address(registry), bytes32(place)));
    }

    function _of(uint256 key, uint256 place) internal pure returns (uint256) {
        return uint256(keccak256(abi.encode(key, place)));
    }

    function _certificate(uint256 id) internal view returns (uint256) {
        return _word(_of(id, at.certificates));
    }

    function _member(address account) internal view returns (uint256) {
        return _word(_of(uint160(account), at.members));
    }

    function _record(uint256 id) internal view returns (IReceivablesRecords.Record memory record) {
        uint256 place = _of(id, at.records);
        record.terms = _word(place);
        record.head = bytes32(_word(place + 1));
        record.amounts = _word(place + 2);
        record.claimed = _word(place + 3);
    }

    function _setHead(uint256 journalId, bytes32 head) internal {
        _set(_of(journalId, at.records) + 1, uint256(head));
    }

    function _set(uint256 place, uint256 word) private {
        symbolic.store(address(registry), bytes32(place), bytes32(word));
    }

    /// @dev What an account without code may have signed, with any anchor, nonce and deadline.
    function _signed(address signer) internal view returns (IReceivablesRecords.Authorisation memory by) {
        symbolic.assume(signer.code.length == 0);
        by.signer = signer;
        by.nonce = svm.createUint256("nonce");
        by.deadline = svm.createUint256("deadline");
        by.anchor = svm.createBytes32("anchor");
        by.claimKey = svm.createBytes32("claim key");
        by.signature = svm.createBytes(65, "signature");
    }

    // ---- what a check takes away

    /// @dev Orders only refuse: a certificate that none ever was on, nor on its receivable or holder.
    function _assumeNoOrders(uint256 range) internal view {
        uint256 word = _certificate(range >> 64);
        symbolic.assume(word & Words.CERTIFICATE_FROZEN == 0);
        symbolic.assume(_word(_of(range >> 128, at.records)) & Words.RECEIVABLE_FROZEN == 0);
        symbolic.assume(_member(word.holder()) & Words.MEMBER_FROZEN == 0);
    }

    function _assumeNoOrderOn(address member) internal view {
        symbolic.assume(_member(member) & Words.MEMBER_FROZEN == 0);
    }

    /// @dev The deposit token of the currency is the deployed one.
    function _assumeDepositToken(uint256 terms) internal view {
        symbolic.assume(_word(_of(terms.currency(), at.depositTokens)) == uint160(address(token)));
    }

    function _forgetDepositToken() internal {
        _set(_of(CURRENCY, at.depositTokens), 0);
    }

    /// @dev No order ever was on it.
    function _assumeUnfrozen(uint8 scope, uint256 id, uint256 mark) internal {
        symbolic.assume(mark == 0);
        _set(_orders(scope, id), 0);
    }

    /// @dev One order is on it, any.
    function _assumeOnlyOrder(uint8 scope, uint256 id) internal {
        _set(_orders(scope, id), 1);
    }

    function _orders(uint8 scope, uint256 id) private view returns (uint256) {
        return _of(id, _of(scope, at.freezes));
    }
}
