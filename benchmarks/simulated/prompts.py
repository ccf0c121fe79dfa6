"""How the simulated model understands our prompts, and the form of its replies: one row for each kind of request.

Law: a prompt of no row is an error, so that a changed prompt is never answered as another one.
"""

import json
import re
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from hashlib import blake2b

from benchmarks.simulated.model import Asked, Judged, Pair, SimulatedModel
from schemas.samples import GenerationRequest

Write = Callable[[SimulatedModel, Sequence[Asked]], object]
"""The reply, as JSON. Several requests stand in one prompt only where drafts are judged together."""

_PASSAGE = re.compile(r"Passage: <<< (.*?) >>>", re.DOTALL)
_FIELD = re.compile(r"^(Question|Answer)(?: (\d+))?: (.*)$", re.MULTILINE)
_COUNT = re.compile(r"Do so (\d+) times")
MARKS = ("well_formed", "complete", "specific")


def _pair(pair: Pair) -> dict[str, str]:
    return {"question": pair.question, "answer": pair.answer}


def _quoted(pair: Pair) -> dict[str, str]:
    return {"quote": pair.quote, **_pair(pair)}


def _verdict(judged: Judged) -> dict[str, object]:
    claims = [{"claim": claim, "supported": said, "quote": quote} for claim, said, quote in judged.claims]
    return {"claims": claims, "score": judged.score}


def _marks(marks: tuple[float, float, float]) -> dict[str, object]:
    return {name: round(10 * mark, 1) for name, mark in zip(MARKS, marks, strict=True)}


def _numbered(verdicts: Sequence[dict[str, object]]) -> object:
    return {"verdicts": [{"draft": number, **verdict} for number, verdict in enumerate(verdicts, 1)]}


def _several(model: SimulatedModel, asked: Sequence[Asked]) -> object:
    return {"samples": [_pair(pair) for pair in model.pairs(asked[0])]}


@dataclass(frozen=True)
class Row:
    """A kind of request: the name that it is counted under, and the words that all stand in its prompts."""

    label: str
    words: tuple[str, ...]
    write: Write
    strict: bool = False


WRITES = "You write training data"
ROWS = (
    Row(
        "judge",
        ("You check answers against a passage",),
        lambda model, asked: _numbered([_verdict(model.judge(each)) for each in asked]),
    ),
    Row("judge", ("You check an answer against a passage",), lambda model, asked: _verdict(model.judge(asked[0]))),
    Row(
        "reward",
        ("You rate questions and their answers",),
        lambda model, asked: _numbered([_marks(model.marks(each)) for each in asked]),
    ),
    Row("reward", ("You rate a question and its answer",), lambda model, asked: _marks(model.marks(asked[0]))),
    Row(
        "edit",
        (WRITES, "The passage does not state this answer."),
        lambda model, asked: _pair(model.edit(asked[0])),
        strict=True,
    ),
    Row(
        "quote",
        (WRITES, "Copy the sentence that holds"),
        lambda model, asked: _quoted(model.pair(asked[0])),
        strict=True,
    ),
    Row("several", (WRITES, "Use only what", "Do so "), _several, strict=True),
    Row("strict", (WRITES, "Use only what"), lambda model, asked: _pair(model.pair(asked[0])), strict=True),
    Row("several", (WRITES, "Do so "), _several),
    Row("generate", (WRITES,), lambda model, asked: _pair(model.pair(asked[0]))),
)
"""The first whose words all stand in the prompt."""


def classified(text: str) -> Asked:
    """What a classifier is shown: the draft and its passage."""
    draft = {name.lower(): said.strip() for name, _, said in _FIELD.findall(text)}
    return Asked(_PASSAGE.findall(text)[-1], draft["question"], draft["answer"])


def understood(request: GenerationRequest) -> tuple[Row, list[Asked]]:
    """The kind of the request, and what it asks. Raises ValueError for a prompt of no kind."""
    text = "\n\n".join(message.content for message in request.messages)
    row = next((row for row in ROWS if all(words in text for words in row.words)), None)
    if row is None:
        raise ValueError(f"a prompt of no known kind: {text[:80]!r}")
    identity = json.dumps([text, request.sampling.temperature, request.sampling.seed, row.label], ensure_ascii=False)
    key = blake2b(identity.encode(), digest_size=12).hexdigest()
    passages, counted = _PASSAGE.findall(text), _COUNT.search(text)
    drafts: dict[str, dict[str, str]] = {}
    for name, number, said in _FIELD.findall(request.messages[-1].content):
        drafts.setdefault(number, {})[name.lower()] = said.strip()
    return row, [
        Asked(
            passage=passages[-1] if passages else "",
            question=draft.get("question", ""),
            answer=draft.get("answer", ""),
            count=int(counted[1]) if counted else 1,
            strict=row.strict,
            temperature=request.sampling.temperature,
            key=f"{key}{number}",
        )
        for number, draft in (drafts or {"": {}}).items()
    ]
