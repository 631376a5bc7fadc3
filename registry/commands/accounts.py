"""Who acts: `--as` is the handle of a party, the name of a keystore, an address, or dev0, dev1, … on the dev chain."""

from __future__ import annotations

import getpass
import json
import re
import sys
from difflib import get_close_matches
from itertools import islice
from pathlib import Path
from typing import NoReturn

from eth_account import Account
from eth_account.signers.local import LocalAccount
from eth_account.types import Blobs, TransactionDictType
from eth_typing import ChecksumAddress, HexAddress, HexStr

from registry.chain.devchain import dev_account
from registry.chain.rpc import Node
from registry.chain.submit import account_address
from registry.commands.services import Services
from registry.domain.identifiers import Address, IdMalformed, format_address, parse_address
from registry.domain.refusals import Refusal
from registry.settings import settings
from registry.store.queries import parties as party_queries
from registry.store.queries.pages import every

DEV_ACCOUNTS_SEARCHED = 256
"""Dev accounts among which the key of an address is looked for."""

HANDLES_COMPARED_MAX = 10_000
"""Handles among which the one that was meant is looked for, when a name is not found."""

SUGGESTIONS_MAX = 3
DEV_BALANCE_WEI = 10**21
OPERATOR = "operator"


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


class Rehearsed(Exception):
    """Comes in place of the first signature in a rehearsal: up to here nothing was refused.

    `gas` is the estimate of the transaction, None for a message.
    """

    def __init__(self, gas: int | None) -> None:
        self.gas = gas
        super().__init__("nothing was signed")


class RehearsalAccount(LocalAccount):
    """An account without its key, for rehearsals: raises Rehearsed where it should sign."""

    def __init__(self, node: Node, address: Address) -> None:
        self._publicapi = Account()
        self._node = node
        self._of = address

    @property
    def address(self) -> ChecksumAddress:
        """Whose key is not used, with checksum."""
        return ChecksumAddress(HexAddress(HexStr(format_address(self._of))))

    @property
    def key(self) -> NoReturn:
        """Every signature asks for it. Raises Rehearsed."""
        raise Rehearsed(None)

    def sign_transaction(self, transaction_dict: TransactionDictType, blobs: Blobs | None = None) -> NoReturn:  # noqa: ARG002  (its interface)
        """Raises Rehearsed with the estimate."""
        to, data = transaction_dict.get("to"), transaction_dict["data"]
        assert isinstance(data, bytes)  # as registry.chain.submit makes them
        raise Rehearsed(
            self._node.estimate_gas(to=None if to is None else parse_address(str(to)), data=data, sender=self._of)
        )


def address_of(services: Services, name: str) -> Address:
    """The address behind a handle, a keystore's name, an address or devN; blanks around it do not count.

    Raises UnknownAccount, KeystoreLocked, IdMalformed.
    """
    name = name.strip()
    if name.startswith("0x"):
        return parse_address(name)
    if name == OPERATOR:
        return services.deployment.operator
    index = _dev_index(services, name)
    if index is not None:
        return account_address(dev_account(index))
    with services.database.snapshot() as connection:
        party = party_queries.party_by_handle(connection, name)
    keystore = _keystore(services.home, name)
    if keystore is None:
        if party is None:
            raise UnknownAccount(f"{name!r} is no handle, keystore or address", hint=_meant(services, name))
        return party.address
    found = _keystore_address(keystore)
    if found is None:
        raise KeystoreLocked(f"{keystore.name} is no keystore: it names no address")
    if party is not None and party.address != found:
        raise UnknownAccount(
            f"{name!r} is the handle of {format_address(party.address)} and a keystore of {format_address(found)}",
            hint="Name the address, or rename the keystore",
        )
    return found


