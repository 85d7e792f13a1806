"""Scores the default forecaster on the last 20 % of three series, through a generated project's own stages.

    python tests/benchmarks/series.py --data DIR --venv DIR [--sets "ETTh1, 24 hours"] [--seed 0] [--output FOLDER]

DIR holds etth1 and beijing_pm25; the sample is the template's own. Nothing is tuned. Prints a Markdown table of errors
over all windows and steps of the test part, and of each step of the sample; of ETTh1 with all its series and the usual
split, the mean squared error of standardised targets.
"""

from __future__ import annotations

import argparse
import csv
import gzip
import json
from pathlib import Path
from typing import Any

import stages

ETT = ("HUFL", "HULL", "MUFL", "MULL", "LUFL", "LULL")
USUAL = {"context": 336, "validation_start": "2017-07-01", "test_start": "2017-10-29", "further_targets": ",".join(ETT)}
SETS: dict[str, dict[str, Any]] = {
    "Seattle weather, 7 days": {"horizon": 7},
    "ETTh1, 1 hour": {"data": "etth1", "target": "OT", "horizon": 1},
    "ETTh1, 24 hours": {"data": "etth1", "target": "OT", "horizon": 24},
    "Beijing PM2.5, 1 hour": {"data": "beijing_pm25", "target": "pm2.5", "horizon": 1},
    "Beijing PM2.5, 24 hours": {"data": "beijing_pm25", "target": "pm2.5", "horizon": 24},
    "ETTh1, all 7 series, 96 hours": {"data": "etth1", "rows": 14_400, "target": "OT", "horizon": 96, **USUAL},
}
SCRIPT = """
import json, sys
import numpy as np
from importlib import import_module
load = lambda name: import_module(f"{sys.argv[1]}.{name}")
baselines, inference, loading, preprocessing, tables, task = map(
    load, ("baselines", "evaluation.inference", "data.loading", "preprocessing", "data.tables", "task"))
config = load("core.settings").load(load("config").Config, sys.argv[2:])
complete = inference.load_model(config)
target = inference.target_of(complete)
train, test = (loading.read_examples(config, split) for split in ("train", "test"))
truth = task.actual(target, test[config.target])
features = preprocessing.simple_features(config, train, test)
names = ("last_value", "seasonal_naive", "ridge")
outputs = baselines.baseline((features[0], task.actual(target, train[config.target])), features[1], names)
outputs["network"] = inference.predict(complete, test)
errors = {name: (truth - each["forecast"]).reshape(len(truth), target.horizon, -1) for name, each in outputs.items()}
rows = tables.read_rows(config, "train")
days = rows[config.time].dt.dayofyear
norm = rows.groupby(days.to_numpy())[config.target].mean().reindex(range(1, 367)).interpolate(limit_direction="both")
norm = np.convolve(np.tile(norm, 3), np.ones(15) / 15, "same")[366:732]
starts = test["forecast start"].to_numpy()
step = (starts[1] - starts[0]) * np.arange(target.horizon)
asked = (starts[:, None] + step).astype("datetime64[D]")
place = (asked - asked.astype("datetime64[Y]")).astype(int)
errors["climatology"] = truth.reshape(len(truth), target.horizon, -1)[:, :, :1] - norm[place][:, :, None]
def scores(each):
    squared = (each / np.array(target.scales)[: each.shape[2]]) ** 2
    absolute = np.abs(each)
    steps = np.nanmean(absolute, axis=(0, 2)).tolist()
    errors = {"mae": np.nanmean(absolute), "rmse": np.sqrt(np.nanmean(each**2)), "mse": np.nanmean(squared)}
    return {"steps": steps, **{name: float(error) for name, error in errors.items()}}
print(json.dumps({name: scores(each) for name, each in errors.items()}))
"""
COLUMNS = ("last_value", "seasonal_naive", "climatology", "ridge", "network")


def main() -> None:
    options = stages.options(__doc__, SETS)
    print(f"| set | error | {' | '.join(COLUMNS)} | training, s |\n|{'---|' * (len(COLUMNS) + 3)}")
    for name in options.sets:
        scores, seconds = measure(name, options)
        several = ("MSE, standardised", "mse") if SETS[name].get("further_targets") else ("RMSE", "rmse")
        for words, error in (("MAE", "mae"), several):
            cells = [f"{scores[column][error]:.4f}" for column in COLUMNS]
            print(f"| {name} | {words} | {' | '.join(cells)} | {seconds:.0f} |", flush=True)
        if "data" not in SETS[name]:
            for step, errors in enumerate(zip(*(scores[column]["steps"] for column in COLUMNS), strict=True), 1):
                print(f"| step {step} | MAE | {' | '.join(f'{error:.4f}' for error in errors)} | |")


def measure(name: str, options: argparse.Namespace) -> tuple[dict[str, Any], float]:
    """The errors of the network and of simple forecasts on the test part, and the seconds of training."""
    settings = dict(SETS[name])
    words = "".join(letter if letter.isalnum() else " " for letter in name).split()
    project = stages.bake("time-series-forecasting", " ".join(["Series", *words]), options.output)
    if "data" in settings:
        table = project / "data" / "raw" / "table.csv"
        write_table(options.data / settings.pop("data"), table, settings.pop("rows", None))
        settings["source"] = "data/raw/table.csv"
    arguments = [f"--{setting}={value}" for setting, value in {**settings, "seed": options.seed}.items()]
    seconds = stages.run(project, options.venv, ("collect", "train"), arguments)["train"]
    printed = stages.python(project, options.venv, ["-W", "ignore", "-c", SCRIPT, stages.package(project), *arguments])
    scores: dict[str, Any] = json.loads(printed.splitlines()[-1])
    return scores, seconds


def write_table(data: Path, path: Path, num_rows: int | None) -> None:
    """Writes the first rows of a set, with one column for the time."""
    (file,) = data.glob("*.csv.gz")
    with gzip.open(file, "rt", encoding="utf-8", newline="") as stream:
        rows = list(csv.DictReader(stream))[:num_rows]
    if "date" not in rows[0]:
        for row in rows:
            year, month, day, hour = (int(row.pop(name)) for name in ("year", "month", "day", "hour"))
            row["date"] = f"{year}-{month:02}-{day:02}T{hour:02}:00:00"
            row.pop("No")
    with path.open("w", newline="", encoding="utf-8") as stream:
        writer = csv.DictWriter(stream, list(rows[0]))
        writer.writeheader()
        writer.writerows(rows)


if __name__ == "__main__":
    main()
