"""The gates that need a model, by name and form."""

from actors.gates import classifier
from actors.gates.classifier import ClassifierGate
from actors.gates.evidence import EXACT, EvidenceSource
from actors.gates.faithfulness import LlmFaithfulness
from actors.gates.reward import LlmReward
from actors.protocols import Engine, Gate
from schemas.config_gates import Classifier, GateModel, LlmJudge
from schemas.errors import ConfigError
from schemas.verdicts import GateName


def build_gate(name: GateName, config: GateModel, engine: Engine, source: EvidenceSource = EXACT) -> Gate:
    """The gate of that name over an engine; the faithfulness gate's judge is shown what `source` gives.

    Raises ConfigError for a gate that no model answers.
    """
    match name, config:
        case "faithfulness", Classifier():
            return ClassifierGate(classifier.AGAINST_SOURCE, config, engine, source)
        case "faithfulness", LlmJudge():
            return LlmFaithfulness(config, engine, source)
        case "reward", Classifier():
            return ClassifierGate(classifier.ALONE, config, engine)
        case "reward", LlmJudge():
            return LlmReward(config, engine)
        case _:
            raise ConfigError(f"gates.{name}: no model answers this gate; only faithfulness and reward have one")
