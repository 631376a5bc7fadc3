"""The file format: what is written is read again, and nothing else is read, within bounds."""

from __future__ import annotations

import json
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from registry.documents.commitments import OpenedField
from registry.domain.identifiers import CertificateId
from registry.domain.journal import ENTRY_TYPES, Entry, Sealed
from registry.verification import bundle as module
from registry.verification.bundle import Bundle, BundleMalformed, BundleTooLarge, canonical
from registry.verification.verify import verify
from tests.properties.journals import any_entry
from tests.verification.paper import Paper

ROOT = Path(__file__).parents[2]
RECEIVABLE_ID = 7
OF_A_RECEIVABLE = [kind for kind in ENTRY_TYPES if any(argument.part == "journal" for argument in kind.arguments())]

PAPER = Paper.of_book(entries=150)
REAL = [PAPER.bundle(certificate, redact=redact) for certificate in PAPER.certificates() for redact in (False, True)]
LONGEST = max(REAL, key=len)


def read(data: bytes) -> dict[str, Any]:
    found: dict[str, Any] = json.loads(data)
    return found


def entries() -> st.SearchStrategy[Entry]:
    """Any entry of R-7, sealed or not."""
    opened = any_entry().filter(lambda entry: type(entry) in OF_A_RECEIVABLE).map(_of_receivable)
    return opened | opened.map(Sealed.of)


def _of_receivable(entry: Entry) -> Entry:
    values = {argument.name: getattr(entry, argument.name) for argument in entry.arguments()}
    return type(entry)(**values | {"receivable_id": RECEIVABLE_ID})


# ------------------------------------------------------------------------ there and back


@given(
    listed=st.lists(entries(), max_size=6),
    header=st.binary(max_size=100),
    nodes=st.lists(st.binary(max_size=40), max_size=4),
    chain_id=st.integers(0, 2**48 - 1),
    text=st.text(max_size=20).filter(lambda text: text.isprintable()),
)
def test_what_is_written_is_read_again(
    listed: list[Entry], header: bytes, nodes: list[bytes], chain_id: int, text: str
) -> None:
    opened = (OpenedField("number", text, b"\x01" * 32, (b"\x02" * 32,)),)
    certificate = CertificateId(RECEIVABLE_ID, 0, 100)
    made = Bundle(chain_id, b"\xcc" * 20, certificate, {"a": text}, tuple(listed), header, tuple(nodes), opened)
    assert Bundle.decode(made.encode()) == made
    assert made.sealed == sum(isinstance(entry, Sealed) for entry in listed)


def test_real_bundles_are_read_as_they_were_written() -> None:
    assert len(REAL) > 20
    for data in REAL:
        assert Bundle.decode(data).encode() == data
        assert canonical(json.loads(data)) == data


# --------------------------------------------------------------------- the canonical form


def compact(value: Any, **how: Any) -> bytes:
    how = {"sort_keys": True, "separators": (",", ":"), "ensure_ascii": False, **how}
    return json.dumps(value, **how).encode() + b"\n"


