"""The benchmark's two sides answer the same requests."""

import argparse
from pathlib import Path

from msgspec.structs import replace

from actors.ledger.sqlite import MemoryLedger
from benchmarks.bare_vllm import POOL, Written, configuration, requests, shortened
from deployments.build.evidence import passages_of
from deployments.local.loop import conduct_in_process
from deployments.monitoring.progress import Phase, Progress
from schemas.config import RunConfig
from schemas.config_engines import CustomEngine
from schemas.ledger import AcceptedEnd, DeadLetteredEnd
from schemas.progress import Counts, RoleCost, RunSnapshot, Summary


def small(folder: Path) -> RunConfig:
    asked = argparse.Namespace(model="m", dtype="float32", samples=3, max_tokens=48, threads=1)
    config = configuration(asked, shortened(folder, 4))
    instant = CustomEngine(factory="tests.doubles.engines:instant")
    return replace(config, pools={POOL: replace(config.pools[POOL], engine=instant)})


async def test_bare_vllm_is_asked_what_the_loop_asks(tmp_path: Path) -> None:
    """Prompts and seeds, order by order."""
    config = small(tmp_path)
    asked = {(request.messages, request.sampling) for request in await requests(config)}
    ledger = MemoryLedger()
    await conduct_in_process(config, list(passages_of(config.corpus)), ledger)
    ends = [record for record in ledger.kept if isinstance(record, AcceptedEnd | DeadLetteredEnd)]
    made = [end.attempt.candidate for end in ends if end.attempt is not None]
    assert len(made) == len(asked) == 12
    assert {(each.prompt, each.sampling) for each in made if each is not None} == asked


def test_a_corpus_may_be_longer_than_the_almanac(tmp_path: Path) -> None:
    """No passage is there twice: a run would plan it once."""
    lines = shortened(tmp_path, 450).read_text().splitlines()
    assert len(lines) == 450 and len({line.partition('"text"')[2] for line in lines}) == 450


def test_the_loops_speed_with_ramp_and_tail_and_without() -> None:
    """Loads for ten seconds, ramps, writes 100 tokens a second, and has a slow last answer."""
    written = Written()
    course = [(0.0, 0), (10.0, 0), (12.0, 5), (13.0, 10), (14.0, 20), (20.0, 80), (21.0, 90), (22.0, 95), (25.0, 100)]
    for at, attempts in course:
        roles = (RoleCost(POOL, attempts, 0, 10 * attempts, 0.0),)
        snapshot = RunSnapshot(at=at, summary=Summary(counts=Counts(attempts=attempts), roles=roles))
        written(Progress(at=at, phase=Phase.RUNNING, snapshot=snapshot))
    speed = written.speed()
    assert (round(speed.whole, 1), round(speed.inside, 1)) == (66.7, 100.0)
