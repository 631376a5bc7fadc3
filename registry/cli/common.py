"""What the commands share: options, and the patterns of an operation and of a list.

An operation is a function of an `Acting` and its own arguments that parses, calls one use case and returns what to
tell; `@operation()` gives it --as, --dry-run and --json, and --sign where its use case takes a hand:

    @command()
    @operation(signable=True)
    def endorse(acting: Acting, certificate: CertificateArgument, *, to: To, document: DocumentOption = None) -> Told:
        \"\"\"Hand a whole certificate to the receiver.\"\"\"
        from registry.commands import certificates

        whole = parse_certificate_id(certificate)
        done = certificates.endorse(
            acting.services, signer=acting.hand, certificate=whole, receiver=acting.account(to), document=document
        )
        return Told(f"{whole} now belongs to {to}", done)
"""

from __future__ import annotations

import functools
import inspect
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, field
from itertools import islice
from typing import TYPE_CHECKING, Annotated, Any, TypeVar

import typer

from registry.cli import output
from registry.cli.files import STDOUT, writing
from registry.cli.output import named_refusals
from registry.domain.calendar import instant
from registry.domain.receivable import DAY_SECONDS
from registry.settings import settings
from registry.terminal import safe

if TYPE_CHECKING:
    from eth_account.signers.local import LocalAccount
    from rich.console import RenderableType

    from registry.chain.deposits import Permit, SignedPermit
    from registry.chain.operations import Authorisation
    from registry.chain.quotes import Acceptance, SignedAcceptance
    from registry.chain.typed_data import SignedOperation
    from registry.commands.reading import Reading
    from registry.commands.sending import Done, Hand
    from registry.commands.services import Services
    from registry.domain.identifiers import Address
    from registry.domain.receivable import Registry
    from registry.store.queries import Connection
    from registry.store.queries.health import CursorRow

T = TypeVar("T")

JsonFlag = Annotated[bool, typer.Option("--json", help="One JSON document instead of tables.")]
CsvFlag = Annotated[
    bool,
    typer.Option("--csv", help="CSV for spreadsheets; a text that would be a formula there begins with an apostrophe."),
]
DryRunFlag = Annotated[bool, typer.Option("--dry-run", help="Say what would happen; sign and write nothing.")]
As = Annotated[
    str,
    typer.Option(
        "--as",
        help="Who acts: a handle, a keystore, an address, operator, settlement-bank; "
        "on the dev chain also officer-one, officer-two, regulator, dev0, dev1, …",
    ),
]
To = Annotated[str, typer.Option("--to", help="The receiver: a handle or an address.")]
ReceivableArgument = Annotated[str, typer.Argument(metavar="R-1", help="A receivable.")]
CertificateArgument = Annotated[str, typer.Argument(metavar="R-1/0-5000", help="A certificate, range in minor units.")]
DocumentOption = Annotated[
    str | None, typer.Option("--document", help="The trade document behind it: a file, or its hash as 0x….")
]

Limit = Annotated[int | None, typer.Option("--limit", help="At most so many.", min=1)]
RELAYED = "`relay FILE` submits it"
ValidDays = Annotated[int, typer.Option("--valid-days", help="Days for which a signature counts.", min=1, max=366)]

JSON_OPTION = (JsonFlag, False)
VALID_DAYS_DEFAULT = 7


# -------------------------------------------------------------- operations


@dataclass(frozen=True, slots=True)
class Told:
    """What an operation did: a sentence for people and further lines, the entry on chain (None if it needed none),
    `more` members for programs. `mark` is the word before the sentence."""

    sentence: str
    done: Done | None = None
    more: Mapping[str, object] = field(default_factory=dict)
    lines: Sequence[str] = ()
    mark: str = "done"

    def show(self, *, json_output: bool) -> None:
        """Print it."""
        from registry.cli import views

        if json_output:
            output.document({**(views.done_document(self.done) if self.done is not None else {}), **self.more})
            return
        output.console.print(f"[green]{self.mark}[/] {safe(self.sentence)}")
        for line in self.lines:
            output.console.print(f"  {safe(line)}")
        if self.done is not None:
            output.console.print(
                f"  [dim]block {self.done.block_number}, transaction 0x{self.done.tx_hash.hex()}, "
                f"{self.done.gas:,} gas[/]"
            )


