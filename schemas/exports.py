"""Exports: a run's ledger as training signal. What is asked for, and what export.json says of what was written."""

from enum import Enum

from msgspec import Struct


class ExportFormat(Enum):
    """What a row teaches."""

    SFT = "sft"
    """Accepted samples; for math, worked solutions of the problem file (a teacher's positives)."""
    DPO = "dpo"
    """The accepted attempt of an order over each of its rejected ones."""
    KTO = "kto"
    """Accepted and rejected attempts, one by one."""
    HARD_NEGATIVES = "hard_negatives"
    """Every rejected attempt: what was rejected, why, by which gate with which score."""
    RFT = "rft"
    """Verified solutions of the run's own generators, different ones of each problem."""
    DPO_STEPS = "dpo_steps"
    """From the same prefix: a step that leads to the answer over the first pit."""
    DPO_PREFIX = "dpo_prefix"
    """A verified solution over the prefix that ends in the first pit."""
    STEPWISE = "stepwise"
    """Solutions step by step, each labelled and valued."""
    ADVANTAGES = "advantages"
    """Solutions with a weight for each step."""


class View(Enum):
    """Who is trained."""

    ANSWER = "answer"
    """A student: passage and question in, answer out (for math: problem in, solution out)."""
    SAMPLE = "sample"
    """A generator: what it was asked at first in, question and answer out."""


class Form(Enum):
    """How prompts and completions are written."""

    MESSAGES = "messages"
    """As chat messages: TRL's conversational form."""
    TEXT = "text"
    """As plain text: TRL's standard form."""


class FileKind(Enum):
    """How rows lie on the disk."""

    PARQUET = "parquet"
    JSONL = "jsonl"


class LeftOut(Enum):
    """Why an order or an attempt has no row."""

    MEASURED = "measured"
    """The order only measures: nothing of it is ever exported."""
    OUTSTANDING = "outstanding"
    """The order has no end yet."""
    NO_TEXT = "no_text"
    """No generator answered."""
    NOT_JUDGED = "not_judged"
    """A gate errored: neither passed nor rejected."""
    JUDGED_OTHERWISE = "judged_otherwise"
    """Rejected by gates that were changed since; today's might pass it."""
    UNDER_RAISED_BAR = "under_raised_bar"
    """Rejected by a repair's raised bar alone: at a first attempt it would have passed."""
    DUPLICATE = "duplicate"
    """Rejected only because another sample asks the same: its text is good."""
    MALFORMED = "malformed"
    """There is no answer to show in this view."""
    OTHER_FAULT = "other_fault"
    """Not the answer is at fault but its question, or a quote that it does not show."""
    OTHER_QUESTION = "other_question"
    """The accepted attempt asks something else: there is no common prompt in this view."""
    OTHER_REQUEST = "other_request"
    """It was asked for in another form than a first attempt, and cannot be written in that."""
    SAME_TEXT = "same_text"
    """What was rejected and what was accepted are the same words."""
    REPEATED = "repeated"
    """The same words for the same prompt have a row already."""
    NOT_ACCEPTED = "not_accepted"
    """The order ended without a sample, and this format needs one."""
    NOT_REJECTED = "not_rejected"
    """Accepted at the first attempt: there is nothing to set it against."""
    NO_WORKED_SOLUTION = "no_worked_solution"
    """The problem file gives an answer without its steps."""
    LIKE_OTHERS = "like_others"
    """The problem has enough solutions that differ more."""
    NO_RIGHT_SOLUTION = "no_right_solution"
    """Nobody solved the problem."""
    NOT_CREDITED = "not_credited"
    """Its steps have no values."""
    NO_PIT = "no_pit"
    """No first pit was decided."""
    PIT_IN_DOUBT = "pit_in_doubt"
    """A verified solution takes the very step that was found to be the first pit."""
    NO_GOOD_STEP = "no_good_step"
    """No verified solution goes on from the prefix before the pit."""


class SplitShare(Struct, frozen=True):
    """A split beside `train` and its share of the documents, in (0, 1)."""

    name: str
    share: float


class ExportRequest(Struct, frozen=True, kw_only=True):
    """What an export is of a ledger: equal ledgers and equal requests give equal bytes."""

    format: ExportFormat
    view: View = View.ANSWER
    form: Form = Form.MESSAGES
    files: FileKind = FileKind.PARQUET
    splits: tuple[SplitShare, ...] = ()
    seed: int = 0
    """Of the splits, and of choices among equals."""
    per_problem: int = 4
    """At most so many solutions of a problem (`rft`), or good steps for one pit (`dpo_steps`)."""
    critical: float | None = None
    """In `dpo_steps` also every step before the first pit that loses so much: its advantage is at most minus this, in
    (0, 1]. None: the first pit alone."""
    rows_per_file: int = 20_000


class ExportFile(Struct, frozen=True):
    """A file of rows; `name` is relative to the export's folder."""

    name: str
    split: str
    rows: int
    sha256: str


class SplitCount(Struct, frozen=True):
    """A split as it came out."""

    name: str
    rows: int
    passages: int
    """With at least one row."""


class NameCount(Struct, frozen=True):
    """How many of what."""

    name: str
    count: int


class LedgerRead(Struct, frozen=True):
    """Which ledger was read, and how far."""

    name: str
    config_sha256: str
    """Of the run's last start."""
    last_seq: int
    versions: dict[str, str]


class Export(Struct, frozen=True, kw_only=True):
    """export.json. Everything but `at` follows from the ledger and `asked`. Times are seconds since the epoch."""

    format_version: int = 1
    name: str
    """The run's."""
    at: float
    asked: ExportRequest
    ledgers: tuple[LedgerRead, ...]
    models: dict[str, str]
    """Pools by name, with the model of each as configured last."""
    rows: int
    splits: tuple[SplitCount, ...]
    files: tuple[ExportFile, ...]
    failure_modes: tuple[NameCount, ...]
    """Of the rejected attempts that have a row."""
    left_out: tuple[NameCount, ...]
    """Orders and attempts without a row, by reason (`LeftOut`)."""
