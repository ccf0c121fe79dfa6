"""Autoscaling past this machine: a run's queue and policy, Serve's default policy and a fixed pool, simulated.

    python -m benchmarks.simulate [--scenario all] [--policy all] [--replicas 1024] [--slots 4] [--seed 0]
                                  [--attempts N] [--starting N] [--measured RUN]

`replicas` is the number of accelerators that three pools share (generator 70%, judge 20%, reward gate 10% of an
order's work); a start takes 30 s, `starting` replicas load at once. `attempts` sets how finely the same hours of work
are cut, 500 a replica without it. Service times are lognormal, or have the distribution of a run's (`--measured`).

busy      taken slots of the ready ones while orders waited     full+  until all accelerators were ready, less a start
tail      lost after the last order was leased, of the cost     idle   part of the cost that computed nothing
quiet     from the end of work to every pool's minimum          turns  of a pool within one load change, the one that
                                                                       the change calls for left out; the worst
"""

import argparse
import gc
import time
from pathlib import Path

from benchmarks.simulator.measured import service_times
from benchmarks.simulator.report import Figures, figures
from benchmarks.simulator.scalers import Fixed, Ours, ServeDefault
from benchmarks.simulator.scenario import NAMES, Scenario, Size, build
from benchmarks.simulator.world import World

ATTEMPTS_A_REPLICA = 500
SCALERS = {"ours": Ours, "serve": ServeDefault, "fixed": Fixed}
HEAD = (
    f"{'scenario':9}{'policy':7}{'makespan':>9}{'/bound':>8}{'busy':>8}{'full+':>7}{'tail':>7}{'cost h':>9}{'idle':>7}"
    f"{'quiet':>7}{'turns':>7}{'took':>7}"
)


def simulate(scenario: Scenario, scaler: str) -> Figures:
    """One world, from the first order to the last end."""
    world = World(scenario, SCALERS[scaler](scenario))
    world.run()
    return figures(world)


def line(scenario: Scenario, scaler: str, found: Figures, took_s: float) -> str:
    """One row of the table; `-` for what never came."""
    full = "-" if found.full_after_s is None else f"{found.full_after_s:.0f}s"
    quiet = "-" if found.quiet_after_s is None else f"{found.quiet_after_s:.0f}s"
    return (
        f"{scenario.name:9}{scaler:7}{found.makespan_s:>8.0f}s{found.stretch:>8.3f}{found.busy:>8.1%}{full:>7}"
        f"{found.tail_loss:>7.1%}{found.cost_h:>9.1f}{found.idle_cost:>7.1%}{quiet:>7}{found.turns:>7}{took_s:>6.0f}s"
    )


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--scenario", choices=("all", *NAMES), default="all")
    parser.add_argument("--policy", choices=("all", *SCALERS), default="all")
    parser.add_argument("--replicas", type=int, default=1024)
    parser.add_argument("--slots", type=int, default=4)
    parser.add_argument("--attempts", type=int)
    parser.add_argument("--starting", type=int, default=1 << 20)
    parser.add_argument("--measured", type=Path)
    parser.add_argument("--seed", type=int, default=0)
    arguments = parser.parse_args()
    size = Size(
        replicas=arguments.replicas,
        attempts=arguments.attempts or ATTEMPTS_A_REPLICA * arguments.replicas,
        slots=arguments.slots,
        seed=arguments.seed,
        max_starting=arguments.starting,
        measured=service_times(arguments.measured) if arguments.measured else (),
    )
    print(HEAD)
    for name in NAMES if arguments.scenario == "all" else (arguments.scenario,):
        scenario = build(name, size)
        for scaler in SCALERS if arguments.policy == "all" else (arguments.policy,):
            started = time.perf_counter()
            gc.collect()
            gc.freeze()
            gc.disable()  # millions of small objects, no cycles: the collector would take half of the time
            found = simulate(scenario, scaler)
            gc.enable()
            print(line(scenario, scaler, found, time.perf_counter() - started), flush=True)


if __name__ == "__main__":
    main()
