"""Holds my_task to what every task must keep to: `python -m pytest test_my_task.py`. No model is asked."""

import asyncio

import pytest
from my_task import MyTask

from actors.tasks.conformance import CHECKS, finding
from actors.tasks.trying import TaskSubject
from schemas.config_tasks import CustomTask
from schemas.conformance import CheckOutcome

REPLY = "The bridge was closed to cars in 1987."
"""A completion that the task should read as a draft."""


@pytest.mark.parametrize("check", CHECKS)
def test_it_keeps_to_what_a_task_must(check: str) -> None:
    """`gleaner check my_task:MyTask` shows the same."""
    task = MyTask(CustomTask(task="my_task:MyTask"))
    found = asyncio.run(finding(check, TaskSubject(task, REPLY)))
    assert found.outcome is not CheckOutcome.FAILED, found.detail
