"""What the contract tests reach of the contracts, and which planted faults they find: the parts' common ground.

The instrumented copy (instrument.py) is compiled once and all contract tests run on it twice over: to record which
points each of them passes, and to hunt each mutant with the tests that pass it, the likeliest first. Both are kept
under build/assurance by the content of contracts and tests, so that one part's work serves the other.
"""

from __future__ import annotations

import hashlib
import itertools
import json
import os
import shutil
import subprocess
import sys
from collections import Counter
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

import solcx

from registry.chain import compile as compiling
from scripts.assurance.explained import Key
from scripts.assurance.instrument import Instrumented, Point, instrument
from scripts.assurance.mutant_plugin import SET_UP
from scripts.assurance.parts import ROOT, WORKPLACE, fail

TESTS: Final = "tests/contracts"
PROCESSES: Final = 2
OF_BYTES: Final = ("test_gas.py", "test_deploy_script.py", "test_griefing.py")
"""Their tests are about the bytes and the gas of the product, which the copy's are not."""
PICTURES: Final = (
    "contracts/CertificateDescriptor.sol",
    "contracts/libraries/CertificateImage.sol",
    "contracts/libraries/Text.sol",
    "contracts/libraries/Currencies.sol",
)
"""Draw certificates and decide nothing: covered, not mutated."""

OF_GAS: Final = (
    "test_a_batch_may_be_as_long_as_gas_allows",
    "test_a_batch_pays_whom_it_can_and_says_why_not_the_others",
    "test_a_sale_stays_within_its_gas",
    "test_each_fits_on_a_chain",
    "test_what_a_wallet_could_not_do_when_asked_it_could_of_its_own_accord",
)
"""The copy's code is larger and dearer than the product's: these fail on it, hunt nothing and reach nothing."""

HUNTERS: Final = Path(__file__).with_name("hunters.json")
"""Which test found a mutant that the likeliest one did not: hints that save time, and nothing else."""

ROUNDS: Final = (1, 1, 2, 4, 8, 16, 32, 64)
"""How many further tests hunt what the rounds before have left; then all."""


@dataclass(frozen=True)
class Recorded:
    """One run of all contract tests: `points` in the contracts, `reached` by test, `seconds` that each took.

    `set_up` are the points that the fixtures of files and of the session pass, the first deployment's among them.
    """

    points: Mapping[int, Point]
    reached: Mapping[str, frozenset[int]]
    seconds: Mapping[str, float]
    set_up: frozenset[int]

    def everything(self) -> frozenset[int]:
        """All points that any test, or what it stands on, reached."""
        return self.set_up.union(*self.reached.values())


def record() -> Recorded:
    """Compile the copy and run all contract tests on it, unless that was done for the same contracts and tests."""
    folder = _folder()
    instrumented = _instrumented(folder)
    if not (folder / "recorded.json").exists():
        found = _run(folder, {}, plan=None)
        (folder / "recorded.json").write_text(json.dumps(found))
    found = json.loads((folder / "recorded.json").read_text())
    set_up = found.pop(SET_UP, {"points": []})
    if not found:
        fail("no contract test ran")
    of_contracts = {test: each for test, each in found.items() if _function(test).rpartition("::")[2] not in OF_GAS}
    if red := [test for test, each in of_contracts.items() if not each["passed"]]:
        fail(f"{len(red)} of {len(of_contracts)} contract tests fail on the copy as such: {', '.join(red[:5])}")
    points = instrumented.points
    return Recorded(
        points=points,
        reached={test: frozenset(each["points"]) & points.keys() for test, each in of_contracts.items()},
        seconds={test: each["seconds"] for test, each in of_contracts.items()},
        set_up=frozenset(set_up["points"]) & points.keys(),
    )


def _function(test: str) -> str:
    return test.partition("[")[0]


