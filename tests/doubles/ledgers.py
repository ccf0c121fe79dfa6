"""A seeded, plausible run as ledger records: recoveries, duplicates, errors, refused documents. No model, no clock.

Law: the same seed and size give the same records; each obeys what a conductor and a queue would have written.
"""

from collections.abc import Iterable, Iterator, Sequence
from heapq import heappop, heappush
from random import Random

from msgspec import Struct

from actors.ledger.running_hash import START, next_head
from actors.recovery.bar import raised
from schemas.corpus import DocumentRefused, Passage, Provenance, RefusalReason
from schemas.errors import ErrorKind
from schemas.ids import DocumentId, OrderId, PoolName, content_id, derived_seed
from schemas.ledger import (
    AcceptedEnd,
    CorpusEnded,
    CreditBegun,
    Credited,
    DeadLetteredEnd,
    Planned,
    Reconfigured,
    Record,
    Refused,
    Rejoined,
    Reopened,
    Rescored,
    Rolled,
    RunStarted,
    ShardKind,
)
from schemas.orders import Attempt, DeadLetter, EndReason, Order
from schemas.recovery import Choice, Diagnosis, FailureMode, Modes, Repair, Repairs
from schemas.samples import Candidate, Cost, Draft, MalformedReason, Message, Sampling, answered
from schemas.verdicts import (
    DIVERSITY,
    FAITHFULNESS,
    FORMAT,
    PROVENANCE,
    REWARD,
    ClaimEvidence,
    Errored,
    Evidence,
    GateName,
    Passed,
    Quote,
    Raised,
    Rejected,
    Verdict,
)
from schemas.wire import encode_record

STARTED_AT = 1_760_000_000.0
_TOWNS = ("Vessar", "Ombrel", "Quillan", "Tarn Hollow", "Ysk", "Marrowby", "Selt", "Oriel Bay", "Dunmere", "Kestrin")
_FOUNDERS = ("Ilva Brandt", "Osk Tamm", "Perrin Vale", "Maro Dell", "Anke Sorrel", "Tobin Ash", "Lysa Korr")
_REPAIR_OF = {
    Modes.PARAMETRIC: Repairs.STRICT_GROUNDING,
    Modes.TEMPERATURE: Repairs.LOWER_TEMPERATURE,
    Modes.CROSS_PASSAGE: Repairs.QUOTE_THEN_ANSWER,
    Modes.MARGINAL: Repairs.RESAMPLE,
    Modes.INSTRUCTION_QUALITY: Repairs.REGENERATE_QUESTION,
    Modes.MALFORMED: Repairs.LOWER_TEMPERATURE,
    Modes.NEAR_DUPLICATE: Repairs.REGENERATE_QUESTION,
    Modes.UNKNOWN: Repairs.ESCALATE,
}
_RECOVERS = {
    Repairs.STRICT_GROUNDING: 0.72,
    Repairs.LOWER_TEMPERATURE: 0.55,
    Repairs.QUOTE_THEN_ANSWER: 0.6,
    Repairs.RESAMPLE: 0.45,
    Repairs.REGENERATE_QUESTION: 0.65,
    Repairs.ESCALATE: 0.5,
}


class Scale(Struct, frozen=True):
    """How large a run, and how far it got: `finished` orders of every 1.0 have an end."""

    passages: int = 40
    samples_per_passage: int = 3
    max_attempts: int = 4
    finished: float = 1.0
    refused: int = 2


class Fact(Struct, frozen=True):
    """One sentence of a passage, what it answers, and what a wrong memory would say."""

    sentence: str
    question: str
    answer: str
    wrong: str


SMALL = Scale()


def plausible_run(seed: int, scale: Scale = SMALL) -> Iterator[Record]:
    """The records of a run in ledger order, lazily: memory does not grow with the number of passages."""
    yield RunStarted(at=STARTED_AT, config_sha256=content_id("config", seed) * 2, versions={"gleaner": "0.1.0"})
    yield from _in_time(_lives(Random(seed), seed, scale))