OTHER_FORMS: dict[str, Callable[[bytes], bytes]] = {
    "blanks": lambda data: compact(json.loads(data), separators=(", ", ": ")),
    "a blank at the end": lambda data: data[:-1] + b" \n",
    "no line feed": lambda data: data[:-1],
    "two line feeds": lambda data: data + b"\n",
    "a carriage return": lambda data: data[:-1] + b"\r\n",
    "a byte order mark": lambda data: b"\xef\xbb\xbf" + data,
    "another order": lambda data: compact(dict(reversed(json.loads(data).items())), sort_keys=False),
    "an escape": lambda data: data.replace(b"counterfoil", b"\\u0063ounterfoil", 1),
    "an escaped slash": lambda data: data.replace(b"counterfoil/", b"counterfoil\\/", 1),
    "a name twice": lambda data: data.replace(b'"chain_id":', b'"chain_id":31337,"chain_id":', 1),
    "true for 1": lambda data: data.replace(b'"chain_id":31337', b'"chain_id":true', 1),
    "a float": lambda data: data.replace(b'"chain_id":31337', b'"chain_id":31337.0', 1),
    "an exponent": lambda data: data.replace(b'"chain_id":31337', b'"chain_id":31337e0', 1),
    "a sign": lambda data: data.replace(b'"chain_id":31337', b'"chain_id":-31337', 1),
    "minus zero": lambda data: data.replace(b'"chain_id":31337', b'"chain_id":-0', 1),
    "a leading zero": lambda data: data.replace(b'"chain_id":31337', b'"chain_id":031337', 1),
    "infinity": lambda data: data.replace(b'"chain_id":31337', b'"chain_id":Infinity', 1),
    "no number": lambda data: data.replace(b'"chain_id":31337', b'"chain_id":NaN', 1),
    "a number of 49 bits": lambda data: data.replace(b'"chain_id":31337', b'"chain_id":%d' % 2**48, 1),
    "a number of 5,000 digits": lambda data: data.replace(b'"chain_id":31337', b'"chain_id":' + b"9" * 5_000, 1),
    "a text for a number": lambda data: data.replace(b'"chain_id":31337', b'"chain_id":"31337"', 1),
    "upper-case digits": lambda data: data.replace(
        json.loads(data)["header"].encode(), b"0x" + json.loads(data)["header"][2:].upper().encode()
    ),
    "no 0x": lambda data: data.replace(b'"header":"0x', b'"header":"', 1),
    "half a byte": lambda data: data.replace(b'"header":"0x', b'"header":"0x0', 1),
    "a lone surrogate": lambda data: data.replace(b'"stated":{', b'"stated":{"\\ud800":1,', 1),
    "no UTF-8": lambda data: data.replace(b'"stated":{', b'"stated":{"\xff":1,', 1),
    "another format": lambda data: data.replace(b"counterfoil/proof/1", b"counterfoil/proof/2", 1),
}


@pytest.mark.parametrize("form", OTHER_FORMS)
def test_another_form_of_the_same_values_is_refused(form: str) -> None:
    other = OTHER_FORMS[form](LONGEST)
    assert other != LONGEST
    with pytest.raises(BundleMalformed):
        Bundle.decode(other)


WRONG: dict[str, Any] = {
    "format": [None, 1, "", "counterfoil/proof/1 "],
    "chain_id": [None, -1, "1", [], {}, True, 2**48],
    "contract": [None, 1, "", "0x", "0x" + "cc" * 19, "0x" + "cc" * 21, "0x" + "CC" * 20, "cc" * 20],
    "certificate": [None, 1, "", "R-1", "R-1/0-0", "R-1/5-2", "R-0/0-1", "R-01/0-1", "R-1/0-1 ", f"R-1/0-{2**64}", []],
    "stated": [None, [], "", 1],
    "entries": [None, {}, "", [[]], [1], [None], ["Paid"], [["Paid"]], [["Sunset", "0x", 1]], [["entry"]], [[1]]],
    "header": [None, 1, [], "0x0", "0X00", "00"],
    "nodes": [None, {}, "0x", [1], [None], ["0x0"], [["0x00"]]],
    "opened": [None, {}, [1], [[]], [["a", "b", "0x" + "00" * 32]], [["a", "b", "0x00", []]]],
}  # fmt: skip


@pytest.mark.parametrize(("name", "value"), [(name, value) for name, values in WRONG.items() for value in values])
def test_a_value_of_another_type_or_range_is_refused(name: str, value: Any) -> None:
    with pytest.raises(BundleMalformed):
        Bundle.decode(canonical(read(LONGEST) | {name: value}))


@pytest.mark.parametrize("name", WRONG)
def test_a_name_that_is_missing_is_refused(name: str) -> None:
    value = read(LONGEST)
    del value[name]
    with pytest.raises(BundleMalformed, match="has to have exactly"):
        Bundle.decode(canonical(value))


