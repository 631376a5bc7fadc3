"""What bundle_fuzz fuzzes, run by the tools' Python: the verifier, whatever the bytes.

`python bundle_target.py CHECKOUT PACKAGES [option of libFuzzer ...]`. Half of the changes are libFuzzer's own.
The others change a value within the JSON and write it canonically, so that they get past the reading of the file.
"""

from __future__ import annotations

import json
import random
import sys
from typing import Any

import atheris

# The checkout comes first; of the project's packages only Keccak is needed, of the tools' own none.
sys.path.insert(0, sys.argv[1])
sys.path.append(sys.argv[2])

with atheris.instrument_imports(include=["registry"]):
    from registry.verification.bundle import BundleMalformed, canonical
    from registry.verification.report import lines
    from registry.verification.verify import verify


def judge(data: bytes) -> None:
    """A verdict that can be told, or the named refusal: anything else is a crash."""
    try:
        list(lines(verify(data)))
    except BundleMalformed:
        return


def mutate(data: bytes, size_max: int, seed: int) -> bytes:
    """Another input like this one."""
    rng = random.Random(seed)  # noqa: S311  (the same input for the same seed, not a secret)
    try:
        value = json.loads(data)
        if rng.random() < 0.5 or not isinstance(value, dict):
            raise ValueError
        changed = canonical(_changed(value, rng))
    except (ValueError, RecursionError, BundleMalformed):
        return bytes(atheris.Mutate(data, size_max))
    return changed[:size_max]


def _changed(value: Any, rng: random.Random) -> Any:
    """The value with something changed at one place in it."""
    if isinstance(value, dict) and value:
        name = rng.choice(sorted(value))
        return value | {name: _changed(value[name], rng)}
    if isinstance(value, list) and value:
        at = rng.randrange(len(value))
        ways: tuple[list[Any], ...] = (
            [],
            [value[at], value[at]],
            [_changed(value[at], rng)],
            [_changed(value[at], rng)],
            [rng.choice(value)],
        )
        return [*value[:at], *rng.choice(ways), *value[at + 1 :]]
    if isinstance(value, int):
        return rng.choice([0, 1, -1, value + 1, value ^ 1 << rng.randrange(64), True, str(value)])
    if isinstance(value, str) and len(value) > 2 and rng.random() < 0.8:
        at = rng.randrange(2, len(value))
        return value[:at] + rng.choice("0123456789abcdef") + value[at + rng.choice([0, 1, 1, 1, 2]) :]
    return rng.choice([None, "", "0x", "0", str(2**64 - 1), 0, [], {}, [[]], "0x" + "ff" * 32, "0x" + "00" * 20])


if __name__ == "__main__":
    atheris.Setup([sys.argv[0], *sys.argv[3:]], judge, custom_mutator=mutate)
    atheris.Fuzz()
