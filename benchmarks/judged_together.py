"""Whether a judge that reads several drafts of a passage in one call judges them as well as one by one, and whether it
prefers a place: drafts that are true or false by construction (`benchmarks/simulated`), judged alone and together.

    python -m benchmarks.judged_together [--passages 200] [--config RUN.yaml --gate NAME]

Without a configuration the judge is the simulated one, which does not grow worse with their number: that measures what
is ours (prompts, reading, sharing). With one it is that run's gate of form `llm`: that measures a model. A draft that
has no verdict at its first try is an error; a run would ask again.
"""

import argparse
import asyncio
import tempfile
from collections.abc import Sequence
from contextlib import AsyncExitStack
from pathlib import Path

from msgspec import Struct
from msgspec.structs import replace

from actors.counts.rates import rate
from actors.protocols import Gate
from benchmarks.cost import ARMS, configuration
from benchmarks.simulated.corpus import fact_sheet
from benchmarks.simulated.model import Asked, Quality, SimulatedModel
from benchmarks.simulated.text import is_faithful
from deployments.config.load import load
from deployments.local.gates import local_gate
from schemas.config import RunConfig
from schemas.config_gates import LlmJudge
from schemas.corpus import Passage, Provenance
from schemas.errors import HopError
from schemas.gate_audit import Rate
from schemas.ids import DocumentId, PassageId
from schemas.samples import answered
from schemas.verdicts import FAITHFULNESS, Errored, GateName, GateRequest, Passed, Verdict

TOGETHER = 3
AT_ONCE = 8
"""How many passages are judged at the same time."""
SEED = 5
"""Of passages and drafts; no run of the benchmarks has these."""


class Row(Struct, frozen=True):
    """A draft before the gate, at its place of the call; whether it is true; and what the gate said."""

    place: int
    true: bool
    verdict: Verdict | None

    @property
    def passed(self) -> bool:
        return isinstance(self.verdict, Passed)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--passages", type=int, default=200)
    parser.add_argument("--config", type=Path)
    parser.add_argument("--gate", default=FAITHFULNESS)
    arguments = parser.parse_args()
    print("| judged | precision | recall | errors | tokens for each draft | right by place |")
    print("| --- | --- | --- | --- | --- | --- |")
    for count in (1, TOGETHER):
        with tempfile.TemporaryDirectory() as folder:
            config = load(arguments.config) if arguments.config else configuration(ARMS[0], Path(folder), seed=SEED)
            rows = asyncio.run(judged(config, GateName(arguments.gate), count, passages=arguments.passages))
        print(line(count, rows), flush=True)


async def judged(config: RunConfig, name: GateName, count: int, *, passages: int) -> list[Row]:
    """Every draft, judged `count` at once."""
    gate = config.gates[name]
    assert isinstance(gate, LlmJudge), "only a judge of form llm reads several drafts"
    config = replace(config, gates={**config.gates, name: replace(gate, drafts_per_call=count)})
    groups = [drafts_of(number) for number in range(passages)]
    async with AsyncExitStack() as stack:
        asked = await local_gate(stack, config, name)
        room = asyncio.Semaphore(AT_ONCE)
        found = await asyncio.gather(*(_group(asked, group, room) for group in groups))
    return [row for rows in found for row in rows]


def drafts_of(number: int) -> list[GateRequest]:
    """The drafts of one passage, in an order that has nothing to do with their truth."""
    model, text = SimulatedModel(Quality(seed=SEED)), fact_sheet(SEED, number).text
    where = Provenance("simulated", DocumentId(str(number)), "", 0, len(text), "whole")
    passage = Passage(PassageId(f"passage-{number}"), text, where)
    pairs = model.pairs(Asked(passage=text, count=TOGETHER, temperature=1.2, key=str(number)))
    return [
        GateRequest(f"{number}-{place}:1", passage, answered(pair.question, pair.answer))
        for place, pair in enumerate(pairs, 1)
    ]


async def _group(gate: Gate, requests: Sequence[GateRequest], room: asyncio.Semaphore) -> list[Row]:
    async with room:
        verdicts = await asyncio.gather(*(_verdict(gate, request) for request in requests))
    return [
        Row(place, is_faithful(request.passage.text, request.draft.answer), verdict)
        for place, (request, verdict) in enumerate(zip(requests, verdicts, strict=True), 1)
    ]


async def _verdict(gate: Gate, request: GateRequest) -> Verdict | None:
    try:
        verdict = await gate.check(request)
    except HopError:
        return None
    return None if isinstance(verdict, Errored) else verdict


def line(count: int, rows: Sequence[Row]) -> str:
    """The table's line."""
    told = [row for row in rows if row.verdict is not None]
    hits = sum(row.passed and row.true for row in told)
    precision, recall = rate(hits, sum(row.passed for row in told)), rate(hits, sum(row.true for row in told))
    tokens = sum(row.verdict.cost.tokens for row in told if row.verdict is not None) / max(1, len(told))
    places = ", ".join(
        _said(rate(sum(row.passed is row.true for row in at), len(at)))
        for at in ([row for row in told if row.place == place] for place in range(1, TOGETHER + 1))
    )
    way = "one by one" if count == 1 else f"{count} together"
    errors = f"{len(rows) - len(told)} of {len(rows)}"
    return f"| {way} | {_said(precision)} | {_said(recall)} | {errors} | {tokens:,.0f} | {places} |"


def _said(share: Rate) -> str:
    if share.value is None or share.low is None or share.high is None:
        return "–"
    return f"{share.value:.1%} ({share.low:.1%}–{share.high:.1%})"


if __name__ == "__main__":
    main()
