"""The limit that tunes itself, against servers in virtual time: what it finds, and what does not mislead it."""

from collections.abc import Callable
from random import Random

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from actors.calls.tuned_limit import ServerLoad, TunedLimit
from tests.doubles.slot_server import Client, FixedLimit, Manners, Service, SlotServer

MOST = 4096


def world(
    slots: Callable[[float], int], manners: Manners, *, until: float, first: int = 16, clients: int = 1, seed: int = 11
) -> SlotServer:
    """A run from the first call until `until` seconds."""
    server = SlotServer([Client(TunedLimit(MOST, first)) for _ in range(clients)], slots, manners, seed=seed)
    server.run(until)
    return server


@pytest.mark.parametrize("manners", Manners)
@pytest.mark.parametrize("first", [8, 1024])
def test_it_finds_64_slots_from_either_side(manners: Manners, first: int) -> None:
    """A server computes 64 requests at once. Nobody says so; within twenty seconds the limit is there, and nothing is
    lost against the best number."""
    (client,) = world(lambda now: 64, manners, until=40, first=first).clients
    best = Client(FixedLimit(64))
    SlotServer([best], lambda now: 64, manners, seed=11).run(40)
    found_s = client.found_s(64, 0, 40)
    assert found_s is not None and found_s <= 20
    assert client.per_s(20, 40) >= 0.95 * best.per_s(20, 40)


@pytest.mark.parametrize("manners", Manners)
def test_it_follows_a_server_that_shrinks_and_grows(manners: Manners) -> None:
    """Half of a server's machines go away and come back: the limit is there within twenty seconds each time."""
    (client,) = world(lambda now: 32 if 30 <= now < 60 else 128, manners, until=90).clients
    assert all(
        (found := client.found_s(slots, since, since + 20)) is not None and found <= 20
        for slots, since in ((128, 0), (32, 30), (128, 60))
    )


def test_noise_without_a_queue_is_no_reason_to_shrink() -> None:
    """A large service answers after times that differ by ten and more (σ 1.0), and never queues: the limit grows until
    the work at hand does not fill it."""
    client = Client(TunedLimit(MOST), work=150)
    SlotServer([client], lambda now: 1 << 20, Manners.QUEUES, seed=11, service=Service(sigma=1.0)).run(60)
    assert min(client.limits(30, 60)) >= 150


def test_long_completions_are_no_queue() -> None:
    """Ten seconds of mostly short and ten of mostly long completions, in turn: throughput is the best number's."""

    def length(now: float, random: Random) -> int:
        return 300 if random.random() < (0.8 if int(now / 10) % 2 else 0.2) else 20

    tuned, best = Client(TunedLimit(MOST)), Client(FixedLimit(96))
    for client in (tuned, best):
        SlotServer([client], lambda now: 64, Manners.QUEUES, seed=11, service=Service(length=length)).run(80)
    assert tuned.per_s(20, 80) >= 0.95 * best.per_s(20, 80)


@pytest.mark.parametrize("manners", Manners)
def test_several_clients_share_one_server(manners: Manners) -> None:
    """Four replicas of ours send to one server: none starves, and all together leave no slot empty."""
    server = world(lambda now: 128, manners, until=90, clients=4)
    mean = [sum(client.limits(30, 90)) / 600 for client in server.clients]
    assert 0.9 * 128 <= sum(mean) <= 4 * 128
    assert min(mean) >= 0.3 * 128 / 4
    best = Client(FixedLimit(128))
    SlotServer([best], lambda now: 128, Manners.QUEUES, seed=11).run(90)
    assert sum(client.per_s(30, 90) for client in server.clients) >= 0.93 * best.per_s(30, 90)


def test_a_late_client_gets_a_share() -> None:
    """A judge is started when a generator has had the server for half a minute."""
    early, late = Client(TunedLimit(MOST)), Client(TunedLimit(MOST), since=30)
    SlotServer([early, late], lambda now: 128, Manners.TELLS, seed=11).run(150)
    assert sum(late.limits(120, 150)) / 300 >= 0.2 * 128


def test_a_server_that_refuses_is_not_stormed() -> None:
    """512 slots become 64: each call that is refused takes its place away, so few are, though every answer makes
    room."""
    server = world(lambda now: 64 if now >= 10 else 512, Manners.REFUSES, until=30)
    assert server.refusals < 0.1 * len(server.clients[0].answered_at)


def test_a_server_that_was_held_up_is_filled_again() -> None:
    """For half a second a server has no place for what it usually computes: the limit falls, and comes back at once."""
    (client,) = world(lambda now: 20 if 30 <= now < 30.5 else 64, Manners.REFUSES, until=45).clients
    assert min(client.limits(30, 31)) < 50
    assert client.limits(35, 36)[0] >= 0.9 * 64


def test_little_work_teaches_nothing() -> None:
    """Ten calls at a time against a large server: the limit stays, since nothing is known of more."""
    client = Client(TunedLimit(MOST), work=10)
    SlotServer([client], lambda now: 512, Manners.QUEUES, seed=11).run(30)
    assert max(client.course) == 16


def test_a_full_cache_stops_growth() -> None:
    """vLLM computes all that it has, its KV cache is nearly full: one more call would take another's blocks."""
    limit = TunedLimit(MOST)
    for _ in range(16):
        limit.sent(0.0)
    limit.told(ServerLoad(running=16, waiting=0, kv_used=0.97), 1.0)
    assert limit.limit == 16
    limit.told(ServerLoad(running=16, waiting=0, kv_used=0.5), 2.0)
    assert limit.limit == 32
    limit.told(ServerLoad(running=8, waiting=8), 3.0)
    assert limit.limit == 16


Event = tuple[str, float, int]
EVENTS = st.lists(
    st.tuples(
        st.sampled_from(["send", "answer", "refuse", "end", "tell"]),
        st.sampled_from([0.0, 1e-6, 0.01, 0.3, 5.0, 1e4]),
        st.sampled_from([0, 1, 50, 100_000]),
    ),
    max_size=400,
)


@given(EVENTS, st.integers(1, 64), st.integers(1, 2048))
@settings(max_examples=150, deadline=None)
def test_it_stays_within_its_bounds(events: list[Event], most: int, first: int) -> None:
    """Any calls with any ends at any time, also all at the same moment: between 1 and the most, and never an error."""
    limit, now, under_way = TunedLimit(most, first), 0.0, 0
    for what, wait_s, amount in events:
        now += wait_s
        if what == "send":
            for _ in range(limit.limit - under_way):
                limit.sent(now)
                under_way += 1
        elif what == "tell":
            limit.told(ServerLoad(running=amount, waiting=wait_s), now)
        elif under_way:
            under_way -= 1
            match what:
                case "answer":
                    limit.answered(now, wait_s, amount)
                case "refuse":
                    limit.refused(now, held=bool(amount))
                case _:
                    limit.ended(now)
        assert 1 <= limit.limit <= most


@given(st.integers(0, 10**6))
@settings(max_examples=5, deadline=None)
def test_no_seed_makes_it_collapse(seed: int) -> None:
    """Whatever the noise: after the first seconds nine tenths of a server's slots are used, for ever."""
    (client,) = world(lambda now: 48, Manners.QUEUES, until=60, seed=seed).clients
    best = Client(FixedLimit(48))
    SlotServer([best], lambda now: 48, Manners.QUEUES, seed=seed).run(60)
    assert client.per_s(10, 60) >= 0.9 * best.per_s(10, 60)
