"""Random schedules of part payments, redemptions, pledges, disputes, credit notes and closing: contract and fold agree.

tests/forge/Agreement.t.sol takes each schedule on a registry of its own, in forge's EVM, and writes down what was
logged and what the contract holds at the end. Here the logs are folded: every payout in them must be what the fold
says, and what the fold comes to must be what the contract holds. `make test` does so for SCHEDULES; for more of them:

    COUNTERFOIL_TEST_FOLDED=1000000 make test ARGS=tests/properties/test_schedules.py
"""

from __future__ import annotations

import os
import subprocess
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass
from threading import Thread

import pytest

from registry.chain.words import (
    CertificateWord,
    RecordWords,
    Rights,
    unpack_certificate,
    unpack_record,
    unpack_rights,
)
from registry.domain.amounts import conservation_faults, payout
from registry.domain.decode import ENTRY_TOPICS, decode
from registry.domain.fold import empty_receivable, walk
from registry.domain.identifiers import MINOR_MAX, Address
from registry.domain.journal import (
    Closed,
    Confirmed,
    CreditNoted,
    Disputed,
    Entry,
    Paid,
    Partitioned,
    Pledged,
    Redeemed,
    Registered,
    Released,
    Resolved,
    Split,
)
from registry.domain.keccak import keccak256
from registry.domain.receivable import Receivable
from registry.settings import PROJECT_ROOT
from tests.contracts.audit import expected_certificate, expected_record, expected_rights, kept_claim
from tests.foundry import forge

pytestmark = [pytest.mark.slow, pytest.mark.timeout(3600)]

SCHEDULES = int(os.environ.get("COUNTERFOIL_TEST_FOLDED", "100000"))
KINDS = [
    *(Registered, Confirmed, Split, Partitioned, Pledged, Released),
    *(Disputed, Resolved, CreditNoted, Paid, Redeemed, Closed),
]
"""What happens in some of them."""
CHAIN_ID = 31337
WORD_BYTES = 32
TRANSFER = keccak256(b"Transfer(address,address,uint256)")
FORGE_TEST = ["test", "--match-contract", "AgreementTest", "--threads", "1"]

Cash = tuple[Address, Address, int]
"""Minor units that moved: giver, receiver, how many."""


@dataclass(frozen=True)
class Schedule:
    """What became of one receivable, as the contract tells it."""

    contract: Address
    receivable_id: int
    record: RecordWords
    certificates: dict[int, tuple[CertificateWord, Rights, int]]
    """Word, rights, and what a redemption would pay out now, by first minor unit."""
    entries: list[Entry]
    cash: list[Cash]


def read_schedule(line: str) -> Schedule:
    """A line of the file: see _written in tests/forge/Agreement.t.sol."""
    data = bytes.fromhex(line.removeprefix("0x"))
    words = (data[at : at + WORD_BYTES] for at in range(0, len(data), WORD_BYTES))

    def number() -> int:
        return int.from_bytes(next(words))

    contract, token, receivable_id = next(words)[12:], next(words)[12:], number()
    record = unpack_record(number(), next(words), number(), number())
    certificates = {}
    for _ in range(number()):
        start = number() & MINOR_MAX
        certificates[start] = unpack_certificate(number()), unpack_rights(number(), number(), number()), number()
    entries, cash = [], []
    for emitter in words:
        topics_total, data_bytes = number(), number()
        topics = [next(words) for _ in range(topics_total)]
        body = b"".join(next(words) for _ in range(data_bytes // WORD_BYTES))
        if emitter[12:] == contract and topics[0] in ENTRY_TOPICS:
            entries.append(decode(b"".join(topics), body))
        elif emitter[12:] == token and topics[0] == TRANSFER:
            cash.append((topics[1][12:], topics[2][12:], int.from_bytes(body)))
    return Schedule(contract, receivable_id, record, certificates, entries, cash)


def folded(schedule: Schedule) -> tuple[Receivable, list[Cash]]:
    """What the fold says of the entries: the receivable, and the money that moved."""
    contract = schedule.contract
    state = empty_receivable(chain_id=CHAIN_ID, contract=contract, receivable_id=schedule.receivable_id)
    steps = walk(state, schedule.entries)
    cash: list[Cash] = []
    for entry in schedule.entries:
        match entry:
            case Paid():
                cash.append((entry.payer, contract, entry.amount))
            case Redeemed():
                lien = state.certificates[entry.start].lien
                if lien and entry.to_financier:
                    cash.append((contract, lien.financier, entry.to_financier))
                if entry.amount != entry.to_financier:
                    cash.append((contract, entry.holder, entry.amount - entry.to_financier))
        state, _ = next(steps)
        assert state.claimed <= state.paid, entry
    return state, cash


def require_agreement(schedule: Schedule) -> None:
    """The contract holds what its journal folds to, and paid it."""
    state, cash = folded(schedule)
    assert schedule.record == expected_record(state, claimed=kept_claim(state, schedule.record.claimed))
    assert schedule.certificates == {
        part.start: (
            expected_certificate(state, part, approved=False),
            expected_rights(part),
            payout(state, part).amount,
        )
        for part in state.certificates.values()
    }
    assert schedule.cash == cash
    assert conservation_faults(state) == ()


def schedules(count: int) -> Iterator[Schedule]:
    """So many of them, each as soon as forge has taken it. AssertionError where forge finds a fault itself."""
    folder = PROJECT_ROOT / "build" / "schedules"
    folder.mkdir(parents=True, exist_ok=True)
    pipe, said = folder / f"{os.getpid()}.pipe", folder / f"{os.getpid()}.out"
    setting = {
        "FOUNDRY_SRC": "tests/forge",
        "FOUNDRY_FUZZ_RUNS": f"{count}",
        "COUNTERFOIL_TEST_SCHEDULES_FILE": str(pipe),
    }
    os.mkfifo(pipe)
    # Forge opens and closes it for each line: held open here it ends with forge, not with the first of them.
    held = os.open(pipe, os.O_RDWR)
    with said.open("w+") as out, pipe.open(encoding="ascii") as lines:
        process = subprocess.Popen(
            [forge(), *FORGE_TEST], cwd=PROJECT_ROOT, env=os.environ | setting, stdout=out, stderr=out
        )
        waiting = Thread(target=lambda: (process.wait(), os.close(held)))
        waiting.start()
        try:
            for line in lines:
                yield read_schedule(line.strip())
        finally:
            process.kill()
            waiting.join()
            pipe.unlink()
            said.unlink()
        out.seek(0)
        assert process.returncode == 0, out.read()


def test_what_the_contract_pays_out_is_what_the_fold_says_on_random_schedules() -> None:
    tally: Counter[str] = Counter()
    for schedule in schedules(SCHEDULES):
        require_agreement(schedule)
        tally["schedules"] += 1
        tally.update({type(entry).__name__ for entry in schedule.entries})
    assert tally["schedules"] == SCHEDULES
    assert not [kind for kind in KINDS if not tally[kind.__name__]], tally
