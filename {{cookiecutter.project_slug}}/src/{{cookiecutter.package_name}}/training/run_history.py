"""What is kept of every training run in artifacts/runs/<number>, so that runs can be told apart and compared later.

run.json, history.csv, model.keras: as training wrote them, by hard links, which take neither time nor room.
logs: the curves as TensorBoard reads them.
scores.json, validation.npz: the scores on the validation split, and the predictions and targets they come from.
"""

import importlib
import os
import platform
import shutil
import subprocess
import sys
from collections.abc import Generator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime
from importlib import metadata
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
import pandas as pd

from ..config import Config
from ..core import artifacts, staleness
from ..core.errors import InputError
from ..data import tables
from ..settings.base import PROJECT, without_password, without_secrets

if TYPE_CHECKING:
    import keras
    import keras_tuner

    from .fit import Checkpoint

SCORES, PREDICTIONS, LOGS = "scores.json", "validation.npz", "logs"
TARGETS, WEIGHTS = "targets", "sample_weight"  # their names among the predictions
VERSIONED = ("tensorflow", "keras", "numpy", "pandas", "tensorflow-data-validation")

IDENTITY = "mlflow.json"  # in the folder of a run: the run's name in MLflow
MOST_PARAMETERS, MOST_CHARACTERS = 100, 500  # of a message, and of a parameter: MLflow refuses more
MLFLOW = {  # environment variables of MLflow
    "MLFLOW_ALLOW_FILE_STORE": "true",
    "MLFLOW_HTTP_REQUEST_MAX_RETRIES": "1",  # by default, an unreachable server is waited for for minutes
    "MLFLOW_HTTP_REQUEST_TIMEOUT": "10",
    "MLFLOW_LOGGING_LEVEL": "ERROR",
    "MLFLOW_SUPPRESS_PRINTING_URL_TO_STDOUT": "true",
}


@dataclass(frozen=True)
class Run:
    """A training run that was kept: its number, run.json and, once it was scored, its scores by metric."""

    number: int
    facts: dict[str, Any]
    scores: dict[str, dict[str, float]]


def keep(config: Config) -> None:
    """Keeps the training that has just ended, and removes the oldest runs beyond `max_runs`."""
    paths = config.paths
    number = max(paths.kept_runs(), default=0) + 1
    with artifacts.replacing(paths.kept_run(number)) as temporary:
        temporary.mkdir()
        for path in (paths.run, paths.history, paths.model):
            link_or_copy(path, temporary / path.name)
        if paths.logs.exists():
            paths.logs.rename(temporary / LOGS)
    remove_oldest(config)
    print(f"kept in {paths.kept_run(number)}: `make runs` lists the runs, `make compare` compares the last two")
    send(config, paths.kept_run(number), read(config, number).facts)


def link_or_copy(path: Path, other: Path) -> None:
    """Gives a file a second name, or copies it where the file system has no hard links."""
    try:
        other.hardlink_to(path)
    except OSError:
        shutil.copy2(path, other)


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
    weights: np.ndarray | None = None,
) -> None:
    """Adds what was found out on the validation split about a model, given by its hash, to its run if it is kept."""
    for run in read_all(config):
        if run.facts["model"] == model:
            folder = config.paths.kept_run(run.number)
            found = {**predictions, TARGETS: targets} | ({} if weights is None else {WEIGHTS: weights})
            arrays: dict[str, Any] = {name: storable(values) for name, values in found.items()}
            with artifacts.replacing(folder / PREDICTIONS) as temporary:
                np.savez_compressed(temporary, **arrays)
            artifacts.write_json(folder / SCORES, scores)
            send_scores(config, folder, scores)
            return


def storable(values: np.ndarray) -> np.ndarray:
    """Texts, which TensorFlow has as bytes, in an array that NumPy can write without pickle; numbers as they are."""
    if values.dtype != object:
        return values
    return np.array([value.decode(errors="replace") if isinstance(value, bytes) else str(value) for value in values])


def read_predictions(config: Config, number: int) -> tuple[np.ndarray, dict[str, np.ndarray], np.ndarray | None]:
    """Targets, predictions and weights, if any, of a scored run on the validation split, each (num_examples, ...)."""
    path = config.paths.kept_run(number) / PREDICTIONS
    with artifacts.reading(path, "evaluate"), np.load(path) as arrays:
        predictions = dict(arrays)
    return predictions.pop(TARGETS), predictions, predictions.pop(WEIGHTS, None)


def take_over(config: Config, candidate: Config) -> None:
    """Moves the runs of another artifacts folder behind those of the project."""
    for old in candidate.paths.kept_runs():
        number = max(config.paths.kept_runs(), default=0) + 1
        config.paths.runs.mkdir(parents=True, exist_ok=True)
        candidate.paths.kept_run(old).rename(config.paths.kept_run(number))
    remove_oldest(config)


