"""The gates that have a model of their own, by kind and form."""

from msgspec.structs import replace

from actors.gates.classifier import AGAINST_SOURCE, ALONE, ClassifierGate
from actors.gates.evidence import EXACT, EvidenceSource
from actors.gates.faithfulness import LlmFaithfulness
from actors.gates.reward import LlmReward
from actors.protocols import Engine, Gate, Generator
from schemas.config_gates import Classifier, GateModel, LlmJudge, kind_of
from schemas.errors import ConfigError
from schemas.verdicts import GateName


def build_gate(name: GateName, config: GateModel, engine: Engine, source: EvidenceSource = EXACT) -> Gate:
    """The gate of that name over an engine; a faithfulness judge is shown what `source` gives.

    Raises ConfigError for a name that is of no kind.
    """
    match kind_of(name, config), config:
        case "faithfulness", Classifier():
            return ClassifierGate(replace(AGAINST_SOURCE, gate=name), config, engine, source)
        case "reward", Classifier():
            return ClassifierGate(replace(ALONE, gate=name), config, engine)
        case _, LlmJudge():
            return build_judge(name, config, engine, source)
        case _:
            raise _kindless(name)


def build_judge(name: GateName, config: LlmJudge, model: Generator, source: EvidenceSource = EXACT) -> Gate:
    """The gate of form `llm` over a chat model. Raises ConfigError for a name that is of no kind."""
    match kind_of(name, config):
        case "faithfulness":
            return LlmFaithfulness(config, model, source, name=name)
        case "reward":
            return LlmReward(config, model, name=name)
        case _:
            raise _kindless(name)


def _kindless(name: GateName) -> ConfigError:
    return ConfigError(f"gates.{name}.kind: missing; it must be one of faithfulness, reward")
