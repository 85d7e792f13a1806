"""Collects, validates, trains and judges a table of several times the memory that every stage is allowed.

    python tests/benchmarks/memory.py --venv VENV [--rows 9500000] [--allowed 800]

VENV is an environment that `make setup` made for a problem of tables. The table is made of Parquet shards of random
numbers and categories. A stage is allowed so many megabytes beyond what importing its packages takes; where control
groups can be made, as by root, the kernel ends a process that takes more. The table in memory, with 8 bytes per cell,
must be at least 4 times as large. Then training from disk and in memory are timed in one run, on a fortieth of the
rows: from disk it must reach 0.7 of the speed.
"""

from __future__ import annotations

import argparse
import atexit
import os
import re
import subprocess
import sys
import tempfile
from pathlib import Path
from typing import NamedTuple

ROOT = Path(__file__).resolve().parents[2]
NUM_NUMBERS, NUM_CATEGORIES = 36, 8
TIMES = 4  # how much larger than the memory the table must be
MIN_RATIO = 0.7  # of the speeds
SHARD = 500_000  # rows
MAKE = """
import pathlib, sys
import numpy as np, pyarrow as pa, pyarrow.parquet as pq
folder, rows, numbers, categories, shard = pathlib.Path(sys.argv[1]), *map(int, sys.argv[2:])
folder.mkdir()
for start in range(0, rows, shard):
    random, size = np.random.default_rng(start), min(shard, rows - start)
    columns = {f"number {place}": random.normal(size=size) for place in range(numbers)}
    names = np.array([f"value {place}" for place in range(50)])
    columns |= {f"category {place}": names[random.integers(0, 50, size)] for place in range(categories)}
    columns["target"] = columns["number 0"] + columns["number 1"] ** 2 + random.normal(scale=0.3, size=size)
    pq.write_table(pa.table(columns), folder / f"{start:012}.parquet", row_group_size=1 << 16)
"""
RUN = """
import importlib, os, pathlib, re, sys, time
package, stage, group, *options = sys.argv[1:]
def told(name):
    (size,) = re.findall(rf"{name}:\\s+(\\d+)", pathlib.Path("/proc/self/status").read_text())
    return int(size) * 1024
command = importlib.import_module(f"{package}.core.command")
command.set_up_process()
command.load(stage)
before = told("VmRSS")
if group:  # what was imported remains on the account of the group of before
    pathlib.Path(group, "cgroup.procs").write_text(str(os.getpid()))
started = time.perf_counter()
if command.main([stage, "--only", *options]):
    sys.exit("failed")
print("measured", time.perf_counter() - started, before, told("VmHWM"))
"""


class Table(NamedTuple):
    """A table as the source of a project, of which so many rows are kept in memory, and other settings."""

    python: Path
    project: Path
    path: Path
    in_memory: int
    settings: tuple[str, ...] = ("--target=target", '--criteria={"r2": 0.5}')


def main() -> int:
    """Prints what every stage took; fails if it took more than is allowed or training from disk is too slow."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--venv", type=Path, required=True)
    parser.add_argument("--rows", type=int, default=9_500_000)
    parser.add_argument("--allowed", type=int, default=800, help="megabytes beyond the imports")
    options = parser.parse_args()
    size = options.rows * (NUM_NUMBERS + NUM_CATEGORIES + 1) * 8
    allowed = options.allowed << 20
    if size < TIMES * allowed:
        parser.error(
            f"{options.rows:,} rows take {size >> 20} MB, which is not {TIMES} times --allowed: give more rows"
        )
    python = options.venv.absolute() / "bin" / "python"
    with tempfile.TemporaryDirectory() as folder:
        project = bake(Path(folder))
        whole = Table(python, project, write_table(python, Path(folder), options.rows), options.rows // 100)
        few = options.rows // 40
        print(f"{options.rows:,} rows, {size / allowed:.1f} times the {options.allowed} MB that a stage is allowed")
        group = make_group(allowed)
        print(f"the kernel {'keeps' if group else 'does not keep'} them to that")
        most = 0
        for stage in ("collect", "validate", "train", "evaluate", "accept", "export"):
            seconds, before, peak = run(whole, stage, group)
            most = max(most, peak - before)
            took = f"{(peak - before) >> 20} MB beyond {before >> 20} MB of imports"
            print(f"{stage}: {seconds:.0f} s, {took}", flush=True)
        ratio = compare(Table(python, project, write_table(python, Path(folder), few), few // 4), few)
    print(f"training from disk has {ratio:.2f} of the speed of training in memory (at least {MIN_RATIO:g})")
    return int(ratio < MIN_RATIO or most > allowed)


def bake(folder: Path, problem: str = "tabular-regression") -> Path:
    """A generated project for data larger than memory."""
    answers = [f"problem={problem}", "scale=cluster"]
    command = [sys.executable, "-m", "cookiecutter", "--no-input", "-o", folder, ROOT, *answers]
    subprocess.run(command, check=True, stdout=subprocess.DEVNULL)
    (project,) = folder.iterdir()
    return project


def make_group(allowed: int) -> Path | None:
    """A control group whose processes get no more memory, if one can be made."""
    own = dict(line.split(":", 2)[1:] for line in Path("/proc/self/cgroup").read_text(encoding="utf-8").splitlines())
    root = Path("/sys/fs/cgroup")
    for parent, name in ((root / f"memory{own.get('memory', '')}", "memory.limit_in_bytes"), (root, "memory.max")):
        group = parent / f"benchmark-{os.getpid()}"
        try:
            group.mkdir()
            (group / name).write_text(str(allowed), encoding="utf-8")
        except OSError:
            continue
        atexit.register(group.rmdir)
        return group
    return None


def write_table(python: Path, folder: Path, rows: int) -> Path:
    """A folder of Parquet shards."""
    table = folder / f"table of {rows}"
    subprocess.run([python, "-c", MAKE, table, *map(str, (rows, NUM_NUMBERS, NUM_CATEGORIES, SHARD))], check=True)
    return table


def compare(table: Table, rows: int) -> float:
    """The speed of an epoch from disk, by that of one in memory; what is not an epoch is taken off by a second run."""
    run(table, "collect")
    epochs = {}
    for most in (rows, table.in_memory):
        one, four = (run(table._replace(in_memory=most), "train", epochs=count)[0] for count in (1, 4))
        epochs[most] = (four - one) / 3
        print(f"an epoch of {rows:,} rows with {most:,} in memory: {epochs[most]:.1f} s", flush=True)
    return epochs[rows] / epochs[table.in_memory]


def run(table: Table, stage: str, group: Path | None = None, epochs: int = 1) -> tuple[float, int, int]:
    """Seconds of a stage, and the bytes of memory before it began and at most."""
    settings = [f"--source={table.path}", *table.settings, f"--max-examples-in-memory={table.in_memory}"]
    settings += [f"--epochs={epochs}", "--patience=100", f"--schema-path={table.path}.pbtxt"]
    package = next((table.project / "src").glob("*/__init__.py")).parent.name
    command = [table.python, "-c", RUN, package, stage, str(group or ""), *settings]
    environment = {**os.environ, "PYTHONPATH": "src"}
    finished = subprocess.run(command, cwd=table.project, env=environment, capture_output=True, text=True, check=False)
    found = re.search(r"measured (\S+) (\d+) (\d+)", finished.stdout)
    if not found:
        raise SystemExit(f"{stage} failed:\n{finished.stdout[-2000:]}\n{finished.stderr[-4000:]}")
    return float(found[1]), int(found[2]), int(found[3])


if __name__ == "__main__":
    sys.exit(main())
