"""Texts as padded rows of token ids. Law: only completions are learnt, their end mark included."""

from collections.abc import Sequence
from dataclasses import dataclass
from itertools import pairwise

import torch
from transformers import PreTrainedTokenizerFast

from studies.tokenizer import ASSISTANT, END, PAD, USER


@dataclass(frozen=True)
class Row:
    """Token ids of a prompt and what follows it. `weights`: one for each token of the completion."""

    prompt: tuple[int, ...]
    completion: tuple[int, ...]
    weights: tuple[float, ...] = ()


class Words:
    """The tokenizer, with what sampling and training ask of it."""

    def __init__(self, tokenizer: PreTrainedTokenizerFast) -> None:
        ids = tokenizer.get_vocab()
        self.tokenizer = tokenizer
        self.pad, self.end, self.newline = ids[PAD], ids[END], ids["Ċ"]
        self._user, self._assistant = ids[USER], ids[ASSISTANT]

    def ids(self, text: str) -> tuple[int, ...]:
        """The ids of a plain text."""
        return tuple(self.tokenizer.encode(text, add_special_tokens=False))

    def asked(self, question: str) -> tuple[int, ...]:
        """The ids of a question as the chat template puts it, ready to be answered."""
        return (self._user, *self.ids(question), self.end, self._assistant)

    def text(self, ids: Sequence[int]) -> str:
        """The text of a completion, without what marks its end."""
        return str(self.tokenizer.decode([token for token in ids if token not in (self.end, self.pad)]))

    def row(self, question: str, solution: str) -> Row:
        """A question with its whole solution."""
        return Row(self.asked(question), (*self.ids(solution), self.end))


def padded(rows: Sequence[Row], pad: int) -> tuple[torch.Tensor, torch.Tensor]:
    """Ids [rows, length] and the weight of each next token [rows, length - 1] (0 outside completions)."""
    length = max(len(row.prompt) + len(row.completion) for row in rows)
    ids = torch.full((len(rows), length), pad)
    weights = torch.zeros(len(rows), length - 1)
    for index, row in enumerate(rows):
        start, size = len(row.prompt), len(row.completion)
        ids[index, : start + size] = torch.tensor((*row.prompt, *row.completion))
        weights[index, start - 1 : start + size - 1] = torch.tensor(row.weights) if row.weights else 1.0
    return ids, weights


def step_ends(ids: Sequence[int], newline: int) -> list[int]:
    """Where each line of a completion ends, the last one too: offsets in tokens."""
    ends = [place + 1 for place, token in enumerate(ids) if token == newline]
    return [*ends, len(ids)] if not ends or ends[-1] != len(ids) else ends


def step_spans(ids: Sequence[int], newline: int) -> list[tuple[int, int]]:
    """Start and end of each line of a completion, in tokens."""
    return list(pairwise([0, *step_ends(ids, newline)]))
