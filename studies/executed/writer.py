"""The script as an engine: it reads a prompt of the product's, and writes what the script says, by the request's seed.

Law: the writer is all that is scripted. It knows its prompt alone; programs, gates, diagnoses and repairs are the
product's. The words of prompts that it looks for are the tasks' own constants or stand in `PROMPTS` and `_PLACES`.
"""

import re
from random import Random

from msgspec import Struct

from actors.gates.execution import SYSTEM as OF_SECOND
from actors.tasks.code_reading import fenced_blocks, write_code
from actors.tasks.prompts import PASSAGE_CLOSE, PASSAGE_OPEN
from actors.tasks.sql import SHAPES
from schemas.errors import EngineError, ErrorKind
from schemas.samples import Classification, ClassificationRequest, Completion, FinishReason, GenerationRequest
from studies.executed.arms import AGAIN, LAST
from studies.executed.functions import function_in
from studies.executed.problems import MEANINGS, Half, Problem, States
from studies.executed.queries import queries, subject_of
from studies.executed.script import (
    OF_FUNCTIONS,
    OF_QUERIES,
    RESPONSES,
    Response,
    drawn,
    edited,
    read_by_second,
    rewritten,
)

CHARACTERS = 4
"""Of a token: what prompts and replies cost is counted in these."""
PROMPTS = {
    "code": "Write the function again", "tests": "Write the tests again", "query": "Write the query again",
    "question": "Write the question again",
}  # fmt: skip
"""How a repair of the product asks for one half."""
_HALVES = {Half.ANSWER: (PROMPTS["code"], PROMPTS["query"]), Half.PARTNER: (PROMPTS["tests"], PROMPTS["question"])}


class Asked(Struct, frozen=True):
    """What a prompt asks for. `half`: None for all; `shown`: an earlier draft, None where there is none."""

    problem: Problem
    half: Half | None
    shown: States | None


class Writer:
    """An engine for a pool. `response`: a name of `RESPONSES`."""

    def __init__(self, response: str) -> None:
        self._response = RESPONSES[response]

    async def start(self) -> None:
        """Nothing to load."""

    async def check(self) -> None:
        """A script cannot break."""

    async def close(self) -> None:
        """Nothing to free."""

    async def classify(self, request: ClassificationRequest) -> Classification:
        raise EngineError(ErrorKind.PERMANENT, "a writer is no classifier")

    async def generate(self, request: GenerationRequest) -> Completion:
        """The reply of the script."""
        system, prompt = request.messages[0].content, request.messages[-1].content
        passage, _, asked = prompt.partition(PASSAGE_OPEN)[2].partition(PASSAGE_CLOSE)
        if system == OF_SECOND:
            text = _second(passage, asked)
        else:
            random = Random(request.sampling.seed)
            text = _reply(passage, asked, request.sampling.temperature, self._response, random)
        read = sum(len(message.content) for message in request.messages)
        return Completion(request.id, text, FinishReason.STOP, read // CHARACTERS, len(text) // CHARACTERS)


def _reply(passage: str, asked: str, temperature: float, response: Response, random: Random) -> str:
    about = asked_about(passage, asked)
    problem, shown = about.problem, about.shown
    if shown is None:
        said = drawn(OF_FUNCTIONS if problem.question else OF_QUERIES, problem, temperature, random)
    elif about.half is None:
        said = rewritten(problem, shown, response, random)
    else:
        said = edited(about.half, problem, shown, response, random)
    texts = {half: problem.texts[half][said[half]] for half in Half}
    if problem.question:
        blocks = {half: write_code({half.value: text}) for half, text in texts.items()}
        whole = "\n".join((f"Question: {problem.question}", *blocks.values()))
        return whole if about.half is None else blocks[about.half]
    whole = f"Question: {texts[Half.PARTNER]}\nQuery: {texts[Half.ANSWER]}"
    return whole if about.half is None else texts[about.half]


def asked_about(passage: str, asked: str) -> Asked:
    """What the task, or a repair, asks for. Raises ValueError for a prompt of another kind."""
    half = next((half for half, words in _HALVES.items() if any(each in asked for each in words)), None)
    shown = asked.partition(LAST)[2].partition(AGAIN)[0] if half is None else asked
    if (problem := function_in(asked)) is not None:
        blocks = fenced_blocks(shown)[0] if shown else []
        states = {half: state for block in blocks for half in Half if (state := problem.state(half, block)) is not None}
        return Asked(problem, half, states or None)
    problems = queries(*subject_of(passage))
    if not shown:
        return Asked(problems[next(at for at, shape in enumerate(SHAPES) if shape in asked)], None, None)
    return _of_query(problems, half, shown)


_PLACES = {
    None: r"\s*Question: (?P<question>.*)\nQuery: (?P<query>.*)",
    Half.ANSWER: r"\s*This question stays as it is:\n(?P<question>.*)\nThis query does not answer it:\n(?P<query>.*)",
    Half.PARTNER: r"\s*This query stays as it is:\n(?P<query>.*)\nThis question was understood in another way:\n"
    r"(?P<question>.*)",
}
"""Where a prompt shows an earlier question and query."""


def _of_query(problems: tuple[Problem, ...], half: Half | None, shown: str) -> Asked:
    found = re.match(_PLACES[half], shown)
    if found is None:
        raise ValueError(f"no prompt of this study: {shown[:80]!r}")
    for problem in problems:
        question = problem.state(Half.PARTNER, found["question"])
        query = problem.state(Half.ANSWER, found["query"])
        if question is not None and query is not None:
            return Asked(problem, half, {Half.ANSWER: query, Half.PARTNER: question})
    raise ValueError(f"no draft of this study: {found['query']!r}")


def _second(script: str, asked: str) -> str:
    for problem in queries(*subject_of(script)):
        for state in MEANINGS:
            if (text := problem.texts[Half.PARTNER][state]) in asked:
                return problem.texts[Half.ANSWER][read_by_second(state, f"{script}/{text}")]
    raise ValueError(f"no question of this study: {asked!r}")
