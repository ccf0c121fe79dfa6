"""A rejected attempt judged again from its scores: what passes under other thresholds, and what stays unknown."""

import pytest
from msgspec.structs import replace

from actors.recovery.bar import raised
from actors.recovery.policies import raised_bar, same_bar
from actors.recovery.rescoring import PassingTerms, judged_anew
from schemas.errors import ErrorKind
from schemas.orders import Attempt
from schemas.recovery import Choice, Diagnosis, Modes
from schemas.samples import Cost
from schemas.verdicts import (
    DIVERSITY,
    FAITHFULNESS,
    FORMAT,
    PROVENANCE,
    REWARD,
    Errored,
    Evidence,
    Passed,
    Raised,
    Rejected,
)
from tests.doubles.attempts import candidate

GATES = (PROVENANCE, FAITHFULNESS, REWARD)
GROUNDED = Passed(PROVENANCE, 1.0, 1.0)
POOR = Rejected(FAITHFULNESS, 0.45, 0.5, Evidence(note="one claim of two"), Cost(prompt_tokens=9))
GOOD = Passed(REWARD, 0.8, 0.5)
REJECTED = Attempt(
    1,
    None,
    candidate("Who?"),
    (GROUNDED, POOR, GOOD),
    diagnosis=Diagnosis(Modes.PARAMETRIC, 0.8),
    choice=Choice("rules", None),
)


def terms(faithfulness: float = 0.4, reward: float = 0.5, *, bar: bool = True) -> PassingTerms:
    thresholds = {FAITHFULNESS: faithfulness, REWARD: reward}
    return PassingTerms(thresholds, GATES, raised_bar if bar else same_bar)


def test_a_lowered_threshold_lets_its_score_pass() -> None:
    """0.45 was below 0.5 and reaches 0.4: the verdict says so, with the evidence and the cost that it had; a passing
    attempt has no diagnosis."""
    anew = judged_anew(REJECTED, terms(0.4))
    assert anew is not None
    assert anew.verdicts == (GROUNDED, Passed(FAITHFULNESS, 0.45, 0.4, POOR.evidence, POOR.cost), GOOD)
    assert (anew.diagnosis, anew.choice) == (None, None)
    assert (anew.number, anew.candidate) == (1, REJECTED.candidate)
    assert judged_anew(REJECTED, terms(0.45)) is not None, "a score of the threshold passes"
    assert judged_anew(REJECTED, terms(0.46)) is None


def test_every_gate_is_held_to_its_threshold_of_now() -> None:
    """The other gate's threshold was raised beyond what it had said: what passed then does not pass now."""
    assert judged_anew(REJECTED, terms(0.4, reward=0.8)) is not None
    assert judged_anew(REJECTED, terms(0.4, reward=0.81)) is None


def test_a_later_attempt_is_held_to_the_raised_bar() -> None:
    """Attempt 3 of a run whose bar rises: its old threshold was raised from 0.5, the new one is raised from 0.4. With
    the same bar for all it is the configured one."""
    third = replace(POOR, threshold=raised(0.5, 3), evidence=Evidence(raised=Raised(0.5, 3)))
    attempt = replace(REJECTED, number=3, verdicts=(GROUNDED, third, GOOD))
    assert raised(0.3, 3) < 0.45 < raised(0.4, 3)
    assert judged_anew(attempt, terms(0.4)) is None
    anew = judged_anew(attempt, terms(0.3))
    assert anew is not None
    assert anew.verdicts[1] == Passed(FAITHFULNESS, 0.45, raised(0.3, 3), Evidence(raised=Raised(0.3, 3)), POOR.cost)
    same = judged_anew(attempt, terms(0.4, bar=False))
    assert same is not None and same.verdicts[1] == Passed(FAITHFULNESS, 0.45, 0.4, Evidence(), POOR.cost)


def test_a_near_duplicate_is_the_queues_to_find() -> None:
    """The sample that it repeated may be gone or judged differently now: the old verdict is left out, and the code that
    accepts checks again."""
    repeated = Rejected(DIVERSITY, 0.0, 0.1)
    anew = judged_anew(replace(REJECTED, verdicts=(*REJECTED.verdicts, repeated)), terms(0.4))
    assert anew is not None and all(said.gate != DIVERSITY for said in anew.verdicts)


@pytest.mark.parametrize(
    "attempt",
    [
        replace(REJECTED, verdicts=(GROUNDED, POOR, Errored(REWARD, ErrorKind.NONSENSE, "no score"))),
        replace(REJECTED, verdicts=(GROUNDED, POOR)),
        replace(REJECTED, verdicts=(Rejected(PROVENANCE, 0.0, 1.0), POOR, GOOD)),
        replace(REJECTED, verdicts=(GROUNDED, replace(POOR, score=0.6), GOOD)),
        replace(REJECTED, verdicts=(Rejected(FORMAT, 0.0, 1.0),)),
        replace(REJECTED, candidate=None),
        replace(REJECTED, candidate=replace(candidate("Who?"), draft=None)),
        replace(REJECTED, verdicts=()),
    ],
    ids=[
        "a gate errored",
        "a gate was not asked",
        "a quote that is not in its passage",
        "rejected for another reason than its score",
        "malformed",
        "no text",
        "no draft",
        "never judged",
    ],
)
def test_what_scores_do_not_tell_stays_a_dead_letter(attempt: Attempt) -> None:
    """However low the thresholds: an error is no pass, and neither is a gate that never spoke."""
    assert judged_anew(attempt, terms(0.0, 0.0)) is None