def hunt(recorded: Recorded, mutants: Iterable[int]) -> dict[int, str]:
    """Which test found each mutant; those that none did are missing.

    What a round has found is kept: a hunt that was broken off goes on with the next one.
    """
    folder = _folder()
    kept = folder / "hunted.json"
    hunters = _Hunters(recorded, _known_hunters())
    if kept.exists():
        before = json.loads(kept.read_text())
        for mutant, test in before["found"].items():
            hunters.tell(int(mutant), test)
        hunters.tried = {int(mutant): set(tests) for mutant, tests in before["tried"].items()}
    wanted = set(mutants)
    for count in itertools.chain(ROUNDS, itertools.repeat(len(recorded.reached))):
        plan: dict[str, list[int]] = {}
        for mutant in sorted(wanted - hunters.found.keys()):
            for test in hunters.next(mutant, count):
                plan.setdefault(test, []).append(mutant)
        if not plan:
            break
        answer = _run(folder, recorded.seconds, plan=plan)
        for mutant, test in answer.items():
            hunters.tell(int(mutant), test)
        tried = {mutant: sorted(tests) for mutant, tests in hunters.tried.items() if mutant not in hunters.found}
        kept.write_text(json.dumps({"found": hunters.found, "tried": tried}))
        runs = sum(len(each) for each in plan.values())
        left = len(wanted - hunters.found.keys())
        sys.stdout.write(f"{len(plan):,} tests, {runs:,} runs: {len(answer):,} mutants found, {left:,} left\n")
        sys.stdout.flush()
    return {mutant: test for mutant, test in hunters.found.items() if mutant in wanted}


class _Hunters:
    """Which tests hunt a mutant next, from what was found before.

    Of the tests that pass its place: first what found it before (HUNTERS), then those named like the function that it
    is in, then functions that have not hunted it yet, of these the ones that found most faults in the same function of
    the contracts, then those that pass little else, then the quick ones.
    """

    def __init__(self, recorded: Recorded, hints: Mapping[Key, set[str]]) -> None:
        self._recorded = recorded
        self.found: dict[int, str] = {}
        self.tried: dict[int, set[str]] = {}
        self._finds: Counter[tuple[str, str, str]] = Counter()
        self._hints = hints
        reach = recorded.reached
        self._passing: dict[int, list[str]] = {}
        for test in sorted(reach, key=lambda test: (len(reach[test]), recorded.seconds[test])):
            for point in reach[test]:
                self._passing.setdefault(point, []).append(test)

    def tell(self, mutant: int, test: str) -> None:
        """The test found the mutant."""
        self.found[mutant] = test
        if (point := self._recorded.points.get(mutant)) is not None:
            self._finds[point.file, point.function, _function(test)] += 1

    def next(self, mutant: int, count: int) -> list[str]:
        """The tests of the mutant's next round, at most `count`; they are noted as tried."""
        point = self._recorded.points[mutant]
        tried = self.tried.setdefault(mutant, set())
        hunted = Counter(_function(test) for test in tried)
        hints = self._hints.get(point.key(), ())
        name = point.function.strip("_").lower()
        ranked: list[tuple[bool, bool, int, int, int, str]] = []
        for i, test in enumerate(self._passing.get(point.place, ())):
            if test not in tried:
                function = _function(test)
                finds = self._finds[point.file, point.function, function]
                named = bool(name) and name in test.lower()
                ranked.append((test not in hints, not named, hunted[function], -finds, i, test))
                hunted[function] += 1
        chosen = [test for *_, test in sorted(ranked)[:count]]
        tried.update(chosen)
        return chosen


def remember(recorded: Recorded, found: Mapping[int, str]) -> None:
    """Write HUNTERS: the finders of those mutants that the first test of the first round did not find."""
    likeliest = _Hunters(recorded, {})
    faults: dict[str, set[str]] = {}
    for mutant, test in found.items():
        if test not in likeliest.next(mutant, 1):
            faults.setdefault(test, set()).add("\t".join(recorded.points[mutant].key()))
    by_test = {test: sorted(faults[test]) for test in sorted(faults)}
    HUNTERS.write_text(json.dumps(by_test, indent=0, ensure_ascii=False) + "\n")


def _known_hunters() -> dict[Key, set[str]]:
    hints: dict[Key, set[str]] = {}
    for test, faults in json.loads(HUNTERS.read_text()).items():
        for fault in faults:
            file, function, kind, text = fault.split("\t")
            hints.setdefault((file, function, kind, text), set()).add(test)
    return hints


