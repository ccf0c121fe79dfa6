"""The study's parts and what each measures. Law: a part depends on the settings and its name alone."""

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass, replace

from msgspec import structs

from actors.exports.advantages import weights
from schemas.config_credit import Credit
from studies.arithmetic.truth import kinds, spurious
from studies.arithmetic.world import BEYOND, problems
from studies.stepwise import arms
from studies.stepwise.arms import Cell, Plan, Preference
from studies.stepwise.credit_cost import CostTable, replays, table
from studies.stepwise.credits import Credited
from studies.stepwise.effects import Critical, Moved, Recovery, moved, recovery
from studies.stepwise.fit import Passes, Tuning
from studies.stepwise.lab import Exam, Lab, Marks, Solution
from studies.stepwise.net import Net
from studies.stepwise.parts import Parts
from studies.stepwise.pathstar import PathSettings, PathStar, experiment
from studies.stepwise.preferences import Pull
from studies.stepwise.primer import primed


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
    primer: Tuning
    """What makes the base of the shipped solver."""
    plan: Plan
    paths: PathSettings
    smoke: bool = False


FULL = Settings(
    seeds=3, sft_sizes=(128, 256, 512, 2048, 8192), arm_sizes=(256, 512), focus=512, exam=400, probes=240,
    truth=256, primer=Tuning(steps=1500, rate=1e-3, rows=64), plan=Plan(
        likelihood=Passes(passes=8, least=32, rate=1e-3),
        preferences={
            arms.WHOLE: Preference(arms.RFT, Passes(passes=3, least=40, rate=1e-4), Pull(beta=1.0, likelihood=0.3)),
            arms.PREFIX: Preference(arms.SFT, Passes(passes=3, least=40, rate=3e-4), Pull(beta=0.3, likelihood=1.0)),
            arms.STEPS: Preference(arms.RFT, Passes(passes=3, least=40, rate=1e-4), Pull(beta=1.0, likelihood=0.3)),
        },
        weighted=Passes(passes=3, least=40, rate=3e-4),
        credit=Credit(max_rollouts=48, at_once=6, tolerance=0.2),
    ), paths=PathSettings(2000, 300, 150, 600, Tuning(150, 1e-3, rows=32)),
)  # fmt: skip
SMOKE = Settings(
    seeds=2, sft_sizes=(16, 32), arm_sizes=(16,), focus=16, exam=24, probes=3, truth=16,
    primer=Tuning(steps=2, rate=1e-3, rows=8),
    plan=Plan(
        likelihood=Passes(passes=1, least=4, rate=1e-3, rows=8),
        preferences={
            arm: Preference(arms.RFT, Passes(passes=1, least=2, rate=2e-4, rows=4))
            for arm in (arms.WHOLE, arms.PREFIX, arms.STEPS)
        },
        weighted=Passes(passes=1, least=2, rate=2e-4, rows=8), samples=4, kept_wrong=2,
        credit=Credit(max_rollouts=8, at_once=8),
    ),
    paths=PathSettings(16, 8, 2, 3, Tuning(2, 1e-3, rows=4)), smoke=True,
)  # fmt: skip


SPURIOUS = "RFT on spurious ones"


@dataclass(frozen=True)
class ArmsPart:
    """All arms of one size and seed but SFT."""

    size: int
    seed: int
    marks: dict[str, Marks]
    moved: dict[str, Moved]
    critical: Critical
    kept: int
    """Right solutions that RFT learnt from."""
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
        base = parts.net("primed", lab.base.config, lambda: primed(lab.base, lab.words, settings.primer))
        self.lab, self.settings, self.parts = replace(lab, base=base), settings, parts
        self.exam = Exam.of("test", settings.exam)

    def cell(self, size: int, seed: int) -> Cell:
        """The problems of a size: those of a smaller one are among them."""
        return Cell(self.lab, self.settings.plan, problems(BEYOND, size, seed=f"train {seed}"), seed)

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
        kept = arms.positives(solutions, cell.plan.kept_right)
        rollouts, labels = arms.credit(cell, policy, solutions)
        nets = {arms.LONGER: arms.sft(cell, as_long_as=len(kept)), arms.RFT: arms.taught(cell, kept, arms.RFT)}
        begins, made = {arms.SFT: policy, arms.RFT: nets[arms.RFT]}, 0
        for arm in (arms.WHOLE, arms.PREFIX, arms.STEPS):
            pairs = arms.pairs(arm, words, rollouts, labels, cell.dice(f"pairs {arm}"))
            made = len(pairs)
            nets[arm] = arms.dpo(cell, begins[cell.plan.preferences[arm].begin], pairs, arm)
        nets[arms.ADVANTAGE] = arms.weighted(cell, policy, solutions, labels)
        marks = {arm: self.exam.marks(self.lab, net, seed=seed) for arm, net in nets.items()}
        sound = [one for one in arms.positives(solutions, 1) if not spurious(one.problem, one.text)]
        changes = {arm: moved(policy, net, words, labels, sound) for arm, net in nets.items()}
        return ArmsPart(size, seed, marks, changes, critical(labels), len(kept), made, len(labels), rollouts.tokens)

    def probed(self) -> list[Solution]:
        """Wrong solutions of fresh problems by the focus size's SFT policy."""
        wanted, policy = self.settings.probes, self.policy(self.settings.focus, 0)
        fresh = problems(BEYOND, 8 * wanted, seed="probes")
        return arms.negatives(self.lab.solutions(policy, fresh, seed=7), 1)[:wanted]

    def credit_cost(self) -> CostTable | None:
        """What first pits cost."""

        def make() -> CostTable:
            policy, many = self.policy(self.settings.focus, 0), self.settings.truth
            found = replays(self.lab, policy, self.probed(), truth=many, draws=64, seed=11)
            return table(found, structs.replace(self.settings.plan.credit, max_rollouts=64, at_once=1), truth=many)

        return self.parts.made("credit-cost", CostTable, make)

    def restart(self) -> Recovery | None:
        """Restart from the last good prefix against drawing the whole solution again."""

        def make() -> Recovery:
            policy = self.policy(self.settings.focus, 0)
            cell = self.cell(self.settings.focus, 0)
            fresh = problems(BEYOND, 16 * self.settings.probes, seed="restarts")
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
            "SFT policy": policy,
            "RFT on sound ones": arms.taught(cell, dice.sample(sound, count), "sound"),
            SPURIOUS: arms.taught(cell, dice.sample(beside, count), "spurious"),
        }
        again = arms.drawn(cell, nets[SPURIOUS])
        rollouts, labels = arms.credit(cell, nets[SPURIOUS], again)
        pairs = arms.pairs(arms.STEPS, words, rollouts, labels, dice)
        nets[f"{SPURIOUS}, then dpo_steps"] = arms.dpo(cell, nets[SPURIOUS], pairs, arms.STEPS)
        marks = {name: self.exam.marks(self.lab, net, seed=seed) for name, net in nets.items()}
        return SpuriousPart(seed, count, marks)

    def pathstar(self, seed: int) -> PathStar | None:
        """The path-star graphs of one seed."""
        return self.parts.made(f"pathstar-{seed}", PathStar, lambda: experiment(self.settings.paths, seed))


def critical(labels: Sequence[Credited]) -> Critical:
    """Where advantage lies in credited wrong solutions."""
    largest, others = list[float](), list[float]()
    terse, before = list[bool](), list[bool]()
    found: Counter[str] = Counter()
    for one in labels:
        known = sorted(abs(value) for value in weights(one.label) if value is not None)
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
