"""The refusals of the contract have classes of their own, and words."""

from __future__ import annotations

from registry.chain.compile import compile_contracts
from registry.domain import rules
from registry.domain.rules import CHAIN_REFUSALS


def test_every_custom_error_of_the_contract_has_a_refusal_and_every_refusal_an_error() -> None:
    errors = {item["name"] for item in compile_contracts()["IReceivables"].abi if item["type"] == "error"}
    assert errors == CHAIN_REFUSALS.keys()


def test_refusals_have_codes_of_their_own_and_words() -> None:
    kinds = [*CHAIN_REFUSALS.values(), rules.NotAuthorised]
    assert len({kind.code for kind in kinds}) == len(kinds)
    for kind in kinds:
        assert kind.title
        assert not kind.title.endswith(".")
        assert str(kind()) == kind.title
        assert 400 <= kind.status < 500
        assert kind.code == kind.code.lower().replace(" ", "_")


def test_everything_of_the_rules_is_named_at_the_top() -> None:
    assert sorted(rules.__all__) == sorted(set(rules.__all__))
    assert all(hasattr(rules, name) for name in rules.__all__)
