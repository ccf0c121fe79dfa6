"""The study's parts and what each measures. Law: a part depends on the settings and its name alone."""

import copy
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass

from schemas.config_credit import Credit
from studies.arithmetic.truth import kinds, spurious
from studies.arithmetic.world import HARD, problems
from studies.stepwise import arms
from studies.stepwise.arms import Cell, Plan
from studies.stepwise.credit_cost import CostTable, replays, table
from studies.stepwise.credits import Credited
from studies.stepwise.effects import Critical, Moved, Recovery, moved, recovery
from studies.stepwise.fit import Tuning, fitted
from studies.stepwise.lab import Exam, Lab, Marks, Solution
from studies.stepwise.net import Net
from studies.stepwise.parts import Parts
from studies.stepwise.pathstar import PathSettings, PathStar, experiment
from studies.stepwise.rows import Row


@dataclass(frozen=True)
class Settings:
    """How large the study is."""

    seeds: int
    sft_sizes: tuple[int, ...]
    arm_sizes: tuple[int, ...]
    focus: int
    """The size at which credits, restarts and spurious steps are looked at."""
    exam: int
    """Test problems."""
    probes: int
    """Wrong solutions whose credit is measured against the truth."""
    truth: int
    """Rollouts of each prefix that count as the truth."""
    plan: Plan
    paths: PathSettings
    smoke: bool = False


FULL = Settings(
    seeds=3, sft_sizes=(128, 512, 1024), arm_sizes=(128,), focus=128, exam=300, probes=25,
    truth=256, plan=Plan(
        likelihood=Tuning(steps=300, rate=1e-3, rows=32),
        preferences=Tuning(steps=40, rate=1e-4, rows=16),
        credit=Credit(max_rollouts=24, at_once=6),
    ), paths=PathSettings(2000, 300, 150, 600, Tuning(150, 1e-3, rows=32)),
)  # fmt: skip
SMOKE = Settings(
    seeds=2, sft_sizes=(16, 32), arm_sizes=(16,), focus=16, exam=24, probes=3, truth=16,
    plan=Plan(
        likelihood=Tuning(steps=8, rate=1e-3, rows=8), preferences=Tuning(steps=3, rate=2e-4, rows=4), samples=4,
        credit=Credit(max_rollouts=8, at_once=8),
    ),
    paths=PathSettings(16, 8, 2, 3, Tuning(2, 1e-3, rows=4)), smoke=True,
)  # fmt: skip


@dataclass(frozen=True)
class ArmsPart:
    """All arms of one size and seed but SFT."""

    size: int
    seed: int
    marks: dict[str, Marks]
    moved: dict[str, Moved]
    critical: Critical
    pairs: int
    wrong: int
    """Solutions credited."""
    rollout_tokens: int


@dataclass(frozen=True)
class SpuriousPart:
    """RFT on right solutions that hold a spurious step, on sound ones as many, and what credit does to the first."""

    seed: int
    examples: int
    marks: dict[str, Marks]


