"""Whole runs against OpenAI-compatible servers that behave badly: generator and judge over HTTP, in one process.

The runs go side by side: each waits for its server nearly all of its time.
"""

import asyncio
import json
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from random import Random

import pytest
from msgspec import Struct
from msgspec.structs import replace

from actors.ledger.history import Life
from benchmarks.loop import configuration, write_corpus
from deployments.terminal.preview import preview_lives
from schemas.config import Conductors, Pool, RunConfig
from schemas.config_engines import HttpEngine
from schemas.config_gates import LlmJudge
from schemas.orders import EndReason
from schemas.verdicts import FAITHFULNESS, Errored, Passed, Rejected
from tests.doubles.gates import with_gate
from tests.doubles.rude_server import RudeServer, rude_server

PASSAGES = 150
SEEDS = range(3)
RUDE = (
    "429 milliseconds", "500", "503", "hang", "truncated", "disconnect", "invalid json", "html", "empty",
    "wrong schema",
)  # fmt: skip
PROSE = "This answer looks quite faithful to me."


def judges(body: dict) -> bool:
    """Whether the server is asked for a verdict: the gate sends a schema, the task here does not."""
    return "response_format" in body


class Moody:
    """Draws a behaviour for each call, from a seed; keeps which answers it has honestly judged."""

    def __init__(self, seed: int, rude: float, prose: float) -> None:
        self._random = Random(seed)
        self._rude = rude
        self._prose = prose
        self._answers = 0
        self.judged: set[str] = set()

    def mood(self, body: dict) -> str:
        return self._random.choice(RUDE) if self._random.random() < self._rude else "well"

    def says(self, body: dict) -> str:
        if not judges(body):
            self._answers += 1
            return f"Question: What does register {self._answers} say?\nAnswer: It says mark {self._answers} of many."
        if self._random.random() < self._prose:
            return PROSE
        asked = body["messages"][-1]["content"]
        self.judged.add(asked)
        quote = asked[asked.index("Document ") :].split("says", maxsplit=1)[0] + "says"
        claim = {"claim": "it says so", "supported": True, "quote": quote}
        return json.dumps({"claims": [claim], "score": 0.9})


def over_http(folder: Path, server: RudeServer) -> RunConfig:
    """Generator and faithfulness judge at the server, a reward model that is instant; short limits."""
    write_corpus(folder / "corpus.jsonl", PASSAGES)
    config = configuration(folder / "corpus.jsonl", rejected=0.0, concurrency=32)
    engine = HttpEngine(base_url=server.url, model="polite", timeout_s=1.0)
    return replace(
        with_gate(config, LlmJudge(engine=engine)),
        pools={"generator": Pool(engine=engine)},
        conductors=Conductors(count=1, concurrency=32, hop_retries=2, hop_timeout_s=2.0),
    )


class Ended(Struct, frozen=True):
    """What became of each run's orders, and by whose mood."""

    rude: list[tuple[Moody, list[Life]]]
    back: list[Life]


@pytest.fixture(scope="module")
def ended(tmp_path_factory: pytest.TempPathFactory) -> Ended:
    """All runs of this module, begun together. Each has a loop of its own: while one builds its parts, the others'
    servers must answer within a second."""
    with ThreadPoolExecutor(len(SEEDS) + 1) as runs:
        back = runs.submit(asyncio.run, over_a_break(tmp_path_factory.mktemp("back")))
        rude = [runs.submit(asyncio.run, in_a_mood(tmp_path_factory.mktemp(f"seed-{each}"), each)) for each in SEEDS]
        return Ended([run.result() for run in rude], back.result())


async def in_a_mood(folder: Path, seed: int) -> tuple[Moody, list[Life]]:
    """A third of all calls fail in ten ways, and a fifth of the verdicts are prose."""
    async with rude_server() as server:
        moody = Moody(seed, rude=0.33, prose=0.2)
        server.mood, server.says = moody.mood, moody.says
        return moody, await preview_lives(over_http(folder, server), samples=PASSAGES)


async def over_a_break(folder: Path) -> list[Life]:
    """Every call fails until forty have; then none."""
    async with rude_server() as server:
        moody = Moody(0, rude=0.0, prose=0.0)
        server.says, server.broken = moody.says, True
        running = asyncio.ensure_future(preview_lives(over_http(folder, server), samples=PASSAGES))
        async with asyncio.timeout(60):
            while len(server.bodies) < 40:  # noqa: ASYNC110 - the server's own count, no event marks it
                await asyncio.sleep(0.01)
        server.broken = False
        return await running


@pytest.mark.parametrize("seed", SEEDS)
@pytest.mark.slow
def test_nothing_is_lost_and_nothing_unjudged_passes(ended: Ended, seed: int) -> None:
    """Every order ends once; what is accepted was judged; what was not is an error apart from rejections, after three
    tries of one hop."""
    moody, lives = ended.rude[seed]
    assert len(lives) == PASSAGES
    assert all((life.accepted_at is None) is not (life.end is None) for life in lives)
    for life in lives:
        (attempt,) = life.attempts
        verdicts = {verdict.gate: verdict for verdict in attempt.verdicts}
        assert not [verdict for verdict in attempt.verdicts if isinstance(verdict, Rejected)]
        if life.end is None:
            assert life.draft is not None
            assert isinstance(verdicts[FAITHFULNESS], Passed)
            assert any(life.draft.answer in asked for asked in moody.judged)
        elif life.end.reason is EndReason.GATE_ERROR:
            assert isinstance(verdicts[FAITHFULNESS], Errored)
        else:
            assert life.end.reason is EndReason.ENGINE_ERROR
    accepted = sum(life.end is None for life in lives)
    assert 0.7 * PASSAGES < accepted < PASSAGES


@pytest.mark.slow
def test_work_goes_on_when_the_server_is_back(ended: Ended) -> None:
    """The pool was paused meanwhile, and no order pays for it."""
    assert len(ended.back) == PASSAGES
    assert [life.end for life in ended.back if life.end is not None] == []
    assert {attempt.number for life in ended.back for attempt in life.attempts} == {1}
