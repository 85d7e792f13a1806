"""Times what stands between a table and the network: adapting, encoding, batches, and training on them.

    PROJECT/.venv/bin/python tests/benchmarks/training.py --project PROJECT

Prints rows per second, and how training on the project's dataset compares with plain `fit` on the same arrays, in turns
in one process. PROJECT is a tabular classification.
"""

import argparse
import importlib
import statistics
import sys
import time
from collections.abc import Iterable
from pathlib import Path
from types import SimpleNamespace

import numpy as np
import pandas as pd

BATCH = 1_024
NUM_NUMBERS, NUM_CATEGORIES = 8, 5


def main() -> None:
    """Prints the figures."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--project", type=Path, required=True, help="folder of a generated project")
    parser.add_argument("--rows", type=int, default=1_000_000)
    parser.add_argument("--rounds", type=int, default=3)
    options = parser.parse_args()
    package = next(options.project.glob("src/*/__init__.py")).parent
    sys.path.insert(0, str(package.parent))
    names = {"batching": "data.batching", "config": "config", "fit": "training.fit", "preprocessing": "preprocessing"}
    modules = {name: importlib.import_module(f"{package.name}.{place}") for name, place in names.items()}
    project = SimpleNamespace(**modules)
    config, table = project.config.Config(target="target"), make_table(options.rows)

    started = time.perf_counter()
    preprocessor = project.preprocessing.build_preprocessor(config, table)
    print(f"adapting to {options.rows:,} rows: {time.perf_counter() - started:.2f} s")
    arrays = project.preprocessing.raw_arrays(preprocessor.input, table)
    project.batching.run_in_batches(preprocessor, {name: array[:BATCH] for name, array in arrays.items()}, BATCH)
    started = time.perf_counter()
    encoded = project.batching.run_in_batches(preprocessor, arrays, project.preprocessing.ENCODING_BATCH)
    print(f"encoding: {rate(options.rows, started)} rows/s")

    targets = table["target"].to_numpy("int32")[:, None]
    dataset = project.batching.shuffled(encoded, targets, BATCH, 0, project.fit.epoch_counter())
    started = time.perf_counter()
    for _ in dataset:
        pass
    print(f"batches of {BATCH} from the second epoch on: {rate(options.rows, started)} rows/s")
    compare(encoded, targets, dataset, options.rounds)


def make_table(num_rows: int) -> pd.DataFrame:
    """Numbers with gaps, categories and a target of two classes."""
    random = np.random.default_rng(0)
    numbers = random.normal(size=(num_rows, NUM_NUMBERS))
    numbers[random.random(numbers.shape) < 0.01] = np.nan
    table = {f"number {place}": numbers[:, place] for place in range(NUM_NUMBERS)}
    for place in range(NUM_CATEGORIES):
        table[f"category {place}"] = np.array([f"value {code}" for code in range(20)], object)[
            random.integers(0, 20, num_rows)
        ]
    return pd.DataFrame(table | {"target": random.integers(0, 2, num_rows)})


def compare(encoded: dict[str, np.ndarray], targets: np.ndarray, dataset: Iterable, rounds: int) -> None:
    """Trains a three-layer network on the arrays and on the dataset, in turns."""
    import keras

    inputs = {name: keras.Input(array.shape[1:], name=name) for name, array in encoded.items()}
    hidden = keras.layers.Concatenate()(list(inputs.values()))
    for units in (256, 128, 64):
        hidden = keras.layers.Dense(units, "relu")(hidden)
    network = keras.Model(inputs, keras.layers.Dense(1, "sigmoid")(hidden))
    network.compile("adam", "binary_crossentropy", steps_per_execution=32, jit_compile=False)
    times: dict[str, list[float]] = {"arrays": [], "dataset": []}
    for turn in range(rounds + 1):
        for name, arguments in {"arrays": (encoded, targets), "dataset": (dataset,)}.items():
            size = {"batch_size": BATCH} if name == "arrays" else {"shuffle": False}
            started = time.perf_counter()
            network.fit(*arguments, epochs=1, verbose=0, **size)
            if turn:  # the first one traces the graph
                times[name].append(time.perf_counter() - started)
    ratio = statistics.median(plain / ours for plain, ours in zip(times["arrays"], times["dataset"], strict=True))
    print(f"training: {len(targets) / min(times['dataset']):,.0f} rows/s, {ratio:.2f} of plain fit on arrays")


def rate(num_rows: int, started: float) -> str:
    """Rows per second since a time."""
    return f"{num_rows / (time.perf_counter() - started):,.0f}"


if __name__ == "__main__":
    main()
