"""Trains on a table of texts from disk and in memory, and tells what either takes.

    python tests/benchmarks/text_memory.py --venv VENV [--texts 300000] [--in-memory 20000]

VENV is an environment that `make setup` made for a problem of texts. The table is made of Parquet shards of random
texts of 150 words, some far more frequent than others, and one that tells the class.
"""

from __future__ import annotations

import argparse
import subprocess
import tempfile
from pathlib import Path

import memory

MAKE = """
import pathlib, sys
import numpy as np, pyarrow as pa, pyarrow.parquet as pq
folder, texts, shard = pathlib.Path(sys.argv[1]), int(sys.argv[2]), 50_000
folder.mkdir()
words = np.array([f"word{number}" for number in range(30_000)])
for start in range(0, texts, shard):
    random, size = np.random.default_rng(start), min(shard, texts - start)
    chosen = (random.pareto(0.8, (size, 150)) * 20).astype(int) % len(words)
    is_good = random.integers(0, 2, size).astype(bool)
    contents = [" ".join([*words[row], "good" if good else "bad"]) for row, good in zip(chosen, is_good)]
    table = pa.table({"text": contents, "kind": np.where(is_good, "praise", "blame")})
    pq.write_table(table, folder / f"{start:012}.parquet", row_group_size=10_000)
"""


def main() -> None:
    """Collects and validates in parts, then trains both ways, an epoch each."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--venv", type=Path, required=True)
    parser.add_argument("--texts", type=int, default=300_000)
    parser.add_argument("--in-memory", type=int, default=20_000, help="texts that are kept in memory")
    options = parser.parse_args()
    python = options.venv.absolute() / "bin" / "python"
    with tempfile.TemporaryDirectory() as folder:
        project, path = memory.bake(Path(folder), "text-classification"), Path(folder) / "texts"
        subprocess.run([python, "-c", MAKE, path, str(options.texts)], check=True)
        settings = ("--target=kind", "--text-column=text", '--criteria={"accuracy": 0.6}')
        on_disk = memory.Table(python, project, path, options.in_memory, settings)
        for stage in ("collect", "validate", "train"):
            tell(f"{stage}, in parts", *memory.run(on_disk, stage))
        tell("train, in memory", *memory.run(on_disk._replace(in_memory=options.texts), "train"))


def tell(what: str, seconds: float, before: int, peak: int) -> None:
    """Prints a line."""
    print(f"{what}: {seconds:.0f} s, {(peak - before) >> 20} MB beyond {before >> 20} MB of imports", flush=True)


if __name__ == "__main__":
    main()
