"""The named attacks on the registry: `python -m scripts.assurance.attacks`.

ATTACKS says which tests perform each of them, on the real contracts on Anvil. They run in one run of ape; an attack is
repelled if each of its tests is there, ran and passed, with all its parameters.
"""

from __future__ import annotations

import ast
import os
import subprocess
import sys
from collections import Counter
from collections.abc import Mapping
from pathlib import Path
from typing import Final
from xml.etree import ElementTree

from rich.console import Console
from rich.table import Table

from scripts.assurance.parts import ROOT, WORKPLACE, fail, held

Named = Mapping[str, tuple[str, ...]]
"""Names of tests by file, under FOLDER and without its ending."""

FOLDER: Final = "tests/contracts"
REPORT: Final = WORKPLACE / "attacks.xml"

ATTACKS: Final[Mapping[str, Named]] = {
    "reentrancy by a token, a receiver, a wallet, rules": {
        "attacks/test_reentrancy": (
            "test_a_receiver_finds_no_door_open_from_inside_the_hook",
            "test_a_receiver_takes_one_certificate_and_nothing_else",
            "test_a_receiver_that_burns_gas_blocks_nobody",
            "test_a_hostile_token_finds_no_door_open_during_a_payment",
            "test_a_hostile_token_is_paid_out_once_whatever_it_tries_in_between",
            "test_a_redemption_pays_once_though_the_token_redeems_meanwhile",
            "test_a_repurchase_takes_the_certificate_before_the_money_moves",
            "test_a_token_backed_by_nothing_harms_its_own_currency_alone",
            "test_a_token_that_moves_nothing_pays_nothing",
            "test_a_quote_counts_once_though_the_token_accepts_it_meanwhile",
            "test_a_seller_who_is_paid_first_cannot_keep_the_certificate",
            "test_a_wallet_that_is_asked_for_its_word_can_do_nothing_meanwhile",
            "test_what_a_wallet_could_not_do_when_asked_it_could_of_its_own_accord",
            "test_a_financier_and_an_officer_that_are_wallets_can_do_nothing_meanwhile_either",
            "test_extra_rules_can_only_forbid_whatever_they_call",
        ),
        "test_erc721": (
            "test_a_contract_that_answers_wrongly_does_not_receive",
            "test_a_contract_that_reverts_does_not_receive_and_its_reason_is_passed_on",
            "test_no_other_way_in_asks_the_receiver",
            "test_a_forced_transfer_does_not_ask_the_receiver",
            "test_confirmation_does_not_ask_the_originator",
            "test_a_certificate_is_received_once_whatever_the_hook_tries",
            "test_an_approval_is_spent_before_the_hook_runs",
            "test_a_registration_from_inside_the_hook_takes_its_own_id",
            "test_a_signature_of_the_former_holder_is_worth_nothing_inside_the_hook",
        ),
        "test_rules": (
            "test_rules_that_fail_without_a_word_forbid_without_a_reason",
            "test_rules_forbid_by_reverting_and_what_they_answer_is_not_read",
        ),
    },
    "griefing by zero values, dust and approvals": {
        "attacks/test_griefing": (
            "test_most_of_what_an_outsider_tries_leaves_no_trace",
            "test_nothing_that_an_outsider_does_costs_a_member_gas",
            "test_nor_does_all_of_it_together",
            "test_an_offer_costs_who_answers_after_it_one_hash",
            "test_expired_orders_cost_a_move_a_bounded_amount",
            "test_what_a_stranger_pays_out_for_a_holder_spares_it_more_than_it_costs",
        ),
        "test_strangers": (
            "test_the_list_names_every_function_that_writes",
            "test_only_who_may_does_it",
            "test_a_strangers_own_affairs_touch_nobody",
            "test_money_sent_to_the_contract_comes_back",
        ),
        "test_deposit_token": ("test_an_amount_is_more_than_nothing", "test_deposits_go_to_members_only"),
        "test_signatures": ("test_a_long_answer_costs_the_submitter_no_more_than_a_short_one",),
    },
    "signatures replayed or bent": {
        "attacks/test_replay": (
            "test_what_was_signed_for_a_registry_is_nothing_to_its_successor",
            "test_one_owners_signature_is_of_one_of_its_accounts",
            "test_a_wallet_has_its_own_forms_but_each_counts_once",
            "test_an_account_that_becomes_a_contract_is_asked_as_one",
            "test_nobody_signs_for_what_has_no_key",
        ),
        "test_signatures": (
            "test_every_field_is_signed",
            "test_the_authorisation_itself_is_signed",
            "test_it_counts_on_this_chain_and_for_this_registry",
            "test_a_signature_of_one_kind_is_none_of_another",
            "test_the_domain_follows_the_chain",
            "test_it_counts_once",
            "test_it_counts_until_its_deadline_to_the_second",
            "test_a_cancelled_nonce_is_used",
            "test_the_same_signature_twice_in_one_block_counts_once",
            "test_an_anchor_of_another_kind_or_receivable_is_none",
            "test_a_signature_has_one_form",
            "test_nobody_signs_for_nobody",
            "test_a_wallet_that_says_anything_else_has_not",
        ),
        "test_money_by_signature": (
            "test_every_field_is_signed",
            "test_it_counts_once_and_until_its_deadline",
            "test_it_is_of_the_receivable_that_its_anchor_names",
            "test_two_agree_each_by_its_own_signature",
        ),
        "test_desk": (
            "test_a_quote_counts_once",
            "test_a_financier_takes_quotes_back",
            "test_a_quote_is_for_one_desk_and_one_chain",
            "test_a_mangled_signature_is_refused",
            "test_an_acceptance_is_for_one_desk_and_one_chain_and_of_the_holder",
            "test_a_quote_is_no_acceptance",
        ),
        "test_officers": (
            "test_a_countersignature_counts_once",
            "test_an_order_is_carried_out_as_it_was_countersigned",
        ),
    },
    "a confirmation swapped by a reorganisation": {
        "attacks/test_replay": (
            "test_a_confirmation_is_of_one_claim_whatever_took_its_number",
            "test_an_acceptance_is_of_one_offer_whatever_took_its_place",
            "test_a_signed_payment_is_of_one_receivable_whatever_took_its_number",
        ),
        "test_signatures": (
            "test_after_a_reorg_a_confirmation_is_not_of_the_claim_that_took_the_id",
            "test_after_a_reorg_a_transfer_is_not_of_another_receivables_certificate",
            "test_after_a_reorg_a_transfer_is_not_of_the_same_claim_with_other_terms",
        ),
        "test_registration": (
            "test_an_answer_must_name_every_term_as_registered",
            "test_twins_registered_in_the_same_second_have_different_heads",
        ),
    },
    "a book closed by one cent": {
        "attacks/test_money": (
            "test_one_cent_closes_no_book",
            "test_single_cents_take_less_than_a_cent_each_from_the_others",
        ),
        "test_payments": (
            "test_before_the_due_date_only_the_whole_is_paid",
            "test_another_than_the_debtor_pays_only_the_whole_remainder",
        ),
        "test_redemptions": (
            "test_in_any_order_of_payments_and_redemptions_nobody_gets_more_than_its_share",
            "test_a_closed_book_is_divided_to_the_last_cent",
            "test_a_book_is_closed_by_the_settlement_bank_once_the_grace_is_over",
            "test_no_rounding_pays_out_what_did_not_come_in",
        ),
    },
    "fingerprints squatted, and spam": {
        "attacks/test_squatting": (
            "test_a_squatter_takes_nobodys_place",
            "test_nobody_fills_up_another_pairs_claims",
            "test_an_ended_claim_is_free_and_its_answers_are_not_of_the_next",
            "test_a_squatter_in_the_predecessor_takes_nobodys_place_in_the_successor",
        ),
        "test_registration": (
            "test_a_fingerprint_is_of_one_pair_of_parties",
            "test_only_so_many_claims_of_a_pair_wait_for_an_answer",
            "test_refusing_one_claim_leaves_another_pairs_fingerprint",
        ),
        "test_answers": ("test_a_claim_takes_so_many_offers_and_no_more",),
    },
    "approvals and rights left over on an id": {
        "attacks/test_ids": (
            "test_an_id_that_comes_back_has_nothing_of_its_earlier_life",
            "test_an_id_that_was_paid_out_never_comes_back",
        ),
        "test_erc721": (
            "test_every_move_clears_the_approval",
            "test_an_approval_does_not_wake_up_when_the_certificate_comes_back",
        ),
        "test_orders": (
            "test_a_partition_ends_an_approval",
            "test_a_new_certificate_at_an_old_start_has_no_old_orders",
            "test_a_list_that_a_merge_left_behind_never_freezes_a_partition",
            "test_a_forced_transfer_ends_approvals",
        ),
        "test_credit_notes": (
            "test_the_rest_begins_without_what_lay_on_an_earlier_certificate_of_its_id",
            "test_nor_with_a_recourse_of_an_earlier_one",
        ),
        "test_disputes": ("test_orders_that_have_expired_do_not_go_with_the_parts",),
        "test_sales": ("test_what_is_sold_again_under_an_id_starts_without_a_demand",),
        "test_recourse": ("test_an_approval_ends_with_a_repurchase",),
        "test_signatures": ("test_an_approval_by_signature_ends_as_any_other",),
    },
    "a freeze by an expired order": {
        "attacks/test_outrunning": ("test_an_expired_order_freezes_and_takes_nothing",),
        "test_orders": (
            "test_an_order_ends_with_the_clock_and_without_a_transaction",
            "test_a_write_drops_the_orders_that_have_expired",
            "test_an_expired_order_can_be_lifted_once_more_or_come_again",
            "test_a_move_leaves_the_expired_orders_behind",
            "test_without_an_order_in_force_nothing_is_transferred",
        ),
        "test_officers": ("test_a_countersignature_ends_at_its_deadline",),
    },
    "a target that splits or moves before its forced transfer": {
        "attacks/test_outrunning": (
            "test_the_ways_to_outrun_are_all_the_moves_there_are",
            "test_who_outruns_the_freeze_of_a_certificate_does_not_outrun_that_of_its_receivable",
            "test_a_target_under_an_order_on_itself_shakes_nothing_off",
        ),
        "test_officers": ("test_nobody_outruns_an_order_by_what_they_do_elsewhere",),
        "test_orders": (
            "test_what_is_frozen_does_not_move_until_the_order_is_lifted",
            "test_who_acts_for_a_frozen_holder_moves_no_more_than_it",
            "test_the_delay_counts_from_the_freeze_to_the_second",
            "test_exactly_the_cents_of_an_order_change_hands",
        ),
        "test_recourse": ("test_a_forced_transfer_ends_recourse",),
    },
    "an administrator who makes itself the regulator": {
        "attacks/test_power": (
            "test_no_role_of_the_operators_manager_makes_an_officer",
            "test_an_authority_that_says_yes_to_all_makes_no_officer_and_moves_nothing",
            "test_the_operator_touches_nothing_in_the_regulators_manager",
        ),
        "test_officers": (
            "test_the_operator_and_its_administrator_cannot_make_an_officer",
            "test_an_officer_cannot_be_two_through_its_manager",
            "test_one_officer_is_not_two",
            "test_the_second_signature_is_an_officers",
            "test_the_regulator_cannot_do_what_the_operator_does",
        ),
        "test_members": ("test_the_operators_role_stops_at_members",),
    },
    "exits locked by a pause": {
        "attacks/test_money": (
            "test_an_operator_locks_no_money_in",
            "test_an_operator_puts_no_other_token_in_the_place_of_the_money",
        ),
        "test_payments": ("test_a_deposit_token_is_named_once_for_good",),
        "test_redemptions": ("test_nothing_else_keeps_money_from_its_holder",),
        "test_pledges": ("test_nothing_keeps_a_financier_from_releasing",),
        "test_recourse": ("test_a_pause_keeps_nobody_from_a_demand",),
        "test_deposit_token": (
            "test_deposits_move_in_a_pause_of_the_registry",
            "test_the_registry_s_operator_cannot_take_the_token_over",
            "test_nothing_is_taken_from_the_registry_or_the_desk",
        ),
        "test_succession": ("test_after_it_claims_end_and_certificates_run_off",),
    },
    "overflow near 2^64": {
        "attacks/test_ids": (
            "test_the_largest_face_is_cut_paid_in_parts_and_paid_out_to_the_cent",
            "test_several_of_the_largest_faces_are_kept_apart",
            "test_a_book_of_the_largest_face_is_closed_to_the_cent",
        ),
        "test_registration": (
            "test_a_due_date_fits_its_place_in_the_word",
            "test_the_largest_and_the_smallest_values_are_claims",
        ),
        "test_payments": ("test_any_face_is_paid_and_paid_out_to_the_cent",),
        "test_members": ("test_the_largest_terms_stay_in_their_places",),
        "test_sales": ("test_the_largest_face_is_sold_to_the_cent",),
        "test_desk": ("test_a_certificate_at_the_far_end_is_pledged_for_all_that_it_is",),
        "test_deposit_token": ("test_deposits_do_not_overflow",),
    },
    "a lapsed debtor who would not pay": {
        "attacks/test_money": (
            "test_a_lapsed_debtor_can_pay_by_every_door_in_parts_and_in_full",
            "test_a_lapsed_debtor_still_owes",
            "test_no_third_keeps_a_debtor_from_paying",
            "test_a_debtor_escapes_by_no_dispute_of_its_own",
        ),
        "test_payments": ("test_nothing_keeps_a_debtor_from_paying",),
        "test_dishonour": (
            "test_no_admission_suspension_or_order_touches_the_count",
            "test_neither_a_pause_nor_an_order_keeps_a_debt_from_being_reported",
        ),
    },
    "hostile desks and quotes to oneself": {
        "attacks/test_power": ("test_a_new_desk_inherits_no_approval",),
        "attacks/test_replay": ("test_a_self_dealt_quote_takes_nothing_of_a_third",),
        "test_sales": (
            "test_only_the_desk_asks",
            "test_the_desk_needs_the_holders_approval",
            "test_another_registrys_desk_is_nobody_here",
        ),
        "test_desk": ("test_another_desk_sells_nothing", "test_nobody_else_says_what_was_paid"),
    },
    "a permit or an approval used by somebody first": {
        "test_payments": (
            "test_a_permit_that_somebody_used_first_is_no_hindrance",
            "test_the_permit_of_one_pays_for_nobody_else",
        ),
        "test_desk": (
            "test_an_approval_that_somebody_submitted_before_is_no_hindrance",
            "test_a_financier_s_permit_that_somebody_submitted_before_is_no_hindrance",
            "test_an_approval_alone_sells_nothing",
        ),
        "test_deposit_token": ("test_a_permit_of_another_s_is_refused",),
    },
    "ids too wide, ranges of nothing, dirt in calldata": {
        "attacks/test_ids": (
            "test_no_id_has_a_second_spelling",
            "test_the_registrys_own_journal_is_no_receivable",
            "test_a_range_without_a_cent_is_none",
            "test_no_bit_beyond_a_type_is_taken_by_any_function_that_writes",
        ),
        "test_strangers": (
            "test_calldata_with_dirt_in_it_is_refused",
            "test_a_call_that_nothing_answers_is_refused",
        ),
        "test_desk": (
            "test_a_field_with_bits_that_it_has_not_is_refused",
            "test_a_receivable_s_number_has_no_second_spelling",
        ),
    },
    "extensions called by themselves, and selectors that clash": {
        "test_extensions": (
            "test_the_four_agree_on_every_slot",
            "test_no_selector_has_two_answers",
            "test_an_extension_alone_has_no_authority",
            "test_an_extension_alone_has_no_members_and_nothing_to_order",
            "test_what_is_signed_for_the_registry_is_nothing_to_an_extension",
            "test_what_members_do_with_extensions_alone_stays_there",
            "test_an_extension_cannot_be_told_to_run_other_code",
            "test_money_needs_a_registry",
            "test_the_operators_role_does_not_reach_into_an_extension",
        ),
    },
}
"""Attack -> the tests that perform it."""


