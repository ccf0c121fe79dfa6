"""Measures the trained models: `python -m studies.almanac.evaluate --models DIR --output figures.json`.

Law: everything is judged by `truth`, never by a model; each figure comes with the number of samples behind it.
"""

import argparse
import json
import random
from collections import Counter
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

import torch
from transformers import AutoModelForCausalLM, AutoModelForSequenceClassification, AutoTokenizer

from actors.tasks import prompts
from actors.tasks.prompt_sets import EMBEDDED
from schemas.samples import qa
from studies.almanac.claims import any_claim, any_wording
from studies.almanac.data import Mode, Told
from studies.almanac.exam import auroc, exam
from studies.almanac.flaws import near_miss
from studies.almanac.models import PLANS
from studies.almanac.prose import ask_about
from studies.almanac.truth import Faithful, NotAQuestionOfThisWorld, check_facts, well_worded

BATCH = 64


@dataclass(frozen=True)
class Reply:
    """One generated reply read back; question and answer are None where a line is missing."""

    told: Told
    question: str | None
    answer: str | None
    quote: str | None
    avoided: str | None


@dataclass(frozen=True)
class GeneratorFigures:
    """Shares (0 to 1) of one mode at one temperature."""

    samples: int
    well_formed: float
    faithful: float
    """Among well-formed replies whose question is one of the almanac's."""
    faithful_held_out: float
    faithful_revised: float
    from_memory: float
    """Share of all checked replies that give the canon value of a revised fact."""
    poorly_worded: float
    """Share of well-formed replies whose wording is not good."""
    no_question: float
    """Share of well-formed replies whose question is none of the almanac's."""
    quoted_exactly: float | None
    asked_the_avoided: float | None


class Writer:
    """A trained generator, sampled through transformers."""

    def __init__(self, folder: Path) -> None:
        self.tokenizer = AutoTokenizer.from_pretrained(folder, padding_side="left", trust_remote_code=False)
        self.model: Any = AutoModelForCausalLM.from_pretrained(
            folder, dtype=torch.float32, use_safetensors=True, trust_remote_code=False
        ).eval()

    @torch.no_grad()
    def write(self, asked: list[str], *, temperature: float) -> list[str]:
        """One reply per user's message."""
        texts = [
            self.tokenizer.apply_chat_template(
                [{"role": "system", "content": EMBEDDED.system}, {"role": "user", "content": message}],
                tokenize=False,
                add_generation_prompt=True,
            )
            for message in asked
        ]
        replies: list[str] = []
        for start in range(0, len(texts), BATCH):
            batch = self.tokenizer(texts[start : start + BATCH], return_tensors="pt", padding=True)
            sampled = {"do_sample": True, "temperature": temperature, "top_k": 0}
            out = self.model.generate(**batch, max_new_tokens=64, **(sampled if temperature else {"do_sample": False}))
            replies += self.tokenizer.batch_decode(out[:, batch["input_ids"].shape[1] :], skip_special_tokens=True)
        return replies


class Scorer:
    """A trained classifier: the probability of its second label."""

    def __init__(self, folder: Path) -> None:
        self.tokenizer = AutoTokenizer.from_pretrained(folder, trust_remote_code=False)
        self.model = AutoModelForSequenceClassification.from_pretrained(
            folder, dtype=torch.float32, use_safetensors=True, trust_remote_code=False
        ).eval()

    @torch.no_grad()
    def score(self, texts: list[str]) -> list[float]:
        """One probability (0 to 1) per text."""
        scores: list[float] = []
        for start in range(0, len(texts), BATCH):
            batch = self.tokenizer(texts[start : start + BATCH], return_tensors="pt", padding=True)
            scores += self.model(**batch).logits.softmax(-1)[:, 1].tolist()
        return scores


def message(told: Told, mode: Mode, rng: random.Random) -> tuple[str, str | None]:
    """The user's message of the mode, and the question it asks to avoid."""
    passage = told.passage.text
    fact = rng.choice(told.passage.facts)
    question = ask_about(fact.entity, fact.attribute, rng)
    match mode:
        case Mode.LOOSE:
            return EMBEDDED.ask(passage), None
        case Mode.STRICT:
            return EMBEDDED.ask_strictly(passage), None
        case Mode.QUOTE:
            return EMBEDDED.ask_with_quote(passage), None
        case Mode.ANOTHER:
            return EMBEDDED.ask_another(passage, avoid=question), question
        case Mode.EDIT:
            wrong = near_miss(fact, rng)
            return EMBEDDED.ask_edit(passage, question=question, wrong_answer=wrong), None


