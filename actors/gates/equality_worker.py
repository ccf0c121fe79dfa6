"""A process that asks the algebra library whether answers are equal, until its parent closes the pipe or kills it.

Law: a line in, a line out. An expression that takes too much memory, stack or processor time ends this process alone.
The kernel counts processor time; SIGPROF, which has no handler, ends the process whatever it is doing.
"""

import logging
import os
import resource
import signal
import sys
from functools import lru_cache
from typing import IO

import msgspec

from actors.gates.equivalence import equal
from actors.gates.verifier import AnswerPair, Compared, Exhausted, Reply, WorkerLimits

REMEMBERED = 16_384
"""Pairs whose result is kept: samples of one problem give few different answers, and a comparison takes some 10 ms."""
_PAIRS = msgspec.json.Decoder(AnswerPair)


def main() -> None:
    """Serves pairs from standard input. The first line out says that the library is loaded."""
    limits = msgspec.json.decode(sys.argv[1], type=WorkerLimits)
    replies = os.fdopen(os.dup(1), "wb")
    os.dup2(2, 1)  # output that the library prints is no reply
    logging.disable(logging.CRITICAL)
    import actors.gates.symbolic  # noqa: F401  (loads sympy before the memory limit and before anyone waits)

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
    """The result of the library, or what ran out."""
    from actors.gates.symbolic import Algebra, NotShown

    try:
        return Compared(equal(pair.reference, pair.candidate, Algebra()))
    except MemoryError:
        return Exhausted("memory")
    except RecursionError:
        return Exhausted("nesting")
    except NotShown:
        return Exhausted("rules that show them to be equal or different")
    except (ArithmeticError, AttributeError, NotImplementedError, TypeError, ValueError) as error:
        return Exhausted(f"what the library can do ({type(error).__name__})")


def _say(replies: IO[bytes], reply: Reply) -> None:
    replies.write(msgspec.json.encode(reply) + b"\n")
    replies.flush()


if __name__ == "__main__":
    main()
