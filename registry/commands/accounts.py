"""Who acts, with a key: keystores and dev accounts, and the account that rehearses."""

from __future__ import annotations

import getpass
import json
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import NoReturn

from eth_account import Account
from eth_account.signers.local import LocalAccount
from eth_account.types import Blobs, TransactionDictType
from eth_typing import ChecksumAddress, HexAddress, HexStr

from registry.chain.devchain import OFFICIALS, dev_account
from registry.chain.rpc import Node
from registry.chain.submit import account_address
from registry.commands.names import DEV_ACCOUNTS_SEARCHED, KeystoreLocked, UnknownAccount, address_of, keystore_address
from registry.commands.services import Services
from registry.domain.identifiers import Address, format_address, parse_address
from registry.settings import settings
from registry.store.queries import parties as party_queries

DEV_BALANCE_WEI = 10**21


class Rehearsed(Exception):
    """Comes in place of the first signature in a rehearsal: up to here nothing was refused.

    `gas` is the estimate of the transaction, None for a message. Of several transactions it is the first one's: what
    the others take depends on what it did.
    """

    def __init__(self, gas: int | None, *, transactions: int = 1) -> None:
        self.gas = gas
        self.transactions = transactions
        super().__init__("nothing was signed")


@contextmanager
def rehearsed_as_first(transactions: int) -> Iterator[None]:
    """What is sent in the block is that many transactions: a rehearsal says so."""
    try:
        yield
    except Rehearsed as first:
        raise Rehearsed(first.gas, transactions=transactions) from first


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


def signer_of(services: Services, name: str) -> LocalAccount:
    """The key behind a name, ready to sign; in a rehearsal an account that does not.

    Raises UnknownAccount, KeystoreLocked, IdMalformed.
    """
    address = address_of(services, name)
    if services.rehearsal:
        return RehearsalAccount(services.node, address)
    return key_of(services.home, address, name=name, is_dev_chain=services.is_dev_chain)


def key_of(home: Path, address: Address, *, name: str, is_dev_chain: bool) -> LocalAccount:
    """The key of an address, which somebody named so. Raises UnknownAccount, KeystoreLocked."""
    for candidate in sorted((home / "keys").glob("*.json")):
        if keystore_address(candidate) == address:
            return _open(candidate, address)
    if is_dev_chain:
        for index in range(DEV_ACCOUNTS_SEARCHED):
            account = dev_account(index)
            if account_address(account) == address:
                return account
    raise UnknownAccount(f"there is no key for {name} ({format_address(address)}) here")


def next_dev_address(services: Services) -> Address:
    """The first dev account that is neither the operator's, the regulator's nor a party's, with coins for gas.

    Raises UnknownAccount.
    """
    if not services.is_dev_chain:
        raise UnknownAccount("there are dev accounts only on the dev chain", hint="Name the member's --address")
    with services.database.snapshot() as connection:
        for index in range(DEV_ACCOUNTS_SEARCHED):
            if index in OFFICIALS:
                continue
            address = account_address(dev_account(index))
            if address == services.deployment.operator or party_queries.party_by_address(connection, address):
                continue
            if not services.rehearsal:
                services.node.request("anvil_setBalance", format_address(address), hex(DEV_BALANCE_WEI))
            return address
    raise UnknownAccount(f"all {DEV_ACCOUNTS_SEARCHED} dev accounts are taken", hint="Name the member's --address")


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
