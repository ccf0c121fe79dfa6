"""`import gleaner`: what it loads, what it refuses, and how a run that is iterated over ends."""

import asyncio
import subprocess
import sys
import threading
from pathlib import Path

import pytest
from msgspec.structs import replace

import gleaner
from benchmarks.loop import configuration, write_corpus
from deployments.config.identity import plain
from deployments.run import RunEnd
from schemas.config import CustomEngine, RunConfig
from schemas.errors import CorpusError

HEAVY = ("ray", "torch", "vllm", "scipy", "pyarrow", "rich", "transformers")


def small(folder: Path, *, passages: int = 12, median_s: float = 0.0) -> RunConfig:
    write_corpus(folder / "corpus.jsonl", passages)
    config = configuration(folder / "corpus.jsonl", rejected=0.2, concurrency=32)
    pool = config.pools["generator"]
    engine = CustomEngine(factory="tests.doubles.engines:instant", options={"median_s": median_s})
    return replace(config, pools={"generator": replace(pool, engine=engine)})


def test_importing_it_loads_nothing_heavy() -> None:
    """A notebook that only looks at a folder does not wait for Ray."""
    loaded = f"import sys, gleaner; sys.exit(' '.join(set({HEAVY!r}) & set(sys.modules)) or None)"
    found = subprocess.run([sys.executable, "-c", loaded], check=False, capture_output=True, text=True)
    assert found.returncode == 0, found.stderr


def test_a_mapping_is_a_configuration(tmp_path: Path) -> None:
    """A configuration made in Python is decoded as strictly as a file."""
    config = small(tmp_path)
    assert gleaner.load(plain(config)).pools == config.pools
    assert gleaner.load(config) is config
    with pytest.raises(gleaner.ConfigError, match="gatse"):
        gleaner.load({**plain(config), "gatse": {}})


def test_a_folder_without_a_run_is_refused(tmp_path: Path) -> None:
    """Each call on a folder says what the folder lacks."""
    with pytest.raises(gleaner.OutputError, match="holds no run"):
        list(gleaner.samples(tmp_path))
    with pytest.raises(gleaner.OutputError, match="holds no run"):
        gleaner.verify(tmp_path)


def test_a_name_that_there_is_not_is_refused_in_one_line(tmp_path: Path) -> None:
    """A typo is the user's: what there is stands in the message."""
    with pytest.raises(gleaner.UserError, match="there is no ExportFormat 'sfd'; there are sft, dpo"):
        gleaner.export(tmp_path, "sfd")


@pytest.mark.ray
@pytest.mark.slow
@pytest.mark.usefixtures("ray_session")
class TestRuns:
    """On a real Ray, with instant engines."""

    def test_samples_come_while_the_run_goes_on(self, tmp_path: Path) -> None:
        """A trainer reads along: what it gets is what the folder holds, each once, and again after a restart."""
        during: list[bool] = []
        with gleaner.run(small(tmp_path, median_s=0.2), tmp_path / "run") as run:
            seen = []
            for sample in run:
                during.append(any(thread.name == "gleaner-run" for thread in threading.enumerate()))
                seen.append(sample)
            result = run.wait()
        assert during[0]
        assert result.end is RunEnd.COMPLETE
        assert len(seen) == result.manifest.counts.accepted == len({sample.id for sample in seen})
        assert [sample.id for sample in gleaner.samples(tmp_path / "run")] == [sample.id for sample in seen]
        sample = seen[0]
        assert sample.passage.text in sample.messages[0].content
        assert sample.draft.answer == sample.messages[-1].content
        again = gleaner.run(small(tmp_path, median_s=0.2), tmp_path / "run")
        assert [sample.id for sample in again] == [sample.id for sample in seen]

    def test_a_block_that_is_left_stops_the_run(self, tmp_path: Path) -> None:
        """Whoever has enough leaves the block; the folder is whole, and goes on later."""
        with gleaner.run(small(tmp_path, passages=2_000, median_s=0.5), tmp_path / "run") as run:
            next(iter(run))
        assert run.wait().end is RunEnd.INTERRUPTED
        assert gleaner.verify(tmp_path / "run").ok

    async def test_a_task_that_is_cancelled_stops_the_run(self, tmp_path: Path) -> None:
        """An event loop that goes down takes its run along."""
        run = gleaner.run(small(tmp_path, passages=2_000, median_s=0.5), tmp_path / "run")

        async def wait() -> None:
            await run

        task = asyncio.create_task(wait())
        async for _ in run:
            break
        task.cancel()
        with pytest.raises(asyncio.CancelledError):
            await task
        assert (await asyncio.to_thread(run.wait)).end is RunEnd.INTERRUPTED

    async def test_what_the_run_raises_is_raised_where_it_is_waited_for(self, tmp_path: Path) -> None:
        """A corpus that is not there: one error, in a `wait`, an `await` and an iteration alike."""
        config = small(tmp_path)
        config = replace(config, corpus=replace(config.corpus, paths=(str(tmp_path / "nothing.jsonl"),)))
        run = gleaner.run(config, tmp_path / "run")
        with pytest.raises(CorpusError, match="nothing"):
            await run
        with pytest.raises(CorpusError, match="nothing"):
            run.wait()
        with pytest.raises(CorpusError, match="nothing"):
            list(run)
        with pytest.raises(CorpusError, match="nothing"), gleaner.run(config, tmp_path / "again"):
            pass
