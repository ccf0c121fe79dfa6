"""Exports: a run's ledger as training data. The request for an export, and the content of export.json."""

from enum import Enum

from msgspec import Struct


class ExportFormat(Enum):
    """The format of an export: what a row teaches."""

    SFT = "sft"
    """Accepted samples; for math, worked solutions of the problem file (a teacher's positives)."""
    DPO = "dpo"
    """The accepted attempt of an order over each of its rejected ones."""
    KTO = "kto"
    """Accepted and rejected attempts, one by one."""
    HARD_NEGATIVES = "hard_negatives"
    """Every rejected attempt, with the reason, the gates and their scores."""
    RFT = "rft"
    """Verified solutions by the run's own generators, several different ones for each problem."""
    DPO_RANKED = "dpo_ranked"
    """Of several answers to one prompt, the best by the gates over each that is worse."""
    DPO_STEPS = "dpo_steps"
    """From the same prefix: a step that leads to the answer over the first pit."""
    DPO_PREFIX = "dpo_prefix"
    """A verified solution over the prefix that ends in the first pit."""
    STEPWISE = "stepwise"
    """Solutions step by step, each labelled and valued."""
    ADVANTAGES = "advantages"
    """Solutions with a weight for each step."""


class View(Enum):
    """The model that is trained."""

    ANSWER = "answer"
    """A student: passage and question in, answer out (for math: problem in, solution out)."""
    SAMPLE = "sample"
    """A generator: the prompt of a first attempt in, question and answer out."""


class Form(Enum):
    """How prompts and completions are written."""

    MESSAGES = "messages"
    """As chat messages: TRL's conversational form."""
    TEXT = "text"
    """As plain text: TRL's standard form."""


class FileKind(Enum):
    """The file format of rows."""

    PARQUET = "parquet"
    JSONL = "jsonl"


class LeftOut(Enum):
    """Why an order or an attempt has no row."""

    MEASURED = "measured"
    """The order is a measurement: nothing of it is ever exported."""
    OUTSTANDING = "outstanding"
    """The order has no end yet."""
    NO_TEXT = "no_text"
    """No generator answered."""
    NOT_JUDGED = "not_judged"
    """A gate errored: the attempt neither passed nor was rejected."""
    JUDGED_OTHERWISE = "judged_otherwise"
    """Rejected by gates that have changed since; today's gates might pass it."""
    UNDER_RAISED_BAR = "under_raised_bar"
    """Rejected only by a repair's raised threshold: as a first attempt it would have passed."""
    DUPLICATE = "duplicate"
    """Rejected only as a near-duplicate of another sample: its text is good."""
    MALFORMED = "malformed"
    """There is no answer to show in this view."""
    OTHER_FAULT = "other_fault"
    """The fault is not in the answer but in the question, or in a quote that this view does not show."""
    OTHER_QUESTION = "other_question"
    """The accepted attempt asks something else: there is no common prompt in this view."""
    OTHER_REQUEST = "other_request"
    """It was asked for in another form than a first attempt, and cannot be written in that form."""
    SAME_TEXT = "same_text"
    """The rejected and the accepted attempt have the same text."""
    REPEATED = "repeated"
    """The same text for the same prompt has a row already."""
    NOT_ACCEPTED = "not_accepted"
    """The order ended without a sample, and this format needs one."""
    NOT_REJECTED = "not_rejected"
    """Accepted at the first attempt: there is no rejected attempt to compare it with."""
    NOT_RANKED = "not_ranked"
    """No accepted answer to its prompt is better by the gates and worse by none, nor is it better than another."""
    NO_WORKED_SOLUTION = "no_worked_solution"
    """The problem file gives an answer without its steps."""
    LIKE_OTHERS = "like_others"
    """The problem has enough other solutions, which differ more."""
    NO_RIGHT_SOLUTION = "no_right_solution"
    """No attempt solved the problem."""
    NOT_CREDITED = "not_credited"
    """Its steps have no values."""
    NO_PIT = "no_pit"
    """No first pit was decided."""
    PIT_IN_DOUBT = "pit_in_doubt"
    """A verified solution takes the very step that was found to be the first pit."""
    NO_GOOD_STEP = "no_good_step"
    """No verified solution continues the prefix before the pit."""


class SplitShare(Struct, frozen=True):
    """A split beside `train` and its share of the documents, in (0, 1)."""

    name: str
    share: float


class ExportRequest(Struct, frozen=True, kw_only=True):
    """The request for an export: equal ledgers and equal requests give equal bytes."""

    format: ExportFormat
    view: View = View.ANSWER
    form: Form = Form.MESSAGES
    files: FileKind = FileKind.PARQUET
    splits: tuple[SplitShare, ...] = ()
    seed: int = 0
    """Seed of the splits, and of choices among equals."""
    per_problem: int = 4
    """The most solutions of a problem (`rft`), or good steps for one pit (`dpo_steps`)."""
    critical: float | None = None
    """In (0, 1]: `dpo_steps` also takes every step before the first pit whose advantage is at most minus this. None:
    the first pit alone."""
    rows_per_file: int = 20_000


class ExportFile(Struct, frozen=True):
    """A file of rows; `name` is relative to the export's folder."""

    name: str
    split: str
    rows: int
    sha256: str


class SplitCount(Struct, frozen=True):
    """A split, with its rows and passages counted."""

    name: str
    rows: int
    passages: int
    """Passages with at least one row."""


class NameCount(Struct, frozen=True):
    """A name with its count."""

    name: str
    count: int


class LedgerRead(Struct, frozen=True):
    """The ledger that was read, and its last record that was read."""

    name: str
    config_sha256: str
    """The configuration of the run's last start."""
    last_seq: int
    versions: dict[str, str]


class Export(Struct, frozen=True, kw_only=True):
    """export.json. Everything but `at` follows from the ledger and `asked`. Times are seconds since the epoch."""

    format_version: int = 1
    name: str
    """The run's name."""
    at: float
    asked: ExportRequest
    ledgers: tuple[LedgerRead, ...]
    models: dict[str, str]
    """Pools by name, each with the model that was configured last."""
    rows: int
    splits: tuple[SplitCount, ...]
    files: tuple[ExportFile, ...]
    failure_modes: tuple[NameCount, ...]
    """Failure modes of the rejected attempts that have a row."""
    left_out: tuple[NameCount, ...]
    """Orders and attempts without a row, by reason (`LeftOut`)."""