def _in_time(records: Iterable[Record]) -> Iterator[Record]:
    """The records as they happened. A plan comes no later than anything after it: what is older may go."""
    waiting: list[tuple[float, int, Record]] = []
    for count, record in enumerate(records):
        if isinstance(record, Planned):
            while waiting and waiting[0][0] <= record.at:
                yield heappop(waiting)[2]
        heappush(waiting, (record.at, count, record))
    while waiting:
        yield heappop(waiting)[2]


def _lives(random: Random, seed: int, scale: Scale) -> Iterator[Record]:
    now = STARTED_AT + 6.0
    for number in range(scale.refused):
        document = DocumentRefused(
            uri=f"file:///corpus/bad-{number}.txt", reason=RefusalReason.NUL_BYTES, detail="3 NUL bytes, first at 17"
        )
        yield Refused(at=now, document=document)
    for number in range(scale.passages):
        passage, facts = almanac_passage(number, random)
        orders = tuple(Order.fresh(passage.id, "grounded_answer", slot) for slot in range(scale.samples_per_passage))
        now += random.uniform(0.05, 0.3)
        yield Planned(at=now, passage=passage, orders=orders)
        for order in orders:
            if random.random() < scale.finished:
                yield from _Life(random, passage, facts, seed=seed).live(order, now, scale.max_attempts)
    if scale.finished >= 1.0:
        yield CorpusEnded(at=now, documents=scale.passages + scale.refused, passages=scale.passages)


def almanac_passage(number: int, random: Random) -> tuple[Passage, list[Fact]]:
    """A passage about a fictional town, and the facts in it."""
    town = f"{random.choice(_TOWNS)} {number}" if number >= len(_TOWNS) else _TOWNS[number]
    founder, other = random.sample(_FOUNDERS, 2)
    year, height, ships = random.randint(1104, 1889), random.randint(3, 940), random.randint(4, 220)
    facts = [
        Fact(f"{town} was founded in {year} by {founder}.", f"Who founded {town}?", founder, other),
        Fact(f"It stands {height} metres above the sea.", f"How high is {town}?", f"{height} metres", "12 metres"),
        Fact(f"Its harbour holds {ships} ships.", f"How many ships does {town} hold?", f"{ships}", f"{ships + 30}"),
        Fact(f"The charter was read in {year + 9}.", f"When was {town}'s charter read?", f"{year + 9}", f"{year - 40}"),
    ]
    text = " ".join(fact.sentence for fact in facts)
    provenance = Provenance(
        uri=f"file:///corpus/towns.jsonl#record={number}",
        document_id=DocumentId(f"town-{number}"),
        document_sha256=content_id("document", number) * 2,
        start=0,
        end=len(text),
        chunker="sentences/1",
    )
    return Passage.of(text, provenance), facts