def read(text: str, told: Told, avoided: str | None) -> Reply:
    """The labelled lines of a reply."""
    lines = dict(line.split(": ", 1) for line in text.split("\n") if ": " in line)
    return Reply(told, lines.get("Question"), lines.get("Answer"), lines.get("Quote"), avoided)


def figures(replies: list[Reply], *, mode: Mode) -> GeneratorFigures:
    """What the replies are worth, by `truth`."""
    formed = [r for r in replies if r.question and r.answer and (mode is not Mode.QUOTE or r.quote)]
    checked = [(r, check_facts(r.told.passage.facts, question=r.question or "", answer=r.answer or "")) for r in formed]
    judged = [(r, truth) for r, truth in checked if not isinstance(truth, NotAQuestionOfThisWorld)]
    right = [isinstance(truth, Faithful) for _, truth in judged]
    held_out = [ok for ok, (r, _) in zip(right, judged, strict=True) if r.told.canon is None]
    changed = [ok for ok, (r, _) in zip(right, judged, strict=True) if r.told.canon is not None]
    memory = [
        r.told.canon is not None and not isinstance(t, Faithful) and r.answer == r.told.canon.get(t.attribute.key)
        for r, t in judged
    ]
    quotes = [r.quote in {s.text for s in r.told.passage.sentences} for r in formed] if mode is Mode.QUOTE else []
    avoided = [r.question == r.avoided for r in formed] if mode is Mode.ANOTHER else []
    return GeneratorFigures(
        samples=len(replies),
        well_formed=_share([r in formed for r in replies]),
        faithful=_share(right),
        faithful_held_out=_share(held_out),
        faithful_revised=_share(changed),
        from_memory=_share(memory),
        poorly_worded=_share([not well_worded(r.question or "", r.answer or "") for r in formed]),
        no_question=_share([isinstance(truth, NotAQuestionOfThisWorld) for _, truth in checked]),
        quoted_exactly=_share(quotes) if quotes else None,
        asked_the_avoided=_share(avoided) if avoided else None,
    )


def _share(hits: list[bool]) -> float:
    return round(sum(hits) / max(len(hits), 1), 4)


def ask_all(writer: Writer, papers: list[Told], mode: Mode, *, temperature: float, seed: int) -> list[Reply]:
    """One reply per paper."""
    rng = random.Random(f"ask {seed} {mode.value}")
    torch.manual_seed(seed)
    asked = [message(told, mode, rng) for told in papers]
    texts = writer.write([text for text, _ in asked], temperature=temperature)
    return [read(text, told, avoid) for text, told, (_, avoid) in zip(texts, papers, asked, strict=True)]


def different_questions(writer: Writer, papers: list[Told], *, temperature: float) -> float:
    """Mean share of different questions' facts among three loose replies to a passage (1/3 to 1)."""
    rounds = [ask_all(writer, papers, Mode.LOOSE, temperature=temperature, seed=seed) for seed in (11, 12, 13)]
    counts: list[int] = []
    for replies in zip(*rounds, strict=True):
        facts = Counter()
        for r in replies:
            truth = check_facts(r.told.passage.facts, question=r.question or "", answer=r.answer or "")
            key = truth.fact.attribute if isinstance(truth, Faithful) else getattr(truth, "attribute", r.question)
            facts[key] += 1
        counts.append(len(facts))
    return round(sum(counts) / (3 * len(counts)), 4)


def measure_generator(folder: Path, *, passages: int, seed: int, modes: list[tuple[Mode, float]]) -> dict[str, object]:
    """Figures by mode and temperature."""
    writer, papers = Writer(folder), exam(passages, seed=seed)
    found: dict[str, object] = {
        f"{mode.value}@{temperature}": asdict(
            figures(ask_all(writer, papers, mode, temperature=temperature, seed=seed), mode=mode)
        )
        for mode, temperature in modes
    }
    found["different_questions@0.7"] = different_questions(writer, papers[:60], temperature=0.7)
    return found


