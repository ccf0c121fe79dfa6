"""Gleaner from Python: `import gleaner`. docs/python.md has an example of every call.

Law: importing this loads neither Ray nor a model, and no call installs a signal handler.
"""

import asyncio
import threading
import time
from collections.abc import AsyncIterator, Callable, Collection, Generator, Iterator, Mapping, Sequence
from enum import Enum
from pathlib import Path
from typing import TYPE_CHECKING, Any, TypeVar

import msgspec

from actors.corpus.own import Reader
from actors.protocols import Engine, Gate, Repairer, Sink, Task
from schemas.audit import AuditReport
from schemas.config import RunConfig
from schemas.corpus import Passage
from schemas.errors import ConfigError, GleanerError, OutputError, PoolAwayError, UserError
from schemas.exports import Export, ExportFormat, ExportRequest
from schemas.gate_audit import GateAudit
from schemas.ids import OrderId
from schemas.orders import EndReason
from schemas.recovery import FailureMode
from schemas.samples import Draft, Message
from schemas.verdicts import GateName, Verdict

if TYPE_CHECKING:
    from actors.ledger.history import Life
    from actors.ledger.sqlite import LedgerReader
    from deployments.folder.replay import Replayed
    from deployments.monitoring.progress import Progress
    from deployments.run import RunResult
    from schemas.errors import ClusterError
    from schemas.ledger import AcceptedEnd, Rescored

__all__ = [
    "ConfigError",
    "Engine",
    "Export",
    "ExportFormat",
    "ExportRequest",
    "Gate",
    "GleanerError",
    "OutputError",
    "PoolAwayError",
    "Reader",
    "Repairer",
    "Run",
    "RunConfig",
    "Sample",
    "Sink",
    "Task",
    "UserError",
    "audit",
    "export",
    "load",
    "preview",
    "replay",
    "run",
    "samples",
    "verify",
]

Configuration = RunConfig | Mapping[str, Any] | str | Path
"""A loaded configuration, the values of one, or the path of its YAML file."""
E = TypeVar("E", bound=Enum)
POLL_S = 0.25
"""Between two looks for accepted samples."""
PAGE = 256
"""Accepted samples of one ledger that are read at once."""


class Sample(msgspec.Struct, frozen=True):
    """One accepted sample, as the ledger holds it."""

    id: OrderId
    messages: tuple[Message, ...]
    """What a student is trained on."""
    passage: Passage
    """The text that it rests on, with its exact place in a document."""
    draft: Draft
    verdicts: tuple[Verdict, ...]
    """Of every gate on the accepted attempt."""
    attempts: int
    """Made of the order altogether."""


