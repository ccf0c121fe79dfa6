"""The `gates:` section: what every sample must pass."""

from typing import Annotated, Literal

from schemas.config_base import Config, Natural, Positive, Probability, Seconds, Temperature, any_resume, replay
from schemas.config_deployed import Deployed
from schemas.config_engines import TransformersEngine


class Classifier(Deployed, frozen=True, tag="classifier", tag_field="form"):
    """A sequence-classification model gives the score."""

    threshold: Annotated[Probability, replay("A score of at least this passes.")] = 0.5
    positive_label: Annotated[
        Natural, replay("Index of the label whose probability is the score; for a single-logit model 0.")
    ] = 1


class LlmJudge(Deployed, frozen=True, tag="llm", tag_field="form"):
    """A chat model gives a structured verdict with quotes (faithfulness) or a rubric (reward)."""

    threshold: Annotated[Probability, replay("A score of at least this passes.")] = 0.5
    max_tokens: Annotated[Positive, replay("Longest verdict, in tokens of the judge.")] = 512
    temperature: Annotated[Temperature, replay("0 is greedy.")] = 0.0
    dimensions: Annotated[
        tuple[str, ...], replay("The rubric's dimensions (reward gate only), each scored 0 to 10.")
    ] = ("well_formed", "complete", "specific")


GateModel = Classifier | LlmJudge


class Exact(Config, frozen=True, tag="exact", tag_field="mode"):
    """The passage that the sample was made from."""


class Retrieved(Config, frozen=True, tag="retrieved", tag_field="mode"):
    """Passages found anew among all of the corpus, as if nobody had kept where the sample came from."""

    retriever: Annotated[
        Literal["bm25", "embedding"], replay("By words in common, or by the likeness of vectors that `encoder` makes.")
    ] = "bm25"
    k: Annotated[int, replay("Passages shown, best first.", ge=1, le=32)] = 3
    query: Annotated[Literal["answer", "question"], replay("What is searched for.")] = "question"
    encoder: Annotated[
        TransformersEngine | None,
        replay("The model whose hidden states are compared (`embedding` only); it runs inside the gate's replica."),
    ] = None
    pooling: Annotated[
        Literal["mean", "cls", "last"] | None,
        replay(
            "Which hidden states make a text's vector: the mean of all, the first (BGE), the last "
            "(Qwen3-Embedding); without it, what the model's folder says (`1_Pooling/config.json`), or the "
            "mean."
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


class Verifier(Config, frozen=True):
    """Final answers are compared by computation, in processes of their own that are killed when they take too long."""

    timeout_s: Annotated[
        Seconds,
        any_resume(
            "Processor time for one pair of answers, in seconds; then its process is ended and the pair is an error."
        ),
    ] = 5.0
    memory_mib: Annotated[int, any_resume("Address space of each process, in MiB.", ge=128, le=65_536)] = 1024
    processes: Annotated[
        int,
        any_resume(
            "Of each conductor. Started when reading alone cannot tell; a pair that takes long occupies one.",
            ge=1,
            le=64,
        ),
    ] = 2
    max_characters: Annotated[int, replay("A longer final answer is not compared.", ge=1, le=4_000)] = 1_000


class Gates(Config, frozen=True):
    """What every sample must pass. Grounded answers need `faithfulness` and `reward`, math needs `verifier`."""

    faithfulness: Annotated[GateModel | None, replay("Judged against the exact passage, or as `provenance` says.")] = (
        None
    )
    reward: Annotated[GateModel | None, replay("Scored with the passage unseen.")] = None
    provenance: Annotated[
        Provenance, replay("What the faithfulness gate is shown of the source. All but `exact` are for comparison.")
    ] = Exact()
    verifier: Annotated[Verifier | None, replay("The final answer against the reference answer (math).")] = None
    short_circuit: Annotated[bool, replay("A sample that one gate rejected is not shown to the other.")] = False
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

    @property
    def models(self) -> dict[str, GateModel]:
        """The gates that a model answers, by name."""
        named = {"faithfulness": self.faithfulness, "reward": self.reward}
        return {name: model for name, model in named.items() if model is not None}
