"""The exported versions: which there are, which one is in service, and what the project keeps about each."""

import shutil
from pathlib import Path
from typing import Any

import keras
import pandas as pd

from ..config import Config
from ..core import artifacts
from ..core.errors import InputError, RefusedError
from ..core.paths import DESCRIPTION
from ..data import loading, requests
from ..evaluation import inference
from ..reporting import report

MODEL, RUN, EXAMPLES = "model.keras", "run.json", "examples.parquet"
PREDICTIONS = {"train": "training_predictions.parquet", "validation": "validation_predictions.parquet"}
MAX_EXAMPLES = 20_000  # enough to tell a distribution to a hundredth
MAX_PREDICTIONS = 4_000  # of each split, since they take the most time


def keep(config: Config, complete: keras.Model, version: int) -> None:
    """Writes artifacts/versions/<version>.

    model.keras, run.json: from which `make update` can go on.
    examples.parquet: the columns that a client sends, of training examples, with which monitoring compares requests.
    training_predictions.parquet, validation_predictions.parquet: the outputs that have one value per example, for the
        same purpose; a model is surer of the examples that it has learned from.
    """
    examples = {split: sample(loading.read_examples(config, split), config.seed) for split in PREDICTIONS}
    with artifacts.replacing(config.paths.record(version)) as temporary:
        temporary.mkdir()
        shutil.copy2(config.paths.model, temporary / MODEL)
        shutil.copy2(config.paths.run, temporary / RUN)
        examples["train"][requests.columns(complete.input)].to_parquet(temporary / EXAMPLES, index=False)
        for split, name in PREDICTIONS.items():
            predicted = sample(examples[split], config.seed, MAX_PREDICTIONS)
            single_outputs(complete, predicted).to_parquet(temporary / name, index=False)


def sample(examples: pd.DataFrame, seed: int, most: int = MAX_EXAMPLES) -> pd.DataFrame:
    """The examples, or enough of them, in random order unless they follow each other in time."""
    drawn = examples.sample(min(len(examples), most), random_state=seed)
    return drawn.sort_index() if requests.FOLLOW_EACH_OTHER else drawn


def single_outputs(complete: keras.Model, examples: pd.DataFrame) -> pd.DataFrame:
    """The outputs that have one value per example."""
    outputs = inference.predict(complete, examples)
    return pd.DataFrame({name: inference.as_text(values) for name, values in outputs.items() if values.ndim == 1})


def in_service(config: Config) -> int:
    """The number of the version in service, which is the highest.

    Raises:
        InputError: there is none.
    """
    if not config.paths.versions():
        raise InputError(f"{config.paths.export} holds no version in service: run `make export` first")
    return config.paths.versions()[-1]


def folder_of(config: Config, number: int) -> Path:
    """Where a version is, in service or withdrawn."""
    folder = config.paths.version(number)
    return folder if folder.exists() else config.paths.withdrawn / str(number)


def describe(config: Config, number: int) -> dict[str, Any]:
    """What was written beside a version when it was exported."""
    described: dict[str, Any] = artifacts.read_json(folder_of(config, number) / DESCRIPTION, "export")
    return described


def score(described: dict[str, Any]) -> str:
    """The primary metric with its interval."""
    interval = report.Interval(**described["metrics"][described["metric"]])
    return " ".join([described["metric"], *report.format_interval(interval)])


def next_number(config: Config) -> int:
    """The number of the next version, which is above all that ever were in service."""
    return max([*config.paths.versions(), *config.paths.withdrawn_versions()], default=0) + 1


def number_of(config: Config, identity: dict[str, Any]) -> int | None:
    """The number of the version in service if it is this very model.

    Raises:
        RefusedError: the model is a version that was rolled back.
    """
    for number in config.paths.withdrawn_versions():
        if is_about(describe(config, number), identity):
            raise RefusedError(
                f"this very model is version {number}, which was rolled back; train another one, or put it back in "
                f'service by `make rollback ARGS="--version {number}"`'
            )
    newest = max(config.paths.versions(), default=0)
    return newest if newest and is_about(describe(config, newest), identity) else None


def is_about(described: dict[str, Any], identity: dict[str, Any]) -> bool:
    """Whether a version was made of the model and the data of an identity."""
    return all(described.get(name) == value for name, value in identity.items())
