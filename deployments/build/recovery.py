"""Builds the parts of recovery: failure modes of gates, repairs of the task and of the user, and the diagnoser's index
of passages, if the corpus is not too large.

Law: the index has the whole corpus, or there is none, so that a diagnosis never depends on how much of it was read.
"""

import inspect
import logging
from collections.abc import Callable
from itertools import islice
from typing import Any

from actors.protocols import Repairer, Task
from actors.recovery.elsewhere import Elsewhere
from actors.recovery.modes import RunGates
from actors.recovery.own import FunctionRepair, worded
from actors.recovery.policies import TaskRecovery
from actors.tasks.one_call import OneCall
from deployments.build.evidence import passages_of
from deployments.build.own_code import factory_of
from deployments.config.faults import below, nearest
from schemas.config import GroundedAnswer, RunConfig
from schemas.config_gates import brought_modes, is_function, kinds
from schemas.errors import ConfigError, CorpusError
from schemas.recovery import FORM_REPAIRS, KNOWN_REPAIRS, RepairKind
from schemas.repairs import RejectedDraft

log = logging.getLogger("gleaner.recovery")


MOST_PASSAGES = 50_000
"""The most passages of an indexed corpus. Each conductor has an index: 33,000 passages of many words take 400 MiB."""


def run_gates(config: RunConfig) -> RunGates:
    """The kinds of the run's gates, and the failure modes that they bring with their repairs."""
    brought = {mode: RepairKind(repair) for mode, repair in brought_modes(config.gates).items()}
    return RunGates(kinds(config.gates), brought)


def task_recovery(config: RunConfig, task: Task) -> TaskRecovery:
    """The repairs of the run's task and configuration. A task that says which repairs its prompts know has those of the
    configuration too that bring words, if these stand behind its prompt. Raises ConfigError for a function that cannot
    be found, and for a task that names an unknown repair."""
    own = {RepairKind(name): own_repair(name, said) for name, said in config.recovery.own_repairs.items()}
    known = getattr(task, "repairs", ())
    names = (*KNOWN_REPAIRS, *own)
    for kind in known:
        if kind not in names:
            hint = nearest(kind, names) or "; name it in recovery.own_repairs"
            raise ConfigError(f"task: it says that it knows the repair '{kind}', and there is none{hint}")
    if known and isinstance(task, OneCall):
        brought = (RepairKind(name) for name, said in config.recovery.own_repairs.items() if said)
        known = dict.fromkeys((*known, *brought))
    forms = tuple(getattr(task, "form_repairs", ()))
    for mode, row in config.recovery.repairs.items():
        for kind in row:
            if kind in FORM_REPAIRS and kind not in forms:
                path = below("recovery.repairs", mode)
                raise ConfigError(f"{path}: the task's prompts do not know {kind}; name another repair")
    return TaskRecovery(task.claim, tuple(known), own, forms)


def own_repair(name: str, said: str) -> Repairer:
    """The repair of words, or of `module:function`. Raises ConfigError."""
    return FunctionRepair(RepairKind(name), repair_function(name, said)) if is_function(said) else worded(said)


def repair_function(name: str, said: str) -> Callable[[RejectedDraft], Any]:
    """The function of the repair of that name. Raises ConfigError."""
    where = f"recovery.own_repairs.{name}"
    try:
        function = factory_of(said)
    except (ImportError, AttributeError) as error:
        raise ConfigError(f"{where}: {said} cannot be imported: {error}") from error
    if not callable(function) or isinstance(function, type) or inspect.iscoroutinefunction(function):
        raise ConfigError(f"{where}: {said} must be a plain function that takes the rejected draft")
    return function


def build_elsewhere(config: RunConfig, *, limit: int = MOST_PASSAGES) -> Elsewhere | None:
    """The diagnoser's index. None for a task without facts that could be mixed up, for a corpus with too many passages,
    and for one that cannot be read here (the reader reports that)."""
    if not isinstance(config.task, GroundedAnswer):
        return None
    try:
        passages = list(islice(passages_of(config.corpus), limit + 1))
    except CorpusError as error:
        log.warning("no other passages to diagnose by", extra={"reason": str(error)})
        return None
    if len(passages) > limit:
        log.info("more passages than are looked up in: cross_passage is not predicted", extra={"limit": limit})
        return None
    return Elsewhere(passages)
