"""What the diagnosis names of failures that the world names (plan 2): tallies of one run.

Law: rejected first attempts alone, of orders and of bad probes; what a gate names by itself, and what the world has no
name for, is left out. The blind diagnosis is the product's, of the same draft, passage and verdicts.
"""

from collections import Counter
from collections.abc import Iterable, Iterator, Sequence

from msgspec import Struct

from actors.protocols import RecoveryPolicy
from schemas.corpus import Passage
from schemas.ids import OrderId, PassageId
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
from schemas.orders import Attempt, Lease, Order
from schemas.recovery import FailureMode
from schemas.verdicts import FAITHFULNESS, REWARD, Rejected
from studies.almanac.truth import facts_of
from studies.almanac.world import CANON_ENTITIES, CANON_SEED, canon
from studies.frame.statistics import Tally
from studies.provenance.failures import RIGHT, Failure, blind, failure_of, told_by

BLIND, MAJORITY = "diagnoser_blind", "majority"


class Named(Struct, frozen=True):
    """A rejected first attempt that the world names. `seen`: with its sampling shown; `unseen`: without."""

    failure: Failure
    seen: FailureMode
    unseen: FailureMode


def named(
    records: Sequence[Record], corpus: Sequence[Passage], told: Sequence[Passage], *, slots: int, policy: RecoveryPolicy
) -> list[Named]:
    """Every rejected first attempt that the world names, of the planned orders (`slots` of a passage) and their probes,
    diagnosed once more. `policy`: any of the product's, which all diagnose alike."""
    edition, stated = canon(CANON_SEED, entities=CANON_ENTITIES), told_by(facts_of(one.text) for one in corpus)
    found: list[Named] = []
    for passage, attempt in rejected_firsts(records, told, slots):
        draft = None if attempt.candidate is None else attempt.candidate.draft
        if draft is None or attempt.candidate is None:
            continue
        failure = failure_of(draft, facts_of(passage.text), stated, edition)
        if failure is not None:
            lease = Lease(Order.fresh(passage.id, "", 0), passage, attempt=1, expires_at=0.0)
            seen, unseen = (
                policy.decide(lease, one, attempt.verdicts)[0].mode
                for one in (attempt.candidate, blind(attempt.candidate))
            )
            found.append(Named(failure, seen, unseen))
    return found


def rejected_firsts(
    records: Iterable[Record], told: Sequence[Passage], slots: int
) -> Iterator[tuple[Passage, Attempt]]:
    """First attempts of planned orders and of their probes that the two gates rejected, and no other gate."""
    passages = {one.id: one for one in told}
    of: dict[OrderId, PassageId] = {}
    for record in records:
        match record:
            case Planned(orders=orders):
                of |= {order.id: order.passage_id for order in orders if order.slot < slots}
            case ProbeIssued(probe=probe) if probe.origin in of:
                of[probe.id] = of[OrderId(probe.origin)]
            case Rejoined() | AcceptedEnd() | DeadLetteredEnd() | ProbeRejoined() | ProbeEnded():
                attempt, passage_id = record.attempt, of.get(record.order_id)
                if attempt is None or passage_id is None or attempt.number > 1:
                    continue
                if _by_the_two(attempt):
                    yield passages[passage_id], attempt
            case _:
                pass


def _by_the_two(attempt: Attempt) -> bool:
    gates = {said.gate for said in attempt.verdicts if isinstance(said, Rejected)}
    return bool(gates) and gates <= {FAITHFULNESS, REWARD}


def of_names(setting: str, unit: str, found: Sequence[Named], majority: FailureMode | None) -> Iterator[Tally]:
    """How often each was right. `majority`: None in a pilot before the pilot's runs have told it."""
    right = sum(one.unseen in RIGHT[one.failure] for one in found)
    yield Tally(setting, BLIND, "named_right", unit, right, len(found))
    if majority is not None:
        guessed = sum(majority in RIGHT[one.failure] for one in found)
        yield Tally(setting, MAJORITY, "named_right", unit, guessed, len(found))


def confusion(found: Sequence[Named]) -> dict[str, float]:
    """What failures were named, with the temperature shown and without; figures told beside."""
    counts = Counter(f"{one.failure.name.lower()} named {one.unseen}, blind" for one in found)
    counts += Counter(f"{one.failure.name.lower()} named {one.seen}" for one in found)
    right = sum(one.seen in RIGHT[one.failure] for one in found)
    return {**counts, "named": len(found), "named right with the temperature shown": right}


def most_right(failures: Iterable[Failure]) -> FailureMode:
    """The one mode that would be right most often, had it been named always; of equal ones the first by name."""
    counts = Counter(mode for failure in failures for mode in RIGHT[failure])
    return max(sorted(counts), key=lambda mode: counts[mode])