def _folder() -> Path:
    digest = hashlib.sha256()
    own = (Path(__file__).with_name(name) for name in ("mutant_plugin.py", "instrument.py"))
    for file in (*_tree("contracts"), *_tree(TESTS), *own):
        digest.update(str(file.relative_to(ROOT)).encode() + b"\0" + file.read_bytes() + b"\0")
    folder = WORKPLACE / "mutants" / digest.hexdigest()[:16]
    if not folder.exists():
        shutil.rmtree(WORKPLACE / "mutants", ignore_errors=True)
        folder.mkdir(parents=True)
    return folder


def _tree(top: str) -> list[Path]:
    files = sorted((ROOT / top).rglob("*"))
    return [file for file in files if file.suffix in (".sol", ".py") and ".cache" not in file.parts]


def _instrumented(folder: Path) -> Instrumented:
    sources = compiling._read_sources(ROOT)
    output = solcx.compile_standard(
        {
            "language": "Solidity",
            "sources": {name: {"content": content} for name, content in sources.items()},
            "settings": {
                "remappings": compiling.SETTINGS["remappings"],
                "outputSelection": {"*": {"": ["ast"]}},
            },
        },
        solc_binary=compiling.SOLC_FOLDER / f"solc-v{compiling.SOLC_VERSION}",
        base_path=ROOT,
    )
    trees = {name: output["sources"][name]["ast"] for name in sources}
    mutated = [name for name in sources if name not in PICTURES and "/interfaces/" not in name]
    instrumented = instrument(sources, trees, mutated=mutated)
    for name, text in instrumented.sources.items():
        (folder / name).parent.mkdir(parents=True, exist_ok=True)
        (folder / name).write_text(text)
    if not (folder / "node_modules").exists():
        (folder / "node_modules").symlink_to(ROOT / "node_modules")
    compiling.compile_contracts(folder)
    return instrumented


def _run(folder: Path, seconds: Mapping[str, float], *, plan: dict[str, list[int]] | None) -> dict[str, Any]:
    """One round, its test files shared out to the processes by the time that they will take."""
    weights: dict[str, float] = {}
    if plan is None:
        files = [file for file in (ROOT / TESTS).rglob("test_*.py") if file.name not in OF_BYTES]
        weights = {file.relative_to(ROOT).as_posix(): file.stat().st_size for file in files}
    else:
        for test, mutants in plan.items():
            file = test.split("::")[0]
            weights[file] = weights.get(file, 0) + seconds[test] * (len(mutants) + 2)
    shares: list[list[str]] = [[] for _ in range(PROCESSES)]
    loads = [0.0] * PROCESSES
    for file in sorted(weights, key=lambda each: -weights[each]):
        lightest = loads.index(min(loads))
        shares[lightest].append(file)
        loads[lightest] += weights[file]
    started = [_start(folder, i, share, plan=plan) for i, share in enumerate(shares) if share]
    answers: dict[str, Any] = {}
    for process, answer, log in started:
        process.wait()
        if not answer.exists():
            fail(f"the tests did not end: {log.relative_to(ROOT)}")
        told = json.loads(answer.read_text())
        if SET_UP in told:
            told[SET_UP]["points"] += answers.get(SET_UP, {"points": []})["points"]
        answers |= told
    return answers


def _start(
    folder: Path, number: int, files: list[str], *, plan: dict[str, list[int]] | None
) -> tuple[subprocess.Popen[bytes], Path, Path]:
    answer, told, log = (folder / f"{name}-{number}" for name in ("answer", "told", "log"))
    answer.unlink(missing_ok=True)
    own = None if plan is None else {test: each for test, each in plan.items() if test.split("::")[0] in files}
    told.write_text(json.dumps({"contracts": str(folder), "answer": str(answer), "plan": own}))
    words = [
        str(Path(sys.executable).with_name("ape")),
        "test",
        *sorted(files),
        "-q",
        "-p",
        "scripts.assurance.mutant_plugin",
    ]
    words += ["--tb=line", "--timeout=0", "-o", "addopts=--import-mode=importlib"]
    with log.open("wb") as stream:
        environment = os.environ | {"COUNTERFOIL_MUTANTS": str(told)}
        process = subprocess.Popen(words, cwd=ROOT, env=environment, stdout=stream, stderr=subprocess.STDOUT)
    return process, answer, log
