"""Your own gates: a rule, or a function that gets the request and returns a verdict.

Law: whatever such a gate does, the run gets a verdict in the gate's name. An exception, a score outside [0, 1] and an
unknown failure mode are errors, never rejections. A function uses the run's models only through `ask`.
"""

import asyncio
import inspect
from collections.abc import Callable, Mapping
from typing import Any

from msgspec import Struct
from msgspec.structs import replace

from actors.gates.fields import fields_of
from actors.gates.rules import RuleFailed, Sample, SampleRule
from actors.protocols import Ask
from schemas.config import FRESH_POOL
from schemas.errors import ErrorKind, HopError, PoolAwayError, described
from schemas.ids import PoolName, derived_seed
from schemas.recovery import KNOWN_MODES, FailureMode
from schemas.samples import Completion, Cost, GenerationRequest, Prompt
from schemas.verdicts import Errored, Evidence, GateName, GateRequest, Passed, Rejected, Verdict

OWN = GateName("own")
"""The name in a function's verdict; the run replaces it by the gate's configured name."""
LONGEST_NOTE = 500
"""How many characters of a note or an error are kept."""


class OwnSettings(Struct, frozen=True):
    """The configuration of your own gate. `modes`: failure modes that its rejections may carry."""

    name: GateName
    threshold: float = 0.5
    modes: tuple[FailureMode, ...] = ()


def passed(note: str = "", *, score: float = 1.0) -> Passed:
    """A function's verdict: the draft is good. `score` in [0, 1]."""
    return Passed(OWN, score, 0.0, Evidence(note=note))


def rejected(note: str = "", *, score: float = 0.0, mode: str | None = None) -> Rejected:
    """A function's verdict: the draft is bad. `mode`: why, as a name in the gate's `modes`."""
    return Rejected(OWN, score, 1.0, Evidence(note=note), mode=None if mode is None else FailureMode(mode))


def errored(detail: str) -> Errored:
    """A function's verdict: it cannot judge this draft."""
    return Errored(OWN, ErrorKind.PERMANENT, detail)


class ExpressionGate:
    """The gate of an expression."""

    def __init__(self, settings: OwnSettings, rule: SampleRule) -> None:
        self._settings = settings
        self._rule = rule

    async def check(self, request: GateRequest) -> Verdict:
        """The verdict; errored if the expression cannot be evaluated on the sample."""
        sample = Sample(fields_of(request), {str(gate): score for gate, score in request.scores.items()})
        try:
            score = self._rule.score(sample)
        except RuleFailed as failed:
            return _errored(self._settings, f"the rule cannot be evaluated: {failed}")
        mode = next(iter(self._settings.modes), None)
        return _scored(self._settings, score, mode)


class FunctionGate:
    """The gate of a function. A function that is not async runs in a thread, so that it does not hold the loop."""

    def __init__(self, settings: OwnSettings, function: Callable[..., Any], options: Mapping[str, Any]) -> None:
        self._settings = settings
        self._function = function
        self._options = options
        self._takes_ask = takes_ask(function, options)

    async def check(self, request: GateRequest) -> Verdict:
        """The verdict without pools: a call to `ask` raises HopError."""
        return await self.check_asking(request, _no_pools)

    async def check_asking(self, request: GateRequest, ask: Ask) -> Verdict:
        """The function's verdict; any exception in it becomes an errored verdict, but PoolAwayError, which ends no
        order."""
        asking = Asking(self._settings.name, request, ask)
        given = (request, asking) if self._takes_ask else (request,)
        try:
            if inspect.iscoroutinefunction(self._function):
                said = await self._function(*given, **self._options)
            else:
                said = await asyncio.to_thread(self._function, *given, **self._options)
        except HopError as error:
            said = Errored(OWN, error.kind, error.detail)
        except PoolAwayError:
            raise
        except Exception as bug:  # noqa: BLE001 - a user's code: its bug is one verdict's error
            said = _errored(self._settings, f"{described(bug)}")
        verdict = _verdict(self._settings, said)
        return replace(verdict, cost=verdict.cost + asking.cost)


