"""Batches of fixed shape, made while training runs.

Law: a batch depends on the random generator passed in and on how far training has come (short passages first).
"""

import random

import torch
from transformers import PreTrainedTokenizerFast

from actors.tasks import prompts
from schemas.samples import qa
from studies.almanac.claims import Claim, any_claim, any_wording
from studies.almanac.data import Packed, Packer, Told, World, turns
from studies.almanac.flaws import Sloppiness
from studies.almanac.models import Plan
from studies.almanac.phrases import ATTRIBUTES
from studies.almanac.world import Edition

SHORT_UNTIL = 0.15
"""Progress (0 to 1) until which passages are short."""
LEARNT_PER_ROW = 128
"""Room for the learnt tokens of a row, so that shapes stay fixed."""
MOST_TURNS = 12
HEADS = {"attribute": len(ATTRIBUTES), "reading": 3, "same value": 2, "same entity": 2, "in the answer": 2}
"""What a judge is taught on the way, with the number of classes: at a sentence's end (the first also at the question
mark, the last at every token of the passage)."""


def facts_at(progress: float) -> tuple[int, int]:
    """Least and most facts of the main entity at this point of training."""
    return (2, 3) if progress < SHORT_UNTIL else (5, 7)


class TurnBatches:
    """Batches of packed turns for the generators."""

    def __init__(self, edition: Edition, tokenizer: PreTrainedTokenizerFast, plan: Plan, rng: random.Random) -> None:
        self._world = World(edition, rng)
        self._packer = Packer(tokenizer, length=plan.length)
        self._plan, self._rng, self._sloppiness = plan, rng, Sloppiness()

    def _row(self, progress: float) -> Packed:
        told = self._world.told(facts_at(progress))
        said = turns(told, self._rng, count=MOST_TURNS, sloppiness=self._sloppiness)
        return self._packer.row(told.passage.text, said)

    def __call__(self, progress: float) -> tuple[torch.Tensor, ...]:
        """ids, positions, turn_of: [rows, length]; chosen, targets, weights: [rows * LEARNT_PER_ROW]."""
        plan = self._plan
        shape = (plan.rows, plan.length)
        ids, positions = torch.zeros(shape, dtype=torch.long), torch.zeros(shape, dtype=torch.long)
        turn_of = torch.full(shape, -1)
        chosen: list[int] = []
        targets: list[int] = []
        for index in range(plan.rows):
            row = self._row(progress)
            size = len(row.ids)
            ids[index, :size] = torch.tensor(row.ids)
            positions[index, :size] = torch.tensor(row.positions)
            turn_of[index, :size] = torch.tensor(row.turn_of)
            learnt = [place for place, yes in enumerate(row.learnt) if yes]
            chosen += [index * plan.length + place - 1 for place in learnt]
            targets += [row.ids[place] for place in learnt]
        room = plan.rows * LEARNT_PER_ROW
        chosen, targets = chosen[:room], targets[:room]
        weights = torch.tensor([1.0] * len(chosen) + [0.0] * (room - len(chosen)))
        spare = [0] * (room - len(chosen))
        return ids, positions, turn_of, torch.tensor(chosen + spare), torch.tensor(targets + spare), weights


class ClaimBatches:
    """Batches of labelled claims for the judges, of labelled wordings for the reward model."""

    def __init__(self, edition: Edition, tokenizer: PreTrainedTokenizerFast, plan: Plan, rng: random.Random) -> None:
        self._world, self._tokenizer, self._plan, self._rng = World(edition, rng), tokenizer, plan, rng
        ids = tokenizer.get_vocab()
        self._stop, self._mark, self._open, self._the = ids["."], ids["?"], ids["Ġ<<<"], ids["Ġthe"]

    def claim(self, told: Told, rng: random.Random) -> tuple[Claim, tuple[str, ...]]:
        """A claim, and the passages that the judge is shown with it."""
        return any_claim(told, rng, unstated_share=self._plan.unstated_share), (told.passage.text,)

    def _judged(self, progress: float) -> tuple[list[int], bool, list[list[int]]]:
        """Token ids, the verdict, and per token the hints of `HEADS` (-1: none)."""
        claim, sources = self.claim(self._world.told(facts_at(progress)), self._rng)
        ids = self._tokenizer.encode(prompts.judged_by(sources, qa(claim.question, claim.answer)))
        answer = set(self._tokenizer.encode(f" {claim.answer}")) - {self._the}
        begins, hints = ids.index(self._open) if sources else len(ids), iter(claim.hints)
        labels: list[list[int]] = []
        for place, token in enumerate(ids):
            label = [-1] * len(HEADS)
            if place > begins:
                label[-1] = int(token in answer)
            if place > begins and token == self._stop and (hint := next(hints, None)):
                label[:4] = [hint.attribute, int(hint.reading), int(hint.same_value), int(hint.same_entity)]
            elif place < begins and token == self._mark:
                label[0] = claim.asked
            labels.append(label)
        return ids, claim.faithful, labels

    def _rewarded(self, progress: float) -> tuple[list[int], bool, list[list[int]]]:
        question, answer, good = any_wording(self._world.told(facts_at(progress)), self._rng)
        ids = self._tokenizer.encode(prompts.rewarded(qa(question, answer)))
        return ids, good, [[-1] * len(HEADS)] * len(ids)

    def __call__(self, progress: float) -> tuple[torch.Tensor, ...]:
        """ids: [rows, length]; last and verdicts: [rows]; hints: [rows, length, heads]."""
        plan = self._plan
        draw = self._judged if plan.role == "judge" else self._rewarded
        ids = torch.zeros((plan.rows, plan.length), dtype=torch.long)
        hints = torch.full((plan.rows, plan.length, len(HEADS)), -1)
        last, verdicts = [], []
        for index in range(plan.rows):
            tokens, verdict, labels = draw(progress)
            ids[index, : len(tokens)] = torch.tensor(tokens)
            hints[index, : len(tokens)] = torch.tensor(labels)
            last.append(len(tokens) - 1)
            verdicts.append(int(verdict))
        return ids, torch.tensor(last), torch.tensor(verdicts), hints
