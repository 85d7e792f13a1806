"""Compares the default network with scikit-learn's gradient boosting, both through a generated project's own stages.

    python tests/benchmarks/quality.py --data DIR --venv DIR [--sets adult diamonds] [--output FOLDER] [--rivals PYTHON]

DIR holds the tables by folder (adult, chicago_taxi, nycflights13, diamonds, california_housing). Both models learn from
the same training split and are scored on the same test split; nothing is tuned. Prints a Markdown table. With the
Python of an environment that has LightGBM, CatBoost and AutoGluon, their scores stand beside (see rivals.py).
"""

from __future__ import annotations

import argparse
import json
import subprocess
from dataclasses import dataclass, field
from pathlib import Path

import pandas as pd
import stages

RIVALS = ["LightGBM", "CatBoost", "AutoGluon"]
LATE = 15  # minutes
UNKNOWN_BEFORE_DEPARTURE = ["dep_time", "dep_delay", "arr_time", "air_time", "arr_delay", "tailnum", "time_hour"]

LABELS = {  # of several columns of adult, by the values that have them
    "rich": ("income", [">50K", ">50K."]),
    "married": ("marital_status", ["Married-civ-spouse"]),
    "alone": ("relationship", ["Not-in-family", "Unmarried"]),
    "employer": ("workclass", ["Self-emp-inc"]),
    "graduate": ("education", ["Bachelors", "Masters", "Doctorate", "Prof-school"]),
}
GIVING_AWAY = [*(column for column, _ in LABELS.values()), "education_num"]
NUM_LABELLED = 12_000  # rows of it, drawn at random


@dataclass(frozen=True)
class Table:
    """A table: its problem, target and the columns that would give the target away."""

    task: str
    target: str
    files: str
    ignore: list[str] = field(default_factory=list)
    folder: str = ""
    """Where it lies, if that is not called like it."""

    @property
    def metric(self) -> str:
        return {"classification": "accuracy", "multilabel-classification": "map"}.get(self.task, "rmse")


TABLES = {
    "adult": Table("classification", "income", "adult_t*.csv.gz"),
    "chicago_taxi": Table("classification", "big_tip", "*.csv.gz", ["tips"]),
    "nycflights13": Table("classification", "late", "*.csv.gz", UNKNOWN_BEFORE_DEPARTURE),
    "adult_labels": Table("multilabel-classification", ", ".join(LABELS), "adult_t*.csv.gz", GIVING_AWAY, "adult"),
    "diamonds": Table("regression", "price", "*.csv.gz"),
    "california_housing": Table("regression", "median_house_value", "*.csv.gz"),
}


def main() -> None:
    more = {"--rivals": {"default": "", "help": "the Python that has them"}, "--seconds": {"type": int, "default": 100}}
    options = stages.options(__doc__, TABLES, more)
    gains = []
    columns = ["table", "metric", "gradient boosting", "this network", "gain", "training, s"]
    columns += RIVALS if options.rivals else []
    print(f"| {' | '.join(columns)} |\n|{'---|' * len(columns)}")
    for name in options.sets:
        metric = TABLES[name].metric
        project, result = compare(name, options)
        boosting, network = result.verdict["baseline"]["gradient_boosting"][metric], result.score(metric)
        sign = -1 if TABLES[name].task == "regression" else 1
        gains.append(sign * (network - boosting) / boosting)
        cells = [name, metric, f"{boosting:.4g}", f"{network:.4g}", f"{gains[-1]:+.1%}", f"{result.seconds:.0f}"]
        print(f"| {' | '.join(cells + rivals(project, TABLES[name], options))} |", flush=True)
    print(f"| mean | | | | {sum(gains) / len(gains):+.1%} | |")


def rivals(project: Path, table: Table, options: argparse.Namespace) -> list[str]:
    """The scores of other libraries on the splits of a project, if the Python that has them is named."""
    if not options.rivals or table.metric == "map":
        return []
    command = [options.rivals, Path(__file__).with_name("rivals.py"), project, table.target, table.metric]
    command += [f"--seconds={options.seconds}", f"--seed={options.seed}"]
    command += [f"--ignore={json.dumps(table.ignore)}"]
    finished = subprocess.run(list(map(str, command)), capture_output=True, text=True, check=False)
    if finished.returncode:
        raise SystemExit(f"the rivals failed: {finished.stderr[-2000:]}")
    scores = json.loads(finished.stdout.splitlines()[-1])
    return [f"{scores[name]:.4g}" if name in scores else "" for name in RIVALS]


def compare(name: str, options: argparse.Namespace) -> tuple[Path, stages.Result]:
    """The project, and what its network has shown on the test split, beside gradient boosting."""
    table = TABLES[name]
    project = stages.bake(f"tabular-{table.task}", name, options.output)
    files = sorted((options.data / (table.folder or name)).glob(table.files))
    source = prepare(name, files, project / "data" / "raw" / "table.parquet")
    criteria = {table.metric: "gradient_boosting"}  # so that accept scores it; whether it is beaten is the question
    arguments = [f"--source={source}", f"--target={table.target}", f"--ignore={json.dumps(table.ignore)}"]
    arguments += [f"--metric={table.metric}", f"--criteria={json.dumps(criteria)}", f"--seed={options.seed}"]
    return project, stages.judge(project, options.venv, arguments)


def prepare(name: str, files: list[Path], destination: Path) -> Path:
    """Writes the table with its target, where that has to be derived from other columns."""
    frame = pd.concat([pd.read_csv(file, na_values="?", skipinitialspace=True) for file in files], ignore_index=True)
    if name == "chicago_taxi":
        frame["big_tip"] = frame["tips"] > 0.2 * frame["fare"]
    if name == "nycflights13":
        frame = frame[frame["arr_delay"].notna()]
        frame["late"] = frame["arr_delay"] > LATE
    if name == "adult_labels":
        frame = frame.sample(NUM_LABELLED, random_state=0, ignore_index=True)
        for label, (column, values) in LABELS.items():
            frame[label] = frame[column].isin(values).astype(int)
    frame.to_parquet(destination, index=False)
    return destination


if __name__ == "__main__":
    main()
