"""All formats: the columns and rows of each, and the trainer that it is for."""

from collections.abc import Callable

from msgspec import Struct

from actors.exports.columns import Column
from actors.exports.families import Family
from actors.exports.hard_negatives import hard_negative_columns, hard_negatives
from actors.exports.pits import dpo_prefix, dpo_prefix_columns, dpo_steps, dpo_steps_columns
from actors.exports.preferences import MATH, Rows, dpo, dpo_columns, kto, kto_columns, sft, sft_columns
from actors.exports.ranked import dpo_ranked, dpo_ranked_columns
from actors.exports.solutions import rft
from actors.exports.stepwise import advantages, advantages_columns, stepwise, stepwise_columns
from actors.exports.wording import ExportWording
from schemas.errors import UserError
from schemas.exports import ExportFormat, ExportRequest, Form, View


class FormatSpec(Struct, frozen=True):
    """How one format is made. `of`: the task that it needs, None for any. `trainer`: TRL's, None when it has none."""

    columns: Callable[[Form], tuple[Column, ...]]
    rows: Callable[[Family, ExportRequest, ExportWording], Rows]
    says: str
    trainer: str | None = None
    of: str | None = None
    forms: tuple[Form, ...] = (Form.MESSAGES, Form.TEXT)
    views: tuple[View, ...] = (View.ANSWER, View.SAMPLE)


FORMATS: dict[ExportFormat, FormatSpec] = {
    ExportFormat.SFT: FormatSpec(
        sft_columns, sft, "Accepted samples; for math, the problem file's worked solutions.", trainer="SFTTrainer"
    ),
    ExportFormat.DPO: FormatSpec(
        dpo_columns, dpo, "The accepted attempt of an order over each of its rejected ones.", trainer="DPOTrainer"
    ),
    ExportFormat.DPO_RANKED: FormatSpec(
        dpo_ranked_columns,
        dpo_ranked,
        "Of several answers to one prompt, the best by the gates over each that is worse.",
        trainer="DPOTrainer",
    ),
    ExportFormat.KTO: FormatSpec(
        kto_columns, kto, "Accepted and rejected attempts, one by one, with their label.", trainer="KTOTrainer"
    ),
    ExportFormat.HARD_NEGATIVES: FormatSpec(
        hard_negative_columns,
        hard_negatives,
        "Every rejected attempt: what was rejected, why, by which gate with which score.",
        forms=(Form.MESSAGES,),
        views=(View.ANSWER,),
    ),
    ExportFormat.RFT: FormatSpec(
        sft_columns,
        rft,
        "Verified solutions that the run's own generators wrote, of each problem few that differ.",
        trainer="SFTTrainer",
        of=MATH,
    ),
    ExportFormat.DPO_STEPS: FormatSpec(
        dpo_steps_columns,
        dpo_steps,
        "From the same prefix: the next step of a verified solution over the first pit of a wrong one.",
        trainer="DPOTrainer",
        of=MATH,
        views=(View.ANSWER,),
    ),
    ExportFormat.DPO_PREFIX: FormatSpec(
        dpo_prefix_columns,
        dpo_prefix,
        "A verified solution over a wrong one cut off after its first pit.",
        trainer="DPOTrainer",
        of=MATH,
        views=(View.ANSWER,),
    ),
    ExportFormat.STEPWISE: FormatSpec(
        stepwise_columns,
        stepwise,
        "Solutions step by step: hard labels, and what rollouts say each step is worth.",
        of=MATH,
        forms=(Form.MESSAGES,),
        views=(View.ANSWER,),
    ),
    ExportFormat.ADVANTAGES: FormatSpec(
        advantages_columns,
        advantages,
        "Wrong solutions with a weight for each step: its advantage.",
        of=MATH,
        views=(View.ANSWER,),
    ),
}


def format_of(asked: ExportRequest, task: str) -> FormatSpec:
    """The requested format. Raises UserError when the run's task or the options do not fit it."""
    format = FORMATS[asked.format]
    name = asked.format.value
    if format.of not in (None, task):
        fitting = ", ".join(each.value for each, other in FORMATS.items() if other.of in (None, task))
        raise UserError(f"--format {name}: is for the task {format.of}, and this run's is {task}; try {fitting}")
    if asked.form not in format.forms:
        raise UserError(f"--form {asked.form.value}: {name} has no such form")
    if asked.view not in format.views:
        raise UserError(f"--view {asked.view.value}: {name} has no such view")
    return format
