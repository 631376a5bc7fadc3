"""Members and who acts for them: handles, keystores, dev keys."""

from __future__ import annotations

import json
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import pytest
from eth_account import Account
from eth_account.messages import encode_defunct

from registry.chain.devchain import dev_account
from registry.chain.rpc import Node, NodeUnreachable, Receipt
from registry.commands import accounts, claims, members, sending
from registry.commands.home import RehearsalDatabase
from registry.commands.names import address_of
from registry.commands.services import MirrorLags, Services, master_key
from registry.domain.identifiers import format_address
from registry.domain.journal import MemberAdmitted, MemberSuspended
from registry.domain.receivable import Role, SuspensionReason
from registry.domain.rules import NotAuthorised
from registry.mirror.reconcile import reconcile
from registry.settings import settings
from registry.store.queries import parties as party_queries
from registry.store.queries.parties import PartyRow
from tests.commands.desk import PARTIES, Desk, changes, refused, table_digests
from tests.scene import BANK, BUYER, OPERATOR, SELLER, STRANGER, SUPPLIER, YEAR_SECONDS

GAS_OF_SALTS_MAX = 500
"""Calldata costs less where its random bytes are zero."""

TYPED = {
    "types": {"EIP712Domain": [{"name": "name", "type": "string"}], "Mail": [{"name": "text", "type": "string"}]},
    "primaryType": "Mail",
    "domain": {"name": "Mail"},
    "message": {"text": "pay"},
}


