"""The goal of passage affinity, on simulated replicas and with the product's own choice."""

from benchmarks.affinity_simulated import Case, compared


def test_affinity_computes_at_most_six_tenths_of_round_robins_prompts() -> None:
    """Two replicas, few long passages at once and many: each is read about once, and the whole takes less time."""
    for case in (Case(12, 6, 2), Case(48, 16, 2)):
        found = compared(case, seeds=8)
        assert found.computed <= 0.6 and found.whole_s < 0.75
