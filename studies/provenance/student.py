"""What the data of an arm is worth: a small model learns it from scratch and is examined on questions it never saw.

The exam is closed: the student gets no passage. It learns what the samples say, so wrong answers teach it wrong facts
and missing ones teach it nothing. Law: the exam asks for facts of the passages in wordings that no sample uses for
that fact; the same exam for every arm; nothing but the world marks it.
"""

import random
from collections.abc import Sequence
from dataclasses import dataclass

import torch
from torch.nn import functional
from transformers import LlamaConfig, LlamaForCausalLM, PreTrainedTokenizerFast

from studies.almanac import tokenizer as almanac_tokenizer
from studies.almanac.tokenizer import ASSISTANT, END, USER
from studies.almanac.truth import facts_of
from studies.almanac.world import Fact

WIDTH, LAYERS = 96, 2
ROWS = 32
RATE = 2e-3
LONGEST = 12
"""Tokens of an answer."""


@dataclass(frozen=True)
class Question:
    """One question of the exam, with the passage it is about and the answer that passage states."""

    passage: int
    text: str
    answer: str


Lesson = tuple[str, str]
"""A question and its answer, as a sample gives them."""


def exam(passages: Sequence[str], asked: frozenset[str]) -> list[Question]:
    """One question for each fact that only one passage tells of, in its first wording that is in no sample."""
    told: dict[tuple[object, str], list[tuple[int, Fact]]] = {}
    for number, passage in enumerate(passages):
        for fact in facts_of(passage):
            told.setdefault((fact.entity, fact.attribute.key), []).append((number, fact))
    questions: list[Question] = []
    for places in told.values():
        if len(places) > 1:
            continue
        number, fact = places[0]
        wordings = (wording.format(n=fact.entity.name) for wording in fact.attribute.questions)
        fresh = next((wording for wording in wordings if wording not in asked), None)
        if fresh is not None:
            questions.append(Question(number, fresh, fact.value))
    return questions


class Student:
    """A decoder of the almanac's words, from random weights."""

    def __init__(self, *, seed: int) -> None:
        torch.manual_seed(seed)
        self._seed = seed
        self._tokenizer: PreTrainedTokenizerFast = almanac_tokenizer.build()
        ids = self._tokenizer.get_vocab()
        self._pad, self._end = ids["<|pad|>"], ids[END]
        self._model = LlamaForCausalLM(
            LlamaConfig(
                vocab_size=-(-len(self._tokenizer) // 64) * 64,
                hidden_size=WIDTH,
                intermediate_size=3 * WIDTH,
                num_hidden_layers=LAYERS,
                num_attention_heads=WIDTH // 32,
                num_key_value_heads=WIDTH // 32,
                max_position_embeddings=128,
                tie_word_embeddings=True,
            )
        )

    def learn(self, lessons: Sequence[Lesson], *, epochs: int) -> None:
        """Several times through all lessons, in a new order each time; the loss is on the answers."""
        coded = [self._coded(lesson) for lesson in lessons]
        rng, steps = random.Random(self._seed), epochs * -(-len(coded) // ROWS)
        tool = torch.optim.AdamW(self._model.parameters(), lr=RATE, weight_decay=0.01)
        schedule = torch.optim.lr_scheduler.OneCycleLR(tool, RATE, total_steps=max(steps, 2), pct_start=0.1)
        self._model.train()
        for _ in range(epochs):
            rng.shuffle(coded)
            for start in range(0, len(coded), ROWS):
                ids, targets = self._batch(coded[start : start + ROWS])
                logits = self._model(input_ids=ids).logits
                loss = functional.cross_entropy(
                    logits[:, :-1].flatten(0, 1).float(), targets[:, 1:].flatten(), ignore_index=-100
                )
                loss.backward()
                torch.nn.utils.clip_grad_norm_(self._model.parameters(), 1.0)
                tool.step()
                schedule.step()
                tool.zero_grad(set_to_none=True)

    @torch.inference_mode()
    def answers(self, questions: Sequence[str]) -> list[str]:
        """The likeliest answer to each question, word by word."""
        self._model.eval()
        given: list[str] = [""] * len(questions)
        prompts = [self._prompt(question) for question in questions]
        by_length: dict[int, list[int]] = {}
        for place, prompt in enumerate(prompts):
            by_length.setdefault(len(prompt), []).append(place)
        for places in by_length.values():
            ids = torch.tensor([prompts[place] for place in places])
            start = ids.shape[1]
            for _ in range(LONGEST):
                ids = torch.cat([ids, self._model(input_ids=ids).logits[:, -1:].argmax(-1)], dim=1)
            for place, row in zip(places, ids[:, start:].tolist(), strict=True):
                written = row[: row.index(self._end)] if self._end in row else row
                given[place] = str(self._tokenizer.decode(written)).strip()
        return given

    def _prompt(self, question: str) -> list[int]:
        return self._tokenizer.encode(f"{USER}{question}{END}{ASSISTANT}")

    def _coded(self, lesson: Lesson) -> tuple[list[int], list[int]]:
        return self._prompt(lesson[0]), self._tokenizer.encode(f"{lesson[1]}{END}")

    def _batch(self, rows: Sequence[tuple[list[int], list[int]]]) -> tuple[torch.Tensor, torch.Tensor]:
        """ids and targets, [rows, longest]; -100 where nothing is learnt."""
        longest = max(len(asked) + len(said) for asked, said in rows)
        ids = torch.full((len(rows), longest), self._pad)
        targets = torch.full((len(rows), longest), -100)
        for number, (asked, said) in enumerate(rows):
            end = len(asked) + len(said)
            ids[number, :end] = torch.tensor([*asked, *said])
            targets[number, len(asked) : end] = torch.tensor(said)
        return ids, targets


def marks(lessons: Sequence[Lesson], questions: Sequence[Question], *, epochs: int, seed: int) -> list[bool]:
    """Which questions of the exam a student of these lessons answers right."""
    student = Student(seed=seed)
    if lessons:
        student.learn(lessons, epochs=epochs)
    given = student.answers([question.text for question in questions])
    return [said.casefold() == question.answer.casefold() for said, question in zip(given, questions, strict=True)]
