"""Every package that a lock file pins is in the committed review list, and no advisory about it is unexplained.

The list (dependencies.json) says of each version where it is used and what was looked at, and why the advisories that
name it do not concern this project. Where the advisory databases can be reached they are asked as well; where not, the
last line says so, and the list is what counts. After a renewal of the locks `python -m scripts.assurance.dependencies
--add` takes the new versions in as unreviewed, which fail until somebody writes what was looked at.
"""

from __future__ import annotations

import json
import re
import subprocess
import sys
import tomllib
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any, Final

from scripts.assurance.parts import ROOT, fail, held, tool

LIST: Final = Path(__file__).with_suffix(".json")
PYTHON_LOCKS: Final = (
    "requirements.lock",
    "scripts/build.lock",
    "scripts/uv.lock",
    "scripts/assurance/tools.lock",
)
NPM_LOCK: Final = "package-lock.json"
DATABASE_SECONDS_MAX: Final = 90.0
_NAMES_MAX = 12
_REASON_WORDS_MIN = 5
_PIN = re.compile(r"(?P<name>[A-Za-z0-9._-]+)(?:\[[^]]*\])?==(?P<version>[^\s;\\]+)")
_VIA = re.compile(r" {4}#(?: via| {2}) (?P<name>[A-Za-z0-9._-]+)")


@dataclass(frozen=True, order=True, slots=True)
class Pin:
    """One version of one package; `registry` is pypi or npm."""

    registry: str
    name: str
    version: str

    def __str__(self) -> str:
        return f"{self.name} {self.version}"


@dataclass(frozen=True, slots=True)
class Reviewed:
    """A line of the list. `looked_at` is a key of its texts, empty while nobody has looked."""

    registry: str
    name: str
    version: str
    used: str
    reviewed: str
    looked_at: str

    @property
    def pin(self) -> Pin:
        """The version that was reviewed."""
        return Pin(self.registry, self.name, self.version)


@dataclass(frozen=True, slots=True)
class Advisory:
    """What was published about a version, by all its ids, and why it does not concern this project."""

    registry: str
    name: str
    version: str
    ids: tuple[str, ...]
    why: str

    @property
    def pin(self) -> Pin:
        """The version that it is about."""
        return Pin(self.registry, self.name, self.version)


@dataclass(frozen=True, slots=True)
class ReviewList:
    """The committed list: what "looked at" means, the packages, the advisories."""

    looked_at: Mapping[str, str]
    packages: tuple[Reviewed, ...]
    advisories: tuple[Advisory, ...]

    @classmethod
    def parse(cls, text: str) -> ReviewList:
        """Read the list's JSON."""
        read = json.loads(text)
        return cls(
            looked_at=read["looked_at"],
            packages=tuple(Reviewed(**package) for package in read["packages"]),
            advisories=tuple(Advisory(**{**each, "ids": tuple(each["ids"])}) for each in read["advisories"]),
        )

    def text(self) -> str:
        """The list as JSON, a package on each line, so that a change of versions is read as one."""

        def lines(items: Iterable[str]) -> str:
            return "\n" + ",\n".join(f"    {item}" for item in items) + "\n  "

        texts = lines(f"{json.dumps(key)}: {json.dumps(text)}" for key, text in self.looked_at.items())
        packages = lines(json.dumps(asdict(package)) for package in self.packages)
        advisories = lines(json.dumps(asdict(each)) for each in self.advisories)
        return f'{{\n  "looked_at": {{{texts}}},\n  "packages": [{packages}],\n  "advisories": [{advisories}]\n}}\n'


# ------------------------------------------------------------ what is locked


def locked(root: Path) -> dict[Pin, str]:
    """All pins of the lock files and where they are used. Ends the part when a lock file is missing or empty."""
    unknown = {str(path.relative_to(root)) for path in root.glob("scripts/**/*.lock")} - set(PYTHON_LOCKS)
    if unknown:
        fail(f"nobody has said what these lock files are for: {', '.join(sorted(unknown))}")
    uses: dict[Pin, list[str]] = {}
    for name in (*PYTHON_LOCKS, NPM_LOCK):
        path = root / name
        if not path.is_file():
            fail(f"{name} is missing")
        pins = npm_pins(path.read_text()) if name == NPM_LOCK else python_pins(path.read_text())
        if not pins:
            fail(f"{name} pins nothing")
        product = product_of(pins, root / "pyproject.toml") if name == PYTHON_LOCKS[0] else set()
        for pin in pins:
            if name == NPM_LOCK or pin in product:
                use = "product"
            else:
                use = "development" if name == PYTHON_LOCKS[0] else "tool"
            uses.setdefault(pin, []).append(use)
    return {pin: ", ".join(dict.fromkeys(uses[pin])) for pin in sorted(uses)}


