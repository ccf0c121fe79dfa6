"""From the arms' attempts to what students are taught, and the exam that all of them sit.

Law: an arm's data is what it accepted within its budget; `unfiltered` is every first attempt that parses.
"""

from collections.abc import Callable, Iterator

from msgspec import Struct

from studies.provenance.bootstrap import Cluster
from studies.provenance.parts import Parts, Say
from studies.provenance.plan import POLICIES, SCALES, Setting
from studies.provenance.spending import Arm, within
from studies.provenance.student import Lesson, Question, exam, marks
from studies.provenance.tries import Try
from studies.provenance.world import build


class Marked(Struct, frozen=True):
    """One question of the exam and how many of the students of an arm answered it right."""

    told: Cluster
    right: int


class Report(Struct, frozen=True):
    """What the students of an arm did in the exam."""

    lessons: int
    students: int
    marked: list[Marked]


class Taught(Struct, frozen=True):
    """Whose attempts are taught, and which of them."""

    policy: str
    chosen: Callable[[Arm], Iterator[Try]]


def _accepted(arm: Arm) -> Iterator[Try]:
    return (one for one in (*arm.first, *arm.later) if one.accepted)


ARMS = {
    "unfiltered": Taught("discard", lambda arm: iter(arm.first)),
    "filtered": Taught("discard", lambda arm: (one for one in arm.first if one.accepted)),
    "filtered, more fresh": Taught("discard", _accepted),
    "naive_resample": Taught("naive_resample", _accepted),
    "rules": Taught("rules", _accepted),
    "adaptive": Taught("adaptive", _accepted),
}


def report_name(scale: str, arm: str) -> str:
    """Of the part that holds it."""
    return f"students-{scale}-{arm.replace(', ', '-').replace(' ', '-')}"


def teach(parts: Parts, say: Say) -> None:
    """Every arm's students at every scale, each part once."""
    wanted = [(scale, arm) for scale in SCALES for arm in ARMS if not parts.has(report_name(scale, arm))]
    questions = the_exam(parts) if wanted else []
    for scale, arm in wanted:
        taught = lessons(parts, scale, arm)
        right = [0] * len(questions)
        for student in range(parts.plan.students):
            for place, known in enumerate(marks(taught, questions, epochs=parts.plan.epochs, seed=student)):
                right[place] += known
        marked = [Marked(question.told, count) for question, count in zip(questions, right, strict=True)]
        parts.put(report_name(scale, arm), Report(len(taught), parts.plan.students, marked))
        share = sum(right) / max(1, parts.plan.students * len(questions))
        say(f"students of {scale}, {arm}: {len(taught)} lessons, {share:.1%} of {len(questions)} questions")


def lessons(parts: Parts, scale: str, arm: str) -> list[Lesson]:
    """The data of an arm, of all seeds together."""
    taught = ARMS[arm]
    found: list[Lesson] = []
    for seed in parts.plan.seeds:
        tries = parts.tries(Setting(scale, parts.plan.temperature), seed, taught.policy)
        drafts = (one.draft for one in taught.chosen(within(parts.plan, tries, parts.plan.budget)))
        found += [(draft.question, draft.answer) for draft in drafts if draft is not None]
    return found


def the_exam(parts: Parts) -> list[Question]:
    """The same for every arm."""
    passages: dict[Cluster, str] = {}
    asked: set[str] = set()
    for seed in parts.plan.seeds:
        told = build(parts.plan, seed, parts.folder / "corpora").told
        passages |= {(seed, number): passage.text for number, passage in enumerate(told)}
        for scale in SCALES:
            for policy in POLICIES:
                tries = parts.tries(Setting(scale, parts.plan.temperature), seed, policy)
                asked |= {one.question for one in tries if one.question is not None}
    return exam(passages, asked)
