"""How long the machine of registry_money_moves runs, and whether it got everywhere.

`make test` runs EXAMPLES times STEPS moves in each of two files, which two processes share. For a longer run:

    COUNTERFOIL_TEST_EXAMPLES=2000 COUNTERFOIL_TEST_STEPS=90 make test ARGS=tests/properties
"""

from __future__ import annotations

import ast
import os
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

import pytest
from hypothesis import HealthCheck, Phase, seed, settings
from hypothesis.stateful import run_state_machine_as_test

from registry.chain import reverts
from registry.chain.contract import artifact
from registry.chain.deploy import CODE, MONEY_CODE, Charter
from registry.chain.devchain import DevChain
from registry.domain import rules
from registry.domain.journal import ENTRY_TYPES
from registry.store.database import Database
from registry.store.embedded import EmbeddedPostgres
from tests.properties.registry_mirrored import Mirror
from tests.properties.registry_money_moves import MoneyMachine
from tests.properties.registry_world import Ground, Tally

EXAMPLES = int(os.environ.get("COUNTERFOIL_TEST_EXAMPLES", "120"))
STEPS = int(os.environ.get("COUNTERFOIL_TEST_STEPS", "60"))
EXAMPLES_OF_A_SEED = 9
TIMES_MAX = 5
PHASES = (Phase.generate, Phase.shrink)
STEPS_MIN = 7_000
"""Of each of the two files; whoever scales the run down does without."""
SCALED_DOWN = EXAMPLES * STEPS < STEPS_MIN

NO_MOVES = {"setAuthority"}
"""Only the operator's AccessManager calls it, when it is replaced."""
NO_REFUSALS = {"UnnamedRevert", "AlreadyScheduled"}
"""What nobody is ever told, and what only who administers an AccessManager is."""
AT_CONSTRUCTION = {"PredecessorLives", "ExtensionMismatch"}
"""Refusals of a constructor."""


@dataclass(frozen=True)
class Stage:
    """Where a run takes place: a registry, and a mirror of it."""

    ground: Ground
    mirror: Mirror
    except_for: frozenset[str] = frozenset()
    """Refusals that cannot be met there."""

    @property
    def tally(self) -> Tally:
        return self.ground.tally

    def run(self, *, first_seed: int) -> None:
        """Drive contract, model and mirror with the same moves.

        The seeds are fixed, but dates depend on the day and the hour: where something rare was not come across, the run
        goes on until it was, or is so many times as long. From its eleventh example on Hypothesis mostly varies the
        ones before, so it is begun anew before that.
        """

        def machine() -> MoneyMachine:
            return MoneyMachine(self.ground, self.mirror)

        number = 0
        while number < EXAMPLES or (not SCALED_DOWN and number < TIMES_MAX * EXAMPLES and self.unreached()):
            left = EXAMPLES - number
            run_state_machine_as_test(
                seed(first_seed + number)(machine),
                settings=settings(
                    max_examples=min(EXAMPLES_OF_A_SEED, left) if left > 0 else EXAMPLES_OF_A_SEED,
                    stateful_step_count=STEPS,
                    deadline=None,
                    database=None,
                    print_blob=False,
                    phases=PHASES,
                    report_multiple_bugs=False,
                    suppress_health_check=list(HealthCheck),
                ),
            )
            number += EXAMPLES_OF_A_SEED

    def unreached(self) -> list[str]:
        """What the run has not come across: operations accepted and refused, entries, refusals."""
        tally = self.tally
        never = [f"{one} was never accepted" for one in sorted(_operations() - set(tally.accepted))]
        refused = {operation for operation, _ in tally.refused}
        never += [f"{one} was never refused" for one in sorted(_operations() - UNCONDITIONAL - refused)]
        never += [f"no {one}" for one in sorted({kind.__name__ for kind in ENTRY_TYPES} - set(tally.entries))]
        never += [f"nothing was refused as {one}" for one in sorted(_refusals() - self.except_for - tally.refusals)]
        return never

    def require_long_run(self) -> None:
        """Skips where there is nothing to judge; fails for a run that was too short without having been asked to be."""
        if SCALED_DOWN:
            pytest.skip(f"{EXAMPLES} times {STEPS} steps were asked for, which need not get everywhere")
        if not self.tally.steps:
            pytest.skip("the machine did not run")
        assert self.tally.steps >= STEPS_MIN
        assert self.tally.comparisons["rebuilt and reconciled"] > 0


@contextmanager
def stage(law: Charter, folder: Path, postgres: EmbeddedPostgres, *, with_predecessor: bool) -> Iterator[Stage]:
    """A registry on a chain of its own: what other tests do to theirs changes nothing here."""
    database_name = f"machine_{folder.name}"
    postgres.create_database(database_name, template="template_counterfoil")
    database = Database(postgres.url(database_name))
    with DevChain.start(folder / "chain", keeps=False) as running:
        ground = Ground.lay(running, law, work_folder=folder, with_predecessor=with_predecessor)
        # Without a registry before this one nothing is taken in it.
        except_for = frozenset[str]() if with_predecessor else frozenset({"TakenInPredecessor"})
        yield Stage(ground, Mirror(ground, database), except_for)
    database.dispose()
    postgres.drop_database(database_name)


UNCONDITIONAL = {"setApprovalForAll", "cancelNonces", "FinancingDesk.cancelNonces"}
"""Anybody may do this at any time."""


def _operations() -> set[str]:
    """What anybody can send to the registry, to its desk and to deposit tokens: functions that are no views; the
    registry's with their types where they share a name, the others' with their contract's name."""
    signatures = [
        (item["name"], f"{item['name']}({','.join(argument['type'] for argument in item['inputs'])})")
        for contract in CODE.values()
        for item in artifact(contract).abi
        if item["type"] == "function" and item["stateMutability"] == "nonpayable"
    ]
    names = [name for name, _ in dict.fromkeys(signatures)]
    money = {
        f"{contract}.{item['name']}"
        for contract in MONEY_CODE
        for item in artifact(contract).abi
        if item["type"] == "function" and item["stateMutability"] == "nonpayable" and item["name"] not in NO_MOVES
    }
    return money | {signature if names.count(name) > 1 else name for name, signature in signatures} - NO_MOVES


def _refusals() -> set[str]:
    """What the rules can raise: the classes named in their raise statements, and the contracts' custom errors."""
    folder = Path(rules.__file__).parent
    raised = {
        node.exc.func.id
        for module in folder.glob("*.py")
        for node in ast.walk(ast.parse(module.read_text(encoding="utf-8")))
        if isinstance(node, ast.Raise) and isinstance(node.exc, ast.Call) and isinstance(node.exc.func, ast.Name)
    }
    of_others = {kind.__name__ for kind in rules.ChainRefusal.__subclasses__() if kind.__module__ == reverts.__name__}
    return raised | set(rules.CHAIN_REFUSALS) - AT_CONSTRUCTION | of_others - NO_REFUSALS