class _Life:
    """The attempts of one order."""

    def __init__(self, random: Random, passage: Passage, facts: Sequence[Fact], *, seed: int) -> None:
        self._random = random
        self._passage = passage
        self._facts = facts
        self._seed = seed

    def live(self, order: Order, now: float, max_attempts: int) -> Iterator[Record]:
        repair: Repair | None = None
        for number in range(1, max_attempts + 1):
            started_at, seconds = now, self._random.lognormvariate(-0.2, 0.5)
            now += seconds
            attempt = Attempt(number=number, repair=repair, candidate=None, started_at=started_at, seconds=seconds)
            if self._random.random() < 0.006:
                end = DeadLetter(
                    reason=EndReason.ENGINE_ERROR, detail="timed out after 300 s", error=ErrorKind.RETRYABLE
                )
                yield DeadLetteredEnd(at=now, order_id=order.id, attempt=attempt, end=end)
                return
            chance = 0.76 if repair is None else _RECOVERS[repair.kind]
            mode = None if self._random.random() < chance else self._random.choice(list(_REPAIR_OF))
            attempt = self._judged(attempt, order, mode)
            errors = [said for said in attempt.verdicts if isinstance(said, Errored)]
            if errors:
                end = DeadLetter(reason=EndReason.GATE_ERROR, detail=errors[0].detail, gates=(errors[0].gate,))
                yield DeadLetteredEnd(at=now, order_id=order.id, attempt=attempt, end=end)
                return
            if mode is None:
                yield AcceptedEnd(at=now, order_id=order.id, attempt=attempt)
                return
            attempt, repair = self._diagnosed(attempt, mode, stop=number == max_attempts)
            if repair is None:
                gates = tuple(said.gate for said in attempt.verdicts if isinstance(said, Rejected))
                end = DeadLetter(reason=EndReason.REJECTED, detail="attempts ran out", gates=gates)
                yield DeadLetteredEnd(at=now, order_id=order.id, attempt=attempt, end=end)
                return
            yield Rejoined(at=now, order_id=order.id, attempt=attempt)

    def _judged(self, attempt: Attempt, order: Order, mode: FailureMode | None) -> Attempt:
        fact = self._facts[order.slot % len(self._facts)]
        wrong = mode in (Modes.PARAMETRIC, Modes.TEMPERATURE, Modes.CROSS_PASSAGE)
        draft = answered(question=fact.question, answer=fact.wrong if wrong else fact.answer)
        if attempt.repair is not None and attempt.repair.kind == Repairs.QUOTE_THEN_ANSWER:
            draft = answered(question=draft.question, answer=draft.answer, quote=fact.sentence)
        malformed = mode == Modes.MALFORMED
        text = "Question: and then" if malformed else f"Question: {draft.question}\nAnswer: {draft.answer}"
        temperature = attempt.repair.temperature if attempt.repair else 0.7
        candidate = Candidate(
            pool=PoolName("strong" if attempt.repair and attempt.repair.pool else "generator"),
            prompt=(Message("user", f"Passage: <<< {self._passage.text} >>>\nWrite one question and its answer."),),
            sampling=Sampling(temperature=temperature, seed=derived_seed(self._seed, order.id, attempt.number)),
            text=text,
            draft=None if malformed else draft,
            malformed="no line begins with 'Answer:'" if malformed else None,
            malformed_reason=MalformedReason.NO_ANSWER if malformed else None,
            cost=Cost(prompt_tokens=self._random.randint(80, 140), completion_tokens=30, seconds=attempt.seconds * 0.7),
        )
        verdicts = self._verdicts(attempt.number, mode, draft, fact)
        return Attempt(
            number=attempt.number,
            repair=attempt.repair,
            candidate=candidate,
            verdicts=verdicts,
            started_at=attempt.started_at,
            seconds=attempt.seconds,
        )

    def _verdicts(self, number: int, mode: FailureMode | None, draft: Draft, fact: Fact) -> tuple[Verdict, ...]:
        if mode == Modes.MALFORMED:
            return (Rejected(gate=FORMAT, score=0.0, threshold=1.0),)
        grounded = Passed(gate=PROVENANCE, score=1.0, threshold=1.0)
        unfaithful = mode in (
            Modes.PARAMETRIC,
            Modes.TEMPERATURE,
            Modes.CROSS_PASSAGE,
            Modes.MARGINAL,
            Modes.UNKNOWN,
        )
        start = self._passage.text.index(fact.sentence)
        quote = Quote(fact.sentence, start, start + len(fact.sentence))
        claim = ClaimEvidence(claim=f"{draft.question} {draft.answer}", supported=not unfaithful, quote=quote)
        evidence = Evidence(claims=(claim,), raised=None if number == 1 else Raised(0.5, number))
        faithful = self._said(FAITHFULNESS, not unfaithful, evidence, raised(0.5, number))
        poor = mode == Modes.INSTRUCTION_QUALITY or (unfaithful and self._random.random() < 0.18)
        reward = self._said(REWARD, not poor, Evidence())
        if mode is None and self._random.random() < 0.004:
            reward = Errored(gate=REWARD, error=ErrorKind.NONSENSE, detail="the reply holds no score")
        verdicts: tuple[Verdict, ...] = (grounded, faithful, reward)
        if mode == Modes.NEAR_DUPLICATE:
            note = f"asks the same as {content_id('of', draft.question)[:8]}: {draft.question}"
            verdicts += (Rejected(gate=DIVERSITY, score=0.0, threshold=0.1, evidence=Evidence(note=note)),)
        return verdicts

    def _said(self, gate: GateName, passes: bool, evidence: Evidence, threshold: float = 0.5) -> Verdict:
        cost = Cost(prompt_tokens=self._random.randint(60, 120), seconds=self._random.uniform(0.05, 0.4))
        score = (
            threshold + (1 - threshold) * self._random.betavariate(6, 1.6)
            if passes
            else 0.499 * self._random.betavariate(1.4, 2.2)
        )
        kind = Passed if passes else Rejected
        return kind(gate=gate, score=score, threshold=threshold, evidence=evidence, cost=cost)

    def _diagnosed(self, attempt: Attempt, mode: FailureMode, *, stop: bool) -> tuple[Attempt, Repair | None]:
        kind = _REPAIR_OF[mode]
        assert attempt.candidate is not None
        temperature = 0.2 if kind == Repairs.LOWER_TEMPERATURE else 0.7
        pool = PoolName("strong") if kind == Repairs.ESCALATE else None
        repair = None if stop else Repair(kind, temperature, previous=attempt.candidate.draft, pool=pool)
        reasons = (f"evidence speaks for {mode}", f"attempt {attempt.number}")
        diagnosed = Attempt(
            number=attempt.number,
            repair=attempt.repair,
            candidate=attempt.candidate,
            verdicts=attempt.verdicts,
            diagnosis=Diagnosis(mode, confidence=round(self._random.uniform(0.4, 0.95), 2), reasons=reasons),
            choice=Choice("rules", repair, reason="attempts ran out" if stop else f"{mode}: {kind}"),
            started_at=attempt.started_at,
            seconds=attempt.seconds,
        )
        return diagnosed, repair


