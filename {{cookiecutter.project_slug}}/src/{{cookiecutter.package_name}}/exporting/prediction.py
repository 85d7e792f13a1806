"""Predicts a table through an exported model, in pieces of bounded memory."""

from collections.abc import Iterator
from functools import cache
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
import pandas as pd
import tensorflow as tf
from tqdm import tqdm

from .. import preprocessing
from ..config import Config
from ..core import artifacts
from ..core.errors import InputError
from ..data import streaming
from ..data.provenance import Provenance, name_rows
from ..data.streaming import Piece
from ..evaluation import inference
from ..examples import read_pieces
from ..settings.paths import DESCRIPTION
from . import saved_model


class Outcome(NamedTuple):
    """How many rows were predicted, and what became of the others, a line each."""

    num_rows: int
    remarks: list[str]


def predict_table(config: Config, exported: Path, source: Path, destination: Path) -> Outcome:
    """Writes the rows and columns of a table, or of what else an input may be, with the predictions behind them.

    Raises:
        InputError: the input cannot be read or lacks a column, or the output would take its place.
    """
    if destination.resolve() == source.resolve():
        raise InputError(f"output is {str(destination)!r}, which is the input as well; give it another name")
    provenance = Provenance()
    pieces = read_pieces(config, source, provenance)
    shown = tqdm(pieces, desc="predicting", unit=" pieces", delay=1, disable=None)
    num_rows = streaming.write_pieces(destination, predict_pieces(config, exported, source, shown, provenance))
    remarks = [
        f"not predicted: {dropped['count']} rows ({reason}; {name_rows(dropped['first_rows'])})"
        for reason, dropped in provenance.dropped.items()
    ]
    return Outcome(num_rows, remarks)


@cache
def load(exported: str) -> tuple[Any, dict[str, Any]]:
    """The model of an exported version and its description; a process loads it once, for all tables."""
    return tf.saved_model.load(exported), artifacts.read_json(Path(exported) / DESCRIPTION, "export")


def predict_pieces(
    config: Config, exported: Path, source: Path, pieces: Iterator[Piece], provenance: Provenance
) -> Iterator[pd.DataFrame]:
    """Each piece with its predictions; those of rows whose cells cannot be read stay empty."""
    model, description = load(str(exported))
    predict, bad_rows = model.signatures[saved_model.NAMED], []
    for piece in pieces:
        table = piece.table.to_pandas()
        check_columns(source, description, table)
        arrays, is_bad = preprocessing.parse_arrays(config, description["inputs"], table)
        outputs = predict(**{name: tf.constant(array) for name, array in arrays.items()})
        predictions = prediction_columns(description, {name: tensor.numpy() for name, tensor in outputs.items()})
        for name, values in predictions.items():
            column = name if name not in table.columns else f"predicted_{name}"
            table[column] = pd.Series(values, table.index).mask(is_bad)
        bad_rows += piece.numbers[is_bad].tolist()
        yield table
    provenance.drop("cells that cannot be read, predictions left empty", bad_rows)


def check_columns(source: Path, description: dict[str, Any], table: pd.DataFrame) -> None:
    """Refuses a table that lacks a column the model needs."""
    needed = [entry["column"] for entry in description["inputs"].values()]
    lacking = [column for column in needed if column not in table.columns]
    if lacking:
        raise InputError(
            f"{source} lacks the columns {', '.join(map(repr, lacking))}, which the model needs; it has: "
            f"{', '.join(map(str, table.columns[:20]))}"
        )


def prediction_columns(description: dict[str, Any], outputs: dict[str, np.ndarray]) -> dict[str, np.ndarray]:
    """The model's outputs as columns: texts decoded, and a column for each part of an output that has several."""
    columns = {}
    for name in sorted(outputs):
        values = outputs[name]
        if values.ndim == 1:
            columns[name] = inference.as_text(values)
        else:
            parts = description["parts"][name]
            columns |= {f"{name}: {part}": inference.as_text(values[:, place]) for place, part in enumerate(parts)}
    return columns
