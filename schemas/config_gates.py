"""The section `gates`: the checks that every sample must pass, any number of them, each under a name of its own.

Law: verdicts, metrics, reports and files use the gate's name; its form says how it judges. The usual gates are
`faithfulness` and `reward`, and `verifier` for math: under these names the kind (or form) may be left out.
"""

from collections.abc import Mapping
from typing import Annotated, Literal

from msgspec import Meta, field

from schemas.code import CODE_REPAIRS
from schemas.config_base import (
    Config,
    Factory,
    JudgeKind,
    Natural,
    Options,
    Positive,
    Probability,
    Share,
    Temperature,
    any_resume,
    replay,
)
from schemas.config_cascade import Cascade, cascades, steps
from schemas.config_computed import CodeTests, QueryExecution, Verifier
from schemas.config_deployed import Deployed
from schemas.config_engines import Engine, PoolEngine
from schemas.ids import PoolName
from schemas.queries import QUERY_REPAIRS
from schemas.recovery import FailureMode
from schemas.verdicts import FAITHFULNESS, REWARD, VERIFIER, GateName

Pooling = Literal["mean", "cls", "last"]
"""The hidden states that make a text's vector: the mean of all, the first, or the last."""
USUAL_KINDS = (FAITHFULNESS, REWARD)
RESERVED = frozenset(
    {"format", "provenance", "diversity", "generate", "settle", "engine", "none", "both", "several"}
    | {"probe", "rollouts", "stale"}
)
"""Names that have another meaning, so that no gate may have them."""


class Exact(Config, frozen=True, tag="exact", tag_field="mode"):
    """The passage that the sample was made from."""


class Retrieved(Config, frozen=True, tag="retrieved", tag_field="mode"):
    """Passages found by a search in the whole corpus, as if the sample's own passage were unknown."""

    retriever: Annotated[
        Literal["bm25", "embedding"], replay("By words in common, or by the likeness of vectors that `encoder` makes.")
    ] = "bm25"
    k: Annotated[int, replay("Passages shown, best first.", ge=1, le=32)] = 3
    query: Annotated[Literal["answer", "question"], replay("What is searched for.")] = "question"
    encoder: Annotated[
        Engine | None,
        replay(
            "What makes the vectors that are compared (`embedding` only): a model in the gate's replica, or a server."
        ),
    ] = None
    pooling: Annotated[
        Pooling | None,
        replay(
            "Which hidden states make a text's vector: the mean of all, the first (BGE), the last "
            "(Qwen3-Embedding); without it, what the model's folder says (`1_Pooling/config.json`), or the "
            "mean. A server (`http`) pools in its own way."
        ),
    ] = None
    query_prefix: Annotated[
        str | None,
        replay('Put before what is searched for, such as `"query: "` (E5); without it, the folder\'s `query` prompt.'),
    ] = None
    passage_prefix: Annotated[
        str | None,
        replay(
            'Put before each passage, such as `"passage: "` (E5); without it, '
            "the folder's `passage` or `document` prompt."
        ),
    ] = None
    max_passages: Annotated[
        Positive,
        any_resume(
            "A corpus of more is refused: each replica of the gate holds them all, with their index, in memory."
        ),
    ] = 200_000


class Unseen(Config, frozen=True, tag="none", tag_field="mode"):
    """No passage at all: question and answer alone."""


Provenance = Exact | Retrieved | Unseen

SHOWN = "What a faithfulness judge is shown of the source. All but `exact` are for comparison."
PASSES = "A score of at least this passes."
PASSES_TOO = "A score of at least this passes; true is 1, false 0."


class Classifier(Deployed, frozen=True, tag="classifier", tag_field="form"):
    """A sequence-classification model gives the score."""

    kind: Annotated[
        JudgeKind | None,
        replay("Judge against the source, or rate with the source unseen; without it, what the gate's name says."),
    ] = None
    threshold: Annotated[Probability, replay(PASSES)] = 0.5
    share: Share = 1.0
    reads: Annotated[
        Literal["text", "pair", "sentences"],
        replay(
            "What the model was trained on: one text of all that is shown; a pair of source and claim, or of question "
            "and answer (NLI models, cross-encoders); such pairs for each sentence, of which the worst decides."
        ),
    ] = "text"
    positive_label: Annotated[
        Natural, replay("Index of the label whose probability is the score; for a single-logit model 0.")
    ] = 1
    provenance: Annotated[Provenance, replay(SHOWN)] = Exact()


LABEL_WORDS = "a text (Yes and No in quotes) or a list of texts"
Labels = Annotated[str | tuple[str, ...], Meta(title=LABEL_WORDS)]


