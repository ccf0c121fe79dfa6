"""What an arm's data is worth: a small student learns it from scratch and is examined on questions it never saw.

The exam is closed: the student is shown no passage. It knows what its lessons say, so a wrong answer teaches it a wrong
fact and a missing sample teaches it nothing. Law: the exam asks for facts that a first attempt of some arm asked about,
in wordings that no lesson of any arm uses for that fact; it is the same for every arm, and the world marks it.

The student reads a question as a bag of words and writes up to three words: enough to learn facts by heart in seconds,
where a decoder of the same cost learnt a twentieth of them (docs/studies/provenance.md).
"""

import random
from collections.abc import Collection, Mapping, Sequence

import torch
from msgspec import Struct
from torch import nn
from transformers import PreTrainedTokenizerFast

from studies.almanac import tokenizer as almanac_tokenizer
from studies.almanac.truth import facts_of, understood
from studies.almanac.world import Fact
from studies.provenance.bootstrap import Cluster
from studies.tokenizer import END

WIDTH, HIDDEN = 96, 256
ROWS = 64
RATE = 3e-3
WORDS = 3
"""Of an answer, its end included."""

Lesson = tuple[str, str]
"""A question and its answer, as a sample gives them."""


class Question(Struct, frozen=True):
    """One question of the exam, and where its answer is told."""

    told: Cluster
    text: str
    answer: str


def exam(passages: Mapping[Cluster, str], asked: Collection[str]) -> list[Question]:
    """One question for each fact that one passage alone tells and that was asked for, in an unused wording."""
    places: dict[tuple[object, str], list[tuple[Cluster, Fact]]] = {}
    for cluster, passage in passages.items():
        for fact in facts_of(passage):
            places.setdefault((fact.entity, fact.attribute.key), []).append((cluster, fact))
    understandings = (understood(question) for question in asked)
    wanted = {(one.entity, one.attribute.key) for one in understandings if one is not None and one.entity is not None}
    questions: list[Question] = []
    for key in sorted(places, key=str):
        if len(places[key]) > 1 or key not in wanted:
            continue
        cluster, fact = places[key][0]
        wordings = [wording.format(n=fact.entity.name) for wording in fact.attribute.questions]
        unused = [wording for wording in wordings if wording not in asked]
        if unused:
            questions.append(Question(cluster, unused[0], fact.value))
    return questions


class _Reader(nn.Module):
    """A bag of words to WORDS words at once."""

    def __init__(self, vocabulary: int) -> None:
        super().__init__()
        self.read = nn.EmbeddingBag(vocabulary, WIDTH, mode="sum")
        self.think = nn.Sequential(
            nn.Linear(WIDTH, HIDDEN), nn.ReLU(), nn.Dropout(0.1), nn.Linear(HIDDEN, WORDS * WIDTH)
        )
        self.written = nn.Embedding(vocabulary, WIDTH)
        nn.init.normal_(self.read.weight, std=0.3)
        nn.init.normal_(self.written.weight, std=0.1)

    def forward(self, ids: torch.Tensor, starts: torch.Tensor) -> torch.Tensor:
        """Flat ids with where each question starts, to logits [questions, WORDS, vocabulary]."""
        thought = self.think(self.read(ids, starts)).view(-1, WORDS, WIDTH)
        return thought @ self.written.weight.T


class Student:
    """From random weights that the seed gives."""

    def __init__(self, *, seed: int) -> None:
        torch.manual_seed(seed)
        self._rng = random.Random(seed)
        self._tokenizer: PreTrainedTokenizerFast = almanac_tokenizer.build()
        self._end = self._tokenizer.get_vocab()[END]
        self._model = _Reader(len(self._tokenizer))

    def learn(self, lessons: Sequence[Lesson], *, epochs: int) -> None:
        """Several times through all lessons, in a new order each time."""
        coded = [(self._tokenizer.encode(question), self._answer(answer)) for question, answer in lessons]
        tool = torch.optim.AdamW(self._model.parameters(), lr=RATE, weight_decay=0.01)
        self._model.train()
        for _ in range(epochs):
            self._rng.shuffle(coded)
            for at in range(0, len(coded), ROWS):
                rows = coded[at : at + ROWS]
                logits = self._model(*_flat([asked for asked, _ in rows]))
                targets = torch.tensor([said for _, said in rows])
                loss = nn.functional.cross_entropy(logits.flatten(0, 1), targets.flatten())
                tool.zero_grad(set_to_none=True)
                loss.backward()
                tool.step()

    @torch.inference_mode()
    def right(self, questions: Sequence[Question]) -> list[bool]:
        """Which questions it answers right, word for word."""
        if not questions:
            return []
        self._model.eval()
        given = self._model(*_flat([self._tokenizer.encode(one.text) for one in questions])).argmax(-1).tolist()
        return [said == self._answer(one.answer) for said, one in zip(given, questions, strict=True)]

    def _answer(self, text: str) -> list[int]:
        return [*self._tokenizer.encode(f" {text}"), *[self._end] * WORDS][:WORDS]


def _flat(rows: Sequence[list[int]]) -> tuple[torch.Tensor, torch.Tensor]:
    starts = [0]
    for row in rows[:-1]:
        starts.append(starts[-1] + len(row))
    return torch.tensor([one for row in rows for one in row]), torch.tensor(starts)


def marks(lessons: Sequence[Lesson], questions: Sequence[Question], *, epochs: int, seed: int) -> list[bool]:
    """Which questions of the exam a student of these lessons answers right."""
    student = Student(seed=seed)
    if lessons:
        student.learn(lessons, epochs=epochs)
    return student.right(questions)
