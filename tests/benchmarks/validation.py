"""Times `make validate`'s statistics against the direct path: the same Arrow batches straight into TFDV's generators.

    PROJECT/.venv/bin/python tests/benchmarks/validation.py --project PROJECT

Both run in turns in one process on the same table, so that a busy machine slows both. The ratio must stay at most 2.5.
Then processes of their own compute the statistics of a tenth, of all and of five times the rows: their memory must not
grow with the rows.
"""

import argparse
import gc
import importlib
import itertools
import os
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable
from pathlib import Path
from types import ModuleType

SPLITS = {"train": 0.7, "validation": 0.15, "test": 0.15}
MAX_RATIO = 2.5
MAX_GROWTH = 1.25  # of memory, from a tenth of the rows to five times as many
ALONE = """
import importlib, pathlib, re, sys, time
name, folder = sys.argv[1:]
statistics = importlib.import_module(f"{name}.validation.data_statistics")
config = importlib.import_module(f"{name}.config").Config(artifacts=folder)
started = time.perf_counter()
statistics.compute(config)
took = time.perf_counter() - started
(peak,) = re.findall(r"VmHWM:\\s+(\\d+)", pathlib.Path("/proc/self/status").read_text())
print(took, int(peak) / (1 << 20))
"""


def main() -> int:
    """Prints the times and the ratio; fails when the ratio is above the limit."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--project", type=Path, required=True, help="folder of a generated project")
    parser.add_argument("--rows", type=int, default=1_000_000)
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--seed", type=int, default=0)
    options = parser.parse_args()
    package = next(options.project.glob("src/*/__init__.py")).parent
    sys.path.insert(0, str(package.parent))
    project = importlib.import_module(f"{package.name}.validation.data_statistics")
    config_class = importlib.import_module(f"{package.name}.config").Config

    with tempfile.TemporaryDirectory() as folder:
        config = config_class(artifacts=Path(folder))
        columns = write_tables(config, options.rows, options.seed)
        ways = {"direct": lambda: direct(project, config), "Beam": lambda: project.compute(config)}
        times: dict[str, list[float]] = {name: [] for name in ways}
        for _, (name, run) in itertools.product(range(options.rounds), ways.items()):
            times[name].append(seconds(run))
    best = {name: min(values) for name, values in times.items()}
    ratio = statistics.median(beam / straight for beam, straight in zip(times["Beam"], times["direct"], strict=True))
    print(f"{options.rows:,} rows x {columns} columns: direct {best['direct']:.2f} s, Beam {best['Beam']:.2f} s")
    print(f"ratio {ratio:.2f} (at most {MAX_RATIO:g})")
    peaks = []
    for rows in (options.rows // 10, options.rows, options.rows * 5):
        with tempfile.TemporaryDirectory() as folder:
            write_tables(config_class(artifacts=Path(folder)), rows, options.seed)
            took, peak = alone(package, folder)
        print(f"{rows:,} rows in a process of their own: {took:.2f} s, peak memory {peak:.2f} GB")
        peaks.append(peak)
    return int(ratio > MAX_RATIO or peaks[-1] > MAX_GROWTH * peaks[0])


def alone(package: Path, folder: str) -> tuple[float, float]:
    """Seconds and the most memory, in GB, that a process takes for the statistics of the tables in a folder."""
    environment = {**os.environ, "PYTHONPATH": str(package.parent)}
    command = [sys.executable, "-c", ALONE, package.name, folder]
    finished = subprocess.run(command, env=environment, capture_output=True, text=True, check=True)
    took, peak = map(float, finished.stdout.split())
    return took, peak


def seconds(run: Callable[[], object]) -> float:
    """How long a call takes."""
    gc.collect()
    started = time.perf_counter()
    run()
    return time.perf_counter() - started


def direct(project: ModuleType, config: object) -> None:
    """The statistics without Beam, by generators that TFDV does not publish: what is measured against."""
    from tensorflow_data_validation.statistics.stats_impl import extract_statistics_output, get_generators

    for part in project.parts(config):
        generators = get_generators(project.options(), in_memory=True)
        accumulators = [generator.create_accumulator() for generator in generators]
        for batch in project.read_batches(part):
            pairs = zip(generators, accumulators, strict=True)
            accumulators = [generator.add_input(accumulator, batch) for generator, accumulator in pairs]
        extract_statistics_output(accumulators, generators)


def write_tables(config: object, rows: int, seed: int) -> int:
    """Writes splits with numbers, counts, categories, flags, times and missing values; returns how many columns."""
    import numpy as np
    import pyarrow as pa
    import pyarrow.parquet as pq

    random = np.random.default_rng(seed)
    for split, share in SPLITS.items():
        size = round(rows * share)
        columns = {f"number {place}": random.normal(place, place + 1, size) for place in range(5)}
        table = {name: pa.array(values, mask=random.random(size) < 0.05) for name, values in columns.items()}
        table |= {f"count {place}": pa.array(random.integers(0, 10 ** (place + 1), size)) for place in range(3)}
        for values in (5, 20, 45, 80):
            names = np.array([f"value {place}" for place in range(values)])
            table[f"category of {values}"] = pa.array(names[random.integers(0, values, size)])
        table["flag"] = pa.array(random.random(size) < 0.3)
        moments = np.datetime64("2020-01-01") + random.integers(0, 10**9, size).astype("timedelta64[s]")
        table["time"] = pa.array(moments.astype("datetime64[us]"))
        table["target"] = pa.array(np.array(["no", "yes"])[random.integers(0, 2, size)])
        path = config.paths.examples(split)
        path.parent.mkdir(parents=True, exist_ok=True)
        pq.write_table(pa.table(table), path, row_group_size=1 << 17)
    return len(table)


if __name__ == "__main__":
    sys.exit(main())
