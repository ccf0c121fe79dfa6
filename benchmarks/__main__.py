"""All measurements of docs/performance.md, one after the other: `make bench`."""

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
)


def main() -> int:
    failed = 0
    for module in MODULES:
        print(f"\n{module}", flush=True)
        failed |= subprocess.run([sys.executable, "-m", module], check=False).returncode
    return failed


if __name__ == "__main__":
    sys.exit(main())
