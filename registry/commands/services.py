"""Chain, database and deployment of one home folder: owned by the command that starts them, found by all others.

A long-running command (demo, serve) starts what the settings do not name - the dev chain, the embedded PostgreSQL - and
leaves its addresses in the home folder; a command in a second terminal finds them there. Where nothing runs, a command
starts what it needs for as long as it takes.
"""

from __future__ import annotations

import os
import secrets
import shutil
import sys
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import ExitStack, closing, contextmanager, suppress
from dataclasses import dataclass, field
from pathlib import Path

from registry.chain import deploy
from registry.chain.contract import ReceivablesView
from registry.chain.deploy import Deployment
from registry.chain.devchain import CHAIN_ID as DEV_CHAIN_ID
from registry.chain.devchain import DevChain, dev_account
from registry.chain.heads import Heads, heads_url
from registry.chain.rpc import Node
from registry.commands.home import AlreadyRunning, NothingHere, Running, open_database
from registry.domain.identifiers import Address
from registry.errors import Refusal, ServiceError
from registry.mirror.auditor import Auditor
from registry.mirror.follower import CursorLost, Follower, Step
from registry.mirror.metrics import METRICS
from registry.mirror.store import Cursor, read_cursor
from registry.processes import started_at
from registry.settings import Settings
from registry.store.database import Database
from registry.store.embedded import EmbeddedPostgres

MASTER_KEY_BYTES = 32
MIRROR_WAIT_SECONDS = 20.0
MIRROR_POLL_SECONDS = 0.02

SWITCH_SECONDS = 0.0005
"""How long another thread may keep Python from the mirror, which waits for node or database some 25 times a block: with
Python's own 5 ms a step beside a comparison of heads, or an answer of the API, takes twice as long."""


class ServiceEnded(ServiceError):
    """The dev chain or the embedded PostgreSQL ended while the command ran."""

    code = "service_ended"
    title = "A service of this registry ended unexpectedly"
    default_hint = "Start the same command again: it goes on from what was saved"


class MirrorLags(ServiceError):
    """The chain accepted the operation and the mirror has not shown it yet."""

    code = "mirror_lags"
    status = 504
    title = "The operation is on chain, and the mirror has not taken it yet"
    default_hint = "Nothing is lost: `counterfoil status` shows how far the mirror is"


