"""What somebody signed, given up before anybody submits it."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Sequence
from pathlib import Path

from eth_account.signers.local import LocalAccount

from registry.chain.contract import Calls, SignaturesView
from registry.chain.deposits import DepositView, SignedPermit
from registry.chain.quotes import SignedAcceptance
from registry.chain.reverts import PermitInvalid
from registry.chain.submit import account_address
from registry.chain.typed_data import SignedOperation
from registry.commands import deposits, quotes
from registry.commands.accounts import rehearsed_as_first
from registry.commands.orders import OrderDocument
from registry.commands.sending import Contract, Done, nonce_is_used, registry_of, send_call
from registry.commands.services import Services
from registry.commands.signing import DocumentOfAnotherKind, NotTheSigner, read_json, read_signed, require_here
from registry.domain.identifiers import Address, format_address
from registry.domain.rules import NonceUsed
from registry.store.nonces import NONCES_PER_WORD

Given = SignedOperation | SignedAcceptance
"""What is signed with a nonce of which any can be given up, at the registry or at the desk."""


def read(path: Path) -> tuple[Given, ...] | SignedPermit:
    """What a member or an officer signed, of a stranger's file.

    Raises what OrderDocument.read and read_signed raise, QuoteMalformed, PermitMalformed.
    """
    document = read_json(path)
    found = document if isinstance(document, dict) else {}
    if "operations" in found:
        return OrderDocument.read(path).operations
    if "acceptance" in found:
        return (SignedAcceptance.from_json(document),)
    if "quote" in found:
        raise DocumentOfAnotherKind(f"{path.name} is a quote", hint="`counterfoil quote cancel` gives it up")
    return SignedPermit.from_json(document) if "permit" in found else (read_signed(path),)


def cancel(services: Services, *, signer: LocalAccount, given: Sequence[Given]) -> list[Done]:
    """Give up signatures before anybody submits them; of several, those that still count.

    Raises SignedForAnother, NotTheSigner, and NonceUsed where none counts any more.
    """
    own = []
    for one in given:
        signatures = _signatures(services, one)
        found = [(taker, nonce) for taker, by, nonce in signatures if by == account_address(signer)]
        if not found:
            raise NotTheSigner(f"{' and '.join(format_address(by) for _, by, _ in signatures)} signed it")
        own += found
    masks: defaultdict[tuple[Contract, int], int] = defaultdict(int)
    for taker, nonce in own:
        view = SignaturesView(services.node, taker.address, taker.abi)
        if not nonce_is_used(view, account_address(signer), nonce):
            word, bit = divmod(nonce, NONCES_PER_WORD)
            masks[taker, word] |= 1 << bit
    if not masks:
        raise NonceUsed()
    with rehearsed_as_first(len(masks)):
        # The desk's function is called as the registry's is.
        return [
            send_call(services, signer, Calls.cancel_nonces(word=word, mask=mask), to=taker)
            for (taker, word), mask in masks.items()
        ]


def cancel_permit(services: Services, *, signer: LocalAccount, permitted: SignedPermit) -> Done:
    """Use up the nonce that a permit needs, by a permit to oneself: what others may take stays as it is.

    Raises SignedForAnother, NotTheSigner, PermitExpired, and PermitInvalid where its nonce is not the owner's next.
    """
    contract, given = deposits.token_for(services, permitted), permitted.permit
    if given.owner != account_address(signer):
        raise NotTheSigner(f"{format_address(given.owner)} signed it")
    token = DepositView(services.node, contract.address)
    following = token.permit_nonce(given.owner)
    if given.nonce != following:
        raise PermitInvalid(
            f"it has nonce {given.nonce}, and the owner's next one is {following}",
            hint="If it was submitted, `counterfoil deposit allow 0 CUR --spender NAME` ends what it allowed",
        )
    instead = deposits.permit(token, signer, spender=given.owner, amount=0, deadline=given.deadline)
    return send_call(services, signer, instead.call(), to=contract)


# ---------------------------------------------------------------- internal


def _signatures(services: Services, given: Given) -> list[tuple[Contract, Address, int]]:
    """Who takes each signature, who gave it, and its nonce. Raises SignedForAnother."""
    if isinstance(given, SignedAcceptance):
        own = (quotes.desk_for(services, given.quote), given.quote.quote.holder, given.acceptance.nonce)
        return [own, *(_signatures(services, given.approval) if given.approval is not None else ())]
    require_here(services, given)
    return [(registry_of(services), by.signer, by.nonce) for by in (given.by, given.second) if by is not None]