def written_claims(folder: Path, *, passages: int, seed: int) -> list[tuple[Reply, bool]]:
    """Loose replies at T=1.0 of a generator that `truth` can check, and whether each is faithful."""
    replies = ask_all(Writer(folder), exam(passages, seed=seed), Mode.LOOSE, temperature=1.0, seed=seed)
    found: list[tuple[Reply, bool]] = []
    for r in replies:
        truth = check_facts(r.told.passage.facts, question=r.question or "", answer=r.answer or "")
        if r.question and r.answer and not isinstance(truth, NotAQuestionOfThisWorld):
            found.append((r, isinstance(truth, Faithful)))
    return found


def measure_judge(folder: Path, generator: Path | None, *, claims: int, seed: int) -> dict[str, object]:
    """AUROC on synthetic claims about exam passages and on a generator's own replies."""
    scorer, rng = Scorer(folder), random.Random(f"claims {seed}")
    drawn = [any_claim(told, rng) for told in exam(claims, seed=seed)]
    scores = scorer.score([prompts.judged(c.told.passage.text, qa(c.question, c.answer)) for c in drawn])
    truths = [c.faithful for c in drawn]
    found: dict[str, object] = {
        "claims": claims,
        "auroc_synthetic": round(auroc(scores, truths), 4),
        "accuracy_synthetic_at_half": _share([(s >= 0.5) is t for s, t in zip(scores, truths, strict=True)]),
    }
    if generator is not None:
        said = written_claims(generator, passages=claims, seed=seed + 1)
        texts = [prompts.judged(r.told.passage.text, qa(r.question or "", r.answer or "")) for r, _ in said]
        scores = scorer.score(texts)
        found["replies"] = len(said)
        found["auroc_generator_replies_at_1.0"] = round(auroc(scores, [ok for _, ok in said]), 4)
    return found


def measure_reward(folder: Path, *, claims: int, seed: int) -> dict[str, object]:
    """AUROC on the reward model's own labels, and on faithfulness among well-worded claims (it should be chance)."""
    scorer, rng = Scorer(folder), random.Random(f"wordings {seed}")
    drawn = [any_wording(told, rng) for told in exam(claims, seed=seed)]
    own = scorer.score([prompts.rewarded(qa(q, a)) for q, a, _ in drawn])
    stated = [c for told in exam(claims, seed=seed + 1) if (c := any_claim(told, rng)).good]
    blind = scorer.score([prompts.rewarded(qa(c.question, c.answer)) for c in stated])
    return {
        "claims": claims,
        "auroc_own_labels": round(auroc(own, [good for _, _, good in drawn]), 4),
        "auroc_faithfulness": round(auroc(blind, [c.faithful for c in stated]), 4),
    }


EVERY = [
    (Mode.LOOSE, 0.3),
    (Mode.LOOSE, 0.7),
    (Mode.LOOSE, 1.0),
    (Mode.STRICT, 0.7),
    (Mode.QUOTE, 0.7),
    (Mode.ANOTHER, 0.7),
    (Mode.EDIT, 0.3),
]


def measure(name: str, models: Path, *, samples: int, seed: int) -> dict[str, object]:
    """The figures of one model of the table."""
    match PLANS[name].role:
        case "generator":
            return measure_generator(models / name, passages=samples, seed=seed, modes=EVERY)
        case "judge":
            return measure_judge(models / name, models / "generator-middle", claims=2 * samples, seed=seed)
        case _:
            return measure_reward(models / name, claims=2 * samples, seed=seed)


def main() -> None:
    """Command line."""
    parser = argparse.ArgumentParser(description="Measure the almanac's models.")
    parser.add_argument("--models", type=Path, required=True, help="folder with one folder per model")
    parser.add_argument("--only", nargs="*", default=sorted(PLANS))
    parser.add_argument("--samples", type=int, default=240)
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--output", type=Path, default=None, help="added to, where it holds figures of the same exam")
    given = parser.parse_args()
    found = {name: measure(name, given.models, samples=given.samples, seed=given.seed) for name in given.only}
    exam_taken = {"samples": given.samples, "seed": given.seed}
    if given.output is not None and given.output.exists():
        earlier = json.loads(given.output.read_text(encoding="utf-8"))
        if earlier.items() >= exam_taken.items():
            found = earlier["models"] | found
    text = json.dumps(exam_taken | {"models": dict(sorted(found.items()))}, indent=2)
    print(text)
    if given.output is not None:
        given.output.write_text(text + "\n", encoding="utf-8")


if __name__ == "__main__":
    main()
