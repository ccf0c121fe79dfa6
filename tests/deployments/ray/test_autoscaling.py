"""A run that grows with its work and shrinks again, on a real Ray and a real Serve. The engines are doubles."""

from itertools import pairwise
from pathlib import Path

import pytest
from msgspec.structs import replace

from benchmarks.loop import configuration, write_corpus
from deployments.monitoring.progress import Progress
from deployments.run import RunEnd, run
from schemas.config import Pool, RunConfig, Scaling
from schemas.config_deployed import Replicas
from schemas.config_engines import CustomEngine
from schemas.orders import EndReason
from tests.deployments.test_run import holds

pytestmark = [pytest.mark.ray, pytest.mark.slow, pytest.mark.usefixtures("ray_session")]

PASSAGES = 800


@pytest.fixture
def config(tmp_path: Path) -> RunConfig:
    """2,400 orders of 0.3 s and a fifth of them twice, four slots a replica: more than enough for all three, however
    long a replica takes to start. From the file `enough` on none takes any time; a few wait for the file `last`."""
    corpus = tmp_path / "corpus.jsonl"
    write_corpus(corpus, PASSAGES)
    plain = configuration(corpus, rejected=0.2, concurrency=64)
    options: dict[str, str | int | float | bool] = {
        "median_s": 0.3,
        "slots": 4,
        "instant_after": str(tmp_path / "enough"),
        "held": 0.001,
        "held_until": str(tmp_path / "last"),
    }
    engine = CustomEngine(factory="tests.doubles.engines:instant", options=options)
    pool = Pool(engine=engine, replicas=Replicas(min=1, max=3, num_cpus=0.1))
    scaling = Scaling(accelerators=0.5, cooldown_s=0.5, horizon_s=20.0)
    return replace(plain, pools={"generator": pool}, scaling=scaling)


def _ready(seen: list[Progress]) -> list[int]:
    return [status.running for each in seen for status in each.replicas if "generator" in status.name]


def _wanted(seen: list[Progress]) -> list[int]:
    return [each.scaling.pools["generator"].wanted for each in seen if each.scaling is not None]


def test_a_burst_brings_replicas_up_and_its_end_brings_them_down(config: RunConfig, tmp_path: Path) -> None:
    """Three generators while work lasts, fewer before its end; those taken away finished what they had begun."""
    seen: list[Progress] = []

    def watch(progress: Progress) -> None:
        seen.append(progress)
        if max(_ready(seen), default=0) == 3:
            (tmp_path / "enough").touch()
            if _wanted(seen)[-1] < 3:
                (tmp_path / "last").touch()

    result = run(config, tmp_path / "run", watch=watch)
    assert result.end is RunEnd.COMPLETE
    assert result.manifest.counts.issued == PASSAGES * 3
    assert result.manifest.counts.outstanding == 0
    assert {end.reason for end in result.manifest.ends} <= {EndReason.REJECTED}
    assert holds(tmp_path / "run", config)
    assert max(_ready(seen)) == 3, "of a pool that begins with one"
    assert _wanted(seen)[-1] < 3, "replicas went while work went on"
    turns = [second - first for first, second in pairwise(_wanted(seen)) if first != second]
    assert turns == sorted(turns, reverse=True), "up, then down: one reversal"