class Run:
    """A run in a thread of its own. Await it, or `wait`, for its end; iterate over it, with or without `async`, for the
    folder's accepted samples: each once, as soon as it is durable, those of earlier runs in the folder first.

    Raises what the run raised, in every one of these; an iteration also raises PoolAwayError when a pool was given up.
    """

    def __init__(self, config: RunConfig, output: Path, watch: Callable[["Progress"], None] | None) -> None:
        from deployments.ray.interrupts import StopRequest

        self._config = config
        self._output = output
        self._watch = watch
        self._stop = StopRequest()
        self._opened = threading.Event()
        self._over = threading.Event()
        self._result: RunResult | None = None
        self._error: BaseException | None = None
        self._thread = threading.Thread(target=self._run, name="gleaner-run")
        self._thread.start()

    def stop(self) -> None:
        """Asks the run to end as Ctrl-C does: samples in flight may end, the folder is closed, nothing is lost."""
        self._stop.ask()

    def wait(self) -> "RunResult":
        """Blocks until the run has ended. Interrupted while it waits, it stops the run first."""
        try:
            self._over.wait()
        except BaseException:
            self.stop()
            self._thread.join()
            raise
        return self._ended()

    def __await__(self) -> Generator[Any, None, "RunResult"]:
        return self._awaited().__await__()

    def __iter__(self) -> Iterator[Sample]:
        found = _Accepted(self._config, self._output)
        while True:
            over = self._over.is_set()
            fresh = found.next() if self._opened.is_set() else []
            yield from fresh
            if over and not fresh:
                self._check_whole()
                return
            if not fresh:
                self._over.wait(POLL_S)

    async def __aiter__(self) -> AsyncIterator[Sample]:
        found = _Accepted(self._config, self._output)
        while True:
            over = self._over.is_set()
            fresh = await asyncio.to_thread(found.next) if self._opened.is_set() else []
            for sample in fresh:
                yield sample
            if over and not fresh:
                self._check_whole()
                return
            if not fresh:
                await asyncio.to_thread(self._over.wait, POLL_S)

    def __enter__(self) -> "Run":
        return self

    def __exit__(self, kind: object, *_: object) -> None:
        """A block that is left before the run has ended stops it and waits. Raises what the run raised, if the block
        itself raised nothing."""
        self.stop()
        self._thread.join()
        if kind is None:
            self._ended()

    async def __aenter__(self) -> "Run":
        return self

    async def __aexit__(self, kind: object, *_: object) -> None:
        self.stop()
        await asyncio.to_thread(self._thread.join)
        if kind is None:
            self._ended()

    async def _awaited(self) -> "RunResult":
        try:
            await asyncio.to_thread(self._over.wait)
        except asyncio.CancelledError:
            self.stop()
            raise
        return self._ended()

    def _run(self) -> None:
        from deployments.run import run as run_here

        try:
            self._result = run_here(self._config, self._output, watch=self._told, lost=self._lost, stop=self._stop)
        except BaseException as error:  # noqa: BLE001 - raised to whoever waits for the run
            self._error = error
        finally:
            self._over.set()

    def _lost(self, error: "ClusterError") -> None:
        """The run's own thread may wait in Ray for what never comes: who waits for the run is told from here."""
        self._error = error
        self._over.set()

    def _told(self, progress: "Progress") -> None:
        if progress.snapshot is not None:
            self._opened.set()
        if self._watch is not None:
            self._watch(progress)

    def _ended(self) -> "RunResult":
        if self._error is not None:
            raise self._error
        assert self._result is not None
        return self._result

    def _check_whole(self) -> None:
        away = self._ended().away
        if away is not None:
            raise away


def load(source: Configuration) -> RunConfig:
    """A configuration, decoded strictly and checked. Relative paths begin at the YAML file's folder; in values that are
    given as a mapping, at the working directory. Raises ConfigError, one line with the key's path."""
    from deployments.config.load import load as load_file
    from deployments.config.load import load_values, resolve

    match source:
        case RunConfig():
            return source
        case str() | Path():
            return load_file(Path(source))
        case _:
            return resolve(load_values(source), Path.cwd())


def run(config: Configuration, output: str | Path, *, watch: Callable[["Progress"], None] | None = None) -> Run:
    """Starts a run of the configuration into a folder, or goes on with what is there. `watch` is called from the run's
    thread four times a second. Raises ConfigError; what else the run raises, the `Run` raises to whoever waits."""
    from deployments.build.own_code import may_lie_here
    from deployments.config.load import check_models

    loaded = load(config)
    check_models(loaded)
    may_lie_here()
    return Run(loaded, Path(output).absolute(), watch)


def samples(folder: str | Path, *, config: Configuration | None = None) -> Iterator[Sample]:
    """The accepted samples of a folder as it is now, oldest first. `config`: the run's, where its task is code of your
    own, since a folder runs none. Raises UserError, and OutputError for a folder that is no run."""
    from actors.ledger.folder import Ledgers
    from deployments.folder.settings import differences_with, folder_config

    output = Path(folder)
    Ledgers(output).close()
    differences_with(output, _given(config))
    found = _Accepted(folder_config(output), output)
    while fresh := found.next():
        yield from fresh


async def preview(config: Configuration, *, samples: int = 5) -> "Sequence[Life]":
    """A few orders' whole lives: prompts, verdicts, diagnoses, repairs. Made in this process; writes nothing."""
    from deployments.build.own_code import may_lie_here
    from deployments.config.load import check_models
    from deployments.terminal.preview import preview_lives

    loaded = load(config)
    check_models(loaded)
    may_lie_here()
    return await preview_lives(loaded, samples=samples)


def verify(folder: str | Path, *, network: bool = False, config: Configuration | None = None) -> AuditReport:
    """Proves a folder from its files alone; `report.ok` says whether all that is promised holds. `network`: the corpus
    is read again also from the servers that run.yaml names; `config`: the run's, where readers are code of your own.
    Raises OutputError for a folder that is no run."""
    from deployments.folder.proof import verified

    return verified(Path(folder), _given(config), network=network)