def python_pins(text: str) -> dict[Pin, set[str]]:
    """The pins of a lock file of uv, each with the names of those that ask for it."""
    pins: dict[Pin, set[str]] = {}
    asking: set[str] = set()
    for line in text.splitlines():
        if found := _PIN.match(line):
            asking = pins.setdefault(Pin("pypi", canonical(found["name"]), found["version"]), set())
        elif found := _VIA.match(line):
            asking.add(canonical(found["name"]))
    return pins


def npm_pins(text: str) -> dict[Pin, set[str]]:
    """The pins of a package-lock.json."""
    packages = json.loads(text)["packages"]
    return {
        Pin("npm", place.rpartition("node_modules/")[2], package["version"]): set()
        for place, package in packages.items()
        if place
    }


def product_of(pins: Mapping[Pin, set[str]], project: Path) -> set[Pin]:
    """Those that the project needs without its development extra, and what they need in turn."""
    wanted = {canonical(_name(each)) for each in tomllib.loads(project.read_text())["project"]["dependencies"]}
    while more := {pin.name for pin, asking in pins.items() if asking & wanted} - wanted:
        wanted |= more
    return {pin for pin in pins if pin.name in wanted}


def canonical(name: str) -> str:
    """A Python package's name as the index knows it (PEP 503)."""
    return re.sub(r"[-_.]+", "-", name).lower()


def _name(requirement: str) -> str:
    found = re.match(r"[A-Za-z0-9._-]+", requirement)
    assert found, requirement
    return found[0]


# ------------------------------------------------------------ lock against list


def faults(pins: Mapping[Pin, str], reviews: ReviewList) -> Iterator[str]:
    """What of the list is not as it must be, each in a few words that begin with the package."""
    known = {package.pin: package for package in reviews.packages}
    if len(known) != len(reviews.packages):
        yield "a package stands in the list twice"
    for pin in pins.keys() - known.keys():
        yield f"{pin} is locked and not in the list"
    for pin, package in known.items():
        if pin not in pins:
            yield f"{pin} is in the list and no longer locked"
        elif package.used != pins[pin]:
            yield f"{pin} is used by {pins[pin]}, not by {package.used}"
        if not package.looked_at or not package.reviewed:
            yield f"{pin} is not reviewed"
        elif package.looked_at not in reviews.looked_at:
            yield f"{pin}: the list does not say what {package.looked_at!r} means"
    for advisory in reviews.advisories:
        if advisory.pin not in known:
            yield f"{advisory.pin} is not in the list, but an advisory about it is"
        if not advisory.ids or len(advisory.why.split()) < _REASON_WORDS_MIN:
            yield f"{advisory.pin}: an advisory without id or reason"


def renewed(pins: Mapping[Pin, str], reviews: ReviewList) -> ReviewList:
    """The list for these locks: what is gone is out, what is new is in and not reviewed."""
    known = {package.pin: package for package in reviews.packages}
    packages = []
    for pin, used in sorted(pins.items()):
        before = known.get(pin)
        reviewed, looked_at = (before.reviewed, before.looked_at) if before else ("", "")
        packages.append(Reviewed(pin.registry, pin.name, pin.version, used, reviewed, looked_at))
    return ReviewList(reviews.looked_at, tuple(packages), reviews.advisories)


# ------------------------------------------------------------ databases

Found = dict[Pin, list[frozenset[str]]]
"""The packages for which a database answered; for each the advisories, by all their ids."""