class TokenJudge(Deployed, frozen=True, tag="token", tag_field="form"):
    """A chat model gives the score by the probability of a label as its first token."""

    kind: Annotated[
        JudgeKind | None,
        replay("Judge against the source, or rate with the source unseen; without it, what the gate's name says."),
    ] = None
    threshold: Annotated[Probability, replay(PASSES)] = 0.5
    share: Share = 1.0
    preset: Annotated[
        Literal["minicheck"] | None,
        replay("The words of a published judge, in place of `ask` and `system` (docs/gates.md)."),
    ] = None
    positive: Annotated[
        Labels,
        replay(
            "The words that speak for a sample. The score is P(positive) / (P(positive) + P(negative)) at the first "
            "token."
        ),
    ] = "Yes"
    negative: Annotated[
        Labels, replay("The words that speak against it; none may begin with the letter of a positive one.")
    ] = "No"
    scale: Annotated[
        tuple[str | int, ...] | None,
        replay(
            "Labels from the worst to the best in place of the two, such as `[1, 2, 3, 4, 5]`. The score is the "
            "expected place on it, from 0 to 1."
        ),
    ] = None
    ask: Annotated[
        str | None,
        replay("The words behind what is shown; without it, a question that is answered by the labels."),
    ] = None
    system: Annotated[
        str | None, replay('The system message; without it, who judges and what is data; `""`: no such message.')
    ] = None
    provenance: Annotated[Provenance, replay(SHOWN)] = Exact()


class LikelihoodJudge(Deployed, frozen=True, tag="likelihood", tag_field="form"):
    """A chat model says how much likelier each token of the claim is with the source than without it. Always a
    faithfulness gate."""

    threshold: Annotated[
        Probability, replay("A score of at least this passes; 0.5 is a gain of nothing, so measure before you choose.")
    ] = 0.5
    share: Share = 1.0
    gain: Annotated[
        Literal["smallest", "mean"],
        replay(
            "Of the tokens' gains, which one makes the score 1 / (1 + exp(-gain)): a gain is log p(token | source) - "
            "log p(token | no source)."
        ),
    ] = "smallest"
    provenance: Annotated[Provenance, replay(SHOWN)] = Exact()


class LlmJudge(Deployed, frozen=True, tag="llm", tag_field="form"):
    """A chat model gives a structured verdict with quotes (faithfulness) or a rubric (reward)."""

    kind: Annotated[
        JudgeKind | None,
        replay("Find each claim in the source, or rate by a rubric with it unseen; without it, what the name says."),
    ] = None
    threshold: Annotated[
        Probability,
        replay(
            "A score of at least this passes: of kind faithfulness, 0.5 lets one claim of two be false (docs/gates.md)."
        ),
    ] = 0.5
    share: Share = 1.0
    max_tokens: Annotated[Positive, replay("Longest verdict, in tokens of the judge.")] = 512
    temperature: Annotated[Temperature, replay("0 is greedy.")] = 0.0
    dimensions: Annotated[tuple[str, ...], replay("The rubric's dimensions (reward only), each scored 0 to 10.")] = (
        "well_formed",
        "complete",
        "specific",
    )
    drafts_per_call: Annotated[
        int,
        replay(
            "Drafts of one passage that are judged in one call when they come together, as with "
            "`task.samples_per_call` (docs/gates.md).",
            ge=1,
            le=16,
        ),
    ] = 1
    provenance: Annotated[Provenance, replay(SHOWN)] = Exact()


GateModel = Classifier | TokenJudge | LikelihoodJudge | LlmJudge


class RuleGate(Config, frozen=True, tag="rule", tag_field="form"):
    """A rule without a model: an expression, or a function of your own."""

    check: Annotated[
        str,
        replay(
            "`words(answer) <= 80`: true, or a score in [0, 1]; or `module:function`, given the request "
            "(docs/gates.md)."
        ),
    ]
    threshold: Annotated[Probability, replay(PASSES_TOO)] = 0.5
    modes: Annotated[
        dict[str, str],
        replay("Failure modes that its rejections may carry, each with its repair; those of an expression carry it."),
    ] = field(default_factory=dict)


class CustomGate(Config, frozen=True, tag="custom", tag_field="form"):
    """A function of your own that may ask the run's pools."""

    check: Annotated[Factory, replay("Given the request, and `ask` where it takes two arguments.")]
    options: Annotated[Options, replay("Given to the function by name. No secrets: name an environment variable.")] = (
        field(default_factory=dict)
    )
    threshold: Annotated[Probability, replay(PASSES_TOO)] = 0.5
    share: Share = 1.0
    modes: Annotated[dict[str, str], replay("Failure modes that its rejections may carry, each with its repair.")] = (
        field(default_factory=dict)
    )


GateConfig = (
    Classifier
    | TokenJudge
    | LikelihoodJudge
    | LlmJudge
    | Cascade
    | Verifier
    | QueryExecution
    | CodeTests
    | RuleGate
    | CustomGate
)
Gates = dict[str, GateConfig]
_EXECUTED = {QueryExecution: QUERY_REPAIRS, CodeTests: CODE_REPAIRS}
"""Forms that execute programs, with the repairs of the modes that they bring."""


