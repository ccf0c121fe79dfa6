"""The classifier form of a gate: the score is the probability that a sequence classifier gives to one label.

Law: a probability that the model did not give is an error, never a score.
"""

from collections.abc import Callable

from msgspec import Struct

from actors.gates.decide import decided
from actors.protocols import Classify
from actors.tasks import prompts
from schemas.config import Classifier
from schemas.errors import ErrorKind, JudgeError
from schemas.samples import Classification, ClassificationRequest, Cost
from schemas.verdicts import Evidence, GateName, GateRequest, Verdict


class Reading(Struct, frozen=True):
    """What a classifier is shown, and for which gate."""

    gate: GateName
    text: Callable[[GateRequest], str]


FAITHFULNESS = Reading(
    GateName.FAITHFULNESS,
    lambda asked: prompts.judged(asked.passage.text, question=asked.draft.question, answer=asked.draft.answer),
)
REWARD = Reading(
    GateName.REWARD, lambda asked: prompts.rewarded(question=asked.draft.question, answer=asked.draft.answer)
)
"""The passage is not shown."""


class ClassifierGate:
    """Scores a draft with a sequence classifier."""

    def __init__(self, reading: Reading, config: Classifier, model: Classify) -> None:
        self._reading = reading
        self._config = config
        self._model = model

    async def check(self, request: GateRequest) -> Verdict:
        """Raises HopError as the model does, and JudgeError when its answer holds no such probability."""
        text = self._reading.text(request)
        answer = await self._model.classify(ClassificationRequest(id=request.id, text=text))
        return decided(
            self._reading.gate,
            self._score(answer),
            threshold=self._config.threshold,
            evidence=Evidence(),
            cost=Cost(prompt_tokens=answer.prompt_tokens),
        )

    def _score(self, answer: Classification) -> float:
        labels, index = answer.probabilities, self._config.positive_label
        if index >= len(labels):
            where = f"gates.{self._reading.gate.value}.positive_label"
            detail = f"{where} is {index}, but the model has {len(labels)} labels (counted from 0)"
            raise JudgeError(ErrorKind.PERMANENT, detail)
        if not 0 <= labels[index] <= 1:  # a NaN fails this too
            raise JudgeError(ErrorKind.NONSENSE, f"the classifier gave {labels[index]} as a probability")
        return labels[index]
