"""Times `make validate`'s statistics against the direct path: the same Arrow batches straight into TFDV's generators.

    PROJECT/.venv/bin/python tests/benchmarks/validation.py --project PROJECT

Both run in turns in one process on the same table, so that a busy machine slows both. The ratio must stay at most 2.
"""

import argparse
import gc
import importlib
import itertools
import resource
import statistics
import sys
import tempfile
import time
from collections.abc import Callable
from pathlib import Path
from types import ModuleType

SPLITS = {"train": 0.7, "validation": 0.15, "test": 0.15}
MAX_RATIO = 2.0


def main() -> int:
    """Prints the times and the ratio; fails when the ratio is above the limit."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--project", type=Path, required=True, help="folder of a generated project")
    parser.add_argument("--rows", type=int, default=1_000_000)
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--seed", type=int, default=0)
    options = parser.parse_args()
    package = next((options.project / "src").glob("*/validate.py")).parent
    sys.path.insert(0, str(package.parent))
    project = importlib.import_module(f"{package.name}.data_statistics")
    config_class = importlib.import_module(f"{package.name}.config").Config

    with tempfile.TemporaryDirectory() as folder:
        config = config_class(artifacts=Path(folder))
        columns = write_tables(config, options.rows, options.seed)
        before = peak_memory()
        ways = {"direct": lambda: direct(project, config), "Beam": lambda: project.compute(config)}
        times: dict[str, list[float]] = {name: [] for name in ways}
        for _, (name, run) in itertools.product(range(options.rounds), ways.items()):
            times[name].append(seconds(run))
    best = {name: min(values) for name, values in times.items()}
    ratio = statistics.median(beam / straight for beam, straight in zip(times["Beam"], times["direct"], strict=True))
    print(f"{options.rows:,} rows x {columns} columns: direct {best['direct']:.2f} s, Beam {best['Beam']:.2f} s")
    print(f"ratio {ratio:.2f} (at most {MAX_RATIO:g})")
    print(f"peak memory {before:.2f} GB before, when the tables were made, and {peak_memory():.2f} GB after")
    return int(ratio > MAX_RATIO)


def peak_memory() -> float:
    """The most memory that this process has had, in GB (Linux counts in KB)."""
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / (1 << 20)


def seconds(run: Callable[[], object]) -> float:
    """How long a call takes."""
    gc.collect()
    started = time.perf_counter()
    run()
    return time.perf_counter() - started


def direct(project: ModuleType, config: object) -> None:
    """The statistics without Beam."""
    for split in SPLITS:
        combiner = project.CombineStatistics()
        combiner.setup()
        accumulators = combiner.create_accumulator()
        for name, path, number in project.row_groups(config):
            if name == split:
                for _, batch in project.read_batches(name, path, number):
                    accumulators = combiner.add_input(accumulators, batch)
        combiner.extract_output(accumulators)


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
