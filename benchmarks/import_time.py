"""Median time of `import sklearn_audio` next to `import numpy`, each in fresh interpreters."""

from __future__ import annotations

import statistics
import subprocess
import sys

REPEATS = 11
PROGRAM = "import time; start = time.perf_counter(); import {}; print(time.perf_counter() - start)"


def median_import_time(module: str) -> float:
    """Median over `REPEATS` fresh interpreters, in milliseconds."""
    command = [sys.executable, "-c", PROGRAM.format(module)]
    runs = [float(subprocess.run(command, capture_output=True, text=True, check=True).stdout) for _ in range(REPEATS)]
    return 1000 * statistics.median(runs)


def main() -> None:
    numpy, package = median_import_time("numpy"), median_import_time("sklearn_audio")
    sys.stdout.write(f"import numpy          {numpy:6.1f} ms\n")
    sys.stdout.write(f"import sklearn_audio  {package:6.1f} ms  ({package - numpy:+.1f} ms; the limit is +150 ms)\n")


if __name__ == "__main__":
    main()
