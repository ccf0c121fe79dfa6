"""What gates that judge a share of the orders say of the rest: how many accepted samples they did not judge, and how
many of those they would have passed.

Method: whether an order is in the share is drawn, so the orders that a gate judged are a random sample of all. A sample
that it did not judge was accepted with the first draft of its order that every other gate passed; so the first such
draft of each judged order counts, once, by what the gate said of it. A repaired one does not: the others had none.
Left out on both sides: drafts that errored, and near-duplicates, which are found after the gates.

Law: memory grows with the outstanding orders, not with the run.
"""

from collections import Counter
from collections.abc import Iterator

from actors.counts.entries import Entry
from schemas.ids import OrderId
from schemas.ledger import AcceptedEnd, DeadLetteredEnd, NotNeededEnd, Rejoined
from schemas.order_kinds import POLICIES
from schemas.orders import Attempt
from schemas.progress import SampledGate, Summary
from schemas.verdicts import ALWAYS_ASKED, DIVERSITY, GateName, Passed, Rejected


class ShareFold:
    """The fold. A gate is in its table as soon as a draft was not judged by it."""

    def __init__(self) -> None:
        self._sampled: set[GateName] = set()
        self._unjudged: Counter[GateName] = Counter()
        self._judged: Counter[GateName] = Counter()
        self._passed: Counter[GateName] = Counter()
        self._counted: dict[OrderId, set[GateName]] = {}
        """Of outstanding orders: the gates whose first such verdict has counted."""

    def apply(self, entry: Entry) -> None:
        """Counts one attempt of a sample's order."""
        record = entry.record
        if not isinstance(record, AcceptedEnd | Rejoined | DeadLetteredEnd | NotNeededEnd):
            return
        if entry.order is not None and entry.attempt is not None and POLICIES[entry.order.kind].sample:
            self._sampled.update(entry.attempt.unjudged)
            self._count(record.order_id, entry.attempt)
            if isinstance(record, AcceptedEnd):
                self._unjudged.update(entry.attempt.unjudged)
        if not isinstance(record, Rejoined):
            self._counted.pop(record.order_id, None)

    def _count(self, order_id: OrderId, attempt: Attempt) -> None:
        counted = self._counted.setdefault(order_id, set())
        for gate, passed in _decided_alone(attempt):
            if gate not in counted:
                counted.add(gate)
                self._judged[gate] += 1
                self._passed[gate] += passed

    def tables(self) -> Summary:
        """Everything counted so far."""
        return Summary(
            sampled=tuple(
                SampledGate(gate, self._unjudged[gate], self._judged[gate], self._passed[gate])
                for gate in sorted(self._sampled)
            )
        )


def _decided_alone(attempt: Attempt) -> Iterator[tuple[GateName, bool]]:
    """Each configured gate that judged a draft that all others passed, and whether it passed it too."""
    verdicts = [said for said in attempt.verdicts if said.gate != DIVERSITY]
    failed = [said for said in verdicts if not isinstance(said, Passed)]
    for said in verdicts:
        others = [other for other in failed if other is not said]
        if said.gate not in ALWAYS_ASKED and not others and isinstance(said, Passed | Rejected):
            yield said.gate, isinstance(said, Passed)
