"""Exports as their readers use them: loaded with `datasets`, trained on with TRL's trainers, nothing prepared."""

import re
import warnings
from copy import deepcopy
from pathlib import Path
from typing import Any

import pytest

from actors.exports.export import export
from actors.exports.formats import FORMATS
from schemas.exports import ExportFormat, ExportRequest, FileKind, Form, SplitShare, View
from schemas.ledger import Credited, Planned, Record
from tests.actors.exports.runs import GROUNDED, MATH, Known
from tests.actors.exports.solved import AT, label_of, problem, run_of
from tests.actors.exports.test_credited import ELSEWHERE, PIT, QS, RESTARTED
from tests.actors.exports.test_export import NOW, RUN, source_of

pytestmark = pytest.mark.slow
STEPS = 12
OF_STEPS = (ExportFormat.DPO_STEPS, ExportFormat.DPO_PREFIX)


@pytest.fixture(autouse=True)
def offline(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("HF_HUB_OFFLINE", "1")


def solved_run() -> list[Record]:
    """Twelve problems, each with a credited wrong solution, its restart and another way."""
    records: list[Record] = []
    for number in range(12):
        run = run_of(problem(number), [[PIT, RESTARTED], [ELSEWHERE]])
        order = next(order for record in run if isinstance(record, Planned) for order in record.orders)
        records += [*run, Credited(AT + 9, order.id, label_of(order.id, 1, PIT, QS, 2))]
    return records


def written(output: Path, wanted: ExportRequest) -> None:
    """The export, of the run that has rows for it."""
    of_math = FORMATS[wanted.format].of == "math"
    source = source_of(solved_run(), task="math") if of_math else source_of(RUN)
    export(source, wanted, MATH if of_math else GROUNDED, output, at=NOW)


def loaded(output: Path, scratch: Path) -> Any:
    """The folder as `datasets` reads it, splits and all."""
    from datasets import load_dataset

    return load_dataset(str(output), cache_dir=str(scratch / "cache"))


@pytest.mark.parametrize("files", FileKind)
@pytest.mark.parametrize("format", ExportFormat)
def test_every_format_loads(format: ExportFormat, files: FileKind, tmp_path: Path) -> None:
    """Both kinds of files, by the folder's name alone: splits, and the columns in the types that the card names."""
    from datasets import Features

    written(
        tmp_path / "out", ExportRequest(format=format, files=files, splits=(SplitShare("test", 0.3),), rows_per_file=5)
    )
    splits = loaded(tmp_path / "out", tmp_path)
    assert set(splits) == {"train", "test"}
    columns = FORMATS[format].columns(Form.MESSAGES)
    for split in splits.values():
        assert split.num_rows and split.column_names == [column.name for column in columns]
        assert split.features == Features.from_arrow_schema(_schema(columns))


def _schema(columns: Any) -> Any:
    import pyarrow as pa

    return pa.schema([(column.name, column.type) for column in columns])


@pytest.mark.parametrize(
    ("format", "form", "view"),
    [
        (ExportFormat.SFT, Form.MESSAGES, View.ANSWER),
        (ExportFormat.SFT, Form.TEXT, View.SAMPLE),
        (ExportFormat.RFT, Form.MESSAGES, View.ANSWER),
        (ExportFormat.DPO, Form.MESSAGES, View.ANSWER),
        (ExportFormat.DPO, Form.MESSAGES, View.SAMPLE),
        (ExportFormat.DPO_STEPS, Form.MESSAGES, View.ANSWER),
        (ExportFormat.DPO_STEPS, Form.TEXT, View.ANSWER),
        (ExportFormat.DPO_PREFIX, Form.MESSAGES, View.ANSWER),
        (ExportFormat.KTO, Form.MESSAGES, View.ANSWER),
        (ExportFormat.KTO, Form.TEXT, View.ANSWER),
    ],
    ids=lambda value: value.value,
)
def test_trl_trains_on_it(format: ExportFormat, form: Form, view: View, tmp_path: Path) -> None:
    """A few steps of the format's own trainer on the loaded columns move the student to where the rows point: what was
    chosen gains on what was rejected, and of answers that are to be imitated the loss falls."""
    written(tmp_path / "out", ExportRequest(format=format, form=form, view=view))
    train = loaded(tmp_path / "out", tmp_path)["train"].shuffle(seed=0)
    known = Known.of(solved_run() if FORMATS[format].of == "math" else RUN)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # the trainers' own advice
        trainer = _trainer(format, train, tmp_path)
        if format in OF_STEPS:
            _open_ended(trainer)
        before = _margin(trainer)
        trainer.train()
    assert all(_of_right_origin(row, known) for row in train)
    assert _margin(trainer) > before + 0.05


def _of_right_origin(row: dict[str, Any], known: Known) -> bool:
    """Whether what a trainer pulls up is text of an accepted attempt, and what it pushes down of another one."""

    def holds(side: Any, origin: dict[str, Any], accepted: bool) -> bool:
        key = (origin["order_id"], origin["attempt"])
        candidate = known.attempts[key].candidate
        text = side if isinstance(side, str) else side[-1]["content"]
        assert candidate is not None
        return (key in known.accepted) is accepted and text.strip() in candidate.text

    if "chosen" in row:
        good = holds(row["chosen"], row["chosen_origin"], accepted=True)
        return good and holds(row["rejected"], row["rejected_origin"], accepted=False)
    if "label" in row:
        return holds(row["completion"], row["origin"], accepted=row["label"])
    return holds(row["completion"] if "completion" in row else row["messages"], row["origin"], accepted=True)


def _margin(trainer: Any) -> float:
    """By how much the student finds what it should learn likelier than what it should not, in nats a row; of rows
    without a bad side, how likely it finds them."""
    total = 0.0
    rows = trainer.train_dataset
    for row in rows:
        if "label" in row:
            side = _likelihood(trainer.model, row["prompt_ids"], row["completion_ids"])
            total += side if row["label"] else -side
        elif "chosen_ids" in row:
            total += _likelihood(trainer.model, row["prompt_ids"], row["chosen_ids"])
            total -= _likelihood(trainer.model, row["prompt_ids"], row["rejected_ids"])
        else:
            learnt_from = next(at for at, label in enumerate(row["labels"]) if label >= 0)
            total += _likelihood(trainer.model, row["input_ids"][:learnt_from], row["input_ids"][learnt_from:])
    return total / len(rows)


def _likelihood(model: Any, prompt: list[int], completion: list[int]) -> float:
    """Log-likelihood of the completion's tokens behind the prompt's."""
    import torch

    with torch.no_grad():
        logs = model(torch.tensor([[*prompt, *completion]])).logits[0].log_softmax(-1)
    at = torch.arange(len(prompt) - 1, len(prompt) + len(completion) - 1)
    return float(logs[at, torch.tensor(completion)].sum())


def _trainer(format: ExportFormat, train: Any, scratch: Path) -> Any:
    from trl.trainer import dpo_config, dpo_trainer, kto_config, kto_trainer, sft_config, sft_trainer

    from tests.actors.dataset.student import model_for, tokenizer_of

    name = FORMATS[format].trainer
    make, configure, more = {
        "SFTTrainer": (sft_trainer.SFTTrainer, sft_config.SFTConfig, {"assistant_only_loss": "messages" in train[0]}),
        "DPOTrainer": (dpo_trainer.DPOTrainer, dpo_config.DPOConfig, {}),
        "KTOTrainer": (kto_trainer.KTOTrainer, kto_config.KTOConfig, {}),
    }[str(name)]
    settings = configure(
        output_dir=str(scratch / "student"),
        max_steps=STEPS,
        learning_rate=1e-2,
        lr_scheduler_type="constant",
        seed=0,
        per_device_train_batch_size=4,
        report_to=[],
        use_cpu=True,
        save_strategy="no",
        logging_strategy="no",
        disable_tqdm=True,
        bf16=False,
        **more,
    )
    words = (re.findall(r"\w+|[^\w\s]+", str(row).replace("\\n", " ")) for row in train.select(range(12)))
    tokenizer = tokenizer_of(" ".join(word for row in words for word in row))
    model = model_for(tokenizer)
    reference = {} if name == "SFTTrainer" else {"ref_model": deepcopy(model)}
    return make(model, args=settings, train_dataset=train, processing_class=tokenizer, **reference)


def _open_ended(trainer: Any) -> None:
    """As documented: no end of turn behind what is not the end of its solution."""
    end = trainer.processing_class.eos_token_id

    def open_ended(row: dict[str, Any]) -> dict[str, Any]:
        cut = {side: row[f"{side}_ids"] for side in ("chosen", "rejected")}
        return {
            f"{side}_ids": ids if row[f"{side}_ends"] else ids[: len(ids) - 1 - ids[::-1].index(end)]
            for side, ids in cut.items()
        }

    before = trainer.train_dataset[0]
    trainer.train_dataset = trainer.train_dataset.map(open_ended)
    after = trainer.train_dataset[0]
    assert before["rejected_ids"] == [*after["rejected_ids"], end]
    assert end not in after["rejected_ids"]
    assert before["prompt_ids"] == after["prompt_ids"]


def test_the_prefix_cancels_in_messages(tmp_path: Path) -> None:
    """`dpo_steps` in messages is the pair from the same prefix: both sides are the same tokens up to the pit, so that
    their log-probabilities, and their gradients, leave DPO's loss together."""
    written(tmp_path / "out", ExportRequest(format=ExportFormat.DPO_STEPS))
    train = loaded(tmp_path / "out", tmp_path)["train"]
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        trainer = _trainer(ExportFormat.DPO_STEPS, train, tmp_path)
    tokenizer = trainer.processing_class
    for row in trainer.train_dataset:
        shared = tokenizer(row["prefix"])["input_ids"]
        for side in ("chosen_ids", "rejected_ids"):
            assert row[side][1 : 1 + len(shared)] == shared  # behind the assistant's mark
        assert row["chosen_ids"][1 + len(shared) :] != row["rejected_ids"][1 + len(shared) :]
