"""Compares the window pipeline of a generated project with keras.utils.timeseries_dataset_from_array, in one run.

    VENV/bin/python tests/benchmarks/windows.py [--steps 50000] [--columns 7] [--context 336] [--horizon 96]

VENV is an environment that `make setup` made for the problem. Both cut the same windows of the same series and shuffle
them; prints windows a second of the second epoch, and the ratio.
"""

from __future__ import annotations

import argparse
import re
import sys
import tempfile
import time
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import keras
import numpy as np
import tensorflow as tf

ROOT = Path(__file__).resolve().parents[2]
TEMPLATE = ROOT / "{{cookiecutter.project_slug}}"
PACKAGE = "{{cookiecutter.package_name}}"
BATCH = 128


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    for name, default in (("steps", 50_000), ("columns", 7), ("context", 336), ("horizon", 96)):
        parser.add_argument(f"--{name}", type=int, default=default)
    options = parser.parse_args()
    values = np.random.default_rng(0).normal(size=(options.steps, options.columns)).astype("float32")
    speeds = [rate(ours(values, options)), rate(theirs(values, options))]
    print(f"window pipeline {speeds[0]:,.0f}, timeseries_dataset_from_array {speeds[1]:,.0f} windows/s")
    print(f"ratio {speeds[0] / speeds[1]:.2f}")


def ours(values: np.ndarray, options: argparse.Namespace) -> tf.data.Dataset:
    """The project's pipeline: places that are shuffled, and windows that are gathered by them."""
    batching, preprocessing = modules()
    shape = SimpleNamespace(context=options.context, horizon=options.horizon)
    long = {"past": values, "is_known": np.ones_like(values), "target": values}
    cut = preprocessing.cutter(shape, long, {})
    starts = np.arange(options.context, options.steps - options.horizon)
    places = np.stack([starts, np.zeros_like(starts)], axis=1)
    epoch = tf.Variable(0, dtype="int32")
    dataset = batching.shuffled_rows(lambda _: {}, places, BATCH, 0, epoch)
    return dataset.map(lambda _, rows: rows).map(cut, num_parallel_calls=1).prefetch(tf.data.AUTOTUNE)


def modules() -> tuple[Any, Any]:
    """The modules of the template that cut windows, laid over each other as a package."""
    folder = Path(tempfile.mkdtemp()) / "package"
    folder.mkdir()
    for layer in (TEMPLATE, TEMPLATE / "data_types" / "series", TEMPLATE / "tasks" / "forecasting"):
        for path in (layer / "src" / PACKAGE).glob("*.py"):
            text = path.read_text(encoding="utf-8")
            (folder / path.name).write_text(re.sub(r"^ *# jinja:.*\n", "", text, flags=re.MULTILINE), encoding="utf-8")
    sys.path.insert(0, str(folder.parent))
    from package import batching, preprocessing  # type: ignore[import-not-found]

    return batching, preprocessing


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