def test_a_name_more_is_refused() -> None:
    with pytest.raises(BundleMalformed, match="has to have exactly"):
        Bundle.decode(canonical(read(LONGEST) | {"note": ""}))


SEALED = {"operation": "Split", "at": 1, "range": ["0", "1"], "details": "0x" + "00" * 32}


@pytest.mark.parametrize(
    "changed",
    [
        {"operation": "Sunset"},
        {"operation": "split"},
        {"operation": 4},
        {"at": 2**40},
        {"at": True},
        {"at": "1"},
        {"range": ["0"]},
        {"range": ["0", "1", "2"]},
        {"range": [0, 1]},
        {"range": ["00", "1"]},
        {"range": ["0", str(2**64)]},
        {"range": ["-1", "1"]},
        {"range": ["\u0660", "1"]},  # another script's zero
        {"details": "0x00"},
        {"more": 1},
    ],
)
def test_a_sealed_entry_has_one_form(changed: dict[str, Any]) -> None:
    value = read(LONGEST)
    value["entries"] += [SEALED]
    Bundle.decode(canonical(value))
    value["entries"][-1] = SEALED | changed
    with pytest.raises(BundleMalformed):
        Bundle.decode(canonical(value))


# ------------------------------------------------------------------------------- bounds

LARGE: dict[str, str] = {
    "deep lists": "b'[' * 100_000 + b']' * 100_000",
    "deep lists that do not end": "b'[' * 60_000_000",
    "deep objects": "b'{\"a\":' * 100_000 + b'1' + b'}' * 100_000",
    "a million entries": "with_(entries=[['Absolved', '0x' + '00' * 20, '1', 1]] * 1_000_000)",
    "a million nodes": "with_(nodes=['0x'] * 1_000_000)",
    "a long node": "with_(nodes=['0x' + '00' * 1_025])",
    "a long header": "with_(header='0x' + '00' * 8_193)",
    "many fields": "with_(opened=[['a', 'b', '0x' + '00' * 32, []]] * 201)",
    "a long path": "with_(opened=[['a', 'b', '0x' + '00' * 32, ['0x' + '00' * 32] * 33]])",
    "a long text": "with_(opened=[['a', 'b' * 100_001, '0x' + '00' * 32, []]])",
    "a text of 60 MB": "with_(stated={'amount': 'a' * 60_000_000})",
    "a text of 60 MB of four bytes each": "with_(stated={'amount': '\\U0001f600' * 15_000_000})",
    "a text of 60 MB, one character wide": "with_(stated={'amount': '\\U0001f600' + 'a' * 59_000_000})",
    "a text of 60 MB that does not end": "b'\"' + b'a' * 60_000_000",
    "60 MB of escapes": "b'\"' + b'\\\\\"' * 30_000_000 + b'\"'",
    "60 MB of quotes": "b'\"' * 60_000_000",
    "60 MB of blanks": "b' ' * 60_000_000",
    "60 MB of digits": "b'1' * 60_000_000",
    "millions of empty lists": "b'[' + b'[],' * 20_000_000 + b'[]]'",
    "as many empty lists as are read": "with_(stated={'a': [[]] * 990_000})",
    "as many empty objects as are read": "with_(stated={'a': [{}] * 990_000})",
    "as many numbers as are read": "with_(stated={'a': list(range(10**12, 10**12 + 1_900_000))})",
    "as many statements as are read": "with_(stated=dict.fromkeys(map(str, range(10**12, 10**12 + 1_900_000))))",
    "65 MB": "b' ' * 65_000_000",
}  # fmt: skip

BYTES_PEAK_MAX = 1_200_000_000

MEASURED = """
import json, resource, sys
from registry.verification.bundle import BundleMalformed, canonical
from registry.verification.verify import verify
real = json.loads(open(sys.argv[1], "rb").read())
def with_(**changed):
    return canonical(real | changed)
data = eval(sys.argv[2])
before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
# What it took to make the data is not what is measured.
open("/proc/self/clear_refs", "w").write("5")
try:
    said = str(verify(data).status)
except BundleMalformed as refused:
    said = refused.code
(peak,) = (line.split()[1] for line in open("/proc/self/status") if line.startswith("VmHWM:"))
print(said, int(peak) * 1024)
"""


