"""What every card of a run says in the same words: how samples were made, their columns, the models that judged them.

Law: a text of a configuration or a ledger is no markup in a card.
"""

import re
from collections.abc import Sequence
from html import escape

from actors.dataset.executions import EXECUTIONS_HOLD
from actors.report.intervals import interval_words
from actors.report.words import count, model_name, percent, spoken
from schemas.config import GroundedAnswer, Math, RunConfig
from schemas.config_cascade import judging
from schemas.config_gates import executes
from schemas.config_tasks import Code, CustomTask, Prompted
from schemas.manifest import Manifest
from schemas.verdicts import FAITHFULNESS, REWARD, VERIFIER

_COLUMNS = (
    ("id", "the order's id: from content and plan, the same in every run of this configuration"),
    ("messages", "user (passage and question) and assistant (answer), as chat trainers read them"),
    ("question, answer", "the sample"),
    ("passage", "the exact text of the corpus that the answer rests on; for math, the problem"),
    (
        "reference",
        "the problem's reference answer as the corpus has it, which the answer was verified against; else null",
    ),
    ("quote", "the sentence that the generator said it used, where it was asked to quote"),
    (
        "provenance",
        "uri, document id and sha256, start and end in characters: passage == document[start:end]; where the document "
        "has them: its pages, chapters or lines (`place`), its licence as stated, and what made the text of its file",
    ),
    ("scores", "what each gate gave the accepted attempt, in [0, 1]; null where a gate did not judge"),
    ("unjudged", "gates that did not judge the sample, because its order was not in their share"),
    (
        "evidence",
        "claims with the quotes that back them, each at its place in the passage, or in `passage_id`'s",
    ),
    ("lineage", "order, passage, slot, attempts, pool, model, sampling, failure modes and repairs on the way"),
    ("tokens", "spent on the sample over all its attempts"),
)


_GROUNDED = """A generator writes a question and its answer from one passage. A faithfulness gate judges them against
that exact passage, a reward gate without it; both must pass."""
_SOLVED = """A generator solves the corpus's problems step by step. A verifier compares each final answer with the
problem's reference answer by computation."""
_WRITES = "A generator writes a question and its answer from one passage."
_WEAK = ", which holds accidents and no attack (docs/sandbox.md)"
_WRITES_CODE = (
    "A generator writes a question that asks for a Python function, the function, and its tests, from one passage. "
    "`messages` are question and function."
)
_SOLVES_CODE = (
    "A generator writes a Python function for each of the corpus's problems, whose tests it does not see. `messages` "
    "are problem and function; `reference` has the tests."
)
_SOLVES = "A generator solves the corpus's problems step by step."


_SIZES = (
    (10**3, "n<1K"),
    (10**4, "1K<n<10K"),
    (10**5, "10K<n<100K"),
    (10**6, "100K<n<1M"),
    (10**7, "1M<n<10M"),
    (10**8, "10M<n<100M"),
    (10**9, "100M<n<1B"),
    (10**10, "1B<n<10B"),
    (10**11, "10B<n<100B"),
    (10**12, "100B<n<1T"),
)


def how_made(manifest: Manifest, config: RunConfig | None) -> str:
    """How samples were made, and which gates judged them. The usual sets of gates have a text of their own."""
    if config is None:
        return _GROUNDED if FAITHFULNESS in manifest.models else _SOLVED
    solves = isinstance(config.task, Math)
    names = judging(config.gates)
    if set(names) == {VERIFIER} and solves:
        return _SOLVED
    if set(names) == {FAITHFULNESS, REWARD} and isinstance(config.task, GroundedAnswer):
        return _GROUNDED
    judged = f"Each must pass: {', '.join(f'`{name}`' for name in names)}." if names else "No gate was asked."
    if isinstance(config.task, CustomTask):
        return f"Made of each passage by the task `{config.task.task}`. {judged}"
    if isinstance(config.task, Prompted):
        fields = ", ".join(f"`{field.name}`" for field in config.task.all_fields)
        of = "" if config.corpus.none is not None else " of each passage"
        return f"A generator writes{of}: {fields}, as the configuration's prompt asks. {judged}"
    if isinstance(config.task, Code):
        return f"{_SOLVES_CODE if config.corpus.has_answers else _WRITES_CODE} {judged}"
    return f"{_SOLVES if solves else _WRITES} {judged}"


def model_lines(manifest: Manifest) -> str:
    """Every model with its threshold, what executes programs, and what was rejected for which reason."""
    lines = [
        f"{code_span(role)}: {code_span(model_name(model))}"
        + (f" (threshold {manifest.thresholds[role]:g})" if role in manifest.thresholds else "")
        for role, model in manifest.models.items()
    ]
    lines += [
        f"{code_span(gate)}: programs executed, kept apart by {isolation}{_WEAK if isolation == 'process' else ''}"
        for gate, isolation in manifest.isolations.items()
    ]
    modes = [f"{spoken(mode.mode)} {count(mode.attempts)}" for mode in manifest.modes]
    return bullets(lines) + (f"\n\nRejected attempts by diagnosis: {', '.join(modes)}." if modes else "")


def unjudged_lines(manifest: Manifest) -> str:
    """A line for each gate that judges a share of the orders alone."""
    return "".join(
        f"| accepted without {plain(each.gate)}, which judges a share; it would pass {percent(each.precision.value)} "
        f"of them (95%: {interval_words(each.precision.successes, each.precision.trials)}) | {count(each.unjudged)} |\n"
        for each in manifest.unjudged
    )


def backed(config: RunConfig | None) -> str:
    """What is said of samples that are made of passages; empty for those that are not."""
    has_passages = config is None or config.corpus.none is None
    return " and backed by the exact passage it came from" if has_passages else ""


def column_lines(config: RunConfig | None) -> str:
    """The columns of a run's samples, a line each."""
    return bullets([f"`{name}`: {what}" for name, what in (*_COLUMNS, *_varied(config))])


def _varied(config: RunConfig | None) -> list[tuple[str, str]]:
    """Columns that only some configurations have."""
    if config is None:
        return []
    vary = config.task.vary if isinstance(config.task, Prompted) else {}
    drawn = [("vary", f"what was drawn for the order: {', '.join(f'`{name}`' for name in vary)}")] if vary else []
    return [*drawn, *([("executions", EXECUTIONS_HOLD)] if executes(config.gates) else [])]


def size_category(rows: int) -> str:
    """The Hub's name for so many rows."""
    for limit, name in _SIZES:
        if rows < limit:
            return name
    return "n>1T"


def plain(text: str) -> str:
    """Escapes a text of a configuration or a ledger, so that it is no tag, link or markup in the card."""
    return escape(re.sub(r"([\\`*_{}\[\]()#|!~])", r"\\\1", _line(text)), quote=False)


def code_span(text: str) -> str:
    """The text as a code span, where Markdown and HTML have no meaning."""
    return f"`{_line(text).replace('`', chr(0x2019))}`"


def bullets(lines: Sequence[str]) -> str:
    """A list, an entry a line."""
    return "\n".join(f"- {line}" for line in lines)


def _line(text: str) -> str:
    return "".join(letter if letter.isprintable() else " " for letter in text)
