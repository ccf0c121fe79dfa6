"""Critics over an engine of the product.

`critique`: the model reads the whole solution and writes which paragraph is the first wrong one, asked with the words
of ProcessBench's paper (arXiv 2412.06559, figure 6). With several draws the most named step counts (the paper's
majority of eight), of equals the one named first.

`token`: the product's token gate, once for each step: the passage is the problem with the steps before, the answer is
the step. The score is the probability of "Yes"; a threshold makes a critic of it (`measures.py`).
"""

import asyncio
import re
from collections import Counter
from collections.abc import Sequence

from msgspec import Struct

from actors.gates.first_token import TokenGate
from actors.protocols import Generator
from schemas.config import HttpEngine, VllmEngine
from schemas.config_gates import TokenJudge
from schemas.corpus import Passage, Provenance
from schemas.errors import ErrorKind, HopError
from schemas.ids import DocumentId, derived_seed
from schemas.samples import GenerationRequest, Message, Sampling, answered
from schemas.verdicts import FAITHFULNESS, Errored, GateRequest
from studies.critics.solutions import Solution

CRITIQUE = """The following is a math problem and a solution (split into paragraphs, enclosed with tags and indexed \
from 0):

[Math Problem]

{problem}

[Solution]

{tagged}

Your task is to review and critique the solution paragraph by paragraph. Once you identify an error in a paragraph, \
return the index of the paragraph where the earliest error occurs. Otherwise, return the index of -1 (which typically \
denotes "not found").

Please put your final answer (i.e., the index) in \\boxed{{}}.
"""
_BOXED = re.compile(r"\\boxed\{\s{0,3}(?:\\text\{)?\s{0,3}(-?\d{1,4})\s{0,3}\}")
VOTING_TEMPERATURE = 0.7
SYSTEM = "You check a solution of a math problem, step by step."
QUESTION = "What is the next step?"
ASK = "Is this next step right?"


class Draws(Struct, frozen=True):
    """How often the critic is asked about one solution, and how long each of its answers may be, in tokens."""

    times: int = 1
    max_tokens: int = 2048

    @property
    def temperature(self) -> float:
        return 0.0 if self.times == 1 else VOTING_TEMPERATURE


class Answered(Struct, frozen=True):
    """What a critic said of a solution. `named`: a step, -1 for none, None where no answer could be read. `scores`:
    of each step by its token gate, None where the gate gave none. `tokens`: that it wrote."""

    solution: str
    named: int | None = None
    scores: tuple[float | None, ...] = ()
    unread: int = 0
    """Of the draws, those that could not be read."""
    tokens: int = 0


async def critique(model: Generator, solution: Solution, draws: Draws, seed: int) -> Answered:
    """What the model writes of the whole solution. Raises EngineError."""
    tagged = "\n\n".join(f"<paragraph_{at}>\n{step}\n</paragraph_{at}>" for at, step in enumerate(solution.steps))
    asked = CRITIQUE.format(problem=solution.problem, tagged=tagged)

    async def draw(number: int) -> tuple[int | None, int]:
        own = derived_seed("critic", solution.id, seed, number)
        sampling = Sampling(temperature=draws.temperature, max_tokens=draws.max_tokens, seed=own)
        request = GenerationRequest(f"{solution.id}/{number}", (Message("user", asked),), sampling)
        done = await model.generate(request)
        return read_step(done.text, len(solution.steps)), done.completion_tokens

    drawn = await asyncio.gather(*map(draw, range(draws.times)))
    named = [step for step, _ in drawn]
    return Answered(solution.id, most_named(named), unread=named.count(None), tokens=sum(tokens for _, tokens in drawn))


async def by_token(model: Generator, engine: VllmEngine | HttpEngine, solution: Solution) -> Answered:
    """The token gate's score of each step. `engine`: the model's configuration. Raises HopError where it fails."""
    gate = TokenGate(FAITHFULNESS, TokenJudge(engine=engine, system=SYSTEM, ask=ASK), model)

    async def score(at: int) -> float | None:
        try:
            verdict = await gate.check(_step_request(solution, at))
        except HopError as error:
            if error.kind is not ErrorKind.NONSENSE:  # a label that is not among the likeliest tokens
                raise
            return None
        return None if isinstance(verdict, Errored) else verdict.score

    return Answered(solution.id, scores=tuple(await asyncio.gather(*map(score, range(len(solution.steps))))))


def read_step(text: str, steps: int) -> int | None:
    """The last boxed index; None where there is none, or none of these steps."""
    found = _BOXED.findall(text)
    named = int(found[-1]) if found else None
    return named if named is not None and -1 <= named < steps else None


def most_named(named: Sequence[int | None]) -> int | None:
    """Of equals, the one that came first; None where nothing could be read."""
    read = [step for step in named if step is not None]
    return Counter(read).most_common(1)[0][0] if read else None


def _step_request(solution: Solution, at: int) -> GateRequest:
    shown = "\n\n".join([solution.problem, *solution.steps[:at]])
    where = Provenance(
        uri=f"processbench#{solution.id}",
        document_id=DocumentId(solution.id),
        document_sha256=solution.id,
        start=0,
        end=len(shown),
        chunker="none",
    )
    return GateRequest(
        id=f"{solution.id}/{at}", passage=Passage.of(shown, where), draft=answered(QUESTION, solution.steps[at])
    )
