"""Compares the window pipeline of a generated project with keras.utils.timeseries_dataset_from_array, in one run.

    PROJECT/.venv/bin/python tests/benchmarks/windows.py --project PROJECT [--steps 50000] [--columns 7]

PROJECT is a forecast of time series. Both cut the same windows of the same series and shuffle
them; prints windows a second of the second epoch, and the ratio.
"""

from __future__ import annotations

import argparse
import importlib
import sys
import time
from pathlib import Path
from types import ModuleType, SimpleNamespace

import keras
import numpy as np
import tensorflow as tf

MODULES = ("data.batching", "preprocessing")
BATCH = 128


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--project", type=Path, required=True, help="folder of a generated project")
    for name, default in (("steps", 50_000), ("columns", 7), ("context", 336), ("horizon", 96)):
        parser.add_argument(f"--{name}", type=int, default=default)
    options = parser.parse_args()
    package = next(options.project.glob("src/*/__init__.py")).parent
    sys.path.insert(0, str(package.parent))
    batching, preprocessing = (importlib.import_module(f"{package.name}.{name}") for name in MODULES)
    values = np.random.default_rng(0).normal(size=(options.steps, options.columns)).astype("float32")
    speeds = [rate(ours(batching, preprocessing, values, options)), rate(theirs(values, options))]
    print(f"window pipeline {speeds[0]:,.0f}, timeseries_dataset_from_array {speeds[1]:,.0f} windows/s")
    print(f"ratio {speeds[0] / speeds[1]:.2f}")


def ours(
    batching: ModuleType, preprocessing: ModuleType, values: np.ndarray, options: argparse.Namespace
) -> tf.data.Dataset:
    """The project's pipeline: places that are shuffled, and windows that are gathered by them."""
    shape = SimpleNamespace(context=options.context, horizon=options.horizon)
    long = {"past": values, "is_known": np.ones_like(values), "target": values}
    cut = preprocessing.cutter(shape, long, {})
    starts = np.arange(options.context, options.steps - options.horizon)
    places = np.stack([starts, np.zeros_like(starts)], axis=1)
    epoch = tf.Variable(0, dtype="int32")
    dataset = batching.shuffled_rows(lambda _: {}, [places], BATCH, 0, epoch)
    return dataset.map(lambda _, rows: rows).map(cut, num_parallel_calls=1).prefetch(tf.data.AUTOTUNE)


def theirs(values: np.ndarray, options: argparse.Namespace) -> tf.data.Dataset:
    """Keras's own: whole windows, which are then split into history and future."""
    length = options.context + options.horizon
    dataset = keras.utils.timeseries_dataset_from_array(values, None, length, batch_size=BATCH, shuffle=True, seed=0)

    def split(window: tf.Tensor) -> tuple[dict[str, tf.Tensor], tf.Tensor]:
        past = window[:, : options.context]
        return {"past": past, "is_known": tf.ones_like(past)}, window[:, options.context :]

    return dataset.map(split, num_parallel_calls=1).prefetch(tf.data.AUTOTUNE)


def rate(dataset: tf.data.Dataset) -> float:
    """Windows a second of the second epoch."""
    for _ in range(2):
        started, count = time.perf_counter(), 0
        for _, targets in dataset:
            count += int(targets.shape[0])
        seconds = time.perf_counter() - started
    return count / seconds


if __name__ == "__main__":
    main()