@pytest.fixture(autouse=True)
def _settings_of_this_test(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    monkeypatch.delenv("COUNTERFOIL_KEYSTORE_PASSWORD_FILE", raising=False)
    settings.cache_clear()
    yield
    settings.cache_clear()


def admit(
    desk: Desk, *, person: int, name: str = "New One Ltd", identity: str | None = None, **named: object
) -> tuple[sending.Done, str]:
    arguments: dict[str, object] = {
        "signer": dev_account(OPERATOR),
        "roles": Role.SUPPLIER,
        "kyc_expiry": desk.scene.now + YEAR_SECONDS,
    }
    return members.admit(
        desk.services,
        member=desk.scene.address(person),
        name=name,
        identity=identity,
        **{**arguments, **named},  # type: ignore[arg-type]
    )


def party(desk: Desk, person: int) -> PartyRow | None:
    with desk.services.database.snapshot() as connection:
        return party_queries.party_by_address(connection, desk.scene.address(person))


def differences(desk: Desk) -> list[object]:
    report = reconcile(
        desk.services.database, desk.services.node, contract=desk.services.deployment.receivables, deep=True
    )
    return list(report.differences)


# ------------------------------------------------------------------- rehearsals


def test_an_account_that_rehearses_gives_no_signature_of_any_kind(shared_desk: Desk) -> None:
    services = replace(shared_desk.services, rehearsal=True)
    account = accounts.signer_of(services, "dev0")
    assert account.address == dev_account(0).address
    message = encode_defunct(text="pay")
    for sign in (
        lambda: account.sign_message(message),
        lambda: account.unsafe_sign_hash(bytes(32)),
        lambda: account.sign_typed_data(full_message=TYPED),
        lambda: account.sign_authorization({"chainId": 1, "address": "0x" + "00" * 20, "nonce": 0}),
        lambda: account.encrypt("password"),
        lambda: bytes(account),
    ):
        with pytest.raises(accounts.Rehearsed) as rehearsed:
            sign()
        assert rehearsed.value.gas is None


def test_a_rehearsed_operation_is_refused_as_ever_and_ends_at_its_signature(desk: Desk) -> None:
    database = RehearsalDatabase(desk.services.database.url)
    services = replace(desk.services, database=database, rehearsal=True)
    path, seller = desk.invoice(), desk.scene.address(SELLER)
    gas = claims.prepare(services, path, originator=seller, due=None).gas
    before = (desk.services.node.head(), table_digests(desk.services.database))
    with pytest.raises(accounts.Rehearsed) as rehearsed:
        claims.register(services, path, signer=accounts.signer_of(services, format_address(seller)), due=None)
    assert abs(rehearsed.value.gas - gas) < GAS_OF_SALTS_MAX
    with refused(desk, "not_the_seller"):
        claims.register(services, path, signer=accounts.signer_of(services, "dev200"), due=None)
    database.dispose()
    assert (desk.services.node.head(), table_digests(desk.services.database)) == before


# --------------------------------------------------------------------- members


def test_a_member_gets_a_handle_from_its_name(desk: Desk) -> None:
    done, handle = admit(desk, person=STRANGER, name="Über & Sons Ltd.", identity="vat:GB1")
    assert isinstance(done.entry, MemberAdmitted)
    assert handle == "uber-sons"
    kept = party(desk, STRANGER)
    assert kept is not None
    assert (kept.handle, kept.name, kept.identity) == ("uber-sons", "Über & Sons Ltd.", "vat:GB1")
    assert differences(desk) == []


def test_a_member_admitted_anew_keeps_its_handle(desk: Desk) -> None:
    before = party(desk, SELLER)
    assert before is not None
    assert desk.admit(SELLER) == before.handle
    assert party(desk, SELLER) == before
    assert differences(desk) == []


def test_a_suspended_member_is_one_again_after_it_is_admitted_anew(desk: Desk) -> None:
    done = members.suspend(
        desk.services, signer=dev_account(OPERATOR), member=desk.scene.address(SELLER), reason=SuspensionReason.KYC
    )
    assert isinstance(done.entry, MemberSuspended)
    desk.admit(SELLER)
    desk.registered()


@pytest.mark.parametrize(
    ("handle", "identity", "code"),
    [
        ("hafenbank", "vat:GB1", "handle_taken"),
        (None, PARTIES[BANK][1], "already_member"),
        ("fresh", PARTIES[BANK][1], "already_member"),
        ("hafenbank", PARTIES[BANK][1], "already_member"),
    ],
    ids=["handle", "identity", "identity under a fresh handle", "both"],
)
def test_two_parties_share_neither_handle_nor_identity(
    shared_desk: Desk, handle: str | None, identity: str, code: str
) -> None:
    with refused(shared_desk, code) as caught:
        admit(shared_desk, person=STRANGER, handle=handle, identity=identity)
    assert "hafenbank" in caught.value.detail
    if code == "already_member":
        assert caught.value.hint.startswith("Use --as hafenbank;")


@pytest.mark.parametrize("handle", ["operator", "dev3", "0xabc", "", "two words", "../keys", "a" * 65])
def test_a_handle_must_be_a_name_that_finds_its_party(shared_desk: Desk, handle: str) -> None:
    with refused(shared_desk, "handle_malformed"):
        admit(shared_desk, person=STRANGER, handle=handle)


@pytest.mark.parametrize("person", [SELLER, BUYER, STRANGER])
def test_only_the_operator_admits_and_suspends(shared_desk: Desk, person: int) -> None:
    with refused(shared_desk, "not_authorised"):
        admit(shared_desk, person=STRANGER, signer=dev_account(person))
    with refused(shared_desk, "not_authorised"):
        members.suspend(
            shared_desk.services,
            signer=dev_account(person),
            member=shared_desk.scene.address(SELLER),
            reason=SuspensionReason.OTHER,
        )


def test_nobody_is_admitted_without_a_role_or_with_a_kyc_that_has_expired(shared_desk: Desk) -> None:
    with refused(shared_desk, "member_malformed"):
        admit(shared_desk, person=STRANGER, roles=Role(0))
    with refused(shared_desk, "member_malformed"):
        admit(shared_desk, person=STRANGER, kyc_expiry=shared_desk.scene.now)


def test_whoever_is_no_member_cannot_be_suspended(shared_desk: Desk) -> None:
    with refused(shared_desk, "unknown_member"):
        members.suspend(
            shared_desk.services,
            signer=dev_account(OPERATOR),
            member=shared_desk.scene.address(STRANGER),
            reason=SuspensionReason.OTHER,
        )


def test_an_admission_that_the_contract_refuses_leaves_the_parties_as_they_were(
    desk: Desk, monkeypatch: pytest.MonkeyPatch
) -> None:
    # The contract's answer changes between the check and the transaction: here the check is left out.
    monkeypatch.setattr(members, "check", lambda *_: 0)
    before = desk.state()
    for person in (SELLER, STRANGER):
        with pytest.raises(NotAuthorised):
            admit(desk, person=person, signer=dev_account(BUYER))
    assert changes(before, desk.state()) == set()


def test_an_admission_on_chain_keeps_its_salt_when_the_mirror_lags(desk: Desk, monkeypatch: pytest.MonkeyPatch) -> None:
    def lagging(*_: object) -> None:
        raise MirrorLags()

    monkeypatch.setattr(Services, "mirrored", lagging)
    for person in (SELLER, STRANGER):
        with pytest.raises(MirrorLags):
            admit(desk, person=person)
    monkeypatch.undo()
    desk.services.follower().catch_up()
    assert party(desk, STRANGER) is not None
    assert differences(desk) == []


def test_an_admission_that_could_not_be_sent_is_made_good_by_repeating_it(
    desk: Desk, monkeypatch: pytest.MonkeyPatch
) -> None:
    def unreachable(*_: object, **__: object) -> Receipt:
        raise NodeUnreachable("gone")

    monkeypatch.setattr(sending, "send", unreachable)
    for person in (SELLER, STRANGER):
        with pytest.raises(NodeUnreachable):
            admit(desk, person=person)
    monkeypatch.undo()
    for person in (SELLER, STRANGER):
        admit(desk, person=person)
    assert differences(desk) == []


# ---------------------------------------------------------------------- names


@pytest.mark.parametrize("name", ["operator", "dev0"])
def test_the_operator_is_known_by_its_name_and_its_dev_key(shared_desk: Desk, name: str) -> None:
    assert address_of(shared_desk.services, name) == shared_desk.scene.address(OPERATOR)
    assert accounts.signer_of(shared_desk.services, name).address == dev_account(OPERATOR).address


def test_a_party_acts_by_its_handle_or_its_address(shared_desk: Desk) -> None:
    address = shared_desk.scene.address(BANK)
    for name in ("hafenbank", format_address(address), format_address(address).lower()):
        assert accounts.signer_of(shared_desk.services, name).address == dev_account(BANK).address


@pytest.mark.parametrize("name", ["nobody", "dev256", "dev-1", "dev01", "", "../../etc/passwd"])
def test_an_unknown_name_is_refused(shared_desk: Desk, name: str) -> None:
    with refused(shared_desk, "unknown_account"):
        accounts.signer_of(shared_desk.services, name)
    with refused(shared_desk, "unknown_account"):
        address_of(shared_desk.services, name)


@pytest.mark.parametrize("name", ["0x12", "0x" + "zz" * 20, "0x5aAeb6053F3E94C9b9A09f33669435E7Ef1BeAeD"])
def test_a_mistyped_address_is_refused(shared_desk: Desk, name: str) -> None:
    with refused(shared_desk, "id_malformed"):
        accounts.signer_of(shared_desk.services, name)


def test_an_address_whose_key_is_not_here_does_not_sign(shared_desk: Desk, monkeypatch: pytest.MonkeyPatch) -> None:
    # Deriving a dev key takes 10 ms, and all would be looked through.
    monkeypatch.setattr(accounts, "DEV_ACCOUNTS_SEARCHED", 16)
    with refused(shared_desk, "unknown_account"):
        accounts.signer_of(shared_desk.services, "0x" + "11" * 20)


def test_the_next_dev_address_is_free_and_has_coins(desk: Desk) -> None:
    address = accounts.next_dev_address(desk.services)
    assert address == desk.scene.address(STRANGER)
    assert int(desk.services.node.request("eth_getBalance", format_address(address), "latest"), 16) > 0


def test_dev_keys_are_refused_where_the_chain_is_not_the_dev_chain(shared_desk: Desk) -> None:
    services = elsewhere(shared_desk)
    for name in ("dev0", "operator", "hafenbank", format_address(shared_desk.scene.address(SUPPLIER))):
        with refused(shared_desk, "unknown_account"):
            accounts.signer_of(services, name)
    with refused(shared_desk, "unknown_account"):
        accounts.next_dev_address(services)


# ------------------------------------------------------------------- keystores


def elsewhere(desk: Desk) -> Services:
    """The same registry as if its chain were another one."""
    node = Node(desk.services.node.url)
    node._chain_id = 1
    return Services(desk.services.home, node, desk.services.database, desk.services.deployment)


def write_keystore(desk: Desk, *, name: str, person: int) -> Path:
    # Few iterations: the real number takes a second, and not its strength is tried here.
    content = Account.encrypt(dev_account(person).key, "correct horse", kdf="pbkdf2", iterations=2)
    path = desk.services.home / "keys" / f"{name}.json"
    path.parent.mkdir(exist_ok=True)
    path.write_text(json.dumps(content))
    return path


def set_password(desk: Desk, monkeypatch: pytest.MonkeyPatch, password: str) -> None:
    monkeypatch.setenv("COUNTERFOIL_KEYSTORE_PASSWORD_FILE", str(desk.write(password.encode(), name="password.txt")))
    settings.cache_clear()


def test_a_keystore_opens_with_its_password_on_any_chain(desk: Desk, monkeypatch: pytest.MonkeyPatch) -> None:
    write_keystore(desk, name="treasury", person=BANK)
    set_password(desk, monkeypatch, "correct horse\n")
    for services in (desk.services, elsewhere(desk)):
        # By its own name, by the party's handle and by the address that it is the key of.
        for name in ("treasury", "hafenbank", format_address(desk.scene.address(BANK))):
            assert accounts.signer_of(services, name).address == dev_account(BANK).address
    assert address_of(desk.services, "treasury") == desk.scene.address(BANK)


def test_a_keystore_stays_locked_without_its_password(desk: Desk, monkeypatch: pytest.MonkeyPatch) -> None:
    write_keystore(desk, name="treasury", person=BANK)
    set_password(desk, monkeypatch, "wrong")
    with refused(desk, "keystore_locked"):
        accounts.signer_of(desk.services, "treasury")
    monkeypatch.setenv("COUNTERFOIL_KEYSTORE_PASSWORD_FILE", str(desk.folder / "missing.txt"))
    settings.cache_clear()
    with refused(desk, "keystore_locked"):
        accounts.signer_of(desk.services, "treasury")
    # pytest's stdin is no terminal to ask at.
    monkeypatch.delenv("COUNTERFOIL_KEYSTORE_PASSWORD_FILE")
    settings.cache_clear()
    with refused(desk, "keystore_locked"):
        accounts.signer_of(desk.services, "treasury")


@pytest.mark.parametrize("content", ["", "{}", "[]", "null", '"text"', '{"address": "zz"}', '{"address": 1}'])
def test_a_file_that_is_no_keystore_is_refused(
    shared_desk: Desk, monkeypatch: pytest.MonkeyPatch, content: str
) -> None:
    path = write_keystore(shared_desk, name="broken", person=BANK)
    path.write_text(content)
    set_password(shared_desk, monkeypatch, "correct horse")
    with refused(shared_desk, "keystore_locked"):
        accounts.signer_of(shared_desk.services, "broken")
    with refused(shared_desk, "keystore_locked"):
        address_of(shared_desk.services, "broken")
    # It does not stand in the way of the others either.
    assert accounts.signer_of(shared_desk.services, "hafenbank").address == dev_account(BANK).address


def test_the_fingerprint_key_is_made_once_and_readable_by_its_owner_only(tmp_path: Path) -> None:
    key = master_key(tmp_path)
    assert len(key) == 32
    assert master_key(tmp_path) == key
    path = tmp_path / "keys" / "fingerprint.key"
    assert path.stat().st_mode & 0o777 == 0o600
    assert path.parent.stat().st_mode & 0o777 == 0o700
    assert list(path.parent.iterdir()) == [path]
