"""Schedules of the queue service that chance finds too rarely, each step by hand."""

from tests.actors.queue.test_service_machine import SLOTS, ServiceMachine


def test_who_gives_up_takes_nobody_with_him() -> None:
    """Two offers share one transaction; the caller of the first is cancelled while it is on its way to the disk."""
    machine = ServiceMachine()
    machine.begin(None, under_way=False, slots=SLOTS)
    machine.offer(1, again=False)
    machine.offer(1, again=False)
    machine.run_on()
    machine.caller_gives_up(0)
    machine.run_on()
    machine.commit()
    machine.run_on()
    machine.holds()
    assert machine.asks == []
    machine.teardown()
