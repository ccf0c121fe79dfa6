"""The measurements of docs/performance.md that need no model, one after the other: `make bench`.

Beside them, each by itself: `benchmarks.affinity`, `benchmarks.bare_vllm`, `benchmarks.carrying`, `benchmarks.credit`,
`benchmarks.judged_together`, `benchmarks.model_engine`, `benchmarks.peers` (hours), `benchmarks.prefix_caching`,
`benchmarks.repeats`, `benchmarks.sandbox`, `benchmarks.structured`, `benchmarks.trackers`.
"""

import subprocess
import sys

MODULES = (
    "benchmarks.loop",
    "benchmarks.busy",
    "benchmarks.ledger",
    "benchmarks.trouble",
    "benchmarks.endurance",
    "benchmarks.simulate",
    "benchmarks.http_engine",
    "benchmarks.metrics",
    "benchmarks.cost",
    "benchmarks.bands",
    "benchmarks.affinity_simulated",
)


def main() -> int:
    failed = 0
    for module in MODULES:
        print(f"\n{module}", flush=True)
        failed |= subprocess.run([sys.executable, "-m", module], check=False).returncode
    return failed


if __name__ == "__main__":
    sys.exit(main())
