"""Scores the default network for texts on official test parts, through a generated project's own stages.

    python tests/benchmarks/texts.py --data DIR --venv DIR [--sets banking77] [--seed 0] [--output FOLDER]

DIR holds a folder for each set, with one table called ..._train and one called ..._test in it; 15 % of the training
part are for validation. Nothing is tuned. Prints a Markdown table; beside the network stands a logistic regression on
TF-IDF weights, fitted to the same examples.
"""

from __future__ import annotations

import argparse
import csv
import gzip
import json
import os
import random
import subprocess
import time
from collections import Counter
from pathlib import Path
from tempfile import mkdtemp
from typing import Any

from cookiecutter.main import cookiecutter

ROOT = Path(__file__).resolve().parents[2]
TARGETS = {"snips_intents": "intent", "banking77": "category", "imdb_20k": "label"}
VALIDATION = 0.15  # of the training part


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--data", type=Path, required=True)
    parser.add_argument("--venv", type=Path, required=True, help="an environment that make setup made for the problem")
    parser.add_argument("--sets", nargs="*", default=list(TARGETS), choices=TARGETS)
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--output", type=Path, default=None, help="keep the projects here")
    options = parser.parse_args()
    folder, venv = options.output or Path(mkdtemp()), options.venv.resolve()
    print("| set | examples | accuracy | TF-IDF, logistic regression | training, s |\n|---|---|---|---|---|")
    for name in options.sets:
        num_examples, scores, seconds = measure(name, options.data / name, venv, folder, options.seed)
        model, baseline = (scores[key] for key in ("model", "linear"))
        print(f"| {name} | {num_examples} | {model:.4f} | {baseline:.4f} | {seconds:.0f} |", flush=True)


def measure(name: str, data: Path, venv: Path, folder: Path, seed: int) -> tuple[int, dict[str, float], float]:
    """How many examples there are, the accuracies on the official test part, and the seconds of training."""
    answers = {"problem": "text-classification", "project_name": name.replace("_", " ")}
    project = Path(cookiecutter(str(ROOT), no_input=True, extra_context=answers, output_dir=str(folder)))
    fractions = write_table(data, project / "data" / "raw" / "table.csv", seed)
    arguments = ["--source=data/raw/table.csv", f"--target={TARGETS[name]}", "--time=part", "--ignore=part"]
    arguments += [f"--split-fractions={json.dumps(fractions)}", f"--seed={seed}"]
    arguments += ['--criteria={"log_loss": "majority", "accuracy": "linear"}']
    for stage in ("collect", "train", "accept"):
        command = [venv / "bin" / "python", "-m", f"{next(project.glob('src/*')).name}.{stage}", *arguments]
        started = time.perf_counter()
        finished = subprocess.run(
            command, cwd=project, env={**os.environ, "PYTHONPATH": "src"}, capture_output=True, text=True, check=False
        )
        if finished.returncode and "not accepted" not in finished.stderr:
            raise SystemExit(f"{stage} failed: {finished.stderr[-2000:]}")
        if stage == "train":
            seconds = time.perf_counter() - started
    verdict = read(project / "artifacts" / "acceptance" / "verdict.json")
    rows = read(project / "artifacts" / "examples" / "provenance.json")["rows"]
    scores = {"model": verdict["metrics"]["accuracy"]["value"], "linear": verdict["baseline"]["linear"]["accuracy"]}
    return sum(rows.values()), scores, seconds


def read(path: Path) -> dict[str, dict[str, Any]]:
    """What a JSON file holds."""
    content: dict[str, dict[str, Any]] = json.loads(path.read_text(encoding="utf-8"))
    return content


def write_table(data: Path, path: Path, seed: int) -> list[float]:
    """Writes the rows of both parts, those for validation between them, numbered in time; returns the parts' shares."""
    draw = random.Random(seed)  # noqa: S311
    rows, header = [], []
    for place, part in ((0, "train"), (2, "test")):
        (file,) = data.glob(f"*_{part}.csv.gz")
        with gzip.open(file, "rt", encoding="utf-8", newline="") as stream:
            header, *body = csv.reader(stream)
        rows += [(*row, 1 if place == 0 and draw.random() < VALIDATION else place) for row in body]
    with path.open("w", newline="", encoding="utf-8") as stream:
        csv.writer(stream).writerows([(*header, "part"), *rows])
    counts = Counter(row[-1] for row in rows)
    return [counts[part] / len(rows) for part in range(3)]


if __name__ == "__main__":
    main()
