"""The real compiler on small contracts: each test has a folder with contracts/ and a link to node_modules."""

from __future__ import annotations

import json
import os
import re
import shutil
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest

from registry.chain.compile import SOLC_FOLDER, SOLC_VERSION, CompileFailed, CompilerMissing, compile_contracts
from registry.settings import PROJECT_ROOT
from tests.foundry import forge

HEADER = "// SPDX-License-Identifier: Apache-2.0\npragma solidity 0.8.30;\n"
COIN = (
    HEADER
    + """import {ERC20} from "@openzeppelin/contracts/token/ERC20/ERC20.sol";
contract Coin is ERC20 {
    constructor() ERC20("Coin", "C") { _mint(msg.sender, 1); }
    function pay(uint256 amount) external { _transfer(msg.sender, address(this), amount); }
}
"""
)
PLAIN = HEADER + "contract Plain { function one() external pure returns (uint256) { return 1; } }\n"
UNUSED = HEADER + "contract Unused { function one() external pure returns (uint256) { uint256 two = 2; return 1; } }\n"

Project = Callable[..., Path]


@pytest.fixture
def project(tmp_path: Path) -> Project:
    """Makes a project out of contract files: project(Coin=source) -> its root folder."""

    def make(**files: str) -> Path:
        (tmp_path / "contracts").mkdir(exist_ok=True)
        if not (tmp_path / "node_modules").exists():
            (tmp_path / "node_modules").symlink_to(PROJECT_ROOT / "node_modules")
        for name, source in files.items():
            (tmp_path / "contracts" / f"{name}.sol").write_text(source)
        return tmp_path

    return make


@pytest.fixture
def without_node(monkeypatch: pytest.MonkeyPatch) -> Callable[[], None]:
    return lambda: monkeypatch.setenv("PATH", "")


def test_an_artifact_carries_interface_bytecode_and_selectors(project: Project) -> None:
    artifacts = compile_contracts(project(Coin=COIN))

    assert list(artifacts) == ["Coin"]  # the library's contracts are compiled but not ours to deploy
    coin = artifacts["Coin"]
    assert (coin.name, coin.source) == ("Coin", "contracts/Coin.sol")
    assert {"pay", "balanceOf"} <= {item.get("name") for item in coin.abi}
    assert coin.selectors["balanceOf(address)"].hex() == "70a08231"
    assert coin.bytecode.endswith(coin.runtime)
    assert 1_000 < len(coin.runtime) < 10_000


def test_an_interface_has_no_bytes(project: Project) -> None:
    source = HEADER + "interface IPayer { function pay(uint256 amount) external; }\n"
    payer = compile_contracts(project(IPayer=source))["IPayer"]
    assert (payer.bytecode, payer.runtime, list(payer.selectors)) == (b"", b"", ["pay(uint256)"])


def test_code_on_a_chain_is_known_whatever_its_immutables_are(project: Project) -> None:
    source = HEADER + (
        "contract Fixed { uint256 public immutable one; address public immutable two;"
        " constructor(uint256 a, address b) { one = a; two = b; } }\n"
    )
    fixed = compile_contracts(project(Fixed=source))["Fixed"]
    assert sorted(length for _, length in fixed.immutables) == [32, 32]
    filled = bytearray(fixed.runtime)
    for offset, length in fixed.immutables:
        filled[offset : offset + length] = b"\x07" * length
    assert fixed.is_runtime(bytes(filled))
    assert fixed.is_runtime(fixed.runtime)
    (offset, length), *_ = fixed.immutables
    for elsewhere in (0, offset - 1, offset + length, len(filled) - 1):
        other = bytearray(filled)
        other[elsewhere] ^= 1
        assert not fixed.is_runtime(bytes(other))
    for cut in (b"", bytes(filled[:-1]), bytes(filled) + b"\0"):
        assert not fixed.is_runtime(cut)


def test_the_bytecode_depends_on_the_code_alone(project: Project) -> None:
    before = compile_contracts(project(Plain=PLAIN))["Plain"]
    after = compile_contracts(project(Plain=PLAIN + "// a remark\n"))["Plain"]
    assert before.bytecode == after.bytecode
    assert b"solc" not in before.runtime  # the tag of a metadata trailer


