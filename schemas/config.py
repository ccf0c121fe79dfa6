"""A run is one YAML file, decoded strictly into this tree. Unknown keys, wrong types and impossible values are refused.

Each field says its unit; bounds are in the types. Light to import: no torch, no ray. What changes a sample's identity
(corpus, task, seed, models, gates, recovery) is told apart from what does not (replicas, batch sizes, bounds) by
`identity`.
"""

from typing import Annotated, Literal

from msgspec import Meta, Struct

Positive = Annotated[int, Meta(ge=1)]
Natural = Annotated[int, Meta(ge=0)]
Probability = Annotated[float, Meta(ge=0, le=1)]
Seconds = Annotated[float, Meta(gt=0)]
Temperature = Annotated[float, Meta(ge=0, le=2)]
Name = Annotated[str, Meta(pattern=r"^[a-z][a-z0-9_-]{0,39}$")]


class Config(Struct, frozen=True, forbid_unknown_fields=True, omit_defaults=True):
    """Base of every part of a configuration."""


class Chunking(Config, frozen=True):
    """Passages are cut on sentence and heading boundaries, at most `max_tokens` long."""

    max_tokens: Annotated[int, Meta(ge=8, le=32_768)] = 256
    min_characters: Natural = 1
    """Passages shorter than this (white space aside) are not used."""
    tokenizer: str | None = None
    """A tokenizer.json, a model folder or a Hugging Face name; without one, words and punctuation are counted."""


class Corpus(Config, frozen=True):
    """Where documents come from: files, folders, or anything that fsspec opens."""

    paths: Annotated[tuple[str, ...], Meta(min_length=1)]
    """A relative path begins at `base`. Document uris keep paths as they are written here."""
    include: tuple[str, ...] = ("*.jsonl", "*.parquet", "*.txt", "*.md", "*.markdown", "*.jsonl.gz", "*.txt.gz")
    """Which files of a folder are read (names matched as in the shell)."""
    text_field: str = "text"
    id_field: str = "id"
    max_document_bytes: Annotated[int, Meta(ge=1)] = 16 * 1024 * 1024
    encoding: str = "utf-8"
    chunking: Chunking = Chunking()
    base: str | None = None
    """Folder that relative paths begin at; without it, the folder of the configuration's file. No part of any uri."""


class SamplingDefaults(Config, frozen=True):
    """The first attempt's sampling."""

    temperature: Temperature = 0.7
    top_p: Annotated[float, Meta(gt=0, le=1)] = 1.0
    max_tokens: Annotated[int, Meta(ge=1, le=32_768)] = 256


class GroundedAnswer(Config, frozen=True, tag="grounded_answer", tag_field="kind"):
    """One question and its answer, stated by the passage."""

    samples_per_passage: Annotated[int, Meta(ge=1, le=64)] = 3
    output: Literal["lines", "json"] = "lines"
    """`json` constrains the completion by a schema where the engine can."""
    sampling: SamplingDefaults = SamplingDefaults()


class VllmEngine(Config, frozen=True, tag="vllm", tag_field="kind"):
    """vLLM inside the replica (`AsyncLLM`; pooling for classifiers)."""

    model: str
    dtype: Literal["auto", "bfloat16", "float16", "float32"] = "auto"
    max_model_len: Positive | None = None
    max_num_seqs: Positive | None = None
    tensor_parallel_size: Positive = 1
    gpu_memory_utilization: Annotated[float, Meta(gt=0, le=1)] = 0.9
    enforce_eager: bool = False
    kv_cache_gib: Annotated[int, Meta(ge=1)] | None = None
    """Room for the KV cache on a CPU build, in GiB."""
    prefix_caching: bool = True
    revision: str | None = None


class TransformersEngine(Config, frozen=True, tag="transformers", tag_field="kind"):
    """Hugging Face transformers inside the replica, with continuous batching."""

    model: str
    dtype: Literal["auto", "bfloat16", "float16", "float32"] = "auto"
    device: str = "auto"
    max_batch: Annotated[int, Meta(ge=1, le=1024)] = 64
    threads: Positive | None = None
    """CPU threads of torch; without it, the replica's num_cpus (at least 1)."""
    revision: str | None = None


class HttpEngine(Config, frozen=True, tag="http", tag_field="kind"):
    """Any OpenAI-compatible server."""

    base_url: Annotated[str, Meta(pattern=r"^https?://[^\s@]+$")]
    """Up to and including /v1. Credentials do not belong here."""
    model: str
    api_key_env: str | None = None
    """Name of the environment variable that holds the key."""
    concurrency: Annotated[int, Meta(ge=1, le=4096)] = 64
    timeout_s: Seconds = 120.0
    breaker_failures: Positive = 16
    """So many failures in a row open the circuit breaker."""
    breaker_open_s: Seconds = 5.0
    structured_output: Literal["json_schema", "json_object", "none"] = "json_schema"


