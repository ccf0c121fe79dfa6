"""The passages that a queue has ever planned. Law: a fold over the ledger's records; nothing is forgotten, so that a
corpus that is read again issues nothing twice."""

from schemas.ids import PassageId


class KnownPassages:
    """The number of orders that were issued for each passage, by its id: about 150 bytes a passage."""

    def __init__(self) -> None:
        self._orders: dict[bytes, int] = {}

    def knows(self, passage_id: PassageId) -> bool:
        """Whether the passage was ever planned."""
        return bytes.fromhex(passage_id) in self._orders

    def orders(self, passage_id: PassageId) -> int:
        """The number of orders that were ever issued for the passage."""
        return self._orders.get(bytes.fromhex(passage_id), 0)

    def planned(self, passage_id: PassageId, orders: int) -> None:
        """So many more orders were issued for the passage."""
        self._orders[bytes.fromhex(passage_id)] = self.orders(passage_id) + orders
