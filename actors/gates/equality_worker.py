"""A process that asks the mathematics library whether answers are equal, until its parent closes the pipe or kills it.

Law: a line in, a line out. Whatever an expression does here (memory, stack, processor time) ends this process alone.
The library's own time limits are off: they need Python to run between two steps of a computation. Here the kernel
counts processor time, and SIGPROF, which nobody handles, ends the process whatever it is doing.
"""

import logging
import os
import resource
import signal
import sys
from functools import lru_cache
from typing import IO, Any

import msgspec

from actors.gates.equivalence import library_forms
from actors.gates.verifier import AnswerPair, Compared, Exhausted, Reply, WorkerLimits

REMEMBERED = 16_384
"""Pairs: samples of one problem mostly give one of a few answers, and a comparison takes some ten milliseconds."""
_PAIRS = msgspec.json.Decoder(AnswerPair)


def main() -> None:
    """Serves pairs from standard input. The first line out says that the library is loaded."""
    limits = msgspec.json.decode(sys.argv[1], type=WorkerLimits)
    replies = os.fdopen(os.dup(1), "wb")
    os.dup2(2, 1)  # what the library prints is no reply
    logging.disable(logging.CRITICAL)
    import math_verify  # noqa: F401  (loaded before the memory limit and before anybody waits)

    memory = limits.memory_mib * 1024 * 1024
    resource.setrlimit(resource.RLIMIT_AS, (memory, memory))
    resource.setrlimit(resource.RLIMIT_CORE, (0, 0))
    _say(replies, Compared(False))
    for line in sys.stdin.buffer:
        signal.setitimer(signal.ITIMER_PROF, limits.timeout_s)
        reply = compare(_PAIRS.decode(line))
        signal.setitimer(signal.ITIMER_PROF, 0)
        _say(replies, reply)


@lru_cache(maxsize=REMEMBERED)
def compare(pair: AnswerPair) -> Reply:
    """What the library says, or what ran out."""
    try:
        forms = list(library_forms(pair.reference, pair.candidate))
        return Compared(any(_equal(expected, given) for expected, given in forms))
    except MemoryError:
        return Exhausted("memory")
    except RecursionError:
        return Exhausted("nesting")


def _equal(expected: str, given: str) -> bool:
    from math_verify import verify

    return verify(_parsed(expected), _parsed(given), allow_set_relation_comp=True, timeout_seconds=None)


def _parsed(latex: str) -> list[Any]:
    """What the library reads; it takes an `i` now for the imaginary unit, now for a variable: here it is the unit."""
    from math_verify import parse
    from sympy import Basic, I

    found = parse(f"${latex}$", parsing_timeout=None)  # type: ignore[arg-type]
    return [_with(each, I) if isinstance(each, Basic) else each for each in found]


def _with(expression: Any, imaginary: Any) -> Any:
    named = [symbol for symbol in expression.free_symbols if symbol.name == "i"]
    return expression.subs(dict.fromkeys(named, imaginary)) if named else expression


def _say(replies: IO[bytes], reply: Reply) -> None:
    replies.write(msgspec.json.encode(reply) + b"\n")
    replies.flush()


if __name__ == "__main__":
    main()