def test_unchanged_contracts_come_from_the_cache(project: Project, without_node: Callable[[], None]) -> None:
    first = compile_contracts(project(Plain=PLAIN))
    without_node()
    assert compile_contracts(project()) == first
    with pytest.raises(CompilerMissing, match="Node"):
        compile_contracts(project(Plain=PLAIN + "// a remark\n"))


def test_copies_that_ape_keeps_among_the_contracts_are_not_ours(project: Project) -> None:
    root = project(Plain=PLAIN)
    (root / "contracts" / ".cache").mkdir()
    (root / "contracts" / ".cache" / "Plain.sol").write_text(PLAIN)
    assert list(compile_contracts(root)) == ["Plain"]


def test_an_error_is_refused_with_the_compilers_own_words(project: Project) -> None:
    with pytest.raises(CompileFailed) as refused:
        compile_contracts(project(Plain=PLAIN.replace("return 1", "return one")))
    assert refused.value.code == "compile_failed"
    assert refused.value.detail.startswith("DeclarationError: Undeclared identifier")
    assert "contracts/Plain.sol:3:" in refused.value.detail


def test_a_warning_is_refused_only_when_strict_also_from_the_cache(project: Project) -> None:
    root = project(Unused=UNUSED)
    assert list(compile_contracts(root)) == ["Unused"]
    for _ in range(2):
        with pytest.raises(CompileFailed, match="Unused local variable"):
            compile_contracts(root, strict=True)


def test_an_empty_folder_is_refused(project: Project) -> None:
    with pytest.raises(CompileFailed, match="There is no contract"):
        compile_contracts(project())


def test_two_contracts_of_one_name_are_refused(project: Project) -> None:
    with pytest.raises(CompileFailed, match=r"Both contracts/A\.sol and contracts/B\.sol define Plain"):
        compile_contracts(project(A=PLAIN, B=PLAIN))


def test_a_library_that_needs_linking_is_refused(project: Project) -> None:
    library = "library L { function two() public pure returns (uint256) { return 2; } }\n"
    with pytest.raises(CompileFailed, match="Plain calls a library"):
        compile_contracts(project(Plain=PLAIN.replace("return 1", "return L.two()") + library))


def test_a_file_outside_the_project_cannot_be_imported(
    project: Project, tmp_path_factory: pytest.TempPathFactory
) -> None:
    outside = tmp_path_factory.mktemp("outside") / "Outside.sol"
    outside.write_text(PLAIN)
    with pytest.raises(CompileFailed, match="outside of allowed directories"):
        compile_contracts(project(Sly=HEADER + f'import "{outside}";\n'))


def test_a_missing_compiler_is_refused_with_the_remedy(project: Project) -> None:
    root = project(Plain=PLAIN)
    (root / "node_modules").unlink()
    with pytest.raises(CompilerMissing) as refused:
        compile_contracts(root)
    assert refused.value.code == "compiler_missing"
    assert "npm ci" in refused.value.hint


def test_another_compiler_version_is_refused(project: Project) -> None:
    root = project(Plain=PLAIN)
    (root / "node_modules").unlink()
    (root / "node_modules" / "solc").mkdir(parents=True)
    (root / "node_modules" / "solc" / "package.json").write_text('{"version": "0.8.29"}')
    with pytest.raises(CompilerMissing, match=r"0\.8\.30 is needed, 0\.8\.29 is installed"):
        compile_contracts(root)


def test_processes_that_compile_at_once_agree_and_compile_once(project: Project) -> None:
    root = project(Coin=COIN)
    program = (
        "import sys; from pathlib import Path; from registry.chain.compile import compile_contracts;"
        "print(compile_contracts(Path(sys.argv[1]))['Coin'].digest)"
    )
    command = [sys.executable, "-c", program, str(root)]
    running = [subprocess.Popen(command, cwd=PROJECT_ROOT, stdout=subprocess.PIPE, text=True) for _ in range(4)]
    digests = {process.communicate(timeout=120)[0].strip() for process in running}
    assert digests == {compile_contracts(root)["Coin"].digest}
    assert len(list((root / "build" / "artifacts").glob("*.json"))) == 1
    assert not list((root / "build" / "artifacts").glob("*.tmp"))


