"""One sample's whole life, flat: no Ray, no queue, no ledger. Run it: `python examples/one_sample.py`.

A document becomes a passage with its exact place; a generator writes a question and an answer about it; two gates look
at them apart; what is rejected is diagnosed, and repaired as the diagnosis says, until it is accepted or given up. The
conductor (`actors/conductor.py`) does the same for thousands at once; everything here is what it uses.
"""

import asyncio
import time
from hashlib import sha256
from pathlib import Path

from actors.calls.asker import Asker, Way
from actors.corpus.chunker import Chunker
from actors.gates.build import build_gate
from actors.gates.provenance import ProvenanceGate
from actors.recovery.policies import build_recovery
from actors.tasks.grounded_answer import GroundedAnswerTask
from deployments.engines.build import EngineRole, build_engine
from schemas.config import Chunking, GroundedAnswer, Recovery, SamplingDefaults
from schemas.config_engines import TransformersEngine
from schemas.config_gates import Classifier
from schemas.corpus import Document
from schemas.ids import DocumentId, PoolName
from schemas.orders import AttemptSummary, Lease, Order
from schemas.recovery import Repair
from schemas.samples import Candidate
from schemas.verdicts import FAITHFULNESS, FORMAT, REWARD, GateRequest, Passed, Rejected, Verdict

MODELS = Path(__file__).parent / "almanac" / "models"
TEXT = (
    "The Green Trestle's opening was held in 1631. Below the bridge flows the Lyswin. The plans of the bridge were "
    "drawn by Freya Ashmont. Builders used granite for the bridge. The nearest city to the Green Trestle is Corport."
)


def model(name: str) -> TransformersEngine:
    return TransformersEngine(model=str(MODELS / name), dtype="float32")


async def live(text: str, *, seed: int, say=print) -> Candidate | None:
    """The accepted candidate, or None when the policy gave up."""
    document = Document(DocumentId("trestle"), "memory://trestle", sha256(text.encode()).hexdigest(), text)
    passage = next(Chunker(Chunking()).passages(document))
    where = passage.provenance
    assert passage.text == document.text[where.start : where.end]

    task = GroundedAnswerTask(
        GroundedAnswer(prompts="embedded", sampling=SamplingDefaults(temperature=0.9, max_tokens=48))
    )
    recovery = build_recovery(Recovery(policy="rules", max_attempts=4))
    generator = build_engine(model("generator-middle"), EngineRole.GENERATOR)
    judging, rewarding = Classifier(engine=model("judge-strong")), Classifier(engine=model("reward"))
    judge = build_engine(judging.engine, EngineRole.CLASSIFIER)
    reward = build_engine(rewarding.engine, EngineRole.CLASSIFIER)
    faithfulness = build_gate(FAITHFULNESS, judging, judge)
    gates = (ProvenanceGate(), faithfulness, build_gate(REWARD, rewarding, reward))
    engines = (generator, judge, reward)
    for engine in engines:
        await engine.start()

    pool = PoolName("generator")
    way = Way(lambda _, request: generator.generate(request), pool, pool, seed, time.monotonic)
    order = Order.fresh(passage.id, "grounded_answer", slot=0)
    attempt, repair, history = 1, None, ()
    try:
        while True:
            lease = Lease(order, passage, attempt, expires_at=0.0, repair=repair, history=history)

            # generate: the task asks, and reads what comes back
            asker = Asker(lease, way)
            (made,) = [made async for made in task.attempt(lease, asker)]
            candidate = asker.candidate(made)
            say(f"attempt {attempt} ({_name(repair)}, T={candidate.sampling.temperature:g})\n  {candidate.text!r}")

            # gate
            verdicts: list[Verdict] = [Rejected(FORMAT, 0.0, 1.0)]
            if candidate.draft is not None:
                asked = GateRequest(f"{order.id}:{attempt}", passage, candidate.draft, attempt)
                verdicts = [await gate.check(asked) for gate in gates]
            for verdict in verdicts:
                say(f"  {verdict.gate}: {type(verdict).__name__.lower()}")
            if all(isinstance(verdict, Passed) for verdict in verdicts):
                say(f"accepted, backed by {where.uri}[{where.start}:{where.end}]")
                return candidate

            # diagnose, then repair or stop
            diagnosis, choice = recovery.decide(lease, candidate, verdicts)
            say(f"  diagnosed as {diagnosis.mode}: {'; '.join(diagnosis.reasons)}")
            if choice.repair is None:
                say(f"dead-lettered: {choice.reason}")
                return None
            history = (*history, AttemptSummary(mode=diagnosis.mode, repair=_name(repair)))
            attempt, repair = attempt + 1, choice.repair
    finally:
        for engine in engines:
            await engine.close()


def _name(repair: Repair | None) -> str:
    return "fresh" if repair is None else repair.kind


if __name__ == "__main__":
    asyncio.run(live(TEXT, seed=1))
