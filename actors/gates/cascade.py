"""The cascade form of a gate: a cheap gate decides outside a band of its scores, an expensive judge inside it.

Law: the band is that of the request, and without one the judge decides. A cheap gate that cannot judge leaves the
decision to the judge; a judge that cannot judge makes the verdict an error. The verdict says which gates were asked,
what each said and cost, and the band. A repaired sample's bar holds for the cheap gate too: what does not reach it is
not rejected, but judged.
"""

from collections.abc import Awaitable, Callable, Mapping, Sequence

from msgspec.structs import replace

from actors.protocols import Ask, AskGate, AskingGate, Gate
from schemas.bands import Band
from schemas.config_cascade import Cascade
from schemas.errors import HopError
from schemas.verdicts import Cascaded, CascadeStep, Errored, GateName, GateRequest, Passed, Rejected, Verdict

Bar = Callable[[Sequence[Verdict], int], tuple[Verdict, ...]]


class CascadeGate:
    """A gate over two others. `bar`: changes a verdict by the attempt's number, as a run does after its gates.
    `gates`: the two, for a cascade that is asked outside a run."""

    def __init__(
        self,
        name: GateName,
        config: Cascade,
        *,
        bar: Bar = lambda verdicts, attempt: tuple(verdicts),
        gates: Mapping[GateName, Gate] | None = None,
    ) -> None:
        self._name = name
        self._cheap, self._judge = GateName(config.cheap), GateName(config.judge)
        self._bar = bar
        self._gates = gates or {}

    @property
    def steps(self) -> frozenset[GateName]:
        """The gates that it asks."""
        return frozenset((self._cheap, self._judge))

    async def check_by(self, request: GateRequest, asked: AskGate) -> Verdict:
        """The verdict. `asked` raises nothing: a gate that fails gives an errored verdict."""
        band, alone = request.bands.get(self._name), replace(request, bands={})
        first = await asked(self._cheap, alone)
        decided = None if isinstance(first, Errored) or band is None else self._decided(first, band, request.attempt)
        if decided is not None:
            return self._told(decided, (_step(first),), band)
        last = await asked(self._judge, alone)
        return self._told(last, (_step(first), _step(last)), band)

    async def check(self, request: GateRequest) -> Verdict:
        """The verdict of the two gates that it was made with. Raises HopError as the judge does."""
        return await self.check_by(request, lambda name, alone: self._alone(name, self._gates[name].check(alone)))

    async def check_asking(self, request: GateRequest, ask: Ask) -> Verdict:
        """As `check`, with gates that ask pools."""

        async def asked(name: GateName, alone: GateRequest) -> Verdict:
            gate = self._gates[name]
            check = gate.check_asking(alone, ask) if isinstance(gate, AskingGate) else gate.check(alone)
            return await self._alone(name, check)

        return await self.check_by(request, asked)

    async def _alone(self, name: GateName, check: Awaitable[Verdict]) -> Verdict:
        try:
            return await check
        except HopError as error:
            if name == self._judge:
                raise
            return Errored(name, error.kind, error.detail)

    def _decided(self, said: Passed | Rejected, band: Band, attempt: int) -> Passed | Rejected | None:
        """The cheap gate's own decision; None if it is the judge's to decide."""
        if band.low is not None and said.score < band.low:
            return Rejected(self._name, said.score, band.low, said.evidence)
        if band.high is None or said.score <= band.high:
            return None
        passed = Passed(self._name, said.score, band.high, said.evidence)
        return passed if isinstance(self._bar((passed,), attempt)[0], Passed) else None

    def _told(self, said: Verdict, steps: tuple[CascadeStep, ...], band: Band | None) -> Verdict:
        """The verdict in the cascade's name, with all that it cost."""
        cost = sum((step.cost for step in steps[1:]), steps[0].cost)
        cascade = Cascaded(steps, band)
        if isinstance(said, Errored):
            return replace(said, gate=self._name, cost=cost, cascade=cascade)
        return replace(said, gate=self._name, evidence=replace(said.evidence, cascade=cascade), cost=cost)


def _step(said: Verdict) -> CascadeStep:
    if isinstance(said, Errored):
        return CascadeStep(said.gate, None, said.cost, said.error)
    return CascadeStep(said.gate, said.score, said.cost)
