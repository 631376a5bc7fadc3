"""A second program, in another language, agrees with us on every bundle and on every forgery of one."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

from registry.settings import PROJECT_ROOT
from tests.verification.mutants import block_hash, canonical, mutants, sealed

CHECK = PROJECT_ROOT / "tests" / "verification" / "independent" / "check.mjs"


# ---- SEAM: where the bundles come from. To be connected to bundles that a test makes; a folder of them until then.


def bundles(folder: Path) -> list[Path]:
    """Honest bundles of many kinds."""
    return sorted(folder.glob("*.json"))


@pytest.fixture(scope="module")
def folder() -> Path:
    named = os.environ.get("COUNTERFOIL_TEST_BUNDLES")
    if named is None:
        pytest.skip("COUNTERFOIL_TEST_BUNDLES names no folder of bundles")
    return Path(named)


# ---- end of the seam


@dataclass(frozen=True, slots=True)
class Verdict:
    """What the other program says of one bundle."""

    ok: bool
    why: str


class Checker:
    """One process of the other program, which is asked about one file after the other."""

    def __init__(self, process: subprocess.Popen[str], folder: Path) -> None:
        self._process = process
        self._path = folder / "bundle.json"

    def ask(self, data: bytes, *, block: str | None) -> Verdict:
        """Its verdict on a file with these bytes; `block` is the hash that the header must have."""
        self._path.write_bytes(data)
        question = {"path": str(self._path), **({"blockHash": block} if block else {})}
        assert self._process.stdin is not None
        assert self._process.stdout is not None
        self._process.stdin.write(json.dumps(question) + "\n")
        self._process.stdin.flush()
        answer = self._process.stdout.readline()
        assert answer, f"the checker ended with {self._process.wait()}"
        return Verdict(**json.loads(answer))


@pytest.fixture(scope="module")
def checker(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Checker]:
    node = shutil.which("node")
    if node is None:
        pytest.skip("node is not on the PATH: the independent checker runs on Node.js 20 or later")
    with subprocess.Popen([node, str(CHECK)], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True) as process:
        yield Checker(process, tmp_path_factory.mktemp("checked"))
        assert process.stdin is not None
        process.stdin.close()
        assert process.wait() == 0


def traits(bundle: Any) -> set[object]:
    """What a forger can find in a bundle: kinds of entries, open or sealed, and of what is stated."""
    stated = bundle["stated"]
    return {
        *(entry[0] if isinstance(entry, list) else f"sealed {entry['operation']}" for entry in bundle["entries"]),
        *(one["kind"] for one in stated["encumbrances"]),
        ("phase", stated["phase"]),
        ("held", stated["holder"] is not None),
        ("shown", bool(bundle["opened"])),
    }


def few_with_every_trait(found: list[Any]) -> list[Any]:
    """Bundles that have, between them, every trait of all."""
    chosen: list[Any] = []
    missing = set().union(*map(traits, found))
    while missing:
        best = max(found, key=lambda bundle: len(traits(bundle) & missing))
        chosen.append(best)
        missing -= traits(best)
    return chosen


def test_the_other_program_passes_every_honest_bundle(folder: Path, checker: Checker) -> None:
    paths = bundles(folder)
    assert paths

    for path in paths:
        data = path.read_bytes()
        for block in (None, block_hash(json.loads(data))):
            assert checker.ask(data, block=block) == Verdict(ok=True, why=""), path.name


def test_the_other_program_refuses_every_forgery(folder: Path, checker: Checker) -> None:
    chosen = few_with_every_trait([json.loads(path.read_bytes()) for path in bundles(folder)])
    tried: Counter[str] = Counter()
    passed = []

    for position, bundle in enumerate(chosen):
        block = block_hash(bundle)
        for mutant in mutants(bundle, [chosen[position - 1], chosen[position - 2]]):
            tried[mutant.kind] += 1
            if checker.ask(mutant.data, block=block).ok:
                passed.append((bundle["certificate"], mutant.kind, mutant.place))

    assert passed == []
    assert sum(tried.values()) > 1000 * len(chosen)


def test_who_shows_or_seals_less_is_still_believed(folder: Path, checker: Checker) -> None:
    found = [json.loads(path.read_bytes()) for path in bundles(folder)]
    in_full = {bundle["certificate"]: bundle for bundle in found if not bundle["opened"]}
    tried = 0

    for bundle in found:
        fewer = [bundle["opened"][:count] for count in range(len(bundle["opened"]))]
        less = []
        for index, entry in enumerate(bundle["entries"]):
            if isinstance(entry, dict) and bundle["certificate"] in in_full:
                whole = in_full[bundle["certificate"]]["entries"][index]
                assert sealed(whole) == entry
                less.append([*bundle["entries"][:index], whole, *bundle["entries"][index + 1 :]])
        for changed in (*({"opened": fields} for fields in fewer), *({"entries": entries} for entries in less)):
            tried += 1
            assert checker.ask(canonical({**bundle, **changed}), block=block_hash(bundle)).ok
    assert tried


def test_the_other_program_refuses_the_header_of_another_block(folder: Path, checker: Checker) -> None:
    for path in bundles(folder):
        data = path.read_bytes()

        verdict = checker.ask(data, block="0x" + "11" * 32)

        assert verdict == Verdict(ok=False, why="the header is of another block")


def test_the_command_for_one_file_says_it_with_its_exit_code(folder: Path, checker: Checker, tmp_path: Path) -> None:
    honest = bundles(folder)[0]
    forged = tmp_path / "forged.json"
    forged.write_bytes(honest.read_bytes().replace(b'"chain_id":', b'"chain_id":1', 1))

    codes = [subprocess.run(["node", CHECK, path], check=False).returncode for path in (honest, forged)]

    assert codes == [0, 1]
