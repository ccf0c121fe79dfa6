"""The passages that a queue has ever planned, and what each has given.

Law: a fold over the ledger's records; nothing is forgotten, so that a corpus that is read again issues nothing twice,
and a passage that has been found dry stays so.
"""

from actors.counts.standing import PassageStanding, SampleEnd
from schemas.ids import PassageId

NEW = PassageStanding()


class KnownPassages:
    """The standing of each passage, by its id: about 150 bytes a passage, since equal standings are one object."""

    def __init__(self) -> None:
        self._standings: dict[bytes, PassageStanding] = {}
        self._one_of_each: dict[PassageStanding, PassageStanding] = {}

    def knows(self, passage_id: PassageId) -> bool:
        """Whether the passage was ever planned."""
        return bytes.fromhex(passage_id) in self._standings

    def standing(self, passage_id: PassageId) -> PassageStanding:
        """How many orders were ever issued for the passage, and how many of its last ones gave no sample."""
        return self._standings.get(bytes.fromhex(passage_id), NEW)

    def planned(self, passage_id: PassageId, orders: int) -> None:
        """So many more orders were issued for the passage."""
        self._keep(passage_id, self.standing(passage_id).planned(orders))

    def ended(self, passage_id: PassageId, end: SampleEnd) -> None:
        """One of its orders has ended."""
        self._keep(passage_id, self.standing(passage_id).ended(end))

    def _keep(self, passage_id: PassageId, standing: PassageStanding) -> None:
        self._standings[bytes.fromhex(passage_id)] = self._one_of_each.setdefault(standing, standing)
