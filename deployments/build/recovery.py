"""What the diagnoser looks things up in: an index of the corpus's passages, where there are not too many.

Law: the index is of the whole corpus or there is none, so that a diagnosis never depends on how much of it was read.
"""

import logging
from itertools import islice

from actors.recovery.elsewhere import Elsewhere
from actors.recovery.modes import RunGates
from deployments.build.evidence import passages_of
from schemas.config import GroundedAnswer, RunConfig
from schemas.config_gates import brought_modes, kinds
from schemas.errors import CorpusError
from schemas.recovery import RepairKind

log = logging.getLogger("gleaner.recovery")


MOST_PASSAGES = 50_000
"""Of a corpus that is indexed, by each conductor: 33,000 passages of many words take 400 MiB."""


def run_gates(config: RunConfig) -> RunGates:
    """What recovery knows of the run's gates."""
    brought = {mode: RepairKind(repair) for mode, repair in brought_modes(config.gates).items()}
    return RunGates(kinds(config.gates), brought)


def build_elsewhere(config: RunConfig, *, limit: int = MOST_PASSAGES) -> Elsewhere | None:
    """None for a task without facts to mix up, a corpus of too many passages, and one that cannot be read from here
    (which the reader will say, too)."""
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