@pytest.mark.parametrize("what", LARGE)
def test_what_is_too_much_ends_in_a_named_refusal_within_bounded_memory(what: str, tmp_path: Path) -> None:
    real = tmp_path / "bundle.json"
    real.write_bytes(REAL[0])
    done = subprocess.run(
        [sys.executable, "-c", MEASURED, str(real), LARGE[what]],
        cwd=ROOT,
        capture_output=True,
        text=True,
        check=True,
    )
    said, peak = done.stdout.split()
    assert said in ("bundle_malformed", "bundle_too_large", "contradicted")
    assert int(peak) < BYTES_PEAK_MAX, f"{int(peak) / 1e6:,.0f} MB"


def test_the_limits_name_themselves() -> None:
    value = read(REAL[0])
    with pytest.raises(BundleTooLarge):
        Bundle.decode(b" " * (module.BYTES_MAX + 1))
    with pytest.raises(BundleTooLarge, match="100001 entries"):
        Bundle.decode(canonical(value | {"entries": [0] * 100_001}))
    with pytest.raises(BundleTooLarge, match="4097 nodes"):
        Bundle.decode(canonical(value | {"nodes": ["0x"] * 4_097}))
    with pytest.raises(BundleMalformed, match="nested deeper than 8"):
        Bundle.decode(canonical(value | {"stated": {"a": [[[[[[[]]]]]]]}}))
    with pytest.raises(BundleTooLarge, match="33 statements"):
        Bundle.decode(canonical(value | {"stated": dict.fromkeys(map(str, range(33)))}))
    for stated in ({"a": [{"b": "x" * 100_001}]}, {"x" * 100_001: 1}):
        with pytest.raises(BundleMalformed, match="at most 100000 characters"):
            Bundle.decode(canonical(value | {"stated": stated}))
    # Brackets in texts are none.
    Bundle.decode(canonical(value | {"stated": {"a": "[" * 1_000 + '\\"{'}}))


# --------------------------------------------------------------------------- any bytes


def judged(data: bytes) -> None:
    """Ends in a verdict or is refused, and in nothing else."""
    try:
        verify(data).to_json()
    except BundleMalformed:
        return


@given(st.binary(max_size=400))
def test_any_bytes_end_in_a_verdict_or_are_refused(data: bytes) -> None:
    judged(data)


def json_values() -> st.SearchStrategy[Any]:
    leaves = st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=20)
    return st.recursive(
        leaves, lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.text(max_size=8), inner, max_size=4)
    )


@given(json_values(), st.sampled_from(sorted(WRONG)))
def test_any_json_in_any_place_ends_in_a_verdict_or_is_refused(value: Any, name: str) -> None:
    judged(json.dumps(value).encode())
    judged(compact(read(REAL[0]) | {name: value}, ensure_ascii=True))


@settings(max_examples=400)
@given(
    st.sampled_from(REAL),
    st.lists(st.tuples(st.integers(0, 2**20), st.integers(0, 30), st.binary(max_size=6)), min_size=1, max_size=4),
)
def test_any_change_of_bytes_ends_in_a_verdict_or_is_refused(
    data: bytes, changes: list[tuple[int, int, bytes]]
) -> None:
    for at, dropped, put in changes:
        place = at % len(data)
        data = data[:place] + put + data[place + dropped :]
    judged(data)


@settings(max_examples=200)
@given(st.sampled_from(REAL), st.sampled_from(REAL), st.integers(0, 2**20), st.integers(0, 2**20))
def test_two_bundles_spliced_end_in_a_verdict_or_are_refused(one: bytes, other: bytes, left: int, right: int) -> None:
    judged(one[: left % len(one)] + other[right % len(other) :])
