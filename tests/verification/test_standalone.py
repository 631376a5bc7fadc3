"""The verifier as a program: nodes and terminals that are not as one wishes them, and what it was asked to go by."""

from __future__ import annotations

import io
import json
import subprocess
import sys
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import replace
from http.server import BaseHTTPRequestHandler, HTTPServer
from pathlib import Path
from typing import Any

import pytest

from registry.verification import standalone
from registry.verification.bundle import Bundle
from registry.verification.export import export
from registry.verification.header import Header
from registry.verification.verify import Pins, Status
from tests.verification.disclosures import disclosed
from tests.verification.paper import CHAIN_ID, CODE_HASH, Paper

PAPER = Paper.of_book(entries=150)
DATA = PAPER.bundle(next(iter(PAPER.certificates())))
HEADER = Header.decode(Bundle.decode(DATA).header)

Answer = Callable[[BaseHTTPRequestHandler, str], None]


@contextmanager
def node(answer: Answer) -> Iterator[str]:
    """The address of a server that answers every call of a method so."""

    class Handler(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            asked = json.loads(self.rfile.read(int(self.headers["Content-Length"])))
            answer(self, asked["method"])

        def log_message(self, *_: Any) -> None:
            pass

    server = HTTPServer(("127.0.0.1", 0), Handler)
    thread = threading.Thread(target=server.serve_forever)
    thread.start()
    try:
        yield f"http://127.0.0.1:{server.server_port}"
    finally:
        server.shutdown()
        server.server_close()
        thread.join()


def of_chain(chain_id: int) -> Answer:
    """An honest node of a chain, which has the block."""
    results = {"eth_chainId": hex(chain_id), "eth_getBlockByNumber": {"hash": "0x" + HEADER.hash.hex()}}

    def answer(handler: BaseHTTPRequestHandler, method: str) -> None:
        body(handler, json.dumps({"jsonrpc": "2.0", "id": 1, "result": results[method]}).encode())

    return answer


def body(handler: BaseHTTPRequestHandler, content: bytes) -> None:
    handler.send_response(200)
    handler.send_header("Content-Length", str(len(content)))
    handler.end_headers()
    handler.wfile.write(content)


def no_http(handler: BaseHTTPRequestHandler, method: str) -> None:
    handler.wfile.write(b"\x1b[2Jnot HTTP\r\n\r\n")


def nested(handler: BaseHTTPRequestHandler, method: str) -> None:
    body(handler, b"[" * 100_000)


def endless(handler: BaseHTTPRequestHandler, method: str) -> None:
    body(handler, b" " * (standalone.NODE_BYTES_MAX + 1))


def lacking(handler: BaseHTTPRequestHandler, method: str) -> None:
    body(handler, b'{"result":null}')


@pytest.fixture
def path(tmp_path: Path) -> Path:
    found = tmp_path / "bundle.json"
    found.write_bytes(DATA)
    return found


def test_a_node_of_that_chain_vouches_for_the_block() -> None:
    with node(of_chain(CHAIN_ID)) as url:
        status, _ = standalone.NamedNode(url).judge(HEADER, chain_id=CHAIN_ID, contract=PAPER.contract)
    assert status is Status.PROVEN


def test_a_node_of_another_chain_vouches_for_nothing(path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    with node(of_chain(1)) as url:
        assert standalone.main([str(path), "--rpc", url]) == 3
    assert f"the node that you named is of chain 1, not of {CHAIN_ID}" in capsys.readouterr().out


@pytest.mark.parametrize("answer", [no_http, nested, endless, lacking])
def test_a_node_that_does_not_answer_as_one_is_named(
    answer: Answer, path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    with node(answer) as url:
        assert standalone.main([str(path), "--rpc", url]) == 2
    said = capsys.readouterr()
    assert said.err.startswith("node_answers_nothing: ")
    assert "\x1b" not in said.err
    assert said.out == ""


def test_a_node_that_drips_is_not_waited_for(
    path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(standalone, "ANSWER_SECONDS_MAX", 1)
    dripping = threading.Event()

    def drip(handler: BaseHTTPRequestHandler, method: str) -> None:
        """A good answer, each byte of whose headers comes within a second, and the whole in ten."""
        for _ in range(20):
            handler.wfile.write(b"HTTP/1.1 100 Continue\r\n\r\n")
            handler.wfile.flush()
            if dripping.wait(0.5):
                return
        of_chain(CHAIN_ID)(handler, method)

    with node(drip) as url:
        assert standalone.main([str(path), "--rpc", url]) == 2
        dripping.set()
    assert "no whole answer in 1 s" in capsys.readouterr().err


@pytest.mark.parametrize("url", ["http://127.0.0.1:abc", "http://[", "http://127.0.0.1:1", "file:///etc/passwd"])
def test_an_address_of_no_node_is_named(url: str, path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert standalone.main([str(path), "--rpc", url]) == 2
    assert capsys.readouterr().err.startswith("node_answers_nothing: ")


def test_attestations_that_cannot_be_had_are_named(path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    words = ["--attestations", "http://127.0.0.1:abc", "--witness", "0x" + "00" * 20]
    assert standalone.main([str(path), *words]) == 2
    assert capsys.readouterr().err.startswith("attestations_missing: ")


def test_a_terminal_that_cannot_show_a_name_is_told_it_in_escapes(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    file, said = tmp_path / "disclosure.json", io.BytesIO()
    file.write_bytes(disclosed(recipient="株式"))
    monkeypatch.setattr(sys, "stdout", io.TextIOWrapper(said, encoding="cp1252"))
    assert standalone.main([str(file)]) == 3
    sys.stdout.flush()
    assert rb"\u682a\u5f0f" in said.getvalue()


def test_another_package_of_the_hashs_name_is_not_taken_for_it(path: Path, tmp_path: Path) -> None:
    (tmp_path / "sha3.py").write_text("")
    file = tmp_path / "verifier.pyz"
    file.write_bytes(export(Pins(CHAIN_ID, PAPER.contract, CODE_HASH)))
    words = [sys.executable, "-S", str(file), str(path), "--block-hash", HEADER.hash.hex()]
    done = subprocess.run(words, env={"PYTHONPATH": str(tmp_path)}, capture_output=True, text=True, check=False)
    assert (done.returncode, done.stderr) == (0, "")


@pytest.mark.parametrize(
    "pins",
    [None, b"", b"\xff", b"{}", b'{"chain_id": true, "contract": "0x%s", "code_hash": "0x%s"}'],
    ids=["no file", "nothing", "no text", "no pins", "true for 1"],
)
def test_pins_that_cannot_be_used_are_a_misuse(pins: bytes | None, path: Path, tmp_path: Path) -> None:
    file = tmp_path / "pins.json"
    if pins is not None:
        file.write_bytes(pins.replace(b"%s", b"00" * 20, 1).replace(b"%s", b"00" * 32))
    assert standalone.main([str(path), "--pins", str(file)]) == 2


@pytest.mark.parametrize("chain_id", ["1.9", "1.0", "true", '"1"', "-1", "null", str(2**48)])
def test_a_chain_is_pinned_by_a_number(chain_id: str) -> None:
    text = '{"chain_id": %s, "contract": "0x' + "00" * 20 + '", "code_hash": "0x' + "00" * 32 + '"}'
    assert standalone.parse_pins(text % 1) == Pins(1, bytes(20), bytes(32))
    with pytest.raises(standalone.PinsMalformed):
        standalone.parse_pins(text % chain_id)


def test_no_node_is_asked_about_a_header_that_cannot_be_read(path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    path.write_bytes(replace(Bundle.decode(DATA), header=b"").encode())
    assert standalone.number_of(path.read_bytes()) is None
    for source in (["--rpc", "http://127.0.0.1:1"], ["--attestations", "x", "--witness", "0x" + "00" * 20]):
        assert standalone.main([str(path), *source]) == 1
        assert "it is no block header" in capsys.readouterr().out
