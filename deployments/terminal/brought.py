"""What `gleaner check` examines of what a user brings beside gates and tasks: repairs, readers and sinks."""

from pathlib import Path
from typing import get_type_hints

from msgspec import Struct

from actors.corpus.conformance import ReaderSubject
from actors.corpus.conformance import examine as examine_reader
from actors.corpus.files import CorpusFile
from actors.corpus.names import name_parts
from actors.dataset.conformance import SinkSubject
from actors.dataset.conformance import examine as examine_sink
from actors.dataset.sink_thread import SinkThread
from actors.recovery.conformance import RepairSubject
from actors.recovery.conformance import examine as examine_repair
from actors.recovery.own import worded
from deployments.build.own_code import factory_of
from deployments.build.readers import reader_function
from deployments.build.recovery import repair_function
from deployments.build.sinks import sink_place
from schemas.config import Corpus, RunConfig
from schemas.config_bounds import SinkConfig
from schemas.config_corpus import CorpusReader
from schemas.config_gates import brought_modes, is_function
from schemas.conformance import CheckFinding, CheckOutcome, Seam
from schemas.errors import UserError
from schemas.recovery import FailureMode
from schemas.repairs import RejectedDraft

_SEAMS = {RejectedDraft: Seam.REPAIR, CorpusFile: Seam.READER}
"""By the type of a function's first parameter."""
MOST_BYTES = 16 << 20
"""Of a sample: it is read many times over."""


class Asked(Struct, frozen=True):
    """What is to be checked. `modes`: failure modes that a gate may name; `reply`: a file with a completion that a task
    should read as a draft; `sample`: one of the corpus that a reader should read; `draft`: one of fields that a gate
    should judge."""

    target: str
    config: Path | None = None
    modes: tuple[str, ...] = ()
    reply: Path | None = None
    seam: Seam | None = None
    sample: Path | None = None
    draft: Path | None = None


class CheckedCode(Struct, frozen=True):
    """What was checked, and what was found."""

    checked: str
    findings: tuple[CheckFinding, ...]

    @property
    def failed(self) -> int:
        return sum(each.outcome is CheckOutcome.FAILED for each in self.findings)


def named_seam(target: str, config: RunConfig | None) -> Seam | None:
    """What the configuration says that it is; None where it does not."""
    if config is None:
        return None
    own = config.recovery.own_repairs
    if target in own or (is_function(target) and target in own.values()):
        return Seam.REPAIR
    sinks = config.dataset.sinks
    if target in sinks or target in {each.factory for each in sinks.values()}:
        return Seam.SINK
    readers = config.corpus.readers
    return Seam.READER if target in readers or target in {each.reader for each in readers.values()} else None


def seen_seam(target: str) -> Seam | None:
    """What the code itself says that it is: a class that delivers, or a function of a rejected draft or of a file. None
    where it does not say so, or cannot be found."""
    try:
        there = factory_of(target)
    except (ImportError, AttributeError):
        return None
    if hasattr(there, "deliver"):
        return Seam.SINK
    try:
        hints = list(get_type_hints(there).values())
    except (NameError, TypeError):
        return None
    return _SEAMS.get(hints[0]) if hints else None


async def of_repair(asked: Asked, config: RunConfig | None) -> CheckedCode:
    """A repair by its name in the configuration, or a function. Raises UserError."""
    said, modes = asked.target, tuple(map(FailureMode, asked.modes))
    if config is not None:
        said = config.recovery.own_repairs.get(asked.target, asked.target)
        modes = (*modes, *brought_modes(config.gates))
    elif not is_function(said):
        raise UserError(f"{said}: give module:function, or a repair's name with --config RUN.yaml")
    repair = repair_function(asked.target, said) if is_function(said) else worded(said)
    return CheckedCode(asked.target, tuple(await examine_repair(RepairSubject(repair, modes))))


async def of_reader(asked: Asked, config: RunConfig | None) -> CheckedCode:
    """A reader by its suffix in the configuration, or a function, on the sample that is given. Raises UserError."""
    corpus = Corpus(paths=(".",)) if config is None else config.corpus
    named = {suffix: reader for suffix, reader in corpus.readers.items() if asked.target in (suffix, reader.reader)}
    if not named and not is_function(asked.target):
        raise UserError(f"{asked.target}: give module:function, or a reader's suffix with --config RUN.yaml")
    reader = next(iter(named.values()), None) or CorpusReader(reader=asked.target)
    if asked.sample is None:
        raise UserError(f"{asked.target}: a reader is checked on a file that it should read: --sample FILE")
    data = _sample(asked.sample)
    subject = ReaderSubject(reader_function(asked.target, reader), asked.sample.name, data, corpus)
    return CheckedCode(asked.target, tuple(await examine_reader(subject)))


async def of_sink(asked: Asked, config: RunConfig | None) -> CheckedCode:
    """A sink by its name in the configuration, or a factory. Raises UserError."""
    sinks = {} if config is None else config.dataset.sinks
    named = [sink for name, sink in sinks.items() if asked.target in (name, sink.factory)]
    if not named and not is_function(asked.target):
        raise UserError(f"{asked.target}: give module:Class, or a sink's name with --config RUN.yaml")
    place = sink_place(asked.target, named[0] if named else SinkConfig(factory=asked.target))
    return CheckedCode(asked.target, tuple(await examine_sink(SinkSubject(place.make, SinkThread("checked")))))


def _sample(path: Path) -> bytes:
    if name_parts(path.name)[1] is not None:
        raise UserError(f"--sample {path}: give the file unpacked; a reader is given what is in it")
    try:
        with path.open("rb") as file:
            data = file.read(MOST_BYTES + 1)
    except OSError as error:
        raise UserError(f"--sample {path}: {error.strerror or error}") from error
    if len(data) > MOST_BYTES:
        raise UserError(f"--sample {path}: larger than {MOST_BYTES:,} bytes; a smaller one will do")
    return data
