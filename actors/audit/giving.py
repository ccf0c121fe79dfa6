"""Whether each passage has the orders that the rule `auto` gives it: none too many, and none too few.

Law: the rule is worked out here a second time, from `schemas.until_dry` alone. Each plan is checked against what its
passage had given by then, and the passages of a run that has ended against what they have given in all.
"""

from msgspec import Struct

from actors.audit.configured import Configured
from actors.audit.findings import Findings
from schemas.audit import Check
from schemas.ids import PassageId
from schemas.ledger import AcceptedEnd, DeadLetteredEnd, NotNeededEnd, Planned, Rescored
from schemas.orders import EndReason
from schemas.until_dry import UntilDry, orders_of_passage


class Given(Struct):
    """What one passage has given. `misses`: its ends without a sample since its last sample; `rescored`: its last
    sample came by `gleaner replay --rescore`, between runs."""

    orders: int = 0
    ended: int = 0
    misses: int = 0
    rescored: bool = False

    def due(self, rule: UntilDry) -> int:
        """The orders that the rule gives it now."""
        if self.ended < self.orders or self.misses >= rule.patience:
            return 0
        return max(0, min(max(rule.at_once, rule.patience - self.misses), rule.at_most - self.orders))


class Giving:
    """A fold over one ledger, of all its passages: a fixed number may have become the rule since."""

    def __init__(self) -> None:
        self._passages: dict[PassageId, Given] = {}
        self._rules: set[UntilDry] = set()
        self._last: PassageId | None = None
        """The passage whose order ended last."""

    def planned(self, record: Planned, name: str, findings: Findings, *, sure: bool) -> None:
        """Checks a plan. `sure`: no record before it was set aside."""
        passage_id, orders = record.passage.id, len(record.orders)
        given = self._passages.setdefault(passage_id, Given())
        rule = record.until
        if rule is not None and sure:
            self._rules.add(rule)
            if orders != (due := given.due(rule)):
                what = f"passage {passage_id} gets {orders} orders after {given.orders}, where the rule gives it {due}"
                findings.error(Check.CONSERVATION, what, name)
            if record.follows and self._last != passage_id:
                what = f"passage {passage_id} gets orders apart from its last end, which they follow"
                findings.error(Check.CONSERVATION, what, name)
        given.orders += orders

    def ended(self, passage_id: PassageId, end: AcceptedEnd | Rescored | DeadLetteredEnd | NotNeededEnd) -> None:
        """An order of the passage has ended."""
        given = self._passages.setdefault(passage_id, Given())
        given.ended += 1
        self._last = passage_id
        match end:
            case AcceptedEnd() | Rescored():
                given.misses, given.rescored = 0, isinstance(end, Rescored)
            case DeadLetteredEnd() if end.end.reason is not EndReason.BUDGET:
                given.misses += 1
            case _:
                pass

    def put_back(self, passage_id: PassageId) -> None:
        """An order of the passage is outstanding again."""
        self._passages.setdefault(passage_id, Given()).ended -= 1

    def check(self, now: Configured, name: str, findings: Findings, *, changed: bool, whole: bool) -> None:
        """Compares all passages with run.yaml. `changed`: the run began under another rule, perhaps; `whole`: no more
        orders are to come."""
        rule = orders_of_passage(now.task.samples_per_passage or 0)
        if not isinstance(rule, UntilDry) or changed:
            return
        for each in sorted(self._rules, key=str):
            if (each.at_most, each.patience) != (rule.at_most, rule.patience):
                what = f"orders were issued until {each.patience} give nothing, at most {each.at_most}"
                asked = f"the configuration asks for {rule.patience} and {rule.at_most}"
                findings.error(Check.CONSERVATION, f"{what}, where {asked}", name)
        short = (
            [] if not whole else [id for id, given in self._passages.items() if given.due(rule) and not given.rescored]
        )
        if short and now.budget.is_limited:
            what = f"{len(short)} passages still gave when the run ended, as it does when its budget is spent"
            findings.warning(Check.CONSERVATION, what, name)
        elif short:
            what = f"{len(short)} passages still gave and got no more orders, passage {short[0]} the first"
            findings.error(Check.CONSERVATION, what, name)