def main() -> int:
    """Run all, print a table by attack, and fail unless each is repelled."""
    nodes = sorted({node for named in ATTACKS.values() for node in nodes_of(named)})
    if missing := [node for node in nodes if not is_written(node)]:
        fail(f"no such test: {', '.join(missing)}")
    REPORT.parent.mkdir(parents=True, exist_ok=True)
    REPORT.unlink(missing_ok=True)
    ape = Path(sys.executable).with_name("ape")
    if not ape.is_file():
        fail("ape is not installed")
    words = ["-q", "-n", "2", "--dist", "loadfile", "-o", "addopts=--import-mode=importlib", f"--junitxml={REPORT}"]
    status = subprocess.run([ape, "test", *nodes, *words], cwd=ROOT, env=os.environ, check=False).returncode
    if not REPORT.exists():
        fail(f"ape ran no tests (exit status {status})")
    results = outcomes(REPORT)
    if not results:
        fail(f"ape ran no tests (exit status {status})")
    lines = [(attack, *judged(named, results)) for attack, named in ATTACKS.items()]
    show(lines)
    if through := [attack for attack, _, verdict in lines if verdict]:
        fail(f"{len(through)} of {len(ATTACKS)} attacks are not repelled: {'; '.join(through)}")
    if status != 0:
        fail(f"ape ended with exit status {status}")
    held(f"{len(ATTACKS)} attacks, {sum(map(len, results.values()))} tests, all repelled")
    return 0