@dataclass(frozen=True, slots=True)
class Would:
    """What an operation would do. `gas` is the estimate, None where nothing would be sent."""

    sentence: str = "nothing speaks against it"
    gas: int | None = None
    more: Mapping[str, object] = field(default_factory=dict)
    transactions: int = 1
    """Of which `gas` is the first one's."""

    def show(self, *, json_output: bool) -> None:
        """Print it."""
        if json_output:
            output.document({"dry_run": True, **self.more, "gas": self.gas, "transactions": self.transactions})
            return
        cost = "" if self.gas is None else f", about {self.gas:,} gas"
        if self.transactions > 1:
            cost += f" for the first of {self.transactions} transactions"
        output.console.print(safe(self.sentence + cost))


class Acting:
    """Who acts, and the registry in which: opened at the first use, so that what is typed wrongly starts nothing."""

    def __init__(self, stack: ExitStack, *, name: str, dry_run: bool, valid_days: int | None = None) -> None:
        self.name = name
        self.dry_run = dry_run
        self._valid_days = valid_days
        self._stack = stack

    @property
    def is_signing(self) -> bool:
        """Whether --sign was given: the hand is a pen. In a dry run it is not."""
        return self._valid_days is not None

    @functools.cached_property
    def services(self) -> Services:
        """The registry; in a dry run one that keeps nothing. Raises what open_services raises, MirrorLags."""
        from registry.commands.services import open_services

        services = self._stack.enter_context(open_services(settings(), rehearsal=self.dry_run))
        if services.running is None:
            # Nobody's mirror follows the chain: what is checked and signed here is checked against its newest block.
            services.mirrored(services.node.head())
        return services

    @functools.cached_property
    def signer(self) -> LocalAccount:
        """The key of --as; in a dry run one that never signs. Raises UnknownAccount, KeystoreLocked, IdMalformed."""
        from registry.commands import accounts

        return accounts.signer_of(self.services, self.name)

    @functools.cached_property
    def hand(self) -> Hand:
        """The same, or with --sign its pen: for use cases whose operation has a form by signature."""
        if self._valid_days is None:
            return self.signer
        from registry.commands.sending import Pen

        return Pen(self.signer, self.deadline(self._valid_days))

    def deadline(self, days: int) -> int:
        """The instant (seconds) so many days after the newest block."""
        return self.now + days * DAY_SECONDS

    @property
    def now(self) -> int:
        """The time of the newest block, in seconds."""
        from registry.commands.sending import now

        return now(self.services)

    def account(self, name: str) -> Address:
        """The address behind a name. Raises UnknownAccount, KeystoreLocked, IdMalformed."""
        from registry.commands.names import address_of

        return address_of(self.services, name)


Act = Callable[..., "Told | Would"]
"""What an operation's function is: an Acting, then the command's own arguments."""


def operation(
    *, as_: str | None = None, signable: bool = False, taken: str = RELAYED
) -> Callable[[Act], Callable[..., None]]:
    """Make a command of a function that acts: --as (required unless `as_` is given), --dry-run and --json are added.

    A dry run is the same code up to the first signature: refusals are the real ones, and what was written is undone.
    With `signable` --sign is added: the same code again, but what would be sent is signed and written down; `taken`
    tells people which command takes the file.
    """
    options: dict[str, tuple[Any, object]] = {"as_": (As, inspect.Parameter.empty if as_ is None else as_)}
    if signable:
        sign_help = f"Sign, and send nothing: {taken}. - prints what was signed."
        sign_option = Annotated[str | None, typer.Option("--sign", metavar="FILE", help=sign_help)]
        options |= {"sign": (sign_option, None), "valid_days": (ValidDays, VALID_DAYS_DEFAULT)}
    options |= {"dry_run": (DryRunFlag, False), "json_output": JSON_OPTION}

    def decorate(act: Act) -> Callable[..., None]:
        @named_refusals
        @functools.wraps(act)
        def command(
            *, as_: str, dry_run: bool, json_output: bool, sign: str | None = None, valid_days: int = 0, **own: Any
        ) -> None:
            signing = sign is not None and not dry_run  # a dry run tells what sending would meet
            told: Told | Would | Paper
            with ExitStack() as stack:
                acting = Acting(stack, name=as_, dry_run=dry_run, valid_days=valid_days if signing else None)
                if dry_run:
                    told = _rehearse(act, acting, own)
                else:
                    told = act(acting, **own) if sign is None else _sign(act, acting, own, sign)
            told.show(json_output=json_output)

        _take_options(command, act, options)
        return command

    return decorate


