"""Samples for a reader: the passage with marks, and each attempt with its verdicts.

Law: text is only cut, never changed. A cut shows an ellipsis.
"""

from collections.abc import Iterable, Sequence
from itertools import pairwise

from msgspec import Struct

from actors.ledger.history import Life
from actors.report.words import spoken
from schemas.orders import Attempt
from schemas.samples import texts_of
from schemas.verdicts import Errored, Passed, Rejected

PASSAGE_CHARACTERS = 1400
TEXT_CHARACTERS = 700


_SHORT = {"Question": "Q", "Answer": "A"}


class Segment(Struct, frozen=True):
    """A piece of text. `mark`: "answer" for the answer's words, "quote" for a quoted sentence, or empty."""

    text: str
    mark: str = ""


class GateView(Struct, frozen=True):
    """A gate's verdict on one attempt. `tone`: accepted, rejected or idle (the gate errored)."""

    gate: str
    score: str
    tone: str
    note: str


class AttemptView(Struct, frozen=True):
    """One attempt in the page's form."""

    number: int
    tone: str
    """`rejected` when a gate rejected it, `idle` when it could not be judged, else `accepted`."""
    repair: str
    sampling: str
    texts: tuple[tuple[str, str], ...]
    """The draft's texts, by name."""
    text: str
    """The raw completion, when it could not be read."""
    gates: tuple[GateView, ...]
    mode: str
    confidence: str
    reasons: str
    choice: str


class Example(Struct, frozen=True):
    """One order's life in the page's form."""

    order_id: str
    kind: str
    end: str
    uri: str
    span: str
    passage: tuple[Segment, ...]
    attempts: tuple[AttemptView, ...]


def example_of(life: Life, kind: str) -> Example:
    """A life in the page's form."""
    where = life.passage.provenance
    return Example(
        order_id=life.order.id,
        kind=kind,
        end=_end(life),
        uri=where.uri,
        span=", ".join(filter(None, (where.place, f"characters {where.start:,}–{where.end:,}"))),
        passage=tuple(marked_passage(life)),
        attempts=tuple(_attempt(attempt) for attempt in life.attempts),
    )


def marked_passage(life: Life) -> list[Segment]:
    """The passage around the last draft's quotes and answer, which are marked where they occur."""
    passage = life.passage.text
    quotes, answers = _marks(life)
    first = min((start for start, _ in quotes + answers), default=0)
    start = max(0, min(first - 300, len(passage) - PASSAGE_CHARACTERS))
    end = min(len(passage), start + PASSAGE_CHARACTERS)
    segments = list(_segments(passage, (start, end), quotes=quotes, answers=answers))
    before = [Segment("… ")] if start else []
    after = [Segment(" …")] if end < len(passage) else []
    return [*before, *segments, *after]


def marked_whole(life: Life) -> list[Segment]:
    """The whole passage, marked likewise."""
    quotes, answers = _marks(life)
    return list(_segments(life.passage.text, (0, len(life.passage.text)), quotes=quotes, answers=answers))


def _marks(life: Life) -> tuple[list[tuple[int, int]], list[tuple[int, int]]]:
    """Where the last draft's quotes are in the passage, and where its answer is."""
    passage, draft = life.passage.text, life.draft
    quotes: list[tuple[int, int]] = []
    answers: list[tuple[int, int]] = []
    if draft is not None:
        answers = _occurrences(passage, draft.answer)
        quotes = _occurrences(passage, draft.quote or "")
    if life.attempts:
        said = [verdict for verdict in life.attempts[-1].verdicts if not isinstance(verdict, Errored)]
        backing = [claim.quote for verdict in said for claim in verdict.evidence.claims if claim.supported]
        own = [quote for quote in backing if quote is not None and quote.passage_id is None]
        quotes += [(quote.start, quote.end) for quote in own if 0 <= quote.start < quote.end]
    return quotes, answers


def _segments(
    text: str, window: tuple[int, int], *, quotes: Sequence[tuple[int, int]], answers: Sequence[tuple[int, int]]
) -> Iterable[Segment]:
    start, end = window
    cuts = {start, end}
    cuts.update(edge for span in (*quotes, *answers) for edge in span if start < edge < end)
    ordered = sorted(cuts)
    for left, right in pairwise(ordered):
        in_answer = any(a <= left and right <= b for a, b in answers)
        in_quote = any(a <= left and right <= b for a, b in quotes)
        yield Segment(text[left:right], "answer" if in_answer else "quote" if in_quote else "")


def _occurrences(text: str, words: str) -> list[tuple[int, int]]:
    words = words.strip().rstrip(".")
    if not words:
        return []
    found: list[tuple[int, int]] = []
    at = text.find(words)
    while at >= 0 and len(found) < 8:
        found.append((at, at + len(words)))
        at = text.find(words, at + len(words))
    return found


def _attempt(attempt: Attempt) -> AttemptView:
    candidate, diagnosis, choice = attempt.candidate, attempt.diagnosis, attempt.choice
    draft = candidate.draft if candidate else None
    chosen = f"{spoken(choice.repair.kind)}" if choice and choice.repair else "stop" if choice else ""
    sampling = f"{candidate.pool}, temperature {candidate.sampling.temperature:g}" if candidate else "no answer came"
    return AttemptView(
        number=attempt.number,
        tone=_tone(attempt),
        repair=spoken(attempt.repair.kind) if attempt.repair else "",
        sampling=sampling,
        texts=tuple((_SHORT.get(name, name), _cut(text)) for name, text in texts_of(draft)) if draft else (),
        text=_cut(candidate.text) if candidate and draft is None else "",
        gates=_gates(attempt),
        mode=spoken(diagnosis.mode) if diagnosis else "",
        confidence=f"{diagnosis.confidence:.0%}" if diagnosis else "",
        reasons="; ".join(diagnosis.reasons) if diagnosis else (candidate.malformed or "" if candidate else ""),
        choice=chosen,
    )


def _tone(attempt: Attempt) -> str:
    if any(isinstance(said, Rejected) for said in attempt.verdicts):
        return "rejected"
    judged = attempt.verdicts and all(isinstance(said, Passed) for said in attempt.verdicts)
    return "accepted" if judged else "idle"


def _gates(attempt: Attempt) -> tuple[GateView, ...]:
    views: list[GateView] = []
    for said in attempt.verdicts:
        gate = spoken(said.gate)
        if isinstance(said, Errored):
            views.append(GateView(gate, "error", "idle", _cut(said.detail)))
        else:
            tone = "accepted" if isinstance(said, Passed) else "rejected"
            views.append(GateView(gate, f"{said.score:.2f}", tone, _cut(said.evidence.note)))
    return tuple(views)


def _end(life: Life) -> str:
    if life.end is None:
        repaired = len(life.attempts) > 1
        return f"accepted at attempt {len(life.attempts)}" if repaired else "accepted at the first attempt"
    detail = f": {_cut(life.end.detail)}" if life.end.detail else ""
    return f"dead-lettered, {spoken(life.end.reason.value)}{detail}"


def _cut(text: str) -> str:
    return text if len(text) <= TEXT_CHARACTERS else text[:TEXT_CHARACTERS].rstrip() + " …"