def nodes_of(named: Named) -> list[str]:
    """The tests as pytest names them, without parameters."""
    return [f"{FOLDER}/{file}.py::{test}" for file, tests in named.items() for test in tests]


def is_written(node: str) -> bool:
    """Whether the file has a test of this name."""
    file, _, test = node.partition("::")
    if not (ROOT / file).is_file():
        return False
    return any(
        isinstance(each, ast.FunctionDef) and each.name == test for each in ast.parse((ROOT / file).read_text()).body
    )


def outcomes(report: Path) -> dict[str, list[str]]:
    """How each test ended, once for each of its parameters: empty where it passed."""
    found: dict[str, list[str]] = {}
    for case in ElementTree.parse(report).getroot().iter("testcase"):  # noqa: S314 - pytest wrote it
        file, test = case.attrib["classname"].replace(".", "/"), case.attrib["name"].partition("[")[0]
        ends = {child.tag for child in case} & {"failure", "error", "skipped"}
        found.setdefault(f"{file}.py::{test}", []).append(", ".join(sorted(ends)))
    return found


def judged(named: Named, results: Mapping[str, list[str]]) -> tuple[int, str]:
    """How many tests performed an attack, and why it is not repelled; empty where it is."""
    nodes = nodes_of(named)
    ends = {node: results.get(node, []) for node in nodes}
    idle = [node for node, each in ends.items() if not each]
    bad = Counter(end for each in ends.values() for end in each if end)
    reasons = [f"{node.partition('::')[2]} did not run" for node in idle]
    reasons += [f"{count} tests ended with {end}" for end, count in bad.items()]
    if not nodes:
        reasons.append("no test performs it")
    return sum(map(len, ends.values())), "; ".join(reasons)


def show(lines: list[tuple[str, int, str]]) -> None:
    """One line for each attack."""
    table = Table("attack", "tests", "result")
    for attack, count, verdict in lines:
        table.add_row(attack, str(count), verdict or "repelled")
    Console(width=120).print(table)


if __name__ == "__main__":
    raise SystemExit(main())