class MemoryLedger:
    """Records by sequence number (from 1), read as the durable ledger is read."""

    def __init__(self, records: Sequence[Record] = ()) -> None:
        self.records: list[Record] = []
        self._stories: dict[OrderId, list[Record]] = {}
        self._heads = [START]
        self.append(records)

    def append(self, records: Sequence[Record]) -> int:
        for record in records:
            self.records.append(record)
            for order_id in _orders_of(record):
                self._stories.setdefault(order_id, []).append(record)
        return len(self.records)

    def ends(
        self, kind: ShardKind, after_seq: int, limit: int
    ) -> list[tuple[int, AcceptedEnd | Rescored | DeadLetteredEnd | Refused]]:
        """At most `limit` ends of a kind after a sequence number."""
        wanted = AcceptedEnd | Rescored if kind is ShardKind.DATASET else DeadLetteredEnd | Refused
        found: list[tuple[int, AcceptedEnd | Rescored | DeadLetteredEnd | Refused]] = []
        for seq in range(after_seq + 1, len(self.records) + 1):
            record = self.records[seq - 1]
            if isinstance(record, wanted):
                found.append((seq, record))
                if len(found) == limit:
                    break
        return found

    def planned(self, after_seq: int, limit: int) -> list[tuple[int, Planned]]:
        """At most `limit` plans after a sequence number."""
        later = enumerate(self.records[after_seq:], after_seq + 1)
        return [(seq, record) for seq, record in later if isinstance(record, Planned)][:limit]

    def story(self, order_id: OrderId) -> list[Record]:
        """Every record of one order."""
        return self._stories.get(order_id, [])

    folder = "0123456789ab"
    """The id that a durable ledger draws."""

    def head(self, seq: int) -> str:
        """The running hash, as the durable ledger has it."""
        while len(self._heads) <= seq:
            self._heads.append(next_head(self._heads[-1], encode_record(self.records[len(self._heads) - 1])))
        return self._heads[seq].hex()

    def last_seq(self) -> int:
        """Of the last record."""
        return len(self.records)

    def reopened(self) -> list[int]:
        """Sequence numbers of the ends that no longer hold."""
        return [record.end_seq for record in self.records if isinstance(record, Reopened)]

    def reconfigured(self) -> list[tuple[int, Reconfigured]]:
        """Every replacement of the configuration, with its sequence number."""
        return [(seq, record) for seq, record in enumerate(self.records, 1) if isinstance(record, Reconfigured)]


def _orders_of(record: Record) -> list[OrderId]:
    match record:
        case Planned():
            return [order.id for order in record.orders]
        case Rejoined() | AcceptedEnd() | DeadLetteredEnd() | Reopened() | Rescored() | CreditBegun():
            return [record.order_id]
        case Rolled() | Credited():
            return [record.order_id]
        case _:
            return []
