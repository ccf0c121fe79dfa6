"""Accepts dead letters by their recorded scores, after a changed threshold. Law: no model is asked and nothing is
spent. Accepted samples stay accepted, even under a raised threshold. Never while a run holds the folder.

Scores are those that the gates gave, so only thresholds may change. Attempts that other gates judged (before a replay
changed them) are left alone. run.yaml is written before the samples that it accepts, so that `verify` checks each
against the configuration that accepted it; shards and manifest come last. After a crash anywhere the same command mends
what is left.
"""

import asyncio
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from itertools import islice
from pathlib import Path

from msgspec import Struct

from actors.dataset.strangers import check_not_older
from actors.ledger.folder import Ledgers
from actors.ledger.reopen import Found, ReplayRequest, Terms, dead_letters, reopened
from actors.ledger.sqlite import LedgerReader, SqliteLedger
from actors.queue.held import AskedQuestions
from actors.recovery.policies import build_bar
from actors.recovery.rescoring import PassingTerms, changes_no_score, judged_anew
from actors.report.finish import finish, is_finished, replace_config
from deployments.build.recovery import run_gates
from deployments.build.versions import versions
from deployments.build.wiring import alike, models, vector_threshold
from deployments.config.identity import Change, Difference
from deployments.config.load import differences, to_yaml
from deployments.folder.replay import (
    BATCH,
    CountedLetters,
    Group,
    check_permitted,
    groups_of,
    letters_of,
    missed_draws,
)
from deployments.folder.settings import differences_with, folder_config
from deployments.folder.shards import write_shards
from schemas.config import RunConfig
from schemas.config_cascade import judging
from schemas.config_gates import shares, thresholds
from schemas.errors import UserError
from schemas.ids import PassageId, PoolName
from schemas.ledger import Reconfigured, Record, Rescored
from schemas.shares import GateShares
from schemas.verdicts import PROVENANCE, GateName


class RescoredLetters(Struct, frozen=True):
    """Which dead letters were accepted, which are left, and which keys of the configuration changed."""

    accepted: tuple[Group, ...]
    left: tuple[Group, ...]
    changed: tuple[Difference, ...] = ()

    @property
    def orders(self) -> int:
        """The number of orders that were accepted."""
        return sum(group.orders for group in self.accepted)


def foresee_rescoring(output: Path, wanted: ReplayRequest, config: RunConfig | None) -> RescoredLetters:
    """What `rescore` would do; nothing is written. Raises UserError where `rescore` would."""
    check_not_older(output)
    with Ledgers(output) as readers:
        changed = _changed(output, config)
        accepted, left = CountedLetters(), CountedLetters()
        for reader in readers.each:
            for _ in accepted.each(found for found, _ in _passing(reader, wanted, folder_config(output), config, 0.0)):
                pass
        check_permitted(readers, changed, matching=bool(accepted.groups))
        for _ in left.each(letters_of(readers, ReplayRequest())):
            pass
    left.groups -= accepted.groups
    return RescoredLetters(accepted.ranked(), left.ranked(), tuple(changed))


def rescore(
    output: Path, wanted: ReplayRequest, config: RunConfig | None, *, now: Callable[[], float]
) -> RescoredLetters:
    """Accepts the selected dead letters that pass now, and takes the changed thresholds. Raises UserError, and
    OutputError while a run goes on."""
    with Ledgers(output) as readers, ExitStack() as held:
        ledgers = [held.enter_context(SqliteLedger(output, reader.shard)) for reader in readers.each]
        check_not_older(output)
        changed = _changed(output, config)
        old = folder_config(output)
        new = config or old
        at = now()
        any_passes = any(True for reader in readers.each for _ in _passing(reader, wanted, old, config, at))
        check_permitted(readers, changed, matching=any_passes)
        lines = tuple(str(each) for each in changed if each.change is not Change.ANY_RESUME)
        if lines:
            for ledger in ledgers:
                ledger.append([Reconfigured(at, to_yaml(old), models(old), lines)])
        if changed:
            replace_config(output, to_yaml(new))
        accepted = CountedLetters()
        for ledger, reader in zip(ledgers, readers.each, strict=True):
            passing = _passing(reader, wanted, old, config, at)
            while batch := list(islice(passing, BATCH)):
                ledger.append([record for _, records in batch for record in records])
                for _ in accepted.each(found for found, _ in batch):
                    pass
        unfinished = bool(accepted.groups or changed) or not is_finished(output)
        for ledger, reader in zip(ledgers, readers.each, strict=True):
            if unfinished:
                asyncio.run(write_shards(output, ledger, reader, new, now))
        left = groups_of(letters_of(readers, ReplayRequest()))
        if unfinished:
            finish(output, now=now(), versions=versions())
    return RescoredLetters(accepted.ranked(), left, tuple(changed))


def _changed(output: Path, config: RunConfig | None) -> list[Difference]:
    """The changed keys. Raises UserError for a change that recorded scores cannot answer."""
    found = differences_with(output, config)
    others = [str(each) for each in found if each.change is Change.REPLAY and not changes_no_score(each.path)]
    if others:
        raise UserError(
            f"recorded scores cannot answer these changes: {'; '.join(others)}; rescoring takes changed "
            "thresholds alone, `gleaner replay --config` without --rescore has dead letters made and judged again"
        )
    return found


def _passing(
    reader: LedgerReader, wanted: ReplayRequest, old: RunConfig, config: RunConfig | None, at: float
) -> Iterator[tuple[Found, tuple[Record, Record]]]:
    """Every selected dead letter whose last attempt passes now and repeats no accepted sample, with its two records. If
    an accepted sample of its passage has a vector and it has none (a gate rejected it before the embedder), it is left:
    whether it repeats that sample is unknown."""
    new = config or old
    asked = AskedQuestions(alike(new), new.judging.duplicate_similarity, vector_threshold(new))
    remembered: set[PassageId] = set()
    changed = tuple(str(each) for each in differences(old, new) if each.change is not Change.ANY_RESUME)
    terms = Terms(at, frozenset(PoolName(name) for name in new.pools), changed, missed_draws(new))
    judged_by = GateShares(new.seed, shares(new.gates))
    passing, judged_otherwise = passing_terms(new), _judged_otherwise_until(reader)
    for found in dead_letters(reader, wanted):
        if found.seq < judged_otherwise or (judged_otherwise and found.end.attempt is None):
            continue
        if not found.life.attempts:
            continue
        attempt = judged_anew(found.life.attempts[-1], passing, judged_by.unjudged(found.life.order.id))
        if attempt is None:
            continue
        back = reopened(found, reader, terms)
        if back.passage.id not in remembered:
            asked.remember(back.passage.id, back.asked)
            remembered.add(back.passage.id)
        if not asked.lacks_vector(back.order, attempt) and asked.again(back.order, attempt) is None:
            asked.add(back.order, attempt)
            yield found, (back, Rescored(at, back.order_id, attempt))


def passing_terms(config: RunConfig) -> PassingTerms:
    """What an attempt must pass under this configuration."""
    known = {GateName(name): threshold for name, threshold in thresholds(config.gates).items()}
    gates = {PROVENANCE, *map(GateName, judging(config.gates))}
    return PassingTerms(known, gates, build_bar(config.recovery, run_gates(config)))


def _judged_otherwise_until(reader: LedgerReader) -> int:
    """The last record at which more than thresholds changed; 0 when there is none. Attempts before it have scores of
    other gates or of another generator."""
    changes = ((seq, {line.partition(":")[0] for line in record.changed}) for seq, record in reader.reconfigured())
    return max((seq for seq, keys in changes if not all(map(changes_no_score, keys))), default=0)