class EmbedderModel(Deployed, frozen=True):
    """A model that makes a vector of each draft that its gates passed: near-duplicates are found by vectors too."""

    similarity: Annotated[
        float,
        replay(
            "Samples of one passage whose vectors' cosine is at least this are near-duplicates too; what is right "
            "depends on the model (docs/gates.md).",
            gt=0,
            le=1,
        ),
    ] = 0.9
    pooling: Annotated[
        Pooling | None,
        replay("Which hidden states make a vector; without it, what the model's folder says, or the mean."),
    ] = None
    prefix: Annotated[
        str | None,
        replay('Put before each text, such as `"query: "` (E5); without it, the folder\'s `query` prompt.'),
    ] = None


class Judging(Config, frozen=True):
    """How gates are asked, and what counts as a near-duplicate."""

    short_circuit: Annotated[
        bool,
        replay("Gates are asked one after the other, in their order, up to the first that does not pass."),
    ] = False
    duplicate_similarity: Annotated[
        float,
        replay(
            "Samples of one passage that are this alike are near-duplicates: by their questions' words "
            "(Jaccard), and at least 0.9 where both give the same answer about the same thing; 1: only "
            "equal questions.",
            gt=0,
            le=1,
        ),
    ] = 0.9
    embedder: Annotated[
        EmbedderModel | None, replay("With it, samples of one passage are compared by their vectors besides.")
    ] = None


def is_function(check: str) -> bool:
    """Whether a rule is `module:function`; no expression looks like that."""
    module, colon, function = check.partition(":")
    return colon == ":" and all(name.isidentifier() for name in (*module.split("."), function))


def kind_of(name: str, gate: GateConfig) -> GateName:
    """The usual gate that this gate is like: every judge against the source is a `faithfulness`. A gate that is like no
    usual one is its own kind."""
    match gate:
        case Classifier() | TokenJudge() | LlmJudge() | Cascade():
            return GateName(gate.kind or name)
        case LikelihoodJudge():
            return FAITHFULNESS
        case Verifier():
            return VERIFIER
    return GateName(name)


def kinds(gates: Mapping[str, GateConfig]) -> dict[GateName, GateName]:
    """The kind of each gate, by name."""
    return {GateName(name): kind_of(name, gate) for name, gate in gates.items()}


def labels(given: Labels) -> tuple[str, ...]:
    """The labels of a key, one or several."""
    return (given,) if isinstance(given, str) else given


def gate_models(gates: Mapping[str, GateConfig]) -> dict[GateName, GateModel]:
    """The gates that have a model and a deployment of their own."""
    return {
        GateName(name): gate
        for name, gate in gates.items()
        if isinstance(gate, GateModel) and not isinstance(gate.engine, PoolEngine)
    }


def shared_pools(gates: Mapping[str, GateConfig]) -> dict[GateName, PoolName]:
    """The gates that share a pool of the run, each with the pool."""
    models = {name: gate.engine for name, gate in gates.items() if isinstance(gate, GateModel)}
    judges = {GateName(name): PoolName(one.pool) for name, one in models.items() if isinstance(one, PoolEngine)}
    return judges | {GateName(n): PoolName(gate.pool) for n, gate in gates.items() if isinstance(gate, QueryExecution)}


def shares(gates: Mapping[str, GateConfig]) -> dict[GateName, float]:
    """The gates that judge less than every order, each with its share."""
    sampled = {name: gate.share for name, gate in gates.items() if isinstance(gate, GateModel | Cascade | CustomGate)}
    return {GateName(name): share for name, share in sampled.items() if share < 1}


def brought_modes(gates: Mapping[str, GateConfig]) -> dict[FailureMode, str]:
    """The failure modes that the gates bring, each with its repair."""
    own = (gate.modes for gate in gates.values() if isinstance(gate, RuleGate | CustomGate))
    brought = {FailureMode(mode): repair for modes in own for mode, repair in modes.items()}
    tables = [table for form, table in _EXECUTED.items() if any(isinstance(gate, form) for gate in gates.values())]
    programs = {mode: str(row[0]) for table in tables for mode, row in table.items()}
    return {**programs, **brought}


def executes(gates: Mapping[str, GateConfig]) -> bool:
    """Whether a gate executes programs."""
    return any(isinstance(gate, QueryExecution | CodeTests) for gate in gates.values())


def code_tests_of(gates: Mapping[str, GateConfig]) -> CodeTests | None:
    """The gate that executes tests, if there is one."""
    return next((gate for gate in gates.values() if isinstance(gate, CodeTests)), None)


def thresholds(gates: Mapping[str, GateConfig]) -> dict[str, float]:
    """The thresholds of the gates that have one; of a cascade, its judge's. The others compute: their score is 1 or
    0."""
    judges = {**gates, **{name: gates[cascade.judge] for name, cascade in cascades(gates).items()}}
    judging = {name: gate for name, gate in judges.items() if name not in steps(gates)}
    return {
        name: gate.threshold for name, gate in judging.items() if isinstance(gate, GateModel | RuleGate | CustomGate)
    }


def verifier_of(gates: Mapping[str, GateConfig]) -> Verifier | None:
    """The first gate that compares final answers."""
    return next((gate for gate in gates.values() if isinstance(gate, Verifier)), None)