def signer_of(services: Services, name: str) -> LocalAccount:
    """The key behind a name, ready to sign; in a rehearsal an account that does not.

    Raises UnknownAccount, KeystoreLocked, IdMalformed.
    """
    address = address_of(services, name)
    if services.rehearsal:
        return RehearsalAccount(services.node, address)
    for candidate in sorted((services.home / "keys").glob("*.json")):
        if _keystore_address(candidate) == address:
            return _open(candidate, address)
    if services.is_dev_chain:
        for index in range(DEV_ACCOUNTS_SEARCHED):
            account = dev_account(index)
            if account_address(account) == address:
                return account
    raise UnknownAccount(f"there is no key for {name} ({format_address(address)}) here")


def next_dev_address(services: Services) -> Address:
    """The first dev account that is neither the operator nor a party's, with coins for gas. Raises UnknownAccount."""
    if not services.is_dev_chain:
        raise UnknownAccount("there are dev accounts only on the dev chain", hint="Name the member's --address")
    with services.database.snapshot() as connection:
        for index in range(DEV_ACCOUNTS_SEARCHED):
            address = account_address(dev_account(index))
            if address == services.deployment.operator or party_queries.party_by_address(connection, address):
                continue
            if not services.rehearsal:
                services.node.request("anvil_setBalance", format_address(address), hex(DEV_BALANCE_WEI))
            return address
    raise UnknownAccount(f"all {DEV_ACCOUNTS_SEARCHED} dev accounts are taken", hint="Name the member's --address")


def _meant(services: Services, name: str) -> str | None:
    """A hint that names what was probably meant, None where nothing is near."""
    with services.database.snapshot() as connection:
        parties = every(lambda after: party_queries.parties(connection, after=after))
        known = [party.handle for party in islice(parties, HANDLES_COMPARED_MAX)]
    known += [OPERATOR, *(keystore.stem for keystore in (services.home / "keys").glob("*.json"))]
    wanted = name.casefold()
    begun = [handle for handle in known if wanted and handle.startswith(wanted)]
    near = begun[:SUGGESTIONS_MAX] or get_close_matches(wanted, known, n=SUGGESTIONS_MAX)
    return f"Did you mean {' or '.join(near)}? `counterfoil member list` shows all handles" if near else None


def _dev_index(services: Services, name: str) -> int | None:
    match = re.fullmatch(r"dev(0|[1-9][0-9]{0,2})", name)
    if match is None or not services.is_dev_chain or int(match[1]) >= DEV_ACCOUNTS_SEARCHED:
        return None
    return int(match[1])


def _keystore(home: Path, name: str) -> Path | None:
    if re.fullmatch(r"[A-Za-z0-9][A-Za-z0-9._-]{0,63}", name) is None:
        return None
    path = home / "keys" / f"{name}.json"
    return path if path.is_file() else None


def _keystore_address(keystore: Path) -> Address | None:
    """The address that a keystore names, with or without 0x and in any case; None if the file is no keystore."""
    try:
        return parse_address("0x" + str(json.loads(keystore.read_text())["address"]).lower().removeprefix("0x"))
    except (OSError, ValueError, TypeError, LookupError, IdMalformed):
        return None


def _open(keystore: Path, address: Address) -> LocalAccount:
    try:
        key = Account.decrypt(json.loads(keystore.read_text()), _password(keystore))
    except (ValueError, TypeError, LookupError) as error:
        raise KeystoreLocked(f"{keystore.name}: the password is wrong or the file is no keystore") from error
    account: LocalAccount = Account.from_key(key)
    if account_address(account) != address:
        # The address in a keystore is plain text: anyone who can write the file can write another one there.
        raise KeystoreLocked(f"{keystore.name} holds the key of {account.address}, not of the address it names")
    return account


def _password(keystore: Path) -> str:
    file = settings().keystore_password_file
    if file is not None:
        try:
            return file.read_text().rstrip("\n")
        except OSError as error:
            raise KeystoreLocked(f"COUNTERFOIL_KEYSTORE_PASSWORD_FILE: {error.strerror}") from error
    if not sys.stdin.isatty():
        raise KeystoreLocked(f"{keystore.name} needs a password and there is no terminal to ask at")
    return getpass.getpass(f"Password of {keystore.name}: ")
