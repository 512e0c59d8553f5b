"""Damaged recordings through `AudioLoader(on_error="nan")`: ``python -m tests.fuzz --seed 0 --n 30000``."""

from __future__ import annotations

import argparse
import sys

from tests.fuzz.reading import run, work


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--n", type=int, default=30_000, help="number of mutations")
    parser.add_argument("--work", type=int, nargs=3, help=argparse.SUPPRESS)
    arguments = parser.parse_args()
    if arguments.work:
        work(*arguments.work)
        return 0
    report = run(arguments.seed, arguments.n)
    for fault in report.faults:
        print(fault)
    counts = ", ".join(f"{count} {kind}" for kind, count in sorted(report.outcomes.items()))
    print(f"{arguments.n} mutations with seed {arguments.seed}: {counts}; {len(report.faults)} faults")
    return bool(report.faults)


if __name__ == "__main__":
    sys.exit(main())