class Study:
    """All parts of one run."""

    def __init__(self, lab: Lab, settings: Settings, parts: Parts) -> None:
        self.lab, self.settings, self.parts = lab, settings, parts
        self.exam = Exam.of("test", settings.exam)

    def cell(self, size: int, seed: int) -> Cell:
        """The problems of a size: those of a smaller one are among them."""
        return Cell(self.lab, self.settings.plan, problems(HARD, size, seed=f"train {seed}"), seed)

    def policy(self, size: int, seed: int) -> Net:
        """The SFT policy."""
        return self.parts.net(f"sft-{size}-{seed}", self.lab.base.config, lambda: arms.sft(self.cell(size, seed)))

    def base(self) -> Marks | None:
        """The base as it is."""
        return self.parts.made("base", Marks, lambda: self.exam.marks(self.lab, self.lab.base, seed=0))

    def sft(self, size: int, seed: int) -> Marks | None:
        """SFT's marks."""
        return self.parts.made(
            f"sft-{size}-{seed}", Marks, lambda: self.exam.marks(self.lab, self.policy(size, seed), seed=seed)
        )

    def others(self, size: int, seed: int) -> ArmsPart | None:
        """The other arms' marks, and what they moved."""
        return self.parts.made(f"arms-{size}-{seed}", ArmsPart, lambda: self._others(size, seed))

    def _others(self, size: int, seed: int) -> ArmsPart:
        cell, policy, words = self.cell(size, seed), self.policy(size, seed), self.lab.words
        solutions = arms.drawn(cell, policy)
        rollouts, labels = arms.credit(cell, policy, solutions)
        nets = {arms.RFT: arms.rft(cell, solutions)}
        made = 0
        for arm in (arms.WHOLE, arms.PREFIX, arms.STEPS):
            pairs = arms.pairs(arm, words, rollouts, labels, cell.dice(f"pairs {arm}"))
            made = len(pairs)
            nets[arm] = arms.dpo(cell, policy, pairs, arm)
        nets[arms.ADVANTAGE] = arms.weighted(cell, policy, solutions, labels)
        marks = {arm: self.exam.marks(self.lab, net, seed=seed) for arm, net in nets.items()}
        sound = [one for one in arms.positives(solutions, 1) if not spurious(one.problem, one.text)]
        changes = {arm: moved(policy, net, words, labels, sound) for arm, net in nets.items()}
        return ArmsPart(size, seed, marks, changes, critical(labels), made, len(labels), rollouts.tokens)

    def probed(self) -> list[Solution]:
        """Wrong solutions of fresh problems by the focus size's SFT policy."""
        wanted, policy = self.settings.probes, self.policy(self.settings.focus, 0)
        fresh = problems(HARD, 8 * wanted, seed="probes")
        return arms.negatives(self.lab.solutions(policy, fresh, seed=7), 1)[:wanted]

    def credit_cost(self) -> CostTable | None:
        """What first pits cost."""

        def make() -> CostTable:
            policy, many = self.policy(self.settings.focus, 0), self.settings.truth
            found = replays(self.lab, policy, self.probed(), truth=many, draws=64, seed=11)
            return table(found, Credit(max_rollouts=64, at_once=1), truth=many)

        return self.parts.made("credit-cost", CostTable, make)

    def restart(self) -> Recovery | None:
        """Restart from the last good prefix against drawing the whole solution again."""

        def make() -> Recovery:
            policy = self.policy(self.settings.focus, 0)
            cell = self.cell(self.settings.focus, 0)
            fresh = problems(HARD, 16 * self.settings.probes, seed="restarts")
            rollouts, labels = arms.credit(cell, policy, self.lab.solutions(policy, fresh, seed=13))
            return recovery(self.lab, policy, labels, draws=4, credit_tokens=rollouts.tokens, seed=17)

        return self.parts.made("restart", Recovery, make)

    def spurious(self, seed: int) -> SpuriousPart | None:
        """Positives alone amplify spurious steps; do credited negatives unlearn them?"""
        return self.parts.made(f"spurious-{seed}", SpuriousPart, lambda: self._spurious(seed))

    def _spurious(self, seed: int) -> SpuriousPart:
        cell, words = self.cell(self.settings.focus, seed), self.lab.words
        policy = self.policy(self.settings.focus, seed)
        solutions = arms.positives(arms.drawn(cell, policy), cell.plan.samples)
        beside = [one for one in solutions if spurious(one.problem, one.text)]
        sound = [one for one in solutions if not spurious(one.problem, one.text)]
        count = min(len(beside), len(sound))
        dice = cell.dice("spurious")
        nets = {
            "sound": self._taught(cell, dice.sample(sound, count)),
            "spurious": self._taught(cell, dice.sample(beside, count)),
        }
        again = arms.drawn(cell, nets["spurious"])
        rollouts, labels = arms.credit(cell, nets["spurious"], again)
        pairs = arms.pairs(arms.STEPS, words, rollouts, labels, dice)
        nets["spurious, then dpo_steps"] = arms.dpo(cell, nets["spurious"], pairs, arms.STEPS)
        marks = {name: self.exam.marks(self.lab, net, seed=seed) for name, net in nets.items()}
        return SpuriousPart(seed, count, marks)

    def pathstar(self, seed: int) -> PathStar | None:
        """The path-star graphs of one seed."""
        return self.parts.made(f"pathstar-{seed}", PathStar, lambda: experiment(self.settings.paths, seed))

    def _taught(self, cell: Cell, chosen: Sequence[Solution]) -> Net:
        words = self.lab.words
        rows = [Row(words.asked(one.problem.text), one.ids) for one in chosen]
        net = copy.deepcopy(self.lab.base)
        return fitted(net, rows, cell.tuning(len(rows)), pad=words.pad, rng=cell.dice("taught")) if rows else net


def critical(labels: Sequence[Credited]) -> Critical:
    """Where advantage lies in credited wrong solutions."""
    largest, others = list[float](), list[float]()
    terse, before = list[bool](), list[bool]()
    found: Counter[str] = Counter()
    for one in labels:
        known = sorted(abs(value) for value in one.label.advantages if value is not None)
        largest += known[-1:]
        others += known[:-1]
        lines = one.solution.text.splitlines()
        pit = one.label.first_pit or len(lines)
        bare = [" = " in line and " has " not in line for line in lines[:pit]]
        terse += bare[-1:]
        before += bare
        kind = [*(kind.value for kind in kinds(one.solution.problem, one.solution.text)), "answer"]
        found[kind[min(pit, len(kind)) - 1]] += 1
    share = [sum(values) / max(1, len(values)) for values in (largest, others, terse, before)]
    return Critical(*share, kinds=dict(found))
