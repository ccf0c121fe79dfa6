"""Builds the probes of a configuration: which are issued, and the maker of their attempts.

Law: labelled files are read once, before the run starts; a bad row is refused then, with its line. A factory is called
with the run's corpus and seed, so that every conductor spoils the same drafts in the same way.
"""

from collections.abc import Sequence
from enum import Enum
from pathlib import Path
from typing import TypeVar

from actors.probes.labelled import Labelled, distinct, labelled_rows
from actors.probes.maker import ProbeMaker, Spoiling
from actors.probes.plan import FlawDraw, LabelledRow, ProbePlan
from actors.probes.spoiler import PromptedInjector
from actors.protocols import Injector, Task
from deployments.build.own_code import factory_of
from schemas.config import Math, RunConfig
from schemas.config_cascade import judging
from schemas.errors import ConfigError, UserError
from schemas.flaws import FlawKind, Worth
from schemas.ids import PoolName
from schemas.verdicts import FAITHFULNESS, KNOWN_GATES, VERIFIER, GateName

Member = TypeVar("Member", bound=Enum)
_METHODS = ("kinds", "spoil", "worth")


def build_plan(config: RunConfig) -> ProbePlan:
    """The plan of probes that the queue issues. Raises UserError for a labelled file that cannot be used."""
    probes = config.probes
    if not probes.rate:
        return ProbePlan()
    rows = tuple(row for name in probes.labelled for row in _rows(Path(name), config))
    return ProbePlan(rate=probes.rate, good=probes.good, seed=config.seed, rows=rows)


def build_maker(config: RunConfig, task: Task) -> ProbeMaker:
    """The maker of probes' attempts. Raises ConfigError for a factory that cannot be used."""
    injector = _injector(config, task) if config.probes.rate else None
    if injector is None:
        return ProbeMaker(task)
    weights = {FlawKind(name): weight for name, weight in config.probes.weights.items()}
    return ProbeMaker(task, Spoiling(injector, FlawDraw(weights, config.seed)))


def _injector(config: RunConfig, task: Task) -> Injector | None:
    named = config.probes.injector
    if named.verifier is not None:
        return PromptedInjector(task, PoolName(named.verifier))
    return None if named.factory is None else _custom(named.factory, config)


def _custom(factory: str, config: RunConfig) -> Injector:
    where = f"probes.injector.factory: '{factory}'"
    try:
        called = factory_of(factory)
    except (ImportError, AttributeError) as error:
        raise ConfigError(f"{where} cannot be imported: {error}") from error
    try:
        injector = called(config.corpus, config.seed, **config.probes.injector.options)
    except TypeError as error:
        raise ConfigError(f"{where} does not take these options: {error}") from error
    missing = [method for method in _METHODS if not callable(getattr(injector, method, None))]
    if missing:
        raise ConfigError(f"{where} gives no injector: it has no {', '.join(missing)}")
    return injector


def _rows(path: Path, config: RunConfig) -> list[LabelledRow]:
    gate = VERIFIER if isinstance(config.task, Math) else FAITHFULNESS
    try:
        lines = path.read_bytes().splitlines()
    except OSError as error:
        raise UserError(f"probes.labelled: {path}: {error.strerror or error}") from error
    known = tuple(dict.fromkeys((*KNOWN_GATES, *map(GateName, judging(config.gates)))))
    rows = [_row(each, path, known) for each in distinct(labelled_rows(iter(lines), gate, str(path)))]
    if not rows:
        raise UserError(f"probes.labelled: {path}: holds no rows")
    return rows


def _row(labelled: Labelled, path: Path, known: Sequence[GateName]) -> LabelledRow:
    passage = labelled.request.passage
    where = f"{path}: line {labelled.line}"
    if not passage.text.strip():
        raise UserError(f"{where}: the passage is blank, so the provenance gate would reject it")
    label = Worth.GOOD if labelled.label else Worth.BAD
    return LabelledRow(
        text=passage.text,
        draft=labelled.request.draft,
        label=label,
        origin=f"{path.name}#line={labelled.line}",
        reference=passage.reference,
        flaw=_one_of(FlawKind, labelled.flaw, f"{where}: 'flaw'") if label is Worth.BAD else None,
        gate=_gate(labelled.gate, where, known),
    )


def _one_of(kind: type[Member], value: str | None, where: str) -> Member | None:
    if value is None:
        return None
    try:
        return kind(value)
    except ValueError:
        names = ", ".join(member.value for member in kind)
        raise UserError(f"{where} is {value[:40]!r}; it must be one of {names}") from None


def _gate(name: str | None, where: str, known: Sequence[GateName]) -> GateName | None:
    if name is None or name in known:
        return None if name is None else GateName(name)
    raise UserError(f"{where}: 'gate' is {name[:40]!r}; it must be one of {', '.join(known)}")
