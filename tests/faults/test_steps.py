"""kill -9 in a run whose samples are made by two calls each: every accepted sample is made of the steps that were
recorded with it, and no step is asked for again once its attempt is recorded."""

from pathlib import Path
from random import Random

import pytest
from msgspec.structs import replace

from actors.ledger.folder import Ledgers
from deployments.config.load import to_yaml
from schemas.config import FRESH_POOL
from schemas.config_deployed import Replicas
from schemas.config_gates import Gates, RuleGate
from schemas.config_tasks import Prompted, PromptedField, PromptedStep, TurnTemplate
from schemas.ledger import AcceptedEnd, DeadLetteredEnd, Rejoined
from schemas.orders import calls_of
from tests.faults.attack import PASSAGES, Attack
from tests.faults.cluster import ThreeNodes
from tests.faults.schedule import Kill, Target
from tests.faults.test_kills import SEEDS

pytestmark = [pytest.mark.ray, pytest.mark.slow]
ORDERS = 2 * PASSAGES
TASK = Prompted(
    samples_per_passage=2,
    steps=(
        PromptedStep((PromptedField("question", "a question"),), "{{ passage }} Write a question."),
        PromptedStep((PromptedField("answer", "its answer"),), "{{ passage }} Asked: {{ question }} Write its answer."),
    ),
    student=(TurnTemplate("user", "{{ question }}"), TurnTemplate("assistant", "{{ answer }}")),
)
"""The double answers each call by its prompt and seed, so that an answer tells which question it was shown."""
REJECTS_SOME: Gates = {"low": RuleGate(check=r"matches(answer, '[0-9a-c]\.$')")}
"""Three of 16, each asked for again; without a model, which would take its time to start after each death."""


@pytest.mark.parametrize("seed", range(max(1, SEEDS // 10)), ids=lambda seed: f"steps-{seed}")
def test_samples_of_two_calls_whoever_is_killed(nodes: ThreeNodes, corpus: Path, tmp_path: Path, seed: int) -> None:
    """A conductor, the queue and the driver die; every order ends once, whole."""
    attack = Attack(nodes, corpus, tmp_path)
    pool = attack.config.pools[FRESH_POOL]
    attack.config = replace(
        attack.config,
        task=TASK,
        gates=REJECTS_SOME,
        pools={FRESH_POOL: replace(pool, replicas=Replicas(min=2, max=2, num_cpus=1))},
    )
    (tmp_path / "run.yaml").write_text(to_yaml(attack.config))
    random = Random(seed)
    attack.start()
    try:
        for after, target in ((0.05, Target.CONDUCTOR), (0.15, Target.QUEUE), (0.3, Target.DRIVER)):
            attack.strike(Kill(after + random.uniform(0, 0.08), target, random.random()))
        attack.complete()
    finally:
        attack.stop()
    attack.holds()
    assert attack.ended() == ORDERS and len(attack.accepted()) > 0.9 * ORDERS
    asked = attack.requests()
    for end in attack.ends():
        first, last = calls_of(end.attempt)
        candidate = end.attempt.candidate
        assert candidate is not None and candidate.draft is not None
        question, answer = (candidate.draft.fields[name] for name in ("question", "answer"))
        assert question in first.text and answer in last.text
        assert f"Asked: {question} Write" in last.prompt[-1].content
        paid = f"{end.order_id}:{end.attempt.number}"
        assert paid in asked and f"{paid}:2" in asked
    assert asked_again(attack, tmp_path / "journal") == []


def asked_again(attack: Attack, journal: Path) -> list[str]:
    """Calls that began after their attempt was recorded."""
    settled: dict[str, float] = {}
    with Ledgers(attack.output) as ledgers:
        for _, record in ledgers.records():
            match record:
                case AcceptedEnd() | DeadLetteredEnd() | Rejoined() if record.attempt is not None:
                    settled[f"{record.order_id}:{record.attempt.number}"] = record.at
    lines = [line.split() for line in journal.read_text().splitlines()]
    began = [(":".join(request.split(":")[:2]), request, float(at)) for at, request in lines]
    return [request for attempt, request, at in began if at > settled.get(attempt, at)]
