"""Measures how long the generation of a project takes: python tests/benchmarks/baking.py."""

from __future__ import annotations

import statistics
import sys
import tempfile
import time
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parents[1]))

from projects import SETTINGS, bake

REPETITIONS = 10


def main() -> None:
    """Prints the median and the longest duration of each problem's generation."""
    for problem in SETTINGS["problem"]:
        seconds = []
        for _ in range(REPETITIONS):
            with tempfile.TemporaryDirectory() as folder:
                started = time.perf_counter()
                bake(Path(folder), problem=problem)
                seconds.append(time.perf_counter() - started)
        print(f"{problem}: median {statistics.median(seconds):.2f} s, longest {max(seconds):.2f} s")


if __name__ == "__main__":
    main()
