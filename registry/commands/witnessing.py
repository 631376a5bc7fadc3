"""Witnesses: one at work, from settings, keys and the deployment's record alone; and what witnesses hand over, kept."""

from __future__ import annotations

import logging
import urllib.error
import urllib.request
from collections import deque
from collections.abc import Iterable, Iterator
from contextlib import closing, contextmanager
from pathlib import Path

from registry.chain import deploy
from registry.chain.deploy import Deployment
from registry.chain.devchain import CHAIN_ID as DEV_CHAIN_ID
from registry.chain.rpc import Node
from registry.chain.submit import account_address
from registry.chain.urls import describe
from registry.commands.accounts import key_of
from registry.commands.home import NothingHere, Running
from registry.commands.names import address_of_key
from registry.domain.identifiers import format_address
from registry.domain.keccak import keccak256
from registry.errors import Refusal, ServiceError
from registry.settings import Settings
from registry.store import records
from registry.store.database import Database
from registry.store.queries import attestations as queries
from registry.store.queries.attestations import AttestationRow
from registry.verification.attestation import Attestation
from registry.verification.verify import Pins
from registry.verification.witness import Signed, Witness

PUBLISH_PATH = "/v1/verification/attestations"
PUBLISH_SECONDS_MAX = 20
UNPUBLISHED_MAX = 1_000
"""Attestations that wait until they are taken; of more the oldest are left to whoever reads the file."""

# The API answers this machine only, or who has a tunnel to it: no proxy of the environment leads there.
_opener = urllib.request.build_opener(urllib.request.ProxyHandler({}))

log = logging.getLogger(__name__)


class WitnessUnknown(Refusal):
    """A signature of somebody whom the settings do not name."""

    code = "witness_unknown"
    status = 403
    title = "This is no witness of this registry"
    default_hint = "COUNTERFOIL_WITNESSES names those whose attestations are taken"


class AttestedElsewhere(Refusal):
    """An attestation of another chain or registry."""

    code = "attested_elsewhere"
    status = 409
    title = "The attestation is of another chain or registry"


class PublishingFailed(ServiceError):
    """Who was to take attestations does not answer, or refuses them."""

    code = "publishing_failed"
    status = 502
    title = "The attestations were not taken"
    default_hint = "They are in the witness's file: what is not handed on is not lost"


@contextmanager
def open_witness(settings: Settings, *, name: str, file: Path | None, stride: int) -> Iterator[Witness]:
    """The witness behind a keystore, an address or devN, over the node of the settings. It needs no database.

    Without a file it is witness-ADDRESS.jsonl in the home folder. Raises NothingHere, NotDeployed, DeploymentMismatch,
    UnknownAccount, KeystoreLocked, WitnessFileBusy, WitnessFileForeign, WitnessFileUnwritable, NodeUnreachable.
    """
    node = _node(settings)
    deployment = deploy.find(node, settings.home / "deployments")
    is_dev_chain = node.chain_id == DEV_CHAIN_ID
    address = address_of_key(settings.home, name, is_dev_chain=is_dev_chain)
    signer = key_of(settings.home, address, name=name, is_dev_chain=is_dev_chain)
    path = file or settings.home / f"witness-{format_address(account_address(signer))}.jsonl"
    pins = Pins(node.chain_id, deployment.receivables, keccak256(node.code(deployment.receivables)))
    with closing(Signed(path, Attestation(pins.chain_id, 0, b"", pins.contract))) as signed:
        yield Witness(
            node,
            signer,
            signed,
            pins=pins,
            first_block=deployment.block_number,
            confirmations=settings.confirmations,
            stride=stride,
        )


def take(database: Database, deployment: Deployment, settings: Settings, attestation: Attestation) -> AttestationRow:
    """Keep a witness's attestation, and raise the alarm where the mirror has another block.

    Raises AttestationsMalformed, AttestedElsewhere, WitnessUnknown.
    """
    if (attestation.chain_id, attestation.registry) != (deployment.chain_id, deployment.receivables):
        raise AttestedElsewhere(f"of {format_address(attestation.registry)} on chain {attestation.chain_id}")
    witness = attestation.signer()
    if witness not in settings.witness_addresses:
        raise WitnessUnknown(f"{format_address(witness)} signed it")
    with database.write() as connection:
        records.save_attestation(
            connection,
            chain_id=attestation.chain_id,
            contract=attestation.registry,
            witness=witness,
            block_number=attestation.number,
            block_hash=attestation.hash,
            signature=attestation.signature,
        )
        kept = queries.attestation(
            connection,
            chain_id=attestation.chain_id,
            contract=attestation.registry,
            witness=witness,
            block_number=attestation.number,
            block_hash=attestation.hash,
        )
    if kept.agrees is False:
        log.error(
            "witness %s signed 0x%s as block %d, and the mirror has another",
            format_address(witness),
            kept.block_hash.hex(),
            kept.block_number,
        )
    return kept


def _node(settings: Settings) -> Node:
    if settings.rpc_urls:
        return Node(*settings.rpc_urls)
    running = Running.find(settings.home)
    if running is None or running.rpc_url is None:
        raise NothingHere("COUNTERFOIL_RPC_URL names no node, and none runs here")
    return Node(running.rpc_url)


class Publisher:
    """Hands attestations to an API, in order; what it does not take waits for the next time."""

    def __init__(self, url: str) -> None:
        """Raises PublishingFailed for what is no URL."""
        if not url.startswith(("http://", "https://")):
            raise PublishingFailed("attestations are handed over by http or https")
        self._url = url.rstrip("/") + PUBLISH_PATH
        self._waiting: deque[Attestation] = deque(maxlen=UNPUBLISHED_MAX)

    def remember(self, attestations: Iterable[Attestation]) -> None:
        """Hand these over with the next: what is there already is taken once more, and changes nothing."""
        self._waiting.extend(attestations)

    def publish(self, attestations: Iterable[Attestation]) -> None:
        """Hand over what waits and these. Raises PublishingFailed."""
        self.remember(attestations)
        while self._waiting:
            self._post(self._waiting[0].line())
            self._waiting.popleft()

    def _post(self, line: bytes) -> None:
        request = urllib.request.Request(  # noqa: S310  (the scheme is looked at above)
            self._url, line, {"Content-Type": "application/json"}
        )
        try:
            with _opener.open(request, timeout=PUBLISH_SECONDS_MAX) as answer:
                answer.read()
        except urllib.error.HTTPError as refused:
            with refused:
                raise PublishingFailed(f"{describe(self._url)} answers {refused.code}") from None
        except (OSError, ValueError) as error:
            raise PublishingFailed(f"{describe(self._url)} does not answer") from error
