"""Several samples of a completion, several drafts in a judge's call, a judge of some orders, several queues and an
exact number of samples: each with the others, in one process over a simulated model."""

from collections import Counter
from collections.abc import Sequence
from pathlib import Path

import msgspec
import pytest
from msgspec.structs import replace

from actors.audit.findings import Findings
from actors.audit.fold import read_book
from actors.counts.tally import Tally
from actors.counts.together import together
from actors.ledger.sqlite import MemoryLedger
from benchmarks.cost import Arm, configuration
from benchmarks.simulated.corpus import fact_sheet
from benchmarks.simulated.engine import PaidCall
from deployments.build.wiring import started
from deployments.local.loop import conduct_in_process
from deployments.terminal.preview import passages_of
from schemas.config import RunConfig
from schemas.config_bounds import Stopping
from schemas.config_gates import LlmJudge
from schemas.ids import OrderId
from schemas.ledger import AcceptedEnd, DeadLetteredEnd, Planned, Rejoined
from schemas.orders import Attempt
from schemas.progress import Counts
from schemas.queue_shard import QueueShard
from schemas.shares import in_share
from schemas.verdicts import FAITHFULNESS, REWARD, Errored, Passed

SEED, PASSAGES, SHARE = 5, 12, 0.5
THREE = Arm("three", written=3, judged=3, gates=(REWARD, FAITHFULNESS))


def config_of(folder: Path, arm: Arm = THREE, *, share: float = 1.0) -> RunConfig:
    """A run over its own corpus; the faithfulness judge has a share of the orders."""
    sheets = (fact_sheet(SEED, index) for index in range(PASSAGES))
    (folder / "corpus.jsonl").write_bytes(b"".join(msgspec.json.encode(sheet) + b"\n" for sheet in sheets))
    config = configuration(arm, folder, seed=SEED)
    judge = config.gates[FAITHFULNESS]
    assert isinstance(judge, LlmJudge)
    return replace(config, gates={**config.gates, FAITHFULNESS: replace(judge, share=share)})


async def conducted(config: RunConfig, queues: int = 1) -> Sequence[MemoryLedger]:
    """The ledgers of a run to its end."""
    ledgers = [MemoryLedger() for _ in range(queues)]
    for ledger in ledgers:
        ledger.append([started(config, at=0.0)])
    await conduct_in_process(config, passages_of(config, PASSAGES), *ledgers)
    return ledgers


def counted(ledgers: Sequence[MemoryLedger]) -> Counts:
    """The run's counts, after the proof of each ledger: each order was issued once and ended once."""
    summaries = []
    for ledger, shard in zip(ledgers, QueueShard(0, len(ledgers)).all, strict=True):
        findings, tally = Findings(), Tally()
        read_book(enumerate(ledger.kept, 1), findings, shard)
        assert findings.kept == []
        for record in ledger.kept:
            tally.apply(record)
        summaries.append(tally.summary())
    counts = together(summaries).counts
    assert counts.issued == counts.accepted + counts.dead_lettered + counts.not_needed + counts.outstanding
    assert counts.outstanding == 0
    return counts


def attempts(ledgers: Sequence[MemoryLedger]) -> list[tuple[OrderId, Attempt]]:
    kept = (record for ledger in ledgers for record in ledger.kept)
    made = (each for each in kept if isinstance(each, Rejoined | AcceptedEnd | DeadLetteredEnd))
    return [(each.order_id, each.attempt) for each in made if each.attempt is not None]


def calls(folder: Path) -> Counter[str]:
    paid = (msgspec.json.decode(line, type=PaidCall) for line in (folder / "calls").read_bytes().splitlines())
    return Counter(call.kind for call in paid)


@pytest.mark.parametrize("short_circuit", [False, True])
async def test_a_judge_of_half_the_orders_reads_those_of_a_passage_together(
    tmp_path: Path, short_circuit: bool
) -> None:
    """Of the three drafts of a completion those in its share share a call; the others have no verdict of it, ever."""
    arm = Arm("three", short_circuit, written=3, judged=3, gates=THREE.gates)
    config = config_of(tmp_path, arm, share=SHARE)
    ledgers = await conducted(config)
    counts = counted(ledgers)
    assert counts.issued == 3 * PASSAGES
    judged, notes = 0, list[str]()
    for order, attempt in attempts(ledgers):
        inside = in_share(SEED, FAITHFULNESS, order, SHARE)
        said = [each for each in attempt.verdicts if each.gate == FAITHFULNESS]
        rated = [each for each in attempt.verdicts if each.gate == REWARD]
        asked = inside and bool(rated) and (not short_circuit or isinstance(rated[0], Passed))
        assert len(said) == asked and (attempt.unjudged == ()) == (inside or not rated)
        judged += asked
        notes += [each.evidence.note for each in said if not isinstance(each, Errored)]
    assert any(note.endswith("draft 2 of 2 in one call") for note in notes)
    assert 0 < calls(tmp_path)["judge"] < judged


@pytest.mark.parametrize("queues", [1, 3])
async def test_exactly_so_many_samples_of_completions_that_give_several(tmp_path: Path, queues: int) -> None:
    """A completion of three is begun when one more is wanted: what is beyond is not needed, in whichever queue."""
    config = replace(config_of(tmp_path), stop=Stopping(accepted=10))
    ledgers = await conducted(config, queues)
    counts = counted(ledgers)
    assert counts.accepted == 10
    planned = [record for ledger in ledgers for record in ledger.kept if isinstance(record, Planned)]
    assert counts.issued == sum(len(record.orders) for record in planned) < 3 * PASSAGES
    paid = calls(tmp_path)
    assert sum(paid.values()) < sum(attempt.candidate is not None for _, attempt in attempts(ledgers)) * 3
