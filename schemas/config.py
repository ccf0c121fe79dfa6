"""A run is one YAML file, decoded strictly into this tree. Unknown keys, wrong types and impossible values are refused.

Each field says its unit; bounds are in the types. Light to import: no torch, no ray. What changes a sample's identity
(corpus, task, seed, models, gates, recovery, injection) is told apart from what does not (replicas, batch sizes,
bounds) by `identity`.
"""

from typing import Annotated, Literal

from msgspec import Meta

from schemas.config_audit import Audit
from schemas.config_base import Config, Name, Natural, Positive, Probability, Seconds, Temperature
from schemas.config_credit import Credit
from schemas.config_deployed import Deployed
from schemas.config_gates import Gates, Judging
from schemas.config_injection import Injection
from schemas.queue_shard import MOST_SHARDS


class Chunking(Config, frozen=True):
    """Passages are cut on sentence and heading boundaries, at most `max_tokens` long."""

    max_tokens: Annotated[int, Meta(ge=8, le=32_768)] = 256
    """A longer document is cut; one that fits stays whole."""
    min_characters: Natural = 1
    """Passages shorter than this (white space aside) are not used."""
    tokenizer: str | None = None
    """A tokenizer.json, a model folder or a Hugging Face name; without one, words and punctuation are counted."""


class Corpus(Config, frozen=True):
    """Where documents come from: files, folders, or anything that fsspec opens."""

    paths: Annotated[tuple[str, ...], Meta(min_length=1)]
    """A relative path begins at `base`. Document uris keep paths as they are written here."""
    include: tuple[str, ...] | None = None
    """Which files of a folder are read (names matched as in the shell, suffixes in either case). Without it, all whose
    format is known: `.jsonl`, `.ndjson`, `.json`, `.parquet`, `.txt`, `.text`, `.md`, `.markdown`, `.rst`, `.adoc`,
    `.org`, each also as `.gz`, `.bz2`, `.xz` or `.zst`. A wider pattern adds documents, as a folder that grows does."""
    links: Literal["inside", "anywhere"] = "inside"
    """Links in a folder are followed to what lies in the same folder, or anywhere."""
    text_field: str = "text"
    """Field (JSON) or column (Parquet) of a record that holds its text."""
    answer_field: str | None = None
    """Field or column that holds a problem's reference answer (math); such a record is one passage, never cut."""
    id_field: str = "id"
    """Field or column that names a record; without it, its place does."""
    max_document_bytes: Annotated[int, Meta(ge=1)] = 16 * 1024 * 1024
    """Longer documents, and longer records of JSON, are refused."""
    encoding: str = "utf-8"
    """Of texts and JSON, where no byte order mark says UTF-16 or UTF-32; what cannot be decoded is refused."""
    chunking: Chunking = Chunking()
    """How documents are cut into passages."""
    base: str | None = None
    """Folder that relative paths begin at; without it, the folder of the configuration's file. No part of any uri."""


class SamplingDefaults(Config, frozen=True):
    """The first attempt's sampling."""

    temperature: Temperature = 0.7
    """0 is greedy."""
    top_p: Annotated[float, Meta(gt=0, le=1)] = 1.0
    """Draw from the likeliest tokens of this much probability together; 1: from all."""
    max_tokens: Annotated[int, Meta(ge=1, le=32_768)] = 256
    """Longest completion, in tokens of the generator."""


class GroundedAnswer(Config, frozen=True, tag="grounded_answer", tag_field="kind"):
    """One question and its answer, stated by the passage."""

    samples_per_passage: Annotated[int, Meta(ge=1, le=64)] = 3
    """Orders issued for each passage."""
    output: Literal["lines", "json"] = "lines"
    """`json` constrains the completion by a schema where the engine can."""
    sampling: SamplingDefaults = SamplingDefaults()
    """The first attempt's; repairs change the temperature."""


class Math(Config, frozen=True, tag="math", tag_field="kind"):
    """Worked solutions of the corpus's problems, whose final answers are verified against the reference answers."""

    samples_per_passage: Annotated[int, Meta(ge=1, le=64)] = 4
    """Solutions asked for of each problem."""
    sampling: SamplingDefaults = SamplingDefaults(max_tokens=512)
    """The first attempt's; repairs change the temperature."""


Task = GroundedAnswer | Math


class Pool(Deployed, frozen=True):
    """A named generator pool."""


