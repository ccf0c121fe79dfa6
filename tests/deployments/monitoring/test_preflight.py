"""What the first calls said is told once: not again in the same run, nor after it was killed and goes on."""

import logging

import pytest

from deployments.monitoring.preflight import FirstLook
from deployments.monitoring.progress import Phase, Progress
from deployments.terminal.lines import Lines
from deployments.terminal.rates import flow
from schemas.firsts import FirstCause, FirstCount
from schemas.progress import Summary

FEW = Summary(firsts=(FirstCount("generator", FirstCause.EMPTY, 5),))
EMPTY = Summary(firsts=(FirstCount("generator", FirstCause.EMPTY, 8),))
MORE = Summary(firsts=(*EMPTY.firsts, FirstCount("reward", FirstCause.REJECTED, 8)))


def test_it_is_logged_once(caplog: pytest.LogCaptureFixture) -> None:
    """Four looks a second at one summary are one line; another role's trouble is another."""
    look = FirstLook()
    with caplog.at_level(logging.WARNING, "gleaner.run"):
        assert look.said(None) == () and look.said(FEW) == ()
        for _ in range(3):
            assert [advice.role for advice in look.said(EMPTY)] == ["generator"]
        assert [advice.role for advice in look.said(MORE)] == ["generator", "reward"]
    assert len(caplog.records) == 2


def test_a_run_that_goes_on_does_not_say_it_again(caplog: pytest.LogCaptureFixture) -> None:
    """What the ledger held when the process began was said by the one before."""
    look = FirstLook()
    assert look.said(EMPTY) == ()
    assert [advice.role for advice in look.said(MORE)] == ["reward"]
    assert len(caplog.records) == 1


def test_plain_lines_say_it_once() -> None:
    """In a file or CI: the paragraph between the lines of the run's progress."""
    look, lines = FirstLook(), Lines("night", 0.0)
    look.said(FEW)
    moments = [Progress(at=float(at), phase=Phase.RUNNING, advice=look.said(EMPTY)) for at in range(1, 4)]
    told = [line for moment in moments for line in lines.of(moment, flow(moments))]
    (paragraph,) = [line for line in told if "were empty" in line]
    assert paragraph.startswith("night: 8 of the first 8 completions of generator were empty: ")