class Asking:
    """`actors.protocols.AskModel` for your own function: the run's pools, retried and charged like any call."""

    def __init__(self, gate: GateName, request: GateRequest, ask: Ask) -> None:
        self._gate = gate
        self._request = request
        self._ask = ask
        self._calls = 0
        self.cost = Cost()

    async def __call__(self, prompt: Prompt, *, pool: PoolName | None = None) -> Completion:
        """One completion, from `pool` or else from the pool of fresh orders. Raises HopError."""
        self._calls += 1
        request = self._request
        asked = GenerationRequest(
            id=f"{request.id}:{self._gate}:{request.tries}:{self._calls}",
            messages=prompt.messages,
            sampling=replace(prompt.sampling, seed=derived_seed("gate", self._gate, request.id, self._calls)),
            stop=prompt.stop,
            json_schema=prompt.json_schema,
            passage_id=request.passage.id,
        )
        completion = await self._ask(PoolName(FRESH_POOL) if pool is None else pool, asked)
        self.cost += completion.cost
        return completion


def takes_ask(function: Callable[..., Any], options: Mapping[str, Any]) -> bool:
    """Whether a function takes `ask` beside the request. Raises ValueError if it takes no request, or needs more."""
    places = {
        name: one.default is one.empty
        for name, one in inspect.signature(function).parameters.items()
        if one.kind in (one.POSITIONAL_ONLY, one.POSITIONAL_OR_KEYWORD) and name not in options
    }
    needed = [name for name, is_needed in places.items() if is_needed]
    if not places or len(needed) > 2:
        raise ValueError(f"it takes {', '.join(places) or 'nothing'}; a gate takes the request, and ask if it likes")
    return len(needed) == 2 or "ask" in places


def _verdict(settings: OwnSettings, said: object) -> Verdict:
    match said:
        case bool() | int() | float():
            return _scored(settings, said, None)
        case Errored():
            return replace(said, gate=settings.name, detail=said.detail[:LONGEST_NOTE])
        case Passed() | Rejected():
            return _held(settings, said)
    what = type(said).__name__
    return _errored(settings, f"it gave {what}; a gate gives true, false, a score in [0, 1] or a verdict")


def _held(settings: OwnSettings, said: Passed | Rejected) -> Verdict:
    """A verdict with the configured threshold; a verdict that contradicts the threshold is an error."""
    note = replace(said.evidence, note=said.evidence.note[:LONGEST_NOTE])
    mode = said.mode if isinstance(said, Rejected) else None
    if mode is not None and mode not in settings.modes and mode not in KNOWN_MODES:
        return _errored(
            settings, f"its rejection carries {mode!r}, a failure mode that gates.{settings.name}.modes lacks"
        )
    verdict = _scored(settings, said.score, mode)
    if isinstance(verdict, Errored):
        return verdict
    if type(verdict) is not type(said):
        word = "passed" if isinstance(said, Passed) else "rejected"
        return _errored(
            settings, f"it {word} with a score of {said.score:g}, and the threshold is {settings.threshold:g}"
        )
    return replace(verdict, evidence=note)


def _scored(settings: OwnSettings, score: float, mode: FailureMode | None) -> Verdict:
    if not 0 <= score <= 1:  # a NaN fails this too
        return _errored(settings, f"it gave {str(score)[:20]}, and a score is in [0, 1]")
    score = float(score)
    if score >= settings.threshold:
        return Passed(settings.name, score, settings.threshold)
    return Rejected(settings.name, score, settings.threshold, mode=mode)


def _errored(settings: OwnSettings, detail: str) -> Errored:
    return Errored(settings.name, ErrorKind.PERMANENT, " ".join(detail.split())[:LONGEST_NOTE])


async def _no_pools(pool: PoolName, request: GenerationRequest) -> Completion:
    raise HopError(ErrorKind.PERMANENT, f"there is no pool '{pool}' here to ask")
