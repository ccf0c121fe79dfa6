"""The classifier form of a gate: the score is the probability that a sequence classifier gives to one label.

Law: if the model gives no probability, that is an error, never a score. A classifier reads one passage at a time. Of
several passages each is read alone, and the best score counts.
"""

from collections.abc import Callable, Sequence

from msgspec import Struct

from actors.gates.decide import decided
from actors.gates.evidence import EXACT, EvidenceSource, Grounds
from actors.protocols import Classify
from actors.tasks import prompts
from schemas.config_gates import Classifier
from schemas.errors import ErrorKind, JudgeError
from schemas.samples import ClassificationRequest, Cost
from schemas.verdicts import FAITHFULNESS, REWARD, Evidence, GateName, GateRequest, Verdict


class Reading(Struct, frozen=True):
    """The texts that a classifier reads for a gate: one or more, of which the best score counts."""

    gate: GateName
    texts: Callable[[GateRequest, Grounds], Sequence[str]]


def _judged(asked: GateRequest, grounds: Grounds) -> Sequence[str]:
    one_by_one = [(passage.text,) for passage in grounds.passages] or [()]
    return [prompts.judged_by(passages, asked.claimed) for passages in one_by_one]


AGAINST_SOURCE = Reading(FAITHFULNESS, _judged)
ALONE = Reading(REWARD, lambda asked, _: (prompts.rewarded(asked.rated),))
"""The passage is not shown."""


class ClassifierGate:
    """Scores a draft with a sequence classifier."""

    def __init__(self, reading: Reading, config: Classifier, model: Classify, source: EvidenceSource = EXACT) -> None:
        self._reading = reading
        self._config = config
        self._model = model
        self._source = source

    async def check(self, request: GateRequest) -> Verdict:
        """Raises HopError as the model does, and JudgeError when its answer lacks the label's probability."""
        grounds = await self._source.grounds(request)
        score, tokens = 0.0, 0
        for place, text in enumerate(self._reading.texts(request, grounds)):
            # an engine needs different ids for requests at the same time
            asked = ClassificationRequest(id=f"{request.id}#{place}" if place else request.id, text=text)
            answer = await self._model.classify(asked)
            score = max(score, probability(answer.probabilities, self._config, self._reading.gate))
            tokens += answer.prompt_tokens
        return decided(
            self._reading.gate,
            score,
            threshold=self._config.threshold,
            evidence=Evidence(shown=grounds.shown),
            cost=Cost(prompt_tokens=tokens),
        )


def probability(probabilities: Sequence[float], config: Classifier, gate: GateName) -> float:
    """The probability of the configured label. Raises JudgeError if the model has no such label, or gives a number that
    is no probability."""
    index = config.positive_label
    if index >= len(probabilities):
        where = f"gates.{gate}.positive_label"
        detail = f"{where} is {index}, but the model has {len(probabilities)} labels (counted from 0)"
        raise JudgeError(ErrorKind.PERMANENT, detail)
    if not 0 <= probabilities[index] <= 1:  # a NaN fails this too
        raise JudgeError(ErrorKind.NONSENSE, f"the classifier gave {probabilities[index]} as a probability")
    return probabilities[index]
