"""How the server understands a request of any of the systems, and the form of its reply.

Law: a prompt of no row is an error, so that a changed prompt is never answered as another one. Gleaner's prompts, and
those in its words, are read by `benchmarks.simulated.prompts`; CuratorKIT's 0.1.x by the rows here.
"""

import json
import re
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from hashlib import blake2b
from typing import Any

from benchmarks.simulated.model import Asked, SimulatedModel
from benchmarks.simulated.prompts import understood
from schemas.samples import GenerationRequest, Message, Sampling

GROUNDED, PARTLY = 0.7, 0.4
_FENCED = (
    re.compile(r"^-{3,}\n(.*?)\n-{3,}$", re.DOTALL | re.MULTILINE),
    re.compile(r"```\w*\n(.*?)\n```", re.DOTALL),
    re.compile(r"<(?:passage|source|context)>(.*?)</", re.DOTALL),
)
_COUNT = re.compile(r"\b(?:exactly|generate|write)\s+(\d+)\b", re.IGNORECASE)


@dataclass(frozen=True)
class Understood:
    """A request. `kind`: the name that it is counted under. `key`: identifies the request. `units`: identify what is
    written or judged by it, whoever else shares the call. `text`: writes the reply."""

    kind: str
    key: str
    units: tuple[str, ...]
    passage: str
    text: Callable[[SimulatedModel], str]


@dataclass(frozen=True)
class Row:
    """A kind of request of CuratorKIT: the words that all stand in its prompts."""

    kind: str
    words: tuple[str, ...]
    write: Callable[[SimulatedModel, Asked], str]
    strict: bool = False


def _pairs(model: SimulatedModel, asked: Asked) -> str:
    return _json([{"question": pair.question, "answer": pair.answer} for pair in model.pairs(asked)])


def _grounding(model: SimulatedModel, asked: Asked) -> str:
    judged = model.judge(asked)
    said = judged.score
    return _json(
        {
            "grounding_score": said,
            "supported_claims": [claim for claim, supported, _ in judged.claims if supported],
            "unsupported_claims": [claim for claim, supported, _ in judged.claims if not supported],
            "verdict": "grounded" if said >= GROUNDED else "partially_grounded" if said >= PARTLY else "hallucinated",
        }
    )


def _rating(model: SimulatedModel, asked: Asked) -> str:
    rated = model.rated(asked)
    names = ("helpfulness", "honesty", "instruction_following")
    return _json(
        {
            "overall_score": rated.score,
            "dimension_scores": dict(zip(names, rated.marks, strict=True)),
            "strengths": "quotes the source",
            "weaknesses": rated.weakness,
        }
    )


CURATORKIT = (
    Row("judge", ('"grounding_score"', "Answer:"), _grounding),
    Row("reward", ('"overall_score"', "Response:"), _rating),
    Row("several", ("question-answer pair", '"question"'), _pairs),
    Row("refine", ("Original answer:", "Improved answer:"), lambda model, asked: model.refine(asked)),
    Row("requestion", ("Original question:", "Improved question:"), lambda model, asked: model.question(asked)),
    Row("requestion", ("write ONE clear", "Question:"), lambda model, asked: model.question(asked)),
    Row("strict", ("ONLY information", "Question:"), lambda model, asked: model.answer(asked), strict=True),
    Row("regenerate", ("Source text:", "Question:", "Answer:"), lambda model, asked: model.answer(asked)),
)
"""The first whose words all stand in the prompt."""


def read(body: dict[str, Any]) -> Understood:
    """Understands the body of a chat completion. Raises ValueError for a prompt of no kind, and for no chat."""
    try:
        messages = tuple(Message(each["role"], _content(each["content"])) for each in body["messages"])
    except (KeyError, TypeError) as error:
        raise ValueError("`messages` must be a list of {role, content}") from error
    temperature = body.get("temperature")
    sampling = Sampling(
        temperature=1.0 if temperature is None else float(temperature),
        seed=int(body.get("seed") or 0),
    )
    text = "\n\n".join(message.content for message in messages)
    row = next((row for row in CURATORKIT if all(words in text for words in row.words)), None)
    if row is not None:
        return _of_curatorkit(row, text, sampling)
    kind, asked = understood(GenerationRequest("", messages, sampling))
    units = tuple(_unit(kind.label, each) for each in asked)
    return Understood(
        kind.label,
        asked[0].key if len(asked) == 1 else _digest([each.key for each in asked]),
        units if asked[0].answer and kind.label in ("judge", "reward") else (asked[0].key,),
        asked[0].passage,
        lambda model: _json(kind.write(model, asked)),
    )


def _of_curatorkit(row: Row, text: str, sampling: Sampling) -> Understood:
    key = _digest([text, sampling.temperature, sampling.seed, row.kind])
    counted = _COUNT.search(text)
    asked = Asked(
        passage=_fenced(text),
        question=_labelled(text, "Question", "Original question", "Instruction"),
        answer=_labelled(text, "Answer", "Response", "Original answer"),
        count=int(counted[1]) if counted and row.kind == "several" else 1,
        strict=row.strict,
        temperature=sampling.temperature,
        key=key,
    )
    unit = _unit(row.kind, asked) if row.kind in ("judge", "reward") else key
    return Understood(row.kind, key, (unit,), asked.passage, lambda model: row.write(model, asked))


def digest_of(text: str) -> str:
    """Names a passage or an answer in the server's log, whatever its white space."""
    return _digest(" ".join(text.split()))


def _unit(kind: str, asked: Asked) -> str:
    return _digest([kind, asked.passage, asked.question, asked.answer])


def _content(value: object) -> str:
    if not isinstance(value, str):
        raise TypeError
    return value


def _fenced(text: str) -> str:
    """The passage: the last text between lines of dashes, else between other fences."""
    found: Sequence[str] = next((found for fence in _FENCED if (found := fence.findall(text))), ())
    return found[-1].strip() if found else ""


def _labelled(text: str, *labels: str) -> str:
    """The text after the last `Label:` at a line's start, up to a blank line or the next label."""
    names = "|".join(map(re.escape, labels))
    ends = r"(?=\n\s*\n|\n[A-Z][a-z]+(?: [a-z]+)?:|\Z)"
    found = re.findall(rf"^(?:{names}):[ \t]*(.*?){ends}", text, re.DOTALL | re.MULTILINE)
    return next((each.strip() for each in reversed(found) if each.strip()), "")


def _digest(value: object) -> str:
    return blake2b(_json(value).encode(), digest_size=8).hexdigest()


def _json(value: object) -> str:
    return json.dumps(value, ensure_ascii=False)