class TestTheCompilerForOtherTools:
    """scripts/solc speaks the command line of the native compiler."""

    SOLC = str(SOLC_FOLDER / f"solc-v{SOLC_VERSION}")

    def run(self, *arguments: str, stdin: str = "") -> subprocess.CompletedProcess[str]:
        return subprocess.run([self.SOLC, *arguments], input=stdin, capture_output=True, text=True, check=False)

    def test_it_says_its_version_as_the_native_linux_compiler_does(self) -> None:
        assert re.search(
            r"^Version: 0\.8\.30\+commit\.[0-9a-f]{8}\.Linux\.g\+\+$", self.run("--version").stdout, re.MULTILINE
        )

    def test_it_compiles_standard_json_from_standard_input(self) -> None:
        question = {
            "language": "Solidity",
            "sources": {"Plain.sol": {"content": PLAIN}},
            "settings": {"outputSelection": {"*": {"*": ["evm.methodIdentifiers"]}}},
        }
        for arguments in (["--standard-json"], ["--standard-json", "-"]):
            answer = json.loads(self.run(*arguments, stdin=json.dumps(question)).stdout)
            assert answer["contracts"]["Plain.sol"]["Plain"]["evm"]["methodIdentifiers"] == {"one()": "901717d1"}

    def test_it_compiles_to_the_fields_of_combined_json(self, project: Project) -> None:
        root = project(Coin=COIN)
        finished = self.run(
            "@openzeppelin/contracts=node_modules/@openzeppelin/contracts",
            *("--combined-json", "abi,bin,hashes,ast"),
            *("--base-path", str(root)),
            *("--optimize", "--evm-version", "cancun"),
            str(root / "contracts" / "Coin.sol"),
        )
        assert finished.returncode == 0, finished.stderr
        answer = json.loads(finished.stdout)
        coin = answer["contracts"]["contracts/Coin.sol:Coin"]
        assert coin["bin"] == compile_contracts(root)["Coin"].bytecode.hex()
        assert answer["sources"]["contracts/Coin.sol"]["AST"]["nodeType"] == "SourceUnit"

    def test_it_refuses_an_option_that_it_does_not_know(self) -> None:
        finished = self.run("--gas-less")
        assert finished.returncode == 1
        assert finished.stderr.startswith("unrecognised option '--gas-less'")

    def test_forge_compiles_to_the_same_bytecode(self, project: Project) -> None:
        root = self.configured(project)
        subprocess.run([forge(), "build", "--root", str(root)], check=True, capture_output=True)
        built = json.loads((root / "build" / "forge" / "Coin.sol" / "Coin.json").read_text())
        assert built["bytecode"]["object"] == "0x" + compile_contracts(root)["Coin"].bytecode.hex()

    @pytest.mark.slow
    def test_ape_compiles_to_the_same_bytecode(self, project: Project) -> None:
        root = self.configured(project)
        places = {"SOLCX_BINARY_PATH": str(SOLC_FOLDER), "APE_DATA_FOLDER": str(root / "ape")}
        ape = Path(sys.executable).with_name("ape")
        subprocess.run([ape, "compile"], cwd=root, check=True, capture_output=True, env={**os.environ, **places})
        built = json.loads((root / ".build" / "__local__.json").read_text())["contractTypes"]["Coin"]
        assert built["deploymentBytecode"]["bytecode"] == "0x" + compile_contracts(root)["Coin"].bytecode.hex()

    def configured(self, project: Project) -> Path:
        """A project with the tools' own configuration files."""
        root = project(Coin=COIN)
        for name in ("foundry.toml", "ape-config.yaml"):
            shutil.copy(PROJECT_ROOT / name, root)
        (root / "scripts").mkdir()
        (root / "scripts" / "solc").symlink_to(SOLC_FOLDER)
        return root