def ask_pypi(root: Path, lock: str) -> Found:
    """What pip-audit's database says of a lock file; nothing where it cannot be reached."""
    program = str(tool("pip-audit"))
    options = ["--disable-pip", "--require-hashes", "--progress-spinner", "off", "-r", lock]
    answer = _json_of([program, *options, "--format", "json", "--timeout", "10"], root)
    if answer is None:
        # Without an answer it must at least have understood the question.
        trial = subprocess.run([program, *options, "--dry-run"], cwd=root, capture_output=True, text=True, check=False)
        if trial.returncode:
            fail(f"pip-audit cannot read {lock}: {trial.stderr.strip()[-300:]}")
        return {}
    asked = answer["dependencies"]
    found = {
        Pin("pypi", canonical(each["name"]), each["version"]): [
            frozenset({vulnerability["id"], *vulnerability["aliases"]}) for vulnerability in each["vulns"]
        ]
        for each in asked
        # What the database does not know it skips, and it knows nothing where it cannot be reached.
        if "vulns" in each
    }
    print(f"{lock}: the database knows {len(found)} of {len(asked)} packages")
    return found


def ask_npm(root: Path, pins: Iterable[Pin]) -> Found:
    """What npm's database says; nothing where it cannot be reached."""
    answer = _json_of([str(tool("npm")), "audit", "--json", "--package-lock-only"], root)
    asked = {} if answer is None else answer.get("metadata", {}).get("dependencies", {})
    print(f"{NPM_LOCK}: the database was asked about {asked.get('total', 0)} packages")
    if answer is None or not asked.get("total"):
        return {}
    found: dict[str, list[frozenset[str]]] = {}
    for name, each in answer["vulnerabilities"].items():
        advisories = [via for via in each["via"] if isinstance(via, dict)]
        found[name] = [frozenset({via["url"].rpartition("/")[2]}) for via in advisories]
    return {pin: found.get(pin.name, []) for pin in pins if pin.registry == "npm"}


def unexplained(found: Found, advisories: Iterable[Advisory]) -> Iterator[str]:
    """The advisories of the databases that the list does not know."""
    explained: dict[Pin, set[str]] = {}
    for each in advisories:
        explained.setdefault(each.pin, set()).update(each.ids)
    for pin, published in found.items():
        for ids in published:
            if not ids & explained.get(pin, set()):
                yield f"{pin}: {', '.join(sorted(ids))} is not explained"


def _json_of(command: list[str], root: Path) -> dict[str, Any] | None:
    """What the command prints, read; None, and its complaint printed, where that is no answer."""
    try:
        done = subprocess.run(
            command, cwd=root, capture_output=True, text=True, check=False, timeout=DATABASE_SECONDS_MAX
        )
    except subprocess.TimeoutExpired:
        print(f"{Path(command[0]).name}: no answer in {DATABASE_SECONDS_MAX:.0f} s")
        return None
    try:
        answer = json.loads(done.stdout)
    except json.JSONDecodeError:
        print(f"{Path(command[0]).name}: {(done.stderr.strip().splitlines() or ['no answer'])[-1][:200]}")
        return None
    return answer if isinstance(answer, dict) else None


# ------------------------------------------------------------ the part


def _judged(words: list[str], what: str) -> None:
    """Ends the part when there are any: all are printed, and the last line names the first of them."""
    if not words:
        return
    print("\n".join(words))
    shown = "; ".join(words[:_NAMES_MAX]) + ("; ..." if len(words) > _NAMES_MAX else "")
    fail(f"{len(words)} {what}: {shown}")


def main(arguments: list[str]) -> None:
    """Hold the locks against the list, and the list against the databases that answer; --add renews the list."""
    pins = locked(ROOT)
    reviews = ReviewList.parse(LIST.read_text())
    if arguments not in ([], ["--add"]):
        fail("the only option is --add")
    if arguments:
        reviews = renewed(pins, reviews)
        LIST.write_text(reviews.text())
    _judged(sorted(faults(pins, reviews)), "faults of the review list")
    found = ask_npm(ROOT, pins)
    for lock in PYTHON_LOCKS:
        answers = ask_pypi(ROOT, lock)
        found |= answers
        if not answers:
            break  # Out of reach for one is out of reach for the others, and each would take its whole time.
    _judged(sorted(unexplained(found, reviews.advisories)), "advisories without an explanation")

    oldest = min(package.reviewed for package in reviews.packages)
    looked_up = sum(package.looked_at == "advisories" for package in reviews.packages)
    online = f"databases answered for {len(found)} of them" if found else "databases not reachable"
    held(
        f"{len(pins)} packages pinned and in the review list of {oldest}, advisories of {looked_up} looked up,"
        f" {len(reviews.advisories)} of them concern a pinned version and are explained; {online}"
    )


if __name__ == "__main__":
    main(sys.argv[1:])
