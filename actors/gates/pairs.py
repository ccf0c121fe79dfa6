"""The classifier form of a gate over pairs, as NLI models and cross-encoders read them: a source and a claim, or a
question and its answer.

Law: a claim's score is its best score over the passages, and over the parts of a passage that is too long for the
model. A draft's score is that of its worst claim. A claim that was weighed a while ago, with the same question and the
same passages, is not weighed again: of a draft whose repair edited one sentence, that sentence is. (One premise that
entails a claim is enough, and one claim without a premise is too many. SummaC, arXiv 2111.09525, also takes the maximum
over the parts of a source.)
"""

import asyncio
from collections.abc import Sequence

from msgspec import Struct

from actors.gates.classifier import probability
from actors.gates.decide import decided
from actors.gates.evidence import EXACT, EvidenceSource, Grounds
from actors.protocols import Classify
from actors.tasks import prompts
from actors.text.words import sentences
from schemas.config_gates import Classifier, kind_of
from schemas.errors import ErrorKind, JudgeError, ungrouped
from schemas.ids import content_id
from schemas.samples import ClassificationRequest, Cost, asked_and_said
from schemas.verdicts import FAITHFULNESS, ClaimEvidence, Evidence, GateName, GateRequest, Verdict

KEPT = 4096
"""The last claims whose scores are kept. What is kept changes no score: a classifier repeats itself."""
MOST_SENTENCES = 64
"""The most sentences of one answer: the model reads each with each passage."""


class Claim(Struct, frozen=True):
    """A claim, as it is shown (`said`) and as the model reads it (`hypothesis`), with the texts that may support it."""

    said: str
    hypothesis: str
    premises: tuple[str, ...]


class Weighed(Struct, frozen=True):
    """A claim with its best score, and the cost: none of one that was weighed before."""

    claim: Claim
    score: float
    cost: Cost


class PairGate:
    """Scores a draft with a classifier of pairs."""

    def __init__(self, name: GateName, config: Classifier, model: Classify, source: EvidenceSource = EXACT) -> None:
        self._name = name
        self._config = config
        self._model = model
        self._source = source
        self._kept: dict[str, float] = {}

    async def check(self, request: GateRequest) -> Verdict:
        """Raises HopError as the model does, and JudgeError if the answer is empty or has too many sentences, or if the
        model's reply lacks the label's probability."""
        grounds = await self._source.grounds(request)
        found = claims(self._name, self._config, request, grounds)
        with ungrouped():
            async with asyncio.TaskGroup() as group:
                tasks = [
                    group.create_task(self._known_or_weighed(f"{request.id}#{place}", claim, request))
                    for place, claim in enumerate(found)
                ]
        weighed = [task.result() for task in tasks]
        return decided(
            self._name,
            min(each.score for each in weighed),
            threshold=self._config.threshold,
            evidence=self._evidence(weighed, grounds),
            cost=sum((each.cost for each in weighed), Cost()),
        )

    async def _known_or_weighed(self, id: str, claim: Claim, request: GateRequest) -> Weighed:
        """A trial tests the model, so it weighs everything."""
        key = content_id(claim.hypothesis, *claim.premises)
        if not request.is_trial and (score := self._kept.get(key)) is not None:
            return Weighed(claim, score, Cost())
        weighed = await self._weighed(id, claim)
        self._kept[key] = weighed.score
        if len(self._kept) > KEPT:
            del self._kept[next(iter(self._kept))]
        return weighed

    async def _weighed(self, id: str, claim: Claim) -> Weighed:
        best, tokens = 0.0, 0
        for place, premise in enumerate(claim.premises):
            answer = await self._model.classify(ClassificationRequest(f"{id}.{place}", claim.hypothesis, premise))
            for probabilities in (answer.probabilities, *answer.windows):
                best = max(best, probability(probabilities, self._config, self._name))
            tokens += answer.prompt_tokens
        return Weighed(claim, best, Cost(prompt_tokens=tokens))

    def _evidence(self, weighed: Sequence[Weighed], grounds: Grounds) -> Evidence:
        if kind_of(self._name, self._config) != FAITHFULNESS:
            return Evidence()
        threshold = self._config.threshold
        told = tuple(ClaimEvidence(claim=each.claim.said, supported=each.score >= threshold) for each in weighed)
        worst = min(weighed, key=lambda each: each.score)
        note = f"the least supported: {worst.claim.said!r} {worst.score:.3g}" if len(weighed) > 1 else ""
        return Evidence(claims=told, note=note, shown=grounds.shown)


def claims(name: GateName, config: Classifier, request: GateRequest, grounds: Grounds) -> tuple[Claim, ...]:
    """The pairs that the model reads: each passage with each claim (its question before it), or for a reward gate the
    question with the answer. Raises JudgeError (permanent) if the answer is empty or has too many sentences."""
    against = kind_of(name, config) == FAITHFULNESS
    asked, said = map(prompts.one_line, asked_and_said(request.claimed if against else request.rated))
    parts = sentences(said) if config.reads == "sentences" else [said] if said else []
    if not parts:
        raise JudgeError(ErrorKind.PERMANENT, "nothing is said: there is no claim to weigh")
    if len(parts) > MOST_SENTENCES:
        raise JudgeError(ErrorKind.PERMANENT, f"{len(parts)} sentences; at most {MOST_SENTENCES} are weighed")
    if not against:
        return (Claim(said, said, (asked,)),)
    premises = tuple(prompts.neutralise(passage.text) for passage in grounds.passages)
    return tuple(Claim(part, f"{asked} {part}".strip(), premises) for part in parts)
