"""Compile the contracts: Solidity in contracts/ -> artifacts, once per content.

The compiler is the npm package `solc` behind scripts/solc, so nothing is downloaded and every tool (this module, ape,
forge) compiles with the same version, the same settings and to the same bytecode.
"""

from __future__ import annotations

import hashlib
import json
import shutil
import sys
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

from filelock import FileLock

from registry.errors import ServiceError
from registry.settings import PROJECT_ROOT

SOLC_VERSION: Final = "0.8.30"
SOLC_FOLDER: Final = PROJECT_ROOT / "scripts" / "solc"
"""What SOLCX_BINARY_PATH must name for py-solc-x and ape."""

RUNTIME_BYTES_MAX: Final = 24_576
"""Largest contract that a chain accepts (EIP-170)."""

OPENZEPPELIN: Final = "@openzeppelin/contracts"

SETTINGS: Final[dict[str, Any]] = {
    "remappings": [f"{OPENZEPPELIN}=node_modules/{OPENZEPPELIN}"],
    "optimizer": {"enabled": True, "runs": 200},
    "viaIR": False,
    "evmVersion": "cancun",
    # No hash of comments and paths in the bytecode: the same contract is the same bytes for every tool.
    "metadata": {"bytecodeHash": "none", "appendCBOR": False},
    "outputSelection": {
        "*": {
            "*": [
                "abi",
                "evm.bytecode.object",
                "evm.deployedBytecode.object",
                "evm.deployedBytecode.immutableReferences",
                "evm.methodIdentifiers",
            ]
        }
    },
}


class CompileFailed(ServiceError):
    """The compiler rejected the contracts; the detail is its own message."""

    code = "compile_failed"
    status = 500
    title = "The contracts do not compile"


class CompilerMissing(ServiceError):
    """Node, the compiler or the contract library is not installed (or not in the version that is locked)."""

    code = "compiler_missing"
    title = "The Solidity compiler is not installed"
    default_hint = "Run `make setup` (or `npm ci`)."


@dataclass(frozen=True, slots=True)
class Artifact:
    """One compiled contract, library or interface (an interface has no bytes).

    `bytecode` creates the contract, `runtime` is what it leaves on chain (immutables still zero), `immutables` are
    their places in it as (offset, length) in bytes, `selectors` maps a signature such as "pay(uint256,uint256)" to its
    4 bytes, `digest` is the SHA-256 of everything else in here.
    """

    name: str
    source: str
    abi: list[dict[str, Any]]
    bytecode: bytes
    runtime: bytes
    immutables: tuple[tuple[int, int], ...]
    selectors: Mapping[str, bytes]
    digest: str

    def is_runtime(self, code: bytes) -> bool:
        """Whether that is the code of this contract on a chain, whatever its immutables are there."""
        blank = bytearray(code)
        for offset, length in self.immutables:
            blank[offset : offset + length] = bytes(length)
        return blank == self.runtime


@dataclass(frozen=True, slots=True)
class _Compiled:
    artifacts: dict[str, Artifact]
    warnings: list[str]


def compile_contracts(root: Path = PROJECT_ROOT, *, strict: bool = False) -> dict[str, Artifact]:
    """Artifacts by contract name of everything in `root`/contracts, from the cache if nothing changed.

    With `strict` a compiler warning about one of our own files is as bad as an error.
    Raises CompileFailed, CompilerMissing.
    """
    compiled = _compile_cached(root)
    if strict and compiled.warnings:
        raise CompileFailed("\n".join(compiled.warnings), hint="Warnings count as errors here.")
    return compiled.artifacts


def _compile_cached(root: Path) -> _Compiled:
    sources = _read_sources(root)
    key = _cache_key(root, sources)
    folder = root / "build" / "artifacts"
    cached = folder / f"{key}.json"
    if (found := _load(cached)) is not None:
        return found
    folder.mkdir(parents=True, exist_ok=True)
    with FileLock(folder / "compile.lock"):  # of several processes one compiles and the others read its answer
        if (found := _load(cached)) is not None:
            return found
        output = _run_solc(root, sources)
        content = {"contracts": _select(output, sources), "warnings": _own_warnings(output, sources)}
        _write_atomically(cached, json.dumps(content, sort_keys=True))
    return _parse(content)


def _read_sources(root: Path) -> dict[str, str]:
    contracts = root / "contracts"
    files = sorted(
        file
        for file in contracts.rglob("*.sol")
        # ape keeps its own copies of libraries in contracts/.cache
        if not any(part.startswith(".") for part in file.relative_to(contracts).parts)
    )
    if not files:
        raise CompileFailed(f"There is no contract in {contracts}.")
    return {file.relative_to(root).as_posix(): file.read_text(encoding="utf-8") for file in files}


