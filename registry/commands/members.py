"""Members: admit, suspend."""

from __future__ import annotations

import secrets

from eth_account.signers.local import LocalAccount

from registry.chain.contract import Calls
from registry.chain.submit import account_address
from registry.commands.sending import Done, check, send_call, undone_if_refused
from registry.commands.services import MirrorLags, Services
from registry.domain.identifiers import Address, format_address
from registry.domain.merkle import SALT_BYTES
from registry.domain.profile import party_profile
from registry.domain.receivable import Role, SuspensionReason
from registry.domain.refusals import Refusal
from registry.store import records
from registry.store.database import Connection
from registry.store.queries import parties as party_queries

HANDLE_SHOWN_MAX = 100
"""Characters of a refused handle that the refusal repeats."""


class HandleMalformed(Refusal):
    """A handle that could not be used as a name, or means somebody else."""

    code = "handle_malformed"
    title = "That cannot be a handle"
    default_hint = "Letters, digits, dots and dashes, at most 64; operator, regulator, dev0, … and 0x… mean others"


class AlreadyMember(Refusal):
    """The party has an account here already: nobody is two members."""

    code = "already_member"
    status = 409
    title = "That party is known by another account"
    default_hint = "`counterfoil member list` shows its handle for --as; --address with its account admits it anew"


class HandleTaken(Refusal):
    """Another party has that handle."""

    code = "handle_taken"
    status = 409
    title = "Another party goes by that handle"
    default_hint = "`counterfoil member list` shows them; --handle gives this one another name"


def admit(
    services: Services,
    *,
    signer: LocalAccount,
    member: Address,
    name: str,
    identity: str | None,
    roles: Role,
    kyc_expiry: int,
    handle: str | None = None,
) -> tuple[Done, str]:
    """Admit a member and keep who it is; also its handle. `kyc_expiry` in seconds.

    A member that is admitted anew without an identity keeps the one it has.

    Raises NotAuthorised, MemberMalformed, HandleMalformed, AlreadyMember, HandleTaken.
    """
    if handle is not None and not records.is_handle(handle):
        raise HandleMalformed(f"{handle[:HANDLE_SHOWN_MAX]!r} cannot be a handle")
    with services.database.snapshot() as connection:
        before = party_queries.party_by_address(connection, member)
    if identity is None and before is not None:
        identity = before.identity
    salt = secrets.token_bytes(SALT_BYTES)
    profile = party_profile(name=name, identity=identity or "", salt=salt)
    data = Calls.admit(member=member, kyc_expiry=kyc_expiry, roles=int(roles), profile=profile)
    check(services, account_address(signer), data)
    with services.database.write() as connection:
        known = party_queries.party_by_address(connection, member)
        same = party_queries.party_by_identity(connection, identity) if identity else None
        if same is not None and same.address != member:
            raise AlreadyMember(
                f"{same.name} ({same.identity}) is {same.handle} already",
                hint=f"Use --as {same.handle}; `member add --address {format_address(same.address)}` admits it anew",
            )
        other = party_queries.party_by_handle(connection, handle) if handle else None
        if other is not None and other.address != member:
            raise HandleTaken(f"{other.name} is {other.handle}, {other.identity or 'without an identity'}")
        handle = handle or (known.handle if known else records.free_handle(connection, name))
        # Before the admission is sent, so that no profile on chain lacks its salt.
        records.save_profile(connection, profile=profile, address=member, name=name, identity=identity, salt=salt)
        if known is None:
            records.save_party(connection, address=member, handle=handle, name=name, identity=identity)

    def forget(connection: Connection) -> None:
        records.forget_profile(connection, profile=profile)
        if known is None:
            records.forget_party(connection, address=member)

    try:
        with undone_if_refused(services, forget):
            done = send_call(services, signer, data)
    except MirrorLags:  # the admission is on chain all the same
        _rename(services, member, handle=handle, name=name, identity=identity)
        raise
    _rename(services, member, handle=handle, name=name, identity=identity)
    return done, handle


def _rename(services: Services, member: Address, *, handle: str, name: str, identity: str | None) -> None:
    """Let the party's row say what its profile on chain now says."""
    with services.database.write() as connection:
        records.save_party(connection, address=member, handle=handle, name=name, identity=identity)


def suspend(services: Services, *, signer: LocalAccount, member: Address, reason: SuspensionReason) -> Done:
    """Suspend a member. Raises NotAuthorised, UnknownMember."""
    return send_call(services, signer, Calls.suspend(member=member, reason=int(reason)))
