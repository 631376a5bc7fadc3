"""The local chain: real Anvil, started, killed, torn and restarted."""

from __future__ import annotations

import json
import os
import signal
import socket
import subprocess
import sys
import time
import urllib.request
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from registry.chain import devchain
from registry.chain.devchain import (
    CHAIN_ID,
    MNEMONIC,
    AnvilMissing,
    DevChain,
    DevChainFailed,
    DevChainInUse,
    NotDevChain,
    advance_time,
    dev_account,
    dev_accounts,
)
from registry.chain.rpc import Node, RpcFailed
from registry.processes import free_port, started_at
from registry.settings import PROJECT_ROOT

WAIT_SECONDS_MAX = 10.0

OWNER = """
import sys, time
from pathlib import Path
from registry.chain.devchain import DevChain
chain = DevChain.start(Path(sys.argv[1]))
print(chain.pid, chain.port, flush=True)
time.sleep(600)
"""


def rpc(chain: DevChain, method: str, *params: object) -> Any:
    body = json.dumps({"jsonrpc": "2.0", "id": 1, "method": method, "params": params}).encode()
    request = urllib.request.Request(chain.url, body, {"Content-Type": "application/json"})
    with urllib.request.urlopen(request, timeout=10) as response:
        return json.load(response)["result"]


def mine(chain: DevChain, blocks: int) -> None:
    rpc(chain, "anvil_mine", hex(blocks))


def wait_until(condition: Callable[[], bool]) -> bool:
    deadline = time.monotonic() + WAIT_SECONDS_MAX
    while not condition() and time.monotonic() < deadline:
        time.sleep(0.02)
    return condition()


def test_answers_as_the_dev_chain_and_leaves_no_process(tmp_path: Path) -> None:
    with DevChain.start(tmp_path / "deep" / "chain") as chain:
        assert int(rpc(chain, "eth_chainId"), 16) == CHAIN_ID
        assert chain.head() == 0
        assert chain.is_healthy()
        assert chain.rejected_state is None
        mine(chain, 3)
        assert chain.head() == 3
        pid = chain.pid
    assert started_at(pid) is None
    assert not chain.is_healthy()
    chain.stop()  # again, without harm
    with pytest.raises(DevChainFailed):
        chain.head()


def test_blocks_and_old_states_survive_a_restart(tmp_path: Path) -> None:
    account = dev_account(0).address
    with DevChain.start(tmp_path) as chain:
        mine(chain, 70)
        block = rpc(chain, "eth_getBlockByNumber", "0x5", False)
    with DevChain.start(tmp_path) as chain:
        assert chain.head() == 70
        assert rpc(chain, "eth_getBlockByNumber", "0x5", False) == block
        # The depth at which Anvil calls a block finalized.
        assert rpc(chain, "eth_getProof", account, [], "0x6")["accountProof"]


def test_the_clock_is_put_forward_and_a_restart_does_not_turn_it_back(tmp_path: Path) -> None:
    days = 100 * 86_400
    with DevChain.start(tmp_path) as chain:
        node = Node(chain.url)
        before = node.pending_at()
        after = advance_time(node, seconds=days)
        assert days <= after - before <= days + 5
        assert node.pending_at() >= after
    with DevChain.start(tmp_path) as chain:
        node = Node(chain.url)
        assert node.pending_at() >= after
        again = advance_time(node, seconds=days)
        assert again - after >= days
        assert int(rpc(chain, "eth_getBlockByNumber", "latest", False)["timestamp"], 16) == again


class Elsewhere(Node):
    """The dev chain under another chain's id."""

    @property
    def chain_id(self) -> int:
        return 1


def test_no_other_chains_clock_is_touched(tmp_path: Path) -> None:
    with DevChain.start(tmp_path) as chain:
        with pytest.raises(NotDevChain, match="chain 1 "):
            advance_time(Elsewhere(chain.url), seconds=1)
        assert chain.head() == 0


def test_a_taken_port_does_no_harm(tmp_path: Path) -> None:
    with socket.create_server(("127.0.0.1", 0)) as taken:
        wanted = taken.getsockname()[1]
        with DevChain.start(tmp_path, port=wanted) as chain:
            assert chain.port != wanted
            assert chain.is_healthy()


