"""The section `gates`: what every sample must pass."""

from typing import Annotated, Literal

from msgspec import Meta

from schemas.config_base import Config, Natural, Positive, Probability, Seconds, Temperature
from schemas.config_deployed import Deployed
from schemas.config_engines import TransformersEngine


class Classifier(Deployed, frozen=True, tag="classifier", tag_field="form"):
    """A sequence-classification model gives the score."""

    threshold: Probability = 0.5
    """A score of at least this passes."""
    positive_label: Natural = 1
    """Index of the label whose probability is the score; for a single-logit model 0."""


class LlmJudge(Deployed, frozen=True, tag="llm", tag_field="form"):
    """A chat model gives a structured verdict with quotes (faithfulness) or a rubric (reward)."""

    threshold: Probability = 0.5
    """A score of at least this passes."""
    max_tokens: Positive = 512
    """Longest verdict, in tokens of the judge."""
    temperature: Temperature = 0.0
    """0 is greedy."""
    dimensions: tuple[str, ...] = ("well_formed", "complete", "specific")
    """The rubric's dimensions (reward gate only), each scored 0 to 10."""


GateModel = Classifier | LlmJudge


class Exact(Config, frozen=True, tag="exact", tag_field="mode"):
    """The passage that the sample was made from."""


class Retrieved(Config, frozen=True, tag="retrieved", tag_field="mode"):
    """Passages found anew among all of the corpus, as if nobody had kept where the sample came from."""

    retriever: Literal["bm25", "embedding"] = "bm25"
    """By words in common, or by the likeness of vectors that `encoder` makes."""
    k: Annotated[int, Meta(ge=1, le=32)] = 3
    """Passages shown, best first."""
    query: Literal["answer", "question"] = "question"
    """What is searched for."""
    encoder: TransformersEngine | None = None
    """The model whose hidden states are compared (`embedding` only); it runs inside the gate's replica."""
    pooling: Literal["mean", "cls", "last"] | None = None
    """Which hidden states make a text's vector: the mean of all, the first (BGE), the last (Qwen3-Embedding); without
    it, what the model's folder says (`1_Pooling/config.json`), or the mean."""
    query_prefix: str | None = None
    """Put before what is searched for, such as `"query: "` (E5); without it, the folder's `query` prompt."""
    passage_prefix: str | None = None
    """Put before each passage, such as `"passage: "` (E5); without it, the folder's `passage` or `document` prompt."""
    max_passages: Positive = 200_000
    """A corpus of more is refused: each replica of the gate holds them all, with their index, in memory."""


class Unseen(Config, frozen=True, tag="none", tag_field="mode"):
    """No passage at all: question and answer alone."""


Provenance = Exact | Retrieved | Unseen


class Verifier(Config, frozen=True):
    """Final answers are compared by computation, in processes of their own that are killed when they take too long."""

    timeout_s: Seconds = 5.0
    """Processor time for one pair of answers, in seconds; then its process is ended and the pair is an error."""
    memory_mib: Annotated[int, Meta(ge=128, le=65_536)] = 1024
    """Address space of each process, in MiB."""
    processes: Annotated[int, Meta(ge=1, le=64)] = 2
    """Of each conductor. Started when reading alone cannot tell; a pair that takes long occupies one."""
    max_characters: Annotated[int, Meta(ge=1, le=4_000)] = 1_000
    """A longer final answer is not compared."""


class Gates(Config, frozen=True):
    """What every sample must pass. Grounded answers need `faithfulness` and `reward`, math needs `verifier`."""

    faithfulness: GateModel | None = None
    """Judged against the exact passage, or as `provenance` says."""
    reward: GateModel | None = None
    """Scored with the passage unseen."""
    provenance: Provenance = Exact()
    """What the faithfulness gate is shown of the source. All but `exact` are for comparison."""
    verifier: Verifier | None = None
    """The final answer against the reference answer (math)."""
    short_circuit: bool = False
    """A sample that one gate rejected is not shown to the other."""
    duplicate_similarity: Annotated[float, Meta(gt=0, le=1)] = 0.9
    """Samples of one passage that are this alike are near-duplicates: by their questions' words (Jaccard), and at least
    0.9 where both give the same answer about the same thing; 1: only equal questions."""

    @property
    def models(self) -> dict[str, GateModel]:
        """The gates that a model answers, by name."""
        named = {"faithfulness": self.faithfulness, "reward": self.reward}
        return {name: model for name, model in named.items() if model is not None}
