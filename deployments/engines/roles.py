"""The roles of models."""

from enum import Enum

from schemas.config_gates import Classifier, GateModel, LikelihoodJudge, LlmJudge, TokenJudge


class EngineRole(Enum):
    GENERATOR = "generator"
    SCORER = "scorer"
    """A chat model that writes no text, and says how likely a given text is."""
    CLASSIFIER = "classifier"
    ENCODER = "encoder"

    @property
    def chats(self) -> bool:
        """Whether the model is a causal one with a chat template."""
        return self in (EngineRole.GENERATOR, EngineRole.SCORER)


def role_of(gate: GateModel) -> EngineRole:
    """The role of a gate's model."""
    match gate:
        case Classifier():
            return EngineRole.CLASSIFIER
        case LikelihoodJudge():
            return EngineRole.SCORER
        case TokenJudge() | LlmJudge():
            return EngineRole.GENERATOR
