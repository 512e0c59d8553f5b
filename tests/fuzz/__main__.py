"""Damaged recordings through `AudioLoader(on_error="nan")`: ``python -m tests.fuzz --seed 0 --n 30000``."""

from __future__ import annotations

import argparse
import sys

from tests.fuzz.reading import Report, run, work


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--n", type=int, default=30_000, help="number of mutations")
    parser.add_argument("--work", type=int, nargs=3, help=argparse.SUPPRESS)
    arguments = parser.parse_args()
    if arguments.work:
        work(*arguments.work)
        return 0
    report = run(arguments.seed, arguments.n, progress=lambda n_read, report: tell(arguments.seed, n_read, report))
    for fault in report.faults:
        print(fault)
    tell(arguments.seed, arguments.n, report)
    return bool(report.faults)


def tell(seed: int, n_read: int, report: Report) -> None:
    """Print how many mutations were read so far, and how they ended."""
    counts = ", ".join(f"{count} {kind}" for kind, count in sorted(report.outcomes.items()))
    print(f"{n_read} mutations with seed {seed}: {counts}; {len(report.faults)} faults", flush=True)


if __name__ == "__main__":
    sys.exit(main())
