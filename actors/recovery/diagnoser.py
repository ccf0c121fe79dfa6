"""Predicts a failure mode from evidence. Law: the mode is predicted before a repair is chosen, and without any
knowledge of repairs.

The rules stand in order of certainty, and the first that holds decides. `cross_passage`, `parametric` and
`domain_mismatch` all come with words foreign to the passage. An index of the other passages, if there is one, separates
the first from the other two. A fault that the reward gate rejects shows without the passage, so rules about it come
before rules about facts.
"""

from collections.abc import Callable

from msgspec import Struct

from actors.recovery.evidence import DraftEvidence
from schemas.recovery import Diagnosis, FailureMode, Modes
from schemas.verdicts import DIVERSITY, FAITHFULNESS, FORMAT, PROVENANCE, REWARD, VERIFIER, GateName

MARGIN = 0.1
"""A score this little below its threshold may be noise of the gate."""
TOLD = 0.95
"""The confidence in a gate that names its reason."""
HOT = 1.0
"""From this temperature on, foreign words are attributed to sampling."""
WILD = 1.5
"""From this temperature on, every fault is attributed to sampling."""
ON_TOPIC = 0.34
"""A question that shares a smaller part of its words with the passage is about something else."""
FOREIGN = 0.5
"""An answer that shares a smaller part of its words with the passage did not come from it."""


class Rule(Struct, frozen=True):
    """If `holds`, then `mode`, with this `confidence`. `reason`: the fact in words."""

    mode: FailureMode
    confidence: float
    reason: str
    holds: Callable[[DraftEvidence], bool]


def _by(gate: GateName) -> Callable[[DraftEvidence], bool]:
    return lambda evidence: gate in evidence.rejected


def _unfaithful(evidence: DraftEvidence) -> bool:
    return FAITHFULNESS in evidence.rejected or PROVENANCE in evidence.rejected


RULES: tuple[Rule, ...] = (
    Rule(Modes.MALFORMED, 0.95, "the text does not parse", _by(FORMAT)),
    Rule(Modes.NEAR_DUPLICATE, 0.95, "an accepted sample asks the same", _by(DIVERSITY)),
    Rule(Modes.WRONG_ANSWER, 0.95, "the final answer is not the reference answer", _by(VERIFIER)),
    Rule(Modes.TEMPERATURE, 0.8, "drawn far too hot", lambda evidence: evidence.temperature >= WILD),
    Rule(
        Modes.CROSS_PASSAGE,
        0.8,
        "another passage tells it",
        lambda evidence: _unfaithful(evidence) and evidence.told_elsewhere is not None,
    ),
    Rule(
        Modes.DOMAIN_MISMATCH,
        0.7,
        "the question shares hardly a word with the passage",
        lambda evidence: evidence.question_in_passage < ON_TOPIC and evidence.names_subject,
    ),
    Rule(
        Modes.INSTRUCTION_QUALITY,
        0.7,
        "poor, and the question names nothing",
        lambda evidence: REWARD in evidence.rejected and not evidence.names_subject,
    ),
    Rule(
        Modes.RESPONSE_QUALITY,
        0.7,
        "poor, and the answer is empty of content",
        lambda evidence: (
            REWARD in evidence.rejected
            and (evidence.answer_to_itself or not evidence.answer_words or evidence.truncated)
        ),
    ),
    Rule(
        Modes.RESPONSE_QUALITY,
        0.6,
        "poor, and the question can stand",
        lambda evidence: REWARD in evidence.rejected and evidence.poor_by > MARGIN,
    ),
    Rule(
        Modes.MARGINAL,
        0.5,
        "every score is close to its threshold",
        lambda evidence: all(margin <= MARGIN for margin in evidence.margins.values()),
    ),
    Rule(
        Modes.TEMPERATURE,
        0.6,
        "the answer's words are foreign to the passage, drawn at a high temperature",
        lambda evidence: _unfaithful(evidence) and evidence.answer_in_passage < FOREIGN and evidence.temperature >= HOT,
    ),
    Rule(
        Modes.PARAMETRIC,
        0.75,
        "the answer's words are foreign to the passage",
        lambda evidence: _unfaithful(evidence) and evidence.answer_in_passage < FOREIGN,
    ),
    Rule(
        Modes.AMBIGUOUS_SOURCE,
        0.6,
        "the answer stands in the passage, beside what was asked",
        lambda evidence: _unfaithful(evidence) and evidence.answer_elsewhere,
    ),
    Rule(
        Modes.PARAMETRIC,
        0.5,
        "the passage does not state the answer",
        lambda evidence: _unfaithful(evidence) and not evidence.answer_stated,
    ),
    Rule(
        Modes.RESPONSE_QUALITY,
        0.5,
        "poor, and the question can stand",
        lambda evidence: REWARD in evidence.rejected and not _unfaithful(evidence),
    ),
)


def diagnose(evidence: DraftEvidence) -> Diagnosis:
    """The mode that a gate named, or that of the first rule that holds; `unknown` when none does."""
    if evidence.brought is not None:
        gate, mode = evidence.brought
        return Diagnosis(mode, TOLD, (f"the {gate} gate says so", *_facts(evidence)))
    for rule in RULES:
        if rule.holds(evidence):
            return Diagnosis(rule.mode, rule.confidence, (rule.reason, *_facts(evidence)))
    return Diagnosis(Modes.UNKNOWN, 0.0, ("no rule holds", *_facts(evidence)))


def _facts(evidence: DraftEvidence) -> tuple[str, ...]:
    facts = [f"{gate} is {margin:.2f} below its threshold" for gate, margin in evidence.margins.items()]
    if evidence.malformed is not None:
        facts.append(evidence.malformed)
    if evidence.told_elsewhere is not None:
        facts.append(f"told by passage {evidence.told_elsewhere}")
    if evidence.answer_words:
        facts.append(f"{evidence.answer_in_passage:.0%} of the answer's words are in the passage")
    return tuple(facts)
