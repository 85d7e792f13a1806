"""Times the life cycle of the sample in one process, `python -m PACKAGE all`, beside a process for each stage.

    python tests/benchmarks/one_process.py --venv DIR [--problem tabular-classification] [--repetitions 3]

DIR is an environment that `make setup` made for the problem. Both begin without artifacts and take turns, so that a
busy machine slows both; a first round, in which files come into the memory of the system, does not count. Prints the
medians and how many times as long several processes take.
"""

from __future__ import annotations

import argparse
import shutil
import statistics
import tempfile
import time
from collections.abc import Callable
from pathlib import Path

import stages

STAGES = ("collect", "validate", "train", "evaluate", "accept", "export")


def main() -> None:
    """Prints the seconds of both ways in each round, their medians and the ratio."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--venv", type=Path, required=True)
    parser.add_argument("--problem", default="tabular-classification")
    parser.add_argument("--repetitions", type=int, default=3)
    options = parser.parse_args()
    venv = options.venv.absolute()
    with tempfile.TemporaryDirectory() as folder:
        project = stages.bake(options.problem, "One process", Path(folder))
        ways: dict[str, Callable[[], object]] = {
            "one process": lambda: stages.python(project, venv, ["-m", stages.package(project), "all"]),
            "one process per stage": lambda: stages.run(project, venv, STAGES, []),
        }
        seconds: dict[str, list[float]] = {name: [] for name in ways}
        for turn in range(1 + options.repetitions):
            for name, run in ways.items():
                shutil.rmtree(project / "artifacts", ignore_errors=True)
                started = time.perf_counter()
                run()
                if turn:
                    seconds[name].append(time.perf_counter() - started)
                    print(f"round {turn}, {name}: {seconds[name][-1]:.1f} s", flush=True)
    together, apart = seconds.values()
    for name, values in seconds.items():
        print(f"{name}: median {statistics.median(values):.1f} s")
    ratios = (several / one for one, several in zip(together, apart, strict=True))
    print(f"one process per stage takes {statistics.median(ratios):.2f} times as long")


if __name__ == "__main__":
    main()
