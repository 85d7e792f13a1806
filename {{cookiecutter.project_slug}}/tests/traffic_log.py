"""Request logs as the server writes them, for the tests of monitoring."""

import json
import os
from collections.abc import Callable, Iterable, Sequence
from datetime import UTC, datetime, timedelta
from functools import lru_cache
from pathlib import Path
from typing import Any

import keras
import numpy as np
import pandas as pd

from project.data import loading
from project.evaluation import inference
from project.exporting import registry

import problem
import synthetic
from declared import Config

MonitorConfig = Callable[..., Config]

START = datetime.now(UTC) + timedelta(days=1)  # after the export of the project that the tests share


@lru_cache
def known_rows(config_folder: Path, split: str) -> tuple[list[dict[str, Any]], list[dict[str, Any]], list[Any]]:
    """Inputs, outputs and labels of all examples of a split, as they would be logged."""
    settings = {"artifacts": config_folder, "target": problem.TARGET, "ignore": (problem.OTHER_TARGET,)}
    config = Config(**{**synthetic.settings(config_folder), **settings})
    examples = loading.read_examples(config, split)
    described = registry.describe(config, 1)
    outputs = inference.predict(model(config_folder), examples)
    inputs = synthetic.logged(config, described["inputs"], examples)
    predicted = [{name: jsonable(values[row]) for name, values in outputs.items()} for row in range(len(examples))]
    return inputs, predicted, plain(synthetic.labels(examples, problem.TARGET))


@lru_cache
def model(config_folder: Path) -> keras.Model:
    """The trained model of the project."""
    return inference.load_model(Config(artifacts=config_folder))


def plain(values: pd.Series) -> list[Any]:
    """A column as JSON has it."""
    if pd.api.types.is_datetime64_any_dtype(values):
        values = values.dt.strftime("%Y-%m-%dT%H:%M:%S")
    return [jsonable(value) if isinstance(value, np.ndarray) or pd.notna(value) else None for value in values]


def jsonable(value: Any) -> Any:
    """A value of an array as JSON has it."""
    if isinstance(value, bytes):
        return value.decode()
    if isinstance(value, np.ndarray) and value.dtype == object:
        return [jsonable(each) for each in value]
    return value.tolist() if isinstance(value, np.generic | np.ndarray) else value


def lines(
    config: Config, num_rows: int, seed: int = 0, *, split: str = "train", first: int = 0, version: int = 1
) -> list[dict[str, Any]]:
    """Logged predictions of rows that are drawn at random, one row a request."""
    inputs, outputs, _ = known_rows(config.artifacts, split)
    drawn = np.random.default_rng(seed).integers(len(inputs), size=num_rows)
    return [
        {
            "id": f"request-{first + place}",
            "row": 0,
            "time": moment(first + place),
            "version": version,
            "status": 200,
            "latency_ms": 1.0 + place % 100,
            "inputs": dict(inputs[row]),
            "outputs": dict(outputs[row]),
        }
        for place, row in enumerate(drawn)
    ]


def feedback(config: Config, num_rows: int, seed: int = 0, *, split: str = "train") -> list[dict[str, Any]]:
    """The labels of what `lines` has drawn."""
    targets = known_rows(config.artifacts, split)[2]
    drawn = np.random.default_rng(seed).integers(len(targets), size=num_rows)
    return [
        {"id": f"request-{place}", "row": 0, "time": moment(place), "label": targets[row]}
        for place, row in enumerate(drawn)
    ]


def rejections(
    num_requests: int, version: int = 1, error: str = "size is -1", field: str = "size"
) -> list[dict[str, Any]]:
    """Rejected requests."""
    entry = {"version": version, "status": 400, "error": error, "field": field}
    return [{"id": f"refused-{place}", "time": moment(place), **entry} for place in range(num_requests)]


def moment(place: int) -> str:
    """The time of a line: they come a second apart."""
    return (START + timedelta(seconds=place)).isoformat(timespec="milliseconds")


def write(config: Config, entries: Iterable[Any] | Sequence[bytes], name: str = "1.jsonl") -> None:
    """Writes a file of the log; bytes are written as they are."""
    config.paths.requests.mkdir(parents=True, exist_ok=True)
    texts = [entry if isinstance(entry, bytes) else json.dumps(entry).encode() for entry in entries]
    path = config.paths.requests / name
    path.write_bytes(b"".join(text + b"\n" for text in texts))
    later = (START + timedelta(days=1)).timestamp()
    os.utime(path, (later, later))  # no file is older than its lines


def status(config: Config) -> dict[str, Any]:
    """What monitoring wrote."""
    content: dict[str, Any] = json.loads((config.paths.monitoring / "status.json").read_text(encoding="utf-8"))
    return content


def fired(config: Config) -> list[str]:
    """The rules that fired in the last run."""
    return [rule["name"] for rule in status(config)["rules"] if rule["fired"]]


def page(config: Config) -> str:
    """The page that monitoring wrote."""
    return (config.paths.monitoring / "report.html").read_text(encoding="utf-8")
