"""Scores the default forecaster on the last 20 % of series, through a generated project's own stages.

    python tests/benchmarks/series.py --data DIR --venv DIR [--sets "ETTh1, 24 hours"] [--seed 0] [--output FOLDER]

DIR holds etth1 and beijing_pm25; the sample is the template's own, four short series come with statsmodels, and two
with several seasons are made up: "weeks" are 60 weeks of hours, "years" three years of hours with holidays and a
temperature that are known in advance.
Nothing is tuned. Prints a Markdown table of errors over all windows and steps of the test part, next to gradient
boosting on lags, ridge and every naive forecast, and at how many steps the network is below all of them; of ETTh1 with
all its series and the usual split, the mean squared error of standardised targets.
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
    "ETTh1, 96 hours": {"data": "etth1", "target": "OT", "horizon": 96},
    "Beijing PM2.5, 1 hour": {"data": "beijing_pm25", "target": "pm2.5", "horizon": 1},
    "Beijing PM2.5, 24 hours": {"data": "beijing_pm25", "target": "pm2.5", "horizon": 24},
    "weeks, made up, 24 hours": {"made": "weeks", "target": "load", "horizon": 24},
    "years, made up, 24 hours": {"made": "years", "target": "load", "horizon": 24, "known": "holiday,temperature"},
    "sunspots, 5 years": {"packaged": "sunspots", "target": "SUNACTIVITY", "horizon": 5},
    "Nile, 5 years": {"packaged": "nile", "target": "volume", "horizon": 5},
    "El Nino, 12 months": {"packaged": "elnino", "target": "temperature", "horizon": 12},
    "CO2, 12 weeks": {"packaged": "co2", "target": "co2", "horizon": 12},
    "ETTh1, all 7 series, 96 hours": {"data": "etth1", "rows": 14_400, "target": "OT", "horizon": 96, **USUAL},
}
SCRIPT = """
import json, sys
import numpy as np
from importlib import import_module
load = lambda name: import_module(f"{sys.argv[1]}.{name}")
baselines, inference, loading, preprocessing, tables, task = map(
    load, ("baselines", "evaluation.inference", "data.loading", "preprocessing", "data.tables", "task"))
config = load("core.command").load_settings(load("config").Config, sys.argv[2:])
complete = inference.load_model(config)
target = inference.target_of(complete)
train, test = (loading.read_examples(config, split) for split in ("train", "test"))
truth = task.actual(target, test[config.target])
features = preprocessing.simple_features(config, train, test)
outputs = baselines.baseline((features[0], task.actual(target, train[config.target])), features[1])
outputs = {name: each for name, each in outputs.items() if name not in ("drift", "exponential_smoothing")}
outputs["network"] = inference.predict(complete, test)
errors = {name: (truth - each["forecast"]).reshape(len(truth), target.horizon, -1) for name, each in outputs.items()}
def scores(each):
    squared = (each / np.array(target.scales)[: each.shape[2]]) ** 2
    absolute = np.abs(each)
    steps = np.nanmean(absolute, axis=(0, 2)).tolist()
    errors = {"mae": np.nanmean(absolute), "rmse": np.sqrt(np.nanmean(each**2)), "mse": np.nanmean(squared)}
    return {"steps": steps, **{name: float(error) for name, error in errors.items()}}
print(json.dumps({name: scores(each) for name, each in errors.items()}))
"""
MADE = """
import sys
import numpy as np, pandas as pd
kind, path = sys.argv[1:]  # a load by the hour with a daily shape that is lower on weekends, and 2 % noise
random = np.random.default_rng(0)
hours = np.arange(60 * 168 if kind == "weeks" else 3 * 8_760)
times = pd.date_range("2021-01-04", periods=len(hours), freq="1h")
is_weekend = times.weekday >= 5
shape = 1 + 0.3 * np.sin(2 * np.pi * (hours - 8) / 24) + 0.15 * np.sin(4 * np.pi * (hours - 5) / 24)
load = 100 * shape * np.where(is_weekend, 0.75, 1.0)
table = pd.DataFrame({"date": times.strftime("%Y-%m-%dT%H:%M:%S")})
if kind == "years":
    weather = 20 * pd.Series(random.normal(0, 1, len(hours))).ewm(alpha=0.02).mean().to_numpy()
    temperature = 12 - 11 * np.cos(2 * np.pi * hours / 8_766) + 3 * np.sin(2 * np.pi * (hours - 9) / 24) + weather
    is_holiday = np.isin(times.dayofyear, random.choice(365, 14, replace=False))
    load = 4 * np.where(is_holiday & ~is_weekend, 0.8 * load, load) + 0.4 * (temperature - 16) ** 2
    table = table.assign(holiday=is_holiday.astype(int), temperature=temperature.round(2))
table.assign(load=(load * random.normal(1, 0.02, len(hours))).round(3)).to_csv(path, index=False)
"""
PACKAGED = """
import sys
import pandas as pd, statsmodels.api as sm
name, path = sys.argv[1:]  # a table with the time in its first column
table = getattr(sm.datasets, name).load_pandas().data
if name == "co2":
    table = table.reset_index()
if name == "elnino":  # a column for each month
    table = table.melt("YEAR", value_name="temperature")
    months = table["YEAR"].astype(int).astype(str) + table.pop("variable").str.capitalize()
    table = table.assign(YEAR=pd.to_datetime(months, format="%Y%b")).sort_values("YEAR")
table.rename(columns={table.columns[0]: "date"}).to_csv(path, index=False)
"""
COLUMNS = ("last value", "seasonal naive, by season", "ridge", "gradient boosting", "network", "steps ahead")


def main() -> None:
    options = stages.options(__doc__, SETS)
    print(f"| set | error | {' | '.join(COLUMNS)} | training, s |\n|{'---|' * (len(COLUMNS) + 3)}")
    for name in options.sets:
        scores, seconds = measure(name, options)
        several = ("MSE, standardised", "mse") if SETS[name].get("further_targets") else ("RMSE", "rmse")
        for words, error in (("MAE", "mae"), several):
            naive = ", ".join(f"{scores[each][error]:.4g}" for each in scores if each.startswith("seasonal_naive"))
            cells = [f"{scores[each][error]:.4g}" for each in ("last_value", "ridge", "gradient_boosting", "network")]
            cells.insert(1, naive)
            cells.append(steps_ahead(scores) if error == "mae" else "")
            print(f"| {name} | {words} | {' | '.join(cells)} | {seconds:.0f} |", flush=True)


def steps_ahead(scores: dict[str, Any]) -> str:
    """At how many steps the network's error is the lowest."""
    others = [each["steps"] for name, each in scores.items() if name != "network"]
    ahead = [own < min(rest) for own, *rest in zip(scores["network"]["steps"], *others, strict=True)]
    return f"{sum(ahead)} of {len(ahead)}"


def measure(name: str, options: argparse.Namespace) -> tuple[dict[str, Any], float]:
    """The errors of the network and of simple forecasts on the test part, and the seconds of training."""
    settings = dict(SETS[name])
    words = "".join(letter if letter.isalnum() else " " for letter in name).split()
    project = stages.bake("time-series-forecasting", " ".join(["Series", *words]), options.output)
    table = project / "data" / "raw" / "table.csv"
    if "data" in settings:
        write_table(options.data / settings.pop("data"), table, settings.pop("rows", None))
    for kind, script in (("made", MADE), ("packaged", PACKAGED)):
        if kind in settings:
            stages.python(project, options.venv, ["-c", script, settings.pop(kind), str(table)])
    if table.exists():
        settings |= {"source": "data/raw/table.csv", "time": "date"}
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
