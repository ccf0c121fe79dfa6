"""A seed's corpus, its passages, the runs' configurations over it, and what is true of a draft.

Law: everything follows from the seed; what is true is the almanac's word, never a model's.
"""

import json
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path

from actors.probes.maker import ProbeMaker
from deployments.build.evidence import all_passages
from deployments.build.probes import build_maker
from deployments.build.tasks import build_task
from schemas.config import Conductors, Corpus, GroundedAnswer, Pool, Recovery, RunConfig, SamplingDefaults
from schemas.config_engines import TransformersEngine
from schemas.config_gates import Classifier
from schemas.config_probes import NamedInjector, Probing
from schemas.corpus import Passage
from schemas.recovery import KNOWN_MODES, Repairs
from schemas.samples import Draft
from studies.almanac.truth import Faithful, NotAQuestionOfThisWorld, check_facts, facts_of, well_worded
from studies.provenance.kit import FIRST, MODELS, Kit
from studies.provenance.plan import Plan, Setting

SAME_BAR = "_same_bar"
"""Ends the name of an arm that holds repaired samples to no more than first ones."""
COOL = "cool_resample"
"""The arm that asks again at half the last temperature, whatever is wrong: the control of every diagnosis."""
_FACTS = lru_cache(maxsize=8192)(facts_of)


@dataclass(frozen=True)
class World:
    """One seed's passages: `told` are written about, `corpus` is all of them; spoilt drafts know facts of all."""

    seed: int
    config: Corpus
    corpus: list[Passage]
    told: list[Passage]
    maker: ProbeMaker
    kit: Kit = FIRST


def engine(model: str | Path) -> TransformersEngine:
    """A model of the almanac by name, or one that lies elsewhere; `main` has torch compute on one thread."""
    return TransformersEngine(model=str(MODELS / model), dtype="float32", device="cpu")


def build(plan: Plan, seed: int, folder: Path, kit: Kit = FIRST) -> World:
    """The world of a seed; its corpus is written to the folder, for the product's own reader."""
    folder.mkdir(parents=True, exist_ok=True)
    path = folder / f"corpus-{seed}.jsonl"
    papers = kit.papers(plan.documents, seed)
    lines = [json.dumps({"id": f"{seed}-{index}", "text": told.passage.text}) for index, told in enumerate(papers)]
    path.write_text("\n".join(lines) + "\n", encoding="utf-8")
    corpus = Corpus(paths=(path.name,), base=str(folder.absolute()))
    passages = all_passages(corpus, limit=10 * plan.documents)
    config = run_config(plan, corpus, seed=seed, setting=Setting("middle", plan.temperature), policy="discard", kit=kit)
    return World(seed, corpus, passages, passages[: plan.passages], build_maker(config, build_task(config)), kit)


def run_config(plan: Plan, corpus: Corpus, *, seed: int, setting: Setting, policy: str, kit: Kit = FIRST) -> RunConfig:
    """The run of one arm. Who discards issues more orders: its budget goes into fresh ones."""
    slots = plan.slots + (plan.spare_slots if policy == "discard" else 0)
    named = policy.removesuffix(SAME_BAR)
    bar = "raised" if named == policy else "same"
    # the table with one repair for whatever is wrong: what it takes no notice of is the diagnosis
    cools = {str(mode): (str(Repairs.LOWER_TEMPERATURE),) for mode in KNOWN_MODES} if named == COOL else {}
    known = "rules" if named == COOL else named
    recovery = Recovery(policy=known, max_attempts=plan.max_attempts, bar=bar, repairs=cools)  # pyright: ignore[reportArgumentType]
    sampling = SamplingDefaults(temperature=setting.temperature, max_tokens=48)
    return RunConfig(
        corpus=corpus,
        task=GroundedAnswer(samples_per_passage=slots, prompts="embedded", sampling=sampling),
        pools={"generator": Pool(engine(f"generator-{setting.scale}"))},
        gates={
            "faithfulness": Classifier(engine(kit.judge), threshold=kit.threshold),
            "reward": Classifier(engine("reward")),
        },
        recovery=recovery,
        probes=Probing(rate=plan.spoilt, good=0.0, injector=NamedInjector(kit.injector)),
        conductors=Conductors(concurrency=48),
        name="provenance-study",
        seed=seed,
    )


def is_faithful(passage: str, draft: Draft) -> bool | None:
    """Whether the passage states the answer; None where the question is none that it could answer."""
    truth = check_facts(_FACTS(passage), question=draft.question, answer=draft.answer)
    return None if isinstance(truth, NotAQuestionOfThisWorld) else isinstance(truth, Faithful)


def is_good(passage: str, draft: Draft) -> bool:
    """Whether the passage states the whole answer and both are well worded."""
    truth = check_facts(_FACTS(passage), question=draft.question, answer=draft.answer)
    return isinstance(truth, Faithful) and truth.complete and well_worded(draft.question, draft.answer)