def export(
    folder: str | Path,
    asked: ExportRequest | str,
    output: str | Path | None = None,
    *,
    config: Configuration | None = None,
) -> Export:
    """Writes a run's lives as training signal into a new folder (FOLDER/exports/FORMAT by default). `asked`: a format's
    name, or a request with splits, view and the rest; `config`: the run's, where its task is code of your own. Raises
    UserError."""
    from deployments.folder.exports import exported, place_of

    run_folder = Path(folder)
    request = asked if isinstance(asked, ExportRequest) else ExportRequest(format=_named(ExportFormat, asked))
    place = place_of(run_folder, request) if output is None else Path(output)
    return exported(run_folder, request, place, at=time.time(), given=_given(config))


def replay(
    folder: str | Path,
    *,
    reasons: Collection[EndReason | str] = (),
    modes: Collection[FailureMode | str] = (),
    config: Configuration | None = None,
) -> "Replayed":
    """Puts dead letters back as open orders; the next run of the folder goes on with them. Without `reasons` and
    `modes`, all. `config`: the changed configuration, from now on the folder's own. Raises OutputError while a run
    goes on."""
    from actors.ledger.reopen import ReplayRequest
    from deployments.folder.replay import known_modes
    from deployments.folder.replay import replay as replay_here

    known = known_modes(Path(folder))
    for mode in modes:
        if mode not in known:
            raise UserError(f"there is no failure mode {mode!r}; there are {', '.join(known)}")
    ends = frozenset(_named(EndReason, reason) for reason in reasons)
    return replay_here(
        Path(folder), ReplayRequest(ends, frozenset(map(FailureMode, modes))), _given(config), now=time.time
    )


async def audit(config: Configuration, gate: GateName | str, labelled: str | Path) -> GateAudit:
    """Measures a gate of a configuration on labelled rows: agreement, precision, recall, with intervals. Raises
    UserError for a file, a row or a gate that cannot be used."""
    from deployments.build.own_code import may_lie_here
    from deployments.local.gate_audit import audit_gate

    may_lie_here()
    return await audit_gate(load(config), GateName(gate), Path(labelled))


def _given(config: Configuration | None) -> RunConfig | None:
    """What a call on a folder is given beside it; the code that it names may lie in the working directory."""
    if config is None:
        return None
    from deployments.build.own_code import may_lie_here

    may_lie_here()
    return load(config)


def _named(kind: type[E], name: E | str) -> E:
    try:
        return kind(name)
    except ValueError:
        raise UserError(
            f"there is no {kind.__name__} {name!r}; there are {', '.join(str(each.value) for each in kind)}"
        ) from None


class _Accepted:
    """Reads a folder's accepted samples, page by page, while a run may be writing it."""

    def __init__(self, config: RunConfig, output: Path) -> None:
        from deployments.build.wiring import chat

        self._chat = chat(config)
        self._output = output
        self._after: dict[str, int] = {}

    def next(self) -> list[Sample]:
        """Those that were accepted since the last look, a page of each ledger at most; empty when there are none."""
        from actors.ledger.folder import Ledgers
        from actors.ledger.history import life_of

        with Ledgers(self._output) as ledgers:
            while ends := [(ledger, end) for ledger in ledgers.each for end in self._page(ledger)]:
                lives = (life_of(end.order_id, ledger.story(end.order_id)) for ledger, end in ends)
                if found := [sample for life in lives if (sample := self._sample(life)) is not None]:
                    return found
        return []

    def _page(self, ledger: "LedgerReader") -> list["AcceptedEnd | Rescored"]:
        from schemas.ledger import AcceptedEnd, Rescored, ShardKind

        name = ledger.shard.ledger
        page = ledger.ends(ShardKind.DATASET, self._after.get(name, 0), PAGE)
        if page:
            self._after[name] = page[-1][0]
        return [end for _, end in page if isinstance(end, AcceptedEnd | Rescored)]

    def _sample(self, life: "Life") -> Sample | None:
        draft = life.draft
        if not life.exportable or draft is None:
            return None
        return Sample(
            id=life.order.id,
            messages=tuple(self._chat(life.passage.text, draft)),
            passage=life.passage,
            draft=draft,
            verdicts=life.attempts[-1].verdicts,
            attempts=len(life.attempts),
        )
