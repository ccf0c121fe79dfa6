"""Facts about a rejected candidate, for the diagnosis. Law: they are computed from its data, without a model."""

from collections.abc import Callable, Sequence

from msgspec import Struct
from msgspec.structs import replace

from actors.recovery.elsewhere import Elsewhere
from actors.recovery.modes import USUAL_GATES, RunGates
from actors.text.words import contains, sentences, stems, words
from schemas.ids import PassageId
from schemas.orders import AttemptSummary, Lease
from schemas.recovery import FailureMode
from schemas.samples import Candidate, Draft, FinishReason, Texts, asked_and_said, texts_of
from schemas.verdicts import REWARD, GateName, Rejected, Verdict

Claim = Callable[[Draft], Texts]
"""The part of a draft that must be found in the source."""


class DraftEvidence(Struct, frozen=True):
    """Shares are in [0, 1], and 1.0 when there are no words to compare."""

    rejected: frozenset[GateName]
    """The kinds of the gates that rejected it. A second judge of the source has the kind of the first."""
    margins: dict[GateName, float]
    """How far each rejecting gate's score is below its threshold."""
    temperature: float
    malformed: str | None = None
    truncated: bool = False
    answer_words: int = 0
    question_words: int = 0
    answer_in_passage: float = 1.0
    """The share of the answer's content words that the passage has too."""
    question_in_passage: float = 1.0
    answer_stated: bool = False
    """Whether the answer's words stand in the passage, together and in order."""
    answer_elsewhere: bool = False
    """Whether the answer stands in the passage, but in no sentence that shares most words with the question."""
    names_subject: bool = True
    """Whether the question names something: a capitalised word after its first word, or a word with a digit."""
    answer_to_itself: bool = False
    """Whether the answer only repeats words of the question."""
    brought: tuple[GateName, FailureMode] | None = None
    """The first rejecting gate that names a failure mode, and that mode."""
    gates: RunGates = USUAL_GATES
    told_elsewhere: PassageId | None = None
    """Another passage that states what the draft says, and fits the question better than the draft's own."""
    history: tuple[AttemptSummary, ...] = ()

    @property
    def poor_by(self) -> float:
        """The largest margin by which a reward gate's score is below its threshold."""
        return max((margin for gate, margin in self.margins.items() if self.gates.kind(gate) == REWARD), default=0.0)


def evidence_of(
    lease: Lease,
    candidate: Candidate,
    verdicts: Sequence[Verdict],
    elsewhere: Elsewhere | None = None,
    *,
    gates: RunGates = USUAL_GATES,
    claim: Claim = texts_of,
) -> DraftEvidence:
    """The evidence of a rejected candidate, with other passages if there is an index of them. `claim`: gives the part
    of a draft that must be found in the source, as the task defines it."""
    rejections = [verdict for verdict in verdicts if isinstance(verdict, Rejected)]
    known = DraftEvidence(
        rejected=frozenset(gates.kind(verdict.gate) for verdict in rejections),
        margins={verdict.gate: verdict.threshold - verdict.score for verdict in rejections},
        brought=next(((verdict.gate, verdict.mode) for verdict in rejections if verdict.mode is not None), None),
        gates=gates,
        temperature=candidate.sampling.temperature,
        malformed=candidate.malformed,
        truncated=candidate.finish is FinishReason.LENGTH,
        history=lease.history,
    )
    if candidate.draft is None:
        return known
    texts = claim(candidate.draft)
    told = None if elsewhere is None else elsewhere.tells(texts, lease.passage)
    return replace(_with_texts(known, texts, lease.passage.text), told_elsewhere=told)


def _with_texts(known: DraftEvidence, texts: Texts, passage: str) -> DraftEvidence:
    question, answer = asked_and_said(texts)
    stated = contains(passage, answer)
    return replace(
        known,
        answer_words=len(words(answer)),
        question_words=len(words(question)),
        answer_in_passage=share_of(answer, passage),
        question_in_passage=share_of(question, passage),
        answer_stated=stated,
        answer_elsewhere=stated and not _beside(question, answer, passage),
        names_subject=not question or _names_something(question),
        answer_to_itself=bool(stems(answer)) and stems(answer) <= stems(question),
    )


def share_of(text: str, passage: str) -> float:
    """The share of the text's content words that the passage has too; 1.0 for a text without any."""
    wanted = stems(text)
    return len(wanted & stems(passage)) / len(wanted) if wanted else 1.0


def _beside(question: str, answer: str, passage: str) -> bool:
    """Whether the answer stands in one of the sentences that share most words with the question."""
    asked = stems(question)
    shared = [(len(asked & stems(sentence)), sentence) for sentence in sentences(passage)]
    most = max((count for count, _ in shared), default=0)
    return any(count == most and contains(sentence, answer) for count, sentence in shared)


def _names_something(question: str) -> bool:
    inside = question.split()[1:]
    return any(word[:1].isupper() or any(letter.isdigit() for letter in word) for word in inside)
