"""How often the diagnosis of injected samples is right, from the ledger's records."""

from actors.counts.diagnoses import EXPECTED, DiagnosisTally
from actors.report.confusion import confusion_of
from schemas.ids import OrderId
from schemas.injection import Injected, InjectionKind, Worth
from schemas.ledger import AcceptedEnd, DeadLetteredEnd, Record, Rejoined
from schemas.orders import Attempt, DeadLetter, EndReason
from schemas.progress import DiagnosisCount
from schemas.recovery import Diagnosis, FailureMode, Modes

KIND = InjectionKind.CONTRADICTS_SOURCE


def said(
    mode: FailureMode | None, *, number: int = 1, now: Worth = Worth.BAD, tagged: bool = True, dead: bool = False
) -> Record:
    diagnosis = None if mode is None else Diagnosis(mode, 0.5)
    tag = Injected(KIND, now) if tagged else None
    attempt = Attempt(number, None, None, diagnosis=diagnosis, injected=tag)
    if dead:
        return DeadLetteredEnd(0.0, OrderId("a"), attempt, DeadLetter(EndReason.REJECTED))
    return Rejoined(0.0, OrderId("a"), attempt)


def test_only_known_flaws_of_first_attempts_count() -> None:
    """A later attempt has another flaw, an unverified one perhaps none, an accepted one no diagnosis."""
    tally = DiagnosisTally()
    for record in (
        said(Modes.PARAMETRIC),
        said(Modes.AMBIGUOUS_SOURCE, dead=True),
        said(Modes.UNKNOWN),
        said(Modes.UNKNOWN),
        said(Modes.MARGINAL, number=2),
        said(Modes.MARGINAL, now=Worth.UNKNOWN),
        said(Modes.MARGINAL, now=Worth.GOOD),
        said(Modes.MARGINAL, tagged=False),
        said(None),
        AcceptedEnd(0.0, OrderId("b"), Attempt(1, None, None, injected=Injected(KIND, Worth.BAD))),
    ):
        tally.apply(record)
    assert tally.counts() == (
        DiagnosisCount(KIND, Modes.PARAMETRIC, 1, right=True),
        DiagnosisCount(KIND, Modes.AMBIGUOUS_SOURCE, 1, right=True),
        DiagnosisCount(KIND, Modes.UNKNOWN, 2, right=False),
    )


def test_every_kind_says_which_modes_are_right() -> None:
    """A kind without an answer would always count as wrong; `unknown` as an answer would count as right."""
    assert set(EXPECTED) == set(InjectionKind)
    assert all(EXPECTED.values())
    assert Modes.UNKNOWN not in {mode for modes in EXPECTED.values() for mode in modes}


def test_the_matrix_adds_up() -> None:
    """Rows by kind, columns by mode, the share of right ones beside them."""
    counts = (
        DiagnosisCount(KIND, Modes.PARAMETRIC, 3, right=True),
        DiagnosisCount(KIND, Modes.UNKNOWN, 1, right=False),
        DiagnosisCount(InjectionKind.DOMAIN_MISMATCH, Modes.DOMAIN_MISMATCH, 4, right=True),
    )
    found = confusion_of(counts)
    assert found is not None
    assert found.modes == ("domain mismatch", "parametric", "unknown")
    assert [[cell.attempts for cell in row.cells] for row in found.rows] == [[0, 3, 1], [4, 0, 0]]
    assert [row.rate for row in found.rows] == ["75.0%", "100.0%"]
    assert found.rate == "87.5%"
    assert confusion_of(()) is None
