"""The gates measured twice: by the product's canaries in a live run, and by the study's own first attempts.

Law: the run is the product's, `audit` included; canaries are of the same passages and kinds of flaw as the injections
they are compared with, and of other samples. Rates have Wilson intervals; nothing is pooled that was not asked alike.
"""

import asyncio
from collections.abc import Iterable, Sequence
from contextlib import AsyncExitStack

from msgspec import Struct

from actors.counts.rates import wilson
from schemas.injection import InjectionKind, Worth
from schemas.ledger import CanaryEnded
from schemas.verdicts import FAITHFULNESS, REWARD, GateName, Rejected
from studies.provenance import runs
from studies.provenance.bootstrap import Estimate
from studies.provenance.findings import CanaryFinding
from studies.provenance.parts import Parts, Say
from studies.provenance.plan import LABELLED_SCALE, POLICIES, Setting
from studies.provenance.tries import Try

RATE = 0.5
"""Canaries for each order."""
TOGETHER = "all of these"
SEEN_BY = {
    FAITHFULNESS: ("contradicts_source", "parametric", "cross_passage", "domain_mismatch"),
    REWARD: ("instruction_quality", "response_quality"),
}
"""Which flaws are each gate's to see. Hot draws are no canaries: they take a generator."""


class Probe(Struct, frozen=True):
    """A bad canary that both gates judged."""

    flaw: InjectionKind
    rejected: tuple[GateName, ...]


async def probe(parts: Parts, say: Say) -> None:
    """A run of each seed with canaries beside its orders, each part once."""
    setting = Setting(LABELLED_SCALE, parts.plan.temperature)
    for seed in parts.plan.seeds:
        if parts.has(part_name(seed)):
            continue
        async with AsyncExitStack() as stack:
            shared = await runs.machines(stack, setting.scale, parts.memory(seed))
            world = await asyncio.to_thread(parts.world, seed)
            records = await runs.records(parts.plan, world, shared, setting=setting, policy=POLICIES[0], audited=RATE)
        found = list(probes(record for record in records if isinstance(record, CanaryEnded)))
        parts.put(part_name(seed), found)
        say(f"seed {seed}: {len(found)} bad canaries judged")


def part_name(seed: int) -> str:
    """Of the part that holds them."""
    return f"canaries-{seed}"


def probes(ended: Iterable[CanaryEnded]) -> Iterable[Probe]:
    """Those that are known to be bad, and in what way."""
    for one in ended:
        if one.label is Worth.BAD and one.flaw is not None and one.verdicts:
            yield Probe(one.flaw, tuple(said.gate for said in one.verdicts if isinstance(said, Rejected)))


def findings(parts: Parts, firsts: Sequence[tuple[int, Try]]) -> list[CanaryFinding]:
    """Recall of each gate by flaw, from canaries and from the study's verified injections at the first attempt."""
    every = [one for seed in parts.plan.seeds for one in parts.get(part_name(seed), list[Probe])]
    spoilt = [one for _, one in firsts if one.verified and one.faithfulness is not None]
    found: list[CanaryFinding] = []
    for gate, flaws in SEEN_BY.items():
        for flaw in (*flaws, TOGETHER):
            wanted = flaws if flaw == TOGETHER else (flaw,)
            probed = [gate in one.rejected for one in every if one.flaw.value in wanted]
            injected = [gate in one.rejected for one in spoilt if one.kind in wanted]
            found.append(CanaryFinding(gate, flaw, len(probed), rate(probed), len(injected), rate(injected)))
    return found


def rate(caught: Sequence[bool]) -> Estimate:
    """The share with its Wilson interval."""
    interval = wilson(sum(caught), len(caught))
    return Estimate(sum(caught) / max(1, len(caught)), *((0.0, 1.0) if interval is None else interval))
