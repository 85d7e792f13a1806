"""Sends what is kept of a run to MLflow as well, if the setting `mlflow` says where to."""

import importlib
import importlib.util
import os
import sys
from collections.abc import Generator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pandas as pd

from ..config import Config
from ..core import artifacts
from ..core.errors import InputError
from ..core.paths import PROJECT

IDENTITY = "mlflow.json"  # in the folder of a run: how MLflow calls it
PATIENCE = {"MLFLOW_HTTP_REQUEST_MAX_RETRIES": "1", "MLFLOW_HTTP_REQUEST_TIMEOUT": "10"}  # by itself: minutes
MOST_PARAMETERS, MOST_METRICS = 100, 1_000  # of one message, and
MOST_CHARACTERS = 500  # of a parameter: MLflow refuses more


def check(config: Config) -> None:
    """Refuses a setting that cannot be followed, before training rather than after it."""
    if config.mlflow and not importlib.util.find_spec("mlflow"):
        message = f"mlflow is {config.mlflow!r}, but MLflow is not installed: move it from `tracking` to `pipeline` in"
        raise InputError(f"{message} pyproject.toml and run `make setup`, or leave the setting empty")


def send(config: Config, folder: Path, facts: Mapping[str, Any]) -> None:
    """Sends settings, hyperparameters, data hash, commit and curves of the run that is kept in a folder."""
    if not config.mlflow:
        return
    with tolerated(config):
        client = connect(config)
        experiment = client.get_experiment_by_name(PROJECT)
        place = experiment.experiment_id if experiment else client.create_experiment(PROJECT)
        tags = {name: str(facts[name]) for name in ("data", "commit", "model")}
        run = client.create_run(place, tags=tags, run_name=facts["time"]).info.run_id
        entities = importlib.import_module("mlflow.entities")
        values = {**facts["settings"], **{f"hyperparameters.{key}": v for key, v in facts["hyperparameters"].items()}}
        parameters = [entities.Param(name, str(value)[:MOST_CHARACTERS]) for name, value in values.items()]
        for start in range(0, len(parameters), MOST_PARAMETERS):
            client.log_batch(run, params=parameters[start : start + MOST_PARAMETERS])
        curves = pd.read_csv(folder / config.paths.history.name).to_dict("records")
        points = [
            entities.Metric(name, value, 0, int(row["epoch"]) + 1)
            for row in curves
            for name, value in row.items()
            if name != "epoch"
        ]
        for start in range(0, len(points), MOST_METRICS):
            client.log_batch(run, metrics=points[start : start + MOST_METRICS])
        client.log_artifact(run, str(folder / config.paths.run.name))
        client.set_terminated(run)
        artifacts.write_json(folder / IDENTITY, {"address": config.mlflow, "run": run})


def send_scores(config: Config, folder: Path, scores: Mapping[str, Mapping[str, float]]) -> None:
    """Adds the scores on the validation split, with the bounds of their intervals, to a run that was sent before."""
    if not config.mlflow or not (folder / IDENTITY).exists():
        return
    with tolerated(config):
        client, run = connect(config), artifacts.read_json(folder / IDENTITY, "train")["run"]
        for metric, interval in scores.items():
            for bound, value in interval.items():
                client.log_metric(run, metric if bound == "value" else f"{metric}_{bound}", value)


def connect(config: Config) -> Any:
    """MLflow's client; that a folder may be its store has to be said to newer versions of it."""
    for name, value in {**PATIENCE, "MLFLOW_ALLOW_FILE_STORE": "true"}.items():
        os.environ.setdefault(name, value)
    return importlib.import_module("mlflow").MlflowClient(config.mlflow)


@contextmanager
def tolerated(config: Config) -> Generator[None, None, None]:
    """A run that cannot be sent is told of, but nothing is lost by it: it is kept here in any case."""
    try:
        yield
    except (importlib.import_module("mlflow.exceptions").MlflowException, OSError) as error:
        problem = str(error).splitlines()[0]
        print(f"warning: {config.mlflow} did not take the run, which is kept here: {problem}", file=sys.stderr)