def _cache_key(root: Path, sources: Mapping[str, str]) -> str:
    solc_version = _package_version(root, "solc")
    if solc_version != SOLC_VERSION:
        raise CompilerMissing(f"solc {SOLC_VERSION} is needed, {solc_version} is installed.")
    everything = {
        "sources": dict(sources),
        "settings": SETTINGS,
        "solc": solc_version,
        "openzeppelin": _package_version(root, OPENZEPPELIN),
    }
    return hashlib.sha256(json.dumps(everything, sort_keys=True).encode()).hexdigest()


def _package_version(root: Path, package: str) -> str:
    manifest = root / "node_modules" / package / "package.json"
    try:
        return str(json.loads(manifest.read_text(encoding="utf-8"))["version"])
    except FileNotFoundError:
        raise CompilerMissing(f"The npm package {package} is not installed.") from None


def _run_solc(root: Path, sources: Mapping[str, str]) -> dict[str, Any]:
    if shutil.which("node") is None:
        raise CompilerMissing("Node.js is not on the PATH.", hint="Install Node.js 20 or later.")
    import solcx  # noqa: PLC0415 - pulls in an HTTP client; only a compilation pays for it
    from solcx.exceptions import SolcError  # noqa: PLC0415

    try:
        output: dict[str, Any] = solcx.compile_standard(
            {
                "language": "Solidity",
                "sources": {name: {"content": content} for name, content in sources.items()},
                "settings": SETTINGS,
            },
            solc_binary=SOLC_FOLDER / f"solc-v{SOLC_VERSION}",
            base_path=root,
        )
    except SolcError as error:
        words = error.message if error.error_dict else error.stderr_data
        raise CompileFailed((words or "").strip()) from error
    return output


def _select(output: Mapping[str, Any], sources: Mapping[str, str]) -> list[dict[str, Any]]:
    """The contracts of our own files, in the shape that the cache keeps; names must be unique."""
    selected: dict[str, dict[str, Any]] = {}
    for source in sources:
        for name, contract in output["contracts"].get(source, {}).items():
            if name in selected:
                raise CompileFailed(f"Both {selected[name]['source']} and {source} define {name}.")
            bytecode, deployed = contract["evm"]["bytecode"]["object"], contract["evm"]["deployedBytecode"]
            places = deployed.get("immutableReferences", {}).values()
            if "__$" in bytecode:
                raise CompileFailed(f"{name} calls a library with public functions, which would have to be linked.")
            selected[name] = {
                "name": name,
                "source": source,
                "abi": contract["abi"],
                "bytecode": bytecode,
                "runtime": deployed["object"],
                "immutables": sorted([place["start"], place["length"]] for same in places for place in same),
                "selectors": contract["evm"]["methodIdentifiers"],
            }
    return list(selected.values())


def _own_warnings(output: Mapping[str, Any], sources: Mapping[str, str]) -> list[str]:
    return [
        str(problem["formattedMessage"]).strip()
        for problem in output.get("errors", [])
        if problem.get("sourceLocation", {}).get("file") in sources
    ]


def _write_atomically(path: Path, text: str) -> None:
    """Under the lock, so that one name for the temporary file is enough."""
    temporary = path.with_suffix(".tmp")
    temporary.write_text(text, encoding="utf-8")
    temporary.replace(path)


def _load(cached: Path) -> _Compiled | None:
    try:
        return _parse(json.loads(cached.read_text(encoding="utf-8")))
    except FileNotFoundError:
        return None


def _parse(content: Mapping[str, Any]) -> _Compiled:
    artifacts = {
        item["name"]: Artifact(
            name=item["name"],
            source=item["source"],
            abi=item["abi"],
            bytecode=bytes.fromhex(item["bytecode"]),
            runtime=bytes.fromhex(item["runtime"]),
            immutables=tuple((offset, length) for offset, length in item["immutables"]),
            selectors={signature: bytes.fromhex(selector) for signature, selector in item["selectors"].items()},
            digest=hashlib.sha256(json.dumps(item, sort_keys=True).encode()).hexdigest(),
        )
        for item in content["contracts"]
    }
    return _Compiled(artifacts=artifacts, warnings=list(content["warnings"]))


def main() -> int:
    """Compile strictly and print each contract's size in bytes: `python -m registry.chain.compile`."""
    try:
        artifacts = compile_contracts(strict=True)
    except ServiceError as refusal:
        sys.stderr.write(f"{refusal.code}: {refusal.detail}\n{refusal.hint}\n")
        return 1
    for artifact in artifacts.values():
        if artifact.runtime:
            sys.stdout.write(f"{artifact.name:32} {len(artifact.runtime):6,} of {RUNTIME_BYTES_MAX:,} bytes\n")
    return 0


if __name__ == "__main__":
    raise SystemExit(main())
