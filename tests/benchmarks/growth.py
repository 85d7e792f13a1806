"""How the processor seconds of stages grow with rows, columns, classes and files: slopes of logarithms; 2 is quadratic.

Is run by table.py in the environment of a generated project. The slope is that between the two largest of three sizes,
each twice the one before; the smallest is run once before, which does not count.
"""

from __future__ import annotations

import contextlib
import io
import math
import tempfile
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pandas as pd
from contest import Setting
from tables import make_table

STAGES = ("collect", "validate", "adapt", "evaluate")


def grow(setting: Setting, axis: str) -> dict[str, Any]:
    """The sizes along an axis, the seconds of each stage for each, and the slope of each stage."""
    make, smallest = AXES[axis]
    first = max(int(smallest * setting.rows / 50_000), 2)
    sizes = [first, first, first * 2, first * 4]
    seconds: dict[str, list[float]] = {stage: [] for stage in STAGES}
    for size in sizes:
        with tempfile.TemporaryDirectory() as folder:
            for stage, taken in time_stages(setting, make(setting, size, Path(folder)), Path(folder)).items():
                seconds[stage].append(taken)
    slopes = {stage: math.log2(taken[-1] / taken[-2]) for stage, taken in seconds.items()}
    return {"sizes": sizes[1:], "seconds": {stage: taken[1:] for stage, taken in seconds.items()}, "slopes": slopes}


def time_stages(setting: Setting, settings: dict[str, Any], folder: Path) -> dict[str, float]:
    """The seconds of the stages on data of one size."""
    own = {"artifacts": folder / "artifacts", "schema_path": folder / "schema.pbtxt", "epochs": 1}
    config = setting.module("config").Config(**settings, **own)
    stages = {name: setting.module(f"stages.{name}") for name in ("collect", "validate", "train", "evaluate")}

    def adapt() -> None:
        table = setting.module("data.loading").read_examples(config, "train")
        setting.module("preprocessing").build_preprocessor(config, table)

    seconds = {name: timed(lambda name=name: stages[name].main(config)) for name in ("collect", "validate")}
    seconds["adapt"] = timed(adapt)
    timed(lambda: stages["train"].main(config))
    seconds["evaluate"] = timed(lambda: stages["evaluate"].main(config))
    return seconds


def timed(run: Callable[[], object]) -> float:
    """The processor seconds of a call, which other processes hardly change; what it prints is dropped."""
    started = time.process_time()
    with contextlib.redirect_stdout(io.StringIO()), contextlib.redirect_stderr(io.StringIO()):
        run()
    return time.process_time() - started


def write(table: pd.DataFrame, folder: Path) -> dict[str, Any]:
    """The settings for a table that is written to a folder."""
    table.to_csv(folder / "table.csv", index=False)
    return {"source": str(folder / "table.csv"), "target": "target", "batch_size": 1_024}


def rows(setting: Setting, size: int, folder: Path) -> dict[str, Any]:
    """More rows."""
    del setting
    return write(make_table(size), folder)


def columns(setting: Setting, size: int, folder: Path) -> dict[str, Any]:
    """More columns, half of them numbers."""
    return write(make_table(setting.rows // 10, size // 2, size - size // 2), folder)


def classes(setting: Setting, size: int, folder: Path) -> dict[str, Any]:
    """More classes, of as many rows."""
    return write(make_table(setting.rows // 2, num_classes=size), folder)


def files(setting: Setting, size: int, folder: Path) -> dict[str, Any]:
    """More files: images of the sample with a pixel changed, so that none repeats another."""
    import numpy as np
    from PIL import Image

    config = setting.config()
    table = pd.concat([setting.module("data.loading").read_examples(config, split) for split in ("train", "test")])
    table = table.sample(frac=1, random_state=0)  # so that any number of them has all classes
    for place in range(size):
        row = table.iloc[place % len(table)]
        pixels = np.array(Image.open(row["image"]))
        pixels.flat[place // len(table)] ^= 255
        target = folder / "files" / str(row[config.target])
        target.mkdir(parents=True, exist_ok=True)
        Image.fromarray(pixels).save(target / f"{place}.png")
    return {"source": str(folder / "files"), "group": "", "name_pattern": ""}


AXES: dict[str, tuple[Callable[[Setting, int, Path], dict[str, Any]], int]] = {
    "rows": (rows, 50_000),
    "columns": (columns, 40),
    "classes": (classes, 50),
    "files": (files, 1_000),
}
