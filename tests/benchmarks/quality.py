"""Compares the default network with scikit-learn's gradient boosting, both through a generated project's own stages.

    python tests/benchmarks/quality.py --data DIR --venv DIR [--tables adult diamonds] [--output FOLDER]

DIR holds the tables by folder (adult, chicago_taxi, nycflights13, diamonds, california_housing). Both models learn from
the same training split and are scored on the same test split; nothing is tuned. Prints a Markdown table.
"""

from __future__ import annotations

import argparse
import json
import os
import subprocess
import time
from dataclasses import dataclass, field
from pathlib import Path
from tempfile import mkdtemp

import pandas as pd
from cookiecutter.main import cookiecutter

ROOT = Path(__file__).resolve().parents[2]
LATE = 15  # minutes
UNKNOWN_BEFORE_DEPARTURE = ["dep_time", "dep_delay", "arr_time", "air_time", "arr_delay", "tailnum", "time_hour"]


@dataclass(frozen=True)
class Table:
    """A table: its problem, target and the columns that would give the target away."""

    task: str
    target: str
    files: str
    ignore: list[str] = field(default_factory=list)

    @property
    def metric(self) -> str:
        return "accuracy" if self.task == "classification" else "rmse"


TABLES = {
    "adult": Table("classification", "income", "adult_t*.csv.gz"),
    "chicago_taxi": Table("classification", "big_tip", "*.csv.gz", ["tips"]),
    "nycflights13": Table("classification", "late", "*.csv.gz", UNKNOWN_BEFORE_DEPARTURE),
    "diamonds": Table("regression", "price", "*.csv.gz"),
    "california_housing": Table("regression", "median_house_value", "*.csv.gz"),
}


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--data", type=Path, required=True)
    parser.add_argument("--venv", type=Path, required=True, help="an environment made by make setup")
    parser.add_argument("--tables", nargs="*", default=list(TABLES), choices=TABLES)
    parser.add_argument("--output", type=Path, default=None, help="keep the projects here")
    options = parser.parse_args()
    folder = options.output or Path(mkdtemp())
    gains = []
    print("| table | metric | gradient boosting | this network | gain | training, s |\n|---|---|---|---|---|---|")
    for name in options.tables:
        boosting, network, seconds = compare(name, options.data / name, options.venv.resolve(), folder)
        sign = 1 if TABLES[name].task == "classification" else -1
        gains.append(sign * (network - boosting) / boosting)
        scores = f"{boosting:.4g} | {network:.4g} | {gains[-1]:+.1%}"
        print(f"| {name} | {TABLES[name].metric} | {scores} | {seconds:.0f} |", flush=True)
    print(f"| mean | | | | {sum(gains) / len(gains):+.1%} | |")


def compare(name: str, data: Path, venv: Path, folder: Path) -> tuple[float, float, float]:
    """The scores of gradient boosting and of the network on the test split, and the seconds of training."""
    table = TABLES[name]
    answers = {"problem": f"tabular-{table.task}", "project_name": name.replace("_", " ")}
    project = Path(cookiecutter(str(ROOT), no_input=True, extra_context=answers, output_dir=str(folder)))
    source = prepare(name, sorted(data.glob(table.files)), project / "data" / "raw" / "table.parquet")
    criteria = {table.metric: "gradient_boosting"}  # so that accept scores it; whether it is beaten is the question
    arguments = [f"--source={source}", f"--target={table.target}", f"--ignore={json.dumps(table.ignore)}"]
    arguments += [f"--metric={table.metric}", f"--criteria={json.dumps(criteria)}"]
    for stage in ("collect", "train", "accept"):
        command = [venv / "bin" / "python", "-m", f"{next(project.glob('src/*')).name}.{stage}", *arguments]
        started = time.perf_counter()
        finished = subprocess.run(
            command, cwd=project, env={**os.environ, "PYTHONPATH": "src"}, capture_output=True, text=True, check=False
        )
        if finished.returncode and stage != "accept":
            raise SystemExit(f"{stage} failed: {finished.stderr[-2000:]}")
        if stage == "train":
            seconds = time.perf_counter() - started
    verdict = json.loads((project / "artifacts" / "acceptance" / "verdict.json").read_text(encoding="utf-8"))
    network = verdict["metrics"][table.metric]["value"]
    return verdict["baseline"]["gradient_boosting"][table.metric], network, seconds


def prepare(name: str, files: list[Path], destination: Path) -> Path:
    """Writes the table with its target, where that has to be derived from other columns."""
    frame = pd.concat([pd.read_csv(file, na_values="?", skipinitialspace=True) for file in files], ignore_index=True)
    if name == "chicago_taxi":
        frame["big_tip"] = frame["tips"] > 0.2 * frame["fare"]
    if name == "nycflights13":
        frame = frame[frame["arr_delay"].notna()]
        frame["late"] = frame["arr_delay"] > LATE
    frame.to_parquet(destination, index=False)
    return destination


if __name__ == "__main__":
    main()
