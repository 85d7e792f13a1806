"""Compares searches: tuners at an equal budget of epochs, and workers side by side, through a project's own make tune.

    python tests/benchmarks/tuning.py --data DIR --venv DIR [--sets adult] [--rows 4000] [--seeds 3] [--trials 8]

DIR holds the tables by folder (adult, california_housing ...), of which `rows` are drawn. Hyperband gets one run of all
its brackets, the other tuners as many trials of full length as that takes; a trial that Hyperband takes further pays
only for the epochs that are added. Prints Markdown tables: the best validation loss by the share of the budget that is
spent, mean and range over the seeds; then how long a search takes by workers and threads. Times are wall-clock times:
they tell something on a machine that does nothing else.
"""

from __future__ import annotations

import argparse
import json
import os
import shutil
import statistics
import sys
from pathlib import Path
from tempfile import mkdtemp
from typing import Any

import pandas as pd
import quality
import stages

SHARES = (0.25, 0.5, 0.75, 1.0)
TUNERS = ("hyperband", "random", "bayesian")
THREADS = ("TF_NUM_INTRAOP_THREADS", "TF_NUM_INTEROP_THREADS", "OMP_NUM_THREADS")


def main() -> None:
    """Prints both tables for each set."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--data", type=Path, required=True)
    parser.add_argument("--venv", type=Path, required=True, help="an environment that make setup made for the problem")
    parser.add_argument("--sets", nargs="*", default=["adult"], choices=list(quality.TABLES))
    parser.add_argument("--rows", type=int, default=4_000)
    parser.add_argument("--epochs", type=int, default=9)
    parser.add_argument("--seeds", type=int, default=3)
    parser.add_argument("--trials", type=int, default=8, help="of the searches by several workers; 0: none")
    parser.add_argument("--output", type=Path, default=None, help="keep the projects here")
    options = parser.parse_args()
    options.venv, options.output = options.venv.resolve(), options.output or Path(mkdtemp())
    for name in options.sets:
        project, arguments = collected(name, options)
        if options.seeds:
            compare_tuners(name, project, arguments, options)
        if options.trials:
            compare_workers(name, project, arguments, options)


def collected(name: str, options: argparse.Namespace) -> tuple[Path, list[str]]:
    """A project with the tables of a set, and the arguments of its stages."""
    table = quality.TABLES[name]
    project = stages.bake(f"tabular-{table.task}", name, options.output, scale="cluster")
    files = sorted((options.data / name).glob(table.files))
    source = quality.prepare(name, files, project / "data" / "raw" / "table.parquet")
    pd.read_parquet(source).sample(options.rows, random_state=0).to_parquet(source, index=False)
    arguments = [f"--source={source}", f"--target={table.target}", f"--ignore={json.dumps(table.ignore)}"]
    arguments += [f"--metric={table.metric}", f"--criteria={json.dumps({table.metric: 'gradient_boosting'})}"]
    stages.run(project, options.venv, ("collect",), arguments)
    return project, [*arguments, f"--epochs={options.epochs}", "--patience=1000"]  # no trial stops early by itself


def compare_tuners(name: str, project: Path, arguments: list[str], options: argparse.Namespace) -> None:
    """Prints the best validation loss by tuner and share of the budget."""
    curves: dict[str, list[list[float]]] = {tuner: [] for tuner in TUNERS}
    seconds: dict[str, list[float]] = {tuner: [] for tuner in TUNERS}
    num_trials: dict[str, int] = {}
    budget = 0
    for seed in range(1, options.seeds + 1):
        for tuner in TUNERS:
            chosen = [*arguments, f"--tuner={tuner}", f"--seed={seed}"]
            if tuner != "hyperband":
                chosen.append(f"--max-trials={round(budget / options.epochs)}")
            seconds[tuner].append(search(project, options, chosen))
            trials = read_trials(project, options.epochs)
            if tuner == "hyperband":
                budget = sum(epochs for epochs, _ in trials)
            num_trials[tuner] = len(trials)
            curves[tuner].append([best_within(trials, share * budget) for share in SHARES])
            print(name, f"seed {seed}", tuner, len(trials), curves[tuner][-1], file=sys.stderr, flush=True)
    shares = " | ".join(f"{share:.0%}" for share in SHARES)
    print(f"\n{name}, {options.rows} rows, {options.seeds} seeds, {budget} epochs of up to {options.epochs} a trial\n")
    print(f"| tuner | trials | {shares} | seconds |\n|{'---|' * (len(SHARES) + 3)}")
    for tuner in TUNERS:
        cells = [
            f"{statistics.mean(at):.4f} ({min(at):.4f} to {max(at):.4f})" for at in zip(*curves[tuner], strict=True)
        ]
        print(
            f"| {tuner} | {num_trials[tuner]} | {' | '.join(cells)} | {statistics.mean(seconds[tuner]):.0f} |",
            flush=True,
        )


def compare_workers(name: str, project: Path, arguments: list[str], options: argparse.Namespace) -> None:
    """Prints how long a search takes by the number of workers and of threads of each."""
    num_cores = len(os.sched_getaffinity(0))
    print(f"\n{name}, {options.trials} trials of {options.epochs} epochs, {num_cores} cores\n")
    print("| workers | threads of each | seconds | times as fast | seconds of processors |\n|---|---|---|---|---|")
    chosen = [*arguments, "--tuner=random", "--seed=1", f"--max-trials={options.trials}"]
    slowest = 0.0
    for threads in (1, num_cores):
        for workers in (1, num_cores):
            os.environ.update(dict.fromkeys(THREADS, str(threads)))
            before = os.times()
            seconds = search(project, options, [*chosen, f"--workers={workers}"])
            after = os.times()
            used = sum(after[2:4]) - sum(before[2:4])  # by the processes that this one has started
            slowest = slowest or seconds
            print(f"| {workers} | {threads} | {seconds:.0f} | {slowest / seconds:.2f} | {used:.0f} |", flush=True)
    for variable in THREADS:
        del os.environ[variable]


def search(project: Path, options: argparse.Namespace, arguments: list[str]) -> float:
    """Seconds of a new search."""
    shutil.rmtree(project / "artifacts" / "tuning", ignore_errors=True)
    return stages.run(project, options.venv, ("tune",), arguments)["tune"]


def read_trials(project: Path, num_epochs: int) -> list[tuple[int, float]]:
    """The epochs that each trial has trained for and its score, in the order in which they were begun."""
    trials = []
    for path in sorted((project / "artifacts" / "tuning" / "search").glob("*/trial_*/trial.json")):
        trial: dict[str, Any] = json.loads(path.read_text(encoding="utf-8"))
        values = trial["hyperparameters"]["values"]
        epochs = values.get("tuner/epochs", num_epochs) - values.get("tuner/initial_epoch", 0)
        trials.append((epochs, float("inf") if trial["score"] is None else trial["score"]))
    return trials


def best_within(trials: list[tuple[int, float]], budget: float) -> float:
    """The best score of the trials that a budget of epochs is enough for."""
    spent, best = 0, float("inf")
    for epochs, score in trials:
        spent += epochs
        if spent > budget + epochs / 2:  # full trials seldom come out even
            break
        best = min(best, score)
    return best


if __name__ == "__main__":
    main()