@dataclass(slots=True)
class Services:
    """What a command works with. `running` is the owner in another process, None where this process owns all;
    `nudge` wakes the mirror that this process runs in the background, if it runs one, and each of its steps sets
    `stepped`; in a `rehearsal` nobody signs; `postponed_block` is the last one mirrored_together is to wait for."""

    home: Path
    node: Node
    database: Database
    deployment: Deployment
    settings: Settings = field(default_factory=Settings)
    running: Running | None = None
    chain: DevChain | None = None
    postgres: EmbeddedPostgres | None = None
    nudge: threading.Event | None = None
    stepped: threading.Event = field(default_factory=threading.Event)
    notices: list[str] = field(default_factory=list)
    rehearsal: bool = False
    postponed_block: int | None = None

    @property
    def view(self) -> ReceivablesView:
        """The contract's views."""
        return ReceivablesView(self.node, self.deployment.receivables)

    @property
    def operator(self) -> Address:
        """Who administers the registry."""
        return self.deployment.operator

    @property
    def settlement_bank(self) -> Address:
        """Who books deposits and closes books."""
        return self.deployment.charter.settlement_bank

    @property
    def is_dev_chain(self) -> bool:
        """Whether the well-known dev keys may be used."""
        return self.node.chain_id == DEV_CHAIN_ID

    def follower(self) -> Follower:
        """A mirror of this deployment into this database."""
        return Follower(
            self.database,
            self.node,
            contract=self.deployment.receivables,
            first_block=self.deployment.block_number,
            owns_chain=self.chain is not None,
            follows=self.settings.mirror_follows,
            confirmations=self.settings.confirmations,
        )

    def catch_up(self, *, progress: Callable[[Step], None] | None = None, until: int | None = None) -> Cursor | None:
        """Mirror what there is, or up to block `until`; the cursor then. Another mirror that runs is left to do it."""
        with closing(self.follower()) as follower:
            if follower.take_lease():
                return follower.catch_up(progress=progress, until=until)
        with self.database.bulk() as connection:
            return read_cursor(connection)

    @contextmanager
    def mirrored_together(self) -> Iterator[Callable[[], bool]]:
        """Let the operations of the block not wait for the mirror one by one, which takes longer than they do.

        What is yielded waits for all until then, as the end of the block does, and tells whether there were any.
        Raises MirrorLags.
        """

        def catch_up() -> bool:
            block_number, self.postponed_block = self.postponed_block, None
            if block_number:
                self.mirrored(block_number)
            self.postponed_block = 0
            return bool(block_number)

        self.postponed_block = 0
        try:
            yield catch_up
            catch_up()
        finally:
            self.postponed_block = None

    def mirrored(self, block_number: int) -> None:
        """Return once the mirror has this block. Raises MirrorLags."""
        if self.postponed_block is not None:
            self.postponed_block = max(self.postponed_block, block_number)
            return
        if self.nudge is not None:
            self.nudge.set()
        deadline = time.monotonic() + MIRROR_WAIT_SECONDS
        with self.database.bulk() as connection:
            while time.monotonic() < deadline:
                self.stepped.clear()
                if self.running is None and self.nudge is None:
                    # A mirror in another process that was faster has done a part of the work.
                    with suppress(CursorLost):
                        self.catch_up(until=block_number)
                row = connection.execute("SELECT block_number FROM cursor").fetchone()
                connection.rollback()  # what was read is locked until then
                if row is not None and row[0] >= block_number:
                    return
                self.stepped.wait(MIRROR_POLL_SECONDS)
        raise MirrorLags(f"block {block_number} is not mirrored after {MIRROR_WAIT_SECONDS:.0f} s")

    def require_alive(self, *, answering: bool = False) -> None:
        """Raises ServiceEnded if the own dev chain or PostgreSQL has ended, or with `answering` does not answer."""
        if self.chain is not None and not (self.chain.is_healthy() if answering else self.chain.running()):
            raise ServiceEnded(
                f"the dev chain (Anvil) has ended; blocks of its last moments may be lost, see {self.chain.folder}"
            )
        if self.postgres is not None and not (self.postgres.alive() if answering else self.postgres.running()):
            raise ServiceEnded(
                "the embedded PostgreSQL has ended; committed rows are safe and it recovers at the start"
            )


@contextmanager
def open_services(settings: Settings, *, create: bool = False, rehearsal: bool = False) -> Iterator[Services]:
    """The registry of the home folder: the running one, or services started for as long as this command takes.

    In a rehearsal use cases run as ever up to the first signature, which is not given, and nothing that they write is
    kept.

    With `create` an empty home becomes a registry: chain started, contracts deployed, schema migrated. Without it,
    raises NothingHere where there is none. Also raises NotDeployed, DeploymentMismatch, DevChainInUse, NodeUnreachable
    and the failures of PostgreSQL.
    """
    running = Running.find(settings.home)
    with ExitStack() as stack:
        node, chain = _node(settings, running, stack, create=create)
        database, postgres = open_database(settings, running, stack, create=create, rehearsal=rehearsal)
        folder = settings.home / "deployments"
        notices: list[str] = []
        if chain is not None and chain.rejected_state is not None:
            notices.append(f"the dev chain's state was torn and set aside as {chain.rejected_state}")
        try:
            deployment = deploy.find(node, folder)
        except deploy.NotDeployed as missing:
            if not create or node.chain_id != DEV_CHAIN_ID:
                raise
            if Deployment.read(folder, node.chain_id) is not None:
                notices.append(f"{missing}: the dev chain lost it, and a new registry is deployed")
            deployment = deploy.run(node, dev_account(0))
            deployment.write(folder)
        services = Services(
            settings.home,
            node,
            database,
            deployment,
            settings,
            running=running,
            chain=chain,
            postgres=postgres,
            notices=notices,
            rehearsal=rehearsal,
        )
        if chain is not None:
            with closing(services.follower()) as follower:
                if follower.reset_if_other():
                    notices.append(
                        "the database mirrored a registry that this chain no longer has; the mirror starts anew"
                    )
        yield services


