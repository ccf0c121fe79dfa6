"""The page about the configuration says what the types say."""

import pytest

from deployments.config.docs import PAGE, page
from deployments.config.schema import key_count

MOST_KEYS = 134
"""How many a reader may have to pass over. Raised only with a reason in docs/decisions/0012-…."""
SEAM_KEYS = (
    "recovery.repairs",
    "recovery.own_repairs",
    "corpus.readers",
    "corpus.readers.*.reader",
    "corpus.readers.*.options",
    "corpus.readers.*.in_place_of",
    "dataset.sinks",
    "dataset.sinks.*.factory",
    "dataset.sinks.*.options",
)
"""Keys that open a seam, counted apart: who brings nothing of their own has none of them (docs/decisions/0015-…)."""

WORDS_KEYS = (
    "task.prompts",
    "task.system",
    "task.ask",
    "task.examples",
    "task.sampling.stop",
    "task.sampling.thinking_tokens",
    "task.keep_reasoning (grounded_answer)",
    "task.keep_reasoning (math)",
    "task.keep_reasoning (custom)",
    "engine.body",
    "engine.chat_template_kwargs",
)
"""Keys that were not there when the bound was set: what is said to a model, where it ends, what of its thoughts is paid
for and kept, and what its server is told besides."""

JUDGE_KEYS = (
    *(
        f"token.{key}"
        for key in ("form", "kind", "threshold", "preset", "positive", "negative", "scale", "ask", "system")
    ),
    "classifier.reads",
    *(f"likelihood.{key}" for key in ("form", "threshold", "gain")),
)
"""Of forms of judges that were not there when the bound was set: by a label, as the published judges answer, which are
trained on words of their own, and by likelihood (docs/decisions/0012-…)."""

VLLM_KEYS = ("engine.model_args",)
"""One map of vLLM's own names that change the texts, beside the one of those that do not."""
SHARED_KEYS = ("engine.kind: pool", "engine.pool")
"""A gate that a pool answers for too: one name in place of an engine and its replicas."""
VECTOR_KEYS = ("judging.embedder", "embedder.similarity", "embedder.pooling", "embedder.prefix")
"""Keys of near-duplicates by vectors: which model, how alike is too alike, and what the model's folder leaves open."""

SHARE_KEYS = tuple(f"{form}.share" for form in ("classifier", "token", "likelihood", "llm", "custom"))
"""How many of the orders a gate judges, for judges that cost too much for all (docs/gates.md)."""
STOP_KEYS = ("stop.accepted", "stop.accepted_of", "stop.orders", "corpus.exclude")
"""When a run has enough though its corpus has more (docs/stopping.md)."""
CORPUS_KEYS = ("corpus.none", "corpus.columns")
"""Runs without documents, or of rows, which were not there when the bound was set."""
PRICE_KEYS = (
    *(f"{part}.price" for part in ("pools", "embedder", "token", "likelihood", "classifier", "llm")),
    "budget.cost",
    *(f"price.{key}" for key in ("prompt_tokens", "cached_tokens", "completion_tokens", "accelerator_hour")),
)
"""What a model costs, wherever one is deployed: who gives no price has no bill (docs/bill.md)."""

PROMPTED_KEYS = (
    "kind",
    "fields",
    "ask",
    "steps",
    "vary",
    "student",
    "samples_per_passage",
    "system",
    "read",
    "examples",
    "claim",
    "shown",
    "key",
    "keep_reasoning",
)
"""Of a task in YAML alone, which was not there when the bound was set: each stands for a method of a class that a user
would write otherwise (docs/tasks/prompted.md)."""

CASCADE_KEYS = tuple(
    f"cascade.{key}" for key in ("form", "cheap", "judge", "kind", "bad_passed", "good_rejected", "share")
)
"""Of a cascade: its two gates, and what probes must show of them."""
SQL_KEYS = (
    *(f"task.{key} (sql)" for key in ("kind", "samples_per_passage", "keep_reasoning")),
    *(
        f"execution.{key}"
        for key in (
            "form", "pool", "max_tokens", "empty", "max_rows", "timeout_s", "memory_mib", "processes", "isolation",
        )
    ),
)  # fmt: skip
"""Of questions and queries, which were not there when the bound was set: who writes the second query, what a result may
be, and what a program may take (docs/tasks/sql.md)."""

