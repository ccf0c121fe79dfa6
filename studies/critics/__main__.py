"""Who names the first wrong step: `python -m studies.critics --model MODEL --output DIR`.

The plan stands in docs/studies/critics.md, and was committed before the first run.
"""

import argparse
import asyncio
import os
import sys
import time
from collections.abc import Awaitable, Callable, Sequence
from contextlib import AsyncExitStack
from pathlib import Path

import msgspec
from msgspec import Struct

from actors.protocols import Engine
from deployments.local.gates import started
from schemas.config import HttpEngine, VllmEngine
from schemas.errors import UserError, ungrouped
from studies.critics.critics import Answered, Draws, by_token, critique
from studies.critics.measures import Figure, Table, table
from studies.critics.solutions import Solution, read_solutions
from studies.frame.given import DATA
from studies.real_text.results_file import interval, whole_lines, write_json

FILE = "processbench/math_500.json"
CRITICS = ("critique", "token")
AT_ONCE = 128
SMOKE = 12


class Results(Struct, frozen=True):
    """A run's settings and what it found."""

    model: str
    draws: int
    max_tokens: int
    seed: int
    found: Table


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--model", required=True, help="a folder or a hub's name; with --server, its name there")
    parser.add_argument("--server", help="the address of an OpenAI-compatible server; without it, vLLM is started here")
    parser.add_argument("--output", type=Path, required=True, help="a rerun goes on there")
    parser.add_argument("--file", type=Path, default=Path(os.environ.get(DATA, "../shared/data"), FILE))
    parser.add_argument("--critics", nargs="+", choices=CRITICS, default=CRITICS)
    parser.add_argument("--draws", type=int, default=1, help="votes of `critique`; 8 in the paper")
    parser.add_argument("--max-tokens", type=int, default=2048, help="of one answer")
    parser.add_argument("--longest", type=int, default=8192, help="tokens that the model reads and writes at most")
    parser.add_argument("--small", action="store_true", help="little memory, nothing compiled: a toy on a CPU")
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--smoke", action="store_true", help="few solutions: shows that it works, not what is true")
    given = parser.parse_args()
    try:
        solutions = read_solutions(given.file)[: SMOKE if given.smoke else None]
        answers = asyncio.run(ask(given, solutions))
    except UserError as error:
        sys.exit(str(error))
    results = Results(given.model, given.draws, given.max_tokens, given.seed, table(solutions, answers))
    write_json(given.output / "results.json", results)
    print("\n".join(lines(results.found)))


async def ask(given: argparse.Namespace, solutions: Sequence[Solution]) -> dict[str, list[Answered]]:
    """Every critic's answers. Raises ModelError and EngineError."""
    draws = Draws(given.draws, given.max_tokens)
    async with AsyncExitStack() as stack:
        config = engine_of(given)
        engine: Engine = await started(stack, config)
        ways: dict[str, Callable[[Solution], Awaitable[Answered]]] = {
            "critique": lambda one: critique(engine, one, draws, given.seed),
            "token": lambda one: by_token(engine, config, one),
        }
        return {
            critic: await answered(solutions, ways[critic], given.output / f"{critic}.jsonl")
            for critic in given.critics
        }


def engine_of(given: argparse.Namespace) -> VllmEngine | HttpEngine:
    """The product's configuration of it."""
    if given.server:
        return HttpEngine(base_url=given.server, model=given.model)
    if given.small:
        return VllmEngine(
            model=given.model,
            max_model_len=given.longest,
            engine_args={"enforce_eager": True, "kv_cache_memory_bytes": 1 << 30},
        )
    return VllmEngine(model=given.model, max_model_len=given.longest)


async def answered(
    solutions: Sequence[Solution], way: Callable[[Solution], Awaitable[Answered]], file: Path
) -> list[Answered]:
    """Those of the file, and the rest asked for and added to it."""
    decoder = msgspec.json.Decoder(Answered)
    known = {one.solution: one for one in map(decoder.decode, whole_lines(file))}
    room = asyncio.Semaphore(AT_ONCE)
    began = time.monotonic()
    file.parent.mkdir(parents=True, exist_ok=True)
    with file.open("ab") as out, ungrouped():

        async def one(solution: Solution) -> None:
            async with room:
                found = known[solution.id] = await way(solution)
            out.write(msgspec.json.encode(found) + b"\n")
            out.flush()

        async with asyncio.TaskGroup() as group:
            for solution in solutions:
                if solution.id not in known:
                    group.create_task(one(solution))
    print(f"{file.stem}: {len(solutions)} solutions, {time.monotonic() - began:.0f} s", flush=True)
    return [known[each.id] for each in solutions]


def lines(found: Table) -> list[str]:
    """For a person."""
    return [
        f"{found.counted} solutions counted, {found.wrong} with a wrong step",
        *(_figure_line(each) for each in found.figures),
        *(
            f"{each.verdict:13} {each.critic} less {each.control}: {interval(each.difference)}"
            for each in found.contrasts
        ),
    ]


def _figure_line(each: Figure) -> str:
    chosen = "" if each.chosen is None else f"  chosen: {each.chosen:.3f}"
    unread = f"  {each.unread} unread" if each.unread else ""
    return (
        f"{each.critic:10} first wrong step {interval(each.on_wrong)}  nothing wrong {interval(each.on_right)}  "
        f"F1 {interval(each.f1)}{chosen}{unread}"
    )


if __name__ == "__main__":
    main()
