"""Which gates reject the same attempts."""

from schemas.ledger import Rejoined
from schemas.overlap import GateOverlap
from tests.actors.counts.records import FAITHFUL, GOOD, POOR, UNFAITHFUL, counted, first, planned


def test_the_gates_rejections_overlap_over_attempts_that_both_scored() -> None:
    """Two rejected by both, one by faithfulness alone, one by reward alone; one not scored by both is out."""
    plan, made = planned(6)
    said = [
        (UNFAITHFUL, POOR),
        (UNFAITHFUL, POOR),
        (UNFAITHFUL, GOOD),
        (FAITHFUL, POOR),
        (UNFAITHFUL,),
        (FAITHFUL, GOOD),
    ]
    rejoined = [Rejoined(2.0, order.id, first(*verdicts)) for order, verdicts in zip(made, said, strict=True)]
    overlap = counted([plan, *rejoined]).overlap
    assert overlap == GateOverlap(scored=5, both=2, only_faithfulness=1, only_reward=1)
    assert overlap.jaccard == 0.5