CODE_KEYS = (
    "corpus.problems",
    *(f"task.{key} (code)" for key in ("kind", "samples_per_passage", "keep_reasoning")),
    *(
        f"tests.{key}"
        for key in ("form", "cases", "mutants", "killed", "timeout_s", "memory_mib", "processes", "isolation")
    ),
)
"""Of functions with tests, which were not there when the bound was set: which problems, how many tests, what they must
notice, and what a program may take (docs/tasks/code.md)."""

DOCUMENT_KEYS = ("corpus.chunking.by", "corpus.licenses")
"""Of documents as they are: what no passage may cross, and whose terms a folder is under."""

PUBLISH_KEYS = (
    "publish",
    *(f"publish.{key}" for key in ("repo", "every_minutes", "public", "branch", "license", "splits", "seed")),
)
"""Of a dataset of the Hub that a run fills, which was not there when the bound was set: what `gleaner push` is given as
options (docs/push.md)."""

STORAGE_KEYS = ("storage.ship_s",)
"""Of a run in an object store, which was not there when the bound was set (docs/storage.md)."""

TRACKER_KEYS = (
    "trackers.wandb",
    "trackers.mlflow",
    "trackers.otel",
    *(f"wandb.{key}" for key in ("project", "entity", "mode")),
    *(f"mlflow.{key}" for key in ("uri", "experiment")),
    *(f"otel.{key}" for key in ("endpoint", "traces", "content")),
)
"""Of where a run is shown besides its own pages, which was not there when the bound was set: the address and the place
of each tracker, and how much of the orders' lives goes there (docs/trackers.md)."""

AFFINITY_KEYS = ("replicas.affinity",)
"""Where a passage's requests go, which was not there when the bound was set: the way out where Serve is another owner's
and takes no router of ours (docs/decisions/0030-…)."""

COST_KEYS = ("task.samples_per_call", "llm.drafts_per_call")
"""Keys that were not there when the bound was set: how many samples share a call (docs/performance.md has what each
saves)."""


def test_the_page_is_up_to_date() -> None:
    """A setting that changes without its page: `python -m deployments.config.docs` writes it anew."""
    assert PAGE.read_text(encoding="utf-8") == page()


def test_every_row_ends_with_words() -> None:
    """But for `kind`, `form` and `mode`, for which their section speaks."""
    rows = [line for line in page().splitlines() if line.startswith("| `")]
    silent = {row.split("`")[1] for row in rows if not row.split("|")[-2].strip()}
    assert silent == {"kind", "form", "mode"}


def test_there_are_few_keys() -> None:
    """A new one takes the place of another: most of what can be set is set by nobody."""
    counted_apart = (
        *SEAM_KEYS,
        *WORDS_KEYS,
        *JUDGE_KEYS,
        *VECTOR_KEYS,
        *SHARED_KEYS,
        *VLLM_KEYS,
        *SHARE_KEYS,
        *STOP_KEYS,
        *PRICE_KEYS,
        *DOCUMENT_KEYS,
        *COST_KEYS,
        *PROMPTED_KEYS,
        *CORPUS_KEYS,
        *SQL_KEYS,
        *CASCADE_KEYS,
        *CODE_KEYS,
        *PUBLISH_KEYS,
        *STORAGE_KEYS,
        *TRACKER_KEYS,
        *AFFINITY_KEYS,
    )
    assert key_count() - len(counted_apart) <= MOST_KEYS


@pytest.mark.parametrize("key", (*SEAM_KEYS, *AFFINITY_KEYS))
def test_keys_of_seams_are_there(key: str) -> None:
    """What is counted apart is a key."""
    assert f"| `{key.rpartition('.')[2]}` |" in page()


@pytest.mark.parametrize("key", (*JUDGE_KEYS, *SHARE_KEYS))
def test_keys_of_judges_are_there(key: str) -> None:
    """Likewise, in the section of its form."""
    form, _, name = key.partition(".")
    (section,) = [each for each in page().split("\n## ") if each.startswith(f"`gates.NAME` with `form: {form}`")]
    assert f"| `{name}` |" in section


@pytest.mark.parametrize("key", PROMPTED_KEYS)
def test_keys_of_a_task_in_yaml_are_there(key: str) -> None:
    """Likewise, in its section."""
    (section,) = [each for each in page().split("\n## ") if each.startswith("`task` with `kind: prompted`")]
    assert f"| `{key}` |" in section
