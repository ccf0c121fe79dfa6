"""A run whose pods are deleted, as KubeRay deletes them when Kueue suspends its job.

A pod's end is: its preStop hook (`gleaner drain`), SIGTERM, a grace period, SIGKILL. KubeRay sends the run no more.
"""

import subprocess
from pathlib import Path

import pytest

from benchmarks.loop import SLOTS
from tests.faults.attack import COMMAND, PASSAGES, ROOT, Accepted, Attack
from tests.faults.cluster import ThreeNodes

pytestmark = [pytest.mark.ray, pytest.mark.slow]
INTERRUPTED = 130
GRACE_S = 1.0
"""Shorter than the held orders take, so that the drain is cut off."""


def generated_again(attack: Attack) -> int:
    """Generations that were begun, and were begun again."""
    made = attack.requests()
    return len(made) - len(set(made))


def test_a_suspended_run_goes_on_and_nothing_is_paid_twice(
    nodes: ThreeNodes, corpus: Path, undisturbed: Accepted, tmp_path: Path
) -> None:
    """First with a grace period that is too short: what was in flight, at most, is paid again. Then with the hook of
    the manifests: nothing is. Both times the same command goes on, and the samples are those of a run left alone."""
    attack = Attack(nodes, corpus, tmp_path)
    conductors = attack.config.conductors
    assert conductors.concurrency is not None
    flight = conductors.count * conductors.concurrency
    try:
        attack.start()
        attack.sees(lambda: attack.ended() > 0.2 * PASSAGES * SLOTS, "a fifth of the work")
        attack.terminate(GRACE_S)
        attack.start()
        attack.sees(lambda: attack.ended() > 0.4 * PASSAGES * SLOTS, "two fifths of the work")
        cut_off = generated_again(attack)
        attack.hold_nothing()
        subprocess.run([*COMMAND, "drain", attack.output], cwd=ROOT, env=nodes.environment, check=True, timeout=120)
        assert attack.code() == INTERRUPTED
        at_the_stop = attack.ended()
        attack.start()
        attack.complete()
    finally:
        attack.stop()
    attack.prove(undisturbed)
    assert at_the_stop < PASSAGES * SLOTS
    assert 0 < cut_off <= flight
    assert generated_again(attack) == cut_off
