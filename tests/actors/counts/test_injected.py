"""What counts as caught of the samples that were made bad on purpose."""

from actors.counts.injected import InjectionTally
from schemas.errors import ErrorKind
from schemas.ids import OrderId
from schemas.injection import Injected, InjectionKind, Worth
from schemas.ledger import AcceptedEnd, DeadLetteredEnd
from schemas.orders import Attempt, DeadLetter, EndReason
from schemas.verdicts import FAITHFULNESS, REWARD, Errored, Passed, Rejected, Verdict
from tests.doubles.attempts import candidate

BAD = Injected(InjectionKind.CONTRADICTS_SOURCE, Worth.BAD)
AWAY = Errored(FAITHFULNESS, ErrorKind.RETRYABLE, "away")
QUALITY = Rejected(REWARD, 0.2, 0.5), Passed(REWARD, 0.8, 0.5)


def ended(number: int, *verdicts: Verdict) -> DeadLetteredEnd | AcceptedEnd:
    order_id = OrderId(f"{number:032x}")
    attempt = Attempt(1, None, candidate("What?"), verdicts, injected=BAD)
    if all(isinstance(verdict, Passed) for verdict in verdicts):
        return AcceptedEnd(0.0, order_id, attempt)
    return DeadLetteredEnd(0.0, order_id, attempt, DeadLetter(EndReason.REJECTED))


def test_an_error_is_no_catch() -> None:
    """The judge is away for all ten, and the reward gate rejects five of them by chance: nothing is known of recall,
    which was 100% where those five counted as caught and the other five not at all."""
    tally = InjectionTally()
    for number in range(10):
        tally.apply(ended(number, AWAY, QUALITY[number % 2]))
    (count,) = tally.counts()
    assert (count.injected, count.errored, count.caught, count.missed, count.by_gate) == (10, 10, 0, 0, ())


def test_a_catch_is_a_rejection_where_every_gate_spoke() -> None:
    """One gate's rejection is a catch; all that pass are a miss; a gate that was not asked after a rejection is no
    error."""
    tally = InjectionTally()
    passed = Passed(FAITHFULNESS, 0.9, 0.5)
    tally.apply(ended(1, passed, QUALITY[0]))
    tally.apply(ended(2, passed, QUALITY[1]))
    tally.apply(ended(3, Rejected(FAITHFULNESS, 0.1, 0.5)))
    (count,) = tally.counts()
    assert (count.injected, count.errored, count.caught, count.missed) == (3, 0, 2, 1)