def send(config: Config, folder: Path, facts: Mapping[str, Any]) -> None:
    """Sends settings, hyperparameters, data hash, commit and curves of the run in a folder to MLflow, if it is set."""
    if not config.mlflow:
        return
    hyperparameters = {f"hyperparameters.{name}": value for name, value in facts["hyperparameters"].items()}
    values = {name: str(value)[:MOST_CHARACTERS] for name, value in {**facts["settings"], **hyperparameters}.items()}
    with sending(config) as mlflow:
        mlflow.set_experiment(PROJECT)
        tags = {name: str(facts[name]) for name in ("data", "commit", "model")}
        with mlflow.start_run(run_name=facts["time"], tags=tags) as run:
            for start in range(0, len(values), MOST_PARAMETERS):
                mlflow.log_params(dict(list(values.items())[start : start + MOST_PARAMETERS]))
            for row in pd.read_csv(folder / config.paths.history.name).to_dict("records"):
                mlflow.log_metrics(row, step=int(row.pop("epoch")) + 1)
            mlflow.log_artifact(str(folder / config.paths.run.name))
        artifacts.write_json(folder / IDENTITY, {"address": without_password(config.mlflow), "run": run.info.run_id})


def send_scores(config: Config, folder: Path, scores: Mapping[str, Mapping[str, float]]) -> None:
    """Adds the scores on the validation split, with the bounds of their intervals, to a run that was sent before."""
    if not config.mlflow or not (folder / IDENTITY).exists():
        return
    named = {
        metric if bound == "value" else f"{metric}_{bound}": value
        for metric, interval in scores.items()
        for bound, value in interval.items()
    }
    with sending(config) as mlflow, mlflow.start_run(artifacts.read_json(folder / IDENTITY, "train")["run"]):
        mlflow.log_metrics(named)


@contextmanager
def sending(config: Config) -> Generator[Any, None, None]:
    """MLflow, as a module; what it does not accept is reported, and nothing is lost, since every run is kept here."""
    for name, value in MLFLOW.items():
        os.environ.setdefault(name, value)
    mlflow = importlib.import_module("mlflow")
    mlflow.set_tracking_uri(config.mlflow)
    try:
        yield mlflow
    except (mlflow.exceptions.MlflowException, OSError) as error:
        problem = without_secrets(str(error).splitlines()[0])
        address = without_password(config.mlflow)
        print(f"warning: {address} did not accept the run, which is kept here: {problem}", file=sys.stderr)


def save(
    config: Config,
    serving_model: "keras.Model",
    checkpoint: "Checkpoint",
    hyperparameters: "keras_tuner.HyperParameters",
    seconds: float,
    more: Mapping[str, Any],
) -> None:
    """Writes the model, the history and the facts about the run; the model last, since it says that all is there."""
    from .. import task  # here, since TensorFlow takes seconds to import

    paths, history = config.paths, pd.DataFrame(checkpoint.history)
    best = checkpoint.history[checkpoint.best_epoch]
    chosen, defaults = hyperparameters.values, {each.name: each.default for each in hyperparameters.space}
    with artifacts.replacing(paths.history) as temporary:
        history.to_csv(temporary, index=False)
    with artifacts.replacing(paths.model) as temporary:
        serving_model.save(temporary)
        facts = run_facts(config) | {
            "network": staleness.network_hash(config),
            "monitor": checkpoint.objective.name,
            "model": artifacts.content_hash(temporary),
            "parts": task.output_parts(serving_model.get_layer("decode").target),
            "hyperparameters": chosen,
            "tuned": {name: value for name, value in chosen.items() if value != defaults.get(name)},
            "num_weights": serving_model.count_params(),
            "epochs": checkpoint.epochs_done,
            "best_epoch": best["epoch"] + 1,
            "seconds": round(seconds, 1),
            "ended_by_time": checkpoint.limit.is_over,
            "metrics": best,
            **more,
        }
        artifacts.write_json(paths.run, facts)
    if not checkpoint.limit.is_over:
        artifacts.remove(paths.training / "checkpoint")
    print(summary(config, checkpoint, seconds))
    print(f"wrote {paths.model}, {paths.history}, {paths.run}")


def summary(config: Config, checkpoint: "Checkpoint", seconds: float) -> str:
    """What training reached, and how it can go on if its time was over."""
    best, epochs = checkpoint.history[checkpoint.best_epoch], checkpoint.epochs_done
    scores = ", ".join(f"{name[4:]} {score:.4g}" for name, score in best.items() if name.startswith("val_"))
    trained = f"trained {epochs} epochs in {seconds:.0f} s; epoch {best['epoch'] + 1} is the best: {scores}"
    if not checkpoint.limit.is_over:
        return trained
    return f"{trained}\n{config.minutes:g} minutes were over: `make train ARGS=--force` goes on from here"


def run_facts(config: Config) -> dict[str, Any]:
    """What it takes to make the run again: settings, data, code and versions."""
    return {
        "time": datetime.now(UTC).isoformat(timespec="seconds"),
        "settings": config.public(),
        "data": tables.data_hash(config),
        "validation": tables.validation_hash(config),
        "commit": git_commit(),
        "python": platform.python_version(),
        "versions": {name: metadata.version(name) for name in VERSIONED},
    }


def git_commit() -> str:
    """The commit of the code, with a plus sign when files differ from it; empty outside a repository."""
    question = ["git", "describe", "--always", "--abbrev=40", "--exclude=*", "--dirty=+"]
    try:
        return subprocess.run(question, capture_output=True, text=True, check=True).stdout.strip()
    except (OSError, subprocess.CalledProcessError):
        return ""
