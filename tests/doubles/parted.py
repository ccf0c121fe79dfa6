"""One run's records as several queue shards would have written them."""

from collections.abc import Iterable

from msgspec.structs import replace

from schemas.ids import OrderId
from schemas.ledger import (
    AcceptedEnd,
    CorpusEnded,
    DeadLetteredEnd,
    Planned,
    Reconfigured,
    Record,
    Rejoined,
    Reopened,
    RunStarted,
)
from schemas.queue_shard import ONLY, QueueShard, shard_of


def parted(records: Iterable[Record], count: int) -> dict[QueueShard, list[Record]]:
    """What is of an order goes where its passage belongs, what every shard is told to all, the rest to the first."""
    if count == 1:
        return {ONLY: list(records)}
    shards = QueueShard(0, count).all
    parts: list[list[Record]] = [[] for _ in shards]
    places: dict[OrderId, int] = {}
    for record in records:
        match record:
            case Planned():
                place = shard_of(record.passage.id, count)
                places.update((order.id, place) for order in record.orders)
                parts[place].append(record)
            case Rejoined() | AcceptedEnd() | DeadLetteredEnd() | Reopened():
                parts[places[record.order_id]].append(record)
            case CorpusEnded():
                for part in parts:
                    own = sum(isinstance(each, Planned) for each in part)
                    part.append(replace(record, passages=own))
            case RunStarted() | Reconfigured():
                for part in parts:
                    part.append(record)
            case _:
                parts[0].append(record)
    return dict(zip(shards, parts, strict=True))
