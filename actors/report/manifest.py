"""manifest.json: what a run was made with and its results. Law: all of it follows from the ledger and run.yaml."""

from collections.abc import Mapping, Sequence

import msgspec

from actors.counts.bill import bill_of, prices_of
from actors.counts.rates import rate
from actors.report.facts import ReportFold
from schemas.config import RunConfig, deployed
from schemas.config_computed import isolations
from schemas.config_gates import shared_pools, thresholds
from schemas.ledger import ShardWritten
from schemas.manifest import Manifest, ShardFile, UnjudgedSamples
from schemas.progress import Summary

SHARED = tuple(name for name in Manifest.__struct_fields__ if name in Summary.__struct_fields__)
"""Tables with the same name in the manifest and the summary. They are the same tables."""


def manifest_of(
    facts: ReportFold, shards: Sequence[ShardWritten], config: RunConfig | None, *, versions: Mapping[str, str]
) -> Manifest:
    """The manifest for a folder's facts and its counting shards of all ledgers. `config`: None when run.yaml is
    missing. `versions` are added to the recorded ones."""
    summary = facts.summary()
    counts = summary.counts
    files = [ShardFile(shard.name, shard.rows, shard.sha256) for shard in shards]
    return Manifest(
        name=config.name if config else "run",
        complete=summary.all_planned and not counts.outstanding,
        versions={**facts.versions, **versions},
        seed=config.seed if config else None,
        config_sha256=facts.config_sha256,
        models=_models(config) if config else {},
        thresholds=thresholds(config.gates) if config else {},
        isolations=isolations(config.gates) if config else {},
        yield_=counts.yield_,
        recovery_rate=counts.recovery_rate,
        tokens=summary.tokens,
        overlap_jaccard=summary.overlap.jaccard,
        ended_at=None if counts.outstanding else facts.last_end_at,
        wall_seconds=round(facts.clock.seconds, 3),
        first_accepted_seconds=summary.first_accepted_s,
        bill=bill_of(summary, prices_of(config)) if config else None,
        shards=tuple(sorted(files, key=lambda file: file.name)),
        unjudged=tuple(
            UnjudgedSamples(each.gate, each.unjudged, rate(each.passed, each.judged)) for each in summary.sampled
        ),
        **{name: getattr(summary, name) for name in SHARED},
    )


def encode(manifest: Manifest) -> bytes:
    """The manifest as its file holds it: indented JSON."""
    return msgspec.json.format(msgspec.json.encode(manifest), indent=2) + b"\n"


def _models(config: RunConfig) -> dict[str, str]:
    own = {each.role: each.part.engine.model for each in deployed(config)}
    return own | {gate: own[pool] for gate, pool in shared_pools(config.gates).items()}
