"""Credit of many solutions at once: the plans of `actors.credit` say where rollouts go, the sampler draws them.

Law: a rollout serves every solution that begins with its prefix, and counts against the budget of each; the solutions
that were there before count against none. What a rollout said is kept, since a right one shows how the prefix could
have gone on.
"""

from collections import defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

from msgspec.structs import replace

from actors.credit.plan import CreditPlan, RolloutOwner
from actors.credit.targets import target_of
from schemas.config_credit import Credit
from schemas.credit import CreditLabel, CreditTarget, PolicyVersion
from schemas.ids import OrderId, PassageId
from studies.stepwise.lab import Lab, Solution
from studies.stepwise.net import Net

Drawn = dict[tuple[str, str], list[Solution]]
"""Problem text and prefix text to the whole solutions that rollouts from there ended in."""


@dataclass
class Rollouts:
    """Rollouts of one policy, shared between the solutions that begin alike."""

    lab: Lab
    policy: Net
    seed: int
    drawn: Drawn = field(default_factory=lambda: defaultdict(list))
    tokens: int = 0
    """Generated so far."""
    _calls: int = 0

    def ask(self, wanted: Sequence[tuple[Solution, str]]) -> None:
        """One more rollout for each problem (that of the solution) and prefix."""
        words = self.lab.words
        prompts = [words.asked(one.problem.text) + words.ids(prefix) for one, prefix in wanted]
        self._calls += 1
        found = self.lab.sampler.completions(self.policy, prompts, seed=1_000_003 * self.seed + self._calls)
        for (one, prefix), ids in zip(wanted, found, strict=True):
            self.tokens += len(ids)
            self.drawn[one.problem.text, prefix].append(self.lab.read(one.problem, words.ids(prefix) + ids))

    def known(self, one: Solution, target: CreditTarget) -> Mapping[int, dict[int, bool | None]]:
        """What earlier rollouts say of the solution's prefixes."""
        found = {steps: self.drawn.get((one.problem.text, target.prefix(steps)), []) for steps in range(target.steps)}
        return {steps: {n: said.right for n, said in enumerate(drawn)} for steps, drawn in found.items() if drawn}


@dataclass(frozen=True)
class Credited:
    """A solution with what its steps are worth."""

    solution: Solution
    target: CreditTarget
    label: CreditLabel


def target(solution: Solution, number: int) -> CreditTarget:
    """The solution as `actors.credit` sees it; `number` keeps equal texts apart."""
    made = target_of(PassageId(solution.problem.text), OrderId(str(number)), 1, solution.text)
    return replace(made, wrong=not solution.right)


def credited(rollouts: Rollouts, solutions: Sequence[Solution], config: Credit) -> list[Credited]:
    """Every solution's label, by rounds of rollouts that all solutions share."""
    targets = [target(one, number) for number, one in enumerate(solutions)]
    source = RolloutOwner(PolicyVersion("study"), rollouts.seed)
    given = [sum(map(len, rollouts.known(one, aim).values())) for one, aim in zip(solutions, targets, strict=True)]
    done: dict[int, CreditLabel] = {}
    while len(done) < len(targets):
        asked: list[tuple[Solution, str]] = []
        seen: dict[tuple[str, str], int] = {}
        for number, (one, aim) in enumerate(zip(solutions, targets, strict=True)):
            if number in done:
                continue
            known = rollouts.known(one, aim)
            left = config.max_rollouts + given[number] - sum(map(len, known.values()))
            plan = CreditPlan(aim, replace(config, max_rollouts=max(1, left)), known)
            asks = () if plan.done or left <= 0 else plan.next()
            if not asks:
                done[number] = plan.label(source)
            wanted: dict[str, int] = defaultdict(int)
            for ask in asks:
                wanted[aim.prefix(ask.steps)] += 1
            for prefix, count in wanted.items():
                key = (one.problem.text, prefix)
                asked += [(one, prefix)] * (count - seen.get(key, 0))
                seen[key] = max(count, seen.get(key, 0))
        if asked:
            rollouts.ask(asked)
    return [Credited(one, aim, done[n]) for n, (one, aim) in enumerate(zip(solutions, targets, strict=True))]