class CustomEngine(Config, frozen=True, tag="custom", tag_field="kind"):
    """An engine of your own: `module:function`, called with the options, gives an object with the engine protocol."""

    factory: Annotated[str, Meta(pattern=r"^[\w.]+:\w+$")]
    model: str = "custom"
    options: dict[str, str | int | float | bool] = {}


Engine = VllmEngine | TransformersEngine | HttpEngine | CustomEngine


class Replicas(Config, frozen=True):
    """How many copies of a deployment, and what each takes from the cluster."""

    min: Natural = 1
    max: Positive = 1
    num_cpus: Annotated[float, Meta(ge=0)] = 1.0
    num_gpus: Annotated[float, Meta(ge=0)] = 0.0
    accelerator_type: str | None = None
    max_ongoing: Positive = 1024
    """Samples in a replica at once."""


class Pool(Config, frozen=True):
    """A named generator pool."""

    engine: Engine
    replicas: Replicas = Replicas()


class Classifier(Config, frozen=True, tag="classifier", tag_field="form"):
    """A sequence-classification model gives the score."""

    engine: Engine
    replicas: Replicas = Replicas()
    threshold: Probability = 0.5
    positive_label: Natural = 1
    """Index of the label whose probability is the score; for a single-logit model 0."""


class LlmJudge(Config, frozen=True, tag="llm", tag_field="form"):
    """A chat model gives a structured verdict with quotes (faithfulness) or a rubric (reward)."""

    engine: Engine
    replicas: Replicas = Replicas()
    threshold: Probability = 0.5
    max_tokens: Positive = 512
    temperature: Temperature = 0.0
    dimensions: tuple[str, ...] = ("well_formed", "complete", "specific")
    """The rubric's dimensions (reward gate only), each scored 0 to 10."""


GateModel = Classifier | LlmJudge


class Gates(Config, frozen=True):
    """Both gates score every sample unless `short_circuit` saves the second's cost."""

    faithfulness: GateModel
    reward: GateModel
    short_circuit: bool = False
    duplicate_similarity: Annotated[float, Meta(gt=0, le=1)] = 0.9
    """Questions of one passage whose word overlap (Jaccard) reaches this are near-duplicates; 1: only equal ones."""


class Recovery(Config, frozen=True):
    """What happens to a rejected sample."""

    policy: Literal["rules", "naive_resample", "discard"] = "rules"
    max_attempts: Annotated[int, Meta(ge=1, le=32)] = 4
    """Attempts of an order altogether."""
    escalate_to: Name | None = None
    """A stronger pool for the last attempt."""


class Queue(Config, frozen=True):
    """How many orders are outstanding at once, and how long each may be held."""

    capacity: Annotated[int, Meta(ge=1)] = 20_000
    """Outstanding orders; the corpus reader waits beyond it."""
    lease_s: Seconds = 300.0
    fresh_ageing_s: Seconds = 30.0
    """A fresh order waits this long before it goes ahead of newer repairs."""


class Conductors(Config, frozen=True):
    """How many conductors there are, how many samples each carries, and how often a failed hop is tried again."""

    count: Annotated[int, Meta(ge=1, le=256)] = 1
    concurrency: Annotated[int, Meta(ge=1, le=8192)] = 256
    """Samples in flight in each."""
    hop_retries: Annotated[int, Meta(ge=0, le=16)] = 3
    """Further tries of one failed hop before the order ends as engine_error or gate_error."""
    hop_timeout_s: Seconds = 300.0


class Budget(Config, frozen=True):
    """When it is spent, no attempt starts any more and what is outstanding ends as `budget`."""

    tokens: Positive | None = None
    """Generator and gate tokens together."""


class Dataset(Config, frozen=True):
    """How large a shard of the output is, and how long its rows may wait."""

    rows_per_shard: Positive = 5_000
    flush_s: Seconds = 30.0
    """A shard is written at the latest when its oldest row is this old."""


class RunConfig(Config, frozen=True):
    """A whole run."""

    corpus: Corpus
    task: GroundedAnswer
    pools: dict[str, Pool]
    """Generator pools by name; `generator` is where fresh orders go."""
    gates: Gates
    name: Name = "run"
    seed: Natural = 0
    recovery: Recovery = Recovery()
    queue: Queue = Queue()
    conductors: Conductors = Conductors()
    budget: Budget = Budget()
    dataset: Dataset = Dataset()
    ray_address: str | None = None
    """An existing cluster (`auto`, `ray://…`); without one, Ray starts inside this process tree."""


FRESH_POOL = "generator"
