"""Which orders a probe goes beside, and how it is spoilt: a matter of seed and id, at the rate that was asked for."""

import msgspec
from hypothesis import given
from hypothesis import strategies as st
from msgspec.structs import replace

from actors.probes.plan import FlawDraw, LabelledRow, ProbePlan
from schemas.config_probes import Probing
from schemas.flaws import FlawKind, Worth
from schemas.ids import OrderId, content_id
from schemas.orders import Attempt, Order
from schemas.samples import Sampling, answered
from tests.doubles.attempts import candidate, passage

OF = passage(1)
ORDERS = [replace(Order.fresh(OF.id, "t", slot), id=OrderId(content_id("order", slot))) for slot in range(2000)]
FIRST = Attempt(1, None, replace(candidate("Who?"), sampling=Sampling(temperature=1.1)))
EVERY = frozenset(FlawKind)


def chosen(plan: ProbePlan) -> set[OrderId]:
    return {order.id for order in ORDERS if plan.beside(order, OF, FIRST) is not None}


def test_the_share_that_was_asked_for_brings_a_probe_along() -> None:
    """A rate of 0.1 over 2,000 orders: about 200, the same ones in every run of this seed and others in another's."""
    found = chosen(ProbePlan(rate=0.1, seed=1))
    assert 160 < len(found) < 240
    assert found == chosen(ProbePlan(rate=0.1, seed=1)) != chosen(ProbePlan(rate=0.1, seed=2))


def test_a_higher_rate_chooses_the_same_orders_and_more() -> None:
    """Runs that differ in the rate alone can be compared."""
    assert chosen(ProbePlan(rate=0.1, seed=1)) < chosen(ProbePlan(rate=0.3, seed=1))


def test_a_probe_is_made_of_the_first_draft_and_stands_as_it_was_drawn() -> None:
    """No probe for later attempts, nor where there is no draft; a row of a file needs none."""
    plan = ProbePlan(rate=1.0, good=0.0)
    found = plan.beside(ORDERS[0], OF, FIRST)
    assert found is not None and FIRST.candidate is not None
    assert (found.draft, found.label, found.checked) == (FIRST.candidate.draft, Worth.BAD, False)
    assert (found.sampling.temperature, found.origin, found.passage) == (1.1, ORDERS[0].id, OF)
    assert plan.beside(ORDERS[0], OF, replace(FIRST, number=2)) is None
    silent = replace(FIRST, candidate=None)
    assert plan.beside(ORDERS[0], OF, silent) is None
    row = LabelledRow("Elsewhere.", answered("Who?", "Oda"), Worth.GOOD, "rows#line=1")
    placed = replace(plan, rows=(row,)).beside(ORDERS[0], OF, silent)
    assert placed is not None and placed.checked and placed.label is Worth.GOOD
    assert placed.passage.provenance.uri == OF.provenance.uri and placed.passage.text == "Elsewhere."


def test_flaws_come_by_their_weights() -> None:
    """Three to one among two flaws, and none of the others."""
    weights = dict.fromkeys((kind.value for kind in FlawKind), 0.0) | {"parametric": 3.0, "cross_passage": 1.0}
    config = msgspec.convert({"rate": 1.0, "kinds": weights}, Probing)
    draw = FlawDraw({FlawKind(name): weight for name, weight in config.weights.items()}, seed=1)
    drawn = [draw.of(order.id, EVERY) for order in ORDERS]
    assert set(drawn) == {FlawKind.PARAMETRIC, FlawKind.CROSS_PASSAGE}
    assert 0.7 < drawn.count(FlawKind.PARAMETRIC) / len(drawn) < 0.8


@given(
    st.dictionaries(st.sampled_from(FlawKind), st.floats(0, 10)),
    st.frozensets(st.sampled_from(FlawKind)),
    st.integers(0, 2**31),
)
def test_only_a_possible_flaw_with_a_weight_is_chosen(
    weights: dict[FlawKind, float], possible: frozenset[FlawKind], seed: int
) -> None:
    """Whatever the weights and the passage: nothing impossible, nothing unwanted, and something where there is any."""
    flaw = FlawDraw(weights, seed).of(ORDERS[0].id, possible)
    wanted = {kind for kind in possible if weights.get(kind, 0.0) > 0}
    assert flaw in wanted if wanted else flaw is None
