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

WORDS_KEYS = ("task.prompts", "task.system", "task.ask", "task.examples", "engine.body", "engine.chat_template_kwargs")
"""Keys that were not there when the bound was set: what is said to a model, and what its server is told besides."""

VLLM_KEYS = ("engine.model_args",)
"""One map of vLLM's own names that change the texts, beside the one of those that do not."""
SHARED_KEYS = ("engine.kind: pool", "engine.pool")
"""A gate that a pool answers for too: one name in place of an engine and its replicas."""


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
    assert key_count() - len(SEAM_KEYS) - len(WORDS_KEYS) - len(SHARED_KEYS) - len(VLLM_KEYS) <= MOST_KEYS


@pytest.mark.parametrize("key", SEAM_KEYS)
def test_keys_of_seams_are_there(key: str) -> None:
    """What is counted apart is a key."""
    assert f"| `{key.rpartition('.')[2]}` |" in page()
