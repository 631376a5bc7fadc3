// SPDX-License-Identifier: Apache-2.0
pragma solidity 0.8.30;

import {IReceivablesRecords} from "contracts/interfaces/IReceivables.sol";
import {Journal} from "contracts/libraries/Journal.sol";
import {Words} from "contracts/libraries/Words.sol";

import {Claiming, Reaching} from "./support/Checks.sol";
import {Symbolic} from "./support/Symbolic.sol";

/// @title Ranges
/// @notice The parts are exactly the range that was there, in the right hands, and nothing else has changed.
/// @dev A word is compared with what it must be by XOR: the claim is that no difference is left.
abstract contract RangesChecks is Symbolic {
    using Words for uint256;

    /// @dev The certificate that an operation is about, and any certificate, member and receivable besides.
    struct Before {
        uint256 id;
        uint256 otherId;
        uint256 word;
        address holder;
        uint256 member;
        bytes32 head;
        uint256 otherWord;
        address account;
        uint256 otherMember;
        uint256 receivableId;
        IReceivablesRecords.Record record;
    }

    function check_split(uint256 range, uint64 cut, address receiver, bytes32 document) external {
        uint256 tailId = _idAt(range, cut);
        Before memory b = _before(range, tailId, receiver);
        uint256 taker = _member(receiver);
        _assumeNoOrders(range);

        vm.prank(b.holder);
        registry.split(range, cut, receiver, document);

        uint256 wrong = _certificate(b.id) ^ (Words.packCertificate(b.holder, cut) | b.word & Words.ORIGINAL);
        wrong |= _certificate(tailId) ^ Words.packCertificate(receiver, uint64(range));
        wrong |= _member(receiver) ^ (taker + 1);
        _append(b, range, Journal.SPLIT, keccak256(abi.encode(b.holder, receiver, cut, document)));
        _must(true, (wrong | _changed(b)) == 0);
    }

    function check_splitMany(uint256 range, IReceivablesRecords.Part[2] memory two) external {
        uint256[2] memory ids = [_idAt(range, two[0].cut), _idAt(range, two[1].cut)];
        Before memory b = _before(range, ids[0], two[0].receiver);
        symbolic.assume(b.otherId != ids[1]);
        symbolic.assume(b.account != two[1].receiver);
        // To whom one may split without a document is no question of ranges.
        symbolic.assume(two[0].document != 0);
        symbolic.assume(two[1].document != 0);
        uint256[2] memory takers = [_member(two[0].receiver), _member(two[1].receiver)];
        _assumeNoOrders(range);

        IReceivablesRecords.Part[] memory parts = new IReceivablesRecords.Part[](2);
        (parts[0], parts[1]) = (two[0], two[1]);
        vm.prank(b.holder);
        registry.splitMany(range, parts);

        uint256 wrong = _certificate(b.id) ^ (Words.packCertificate(b.holder, two[1].cut) | b.word & Words.ORIGINAL);
        wrong |= _certificate(ids[0]) ^ Words.packCertificate(two[0].receiver, uint64(range));
        wrong |= _certificate(ids[1]) ^ Words.packCertificate(two[1].receiver, two[0].cut);
        uint256 both = _one(two[0].receiver == two[1].receiver);
        wrong |= _member(two[0].receiver) ^ (takers[0] + 1 + both);
        wrong |= _member(two[1].receiver) ^ (takers[1] + 1 + both);
        _append(b, range, Journal.SPLIT, _splitDetails(b.holder, two[0]));
        _append(b, b.id << 64 | two[0].cut, Journal.SPLIT, _splitDetails(b.holder, two[1]));
        _must(true, (wrong | _changed(b)) == 0);
    }

    function check_merge(uint256 range, uint64 end) external {
        uint256 rightId = _idAt(range, uint64(range));
        // No certificate is empty.
        symbolic.assume(uint64(range >> 64) < uint64(range));
        symbolic.assume(uint64(range) < end);
        Before memory b = _before(range, rightId, _certificate(range >> 64).holder());
        _assumeNoOrders(range);
        _assumeNoOrders(rightId << 64);

        vm.prank(b.holder);
        registry.merge(range, end);

        uint256 wrong = _certificate(b.id) ^ (Words.packCertificate(b.holder, end) | b.word & Words.ORIGINAL);
        wrong |= _certificate(rightId);
        wrong |= _member(b.holder) ^ (b.member - 1);
        _append(b, b.id << 64 | end, Journal.MERGED, keccak256(abi.encode(b.holder, uint64(range))));
        _must(true, (wrong | _changed(b)) == 0);
    }

    /// @dev With a lien, a recourse or something paid out on it, each divided by the same function: one at a time, or
    ///      there would be too many paths.
    function check_partition(uint256 range, uint64 cut, bytes32 order) external {
        uint256 tailId = _idAt(range, cut);
        Before memory b = _before(range, tailId, _certificate(range >> 64).holder());
        symbolic.assume(b.word & Words.CERTIFICATE_FROZEN == 0);
        uint256 marks = b.word & (Words.PLEDGED | Words.RECOURSE | Words.CLAIMED);
        unchecked {
            symbolic.assume(marks & (marks - 1) == 0);
        }
        // To divide a right takes a product and a quotient, of which no solver finds an example.
        _lookWhere(marks == 0);
        uint256[3] memory rights = _rights(b.id, b.word);

        vm.prank(officers[0]);
        registry.partition(range, cut, b.holder, order, _signed(officers[1]));

        uint256 wrong = _dividedInTwo(b, tailId, cut, uint64(range), rights);
        wrong |= _member(b.holder) ^ (b.member + 1);
        _append(b, range, Journal.PARTITIONED, keccak256(abi.encode(order, officers[0], officers[1], cut)));
        _must(true, (wrong | _changed(b)) == 0);
    }

    function _dividedInTwo(Before memory b, uint256 tailId, uint64 cut, uint64 end, uint256[3] memory rights)
        private
        view
        returns (uint256 wrong)
    {
        (uint256 front, uint256 tail) = (_certificate(b.id), _certificate(tailId));
        wrong = uint224(front) ^ Words.packCertificate(b.holder, cut);
        wrong |= uint224(tail) ^ Words.packCertificate(b.holder, end);
        wrong |= (front ^ b.word) & Words.ORIGINAL | (front | tail) & Words.APPROVED | tail & Words.ORIGINAL;
        uint256[3] memory fronts = _rights(b.id, front);
        uint256[3] memory tails = _rights(tailId, tail);
        for (uint256 i; i < 3; ++i) {
            wrong |= (uint256(fronts[i].amount()) + tails[i].amount()) ^ rights[i].amount();
        }
    }

    // ---- what there is besides

    function _before(uint256 range, uint256 secondId, address member) private view returns (Before memory b) {
        b.id = range >> 64;
        b.word = _certificate(b.id);
        b.holder = b.word.holder();
        b.member = _member(b.holder);
        b.head = _record(range >> 128).head;
        b.otherId = svm.createUint256("other certificate");
        symbolic.assume(b.otherId != b.id);
        symbolic.assume(b.otherId != secondId);
        b.otherWord = _certificate(b.otherId);
        b.account = svm.createAddress("other member");
        symbolic.assume(b.account != member);
        b.otherMember = _member(b.account);
        b.receivableId = svm.createUint256("any receivable");
        b.record = _record(b.receivableId);
    }

    /// @dev Of the receivable itself nothing but the head, which is the one that `_append` led to.
    function _changed(Before memory b) private view returns (uint256 wrong) {
        IReceivablesRecords.Record memory record = _record(b.receivableId);
        wrong = _certificate(b.otherId) ^ b.otherWord;
        wrong |= _member(b.account) ^ b.otherMember;
        wrong |= record.terms ^ b.record.terms;
        wrong |= record.amounts ^ b.record.amounts;
        wrong |= record.claimed ^ b.record.claimed;
        wrong |= _unless(b.receivableId == b.id >> 64, uint256(record.head ^ b.record.head));
        wrong |= uint256(_record(b.id >> 64).head ^ b.head);
    }

    /// @dev Lien, recourse and what was paid out, each 0 where the certificate's word has no mark of it.
    function _rights(uint256 id, uint256 word) private view returns (uint256[3] memory) {
        return [
            _unless(word & Words.PLEDGED == 0, _word(_of(id, at.liens))),
            _unless(word & Words.RECOURSE == 0, _word(_of(id, at.recourses))),
            _unless(word & Words.CLAIMED == 0, _word(_of(id, at.claims)))
        ];
    }

    // ---- the journal's formulas, written out once more

    function _append(Before memory b, uint256 range, uint256 operation, bytes32 details) private view {
        (uint256 start, uint256 end) = (uint64(range >> 64), uint64(range));
        b.head = keccak256(abi.encode(b.head, keccak256(abi.encode(operation, block.timestamp, start, end, details))));
    }

    function _splitDetails(address holder, IReceivablesRecords.Part memory part) private pure returns (bytes32) {
        return keccak256(abi.encode(holder, part.receiver, part.cut, part.document));
    }

    function _idAt(uint256 range, uint64 start) private pure returns (uint256) {
        return range >> 128 << 64 | start;
    }
}

contract Ranges is RangesChecks, Claiming {}

contract RangesReached is RangesChecks, Reaching {}
