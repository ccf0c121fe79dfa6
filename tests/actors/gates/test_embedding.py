"""The embedder as a conductor asks it: after the gates, retried like one, and never passed over."""

from msgspec.structs import replace

from actors.conductor import Conductor
from actors.counts.distributions import AttemptDistributions
from actors.counts.entries import OutstandingOrders
from actors.counts.spend import SpendFold
from actors.gates.diversity import duplicate_verdict
from actors.gates.judge import Gating
from actors.text.vectors import packed
from schemas.errors import EngineError, ErrorKind
from schemas.ledger import AcceptedEnd, Planned
from schemas.orders import Accept, DeadLetter, EndReason, Requeue, cost_of
from schemas.samples import Cost, Draft, Texts
from schemas.stages import Stage
from schemas.vectors import EMBEDDER, Embedded, EmbeddingRequest, Vector
from schemas.verdicts import DIVERSITY, FAITHFULNESS, PROVENANCE, Errored
from tests.doubles.conductors import PASSAGE, AskAndRead, Book, Model, Says, conductor_of, lease, passed, rejected

MADE = Embedded(Vector("m@1", packed([1.0, 2.0])), Cost(prompt_tokens=7))


class Embeds:
    """An embedder that fails as told, and then answers."""

    def __init__(self, *failures: EngineError) -> None:
        self.failures = list(failures)
        self.requests: list[EmbeddingRequest] = []

    async def embed(self, request: EmbeddingRequest) -> Embedded:
        self.requests.append(request)
        if self.failures:
            raise self.failures.pop(0)
        return MADE


def conducting(book: Book, embedder: Embeds, gate: Says | None = None, task: AskAndRead | None = None) -> Conductor:
    """One gate, which passes unless it is told otherwise, and the embedder."""
    gates = Gating(
        provenance=Says(passed(PROVENANCE)),
        scored={FAITHFULNESS: gate or Says(passed(FAITHFULNESS))},
        short_circuit=False,
        duplicate=duplicate_verdict,
        embedder=embedder,
    )
    return conductor_of(book, Model(), gates, task)


async def test_what_the_gates_passed_gets_its_vector() -> None:
    """The texts of the task's key, a line each; the vector and its cost travel with the attempt."""
    book, embedder = Book(lease()), Embeds()
    await conducting(book, embedder).run()
    (outcome,) = book.outcomes
    assert outcome.decision == Accept()
    assert outcome.attempt.embedded is not None
    assert outcome.attempt.embedded.vector == MADE.vector
    assert [(request.id, request.text) for request in embedder.requests] == [
        (f"{lease().order.id}:1", "Q: when? \n 1623")
    ]
    assert cost_of(outcome.attempt).tokens == cost_of(replace(outcome.attempt, embedded=None)).tokens + 7


async def test_what_a_gate_rejected_is_not_embedded() -> None:
    """Nothing is paid for a draft that is not compared."""
    book, embedder = Book(lease()), Embeds()
    await conducting(book, embedder, Says(rejected(FAITHFULNESS))).run()
    assert isinstance(book.outcomes[0].decision, Requeue)
    assert embedder.requests == [] and book.outcomes[0].attempt.embedded is None


async def test_a_task_without_a_key_asks_for_no_vector() -> None:
    """Problems of math are asked again on purpose."""

    class Unkeyed(AskAndRead):
        def key(self, draft: Draft) -> Texts | None:
            return None

    book, embedder = Book(lease()), Embeds()
    await conducting(book, embedder, task=Unkeyed()).run()
    assert [outcome.decision for outcome in book.outcomes] == [Accept()]
    assert embedder.requests == []


async def test_a_passing_fault_of_the_embedder_is_invisible() -> None:
    """One fault, then an answer: accepted at the first attempt."""
    book, embedder = Book(lease()), Embeds(EngineError(ErrorKind.RETRYABLE, "502"))
    await conducting(book, embedder).run()
    assert [outcome.decision for outcome in book.outcomes] == [Accept()]
    assert len(embedder.requests) > 1


async def test_what_cannot_be_embedded_is_a_gates_error_and_not_accepted() -> None:
    """No vector is not the same as no duplicate: a dead letter that a replay puts back."""
    book = Book(lease())
    await conducting(book, Embeds(EngineError(ErrorKind.PERMANENT, "too long"))).run()
    (outcome,) = book.outcomes
    gates, detail = (DIVERSITY,), "the embedder: too long"
    assert outcome.decision == DeadLetter(EndReason.GATE_ERROR, detail, gates, ErrorKind.PERMANENT)
    said = outcome.attempt.verdicts[-1]
    assert isinstance(said, Errored) and said.gate == DIVERSITY
    assert outcome.attempt.embedded is None


async def test_calls_of_the_embedder_are_counted_under_its_role() -> None:
    """Metrics, status and autoscaling see it as they see gates."""
    book = Book(lease())
    running = conducting(book, Embeds())
    await running.run()
    planned = Planned(0.0, PASSAGE, (lease().order,))
    orders, spend, times = OutstandingOrders(), SpendFold(), AttemptDistributions()
    for record in (planned, AcceptedEnd(9.0, lease().order.id, book.outcomes[0].attempt)):
        entry = orders.entry(record)
        spend.apply(entry)
        times.apply(entry)
    (role,) = (role for role in spend.tables().roles if role.role == EMBEDDER)
    assert (role.calls, role.tokens) == (1, 7)
    assert sum(times.distributions().calls[EMBEDDER].counts) == 1
    flows = {flow.name: flow.ended for flow in running.status().pools}
    assert flows[EMBEDDER] == 1
    assert {flow.stage: flow.done for flow in running.status().stages}[Stage(EMBEDDER)] == 1
