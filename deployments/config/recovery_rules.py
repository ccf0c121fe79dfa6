"""Rules for recovery beyond types: pools, failure modes and repairs must exist. Law: recovery can make every repair
that a row or a gate names."""

import re
from collections.abc import Iterator

from actors.recovery.own import LONGEST_WORDS
from deployments.config.faults import at, below, nearest
from schemas.config import RunConfig
from schemas.config_gates import CustomGate, RuleGate, brought_modes, is_function
from schemas.recovery import KNOWN_MODES, KNOWN_REPAIRS, Repairs

_NAME = re.compile(r"[a-z][a-z0-9_]{0,39}")
RESERVED_REPAIRS = frozenset({"stop", "none", "gone", "fresh"})
"""Names that have another meaning where repairs are shown."""
NOT_LISTED = frozenset({Repairs.ESCALATE, Repairs.RESTART_FROM_PREFIX})
"""Repairs that follow from other keys: `escalate_to`, `credit`."""


def broken_recovery(config: RunConfig) -> Iterator[str]:
    """The faults of recovery, as `path: what is wrong`."""
    recovery = config.recovery
    target = recovery.escalate_to
    if target is not None and target not in config.pools:
        yield f"recovery.escalate_to: there is no pool '{target}'{nearest(target, config.pools)}"
    for name, said in recovery.own_repairs.items():
        yield from (at(below("recovery.own_repairs", name), problem) for problem in _broken_own(name, said, config))
    yield from _broken_rows(config)
    for name, gate in config.gates.items():
        if isinstance(gate, RuleGate | CustomGate):
            for mode, kind in gate.modes.items():
                yield from _unknown(config, below(f"{below('gates', name)}.modes", mode), kind)


def _broken_rows(config: RunConfig) -> Iterator[str]:
    modes = (*KNOWN_MODES, *brought_modes(config.gates))
    for mode, kinds in config.recovery.repairs.items():
        path = below("recovery.repairs", mode)
        if mode not in modes:
            hint = nearest(mode, modes) or f"; the modes are {', '.join(modes)}"
            yield at(path, f"there is no failure mode of this name{hint}")
        if not kinds:
            yield at(path, "an empty list; leave the mode out, or name a repair")
        if len(set(kinds)) < len(kinds):
            yield at(path, "names a repair twice")
        for kind in kinds:
            yield from _unknown(config, path, kind)


def _broken_own(name: str, said: str, config: RunConfig) -> Iterator[str]:
    if not _NAME.fullmatch(name):
        yield "a repair's name is of lower-case letters, digits and _, beginning with a letter"
    if name in KNOWN_REPAIRS or name in RESERVED_REPAIRS:
        yield "is the name of something that there is already; a repair needs another"
    if not is_function(said) and len(said) > LONGEST_WORDS:
        yield f"has {len(said):,} characters; at most {LONGEST_WORDS:,} are told"
    listed = {kind for kinds in config.recovery.repairs.values() for kind in kinds}
    if name not in listed and name not in brought_modes(config.gates).values():
        yield "is tried for no failure mode: name it in recovery.repairs, or in the modes of a gate"


def _unknown(config: RunConfig, path: str, kind: str) -> Iterator[str]:
    can = (*(known for known in KNOWN_REPAIRS if known not in NOT_LISTED), *config.recovery.own_repairs)
    if kind == Repairs.ESCALATE:
        yield at(path, "escalate is no repair of a mode; recovery.escalate_to names the stronger pool")
    elif kind not in can:
        hint = nearest(kind, can) or f"; the repairs are {', '.join(can)}"
        yield at(path, f"there is no repair '{kind}'{hint}")
