"""Whom a name means: the handle of a party, a keystore's name, an address, operator or settlement-bank; on the dev
chain also regulator, officer-one, officer-two, and dev0, dev1, …

Without the chain's libraries, which are slow to load: only devN needs them.
"""

from __future__ import annotations

import json
import re
from difflib import get_close_matches
from itertools import islice
from pathlib import Path
from typing import Protocol

from registry.domain.identifiers import Address, IdMalformed, format_address, parse_address
from registry.domain.refusals import Refusal
from registry.store.database import Database
from registry.store.queries import parties as party_queries
from registry.store.queries.pages import every

DEV_ACCOUNTS_SEARCHED = 256
"""Dev accounts among which the key of an address is looked for."""

HANDLES_COMPARED_MAX = 10_000
"""Handles among which the one that was meant is looked for, when a name is not found."""

SUGGESTIONS_MAX = 3
OPERATOR = "operator"
SETTLEMENT_BANK = "settlement-bank"
REGULATOR = "regulator"
OFFICERS = ("officer-one", "officer-two")


class Registry(Protocol):
    """Where names are looked up."""

    @property
    def home(self) -> Path:
        """The home folder, whose keystores have names."""

    @property
    def database(self) -> Database:
        """Where the handles are."""

    @property
    def operator(self) -> Address:
        """Whom "operator" means."""

    @property
    def settlement_bank(self) -> Address:
        """Whom "settlement-bank" means."""

    @property
    def is_dev_chain(self) -> bool:
        """Whether devN means somebody."""


class UnknownAccount(Refusal):
    """`--as` or `--to` names nobody we know, or nobody whose key we have."""

    code = "unknown_account"
    status = 404
    title = "Nobody is known by that name"
    default_hint = "`counterfoil member list` shows the handles; a keystore is a file NAME.json in the keys folder"


class KeystoreLocked(Refusal):
    """The keystore's password is missing or wrong."""

    code = "keystore_locked"
    status = 403
    title = "The keystore cannot be opened"
    default_hint = "Put the password into a file and name the file in COUNTERFOIL_KEYSTORE_PASSWORD_FILE"


def address_of(registry: Registry, name: str) -> Address:
    """The address behind a handle, a keystore's name, an address or devN; blanks around it do not count.

    Raises UnknownAccount, KeystoreLocked, IdMalformed.
    """
    name = name.strip()
    if name.startswith("0x"):
        return parse_address(name)
    if name == OPERATOR:
        return registry.operator
    if name == SETTLEMENT_BANK:
        return registry.settlement_bank
    index = _dev_index(name)
    # Asked last: to know which chain it is takes the chain's libraries.
    if index is not None and registry.is_dev_chain:
        return _dev_address(index)
    with registry.database.snapshot() as connection:
        party = party_queries.party_by_handle(connection, name)
    keystore = _keystore(registry.home, name)
    if keystore is None:
        if party is None:
            raise UnknownAccount(f"{name!r} is no handle, keystore or address", hint=_meant(registry, name))
        return party.address
    found = keystore_address(keystore)
    if found is None:
        raise KeystoreLocked(f"{keystore.name} is no keystore: it names no address")
    if party is not None and party.address != found:
        raise UnknownAccount(
            f"{name!r} is the handle of {format_address(party.address)} and a keystore of {format_address(found)}",
            hint="Name the address, or rename the keystore",
        )
    return found


def address_of_key(home: Path, name: str, *, is_dev_chain: bool) -> Address:
    """The address behind a keystore's name, an address or devN: as address_of, where there is no database.

    Raises UnknownAccount, KeystoreLocked, IdMalformed.
    """
    name = name.strip()
    if name.startswith("0x"):
        return parse_address(name)
    index = _dev_index(name)
    if index is not None and is_dev_chain:
        return _dev_address(index)
    keystore = _keystore(home, name)
    if keystore is None:
        raise UnknownAccount(f"{name!r} is no keystore and no address", hint="A keystore is keys/NAME.json")
    found = keystore_address(keystore)
    if found is None:
        raise KeystoreLocked(f"{keystore.name} is no keystore: it names no address")
    return found


def _dev_address(index: int) -> Address:
    from registry.chain.devchain import dev_account  # noqa: PLC0415
    from registry.chain.submit import account_address  # noqa: PLC0415

    return account_address(dev_account(index))


def _meant(registry: Registry, name: str) -> str | None:
    """A hint that names what was probably meant, None where nothing is near."""
    with registry.database.snapshot() as connection:
        parties = every(lambda after: party_queries.parties(connection, after=after))
        known = [party.handle for party in islice(parties, HANDLES_COMPARED_MAX)]
    known += [OPERATOR, SETTLEMENT_BANK, *(keystore.stem for keystore in (registry.home / "keys").glob("*.json"))]
    if registry.is_dev_chain:
        known += [REGULATOR, *OFFICERS]
    wanted = name.casefold()
    begun = [handle for handle in known if wanted and handle.startswith(wanted)]
    near = begun[:SUGGESTIONS_MAX] or get_close_matches(wanted, known, n=SUGGESTIONS_MAX)
    return f"Did you mean {' or '.join(near)}? `counterfoil member list` shows all handles" if near else None


def _dev_index(name: str) -> int | None:
    if name in (REGULATOR, *OFFICERS):
        from registry.chain import devchain  # noqa: PLC0415

        return devchain.REGULATOR if name == REGULATOR else devchain.OFFICERS[OFFICERS.index(name)]
    match = re.fullmatch(r"dev(0|[1-9][0-9]{0,2})", name)
    if match is None or int(match[1]) >= DEV_ACCOUNTS_SEARCHED:
        return None
    return int(match[1])


def _keystore(home: Path, name: str) -> Path | None:
    if re.fullmatch(r"[A-Za-z0-9][A-Za-z0-9._-]{0,63}", name) is None:
        return None
    path = home / "keys" / f"{name}.json"
    return path if path.is_file() else None


def keystore_address(keystore: Path) -> Address | None:
    """The address that a keystore names, with or without 0x and in any case; None if the file is no keystore."""
    try:
        return parse_address("0x" + str(json.loads(keystore.read_text())["address"]).lower().removeprefix("0x"))
    except (OSError, ValueError, TypeError, LookupError, IdMalformed):
        return None
