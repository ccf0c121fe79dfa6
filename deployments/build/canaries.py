"""Canaries as a configuration names them: the rows of labelled files, or who makes them of the run's own attempts.

Law: files are read once, before anything starts; what cannot be used is refused there, with its line.
"""

from collections.abc import Sequence
from enum import Enum
from pathlib import Path
from typing import TypeVar

from actors.probes.labelled import Labelled, distinct, labelled_rows
from actors.probes.mixing import LabelledRow, Maker, Mixing
from actors.probes.plan import plan_of
from deployments.build.injection import build_injector
from schemas.config import Math, RunConfig
from schemas.errors import UserError
from schemas.injection import InjectionKind, Worth
from schemas.verdicts import FAITHFULNESS, KNOWN_GATES, VERIFIER, GateName

Member = TypeVar("Member", bound=Enum)


def build_canaries(config: RunConfig) -> Mixing:
    """What conductors mix in. Raises UserError for a labelled file or an injector that cannot be used."""
    audit = config.audit
    if not audit.rate:
        return Mixing()
    rows = tuple(row for name in audit.labelled for row in _rows(Path(name), config))
    maker = None
    if not audit.labelled:
        maker = Maker(build_injector(config), plan_of(config.injection, seed=config.seed).kind_of)
    return Mixing(rate=audit.rate, good=audit.good, seed=config.seed, rows=rows, maker=maker)


def _rows(path: Path, config: RunConfig) -> list[LabelledRow]:
    gate = VERIFIER if isinstance(config.task, Math) else FAITHFULNESS
    try:
        lines = path.read_bytes().splitlines()
    except OSError as error:
        raise UserError(f"audit.labelled: {path}: {error.strerror or error}") from error
    known = tuple(dict.fromkeys((*KNOWN_GATES, *map(GateName, config.gates))))
    rows = [_row(each, path, known) for each in distinct(labelled_rows(iter(lines), gate, str(path)))]
    if not rows:
        raise UserError(f"audit.labelled: {path}: holds no rows")
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
        flaw=_one_of(InjectionKind, labelled.flaw, f"{where}: 'flaw'") if label is Worth.BAD else None,
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