def test_a_port_taken_at_the_last_moment_is_given_up(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    with DevChain.start(tmp_path / "stranger") as stranger:
        mine(stranger, 9)
        ports = iter([stranger.port, stranger.port])
        monkeypatch.setattr(devchain, "free_port", lambda wanted: next(ports, None) or free_port(wanted))
        with DevChain.start(tmp_path / "own") as chain:
            assert chain.port != stranger.port
            assert chain.head() == 0


def test_a_free_wanted_port_is_taken(tmp_path: Path) -> None:
    for _ in range(5):  # another process may take it in between
        wanted = free_port()
        with DevChain.start(tmp_path, port=wanted) as chain:
            if chain.port == wanted:
                return
    pytest.fail("the wanted port was never given")


def test_blocks_come_with_the_clock_when_asked(tmp_path: Path) -> None:
    with DevChain.start(tmp_path, block_time_seconds=1) as chain:
        assert wait_until(lambda: chain.head() >= 1)


def test_ends_with_an_owner_that_is_killed_and_keeps_its_blocks(tmp_path: Path) -> None:
    owner = subprocess.Popen(
        [sys.executable, "-c", OWNER, str(tmp_path)], stdout=subprocess.PIPE, text=True, cwd=PROJECT_ROOT
    )
    assert owner.stdout is not None
    pid, port = (int(word) for word in owner.stdout.readline().split())
    body = json.dumps({"jsonrpc": "2.0", "id": 1, "method": "anvil_mine", "params": ["0x7"]}).encode()
    urllib.request.urlopen(
        urllib.request.Request(f"http://127.0.0.1:{port}", body, {"Content-Type": "application/json"}), timeout=10
    ).close()
    owner.kill()
    # At once: the new owner waits for the old Anvil to write its state and end.
    with DevChain.start(tmp_path) as chain:
        assert started_at(pid) is None
        assert chain.head() == 7
    owner.wait()
    owner.stdout.close()


def test_the_terminals_interrupt_does_not_reach_it(tmp_path: Path) -> None:
    with DevChain.start(tmp_path) as chain:
        assert os.getsid(chain.pid) == chain.pid != os.getsid(0)


def test_a_killed_anvil_loses_at_most_what_was_mined_since_the_last_save(tmp_path: Path) -> None:
    chain = DevChain.start(tmp_path)
    mine(chain, 5)
    saved = tmp_path / "state.json"
    assert wait_until(lambda: saved.exists() and json.loads(saved.read_bytes())["best_block_number"] == 5)
    os.kill(chain.pid, signal.SIGKILL)
    assert wait_until(lambda: not chain.is_healthy())
    chain.stop()
    with DevChain.start(tmp_path) as chain:
        assert chain.head() == 5
        assert chain.rejected_state is None


@pytest.mark.parametrize("torn", ["", '{"block": {"numb', "{}", "\0" * 100])
def test_a_torn_state_is_set_aside_for_the_last_whole_one(tmp_path: Path, torn: str) -> None:
    with DevChain.start(tmp_path) as chain:
        mine(chain, 4)
    (tmp_path / "exit.json").write_text(torn)
    with DevChain.start(tmp_path) as chain:
        assert chain.head() == 4
        assert chain.rejected_state == tmp_path / "rejected.json"
        assert chain.rejected_state.read_text() == torn


def test_without_any_whole_state_the_chain_begins_anew(tmp_path: Path) -> None:
    (tmp_path / "state.json").write_text("torn")
    (tmp_path / "exit.json").write_text("torn")
    with DevChain.start(tmp_path) as chain:
        assert chain.head() == 0
        assert chain.rejected_state is not None
    with DevChain.start(tmp_path) as chain:
        assert chain.rejected_state is None


def test_two_owners_on_one_folder_are_refused(tmp_path: Path) -> None:
    with DevChain.start(tmp_path) as chain:
        with pytest.raises(DevChainInUse, match=str(os.getpid())) as refusal:
            DevChain.start(tmp_path)
        assert refusal.value.code == "devchain_in_use"
        assert chain.is_healthy()


def test_a_missing_anvil_is_refused_by_name(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(devchain, "PROJECT_ROOT", tmp_path)
    monkeypatch.setenv("PATH", str(tmp_path))
    with pytest.raises(AnvilMissing) as refusal:
        DevChain.start(tmp_path)
    assert refusal.value.code == "anvil_missing"
    assert "npm ci" in refusal.value.hint


def test_anvil_on_the_path_serves_where_npm_has_none(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "anvil").symlink_to(devchain.anvil_binary())
    monkeypatch.setattr(devchain, "PROJECT_ROOT", tmp_path)
    monkeypatch.setenv("PATH", str(tmp_path))
    with DevChain.start(tmp_path / "chain") as chain:
        assert chain.is_healthy()


def fake_anvil(folder: Path, script: str) -> Path:
    fake = folder / "fake-anvil"
    fake.write_text(f"#!/bin/sh\n{script}\n")
    fake.chmod(0o755)
    return fake


def test_a_failure_tells_the_end_of_the_log(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    fake = fake_anvil(tmp_path, "echo no such luck; exit 3")
    monkeypatch.setattr(devchain, "anvil_binary", lambda: fake)
    with pytest.raises(DevChainFailed, match="code 3: no such luck") as refusal:
        DevChain.start(tmp_path)
    assert refusal.value.code == "devchain_failed"


def test_an_anvil_that_never_answers_is_ended(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    fake = fake_anvil(tmp_path, f"echo $$ > {tmp_path}/pid; exec sleep 600")
    monkeypatch.setattr(devchain, "anvil_binary", lambda: fake)
    monkeypatch.setattr(devchain, "START_SECONDS_MAX", 0.5)
    with pytest.raises(DevChainFailed, match="did not answer"):
        DevChain.start(tmp_path)
    assert started_at(int((tmp_path / "pid").read_text())) is None


def test_dev_accounts_are_those_that_anvil_funds(tmp_path: Path) -> None:
    accounts = dev_accounts(30)
    with DevChain.start(tmp_path) as chain:
        assert [a.address.lower() for a in accounts] == rpc(chain, "eth_accounts")
    assert accounts[0].address == "0xf39Fd6e51aad88F6F4ce6aB8827279cffFb92266"
    assert dev_account(0) is accounts[0]
    assert MNEMONIC.endswith("junk")


def test_a_chain_goes_on_from_another_one_without_state_roots(tmp_path: Path) -> None:
    account = "0x" + (b"\x11" * 20).hex()  # dev accounts are funded anew
    with DevChain.start(tmp_path / "ground", keeps=False) as ground:
        rpc(ground, "anvil_setBalance", account, "0x7")
        mine(ground, 2)
        with DevChain.start(tmp_path / "chain", keeps=False, ground_url=ground.url) as chain:
            mine(chain, 1)
            assert chain.head() == 3
            assert ground.head() == 2
            assert rpc(chain, "eth_getBalance", account, "latest") == "0x7"
            roots = {rpc(chain, "eth_getBlockByNumber", hex(number), False)["stateRoot"] for number in (2, 3)}
    assert len(roots) == 2
    assert "0x" + bytes(32).hex() in roots


@pytest.mark.parametrize("history_blocks", [0, 4])
def test_a_chain_remembers_as_many_states_as_it_is_told(tmp_path: Path, history_blocks: int) -> None:
    with DevChain.start(tmp_path, keeps=False, history_blocks=history_blocks) as chain:
        for _ in range(10):
            mine(chain, 1)
        node = Node(chain.url)
        answers = [10 - age for age in range(10) if _is_known(node, 10 - age)]
    assert answers == list(range(10, 9 - history_blocks, -1))


def _is_known(node: Node, number: int) -> bool:
    try:
        node.call(to=bytes(20), data=b"", block=number)
    except RpcFailed:
        return False
    return True


def test_a_large_state_has_the_time_that_it_takes_to_be_read(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    with DevChain.start(tmp_path) as chain:
        mine(chain, 1)
    monkeypatch.setattr(devchain, "START_SECONDS_MAX", 0.0)
    monkeypatch.setattr(devchain, "STATE_BYTES_PER_SECOND_MIN", (tmp_path / "state.json").stat().st_size / 15)
    with DevChain.start(tmp_path) as chain:
        assert chain.head() == 1