def _rehearse(act: Act, acting: Acting, own: dict[str, Any]) -> Told | Would:
    from registry.commands.accounts import Rehearsed

    try:
        told = act(acting, **own)
    except Rehearsed as rehearsed:
        return Would(gas=rehearsed.gas, transactions=rehearsed.transactions)
    # It needed no signature, and what it wrote is undone.
    return told if isinstance(told, Would) else Would(more=told.more)


def _sign(act: Act, acting: Acting, own: dict[str, Any], target: str) -> Told | Would | Paper:
    from registry.commands.sending import Signed

    with writing(target) as write:
        try:
            return act(acting, **own)
        except Signed as signed:
            write(paper(signed.document.to_json()))
            return Paper(signed.document, target)


def paper(document: Mapping[str, Any]) -> str:
    """What was signed, as its file has it."""
    return output.as_json(document, indent=2) + "\n"


@dataclass(frozen=True, slots=True)
class Paper:
    """What was signed instead of sent, and where it was written."""

    signed: SignedOperation | SignedAcceptance | SignedPermit
    target: str

    def show(self, *, json_output: bool) -> None:
        """Say so, but where it was printed."""
        if self.target == STDOUT:
            return
        command, does, by = _what_submits(self.signed)
        if json_output:
            output.document({"signed": self.target, "deadline": instant(by.deadline), "nonce": str(by.nonce)})
        else:
            output.console.print(
                f"[green]signed[/] {safe(self.target)}: counts until {instant(by.deadline)}; "
                f"`counterfoil {command} {safe(self.target)} --as …` {does}"
            )


def _what_submits(
    signed: SignedOperation | SignedAcceptance | SignedPermit,
) -> tuple[str, str, Authorisation | Acceptance | Permit]:
    """The command that takes what was signed, what it does, and the deadline and nonce of the last signature."""
    from registry.chain.deposits import SignedPermit
    from registry.chain.operations import Agreement
    from registry.chain.typed_data import SignedOperation

    if isinstance(signed, SignedPermit):
        return "deposit submit", "submits it", signed.permit
    if not isinstance(signed, SignedOperation):
        return "quote submit", "submits it", signed.acceptance
    if isinstance(signed.operation, Agreement) and signed.second is None:
        return "agree", "of the other party carries it out", signed.by
    return "relay", "submits it", signed.second or signed.by


def _take_options(
    command: Callable[..., None], function: Callable[..., object], options: Mapping[str, tuple[Any, object]]
) -> None:
    """Let the command have the arguments of the function but the first, and these options: annotation and default."""
    _, *own = inspect.signature(function, eval_str=True).parameters.values()
    parameters = own + [
        inspect.Parameter(name, inspect.Parameter.KEYWORD_ONLY, annotation=annotation, default=default)
        for name, (annotation, default) in options.items()
    ]
    # Typer reads the options from the signature, and asks for the annotations too.
    command.__signature__ = inspect.Signature(parameters)  # type: ignore[attr-defined]  # what inspect looks for
    command.__annotations__ = {parameter.name: parameter.annotation for parameter in parameters}


# ------------------------------------------------------------------- reads


