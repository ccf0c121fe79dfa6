"""Which orders are spoilt, and in what way. Law: it depends on the run's seed and the order's id alone."""

from collections.abc import Collection, Mapping

from msgspec import Struct

from schemas.config_injection import Injection
from schemas.ids import OrderId, derived_seed
from schemas.injection import InjectionKind

_DRAWS = float(0x8000_0000)


class Plan(Struct, frozen=True):
    """`rate`: share of the orders, in [0, 1]. `weights`: how often each kind is chosen, relative to the others."""

    rate: float
    weights: Mapping[InjectionKind, float]
    seed: int

    def chooses(self, order_id: OrderId) -> bool:
        """Whether the order is to be spoilt at all."""
        return self._draw(order_id, "whether") < self.rate

    def kind_of(self, order_id: OrderId, possible: Collection[InjectionKind]) -> InjectionKind | None:
        """In which of the possible ways a chosen order is spoilt; None when none of them has a weight."""
        weighted = [(kind, self.weights.get(kind, 0.0)) for kind in InjectionKind if kind in possible]
        left = self._draw(order_id, "how") * sum(weight for _, weight in weighted)
        chosen = None
        for kind, weight in weighted:
            if weight > 0:
                chosen = kind
                if left < weight:
                    break
                left -= weight
        return chosen

    def _draw(self, order_id: OrderId, what: str) -> float:
        return derived_seed("injection", self.seed, order_id, what) / _DRAWS


def plan_of(config: Injection, *, seed: int) -> Plan:
    """The plan that a configuration names."""
    weights = {InjectionKind(kind): weight for kind, weight in config.weights.items()}
    return Plan(rate=config.rate, weights=weights, seed=seed)
