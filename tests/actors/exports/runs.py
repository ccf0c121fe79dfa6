"""What the tests of exports share: rows of a ledger in memory, and a judge of lineage that reads records alone."""

from collections import Counter
from collections.abc import Iterable, Sequence
from typing import Any

from msgspec import Struct

from actors.exports.families import families
from actors.exports.formats import FORMATS
from actors.exports.wording import ExportWording
from actors.tasks.grounded_answer import GroundedAnswerTask
from actors.tasks.math import MathTask
from schemas.config import GroundedAnswer, Math
from schemas.exports import ExportFormat, ExportRequest, LeftOut
from schemas.ids import OrderId, PoolName
from schemas.ledger import AcceptedEnd, DeadLetteredEnd, Planned, Record, Rejoined
from schemas.orders import Attempt, OrderKind
from schemas.verdicts import Passed, Rejected
from tests.doubles.ledgers import MemoryLedger

Row = dict[str, Any]
GROUNDED_TASK, MATH_TASK = GroundedAnswerTask(GroundedAnswer(prompts="embedded")), MathTask(Math(), longest_answer=100)
GROUNDED = ExportWording(GROUNDED_TASK.messages, GROUNDED_TASK.written)
MATH = ExportWording(MATH_TASK.messages, MATH_TASK.written)
MODELS = {PoolName("generator"): "small", PoolName("strong"): "large"}


def exported(
    records: Iterable[Record], asked: ExportRequest, wording: ExportWording = GROUNDED
) -> tuple[list[Row], Counter[LeftOut]]:
    """The rows of a ledger's records, and why others have none."""
    rows: list[Row] = []
    left: Counter[LeftOut] = Counter()
    for family in families(MemoryLedger(list(records)), MODELS):
        left.update(family.left)
        for row in FORMATS[asked.format].rows(family, asked, wording):
            if isinstance(row, LeftOut):
                left[row] += 1
            else:
                rows.append(row)
    return rows, left


class Known(Struct):
    """What the records say, read without the code under test."""

    attempts: dict[tuple[str, int], Attempt]
    accepted: set[tuple[str, int]]
    passages: dict[str, str]
    forbidden: set[str]
    ended: set[str]

    @staticmethod
    def of(records: Sequence[Record]) -> "Known":
        known = Known({}, set(), {}, set(), set())
        for record in records:
            if isinstance(record, Planned):
                known.passages |= {order.id: record.passage.text for order in record.orders}
                known.forbidden |= {order.id for order in record.orders if order.kind is OrderKind.PROBE}
            if isinstance(record, Rejoined | AcceptedEnd | DeadLetteredEnd) and record.attempt is not None:
                known.attempts[(record.order_id, record.attempt.number)] = record.attempt
                if isinstance(record, AcceptedEnd):
                    known.accepted.add((record.order_id, record.attempt.number))
            if isinstance(record, AcceptedEnd | DeadLetteredEnd):
                known.ended.add(record.order_id)
        return known

    def check(self, row: Row) -> None:
        """Every origin in the row is an attempt of an exportable, ended order, and is what the row says it is."""
        for name in ("origin", "chosen_origin", "rejected_origin"):
            origin = row.get(name)
            if origin is None:
                continue
            key = (origin["order_id"], origin["attempt"])
            attempt = self.attempts[key]
            assert origin["order_id"] not in self.forbidden
            assert origin["order_id"] in self.ended
            assert origin["rejected_by"] == [said.gate for said in attempt.verdicts if isinstance(said, Rejected)]
            self._check_side(name, row, key, attempt)

    def _check_side(self, name: str, row: Row, key: tuple[str, int], attempt: Attempt) -> None:
        good = name == "chosen_origin" or row.get("label", "messages" in row)
        if good:
            assert key in self.accepted
            assert attempt.verdicts and all(isinstance(said, Passed) for said in attempt.verdicts)
        else:
            assert key not in self.accepted
            assert any(isinstance(said, Rejected) for said in attempt.verdicts)

    def texts_of(self, order_ids: Iterable[str]) -> set[str]:
        """What generators wrote for these orders."""
        found = (attempt.candidate for (order_id, _), attempt in self.attempts.items() if order_id in set(order_ids))
        return {candidate.text for candidate in found if candidate is not None}


def asked(format: ExportFormat, **options: Any) -> ExportRequest:
    """A request."""
    return ExportRequest(format=format, **options)


def order_of(row: Row) -> OrderId:
    """Of the row's first origin."""
    return OrderId((row.get("origin") or row["rejected_origin"])["order_id"])