class Asking:
    """A registry that is read, in one snapshot; opened at the first use."""

    def __init__(self, stack: ExitStack) -> None:
        self._stack = stack

    @functools.cached_property
    def registry(self) -> Reading:
        """Where names are known. Raises what reading raises."""
        from registry.commands.reading import reading

        return self._stack.enter_context(reading(settings()))

    @functools.cached_property
    def snapshot(self) -> Connection:
        """What everything is read from, so that it is true at one block."""
        return self._stack.enter_context(self.registry.database.snapshot())

    @functools.cached_property
    def cursor(self) -> CursorRow | None:
        """How far the mirror has come, or None before its first block."""
        from registry.store.queries import health

        return health.cursor(self.snapshot)

    @functools.cached_property
    def now(self) -> int:
        """The time of the mirror's block, in seconds: the present of what is read."""
        return self.cursor.block_at if self.cursor is not None else 0

    @functools.cached_property
    def state(self) -> Registry:
        """The registry's own switches and parameters; its members are not read. Raises NothingHere."""
        from registry.commands.home import NothingHere
        from registry.store.queries import registry

        found = registry.registry(self.snapshot)
        if found is None:
            raise NothingHere("nothing is mirrored here yet")
        return found.state()

    def account(self, name: str) -> Address:
        """The address behind a name. Raises UnknownAccount, KeystoreLocked, IdMalformed."""
        from registry.commands.names import address_of

        return address_of(self.registry, name)


@contextmanager
def asking() -> Iterator[Asking]:
    """For a command that only reads."""
    with ExitStack() as stack:
        yield Asking(stack)


@dataclass(frozen=True, slots=True)
class Listing:
    """Rows of one kind: `documents` for programs, of these the `columns` for spreadsheets, `shown` to people.

    `whole` is the JSON document where it is more than the list; `following` the id after which there is more.
    """

    documents: Sequence[dict[str, Any]]
    columns: Sequence[str]
    shown: Callable[[], RenderableType]
    whole: dict[str, Any] | None = None
    following: object = None

    def show(self, *, json_output: bool, csv_output: bool) -> None:
        """Print it."""
        if csv_output:
            output.print_csv(self.columns, self.documents)
        elif json_output:
            output.document(self.documents if self.whole is None else self.whole)
        else:
            output.console.print(self.shown())
        if self.following is not None:
            output.note(f"there is more: --after {self.following}")


def listing(ask: Callable[..., Listing]) -> Callable[..., None]:
    """Make a command of a function that takes an Asking and lists: --json and --csv are added."""

    @named_refusals
    @functools.wraps(ask)
    def command(*, json_output: bool, csv_output: bool, **own: Any) -> None:
        if json_output and csv_output:
            raise typer.BadParameter("choose one of --json and --csv")
        with asking() as registry:
            found = ask(registry, **own)
        found.show(json_output=json_output, csv_output=csv_output)

    _take_options(command, ask, {"json_output": JSON_OPTION, "csv_output": (CsvFlag, False)})
    return command


def first(limit: int | None, rows: Iterator[T]) -> tuple[list[T], bool]:
    """The first rows, and whether there are more."""
    if limit is None:
        return list(rows), False
    found = list(islice(rows, limit + 1))
    return found[:limit], len(found) > limit


def names(connection: Connection, addresses: Iterable[Address | None]) -> Callable[[Address], str]:
    """The handles of these addresses; who has none is named by the address."""
    from registry.domain.identifiers import format_address
    from registry.store.queries import parties

    known = parties.parties_by_address(connection, (address for address in addresses if address is not None))
    return lambda address: known[address].handle if address in known else format_address(address)


@contextmanager
def progress(what: str, *, quiet: bool) -> Iterator[Callable[[int, int | None], None]]:
    """A bar on a terminal, nothing elsewhere; yields what takes how many are done and of how many."""
    from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeElapsedColumn

    with Progress(
        TextColumn(what),
        BarColumn(),
        MofNCompleteColumn(),
        TimeElapsedColumn(),
        console=output.notes,
        transient=True,
        disable=quiet or not output.notes.is_terminal,
    ) as bar:
        task = bar.add_task(what, total=None)
        yield lambda done, total: bar.update(task, completed=done, total=total)
