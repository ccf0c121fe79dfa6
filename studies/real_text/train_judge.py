"""Trains the judge of real text on spoilt samples alone.

    python -m studies.real_text.models .models
    python -m studies.real_text.train_judge --models .models --output runs/judge

One thread, about ten minutes of a core that does nothing else; the same command goes on after the last finished part.
In `--output`: the rows, what each reading of the development rows gave (`development.jsonl`), and in the end the best
reading's `adapters.safetensors` and `trained.json`. The plan stands in docs/studies/real-text.md.
"""

import argparse
import random
import time
from collections.abc import Iterator, Mapping, Sequence
from hashlib import sha256
from pathlib import Path
from typing import Any

import msgspec
import numpy as np
import torch
from msgspec import Struct
from safetensors.torch import load_file, save_file
from torch.nn.functional import binary_cross_entropy_with_logits
from transformers import AutoTokenizer

from studies.real_text.development import PARTS, Developed, Pair, developed, pairs_of
from studies.real_text.judge_model import LONGEST, adapted, put, trained
from studies.real_text.prose import texts
from studies.real_text.results_file import write_json
from studies.real_text.spoilt import Four, SpoiltRow, fours

OF_EACH = {"train": 500, "countries": 18, "others": 20}
"""So many fours of each flaw."""
FOURS = 8
"""In a step: 32 rows."""
LONGEST_TRAINED = 128
"""Tokens; what is longer takes too long to train on."""
BUCKET = 16
"""Steps whose fours are of like length are drawn together."""
RATES = ((0, 0.0), (16, 1.5e-3), (70, 1.2336e-3), (180, 0.0))
"""The learning rate at these steps, and in a straight line between them; the last is the last step."""
PART_STEPS = 10
"""After so many steps all is saved."""
READ_STEPS = 90
"""After so many steps, and at the end, the development rows are read."""


class Trained(Struct, frozen=True):
    """What was trained, and on what."""

    seed: int
    steps: int
    rows: int
    rows_sha256: str
    chosen: Developed
    cpu_minutes: float


class State(Struct, frozen=True):
    """Where a training stands."""

    step: int
    cpu_s: float


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--models", type=Path, required=True, help="made by python -m studies.real_text.models")
    parser.add_argument("--output", type=Path, required=True, help="a rerun goes on there")
    parser.add_argument("--seed", type=int, default=0)
    given = parser.parse_args()
    torch.set_num_threads(1)
    made = rows_of(given.output, given.seed)
    training = Training(given.models / "minilm", given.output, made, given.seed)
    print(training.run())


def rows_of(folder: Path, seed: int) -> dict[str, list[Four]]:
    """The fours of each part of the texts, made once and kept."""
    found: dict[str, list[Four]] = {}
    for part, of_each in OF_EACH.items():
        file = folder / f"{part}.jsonl"
        if not file.is_file():
            drawn = fours([text for text in texts(folder) if text.part == part], of_each=of_each, seed=seed)
            file.write_bytes(b"".join(msgspec.json.encode(each) + b"\n" for each in drawn))
        found[part] = [msgspec.json.decode(line, type=Four) for line in file.read_bytes().splitlines()]
    return found


