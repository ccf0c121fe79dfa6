"""The forms of gates and what each is shown, asked about rows of a set.

Law: the gates are the product's own, with their default words. A score that was written down is not asked for again. An
answer that is no verdict is asked for twice more, as in a run; then the row has no score.
"""

import asyncio
from collections.abc import Callable, Mapping, Sequence
from contextlib import AsyncExitStack
from pathlib import Path
from typing import Literal, get_args

import msgspec
from msgspec import Struct
from msgspec.structs import replace

from actors.gates.build import build_gate
from actors.gates.evidence import EXACT, EvidenceSource, NoSource, RetrievedSource
from actors.gates.retrieval import Bm25Retriever, EmbeddingRetriever
from actors.protocols import Engine, Gate
from deployments.engines.encoding import Encoder
from schemas.config import TransformersEngine
from schemas.config_gates import GateConfig, GateModel
from schemas.corpus import Passage
from schemas.errors import ErrorKind, HopError
from schemas.verdicts import FAITHFULNESS, Errored
from studies.real_text.results_file import whole_lines
from studies.real_text.sets import SetRow

Form = Literal["token", "likelihood", "llm"]
Shown = Literal["exact", "bm25", "minilm", "none"]
MODES: Mapping[Form, tuple[Shown, ...]] = {
    "token": get_args(Shown),
    "likelihood": ("exact", "bm25", "minilm"),
    "llm": ("exact", "none"),
}
TRIES = 3
LONGEST = 4096
"""Tokens that the model reads: more than any row of the sets has."""
AT_ONCE = 64


class Arm(Struct, frozen=True):
    """A form of a gate and what it is shown."""

    form: Form
    shown: Shown


class Scored(Struct, frozen=True):
    """What a gate gave to a row: a score, or why there is none. `tokens`: of the answer."""

    row: str
    score: float | None
    why: str = ""
    tokens: int = 0


_LINES = msgspec.json.Decoder(Scored)
_ENCODER = msgspec.json.Encoder()


class Judges:
    """The gates of one form on one set, over an engine that runs; what they open besides is closed with the stack."""

    def __init__(self, stack: AsyncExitStack, config: GateModel, engine: Engine, rows: Sequence[SetRow]) -> None:
        self._stack = stack
        self._config = config
        self._engine = engine
        self._passages: list[Passage] = list({row.source: row.placed() for row in rows}.values())

    async def gate(self, shown: Shown, encoder: Path) -> Gate:
        """Raises ModelError where the encoder, which finds passages by vectors, cannot be loaded."""
        return build_gate(FAITHFULNESS, self._config, self._engine, await self._source(shown, encoder))

    async def _source(self, shown: Shown, encoder: Path) -> EvidenceSource:
        match shown:
            case "exact":
                return EXACT
            case "none":
                return NoSource()
            case "bm25":
                return RetrievedSource(Bm25Retriever(self._passages), k=1, query="answer")
            case "minilm":
                loaded = await Encoder.of(TransformersEngine(model=str(encoder)))
                self._stack.push_async_callback(loaded.close)
                found = await EmbeddingRetriever.of(self._passages, loaded.encode, loaded.encode_queries)
                return RetrievedSource(found, k=1, query="answer")


def judge(form: Form, model: Path) -> GateModel:
    """The configuration of a gate of that form, with the product's defaults."""
    memory = {"enforce_eager": True, "kv_cache_memory_bytes": 1 << 30}
    return _of_engine(form, {"model": str(model), "engine_args": memory})


def other_judge(form: Form, model: str) -> GateModel:
    """The same gate with a model that wants a GPU: vLLM takes what memory there is."""
    return _of_engine(form, {"model": model})


def _of_engine(form: Form, engine: Mapping[str, object]) -> GateModel:
    engine = {"kind": "vllm", "max_model_len": LONGEST, **engine}
    config = msgspec.convert({"form": form, "engine": engine}, GateConfig)
    if not isinstance(config, GateModel):
        raise TypeError(form)
    return config


async def scored(gate: Gate, rows: Sequence[SetRow], file: Path, say: Callable[[str], None]) -> list[Scored]:
    """Every row's score, in the order of the rows: those of the file, and the rest asked for and added to it."""
    known = known_scores(file)
    missing = [row for row in rows if row.id not in known]
    if missing:
        say(f"{file.stem}: {len(missing)} rows")
        room = asyncio.Semaphore(AT_ONCE)
        file.parent.mkdir(parents=True, exist_ok=True)
        with file.open("ab") as out:
            async with asyncio.TaskGroup() as group:
                asked = [group.create_task(_judged(gate, row, room)) for row in missing]
                for done in asyncio.as_completed(asked):
                    found = await done
                    known[found.row] = found
                    out.write(_ENCODER.encode(found) + b"\n")
    return [known[row.id] for row in rows]


def known_scores(file: Path) -> dict[str, Scored]:
    """The scores of a file by row; none where there is no file."""
    return {each.row: each for each in map(_LINES.decode, whole_lines(file))}


async def _judged(gate: Gate, row: SetRow, room: asyncio.Semaphore) -> Scored:
    why = ""
    async with room:
        for number in range(1, TRIES + 1):
            try:
                verdict = await gate.check(replace(row.request(), tries=number))
            except HopError as error:
                if error.kind not in (ErrorKind.NONSENSE, ErrorKind.PERMANENT):
                    raise
                why = error.detail
                if error.kind is ErrorKind.PERMANENT:
                    break
            else:
                if isinstance(verdict, Errored):
                    return Scored(row.id, None, verdict.detail)
                return Scored(row.id, verdict.score, tokens=verdict.cost.tokens)
    return Scored(row.id, None, why)
