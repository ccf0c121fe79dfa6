"""The verifier gate compares final answers by computation. Law: a comparison without a result is an error.

The gate finds the answers and compares them by reading; if that cannot decide, a `Comparer` does
(`actors.gates.verifier_pool`, in processes that can be killed). The score is 1 or 0.
"""

from typing import Protocol

from msgspec import Struct

from actors.gates.decide import decided
from actors.gates.equivalence import by_reading
from actors.text.final_answer import final_answer, reference_answer
from schemas.config_gates import Verifier
from schemas.errors import ErrorKind, JudgeError
from schemas.samples import Cost
from schemas.verdicts import VERIFIER, Evidence, GateName, GateRequest, Verdict

LONGEST_REFERENCE = 100_000
"""Characters of a reference, which may be a whole worked solution."""


class AnswerPair(Struct, frozen=True):
    """Two final answers, as they are written in the reference and in the solution."""

    reference: str
    candidate: str


class Compared(Struct, frozen=True, tag="compared"):
    """The result of a comparison."""

    equal: bool


class Exhausted(Struct, frozen=True, tag="exhausted"):
    """The comparison has no result; `what` ran out."""

    what: str


Reply = Compared | Exhausted


class WorkerLimits(Struct, frozen=True):
    """Limits of one comparing process: seconds of processor time for a pair, MiB of address space."""

    timeout_s: float
    memory_mib: int


class Comparer(Protocol):
    """Compares answers if reading alone cannot decide."""

    async def compare(self, pair: AnswerPair) -> Reply:
        """Raises JudgeError when a process of its own failed."""
        ...

    def close(self) -> None:
        """Ends its processes."""
        ...


class VerifierGate:
    """Passes (score 1) when the solution's final answer equals the passage's reference answer."""

    def __init__(self, config: Verifier, comparer: Comparer, *, name: GateName = VERIFIER) -> None:
        self._name = name
        self._config = config
        self._comparer = comparer

    async def check(self, request: GateRequest) -> Verdict:
        """Raises JudgeError: without a reference, for a reference or answer that is too long, and for a comparison that
        ran out of time, memory, nesting or rules (all permanent), or whose process failed."""
        worked = request.passage.reference
        if worked is None:
            raise JudgeError(ErrorKind.PERMANENT, "the passage has no reference answer to verify against")
        if len(worked) > LONGEST_REFERENCE:
            detail = f"a reference of {len(worked):,} characters, at most {LONGEST_REFERENCE:,} are read"
            raise JudgeError(ErrorKind.PERMANENT, detail)
        found = final_answer(request.draft.answer)
        if found is None:
            return self._decided(equal=False, note="the solution gives no final answer")
        reference = reference_answer(worked)
        for text in (reference, found.text):
            if len(text) > self._config.max_characters:
                detail = f"an answer of {len(text):,} characters, at most {self._config.max_characters:,} are compared"
                raise JudgeError(ErrorKind.PERMANENT, detail)
        equal = by_reading(reference, found.text)
        if equal is None:
            equal = await self._compared(AnswerPair(reference, found.text))
        return self._decided(
            equal=equal, note=f"final answer {found.text!r} ({found.form.value}), reference {reference!r}"
        )

    def close(self) -> None:
        """Ends the comparing processes."""
        self._comparer.close()

    async def _compared(self, pair: AnswerPair) -> bool:
        reply = await self._comparer.compare(pair)
        if isinstance(reply, Exhausted):
            detail = f"comparing {pair.candidate[:80]!r} with {pair.reference[:80]!r} ran out of {reply.what}"
            raise JudgeError(ErrorKind.PERMANENT, detail)
        return reply.equal

    def _decided(self, *, equal: bool, note: str) -> Verdict:
        score = 1.0 if equal else 0.0
        return decided(self._name, score, threshold=1.0, evidence=Evidence(note=note), cost=Cost())
