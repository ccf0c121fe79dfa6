"""What the study keeps of a run: every attempt, with what the gates said and what is true.

Law: in the order in which the ledger recorded them, so that any budget can be laid on afterwards.
"""

from collections.abc import Sequence

from msgspec import Struct

from actors.ledger.attempts import tokens
from schemas.corpus import Passage
from schemas.flaws import Worth
from schemas.ids import OrderId
from schemas.ledger import (
    AcceptedEnd,
    DeadLetteredEnd,
    Planned,
    ProbeEnded,
    ProbeIssued,
    ProbeRejoined,
    Record,
    Rejoined,
)
from schemas.orders import Attempt
from schemas.probes import ProbeFacts
from schemas.samples import Draft, answered
from schemas.verdicts import FAITHFULNESS, REWARD, Errored, Passed, Rejected
from studies.provenance.world import is_faithful, is_good


class Try(Struct, frozen=True, omit_defaults=True):
    """One attempt. `passage` counts the seed's passages, `slot` the orders of a passage; both from 0. A bad probe
    beside an order has a slot of its own below 0: -1 for that of slot 0."""

    passage: int
    slot: int
    attempt: int
    tokens: int
    """Generator's and gates'."""
    accepted: bool
    question: str | None = None
    """None, as the answer, where the text does not parse."""
    answer: str | None = None
    faithfulness: float | None = None
    reward: float | None = None
    rejected: tuple[str, ...] = ()
    """Gates that rejected it."""
    mode: str | None = None
    """What the diagnoser said of it before a repair was chosen."""
    repair: str | None = None
    """The repair that it was made under; None for first attempts."""
    kind: str | None = None
    """In which way the first attempt was spoilt; None where it was not."""
    verified: bool = False
    """It was spoilt, and by the world's facts its text is bad."""
    faithful: bool | None = None
    """True of the world; None where the question is none that the passage could answer, or there is no draft."""
    good: bool = False
    """The passage states the whole answer, and both are well worded."""

    @property
    def order(self) -> tuple[int, int]:
        """Which order it is an attempt of."""
        return (self.passage, self.slot)

    @property
    def draft(self) -> Draft | None:
        """As the gates saw it."""
        return None if self.question is None or self.answer is None else answered(self.question, self.answer)


def tries_of(records: Sequence[Record], told: Sequence[Passage]) -> list[Try]:
    """Every attempt of a ledger about these passages."""
    numbers = {passage.id: number for number, passage in enumerate(told)}
    places: dict[OrderId, tuple[int, int]] = {}
    found: list[Try] = []
    for record in records:
        match record:
            case Planned(orders=orders):
                places |= {order.id: (numbers[order.passage_id], order.slot) for order in orders}
            case Rejoined() | AcceptedEnd() | DeadLetteredEnd() if record.attempt is not None:
                passage, slot = places[record.order_id]
                accepted = isinstance(record, AcceptedEnd)
                found.append(_try(record.attempt, told[passage].text, place=(passage, slot), accepted=accepted))
            case ProbeIssued(probe=probe):
                passage, slot = places[OrderId(probe.origin)]
                places[probe.id] = passage, -1 - slot
            case ProbeRejoined() | ProbeEnded() if record.attempt is not None and record.attempt.verdicts:
                passage, slot = places[record.order_id]
                text, passed = told[passage].text, all(isinstance(said, Passed) for said in record.attempt.verdicts)
                tried = _try(record.attempt, text, place=(passage, slot), accepted=passed, probed=record.facts)
                found.append(tried)
            case _:
                pass
    return found


def _try(
    attempt: Attempt, passage: str, *, place: tuple[int, int], accepted: bool, probed: ProbeFacts | None = None
) -> Try:
    draft = None if attempt.candidate is None else attempt.candidate.draft
    scores = {said.gate: said.score for said in attempt.verdicts if not isinstance(said, Errored)}
    return Try(
        passage=place[0],
        slot=place[1],
        attempt=attempt.number,
        tokens=tokens(attempt),
        accepted=accepted,
        question=None if draft is None else draft.question,
        answer=None if draft is None else draft.answer,
        faithfulness=scores.get(FAITHFULNESS),
        reward=scores.get(REWARD),
        rejected=tuple(said.gate for said in attempt.verdicts if isinstance(said, Rejected)),
        mode=None if attempt.diagnosis is None else attempt.diagnosis.mode,
        repair=None if attempt.repair is None else attempt.repair.kind,
        kind=None if probed is None or probed.flaw is None else probed.flaw.value,
        verified=probed is not None and probed.worth is Worth.BAD,
        faithful=None if draft is None else is_faithful(passage, draft),
        good=draft is not None and is_good(passage, draft),
    )
