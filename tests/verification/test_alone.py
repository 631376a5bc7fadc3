"""The primitives run in a Python that has no packages at all."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

from eth_keys import keys

from registry.domain.keccak import keccak256
from registry.verification.rlp import encode

ROOT = Path(__file__).parents[2]

# -I and -S leave only the standard library; the checkout is added by hand.
ALONE = """
import sys
sys.path.insert(0, sys.argv[1])
from registry.verification import pure_keccak
sys.modules["sha3"] = pure_keccak
from registry.verification.rlp import decode
from registry.verification.secp256k1 import recover
from registry.verification.trie import Nodes
leaf, key, digest, signature = (bytes.fromhex(argument) for argument in sys.argv[2:])
root = pure_keccak.keccak_256(leaf).digest()
print(decode(Nodes([leaf]).lookup(root, key)).hex(), recover(digest, signature).hex())
print(*sorted(name for name, module in sys.modules.items() if "-packages" in (getattr(module, "__file__", "") or "")))
"""


def test_a_value_and_a_signer_are_verified_without_a_package() -> None:
    signer, key, digest = keys.PrivateKey(b"\x07" * 32), bytes(32), keccak256(b"signed")
    leaf = encode([b"\x20" + keccak256(key), encode(b"value")])
    words = [argument.hex() for argument in (leaf, key, digest, signer.sign_msg_hash(digest).to_bytes())]
    command = [sys.executable, "-I", "-S", "-c", ALONE, str(ROOT), *words]
    said = subprocess.run(command, check=True, capture_output=True, text=True).stdout
    assert said.split("\n") == [f"{b'value'.hex()} {signer.public_key.to_canonical_address().hex()}", "", ""]
