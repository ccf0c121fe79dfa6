"""Builds the gates that ask a model, by kind and form."""

from msgspec.structs import replace

from actors.gates.classifier import AGAINST_SOURCE, ALONE, ClassifierGate
from actors.gates.evidence import EXACT, EvidenceSource
from actors.gates.faithfulness import LlmFaithfulness
from actors.gates.first_token import TokenGate
from actors.gates.likelihood import LikelihoodGate
from actors.gates.pairs import PairGate
from actors.gates.reward import LlmReward
from actors.gates.together import Gathering
from actors.protocols import Engine, Gate, Generator, ScoreText
from schemas.config_gates import Classifier, GateModel, LikelihoodJudge, LlmJudge, TokenJudge, kind_of
from schemas.errors import ConfigError
from schemas.verdicts import GateName


def build_gate(name: GateName, config: GateModel, engine: Engine, source: EvidenceSource = EXACT) -> Gate:
    """The gate of that name over an engine; a faithfulness judge is shown the evidence of `source`.

    Raises ConfigError if the gate has no kind, or the engine cannot score for a likelihood judge.
    """
    match kind_of(name, config), config:
        case (("faithfulness" | "reward"), Classifier(reads="pair" | "sentences")):
            return PairGate(name, config, engine, source)
        case "faithfulness", Classifier():
            return ClassifierGate(replace(AGAINST_SOURCE, gate=name), config, engine, source)
        case "reward", Classifier():
            return ClassifierGate(replace(ALONE, gate=name), config, engine)
        case "faithfulness", LikelihoodJudge():
            if not isinstance(engine, ScoreText):
                raise ConfigError(f"gates.{name}.engine: has no score(request), which form: likelihood judges by")
            return LikelihoodGate(name, config, engine, source)
        case _, LlmJudge() | TokenJudge():
            return build_judge(name, config, engine, source)
        case _:
            raise _kindless(name)


def build_judge(
    name: GateName,
    config: LlmJudge | TokenJudge,
    model: Generator,
    source: EvidenceSource = EXACT,
    *,
    gathering: Gathering | None = None,
) -> Gate:
    """A gate over a chat model that writes. `gathering`: the calls that drafts may share with those of other gates made
    with it. Raises ConfigError if the gate has no kind."""
    match kind_of(name, config), config:
        case "faithfulness", TokenJudge():
            return TokenGate(name, config, model, source)
        case "faithfulness", LlmJudge():
            return LlmFaithfulness(config, model, source, name=name, gathering=gathering)
        case "reward", TokenJudge():
            return TokenGate(name, config, model)
        case "reward", LlmJudge():
            return LlmReward(config, model, name=name, gathering=gathering)
        case _:
            raise _kindless(name)


def _kindless(name: GateName) -> ConfigError:
    return ConfigError(f"gates.{name}.kind: missing; it must be one of faithfulness, reward")
