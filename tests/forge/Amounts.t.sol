// SPDX-License-Identifier: Apache-2.0
pragma solidity 0.8.30;

import {Amounts} from "contracts/libraries/Amounts.sol";

import {Test} from "./support/Test.sol";

/// @title AmountsTest
/// @notice The formulas of libraries/Amounts.sol on any receivable, up to a face of 2^64 - 1 minor units.
contract AmountsTest is Test {
    using Amounts for uint256;

    uint64 private constant FACE_MAX = type(uint64).max;
    /// @dev Certificates of one tranche.
    uint256 private constant PARTS_MAX = 12;

    /// @dev A receivable [cancelled, face), whose cents from `senior` on are paid first where senior is not 0.
    struct Receivable {
        uint64 face;
        uint256 amounts;
    }

    function testFuzz_anOpenShareIsTheExactProportionRoundedDown(uint256 seed) external pure {
        Receivable memory r = _receivable(seed);
        (uint64 from, uint64 to, uint64 part) = _tranche(r, seed);
        (uint64 start, uint64 end) = _certificate(from, to, seed);
        uint256 due = r.amounts.due(r.face, start, end, false);
        uint256 exact = uint256(end - start) * part;
        vm.assertLe(due * (to - from), exact, "more than its proportion");
        vm.assertLt(exact, (due + 1) * (to - from), "a whole minor unit less than its proportion");
    }

    function testFuzz_aClosedShareIsLessThanAMinorUnitFromTheProportion(uint256 seed) external pure {
        Receivable memory r = _receivable(seed);
        (uint64 from, uint64 to, uint64 part) = _tranche(r, seed);
        (uint64 start, uint64 end) = _certificate(from, to, seed);
        uint256 due = r.amounts.due(r.face, start, end, true);
        uint256 exact = uint256(end - start) * part;
        vm.assertLt(due * (to - from), exact + (to - from), "a minor unit more than its proportion");
        vm.assertLt(exact, (due + 1) * (to - from), "a minor unit less than its proportion");
    }

    function testFuzz_anOpenShareNeverFallsAsPaymentsComeIn(uint256 seed, uint64 more) external pure {
        Receivable memory r = _receivable(seed);
        (uint64 from, uint64 to,) = _tranche(r, seed);
        (uint64 start, uint64 end) = _certificate(from, to, seed);
        uint64 before = r.amounts.due(r.face, start, end, false);
        uint64 paid = r.amounts.paid();
        r.amounts = r.amounts.withPaid(within(more, paid, r.face - r.amounts.cancelled()));
        vm.assertLe(before, r.amounts.due(r.face, start, end, false), "a payment took something away");
    }

    function testFuzz_closingNeverTakesFromAShare(uint256 seed) external pure {
        Receivable memory r = _receivable(seed);
        (uint64 from, uint64 to,) = _tranche(r, seed);
        (uint64 start, uint64 end) = _certificate(from, to, seed);
        uint64 open = r.amounts.due(r.face, start, end, false);
        uint64 closed = r.amounts.due(r.face, start, end, true);
        vm.assertLe(open, closed, "less than before it closed");
        vm.assertLe(closed, end - start, "more than the certificate says");
    }

    function testFuzz_openSharesAreNeverMoreThanWasPaid(uint256 seed) external pure {
        Receivable memory r = _receivable(seed);
        (uint256 shares,) = _sum(r, seed, false);
        vm.assertLe(shares, r.amounts.paid(), "shares of more than was paid");
    }

    function testFuzz_closedSharesAreAllThatWasPaid(uint256 seed) external pure {
        Receivable memory r = _receivable(seed);
        (uint256 shares, uint256 lengths) = _sum(r, seed, true);
        vm.assertEq(shares, r.amounts.paid(), "not all that was paid, or more");
        vm.assertEq(lengths, r.face - r.amounts.cancelled(), "the certificates are not the whole");
    }

    function testFuzz_paidInFullEveryShareIsTheWholeCertificate(uint256 seed) external pure {
        Receivable memory r = _receivable(seed);
        r.amounts = r.amounts.withPaid(r.face - r.amounts.cancelled());
        (uint64 from, uint64 to,) = _tranche(r, seed);
        (uint64 start, uint64 end) = _certificate(from, to, seed);
        vm.assertEq(r.amounts.due(r.face, start, end, false), end - start, "open");
        vm.assertEq(r.amounts.due(r.face, start, end, true), end - start, "closed");
    }

    function testFuzz_cuttingGainsNothing(uint256 seed, uint64 cut) external pure {
        Receivable memory r = _receivable(seed);
        (uint64 from, uint64 to,) = _tranche(r, seed);
        (uint64 start, uint64 end) = _certificate(from, to, seed);
        if (end - start == 1) return;
        cut = within(cut, start + 1, end - 1);
        uint64 parts = r.amounts.due(r.face, start, cut, false) + r.amounts.due(r.face, cut, end, false);
        vm.assertLe(parts, r.amounts.due(r.face, start, end, false), "open parts are due more than the whole");
        parts = r.amounts.due(r.face, start, cut, true) + r.amounts.due(r.face, cut, end, true);
        vm.assertEq(parts, r.amounts.due(r.face, start, end, true), "closed parts are not the whole");
    }

    function testFuzz_disputedCentsGetNothingUntilTheOthersHaveAll(uint256 seed) external pure {
        Receivable memory r = _receivable(seed);
        uint64 senior = r.amounts.senior();
        if (senior == 0 || senior == r.face) return;
        uint64 last = r.amounts.due(r.face, r.amounts.cancelled(), senior, false);
        uint64 first = r.amounts.due(r.face, senior, r.face, false);
        vm.assertTrue(last == 0 || first == r.face - senior, "the disputed cents came first");
        vm.assertEq(last + first, r.amounts.paid(), "the two tranches are not what was paid");
    }

    function testFuzz_whatIsPayableIsWhatIsMissing(uint256 seed) external pure {
        Receivable memory r = _receivable(seed);
        uint64 senior = r.amounts.senior();
        if (r.amounts.isDisputed() && r.amounts.paid() > r.face - senior) return; // the dispute has ended by then
        r.amounts = r.amounts.withPaid(r.amounts.paid() + r.amounts.payable_(r.face));
        bool disputed = r.amounts.isDisputed();
        uint64 from = disputed ? senior : r.amounts.cancelled();
        if (from < r.face) {
            vm.assertEq(r.amounts.due(r.face, from, r.face, false), r.face - from, "something is missing");
        }
        if (disputed) vm.assertEq(r.amounts.due(r.face, r.amounts.cancelled(), senior, false), 0, "it is disputed");
        vm.assertEq(r.amounts.payable_(r.face), 0, "payable without end");
    }

    function testFuzz_eachPartOfTheWordIsKeptBesideTheOthers(uint64 paid, uint64 cancelled, uint64 senior, bool marked)
        external
        pure
    {
        uint256 mark = marked ? Amounts.DISHONOURED : 0;
        uint256 amounts = mark.withPaid(FACE_MAX).withCancelled(FACE_MAX).withPaid(paid).withCancelled(cancelled);
        uint256 disputed = amounts.withDispute(senior);
        vm.assertEq(disputed.paid(), paid, "paid");
        vm.assertEq(disputed.cancelled(), cancelled, "cancelled");
        vm.assertEq(disputed.senior(), senior, "senior");
        vm.assertTrue(disputed.isDisputed() && !amounts.isDisputed(), "disputed");
        vm.assertEq(disputed & Amounts.DISHONOURED, mark, "dishonoured");
        vm.assertEq(disputed.withoutTranches(), amounts, "without tranches");
        uint256 resolved = disputed.withoutDispute();
        vm.assertEq(resolved.senior(), paid == 0 ? 0 : senior, "the boundary stays with what was paid under it");
        vm.assertEq(resolved.withoutTranches(), amounts, "resolved");
    }

    // ---- draws

    /// @dev At least one minor unit is not cancelled. The face has any number of bits, so small ones come as often.
    function _receivable(uint256 seed) private pure returns (Receivable memory r) {
        r.face = within(_draw(seed, 0), 1, FACE_MAX >> _draw(seed, 1) % 64);
        uint64 cancelled = _draw(seed, 2) % 2 == 0 ? 0 : within(_draw(seed, 3), 0, r.face - 1);
        uint64 paid = within(_draw(seed, 4), 0, r.face - cancelled);
        r.amounts = uint256(0).withCancelled(cancelled).withPaid(paid);
        if (_draw(seed, 5) % 2 == 0) return r;
        r.amounts = r.amounts.withDispute(within(_draw(seed, 6), cancelled + 1, r.face));
        if (_draw(seed, 7) % 2 == 0) r.amounts &= ~Amounts.DISPUTED;
    }

    /// @dev One of the tranches, and how much of it is paid.
    function _tranche(Receivable memory r, uint256 seed) private pure returns (uint64 from, uint64 to, uint64 part) {
        (uint64 cancelled, uint64 senior, uint64 paid) = (r.amounts.cancelled(), r.amounts.senior(), r.amounts.paid());
        if (senior == 0) return (cancelled, r.face, paid);
        uint64 first = paid < r.face - senior ? paid : r.face - senior;
        if (senior < r.face && _draw(seed, 8) % 2 == 0) return (senior, r.face, first);
        return (cancelled, senior, paid - first);
    }

    function _certificate(uint64 from, uint64 to, uint256 seed) private pure returns (uint64 start, uint64 end) {
        start = within(_draw(seed, 9), from, to - 1);
        end = within(_draw(seed, 10), start + 1, to);
    }

    /// @dev Cuts each tranche into certificates, and adds up what is due to them and how long they are.
    function _sum(Receivable memory r, uint256 seed, bool closed)
        private
        pure
        returns (uint256 shares, uint256 lengths)
    {
        uint64 senior = r.amounts.senior();
        uint64 start = r.amounts.cancelled();
        for (uint256 i; start < r.face; ++i) {
            uint64 to = start < senior ? senior : r.face;
            uint64 end = i % PARTS_MAX == PARTS_MAX - 1 ? to : within(_draw(seed, 16 + i), start + 1, to);
            // Short ones too: what is rounded is less than a minor unit each.
            if (i % 3 == 0) end = start + 1;
            shares += r.amounts.due(r.face, start, end, closed);
            lengths += end - start;
            start = end;
        }
    }

    function _draw(uint256 seed, uint256 i) private pure returns (uint256) {
        return uint256(keccak256(abi.encode(seed, i)));
    }
}
