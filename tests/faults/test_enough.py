"""kill -9 in a run that ends at a number of samples, on its way to more, and its end on purpose: exactly so many are
accepted, and of the gate's share nobody was missed."""

import subprocess
from pathlib import Path

import pytest
from msgspec.structs import replace

from deployments.config.load import to_yaml
from schemas.config_bounds import Stopping
from schemas.verdicts import REWARD
from tests.doubles.gates import changed_gate
from tests.faults.attack import COMMAND, ROOT, Attack
from tests.faults.cluster import ThreeNodes
from tests.faults.schedule import Kill, Target

pytestmark = [pytest.mark.ray, pytest.mark.slow]
ENOUGH, MORE = 300, 60
KILLS = (
    Kill(after=0.05, target=Target.CONDUCTOR, which=0.9),
    Kill(after=0.12, target=Target.QUEUE, which=0.5),
    Kill(after=0.2, target=Target.DRIVER, which=0.0),
    Kill(after=0.3, target=Target.QUEUE, which=0.1),
)
"""Shares of all orders that the corpus has; at 0.4 of them there is enough."""


def test_exactly_as_many_as_were_asked_for_whoever_is_killed(nodes: ThreeNodes, corpus: Path, tmp_path: Path) -> None:
    """Two queues divide what is missing, one gate judges half of the orders; then `--more` goes on from the finished
    folder and is killed, too."""
    attack = Attack(nodes, corpus, tmp_path, shards=2)
    config = replace(changed_gate(attack.config, REWARD, share=0.5), stop=Stopping(accepted=ENOUGH))
    attack.config = config
    (tmp_path / "run.yaml").write_text(to_yaml(config))
    attack.start()
    try:
        for kill in KILLS:
            attack.strike(kill)
        attack.complete()
        assert len(attack.accepted()) == ENOUGH
        attack.holds()
        first = attack.accepted()
        attack.more = MORE
        attack.start()
        attack.sees(lambda: len(attack.accepted()) >= ENOUGH + MORE / 4, "a quarter of what is more")
        attack.kill_the_driver()
        attack.more = None
        attack.start()
        attack.complete()
    finally:
        attack.stop()
    assert len(attack.accepted()) == ENOUGH + MORE
    assert first.items() <= attack.accepted().items()
    attack.holds()
    judged = [REWARD in {verdict.gate for verdict in end.attempt.verdicts} for end in attack.ends()]
    assert 0.35 < sum(judged) / len(judged) < 0.65


def test_a_run_that_goes_on_is_ended_on_purpose(nodes: ThreeNodes, corpus: Path, tmp_path: Path) -> None:
    """`gleaner end` beside the run: it comes to a good end with what it has, and the same command adds nothing."""
    attack = Attack(nodes, corpus, tmp_path)
    attack.start()
    try:
        attack.sees(lambda: attack.ended() > 100, "a hundred ends")
        attack.hold_nothing()  # what is in flight still counts, and `end` waits for it
        ended = [*COMMAND, "end", str(attack.output)]
        subprocess.run(ended, cwd=ROOT, env=nodes.environment, check=True, timeout=120)
        attack.complete()
        accepted = attack.accepted()
        attack.start()
        attack.complete()
    finally:
        attack.stop()
    assert 100 <= len(accepted) < 700
    assert attack.accepted() == accepted
    attack.holds()
