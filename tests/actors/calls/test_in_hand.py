"""What a conductor has in hand: it asks for more only when there is room for at least one."""

import asyncio

from actors.calls.in_hand import InHand
from tests.doubles.conductors import lease


async def test_there_is_no_room_while_more_are_in_hand_than_fit() -> None:
    """Three of one lease where two fit: room comes with the second that leaves, not with the first."""
    hand = InHand(2)
    leases = [lease(slot) for slot in range(3)]
    for each in leases:
        hand.take(each)
    asked = asyncio.ensure_future(hand.room())
    hand.leave(leases[0])
    await asyncio.sleep(0)
    assert not asked.done(), "a queue would be asked for nothing, and would keep the conductor waiting for it"
    hand.leave(leases[1])
    assert await asked == 1
    assert len(hand) == len(hand.holdings) == 1


async def test_room_follows_a_number_that_changes() -> None:
    """A server turns out to compute more: a conductor that waits asks at once. It computes less: what is in hand stays,
    and no more is asked for."""
    hand = InHand(1)
    leases = [lease(slot) for slot in range(2)]
    hand.take(leases[0])
    asked = asyncio.ensure_future(hand.room())
    await asyncio.sleep(0)
    assert not asked.done()
    hand.carry(3)
    assert await asked == 2
    hand.take(leases[1])
    hand.carry(1)
    hand.leave(leases[0])
    again = asyncio.ensure_future(hand.room())
    await asyncio.sleep(0)
    assert len(hand) == 1
    assert not again.done()
    again.cancel()
