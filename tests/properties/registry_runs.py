"""How long the machine of registry_moves runs, and whether it got everywhere.

`make test` runs EXAMPLES times STEPS moves in each of two files, which two processes share. For a longer run:

    COUNTERFOIL_TEST_EXAMPLES=2000 COUNTERFOIL_TEST_STEPS=90 make test ARGS=tests/properties
"""

from __future__ import annotations

import ast
import os
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from registry.chain.contract import artifact
from registry.chain.deploy import CODE, Charter
from registry.chain.devchain import DevChain
from registry.domain import rules
from registry.domain.journal import ENTRY_TYPES
from tests.properties.registry_moves import RegistryMachine, drive
from tests.properties.registry_world import Ground, Tally

EXAMPLES = int(os.environ.get("COUNTERFOIL_TEST_EXAMPLES", "135"))
STEPS = int(os.environ.get("COUNTERFOIL_TEST_STEPS", "60"))
STEPS_MIN = 7_500
"""Of each of the two files; whoever scales the run down does without."""
SCALED_DOWN = EXAMPLES * STEPS < STEPS_MIN

NO_MOVES = {"setAuthority"}
"""Only the operator's AccessManager calls it, when it is replaced."""
AT_CONSTRUCTION = {"PredecessorLives", "ExtensionMismatch"}
"""Refusals of a constructor."""


@contextmanager
def ground(law: Charter, *, work_folder: Path, with_predecessor: bool) -> Iterator[Ground]:
    """The registry to act in, on a chain of its own: what other tests do to theirs changes nothing here."""
    with DevChain.start(work_folder / "machine") as running:
        yield Ground.lay(running, law, work_folder=work_folder, with_predecessor=with_predecessor)


def run(laid: Ground, *, first_seed: int) -> None:
    """Drive contract and model with the same moves."""
    drive(laid, examples=EXAMPLES, steps=STEPS, first_seed=first_seed)


def unreached(tally: Tally, *, except_for: set[str]) -> list[str]:
    """What a run has not come across: operations accepted and refused, entries, refusals."""
    never = [f"{one} was never accepted" for one in sorted(_operations() - set(tally.accepted))]
    refused = {operation for operation, _ in tally.refused}
    never += [f"{one} was never refused" for one in sorted(_operations() - UNCONDITIONAL - refused)]
    never += [f"no {one}" for one in sorted({kind.__name__ for kind in ENTRY_TYPES} - set(tally.entries))]
    never += [f"nothing was refused as {one}" for one in sorted(_refusals() - except_for - tally.refusals)]
    return never


UNCONDITIONAL = {"setApprovalForAll", "cancelNonces"}
"""Anybody may do this at any time."""


def _operations() -> set[str]:
    """What anybody can send to the registry: its functions that are no views; with types where they share a name."""
    signatures = [
        (item["name"], f"{item['name']}({','.join(argument['type'] for argument in item['inputs'])})")
        for contract in CODE.values()
        for item in artifact(contract).abi
        if item["type"] == "function" and item["stateMutability"] == "nonpayable"
    ]
    names = [name for name, _ in dict.fromkeys(signatures)]
    return {signature if names.count(name) > 1 else name for name, signature in signatures} - NO_MOVES


def _refusals() -> set[str]:
    """What the rules can raise: the classes named in their raise statements, and the contract's custom errors."""
    folder = Path(rules.__file__).parent
    raised = {
        node.exc.func.id
        for module in folder.glob("*.py")
        for node in ast.walk(ast.parse(module.read_text(encoding="utf-8")))
        if isinstance(node, ast.Raise) and isinstance(node.exc, ast.Call) and isinstance(node.exc.func, ast.Name)
    }
    return raised | set(rules.CHAIN_REFUSALS) - AT_CONSTRUCTION


__all__ = ["SCALED_DOWN", "STEPS_MIN", "RegistryMachine", "ground", "run", "unreached"]
