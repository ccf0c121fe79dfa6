"""The gates that have a model of their own, by kind and form."""

from msgspec.structs import replace

from actors.gates.classifier import AGAINST_SOURCE, ALONE, ClassifierGate
from actors.gates.evidence import EXACT, EvidenceSource
from actors.gates.faithfulness import LlmFaithfulness
from actors.gates.first_token import TokenGate
from actors.gates.likelihood import LikelihoodGate
from actors.gates.reward import LlmReward
from actors.protocols import Engine, Gate, ScoreText
from schemas.config_gates import Classifier, GateModel, LikelihoodJudge, LlmJudge, TokenJudge, kind_of
from schemas.errors import ConfigError
from schemas.verdicts import GateName


def build_gate(name: GateName, config: GateModel, engine: Engine, source: EvidenceSource = EXACT) -> Gate:
    """The gate of that name over an engine; a faithfulness judge is shown what `source` gives.

    Raises ConfigError for a name that is of no kind.
    """
    match kind_of(name, config), config:
        case "faithfulness", Classifier():
            return ClassifierGate(replace(AGAINST_SOURCE, gate=name), config, engine, source)
        case "faithfulness", TokenJudge():
            return TokenGate(name, config, engine, source)
        case "faithfulness", LikelihoodJudge():
            if not isinstance(engine, ScoreText):
                raise ConfigError(f"gates.{name}.engine: has no score(request), which form: likelihood judges by")
            return LikelihoodGate(name, config, engine, source)
        case "faithfulness", LlmJudge():
            return LlmFaithfulness(config, engine, source, name=name)
        case "reward", Classifier():
            return ClassifierGate(replace(ALONE, gate=name), config, engine)
        case "reward", TokenJudge():
            return TokenGate(name, config, engine)
        case "reward", LlmJudge():
            return LlmReward(config, engine, name=name)
        case _:
            raise ConfigError(f"gates.{name}.kind: missing; it must be one of faithfulness, reward")
