"""make predict: predicts a file of examples through the exported model, in pieces of bounded memory."""

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import tensorflow as tf
from tqdm import tqdm

from . import artifacts, inference, preprocessing, saved_model, stage, streaming
from .config import Config
from .errors import InputError
from .examples import read_pieces
from .layout import DESCRIPTION
from .provenance import Provenance, name_rows
from .streaming import Piece


def main(config: Config) -> None:
    """From the file `input` to the file `output`: the same rows and columns, and the predictions behind them."""
    if not config.input or not config.output:
        raise InputError('input and output must be given: make predict ARGS="--input new.csv --output predictions.csv"')
    source, destination = Path(config.input), Path(config.output)
    version = max(config.paths.versions(), default=0)
    folder = artifacts.require(config.paths.version(version), "export")
    exported = tf.saved_model.load(str(folder))
    description = artifacts.read_json(folder / DESCRIPTION, "export")
    provenance = Provenance()
    pieces = read_pieces(config, source, provenance)
    shown = tqdm(pieces, desc="predicting", unit=" pieces", delay=1, disable=None)
    predicted = predict_pieces(config, exported, description, shown, provenance)
    num_rows = streaming.write_pieces(destination, predicted)
    for reason, dropped in provenance.dropped.items():
        print(f"not predicted: {dropped['count']} rows ({reason}; {name_rows(dropped['first_rows'])})")
    print(f"wrote {num_rows:,} rows with predictions of version {version} to {destination}")


def predict_pieces(
    config: Config, exported: Any, description: dict[str, Any], pieces: Iterator[Piece], provenance: Provenance
) -> Iterator[pd.DataFrame]:
    """Each piece with its predictions; those of rows whose cells cannot be read stay empty."""
    predict, bad_rows = exported.signatures[saved_model.NAMED], []
    for piece in pieces:
        table = piece.table.to_pandas()
        check_columns(config, description, table)
        arrays, is_bad = preprocessing.parse_arrays(config, description["inputs"], table)
        outputs = predict(**{name: tf.constant(array) for name, array in arrays.items()})
        predictions = prediction_columns(description, {name: tensor.numpy() for name, tensor in outputs.items()})
        for name, values in predictions.items():
            column = name if name not in table.columns else f"predicted_{name}"
            table[column] = pd.Series(values, table.index).mask(is_bad)
        bad_rows += piece.numbers[is_bad].tolist()
        yield table
    provenance.drop("cells that cannot be read, predictions left empty", bad_rows)


def check_columns(config: Config, description: dict[str, Any], table: pd.DataFrame) -> None:
    """Refuses a table that lacks a column the model needs."""
    needed = [entry["column"] for entry in description["inputs"].values()]
    lacking = [column for column in needed if column not in table.columns]
    if lacking:
        raise InputError(
            f"{config.input} lacks the columns {', '.join(map(repr, lacking))}, which the model needs; it has: "
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


if __name__ == "__main__":
    stage.run(main)