class Training:
    """One training of the judge, in parts."""

    def __init__(self, minilm: Path, output: Path, made: Mapping[str, Sequence[Four]], seed: int) -> None:
        torch.manual_seed(seed)
        self._output, self._seed = output, seed
        self._tokenizer: Any = AutoTokenizer.from_pretrained(minilm, trust_remote_code=False)
        self._model = adapted(minilm)
        self._development = {part: [row for four in made[part] for row in four.rows()] for part in PARTS}
        self._fours = [four for four in made["train"] if self._length(four) <= LONGEST_TRAINED]
        weights = [each for each in self._model.parameters() if each.requires_grad]
        self._optimizer = torch.optim.AdamW(weights, lr=RATES[1][1], weight_decay=0.01)

    def run(self) -> Trained:
        """All parts that are not done; then the best part's weights, and what was chosen."""
        batches = list(self._batches())
        total = min(RATES[-1][0], len(batches))
        state = self._resumed()
        while state.step < total:
            began = time.process_time()
            for step in range(state.step, end := min(total, state.step + PART_STEPS)):
                self._step(batches[step], step)
            if end % READ_STEPS == 0 or end == total:
                self._read_development(end)
            state = State(end, state.cpu_s + time.process_time() - began)
            self._save(state)
            print(f"step {end} of {total}, {state.cpu_s:.0f} s of one core", flush=True)
        return self._chosen(total, state)

    def _step(self, batch: Sequence[Four], step: int) -> None:
        rows = [row for four in batch for row in four.rows()]
        rate = float(np.interp(step, [at for at, _ in RATES], [rate for _, rate in RATES]))
        for group in self._optimizer.param_groups:
            group["lr"] = rate
        self._model.train()
        logits = self._logits([(row.passage, row.hypothesis) for row in rows])
        wanted = torch.tensor([float(row.supported) for row in rows])
        binary_cross_entropy_with_logits(logits, wanted).backward()
        torch.nn.utils.clip_grad_norm_(self._model.parameters(), 1.0)
        self._optimizer.step()
        self._optimizer.zero_grad()

    def _logits(self, pairs: Sequence[Pair]) -> torch.Tensor:
        read = self._tokenizer(
            *map(list, zip(*pairs, strict=True)), padding=True, truncation="only_first", max_length=LONGEST,
            return_tensors="pt",
        )  # fmt: skip
        with torch.autocast("cpu", dtype=torch.bfloat16):
            return self._model(**read).logits[:, 0].float()

    def _read_development(self, step: int) -> None:
        """Keeps the weights of this step, and what they are worth."""
        weights = {name: weight.half().contiguous() for name, weight in trained(self._model).items()}
        save_file(weights, self._output / f"adapters-{step}.safetensors")
        found = self._developed(step)
        with (self._output / "development.jsonl").open("ab") as out:
            out.write(msgspec.json.encode(found) + b"\n")
        print(f"step {step}: {found.best:.4f} {found.reads} {found}", flush=True)

    def _developed(self, step: int) -> Developed:
        pairs = {pair for rows in self._development.values() for row in rows for pair in pairs_of(row)}
        ordered = sorted(pairs, key=lambda pair: len(pair[0]) + len(pair[1]))
        scores: dict[Pair, float] = {}
        self._model.eval()
        with torch.no_grad():
            for start in range(0, len(ordered), 64):
                batch = ordered[start : start + 64]
                scores.update(zip(batch, self._logits(batch).tolist(), strict=True))
        return developed(step, self._development, scores)

    def _batches(self) -> Iterator[Sequence[Four]]:
        """Every four once: those of like length together, in an order that the seed draws."""
        rng = random.Random(self._seed)
        drawn = rng.sample(self._fours, len(self._fours))
        for start in range(0, len(drawn) - FOURS * BUCKET + 1, FOURS * BUCKET):
            bucket = sorted(drawn[start : start + FOURS * BUCKET], key=lambda four: len(four.passages[0]))
            cut = [bucket[place : place + FOURS] for place in range(0, len(bucket), FOURS)]
            yield from rng.sample(cut, len(cut))

    def _length(self, four: Four) -> int:
        return max(len(self._tokenizer(row.passage, row.hypothesis)["input_ids"]) for row in four.rows())

    def _resumed(self) -> State:
        file = self._output / "state.pt"
        if not file.is_file():
            return State(0, 0.0)
        saved = torch.load(file, weights_only=True)
        put(self._model, saved["weights"])
        self._optimizer.load_state_dict(saved["optimizer"])
        torch.set_rng_state(saved["random"])
        return State(saved["step"], saved["cpu_s"])

    def _save(self, state: State) -> None:
        saved = {
            "step": state.step, "cpu_s": state.cpu_s, "weights": trained(self._model),
            "optimizer": self._optimizer.state_dict(), "random": torch.get_rng_state(),
        }  # fmt: skip
        torch.save(saved, self._output / "state.part")
        (self._output / "state.part").rename(self._output / "state.pt")

    def _chosen(self, total: int, state: State) -> Trained:
        lines = (self._output / "development.jsonl").read_bytes().splitlines()
        best = max((msgspec.json.decode(line, type=Developed) for line in lines), key=lambda each: each.best)
        save_file(load_file(self._output / f"adapters-{best.step}.safetensors"), self._output / "adapters.safetensors")
        digest = sha256((self._output / "train.jsonl").read_bytes()).hexdigest()
        found = Trained(self._seed, total, total * FOURS * 4, digest, best, round(state.cpu_s / 60, 1))
        write_json(self._output / "trained.json", found)
        return found


def rows(made: Sequence[Four]) -> list[SpoiltRow]:
    """All rows of some fours."""
    return [row for four in made for row in four.rows()]


if __name__ == "__main__":
    main()