class Recovery(Config, frozen=True):
    """What happens to a rejected sample."""

    policy: Literal["rules", "adaptive", "naive_resample", "discard"] = "rules"
    """Diagnose and repair by a table; or by what pays in this run; or draw again; or give up at once."""
    max_attempts: Annotated[int, Meta(ge=1, le=32)] = 4
    """Attempts of an order altogether."""
    escalate_to: Name | None = None
    """A stronger pool: for the last attempt; under `adaptive`, wherever it pays."""
    bar: Literal["raised", "same"] = "raised"
    """What the faithfulness gate asks of a repaired sample: more with each attempt, or the same as of a first one."""
    search_passages: Natural = 50_000
    """The diagnoser looks for mixed-up passages in a corpus of up to so many, indexed by each conductor; 0: never."""
    stop_below: Annotated[float, Meta(ge=0, le=1)] = 0.25
    """`adaptive` gives up when no repair is likely to yield, by token, this share of what first attempts yield; 0:
    only when attempts are spent."""
    exploration: Annotated[float, Meta(gt=0, le=1)] = 0.05
    """Of `adaptive`'s repairs, drawn evenly among all: what estimates of other policies rest on."""


class Queue(Config, frozen=True):
    """How many orders are outstanding at once, and how long each may be held."""

    capacity: Annotated[int, Meta(ge=1)] = 20_000
    """Outstanding orders; the corpus reader waits beyond it."""
    lease_s: Seconds = 1200.0
    """A conductor that holds an order longer, in seconds, loses it to another."""
    fresh_share: Probability = 0.25
    """Of what is handed out while repairs wait too: fresh orders. Repairs go ahead, and neither starves."""
    shards: Annotated[int, Meta(ge=1, le=MOST_SHARDS)] = 1
    """Queues side by side, each with a ledger, a writer and conductors of its own; a folder keeps its number."""


class Conductors(Config, frozen=True):
    """How many conductors there are, how many samples each carries, and how often a failed hop is tried again."""

    count: Annotated[int, Meta(ge=1, le=256)] = 1
    """Processes; one carries about 2,000 attempts a second."""
    concurrency: Annotated[int, Meta(ge=1, le=8192)] = 256
    """Samples in flight in each."""
    hop_retries: Annotated[int, Meta(ge=0, le=16)] = 2
    """Further tries of one failed hop before the order ends as engine_error or gate_error."""
    hop_timeout_s: Seconds = 300.0
    """Longest wait for one answer of a pool or gate, in seconds."""
    outage_s: Seconds = 600.0
    """A pool or gate that answers nothing for so long, in seconds, stops the run with exit code 3, its orders
    outstanding; a pool that only repairs go to is done without after ten."""


class Scaling(Config, frozen=True):
    """How pools whose `replicas.min` and `.max` differ grow and shrink with the work."""

    accelerators: Annotated[float, Meta(gt=0)] | None = None
    """GPUs that all pools and gates may hold together (CPUs, if none takes a GPU); without it, each up to its `max`."""
    cooldown_s: Seconds = 60.0
    """A replica is taken away when it was not needed for so many seconds."""
    horizon_s: Seconds = 30.0
    """A replica is added for so many seconds of work, or for three times what one takes to start if that is longer."""
    max_starting: Positive = 1024
    """Replicas that load their models at the same time."""


class Budget(Config, frozen=True):
    """When it is spent, no attempt starts any more and what is outstanding ends as `budget`."""

    tokens: Positive | None = None
    """Generator and gate tokens together."""


class Dataset(Config, frozen=True):
    """How large a shard of the output is, and how long its rows may wait."""

    rows_per_shard: Positive = 5_000
    """A shard is written when it has so many rows."""
    flush_s: Seconds = 30.0
    """A shard is written at the latest when its oldest row is this old."""


class RunConfig(Config, frozen=True):
    """A whole run."""

    corpus: Corpus
    """Documents in."""
    task: Task
    """What is made of each passage or problem."""
    pools: dict[str, Pool]
    """Generator pools by name; `generator` is where fresh orders go."""
    gates: Gates
    """What every sample must pass, each gate under its name; `{}`: nothing but the checks that every run has."""
    name: Name = "run"
    """Shown while it runs, and in its report."""
    seed: Natural = 0
    """Changes every draw that an engine can seed; same seed, same ids."""
    judging: Judging = Judging()
    """How gates are asked."""
    recovery: Recovery = Recovery()
    """What happens to rejected samples."""
    injection: Injection = Injection()
    """Samples made bad on purpose, to measure the gates."""
    credit: Credit | None = None
    """Rejected solutions are credited step by step, and restarted where they broke (math)."""
    audit: Audit = Audit()
    """Labelled samples sent through the live gates, to measure them."""
    queue: Queue = Queue()
    """Bounds of what is outstanding."""
    conductors: Conductors = Conductors()
    """How much is in flight."""
    scaling: Scaling = Scaling()
    """How many replicas are kept for the work there is."""
    budget: Budget = Budget()
    """When to stop spending."""
    dataset: Dataset = Dataset()
    """How output is cut into files."""
    ray_address: str | None = None
    """An existing cluster (`auto`, `ray://…`); without one, Ray starts inside this process tree."""


FRESH_POOL = "generator"
