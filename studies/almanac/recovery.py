"""What recovery comes to on the embedded models: `python -m studies.almanac.recovery --output DIR --policies rules`.

For each policy and seed the whole loop in this process, on examples/measured.yaml with a probe beside every order;
then, from the ledgers alone: what was recovered and what it took, how true it is, what other bars would have let
through, and how often the diagnosis was right. Law: a ledger that is there is read, not made again; what is true is the
world's word.
"""

import argparse
import asyncio
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

from msgspec.structs import replace

from actors.counts.rates import wilson
from actors.counts.tally import Tally
from actors.ledger.attempts import tokens
from actors.ledger.sqlite import LedgerReader, SqliteLedger
from deployments.build.evidence import passages_of
from deployments.config.load import load
from deployments.local.loop import conduct_in_process
from schemas.config import RunConfig
from schemas.config_engines import TransformersEngine
from schemas.config_gates import Classifier
from schemas.corpus import Passage
from schemas.ids import PassageId
from schemas.ledger import (
    AcceptedEnd,
    DeadLetteredEnd,
    Planned,
    ProbeEnded,
    ProbeIssued,
    ProbeRejoined,
    Record,
    Rejoined,
)
from schemas.verdicts import FAITHFULNESS, Errored, Passed
from studies.almanac.truth import Faithful, check

BASE = Path("examples/measured.yaml")
Attempted = Rejoined | AcceptedEnd | DeadLetteredEnd | ProbeRejoined | ProbeEnded
"""Records that hold an attempt."""
BARS: dict[str, Callable[[int], float]] = {
    "same": lambda _: 0.5,
    "0.05 more each attempt": lambda k: 0.5 + 0.05 * (k - 1),
    "odds by the root of k": lambda k: k**0.5 / (1 + k**0.5),
    "odds by k": lambda k: k / (1 + k),
    "1 - (1 - t) / k": lambda k: 1 - 0.5 / k,
}
"""The threshold of attempt k, where a first one must reach 0.5."""


@dataclass(frozen=True)
class Made:
    """One attempt: what the judge said and what is true. `score` is None where there was no draft to judge."""

    number: int
    spoilt: bool
    """It is a probe's."""
    accepted: bool
    true: bool
    score: float | None
    tokens: int


def config_of(policy: str, seed: int, *, judge: str, bar: str) -> RunConfig:
    """A run of the study."""
    config = load(BASE)
    faithfulness = config.gates[FAITHFULNESS]
    assert isinstance(faithfulness, Classifier)
    assert isinstance(faithfulness.engine, TransformersEngine)
    engine = replace(faithfulness.engine, model=faithfulness.engine.model.replace("judge-strong", judge))
    return replace(
        config,
        seed=seed,
        gates={**config.gates, FAITHFULNESS: replace(faithfulness, engine=engine)},
        recovery=replace(config.recovery, policy=policy, bar=bar),
        probes=replace(config.probes, rate=1.0, good=0.0),
    )


def conduct(config: RunConfig, output: Path) -> None:
    """The run to its end, unless it is there."""
    if (output / "ledger.sqlite").exists():
        return
    output.mkdir(parents=True)
    asyncio.run(conduct_in_process(config, list(passages_of(config.corpus)), SqliteLedger(output, owner=1)))


def attempts(records: Iterable[Record]) -> Iterator[Made]:
    """Every attempt, in the ledger's order."""
    passages: dict[PassageId, Passage] = {}
    of: dict[str, PassageId] = {}
    for record in records:
        if isinstance(record, Planned):
            passages[record.passage.id] = record.passage
            of |= {order.id: record.passage.id for order in record.orders}
        if isinstance(record, ProbeIssued):
            of[record.order_id] = record.probe.passage.id
        if not isinstance(record, Attempted) or record.attempt is None:
            continue
        attempt = record.attempt
        draft = None if attempt.candidate is None else attempt.candidate.draft
        text = passages[of[record.order_id]].text
        true = draft is not None and isinstance(check(text, question=draft.question, answer=draft.answer), Faithful)
        scores = [
            verdict.score
            for verdict in attempt.verdicts
            if not isinstance(verdict, Errored) and verdict.gate == FAITHFULNESS
        ]
        passed = bool(attempt.verdicts) and all(isinstance(verdict, Passed) for verdict in attempt.verdicts)
        yield Made(
            attempt.number, isinstance(record, ProbeRejoined | ProbeEnded), passed, true,
            scores[0] if scores else None, tokens(attempt),
        )  # fmt: skip


def recovery_line(name: str, made: Sequence[Made]) -> str:
    """Recovered of the rejected, what the repairs took, and how many are true."""
    rejected = sum(each.number == 1 and not each.accepted for each in made)
    repairs = [each for each in made if each.number > 1]
    recovered = [each for each in repairs if each.accepted]
    spent = sum(each.tokens for each in repairs)
    per_1000 = 1000 * len(recovered) / spent if spent else 0.0
    return (
        f"{name}: recovered {share(len(recovered), rejected)}; {spent:,} tokens, {per_1000:.2f} per 1,000; "
        f"true {share(sum(each.true for each in recovered), len(recovered))}"
    )


def bar_lines(made: Sequence[Made]) -> Iterator[str]:
    """First-pass samples, then the recovered ones that each bar would have let through."""
    first = [each for each in made if each.accepted and each.number == 1 and not each.spoilt]
    recovered = [each for each in made if each.accepted and each.number > 1]
    yield f"  first pass: true {share(sum(each.true for each in first), len(first))}"
    for name, bar in BARS.items():
        passed = [each for each in recovered if each.score is not None and each.score >= bar(each.number)]
        true = sum(each.true for each in passed)
        kept = share(true, sum(each.true for each in recovered))
        yield f"  {name}: true {share(true, len(passed))}; kept of the true {kept}"


def share(part: int, whole: int) -> str:
    """A rate with its 95% Wilson interval."""
    found = wilson(part, whole)
    if found is None:
        return "0 of 0"
    return f"{part} of {whole} = {100 * part / whole:.1f}% ({100 * found[0]:.1f}-{100 * found[1]:.1f})"


def main() -> None:
    """Runs what is missing and prints the figures."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--output", type=Path, required=True)
    parser.add_argument("--policies", nargs="+", default=["adaptive", "naive_resample", "rules"])
    parser.add_argument("--seeds", nargs="+", type=int, default=[20, 21])
    parser.add_argument("--judge", choices=["judge-strong", "judge-weak"], default="judge-strong")
    parser.add_argument("--bar", choices=["raised", "same"], default="raised")
    asked = parser.parse_args()
    every: list[Made] = []
    right = diagnosed = 0
    for policy in asked.policies:
        made: list[Made] = []
        for seed in asked.seeds:
            output = asked.output / f"{asked.judge}-{asked.bar}-{policy}-{seed}"
            conduct(config_of(policy, seed, judge=asked.judge, bar=asked.bar), output)
            with LedgerReader(output) as ledger:
                records = [record for _, record in ledger.records()]
            tally = Tally()
            for record in records:
                tally.apply(record)
            found = [each for flaw in tally.summary().probes.flaws for each in flaw.diagnoses]
            right += sum(each.probes for each in found if each.right)
            diagnosed += sum(each.probes for each in found)
            made += attempts(records)
        print(recovery_line(policy, made))
        every += made
    print("\n".join(bar_lines(every)))
    print(f"diagnosis right: {share(right, diagnosed)}")


if __name__ == "__main__":
    main()
