"""A second program, in another language, agrees with us on every bundle and on every forgery of one."""

from __future__ import annotations

import itertools
import json
import subprocess
from collections import Counter
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from tests.verification.judges import CHECK, Checker, NodeMissing, Verdict, independent, is_refused
from tests.verification.mutants import block_hash, canonical, mutants, sealed
from tests.verification.paper import Paper

ENTRIES = 1_200
SHARE = 12
"""One of so many forgeries is tried here, and all of them in `make assurance` (scripts/assurance/forgeries.py)."""


def bundles(folder: Path) -> list[Path]:
    """Honest bundles of many kinds."""
    return sorted(folder.glob("*.json"))


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Bundles of two chains on paper, in full and redacted, those with fields of the invoice."""
    found = tmp_path_factory.mktemp("bundles")
    for seed in (1, 2):
        paper = Paper.of_book(entries=ENTRIES, seed=seed)
        for certificate in list(paper.certificates())[: 60 // seed]:
            name = f"{seed}-{certificate}".replace("/", "_")
            (found / f"{name}.json").write_bytes(paper.bundle(certificate))
            (found / f"{name}-redacted.json").write_bytes(
                paper.bundle(certificate, redact=True, show=("number", "payable"))
            )
        for status, how in {"suspended": {"suspended": True}, "expired": {"kyc_seconds": 0}}.items():
            receivable_id, history = next(iter(paper.histories.items()))
            other = Paper.of({receivable_id: history}, contract=paper.contract, at=paper.at, **how)
            for certificate in other.certificates():
                name = f"{seed}-{status}-{certificate}".replace("/", "_")
                (found / f"{name}.json").write_bytes(other.bundle(certificate))
    return found


@pytest.fixture(scope="module")
def checker(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Checker]:
    try:
        with independent(tmp_path_factory.mktemp("checked")) as running:
            yield running
    except NodeMissing as missing:
        pytest.skip(str(missing))


def traits(bundle: Any) -> set[object]:
    """What a forger can find in a bundle: kinds of entries, open or sealed, and of what is stated."""
    stated = bundle["stated"]
    return {
        *(entry[0] if isinstance(entry, list) else f"sealed {entry['operation']}" for entry in bundle["entries"]),
        *(one["kind"] for one in stated["encumbrances"]),
        ("phase", stated["phase"]),
        ("standing", stated["debtor_standing"]["status"]),
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


def test_both_programs_refuse_every_forgery(folder: Path, checker: Checker) -> None:
    chosen = few_with_every_trait([json.loads(path.read_bytes()) for path in bundles(folder)])
    tried: Counter[str] = Counter()
    passed = []

    for position, bundle in enumerate(chosen):
        block = block_hash(bundle)
        forged = mutants(bundle, [chosen[position - 1], chosen[position - 2]])
        for mutant in itertools.islice(forged, position % SHARE, None, SHARE):
            tried[mutant.kind] += 1
            if checker.ask(mutant.data, block=block).ok:
                passed.append(("Node.js", bundle["certificate"], mutant.kind, mutant.place))
            if not is_refused(mutant.data, block=block):
                passed.append(("Python", bundle["certificate"], mutant.kind, mutant.place))

    assert passed == []
    assert sum(tried.values()) > 1000 * len(chosen) // SHARE


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
