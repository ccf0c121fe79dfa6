"""Which way a request goes: to its passage's replica, or wherever Serve sends it."""

import pytest

from deployments.ray.near_prefix import NearPrefix
from deployments.serve.live import tell_live
from schemas.config import Pool
from schemas.config_deployed import Replicas
from schemas.config_engines import CustomEngine, Engine, HttpEngine, TransformersEngine, VllmEngine
from schemas.samples import Cost, Lane

ANYWHERE = "anywhere"


def near(application: str, replicas: tuple[str, ...]) -> NearPrefix[str]:
    """The ways to an application whose calls have shown that affinity pays."""
    tell_live(application, replicas)
    ways = NearPrefix[str](application, lambda replica: replica or ANYWHERE)
    for number in range(100):
        ways.worth.asked("often")
        ways.worth.answered(Cost(prompt_tokens=2000, completion_tokens=10, cached_tokens=number))
    return ways


def taken(ways: NearPrefix[str], passage: str | None, lane: Lane = Lane.SHARED) -> str:
    with ways.way(passage, lane) as way:
        return way


def test_suspects_and_strangers_go_anywhere() -> None:
    """A request that may have killed a replica, and one of no passage, are not held to one."""
    ways = near("suspects", ("a", "b"))
    assert taken(ways, "p") in ("a", "b") and taken(ways, "p") == taken(ways, "p")
    assert {taken(ways, "p", Lane.FEW), taken(ways, "p", Lane.ALONE), taken(ways, None)} == {ANYWHERE}


def test_a_replica_that_is_alone_is_not_named() -> None:
    """All but one have died, or Serve has told of none yet: Serve chooses. When one comes back, it has its passages."""
    ways = near("alone", ("a", "b"))
    first = {number: taken(ways, f"p{number}") for number in range(20)}
    for left in (("a",), ()):
        tell_live("alone", left)
        assert {taken(ways, f"p{number}") for number in first} == {ANYWHERE}
    tell_live("alone", ("a", "b"))
    assert {number: taken(ways, f"p{number}") for number in first} == first


VLLM = VllmEngine("model")
UNCACHED = VllmEngine("model", engine_args={"enable_prefix_caching": False})


@pytest.mark.parametrize(
    ("engine", "replicas", "keeps"),
    [
        (VLLM, Replicas(min=0, max=2), True),
        (CustomEngine("a:b"), Replicas(max=2), True),
        (VLLM, Replicas(max=2, affinity="none"), False),
        (UNCACHED, Replicas(max=2), False),
        (VLLM, Replicas(), False),
        (HttpEngine("http://a/v1", "model"), Replicas(max=2), False),
        (TransformersEngine("model"), Replicas(max=2), False),
    ],
)
def test_only_replicas_with_caches_of_their_own_count(engine: Engine, replicas: Replicas, keeps: bool) -> None:
    """One replica, a server behind several, or no cache: nothing is changed."""
    assert Pool(engine, replicas).keeps_prefixes is keeps
