"""An exported model as Python uses it: tables in, predictions and scores out."""

from functools import cache
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import tensorflow as tf

from .. import metrics, preprocessing
from ..config import Config
from ..core import artifacts
from ..core.command import load_settings
from ..core.errors import InputError
from ..data import targets
from ..data.provenance import name_rows
from ..data.resampling import Context
from ..evaluation import inference
from ..settings.base import DESCRIPTION
from . import registry, saved_model

NAME = "the table"  # what messages call a table that has no file


class Exported:
    """An exported version of the model."""

    def __init__(self, config: Config, version: int) -> None:
        """Loads the version."""
        self.config, self.version = config, version
        self.folder = registry.folder_of(config, version)
        self.description = load_folder(str(self.folder))[1]

    def predict(self, table: pd.DataFrame) -> pd.DataFrame:
        """The predictions for the rows of a table, with its index; labels and other texts are str.

        The table has the columns that `make predict` reads: cells as the source has them, paths or the bytes of files,
        or the history of series, of which each row is predicted from the rows before it. Others are not used.

        Raises:
            InputError: a column is missing, or a cell cannot be read.
        """
        columns = prediction_columns(self.description, self.outputs(table))
        return pd.DataFrame(columns, table.index)

    def evaluate(self, table: pd.DataFrame) -> dict[str, float]:
        """Every metric of the predictions for a table that has the target, too, each row counting the same.

        Rows without target are left out, and of series those whose history or horizon is not wholly in the table.

        Raises:
            InputError: as `predict`, or there is no target, or one that the model cannot predict.
        """
        table = targets.prepare(self.config, table)
        for name in self.config.targets:
            if name not in table.columns:
                raise InputError(f"{NAME} lacks the column {name!r}, which is the target; add it")
        check_columns(NAME, self.description, table)
        labels = preprocessing.read_labels(self.config, self.description, table)
        rows = [row for row, label in enumerate(labels) if label is not None]
        outputs = {name: inference.as_text(values)[rows].tolist() for name, values in self.outputs(table).items()}
        predictions = [dict(zip(outputs, values, strict=True)) for values in zip(*outputs.values(), strict=True)]
        pairs = [(each, labels[row]) for each, row in zip(predictions, rows, strict=True)]
        truths, scored, num_unusable = metrics.as_scored(self.description, pairs)
        if num_unusable or not pairs:
            message = (
                f"{num_unusable} of {len(pairs)} rows of {NAME} that have a {self.config.target!r} cannot be scored"
            )
            raise InputError(f"{message}; targets that the model can predict are needed")
        return metrics.score(truths, scored, Context(self.config, self.description["parts"]))

    def outputs(self, table: pd.DataFrame) -> dict[str, np.ndarray]:
        """The raw outputs for the rows of a table, each (num_rows, ...)."""
        outputs, reasons = predict_rows(self.config, self.folder, NAME, table)
        is_bad = reasons != ""
        if is_bad.any():
            rows = (np.flatnonzero(is_bad) + 1).tolist()
            raise InputError(f"{reasons[is_bad][0]}; {name_rows(rows)} of {NAME} cannot be predicted: fix the cells")
        return outputs


def load(version: int | None = None) -> Exported:
    """A version by its number, or the one in service.

    Raises:
        InputError: there is no such version, or none at all.
    """
    config = load_settings(Config, [])
    newest = registry.in_service(config)
    known = [*config.paths.versions(), *config.paths.withdrawn_versions()]
    if version is not None and version not in known:
        raise InputError(f"there is no version {version}; there are: {', '.join(map(str, sorted(known)))}")
    return Exported(config, newest if version is None else version)


@cache
def load_folder(folder: str) -> tuple[Any, dict[str, Any]]:
    """The model of an exported version and its metadata, loaded once per process."""
    description = artifacts.read_json(Path(folder) / DESCRIPTION, "export")
    with artifacts.reading(Path(folder), "export"):
        return tf.saved_model.load(folder), description


def predict_rows(
    config: Config, folder: Path, name: str, table: pd.DataFrame
) -> tuple[dict[str, np.ndarray], np.ndarray]:
    """The outputs for a table, each (num_rows, ...), and why each row cannot be predicted, (num_rows,) str, or empty.

    Raises:
        InputError: the table, which messages call by its name, lacks a column.
    """
    model, description = load_folder(str(folder))
    check_columns(name, description, table)
    arrays, reasons = preprocessing.parse_arrays(config, description["inputs"], table)
    outputs = model.signatures[saved_model.NAMED](**{name: tf.constant(array) for name, array in arrays.items()})
    return {name: tensor.numpy() for name, tensor in outputs.items()}, reasons


def check_columns(name: str, description: dict[str, Any], table: pd.DataFrame) -> None:
    """Raises InputError if the table lacks a column that the model needs."""
    entries = [entry for entry in description["inputs"].values() if entry["column"] not in table.columns]
    needed = [column for entry in entries for column in entry.get("columns", [entry["column"]])]
    lacking = [column for column in needed if column not in table.columns]
    if lacking:
        raise InputError(
            f"{name} lacks the columns {', '.join(map(repr, lacking))}, which the model needs; it has: "
            f"{', '.join(map(str, table.columns[:20]))}"
        )


def prediction_columns(description: dict[str, Any], outputs: dict[str, np.ndarray]) -> dict[str, np.ndarray]:
    """The outputs as columns: strings decoded, and one column per part of an output that has several."""
    columns = {}
    for name in sorted(outputs):
        values = outputs[name]
        if values.ndim == 1:
            columns[name] = inference.as_text(values)
        else:
            parts = description["parts"][name]
            columns |= {f"{name}: {part}": inference.as_text(values[:, place]) for place, part in enumerate(parts)}
    return columns
