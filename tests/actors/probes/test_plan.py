"""Which orders are spoilt: a matter of seed and id, at the rate that was asked for."""

import msgspec
from hypothesis import given
from hypothesis import strategies as st

from actors.probes.plan import Plan, plan_of
from schemas.config_injection import Injection
from schemas.ids import OrderId, content_id
from schemas.injection import InjectionKind

ORDERS = [OrderId(content_id("order", number)) for number in range(2000)]
EVERY = frozenset(InjectionKind)


def test_the_share_that_was_asked_for_is_spoilt() -> None:
    """A rate of 0.1 over 2,000 orders: about 200, the same ones in every run of this seed and others in another's."""
    plan = plan_of(Injection(rate=0.1), seed=1)
    chosen = {order for order in ORDERS if plan.chooses(order)}
    assert 160 < len(chosen) < 240
    assert chosen == {order for order in ORDERS if plan_of(Injection(rate=0.1), seed=1).chooses(order)}
    assert chosen != {order for order in ORDERS if plan_of(Injection(rate=0.1), seed=2).chooses(order)}


def test_a_higher_rate_spoils_the_same_orders_and_more() -> None:
    """Runs that differ in the rate alone can be compared: what one spoils, the next one spoils too."""
    low, high = (plan_of(Injection(rate=rate), seed=1) for rate in (0.1, 0.3))
    assert {order for order in ORDERS if low.chooses(order)} < {order for order in ORDERS if high.chooses(order)}


def test_kinds_come_by_their_weights() -> None:
    """Three to one among two kinds, and none of the others."""
    weights = dict.fromkeys((kind.value for kind in InjectionKind), 0.0) | {"parametric": 3.0, "cross_passage": 1.0}
    plan = plan_of(msgspec.convert({"rate": 1.0, "kinds": weights}, Injection), seed=1)
    drawn = [plan.kind_of(order, EVERY) for order in ORDERS]
    assert set(drawn) == {InjectionKind.PARAMETRIC, InjectionKind.CROSS_PASSAGE}
    assert 0.7 < drawn.count(InjectionKind.PARAMETRIC) / len(drawn) < 0.8


@given(
    st.dictionaries(st.sampled_from(InjectionKind), st.floats(0, 10)),
    st.frozensets(st.sampled_from(InjectionKind)),
    st.integers(0, 2**31),
)
def test_only_a_possible_kind_with_a_weight_is_chosen(
    weights: dict[InjectionKind, float], possible: frozenset[InjectionKind], seed: int
) -> None:
    """Whatever the weights and the passage: nothing impossible, nothing unwanted, and something where there is any."""
    kind = Plan(rate=1.0, weights=weights, seed=seed).kind_of(ORDERS[0], possible)
    wanted = {kind for kind in possible if weights.get(kind, 0.0) > 0}
    assert kind in wanted if wanted else kind is None
