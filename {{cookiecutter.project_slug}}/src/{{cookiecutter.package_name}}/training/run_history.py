"""What is kept of every training run in artifacts/runs/<number>, so that runs can be told apart and compared later.

run.json, history.csv, model.keras: as training wrote them, by hard links, which take neither time nor room.
logs: the curves as TensorBoard reads them.
scores.json, validation.npz: the scores on the validation split, and the predictions and targets they come from.
"""

from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from ..config import Config
from ..core import artifacts
from ..core.errors import InputError
from . import tracking

SCORES, PREDICTIONS, LOGS = "scores.json", "validation.npz", "logs"
TARGETS = "targets"  # their name among the predictions


@dataclass(frozen=True)
class Run:
    """A training run that was kept: its number, run.json and, once it was scored, its scores by metric."""

    number: int
    facts: dict[str, Any]
    scores: dict[str, dict[str, float]]


def check(config: Config) -> None:
    """Refuses before training what would fail after it."""
    tracking.check(config)


def keep(config: Config) -> None:
    """Keeps the training that has just ended, and removes the oldest runs beyond `max_runs`."""
    paths = config.paths
    number = max(paths.kept_runs(), default=0) + 1
    with artifacts.replacing(paths.kept_run(number)) as temporary:
        temporary.mkdir()
        for path in (paths.run, paths.history, paths.model):
            (temporary / path.name).hardlink_to(path)
        if paths.logs.exists():
            paths.logs.rename(temporary / LOGS)
    remove_oldest(config)
    print(f"kept in {paths.kept_run(number)}: `make runs` lists the runs, `make compare` compares the last two")
    tracking.send(config, paths.kept_run(number), read(config, number).facts)


def remove_oldest(config: Config) -> None:
    """Removes the runs beyond `max_runs`."""
    for number in config.paths.kept_runs()[: -config.max_runs]:
        artifacts.remove(config.paths.kept_run(number))


def read(config: Config, number: int) -> Run:
    """A run by its number.

    Raises:
        InputError: it is not there.
    """
    folder = config.paths.kept_run(number)
    if not folder.is_dir():
        known = ", ".join(map(str, config.paths.kept_runs()))
        raise InputError(f"there is no run {number}; there are: {known or 'none, run `make train` first'}")
    scores = artifacts.read_json(folder / SCORES, "evaluate") if (folder / SCORES).exists() else {}
    return Run(number, artifacts.read_json(folder / config.paths.run.name, "train"), scores)


def read_all(config: Config) -> list[Run]:
    """The runs that are kept, the newest first."""
    return [read(config, number) for number in reversed(config.paths.kept_runs())]


def add_scores(
    config: Config,
    model: str,
    scores: dict[str, dict[str, float]],
    targets: np.ndarray,
    predictions: dict[str, np.ndarray],
) -> None:
    """Adds what was found out on the validation split about a model, given by its hash, to its run if it is kept."""
    for run in read_all(config):
        if run.facts["model"] == model:
            folder = config.paths.kept_run(run.number)
            arrays: dict[str, Any] = {
                name: storable(values) for name, values in {**predictions, TARGETS: targets}.items()
            }
            with artifacts.replacing(folder / PREDICTIONS) as temporary:
                np.savez_compressed(temporary, **arrays)
            artifacts.write_json(folder / SCORES, scores)
            tracking.send_scores(config, folder, scores)
            return


def storable(values: np.ndarray) -> np.ndarray:
    """Texts, which TensorFlow has as bytes, in an array that NumPy can write without pickle; numbers as they are."""
    if values.dtype != object:
        return values
    return np.array([value.decode(errors="replace") if isinstance(value, bytes) else str(value) for value in values])


def read_predictions(config: Config, number: int) -> tuple[np.ndarray, dict[str, np.ndarray]]:
    """The targets and the predictions of a scored run for the validation examples, each (num_examples, ...)."""
    path: Path = artifacts.require(config.paths.kept_run(number) / PREDICTIONS, "evaluate")
    with np.load(path) as arrays:
        predictions = dict(arrays)
    return predictions.pop(TARGETS), predictions


def take_over(config: Config, candidate: Config) -> None:
    """Moves the runs of another artifacts folder behind those of the project."""
    for old in candidate.paths.kept_runs():
        number = max(config.paths.kept_runs(), default=0) + 1
        config.paths.runs.mkdir(parents=True, exist_ok=True)
        candidate.paths.kept_run(old).rename(config.paths.kept_run(number))
    remove_oldest(config)
