"""Tracebacks: which error, where, and what is none."""

import subprocess
import sys
import traceback

import pytest
from hypothesis import given
from hypothesis import strategies as st

from actors.text.tracebacks import Frame, raised_in

NESTED = """Traceback (most recent call last):
  File "/box/checks.py", line 1, in <module>
    1/0
ZeroDivisionError: division by zero

During handling of the above exception, another exception occurred:

Traceback (most recent call last):
  File "/box/checks.py", line 3, in <module>
    assert f(0) == 4, "why"
           ^^^^
  File "/usr/lib/deployments/sandbox/inside/served.py", line 58, in __call__
deployments.sandbox.inside.served.SolutionRaised: Odd: two
lines: of it
"""


def test_the_last_error_and_its_frames() -> None:
    raised = raised_in(NESTED)
    assert raised is not None
    assert (raised.error, raised.said, raised.message) == ("SolutionRaised", "Odd: two", "SolutionRaised: Odd: two")
    assert raised.frames == (Frame("checks.py", 3, "<module>"), Frame("served.py", 58, "__call__"))
    assert (raised.line_in("checks.py"), raised.line_in("other.py")) == (3, None)


@pytest.mark.parametrize(
    ("program", "message", "line"),
    [
        ("x = 1\nassert x == 2", "AssertionError", 2),
        ("x = (\n\n1 2", "SyntaxError: '(' was never closed", 1),
        ("def f():\n    return y\n\nf()", "NameError: name 'y' is not defined", 2),
        ("raise SystemExit('bye')", None, None),
        ("print('AssertionError: x')", None, None),
    ],
)
def test_what_this_python_writes(program: str, message: str | None, line: int | None) -> None:
    ran = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=False)
    raised = raised_in(ran.stderr)
    assert (raised and raised.message, raised and raised.line_in("<string>")) == (message, line)


@given(st.text(max_size=20), st.lists(st.sampled_from(["f", "g"]), max_size=3))
def test_any_message_is_read_by_its_first_line(said: str, calls: list[str]) -> None:
    """Also one that looks like a frame or is broken in two."""

    def f(rest: list[str]) -> None:
        if rest:
            f(rest[1:])
        raise ValueError(said)

    with pytest.raises(ValueError) as caught:
        f(calls)
    raised = raised_in("".join(traceback.format_exception(caught.value)))
    assert raised is not None and raised.error == "ValueError" and len(raised.frames) == len(calls) + 2


@given(st.text())
def test_nothing_is_raised_for_any_text(stderr: str) -> None:
    raised_in(stderr)