@contextmanager
def owned(settings: Settings, *, api_url: str | None) -> Iterator[Services]:
    """Own the home folder for a long-running command: start, announce to other terminals, stop in order.

    Raises AlreadyRunning and what open_services raises.
    """
    other = Running.find(settings.home)
    if other is not None:
        raise AlreadyRunning(f"process {other.pid} serves {settings.home}")
    settings.home.mkdir(parents=True, exist_ok=True)
    with open_services(settings, create=True) as services:
        since = started_at(os.getpid())
        assert since is not None  # we are running
        Running(
            pid=os.getpid(),
            since=since,
            rpc_url=None if services.chain is None else services.chain.url,
            database_url=None if services.postgres is None else services.postgres.url(),
            api_url=api_url,
        ).write(settings.home)
        try:
            yield services
        finally:
            Running.path(settings.home).unlink(missing_ok=True)


@contextmanager
def following(
    services: Services,
    *,
    on_step: Callable[[Step], None] | None = None,
    on_failure: Callable[[Refusal], None] | None = None,
) -> Iterator[None]:
    """Run the mirror in the background for the time of the block."""
    stop, nudge = threading.Event(), threading.Event()

    def stepped(step: Step) -> None:
        services.stepped.set()
        if on_step is not None:
            on_step(step)

    sys.setswitchinterval(SWITCH_SECONDS)
    follower = services.follower()
    auditor = Auditor(
        services.database,
        services.node,
        contract=services.deployment.receivables,
        seconds=services.settings.reconcile_seconds,
        leads=lambda: follower.leads,
        suspect=follower.suspect,
    )
    with Heads(_heads_url(services), nudge=nudge) as heads:
        METRICS.heads_announced.set_function(lambda: heads.healthy)
        mirror = threading.Thread(
            target=follower.run,
            args=(stop,),
            kwargs={"nudge": nudge, "poll": lambda: heads.poll_seconds, "on_step": stepped, "on_failure": on_failure},
            name="mirror",
            daemon=True,
        )
        auditing = threading.Thread(target=auditor.run, args=(stop,), name="auditor", daemon=True)
        mirror.start()
        auditing.start()
        services.nudge = nudge
        METRICS.at_work = True
        try:
            yield
        finally:
            METRICS.at_work = False
            services.nudge = None
            stop.set()
            nudge.set()
            mirror.join()
            auditing.join()


def _heads_url(services: Services) -> str | None:
    """Where the node announces its heads, as far as that is known."""
    given = services.settings.heads_url
    if given is None:
        return heads_url(services.node.url)
    return None if given == "none" else given


def wipe(home: Path) -> None:
    """Forget the dev chain, its deployment and the embedded database of a home folder; keys stay.

    Raises AlreadyRunning.
    """
    running = Running.find(home)
    if running is not None:
        raise AlreadyRunning(f"process {running.pid} serves {home}")
    for name in ("chain", "postgres"):
        shutil.rmtree(home / name, ignore_errors=True)
    (home / "deployments" / f"{DEV_CHAIN_ID}.json").unlink(missing_ok=True)


def master_key(home: Path) -> bytes:
    """The secret that fingerprints are keyed with, 32 bytes; made at first use, readable by its owner only."""
    path = home / "keys" / "fingerprint.key"
    if not path.exists():
        path.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
        temporary = path.with_suffix(f".{os.getpid()}.tmp")
        descriptor = os.open(temporary, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
        with os.fdopen(descriptor, "w") as file:
            file.write(secrets.token_hex(MASTER_KEY_BYTES))
        try:
            os.link(temporary, path)  # of two that come first, one wins and both read the same key
        except FileExistsError:
            pass
        finally:
            temporary.unlink()
    return bytes.fromhex(path.read_text())


def _node(
    settings: Settings, running: Running | None, stack: ExitStack, *, create: bool
) -> tuple[Node, DevChain | None]:
    if settings.rpc_urls:
        return Node(*settings.rpc_urls), None
    if running is not None and running.rpc_url is not None:
        return Node(running.rpc_url), None
    folder = settings.home / "chain"
    if not create and not folder.exists():
        raise NothingHere(f"{settings.home} has no dev chain, and COUNTERFOIL_RPC_URL names none")
    chain = stack.enter_context(DevChain.start(folder))
    return Node(chain.url), chain
