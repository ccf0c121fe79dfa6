"""Programs whose results depend on chance or on the clock."""

import pytest

from actors.text.repeatable import Unrepeatable, unrepeatable


@pytest.mark.parametrize(
    ("program", "found"),
    [
        ("import math\nimport random", Unrepeatable("random", 2)),
        ("def f():\n    from random import choice\n    return choice", Unrepeatable("random", 2)),
        ("import os, time", Unrepeatable("time", 1)),
        ("from os import urandom", Unrepeatable("urandom", 1)),
        ("import datetime\nx = datetime.date.today()", Unrepeatable("today", 2)),
        ("from datetime import datetime\n\nx = datetime.now().year", Unrepeatable("now", 3)),
        ("from datetime import datetime\nx = datetime.strptime('1623', '%Y')\nnow = today = 1", None),
        ("from .random import x\nimport randomness", None),
        ("import random (", None),
        ("-" * 5_000 + "1", None),
    ],
)
def test_what_may_differ_when_it_is_executed_again(program: str, found: Unrepeatable | None) -> None:
    assert unrepeatable(program) == found
